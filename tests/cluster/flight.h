/* flight.h: one operation of ours under way, while others act. */
#pragma once
#include "both.h"

struct flight {
	struct cephring_op op;
	int64_t res;
	unsigned ended; /* callbacks */
};

static void landed(struct cephring_op *op, int64_t res, void *user)
{
	struct flight *x = user;

	(void)op;
	x->res = res;
	x->ended++;
}

/* Serves until it has ended; 0: not in that time. */
__attribute__((unused)) static int lands(struct both *b, const struct flight *x, unsigned ms)
{
	uint64_t limit = now_ns() + ms * 1000000ull;

	while (!x->ended && now_ns() < limit)
		both_turn(b->engine, -1, 20);
	return x->ended != 0;
}
