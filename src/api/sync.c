/* sync.c: the blocking helpers: submit one operation, wait for its callback, give back its result.
 *
 * Who waits decides how:
 * - the thread that drives a caller-driven engine runs the engine until the operation has ended (callbacks of
 *   other operations run meanwhile);
 * - any other thread sleeps in a futex on a word of its own stack, woken once by the callback;
 * - inside a callback of the engine nobody else could bring the end about: -EDEADLK, nothing is submitted.
 * A cached statx on the engine's thread needs none of this: it is answered before anything is prepared.
 */
#include "engine.h"
#include "mount.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

struct waiter {
	cephring_engine *engine;
	cephring_mount *mount; /* for cancelling; NULL: ends by itself in bounded time */
	int64_t res;
	uint32_t word; /* what a foreign thread sleeps on; 1 = ended */
	bool done;     /* the same for the engine's own thread */
	bool sleeps;
	struct cephring_op op;
};

static void ended(struct cephring_op *op, int64_t res, void *user)
{
	struct waiter *w = user;
	uint32_t *word = &w->word;

	w->res = res;
	if (!w->sleeps) {
		w->done = true;
		return;
	}
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	/* From here the waiter may have returned and *w be gone. A wake on an address that nobody waits on
	 * does nothing, and no futex user may take a wake for more than a hint. */
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static int waiter_begin(struct waiter *w, cephring_engine *e, cephring_mount *m)
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

static int64_t waiter_end(struct waiter *w, int submitted)
{
	if (submitted < 0)
		return submitted;
	if (!w->sleeps)
		return run_until_done(w);
	while (!__atomic_load_n(&w->word, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &w->word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
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
	err = cephring_mount_start(e, c, opts, &w.op, ended, &w, out);
	w.mount = *out;
	return waiter_end(&w, err);
}

int cephring_sync_unmount(cephring_mount *m)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), NULL);

	return err ? err : waiter_end(&w, cephring_unmount(m, &w.op, ended, &w));
}

int cephring_sync_lookup(cephring_mount *m, cephring_inode *at, const char *path, int flags,
			 const struct cephring_cred *cred, cephring_inode **out)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	return err ? err : waiter_end(&w, cephring_lookup(m, at, path, flags, cred, &w.op, ended, &w, out));
}

/* Not inlined: the fast path below keeps a small frame and clears no operation. */
static __attribute__((noinline)) int statx_wait(cephring_mount *m, cephring_inode *at, const char *path,
						uint32_t want, int flags, const struct cephring_cred *cred,
						struct cephring_statx *out)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	return err ? err
		   : waiter_end(&w, cephring_statx(m, at, path, want, flags, cred, out, &w.op, ended, &w));
}

int cephring_sync_statx(cephring_mount *m, cephring_inode *at, const char *path, uint32_t want, int flags,
			const struct cephring_cred *cred, struct cephring_statx *out)
{
	int err;

	if (!(flags & CEPHRING_FORCE_SYNC) && engine_is_owner(mount_engine(m))) {
		err = cephring_statx_cached(m, at, path, want, flags, cred, out);
		if (err != -EAGAIN)
			return err;
	}
	return statx_wait(m, at, path, want, flags, cred, out);
}

int cephring_sync_access(cephring_mount *m, cephring_inode *at, const char *path, int mode, int flags,
			 const struct cephring_cred *cred)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	return err ? err : waiter_end(&w, cephring_access(m, at, path, mode, flags, cred, &w.op, ended, &w));
}

int64_t cephring_sync_readlink(cephring_mount *m, cephring_inode *at, const char *path,
			       const struct cephring_cred *cred, char *buf, size_t size)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	return err ? err : waiter_end(&w, cephring_readlink(m, at, path, cred, buf, size, &w.op, ended, &w));
}

int64_t cephring_sync_getxattr(cephring_mount *m, cephring_inode *at, const char *path, const char *name,
			       int flags, const struct cephring_cred *cred, void *buf, size_t size)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	if (err)
		return err;
	return waiter_end(&w, cephring_getxattr(m, at, path, name, flags, cred, buf, size, &w.op, ended, &w));
}

int64_t cephring_sync_listxattr(cephring_mount *m, cephring_inode *at, const char *path, int flags,
				const struct cephring_cred *cred, char *buf, size_t size)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	return err ? err
		   : waiter_end(&w,
				cephring_listxattr(m, at, path, flags, cred, buf, size, &w.op, ended, &w));
}

int cephring_sync_statfs(cephring_mount *m, struct cephring_statfs *out)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	return err ? err : waiter_end(&w, cephring_statfs(m, out, &w.op, ended, &w));
}

int cephring_sync_open(cephring_mount *m, cephring_inode *at, const char *path, int flags,
		       const struct cephring_cred *cred, cephring_file **out)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	return err ? err : waiter_end(&w, cephring_open(m, at, path, flags, cred, &w.op, ended, &w, out));
}

int cephring_sync_close(cephring_file *f)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(file_mount(f)), file_mount(f));

	return err ? err : waiter_end(&w, cephring_close(f, &w.op, ended, &w));
}

int64_t cephring_sync_readdir(cephring_file *f, void *buf, size_t size)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(file_mount(f)), file_mount(f));

	return err ? err : waiter_end(&w, cephring_readdir(f, buf, size, &w.op, ended, &w));
}
