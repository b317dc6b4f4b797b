/* stats.c: looking at and changing attributes, by path and by descriptor. */
#include "compat.h"

#include <fcntl.h>
#include <string.h>
#include <sys/time.h>

enum { BLOCK_SHIFT = 22 }; /* what statfs counts in */

static int statx_where(struct ceph_mount_info *cm, const struct where *w, struct ceph_statx *stx,
		       unsigned want, unsigned flags)
{
	int how = flags_from_at(flags), err;
	struct cephring_statx st;

	if (how < 0 || !stx)
		return stx ? how : -EFAULT;
	err = cephring_sync_statx(cm->m, w->at, w->path, want_from_ceph(want), how, NULL, &st);
	if (!err)
		statx_to_ceph(&st, stx);
	return err;
}

int ceph_statx(struct ceph_mount_info *cm, const char *path, struct ceph_statx *stx, unsigned want,
	       unsigned flags)
{
	ENTER(cm);
	PATH(w, where_path(cm, path));
	return statx_where(cm, &w, stx, want, flags);
}

int ceph_statxat(struct ceph_mount_info *cm, int dirfd, const char *path, struct ceph_statx *stx,
		 unsigned want, unsigned flags)
{
	ENTER(cm);
	PATH(w, where_at(cm, dirfd, path));
	return statx_where(cm, &w, stx, want, flags);
}

int ceph_fstatx(struct ceph_mount_info *cm, int fd, struct ceph_statx *stx, unsigned want, unsigned flags)
{
	ENTER(cm);
	FD(s, cm, fd);
	return stx ? inode_statx(cm, cephring_file_inode(s->file), want, flags, NULL, stx) : -EFAULT;
}

static int stat_at(struct ceph_mount_info *cm, cephring_inode *at, const char *path, int flags,
		   struct stat *out)
{
	struct cephring_statx st;
	int err;

	if (!out)
		return -EFAULT;
	err = cephring_sync_statx(cm->m, at, path, CEPHRING_STATX_BASIC, flags, NULL, &st);
	if (!err)
		statx_to_stat(&st, out);
	return err;
}

int ceph_stat(struct ceph_mount_info *cm, const char *path, struct stat *out)
{
	ENTER(cm);
	PATH(w, where_path(cm, path));
	return stat_at(cm, w.at, w.path, 0, out);
}

int ceph_lstat(struct ceph_mount_info *cm, const char *path, struct stat *out)
{
	ENTER(cm);
	PATH(w, where_path(cm, path));
	return stat_at(cm, w.at, w.path, CEPHRING_NOFOLLOW, out);
}

int ceph_fstat(struct ceph_mount_info *cm, int fd, struct stat *out)
{
	ENTER(cm);
	FD(s, cm, fd);
	return stat_at(cm, cephring_file_inode(s->file), "", 0, out);
}

static int statfs_of(struct ceph_mount_info *cm, struct statvfs *out)
{
	struct cephring_statfs fs;
	uint64_t unit;
	int err;

	if (!out)
		return -EFAULT;
	err = cephring_sync_statfs(cm->m, &fs);
	if (err)
		return err;
	unit = fs.block_size ? fs.block_size : 1;
	*out = (struct statvfs){
		.f_bsize = 1 << BLOCK_SHIFT,
		.f_frsize = 1 << BLOCK_SHIFT,
		.f_blocks = (uint64_t)((unsigned __int128)fs.blocks * unit >> BLOCK_SHIFT),
		.f_bfree = (uint64_t)((unsigned __int128)fs.blocks_free * unit >> BLOCK_SHIFT),
		.f_files = fs.files,
		.f_ffree = (fsfilcnt_t)-1,
		.f_favail = (fsfilcnt_t)-1,
		.f_fsid = (unsigned long)-1,
		.f_namemax = fs.name_max,
	};
	out->f_bavail = out->f_bfree;
	return 0;
}

int ceph_statfs(struct ceph_mount_info *cm, const char *path, struct statvfs *out)
{
	ENTER(cm);
	PATH(w, where_path(cm, path));
	return statfs_of(cm, out);
}

int ceph_ll_statfs(struct ceph_mount_info *cm, struct Inode *i, struct statvfs *out)
{
	ENTER(cm);
	(void)i;
	return statfs_of(cm, out);
}

/* ---- changing ---- */

static int set_where(struct ceph_mount_info *cm, const struct where *w, struct cephring_setattr *set,
		     int flags)
{
	set->struct_size = sizeof *set;
	return cephring_sync_setattr(cm->m, w->at, w->path, set, flags, NULL);
}

static int set_path(struct ceph_mount_info *cm, const char *path, struct cephring_setattr set, int flags)
{
	ENTER(cm);
	PATH(w, where_path(cm, path));
	return set_where(cm, &w, &set, flags);
}

static int set_fd(struct ceph_mount_info *cm, int fd, struct cephring_setattr set)
{
	ENTER(cm);
	FD(s, cm, fd);
	if (s->flags & O_PATH)
		return -EBADF;
	if (set.set & CEPHRING_SET_SIZE) {
		if ((s->flags & O_ACCMODE) == O_RDONLY)
			return -EBADF;
		set.file = s->file;
	}
	set.struct_size = sizeof set;
	slot_wrote(s);
	return cephring_sync_setattr(cm->m, cephring_file_inode(s->file), "", &set, 0, NULL);
}

static int set_at(struct ceph_mount_info *cm, int dirfd, const char *path, struct cephring_setattr set,
		  int flags)
{
	int how = flags & ~AT_SYMLINK_NOFOLLOW ? -EINVAL : flags_from_at((unsigned)flags);

	ENTER(cm);
	PATH(w, where_at(cm, dirfd, path));
	return how < 0 ? how : set_where(cm, &w, &set, how);
}

int ceph_setattrx(struct ceph_mount_info *cm, const char *path, struct ceph_statx *stx, int mask, int flags)
{
	struct cephring_setattr set;
	int err = set_from_ceph(stx, mask, &set), how = flags_from_at((unsigned)flags);

	if (!ceph_is_mounted(cm))
		return -ENOTCONN;
	return err ? err : how < 0 ? how : set_path(cm, path, set, how & CEPHRING_NOFOLLOW);
}

int ceph_fsetattrx(struct ceph_mount_info *cm, int fd, struct ceph_statx *stx, int mask)
{
	struct cephring_setattr set;
	int err = set_from_ceph(stx, mask, &set);

	if (!ceph_is_mounted(cm))
		return -ENOTCONN;
	return err ? err : set_fd(cm, fd, set);
}

static struct cephring_setattr mode_set(mode_t mode)
{
	return (struct cephring_setattr){ .set = CEPHRING_SET_MODE, .mode = mode & 07777 };
}

/* -1: as it is. */
static struct cephring_setattr owner_set(uid_t uid, gid_t gid)
{
	struct cephring_setattr set = { .uid = uid, .gid = gid };

	if (uid != (uid_t)-1)
		set.set |= CEPHRING_SET_UID;
	if (gid != (gid_t)-1)
		set.set |= CEPHRING_SET_GID;
	return set;
}

int ceph_chmod(struct ceph_mount_info *cm, const char *path, mode_t mode)
{
	return set_path(cm, path, mode_set(mode), 0);
}

int ceph_lchmod(struct ceph_mount_info *cm, const char *path, mode_t mode)
{
	return set_path(cm, path, mode_set(mode), CEPHRING_NOFOLLOW);
}

int ceph_fchmod(struct ceph_mount_info *cm, int fd, mode_t mode)
{
	return set_fd(cm, fd, mode_set(mode));
}

int ceph_chmodat(struct ceph_mount_info *cm, int dirfd, const char *path, mode_t mode, int flags)
{
	return set_at(cm, dirfd, path, mode_set(mode), flags);
}

int ceph_chown(struct ceph_mount_info *cm, const char *path, int uid, int gid)
{
	return set_path(cm, path, owner_set((uid_t)uid, (gid_t)gid), 0);
}

int ceph_lchown(struct ceph_mount_info *cm, const char *path, int uid, int gid)
{
	return set_path(cm, path, owner_set((uid_t)uid, (gid_t)gid), CEPHRING_NOFOLLOW);
}

int ceph_fchown(struct ceph_mount_info *cm, int fd, int uid, int gid)
{
	return set_fd(cm, fd, owner_set((uid_t)uid, (gid_t)gid));
}

int ceph_chownat(struct ceph_mount_info *cm, int dirfd, const char *path, uid_t uid, gid_t gid, int flags)
{
	return set_at(cm, dirfd, path, owner_set(uid, gid), flags);
}

int ceph_truncate(struct ceph_mount_info *cm, const char *path, int64_t size)
{
	if (size < 0)
		return ceph_is_mounted(cm) ? -EINVAL : -ENOTCONN;
	return set_path(cm, path,
			(struct cephring_setattr){ .set = CEPHRING_SET_SIZE, .size = (uint64_t)size }, 0);
}

int ceph_ftruncate(struct ceph_mount_info *cm, int fd, int64_t size)
{
	if (size < 0)
		return ceph_is_mounted(cm) ? -EINVAL : -ENOTCONN;
	return set_fd(cm, fd, (struct cephring_setattr){ .set = CEPHRING_SET_SIZE, .size = (uint64_t)size });
}

/* ---- times; NULL: now ---- */

static void one_time(struct cephring_setattr *set, const struct timespec *t, int64_t *ns, uint32_t given,
		     uint32_t now)
{
	if (t && t->tv_nsec == UTIME_OMIT)
		return;
	set->set |= !t || t->tv_nsec == UTIME_NOW ? now : given;
	if (t)
		*ns = time_ns(*t);
}

static struct cephring_setattr times_set(const struct timespec *t)
{
	struct cephring_setattr set = { 0 };

	one_time(&set, t, &set.atime_ns, CEPHRING_SET_ATIME, CEPHRING_SET_ATIME_NOW);
	one_time(&set, t ? t + 1 : NULL, &set.mtime_ns, CEPHRING_SET_MTIME, CEPHRING_SET_MTIME_NOW);
	return set;
}

static struct cephring_setattr utime_set(const struct utimbuf *u)
{
	return u ? times_set((struct timespec[2]){ { .tv_sec = u->actime }, { .tv_sec = u->modtime } })
		 : times_set(NULL);
}

static struct cephring_setattr timeval_set(const struct timeval *v)
{
	return v ? times_set((struct timespec[2]){ { v[0].tv_sec, v[0].tv_usec * 1000 },
						   { v[1].tv_sec, v[1].tv_usec * 1000 } })
		 : times_set(NULL);
}

int ceph_utime(struct ceph_mount_info *cm, const char *path, struct utimbuf *u)
{
	return set_path(cm, path, utime_set(u), 0);
}

int ceph_futime(struct ceph_mount_info *cm, int fd, struct utimbuf *u)
{
	return set_fd(cm, fd, utime_set(u));
}

int ceph_utimes(struct ceph_mount_info *cm, const char *path, struct timeval v[2])
{
	return set_path(cm, path, timeval_set(v), 0);
}

int ceph_lutimes(struct ceph_mount_info *cm, const char *path, struct timeval v[2])
{
	return set_path(cm, path, timeval_set(v), CEPHRING_NOFOLLOW);
}

int ceph_futimes(struct ceph_mount_info *cm, int fd, struct timeval v[2])
{
	return set_fd(cm, fd, timeval_set(v));
}

int ceph_futimens(struct ceph_mount_info *cm, int fd, struct timespec t[2])
{
	return set_fd(cm, fd, times_set(t));
}

int ceph_utimensat(struct ceph_mount_info *cm, int dirfd, const char *path, struct timespec t[2], int flags)
{
	return set_at(cm, dirfd, path, times_set(t), flags);
}
