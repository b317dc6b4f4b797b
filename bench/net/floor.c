/* floor.c: how fast any client could be on this machine: bare TCP round trips of the same sizes, nothing
 * decoded.
 *
 *   floor serve                                     answers; prints its port; ends with its stdin
 *   floor ask PORT OUT key=value ...                one workload, one JSON object, samples in OUT
 *
 *   keys: request, reply (bytes), n, depth (requests in flight on one connection), connects and trips (an
 * operation is so many connections, each with so many round trips: what a mount is; 0 connects: one
 * connection for all).
 *
 * The first bytes on a connection tell the server the two sizes. */
#include "../worker/meter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE_MAX_BYTES = 16 << 20, BUFFER = 256 * 1024 };

struct sizes {
	uint32_t request, reply;
};

struct ask {
	uint64_t request, reply, n, depth, connects, trips;
	uint16_t port;
	uint64_t *took_ns, *sent_ns; /* owned */
	char *buf;                   /* owned; `room` bytes of nothing */
	size_t room;
};

static int all_out(int fd, const void *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
		if (k <= 0)
			return -EIO;
		p = (const char *)p + k;
		n -= (size_t)k;
	}
	return 0;
}

static int zeros_out(int fd, const char *zeros, size_t n)
{
	for (size_t k; n; n -= k) {
		k = n < BUFFER ? n : BUFFER;
		if (all_out(fd, zeros, k))
			return -EIO;
	}
	return 0;
}

/* ---- the answering side ---- */

static void *serve_one(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char *buf = calloc(1, BUFFER), *zeros = calloc(1, BUFFER);
	struct sizes s;
	size_t have = 0;

	if (!buf || !zeros || recv(fd, &s, sizeof(s), MSG_WAITALL) != (ssize_t)sizeof(s) || !s.request)
		goto out;
	for (ssize_t k; (k = recv(fd, buf, BUFFER, 0)) > 0;) {
		have += (size_t)k;
		if (zeros_out(fd, zeros, have / s.request * s.reply))
			break;
		have %= s.request;
	}
out:
	free(buf);
	free(zeros);
	close(fd);
	return NULL;
}

static void *serve_all(void *arg)
{
	int listener = (int)(intptr_t)arg, on = 1, fd;
	pthread_t t;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (pthread_create(&t, NULL, serve_one, (void *)(intptr_t)fd))
			close(fd);
		else
			pthread_detach(t);
	}
	return NULL;
}

static int serve(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t t;

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) || listen(fd, 64) ||
	    getsockname(fd, (struct sockaddr *)&a, &len) ||
	    pthread_create(&t, NULL, serve_all, (void *)(intptr_t)fd)) {
		perror("floor: listen");
		return 1;
	}
	printf("{\"port\":%u}\n", ntohs(a.sin_port));
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

/* ---- the asking side ---- */

static int dial(const struct ask *a)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(a->port) };
	struct sizes s = { (uint32_t)a->request, (uint32_t)a->reply };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) || all_out(fd, &s, sizeof(s))) {
		int err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* n round trips, up to `depth` of them in flight. */
static int ask_stream(struct ask *a, int fd)
{
	uint64_t sent = 0, got = 0;
	size_t have = 0;

	while (got < a->n) {
		uint64_t room = a->depth - (sent - got), left = a->n - sent, now = meter_now_ns();
		uint64_t k = room < left ? room : left;
		for (uint64_t i = 0; i < k; i++)
			a->sent_ns[sent++] = now;
		if (k && all_out(fd, a->buf, k * a->request))
			return -EIO;
		ssize_t in = recv(fd, a->buf, a->room, 0);
		if (in <= 0)
			return -EIO;
		now = meter_now_ns();
		for (have += (size_t)in; have >= a->reply; have -= a->reply, got++)
			a->took_ns[got] = now - a->sent_ns[got];
	}
	return 0;
}

static int ask_once(struct ask *a)
{
	for (uint64_t c = 0; c < a->connects; c++) {
		int fd = dial(a);
		if (fd < 0)
			return fd;
		for (uint64_t t = 0; t < a->trips; t++) {
			if (all_out(fd, a->buf, a->request) ||
			    recv(fd, a->buf, a->reply, MSG_WAITALL) != (ssize_t)a->reply) {
				close(fd);
				return -EIO;
			}
		}
		close(fd);
	}
	return 0;
}

static int ask_all(struct ask *a, struct meter *m, struct metered *cost)
{
	int fd = a->connects ? -1 : dial(a), err = !a->connects && fd < 0 ? fd : 0;

	meter_start(m);
	if (!a->connects && !err)
		err = ask_stream(a, fd);
	for (uint64_t i = 0; a->connects && i < a->n && !err; i++) {
		uint64_t began = meter_now_ns();
		err = ask_once(a);
		a->took_ns[i] = meter_now_ns() - began;
	}
	meter_stop(m, cost);
	if (fd >= 0)
		close(fd);
	return err;
}

static int ask_parse(struct ask *a, int argc, char **argv)
{
	const struct {
		const char *key;
		uint64_t *at;
	} keys[] = { { "request=", &a->request }, { "reply=", &a->reply },       { "n=", &a->n },
		     { "depth=", &a->depth },     { "connects=", &a->connects }, { "trips=", &a->trips } };

	for (int i = 0; i < argc; i++) {
		size_t k = 0, count = sizeof(keys) / sizeof(keys[0]);
		while (k < count && strncmp(argv[i], keys[k].key, strlen(keys[k].key)))
			k++;
		if (k == count)
			return -EINVAL;
		*keys[k].at = strtoull(argv[i] + strlen(keys[k].key), NULL, 0);
	}
	return !a->request || a->request > SIZE_MAX_BYTES || !a->reply || a->reply > SIZE_MAX_BYTES ||
		       !a->n || !a->depth || a->depth > 1024
		   ? -EINVAL
		   : 0;
}

static int ask_room(struct ask *a)
{
	a->room = a->reply > a->depth * a->request ? a->reply : a->depth * a->request;
	a->room = a->room < BUFFER ? BUFFER : a->room;
	a->buf = calloc(1, a->room);
	a->took_ns = calloc(a->n, sizeof(uint64_t));
	a->sent_ns = calloc(a->n, sizeof(uint64_t));
	return a->buf && a->took_ns && a->sent_ns ? 0 : -ENOMEM;
}

static int ask_save(const struct ask *a, const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return -errno;
	size_t n = fwrite(a->took_ns, sizeof(uint64_t), a->n, f);
	return fclose(f) || n != a->n ? -EIO : 0;
}

static int ask(int argc, char **argv)
{
	struct ask a = { .request = 1, .reply = 1, .n = 1, .depth = 1, .port = (uint16_t)atoi(argv[0]) };
	struct metered cost;
	struct meter m;
	int err = ask_parse(&a, argc - 2, argv + 2);

	if (!err)
		err = ask_room(&a);
	if (!err && meter_init(&m, METER_CALLS_KERNEL))
		meter_init(&m, METER_CALLS_NO);
	if (!err)
		err = ask_all(&a, &m, &cost);
	if (!err)
		err = ask_save(&a, argv[1]);
	if (err)
		fprintf(stderr, "floor: %s\n", strerror(-err));
	else
		printf("{\"samples\":%llu,\"ops\":%llu,\"wall_ns\":%llu,\"cpu_ns\":%llu,\"calls\":%llu}\n",
		       (unsigned long long)a.n, (unsigned long long)a.n, (unsigned long long)cost.wall_ns,
		       (unsigned long long)cost.cpu_ns, (unsigned long long)cost.calls);
	free(a.buf);
	free(a.took_ns);
	free(a.sent_ns);
	return err ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "serve"))
		return serve();
	if (argc >= 4 && !strcmp(argv[1], "ask"))
		return ask(argc - 2, argv + 2);
	fprintf(stderr, "usage: floor serve | floor ask PORT OUT key=value ...\n");
	return 2;
}
