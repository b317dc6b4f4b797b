/* osdc.c: the life of the OSD client and of a request: submitted, admitted, ended. See osdc.h for its states.
 */
#include "osdc_impl.h"

#include <errno.h>
#include <stddef.h>

static const char *const state_names[] = { "new", "waits for room", "parked", "held", "sent", "ending" };
static const char *const why_names[] = {
	"",
	"no map yet",
	"waits for the epoch of a barrier",
	"unknown pool",
	"no osd is up",
	"paused or full",
	"behind a paused one",
	"backoff",
	"no connection",
	"behind another for the same object",
	"to be sent again",
};

const char *osd_req_state_name(enum osd_req_state s)
{
	return state_names[s];
}

const char *osd_req_why_name(enum osd_req_why w)
{
	return why_names[w];
}

/* ---- the end of a request ---- */

static void admit(struct osdc *c);

static void finish(struct osd_req *q, int result)
{
	struct osdc *c = q->c;
	struct osd_kept *kept = q->kept;

	c->count[OSD_REQ_ENDING]--;
	q->state = OSD_REQ_NEW;
	q->kept = NULL;
	osd_req_fini(q);
	q->done(q, q->fence ? q->forsaken : result);
	mem_free(kept, 0);
	admit(c);
}

static void check_stopped(struct osdc *c)
{
	void (*stopped)(void *arg) = c->stopped;

	if (!c->stopping || !stopped || !TAILQ_EMPTY(&c->ending) || !TAILQ_EMPTY(&c->draining))
		return;
	c->stopped = NULL;
	stopped(c->arg);
}

static void end_run(struct ring_task *t)
{
	struct osdc *c = (struct osdc *)((char *)t - offsetof(struct osdc, end_task));
	struct osd_req *q;

	osdc_let_go(c);
	while ((q = TAILQ_FIRST(&c->ending)) != NULL) {
		TAILQ_REMOVE(&c->ending, q, link);
		finish(q, q->result);
	}
	check_stopped(c);
}

void osdc_end_soon(struct osdc *c)
{
	c->end_task.fn = end_run;
	ring_defer(c->ring, &c->end_task);
}

static void leave(struct osd_req *q)
{
	struct osdc *c = q->c;
	bool held = q->state == OSD_REQ_HELD;

	if (q->state == OSD_REQ_ROOM) {
		TAILQ_REMOVE(&c->room, q, link);
	} else {
		TAILQ_REMOVE(&c->all, q, link);
		tid_take(&c->reqs, q->id.tid);
		c->bytes -= q->cost;
	}
	if (q->holding)
		TAILQ_REMOVE(&c->forsaken, q, forsaken_link);
	q->holding = false;
	osd_req_set_state(q, OSD_REQ_ENDING, OSD_WHY_NONE);
	ring_timer_clear(c->ring, &q->timer);
	if (held)
		osdc_kick_later(c); /* it may have held back others */
	osd_req_unsend(q);
}

void osdc_drain_later(struct osdc *c)
{
	if (!c->drain_timer.slot)
		ring_timer_set(c->ring, &c->drain_timer, ring_now_fresh(c->ring) + OSDC_DRAIN_NS);
}

/* In ENDING: `done` as soon as may be. */
static void end(struct osd_req *q, int result)
{
	struct osdc *c = q->c;

	q->result = result;
	if (!q->lent) {
		TAILQ_INSERT_TAIL(&c->ending, q, link);
		osdc_end_soon(c);
		return;
	}
	TAILQ_INSERT_TAIL(&c->draining, q, link);
	q->draining = true;
	osdc_drain_later(c);
}

void osd_req_end_later(struct osd_req *q, int result)
{
	leave(q);
	q->reply = NULL;
	end(q, result);
}

static struct osd_kept *keep(const struct osd_reply *r, const uint8_t *data, uint32_t data_len)
{
	struct osd_kept *k = mem_alloc(sizeof *k + data_len);

	if (!k)
		return NULL;
	k->reply = *r;
	k->reply.oid = (struct slice){ 0 };
	if (data_len)
		memcpy(k->data, data, data_len);
	return k;
}

void osd_req_replied(struct osd_req *q, int result, const struct osd_reply *r, const uint8_t *data,
		     uint32_t data_len)
{
	leave(q);
	q->reply = r;
	q->data = data;
	if (!q->lent) {
		finish(q, result);
		return;
	}
	/* An earlier sending of it is not out of the kernel's hands: its connection has just broken. */
	q->kept = keep(r, data, data ? data_len : 0);
	q->reply = q->kept ? &q->kept->reply : NULL;
	q->data = q->kept && data ? q->kept->data : NULL;
	end(q, q->kept ? result : -ENOMEM);
}

void osd_req_lend(struct osd_req *q)
{
	q->lent++;
}

void osd_req_give_back(struct osd_req *q)
{
	struct osdc *c = q->c;

	if (--q->lent)
		return;
	if (q->holding)
		osdc_end_soon(c);
	if (!q->draining)
		return;
	q->draining = false;
	TAILQ_REMOVE(&c->draining, q, link);
	TAILQ_INSERT_TAIL(&c->ending, q, link);
	osdc_end_soon(c);
}

static bool drains(const struct osd_session *s)
{
	const struct osd_req *q;

	TAILQ_FOREACH(q, &s->c->draining, link)
	if (q->msg_osd == s->osd)
		return true;
	TAILQ_FOREACH(q, &s->c->forsaken, forsaken_link)
	if (q->lent && q->msg_osd == s->osd)
		return true;
	return false;
}

static void break_if_drained(struct osd_session *s, void *arg)
{
	(void)arg;
	if (!s->conn || !drains(s))
		return;
	log_emit(s->c->log, LOG_WARN, "osd.%d: connecting anew: memory of a request that has ended is in use",
		 s->osd);
	osd_session_break(s);
}

/* A send that the OSD does not take, or a reply that stops in its middle: only the end of the connection
 * gives the memory back. Everything else on it is sent again. */
static void on_drain(struct ring_timer *t)
{
	struct osdc *c = (struct osdc *)((char *)t - offsetof(struct osdc, drain_timer));

	osdc_sessions_each(c, break_if_drained, NULL);
	if (!TAILQ_EMPTY(&c->draining) || !TAILQ_EMPTY(&c->forsaken))
		ring_timer_set(c->ring, t, ring_now(c->ring) + OSDC_DRAIN_NS);
}

void osdc_cancel(struct osd_req *q, int err)
{
	if (q->state == OSD_REQ_NEW || q->state == OSD_REQ_ENDING)
		return;
	q->c->stats.cancelled++;
	osd_req_end_later(q, err);
}

uint32_t osdc_cancel_writes(struct osdc *c, int64_t pool, int err)
{
	struct osd_req_list *const lists[] = { &c->all, &c->room };
	struct osd_req *q, *next;

	for (int i = 0; i < 2; i++)
		for (q = TAILQ_FIRST(lists[i]); q; q = next) {
			next = TAILQ_NEXT(q, link);
			if (q->write && osd_target_respects_full(q) && (pool < 0 || pool == q->pool))
				osdc_cancel(q, err);
		}
	return c->epoch;
}

static void on_deadline(struct ring_timer *t)
{
	struct osd_req *q = (struct osd_req *)((char *)t - offsetof(struct osd_req, timer));
	struct osdc *c = q->c;

	c->stats.timeouts++;
	log_emit(c->log, LOG_WARN, "osd.%d: %s %.*s: not done in time (%s%s%s)", q->target.osd,
		 osd_op_name(q->op[0].code), (int)q->name_len, q->name, osd_req_state_name(q->state),
		 q->why ? ": " : "", osd_req_why_name(q->why));
	osd_req_end_later(q, -ETIMEDOUT);
}

/* ---- its beginning ---- */

static void number(struct osd_req *q)
{
	struct osdc *c = q->c;

	q->id.tid = ++c->last_tid;
	q->attempt = -1;
	TAILQ_INSERT_TAIL(&c->all, q, link);
	c->bytes += q->cost;
	if (tid_put(&c->reqs, &q->id))
		osd_req_end_later(q, -ENOMEM);
	else
		osd_req_route(q);
}

void osd_req_renew(struct osd_req *q)
{
	struct osdc *c = q->c;

	TAILQ_REMOVE(&c->all, q, link);
	tid_take(&c->reqs, q->id.tid);
	c->bytes -= q->cost;
	osd_req_set_state(q, OSD_REQ_NEW, OSD_WHY_NONE);
	number(q);
}

static bool has_room(const struct osdc *c, const struct osd_req *q)
{
	uint32_t n = c->count[OSD_REQ_PARKED] + c->count[OSD_REQ_HELD] + c->count[OSD_REQ_SENT];

	return !n || (n < c->o.max_reqs && c->bytes + q->cost <= c->o.max_bytes);
}

static void admit(struct osdc *c)
{
	struct osd_req *q;

	while ((q = TAILQ_FIRST(&c->room)) != NULL && has_room(c, q)) {
		TAILQ_REMOVE(&c->room, q, link);
		osd_req_set_state(q, OSD_REQ_NEW, OSD_WHY_NONE);
		number(q);
	}
}

static void classify(struct osd_req *q)
{
	q->read = q->write = false;
	q->cost = q->bulk_len + q->dest_len;
	for (unsigned i = 0; i < q->op_count; i++) {
		q->read |= (q->op[i].code & OSD_OP_MODE_READ) != 0;
		q->write |= (q->op[i].code & OSD_OP_MODE_WRITE) != 0;
	}
	q->wire_flags = (q->read ? OSD_FLAG_READ : 0) | (q->write ? OSD_FLAG_WRITE : 0);
}

static void begin(struct osdc *c, struct osd_req *q)
{
	q->c = c;
	q->begun_ns = ring_now_fresh(c->ring);
	q->begun_wall_ns = ring_wall(c->ring);
	q->snaps_kept = q->snap_count;
	q->state = OSD_REQ_NEW;
	q->paused = q->plain = false;
	q->fence = q->holding = false;
	q->forsaken = 0;
	q->redirects = 0;
	q->pool_asked = 0;
	q->target = (struct osd_target){ .primary = -1, .osd = -1 };
	q->session = NULL;
	q->msg = NULL;
	q->msg_osd = -1;
	q->lent = 0;
	q->draining = false;
	q->kept = NULL;
	q->reply = NULL;
	q->data = NULL;
	q->dest_done = 0;
	c->count[OSD_REQ_NEW]++;
	c->stats.requests++;
	c->stats.reads += q->read;
	c->stats.writes += q->write;
	q->timer = (struct ring_timer){ .fn = on_deadline };
	if (q->deadline_ns)
		ring_timer_set(c->ring, &q->timer, q->deadline_ns);
}

int osdc_submit(struct osdc *c, struct osd_req *q)
{
	int err = osd_req_check(q);

	if (err || c->stopping)
		return err ? err : -ESHUTDOWN;
	classify(q);
	begin(c, q);
	osdc_tick_arm(c);
	if (TAILQ_EMPTY(&c->room) && has_room(c, q)) {
		number(q);
	} else {
		TAILQ_INSERT_TAIL(&c->room, q, link);
		osd_req_set_state(q, OSD_REQ_ROOM, OSD_WHY_NONE);
	}
	return 0;
}

/* ---- time passes ---- */

static void look_for_slow(struct osdc *c, uint64_t now)
{
	struct osd_req *q = TAILQ_FIRST(&c->all);

	/* By tid, so the first waits longest, or nearly. It may wait for an OSD that died: the next map
	 * tells. */
	if (!q || now - q->begun_ns < OSDC_SLOW_NS)
		return;
	osdc_want_map(c);
	if (c->answers < c->questions || q->why == OSD_WHY_NO_POOL)
		osdc_kick_later(c);
}

static void on_tick(struct ring_timer *t)
{
	struct osdc *c = (struct osdc *)((char *)t - offsetof(struct osdc, tick));

	if (!c->map || c->full_wanted)
		osdc_want_map(c);
	look_for_slow(c, ring_now(c->ring));
	osdc_sessions_idle(c);
	if (!TAILQ_EMPTY(&c->all) || tid_count(&c->sessions) || !c->map || c->full_wanted)
		osdc_tick_arm(c);
}

void osdc_tick_arm(struct osdc *c)
{
	if (!c->tick.slot)
		ring_timer_set(c->ring, &c->tick, ring_now(c->ring) + OSDC_TICK_NS);
}

/* ---- the client ---- */

static int tables_init(struct osdc *c)
{
	int err = tid_table_init(&c->reqs);

	if (err)
		return err;
	err = tid_table_init(&c->sessions);
	if (err)
		tid_table_fini(&c->reqs);
	return err;
}

/* Where we are, for reads from the nearest. */
static int place_here(struct osdc *c, const char *text)
{
	int count;

	c->location = mem_strdup(text);
	if (!c->location)
		return -ENOMEM;
	count = crush_places_parse(c->location, c->place);
	if (count < 0)
		return log_fail(c->log, count, "crush_location: not a list of type=name: %s", text);
	c->place_count = (uint32_t)count;
	return 0;
}

int osdc_new(struct ring *r, struct log *log, struct mon *mon, const struct osdc_opts *o,
	     const struct osdc_ops *ops, void *arg, struct osdc **out)
{
	struct osdc *c = mem_alloc(sizeof *c);
	int err;

	if (!c)
		return -ENOMEM;
	*c = (struct osdc){ .ring = r, .log = log, .mon = mon, .o = *o, .ops = ops, .arg = arg };
	TAILQ_INIT(&c->room);
	TAILQ_INIT(&c->all);
	TAILQ_INIT(&c->ending);
	TAILQ_INIT(&c->draining);
	TAILQ_INIT(&c->forsaken);
	c->tick.fn = on_tick;
	c->drain_timer.fn = on_drain;
	c->o.max_reqs = c->o.max_reqs ? c->o.max_reqs : OSDC_REQS_MAX;
	c->o.max_bytes = c->o.max_bytes ? c->o.max_bytes : OSDC_BYTES_MAX;
	err = tables_init(c);
	if (err) {
		mem_free(c, sizeof *c);
		return err;
	}
	c->pgs = mem_alloc(OSDC_PG_CACHE * sizeof *c->pgs);
	err = !c->pgs ? -ENOMEM : o->location ? place_here(c, o->location) : 0;
	if (err) {
		osdc_free(c);
		return err;
	}
	c->o.location = NULL; /* was the caller's */
	*out = c;
	return 0;
}

void osdc_start(struct osdc *c)
{
	osdc_want_map(c);
	osdc_tick_arm(c);
}

void osdc_stop(struct osdc *c, void (*stopped)(void *arg))
{
	struct osd_req *q;

	c->stopping = true;
	c->stopped = stopped;
	while ((q = TAILQ_FIRST(&c->all)) != NULL || (q = TAILQ_FIRST(&c->room)) != NULL)
		osd_req_end_later(q, -ESHUTDOWN);
	if (c->answers < c->questions)
		mon_request_cancel(c->mon, &c->question);
	mon_unsubscribe(c->mon, "osdmap");
	osdc_sessions_free(c);
	ring_timer_clear(c->ring, &c->tick);
	ring_timer_clear(c->ring, &c->drain_timer);
	osdc_end_soon(c);
}

void osdc_free(struct osdc *c)
{
	if (!c)
		return;
	osdmap_free(c->map);
	mem_free(c->pgs, 0);
	mem_free(c->location, 0);
	tid_table_fini(&c->sessions);
	tid_table_fini(&c->reqs);
	mem_free(c, sizeof *c);
}
