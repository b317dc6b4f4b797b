/* stats.h: the attributes of many paths at once. */
#pragma once
#include "batch.h"

struct stats_item {
	struct batch_item item; /* first */
	const char *path;       /* borrowed */
	int flags;              /* CEPHRING_NOFOLLOW ... */
	struct cephring_statx st;
};
/* Fills st or item.res and item.why of each. The caller's: stats_free(). */
struct stats_item *stats_run(struct tool *t, char *const *paths, size_t count, int flags);
void stats_free(struct stats_item *items, size_t count);
