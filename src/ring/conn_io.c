/* conn_io.c: bytes in to frames, and when the kernel should wake us.
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

int conn_io_init(struct conn *c)
{
	if (conn_out_init(c)) {
		conn_io_fini(c);
		return -ENOMEM;
	}
	frame_dec_init(&c->dec, CONN_FRONT_MAX, CONN_MIDDLE_MAX, CONN_DATA_MAX);
	c->lowat = 1;
	return 0;
}

void conn_io_fini(struct conn *c)
{
	conn_out_fini(c);
	conn_place_free(c->place);
	frame_dec_fini(&c->dec);
	frame_crypto_free(c->crypto);
	mem_free(c->in, c->in_cap);
}

static void out_released(void *arg)
{
	conn_out_free(arg);
}

static void place_released(void *arg)
{
	conn_place_free(arg);
}

/* What the kernel still sends from or writes to goes when it is done with it, perhaps after this connection.
 */
static void close_tcp(struct conn *c)
{
	struct conn_place *place = c->place && c->place->active ? c->place : NULL;

	if (place)
		c->place = NULL;
	if (c->flight) {
		c->flight->with = place;
		tcp_close(c->tcp, out_released, c->flight);
	} else {
		tcp_close(c->tcp, place ? place_released : NULL, place);
	}
	c->tcp = NULL;
	c->flight = NULL;
}

void conn_stream_close(struct conn *c)
{
	ring_timer_clear(c->ring, &c->tick);
	ring_timer_clear(c->ring, &c->ack_timer);
	if (c->tcp)
		close_tcp(c);
}

int conn_stream_end(struct conn *c)
{
	int err;

	conn_stream_close(c);
	err = conn_out_end(c);
	c->in_len = c->need = c->head_hint = 0;
	c->place_asked = false;
	frame_dec_fini(&c->dec);
	frame_dec_init(&c->dec, CONN_FRONT_MAX, CONN_MIDDLE_MAX, CONN_DATA_MAX);
	frame_crypto_free(c->crypto);
	c->crypto = NULL;
	c->lowat = 1;
	c->mode = 0;
	c->keepalive_out = c->want_keepalive = c->want_echo = c->want_ack = false;
	return err;
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

/* One frame at `p`: its length when it was whole and handled, or what there is of it when it goes to a place;
 * 0 when more must come (c->need); or an error. */
static ssize_t take_frame(struct conn *c, const uint8_t *p, size_t len)
{
	struct frame f;
	int r = frame_decode(&c->dec, p, len, &f);

	c->need = c->dec.need;
	if (r == 0)
		return conn_place_begin(c, p, len);
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
	c->place_asked = false;
	c->frame_copied = p == c->in ? f.seg[3].len : 0;
	if (f.tag == TAG_MESSAGE)
		conn_place_missed(c);
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
		if (c->place && c->place->active) {
			n = conn_place_feed(c, p, len);
			if (n < 0)
				return (int)n;
			p += n;
			len -= (size_t)n;
			continue;
		}
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

/* `err`: what became of bytes that came. */
static void took(struct conn *c, int err)
{
	if (c->freed)
		return;
	if (c->wake_acks && c->wake_acks == c->wake_frames)
		c->ack_wakes = true;
	if (err)
		conn_broken(c, err);
	else
		conn_lowat(c);
}

static void wake(struct conn *c, size_t len)
{
	c->rx_ns = ring_now(c->ring);
	c->received_bytes += len;
	c->wake_frames = c->wake_acks = 0;
}

static void on_received(void *arg, const uint8_t *p, size_t len)
{
	struct conn *c = arg;

	conn_enter(c);
	wake(c, len);
	took(c, consume(c, p, len));
	conn_leave(c);
}

static int on_place(void *arg, struct iovec **iov, size_t *limit)
{
	return conn_place_iov(arg, iov, limit);
}

static void on_placed(void *arg, size_t len)
{
	struct conn *c = arg;

	conn_enter(c);
	wake(c, len);
	took(c, conn_place_filled(c, len));
	conn_leave(c);
}

/* --- the stream --- */

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
	.sent = conn_on_sent,
	.closed = on_closed,
};

const struct tcp_ops conn_place_ops = {
	.connected = on_connected,
	.received = on_received,
	.sent = conn_on_sent,
	.place = on_place,
	.placed = on_placed,
	.closed = on_closed,
};
