/* perm.c: see perm.h. */
#include "perm.h"

#include <errno.h>
#include <fcntl.h>
#include "../../include/cephring.h"

static bool in_group(const struct cephring_cred *c, uint32_t gid)
{
	if (c->gid == gid)
		return true;
	for (uint32_t n = 0; n < c->ngroups; n++)
		if (c->groups[n] == gid)
			return true;
	return false;
}

int inode_permission(const struct inode *i, const struct cephring_cred *c, int want)
{
	uint32_t bits;

	if (c->uid == 0) {
		bool exec_denied = (want & MAY_EXEC) && !inode_is_dir(i) && !(i->a.mode & 0111);

		return exec_denied ? -EACCES : 0;
	}
	if (c->uid == i->a.uid)
		bits = i->a.mode >> 6;
	else if (in_group(c, i->a.gid))
		bits = i->a.mode >> 3;
	else
		bits = i->a.mode;
	return (want & ~bits & 7) ? -EACCES : 0;
}

int may_lookup(const struct inode *dir, const struct cephring_cred *cred)
{
	return inode_permission(dir, cred, MAY_EXEC);
}

int may_open(const struct inode *i, int flags, const struct cephring_cred *cred)
{
	int want = 0;

	if (inode_is_link(i))
		return (flags & O_PATH) ? 0 : -ELOOP;
	if ((flags & O_DIRECTORY) && !inode_is_dir(i))
		return -ENOTDIR;
	if (flags & O_PATH)
		return 0;
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		want = MAY_READ;
		break;
	case O_WRONLY:
		want = MAY_WRITE;
		break;
	default:
		want = MAY_READ | MAY_WRITE;
	}
	if (flags & O_TRUNC)
		want |= MAY_WRITE;
	if (inode_is_dir(i) && (want & MAY_WRITE))
		return -EISDIR;
	return inode_permission(i, cred, want);
}
