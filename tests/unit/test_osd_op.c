/* Operations on objects and their results: what was captured from daemons, and each part by itself. */
#include "osd_messages.h"

#include <errno.h>

#include "proto/le.h"
#include "proto/osd_op.h"

#define S(text) ((struct slice){ (const uint8_t *)(text), sizeof(text) - 1 })
#define OBJECT  "10000000abc.0000000"
/* Of a file that was never truncated. */
static const struct osd_trunc fresh = { UINT64_MAX, 1 }, none;

enum { READS = OSD_FLAG_READ | OSD_FLAG_KNOWN_REDIR, WRITES = OSD_FLAG_WRITE | OSD_FLAG_KNOWN_REDIR };

/* ---- requests ---- */

struct request {
	struct osd_op_msg m;
	struct osd_op op[OSD_OPS_MAX];
	struct enc payload;
};

/* The captured requests differ in these only. */
static struct request *request(struct slice oid, uint32_t seed, uint32_t hash, uint32_t flags)
{
	static struct request r;

	r = (struct request){ .m = { .pg = { .pool = 3, .seed = seed, .shard = -1 },
				     .hash = hash,
				     .epoch = 74,
				     .flags = flags,
				     .mtime_ns = 1700000000123456789,
				     .pool = 3,
				     .oid = oid,
				     .op = r.op,
				     .op_count = 1,
				     .snapid = OSD_SNAP_HEAD,
				     .features = 0x3f03cffffffdffff } };
	return &r;
}

/* Also, no proper beginning of the buffer is enough, and the encoder says so. */
static void encodes_to(const char *what, struct request *r, const char *bulk)
{
	struct bytes front, data;
	struct enc e;

	osd_record(what, "MOSDOp type", &front, &data);
	enc_init(&e);
	osd_op_encode(&e, &r->m);
	cr_assert_eq(e.err, 0);
	assert_bytes(e.buf, e.len, front.p, front.len, "front of %s", what);
	enc_free(&e);
	if (*bulk)
		enc_bytes(&r->payload, bulk, strlen(bulk));
	assert_bytes(r->payload.buf, r->payload.len, data.p, data.len, "data of %s", what);
	enc_free(&r->payload);
	for (size_t n = 0; n < front.len; n++) {
		uint8_t room[512];

		enc_init_fixed(&e, room, n);
		osd_op_encode(&e, &r->m);
		cr_assert_eq(e.err, -EMSGSIZE);
	}
}

Test(osd_op, writes)
{
	static const uint64_t snaps[] = { 9, 4 };
	struct request *r = request(S(OBJECT "0"), 2, 0x7b77bdc2, WRITES);

	osd_op_write(r->op, OSD_OP_WRITE, 0, 5, fresh);
	encodes_to("write 5 bytes", r, "hello");

	r = request(S(OBJECT "2"), 4, 0x87bfe634, WRITES);
	r->m.nspace = S("nsA");
	r->m.snap_seq = 9;
	r->m.snaps = snaps;
	r->m.snap_count = 2;
	osd_op_write(r->op, OSD_OP_WRITE, 4096, 3, none);
	encodes_to("write in namespace nsA", r, "abc");

	r = request(S(OBJECT "3"), 3, 0xfd2eece3, WRITES | OSD_FLAG_RETRY);
	r->m.attempt = 2;
	osd_op_write(r->op, OSD_OP_WRITEFULL, 0, 3, none);
	encodes_to("retry attempt 2", r, "abc");

	r = request(S(OBJECT "0"), 2, 0x7b77bdc2, WRITES);
	osd_op_create(r->op, true);
	encodes_to("create exclusive", r, "");
}

Test(osd_op, reads)
{
	struct request *r = request(S(OBJECT "0"), 2, 0x7b77bdc2, READS);

	osd_op_read(r->op, OSD_OP_READ, 0, 100, none);
	osd_op_stat(r->op + 1);
	r->m.op_count = 2;
	encodes_to("read 0~100 + stat", r, "");

	r = request(S(OBJECT "0"), 2, 0x7b77bdc2, READS);
	osd_op_read(r->op, OSD_OP_SPARSE_READ, 0, 64, none);
	encodes_to("sparse read", r, "");
}

Test(osd_op, attributes)
{
	struct request *r = request(S(OBJECT "0"), 2, 0x7b77bdc2, WRITES);

	osd_op_setxattr(r->op, "k", S("v1"), &r->payload);
	encodes_to("setxattr", r, "");

	r = request(S(OBJECT "0"), 2, 0x7b77bdc2, READS);
	osd_op_cmpxattr(r->op, "k", OSD_CMP_EQ, S("v1"), &r->payload);
	encodes_to("cmpxattr true", r, "");
}

/* What no capture has: the bytes of the arguments. */
static void arg_is(const struct osd_op *op, uint16_t code, uint32_t flags, const char *hex)
{
	struct bytes want = unhex(hex);
	uint8_t rest[OSD_OP_ARG_SIZE] = { 0 };

	memcpy(rest, want.p, want.len);
	cr_assert_eq(op->code, code);
	cr_assert_eq(op->flags, flags);
	cr_assert_arr_eq(op->arg, rest, sizeof rest, "%s", osd_op_name(code));
}

Test(osd_op, arguments)
{
	struct enc p;
	struct osd_op op;

	enc_init(&p);
	osd_op_zero(&op, 1, 2);
	arg_is(&op, OSD_OP_ZERO, 0, "01000000000000000200000000000000");
	osd_op_truncate(&op, 7, 0);
	arg_is(&op, OSD_OP_TRUNCATE, 0, "07");
	osd_op_truncate(&op, 7, 9);
	arg_is(&op, OSD_OP_TRUNCATE, 0, "07000000000000000000000000000000070000000000000009");
	osd_op_assert_version(&op, 0x1234);
	arg_is(&op, OSD_OP_ASSERT_VER, 0, "00000000000000003412");
	osd_op_alloc_hint(&op, 1 << 22, 1 << 21, 3);
	arg_is(&op, OSD_OP_SETALLOCHINT, OSD_OP_FAILOK, "0000400000000000000020000000000003");
	osd_op_create(&op, false);
	arg_is(&op, OSD_OP_CREATE, 0, "");
	osd_op_delete(&op);
	arg_is(&op, OSD_OP_DELETE, 0, "");
	osd_op_list_snaps(&op);
	arg_is(&op, OSD_OP_LIST_SNAPS, 0, "");
	osd_op_cmpxattr_u64(&op, "ab", OSD_CMP_GT, 5, &p);
	arg_is(&op, OSD_OP_CMPXATTR, 0, "02000000080000000302");
	cr_assert_eq(op.payload_len, 10);
	assert_bytes(p.buf, p.len, "ab\5\0\0\0\0\0\0\0", 10, "payload");
	enc_free(&p);
}

Test(osd_op, copy_from)
{
	struct osd_copy src = { .pool = 5,
				.nspace = S("n"),
				.oid = S("obj"),
				.snapid = OSD_SNAP_HEAD,
				.version = 3,
				.src_fadvise = OSD_OP_FADVISE_DONTNEED,
				.trunc = fresh };
	struct bytes want = unhex("030000006f626a"
				  "06031d0000000500000000000000ffffffff00000000010000006effffffffffffffff"
				  "01000000ffffffffffffffff");
	struct enc p;
	struct osd_op op;

	enc_init(&p);
	enc_bytes(&p, "before", 6);
	osd_op_copy_from(&op, &src, &p);
	arg_is(&op, OSD_OP_COPY_FROM2, 0, "feffffffffffffff03000000000000002020");
	cr_assert_eq(op.payload_len, want.len);
	assert_bytes(p.buf + 6, p.len - 6, want.p, want.len, "payload");
	enc_free(&p);
}

Test(osd_op, what_an_osd_takes_badly)
{
	struct osd_op op;

	osd_op_zero(&op, 5, 0);
	cr_assert_eq(osd_op_check(&op), -EINVAL);
	osd_op_read(&op, OSD_OP_READ, 5, 0, none);
	cr_assert_eq(osd_op_check(&op), -EINVAL);
	osd_op_read(&op, OSD_OP_READ, UINT64_MAX, 2, none);
	cr_assert_eq(osd_op_check(&op), -EINVAL);
	osd_op_write(&op, OSD_OP_WRITE, 5, 0, none);
	cr_assert_eq(osd_op_check(&op), -EINVAL);
	osd_op_write(&op, OSD_OP_WRITEFULL, 5, 1, none);
	cr_assert_eq(osd_op_check(&op), -EINVAL);
	osd_op_write(&op, OSD_OP_WRITEFULL, 0, 0, none);
	cr_assert_eq(osd_op_check(&op), 0);
	osd_op_read(&op, OSD_OP_READ, 5, 1, none);
	cr_assert_eq(osd_op_check(&op), 0);
	osd_op_stat(&op);
	cr_assert_eq(osd_op_check(&op), 0);
}

/* ---- replies ---- */

static struct osd_reply reply;
static struct bytes reply_data;

/* Decodes the captured one, and fails to from every proper beginning of it. */
static void replied(const char *what)
{
	struct bytes front;
	struct dec d;

	osd_record(what, "MOSDOpReply type", &front, &reply_data);
	for (size_t n = 0; n < front.len; n++) {
		d = dec_init(guarded(front.p, n), n);
		cr_assert_eq(osd_reply_decode(&d, 8, (uint32_t)reply_data.len, &reply), -EBADMSG);
		cr_assert(d.what);
	}
	d = dec_init(guarded(front.p, front.len), front.len);
	cr_assert_eq(osd_reply_decode(&d, 8, (uint32_t)reply_data.len, &reply), 0, "%s", d.what);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert_eq(reply.epoch, 74);
	cr_assert_eq(reply.pg.pool, 3);
	cr_assert_eq(reply.oid.len, 20);
	cr_assert_not(reply.redirected);
}

Test(osd_op, reply_to_a_write)
{
	replied("write 5 bytes");
	cr_assert_eq(reply.result, 0);
	cr_assert_eq(reply.flags, 0x400025);
	cr_assert_eq(reply.user_version, 41);
	cr_assert_eq(reply.pg.seed, 2);
	cr_assert_eq(reply.attempt, 0);
	cr_assert_eq(reply.op_count, 1);
	cr_assert_eq(reply.op[0].code, OSD_OP_WRITE);
	cr_assert_eq(reply.op[0].len, 0);
	replied("retry attempt 2");
	cr_assert_eq(reply.attempt, 2);
	replied("create exclusive");
	cr_assert_eq(reply.result, -EEXIST);
	cr_assert_eq(reply.op[0].rval, -EEXIST);
}

Test(osd_op, reply_to_reads)
{
	struct osd_stat st;
	struct dec d;

	replied("read 0~100 + stat");
	cr_assert_eq(reply.op_count, 2);
	cr_assert_eq(reply.op[0].len, 5);
	cr_assert_eq(reply.op[1].at, 5);
	cr_assert_eq(reply.op[1].len, 16);
	cr_assert_arr_eq(reply_data.p, "hello", 5);
	d = dec_init(reply_data.p + 5, 16);
	cr_assert_eq(osd_stat_decode(&d, &st), 0);
	cr_assert_eq(st.size, 5);
	cr_assert_eq(st.mtime_ns, 1700000000123456789);
	d = dec_init(reply_data.p + 5, 15);
	cr_assert_eq(osd_stat_decode(&d, &st), -EBADMSG);
	replied("read missing object");
	cr_assert_eq(reply.result, -ENOENT);
	cr_assert_eq(reply.op[0].len, 0);
	replied("cmpxattr true");
	cr_assert_eq(reply.result, 1);
	cr_assert_eq(reply.op[0].rval, 1);
}

Test(osd_op, outputs_must_fit_the_data)
{
	struct bytes front, data;
	struct dec d;

	osd_record("read 0~100 + stat", "MOSDOpReply type", &front, &data);
	d = dec_init(front.p, front.len);
	cr_assert_eq(osd_reply_decode(&d, 8, (uint32_t)data.len - 1, &reply), -EBADMSG);
	d = dec_init(front.p, front.len);
	cr_assert_eq(osd_reply_decode(&d, 8, (uint32_t)data.len + 1, &reply), 0);
	d = dec_init(front.p, front.len);
	cr_assert_eq(osd_reply_decode(&d, 6, (uint32_t)data.len, &reply), -EBADMSG, "of before Jewel");
	/* The count of operations, behind 4+20 oid, 17 pg, 8 flags, 4 result, 12 version, 4 epoch. */
	le32_put(front.p + 69, OSD_OPS_MAX + 1);
	d = dec_init(front.p, front.len);
	cr_assert_eq(osd_reply_decode(&d, 8, (uint32_t)data.len, &reply), -EBADMSG);
}

/* A redirect as ceph src/osd/osd_types.h encodes it; no cluster of ours sends one. */
Test(osd_op, redirect)
{
	struct bytes front, data,
	    tail = unhex("01" /* redirected */
			 "01013b000000"
			 "06031f0000000700000000000000ffffffff010000006b020000006e73"
			 "ffffffffffffffff"
			 "080000006f7468657262696700000000"
			 "000000000000000000000000000000000000000000000000");
	uint8_t buf[512];
	struct dec d;

	osd_record("write 5 bytes", "MOSDOpReply type", &front, &data);
	memcpy(buf, front.p, front.len - 25);
	memcpy(buf + front.len - 25, tail.p, tail.len);
	le32_put(buf + front.len - 25 + 3, 37 + 12 + 4);
	d = dec_init(buf, front.len - 25 + tail.len);
	cr_assert_eq(osd_reply_decode(&d, 8, 0, &reply), 0, "%s", d.what);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert(reply.redirected);
	cr_assert_eq(reply.redirect.pool, 7);
	assert_bytes(reply.redirect.key.p, reply.redirect.key.len, "k", 1, "key");
	assert_bytes(reply.redirect.nspace.p, reply.redirect.nspace.len, "ns", 2, "namespace");
	assert_bytes(reply.redirect.oid.p, reply.redirect.oid.len, "otherbig", 8, "object");
}

Test(osd_op, sparse_read)
{
	struct osd_extents x;
	struct dec d;

	replied("sparse read");
	cr_assert_eq(reply.op[0].len, reply_data.len);
	for (size_t n = 0; n < reply_data.len; n++) {
		d = dec_init(guarded(reply_data.p, n), n);
		cr_assert_eq(osd_extents_decode(&d, &x), -EBADMSG);
	}
	d = dec_init(reply_data.p, reply_data.len);
	cr_assert_eq(osd_extents_decode(&d, &x), 0);
	cr_assert_eq(x.count, 1);
	cr_assert_eq(osd_extent_get(&x, 0).offset, 0);
	cr_assert_eq(osd_extent_get(&x, 0).len, 5);
	assert_bytes(x.data.p, x.data.len, "hello", 5, "data");
}

static int extents(const uint64_t *pairs, uint32_t count, uint32_t data_len)
{
	struct osd_extents x;
	struct enc e;
	struct dec d;
	int r;

	enc_init(&e);
	enc_u32(&e, count);
	enc_bytes(&e, pairs, count * 16);
	enc_u32(&e, data_len);
	enc_zero(&e, data_len);
	d = dec_init(e.buf, e.len);
	r = osd_extents_decode(&d, &x);
	enc_free(&e);
	return r;
}

Test(osd_op, extents_are_in_order_and_fit)
{
	cr_assert_eq(extents((uint64_t[]){ 0, 4, 4, 4, 100, 1 }, 3, 9), 0);
	cr_assert_eq(extents((uint64_t[]){ 0, 4, 3, 4 }, 2, 8), -EBADMSG, "overlap");
	cr_assert_eq(extents((uint64_t[]){ 8, 4, 0, 4 }, 2, 8), -EBADMSG, "backwards");
	cr_assert_eq(extents((uint64_t[]){ 0, 4 }, 1, 5), -EBADMSG, "data left over");
	cr_assert_eq(extents((uint64_t[]){ 0, 6 }, 1, 5), -EBADMSG, "data missing");
	cr_assert_eq(extents((uint64_t[]){ UINT64_MAX, 4 }, 1, 4), -EBADMSG, "overflow");
}

/* As obj_list_snap_response_t of ceph src/include/rados/rados_types.hpp has it. */
static void snapset_encode(struct enc *e)
{
	static const uint64_t snaps[] = { 4, 3 }, overlap[] = { 0, 8 };
	size_t all = enc_section(e, 2, 1), clone;

	enc_u32(e, 2);
	clone = enc_section(e, 1, 1);
	enc_u64(e, 4);
	enc_u32(e, 2);
	enc_bytes(e, snaps, sizeof snaps);
	enc_u32(e, 1);
	enc_bytes(e, overlap, sizeof overlap);
	enc_u64(e, 8);
	enc_close(e, clone);
	clone = enc_section(e, 1, 1);
	enc_u64(e, OSD_SNAP_HEAD);
	enc_u32(e, 0);
	enc_u32(e, 0);
	enc_u64(e, 10);
	enc_close(e, clone);
	enc_u64(e, 9);
	enc_close(e, all);
}

Test(osd_op, list_snaps)
{
	struct osd_snapset s;
	struct osd_clone c;
	struct dec d;
	struct enc e;

	enc_init(&e);
	snapset_encode(&e);
	for (size_t n = 0; n < e.len; n++) {
		d = dec_init(guarded(e.buf, n), n);
		cr_assert_eq(osd_snapset_decode(&d, &s), -EBADMSG, "%zu", n);
	}
	d = dec_init(guarded(e.buf, e.len), e.len);
	cr_assert_eq(osd_snapset_decode(&d, &s), 0, "%s", d.what);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert_eq(s.seq, 9);
	cr_assert(osd_clone_next(&s, &c));
	cr_assert_eq(c.id, 4);
	cr_assert_eq(c.snap_count, 2);
	cr_assert_eq(le64_get(c.snaps + 8), 3);
	cr_assert_eq(c.overlap_count, 1);
	cr_assert_eq(le64_get(c.overlap + 8), 8);
	cr_assert_eq(c.size, 8);
	cr_assert(osd_clone_next(&s, &c));
	cr_assert_eq(c.id, OSD_SNAP_HEAD);
	cr_assert_eq(c.size, 10);
	cr_assert_not(osd_clone_next(&s, &c));
	cr_assert_eq(s.clones.err, 0);
	enc_free(&e);
}
