/* walk_impl.h: between walk.c and walk_batch.c only. */
#pragma once
#include "walk.h"
#include "inode.h"

enum { BATCH_PATH_INLINE = 256 };

/* Lookups of the components ahead, all based at one directory. Lives until its last reply, also when its walk
 * is over: what comes late still binds names. */
struct walk_batch {
	struct op *op; /* NULL: nobody waits any more */
	struct meta *m;
	struct inode *base;  /* ref */
	uint32_t count, pos; /* components; the next to decide */
	uint32_t pending;    /* replies still to come */
	bool jumped;         /* the whole path ended the walk: the levels are to be filled in */
	bool rest_asked;     /* the whole path did not tell, so the levels were asked */
	struct walk_batch *next_fill;
	struct cephring_cred fill_cred; /* without groups */
	char *path;                     /* the names, one slash between; inline_path or owned */
	char inline_path[BATCH_PATH_INLINE];
	struct walk_level {
		const char *src;                /* where it stands in the walk's text */
		uint32_t off, len;              /* its name in `path` */
		bool asked, arrived, confirmed; /* confirmed: its dentry came with the reply */
		int result;
		uint32_t mask;
		struct inode *dir, *target; /* refs, from the reply */
	} level[WALK_BATCH_MAX];
};

int walk_check_lengths(const char *path); /* 0, -ENAMETOOLONG */
uint32_t walk_name(const char *p, const char **name, bool *slash);
bool walk_name_is_dot(const char *name, uint32_t len);
bool walk_name_is_snapdir(const char *name, uint32_t len);
bool walk_free_pass(const struct meta *m, const struct walk *w);
void walk_move(struct meta *m, struct walk *w, struct inode *to);

/* Asks for what lies ahead in `rest`. 0 or -errno. */
int walk_batch_send(struct op *op, const char *rest);
/* The component to decide, by its own reply: 1 and *next, 0: it does not tell, or -errno. */
int64_t walk_batch_decide(struct op *op, struct inode **next);
/* A reply still to come may tell. */
bool walk_batch_waits(const struct walk *w);
/* The reply for the whole path is there: go straight to its last component. */
void walk_batch_jump(struct walk *w);
void walk_batch_orphan(struct walk *w);
