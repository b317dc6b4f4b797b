/* conn_handshake.c: from a TCP stream to an open session, in three writes.
 *
 *     we                                          the daemon
 *     banner HELLO AUTH_REQUEST  --------------->
 *                                <---------------  banner HELLO AUTH_REPLY_MORE
 *     AUTH_REQUEST_MORE          --------------->
 *                                <---------------  AUTH_DONE AUTH_SIGNATURE
 *     AUTH_SIGNATURE CLIENT_IDENT -------------->
 *                                <---------------  SERVER_IDENT
 *
 * Nothing waits for an answer that it does not need; each answer is checked when it arrives, in order, and
 * no message is believed before banner, hello, signature and identity were. A session that was lost with
 * its TCP connection says SESSION_RECONNECT for CLIENT_IDENT; the answer may be RECONNECT_OK, RETRY and
 * RETRY_GLOBAL (our counters lag: again on the same stream), RESET (no such session: start a new one on
 * the same stream) or WAIT (come back later). See doc/protocol.md 1.1, 1.7; ceph src/msg/async/ProtocolV2.cc.
 */
#include "conn_impl.h"

#include <errno.h>
#include <inttypes.h>

static const char *const state_names[CONN_STATES] = {
	[CONN_START] = "standby",         [CONN_TICKET_WAIT] = "waiting for a ticket",
	[CONN_CONNECTING] = "connecting", [CONN_BANNER] = "banner",
	[CONN_HELLO] = "hello",           [CONN_AUTH] = "auth",
	[CONN_SIGN] = "signature",        [CONN_IDENT] = "ident",
	[CONN_RECONNECT] = "reconnect",   [CONN_OPEN] = "open",
	[CONN_FAILED] = "failed",
};

const char *conn_state_name(enum conn_state s)
{
	return state_names[s];
}

/* --- the attempt --- */

void conn_auth_end(struct conn *c)
{
	struct conn_auth *a = c->auth;

	enc_free(&c->tx_log);
	enc_free(&c->rx_log);
	enc_free(&c->auth_payload);
	c->auth = NULL;
	if (a)
		a->ops->free(a);
}

static void peer_sockaddr(const struct entity_addr *a, union tcp_addr *to)
{
	memset(to, 0, sizeof *to);
	to->sa.sa_family = a->family;
	if (a->family == AF_INET) {
		to->in.sin_port = htons(a->port);
		memcpy(&to->in.sin_addr, a->ip, sizeof to->in.sin_addr);
	} else {
		to->in6.sin6_port = htons(a->port);
		to->in6.sin6_scope_id = a->scope_id;
		memcpy(&to->in6.sin6_addr, a->ip, sizeof to->in6.sin6_addr);
	}
}

/* No ticket yet is no failure: nobody has been connected to. */
static void wait_for_ticket(struct conn *c)
{
	conn_auth_end(c);
	if (c->opts.give_up_ns && c->state == CONN_TICKET_WAIT)
		ring_timer_set(c->ring, &c->timer, c->down_ns + c->opts.give_up_ns);
}

enum { TICKET_LATER = 1 };

static int attempt(struct conn *c)
{
	union tcp_addr to;
	int err;

	c->rounds = 0;
	c->auth = c->ops->auth(c->arg);
	if (c->freed)
		return -ECONNABORTED;
	if (!c->auth)
		return conn_final(c, -ENOMEM, "no authenticator");
	c->state = CONN_TICKET_WAIT; /* before asking: the ticket may come at once */
	err = c->auth->ops->request(c->auth, &c->auth_method, &c->auth_payload);
	if (err == -EAGAIN)
		return TICKET_LATER;
	if (err || (err = c->auth_payload.err))
		return conn_final(c, err, "cannot authenticate: %s", strerror(-err));
	peer_sockaddr(&c->opts.peer, &to);
	c->state = CONN_CONNECTING;
	err = tcp_connect(c->ring, &to, c->ops->dest ? &conn_place_ops : &conn_tcp_ops, c, &c->tcp);
	return err ? conn_bad(c, err, "connect: %s", strerror(-err)) : 0;
}

void conn_attempt(struct conn *c)
{
	int err = attempt(c);

	if (c->freed)
		return;
	if (err == TICKET_LATER)
		wait_for_ticket(c);
	else if (err)
		conn_broken(c, err);
	else
		ring_timer_set(c->ring, &c->timer, ring_now(c->ring) + c->opts.connect_ns);
}

static struct entity_addr self_addr(const struct conn *c, struct entity_addr seen)
{
	seen.type = ADDR_ANY;
	seen.port = 0;
	seen.nonce = (uint32_t)c->opts.nonce;
	return seen;
}

static struct entity_addr local_addr(const union tcp_addr *l)
{
	struct entity_addr a = { .family = l->sa.sa_family };

	if (a.family == AF_INET)
		memcpy(a.ip, &l->in.sin_addr, sizeof l->in.sin_addr);
	else
		memcpy(a.ip, &l->in6.sin6_addr, sizeof l->in6.sin6_addr);
	return a;
}

static void auth_request(struct conn *c)
{
	struct msgr_auth_request q = {
		.method = c->auth_method,
		.mode_count = c->opts.mode_count,
		.payload = { .p = c->auth_payload.buf, .len = (uint32_t)c->auth_payload.len },
	};
	size_t mark;

	memcpy(q.modes, c->opts.modes, sizeof c->opts.modes);
	mark = frame_begin(&c->out->bytes);
	msgr_auth_request_encode(&c->out->bytes, &q);
	frame_end(&c->out->bytes, mark, TAG_AUTH_REQUEST, NULL);
}

int conn_say_hello(struct conn *c, const union tcp_addr *local)
{
	struct msgr_banner b = { .supported = MSGR_FEATURE_REV1, .required = MSGR_FEATURE_REV1 };
	struct msgr_hello h = { .entity_type = ENTITY_CLIENT, .peer = c->opts.peer };
	size_t mark;

	c->self = self_addr(c, local_addr(local)); /* until the peer says how it sees us */
	msgr_banner_encode(&c->out->bytes, &b);
	mark = frame_begin(&c->out->bytes);
	msgr_hello_encode(&c->out->bytes, &h);
	frame_end(&c->out->bytes, mark, TAG_HELLO, NULL);
	auth_request(c);
	enc_bytes(&c->tx_log, c->out->bytes.buf, c->out->bytes.len);
	c->state = CONN_BANNER;
	return c->out->bytes.err || c->tx_log.err ? conn_bad(c, -ENOMEM, "no memory for the handshake") : 0;
}

ssize_t conn_banner(struct conn *c, const uint8_t *p, size_t len)
{
	static const char legacy[] = "ceph v0";
	struct msgr_banner b;
	int r;

	if (len >= sizeof legacy - 1 && !memcmp(p, legacy, sizeof legacy - 1))
		return conn_final(c, -EPROTONOSUPPORT,
				  "speaks only the legacy msgr1 protocol, which cephring does not support: "
				  "enable msgr2 on the monitors");
	r = msgr_banner_decode(p, len, &b, &c->need);
	if (r == 0)
		return 0;
	if (r < 0)
		return conn_bad(c, r, "no Ceph daemon: not a msgr2 banner");
	if (b.required & MSGR_FEATURE_COMPRESSION)
		return conn_final(c, -EPROTONOSUPPORT,
				  "requires on-wire compression, which cephring does not offer");
	if (b.required & ~(uint64_t)MSGR_FEATURE_REV1)
		return conn_final(c, -EPROTONOSUPPORT, "requires unknown msgr2 features (0x%" PRIx64 ")",
				  b.required);
	if (!(b.supported & MSGR_FEATURE_REV1))
		return conn_final(c, -EPROTONOSUPPORT, "speaks msgr2.0 only; cephring needs msgr2.1");
	enc_bytes(&c->rx_log, p, c->need);
	if (c->rx_log.err)
		return conn_bad(c, -ENOMEM, "no memory for the handshake");
	c->state = CONN_HELLO;
	return (ssize_t)c->need;
}

/* --- authentication --- */

static int handle_hello(struct conn *c, const struct frame *f)
{
	struct msgr_hello h;

	if (msgr_hello_decode(f->seg[0], &h))
		return conn_bad(c, -EBADMSG, "broken hello");
	if (h.entity_type != c->opts.peer_type)
		return conn_bad(c, -EPROTO, "is a daemon of type %u, not %u", h.entity_type,
				c->opts.peer_type);
	if (h.peer.family)
		c->self = self_addr(c, h.peer);
	c->state = CONN_AUTH;
	return 0;
}

/* The peer tells its modes; which option of ours leaves none in common? NULL: that is not the trouble. */
static const char *modes_apart(const struct conn *c, const struct msgr_auth_bad_method *b)
{
	for (uint32_t i = 0; i < b->mode_count; i++)
		for (unsigned k = 0; k < c->opts.mode_count; k++)
			if (b->modes[i] == c->opts.modes[k])
				return NULL;
	if (!b->mode_count)
		return NULL;
	return c->opts.peer_type == ENTITY_MON ? "ms_mon_client_mode" : "ms_client_mode";
}

static int refused(struct conn *c, uint32_t method, int32_t result, const struct msgr_auth_bad_method *b)
{
	const char *option = b ? modes_apart(c, b) : NULL;
	int err = c->auth->ops->refused(c->auth, method, result, b ? b->methods : NULL,
					b ? b->method_count : 0, b ? b->modes : NULL, b ? b->mode_count : 0);

	if (err && option)
		return conn_final(c, err, "does not take our connection modes (%s)", option);
	if (err)
		return conn_final(c, err, "authentication refused: %s", strerror(-err));
	c->retry = true;
	return conn_bad(c, -EAGAIN, "authentication refused (%s)",
			result < 0 ? strerror(-result) : "no reason");
}

static int handle_bad_method(struct conn *c, const struct frame *f)
{
	struct msgr_auth_bad_method b;

	if (msgr_auth_bad_method_decode(f->seg[0], &b))
		return conn_bad(c, -EBADMSG, "broken auth_bad_method");
	return refused(c, b.method, b.result, &b);
}

int conn_stream_over(struct conn *c, int err)
{
	/* Daemons answer some damaged tickets by hanging up. */
	if ((c->state == CONN_HELLO || c->state == CONN_AUTH) && (err == 0 || err == -ECONNRESET))
		return refused(c, c->auth_method, -ECONNRESET, NULL);
	if (c->state == CONN_IDENT && err == 0)
		return conn_bad(c, -ECONNRESET, "hung up on our identity: restarted under a new nonce?");
	if (err == 0)
		return conn_bad(c, -ECONNRESET, "closed the connection (%s)", conn_state_name(c->state));
	return conn_bad(c, err, "%s (%s)", strerror(-err), conn_state_name(c->state));
}

static int one_more_round(struct conn *c)
{
	return ++c->rounds > CONN_AUTH_ROUNDS ? conn_bad(c, -EPROTO, "endless handshake") : 0;
}

static int handle_reply_more(struct conn *c, const struct frame *f)
{
	struct enc reply;
	struct slice in;
	size_t mark, from = c->out->bytes.len;
	int err = one_more_round(c);

	if (err)
		return err;
	if (msgr_auth_more_decode(f->seg[0], &in))
		return conn_bad(c, -EBADMSG, "broken auth_reply_more");
	enc_init(&reply);
	err = c->auth->ops->more(c->auth, in.p, in.len, &reply);
	if (!err)
		err = reply.err;
	if (!err) {
		mark = frame_begin(&c->out->bytes);
		msgr_auth_more_encode(&c->out->bytes,
				      (struct slice){ .p = reply.buf, .len = (uint32_t)reply.len });
		frame_end(&c->out->bytes, mark, TAG_AUTH_REQUEST_MORE, NULL);
		err = c->out->bytes.err;
	}
	enc_free(&reply);
	if (err)
		return conn_bad(c, err, "authentication failed: %s", strerror(-err));
	enc_bytes(&c->tx_log, c->out->bytes.buf + from, c->out->bytes.len - from);
	conn_kick(c);
	return c->tx_log.err ? conn_bad(c, -ENOMEM, "no memory for the handshake") : 0;
}

static bool mode_offered(const struct conn *c, uint32_t mode)
{
	for (unsigned i = 0; i < c->opts.mode_count; i++)
		if (c->opts.modes[i] == mode)
			return true;
	return false;
}

static int go_secure(struct conn *c, const struct conn_auth_result *res)
{
	if (res->con_secret_len != CON_SECRET_LEN)
		return conn_bad(c, -EPROTO, "secure mode without a connection secret");
	c->crypto = frame_crypto_new(res->con_secret, false);
	if (!c->crypto)
		return conn_bad(c, -ENOMEM, "no memory for secure mode");
	c->dec.crypto = c->crypto;
	return 0;
}

/* Both sides sign all that they received so far; from here on secure mode encrypts. */
static int sign(struct conn *c, const struct conn_auth_result *res)
{
	uint8_t sig[MSGR_SIGNATURE_LEN];
	size_t mark;
	int err;

	if (res->session_key_len > sizeof res->session_key)
		return conn_bad(c, -EPROTO, "impossible session key");
	err = c->mode == CON_MODE_SECURE ? go_secure(c, res) : 0;
	if (err)
		return err;
	if (msgr_sign(res->session_key, res->session_key_len, c->rx_log.buf, c->rx_log.len, sig) ||
	    msgr_sign(res->session_key, res->session_key_len, c->tx_log.buf, c->tx_log.len, c->want_sig))
		return conn_bad(c, -ENOMEM, "cannot sign the handshake");
	mark = frame_begin(&c->out->bytes);
	msgr_signature_encode(&c->out->bytes, sig);
	frame_end(&c->out->bytes, mark, TAG_AUTH_SIGNATURE, c->crypto);
	c->state = CONN_SIGN;
	return conn_identify(c);
}

static int handle_done(struct conn *c, const struct frame *f)
{
	struct conn_auth_result res = { 0 };
	struct msgr_auth_done d;
	int err;

	if (msgr_auth_done_decode(f->seg[0], &d))
		return conn_bad(c, -EBADMSG, "broken auth_done");
	if (!mode_offered(c, d.con_mode))
		return conn_bad(c, -EPROTO, "chose connection mode %u, which was not offered", d.con_mode);
	err = c->auth->ops->done(c->auth, d.global_id, d.con_mode, d.payload.p, d.payload.len, &res);
	if (c->freed)
		return -ECONNABORTED;
	c->mode = d.con_mode;
	c->gid = res.global_id;
	err = err ? conn_bad(c, err, "authentication failed: %s", strerror(-err)) : sign(c, &res);
	explicit_bzero(&res, sizeof res);
	conn_auth_end(c);
	return err;
}

static int handle_signature(struct conn *c, const struct frame *f)
{
	uint8_t sig[MSGR_SIGNATURE_LEN];

	if (msgr_signature_decode(f->seg[0], sig) || !msgr_signature_equal(sig, c->want_sig))
		return conn_bad(c, -EACCES,
				"its signature does not match what was said: someone in between?");
	c->state = c->resuming ? CONN_RECONNECT : CONN_IDENT;
	return 0;
}

/* --- identity --- */

static void client_ident(struct conn *c)
{
	struct msgr_client_ident id = {
		.addrs = { .count = 1, .addr = { c->self } },
		.target = c->opts.peer,
		.gid = (int64_t)c->gid,
		.global_seq = ++*c->opts.global_seq,
		.supported = MSGR_FEATURES,
		.required = CONN_FEATURES_REQUIRED,
		.flags = c->lossy ? MSGR_FLAG_LOSSY : 0,
		.cookie = c->client_cookie,
	};
	size_t mark = frame_begin(&c->out->bytes);

	msgr_client_ident_encode(&c->out->bytes, &id);
	frame_end(&c->out->bytes, mark, TAG_CLIENT_IDENT, c->crypto);
}

static void session_reconnect(struct conn *c)
{
	struct msgr_reconnect r = {
		.addrs = { .count = 1, .addr = { c->self } },
		.client_cookie = c->client_cookie,
		.server_cookie = c->server_cookie,
		.global_seq = ++*c->opts.global_seq,
		.connect_seq = ++c->connect_seq,
		.in_seq = c->in_seq,
	};
	size_t mark = frame_begin(&c->out->bytes);

	msgr_reconnect_encode(&c->out->bytes, &r);
	frame_end(&c->out->bytes, mark, TAG_SESSION_RECONNECT, c->crypto);
}

int conn_identify(struct conn *c)
{
	c->resuming = !c->lossy && c->server_cookie;
	if (c->resuming)
		session_reconnect(c);
	else
		client_ident(c);
	if (c->state != CONN_SIGN)
		c->state = c->resuming ? CONN_RECONNECT : CONN_IDENT;
	conn_kick(c);
	return c->out->bytes.err ? conn_bad(c, c->out->bytes.err, "no memory for the handshake") : 0;
}

/* As the maps name it; a daemon that does not know its own ip leaves it blank. */
static bool is_wanted(const struct entity_addr *want, const struct entity_addr *a)
{
	struct entity_addr b = *a;
	static const uint8_t blank[16];

	if (!memcmp(b.ip, blank, sizeof blank)) {
		memcpy(b.ip, want->ip, sizeof b.ip);
		b.family = want->family;
	}
	b.scope_id = want->scope_id; /* means something to its host only */
	return addr_equal(want, &b);
}

static int check_server(struct conn *c, const struct msgr_server_ident *id)
{
	uint64_t missing = CONN_FEATURES_REQUIRED & ~id->supported;
	bool found = false;

	if (missing)
		return conn_final(c, -EPROTONOSUPPORT, "lacks features 0x%" PRIx64 ": older than Nautilus?",
				  missing);
	missing = id->required & ~MSGR_FEATURES;
	if (missing)
		return conn_final(c, -EPROTONOSUPPORT, "requires features 0x%" PRIx64 ", unknown to us",
				  missing);
	for (uint32_t i = 0; i < id->addrs.count; i++)
		found = found || is_wanted(&c->opts.peer, &id->addrs.addr[i]);
	return found ? 0 : conn_bad(c, -EPROTO, "somebody else answers at its address");
}

static int handle_server_ident(struct conn *c, const struct frame *f)
{
	struct msgr_server_ident id;
	int err;

	if (msgr_server_ident_decode(f->seg[0], &id))
		return conn_bad(c, -EBADMSG, "broken server_ident");
	err = check_server(c, &id);
	if (err)
		return err;
	c->lossy = id.flags & MSGR_FLAG_LOSSY;
	c->server_cookie = c->lossy ? 0 : id.cookie;
	c->connect_seq = 0;
	c->peer_features = id.supported;
	return conn_opened(c, false);
}

static int get_u64(struct conn *c, const struct frame *f, uint64_t *v)
{
	return msgr_u64_decode(f->seg[0], v) ? conn_bad(c, -EBADMSG, "broken %s", frame_tag_name(f->tag)) : 0;
}

static int handle_missing(struct conn *c, const struct frame *f)
{
	uint64_t missing;
	int err = get_u64(c, f, &missing);

	return err ? err
		   : conn_final(c, -EPROTONOSUPPORT, "requires features 0x%" PRIx64 ", unknown to us",
				missing);
}

static int handle_reconnect_ok(struct conn *c, const struct frame *f)
{
	uint64_t seq;
	int err = get_u64(c, f, &seq);

	if (!err)
		err = conn_acked(c, seq);
	return err ? err : conn_opened(c, true);
}

static int handle_reset(struct conn *c, const struct frame *f)
{
	int err = one_more_round(c);

	return err ? err : conn_reset(c);
}

static int handle_retry(struct conn *c, const struct frame *f)
{
	uint64_t seq = 0;
	int err = one_more_round(c);

	if (!err)
		err = get_u64(c, f, &seq);
	if (err)
		return err;
	c->connect_seq = seq; /* counted up by the next request */
	return conn_identify(c);
}

static int handle_retry_global(struct conn *c, const struct frame *f)
{
	uint64_t seq = 0;
	int err = one_more_round(c);

	if (!err)
		err = get_u64(c, f, &seq);
	if (err)
		return err;
	/* Never near its end: a lying daemon must not spoil the counter for the others. */
	if (seq > UINT64_MAX / 2)
		return conn_bad(c, -EPROTO, "absurd global_seq");
	if (seq > *c->opts.global_seq)
		*c->opts.global_seq = seq;
	return conn_identify(c);
}

static int handle_wait(struct conn *c, const struct frame *f)
{
	c->retry = true;
	return conn_bad(c, -EAGAIN, "asks us to wait");
}

/* --- frames by tag --- */

#define IN(state) (1u << CONN_##state)
/* Which frame may come when. */
static const struct frame_op {
	unsigned states;
	int (*handle)(struct conn *c, const struct frame *f);
} frame_ops[] = {
	[TAG_HELLO] = { IN(HELLO), handle_hello },
	[TAG_AUTH_BAD_METHOD] = { IN(AUTH), handle_bad_method },
	[TAG_AUTH_REPLY_MORE] = { IN(AUTH), handle_reply_more },
	[TAG_AUTH_DONE] = { IN(AUTH), handle_done },
	[TAG_AUTH_SIGNATURE] = { IN(SIGN), handle_signature },
	[TAG_SERVER_IDENT] = { IN(IDENT), handle_server_ident },
	[TAG_IDENT_MISSING_FEATURES] = { IN(IDENT), handle_missing },
	[TAG_SESSION_RESET] = { IN(RECONNECT), handle_reset },
	[TAG_SESSION_RETRY] = { IN(RECONNECT), handle_retry },
	[TAG_SESSION_RETRY_GLOBAL] = { IN(IDENT) | IN(RECONNECT), handle_retry_global },
	[TAG_SESSION_RECONNECT_OK] = { IN(RECONNECT), handle_reconnect_ok },
	[TAG_WAIT] = { IN(IDENT) | IN(RECONNECT), handle_wait },
	[TAG_MESSAGE] = { IN(OPEN), conn_handle_message },
	[TAG_KEEPALIVE2] = { IN(OPEN), conn_handle_keepalive },
	[TAG_KEEPALIVE2_ACK] = { IN(OPEN), conn_handle_keepalive_ack },
	[TAG_ACK] = { IN(OPEN), conn_handle_ack },
};
#undef IN

int conn_frame(struct conn *c, const struct frame *f)
{
	const struct frame_op *op = f->tag < sizeof frame_ops / sizeof *frame_ops ? &frame_ops[f->tag] : NULL;

	if (!op || !(op->states & 1u << c->state))
		return conn_bad(c, -EPROTO, "unexpected frame %s (%u) in state %s", frame_tag_name(f->tag),
				f->tag, conn_state_name(c->state));
	return op->handle(c, f);
}
