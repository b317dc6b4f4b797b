/* cluster: ; timeout: 240 */
/* The drop-in beside the real libcephfs: what a mount tells the program unasked. An MDS that allows fewer
 * caps makes both ask for the inodes that the program alone refers to; another client's writing and removing
 * makes both say that cached data, or a name, is gone. */
#include "twice.h"
#include <pthread.h>
#include <stdatomic.h>

enum { FILES = 400, ALLOWED = 100, WAIT_TENTHS = 600 };

static const struct twice_known known[] = { { NULL, NULL, NULL } };

static struct ceph_mount_info *mount_here;
static UserPerm *root;
static struct Inode *_Atomic file[FILES];
static uint64_t ino[FILES];
static atomic_int released, twice_held, asked_failed, put_failed, wrong_thread, wrong_handle, left_inside;
static atomic_int invalidated, other_range;
static atomic_int gone, wrong_name;
static atomic_int remounted, begun, ended;
static _Atomic uint64_t watched, watched_dir;
static pthread_t main_thread;
static int handle;

static void look(void *arg)
{
	if (arg != &handle)
		wrong_handle = 1;
	if (pthread_equal(pthread_self(), main_thread))
		wrong_thread = 1;
}

/* What NFS-Ganesha does: a call that waits, and the reference is put. */
static void on_release(void *arg, vinodeno_t v)
{
	struct ceph_statx st;
	struct Inode *in;
	int n = 0;

	look(arg);
	if (on_ours && !left_inside)
		left_inside = ceph_unmount(mount_here);
	while (n < FILES && ino[n] != v.ino.val)
		n++;
	if (n == FILES || v.snapid.val != CEPH_NOSNAP)
		return;
	if (!n)
		twice_held = 1;
	in = n ? atomic_exchange(&file[n], NULL) : NULL;
	if (!in)
		return;
	if (ceph_ll_getattr(mount_here, in, &st, CEPH_STATX_BASIC_STATS, 0, root) || st.stx_ino != v.ino.val)
		asked_failed = 1;
	if (ceph_ll_put(mount_here, in) < 0)
		put_failed = 1;
	released++;
}

static void on_invalid(void *arg, vinodeno_t v, int64_t off, int64_t len)
{
	look(arg);
	if (v.ino.val != watched)
		return;
	if (off || len)
		other_range = 1;
	invalidated++;
}

static int on_remount(void *arg)
{
	look(arg);
	remounted++;
	return 0;
}

/* On the thread that waits; what stands for the lock is nobody's but the library's. */
static void on_switch(void *arg, void *data)
{
	if (arg != &handle)
		wrong_handle = 1;
	if (data)
		begun++;
	else
		ended++;
}

static bool comes(atomic_int *count, int least)
{
	for (int n = 0; n < WAIT_TENTHS && *count < least; n++)
		usleep(100000);
	return *count >= least;
}

static void on_gone(void *arg, vinodeno_t dir, vinodeno_t v, const char *name, size_t len)
{
	look(arg);
	if (v.ino.val != watched)
		return;
	if (dir.ino.val != watched_dir || len != 4 || memcmp(name, "data", 5))
		wrong_name = 1;
	gone++;
}

static void too_many_caps(struct ceph_mount_info *cm, struct Inode *dir)
{
	struct ceph_statx st;
	struct Inode *in;
	struct Fh *fh;
	char name[16];
	int failed = 0;

	for (int n = 0; n < FILES; n++) {
		snprintf(name, sizeof name, "f%d", n);
		if (ceph_ll_create(cm, dir, name, 0644, O_CREAT | O_RDWR, &in, &fh, &st, CEPH_STATX_INO, 0,
				   root) ||
		    ceph_ll_close(cm, fh))
			failed++;
		ino[n] = st.stx_ino;
		file[n] = in;
	}
	say(failed, "files that could not be made");
	R(ceph_ll_lookup(cm, dir, "f0", &in, &st, CEPH_STATX_INO, 0, root));
	R(ceph_sync_fs(cm));
	R(released);
	twice_ceph("config set mds mds_min_caps_per_client 10");
	twice_ceph("config set mds mds_max_caps_per_client %d", ALLOWED);
	R(comes(&released, (FILES - ALLOWED) * 3 / 4));
	OURS(released >= (FILES - ALLOWED) * 3 / 4, 1);
	R(comes(&remounted, 1));
	R(twice_held);
	R(asked_failed);
	R(put_failed);
	OURS(left_inside, -EDEADLK);
	twice_ceph("config rm mds mds_max_caps_per_client");
	twice_ceph("config rm mds mds_min_caps_per_client");
	R(ceph_ll_put(cm, in));
	for (int n = 0; n < FILES; n++)
		if ((in = atomic_exchange(&file[n], NULL)))
			ceph_ll_put(cm, in);
}

static void another_writes(struct ceph_mount_info *cm, struct Inode *dir)
{
	struct ceph_mount_info *other;
	struct ceph_statx st;
	struct Inode *in;
	struct Fh *fh;
	char buf[16];
	int fd;

	R(ceph_ll_create(cm, dir, "data", 0644, O_CREAT | O_RDWR, &in, &fh, &st, CEPH_STATX_INO, 0, root));
	watched = st.stx_ino;
	R(ceph_ll_write(cm, fh, 0, 6, "before"));
	R(ceph_ll_fsync(cm, fh, 0));
	R(ceph_ll_read(cm, fh, 0, sizeof buf, buf));
	R(invalidated);
	R(twice_mount(&other, twice_root(), NULL));
	R((fd = ceph_open(other, "/data", O_RDWR, 0)) >= 0);
	R(ceph_write(other, fd, "AFTER!", 6, 0));
	R(comes(&invalidated, 1));
	OURS(invalidated >= 1, 1);
	R(other_range);
	R(ceph_ll_read(cm, fh, 0, sizeof buf, buf));
	say_text("then", buf, 6);
	R(ceph_close(other, fd));
	R(ceph_ll_close(cm, fh));
	R(ceph_ll_getattr(cm, dir, &st, CEPH_STATX_INO, 0, root));
	watched_dir = st.stx_ino;
	R(gone);
	R(ceph_unlink(other, "/data"));
	R(comes(&gone, 1));
	OURS(gone >= 1, 1);
	R(wrong_name);
	R(ceph_unmount(other));
	R(ceph_release(other));
	R(ceph_ll_put(cm, in) >= 0);
}

static void locks(struct ceph_mount_info *cm, struct Inode *dir)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	struct ceph_statx st;
	struct Inode *in;
	struct Fh *fh;
	int fd;

	R(ceph_ll_create(cm, dir, "locked", 0644, O_CREAT | O_RDWR, &in, &fh, &st, CEPH_STATX_INO, 0, root));
	R(ceph_ll_setlk(cm, fh, &fl, 1, 0));
	R(begun + ended);
	R(ceph_ll_setlk(cm, fh, &fl, 1, 1));
	R(begun);
	R(ended);
	R(ceph_ll_getlk(cm, fh, &fl, 2));
	fl.l_type = F_UNLCK;
	R(ceph_ll_setlk(cm, fh, &fl, 1, 1));
	R(begun);
	R(ended);
	R((fd = ceph_open(cm, "/locked", O_RDWR, 0)) >= 0);
	R(ceph_flock(cm, fd, LOCK_EX | LOCK_NB, 5));
	R(begun);
	R(ceph_flock(cm, fd, LOCK_EX, 5));
	R(ceph_flock(cm, fd, LOCK_UN, 5));
	R(begun);
	R(ended);
	R(ceph_close(cm, fd));
	R(ceph_ll_close(cm, fh));
	R(ceph_ll_put(cm, in) >= 0);
	R(ceph_unlink(cm, "/locked"));
}

static void checks(struct ceph_mount_info *cm)
{
	struct ceph_client_callback_args args = { .handle = &handle, .ino_release_cb = on_release };
	struct Inode *dir;

	mount_here = cm;
	main_thread = pthread_self();
	root = ceph_userperm_new(0, 0, 0, NULL);
	R(ceph_ll_lookup_root(cm, &dir));
	ceph_ll_register_callbacks(cm, NULL);
	ceph_ll_register_callbacks(cm, &args);
	/* what is NULL stays as it was */
	args.ino_release_cb = NULL;
	args.ino_cb = on_invalid;
	args.dentry_cb = on_gone;
	args.remount_cb = on_remount;
	args.switch_intr_cb = on_switch;
	ceph_ll_register_callbacks(cm, &args);
	locks(cm, dir);
	too_many_caps(cm, dir);
	another_writes(cm, dir);
	R(wrong_thread);
	R(wrong_handle);
	R(ceph_ll_put(cm, dir) >= 0);
	ceph_userperm_destroy(root);
}

int main(int argc, char **argv)
{
	return twice_main(argc, argv, checks, known);
}
