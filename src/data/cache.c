/* cache.c: the pages of the data cache: where they stand, what is counted, who is told. The model: cache.h.
 *
 * What is told late is not remembered as events but found by comparing: a file in `changed` is looked at
 * until what the user was last told (held, owing, told contexts) is what is so. */
#include "cache_impl.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { RETRY_NS = 10000000, TRIM_NS = 500000000 };

/* ---- pages ---- */

void page_part(uint64_t index, uint64_t off, uint64_t end, uint32_t *from, uint32_t *to)
{
	uint64_t start = page_start(index);

	*from = off > start ? (uint32_t)(off - start) : 0;
	*to = end - start < PAGE_BYTES ? (uint32_t)(end - start) : PAGE_BYTES;
}

struct pcache_page *page_find(const struct pcache_file *f, uint64_t index)
{
	return pagetree_find(&f->tree, index);
}

struct pcache_page *page_next(const struct pcache_file *f, uint64_t index, uint64_t end)
{
	uint64_t found;
	struct pcache_page *p = pagetree_next(&f->tree, index, &found);

	return p && page_start(found) < end ? p : NULL;
}

static void place(struct pcache_page *p, enum pcache_where where)
{
	struct pcache *c = p->file->c;

	if (p->where == where)
		return;
	if (p->where == PAGE_CLEAN) {
		TAILQ_REMOVE(&c->lru, p, link);
		p->file->clean_pages--;
	} else if (p->where == PAGE_DIRTY) {
		TAILQ_REMOVE(&c->dirty, p, link);
		TAILQ_REMOVE(&p->file->dirty, p, in_file);
	}
	p->where = where;
	if (where == PAGE_CLEAN) {
		if (p->cold)
			TAILQ_INSERT_HEAD(&c->lru, p, link);
		else
			TAILQ_INSERT_TAIL(&c->lru, p, link);
		p->file->clean_pages++;
	} else if (where == PAGE_DIRTY) {
		TAILQ_INSERT_TAIL(&c->dirty, p, link);
		TAILQ_INSERT_TAIL(&p->file->dirty, p, in_file);
	}
	pcache_changed(p->file);
}

void page_read(struct pcache_page *p)
{
	if (!p->ahead)
		return;
	p->ahead = false;
	p->file->c->ahead_bytes -= PAGE_BYTES;
}

static void page_free(struct pcache_page *p)
{
	struct pcache_file *f = p->file;
	struct pcache *c = f->c;

	assert(!p->sent && span_empty(&p->dirty));
	place(p, PAGE_NOWHERE);
	if (p->ahead)
		c->stats.ahead_wasted += PAGE_BYTES;
	page_read(p);
	/* A fetch that was begun before bytes of it were written would bring the older ones. */
	fetches_spoil(f, page_start(p->index), page_start(p->index + 1));
	pagetree_remove(&f->tree, p->index);
	span_clear(&p->valid);
	pagemem_put(&c->pool, p->mem);
	slab_put(&c->pages, p);
	f->pages--;
	pcache_changed(f);
}

struct pagemem *page_memory(struct pcache *c)
{
	struct pagemem *mem;

	while ((mem = pagepool_get(&c->pool)) == NULL && !TAILQ_EMPTY(&c->lru)) {
		page_free(TAILQ_FIRST(&c->lru));
		c->stats.evicted++;
	}
	return mem;
}

struct pcache_page *page_new(struct pcache_file *f, uint64_t index, struct pagemem *mem)
{
	struct pcache *c = f->c;
	struct pcache_page *p = slab_get(&c->pages);

	if (!p || pagetree_insert(&f->tree, index, p)) {
		if (p)
			slab_put(&c->pages, p);
		pagemem_put(&c->pool, mem);
		return NULL;
	}
	p->file = f;
	p->index = index;
	p->mem = mem;
	f->pages++;
	return p;
}

static bool may_keep(struct pcache_file *f)
{
	if (!f->held)
		f->held = f->c->ops->hold(f->c->arg, f);
	return f->held;
}

void page_settle(struct pcache_page *p)
{
	if (!span_empty(&p->dirty))
		place(p, PAGE_DIRTY);
	else if (p->sent)
		place(p, PAGE_NOWHERE);
	else if (span_empty(&p->valid) || p->drop || !may_keep(p->file))
		page_free(p);
	else
		place(p, PAGE_CLEAN);
}

void page_touch(struct pcache_page *p)
{
	struct pcache *c = p->file->c;

	p->cold = false;
	if (p->where != PAGE_CLEAN)
		return;
	TAILQ_REMOVE(&c->lru, p, link);
	TAILQ_INSERT_TAIL(&c->lru, p, link);
}

void page_drop(struct pcache_page *p)
{
	p->drop = true;
	page_settle(p);
}

/* ---- what is not written back ---- */

static struct pcache_under *under_find(const struct pcache_file *f, const void *ctx)
{
	struct pcache_under *u;

	LIST_FOREACH(u, &f->under, link)
	if (f->c->ops->ctx_same(f->c->arg, u->ctx, ctx))
		return u;
	return NULL;
}

int under_add(struct pcache_file *f, void *ctx, uint64_t bytes)
{
	struct pcache_under *u = under_find(f, ctx);

	if (!u) {
		u = mem_alloc(sizeof *u);
		if (!u)
			return -ENOMEM;
		u->ctx = f->c->ops->ctx_get(f->c->arg, ctx);
		LIST_INSERT_HEAD(&f->under, u, link);
	}
	u->bytes += bytes;
	return 0;
}

void under_sub(struct pcache_file *f, void *ctx, uint64_t bytes)
{
	struct pcache_under *u = under_find(f, ctx);

	assert(u && u->bytes >= bytes);
	u->bytes -= bytes;
	if (!u->bytes)
		pcache_changed(f);
}

int page_dirty(struct pcache_page *p, uint32_t from, uint32_t to, void *ctx)
{
	struct pcache_file *f = p->file;
	struct pcache *c = f->c;
	uint32_t before = span_bytes(&p->dirty), more;

	if (span_reserve(&p->dirty, from, to) || under_add(f, ctx, 0))
		return -ENOMEM;
	if (!before) {
		p->ctx = c->ops->ctx_get(c->arg, ctx);
		p->dirty_ns = c->ops->now(c->arg);
	}
	span_add(&p->dirty, from, to);
	more = span_bytes(&p->dirty) - before;
	under_add(f, ctx, more);
	f->dirty_bytes += more;
	c->dirty_bytes += more;
	if (!f->owing) {
		f->owing = true;
		c->ops->dirty(c->arg, f);
	}
	return 0;
}

void page_undirty(struct pcache_page *p, uint32_t bytes, bool sent)
{
	struct pcache_file *f = p->file;
	struct pcache *c = f->c;

	f->dirty_bytes -= bytes;
	c->dirty_bytes -= bytes;
	if (sent) {
		f->sent_bytes += bytes;
		c->sent_bytes += bytes;
	} else {
		under_sub(f, p->ctx, bytes);
		c->unpark = true;
	}
	if (span_empty(&p->dirty) && bytes) {
		c->ops->ctx_put(c->arg, p->ctx);
		p->ctx = NULL;
	}
	pcache_changed(f);
}

bool pcache_dirty_under(const struct pcache_file *f, const void *ctx)
{
	const struct pcache_under *u = under_find(f, ctx);

	return u && u->bytes;
}

/* ---- giving up ---- */

/* What is given up, told run by run, over the pages' ends. */
struct losing {
	struct pcache_file *f;
	uint64_t off, end;
	int err;
};

static void losing_end(const struct losing *l)
{
	if (l->end > l->off)
		l->f->c->ops->lost(l->f->c->arg, l->f, NULL, l->off, l->end - l->off, l->err);
}

/* All dirty bytes of a page are given up. */
static void page_lose(struct pcache_page *p, struct losing *l)
{
	uint32_t bytes = span_bytes(&p->dirty), from, to;
	uint64_t start = page_start(p->index);

	for (uint32_t at = 0; span_next(&p->dirty, at, &from, &to); at = to) {
		if (l->end != start + from) {
			losing_end(l);
			l->off = start + from;
		}
		l->end = start + to;
	}
	span_clear(&p->dirty);
	page_undirty(p, bytes, false);
	p->drop = true;
}

/* Bytes of a page are not valid any more. Where no memory is left to say which, all of it goes. */
static void page_cut(struct pcache_page *p, uint32_t from, uint32_t to)
{
	uint32_t before = span_bytes(&p->dirty);
	int err = span_del(&p->dirty, from, to);

	if (!err && before) {
		uint32_t gone = before - span_bytes(&p->dirty);

		if (gone)
			page_undirty(p, gone, false);
	}
	err = err ? err : span_del(&p->valid, from, to);
	if (err) {
		struct losing l = { .f = p->file, .err = err };

		if (!span_empty(&p->dirty))
			page_lose(p, &l);
		losing_end(&l);
		span_clear(&p->valid);
	}
	page_settle(p);
}

void pcache_discard(struct pcache_file *f, uint64_t off, uint64_t len)
{
	uint64_t end = len > INT64_MAX - off ? INT64_MAX : off + len, index = page_of(off);
	struct pcache_page *p;
	uint32_t from, to;

	pcache_enter(f->c);
	fetches_spoil(f, off, end);
	while ((p = page_next(f, index, end)) != NULL) {
		index = p->index + 1;
		page_part(p->index, off, end, &from, &to);
		page_cut(p, from, to);
	}
	pcache_leave(f->c);
}

void pcache_drop(struct pcache_file *f, uint64_t off, uint64_t len)
{
	uint64_t end = len > INT64_MAX - off ? INT64_MAX : off + len, index = page_of(off);
	struct pcache_page *p;

	pcache_enter(f->c);
	fetches_spoil(f, off, end);
	while ((p = page_next(f, index, end)) != NULL) {
		index = p->index + 1;
		page_drop(p);
	}
	f->c->unpark = true;
	pcache_leave(f->c);
}

void pcache_drop_all(struct pcache *c)
{
	pcache_enter(c);
	while (!TAILQ_EMPTY(&c->lru))
		page_free(TAILQ_FIRST(&c->lru));
	pagepool_clear(&c->pool);
	c->unpark = true;
	pcache_leave(c);
}

void pcache_fail(struct pcache_file *f, int err)
{
	struct losing l = { .f = f, .err = err };
	struct pcache *c = f->c;
	struct pcache_page *p;

	pcache_enter(c);
	for (uint64_t index = 0; f->dirty_bytes && (p = page_next(f, index, UINT64_MAX));) {
		index = p->index + 1;
		if (span_empty(&p->dirty))
			continue;
		page_lose(p, &l);
		page_settle(p);
	}
	losing_end(&l);
	writes_fail(c, f, err);
	pcache_leave(c);
}

bool pcache_touches(const struct pcache_file *f, uint64_t off, uint64_t len)
{
	const struct pcache_io *io;

	if (page_next(f, page_of(off), off + len))
		return true;
	TAILQ_FOREACH(io, &f->ios, link)
	if (io->off < off + len && off < io->off + io->len)
		return true;
	return false;
}

/* ---- telling ---- */

void pcache_changed(struct pcache_file *f)
{
	if (f->queued)
		return;
	f->queued = true;
	TAILQ_INSERT_TAIL(&f->c->changed, f, changed);
}

static struct pcache_under *done_under(const struct pcache_file *f)
{
	struct pcache_under *u;

	LIST_FOREACH(u, &f->under, link)
	if (!u->bytes)
		return u;
	return NULL;
}

/* One thing at a time: in a callback anything may change. The contexts before the rest, because who is told
 * that all is clean may rely on them. */
static void tell(struct pcache *c, struct pcache_file *f)
{
	struct pcache_under *u = done_under(f);

	if (u) {
		LIST_REMOVE(u, link);
		c->ops->ctx_clean(c->arg, f, u->ctx);
		c->ops->ctx_put(c->arg, u->ctx);
		mem_free(u, sizeof *u);
	} else if (f->owing && pcache_file_clean(f)) {
		f->owing = false;
		c->ops->clean(c->arg, f);
	} else if (f->held && !f->clean_pages && !f->live_fetches) {
		f->held = false;
		c->ops->release(c->arg, f);
	} else {
		f->queued = false;
		TAILQ_REMOVE(&c->changed, f, changed);
		if (pcache_file_idle(f))
			c->ops->idle(c->arg, f);
	}
}

static bool deliver(struct pcache *c)
{
	struct pcache_read *r = TAILQ_FIRST(&c->reads_done);
	struct pcache_write *w = TAILQ_FIRST(&c->writes_done);
	struct pcache_sync *s = TAILQ_FIRST(&c->syncs_done);
	struct pcache_file *f = TAILQ_FIRST(&c->changed);

	if (c->unpark) {
		c->unpark = false;
		writes_unpark(c);
	} else if (r) {
		TAILQ_REMOVE(&c->reads_done, r, link);
		r->waiting = r->ending = false;
		r->done(r, r->err);
	} else if (w) {
		TAILQ_REMOVE(&c->writes_done, w, link);
		w->waiting = w->ending = false;
		w->done(w, w->err);
	} else if (s) {
		TAILQ_REMOVE(&c->syncs_done, s, link);
		s->waiting = false;
		s->done(s, s->err);
	} else if (f) {
		tell(c, f);
	} else {
		return false;
	}
	return true;
}

static void timer_at(struct pcache *c, uint64_t at)
{
	if (c->timer_ns && c->timer_ns <= at)
		return;
	c->timer_ns = at;
	c->ops->timer(c->arg, at);
}

static void set_timer(struct pcache *c)
{
	const struct pcache_page *p = TAILQ_FIRST(&c->dirty);
	uint64_t at = p ? p->dirty_ns + c->o.max_age_ns : 0, now;

	if (pagepool_has_idle(&c->pool)) {
		if (!c->trim_ns)
			c->trim_ns = c->ops->now(c->arg) + TRIM_NS;
		timer_at(c, c->trim_ns);
	}
	if (!p || (c->timer_ns && c->timer_ns <= at))
		return;
	now = c->ops->now(c->arg);
	if (at <= now) /* overdue: there was no memory to write it back */
		at = now + RETRY_NS;
	timer_at(c, at);
}

static void trim(struct pcache *c)
{
	if (!c->trim_ns || c->trim_ns > c->ops->now(c->arg))
		return;
	c->trim_ns = 0;
	pagepool_trim(&c->pool);
}

void pcache_enter(struct pcache *c)
{
	c->depth++;
}

void pcache_leave(struct pcache *c)
{
	if (c->depth == 1) {
		while (deliver(c))
			;
		set_timer(c);
	}
	c->depth--;
}

void pcache_tick(struct pcache *c)
{
	pcache_enter(c);
	c->timer_ns = 0;
	pages_flush(c);
	trim(c);
	pcache_leave(c);
}

void pcache_io_done(struct pcache_io *io, int err)
{
	struct pcache_file *f = io->file;
	struct pcache *c = f->c;

	pcache_enter(c);
	TAILQ_REMOVE(&f->ios, io, link);
	f->io_count--;
	c->io_count--;
	if (io->out)
		pages_sent(io, err);
	else
		fetch_done(io, err);
	mem_free(io->own_iov, 0);
	mem_free(io->mem, 0);
	mem_free(io->flags, 0);
	mem_free(io, sizeof *io);
	c->unpark = true;
	pcache_changed(f);
	pcache_leave(c);
}

/* ---- the whole ---- */

struct pcache *pcache_new(const struct pcache_opts *o, const struct pcache_ops *ops, void *arg)
{
	struct pcache *c = mem_alloc(sizeof *c);

	if (!c)
		return NULL;
	c->o = *o;
	c->ops = ops;
	c->arg = arg;
	pagepool_init(&c->pool, o->max_bytes);
	slab_init(&c->pages, sizeof(struct pcache_page), 0);
	slab_init(&c->wants, sizeof(struct pcache_want), PCACHE_WANTS_MAX);
	TAILQ_INIT(&c->lru);
	TAILQ_INIT(&c->dirty);
	TAILQ_INIT(&c->parked);
	TAILQ_INIT(&c->reads_done);
	TAILQ_INIT(&c->writes_done);
	TAILQ_INIT(&c->syncs_done);
	TAILQ_INIT(&c->changed);
	return c;
}

void pcache_free(struct pcache *c)
{
	if (!c)
		return;
	pagepool_fini(&c->pool);
	slab_fini(&c->pages);
	slab_fini(&c->wants);
	mem_free(c, sizeof *c);
}

void pcache_file_init(struct pcache *c, struct pcache_file *f, uint32_t cut, void *user)
{
	*f = (struct pcache_file){ .c = c, .user = user, .cut = cut > PCACHE_IO_MAX ? PCACHE_IO_MAX : cut };
	assert(f->cut && f->cut % PAGE_BYTES == 0);
	TAILQ_INIT(&f->ios);
	TAILQ_INIT(&f->dirty);
	TAILQ_INIT(&f->syncs);
}

void pcache_file_fini(struct pcache_file *f)
{
	assert(pcache_file_idle(f) && !f->held && !f->owing && LIST_EMPTY(&f->under));
	if (f->queued)
		TAILQ_REMOVE(&f->c->changed, f, changed);
	f->queued = false;
}

void pcache_stats(const struct pcache *c, struct pcache_stats *out)
{
	*out = c->stats;
	out->bytes = c->pool.used * PAGE_BYTES;
	out->dirty_bytes = c->dirty_bytes + c->sent_bytes;
}
