/* sync_data.c: the blocking helpers for file data. */
#include "sync.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* On the mount of file `f`: begins, submits, waits. */
#define SYNC_FILE(f, call)                                                                                   \
	struct waiter w;                                                                                     \
	int err = waiter_begin(&w, mount_engine(file_mount(f)), file_mount(f));                              \
                                                                                                             \
	return err ? err : waiter_end(&w, call)

/* A read that begins where the file ends, as programs do to find that out: a size that is certain answers it
 * without the engine. What may not be read, or not so, the engine says. */
static bool at_end(cephring_file *pub, uint64_t offset, int flags)
{
	const struct file *f = (struct file *)pub;
	struct cephring_statx st;

	if (!offset || offset > INT64_MAX || flags || (f->flags & O_PATH) ||
	    (f->flags & O_ACCMODE) == O_WRONLY)
		return false;
	return !cephring_statx_cached(file_mount(pub), cephring_file_inode(pub), "",
				      CEPHRING_STATX_SIZE | CEPHRING_STATX_TYPE, 0, NULL, &st) &&
	       (st.mode & S_IFMT) == S_IFREG && offset >= st.size;
}

int64_t cephring_sync_readv(cephring_file *f, const struct iovec *iov, unsigned count, uint64_t offset,
			    int flags)
{
	if (count <= IOV_MAX && at_end(f, offset, flags))
		return 0;
	SYNC_FILE(f, cephring_readv(f, iov, count, offset, flags, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_writev(cephring_file *f, const struct iovec *iov, unsigned count, uint64_t offset,
			     int flags)
{
	SYNC_FILE(f, cephring_writev(f, iov, count, offset, flags, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_read(cephring_file *f, void *buf, size_t size, uint64_t offset, int flags)
{
	if (at_end(f, offset, flags))
		return 0;
	SYNC_FILE(f, cephring_read(f, buf, size, offset, flags, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_write(cephring_file *f, const void *buf, size_t size, uint64_t offset, int flags)
{
	SYNC_FILE(f, cephring_write(f, buf, size, offset, flags, &w.op, waiter_ended, &w));
}

int cephring_sync_fallocate(cephring_file *f, int mode, uint64_t offset, uint64_t length)
{
	SYNC_FILE(f, cephring_fallocate(f, mode, offset, length, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_seek(cephring_file *f, uint64_t offset, int whence)
{
	SYNC_FILE(f, cephring_seek(f, offset, whence, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_copy(cephring_file *from, uint64_t from_offset, cephring_file *to, uint64_t to_offset,
			   uint64_t length, int flags)
{
	SYNC_FILE(from,
		  cephring_copy(from, from_offset, to, to_offset, length, flags, &w.op, waiter_ended, &w));
}

int cephring_sync_advise(cephring_file *f, uint64_t offset, uint64_t length, int advice)
{
	SYNC_FILE(f, cephring_advise(f, offset, length, advice, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_read_path(cephring_mount *m, cephring_inode *at, const char *path, void *buf,
				size_t size, struct cephring_statx *st, const struct cephring_cred *cred)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	return err ? err
		   : waiter_end(
			 &w, cephring_read_path(m, at, path, buf, size, st, cred, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_write_path(cephring_mount *m, cephring_inode *at, const char *path, const void *buf,
				 size_t size, int flags, uint32_t mode, const struct cephring_cred *cred)
{
	struct waiter w;
	int err = waiter_begin(&w, mount_engine(m), m);

	return err ? err
		   : waiter_end(&w, cephring_write_path(m, at, path, buf, size, flags, mode, cred, &w.op,
							waiter_ended, &w));
}
