/* perm.c: see perm.h. */
#include "acl.h"
#include "meta.h"
#include "xattr_map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

bool cred_in_group(const struct cephring_cred *c, uint32_t gid)
{
	if (c->gid == gid)
		return true;
	for (uint32_t n = 0; n < c->ngroups; n++)
		if (c->groups[n] == gid)
			return true;
	return false;
}

bool cred_owns(const struct meta *m, const struct inode *i, const struct cephring_cred *c)
{
	return m->o.no_permissions || c->uid == 0 || c->uid == i->a.uid;
}

int perm_judge(const struct attrs *a, struct slice xattrs, const struct cephring_cred *c, int want)
{
	struct slice acl;
	uint32_t bits;

	if (c->uid == 0)
		return (want & MAY_EXEC) && !S_ISDIR(a->mode) && !(a->mode & 0111) ? -EACCES : 0;
	if (c->uid == a->uid)
		bits = a->mode >> 6;
	/* The group bits are the mask of a list. Where they are empty, it grants nothing: the other clients
	 * do not look at it then, so whom it names is judged by the mode alone. */
	else if (xattrs.len && (a->mode & 070) && xattr_map_find(xattrs, ACL_ACCESS, &acl))
		return acl_permission(acl, a->uid, a->gid, c, want);
	else if (cred_in_group(c, a->gid))
		bits = a->mode >> 3;
	else
		bits = a->mode;
	return ((uint32_t)want & ~bits & 7) ? -EACCES : 0;
}

uint32_t perm_caps(const struct meta *m)
{
	return m->o.posix_acl ? CAP_AS | CAP_XS : CAP_AS;
}

bool perm_known(const struct meta *m, uint32_t issued)
{
	return (issued & (CAP_AS | CAP_AX)) && (!m->o.posix_acl || (issued & (CAP_XS | CAP_XX)));
}

int inode_permission(const struct meta *m, const struct inode *i, const struct cephring_cred *c, int want)
{
	struct slice none = { NULL, 0 };

	if (m->o.no_permissions)
		return 0;
	return perm_judge(&i->a, m->o.posix_acl ? inode_xattrs(i) : none, c, want);
}

int may_lookup(const struct meta *m, const struct inode *dir, const struct cephring_cred *cred)
{
	return inode_permission(m, dir, cred, MAY_EXEC);
}

static int open_wants(int flags)
{
	int want = (flags & O_TRUNC) ? MAY_WRITE : 0;

	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return want | MAY_READ;
	case O_WRONLY:
		return want | MAY_WRITE;
	default:
		return MAY_READ | MAY_WRITE;
	}
}

int may_open(const struct meta *m, const struct inode *i, int flags, const struct cephring_cred *cred)
{
	int want, err;

	if (inode_is_link(i))
		return (flags & O_PATH) ? 0 : -ELOOP;
	if ((flags & O_DIRECTORY) && !inode_is_dir(i))
		return -ENOTDIR;
	if (flags & O_PATH)
		return 0;
	want = open_wants(flags);
	if (inode_is_dir(i) && (want & MAY_WRITE))
		return -EISDIR;
	err = inode_permission(m, i, cred, want);
	if (!err && (want & MAY_WRITE) && i->key.snapid != SNAP_HEAD)
		err = -EROFS;
	return err;
}

int may_create(const struct meta *m, const struct inode *dir, const struct cephring_cred *cred)
{
	int err;

	if (!inode_is_dir(dir))
		return -ENOTDIR;
	err = inode_permission(m, dir, cred, MAY_WRITE | MAY_EXEC);
	if (!err && dir->key.snapid != SNAP_HEAD)
		err = -EROFS;
	return err;
}

int may_delete(const struct meta *m, const struct inode *dir, const struct inode *victim,
	       const struct cephring_cred *cred, bool isdir)
{
	int err = may_create(m, dir, cred);

	if (err || !victim)
		return err;
	if ((dir->a.mode & S_ISVTX) && !cred_owns(m, dir, cred) && !cred_owns(m, victim, cred))
		return -EPERM;
	if (isdir != inode_is_dir(victim))
		return isdir ? -ENOTDIR : -EISDIR;
	return 0;
}

int may_hardlink(const struct meta *m, const struct inode *i, const struct cephring_cred *cred)
{
	const uint32_t setgid = S_ISGID | S_IXGRP;

	if (inode_is_dir(i))
		return -EPERM;
	if (cred_owns(m, i, cred))
		return 0;
	if (!S_ISREG(i->a.mode) || (i->a.mode & S_ISUID) || (i->a.mode & setgid) == setgid)
		return -EPERM;
	return inode_permission(m, i, cred, MAY_READ | MAY_WRITE) ? -EPERM : 0;
}

/* Times: what the clock says, whoever may write may set; anything else is the owner's. */
static int may_set_times(const struct meta *m, const struct inode *i, uint32_t set,
			 const struct cephring_cred *cred)
{
	const uint32_t now = CEPHRING_SET_ATIME_NOW | CEPHRING_SET_MTIME_NOW;
	uint32_t chosen = set & (CEPHRING_SET_ATIME | CEPHRING_SET_MTIME | CEPHRING_SET_BTIME);

	if (cred_owns(m, i, cred) || !(chosen | (set & now)))
		return 0;
	return chosen ? -EPERM : inode_permission(m, i, cred, MAY_WRITE);
}

int may_setattr(const struct meta *m, const struct inode *i, const struct cephring_setattr *s,
		const struct cephring_cred *cred)
{
	bool root = m->o.no_permissions || cred->uid == 0, owner = cred_owns(m, i, cred);

	if (i->key.snapid != SNAP_HEAD)
		return -EROFS;
	if ((s->set & CEPHRING_SET_SIZE) && !s->file && inode_permission(m, i, cred, MAY_WRITE))
		return -EACCES;
	if ((s->set & CEPHRING_SET_UID) && !root && !(owner && s->uid == i->a.uid))
		return -EPERM;
	if ((s->set & CEPHRING_SET_GID) && !root &&
	    !(owner && (s->gid == i->a.gid || cred_in_group(cred, s->gid))))
		return -EPERM;
	if ((s->set & CEPHRING_SET_MODE) && !owner)
		return -EPERM;
	return may_set_times(m, i, s->set, cred);
}

/* ---- new inodes ---- */

int perm_birth(const struct meta *m, const struct inode *dir, const struct cephring_cred *cred,
	       uint32_t *mode, uint32_t *gid, struct enc *xattrs)
{
	bool of_dir = (dir->a.mode & S_ISGID) != 0;
	struct slice def;

	*gid = of_dir ? dir->a.gid : cred->gid;
	if (S_ISLNK(*mode)) /* its bits are never looked at */
		return 0;
	if (of_dir && S_ISDIR(*mode))
		*mode |= S_ISGID;
	/* Nobody makes a program of a group that he is not in. */
	else if (of_dir && (*mode & S_ISGID) && (*mode & S_IXGRP) && cred->uid && !cred_in_group(cred, *gid))
		*mode &= ~(uint32_t)S_ISGID;
	if (m->o.posix_acl && xattr_map_find(inode_xattrs(dir), ACL_DEFAULT, &def) && acl_check(def) != 0)
		return acl_inherit(def, mode, xattrs);
	*mode &= ~(cred->umask & 0777);
	return 0;
}
