/* io_libcephfs.c: file data through libcephfs: blocking calls, one thread for each in flight. */
#include "client.h"
#include "client_libcephfs.h"
#include "io.h"

#include <fcntl.h>

int io_fsync(struct client *c, struct client_file *f)
{
	return ceph_fsync(c->mount, f->fd, 0);
}

static int file_at_once(struct client *c, const struct io_act *a, char *buf)
{
	int write = a->verb == IO_FILE_WRITE;
	int fd = ceph_open(c->mount, a->path, write ? O_CREAT | O_EXCL | O_WRONLY : O_RDONLY, 0644);
	int64_t got;

	if (fd < 0)
		return fd;
	got = write ? ceph_write(c->mount, fd, buf, (int64_t)a->size, 0)
		    : ceph_read(c->mount, fd, buf, (int64_t)a->size, 0);
	int err = io_check(a, buf, got), closed = ceph_close(c->mount, fd);
	return err ? err : closed;
}

static int one(struct client *c, const struct io_act *a, char *buf)
{
	int64_t offset = (int64_t)a->offset, size = (int64_t)a->size;
	int err;

	if (a->verb == IO_FILE_READ || a->verb == IO_FILE_WRITE)
		return file_at_once(c, a, buf);
	if (a->verb == IO_READ)
		return io_check(a, buf, ceph_read(c->mount, a->file->fd, buf, size, offset));
	err = io_check(a, buf, ceph_write(c->mount, a->file->fd, buf, size, offset));
	if (err || a->verb == IO_WRITE)
		return err;
	return ceph_fsync(c->mount, a->file->fd, a->verb == IO_WRITE_FDATASYNC);
}

int io_many(struct client *c, const struct io_act *acts, size_t n, unsigned depth, uint64_t *took_ns,
	    size_t *bad)
{
	return io_blocking_many(c, acts, n, depth, one, took_ns, bad);
}
