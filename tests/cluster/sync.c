/* cluster: */
/* The blocking helpers: on the thread that drives the engine, on threads beside it, inside callbacks; and
 * what every submission promises while an MDS does not answer: one callback, with the reason. */
#include "tap.h"
#include "second.h"
#include <cephring.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 100 };

static cephring_mount *mount_new(cephring_engine *e, const char *max_ops)
{
	cephring_config *c;
	cephring_mount *m;
	int err;

	if (cephring_config_new(&c) || cephring_config_set(c, "cephring_max_ops", max_ops) ||
	    cephring_config_load(c))
		tap_die("configuration");
	err = cephring_sync_mount(e, c, NULL, &m);
	cephring_config_free(c);
	if (err)
		tap_die("mount");
	return m;
}

static cephring_engine *engine_new(int own_thread)
{
	struct cephring_engine_opts o = { .size = sizeof(o), .own_thread = own_thread, .cpu = -1 };
	cephring_engine *e;
	char why[256];

	if (cephring_engine_new(&o, &e, why, sizeof(why)))
		tap_die(why);
	return e;
}

static void plant(void)
{
	struct ceph_mount_info *cm;
	int fd;

	if (second_mount(&cm))
		tap_die("libcephfs does not mount");
	ceph_mkdirs(cm, "/sync/dir", 0755);
	fd = ceph_open(cm, "/sync/dir/file", O_CREAT | O_WRONLY, 0644);
	ceph_write(cm, fd, "12345", 5, 0);
	ceph_close(cm, fd);
	ceph_setxattr(cm, "/sync/dir/file", "user.x", "value", 5, 0);
	ceph_symlink(cm, "dir/file", "/sync/link");
	ceph_sync_fs(cm);
	second_unmount(cm);
}

static int wrong(int is, const char *what)
{
	if (is)
		tap_note("wrong: %s", what);
	return is;
}

/* Every helper once; the number of wrong results. A reference to an inode is given back on the engine's
 * thread only. */
static int all_helpers(cephring_mount *m, int on_engine)
{
	struct cephring_statfs fs;
	struct cephring_statx st = { 0 };
	cephring_inode *i;
	cephring_file *f;
	_Alignas(8) char buf[4096];
	int bad = 0, names = 0;
	int64_t n;

	bad += wrong(cephring_sync_statx(m, NULL, "/sync/link", CEPHRING_STATX_BASIC, 0, NULL, &st) != 0 ||
			 st.size != 5,
		     "statx");
	bad +=
	    wrong(cephring_sync_statx(m, NULL, "/sync/none", CEPHRING_STATX_BASIC, 0, NULL, &st) != -ENOENT,
		  "statx");
	bad += wrong(cephring_sync_access(m, NULL, "/sync/dir", R_OK | X_OK, 0, NULL) != 0, "access");
	bad += wrong(cephring_sync_readlink(m, NULL, "/sync/link", NULL, buf, sizeof(buf)) != 8, "readlink");
	bad += wrong(cephring_sync_getxattr(m, NULL, "/sync/link", "user.x", 0, NULL, buf, sizeof(buf)) != 5,
		     "getxattr");
	bad += wrong(cephring_sync_listxattr(m, NULL, "/sync/link", 0, NULL, buf, sizeof(buf)) != 7,
		     "listxattr");
	bad += wrong(cephring_sync_statfs(m, &fs) != 0 || fs.name_max != 255, "statfs");
	if (on_engine) {
		bad += wrong(cephring_sync_lookup(m, NULL, "/sync/dir", 0, NULL, &i) != 0, "lookup");
		bad += wrong(cephring_sync_readlink(m, i, "../link", NULL, buf, sizeof(buf)) != 8,
			     "readlink at an inode");
		cephring_put(m, i);
	}
	if (cephring_sync_open(m, NULL, "/sync/dir", O_RDONLY | O_DIRECTORY, 0, NULL, NULL, &f))
		return bad + 1;
	while ((n = cephring_sync_readdir(f, buf, sizeof(buf))) > 0) /* any part of it at a time */
		for (int64_t at = 0; at < n; at += ((struct cephring_dirent *)(buf + at))->reclen)
			names++;
	bad += wrong(n != 0 || names != 3, "readdir");
	bad += wrong(cephring_sync_close(f) != 0, "close");
	return bad;
}

/* ---- inside a callback ---- */

struct inside {
	cephring_mount *m;
	int calls, cached, link, waits, closes;
	int64_t res;
	int done; /* atomic */
};

static void inside(struct cephring_op *op, int64_t res, void *user)
{
	struct inside *in = user;
	struct cephring_statx st;
	char buf[16];

	in->res = res;
	in->cached = cephring_sync_statx(in->m, NULL, "/sync/dir/file", CEPHRING_STATX_BASIC, 0, NULL, &st);
	in->link = (int)cephring_sync_readlink(in->m, NULL, "/sync/link", NULL, buf, sizeof(buf));
	in->waits = cephring_sync_statx(in->m, NULL, "/sync/dir/file", CEPHRING_STATX_BASIC,
					CEPHRING_FORCE_SYNC, NULL, &st);
	in->closes = cephring_sync_unmount(in->m);
	in->calls++;
	__atomic_store_n(&in->done, 1, __ATOMIC_RELEASE);
}

static void callback(cephring_engine *e, cephring_mount *m, int own_thread)
{
	struct inside in = { .m = m };
	struct cephring_op op = { 0 };
	struct cephring_statx st;

	tap_eq(
	    cephring_statx(m, NULL, "/sync/dir/file", CEPHRING_STATX_BASIC, 0, NULL, &st, &op, inside, &in),
	    0, "submitted");
	tap_ok(own_thread || in.calls == 0, "no callback from inside the submission");
	while (!__atomic_load_n(&in.done, __ATOMIC_ACQUIRE)) {
		if (own_thread)
			usleep(1000);
		else
			cephring_run(e, -1);
	}
	tap_eq(in.res, 0, "the operation went well");
	tap_eq(in.cached, 0, "a cached statx is answered inside a callback");
	tap_eq(in.link, 8, "so is readlink");
	tap_eq(in.waits, -EDEADLK, "a helper that would have to wait is refused there");
	tap_eq(in.closes, -EDEADLK, "and so is unmount");
}

/* ---- threads ---- */

static void *helpers_thread(void *arg)
{
	intptr_t bad = 0;

	for (int i = 0; i < ROUNDS; i++)
		bad += all_helpers(arg, 0);
	return (void *)bad;
}

static void own_thread(void)
{
	cephring_engine *e = engine_new(1);
	cephring_mount *m = mount_new(e, "1024");
	pthread_t t[THREADS];
	intptr_t bad = 0;
	void *ret;

	tap_eq(all_helpers(m, 0), 0, "every helper beside an engine with its own thread");
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, helpers_thread, m);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &ret);
		bad += (intptr_t)ret;
	}
	tap_eq(bad, 0, "and from several threads at once");
	callback(e, m, 1);
	tap_eq(cephring_engine_free(e), -EBUSY, "an engine with a mount is not freed");
	tap_eq(cephring_sync_unmount(m), 0, "unmount");
	tap_eq(cephring_engine_free(e), 0, "and then it is");
}

/* ---- a silent MDS ---- */

struct ended {
	int calls;
	int64_t res;
};

static void ended(struct cephring_op *op, int64_t res, void *user)
{
	struct ended *n = user;

	n->calls++;
	n->res = res;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void silent(void)
{
	cephring_engine *e = engine_new(0);
	cephring_mount *m = mount_new(e, "2");
	struct ended late = { 0 }, cancelled = { 0 };
	struct cephring_op op[3] = { 0 };
	struct cephring_statx st[3];

	tap_eq(devcluster("pause mds.a"), 0, "the MDS is paused");
	cephring_op_deadline(&op[0], now_ns() + 200 * 1000000u);
	tap_eq(
	    cephring_statx(m, NULL, "/sync/a", CEPHRING_STATX_BASIC, 0, NULL, &st[0], &op[0], ended, &late),
	    0, "one operation with a deadline");
	tap_eq(cephring_statx(m, NULL, "/sync/b", CEPHRING_STATX_BASIC, 0, NULL, &st[1], &op[1], ended,
			      &cancelled),
	       0, "one to be cancelled");
	tap_eq(
	    cephring_statx(m, NULL, "/sync/c", CEPHRING_STATX_BASIC, 0, NULL, &st[2], &op[2], ended, &late),
	    -EAGAIN, "a third is beyond the budget");
	tap_eq(cephring_statx(m, NULL, "/sync/b", CEPHRING_STATX_BASIC, 0, NULL, &st[1], &op[1], ended,
			      &cancelled),
	       -EBUSY, "one in flight is not submitted again");
	tap_eq(cephring_op_cancel(m, &op[2]), -EALREADY, "what was not accepted cannot be cancelled");
	cephring_run(e, 0);
	tap_eq(cephring_op_cancel(m, &op[1]), 0, "cancel");
	tap_eq(cancelled.calls, 0, "no callback from inside it");
	while (!late.calls || !cancelled.calls)
		cephring_run(e, -1);
	tap_eq(cancelled.res, -ECANCELED, "the cancelled one says so");
	tap_eq(late.res, -ETIMEDOUT, "the late one too");
	tap_eq(devcluster("resume mds.a"), 0, "the MDS goes on");
	tap_eq(cephring_sync_statx(m, NULL, "/sync/dir/file", CEPHRING_STATX_BASIC, 0, NULL, &st[0]), 0,
	       "and so does the mount");
	tap_eq(late.calls + cancelled.calls, 2, "each callback came once");
	tap_eq(cephring_sync_unmount(m), 0, "unmount");
	tap_eq(cephring_engine_free(e), 0, "the engine is freed");
}

/* ---- the driven engine, and a thread that waits beside it ---- */

static void driven(void)
{
	cephring_engine *e = engine_new(0);
	cephring_mount *m = mount_new(e, "1024");
	pthread_t t;
	void *bad;

	tap_eq(all_helpers(m, 1), 0, "every helper on the thread that drives");
	callback(e, m, 0);
	pthread_create(&t, NULL, helpers_thread, m);
	while (pthread_tryjoin_np(t, &bad) == EBUSY)
		cephring_run(e, 1000000);
	tap_eq((intptr_t)bad, 0, "and on a thread beside it");
	tap_eq(cephring_sync_unmount(m), 0, "unmount");
	tap_eq(cephring_engine_free(e), 0, "the engine is freed");
}

int main(void)
{
	plant();
	driven();
	own_thread();
	silent();
	return tap_end();
}
