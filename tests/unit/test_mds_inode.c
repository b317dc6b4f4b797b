/* InodeStat, DirStat and LeaseStat: each field at each version, from bytes made here by the layout of
 * doc/protocol.md 6.2; and the form without struct headers refused. Captured ones are in test_mds_reply.c. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "messages.h"
#include "proto/mds.h"

static void fixed_put(struct enc *e)
{
	enc_u64(e, 0x10000000001); /* ino */
	enc_u64(e, SNAP_HEAD);
	enc_u32(e, 0x12345678); /* rdev */
	enc_u64(e, 101);        /* version */
	enc_u64(e, 102);        /* xattr_version */
	enc_u32(e, 0xd55);      /* cap: caps, wanted, cap_id, seq, mseq, realm, flags */
	enc_u32(e, 103);
	enc_u64(e, 104);
	enc_u32(e, 105);
	enc_u32(e, 106);
	enc_u64(e, 107);
	enc_u8(e, 1);
	for (uint32_t i = 0; i < 7; i++) /* layout */
		enc_u32(e, 200 + i);
	enc_time(e, 1000000001); /* ctime, mtime, atime */
	enc_time(e, 2000000002);
	enc_time(e, 0xffffffffull * 1000000000 + 3);
	enc_u32(e, 108); /* time_warp_seq */
	enc_u64(e, 109); /* size, max_size, truncate_size, truncate_seq */
	enc_u64(e, 110);
	enc_u64(e, 111);
	enc_u32(e, 112);
	enc_u32(e, 0100644);
	enc_u32(e, 113); /* uid, gid, nlink */
	enc_u32(e, 114);
	enc_u32(e, 115);
	for (uint64_t i = 0; i < 5; i++) /* files, subdirs, rbytes, rfiles, rsubdirs */
		enc_u64(e, 300 + i);
	enc_time(e, 4000000004); /* rctime */
}

static void tail_put(struct enc *e, uint8_t version)
{
	size_t mark;

	if (version >= 2)
		enc_u32(e, 5); /* dir_pin */
	if (version >= 3)
		enc_time(e, 6000000006); /* snap_btime */
	if (version >= 4)
		enc_u64(e, 119); /* rsnaps */
	if (version >= 5) {
		enc_u32(e, 1);
		enc_str(e, "k");
		enc_str(e, "v");
	}
	if (version >= 6)
		enc_u8(e, 1);
	if (version >= 7) {
		enc_str(e, "auth");
		enc_str(e, "file");
	}
	if (version >= 8) {
		mark = enc_section(e, 1, 1);
		enc_u32(e, 0);
		enc_close(e, mark);
	}
	if (version >= 9)
		enc_u64(e, 120);
	if (version >= 10)
		enc_zero(e, 50); /* who knows */
}

static void inode_put(struct enc *e, uint8_t version, uint8_t compat, uint32_t splits)
{
	size_t mark = enc_section(e, version, compat), quota;

	fixed_put(e);
	enc_u32(e, splits);
	for (uint32_t i = 0; i < splits; i++) {
		enc_u32(e, 13u << 24 | i << 11);
		enc_u32(e, 1);
	}
	enc_str(e, "target/of/link");
	enc_u64(e, 2); /* dir layout: hash, unused */
	enc_str(e, "xattrs");
	enc_u64(e, 116); /* inline version, data */
	enc_str(e, "inline");
	quota = enc_section(e, 1, 1);
	enc_u64(e, 400);
	enc_u64(e, 401);
	enc_close(e, quota);
	enc_str(e, "ns");
	enc_time(e, 5000000005); /* btime */
	enc_u64(e, 118);         /* change_attr */
	tail_put(e, version);
	enc_close(e, mark);
	cr_assert_eq(e->err, 0);
}

static bool says(struct slice s, const char *words)
{
	return s.len == strlen(words) && !memcmp(s.p, words, s.len);
}

static void fixed_check(const struct inode_stat *i)
{
	cr_assert(i->ino == 0x10000000001 && i->snapid == SNAP_HEAD && i->rdev == 0x12345678);
	cr_assert(i->version == 101 && i->xattr_version == 102);
	cr_assert(i->cap.caps == 0xd55 && i->cap.wanted == 103 && i->cap.cap_id == 104 && i->cap.seq == 105);
	cr_assert(i->cap.mseq == 106 && i->cap.realm == 107 && i->cap.flags == 1);
	cr_assert(i->layout.stripe_unit == 200 && i->layout.stripe_count == 201);
	cr_assert(i->layout.object_size == 202 && i->layout.pool == 206);
	cr_assert(i->ctime_ns == 1000000001 && i->mtime_ns == 2000000002);
	cr_assert(i->atime_ns == 4294967295000000003ull && i->rctime_ns == 4000000004);
	cr_assert(i->time_warp_seq == 108 && i->size == 109 && i->max_size == 110);
	cr_assert(i->truncate_size == 111 && i->truncate_seq == 112);
	cr_assert(i->mode == 0100644 && i->uid == 113 && i->gid == 114 && i->nlink == 115);
	cr_assert(i->files == 300 && i->subdirs == 301 && i->rbytes == 302 && i->rfiles == 303 &&
		  i->rsubdirs == 304);
}

static void variable_check(const struct inode_stat *i, uint8_t version, uint32_t splits)
{
	cr_assert_eq(i->fragtree.len, splits * 8);
	cr_assert(says(i->symlink, "target/of/link"));
	cr_assert_eq(i->dir_hash, 2);
	cr_assert(says(i->xattrs, "xattrs"));
	cr_assert_eq(i->inline_version, 116);
	cr_assert(says(i->inline_data, "inline"));
	cr_assert(i->quota_max_bytes == 400 && i->quota_max_files == 401);
	cr_assert(says(i->pool_ns, "ns"));
	cr_assert(i->btime_ns == 5000000005 && i->change_attr == 118);
	cr_assert_eq(i->dir_pin, version >= 2 ? 5 : -1);
	cr_assert_eq(i->snap_btime_ns, version >= 3 ? 6000000006 : 0);
	cr_assert_eq(i->rsnaps, version >= 4 ? 119 : 0);
	cr_assert_eq(i->snap_metadata.len, version >= 5 ? 14 : 0);
	if (version >= 5)
		cr_assert_arr_eq(i->snap_metadata.p, "\1\0\0\0\1\0\0\0k\1\0\0\0v", 14);
}

Test(mds_inode, each_field_at_each_version)
{
	for (uint8_t v = 1; v <= 10; v++) {
		struct inode_stat i;
		struct enc e;
		struct dec d;

		enc_init(&e);
		inode_put(&e, v, 1, v % 3);
		enc_u8(&e, 0x5a); /* what follows stays for the next reader */
		d = dec_init(guarded(e.buf, e.len), e.len);
		memset(&i, 0xa5, sizeof(i));
		inode_stat_decode(&d, &i);
		cr_assert_eq(d.err, 0, "version %u: %s", v, d.what);
		cr_assert_eq(dec_u8(&d), 0x5a);
		fixed_check(&i);
		variable_check(&i, v, v % 3);
		enc_free(&e);
	}
}

static int inode_error(const uint8_t *p, size_t len)
{
	struct dec d = dec_init(guarded(p, len), len);
	struct inode_stat i;

	inode_stat_decode(&d, &i);
	if (d.err)
		cr_assert(!i.ino && !i.symlink.len && !i.fragtree.len && !i.xattrs.len, "nothing half read");
	return d.err;
}

Test(mds_inode, cut_anywhere)
{
	struct enc e;

	enc_init(&e);
	inode_put(&e, 9, 1, 2);
	for (size_t n = 0; n < e.len; n++)
		cr_assert_eq(inode_error(e.buf, n), -EBADMSG);
	cr_assert_eq(inode_error(e.buf, e.len), 0);
	enc_free(&e);
}

/* A section that promises version 4 but ends early must not read on in what follows it. */
Test(mds_inode, section_shorter_than_its_version)
{
	struct enc e;

	enc_init(&e);
	inode_put(&e, 3, 1, 0);
	e.buf[0] = 4;
	enc_zero(&e, 100);
	cr_assert_eq(inode_error(e.buf, e.len), -EBADMSG);
	enc_free(&e);
}

Test(mds_inode, refuses_what_only_newer_readers_understand)
{
	struct enc e;

	enc_init(&e);
	inode_put(&e, 10, 9, 0);
	cr_assert_eq(inode_error(e.buf, e.len), 0);
	e.buf[1] = 10;
	cr_assert_eq(inode_error(e.buf, e.len), -EBADMSG);
	enc_free(&e);
}

Test(mds_inode, number_of_fragments_is_limited)
{
	struct enc e;

	enc_init(&e);
	inode_put(&e, 6, 1, DIRFRAG_SPLITS_MAX);
	cr_assert_eq(inode_error(e.buf, e.len), 0);
	enc_reset(&e);
	inode_put(&e, 6, 1, DIRFRAG_SPLITS_MAX + 1);
	cr_assert_eq(inode_error(e.buf, e.len), -EBADMSG);
	enc_free(&e);
}

Test(mds_inode, form_without_headers_is_refused)
{
	static const uint64_t inos[] = {
		1, 0x101, 0x10000000000, 0x10000000001, 0x100000001ff, 0x20000001234
	};

	for (unsigned k = 0; k < sizeof(inos) / sizeof(inos[0]); k++) {
		struct enc e;

		enc_init(&e);
		inode_put(&e, 1, 1, 0);
		memcpy(e.buf + 6, &inos[k], 8);
		cr_assert_eq(inode_error(e.buf + 6, e.len - 6), -EBADMSG, "ino %lx", (unsigned long)inos[k]);
		enc_free(&e);
	}
}

static void dir_put(struct enc *e, uint32_t dist)
{
	size_t mark = enc_section(e, 1, 1);

	enc_u32(e, 0x01800000);
	enc_u32(e, (uint32_t)-2);
	enc_u32(e, dist);
	for (uint32_t i = 0; i < dist; i++)
		enc_u32(e, i);
	enc_close(e, mark);
}

Test(mds_inode, dir_stat)
{
	struct dir_stat s;
	struct enc e;
	struct dec d;

	enc_init(&e);
	dir_put(&e, DIST_MAX);
	d = dec_init(guarded(e.buf, e.len), e.len);
	dir_stat_decode(&d, &s);
	cr_assert_eq(d.err, 0);
	cr_assert(s.frag == 0x01800000 && s.auth == -2 && s.dist_count == DIST_MAX &&
		  s.dist[DIST_MAX - 1] == DIST_MAX - 1);
	for (size_t n = 0; n < e.len; n++) {
		d = dec_init(guarded(e.buf, n), n);
		dir_stat_decode(&d, &s);
		cr_assert(d.err == -EBADMSG && !s.dist_count);
	}
	enc_reset(&e);
	dir_put(&e, DIST_MAX + 1);
	d = dec_init(guarded(e.buf, e.len), e.len);
	dir_stat_decode(&d, &s);
	cr_assert(d.err == -EBADMSG && !s.dist_count);
	enc_free(&e);
}

Test(mds_inode, lease_stat_versions)
{
	for (uint8_t v = 1; v <= 4; v++) {
		struct lease_stat l;
		struct enc e;
		struct dec d;
		size_t mark;

		enc_init(&e);
		mark = enc_section(&e, v, 1);
		enc_u16(&e, 7);
		enc_u32(&e, 30000);
		enc_u32(&e, 9);
		if (v >= 2)
			enc_str(&e, "a longer name");
		if (v >= 3)
			enc_u8(&e, 1);
		enc_close(&e, mark);
		d = dec_init(guarded(e.buf, e.len), e.len);
		lease_stat_decode(&d, &l);
		cr_assert(!d.err && !dec_left(&d) && l.mask == 7 && l.duration_ms == 30000 && l.seq == 9);
		for (size_t n = 0; n < e.len; n++) {
			d = dec_init(guarded(e.buf, n), n);
			lease_stat_decode(&d, &l);
			cr_assert(d.err == -EBADMSG && !l.mask);
		}
		enc_free(&e);
	}
}
