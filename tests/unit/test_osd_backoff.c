/* Backoffs as captured, and the order of objects. */
#include "osd_messages.h"

#include <errno.h>

#include "proto/osd_op.h"

static struct osd_backoff_msg captured(const char *what, const char *type)
{
	struct osd_backoff_msg b;
	struct bytes front, data;
	struct enc e;
	struct dec d;

	osd_record(what, type, &front, &data);
	for (size_t n = 0; n < front.len; n++) {
		d = dec_init(guarded(front.p, n), n);
		cr_assert_eq(osd_backoff_decode(&d, &b), -EBADMSG);
	}
	d = dec_init(front.p, front.len);
	cr_assert_eq(osd_backoff_decode(&d, &b), 0, "%s", d.what);
	cr_assert_eq(dec_left(&d), 0);
	enc_init(&e);
	osd_backoff_encode(&e, &b);
	assert_bytes(e.buf, e.len, front.p, front.len, "%s comes back", what);
	enc_free(&e);
	return b;
}

Test(osd_backoff, block_ack_unblock)
{
	struct osd_backoff_msg block = captured("MOSDBackoff type", "MOSDBackoff"),
			       ack = captured("MOSDBackoff: the ack", "MOSDBackoff"),
			       unblock = captured("MOSDBackoff: unblock", "MOSDBackoff");

	cr_assert_eq(block.op, OSD_BACKOFF_BLOCK);
	cr_assert_eq(ack.op, OSD_BACKOFF_ACK_BLOCK);
	cr_assert_eq(unblock.op, OSD_BACKOFF_UNBLOCK);
	cr_assert_eq(block.pg.pool, 4);
	cr_assert_eq(block.pg.seed, 4);
	cr_assert_eq(block.pg.shard, -1);
	cr_assert(block.id == ack.id && block.id == unblock.id && block.id == 1);
	cr_assert_eq(ack.epoch, block.epoch);
	cr_assert_lt(block.epoch, unblock.epoch);
	/* The whole placement group: from its seed to the next in the order of reversed bits. */
	cr_assert_eq(block.begin.hash, 4);
	cr_assert_eq(block.begin.snap, 0);
	cr_assert_eq(block.end.hash, 2);
	cr_assert_eq(block.end.snap, OSD_SNAP_HEAD);
	cr_assert_lt(hobject_cmp(&block.begin, &block.end), 0);
}

static struct slice text(const char *s)
{
	return (struct slice){ (const uint8_t *)s, (uint32_t)strlen(s) };
}

/* Ascending; every pair is compared both ways. */
Test(osd_backoff, order_of_objects)
{
	const struct hobject sorted[] = {
		{ .pool = -1, .hash = 3 },
		{ .pool = 3, .hash = 0 },
		{ .pool = 3, .hash = 4, .oid = text("z") },
		{ .pool = 3, .hash = 2, .oid = text("a") },
		{ .pool = 3, .hash = 6 },
		{ .pool = 3, .hash = 1 },
		{ .pool = 3, .hash = 5, .oid = text("a") },
		{ .pool = 3, .hash = 5, .oid = text("ab"), .snap = 1 },
		{ .pool = 3, .hash = 5, .oid = text("ab"), .snap = 2 },
		{ .pool = 3, .hash = 5, .oid = text("ab"), .snap = OSD_SNAP_HEAD },
		{ .pool = 3, .hash = 5, .oid = text("b") },
		{ .pool = 3, .hash = 5, .oid = text("a"), .key = text("c") },
		{ .pool = 3, .hash = 5, .oid = text("d") },
		{ .pool = 3, .hash = 5, .oid = text("\xff") },
		{ .pool = 3, .hash = 5, .oid = text("a"), .nspace = text("n") },
		{ .pool = 3, .hash = 0xffffffff },
		{ .pool = 4, .hash = 0 },
		{ .max = true },
	};
	const int n = sizeof sorted / sizeof *sorted;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++) {
			int want = i < j ? -1 : i > j, got = hobject_cmp(&sorted[i], &sorted[j]);

			cr_assert_eq(got < 0 ? -1 : got > 0, want, "%d and %d", i, j);
		}
}
