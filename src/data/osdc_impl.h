/* osdc_impl.h: what the files of the OSD client share. Private to osdc*.c.
 *
 * All requests past ROOM stand in one list, by tid. Whatever changes what could be sent (a map, a connection,
 * an unblocked range, the end of a held request) asks for a kick: one walk over the list that routes every
 * request anew that is not on its way, in order of tid. So the order per object has one place to be kept in.
 */
#pragma once
#include "../ring/mem.h"
#include "osdc.h"

#define NS_PER_S 1000000000ull

enum {
	OSD_HELD_SLOTS = 256,
	OSD_PG_KEPT = 8, /* OSDs of a placement group kept in the cache */
};
#define OSDC_TICK_NS       (5 * NS_PER_S)
#define OSDC_SLOW_NS       (10 * NS_PER_S) /* a request that waits so long makes us ask for a newer map */
#define OSDC_IDLE_NS       (60 * NS_PER_S) /* a connection that nobody uses is closed */
#define OSD_RETRY_FIRST_NS (50 * 1000000ull)
#define OSDC_DRAIN_NS                                                                                        \
	(1 * NS_PER_S) /* memory of an ended request that a connection still uses: then it is broken */
#define OSD_RETRY_MAX_NS (5 * NS_PER_S)

/* A placement group's OSDs on the map of one epoch. */
struct osd_pg_entry {
	int64_t pool;
	uint32_t seed, epoch;
	int32_t primary;
	int8_t shard;
	uint8_t rank, count; /* of the primary; of the acting set */
	uint8_t nearest;     /* bits of those in `acting` that localized reads go to; 0: not known yet */
	uint32_t acting_sum;
	int32_t acting[OSD_PG_KEPT]; /* all of it only if count <= OSD_PG_KEPT */
};

/* A range of objects that an OSD wants to hear nothing of. */
struct osd_backoff {
	TAILQ_ENTRY(osd_backoff) link;
	struct osd_pgid pg;
	uint64_t id;
	struct hobject begin, end; /* slices into the same allocation */
	size_t size;               /* of it */
};

struct osd_session {
	struct tid_entry id; /* first: osd + 1 */
	struct osdc *c;
	int32_t osd;
	struct entity_addr addr;
	struct conn *conn; /* NULL: until `retry` fires, or the map changes */
	uint32_t reqs;     /* SENT and HELD here */
	unsigned attempt;  /* connections in a row that came to nothing */
	struct ring_timer retry;
	TAILQ_HEAD(, osd_backoff) backoffs;
	uint32_t backoff_count;
	uint64_t used_ns;
};

/* A reply with its data. */
struct osd_kept {
	struct osd_reply reply;
	uint8_t data[];
};

struct osd_names {
	int64_t pool;
	struct slice key, nspace, oid; /* into the same allocation */
	uint8_t bytes[];
};

TAILQ_HEAD(osd_req_list, osd_req);

struct osdc {
	struct ring *ring;
	struct log *log;
	struct mon *mon;
	struct osdc_opts o;
	const struct osdc_ops *ops;
	void *arg;

	/* The map. */
	struct osdmap *map; /* owned; NULL before the first */
	uint32_t epoch, barrier;
	bool full_wanted;       /* incrementals do not help: the next full map is taken whatever its epoch */
	bool asked, asked_more; /* a subscription for the next epoch is out; for all to come */
	bool gap;               /* epochs were skipped in it */
	bool blocklisted;
	struct osd_pg_entry *pgs; /* owned: OSDC_PG_CACHE of them */

	/* The newest epoch that a monitor has, for pools that we do not know. */
	struct mon_request question;
	uint64_t questions, answers; /* how often it was asked and answered */
	uint32_t answer_epoch;

	/* Requests. */
	uint64_t last_tid;
	struct tid_table reqs; /* those of `all` */
	struct osd_req_list room, all, ending;
	uint32_t count[OSD_REQ_ENDING + 1];
	struct osd_req_list draining; /* ending, and their memory is still in use */
	struct osd_req_list forsaken; /* by forsaken_link: still to be let go */
	struct ring_timer drain_timer;
	uint64_t bytes;                /* cost of those in `all` */
	uint32_t held[OSD_HELD_SLOTS]; /* of those HELD, by the hash of their object */
	struct ring_task kick_task, end_task;
	struct ring_timer tick;

	/* OSDs. */
	struct tid_table sessions;
	struct crush_place place[CRUSH_LEVELS_MAX];
	uint32_t place_count;
	char *location; /* owned: what `place` borrows from */

	bool stopping;
	void (*stopped)(void *arg);
	struct osd_reply reply; /* scratch of the one being handled */
	struct osdc_stats stats;
};

/* osdc.c */
void osd_req_set_state(struct osd_req *q, enum osd_req_state s, enum osd_req_why why);
/* Out of every list; `done` comes in a task. */
void osd_req_end_later(struct osd_req *q, int result);
/* The same by a reply that is borrowed during the call: `done` comes now, if it can. data NULL: none, or in
 * the request's dest. */
void osd_req_replied(struct osd_req *q, int result, const struct osd_reply *r, const uint8_t *data,
		     uint32_t data_len);
/* The caller's memory is used by a message, or an arriving reply, and is not any more. */
void osd_req_lend(struct osd_req *q);
void osd_req_give_back(struct osd_req *q);
/* A message of it that nobody needs any more. True: it was not on its way yet. */
bool osd_req_unsend(struct osd_req *q);
/* osdc_forsake.c: of one that was forsaken, before it is sent again: what is sent in its place. */
void osd_req_fence(struct osd_req *q);
/* Those whose memory has come back, each once. */
void osdc_let_go(struct osdc *c);
/* Another tid: for what is no repetition of the last sending. Routes it. */
void osd_req_renew(struct osd_req *q);
void osdc_tick_arm(struct osdc *c);
/* Before this turn ends: what is to be told is told. In a while: who does not give memory back is made to. */
void osdc_end_soon(struct osdc *c);
void osdc_drain_later(struct osdc *c);

/* osdc_req.c */
int osd_req_check(const struct osd_req *q);
/* Its message to the OSD, of the next attempt; NULL: no memory, or it cannot be encoded. */
struct msg *osd_req_encode(struct osd_req *q);
/* What it is about, redirects included. */
int64_t osd_req_pool(const struct osd_req *q);
struct slice osd_req_oid(const struct osd_req *q), osd_req_nspace(const struct osd_req *q),
    osd_req_key(const struct osd_req *q);
int osd_req_redirect(struct osd_req *q, const struct osd_reply *r); /* 0, -ENOMEM */
/* Snapshots that were removed leave its context. 0, -ENOMEM */
int osd_req_prune_snaps(struct osd_req *q);

/* osdc_map.c */
void osdc_take_maps(struct osdc *c, const struct msg_in *m, bool from_mon);

/* osdc_route.c */
/* Sends it, or says in its state why not. */
void osd_req_route(struct osd_req *q);
/* What was sent is void, and later ones for its object must not pass it: a kick has to follow. */
void osd_req_recall(struct osd_req *q);
void osdc_kick(struct osdc *c);
void osdc_kick_later(struct osdc *c);
/* The epoch that was just applied: what must be sent again is marked. */
void osdc_retarget(struct osdc *c);

/* osdc_target.c */
enum osd_target_result { OSD_TARGET_SAME, OSD_TARGET_CHANGED, OSD_TARGET_NO_POOL };
/* By the present map. Or a negative errno: the request cannot be carried out. */
int osd_target_calc(struct osd_req *q);
bool osd_target_paused(const struct osd_req *q);
bool osd_target_full(const struct osd_req *q);
bool osd_target_respects_full(const struct osd_req *q);

/* osdc_session.c */
/* Made and connected if need be; NULL: no memory. */
struct osd_session *osd_session_get(struct osdc *c, int32_t osd);
void osdc_sessions_map_changed(struct osdc *c);
void osdc_sessions_idle(struct osdc *c);
void osdc_sessions_free(struct osdc *c);
/* Breaks the connection: everything sent on it is sent again on another. */
void osd_session_break(struct osd_session *s);
void osdc_sessions_each(struct osdc *c, void (*fn)(struct osd_session *s, void *arg), void *arg);

/* osdc_message.c */
void osd_session_message(void *arg, const struct msg_in *m);
/* Data of a reply goes straight to where its request wants it. */
bool osd_session_dest(void *arg, const struct msg_in *head, struct conn_dest *dest);

/* osdc_backoff.c */
void osd_backoff_handle(struct osd_session *s, const struct msg_in *m);
bool osd_backoff_holds(const struct osd_session *s, const struct osd_req *q);
void osd_backoffs_drop(struct osd_session *s);
