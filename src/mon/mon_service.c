/* mon_service.c: proving to an MDS or OSD who we are: the ticket that a monitor gave us for it, its
 * challenge, and our key. One object for each handshake; the ticket is copied into it, so a renewal in
 * between does not matter. */
#include "mon_impl.h"
#include "../ring/mem.h"

#include <errno.h>
#include <string.h>

enum { HANGUPS_ARE_A_REFUSAL = 3 }; /* a daemon that restarts hangs up too, but not for long */

struct service_auth {
	struct conn_auth auth;
	struct mon *mon;
	struct mon_service *service;
	uint32_t method;
	uint64_t gen; /* of the tickets */
	struct cephx_authorizer cephx;
};

static struct service_auth *of(struct conn_auth *a)
{
	return (struct service_auth *)((char *)a - offsetof(struct service_auth, auth));
}

static int service_request(struct conn_auth *a, uint32_t *method, struct enc *payload)
{
	struct service_auth *s = of(a);
	struct mon *m = s->mon;
	const struct cephx_ticket *t = cephx_ticket_find(&m->tickets, s->service->type);
	uint8_t confounder[KEY_CONFOUNDER];
	uint64_t nonce;

	if (!m->logged_in)
		return -EAGAIN;
	*method = s->method = s->service->method ? s->service->method : m->method;
	if (s->method == AUTH_METHOD_NONE)
		return auth_none_request(m->entity, m->global_id, false, payload);
	if (s->service->fetch_ns)
		return -EAGAIN;
	if (!t || cephx_ticket_expired(t, ring_now(m->ring))) {
		mon_ticket_want(m);
		return -EAGAIN;
	}
	s->gen = m->ticket_gen;
	ring_random(m->ring, &nonce, sizeof nonce);
	ring_random(m->ring, confounder, sizeof confounder);
	return cephx_authorizer_request(&s->cephx, &m->tickets, s->service->type, nonce, confounder, payload);
}

static int service_more(struct conn_auth *a, const uint8_t *p, uint32_t len, struct enc *reply)
{
	struct service_auth *s = of(a);
	uint8_t confounder[KEY_CONFOUNDER];

	ring_random(s->mon->ring, confounder, sizeof confounder);
	return cephx_authorizer_more(&s->cephx, p, len, confounder, reply);
}

static int service_done(struct conn_auth *a, uint64_t global_id, uint32_t con_mode, const uint8_t *p,
			uint32_t len, struct conn_auth_result *res)
{
	struct service_auth *s = of(a);
	struct cephx_session keys;
	int err;

	memset(res, 0, sizeof *res);
	res->global_id = global_id;
	s->service->refused = s->service->hung_up = 0;
	if (s->method == AUTH_METHOD_NONE)
		return 0;
	err = cephx_authorizer_done(&s->cephx, con_mode == CON_MODE_SECURE, p, len, &keys);
	if (err)
		return log_fail(s->mon->log, err, "mon: a service's answer to our ticket: %s",
				s->cephx.why ? s->cephx.why : mon_errname(err));
	memcpy(res->session_key, keys.key, keys.key_len);
	res->session_key_len = keys.key_len;
	memcpy(res->con_secret, keys.con_secret, keys.con_secret_len);
	res->con_secret_len = keys.con_secret_len;
	crypto_wipe(&keys, sizeof keys);
	return 0;
}

/* The daemon may want another method than the monitors do (auth_service_required). */
static int method_refused(struct service_auth *s, const uint32_t *methods, unsigned method_count)
{
	struct mon *m = s->mon;

	for (unsigned i = 0; i < method_count; i++) {
		if (methods[i] == s->method)
			return log_fail(m->log, -EPROTONOSUPPORT,
					"mon: a service does not take our connection modes (ms_client_mode)");
		if ((methods[i] == AUTH_METHOD_NONE && m->opts.allow_none) ||
		    (methods[i] == AUTH_METHOD_CEPHX && cephx_ticket_find(&m->tickets, ENTITY_AUTH))) {
			s->service->method = methods[i];
			return 0;
		}
	}
	return log_fail(m->log, -EPROTONOSUPPORT, "mon: a service takes no authentication method of ours");
}

static int service_refused(struct conn_auth *a, uint32_t method, int32_t result, const uint32_t *methods,
			   unsigned method_count, const uint32_t *modes, unsigned mode_count)
{
	struct service_auth *s = of(a);

	(void)method;
	(void)modes;
	(void)mode_count;
	if (result == -EOPNOTSUPP)
		return method_refused(s, methods, method_count);
	if (s->method != AUTH_METHOD_CEPHX)
		return method_count ? result : 0;
	if (result != -EACCES && ++s->service->hung_up < HANGUPS_ARE_A_REFUSAL)
		return 0;
	s->service->hung_up = 0;
	mon_ticket_refused(s->mon, s->service, s->gen);
	return 0;
}

static void service_free(struct conn_auth *a)
{
	struct service_auth *s = of(a);

	cephx_authorizer_fini(&s->cephx);
	crypto_wipe(s, sizeof *s);
	mem_free(s, sizeof *s);
}

static const struct conn_auth_ops service_ops = {
	.request = service_request,
	.more = service_more,
	.done = service_done,
	.refused = service_refused,
	.free = service_free,
};

struct conn_auth *mon_service_auth(struct mon *m, uint32_t service)
{
	struct service_auth *s = mem_alloc(sizeof *s);

	if (!s)
		return NULL;
	s->auth.ops = &service_ops;
	s->mon = m;
	s->service = mon_service_find(m, service);
	cephx_authorizer_init(&s->cephx);
	return &s->auth;
}
