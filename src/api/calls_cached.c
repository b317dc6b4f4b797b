/* calls_cached.c: the calls that are answered from the cache or not at all, on whichever thread asks; see
 * src/meta/read.h. Checks are those of the calls that go through the engine. */
#include "../meta/read.h"
#include "calls.h"

#include <errno.h>
#include <string.h>

static struct read_path of(cephring_inode *at, const char *path, int flags, const struct cephring_cred *cred)
{
	return (struct read_path){ .at = (struct inode *)at, .path = path, .flags = flags, .cred = cred };
}

int cephring_statx_cached(cephring_mount *mt, cephring_inode *at, const char *path, uint32_t want, int flags,
			  const struct cephring_cred *cred, struct cephring_statx *out)
{
	struct read_path p = of(at, path, flags, cred);

	return read_statx(&mt->meta, &p, want, out);
}

int cephring_lookup_cached(cephring_mount *mt, cephring_inode *at, const char *path, int flags,
			   const struct cephring_cred *cred, cephring_inode **out)
{
	struct read_path p = of(at, path, flags, cred);
	struct inode *i = NULL;
	int res = read_lookup(&mt->meta, &p, &i);

	*out = (cephring_inode *)i;
	return res;
}

int cephring_access_cached(cephring_mount *mt, cephring_inode *at, const char *path, int mode, int flags,
			   const struct cephring_cred *cred)
{
	struct read_path p = of(at, path, flags, cred);

	return (mode & ~7) ? -EINVAL : read_access(&mt->meta, &p, mode);
}

int64_t cephring_readlink_cached(cephring_mount *mt, cephring_inode *at, const char *path,
				 const struct cephring_cred *cred, char *buf, size_t size)
{
	struct read_path p = of(at, path, 0, cred);

	return read_readlink(&mt->meta, &p, buf, size);
}

int64_t cephring_getxattr_cached(cephring_mount *mt, cephring_inode *at, const char *path, const char *name,
				 int flags, const struct cephring_cred *cred, void *buf, size_t size)
{
	struct read_path p = of(at, path, flags, cred);

	if (!name || !*name)
		return -EINVAL;
	if (strlen(name) > WALK_NAME_MAX)
		return -ERANGE;
	return read_getxattr(&mt->meta, &p, name, buf, size);
}
