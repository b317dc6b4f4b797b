/* client_cephring.c: this library, on an engine that the calling thread drives itself: no other thread
 * exists. */
#include "client.h"
#include "meter.h"

#include <cephring.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIR_BUFFER = 256 * 1024 };

struct client {
	cephring_config *conf;
	cephring_engine *engine;
	cephring_mount *mount;
	struct cephring_cred user;
	char *buf;       /* owned; DIR_BUFFER bytes, touched before anything is measured */
	char words[256]; /* what a call that came before the mount had to say */
};

struct client_dir {
	struct client *c;
	cephring_inode *inode; /* ref */
};

const char client_name[] = "cephring";

const char *client_words(struct client *c, int err)
{
	if (c && c->words[0])
		return c->words;
	return c && c->mount ? cephring_strerror(c->mount, err) : strerror(-err);
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
int client_mount(struct client *c, const char *root, uint32_t uid)
{
	struct cephring_mount_opts opts = { .size = sizeof(opts), .root = root, .cred = &c->user };

	client_become(c, uid);
	int err = cephring_engine_new(NULL, &c->engine, c->words, sizeof(c->words));

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

/* ---- many at once: all from this thread ---- */

struct many {
	struct client_dir *d;
	const char *const *names;
	uint64_t *took_ns;
	size_t n, next, flying;
	int err;
};

struct slot {
	struct cephring_op op;
	struct many *all;
	cephring_inode *inode;
	size_t i;
	uint64_t began_ns;
};

static void slot_ended(struct cephring_op *op, int64_t res, void *user);

static void slot_next(struct slot *s)
{
	struct many *m = s->all;
	struct client *c = m->d->c;

	if (m->err || m->next == m->n)
		return;
	s->i = m->next++;
	s->began_ns = meter_now_ns();
	m->err = cephring_lookup(c->mount, m->d->inode, m->names[s->i], 0, &c->user, &s->op, slot_ended, s,
				 &s->inode);
	if (!m->err)
		m->flying++;
}

static void slot_ended(struct cephring_op *op, int64_t res, void *user)
{
	struct slot *s = user;
	struct many *m = s->all;

	m->took_ns[s->i] = meter_now_ns() - s->began_ns;
	m->flying--;
	if (res)
		m->err = (int)res;
	else
		cephring_put(m->d->c->mount, s->inode);
	slot_next(s);
}

int client_lookup_many(struct client_dir *d, const char *const *names, size_t n, unsigned depth,
		       uint64_t *took_ns)
{
	struct many m = { .d = d, .names = names, .took_ns = took_ns, .n = n };
	struct slot *slots = calloc(depth, sizeof(*slots));
	int ran = 0;

	if (!slots)
		return -ENOMEM;
	for (unsigned i = 0; i < depth; i++) {
		slots[i].all = &m;
		slot_next(&slots[i]);
	}
	while (m.flying && ran >= 0)
		ran = cephring_run(d->c->engine, -1);
	if (ran < 0)
		return ran; /* operations are still in flight in slots */
	free(slots);
	return m.err;
}

int client_count(struct client *c, struct client_counters *out)
{
	struct cephring_stats st = { .size = sizeof(st) };
	int err = cephring_stats(c->mount, &st);

	if (!err)
		*out = (struct client_counters){ st.syscalls, st.mds_requests, st.cache_bytes };
	return err;
}

/* ---- making the data: this version only reads ---- */

int client_mkdir(struct client *c, const char *path)
{
	return -EROFS;
}

int client_create(struct client *c, const char *path)
{
	return -EROFS;
}
