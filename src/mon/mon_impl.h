/* mon_impl.h: what the files of the monitor client share. Private to mon*.c.
 *
 *   target   an address where a monitor may be: from the options, then from the monmap
 *   try      one connection to a target with its login; up to HUNT_PARALLEL at once while hunting
 *   session  the try that completed its login first: the monitor we talk to
 *
 * A hunt goes in rounds: every target is tried once, in random order; a round without success is followed by
 * a pause that grows. A hunt may also run beside a session, to log in anew before the auth ticket ends.
 *
 * Every entry from below (connection, timer) runs between mon_enter() and mon_leave(), so that the user may
 * free the client from any callback: after one, m->dead is looked at before going on.
 */
#pragma once
#include "../proto/cephx.h"
#include "../proto/msgr.h"
#include "mon.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

enum {
	HUNT_PARALLEL = 3,
	MON_SUBS_MAX = 16,
	MON_SUB_NAME = 24,
	MON_WHY_MAX = 512,
	MON_LABEL_MAX = NAME_MAX_LEN + ADDR_TEXT_MAX + 8,
	MON_WORDS_MAX = 2048,
	MON_REQUESTS_MAX = 1024,
	MON_WAITERS_MAX = 4096,
	MON_HOST_MAX = 64,
	MON_SERVICE_COUNT = 2,
	MON_SERVICE_BITS = ENTITY_MDS | ENTITY_OSD, /* tickets that we keep besides the auth ticket */
};
#define MON_TIMEOUT_NS       (300 * NS_PER_S) /* client_mount_timeout of Ceph */
#define HUNT_TRY_FIRST_NS    (3 * NS_PER_S) /* one try, in the first round (ceph: mon_client_hunt_interval) */
#define HUNT_TRY_MAX_NS      (15 * NS_PER_S)
#define HUNT_PAUSE_FIRST_NS  (100 * NS_PER_MS)
#define HUNT_PAUSE_MAX_NS    (10 * NS_PER_S)
#define HUNT_STEADY_NS       (10 * NS_PER_S)   /* a session that lived so long was a good one: no pause */
#define HUNT_VERDICT_NS      (500 * NS_PER_MS) /* after a refusal: what the other tries still get */
#define RENEW_ANSWER_NS      (10 * NS_PER_S)
#define RENEW_GAP_NS         (1 * NS_PER_S) /* between two renewals, however short the tickets live */
#define REFUSED_PAUSE_MAX_NS (30 * NS_PER_S)

struct mon_target {
	struct entity_addr addr;
	char name[NAME_MAX_LEN]; /* of the monmap; "" = not known */
	bool tried, again;       /* in this round; and a second time */
	int err;                 /* of its try in this round; 0 = none ended yet */
	char why[MON_WHY_MAX];   /* of its newest failure */
};

struct mon_try {
	struct mon *mon;
	struct conn *conn;
	struct entity_addr addr;
	char name[NAME_MAX_LEN];
	uint32_t method; /* AUTH_METHOD_* of this attempt */
	bool used_old;   /* showed the ticket of the login before */
	bool again;      /* what refused us is mended: the same target at once */
	uint64_t global_id;
	uint64_t since_ns;          /* session: since when */
	struct cephx_tickets fresh; /* what its login brought */
	int verdict;                /* what the monitor's refusal means: negative errno, 0 = none */
	char why[MON_WHY_MAX];
};

struct mon_sub_entry {
	char what[MON_SUB_NAME];
	uint64_t next; /* first epoch wanted */
	bool onetime;
	bool gone; /* mdsmap: its file system is not there, and the user was told */
	bool ours; /* kept for ourselves: the user's may come and go over it */
};

/* A kind of service: how authenticating to it goes. */
struct mon_service {
	uint32_t type;     /* ENTITY_* */
	uint32_t method;   /* AUTH_METHOD_*; what its daemons asked for */
	unsigned refused;  /* times in a row */
	unsigned hung_up;  /* ends without a word while authenticating, in a row */
	uint64_t fetch_ns; /* a refused ticket: when to fetch anew; 0 = not due */
};

struct mon {
	struct ring *ring;
	struct log *log;
	const struct mon_ops *ops;
	void *arg;
	struct mon_opts opts; /* addrs and entity are not used: copies below */
	char entity[CEPHX_NAME_MAX];
	char host[MON_HOST_MAX];
	unsigned depth;
	bool dead;

	bool started, logged_in, ready, failed;
	uint64_t global_id, global_seq;
	struct monmap monmap; /* epoch 0: none yet */

	/* mon_hunt.c */
	struct mon_target target[MON_TARGETS_MAX];
	unsigned target_count;
	struct mon_try *hunt[HUNT_PARALLEL];
	struct mon_try *session;
	bool hunting;
	unsigned rounds;  /* without success, in a row */
	unsigned hangups; /* of them: a monitor hung up on our old ticket */
	bool old_refused, distrust_old;
	uint64_t hunts;
	uint32_t method;
	struct ring_timer hunt_timer; /* the next round, or the end of waiting after a refusal */
	struct ring_timer deadline;   /* of the first login */

	/* mon_tickets.c */
	struct cephx_tickets tickets;
	uint64_t ticket_gen; /* +1 with everything that came */
	struct mon_service service[MON_SERVICE_COUNT];
	uint64_t renewals, renewed_ns;
	uint64_t renew_sent_ns; /* a renewal is out; 0 = none */
	struct ring_timer renew_timer;
	struct conn **waiter; /* owned array of borrowed connections */
	unsigned waiter_count, waiter_cap;

	/* mon_subs.c */
	struct mon_sub_entry sub[MON_SUBS_MAX];
	unsigned sub_count;
	struct fsmap_user *fsmap; /* owned; NULL = not seen: names of the file systems */

	/* mon_request.c */
	struct mon_request *requests, **requests_end;
	unsigned request_count;
	uint64_t last_handle;
	struct ring_timer request_timer;
};

/* mon.c */
static inline void mon_enter(struct mon *m)
{
	m->depth++;
}
void mon_leave(struct mon *m);
/* The first login will not come. Ends with a callback. */
void mon_fail(struct mon *m, int err, const char *why);
/* A message for the session; NULL with the reason logged: no session or no memory. */
struct msg *mon_msg(struct mon *m, uint16_t type, uint16_t version, uint64_t tid);
void mon_send(struct mon *m, struct msg *msg);
void mon_message(struct mon_try *t, const struct msg_in *in);
/* A login was completed: `t` is m->session now. */
void mon_opened(struct mon *m);
const char *mon_errname(int err); /* "connection refused" for -ECONNREFUSED: static or this thread's */

/* mon_hunt.c */
/* "mon.a v2:127.0.0.1:3300/0", the name if known. Returns `out`. */
const char *mon_label(const char *name, const struct entity_addr *a, char out[MON_LABEL_MAX]);
void mon_targets_init(struct mon *m);
void mon_targets_from_monmap(struct mon *m);
void mon_hunt(struct mon *m);
void mon_hunt_end(struct mon *m);                      /* gives up all tries; the session stays */
void mon_session_drop(struct mon *m, const char *why); /* and hunts */
void mon_try_free(struct mon_try *t);
void mon_on_hunt_timer(struct ring_timer *t);
void mon_on_deadline(struct ring_timer *t);

/* mon_login.c */
struct conn_auth *mon_login_auth(struct mon_try *t);

/* mon_tickets.c */
void mon_tickets_init(struct mon *m);
void mon_tickets_fini(struct mon *m);
void mon_tickets_from_login(struct mon *m, struct mon_try *t);
int mon_renewal_reply(struct mon *m, const struct msg_in *in);
void mon_renew_arm(struct mon *m);
void mon_on_renew_timer(struct ring_timer *t);
struct mon_service *mon_service_find(struct mon *m, uint32_t type); /* never NULL: MDS or OSD */
/* Its present ticket (of generation `gen`) was refused: fetches another, with growing delay. */
void mon_ticket_refused(struct mon *m, struct mon_service *s, uint64_t gen);
/* A ticket is wanted that we lack. */
void mon_ticket_want(struct mon *m);

/* mon_subs.c */
void mon_subs_init(struct mon *m);
void mon_subs_send(struct mon *m);
int mon_map_message(struct mon *m, const struct msg_in *in); /* 0, -ENOMSG: not one of ours, -EBADMSG */

/* mon_request.c */
void mon_requests_send(struct mon *m, bool again); /* again: all; else those that could not be sent yet */
void mon_requests_end(struct mon *m, int err);
int mon_request_message(struct mon *m, const struct msg_in *in);
void mon_on_request_timer(struct ring_timer *t);
