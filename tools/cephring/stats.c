/* stats.c: see stats.h. */
#include "stats.h"

#include <stdlib.h>

static int submit(struct tool *t, struct batch_item *item)
{
	struct stats_item *s = (struct stats_item *)item;

	return cephring_statx(t->mount, NULL, s->path, CEPHRING_STATX_ALL, s->flags, tool_cred(t), &s->st,
			      &item->op, batch_done, item);
}

struct stats_item *stats_run(struct tool *t, char *const *paths, size_t count, int flags)
{
	struct stats_item *items = tool_alloc(count * sizeof *items);

	for (size_t i = 0; i < count; i++) {
		items[i].path = paths[i];
		items[i].flags = flags;
	}
	batch_run(t, items, count, sizeof *items, submit);
	return items;
}

void stats_free(struct stats_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(items[i].item.why);
	free(items);
}
