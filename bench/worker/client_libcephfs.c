/* client_libcephfs.c: the peer, libcephfs from Ceph's packages, used as a program would use it that cares for
 * latency: the low-level calls where they spare a path walk, blocking calls, one thread for each call in
 * flight. */
#include "client_libcephfs.h"
#include "client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char client_name[] = "libcephfs";

const char *client_words(struct client *c, int err)
{
	return strerror(-err);
}

int client_new(const char *conf, struct client **out)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	int err = ceph_create(&c->mount, NULL);
	if (!err)
		err = ceph_conf_read_file(c->mount, conf);
	if (!err)
		err = ceph_conf_parse_env(c->mount, NULL);
	if (err) {
		client_free(c);
		return err;
	}
	*out = c;
	return 0;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	if (c->mount)
		ceph_release(c->mount);
	ceph_userperm_destroy(c->user);
	free(c);
}

int client_mount(struct client *c, const char *root, const struct client_how *how)
{
	int err = how->async_dirops ? -ENOTSUP : client_become(c, how->uid);

	/* in this order: ceph_init() sets the permissions to those of the process */
	if (!err)
		err = ceph_init(c->mount);
	if (!err)
		err = ceph_mount_perms_set(c->mount, c->user); /* copies */
	return err ? err : ceph_mount(c->mount, root);
}

int client_unmount(struct client *c)
{
	return ceph_unmount(c->mount);
}

int client_become(struct client *c, uint32_t uid)
{
	UserPerm *user = ceph_userperm_new(uid, uid, 0, NULL);

	if (!user)
		return -ENOMEM;
	ceph_userperm_destroy(c->user);
	c->user = user;
	return 0;
}

void client_idle(struct client *c, uint64_t ns)
{
	struct timespec t = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

	nanosleep(&t, NULL);
}

int client_walk(struct client *c, const char *path)
{
	struct ceph_statx st;
	Inode *inode;
	int err = ceph_ll_walk(c->mount, path, &inode, &st, 0, 0, c->user);

	if (!err)
		ceph_ll_put(c->mount, inode);
	return err;
}

int client_stat_cached(struct client *c, const char *path)
{
	struct ceph_statx st;

	return ceph_statx(c->mount, path, &st, WANT_BASIC, 0);
}

int client_open_close(struct client *c, const char *path)
{
	int fd = ceph_open(c->mount, path, O_RDONLY, 0);

	return fd < 0 ? fd : ceph_close(c->mount, fd);
}

int client_open(struct client *c, const char *path, int flags, uint32_t mode, struct client_file **out)
{
	struct client_file *f = malloc(sizeof(*f));

	if (!f)
		return -ENOMEM;
	*f = (struct client_file){ c, ceph_open(c->mount, path, flags, (mode_t)mode) };
	if (f->fd < 0) {
		int err = f->fd;
		free(f);
		return err;
	}
	*out = f;
	return 0;
}

int client_close(struct client_file *f)
{
	int err = ceph_close(f->c->mount, f->fd);

	free(f);
	return err;
}

int client_sync(struct client *c)
{
	return ceph_sync_fs(c->mount);
}

static bool dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

int64_t client_readdirplus(struct client *c, const char *path)
{
	struct ceph_dir_result *dir;
	struct ceph_statx st;
	struct dirent entry;
	int64_t n = 0;
	int err = ceph_opendir(c->mount, path, &dir);

	if (err)
		return err;
	while ((err = ceph_readdirplus_r(c->mount, dir, &entry, &st, WANT_BASIC, 0, NULL)) > 0)
		n += !dots(entry.d_name);
	int closed = ceph_closedir(c->mount, dir);
	return err ? err : closed ? closed : n;
}

int client_dir_get(struct client *c, const char *path, struct client_dir **out)
{
	struct client_dir *d = calloc(1, sizeof(*d));
	struct ceph_statx st;

	if (!d)
		return -ENOMEM;
	d->c = c;
	int err = ceph_ll_walk(c->mount, path, &d->inode, &st, WANT_BASIC, 0, c->user);
	if (err) {
		free(d);
		return err;
	}
	*out = d;
	return 0;
}

void client_dir_put(struct client_dir *d)
{
	ceph_ll_put(d->c->mount, d->inode);
	free(d);
}

int client_lookup(struct client_dir *d, const char *name)
{
	struct ceph_statx st;
	Inode *inode;
	int err = ceph_ll_lookup(d->c->mount, d->inode, name, &inode, &st, 0, 0, d->c->user);

	if (!err)
		ceph_ll_put(d->c->mount, inode);
	return err;
}

int client_count(struct client *c, struct client_counters *out)
{
	return -ENOTSUP;
}
