/* cache_flush.c: writing back. What leaves in one transfer is a run of dirty bytes of one context that lie
 * beside each other, within one object (pcache_file.cut): begun at any page of it, it takes all of the run.
 */
#include "cache_impl.h"

#include <errno.h>

struct run {
	uint64_t off, end;
	uint64_t first; /* page */
	uint32_t pages;
};

static bool same_run(const struct pcache_page *p, const struct pcache_page *q)
{
	const struct pcache *c = p->file->c;

	return q && !span_empty(&q->dirty) && c->ops->ctx_same(c->arg, p->ctx, q->ctx);
}

/* The run around [from, to) of a page, whose dirty bytes end there. */
static struct run run_around(const struct pcache_page *p, uint32_t from, uint32_t to)
{
	const struct pcache_file *f = p->file;
	uint64_t start = page_start(p->index), cut = start - start % f->cut;
	struct run r = { start + from, start + to, p->index, 1 };
	const struct pcache_page *q;
	uint32_t a, b;

	while (r.off == page_start(r.first) && r.off > cut) {
		q = page_find(f, r.first - 1);
		if (!same_run(p, q) || !span_tail(&q->dirty, &a))
			break;
		r.first--;
		r.off = page_start(r.first) + a;
		r.pages++;
	}
	while (r.end == page_start(r.first + r.pages) && r.end < cut + f->cut) {
		q = page_find(f, r.first + r.pages);
		if (!same_run(p, q) || !span_next(&q->dirty, 0, &a, &b) || a)
			break;
		r.end = page_start(r.first + r.pages) + b;
		r.pages++;
	}
	return r;
}

static struct pcache_io *io_for(const struct pcache_file *f, const struct run *r)
{
	struct pcache_io *io = mem_alloc(sizeof *io);

	if (!io)
		return NULL;
	io->out = true;
	io->off = r->off;
	io->len = r->end - r->off;
	io->pages = r->pages;
	io->mem = mem_alloc(r->pages * sizeof *io->mem);
	if (io->mem) {
		for (uint32_t n = 0; n < r->pages; n++)
			io->mem[n] = page_find(f, r->first + n)->mem;
		io->iov = io->own_iov =
		    iov_of_pages(io->mem, (uint32_t)(r->off % PAGE_BYTES), io->len, &io->iov_count);
	}
	if (!io->iov) {
		mem_free(io->mem, 0);
		mem_free(io, sizeof *io);
		return NULL;
	}
	return io;
}

static int send_run(struct pcache_page *p, const struct run *r)
{
	struct pcache_file *f = p->file;
	struct pcache *c = f->c;
	struct pcache_io *io = io_for(f, r);

	if (!io)
		return -ENOMEM;
	io->file = f;
	io->ctx = c->ops->ctx_get(c->arg, p->ctx);
	io->seq = ++c->seq;
	for (uint32_t n = 0; n < r->pages; n++) {
		struct pcache_page *q = page_find(f, r->first + n);
		uint32_t from, to;

		page_part(q->index, r->off, r->end, &from, &to);
		pagemem_ref(q->mem);
		q->sent++;
		span_del(&q->dirty, from, to); /* a whole run: needs no memory */
		page_undirty(q, to - from, true);
		page_settle(q);
	}
	TAILQ_INSERT_TAIL(&f->ios, io, link);
	f->io_count++;
	c->io_count++;
	c->stats.transfers_out++;
	c->ops->io(c->arg, io);
	return 0;
}

int page_flush(struct pcache_page *p)
{
	uint32_t from, to;
	int err = 0;

	while (!err && span_next(&p->dirty, 0, &from, &to)) {
		struct run r = run_around(p, from, to);

		err = send_run(p, &r);
	}
	return err;
}

void pages_flush(struct pcache *c)
{
	uint64_t now = c->ops->now(c->arg);
	struct pcache_page *p;

	while ((p = TAILQ_FIRST(&c->dirty)) != NULL)
		if ((c->dirty_bytes <= c->o.target_dirty && p->dirty_ns + c->o.max_age_ns > now) ||
		    page_flush(p))
			break;
}

/* ---- on demand ---- */

static int flush_range(struct pcache_file *f, uint64_t off, uint64_t end)
{
	struct pcache_page *p;
	int err = 0;

	if (!off && end == INT64_MAX) { /* in the order in which they became dirty */
		while (!err && (p = TAILQ_FIRST(&f->dirty)) != NULL)
			err = page_flush(p);
		return err;
	}
	for (uint64_t index = page_of(off); !err && (p = page_next(f, index, end)); index = p->index + 1)
		err = page_flush(p);
	return err;
}

static uint64_t end_of(uint64_t off, uint64_t len)
{
	return len > INT64_MAX - off ? INT64_MAX : off + len;
}

void pcache_flush(struct pcache_file *f, uint64_t off, uint64_t len)
{
	pcache_enter(f->c);
	flush_range(f, off, end_of(off, len)); /* without memory: it stays dirty, and is tried again by age */
	pcache_leave(f->c);
}

static bool concerns(const struct pcache_sync *s, const struct pcache_io *io)
{
	return io->out && io->seq <= s->seq && io->off < end_of(s->off, s->len) && s->off < io->off + io->len;
}

int pcache_sync(struct pcache_sync *s)
{
	struct pcache_file *f = s->file;
	const struct pcache_io *io;
	int err;

	pcache_enter(f->c);
	s->err = 0;
	s->left = 0;
	err = flush_range(f, s->off, end_of(s->off, s->len));
	s->seq = f->c->seq;
	TAILQ_FOREACH(io, &f->ios, link)
	s->left += concerns(s, io);
	s->waiting = !err && s->left;
	if (s->waiting)
		TAILQ_INSERT_TAIL(&f->syncs, s, link);
	pcache_leave(f->c);
	return err ? err : s->waiting;
}

void pcache_sync_cancel(struct pcache_sync *s)
{
	if (!s->waiting)
		return;
	if (s->left)
		TAILQ_REMOVE(&s->file->syncs, s, link);
	else
		TAILQ_REMOVE(&s->file->c->syncs_done, s, link);
	s->waiting = false;
}

/* ---- the end of a transfer ---- */

static void tell_syncs(struct pcache_file *f, const struct pcache_io *io, int err)
{
	struct pcache_sync *s, *next;

	for (s = TAILQ_FIRST(&f->syncs); s; s = next) {
		next = TAILQ_NEXT(s, link);
		if (!concerns(s, io))
			continue;
		s->err = s->err ? s->err : err;
		if (--s->left)
			continue;
		TAILQ_REMOVE(&f->syncs, s, link);
		TAILQ_INSERT_TAIL(&f->c->syncs_done, s, link);
	}
}

void pages_sent(struct pcache_io *io, int err)
{
	struct pcache_file *f = io->file;
	struct pcache *c = f->c;

	f->sent_bytes -= io->len;
	c->sent_bytes -= io->len;
	under_sub(f, io->ctx, io->len);
	c->ops->ctx_put(c->arg, io->ctx);
	if (err)
		c->ops->lost(c->arg, f, io, io->off, io->len, err);
	for (uint32_t n = 0; n < io->pages; n++) {
		struct pcache_page *p = page_find(f, page_of(io->off) + n);

		pagemem_put(&c->pool, io->mem[n]);
		p->sent--;
		p->drop |= err != 0; /* what the OSDs do not have must not be read much longer */
		page_settle(p);
	}
	tell_syncs(f, io, err);
}
