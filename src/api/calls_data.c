/* calls_data.c: the public operations on file data. */
#include "data_op.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

enum { IO_FLAGS = CEPHRING_IO_DSYNC | CEPHRING_IO_DIRECT | CEPHRING_IO_APPEND };

/* Is it open for that? */
static int check_open(const struct file *f, bool write)
{
	int how = f->flags & O_ACCMODE;

	if ((f->flags & O_PATH) || how == (write ? O_RDONLY : O_WRONLY))
		return -EBADF;
	return inode_is_dir(f->inode) ? -EISDIR : 0;
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
	uint64_t len = sum(iov, count);
	struct op *op;

	if (err)
		return err;
	if (count > IOV_MAX || (flags & ~IO_FLAGS) || (!write && (flags & CEPHRING_IO_APPEND)) ||
	    !range_ok(offset, len))
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
