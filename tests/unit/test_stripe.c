/* File ranges to object runs and back, against a walk over the file byte by byte. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "data/stripe.h"

static const struct stripe_layout layouts[] = {
	{ 4 << 20, 1, 4 << 20 }, /* the default */
	{ 64 << 10, 1, 4 << 20 }, { 64 << 10, 4, 1 << 20 }, { 65536, 5, 65536 },
	{ 4096, 3, 12288 },       { 1 << 20, 7, 4 << 20 },  { 512, 2, 1024 },
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

/* As the rule is told: unit by unit. */
static void place(const struct stripe_layout *l, uint64_t off, uint64_t *object, uint64_t *in_object)
{
	uint64_t per_object = l->object_size / l->unit, block = off / l->unit, stripe = block / l->count;
	uint64_t set = stripe / per_object;

	*object = set * l->count + block % l->count;
	*in_object = stripe % per_object * l->unit + off % l->unit;
}

static uint64_t random_below(uint64_t n)
{
	return ((uint64_t)rand() << 31 | (uint64_t)rand()) % n;
}

/* Examples worked out by hand: 64 KiB units over 3 objects of 128 KiB. */
Test(stripe, by_hand)
{
	const struct stripe_layout l = { 65536, 3, 131072 };
	struct stripe_iter it;
	struct stripe_run r;
	struct stripe_piece p;

	/* Units 1 to 4, the first and last in part: objects 1, 2, 0, and 1 once more in its second row. */
	stripe_begin(&it, &l, 65536 + 100, 3 * 65536);
	cr_assert(stripe_next(&it, &r));
	cr_assert(r.object == 1 && r.offset == 100 && r.len == 65536 - 100 + 100);
	cr_assert(stripe_piece(&l, &r, 0, &p));
	cr_assert(p.file_offset == 65636 && p.offset == 100 && p.len == 65436);
	cr_assert(stripe_piece(&l, &r, 65436, &p));
	cr_assert(p.file_offset == 4 * 65536 && p.offset == 65536 && p.len == 100);
	cr_assert_not(stripe_piece(&l, &r, 65536, &p));
	cr_assert(stripe_next(&it, &r));
	cr_assert(r.object == 2 && r.offset == 0 && r.len == 65536 && r.file_offset == 131072);
	cr_assert(stripe_next(&it, &r));
	cr_assert(r.object == 0 && r.offset == 65536 && r.len == 65536 && r.file_offset == 3 * 65536);
	cr_assert_not(stripe_next(&it, &r));
	/* The next set begins at 384 KiB. */
	stripe_begin(&it, &l, 393216, 1);
	cr_assert(stripe_next(&it, &r));
	cr_assert(r.object == 3 && r.offset == 0 && r.len == 1);
	cr_assert_not(stripe_next(&it, &r));
}

Test(stripe, bad_layouts)
{
	cr_assert_eq(stripe_check(&(struct stripe_layout){ 0, 1, 4096 }), -EINVAL);
	cr_assert_eq(stripe_check(&(struct stripe_layout){ 4096, 0, 4096 }), -EINVAL);
	cr_assert_eq(stripe_check(&(struct stripe_layout){ 4096, 1, 0 }), -EINVAL);
	cr_assert_eq(stripe_check(&(struct stripe_layout){ 4096, 1, 6144 }), -EINVAL);
	for (int i = 0; i < LAYOUTS; i++)
		cr_assert_eq(stripe_check(&layouts[i]), 0);
}

Test(stripe, every_byte_there_and_back)
{
	for (int i = 0; i < LAYOUTS; i++)
		for (int n = 0; n < 20000; n++) {
			uint64_t off = random_below(n & 1 ? 1ull << 26 : 1ull << 50), object, in_object;

			place(&layouts[i], off, &object, &in_object);
			cr_assert_lt(in_object, layouts[i].object_size);
			cr_assert_eq(stripe_file_offset(&layouts[i], object, in_object), off);
		}
}

/* The pieces of all runs cover the range once, and each piece is where the rule puts its bytes. */
static void covers(const struct stripe_layout *l, uint64_t off, uint64_t len)
{
	uint8_t *seen = calloc(1, len);
	struct stripe_iter it;
	struct stripe_run r;
	uint64_t objects[4096], count = 0, sum = 0;

	stripe_begin(&it, l, off, len);
	while (stripe_next(&it, &r)) {
		struct stripe_piece p = { 0 };
		uint64_t done = 0, object, in_object;

		for (uint64_t k = 0; k < count; k++)
			cr_assert_neq(objects[k], r.object, "once each");
		objects[count++] = r.object;
		cr_assert_gt(r.len, 0);
		cr_assert_leq(r.offset + r.len, l->object_size);
		for (; stripe_piece(l, &r, done, &p); done += p.len) {
			cr_assert_eq(p.offset, r.offset + done);
			cr_assert(done || p.file_offset == r.file_offset);
			place(l, p.file_offset, &object, &in_object);
			cr_assert(object == r.object && in_object == p.offset);
			place(l, p.file_offset + p.len - 1, &object, &in_object);
			cr_assert(object == r.object && in_object == p.offset + p.len - 1);
			cr_assert(p.file_offset >= off && p.file_offset + p.len <= off + len);
			cr_assert_null(memchr(seen + (p.file_offset - off), 1, p.len), "twice");
			memset(seen + (p.file_offset - off), 1, p.len);
		}
		cr_assert_eq(done, r.len);
		sum += r.len;
	}
	cr_assert_eq(sum, len);
	free(seen);
}

Test(stripe, ranges_are_covered_once)
{
	for (int i = 0; i < LAYOUTS; i++)
		for (int n = 0; n < 100; n++) {
			uint64_t set = (uint64_t)layouts[i].object_size * layouts[i].count;
			uint64_t most = 3 * set < 3 << 20 ? 3 * set : 3 << 20;

			covers(&layouts[i], random_below(n & 1 ? 4 * set : 1ull << 44),
			       1 + random_below(n % 3 ? most : 2 * layouts[i].unit));
		}
	for (int i = 0; i < LAYOUTS; i++) {
		struct stripe_iter it;
		struct stripe_run r;

		stripe_begin(&it, &layouts[i], 4096, 0);
		cr_assert_not(stripe_next(&it, &r));
	}
}

/* An object has the bytes below the size that the rule puts there. */
Test(stripe, truncated_objects)
{
	const struct stripe_layout l = { 512, 3, 1536 };

	for (uint64_t size = 1; size < 20000; size += 1 + random_below(400)) {
		uint64_t bytes[64] = { 0 }, object, in_object;

		for (uint64_t off = 0; off < size; off++) {
			place(&l, off, &object, &in_object);
			bytes[object] += bytes[object] == in_object;
		}
		for (object = 0; object < 64; object++) {
			cr_assert_eq(stripe_object_bytes(&l, object, size), bytes[object]);
			cr_assert_eq(stripe_object_trunc(&l, object, size), bytes[object]);
		}
	}
	cr_assert_eq(stripe_object_trunc(&l, 5, 0), 0);
	cr_assert_eq(stripe_object_trunc(&l, 5, UINT64_MAX), UINT64_MAX);
	cr_assert_eq(stripe_object_trunc(&l, 0, 5ull << 40), 1536, "a set far behind");
}

Test(stripe, names)
{
	char name[STRIPE_NAME_MAX];

	cr_assert_eq(stripe_object_name(0x10000000abc, 1, name), 20);
	cr_assert_str_eq(name, "10000000abc.00000001");
	cr_assert_eq(stripe_object_name(UINT64_MAX, UINT64_MAX, name), 33);
	cr_assert_str_eq(name, "ffffffffffffffff.ffffffffffffffff");
}
