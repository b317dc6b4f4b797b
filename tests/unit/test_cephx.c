/* test_cephx.c: logins, renewals and authorizers against captured exchanges of both key types and their
 * mixture. */
#include "../../src/proto/cephx.h"

#include <errno.h>
#include "../../src/proto/msgr.h"
#include "vectors.h"

enum { ALL = ENTITY_MON | ENTITY_MDS | ENTITY_OSD | ENTITY_MGR | ENTITY_AUTH };
#define NOW_NS    1000000000000ull
#define SECOND_NS 1000000000ull

static struct cephx_login login_of(const char *key)
{
	struct cephx_login l;
	struct crypto_key k;

	cr_assert_eq(crypto_key_parse(&k, key, strlen(key)), 0);
	cephx_login_init(&l, &k);
	return l;
}

/* Brings a login to the point where AUTH_DONE is due; asserts what was sent where `sent` is given. */
static void login_until_done(struct cephx_login *l, struct bytes challenge, uint64_t client_challenge,
			     const struct cephx_tickets *old, struct bytes sent)
{
	struct enc e;

	enc_init(&e);
	cr_assert_eq(cephx_login_request(l, "client.vec", old ? old->global_id : 0, &e), 0);
	enc_reset(&e);
	cr_assert_eq(cephx_login_more(l, challenge.p, challenge.len, client_challenge, old, ALL, &e), 0, "%s",
		     l->why);
	if (sent.p)
		assert_bytes(e.buf, e.len, sent.p, sent.len);
	enc_free(&e);
}

static void assert_key(const struct cephx_tickets *t, uint32_t service, uint16_t type, const char *hex)
{
	const struct cephx_ticket *k = cephx_ticket_find(t, service);
	struct bytes want = unhex(hex);

	cr_assert_not_null(k, "service %u", service);
	cr_assert_eq(k->session_key.type, type);
	assert_bytes(k->session_key.secret, k->session_key.len, want.p, want.len, "service %u", service);
}

/* A whole login from one set of captured payloads. */
static void login(const char *key, const char *prefix, uint64_t challenge, uint64_t gid,
		  struct cephx_tickets *t, struct cephx_session *session)
{
	struct cephx_login l = login_of(key);
	char name[64];
	struct bytes part[4];
	struct enc e;

	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s_%d.bin", prefix, i);
		part[i] = vector(name);
	}
	enc_init(&e);
	cr_assert_eq(cephx_login_request(&l, "client.vec", 0, &e), 0);
	assert_bytes(e.buf, e.len, part[0].p, part[0].len);
	enc_free(&e);
	login_until_done(&l, part[1], challenge, NULL, part[2]);
	cephx_tickets_init(t);
	cr_assert_eq(cephx_login_done(&l, gid, false, part[3].p, part[3].len, NOW_NS, t, session), 0, "%s",
		     l.why);
	cephx_login_fini(&l);
}

static void login_old(struct cephx_tickets *t, struct cephx_session *s)
{
	login(OLD_KEY, "mon_auth", OLD_CLIENT_CHALLENGE, 4173, t, s);
}

static void login_new(struct cephx_tickets *t, struct cephx_session *s)
{
	login(NEW_KEY, "aes256k_mon_auth", NEW_CLIENT_CHALLENGE, 4240, t, s);
}

Test(cephx, login_with_type_1)
{
	struct cephx_tickets t;
	struct cephx_session s;
	struct bytes key = unhex(OLD_SESSION_KEY);

	login_old(&t, &s);
	cr_assert_eq(t.global_id, 4173);
	assert_key(&t, ENTITY_AUTH, KEY_AES128, OLD_SESSION_KEY);
	assert_key(&t, ENTITY_MON, KEY_AES128, "9fa20f38d25eb8444ff25429faa2969e");
	assert_key(&t, ENTITY_MDS, KEY_AES128, OLD_TICKET_MDS_KEY);
	assert_key(&t, ENTITY_OSD, KEY_AES128, "cbe7be286a5444ce5c7d659b001c30cf");
	assert_key(&t, ENTITY_MGR, KEY_AES128, "08e169a026bd7fa85f196544cdcd69ce");
	assert_bytes(s.key, s.key_len, key.p, key.len);
	cr_assert_eq(s.con_secret_len, 0);
	cephx_tickets_fini(&t);
}

Test(cephx, login_with_type_2)
{
	struct cephx_tickets t;
	struct cephx_session s;
	struct bytes key = unhex(NEW_SESSION_KEY);

	login_new(&t, &s);
	assert_key(&t, ENTITY_AUTH, KEY_AES256K, NEW_SESSION_KEY);
	assert_key(&t, ENTITY_MDS, KEY_AES256K, NEW_TICKET_MDS_KEY);
	assert_key(&t, ENTITY_MGR, KEY_AES256K,
		   "fe12e2bc6a491cd4527e32264d9d8b1d2d234b35db7777b9bb9a54bf41cbac1c");
	assert_bytes(s.key, s.key_len, key.p, key.len);
	cephx_tickets_fini(&t);
}

/* The AUTH_* payloads of one direction of a captured file. */
static struct slice payload_of(struct bytes b, uint8_t tag, uint64_t *gid)
{
	struct msgr_auth_done done;
	struct msgr_banner banner;
	struct slice more;
	struct frame_dec d;
	struct frame f;
	size_t at;

	frame_dec_init(&d, 1 << 20, 1 << 20, 1 << 20);
	cr_assert_eq(msgr_banner_decode(b.p, b.len, &banner, &at), 1);
	for (;;) {
		cr_assert_eq(frame_decode(&d, b.p + at, b.len - at, &f), 1);
		if (f.tag == tag)
			break;
		at += f.wire_len;
	}
	if (tag == TAG_AUTH_DONE) {
		cr_assert_eq(msgr_auth_done_decode(f.seg[0], &done), 0);
		*gid = done.global_id;
		return done.payload;
	}
	cr_assert_eq(msgr_auth_more_decode(f.seg[0], &more), 0);
	return more;
}

static struct bytes as_bytes(struct slice s)
{
	return (struct bytes){ (uint8_t *)(uintptr_t)s.p, s.len };
}

Test(cephx, secure_login_with_type_1_brings_the_secret)
{
	struct bytes c2s = vector("mon_secure_client_to_server.bin"),
		     s2c = vector("mon_secure_server_to_client.bin");
	struct bytes key = unhex(OLD_SECURE_SESSION_KEY), secret = unhex(OLD_CON_SECRET);
	struct bytes sent = as_bytes(payload_of(c2s, TAG_AUTH_REQUEST_MORE, NULL));
	struct cephx_login l = login_of(OLD_KEY);
	struct cephx_tickets t;
	struct cephx_session s;
	uint64_t challenge, gid;
	struct slice done;

	memcpy(&challenge, sent.p + 3, 8);
	login_until_done(&l, as_bytes(payload_of(s2c, TAG_AUTH_REPLY_MORE, NULL)), challenge, NULL, sent);
	done = payload_of(s2c, TAG_AUTH_DONE, &gid);
	cephx_tickets_init(&t);
	cr_assert_eq(cephx_login_done(&l, gid, true, done.p, done.len, NOW_NS, &t, &s), 0, "%s", l.why);
	assert_bytes(s.key, s.key_len, key.p, key.len);
	assert_bytes(s.con_secret, s.con_secret_len, secret.p, secret.len);
	cephx_tickets_fini(&t);
	cephx_login_fini(&l);
}

/* The old ticket is presented; the new one comes wrapped under the old session key. */
Test(cephx, login_with_the_old_ticket_keeps_the_global_id)
{
	struct bytes c2s = vector("aes256k_mon_secure_client_to_server.bin"),
		     s2c = vector("aes256k_mon_secure_server_to_client.bin");
	struct bytes key = unhex(NEW_SECURE_SESSION_KEY), secret = unhex(NEW_CON_SECRET);
	struct cephx_login l = login_of(NEW_KEY);
	struct cephx_tickets old, t;
	struct cephx_session s;
	uint64_t gid;
	struct slice done;

	login_new(&old, &s);
	login_until_done(&l, as_bytes(payload_of(s2c, TAG_AUTH_REPLY_MORE, NULL)),
			 NEW_SECURE_CLIENT_CHALLENGE, &old,
			 as_bytes(payload_of(c2s, TAG_AUTH_REQUEST_MORE, NULL)));
	done = payload_of(s2c, TAG_AUTH_DONE, &gid);
	cephx_tickets_init(&t);
	cr_assert_eq(cephx_login_done(&l, gid, true, done.p, done.len, NOW_NS, &t, &s), 0, "%s", l.why);
	cr_assert_eq(gid, 4240);
	assert_bytes(s.key, s.key_len, key.p, key.len);
	assert_bytes(s.con_secret, s.con_secret_len, secret.p, secret.len);
	assert_key(&t, ENTITY_MDS, KEY_AES256K, NEW_SECURE_MDS_KEY);
	cephx_tickets_merge(&old, &t);
	assert_key(&old, ENTITY_AUTH, KEY_AES256K, NEW_SECURE_SESSION_KEY);
	cr_assert_null(cephx_ticket_find(&t, ENTITY_AUTH));
	cephx_tickets_fini(&old);
	cephx_tickets_fini(&t);
	cephx_login_fini(&l);
}

Test(cephx, wrapped_ticket_without_the_old_key_is_refused)
{
	struct bytes s2c = vector("aes256k_mon_secure_server_to_client.bin");
	struct cephx_login l = login_of(NEW_KEY);
	struct cephx_tickets t;
	struct cephx_session s;
	uint64_t gid;
	struct slice done;

	login_until_done(&l, as_bytes(payload_of(s2c, TAG_AUTH_REPLY_MORE, NULL)), 1, NULL,
			 (struct bytes){ 0 });
	done = payload_of(s2c, TAG_AUTH_DONE, &gid);
	cephx_tickets_init(&t);
	cr_assert_eq(cephx_login_done(&l, gid, true, done.p, done.len, NOW_NS, &t, &s), -EACCES);
	cr_assert_not_null(l.why);
	cephx_tickets_fini(&t);
}

Test(cephx, type_2_secret_with_type_1_service_keys)
{
	struct bytes challenge = vector("aes256k_mon_auth_1.bin"),
		     done = vector("aes256k_mixed_auth_done.bin");
	struct cephx_login l = login_of(MIXED_KEY);
	struct cephx_authorizer a;
	struct cephx_tickets t;
	struct cephx_session s;
	struct enc e;

	login_until_done(&l, challenge, 1, NULL, (struct bytes){ 0 });
	cephx_tickets_init(&t);
	cr_assert_eq(cephx_login_done(&l, 1, false, done.p, done.len, NOW_NS, &t, &s), 0, "%s", l.why);
	cr_assert_eq(s.key_len, 32);
	assert_key(&t, ENTITY_AUTH, KEY_AES256K, MIXED_SESSION_KEY);
	assert_key(&t, ENTITY_MDS, KEY_AES128, MIXED_MDS_KEY);
	enc_init(&e);
	cephx_authorizer_init(&a);
	cr_assert_eq(cephx_authorizer_request(&a, &t, ENTITY_MDS, 1, (const uint8_t[16]){ 0 }, &e), 0);
	cr_assert_eq(a.key.type, KEY_AES128);
	cephx_authorizer_fini(&a);
	enc_free(&e);
	cephx_tickets_fini(&t);
}

Test(cephx, wrong_secret_key_is_eacces)
{
	struct bytes challenge = vector("mon_auth_1.bin"), done = vector("mon_auth_3.bin");
	static const char *const wrong[] = { "AQBSngJrcPorCxAAGkgTUpYmzK00GEjjMat33B==", NEW_KEY };
	struct cephx_tickets t;
	struct cephx_session s;

	for (int i = 0; i < 2; i++) {
		struct cephx_login l = login_of(wrong[i]);

		l.key.secret[0] ^= 1;
		login_until_done(&l, challenge, 1, NULL, (struct bytes){ 0 });
		cephx_tickets_init(&t);
		cr_assert_eq(cephx_login_done(&l, 1, false, done.p, done.len, NOW_NS, &t, &s), -EACCES);
		cr_assert_not_null(l.why);
		cephx_tickets_fini(&t);
	}
}

static void cut_login(const char *key, const char *challenge_name, const char *done_name)
{
	struct bytes challenge = vector(challenge_name), done = vector(done_name);
	struct cephx_login l = login_of(key);
	struct cephx_tickets t;
	struct cephx_session s;

	login_until_done(&l, challenge, 1, NULL, (struct bytes){ 0 });
	for (size_t n = 0; n < done.len; n++) {
		cephx_tickets_init(&t);
		cr_assert_lt(cephx_login_done(&l, 1, false, guarded(done.p, n), n, NOW_NS, &t, &s), 0,
			     "cut at %zu", n);
		cr_assert_not_null(l.why);
		cr_assert_eq(s.key_len, 0);
		cephx_tickets_fini(&t);
	}
}

Test(cephx, login_cut_anywhere_fails)
{
	cut_login(OLD_KEY, "mon_auth_1.bin", "mon_auth_3.bin");
	cut_login(NEW_KEY, "aes256k_mon_auth_1.bin", "aes256k_mon_auth_3.bin");
	cut_login(MIXED_KEY, "aes256k_mon_auth_1.bin", "aes256k_mixed_auth_done.bin");
}

Test(cephx, secure_mode_without_a_secret_is_refused)
{
	struct bytes challenge = vector("mon_auth_1.bin"), done = vector("mon_auth_3.bin");
	struct cephx_login l = login_of(OLD_KEY);
	struct cephx_tickets t;
	struct cephx_session s;

	login_until_done(&l, challenge, 1, NULL, (struct bytes){ 0 });
	cephx_tickets_init(&t);
	cr_assert_eq(cephx_login_done(&l, 1, true, done.p, done.len, NOW_NS, &t, &s), -EBADMSG);
	cephx_tickets_fini(&t);
}

Test(cephx, steps_out_of_order_are_refused)
{
	struct bytes challenge = vector("mon_auth_1.bin"), done = vector("mon_auth_3.bin");
	struct cephx_login l = login_of(OLD_KEY);
	struct cephx_authorizer a;
	struct cephx_tickets t;
	struct cephx_session s;
	struct enc e;

	enc_init(&e);
	cephx_tickets_init(&t);
	cr_assert_eq(cephx_login_more(&l, challenge.p, challenge.len, 1, NULL, 0, &e), -EPROTO);
	cr_assert_eq(cephx_login_done(&l, 1, false, done.p, done.len, NOW_NS, &t, &s), -EPROTO);
	login_until_done(&l, challenge, 1, NULL, (struct bytes){ 0 });
	cr_assert_eq(cephx_login_more(&l, challenge.p, challenge.len, 1, NULL, 0, &e), -EPROTO);
	cephx_authorizer_init(&a);
	cr_assert_eq(cephx_authorizer_more(&a, "x", 1, (const uint8_t[16]){ 0 }, &e), -EPROTO);
	cr_assert_eq(cephx_authorizer_done(&a, false, "x", 1, &s), -EPROTO);
	cr_assert_eq(cephx_authorizer_request(&a, &t, ENTITY_MDS, 1, (const uint8_t[16]){ 0 }, &e), -ENOENT);
	cephx_authorizer_fini(&a);
	enc_free(&e);
}

Test(cephx, monitor_status_is_handed_up)
{
	struct bytes challenge = vector("mon_auth_1.bin"), done = unhex("0001"
									"f3ffffff");
	struct cephx_login l = login_of(OLD_KEY);
	struct cephx_tickets t;
	struct cephx_session s;

	login_until_done(&l, challenge, 1, NULL, (struct bytes){ 0 });
	cephx_tickets_init(&t);
	cr_assert_eq(cephx_login_done(&l, 1, false, done.p, done.len, NOW_NS, &t, &s), -EACCES);
	cephx_tickets_fini(&t);
}

Test(cephx, entity_name_has_a_limit)
{
	struct cephx_login l = login_of(OLD_KEY);
	char name[CEPHX_NAME_MAX + 2];
	struct enc e;

	memset(name, 'n', sizeof(name) - 1);
	memcpy(name, "client.", 7);
	name[sizeof(name) - 1] = 0;
	enc_init(&e);
	cr_assert_eq(cephx_login_request(&l, name, 0, &e), -EINVAL);
	enc_free(&e);
}

/* --- validity --- */

Test(cephx, tickets_are_due_at_three_quarters)
{
	struct cephx_tickets t;
	struct cephx_session s;
	const struct cephx_ticket *mds;
	uint64_t due = NOW_NS + 2700 * SECOND_NS;

	login_old(&t, &s);
	mds = cephx_ticket_find(&t, ENTITY_MDS);
	cr_assert_eq(mds->expires_ns, NOW_NS + 3600 * SECOND_NS);
	cr_assert_eq(mds->renew_ns, due);
	cr_assert_eq(cephx_ticket_find(&t, ENTITY_AUTH)->expires_ns, NOW_NS + 259200 * SECOND_NS);
	cr_assert_eq(cephx_tickets_due(&t, ENTITY_MDS | ENTITY_AUTH, due - 1), 0);
	cr_assert_eq(cephx_tickets_due(&t, ENTITY_MDS | ENTITY_AUTH, due), ENTITY_MDS);
	cr_assert_eq(cephx_tickets_next_due(&t, ENTITY_MDS | ENTITY_AUTH), due);
	cr_assert_not(cephx_ticket_expired(mds, mds->expires_ns - 1));
	cr_assert(cephx_ticket_expired(mds, mds->expires_ns));
	cephx_ticket_drop(&t, ENTITY_MDS);
	cr_assert_null(cephx_ticket_find(&t, ENTITY_MDS));
	cr_assert_eq(cephx_tickets_due(&t, ENTITY_MDS, 0), ENTITY_MDS);
	cr_assert_eq(cephx_tickets_next_due(&t, ENTITY_MDS), UINT64_MAX);
	cephx_tickets_fini(&t);
}

/* --- renewal --- */

Test(cephx, renewal_is_asked_for_as_captured)
{
	struct bytes want = vector("aes256k_renew_request.bin"), key = unhex(NEW_SESSION_KEY);
	size_t sealed = want.len - 5 - 67, n;
	struct cephx_tickets t;
	struct cephx_session s;
	uint8_t plain[67];
	uint64_t nonce;
	struct enc e;

	/* The random parts are taken out of the capture. */
	cr_assert_eq(aes256k_decrypt(key.p, USAGE_AUTHORIZER, want.p + sealed, 67, plain, &n), 0);
	memcpy(&nonce, plain + 16 + 9 + 1, 8);
	login_new(&t, &s);
	enc_init(&e);
	cr_assert_eq(cephx_renew_request(&t, ENTITY_MDS, nonce, plain, &e), 0);
	assert_bytes(e.buf, e.len, want.p, want.len);
	enc_free(&e);
	cephx_tickets_fini(&t);
}

Test(cephx, renewal_replaces_only_what_came)
{
	struct bytes reply = vector("aes256k_renew_reply.bin");
	const char *why = "unset";
	struct cephx_tickets t;
	struct cephx_session s;

	login_new(&t, &s);
	cr_assert_eq(cephx_renew_reply(&t, reply.p, reply.len, NOW_NS + 5, &why), 0, "%s", why);
	assert_key(&t, ENTITY_MDS, KEY_AES256K, NEW_RENEWED_MDS_KEY);
	assert_key(&t, ENTITY_AUTH, KEY_AES256K, NEW_SESSION_KEY);
	cr_assert_eq(t.global_id, 4240);
	cr_assert_eq(cephx_ticket_find(&t, ENTITY_MDS)->expires_ns, NOW_NS + 5 + 3600 * SECOND_NS);
	cephx_tickets_fini(&t);
}

Test(cephx, broken_renewal_changes_nothing)
{
	struct bytes reply = vector("aes256k_renew_reply.bin");
	struct cephx_tickets t;
	struct cephx_session s;
	const char *why;

	login_new(&t, &s);
	for (size_t n = 0; n < reply.len; n++) {
		why = NULL;
		cr_assert_lt(cephx_renew_reply(&t, guarded(reply.p, n), n, NOW_NS, &why), 0);
		cr_assert_not_null(why);
	}
	reply.p[30] ^= 1;
	cr_assert_eq(cephx_renew_reply(&t, reply.p, reply.len, NOW_NS, &why), -EACCES);
	assert_key(&t, ENTITY_MDS, KEY_AES256K, NEW_TICKET_MDS_KEY);
	cephx_tickets_fini(&t);
	cr_assert_eq(cephx_renew_reply(&t, reply.p, reply.len, NOW_NS, &why), -ENOENT);
}

Test(cephx, auth_message_carries_the_payload)
{
	struct bytes head = unhex("0000000000000000"
				  "ffff"
				  "0000000000000000"
				  "02000000"
				  "03000000"
				  "616263"
				  "01000000"),
		     reply = unhex("02000000"
				   "f3ffffff"
				   "0710000000000000"
				   "0100000078"
				   "020000006e6f");
	struct auth_reply r;
	struct enc e;
	struct dec d;

	enc_init(&e);
	auth_msg_encode(&e, 2, (struct slice){ (const uint8_t *)"abc", 3 }, 1);
	assert_bytes(e.buf, e.len, head.p, head.len);
	enc_free(&e);
	d = dec_init(reply.p, reply.len);
	cr_assert_eq(auth_reply_decode(&d, &r), 0);
	cr_assert_eq(r.protocol, 2);
	cr_assert_eq(r.result, -13);
	cr_assert_eq(r.global_id, 0x1007);
	assert_bytes(r.payload.p, r.payload.len, "x", 1);
	assert_bytes(r.words.p, r.words.len, "no", 2);
	for (size_t n = 0; n < reply.len; n++) {
		d = dec_init(guarded(reply.p, n), n);
		cr_assert_eq(auth_reply_decode(&d, &r), -EBADMSG);
	}
}

/* --- authorizers --- */

/* A captured handshake with an mds. */
static void authorize(const struct cephx_tickets *t, const char *prefix, uint64_t nonce,
		      const uint8_t *confounder_1, const uint8_t *confounder_2, const char *key)
{
	struct bytes part[4], want = unhex(key);
	struct cephx_authorizer a;
	struct cephx_session s;
	char name[64];
	struct enc e;

	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s_%d.bin", prefix, i);
		part[i] = vector(name);
	}
	enc_init(&e);
	cephx_authorizer_init(&a);
	cr_assert_eq(cephx_authorizer_request(&a, t, ENTITY_MDS, nonce, confounder_1, &e), 0);
	assert_bytes(e.buf, e.len, part[0].p, part[0].len);
	enc_reset(&e);
	for (size_t n = 0; n < part[1].len; n++)
		cr_assert_lt(cephx_authorizer_more(&a, guarded(part[1].p, n), n, confounder_2, &e), 0);
	cr_assert_eq(cephx_authorizer_more(&a, part[1].p, part[1].len, confounder_2, &e), 0, "%s", a.why);
	assert_bytes(e.buf, e.len, part[2].p, part[2].len);
	for (size_t n = 0; n < part[3].len; n++)
		cr_assert_lt(cephx_authorizer_done(&a, false, guarded(part[3].p, n), n, &s), 0);
	cr_assert_eq(cephx_authorizer_done(&a, true, part[3].p, part[3].len, &s), -EBADMSG);
	cr_assert_eq(cephx_authorizer_done(&a, false, part[3].p, part[3].len, &s), 0, "%s", a.why);
	assert_bytes(s.key, s.key_len, want.p, want.len);
	a.nonce++;
	cr_assert_eq(cephx_authorizer_done(&a, false, part[3].p, part[3].len, &s), -EACCES);
	cr_assert_eq(s.key_len, 0);
	cephx_authorizer_fini(&a);
	enc_free(&e);
}

Test(cephx, authorizer_with_type_1)
{
	struct cephx_tickets t;
	struct cephx_session s;

	login_old(&t, &s);
	authorize(&t, "mds_auth", OLD_MDS_NONCE, NULL, NULL, OLD_TICKET_MDS_KEY);
	cephx_tickets_fini(&t);
}

Test(cephx, authorizer_with_type_2_after_renewal)
{
	struct bytes reply = vector("aes256k_renew_reply.bin");
	struct cephx_tickets t;
	struct cephx_session s;

	login_new(&t, &s);
	cr_assert_eq(cephx_renew_reply(&t, reply.p, reply.len, NOW_NS, NULL), 0);
	authorize(&t, "aes256k_mds_auth", NEW_MDS_NONCE, unhex(NEW_MDS_CONFOUNDER_1).p,
		  unhex(NEW_MDS_CONFOUNDER_2).p, NEW_RENEWED_MDS_KEY);
	cephx_tickets_fini(&t);
}

Test(cephx, secure_authorizer_reply_brings_the_secret)
{
	struct bytes done = vector("aes256k_mds_secure_auth_done.bin"), key = unhex(NEW_SECURE_MDS_KEY),
		     secret;
	/* nonce + 1 and the secret of the capture: its decrypted form */
	uint8_t plain[256];
	size_t n;
	struct cephx_authorizer a;
	struct cephx_session s;

	cr_assert_eq(aes256k_decrypt(key.p, USAGE_AUTHORIZER_REPLY, done.p + 4, done.len - 4, plain, &n), 0);
	secret = (struct bytes){ plain + 16 + 9 + 1 + 8 + 4, 64 };
	cephx_authorizer_init(&a);
	a.key = (struct crypto_key){ .type = KEY_AES256K, .len = 32 };
	memcpy(a.key.secret, key.p, 32);
	a.asked = a.challenged = true;
	memcpy(&a.nonce, plain + 16 + 9 + 1, 8);
	a.nonce--;
	cr_assert_eq(cephx_authorizer_done(&a, true, done.p, done.len, &s), 0, "%s", a.why);
	assert_bytes(s.con_secret, s.con_secret_len, secret.p, secret.len);
	cephx_authorizer_fini(&a);
}

Test(cephx, auth_none_says_who_we_are)
{
	struct bytes mon = unhex("0a"
				 "08000000"
				 "03000000766563"
				 "0500000000000000"),
		     mds = unhex("01"
				 "08000000"
				 "03000000766563"
				 "0500000000000000");
	struct enc e;

	enc_init(&e);
	cr_assert_eq(auth_none_request("client.vec", 5, true, &e), 0);
	assert_bytes(e.buf, e.len, mon.p, mon.len);
	enc_reset(&e);
	cr_assert_eq(auth_none_request("client.vec", 5, false, &e), 0);
	assert_bytes(e.buf, e.len, mds.p, mds.len);
	enc_free(&e);
}
