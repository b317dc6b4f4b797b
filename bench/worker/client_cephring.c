/* client_cephring.c: this library. Where one thread works, it drives the engine itself and no other thread
 * exists; where several do, the engine has a thread of its own. */
#include "client_cephring.h"
#include "client.h"
#include "meter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char client_name[] = "cephring";

const char *client_words(struct client *c, int err)
{
	if (c && c->words[0])
		return c->words;
	/* the words of a mount are for its engine's thread */
	return c && c->mount && !c->own_thread ? cephring_strerror(c->mount, err) : strerror(-err);
}

/* ---- one call at a time: the blocking helpers, as a caller of libcephfs would use them ---- */

int client_new(const char *conf, struct client **out)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*out = c;
	c->buf = malloc(DIR_BUFFER);
	if (!c->buf)
		return -ENOMEM;
	memset(c->buf, 1, DIR_BUFFER);
	int err = cephring_config_new(&c->conf);
	if (!err)
		err = cephring_config_set(c->conf, "conf", conf);
	if (!err)
		err = cephring_config_load(c->conf);
	if (err && c->conf)
		snprintf(c->words, sizeof(c->words), "%s", cephring_config_error(c->conf));
	return err;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	if (c->conf)
		cephring_config_free(c->conf);
	free(c->buf);
	free(c);
}

/* The engine is made and ended with each mount: the peer's threads are, too. */
int client_mount(struct client *c, const char *root, const struct client_how *how)
{
	struct cephring_engine_opts engine = { .size = sizeof(engine),
					       .own_thread = how->own_thread,
					       .cpu = -1 };
	struct cephring_mount_opts opts = {
		.size = sizeof(opts), .root = root, .cred = &c->user, .async_dirops = how->async_dirops
	};

	client_become(c, how->uid);
	c->own_thread = how->own_thread;
	int err = cephring_engine_new(&engine, &c->engine, c->words, sizeof(c->words));
	if (err)
		return err;
	c->words[0] = 0;
	err = cephring_sync_mount(c->engine, c->conf, &opts, &c->mount);
	if (err) {
		snprintf(c->words, sizeof(c->words), "%s", client_words(c, err));
		if (c->mount)
			client_unmount(c);
	}
	return err;
}

int client_unmount(struct client *c)
{
	int err = cephring_sync_unmount(c->mount);
	int freed = cephring_engine_free(c->engine);

	c->mount = NULL;
	c->engine = NULL;
	return err ? err : freed;
}

int client_become(struct client *c, uint32_t uid)
{
	c->user = (struct cephring_cred){ .uid = uid, .gid = uid };
	return 0;
}

void client_idle(struct client *c, uint64_t ns)
{
	uint64_t until = meter_now_ns() + ns, now;

	if (c->own_thread) {
		nanosleep(&(struct timespec){ (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) }, NULL);
		return;
	}
	while ((now = meter_now_ns()) < until && cephring_run(c->engine, (int64_t)(until - now)) >= 0)
		;
}

static int resolve(struct client *c, cephring_inode *at, const char *path, cephring_inode **out)
{
	return cephring_sync_lookup(c->mount, at, path, 0, &c->user, out);
}

int client_walk(struct client *c, const char *path)
{
	cephring_inode *inode;
	int err = resolve(c, NULL, path, &inode);

	if (!err)
		cephring_put(c->mount, inode);
	return err;
}

int client_stat_cached(struct client *c, const char *path)
{
	struct cephring_statx st;

	return cephring_statx_cached(c->mount, NULL, path, CEPHRING_STATX_BASIC, 0, &c->user, &st);
}

int client_open_close(struct client *c, const char *path)
{
	cephring_file *f;
	int err = cephring_sync_open(c->mount, NULL, path, O_RDONLY, 0, NULL, &c->user, &f);

	return err ? err : cephring_sync_close(f);
}

int client_open(struct client *c, const char *path, int flags, uint32_t mode, struct client_file **out)
{
	cephring_file *f;
	int res = cephring_sync_open(c->mount, NULL, path, flags, mode, NULL, &c->user, &f);

	if (res >= 0)
		*out = (struct client_file *)f;
	return res < 0 ? res : 0;
}

int client_close(struct client_file *f)
{
	return cephring_sync_close((cephring_file *)f);
}

int client_sync(struct client *c)
{
	return cephring_sync_syncfs(c->mount);
}

static bool dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static int64_t count_entries(const char *buf, int64_t len)
{
	int64_t n = 0;

	for (int64_t at = 0; at < len;) {
		const struct cephring_dirent *e = (const void *)(buf + at);
		n += !dots(e->name);
		at += e->reclen;
	}
	return n;
}

int64_t client_readdirplus(struct client *c, const char *path)
{
	cephring_file *f;
	int64_t n = 0, len = 0;
	int err = cephring_sync_open(c->mount, NULL, path, O_RDONLY | O_DIRECTORY, 0, NULL, &c->user, &f);

	if (err)
		return err;
	while ((len = cephring_sync_readdir(f, c->buf, DIR_BUFFER)) > 0)
		n += count_entries(c->buf, len);
	err = cephring_sync_close(f);
	return len < 0 ? len : err ? err : n;
}

int client_dir_get(struct client *c, const char *path, struct client_dir **out)
{
	struct client_dir *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->c = c;
	int err = resolve(c, NULL, path, &d->inode);
	if (err) {
		free(d);
		return err;
	}
	*out = d;
	return 0;
}

void client_dir_put(struct client_dir *d)
{
	cephring_put(d->c->mount, d->inode);
	free(d);
}

int client_lookup(struct client_dir *d, const char *name)
{
	cephring_inode *inode;
	int err = resolve(d->c, d->inode, name, &inode);

	if (!err)
		cephring_put(d->c->mount, inode);
	return err;
}

int client_count(struct client *c, struct client_counters *out)
{
	struct cephring_stats st = { .size = sizeof(st) };
	int err = cephring_stats(c->mount, &st);

	if (!err)
		*out = (struct client_counters){ st.syscalls, st.mds_requests, st.cache_bytes,
						 st.copied_secure + st.copied_small + st.copied_cache };
	return err;
}
