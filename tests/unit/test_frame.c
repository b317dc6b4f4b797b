/* test_frame.c: frames as captured, as made, cut, flipped, over their limits; in both modes. */
#include "../../src/proto/frame.h"

#include <errno.h>
#include <isa-l/crc.h>
#include "vectors.h"

enum { MAX = 1 << 16 };

static struct slice of(const void *p, size_t len)
{
	return (struct slice){ p, (uint32_t)len };
}

/* Decodes one message frame of a CRC-mode file and encodes it again. */
static size_t check_message(const uint8_t *p, size_t len, struct msg_header *h, struct frame *f)
{
	struct frame_dec d;
	struct enc e;

	frame_dec_init(&d, MAX, MAX, MAX);
	cr_assert_eq(frame_decode(&d, p, len, f), 1, "%s", d.why);
	cr_assert_eq(f->tag, TAG_MESSAGE);
	cr_assert_eq(msg_header_decode(f->seg[0], h), 0);
	enc_init(&e);
	frame_encode_message(&e, h, f->seg[1], f->seg[2], f->seg[3], NULL);
	assert_bytes(e.buf, e.len, p, f->wire_len);
	enc_free(&e);
	frame_dec_fini(&d);
	return f->wire_len;
}

Test(frame, three_segments_without_data)
{
	struct bytes b = vector("synthetic_3seg.frame");
	struct msg_header h;
	struct frame f;

	cr_assert_eq(check_message(b.p, b.len, &h, &f), b.len);
	cr_assert_eq(f.count, 3);
	assert_bytes(f.seg[1].p, f.seg[1].len, "FRONT-SEGMENT", 13);
	assert_bytes(f.seg[2].p, f.seg[2].len, "MID", 3);
	cr_assert_eq(f.seg[3].len, 0);
	cr_assert_eq(h.tid, 0x1122334455667788);
	cr_assert_eq(h.type, 0x311);
	cr_assert_eq(h.version, 7);
	cr_assert_eq(h.compat, 3);
	cr_assert_eq(h.seq, 3);
	cr_assert_eq(h.ack_seq, 1);
}

Test(frame, empty_middle_between_front_and_data)
{
	struct bytes b = vector("synthetic_4seg.frame");
	struct msg_header h;
	struct frame f;

	cr_assert_eq(check_message(b.p, b.len, &h, &f), b.len);
	cr_assert_eq(f.count, 4);
	cr_assert_eq(f.seg[2].len, 0);
	assert_bytes(f.seg[3].p, f.seg[3].len, "DATADATADATADATADATA", 20);
}

Test(frame, captured_messages_round_trip)
{
	struct bytes b = vector("client_request_lookup.frame");
	struct msg_header h;
	struct frame f;

	cr_assert_eq(check_message(b.p, b.len, &h, &f), b.len);
	cr_assert_eq(h.type, 24);
	cr_assert_eq(f.seg[1].len, 145);
	b = vector("msg_mon_subscribe.frame");
	cr_assert_eq(check_message(b.p, b.len, &h, &f), b.len);
	cr_assert_eq(h.type, 15);
	cr_assert_eq(h.version, 3);
}

Test(frame, two_frames_in_one_read)
{
	struct bytes b = vector("client_reply_lookup.frame");
	struct frame_dec d;
	struct msg_header h;
	struct frame f;

	frame_dec_init(&d, MAX, MAX, MAX);
	cr_assert_eq(frame_decode(&d, b.p, b.len, &f), 1);
	cr_assert_eq(f.tag, TAG_ACK);
	cr_assert_eq(f.wire_len, 44);
	cr_assert_eq(check_message(b.p + 44, b.len - 44, &h, &f), b.len - 44);
	cr_assert_eq(h.type, 26);
	frame_dec_fini(&d);
}

Test(frame, asks_for_exactly_what_is_missing)
{
	struct bytes b = vector("synthetic_4seg.frame");
	struct frame_dec d;
	struct frame f;

	frame_dec_init(&d, MAX, MAX, MAX);
	cr_assert_eq(frame_decode(&d, b.p, 0, &f), 0);
	cr_assert_eq(d.need, FRAME_PREAMBLE);
	for (size_t n = 0; n < b.len; n++) {
		cr_assert_eq(frame_decode(&d, guarded(b.p, n), n, &f), 0, "at %zu", n);
		cr_assert_eq(d.need, n < FRAME_PREAMBLE ? FRAME_PREAMBLE : b.len);
	}
	cr_assert_eq(frame_decode(&d, guarded(b.p, b.len), b.len, &f), 1);
	frame_dec_fini(&d);
}

Test(frame, every_flipped_bit_is_noticed)
{
	struct bytes b = vector("synthetic_4seg.frame");
	size_t status = b.len - 13;
	struct frame_dec d;
	struct frame f;

	for (size_t bit = 0; bit < b.len * 8; bit++) {
		if (bit / 8 == status && bit % 8 >= 4)
			continue; /* the high half of the late status means nothing */
		b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		frame_dec_init(&d, MAX, MAX, MAX);
		cr_assert_eq(frame_decode(&d, b.p, b.len, &f), -EBADMSG, "bit %zu", bit);
		cr_assert_not_null(d.why);
		frame_dec_fini(&d);
		b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void make_preamble(uint8_t p[FRAME_PREAMBLE], uint8_t tag, uint8_t count, const uint32_t len[4])
{
	uint32_t crc;

	memset(p, 0, FRAME_PREAMBLE);
	p[0] = tag;
	p[1] = count;
	for (int i = 0; i < 4; i++)
		memcpy(p + 2 + i * 6, &len[i], 4);
	crc = crc32_iscsi(p, 28, 0);
	memcpy(p + 28, &crc, 4);
}

static int head_result(uint8_t tag, uint8_t count, uint32_t a, uint32_t b, uint32_t c, uint32_t e)
{
	const uint32_t len[4] = { a, b, c, e };
	uint8_t p[FRAME_PREAMBLE];
	struct frame_dec d;
	struct frame f;
	int res;

	make_preamble(p, tag, count, len);
	frame_dec_init(&d, 1000, 100, 2000);
	res = frame_decode(&d, p, sizeof(p), &f);
	frame_dec_fini(&d);
	return res;
}

Test(frame, limits_hold_before_any_payload_is_there)
{
	cr_assert_eq(head_result(TAG_MESSAGE, 4, 41, 1000, 100, 2000), 0);
	cr_assert_eq(head_result(TAG_MESSAGE, 4, 41, 1001, 100, 2000), -EBADMSG);
	cr_assert_eq(head_result(TAG_MESSAGE, 4, 41, 1000, 101, 2000), -EBADMSG);
	cr_assert_eq(head_result(TAG_MESSAGE, 4, 41, 1000, 100, 2001), -EBADMSG);
	cr_assert_eq(head_result(TAG_MESSAGE, 4, 41, 1000, 100, UINT32_MAX), -EBADMSG);
	cr_assert_eq(head_result(TAG_MESSAGE, 4, 40, 1000, 100, 2000), -EBADMSG);
	cr_assert_eq(head_result(TAG_ACK, 1, FRAME_CONTROL_MAX, 0, 0, 0), 0);
	cr_assert_eq(head_result(TAG_ACK, 1, FRAME_CONTROL_MAX + 1, 0, 0, 0), -EBADMSG);
}

Test(frame, impossible_preambles_are_refused)
{
	cr_assert_eq(head_result(TAG_MESSAGE, 0, 41, 0, 0, 0), -EBADMSG);
	cr_assert_eq(head_result(TAG_MESSAGE, 5, 41, 1, 1, 1), -EBADMSG);
	cr_assert_eq(head_result(TAG_MESSAGE, 2, 41, 0, 0, 0), -EBADMSG);
	cr_assert_eq(head_result(TAG_MESSAGE, 1, 41, 1, 0, 0), -EBADMSG);
	cr_assert_eq(head_result(TAG_HELLO, 2, 8, 8, 0, 0), -EBADMSG);
	cr_assert_eq(head_result(0, 1, 8, 0, 0, 0), -EBADMSG);
	cr_assert_eq(head_result(TAG_ACK + 1, 1, 8, 0, 0, 0), -EBADMSG);
}

Test(frame, all_segments_together_are_limited)
{
	const uint32_t len[4] = { 41, FRAME_MAX / 2, 0, FRAME_MAX / 2 };
	uint8_t p[FRAME_PREAMBLE];
	struct frame_dec d;
	struct frame f;

	make_preamble(p, TAG_MESSAGE, 4, len);
	frame_dec_init(&d, UINT32_MAX, UINT32_MAX, UINT32_MAX);
	cr_assert_eq(frame_decode(&d, p, sizeof(p), &f), -EBADMSG);
	frame_dec_fini(&d);
}

Test(frame, message_without_payload_has_no_epilogue)
{
	struct msg_header h = { .seq = 9, .type = 5 }, got;
	struct frame_dec d;
	struct frame f;
	struct enc e;

	enc_init(&e);
	frame_encode_message(&e, &h, of("", 0), of("", 0), of("", 0), NULL);
	cr_assert_eq(e.len, FRAME_PREAMBLE + MSG_HEADER_LEN + 4);
	frame_dec_init(&d, MAX, MAX, MAX);
	cr_assert_eq(frame_decode(&d, e.buf, e.len, &f), 1);
	cr_assert_eq(f.count, 1);
	cr_assert_eq(msg_header_decode(f.seg[0], &got), 0);
	cr_assert_eq(got.seq, 9);
	frame_dec_fini(&d);
	enc_free(&e);
}

/* --- SECURE mode --- */

struct pair {
	struct frame_crypto *client, *server;
};

static struct pair secure_pair(void)
{
	struct bytes secret = unhex(NEW_CON_SECRET);
	struct pair p = { frame_crypto_new(secret.p, false), frame_crypto_new(secret.p, true) };

	cr_assert(p.client && p.server);
	return p;
}

static void free_pair(struct pair p)
{
	frame_crypto_free(p.client);
	frame_crypto_free(p.server);
}

static const uint8_t *noise(size_t len)
{
	static uint8_t room[4096];

	cr_assert(len <= sizeof(room));
	for (size_t i = 0; i < len; i++)
		room[i] = (uint8_t)(i * 37 + len);
	return room;
}

Test(frame, secure_sizes_around_every_boundary)
{
	static const uint32_t sizes[] = { 1, 15, 16, 17, 47, 48, 49, 63, 64, 65, 500 };
	struct pair x = secure_pair();
	struct frame_dec d;
	struct frame f;
	struct enc e;

	frame_dec_init(&d, MAX, MAX, MAX);
	d.crypto = x.server;
	enc_init(&e);
	/* One stream: the nonces of both ends must stay together over all of these. */
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct slice seg = of(noise(sizes[i]), sizes[i]);
		size_t mark;

		enc_reset(&e);
		mark = frame_begin(&e);
		enc_bytes(&e, seg.p, seg.len);
		frame_end(&e, mark, TAG_AUTH_REQUEST, x.client);
		cr_assert_eq(e.err, 0);
		cr_assert_eq(frame_decode(&d, guarded(e.buf, e.len), e.len, &f), 1, "%u: %s", sizes[i],
			     d.why);
		cr_assert_eq(f.wire_len, e.len);
		assert_bytes(f.seg[0].p, f.seg[0].len, seg.p, seg.len);
		enc_reset(&e);
		frame_encode(&e, TAG_AUTH_REQUEST, &seg, 1, x.client);
		cr_assert_eq(frame_decode(&d, guarded(e.buf, e.len), e.len, &f), 1, "%u: %s", sizes[i],
			     d.why);
		assert_bytes(f.seg[0].p, f.seg[0].len, seg.p, seg.len);
	}
	frame_dec_fini(&d);
	enc_free(&e);
	free_pair(x);
}

Test(frame, secure_message_with_every_kind_of_hole)
{
	static const uint32_t shape[][3] = { { 0, 0, 0 },   { 5, 0, 0 },   { 0, 3, 0 },
					     { 0, 0, 100 }, { 16, 0, 32 }, { 7, 9, 11 } };
	struct msg_header h = { .type = 26, .tid = 77 }, got;
	struct pair x = secure_pair();
	struct frame_dec d;
	struct frame f;
	struct enc e;

	frame_dec_init(&d, MAX, MAX, MAX);
	d.crypto = x.client;
	enc_init(&e);
	for (unsigned i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
		enc_reset(&e);
		frame_encode_message(&e, &h, of(noise(500), shape[i][0]), of(noise(500), shape[i][1]),
				     of(noise(500), shape[i][2]), x.server);
		cr_assert_eq(frame_decode(&d, guarded(e.buf, e.len), e.len, &f), 1, "%u: %s", i, d.why);
		cr_assert_eq(f.wire_len, e.len);
		cr_assert_eq(msg_header_decode(f.seg[0], &got), 0);
		cr_assert_eq(got.tid, 77);
		for (unsigned k = 0; k < 3; k++)
			assert_bytes(f.seg[k + 1].p, f.seg[k + 1].len, noise(500), shape[i][k]);
	}
	frame_dec_fini(&d);
	enc_free(&e);
	free_pair(x);
}

Test(frame, secure_cut_waits_and_keeps_the_nonce)
{
	struct slice seg[4] = { of(noise(41), 41), of("front", 5), of("", 0), of("data", 4) };
	struct pair x = secure_pair();
	struct frame_dec d;
	struct frame f;
	struct enc e;

	enc_init(&e);
	frame_encode(&e, TAG_MESSAGE, seg, 4, x.client);
	frame_dec_init(&d, MAX, MAX, MAX);
	d.crypto = x.server;
	for (size_t n = 0; n < e.len; n++) {
		cr_assert_eq(frame_decode(&d, guarded(e.buf, n), n, &f), 0);
		cr_assert_eq(d.need, n < 96 ? 96 : e.len);
	}
	cr_assert_eq(frame_decode(&d, e.buf, e.len, &f), 1);
	assert_bytes(f.seg[3].p, f.seg[3].len, "data", 4);
	frame_dec_fini(&d);
	enc_free(&e);
	free_pair(x);
}

Test(frame, secure_flipped_bits_never_pass)
{
	struct slice seg[2] = { of(noise(41), 41), of("front", 5) };
	struct frame_dec d;
	struct frame f;
	struct enc e;

	enc_init(&e);
	for (size_t i = 0;; i++) {
		struct pair x = secure_pair();
		size_t len;

		enc_reset(&e);
		frame_encode(&e, TAG_MESSAGE, seg, 2, x.client);
		len = e.len;
		if (i < len) {
			e.buf[i] ^= 0x10;
			frame_dec_init(&d, MAX, MAX, MAX);
			d.crypto = x.server;
			cr_assert_eq(frame_decode(&d, e.buf, e.len, &f), -EBADMSG, "byte %zu", i);
			frame_dec_fini(&d);
		}
		free_pair(x);
		if (i >= len)
			break;
	}
	enc_free(&e);
}

Test(frame, secure_frame_cannot_be_replayed)
{
	struct slice seg = of("once", 4);
	struct pair x = secure_pair();
	struct frame_dec d;
	struct frame f;
	struct enc e;

	enc_init(&e);
	frame_encode(&e, TAG_ACK, &seg, 1, x.client);
	frame_dec_init(&d, MAX, MAX, MAX);
	d.crypto = x.server;
	cr_assert_eq(frame_decode(&d, e.buf, e.len, &f), 1);
	cr_assert_eq(frame_decode(&d, e.buf, e.len, &f), -EBADMSG);
	frame_dec_fini(&d);
	enc_free(&e);
	free_pair(x);
}

Test(frame, tags_have_names)
{
	cr_assert_str_eq(frame_tag_name(TAG_HELLO), "hello");
	cr_assert_str_eq(frame_tag_name(TAG_ACK), "ack");
	cr_assert_str_eq(frame_tag_name(0), "unknown");
	cr_assert_str_eq(frame_tag_name(255), "unknown");
}

/* A data segment in parts comes out as one does, whether its middle is lent or copied, in both modes. */
Test(frame, data_in_parts)
{
	static const uint8_t secret[CON_SECRET_LEN] = { 7 };
	struct iovec bulk[3] = { { "4567", 4 }, { NULL, 0 }, { "89abcdef", 8 } };
	struct frame_data parts = { of("0123", 4), of("ghi", 3), bulk, 3, 10 };
	struct msg_header h = { .seq = 1, .tid = 2, .type = 42 };

	for (int secure = 0; secure < 2; secure++)
		for (int lend = 0; lend < 2; lend++) {
			struct frame_crypto *x = secure ? frame_crypto_new(secret, false) : NULL,
					    *y = secure ? frame_crypto_new(secret, false) : NULL;
			struct enc whole, e;
			size_t cut = 0;
			bool lent;

			enc_init(&whole);
			enc_init(&e);
			frame_encode_message(&whole, &h, of("front", 5), of(NULL, 0),
					     of("0123456789abcdghi", 17), x);
			lent = frame_encode_bulk(&e, &h, of("front", 5), of(NULL, 0), &parts, lend, y, &cut);
			cr_assert_eq(lent, lend && !secure);
			if (lent) {
				cr_assert_eq(e.len + 10, whole.len);
				assert_bytes(e.buf, cut, whole.buf, cut);
				assert_bytes(whole.buf + cut, 10, "456789abcd", 10);
				assert_bytes(e.buf + cut, e.len - cut, whole.buf + cut + 10,
					     whole.len - cut - 10);
			} else {
				assert_bytes(e.buf, e.len, whole.buf, whole.len);
			}
			enc_free(&whole);
			enc_free(&e);
			frame_crypto_free(x);
			frame_crypto_free(y);
		}
}
