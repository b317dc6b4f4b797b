/* Leases, snap realms, quotas and forwards, as captured. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "messages.h"
#include "proto/mds.h"

static void lease_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(guarded(m->front, m->front_len), m->front_len);
	struct lease_msg l;
	struct enc e;

	cr_assert_eq(lease_decode(&d, &l), 0);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert(l.action == LEASE_REVOKE || l.action == LEASE_RELEASE);
	cr_assert(l.dname.len >= 2 && l.dname.len <= 4);
	cr_assert_eq(l.last, SNAP_HEAD);
	enc_init(&e);
	lease_encode(&e, &l);
	cr_assert_eq(e.len, m->front_len);
	cr_assert_arr_eq(e.buf, m->front, e.len);
	enc_free(&e);
	for (size_t n = 0; n < m->front_len; n++) {
		d = dec_init(guarded(m->front, n), n);
		cr_assert_eq(lease_decode(&d, &l), -EBADMSG);
	}
}

Test(mds_push, leases_both_ways)
{
	cr_assert_eq(messages_each(MSG_CLIENT_LEASE, lease_one, NULL), 8);
}

Test(mds_push, each_field_of_a_lease)
{
	struct lease_msg in = { .action = 3,
				.mask = 0x1234,
				.ino = 5,
				.first = 6,
				.last = 7,
				.seq = 8,
				.duration_ms = 9,
				.dname = { (const uint8_t *)"file", 4 } },
			 out;
	struct dec d;
	struct enc e;

	enc_init(&e);
	lease_encode(&e, &in);
	d = dec_init(guarded(e.buf, e.len), e.len);
	cr_assert_eq(lease_decode(&d, &out), 0);
	cr_assert(out.action == 3 && out.mask == 0x1234 && out.ino == 5 && out.first == 6 && out.last == 7);
	cr_assert(out.seq == 8 && out.duration_ms == 9 && out.dname.len == 4 &&
		  !memcmp(out.dname.p, "file", 4));
	enc_free(&e);
}

struct snaps {
	unsigned splits, inos;
};

static void snap_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(guarded(m->front, m->front_len), m->front_len);
	struct snaps *snaps = arg;
	struct snap_msg s;

	cr_assert_eq(snap_decode(&d, &s), 0);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert(s.op <= 3);
	cr_assert_eq(24 + s.split_inos.len + s.split_realms.len + s.trace.len, m->front_len);
	cr_assert_geq(s.trace.len, 48);
	if (s.op == 3) {
		cr_assert_gt(s.split, INO_ROOT);
		snaps->splits++;
		snaps->inos += s.split_inos.len / 8;
	}
	for (size_t n = 0; n < m->front_len; n++) {
		d = dec_init(guarded(m->front, n), n);
		cr_assert_eq(snap_decode(&d, &s), -EBADMSG);
	}
}

Test(mds_push, snap_realms)
{
	struct snaps snaps = { 0 };

	cr_assert_eq(messages_each(MSG_CLIENT_SNAP, snap_one, &snaps), 29);
	cr_assert(snaps.splits && snaps.inos);
}

Test(mds_push, snap_counts_that_would_wrap)
{
	uint8_t bytes[24 + 8] = { 0 };
	struct snap_msg s;
	struct dec d;

	memcpy(bytes + 12, (uint32_t[]){ 0x20000001 }, 4); /* times 8 is 8 in 32 bits */
	d = dec_init(guarded(bytes, sizeof(bytes)), sizeof(bytes));
	cr_assert_eq(snap_decode(&d, &s), -EBADMSG);
	cr_assert_eq(s.split_inos.len, 0);
}

static void quota_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(guarded(m->front, m->front_len), m->front_len);
	struct quota_msg q;

	cr_assert_eq(quota_decode(&d, &q), 0);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert(q.ino >= 0x10000000000 && q.ino < 0x20000000000);
	cr_assert(q.rsubdirs > 0 && q.rfiles < 100);
	cr_assert(q.max_files == 100 || q.max_files == 3);
	*(uint64_t *)arg |= q.max_bytes;
	for (size_t n = 0; n < m->front_len; n++) {
		d = dec_init(guarded(m->front, n), n);
		cr_assert_eq(quota_decode(&d, &q), -EBADMSG);
	}
}

Test(mds_push, quotas)
{
	uint64_t max_bytes = 0;

	cr_assert_eq(messages_each(MSG_CLIENT_QUOTA, quota_one, &max_bytes), 7);
	cr_assert_eq(max_bytes, 10000000 | 0x400000);
}

static void forward_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(guarded(m->front, m->front_len), m->front_len);
	struct forward_msg f;

	cr_assert_eq(forward_decode(&d, &f), 0);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert_eq(f.dest, 0);
	cr_assert_eq(f.num_fwd, 1);
	cr_assert(f.resend);
	for (size_t n = 0; n < m->front_len; n++) {
		d = dec_init(guarded(m->front, n), n);
		cr_assert_eq(forward_decode(&d, &f), -EBADMSG);
	}
}

Test(mds_push, forwards)
{
	cr_assert_eq(messages_each(MSG_CLIENT_FORWARD, forward_one, NULL), 2);
}
