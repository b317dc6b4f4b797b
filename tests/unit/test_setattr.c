/* Changing attributes: what is done here under which caps, what the MDS is asked for, and what it costs. */
#include "wire_bed.h"
#include <errno.h>
#include <sys/xattr.h>
#include "meta/acl.h"
#include "meta/xattr_map.h"
#include "proto/le.h"

enum {
	SHARED = CAP_PIN | CAP_ANY_SHARED,
	EXCL = SHARED | CAP_AX | CAP_LX | CAP_XX | CAP_FX | CAP_FR | CAP_FC | CAP_FW | CAP_FB,
	SIZE = 100,
};
#define OLD_NS 1000000000000000000ull

static struct bed *bed;
static struct session *s0;
static struct inode *file;
static const struct cephring_cred root = { 0 }, owner = { .uid = 5, .gid = 6 },
				  other = { .uid = 7, .gid = 8 };

/* The cache gets a file of `owner` with these caps. */
static void file_with(uint32_t mode, uint32_t caps)
{
	static const uint8_t none[4];
	struct inode_stat st = bed_stat(2, false, caps, 1);

	st.mode = 0100000 | mode;
	st.uid = 5;
	st.gid = 6;
	st.size = st.max_size = SIZE;
	st.mtime_ns = st.atime_ns = st.ctime_ns = OLD_NS;
	st.change_attr = 10;
	st.xattr_version = 1;
	st.xattrs = (struct slice){ none, sizeof none };
	bed = bed_new(1 << 20);
	s0 = wire_session(bed, 0);
	bed->m.map->max_file_size = 1ull << 40;
	bed->m.map->max_xattr_size = 300;
	file = trace_inode(&bed->m, s0, &st);
	cr_assert_not_null(file);
	inode_get(file);
}

static void end(void)
{
	cr_assert_null(caps_check(file));
	inode_put(&bed->m, file);
	wire_free(bed);
}

/* ---- calls ---- */

struct call {
	struct cephring_op pub;
	int calls;
	int64_t res;
};

static void on_op(struct cephring_op *op, int64_t res, void *user)
{
	struct call *c = user;

	(void)op;
	c->calls++;
	c->res = res;
}

static struct op *prepare(struct call *c, const struct op_family *fam, const struct cephring_cred *who,
			  uint32_t mask)
{
	struct op *op;

	*c = (struct call){ 0 };
	cr_assert_eq(op_prepare(&bed->m, &c->pub, fam, on_op, c, &op), 0);
	op_set_walk(op, file, "", 0, who, mask);
	return op;
}

static void run(struct op *op)
{
	cr_assert_eq(op_submit(op), 0);
	wire_turn(bed);
}

static void set_begin(struct call *c, const struct cephring_cred *who, struct cephring_setattr set)
{
	struct op *op = prepare(c, &op_setattr_family, who, CAP_PIN);

	memset(&op->u.setattr, 0, sizeof op->u.setattr);
	op->u.setattr.set = set;
	run(op);
}

static int64_t set_here(const struct cephring_cred *who, struct cephring_setattr set)
{
	struct call c;

	set_begin(&c, who, set);
	cr_assert_eq(c.calls, 1, "it waits");
	wire_quiet();
	return c.res;
}

/* It must ask, for this: the request, answered with 0. */
static struct parsed set_asked(const struct cephring_cred *who, struct cephring_setattr set, uint32_t mask)
{
	struct parsed q;
	struct sent *x;
	struct call c;

	set_begin(&c, who, set);
	x = wire_request(MDS_OP_SETATTR, &q);
	cr_assert_eq(le32_get(q.q.args + 44), mask, "mask %x instead of %x", le32_get(q.q.args + 44), mask);
	cr_assert_eq(q.q.uid, who->uid);
	cr_assert_eq(c.calls, 0);
	wire_answer(s0, x->tid, &(struct answer){ .op = MDS_OP_SETATTR, .safe = true });
	cr_assert_eq(c.calls, 1);
	cr_assert_eq(c.res, 0);
	return q;
}

/* What the request gave up of the file. */
static uint32_t given_up(const struct parsed *q)
{
	return q->q.release_count ? EXCL & ~q->releases[0].caps : 0;
}

#define SET(...)                                                                                             \
	(struct cephring_setattr)                                                                            \
	{                                                                                                    \
		__VA_ARGS__                                                                                  \
	}

/* ---- Ax ---- */

Test(setattr, mode_and_owner_here_under_ax)
{
	file_with(0644, EXCL);
	cr_assert_eq(set_here(&root, SET(.set = CEPHRING_SET_MODE, .mode = 07711)), 0);
	cr_assert_eq(file->a.mode, 0107711);
	cr_assert_gt(file->a.ctime_ns, OLD_NS);
	cr_assert_eq(file->a.change_attr, 11);
	cr_assert_eq(caps_dirty(file), CAP_AX);
	cr_assert_eq(bed->m.stats.local_sets, 1);
	cr_assert_eq(set_here(&root, SET(.set = CEPHRING_SET_UID | CEPHRING_SET_GID | CEPHRING_SET_BTIME,
					 .uid = 9, .gid = 10, .btime_ns = 77)),
		     0);
	cr_assert_eq(file->a.uid, 9);
	cr_assert_eq(file->a.gid, 10);
	cr_assert_eq(file->a.btime_ns, 77);
	cr_assert_eq(file->a.mode, 0101711, "a program lost its rights, not the sticky bit");
	cr_assert_eq(bed->m.stats.local_sets, 2);
	end();
}

Test(setattr, without_ax_it_is_asked_for_and_as_is_given_up)
{
	struct parsed q;

	file_with(0644, EXCL & ~(uint32_t)CAP_AX);
	q = set_asked(&root, SET(.set = CEPHRING_SET_MODE | CEPHRING_SET_GID, .mode = 0600, .gid = 77),
		      SETATTR_MODE | SETATTR_GID);
	cr_assert_eq(le32_get(q.q.args) & 07777, 0600);
	cr_assert_eq(le32_get(q.q.args + 8), 77);
	cr_assert_eq(given_up(&q), CAP_AS | CAP_AX);
	cr_assert_eq(bed->m.stats.local_sets, 0);
	cr_assert_eq(caps_dirty(file), 0);
	end();
}

Test(setattr, what_is_so_already_is_left_alone)
{
	file_with(0644, SHARED);
	cr_assert_eq(set_here(&root, SET(.set = CEPHRING_SET_MODE | CEPHRING_SET_UID | CEPHRING_SET_GID |
						CEPHRING_SET_SIZE | CEPHRING_SET_MTIME,
					 .mode = 0644, .uid = 5, .gid = 6, .size = SIZE, .mtime_ns = OLD_NS)),
		     0);
	cr_assert_eq(file->a.ctime_ns, OLD_NS);
	set_asked(&root, SET(.set = CEPHRING_SET_MODE | CEPHRING_SET_UID, .mode = 0600, .uid = 5),
		  SETATTR_MODE);
	end();
}

Test(setattr, an_owner_set_again_still_costs_a_program_its_rights)
{
	file_with(04755, SHARED);
	set_asked(&root, SET(.set = CEPHRING_SET_UID, .uid = 5), SETATTR_UID);
	end();
}

Test(setattr, two_callers_are_not_mixed)
{
	file_with(0644, EXCL);
	cr_assert_eq(set_here(&root, SET(.set = CEPHRING_SET_MODE, .mode = 0666)), 0);
	set_asked(&owner, SET(.set = CEPHRING_SET_MODE, .mode = 0600), SETATTR_MODE);
	cr_assert_eq(set_here(&root, SET(.set = CEPHRING_SET_MODE, .mode = 0611)), 0);
	end();
}

Test(setattr, nothing_is_changed_here_that_cannot_be_told)
{
	file_with(0644, EXCL);
	s0->read_only = true;
	set_asked(&root, SET(.set = CEPHRING_SET_MODE, .mode = 0600), SETATTR_MODE);
	s0->read_only = false;
	end();
}

/* ---- times and sizes ---- */

Test(setattr, times_here_under_fx)
{
	file_with(0644, EXCL);
	cr_assert_eq(set_here(&root, SET(.set = CEPHRING_SET_ATIME | CEPHRING_SET_MTIME, .atime_ns = 5,
					 .mtime_ns = 6)),
		     0);
	cr_assert_eq(file->a.atime_ns, 5);
	cr_assert_eq(file->a.mtime_ns, 6);
	cr_assert_eq(file->a.time_warp_seq, 1);
	cr_assert_eq(caps_dirty(file), CAP_FX);
	end();
}

Test(setattr, under_fw_only_later_ones)
{
	struct parsed q;

	file_with(0644, EXCL & ~(uint32_t)CAP_FX);
	cr_assert_eq(set_here(&root, SET(.set = CEPHRING_SET_MTIME, .mtime_ns = (int64_t)OLD_NS + 1)), 0);
	cr_assert_eq(file->a.mtime_ns, OLD_NS + 1);
	cr_assert_eq(file->a.time_warp_seq, 0, "moved forward, not set");
	cr_assert_eq(caps_dirty(file), CAP_FW);
	q = set_asked(&root, SET(.set = CEPHRING_SET_MTIME, .mtime_ns = 7), SETATTR_MTIME);
	cr_assert_eq(le_time_get(q.q.args + 12), 7);
	q = set_asked(&root, SET(.set = CEPHRING_SET_ATIME, .atime_ns = (int64_t)OLD_NS + 1), SETATTR_ATIME);
	cr_assert_eq(le_time_get(q.q.args + 20), OLD_NS + 1);
	end();
}

Test(setattr, now_is_a_time_like_any_other)
{
	file_with(0644, EXCL);
	cr_assert_eq(set_here(&root, SET(.set = CEPHRING_SET_ATIME_NOW | CEPHRING_SET_MTIME_NOW)), 0);
	cr_assert_gt(file->a.mtime_ns, OLD_NS);
	cr_assert_eq(file->a.mtime_ns, file->a.atime_ns);
	cr_assert_eq(file->a.mtime_ns, file->a.ctime_ns);
	end();
}

Test(setattr, what_the_wire_cannot_say_becomes_the_nearest)
{
	file_with(0644, EXCL);
	cr_assert_eq(set_here(&root, SET(.set = CEPHRING_SET_ATIME | CEPHRING_SET_MTIME,
					 .atime_ns = INT64_MIN, .mtime_ns = INT64_MAX)),
		     0);
	cr_assert_eq(file->a.atime_ns, 0);
	cr_assert_eq(file->a.mtime_ns, UINT32_MAX * 1000000000ull + 999999999);
	end();
}

Test(setattr, files_grow_here_and_are_cut_there)
{
	struct parsed q;

	file_with(0644, EXCL);
	cr_assert_eq(set_here(&root, SET(.set = CEPHRING_SET_SIZE, .size = SIZE + 1)), 0);
	cr_assert_eq(file->a.size, SIZE + 1);
	cr_assert_gt(file->a.mtime_ns, OLD_NS);
	cr_assert_eq(caps_dirty(file), CAP_FX);
	q = set_asked(&root, SET(.set = CEPHRING_SET_SIZE, .size = SIZE), SETATTR_SIZE);
	cr_assert_eq(le64_get(q.q.args + 28), SIZE);
	cr_assert_eq(le64_get(q.q.args + 36), SIZE + 1, "the size it had");
	end();
}

Test(setattr, without_fx_the_size_costs_the_file_bits)
{
	struct parsed q;

	file_with(0644, EXCL & ~(uint32_t)(CAP_FX | CAP_AX));
	q = set_asked(&root, SET(.set = CEPHRING_SET_SIZE, .size = SIZE + 1), SETATTR_SIZE);
	cr_assert_eq(given_up(&q), CAP_FS | CAP_FX | CAP_FR | CAP_FW | CAP_AX);
	end();
}

Test(setattr, cutting_costs_the_file_bits)
{
	struct parsed q;

	file_with(0644, EXCL);
	q = set_asked(&root, SET(.set = CEPHRING_SET_SIZE, .size = 1), SETATTR_SIZE);
	cr_assert_eq(given_up(&q), CAP_FS | CAP_FX | CAP_FR | CAP_FW);
	end();
}

Test(setattr, one_call_is_done_in_both_ways)
{
	file_with(0644, EXCL & ~(uint32_t)CAP_FX);
	set_asked(&root, SET(.set = CEPHRING_SET_MODE | CEPHRING_SET_SIZE, .mode = 0600, .size = 3),
		  SETATTR_SIZE);
	cr_assert_eq(file->a.mode, 0100600);
	cr_assert_eq(caps_dirty(file), CAP_AX);
	end();
}

Test(setattr, who_cuts_a_program_takes_its_rights)
{
	file_with(06777, EXCL);
	cr_assert_eq(set_here(&other, SET(.set = CEPHRING_SET_SIZE, .size = SIZE + 1)), 0);
	cr_assert_eq(file->a.mode, 0100777);
	end();
	file_with(06777, EXCL & ~(uint32_t)CAP_AX);
	set_asked(&other, SET(.set = CEPHRING_SET_SIZE, .size = 1), SETATTR_SIZE | SETATTR_KILL_SGUID);
	end();
	file_with(06777, EXCL);
	cr_assert_eq(set_here(&root, SET(.set = CEPHRING_SET_SIZE, .size = SIZE + 1)), 0);
	cr_assert_eq(file->a.mode, 0106777, "the superuser may");
	end();
}

/* ---- judging ---- */

Test(setattr, what_judging_takes_is_asked_for_first)
{
	struct inode_stat st;
	struct parsed q;
	struct sent *x;
	struct call c;

	file_with(0644, CAP_PIN);
	set_begin(&c, &owner, SET(.set = CEPHRING_SET_MODE, .mode = 0600));
	x = wire_request(MDS_OP_GETATTR, &q);
	cr_assert_eq(le32_get(q.q.args), CAP_PIN | CAP_AS);
	st = bed_stat(2, false, CAP_PIN, 1);
	st.uid = 99; /* it is somebody else's by now */
	wire_answer(s0, x->tid, &(struct answer){ .op = MDS_OP_GETATTR, .safe = true, .target = &st });
	cr_assert_eq(c.calls, 1);
	cr_assert_eq(c.res, -EPERM);
	wire_quiet();
	end();
}

Test(setattr, refused_before_anything_is_sent)
{
	file_with(0644, CAP_PIN | CAP_AS);
	cr_assert_eq(set_here(&root, SET(.set = CEPHRING_SET_SIZE, .size = (1ull << 40) + 1)), -EFBIG);
	cr_assert_eq(set_here(&root, SET(.set = CEPHRING_SET_UID, .uid = -1u)), -EINVAL);
	cr_assert_eq(set_here(&other, SET(.set = CEPHRING_SET_MODE)), -EPERM);
	cr_assert_eq(set_here(&other, SET(.set = CEPHRING_SET_SIZE)), -EACCES);
	cr_assert_eq(set_here(&other, SET(.set = CEPHRING_SET_MTIME_NOW)), -EACCES);
	cr_assert_eq(set_here(&other, SET(.set = CEPHRING_SET_MTIME)), -EPERM);
	end();
}

Test(setattr, strangers_to_a_group_set_no_setgid)
{
	struct cephring_cred moved = { .uid = 5, .gid = 77 };

	file_with(0644, EXCL);
	cr_assert_eq(set_here(&moved, SET(.set = CEPHRING_SET_MODE, .mode = 02755)), 0);
	cr_assert_eq(file->a.mode, 0100755);
	cr_assert_eq(
	    set_here(&moved, SET(.set = CEPHRING_SET_MODE | CEPHRING_SET_GID, .mode = 02755, .gid = 77)), 0);
	cr_assert_eq(file->a.mode, 0102755);
	end();
}

/* ---- extended attributes ---- */

static void xattr_begin(struct call *c, const struct cephring_cred *who, const char *name, const void *value,
			size_t size, int how)
{
	struct op *op = prepare(c, value ? &op_setxattr_family : &op_removexattr_family, who, CAP_PIN);

	op->u.xattr.name = name;
	op->u.xattr.buf = (void *)value;
	op->u.xattr.size = size;
	op->u.xattr.how = how;
	run(op);
}

/* value NULL: removed. */
static int64_t xset(const char *name, const char *value, int how)
{
	struct call c;

	xattr_begin(&c, &root, name, value, value ? strlen(value) : 0, how);
	cr_assert_eq(c.calls, 1, "it waits");
	wire_quiet();
	return c.res;
}

static void xset_asked(const char *name, const char *value, uint32_t op)
{
	struct parsed q;
	struct sent *x;
	struct call c;

	xattr_begin(&c, &root, name, value, value ? strlen(value) : 0, 0);
	x = wire_request(op, &q);
	cr_assert_eq(q.q.path2_len, strlen(name));
	cr_assert_eq(memcmp(q.q.path2, name, q.q.path2_len), 0);
	cr_assert_eq(x->data.len, value ? strlen(value) : 0);
	wire_answer(s0, x->tid, &(struct answer){ .op = op, .safe = true });
	cr_assert_eq(c.calls, 1);
}

static bool has(const char *name, const char *value)
{
	struct slice v;

	return xattr_map_find(inode_xattrs(file), name, &v) && v.len == strlen(value) &&
	       !memcmp(v.p, value, v.len);
}

Test(setxattr, here_under_xx)
{
	file_with(0644, EXCL);
	cr_assert_eq(xset("user.a", "one", XATTR_CREATE), 0);
	cr_assert(has("user.a", "one"));
	cr_assert_eq(file->xattr_version, 2);
	cr_assert_eq(file->a.change_attr, 11);
	cr_assert_gt(file->a.ctime_ns, OLD_NS);
	cr_assert_eq(caps_dirty(file), CAP_XX);
	cr_assert_eq(xset("user.a", "two", XATTR_CREATE), -EEXIST);
	cr_assert_eq(xset("user.b", "two", XATTR_REPLACE), -ENODATA);
	cr_assert_eq(xset("user.a", "two", XATTR_REPLACE), 0);
	cr_assert_eq(xset("trusted.b", "", 0), 0);
	cr_assert(has("user.a", "two") && has("trusted.b", ""));
	cr_assert_eq(xset("user.a", NULL, 0), 0);
	cr_assert_eq(xset("user.a", NULL, 0), -ENODATA);
	cr_assert_eq(xset("trusted.b", NULL, 0), 0);
	cr_assert_null(file->xattrs);
	cr_assert_eq(file->xattr_version, 6);
	cr_assert_eq(bed->m.stats.local_sets, 5);
	end();
}

Test(setxattr, beyond_the_limit_the_mds_is_asked)
{
	char large[301];

	memset(large, 'x', sizeof large - 1);
	large[300] = '\0';
	file_with(0644, EXCL);
	xset_asked("user.large", large, MDS_OP_SETXATTR);
	cr_assert_eq(xset("user.small", "x", 0), 0);
	bed->m.map->max_xattr_size = 0;
	xset_asked("user.other", "x", MDS_OP_SETXATTR);
	cr_assert_eq(xset("user.small", NULL, 0), 0, "taking away is never too much");
	end();
}

Test(setxattr, what_the_mds_interprets_it_is_asked_for)
{
	file_with(0644, EXCL);
	xset_asked("ceph.file.layout.pool", "data", MDS_OP_SETXATTR);
	xset_asked("ceph.file.layout", NULL, MDS_OP_RMXATTR);
	cr_assert_eq(caps_dirty(file), 0);
	cr_assert_eq(xset("ceph.snap.btime", "1", 0), -EOPNOTSUPP);
	end();
}

Test(setxattr, xs_tells_what_is_there)
{
	file_with(0644, SHARED);
	cr_assert_eq(xset("user.a", "x", XATTR_REPLACE), -ENODATA);
	cr_assert_eq(xset("user.a", NULL, 0), -ENODATA);
	xset_asked("user.a", "x", MDS_OP_SETXATTR);
	end();
}

/* ---- lists ---- */

static const char named[] =
    "\x02\0\0\0\x01\0\x06\0\xff\xff\xff\xff\x02\0\x07\0\x09\0\0\0"
    "\x04\0\x04\0\xff\xff\xff\xff\x10\0\x05\0\xff\xff\xff\xff\x20\0\x01\0\xff\xff\xff\xff";
static const char minimal[] = "\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x04\0\x06\0\xff\xff\xff\xff"
			      "\x20\0\x02\0\xff\xff\xff\xff";

static int64_t set_list(const struct cephring_cred *who, const char *name, const char *list, size_t len)
{
	struct call c;

	xattr_begin(&c, who, name, list, len, 0);
	cr_assert_eq(c.calls, 1, "it waits");
	wire_quiet();
	return c.res;
}

Test(setxattr, a_list_and_its_mode_change_together)
{
	struct slice v;

	file_with(04644, EXCL);
	cr_assert_eq(set_list(&owner, ACL_ACCESS, named, sizeof named - 1), 0);
	cr_assert_eq(file->a.mode, 0104651);
	cr_assert(xattr_map_find(inode_xattrs(file), ACL_ACCESS, &v));
	cr_assert_eq(set_list(&owner, ACL_ACCESS, minimal, sizeof minimal - 1), 0);
	cr_assert_eq(file->a.mode, 0104762);
	cr_assert_not(xattr_map_find(inode_xattrs(file), ACL_ACCESS, &v), "the mode says it");
	cr_assert_eq(set_list(&owner, ACL_ACCESS, minimal, sizeof minimal - 1), 0, "and once more");
	cr_assert_eq(set_list(&owner, ACL_ACCESS, named, 4), 0, "none");
	cr_assert_eq(file->a.mode, 0104762);
	end();
}

Test(setxattr, lists_are_the_owners_and_well_formed)
{
	file_with(0666, EXCL);
	cr_assert_eq(set_list(&other, ACL_ACCESS, named, sizeof named - 1), -EPERM);
	cr_assert_eq(set_list(&owner, ACL_ACCESS, named, sizeof named - 9), -EINVAL);
	cr_assert_eq(set_list(&owner, ACL_DEFAULT, named, sizeof named - 1), -EACCES);
	cr_assert_eq(set_list(&owner, "system.other", named, sizeof named - 1), -EOPNOTSUPP);
	cr_assert_eq(caps_dirty(file), 0);
	end();
}

Test(setxattr, without_caps_the_mode_is_asked_for_first)
{
	struct inode_stat st;
	struct parsed q;
	struct sent *x;
	struct call c;

	file_with(0644, SHARED);
	xattr_begin(&c, &owner, ACL_ACCESS, named, sizeof named - 1, 0);
	x = wire_request(MDS_OP_SETATTR, &q);
	cr_assert_eq(le32_get(q.q.args) & 07777, 0651);
	st = bed_stat(2, false, SHARED, 1);
	st.mode = 0100651;
	wire_answer(s0, x->tid, &(struct answer){ .op = MDS_OP_SETATTR, .safe = true, .target = &st });
	cr_assert_eq(c.calls, 0);
	x = wire_request(MDS_OP_SETXATTR, &q);
	wire_answer(s0, x->tid, &(struct answer){ .op = MDS_OP_SETXATTR, .safe = true });
	cr_assert_eq(c.calls, 1);
	cr_assert_eq(c.res, 0);
	end();
}

Test(setattr, chmod_takes_the_list_along)
{
	struct slice v;
	uint32_t mode = 0;

	file_with(0644, EXCL);
	bed->m.o.posix_acl = true;
	cr_assert_eq(set_list(&owner, ACL_ACCESS, named, sizeof named - 1), 0);
	cr_assert_eq(set_here(&owner, SET(.set = CEPHRING_SET_MODE, .mode = 0426)), 0);
	cr_assert(xattr_map_find(inode_xattrs(file), ACL_ACCESS, &v));
	cr_assert_eq(acl_to_mode(v, &mode), 1);
	cr_assert_eq(mode, 0426);
	cr_assert_eq(caps_dirty(file), CAP_AX | CAP_XX);
	end();
}
