/* cache_write.c: writing: page by page into the cache; where there is no room, the writer waits in a queue,
 * in order, with what he has written so far counted. */
#include "cache_impl.h"

#include <errno.h>
#include <string.h>

enum { NO_ROOM = 1 };

/* ---- one page ---- */

/* The page has memory that is in no transfer. NO_ROOM, -ENOMEM. */
static int own_memory(struct pcache_file *f, uint64_t index, struct pcache_page **out)
{
	struct pcache_page *p = page_find(f, index);
	struct pagemem *mem;

	*out = p;
	if (p && p->mem->refs == 1)
		return 0;
	mem = page_memory(f->c); /* not `p`'s, which is in a transfer */
	if (!mem)
		return NO_ROOM;
	if (p) {
		memcpy(mem->p, p->mem->p, PAGE_BYTES);
		pagemem_put(&f->c->pool, p->mem);
		p->mem = mem;
		return 0;
	}
	*out = page_new(f, index, mem);
	return *out ? 0 : -ENOMEM;
}

/* What lies beyond the end of the file is zeros: then the page needs no fetch. */
static void zero_beyond(struct pcache_page *p, uint64_t zero_from)
{
	uint64_t start = page_start(p->index);
	uint32_t from = zero_from > start ? (uint32_t)(zero_from - start) : 0, a, b;

	while (from < PAGE_BYTES && span_gap(&p->valid, from, &a, &b)) {
		if (span_add(&p->valid, a, b))
			return;
		memset(p->mem->p + a, 0, b - a);
	}
}

static int write_page(struct pcache_write *w, struct iov_at *at, uint64_t index, uint32_t from, uint32_t to)
{
	struct pcache_file *f = w->file;
	struct pcache *c = f->c;
	struct pcache_page *p = page_find(f, index);
	int err = 0;

	if (p && !span_empty(&p->dirty) && !c->ops->ctx_same(c->arg, p->ctx, w->ctx))
		err = page_flush(p);
	err = err ? err : own_memory(f, index, &p);
	if (err)
		return err;
	if (span_reserve(&p->valid, from, to) || page_dirty(p, from, to, w->ctx)) {
		page_settle(p);
		return -ENOMEM;
	}
	span_add(&p->valid, from, to);
	iov_get(at, p->mem->p + from, to - from);
	if (w->zero_from < page_start(index + 1))
		zero_beyond(p, w->zero_from);
	page_touch(p);
	page_settle(p);
	c->stats.copied += to - from;
	return 0;
}

/* ---- all of it ---- */

static bool has_room(const struct pcache *c, uint64_t bytes)
{
	uint64_t busy = c->dirty_bytes + c->sent_bytes;

	return !busy || busy + bytes <= c->o.max_dirty;
}

/* Somebody waits: something must be under way that will end. 0, or -ENOMEM: nothing is, and nothing can be.
 */
static int make_room(struct pcache *c)
{
	pages_flush(c);
	if (!c->sent_bytes && !TAILQ_EMPTY(&c->dirty))
		page_flush(TAILQ_FIRST(&c->dirty));
	return c->io_count ? 0 : -ENOMEM;
}

/* As far as there is room: 0 all of it, NO_ROOM, or an error. */
static int write_on(struct pcache_write *w)
{
	struct pcache *c = w->file->c;
	uint64_t end = w->off + w->len;
	struct iov_at at = iov_at(w->iov, w->iov_count, w->written);
	int err = 0;

	while (!err && w->written < w->len) {
		uint64_t index = page_of(w->off + w->written);
		uint32_t from, to;

		page_part(index, w->off + w->written, end, &from, &to);
		err = has_room(c, to - from) ? write_page(w, &at, index, from, to) : NO_ROOM;
		if (!err)
			w->written += to - from;
		if (!err && c->dirty_bytes > c->o.target_dirty)
			pages_flush(c);
	}
	if (err == NO_ROOM && make_room(c))
		return -ENOMEM;
	return err;
}

int pcache_write(struct pcache_write *w)
{
	struct pcache *c = w->file->c;
	int res = NO_ROOM;

	w->err = 0;
	w->written = 0;
	w->waiting = w->ending = false;
	if (c->parked_count >= PCACHE_PARKED_MAX)
		return -ENOMEM;
	pcache_enter(c);
	if (TAILQ_EMPTY(&c->parked))
		res = write_on(w);
	if (res == NO_ROOM) {
		w->waiting = true;
		w->ctx = c->ops->ctx_get(c->arg, w->ctx);
		w->zero_from = UINT64_MAX; /* others may make the file longer meanwhile */
		TAILQ_INSERT_TAIL(&c->parked, w, link);
		c->parked_count++;
		c->stats.waits++;
	}
	pcache_leave(c);
	return res;
}

static void unpark(struct pcache *c, struct pcache_write *w)
{
	TAILQ_REMOVE(&c->parked, w, link);
	c->parked_count--;
	c->ops->ctx_put(c->arg, w->ctx);
}

void pcache_write_cancel(struct pcache_write *w)
{
	struct pcache *c;

	if (!w->waiting)
		return;
	c = w->file->c;
	pcache_enter(c);
	if (w->ending)
		TAILQ_REMOVE(&c->writes_done, w, link);
	else
		unpark(c, w);
	w->waiting = w->ending = false;
	c->unpark = true; /* who stood behind it */
	pcache_leave(c);
}

static void write_end(struct pcache *c, struct pcache_write *w, int err)
{
	unpark(c, w);
	w->err = err;
	w->ending = true;
	TAILQ_INSERT_TAIL(&c->writes_done, w, link);
}

void writes_fail(struct pcache *c, const struct pcache_file *f, int err)
{
	struct pcache_write *w, *next;

	for (w = TAILQ_FIRST(&c->parked); w; w = next) {
		next = TAILQ_NEXT(w, link);
		if (w->file == f)
			write_end(c, w, err);
	}
}

void writes_unpark(struct pcache *c)
{
	struct pcache_write *w;

	while ((w = TAILQ_FIRST(&c->parked)) != NULL) {
		int res = write_on(w);

		if (res == NO_ROOM)
			break;
		write_end(c, w, res);
	}
}
