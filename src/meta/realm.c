/* realm.c: realms, their tree and their contexts; see realm.h. realm_trace.c takes in what MDSs tell.
 *
 * A context is renewed, not changed: who holds one (dirty data, a write under way) goes on with the one he
 * took. Where a realm adds nothing to its parent's context it shares it.
 */
#include "meta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- contexts ---- */

struct snapctx *snapctx_get(struct snapctx *c)
{
	c->nref++;
	return c;
}

void snapctx_put(struct snapctx *c)
{
	if (c && !--c->nref)
		mem_free(c, 0);
}

bool snapctx_same(const struct snapctx *a, const struct snapctx *b)
{
	if (!a || !b || a == b)
		return a == b;
	return a->seq == b->seq && a->count == b->count &&
	       (!a->count || !memcmp(a->snaps, b->snaps, a->count * sizeof *a->snaps));
}

static size_t context_bytes(const struct snapctx *c)
{
	return sizeof *c + c->count * sizeof *c->snaps;
}

static int newest_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static uint32_t sort_unique(uint64_t *snaps, uint32_t count)
{
	uint32_t n = 0;

	qsort(snaps, count, sizeof *snaps, newest_first);
	for (uint32_t k = 0; k < count; k++)
		if (!n || snaps[n - 1] != snaps[k])
			snaps[n++] = snaps[k];
	return n;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Its own snapshots, the former parents', and the parent's since it is the parent's. */
int realm_context_build(const struct realm *r, struct snapctx **out)
{
	const struct snapctx *up = r->parent ? r->parent->ctx : NULL;
	uint32_t own = r->snap_count + r->prior_count, n = own;
	struct snapctx *c = mem_alloc(sizeof *c + (own + (up ? up->count : 0u)) * sizeof *c->snaps);

	if (!c)
		return -ENOMEM;
	if (own)
		memcpy(c->snaps, r->snaps, own * sizeof *c->snaps);
	for (uint32_t k = 0; up && k < up->count && up->snaps[k] >= r->parent_since; k++)
		c->snaps[n++] = up->snaps[k];
	c->nref = 1;
	c->count = sort_unique(c->snaps, n);
	c->seq = larger(r->seq, up ? up->seq : 0);
	if (c->count) /* OSDs refuse a snapshot that is younger than the seq */
		c->seq = larger(c->seq, c->snaps[0]);
	*out = c;
	return c->count > SNAPCTX_SNAPS_MAX ? -E2BIG : 0;
}

static void count_bytes(struct meta *m, struct realm *r)
{
	size_t bytes = sizeof *r + (r->snap_count + r->prior_count) * sizeof *r->snaps;

	if (r->ctx && !(r->parent && r->parent->ctx == r->ctx))
		bytes += context_bytes(r->ctx);
	m->cache.bytes += bytes - r->bytes;
	r->bytes = bytes;
}

static int context_renew(struct meta *m, struct realm *r, bool *news)
{
	struct snapctx *c = NULL;
	int err = realm_context_build(r, &c);

	*news = !err && !snapctx_same(c, r->ctx);
	if (*news) {
		if (r->parent && snapctx_same(c, r->parent->ctx)) {
			snapctx_put(c);
			c = snapctx_get(r->parent->ctx);
		}
		snapctx_put(r->ctx);
		r->ctx = c;
		count_bytes(m, r);
		return 0;
	}
	snapctx_put(c);
	return err;
}

/* ---- the tree ---- */

int realms_init(struct meta *m)
{
	LIST_INIT(&m->realms);
	LIST_INIT(&m->in_use);
	return tid_table_init(&m->realm_by_ino);
}

struct realm *realm_find(struct meta *m, uint64_t ino)
{
	return (struct realm *)tid_find(&m->realm_by_ino, ino);
}

struct realm *realm_make(struct meta *m, uint64_t ino)
{
	struct realm *r = realm_find(m, ino);

	if (r || m->realm_count >= REALMS_MAX)
		return r;
	r = mem_alloc(sizeof *r);
	if (!r)
		return NULL;
	r->ino = ino;
	LIST_INIT(&r->children);
	if (realm_context_build(r, &r->ctx) || tid_put(&m->realm_by_ino, &r->id)) {
		snapctx_put(r->ctx);
		mem_free(r, sizeof *r);
		return NULL;
	}
	LIST_INSERT_HEAD(&m->realms, r, all);
	m->realm_count++;
	count_bytes(m, r);
	return r;
}

struct realm *realm_get(struct realm *r)
{
	r->nref++;
	return r;
}

static void realm_free(struct meta *m, struct realm *r)
{
	if (r->parent)
		LIST_REMOVE(r, sibling);
	LIST_REMOVE(r, all);
	tid_take(&m->realm_by_ino, r->ino);
	m->realm_count--;
	m->cache.bytes -= r->bytes;
	snapctx_put(r->ctx);
	mem_free(r->snaps, 0);
	mem_free(r, sizeof *r);
}

/* The last reference to an innermost one takes those above it along. */
void realm_put(struct meta *m, struct realm *r)
{
	struct realm *parent;

	while (r && !--r->nref) {
		parent = r->parent;
		realm_free(m, r);
		r = parent;
	}
}

void realm_adopt(struct meta *m, struct realm *r, struct realm *parent)
{
	struct realm *was = r->parent;

	if (was == parent)
		return;
	if (was)
		LIST_REMOVE(r, sibling);
	r->parent = parent ? realm_get(parent) : NULL;
	r->parent_ino = parent ? parent->ino : 0;
	if (parent)
		LIST_INSERT_HEAD(&parent->children, r, sibling);
	realm_put(m, was);
}

static void take_snaps(uint64_t *to, struct slice snaps)
{
	if (snaps.len)
		memcpy(to, snaps.p, snaps.len);
}

int realm_tell(struct meta *m, struct realm *r, const struct realm_info *info)
{
	uint32_t own = info->snaps.len / 8, prior = info->prior_parent_snaps.len / 8;
	uint64_t *snaps;

	if (r->told && info->seq <= r->seq)
		return 0;
	snaps = mem_alloc((own + prior + 1ull) * sizeof *snaps);
	if (!snaps)
		return -ENOMEM;
	take_snaps(snaps, info->snaps);
	take_snaps(snaps + own, info->prior_parent_snaps);
	mem_free(r->snaps, 0);
	r->snaps = snaps;
	r->snap_count = own;
	r->prior_count = prior;
	r->seq = info->seq;
	r->created = info->created;
	r->parent_since = info->parent_since;
	r->told = true;
	count_bytes(m, r);
	return 0;
}

/* ---- renewing ---- */

void realm_queue_add(struct realm_queue *q, struct realm *r)
{
	if (r->queued)
		return;
	r->queued = true;
	realm_get(r);
	STAILQ_INSERT_TAIL(q, r, todo);
}

static bool is_affected(const struct inode_use *u)
{
	return u->inode->realm && u->inode->realm->changed;
}

/* Inodes in use of a realm that changed: what they are now belongs to the snapshot. They are gathered first:
 * who waited for one of them may end the use of another. */
static int snap_in_use(struct meta *m)
{
	struct inode **list;
	struct inode_use *u;
	size_t count = 0, n = 0;

	LIST_FOREACH(u, &m->in_use, in_use)
	count += is_affected(u);
	if (!count)
		return 0;
	list = mem_alloc(count * sizeof *list);
	if (!list)
		return -ENOMEM;
	LIST_FOREACH(u, &m->in_use, in_use)
	if (is_affected(u))
		list[n++] = inode_get(u->inode);
	for (n = 0; n < count; n++) {
		capsnap_queue(m, list[n]);
		inode_put(m, list[n]);
	}
	mem_free(list, 0);
	return 0;
}

int realms_renew(struct meta *m, struct realm_queue *q)
{
	struct realm_queue changed = STAILQ_HEAD_INITIALIZER(changed);
	struct realm *r, *child;
	int err = 0, e;
	bool news;

	while ((r = STAILQ_FIRST(q)) != NULL) {
		STAILQ_REMOVE_HEAD(q, todo);
		r->queued = false;
		e = context_renew(m, r, &news);
		err = err ? err : e;
		child = news ? LIST_FIRST(&r->children) : NULL;
		for (; child; child = LIST_NEXT(child, sibling))
			realm_queue_add(q, child);
		if (!news || r->changed) {
			realm_put(m, r);
			continue;
		}
		STAILQ_INSERT_TAIL(&changed, r, news); /* with the queue's reference */
		r->changed = true;
	}
	if (!STAILQ_EMPTY(&changed)) {
		e = snap_in_use(m);
		err = err ? err : e;
	}
	while ((r = STAILQ_FIRST(&changed)) != NULL) {
		STAILQ_REMOVE_HEAD(&changed, news);
		r->changed = false;
		realm_put(m, r);
	}
	return err;
}

/* ---- inodes ---- */

const struct snapctx *realm_context(const struct inode *i)
{
	return i->realm ? i->realm->ctx : NULL;
}

void realm_set(struct meta *m, struct inode *i, uint64_t ino)
{
	struct realm *r, *was = i->realm;

	if (!ino || i->key.snapid != SNAP_HEAD || (was && was->ino == ino))
		return;
	r = realm_make(m, ino);
	if (!r) {
		realm_fence(m, NULL, -ENOMEM, "no room for another realm");
		return;
	}
	i->realm = realm_get(r);
	if (was && i->use && !snapctx_same(was->ctx, r->ctx))
		capsnap_queue(m, i);
	realm_put(m, was);
}

int realms_list(const struct meta *m, struct reconnect_realm **list, uint32_t *count)
{
	const struct realm *r;
	uint32_t n = 0;

	*count = 0;
	*list = mem_alloc((m->realm_count + 1ull) * sizeof **list);
	if (!*list)
		return -ENOMEM;
	LIST_FOREACH(r, &m->realms, all)
	if (r->told)
		(*list)[n++] = (struct reconnect_realm){ r->ino, r->seq, r->parent_ino };
	*count = n;
	return 0;
}

void realms_fini(struct meta *m)
{
	realm_put(m, m->traced);
	m->traced = NULL;
	tid_table_fini(&m->realm_by_ino);
}
