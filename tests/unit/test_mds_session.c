/* Session messages: every captured one, both ways. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "messages.h"
#include "proto/mds.h"

enum { TAILLESS = 6 };

/* What version 7 adds: the oldest tid; the decoder leaves it alone. */
static void newer_tail(struct dec *d, uint16_t version)
{
	if (version >= 7)
		dec_u64(d);
	dec_end(d);
}

static void cut_everywhere(const struct message *m, size_t used)
{
	for (size_t n = 0; n < m->front_len; n++) {
		struct dec d = dec_init(guarded(m->front, n), n);
		struct session_msg s;

		cr_assert_eq(session_decode(&d, m->version, &s), n < used ? -EBADMSG : 0, "%s %u cut at %zu",
			     m->file, m->index, n);
	}
}

static void decode_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(guarded(m->front, m->front_len), m->front_len);
	struct session_msg s;
	size_t used;

	cr_assert_eq(session_decode(&d, m->version, &s), 0, "%s %u: %s", m->file, m->index, d.what);
	used = m->front_len - dec_left(&d);
	newer_tail(&d, m->version);
	cr_assert_eq(d.err, 0, "%s %u (op %u): not consumed exactly", m->file, m->index, s.op);
	cr_assert(s.op <= SESSION_REQUEST_FLUSH_MDLOG);
	if (m->version <= TAILLESS)
		cr_assert_eq(used, m->front_len);
	cut_everywhere(m, used);
}

Test(mds_session, decodes_every_capture)
{
	cr_assert_eq(messages_each(MSG_CLIENT_SESSION, decode_one, NULL), 62);
}

/* Head-only messages of a client: their bytes from our encoder. */
static void reencode_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct session_msg s;
	struct enc e;

	if (m->version != 1)
		return;
	cr_assert_eq(session_decode(&d, m->version, &s), 0);
	if (s.op == SESSION_RECALL_STATE) {
		cr_assert(s.max_caps > 0, "a recall names a number");
		return;
	}
	enc_init(&e);
	session_encode(&e, s.op, s.seq);
	cr_assert_eq(e.err, 0);
	cr_assert_eq(e.len, m->front_len);
	cr_assert_arr_eq(e.buf, m->front, e.len, "%s %u (op %u)", m->file, m->index, s.op);
	enc_free(&e);
	++*(unsigned *)arg;
}

Test(mds_session, encodes_what_clients_send)
{
	unsigned same = 0;

	messages_each(MSG_CLIENT_SESSION, reencode_one, &same);
	cr_assert_gt(same, 30);
}

struct opening {
	struct session_kv kv[16];
	unsigned count;
};

static char *slice_dup(struct slice s)
{
	return strndup((const char *)s.p, s.len);
}

static void metadata_read(struct dec *d, struct opening *o)
{
	dec_skip(d, 28);
	o->count = dec_count(d, 8);
	cr_assert(o->count && o->count < 16);
	for (unsigned i = 0; i < o->count; i++) {
		o->kv[i].key = slice_dup(dec_slice(d));
		o->kv[i].value = slice_dup(dec_slice(d));
	}
}

/* A client's REQUEST_OPEN: ours is the same but for the metrics, of which we promise none. */
static void reencode_open(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct opening o = { 0 };
	struct session_msg s;
	struct enc e;
	size_t same;

	cr_assert_eq(session_decode(&d, m->version, &s), 0);
	if (s.op != SESSION_REQUEST_OPEN)
		return;
	d = dec_init(m->front, m->front_len);
	metadata_read(&d, &o);
	enc_init(&e);
	session_encode_open(&e, o.kv, o.count, s.features[0]);
	cr_assert_eq(e.err, 0);
	same = (size_t)(d.p - m->front) + 4 + 8;
	cr_assert_arr_eq(e.buf, m->front, same);
	cr_assert_eq(e.len, same + 6 + 4 + 4);
	d = dec_init(guarded(e.buf, e.len), e.len);
	cr_assert_eq(session_decode(&d, SESSION_OPEN_VERSION, &s), 0);
	cr_assert_eq(dec_left(&d), 0);
	enc_free(&e);
	for (unsigned i = 0; i < o.count; i++) {
		free((char *)o.kv[i].key);
		free((char *)o.kv[i].value);
	}
	++*(unsigned *)arg;
}

Test(mds_session, encodes_request_open)
{
	unsigned seen = 0;

	messages_each(MSG_CLIENT_SESSION, reencode_open, &seen);
	cr_assert_eq(seen, 8);
}

static uint64_t features_of(const char *file)
{
	if (!strcmp(file, "ceph16"))
		return 0x7ffff;
	return strcmp(file, "ceph20") ? 0x3fffff : 0xffffff;
}

static void check_answer(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct session_msg s;

	cr_assert_eq(session_decode(&d, m->version, &s), 0);
	if (s.op == SESSION_OPEN) {
		cr_assert_eq(s.features[0], features_of(m->file));
		cr_assert_eq(s.features[1], 0);
		cr_assert_eq(s.flags, 0);
		cr_assert_eq(s.error_string.len, 0);
	} else if (s.op == SESSION_REJECT) {
		cr_assert_eq(s.error_string.len, strlen("duplicated session uuid"));
		cr_assert_arr_eq(s.error_string.p, "duplicated session uuid", s.error_string.len);
		cr_assert_eq(s.features[0], 0);
		++*(unsigned *)arg;
	}
}

Test(mds_session, features_and_refusals)
{
	unsigned refusals = 0;

	messages_each(MSG_CLIENT_SESSION, check_answer, &refusals);
	cr_assert_eq(refusals, 1);
}

Test(mds_session, open_reply_to_a_bare_client)
{
	size_t len;
	uint8_t *front = test_file("mds/session_open_reply_front.bin", &len);
	struct dec d = dec_init(guarded(front, len), len);
	struct session_msg s;

	cr_assert_eq(session_decode(&d, 5, &s), 0);
	cr_assert_eq(s.op, SESSION_OPEN);
	cr_assert_eq(s.features[0], 0x7ffff);
	cr_assert_eq(dec_left(&d), 0);
	free(front);
}

/* "allow *" is all that the captured clients' keys say. */
static void grants_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct cap_auth_rule r;
	struct cap_auth_iter it;
	struct session_msg s;

	cr_assert_eq(session_decode(&d, m->version, &s), 0);
	cr_assert_eq(s.cap_auths.len >= 4, m->version >= 6);
	cr_assert_eq(cap_auths_begin(&it, s.cap_auths), 0);
	if (s.op == SESSION_OPEN && m->version >= 6) {
		cr_assert_eq(cap_auths_next(&it, &r), 1);
		cr_assert(r.uid == -1 && !r.gids.len && !r.path.len && !r.fs_name.len);
		cr_assert(!r.root_squash && r.readable && r.writeable);
		++*(unsigned *)arg;
	}
	cr_assert_eq(cap_auths_next(&it, &r), 0);
	cr_assert_eq(cap_auths_next(&it, &r), 0);
}

Test(mds_session, grants_of_the_key)
{
	unsigned opens = 0;

	messages_each(MSG_CLIENT_SESSION, grants_one, &opens);
	cr_assert_eq(opens, 6);
}

static void grant_put(struct enc *e, uint8_t version, int64_t uid, const char *path, unsigned flags)
{
	size_t grant = enc_section(e, version, 1), match = enc_section(e, version, 1);

	enc_u64(e, (uint64_t)uid);
	enc_u32(e, 2); /* gids */
	enc_u32(e, 100);
	enc_u32(e, 200);
	enc_str(e, path);
	enc_str(e, "fs");
	enc_u8(e, flags & 1);
	enc_zero(e, version > 1 ? 3 : 0); /* what a newer daemon adds */
	enc_close(e, match);
	enc_u8(e, flags >> 1 & 1);
	enc_u8(e, flags >> 2 & 1);
	enc_zero(e, version > 1 ? 5 : 0);
	enc_close(e, grant);
}

static void grant_check(const struct cap_auth_rule *r, int64_t uid, const char *path, unsigned flags)
{
	uint32_t gids[2];

	cr_assert_eq(r->uid, uid);
	cr_assert_eq(r->gids.len, sizeof(gids));
	memcpy(gids, r->gids.p, sizeof(gids));
	cr_assert(gids[0] == 100 && gids[1] == 200);
	cr_assert(r->path.len == strlen(path) && !memcmp(r->path.p, path, r->path.len));
	cr_assert(r->fs_name.len == 2 && !memcmp(r->fs_name.p, "fs", 2));
	cr_assert_eq(r->root_squash, flags & 1);
	cr_assert_eq(r->readable, flags >> 1 & 1);
	cr_assert_eq(r->writeable, flags >> 2 & 1);
}

Test(mds_session, each_field_of_a_grant)
{
	struct cap_auth_rule r;
	struct cap_auth_iter it;
	struct enc e;
	int got;

	enc_init(&e);
	enc_u32(&e, 3);
	grant_put(&e, 1, 1000, "w1", 1);
	grant_put(&e, 2, -1, "", 2);
	grant_put(&e, 1, 0, "a/b", 4);
	cr_assert_eq(cap_auths_begin(&it, (struct slice){ guarded(e.buf, e.len), (uint32_t)e.len }), 0);
	cr_assert_eq(cap_auths_next(&it, &r), 1);
	grant_check(&r, 1000, "w1", 1);
	cr_assert_eq(cap_auths_next(&it, &r), 1);
	grant_check(&r, -1, "", 2);
	cr_assert_eq(cap_auths_next(&it, &r), 1);
	grant_check(&r, 0, "a/b", 4);
	cr_assert_eq(cap_auths_next(&it, &r), 0);
	for (uint32_t n = 1; n < e.len; n++) {
		got = cap_auths_begin(&it, (struct slice){ guarded(e.buf, n), n });
		while (!got && (got = cap_auths_next(&it, &r)) == 1)
			got = 0;
		cr_assert_eq(got, -EBADMSG, "cut at %u", n);
	}
	enc_free(&e);
}

Test(mds_session, grants_that_lie_about_their_number)
{
	struct cap_auth_rule r;
	struct cap_auth_iter it;
	struct enc e;

	enc_init(&e);
	enc_u32(&e, 0);
	grant_put(&e, 1, 1, "", 0);
	cr_assert_eq(cap_auths_begin(&it, (struct slice){ guarded(e.buf, e.len), (uint32_t)e.len }), 0);
	cr_assert_eq(cap_auths_next(&it, &r), -EBADMSG, "one more than told");
	memset(e.buf, 0xff, 4);
	cr_assert_eq(cap_auths_begin(&it, (struct slice){ guarded(e.buf, e.len), (uint32_t)e.len }),
		     -EBADMSG);
	enc_free(&e);
}

static struct session_msg hand_made(uint16_t version, const uint8_t *bits, uint32_t bits_len, uint32_t flags)
{
	struct session_msg s;
	struct dec d;
	struct enc e;
	size_t mark;

	enc_init(&e);
	session_encode(&e, SESSION_REJECT, 9);
	enc_u32(&e, 0);
	enc_blob(&e, bits, bits_len);
	mark = enc_section(&e, 1, 1);
	enc_close(&e, mark);
	enc_u32(&e, flags);
	d = dec_init(guarded(e.buf, e.len), e.len);
	cr_assert_eq(session_decode(&d, version, &s), 0);
	enc_free(&e);
	return s;
}

Test(mds_session, feature_bitmaps_of_any_length)
{
	uint8_t bits[24] = { 1, 2, 0, 0, 0, 0, 0, 0x80, 4, 0, 0, 0, 0, 0, 0, 0x40, 0xff };
	struct session_msg s = hand_made(5, bits, 24, 1);

	cr_assert_eq(s.features[0], 0x8000000000000201);
	cr_assert_eq(s.features[1], 0x4000000000000004);
	cr_assert_eq(s.flags, 1);
	s = hand_made(5, bits, 3, 0);
	cr_assert_eq(s.features[0], 0x201);
	cr_assert_eq(s.features[1], 0);
}

Test(mds_session, fields_are_gated_by_version_not_by_length)
{
	uint8_t bits[8] = { 1 };

	cr_assert_eq(hand_made(4, bits, 8, 1).flags, 0);
	cr_assert_eq(hand_made(2, bits, 8, 1).features[0], 0);
	cr_assert_eq(hand_made(1, bits, 8, 1).seq, 9);
}

Test(mds_session, grants_come_with_version_6)
{
	struct session_msg s;
	struct enc e;
	struct dec d;

	enc_init(&e);
	session_encode_renew(&e, 5, 0xffff, 0);
	for (uint16_t version = 5; version <= 6; version++) {
		d = dec_init(guarded(e.buf, e.len), e.len);
		cr_assert_eq(session_decode(&d, version, &s), 0);
		cr_assert_eq(s.cap_auths.len, version >= 6 ? 4 : 0);
	}
	enc_free(&e);
}

Test(mds_session, renewal_tells_the_oldest_tid)
{
	struct session_msg s;
	struct enc e;
	struct dec d;

	enc_init(&e);
	session_encode_renew(&e, 5, 0xffff, 0x1122334455667788);
	cr_assert_eq(e.err, 0);
	d = dec_init(guarded(e.buf, e.len), e.len);
	cr_assert_eq(session_decode(&d, SESSION_RENEW_VERSION, &s), 0);
	cr_assert(s.op == SESSION_REQUEST_RENEWCAPS && s.seq == 5 && s.features[0] == 0xffff);
	cr_assert_eq(s.cap_auths.len, 4, "grants are the MDS's to tell");
	cr_assert_eq(dec_u64(&d), 0x1122334455667788);
	cr_assert_eq(dec_left(&d), 0);
	enc_free(&e);
}

Test(mds_session, a_reclaim_and_its_answer)
{
	/* 0, epoch 0x2a, and one address of 127.0.0.1 */
	static const uint8_t answer[] = { 0,  0, 0, 0, 0x2a, 0, 0, 0, 2, 1, 0, 0, 0,  1, 1, 1,
					  28, 0, 0, 0, 2,    0, 0, 0, 7, 0, 0, 0, 16, 0, 0, 0,
					  2,  0, 0, 0, 127,  0, 0, 1, 0, 0, 0, 0, 0,  0, 0, 0 };
	struct reclaim_reply r;
	struct enc e;
	struct dec d;

	for (size_t n = 0; n <= sizeof answer; n++) {
		d = dec_init(answer, n);
		cr_assert_eq(reclaim_reply_decode(&d, &r), n < sizeof answer ? -EBADMSG : 0, "cut at %zu", n);
	}
	cr_expect_eq(r.result, 0);
	cr_expect_eq(r.epoch, 0x2a);
	cr_expect_eq(r.addr_count, 1);
	enc_init(&e);
	reclaim_encode(&e, "abc", RECLAIM_RESET);
	cr_expect_eq(e.len, 11);
	cr_expect_eq(memcmp(e.buf, "\3\0\0\0abc\1\0\0\0", 11), 0);
	enc_free(&e);
}
