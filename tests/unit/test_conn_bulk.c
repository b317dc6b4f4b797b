/* Bulk that is sent from where it lies and received where it shall be, and who has the memory when. */
#include "conn_user.h"

enum { OSD_TYPE = ENTITY_OSD, BULK = 1 << 20 };

static uint8_t source[BULK], target[BULK + 64];

static void fill(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 2654435761u >> 13 ^ seed);
}

/* ---- out ---- */

struct lent {
	struct iovec iov[40];
	unsigned released, copied;
};

static void on_released(struct msg *m, void *arg)
{
	struct lent *l = arg;

	l->released++;
	l->copied += m->bulk_copied;
}

/* `len` bytes of `source` from `off` in `pieces`, between "before" and "after". */
static struct msg *bulk_msg(struct lent *l, uint32_t off, uint32_t len, unsigned pieces)
{
	struct msg *m = msg_new(42, 1, 1, 7);
	uint32_t left = len;

	enc_bytes(&m->front, "front", 5);
	enc_bytes(&m->data, "beforeafter", 11);
	for (unsigned i = 0; i < pieces; i++) {
		uint32_t n = i + 1 == pieces ? left : len / pieces / 2 * (i % 3);

		l->iov[i] = (struct iovec){ source + off + (len - left), n };
		left -= n;
	}
	l->iov[pieces - 1].iov_len += 100; /* room beyond what is asked */
	m->bulk = l->iov;
	m->bulk_count = pieces;
	m->bulk_len = len;
	m->bulk_at = 6;
	m->released = on_released;
	m->arg = l;
	return m;
}

static void expect_bulk(struct fake *p, uint64_t seq, uint32_t off, uint32_t len)
{
	const uint8_t *d;

	fake_expect_message(p, seq, 42);
	d = p->f.seg[3].p;
	FAKE_NEED(p, p->f.seg[1].len == 5 && !memcmp(p->f.seg[1].p, "front", 5));
	FAKE_NEED(p, p->f.seg[3].len == len + 11);
	FAKE_NEED(p, !memcmp(d, "before", 6) && !memcmp(d + 6 + len, "after", 5));
	FAKE_NEED(p, !memcmp(d + 6, source + off, len));
}

static const struct {
	uint32_t off, len;
	unsigned pieces;
} sizes[] = { { 0, 4096, 1 },   { 5, 1024, 3 },       { 7, 1023, 2 },   { 100, 500000, 40 }, { 0, 1, 1 },
	      { 9, 300000, 7 }, { 0, BULK - 100, 1 }, { 3, 20000, 20 }, { 77, 100000, 33 },  { 1, 2000, 2 } };
enum { SIZES = sizeof sizes / sizeof *sizes };

static void take_bulk(struct fake *p)
{
	fake_open(p);
	for (uint64_t i = 0; i < SIZES; i++) {
		expect_bulk(p, 2 * i + 1, sizes[i].off, sizes[i].len);
		fake_expect_message(p, 2 * i + 2, 24);
	}
	fake_message(p, 2 * SIZES, 50, "done");
}

static void send_sizes(struct user *u, struct lent *l)
{
	fill(source, BULK, 1);
	for (int i = 0; i < SIZES; i++) {
		conn_send(u->conn, bulk_msg(&l[i], sizes[i].off, sizes[i].len, sizes[i].pieces));
		user_send(u, 24, "in between");
	}
}

static void bulk_goes(struct user *u, unsigned copied)
{
	struct lent l[SIZES] = { 0 };
	struct conn_info info;
	uint64_t lent = 0;
	unsigned sum = 0;

	user_connect(u, take_bulk);
	send_sizes(u, l);
	cr_assert_gt(conn_queued(u->conn), 1000000, "it counts for back-pressure");
	USER_UNTIL(u, u->count == 1);
	for (int i = 0; i < SIZES; i++) {
		cr_assert_eq(l[i].released, 1, "message %d: released %u times", i, l[i].released);
		sum += l[i].copied;
		lent += l[i].copied ? 0 : sizes[i].len;
	}
	cr_assert_eq(sum, copied);
	conn_info(u->conn, &info);
	cr_assert_eq(info.lent_bytes, lent);
	cr_assert_eq(conn_queued(u->conn), 0);
	user_end(u);
}

Test(conn_bulk, sent_from_where_it_lies)
{
	bulk_goes(user_new(OSD_TYPE), 2); /* those below 1 KiB */
}

Test(conn_bulk, copied_where_it_is_encrypted)
{
	struct user *u = user_new(OSD_TYPE);

	user_secure(u);
	bulk_goes(u, SIZES);
}

/* Lossless: it may be needed again until it is acked. */
static void bulk_twice(struct fake *p)
{
	fake_open(p);
	expect_bulk(p, 1, 0, 5000);
	fake_hangup(p);
	fake_come_back(p);
	FAKE_SEND(p, TAG_SESSION_RECONNECT_OK, msgr_u64_encode(&p->out, 0));
	expect_bulk(p, 1, 0, 5000);
	fake_message(p, 0, 50, "not acked");
	fake_expect_message(p, 2, 24);
	fake_message(p, 1, 50, "acked");
	fake_expect_hangup(p);
}

Test(conn_bulk, a_lossless_connection_keeps_it_until_acked)
{
	struct user *u = user_new(ENTITY_MDS);
	struct lent l = { 0 };

	fill(source, BULK, 2);
	user_connect(u, bulk_twice);
	conn_send(u->conn, bulk_msg(&l, 0, 5000, 3));
	USER_UNTIL(u, u->count == 1);
	cr_assert_eq(l.released, 0);
	user_send(u, 24, "go on");
	USER_UNTIL(u, u->count == 2);
	cr_assert_eq(l.released, 1);
	conn_free(u->conn);
	u->conn = NULL;
	user_end(u);
}

static void two_of_three(struct fake *p)
{
	fake_open(p);
	expect_bulk(p, 1, 0, 5000);
	expect_bulk(p, 2, 200, 5000);
	fake_message(p, 2, 50, "done");
	fake_expect_hangup(p);
}

Test(conn_bulk, taken_back_before_it_is_sent)
{
	struct user *u = user_new(OSD_TYPE);
	struct lent l[4] = { 0 };
	struct msg *m[4];

	fill(source, BULK, 3);
	user_connect(u, two_of_three);
	for (uint32_t i = 0; i < 4; i++) {
		m[i] = bulk_msg(&l[i], 100 * i, 5000, 2);
		conn_send(u->conn, m[i]);
	}
	cr_assert(conn_unsend(u->conn, m[3]), "the last");
	cr_assert(conn_unsend(u->conn, m[1]), "one in the middle");
	cr_assert_not(conn_unsend(u->conn, m[1]), "only once");
	cr_assert(l[1].released == 1 && l[3].released == 1);
	USER_UNTIL(u, u->count == 1);
	cr_assert_not(conn_unsend(u->conn, m[0]), "it is sent");
	cr_assert(l[0].released == 1 && l[2].released == 1);
	conn_free(u->conn);
	u->conn = NULL;
	user_end(u);
}

/* A daemon that takes nothing more: what is in the kernel's hands comes back later, the rest at once. */
static void read_nothing(struct fake *p)
{
	fake_open(p);
	usleep(200000);
	fake_expect_hangup(p);
}

static unsigned released_of(const struct lent *l, int n)
{
	unsigned sum = 0;

	for (int i = 0; i < n; i++)
		sum += l[i].released;
	return sum;
}

Test(conn_bulk, freed_with_bulk_under_way)
{
	enum { N = 30 };
	struct user *u = user_new(OSD_TYPE);
	struct lent l[N] = { 0 };

	user_connect(u, read_nothing);
	USER_UNTIL(u, u->ready);
	for (int i = 0; i < N; i++)
		conn_send(u->conn, bulk_msg(&l[i], 0, BULK - 200, 5));
	user_run_ms(u, 20);
	cr_assert_lt(released_of(l, N), N);
	conn_free(u->conn);
	u->conn = NULL;
	cr_assert_geq(released_of(l, N), N - 5, "what was queued comes back at once");
	USER_UNTIL(u, released_of(l, N) == N);
	for (int i = 0; i < N; i++)
		cr_assert_eq(l[i].released, 1);
	user_end(u);
}

static void hang_up(struct fake *p)
{
	fake_open(p);
	fake_expect_message(p, 1, 42);
	fake_hangup(p);
}

Test(conn_bulk, released_once_when_the_connection_breaks)
{
	enum { N = 30 };
	struct user *u = user_new(OSD_TYPE);
	struct lent l[N] = { 0 };

	user_connect(u, hang_up);
	for (int i = 0; i < N; i++)
		conn_send(u->conn, bulk_msg(&l[i], 0, BULK - 200, 5));
	USER_UNTIL(u, u->faults);
	USER_UNTIL(u, released_of(l, N) == N);
	conn_send(u->conn, bulk_msg(&l[0], 0, 5000, 5));
	cr_assert_eq(l[0].released, 2, "a failed connection gives it back at once");
	user_end(u);
}

/* ---- in ---- */

static struct {
	struct iovec iov[40];
	unsigned count, asked, released, delivered, placed;
	uint32_t len, copied; /* of what was delivered last */
	bool refuse, free_it;
} place;

static void dest_released(void *arg)
{
	place.released++;
}

static bool on_dest(void *arg, const struct msg_in *head, struct conn_dest *dest)
{
	place.asked++;
	cr_assert(head->data_len && !head->data && !head->front);
	if (place.refuse)
		return false;
	*dest = (struct conn_dest){ .iov = place.iov, .count = place.count, .released = dest_released };
	return true;
}

static void on_message(void *arg, const struct msg_in *m)
{
	struct user *u = arg;

	place.delivered++;
	place.placed += m->placed;
	place.len = m->data_len;
	place.copied = m->copied;
	if (m->placed)
		cr_assert_null(m->data);
	else if (m->data_len)
		memcpy(target, m->data, m->data_len);
	u->count++;
	if (place.free_it) {
		conn_free(u->conn);
		u->conn = NULL;
	}
}

static const struct conn_ops place_ops = {
	.ready = user_ready,
	.message = on_message,
	.dest = on_dest,
	.reset = user_reset,
	.fault = user_fault,
	.auth = user_auth,
};

static struct user *placing(void (*script)(struct fake *p), bool secure)
{
	struct user *u = user_new(OSD_TYPE);

	if (secure)
		user_secure(u);
	memset(&place, 0, sizeof place);
	memset(target, 0xee, sizeof target);
	fill(source, BULK, 5);
	/* pieces of many sizes */
	for (uint32_t at = 0, i = 0; at < BULK; i++) {
		uint32_t n = i == 39 ? BULK - at : i % 4 * 9000 + i;

		place.iov[i] = (struct iovec){ target + at, n };
		place.count = i + 1;
		at += n;
	}
	fake_run(u->fake, script);
	cr_assert_eq(conn_new(u->ring, &u->log, &u->opts, &place_ops, u, &u->conn), 0);
	return u;
}

static void put_data(struct fake *p, uint32_t front_len, uint32_t data_len)
{
	struct msg_header h = { .seq = ++p->seq, .type = 43, .version = 8, .compat = 2, .tid = p->seq + 100 };

	frame_encode_message(&p->out, &h, (struct slice){ source, front_len }, (struct slice){ 0 },
			     (struct slice){ source, data_len }, p->crypto);
}

/* In the middle of other traffic. */
static void send_data(struct fake *p)
{
	static const uint32_t lens[] = { 300000, 1, 16384, 700000, 20000, 16000, BULK, 40 };

	fake_open(p);
	for (unsigned i = 0; i < sizeof lens / sizeof *lens; i++) {
		fake_message(p, 0, 50, "small");
		put_data(p, i * 100, lens[i]);
		FAKE_PUT(p, TAG_KEEPALIVE2_ACK, msgr_keepalive_encode(&p->out, 1));
		fake_flush(p);
		fake_expect_message(p, i + 1, 24);
	}
}

static void data_arrives(bool secure)
{
	static const uint32_t lens[] = { 300000, 1, 16384, 700000, 20000, 16000, BULK, 40 };
	struct user *u = placing(send_data, secure);
	struct conn_info info;

	for (unsigned i = 0; i < sizeof lens / sizeof *lens; i++) {
		memset(target, 0xee, sizeof target);
		USER_UNTIL(u, u->count == 2 * (i + 1));
		cr_assert_eq(place.len, lens[i]);
		cr_assert_arr_eq(target, source, lens[i]);
		cr_assert_eq(target[lens[i]], 0xee);
		user_send(u, 24, "next");
	}
	USER_UNTIL(u, fake_done(u->fake));
	cr_assert_eq(place.released, place.placed);
	conn_info(u->conn, &info);
	if (secure)
		cr_assert(!place.asked && !info.placed_bytes);
	else
		cr_assert(place.placed >= 4 && info.placed_bytes > 1500000);
	user_end(u);
}

Test(conn_bulk, received_where_it_shall_be)
{
	data_arrives(false);
}

Test(conn_bulk, as_ever_in_secure_mode)
{
	data_arrives(true);
}

static void send_many(struct fake *p)
{
	fake_open(p);
	for (unsigned i = 1; i <= 8; i++) {
		put_data(p, 200, 500000);
		fake_flush(p);
		fake_expect_message(p, i, 24);
	}
}

Test(conn_bulk, nothing_is_copied_of_what_is_like_the_last)
{
	struct user *u = placing(send_many, false);

	for (unsigned i = 1; i <= 8; i++) {
		USER_UNTIL(u, u->count == i);
		cr_assert_eq(place.placed, i);
		cr_assert_arr_eq(target, source, 500000);
		if (i == 1)
			cr_assert_leq(place.copied, 16384, "at most what came with the header");
		else
			cr_assert_eq(place.copied, 0);
		memset(target, 0, sizeof target);
		user_send(u, 24, "next");
	}
	user_end(u);
}

/* The header in pieces of one byte, and the rest cut at many places. */
static void dribble(struct fake *p)
{
	size_t at = 0, step = 1;

	fake_open(p);
	put_data(p, 30, 100000);
	while (at < p->out.len) {
		step = at < 120 ? 1 : step * 3 / 2 + 1;
		step = step < p->out.len - at ? step : p->out.len - at;
		fake_write(p, p->out.buf + at, step);
		at += step;
		usleep(200);
	}
	enc_reset(&p->out);
	fake_message(p, 0, 50, "behind it");
}

Test(conn_bulk, cut_anywhere)
{
	struct user *u = placing(dribble, false);

	USER_UNTIL(u, u->count == 2);
	cr_assert(place.placed == 1 && place.asked == 1 && place.released == 1);
	cr_assert_arr_eq(target, source, 100000);
	cr_assert_eq(target[100000], 0xee);
	user_end(u);
}

static void one_large(struct fake *p)
{
	fake_open(p);
	put_data(p, 30, 100000);
	fake_flush(p);
	fake_message(p, 0, 50, "behind it");
}

Test(conn_bulk, refused)
{
	struct user *u = placing(one_large, false);

	place.refuse = true;
	USER_UNTIL(u, u->count == 2);
	cr_assert(place.asked == 1 && place.placed == 0 && place.released == 0);
	user_end(u);
}

Test(conn_bulk, too_small_a_place_is_not_used)
{
	struct user *u = placing(one_large, false);

	place.count = 2;
	USER_UNTIL(u, u->count == 2);
	cr_assert(place.asked == 1 && place.placed == 0 && place.released == 1);
	user_end(u);
}

static void large_front(struct fake *p)
{
	fake_open(p);
	put_data(p, 100000, 100000);
	fake_flush(p);
	fake_message(p, 0, 50, "behind it");
}

Test(conn_bulk, a_large_front_is_not_worth_it)
{
	struct user *u = placing(large_front, false);

	USER_UNTIL(u, u->count == 2);
	cr_assert(place.asked == 0 && place.placed == 0);
	user_end(u);
}

static void corrupt(struct fake *p, size_t from_end)
{
	fake_open(p);
	put_data(p, 30, 100000);
	p->out.buf[p->out.len - from_end] ^= 1;
	fake_flush(p);
	fake_expect_hangup(p);
}

static void corrupt_data(struct fake *p)
{
	corrupt(p, 5000);
}

static void corrupt_front(struct fake *p)
{
	corrupt(p, 100000 + 13 + 5);
}

static void corrupt_status(struct fake *p)
{
	corrupt(p, 13);
}

static void corrupt_header(struct fake *p)
{
	corrupt(p, 100000 + 13 + 30 + 10);
}

static void is_not_delivered(void (*script)(struct fake *p), unsigned released)
{
	struct user *u = placing(script, false);

	USER_UNTIL(u, u->faults);
	cr_assert(place.delivered == 0 && place.released == released);
	cr_assert_eq(u->err, -EBADMSG);
	conn_free(u->conn);
	u->conn = NULL;
	user_end(u);
}

Test(conn_bulk, broken_data)
{
	is_not_delivered(corrupt_data, 1);
}

Test(conn_bulk, broken_front)
{
	is_not_delivered(corrupt_front, 1);
}

Test(conn_bulk, aborted_by_the_peer)
{
	is_not_delivered(corrupt_status, 1);
}

Test(conn_bulk, broken_header)
{
	is_not_delivered(corrupt_header, 0);
}

static void half(struct fake *p)
{
	fake_open(p);
	put_data(p, 30, 100000);
	fake_write(p, p->out.buf, 50000);
	fake_expect_message(p, 1, 24);
	fake_hangup(p);
}

Test(conn_bulk, hung_up_in_the_middle)
{
	struct user *u = placing(half, false);

	USER_UNTIL(u, place.asked);
	user_run_ms(u, 20);
	cr_assert_eq(place.released, 0);
	user_send(u, 24, "hang up");
	USER_UNTIL(u, u->faults);
	USER_UNTIL(u, place.released == 1);
	cr_assert_eq(place.delivered, 0);
	user_end(u);
}

static void half_and_wait(struct fake *p)
{
	fake_open(p);
	put_data(p, 30, 100000);
	fake_write(p, p->out.buf, 50000);
	fake_expect_hangup(p);
}

Test(conn_bulk, freed_in_the_middle)
{
	struct user *u = placing(half_and_wait, false);

	USER_UNTIL(u, place.asked);
	user_run_ms(u, 20);
	conn_free(u->conn);
	u->conn = NULL;
	cr_assert_eq(place.released, 0, "the kernel may still write there");
	USER_UNTIL(u, place.released == 1);
	user_end(u);
}

static void large_then_hangup(struct fake *p)
{
	fake_open(p);
	put_data(p, 30, 100000);
	put_data(p, 30, 100000);
	fake_flush(p);
	fake_expect_hangup(p);
}

Test(conn_bulk, freed_by_who_got_it)
{
	struct user *u = placing(large_then_hangup, false);

	place.free_it = true;
	USER_UNTIL(u, fake_done(u->fake));
	cr_assert_eq(place.delivered, 1);
	USER_UNTIL(u, place.released == place.asked);
	user_end(u);
}
