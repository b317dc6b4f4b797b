/* client_libcephfs.h: what the parts of client_libcephfs*.c share. */
#pragma once

#include <cephfs/libcephfs.h>

enum { WANT_BASIC = CEPH_STATX_BASIC_STATS };

struct client {
	struct ceph_mount_info *mount;
	UserPerm *user; /* owned; for the low-level calls */
};

struct client_dir {
	struct client *c;
	Inode *inode; /* ref */
};

struct client_file {
	struct client *c;
	int fd;
};
