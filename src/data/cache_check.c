/* cache_check.c: what is always so, between calls. */
#include "cache_impl.h"

#define want_that(cond, words)                                                                               \
	do {                                                                                                 \
		if (!(cond))                                                                                 \
			return words;                                                                        \
	} while (0)

static uint64_t transfers_with(const struct pcache_page *p)
{
	const struct pcache_io *io;
	uint64_t n = 0;

	TAILQ_FOREACH(io, &p->file->ios, link)
	n += io->out && p->index >= page_of(io->off) && p->index - page_of(io->off) < io->pages;
	return n;
}

static const char *check_page(const struct pcache_page *p)
{
	const struct pcache_file *f = p->file;
	bool dirty = !span_empty(&p->dirty);

	want_that(span_within(&p->dirty, &p->valid), "dirty bytes that are not valid");
	want_that(p->sent == transfers_with(p), "a page counts its transfers wrong");
	want_that(dirty == (p->where == PAGE_DIRTY), "a page is dirty and not in the list, or the reverse");
	want_that(p->where != PAGE_CLEAN || (!p->sent && !span_empty(&p->valid) && f->held && !p->drop),
		  "a page is in the LRU list that may not be");
	want_that(p->where != PAGE_NOWHERE || p->sent, "a page that nobody needs");
	want_that(p->sent || p->mem->refs == 1, "memory of a page is shared with no transfer");
	return NULL;
}

static const char *check_io(const struct pcache_io *io)
{
	uint64_t bytes = 0;
	uint32_t keep = 0;

	for (uint32_t n = 0; n < io->iov_count; n++)
		bytes += io->iov[n].iov_len;
	want_that(bytes == io->len, "a transfer's pieces are not its length");
	for (uint32_t n = 0; io->flags && n < io->pages; n++)
		keep += !(io->flags[n] & FETCH_SPOILED);
	want_that(io->out || keep == io->keep, "a fetch counts what is to be kept wrong");
	return NULL;
}

const char *pcache_file_check(const struct pcache_file *f)
{
	uint64_t pages = 0, clean = 0, dirty = 0, sent = 0, under = 0, listed = 0, index = 0;
	uint32_t live = 0, ios = 0;
	const struct pcache_under *u;
	const struct pcache_page *p;
	const struct pcache_io *io;
	const char *bad = NULL;

	for (; !bad && (p = page_next(f, index, UINT64_MAX)); index = p->index + 1) {
		bad = check_page(p);
		pages++;
		clean += p->where == PAGE_CLEAN;
		dirty += span_bytes(&p->dirty);
	}
	TAILQ_FOREACH(io, &f->ios, link)
	{
		bad = bad ? bad : check_io(io);
		ios++;
		live += io->keep > 0;
		sent += io->out ? io->len : 0;
	}
	if (bad)
		return bad;
	LIST_FOREACH(u, &f->under, link)
	under += u->bytes;
	TAILQ_FOREACH(p, &f->dirty, in_file)
	listed++;
	want_that(pages == f->pages && clean == f->clean_pages, "pages of a file are counted wrong");
	want_that(dirty == f->dirty_bytes && sent == f->sent_bytes, "bytes of a file are counted wrong");
	want_that(under == dirty + sent, "bytes by context are not the whole");
	want_that(ios == f->io_count && live == f->live_fetches, "transfers are counted wrong");
	want_that(listed <= pages, "the list of dirty pages");
	want_that(f->held || !(clean || live), "something is kept that may not be");
	want_that(f->owing || !(dirty || sent), "something is dirty that nobody was told of");
	want_that(f->queued || (f->held == (clean || live) && f->owing == (dirty || sent)),
		  "somebody was not told");
	return NULL;
}

const char *pcache_check(const struct pcache *c, const struct pcache_file *const *files, unsigned count)
{
	uint64_t dirty = 0, sent = 0, pages = 0, ios = 0, listed = 0, clean = 0, memory = 0, last = 0;
	const struct pcache_page *p;
	const struct pcache_io *io;
	const char *bad;

	for (unsigned n = 0; n < count; n++) {
		bad = pcache_file_check(files[n]);
		if (bad)
			return bad;
		dirty += files[n]->dirty_bytes;
		sent += files[n]->sent_bytes;
		pages += files[n]->pages;
		clean += files[n]->clean_pages;
		ios += files[n]->io_count;
		TAILQ_FOREACH(io, &files[n]->ios, link)
		memory += io->mem ? io->pages : 0;
	}
	TAILQ_FOREACH(p, &c->dirty, link)
	{
		want_that(p->dirty_ns >= last, "dirty pages are not in the order of time");
		last = p->dirty_ns;
		listed++;
	}
	TAILQ_FOREACH(p, &c->lru, link)
	clean--;
	want_that(!clean, "the LRU list");
	want_that(dirty == c->dirty_bytes && sent == c->sent_bytes && ios == c->io_count,
		  "sums of the files are not the whole");
	want_that(listed <= pages, "the list of dirty pages");
	want_that(c->pool.used >= pages && c->pool.used <= pages + memory, "pages of memory are lost");
	want_that(c->pool.blocks <= c->pool.blocks_max, "too much memory");
	want_that(c->depth || (!c->unpark && TAILQ_EMPTY(&c->changed) && TAILQ_EMPTY(&c->reads_done) &&
			       TAILQ_EMPTY(&c->writes_done) && TAILQ_EMPTY(&c->syncs_done)),
		  "something was not told");
	want_that(TAILQ_EMPTY(&c->parked) || c->io_count, "writers wait for nothing");
	return NULL;
}
