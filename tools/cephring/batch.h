/* batch.h: many single operations at once from the command's one thread, results in order.
 *
 * Up to BATCH_IN_FLIGHT are with the library at a time; -EAGAIN from it means to wait for one to end first.
 */
#pragma once
#include "tool.h"

enum { BATCH_IN_FLIGHT = 64 };

/* First member of the user's own struct. */
struct batch_item {
	struct cephring_op op;
	int64_t res; /* as the callback gave it, or the error of submitting */
	char *why;   /* owned: words for a negative res, or NULL */
	struct batch *batch;
};
/* Submits one item with `batch_done` and the item as callback and argument; 0 or a negative errno. */
typedef int (*batch_submit)(struct tool *t, struct batch_item *item);

/* Returns when every item has its result. `items` is an array of structs of `stride` bytes each. */
void batch_run(struct tool *t, void *items, size_t count, size_t stride, batch_submit submit);
void batch_done(struct cephring_op *op, int64_t res, void *user);
