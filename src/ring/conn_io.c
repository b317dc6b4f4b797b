/* conn_io.c: bytes in to frames, frames out to one send per turn, and when the kernel should wake us.
 *
 * Frames are decoded where the ring received them. Only a frame that is cut by the end of what has come is
 * put together in `in`, which grows with the bytes that really came, never with a length that was claimed.
 *
 * Daemons with lossless sessions acknowledge each request in a frame of its own just before the reply: two
 * wake-ups a request. Once that was seen, the socket's low-water mark is held one byte above a lone ACK while
 * we stand between frames and wait for nothing as small. Every MESSAGE is longer, so none is ever delayed;
 * an unread ACK only keeps sent messages a little longer, and the next keepalive fetches it.
 */
#include "conn_impl.h"

#include <assert.h>
#include <errno.h>

static struct enc *out_new(void)
{
	struct enc *e = mem_alloc(sizeof *e);

	if (e)
		enc_init(e);
	return e;
}

static void out_free(struct enc *e)
{
	if (!e)
		return;
	enc_free(e);
	mem_free(e, sizeof *e);
}

static void out_released(void *arg)
{
	out_free(arg);
}

int conn_io_init(struct conn *c)
{
	c->out = out_new();
	c->spare = out_new();
	if (!c->out || !c->spare) {
		conn_io_fini(c);
		return -ENOMEM;
	}
	frame_dec_init(&c->dec, CONN_FRONT_MAX, CONN_MIDDLE_MAX, CONN_DATA_MAX);
	c->lowat = 1;
	return 0;
}

void conn_io_fini(struct conn *c)
{
	out_free(c->out);
	out_free(c->spare);
	frame_dec_fini(&c->dec);
	frame_crypto_free(c->crypto);
	mem_free(c->in, c->in_cap);
}

void conn_stream_close(struct conn *c)
{
	ring_timer_clear(c->ring, &c->tick);
	ring_timer_clear(c->ring, &c->ack_timer);
	if (!c->tcp)
		return;
	/* What the kernel still sends from goes when it is done with it, perhaps after this connection. */
	tcp_close(c->tcp, c->flight ? out_released : NULL, c->flight);
	c->tcp = NULL;
	c->flight = NULL;
}

int conn_stream_end(struct conn *c)
{
	conn_stream_close(c);
	if (!c->spare)
		c->spare = out_new();
	enc_reset(c->out);
	c->in_len = c->need = 0;
	frame_dec_fini(&c->dec);
	frame_dec_init(&c->dec, CONN_FRONT_MAX, CONN_MIDDLE_MAX, CONN_DATA_MAX);
	frame_crypto_free(c->crypto);
	c->crypto = NULL;
	c->lowat = 1;
	c->mode = 0;
	c->keepalive_out = c->want_keepalive = c->want_echo = c->want_ack = false;
	return c->spare ? 0 : -ENOMEM;
}

/* --- in --- */

/* Room for `n` bytes of an unfinished frame. */
static int in_room(struct conn *c, size_t n)
{
	size_t cap = c->in_cap ? c->in_cap : 4096;
	uint8_t *p;

	if (n <= c->in_cap)
		return 0;
	while (cap < n)
		cap *= 2;
	p = mem_realloc(c->in, cap);
	if (!p)
		return conn_bad(c, -ENOMEM, "no memory for a frame of %zu bytes", n);
	c->in = p;
	c->in_cap = cap;
	return 0;
}

static int in_append(struct conn *c, const uint8_t *p, size_t len)
{
	int err = in_room(c, c->in_len + len);

	if (err)
		return err;
	memcpy(c->in + c->in_len, p, len);
	c->in_len += len;
	return 0;
}

static void in_done(struct conn *c)
{
	c->in_len = 0;
	if (c->in_cap > CONN_BUF_KEEP) {
		mem_free(c->in, c->in_cap);
		c->in = NULL;
		c->in_cap = 0;
	}
}

/* One frame at `p`: its length when it was whole and handled, 0 when more must come (c->need), or an error.
 */
static ssize_t take_frame(struct conn *c, const uint8_t *p, size_t len)
{
	struct frame f;
	int r = frame_decode(&c->dec, p, len, &f);

	c->need = c->dec.need;
	if (r == 0)
		return 0;
	if (r < 0)
		return conn_bad(c, r, "broken frame: %s", c->dec.why);
	if (c->state <= CONN_AUTH) {
		/* The signature of AUTH_SIGNATURE covers all until AUTH_DONE. */
		if (c->rx_log.len + f.wire_len > CONN_TRANSCRIPT_MAX)
			return conn_bad(c, -EPROTO, "endless authentication");
		enc_bytes(&c->rx_log, p, f.wire_len);
		if (c->rx_log.err)
			return conn_bad(c, -ENOMEM, "no memory for the handshake");
	}
	c->wake_frames++;
	c->wake_acks += f.tag == TAG_ACK;
	r = conn_frame(c, &f);
	if (r < 0)
		return r;
	return c->freed ? -ECONNABORTED : (ssize_t)f.wire_len;
}

static ssize_t take(struct conn *c, const uint8_t *p, size_t len)
{
	return c->state == CONN_BANNER ? conn_banner(c, p, len) : take_frame(c, p, len);
}

/* All whole frames at `p`; the bytes consumed, or an error. */
static ssize_t take_all(struct conn *c, const uint8_t *p, size_t len)
{
	size_t off = 0;
	ssize_t n;

	while (off < len) {
		n = take(c, p + off, len - off);
		if (n <= 0)
			return n < 0 ? n : (ssize_t)off;
		off += (size_t)n;
	}
	return (ssize_t)off;
}

static int consume(struct conn *c, const uint8_t *p, size_t len)
{
	ssize_t n;
	size_t part;
	int err;

	while (len) {
		if (!c->in_len) {
			n = take_all(c, p, len);
			if (n < 0)
				return (int)n;
			return (size_t)n == len ? 0 : in_append(c, p + n, len - (size_t)n);
		}
		/* Only what the frame at hand lacks, so that those behind it are decoded in place. */
		part = c->need > c->in_len ? c->need - c->in_len : 0;
		part = part < len ? part : len;
		err = in_append(c, p, part);
		if (err)
			return err;
		p += part;
		len -= part;
		if (c->in_len < c->need)
			return 0;
		n = take(c, c->in, c->in_len);
		if (n < 0)
			return (int)n;
		assert(n == 0 || (size_t)n == c->in_len);
		if (n > 0)
			in_done(c);
	}
	return 0;
}

static void set_lowat(struct conn *c, int bytes)
{
	if (c->lowat == bytes)
		return;
	c->lowat = bytes;
	tcp_recv_lowat(c->tcp, bytes);
}

void conn_lowat(struct conn *c)
{
	int idle = c->mode == CON_MODE_SECURE ? CONN_LOWAT_SECURE : CONN_LOWAT_CRC;

	if (!c->tcp)
		return;
	if (c->state != CONN_OPEN || c->keepalive_out)
		set_lowat(c, 1);
	else if (!c->in_len)
		set_lowat(c, c->ack_wakes ? idle : 1);
	else if (c->need - c->in_len < (size_t)c->lowat)
		set_lowat(c, 1); /* the rest of this frame is shorter than the mark */
}

static void on_received(void *arg, const uint8_t *p, size_t len)
{
	struct conn *c = arg;
	int err;

	conn_enter(c);
	c->rx_ns = ring_now(c->ring);
	c->received_bytes += len;
	c->wake_frames = c->wake_acks = 0;
	err = consume(c, p, len);
	if (!c->freed) {
		if (c->wake_acks && c->wake_acks == c->wake_frames)
			c->ack_wakes = true;
		if (err)
			conn_broken(c, err);
		else
			conn_lowat(c);
	}
	conn_leave(c);
}

/* --- out --- */

static void on_connected(void *arg, const union tcp_addr *local)
{
	struct conn *c = arg;
	int err;

	conn_enter(c);
	err = conn_say_hello(c, local);
	if (err)
		conn_broken(c, err);
	else
		conn_kick(c);
	conn_leave(c);
}

static int flush(struct conn *c)
{
	struct iovec iov;
	int err;

	if (c->send_err)
		return conn_final(c, c->send_err, "a message could not be encoded");
	if (!c->tcp || c->flight)
		return 0;
	if (c->state == CONN_OPEN)
		conn_encode(c);
	if (c->out->err)
		return conn_final(c, c->out->err, "no room for the frames to send");
	if (!c->out->len)
		return 0;
	iov = (struct iovec){ .iov_base = c->out->buf, .iov_len = c->out->len };
	err = tcp_send(c->tcp, &iov, 1);
	if (err)
		return conn_bad(c, err, "send: %s", strerror(-err));
	c->sent_bytes += c->out->len;
	c->flight = c->out;
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

static void on_sent(void *arg)
{
	struct conn *c = arg;

	enc_reset(c->flight);
	if (c->flight->cap > CONN_BUF_KEEP)
		enc_free(c->flight);
	c->spare = c->flight;
	c->flight = NULL;
	if (c->out->len || conn_pending(c))
		conn_kick(c);
}

static void on_closed(void *arg, int err)
{
	struct conn *c = arg;

	conn_enter(c);
	conn_broken(c, conn_stream_over(c, err));
	conn_leave(c);
}

const struct tcp_ops conn_tcp_ops = {
	.connected = on_connected,
	.received = on_received,
	.sent = on_sent,
	.closed = on_closed,
};
