/* sync.c: the blocking helpers: submit one operation, wait for its callback, give back its result.
 *
 * Who waits decides how:
 * - the thread that drives a caller-driven engine runs the engine until the operation has ended (callbacks of
 *   other operations run meanwhile);
 * - any other thread sleeps in a futex on a word of its own stack, woken once by the callback;
 * - inside a callback of the engine nobody else could bring the end about: -EDEADLK, nothing is submitted.
 * What the cache can answer needs none of this, on any thread (calls_cached.c): it is tried first.
 */
#include "futex.h"
#include "sync.h"

#include <errno.h>

void waiter_ended(struct cephring_op *op, int64_t res, void *user)
{
	struct waiter *w = user;

	w->res = res;
	if (!w->sleeps) {
		w->done = true;
		return;
	}
	word_raise(&w->word);
}

int waiter_begin(struct waiter *w, cephring_engine *e, cephring_mount *m)
{
	if (engine_inside(e))
		return -EDEADLK;
	*w = (struct waiter){ .engine = e, .mount = m, .sleeps = e->own_thread || !engine_is_owner(e) };
	return 0;
}

/* The operation holds `w` until its callback: there is no way out before. Should the kernel refuse to run the
 * ring any more, turns still run what is queued here: a cancelled operation ends in one of the next. */
static int64_t run_until_done(struct waiter *w)
{
	int ret, broken = 0;

	while (!w->done) {
		ret = engine_run_until(w->engine, &w->done);
		if (ret >= 0 || ret == -EINTR || broken)
			continue;
		broken = ret;
		if (w->mount)
			cephring_op_cancel(w->mount, &w->op);
	}
	return broken ? broken : w->res;
}

int64_t waiter_end(struct waiter *w, int submitted)
{
	if (submitted < 0)
		return submitted;
	if (!w->sleeps)
		return run_until_done(w);
	word_sleep(&w->word);
	return w->res;
}

int cephring_sync_mount(cephring_engine *e, const cephring_config *c, const struct cephring_mount_opts *opts,
			cephring_mount **out)
{
	struct waiter w;
	int err;

	*out = NULL;
	err = waiter_begin(&w, e, NULL);
	if (err)
		return err;
	err = cephring_mount_start(e, c, opts, &w.op, waiter_ended, &w, out);
	w.mount = *out;
	return waiter_end(&w, err);
}

int cephring_sync_unmount(cephring_mount *m)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), NULL);

	return err ? err : waiter_end(&w, cephring_unmount(m, &w.op, waiter_ended, &w));
}

int cephring_sync_lookup(cephring_mount *m, cephring_inode *at, const char *path, int flags,
			 const struct cephring_cred *cred, cephring_inode **out)
{
	struct waiter w;
	int err = cephring_lookup_cached(m, at, path, flags, cred, out);

	if (err != -EAGAIN)
		return err;
	err = waiter_begin(&w, mount_engine(m), m);
	return err ? err
		   : waiter_end(&w, cephring_lookup(m, at, path, flags, cred, &w.op, waiter_ended, &w, out));
}

/* Not inlined: the fast path below keeps a small frame and clears no operation. */
static __attribute__((noinline)) int statx_wait(cephring_mount *m, cephring_inode *at, const char *path,
						uint32_t want, int flags, const struct cephring_cred *cred,
						struct cephring_statx *out)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	return err ? err
		   : waiter_end(&w,
				cephring_statx(m, at, path, want, flags, cred, out, &w.op, waiter_ended, &w));
}

int cephring_sync_statx(cephring_mount *m, cephring_inode *at, const char *path, uint32_t want, int flags,
			const struct cephring_cred *cred, struct cephring_statx *out)
{
	int err = cephring_statx_cached(m, at, path, want, flags, cred, out);

	return err != -EAGAIN ? err : statx_wait(m, at, path, want, flags, cred, out);
}

int cephring_sync_access(cephring_mount *m, cephring_inode *at, const char *path, int mode, int flags,
			 const struct cephring_cred *cred)
{
	struct waiter w;
	int err = cephring_access_cached(m, at, path, mode, flags, cred);

	if (err != -EAGAIN)
		return err;
	err = waiter_begin(&w, mount_engine(m), m);
	return err ? err
		   : waiter_end(&w, cephring_access(m, at, path, mode, flags, cred, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_readlink(cephring_mount *m, cephring_inode *at, const char *path,
			       const struct cephring_cred *cred, char *buf, size_t size)
{
	struct waiter w;
	int64_t res = cephring_readlink_cached(m, at, path, cred, buf, size);
	int err;

	if (res != -EAGAIN)
		return res;
	err = waiter_begin(&w, mount_engine(m), m);
	return err ? err
		   : waiter_end(&w, cephring_readlink(m, at, path, cred, buf, size, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_getxattr(cephring_mount *m, cephring_inode *at, const char *path, const char *name,
			       int flags, const struct cephring_cred *cred, void *buf, size_t size)
{
	struct waiter w;
	int64_t res = cephring_getxattr_cached(m, at, path, name, flags, cred, buf, size);
	int err;

	if (res != -EAGAIN)
		return res;
	err = waiter_begin(&w, mount_engine(m), m);
	if (err)
		return err;
	return waiter_end(
	    &w, cephring_getxattr(m, at, path, name, flags, cred, buf, size, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_listxattr(cephring_mount *m, cephring_inode *at, const char *path, int flags,
				const struct cephring_cred *cred, char *buf, size_t size)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	return err ? err
		   : waiter_end(&w, cephring_listxattr(m, at, path, flags, cred, buf, size, &w.op,
						       waiter_ended, &w));
}

int cephring_sync_statfs(cephring_mount *m, struct cephring_statfs *out)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	return err ? err : waiter_end(&w, cephring_statfs(m, out, &w.op, waiter_ended, &w));
}

int cephring_sync_open(cephring_mount *m, cephring_inode *at, const char *path, int flags, uint32_t mode,
		       const struct cephring_layout *layout, const struct cephring_cred *cred,
		       cephring_file **out)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	return err ? err
		   : (int)waiter_end(&w, cephring_open(m, at, path, flags, mode, layout, cred, &w.op,
						       waiter_ended, &w, out));
}

int cephring_sync_close(cephring_file *f)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(file_mount(f)), file_mount(f));

	return err ? err : waiter_end(&w, cephring_close(f, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_readdir(cephring_file *f, void *buf, size_t size)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(file_mount(f)), file_mount(f));

	return err ? err : waiter_end(&w, cephring_readdir(f, buf, size, &w.op, waiter_ended, &w));
}

/* ---- changing ---- */

#define WAIT_FOR(type, engine, mount, call)                                                                  \
	do {                                                                                                 \
		struct waiter w;                                                                             \
		int err = waiter_begin(&w, engine, mount);                                                   \
                                                                                                             \
		return err ? err : (type)waiter_end(&w, call);                                               \
	} while (0)
#define WAIT_MOUNT(type, call) WAIT_FOR(type, mount_engine(m), m, call)
#define WAIT_FILE(type, call)  WAIT_FOR(type, mount_engine(file_mount(f)), file_mount(f), call)
#define TAIL                   &w.op, waiter_ended, &w

int cephring_sync_mkdir(cephring_mount *m, cephring_inode *at, const char *path, uint32_t mode, int flags,
			const struct cephring_cred *cred)
{
	WAIT_MOUNT(int, cephring_mkdir(m, at, path, mode, flags, cred, TAIL));
}

int cephring_sync_mknod(cephring_mount *m, cephring_inode *at, const char *path, uint32_t mode, uint64_t rdev,
			const struct cephring_cred *cred)
{
	WAIT_MOUNT(int, cephring_mknod(m, at, path, mode, rdev, cred, TAIL));
}

int cephring_sync_symlink(cephring_mount *m, const char *target, cephring_inode *at, const char *path,
			  const struct cephring_cred *cred)
{
	WAIT_MOUNT(int, cephring_symlink(m, target, at, path, cred, TAIL));
}

int cephring_sync_link(cephring_mount *m, cephring_inode *from_at, const char *from, cephring_inode *to_at,
		       const char *to, int flags, const struct cephring_cred *cred)
{
	WAIT_MOUNT(int, cephring_link(m, from_at, from, to_at, to, flags, cred, TAIL));
}

int cephring_sync_unlink(cephring_mount *m, cephring_inode *at, const char *path, int flags,
			 const struct cephring_cred *cred)
{
	WAIT_MOUNT(int, cephring_unlink(m, at, path, flags, cred, TAIL));
}

int cephring_sync_rename(cephring_mount *m, cephring_inode *from_at, const char *from, cephring_inode *to_at,
			 const char *to, int flags, const struct cephring_cred *cred)
{
	WAIT_MOUNT(int, cephring_rename(m, from_at, from, to_at, to, flags, cred, TAIL));
}

int cephring_sync_setattr(cephring_mount *m, cephring_inode *at, const char *path,
			  const struct cephring_setattr *set, int flags, const struct cephring_cred *cred)
{
	WAIT_MOUNT(int, cephring_setattr(m, at, path, set, flags, cred, TAIL));
}

int cephring_sync_setxattr(cephring_mount *m, cephring_inode *at, const char *path, const char *name,
			   const void *value, size_t size, int how, int flags,
			   const struct cephring_cred *cred)
{
	WAIT_MOUNT(int, cephring_setxattr(m, at, path, name, value, size, how, flags, cred, TAIL));
}

int cephring_sync_removexattr(cephring_mount *m, cephring_inode *at, const char *path, const char *name,
			      int flags, const struct cephring_cred *cred)
{
	WAIT_MOUNT(int, cephring_removexattr(m, at, path, name, flags, cred, TAIL));
}

int64_t cephring_sync_mksnap(cephring_mount *m, cephring_inode *at, const char *path, const char *name,
			     uint32_t mode, const struct cephring_kv *metadata, uint32_t count,
			     const struct cephring_cred *cred)
{
	WAIT_MOUNT(int64_t, cephring_mksnap(m, at, path, name, mode, metadata, count, cred, TAIL));
}

int cephring_sync_snap_info(cephring_mount *m, cephring_inode *at, const char *path,
			    const struct cephring_cred *cred, struct cephring_snap_info *out)
{
	WAIT_MOUNT(int, cephring_snap_info(m, at, path, cred, out, TAIL));
}

int cephring_sync_lookup_handle(cephring_mount *m, const struct cephring_handle *h,
				const struct cephring_cred *cred, cephring_inode **out)
{
	WAIT_MOUNT(int, cephring_lookup_handle(m, h, cred, TAIL, out));
}

int64_t cephring_sync_name_of(cephring_mount *m, cephring_inode *i, const struct cephring_cred *cred,
			      char *buf, size_t size)
{
	WAIT_MOUNT(int64_t, cephring_name_of(m, i, cred, buf, size, TAIL));
}

int cephring_sync_syncfs(cephring_mount *m)
{
	WAIT_MOUNT(int, cephring_syncfs(m, TAIL));
}

int cephring_sync_fsync(cephring_file *f, int datasync)
{
	WAIT_FILE(int, cephring_fsync(f, datasync, TAIL));
}

int cephring_sync_setlk(cephring_file *f, const struct cephring_lock *lock, int wait)
{
	WAIT_FILE(int, cephring_setlk(f, lock, wait, TAIL));
}

int cephring_sync_getlk(cephring_file *f, struct cephring_lock *lock)
{
	WAIT_FILE(int, cephring_getlk(f, lock, TAIL));
}

int cephring_sync_flock(cephring_file *f, int how, uint64_t owner)
{
	WAIT_FILE(int, cephring_flock(f, how, owner, TAIL));
}
