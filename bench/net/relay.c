/* relay.c: a network that is far away. Every TCP connection that is redirected to it goes on to where it
 * wanted to go, and each byte leaves a fixed time after it came, in both directions.
 *
 *   relay DELAY_US      prints {"port":P,"netns":"/proc/..."}; ends with its stdin
 *
 * It makes a network namespace in which it listens; a client put into that namespace has its connections
 * redirected to the relay's port by a rule of the firewall, and notices nothing: addresses stay what they
 * are. The relay's own outgoing sockets belong to the namespace it was started in, where the cluster listens.
 * One thread, epoll; each direction is a queue of pieces with the time at which they are due.
 *
 * With a delay of 0 it only carries bytes between the namespaces, and the kernel (netem) may make the delay.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter_ipv4.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 64 * 1024, QUEUE_MAX = 8 << 20, EVENTS = 64 };

struct piece {
	struct piece *next;
	uint64_t due_ns;
	size_t len, at;
	char data[];
};

/* One direction of a connection. */
struct way {
	int from, to;              /* borrowed from the link */
	struct piece *head, *tail; /* owned */
	size_t queued;
	bool readable, writable, ended, told; /* ended: no more from `from`; told: `to` knows */
};

/* One end of a link, which is what epoll points at. */
struct end {
	struct link *link;
	int fd; /* owned */
	struct way *in, *out;
};

struct link {
	struct link *next;
	struct way up, down;
	struct end client, daemon;
	bool dead;
};

struct relay {
	int epoll, listener;
	uint64_t delay_ns;
	struct link *links;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- one direction ---- */

static bool way_can_read(const struct way *w)
{
	return w->readable && !w->ended && w->queued < QUEUE_MAX;
}

/* Takes in all there is. */
static void way_read(struct way *w, uint64_t delay_ns, struct link *l)
{
	while (way_can_read(w)) {
		struct piece *p = malloc(sizeof(*p) + PIECE);
		ssize_t n = p ? recv(w->from, p->data, PIECE, 0) : -1;
		if (n <= 0) {
			w->readable = false;
			w->ended = n == 0;
			l->dead = l->dead || (n < 0 && errno != EAGAIN);
			free(p);
			return;
		}
		struct piece *fit = realloc(p, sizeof(*p) + (size_t)n);
		p = fit ? fit : p;
		*p = (struct piece){ .due_ns = now_ns() + delay_ns, .len = (size_t)n };
		w->queued += p->len;
		*(w->tail ? &w->tail->next : &w->head) = p;
		w->tail = p;
	}
}

static void way_drop_head(struct way *w)
{
	struct piece *p = w->head;

	w->queued -= p->len;
	w->head = p->next;
	if (!w->head)
		w->tail = NULL;
	free(p);
}

/* Lets out all that is due. */
static void way_write(struct way *w, struct link *l)
{
	while (w->head && w->writable && w->head->due_ns <= now_ns()) {
		struct piece *p = w->head;
		ssize_t n = send(w->to, p->data + p->at, p->len - p->at, MSG_NOSIGNAL);
		if (n < 0) {
			w->writable = false;
			l->dead = l->dead || errno != EAGAIN;
			return;
		}
		p->at += (size_t)n;
		if (p->at == p->len)
			way_drop_head(w);
	}
	if (w->ended && !w->head && !w->told) {
		shutdown(w->to, SHUT_WR);
		w->told = true;
	}
}

/* ---- connections ---- */

static int watch(struct relay *r, struct end *e)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = e };
	int on = 1;

	setsockopt(e->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (fcntl(e->fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return epoll_ctl(r->epoll, EPOLL_CTL_ADD, e->fd, &ev) ? -errno : 0;
}

/* Where the client wanted to go before the firewall sent it here; then there. */
static int dial_onward(int client)
{
	struct sockaddr_in to;
	socklen_t len = sizeof(to);

	if (getsockopt(client, SOL_IP, SO_ORIGINAL_DST, &to, &len))
		return -errno;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		int err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* The client sees a reset where it would have been refused. */
static void refuse(int fd)
{
	struct linger hard = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

static void link_free(struct link *l)
{
	struct way *ways[] = { &l->up, &l->down };

	for (int i = 0; i < 2; i++) {
		while (ways[i]->head)
			way_drop_head(ways[i]);
	}
	refuse(l->client.fd);
	refuse(l->daemon.fd);
	free(l);
}

static void take_one(struct relay *r)
{
	int client = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
	if (client < 0)
		return;
	int daemon = dial_onward(client);
	struct link *l = daemon < 0 ? NULL : calloc(1, sizeof(*l));

	if (!l) {
		refuse(client);
		if (daemon >= 0)
			close(daemon);
		return;
	}
	l->up = (struct way){ .from = client, .to = daemon };
	l->down = (struct way){ .from = daemon, .to = client };
	l->client = (struct end){ l, client, &l->up, &l->down };
	l->daemon = (struct end){ l, daemon, &l->down, &l->up };
	if (watch(r, &l->client) || watch(r, &l->daemon)) {
		link_free(l);
		return;
	}
	l->next = r->links;
	r->links = l;
}

static void notice(const struct epoll_event *ev)
{
	struct end *e = ev->data.ptr;

	if (ev->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		e->in->readable = true;
	if (ev->events & EPOLLOUT)
		e->out->writable = true;
	if (ev->events & EPOLLERR)
		e->link->dead = true;
}

/* ---- the loop ---- */

static void move(struct relay *r)
{
	for (struct link **at = &r->links; *at;) {
		struct link *l = *at;
		way_read(&l->up, r->delay_ns, l);
		way_read(&l->down, r->delay_ns, l);
		way_write(&l->up, l);
		way_write(&l->down, l);
		if (l->dead || (l->up.told && l->down.told)) {
			*at = l->next;
			link_free(l);
		} else {
			at = &l->next;
		}
	}
}

/* The kernel tells once that there is something to read: what a full queue left there is to be taken without
 * being told again. */
static void earlier(const struct way *w, uint64_t *due)
{
	if (way_can_read(w))
		*due = 0;
	else if (w->head && w->writable && w->head->due_ns < *due)
		*due = w->head->due_ns;
}

static uint64_t next_due(const struct relay *r)
{
	uint64_t due = UINT64_MAX;

	for (const struct link *l = r->links; l; l = l->next) {
		earlier(&l->up, &due);
		earlier(&l->down, &due);
	}
	return due;
}

static int wait_events(struct relay *r, struct epoll_event *ev)
{
	uint64_t due = next_due(r), now = now_ns();
	uint64_t left = due > now ? due - now : 0;
	struct timespec t = { (time_t)(left / 1000000000u), (long)(left % 1000000000u) };

	return epoll_pwait2(r->epoll, ev, EVENTS, due == UINT64_MAX ? NULL : &t, NULL);
}

static int run(struct relay *r)
{
	struct epoll_event ev[EVENTS];
	int self;

	for (;;) {
		int n = wait_events(r, ev);
		if (n < 0 && errno != EINTR)
			return 1;
		for (int i = 0; i < n; i++) {
			if (ev[i].data.ptr == &r->listener)
				take_one(r);
			else if (ev[i].data.ptr == &r->epoll)
				return read(STDIN_FILENO, &self, sizeof(self)) < 0;
			else
				notice(&ev[i]);
		}
		move(r);
	}
}

/* ---- namespaces ---- */

static int loopback_up(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static int listen_here(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 256))
		return -errno;
	return fd;
}

/* Listens in a new namespace and comes back. A descriptor that keeps the new one, or -errno. */
static int listen_apart(struct relay *r)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0 || unshare(CLONE_NEWNET))
		return -errno;
	int apart = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int err = apart < 0 ? -errno : loopback_up();
	if (!err) {
		r->listener = listen_here();
		err = r->listener < 0 ? r->listener : 0;
	}
	if (setns(home, CLONE_NEWNET))
		err = -errno;
	close(home);
	return err ? err : apart;
}

static int watch_fixed(struct relay *r, int fd, void *tag)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = tag };

	return epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &ev);
}

int main(int argc, char **argv)
{
	struct relay r = { .epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	if (argc != 2) {
		fprintf(stderr, "usage: relay DELAY_US\n");
		return 2;
	}
	r.delay_ns = strtoull(argv[1], NULL, 0) * 1000;
	prctl(PR_SET_TIMERSLACK, 1);
	int netns = listen_apart(&r);
	if (netns < 0 || r.epoll < 0 || getsockname(r.listener, (struct sockaddr *)&a, &len) ||
	    watch_fixed(&r, r.listener, &r.listener) || watch_fixed(&r, STDIN_FILENO, &r.epoll)) {
		fprintf(stderr, "relay: no network namespace of its own: %s\n",
			strerror(netns < 0 ? -netns : errno));
		return 1;
	}
	printf("{\"port\":%u,\"netns\":\"/proc/%d/fd/%d\"}\n", ntohs(a.sin_port), getpid(), netns);
	fflush(stdout);
	return run(&r);
}
