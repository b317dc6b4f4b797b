/* calls_file.c: the public operations on open files and directories. */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

int cephring_open(cephring_mount *mt, cephring_inode *at, const char *path, int flags, uint32_t mode,
		  const struct cephring_layout *layout, const struct cephring_cred *cred,
		  struct cephring_op *pub, cephring_cb cb, void *user, cephring_file **out)
{
	const int known = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_DIRECTORY | O_NOFOLLOW |
			  O_PATH | O_SYNC | O_DSYNC | O_DIRECT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
			  O_LARGEFILE | O_NOATIME;
	struct op *op;
	int err;

	if (flags & ~known)
		return -EINVAL;
	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if ((flags & O_ACCMODE) == O_ACCMODE || ((flags & O_CREAT) && (flags & O_DIRECTORY)))
		return -EINVAL;
	err = call_prepare(mt, &op_open_family, at, path, (flags & O_NOFOLLOW) ? CEPHRING_NOFOLLOW : 0, cred,
			   CAP_PIN | CAP_AS, pub, cb, user, &op);
	if (err)
		return err;
	*out = NULL;
	op->u.open.flags = flags;
	op->u.open.mode = mode;
	op->u.open.layout = layout;
	op->u.open.out = out;
	op->u.open.begun = op->u.open.created = op->u.open.opened = op->u.open.denied = false;
	return op_submit(op);
}

/* Operations on a file keep it from being closed. */
static int prepare_on_file(cephring_file *pubf, const struct op_family *fam, struct cephring_op *pub,
			   cephring_cb cb, void *user, struct op **out)
{
	struct file *f = (struct file *)pubf;
	int err;

	__atomic_add_fetch(&f->busy, 1, __ATOMIC_ACQ_REL);
	err = op_prepare(f->m, pub, fam, cb, user, out);
	if (err)
		__atomic_sub_fetch(&f->busy, 1, __ATOMIC_RELEASE);
	return err;
}

static int submit_on_file(struct file *f, struct op *op)
{
	int err = op_submit(op);

	if (err)
		__atomic_sub_fetch(&f->busy, 1, __ATOMIC_RELEASE);
	return err;
}

int cephring_readdir(cephring_file *pubf, void *buf, size_t size, struct cephring_op *pub, cephring_cb cb,
		     void *user)
{
	struct file *f = (struct file *)pubf;
	struct op *op;
	int err;

	if (f->flags & O_PATH)
		return -EBADF;
	if (__atomic_exchange_n(&f->listing, true, __ATOMIC_ACQ_REL))
		return -EBUSY;
	err = prepare_on_file(pubf, &op_readdir_family, pub, cb, user, &op);
	if (!err) {
		op->u.file.file = f;
		op->u.file.buf = buf;
		op->u.file.size = size;
		err = submit_on_file(f, op);
	}
	if (err)
		__atomic_store_n(&f->listing, false, __ATOMIC_RELEASE);
	return err;
}

int cephring_close(cephring_file *pubf, struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct file *f = (struct file *)pubf;
	uint32_t idle = 0;
	struct op *op;
	int err;

	if (!__atomic_compare_exchange_n(&f->busy, &idle, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return -EBUSY;
	err = op_prepare(f->m, pub, &op_close_family, cb, user, &op);
	if (!err) {
		op->u.file.file = f;
		err = op_submit(op);
	}
	if (err)
		__atomic_store_n(&f->busy, 0, __ATOMIC_RELEASE);
	return err;
}

cephring_inode *cephring_file_inode(cephring_file *f)
{
	return (cephring_inode *)((struct file *)f)->inode;
}

void cephring_rewinddir(cephring_file *f)
{
	cephring_seekdir(f, 0);
}

int cephring_seekdir(cephring_file *pub, uint64_t offset)
{
	struct file *f = (struct file *)pub;

	return __atomic_load_n(&f->listing, __ATOMIC_ACQUIRE) ? -EBUSY : dir_seek(f, offset);
}

uint64_t cephring_telldir(cephring_file *pub)
{
	return dir_tell((struct file *)pub);
}

int cephring_fsync(cephring_file *f, int datasync, struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct op *op;
	int err;

	if (((struct file *)f)->flags & O_PATH)
		return -EBADF;
	err = prepare_on_file(f, &op_fsync_family, pub, cb, user, &op);
	if (err)
		return err;
	memset(&op->u.sync, 0, sizeof op->u.sync);
	op->u.sync.file = (struct file *)f;
	op->u.sync.datasync = datasync;
	return submit_on_file((struct file *)f, op);
}

/* ---- locks ---- */

static int lock_call(cephring_file *f, const struct op_family *fam, const struct cephring_lock *lock,
		     uint8_t rule, bool wait, struct cephring_lock *out, struct cephring_op *pub,
		     cephring_cb cb, void *user)
{
	struct op *op;
	int err;

	if (((struct file *)f)->flags & O_PATH)
		return -EBADF;
	if (lock->type != F_RDLCK && lock->type != F_WRLCK && lock->type != F_UNLCK)
		return -EINVAL;
	if (lock->length && lock->start + lock->length < lock->start)
		return -EOVERFLOW;
	err = prepare_on_file(f, fam, pub, cb, user, &op);
	if (err)
		return err;
	memset(&op->u.lock, 0, sizeof op->u.lock);
	op->u.lock.file = (struct file *)f;
	op->u.lock.lock = *lock;
	op->u.lock.rule = rule;
	op->u.lock.wait = wait;
	op->u.lock.out = out;
	return submit_on_file((struct file *)f, op);
}

int cephring_setlk(cephring_file *f, const struct cephring_lock *lock, int wait, struct cephring_op *pub,
		   cephring_cb cb, void *user)
{
	return lock_call(f, &op_setlk_family, lock, FILELOCK_FCNTL, wait != 0, NULL, pub, cb, user);
}

int cephring_getlk(cephring_file *f, struct cephring_lock *lock, struct cephring_op *pub, cephring_cb cb,
		   void *user)
{
	return lock_call(f, &op_getlk_family, lock, FILELOCK_FCNTL, false, lock, pub, cb, user);
}

int cephring_flock(cephring_file *f, int how, uint64_t owner, struct cephring_op *pub, cephring_cb cb,
		   void *user)
{
	struct cephring_lock lock = { .owner = owner };

	switch (how & ~LOCK_NB) {
	case LOCK_SH:
		lock.type = F_RDLCK;
		break;
	case LOCK_EX:
		lock.type = F_WRLCK;
		break;
	case LOCK_UN:
		lock.type = F_UNLCK;
		break;
	default:
		return -EINVAL;
	}
	return lock_call(f, &op_setlk_family, &lock, FILELOCK_FLOCK, !(how & LOCK_NB), NULL, pub, cb, user);
}
