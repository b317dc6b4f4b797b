/* test_enc.c: the buffer that grows, its holes and its limits. */
#include "../../src/proto/enc.h"

#include <errno.h>
#include "vectors.h"

Test(enc, integers_and_strings)
{
	struct bytes want = unhex("01"
				  "0302"
				  "07060504"
				  "0f0e0d0c0b0a0908"
				  "02000000"
				  "6869"
				  "0000"
				  "0200000003000000");
	struct enc e;

	enc_init(&e);
	enc_u8(&e, 0x01);
	enc_u16(&e, 0x0203);
	enc_u32(&e, 0x04050607);
	enc_u64(&e, 0x08090a0b0c0d0e0f);
	enc_str(&e, "hi");
	enc_zero(&e, 2);
	enc_time(&e, 2000000003ull);
	cr_assert_eq(e.err, 0);
	assert_bytes(e.buf, e.len, want.p, want.len);
	enc_free(&e);
}

Test(enc, sections_nest)
{
	struct bytes want = unhex("0201"
				  "0b000000"
				  "aa"
				  "0101"
				  "04000000"
				  "bbbbbbbb");
	size_t outer, inner;
	struct enc e;

	enc_init(&e);
	outer = enc_section(&e, 2, 1);
	enc_u8(&e, 0xaa);
	inner = enc_section(&e, 1, 1);
	enc_u32(&e, 0xbbbbbbbb);
	enc_close(&e, inner);
	enc_close(&e, outer);
	assert_bytes(e.buf, e.len, want.p, want.len);
	enc_free(&e);
}

Test(enc, growing_keeps_what_is_there)
{
	struct enc e;

	enc_init(&e);
	for (uint32_t i = 0; i < 10000; i++)
		enc_u32(&e, i);
	for (uint32_t i = 0; i < 10000; i++)
		cr_assert_eq(memcmp(e.buf + 4 * i, &i, 4), 0);
	enc_free(&e);
}

Test(enc, fixed_memory_is_never_left)
{
	uint8_t room[6] = { 0, 0, 0, 0, 0x55, 0x55 };
	struct enc e;

	enc_init_fixed(&e, room, 4);
	enc_u32(&e, 1);
	cr_assert_eq(e.err, 0);
	enc_u8(&e, 1);
	cr_assert_eq(e.err, -EMSGSIZE);
	cr_assert_eq(e.len, 4);
	cr_assert_eq(room[4], 0x55);
	enc_reset(&e);
	enc_u8(&e, 2);
	cr_assert_eq(e.err, 0);
	enc_free(&e);
}

Test(enc, nothing_written_is_still_memory)
{
	struct enc e;

	enc_init(&e);
	cr_assert_not_null(enc_room(&e, 0));
	enc_bytes(&e, NULL, 0);
	cr_assert_eq(e.err, 0);
	cr_assert_eq(e.len, 0);
	enc_free(&e);
}

Test(enc, limit_sticks)
{
	struct enc e;

	enc_init(&e);
	enc_u8(&e, 1);
	cr_assert_null(enc_room(&e, ENC_LIMIT));
	cr_assert_eq(e.err, -EMSGSIZE);
	cr_assert_null(enc_room(&e, 1));
	cr_assert_null(enc_room(&e, SIZE_MAX));
	cr_assert_eq(e.len, 1);
	enc_close(&e, 0); /* of a section that was never begun: nothing happens */
	enc_free(&e);
}
