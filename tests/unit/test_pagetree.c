/* The tree of pages: numbers near and far apart, put in and taken out. */
#include "../../src/data/pagetree.h"

#include <criterion/criterion.h>

enum { COUNT = 400 };

static uint64_t seed = 1;

static uint64_t rnd(uint64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 20) % n;
}

/* Numbers that lie close together, and some very far apart. */
static uint64_t number(void)
{
	static const uint64_t ends[] = { 70, 5000, 1 << 20, 1ull << 43, 1ull << 51 };

	return rnd(ends[rnd(5)]);
}

static void compare(const struct pagetree *t, const uint64_t *in, unsigned count)
{
	uint64_t at = rnd(2) ? 0 : number(), found, least = UINT64_MAX;
	void *p = pagetree_next(t, at, &found);

	for (unsigned n = 0; n < count; n++) {
		cr_assert_eq(pagetree_find(t, in[n]), &in[n]);
		if (in[n] >= at && in[n] < least)
			least = in[n];
	}
	cr_assert_eq(p != NULL, least != UINT64_MAX);
	if (p) {
		cr_assert_eq(found, least);
		cr_assert_eq(*(uint64_t *)p, least);
	}
}

Test(pagetree, finds_what_was_put_in)
{
	static uint64_t in[COUNT];
	struct pagetree t = { 0 };
	unsigned count = 0;

	for (unsigned n = 0; n < 20000; n++) {
		uint64_t index = number();
		bool grow = rnd(1000) < (n / 2000 % 2 ? 300u : 700u);

		if (grow && count < COUNT && !pagetree_find(&t, index)) {
			in[count] = index;
			cr_assert_eq(pagetree_insert(&t, index, &in[count]), 0);
			count++;
		} else if (!grow && count) {
			unsigned which = (unsigned)rnd(count);

			pagetree_remove(&t, in[which]);
			cr_assert_null(pagetree_find(&t, in[which]));
			if (which != --count) {
				pagetree_remove(&t, in[count]);
				in[which] = in[count];
				cr_assert_eq(pagetree_insert(&t, in[which], &in[which]), 0);
			}
		}
		if (n % 16 == 0)
			compare(&t, in, count);
	}
	while (count)
		pagetree_remove(&t, in[--count]);
	cr_assert_null(t.root);
	cr_assert_eq(t.nodes, 0);
}

Test(pagetree, comes_in_order)
{
	struct pagetree t = { 0 };
	uint64_t found, last = 0;
	unsigned seen = 0;
	char some;

	for (uint64_t n = 0; n < 300; n++)
		cr_assert_eq(pagetree_insert(&t, n * n * n * 1000 + n, &some), 0);
	for (uint64_t at = 0; pagetree_next(&t, at, &found); at = found + 1, seen++) {
		cr_assert(!seen || found > last);
		last = found;
	}
	cr_assert_eq(seen, 300);
	for (uint64_t n = 0; n < 300; n++)
		pagetree_remove(&t, n * n * n * 1000 + n);
	cr_assert_eq(t.nodes, 0);
}
