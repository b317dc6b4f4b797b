/* names.c: making, moving and removing names, by path. */
#include "compat.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

int ceph_mkdirat(struct ceph_mount_info *cm, int dirfd, const char *path, mode_t mode)
{
	ENTER(cm);
	NAME(w, where_at(cm, dirfd, path));
	struct cephring_cred c = cred_of(cm, NULL);

	return cephring_sync_mkdir(cm->m, w.at, w.path, mode, 0, &c);
}

int ceph_mkdir(struct ceph_mount_info *cm, const char *path, mode_t mode)
{
	return ceph_mkdirat(cm, AT_FDCWD, path, mode);
}

int ceph_mkdirs(struct ceph_mount_info *cm, const char *path, mode_t mode)
{
	ENTER(cm);
	NAME(w, where_path(cm, path));
	struct cephring_cred c = cred_of(cm, NULL);

	return cephring_sync_mkdir(cm->m, w.at, w.path, mode, CEPHRING_PARENTS, &c);
}

int ceph_mknod(struct ceph_mount_info *cm, const char *path, mode_t mode, dev_t rdev)
{
	ENTER(cm);
	NAME(w, where_path(cm, path));
	struct cephring_cred c = cred_of(cm, NULL);

	return cephring_sync_mknod(cm->m, w.at, w.path, mode, rdev, &c);
}

int ceph_symlinkat(struct ceph_mount_info *cm, const char *target, int dirfd, const char *path)
{
	ENTER(cm);
	NAME(w, where_at(cm, dirfd, path));
	struct cephring_cred c = cred_of(cm, NULL);

	return cephring_sync_symlink(cm->m, target, w.at, w.path, &c);
}

int ceph_symlink(struct ceph_mount_info *cm, const char *target, const char *path)
{
	return ceph_symlinkat(cm, target, AT_FDCWD, path);
}

int ceph_link(struct ceph_mount_info *cm, const char *existing, const char *name)
{
	ENTER(cm);
	NAME(from, where_path(cm, existing));
	NAME(to, where_path(cm, name));
	return cephring_sync_link(cm->m, from.at, from.path, to.at, to.path, 0, NULL);
}

int ceph_rename(struct ceph_mount_info *cm, const char *old, const char *name)
{
	ENTER(cm);
	NAME(from, where_path(cm, old));
	NAME(to, where_path(cm, name));
	return cephring_sync_rename(cm->m, from.at, from.path, to.at, to.path, 0, NULL);
}

static int remove_at(struct ceph_mount_info *cm, int dirfd, const char *path, int flags)
{
	ENTER(cm);
	NAME(w, where_at(cm, dirfd, path));
	return cephring_sync_unlink(cm->m, w.at, w.path, flags, NULL);
}

int ceph_unlink(struct ceph_mount_info *cm, const char *path)
{
	return remove_at(cm, AT_FDCWD, path, 0);
}

int ceph_rmdir(struct ceph_mount_info *cm, const char *path)
{
	return remove_at(cm, AT_FDCWD, path, CEPHRING_REMOVEDIR);
}

int ceph_unlinkat(struct ceph_mount_info *cm, int dirfd, const char *path, int flags)
{
	if (flags & ~AT_REMOVEDIR)
		return ceph_is_mounted(cm) ? -EINVAL : -ENOTCONN;
	return remove_at(cm, dirfd, path, flags & AT_REMOVEDIR ? CEPHRING_REMOVEDIR : 0);
}

int ceph_readlinkat(struct ceph_mount_info *cm, int dirfd, const char *path, char *buf, int64_t size)
{
	int64_t n;

	ENTER(cm);
	PATH(w, where_at(cm, dirfd, path));
	if (size < 0)
		return -EINVAL;
	n = cephring_sync_readlink(cm->m, w.at, w.path, NULL, buf, (size_t)size);
	return (int)(n > size ? size : n);
}

int ceph_readlink(struct ceph_mount_info *cm, const char *path, char *buf, int64_t size)
{
	return ceph_readlinkat(cm, AT_FDCWD, path, buf, size);
}

/* May a name like this be removed: write and search on its directory. Whether there is one only matters in a
 * sticky directory. */
int ceph_may_delete(struct ceph_mount_info *cm, const char *path)
{
	char dir[PATH_MAX];
	size_t len;
	struct cephring_statx st, in;
	int err;

	ENTER(cm);
	PATH(w, where_path(cm, path));
	len = strlen(path);
	while (len && path[len - 1] == '/')
		len--;
	while (len && path[len - 1] != '/')
		len--;
	if (len >= sizeof dir)
		return -ENAMETOOLONG;
	memcpy(dir, path, len);
	dir[len] = '\0';
	err = cephring_sync_access(cm->m, w.at, len ? dir : ".", 3, 0, NULL);
	if (!err)
		err = cephring_sync_statx(cm->m, w.at, len ? dir : ".",
					  CEPHRING_STATX_MODE | CEPHRING_STATX_UID, 0, NULL, &in);
	if (err || !(in.mode & S_ISVTX) || !cm->perms->cred.uid || cm->perms->cred.uid == in.uid)
		return err;
	err = cephring_sync_statx(cm->m, w.at, path, CEPHRING_STATX_UID, CEPHRING_NOFOLLOW, NULL, &st);
	if (err)
		return err;
	return cm->perms->cred.uid == st.uid ? 0 : -EPERM;
}
