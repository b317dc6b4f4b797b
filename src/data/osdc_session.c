/* osdc_session.c: one lossy connection for each OSD that requests go to.
 *
 *   no connection --a request, or `retry` fires--> connecting --> open
 *        ^                                              |          |
 *        +--- fault: what was sent is sent again -------+----------+--map: down, or another address--> gone
 *
 * A lossy connection forgets everything when it breaks, so the client itself sends again, in order. The map
 * says whether the OSD is to be tried again: a broken connection makes us ask for a newer one.
 */
#include "osdc_impl.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

static void recall(struct osd_session *s)
{
	struct osd_req *q;

	TAILQ_FOREACH(q, &s->c->all, link)
	if (q->session == s)
		osd_req_recall(q);
}

static void disconnect(struct osd_session *s)
{
	if (s->conn) {
		mon_auth_forget(s->c->mon, s->conn);
		conn_free(s->conn);
		s->conn = NULL;
	}
	osd_backoffs_drop(s);
	ring_timer_clear(s->c->ring, &s->retry);
	recall(s);
}

/* Nothing goes there any more. Its requests are routed anew by the kick that must follow. */
static void session_free(struct osd_session *s)
{
	struct osdc *c = s->c;
	struct osd_req *q;

	disconnect(s);
	TAILQ_FOREACH(q, &c->all, link)
	if (q->session == s)
		osd_req_set_state(q, OSD_REQ_PARKED, OSD_WHY_NO_OSD);
	tid_take(&c->sessions, s->id.tid);
	mem_free(s, sizeof *s);
}

static void retry_later(struct osd_session *s)
{
	struct ring *ring = s->c->ring;
	uint64_t top = OSD_RETRY_FIRST_NS << (s->attempt < 7 ? s->attempt : 7), r;

	top = top < OSD_RETRY_MAX_NS ? top : OSD_RETRY_MAX_NS;
	ring_random(ring, &r, sizeof r);
	s->attempt++;
	ring_timer_set(ring, &s->retry, ring_now(ring) + top / 2 + r % (top / 2));
}

/* It will not take us whatever we do: waiting would be for ever. */
static bool is_refusal(int err)
{
	return err == -EACCES || err == -EPERM || err == -EPROTONOSUPPORT;
}

static void fail_all(struct osd_session *s, int err)
{
	struct osd_req *q, *next;

	for (q = TAILQ_FIRST(&s->c->all); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->session == s)
			osd_req_end_later(q, err);
	}
}

static void on_fault(void *arg, int err, const char *why)
{
	struct osd_session *s = arg;

	s->c->stats.faults++;
	log_emit(s->c->log, s->reqs ? LOG_WARN : LOG_DEBUG,
		 "osd.%d: connection lost, %u requests go again: %s", s->osd, s->reqs, why);
	disconnect(s);
	if (is_refusal(err))
		fail_all(s, log_fail(s->c->log, err, "osd.%d: refuses us: %s", s->osd, why));
	osdc_want_map(s->c);
	retry_later(s);
	osdc_kick_later(s->c);
}

static void on_ready(void *arg, bool resumed)
{
	struct osd_session *s = arg;

	(void)resumed;
	s->attempt = 0;
}

static struct conn_auth *on_auth(void *arg)
{
	struct osd_session *s = arg;

	return mon_service_auth(s->c->mon, ENTITY_OSD);
}

static const struct conn_ops session_ops = {
	.ready = on_ready,
	.message = osd_session_message,
	.dest = osd_session_dest,
	.fault = on_fault,
	.auth = on_auth,
};

static void session_connect(struct osd_session *s)
{
	struct osdc *c = s->c;
	char name[32];
	struct conn_opts o = {
		.peer_type = ENTITY_OSD,
		.peer = s->addr,
		.peer_name = name,
		.modes = { c->o.modes[0], c->o.modes[1] },
		.mode_count = c->o.mode_count,
		.nonce = c->o.nonce,
		.global_seq = mon_global_seq(c->mon),
		.global_id = mon_global_id(c->mon),
		.keepalive_ns = c->o.keepalive_ns,
		.dead_ns = c->o.dead_ns,
		.lossy = true,
	};
	int err;

	snprintf(name, sizeof name, "osd.%d", s->osd);
	c->stats.connects++;
	s->used_ns = ring_now(c->ring);
	err = conn_new(c->ring, c->log, &o, &session_ops, s, &s->conn);
	if (err) {
		s->conn = NULL;
		log_fail(c->log, err, "osd.%d: cannot connect", s->osd);
		retry_later(s);
		return;
	}
	mon_auth_wait(c->mon, s->conn);
}

static void on_retry(struct ring_timer *t)
{
	struct osd_session *s = (struct osd_session *)((char *)t - offsetof(struct osd_session, retry));

	if (!s->reqs) /* the next request connects */
		return;
	session_connect(s);
	osdc_kick_later(s->c);
}

static struct osd_session *session_new(struct osdc *c, int32_t osd)
{
	struct osd_session *s = mem_alloc(sizeof *s);

	if (!s)
		return NULL;
	s->id.tid = (uint64_t)osd + 1;
	s->c = c;
	s->osd = osd;
	s->retry.fn = on_retry;
	TAILQ_INIT(&s->backoffs);
	if (tid_put(&c->sessions, &s->id)) {
		mem_free(s, sizeof *s);
		return NULL;
	}
	return s;
}

struct osd_session *osd_session_get(struct osdc *c, int32_t osd)
{
	struct osd_session *s = (struct osd_session *)tid_find(&c->sessions, (uint64_t)osd + 1);

	if (!s)
		s = session_new(c, osd);
	if (s && !s->conn && !s->retry.slot) {
		s->addr = *osdmap_osd_addr(c->map, osd);
		session_connect(s);
	}
	return s;
}

void osd_session_break(struct osd_session *s)
{
	s->c->stats.faults++;
	disconnect(s);
	retry_later(s);
	osdc_kick_later(s->c);
}

/* ---- all of them ---- */

struct visit {
	void (*fn)(struct osd_session *s, void *arg);
	void *arg;
};

static void visit_one(void *arg, struct tid_entry *e)
{
	struct visit *v = arg;

	v->fn((struct osd_session *)e, v->arg);
}

void osdc_sessions_each(struct osdc *c, void (*fn)(struct osd_session *s, void *arg), void *arg)
{
	struct visit v = { fn, arg };

	tid_each(&c->sessions, visit_one, &v);
}

static void map_changed(struct osd_session *s, void *arg)
{
	const struct entity_addr *addr = osdmap_osd_addr(s->c->map, s->osd);

	(void)arg;
	if (addr && osdmap_osd_up(s->c->map, s->osd) && addr_equal(addr, &s->addr))
		return;
	log_emit(s->c->log, LOG_INFO, "osd.%d: %s in epoch %u; %u requests go elsewhere", s->osd,
		 addr && osdmap_osd_up(s->c->map, s->osd) ? "has another address" : "is down", s->c->epoch,
		 s->reqs);
	session_free(s);
}

void osdc_sessions_map_changed(struct osdc *c)
{
	osdc_sessions_each(c, map_changed, NULL);
}

static void close_idle(struct osd_session *s, void *arg)
{
	if (!s->reqs && !s->retry.slot && *(uint64_t *)arg - s->used_ns > OSDC_IDLE_NS)
		session_free(s);
}

void osdc_sessions_idle(struct osdc *c)
{
	uint64_t now = ring_now(c->ring);

	osdc_sessions_each(c, close_idle, &now);
}

static void free_one(struct osd_session *s, void *arg)
{
	(void)arg;
	session_free(s);
}

void osdc_sessions_free(struct osdc *c)
{
	osdc_sessions_each(c, free_one, NULL);
}
