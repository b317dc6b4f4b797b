/* ring.c: the turn.
 *
 *     flush    connections turn what was queued into one send each
 *     enter    ONE io_uring_enter: submits all of it, and waits when there is nothing else to do
 *     clock    read once
 *     settle   quiet sends that the kernel did not complain about are done
 *     reap     every completion: bytes arrived, connects, errors
 *     inbox    what other threads posted
 *     tasks, timers, tasks
 *
 * and again. With DEFER_TASKRUN completions appear only while the owner is in the kernel; the ring's
 * TASKRUN flag says that some are waiting, so that a turn with nothing to submit costs no system call.
 *
 * What the caller-driven mode does between two ring_run() is in ring_ready.c.
 */
#include "ring_impl.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define NS_PER_S    1000000000ull
#define WAIT_MAX_NS ((int64_t)(3600 * NS_PER_S))

enum {
	TASK_ROUNDS = 16, /* tasks that defer tasks, within one turn */
	FLUSH_ROUNDS = 4, /* flushers that wake flushers, before one submit */
	WAIT_TURNS = 64,  /* that pass without a submit, at most, while there is other work */
	LEAVE_ROUNDS = 8, /* submits before ring_run() returns with work left */
	SUBMIT_TRIES = 3,
	BATCH_EXPECTED = 16,    /* answers under way from which on they are waited for together ... */
	BATCH_SHARE = 8,        /* ... by this part of them ... */
	BATCH_WAIT_MAX = 8,     /* ... or so many at most ... */
	BATCH_WAIT_NS = 100000, /* ... for so long */
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void ring_clock(struct ring *r)
{
	r->now = clock_ns(CLOCK_MONOTONIC);
	r->wall = clock_ns(CLOCK_REALTIME);
}

uint64_t ring_now(const struct ring *r)
{
	return r->now;
}
uint64_t ring_wall(const struct ring *r)
{
	return r->wall;
}

uint64_t ring_now_fresh(struct ring *r)
{
	ring_clock(r);
	return r->now;
}

uint64_t ring_now_coarse(void)
{
	return clock_ns(CLOCK_MONOTONIC_COARSE);
}

bool ring_is_owner(const struct ring *r)
{
	return pthread_equal(r->owner, pthread_self());
}
void ring_stats(const struct ring *r, struct ring_stats *out)
{
	*out = r->stats;
}

void ring_random(struct ring *r, void *buf, size_t len)
{
	uint8_t *to = buf;

	while (len) {
		size_t n = len < r->random_left ? len : r->random_left;

		if (!n) {
			ssize_t got = getrandom(r->random, sizeof r->random, 0);

			/* Up to 256 bytes cannot come short or fail on any kernel that has io_uring. */
			assert(got == sizeof r->random);
			r->random_left = (unsigned)got;
			r->stats.other_syscalls++;
			continue;
		}
		r->random_left -= (unsigned)n;
		memcpy(to, r->random + r->random_left, n);
		/* What was handed out may become a key: keep no copy. */
		explicit_bzero(r->random + r->random_left, n);
		to += n;
		len -= n;
	}
}

/* Queues. */

void ring_defer(struct ring *r, struct ring_task *t)
{
	if (__atomic_exchange_n(&t->queued, true, __ATOMIC_ACQ_REL))
		return;
	t->next = NULL;
	*r->tasks_end = t;
	r->tasks_end = &t->next;
}

int ring_post(struct ring *r, struct ring_task *t)
{
	return inbox_post(&r->inbox, t);
}

static unsigned run_task(struct ring_task *t)
{
	/* Cleared first: a post from here on means another run. */
	(void)__atomic_exchange_n(&t->queued, false, __ATOMIC_ACQ_REL);
	t->fn(t);
	return 1;
}

static unsigned run_tasks(struct ring *r)
{
	unsigned n = 0;

	for (int round = 0; r->tasks && round < TASK_ROUNDS; round++) {
		struct ring_task *t = r->tasks, *next;

		r->tasks = NULL;
		r->tasks_end = &r->tasks;
		for (; t; t = next) {
			next = t->next;
			n += run_task(t);
		}
	}
	return n;
}

static unsigned run_inbox(struct ring *r)
{
	struct ring_task *t;
	unsigned n = 0;

	while (n < r->inbox.size && (t = inbox_take(&r->inbox)))
		n += run_task(t);
	r->stats.posts += n;
	return n;
}

void ring_timer_set(struct ring *r, struct ring_timer *t, uint64_t at_ns)
{
	/* Never into the past: one that keeps doing so would be first for ever. */
	timer_set(&r->timers, t, at_ns > r->now ? at_ns : r->now);
}

void ring_timer_clear(struct ring *r, struct ring_timer *t)
{
	timer_clear(&r->timers, t);
}

void ring_flush_later(struct ring *r, struct ring_flusher *f)
{
	if (f->queued)
		return;
	f->queued = true;
	f->next = NULL;
	*r->flushers_end = f;
	r->flushers_end = &f->next;
}

static void flush(struct ring *r)
{
	for (int round = 0; r->flushers && round < FLUSH_ROUNDS; round++) {
		struct ring_flusher *f = r->flushers, *next;

		r->flushers = NULL;
		r->flushers_end = &r->flushers;
		for (; f; f = next) {
			next = f->next;
			f->queued = false;
			f->fn(f);
		}
	}
}

void ring_expect(struct ring *r, int more)
{
	r->expected += (unsigned)more;
}

/* The kernel. */

static int submit(struct ring *r)
{
	r->stats.enters++;
	r->may_wait = 0;
	return io_uring_submit(&r->uring);
}

void ring_push(struct ring *r)
{
	flush(r);
	if (io_uring_sq_ready(&r->uring))
		submit(r);
}

struct io_uring_sqe *ring_sqe(struct ring *r, struct ring_op *op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);

	for (int i = 0; !sqe && i < SUBMIT_TRIES; i++) {
		submit(r);
		sqe = io_uring_get_sqe(&r->uring);
	}
	if (!sqe)
		return NULL;
	memset(sqe, 0, sizeof *sqe);
	sqe->user_data = (uintptr_t)op;
	return sqe;
}

void ring_may_wait(struct ring *r)
{
	if (!r->may_wait++)
		r->waited = 0;
}

void ring_quiet(struct ring *r, struct ring_op *op)
{
	assert(!op->quiet);
	op->quiet = true;
	op->answered = false;
	op->quiet_next = r->quiet;
	r->quiet = op;
}

/* After a system call that took every submission: quiet ops without a completion have succeeded. An
 * overflown completion queue may hide one: then the next system call brings it. */
static unsigned settle(struct ring *r)
{
	struct io_uring_cqe *cqe;
	struct ring_op *op, *next;
	unsigned head, n = 0;

	if (!r->quiet || io_uring_sq_ready(&r->uring) || ring_has_flag(r, IORING_SQ_CQ_OVERFLOW))
		return 0;
	io_uring_for_each_cqe(&r->uring, head, cqe)
	{
		op = (struct ring_op *)(uintptr_t)cqe->user_data;
		if (op && op->quiet)
			op->answered = true;
	}
	op = r->quiet;
	r->quiet = NULL;
	for (; op; op = next) {
		next = op->quiet_next;
		op->quiet = false;
		if (op->answered)
			continue;
		n++;
		op->done(op, RING_QUIET_DONE, 0);
	}
	return n;
}

/* Its completion is here before settle() could look: the kernel did not take every submission, or more
 * completions than there is room for. */
static void unquiet(struct ring *r, struct ring_op *op)
{
	struct ring_op **at = &r->quiet;

	while (*at != op)
		at = &(*at)->quiet_next;
	*at = op->quiet_next;
	op->quiet = false;
}

static unsigned reap(struct ring *r)
{
	unsigned left = io_uring_cq_ready(&r->uring), n = 0;

	/* No further than what is there now: a callback may submit, and what fails then comes behind. */
	for (; left; left--) {
		struct io_uring_cqe *cqe;
		struct ring_op *op;
		int res;
		uint32_t flags;

		if (io_uring_peek_cqe(&r->uring, &cqe))
			break;
		op = (struct ring_op *)(uintptr_t)cqe->user_data;
		res = cqe->res;
		flags = cqe->flags;
		io_uring_cqe_seen(&r->uring, cqe);
		if (!op)
			continue;
		if (op->quiet)
			unquiet(r, op);
		n++;
		op->done(op, res, flags);
	}
	return n;
}

const uint8_t *ring_buf(const struct ring *r, uint32_t cqe_flags)
{
	return r->buf_memory + (size_t)(cqe_flags >> IORING_CQE_BUFFER_SHIFT) * r->buf_size;
}

void ring_buf_return(struct ring *r, uint32_t cqe_flags)
{
	unsigned id = cqe_flags >> IORING_CQE_BUFFER_SHIFT;

	io_uring_buf_ring_add(r->bufs, r->buf_memory + (size_t)id * r->buf_size, r->buf_size,
			      (unsigned short)id, io_uring_buf_ring_mask(r->buf_count), 0);
	io_uring_buf_ring_advance(r->bufs, 1);
}

static bool work_waiting(const struct ring *r)
{
	return r->tasks || r->flushers || io_uring_cq_ready(&r->uring) || r->no_wait;
}

/* When the wait of this turn must end at the latest. There always is a time: without one liburing would go
 * on waiting after a signal. */
static uint64_t wait_end(const struct ring *r, int64_t wait_ns)
{
	uint64_t end =
	    r->now + (wait_ns < 0 || wait_ns > WAIT_MAX_NS ? (uint64_t)WAIT_MAX_NS : (uint64_t)wait_ns);

	if (r->timers.first && r->timers.first->at_ns < end)
		end = r->timers.first->at_ns;
	return end;
}

/* Something is prepared that has to be submitted before the caller goes on. Who has our descriptor is told by
 * it of what arrives, which the kernel must be waiting for by then. */
static bool must_submit(const struct ring *r)
{
	return io_uring_sq_ready(&r->uring) > (r->ready_fd < 0 ? r->may_wait : 0);
}

/* Submits without waiting; no system call if the kernel has nothing to take and nothing to give. What may
 * wait goes along with what the work at hand (`busy`) is going to send; but not for ever. */
static int enter_now(struct ring *r, bool busy)
{
	bool must = busy && r->waited < WAIT_TURNS ? must_submit(r) : io_uring_sq_ready(&r->uring);

	r->waited++;
	if (!must && !ring_has_flag(r, IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW))
		return 0;
	r->stats.enters++;
	r->may_wait = 0;
	return io_uring_submit_and_get_events(&r->uring);
}

/* How many completions to wait for. Where the peer answers one request of many at a time, being woken for
 * each costs more than the answers do. Only while they keep coming: a wait for several that found none is
 * followed by one for any. */
static unsigned wait_for(const struct ring *r)
{
	unsigned n = r->expected / BATCH_SHARE;

	if (!r->arriving || r->expected < BATCH_EXPECTED)
		return 1;
	return n < BATCH_WAIT_MAX ? n : BATCH_WAIT_MAX;
}

static int enter_wait(struct ring *r, uint64_t end)
{
	unsigned n = wait_for(r);
	struct __kernel_timespec ts;
	struct io_uring_cqe *cqe;
	uint64_t ns;
	int ret;

	if (n > 1 && end > r->now + BATCH_WAIT_NS)
		end = r->now + BATCH_WAIT_NS;
	ns = end - r->now;
	ts = (struct __kernel_timespec){ .tv_sec = (int64_t)(ns / NS_PER_S),
					 .tv_nsec = (int64_t)(ns % NS_PER_S) };
	r->stats.enters++;
	r->may_wait = 0;
	ret = io_uring_submit_and_wait_timeout(&r->uring, &cqe, n, &ts, NULL);
	ring_clock(r);
	/* A signal in a call that also submitted shows as an early end only. */
	if (ret == -ETIME)
		return r->now >= end ? 0 : -EINTR;
	return ret;
}

static int enter(struct ring *r, int64_t wait_ns)
{
	uint64_t end = wait_end(r, wait_ns);
	bool busy = wait_ns && work_waiting(r);
	int ret;

	if (wait_ns == 0 || end <= r->now || busy || !inbox_sleep(&r->inbox, r->inbox.wake_fd)) {
		ret = enter_now(r, busy);
		ring_clock(r);
	} else {
		ret = enter_wait(r, end);
		inbox_awake(&r->inbox);
	}
	/* Out of memory, or completions must be reaped first: what was not taken goes with the next turn. */
	return ret == -EAGAIN || ret == -EBUSY ? 0 : ret;
}

int ring_turn(struct ring *r, int64_t wait_ns)
{
	uint64_t recvs = r->stats.recvs;
	unsigned n;
	int ret;

	r->stats.turns++;
	flush(r);
	ret = enter(r, wait_ns);
	r->no_wait = false;
	n = settle(r);
	n += reap(r);
	r->arriving = r->stats.recvs != recvs;
	n += run_inbox(r);
	n += run_tasks(r);
	n += timer_fire(&r->timers, r->now);
	n += run_tasks(r);
	if (ret < 0 && (ret != -EINTR || !n))
		return ret;
	return (int)n;
}

/* Before the caller gets its thread back: everything queued goes to the kernel, and what arrives from now on
 * makes the descriptor readable. So does work that is still left (a task that defers itself for ever). */
static unsigned leave(struct ring *r)
{
	unsigned n = 0;

	for (int round = 0; round < LEAVE_ROUNDS; round++) {
		int ret;

		flush(r);
		if (must_submit(r)) {
			submit(r);
			n += settle(r);
		} else if (!r->tasks && !r->flushers && ring_ready_end(r)) {
			return n;
		} else {
			ret = ring_turn(r, 0);
			n += ret > 0 ? (unsigned)ret : 0;
		}
	}
	r->no_wait = true;
	ring_ready_now(r);
	return n;
}

static int may_run(const struct ring *r)
{
	if (!ring_is_owner(r))
		return -EPERM;
	return r->running || r->own_thread ? -EDEADLK : 0;
}

/* Turns until something was handled (`done` NULL) or `*done` is set. */
static int run(struct ring *r, const bool *done, int64_t wait_ns)
{
	uint64_t end, enters = r->stats.enters;
	int ret = may_run(r), total = 0;

	if (ret)
		return ret;
	r->running = true;
	ring_ready_begin(r);
	ring_clock(r);
	end = wait_ns < 0 ? UINT64_MAX : r->now + (uint64_t)wait_ns;
	while (!done || !*done) {
		ret = ring_turn(r, end == UINT64_MAX ? -1 : end > r->now ? (int64_t)(end - r->now) : 0);
		if (ret < 0)
			break;
		total += ret;
		if ((!done && total) || r->now >= end)
			break;
	}
	if (!total && wait_ns == 0 && r->stats.enters == enters)
		ring_ready_idle(r);
	total += (int)leave(r);
	r->running = false;
	return ret < 0 && (ret != -EINTR || done || !total) ? ret : total;
}

int ring_run(struct ring *r, int64_t wait_ns)
{
	return run(r, NULL, wait_ns);
}

int ring_run_until(struct ring *r, const bool *done, int64_t wait_ns)
{
	int ret = run(r, done, wait_ns);

	if (ret == -EPERM || ret == -EDEADLK)
		return ret;
	if (*done)
		return 0;
	return ret < 0 ? ret : -ETIMEDOUT;
}

int64_t ring_timeout_ns(const struct ring *r)
{
	uint64_t now;

	if (work_waiting(r) || r->quiet || io_uring_sq_ready(&r->uring) || inbox_waiting(&r->inbox))
		return 0;
	if (!r->timers.first)
		return -1;
	now = clock_ns(CLOCK_MONOTONIC);
	return r->timers.first->at_ns > now ? (int64_t)(r->timers.first->at_ns - now) : 0;
}

void ring_drain(struct ring *r)
{
	int ret = 0;

	r->running = true;
	ring_clock(r);
	while ((r->closing || r->tasks || inbox_waiting(&r->inbox)) && (ret >= 0 || ret == -EINTR))
		ret = ring_turn(r, -1);
	r->running = false;
}
