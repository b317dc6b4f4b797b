/* ring_impl.h: what the files of the engine share. Private to ring*.c and tcp.c.
 *
 * Whatever the kernel is asked for is a `struct ring_op`, embedded by its user; its address is the
 * user_data of the submission, and `done` runs for each completion.
 *
 * A quiet op (ring_quiet) is one that the kernel is sure to finish while it takes the submission and that
 * says nothing when it succeeds (IOSQE_CQE_SKIP_SUCCESS): silence after the system call means success, a
 * completion means that it failed or stopped short. That is how a send and the wait for its reply share
 * one io_uring_enter: a completion of the send would end the wait at once. See tcp.c.
 */
#pragma once
#include <liburing.h>
#include <pthread.h>
#include "inbox.h"
#include "ring.h"
#include "timer.h"

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

enum {
	RING_QUIET_DONE = 0x7fffffff, /* the `res` of a quiet op that succeeded */
	RING_BUF_GROUP = 0,
	RING_RANDOM_POOL = 256,
};

struct ring_op {
	void (*done)(struct ring_op *op, int res, uint32_t cqe_flags);
	struct ring_op *quiet_next;
	bool quiet, answered; /* in the list of quiet ops; a completion of it was seen */
};

struct ring {
	struct io_uring uring;
	struct ring_stats stats;
	uint64_t now, wall;
	bool running;      /* inside ring_run(): callbacks may be on the stack */
	bool no_wait;      /* work was left for the next turn */
	unsigned may_wait; /* of the prepared submissions: ring_may_wait() */
	unsigned waited;   /* so many turns, since the first of them was prepared */

	struct timers timers;
	struct ring_task *tasks, **tasks_end;
	struct ring_flusher *flushers, **flushers_end;
	unsigned expected; /* answers under way: ring_expect() */
	bool arriving;     /* the last turn received something */
	struct ring_op *quiet;
	struct inbox inbox;
	struct ring_op wake_op;

	struct io_uring_buf_ring *bufs; /* owned: mmap */
	uint8_t *buf_memory;            /* owned: mmap */
	unsigned buf_count, buf_size;

	int ready_fd;         /* eventfd of ring_fd(), -1 = nobody asked */
	uint64_t ready_count; /* what it held, read by the kernel */

	unsigned streams, closing; /* struct tcp alive; those of them that wait for the kernel */

	pthread_t owner, thread;
	bool own_thread, thread_alive;
	atomic_bool stop;
	atomic_int start_result;
	int start_fd;

	uint8_t random[RING_RANDOM_POOL];
	unsigned random_left;
};

/* ring.c */

/* A cleared submission entry for `op` (NULL = nobody cares). NULL only when the kernel is out of memory. */
struct io_uring_sqe *ring_sqe(struct ring *r, struct ring_op *op);
void ring_quiet(struct ring *r, struct ring_op *op);
/* The entry taken last need not be submitted before the engine runs again. */
void ring_may_wait(struct ring *r);
/* The bytes of a completion's provided buffer, and giving it back. */
const uint8_t *ring_buf(const struct ring *r, uint32_t cqe_flags);
void ring_buf_return(struct ring *r, uint32_t cqe_flags);
void ring_clock(struct ring *r);
/* One turn. As ring_run(). */
int ring_turn(struct ring *r, int64_t wait_ns);
/* Turns until nothing is under way any more that was closed. */
void ring_drain(struct ring *r);

static inline bool ring_has_flag(const struct ring *r, unsigned flags)
{
	return __atomic_load_n(r->uring.sq.kflags, __ATOMIC_RELAXED) & flags;
}

/* ring_ready.c */

/* ring_run() begins. */
void ring_ready_begin(struct ring *r);
/* It found nothing to do, so the descriptor may be readable for nothing: a producer rang late. */
void ring_ready_idle(struct ring *r);
/* It is about to return. False: something arrived, take another turn. */
bool ring_ready_end(struct ring *r);
/* It returns with work left. */
void ring_ready_now(struct ring *r);

/* ring_thread.c */
/* On the owner thread, before the first turn. */
int ring_start(struct ring *r);
int ring_thread_start(struct ring *r, int cpu);
