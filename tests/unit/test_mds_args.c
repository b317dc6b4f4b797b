/* The argument unions of requests: every captured one from our own fillers, and each field at its place. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "proto/mds.h"
#include "vectors.h"

/* Where a captured front (head versions 1 to 3) has them. */
enum { AT_OP = 22, AT_ARGS = 42 };

static struct dec args_of(const struct message *m, uint32_t *op)
{
	cr_assert(m->version >= 4 && m->front_len > AT_ARGS + MDS_ARGS_SIZE);
	memcpy(op, m->front + AT_OP, 4);
	return dec_init(m->front + AT_ARGS, MDS_ARGS_SIZE);
}

static void open_again(struct dec *d, uint8_t *args)
{
	uint32_t flags = dec_u32(d), mode = dec_u32(d);
	struct args_layout l = { .stripe_unit = dec_u32(d) };
	uint32_t mask;

	l.stripe_count = dec_u32(d);
	l.object_size = dec_u32(d);
	l.pool = dec_s32(d);
	mask = dec_u32(d);
	cr_assert(!l.stripe_unit && !l.stripe_count && !l.object_size && l.pool == -1);
	args_open(args, flags, mode, mask, NULL, dec_u64(d));
}

static void setattr_again(struct dec *d, uint8_t *args)
{
	struct args_setattr a = { .mode = dec_u32(d) };

	a.uid = dec_u32(d);
	a.gid = dec_u32(d);
	a.mtime_ns = dec_time(d);
	a.atime_ns = dec_time(d);
	a.size = dec_u64(d);
	a.old_size = dec_u64(d);
	a.mask = dec_u32(d);
	a.btime_ns = dec_time(d);
	args_setattr(args, &a);
}

static void filelock_again(struct dec *d, uint8_t *args)
{
	uint8_t rule = dec_u8(d);
	struct filelock l = { .type = dec_u8(d) };

	l.owner = dec_u64(d);
	l.pid = dec_u64(d);
	l.start = dec_u64(d);
	l.length = dec_u64(d);
	cr_assert(l.owner & FILELOCK_OWNER_ALONE);
	args_filelock(args, rule, &l, dec_u8(d));
}

static void lookupino_again(struct dec *d, uint8_t *args)
{
	uint32_t mask = dec_u32(d);
	uint64_t snapid = dec_u64(d), parent = dec_u64(d);

	args_lookupino(args, mask, snapid, parent, dec_u32(d));
}

static void readdir_again(struct dec *d, uint8_t *args)
{
	uint32_t frag = dec_u32(d), entries = dec_u32(d), bytes = dec_u32(d);

	dec_u16(d);
	args_readdir(args, frag, entries, bytes, dec_u32(d));
}

/* False: the operation has no arguments. */
static bool args_again(uint32_t op, struct dec *d, uint8_t *args)
{
	uint32_t first;

	switch (op) {
	case MDS_OP_LOOKUP:
	case MDS_OP_GETATTR:
	case MDS_OP_LOOKUPSNAP:
		args_getattr(args, dec_u32(d));
		return true;
	case MDS_OP_OPEN:
	case MDS_OP_CREATE:
		open_again(d, args);
		return true;
	case MDS_OP_READDIR:
	case MDS_OP_LSSNAP:
		readdir_again(d, args);
		return true;
	case MDS_OP_SETATTR:
		setattr_again(d, args);
		return true;
	case MDS_OP_MKNOD:
		first = dec_u32(d);
		args_mknod(args, first, dec_u32(d));
		return true;
	case MDS_OP_MKDIR:
	case MDS_OP_MKSNAP:
		args_mkdir(args, dec_u32(d));
		return true;
	case MDS_OP_SETXATTR:
		first = dec_u32(d);
		args_setxattr(args, first, dec_u32(d));
		return true;
	case MDS_OP_GETFILELOCK:
	case MDS_OP_SETFILELOCK:
		filelock_again(d, args);
		return true;
	case MDS_OP_LOOKUPINO:
		lookupino_again(d, args);
		return true;
	default:
		return false;
	}
}

static void same_args(const struct message *m, void *arg)
{
	uint8_t args[MDS_ARGS_SIZE];
	uint32_t op;
	struct dec d = args_of(m, &op);

	memset(args, 0xa5, sizeof(args));
	if (args_again(op, &d, args))
		++*(unsigned *)arg;
	else
		memset(args, 0, sizeof(args));
	cr_assert_arr_eq(args, m->front + AT_ARGS, sizeof(args), "%s %u %s", m->file, m->index,
			 mds_op_name(op));
}

Test(mds_args, of_every_capture)
{
	unsigned filled = 0;

	cr_assert_eq(messages_each(MSG_CLIENT_REQUEST, same_args, &filled), 117);
	cr_assert_eq(filled, 76);
}

/* `want` in hex; what it does not name is zero. */
static void is(const uint8_t *args, const char *want)
{
	uint8_t all[MDS_ARGS_SIZE] = { 0 };
	struct bytes b = unhex(want);

	memcpy(all, b.p, b.len);
	cr_assert_arr_eq(args, all, sizeof(all), "%s", want);
}

#define TIMES(sec, ns) ((sec)*1000000000ull + (ns))

Test(mds_args, each_field_at_its_place)
{
	uint8_t args[MDS_ARGS_SIZE];
	struct args_layout layout = { 0x10000, 3, 0x20000, 7 };
	struct args_setattr set = {
		.mask = 0x201, .mode = 0644, .uid = 2, .gid = 3, .size = 4, .old_size = 5
	};

	memset(args, 0xa5, sizeof(args));
	args_open(args, 0102, 0100644, 0x11, &layout, 0x1122334455667788);
	is(args, "42000000a4810000000001000300000000000200070000001100000088776655443322"
		 "11");
	layout.pool = -1;
	args_open(args, 0, 0, 0, &layout, 0);
	is(args, "0000000000000000000001000300000000000200ffffffff");
	set.mtime_ns = TIMES(6, 7);
	set.atime_ns = TIMES(8, 9);
	set.btime_ns = TIMES(10, 11);
	args_setattr(args, &set);
	is(args, "a401000002000000030000000600000007000000080000000900000004000000000000000500000000000000"
		 "010200000a0000000b000000");
	args_mknod(args, 020600, 0x12300045);
	is(args, "8021000045003012");
	args_mkdir(args, 040755);
	is(args, "ed410000");
	args_setxattr(args, SETXATTR_REPLACE, 0x1234);
	is(args, "0200000034120000");
	args_lookupino(args, 0x155, SNAP_HEAD, 0x10000000001, 0xdeadbeef);
	is(args, "55010000feffffffffffffff0100000000010000efbeadde");
}

Test(mds_args, listing_of_what_changed_between_snapshots)
{
	uint8_t args[MDS_ARGS_SIZE];

	memset(args, 0xa5, sizeof(args));
	args_readdir(args, 0x02400000, 100, 0x10000, 0x12345678);
	is(args, "000040026400000000000100010078563412");
	args_snapdiff(args, 0x02400000, 100, 0x10000, 0x12345678, 9);
	is(args, "0000400264000000000001000100785634120900000000000000");
}

Test(mds_args, file_locks)
{
	uint8_t args[MDS_ARGS_SIZE];
	struct filelock l = { .start = 1,
			      .length = 2,
			      .client = 3, /* the daemon knows who asks */
			      .owner = FILELOCK_OWNER_ALONE | 4,
			      .pid = 5,
			      .type = FILELOCK_UNLOCK };

	memset(args, 0xa5, sizeof(args));
	args_filelock(args, FILELOCK_FLOCK_INTR, &l, true);
	is(args, "0404"
		 "0400000000000080"
		 "0500000000000000"
		 "0100000000000000"
		 "0200000000000000"
		 "01");
	l.type = FILELOCK_SHARED;
	args_filelock(args, FILELOCK_FCNTL, &l, false);
	cr_assert(args[0] == 1 && args[1] == 1 && args[34] == 0);
}

/* The bytes that stand for each number; a changed enum would tell daemons something else. */
Test(mds_args, captured_numbers)
{
	cr_assert_eq(SETATTR_MTIME | SETATTR_ATIME, 0x18);
	cr_assert_eq(SETATTR_UID | SETATTR_GID, 6);
	cr_assert_eq(SETATTR_SIZE, 0x20);
	cr_assert(FILELOCK_FLOCK == 2 && FILELOCK_EXCL == 2 && FILELOCK_UNLOCK == 4);
}

static struct slice text(const char *s)
{
	return (struct slice){ (const uint8_t *)s, (uint32_t)strlen(s) };
}

/* libcephfs sent either none or this one pair. */
static void same_metadata(const struct message *m, void *arg)
{
	const struct kv_slice kv = { text("k1"), text("v1") };
	uint32_t op;
	struct enc e;

	args_of(m, &op);
	if (op != MDS_OP_MKSNAP)
		return;
	enc_init(&e);
	mksnap_encode(&e, &kv, m->data_len > 10);
	cr_assert_eq(e.err, 0);
	assert_bytes(e.buf, e.len, m->data, m->data_len, "%s %u", m->file, m->index);
	enc_free(&e);
	*(unsigned *)arg += 1 + 0x10 * (m->data_len > 10);
}

Test(mds_args, metadata_of_captured_snapshots)
{
	unsigned seen = 0;

	messages_each(MSG_CLIENT_REQUEST, same_metadata, &seen);
	cr_assert_eq(seen, 0x15, "five, of which one with a pair");
}

Test(mds_args, metadata_comes_back)
{
	const struct kv_slice in[] = { { text("a"), text("") }, { text("b"), text("value") } };
	struct kv_slice kv;
	struct kv_iter it;
	struct enc e;

	enc_init(&e);
	mksnap_encode(&e, in, 2);
	cr_assert_eq(e.err, 0);
	cr_assert_eq(kv_begin(&it, (struct slice){ guarded(e.buf + 6, e.len - 6), (uint32_t)e.len - 6 }), 0);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(kv_next(&it, &kv), 1);
		assert_bytes(kv.key.p, kv.key.len, in[i].key.p, in[i].key.len);
		assert_bytes(kv.value.p, kv.value.len, in[i].value.p, in[i].value.len);
	}
	cr_assert_eq(kv_next(&it, &kv), 0);
	enc_free(&e);
}

Test(mds_args, metadata_into_a_full_buffer)
{
	const struct kv_slice kv = { text("key"), text("value") };
	uint8_t buf[64];
	struct enc e;

	enc_init_fixed(&e, buf, sizeof(buf));
	mksnap_encode(&e, &kv, 1);
	cr_assert_eq(e.err, 0);
	cr_assert_eq(e.len, 6 + 4 + 7 + 9);
	for (size_t n = 0; n < 26; n++) {
		enc_init_fixed(&e, buf, n);
		mksnap_encode(&e, &kv, 1);
		cr_assert_eq(e.err, -EMSGSIZE, "%zu bytes", n);
	}
}

Test(mds_args, open_flags)
{
	cr_assert_eq(open_flags_to_wire(O_RDONLY), 0);
	cr_assert_eq(open_flags_to_wire(O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK), 1);
	cr_assert_eq(open_flags_to_wire(O_RDWR | O_CREAT | O_EXCL), 02 | 0100 | 0200);
	cr_assert_eq(open_flags_to_wire(O_WRONLY | O_TRUNC), 01 | 01000);
	cr_assert_eq(open_flags_to_wire(O_RDONLY | O_DIRECTORY | O_NOFOLLOW), 0200000 | 0400000);
	cr_assert_eq(open_flags_to_wire(O_DIRECT | O_NOATIME | O_SYNC), 0);
}
