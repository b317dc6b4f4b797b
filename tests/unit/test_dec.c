/* test_dec.c: the cursor that never reads past its end. */
#include "../../src/proto/dec.h"

#include <errno.h>
#include "vectors.h"

static struct dec over(struct bytes b)
{
	return dec_init(guarded(b.p, b.len), b.len);
}

Test(dec, integers_are_little_endian)
{
	struct dec d = over(unhex("01"
				  "0203"
				  "04050607"
				  "08090a0b0c0d0e0f"
				  "ffffffff"
				  "feffffffffffffff"));

	cr_assert_eq(dec_u8(&d), 0x01);
	cr_assert_eq(dec_u16(&d), 0x0302);
	cr_assert_eq(dec_u32(&d), 0x07060504);
	cr_assert_eq(dec_u64(&d), 0x0f0e0d0c0b0a0908);
	cr_assert_eq(dec_s32(&d), -1);
	cr_assert_eq(dec_s64(&d), -2);
	dec_end(&d);
	cr_assert_eq(d.err, 0);
}

Test(dec, first_error_sticks_and_gives_zeros)
{
	struct dec d = over(unhex("010203"));

	cr_assert_eq(dec_u32(&d), 0);
	cr_assert_eq(d.err, -EBADMSG);
	cr_assert_str_eq(d.what, "short");
	cr_assert_eq(dec_u8(&d), 0);
	dec_fail(&d, "later");
	cr_assert_str_eq(d.what, "short");
	cr_assert_eq(dec_left(&d), 0);
}

Test(dec, section_skips_newer_tail)
{
	struct dec d = over(unhex("0301"
				  "06000000"
				  "aabbccdd"
				  "eeff"
				  "77"));
	uint8_t v;
	struct dec in = dec_section(&d, 1, &v);

	cr_assert_eq(v, 3);
	cr_assert_eq(dec_u32(&in), 0xddccbbaa);
	dec_close(&d, &in);
	cr_assert_eq(dec_u8(&d), 0x77);
	dec_end(&d);
	cr_assert_eq(d.err, 0);
}

Test(dec, section_does_not_read_its_neighbour)
{
	struct dec d = over(unhex("0101"
				  "02000000"
				  "aabb"
				  "ccdd"));
	struct dec in = dec_section(&d, 1, NULL);

	cr_assert_eq(dec_u32(&in), 0);
	dec_close(&d, &in);
	cr_assert_eq(d.err, -EBADMSG);
	cr_assert_eq(dec_u16(&d), 0);
}

Test(dec, section_of_a_newer_compat_is_refused)
{
	struct dec d = over(unhex("0302"
				  "00000000"));
	struct dec in = dec_section(&d, 1, NULL);

	cr_assert_eq(d.err, -EBADMSG);
	cr_assert_eq(in.err, -EBADMSG);
}

Test(dec, section_longer_than_the_rest_is_refused)
{
	struct dec d = over(unhex("0101"
				  "03000000"
				  "aabb"));
	struct dec in = dec_section(&d, 1, NULL);

	cr_assert_eq(in.err, -EBADMSG);
	cr_assert_eq(dec_u8(&in), 0);
	cr_assert_eq(d.err, -EBADMSG);
}

Test(dec, count_is_held_against_the_rest)
{
	struct bytes b = unhex("02000000"
			       "0000000000000000");
	struct dec d = over(b);

	cr_assert_eq(dec_count(&d, 4), 2);
	d = over(b);
	cr_assert_eq(dec_count(&d, 5), 0);
	cr_assert_eq(d.err, -EBADMSG);
	d = over(unhex("ffffffff"));
	cr_assert_eq(dec_count(&d, 1), 0);
	cr_assert_eq(d.err, -EBADMSG);
}

Test(dec, slices_and_blobs_borrow)
{
	struct dec d = over(unhex("02000000"
				  "6869"
				  "02000000"
				  "0102"
				  "05000000"
				  "00")),
		   blob;
	struct slice s = dec_slice(&d);

	assert_bytes(s.p, s.len, "hi", 2);
	blob = dec_blob(&d);
	cr_assert_eq(dec_u16(&blob), 0x0201);
	dec_end(&blob);
	cr_assert_eq(blob.err, 0);
	s = dec_slice(&d);
	cr_assert_eq(s.len, 0);
	cr_assert_not_null(s.p);
	cr_assert_eq(d.err, -EBADMSG);
}

Test(dec, items_are_one_slice)
{
	struct bytes b = unhex("0102030405");
	struct dec d = over(b);
	struct slice s = dec_items(&d, 2, 2);

	assert_bytes(s.p, s.len, "\1\2\3\4", 4);
	s = dec_items(&d, 0, 8);
	cr_assert_eq(s.len, 0);
	cr_assert_eq(d.err, 0);
	s = dec_items(&d, 2, 1);
	cr_assert_eq(s.len, 0);
	cr_assert_not_null(s.p);
	cr_assert_eq(d.err, -EBADMSG);
	cr_assert_eq(dec_items(&d, 0, 8).len, 0, "errors stick");
	d = over(b);
	cr_assert_eq(dec_items(&d, 0x80000002, 2).len, 0, "4 in 32 bits");
	cr_assert_eq(d.err, -EBADMSG);
}

Test(dec, end_refuses_leftovers)
{
	struct dec d = over(unhex("0102"));

	dec_u8(&d);
	dec_end(&d);
	cr_assert_eq(d.err, -EBADMSG);
}

Test(dec, times_are_nanoseconds)
{
	struct dec d = over(unhex("02000000"
				  "03000000"));

	cr_assert_eq(dec_time(&d), 2000000003ull);
}

Test(dec, nothing_is_an_empty_message)
{
	struct dec d = dec_init(NULL, 0);

	dec_end(&d);
	cr_assert_eq(d.err, 0);
	cr_assert_eq(dec_u8(&d), 0);
	cr_assert_eq(d.err, -EBADMSG);
}
