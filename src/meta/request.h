/* request.h: a request to an MDS, parked by tid until its reply, over forwards and failovers.
 *
 * The maker fills it and calls mreq_submit(); `done` runs once when the first reply has come and its trace is
 * in the cache. What changes something is answered twice: unsafe (done, and everybody sees it) and safe (it
 * is in the journal); in between the request stays registered, on the lists of the inodes it changed, and is
 * replayed to a daemon that takes over. An abandoned request (mreq_abandon) stays registered too: the MDS may
 * still carry it out, and what the answer grants must be accounted for.
 *
 * request.c has its life, request_send.c where it goes and its bytes, drops.c what is given up along with it,
 * request_reply.c the answers, unsafe.c what lies between its two replies and after failovers.
 */
#pragma once
#include "../ring/tid.h"
#include "session.h"
#include "use.h"

struct cephring_cred;

enum { MREQ_PATH_INLINE = 128 };

/* A cap, and perhaps the lease of a name, given up along with a request (doc/protocol.md 5.4): saves the MDS
 * from calling it back. Built when the request is sent, from what is held then. */
struct mreq_drop {
	struct inode *inode;   /* ref */
	uint32_t drop, unless; /* bits; those whose x bit is held are kept */
	bool dentry;           /* the lease of the name that the request's path (first drop) or path2 names */
};
enum { MREQ_DROPS = 4 };

struct mreq {
	struct tid_entry id;     /* first: parked by it */
	TAILQ_ENTRY(mreq) order; /* all, in tid order */
	TAILQ_ENTRY(mreq) link;  /* the session's waiting list, or the mount's */
	struct meta *m;
	struct session *session; /* where it was sent or waits; NULL: waits for a map */
	enum { MREQ_NEW, MREQ_WAIT_SESSION, MREQ_WAIT_MAP, MREQ_SENT, MREQ_UNSAFE, MREQ_FAILED } state;

	uint32_t op;
	uint8_t args[MDS_ARGS_SIZE];
	struct inode *base; /* ref: path1 starts here; NULL: base_ino */
	uint64_t base_ino;
	char *path; /* own copy: inline_path, or owned when longer */
	uint32_t path_len;
	char inline_path[MREQ_PATH_INLINE];
	struct inode *base2; /* ref: path2 starts here (the other directory of a rename, a link's target) */
	char *path2;         /* owned or NULL: readdir's last name, xattr name, a symlink's text */
	uint32_t path2_len;
	uint8_t *data; /* owned or NULL: the data segment */
	uint32_t data_len;
	struct mreq_drop drops[MREQ_DROPS];
	uint32_t drop_count;
	uint64_t created_ino;         /* of the unsafe reply's target: for a replay; or a delegated one */
	bool async;                   /* sent before anybody asked for leave: dirops.c */
	bool aborted;                 /* its maker left: the reply must not bind names any more */
	bool want_dentry;             /* op names a dentry: negative ones come with a lease */
	bool need_auth;               /* only the authority may answer */
	uint32_t hash_name_len;       /* > 0: choose the frag by the first component of path */
	uint32_t uid, gid, gid_count; /* the caller */
	uint32_t *gids;               /* inline_gids, or owned when more */
	uint32_t inline_gids[8];

	int forced_rank; /* -1: none; a forward's or frag's destination */
	uint32_t attempts, num_fwd, stale_retries;
	uint64_t sent_ns, sent_wall_ns;

	/* Filled from the reply for `done`; borrowed during it. */
	struct inode *dir, *target;
	struct dentry *dentry;
	struct session *from; /* whose answer it is */

	/* What changes together with the reply's trace: within one bracket, so that no other thread sees one
	 * without the other. Comes before `done`, not without a reply, nor when nobody waits. NULL: nothing.
	 */
	void (*traced)(struct mreq *r, int result);
	/* result: reply's, or -errno of our own. rep NULL when there was no reply. */
	void (*done)(struct mreq *r, int result, const struct reply *rep);
	void *arg;
	uint32_t arg2;
	int failed; /* MREQ_FAILED: with what `done` will be told */
	/* Of the operation that waits, or NULL: set when something that changes may have been carried out
	 * though the operation ends with an error (op_request() sets it; so must who sends a change without
	 * that). */
	bool *uncertain;

	struct unsafe_link on_dir, on_dir2, on_target; /* while MREQ_UNSAFE (or async and not answered) */
	bool loose; /* no memory for one of these: it counts as a change of any inode */
};

/* NULL: the budget of requests or memory is out. base may be NULL (then base_ino). Copies the path. */
struct mreq *mreq_new(struct meta *m, uint32_t op, struct inode *base, const char *path, uint32_t path_len);
/* Who asks. 0 or -ENOMEM. */
int mreq_set_cred(struct mreq *r, const struct cephring_cred *cred);
/* `done` never runs from inside. */
void mreq_submit(struct mreq *r);
/* Nobody waits any more: `done` will not run. */
void mreq_abandon(struct mreq *r);
void mreq_send_to(struct mreq *r, struct session *s);
/* The session is open, or gone, or the map changed: go on. */
void mreq_kick(struct mreq *r);
void mreq_handle_reply(struct meta *m, struct session *s, const struct msg_in *in);
void mreq_handle_forward(struct meta *m, struct session *s, const struct msg_in *in);
/* Its daemon is gone and another may take over: questions are asked again where the map says, changes wait
 * for the reconnect. */
void mreqs_session_suspended(struct meta *m, struct session *s);
/* It is over for good. `err` 0: what can be sent again goes where the map says, a change that may have been
 * carried out fails, and what was unsafe is lost; else all fail with it. `clean`: the daemon finished what it
 * had, so all that is not answered can be sent again. */
void mreqs_session_over(struct meta *m, struct session *s, int err, bool clean);
/* No map will come: ends what waits for one. */
void mreqs_fail_waiting(struct meta *m, int err);
/* After the map changed. */
void mreqs_kick_waiting(struct meta *m);
uint64_t mreq_oldest_tid(struct meta *m);
/* Ends every request with `err`. */
void mreqs_fail_all(struct meta *m, int err);
/* Another inode's caps go along; keeps a reference. Beyond MREQ_DROPS: left out, it costs a round trip only.
 */
void mreq_drop(struct mreq *r, struct inode *i, uint32_t drop, uint32_t unless, bool dentry);
/* path2 is a copy. 0 or -ENOMEM. */
int mreq_set_path2(struct mreq *r, struct inode *base2, const char *path2, uint32_t len);
int mreq_set_data(struct mreq *r, const void *data, uint32_t len);
/* What became of a name is not known: it is forgotten, and its directory is not complete. Within a bracket of
 * cache_write_begin(). */
void mreq_forget_name(struct meta *m, struct inode *dir, const char *name, uint32_t len);
/* It changes something, so an early end leaves open whether it happened. */
bool mreq_is_write(const struct mreq *r);

/* ---- unsafe.c: requests between their two replies ---- */

/* Links it to the inodes that it changes: r->dir, r->target (NULL: where it was based). When the unsafe reply
 * came, or for an asynchronous one when it is sent. */
void unsafe_add(struct mreq *r);
/* Off their lists; who waits for that looks again. */
void unsafe_remove(struct mreq *r);
/* After a failover: sends the unsafe requests of `s` again, flagged as replays, then those never answered. */
void unsafe_replay(struct meta *m, struct session *s);
/* The session is gone for good: what was unsafe is lost; logged, and kept as an error of the inodes. */
void unsafe_lost(struct meta *m, struct session *s, int err);
/* Nothing that changed `i` (NULL: anything) with a tid up to `tid` waits for its safe reply. */
bool unsafe_done(const struct meta *m, const struct inode *i, uint64_t tid);

/* target.c: the rank that should get it, or -1: wait for a map. */
int mreq_choose_rank(struct mreq *r);

/* trace.c: applies a reply to the cache (insert_trace). Fills r->dir, target, dentry. 0 or -errno. */
int trace_insert(struct meta *m, struct session *s, struct mreq *r, const struct reply *rep);
/* One inode as told by `s`. NULL: no memory, or broken. */
struct inode *trace_inode(struct meta *m, struct session *s, const struct inode_stat *st);
/* Extended attributes as a wire map, if newer. 0 or -ENOMEM. */
int trace_xattrs(struct meta *m, struct inode *i, struct slice xattrs, uint64_t version);
/* Binds a name told by `s` under `dir`, with its lease. */
struct dentry *trace_dentry(struct meta *m, struct session *s, struct inode *dir, struct slice name,
			    struct inode *target, const struct lease_stat *lease, uint64_t sent_ns);
