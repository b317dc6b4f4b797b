/* What streams of reads make readahead ask for. */
#include "../../src/data/readahead.h"

#include <criterion/criterion.h>

enum { K = 1024, UNIT = 4096 * K };
static const struct readahead_opts opts = { .min = 128 * K, .max = 4 * UNIT };

Test(readahead, a_stream_is_read_ahead_of_and_the_window_doubles)
{
	struct readahead ra = { 0 };
	uint64_t from, len, until = 0, largest = 0;
	unsigned asked = 0;

	for (uint64_t off = 0; off < 20 * (uint64_t)UNIT; off += 64 * K) {
		bool yes = readahead_on_read(&ra, &opts, UNIT, off, 64 * K, &from, &len);

		if (!yes)
			continue;
		asked++;
		cr_assert(from >= until, "asked for once");
		until = from + len;
		cr_assert_gt(until, off + 64 * K);
		cr_assert_leq(until, off + 64 * K + opts.max);
		largest = len > largest ? len : largest;
	}
	cr_assert_gt(until, 20 * (uint64_t)UNIT);
	cr_assert_geq(largest, UNIT, "the window grows");
	cr_assert_lt(asked, 40, "in large pieces");
}

Test(readahead, random_reads_have_none)
{
	struct readahead ra = { 0 };
	uint64_t from, len, seed = 1;

	readahead_on_read(&ra, &opts, UNIT, 0, 4 * K, &from, &len);
	for (unsigned n = 0; n < 1000; n++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		cr_assert(
		    !readahead_on_read(&ra, &opts, UNIT, (1 + (seed >> 40)) * 1024 * K, 4 * K, &from, &len));
	}
}

Test(readahead, a_jump_ends_it_and_a_new_stream_begins_small)
{
	struct readahead ra = { 0 };
	uint64_t from, len;

	for (uint64_t off = 0; off < UNIT; off += 64 * K)
		readahead_on_read(&ra, &opts, UNIT, off, 64 * K, &from, &len);
	cr_assert(!readahead_on_read(&ra, &opts, UNIT, 100ull * UNIT, 64 * K, &from, &len));
	cr_assert(readahead_on_read(&ra, &opts, UNIT, 100ull * UNIT + 64 * K, 64 * K, &from, &len));
	cr_assert_eq(from, 100ull * UNIT + 128 * K);
	cr_assert_leq(len, 128 * K);
}

Test(readahead, several_reads_in_flight_are_one_stream)
{
	static const unsigned order[] = { 0, 1, 3, 2, 5, 4, 7, 6 };
	struct readahead ra = { 0 };
	uint64_t from, len;
	unsigned asked = 0;

	for (uint64_t base = 0; base < UNIT; base += 8 * 16 * K)
		for (unsigned n = 0; n < 8; n++)
			asked += readahead_on_read(&ra, &opts, UNIT, base + order[n] * 16 * K, 16 * K, &from,
						   &len);
	cr_assert_gt(asked, 3);
	cr_assert_gt(ra.until, UNIT);
}

Test(readahead, advice)
{
	struct readahead ra = { .mode = READAHEAD_NONE };
	struct readahead_opts off = { .min = 128 * K };
	uint64_t from, len;

	readahead_on_read(&ra, &opts, UNIT, 0, 64 * K, &from, &len);
	cr_assert(!readahead_on_read(&ra, &opts, UNIT, 64 * K, 64 * K, &from, &len));
	ra = (struct readahead){ .mode = READAHEAD_SEQUENTIAL };
	cr_assert(readahead_on_read(&ra, &opts, UNIT, 0, 64 * K, &from, &len), "at once");
	cr_assert_geq(from + len, 3 * (uint64_t)UNIT);
	ra = (struct readahead){ 0 };
	readahead_on_read(&ra, &off, UNIT, 0, 64 * K, &from, &len);
	cr_assert(!readahead_on_read(&ra, &off, UNIT, 64 * K, 64 * K, &from, &len), "max 0: none");
}
