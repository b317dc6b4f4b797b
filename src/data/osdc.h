/* osdc.h: the OSD client of one mount: operations on objects, sent to whichever OSD serves them now.
 *
 * A request (struct osd_req) is the caller's memory, filled and submitted; `done` runs once with its result.
 * In between it is the client's business which OSD it goes to, on which map, and how often:
 *
 *   submit --> ROOM   too much is in flight already
 *          \-> PARKED nobody to send it to: no map yet, pool unknown, no OSD up, map older than the barrier
 *          \-> HELD   an OSD, but it may not be sent now: paused, full, backoff, no connection, or an earlier
 *                     request for the same object is not sent either
 *          \-> SENT --reply--> done
 *                |--another OSD, interval, split, gap, connection lost--> sent again, same tid, next attempt
 *                |--redirected, EAGAIN--> sent again under a new tid
 *   cancel, deadline, pool gone, osdc_stop() --> ENDING, until the caller's memory is in nobody's hands -->
 * done
 *   forsaken --> let_go, as soon as that is so --reply, or one to the fence that is sent in its place--> done
 *
 * Requests for one object are carried out in the order of submission, but: a read does not wait for a write
 * that pause or full flags hold back, and a read from a replica does not wait for anything.
 *
 * Nothing is given up for being slow: an OSD may be down for hours. Deadlines are the caller's.
 *
 * Owner thread only. `done` never runs from inside a call made here.
 */
#pragma once
#include <errno.h>
#include <sys/queue.h>
#include <sys/uio.h>
#include "../mon/mon.h"
#include "../proto/osd_op.h"
#include "../proto/osdmap.h"
#include "../ring/tid.h"

struct osdc;
struct osd_session;
struct osd_names;
struct osd_kept;

enum {
	OSDC_REQS_MAX = 1024,       /* sent and not answered; the default */
	OSDC_BYTES_MAX = 100 << 20, /* of data in them, both ways */
	OSD_REQ_OPS = 4,            /* operations of one request */
	OSD_REQ_NAME = 48,          /* bytes of an object's name */
	OSD_REDIRECTS_MAX = 16,     /* of one request */
	OSD_BACKOFFS_MAX = 4096,    /* of one OSD */
	OSDC_PG_CACHE = 4096,       /* placement groups whose OSDs are remembered, a power of two */
};

struct osdc_opts {
	uint32_t modes[2], mode_count;  /* CON_MODE_*, best first */
	uint32_t nonce;                 /* of this client instance */
	uint64_t keepalive_ns, dead_ns; /* as conn.h, 0 = defaults */
	uint32_t max_reqs;              /* 0 = OSDC_REQS_MAX */
	uint64_t max_bytes;             /* 0 = OSDC_BYTES_MAX */
	const char *location;           /* "root=default host=a", for localized reads; NULL = none; copied */
};

struct osdc_ops {
	/* A newer map is in use; pools that are full, gone or changed can be seen in osdc_map(). May be NULL.
	 */
	void (*map)(void *arg, const struct osdmap *m);
	/* The cluster has thrown this client out (or lets it in again): until then every request ends with
	 * -ESHUTDOWN. May be NULL. */
	void (*blocklisted)(void *arg, bool yes);
};

/* `mon` outlives it. 0 or a negative errno. */
int osdc_new(struct ring *r, struct log *log, struct mon *mon, const struct osdc_opts *o,
	     const struct osdc_ops *ops, void *arg, struct osdc **out);
/* Asks for the first map. */
void osdc_start(struct osdc *c);
/* Ends every request with -ESHUTDOWN and closes the connections; then `stopped` (may be NULL). */
void osdc_stop(struct osdc *c, void (*stopped)(void *arg));
void osdc_free(struct osdc *c); /* after `stopped`; takes NULL */

/* From mon_ops.osdmap. OSDs send maps too; those are seen to. */
void osdc_handle_maps(struct osdc *c, const struct msg_in *m);
/* NULL before the first; valid until the next one comes. */
const struct osdmap *osdc_map(const struct osdc *c);
uint32_t osdc_epoch(const struct osdc *c); /* 0 before the first */
/* A newer map would be of use. */
void osdc_want_map(struct osdc *c);
/* No request is sent before this epoch is here: an MDS or another client fenced somebody off with it. */
void osdc_barrier(struct osdc *c, uint32_t epoch);
bool osdc_blocklisted(const struct osdc *c);

/* ---- requests ---- */

enum osd_req_state { OSD_REQ_NEW, OSD_REQ_ROOM, OSD_REQ_PARKED, OSD_REQ_HELD, OSD_REQ_SENT, OSD_REQ_ENDING };

/* Why a request is PARKED or HELD. */
enum osd_req_why {
	OSD_WHY_NONE,
	OSD_WHY_NO_MAP,
	OSD_WHY_BARRIER,
	OSD_WHY_NO_POOL,
	OSD_WHY_NO_OSD,
	OSD_WHY_PAUSED, /* by flags; HELD from here on */
	OSD_WHY_BEHIND_PAUSED,
	OSD_WHY_BACKOFF,
	OSD_WHY_NO_CONNECTION,
	OSD_WHY_BEHIND, /* an earlier one for the same object */
	OSD_WHY_AGAIN,  /* what was sent is void: until the kick that follows */
};
const char *osd_req_state_name(enum osd_req_state s);
const char *osd_req_why_name(enum osd_req_why w); /* "no osd is up"; "" */

/* Where a request goes, by the map of one epoch. */
struct osd_target {
	int64_t pool;
	uint32_t hash, seed, pg_num;
	int32_t primary, osd;   /* -1 none; osd: another one of the set for replica reads */
	int8_t shard;           /* of an erasure coded pool, or -1 */
	uint8_t rank;           /* of the primary in the acting set */
	uint32_t acting_sum;    /* changes with the acting set */
	uint32_t forced_resend; /* the pool's last_force_op_resend that was seen to */
	bool known;             /* the fields above say something */
};

struct osd_req {
	struct tid_entry id; /* first: parked by it */

	/* What is asked: the caller's, after osd_req_init(). */
	int64_t pool;
	struct slice nspace; /* borrowed until done */
	char name[OSD_REQ_NAME];
	uint32_t name_len;
	uint32_t flags; /* OSD_FLAG_*: BALANCE_READS, LOCALIZE_READS, FULL_TRY ...; READ, WRITE are added */
	struct osd_op op[OSD_REQ_OPS];
	unsigned op_count;
	struct enc payload;       /* short payloads, in the order of their operations; freed before done */
	const struct iovec *bulk; /* borrowed until done, with its memory: the payload of op[bulk_op] */
	uint32_t bulk_count, bulk_len;
	const struct iovec
	    *dest; /* borrowed until done, with its memory: where the output of op[dest_op] goes */
	uint32_t dest_count, dest_len;
	uint8_t bulk_op, dest_op;
	uint64_t snapid;       /* OSD_SNAP_HEAD, unless a snapshot is read */
	uint64_t snap_seq;     /* of writes */
	const uint64_t *snaps; /* borrowed until done; strictly descending */
	uint32_t snap_count;
	uint64_t mtime_ns;    /* of the object after a write, wall clock; 0 = when it is submitted */
	uint64_t deadline_ns; /* monotonic; 0 = none. Then -ETIMEDOUT */
	/* result: 0 or more (CMPXATTR 1), or a negative errno. `q` is the caller's again, and may be
	 * submitted again at once. */
	void (*done)(struct osd_req *q, int result);
	/* After osdc_forsake(): the caller's memory is not used any more, and `done` is still to come. */
	void (*let_go)(struct osd_req *q);
	void *arg;

	/* What came: during done; `reply` NULL when there is none. */
	const struct osd_reply *reply; /* borrowed */
	const uint8_t *data;           /* borrowed: outputs, but that of op[dest_op]: osd_req_output() */
	uint32_t dest_done;            /* bytes that came into dest */

	/* The client's. */
	struct osdc *c;
	TAILQ_ENTRY(osd_req) link; /* osdc.room, .all or .ending */
	enum osd_req_state state;
	enum osd_req_why why;
	bool write, read;
	bool draining;      /* ENDING, and memory of it is in use */
	uint32_t held_slot; /* HELD: where it is counted */
	bool paused;        /* by the flags of the newest map */
	bool plain;         /* no replica reads any more: one sent us away */
	bool fence;         /* forsaken, and now a question that is answered behind it */
	bool holding;       /* forsaken, on osdc.forsaken: let_go is to come */
	int forsaken;       /* osdc_forsake(): with this */
	TAILQ_ENTRY(osd_req) forsaken_link;
	uint8_t redirects;
	int32_t attempt; /* of the newest sending; -1 before the first */
	uint32_t cost;   /* bytes that count for the bound */
	struct osd_target target;
	struct osd_session *session; /* SENT or HELD */
	struct msg *msg;             /* the newest message with our bulk; NULL: given back */
	int32_t msg_osd;             /* where it was sent to */
	uint32_t lent;               /* messages and arriving replies that use the caller's memory */
	struct osd_kept *kept;       /* owned or NULL: a reply that came while some did */
	uint32_t wire_flags;         /* what is added to flags */
	uint32_t snaps_kept;         /* of snap_count: those that still exist */
	struct osd_names *names;     /* owned or NULL: what replaces pool, nspace and name after a redirect */
	uint64_t *own_snaps;         /* owned or NULL: replaces snaps */
	uint64_t pool_asked;         /* OSD_WHY_NO_POOL: the question to the monitor that must be answered */
	uint64_t begun_ns, begun_wall_ns, sent_ns;
	struct ring_timer timer;
	int result;
};

/* A request for an object. The name is copied: -ENAMETOOLONG, or 0. */
int osd_req_init(struct osd_req *q, int64_t pool, struct slice nspace, const char *name, size_t name_len);
/* Gives up what it holds, of a request that is never submitted. */
void osd_req_fini(struct osd_req *q);
/* The next operation to be built with osd_op_*(); NULL when there are OSD_REQ_OPS already. */
struct osd_op *osd_req_op(struct osd_req *q);
/* A read into `iov`, which has room for `len` bytes; at most one in a request. 0, -EINVAL. */
int osd_req_read(struct osd_req *q, uint64_t offset, uint32_t len, struct osd_trunc t,
		 const struct iovec *iov, uint32_t count);
/* WRITE, WRITEFULL or APPEND of `len` bytes in `iov`; at most one in a request. They may not change before
 * done. 0, -EINVAL. */
int osd_req_write(struct osd_req *q, uint16_t code, uint64_t offset, uint32_t len, struct osd_trunc t,
		  const struct iovec *iov, uint32_t count);

/* 0: `done` will come. -EINVAL: what an OSD would take badly (osd_op_check()), more data than a message may
 * have, or no operation; -ESHUTDOWN after osdc_stop(). */
int osdc_submit(struct osdc *c, struct osd_req *q);
/* Ends it with `err` (negative), soon. What was sent may be carried out all the same. Does nothing to one
 * that is ending. */
void osdc_cancel(struct osd_req *q, int err);
/* The same for who must know when it is over, because it lets others at the data then: what an OSD may still
 * carry out stays until its answer is here. Where it would have to be sent again a STAT goes in its place,
 * and as that is answered behind it, it has been carried out or never will be. First let_go, in which the
 * bulk and the dest become the caller's again, then `done`: the request's result, or `err` if nobody knows.
 * What is with no OSD ends as by osdc_cancel(), without let_go. */
void osdc_forsake(struct osd_req *q, int err);
/* Ends all writes of a pool (-1: of every pool) that are subject to full flags with `err`, soon. The epoch
 * at which that was decided: who must not see them happen later waits for it (cap messages:
 * osd_epoch_barrier).
 */
uint32_t osdc_cancel_writes(struct osdc *c, int64_t pool, int err);
/* During done: the output of an operation, as far as it is not in dest. */
struct slice osd_req_output(const struct osd_req *q, unsigned op);
/* During done: an OSD says that there is no such object. Where the pool is gone nobody does. */
static inline bool osd_req_absent(const struct osd_req *q, int result)
{
	return result == -ENOENT && q->reply;
}

/* ---- views ---- */

struct osdc_stats {
	uint64_t requests, reads, writes;         /* submitted */
	uint64_t sends, resends, replies;         /* messages */
	uint64_t stale_replies;                   /* to an earlier attempt, or to nobody */
	uint64_t read_bytes, write_bytes;         /* into dest; of bulk */
	uint64_t copied_in, copied_out;           /* of them, copied by us on the way */
	uint64_t redirects, again;                /* replies that sent us elsewhere */
	uint64_t maps, incrementals, fulls, gaps; /* messages; epochs applied; skipped stretches */
	uint64_t map_requests, targets, targets_cached;
	uint64_t connects, faults, backoffs, cancelled, timeouts;
};
struct osdc_info {
	struct osdc_stats stats;
	uint32_t epoch, barrier, sessions;
	uint32_t room, parked, held, sent; /* requests now */
	uint64_t sent_bytes;
	bool blocklisted;
};
void osdc_info(const struct osdc *c, struct osdc_info *out);
struct osd_session_info {
	int32_t osd;
	uint32_t requests, backoffs;
	struct conn_info conn; /* state "closed" without one */
};
void osdc_each_session(struct osdc *c, void (*fn)(void *arg, const struct osd_session_info *s), void *arg);
/* In the order of their tids, after them those without room yet. `fn` only looks. */
void osdc_each_req(struct osdc *c, void (*fn)(void *arg, const struct osd_req *q), void *arg);
