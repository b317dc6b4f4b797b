/* mon_bed.h: a monitor client on a caller-driven ring, for tests against a real cluster; results in TAP.
 *
 * The configuration comes from the environment, as a program of ours would read it.
 */
#pragma once
#include <errno.h>

#include "tap.h"
#include "api/config.h"
#include "mon/mon.h"
#include "ring/mem.h"

struct bed {
	struct ring *ring;
	struct log log;
	cephring_config *config;
	struct mon_opts opts;
	struct mon *mon;
	unsigned ready, failed, tickets, mdsmaps, removed, fsmaps, osdmaps, configs;
	unsigned maps_before_ready;
	int err;
	char why[2048];
	struct mdsmap *mdsmap; /* the newest */
	struct fsmap_user fsmap;
	uint32_t osd_epoch;
};

static inline void bed_log(void *arg, enum log_level level, const char *line)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };

	tap_note("%s: %s", names[level], line);
}

static inline void bed_ready(void *arg)
{
	((struct bed *)arg)->ready++;
}

static inline void bed_failed(void *arg, int err, const char *why)
{
	struct bed *b = arg;

	b->failed++;
	b->err = err;
	snprintf(b->why, sizeof b->why, "%s", why);
}

static inline void bed_mdsmap(void *arg, const struct mdsmap *m)
{
	struct bed *b = arg;

	b->mdsmaps++;
	b->removed += !m;
	b->maps_before_ready += !b->ready;
	if (m)
		*b->mdsmap = *m;
	else
		memset(b->mdsmap, 0, sizeof *b->mdsmap);
}

static inline void bed_fsmap(void *arg, const struct fsmap_user *m)
{
	struct bed *b = arg;

	b->fsmaps++;
	b->maps_before_ready += !b->ready;
	b->fsmap = *m;
}

static inline void bed_osdmap(void *arg, const struct msg_in *in, const struct osdmap_msg *head)
{
	struct bed *b = arg;

	b->osdmaps++;
	b->maps_before_ready += !b->ready;
	b->osd_epoch = head->newest;
}

static inline void bed_tickets(void *arg)
{
	((struct bed *)arg)->tickets++;
}

static inline void bed_config(void *arg, const char *key, const char *value)
{
	((struct bed *)arg)->configs++;
}

static const struct mon_ops bed_ops = {
	.ready = bed_ready,
	.failed = bed_failed,
	.mdsmap = bed_mdsmap,
	.fsmap = bed_fsmap,
	.osdmap = bed_osdmap,
	.tickets = bed_tickets,
	.config = bed_config,
};

__attribute__((noreturn)) static inline void bed_die(const char *why)
{
	tap_note("%s", why);
	tap_die("a monitor client can be made");
}

/* Everything but the monitor client itself: the test may change b->opts before bed_start(). */
static inline struct bed *bed_new(void)
{
	struct bed *b = calloc(1, sizeof *b);
	char why[256];

	b->mdsmap = calloc(1, sizeof *b->mdsmap);
	b->log = (struct log){ .level = getenv("TEST_VERBOSE") ? LOG_DEBUG : LOG_INFO, .sink = bed_log };
	if (ring_new(&(struct ring_opts){ .cpu = -1 }, &b->ring, why, sizeof why))
		bed_die(why);
	if (cephring_config_new(&b->config) || cephring_config_load(b->config))
		bed_die(cephring_config_error(b->config));
	if (config_mon_opts(b->config, &b->opts, &b->log))
		bed_die(b->log.last_error);
	ring_random(b->ring, &b->opts.nonce, sizeof b->opts.nonce);
	b->opts.nonce |= 1;
	b->opts.timeout_ns = 30000000000ull;
	return b;
}

static inline void bed_start(struct bed *b)
{
	int err = mon_new(b->ring, &b->log, &b->opts, &bed_ops, b, &b->mon);

	if (err)
		bed_die(b->log.last_error);
	mon_start(b->mon);
}

/* Runs the ring until `cond` or for at most `seconds`; gives cond. */
#define UNTIL(b, seconds, cond)                                                                              \
	({                                                                                                   \
		uint64_t until_ = ring_now_fresh((b)->ring) + (uint64_t)((seconds)*1e9);                     \
		while (!(cond) && ring_now_fresh((b)->ring) < until_)                                        \
			ring_run((b)->ring, 50000000);                                                       \
		(cond);                                                                                      \
	})

static inline void bed_free(struct bed *b)
{
	mon_free(b->mon);
	for (int i = 0; i < 20; i++) /* what the kernel still holds comes back */
		ring_run(b->ring, 1000000);
	ring_free(b->ring);
	cephring_config_free(b->config);
	free(b->mdsmap);
	free(b);
}

static inline bool bed_login(struct bed *b)
{
	bed_start(b);
	return UNTIL(b, 30, b->ready || b->failed) && b->ready;
}

/* A connection to the MDS of rank 0, as far as "messages flow". */
struct service {
	struct conn *conn;
	struct mon *mon;
	unsigned ready;
	int err;
};

static inline void service_ready(void *arg, bool resumed)
{
	((struct service *)arg)->ready++;
}

static inline void service_message(void *arg, const struct msg_in *m) {}

static inline void service_reset(void *arg) {}

static inline void service_fault(void *arg, int err, const char *why)
{
	((struct service *)arg)->err = err;
}

static inline struct conn_auth *service_auth(void *arg)
{
	return mon_service_auth(((struct service *)arg)->mon, ENTITY_MDS);
}

static const struct conn_ops service_ops = { .ready = service_ready,
					     .message = service_message,
					     .reset = service_reset,
					     .fault = service_fault,
					     .auth = service_auth };

static inline void service_open(struct bed *b, struct service *s)
{
	struct conn_opts o = {
		.peer_type = ENTITY_MDS,
		.peer = b->mdsmap->rank[0].addr,
		.peer_name = "mds.0",
		.mode_count = b->opts.service_mode_count,
		.nonce = b->opts.nonce,
		.global_seq = mon_global_seq(b->mon),
		.global_id = mon_global_id(b->mon),
	};

	*s = (struct service){ .mon = b->mon };
	memcpy(o.modes, b->opts.service_modes, sizeof o.modes);
	if (conn_new(b->ring, &b->log, &o, &service_ops, s, &s->conn))
		tap_die("a connection can be made");
	mon_auth_wait(b->mon, s->conn);
}

static inline void service_close(struct bed *b, struct service *s)
{
	mon_auth_forget(b->mon, s->conn);
	conn_free(s->conn);
}

static inline bool service_works(struct bed *b, double seconds)
{
	struct service s;

	service_open(b, &s);
	UNTIL(b, seconds, s.ready || s.err);
	service_close(b, &s);
	return s.ready;
}

/* The ceph command line of the cluster. */
static inline int ceph(const char *args)
{
	return devcluster("ceph %s >/dev/null 2>&1", args);
}
