/* inbox.h: where other threads leave work for an engine.
 *
 * A list that producers push to the front of and the engine takes as a whole, bounded by seats: a producer
 * first takes one; without it it is told -EAGAIN at once, with it it cannot fail any more. No producer ever
 * waits for another. The engine names the eventfd that it sleeps at; the first producer that finds it asleep
 * writes there: one wake-up for a batch, none while the engine is running.
 *
 * Not a ck_ring: its producers commit in the order of their tickets, each spinning until the one before
 * has. With more producers than CPUs the one that is next is often not running, and the others burn their
 * time slices waiting for it: four threads posting 20,000 tasks each on two CPUs, done in half a second as a
 * rule, were not done after twenty seconds in 6 of 55 runs.
 */
#pragma once
#include <stdatomic.h>
#include "ring.h"

struct inbox {
	struct ring_task *taken; /* by the engine, oldest first */
	unsigned size;           /* seats */
	int wake_fd;             /* eventfd watched by the io_uring, for edges: never read */
	/* What other threads write, away from the cache line of what the engine reads each turn. */
	char apart[64];
	_Atomic(struct ring_task *) posted; /* newest first */
	atomic_uint seated;
	atomic_int bell;   /* the eventfd to write + 1, 0 = the engine is awake */
	atomic_bool ended; /* no more posts */
};

/* 0 or a negative errno. `size` is a power of two. */
int inbox_init(struct inbox *b, unsigned size);
void inbox_fini(struct inbox *b);
/* [any thread] As ring_post(). */
int inbox_post(struct inbox *b, struct ring_task *t);
/* [any thread] Ends a wait of the engine in its io_uring. */
void inbox_wake(struct inbox *b);
/* [any thread] Posts give -ESHUTDOWN from now on. */
void inbox_end(struct inbox *b);

/* The engine: the next task, or NULL. */
struct ring_task *inbox_take(struct inbox *b);
/* The engine is about to wait for `fd` (an eventfd) too. False: there is work, do not. */
bool inbox_sleep(struct inbox *b, int fd);
/* The engine is running again. True: somebody rang, or it was not asleep. */
bool inbox_awake(struct inbox *b);
bool inbox_waiting(const struct inbox *b);
