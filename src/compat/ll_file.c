/* ll_file.c: the low-level calls that open, close and make safe. */
#include "compat.h"

#include <fcntl.h>
#include <string.h>

static int open_in(struct ceph_mount_info *cm, cephring_inode *at, const char *name, int flags, mode_t mode,
		   const UserPerm *perms, struct slot **out)
{
	struct cephring_cred c = cred_of(cm, perms);
	cephring_file *f;
	int64_t n;
	int err;

	flags = open_flags(flags);
	err = cephring_sync_open(cm->m, at, name, flags & ~O_APPEND, mode, NULL, &c, &f);
	if (err < 0)
		return err;
	n = file_keep(&cm->handles, SLOT_FILE, f, flags, out);
	return n < 0 ? (int)n : 0;
}

int ceph_ll_open(struct ceph_mount_info *cm, struct Inode *i, int flags, struct Fh **fh,
		 const UserPerm *perms)
{
	ENTER(cm);
	if (!i || !fh)
		return -EINVAL;
	if (flags & O_CREAT)
		return -EINVAL; /* there is nothing to make: it exists */
	return open_in(cm, (cephring_inode *)i, "", flags, 0, perms, (struct slot **)fh);
}

int ceph_ll_create(struct ceph_mount_info *cm, Inode *parent, const char *name, mode_t mode, int oflags,
		   Inode **outp, Fh **fhp, struct ceph_statx *stx, unsigned want, unsigned lflags,
		   const UserPerm *perms)
{
	cephring_inode *i = NULL;
	struct slot *s = NULL;
	int err;

	ENTER(cm);
	if (!parent || !name)
		return -EINVAL;
	if (!*name || strchr(name, '/'))
		return *name ? -EINVAL : -ENOENT;
	if (lflags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC))
		return -EINVAL;
	err = open_in(cm, (cephring_inode *)parent, name, oflags | O_CREAT | O_NOFOLLOW, mode, perms, &s);
	if (err)
		return err;
	i = cephring_file_inode(s->file);
	i = outp ? inside_get(&i) : NULL;
	err = inode_statx(cm, cephring_file_inode(s->file), want, lflags, perms, stx);
	if (!err && outp)
		*outp = (Inode *)i;
	else
		cephring_put(cm->m, i);
	if (!err && fhp)
		*fhp = (Fh *)s;
	else
		slot_close(slot_by_pointer(&cm->handles, s, SLOT_FILE));
	return err;
}

int ceph_ll_close(struct ceph_mount_info *cm, struct Fh *fh)
{
	struct slot *s;

	ENTER(cm);
	s = slot_by_pointer(&cm->handles, fh, SLOT_FILE);
	if (!s)
		return -EBADF;
	delegation_end(s);
	return slot_close(s);
}

int ceph_ll_fsync(struct ceph_mount_info *cm, struct Fh *fh, int datasync)
{
	ENTER(cm);
	FH(s, cm, fh);
	return cephring_sync_fsync(s->file, datasync);
}

/* An inode that nobody has open is opened for it; what may not be read is made safe with all the rest. */
int ceph_ll_sync_inode(struct ceph_mount_info *cm, struct Inode *i, int datasync)
{
	struct cephring_cred root = { 0 };
	cephring_file *f;
	int err;

	ENTER(cm);
	if (!i)
		return -EINVAL;
	if (cephring_sync_open(cm->m, (cephring_inode *)i, "", O_RDONLY, 0, NULL, &root, &f) < 0)
		return cephring_sync_syncfs(cm->m);
	err = cephring_sync_fsync(f, datasync);
	cephring_sync_close(f);
	return err;
}

int ceph_ll_lazyio(struct ceph_mount_info *cm, Fh *fh, int enable)
{
	(void)enable;
	ENTER(cm);
	FH(s, cm, fh);
	return 0;
}
