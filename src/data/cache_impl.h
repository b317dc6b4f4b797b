/* cache_impl.h: what the cache's files share. Each public function that may change something stands between
 * pcache_enter() and pcache_leave(), which brings the late callbacks. */
#pragma once
#include "../ring/mem.h"
#include "cache.h"

/* Flags of a fetch's page. */
enum { FETCH_SPOILED = 1, FETCH_AHEAD = 2 };

struct pcache_page {
	struct pcache_file *file;
	uint64_t index;
	struct pagemem *mem; /* a reference */
	struct span valid, dirty;
	uint64_t dirty_ns; /* since when */
	void *ctx;         /* of the dirty bytes, a reference; NULL too when clean */
	uint32_t sent;     /* transfers out that it is in */
	bool ahead;        /* fetched ahead and not read yet */
	bool drop;         /* goes when it is clean */
	bool cold;         /* when it becomes clean it is the first to go */
	enum pcache_where { PAGE_NOWHERE, PAGE_CLEAN, PAGE_DIRTY } where;
	TAILQ_ENTRY(pcache_page) link;    /* c->lru or c->dirty, by where */
	TAILQ_ENTRY(pcache_page) in_file; /* file->dirty */
};

/* Bytes of a file that are dirty or in transfers out under one context. */
struct pcache_under {
	LIST_ENTRY(pcache_under) link;
	void *ctx; /* a reference */
	uint64_t bytes;
	bool told;
};

/* Bytes that a reader waits for, of one fetch. */
struct pcache_want {
	LIST_ENTRY(pcache_want) in_io, in_read;
	struct pcache_read *read;
	struct pcache_io *io;
	uint64_t off, len;
};

TAILQ_HEAD(pcache_pages, pcache_page);
struct pcache {
	struct pcache_opts o;
	const struct pcache_ops *ops;
	void *arg;
	struct pagepool pool;
	struct slab pages, wants;
	struct pcache_pages lru, dirty;    /* least recently used, longest dirty first */
	TAILQ_HEAD(, pcache_write) parked; /* in order */
	uint64_t parked_count;
	TAILQ_HEAD(, pcache_read) reads_done;
	TAILQ_HEAD(, pcache_write) writes_done;
	TAILQ_HEAD(, pcache_sync) syncs_done;
	TAILQ_HEAD(, pcache_file) changed;
	uint64_t dirty_bytes, sent_bytes;
	uint64_t ahead_bytes; /* in fetches and pages that nobody has read yet */
	uint64_t seq;         /* of transfers */
	uint64_t io_count;    /* under way */
	uint64_t timer_ns;    /* what `timer` was last told */
	uint64_t trim_ns;     /* when free memory is looked at; 0: there was none */
	unsigned depth;
	bool unpark; /* room may have come */
	struct pcache_stats stats;
};

void pcache_enter(struct pcache *c);
void pcache_leave(struct pcache *c);
/* Something of the file changed that the user must be told. */
void pcache_changed(struct pcache_file *f);

/* ---- pages: cache.c ---- */

static inline uint64_t page_of(uint64_t off)
{
	return off >> PAGE_SHIFT;
}
static inline uint64_t page_start(uint64_t index)
{
	return index << PAGE_SHIFT;
}
/* The part of a range that lies in a page. */
void page_part(uint64_t index, uint64_t off, uint64_t end, uint32_t *from, uint32_t *to);
struct pcache_page *page_find(const struct pcache_file *f, uint64_t index);
/* The first page of the range; then those behind it. */
struct pcache_page *page_next(const struct pcache_file *f, uint64_t index, uint64_t end);
/* Memory for a page, from what is free or clean. NULL: none now. */
struct pagemem *page_memory(struct pcache *c);
/* A page with this memory, which it takes over; NULL: no memory, and it was put. */
struct pcache_page *page_new(struct pcache_file *f, uint64_t index, struct pagemem *mem);
/* After any change of its bytes: where it belongs now. It may be gone afterwards. */
void page_settle(struct pcache_page *p);
/* The page is used: it stays longer. */
void page_touch(struct pcache_page *p);
/* Its clean bytes go; all of it if it may. */
void page_drop(struct pcache_page *p);
/* It was read, so that it was not fetched ahead in vain. */
void page_read(struct pcache_page *p);

/* Counts what is not written back: dirty or in transfers out. */
int under_add(struct pcache_file *f, void *ctx, uint64_t bytes); /* 0, -ENOMEM */
void under_sub(struct pcache_file *f, void *ctx, uint64_t bytes);
/* Dirty bytes of a page: counted in page, file and cache. */
int page_dirty(struct pcache_page *p, uint32_t from, uint32_t to, void *ctx);
/* `bytes` of the page's dirty span were taken out of it. `sent`: into a transfer. */
void page_undirty(struct pcache_page *p, uint32_t bytes, bool sent);

/* ---- the callers' memory ---- */

struct iov_at {
	const struct iovec *iov;
	uint32_t left;
	size_t skip;
};
struct iov_at iov_at(const struct iovec *iov, uint32_t count, uint64_t skip);
void iov_put(struct iov_at *at, const void *from, size_t len);
void iov_get(struct iov_at *at, void *to, size_t len);
/* The pieces of `len` bytes, into `out`, if that is not NULL; how many. */
uint32_t iov_cut(struct iov_at at, uint64_t len, struct iovec *out);
/* A list of pieces for pages of memory, from `skip` bytes into the first, those that meet joined. NULL: no
 * memory. */
struct iovec *iov_of_pages(struct pagemem *const *mem, uint32_t skip, uint64_t len, uint32_t *count);

/* ---- transfers in: cache_fetch.c ---- */

/* What fetches under way bring of these bytes may be old. */
void fetches_spoil(struct pcache_file *f, uint64_t off, uint64_t end);
void fetch_done(struct pcache_io *io, int err);
/* The bytes are missing: the read gets them from fetches, under way or new. 0, -ENOMEM. */
int fetch_for(struct pcache_read *r, uint64_t off, uint64_t end);
void read_end(struct pcache_read *r);

/* ---- transfers out: cache_flush.c ---- */

/* All that is dirty of the page leaves, and what lies beside it. 0, -ENOMEM. */
int page_flush(struct pcache_page *p);
void pages_sent(struct pcache_io *io, int err);
/* Down to the target, and what is too old. */
void pages_flush(struct pcache *c);
/* Writers that wait go on as far as there is room: cache_write.c. */
void writes_unpark(struct pcache *c);
/* Those of one file end. */
void writes_fail(struct pcache *c, const struct pcache_file *f, int err);
