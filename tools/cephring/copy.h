/* copy.h: one run of `cephring cat`, `cp`, `put` or `get`: what is to be copied where, and the names around
 * the files.
 *
 *   arguments --copy_plan()--> directories, files, links --copy_names_before()--> directories and links made
 *     --transfer_run()--> files --copy_names_after()--> modes and times of directories
 */
#pragma once
#include "json.h"
#include "transfer.h"

struct copy_name {
	char *from, *to; /* owned */
	char *target;    /* owned: of a link */
	struct cephring_statx st;
	unsigned depth;
};

struct copy_names {
	struct copy_name *list; /* owned */
	size_t count, room;
};

struct copy {
	struct tool *tool;
	enum side from_side, to_side;
	struct transfer_opts transfer;
	bool recurse;
	bool one_pipe; /* cat */
	int progress;  /* --progress */
	struct progress seen;
	struct copy_names dirs, files, links;
	struct json_list json;
};

/* Says what failed, after having taken the progress line away. */
void copy_fail(struct copy *c, const char *path, int err, const char *why);

/* SOURCE... TARGET as cp(1) has it. False: nothing is to be done, and why was said. */
bool copy_plan(struct copy *c, char *const *sources, size_t count, const char *target);
void copy_free(struct copy *c);

void copy_names_before(struct copy *c);
void copy_names_after(struct copy *c);
