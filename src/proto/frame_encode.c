/* frame_encode.c: encoding frames. See frame.h; frame_impl.h has the layout. */
#include "frame_impl.h"

#include <errno.h>

#include "le.h"

enum { SEG_ALIGN = 8, DATA_ALIGN = 4096 };

static void fill_preamble(uint8_t *p, uint8_t tag, const uint32_t *len, unsigned count)
{
	unsigned i;

	memset(p, 0, FRAME_PREAMBLE);
	p[0] = tag;
	p[1] = (uint8_t)count;
	for (i = 0; i < count; i++) {
		le32_put(p + 2 + i * 6, len[i]);
		le16_put(p + 2 + i * 6 + 4, i == FRAME_SEGS - 1 ? DATA_ALIGN : SEG_ALIGN);
	}
	le32_put(p + PREAMBLE_CRC_AT, crc32c(0, p, PREAMBLE_CRC_AT));
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

/* The bytes of piece `i`, of which `left` still belong to the bulk. */
static struct slice bulk_piece(const struct frame_data *d, unsigned i, uint32_t left)
{
	size_t n = d->bulk[i].iov_len;

	return (struct slice){ d->bulk[i].iov_base, n < left ? (uint32_t)n : left };
}

static uint8_t *put_data(uint8_t *p, const struct frame_data *d, bool lend)
{
	uint32_t left = lend ? 0 : d->bulk_len;

	p = put(p, d->before);
	for (unsigned i = 0; left; i++) {
		struct slice s = bulk_piece(d, i, left);

		p = put(p, s);
		left -= s.len;
	}
	return put(p, d->after);
}

static uint32_t crc_slice(uint32_t crc, struct slice s)
{
	return s.len ? crc32c(crc, s.p, s.len) : crc;
}

static uint32_t crc_data(const struct frame_data *d)
{
	uint32_t crc = crc_slice(SEG_CRC_SEED, d->before), left = d->bulk_len;

	for (unsigned i = 0; left; i++) {
		struct slice s = bulk_piece(d, i, left);

		crc = crc_slice(crc, s);
		left -= s.len;
	}
	return crc_slice(crc, d->after);
}

/* What a frame is made of: segments, the last of which may be in parts. */
struct parts {
	const struct slice *seg; /* 0 to 2 */
	const struct frame_data *data;
	uint32_t len[FRAME_SEGS];
	unsigned count;
	bool lend;
};

static void encode_crc(uint8_t *p, uint8_t tag, const struct parts *s)
{
	unsigned i;

	fill_preamble(p, tag, s->len, s->count);
	p = put(p + FRAME_PREAMBLE, s->seg[0]);
	le32_put(p, crc32c(SEG_CRC_SEED, p - s->len[0], s->len[0]));
	p += 4;
	for (i = 1; i < s->count && i < FRAME_SEGS - 1; i++)
		p = put(p, s->seg[i]);
	if (s->count == FRAME_SEGS)
		p = put_data(p, s->data, s->lend);
	if (s->count == 1)
		return;
	memset(p, 0, EPILOGUE_CRC_LEN);
	*p++ = LATE_STATUS_COMPLETE;
	for (i = 1; i < s->count && i < FRAME_SEGS - 1; i++, p += 4)
		le32_put(p, crc32c(SEG_CRC_SEED, s->seg[i].p, s->seg[i].len));
	if (s->count == FRAME_SEGS)
		le32_put(p, crc_data(s->data));
}

/* `p` is zeroed: the padding is there. */
static int encode_secure(uint8_t *p, uint8_t tag, const struct parts *s, struct frame_crypto *x)
{
	size_t rest = rest_len(s->len[0]), tail = tail_len(s->len, s->count);
	uint32_t inlined = s->len[0] < INLINE_LEN ? s->len[0] : INLINE_LEN;
	uint8_t *at;
	unsigned i;
	int res;

	fill_preamble(p, tag, s->len, s->count);
	put(p + FRAME_PREAMBLE, (struct slice){ s->seg[0].p, inlined });
	res = gcm_seal(x, p, FRAME_PREAMBLE + INLINE_LEN);
	p += HEAD_LEN;
	if (rest && !res) {
		put(p, (struct slice){ s->seg[0].p + inlined, s->len[0] - inlined });
		res = gcm_seal(x, p, rest);
		p += rest + GCM_TAG;
	}
	if (!tail || res)
		return res;
	for (i = 1, at = p; i < s->count && i < FRAME_SEGS - 1; i++) {
		put(at, s->seg[i]);
		at += pad16(s->len[i]);
	}
	if (s->count == FRAME_SEGS) {
		put_data(at, s->data, false);
		at += pad16(s->len[FRAME_SEGS - 1]);
	}
	*at = LATE_STATUS_COMPLETE;
	return gcm_seal(x, p, tail);
}

static void encode(struct enc *e, uint8_t tag, const struct parts *s, struct frame_crypto *x)
{
	size_t n = wire_len(s->len, s->count, x) - (s->lend ? s->data->bulk_len : 0);
	uint8_t *p = enc_room(e, n);

	if (!p)
		return;
	if (!x) {
		encode_crc(p, tag, s);
		return;
	}
	memset(p, 0, n);
	if (encode_secure(p, tag, s, x))
		e->err = -ENOMEM;
}

void frame_encode(struct enc *e, uint8_t tag, const struct slice *seg, unsigned count, struct frame_crypto *x)
{
	struct frame_data data = { 0 };
	struct parts s = { .seg = seg, .data = &data };

	if (count == FRAME_SEGS)
		data.before = seg[FRAME_SEGS - 1];
	while (count > 1 && !seg[count - 1].len)
		count--;
	for (unsigned i = 0; i < count; i++)
		s.len[i] = seg[i].len;
	s.count = count;
	encode(e, tag, &s, x);
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

bool frame_encode_bulk(struct enc *e, const struct msg_header *h, struct slice front, struct slice middle,
		       const struct frame_data *data, bool lend, struct frame_crypto *x, size_t *cut)
{
	uint8_t header[MSG_HEADER_LEN];
	struct slice seg[FRAME_SEGS - 1] = { { header, MSG_HEADER_LEN }, front, middle };
	struct parts s = { .seg = seg, .data = data, .count = FRAME_SEGS, .lend = lend && !x };

	for (unsigned i = 0; i < FRAME_SEGS - 1; i++)
		s.len[i] = seg[i].len;
	s.len[FRAME_SEGS - 1] = data->before.len + data->bulk_len + data->after.len;
	msg_header_encode(header, h);
	encode(e, TAG_MESSAGE, &s, x);
	if (e->err || !s.lend)
		return false;
	*cut = e->len - EPILOGUE_CRC_LEN - data->after.len;
	return true;
}
