/* client_libcephfs_act.c: acts, one at a time or by one thread for each in flight, since its calls block. A
 * name in a directory at hand goes the low-level way, which is the shorter one; a path goes the way of paths.
 */
#include "blocking.h"
#include "client.h"
#include "client_libcephfs.h"

#include <errno.h>
#include <fcntl.h>

static struct timespec time_of(int64_t ns)
{
	return (struct timespec){ (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
}

/* What an act has to set: mode and times, or the mode alone. */
static int attributes(const struct client_act *a, struct ceph_statx *stx)
{
	*stx = (struct ceph_statx){ .stx_mode = (uint16_t)a->mode };
	if (!a->mtime_ns)
		return CEPH_SETATTR_MODE;
	stx->stx_mtime = stx->stx_atime = time_of(a->mtime_ns);
	return CEPH_SETATTR_MODE | CEPH_SETATTR_MTIME | CEPH_SETATTR_ATIME;
}

/* ---- names in a directory ---- */

static int create_at(struct client *c, Inode *at, const struct client_act *a)
{
	struct ceph_statx stx;
	Inode *inode;
	Fh *fh;
	int err = ceph_ll_create(c->mount, at, a->path, (mode_t)a->mode, O_CREAT | O_EXCL | O_WRONLY, &inode,
				 &fh, &stx, 0, 0, c->user);

	if (err)
		return err;
	int64_t put =
	    a->verb == CLIENT_CREATE_4K ? ceph_ll_write(c->mount, fh, 0, CLIENT_4K, client_4k) : CLIENT_4K;
	err = ceph_ll_close(c->mount, fh);
	ceph_ll_put(c->mount, inode);
	return put < 0 ? (int)put : put != CLIENT_4K ? -EIO : err;
}

static int mkdir_at(struct client *c, Inode *at, const struct client_act *a)
{
	struct ceph_statx stx;
	Inode *inode;
	int err = ceph_ll_mkdir(c->mount, at, a->path, (mode_t)a->mode, &inode, &stx, 0, 0, c->user);

	if (!err)
		ceph_ll_put(c->mount, inode);
	return err;
}

static int chmod_at(struct client *c, Inode *at, const struct client_act *a)
{
	struct ceph_statx stx;
	Inode *inode;
	int err = ceph_ll_lookup(c->mount, at, a->path, &inode, &stx, 0, 0, c->user);

	if (err)
		return err;
	int mask = attributes(a, &stx);
	err = ceph_ll_setattr(c->mount, inode, &stx, mask, c->user);
	ceph_ll_put(c->mount, inode);
	return err;
}

static int act_at(struct client *c, Inode *at, const struct client_act *a)
{
	switch (a->verb) {
	case CLIENT_LOOKUP:
		return client_lookup(a->at, a->path);
	case CLIENT_CREATE:
	case CLIENT_CREATE_4K:
		return create_at(c, at, a);
	case CLIENT_MKDIR:
		return mkdir_at(c, at, a);
	case CLIENT_RMDIR:
		return ceph_ll_rmdir(c->mount, at, a->path, c->user);
	case CLIENT_UNLINK:
		return ceph_ll_unlink(c->mount, at, a->path, c->user);
	case CLIENT_RENAME:
		return ceph_ll_rename(c->mount, at, a->path, at, a->to, c->user);
	case CLIENT_CHMOD:
		return chmod_at(c, at, a);
	default:
		return -EINVAL;
	}
}

/* ---- paths ---- */

static int create_path(struct client *c, const struct client_act *a)
{
	struct ceph_statx stx;
	mode_t mode = (mode_t)client_create_mode(a);
	int err = 0, fd = ceph_open(c->mount, a->path, O_CREAT | O_EXCL | O_WRONLY, mode);

	if (fd < 0)
		return fd;
	if (a->verb == CLIENT_UNPACK) {
		int mask = attributes(a, &stx);
		err = ceph_fsetattrx(c->mount, fd, &stx, mask);
	}
	int closed = ceph_close(c->mount, fd);
	return err ? err : closed;
}

static int stat_path(struct client *c, const struct client_act *a)
{
	struct timespec want = time_of(a->mtime_ns);
	struct ceph_statx stx;
	int err = ceph_statx(c->mount, a->path, &stx, WANT_BASIC, AT_SYMLINK_NOFOLLOW);

	if (err || !a->mtime_ns)
		return err;
	return stx.stx_mtime.tv_sec == want.tv_sec && stx.stx_mtime.tv_nsec == want.tv_nsec ? 0 : -EBADMSG;
}

static int stamp_path(struct client *c, const struct client_act *a)
{
	struct ceph_statx stx;
	int mask = attributes(a, &stx);

	return ceph_setattrx(c->mount, a->path, &stx, mask, 0);
}

static int list_path(struct client *c, const struct client_act *a)
{
	int64_t n = client_readdirplus(c, a->path);

	return n < 0 ? (int)n : 0;
}

static int act_path(struct client *c, const struct client_act *a)
{
	switch (a->verb) {
	case CLIENT_STAT:
		return stat_path(c, a);
	case CLIENT_LIST:
		return list_path(c, a);
	case CLIENT_CREATE:
	case CLIENT_UNPACK:
		return create_path(c, a);
	case CLIENT_MKDIR:
		return ceph_mkdir(c->mount, a->path, (mode_t)a->mode);
	case CLIENT_RMDIR:
		return ceph_rmdir(c->mount, a->path);
	case CLIENT_UNLINK:
		return ceph_unlink(c->mount, a->path);
	case CLIENT_RENAME:
		return ceph_rename(c->mount, a->path, a->to);
	case CLIENT_CHMOD:
		return ceph_chmod(c->mount, a->path, (mode_t)a->mode);
	case CLIENT_STAMP:
		return stamp_path(c, a);
	default:
		return -EINVAL;
	}
}

int client_act(struct client *c, const struct client_act *a)
{
	return a->at ? act_at(c, a->at->inode, a) : act_path(c, a);
}

int client_act_many(struct client *c, const struct client_act *acts, size_t n, unsigned depth,
		    unsigned threads, uint64_t *took_ns, size_t *bad)
{
	return blocking_act_many(c, acts, n, depth, took_ns, bad);
}
