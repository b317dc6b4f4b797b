/* meta.h: the MDS client of one mount: sessions, requests, the cache, the operations on paths.
 *
 * Owner thread only, but op_submit() and op_cancel(). api/ makes one for each mount.
 */
#pragma once
#include "../mon/mon.h"
#include "../ring/mem.h"
#include "flush.h"
#include "op.h"
#include "perm.h"
#include "publish.h"
#include "realm.h"
#include "request.h"

enum {
	META_REQUESTS_MAX = 16384, /* in flight, all operations together */
	META_UNSAFE_MAX = 65536,   /* besides, answered and not yet safe */
	META_LEASE_SLACK_MS = 500, /* a lease is not used in its last moments */
	CAPS_WANT_DELAY_MS = 5,
	CAPS_KEEP_MS =
	    5000, /* what a closed file wanted is kept, and what is dirty stays here, for so long */
	CAP_RELEASE_DELAY_MS = 100,
	CAP_RELEASE_BATCH = 1024,
};

struct meta_opts {
	/* Borrowed; for the session metadata. root: the mount's; NULL, as pid, uuid and timeout: not told. */
	const char *entity_id, *hostname, *pid, *root, *uuid, *timeout;
	uint64_t cache_bytes;
	uint32_t max_ops;
	uint32_t modes[2], mode_count; /* CON_MODE_*, best first */
	uint32_t nonce;
	uint64_t keepalive_ns, dead_ns; /* 0 = conn.h's defaults */
	bool no_permissions;
	bool posix_acl, async_dirops, no_quota, no_list_ahead;
	bool open_waits;           /* an open file's caps are granted before anybody has it */
	struct cephring_cred cred; /* default; groups owned by the caller */
};

struct meta_stats {
	uint64_t ops, ops_cached, requests, replies, forwards, resends, revokes, releases, renewals, recalls,
	    walks, walk_lookups, walk_restarts, walk_inferred, lists_ahead;
	uint64_t unsafe, replays, flushes, flush_acks, capsnaps, cap_waits, async_ops, async_failed,
	    local_sets;
};

struct meta {
	struct ring *ring;
	struct log *log;
	struct mon *mon;
	struct meta_opts o;
	struct mdsmap *map; /* newest; NULL before the first */
	struct session *session[MDS_RANK_MAX];
	uint64_t last_tid;
	struct tid_table requests;
	TAILQ_HEAD(mreq_order, mreq) in_order; /* by tid */
	TAILQ_HEAD(mreq_wait, mreq) wait_map;
	TAILQ_HEAD(, mreq) failing; /* `done` is still to be told */
	struct ring_task fail_task;
	struct mreq *oldest; /* the first of in_order that MDSs must remember; NULL: none */
	uint32_t request_count, unsafe_count;
	uint32_t unsafe_loose; /* requests that could not be put on the lists of their inodes */
	struct cache cache;
	struct inode *root; /* ref: the mount's root */
	LIST_HEAD(, op) ops;
	struct op_waits name_waits;  /* dirops.c: for a removal that is not answered */
	struct op_waits deleg_waits; /* deleg.c: opens, for a delegation to be given back */
	bool delegs_over;            /* one was not, in time */
	uint32_t op_count;           /* atomic: submitted and not ended */
	uint64_t op_serial;
	bool stopping, closing, close_forced, aborted; /* stop.c */
	uint64_t close_limit_ns;
	bool fs_gone; /* the monitors say that it does not exist any more */
	struct slab mreqs, inodes, caps, dirs, batches, uses, flushes_slab, capsnaps_slab;
	/* What readers on other threads know of the sessions (session_publish), on lines of its own. */
	char seen_apart[64];
	struct session_seen {
		uint64_t ttl_ns;
		uint32_t gen;
	} seen[MDS_RANK_MAX];
	struct retired retired;
	/* flush.h */
	uint64_t last_flush_tid;
	struct cap_flushes flushes;
	TAILQ_HEAD(, inode_use) dirty;
	TAILQ_HEAD(, inode_use) kept; /* caps_keep.c: by release_at_ns */
	/* realm.h */
	LIST_HEAD(, realm) realms;
	struct tid_table realm_by_ino;
	uint32_t realm_count;
	uint64_t snap_seq; /* the largest of all sessions */
	uint32_t
	    snap_gen; /* +1 whenever an MDS speaks of snapshots: names told in .snap before do not count */
	uint32_t snap_lists;  /* listings of a .snap that were begun */
	struct realm *traced; /* ref: the newest trace's innermost, until inodes are put into it */
	LIST_HEAD(, inode_use) in_use;
	bool fenced; /* a snap trace was broken: nothing more may be written */
	/* sync.c: fsync and syncfs that wait */
	LIST_HEAD(, op) syncs;
	struct ring_task sync_task;
	int lost;                /* an error that syncfs must report once */
	struct reclaim *reclaim; /* under way, or NULL (reclaim.h) */
	LIST_HEAD(, command) commands;
	uint32_t osd_epoch_barrier;
	uint32_t
	    data_detached; /* writes that may be carried out although their ops have ended: they hold caps */
	const struct caps_data_ops *data; /* of api: the data side; NULL = none */
	void *data_arg;
	struct ring_timer renew_timer, release_timer, want_timer, keep_timer, snap_timer, close_timer,
	    fill_timer;
	struct walk_batch *fills; /* ended walks whose levels are still to be looked up */
	uint32_t fill_count;
	struct ring_task stop_task;
	struct inode **want_list; /* refs: their MDS does not know what is wanted yet */
	uint32_t want_count, want_cap;
	struct reply reply; /* scratch of the one being handled: too large for the stack */
	struct meta_stats stats;
	/* For api: the map is usable / sessions all closed. */
	void (*on_map)(void *arg);
	void (*on_closed)(void *arg);
	/* A recall cannot be met unless the program puts this inode, which it alone refers to; NULL = nobody
	 * cares. */
	void (*on_held)(void *arg, const struct inode *i);
	/* Nothing of this name is left, and the program refers to what it led to; likewise. Readers must not
	 * be kept waiting. */
	void (*on_unnamed)(void *arg, const struct dentry *d);
	/* More is held than the MDS wants, also of what the program's references keep. */
	void (*on_unmet)(void *arg);
	/* A delegation is to be given back (told once); one was not in time, and the mount is over for the
	 * program. */
	void (*on_recall)(void *arg, const struct deleg *d);
	void (*on_deleg_over)(void *arg);
	void *arg;
};

/* Memory only: any thread. Then meta_start() on the owner's, with `mon` and the rest of `o` set. */
int meta_init(struct meta *m, struct ring *r, struct log *log, const struct meta_opts *o);
int meta_start(struct meta *m);
/* A newer map, or NULL: the file system is gone. */
void meta_handle_mdsmap(struct meta *m, const struct mdsmap *map);
/* Some rank is active. */
bool meta_usable(const struct meta *m);
/* The first rank that is active, or -1. */
int meta_any_rank(const struct meta *m);
/* Fails operations, lets the MDSs learn what they must still learn, closes sessions; on_closed() when done. A
 * session that does not end is left alone after `limit_ns`. */
void meta_stop(struct meta *m, uint64_t limit_ns, struct op *except);
/* What no MDS has acknowledged is lost, with a line in the log for each inode; the meta_stop() that must
 * follow tells the MDSs nothing. */
void meta_abort(struct meta *m);
/* stop.c: something that an unmount waits for is over: soon it looks whether all is. */
void meta_check_stopped(struct meta *m);
void meta_fini(struct meta *m);

/* Families, for api. */
extern const struct op_family op_lookup_family, op_statx_family, op_access_family, op_readlink_family,
    op_getxattr_family, op_listxattr_family, op_open_family, op_readdir_family, op_close_family,
    op_statfs_family, op_mkdir_family, op_mknod_family, op_symlink_family, op_link_family, op_unlink_family,
    op_rename_family, op_setattr_family, op_setxattr_family, op_removexattr_family, op_mksnap_family,
    op_snap_info_family, op_lookup_handle_family, op_name_of_family, op_syncfs_family, op_fsync_family,
    op_setlk_family, op_getlk_family;

/* stat.c */
uint32_t statx_caps(uint32_t want); /* bits that must be issued for these fields */
/* `known`: caps whose fields are true now; the mask vouches for these only. */
void statx_fill(const struct inode *i, uint32_t known, struct cephring_statx *out);
/* The same of copies; d: only of a directory. */
void statx_from(const struct inode_key *key, const struct attrs *a, const struct dir_attrs *d, uint32_t known,
		struct cephring_statx *out);
/* open.c */
struct file {
	struct meta *m;
	struct inode *inode; /* ref */
	int flags;
	enum open_mode mode;
	struct cephring_cred cred;      /* whoever opened it; groups owned */
	uint32_t sync_told, close_told; /* of the inode's losses: what fsync and close have reported */
	uint32_t busy;          /* atomic: operations in flight on it, which keep it from being closed */
	bool listing;           /* atomic: one of them is a readdir */
	struct dir_stream *dir; /* readdir's; NULL until the first */
	uint64_t offset;        /* of a directory: behind what was delivered */
	bool sought; /* offset is another one: the next readdir begins anew, on the engine's thread, */
		     /* where answers for the old stream may be arriving */
	void *data;  /* the data side's; NULL = nothing */
};
/* Closes it: nothing is in flight on it. */
void file_close(struct file *f);
/* readdir.c */
int dir_seek(struct file *f, uint64_t offset); /* 0, -EINVAL */
uint64_t dir_tell(const struct file *f);
void dir_stream_free(struct meta *m, struct dir_stream *s);
/* ahead.c: a file was opened for reading after its name had been asked for. */
void dir_ahead_opened(struct meta *m, const struct inode *file, const struct cephring_cred *cred);
/* sync.c: what the inode has lost that was not told in `told` yet: 0 or a negative errno. */
int file_lost(struct file *f, uint32_t *told);
/* sync.c: something became safe or was acknowledged: those who wait look again, before the turn ends. */
void syncs_kick(struct meta *m);
/* lock.c: when the last file of an inode is closed, and when its session is lost. */
void locks_drop(struct meta *m, struct inode *i);
void locks_lost(struct meta *m, struct inode *i);
bool locks_held(const struct inode *i);
/* For a reconnect: arrays of mem_alloc(), the caller's. */
int locks_list(const struct inode *i, struct filelock **fcntl, uint32_t *fcntl_count, struct filelock **flock,
	       uint32_t *flock_count);
/* For views. */
void meta_each_request(struct meta *m, void (*fn)(void *arg, struct mreq *r), void *arg);
