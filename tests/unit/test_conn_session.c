/* What survives a broken TCP connection, and what does not: replay, RESET, RETRY, WAIT, acks, bad frames. */
#include "conn_user.h"

static struct user *mds(void (*script)(struct fake *p))
{
	struct user *u = user_new(ENTITY_MDS);

	user_connect(u, script);
	return u;
}

/* --- replay --- */

static void lose_the_tail(struct fake *p)
{
	fake_open(p);
	FAKE_NEED(p, p->ident.flags == 0);
	fake_expect_message(p, 1, 24);
	fake_expect_message(p, 2, 25);
	fake_expect_message(p, 3, 26);
	fake_message(p, 1, 50, "first");
	fake_message(p, 1, 51, "second");
	fake_expect_message(p, 4, 27);
	fake_hangup(p);

	fake_come_back(p);
	FAKE_NEED(p,
		  p->reconnect.in_seq == 2 && p->reconnect.connect_seq == 1 && p->reconnect.global_seq == 2);
	FAKE_PUT(p, TAG_SESSION_RECONNECT_OK, msgr_u64_encode(&p->out, 2));
	/* A replay of what came already, then news. */
	fake_put_message(p, 2, 2, 51, "second", 6);
	fake_put_message(p, 3, 2, 52, "third", 5);
	fake_flush(p);
	fake_expect_message(p, 3, 26);
	fake_expect_message(p, 4, 27);
	fake_expect_message(p, 5, 28);
	p->seq = 3;
	fake_message(p, 5, 53, "fourth");
}

static void check_replay(struct user *u)
{
	struct conn_info info;

	user_send(u, 24, "a");
	user_send(u, 25, "b");
	user_send(u, 26, "c");
	USER_UNTIL(u, u->count == 2);
	cr_assert_gt(conn_queued(u->conn), 0);
	user_send(u, 27, "d");
	USER_UNTIL(u, u->resumed);
	cr_assert_eq(u->ready, 2);
	user_send(u, 28, "e");
	USER_UNTIL(u, u->count == 4);
	cr_assert_str_eq(u->got[2].front, "third");
	cr_assert_eq(u->got[2].seq, 3);
	cr_assert_str_eq(u->got[3].front, "fourth");
	cr_assert_eq(conn_queued(u->conn), 0, "all acked");
	conn_info(u->conn, &info);
	cr_assert_eq(info.reconnects, 1);
	cr_assert_eq(info.in_seq, 4);
	cr_assert_eq(info.out_seq, 5);
	cr_assert_eq(info.acked_seq, 5);
	cr_assert_eq(u->resets + u->faults, 0);
	user_end(u);
}

Test(conn_session, messages_not_acked_are_sent_again_with_their_seq)
{
	check_replay(mds(lose_the_tail));
}

Test(conn_session, replay_in_secure_mode)
{
	struct user *u = user_new(ENTITY_MDS);

	user_secure(u);
	user_connect(u, lose_the_tail);
	check_replay(u);
}

static void lossy_mds_breaks(struct fake *p)
{
	p->flags = MSGR_FLAG_LOSSY;
	fake_open(p);
	fake_expect_message(p, 1, 24);
	fake_hangup(p);
}

Test(conn_session, the_server_decides_that_it_is_lossy)
{
	struct user *u = mds(lossy_mds_breaks);

	user_send(u, 24, "a");
	USER_UNTIL(u, u->faults);
	cr_assert_eq(u->err, -ECONNRESET);
	cr_assert(strstr(u->why, "closed the connection (open)"), "%s", u->why);
	user_end(u);
}

/* --- the peer's other answers --- */

static void forget(struct fake *p)
{
	uint64_t cookie;

	fake_open(p);
	fake_expect_message(p, 1, 24);
	fake_message(p, 0, 50, "first");
	cookie = p->ident.cookie;
	fake_hangup(p);
	fake_come_back(p);
	FAKE_SEND(p, TAG_SESSION_RESET, msgr_reset_encode(&p->out, true));
	fake_expect_ident(p);
	FAKE_NEED(p, p->ident.cookie != cookie);
	p->cookie = 0x9999;
	fake_put_ident(p);
	fake_flush(p);
	fake_expect_message(p, 1, 30);
	FAKE_NEED(p, p->h.ack_seq == 0);
	p->seq = 0;
	fake_message(p, 1, 51, "anew");
}

Test(conn_session, reset_voids_the_queue_and_starts_over_on_the_same_stream)
{
	struct user *u = mds(forget);

	user_send(u, 24, "a");
	USER_UNTIL(u, u->resets);
	cr_assert_eq(conn_queued(u->conn), 0);
	user_send(u, 30, "b");
	USER_UNTIL(u, u->count == 2);
	cr_assert_eq(u->ready, 2);
	cr_assert_eq(u->resumed, 0);
	cr_assert_eq(u->got[1].seq, 1);
	user_end(u);
}

static void count_higher(struct fake *p)
{
	fake_open(p);
	fake_hangup(p);
	fake_come_back(p);
	FAKE_NEED(p, p->reconnect.connect_seq == 1);
	FAKE_SEND(p, TAG_SESSION_RETRY, msgr_u64_encode(&p->out, 5));
	fake_expect_reconnect(p);
	FAKE_NEED(p, p->reconnect.connect_seq == 6);
	FAKE_SEND(p, TAG_SESSION_RETRY_GLOBAL, msgr_u64_encode(&p->out, 700));
	fake_expect_reconnect(p);
	FAKE_NEED(p, p->reconnect.global_seq == 701);
	FAKE_SEND(p, TAG_SESSION_RECONNECT_OK, msgr_u64_encode(&p->out, 0));
	fake_message(p, 0, 50, "go on");
}

Test(conn_session, retry_and_retry_global_raise_the_counters)
{
	struct user *u = mds(count_higher);

	USER_UNTIL(u, u->count == 1);
	cr_assert_eq(u->global_seq, 701);
	cr_assert_eq(u->resumed, 1);
	user_end(u);
}

static void count_for_ever(struct fake *p)
{
	fake_open(p);
	fake_hangup(p);
	fake_come_back(p);
	do
		FAKE_SEND(p, TAG_SESSION_RETRY, msgr_u64_encode(&p->out, 5));
	while (fake_next(p));
	fake_hangup(p);
	fake_come_back(p);
	FAKE_SEND(p, TAG_SESSION_RETRY_GLOBAL, msgr_u64_encode(&p->out, UINT64_MAX));
	fake_expect_hangup(p);
	fake_come_back(p);
	FAKE_SEND(p, TAG_SESSION_RECONNECT_OK, msgr_u64_encode(&p->out, 0));
}

Test(conn_session, endless_retries_are_ended)
{
	struct user *u = mds(count_for_ever);

	USER_UNTIL(u, u->resumed);
	cr_assert_lt(u->global_seq, 100);
	cr_assert(strstr(u->logged, "endless handshake"), "%s", u->logged);
	cr_assert(strstr(u->logged, "absurd global_seq"), "%s", u->logged);
	user_end(u);
}

static void wait_then_open(struct fake *p)
{
	fake_hello(p);
	fake_auth(p, true);
	fake_expect_ident(p);
	FAKE_SEND(p, TAG_WAIT, (void)0);
	fake_expect_hangup(p);
	fake_open(p);
	fake_message(p, 0, 50, "now");
}

Test(conn_session, wait_means_come_back_later)
{
	struct user *u = mds(wait_then_open);

	USER_UNTIL(u, u->count == 1);
	cr_assert(strstr(u->logged, "asks us to wait"), "%s", u->logged);
	user_end(u);
}

Test(conn_session, wait_does_not_end_a_lossy_connection)
{
	struct user *u = user_new(ENTITY_MON);

	user_connect(u, wait_then_open);
	USER_UNTIL(u, u->count == 1);
	cr_assert_eq(u->faults, 0);
	user_end(u);
}

static void break_before_ident(struct fake *p)
{
	uint64_t cookie;

	fake_hello(p);
	fake_auth(p, true);
	fake_expect_ident(p);
	cookie = p->ident.cookie;
	fake_hangup(p);
	fake_open(p);
	FAKE_NEED(p, p->ident.cookie == cookie);
	fake_expect_message(p, 1, 24);
	fake_message(p, 1, 50, "there");
}

Test(conn_session, interrupted_identification_is_begun_again)
{
	struct user *u = mds(break_before_ident);

	user_send(u, 24, "a");
	USER_UNTIL(u, u->count == 1);
	cr_assert_eq(u->ready, 1);
	cr_assert(strstr(u->logged, "restarted under a new nonce?"), "%s", u->logged);
	user_end(u);
}

/* --- bad frames: never believed, the session goes on --- */

static void (*bad_frame)(struct fake *p);

static void bad_then_resume(struct fake *p)
{
	fake_open(p);
	fake_expect_message(p, 1, 24);
	fake_message(p, 1, 50, "good");
	bad_frame(p);
	fake_expect_hangup(p);
	fake_come_back(p);
	FAKE_NEED(p, p->reconnect.in_seq == 1);
	FAKE_SEND(p, TAG_SESSION_RECONNECT_OK, msgr_u64_encode(&p->out, 1));
	p->seq = 1;
	fake_message(p, 1, 51, "better");
}

static void survives(void (*bad)(struct fake *p), const char *words)
{
	struct user *u;

	bad_frame = bad;
	u = mds(bad_then_resume);
	user_send(u, 24, "a");
	USER_UNTIL(u, u->count == 2);
	cr_assert_str_eq(u->got[1].front, "better");
	cr_assert_eq(u->resumed, 1);
	cr_assert(strstr(u->logged, words), "%s", u->logged);
	user_end(u);
}

static void garbage(struct fake *p)
{
	uint8_t junk[200];

	memset(junk, 0xa5, sizeof junk);
	fake_write(p, junk, sizeof junk);
}

Test(conn_session, garbage)
{
	survives(garbage, "preamble checksum wrong");
}

static void gap(struct fake *p)
{
	fake_put_message(p, 3, 1, 50, "x", 1);
	fake_flush(p);
}

Test(conn_session, gap_in_the_sequence)
{
	survives(gap, "message 3 follows 1");
}

static void oversized(struct fake *p)
{
	static uint8_t zero[1000];
	struct slice seg[2] = { { zero, 41 }, { zero, 1000 } };
	uint32_t len = CONN_FRONT_MAX + 1, crc;

	frame_encode(&p->out, TAG_MESSAGE, seg, 2, NULL);
	memcpy(p->out.buf + 8, &len, 4);
	/* The preamble's checksum, by hand: raw crc32c from 0. */
	crc = 0;
	for (int i = 0; i < 28; i++) {
		crc ^= p->out.buf[i];
		for (int b = 0; b < 8; b++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	memcpy(p->out.buf + 28, &crc, 4);
	fake_flush(p);
}

Test(conn_session, oversized_front)
{
	survives(oversized, "over the limit");
}

static void damaged(struct fake *p)
{
	fake_put_message(p, 2, 1, 50, "hello", 5);
	p->out.buf[p->out.len - 15] ^= 1;
	fake_flush(p);
}

Test(conn_session, damaged_front)
{
	survives(damaged, "checksum wrong");
}

static void cut_short(struct fake *p)
{
	fake_put_message(p, 2, 1, 50, "hello", 5);
	fake_write(p, p->out.buf, p->out.len - 3);
	enc_reset(&p->out);
	shutdown(p->fd, SHUT_WR);
}

Test(conn_session, cut_short)
{
	survives(cut_short, "closed the connection");
}

static void handshake_frame(struct fake *p)
{
	fake_put_hello(p);
	fake_flush(p);
}

Test(conn_session, handshake_frame_at_the_wrong_time)
{
	survives(handshake_frame, "unexpected frame hello");
}

static void absurd_ack(struct fake *p)
{
	FAKE_SEND(p, TAG_ACK, msgr_u64_encode(&p->out, 9));
}

Test(conn_session, ack_of_what_was_never_sent)
{
	survives(absurd_ack, "acks message 9, of 1 sent");
}

static void silence(struct fake *p)
{
	fake_expect(p, TAG_KEEPALIVE2); /* and no answer */
}

Test(conn_session, dead_peer)
{
	struct user *u = user_new(ENTITY_MDS);

	bad_frame = silence;
	u->opts.keepalive_ns = 20000000;
	u->opts.dead_ns = 30000000;
	user_connect(u, bad_then_resume);
	user_send(u, 24, "a");
	USER_UNTIL(u, u->count == 2);
	cr_assert(strstr(u->logged, "silent for"), "%s", u->logged);
	user_end(u);
}

/* --- keepalive, acks --- */

static void echo(struct fake *p)
{
	uint64_t stamp;

	fake_open(p);
	FAKE_SEND(p, TAG_KEEPALIVE2, msgr_keepalive_encode(&p->out, 123456789012345));
	fake_expect(p, TAG_KEEPALIVE2_ACK);
	FAKE_NEED(p, !msgr_keepalive_decode(p->f.seg[0], &stamp) && stamp == 123456789012345);
}

Test(conn_session, keepalive_of_the_peer_is_echoed)
{
	user_end(mds(echo));
}

static void lively(struct fake *p)
{
	uint64_t stamp;

	fake_open(p);
	for (int i = 0; i < 5; i++) {
		fake_expect(p, TAG_KEEPALIVE2);
		FAKE_NEED(p, !msgr_keepalive_decode(p->f.seg[0], &stamp));
		FAKE_SEND(p, TAG_KEEPALIVE2_ACK, msgr_keepalive_encode(&p->out, stamp));
		/* Alone: then the low-water mark goes up, and the next answers are as short as this. */
		if (i < 2) {
			usleep(2000);
			FAKE_SEND(p, TAG_ACK, msgr_u64_encode(&p->out, 0));
		}
	}
	fake_message(p, 0, 50, "alive");
}

Test(conn_session, keepalive_when_idle)
{
	struct user *u = user_new(ENTITY_MDS);

	u->opts.keepalive_ns = 10000000;
	u->opts.dead_ns = 3000000000;
	user_connect(u, lively);
	USER_UNTIL(u, u->count == 1);
	cr_assert_eq(u->ready, 1);
	user_end(u);
}

static void chatter(struct fake *p)
{
	uint64_t acked;

	fake_open(p);
	for (int i = 0; i < 70; i++)
		fake_put_message(p, ++p->seq, 0, 50, "x", 1);
	fake_flush(p);
	/* By their number, long before a second is over. */
	FAKE_NEED(p, fake_expect_u64(p, TAG_ACK) >= 64);
	fake_expect(p, TAG_KEEPALIVE2);
	FAKE_SEND(p, TAG_KEEPALIVE2_ACK, msgr_keepalive_encode(&p->out, 1));
	fake_message(p, 0, 51, "last");
	/* By time. */
	do
		FAKE_NEED(p, fake_next(p));
	while (p->f.tag != TAG_ACK || msgr_u64_decode(p->f.seg[0], &acked) || acked < 71);
}

Test(conn_session, received_messages_are_acked)
{
	struct user *u = user_new(ENTITY_MDS);

	u->opts.keepalive_ns = 300000000;
	user_connect(u, chatter);
	USER_UNTIL(u, u->count == 71);
	user_end(u);
}

static void ack_alone(struct fake *p)
{
	fake_open(p);
	fake_expect_message(p, 1, 24);
	fake_expect_message(p, 2, 25);
	FAKE_SEND(p, TAG_ACK, msgr_u64_encode(&p->out, 2));
}

Test(conn_session, ack_frees_what_was_kept)
{
	struct user *u = mds(ack_alone);

	user_send(u, 24, "a");
	user_send(u, 25, "b");
	USER_UNTIL(u, u->ready && !conn_queued(u->conn));
	user_end(u);
}
