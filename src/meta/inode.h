/* inode.h: the cache: inodes by number, dentries by (directory, name), one LRU bounded in bytes.
 *
 * The engine is the only writer. An inode stays while something refers to it (nref), while it is a directory
 * with cached children, or until the LRU gives it up; giving it up releases its caps to the MDS. A dentry
 * binds a name to an inode, or to nothing (negative). Whether it may be trusted is decided at each use
 * (dentry_valid): by a lease of its own or by Fs on its directory.
 */
#pragma once
#include <ck_hs.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include "../proto/frag.h"
#include "../proto/mds.h"

struct meta;
struct cap;
struct inode_use;
struct realm;
struct session;
struct dir_ahead;

#define INLINE_NONE UINT64_MAX

struct inode_key {
	uint64_t ino, snapid;
};

/* What an inode is like. Readers on other threads see it, so it changes only as a whole: copy it, change the
 * copy, inode_set_attrs(). */
struct attrs {
	uint32_t mode, uid, gid, nlink, rdev;
	uint32_t time_warp_seq;
	uint64_t size, change_attr;
	uint64_t ctime_ns, mtime_ns, atime_ns, btime_ns;
	struct layout layout;
};
_Static_assert(sizeof(struct attrs) % 8 == 0, "copied by words");

/* The same of a directory, by dir_set_attrs(). */
struct dir_attrs {
	uint64_t files, subdirs, rbytes, rfiles, rsubdirs, rsnaps, rctime_ns;
};

/* What only directories have. */
struct dir {
	LIST_HEAD(, dentry) children;
	uint32_t child_count;
	uint32_t shared_gen;    /* +1 whenever Fs is newly gained: older dentries lose its protection */
	uint64_t release_count; /* +1 whenever completeness ends; readdir compares it */
	bool complete;          /* every name is in the cache (valid while Fs is held) */
	bool has_snapdir;       /* among them .snap, which shows this directory's attributes (snap.c) */
	uint8_t hash;           /* DIR_HASH_* */
	struct fragtree frags;
	struct frag_rank {
		uint32_t frag;
		int32_t rank;
	} * ranks; /* learned from DirStat; owned */
	uint32_t rank_count;
	struct dir_attrs a;
	uint64_t quota_max_bytes, quota_max_files;
	uint64_t snap_btime_ns; /* of a snapshot's root: when it was made */
	int32_t pin;
	struct layout file_layout; /* dirops.c: of the files that are made here */
	bool knows_layout;
	struct dentry *name; /* what it is called: the newest of its names, for `..`; NULL = not known */
	/* ahead.c: files opened whose names were asked for alone; the listing under way, or NULL; none is
	 * worth while. */
	uint32_t asked_alone;
	struct dir_ahead *ahead;
	bool no_ahead;
};

/* Extended attributes as they came: a wire map<str,blob>. Replaced as a whole. */
struct xattrs {
	uint32_t len;
	uint8_t map[];
};

struct inode {
	struct inode_key key;   /* first: the hash table compares it */
	TAILQ_ENTRY(inode) lru; /* when nref == 0 */
	uint32_t nref;          /* owner's references: ops, open files, requests, uses */
	uint32_t xref;          /* atomic: references of the program, on any thread */
	bool used;              /* since the LRU hand last passed */
	bool in_lru;
	uint32_t truncate_seq;
	struct attrs a;
	uint64_t version, xattr_version, max_size, truncate_size;
	uint64_t inline_version; /* INLINE_NONE: its data is in objects; 0: not told yet */
	char *symlink, *pool_ns; /* owned; NULL = empty */
	struct xattrs *xattrs;   /* owned; NULL = none, or unknown without Xs */
	struct cap *caps;        /* one for each MDS that issued some */
	/* The cap that readers on other threads go by (caps_publish): its bits, rank and generation. */
	struct {
		uint32_t caps, gen;
		int32_t rank;
	} seen;
	uint32_t snap_caps; /* of a snapped inode: what was granted, for good (snap.c) */
	LIST_HEAD(, dentry) aliases;
	struct dir *dir;       /* owned; directories only */
	struct inode_use *use; /* owned; NULL: not open, nothing dirty, nothing under way (use.h) */
	struct realm *realm;   /* ref: its snap realm; NULL = not known */
};

struct dentry_key {
	struct inode *dir;
	const char *name;
	uint32_t len;
};

struct dentry {
	struct dentry_key key; /* first: the hash table compares it; name points to `text` */
	struct inode *inode;   /* NULL: the name does not exist */
	LIST_ENTRY(dentry) child;
	union {
		LIST_ENTRY(dentry) alias; /* positive: the inode's names */
		TAILQ_ENTRY(dentry) lru;  /* negative */
	};
	uint64_t lease_until_ns; /* monotonic; 0 = no lease */
	uint32_t lease_gen, lease_seq;
	int16_t lease_rank;
	bool primary, used;
	uint32_t shared_gen; /* of the directory when the MDS last told us this name */
	uint32_t hash;       /* the directory's hash of the name, low 24 bits: readdir order */
	char text[];
};

/* A hash table with the tombstones that it gathers. */
struct table {
	ck_hs_t hs;
	uint64_t removed; /* since they were swept last */
};

/* In three parts, each on cache lines of its own: what hardly ever changes, what readers watch, what only the
 * engine's thread uses. */
struct cache {
	struct table dentries;
	uint64_t seed; /* of the name hash, against chosen collisions */
	char apart[64];
	uint32_t sequence; /* atomic: odd while the engine changes what readers see (publish.h) */
	char apart_too[64];
	uint32_t writing; /* depth of brackets */
	struct table inodes;
	TAILQ_HEAD(inode_lru, inode) lru;        /* oldest first, nref == 0 */
	TAILQ_HEAD(dentry_lru, dentry) negative; /* oldest first */
	uint64_t inode_count, dentry_count, negative_count, bytes, limit, evictions;
};

int cache_init(struct cache *c, uint64_t limit_bytes, uint64_t seed); /* 0, -ENOMEM */
void cache_fini(struct meta *m);                                      /* everything is unreferenced by now */

struct inode *inode_find(struct cache *c, uint64_t ino, uint64_t snapid);
/* Finds or makes; NULL: no memory. A new one has nref 0 and is not yet filled (mode 0). */
struct inode *inode_make(struct meta *m, uint64_t ino, uint64_t snapid);
static inline struct inode *inode_get(struct inode *i);
void inode_put(struct meta *m, struct inode *i);
/* [any thread] The program's references. inode_share() is for a reader inside its section, or the owner;
 * false: the inode is on its way out. */
bool inode_share(struct inode *i);
void inode_unshare(struct inode *i);
/* The directory part, made at first need. */
struct dir *inode_dir(struct meta *m, struct inode *i);
static inline bool inode_is_dir(const struct inode *i)
{
	return (i->a.mode & 0170000) == 0040000;
}
static inline bool inode_is_link(const struct inode *i)
{
	return (i->a.mode & 0170000) == 0120000;
}

/* As a wire map; len 0 = none. */
static inline struct slice inode_xattrs(const struct inode *i)
{
	return i->xattrs ? (struct slice){ i->xattrs->map, i->xattrs->len } : (struct slice){ NULL, 0 };
}

/* [any thread, inside a section] */
struct dentry *dentry_find(struct cache *c, struct inode *dir, const char *name, uint32_t len);
/* Binds name -> inode (NULL: absent), replacing what was there. NULL: no memory. Like all that changes names:
 * within cache_write_begin() and cache_write_end(). */
struct dentry *dentry_link(struct meta *m, struct inode *dir, const char *name, uint32_t len,
			   struct inode *i);
/* Forgets a name; a positive one ends its directory's completeness. */
void dentry_drop(struct meta *m, struct dentry *d);
/* The same of a name that does not exist any more: a complete directory stays so. */
void dentry_remove(struct meta *m, struct dentry *d);
/* May this name be trusted now (doc/protocol.md 8.2)? By a lease, or Fs on the directory; a positive one
 * needs a cap on its inode. */
bool dentry_valid(struct meta *m, const struct dentry *d, uint64_t now_ns);
/* "Every name is here": a name without dentry does not exist. */
bool dir_complete(struct meta *m, struct inode *dir, uint64_t now_ns);
void dir_incomplete(struct inode *dir);

/* Gives up old entries until the cache is within its bound (bounded work for a call). */
void cache_trim(struct meta *m);
/* Gives up every clean unused entry. */
void cache_drop_all(struct meta *m);
/* For recall: forget this inode if nothing uses it. True if it is gone. */
bool inode_forget(struct meta *m, struct inode *i);

static inline struct inode *inode_get(struct inode *i)
{
	i->nref++;
	return i;
}
