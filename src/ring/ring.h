/* ring.h: the engine: one thread, one io_uring, run to completion.
 *
 * Everything above (connections, mon, meta, data) is a state machine driven from here: bytes arrived, a
 * timer fired, a task was posted. This header and tcp.h are the only doors to transport, clock and
 * randomness, so that a simulated ring can be linked in their place.
 *
 * Thread: all calls are for the owner thread (the one that runs the engine), unless marked [any thread].
 * A turn: reap all completions, run tasks and timers, let every flusher queue its bytes, submit once.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ring;

struct ring_opts {
	unsigned entries;    /* submission queue size, 0 = 256 */
	unsigned buf_count;  /* receive buffers, a power of two, 0 = 32 */
	unsigned buf_size;   /* bytes each, 0 = 16 KiB */
	unsigned inbox_size; /* posts from other threads that may wait, 0 = 1024 */
	int cpu;             /* own-thread mode: pin to this CPU, -1 = do not */
	bool own_thread;     /* true: a thread of the library runs it; false: the caller calls ring_run() */
};

/* A piece of work for the owner thread. Embedded by its user; `fn` runs once for each post. */
struct ring_task {
	struct ring_task *next;
	void (*fn)(struct ring_task *t);
	bool queued;
};

/* A timer in the engine's heap. Embedded by its user, zero-initialised. Setting one never needs memory. */
struct ring_timer {
	uint64_t at_ns; /* monotonic */
	void (*fn)(struct ring_timer *t);
	uint32_t slot; /* 0 = not set; else its turn among those of the same time: first set, first fired */
	struct ring_timer *child, *next, *back; /* the heap's (timer.c) */
};

/* Work at the end of the turn: a connection with bytes to send. Runs once for each ring_flush_later(). */
struct ring_flusher {
	struct ring_flusher *next;
	void (*fn)(struct ring_flusher *f);
	bool queued;
};

struct ring_stats {
	uint64_t turns, enters;     /* loop turns; io_uring_enter system calls */
	uint64_t sends, send_bytes; /* sends submitted */
	uint64_t recvs, recv_bytes; /* receive completions */
	uint64_t wakeups, posts;    /* from other threads */
	uint64_t other_syscalls;    /* socket, connect, setsockopt, close ... made by the engine */
};

/* 0, or: -ENOSYS / -EPERM (no io_uring: `why` names the kernel version or the sysctl), -ENOTSUP (`why`
 * names the missing feature), -ENOMEM. `why` (may be NULL) gets words, at most `why_size` bytes. */
int ring_new(const struct ring_opts *opts, struct ring **out, char *why, size_t why_size);
/* Every connection, timer and task must be gone before. Joins an own thread. */
void ring_free(struct ring *r);

/* Caller-driven mode. */
/* The owner is the thread that called ring_new(). */
/* Readable (poll, epoll, io_uring) when something arrived for ring_run(), made at the first call; -errno
 * where it cannot be had. Owned by the ring: only wait for it, never read it. What the owner itself queued
 * outside ring_run() shows in ring_timeout_ns() only: ask it before each wait. */
int ring_fd(struct ring *r);
/* ns from now until the next timer; 0 = work is waiting now; -1 = no timer. */
int64_t ring_timeout_ns(const struct ring *r);
/* One or more turns. wait_ns: 0 = do not block, -1 = until something happened, else at most so long.
 * Returns the number of tasks, timers and completions handled, or a negative errno (-EINTR if a signal
 * ended the wait). Not from inside a callback: -EDEADLK. */
int ring_run(struct ring *r, int64_t wait_ns);
/* The same, turn after turn until `*done` is set (by a callback) or `wait_ns` is over: 0, -ETIMEDOUT, or as
 * ring_run(). What a blocking helper waits with: a chain of requests costs one system call per round trip. */
int ring_run_until(struct ring *r, const bool *done, int64_t wait_ns);

/* Own-thread mode: stop the thread and wait for it. [any other thread] */
void ring_stop(struct ring *r);
/* [any thread] */
bool ring_is_owner(const struct ring *r);

/* Monotonic and wall clock, ns; one reading per turn, refreshed at its start and after each wait. */
uint64_t ring_now(const struct ring *r);
uint64_t ring_wall(const struct ring *r);
/* Monotonic, read anew but cheaply: behind by a timer tick (4 ms) at most. For answers from the cache outside
 * a turn. */
uint64_t ring_now_coarse(void);
/* Reads the clock anew (30 ns): for calls made outside a turn. */
uint64_t ring_now_fresh(struct ring *r);
void ring_random(struct ring *r, void *buf, size_t len);

/* Runs before the turn ends, never from inside this call. Posting a queued task again does nothing. */
void ring_defer(struct ring *r, struct ring_task *t);
/* [any thread] The same from outside; one wake-up for a batch. 0, -EAGAIN: the inbox is full, -ESHUTDOWN: the
 * own thread has ended. Every post that gave 0 runs, unless the task was waiting already: then it runs once.
 */
int ring_post(struct ring *r, struct ring_task *t);

void ring_timer_set(struct ring *r, struct ring_timer *t, uint64_t at_ns);
void ring_timer_clear(struct ring *r, struct ring_timer *t);
void ring_flush_later(struct ring *r, struct ring_flusher *f);
/* What was queued so far leaves now and not at the end of the turn: for a request that the peer can work on
 * while we are busy with its last answer. Costs a system call. */
void ring_push(struct ring *r);
/* So many more (or, negative, fewer) answers are expected. With many under way, and while they keep coming,
 * the engine waits for several of them at once, but never longer than BATCH_WAIT_NS. */
void ring_expect(struct ring *r, int more);

void ring_stats(const struct ring *r, struct ring_stats *out);
