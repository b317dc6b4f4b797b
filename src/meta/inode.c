/* inode.c: see inode.h. */
#include "meta.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define INODE_DEAD 0x80000000u

enum {
	TRIM_STEPS = 8192 /* more than one reply can add, twice around */,
	SLOT_BYTES = 32 /* what a hash table spends for an entry, about */,
	SWEEP_MIN = 1024 /* removed entries, before their tombstones are worth a new table */
};

/* ---- hash tables ---- */

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9fb21c651e98df25u;
	return h ^ (h >> 29);
}

static uint64_t inode_hash(uint64_t seed, const struct inode_key *k)
{
	return mix(k->ino * 0x9e3779b97f4a7c15u ^ k->snapid ^ seed);
}

static uint64_t name_hash(uint64_t seed, const struct dentry_key *k)
{
	uint64_t h = seed ^ mix((uintptr_t)k->dir), w;
	const char *p = k->name;
	uint32_t n = k->len;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&w, p, 8);
		h = mix(h ^ w);
	}
	w = k->len;
	while (n--)
		w = w << 8 | (uint8_t)*p++;
	return mix(h ^ w);
}

static bool inode_same(const void *a, const void *b)
{
	const struct inode_key *x = a, *y = b;

	return x->ino == y->ino && x->snapid == y->snapid;
}

/* Also called by readers: `a` is what they found in the table. */
static bool dentry_same(const void *a, const void *b)
{
	const struct dentry_key *x = a, *y = b;

	tsan_acquire(a);
	return x->dir == y->dir && x->len == y->len && !memcmp(x->name, y->name, x->len);
}

/* ck_hs asks for these when it grows; the seed is the table's own. */
static unsigned long hs_inode_hash(const void *o, unsigned long seed)
{
	return inode_hash(seed, o);
}

static unsigned long hs_dentry_hash(const void *o, unsigned long seed)
{
	return name_hash(seed, o);
}

/* ---- the memory of the tables ---- */

/* In front of each table: growth replaces it, and readers may still be in the old one of names. */
struct table_block {
	struct table_block *next;
	uint64_t pad;
};

/* Old tables that one call of ck_hs left behind, until its caller has retired them. */
static __thread struct table_block *replaced;

static void *hs_malloc(size_t n)
{
	struct table_block *b = mem_alloc(sizeof *b + n);

	return b ? b + 1 : NULL;
}

static void hs_free(void *p, size_t n, bool defer)
{
	struct table_block *b = (struct table_block *)p - 1;

	(void)n;
	if (defer) {
		b->next = replaced;
		replaced = b;
	} else {
		mem_free(b, 0);
	}
}

static struct ck_malloc hs_memory = { .malloc = hs_malloc, .free = hs_free };

static void memory_free(struct meta *m, void *p)
{
	(void)m;
	mem_free(p, 0);
}

static void retire_replaced(struct meta *m)
{
	struct table_block *b;

	while ((b = replaced) != NULL) {
		replaced = b->next;
		retire(m, b, memory_free);
	}
}

/* Tombstones make a miss slow. They are swept once per so many removals: constant work per removal. */
static bool table_put(struct meta *m, struct table *t, unsigned long hash, void *entry)
{
	bool ok;

	/* Without memory for the new table the old one goes on: slower, still right. */
	if (t->removed >= SWEEP_MIN && t->removed >= 4 * ck_hs_count(&t->hs) && ck_hs_rebuild(&t->hs))
		t->removed = 0;
	tsan_release(entry);
	ok = ck_hs_put(&t->hs, hash, entry);
	retire_replaced(m);
	return ok;
}

static void table_remove(struct table *t, unsigned long hash, const void *key)
{
	t->removed += ck_hs_remove(&t->hs, hash, key) != NULL;
}

int cache_init(struct cache *c, uint64_t limit_bytes, uint64_t seed)
{
	const unsigned mode = CK_HS_MODE_SPMC | CK_HS_MODE_OBJECT;

	*c = (struct cache){ .limit = limit_bytes, .seed = seed };
	TAILQ_INIT(&c->lru);
	TAILQ_INIT(&c->negative);
	if (!ck_hs_init(&c->inodes.hs, mode, hs_inode_hash, inode_same, &hs_memory, 256, seed))
		return -ENOMEM;
	if (!ck_hs_init(&c->dentries.hs, mode, hs_dentry_hash, dentry_same, &hs_memory, 256, seed)) {
		ck_hs_destroy(&c->inodes.hs);
		c->inodes.hs.map = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* ---- inodes ---- */

struct inode *inode_find(struct cache *c, uint64_t ino, uint64_t snapid)
{
	struct inode_key k = { ino, snapid };

	return ck_hs_get(&c->inodes.hs, inode_hash(c->seed, &k), &k);
}

static void lru_add(struct cache *c, struct inode *i)
{
	if (i->in_lru)
		return;
	TAILQ_INSERT_TAIL(&c->lru, i, lru);
	i->in_lru = true;
}

static void lru_del(struct cache *c, struct inode *i)
{
	if (!i->in_lru)
		return;
	TAILQ_REMOVE(&c->lru, i, lru);
	i->in_lru = false;
}

struct inode *inode_make(struct meta *m, uint64_t ino, uint64_t snapid)
{
	struct cache *c = &m->cache;
	struct inode *i = inode_find(c, ino, snapid);

	if (i)
		return i;
	i = slab_get(&m->inodes);
	if (!i)
		return NULL;
	i->key = (struct inode_key){ ino, snapid };
	LIST_INIT(&i->aliases);
	if (!table_put(m, &c->inodes, inode_hash(c->seed, &i->key), i)) {
		slab_put(&m->inodes, i);
		return NULL;
	}
	lru_add(c, i);
	c->inode_count++;
	c->bytes += sizeof *i + SLOT_BYTES;
	return i;
}

struct dir *inode_dir(struct meta *m, struct inode *i)
{
	struct dir *d = i->dir;

	if (d)
		return d;
	d = slab_get(&m->dirs);
	if (!d)
		return NULL;
	LIST_INIT(&d->children);
	d->pin = -1;
	d->hash = DIR_HASH_RJENKINS;
	d->name = LIST_FIRST(&i->aliases);
	m->cache.bytes += sizeof *d;
	cache_write_begin(&m->cache);
	PUB_SET(i->dir, d);
	cache_write_end(&m->cache);
	return d;
}

void inode_put(struct meta *m, struct inode *i)
{
	if (!i || --i->nref)
		return;
	PUB_TOUCH(i->used);
	/* The tail is the newest; entries used through the cache alone are spared by `used`. */
	lru_del(&m->cache, i);
	lru_add(&m->cache, i);
}

bool inode_share(struct inode *i)
{
	uint32_t n = __atomic_load_n(&i->xref, __ATOMIC_RELAXED);

	do
		if (n & INODE_DEAD)
			return false;
	while (!__atomic_compare_exchange_n(&i->xref, &n, n + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return true;
}

void inode_unshare(struct inode *i)
{
	if (i)
		__atomic_sub_fetch(&i->xref, 1, __ATOMIC_RELEASE);
}

static void inode_reclaim(struct meta *m, void *p)
{
	struct inode *i = p;

	mem_free(i->symlink, 0);
	mem_free(i->pool_ns, 0);
	mem_free(i->xattrs, 0);
	if (i->dir) {
		fragtree_free(&i->dir->frags);
		mem_free(i->dir->ranks, 0);
		slab_put(&m->dirs, i->dir);
	}
	slab_put(&m->inodes, i);
}

static void inode_free(struct meta *m, struct inode *i)
{
	struct cache *c = &m->cache;

	while (!LIST_EMPTY(&i->aliases))
		dentry_drop(m, LIST_FIRST(&i->aliases));
	caps_remove_all(m, i, true);
	realm_put(m, i->realm);
	lru_del(c, i);
	table_remove(&c->inodes, inode_hash(c->seed, &i->key), &i->key);
	c->bytes -= sizeof *i + SLOT_BYTES + (i->xattrs ? i->xattrs->len : 0);
	if (i->symlink)
		c->bytes -= strlen(i->symlink) + 1;
	if (i->dir)
		c->bytes -= sizeof *i->dir;
	c->inode_count--;
	retire(m, i, inode_reclaim);
}

bool inode_forget(struct meta *m, struct inode *i)
{
	uint32_t none = 0;

	if (i->nref || (i->dir && i->dir->child_count))
		return false;
	/* From here no reader takes a reference any more. */
	if (!__atomic_compare_exchange_n(&i->xref, &none, INODE_DEAD, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	cache_write_begin(&m->cache);
	inode_free(m, i);
	cache_write_end(&m->cache);
	return true;
}

/* ---- dentries ---- */

static size_t dentry_bytes(const struct dentry *d)
{
	return sizeof *d + d->key.len + 1 + SLOT_BYTES;
}

struct dentry *dentry_find(struct cache *c, struct inode *dir, const char *name, uint32_t len)
{
	struct dentry_key k = { dir, name, len };

	return ck_hs_get(&c->dentries.hs, name_hash(c->seed, &k), &k);
}

static void dentry_unbind(struct cache *c, struct dentry *d)
{
	struct inode *i = d->inode;

	pub_check();
	if (i) {
		LIST_REMOVE(d, alias);
		PUB_SET(d->inode, NULL);
		if (i->dir && i->dir->name == d)
			PUB_SET(i->dir->name, LIST_FIRST(&i->aliases));
	} else {
		TAILQ_REMOVE(&c->negative, d, lru);
		c->negative_count--;
	}
}

static void dentry_bind(struct cache *c, struct dentry *d, struct inode *i)
{
	PUB_SET(d->inode, i);
	if (i) {
		LIST_INSERT_HEAD(&i->aliases, d, alias);
		if (i->dir)
			PUB_SET(i->dir->name, d);
	} else {
		TAILQ_INSERT_TAIL(&c->negative, d, lru);
		c->negative_count++;
	}
}

static struct dentry *dentry_new(struct meta *m, struct inode *dir, const char *name, uint32_t len)
{
	struct cache *c = &m->cache;
	struct dir *dd = inode_dir(m, dir);
	struct dentry *d = dd ? mem_alloc(sizeof *d + len + 1) : NULL;

	if (!d)
		return NULL;
	memcpy(d->text, name, len);
	d->key = (struct dentry_key){ dir, d->text, len };
	d->lease_rank = -1;
	d->hash = dir_hash(dd->hash, name, len) & 0xffffffu;
	if (!table_put(m, &c->dentries, name_hash(c->seed, &d->key), d)) {
		mem_free(d, 0);
		return NULL;
	}
	LIST_INSERT_HEAD(&dd->children, d, child);
	dd->child_count++;
	c->dentry_count++;
	c->bytes += dentry_bytes(d);
	return d;
}

struct dentry *dentry_link(struct meta *m, struct inode *dir, const char *name, uint32_t len, struct inode *i)
{
	struct dentry *d = dentry_find(&m->cache, dir, name, len);

	if (!d) {
		d = dentry_new(m, dir, name, len);
		if (!d)
			return NULL;
		dentry_bind(&m->cache, d, i);
	} else if (d->inode != i) {
		dentry_unbind(&m->cache, d);
		dentry_bind(&m->cache, d, i);
		PUB_SET(d->lease_until_ns, 0);
		PUB_SET(d->shared_gen, dir->dir->shared_gen - 1);
	}
	PUB_TOUCH(d->used);
	return d;
}

void dentry_drop(struct meta *m, struct dentry *d)
{
	if (d->inode && d->inode->key.snapid != SNAP_DIR)
		dir_incomplete(d->key.dir);
	dentry_remove(m, d);
}

void dentry_remove(struct meta *m, struct dentry *d)
{
	struct cache *c = &m->cache;
	struct dir *dd = d->key.dir->dir;

	dentry_unbind(c, d);
	LIST_REMOVE(d, child);
	dd->child_count--;
	c->dentry_count--;
	c->bytes -= dentry_bytes(d);
	table_remove(&c->dentries, name_hash(c->seed, &d->key), &d->key);
	retire(m, d, memory_free);
}

void dir_incomplete(struct inode *dir)
{
	if (!dir->dir)
		return;
	/* Alone it needs no bracket: whoever still sees it set was earlier. */
	__atomic_store_n(&dir->dir->complete, false, __ATOMIC_RELEASE);
	dir->dir->release_count++;
}

static bool lease_valid(struct meta *m, const struct dentry *d, uint64_t now_ns)
{
	const struct session *s;

	if (!d->lease_until_ns || now_ns >= d->lease_until_ns || d->lease_rank < 0)
		return false;
	s = m->session[d->lease_rank];
	return s && session_caps_valid(s, d->lease_gen, now_ns);
}

bool dentry_valid(struct meta *m, const struct dentry *d, uint64_t now_ns)
{
	const struct inode *dir = d->key.dir;

	if (dir->key.snapid != SNAP_HEAD || (d->inode && d->inode->key.snapid != SNAP_HEAD))
		return snap_name_valid(m, d, now_ns);
	if (d->inode && !caps_any(d->inode, now_ns))
		return false;
	if (d->shared_gen == dir->dir->shared_gen && (caps_issued(dir, now_ns) & (CAP_FS | CAP_FX)))
		return true;
	return lease_valid(m, d, now_ns);
}

bool dir_complete(struct meta *m, struct inode *dir, uint64_t now_ns)
{
	(void)m;
	return dir->dir && dir->dir->complete && (caps_issued(dir, now_ns) & (CAP_FS | CAP_FX));
}

/* ---- the bound ---- */

/* Second chance: what was used since the hand last came by goes to the young end. */
static bool trim_one(struct meta *m, bool force)
{
	struct cache *c = &m->cache;
	struct dentry *d = TAILQ_FIRST(&c->negative);
	struct inode *i = TAILQ_FIRST(&c->lru);

	/* Negative names go first once they are more than a quarter of all names. */
	if (d && (!i || force || c->negative_count > c->dentry_count / 4)) {
		if (PUB_GET(d->used) && !force) {
			PUB_UNTOUCH(d->used);
			TAILQ_REMOVE(&c->negative, d, lru);
			TAILQ_INSERT_TAIL(&c->negative, d, lru);
		} else {
			cache_write_begin(c);
			dentry_drop(m, d);
			cache_write_end(c);
			c->evictions++;
		}
		return true;
	}
	if (!i)
		return false;
	lru_del(c, i);
	if (i->nref) /* comes back at its last put */
		return true;
	if ((PUB_GET(i->used) && !force) || !inode_forget(m, i)) {
		PUB_UNTOUCH(i->used);
		lru_add(c, i);
	} else {
		c->evictions++;
	}
	return true;
}

void cache_trim(struct meta *m)
{
	struct cache *c = &m->cache;

	for (int n = 0; n < TRIM_STEPS && c->bytes > c->limit; n++)
		if (!trim_one(m, false))
			break;
}

void cache_drop_all(struct meta *m)
{
	struct cache *c = &m->cache;
	uint64_t before;

	caps_give_up_kept(m);
	/* A directory can go once its children went: repeat while anything goes. */
	do {
		before = c->inode_count + c->dentry_count;
		for (uint64_t n = before + 1; n--;)
			if (!trim_one(m, true))
				break;
	} while (c->inode_count + c->dentry_count < before);
}

void cache_fini(struct meta *m)
{
	struct cache *c = &m->cache;

	ck_hs_iterator_t it = CK_HS_ITERATOR_INITIALIZER;
	void *entry;

	if (!c->inodes.hs.map)
		return;
	cache_drop_all(m);
	/* What the program still refers to goes too: its references die with the mount. Directories after
	 * their names. */
	cache_write_begin(c);
	while (ck_hs_next(&c->inodes.hs, &it, &entry)) {
		struct inode *i = entry;

		while (i->dir && !LIST_EMPTY(&i->dir->children))
			dentry_drop(m, LIST_FIRST(&i->dir->children));
	}
	ck_hs_iterator_init(&it);
	while (ck_hs_next(&c->inodes.hs, &it, &entry))
		inode_free(m, entry);
	cache_write_end(c);
	ck_hs_destroy(&c->inodes.hs);
	c->inodes.hs.map = NULL;
	/* Readers that are still inside finish in it; none comes any more (meta.c). */
	retire(m, (struct table_block *)(void *)c->dentries.hs.map - 1, memory_free);
}
