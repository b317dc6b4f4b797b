/* ring_thread.c: the engine's own thread, and the door through which other threads wake an engine.
 *
 * ring_new() of the own-thread mode waits until the thread has enabled its io_uring, so that a failure is
 * reported where it can be handled. The thread blocks all signals: they are the host program's business.
 * At the end it runs what was posted, waits for the kernel to let go of closed streams, and goes.
 */
#include "ring_impl.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static void woken(struct ring_op *op, int res, uint32_t cqe_flags);

/* The eventfd is never read: each write is an edge, and a multishot poll reports each. */
static int watch_inbox(struct ring *r)
{
	struct io_uring_sqe *sqe;

	r->wake_op.done = woken;
	sqe = ring_sqe(r, &r->wake_op);
	if (!sqe)
		return -ENOMEM;
	io_uring_prep_poll_multishot(sqe, r->inbox.wake_fd, POLLIN);
	sqe->user_data = (uintptr_t)&r->wake_op;
	return 0;
}

static void woken(struct ring_op *op, int res, uint32_t cqe_flags)
{
	struct ring *r = container_of(op, struct ring, wake_op);

	(void)res;
	r->stats.wakeups++;
	if (!(cqe_flags & IORING_CQE_F_MORE))
		watch_inbox(r);
}

int ring_start(struct ring *r)
{
	int ret;

	r->owner = pthread_self();
	if (r->own_thread) {
		/* liburing 2.3 declares io_uring_enable_rings() and does not export it. */
		r->stats.other_syscalls++;
		if (syscall(__NR_io_uring_register, r->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) <
		    0)
			return -errno;
	}
	/* Saves the kernel a descriptor look-up per call; it works without. */
	io_uring_register_ring_fd(&r->uring);
	ret = watch_inbox(r);
	if (ret)
		return ret;
	/* Submitted now, so that an io_uring that does not work is found here. */
	r->stats.enters++;
	ret = io_uring_submit(&r->uring);
	return ret < 0 ? ret : 0;
}

static void *engine(void *arg)
{
	struct ring *r = arg;
	uint64_t one = 1;
	int ret = ring_start(r);
	ssize_t n;

	atomic_store(&r->start_result, ret);
	n = write(r->start_fd, &one, sizeof one);
	if (ret || n != sizeof one)
		return NULL;
	r->running = true;
	while (!atomic_load_explicit(&r->stop, memory_order_acquire)) {
		ret = ring_turn(r, -1);
		if (ret < 0 && ret != -EINTR)
			break;
	}
	inbox_end(&r->inbox);
	ring_drain(r);
	/* The registration belongs to this thread. */
	io_uring_unregister_ring_fd(&r->uring);
	return NULL;
}

static int spawn(struct ring *r, int cpu)
{
	pthread_attr_t attr;
	cpu_set_t set;
	sigset_t all;
	int ret = pthread_attr_init(&attr);

	if (ret)
		return -ret;
	sigfillset(&all);
	ret = pthread_attr_setsigmask_np(&attr, &all);
	if (!ret && cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET((unsigned)cpu, &set);
		ret = pthread_attr_setaffinity_np(&attr, sizeof set, &set);
	}
	if (!ret)
		ret = pthread_create(&r->thread, &attr, engine, r);
	pthread_attr_destroy(&attr);
	return -ret;
}

int ring_thread_start(struct ring *r, int cpu)
{
	uint64_t n;
	int ret;

	if (cpu >= CPU_SETSIZE)
		return -EINVAL;
	r->start_fd = eventfd(0, EFD_CLOEXEC);
	if (r->start_fd < 0)
		return -errno;
	ret = spawn(r, cpu);
	if (!ret) {
		while (read(r->start_fd, &n, sizeof n) < 0 && errno == EINTR)
			;
		ret = atomic_load(&r->start_result);
		if (ret)
			pthread_join(r->thread, NULL);
		else
			pthread_setname_np(r->thread, "cephring");
	}
	close(r->start_fd);
	r->thread_alive = !ret;
	return ret;
}

void ring_stop(struct ring *r)
{
	if (!r->thread_alive)
		return;
	r->thread_alive = false;
	atomic_store_explicit(&r->stop, true, memory_order_release);
	inbox_wake(&r->inbox);
	pthread_join(r->thread, NULL);
}
