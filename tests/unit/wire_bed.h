/* wire_bed.h: an MDS client whose sessions have connections that lead nowhere: what it sends is kept, what it
 * receives is made by hand. Above the connections everything is real. For tests linked with these replaced:
 * conn_new, conn_free, conn_send, mon_auth_wait, mon_auth_forget, mon_global_id, mon_global_seq. */
#pragma once
#include "meta_bed.h"
#include "meta/session_impl.h"
#include "requests.h"

enum { SENT_MAX = 8192 };

/* One message that left. */
struct sent {
	uint16_t type, version;
	uint64_t tid;
	int rank;
	struct enc front, data; /* owned */
};
static struct sent sent[SENT_MAX];
static unsigned sent_count, sent_seen;

/* ---- in place of the connections ---- */

int __wrap_conn_new(struct ring *r, struct log *log, const struct conn_opts *o, const struct conn_ops *ops,
		    void *arg, struct conn **out);
void __wrap_conn_free(struct conn *c);
void __wrap_conn_send(struct conn *c, struct msg *msg);
void __wrap_mon_auth_wait(struct mon *m, struct conn *c);
void __wrap_mon_auth_forget(struct mon *m, struct conn *c);
uint64_t *__wrap_mon_global_id(struct mon *m);
uint64_t *__wrap_mon_global_seq(struct mon *m);

/* A connection is its session. */
int __wrap_conn_new(struct ring *r, struct log *log, const struct conn_opts *o, const struct conn_ops *ops,
		    void *arg, struct conn **out)
{
	(void)r, (void)log, (void)o, (void)ops;
	*out = arg;
	return 0;
}

void __wrap_conn_free(struct conn *c)
{
	(void)c;
}

void __wrap_conn_send(struct conn *c, struct msg *msg)
{
	cr_assert_lt(sent_count, SENT_MAX);
	cr_assert_eq(msg->front.err | msg->middle.err | msg->data.err, 0);
	sent[sent_count++] = (struct sent){ .type = msg->type,
					    .version = msg->version,
					    .tid = msg->tid,
					    .rank = ((struct session *)c)->rank,
					    .front = msg->front,
					    .data = msg->data };
	enc_init(&msg->front);
	enc_init(&msg->data);
	msg_free(msg);
}

void __wrap_mon_auth_wait(struct mon *m, struct conn *c)
{
	(void)m, (void)c;
}

void __wrap_mon_auth_forget(struct mon *m, struct conn *c)
{
	(void)m, (void)c;
}

uint64_t *__wrap_mon_global_id(struct mon *m)
{
	static uint64_t id = 4100;

	(void)m;
	return &id;
}

uint64_t *__wrap_mon_global_seq(struct mon *m)
{
	static uint64_t seq = 1;

	(void)m;
	return &seq;
}

/* ---- the bed ---- */

static inline struct session *wire_session(struct bed *b, int rank)
{
	struct session *s = bed_session(b, rank);

	s->conn = (struct conn *)s;
	s->gid = b->m.map->rank[rank].gid;
	s->features = 0x3fffff;
	return s;
}

static inline void wire_free(struct bed *b)
{
	for (int r = 0; r < MDS_RANK_MAX; r++)
		if (b->m.session[r])
			b->m.session[r]->conn = NULL;
	bed_free(b);
	while (sent_count) {
		enc_free(&sent[--sent_count].front);
		enc_free(&sent[sent_count].data);
	}
	sent_seen = 0;
}

/* ---- what left ---- */

/* The next message that was not looked at, of any type; NULL: none. */
static inline struct sent *wire_next(void)
{
	return sent_seen < sent_count ? &sent[sent_seen++] : NULL;
}

static inline void wire_parse(const struct sent *x, struct parsed *q)
{
	struct message m = { .file = "sent",
			     .type = x->type,
			     .version = x->version,
			     .front = x->front.buf,
			     .front_len = (uint32_t)x->front.len };

	request_parse(&m, q);
}

/* The next one must be a request for `op`. */
static inline struct sent *wire_request(uint32_t op, struct parsed *q)
{
	struct sent *x = wire_next();

	cr_assert(x, "%s was not sent", mds_op_name(op));
	cr_assert_eq(x->type, MSG_CLIENT_REQUEST, "type %u instead of %s", x->type, mds_op_name(op));
	wire_parse(x, q);
	cr_assert_eq(q->q.op, op, "%s instead of %s", mds_op_name(q->q.op), mds_op_name(op));
	return x;
}

/* The next one must be a session message. */
static inline void wire_session_op(uint32_t op)
{
	struct sent *x = wire_next();
	uint32_t got;

	cr_assert(x && x->type == MSG_CLIENT_SESSION, "session message %u", op);
	memcpy(&got, x->front.buf, 4);
	cr_assert_eq(got, op, "session message %u instead of %u", got, op);
}

static inline void wire_quiet(void)
{
	struct sent *x = wire_next();

	cr_assert_null(x, "type %u was sent", x->type);
}

/* ---- what arrives ---- */

static inline void stat_encode(struct enc *e, const struct inode_stat *st)
{
	size_t mark = enc_section(e, 1, 1), quota;

	enc_u64(e, st->ino);
	enc_u64(e, st->snapid);
	enc_u32(e, st->rdev);
	enc_u64(e, st->version);
	enc_u64(e, st->xattr_version);
	enc_u32(e, st->cap.caps);
	enc_u32(e, st->cap.wanted);
	enc_u64(e, st->cap.cap_id);
	enc_u32(e, st->cap.seq);
	enc_u32(e, st->cap.mseq);
	enc_u64(e, st->cap.realm);
	enc_u8(e, st->cap.flags);
	enc_zero(e, 28);     /* layout */
	enc_zero(e, 24 + 4); /* times */
	enc_u64(e, st->size);
	enc_u64(e, st->max_size);
	enc_u64(e, st->truncate_size);
	enc_u32(e, st->truncate_seq);
	enc_u32(e, st->mode);
	enc_u32(e, st->uid);
	enc_u32(e, st->gid);
	enc_u32(e, st->nlink);
	enc_u64(e, st->files);
	enc_zero(e, 4 * 8 + 8); /* subdirs, rbytes, rfiles, rsubdirs, rctime */
	enc_u32(e, 0);          /* fragtree */
	enc_u32(e, 0);          /* symlink */
	enc_zero(e, 8);         /* dir layout */
	enc_u32(e, 0);          /* xattrs */
	enc_u64(e, ~0ull);
	enc_u32(e, 0); /* inline */
	quota = enc_section(e, 1, 1);
	enc_zero(e, 16);
	enc_close(e, quota);
	enc_u32(e, 0); /* pool_ns */
	enc_zero(e, 16);
	enc_close(e, mark);
}

struct answer {
	uint32_t op;
	int32_t result;
	bool safe;
	const struct inode_stat *dir, *target;
	const char *name;
	uint32_t lease_ms;
	const void *extra;
	uint32_t extra_len;
};

static inline void trace_encode(struct enc *e, const struct answer *a)
{
	size_t mark;

	if (a->dir) {
		stat_encode(e, a->dir);
		mark = enc_section(e, 1, 1);
		enc_u32(e, 0);
		enc_u32(e, -1);
		enc_u32(e, 0);
		enc_close(e, mark);
		enc_str(e, a->name);
		mark = enc_section(e, 1, 1);
		enc_u16(e, a->lease_ms ? 7 : 0);
		enc_u32(e, a->lease_ms);
		enc_u32(e, 1);
		enc_close(e, mark);
	}
	if (a->target)
		stat_encode(e, a->target);
}

static inline void wire_arrives(struct session *s, uint16_t type, uint16_t version, uint64_t tid,
				const struct enc *front)
{
	struct msg_in in = { .type = type,
			     .version = version,
			     .tid = tid,
			     .front = front->buf,
			     .front_len = (uint32_t)front->len };

	cr_assert_eq(front->err, 0);
	session_message(s, &in);
}

static inline void wire_answer(struct session *s, uint64_t tid, const struct answer *a)
{
	struct enc e;
	size_t mark;

	enc_init(&e);
	enc_u32(&e, a->op);
	enc_u32(&e, (uint32_t)a->result);
	enc_u32(&e, 0);
	enc_u8(&e, a->safe);
	enc_u8(&e, a->dir != NULL);
	enc_u8(&e, a->target != NULL);
	mark = enc_hole(&e);
	trace_encode(&e, a);
	enc_close(&e, mark);
	enc_blob(&e, a->extra, a->extra_len);
	enc_u32(&e, 0); /* snap trace */
	wire_arrives(s, MSG_CLIENT_REPLY, 1, tid, &e);
	enc_free(&e);
}

static inline void wire_forward(struct session *s, uint64_t tid, int32_t dest, uint32_t num_fwd)
{
	struct enc e;

	enc_init(&e);
	enc_u32(&e, (uint32_t)dest);
	enc_u32(&e, num_fwd);
	enc_u8(&e, 1);
	wire_arrives(s, MSG_CLIENT_FORWARD, 1, tid, &e);
	enc_free(&e);
}

/* OPEN, CLOSE, STALE ...: the head alone. */
static inline void wire_says(struct session *s, uint32_t op)
{
	struct enc e;

	enc_init(&e);
	enc_u32(&e, op);
	enc_zero(&e, 24);
	wire_arrives(s, MSG_CLIENT_SESSION, 1, 0, &e);
	enc_free(&e);
}

static inline void wire_rejects(struct session *s, bool blocklisted)
{
	struct enc e;
	size_t mark;

	enc_init(&e);
	enc_u32(&e, SESSION_REJECT);
	enc_zero(&e, 24);
	enc_u32(&e, 1);
	enc_str(&e, "error_string");
	enc_str(&e, "blocklisted");
	enc_u32(&e, 0); /* features */
	mark = enc_section(&e, 1, 1);
	enc_u32(&e, 0);
	enc_close(&e, mark);
	enc_u32(&e, blocklisted);
	wire_arrives(s, MSG_CLIENT_SESSION, 5, 0, &e);
	enc_free(&e);
}

/* A newer map in which rank 0 is served by this daemon in this state. */
static inline void wire_map(struct bed *b, uint64_t gid, int32_t state)
{
	b->map.epoch++;
	b->map.rank[0].gid = gid;
	b->map.rank[0].state = state;
	meta_handle_mdsmap(&b->m, &b->map);
}

static inline void wire_turn(struct bed *b)
{
	cr_assert_geq(ring_run(b->ring, 0), 0);
}
