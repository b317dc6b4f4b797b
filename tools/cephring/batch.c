/* batch.c: see batch.h. */
#include "batch.h"

#include <errno.h>

struct batch {
	struct tool *tool;
	unsigned in_flight;
};

void batch_done(struct cephring_op *op, int64_t res, void *user)
{
	struct batch_item *item = user;

	item->res = res;
	item->why = res < 0 ? tool_why(item->batch->tool, res) : NULL;
	item->batch->in_flight--;
}

/* 0, or -EAGAIN: no room now. Other errors are the item's result. */
static int start(struct batch *b, struct batch_item *item, batch_submit submit)
{
	int err;

	item->batch = b;
	tool_deadline(b->tool, &item->op);
	err = submit(b->tool, item);
	if (!err) {
		b->in_flight++;
		return 0;
	}
	if (err == -EAGAIN && b->in_flight)
		return err;
	item->res = err;
	item->why = tool_why(b->tool, err);
	return 0;
}

void batch_run(struct tool *t, void *items, size_t count, size_t stride, batch_submit submit)
{
	struct batch b = { .tool = t };
	size_t next = 0;

	while (next < count || b.in_flight) {
		while (next < count && b.in_flight < BATCH_IN_FLIGHT) {
			if (start(&b, (struct batch_item *)((char *)items + next * stride), submit))
				break;
			next++;
		}
		if (b.in_flight)
			tool_turn(t);
	}
}
