/* calls_change.c: the public operations that change names and attributes: each fills one operation and
 * submits it. */
#include "calls.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <linux/limits.h>

static int prepare_make(cephring_mount *mt, const struct op_family *fam, cephring_inode *at, const char *path,
			const struct cephring_cred *cred, struct cephring_op *pub, cephring_cb cb, void *user,
			struct op **out)
{
	int err = call_prepare(mt, fam, at, path, WALK_PARENT, cred, CAP_PIN | CAP_AS, pub, cb, user, out);

	if (!err)
		memset(&(*out)->u.make, 0, sizeof(*out)->u.make);
	return err;
}

int cephring_mkdir(cephring_mount *mt, cephring_inode *at, const char *path, uint32_t mode, int flags,
		   const struct cephring_cred *cred, struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct op *op;
	int err = (flags & ~CEPHRING_PARENTS)
		      ? -EINVAL
		      : prepare_make(mt, &op_mkdir_family, at, path, cred, pub, cb, user, &op);

	if (err)
		return err;
	op->u.make.mode = mode & 07777;
	op->u.make.flags = flags;
	return op_submit(op);
}

int cephring_mknod(cephring_mount *mt, cephring_inode *at, const char *path, uint32_t mode, uint64_t rdev,
		   const struct cephring_cred *cred, struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct op *op;
	int err;

	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (S_ISDIR(mode))
		return -EPERM;
	if (!S_ISREG(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode) && !S_ISCHR(mode) && !S_ISBLK(mode))
		return -EINVAL;
	err = prepare_make(mt, &op_mknod_family, at, path, cred, pub, cb, user, &op);
	if (err)
		return err;
	op->u.make.mode = mode & (S_IFMT | 07777);
	op->u.make.rdev = rdev;
	return op_submit(op);
}

int cephring_symlink(cephring_mount *mt, const char *target, cephring_inode *at, const char *path,
		     const struct cephring_cred *cred, struct cephring_op *pub, cephring_cb cb, void *user)
{
	size_t len = target ? strnlen(target, WALK_PATH_MAX + 1) : 0;
	struct op *op;
	int err;

	if (!len)
		return -ENOENT;
	if (len > WALK_PATH_MAX)
		return -ENAMETOOLONG;
	err = prepare_make(mt, &op_symlink_family, at, path, cred, pub, cb, user, &op);
	if (err)
		return err;
	op->u.make.path = target;
	return op_submit(op);
}

int cephring_unlink(cephring_mount *mt, cephring_inode *at, const char *path, int flags,
		    const struct cephring_cred *cred, struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct op *op;
	int err = (flags & ~CEPHRING_REMOVEDIR)
		      ? -EINVAL
		      : prepare_make(mt, &op_unlink_family, at, path, cred, pub, cb, user, &op);

	if (err)
		return err;
	op->u.make.flags = flags;
	return op_submit(op);
}

/* Two paths: the first is walked by the operation as usual, the second by the family. */
static int two_paths(cephring_mount *mt, const struct op_family *fam, int walk_flags, cephring_inode *from_at,
		     const char *from, cephring_inode *to_at, const char *to, int flags,
		     const struct cephring_cred *cred, struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct op *op;
	int err =
	    call_prepare(mt, fam, from_at, from, walk_flags, cred, CAP_PIN | CAP_AS, pub, cb, user, &op);

	if (err)
		return err;
	memset(&op->u.make, 0, sizeof op->u.make);
	op->u.make.at = (struct inode *)to_at;
	op->u.make.path = to ? to : "";
	op->u.make.flags = flags;
	return op_submit(op);
}

int cephring_link(cephring_mount *mt, cephring_inode *from_at, const char *from, cephring_inode *to_at,
		  const char *to, int flags, const struct cephring_cred *cred, struct cephring_op *pub,
		  cephring_cb cb, void *user)
{
	if (flags & ~CEPHRING_NOFOLLOW)
		return -EINVAL;
	return two_paths(mt, &op_link_family, flags, from_at, from, to_at, to, flags, cred, pub, cb, user);
}

int cephring_rename(cephring_mount *mt, cephring_inode *from_at, const char *from, cephring_inode *to_at,
		    const char *to, int flags, const struct cephring_cred *cred, struct cephring_op *pub,
		    cephring_cb cb, void *user)
{
	if (flags)
		return -EINVAL;
	return two_paths(mt, &op_rename_family, WALK_PARENT, from_at, from, to_at, to, flags, cred, pub, cb,
			 user);
}

/* ---- attributes ---- */

int cephring_setattr(cephring_mount *mt, cephring_inode *at, const char *path,
		     const struct cephring_setattr *set, int flags, const struct cephring_cred *cred,
		     struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct file *f;
	struct op *op;
	int err;

	if (set->struct_size < offsetof(struct cephring_setattr, file) || (set->set & ~0x1ffu) ||
	    (flags & ~CEPHRING_NOFOLLOW))
		return -EINVAL;
	if ((set->set & CEPHRING_SET_SIZE) && set->size > INT64_MAX)
		return -EINVAL;
	err = call_prepare(mt, &op_setattr_family, at, path, flags, cred, CAP_PIN | CAP_AS | CAP_FS, pub, cb,
			   user, &op);
	if (err)
		return err;
	memset(&op->u.setattr, 0, sizeof op->u.setattr);
	memcpy(&op->u.setattr.set, set,
	       set->struct_size < sizeof op->u.setattr.set ? set->struct_size : sizeof op->u.setattr.set);
	f = (struct file *)op->u.setattr.set.file;
	if (f) /* until the operation ends it cannot be closed */
		__atomic_add_fetch(&f->busy, 1, __ATOMIC_ACQ_REL);
	err = op_submit(op);
	if (err && f)
		__atomic_sub_fetch(&f->busy, 1, __ATOMIC_RELEASE);
	return err;
}

static int xattr_call(cephring_mount *mt, const struct op_family *fam, cephring_inode *at, const char *path,
		      const char *name, const void *value, size_t size, int how, int flags,
		      const struct cephring_cred *cred, struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct op *op;
	int err;

	if (!name || !*name || (how & ~(XATTR_CREATE | XATTR_REPLACE)) || (flags & ~CEPHRING_NOFOLLOW))
		return -EINVAL;
	if (strlen(name) > WALK_NAME_MAX)
		return -ERANGE;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	err = call_prepare(mt, fam, at, path, flags, cred, CAP_PIN | CAP_AS | CAP_XS, pub, cb, user, &op);
	if (err)
		return err;
	op->u.xattr.name = name;
	op->u.xattr.buf = (void *)value; /* read only */
	op->u.xattr.size = size;
	op->u.xattr.how = how;
	return op_submit(op);
}

int cephring_setxattr(cephring_mount *mt, cephring_inode *at, const char *path, const char *name,
		      const void *value, size_t size, int how, int flags, const struct cephring_cred *cred,
		      struct cephring_op *pub, cephring_cb cb, void *user)
{
	return xattr_call(mt, &op_setxattr_family, at, path, name, value, size, how, flags, cred, pub, cb,
			  user);
}

int cephring_removexattr(cephring_mount *mt, cephring_inode *at, const char *path, const char *name,
			 int flags, const struct cephring_cred *cred, struct cephring_op *pub, cephring_cb cb,
			 void *user)
{
	return xattr_call(mt, &op_removexattr_family, at, path, name, NULL, 0, 0, flags, cred, pub, cb, user);
}

/* ---- snapshots and handles ---- */

int cephring_mksnap(cephring_mount *mt, cephring_inode *at, const char *path, const char *name, uint32_t mode,
		    const struct cephring_kv *metadata, uint32_t count, const struct cephring_cred *cred,
		    struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct op *op;
	int err;

	if (!name || !*name || strchr(name, '/') || (count && !metadata))
		return -EINVAL;
	if (strlen(name) > WALK_NAME_MAX)
		return -ENAMETOOLONG;
	err = call_prepare(mt, &op_mksnap_family, at, path, 0, cred, CAP_PIN | CAP_AS, pub, cb, user, &op);
	if (err)
		return err;
	memset(&op->u.snap, 0, sizeof op->u.snap);
	op->u.snap.name = name;
	op->u.snap.mode = mode;
	op->u.snap.metadata = metadata;
	op->u.snap.count = count;
	return op_submit(op);
}

int cephring_snap_info(cephring_mount *mt, cephring_inode *at, const char *path,
		       const struct cephring_cred *cred, struct cephring_snap_info *out,
		       struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct op *op;
	int err = call_prepare(mt, &op_snap_info_family, at, path, 0, cred, CAP_PIN, pub, cb, user, &op);

	if (err)
		return err;
	memset(&op->u.snap, 0, sizeof op->u.snap);
	op->u.snap.out = out;
	return op_submit(op);
}

void cephring_handle_of(const cephring_inode *pub, struct cephring_handle *out)
{
	const struct inode *i = (const struct inode *)pub;

	*out = (struct cephring_handle){ .ino = i->key.ino, .snapid = i->key.snapid };
}

static int handle_call(cephring_mount *mt, const struct op_family *fam, const struct cephring_handle *h,
		       struct inode *of, const struct cephring_cred *cred, struct cephring_op *pub,
		       cephring_cb cb, void *user, struct op **out)
{
	int err = call_prepare(mt, fam, (cephring_inode *)of, "", 0, cred, CAP_PIN, pub, cb, user, out);

	if (err)
		return err;
	if (!of)
		(*out)->start.path = NULL; /* no walk */
	memset(&(*out)->u.handle, 0, sizeof(*out)->u.handle);
	if (h)
		(*out)->u.handle.handle = *h;
	return 0;
}

int cephring_lookup_handle(cephring_mount *mt, const struct cephring_handle *h,
			   const struct cephring_cred *cred, struct cephring_op *pub, cephring_cb cb,
			   void *user, cephring_inode **out)
{
	struct op *op;
	int err = handle_call(mt, &op_lookup_handle_family, h, NULL, cred, pub, cb, user, &op);

	if (err)
		return err;
	*out = NULL;
	op->u.handle.out = out;
	return op_submit(op);
}

int cephring_name_of(cephring_mount *mt, cephring_inode *i, const struct cephring_cred *cred, char *buf,
		     size_t size, struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct op *op;
	int err = handle_call(mt, &op_name_of_family, NULL, (struct inode *)i, cred, pub, cb, user, &op);

	if (err)
		return err;
	op->u.handle.buf = buf;
	op->u.handle.size = size;
	return op_submit(op);
}

int cephring_syncfs(cephring_mount *mt, struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct op *op;
	int err = op_prepare(&mt->meta, pub, &op_syncfs_family, cb, user, &op);

	if (err)
		return err;
	memset(&op->u.sync, 0, sizeof op->u.sync);
	return op_submit(op);
}
