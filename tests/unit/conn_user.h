/* conn_user.h: the user's side of a connection in tests: counts what happens, and turns the engine. */
#pragma once
#include <criterion/criterion.h>
#include <errno.h>
#include "fake_daemon.h"
#include "ring/conn.h"

enum { USER_MSGS = 512, USER_PATIENCE_TURNS = 1500 };

struct user {
	struct ring *ring;
	struct log log;
	char logged[16384];
	struct conn *conn;
	struct fake *fake;
	struct conn_opts opts;
	uint64_t global_seq, global_id;

	/* What the authenticator does. */
	bool secure, no_ticket;
	int refuse; /* result of refused() */
	unsigned auths, auth_frees, refusals;
	int32_t refused_result;

	/* What came. */
	unsigned ready, resumed, resets, faults, count;
	int err;
	char why[512];
	struct {
		uint64_t seq, tid;
		uint16_t type;
		uint32_t front_len;
		char front[32];
	} got[USER_MSGS];
	void (*on_message)(struct user *u, const struct msg_in *m);
	void (*on_ready)(struct user *u);
};

struct user_auth {
	struct conn_auth a;
	struct user *u;
};

static inline int user_auth_request(struct conn_auth *a, uint32_t *method, struct enc *payload)
{
	struct user_auth *ua = (struct user_auth *)a;

	if (ua->u->no_ticket)
		return -EAGAIN;
	*method = AUTH_METHOD_NONE;
	enc_u8(payload, 1);
	return 0;
}

static inline int user_auth_more(struct conn_auth *a, const uint8_t *p, uint32_t len, struct enc *reply)
{
	enc_bytes(reply, p, len);
	return 0;
}

static inline int user_auth_done(struct conn_auth *a, uint64_t global_id, uint32_t mode, const uint8_t *p,
				 uint32_t len, struct conn_auth_result *res)
{
	struct user_auth *ua = (struct user_auth *)a;

	res->global_id = global_id;
	if (ua->u->secure) {
		memcpy(res->session_key, fake_key, sizeof fake_key);
		res->session_key_len = sizeof fake_key;
		memset(res->con_secret, 9, sizeof res->con_secret);
		res->con_secret_len = CON_SECRET_LEN;
	}
	return 0;
}

static inline int user_auth_refused(struct conn_auth *a, uint32_t method, int32_t result,
				    const uint32_t *methods, unsigned method_count, const uint32_t *modes,
				    unsigned mode_count)
{
	struct user_auth *ua = (struct user_auth *)a;

	ua->u->refusals++;
	ua->u->refused_result = result;
	return ua->u->refuse;
}

static inline void user_auth_free(struct conn_auth *a)
{
	((struct user_auth *)a)->u->auth_frees++;
	free(a);
}

static const struct conn_auth_ops user_auth_ops = {
	.request = user_auth_request,
	.more = user_auth_more,
	.done = user_auth_done,
	.refused = user_auth_refused,
	.free = user_auth_free,
};

static inline struct conn_auth *user_auth(void *arg)
{
	struct user_auth *a = calloc(1, sizeof *a);

	a->a.ops = &user_auth_ops;
	a->u = arg;
	a->u->auths++;
	return &a->a;
}

static inline void user_ready(void *arg, bool resumed)
{
	struct user *u = arg;

	u->ready++;
	u->resumed += resumed;
	if (u->on_ready)
		u->on_ready(u);
}

static inline void user_message(void *arg, const struct msg_in *m)
{
	struct user *u = arg;

	cr_assert_lt(u->count, USER_MSGS);
	u->got[u->count].seq = m->seq;
	u->got[u->count].tid = m->tid;
	u->got[u->count].type = m->type;
	u->got[u->count].front_len = m->front_len;
	if (m->front_len)
		memcpy(u->got[u->count].front, m->front, m->front_len < 31 ? m->front_len : 31);
	u->count++;
	if (u->on_message)
		u->on_message(u, m);
}

static inline void user_reset(void *arg)
{
	((struct user *)arg)->resets++;
}

static inline void user_fault(void *arg, int err, const char *why)
{
	struct user *u = arg;

	u->faults++;
	u->err = err;
	snprintf(u->why, sizeof u->why, "%s", why);
}

static const struct conn_ops user_ops = {
	.ready = user_ready,
	.message = user_message,
	.reset = user_reset,
	.fault = user_fault,
	.auth = user_auth,
};

static inline void user_log(void *arg, enum log_level level, const char *line)
{
	struct user *u = arg;
	size_t n = strlen(u->logged);

	snprintf(u->logged + n, sizeof u->logged - n, "%s\n", line);
}

/* A daemon of `type` that listens but has no script yet, and the options to reach it. */
static inline struct user *user_new(uint8_t type)
{
	struct user *u = calloc(1, sizeof *u);
	struct ring_opts o = { .cpu = -1 };
	char why[256] = "";

	cr_assert_eq(ring_new(&o, &u->ring, why, sizeof why), 0, "%s", why);
	u->log = (struct log){ .level = LOG_DEBUG, .sink = user_log, .arg = u };
	u->fake = fake_new(type);
	u->fake->flags = type == ENTITY_MDS ? 0 : MSGR_FLAG_LOSSY;
	u->opts = (struct conn_opts){
		.peer_type = type,
		.peer = fake_addr(u->fake),
		.peer_name = "mds.0",
		.modes = { CON_MODE_CRC },
		.mode_count = 1,
		.nonce = 4711,
		.global_seq = &u->global_seq,
		.global_id = &u->global_id,
		.lossy = type != ENTITY_MDS,
	};
	return u;
}

static inline void user_secure(struct user *u)
{
	u->secure = u->fake->secure = true;
	u->opts.modes[0] = CON_MODE_SECURE;
}

static inline void user_connect(struct user *u, void (*script)(struct fake *p))
{
	fake_run(u->fake, script);
	cr_assert_eq(conn_new(u->ring, &u->log, &u->opts, &user_ops, u, &u->conn), 0);
}

/* Turns the engine until `cond` (patience is for broken code only). */
#define USER_UNTIL(u, cond)                                                                                  \
	do {                                                                                                 \
		for (int turn_ = 0; !(cond); turn_++) {                                                      \
			cr_assert_lt(turn_, USER_PATIENCE_TURNS,                                             \
				     "never: %s (%s), count %u, fake: %s\nlog:\n%s", #cond, (u)->why,        \
				     (u)->count, (u)->fake->failed ? (u)->fake->failed : "fine",             \
				     (u)->logged);                                                           \
			ring_run((u)->ring, 10000000);                                                       \
		}                                                                                            \
	} while (0)

static inline void user_run_ms(struct user *u, int ms)
{
	for (uint64_t end = ring_now_fresh(u->ring) + (uint64_t)ms * 1000000; ring_now_fresh(u->ring) < end;)
		ring_run(u->ring, 5000000);
}

static inline void user_send(struct user *u, uint16_t type, const char *front)
{
	struct msg *m = msg_new(type, 1, 1, 1000);

	cr_assert_not_null(m);
	enc_bytes(&m->front, front, strlen(front));
	conn_send(u->conn, m);
}

/* Everything is over: the script went through and nothing is left behind. */
static inline void user_end(struct user *u)
{
	const char *failed;

	USER_UNTIL(u, fake_done(u->fake));
	failed = fake_join(u->fake);
	cr_assert_null(failed, "%s\nlog:\n%s", failed, u->logged);
	conn_free(u->conn);
	ring_free(u->ring);
	cr_assert_eq(u->auths, u->auth_frees);
	fake_free(u->fake);
	free(u);
}
