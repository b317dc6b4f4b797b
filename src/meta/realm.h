/* realm.h: snap realms: which snapshots lie over an inode, and which quota.
 *
 * A realm is a subtree with the same snapshots above it. Traces tell realms, innermost first. The context of
 * a realm (seq and snaps, newest first) is what writes are made under: its own snaps, those of its parent
 * since it became its parent's, and those of former parents.
 *
 *   a trace changes a context --> every inode of that realm (and below) that is dirty or being written gets a
 *   cap snap: what it is now belongs to the snapshot; from now on changes belong to the new context
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include "../proto/mds.h"

struct meta;
struct inode;
struct session;

struct snapctx {
	uint32_t nref;
	uint32_t count;
	uint64_t seq;
	uint64_t snaps[]; /* descending */
};

struct realm {
	uint64_t ino, created, seq, parent_ino, parent_since;
	uint32_t nref;        /* inodes, child realms, waiters */
	struct realm *parent; /* ref */
	LIST_HEAD(, realm) children;
	LIST_ENTRY(realm) sibling;
	LIST_ENTRY(realm) all; /* meta's list */
	uint64_t *snaps, *prior;
	uint32_t snap_count, prior_count;
	struct snapctx *ctx; /* ref; NULL until built */
};

struct realm *realm_find(struct meta *m, uint64_t ino);
struct realm *realm_get(struct realm *r);
void realm_put(struct meta *m, struct realm *r);
/* Moves an inode into a realm told by the MDS (0: leave). */
void realm_set(struct meta *m, struct inode *i, uint64_t ino);
/* A trace of a reply, an IMPORT or a CLIENT_SNAP. 0; -EBADMSG: broken, then nothing more may be written. */
int realm_trace(struct meta *m, struct session *s, struct slice trace);
void realm_handle_snap(struct meta *m, struct session *s, const struct snap_msg *msg);
/* The context for writes to `i` now. Borrowed; NULL: no snapshots are known. */
const struct snapctx *realm_context(const struct inode *i);
struct snapctx *snapctx_get(struct snapctx *c);
void snapctx_put(struct snapctx *c);
void realms_fini(struct meta *m);

/* quota.c: would so many more bytes or files in directory `dir` (or for a file: in its directory) exceed a
 * quota above it? 0, -EDQUOT; -EAGAIN: a realm's inode is not cached: quota_fetch() asks for it. */
int quota_check(struct meta *m, struct inode *dir, uint64_t more_bytes, uint64_t more_files);
/* The inode whose quota rules `i`, or NULL: none. *unknown: some realm's inode is not cached. */
struct inode *quota_root(struct meta *m, struct inode *i, bool *unknown);

/* snap.c: paths below .snap. The wire's address of a snapped inode is its nearest live ancestor and a path
 * that begins with a slash: writes it into `buf`. 0, -ENAMETOOLONG, -ESTALE (not reachable any more). */
int snap_path(struct meta *m, const struct inode *i, uint64_t *live_ino, char *buf, uint32_t size,
	      uint32_t *len);
/* The virtual .snap of a live directory. NULL: no memory. */
struct inode *snap_dir(struct meta *m, struct inode *dir);
