/* Directory fragments: which one holds a hash, and walking them in order. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "proto/frag.h"
#include "proto/mds.h"

#define FRAG(bits, value) ((uint32_t)(bits) << 24 | (value))

static int tree_set(struct fragtree *t, const struct frag_split *split, size_t count)
{
	return fragtree_set(t, (const uint8_t *)split, count * sizeof(*split));
}

Test(frag, validity)
{
	cr_assert(frag_valid(FRAG(0, 0)));
	cr_assert(frag_valid(FRAG(1, 0x800000)));
	cr_assert(frag_valid(FRAG(24, 0x123456)));
	cr_assert_not(frag_valid(FRAG(1, 0x400000)));
	cr_assert_not(frag_valid(FRAG(0, 1)));
	cr_assert_not(frag_valid(FRAG(25, 0)));
	cr_assert_not(frag_valid(FRAG(255, 0)));
}

Test(frag, contains_by_low_24_bits)
{
	cr_assert(frag_contains(FRAG(0, 0), 0xffffffff));
	cr_assert(frag_contains(FRAG(1, 0x800000), 0x12800001));
	cr_assert_not(frag_contains(FRAG(1, 0x800000), 0x127fffff));
	cr_assert(frag_contains(FRAG(24, 5), 0xaa000005));
	cr_assert_not(frag_contains(FRAG(24, 5), 6));
	cr_assert_not(frag_contains(FRAG(200, 0), 0), "no such frag");
}

Test(frag, next_and_rightmost)
{
	cr_assert(frag_is_rightmost(FRAG(0, 0)));
	cr_assert_eq(frag_next(FRAG(2, 0x400000)), FRAG(2, 0x800000));
	cr_assert_not(frag_is_rightmost(FRAG(2, 0x800000)));
	cr_assert(frag_is_rightmost(FRAG(2, 0xc00000)));
	cr_assert_eq(frag_next(FRAG(24, 0x1234)), FRAG(24, 0x1235));
	cr_assert(frag_is_rightmost(FRAG(24, 0xffffff)));
}

Test(fragtree, empty_is_one_frag)
{
	struct fragtree t = { 0 };
	uint32_t next;

	cr_assert_eq(fragtree_find(&t, 0xabcdef), 0);
	cr_assert_eq(fragtree_first(&t), 0);
	cr_assert_not(fragtree_after(&t, 0, &next));
}

/* 0 is cut into 4; the second quarter into 2; given out of order. */
static const struct frag_split uneven[] = { { FRAG(2, 0x400000), 1 }, { FRAG(0, 0), 2 } };
static const uint32_t uneven_leaves[] = {
	FRAG(2, 0), FRAG(3, 0x400000), FRAG(3, 0x600000), FRAG(2, 0x800000), FRAG(2, 0xc00000),
};

Test(fragtree, find)
{
	struct fragtree t = { 0 };

	cr_assert_eq(tree_set(&t, uneven, 2), 0);
	cr_assert_eq(fragtree_find(&t, 0), FRAG(2, 0));
	cr_assert_eq(fragtree_find(&t, 0x55400001), FRAG(3, 0x400000));
	cr_assert_eq(fragtree_find(&t, 0x7fffff), FRAG(3, 0x600000));
	cr_assert_eq(fragtree_find(&t, 0xffffffff), FRAG(2, 0xc00000));
	for (uint32_t h = 0; h < 1 << 24; h += 0x1357)
		cr_assert(frag_contains(fragtree_find(&t, h), h));
	fragtree_free(&t);
	cr_assert_eq(t.count, 0);
}

Test(fragtree, leaves_in_order)
{
	struct fragtree t = { 0 };
	uint32_t f, i = 0;

	cr_assert_eq(tree_set(&t, uneven, 2), 0);
	f = fragtree_first(&t);
	do
		cr_assert_eq(f, uneven_leaves[i++]);
	while (fragtree_after(&t, f, &f));
	cr_assert_eq(i, 5);
	fragtree_free(&t);
}

Test(fragtree, walk_goes_on_from_a_leaf_that_is_gone)
{
	struct fragtree t = { 0 };
	uint32_t next;

	cr_assert_eq(tree_set(&t, uneven, 2), 0);
	/* merged meanwhile: the whole left half was one frag when it was listed */
	cr_assert(fragtree_after(&t, FRAG(1, 0), &next));
	cr_assert_eq(next, FRAG(2, 0x800000));
	/* split meanwhile: an eighth of what is now a quarter */
	cr_assert(fragtree_after(&t, FRAG(3, 0x800000), &next));
	cr_assert_eq(next, FRAG(2, 0x800000));
	cr_assert(fragtree_after(&t, next, &next));
	cr_assert_eq(next, FRAG(2, 0xc00000));
	fragtree_free(&t);
}

Test(fragtree, deepest_cut)
{
	struct fragtree t = { 0 };
	struct frag_split split[24];

	for (uint32_t i = 0; i < 24; i++)
		split[i] = (struct frag_split){ FRAG(i, 0), 1 };
	cr_assert_eq(tree_set(&t, split, 24), 0);
	cr_assert_eq(fragtree_find(&t, 0), FRAG(24, 0));
	cr_assert_eq(fragtree_find(&t, 1), FRAG(24, 1));
	cr_assert_eq(fragtree_find(&t, 2), FRAG(23, 2));
	cr_assert_eq(fragtree_find(&t, 0xffffff), FRAG(1, 0x800000));
	fragtree_free(&t);
}

static void refused(struct frag_split split, const char *why)
{
	struct fragtree t = { 0 };

	cr_assert_eq(tree_set(&t, uneven, 2), 0);
	cr_assert_eq(tree_set(&t, &split, 1), -EBADMSG, "%s", why);
	cr_assert(!t.count && !t.split, "left empty");
}

Test(fragtree, refuses_nonsense)
{
	refused((struct frag_split){ FRAG(0, 0), 0 }, "cut into one");
	refused((struct frag_split){ FRAG(0, 0), -1 }, "cut by less than nothing");
	refused((struct frag_split){ FRAG(0, 0), 25 }, "more bits than a hash has");
	refused((struct frag_split){ FRAG(23, 0), 2 }, "more bits than are left");
	refused((struct frag_split){ FRAG(1, 1), 1 }, "bits below the frag's own");
	refused((struct frag_split){ FRAG(30, 0), 1 }, "no such frag");
	refused((struct frag_split){ FRAG(0, 0), INT32_MIN }, "no such cut");
}

Test(fragtree, refuses_duplicates_odd_lengths_and_floods)
{
	static struct frag_split many[DIRFRAG_SPLITS_MAX + 1];
	struct frag_split twice[] = { { FRAG(0, 0), 1 }, { FRAG(0, 0), 2 } };
	struct fragtree t = { 0 };

	cr_assert_eq(tree_set(&t, twice, 2), -EBADMSG);
	cr_assert_eq(fragtree_set(&t, (const uint8_t *)uneven, 12), -EBADMSG);
	for (uint32_t i = 0; i <= DIRFRAG_SPLITS_MAX; i++)
		many[i] = (struct frag_split){ FRAG(13, i << 11 & 0xffffff), 1 };
	cr_assert_eq(tree_set(&t, many, DIRFRAG_SPLITS_MAX + 1), -EBADMSG);
	cr_assert_eq(tree_set(&t, many, DIRFRAG_SPLITS_MAX), 0);
	cr_assert_eq(t.count, DIRFRAG_SPLITS_MAX);
	cr_assert_eq(fragtree_set(&t, NULL, 0), 0, "not fragmented any more");
	cr_assert_eq(t.count, 0);
}
