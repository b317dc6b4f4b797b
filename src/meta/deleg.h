/* deleg.h: delegations: caps of an open file that the program relies on until it is asked for them.
 *
 *   deleg_set --> HELD --a bit that it pins is taken back, or another open of ours conflicts--> RECALLED
 *                  |                                                                              |
 *                  '--deleg_return, the file is closed--> gone <----------------------------------+
 *                                                                                                 |
 *                              the time is over: meta.on_deleg_over, and all of the mount's go <--'
 *
 * While one exists its bits count as used (caps_used), so nothing gives them back: no acknowledgement, no
 * recall, no request that would take them along. The MDS waits for it as for any client that still writes.
 */
#pragma once
#include <sys/queue.h>
#include "../ring/ring.h"
#include "caps.h"

struct op;

enum deleg_type { DELEG_RD = 1, DELEG_WR = 2 };

struct deleg {
	LIST_ENTRY(deleg) link; /* of the inode's use */
	struct meta *m;
	struct file *file; /* which gives it back when it is closed */
	uint32_t bits;
	bool recalled;
	uint64_t timeout_ns; /* to be given back within, once recalled */
	struct ring_timer timer;
	uint64_t id; /* who is to be told, and of which: the asker's */
	void *who;
};

/* What is asked for; who and id come with meta.on_recall. */
struct deleg_want {
	int type; /* enum deleg_type */
	uint64_t timeout_ns, id;
	void *who;
};
/* 0, also in place of what the file had; -EAGAIN: a bit is not held now, somebody else has the file open, or
 * a recalled one is not back yet; -EINVAL, -ENOTCONN (one was not given back in time), -ENOMEM. */
int deleg_set(struct meta *m, struct file *f, const struct deleg_want *want);
/* Nothing, if the file has none. */
void deleg_return(struct meta *m, struct file *f);
/* At the end of the mount, without a word. */
void delegs_drop(struct inode_use *u);

/* These bits are being taken, or are lost: whoever relies on them is told, once. */
void deleg_recall(struct meta *m, struct inode *i, uint32_t bits);
/* The inode is to be opened. True: a delegation is in the way, and was recalled; the op waits, and is resumed
 * with 0 to look again. */
bool deleg_wait(struct op *op, struct inode *i, bool to_write);

/* Bits that delegations pin. */
static inline uint32_t deleg_pins(const struct inode *i)
{
	return i->use ? i->use->pinned : 0;
}
/* What is so for certain besides the bits issued: nobody else can change it before they are back. */
uint32_t deleg_known(const struct inode *i);
