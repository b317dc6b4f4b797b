/* realm.h: snap realms: which snapshots lie over an inode, and which quota.
 *
 * A realm is a subtree with the same snapshots above it. Traces tell realms, innermost first. The context of
 * a realm (seq and snaps, newest first) is what writes are made under: its own snaps, those of its parent
 * since it became its parent's, and those of former parents.
 *
 *   a trace changes a context --> every inode of that realm (and below) that is dirty or being written gets a
 *   cap snap: what it is now belongs to the snapshot; from now on changes belong to the new context
 *
 * Realms form a tree by `parent`, cycles cannot come about: a trace that is taken ends at a realm without
 * parent and names none twice, and its realms are put under one another from the outermost inwards. Owner
 * thread only.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include "../proto/mds.h"
#include "../ring/tid.h"

struct meta;
struct inode;
struct dentry;
struct op;
struct session;

enum {
	REALM_DEPTH_MAX = 1024,    /* realms in one trace */
	REALMS_MAX = 1 << 18,      /* known at once */
	SNAPCTX_SNAPS_MAX = 16384, /* in one context */
};

struct snapctx {
	uint32_t nref;
	uint32_t count;
	uint64_t seq;
	uint64_t snaps[]; /* descending */
};

struct realm {
	union {
		struct tid_entry id; /* first: found by it */
		uint64_t ino;
	};
	uint64_t created, seq, parent_ino, parent_since;
	uint32_t nref;        /* inodes, child realms, waiters */
	struct realm *parent; /* ref */
	LIST_HEAD(, realm) children;
	LIST_ENTRY(realm) sibling;
	LIST_ENTRY(realm) all; /* meta's list */
	uint64_t *snaps;       /* owned: its own, and behind them the former parents' */
	uint32_t snap_count, prior_count;
	bool told;            /* by a trace; else only its number is known, and its context is empty */
	bool queued, changed; /* while contexts are renewed */
	STAILQ_ENTRY(realm) todo, news;
	struct snapctx *ctx;   /* ref; never NULL */
	size_t bytes;          /* counted in the cache */
	uint64_t ask_after_ns; /* quota.c: its inode could not be had; not again before */
};

struct realm *realm_find(struct meta *m, uint64_t ino);
struct realm *realm_get(struct realm *r);
void realm_put(struct meta *m, struct realm *r);
/* Moves an inode into a realm told by the MDS (0: leave). */
void realm_set(struct meta *m, struct inode *i, uint64_t ino);
/* A trace of a reply, an IMPORT or a CLIENT_SNAP (len 0: none), before what came with it is taken in. 0;
 * -EBADMSG: broken, -ENOMEM, -E2BIG: beyond a bound; then nothing more may be written (m->fenced). */
int realm_trace(struct meta *m, struct session *s, struct slice trace);
void realm_handle_snap(struct meta *m, struct session *s, const struct snap_msg *msg);
/* What the snapshots are cannot be known any more: logs it, m->fenced. Gives `err` back. */
int realm_fence(struct meta *m, const struct session *s, int err, const char *why);
/* The context for writes to `i` now. Borrowed; NULL: no snapshots are known. */
const struct snapctx *realm_context(const struct inode *i);
/* The same snapshots at the same seq; either may be NULL. */
bool snapctx_same(const struct snapctx *a, const struct snapctx *b);
struct snapctx *snapctx_get(struct snapctx *c);
void snapctx_put(struct snapctx *c);
/* For a reconnect: all that traces told, in an array of mem_alloc(), the caller's. 0 or -ENOMEM. */
int realms_list(const struct meta *m, struct reconnect_realm **list, uint32_t *count);
int realms_init(struct meta *m);
void realms_fini(struct meta *m);
/* Invariants; tests run it after every step. NULL = fine, else words. */
const char *realms_check(const struct meta *m);

/* realm.c for realm_trace.c. Finds or makes; NULL: no memory, or REALMS_MAX. A new one has nref 0. */
struct realm *realm_make(struct meta *m, uint64_t ino);
void realm_adopt(struct meta *m, struct realm *r, struct realm *parent);
/* What its snapshots and its parent's context come to, in a new one (a ref). 0, -ENOMEM, -E2BIG. */
int realm_context_build(const struct realm *r, struct snapctx **out);
/* Takes over what a trace tells. 0 or -ENOMEM. */
int realm_tell(struct meta *m, struct realm *r, const struct realm_info *info);
STAILQ_HEAD(realm_queue, realm);
/* The queue holds a reference: adopting one may free its old parent. */
void realm_queue_add(struct realm_queue *q, struct realm *r);
/* Renews the contexts of those in the queue (parents before children) and of what lies below those that
 * changed; then the inodes in use of the changed ones get their cap snaps. 0, -ENOMEM, -E2BIG. */
int realms_renew(struct meta *m, struct realm_queue *q);

/* ---- quota.c ---- */

/* Would so many more bytes or files in directory `dir` (or for a file: in its directory) exceed a quota above
 * it? 0, -EDQUOT; -EAGAIN: a realm's inode is not cached: quota_step() asks for it. */
int quota_check(struct meta *m, struct inode *dir, uint64_t more_bytes, uint64_t more_files);
/* For steps: the same, but asks for what is not cached: OP_PENDING, then the step is entered again and calls
 * this again. */
int64_t quota_step(struct op *op, struct inode *dir, uint64_t more_bytes, uint64_t more_files);
/* The inode whose quota rules `i`, or NULL: none. *unknown: some realm's inode is not cached. */
struct inode *quota_root(struct meta *m, struct inode *i, bool *unknown);
/* The same quota rules in both directories: names may move between them. */
bool quota_same_root(struct meta *m, struct inode *a, struct inode *b, bool *unknown);
/* For steps: 0, -EXDEV, or OP_PENDING as quota_step(). */
int64_t quota_rename_step(struct op *op, struct inode *from, struct inode *to);

/* ---- snap.c: what lies below .snap ---- */

/* The wire's address of a snapped inode is its nearest live ancestor and a path that begins with a slash:
 * writes it into `buf`. A live inode and a .snap itself have none: *len 0. 0, -ENAMETOOLONG, -ESTALE (not
 * reachable any more). */
int snap_path(struct meta *m, const struct inode *i, uint64_t *live_ino, char *buf, uint32_t size,
	      uint32_t *len);
/* The virtual .snap of a live directory, in the cache as one of its names. NULL: no memory. */
struct inode *snap_dir(struct meta *m, struct inode *dir);
/* The live directory that a snapped inode, or a .snap, lies below; itself if it is live. NULL: not cached. */
struct inode *snap_live(struct meta *m, const struct inode *i);
/* The live inode was given other attributes: its .snap shows them. */
void snap_dir_show(struct cache *c, struct inode *dir);
/* May the name be trusted: a name below .snap, or .snap itself. */
bool snap_name_valid(struct meta *m, const struct dentry *d, uint64_t now_ns);
/* Binds a name that was told below .snap. NULL: no memory. */
struct dentry *snap_name_link(struct meta *m, struct inode *dir, const char *name, uint32_t len,
			      struct inode *target);
/* What a reply grants on a snapped inode. The bits that are new. */
uint32_t snap_grant(struct inode *i, const struct inode_stat *st);
/* Bits that vouch for a snapped inode's attributes: for good. Of a .snap: those of its directory now. */
uint32_t snap_issued(const struct inode *i, uint64_t now_ns);

/* ---- snap_ops.c: op->walk.at is a .snap, op->walk.last the name in it ---- */

/* mkdir: 0, OP_PENDING or -errno. The step that is entered again with the result has nothing left to do. */
int64_t snap_make(struct op *op);
/* rmdir. */
int64_t snap_remove(struct op *op);
/* rename: op->from has the old name; one of the two directories is a .snap. */
int64_t snap_rename(struct op *op);
