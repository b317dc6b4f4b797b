/* sync.h: waiting for one operation: the blocking helpers' stack frame. */
#pragma once
#include "mount.h"

struct waiter {
	cephring_engine *engine;
	cephring_mount *mount; /* for cancelling; NULL: ends by itself in bounded time */
	int64_t res;
	uint32_t word; /* what a foreign thread sleeps on; 1 = ended */
	bool done;     /* the same for the engine's own thread */
	bool sleeps;
	struct cephring_op op;
};

/* 0; -EDEADLK inside a callback. `m` NULL: what is waited for ends by itself in bounded time. */
int waiter_begin(struct waiter *w, cephring_engine *e, cephring_mount *m);
/* The operation's callback, with the waiter as `user`. */
void waiter_ended(struct cephring_op *op, int64_t res, void *user);
/* submitted: what the submitting call returned. The operation's result. */
int64_t waiter_end(struct waiter *w, int submitted);
