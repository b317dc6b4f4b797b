/* Bytes and buffers: large and cut frames, the low-water mark, and ends at awkward moments. */
#include "conn_user.h"

static struct user *mds(void (*script)(struct fake *p))
{
	struct user *u = user_new(ENTITY_MDS);

	user_connect(u, script);
	return u;
}

enum { BIG = 1 << 20 };

static void big_echo(struct fake *p)
{
	fake_open(p);
	for (int i = 1; i <= 3; i++) {
		fake_expect_message(p, (uint64_t)i, 24);
		FAKE_NEED(p, p->f.seg[1].len == BIG);
		fake_put_message(p, (uint64_t)i, (uint64_t)i, 50, p->f.seg[1].p, p->f.seg[1].len);
	}
	fake_flush(p);
}

static void send_big(struct user *u)
{
	for (int i = 0; i < 3; i++) {
		struct msg *m = msg_new(24, 1, 1, 1);
		uint8_t *room = enc_room(&m->front, BIG);

		for (int j = 0; j < BIG; j++)
			room[j] = (uint8_t)(i * 7 + j % 251);
		conn_send(u->conn, m);
	}
}

static void check_big(struct user *u, const struct msg_in *m)
{
	for (uint32_t j = 0; j < m->front_len; j++)
		if (m->front[j] != (uint8_t)((m->seq - 1) * 7 + j % 251))
			cr_assert_fail("byte %u of message %d differs", j, (int)m->seq);
}

Test(conn_io, large_messages)
{
	struct user *u = mds(big_echo);

	u->on_message = check_big;
	send_big(u);
	USER_UNTIL(u, u->count == 3);
	cr_assert_eq(u->got[2].front_len, BIG);
	user_end(u);
}

Test(conn_io, large_messages_in_secure_mode)
{
	struct user *u = user_new(ENTITY_MDS);

	user_secure(u);
	user_connect(u, big_echo);
	u->on_message = check_big;
	send_big(u);
	USER_UNTIL(u, u->count == 3);
	user_end(u);
}

/* Frames of all sizes around the receive buffers' ends, many in a write. */
static void assorted(struct fake *p)
{
	static uint8_t junk[40000];

	fake_open(p);
	for (size_t i = 1; i <= 200; i++) {
		fake_put_message(p, i, 0, (uint16_t)i, junk, i * 199 % sizeof junk);
		if (i % 7 == 0)
			FAKE_PUT(p, TAG_ACK, msgr_u64_encode(&p->out, 0));
	}
	fake_flush(p);
}

Test(conn_io, frames_cut_anywhere)
{
	struct user *u = mds(assorted);

	USER_UNTIL(u, u->count == 200);
	for (unsigned i = 0; i < 200; i++) {
		cr_assert_eq(u->got[i].type, i + 1);
		cr_assert_eq(u->got[i].front_len, (i + 1) * 199 % 40000);
	}
	user_end(u);
}

/* --- the low-water mark --- */

/* As an MDS: an ACK in a write of its own before each reply. In the second half each reply comes cut in two
 * at every place, with a lone ACK in front. */
static void ack_then_reply(struct fake *p)
{
	size_t len, cut = 1;

	fake_open(p);
	for (uint64_t i = 1; i <= 200; i++) {
		fake_expect_message(p, i, 24);
		FAKE_SEND(p, TAG_ACK, msgr_u64_encode(&p->out, i));
		usleep(300);
		fake_put_message(p, i, i, 50, "reply", 5);
		len = p->out.len;
		if (i > 100 && cut < len) {
			fake_write(p, p->out.buf, cut);
			usleep(300);
			fake_write(p, p->out.buf + cut, len - cut);
			cut++;
			enc_reset(&p->out);
		} else {
			fake_flush(p);
		}
	}
	/* An ACK alone, which need not be seen, and then the keepalive, which must. */
	FAKE_SEND(p, TAG_ACK, msgr_u64_encode(&p->out, 200));
	fake_expect(p, TAG_ACK);
	fake_expect(p, TAG_KEEPALIVE2);
	FAKE_SEND(p, TAG_KEEPALIVE2_ACK, msgr_keepalive_encode(&p->out, 1));
	fake_expect(p, TAG_KEEPALIVE2);
	FAKE_SEND(p, TAG_KEEPALIVE2_ACK, msgr_keepalive_encode(&p->out, 1));
	/* As short as a message can be. */
	usleep(300);
	p->seq = 200;
	fake_message(p, 200, 51, "");
}

static void ask_again(struct user *u, const struct msg_in *m)
{
	if (u->count < 200)
		user_send(u, 24, "q");
}

static void ping_pong(struct user *u)
{
	struct ring_stats before, after;

	u->opts.keepalive_ns = 1500000000;
	u->opts.dead_ns = 9000000000;
	u->on_message = ask_again;
	user_connect(u, ack_then_reply);
	user_send(u, 24, "q");
	USER_UNTIL(u, u->count == 10);
	ring_stats(u->ring, &before);
	USER_UNTIL(u, u->count == 90);
	ring_stats(u->ring, &after);
	/* One wake-up for each reply, not two; and no system call for the mark in the steady state. */
	cr_assert_lt(after.recvs - before.recvs, 120);
	cr_assert_eq(after.other_syscalls, before.other_syscalls);
	USER_UNTIL(u, u->count == 201);
	cr_assert_eq(u->got[200].front_len, 0);
	cr_assert_eq(u->ready, 1);
	user_end(u);
}

Test(conn_io, lone_acks_do_not_wake_and_nothing_is_delayed)
{
	ping_pong(user_new(ENTITY_MDS));
}

Test(conn_io, lone_acks_do_not_wake_in_secure_mode)
{
	struct user *u = user_new(ENTITY_MDS);

	user_secure(u);
	ping_pong(u);
}

/* --- awkward ends --- */

static void two_messages(struct fake *p)
{
	fake_open(p);
	fake_put_message(p, 1, 0, 50, "one", 3);
	fake_put_message(p, 2, 0, 51, "two", 3);
	fake_flush(p);
	fake_expect_hangup(p);
}

static void free_it(struct user *u, const struct msg_in *m)
{
	conn_free(u->conn);
	u->conn = NULL;
	cr_assert_str_eq(u->got[0].front, "one");
}

Test(conn_io, freed_inside_a_message)
{
	struct user *u = mds(two_messages);

	u->on_message = free_it;
	USER_UNTIL(u, fake_done(u->fake));
	cr_assert_eq(u->count, 1);
	user_end(u);
}

static void free_ready(struct user *u)
{
	user_send(u, 24, "x");
	conn_free(u->conn);
	u->conn = NULL;
}

Test(conn_io, freed_inside_ready)
{
	struct user *u = mds(two_messages);

	u->on_ready = free_ready;
	USER_UNTIL(u, u->ready);
	user_end(u);
}

static void read_nothing(struct fake *p)
{
	fake_open(p);
	usleep(50000);
	fake_expect_hangup(p);
}

Test(conn_io, freed_with_a_send_under_way)
{
	struct user *u = mds(read_nothing);

	USER_UNTIL(u, u->ready);
	for (int i = 0; i < 12; i++)
		send_big(u);
	ring_run(u->ring, 0);
	conn_free(u->conn);
	u->conn = NULL;
	user_end(u);
}

static void hang_up_at(struct fake *p)
{
	fake_accept(p);
	fake_expect_hangup(p);
}

Test(conn_io, freed_in_the_handshake)
{
	struct user *u = mds(hang_up_at);

	user_send(u, 24, "x");
	USER_UNTIL(u, ({
			   struct conn_info i;
			   conn_info(u->conn, &i);
			   !strcmp(i.state, "banner");
		   }));
	conn_free(u->conn);
	u->conn = NULL;
	user_end(u);
}

static void nothing(struct fake *p) {}

Test(conn_io, freed_before_it_began)
{
	struct user *u = mds(nothing);

	user_send(u, 24, "x");
	conn_free(u->conn);
	u->conn = NULL;
	conn_free(NULL);
	user_end(u);
}

static void open_only(struct fake *p)
{
	fake_open(p);
	fake_expect_hangup(p);
}

Test(conn_io, message_that_cannot_be_sent_is_a_fault_and_not_silence)
{
	struct user *u = mds(open_only);
	struct msg *m;

	USER_UNTIL(u, u->ready);
	m = msg_new(24, 1, 1, 1);
	m->front.err = -ENOMEM;
	conn_send(u->conn, m);
	cr_assert_eq(u->faults, 0, "not from inside");
	USER_UNTIL(u, u->faults);
	cr_assert_eq(u->err, -ENOMEM);
	user_send(u, 24, "after the end");
	user_end(u);
}
