/* cluster: --keys default; timeout: 120 */
/* The drop-in with 64 threads: each works in a directory of its own and finds what it left there, all of them
 * in a common one, and all close and use each other's descriptors; calls of the nonblocking kind end exactly
 * once each. */
#include "twice.h"
#include "../../src/compat/ll_io_info.h"
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 64, ROUNDS = 30, FLIGHT = 8 };

#pragma weak ceph_ll_nonblocking_readv_writev

static struct ceph_mount_info *cm;
static atomic_int wrong, common_fd[16];
static UserPerm *root;

#define MUST(claim)                                                                                          \
	do {                                                                                                 \
		if (!(claim) && atomic_fetch_add(&wrong, 1) < 10)                                            \
			tap_note("thread %d round %d: %s", self, round, #claim);                             \
	} while (0)

static void own_files(int self, int round)
{
	char path[64], to[64], buf[64], text[32];
	struct ceph_statx st;
	int fd, n;

	snprintf(path, sizeof path, "/t%d/f%d", self, round);
	snprintf(to, sizeof to, "/t%d/g%d", self, round);
	n = snprintf(text, sizeof text, "thread %d round %d", self, round);
	fd = ceph_open(cm, path, O_CREAT | O_RDWR, 0644);
	MUST(fd >= 10);
	MUST(ceph_write(cm, fd, text, n, 0) == n);
	MUST(ceph_read(cm, fd, buf, sizeof buf, 0) == n && !memcmp(buf, text, (size_t)n));
	MUST(ceph_fstatx(cm, fd, &st, CEPH_STATX_SIZE, 0) == 0 && st.stx_size == (uint64_t)n);
	MUST(ceph_setxattr(cm, path, "user.n", text, (size_t)n, 0) == 0);
	MUST(ceph_getxattr(cm, path, "user.n", buf, sizeof buf) == n);
	MUST(ceph_close(cm, fd) == 0);
	MUST(ceph_rename(cm, path, to) == 0);
	MUST(ceph_statx(cm, path, &st, CEPH_STATX_INO, 0) == -ENOENT);
	MUST(ceph_statx(cm, to, &st, CEPH_STATX_SIZE, 0) == 0 && st.stx_size == (uint64_t)n);
	if (round % 2)
		MUST(ceph_unlink(cm, to) == 0);
}

static void own_listing(int self, int round)
{
	struct ceph_dir_result *d;
	char path[32];
	int n = 0;

	snprintf(path, sizeof path, "/t%d", self);
	MUST(ceph_opendir(cm, path, &d) == 0);
	while (ceph_readdir(cm, d))
		n++;
	MUST(n == 2 + (round + 2) / 2);
	MUST(ceph_closedir(cm, d) == 0);
}

static struct ceph_dir_result *common_dir;

/* All read on in one listing, and begin it anew now and then. */
static void common_listing(int self, int round)
{
	struct dirent de;
	int r = ceph_readdir_r(cm, common_dir, &de);

	MUST(r == 1 ? de.d_name[0] == '.' || !strcmp(de.d_name, "file") || !strcmp(de.d_name, "dir")
		    : r == 0);
	if (r == 0 || self == 3)
		ceph_rewinddir(cm, common_dir);
}

/* Whoever comes replaces a descriptor and closes the old one while others use it. */
static void common(int self, int round)
{
	atomic_int *slot = &common_fd[(self * 7 + round) % 16];
	char buf[16];
	int fd = ceph_open(cm, "/common/file", O_RDWR, 0), was, r;

	MUST(fd >= 10);
	was = atomic_exchange(slot, fd);
	r = ceph_read(cm, atomic_load(&common_fd[(self + round) % 16]), buf, 8, 0);
	MUST(r == 8 || r == -EBADF);
	if (was) {
		r = ceph_close(cm, was);
		MUST(r == 0);
	}
	MUST(ceph_mkdir(cm, "/common/dir", 0755) <= 0);
	r = ceph_rmdir(cm, "/common/dir");
	MUST(r == 0 || r == -ENOENT);
	MUST(ceph_chdir(cm, self % 2 ? "/common" : "/") == 0);
	MUST(ceph_getcwd(cm) || 1);
}

static void low_level(int self, int round)
{
	struct Inode *r = NULL, *in = NULL;
	struct ceph_statx st;
	struct Fh *fh = NULL;
	char name[32];

	snprintf(name, sizeof name, "ll-%d-%d", self, round);
	MUST(ceph_ll_lookup_root(cm, &r) == 0);
	MUST(ceph_ll_create(cm, r, name, 0600, O_RDWR | O_EXCL, &in, &fh, &st, CEPH_STATX_INO, 0, root) == 0);
	MUST(ceph_ll_write(cm, fh, 0, 4, "abcd") == 4);
	MUST(ceph_ll_getattr(cm, in, &st, CEPH_STATX_SIZE, 0, root) == 0 && st.stx_size == 4);
	MUST(ceph_ll_close(cm, fh) == 0);
	MUST(ceph_ll_unlink(cm, r, name, root) == 0);
	ceph_ll_put(cm, in);
	ceph_ll_put(cm, r);
}

static void *work(void *arg)
{
	int self = (int)(intptr_t)arg, round = -1;
	char path[32];

	snprintf(path, sizeof path, "/t%d", self);
	MUST(ceph_mkdir(cm, path, 0755) == 0);
	for (round = 0; round < ROUNDS; round++) {
		own_files(self, round);
		if (round % 8 == 7)
			own_listing(self, round);
		common(self, round);
		common_listing(self, round);
		if (round % 4 == 0)
			low_level(self, round);
	}
	return NULL;
}

/* ---- nonblocking ---- */

struct flight {
	struct ceph_ll_io_info io;
	struct iovec iov;
	char data[4096];
	atomic_int ended;
};

static atomic_int landed;

static void ended(struct ceph_ll_io_info *io)
{
	struct flight *f = io->priv;

	atomic_fetch_add(&f->ended, 1);
	atomic_fetch_add(&landed, 1);
}

static void nonblocking(void)
{
	static struct flight f[FLIGHT];
	struct Inode *r, *in;
	struct ceph_statx st;
	struct Fh *fh;
	int bad = 0;

	ceph_ll_lookup_root(cm, &r);
	tap_eq(ceph_ll_create(cm, r, "nonblocking", 0600, O_RDWR, &in, &fh, &st, 0, 0, root), 0, "a file");
	for (int pass = 0; pass < 2; pass++) {
		atomic_store(&landed, 0);
		for (int n = 0; n < FLIGHT; n++) {
			if (!pass)
				memset(f[n].data, 'a' + n, sizeof f[n].data);
			else
				memset(f[n].data, 0, sizeof f[n].data);
			f[n].ended = 0;
			f[n].iov = (struct iovec){ f[n].data, sizeof f[n].data };
			f[n].io = (struct ceph_ll_io_info){ .callback = ended,
							    .priv = &f[n],
							    .fh = fh,
							    .iov = &f[n].iov,
							    .iovcnt = 1,
							    .off = n * 4096,
							    .write = !pass,
							    .fsync = !pass };
			bad += ceph_ll_nonblocking_readv_writev(cm, &f[n].io) != 0;
		}
		while (atomic_load(&landed) < FLIGHT)
			usleep(1000);
		for (int n = 0; n < FLIGHT; n++)
			bad += f[n].ended != 1 || f[n].io.result != 4096 || f[n].data[77] != 'a' + n;
	}
	tap_eq(bad, 0, "all were accepted, and ended once, with their data");
	f[0].io.fh = NULL;
	tap_eq(ceph_ll_nonblocking_readv_writev(cm, &f[0].io), -EBADF, "a bad handle is not accepted");
	f[0].io.fh = fh;
	f[0].io.callback = NULL;
	tap_eq(ceph_ll_nonblocking_readv_writev(cm, &f[0].io), -EINVAL, "nor what could not end");
	ceph_ll_close(cm, fh);
	ceph_ll_put(cm, in);
	ceph_ll_put(cm, r);
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS];
	char buf[2048];
	int fd, n;

	if (argc == 1) {
		setenv("LD_LIBRARY_PATH", COMPAT_LIB_DIR, 1);
		execl("/proc/self/exe", argv[0], "ours", (char *)NULL);
		return 9;
	}
	on_ours = 1;
	snprintf(buf, sizeof buf, "%d", (int)getpid());
	setenv("TWICE_RUN", buf, 1);
	if (twice_mount(&cm, "/", NULL) || ceph_mkdirs(cm, twice_root(), 0777) || ceph_unmount(cm) ||
	    ceph_mount(cm, twice_root()))
		tap_die("a mount");
	root = ceph_userperm_new(0, 0, 0, NULL);
	ceph_mkdir(cm, "/common", 0777);
	fd = ceph_open(cm, "/common/file", O_CREAT | O_WRONLY, 0666);
	tap_eq(ceph_write(cm, fd, "12345678", 8, 0), 8, "a common file");
	ceph_close(cm, fd);
	tap_eq(ceph_opendir(cm, "/common", &common_dir), 0, "its directory");
	for (intptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, work, (void *)i))
			tap_die("a thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	tap_eq(atomic_load(&wrong), 0, "64 threads found all as it must be");
	tap_eq(ceph_closedir(cm, common_dir), 0, "its directory is closed");
	nonblocking();
	n = ceph_getxattr(cm, "/", "cephring.view", buf, sizeof buf - 1);
	buf[n > 0 ? n : 0] = '\0';
	tap_note("%s", buf);
	tap_ok(strstr(buf, "\"descriptors\": 16,") && strstr(buf, "\"handles\": 0,"),
	       "what is open is what was left open");
	tap_eq(ceph_unmount(cm), 0, "unmounted, with what was left open");
	tap_eq(ceph_release(cm), 0, "released");
	ceph_userperm_destroy(root);
	return tap_end();
}
