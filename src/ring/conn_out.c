/* conn_out.c: frames out to one send per turn, and bulk that goes along without being copied.
 *
 *     bytes: | frame | frame: header, front | epilogue | frame |      one gather list for the kernel, in this
 *                                           ^                         order; a message stays until its bulk
 *     lent:                                 bulk of a message         was sent
 *
 * One set is filled while the other is in the kernel's hands, perhaps longer than the connection lives.
 */
#include "conn_impl.h"

#include <errno.h>

static struct conn_out *out_new(void)
{
	struct conn_out *o = mem_alloc(sizeof *o);

	if (o)
		enc_init(&o->bytes);
	return o;
}

/* Messages whose bulk was sent, or never will be. */
static void out_give_back(struct conn_out *o)
{
	struct msg *m;

	while ((m = msgq_pop(&o->lent)))
		msg_free(m);
	o->lent_bytes = 0;
	o->pieces = 0;
}

void conn_out_free(struct conn_out *o)
{
	if (!o)
		return;
	out_give_back(o);
	enc_free(&o->bytes);
	mem_free(o->iov, 0);
	conn_place_free(o->with);
	mem_free(o, sizeof *o);
}

int conn_out_init(struct conn *c)
{
	c->out = out_new();
	c->spare = out_new();
	return c->out && c->spare ? 0 : -ENOMEM;
}

void conn_out_fini(struct conn *c)
{
	conn_out_free(c->out);
	conn_out_free(c->spare);
}

/* What was encoded and not flushed; its messages are no longer in any queue. */
static void out_reset(struct conn *c, struct conn_out *o)
{
	struct msg *m;

	for (m = o->lent.head; m; m = m->next)
		c->queued_bytes -= msg_bytes(m);
	out_give_back(o);
	enc_reset(&o->bytes);
	if (o->bytes.cap > CONN_BUF_KEEP)
		enc_free(&o->bytes);
}

int conn_out_end(struct conn *c)
{
	if (!c->spare)
		c->spare = out_new();
	out_reset(c, c->out);
	return c->spare ? 0 : -ENOMEM;
}

/* ---- messages ---- */

static struct slice enc_slice(const struct enc *e)
{
	return (struct slice){ .p = e->buf, .len = (uint32_t)e->len };
}

bool conn_out_message(struct conn *c, const struct msg_header *h, struct msg *m)
{
	struct conn_out *o = c->out;
	struct slice front = enc_slice(&m->front), middle = enc_slice(&m->middle), data = enc_slice(&m->data);
	struct frame_data d = {
		.before = data, .bulk = m->bulk, .bulk_count = m->bulk_count, .bulk_len = m->bulk_len
	};
	/* What must be kept to be sent again has a life of its own: only lossy connections lend. */
	bool lend = c->lossy && m->bulk_len >= CONN_LEND_MIN && m->bulk_count <= CONN_DEST_MAX;

	if (!m->bulk_len) {
		frame_encode_message(&o->bytes, h, front, middle, data, c->crypto);
		return false;
	}
	if (m->bulk_at < data.len) {
		d.before.len = m->bulk_at;
		d.after = (struct slice){ data.p + m->bulk_at, data.len - m->bulk_at };
	}
	if (!frame_encode_bulk(&o->bytes, h, front, middle, &d, lend, c->crypto, &m->cut)) {
		m->bulk_copied = true;
		return false;
	}
	msgq_push(&o->lent, m);
	o->lent_bytes += m->bulk_len;
	o->pieces += m->bulk_count + 1;
	return true;
}

bool conn_out_full(const struct conn *c, const struct msg *next)
{
	const struct conn_out *o = c->out;

	return o->bytes.len + o->lent_bytes >= CONN_OUT_SOFT || o->pieces >= CONN_OUT_PIECES ||
	       o->pieces + next->bulk_count + 2 > TCP_IOV_MAX;
}

/* ---- sending ---- */

static unsigned add_bulk(struct iovec *iov, const struct msg *m)
{
	uint32_t left = m->bulk_len;
	unsigned n = 0;

	for (unsigned i = 0; left; i++) {
		size_t len = m->bulk[i].iov_len < left ? m->bulk[i].iov_len : left;

		if (len)
			iov[n++] = (struct iovec){ m->bulk[i].iov_base, len };
		left -= (uint32_t)len;
	}
	return n;
}

/* All of it in order; the number of pieces, or -ENOMEM. */
static int out_gather(struct conn_out *o)
{
	unsigned n = 0, need = o->pieces + 1;
	size_t from = 0;

	if (need > o->iov_cap) {
		struct iovec *iov = mem_realloc(o->iov, need * sizeof *iov);

		if (!iov)
			return -ENOMEM;
		o->iov = iov;
		o->iov_cap = need;
	}
	for (const struct msg *m = o->lent.head; m; m = m->next) {
		o->iov[n++] = (struct iovec){ o->bytes.buf + from, m->cut - from };
		n += add_bulk(o->iov + n, m);
		from = m->cut;
	}
	o->iov[n++] = (struct iovec){ o->bytes.buf + from, o->bytes.len - from };
	return (int)n;
}

static int flush(struct conn *c)
{
	struct conn_out *o = c->out;
	int n, err;

	if (c->send_err)
		return conn_final(c, c->send_err, "a message could not be encoded");
	if (!c->tcp || c->flight)
		return 0;
	if (c->state == CONN_OPEN)
		conn_encode(c);
	if (o->bytes.err)
		return conn_final(c, o->bytes.err, "no room for the frames to send");
	if (!o->bytes.len)
		return 0;
	n = out_gather(o);
	err = n < 0 ? n : tcp_send(c->tcp, o->iov, n);
	if (err)
		return conn_bad(c, err, "send: %s", strerror(-err));
	c->sent_bytes += o->bytes.len + o->lent_bytes;
	c->lent_bytes += o->lent_bytes;
	c->flight = o;
	c->out = c->spare;
	c->spare = NULL;
	return 0;
}

void conn_on_flush(struct ring_flusher *f)
{
	struct conn *c = (struct conn *)((char *)f - offsetof(struct conn, flusher));
	int err;

	conn_enter(c);
	if (!c->freed && c->state != CONN_FAILED) {
		err = flush(c);
		if (err)
			conn_broken(c, err);
	}
	conn_leave(c);
}

void conn_on_sent(void *arg)
{
	struct conn *c = arg;

	conn_enter(c);
	c->spare = c->flight;
	c->flight = NULL;
	out_reset(c, c->spare);
	if (!c->freed && (c->out->bytes.len || conn_pending(c)))
		conn_kick(c);
	conn_leave(c);
}
