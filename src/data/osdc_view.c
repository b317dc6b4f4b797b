/* osdc_view.c: what can be seen of the OSD client from outside, for counters and debug views. */
#include "osdc_impl.h"

void osdc_info(const struct osdc *c, struct osdc_info *out)
{
	*out = (struct osdc_info){
		.stats = c->stats,
		.epoch = c->epoch,
		.barrier = c->barrier,
		.sessions = tid_count((struct tid_table *)&c->sessions),
		.room = c->count[OSD_REQ_ROOM],
		.parked = c->count[OSD_REQ_PARKED],
		.held = c->count[OSD_REQ_HELD],
		.sent = c->count[OSD_REQ_SENT],
		.sent_bytes = c->bytes,
		.blocklisted = c->blocklisted,
	};
}

struct look {
	void (*fn)(void *arg, const struct osd_session_info *s);
	void *arg;
};

static void session_view(struct osd_session *s, void *arg)
{
	struct osd_session_info info = { .osd = s->osd, .requests = s->reqs, .backoffs = s->backoff_count };
	struct look *l = arg;

	info.conn.state = "closed";
	info.conn.peer = s->addr;
	if (s->conn)
		conn_info(s->conn, &info.conn);
	l->fn(l->arg, &info);
}

void osdc_each_session(struct osdc *c, void (*fn)(void *arg, const struct osd_session_info *s), void *arg)
{
	struct look l = { fn, arg };

	osdc_sessions_each(c, session_view, &l);
}

void osdc_each_req(struct osdc *c, void (*fn)(void *arg, const struct osd_req *q), void *arg)
{
	const struct osd_req *q;

	TAILQ_FOREACH(q, &c->all, link)
	fn(arg, q);
	TAILQ_FOREACH(q, &c->room, link)
	fn(arg, q);
}
