/* The memory of cached pages: bounded, used again, and given back by and by. */
#include "../../src/data/pagepool.h"
#include "../../src/data/span.h"

#include <criterion/criterion.h>
#include <string.h>

enum { BLOCKS = 8, PAGES = BLOCKS * POOL_BLOCK_PAGES };

static struct pagepool pool;
static struct pagemem *mem[PAGES];

static void take(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		mem[i] = pagepool_get(&pool);
		cr_assert_not_null(mem[i]);
		memset(mem[i]->p, (int)i, PAGE_BYTES);
	}
}

static void give(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		pagemem_put(&pool, mem[i]);
}

static void setup(void)
{
	pagepool_init(&pool, (size_t)PAGES * PAGE_BYTES);
}

static void teardown(void)
{
	pagepool_fini(&pool);
	cr_assert_eq(pool.blocks, 0);
}

TestSuite(pagepool, .init = setup, .fini = teardown);

Test(pagepool, is_bounded_and_counts_references)
{
	struct pagemem *again;

	take(PAGES);
	cr_assert_null(pagepool_get(&pool));
	pagemem_ref(mem[7]);
	pagemem_put(&pool, mem[7]);
	cr_assert_null(pagepool_get(&pool));
	pagemem_put(&pool, mem[7]);
	again = pagepool_get(&pool);
	cr_assert_eq(again, mem[7]);
	give(PAGES);
	cr_assert_eq(pool.used, 0);
}

Test(pagepool, free_blocks_are_used_again)
{
	const uint8_t *first;

	take(3 * POOL_BLOCK_PAGES);
	first = mem[0]->p;
	give(3 * POOL_BLOCK_PAGES);
	cr_assert_eq(pool.blocks, 3);
	for (unsigned round = 0; round < 10; round++) {
		take(3 * POOL_BLOCK_PAGES);
		cr_assert_eq(pool.blocks, 3);
		cr_assert(!pagepool_has_idle(&pool));
		give(3 * POOL_BLOCK_PAGES);
	}
	take(3 * POOL_BLOCK_PAGES);
	cr_assert(mem[0]->p == first || mem[POOL_BLOCK_PAGES]->p == first ||
		  mem[2 * POOL_BLOCK_PAGES]->p == first);
	/* one behind the other within a block */
	for (unsigned n = 1; n < POOL_BLOCK_PAGES; n++)
		cr_assert_eq(mem[n]->p, mem[n - 1]->p + PAGE_BYTES);
	give(3 * POOL_BLOCK_PAGES);
}

Test(pagepool, what_nobody_needed_is_given_back_by_halves)
{
	take(PAGES);
	give(PAGES);
	pagepool_trim(&pool); /* all of it was in use since the last time */
	cr_assert_eq(pool.blocks, 8);
	pagepool_trim(&pool);
	cr_assert_eq(pool.blocks, 4);
	take(3 * POOL_BLOCK_PAGES); /* three of the four were needed */
	give(3 * POOL_BLOCK_PAGES);
	pagepool_trim(&pool);
	cr_assert_eq(pool.blocks, 3);
	take(1); /* whose block stays, whatever happens */
	for (unsigned n = 0; n < 8; n++)
		pagepool_trim(&pool);
	cr_assert_eq(pool.blocks, 1);
	cr_assert(!pagepool_has_idle(&pool));
	cr_assert_eq(mem[0]->p[PAGE_BYTES - 1], 0);
	give(1);
	pagepool_trim(&pool);
	pagepool_trim(&pool);
	cr_assert_eq(pool.blocks, 0);
}

Test(pagepool, all_that_is_free_can_be_given_back)
{
	take(PAGES);
	give(PAGES - 1);
	pagepool_clear(&pool);
	cr_assert_eq(pool.blocks, 1);
	pagepool_trim(&pool);
	pagemem_put(&pool, mem[PAGES - 1]);
	pagepool_clear(&pool);
	cr_assert_eq(pool.blocks, 0);
}
