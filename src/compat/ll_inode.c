/* ll_inode.c: the low-level calls on inodes: each is a reference that the program gives back. */
#include "compat.h"

#include <fcntl.h>
#include <string.h>

static inline cephring_inode *ring(struct Inode *i)
{
	return (cephring_inode *)i;
}

/* A single name, as these calls take it. */
static int name_check(const struct Inode *dir, const char *name)
{
	if (!dir)
		return -EINVAL;
	if (!name)
		return -EFAULT;
	if (!*name)
		return -ENOENT;
	return strchr(name, '/') ? -EINVAL : 0;
}

/* ---- finding ---- */

int ceph_ll_lookup_vino(struct ceph_mount_info *cm, vinodeno_t vino, Inode **out)
{
	struct cephring_handle h = { .ino = vino.ino.val, .snapid = vino.snapid.val };

	ENTER(cm);
	if (!out)
		return -EINVAL;
	*out = NULL;
	return cephring_sync_lookup_handle(cm->m, &h, NULL, (cephring_inode **)out);
}

int ceph_ll_lookup_inode(struct ceph_mount_info *cm, struct inodeno_t ino, Inode **out)
{
	vinodeno_t vino = { .ino = ino, .snapid = { CEPH_NOSNAP } };

	return ceph_ll_lookup_vino(cm, vino, out);
}

struct Inode *ceph_ll_get_inode(struct ceph_mount_info *cm, vinodeno_t vino)
{
	Inode *i = NULL;

	return ceph_ll_lookup_vino(cm, vino, &i) ? NULL : i;
}

int ceph_ll_lookup_root(struct ceph_mount_info *cm, Inode **out)
{
	ENTER(cm);
	if (!out)
		return -EINVAL;
	*out = NULL;
	return cephring_sync_lookup(cm->m, NULL, "/", 0, NULL, (cephring_inode **)out);
}

/* What was found or made, with its attributes: given out, or dropped after an error. */
static int give(struct ceph_mount_info *cm, cephring_inode *i, Inode **out, struct ceph_statx *stx,
		unsigned want, unsigned flags, const UserPerm *perms)
{
	int err = inode_statx(cm, i, want, flags, perms, stx);

	if (!err && out)
		*out = (Inode *)i;
	else
		cephring_put(cm->m, i);
	return err;
}

static int find(struct ceph_mount_info *cm, cephring_inode *at, const char *path, Inode **out,
		struct ceph_statx *stx, unsigned want, unsigned flags, bool follow, const UserPerm *perms)
{
	cephring_inode *i;
	int err = flags_from_at(flags);

	if (out)
		*out = NULL;
	if (err >= 0)
		err = cephring_sync_lookup(cm->m, at, path,
					   follow ? err & CEPHRING_NOFOLLOW : CEPHRING_NOFOLLOW,
					   cred_given(perms), &i);
	return err ? err : give(cm, i, out, stx, want, flags, perms);
}

int ceph_ll_lookup(struct ceph_mount_info *cm, Inode *parent, const char *name, Inode **out,
		   struct ceph_statx *stx, unsigned want, unsigned flags, const UserPerm *perms)
{
	int err;

	ENTER(cm);
	err = name_check(parent, name);
	return err ? err : find(cm, ring(parent), name, out, stx, want, flags, false, perms);
}

int ceph_ll_walk(struct ceph_mount_info *cm, const char *path, Inode **out, struct ceph_statx *stx,
		 unsigned want, unsigned flags, const UserPerm *perms)
{
	ENTER(cm);
	PATH(w, where_path(cm, path));
	return find(cm, w.at, w.path, out, stx, want, flags, true, perms);
}

int ceph_ll_put(struct ceph_mount_info *cm, struct Inode *i)
{
	ENTER(cm);
	cephring_put(cm->m, ring(i));
	return 0;
}

int ceph_ll_forget(struct ceph_mount_info *cm, struct Inode *i, int count)
{
	ENTER(cm);
	for (; i && count > 0; count--)
		cephring_put(cm->m, ring(i));
	return 0;
}

/* ---- attributes ---- */

int ceph_ll_getattr(struct ceph_mount_info *cm, struct Inode *i, struct ceph_statx *stx, unsigned want,
		    unsigned flags, const UserPerm *perms)
{
	ENTER(cm);
	return i && stx ? inode_statx(cm, ring(i), want, flags | AT_SYMLINK_NOFOLLOW, perms, stx) : -EINVAL;
}

int ceph_ll_setattr(struct ceph_mount_info *cm, struct Inode *i, struct ceph_statx *stx, int mask,
		    const UserPerm *perms)
{
	struct cephring_setattr set;
	int err;

	ENTER(cm);
	err = i ? set_from_ceph(stx, mask, &set) : -EINVAL;
	if (!err)
		err = cephring_sync_setattr(cm->m, ring(i), "", &set, CEPHRING_NOFOLLOW, cred_given(perms));
	/* what the caller knows afterwards is how it is now */
	return err ? err : inode_statx(cm, ring(i), CEPH_STATX_ALL_STATS, AT_SYMLINK_NOFOLLOW, perms, stx);
}

int ceph_ll_readlink(struct ceph_mount_info *cm, struct Inode *i, char *buf, size_t size,
		     const UserPerm *perms)
{
	int64_t n;

	ENTER(cm);
	if (!i)
		return -EINVAL;
	n = cephring_sync_readlink(cm->m, ring(i), "", cred_given(perms), buf, size);
	return (int)(n > 0 && (size_t)n > size ? (int64_t)size : n);
}

/* ---- making ---- */

int ceph_ll_mknod(struct ceph_mount_info *cm, Inode *parent, const char *name, mode_t mode, dev_t rdev,
		  Inode **out, struct ceph_statx *stx, unsigned want, unsigned flags, const UserPerm *perms)
{
	int err;

	ENTER(cm);
	struct cephring_cred c = cred_of(cm, perms);

	err = name_check(parent, name);
	if (!err)
		err = cephring_sync_mknod(cm->m, ring(parent), name, mode, rdev, &c);
	return err ? err : find(cm, ring(parent), name, out, stx, want, flags, false, perms);
}

int ceph_ll_mkdir(struct ceph_mount_info *cm, Inode *parent, const char *name, mode_t mode, Inode **out,
		  struct ceph_statx *stx, unsigned want, unsigned flags, const UserPerm *perms)
{
	int err;

	ENTER(cm);
	struct cephring_cred c = cred_of(cm, perms);

	err = name_check(parent, name);
	if (!err)
		err = cephring_sync_mkdir(cm->m, ring(parent), name, mode, 0, &c);
	return err ? err : find(cm, ring(parent), name, out, stx, want, flags, false, perms);
}

int ceph_ll_symlink(struct ceph_mount_info *cm, Inode *parent, const char *name, const char *value,
		    Inode **out, struct ceph_statx *stx, unsigned want, unsigned flags, const UserPerm *perms)
{
	int err;

	ENTER(cm);
	struct cephring_cred c = cred_of(cm, perms);

	err = name_check(parent, name);
	if (!err)
		err = cephring_sync_symlink(cm->m, value, ring(parent), name, &c);
	return err ? err : find(cm, ring(parent), name, out, stx, want, flags, false, perms);
}

int ceph_ll_link(struct ceph_mount_info *cm, struct Inode *i, struct Inode *parent, const char *name,
		 const UserPerm *perms)
{
	int err;

	ENTER(cm);
	err = i ? name_check(parent, name) : -EINVAL;
	return err ? err
		   : cephring_sync_link(cm->m, ring(i), "", ring(parent), name, CEPHRING_NOFOLLOW,
					cred_given(perms));
}

/* ---- moving and removing ---- */

int ceph_ll_rename(struct ceph_mount_info *cm, struct Inode *parent, const char *name,
		   struct Inode *newparent, const char *newname, const UserPerm *perms)
{
	int err;

	ENTER(cm);
	err = name_check(parent, name);
	if (!err)
		err = name_check(newparent, newname);
	return err ? err
		   : cephring_sync_rename(cm->m, ring(parent), name, ring(newparent), newname, 0,
					  cred_given(perms));
}

static int remove_in(struct ceph_mount_info *cm, struct Inode *parent, const char *name, int flags,
		     const UserPerm *perms)
{
	int err;

	ENTER(cm);
	err = name_check(parent, name);
	return err ? err : cephring_sync_unlink(cm->m, ring(parent), name, flags, cred_given(perms));
}

int ceph_ll_unlink(struct ceph_mount_info *cm, struct Inode *parent, const char *name, const UserPerm *perms)
{
	return remove_in(cm, parent, name, 0, perms);
}

int ceph_ll_rmdir(struct ceph_mount_info *cm, struct Inode *parent, const char *name, const UserPerm *perms)
{
	return remove_in(cm, parent, name, CEPHRING_REMOVEDIR, perms);
}
