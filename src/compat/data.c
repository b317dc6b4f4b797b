/* data.c: reading and writing: at an offset, or at the descriptor's position, where calls take turns; and the
 * nonblocking calls of newer headers. */
#include "compat.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- blocking ---- */

static int64_t read_at(struct slot *s, const struct iovec *iov, int count, int64_t offset)
{
	return cephring_sync_readv(s->file, iov, (unsigned)count, (uint64_t)offset, 0);
}

static int64_t write_at(struct slot *s, const struct iovec *iov, int count, int64_t offset, int flags)
{
	slot_wrote(s);
	return cephring_sync_writev(s->file, iov, (unsigned)count, (uint64_t)offset, flags);
}

static int64_t file_size(struct ceph_mount_info *cm, struct slot *s)
{
	struct cephring_statx st;
	int err =
	    cephring_sync_statx(cm->m, cephring_file_inode(s->file), "", CEPHRING_STATX_SIZE, 0, NULL, &st);

	return err ? err : (int64_t)st.size;
}

static int64_t check(const struct slot *s, const struct iovec *iov, int count, bool write)
{
	int mode = s->flags & O_ACCMODE;
	size_t all = 0;

	if ((s->flags & O_PATH) || mode == (write ? O_RDONLY : O_WRONLY))
		return -EBADF;
	if (count < 0 || count > IOV_MAX)
		return -EINVAL;
	for (int n = 0; n < count; n++) {
		if (iov[n].iov_len && !iov[n].iov_base)
			return -EFAULT;
		all += iov[n].iov_len;
	}
	/* results are ints */
	return all > INT_MAX ? -EINVAL : (int64_t)all;
}

/* offset < 0: at the position, which moves. */
int64_t file_readv(struct slot *s, const struct iovec *iov, int count, int64_t offset)
{
	int64_t n = check(s, iov, count, false);

	if (n <= 0 || offset >= 0)
		return n <= 0 ? n : read_at(s, iov, count, offset);
	slot_turn_take(s);
	n = read_at(s, iov, count, atomic_load(&s->position));
	if (n > 0)
		atomic_fetch_add(&s->position, n);
	slot_turn_give(s);
	return n;
}

int64_t file_writev(struct ceph_mount_info *cm, struct slot *s, const struct iovec *iov, int count,
		    int64_t offset)
{
	int64_t n = check(s, iov, count, true);

	if (n <= 0 || offset >= 0)
		return n <= 0 ? n : write_at(s, iov, count, offset, 0);
	slot_turn_take(s);
	if (s->flags & O_APPEND)
		n = write_at(s, iov, count, 0, CEPHRING_IO_APPEND);
	else
		n = write_at(s, iov, count, atomic_load(&s->position), 0);
	if (n > 0) {
		int64_t end = s->flags & O_APPEND ? file_size(cm, s) : atomic_load(&s->position) + n;

		if (end >= 0)
			atomic_store(&s->position, end);
	}
	slot_turn_give(s);
	return n;
}

int64_t file_seek(struct ceph_mount_info *cm, struct slot *s, int64_t offset, int whence)
{
	int64_t to;

	if (s->flags & O_PATH)
		return -EBADF;
	slot_turn_take(s);
	switch (whence) {
	case SEEK_SET:
		to = offset;
		break;
	case SEEK_CUR:
		if (__builtin_add_overflow(atomic_load(&s->position), offset, &to))
			to = -EOVERFLOW;
		break;
	case SEEK_END:
		to = file_size(cm, s);
		if (to >= 0 && __builtin_add_overflow(to, offset, &to))
			to = -EOVERFLOW;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		to = offset < 0 ? -ENXIO : cephring_sync_seek(s->file, (uint64_t)offset, whence);
		break;
	default:
		to = -EINVAL;
	}
	if (to < 0 && (whence == SEEK_SET || whence == SEEK_CUR || whence == SEEK_END))
		to = to == -EOVERFLOW ? to : -EINVAL;
	if (to >= 0)
		atomic_store(&s->position, to);
	slot_turn_give(s);
	return to;
}

int file_fallocate(struct slot *s, int mode, int64_t offset, int64_t length)
{
	if (offset < 0 || length <= 0)
		return -EINVAL;
	if ((s->flags & O_PATH) || (s->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	slot_wrote(s);
	return cephring_sync_fallocate(s->file, mode, (uint64_t)offset, (uint64_t)length);
}

/* ---- by descriptor ---- */

int ceph_preadv(struct ceph_mount_info *cm, int fd, const struct iovec *iov, int count, int64_t offset)
{
	ENTER(cm);
	FD(s, cm, fd);
	return iov ? (int)file_readv(s, iov, count, offset) : -EFAULT;
}

int ceph_pwritev(struct ceph_mount_info *cm, int fd, const struct iovec *iov, int count, int64_t offset)
{
	ENTER(cm);
	FD(s, cm, fd);
	return iov ? (int)file_writev(cm, s, iov, count, offset) : -EFAULT;
}

int ceph_read(struct ceph_mount_info *cm, int fd, char *buf, int64_t size, int64_t offset)
{
	struct iovec iov = { buf, (size_t)size };

	ENTER(cm);
	FD(s, cm, fd);
	return size < 0 ? -EINVAL : (int)file_readv(s, &iov, 1, offset);
}

int ceph_write(struct ceph_mount_info *cm, int fd, const char *buf, int64_t size, int64_t offset)
{
	struct iovec iov = { (void *)buf, (size_t)size };

	ENTER(cm);
	FD(s, cm, fd);
	return size < 0 ? -EINVAL : (int)file_writev(cm, s, &iov, 1, offset);
}

int64_t ceph_lseek(struct ceph_mount_info *cm, int fd, int64_t offset, int whence)
{
	ENTER(cm);
	FD(s, cm, fd);
	return file_seek(cm, s, offset, whence);
}

int ceph_fallocate(struct ceph_mount_info *cm, int fd, int mode, int64_t offset, int64_t length)
{
	ENTER(cm);
	FD(s, cm, fd);
	return file_fallocate(s, mode, offset, length);
}

/* ---- by handle ---- */

off_t ceph_ll_lseek(struct ceph_mount_info *cm, struct Fh *fh, off_t offset, int whence)
{
	ENTER(cm);
	FH(s, cm, fh);
	return file_seek(cm, s, offset, whence);
}

int ceph_ll_read(struct ceph_mount_info *cm, struct Fh *fh, int64_t off, uint64_t len, char *buf)
{
	struct iovec iov = { buf, len };

	ENTER(cm);
	FH(s, cm, fh);
	return (int)file_readv(s, &iov, 1, off);
}

int ceph_ll_write(struct ceph_mount_info *cm, struct Fh *fh, int64_t off, uint64_t len, const char *data)
{
	struct iovec iov = { (void *)data, len };

	ENTER(cm);
	FH(s, cm, fh);
	return (int)file_writev(cm, s, &iov, 1, off);
}

int64_t ceph_ll_readv(struct ceph_mount_info *cm, struct Fh *fh, const struct iovec *iov, int count,
		      int64_t off)
{
	ENTER(cm);
	FH(s, cm, fh);
	return iov ? file_readv(s, iov, count, off) : -EFAULT;
}

int64_t ceph_ll_writev(struct ceph_mount_info *cm, struct Fh *fh, const struct iovec *iov, int count,
		       int64_t off)
{
	ENTER(cm);
	FH(s, cm, fh);
	return iov ? file_writev(cm, s, iov, count, off) : -EFAULT;
}

int ceph_ll_fallocate(struct ceph_mount_info *cm, struct Fh *fh, int mode, int64_t offset, int64_t length)
{
	ENTER(cm);
	FH(s, cm, fh);
	return file_fallocate(s, mode, offset, length);
}

/* ---- nonblocking: 0 = the callback comes once, on the engine's thread; it may not wait there ---- */

struct nonblocking {
	struct ceph_ll_io_info *io;
	struct slot *slot; /* ref */
	struct user user;
	struct cephring_op op;
};

static void nonblocking_done(struct nonblocking *n, int64_t res)
{
	struct ceph_ll_io_info *io = n->io;

	io->result = res;
	slot_put(n->slot);
	user_leave(&n->user);
	free(n);
	io->callback(io);
}

static void synced(struct cephring_op *op, int64_t res, void *user)
{
	struct nonblocking *n = user;

	(void)op;
	nonblocking_done(n, res < 0 ? res : n->io->result);
}

static void transferred(struct cephring_op *op, int64_t res, void *user)
{
	struct nonblocking *n = user;

	(void)op;
	if (res >= 0 && n->io->write && n->io->fsync) {
		int err = cephring_fsync(n->slot->file, n->io->syncdataonly, &n->op, synced, n);

		n->io->result = res;
		if (!err)
			return;
		res = err;
	}
	nonblocking_done(n, res);
}

int64_t ceph_ll_nonblocking_readv_writev(struct ceph_mount_info *cm, struct ceph_ll_io_info *io)
{
	struct nonblocking *n;
	int64_t err;

	if (!io || !io->callback || !io->iov)
		return -EINVAL;
	n = calloc(1, sizeof *n);
	if (!n)
		return -ENOMEM;
	n->io = io;
	n->user = user_enter(cm);
	if (!n->user.cm) {
		free(n);
		return -ENOTCONN;
	}
	n->slot = slot_by_pointer(&cm->handles, io->fh, SLOT_FILE);
	err = n->slot ? check(n->slot, io->iov, io->iovcnt, io->write) : -EBADF;
	if (err >= 0 && io->off < 0)
		err = -EINVAL;
	if (err >= 0 && io->write)
		slot_wrote(n->slot);
	if (err >= 0)
		err = io->write ? cephring_writev(n->slot->file, io->iov, (unsigned)io->iovcnt,
						  (uint64_t)io->off, 0, &n->op, transferred, n)
				: cephring_readv(n->slot->file, io->iov, (unsigned)io->iovcnt,
						 (uint64_t)io->off, 0, &n->op, transferred, n);
	if (!err)
		return 0;
	if (n->slot)
		slot_put(n->slot);
	user_leave(&n->user);
	free(n);
	return err;
}
