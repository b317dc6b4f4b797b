/* osdc_backoff.c: ranges of objects that an OSD wants to hear nothing of, because their placement group is
 * down or lacks what it needs. Each is known by the id that its OSD gave it, lives as long as the connection,
 * and ends with the OSD's word. What was sent into the range was thrown away there.
 */
#include "osdc_impl.h"

#include <errno.h>

static struct slice copy(uint8_t **at, struct slice s)
{
	struct slice to = { *at, s.len };

	if (s.len)
		memcpy(*at, s.p, s.len);
	*at += s.len;
	return to;
}

static void hobject_copy(uint8_t **at, struct hobject *to, const struct hobject *from)
{
	*to = *from;
	to->key = copy(at, from->key);
	to->oid = copy(at, from->oid);
	to->nspace = copy(at, from->nspace);
}

static size_t hobject_bytes(const struct hobject *h)
{
	return (size_t)h->key.len + h->oid.len + h->nspace.len;
}

static struct osd_backoff *backoff_new(const struct osd_backoff_msg *m)
{
	size_t size = sizeof(struct osd_backoff) + hobject_bytes(&m->begin) + hobject_bytes(&m->end);
	struct osd_backoff *b = mem_alloc(size);
	uint8_t *at = (uint8_t *)(b + 1);

	if (!b)
		return NULL;
	b->size = size;
	b->pg = m->pg;
	b->id = m->id;
	hobject_copy(&at, &b->begin, &m->begin);
	hobject_copy(&at, &b->end, &m->end);
	return b;
}

static void backoff_free(struct osd_session *s, struct osd_backoff *b)
{
	TAILQ_REMOVE(&s->backoffs, b, link);
	s->backoff_count--;
	mem_free(b, b->size);
}

void osd_backoffs_drop(struct osd_session *s)
{
	while (!TAILQ_EMPTY(&s->backoffs))
		backoff_free(s, TAILQ_FIRST(&s->backoffs));
}

static bool covers(const struct osd_backoff *b, const struct osd_req *q)
{
	const struct osd_target *t = &q->target;
	struct hobject h = {
		.key = osd_req_key(q),
		.oid = osd_req_oid(q),
		.nspace = osd_req_nspace(q),
		.snap = OSD_SNAP_HEAD,
		.hash = t->hash,
		.pool = t->pool,
	};
	int from;

	if (b->pg.pool != t->pool || b->pg.seed != t->seed || b->pg.shard != t->shard)
		return false;
	from = hobject_cmp(&h, &b->begin);
	return from == 0 || (from > 0 && hobject_cmp(&h, &b->end) < 0);
}

bool osd_backoff_holds(const struct osd_session *s, const struct osd_req *q)
{
	const struct osd_backoff *b;

	TAILQ_FOREACH(b, &s->backoffs, link)
	if (covers(b, q))
		return true;
	return false;
}

/* The same again, as an acknowledgement. */
static int acknowledge(struct osd_session *s, struct osd_backoff_msg m)
{
	struct msg *msg = msg_new(MSG_OSD_BACKOFF, OSD_BACKOFF_VERSION, OSD_BACKOFF_VERSION, 0);

	if (!msg)
		return -ENOMEM;
	msg->priority = OSD_PRIORITY; /* as requests have: it must not overtake them */
	m.op = OSD_BACKOFF_ACK_BLOCK;
	osd_backoff_encode(&msg->front, &m);
	conn_send(s->conn, msg);
	return 0;
}

static int block(struct osd_session *s, const struct osd_backoff_msg *m)
{
	struct osd_backoff *b = s->backoff_count < OSD_BACKOFFS_MAX ? backoff_new(m) : NULL;

	if (!b)
		return -ENOMEM;
	TAILQ_INSERT_TAIL(&s->backoffs, b, link);
	s->backoff_count++;
	s->c->stats.backoffs++;
	return acknowledge(s, *m);
}

static struct osd_backoff *find(struct osd_session *s, uint64_t id)
{
	struct osd_backoff *b;

	TAILQ_FOREACH(b, &s->backoffs, link)
	if (b->id == id)
		break;
	return b;
}

static void unblock(struct osd_session *s, struct osd_backoff *b)
{
	struct osd_req *q;

	TAILQ_FOREACH(q, &s->c->all, link)
	if (q->session == s && covers(b, q))
		osd_req_recall(q);
	backoff_free(s, b);
	osdc_kick_later(s->c);
}

void osd_backoff_handle(struct osd_session *s, const struct msg_in *in)
{
	struct dec d = dec_init(in->front, in->front_len);
	struct osd_backoff_msg m;
	struct osd_backoff *b;

	if (osd_backoff_decode(&d, &m)) {
		log_fail(s->c->log, -EBADMSG, "osd.%d: broken backoff: %s", s->osd, d.what);
		return;
	}
	b = find(s, m.id);
	log_emit(s->c->log, LOG_DEBUG, "osd.%d: %s %lld.%x", s->osd,
		 m.op == OSD_BACKOFF_BLOCK ? "holds back" : "goes on with", (long long)m.pg.pool, m.pg.seed);
	if (m.op == OSD_BACKOFF_BLOCK && !b && block(s, &m)) {
		log_emit(s->c->log, LOG_ERROR, "osd.%d: more backoffs than are kept; connecting anew",
			 s->osd);
		osd_session_break(s);
	} else if (m.op == OSD_BACKOFF_UNBLOCK && b) {
		unblock(s, b);
	}
}
