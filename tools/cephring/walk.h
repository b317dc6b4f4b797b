/* walk.h: reads directories, whole trees of them, with many in flight from one thread, and hands them over in
 * order.
 *
 * Order: each directory before what is in it, entries by name (bytes). Directories are fetched ahead of what
 * is handed over: WALK_IN_FLIGHT at a time, and no more than WALK_AHEAD_BYTES of listings that wait for their
 * turn.
 */
#pragma once
#include "tool.h"

enum { WALK_IN_FLIGHT = 64, WALK_AHEAD_BYTES = 64 << 20, WALK_CHUNK = 64 << 10, WALK_TARGET_MAX = 4096 };

struct walk_entry {
	const char *name; /* borrowed from its directory's listing; NUL-terminated */
	size_t name_len;
	struct cephring_statx *st; /* the same */
	char *target;              /* owned: where a symlink points, if asked for and known */
	size_t target_len;
};

struct walk_dir {
	char *path;     /* owned */
	unsigned depth; /* 0: named by the caller */
	int err;        /* negative: what went wrong; `entries` may be incomplete then */
	char *why;      /* owned: words for it, or NULL */
	struct walk_entry *entries;
	size_t count;
};

struct walk_opts {
	bool recurse;
	bool hidden;    /* also names that begin with a dot */
	bool dots;      /* also . and .. */
	bool targets;   /* where symlinks point */
	uint32_t want;  /* CEPHRING_STATX_*: asked for one by one where a listing does not vouch for them */
	bool dirs_only; /* leave out everything but directories */
	unsigned depth_max; /* directories deeper than this are not read; 0 = no limit */
	/* Takes `d`: walk_dir_free(). */
	void (*dir)(void *arg, struct walk_dir *d);
	void *arg;
};

/* Blocks until all is handed over. A directory that cannot be read is handed over with its error. */
void walk_run(struct tool *t, const struct walk_opts *o, char *const *roots, size_t root_count);
void walk_dir_free(struct walk_dir *d);
/* Whether the walk reads this entry as a directory of its own. */
bool walk_enters(const struct walk_opts *o, const struct walk_dir *d, const struct walk_entry *e);
