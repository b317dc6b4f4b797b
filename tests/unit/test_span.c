/* Bytes of a page against an array of booleans. */
#include "../../src/data/span.h"

#include <criterion/criterion.h>
#include <string.h>

static uint64_t seed = 1;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

/* Everything that can be asked, against an array of booleans. */
static void compare(const struct span *s, const bool *model)
{
	uint32_t bytes = 0, at = 0, from, to, tail = PAGE_BYTES;

	for (uint32_t b = 0; b < PAGE_BYTES; b++)
		bytes += model[b];
	cr_assert_eq(span_bytes(s), bytes);
	cr_assert_eq(span_empty(s), bytes == 0);
	cr_assert(!span_full(s) || bytes == PAGE_BYTES);
	while (span_next(s, at, &from, &to)) {
		for (; at < from; at++)
			cr_assert(!model[at]);
		for (; at < to; at++)
			cr_assert(model[at]);
		cr_assert(to == PAGE_BYTES || !model[to], "a run is longer");
	}
	for (; at < PAGE_BYTES; at++)
		cr_assert(!model[at]);
	for (at = 0; span_gap(s, at, &from, &to); at = to)
		for (uint32_t b = at; b < to; b++)
			cr_assert_eq(model[b], b < from);
	while (tail && model[tail - 1])
		tail--;
	cr_assert_eq(span_tail(s, &from), tail < PAGE_BYTES);
	cr_assert(tail == PAGE_BYTES || from == tail);
	from = rnd(PAGE_BYTES);
	to = from + 1 + rnd(PAGE_BYTES - from);
	cr_assert_eq(span_has(s, from, to), memchr(model + from, 0, to - from) == NULL);
}

Test(span, holds_what_was_put_in)
{
	static bool model[PAGE_BYTES];
	struct span s = { 0 };

	for (unsigned n = 0; n < 20000; n++) {
		uint32_t from = rnd(PAGE_BYTES), to = from + 1 + rnd(rnd(8) ? 64 : PAGE_BYTES);
		bool add = rnd(2);

		to = to > PAGE_BYTES ? PAGE_BYTES : to;
		if (!rnd(200)) {
			span_clear(&s);
			memset(model, 0, sizeof model);
		}
		if (add && rnd(2))
			cr_assert_eq(span_reserve(&s, from, to), 0);
		cr_assert_eq(add ? span_add(&s, from, to) : span_del(&s, from, to), 0);
		memset(model + from, add, to - from);
		if (n % 8 == 0)
			compare(&s, model);
	}
	span_clear(&s);
}

Test(span, one_run_needs_no_map)
{
	struct span s = { 0 }, all = { 0 };

	span_add(&all, 0, PAGE_BYTES);
	span_add(&s, 100, 200);
	span_add(&s, 200, 300);
	span_add(&s, 50, 100);
	cr_assert_null(s.map);
	cr_assert(span_within(&s, &all));
	cr_assert(!span_within(&all, &s));
	span_add(&s, 400, 500);
	cr_assert_not_null(s.map);
	span_add(&s, 300, 400); /* grown together */
	cr_assert_null(s.map);
	cr_assert_eq(s.lo, 50);
	cr_assert_eq(s.hi, 500);
	span_del(&s, 0, 60);
	span_del(&s, 490, 4096);
	cr_assert_null(s.map);
	cr_assert_eq(span_bytes(&s), 430);
	span_add(&s, 0, PAGE_BYTES);
	cr_assert(span_full(&s));
}
