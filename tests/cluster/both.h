/* both.h: two clients on one cluster: ours on an engine that the test drives, and the real libcephfs.
 *
 * What one client changes the other must be told, and gives back what it was lent: while libcephfs is in a
 * call, our engine has to run. So every call of libcephfs is made by a thread of its own, through they(),
 * while this thread serves the engine as an application would: it polls the engine's descriptor. */
#pragma once
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "../../include/cephring.h"
#include "tap.h"
#include "second.h"

struct both {
	cephring_engine *engine;
	cephring_config *config;
	cephring_mount *mount;
	struct ceph_mount_info *cm;
};

/* The other client's work: its result. */
typedef int (*their_call)(struct ceph_mount_info *cm, void *arg);

struct their_job {
	struct ceph_mount_info *cm;
	their_call call;
	void *arg;
	int res, ended_fd;
	atomic_bool ended;
};

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void both_log(void *arg, int level, const char *line)
{
	(void)arg;
	if (level <= CEPHRING_LOG_WARN)
		tap_note("cephring: %s", line);
}

/* Serves the engine until something happens on `fd` (-1: none) or for at most `ms`. */
static inline void both_turn(cephring_engine *e, int fd, int ms)
{
	struct pollfd p[2] = { { .fd = cephring_engine_fd(e), .events = POLLIN },
			       { .fd = fd, .events = POLLIN } };
	int64_t t = cephring_engine_timeout_ns(e);

	if (t >= 0 && t / 1000000 < ms)
		ms = (int)((t + 999999) / 1000000);
	poll(p, 2, ms);
	cephring_run(e, 0);
}

static inline void *their_thread(void *arg)
{
	struct their_job *j = arg;

	j->res = j->call(j->cm, j->arg);
	atomic_store(&j->ended, true);
	eventfd_write(j->ended_fd, 1);
	return NULL;
}

static inline pthread_t they_begin(struct both *b, struct their_job *j, their_call call, void *arg)
{
	pthread_t t;

	*j = (struct their_job){ .cm = b->cm, .call = call, .arg = arg, .ended_fd = eventfd(0, EFD_CLOEXEC) };
	if (j->ended_fd < 0 || pthread_create(&t, NULL, their_thread, j))
		tap_die("a thread for the other client");
	return t;
}

static inline int they_end(struct both *b, struct their_job *j, pthread_t t)
{
	while (!atomic_load(&j->ended))
		both_turn(b->engine, j->ended_fd, 1000);
	pthread_join(t, NULL);
	close(j->ended_fd);
	return j->res;
}

static inline int they(struct both *b, their_call call, void *arg)
{
	struct their_job j;

	return they_end(b, &j, they_begin(b, &j, call, arg));
}

/* `options`: pairs of key and value for ours, ended by NULL; or NULL. */
static inline struct both *both_new(const char *const *options, const struct cephring_mount_opts *more)
{
	struct cephring_mount_opts o = { .size = sizeof o, .log = both_log, .log_level = CEPHRING_LOG_WARN };
	struct both *b = calloc(1, sizeof *b);
	char why[256];
	int err;

	if (!b || cephring_engine_new(NULL, &b->engine, why, sizeof why))
		tap_die("an engine");
	cephring_config_new(&b->config);
	for (; options && *options; options += 2)
		if (cephring_config_set(b->config, options[0], options[1]))
			tap_die(cephring_config_error(b->config));
	if (cephring_config_load(b->config))
		tap_die(cephring_config_error(b->config));
	if (more) {
		o.root = more->root;
		o.cred = more->cred;
		o.no_permissions = more->no_permissions;
	}
	err = cephring_sync_mount(b->engine, b->config, &o, &b->mount);
	if (err)
		tap_die(b->mount ? cephring_strerror(b->mount, err) : strerror(-err));
	if (second_mount_with(&b->cm, "true"))
		tap_die("libcephfs mounts");
	return b;
}

static inline void both_free_ours(struct both *b)
{
	tap_eq(cephring_sync_unmount(b->mount), 0, "ours unmounts");
	tap_eq(cephring_engine_free(b->engine), 0, "the engine ends");
	cephring_config_free(b->config);
}

static inline void both_free(struct both *b)
{
	both_free_ours(b);
	second_unmount(b->cm);
	free(b);
}

static inline struct cephring_stats both_stats(struct both *b)
{
	struct cephring_stats s = { .size = sizeof s };

	cephring_stats(b->mount, &s);
	return s;
}

/* Nothing cached but the root. Behind a superuser's walk lookups for the cache go on for a moment, and hold
 * what they need. */
static inline void both_cold(struct both *b)
{
	for (int n = 0; n < 20; n++) {
		cephring_drop_caches(b->mount);
		if (both_stats(b).inodes <= 1)
			return;
		both_turn(b->engine, -1, 1);
	}
}

/* ---- the other client's simple calls, one at a time ---- */

struct their_args {
	const char *a, *b;
	long long n;
	int kind;
};

enum {
	THEY_MKDIR,
	THEY_CREATE,
	THEY_SYMLINK,
	THEY_RENAME,
	THEY_UNLINK,
	THEY_RMDIR,
	THEY_CHMOD,
	THEY_CHOWN,
	THEY_TRUNCATE,
	THEY_LINK
};

static inline int their_create(struct ceph_mount_info *cm, const char *path, int mode)
{
	int fd = ceph_open(cm, path, O_CREAT | O_EXCL | O_WRONLY, mode);

	return fd < 0 ? fd : ceph_close(cm, fd);
}

static inline int their_simple(struct ceph_mount_info *cm, void *arg)
{
	const struct their_args *t = arg;

	switch (t->kind) {
	case THEY_MKDIR:
		return ceph_mkdir(cm, t->a, (mode_t)t->n);
	case THEY_CREATE:
		return their_create(cm, t->a, (int)t->n);
	case THEY_SYMLINK:
		return ceph_symlink(cm, t->b, t->a);
	case THEY_RENAME:
		return ceph_rename(cm, t->a, t->b);
	case THEY_UNLINK:
		return ceph_unlink(cm, t->a);
	case THEY_RMDIR:
		return ceph_rmdir(cm, t->a);
	case THEY_CHMOD:
		return ceph_chmod(cm, t->a, (mode_t)t->n);
	case THEY_CHOWN:
		return ceph_chown(cm, t->a, (int)(t->n & 0xffff), (int)(t->n >> 16));
	case THEY_TRUNCATE:
		return ceph_truncate(cm, t->a, t->n);
	default:
		return ceph_link(cm, t->a, t->b);
	}
}

static inline int they_do(struct both *b, int kind, const char *a, const char *second, long long n)
{
	struct their_args t = { a, second, n, kind };

	return they(b, their_simple, &t);
}

/* Removes a whole tree, if it is there. */
static inline int their_rm_r(struct ceph_mount_info *cm, const char *path)
{
	struct ceph_dir_result *d;
	struct dirent *e;
	struct ceph_statx st;
	char below[8192];
	int err = ceph_statx(cm, path, &st, CEPH_STATX_MODE, AT_SYMLINK_NOFOLLOW);

	if (err)
		return err == -ENOENT ? 0 : err;
	if (!S_ISDIR(st.stx_mode))
		return ceph_unlink(cm, path);
	err = ceph_opendir(cm, path, &d);
	if (err)
		return err;
	while ((e = ceph_readdir(cm, d)) != NULL) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if ((size_t)snprintf(below, sizeof below, "%s/%s", path, e->d_name) >= sizeof below) {
			err = -ENAMETOOLONG;
			break;
		}
		err = their_rm_r(cm, below);
		if (err)
			break;
	}
	ceph_closedir(cm, d);
	return err ? err : ceph_rmdir(cm, path);
}

static inline int their_clean(struct ceph_mount_info *cm, void *arg)
{
	return their_rm_r(cm, arg);
}

static inline uint64_t our_ino(struct both *b, const char *path)
{
	struct cephring_statx st;
	int err = cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_INO, CEPHRING_NOFOLLOW,
				      &(struct cephring_cred){ 0 }, &st);

	return err ? 0 : st.ino;
}

/* ---- many names ---- */

enum { MANY_MAKERS = 4 };

struct making {
	const char *dir;
	int from, to;
};

/* Files f00000 and so on, with modes that follow from their numbers. */
static inline int their_many(struct ceph_mount_info *cm, void *arg)
{
	const struct making *k = arg;
	char path[128];
	int err = 0;

	for (int n = k->from; n < k->to && !err; n++) {
		snprintf(path, sizeof path, "%s/f%05d", k->dir, n);
		err = ceph_mknod(cm, path, S_IFREG | (mode_t)(0600 | (n & 0177)), 0);
	}
	return err;
}

/* By several threads of the other client: its own time is mostly spent waiting. */
static inline int make_many(struct both *b, const char *dir, int from, int to)
{
	struct their_job jobs[MANY_MAKERS];
	struct making part[MANY_MAKERS];
	pthread_t t[MANY_MAKERS];
	int err = 0, step = (to - from + MANY_MAKERS - 1) / MANY_MAKERS;

	for (int n = 0; n < MANY_MAKERS; n++) {
		int begin = from + n * step < to ? from + n * step : to;

		part[n] = (struct making){ dir, begin, begin + step < to ? begin + step : to };
		t[n] = they_begin(b, &jobs[n], their_many, &part[n]);
	}
	for (int n = 0; n < MANY_MAKERS; n++)
		err = they_end(b, &jobs[n], t[n]) ? -EIO : err;
	return err;
}

/* The large directory, made by the first test that needs it and left for the next: it takes a while. */
#define BIG "/big"
enum { BIG_COUNT = 30000 };

static inline int big_directory(struct both *b)
{
	int err;

	if (our_ino(b, BIG "_made"))
		return 0;
	err = they(b, their_clean, (void *)BIG);
	err = err ? err : they_do(b, THEY_MKDIR, BIG, NULL, 0755);
	err = err ? err : make_many(b, BIG, 0, BIG_COUNT);
	return err ? err : they_do(b, THEY_MKDIR, BIG "_made", NULL, 0755);
}

/* What a command of the cluster prints; freed by the caller. */
__attribute__((format(printf, 1, 2))) static inline char *ceph_says(const char *fmt, ...)
{
	char args[512], line[1024], *text = calloc(1, 1);
	size_t len = 0, n;
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(args, sizeof args, fmt, ap);
	va_end(ap);
	snprintf(line, sizeof line, "'%s' ceph %s 2>/dev/null", getenv("DEVCLUSTER"), args);
	f = popen(line, "r");
	while (f && (text = realloc(text, len + 4096)) != NULL && (n = fread(text + len, 1, 4095, f)) > 0)
		len += n;
	if (f)
		pclose(f);
	text[len] = '\0';
	return text;
}
