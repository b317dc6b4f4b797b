/* osdc_route.c: where each request stands, and what a new map means for it.
 *
 * A request that may not be sent holds back later ones for its object. To find out costs one look into a
 * table of counters by the hash of the object; two objects that share a slot wait for each other now and
 * then, which harms nobody. Writes that flags hold back are counted apart: reads pass them.
 */
#include "osdc_impl.h"

#include <errno.h>

static void count_held(struct osd_req *q)
{
	q->held_slot = q->target.hash % OSD_HELD_SLOTS;
	q->c->held[q->held_slot]++;
}

static bool is_paused(enum osd_req_why why)
{
	return why == OSD_WHY_PAUSED || why == OSD_WHY_BEHIND_PAUSED;
}

/* Because of an earlier one for the same object. */
static enum osd_req_why behind(const struct osd_req *q)
{
	enum osd_req_why why = OSD_WHY_NONE;
	const struct osd_req *p;

	if (!q->c->held[q->target.hash % OSD_HELD_SLOTS])
		return OSD_WHY_NONE;
	for (p = TAILQ_FIRST(&q->c->all); p != q; p = TAILQ_NEXT(p, link)) {
		if (p->state != OSD_REQ_HELD || p->target.hash != q->target.hash ||
		    p->target.pool != q->target.pool)
			continue;
		if (!is_paused(p->why))
			return OSD_WHY_BEHIND;
		if (q->write)
			why = OSD_WHY_BEHIND_PAUSED;
	}
	return why;
}

void osd_req_set_state(struct osd_req *q, enum osd_req_state s, enum osd_req_why why)
{
	struct osdc *c = q->c;

	if (q->state == OSD_REQ_HELD)
		c->held[q->held_slot]--;
	if (q->state == OSD_REQ_SENT)
		ring_expect(c->ring, -1);
	c->count[q->state]--;
	q->state = s;
	q->why = why;
	c->count[s]++;
	if (s == OSD_REQ_HELD)
		count_held(q);
	if (s == OSD_REQ_SENT)
		ring_expect(c->ring, 1);
	else if (s != OSD_REQ_HELD && q->session) {
		q->session->reqs--;
		q->session = NULL;
	}
}

void osd_req_recall(struct osd_req *q)
{
	if (q->state == OSD_REQ_SENT)
		osd_req_set_state(q, OSD_REQ_HELD, OSD_WHY_AGAIN);
}

static void attach(struct osd_req *q, struct osd_session *s)
{
	if (q->session)
		q->session->reqs--;
	q->session = s;
	s->reqs++;
	s->used_ns = ring_now(q->c->ring);
}

static void park(struct osd_req *q, enum osd_req_why why)
{
	osd_req_set_state(q, OSD_REQ_PARKED, why);
	osdc_want_map(q->c);
}

/* ---- pools that the map does not have ---- */

static void answered(struct mon_request *m, int err)
{
	struct osdc *c = (struct osdc *)((char *)m - offsetof(struct osdc, question));

	if (err) /* of mon_free() only */
		return;
	c->answers = c->questions;
	c->answer_epoch = (uint32_t)c->question.version.newest;
	osdc_kick_later(c);
}

static void ask(struct osdc *c)
{
	c->question.done = answered;
	if (c->answers == c->questions && !mon_getversion(c->mon, &c->question, "osdmap", 0))
		c->questions++;
}

/* It may be newer than our map: a pool just made must not fail. One that was there and is not any more is
 * gone. */
static void no_pool(struct osd_req *q)
{
	struct osdc *c = q->c;

	if (q->target.known ||
	    (q->pool_asked && c->answers >= q->pool_asked && c->epoch >= c->answer_epoch)) {
		osd_req_end_later(q, -ENOENT);
		return;
	}
	if (!q->pool_asked) /* an answer that is under way may be older than this request */
		q->pool_asked = c->questions + 1;
	if (c->answers < q->pool_asked)
		ask(c);
	osd_req_set_state(q, OSD_REQ_PARKED, OSD_WHY_NO_POOL);
	if (c->answers >= q->pool_asked)
		osdc_want_map(c);
}

/* ---- routing ---- */

static enum osd_req_why held_back(const struct osd_req *q, const struct osd_session *s)
{
	enum osd_req_why why = behind(q);

	if (why == OSD_WHY_BEHIND)
		return why;
	if (q->paused)
		return OSD_WHY_PAUSED;
	if (why != OSD_WHY_NONE)
		return why;
	if (!s->conn)
		return OSD_WHY_NO_CONNECTION;
	return osd_backoff_holds(s, q) ? OSD_WHY_BACKOFF : OSD_WHY_NONE;
}

static void send(struct osd_req *q)
{
	struct osdc *c = q->c;
	struct msg *msg;

	q->attempt++;
	msg = osd_req_encode(q);
	if (!msg) {
		osd_req_end_later(q, log_fail(c->log, -ENOMEM, "osd.%d: no memory to send %s %.*s",
					      q->target.osd, osd_op_name(q->op[0].code), (int)q->name_len,
					      q->name));
		return;
	}
	c->stats.sends++;
	if (q->attempt)
		c->stats.resends++;
	q->sent_ns = ring_now(c->ring);
	osd_req_set_state(q, OSD_REQ_SENT, OSD_WHY_NONE);
	conn_send(q->session->conn, msg);
}

static void to_session(struct osd_req *q)
{
	struct osd_session *s = osd_session_get(q->c, q->target.osd);
	enum osd_req_why why;

	if (!s) {
		osd_req_end_later(q, -ENOMEM);
		return;
	}
	attach(q, s);
	q->paused = osd_target_paused(q);
	why = held_back(q, s);
	if (why == OSD_WHY_NONE) {
		send(q);
		return;
	}
	osd_req_set_state(q, OSD_REQ_HELD, why);
	if (why != OSD_WHY_BACKOFF && why != OSD_WHY_BEHIND)
		osdc_want_map(q->c);
}

void osd_req_route(struct osd_req *q)
{
	struct osdc *c = q->c;
	int r;

	if (q->forsaken && !q->fence) {
		osd_req_fence(q);
		return;
	}
	if (c->blocklisted) {
		osd_req_end_later(q, -ESHUTDOWN);
		return;
	}
	if (!c->map || c->epoch < c->barrier) {
		park(q, c->map ? OSD_WHY_BARRIER : OSD_WHY_NO_MAP);
		return;
	}
	r = osd_target_calc(q);
	if (r < 0)
		osd_req_end_later(q, log_fail(c->log, r, "osd: %s %.*s cannot be sent to pool %lld: %s",
					      osd_op_name(q->op[0].code), (int)q->name_len, q->name,
					      (long long)osd_req_pool(q),
					      r == -EIO ? "its flag eio is set" : "it cannot be placed"));
	else if (r == OSD_TARGET_NO_POOL)
		no_pool(q);
	else if (q->target.osd < 0 || !osdmap_osd_addr(c->map, q->target.osd))
		park(q, OSD_WHY_NO_OSD);
	else
		to_session(q);
}

/* ---- all at once ---- */

/* First everything that is not on its way is taken out of the counters; then each is routed in turn, so that
 * one counts only what stands before it. */
void osdc_kick(struct osdc *c)
{
	struct osd_req *q, *next;

	TAILQ_FOREACH(q, &c->all, link)
	if (q->state != OSD_REQ_SENT)
		osd_req_set_state(q, OSD_REQ_NEW, OSD_WHY_NONE);
	for (q = TAILQ_FIRST(&c->all); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->state == OSD_REQ_NEW)
			osd_req_route(q);
	}
}

static void kick_run(struct ring_task *t)
{
	struct osdc *c = (struct osdc *)((char *)t - offsetof(struct osdc, kick_task));

	if (!c->stopping)
		osdc_kick(c);
}

void osdc_kick_later(struct osdc *c)
{
	c->kick_task.fn = kick_run;
	ring_defer(c->ring, &c->kick_task);
}

/* ---- a new epoch ---- */

/* What it was sent for may be void now. Full flags are the odd case: an OSD drops what it gets while they are
 * set, and what it got just before. */
static void retarget(struct osd_req *q)
{
	struct osdc *c = q->c;
	bool paused;

	if (q->snaps_kept && q->write && osd_req_prune_snaps(q)) {
		osd_req_end_later(q, -ENOMEM);
		return;
	}
	paused = osd_target_paused(q);
	if (osd_target_calc(q) != OSD_TARGET_SAME || c->gap || osd_target_full(q) || (q->paused && !paused))
		osd_req_recall(q);
	q->paused = paused;
}

void osdc_retarget(struct osdc *c)
{
	struct osd_req *q, *next;

	for (q = TAILQ_FIRST(&c->all); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->state == OSD_REQ_SENT || q->state == OSD_REQ_HELD)
			retarget(q);
	}
}
