/* flush.h: what was changed here and the MDS must still learn.
 *
 *   clean --caps_mark_dirty--> dirty --flush (tid)--> flushing --FLUSH_ACK(tid)--> clean
 *                                ^                       |
 *                                '-- changed again ------'   the bits are dirty and flushing at once
 *
 *   session over, caps lost: dirty and flushing bits are lost: logged with the inode, kept as its error
 *   failover: flushing again what was not acknowledged, with the tids of before
 *
 * Flush tids count up in the whole client; the smallest that is not acknowledged travels in every caps
 * message.
 */
#pragma once
#include "use.h"

struct meta;
struct snapctx;
struct session;
struct caps_msg;
struct cap;

struct cap_flush {
	TAILQ_ENTRY(cap_flush) link;   /* of the inode */
	TAILQ_ENTRY(cap_flush) in_all; /* of the mount, by tid */
	struct inode *inode;
	struct capsnap *snap; /* the flush of a cap snap, or NULL */
	uint64_t tid;
	uint32_t bits;
	bool grew; /* the size that it tells is a new one */
};

/* What an inode was like when a snapshot was taken over it: capsnap.c. */
struct capsnap {
	TAILQ_ENTRY(capsnap) link; /* of the inode */
	struct snapctx *ctx;       /* ref: what data of that time is written under; NULL = no snapshots */
	uint64_t follows;          /* its seq */
	uint32_t issued, dirty;
	struct attrs a;
	struct xattrs *xattrs; /* owned; only if Xx was dirty */
	uint64_t xattr_version, truncate_size;
	uint64_t snap,
	    until_ns; /* the newest snapshot that it belongs to; for so long its authority may not know */
	uint32_t truncate_seq;
	bool writing;           /* a write is in flight: size and times are taken when it ends */
	bool need_flush;        /* the MDS must hear of it; else it only keeps data of that time together */
	struct cap_flush flush; /* tid 0: not sent */
};

/* Bits of CAP_AX | CAP_XX | CAP_FX | CAP_FW (LX) were changed here by `cred_uid`. 0 or -ENOMEM (then nothing
 * is marked, and the change must not be made). */
int caps_mark_dirty(struct meta *m, struct inode *i, uint32_t bits, uint32_t uid, uint32_t gid);
/* Sends what is dirty. The tid to wait for: the newest flush of this inode that is not acknowledged; 0 =
 * none. */
uint64_t caps_flush(struct meta *m, struct inode *i, bool sync);
uint64_t caps_flush_all(struct meta *m, bool sync);
/* Is something of `i` dirty, or not acknowledged, besides the times of writes (CAP_FW) that left its size
 * alone? */
bool flush_matters(const struct inode *i);
/* The newest flush of such that is not acknowledged, 0 = none. */
uint64_t flush_newest_that_matters(const struct inode *i);
/* The smallest tid that is not acknowledged, 0 = none. */
uint64_t flush_oldest_tid(const struct meta *m);
/* Every flush up to `tid` is acknowledged (of `i`, or NULL: of all). */
bool flush_done(const struct meta *m, const struct inode *i, uint64_t tid);

void flush_handle_ack(struct meta *m, struct session *s, struct inode *i, const struct caps_msg *g);
void flush_handle_snap_ack(struct meta *m, struct session *s, struct inode *i, const struct caps_msg *g);
/* Sends the unacknowledged flushes of an inode again: a new authority, or a recovered daemon. */
void flush_resend(struct meta *m, struct inode *i);
/* The authority's session is gone for good: what was dirty is lost. */
void flush_lost(struct meta *m, struct inode *i, int err);
/* Nothing is left that an MDS must still learn, dirty data included. */
bool flush_quiet(const struct meta *m);

/* The context of `i` is another one now (realm_context): what is dirty, and what is being written, belongs to
 * the one it was changed under. For every inode in use of the realm; cheap where nothing is dirty. */
void capsnap_queue(struct meta *m, struct inode *i);
/* Dirty data of an older context was written back: FLUSHSNAPs that waited for it can go. */
void capsnap_kick(struct meta *m, struct inode *i);
/* An MDS told of snapshots: FLUSHSNAPs that waited for its word can go. */
void capsnaps_kick(struct meta *m);
