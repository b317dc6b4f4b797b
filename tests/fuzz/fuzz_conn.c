/* fuzz_conn.c: a connection whose daemon, clock and user are all made of the input's bytes.
 *
 * The ring and its streams are replaced by a few lines here (ring.h and tcp.h are the only doors), so that a
 * run is a pure function of the input. Frames get valid checksums and may be complete and plausible; else
 * the fuzzer would never get past the first preamble. Beyond crashes and leaks it holds the connection to
 * its promises: messages arrive in order and once, callbacks end with the fault, memory stays in proportion.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include "proto/frame.h"
#include "proto/msgr.h"
#include "ring/conn.h"
#include "ring/tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- a ring for one connection --- */

enum { TIMERS = 8 };
struct ring {
	uint64_t now;
	struct ring_timer *timers[TIMERS];
	struct ring_flusher *flusher;
};

struct tcp {
	const struct tcp_ops *ops;
	void *arg;
	bool up, over, sending;
	const struct iovec *iov; /* of the send */
	int pieces;
};

static struct ring ring;
static struct tcp *stream; /* NULL: none */
static struct conn *conn;

uint64_t ring_now(const struct ring *r)
{
	return r->now;
}
uint64_t ring_now_fresh(struct ring *r)
{
	return r->now;
}
uint64_t ring_wall(const struct ring *r)
{
	return r->now;
}

void ring_random(struct ring *r, void *buf, size_t len)
{
	memset(buf, 0x5a, len);
}

void ring_timer_set(struct ring *r, struct ring_timer *t, uint64_t at_ns)
{
	t->at_ns = at_ns;
	for (uint32_t i = 0; !t->slot && i < TIMERS; i++)
		if (!r->timers[i]) {
			r->timers[i] = t;
			t->slot = i + 1;
		}
	assert(t->slot);
}

void ring_timer_clear(struct ring *r, struct ring_timer *t)
{
	if (t->slot)
		r->timers[t->slot - 1] = NULL;
	t->slot = 0;
}

void ring_flush_later(struct ring *r, struct ring_flusher *f)
{
	f->queued = true;
	r->flusher = f;
}

int tcp_connect(struct ring *r, const union tcp_addr *to, const struct tcp_ops *ops, void *arg,
		struct tcp **out)
{
	assert(!stream);
	stream = calloc(1, sizeof *stream);
	stream->ops = ops;
	stream->arg = arg;
	*out = stream;
	return 0;
}

/* What was lent to the kernel is readable. */
static void touch(const struct tcp *t)
{
	for (int i = 0; i < t->pieces; i++)
		for (size_t k = 0; k < t->iov[i].iov_len; k++)
			(void)((const volatile uint8_t *)t->iov[i].iov_base)[k];
}

int tcp_send(struct tcp *t, struct iovec *iov, int n)
{
	assert(t->up && !t->sending && n >= 1 && n <= TCP_IOV_MAX);
	t->sending = true;
	t->iov = iov;
	t->pieces = n;
	touch(t);
	return t->over ? -EPIPE : 0;
}

void tcp_recv_lowat(struct tcp *t, int bytes)
{
	assert(bytes > 0 && t == stream);
}

void tcp_close(struct tcp *t, void (*released)(void *arg), void *arg)
{
	assert(t == stream);
	stream = NULL;
	if (t->sending)
		touch(t);
	if (released)
		released(arg);
	free(t);
}

static void flush(void)
{
	struct ring_flusher *f = ring.flusher;

	ring.flusher = NULL;
	if (!f)
		return;
	f->queued = false;
	f->fn(f);
}

static void advance(uint64_t ns)
{
	ring.now += ns;
	for (unsigned i = 0; i < TIMERS; i++) {
		struct ring_timer *t = ring.timers[i];

		if (t && t->at_ns <= ring.now) {
			ring_timer_clear(&ring, t);
			t->fn(t);
		}
	}
}

/* --- the input --- */

struct input {
	const uint8_t *p, *end;
};

static uint8_t byte(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static struct slice bytes(struct input *in, size_t n)
{
	struct slice s = { .p = in->p };

	s.len = (uint32_t)(n < (size_t)(in->end - in->p) ? n : (size_t)(in->end - in->p));
	in->p += s.len;
	return s;
}

/* --- the user --- */

enum { PLACE = 300, BULK = 1500 };
struct user {
	uint64_t last_seq;
	bool faulted, free_in_message, ticket;
	int refuse;
	struct iovec place[3];
	unsigned lent; /* places and messages that the connection has not given back */
	uint8_t *memory;
};
static struct user user;
static uint8_t user_bulk[BULK];

static void place_released(void *arg)
{
	user.lent--;
}

static bool on_dest(void *arg, const struct msg_in *head, struct conn_dest *dest)
{
	assert(!user.faulted && head->data_len);
	if (head->tid & 1 || head->data_len > PLACE)
		return false;
	/* exactly what it needs, so that more shows */
	user.place[0] = (struct iovec){ user.memory, head->data_len / 3 };
	user.place[1] = (struct iovec){ user.memory, 0 };
	user.place[2] = (struct iovec){ user.memory + PLACE - (head->data_len - head->data_len / 3),
					head->data_len - head->data_len / 3 };
	user.lent++;
	*dest = (struct conn_dest){ .iov = user.place, .count = 3, .released = place_released };
	return true;
}

static void bulk_released(struct msg *m, void *arg)
{
	user.lent--;
}

static int auth_request(struct conn_auth *a, uint32_t *method, struct enc *payload)
{
	*method = 1;
	enc_u8(payload, 1);
	return user.ticket ? 0 : -EAGAIN;
}

static int auth_more(struct conn_auth *a, const uint8_t *p, uint32_t len, struct enc *reply)
{
	enc_u32(reply, len);
	return 0;
}

static int auth_done(struct conn_auth *a, uint64_t gid, uint32_t mode, const uint8_t *p, uint32_t len,
		     struct conn_auth_result *res)
{
	res->global_id = gid;
	res->con_secret_len = mode == CON_MODE_SECURE ? 64 : 0;
	return 0;
}

static int auth_refused(struct conn_auth *a, uint32_t method, int32_t result, const uint32_t *methods,
			unsigned method_count, const uint32_t *modes, unsigned mode_count)
{
	return user.refuse;
}

static void auth_free(struct conn_auth *a)
{
	free(a);
}

static const struct conn_auth_ops auth_ops = { auth_request, auth_more, auth_done, auth_refused, auth_free };

static struct conn_auth *new_auth(void *arg)
{
	struct conn_auth *a = calloc(1, sizeof *a);

	a->ops = &auth_ops;
	return a;
}

static void on_message(void *arg, const struct msg_in *m)
{
	assert(!user.faulted);
	assert(m->seq == user.last_seq + 1);
	assert(!m->placed || (!m->data && m->data_len && m->copied <= m->data_len));
	if (m->data_len && !m->placed)
		(void)*(const volatile uint8_t *)&m->data[m->data_len - 1];
	user.last_seq = m->seq;
	if (user.free_in_message) {
		conn_free(conn);
		conn = NULL;
	}
}

static void on_ready(void *arg, bool resumed)
{
	assert(!user.faulted);
	if (!resumed)
		user.last_seq = 0;
}

static void on_reset(void *arg)
{
	assert(!user.faulted);
}

static void on_fault(void *arg, int err, const char *why)
{
	assert(!user.faulted && err < 0 && why[0]);
	user.faulted = true;
}

static const struct conn_ops placing_ops = { .ready = on_ready,
					     .message = on_message,
					     .dest = on_dest,
					     .reset = on_reset,
					     .fault = on_fault,
					     .auth = new_auth };
static const struct conn_ops ops = {
	.ready = on_ready, .message = on_message, .reset = on_reset, .fault = on_fault, .auth = new_auth
};

static void send_message(struct input *in)
{
	struct msg *m = msg_new(byte(in), 1, 1, 1);
	struct slice s = bytes(in, byte(in));

	if (s.len)
		enc_bytes(&m->front, s.p, s.len);
	if (byte(in) & 1) {
		static const struct iovec parts[2] = { { user_bulk, 700 }, { user_bulk + 700, BULK - 700 } };

		m->bulk = parts;
		m->bulk_count = 2;
		m->bulk_len = byte(in) * 5;
		m->released = bulk_released;
		user.lent++;
	}
	conn_send(conn, m);
	if (!user.faulted && byte(in) == 7)
		conn_unsend(conn, m);
}

/* --- the daemon --- */

static const struct entity_addr daemon_addr = {
	.type = 2, .nonce = 7, .family = 2, .port = 6800, .ip = { 127, 0, 0, 1 }
};

static void plausible(struct enc *e, uint8_t tag, struct input *in)
{
	struct msgr_hello hello = { .entity_type = ENTITY_MDS, .peer = daemon_addr };
	struct msgr_auth_done done = { .global_id = 5, .con_mode = 1 };
	struct msgr_server_ident ident = { .addrs = { .count = 1, .addr = { daemon_addr } },
					   .supported = MSGR_FEATURES };
	static const uint8_t no_sig[MSGR_SIGNATURE_LEN];

	switch (tag) {
	case TAG_HELLO:
		msgr_hello_encode(e, &hello);
		break;
	case TAG_AUTH_DONE:
		msgr_auth_done_encode(e, &done);
		break;
	case TAG_AUTH_SIGNATURE:
		msgr_signature_encode(e, no_sig);
		break;
	case TAG_SERVER_IDENT:
		ident.cookie = byte(in);
		ident.flags = byte(in) & 1;
		msgr_server_ident_encode(e, &ident);
		break;
	case TAG_SESSION_RESET:
		msgr_reset_encode(e, true);
		break;
	default:
		msgr_u64_encode(e, byte(in));
	}
}

static void frame(struct enc *e, struct input *in)
{
	uint8_t tag = byte(in) % (TAG_ACK + 2), shape = byte(in);
	struct msg_header h = { .seq = shape & 0x1f, .ack_seq = shape >> 6, .tid = shape >> 4 & 1 };
	struct slice s;
	size_t mark;

	if (tag == TAG_MESSAGE && shape & 0x20) {
		s = bytes(in, byte(in));
		frame_encode_message(e, &h, s, (struct slice){ 0 }, s, NULL);
		return;
	}
	mark = frame_begin(e);
	if (shape & 1) {
		plausible(e, tag, in);
	} else {
		s = bytes(in, byte(in));
		if (s.len)
			enc_bytes(e, s.p, s.len);
	}
	frame_end(e, mark, tag, NULL);
}

/* As the kernel does it: to where the user says, which is asked before each receive. How many bytes went. */
static size_t receive_once(struct tcp *t, const uint8_t *p, size_t n)
{
	struct iovec *iov = NULL;
	size_t limit = 0, done = 0;
	int pieces = t->ops->place ? t->ops->place(t->arg, &iov, &limit) : 0;
	uint8_t *copy;

	assert(pieces >= 0 && pieces <= TCP_IOV_MAX);
	for (int i = 0; i < pieces && done < n; i++) {
		size_t part = iov[i].iov_len < n - done ? iov[i].iov_len : n - done;

		assert(iov[i].iov_len);
		memcpy(iov[i].iov_base, p + done, part);
		done += part;
	}
	if (pieces) {
		t->ops->placed(t->arg, done);
		return done;
	}
	n = limit && limit < n ? limit : n;
	copy = malloc(n); /* exact, so that over-reading shows */
	memcpy(copy, p, n);
	t->ops->received(t->arg, copy, n);
	free(copy);
	return n;
}

/* In pieces of at most `piece` bytes, until somebody closes. */
static void receive(const uint8_t *p, size_t len, size_t piece)
{
	struct tcp *t = stream;

	while (len && stream == t && t && t->up && !t->over) {
		size_t n = receive_once(t, p, piece && piece < len ? piece : len);

		p += n;
		len -= n;
	}
}

static void connected(void)
{
	static const union tcp_addr local = { .in = { .sin_family = AF_INET } };

	if (stream && !stream->up) {
		stream->up = true;
		stream->ops->connected(stream->arg, &local);
	}
}

static void sent(void)
{
	if (stream && stream->sending) {
		touch(stream);
		stream->sending = false;
		stream->ops->sent(stream->arg);
	}
}

static void closed(int err)
{
	if (stream && !stream->over) {
		stream->over = true;
		stream->ops->closed(stream->arg, err);
	}
}

/* A handshake, or the first frames of one, in one step: deep states within reach. */
static void shake_hands(struct enc *e, struct input *in)
{
	static const uint8_t tags[] = { TAG_HELLO, TAG_AUTH_DONE, TAG_AUTH_SIGNATURE, TAG_SERVER_IDENT };
	unsigned depth = byte(in) % (sizeof tags + 1);
	struct msgr_banner b = { .supported = 1, .required = byte(in) & 3 ? 0 : byte(in) };
	size_t mark;

	msgr_banner_encode(e, &b);
	for (unsigned i = 0; i < depth; i++) {
		mark = frame_begin(e);
		plausible(e, tags[i], in);
		frame_end(e, mark, tags[i], NULL);
	}
	advance(6000000000); /* the end of any back-off */
	connected();
	receive(e->buf, e->len, 0);
}

static void step(struct input *in)
{
	struct enc e;
	struct slice s;

	enc_init(&e);
	switch (byte(in) % 10) {
	case 0:
		s = bytes(in, byte(in));
		receive(s.p, s.len, 0);
		break;
	case 1:
	case 2:
	case 3:
		for (unsigned n = byte(in) % 4; n; n--)
			frame(&e, in);
		frame(&e, in);
		receive(e.buf, e.len, byte(in));
		break;
	case 4:
		shake_hands(&e, in);
		break;
	case 5:
		advance((uint64_t)byte(in) * 100000000);
		connected();
		break;
	case 6:
		closed(byte(in) & 1 ? -ECONNRESET : 0);
		break;
	case 7:
		send_message(in);
		break;
	case 8:
		user.ticket = true;
		conn_auth_ready(conn);
		break;
	case 9:
		sent();
		break;
	}
	enc_free(&e);
	flush();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	uint64_t global_seq = 0, global_id = 0;
	struct log log = { .level = LOG_DEBUG };
	struct conn_opts o = {
		.peer_type = ENTITY_MDS,
		.peer = daemon_addr,
		.modes = { 1 },
		.mode_count = 1,
		.nonce = 3,
		.global_seq = &global_seq,
		.global_id = &global_id,
	};
	uint8_t flags = byte(&in);

	ring = (struct ring){ .now = 1 };
	user = (struct user){ .ticket = flags & 1,
			      .free_in_message = flags & 2,
			      .refuse = flags & 4 ? -EACCES : 0 };
	o.lossy = flags & 8;
	o.place_min = 1;
	o.give_up_ns = flags & 16 ? 20000000000 : 0;
	user.memory = malloc(PLACE);
	if (conn_new(&ring, &log, &o, flags & 32 ? &placing_ops : &ops, NULL, &conn)) {
		free(user.memory);
		return 0;
	}
	advance(0);
	while (conn && in.p < in.end)
		step(&in);
	conn_free(conn);
	conn = NULL;
	flush();
	assert(!stream && !ring.flusher && !user.lent);
	free(user.memory);
	for (unsigned i = 0; i < TIMERS; i++)
		assert(!ring.timers[i]);
	return 0;
}
