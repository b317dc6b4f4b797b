/* client_cephring_act.c: acts one at a time, by the blocking helpers. */
#include "client_cephring.h"
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

enum { LIST_BUFFER = 64 * 1024 };

struct cephring_setattr client_attributes(uint32_t mode, int64_t mtime_ns)
{
	struct cephring_setattr set = { .struct_size = sizeof(set), .set = CEPHRING_SET_MODE, .mode = mode };

	if (mtime_ns) {
		set.set |= CEPHRING_SET_MTIME | CEPHRING_SET_ATIME;
		set.mtime_ns = set.atime_ns = mtime_ns;
	}
	return set;
}

static int act_lookup(struct client *c, cephring_inode *at, const struct client_act *a)
{
	cephring_inode *inode;
	int err = cephring_sync_lookup(c->mount, at, a->path, 0, &c->user, &inode);

	if (!err)
		cephring_put(c->mount, inode);
	return err;
}

static int act_stat(struct client *c, cephring_inode *at, const struct client_act *a)
{
	struct cephring_statx st;
	int err = cephring_sync_statx(c->mount, at, a->path, CEPHRING_STATX_BASIC, CEPHRING_NOFOLLOW,
				      &c->user, &st);

	return err ? err : a->mtime_ns && st.mtime_ns != a->mtime_ns ? -EBADMSG : 0;
}

static int act_list(struct client *c, cephring_inode *at, const struct client_act *a)
{
	char buf[LIST_BUFFER];
	cephring_file *f;
	int64_t len;
	int err = cephring_sync_open(c->mount, at, a->path, O_RDONLY | O_DIRECTORY, 0, NULL, &c->user, &f);

	if (err)
		return err;
	while ((len = cephring_sync_readdir(f, buf, sizeof(buf))) > 0)
		;
	err = cephring_sync_close(f);
	return len < 0 ? (int)len : err;
}

static int act_set(struct client *c, cephring_inode *at, const char *path, const struct client_act *a)
{
	struct cephring_setattr set = client_attributes(a->mode, a->mtime_ns);

	return cephring_sync_setattr(c->mount, at, path, &set, 0, &c->user);
}

static int act_create(struct client *c, cephring_inode *at, const struct client_act *a)
{
	cephring_file *f;
	int err = 0;
	int res = cephring_sync_open(c->mount, at, a->path, O_CREAT | O_EXCL | O_WRONLY,
				     client_create_mode(a), NULL, &c->user, &f);

	if (res < 0)
		return res;
	if (a->verb == CLIENT_UNPACK)
		err = act_set(c, cephring_file_inode(f), "", a);
	int closed = cephring_sync_close(f);
	return err ? err : closed;
}

static int act_create_4k(struct client *c, cephring_inode *at, const struct client_act *a)
{
	int64_t put =
	    cephring_sync_write_path(c->mount, at, a->path, client_4k, CLIENT_4K, O_EXCL, a->mode, &c->user);

	return put < 0 ? (int)put : put == CLIENT_4K ? 0 : -EIO;
}

int client_act(struct client *c, const struct client_act *a)
{
	cephring_inode *at = a->at ? a->at->inode : NULL;

	switch (a->verb) {
	case CLIENT_LOOKUP:
		return act_lookup(c, at, a);
	case CLIENT_STAT:
		return act_stat(c, at, a);
	case CLIENT_LIST:
		return act_list(c, at, a);
	case CLIENT_CREATE:
	case CLIENT_UNPACK:
		return act_create(c, at, a);
	case CLIENT_CREATE_4K:
		return act_create_4k(c, at, a);
	case CLIENT_MKDIR:
		return cephring_sync_mkdir(c->mount, at, a->path, a->mode, 0, &c->user);
	case CLIENT_RMDIR:
		return cephring_sync_unlink(c->mount, at, a->path, CEPHRING_REMOVEDIR, &c->user);
	case CLIENT_UNLINK:
		return cephring_sync_unlink(c->mount, at, a->path, 0, &c->user);
	case CLIENT_RENAME:
		return cephring_sync_rename(c->mount, at, a->path, at, a->to, 0, &c->user);
	case CLIENT_CHMOD:
	case CLIENT_STAMP:
		return act_set(c, at, a->path, a);
	}
	return -EINVAL;
}
