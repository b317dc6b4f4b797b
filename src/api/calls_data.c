/* calls_data.c: the public operations on file data. */
#include "data_op.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { IO_FLAGS = CEPHRING_IO_DSYNC | CEPHRING_IO_DIRECT | CEPHRING_IO_APPEND };

/* Is it open for that? */
static int check_open(const struct file *f, bool write)
{
	int how = f->flags & O_ACCMODE;
	uint32_t mode;

	if ((f->flags & O_PATH) || how == (write ? O_RDONLY : O_WRONLY))
		return -EBADF;
	/* on any thread: the engine may be changing the attributes, though never the type */
	mode = __atomic_load_n(&f->inode->a.mode, __ATOMIC_RELAXED);
	return (mode & S_IFMT) == S_IFDIR ? -EISDIR : 0;
}

static int prepare(struct file *f, const struct op_family *fam, struct cephring_op *pub, cephring_cb cb,
		   void *user, struct op **out)
{
	int err;

	__atomic_add_fetch(&f->busy, 1, __ATOMIC_ACQ_REL);
	err = op_prepare(f->m, pub, fam, cb, user, out);
	if (err) {
		__atomic_sub_fetch(&f->busy, 1, __ATOMIC_RELEASE);
		return err;
	}
	memset(&(*out)->u.data, 0, sizeof(*out)->u.data);
	(*out)->u.data.file = f;
	return 0;
}

static int submit(struct file *f, struct op *op)
{
	int err = op_submit(op);

	if (err)
		__atomic_sub_fetch(&f->busy, 1, __ATOMIC_RELEASE);
	return err;
}

static bool range_ok(uint64_t offset, uint64_t len)
{
	return offset <= INT64_MAX && len <= INT64_MAX - offset;
}

/* Their bytes; UINT64_MAX: too many. */
static uint64_t sum(const struct iovec *iov, unsigned count)
{
	uint64_t len = 0;

	for (unsigned n = 0; n < count; n++) {
		if (iov[n].iov_len > INT64_MAX - len)
			return UINT64_MAX;
		len += iov[n].iov_len;
	}
	return len;
}

static int vector(struct file *f, bool write, const struct iovec *iov, unsigned count, uint64_t offset,
		  int flags, struct cephring_op *pub, cephring_cb cb, void *user)
{
	int err = check_open(f, write);
	uint64_t len = err || count > IOV_MAX ? UINT64_MAX : sum(iov, count);
	struct op *op;

	if (err)
		return err;
	if ((flags & ~IO_FLAGS) || (!write && (flags & CEPHRING_IO_APPEND)) || !range_ok(offset, len))
		return -EINVAL;
	if (write && f->inode->key.snapid != SNAP_HEAD)
		return -EROFS;
	err = prepare(f, write ? &op_write_family : &op_read_family, pub, cb, user, &op);
	if (err)
		return err;
	op->u.data.iov = iov;
	op->u.data.iov_count = count;
	op->u.data.offset = offset;
	op->u.data.len = len;
	op->u.data.flags = flags;
	if (count == 1) { /* so that a single buffer needs no array of the caller's */
		op->u.data.one = *iov;
		op->u.data.iov = &op->u.data.one;
	}
	return submit(f, op);
}

int cephring_readv(cephring_file *f, const struct iovec *iov, unsigned count, uint64_t offset, int flags,
		   struct cephring_op *op, cephring_cb cb, void *user)
{
	return vector((struct file *)f, false, iov, count, offset, flags, op, cb, user);
}

int cephring_writev(cephring_file *f, const struct iovec *iov, unsigned count, uint64_t offset, int flags,
		    struct cephring_op *op, cephring_cb cb, void *user)
{
	return vector((struct file *)f, true, iov, count, offset, flags, op, cb, user);
}

int cephring_read(cephring_file *f, void *buf, size_t size, uint64_t offset, int flags,
		  struct cephring_op *op, cephring_cb cb, void *user)
{
	struct iovec iov = { buf, size };

	return vector((struct file *)f, false, &iov, 1, offset, flags, op, cb, user);
}

int cephring_write(cephring_file *f, const void *buf, size_t size, uint64_t offset, int flags,
		   struct cephring_op *op, cephring_cb cb, void *user)
{
	struct iovec iov = { (void *)buf, size };

	return vector((struct file *)f, true, &iov, 1, offset, flags, op, cb, user);
}

/* ---- the rest on open files ---- */

/* FALLOC_FL_*: 0, PUNCH_HOLE with KEEP_SIZE, ZERO_RANGE with or without. */
static bool mode_known(int mode)
{
	return !mode || mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) ||
	       (mode & ~FALLOC_FL_KEEP_SIZE) == FALLOC_FL_ZERO_RANGE;
}

int cephring_fallocate(cephring_file *pubf, int mode, uint64_t offset, uint64_t length,
		       struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct file *f = (struct file *)pubf;
	int err = check_open(f, true);
	struct op *op;

	if (err)
		return err;
	if (!mode_known(mode))
		return -EOPNOTSUPP;
	if (!length || !range_ok(offset, length))
		return -EINVAL;
	if (f->inode->key.snapid != SNAP_HEAD)
		return -EROFS;
	err = prepare(f, &op_fallocate_family, pub, cb, user, &op);
	if (err)
		return err;
	op->u.data.flags = mode;
	op->u.data.offset = offset;
	op->u.data.len = length;
	return submit(f, op);
}

int cephring_seek(cephring_file *pubf, uint64_t offset, int whence, struct cephring_op *pub, cephring_cb cb,
		  void *user)
{
	struct file *f = (struct file *)pubf;
	int err = check_open(f, false);
	struct op *op;

	if (err)
		return err;
	if ((whence != SEEK_DATA && whence != SEEK_HOLE) || !range_ok(offset, 0))
		return -EINVAL;
	err = prepare(f, &op_seek_family, pub, cb, user, &op);
	if (err)
		return err;
	op->u.data.flags = whence;
	op->u.data.offset = offset;
	return submit(f, op);
}

static bool overlap(uint64_t a, uint64_t b, uint64_t len)
{
	return a < b ? b - a < len : a - b < len;
}

static int check_copy(const struct file *from, uint64_t from_offset, const struct file *to,
		      uint64_t to_offset, uint64_t length, int flags)
{
	int err = check_open(from, false);

	err = err ? err : check_open(to, true);
	if (err)
		return err;
	if (to->flags & O_APPEND)
		return -EBADF;
	if (from->m != to->m)
		return -EXDEV;
	if ((flags & ~CEPHRING_COPY_OFFLOAD) || !range_ok(from_offset, length) ||
	    !range_ok(to_offset, length) ||
	    (from->inode == to->inode && overlap(from_offset, to_offset, length)))
		return -EINVAL;
	return to->inode->key.snapid == SNAP_HEAD ? 0 : -EROFS;
}

int cephring_copy(cephring_file *pub_from, uint64_t from_offset, cephring_file *pub_to, uint64_t to_offset,
		  uint64_t length, int flags, struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct file *from = (struct file *)pub_from, *to = (struct file *)pub_to;
	int err = check_copy(from, from_offset, to, to_offset, length, flags);
	struct op *op;

	if (err)
		return err;
	err = prepare(from, &op_copy_family, pub, cb, user, &op);
	if (err)
		return err;
	op->u.data.offset = from_offset;
	op->u.data.len = length;
	op->u.data.flags = flags;
	op->u.data.to = to;
	op->u.data.to_offset = to_offset;
	__atomic_add_fetch(&to->busy, 1, __ATOMIC_ACQ_REL);
	err = submit(from, op);
	if (err)
		__atomic_sub_fetch(&to->busy, 1, __ATOMIC_RELEASE);
	return err;
}

int cephring_advise(cephring_file *pubf, uint64_t offset, uint64_t length, int advice,
		    struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct file *f = (struct file *)pubf;
	struct op *op;
	int err;

	if (f->flags & O_PATH)
		return -EBADF;
	if (inode_is_dir(f->inode))
		return -EISDIR;
	if (advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE || !range_ok(offset, length))
		return -EINVAL;
	err = prepare(f, &op_advise_family, pub, cb, user, &op);
	if (err)
		return err;
	op->u.data.offset = offset;
	op->u.data.len = length;
	op->u.data.flags = advice;
	return submit(f, op);
}

/* ---- by path ---- */

static int whole(cephring_mount *mt, const struct op_family *fam, const struct op_whole *w,
		 struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct op *op;
	int err;

	if (!range_ok(0, w->size))
		return -EINVAL;
	err = op_prepare(&mt->meta, pub, fam, cb, user, &op);
	if (err)
		return err;
	op->u.whole = *w;
	return op_submit(op);
}

int cephring_read_path(cephring_mount *mt, cephring_inode *at, const char *path, void *buf, size_t size,
		       struct cephring_statx *st, const struct cephring_cred *cred, struct cephring_op *op,
		       cephring_cb cb, void *user)
{
	const struct op_whole w = {
		.at = (struct inode *)at, .path = path, .cred = cred, .buf = buf, .size = size, .st = st
	};

	return whole(mt, &op_read_path_family, &w, op, cb, user);
}

int cephring_write_path(cephring_mount *mt, cephring_inode *at, const char *path, const void *buf,
			size_t size, int flags, uint32_t mode, const struct cephring_cred *cred,
			struct cephring_op *op, cephring_cb cb, void *user)
{
	const struct op_whole w = { .at = (struct inode *)at,
				    .path = path,
				    .cred = cred,
				    .buf = (void *)buf,
				    .size = size,
				    .flags = flags,
				    .mode = mode };

	if (flags & ~(O_EXCL | O_DSYNC))
		return -EINVAL;
	return whole(mt, &op_write_path_family, &w, op, cb, user);
}
