/* What replies carry beyond their trace, listings apart: numbers made and delegated, virtual attributes, the
 * metadata of snapshots; and maps of attributes, each pair of them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "messages.h"
#include "proto/mds.h"

static void vxattr_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct slice value;
	struct reply r;

	cr_assert_eq(reply_decode(&d, &r), 0);
	if (r.op != MDS_OP_GETVXATTR || r.result)
		return;
	d = dec_init(guarded(r.extra.p, r.extra.len), r.extra.len);
	cr_assert_eq(vxattr_decode(&d, &value), 0);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert(value.len && value.p[0] >= ' ');
	for (size_t n = 0; n < r.extra.len; n++) {
		d = dec_init(guarded(r.extra.p, n), n);
		cr_assert_eq(vxattr_decode(&d, &value), -EBADMSG);
	}
	++*(unsigned *)arg;
}

Test(mds_extras, vxattrs)
{
	unsigned seen = 0;

	messages_each(MSG_CLIENT_REPLY, vxattr_one, &seen);
	cr_assert_gt(seen, 4);
}

struct creates {
	unsigned existed, bare, plain, delegating;
	uint64_t delegated;
};

/* The daemon hands out only numbers above its own. */
static void delegated_check(struct slice ranges, struct creates *seen)
{
	uint64_t range[2];

	for (uint32_t i = 0; i < ranges.len; i += sizeof(range)) {
		memcpy(range, ranges.p + i, sizeof(range));
		cr_assert(range[0] > 0x10000000000 && range[1]);
		seen->delegated += range[1];
	}
}

static void create_check(struct slice extra, struct creates *seen)
{
	struct dec d = dec_init(guarded(extra.p, extra.len), extra.len);
	struct create_extra x;

	cr_assert_eq(create_extra_decode(&d, &x), 0);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert_eq(x.created, extra.len > 0);
	cr_assert_eq(x.ino != 0, x.created);
	cr_assert_eq(x.ranges.len % 16, 0);
	delegated_check(x.ranges, seen);
	seen->existed += !x.created;
	seen->bare += extra.len == 8;
	seen->plain += extra.len > 8 && !x.ranges.len;
	seen->delegating += x.ranges.len > 0;
	for (uint32_t n = 1; n < extra.len; n++) {
		d = dec_init(guarded(extra.p, n), n);
		cr_assert_eq(create_extra_decode(&d, &x), n == 8 ? 0 : -EBADMSG, "cut at %u", n);
	}
}

static void create_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct reply r;

	cr_assert_eq(reply_decode(&d, &r), 0);
	if (r.op != MDS_OP_CREATE)
		return;
	create_check(r.extra, arg);
	if (r.is_target && r.extra.len) {
		struct create_extra x;

		d = dec_init(r.extra.p, r.extra.len);
		create_extra_decode(&d, &x);
		cr_assert_eq(x.ino, r.target.ino);
	}
}

Test(mds_extras, created_and_delegated_numbers)
{
	struct creates seen = { 0 };

	messages_each(MSG_CLIENT_REPLY, create_one, &seen);
	cr_assert(seen.existed == 8 && seen.plain == 7 && seen.delegating == 4,
		  "%u existed, %u plain, %u delegating", seen.existed, seen.plain, seen.delegating);
	cr_assert_geq(seen.delegated, 4 * 500);
}

Test(mds_extras, created_number_alone)
{
	struct dec d = dec_init(guarded("\3\2\1\0\0\1\0\0", 8), 8);
	struct create_extra x;

	cr_assert_eq(create_extra_decode(&d, &x), 0);
	cr_assert(x.created && x.ino == 0x10000010203 && !x.ranges.len);
	d = dec_init(NULL, 0);
	cr_assert_eq(create_extra_decode(&d, &x), 0);
	cr_assert(!x.created && !x.ino && !x.ranges.len);
}

static int delegated(uint32_t promised, uint32_t sent, unsigned tail, unsigned behind)
{
	struct create_extra x;
	struct dec d;
	struct enc e;
	size_t mark;
	int got;

	enc_init(&e);
	mark = enc_section(&e, 2, 1);
	enc_u64(&e, 0x10000000001);
	enc_u32(&e, promised);
	enc_zero(&e, (size_t)sent * 16 + tail);
	enc_close(&e, mark);
	enc_zero(&e, behind);
	d = dec_init(guarded(e.buf, e.len), e.len);
	got = create_extra_decode(&d, &x);
	enc_free(&e);
	return got;
}

Test(mds_extras, delegated_ranges_are_limited)
{
	cr_assert_eq(delegated(2, 2, 0, 0), 0);
	cr_assert_eq(delegated(2, 2, 5, 0), 0, "a newer section");
	cr_assert_eq(delegated(2, 2, 0, 1), -EBADMSG, "bytes behind it");
	cr_assert_eq(delegated(3, 2, 0, 0), -EBADMSG);
	cr_assert_eq(delegated(0x10000001, 1, 0, 0), -EBADMSG, "times 16 is 16 in 32 bits");
	cr_assert_eq(delegated(DELEGATED_MAX, DELEGATED_MAX, 0, 0), 0);
	cr_assert_eq(delegated(DELEGATED_MAX + 1, DELEGATED_MAX + 1, 0, 0), -EBADMSG);
}

/* What a snapshot was made with comes with its inode, and only then. */
static void metadata_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct kv_slice kv;
	struct kv_iter it;
	struct reply r;

	cr_assert_eq(reply_decode(&d, &r), 0);
	if (!r.is_target)
		return;
	cr_assert_eq(kv_begin(&it, r.target.snap_metadata), 0);
	if (!kv_next(&it, &kv))
		return;
	cr_assert_lt(r.target.snapid, SNAP_HEAD);
	cr_assert(kv.key.len == 2 && !memcmp(kv.key.p, "k1", 2));
	cr_assert(kv.value.len == 2 && !memcmp(kv.value.p, "v1", 2));
	cr_assert_eq(kv_next(&it, &kv), 0);
	++*(unsigned *)arg;
}

Test(mds_extras, metadata_of_snapshots)
{
	unsigned seen = 0;

	messages_each(MSG_CLIENT_REPLY, metadata_one, &seen);
	cr_assert_eq(seen, 3);
}

Test(mds_extras, metadata_not_sent_none_and_lying)
{
	struct kv_iter it;
	struct kv_slice kv;

	cr_assert_eq(kv_begin(&it, (struct slice){ NULL, 0 }), 0);
	cr_assert_eq(kv_next(&it, &kv), 0);
	cr_assert_eq(kv_begin(&it, (struct slice){ guarded("\0\0\0\0", 4), 4 }), 0);
	cr_assert_eq(kv_next(&it, &kv), 0);
	cr_assert_eq(kv_begin(&it, (struct slice){ guarded("\0\0\0\0x", 5), 5 }), 0);
	cr_assert_eq(kv_next(&it, &kv), -EBADMSG, "bytes behind the last pair");
	cr_assert_eq(kv_begin(&it, (struct slice){ guarded("\2\0\0\0\0\0\0\0\0\0\0\0", 12), 12 }), -EBADMSG);
	cr_assert_eq(kv_begin(&it, (struct slice){ guarded("\1\0\0\0\0\0\0\0\1\0\0\0", 12), 12 }), 0);
	cr_assert_eq(kv_next(&it, &kv), -EBADMSG);
}

static struct slice xattr_map(struct enc *e, uint32_t count)
{
	enc_init(e);
	enc_u32(e, count);
	enc_str(e, "user.a");
	enc_blob(e, "\0\1", 2);
	enc_str(e, "user.empty");
	enc_u32(e, 0);
	return (struct slice){ guarded(e->buf, e->len), (uint32_t)e->len };
}

Test(mds_extras, xattrs)
{
	struct xattr_iter it;
	struct slice name, value;
	struct enc e;

	cr_assert_eq(xattrs_begin(&it, xattr_map(&e, 2)), 0);
	cr_assert_eq(xattrs_next(&it, &name, &value), 1);
	cr_assert(name.len == 6 && !memcmp(name.p, "user.a", 6) && value.len == 2 && value.p[1] == 1);
	cr_assert_eq(xattrs_next(&it, &name, &value), 1);
	cr_assert(name.len == 10 && value.len == 0);
	cr_assert_eq(xattrs_next(&it, &name, &value), 0);
	cr_assert_eq(xattrs_next(&it, &name, &value), 0);
	enc_free(&e);
}

Test(mds_extras, xattrs_not_sent_and_none)
{
	struct xattr_iter it;
	struct slice name, value;

	cr_assert_eq(xattrs_begin(&it, (struct slice){ NULL, 0 }), 0);
	cr_assert_eq(xattrs_next(&it, &name, &value), 0);
	cr_assert_eq(xattrs_begin(&it, (struct slice){ guarded("\0\0\0\0", 4), 4 }), 0);
	cr_assert_eq(xattrs_next(&it, &name, &value), 0);
}

Test(mds_extras, xattrs_that_lie_about_their_number)
{
	struct xattr_iter it;
	struct slice name, value;
	struct enc e;

	cr_assert_eq(xattrs_begin(&it, xattr_map(&e, 1)), 0);
	cr_assert_eq(xattrs_next(&it, &name, &value), 1);
	cr_assert_eq(xattrs_next(&it, &name, &value), -EBADMSG, "one more than told");
	enc_free(&e);
	cr_assert_eq(xattrs_begin(&it, xattr_map(&e, 3)), 0);
	cr_assert_eq(xattrs_next(&it, &name, &value), 1);
	cr_assert_eq(xattrs_next(&it, &name, &value), 1);
	cr_assert_eq(xattrs_next(&it, &name, &value), -EBADMSG, "one less than told");
	enc_free(&e);
	cr_assert_eq(xattrs_begin(&it, xattr_map(&e, 0x10000000)), -EBADMSG);
	enc_free(&e);
}
