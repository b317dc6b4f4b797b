/* osdc_req.c: what a request says: filled by the caller, checked, and written into a message. */
#include "osdc_impl.h"

#include <errno.h>

#include "../proto/msgr.h"

int osd_req_init(struct osd_req *q, int64_t pool, struct slice nspace, const char *name, size_t name_len)
{
	*q = (struct osd_req){ .pool = pool, .nspace = nspace, .snapid = OSD_SNAP_HEAD, .attempt = -1 };
	enc_init(&q->payload);
	if (name_len > sizeof q->name)
		return -ENAMETOOLONG;
	memcpy(q->name, name, name_len);
	q->name_len = (uint32_t)name_len;
	return 0;
}

void osd_req_fini(struct osd_req *q)
{
	enc_free(&q->payload);
	mem_free(q->names, 0);
	mem_free(q->own_snaps, 0);
	q->names = NULL;
	q->own_snaps = NULL;
}

struct osd_op *osd_req_op(struct osd_req *q)
{
	return q->op_count < OSD_REQ_OPS ? &q->op[q->op_count++] : NULL;
}

static uint64_t iov_bytes(const struct iovec *iov, uint32_t count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += iov[i].iov_len;
	return sum;
}

int osd_req_read(struct osd_req *q, uint64_t offset, uint32_t len, struct osd_trunc t,
		 const struct iovec *iov, uint32_t count)
{
	struct osd_op *op = q->dest || iov_bytes(iov, count) < len ? NULL : osd_req_op(q);

	if (!op)
		return -EINVAL;
	osd_op_read(op, OSD_OP_READ, offset, len, t);
	q->dest = iov;
	q->dest_count = count;
	q->dest_len = len;
	q->dest_op = (uint8_t)(q->op_count - 1);
	return 0;
}

int osd_req_write(struct osd_req *q, uint16_t code, uint64_t offset, uint32_t len, struct osd_trunc t,
		  const struct iovec *iov, uint32_t count)
{
	struct osd_op *op = q->bulk || iov_bytes(iov, count) < len ? NULL : osd_req_op(q);

	if (!op)
		return -EINVAL;
	osd_op_write(op, code, offset, len, t);
	q->bulk = iov;
	q->bulk_count = count;
	q->bulk_len = len;
	q->bulk_op = (uint8_t)(q->op_count - 1);
	return 0;
}

int osd_req_check(const struct osd_req *q)
{
	uint64_t data = 0;

	if (!q->op_count || !q->name_len || !q->done || q->payload.err)
		return q->payload.err ? q->payload.err : -EINVAL;
	for (unsigned i = 0; i < q->op_count; i++) {
		int err = osd_op_check(&q->op[i]);

		if (err)
			return err;
		data += q->op[i].payload_len;
	}
	if (data != q->payload.len + (uint64_t)q->bulk_len || data > CONN_DATA_MAX ||
	    q->dest_len > CONN_DATA_MAX || q->snap_count > OSD_MSG_SNAPS_MAX)
		return -EINVAL;
	return 0;
}

int64_t osd_req_pool(const struct osd_req *q)
{
	return q->names ? q->names->pool : q->pool;
}

struct slice osd_req_oid(const struct osd_req *q)
{
	if (q->names && q->names->oid.len)
		return q->names->oid;
	return (struct slice){ (const uint8_t *)q->name, q->name_len };
}

struct slice osd_req_nspace(const struct osd_req *q)
{
	return q->names ? q->names->nspace : q->nspace;
}

struct slice osd_req_key(const struct osd_req *q)
{
	return q->names ? q->names->key : (struct slice){ 0 };
}

static struct slice keep(uint8_t **at, struct slice s)
{
	struct slice kept = { *at, s.len };

	if (s.len)
		memcpy(*at, s.p, s.len);
	*at += s.len;
	return kept;
}

int osd_req_redirect(struct osd_req *q, const struct osd_reply *r)
{
	struct slice oid = r->redirect.oid.len ? r->redirect.oid : osd_req_oid(q);
	size_t size = sizeof(struct osd_names) + r->redirect.key.len + r->redirect.nspace.len + oid.len;
	struct osd_names *n = mem_alloc(size);
	uint8_t *at;

	if (!n)
		return -ENOMEM;
	at = n->bytes;
	n->pool = r->redirect.pool;
	n->key = keep(&at, r->redirect.key);
	n->nspace = keep(&at, r->redirect.nspace);
	n->oid = keep(&at, oid);
	mem_free(q->names, 0);
	q->names = n;
	q->wire_flags |= OSD_FLAG_REDIRECTED | OSD_FLAG_IGNORE_CACHE | OSD_FLAG_IGNORE_OVERLAY;
	return 0;
}

static const uint64_t *snaps(const struct osd_req *q)
{
	return q->own_snaps ? q->own_snaps : q->snaps;
}

/* The caller's list is not ours to change: the first that leaves makes a copy. */
static int own_snaps(struct osd_req *q)
{
	if (q->own_snaps)
		return 0;
	q->own_snaps = mem_alloc(q->snap_count * sizeof *q->own_snaps);
	if (!q->own_snaps)
		return -ENOMEM;
	memcpy(q->own_snaps, q->snaps, q->snap_count * sizeof *q->own_snaps);
	return 0;
}

int osd_req_prune_snaps(struct osd_req *q)
{
	const struct osdmap *m = q->c->map;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < q->snaps_kept; i++) {
		uint64_t snap = snaps(q)[i];

		if (!osdmap_snap_removed(m, osd_req_pool(q), snap)) {
			if (q->own_snaps)
				q->own_snaps[kept] = snap;
			kept++;
		} else if (own_snaps(q)) {
			return -ENOMEM;
		}
	}
	q->snaps_kept = kept;
	return 0;
}

/* ---- the message ---- */

static uint32_t wire_flags(const struct osd_req *q)
{
	uint32_t flags = q->flags | q->wire_flags | OSD_FLAG_KNOWN_REDIR | OSD_FLAG_SUPPORTSPOOLEIO;

	/* The primary wants to hear nothing of replica reads, and a replica answers nothing else. */
	if (q->target.osd == q->target.primary)
		flags &= ~(uint32_t)(OSD_FLAG_BALANCE_READS | OSD_FLAG_LOCALIZE_READS);
	return q->attempt > 0 ? flags | OSD_FLAG_RETRY : flags;
}

static void released(struct msg *m, void *arg)
{
	struct osd_req *q = arg;

	if (q->msg == m)
		q->msg = NULL;
	if (m->bulk_copied)
		q->c->stats.copied_out += m->bulk_len;
	osd_req_give_back(q);
}

bool osd_req_unsend(struct osd_req *q)
{
	struct osd_session *s =
	    q->msg ? (struct osd_session *)tid_find(&q->c->sessions, (uint64_t)q->msg_osd + 1) : NULL;

	return s && s->conn && conn_unsend(s->conn, q->msg);
}

/* Payloads in the order of the operations: the bulk between the short ones of those before and behind it. */
static void data_encode(struct msg *m, struct osd_req *q)
{
	if (q->payload.len)
		enc_bytes(&m->data, q->payload.buf, q->payload.len);
	if (!q->bulk_len)
		return;
	for (unsigned i = 0; i < q->bulk_op; i++)
		m->bulk_at += q->op[i].payload_len;
	m->bulk = q->bulk;
	m->bulk_count = q->bulk_count;
	m->bulk_len = q->bulk_len;
	m->released = released;
	m->arg = q;
	q->msg = m;
	q->msg_osd = q->target.osd;
	osd_req_lend(q);
}

struct msg *osd_req_encode(struct osd_req *q)
{
	const struct osd_target *t = &q->target;
	struct msg *msg = msg_new(MSG_OSD_OP, OSD_OP_VERSION, OSD_OP_COMPAT, q->id.tid);
	struct osd_op_msg m = {
		.pg = { .pool = t->pool, .seed = t->seed, .shard = t->shard },
		.hash = t->hash,
		.epoch = q->c->epoch,
		.flags = wire_flags(q),
		.mtime_ns = q->mtime_ns ? q->mtime_ns : q->begun_wall_ns,
		.pool = t->pool,
		.key = osd_req_key(q),
		.nspace = osd_req_nspace(q),
		.oid = osd_req_oid(q),
		.op = q->op,
		.op_count = q->op_count,
		.snapid = q->snapid,
		.snap_seq = q->snap_seq,
		.snaps = snaps(q),
		.snap_count = q->snaps_kept,
		.attempt = q->attempt,
		.features = MSGR_FEATURES,
	};

	if (!msg)
		return NULL;
	msg->priority = OSD_PRIORITY;
	osd_op_encode(&msg->front, &m);
	osd_req_unsend(q); /* the attempt before, if it has not begun */
	data_encode(msg, q);
	if (!msg->front.err && !msg->data.err)
		return msg;
	msg_free(msg);
	return NULL;
}

struct slice osd_req_output(const struct osd_req *q, unsigned op)
{
	if (!q->reply || !q->data || op >= q->reply->op_count)
		return (struct slice){ 0 };
	return (struct slice){ q->data + q->reply->op[op].at, q->reply->op[op].len };
}
