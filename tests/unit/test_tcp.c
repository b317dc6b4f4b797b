/* test_tcp.c: streams against a plain socket on loopback, in the same thread: the kernel is the other side,
 * the test accepts, reads and writes between two turns. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ring/ring.h"
#include "ring/tcp.h"

#define S 1000000000ll

/* What a stream told its user. */
struct user {
	struct tcp *tcp;
	bool up, over, freed, got;
	int err, sent;
	union tcp_addr local;
	uint8_t in[1 << 16];
	size_t len, total;
	bool close_on_receive;
	size_t want; /* sets `got` */
};

static void released(void *arg)
{
	struct user *u = arg;

	u->freed = true;
}

static void connected(void *arg, const union tcp_addr *local)
{
	struct user *u = arg;

	u->up = true;
	u->local = *local;
}

static void received(void *arg, const uint8_t *p, size_t len)
{
	struct user *u = arg;
	size_t n = len < sizeof u->in - u->len ? len : sizeof u->in - u->len;

	memcpy(u->in + u->len, p, n);
	u->len += n;
	u->total += len;
	u->got = u->total >= u->want;
	if (u->close_on_receive) {
		tcp_close(u->tcp, released, u);
		u->tcp = NULL;
	}
}

static void sent(void *arg)
{
	struct user *u = arg;

	u->sent++;
}

static void closed(void *arg, int err)
{
	struct user *u = arg;

	cr_assert_not(u->over, "told twice");
	u->over = true;
	u->err = err;
}

static const struct tcp_ops ops = {
	.connected = connected, .received = received, .sent = sent, .closed = closed
};

static struct ring *ring_with(unsigned buf_count, unsigned buf_size)
{
	struct ring_opts o = { .cpu = -1, .buf_count = buf_count, .buf_size = buf_size };
	struct ring *r = NULL;
	char why[256];

	cr_assert_eq(ring_new(&o, &r, why, sizeof why), 0, "%s", why);
	return r;
}

static int listener(int family, union tcp_addr *at)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = family == AF_INET ? sizeof at->in : sizeof at->in6;

	memset(at, 0, sizeof *at);
	at->sa.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		at->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		at->in6.sin6_addr = in6addr_loopback;
	if (fd < 0 || bind(fd, &at->sa, len) || listen(fd, 8)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	cr_assert_eq(getsockname(fd, &at->sa, &len), 0);
	return fd;
}

/* A connected pair: the stream of `u` and the returned plain socket. */
static int pair(struct ring *r, struct user *u)
{
	union tcp_addr at;
	int lfd = listener(AF_INET, &at), fd;

	cr_assert_geq(lfd, 0);
	cr_assert_eq(tcp_connect(r, &at, &ops, u, &u->tcp), 0);
	cr_assert_not(u->up);
	cr_assert_eq(ring_run_until(r, &u->up, 20 * S), 0);
	fd = accept(lfd, NULL, NULL);
	cr_assert_geq(fd, 0);
	close(lfd);
	return fd;
}

static void end(struct ring *r, struct user *u, int fd)
{
	if (fd >= 0)
		close(fd);
	if (u->tcp)
		tcp_close(u->tcp, NULL, NULL);
	ring_free(r);
}

static void put(int fd, const void *p, size_t len)
{
	cr_assert_eq(write(fd, p, len), (ssize_t)len);
}

Test(tcp, connects_and_knows_its_own_address)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	int fd = pair(r, &u);
	struct sockaddr_in peer;
	socklen_t len = sizeof peer;

	cr_assert_eq(getpeername(fd, (struct sockaddr *)&peer, &len), 0);
	cr_expect_eq(u.local.in.sin_port, peer.sin_port);
	cr_expect_eq(u.local.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	end(r, &u, fd);
}

Test(tcp, connects_over_ipv6)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	union tcp_addr at;
	int lfd = listener(AF_INET6, &at);

	if (lfd < 0) {
		ring_free(r);
		cr_skip_test("no IPv6 loopback here");
	}
	cr_assert_eq(tcp_connect(r, &at, &ops, &u, &u.tcp), 0);
	cr_assert_eq(ring_run_until(r, &u.up, 20 * S), 0);
	cr_expect_eq(u.local.sa.sa_family, AF_INET6);
	end(r, &u, lfd);
}

Test(tcp, refused_connection_is_told_once)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	union tcp_addr at;

	close(listener(AF_INET, &at));
	cr_assert_eq(tcp_connect(r, &at, &ops, &u, &u.tcp), 0);
	cr_assert_eq(ring_run_until(r, &u.over, 20 * S), 0);
	cr_expect_eq(u.err, -ECONNREFUSED);
	cr_expect_not(u.up);
	end(r, &u, -1);
}

Test(tcp, other_address_families_are_refused)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	union tcp_addr at = { .sa.sa_family = AF_UNIX };

	cr_expect_eq(tcp_connect(r, &at, &ops, &u, &u.tcp), -EAFNOSUPPORT);
	ring_free(r);
}

Test(tcp, gathers_what_it_sends)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	int fd = pair(r, &u);
	struct iovec v[3] = { { (void *)"one ", 4 }, { (void *)"", 0 }, { (void *)"two", 3 } };
	char got[16];

	cr_assert_eq(tcp_send(u.tcp, v, 3), 0);
	cr_expect_eq(tcp_send(u.tcp, v, 3), -EBUSY);
	cr_expect_eq(u.sent, 0, "never from inside");
	ring_run(r, 0);
	cr_expect_eq(u.sent, 1);
	cr_expect_eq(read(fd, got, sizeof got), 7);
	cr_expect_arr_eq(got, "one two", 7);
	end(r, &u, fd);
}

Test(tcp, refuses_what_it_cannot_send)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	union tcp_addr at;
	int lfd = listener(AF_INET, &at);
	struct iovec v[TCP_IOV_MAX + 1] = { { (void *)"x", 1 } }, empty = { (void *)"", 0 };

	cr_assert_eq(tcp_connect(r, &at, &ops, &u, &u.tcp), 0);
	cr_expect_eq(tcp_send(u.tcp, v, 1), -ENOTCONN);
	cr_assert_eq(ring_run_until(r, &u.up, 20 * S), 0);
	cr_expect_eq(tcp_send(u.tcp, v, 0), -EINVAL);
	cr_expect_eq(tcp_send(u.tcp, v, TCP_IOV_MAX + 1), -EINVAL);
	cr_expect_eq(tcp_send(u.tcp, &empty, 1), -EINVAL);
	end(r, &u, lfd);
}

Test(tcp, received_bytes_come_in_order)
{
	struct ring *r = ring_with(4, 64);
	struct user u = { .want = 10000 };
	int fd = pair(r, &u);
	uint8_t data[10000];

	/* 157 buffers' worth for 4 buffers: the receive ends again and again and is armed again. */
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	put(fd, data, sizeof data);
	cr_assert_eq(ring_run_until(r, &u.got, 20 * S), 0);
	cr_expect_eq(u.total, sizeof data);
	cr_expect_arr_eq(u.in, data, sizeof data);
	end(r, &u, fd);
}

Test(tcp, streams_share_the_buffers)
{
	struct ring *r = ring_with(2, 64);
	struct user u[3] = { 0 };
	int fd[3];
	uint8_t data[2000];

	memset(data, 5, sizeof data);
	for (int i = 0; i < 3; i++) {
		u[i].want = sizeof data;
		fd[i] = pair(r, &u[i]);
		put(fd[i], data, sizeof data);
	}
	for (int i = 0; i < 3; i++)
		cr_expect_eq(ring_run_until(r, &u[i].got, 20 * S), 0);
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(u[i].total, sizeof data);
		close(fd[i]);
		tcp_close(u[i].tcp, NULL, NULL);
	}
	ring_free(r);
}

/* The headline: one request and its reply on an idle engine. */
Test(tcp, round_trip_costs_one_system_call)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	int fd = pair(r, &u), flags;
	struct iovec v = { (void *)"request", 7 };
	struct ring_stats before, after;
	char got[8];

	/* The peer answers before the request: what counts is that the send alone does not end the wait,
	 * and that both directions travel in the one call. */
	flags = fcntl(fd, F_GETFL);
	cr_assert_eq(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
	ring_run(r, 0);
	for (int i = 1; i <= 20; i++) {
		ring_stats(r, &before);
		put(fd, "reply", 5);
		cr_assert_eq(tcp_send(u.tcp, &v, 1), 0);
		u.got = false;
		u.want = u.total + 5;
		cr_assert_eq(ring_run_until(r, &u.got, 20 * S), 0);
		ring_stats(r, &after);
		cr_expect_eq(after.enters - before.enters, 1);
		cr_expect_eq(after.other_syscalls, before.other_syscalls);
		cr_expect_eq(u.sent, i);
		cr_expect_eq(read(fd, got, sizeof got), 7);
	}
	end(r, &u, fd);
}

Test(tcp, finished_send_does_not_end_the_wait)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	int fd = pair(r, &u);
	struct iovec v = { (void *)"request", 7 };
	struct ring_stats before, after;
	bool never = false;

	ring_run(r, 0);
	ring_stats(r, &before);
	cr_assert_eq(tcp_send(u.tcp, &v, 1), 0);
	/* Nobody answers: the call that sends waits its whole time. */
	cr_expect_eq(ring_run_until(r, &never, S / 50), -ETIMEDOUT);
	ring_stats(r, &after);
	cr_expect_eq(after.enters - before.enters, 1);
	cr_expect_eq(u.sent, 1);
	end(r, &u, fd);
}

/* Reads `len` bytes of the pattern from `fd` while the engine runs. */
static void drain(struct ring *r, int fd, size_t len)
{
	uint8_t *buf = malloc(1 << 20);
	size_t at = 0;

	while (at < len) {
		ssize_t n;

		cr_assert_geq(ring_run(r, 0), 0);
		n = recv(fd, buf, 1 << 20, MSG_DONTWAIT);
		if (n < 0) {
			cr_assert_eq(errno, EAGAIN);
			cr_assert_geq(ring_run(r, S / 1000), 0);
			continue;
		}
		for (ssize_t i = 0; i < n; i++)
			cr_assert_eq(buf[i], (uint8_t)((at + (size_t)i) * 31 >> 3), "byte %zu",
				     at + (size_t)i);
		at += (size_t)n;
	}
	free(buf);
}

Test(tcp, large_send_goes_on_when_the_socket_is_full)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	int fd = pair(r, &u);
	size_t len = 20 << 20, cut = 3;
	uint8_t *data = malloc(len);
	struct iovec v[3];

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 31 >> 3);
	v[0] = (struct iovec){ data, cut };
	v[1] = (struct iovec){ data + cut, (5 << 20) + 1 };
	v[2] = (struct iovec){ data + cut + v[1].iov_len, len - cut - v[1].iov_len };
	cr_assert_eq(tcp_send(u.tcp, v, 3), 0);
	for (int i = 0; i < 5; i++)
		ring_run(r, 0);
	cr_expect_eq(u.sent, 0, "the socket cannot hold it all");
	cr_expect_eq(tcp_send(u.tcp, v, 3), -EBUSY);
	drain(r, fd, len);
	while (!u.sent)
		cr_assert_geq(ring_run(r, S), 0);
	cr_expect_eq(u.sent, 1);
	free(data);
	end(r, &u, fd);
}

Test(tcp, send_into_a_socket_that_is_full_waits_for_room)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	int fd = pair(r, &u);
	size_t first = 20 << 20, second = 1 << 20, got = 0;
	uint8_t *data = calloc(1, first), *sink = malloc(1 << 16);
	struct iovec v = { data, first };

	cr_assert_eq(tcp_send(u.tcp, &v, 1), 0);
	while (!u.sent) {
		ssize_t n = recv(fd, sink, 1 << 16, MSG_DONTWAIT);

		got += n > 0 ? (size_t)n : 0;
		cr_assert_geq(ring_run(r, 0), 0);
	}
	/* The kernel has just taken the last byte: there is hardly room for more. */
	cr_expect_lt(got, first);
	v.iov_len = second;
	cr_assert_eq(tcp_send(u.tcp, &v, 1), 0);
	while (got < first + second) {
		ssize_t n = recv(fd, sink, 1 << 16, MSG_DONTWAIT);

		got += n > 0 ? (size_t)n : 0;
		cr_assert_geq(ring_run(r, 0), 0);
	}
	while (u.sent < 2)
		cr_assert_geq(ring_run(r, S), 0);
	free(data);
	free(sink);
	end(r, &u, fd);
}

Test(tcp, end_of_the_peer_comes_after_its_bytes)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	int fd = pair(r, &u);

	put(fd, "last words", 10);
	close(fd);
	cr_assert_eq(ring_run_until(r, &u.over, 20 * S), 0);
	cr_expect_eq(u.err, 0);
	cr_expect_eq(u.total, 10);
	cr_expect_eq(tcp_send(u.tcp, &(struct iovec){ (void *)"x", 1 }, 1), -EPIPE);
	end(r, &u, -1);
}

static void reset_now(int fd)
{
	struct linger l = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
	close(fd);
}

Test(tcp, reset_is_an_error)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	int fd = pair(r, &u);

	reset_now(fd);
	cr_assert_eq(ring_run_until(r, &u.over, 20 * S), 0);
	cr_expect_eq(u.err, -ECONNRESET);
	end(r, &u, -1);
}

Test(tcp, send_into_a_closed_stream_ends_it_without_a_signal)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	int fd = pair(r, &u);
	struct iovec v = { (void *)"x", 1 };

	put(fd, "why", 3);
	reset_now(fd);
	cr_assert_eq(tcp_send(u.tcp, &v, 1), 0);
	cr_assert_eq(ring_run_until(r, &u.over, 20 * S), 0);
	cr_expect_lt(u.err, 0);
	cr_expect_eq(u.sent, 0);
	end(r, &u, -1);
}

Test(tcp, close_from_inside_received_says_nothing_more)
{
	struct ring *r = ring_with(4, 16);
	struct user u = { .close_on_receive = true };
	int fd = pair(r, &u);
	uint8_t data[64] = { 0 };

	put(fd, data, sizeof data);
	cr_assert_eq(ring_run_until(r, &u.freed, 20 * S), 0);
	cr_expect_eq(u.total, 16, "the first buffer only");
	cr_expect_not(u.over);
	/* The peer sees the end. */
	cr_expect_leq(read(fd, data, sizeof data), 0);
	end(r, &u, fd);
}

Test(tcp, close_with_a_send_under_way_releases_its_memory_once)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	int fd = pair(r, &u);
	size_t len = 20 << 20;
	uint8_t *data = calloc(1, len);
	struct iovec v = { data, len };

	cr_assert_eq(tcp_send(u.tcp, &v, 1), 0);
	for (int i = 0; i < 3; i++)
		ring_run(r, 0);
	tcp_close(u.tcp, released, &u);
	u.tcp = NULL;
	cr_expect_not(u.freed, "never from inside");
	cr_assert_eq(ring_run_until(r, &u.freed, 20 * S), 0);
	free(data);
	cr_expect_eq(u.sent, 0);
	cr_expect_not(u.over);
	end(r, &u, fd);
}

Test(tcp, close_with_a_send_not_yet_submitted)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	int fd = pair(r, &u);
	char got[16];

	cr_assert_eq(tcp_send(u.tcp, &(struct iovec){ (void *)"bye", 3 }, 1), 0);
	tcp_close(u.tcp, released, &u);
	u.tcp = NULL;
	cr_assert_eq(ring_run_until(r, &u.freed, 20 * S), 0);
	cr_expect_eq(read(fd, got, sizeof got), 3, "what was queued first goes out first");
	end(r, &u, fd);
}

Test(tcp, close_while_connecting)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	union tcp_addr at;
	int lfd = listener(AF_INET, &at);

	cr_assert_eq(tcp_connect(r, &at, &ops, &u, &u.tcp), 0);
	tcp_close(u.tcp, released, &u);
	u.tcp = NULL;
	cr_assert_eq(ring_run_until(r, &u.freed, 20 * S), 0);
	cr_expect_not(u.up);
	end(r, &u, lfd);
}

/* A listener whose queue is full does not answer: the connect stays under way. */
Test(tcp, close_of_a_connect_that_hangs)
{
	struct ring *r = ring_with(0, 0);
	struct user u[8] = { 0 };
	union tcp_addr at;
	int lfd = listener(AF_INET, &at), hanging = 0;

	listen(lfd, 0);
	for (int i = 0; i < 8; i++)
		cr_assert_eq(tcp_connect(r, &at, &ops, &u[i], &u[i].tcp), 0);
	ring_run(r, S / 50);
	ring_run(r, S / 50);
	for (int i = 0; i < 8; i++) {
		hanging += !u[i].up;
		tcp_close(u[i].tcp, released, &u[i]);
	}
	cr_expect_gt(hanging, 0);
	for (int i = 0; i < 8; i++)
		cr_expect_eq(ring_run_until(r, &u[i].freed, 20 * S), 0);
	close(lfd);
	ring_free(r);
}

Test(tcp, ring_free_waits_for_closed_streams)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	int fd = pair(r, &u);

	tcp_close(u.tcp, released, &u);
	ring_free(r);
	cr_expect(u.freed);
	close(fd);
}

Test(tcp, bytes_make_the_descriptor_readable)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { 0 };
	int fd = pair(r, &u), ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN };

	cr_assert_eq(epoll_ctl(ep, EPOLL_CTL_ADD, ring_fd(r), &ev), 0);
	ring_run(r, 0);
	for (int i = 1; i <= 20; i++) {
		struct ring_stats before, after;

		cr_assert_eq(epoll_wait(ep, &ev, 1, 0), 0, "round %d", i);
		cr_assert_eq(ring_timeout_ns(r), -1);
		put(fd, "abc", 3);
		cr_assert_eq(epoll_wait(ep, &ev, 1, 20000), 1);
		ring_stats(r, &before);
		cr_assert_geq(ring_run(r, 0), 1);
		ring_stats(r, &after);
		cr_expect_eq(u.total, 3u * (unsigned)i);
		cr_expect_eq(after.enters - before.enters, 1, "emptying the descriptor rides along");
		cr_expect_eq(after.other_syscalls, before.other_syscalls);
	}
	close(ep);
	end(r, &u, fd);
}

Test(tcp, lowat_holds_small_frames_back)
{
	struct ring *r = ring_with(0, 0);
	struct user u = { .want = 100 };
	int fd = pair(r, &u);
	uint8_t data[100] = { 0 };

	tcp_recv_lowat(u.tcp, 100);
	put(fd, data, 60);
	ring_run(r, S / 50);
	cr_expect_eq(u.total, 0);
	put(fd, data, 40);
	cr_assert_eq(ring_run_until(r, &u.got, 20 * S), 0);
	cr_expect_eq(u.total, 100);
	end(r, &u, fd);
}

Test(tcp, more_streams_than_submission_entries)
{
	struct ring_opts o = { .cpu = -1, .entries = 4 };
	struct user *u = calloc(40, sizeof *u);
	struct iovec x[40];
	union tcp_addr at;
	struct ring *r;
	int lfd = listener(AF_INET, &at);

	cr_assert_eq(listen(lfd, 64), 0);
	cr_assert_eq(ring_new(&o, &r, NULL, 0), 0);
	for (int i = 0; i < 40; i++)
		cr_assert_eq(tcp_connect(r, &at, &ops, &u[i], &u[i].tcp), 0);
	for (int i = 0; i < 40; i++)
		cr_assert_eq(ring_run_until(r, &u[i].up, 20 * S), 0);
	for (int i = 0; i < 40; i++) {
		x[i] = (struct iovec){ (void *)"x", 1 };
		cr_assert_eq(tcp_send(u[i].tcp, &x[i], 1), 0);
	}
	for (int i = 0; i < 40; i++)
		while (!u[i].sent)
			cr_assert_geq(ring_run(r, S / 100), 0);
	for (int i = 0; i < 40; i++)
		tcp_close(u[i].tcp, NULL, NULL);
	ring_free(r);
	close(lfd);
	free(u);
}

/* 16 completions fit; 40 streams receive and have their large sends cut short in one turn. */
Test(tcp, more_completions_than_there_is_room_for)
{
	enum { N = 40, LEN = 8 << 20 };
	struct ring_opts o = { .cpu = -1, .entries = 2, .buf_count = 64, .buf_size = 64 };
	struct user *u = calloc(N, sizeof *u);
	uint8_t *data = calloc(1, LEN), *sink = malloc(1 << 20);
	struct iovec v[N];
	size_t left[N];
	struct ring *r;
	int fd[N], todo = N;

	cr_assert_eq(ring_new(&o, &r, NULL, 0), 0);
	for (int i = 0; i < N; i++) {
		fd[i] = pair(r, &u[i]);
		left[i] = LEN;
	}
	for (int i = 0; i < N; i++) {
		put(fd[i], data, 300);
		v[i] = (struct iovec){ data, LEN };
		cr_assert_eq(tcp_send(u[i].tcp, &v[i], 1), 0);
	}
	while (todo) {
		cr_assert_geq(ring_run(r, S / 1000), 0);
		for (int i = 0; i < N; i++) {
			ssize_t n = left[i] ? recv(fd[i], sink, 1 << 20, MSG_DONTWAIT) : 0;

			if (n <= 0)
				continue;
			left[i] -= (size_t)n;
			todo -= !left[i];
		}
	}
	for (int i = 0; i < N; i++) {
		while (!u[i].sent || u[i].total < 300)
			cr_assert_geq(ring_run(r, S), 0);
		cr_expect_eq(u[i].total, 300);
		cr_expect_eq(u[i].sent, 1);
		tcp_close(u[i].tcp, NULL, NULL);
		close(fd[i]);
	}
	ring_free(r);
	free(u);
	free(data);
	free(sink);
}

/* A stream that lives on the engine's own thread: connect, ask, be answered, close. */
struct remote {
	struct ring_task task;
	struct ring *ring;
	struct user u;
	union tcp_addr at;
	int told; /* pipe */
	bool on_engine;
};

static void remote_connected(void *arg, const union tcp_addr *local)
{
	struct remote *m = arg;
	static struct iovec v = { (void *)"ask", 3 };

	(void)local;
	cr_assert_eq(tcp_send(m->u.tcp, &v, 1), 0);
}

static void remote_received(void *arg, const uint8_t *p, size_t len)
{
	struct remote *m = arg;

	m->on_engine = ring_is_owner(m->ring);
	tcp_close(m->u.tcp, released, &m->u);
	cr_assert_eq(write(m->told, p, len), (ssize_t)len);
}

static const struct tcp_ops remote_ops = {
	.connected = remote_connected, .received = remote_received, .sent = sent, .closed = closed
};

static void remote_start(struct ring_task *t)
{
	struct remote *m = (struct remote *)t;

	cr_assert_eq(tcp_connect(m->ring, &m->at, &remote_ops, m, &m->u.tcp), 0);
}

Test(tcp, lives_on_an_own_thread)
{
	struct ring_opts o = { .cpu = -1, .own_thread = true };
	struct remote *m = calloc(1, sizeof *m);
	int lfd = listener(AF_INET, &m->at), told[2], fd;
	char got[8];

	cr_assert_eq(pipe(told), 0);
	cr_assert_eq(ring_new(&o, &m->ring, NULL, 0), 0);
	m->told = told[1];
	m->task.fn = remote_start;
	cr_assert_eq(ring_post(m->ring, &m->task), 0);
	fd = accept(lfd, NULL, NULL);
	cr_assert_eq(read(fd, got, sizeof got), 3);
	put(fd, "reply", 5);
	cr_assert_eq(read(told[0], got, sizeof got), 5);
	/* The stream may still be on its way out: the thread ends after it. */
	ring_free(m->ring);
	cr_expect(m->u.freed);
	cr_expect(m->on_engine);
	close(fd);
	close(lfd);
	free(m);
}
