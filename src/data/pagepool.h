/* pagepool.h: the memory of cached pages: a bounded number of blocks, each cut into 64 pages.
 *
 * Pages that are taken one after another lie one behind another as far as there is room, so that a run of
 * pages of a file is few pieces of memory. A page is counted: the cache has it, and each transfer that it is
 * in.
 *
 * Blocks that became free as a whole are kept, for the next pages: memory that is new costs a fault for each
 * page, more than what is copied into it. pagepool_trim() gives back what nobody needed for a while.
 *
 * One thread.
 */
#pragma once
#include <sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POOL_BLOCK_PAGES = 64 };

struct pool_block;
struct pagemem {
	uint8_t *p; /* PAGE_BYTES of it, not zeroed */
	struct pool_block *block;
	uint32_t refs;
};
TAILQ_HEAD(pool_blocks, pool_block);
struct pagepool {
	struct pool_blocks open, full; /* blocks with free pages and others, and without free ones */
	struct pool_blocks idle;       /* with free ones only; used last first */
	size_t blocks, blocks_max, used;
	size_t idle_blocks, idle_least; /* now, and the least since pagepool_trim() */
};
/* Of at most `bytes`, and at least one block. */
void pagepool_init(struct pagepool *p, size_t bytes);
void pagepool_fini(struct pagepool *p); /* every page is back */
/* With one reference; NULL: the bound is reached, or no memory. */
struct pagemem *pagepool_get(struct pagepool *p);
static inline struct pagemem *pagemem_ref(struct pagemem *m)
{
	m->refs++;
	return m;
}
void pagemem_put(struct pagepool *p, struct pagemem *m); /* takes NULL */
/* Half of the blocks that were free ever since the last call go back to the system. */
void pagepool_trim(struct pagepool *p);
void pagepool_clear(struct pagepool *p); /* all that are free */
static inline bool pagepool_has_idle(const struct pagepool *p)
{
	return p->idle_blocks;
}
