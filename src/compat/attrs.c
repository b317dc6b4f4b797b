/* attrs.c: attributes in the three shapes that libcephfs has: ceph_statx, stat, and what is to be set. */
#include "compat.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { CEPH_LOW = 0xf, RING_LOW = 0x1e }; /* MODE, NLINK, UID, GID: one bit apart */

uint32_t want_from_ceph(unsigned mask)
{
	return CEPHRING_STATX_TYPE | CEPHRING_STATX_INO | (mask & CEPH_LOW) << 1 |
	       (mask & CEPHRING_STATX_ALL & ~0x1fu);
}

static struct timespec time_of(int64_t ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };

	if (t.tv_nsec < 0) {
		t.tv_sec--;
		t.tv_nsec += 1000000000;
	}
	return t;
}

/* What is beyond the year 2262 ends there. */
int64_t time_ns(struct timespec t)
{
	int64_t ns;

	if (__builtin_mul_overflow(t.tv_sec, (int64_t)1000000000, &ns) ||
	    __builtin_add_overflow(ns, t.tv_nsec, &ns))
		return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

/* Directories have no stripe unit, and the real library shows what is then the least. */
static uint32_t block_size(const struct cephring_statx *st)
{
	return S_ISDIR(st->mode) ? 4096 : st->blksize;
}

void statx_to_ceph(const struct cephring_statx *st, struct ceph_statx *out)
{
	*out = (struct ceph_statx){
		.stx_mask =
		    CEPH_STATX_INO | CEPH_STATX_RDEV | (st->mask & RING_LOW) >> 1 | (st->mask & ~0x1fu),
		.stx_blksize = block_size(st),
		.stx_nlink = st->nlink,
		.stx_uid = st->uid,
		.stx_gid = st->gid,
		.stx_mode = (uint16_t)st->mode,
		.stx_ino = st->ino,
		.stx_size = st->size,
		.stx_blocks = st->blocks,
		.stx_dev = st->dev,
		.stx_rdev = st->rdev,
		.stx_atime = time_of(st->atime_ns),
		.stx_mtime = time_of(st->mtime_ns),
		.stx_ctime = time_of(st->ctime_ns),
		.stx_btime = time_of(st->btime_ns),
		.stx_version = st->version,
	};
}

void statx_to_stat(const struct cephring_statx *st, struct stat *out)
{
	*out = (struct stat){
		.st_dev = st->dev,
		.st_ino = st->ino,
		.st_mode = st->mode,
		.st_nlink = st->nlink,
		.st_uid = st->uid,
		.st_gid = st->gid,
		.st_rdev = st->rdev,
		.st_size = (off_t)st->size,
		.st_blksize = block_size(st),
		.st_blocks = (blkcnt_t)st->blocks,
		.st_atim = time_of(st->atime_ns),
		.st_mtim = time_of(st->mtime_ns),
		.st_ctim = time_of(st->ctime_ns > st->mtime_ns ? st->ctime_ns : st->mtime_ns),
	};
}

int flags_from_at(unsigned flags)
{
	const unsigned known = AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC;
	int out = 0;

	if (flags & ~known)
		return -EINVAL;
	if (flags & AT_SYMLINK_NOFOLLOW)
		out |= CEPHRING_NOFOLLOW;
	if (flags & AT_STATX_DONT_SYNC)
		out |= CEPHRING_DONT_SYNC;
	return out;
}

int set_from_ceph(const struct ceph_statx *stx, int mask, struct cephring_setattr *out)
{
	static const struct {
		int ceph;
		uint32_t ring;
	} bits[] = {
		{ CEPH_SETATTR_MODE, CEPHRING_SET_MODE },
		{ CEPH_SETATTR_UID, CEPHRING_SET_UID },
		{ CEPH_SETATTR_GID, CEPHRING_SET_GID },
		{ CEPH_SETATTR_MTIME, CEPHRING_SET_MTIME },
		{ CEPH_SETATTR_ATIME, CEPHRING_SET_ATIME },
		{ CEPH_SETATTR_SIZE, CEPHRING_SET_SIZE },
		{ CEPH_SETATTR_MTIME_NOW, CEPHRING_SET_MTIME_NOW },
		{ CEPH_SETATTR_ATIME_NOW, CEPHRING_SET_ATIME_NOW },
		{ CEPH_SETATTR_BTIME, CEPHRING_SET_BTIME },
	};

	if (!stx)
		return -EFAULT;
	*out = (struct cephring_setattr){ .struct_size = sizeof *out };
	for (unsigned n = 0; n < sizeof bits / sizeof *bits; n++)
		if (mask & bits[n].ceph)
			out->set |= bits[n].ring;
	/* CEPH_SETATTR_CTIME: it becomes now, as always; KILL_SUID and so on: the MDS sees to that */
	out->mode = stx->stx_mode;
	out->uid = stx->stx_uid;
	out->gid = stx->stx_gid;
	out->size = stx->stx_size;
	out->atime_ns = time_ns(stx->stx_atime);
	out->mtime_ns = time_ns(stx->stx_mtime);
	out->btime_ns = time_ns(stx->stx_btime);
	if ((out->set & CEPHRING_SET_SIZE) && out->size > INT64_MAX)
		return -EFBIG;
	return 0;
}

int inode_statx(struct ceph_mount_info *cm, cephring_inode *i, unsigned want, unsigned flags,
		const struct UserPerm *perms, struct ceph_statx *stx)
{
	int how = flags_from_at(flags), err;
	struct cephring_statx st;

	if (how < 0 || !stx)
		return stx ? how : 0;
	err = cephring_sync_statx(cm->m, i, "", want_from_ceph(want), how, cred_given(perms), &st);
	if (!err)
		statx_to_ceph(&st, stx);
	return err;
}
