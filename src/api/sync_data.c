/* sync_data.c: the blocking helpers for file data. */
#include <sys/uio.h>

#include "sync.h"

/* On the mount of file `f`: begins, submits, waits. */
#define SYNC_FILE(f, call)                                                                                   \
	struct waiter w;                                                                                     \
	int err = waiter_begin(&w, mount_engine(file_mount(f)), file_mount(f));                              \
                                                                                                             \
	return err ? err : waiter_end(&w, call)

int64_t cephring_sync_readv(cephring_file *f, const struct iovec *iov, unsigned count, uint64_t offset,
			    int flags)
{
	SYNC_FILE(f, cephring_readv(f, iov, count, offset, flags, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_writev(cephring_file *f, const struct iovec *iov, unsigned count, uint64_t offset,
			     int flags)
{
	SYNC_FILE(f, cephring_writev(f, iov, count, offset, flags, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_read(cephring_file *f, void *buf, size_t size, uint64_t offset, int flags)
{
	SYNC_FILE(f, cephring_read(f, buf, size, offset, flags, &w.op, waiter_ended, &w));
}

int64_t cephring_sync_write(cephring_file *f, const void *buf, size_t size, uint64_t offset, int flags)
{
	SYNC_FILE(f, cephring_write(f, buf, size, offset, flags, &w.op, waiter_ended, &w));
}
