/* mon.h: the monitor client: finds a monitor, logs in, keeps tickets fresh, delivers maps.
 *
 * Owner thread only. Hunting tries several monitors at once and keeps the first that completes its login
 * (HUNT_PARALLEL); losing it starts a new hunt with the old ticket, and all subscriptions go on from the
 * epochs already seen. Everything is a callback; none comes from inside a call made here.
 */
#pragma once
#include "../proto/crypto.h"
#include "../proto/monmaps.h"
#include "../ring/conn.h"

struct mon;

struct mon_opts {
	const char *entity; /* "client.admin"; copied */
	struct crypto_key key;
	bool have_key; /* false: only auth none can work */
	const struct entity_addr
	    *addrs; /* monitors to begin with (MON_TARGETS_MAX at most), msgr2, nonce 0; copied */
	unsigned addr_count;
	uint32_t mon_modes[2], service_modes[2]; /* CON_MODE_*, best first */
	unsigned mon_mode_count, service_mode_count;
	uint64_t timeout_ns;            /* for the first login; 0 = 300 s */
	bool allow_none, allow_cephx;   /* auth_client_required */
	uint32_t nonce;                 /* of this client instance */
	uint64_t keepalive_ns, dead_ns; /* as conn.h, 0 = defaults */
};

enum { MON_TARGETS_MAX = 64 };

/* Each may be NULL. */
struct mon_ops {
	/* First login done; global_id and the monmap are known. */
	void (*ready)(void *arg);
	/* The first login will not succeed: -EACCES (wrong key: words name entity and monitor), -ETIMEDOUT
	 * (no monitor reachable: words name the addresses), -EPROTONOSUPPORT (only msgr1 there) ... Comes at
	 * most once, instead of ready. Later failures only log and hunt on. */
	void (*failed)(void *arg, int err, const char *why);
	/* A newer mdsmap of a subscribed file system; borrowed during the call. NULL: there is no such file
	 * system (any more), known with "fsmap.user" subscribed too; if it comes (back), its map follows by
	 * itself. */
	void (*mdsmap)(void *arg, const struct mdsmap *m);
	void (*fsmap)(void *arg, const struct fsmap_user *m);
	void (*osdmap)(void *arg, const struct msg_in *m, const struct osdmap_msg *head);
	/* Service tickets were renewed or fetched anew (conn_auth_ready is also called where due). */
	void (*tickets)(void *arg);
	/* A setting of the cluster's configuration database, as "config" brings them. */
	void (*config)(void *arg, const char *key, const char *value);
};

/* -EINVAL: no address, no way to authenticate, or an impossible mode; words in the log. */
int mon_new(struct ring *r, struct log *log, const struct mon_opts *o, const struct mon_ops *ops, void *arg,
	    struct mon **out);
void mon_start(struct mon *m);
/* Requests in flight end with -ECANCELED from inside; then silence. Also from inside a callback. Connections
 * that use mon_service_auth() are freed before. Takes NULL. */
void mon_free(struct mon *m);

/* what: "mdsmap", "mdsmap.3", "fsmap.user", "osdmap", "config", "monmap". start: first epoch wanted. Again
 * with the same `what` replaces. Re-sent by itself after every new login with the epoch after the newest one
 * seen. */
int mon_subscribe(struct mon *m, const char *what, uint64_t start, bool onetime);
void mon_unsubscribe(struct mon *m, const char *what);

/* Replies come once: err 0, -ETIMEDOUT, -ECANCELED (mon_free). Re-sent over monitor failover. */
struct mon_request {
	struct tid_entry *reserved; /* mon.c's */
	uint64_t handle;
	struct mon_request *next;
	void (*done)(struct mon_request *q, int err);
	uint64_t sent_ns, deadline_ns;
	int kind;
	char what[24];
	int64_t pool;
	struct version_reply version; /* result of mon_getversion */
	struct statfs_reply statfs;   /* result of mon_statfs */
};
int mon_getversion(struct mon *m, struct mon_request *q, const char *what, uint64_t timeout_ns);
int mon_statfs(struct mon *m, struct mon_request *q, int64_t data_pool, uint64_t timeout_ns);
void mon_request_cancel(struct mon *m, struct mon_request *q); /* no callback afterwards */

/* For connections to services (ENTITY_MDS, ENTITY_OSD): a conn_auth with the current ticket, its challenge
 * round and -13 handling (tickets are fetched anew, then retried with back-off). */
struct conn_auth *mon_service_auth(struct mon *m, uint32_t service);
/* A connection that got -EAGAIN from its conn_auth is told (conn_auth_ready) when tickets come, until
 * removed. */
void mon_auth_wait(struct mon *m, struct conn *c);
void mon_auth_forget(struct mon *m, struct conn *c);

uint64_t *mon_global_id(struct mon *m); /* stable pointer, for conn_opts */
uint64_t *mon_global_seq(struct mon *m);
const struct monmap *mon_monmap(const struct mon *m);

struct mon_info {
	char current[NAME_MAX_LEN]; /* monitor's name, "" while hunting */
	struct conn_info conn;
	uint64_t hunts, renewals;
	uint64_t ticket_expires_ns[4], now_ns; /* mon-kept, monotonic: auth, mds, osd, mgr */
	uint32_t key_type;                     /* 1, 2, 0 = auth none */
};
void mon_info(const struct mon *m, struct mon_info *out);
