/* frame.c: see frame.h.
 *
 * CRC mode:     preamble(32) | seg0 | crc(seg0) | seg1 | seg2 | seg3 | epilogue(13)
 * SECURE mode:  GCM(preamble, first 48 of seg0) | GCM(rest of seg0) | GCM(seg1 | seg2 | seg3 | epilogue(16))
 *
 * The epilogue is there only when there is more than one segment; in SECURE mode each part is padded to 16
 * and ends with a tag, and a part that would be empty is absent. Checksums are the bare crc32c register: the
 * preamble's starts from 0, a segment's from -1, neither is inverted at the end.
 */
#include "frame.h"

#include <errno.h>
#include <isa-l/crc.h>
#include "gcm.h"

enum {
	PREAMBLE_CRC_AT = 28,
	EPILOGUE_CRC_LEN = 1 + 3 * 4,
	SEG_ALIGN = 8,
	DATA_ALIGN = 4096,
	INLINE_LEN = 48,                                  /* of seg0, encrypted with the preamble */
	HEAD_LEN = FRAME_PREAMBLE + INLINE_LEN + GCM_TAG, /* SECURE: always there */
	PLAIN_KEPT = 1 << 20,
	LATE_STATUS_MASK = 0x0f,
	LATE_STATUS_COMPLETE = 0x0e,
};
#define SEG_CRC_SEED 0xffffffffu

const char *frame_tag_name(uint8_t tag)
{
	static const char *const name[] = {
		[TAG_HELLO] = "hello",
		[TAG_AUTH_REQUEST] = "auth_request",
		[TAG_AUTH_BAD_METHOD] = "auth_bad_method",
		[TAG_AUTH_REPLY_MORE] = "auth_reply_more",
		[TAG_AUTH_REQUEST_MORE] = "auth_request_more",
		[TAG_AUTH_DONE] = "auth_done",
		[TAG_AUTH_SIGNATURE] = "auth_signature",
		[TAG_CLIENT_IDENT] = "client_ident",
		[TAG_SERVER_IDENT] = "server_ident",
		[TAG_IDENT_MISSING_FEATURES] = "ident_missing_features",
		[TAG_SESSION_RECONNECT] = "session_reconnect",
		[TAG_SESSION_RESET] = "session_reset",
		[TAG_SESSION_RETRY] = "session_retry",
		[TAG_SESSION_RETRY_GLOBAL] = "session_retry_global",
		[TAG_SESSION_RECONNECT_OK] = "session_reconnect_ok",
		[TAG_WAIT] = "wait",
		[TAG_MESSAGE] = "message",
		[TAG_KEEPALIVE2] = "keepalive2",
		[TAG_KEEPALIVE2_ACK] = "keepalive2_ack",
		[TAG_ACK] = "ack",
	};

	return tag < sizeof(name) / sizeof(name[0]) && name[tag] ? name[tag] : "unknown";
}

static uint32_t crc32c(uint32_t seed, const void *p, size_t len)
{
	return crc32_iscsi((unsigned char *)(uintptr_t)p, (int)len, seed);
}

static size_t pad16(size_t n)
{
	return (n + GCM_BLOCK - 1) & ~(size_t)(GCM_BLOCK - 1);
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void store32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* Bytes of SECURE's second part (the rest of seg0) and third (the other segments), without tags; 0 = absent.
 */
static size_t rest_len(uint32_t seg0)
{
	return seg0 > INLINE_LEN ? pad16(seg0 - INLINE_LEN) : 0;
}

static size_t tail_len(const uint32_t *len, unsigned count)
{
	return count > 1 ? pad16(len[1]) + pad16(len[2]) + pad16(len[3]) + GCM_BLOCK : 0;
}

static size_t wire_len(const uint32_t *len, unsigned count, bool secure)
{
	size_t rest, tail, n = HEAD_LEN;

	if (!secure)
		return FRAME_PREAMBLE + (size_t)len[0] + 4 + len[1] + len[2] + len[3] +
		       (count > 1 ? EPILOGUE_CRC_LEN : 0);
	rest = rest_len(len[0]);
	tail = tail_len(len, count);
	return n + (rest ? rest + GCM_TAG : 0) + (tail ? tail + GCM_TAG : 0);
}

/* --- decoding --- */

void frame_dec_init(struct frame_dec *d, uint32_t front_max, uint32_t middle_max, uint32_t data_max)
{
	*d = (struct frame_dec){ .max = { MSG_HEADER_LEN, front_max, middle_max, data_max } };
	enc_init(&d->plain);
}

void frame_dec_fini(struct frame_dec *d)
{
	enc_free(&d->plain);
}

static int frame_fail(struct frame_dec *d, int err, const char *why)
{
	d->why = why;
	return err;
}

static int wait_for(struct frame_dec *d, size_t need)
{
	d->need = need;
	return 0;
}

static int check_segments(struct frame_dec *d)
{
	unsigned i;

	if (d->tag < TAG_HELLO || d->tag > TAG_ACK)
		return frame_fail(d, -EBADMSG, "frame of an unknown kind");
	if (d->count < 1 || d->count > FRAME_SEGS)
		return frame_fail(d, -EBADMSG, "frame with an impossible number of segments");
	if (d->tag != TAG_MESSAGE && d->count != 1)
		return frame_fail(d, -EBADMSG, "control frame of several segments");
	if (d->tag != TAG_MESSAGE && d->len[0] > FRAME_CONTROL_MAX)
		return frame_fail(d, -EBADMSG, "control frame over the limit");
	if (d->tag == TAG_MESSAGE && d->len[0] != MSG_HEADER_LEN)
		return frame_fail(d, -EBADMSG, "message header of a wrong length");
	for (i = 1; i < FRAME_SEGS; i++)
		if (d->len[i] && (i >= d->count || d->len[i] > d->max[i]))
			return frame_fail(d, -EBADMSG,
					  i < d->count ? "segment over the limit"
						       : "unused segment with a length");
	if (d->count > 1 && !d->len[d->count - 1])
		return frame_fail(d, -EBADMSG, "last segment empty");
	if ((uint64_t)d->len[0] + d->len[1] + d->len[2] + d->len[3] > FRAME_MAX)
		return frame_fail(d, -EBADMSG, "frame over the limit");
	return 0;
}

static int decode_preamble(struct frame_dec *d, const uint8_t *p)
{
	unsigned i;
	int res;

	if (load32(p + PREAMBLE_CRC_AT) != crc32c(0, p, PREAMBLE_CRC_AT))
		return frame_fail(d, -EBADMSG, "preamble checksum wrong");
	d->tag = p[0];
	d->count = p[1];
	for (i = 0; i < FRAME_SEGS; i++)
		d->len[i] = load32(p + 2 + i * 6);
	if (p[26])
		return frame_fail(d, -EBADMSG, "compressed frame, though compression was not agreed on");
	res = check_segments(d);
	if (res)
		return res;
	d->wire_len = wire_len(d->len, d->count, d->crypto);
	d->head_done = true;
	return 0;
}

/* 1 = the preamble is read; 0 = more bytes are needed. */
static int decode_head(struct frame_dec *d, const uint8_t *p, size_t len)
{
	size_t head = d->crypto ? HEAD_LEN : FRAME_PREAMBLE;
	int res;

	if (len < head)
		return wait_for(d, head);
	if (d->crypto) {
		res = gcm_open(d->crypto, p, FRAME_PREAMBLE + INLINE_LEN, d->head);
		if (res)
			return frame_fail(d, res, "frame does not decrypt");
		p = d->head;
	}
	res = decode_preamble(d, p);
	return res ? res : 1;
}

static int check_late_status(struct frame_dec *d, uint8_t status)
{
	if ((status & LATE_STATUS_MASK) != LATE_STATUS_COMPLETE)
		return frame_fail(d, -EBADMSG, "frame aborted by the peer");
	return 0;
}

static int decode_crc(struct frame_dec *d, const uint8_t *p, struct frame *f)
{
	const uint8_t *epilogue = p + d->wire_len - EPILOGUE_CRC_LEN;
	unsigned i;

	p += FRAME_PREAMBLE;
	f->seg[0] = (struct slice){ p, d->len[0] };
	p += d->len[0];
	if (load32(p) != crc32c(SEG_CRC_SEED, f->seg[0].p, f->seg[0].len))
		return frame_fail(d, -EBADMSG, "segment checksum wrong");
	p += 4;
	for (i = 1; i < d->count; i++) {
		f->seg[i] = (struct slice){ p, d->len[i] };
		p += d->len[i];
		if (load32(epilogue + 1 + (i - 1) * 4) != crc32c(SEG_CRC_SEED, f->seg[i].p, f->seg[i].len))
			return frame_fail(d, -EBADMSG, "segment checksum wrong");
	}
	return d->count > 1 ? check_late_status(d, epilogue[0]) : 0;
}

/* Decrypts the parts behind the head next to each other: | seg0 | tail | */
static int decode_secure(struct frame_dec *d, const uint8_t *p, struct frame *f)
{
	size_t rest = rest_len(d->len[0]), tail = tail_len(d->len, d->count);
	uint8_t *plain, *seg;
	unsigned i;

	p += HEAD_LEN;
	if (!rest && !tail) {
		f->seg[0] = (struct slice){ d->head + FRAME_PREAMBLE, d->len[0] };
		return 0;
	}
	if (d->plain.cap > PLAIN_KEPT)
		enc_free(&d->plain); /* one huge frame does not pin its memory for the connection's life */
	enc_reset(&d->plain);
	plain = enc_room(&d->plain, INLINE_LEN + rest + tail);
	if (!plain)
		return frame_fail(d, -ENOMEM, "no memory for a frame");
	memcpy(plain, d->head + FRAME_PREAMBLE, INLINE_LEN);
	if (rest && gcm_open(d->crypto, p, rest, plain + INLINE_LEN))
		return frame_fail(d, -EBADMSG, "frame does not decrypt");
	p += rest ? rest + GCM_TAG : 0;
	seg = plain + INLINE_LEN + rest;
	if (tail && gcm_open(d->crypto, p, tail, seg))
		return frame_fail(d, -EBADMSG, "frame does not decrypt");
	f->seg[0] = (struct slice){ plain, d->len[0] };
	for (i = 1; i < d->count; i++) {
		f->seg[i] = (struct slice){ seg, d->len[i] };
		seg += pad16(d->len[i]);
	}
	return tail ? check_late_status(d, *seg) : 0;
}

int frame_decode(struct frame_dec *d, const uint8_t *p, size_t len, struct frame *f)
{
	int res;

	if (!d->head_done) {
		res = decode_head(d, p, len);
		if (res <= 0)
			return res;
	}
	if (len < d->wire_len)
		return wait_for(d, d->wire_len);
	*f = (struct frame){ .tag = d->tag, .count = d->count, .wire_len = d->wire_len };
	res = d->crypto ? decode_secure(d, p, f) : decode_crc(d, p, f);
	if (res)
		return res;
	d->head_done = false;
	return 1;
}

/* --- encoding --- */

static void fill_preamble(uint8_t *p, uint8_t tag, const uint32_t *len, unsigned count)
{
	uint16_t align;
	unsigned i;

	memset(p, 0, FRAME_PREAMBLE);
	p[0] = tag;
	p[1] = (uint8_t)count;
	for (i = 0; i < count; i++) {
		align = i == FRAME_SEGS - 1 ? DATA_ALIGN : SEG_ALIGN;
		store32(p + 2 + i * 6, len[i]);
		memcpy(p + 2 + i * 6 + 4, &align, sizeof(align));
	}
	store32(p + PREAMBLE_CRC_AT, crc32c(0, p, PREAMBLE_CRC_AT));
}

size_t frame_begin(struct enc *e)
{
	size_t mark = e->len;

	enc_room(e, FRAME_PREAMBLE);
	return mark;
}

/* The payload lies behind the preamble in one piece; SECURE's second part has to make room for the first tag.
 */
static void end_secure(struct enc *e, size_t mark, uint32_t len, struct frame_crypto *x)
{
	const size_t sealed = FRAME_PREAMBLE + INLINE_LEN;
	size_t rest = rest_len(len);
	uint8_t *p;

	enc_room(e, wire_len((uint32_t[FRAME_SEGS]){ len }, 1, true) - FRAME_PREAMBLE - len);
	if (e->err)
		return;
	p = e->buf + mark;
	memset(p + FRAME_PREAMBLE + len, 0, e->len - mark - FRAME_PREAMBLE - len);
	if (rest)
		memmove(p + HEAD_LEN, p + sealed, rest);
	if (gcm_seal(x, p, sealed) || (rest && gcm_seal(x, p + HEAD_LEN, rest)))
		e->err = -ENOMEM;
}

void frame_end(struct enc *e, size_t mark, uint8_t tag, struct frame_crypto *x)
{
	uint32_t len[FRAME_SEGS] = { 0 };

	if (e->err)
		return;
	if (e->len - mark - FRAME_PREAMBLE > FRAME_CONTROL_MAX) {
		e->err = -EMSGSIZE;
		return;
	}
	len[0] = (uint32_t)(e->len - mark - FRAME_PREAMBLE);
	fill_preamble(e->buf + mark, tag, len, 1);
	if (x)
		end_secure(e, mark, len[0], x);
	else
		enc_u32(e, crc32c(SEG_CRC_SEED, e->buf + mark + FRAME_PREAMBLE, len[0]));
}

static uint8_t *put(uint8_t *p, struct slice s)
{
	if (s.len)
		memcpy(p, s.p, s.len);
	return p + s.len;
}

static void encode_crc(uint8_t *p, uint8_t tag, const struct slice *seg, const uint32_t *len, unsigned count)
{
	unsigned i;

	fill_preamble(p, tag, len, count);
	p = put(p + FRAME_PREAMBLE, seg[0]);
	store32(p, crc32c(SEG_CRC_SEED, p - len[0], len[0]));
	p += 4;
	for (i = 1; i < count; i++)
		p = put(p, seg[i]);
	if (count == 1)
		return;
	memset(p, 0, EPILOGUE_CRC_LEN);
	*p++ = LATE_STATUS_COMPLETE;
	for (i = 1; i < count; i++, p += 4)
		store32(p, crc32c(SEG_CRC_SEED, seg[i].p, seg[i].len));
}

/* `p` is zeroed: the padding is there. */
static int encode_secure(uint8_t *p, uint8_t tag, const struct slice *seg, const uint32_t *len,
			 unsigned count, struct frame_crypto *x)
{
	size_t rest = rest_len(len[0]), tail = tail_len(len, count);
	uint32_t inlined = len[0] < INLINE_LEN ? len[0] : INLINE_LEN;
	uint8_t *at;
	unsigned i;
	int res;

	fill_preamble(p, tag, len, count);
	put(p + FRAME_PREAMBLE, (struct slice){ seg[0].p, inlined });
	res = gcm_seal(x, p, FRAME_PREAMBLE + INLINE_LEN);
	p += HEAD_LEN;
	if (rest && !res) {
		put(p, (struct slice){ seg[0].p + inlined, len[0] - inlined });
		res = gcm_seal(x, p, rest);
		p += rest + GCM_TAG;
	}
	if (!tail || res)
		return res;
	for (i = 1, at = p; i < count; i++) {
		put(at, seg[i]);
		at += pad16(len[i]);
	}
	*at = LATE_STATUS_COMPLETE;
	return gcm_seal(x, p, tail);
}

void frame_encode(struct enc *e, uint8_t tag, const struct slice *seg, unsigned count, struct frame_crypto *x)
{
	uint32_t len[FRAME_SEGS] = { 0 };
	unsigned i;
	size_t n;
	uint8_t *p;

	while (count > 1 && !seg[count - 1].len)
		count--;
	for (i = 0; i < count; i++)
		len[i] = seg[i].len;
	n = wire_len(len, count, x);
	p = enc_room(e, n);
	if (!p)
		return;
	if (!x) {
		encode_crc(p, tag, seg, len, count);
		return;
	}
	memset(p, 0, n);
	if (encode_secure(p, tag, seg, len, count, x))
		e->err = -ENOMEM;
}

/* --- the header of a MESSAGE --- */

int msg_header_decode(struct slice seg0, struct msg_header *h)
{
	struct dec d = dec_init(seg0.p, seg0.len);

	h->seq = dec_u64(&d);
	h->tid = dec_u64(&d);
	h->type = dec_u16(&d);
	h->priority = dec_u16(&d);
	h->version = dec_u16(&d);
	h->data_pre_padding_len = dec_u32(&d);
	h->data_off = dec_u16(&d);
	h->ack_seq = dec_u64(&d);
	h->flags = dec_u8(&d);
	h->compat = dec_u16(&d);
	dec_u16(&d); /* reserved */
	dec_end(&d);
	return d.err;
}

void msg_header_encode(uint8_t out[MSG_HEADER_LEN], const struct msg_header *h)
{
	struct enc e;

	enc_init_fixed(&e, out, MSG_HEADER_LEN);
	enc_u64(&e, h->seq);
	enc_u64(&e, h->tid);
	enc_u16(&e, h->type);
	enc_u16(&e, h->priority);
	enc_u16(&e, h->version);
	enc_u32(&e, h->data_pre_padding_len);
	enc_u16(&e, h->data_off);
	enc_u64(&e, h->ack_seq);
	enc_u8(&e, h->flags);
	enc_u16(&e, h->compat);
	enc_u16(&e, 0);
}

void frame_encode_message(struct enc *e, const struct msg_header *h, struct slice front, struct slice middle,
			  struct slice data, struct frame_crypto *x)
{
	uint8_t header[MSG_HEADER_LEN];
	struct slice seg[FRAME_SEGS] = { { header, MSG_HEADER_LEN }, front, middle, data };

	msg_header_encode(header, h);
	frame_encode(e, TAG_MESSAGE, seg, FRAME_SEGS, x);
}
