/* use.h: what only an inode in use has: opened, referenced bit by bit, dirty, locked, delegated,
 * changed and not yet safe.
 *
 * Made at the first need (inode_use) and dropped when all of it is at rest (inode_use_settle), so that a
 * merely cached inode does not carry it. While it exists it refers to its inode (nref), which therefore is
 * neither evicted nor recalled.
 */
#pragma once
#include <sys/queue.h>
#include "inode.h"

struct mreq;
struct capsnap;
struct cap_flush;
struct cap_wait;
struct lock_list;
struct deleg;
struct snapctx;

/* How a file is open: what it wants (caps_wanted). */
enum open_mode { OPEN_RD = 1, OPEN_WR = 2, OPEN_RDWR = 3, OPEN_LAZY = 4 };

/* Bits that users hold references on. */
enum cap_ref { REF_FR, REF_FC, REF_FW, REF_FB, REF_FX, REF_COUNT };

/* Requests answered but not yet safe, by the inode that they changed: an entry each for the directory, a
 * second directory, and the target. */
struct unsafe_link {
	LIST_ENTRY(unsafe_link) link;
	struct mreq *req;
	struct inode *inode; /* ref; NULL = not linked */
};

TAILQ_HEAD(cap_flushes, cap_flush);

struct inode_use {
	struct inode *inode;
	LIST_ENTRY(inode_use) in_use; /* meta's list of all */
	uint32_t opens[8];            /* open files by open_mode */
	uint32_t refs[REF_COUNT];     /* by cap_ref */
	uint32_t dirty, flushing;     /* bits changed here and not sent; sent and not acknowledged */
	bool in_dirty;
	bool kick;               /* flushes were begun that could not be sent: caps_update() sends them */
	bool waking, wake_again; /* caps_wake() is under way; and was asked for from within */
	TAILQ_ENTRY(inode_use) dirty_link;      /* meta's list: whatever has something that the MDS lacks */
	TAILQ_ENTRY(inode_use) kept_link;       /* meta's list, while release_at_ns */
	struct cap_flushes flushes;             /* oldest first */
	TAILQ_HEAD(capsnaps, capsnap) capsnaps; /* oldest first */
	struct snapctx *head_snapc; /* ref: what dirty data and attributes belong to; NULL = clean */
	TAILQ_HEAD(cap_waits, cap_wait) waiters; /* for bits or for max_size, in order */
	uint64_t wanted_max_size, requested_max_size, reported_size;
	uint64_t clean_size;           /* the MDS's, when it became dirty by writing, or since */
	uint32_t dirty_uid, dirty_gid; /* who made it dirty */
	LIST_HEAD(, unsafe_link) unsafe;
	struct lock_list *locks;   /* owned */
	LIST_HEAD(, deleg) delegs; /* owned: deleg.h */
	uint32_t pinned;           /* the bits that they pin */
	struct mreq *creating;     /* an asynchronous create that is not answered yet */
	void *data;                /* the data side's (caps_data_ops): it keeps this in use; NULL = nothing */
	int error;                 /* of what was lost, until somebody has been told */
	int lost;                  /* the newest such, */
	uint32_t lost_count;       /* and how many: each open file is told for itself */
	struct mreq *renewing;     /* an OPEN that asks for a cap which was lost; NULL = none */
	struct cap_wait *wake_at;  /* the next that caps_wake() tries */
	uint64_t release_at_ns;    /* what may wait is told then; 0 = nothing may */
	uint64_t keep_until_ns;    /* what is not wanted any more is kept until then */
	uint64_t written_until_ns; /* a directory: names in it were changed a while ago at most */
	uint32_t dir_ops;          /* and what it wants then besides Fx */
};

/* NULL: no memory. */
struct inode_use *inode_use(struct meta *m, struct inode *i);
/* Drops it if all is at rest. */
void inode_use_settle(struct meta *m, struct inode *i);
/* The mount ends: drops them all, whatever they hold. */
void uses_fini(struct meta *m);
/* Something that fsync must report was lost; the words are the caller's to log. */
void inode_set_error(struct meta *m, struct inode *i, int err);
static inline bool inode_is_open(const struct inode *i)
{
	if (!i->use)
		return false;
	for (unsigned n = 0; n < 8; n++)
		if (i->use->opens[n])
			return true;
	return false;
}
