/* Caps messages: every captured one, of both directions, and the releases. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "messages.h"
#include "proto/mds.h"

static void decode_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(guarded(m->front, m->front_len), m->front_len);
	struct caps_msg c;

	cr_assert_eq(caps_decode(&d, m->version, &c), 0, "%s %u: %s", m->file, m->index, d.what);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert_eq(c.xattr_len, m->middle_len);
	cr_assert(c.op <= CAPS_RENEW);
	cr_assert(c.ino >= INO_ROOT);
	cr_assert_eq(c.has_peer, c.op == CAPS_EXPORT || c.op == CAPS_IMPORT);
	for (size_t n = 0; n < m->front_len; n++) {
		d = dec_init(guarded(m->front, n), n);
		cr_assert_eq(caps_decode(&d, m->version, &c), -EBADMSG, "%s %u cut at %zu", m->file, m->index,
			     n);
	}
}

Test(mds_caps, decodes_every_capture)
{
	cr_assert_eq(messages_each(MSG_CLIENT_CAPS, decode_one, NULL), 43);
}

/* Each older version is the same message without its last group of fields. */
static void older_one(const struct message *m, void *arg)
{
	/* bytes that a version added, as captured: all strings empty, an IMPORT's peer apart */
	static const uint8_t added[13] = {
		[2] = 4, [4] = 12, [5] = 4, [6] = 8, [7] = 8, [8] = 4, [9] = 16, [10] = 4, [11] = 16, [12] = 8
	};
	struct caps_msg full, c;
	struct dec d = dec_init(m->front, m->front_len);
	size_t len = m->front_len;

	cr_assert_eq(caps_decode(&d, m->version, &full), 0);
	for (uint16_t v = m->version; v > 1; v--) {
		len -= added[v] + (v == 3 && full.op == CAPS_IMPORT ? 21 : 0);
		d = dec_init(guarded(m->front, len), len);
		cr_assert_eq(caps_decode(&d, v - 1, &c), 0, "%s %u as version %u", m->file, m->index, v - 1);
		cr_assert_eq(c.mtime_ns, full.op == CAPS_EXPORT ? 0 : full.mtime_ns);
		cr_assert_eq(c.snaptrace.len, full.snaptrace.len);
		cr_assert_eq(c.btime_ns, v - 1 >= 9 ? full.btime_ns : 0);
		d = dec_init(guarded(m->front, len), len);
		cr_assert_eq(caps_decode(&d, v, &c), added[v] || full.op == CAPS_IMPORT ? -EBADMSG : 0);
	}
}

Test(mds_caps, decodes_every_version)
{
	messages_each(MSG_CLIENT_CAPS, older_one, NULL);
}

/* What a client sent, from our encoder; a newer client's has two empty blobs more. */
static void reencode_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct caps_msg c;
	struct enc e;

	cr_assert_eq(caps_decode(&d, m->version, &c), 0);
	if (c.op != CAPS_UPDATE && c.op != CAPS_FLUSH && c.op != CAPS_FLUSHSNAP)
		return;
	c.xattrs = (struct slice){ m->middle, m->middle_len };
	enc_init(&e);
	caps_encode(&e, &c);
	cr_assert_eq(e.err, 0);
	cr_assert_eq(e.len + (m->version == 12 ? 8 : 0), m->front_len);
	cr_assert_arr_eq(e.buf, m->front, e.len, "%s %u op %u", m->file, m->index, c.op);
	enc_free(&e);
	++*(unsigned *)arg;
}

Test(mds_caps, encodes_what_clients_send)
{
	unsigned seen = 0;

	messages_each(MSG_CLIENT_CAPS, reencode_one, &seen);
	cr_assert_eq(seen, 10);
}

struct moves {
	unsigned exports, imports, traces;
};

/* A hand-over between two ranks: both halves name each other's cap. */
static void move_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct moves *moves = arg;
	struct caps_msg c;

	cr_assert_eq(caps_decode(&d, m->version, &c), 0);
	if (c.op == CAPS_EXPORT) {
		moves->exports++;
		cr_assert_eq(c.caps, 0);
		cr_assert(c.peer.cap_id && c.peer.cap_id < 0x100);
		cr_assert(c.peer.seq == 1 && c.peer.mseq == 1 && c.peer.flags == 0);
		cr_assert(c.peer.rank == 0 || c.peer.rank == 1);
		cr_assert_eq(c.size, 0, "the body is not there");
	} else if (c.op == CAPS_IMPORT) {
		moves->imports++;
		moves->traces += c.snaptrace.len >= 48;
		cr_assert(c.caps & CAP_PIN);
		cr_assert(c.peer.cap_id && c.peer.cap_id < 0x10000);
		cr_assert(c.peer.rank >= 0 && c.peer.rank <= 2);
		cr_assert(c.peer.flags <= 1);
	}
}

Test(mds_caps, exports_and_imports_name_the_other_cap)
{
	struct moves moves = { 0 };

	messages_each(MSG_CLIENT_CAPS, move_one, &moves);
	cr_assert_eq(moves.exports, 2);
	cr_assert_eq(moves.imports, 3);
	cr_assert_eq(moves.traces, 3);
}

static const struct caps_msg sample = {
	.op = CAPS_FLUSH,
	.ino = 0x10000000001,
	.realm = 2,
	.cap_id = 3,
	.seq = 4,
	.issue_seq = 5,
	.caps = 6,
	.wanted = 7,
	.dirty = 8,
	.mseq = 9,
	.snap_follows = 10,
	.uid = 11,
	.gid = 12,
	.mode = 0100644,
	.nlink = 14,
	.xattr_version = 15,
	.size = 16,
	.max_size = 17,
	.truncate_size = 18,
	.truncate_seq = 19,
	.time_warp_seq = 20,
	.mtime_ns = 21000000001,
	.atime_ns = 22000000002,
	.ctime_ns = 23000000003,
	.btime_ns = 24000000004,
	.change_attr = 25,
	.inline_version = 26,
	.inline_data = { (const uint8_t *)"inline", 6 },
	.pool_ns = { (const uint8_t *)"ns", 2 },
	.xattrs = { (const uint8_t *)"12345", 5 },
	.osd_epoch_barrier = 27,
	.oldest_flush_tid = 28,
	.caller_uid = 29,
	.caller_gid = 30,
	.flags = 4,
	.nfiles = 31,
	.nsubdirs = 32,
	.has_dirstat = true,
};

static void same_body(const struct caps_msg *a, const struct caps_msg *b)
{
	cr_assert(a->size == b->size && a->max_size == b->max_size);
	cr_assert(a->truncate_size == b->truncate_size && a->truncate_seq == b->truncate_seq);
	cr_assert(a->time_warp_seq == b->time_warp_seq && a->change_attr == b->change_attr);
	cr_assert(a->mtime_ns == b->mtime_ns && a->atime_ns == b->atime_ns);
	cr_assert(a->ctime_ns == b->ctime_ns && a->btime_ns == b->btime_ns);
	cr_assert(a->inline_version == b->inline_version && a->inline_data.len == b->inline_data.len);
	cr_assert_arr_eq(a->inline_data.p, b->inline_data.p, b->inline_data.len);
	cr_assert_eq(a->pool_ns.len, b->pool_ns.len);
	cr_assert_arr_eq(a->pool_ns.p, b->pool_ns.p, b->pool_ns.len);
	cr_assert(a->osd_epoch_barrier == b->osd_epoch_barrier && a->oldest_flush_tid == b->oldest_flush_tid);
	cr_assert(a->caller_uid == b->caller_uid && a->caller_gid == b->caller_gid && a->flags == b->flags);
	cr_assert(a->nfiles == b->nfiles && a->nsubdirs == b->nsubdirs && a->has_dirstat == b->has_dirstat);
}

Test(mds_caps, each_field_comes_back)
{
	struct caps_msg c;
	struct dec d;
	struct enc e;

	enc_init(&e);
	caps_encode(&e, &sample);
	d = dec_init(guarded(e.buf, e.len), e.len);
	cr_assert_eq(caps_decode(&d, CAPS_VERSION, &c), 0);
	cr_assert(c.op == sample.op && c.ino == sample.ino && c.realm == sample.realm &&
		  c.cap_id == sample.cap_id);
	cr_assert(c.seq == sample.seq && c.issue_seq == sample.issue_seq && c.mseq == sample.mseq);
	cr_assert(c.caps == sample.caps && c.wanted == sample.wanted && c.dirty == sample.dirty);
	cr_assert(c.snap_follows == sample.snap_follows && c.uid == sample.uid && c.gid == sample.gid);
	cr_assert(c.mode == sample.mode && c.nlink == sample.nlink);
	cr_assert(c.xattr_version == sample.xattr_version && c.xattr_len == sample.xattrs.len);
	same_body(&c, &sample);
	enc_free(&e);
}

/* What a client's flush of a snapshot says, as it was captured; here from the fields that it means. */
static void flushsnap_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct caps_msg c, ours;
	struct enc e;

	cr_assert_eq(caps_decode(&d, m->version, &c), 0);
	if (c.op != CAPS_FLUSHSNAP)
		return;
	cr_assert(!c.cap_id && !c.seq && !c.issue_seq && !c.mseq && !c.wanted && !c.nlink);
	cr_assert(c.xattr_len == 4 && m->middle_len == 4);
	ours = (struct caps_msg){ .op = CAPS_FLUSHSNAP,
				  .ino = c.ino,
				  .realm = c.realm,
				  .caps = c.caps,
				  .dirty = CAP_FW,
				  .snap_follows = 1,
				  .mode = 0100644,
				  .xattr_version = 1,
				  .xattrs = { (const uint8_t *)"\0\0\0\0", 4 },
				  .size = c.size,
				  .mtime_ns = c.mtime_ns,
				  .atime_ns = c.atime_ns,
				  .ctime_ns = c.ctime_ns,
				  .btime_ns = c.btime_ns,
				  .change_attr = c.change_attr,
				  .inline_version = UINT64_MAX,
				  .osd_epoch_barrier = c.osd_epoch_barrier,
				  .oldest_flush_tid = c.oldest_flush_tid,
				  .caller_uid = UINT32_MAX,
				  .caller_gid = UINT32_MAX };
	cr_assert(c.realm && c.size && c.oldest_flush_tid);
	enc_init(&e);
	caps_encode(&e, &ours);
	cr_assert_eq(e.err, 0);
	cr_assert_eq(e.len, m->front_len);
	cr_assert_arr_eq(e.buf, m->front, e.len, "%s %u", m->file, m->index);
	enc_free(&e);
	++*(unsigned *)arg;
}

Test(mds_caps, flush_of_a_snapshot)
{
	unsigned seen = 0;

	messages_each(MSG_CLIENT_CAPS, flushsnap_one, &seen);
	cr_assert_eq(seen, 2);
}

static uint32_t xattr_len_sent(struct slice xattrs)
{
	struct caps_msg c = { .op = CAPS_FLUSH, .xattrs = xattrs, .xattr_len = 99 }, back;
	struct dec d;
	struct enc e;

	enc_init(&e);
	caps_encode(&e, &c);
	d = dec_init(guarded(e.buf, e.len), e.len);
	cr_assert_eq(caps_decode(&d, CAPS_VERSION, &back), 0);
	enc_free(&e);
	return back.xattr_len;
}

/* No attributes left is a map of none, not silence. */
Test(mds_caps, length_of_the_attributes_is_that_of_the_middle)
{
	cr_assert_eq(xattr_len_sent((struct slice){ NULL, 0 }), 0);
	cr_assert_eq(xattr_len_sent((struct slice){ (const uint8_t *)"\0\0\0\0", 4 }), 4);
	cr_assert_eq(xattr_len_sent((struct slice){ (const uint8_t *)"12345", 5 }), 5);
}

Test(mds_caps, version_13_may_end_in_what_is_unknown)
{
	struct caps_msg c;
	struct dec d;
	struct enc e;

	enc_init(&e);
	caps_encode(&e, &sample);
	enc_u64(&e, 0);
	enc_u64(&e, 77);
	d = dec_init(guarded(e.buf, e.len), e.len);
	cr_assert_eq(caps_decode(&d, 13, &c), 0);
	same_body(&c, &sample);
	d = dec_init(guarded(e.buf, e.len), e.len);
	cr_assert_eq(caps_decode(&d, 12, &c), -EBADMSG, "12 ends exactly");
	enc_free(&e);
}

Test(mds_caps, snap_trace_longer_than_the_message)
{
	struct caps_msg c;
	struct dec d;
	struct enc e;

	enc_init(&e);
	caps_encode(&e, &sample);
	memset(e.buf + 60, 0xff, 4);
	d = dec_init(guarded(e.buf, e.len), e.len);
	cr_assert_eq(caps_decode(&d, CAPS_VERSION, &c), -EBADMSG);
	cr_assert_eq(c.snaptrace.len, 0);
	enc_free(&e);
}

static void reencode_release(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	uint32_t count = dec_count(&d, 24);
	struct enc e;
	size_t mark;

	enc_init(&e);
	mark = caprelease_begin(&e);
	for (uint32_t i = 0; i < count; i++) {
		struct cap_release r = { .ino = dec_u64(&d), .cap_id = dec_u64(&d) };

		r.mseq = dec_u32(&d);
		r.issue_seq = dec_u32(&d);
		caprelease_item(&e, &r);
	}
	caprelease_end(&e, mark, count, dec_u32(&d));
	dec_end(&d);
	cr_assert_eq(d.err, 0);
	cr_assert_eq(m->version, CAPRELEASE_VERSION);
	cr_assert_eq(e.len, m->front_len);
	cr_assert_arr_eq(e.buf, m->front, e.len, "%s %u", m->file, m->index);
	enc_free(&e);
	*(unsigned *)arg += count;
}

Test(mds_caps, encodes_releases)
{
	unsigned items = 0;

	cr_assert_eq(messages_each(MSG_CLIENT_CAPRELEASE, reencode_release, &items), 22);
	cr_assert_gt(items, 50);
}

Test(mds_caps, release_into_a_full_buffer)
{
	uint8_t buf[30];
	struct cap_release r = { .ino = 1 };
	struct enc e;
	size_t mark;

	enc_init_fixed(&e, buf, sizeof(buf));
	mark = caprelease_begin(&e);
	caprelease_item(&e, &r);
	caprelease_end(&e, mark, 1, 0);
	cr_assert_eq(e.err, -EMSGSIZE);
}
