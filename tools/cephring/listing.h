/* listing.h: how `ls` prints the entries of one directory: names, columns of names, or long lines.
 *
 * On a terminal things are aligned and coloured; anywhere else each entry is one plain line.
 */
#pragma once
#include "walk.h"

struct listing {
	const struct tool *tool;
	bool long_lines; /* -l */
	bool human;      /* -h */
	bool numeric;    /* ids as numbers */
};
void listing_print(const struct listing *l, const struct walk_entry *entries, size_t count);
