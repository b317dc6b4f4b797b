/* ll_io_info.h: asynchronous reads and writes as headers of Ceph 18 and newer declare them; Debian 12's has
 * neither. Include <cephfs/libcephfs.h> before it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct ceph_ll_io_info {
	void (*callback)(struct ceph_ll_io_info *cb_info);
	void *priv;
	struct Fh *fh;
	const struct iovec *iov;
	int iovcnt;
	int64_t off;
	int64_t result;
	bool write, fsync, syncdataonly;
};
int64_t ceph_ll_nonblocking_readv_writev(struct ceph_mount_info *cmount, struct ceph_ll_io_info *io_info);
