/* ring_ready.c: the descriptor by which a caller's own event loop learns that ring_run() has work.
 *
 * Polling the io_uring itself does not do: with DEFER_TASKRUN nothing is completed before the owner enters
 * the kernel, and since Linux 6.3 nobody who polls is woken (seen on 6.18). A registered eventfd is signalled
 * when work for the owner arrives. It is made when the caller first asks for it; who only ever blocks in
 * ring_run() pays nothing.
 *
 * It is readable only for what came between two ring_run(): inside, the kernel's signals are switched off
 * (a flag in shared memory), and other threads ring the inbox's own bell. Back outside, both are switched on
 * first and then looked at once more, so nothing falls between. Emptying it costs no system call either:
 * the read rides with the next io_uring_enter, which is needed anyway as something did arrive.
 */
#include "ring_impl.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

int ring_fd(struct ring *r)
{
	int ret;

	if (r->own_thread)
		return -EINVAL;
	if (r->ready_fd >= 0)
		return r->ready_fd;
	/* Readable from the start: what waits already is found by the first ring_run(). */
	r->ready_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->ready_fd < 0)
		return -errno;
	ret = io_uring_register_eventfd(&r->uring, r->ready_fd);
	r->stats.other_syscalls += 2;
	if (ret) {
		close(r->ready_fd);
		r->ready_fd = -1;
		return ret;
	}
	r->no_wait = true;
	return r->ready_fd;
}

/* Takes what the eventfd holds, along with the next submit. Silent when it held something. RWF_NOWAIT: a read
 * that finds nothing (its writer is late) must fail at once; one that waits would swallow a later signal. */
static void empty_along(struct ring *r)
{
	struct io_uring_sqe *sqe = ring_sqe(r, NULL);

	if (!sqe)
		return;
	io_uring_prep_read(sqe, r->ready_fd, &r->ready_count, sizeof r->ready_count, 0);
	sqe->rw_flags = RWF_NOWAIT;
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = 0;
}

void ring_ready_begin(struct ring *r)
{
	bool rung;

	if (r->ready_fd < 0)
		return;
	io_uring_cq_eventfd_toggle(&r->uring, false);
	rung = inbox_awake(&r->inbox);
	if (rung && !r->no_wait)
		r->stats.wakeups++;
	if (rung || io_uring_cq_ready(&r->uring) || ring_has_flag(r, IORING_SQ_TASKRUN))
		empty_along(r);
}

void ring_ready_idle(struct ring *r)
{
	ssize_t n;

	if (r->ready_fd < 0)
		return;
	n = read(r->ready_fd, &r->ready_count, sizeof r->ready_count);
	(void)n;
	r->stats.other_syscalls++;
}

bool ring_ready_end(struct ring *r)
{
	if (r->ready_fd < 0)
		return true;
	io_uring_cq_eventfd_toggle(&r->uring, true);
	/* The kernel first shows the work and then looks whether to signal. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!io_uring_cq_ready(&r->uring) && !ring_has_flag(r, IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW) &&
	    inbox_sleep(&r->inbox, r->ready_fd))
		return true;
	io_uring_cq_eventfd_toggle(&r->uring, false);
	return false;
}

void ring_ready_now(struct ring *r)
{
	uint64_t one = 1;
	ssize_t n;

	if (r->ready_fd < 0)
		return;
	n = write(r->ready_fd, &one, sizeof one);
	(void)n;
	r->stats.other_syscalls++;
}
