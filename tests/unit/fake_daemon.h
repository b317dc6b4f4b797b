/* fake_daemon.h: a daemon whose every frame a test decides, for what a real one does not do on demand.
 *
 * It runs a script in a thread of its own with blocking sockets on loopback, one line per step. A step that
 * does not go as the script says ends the thread and leaves words in `failed`; the test looks there.
 */
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "proto/frame.h"
#include "proto/msgr.h"

enum { FAKE_NONCE = 77, FAKE_GLOBAL_ID = 4242, FAKE_PATIENCE_S = 10 };
static const uint8_t fake_key[16] = "0123456789abcde";

struct fake {
	int lfd, fd;
	uint16_t port;
	bool secure; /* con_mode 2, and real signatures */
	uint8_t type;
	uint64_t flags, cookie; /* of SERVER_IDENT */
	pthread_t thread;
	void (*script)(struct fake *p);
	const char *failed; /* read after fake_join() */
	char words[256];
	bool done; /* atomic */

	struct frame_dec dec;
	struct frame_crypto *crypto;
	uint8_t in[1 << 22];
	size_t in_len, eat; /* `eat`: bytes of the frame handed out last */
	struct enc out, rx_log, tx_log;
	bool logging;
	struct frame f; /* the one received last */
	struct msg_header h;
	struct msgr_client_ident ident;
	struct msgr_reconnect reconnect;
	uint64_t seq; /* of our messages */
};

static void __attribute__((noreturn, format(printf, 2, 3))) fake_fail(struct fake *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->words, sizeof p->words, fmt, ap);
	va_end(ap);
	p->failed = p->words;
	if (p->fd >= 0)
		close(p->fd);
	close(p->lfd); /* so that nobody goes on connecting */
	__atomic_store_n(&p->done, true, __ATOMIC_RELEASE);
	pthread_exit(NULL);
}

#define FAKE_NEED(p, cond)                                                                                   \
	do {                                                                                                 \
		if (!(cond))                                                                                 \
			fake_fail(p, "%s:%d: not so: %s", __func__, __LINE__, #cond);                        \
	} while (0)

static inline void fake_hangup(struct fake *p)
{
	close(p->fd);
	p->fd = -1;
}

static inline void fake_accept(struct fake *p)
{
	struct timeval tv = { .tv_sec = FAKE_PATIENCE_S };

	p->fd = accept(p->lfd, NULL, NULL);
	if (p->fd < 0)
		fake_fail(p, "nobody connected");
	setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)); /* as daemons do */
	frame_dec_fini(&p->dec);
	frame_dec_init(&p->dec, 1 << 21, 1 << 21, 1 << 21);
	frame_crypto_free(p->crypto);
	p->crypto = NULL;
	p->in_len = p->eat = 0;
	enc_reset(&p->out);
	enc_reset(&p->rx_log);
	enc_reset(&p->tx_log);
	p->logging = true;
}

/* --- out --- */

static inline void fake_write(struct fake *p, const void *buf, size_t len)
{
	const uint8_t *b = buf;

	if (p->logging)
		enc_bytes(&p->tx_log, b, len);
	while (len) {
		ssize_t n = send(p->fd, b, len, MSG_NOSIGNAL);

		if (n <= 0)
			fake_fail(p, "send: broken");
		b += n;
		len -= (size_t)n;
	}
}

static inline void fake_flush(struct fake *p)
{
	fake_write(p, p->out.buf, p->out.len);
	enc_reset(&p->out);
}

/* FAKE_SEND(p, TAG_ACK, msgr_u64_encode(&p->out, 7)) */
#define FAKE_PUT(p, tag, payload)                                                                            \
	do {                                                                                                 \
		size_t mark_ = frame_begin(&(p)->out);                                                       \
		payload;                                                                                     \
		frame_end(&(p)->out, mark_, tag, (p)->crypto);                                               \
	} while (0)
#define FAKE_SEND(p, tag, payload)                                                                           \
	do {                                                                                                 \
		FAKE_PUT(p, tag, payload);                                                                   \
		fake_flush(p);                                                                               \
	} while (0)

static inline void fake_put_message(struct fake *p, uint64_t seq, uint64_t ack, uint16_t type,
				    const void *front, size_t len)
{
	struct msg_header h = {
		.seq = seq, .ack_seq = ack, .type = type, .version = 1, .compat = 1, .tid = seq + 100
	};

	frame_encode_message(&p->out, &h, (struct slice){ front, (uint32_t)len }, (struct slice){ 0 },
			     (struct slice){ 0 }, p->crypto);
}

static inline void fake_message(struct fake *p, uint64_t ack, uint16_t type, const char *front)
{
	fake_put_message(p, ++p->seq, ack, type, front, strlen(front));
	fake_flush(p);
}

/* --- in --- */

/* Bytes more; false at the end of the stream. */
static inline bool fake_read(struct fake *p)
{
	ssize_t n;

	FAKE_NEED(p, p->in_len < sizeof p->in);
	n = recv(p->fd, p->in + p->in_len, sizeof p->in - p->in_len, 0);
	if (n < 0 && errno != ECONNRESET)
		fake_fail(p, "nothing came");
	if (n <= 0)
		return false;
	p->in_len += (size_t)n;
	return true;
}

static inline void fake_eat(struct fake *p, size_t n)
{
	if (p->logging && n)
		enc_bytes(&p->rx_log, p->in, n);
	memmove(p->in, p->in + n, p->in_len - n);
	p->in_len -= n;
}

/* The next frame of any kind, into p->f; false: the peer hung up. */
static inline bool fake_next(struct fake *p)
{
	int r;

	fake_eat(p, p->eat);
	p->eat = 0;
	while (!(r = frame_decode(&p->dec, p->in, p->in_len, &p->f)))
		if (!fake_read(p))
			return false;
	if (r < 0)
		fake_fail(p, "broken frame from the client: %s", p->dec.why);
	p->eat = p->f.wire_len;
	return true;
}

static inline void fake_expect(struct fake *p, uint8_t tag)
{
	if (!fake_next(p))
		fake_fail(p, "hung up instead of %s", frame_tag_name(tag));
	if (p->f.tag != tag)
		fake_fail(p, "%s instead of %s", frame_tag_name(p->f.tag), frame_tag_name(tag));
}

static inline uint64_t fake_expect_u64(struct fake *p, uint8_t tag)
{
	uint64_t v = 0;

	fake_expect(p, tag);
	FAKE_NEED(p, !msgr_u64_decode(p->f.seg[0], &v));
	return v;
}

static inline void fake_expect_message(struct fake *p, uint64_t seq, uint16_t type)
{
	fake_expect(p, TAG_MESSAGE);
	FAKE_NEED(p, !msg_header_decode(p->f.seg[0], &p->h));
	if (p->h.seq != seq || p->h.type != type)
		fake_fail(p, "message %d type %d instead of %d type %d", (int)p->h.seq, p->h.type, (int)seq,
			  type);
}

/* Whatever may still come, then the end of the stream. */
static inline void fake_expect_hangup(struct fake *p)
{
	do
		p->in_len = 0;
	while (fake_read(p));
	fake_hangup(p);
}

/* --- the handshake, step by step --- */

static inline void fake_put_banner(struct fake *p, uint64_t supported, uint64_t required)
{
	struct msgr_banner b = { .supported = supported, .required = required };

	msgr_banner_encode(&p->out, &b);
}

static inline struct entity_addr fake_addr(struct fake *p)
{
	return (struct entity_addr){ .type = ADDR_MSGR2,
				     .nonce = FAKE_NONCE,
				     .family = AF_INET,
				     .port = p->port,
				     .ip = { 127, 0, 0, 1 } };
}

static inline void fake_put_hello(struct fake *p)
{
	struct msgr_hello h = { .entity_type = p->type, .peer = fake_addr(p) };

	h.peer.port = 5555;
	h.peer.nonce = 0;
	FAKE_PUT(p, TAG_HELLO, msgr_hello_encode(&p->out, &h));
}

/* All of the client's first write. */
static inline void fake_expect_hello(struct fake *p)
{
	struct msgr_banner b;
	struct msgr_hello h;
	struct msgr_auth_request q;
	size_t need;
	int r;

	while (!(r = msgr_banner_decode(p->in, p->in_len, &b, &need)))
		FAKE_NEED(p, fake_read(p));
	FAKE_NEED(p, r == 1 && b.supported == 1 && b.required == 1);
	fake_eat(p, need);
	fake_expect(p, TAG_HELLO);
	FAKE_NEED(p, !msgr_hello_decode(p->f.seg[0], &h));
	FAKE_NEED(p, h.entity_type == ENTITY_CLIENT && h.peer.port == p->port);
	fake_expect(p, TAG_AUTH_REQUEST);
	FAKE_NEED(p, !msgr_auth_request_decode(p->f.seg[0], &q));
	FAKE_NEED(p, q.mode_count >= 1);
}

static inline void fake_hello(struct fake *p)
{
	fake_accept(p);
	fake_expect_hello(p);
	fake_put_banner(p, 1, 0);
	fake_put_hello(p);
}

/* AUTH_DONE and signatures both ways. */
static inline void fake_auth(struct fake *p, bool honest)
{
	struct msgr_auth_done d = { .global_id = FAKE_GLOBAL_ID, .con_mode = p->secure ? 2 : 1 };
	uint8_t secret[CON_SECRET_LEN], sig[MSGR_SIGNATURE_LEN], theirs[MSGR_SIGNATURE_LEN],
	    want[MSGR_SIGNATURE_LEN];
	size_t key_len = p->secure ? sizeof fake_key : 0;

	FAKE_SEND(p, TAG_AUTH_DONE, msgr_auth_done_encode(&p->out, &d));
	fake_eat(p, p->eat);
	p->eat = 0;
	p->logging = false;
	msgr_sign(fake_key, key_len, p->rx_log.buf, p->rx_log.len, sig);
	msgr_sign(fake_key, key_len, p->tx_log.buf, p->tx_log.len, want);
	if (!honest)
		sig[3] ^= 1;
	if (p->secure) {
		memset(secret, 9, sizeof secret);
		p->crypto = frame_crypto_new(secret, true);
		p->dec.crypto = p->crypto;
	}
	FAKE_SEND(p, TAG_AUTH_SIGNATURE, msgr_signature_encode(&p->out, sig));
	if (!honest)
		return;
	fake_expect(p, TAG_AUTH_SIGNATURE);
	FAKE_NEED(p, !msgr_signature_decode(p->f.seg[0], theirs));
	FAKE_NEED(p, !memcmp(theirs, want, sizeof want));
}

static inline void fake_expect_ident(struct fake *p)
{
	struct entity_addr me = fake_addr(p);

	fake_expect(p, TAG_CLIENT_IDENT);
	FAKE_NEED(p, !msgr_client_ident_decode(p->f.seg[0], &p->ident));
	FAKE_NEED(p, p->ident.addrs.count == 1 && p->ident.addrs.addr[0].type == ADDR_ANY);
	FAKE_NEED(p, p->ident.addrs.addr[0].port == 0 && p->ident.addrs.addr[0].ip[0] == 127);
	FAKE_NEED(p, p->ident.gid == FAKE_GLOBAL_ID && p->ident.cookie);
	FAKE_NEED(p, addr_equal(&p->ident.target, &me));
}

static inline void fake_put_ident(struct fake *p)
{
	struct msgr_server_ident id = {
		.addrs = { .count = 1, .addr = { fake_addr(p) } },
		.gid = 1,
		.supported = MSGR_FEATURES,
		.required = 1ull << 59,
		.flags = p->flags,
		.cookie = p->cookie,
	};

	FAKE_PUT(p, TAG_SERVER_IDENT, msgr_server_ident_encode(&p->out, &id));
}

/* A whole new session. */
static inline void fake_open(struct fake *p)
{
	fake_hello(p);
	fake_auth(p, true);
	fake_expect_ident(p);
	p->seq = 0;
	fake_put_ident(p);
	fake_flush(p);
}

static inline void fake_expect_reconnect(struct fake *p)
{
	fake_expect(p, TAG_SESSION_RECONNECT);
	FAKE_NEED(p, !msgr_reconnect_decode(p->f.seg[0], &p->reconnect));
	FAKE_NEED(p,
		  p->reconnect.client_cookie == p->ident.cookie && p->reconnect.server_cookie == p->cookie);
}

/* Up to the client's SESSION_RECONNECT. */
static inline void fake_come_back(struct fake *p)
{
	fake_hello(p);
	fake_auth(p, true);
	fake_expect_reconnect(p);
}

/* --- life --- */

static inline void fake_listen(struct fake *p)
{
	struct timeval tv = { .tv_sec = FAKE_PATIENCE_S };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;

	a.sin_port = htons(p->port);
	p->lfd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(p->lfd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	setsockopt(p->lfd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	if (bind(p->lfd, (struct sockaddr *)&a, sizeof a) || listen(p->lfd, 8))
		abort();
	getsockname(p->lfd, (struct sockaddr *)&a, &len);
	p->port = ntohs(a.sin_port);
}

static inline void *fake_main(void *arg)
{
	struct fake *p = arg;

	p->script(p);
	__atomic_store_n(&p->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static inline struct fake *fake_new(uint8_t type)
{
	struct fake *p = calloc(1, sizeof *p);

	p->fd = -1;
	p->type = type;
	p->cookie = 0x1234;
	frame_dec_init(&p->dec, 1 << 21, 1 << 21, 1 << 21);
	enc_init(&p->out);
	enc_init(&p->rx_log);
	enc_init(&p->tx_log);
	fake_listen(p);
	return p;
}

static inline void fake_run(struct fake *p, void (*script)(struct fake *p))
{
	p->script = script;
	pthread_create(&p->thread, NULL, fake_main, p);
}

static inline bool fake_done(struct fake *p)
{
	return __atomic_load_n(&p->done, __ATOMIC_ACQUIRE);
}

/* The script's end; NULL or what went wrong. */
static inline const char *fake_join(struct fake *p)
{
	pthread_join(p->thread, NULL);
	return p->failed;
}

static inline void fake_free(struct fake *p)
{
	if (p->fd >= 0)
		close(p->fd);
	if (!p->failed)
		close(p->lfd);
	frame_dec_fini(&p->dec);
	frame_crypto_free(p->crypto);
	enc_free(&p->out);
	enc_free(&p->rx_log);
	enc_free(&p->tx_log);
	free(p);
}
