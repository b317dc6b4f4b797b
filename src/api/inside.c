/* inside.c: see inside.h. */
#include "inside_ask.h"
#include "../meta/caps.h"
#include "../meta/command.h"
#include "../meta/deleg.h"
#include "../ring/epoch.h"
#include "config.h"
#include "data_cache.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool inside_config_has_file(const cephring_config *c)
{
	return c->conf_path[0] != '\0';
}

int inside_config_find(const cephring_config *c, const char *key, char *out, size_t size)
{
	return config_find(c, key, out, size);
}

void inside_engine_stop(cephring_engine *e)
{
	if (!e->own_thread || engine_is_owner(e))
		return;
	ring_stop(e->ring);
	__atomic_store_n(&e->stopped, true, __ATOMIC_RELEASE);
}

bool inside_engine_stopped(const cephring_engine *e)
{
	return __atomic_load_n(&e->stopped, __ATOMIC_ACQUIRE);
}

bool inside_engine_here(const cephring_engine *e)
{
	return engine_inside(e);
}

static int fail_all(cephring_mount *mt, void *arg)
{
	(void)arg;
	ops_fail_all(&mt->meta, -ESHUTDOWN, NULL);
	commands_fail_all(&mt->meta, -ESHUTDOWN);
	data_map_fail(mt, -ESHUTDOWN);
	blocks_fail(mt, -ESHUTDOWN);
	return 0;
}

void inside_fail_all(cephring_mount *mt)
{
	inside_ask(mt, fail_all, NULL);
}

static int abort_mount(cephring_mount *mt, void *arg)
{
	(void)arg;
	data_cache_fail(mt, -ESHUTDOWN);
	meta_abort(&mt->meta);
	return 0;
}

void inside_abort(cephring_mount *mt)
{
	inside_ask(mt, abort_mount, NULL);
}

static int mount_info(cephring_mount *mt, void *arg)
{
	struct inside_mount *out = arg;
	const struct mdsmap *map = mt->meta.map;

	*out = (struct inside_mount){
		.client_id = *mon_global_id(mt->mon), .fscid = mt->fscid, .nonce = mt->nonce, .data_pool = -1
	};
	if (map) {
		out->session_timeout = map->session_timeout;
		out->session_autoclose = map->session_autoclose;
		if (map->data_pool_count)
			out->data_pool = map->data_pool[0];
	}
	return 0;
}

int inside_mount_info(cephring_mount *mt, struct inside_mount *out)
{
	return inside_ask(mt, mount_info, out);
}

static int addrs(cephring_mount *mt, void *arg)
{
	struct mon_info info;
	struct entity_addr self;
	char text[ADDR_TEXT_MAX];

	mon_info(mt->mon, &info);
	self = info.conn.self;
	if (!self.family)
		return -ENOTCONN; /* between two monitors */
	self.nonce = mt->nonce;
	self.port = 0;
	addr_text(&self, text);
	snprintf(arg, INSIDE_ADDRS_MAX, "%s", strncmp(text, "any:", 4) ? text : text + 4);
	return 0;
}

int inside_addrs(cephring_mount *mt, char *text)
{
	return inside_ask(mt, addrs, text);
}

static int stats(cephring_mount *mt, void *arg)
{
	return cephring_stats(mt, arg);
}

int inside_stats(cephring_mount *mt, struct cephring_stats *out)
{
	return inside_ask(mt, stats, out);
}

struct about_inode {
	struct inode *i;
	struct inside_inode *out;
};

static int inode_info(cephring_mount *mt, void *arg)
{
	struct about_inode *a = arg;
	const struct inode *i = a->i;

	*a->out = (struct inside_inode){
		.layout = { .stripe_unit = i->a.layout.stripe_unit,
			    .stripe_count = i->a.layout.stripe_count,
			    .object_size = i->a.layout.object_size,
			    .pool = i->a.layout.pool },
		.caps = caps_issued(i, ring_now(mt->meta.ring)),
		.snap_seq = i->realm ? i->realm->seq : 0,
	};
	return 0;
}

int inside_inode_info(cephring_mount *mt, cephring_inode *i, struct inside_inode *out)
{
	struct about_inode a = { (struct inode *)i, out };

	return inside_ask(mt, inode_info, &a);
}

static void held(void *arg, const struct inode *i)
{
	const cephring_mount *mt = arg;

	mt->watch->held(mt->watch->arg, i->key.ino);
}

static void unmet(void *arg)
{
	const cephring_mount *mt = arg;

	mt->watch->unmet(mt->watch->arg);
}

static void unnamed(void *arg, const struct dentry *d)
{
	const cephring_mount *mt = arg;

	mt->watch->unnamed(mt->watch->arg, d->key.dir->key.ino, d->inode->key.ino, d->key.name, d->key.len);
}

static void recalled(void *arg, const struct deleg *d)
{
	const cephring_mount *mt = arg;

	mt->watch->recalled(mt->watch->arg, d->who, d->id);
}

static void deleg_over(void *arg)
{
	const cephring_mount *mt = arg;

	mt->watch->over(mt->watch->arg);
}

static int watch(cephring_mount *mt, void *arg)
{
	mt->watch = arg;
	mt->meta.on_held = held;
	mt->meta.on_unmet = unmet;
	mt->meta.on_unnamed = unnamed;
	mt->meta.on_recall = recalled;
	mt->meta.on_deleg_over = deleg_over;
	return 0;
}

int inside_watch(cephring_mount *mt, const struct inside_watch *w)
{
	return inside_ask(mt, watch, (void *)w);
}

struct about_file {
	struct file *f;
	const struct inside_delegation *d;
};

static int delegate(cephring_mount *mt, void *arg)
{
	const struct about_file *a = arg;
	struct deleg_want want = { .type = a->d->type,
				   .timeout_ns = a->d->timeout_s * 1000000000ull,
				   .id = a->d->id,
				   .who = a->d->who };

	return deleg_set(&mt->meta, a->f, &want);
}

int inside_delegate(cephring_mount *mt, cephring_file *f, const struct inside_delegation *d)
{
	struct about_file a = { (struct file *)f, d };

	return inside_ask(mt, delegate, &a);
}

static int undelegate(cephring_mount *mt, void *arg)
{
	const struct about_file *a = arg;

	deleg_return(&mt->meta, a->f);
	return 0;
}

int inside_undelegate(cephring_mount *mt, cephring_file *f)
{
	struct about_file a = { (struct file *)f, NULL };

	return inside_ask(mt, undelegate, &a);
}

cephring_inode *inside_get(cephring_inode *const *at)
{
	struct inode *i = NULL;

	if (!epoch_enter())
		return NULL;
	do
		i = (struct inode *)__atomic_load_n(at, __ATOMIC_ACQUIRE);
	while (i && !inode_share(i));
	epoch_leave();
	return (cephring_inode *)i;
}
