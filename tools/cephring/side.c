/* side.c: see side.h. */
#include "side.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { THREADS = 4, READ_FLAGS = CEPHRING_IO_DIRECT, WRITE_FLAGS = CEPHRING_IO_DIRECT };

struct queue {
	struct side_call *first, **end;
};

struct sides {
	struct tool *tool;
	int wake; /* eventfd: a local call has ended */
	pthread_t threads[THREADS];
	unsigned started;
	pthread_mutex_t lock; /* of the next four */
	pthread_cond_t work;
	struct queue wanted, ended;
	bool stop;
	struct queue waiting; /* for room in the library */
	unsigned in_library, in_threads;
	sigset_t mask; /* of the program: in force only while it waits */
};

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static void queue_add(struct queue *q, struct side_call *c)
{
	c->next = NULL;
	*q->end = c;
	q->end = &c->next;
}

static struct side_call *queue_take(struct queue *q)
{
	struct side_call *c = q->first;

	if (c) {
		q->first = c->next;
		if (!q->first)
			q->end = &q->first;
	}
	return c;
}

/* ---- local calls: threads ---- */

static void *work(void *arg)
{
	struct sides *s = arg;
	uint64_t one = 1;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		struct side_call *c = queue_take(&s->wanted);

		if (!c && s->stop)
			break;
		if (!c) {
			pthread_cond_wait(&s->work, &s->lock);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		c->res = c->local(c);
		pthread_mutex_lock(&s->lock);
		queue_add(&s->ended, c);
		if (write(s->wake, &one, sizeof one) < 0)
			abort(); /* a counter cannot be full */
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void take_local(struct sides *s)
{
	struct side_call *c, *next;
	uint64_t count;

	if (read(s->wake, &count, sizeof count) < 0)
		return; /* nothing has ended */
	pthread_mutex_lock(&s->lock);
	c = s->ended.first;
	queue_init(&s->ended);
	pthread_mutex_unlock(&s->lock);
	for (; c; c = next) {
		next = c->next;
		s->in_threads--;
		c->done(c, c->res);
	}
}

struct sides *sides_new(struct tool *t)
{
	struct sides *s = tool_alloc(sizeof *s);
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &held, &s->mask);
	s->tool = t;
	queue_init(&s->wanted);
	queue_init(&s->ended);
	queue_init(&s->waiting);
	s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->wake < 0 || pthread_mutex_init(&s->lock, NULL) || pthread_cond_init(&s->work, NULL))
		tool_no_memory();
	for (; s->started < THREADS; s->started++)
		if (pthread_create(&s->threads[s->started], NULL, work, s))
			break;
	if (!s->started)
		tool_no_memory();
	return s;
}

void sides_free(struct sides *s)
{
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_broadcast(&s->work);
	pthread_mutex_unlock(&s->lock);
	for (unsigned n = 0; n < s->started; n++)
		pthread_join(s->threads[n], NULL);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	close(s->wake);
	pthread_sigmask(SIG_SETMASK, &s->mask, NULL);
	free(s);
}

/* ---- calls into the library ---- */

static void library_done(struct cephring_op *op, int64_t res, void *user)
{
	struct side_call *c = user;

	c->sides->in_library--;
	c->why = res < 0 ? tool_why(c->sides->tool, (int)res) : NULL;
	c->done(c, res);
}

/* False: it waits for room. */
static bool submit(struct side_call *c)
{
	struct sides *s = c->sides;
	int err;

	tool_deadline(s->tool, &c->op);
	err = c->ceph(c);
	if (err == -EAGAIN && s->in_library)
		return false;
	s->in_library++;
	if (err)
		library_done(&c->op, err, c);
	return true;
}

static void go(struct sides *s, struct side_file *f, struct side_call *c,
	       int64_t (*local)(struct side_call *), int (*ceph)(struct side_call *))
{
	free(c->why);
	c->why = NULL;
	c->sides = s;
	c->file = f;
	c->local = local;
	c->ceph = ceph;
	if (f->side == SIDE_CEPH) {
		queue_add(&s->waiting, c);
		return;
	}
	s->in_threads++;
	pthread_mutex_lock(&s->lock);
	queue_add(&s->wanted, c);
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
}

static void submit_waiting(struct sides *s)
{
	struct queue again;
	struct side_call *c;

	queue_init(&again);
	while ((c = queue_take(&s->waiting)) != NULL) {
		if (submit(c))
			continue;
		queue_add(&again, c);
		while ((c = queue_take(&s->waiting)) != NULL)
			queue_add(&again, c);
	}
	if (again.first)
		s->waiting = again;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}

void sides_turn(struct sides *s, int64_t wait_ns)
{
	cephring_engine *e = s->tool->engine;
	struct pollfd fds[2] = { { cephring_engine_fd(e), POLLIN, 0 }, { s->wake, POLLIN, 0 } };
	struct timespec ts;
	int n;

	submit_waiting(s);
	n = cephring_run(e, 0); /* sends what was submitted */
	wait_ns = n ? 0 : sooner(wait_ns, cephring_engine_timeout_ns(e));
	ts = (struct timespec){ wait_ns / 1000000000, wait_ns % 1000000000 };
	if (n >= 0 && ppoll(fds, 2, wait_ns < 0 ? NULL : &ts, &s->mask) > 0)
		n = cephring_run(e, 0);
	if (n < 0 && n != -EINTR) {
		tool_fail(s->tool, "engine", 6, n, NULL);
		exit(EXIT_FAILED); /* operations are in flight and nothing can end them */
	}
	take_local(s);
}

/* ---- each call, twice ---- */

static int64_t local_open(struct side_call *c)
{
	struct stat st;
	int fd = open(c->path, c->flags | O_CLOEXEC | O_NOCTTY, c->mode);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		close(fd);
		return -errno;
	}
	c->file->fd = fd;
	c->file->open = true;
	c->file->stream = !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !S_ISBLK(st.st_mode);
	if (!c->file->stream)
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return 0;
}

static void opened(struct cephring_op *op, int64_t res, void *user)
{
	struct side_call *c = user;

	c->file->open = res >= 0;
	library_done(op, res, user);
}

static int ceph_open_(struct side_call *c)
{
	struct tool *t = c->sides->tool;

	return cephring_open(t->mount, NULL, c->path, c->flags, c->mode, NULL, tool_cred(t), &c->op, opened,
			     c, &c->file->ceph);
}

void side_open(struct sides *s, struct side_file *f, const char *path, int flags, uint32_t mode,
	       struct side_call *c)
{
	c->path = path;
	c->flags = flags;
	c->mode = mode;
	go(s, f, c, local_open, ceph_open_);
}

static int64_t ns_of(struct timespec t)
{
	return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

static int64_t local_stat(struct side_call *c)
{
	struct stat st;

	if (fstat(c->file->fd, &st))
		return -errno;
	*c->st = (struct cephring_statx){
		.mask = CEPHRING_STATX_BASIC,
		.mode = st.st_mode,
		.nlink = (uint32_t)st.st_nlink,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.ino = st.st_ino,
		.dev = st.st_dev,
		.size = (uint64_t)st.st_size,
		.atime_ns = ns_of(st.st_atim),
		.mtime_ns = ns_of(st.st_mtim),
		.ctime_ns = ns_of(st.st_ctim),
	};
	return 0;
}

static int ceph_stat(struct side_call *c)
{
	struct tool *t = c->sides->tool;

	return cephring_statx(t->mount, cephring_file_inode(c->file->ceph), "", CEPHRING_STATX_BASIC, 0,
			      tool_cred(t), c->st, &c->op, library_done, c);
}

void side_stat(struct sides *s, struct side_file *f, struct cephring_statx *st, struct side_call *c)
{
	c->st = st;
	go(s, f, c, local_stat, ceph_stat);
}

static struct timespec time_of(int64_t ns)
{
	int64_t s = ns / 1000000000, rest = ns % 1000000000;

	return rest < 0 ? (struct timespec){ s - 1, rest + 1000000000 } : (struct timespec){ s, rest };
}

static int64_t local_set(struct side_call *c)
{
	const struct cephring_setattr *a = &c->set;
	struct timespec times[2] = { time_of(a->atime_ns), time_of(a->mtime_ns) };
	int fd = c->file->fd;

	if ((a->set & CEPHRING_SET_SIZE) && ftruncate(fd, (off_t)a->size))
		return -errno;
	if ((a->set & CEPHRING_SET_MODE) && fchmod(fd, a->mode))
		return -errno;
	return (a->set & CEPHRING_SET_MTIME) && futimens(fd, times) ? -errno : 0;
}

static int ceph_set(struct side_call *c)
{
	struct tool *t = c->sides->tool;

	return cephring_setattr(t->mount, cephring_file_inode(c->file->ceph), "", &c->set, 0, tool_cred(t),
				&c->op, library_done, c);
}

void side_set(struct sides *s, struct side_file *f, const struct cephring_setattr *set, struct side_call *c)
{
	c->set = *set;
	c->set.struct_size = sizeof c->set;
	c->set.file = f->side == SIDE_CEPH ? f->ceph : NULL;
	go(s, f, c, local_set, ceph_set);
}

static int64_t local_read(struct side_call *c)
{
	const struct side_file *f = c->file;
	size_t got = 0;

	while (got < c->size) {
		char *at = (char *)c->buf + got;
		ssize_t n = f->stream ? read(f->fd, at, c->size - got)
				      : pread(f->fd, at, c->size - got, (off_t)(c->offset + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		got += (size_t)n;
	}
	return (int64_t)got;
}

static int ceph_read_(struct side_call *c)
{
	return cephring_read(c->file->ceph, c->buf, c->size, c->offset, READ_FLAGS, &c->op, library_done, c);
}

void side_read(struct sides *s, struct side_file *f, void *buf, size_t size, uint64_t offset,
	       struct side_call *c)
{
	c->buf = buf;
	c->size = size;
	c->offset = offset;
	go(s, f, c, local_read, ceph_read_);
}

static int64_t local_write(struct side_call *c)
{
	const struct side_file *f = c->file;
	size_t put = 0;

	while (put < c->size) {
		const char *at = (const char *)c->buf + put;
		ssize_t n = f->stream ? write(f->fd, at, c->size - put)
				      : pwrite(f->fd, at, c->size - put, (off_t)(c->offset + put));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		put += (size_t)n;
	}
	return (int64_t)put;
}

/* Under a quota less may be written than was asked for. */
static void wrote(struct cephring_op *op, int64_t res, void *user)
{
	struct side_call *c = user;

	library_done(op, res >= 0 && (uint64_t)res < c->size ? -EDQUOT : res, user);
}

static int ceph_write_(struct side_call *c)
{
	return cephring_write(c->file->ceph, c->buf, c->size, c->offset, WRITE_FLAGS, &c->op, wrote, c);
}

void side_write(struct sides *s, struct side_file *f, void *buf, size_t size, uint64_t offset,
		struct side_call *c)
{
	c->buf = buf;
	c->size = size;
	c->offset = offset;
	go(s, f, c, local_write, ceph_write_);
}

static int ceph_copy_(struct side_call *c)
{
	return cephring_copy(c->from->ceph, c->offset, c->file->ceph, c->offset, c->size,
			     CEPHRING_COPY_OFFLOAD, &c->op, library_done, c);
}

void side_copy(struct sides *s, struct side_file *from, struct side_file *to, size_t size, uint64_t offset,
	       struct side_call *c)
{
	c->from = from;
	c->size = size;
	c->offset = offset;
	go(s, to, c, NULL, ceph_copy_);
}

static int64_t local_sync(struct side_call *c)
{
	if (c->file->stream)
		return 0;
	if (fsync(c->file->fd))
		return -errno;
	posix_fadvise(c->file->fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

static int ceph_sync(struct side_call *c)
{
	return cephring_fsync(c->file->ceph, 0, &c->op, library_done, c);
}

void side_sync(struct sides *s, struct side_file *f, struct side_call *c)
{
	go(s, f, c, local_sync, ceph_sync);
}

static int64_t local_close(struct side_call *c)
{
	if (c->file->borrowed)
		return 0;
	return close(c->file->fd) ? -errno : 0;
}

static int ceph_close_(struct side_call *c)
{
	return cephring_close(c->file->ceph, &c->op, library_done, c);
}

void side_close(struct sides *s, struct side_file *f, struct side_call *c)
{
	f->open = false;
	go(s, f, c, local_close, ceph_close_);
}
