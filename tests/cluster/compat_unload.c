/* cluster: --keys default; timeout: 240 */
/* A program that is not linked to libcephfs loads the drop-in while it runs. It lets go of it, forks and ends
 * while threads are inside calls, one of them waits for a lock, and reads and writes of the nonblocking kind
 * are with an OSD that does not answer. The library stays in memory (-z nodelete): no call loses its code.
 *
 * Each scene is a process of its own; how it ends is a claim too. */
#include "tap.h"
#include <cephfs/libcephfs.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../src/compat/ll_io_info.h"
#include "../../src/ring/sanitizers.h"

#define LIBRARY COMPAT_LIB_DIR "/libcephfs.so.2"
#define TOP     "/compat_unload"

enum { FLIGHT = 8, BLOCK = 4096, STATS = 4, FORKS = 24, SCENE_S = 60, EXIT_S = 15, STUCK = 99 };

/* ---- the library, by name ---- */

#define CALLS(X)                                                                                             \
	X(ceph_create)                                                                                       \
	X(ceph_conf_read_file)                                                                               \
	X(ceph_conf_set)                                                                                     \
	X(ceph_mount)                                                                                        \
	X(ceph_unmount)                                                                                      \
	X(ceph_release)                                                                                      \
	X(ceph_is_mounted)                                                                                   \
	X(ceph_get_instance_id)                                                                              \
	X(ceph_mkdirs)                                                                                       \
	X(ceph_mkdir)                                                                                        \
	X(ceph_statx)                                                                                        \
	X(ceph_open)                                                                                         \
	X(ceph_close)                                                                                        \
	X(ceph_read)                                                                                         \
	X(ceph_write)                                                                                        \
	X(ceph_fsync)                                                                                        \
	X(ceph_flock)                                                                                        \
	X(ceph_userperm_new)                                                                                 \
	X(ceph_userperm_destroy)                                                                             \
	X(ceph_ll_walk)                                                                                      \
	X(ceph_ll_open)                                                                                      \
	X(ceph_ll_close)                                                                                     \
	X(ceph_ll_put)                                                                                       \
	X(ceph_ll_nonblocking_readv_writev)

static struct {
	void *handle;
#define POINTER(name) __typeof__(name) *name;
	CALLS(POINTER)
} lib;

static void load(void)
{
	lib.handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!lib.handle)
		tap_die(dlerror());
#define FIND(name)                                                                                           \
	*(void **)&lib.name = dlsym(lib.handle, #name);                                                      \
	if (!lib.name)                                                                                       \
		tap_die(#name);
	CALLS(FIND)
}

/* ---- scenes ---- */

/* What a scene tells the program that started it. */
static struct shared {
	int count, failures;
	uint64_t client[2]; /* whose sessions it leaves behind */
} * shared;

/* Asked by the leak checker at exit: it cannot stop threads that are all in the kernel, and takes what they
 * hold for lost. */
static bool leaving;
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return leaving;
}

/* Asked by ThreadSanitizer: threads that are left at an exit, or are made after a fork, are what is tested.
 */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_thread_leaks=0:die_after_fork=0";
}

static void tell(void)
{
	shared->count = tap_count;
	shared->failures = tap_failures;
}

/* Its exit status, 1000 + what it was killed by, or STUCK. */
static int ended_within(pid_t pid, int seconds)
{
	int status;

	for (int n = 0; n < seconds * 100; n++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
		usleep(10000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return STUCK;
}

static void scene(const char *name, void (*play)(void))
{
	int status;
	pid_t pid;

	tap_note("%s", name);
	shared->client[0] = shared->client[1] = 0;
	tell();
	pid = fork();
	if (!pid) {
		play();
		tell();
		exit(0);
	}
	status = ended_within(pid, SCENE_S);
	tap_count = shared->count;
	tap_failures = shared->failures;
	tap_eq(status, 0, name);
	devcluster("resume osd.0");
	/* an exit says nothing to servers: its session would stay for a minute */
	for (int n = 0; n < 2; n++)
		if (shared->client[n])
			devcluster("ceph tell 'mds.*' client evict id=%llu >/dev/null 2>&1",
				   (unsigned long long)shared->client[n]);
}

/* ---- a mount ---- */

static struct ceph_mount_info *cm;

/* Without a cache of file data: each read and write is with an OSD. */
static int mount_new(struct ceph_mount_info **out, bool cached)
{
	char ring[4096];
	int err = lib.ceph_create(out, "second");

	snprintf(ring, sizeof ring, "%s/second.keyring", getenv("CLUSTER_DIR"));
	err = err ? err : lib.ceph_conf_read_file(*out, getenv("CEPH_CONF"));
	err = err ? err : lib.ceph_conf_set(*out, "keyring", ring);
	err = err ? err : lib.ceph_conf_set(*out, "client_oc", cached ? "true" : "false");
	return err ? err : lib.ceph_mount(*out, "/");
}

static void mounted(bool cached)
{
	int fd;

	if (mount_new(&cm, cached) || lib.ceph_mkdirs(cm, TOP, 0755) < 0)
		tap_die("a mount");
	shared->client[0] = lib.ceph_get_instance_id(cm);
	fd = lib.ceph_open(cm, TOP "/locked", O_CREAT | O_RDWR, 0644);
	if (fd < 0 || lib.ceph_close(cm, fd))
		tap_die("a file");
}

/* ---- threads inside calls ---- */

static atomic_uint turns;
static atomic_bool enough;
static int locked[2];

/* clang 14's AddressSanitizer lets a child inherit its allocator's locks as other threads hold them, and the
 * child waits for ever. So there, and only there, who may be allocating stands still at a fork; calls that
 * wait for a lock or an OSD are under way all the same. */
static atomic_bool still;
static atomic_uint stopped;

static void stand_still(void)
{
	atomic_fetch_add(&stopped, 1);
	while (atomic_load(&still))
		usleep(1000);
	atomic_fetch_sub(&stopped, 1);
}

static pid_t fork_here(void)
{
	pid_t pid;

#ifdef ASAN
	atomic_store(&still, true);
	while (atomic_load(&stopped) < STATS)
		usleep(1000);
	usleep(20000); /* the engine has nothing to do any more */
#endif
	pid = fork();
	atomic_store(&still, false);
	return pid;
}

static void *stats(void *arg)
{
	struct ceph_statx st;
	char path[64];
	int r = 0;

	/* Of what is cached, and of names that are new each time. */
	for (unsigned n = 0; !r && !atomic_load(&enough); n++) {
		snprintf(path, sizeof path, TOP "/none-%d-%u", (int)(intptr_t)arg, n);
		r = lib.ceph_statx(cm, TOP, &st, CEPH_STATX_BASIC_STATS, 0);
		if (!r && lib.ceph_statx(cm, path, &st, CEPH_STATX_INO, 0) != -ENOENT)
			r = -EIO;
		atomic_fetch_add(&turns, 1);
		if (atomic_load(&still))
			stand_still();
	}
	return (void *)(intptr_t)r;
}

static void *waits(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)lib.ceph_flock(cm, locked[1], LOCK_EX, 2);
}

static pthread_t stat_thread[STATS], lock_thread;

/* Do they come round so often? */
static bool turns_pass(unsigned count)
{
	unsigned from = atomic_load(&turns);

	for (int n = 0; n < 20000 && atomic_load(&turns) - from < count; n++)
		usleep(1000);
	return atomic_load(&turns) - from >= count;
}

static void threads_begin(void)
{
	for (int n = 0; n < 2; n++)
		locked[n] = lib.ceph_open(cm, TOP "/locked", O_RDWR, 0);
	if (lib.ceph_flock(cm, locked[0], LOCK_EX, 1) || pthread_create(&lock_thread, NULL, waits, NULL))
		tap_die("a lock");
	for (intptr_t n = 0; n < STATS; n++)
		if (pthread_create(&stat_thread[n], NULL, stats, (void *)n))
			tap_die("a thread");
	tap_ok(turns_pass(100), "threads are in calls");
}

static int thread_result(pthread_t t)
{
	void *res;

	pthread_join(t, &res);
	return (int)(intptr_t)res;
}

/* ---- reads of the nonblocking kind ---- */

struct flight {
	struct ceph_ll_io_info io;
	struct iovec iov;
	char data[BLOCK];
	atomic_int ended;
};

static struct flight flights[FLIGHT];
static atomic_int landed;
static bool again;        /* each is submitted anew when it ends */
static atomic_bool exits; /* the first to end ends the process */

static void ended(struct ceph_ll_io_info *io)
{
	struct flight *f = io->priv;

	atomic_fetch_add(&f->ended, 1);
	atomic_fetch_add(&landed, 1);
	if (atomic_load(&exits))
		exit(lib.ceph_unmount(cm) == -EDEADLK ? 0 : 8);
	if (again)
		lib.ceph_ll_nonblocking_readv_writev(cm, io);
}

/* A file whose blocks are 'a', 'b', ... */
static struct Fh *written(struct ceph_mount_info *m)
{
	UserPerm *root = lib.ceph_userperm_new(0, 0, 0, NULL);
	int fd = lib.ceph_open(m, TOP "/data", O_CREAT | O_RDWR, 0644);
	char block[BLOCK];
	struct ceph_statx st;
	struct Inode *in;
	struct Fh *fh;

	for (int n = 0; n < FLIGHT; n++) {
		memset(block, 'a' + n, BLOCK);
		if (lib.ceph_write(m, fd, block, BLOCK, (int64_t)n * BLOCK) != BLOCK)
			tap_die("a block is written");
	}
	if (lib.ceph_fsync(m, fd, 0) || lib.ceph_close(m, fd) ||
	    lib.ceph_ll_walk(m, TOP "/data", &in, &st, CEPH_STATX_INO, 0, root) ||
	    lib.ceph_ll_open(m, in, O_RDWR, &fh, root))
		tap_die("the file is written and opened");
	lib.ceph_ll_put(m, in);
	lib.ceph_userperm_destroy(root);
	return fh;
}

static void take_off(struct ceph_mount_info *m, struct Fh *fh)
{
	int taken = 0;

	atomic_store(&landed, 0);
	for (int n = 0; n < FLIGHT; n++) {
		struct flight *f = &flights[n];

		memset(f->data, 0, BLOCK);
		f->ended = 0;
		f->iov = (struct iovec){ f->data, BLOCK };
		f->io = (struct ceph_ll_io_info){
			.callback = ended, .priv = f, .fh = fh, .iov = &f->iov, .iovcnt = 1, .off = n * BLOCK
		};
		taken += lib.ceph_ll_nonblocking_readv_writev(m, &f->io) == 0;
	}
	tap_eq(taken, FLIGHT, "reads are taken");
}

static void all_land(void)
{
	int good = 0;

	for (int n = 0; n < 2000 && atomic_load(&landed) < FLIGHT; n++)
		usleep(10000);
	usleep(50000); /* a second end would come now */
	for (int n = 0; n < FLIGHT; n++)
		good += flights[n].ended == 1 && flights[n].io.result == BLOCK &&
			flights[n].data[0] == 'a' + n &&
			!memcmp(flights[n].data, flights[n].data + 1, BLOCK - 1);
	tap_eq(good, FLIGHT, "each read ends once, with its data");
}

/* All kinds of calls in flight, with an OSD that does not answer. */
static struct Fh *silent(void)
{
	struct Fh *fh;

	load();
	mounted(false);
	fh = written(cm);
	threads_begin();
	devcluster("pause osd.0");
	take_off(cm, fh);
	return fh;
}

/* ---- the library is let go of ---- */

static void let_go(void)
{
	struct Fh *fh = silent();
	struct ceph_mount_info *second;
	struct ceph_statx st;
	void *was, *found;
	int bad = 0;

	was = lib.handle;
	tap_eq(dlclose(lib.handle), 0, "dlclose, with threads inside");
	tap_eq(atomic_load(&landed), 0, "and with reads that no OSD has answered");
	found = dlopen(LIBRARY, RTLD_NOW | RTLD_NOLOAD);
	if (tap_ok(found == was, "the library stays in memory"))
		dlclose(found);
	tap_ok(turns_pass(1000), "calls go on");
	devcluster("resume osd.0");
	all_land();
	tap_eq(lib.ceph_flock(cm, locked[0], LOCK_UN, 1), 0, "the lock is given");
	tap_eq(thread_result(lock_thread), 0, "to the one who waited all the time");

	found = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	tap_ok(found == was && dlsym(found, "ceph_statx") == (void *)lib.ceph_statx,
	       "loaded again it is the same");
	tap_eq(mount_new(&second, false), 0, "and makes another mount");
	shared->client[1] = lib.ceph_get_instance_id(second);
	tap_eq(lib.ceph_statx(second, TOP "/data", &st, CEPH_STATX_SIZE, 0), 0, "that works");
	tap_eq(dlclose(found), 0, "let go of once more");
	atomic_store(&enough, true);
	for (int n = 0; n < STATS; n++)
		bad += thread_result(stat_thread[n]) != 0;
	tap_eq(bad, 0, "threads that used it end");
	tap_eq(lib.ceph_ll_close(cm, fh), 0, "a handle is closed");
	tap_eq(lib.ceph_unmount(cm), 0, "unmounted");
	tap_eq(lib.ceph_release(cm), 0, "released");
	tap_eq(lib.ceph_unmount(second), 0, "the other one too");
	tap_eq(lib.ceph_release(second), 0, "released");
	shared->client[0] = shared->client[1] = 0;
}

/* ---- the process ends ---- */

/* Registered before the library is loaded, and so run after its own end: nothing may come any more. */
static void watch(void)
{
	int before = atomic_load(&landed);

	usleep(200000);
	if (atomic_load(&landed) != before)
		_exit(3);
}

static void busy(void)
{
	atexit(watch);
	load();
	mounted(false);
	threads_begin();
	again = true;
	take_off(cm, written(cm));
	for (int n = 0; n < 20000 && atomic_load(&landed) < 10 * FLIGHT; n++)
		usleep(1000);
	tap_ok(atomic_load(&landed) >= 10 * FLIGHT, "reads come and go");
	tell();
	leaving = true;
	alarm(EXIT_S);
}

static void exit_main(void)
{
	busy();
	exit(0);
}

static void exit_unloaded(void)
{
	busy();
	tap_eq(dlclose(lib.handle), 0, "let go of first");
	tell();
	exit(0);
}

static void *exit_here(void *arg)
{
	(void)arg;
	exit(0);
}

static void exit_thread(void)
{
	pthread_t t;

	busy();
	if (pthread_create(&t, NULL, exit_here, NULL))
		tap_die("a thread");
	lib.ceph_flock(cm, locked[1], LOCK_EX, 3); /* for ever */
	pause();
}

/* On the engine's own thread, where nothing can be waited for: not for an unmount, not for its end. */
static void exit_callback(void)
{
	busy();
	atomic_store(&exits, true);
	pause();
}

static void exit_silent(void)
{
	silent();
	tell();
	leaving = true;
	alarm(EXIT_S);
	exit(0);
}

/* A program cleans up in a handler of its own. One that was registered after the library was loaded finds all
 * as it was, whenever the first mount came. */
static void unmounts(void)
{
	if (lib.ceph_unmount(cm) || lib.ceph_release(cm))
		_exit(4);
	shared->client[0] = 0;
}

static void handler_unmounts(void)
{
	int fd;

	load();
	atexit(unmounts);
	mounted(true);
	fd = lib.ceph_open(cm, TOP "/late", O_CREAT | O_TRUNC | O_RDWR, 0644);
	tap_eq(lib.ceph_write(cm, fd, "written at the end", 18, 0), 18, "a write into the cache");
	tell();
}

static void reads_late(void)
{
	char buf[64] = "";
	int fd;

	load();
	mounted(true);
	fd = lib.ceph_open(cm, TOP "/late", O_RDONLY, 0);
	tap_eq(lib.ceph_read(cm, fd, buf, sizeof buf, 0), 18, "it is on the disk");
	tap_ok(!memcmp(buf, "written at the end", 18), "as it was written");
	tap_eq(lib.ceph_close(cm, fd), 0, "closed");
	unmounts();
}

/* One that was registered earlier comes too late: the engine has stopped. It is told so. */
static void comes_late(void)
{
	struct ceph_statx st;

	if (lib.ceph_statx(cm, TOP "/new", &st, CEPH_STATX_INO, 0) != -ESHUTDOWN)
		_exit(5);
	if (lib.ceph_unmount(cm) != -ESHUTDOWN)
		_exit(6);
	if (lib.ceph_is_mounted(cm) || lib.ceph_unmount(cm) != -ENOTCONN)
		_exit(7);
}

static void handler_comes_late(void)
{
	atexit(comes_late);
	load();
	mounted(false);
	threads_begin();
	tell();
	leaving = true;
	alarm(EXIT_S);
}

/* ---- a fork ---- */

static int go[2]; /* a pipe: the parent says that OSDs answer again */

/* What the child inherits is nobody's: no call on it, no callback of it; it makes its own. */
static int child(struct Fh *old)
{
	struct ceph_statx st;
	struct Fh *fh;
	char c;

	leaving = true;
	if (lib.ceph_is_mounted(cm) || lib.ceph_mkdir(cm, "/no", 0755) != -ENOTCONN)
		return 2;
	flights[0].io.fh = old;
	if (lib.ceph_ll_nonblocking_readv_writev(cm, &flights[0].io) != -ENOTCONN ||
	    lib.ceph_unmount(cm) != -ENOTCONN || lib.ceph_release(cm))
		return 3;
	if (mount_new(&cm, false))
		return 4;
	shared->client[1] = lib.ceph_get_instance_id(cm);
	if (lib.ceph_statx(cm, TOP "/data", &st, CEPH_STATX_SIZE, 0) || st.stx_size != FLIGHT * BLOCK)
		return 5;
	if (read(go[0], &c, 1) != 1 || atomic_load(&landed))
		return 6;
	fh = written(cm);
	tap_failures = 0;
	take_off(cm, fh);
	all_land();
	if (tap_failures || lib.ceph_ll_close(cm, fh) || lib.ceph_unmount(cm) || lib.ceph_release(cm) ||
	    dlclose(lib.handle))
		return 7;
	shared->client[1] = 0;
	exit(0);
}

static void child_ends(int n)
{
	leaving = true;
	if (n % 4 == 0)
		_exit(0);
	if (n % 4 == 1)
		execl("/bin/true", "true", (char *)NULL);
	if (n % 4 == 2)
		dlclose(lib.handle);
	exit(0);
}

static int children_bad(int count)
{
	int bad = 0;

	for (int n = 0; n < count; n++) {
		pid_t p = fork_here();

		if (!p)
			child_ends(n);
		bad += ended_within(p, EXIT_S) != 0;
	}
	return bad;
}

static void forks(void)
{
	struct Fh *fh;
	int bad = 0;
	pid_t pid;

	if (pipe(go))
		tap_die("a pipe");
	load();
	mounted(false);
	fh = written(cm);
	threads_begin();
	tap_eq(children_bad(FORKS), 0, "children come and go");
	devcluster("pause osd.0");
	take_off(cm, fh);
	tap_eq(atomic_load(&landed), 0, "no OSD answers");
	pid = fork_here();
	if (!pid) {
		/* what it claims is in its exit status */
		if (!freopen("/dev/null", "w", stdout))
			_exit(1);
		_exit(child(fh));
	}
	/* Few: an OSD that slept for more than some 15 s may stay stuck. */
	tap_eq(children_bad(4), 0, "children end");
	tap_eq(atomic_load(&landed), 0, "and nothing of it ends the parent's reads");
	devcluster("resume osd.0");
	all_land();
	if (write(go[1], "!", 1) != 1)
		tap_die("the child is told");
	tap_eq(ended_within(pid, SCENE_S / 2), 0, "a child has nothing of them, and makes its own mount");
	tap_ok(turns_pass(100), "calls go on in the parent");
	atomic_store(&enough, true);
	for (int n = 0; n < STATS; n++)
		bad += thread_result(stat_thread[n]) != 0;
	tap_eq(bad, 0, "the parent's threads went on");
	tap_eq(lib.ceph_flock(cm, locked[0], LOCK_UN, 1), 0, "the lock is given");
	tap_eq(thread_result(lock_thread), 0, "to the one who waits");
	tap_eq(lib.ceph_unmount(cm), 0, "unmounted");
	tap_eq(lib.ceph_release(cm), 0, "released");
	shared->client[0] = 0;
}

int main(void)
{
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		tap_die("memory");
	tap_ok(!dlsym(RTLD_DEFAULT, "ceph_create"), "this program is not linked to libcephfs");
	scene("let go of with everything in flight", let_go);
	scene("exit, in main", exit_main);
	scene("exit after dlclose", exit_unloaded);
	scene("exit, on another thread while main waits for a lock", exit_thread);
	scene("exit in a callback", exit_callback);
	scene("exit while an OSD is silent", exit_silent);
	scene("an exit handler unmounts", handler_unmounts);
	scene("what it wrote", reads_late);
	scene("an exit handler that comes too late", handler_comes_late);
	scene("fork with everything in flight", forks);
	return tap_end();
}
