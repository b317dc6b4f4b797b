/* cluster: ; timeout: 240 */
/* Cached calls on other threads beside a real MDS: what another client (libcephfs) or this one has changed is
 * seen by every call that begins after it, and nothing before it was begun; every question gives what the
 * call through the engine gives; and all of it without asking anybody. */
#include "tap.h"
#include "second.h"
#include <cephring.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READERS = 3, CHANGES = 400 };

static cephring_engine *engine;
static cephring_mount *mount;

static void begin(void)
{
	struct cephring_engine_opts o = { .size = sizeof o, .own_thread = 1, .cpu = -1 };
	cephring_config *c;
	char why[256];

	if (cephring_engine_new(&o, &engine, why, sizeof why) || cephring_config_new(&c) ||
	    cephring_config_load(c) || cephring_sync_mount(engine, c, NULL, &mount))
		tap_die("mount");
	cephring_config_free(c);
}

static void make_file(struct ceph_mount_info *cm, const char *path)
{
	int fd = ceph_open(cm, path, O_CREAT | O_WRONLY, 0644);

	if (fd < 0 || ceph_close(cm, fd))
		tap_die("a file");
}

static struct ceph_mount_info *plant(void)
{
	struct ceph_mount_info *cm;

	if (second_mount(&cm))
		tap_die("libcephfs does not mount");
	ceph_mkdirs(cm, "/cached/a/b", 0755);
	ceph_mkdirs(cm, "/cached/c", 0755);
	make_file(cm, "/cached/a/b/f");
	make_file(cm, "/cached/a/x");
	ceph_setxattr(cm, "/cached/a/b/f", "user.k", "value", 5, 0);
	ceph_symlink(cm, "a/b/f", "/cached/l");
	ceph_chmod(cm, "/cached/a/b/f", 0640);
	ceph_sync_fs(cm);
	return cm;
}

/* ---- what is cached is answered here ---- */

static uint64_t messages(void)
{
	struct cephring_stats s = { .size = sizeof s };

	cephring_stats(mount, &s);
	return s.mds_requests;
}

static void *all_questions(void *arg)
{
	static const struct cephring_cred other = { .uid = 4711, .gid = 4711 };
	struct cephring_statx st;
	cephring_inode *i = NULL;
	char buf[64];
	uint64_t before;

	(void)arg;
	/* Whoever comes first asks; then it is here. */
	cephring_sync_statx(mount, NULL, "/cached/l", CEPHRING_STATX_ALL, 0, NULL, &st);
	cephring_sync_statx(mount, NULL, "/cached/a/b/f", CEPHRING_STATX_ALL, 0, &other, &st);
	cephring_sync_readlink(mount, NULL, "/cached/l", NULL, buf, sizeof buf);
	cephring_sync_getxattr(mount, NULL, "/cached/a/b/f", "user.k", 0, NULL, buf, sizeof buf);
	cephring_sync_statx(mount, NULL, "/cached/c", CEPHRING_STATX_ALL, 0, NULL, &st);
	cephring_sync_statx(mount, NULL, "/cached/none", CEPHRING_STATX_ALL, 0, NULL, &st);
	before = messages();
	tap_eq(cephring_statx_cached(mount, NULL, "/cached/a/b/f", CEPHRING_STATX_ALL, 0, NULL, &st), 0,
	       "statx");
	tap_ok(st.mask == CEPHRING_STATX_ALL && S_ISREG(st.mode), "with every field");
	tap_eq(cephring_statx_cached(mount, NULL, "/cached/l", CEPHRING_STATX_ALL, 0, NULL, &st), 0,
	       "through a link");
	tap_eq(cephring_statx_cached(mount, NULL, "/cached/a/../c/.", CEPHRING_STATX_ALL, 0, NULL, &st), 0,
	       "up and down");
	tap_eq(cephring_statx_cached(mount, NULL, "/cached/none", CEPHRING_STATX_ALL, 0, NULL, &st), -ENOENT,
	       "what is not there");
	tap_eq(cephring_statx_cached(mount, NULL, "/cached/a/b/f/x", CEPHRING_STATX_ALL, 0, NULL, &st),
	       -ENOTDIR, "below a file");
	tap_eq(cephring_readlink_cached(mount, NULL, "/cached/l", NULL, buf, sizeof buf), 5, "readlink");
	tap_eq(cephring_getxattr_cached(mount, NULL, "/cached/a/b/f", "user.k", 0, NULL, buf, sizeof buf), 5,
	       "getxattr");
	tap_eq(cephring_access_cached(mount, NULL, "/cached/a/b/f", R_OK, 0, NULL), 0, "access");
	tap_eq(cephring_access_cached(mount, NULL, "/cached/a/b/f", R_OK, 0, &other), -EACCES,
	       "access of another user");
	tap_eq(cephring_lookup_cached(mount, NULL, "/cached/a/b", 0, NULL, &i), 0, "lookup");
	tap_eq(cephring_statx_cached(mount, i, "f", CEPHRING_STATX_ALL, 0, NULL, &st), 0, "from there");
	cephring_put(mount, i);
	tap_eq(cephring_statx_cached(mount, NULL, "/cached/a/b/f", CEPHRING_STATX_ALL, CEPHRING_FORCE_SYNC,
				     NULL, &st),
	       -EAGAIN, "not what must be asked");
	tap_eq(cephring_statx_cached(mount, NULL, "/cached/a/unknown", CEPHRING_STATX_ALL, 0, NULL, &st),
	       -EAGAIN, "nor what is unknown");
	tap_eq((long long)(messages() - before), 0, "nobody was asked");
	return NULL;
}

/* ---- beside changes ---- */

/* Stamps count up. A change to stamp n begins when `ahead` is n and is complete when `done` is. */
static uint64_t ahead, done; /* atomic */
static bool stop;            /* atomic */
static uint64_t hits;        /* atomic: answers from the cache */

struct reader {
	pthread_t thread;
	uint64_t answers, cached, old, early, other;
	int64_t (*look)(bool *cached); /* the stamp seen, or an error */
};

/* A size is a stamp. */
static int64_t look_at_size(bool *cached)
{
	struct cephring_statx st;
	int err = cephring_statx_cached(mount, NULL, "/cached/a/b/f", CEPHRING_STATX_SIZE, 0, NULL, &st);

	*cached = err != -EAGAIN;
	if (!*cached)
		err = cephring_sync_statx(mount, NULL, "/cached/a/b/f", CEPHRING_STATX_SIZE, 0, NULL, &st);
	return err ? err : (int64_t)st.size;
}

static void *reader_run(void *arg)
{
	struct reader *r = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		uint64_t least = __atomic_load_n(&done, __ATOMIC_ACQUIRE), most;
		bool cached;
		int64_t got = r->look(&cached);

		most = __atomic_load_n(&ahead, __ATOMIC_ACQUIRE);
		r->answers++;
		r->cached += cached;
		if (cached)
			__atomic_add_fetch(&hits, 1, __ATOMIC_RELAXED);
		r->other += got < 0;
		r->old += got >= 0 && (uint64_t)got < least;
		r->early += got >= 0 && (uint64_t)got > most;
	}
	return NULL;
}

/* Time to be cached again. */
static void pause_for_a_hit(void)
{
	uint64_t before = __atomic_load_n(&hits, __ATOMIC_RELAXED);

	for (int n = 0; n < 400 && __atomic_load_n(&hits, __ATOMIC_RELAXED) == before; n++)
		usleep(500);
}

static void beside(const char *what, int64_t (*look)(bool *cached), int (*change)(void *arg, uint64_t stamp),
		   void *arg)
{
	struct reader r[READERS] = { 0 }, sum = { 0 };
	int failed = 0;

	stop = false;
	for (int n = 0; n < READERS; n++) {
		r[n].look = look;
		if (pthread_create(&r[n].thread, NULL, reader_run, &r[n]))
			tap_die("a thread");
	}
	for (int n = 0; n < CHANGES; n++) {
		uint64_t stamp = ahead + 1;

		__atomic_store_n(&ahead, stamp, __ATOMIC_RELEASE);
		failed += change(arg, stamp) != 0;
		__atomic_store_n(&done, stamp, __ATOMIC_RELEASE);
		if (n % 4 == 0)
			pause_for_a_hit();
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (int n = 0; n < READERS; n++) {
		pthread_join(r[n].thread, NULL);
		sum.answers += r[n].answers;
		sum.cached += r[n].cached;
		sum.old += r[n].old;
		sum.early += r[n].early;
		sum.other += r[n].other;
	}
	tap_note("%llu answers, %llu of them cached", (unsigned long long)sum.answers,
		 (unsigned long long)sum.cached);
	tap_eq(failed, 0, "the changes went well");
	tap_eq((long long)sum.other, 0, "no error");
	tap_ok(sum.cached > 0, "%s: answers came from the cache", what);
	tap_eq((long long)sum.old, 0, "none is older than what was done");
	tap_eq((long long)sum.early, 0, "none is of what was not begun");
}

static int truncate_elsewhere(void *arg, uint64_t stamp)
{
	return ceph_truncate(arg, "/cached/a/b/f", (int64_t)stamp);
}

static int truncate_here(void *arg, uint64_t stamp)
{
	struct cephring_setattr set = { .struct_size = sizeof set, .set = CEPHRING_SET_SIZE, .size = stamp };

	(void)arg;
	return cephring_sync_setattr(mount, NULL, "/cached/a/b/f", &set, 0, NULL);
}

/* The file is in one of two directories, and a stamp says in which: odd in c, even in a. At any one moment it
 * is in exactly one. */
static int64_t look_where(bool *cached)
{
	uint64_t before = __atomic_load_n(&done, __ATOMIC_ACQUIRE), after;
	struct cephring_statx st;
	int err = cephring_statx_cached(mount, NULL, "/cached/c/x", CEPHRING_STATX_TYPE, 0, NULL, &st);

	*cached = err != -EAGAIN;
	if (!*cached)
		err = cephring_sync_statx(mount, NULL, "/cached/c/x", CEPHRING_STATX_TYPE, 0, NULL, &st);
	after = __atomic_load_n(&ahead, __ATOMIC_ACQUIRE);
	if (err && err != -ENOENT)
		return err;
	if (before != after) /* it moved meanwhile: either is right */
		return (int64_t)after;
	return (after & 1) == (err == 0) ? (int64_t)after : 0; /* 0: older than all */
}

static int rename_elsewhere(void *arg, uint64_t stamp)
{
	return stamp & 1 ? ceph_rename(arg, "/cached/a/x", "/cached/c/x")
			 : ceph_rename(arg, "/cached/c/x", "/cached/a/x");
}

static int rename_here(void *arg, uint64_t stamp)
{
	(void)arg;
	return stamp & 1 ? cephring_sync_rename(mount, NULL, "/cached/a/x", NULL, "/cached/c/x", 0, NULL)
			 : cephring_sync_rename(mount, NULL, "/cached/c/x", NULL, "/cached/a/x", 0, NULL);
}

int main(void)
{
	struct ceph_mount_info *cm = plant();
	pthread_t thread;

	begin();
	if (pthread_create(&thread, NULL, all_questions, NULL))
		tap_die("a thread");
	pthread_join(thread, NULL);
	ahead = done = 1;
	ceph_truncate(cm, "/cached/a/b/f", 1);
	beside("another client's truncate", look_at_size, truncate_elsewhere, cm);
	beside("our truncate", look_at_size, truncate_here, NULL);
	ahead = done = 2;
	beside("another client's rename", look_where, rename_elsewhere, cm);
	beside("our rename", look_where, rename_here, NULL);
	tap_eq(cephring_sync_unmount(mount), 0, "unmount");
	tap_eq(cephring_engine_free(engine), 0, "engine");
	second_unmount(cm);
	printf("1..%d\n", tap_count);
	return tap_failures != 0;
}
