/* tcp.c: one TCP stream on the ring: connecting, then open, then over (the user was told), then dead (the
 * user said tcp_close); the memory goes when the kernel owes it no completion any more.
 *
 * Sending. The first try of a send carries MSG_DONTWAIT | MSG_WAITALL and skips its completion on success.
 * So the kernel finishes with it while it takes the submission, and in one of two ways: all bytes are in
 * the socket's buffer and nothing is reported, or a completion says how many went in (-EAGAIN: none). The
 * first is the rule, and the caller's memory is free when io_uring_enter returns, though that call also
 * waited for the reply. In the second the rest is sent again without MSG_DONTWAIT, and its completion comes
 * when the socket has taken it.
 *
 * Measured with 200 bytes there and back on loopback, per round trip (2 CPUs, kernel 6.18). System calls: a
 * plain send, whose completion ends the wait, 2 io_uring_enter; this, 1; send(2) before the wait, 1 and the
 * send(2); waiting for two completions at once, 1, but it hangs when the socket is full. Time: on a quiet
 * machine they do not differ (25-28 us, 12-13 us of CPU); on a busy one the wait that ends early costs
 * (55-130 us of CPU against 48-75).
 *
 * Receiving. One multishot receive fills the ring's provided buffers. It ends by itself when they run out
 * (-ENOBUFS) or when the kernel likes; by then the buffers before it are back, and it is armed again.
 *
 * A user who places bytes itself must be asked before the kernel takes any more of them from the socket: so
 * there each receive is armed by itself, in the submission that the turn makes anyway. A place is filled to
 * its end (MSG_WAITALL) without waking us in between.
 */
#include "tcp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "mem.h"
#include "ring_impl.h"

enum tcp_state { TCP_CONNECTING, TCP_OPEN, TCP_OVER, TCP_DEAD };

struct tcp {
	struct ring *ring;
	const struct tcp_ops *ops;
	void *arg;
	int fd;
	enum tcp_state state;
	unsigned refs; /* completions that the kernel owes, handlers on the stack */
	int err;       /* why sending failed: told when receiving has ended too */
	bool sending;

	struct ring_op connect_op, recv_op, send_op, cancel_op;
	union tcp_addr to;

	struct iovec *iov; /* what is left of the send: borrowed until sent() */
	unsigned iov_count;
	size_t left;
	struct msghdr msg;

	bool placing;  /* the receive under way goes where place() said */
	bool more_now; /* the last one left bytes in the socket */
	struct msghdr place_msg;

	struct ring_task close_task;
	void (*released)(void *arg);
	void *released_arg;
};

static void tcp_release(struct ring_task *task)
{
	struct tcp *t = container_of(task, struct tcp, close_task);
	struct ring *r = t->ring;

	close(t->fd);
	r->stats.other_syscalls++;
	r->streams--;
	r->closing--;
	if (t->released)
		t->released(t->released_arg);
	mem_free(t, sizeof *t);
}

static void tcp_get(struct tcp *t)
{
	t->refs++;
}

static void tcp_put(struct tcp *t)
{
	assert(t->refs);
	if (--t->refs || t->state != TCP_DEAD)
		return;
	t->close_task.fn = tcp_release;
	ring_defer(t->ring, &t->close_task);
}

static void tcp_over(struct tcp *t, int err)
{
	if (t->state >= TCP_OVER)
		return;
	t->state = TCP_OVER;
	t->ops->closed(t->arg, err);
}

static void recv_done(struct ring_op *op, int res, uint32_t flags);

static void prep_buffer(struct tcp *t, struct io_uring_sqe *sqe, bool multi, size_t limit)
{
	if (multi)
		io_uring_prep_recv_multishot(sqe, t->fd, NULL, 0, 0);
	else
		io_uring_prep_recv(sqe, t->fd, NULL, limit, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = RING_BUF_GROUP;
}

static void prep_place(struct tcp *t, struct io_uring_sqe *sqe, struct iovec *iov, int n)
{
	if (n == 1) {
		io_uring_prep_recv(sqe, t->fd, iov->iov_base, iov->iov_len, MSG_WAITALL);
		return;
	}
	t->place_msg = (struct msghdr){ .msg_iov = iov, .msg_iovlen = (size_t)n };
	io_uring_prep_recvmsg(sqe, t->fd, &t->place_msg, MSG_WAITALL);
}

/* 0 or -ENOMEM. */
static int recv_arm(struct tcp *t)
{
	struct iovec *iov = NULL;
	struct io_uring_sqe *sqe;
	size_t limit = 0;
	int n;

	t->recv_op.done = recv_done;
	sqe = ring_sqe(t->ring, &t->recv_op);
	if (!sqe)
		return -ENOMEM;
	n = t->ops->place ? t->ops->place(t->arg, &iov, &limit) : 0;
	t->placing = n > 0;
	if (n > 0)
		prep_place(t, sqe, iov, n);
	else
		prep_buffer(t, sqe, !t->ops->place, limit);
	if (!t->more_now) {
		sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
		ring_may_wait(t->ring);
	}
	sqe->user_data = (uintptr_t)&t->recv_op;
	tcp_get(t);
	return 0;
}

static void recv_deliver(struct tcp *t, int res, uint32_t flags)
{
	t->ring->stats.recvs++;
	t->ring->stats.recv_bytes += (unsigned)res;
	if (t->placing)
		t->ops->placed(t->arg, (size_t)res);
	else
		t->ops->received(t->arg, ring_buf(t->ring, flags), (size_t)res);
}

static void recv_done(struct ring_op *op, int res, uint32_t flags)
{
	struct tcp *t = container_of(op, struct tcp, recv_op);
	bool more = flags & IORING_CQE_F_MORE;

	tcp_get(t);
	if (t->state == TCP_OPEN && res > 0)
		recv_deliver(t, res, flags);
	if (flags & IORING_CQE_F_BUFFER)
		ring_buf_return(t->ring, flags);
	if (t->state == TCP_OPEN && res <= 0 && res != -ENOBUFS && res != -EINTR)
		tcp_over(t, t->err ? t->err : res);
	if (!more) {
		t->more_now = res == -ENOBUFS || flags & IORING_CQE_F_SOCK_NONEMPTY;
		if (t->state == TCP_OPEN && recv_arm(t))
			tcp_over(t, -ENOMEM);
		tcp_put(t);
	}
	tcp_put(t);
}

static void local_name(struct tcp *t, union tcp_addr *local)
{
	socklen_t len = sizeof *local;

	memset(local, 0, sizeof *local);
	getsockname(t->fd, &local->sa, &len);
	t->ring->stats.other_syscalls++;
}

static void connect_done(struct ring_op *op, int res, uint32_t flags)
{
	struct tcp *t = container_of(op, struct tcp, connect_op);
	union tcp_addr local;

	(void)flags;
	if (t->state != TCP_CONNECTING) {
		tcp_put(t);
		return;
	}
	if (!res) {
		t->state = TCP_OPEN;
		res = recv_arm(t);
	}
	if (res) {
		tcp_over(t, res);
	} else {
		local_name(t, &local);
		t->ops->connected(t->arg, &local);
	}
	tcp_put(t);
}

static int tcp_socket(struct tcp *t)
{
	int one = 1;

	/* Blocking in name only: every wait is the ring's. With O_NONBLOCK a full socket would come back as
	 * -EAGAIN instead of being waited for. */
	t->fd = socket(t->to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	t->ring->stats.other_syscalls++;
	if (t->fd < 0)
		return -errno;
	t->ring->stats.other_syscalls++;
	if (setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0) {
		int err = -errno;

		close(t->fd);
		t->ring->stats.other_syscalls++;
		return err;
	}
	return 0;
}

static int connect_start(struct tcp *t)
{
	socklen_t len = t->to.sa.sa_family == AF_INET6 ? sizeof t->to.in6 : sizeof t->to.in;
	struct io_uring_sqe *sqe;

	t->connect_op.done = connect_done;
	sqe = ring_sqe(t->ring, &t->connect_op);
	if (!sqe)
		return -ENOMEM;
	io_uring_prep_connect(sqe, t->fd, &t->to.sa, len);
	sqe->user_data = (uintptr_t)&t->connect_op;
	tcp_get(t);
	return 0;
}

int tcp_connect(struct ring *r, const union tcp_addr *to, const struct tcp_ops *ops, void *arg,
		struct tcp **out)
{
	struct tcp *t;
	int ret;

	if (to->sa.sa_family != AF_INET && to->sa.sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	t = mem_alloc(sizeof *t);
	if (!t)
		return -ENOMEM;
	t->ring = r;
	t->ops = ops;
	t->arg = arg;
	t->to = *to;
	ret = tcp_socket(t);
	if (!ret) {
		ret = connect_start(t);
		if (ret)
			close(t->fd);
	}
	if (ret) {
		mem_free(t, sizeof *t);
		return ret;
	}
	r->streams++;
	*out = t;
	return 0;
}

/* Leaves `n` sent bytes behind. */
static void send_advance(struct tcp *t, size_t n)
{
	t->left -= n;
	for (; n && n >= t->iov->iov_len; t->iov_count--)
		n -= t->iov++->iov_len;
	if (n) {
		t->iov->iov_base = (char *)t->iov->iov_base + n;
		t->iov->iov_len -= n;
	}
}

static void send_done(struct ring_op *op, int res, uint32_t flags);

static int send_submit(struct tcp *t, bool try_now)
{
	int msg_flags = MSG_NOSIGNAL | MSG_WAITALL | (try_now ? MSG_DONTWAIT : 0);
	struct io_uring_sqe *sqe;

	t->send_op.done = send_done;
	sqe = ring_sqe(t->ring, &t->send_op);
	if (!sqe)
		return -ENOMEM;
	if (t->iov_count == 1) {
		io_uring_prep_send(sqe, t->fd, t->iov->iov_base, t->iov->iov_len, msg_flags);
	} else {
		t->msg = (struct msghdr){ .msg_iov = t->iov, .msg_iovlen = t->iov_count };
		io_uring_prep_sendmsg(sqe, t->fd, &t->msg, (unsigned)msg_flags);
	}
	sqe->user_data = (uintptr_t)&t->send_op;
	if (try_now) {
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
		ring_quiet(t->ring, &t->send_op);
	}
	tcp_get(t);
	t->ring->stats.sends++;
	return 0;
}

/* What the peer sent before it went away is still to be delivered, and may say why it went: so the end is
 * told by the receive, which ends once both directions are shut down. */
static void send_failed(struct tcp *t, int err)
{
	t->err = err;
	shutdown(t->fd, SHUT_RDWR);
	t->ring->stats.other_syscalls++;
}

static void send_done(struct ring_op *op, int res, uint32_t flags)
{
	struct tcp *t = container_of(op, struct tcp, send_op);

	(void)flags;
	if (res == RING_QUIET_DONE)
		t->left = 0;
	else if (res > 0)
		send_advance(t, (size_t)res);
	else if (res == -EAGAIN || res == -EINTR)
		res = 0;
	if (res >= 0 && t->left && t->state == TCP_OPEN)
		res = send_submit(t, false);
	else
		t->sending = false;
	if (t->state == TCP_OPEN && res < 0)
		send_failed(t, res);
	else if (t->state == TCP_OPEN && !t->sending)
		t->ops->sent(t->arg);
	tcp_put(t);
}

int tcp_send(struct tcp *t, struct iovec *iov, int n)
{
	size_t total = 0;
	int ret;

	if (t->state != TCP_OPEN)
		return t->state == TCP_CONNECTING ? -ENOTCONN : -EPIPE;
	if (t->err)
		return -EPIPE;
	if (t->sending)
		return -EBUSY;
	if (n < 1 || n > TCP_IOV_MAX)
		return -EINVAL;
	for (int i = 0; i < n; i++)
		total += iov[i].iov_len;
	if (!total)
		return -EINVAL;
	t->iov = iov;
	t->iov_count = (unsigned)n;
	t->left = total;
	ret = send_submit(t, true);
	if (ret)
		return ret;
	t->sending = true;
	t->ring->stats.send_bytes += total;
	return 0;
}

void tcp_recv_lowat(struct tcp *t, int bytes)
{
	setsockopt(t->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
	t->ring->stats.other_syscalls++;
}

static void cancel_done(struct ring_op *op, int res, uint32_t flags)
{
	(void)res;
	(void)flags;
	tcp_put(container_of(op, struct tcp, cancel_op));
}

/* Asks the kernel to end all that is under way on the descriptor; each of them still completes. */
static void tcp_cancel(struct ring_task *task)
{
	struct tcp *t = container_of(task, struct tcp, close_task);
	struct io_uring_sqe *sqe;

	t->cancel_op.done = cancel_done;
	sqe = ring_sqe(t->ring, &t->cancel_op);
	if (!sqe) {
		/* Again in the next turn; should the last completion come before, the task becomes
		 * tcp_release(). */
		ring_defer(t->ring, task);
		return;
	}
	io_uring_prep_cancel_fd(sqe, t->fd, IORING_ASYNC_CANCEL_ALL);
	sqe->user_data = (uintptr_t)&t->cancel_op;
	tcp_get(t);
}

void tcp_close(struct tcp *t, void (*released)(void *arg), void *arg)
{
	assert(t->state != TCP_DEAD);
	t->state = TCP_DEAD;
	t->released = released;
	t->released_arg = arg;
	t->ring->closing++;
	t->close_task.fn = tcp_cancel;
	if (t->refs) {
		tcp_cancel(&t->close_task);
	} else {
		t->close_task.fn = tcp_release;
		ring_defer(t->ring, &t->close_task);
	}
}
