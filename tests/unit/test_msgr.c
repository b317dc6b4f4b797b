/* test_msgr.c: whole captured handshakes read frame by frame and written again to the same bytes. */
#include "../../src/proto/msgr.h"

#include <errno.h>
#include "vectors.h"

union control {
	struct msgr_hello hello;
	struct msgr_auth_request request;
	struct msgr_auth_bad_method bad;
	struct msgr_auth_done done;
	struct msgr_client_ident client;
	struct msgr_server_ident server;
	struct msgr_reconnect reconnect;
	struct slice more;
	uint8_t signature[MSGR_SIGNATURE_LEN];
	uint64_t number;
	bool full;
};

static int control_decode(uint8_t tag, struct slice s, union control *c)
{
	switch (tag) {
	case TAG_HELLO:
		return msgr_hello_decode(s, &c->hello);
	case TAG_AUTH_REQUEST:
		return msgr_auth_request_decode(s, &c->request);
	case TAG_AUTH_BAD_METHOD:
		return msgr_auth_bad_method_decode(s, &c->bad);
	case TAG_AUTH_REPLY_MORE:
	case TAG_AUTH_REQUEST_MORE:
		return msgr_auth_more_decode(s, &c->more);
	case TAG_AUTH_DONE:
		return msgr_auth_done_decode(s, &c->done);
	case TAG_AUTH_SIGNATURE:
		return msgr_signature_decode(s, c->signature);
	case TAG_CLIENT_IDENT:
		return msgr_client_ident_decode(s, &c->client);
	case TAG_SERVER_IDENT:
		return msgr_server_ident_decode(s, &c->server);
	case TAG_SESSION_RECONNECT:
		return msgr_reconnect_decode(s, &c->reconnect);
	case TAG_SESSION_RESET:
		return msgr_reset_decode(s, &c->full);
	case TAG_KEEPALIVE2:
	case TAG_KEEPALIVE2_ACK:
		return msgr_keepalive_decode(s, &c->number);
	default:
		return msgr_u64_decode(s, &c->number);
	}
}

static void control_encode(struct enc *e, uint8_t tag, const union control *c)
{
	switch (tag) {
	case TAG_HELLO:
		return msgr_hello_encode(e, &c->hello);
	case TAG_AUTH_REQUEST:
		return msgr_auth_request_encode(e, &c->request);
	case TAG_AUTH_BAD_METHOD:
		return msgr_auth_bad_method_encode(e, &c->bad);
	case TAG_AUTH_REPLY_MORE:
	case TAG_AUTH_REQUEST_MORE:
		return msgr_auth_more_encode(e, c->more);
	case TAG_AUTH_DONE:
		return msgr_auth_done_encode(e, &c->done);
	case TAG_AUTH_SIGNATURE:
		return msgr_signature_encode(e, c->signature);
	case TAG_CLIENT_IDENT:
		return msgr_client_ident_encode(e, &c->client);
	case TAG_SERVER_IDENT:
		return msgr_server_ident_encode(e, &c->server);
	case TAG_SESSION_RECONNECT:
		return msgr_reconnect_encode(e, &c->reconnect);
	case TAG_SESSION_RESET:
		return msgr_reset_encode(e, c->full);
	case TAG_KEEPALIVE2:
	case TAG_KEEPALIVE2_ACK:
		return msgr_keepalive_encode(e, c->number);
	default:
		return msgr_u64_encode(e, c->number);
	}
}

/* One direction of a capture, with what the tests ask about it. */
struct replay {
	const uint8_t *secret; /* NULL: crc mode */
	bool from_server;
	size_t signed_len; /* bytes before AUTH_SIGNATURE */
	uint8_t signature[MSGR_SIGNATURE_LEN];
	unsigned frames;
	uint8_t last_tag;
	union control ident;
};

static void replay_frame(struct replay *r, const struct frame *f, struct enc *out, struct frame_crypto *x)
{
	union control c;
	struct msg_header h;
	size_t mark;

	r->last_tag = f->tag;
	r->frames++;
	if (f->tag == TAG_MESSAGE) {
		cr_assert_eq(msg_header_decode(f->seg[0], &h), 0);
		frame_encode_message(out, &h, f->seg[1], f->seg[2], f->seg[3], x);
		return;
	}
	cr_assert_eq(control_decode(f->tag, f->seg[0], &c), 0, "%s", frame_tag_name(f->tag));
	for (uint32_t n = 0; n < f->seg[0].len; n++) {
		union control cut;
		struct slice s = { guarded(f->seg[0].p, n), n };

		cr_assert_eq(control_decode(f->tag, s, &cut), -EBADMSG, "%s cut at %u",
			     frame_tag_name(f->tag), n);
	}
	if (f->tag == TAG_AUTH_SIGNATURE) {
		r->signed_len = out->len;
		memcpy(r->signature, c.signature, sizeof(r->signature));
	}
	if (f->tag == TAG_CLIENT_IDENT || f->tag == TAG_SERVER_IDENT)
		r->ident = c;
	mark = frame_begin(out);
	control_encode(out, f->tag, &c);
	frame_end(out, mark, f->tag, x);
}

/* Encryption begins with AUTH_SIGNATURE: the first frame after AUTH_DONE, or after the last
 * AUTH_REQUEST_MORE. */
static void replay(struct bytes b, struct replay *r)
{
	struct frame_crypto *rx = NULL, *tx = NULL;
	struct msgr_banner banner;
	struct frame_dec d;
	struct frame f;
	struct enc out;
	size_t at;

	enc_init(&out);
	cr_assert_eq(msgr_banner_decode(b.p, b.len, &banner, &at), 1);
	msgr_banner_encode(&out, &banner);
	frame_dec_init(&d, 1 << 20, 1 << 20, 1 << 20);
	while (at < b.len) {
		cr_assert_eq(frame_decode(&d, b.p + at, b.len - at, &f), 1, "at %zu: %s", at, d.why);
		replay_frame(r, &f, &out, tx);
		at += f.wire_len;
		if (r->secret && !rx && (f.tag == TAG_AUTH_DONE || f.tag == TAG_AUTH_REQUEST_MORE)) {
			rx = frame_crypto_new(r->secret, !r->from_server);
			tx = frame_crypto_new(r->secret, r->from_server);
			d.crypto = rx;
		}
	}
	assert_bytes(out.buf, out.len, b.p, b.len);
	frame_dec_fini(&d);
	frame_crypto_free(rx);
	frame_crypto_free(tx);
	enc_free(&out);
}

/* Both directions, and each one's signature over what it received from the other. */
static void handshake(const char *name, const char *secret, const char *key, struct replay *client,
		      struct replay *server)
{
	struct bytes k = unhex(key), s = { 0 }, c2s, s2c;
	uint8_t sig[MSGR_SIGNATURE_LEN];
	char file[96];

	if (secret)
		s = unhex(secret);
	snprintf(file, sizeof(file), "%s_client_to_server.bin", name);
	c2s = vector(file);
	snprintf(file, sizeof(file), "%s_server_to_client.bin", name);
	s2c = vector(file);
	*client = (struct replay){ .secret = s.p };
	*server = (struct replay){ .secret = s.p, .from_server = true };
	replay(c2s, client);
	replay(s2c, server);
	cr_assert_eq(msgr_sign(k.p, k.len, s2c.p, server->signed_len, sig), 0);
	cr_assert(msgr_signature_equal(sig, client->signature), "%s: the client's signature", name);
	cr_assert_eq(msgr_sign(k.p, k.len, c2s.p, client->signed_len, sig), 0);
	cr_assert(msgr_signature_equal(sig, server->signature), "%s: the server's signature", name);
	sig[31] ^= 1;
	cr_assert_not(msgr_signature_equal(sig, server->signature));
}

Test(msgr, monitor_handshake_crc_type_1)
{
	struct replay c, s;

	handshake("mon_crc", NULL, OLD_SESSION_KEY, &c, &s);
	cr_assert_eq(c.frames, 5);
	cr_assert_eq(s.last_tag, TAG_SERVER_IDENT);
	cr_assert_eq(s.ident.server.flags, MSGR_FLAG_LOSSY);
	cr_assert_eq(s.ident.server.supported, MSGR_FEATURES);
	cr_assert_eq(c.ident.client.addrs.count, 1);
	cr_assert_eq(c.ident.client.addrs.addr[0].type, ADDR_ANY);
	cr_assert_eq(c.ident.client.gid, 4173);
}

Test(msgr, monitor_handshake_secure_type_1)
{
	struct replay c, s;

	handshake("mon_secure", OLD_CON_SECRET, OLD_SECURE_SESSION_KEY, &c, &s);
	cr_assert_eq(s.last_tag, TAG_SERVER_IDENT);
}

Test(msgr, monitor_handshake_crc_type_2)
{
	struct replay c, s;

	handshake("aes256k_mon_crc", NULL, NEW_SESSION_KEY, &c, &s);
	cr_assert_eq(c.frames, 5);
}

Test(msgr, monitor_handshake_secure_type_2)
{
	struct replay c, s;

	handshake("aes256k_mon_secure", NEW_CON_SECRET, NEW_SECURE_SESSION_KEY, &c, &s);
	cr_assert_eq(s.last_tag, TAG_SERVER_IDENT);
}

Test(msgr, mds_handshake_type_1_is_lossless)
{
	struct replay c, s;

	handshake("mds_crc", NULL, OLD_TICKET_MDS_KEY, &c, &s);
	cr_assert_eq(c.last_tag, TAG_MESSAGE);
	cr_assert_eq(s.last_tag, TAG_MESSAGE);
	cr_assert_eq(s.ident.server.flags & MSGR_FLAG_LOSSY, 0);
	cr_assert_neq(s.ident.server.cookie, 0);
}

Test(msgr, mds_handshake_type_2)
{
	struct replay c, s;

	handshake("aes256k_mds_crc", NULL, NEW_RENEWED_MDS_KEY, &c, &s);
	cr_assert_eq(s.last_tag, TAG_MESSAGE);
}

/* What no capture holds: written, read back, and cut at every byte. */
static void there_and_back(uint8_t tag, const union control *in)
{
	union control out, cut;
	struct enc e, again;

	enc_init(&e);
	enc_init(&again);
	control_encode(&e, tag, in);
	cr_assert_eq(e.err, 0);
	cr_assert_eq(control_decode(tag, (struct slice){ e.buf, (uint32_t)e.len }, &out), 0);
	control_encode(&again, tag, &out);
	assert_bytes(again.buf, again.len, e.buf, e.len);
	for (uint32_t n = 0; n < e.len; n++)
		cr_assert_eq(control_decode(tag, (struct slice){ guarded(e.buf, n), n }, &cut), -EBADMSG);
	enc_free(&e);
	enc_free(&again);
}

Test(msgr, reconnect_and_refusals_round_trip)
{
	union control c = { .reconnect = { .client_cookie = 1,
					   .server_cookie = 2,
					   .global_seq = 3,
					   .connect_seq = 4,
					   .in_seq = 5 } };

	c.reconnect.addrs.count = 1;
	c.reconnect.addrs.addr[0] =
	    (struct entity_addr){ .type = ADDR_ANY, .nonce = 9, .family = 2, .ip = { 127, 0, 0, 1 } };
	there_and_back(TAG_SESSION_RECONNECT, &c);
	c = (union control){ .bad = { .method = 1,
				      .result = -95,
				      .methods = { 2 },
				      .method_count = 1,
				      .modes = { 2, 1 },
				      .mode_count = 2 } };
	there_and_back(TAG_AUTH_BAD_METHOD, &c);
	c = (union control){ .full = true };
	there_and_back(TAG_SESSION_RESET, &c);
	c = (union control){ .number = 0x123456789abcdef0 };
	there_and_back(TAG_SESSION_RETRY, &c);
	there_and_back(TAG_ACK, &c);
	c = (union control){ .number = 1700000000123456789ull };
	there_and_back(TAG_KEEPALIVE2, &c);
}

Test(msgr, bad_method_is_read_as_sent)
{
	struct bytes b = unhex("01000000"
			       "a1ffffff"
			       "0100000002000000"
			       "020000000200000001000000");
	struct msgr_auth_bad_method m;

	cr_assert_eq(msgr_auth_bad_method_decode((struct slice){ b.p, (uint32_t)b.len }, &m), 0);
	cr_assert_eq(m.result, -95);
	cr_assert_eq(m.method_count, 1);
	cr_assert_eq(m.methods[0], AUTH_METHOD_CEPHX);
	cr_assert_eq(m.mode_count, 2);
	cr_assert_eq(m.modes[0], 2);
}

Test(msgr, long_lists_are_read_and_cut)
{
	struct msgr_auth_bad_method m;
	struct enc e;

	enc_init(&e);
	enc_u32(&e, 1);
	enc_u32(&e, 0);
	enc_u32(&e, 20);
	for (uint32_t i = 0; i < 20; i++)
		enc_u32(&e, i);
	enc_u32(&e, 1);
	enc_u32(&e, 77);
	cr_assert_eq(msgr_auth_bad_method_decode((struct slice){ e.buf, (uint32_t)e.len }, &m), 0);
	cr_assert_eq(m.method_count, MSGR_MODES_MAX);
	cr_assert_eq(m.methods[MSGR_MODES_MAX - 1], MSGR_MODES_MAX - 1);
	cr_assert_eq(m.modes[0], 77);
	enc_free(&e);
}

Test(msgr, banner_asks_for_its_rest)
{
	struct msgr_banner in = { .supported = 3 }, got;
	struct enc e;
	size_t need;

	enc_init(&e);
	msgr_banner_encode(&e, &in);
	cr_assert_eq(e.len, MSGR_BANNER_LEN);
	for (size_t n = 0; n < e.len; n++) {
		cr_assert_eq(msgr_banner_decode(guarded(e.buf, n), n, &got, &need), 0);
		cr_assert_eq(need, n < 10 ? 10 : MSGR_BANNER_LEN);
	}
	cr_assert_eq(msgr_banner_decode(e.buf, e.len, &got, &need), 1);
	cr_assert_eq(got.supported, 3);
	cr_assert_eq(got.required, 0);
	enc_free(&e);
}

Test(msgr, banner_of_another_protocol_is_refused_early)
{
	struct msgr_banner b;
	size_t need;

	cr_assert_eq(msgr_banner_decode((const uint8_t *)"ceph v0", 7, &b, &need), -EBADMSG);
	cr_assert_eq(msgr_banner_decode((const uint8_t *)"HTTP", 4, &b, &need), -EBADMSG);
	cr_assert_eq(msgr_banner_decode((const uint8_t *)"ceph v2\n\x08\x00", 10, &b, &need), -EBADMSG);
	cr_assert_eq(msgr_banner_decode((const uint8_t *)"ceph v2\n\xff\xff", 10, &b, &need), -EBADMSG);
}

Test(msgr, longer_banner_is_read_whole)
{
	struct msgr_banner b;
	size_t need;
	struct enc e;

	enc_init(&e);
	enc_bytes(&e, "ceph v2\n", 8);
	enc_u16(&e, 24);
	enc_u64(&e, 1);
	enc_u64(&e, 0);
	enc_u64(&e, 99);
	cr_assert_eq(msgr_banner_decode(e.buf, e.len - 1, &b, &need), 0);
	cr_assert_eq(need, 34);
	cr_assert_eq(msgr_banner_decode(e.buf, e.len, &b, &need), 1);
	cr_assert_eq(need, 34);
	cr_assert_eq(b.supported, 1);
	enc_free(&e);
}

Test(msgr, no_key_signs_with_zeros)
{
	static const uint8_t zero[MSGR_SIGNATURE_LEN];
	uint8_t sig[MSGR_SIGNATURE_LEN];

	memset(sig, 0xff, sizeof(sig));
	cr_assert_eq(msgr_sign(NULL, 0, "x", 1, sig), 0);
	cr_assert_arr_eq(sig, zero, sizeof(sig));
}
