/* osd_sim.h: a cluster for one OSD client in which a test decides everything: which map exists, who hears of
 * it and when, which message arrives, which connection breaks. The ring, monitor client and connections are
 * replaced by a few lines here (their headers are the only doors), so that a run is a function of its seed.
 *
 * The maps are the 109 epochs of tests/data/osdmaps/chain_live: OSDs and pools come, change and go. An OSD
 * does what real ones do: it drops what was meant for an older interval, answers repeated requests without
 * doing them twice, tells those behind of newer maps. What it executes is an append of a number to an object.
 */
#pragma once
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/osdc_impl.h"
#include "ring/timer.h"

#define NEED(truth)                                                                                          \
	do {                                                                                                 \
		if (!(truth)) {                                                                              \
			fprintf(stderr, "%s:%d: not so: %s\n%s\n", __FILE__, __LINE__, #truth,               \
				sim.last_line);                                                              \
			abort();                                                                             \
		}                                                                                            \
	} while (0)

enum { SIM_EPOCHS = 109, SIM_OBJECTS = 12, SIM_POOLS = 8, SIM_PGS = 64, SIM_LOG = 400, SIM_MAPS_EACH = 6 };

struct conn {
	TAILQ_ENTRY(conn) link;
	const struct conn_ops *ops;
	void *arg;
	struct entity_addr peer;
	struct msg *out, **out_end; /* not yet seen by the OSD */
	struct msg *held;           /* seen, and not yet given back */
	bool failed;
	uint32_t told; /* the newest epoch that its OSD sent it */
	struct osd_backoff_msg block;
	uint8_t block_name[32];
	uint64_t block_id;
	bool blocking, acked;
	uint64_t seq, serial;
};

struct sim_pg {
	int32_t primary;
	int8_t shard;
	uint32_t rank;  /* of the primary */
	uint32_t since; /* epoch: requests from before are dropped */
};

struct sim_object {
	uint32_t number[SIM_LOG], count;
	uint64_t tid[SIM_LOG]; /* which request appended it */
};

static struct sim {
	uint64_t rng, now;
	struct timers timers;
	struct ring_task *tasks, **tasks_end;
	struct log log;
	char last_line[256];

	struct slice map[SIM_EPOCHS + 1]; /* the first a full one, the others incremental */
	uint32_t epoch;                   /* of the truth */
	struct osdmap *truth;
	uint32_t full_since[SIM_POOLS], pg_num[SIM_POOLS];
	bool full[SIM_POOLS];
	struct sim_pg pg[SIM_POOLS][SIM_PGS];
	struct sim_object object[SIM_POOLS][SIM_OBJECTS];

	bool subscribed, onetime;
	uint64_t sub_start;
	struct mon_request *question;
	struct monmap monmap;
	uint64_t global_id, global_seq;

	TAILQ_HEAD(, conn) conns;
	struct osdc *c;
	unsigned maps_told, blocklist_told, stopped, subscriptions;
	int expected;

	unsigned backoff_pct, again_pct, redirect_pct, lose_pct; /* what OSDs do to what they get */
	bool hold; /* what an OSD saw last stays in the kernel's hands */
	unsigned dropped, executed, repeated;
	uint64_t serial;
} sim;

static inline uint32_t sim_random(uint32_t below)
{
	sim.rng = sim.rng * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(sim.rng >> 33) % below;
}

static inline bool sim_chance(unsigned pct)
{
	return sim_random(100) < pct;
}

/* ---- ring.h ---- */

uint64_t ring_now(const struct ring *r)
{
	return sim.now;
}

uint64_t ring_now_fresh(struct ring *r)
{
	return sim.now;
}

uint64_t ring_wall(const struct ring *r)
{
	return sim.now + 1700000000000000000u;
}

void ring_random(struct ring *r, void *buf, size_t len)
{
	for (uint8_t *p = buf; len--;)
		*p++ = (uint8_t)sim_random(256);
}

void ring_timer_set(struct ring *r, struct ring_timer *t, uint64_t at_ns)
{
	timer_set(&sim.timers, t, at_ns);
}

void ring_timer_clear(struct ring *r, struct ring_timer *t)
{
	timer_clear(&sim.timers, t);
}

void ring_defer(struct ring *r, struct ring_task *t)
{
	if (t->queued)
		return;
	t->queued = true;
	t->next = NULL;
	*sim.tasks_end = t;
	sim.tasks_end = &t->next;
}

void ring_expect(struct ring *r, int more)
{
	sim.expected += more;
	NEED(sim.expected >= 0);
}

static inline void sim_tasks(void)
{
	struct ring_task *t;

	while ((t = sim.tasks)) {
		sim.tasks = t->next;
		if (!sim.tasks)
			sim.tasks_end = &sim.tasks;
		t->queued = false;
		t->fn(t);
	}
}

static inline void sim_advance(uint64_t ns)
{
	sim.now += ns;
	timer_fire(&sim.timers, sim.now);
	sim_tasks();
}

/* ---- mon.h ---- */

int mon_subscribe(struct mon *m, const char *what, uint64_t start, bool onetime)
{
	NEED(!strcmp(what, "osdmap"));
	sim.subscribed = true;
	sim.onetime = onetime;
	sim.sub_start = start;
	sim.subscriptions++;
	return 0;
}

void mon_unsubscribe(struct mon *m, const char *what)
{
	sim.subscribed = false;
}

int mon_getversion(struct mon *m, struct mon_request *q, const char *what, uint64_t timeout_ns)
{
	NEED(!sim.question);
	sim.question = q;
	return 0;
}

void mon_request_cancel(struct mon *m, struct mon_request *q)
{
	NEED(sim.question == q);
	sim.question = NULL;
}

struct conn_auth *mon_service_auth(struct mon *m, uint32_t service)
{
	return NULL;
}

void mon_auth_wait(struct mon *m, struct conn *c) {}

void mon_auth_forget(struct mon *m, struct conn *c) {}

uint64_t *mon_global_id(struct mon *m)
{
	return &sim.global_id;
}

uint64_t *mon_global_seq(struct mon *m)
{
	return &sim.global_seq;
}

const struct monmap *mon_monmap(const struct mon *m)
{
	return &sim.monmap;
}

void mon_info(const struct mon *m, struct mon_info *out)
{
	memset(out, 0, sizeof *out);
}

/* ---- conn.h ---- */

int conn_new(struct ring *r, struct log *log, const struct conn_opts *o, const struct conn_ops *ops,
	     void *arg, struct conn **out)
{
	struct conn *c = calloc(1, sizeof *c);

	NEED(o->lossy && o->peer_type == ENTITY_OSD);
	c->ops = ops;
	c->arg = arg;
	c->peer = o->peer;
	c->out_end = &c->out;
	c->serial = ++sim.serial;
	TAILQ_INSERT_TAIL(&sim.conns, c, link);
	*out = c;
	return 0;
}

void conn_send(struct conn *c, struct msg *m)
{
	NEED(!m->front.err && !m->data.err);
	if (c->failed) {
		msg_free(m);
		return;
	}
	m->next = NULL;
	*c->out_end = m;
	c->out_end = &m->next;
}

static inline struct msg *sim_unlink(struct conn *c, struct msg *m)
{
	for (struct msg **at = &c->out; *at; at = &(*at)->next)
		if (*at == m) {
			*at = m->next;
			if (c->out_end == &m->next)
				c->out_end = at;
			return m;
		}
	return NULL;
}

bool conn_unsend(struct conn *c, struct msg *m)
{
	if (m->seq || !sim_unlink(c, m))
		return false;
	msg_free(m);
	return true;
}

/* The kernel has begun with the next message: it cannot be taken back. */
static inline struct msg *sim_begins(struct conn *c)
{
	struct msg *m = c->out;

	while (m && m->seq)
		m = m->next;
	if (m)
		m->seq = 1;
	return m;
}

/* It has all of it: the memory is given back, and the OSD will see it some time. */
static inline void sim_wire(struct conn *c)
{
	struct msg *m = sim_begins(c);

	if (!m || !m->bulk_len)
		return;
	enc_bytes(&m->data, m->bulk->iov_base, m->bulk_len);
	m->bulk_len = 0;
	m->released(m, m->arg);
	m->released = NULL;
}

static inline void sim_release(struct conn *c)
{
	struct msg *m = c->held;

	c->held = NULL;
	msg_free(m);
}

static inline void sim_drop(struct conn *c)
{
	struct msg *m;

	while ((m = c->out))
		msg_free(sim_unlink(c, m));
	sim_release(c);
}

void conn_free(struct conn *c)
{
	if (!c)
		return;
	TAILQ_REMOVE(&sim.conns, c, link);
	sim_drop(c);
	free(c);
}

void conn_info(const struct conn *c, struct conn_info *out)
{
	memset(out, 0, sizeof *out);
	out->state = "simulated";
}

static inline void sim_fault(struct conn *c, int err)
{
	c->failed = true;
	sim_drop(c);
	c->ops->fault(c->arg, err, "the test broke it");
}
