/* request.h: a request to an MDS, parked by tid until its reply, over forwards and failovers.
 *
 * The maker fills it and calls mreq_submit(); `done` runs once when the (only, for reads) reply has come and
 * its trace is in the cache. An abandoned request (mreq_abandon) stays registered: the MDS may still answer
 * it, and what the answer grants must be accounted for.
 */
#pragma once
#include "../ring/tid.h"
#include "session.h"

struct cephring_cred;

enum { MREQ_PATH_INLINE = 128 };

struct mreq {
	struct tid_entry id;     /* first: parked by it */
	TAILQ_ENTRY(mreq) order; /* all, in tid order */
	TAILQ_ENTRY(mreq) link;  /* the session's waiting list, or the mount's */
	struct meta *m;
	struct session *session; /* where it was sent or waits; NULL: waits for a map */
	enum { MREQ_NEW, MREQ_WAIT_SESSION, MREQ_WAIT_MAP, MREQ_SENT, MREQ_FAILED } state;

	uint32_t op;
	uint8_t args[MDS_ARGS_SIZE];
	struct inode *base; /* ref: path1 starts here; NULL: base_ino */
	uint64_t base_ino;
	char *path; /* own copy: inline_path, or owned when longer */
	uint32_t path_len;
	char inline_path[MREQ_PATH_INLINE];
	char *path2; /* owned or NULL: readdir's last name, xattr name */
	uint32_t path2_len;
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

	/* result: reply's, or -errno of our own. rep NULL when there was no reply. */
	void (*done)(struct mreq *r, int result, const struct reply *rep);
	void *arg;
	uint32_t arg2;
	int failed; /* MREQ_FAILED: with what `done` will be told */
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
/* Requests of a session that is over: sent ones are sent again where the map says. */
void mreqs_session_over(struct meta *m, struct session *s, int err);
/* No map will come: ends what waits for one. */
void mreqs_fail_waiting(struct meta *m, int err);
/* After the map changed. */
void mreqs_kick_waiting(struct meta *m);
uint64_t mreq_oldest_tid(struct meta *m);
/* Ends every request with `err`. */
void mreqs_fail_all(struct meta *m, int err);

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
