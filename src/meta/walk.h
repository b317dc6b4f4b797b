/* walk.h: resolving a path: the cache as far as it is valid, then all missing lookups at once.
 *
 * cursor (dir, rest of path)
 *   |- cached and valid: next component
 *   |- not cached: a BATCH: lookups for the components ahead, each based at the cursor's directory with a
 * path one |  component longer, in one send. Replies enter the cache in the order of arrival (trace.c); the
 * walk decides in |  path order: the reply of a level counts only if its directory is the inode decided
 * before (else a rename |  got in between: a new batch from there).
 *   |- symlink: its text goes in front of the rest (at most 40)
 *   '- permission: x on each directory before what is below it is used
 *
 * Every reply tells two inodes (directory and target), so every second level is enough where the directory's
 * Fs is held: the binding in between follows from it (walk_infer). Where the caller's right to pass cannot
 * depend on the middle (uid 0, checks off) the whole path is asked first and ends the walk.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "../../include/cephring.h"

struct op;
struct meta;
struct inode;
struct mreq;
struct walk_batch;

enum {                          /* flags beside CEPHRING_NOFOLLOW */
       WALK_EMPTY_OK = 1 << 16, /* an empty path means `at` itself */
       WALK_PARENT = 1 << 17,   /* stop before the last name: w->last, w->last_len; w->at is its directory */
};
enum {
	WALK_LINKS_MAX = 40,
	WALK_BATCH_MAX = 16,
	WALK_RESTARTS_MAX = 16,
	WALK_PATH_MAX = 4095,
	WALK_NAME_MAX = 255
};

struct walk {
	const char *rest;         /* what is still to resolve: the caller's string or `expanded` */
	struct inode *at;         /* ref: decided so far */
	char *expanded;           /* owned: rest after a symlink */
	struct walk_batch *batch; /* lookups under way */
	struct mreq *request;     /* GETATTR of `at`, or LOOKUPPARENT */
	struct inode *parent;     /* ref: LOOKUPPARENT's answer, until it is used */
	const struct inode
	    *judged;    /* its attributes were just told: good for this one answer (compared only) */
	uint32_t mask;  /* caps asked for on the last component */
	uint32_t fresh; /* of them: told by the reply that decided it, good for this one answer */
	uint8_t links, restarts;
	bool to_parent;   /* WALK_PARENT */
	const char *last; /* WALK_PARENT: the last name, in the path or in `expanded`; NULL: there is none */
	uint32_t last_len;
	bool nofollow;             /* of the last component */
	bool need_dir;             /* a trailing slash was seen */
	bool cached_only;          /* send nothing: -EAGAIN at the first name that the cache does not know */
	bool by_level;             /* every level is decided, also where the whole path would do: on -ENOENT
				      `at` and `rest` tell how far it went */
	bool sent;                 /* some message was needed */
	struct cephring_cred cred; /* groups borrowed from the caller until the end */
};

/* `at` is referenced. 0, -ENAMETOOLONG (checked before anything is sent), -ENOENT: an empty path that means
 * nothing. */
int walk_begin(struct meta *m, struct walk *w, struct inode *at, const char *path, int flags,
	       const struct cephring_cred *cred, uint32_t mask);
/* Goes on. 0: done, the inode is w->at; OP_PENDING: op_resume() will come; or -errno. */
int64_t walk_step(struct op *op, int64_t res);
/* The last name (WALK_PARENT) turned out to be this link: goes on to where it leads; then walk_step() again.
 * 0, -ELOOP, -ENOMEM, -ENAMETOOLONG, -ENOENT. */
int walk_follow_last(struct meta *m, struct walk *w, const struct inode *link);
/* Drops everything held; replies still to come feed the cache. */
void walk_end(struct meta *m, struct walk *w);
/* Forgets the lookups that were to fill the cache. */
void walk_fills_drop(struct meta *m);
