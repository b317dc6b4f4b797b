/* How a connection comes to be, or does not: fast connect, refusals, foreign daemons, broken promises. */
#include "conn_user.h"

/* --- good ones --- */

/* Reads all of the client's first write before it says a word itself. */
static void patient(struct fake *p)
{
	fake_accept(p);
	fake_expect_hello(p);
	fake_put_banner(p, 1, 0);
	fake_put_hello(p);
	fake_auth(p, true);
	fake_expect_ident(p);
	FAKE_NEED(p, p->ident.flags == MSGR_FLAG_LOSSY && p->ident.supported == MSGR_FEATURES);
	FAKE_NEED(p, p->ident.global_seq == 1 && p->ident.addrs.addr[0].nonce == 4711);
	fake_put_ident(p);
	fake_flush(p);
	fake_expect_message(p, 1, 15);
	fake_expect_message(p, 2, 16);
	fake_message(p, 2, 4, "map");
	fake_expect_message(p, 3, 17);
	FAKE_NEED(p, p->h.ack_seq == 1 && p->h.tid == 1000 && p->f.seg[1].len == 5);
}

Test(conn_handshake, first_write_waits_for_nothing_and_messages_wait_for_ident)
{
	struct user *u = user_new(ENTITY_MON);

	user_connect(u, patient);
	user_send(u, 15, "one");
	user_send(u, 16, "two");
	USER_UNTIL(u, u->count == 1);
	cr_assert_eq(u->ready, 1);
	cr_assert_eq(u->resumed, 0);
	cr_assert_eq(u->got[0].seq, 1);
	cr_assert_eq(u->got[0].tid, 101);
	cr_assert_eq(u->got[0].type, 4);
	cr_assert_str_eq(u->got[0].front, "map");
	user_send(u, 17, "three");
	user_end(u);
}

static void more_rounds(struct fake *p)
{
	fake_hello(p);
	FAKE_SEND(p, TAG_AUTH_REPLY_MORE,
		  msgr_auth_more_encode(&p->out, (struct slice){ (const uint8_t *)"abc", 3 }));
	fake_expect(p, TAG_AUTH_REQUEST_MORE);
	FAKE_NEED(p, p->f.seg[0].len == 7 && !memcmp(p->f.seg[0].p + 4, "abc", 3));
	fake_auth(p, true);
	fake_expect_ident(p);
	fake_put_ident(p);
	fake_flush(p);
	fake_expect_message(p, 1, 15);
	fake_message(p, 1, 4, "map");
}

Test(conn_handshake, more_rounds_in_crc_mode)
{
	struct user *u = user_new(ENTITY_MON);

	user_connect(u, more_rounds);
	user_send(u, 15, "one");
	USER_UNTIL(u, u->count == 1);
	user_end(u);
}

Test(conn_handshake, secure_mode_with_signatures)
{
	struct user *u = user_new(ENTITY_MON);
	struct conn_info info;

	user_secure(u);
	user_connect(u, more_rounds);
	user_send(u, 15, "one");
	USER_UNTIL(u, u->count == 1);
	conn_info(u->conn, &info);
	cr_assert_eq(info.mode, CON_MODE_SECURE);
	cr_assert_str_eq(info.state, "open");
	cr_assert_eq(info.self.type, ADDR_ANY);
	cr_assert_eq(info.self.nonce, 4711);
	user_end(u);
}

static void byte_by_byte(struct fake *p)
{
	struct enc all = { 0 };

	fake_accept(p);
	fake_expect_hello(p);
	fake_put_banner(p, 1, 0);
	fake_put_hello(p);
	enc_bytes(&all, p->out.buf, p->out.len);
	enc_reset(&p->out);
	for (size_t i = 0; i < all.len; i++)
		fake_write(p, all.buf + i, 1);
	enc_free(&all);
	fake_auth(p, true);
	fake_expect_ident(p);
	fake_put_ident(p);
	fake_put_message(p, 1, 0, 4, "map", 3);
	enc_bytes(&all, p->out.buf, p->out.len);
	enc_reset(&p->out);
	for (size_t i = 0; i < all.len; i++) {
		fake_write(p, all.buf + i, 1);
		usleep(50);
	}
	enc_free(&all);
}

Test(conn_handshake, arrives_byte_by_byte)
{
	struct user *u = user_new(ENTITY_MON);

	user_connect(u, byte_by_byte);
	USER_UNTIL(u, u->count == 1);
	cr_assert_str_eq(u->got[0].front, "map");
	user_end(u);
}

Test(conn_handshake, arrives_byte_by_byte_in_secure_mode)
{
	struct user *u = user_new(ENTITY_MON);

	user_secure(u);
	user_connect(u, byte_by_byte);
	USER_UNTIL(u, u->count == 1);
	cr_assert_str_eq(u->got[0].front, "map");
	user_end(u);
}

/* --- tickets and refusals --- */

Test(conn_handshake, waits_for_a_ticket_without_connecting)
{
	struct user *u = user_new(ENTITY_MON);
	struct conn_info info;

	u->no_ticket = true;
	user_connect(u, more_rounds);
	user_send(u, 15, "one");
	user_run_ms(u, 30);
	conn_info(u->conn, &info);
	cr_assert_str_eq(info.state, "waiting for a ticket");
	cr_assert_eq(u->auths, 1);
	cr_assert_eq(u->auth_frees, 1);
	u->no_ticket = false;
	conn_auth_ready(u->conn);
	USER_UNTIL(u, u->count == 1);
	cr_assert_eq(u->auths, 2);
	user_end(u);
}

static void refuse(struct fake *p)
{
	struct msgr_auth_bad_method b = {
		.method = 1, .result = -EACCES, .methods = { 2 }, .method_count = 1
	};

	fake_hello(p);
	FAKE_SEND(p, TAG_AUTH_BAD_METHOD, msgr_auth_bad_method_encode(&p->out, &b));
	fake_expect_hangup(p);
}

Test(conn_handshake, refusal_ends_it)
{
	struct user *u = user_new(ENTITY_MDS); /* lossless too */

	u->refuse = -EACCES;
	user_connect(u, refuse);
	USER_UNTIL(u, u->faults);
	cr_assert_eq(u->err, -EACCES);
	cr_assert_eq(u->refusals, 1);
	cr_assert_eq(u->refused_result, -EACCES);
	cr_assert(strstr(u->why, "mds.0 v2:127.0.0.1:"));
	user_end(u);
}

static void refuse_hang_up_then_open(struct fake *p)
{
	refuse(p);
	fake_hello(p);
	fake_flush(p);
	fake_hangup(p);
	fake_open(p);
	fake_message(p, 0, 4, "map");
}

Test(conn_handshake, refusal_and_hang_up_are_tried_again_when_told_so)
{
	struct user *u = user_new(ENTITY_MON);

	user_connect(u, refuse_hang_up_then_open);
	USER_UNTIL(u, u->count == 1);
	cr_assert_eq(u->refusals, 2);
	cr_assert_eq(u->refused_result, -ECONNRESET);
	cr_assert_eq(u->faults, 0);
	user_end(u);
}

/* --- not the daemon we meant --- */

static void expect_fault(uint8_t type, void (*script)(struct fake *p), int err, const char *words)
{
	struct user *u = user_new(type);

	user_connect(u, script);
	USER_UNTIL(u, u->faults);
	cr_assert_eq(u->err, err, "%d: %s", u->err, u->why);
	cr_assert(strstr(u->why, words), "%s", u->why);
	cr_assert_eq(u->ready, 0);
	user_run_ms(u, 5);
	cr_assert_eq(u->faults, 1);
	user_end(u);
}

static void legacy(struct fake *p)
{
	static const uint8_t v1[9 + 2 * 136] = "ceph v027";

	fake_accept(p);
	fake_write(p, v1, sizeof v1);
	fake_expect_hangup(p);
}

Test(conn_handshake, legacy_daemon_is_named)
{
	expect_fault(ENTITY_MDS, legacy, -EPROTONOSUPPORT, "speaks only the legacy msgr1 protocol");
}

static void compression(struct fake *p)
{
	fake_accept(p);
	fake_put_banner(p, 3, 2);
	fake_flush(p);
	fake_expect_hangup(p);
}

Test(conn_handshake, required_compression_is_declined_in_words)
{
	expect_fault(ENTITY_MDS, compression, -EPROTONOSUPPORT, "requires on-wire compression");
}

static void compression_offered(struct fake *p)
{
	fake_accept(p);
	fake_expect_hello(p);
	fake_put_banner(p, 3, 0);
	fake_put_hello(p);
	fake_auth(p, true);
	fake_expect_ident(p);
	fake_put_ident(p);
	fake_put_message(p, 1, 0, 4, "map", 3);
	fake_flush(p);
}

Test(conn_handshake, offered_compression_is_left_aside)
{
	struct user *u = user_new(ENTITY_MON);

	user_connect(u, compression_offered);
	USER_UNTIL(u, u->count == 1);
	user_end(u);
}

static void http(struct fake *p)
{
	fake_accept(p);
	fake_write(p, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
	fake_expect_hangup(p);
}

Test(conn_handshake, something_else_listens)
{
	expect_fault(ENTITY_MON, http, -EBADMSG, "not a msgr2 banner");
}

static void wrong_type(struct fake *p)
{
	fake_accept(p);
	p->type = ENTITY_OSD;
	fake_put_banner(p, 1, 0);
	fake_put_hello(p);
	fake_flush(p);
	fake_expect_hangup(p);
}

Test(conn_handshake, daemon_of_another_kind)
{
	expect_fault(ENTITY_MON, wrong_type, -EPROTO, "type 4, not 1");
}

static void forged(struct fake *p)
{
	p->secure = false;
	fake_hello(p);
	fake_auth(p, false);
	fake_expect_hangup(p);
}

Test(conn_handshake, forged_signature)
{
	expect_fault(ENTITY_MON, forged, -EACCES, "signature");
}

static void message_before_signature(struct fake *p)
{
	struct msgr_auth_done d = { .global_id = FAKE_GLOBAL_ID, .con_mode = 1 };

	fake_hello(p);
	FAKE_PUT(p, TAG_AUTH_DONE, msgr_auth_done_encode(&p->out, &d));
	fake_put_ident(p);
	fake_put_message(p, 1, 0, 4, "map", 3);
	fake_flush(p);
	fake_expect_hangup(p);
}

Test(conn_handshake, nothing_is_believed_before_the_signature)
{
	expect_fault(ENTITY_MON, message_before_signature, -EPROTO, "unexpected frame server_ident");
}

static void unoffered_mode(struct fake *p)
{
	struct msgr_auth_done d = { .global_id = FAKE_GLOBAL_ID, .con_mode = 2 };

	fake_hello(p);
	FAKE_SEND(p, TAG_AUTH_DONE, msgr_auth_done_encode(&p->out, &d));
	fake_expect_hangup(p);
}

Test(conn_handshake, mode_that_was_not_offered)
{
	expect_fault(ENTITY_MON, unoffered_mode, -EPROTO, "which was not offered");
}

static void other_nonce(struct fake *p)
{
	struct msgr_server_ident id = { .addrs = { .count = 1, .addr = { fake_addr(p) } },
					.supported = MSGR_FEATURES,
					.flags = 1 };

	id.addrs.addr[0].nonce++;
	fake_hello(p);
	fake_auth(p, true);
	fake_expect_ident(p);
	FAKE_SEND(p, TAG_SERVER_IDENT, msgr_server_ident_encode(&p->out, &id));
	fake_expect_hangup(p);
}

Test(conn_handshake, daemon_with_another_nonce)
{
	expect_fault(ENTITY_MON, other_nonce, -EPROTO, "somebody else answers");
}

static void missing(struct fake *p)
{
	fake_hello(p);
	fake_auth(p, true);
	fake_expect_ident(p);
	FAKE_SEND(p, TAG_IDENT_MISSING_FEATURES, msgr_u64_encode(&p->out, 1ull << 62));
	fake_expect_hangup(p);
}

Test(conn_handshake, missing_features_are_final)
{
	expect_fault(ENTITY_MDS, missing, -EPROTONOSUPPORT, "requires features 0x4000000000000000");
}

static void endless(struct fake *p)
{
	fake_hello(p);
	for (int i = 0; i < 100; i++) {
		FAKE_SEND(p, TAG_AUTH_REPLY_MORE, msgr_auth_more_encode(&p->out, (struct slice){ p->in, 3 }));
		if (!fake_next(p))
			break;
	}
	fake_hangup(p);
}

Test(conn_handshake, endless_authentication_is_ended)
{
	expect_fault(ENTITY_MON, endless, -EPROTO, "endless");
}

static void mute(struct fake *p)
{
	fake_accept(p);
	fake_expect_hangup(p);
}

Test(conn_handshake, mute_daemon_times_out)
{
	struct user *u = user_new(ENTITY_MON);

	u->opts.connect_ns = 30000000;
	user_connect(u, mute);
	USER_UNTIL(u, u->faults);
	cr_assert_eq(u->err, -ETIMEDOUT);
	cr_assert(strstr(u->why, "no answer in time (banner)"), "%s", u->why);
	user_end(u);
}

static void nothing(struct fake *p) {}

Test(conn_handshake, nobody_listens_lossy)
{
	struct user *u = user_new(ENTITY_MON);

	shutdown(u->fake->lfd, SHUT_RDWR);
	user_connect(u, nothing);
	USER_UNTIL(u, u->faults);
	cr_assert_eq(u->err, -ECONNREFUSED, "%s", u->why);
	user_end(u);
}

Test(conn_handshake, nobody_listens_lossless_until_it_gives_up)
{
	struct user *u = user_new(ENTITY_MDS);

	u->opts.give_up_ns = 200000000;
	shutdown(u->fake->lfd, SHUT_RDWR);
	user_connect(u, nothing);
	USER_UNTIL(u, u->faults);
	cr_assert_eq(u->err, -ETIMEDOUT, "%s", u->why);
	cr_assert_gt(u->auths, 2);
	user_end(u);
}

Test(conn_handshake, impossible_options)
{
	struct user *u = user_new(ENTITY_MON);
	struct conn *c;

	u->opts.peer.type = ADDR_LEGACY;
	cr_assert_eq(conn_new(u->ring, &u->log, &u->opts, &user_ops, u, &c), -EPROTONOSUPPORT);
	u->opts.peer.type = ADDR_MSGR2;
	u->opts.mode_count = 0;
	cr_assert_eq(conn_new(u->ring, &u->log, &u->opts, &user_ops, u, &c), -EINVAL);
	u->opts.mode_count = 1;
	u->opts.nonce = 0;
	cr_assert_eq(conn_new(u->ring, &u->log, &u->opts, &user_ops, u, &c), -EINVAL);
	u->opts.nonce = 1;
	u->opts.peer.family = 0;
	cr_assert_eq(conn_new(u->ring, &u->log, &u->opts, &user_ops, u, &c), -EAFNOSUPPORT);
	fake_run(u->fake, nothing);
	user_end(u);
}
