/* Replies: every captured one, consumed exactly, cut and damaged at every byte. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "messages.h"
#include "proto/frag.h"
#include "proto/mds.h"

static int maps_read(const struct inode_stat *i)
{
	struct xattr_iter it;
	struct slice name, value;
	struct kv_iter metadata;
	struct kv_slice kv;
	int got;

	got = xattrs_begin(&it, i->xattrs);
	while (!got && (got = xattrs_next(&it, &name, &value)) == 1)
		got = 0;
	if (got)
		return got;
	got = kv_begin(&metadata, i->snap_metadata);
	while (!got && (got = kv_next(&metadata, &kv)) == 1)
		got = 0;
	return got;
}

/* Reads everything that a reply can hold, as deep as there are decoders. */
static int reply_read(struct dec *d, struct reply *r)
{
	int got = reply_decode(d, r);

	return got || !r->is_target ? got : maps_read(&r->target);
}

/* Whatever the operation, each decoder of an extra has to live with these bytes. */
static void extras_read(struct slice extra)
{
	struct dec d = dec_init(extra.p, extra.len);
	struct create_extra created;
	struct filelock lock;
	struct slice value;

	vxattr_decode(&d, &value);
	d = dec_init(extra.p, extra.len);
	create_extra_decode(&d, &created);
	d = dec_init(extra.p, extra.len);
	filelock_decode(&d, &lock);
}

static int listing_read(struct slice extra, struct readdir_head *h, struct readdir_entry *last)
{
	struct dec d = dec_init(extra.p, extra.len);

	if (readdir_head_decode(&d, h))
		return d.err;
	for (uint32_t i = 0; i < h->count; i++)
		if (readdir_next(&d, last))
			return d.err;
	dec_end(&d);
	return d.err;
}

static void decode_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(guarded(m->front, m->front_len), m->front_len);
	struct reply r;

	cr_assert_eq(reply_read(&d, &r), 0, "%s %u: %s", m->file, m->index, d.what ? d.what : "xattrs");
	cr_assert_eq(dec_left(&d), 0);
	cr_assert_str_neq(mds_op_name(r.op), "op");
	cr_assert(r.result <= 0 && r.result > -4096);
	if (r.is_dentry) {
		cr_assert(r.dir.ino >= INO_ROOT && r.dname.len);
		cr_assert_eq(r.dir.mode & 0170000, 040000);
		cr_assert(r.lease.mask <= 7 && (r.lease.duration_ms == 30000 || !r.lease.duration_ms));
	}
	if (r.is_target) {
		cr_assert(r.target.ino >= INO_ROOT && r.target.mode);
		cr_assert(r.target.dir_pin >= -1 && r.target.dir_pin < 16);
	}
	for (size_t n = 0; n < m->front_len; n++) {
		d = dec_init(guarded(m->front, n), n);
		cr_assert_eq(reply_read(&d, &r), -EBADMSG, "%s %u cut at %zu", m->file, m->index, n);
	}
}

Test(mds_reply, decodes_every_capture)
{
	cr_assert_eq(messages_each(MSG_CLIENT_REPLY, decode_one, NULL), 193);
}

/* Whatever a byte is changed to, nothing beyond the message is read and the listing loop ends. */
static void damage_one(const struct message *m, void *arg)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	uint8_t *p = (uint8_t *)guarded(m->front, m->front_len);

	for (size_t n = 0; n < m->front_len; n++) {
		for (unsigned k = 0; k < sizeof(values); k++) {
			struct dec d = dec_init(p, m->front_len);
			struct reply r;
			struct readdir_head h;
			struct readdir_entry last;

			p[n] = values[k];
			if (!reply_read(&d, &r)) {
				listing_read(r.extra, &h, &last);
				extras_read(r.extra);
			}
		}
		p[n] = m->front[n];
	}
	++*(unsigned *)arg;
}

Test(mds_reply, damage_is_survived)
{
	unsigned seen = 0;

	messages_each(MSG_CLIENT_REPLY, damage_one, &seen);
	cr_assert_gt(seen, 0);
}

struct listings {
	unsigned listings, entries;
};

/* Entries come in the order of the low 24 bits of their hashes. */
static void listing_check(const struct reply *r, struct listings *seen)
{
	struct dec d = dec_init(r->extra.p, r->extra.len);
	struct readdir_head h;
	struct readdir_entry e;
	uint32_t hash, before = 0;

	cr_assert_eq(readdir_head_decode(&d, &h), 0);
	cr_assert(h.flags & READDIR_END);
	cr_assert(r->op != MDS_OP_READDIR || h.flags & READDIR_HASH_ORDER);
	cr_assert(frag_valid(h.dir.frag));
	for (uint32_t i = 0; i < h.count; i++) {
		cr_assert_eq(readdir_next(&d, &e), 0);
		cr_assert(e.name.len && e.inode.ino > INO_ROOT);
		hash = dir_hash(DIR_HASH_RJENKINS, (const char *)e.name.p, e.name.len) & 0xffffff;
		if (h.flags & READDIR_HASH_ORDER)
			cr_assert_geq(hash, before);
		before = hash;
	}
	cr_assert_eq(dec_left(&d), 0);
	seen->listings++;
	seen->entries += h.count;
	for (uint32_t n = 0; n < r->extra.len; n++)
		cr_assert_eq(listing_read((struct slice){ guarded(r->extra.p, n), n }, &h, &e), -EBADMSG);
}

static void listing_one(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct reply r;

	cr_assert_eq(reply_decode(&d, &r), 0);
	if ((r.op == MDS_OP_READDIR || r.op == MDS_OP_LSSNAP) && r.extra.len)
		listing_check(&r, arg);
}

Test(mds_reply, listings)
{
	struct listings seen = { 0 };

	messages_each(MSG_CLIENT_REPLY, listing_one, &seen);
	cr_assert_eq(seen.listings, 8);
	cr_assert_gt(seen.entries, 10);
}

Test(mds_reply, a_count_that_the_listing_cannot_hold)
{
	struct readdir_head h;
	struct dec d;
	struct enc e;
	size_t mark;

	enc_init(&e);
	mark = enc_section(&e, 1, 1);
	enc_zero(&e, 12);
	enc_close(&e, mark);
	enc_u32(&e, 0xffffffff);
	enc_zero(&e, 2000);
	d = dec_init(guarded(e.buf, e.len), e.len);
	cr_assert_eq(readdir_head_decode(&d, &h), -EBADMSG);
	cr_assert_eq(h.count, 0);
	enc_free(&e);
}

static void reply_file(const char *name, struct reply *r, uint8_t **front)
{
	size_t len;
	struct dec d;

	*front = test_file(name, &len);
	d = dec_init(guarded(*front, len), len);
	cr_assert_eq(reply_decode(&d, r), 0);
}

static uint64_t ns(uint64_t sec, uint64_t nsec)
{
	return sec * 1000000000 + nsec;
}

Test(mds_reply, lookup_of_a_bare_client)
{
	struct reply r;
	uint8_t *front;

	reply_file("mds/client_reply_lookup_front.bin", &r, &front);
	cr_assert(r.op == MDS_OP_LOOKUP && r.result == 0 && r.mdsmap_epoch == 9 && r.safe && r.is_dentry &&
		  r.is_target);
	cr_assert(r.dir.ino == 1099511629536 && r.dir.version == 7108 && r.dir.cap.caps == 853);
	cr_assert(r.dir.cap.cap_id == 7119 && r.dir.cap.seq == 1 && r.dir.cap.realm == 1 &&
		  r.dir.cap.flags == 1);
	cr_assert_eq(r.dir.ctime_ns, ns(1795333483, 992926836));
	cr_assert_eq(r.dir.btime_ns, ns(1795333483, 984968423));
	cr_assert_eq(r.dir.rctime_ns, ns(1795333526, 300287008));
	cr_assert(r.dir.mode == 16877 && r.dir.nlink == 1 && r.dir.files == 2 && r.dir.subdirs == 2);
	cr_assert(r.dir.rbytes == 4 && r.dir.rfiles == 3 && r.dir.rsubdirs == 7 && r.dir.dir_hash == 2);
	cr_assert(r.dir.xattrs.len == 4 && r.dir.inline_version == UINT64_MAX && r.dir.change_attr == 4);
	cr_assert(r.dir.dir_pin == -1 && r.dir.truncate_size == UINT64_MAX && r.dir.truncate_seq == 1);
	cr_assert(r.dirstat.frag == 0 && r.dirstat.auth == -1 && r.dirstat.dist_count == 0);
	cr_assert(r.dname.len == 4 && !memcmp(r.dname.p, "real", 4));
	cr_assert(r.lease.mask == 0 && r.lease.duration_ms == 0);
	cr_assert(r.target.ino == 1099511629537 && r.target.cap.caps == 341 && r.target.change_attr == 1);
	cr_assert(r.extra.len == 0 && r.snaptrace.len == 48);
	free(front);
}

Test(mds_reply, missing_name_has_a_dentry_and_no_target)
{
	struct reply r;
	uint8_t *front;

	reply_file("mds/client_reply_enoent_front.bin", &r, &front);
	cr_assert(r.result == -ENOENT && r.is_dentry && !r.is_target && r.dname.len);
	free(front);
}

Test(mds_reply, refuses_bytes_behind_the_end)
{
	size_t len;
	uint8_t *front = test_file("mds/client_reply_lookup_front.bin", &len);
	struct dec d;
	struct reply r;

	front[len] = 0;
	d = dec_init(guarded(front, len + 1), len + 1);
	cr_assert_eq(reply_decode(&d, &r), -EBADMSG);
	front[14] = 0; /* a trace with a target that the head does not announce */
	d = dec_init(guarded(front, len), len);
	cr_assert_eq(reply_decode(&d, &r), -EBADMSG);
	free(front);
}
