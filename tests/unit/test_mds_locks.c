/* File locks as a daemon tells them, and the one that was captured. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "proto/mds.h"
#include "vectors.h"

static void answer_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct filelock l;
	struct reply r;
	struct enc e;

	cr_assert_eq(reply_decode(&d, &r), 0);
	if (r.op != MDS_OP_GETFILELOCK)
		return;
	d = dec_init(guarded(r.extra.p, r.extra.len), r.extra.len);
	cr_assert_eq(filelock_decode(&d, &l), 0);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert(l.start == 2 && l.length == 5 && l.type == FILELOCK_EXCL);
	cr_assert(l.client == 0x104e && l.owner == (FILELOCK_OWNER_ALONE | 0x1111) && l.pid == 0x1092);
	enc_init(&e);
	filelock_encode(&e, &l);
	assert_bytes(e.buf, e.len, r.extra.p, r.extra.len);
	enc_free(&e);
	++*(unsigned *)arg;
}

Test(mds_locks, who_holds_it)
{
	unsigned seen = 0;

	messages_each(MSG_CLIENT_REPLY, answer_one, &seen);
	cr_assert_eq(seen, 1);
}

Test(mds_locks, each_field_comes_back)
{
	const struct filelock in = {
		.start = 1, .length = 2, .client = 3, .owner = FILELOCK_OWNER_ALONE | 4, .pid = 5, .type = 6
	};
	struct filelock l;
	struct dec d;
	struct enc e;

	enc_init(&e);
	filelock_encode(&e, &in);
	cr_assert_eq(e.len, FILELOCK_BYTES);
	d = dec_init(guarded(e.buf, e.len), e.len);
	cr_assert_eq(filelock_decode(&d, &l), 0);
	cr_assert(l.start == 1 && l.length == 2 && l.client == 3 && l.owner == in.owner && l.pid == 5 &&
		  l.type == 6);
	for (size_t n = 0; n < e.len; n++) {
		d = dec_init(guarded(e.buf, n), n);
		cr_assert_eq(filelock_decode(&d, &l), -EBADMSG);
		cr_assert_eq(l.type, 0);
	}
	enc_free(&e);
}

Test(mds_locks, into_a_full_buffer)
{
	struct filelock l = { 0 };
	uint8_t buf[FILELOCK_BYTES - 1];
	struct enc e;

	enc_init_fixed(&e, buf, sizeof(buf));
	filelock_encode(&e, &l);
	cr_assert_eq(e.err, -EMSGSIZE);
}
