/* mon_hunt.c: finding a monitor that lets us in.
 *
 * A round tries every target once, HUNT_PARALLEL at a time: a monitor that takes our connection and then says
 * nothing holds up one of the tries, not the hunt. The first try whose login is complete becomes the session;
 * the others are closed. A round without success ends in a verdict when it is the first login and the answer
 * is final (wrong key, only msgr1 there), else in a pause: 100 ms at first, doubled up to 10 s, less a random
 * part, so that the clients of a cluster do not come back all at once.
 */
#include "mon_impl.h"
#include "../ring/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- targets ---- */

void mon_targets_init(struct mon *m)
{
	m->target_count = m->opts.addr_count;
	for (unsigned i = 0; i < m->target_count; i++)
		m->target[i].addr = m->opts.addrs[i];
}

/* A monmap without any msgr2 address (possible: they can be switched off) would leave us nowhere to go: then
 * what we have stays. */
void mon_targets_from_monmap(struct mon *m)
{
	unsigned n = 0;
	struct mon_target *fresh = mem_alloc(MONMAP_MAX * sizeof *fresh);

	if (!fresh)
		return;
	for (unsigned i = 0; i < m->monmap.count; i++) {
		const struct entity_addr *a = addrvec_msgr2(&m->monmap.mon[i].addrs);

		if (!a)
			continue;
		fresh[n].addr = *a;
		memcpy(fresh[n].name, m->monmap.mon[i].name, sizeof fresh[n].name);
		n++;
	}
	if (n) {
		memcpy(m->target, fresh, n * sizeof *fresh);
		m->target_count = n;
	}
	mem_free(fresh, MONMAP_MAX * sizeof *fresh);
}

static struct mon_target *target_find(struct mon *m, const struct entity_addr *a)
{
	for (unsigned i = 0; i < m->target_count; i++)
		if (addr_equal(&m->target[i].addr, a))
			return &m->target[i];
	return NULL;
}

static struct mon_target *target_pick(struct mon *m)
{
	unsigned left = 0;
	uint32_t r;

	for (unsigned i = 0; i < m->target_count; i++)
		left += !m->target[i].tried;
	if (!left)
		return NULL;
	ring_random(m->ring, &r, sizeof r);
	left = r % left;
	for (unsigned i = 0; i < m->target_count; i++)
		if (!m->target[i].tried && left-- == 0)
			return &m->target[i];
	return NULL;
}

const char *mon_label(const char *name, const struct entity_addr *a, char out[MON_LABEL_MAX])
{
	char addr[ADDR_TEXT_MAX];

	snprintf(out, MON_LABEL_MAX, "mon%s%s %s", name[0] ? "." : "", name, addr_text(a, addr));
	return out;
}

/* What came of each target, for a person. */
static void targets_words(struct mon *m, char *out, size_t cap)
{
	char label[MON_LABEL_MAX];
	size_t n = 0;

	out[0] = 0;
	for (unsigned i = 0; i < m->target_count && n < cap; i++) {
		const struct mon_target *t = &m->target[i];
		int k = snprintf(out + n, cap - n, "%s%s (%s)", i ? ", " : "",
				 mon_label(t->name, &t->addr, label), t->why[0] ? t->why : "no answer");

		n += k > 0 ? (size_t)k : 0;
	}
}

/* ---- tries ---- */

void mon_try_free(struct mon_try *t)
{
	conn_free(t->conn);
	cephx_tickets_fini(&t->fresh);
	mem_free(t, sizeof *t);
}

static void hunt_fill(struct mon *m);

static unsigned hunt_running(const struct mon *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < HUNT_PARALLEL; i++)
		n += m->hunt[i] != NULL;
	return n;
}

static void on_ready(void *arg, bool resumed)
{
	struct mon_try *t = arg;
	struct mon *m = t->mon;

	(void)resumed;
	mon_enter(m);
	for (unsigned i = 0; i < HUNT_PARALLEL; i++)
		if (m->hunt[i] == t)
			m->hunt[i] = NULL;
	mon_hunt_end(m);
	if (m->session)
		mon_try_free(m->session);
	m->session = t;
	t->since_ns = ring_now(m->ring);
	mon_tickets_from_login(m, t);
	mon_opened(m);
	mon_leave(m);
}

static void on_message(void *arg, const struct msg_in *in)
{
	struct mon_try *t = arg;
	struct mon *m = t->mon;

	mon_enter(m);
	mon_message(t, in);
	mon_leave(m);
}

/* The connection's words begin with its name and address, which the list of targets has anyway. */
static const char *without_address(const struct entity_addr *a, const char *why)
{
	char addr[ADDR_TEXT_MAX];
	const char *p = strstr(why, addr_text(a, addr));

	p = p ? strstr(p, ": ") : NULL;
	return p ? p + 2 : why;
}

static void try_failed(struct mon *m, struct mon_try *t, int err, const char *why)
{
	struct mon_target *target = target_find(m, &t->addr);

	if (target) { /* else a newer monmap does not have it any more */
		target->err = t->verdict ? t->verdict : err;
		snprintf(target->why, sizeof target->why, "%s",
			 t->verdict ? t->why : without_address(&t->addr, why));
		if (t->again && !target->again) {
			target->again = true;
			target->tried = false;
		}
	}
	for (unsigned i = 0; i < HUNT_PARALLEL; i++)
		if (m->hunt[i] == t)
			m->hunt[i] = NULL;
	mon_try_free(t);
	hunt_fill(m);
}

static void on_fault(void *arg, int err, const char *why)
{
	struct mon_try *t = arg;
	struct mon *m = t->mon;

	mon_enter(m);
	if (t == m->session)
		mon_session_drop(m, why);
	else
		try_failed(m, t, err, why);
	mon_leave(m);
}

static struct conn_auth *on_auth(void *arg)
{
	return mon_login_auth(arg);
}

static const struct conn_ops try_ops = {
	.ready = on_ready,
	.message = on_message,
	.fault = on_fault,
	.auth = on_auth,
};

static uint64_t try_limit(const struct mon *m)
{
	uint64_t ns = HUNT_TRY_FIRST_NS;

	for (unsigned i = 0; i < m->rounds && ns < HUNT_TRY_MAX_NS; i++)
		ns += ns / 2;
	return ns < HUNT_TRY_MAX_NS ? ns : HUNT_TRY_MAX_NS;
}

static int try_start(struct mon *m, const struct mon_target *target, struct mon_try **out)
{
	char name[NAME_MAX_LEN + 8];
	struct conn_opts o = {
		.peer_type = ENTITY_MON,
		.peer = target->addr,
		.peer_name = name,
		.mode_count = m->opts.mon_mode_count,
		.nonce = m->opts.nonce,
		.global_seq = &m->global_seq,
		.keepalive_ns = m->opts.keepalive_ns,
		.dead_ns = m->opts.dead_ns,
		.connect_ns = try_limit(m),
		.lossy = true,
	};
	struct mon_try *t = mem_alloc(sizeof *t);
	int err;

	if (!t)
		return -ENOMEM;
	snprintf(name, sizeof name, "mon%s%s", target->name[0] ? "." : "", target->name);
	memcpy(o.modes, m->opts.mon_modes, sizeof o.modes);
	o.global_id = &t->global_id;
	t->mon = m;
	t->addr = target->addr;
	memcpy(t->name, target->name, sizeof t->name);
	cephx_tickets_init(&t->fresh);
	err = conn_new(m->ring, m->log, &o, &try_ops, t, &t->conn);
	if (err)
		mem_free(t, sizeof *t);
	else
		*out = t;
	return err;
}

/* ---- rounds ---- */

static bool any_target(const struct mon *m, int err)
{
	for (unsigned i = 0; i < m->target_count; i++)
		if (m->target[i].err == err)
			return true;
	return false;
}

static bool all_targets(const struct mon *m, int err)
{
	for (unsigned i = 0; i < m->target_count; i++)
		if (m->target[i].err != err)
			return false;
	return true;
}

/* The first login: is what the targets said final? */
static int verdict(const struct mon *m)
{
	if (m->logged_in)
		return 0;
	if (any_target(m, -EACCES))
		return -EACCES;
	if (all_targets(m, -EPROTONOSUPPORT))
		return -EPROTONOSUPPORT;
	return 0;
}

static void verdict_speak(struct mon *m, int err)
{
	char all[MON_WORDS_MAX - 96], label[MON_LABEL_MAX], words[MON_WORDS_MAX];
	const struct mon_target *t = m->target;

	if (err == -EPROTONOSUPPORT) {
		targets_words(m, all, sizeof all);
		snprintf(words, sizeof words, "no monitor speaks as we may: %s", all);
	} else {
		while (t->err != err)
			t++;
		snprintf(words, sizeof words, "%s %s", mon_label(t->name, &t->addr, label), t->why);
	}
	mon_fail(m, err, words);
}

static uint64_t pause_ns(struct mon *m)
{
	uint64_t ns = HUNT_PAUSE_FIRST_NS;
	uint64_t r;

	for (unsigned i = 1; i < m->rounds && ns < HUNT_PAUSE_MAX_NS; i++)
		ns *= 2;
	if (ns > HUNT_PAUSE_MAX_NS)
		ns = HUNT_PAUSE_MAX_NS;
	ring_random(m->ring, &r, sizeof r);
	return ns - r % (ns / 2);
}

/* Our identity lives in the old auth ticket: it is given up only when a monitor says outright that it does
 * not take it, or hangs up on it in three rounds (a daemon that is going down does that too). */
static bool give_up_old(struct mon *m)
{
	if (!m->old_refused && m->hangups < 3)
		return false;
	log_emit(
	    m->log, LOG_WARN,
	    "mon: the monitors do not take the ticket of client.%llu any more: logging in as a new client",
	    (unsigned long long)m->global_id);
	m->distrust_old = true;
	m->old_refused = false;
	m->hangups = 0;
	return true;
}

static void round_begin(struct mon *m)
{
	for (unsigned i = 0; i < m->target_count; i++) {
		m->target[i].tried = m->target[i].again = false;
		m->target[i].err = 0;
	}
	ring_timer_clear(m->ring, &m->hunt_timer);
	hunt_fill(m);
}

static void round_end(struct mon *m)
{
	char words[MON_WORDS_MAX];
	uint64_t ns;
	int err = verdict(m);

	if (err) {
		verdict_speak(m, err);
		return;
	}
	m->rounds++;
	ns = give_up_old(m) ? 0 : pause_ns(m);
	targets_words(m, words, sizeof words);
	log_emit(m->log, LOG_WARN, "mon: no monitor lets us in, again in %llu ms: %s",
		 (unsigned long long)(ns / NS_PER_MS), words);
	ring_timer_set(m->ring, &m->hunt_timer, ring_now(m->ring) + ns);
}

static void hunt_fill(struct mon *m)
{
	bool refused = !m->logged_in && any_target(m, -EACCES);
	struct mon_target *t;

	for (unsigned i = 0; i < HUNT_PARALLEL && !refused; i++) {
		while (!m->hunt[i] && (t = target_pick(m))) {
			int err;

			t->tried = true;
			err = try_start(m, t, &m->hunt[i]);
			if (err) {
				t->err = err;
				snprintf(t->why, sizeof t->why, "%s", mon_errname(err));
			}
		}
	}
	if (!hunt_running(m))
		round_end(m);
	else if (refused && !m->hunt_timer.slot)
		ring_timer_set(m->ring, &m->hunt_timer, ring_now(m->ring) + HUNT_VERDICT_NS);
}

void mon_hunt(struct mon *m)
{
	if (m->hunting || m->dead || m->failed)
		return;
	m->hunting = true;
	m->hunts++;
	round_begin(m);
}

void mon_hunt_end(struct mon *m)
{
	for (unsigned i = 0; i < HUNT_PARALLEL; i++)
		if (m->hunt[i]) {
			mon_try_free(m->hunt[i]);
			m->hunt[i] = NULL;
		}
	m->hunting = false;
	ring_timer_clear(m->ring, &m->hunt_timer);
}

/* A session that ended soon after it began counts as a round without success: a monitor that lets us in and
 * throws us out again must not keep us spinning. */
void mon_session_drop(struct mon *m, const char *why)
{
	struct mon_try *t = m->session;
	bool steady = ring_now(m->ring) - t->since_ns >= HUNT_STEADY_NS;

	log_emit(m->log, LOG_WARN, "mon: lost the monitor, looking for another: %s", why);
	m->session = NULL;
	m->renew_sent_ns = 0;
	mon_try_free(t);
	m->rounds = steady ? 0 : m->rounds + 1;
	if (m->hunting)
		return;
	m->hunting = true;
	m->hunts++;
	ring_timer_set(m->ring, &m->hunt_timer, ring_now(m->ring) + (m->rounds > 1 ? pause_ns(m) : 0));
}

void mon_on_hunt_timer(struct ring_timer *timer)
{
	struct mon *m = (struct mon *)((char *)timer - offsetof(struct mon, hunt_timer));

	mon_enter(m);
	if (!m->hunting)
		mon_hunt(m);
	else if (!hunt_running(m))
		round_begin(m);
	else if (verdict(m)) /* a refusal came a while ago; the others are silent */
		verdict_speak(m, verdict(m));
	mon_leave(m);
}

void mon_on_deadline(struct ring_timer *timer)
{
	struct mon *m = (struct mon *)((char *)timer - offsetof(struct mon, deadline));
	char all[MON_WORDS_MAX - 512], words[MON_WORDS_MAX];
	uint64_t ns = m->opts.timeout_ns ? m->opts.timeout_ns : MON_TIMEOUT_NS;

	mon_enter(m);
	targets_words(m, all, sizeof all);
	snprintf(words, sizeof words, "no monitor reachable in %llu.%llu s as %s: %s",
		 (unsigned long long)(ns / NS_PER_S), (unsigned long long)(ns / (NS_PER_S / 10) % 10),
		 m->entity, all);
	mon_fail(m, -ETIMEDOUT, words);
	mon_leave(m);
}
