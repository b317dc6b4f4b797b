/* xattrs.c: extended attributes by path, link, descriptor and inode. "cephring.view" reads as a text about
 * this library in this process, on any file; it is not listed. */
#include "compat.h"

#include <stdlib.h>
#include <string.h>

#define VIEW "cephring.view"

static int64_t view_get(struct ceph_mount_info *cm, void *value, size_t size)
{
	char *text = compat_view(cm);
	int64_t len = text ? (int64_t)strlen(text) : -ENOMEM;

	if (len > 0 && size && (size_t)len > size)
		len = -ERANGE;
	else if (len > 0 && size)
		memcpy(value, text, (size_t)len);
	free(text);
	return len;
}

int64_t xattr_get(struct ceph_mount_info *cm, cephring_inode *at, const char *path, const char *name,
		  int flags, const struct UserPerm *perms, void *value, size_t size)
{
	if (!name)
		return -EFAULT;
	if (!*name)
		return -ENODATA;
	if (!strcmp(name, VIEW))
		return view_get(cm, value, size);
	return cephring_sync_getxattr(cm->m, at, path, name, flags, cred_given(perms), value, size);
}

/* ---- by path; flags CEPHRING_NOFOLLOW: the link itself ---- */

static int get_path(struct ceph_mount_info *cm, const char *path, const char *name, void *value, size_t size,
		    int flags)
{
	ENTER(cm);
	PATH(w, where_path(cm, path));
	return (int)xattr_get(cm, w.at, w.path, name, flags, NULL, value, size);
}

static int set_path(struct ceph_mount_info *cm, const char *path, const char *name, const void *value,
		    size_t size, int how, int flags)
{
	ENTER(cm);
	PATH(w, where_path(cm, path));
	return cephring_sync_setxattr(cm->m, w.at, w.path, name, value, size, how, flags, NULL);
}

static int list_path(struct ceph_mount_info *cm, const char *path, char *list, size_t size, int flags)
{
	ENTER(cm);
	PATH(w, where_path(cm, path));
	return (int)cephring_sync_listxattr(cm->m, w.at, w.path, flags, NULL, list, size);
}

static int remove_path(struct ceph_mount_info *cm, const char *path, const char *name, int flags)
{
	ENTER(cm);
	PATH(w, where_path(cm, path));
	return cephring_sync_removexattr(cm->m, w.at, w.path, name, flags, NULL);
}

int ceph_getxattr(struct ceph_mount_info *cm, const char *path, const char *name, void *value, size_t size)
{
	return get_path(cm, path, name, value, size, 0);
}

int ceph_lgetxattr(struct ceph_mount_info *cm, const char *path, const char *name, void *value, size_t size)
{
	return get_path(cm, path, name, value, size, CEPHRING_NOFOLLOW);
}

int ceph_setxattr(struct ceph_mount_info *cm, const char *path, const char *name, const void *value,
		  size_t size, int flags)
{
	return set_path(cm, path, name, value, size, flags, 0);
}

int ceph_lsetxattr(struct ceph_mount_info *cm, const char *path, const char *name, const void *value,
		   size_t size, int flags)
{
	return set_path(cm, path, name, value, size, flags, CEPHRING_NOFOLLOW);
}

int ceph_listxattr(struct ceph_mount_info *cm, const char *path, char *list, size_t size)
{
	return list_path(cm, path, list, size, 0);
}

int ceph_llistxattr(struct ceph_mount_info *cm, const char *path, char *list, size_t size)
{
	return list_path(cm, path, list, size, CEPHRING_NOFOLLOW);
}

int ceph_removexattr(struct ceph_mount_info *cm, const char *path, const char *name)
{
	return remove_path(cm, path, name, 0);
}

int ceph_lremovexattr(struct ceph_mount_info *cm, const char *path, const char *name)
{
	return remove_path(cm, path, name, CEPHRING_NOFOLLOW);
}

/* ---- by descriptor ---- */

int ceph_fgetxattr(struct ceph_mount_info *cm, int fd, const char *name, void *value, size_t size)
{
	ENTER(cm);
	FD(s, cm, fd);
	return (int)xattr_get(cm, cephring_file_inode(s->file), "", name, 0, NULL, value, size);
}

int ceph_fsetxattr(struct ceph_mount_info *cm, int fd, const char *name, const void *value, size_t size,
		   int flags)
{
	ENTER(cm);
	FD(s, cm, fd);
	return cephring_sync_setxattr(cm->m, cephring_file_inode(s->file), "", name, value, size, flags, 0,
				      NULL);
}

int ceph_flistxattr(struct ceph_mount_info *cm, int fd, char *list, size_t size)
{
	ENTER(cm);
	FD(s, cm, fd);
	return (int)cephring_sync_listxattr(cm->m, cephring_file_inode(s->file), "", 0, NULL, list, size);
}

int ceph_fremovexattr(struct ceph_mount_info *cm, int fd, const char *name)
{
	ENTER(cm);
	FD(s, cm, fd);
	return cephring_sync_removexattr(cm->m, cephring_file_inode(s->file), "", name, 0, NULL);
}

/* ---- by inode ---- */

#define INODE(i)                                                                                             \
	if (!(i))                                                                                            \
	return -EINVAL

int ceph_ll_getxattr(struct ceph_mount_info *cm, struct Inode *i, const char *name, void *value, size_t size,
		     const UserPerm *perms)
{
	ENTER(cm);
	INODE(i);
	return (int)xattr_get(cm, (cephring_inode *)i, "", name, CEPHRING_NOFOLLOW, perms, value, size);
}

int ceph_ll_setxattr(struct ceph_mount_info *cm, struct Inode *i, const char *name, const void *value,
		     size_t size, int flags, const UserPerm *perms)
{
	ENTER(cm);
	INODE(i);
	return cephring_sync_setxattr(cm->m, (cephring_inode *)i, "", name, value, size, flags,
				      CEPHRING_NOFOLLOW, cred_given(perms));
}

int ceph_ll_listxattr(struct ceph_mount_info *cm, struct Inode *i, char *list, size_t size, size_t *list_size,
		      const UserPerm *perms)
{
	int64_t n;

	ENTER(cm);
	INODE(i);
	n = cephring_sync_listxattr(cm->m, (cephring_inode *)i, "", CEPHRING_NOFOLLOW, cred_given(perms),
				    list, size);
	if (n < 0)
		return (int)n;
	if (list_size)
		*list_size = (size_t)n;
	return 0;
}

int ceph_ll_removexattr(struct ceph_mount_info *cm, struct Inode *i, const char *name, const UserPerm *perms)
{
	ENTER(cm);
	INODE(i);
	return cephring_sync_removexattr(cm->m, (cephring_inode *)i, "", name, CEPHRING_NOFOLLOW,
					 cred_given(perms));
}
