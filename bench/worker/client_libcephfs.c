/* client_libcephfs.c: the peer, libcephfs from Ceph's packages, used as a program would use it that cares for
 * latency: the low-level calls where they spare a path walk, blocking calls, one thread for each call in
 * flight. */
#include "client.h"
#include "meter.h"

#include <cephfs/libcephfs.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct client {
	struct ceph_mount_info *mount;
	UserPerm *user; /* owned; for the low-level calls */
};

struct client_dir {
	struct client *c;
	Inode *inode; /* ref */
};

const char client_name[] = "libcephfs";

enum { WANT_BASIC = CEPH_STATX_BASIC_STATS };

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

int client_mount(struct client *c, const char *root, uint32_t uid)
{
	int err = client_become(c, uid);

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

/* ---- many at once: a thread for each ---- */

struct lane {
	struct client_dir *d;
	const char *const *names;
	uint64_t *took_ns;
	size_t first, step, n; /* names[first], names[first + step], ... below n */
	pthread_t thread;
	int err;
};

static void *lane_run(void *arg)
{
	struct lane *l = arg;

	for (size_t i = l->first; i < l->n && !l->err; i += l->step) {
		uint64_t began = meter_now_ns();
		l->err = client_lookup(l->d, l->names[i]);
		l->took_ns[i] = meter_now_ns() - began;
	}
	return NULL;
}

int client_lookup_many(struct client_dir *d, const char *const *names, size_t n, unsigned depth,
		       uint64_t *took_ns)
{
	struct lane *lanes = calloc(depth, sizeof(*lanes));
	unsigned started = 0;
	int err = lanes ? 0 : -ENOMEM;

	for (; !err && started < depth; started++) {
		lanes[started] = (struct lane){ d, names, took_ns, started, depth, n, 0, 0 };
		err = -pthread_create(&lanes[started].thread, NULL, lane_run, &lanes[started]);
		if (err)
			break;
	}
	for (unsigned i = 0; i < started; i++) {
		pthread_join(lanes[i].thread, NULL);
		err = err ? err : lanes[i].err;
	}
	free(lanes);
	return err;
}

int client_count(struct client *c, struct client_counters *out)
{
	return -ENOTSUP;
}

/* ---- making the data ---- */

int client_mkdir(struct client *c, const char *path)
{
	int err = ceph_mkdir(c->mount, path, 0755);

	return err == -EEXIST ? 0 : err;
}

int client_create(struct client *c, const char *path)
{
	int fd = ceph_open(c->mount, path, O_WRONLY | O_CREAT, 0644);

	return fd < 0 ? fd : ceph_close(c->mount, fd);
}
