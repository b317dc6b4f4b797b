/* mon_login.c: proving to a monitor who we are, and reading its refusals.
 *
 * One object for each handshake, belonging to a try of the hunt. With a ticket of an earlier login it claims
 * the same global_id again (the MDS knows us by it), else it asks for a new one. What the login brings stays
 * with the try until its connection is open: several logins run at once and one of them counts.
 */
#include "mon_impl.h"
#include "../ring/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct login {
	struct conn_auth auth;
	struct mon_try *try;
	struct cephx_login cephx;
};

static struct login *of(struct conn_auth *a)
{
	return (struct login *)((char *)a - offsetof(struct login, auth));
}

static const char *method_name(uint32_t method)
{
	return method == AUTH_METHOD_NONE ? "none" : method == AUTH_METHOD_CEPHX ? "cephx" : "unknown";
}

static int login_request(struct conn_auth *a, uint32_t *method, struct enc *payload)
{
	struct login *l = of(a);
	struct mon_try *t = l->try;
	struct mon *m = t->mon;

	t->method = *method = m->method;
	t->used_old = !m->distrust_old && cephx_ticket_find(&m->tickets, ENTITY_AUTH);
	if (m->method == AUTH_METHOD_NONE)
		return auth_none_request(m->entity, m->distrust_old ? 0 : m->global_id, true, payload);
	return cephx_login_request(&l->cephx, m->entity, t->used_old ? m->global_id : 0, payload);
}

static int login_more(struct conn_auth *a, const uint8_t *p, uint32_t len, struct enc *reply)
{
	struct login *l = of(a);
	struct mon *m = l->try->mon;
	uint64_t challenge;

	ring_random(m->ring, &challenge, sizeof challenge);
	return cephx_login_more(&l->cephx, p, len, challenge, l->try->used_old ? &m->tickets : NULL,
				MON_SERVICE_BITS, reply);
}

static int login_done(struct conn_auth *a, uint64_t global_id, uint32_t con_mode, const uint8_t *p,
		      uint32_t len, struct conn_auth_result *res)
{
	struct login *l = of(a);
	struct mon_try *t = l->try;
	struct cephx_session s;
	int err;

	memset(res, 0, sizeof *res);
	res->global_id = t->global_id = global_id;
	if (t->method == AUTH_METHOD_NONE)
		return 0;
	err = cephx_login_done(&l->cephx, global_id, con_mode == CON_MODE_SECURE, p, len,
			       ring_now(t->mon->ring), &t->fresh, &s);
	if (err) {
		/* The monitor took our proof and answered under another key: it is no monitor of ours. */
		snprintf(t->why, sizeof t->why, "answered the login with broken words: %s",
			 l->cephx.why ? l->cephx.why : mon_errname(err));
		t->verdict = err == -EACCES ? -EPROTO : err;
		return err;
	}
	memcpy(res->session_key, s.key, s.key_len);
	res->session_key_len = s.key_len;
	memcpy(res->con_secret, s.con_secret, s.con_secret_len);
	res->con_secret_len = s.con_secret_len;
	crypto_wipe(&s, sizeof s);
	return 0;
}

static int verdict(struct mon_try *t, int err, const char *what)
{
	snprintf(t->why, sizeof t->why, "refused %s: %s", t->mon->entity, what);
	t->verdict = err;
	return err;
}

/* Another method that the monitor takes and we may use, or 0. */
static uint32_t other_method(const struct mon *m, const uint32_t *methods, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (methods[i] == m->method)
			continue;
		if (methods[i] == AUTH_METHOD_CEPHX && m->opts.allow_cephx && m->opts.have_key)
			return methods[i];
		if (methods[i] == AUTH_METHOD_NONE && m->opts.allow_none)
			return methods[i];
	}
	return 0;
}

static int method_refused(struct mon_try *t, uint32_t method, const uint32_t *methods, unsigned method_count)
{
	struct mon *m = t->mon;
	uint32_t other = other_method(m, methods, method_count);
	char words[128];

	for (unsigned i = 0; i < method_count; i++)
		if (methods[i] == method)
			return verdict(t, -EPROTONOSUPPORT,
				       "it does not take our connection modes (ms_mon_client_mode)");
	if (other) {
		m->method = other;
		t->again = true;
		return -EAGAIN;
	}
	snprintf(words, sizeof words, "it does not take auth method %s but %s, which %s", method_name(method),
		 method_count ? method_name(methods[0]) : "none we know",
		 method_count && methods[0] == AUTH_METHOD_CEPHX && !m->opts.have_key
		     ? "needs a key"
		     : "auth_client_required excludes");
	return verdict(t, -EPROTONOSUPPORT, words);
}

static int login_refused(struct conn_auth *a, uint32_t method, int32_t result, const uint32_t *methods,
			 unsigned method_count, const uint32_t *modes, unsigned mode_count)
{
	struct mon_try *t = of(a)->try;
	struct mon *m = t->mon;

	(void)modes;
	(void)mode_count;
	if (result == -ECONNRESET && !method_count) { /* hung up without a word */
		if (t->used_old)
			m->hangups += m->hangups <= m->rounds;
		return result;
	}
	if (result == -EOPNOTSUPP)
		return method_refused(t, method, methods, method_count);
	if (result == -EACCES && t->used_old) {
		m->old_refused = true;
		return result;
	}
	if (result == -EACCES)
		return verdict(t, -EACCES,
			       m->opts.have_key ? "wrong key, or no such entity" : "no such entity");
	return verdict(t, result < 0 ? result : -EPROTO, mon_errname(result < 0 ? result : -EPROTO));
}

static void login_free(struct conn_auth *a)
{
	struct login *l = of(a);

	cephx_login_fini(&l->cephx);
	crypto_wipe(l, sizeof *l);
	mem_free(l, sizeof *l);
}

static const struct conn_auth_ops login_ops = {
	.request = login_request,
	.more = login_more,
	.done = login_done,
	.refused = login_refused,
	.free = login_free,
};

struct conn_auth *mon_login_auth(struct mon_try *t)
{
	struct login *l = mem_alloc(sizeof *l);

	if (!l)
		return NULL;
	l->auth.ops = &login_ops;
	l->try = t;
	cephx_login_init(&l->cephx, &t->mon->opts.key);
	return &l->auth;
}
