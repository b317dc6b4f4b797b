/* cache_fetch.c: reading: what is here is copied at once, what is missing comes by fetches (cache.h).
 *
 *   read --> copies what is valid --> the rest: joins fetches under way, unless they are spoiled there
 *                                 \-> new fetches: whole pages, to be kept
 *                                  \-> direct ones: exactly the bytes, into the reader's memory, when they
 * are many, are not to be kept, or no page can be had
 */
#include "cache_impl.h"

#include <errno.h>
#include <string.h>

/* ---- fetches under way ---- */

static uint64_t first_page(const struct pcache_io *io)
{
	return page_of(io->off);
}

static void not_ahead(struct pcache *c, struct pcache_io *io, uint64_t n)
{
	if (!(io->flags[n] & FETCH_AHEAD))
		return;
	io->flags[n] &= (uint8_t)~FETCH_AHEAD;
	c->ahead_bytes -= PAGE_BYTES;
}

static void spoil(struct pcache_file *f, struct pcache_io *io, uint64_t n)
{
	if (io->flags[n] & FETCH_SPOILED)
		return;
	if (io->flags[n] & FETCH_AHEAD)
		f->c->stats.ahead_wasted += PAGE_BYTES;
	not_ahead(f->c, io, n);
	io->flags[n] |= FETCH_SPOILED;
	if (!--io->keep) {
		f->live_fetches--;
		pcache_changed(f);
	}
}

void fetches_spoil(struct pcache_file *f, uint64_t off, uint64_t end)
{
	struct pcache_io *io;

	TAILQ_FOREACH(io, &f->ios, link)
	{
		uint64_t from = off > io->off ? off : io->off;
		uint64_t to = end < io->off + io->len ? end : io->off + io->len;

		if (io->out || !io->keep || from >= to)
			continue;
		for (uint64_t n = page_of(from) - first_page(io); n <= page_of(to - 1) - first_page(io); n++)
			spoil(f, io, n);
	}
}

/* A fetch that brings this page, and may be joined there. */
static struct pcache_io *joinable(const struct pcache_file *f, uint64_t index)
{
	struct pcache_io *io;

	TAILQ_FOREACH(io, &f->ios, link)
	if (!io->out && io->keep && index >= first_page(io) && index - first_page(io) < io->pages &&
	    !(io->flags[index - first_page(io)] & FETCH_SPOILED))
		return io;
	return NULL;
}

/* ---- wants ---- */

static int want(struct pcache_read *r, struct pcache_io *io, uint64_t off, uint64_t end)
{
	struct pcache *c = r->file->c;
	struct pcache_want *w = slab_get(&c->wants);

	if (!w)
		return -ENOMEM;
	w->read = r;
	w->io = io;
	w->off = off;
	w->len = end - off;
	LIST_INSERT_HEAD(&io->wants, w, in_io);
	LIST_INSERT_HEAD(&r->wants, w, in_read);
	return 0;
}

static void want_free(struct pcache *c, struct pcache_want *w)
{
	LIST_REMOVE(w, in_io);
	LIST_REMOVE(w, in_read);
	slab_put(&c->wants, w);
}

void read_end(struct pcache_read *r)
{
	if (r->ending || !LIST_EMPTY(&r->wants))
		return;
	r->ending = true;
	TAILQ_INSERT_TAIL(&r->file->c->reads_done, r, link);
}

/* ---- beginning ---- */

static void begin(struct pcache_file *f, struct pcache_io *io)
{
	struct pcache *c = f->c;

	io->file = f;
	io->seq = ++c->seq;
	TAILQ_INSERT_TAIL(&f->ios, io, link);
	f->io_count++;
	c->io_count++;
	c->stats.transfers_in++;
	c->ops->io(c->arg, io);
}

static void io_free(struct pcache *c, struct pcache_io *io)
{
	for (uint32_t n = 0; io->mem && n < io->pages; n++)
		pagemem_put(&c->pool, io->mem[n]);
	mem_free(io->own_iov, 0);
	mem_free(io->mem, 0);
	mem_free(io->flags, 0);
	mem_free(io, sizeof *io);
}

/* Whole pages; NULL: no memory, or they may not be kept. */
static struct pcache_io *fetch_pages(struct pcache_file *f, uint64_t index, uint64_t count, uint8_t flags)
{
	struct pcache *c = f->c;
	struct pcache_io *io;

	if (!f->held && !(f->held = c->ops->hold(c->arg, f)))
		return NULL;
	pcache_changed(f); /* so that it is released, if nothing comes of it */
	io = mem_alloc(sizeof *io);
	if (!io)
		return NULL;
	io->off = page_start(index);
	io->len = page_start(count);
	io->pages = io->keep = (uint32_t)count;
	io->mem = mem_alloc(count * sizeof *io->mem);
	io->flags = mem_alloc(count);
	for (uint64_t n = 0; io->mem && io->flags && n < count; n++) {
		io->mem[n] = page_memory(c);
		io->flags[n] = flags;
		if (!io->mem[n])
			break;
	}
	if (io->mem && io->flags && io->mem[count - 1])
		io->own_iov = iov_of_pages(io->mem, 0, io->len, &io->iov_count);
	io->iov = io->own_iov;
	if (io->iov)
		return io;
	io_free(c, io);
	return NULL;
}

static int fetch_direct(struct pcache_read *r, uint64_t off, uint64_t end)
{
	struct pcache *c = r->file->c;
	struct iov_at at = iov_at(r->iov, r->iov_count, off - r->off);
	struct pcache_io *io = mem_alloc(sizeof *io);

	if (!io)
		return -ENOMEM;
	io->off = off;
	io->len = end - off;
	io->iov_count = iov_cut(at, io->len, NULL);
	io->iov = io->own_iov = mem_alloc(io->iov_count * sizeof *io->own_iov);
	if (!io->iov || want(r, io, off, end)) {
		io_free(c, io);
		return -ENOMEM;
	}
	iov_cut(at, io->len, io->own_iov);
	begin(r->file, io);
	return 0;
}

static int fetch_new(struct pcache_read *r, uint64_t off, uint64_t end)
{
	struct pcache_file *f = r->file;
	uint64_t index = page_of(off), count = page_of(end - 1) + 1 - index;
	struct pcache_io *io = NULL;

	if (!r->once && end - off < f->c->o.direct_min)
		io = fetch_pages(f, index, count, 0);
	if (!io)
		return fetch_direct(r, off, end);
	if (want(r, io, off, end)) {
		io_free(f->c, io);
		return -ENOMEM;
	}
	f->live_fetches++;
	begin(f, io);
	return 0;
}

/* Where a run of pages ends that begins with `index` and is alike: brought by `io`, or by nobody. */
static uint64_t alike_until(const struct pcache_file *f, const struct pcache_io *io, uint64_t off,
			    uint64_t end)
{
	uint64_t cut = (off / f->cut + 1) * f->cut;

	if (end > cut)
		end = cut;
	for (uint64_t index = page_of(off) + 1; page_start(index) < end; index++)
		if (joinable(f, index) != io)
			return page_start(index);
	return end;
}

int fetch_for(struct pcache_read *r, uint64_t off, uint64_t end)
{
	struct pcache_file *f = r->file;
	int err = 0;

	while (off < end && !err) {
		struct pcache_io *io = joinable(f, page_of(off));
		uint64_t until = alike_until(f, io, off, end);

		err = io ? want(r, io, off, until) : fetch_new(r, off, until);
		for (uint64_t n = page_of(off); io && n <= page_of(until - 1); n++)
			not_ahead(f->c, io, n - first_page(io));
		off = until;
	}
	return err;
}

void pcache_ahead(struct pcache_file *f, uint64_t off, uint64_t len)
{
	struct pcache *c = f->c;
	uint64_t at = page_start(page_of(off)), end = page_start(page_of(off + len - 1) + 1);

	pcache_enter(c);
	while (len && at < end) {
		uint64_t until = alike_until(f, NULL, at, end);
		const struct pcache_page *p = page_next(f, page_of(at), until);
		struct pcache_io *io;

		if (joinable(f, page_of(at)) || (p && p->index == page_of(at))) {
			at += PAGE_BYTES;
			continue;
		}
		if (p)
			until = page_start(p->index);
		if (c->ahead_bytes + (until - at) > c->o.max_bytes / 4)
			break;
		io = fetch_pages(f, page_of(at), page_of(until - at), FETCH_AHEAD);
		if (!io)
			break;
		c->stats.ahead += io->len;
		c->ahead_bytes += io->len;
		f->live_fetches++;
		begin(f, io);
		at = until;
	}
	pcache_leave(c);
}

/* ---- reading ---- */

/* Copies what is valid. True: that was all. */
static bool copy_valid(struct pcache_read *r)
{
	uint64_t end = r->off + r->len, here = 0;
	struct pcache *c = r->file->c;
	struct iov_at at = iov_at(r->iov, r->iov_count, 0);
	uint64_t pos = r->off;
	struct pcache_page *p;

	for (uint64_t index = page_of(r->off); (p = page_next(r->file, index, end)); index++) {
		uint32_t from, to, a, b;

		index = p->index;
		page_part(index, r->off, end, &from, &to);
		page_touch(p);
		page_read(p);
		for (uint32_t n = from; n < to && span_next(&p->valid, n, &a, &b) && a < to; n = b) {
			b = b < to ? b : to;
			at = page_start(index) + a == pos
				 ? at
				 : iov_at(r->iov, r->iov_count, page_start(index) + a - r->off);
			iov_put(&at, p->mem->p + a, b - a);
			pos = page_start(index) + b;
			here += b - a;
		}
	}
	c->stats.copied += here;
	return here == r->len;
}

/* Fetches what is not valid. */
static int fetch_missing(struct pcache_read *r)
{
	uint64_t end = r->off + r->len, missing = r->off;
	int err = 0;

	for (uint64_t index = page_of(r->off); page_start(index) < end && !err; index++) {
		struct pcache_page *p = page_next(r->file, index, end);
		uint32_t from, to, a, b;

		if (!p)
			break;
		index = p->index;
		page_part(index, r->off, end, &from, &to);
		for (uint32_t n = from; n < to && !err; n = b) {
			/* Again each time: to fetch may cost the page. */
			p = page_find(r->file, index);
			if (!p || !span_next(&p->valid, n, &a, &b) || a >= to)
				break;
			b = b < to ? b : to;
			if (missing < page_start(index) + a)
				err = fetch_for(r, missing, page_start(index) + a);
			missing = page_start(index) + b;
		}
	}
	return err || missing >= end ? err : fetch_for(r, missing, end);
}

int pcache_read(struct pcache_read *r)
{
	struct pcache *c = r->file->c;
	int res = 0;

	r->err = 0;
	r->waiting = r->ending = false;
	LIST_INIT(&r->wants);
	if (!r->len)
		return 0;
	pcache_enter(c);
	if (copy_valid(r)) {
		c->stats.hits++;
	} else {
		c->stats.misses++;
		res = fetch_missing(r);
		if (!res || !LIST_EMPTY(&r->wants)) {
			r->err = res;
			r->waiting = true;
			res = 1;
		}
	}
	pcache_leave(c);
	return res;
}

bool pcache_read_cancel(struct pcache_read *r, int err)
{
	struct pcache_want *w, *next;
	struct pcache *c;

	if (!r->waiting)
		return false;
	c = r->file->c;
	if (r->ending)
		TAILQ_REMOVE(&c->reads_done, r, link);
	for (w = LIST_FIRST(&r->wants); w; w = next) {
		next = LIST_NEXT(w, in_read);
		if (w->io->mem)
			want_free(c, w);
		else if (c->ops->cancel)
			c->ops->cancel(c->arg, w->io);
	}
	r->waiting = !LIST_EMPTY(&r->wants);
	r->err = err;
	r->ending = false;
	return r->waiting;
}

/* ---- ending ---- */

/* Bytes of a fetch, page by page, to who wants them. */
static void copy_out(struct pcache *c, const struct pcache_want *w)
{
	const struct pcache_io *io = w->io;
	const struct pcache_read *r = w->read;
	struct iov_at at = iov_at(r->iov, r->iov_count, w->off - r->off);
	uint64_t end = w->off + w->len;

	for (uint64_t index = page_of(w->off); page_start(index) < end; index++) {
		uint32_t from, to;

		page_part(index, w->off, end, &from, &to);
		iov_put(&at, io->mem[index - first_page(io)]->p + from, to - from);
	}
	c->stats.copied += w->len;
}

static void serve(struct pcache *c, struct pcache_io *io, int err)
{
	struct pcache_want *w;

	while ((w = LIST_FIRST(&io->wants)) != NULL) {
		struct pcache_read *r = w->read;

		if (err && !r->err)
			r->err = err;
		if (!err && io->mem)
			copy_out(c, w);
		want_free(c, w);
		read_end(r);
	}
}

/* What the page does not have yet. Invalid bytes are in no transfer: the memory may be shared with one. */
static void fill(struct pcache_page *p, const struct pagemem *mem)
{
	uint32_t from, to;

	while (span_gap(&p->valid, 0, &from, &to)) {
		if (span_add(&p->valid, from, to))
			return;
		memcpy(p->mem->p + from, mem->p + from, to - from);
	}
}

static void keep(struct pcache_file *f, struct pcache_io *io, uint32_t n)
{
	uint64_t index = first_page(io) + n;
	struct pcache_page *p = page_find(f, index);
	bool ahead = io->flags[n] & FETCH_AHEAD;

	if (p) {
		not_ahead(f->c, io, n);
		fill(p, io->mem[n]);
		page_settle(p);
		return;
	}
	p = page_new(f, index, io->mem[n]);
	io->mem[n] = NULL;
	if (!p) {
		not_ahead(f->c, io, n);
		return;
	}
	p->ahead = ahead;
	span_add(&p->valid, 0, PAGE_BYTES);
	page_settle(p);
}

void fetch_done(struct pcache_io *io, int err)
{
	struct pcache_file *f = io->file;
	struct pcache *c = f->c;

	serve(c, io, err);
	for (uint32_t n = 0; n < io->pages; n++) {
		if (err)
			spoil(f, io, n);
		else if (!(io->flags[n] & FETCH_SPOILED))
			keep(f, io, n);
		pagemem_put(&c->pool, io->mem[n]);
	}
	if (io->keep)
		f->live_fetches--;
}
