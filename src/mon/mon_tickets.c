/* mon_tickets.c: keeping the tickets of the services fresh.
 *
 * A service ticket is renewed over the open session (MAuth) when 3/4 of its validity has gone. The auth
 * ticket, by which the others are asked for, is renewed by a new login that shows the old one, beside the
 * session that is there; so is everything when a renewal is refused or not answered. A service may refuse a
 * ticket long before it ends (its rotating keys were wiped) or refuse even a fresh one for a while (it lags
 * behind with its keys): each refusal in a row doubles the wait before the next ticket is fetched.
 */
#include "mon_impl.h"
#include "../ring/mem.h"

#include <errno.h>
#include <string.h>

void mon_tickets_init(struct mon *m)
{
	static const uint32_t types[MON_SERVICE_COUNT] = { ENTITY_MDS, ENTITY_OSD };

	cephx_tickets_init(&m->tickets);
	for (unsigned i = 0; i < MON_SERVICE_COUNT; i++)
		m->service[i] = (struct mon_service){ .type = types[i] };
}

void mon_tickets_fini(struct mon *m)
{
	cephx_tickets_fini(&m->tickets);
	mem_free(m->waiter, m->waiter_cap * sizeof *m->waiter);
}

struct mon_service *mon_service_find(struct mon *m, uint32_t type)
{
	return &m->service[type == ENTITY_OSD];
}

/* ---- who waits for tickets ---- */

void mon_auth_wait(struct mon *m, struct conn *c)
{
	for (unsigned i = 0; i < m->waiter_count; i++)
		if (m->waiter[i] == c)
			return;
	if (m->waiter_count == m->waiter_cap) {
		unsigned cap = m->waiter_cap ? m->waiter_cap * 2 : 16;
		void *p = cap <= MON_WAITERS_MAX ? mem_realloc(m->waiter, cap * sizeof *m->waiter) : NULL;

		if (!p) { /* its own back-off makes it ask again */
			log_emit(m->log, LOG_WARN,
				 "mon: %u connections wait for tickets, one more is not told of them",
				 m->waiter_count);
			return;
		}
		m->waiter = p;
		m->waiter_cap = cap;
	}
	m->waiter[m->waiter_count++] = c;
}

void mon_auth_forget(struct mon *m, struct conn *c)
{
	for (unsigned i = 0; i < m->waiter_count; i++)
		if (m->waiter[i] == c) {
			m->waiter[i] = m->waiter[--m->waiter_count];
			return;
		}
}

static void arrived(struct mon *m)
{
	m->ticket_gen++;
	for (unsigned i = 0; i < MON_SERVICE_COUNT; i++)
		m->service[i].fetch_ns = 0;
	mon_renew_arm(m);
	for (unsigned i = 0; i < m->waiter_count; i++)
		conn_auth_ready(m->waiter[i]);
}

/* ---- the clock ---- */

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void mon_renew_arm(struct mon *m)
{
	uint64_t at = cephx_tickets_next_due(&m->tickets, MON_SERVICE_BITS | ENTITY_AUTH);

	if (m->renew_sent_ns)
		at = m->renew_sent_ns + RENEW_ANSWER_NS;
	else if (m->renewed_ns)
		at = at == UINT64_MAX ? at : later(at, m->renewed_ns + RENEW_GAP_NS);
	for (unsigned i = 0; i < MON_SERVICE_COUNT; i++)
		if (m->service[i].fetch_ns && !m->renew_sent_ns)
			at = sooner(at, m->service[i].fetch_ns);
	if (at == UINT64_MAX || !m->session)
		ring_timer_clear(m->ring, &m->renew_timer); /* a login brings all tickets */
	else
		ring_timer_set(m->ring, &m->renew_timer, at);
}

static void relogin(struct mon *m)
{
	m->renew_sent_ns = 0;
	m->renewed_ns = ring_now(m->ring);
	for (unsigned i = 0; i < MON_SERVICE_COUNT; i++)
		m->service[i].fetch_ns = 0; /* the login brings them */
	mon_hunt(m);
}

static int renew_send(struct mon *m, uint32_t services)
{
	struct msg *msg = mon_msg(m, MSG_AUTH, 1, 0);
	uint8_t confounder[KEY_CONFOUNDER];
	struct enc payload;
	uint64_t nonce;
	int err;

	if (!msg)
		return -ENOMEM;
	enc_init(&payload);
	ring_random(m->ring, &nonce, sizeof nonce);
	ring_random(m->ring, confounder, sizeof confounder);
	err = cephx_renew_request(&m->tickets, services, nonce, confounder, &payload);
	if (!err)
		err = payload.err;
	if (err) {
		msg_free(msg);
	} else {
		auth_msg_encode(&msg->front, AUTH_METHOD_CEPHX,
				(struct slice){ payload.buf, (uint32_t)payload.len }, m->monmap.epoch);
		mon_send(m, msg);
	}
	enc_free(&payload);
	return err;
}

/* What is due now: bits of services; ENTITY_AUTH means a login. */
static uint32_t due(struct mon *m, uint64_t now)
{
	uint32_t bits = 0;

	if (cephx_tickets_next_due(&m->tickets, MON_SERVICE_BITS | ENTITY_AUTH) <= now)
		bits = cephx_tickets_due(&m->tickets, MON_SERVICE_BITS | ENTITY_AUTH, now);
	for (unsigned i = 0; i < MON_SERVICE_COUNT; i++)
		if (m->service[i].fetch_ns && m->service[i].fetch_ns <= now)
			bits |= m->service[i].type;
	return bits;
}

void mon_on_renew_timer(struct ring_timer *timer)
{
	struct mon *m = (struct mon *)((char *)timer - offsetof(struct mon, renew_timer));
	uint64_t now = ring_now(m->ring);
	uint32_t bits = due(m, now);

	mon_enter(m);
	if (m->renew_sent_ns) {
		log_emit(m->log, LOG_WARN, "mon: a renewal of tickets is not answered: logging in anew");
		relogin(m);
	} else if (bits & ENTITY_AUTH || (bits && renew_send(m, bits))) {
		relogin(m);
	} else if (bits) {
		m->renew_sent_ns = now;
	}
	mon_renew_arm(m);
	mon_leave(m);
}

int mon_renewal_reply(struct mon *m, const struct msg_in *in)
{
	struct dec d = dec_init(in->front, in->front_len);
	const char *why = NULL;
	struct auth_reply r;
	int err = auth_reply_decode(&d, &r);

	if (err || !m->renew_sent_ns)
		return err;
	m->renew_sent_ns = 0;
	m->renewed_ns = ring_now(m->ring);
	err = r.result < 0 ? r.result
			   : cephx_renew_reply(&m->tickets, r.payload.p, r.payload.len, m->renewed_ns, &why);
	if (err) {
		log_emit(m->log, LOG_WARN, "mon: our tickets are not renewed (%s): logging in anew",
			 why ? why : mon_errname(err));
		relogin(m);
		mon_renew_arm(m);
		return 0;
	}
	m->renewals++;
	log_emit(m->log, LOG_DEBUG, "mon: tickets renewed");
	arrived(m);
	if (m->ops->tickets)
		m->ops->tickets(m->arg);
	return 0;
}

/* ---- what logins and services say ---- */

void mon_tickets_from_login(struct mon *m, struct mon_try *t)
{
	if (m->global_id && m->global_id != t->global_id)
		log_emit(m->log, LOG_WARN, "mon: client.%llu is client.%llu now",
			 (unsigned long long)m->global_id, (unsigned long long)t->global_id);
	m->global_id = t->global_id;
	m->distrust_old = m->old_refused = false;
	m->hangups = 0;
	m->renew_sent_ns = 0;
	m->renewed_ns = ring_now(m->ring);
	if (t->method == AUTH_METHOD_CEPHX)
		cephx_tickets_merge(&m->tickets, &t->fresh);
	arrived(m);
}

void mon_ticket_refused(struct mon *m, struct mon_service *s, uint64_t gen)
{
	uint64_t wait = 0;

	if (gen != m->ticket_gen || s->fetch_ns)
		return; /* a newer one is there, or on its way */
	for (unsigned i = 0; i < s->refused && wait < REFUSED_PAUSE_MAX_NS; i++)
		wait = wait ? wait * 2 : NS_PER_S / 2;
	s->refused++;
	s->fetch_ns = ring_now(m->ring) + sooner(wait, REFUSED_PAUSE_MAX_NS);
	log_emit(m->log, LOG_WARN, "mon: %s refused our ticket (%u in a row), fetching another",
		 s->type == ENTITY_OSD ? "an osd" : "an mds", s->refused);
	mon_renew_arm(m);
}

void mon_ticket_want(struct mon *m)
{
	struct mon_service *s;

	for (unsigned i = 0; i < MON_SERVICE_COUNT; i++) {
		s = &m->service[i];
		if (!cephx_ticket_find(&m->tickets, s->type) && !s->fetch_ns)
			s->fetch_ns = later(ring_now(m->ring), m->renewed_ns + RENEW_GAP_NS);
	}
	mon_renew_arm(m);
}
