/* epoll.c: cephring inside a program's own epoll loop: one descriptor and one time-out, no thread.
 *
 * Reads paths from standard input, one on a line, and answers each while the next is typed or piped in:
 *
 *     cephring ls | ./epoll     (CEPH_CONF names the cluster)
 */
#include <cephring.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { JOBS = 32 }; /* in flight; more input waits */

struct job {
	struct cephring_op op;
	struct cephring_statx st;
	char path[4096];
	int busy;
};
static struct job jobs[JOBS];
static int busy;

static void done(struct cephring_op *op, int64_t res, void *user)
{
	struct job *j = user;

	if (res < 0)
		printf("%s: %s\n", j->path, strerror((int)-res));
	else
		printf("%s: %" PRIu64 " bytes\n", j->path, j->st.size);
	j->busy = 0;
	busy--;
}

/* One job for each line, as long as a job is free; what is left of the buffer moves to its front. */
static size_t take_lines(cephring_mount *m, char *buf, size_t len)
{
	char *end;

	for (int i = 0; i < JOBS && (end = memchr(buf, '\n', len)); i++) {
		struct job *j = &jobs[i];

		if (j->busy)
			continue;
		*end = '\0';
		strcpy(j->path, buf);
		if (cephring_statx(m, NULL, j->path, CEPHRING_STATX_SIZE, 0, NULL, &j->st, &j->op, done, j)) {
			*end = '\n'; /* no room in the library: the line stays, and is tried again later */
			break;
		}
		j->busy = 1;
		busy++;
		len -= end + 1 - buf;
		memmove(buf, end + 1, len);
	}
	return len;
}

static void serve(cephring_engine *e, cephring_mount *m)
{
	struct epoll_event engine = { .events = EPOLLIN, .data.fd = cephring_engine_fd(e) }, got;
	struct epoll_event input = { .events = EPOLLIN | EPOLLONESHOT, .data.fd = STDIN_FILENO };
	int ep = epoll_create1(EPOLL_CLOEXEC), open = 1, n;
	char buf[4096];
	size_t len = 0;

	epoll_ctl(ep, EPOLL_CTL_ADD, engine.data.fd, &engine);
	if (epoll_ctl(ep, EPOLL_CTL_ADD, STDIN_FILENO, &input)) {
		fputs("standard input must be a pipe or a terminal\n", stderr);
		return;
	}
	while (open || busy || len) {
		/* Asked before each wait: what was just submitted makes it 0. */
		int64_t ns = cephring_engine_timeout_ns(e);

		n = epoll_wait(ep, &got, 1, ns < 0 ? -1 : (int)((ns + 999999) / 1000000));
		cephring_run(e, 0);
		if (n == 1 && got.data.fd == STDIN_FILENO) {
			ssize_t more = read(STDIN_FILENO, buf + len, sizeof buf - len);

			open = more > 0;
			len += more > 0 ? more : 0;
		}
		len = take_lines(m, buf, len);
		if (!memchr(buf, '\n', len) && (!open || len == sizeof buf))
			len = 0; /* a line without an end, or too long to be a path */
		if (open && len < sizeof buf)
			epoll_ctl(ep, EPOLL_CTL_MOD, STDIN_FILENO, &input);
	}
	close(ep);
}

int main(void)
{
	cephring_engine *e;
	cephring_config *c;
	cephring_mount *m;

	if (cephring_engine_new(NULL, &e, NULL, 0) || cephring_config_new(&c) || cephring_config_load(c))
		return 1;
	if (cephring_sync_mount(e, c, NULL, &m) == 0)
		serve(e, m);
	if (m)
		cephring_sync_unmount(m);
	cephring_engine_free(e);
	cephring_config_free(c);
	return 0;
}
