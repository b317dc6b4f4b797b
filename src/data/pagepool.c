/* pagepool.c: see pagepool.h. */
#include "pagepool.h"

#include "../ring/mem.h"
#include "../ring/sanitizers.h"
#include "span.h"

#include <assert.h>
#include <sys/mman.h>
#ifdef ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)0)
#endif

enum { BLOCK_BYTES = POOL_BLOCK_PAGES * PAGE_BYTES };

struct pool_block {
	TAILQ_ENTRY(pool_block) link;
	uint64_t free; /* a bit for each page */
	uint8_t *bytes;
	struct pagemem page[POOL_BLOCK_PAGES];
};

void pagepool_init(struct pagepool *p, size_t bytes)
{
	*p = (struct pagepool){ .blocks_max = bytes / BLOCK_BYTES ? bytes / BLOCK_BYTES : 1 };
	TAILQ_INIT(&p->open);
	TAILQ_INIT(&p->full);
	TAILQ_INIT(&p->idle);
}

static void block_free(struct pagepool *p, struct pool_block *b)
{
	TAILQ_REMOVE(&p->idle, b, link);
	p->idle_blocks--;
	ASAN_UNPOISON_MEMORY_REGION(b->bytes, BLOCK_BYTES);
	mem_free(b->bytes, BLOCK_BYTES);
	mem_free(b, sizeof *b);
	p->blocks--;
}

void pagepool_fini(struct pagepool *p)
{
	assert(!p->used && TAILQ_EMPTY(&p->full) && TAILQ_EMPTY(&p->open));
	pagepool_clear(p);
}

void pagepool_clear(struct pagepool *p)
{
	while (!TAILQ_EMPTY(&p->idle))
		block_free(p, TAILQ_FIRST(&p->idle));
	p->idle_least = 0;
}

void pagepool_trim(struct pagepool *p)
{
	for (size_t n = (p->idle_least + 1) / 2; n; n--)
		block_free(p, TAILQ_LAST(&p->idle, pool_blocks));
	p->idle_least = p->idle_blocks;
}

/* All pages at once, which is cheaper than a fault for each. Kernels before 5.14 do not have it. The block's
 * edges may not be those of pages. */
static void populate(uint8_t *bytes)
{
	uintptr_t from = ((uintptr_t)bytes + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1);
	uintptr_t to = ((uintptr_t)bytes + BLOCK_BYTES) & ~(uintptr_t)(PAGE_BYTES - 1);

	madvise((void *)from, to - from, MADV_POPULATE_WRITE);
}

static struct pool_block *block_new(struct pagepool *p)
{
	struct pool_block *b = p->blocks < p->blocks_max ? mem_alloc(sizeof *b) : NULL;

	if (!b)
		return NULL;
	b->bytes = mem_alloc(BLOCK_BYTES);
	if (!b->bytes) {
		mem_free(b, sizeof *b);
		return NULL;
	}
	if (p->blocks)
		populate(b->bytes);
	ASAN_POISON_MEMORY_REGION(b->bytes, BLOCK_BYTES);
	b->free = ~0ull;
	for (unsigned n = 0; n < POOL_BLOCK_PAGES; n++)
		b->page[n] = (struct pagemem){ .p = b->bytes + (size_t)n * PAGE_BYTES, .block = b };
	TAILQ_INSERT_HEAD(&p->open, b, link);
	p->blocks++;
	return b;
}

/* The one that was used last: it is the likeliest to be in the processor's cache. */
static struct pool_block *block_reuse(struct pagepool *p)
{
	struct pool_block *b = TAILQ_FIRST(&p->idle);

	if (!b)
		return block_new(p);
	TAILQ_REMOVE(&p->idle, b, link);
	TAILQ_INSERT_HEAD(&p->open, b, link);
	if (--p->idle_blocks < p->idle_least)
		p->idle_least = p->idle_blocks;
	return b;
}

struct pagemem *pagepool_get(struct pagepool *p)
{
	struct pool_block *b = TAILQ_FIRST(&p->open);
	struct pagemem *m;

	if (!b)
		b = block_reuse(p);
	if (!b)
		return NULL;
	m = &b->page[__builtin_ctzll(b->free)];
	b->free &= b->free - 1;
	if (!b->free) {
		TAILQ_REMOVE(&p->open, b, link);
		TAILQ_INSERT_TAIL(&p->full, b, link);
	}
	ASAN_UNPOISON_MEMORY_REGION(m->p, PAGE_BYTES);
	m->refs = 1;
	p->used++;
	return m;
}

void pagemem_put(struct pagepool *p, struct pagemem *m)
{
	struct pool_block *b;

	if (!m || --m->refs)
		return;
	b = m->block;
	ASAN_POISON_MEMORY_REGION(m->p, PAGE_BYTES);
	if (!b->free) {
		TAILQ_REMOVE(&p->full, b, link);
		TAILQ_INSERT_TAIL(&p->open, b, link);
	}
	b->free |= 1ull << (m - b->page);
	p->used--;
	if (b->free != ~0ull)
		return;
	TAILQ_REMOVE(&p->open, b, link);
	TAILQ_INSERT_HEAD(&p->idle, b, link);
	p->idle_blocks++;
}
