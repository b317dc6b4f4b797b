/* fuzz_frame.c: a stream of frames in either mode, in pieces, and the control payloads in them.
 *
 * The first byte chooses: bare bytes, bytes whose checksums are made right, or plain text that is encrypted
 * as the peer would. Without the last two the fuzzer would hardly get past a preamble.
 */
#include <isa-l/crc.h>

#include "proto/gcm.h"
#include "proto/msgr.h"
#include "proto_use.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 4096, HEAD = FRAME_PREAMBLE + 48, ROOM = 64 << 10 };

static void control_use(const struct frame *f)
{
	struct slice s = f->seg[0];
	union {
		struct msgr_hello hello;
		struct msgr_auth_request request;
		struct msgr_auth_bad_method bad;
		struct msgr_auth_done done;
		struct msgr_client_ident client;
		struct msgr_server_ident server;
		struct msgr_reconnect reconnect;
		struct slice more;
		uint8_t sig[MSGR_SIGNATURE_LEN];
		uint64_t v;
		bool full;
	} u;
	char text[ADDR_TEXT_MAX];

	/* Each decoder sees every payload: the tag is the peer's choice anyway. */
	if (!msgr_hello_decode(s, &u.hello))
		must(strlen(addr_text(&u.hello.peer, text)) < ADDR_TEXT_MAX);
	if (!msgr_auth_request_decode(s, &u.request)) {
		must(u.request.mode_count <= MSGR_MODES_MAX);
		use(u.request.payload);
	}
	if (!msgr_auth_bad_method_decode(s, &u.bad))
		must(u.bad.method_count <= MSGR_MODES_MAX && u.bad.mode_count <= MSGR_MODES_MAX);
	if (!msgr_auth_more_decode(s, &u.more))
		use(u.more);
	if (!msgr_auth_done_decode(s, &u.done))
		use(u.done.payload);
	msgr_signature_decode(s, u.sig);
	if (!msgr_client_ident_decode(s, &u.client))
		must(u.client.addrs.count <= ADDRVEC_MAX);
	if (!msgr_server_ident_decode(s, &u.server))
		must(u.server.addrs.count <= ADDRVEC_MAX);
	if (!msgr_reconnect_decode(s, &u.reconnect))
		must(u.reconnect.addrs.count <= ADDRVEC_MAX);
	msgr_reset_decode(s, &u.full);
	msgr_u64_decode(s, &u.v);
	msgr_keepalive_decode(s, &u.v);
}

/* What was decoded, encoded again, is the same frame. */
static void same_again(const struct frame *f)
{
	struct frame_dec d;
	struct frame g;
	struct enc e;

	enc_init(&e);
	frame_encode(&e, f->tag, f->seg, f->count, NULL);
	must(!e.err);
	frame_dec_init(&d, MAX, MAX, MAX);
	must(frame_decode(&d, e.buf, e.len, &g) == 1);
	must(g.wire_len == e.len && g.tag == f->tag && g.count == f->count);
	for (unsigned i = 0; i < FRAME_SEGS; i++)
		must(g.seg[i].len == f->seg[i].len &&
		     (!g.seg[i].len || !memcmp(g.seg[i].p, f->seg[i].p, g.seg[i].len)));
	frame_dec_fini(&d);
	enc_free(&e);
}

static void frame_use(const struct frame *f)
{
	struct msg_header h;

	for (unsigned i = 0; i < FRAME_SEGS; i++)
		use(f->seg[i]);
	if (f->tag == TAG_MESSAGE)
		must(!msg_header_decode(f->seg[0], &h));
	else
		control_use(f);
	same_again(f);
}

/* Feeds the stream as it would arrive: only what is asked for, in memory that ends there. */
static void feed(struct frame_dec *d, const uint8_t *p, size_t len)
{
	size_t have = 0;
	struct frame f;
	int res;

	for (;;) {
		uint8_t *piece = malloc(have ? have : 1);

		must(piece != NULL);
		memcpy(piece, p, have);
		res = frame_decode(d, piece, have, &f);
		if (res == 1) {
			must(f.wire_len <= have);
			frame_use(&f);
			p += f.wire_len;
			len -= f.wire_len;
			have = 0;
		} else if (!res) {
			must(d->need > have && d->need <= 4 * MAX + FRAME_CONTROL_MAX + 4096);
			have = d->need;
		}
		free(piece);
		if (res < 0)
			must(d->why != NULL);
		if (res < 0 || have > len)
			return;
	}
}

static void mend_preamble(uint8_t *p)
{
	uint32_t crc = crc32_iscsi(p, 28, 0);

	memcpy(p + 28, &crc, 4);
}

static uint32_t length_of(const uint8_t *preamble, unsigned i)
{
	uint32_t v;

	memcpy(&v, preamble + 2 + i * 6, 4);
	return v < ROOM / 8 ? v : ROOM / 8;
}

/* One frame whose checksums are right for the lengths it claims, where they are not beyond the input. */
static void mend_crc(uint8_t *p, size_t size)
{
	size_t at = FRAME_PREAMBLE, end;
	uint32_t crc;

	if (size < FRAME_PREAMBLE)
		return;
	mend_preamble(p);
	end = at + length_of(p, 0);
	for (unsigned i = 0; i < FRAME_SEGS && end + 4 <= size; i++) {
		uint32_t len = length_of(p, i);
		size_t where = i ? FRAME_PREAMBLE + length_of(p, 0) + 4 + length_of(p, 1) + length_of(p, 2) +
				       length_of(p, 3) + 1 + (i - 1) * 4
				 : end;

		if (at + len > size || where + 4 > size)
			return;
		crc = crc32_iscsi(p + at, (int)len, UINT32_MAX);
		memcpy(p + where, &crc, 4);
		at += len + (i ? 0 : 4);
	}
}

static size_t pad16(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

/* Plain text in, the encrypted frame out. */
static void seal_frame(struct frame_crypto *peer, const uint8_t *data, size_t size, struct enc *out)
{
	size_t rest, tail, take = size < HEAD ? size : HEAD;
	uint8_t *p = enc_room(out, HEAD + GCM_TAG);

	memset(p, 0, HEAD);
	memcpy(p, data, take);
	mend_preamble(p);
	rest = length_of(p, 0) > 48 ? pad16(length_of(p, 0) - 48) : 0;
	tail = p[1] > 1 ? pad16(length_of(p, 1)) + pad16(length_of(p, 2)) + pad16(length_of(p, 3)) + 16 : 0;
	must(!gcm_seal(peer, p, HEAD));
	data += take;
	size -= take;
	for (int part = 0; part < 2; part++) {
		size_t n = part ? tail : rest;

		if (!n)
			continue;
		p = enc_room(out, n + GCM_TAG);
		take = size < n ? size : n;
		memset(p, 0, n);
		memcpy(p, data, take);
		data += take;
		size -= take;
		must(!gcm_seal(peer, p, n));
	}
}

static void feed_secure(struct frame_dec *d, const uint8_t *data, size_t size)
{
	static const uint8_t secret[CON_SECRET_LEN] = { 1, 2, 3 };
	struct frame_crypto *ours = frame_crypto_new(secret, false), *peer = frame_crypto_new(secret, true);
	struct enc e;

	must(ours && peer);
	enc_init(&e);
	seal_frame(peer, data, size, &e);
	d->crypto = ours;
	feed(d, e.buf, e.len);
	enc_free(&e);
	frame_crypto_free(ours);
	frame_crypto_free(peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msgr_banner banner;
	struct frame_dec d;
	size_t need = 0;
	uint8_t *copy;

	if (!size || size > ROOM)
		return 0;
	if (!msgr_banner_decode(data + 1, size - 1, &banner, &need))
		must(need > size - 1 && need <= MSGR_BANNER_MAX);
	frame_dec_init(&d, MAX, MAX, MAX);
	if (data[0] % 3 == 2) {
		feed_secure(&d, data + 1, size - 1);
	} else {
		copy = malloc(size);
		must(copy != NULL);
		memcpy(copy, data + 1, size - 1);
		if (data[0] % 3 == 1)
			mend_crc(copy, size - 1);
		feed(&d, copy, size - 1);
		free(copy);
	}
	frame_dec_fini(&d);
	return 0;
}
