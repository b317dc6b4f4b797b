/* test_addr.c: entity addresses and vectors in every form that daemons have sent. */
#include "../../src/proto/addr.h"

#include <errno.h>
#include "vectors.h"

/* 127.0.0.1:41100, msgr2, nonce 0: from a captured HELLO. */
static const char V2[] = "01"
			 "01011c000000"
			 "02000000"
			 "00000000"
			 "10000000"
			 "0200"
			 "a08c"
			 "7f000001"
			 "0000000000000000";

static struct entity_addr six(void)
{
	struct entity_addr a = { .type = ADDR_MSGR2, .nonce = 7, .family = 10, .port = 3300, .scope_id = 3 };

	a.ip[0] = 0xfe;
	a.ip[1] = 0x80;
	a.ip[15] = 1;
	return a;
}

static struct entity_addr four(void)
{
	struct entity_addr a = { .type = ADDR_MSGR2, .family = 2, .port = 41100, .ip = { 127, 0, 0, 1 } };

	return a;
}

Test(addr, reads_and_writes_ipv4_as_daemons_do)
{
	struct bytes b = unhex(V2);
	struct dec d = dec_init(b.p, b.len);
	struct entity_addr a, want = four();
	struct enc e;

	dec_addr(&d, &a);
	dec_end(&d);
	cr_assert_eq(d.err, 0);
	cr_assert(addr_equal(&a, &want));
	enc_init(&e);
	enc_addr(&e, &a);
	assert_bytes(e.buf, e.len, b.p, b.len);
	enc_free(&e);
}

Test(addr, ipv6_survives_the_round)
{
	struct entity_addr a = six(), got;
	struct enc e;
	struct dec d;

	enc_init(&e);
	enc_addr(&e, &a);
	cr_assert_eq(e.len, 7 + 12 + 28);
	d = dec_init(e.buf, e.len);
	dec_addr(&d, &got);
	dec_end(&d);
	cr_assert_eq(d.err, 0);
	cr_assert(addr_equal(&a, &got));
	enc_free(&e);
}

Test(addr, blank_address_has_no_family)
{
	struct entity_addr a = { 0 }, got = four();
	struct enc e;
	struct dec d;

	enc_init(&e);
	enc_addr(&e, &a);
	d = dec_init(e.buf, e.len);
	dec_addr(&d, &got);
	dec_end(&d);
	cr_assert_eq(d.err, 0);
	cr_assert_eq(got.family, 0);
	enc_free(&e);
}

static void put_legacy(struct enc *e)
{
	enc_u32(e, 0); /* marker and the rest of the old type word */
	enc_u32(e, 42);
	enc_u16(e, 0x0200); /* family in network order */
	enc_u16(e, 0x851a); /* 6789 */
	enc_u32(e, 0x0100007f);
	enc_zero(e, 128 - 8);
}

Test(addr, legacy_form_is_136_bytes)
{
	struct entity_addrvec v;
	struct enc e;
	struct dec d;

	enc_init(&e);
	put_legacy(&e);
	cr_assert_eq(e.len, 136);
	d = dec_init(e.buf, e.len);
	dec_addrvec(&d, &v);
	dec_end(&d);
	cr_assert_eq(d.err, 0);
	cr_assert_eq(v.count, 1);
	cr_assert_eq(v.addr[0].type, ADDR_LEGACY);
	cr_assert_eq(v.addr[0].nonce, 42);
	cr_assert_eq(v.addr[0].port, 6789);
	cr_assert_eq(v.addr[0].ip[0], 127);
	cr_assert_null(addrvec_msgr2(&v));
	enc_free(&e);
}

Test(addr, single_address_counts_as_vector_of_one)
{
	struct bytes b = unhex(V2);
	struct dec d = dec_init(b.p, b.len);
	struct entity_addrvec v;

	dec_addrvec(&d, &v);
	dec_end(&d);
	cr_assert_eq(d.err, 0);
	cr_assert_eq(v.count, 1);
	cr_assert_eq(addrvec_msgr2(&v), &v.addr[0]);
}

Test(addr, vector_keeps_the_first_and_reads_all)
{
	struct entity_addr many[ADDRVEC_MAX + 4];
	struct entity_addrvec v;
	struct enc e;
	struct dec d;

	for (unsigned i = 0; i < ADDRVEC_MAX + 4; i++) {
		many[i] = i % 2 ? six() : four();
		many[i].type = i ? ADDR_MSGR2 : ADDR_LEGACY;
		many[i].nonce = i;
	}
	enc_init(&e);
	enc_addrvec(&e, many, ADDRVEC_MAX + 4);
	d = dec_init(e.buf, e.len);
	dec_addrvec(&d, &v);
	dec_end(&d);
	cr_assert_eq(d.err, 0);
	cr_assert_eq(v.count, ADDRVEC_MAX);
	for (unsigned i = 0; i < ADDRVEC_MAX; i++)
		cr_assert(addr_equal(&v.addr[i], &many[i]));
	cr_assert_eq(addrvec_msgr2(&v)->nonce, 1);
	enc_free(&e);
}

Test(addr, cut_anywhere_fails)
{
	struct entity_addr two[2] = { four(), six() };
	struct entity_addrvec v;
	struct enc e;

	enc_init(&e);
	enc_addrvec(&e, two, 2);
	for (size_t n = 0; n < e.len; n++) {
		struct dec d = dec_init(guarded(e.buf, n), n);

		dec_addrvec(&d, &v);
		cr_assert_eq(d.err, -EBADMSG, "cut at %zu", n);
		cr_assert_eq(v.count, 0);
	}
	enc_reset(&e);
	put_legacy(&e);
	for (size_t n = 0; n < e.len; n++) {
		struct dec d = dec_init(guarded(e.buf, n), n);

		dec_addrvec(&d, &v);
		cr_assert_eq(d.err, -EBADMSG, "cut at %zu", n);
	}
	enc_free(&e);
}

Test(addr, unknown_family_and_marker_fail)
{
	struct bytes b = unhex(V2);
	struct entity_addr a;
	struct dec d;

	b.p[19] = 9;
	d = dec_init(b.p, b.len);
	dec_addr(&d, &a);
	cr_assert_eq(d.err, -EBADMSG);
	b.p[19] = 2;
	b.p[0] = 3;
	d = dec_init(b.p, b.len);
	dec_addr(&d, &a);
	cr_assert_eq(d.err, -EBADMSG);
}

Test(addr, text_is_what_ceph_prints)
{
	char buf[ADDR_TEXT_MAX];
	struct entity_addr a = four();

	a.nonce = 12;
	cr_assert_str_eq(addr_text(&a, buf), "v2:127.0.0.1:41100/12");
	a = six();
	cr_assert_str_eq(addr_text(&a, buf), "v2:[fe80::1]:3300/7");
	a.type = ADDR_LEGACY;
	cr_assert_str_eq(addr_text(&a, buf), "v1:[fe80::1]:3300/7");
	a = (struct entity_addr){ 0 };
	cr_assert_str_eq(addr_text(&a, buf), "-");
}

Test(addr, equal_looks_at_every_part)
{
	struct entity_addr a = four(), b = four();

	cr_assert(addr_equal(&a, &b));
	b.nonce++;
	cr_assert_not(addr_equal(&a, &b));
	b = a;
	b.port++;
	cr_assert_not(addr_equal(&a, &b));
	b = a;
	b.ip[3]++;
	cr_assert_not(addr_equal(&a, &b));
	b = a;
	b.type = ADDR_ANY;
	cr_assert_not(addr_equal(&a, &b));
}
