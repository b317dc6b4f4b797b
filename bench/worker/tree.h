/* tree.h: a tree as of a small program's sources, and what is done with such trees.
 *
 *   tSS/dDD/sSS/fNN   25 directories to each dDD, itself and 24 below it; 16 files in each of them
 *
 * Every entry has a time of its own, so that who looks at it can tell that it is the one that was unpacked.
 */
#pragma once

#include <stdint.h>

struct acts;

/* tree number `set` with so many files. Directories first, level by level, then files; the directories' times
 * at the end, as unpacking changes them. */
int tree_unpack(struct acts *out, uint64_t set, uint64_t files);
/* As `git status` looks for changes: every file's attributes, then every directory's entries. */
int tree_status(struct acts *out, uint64_t set, uint64_t files);
/* Files, then directories from below. */
int tree_remove(struct acts *out, uint64_t set, uint64_t files);
