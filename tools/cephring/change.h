/* change.h: one kind of change to many paths: in flight together, each failure said, progress on a terminal.
 *
 * --json: an array with one object for each path, {"path"} and, where it failed, the error.
 */
#pragma once
#include "batch.h"

struct change {
	struct batch_item item; /* first */
	const char *path;       /* borrowed */
	const char *to;         /* the second path of some; borrowed */
	uint32_t mode;          /* of what is there, where a tree was read */
	unsigned depth;
	bool missing_ok; /* -ENOENT is no failure */
	char *own;       /* owned: `path`, where it was put together */
	const void *arg;
};

struct changes {
	struct change *list; /* owned */
	size_t count, room;
};

struct change *changes_add(struct changes *c, const char *path); /* keeps the pointer */
/* The paths and, for directories, all beneath them; symlinks are not followed. What cannot be read is said.
 */
void changes_tree(struct tool *t, struct changes *c, char *const *roots, size_t count);
/* Deepest first, files before directories of their level. */
void changes_bottom_up(struct changes *c);
void changes_free(struct changes *c);

/* Carries them out. `verb`: for the progress line. `in_order`: a level at a time (changes_bottom_up). */
struct change_report;
struct change_report *change_begin(struct tool *t);
void change_run(struct tool *t, struct change_report *r, struct changes *c, batch_submit submit,
		const char *verb, bool by_level);
void change_end(struct tool *t, struct change_report *r);
