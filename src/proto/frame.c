/* frame.c: decoding frames. See frame.h; frame_impl.h has the layout. */
#include "frame_impl.h"

#include <errno.h>

#include "le.h"

enum { PLAIN_KEPT = 1 << 20, LATE_STATUS_MASK = 0x0f };

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

	if (le32_get(p + PREAMBLE_CRC_AT) != crc32c(0, p, PREAMBLE_CRC_AT))
		return frame_fail(d, -EBADMSG, "preamble checksum wrong");
	d->tag = p[0];
	d->count = p[1];
	for (i = 0; i < FRAME_SEGS; i++)
		d->len[i] = le32_get(p + 2 + i * 6);
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

/* Segment 0 and its checksum, which directly follows. */
static int decode_first(struct frame_dec *d, const uint8_t *p, struct frame *f)
{
	p += FRAME_PREAMBLE;
	f->seg[0] = (struct slice){ p, d->len[0] };
	if (le32_get(p + d->len[0]) != crc32c(SEG_CRC_SEED, p, d->len[0]))
		return frame_fail(d, -EBADMSG, "segment checksum wrong");
	return 0;
}

/* The segments from 1 up to `end`, which follow each other at `p`. */
static int decode_others(struct frame_dec *d, const uint8_t *p, const uint8_t *epilogue, unsigned end,
			 struct frame *f)
{
	for (unsigned i = 1; i < end; i++) {
		f->seg[i] = (struct slice){ p, d->len[i] };
		p += d->len[i];
		if (le32_get(epilogue + 1 + (i - 1) * 4) != crc32c(SEG_CRC_SEED, f->seg[i].p, f->seg[i].len))
			return frame_fail(d, -EBADMSG, "segment checksum wrong");
	}
	return 0;
}

static size_t first_end(const struct frame_dec *d)
{
	return FRAME_PREAMBLE + (size_t)d->len[0] + 4;
}

static int decode_crc(struct frame_dec *d, const uint8_t *p, struct frame *f)
{
	const uint8_t *epilogue = p + d->wire_len - EPILOGUE_CRC_LEN;
	int res = decode_first(d, p, f);

	res = res ? res : decode_others(d, p + first_end(d), epilogue, d->count, f);
	return res || d->count == 1 ? res : check_late_status(d, epilogue[0]);
}

int frame_split(struct frame_dec *d, const uint8_t *p, size_t len, struct msg_header *h,
		struct frame_split *split)
{
	struct frame f;
	int res;

	if (d->crypto || !d->head_done || d->tag != TAG_MESSAGE || d->count < FRAME_SEGS)
		return 0;
	if (len < first_end(d))
		return wait_for(d, first_end(d));
	res = decode_first(d, p, &f);
	if (res)
		return res;
	if (msg_header_decode(f.seg[0], h))
		return frame_fail(d, -EBADMSG, "broken message header");
	*split = (struct frame_split){
		.head_len = first_end(d) + d->len[1] + d->len[2],
		.data_len = d->len[3],
		.tail_len = EPILOGUE_CRC_LEN,
	};
	return 1;
}

int frame_join(struct frame_dec *d, const uint8_t *head, const uint8_t *tail, uint32_t data_crc,
	       struct frame *f)
{
	int res;

	*f = (struct frame){ .tag = d->tag, .count = d->count, .wire_len = d->wire_len };
	d->head_done = false;
	res = decode_first(d, head, f);
	res = res ? res : decode_others(d, head + first_end(d), tail, FRAME_SEGS - 1, f);
	if (res)
		return res;
	f->seg[3].len = d->len[3];
	if (le32_get(tail + 9) != data_crc)
		return frame_fail(d, -EBADMSG, "segment checksum wrong");
	return check_late_status(d, tail[0]);
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

uint32_t frame_crc(uint32_t crc, const void *p, size_t len)
{
	return crc32c(crc, p, len);
}
