/* pagepool.c: see pagepool.h. */
#include "pagepool.h"

#include "../ring/mem.h"
#include "../ring/sanitizers.h"
#include "span.h"

#include <assert.h>
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
}

static void block_free(struct pagepool *p, struct pool_block *b)
{
	TAILQ_REMOVE(&p->open, b, link);
	ASAN_UNPOISON_MEMORY_REGION(b->bytes, BLOCK_BYTES);
	mem_free(b->bytes, BLOCK_BYTES);
	mem_free(b, sizeof *b);
	p->blocks--;
}

void pagepool_fini(struct pagepool *p)
{
	assert(!p->used && TAILQ_EMPTY(&p->full));
	while (!TAILQ_EMPTY(&p->open))
		block_free(p, TAILQ_FIRST(&p->open));
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
	ASAN_POISON_MEMORY_REGION(b->bytes, BLOCK_BYTES);
	b->free = ~0ull;
	for (unsigned n = 0; n < POOL_BLOCK_PAGES; n++)
		b->page[n] = (struct pagemem){ .p = b->bytes + (size_t)n * PAGE_BYTES, .block = b };
	TAILQ_INSERT_HEAD(&p->open, b, link);
	p->blocks++;
	return b;
}

struct pagemem *pagepool_get(struct pagepool *p)
{
	struct pool_block *b = TAILQ_FIRST(&p->open);
	struct pagemem *m;

	if (!b)
		b = block_new(p);
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

/* Blocks that are free as a whole are let go of, but for one. */
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
	if (b->free == ~0ull && TAILQ_FIRST(&p->open) != TAILQ_LAST(&p->open, pool_blocks))
		block_free(p, b);
}
