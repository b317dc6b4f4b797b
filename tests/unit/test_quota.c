/* Quotas: which directories count, and what exceeds them. */
#include "realm_bed.h"

#include <errno.h>

static struct bed *b;
static struct session *s;
/* Realms: the root's, top's in it, low's in that; dir: an ordinary directory in low. */
static struct inode *top_of_all, *top, *low, *dir;

static void set_quota(struct inode *i, uint64_t bytes, uint64_t files)
{
	i->dir->quota_max_bytes = bytes;
	i->dir->quota_max_files = files;
}

static void set_used(struct inode *i, uint64_t bytes, uint64_t files, uint64_t subdirs)
{
	struct dir_attrs a = i->dir->a;

	a.rbytes = bytes;
	a.rfiles = files;
	a.rsubdirs = subdirs;
	dir_set_attrs(&b->m.cache, i->dir, &a);
}

static void begin(void)
{
	b = bed_new(1 << 20);
	s = bed_session(b, 0);
	trace(b, s, { .ino = 0x1003, .parent = 0x1001, .seq = 1 }, { .ino = 0x1001, .parent = 1, .seq = 1 },
	      { .ino = 1, .seq = 1 });
	top_of_all = inode_in(b, s, 1, 1);
	top = inode_in(b, s, 0x1001, 0x1001);
	low = inode_in(b, s, 0x1003, 0x1003);
	dir = inode_in(b, s, 0x2001, 0x1003);
}

static void end(void)
{
	fine(b);
	bed_free(b);
}

Test(quota, files_are_names_of_all_kinds, .init = begin, .fini = end)
{
	set_quota(low, 0, 10);
	set_used(low, 0, 5, 4);
	cr_assert_eq(quota_check(&b->m, dir, 0, 1), 0);
	cr_assert_eq(quota_check(&b->m, dir, 0, 2), -EDQUOT);
	set_used(low, 0, 5, 5);
	cr_assert_eq(quota_check(&b->m, dir, 0, 1), -EDQUOT);
	cr_assert_eq(quota_check(&b->m, dir, 1, 0), 0);
	cr_assert_eq(quota_check(&b->m, low, 0, 1), -EDQUOT);
	cr_assert_eq(quota_check(&b->m, top, 0, 1), 0);
}

Test(quota, bytes_up_to_the_last, .init = begin, .fini = end)
{
	set_quota(low, 1000, 0);
	set_used(low, 900, 50, 1);
	cr_assert_eq(quota_check(&b->m, dir, 100, 0), 0);
	cr_assert_eq(quota_check(&b->m, dir, 101, 0), -EDQUOT);
	cr_assert_eq(quota_check(&b->m, dir, 0, 1), 0);
	cr_assert_eq(quota_check(&b->m, dir, UINT64_MAX, 0), -EDQUOT);
	cr_assert_eq(quota_check(&b->m, dir, UINT64_MAX - 899, 0), -EDQUOT);
}

Test(quota, every_one_on_the_way_up_counts, .init = begin, .fini = end)
{
	bool unknown;

	set_quota(low, 1000, 0);
	set_quota(top, 2000, 5);
	set_used(top, 1950, 3, 1);
	set_used(low, 100, 0, 0);
	cr_assert_eq(quota_check(&b->m, dir, 50, 0), 0);
	cr_assert_eq(quota_check(&b->m, dir, 51, 0), -EDQUOT);
	cr_assert_eq(quota_check(&b->m, dir, 0, 1), 0);
	cr_assert_eq(quota_check(&b->m, dir, 0, 2), -EDQUOT);
	cr_assert_eq(quota_root(&b->m, dir, &unknown), low);
	cr_assert_not(unknown);
	set_quota(low, 0, 0);
	cr_assert_eq(quota_root(&b->m, dir, &unknown), top);
	set_quota(top, 0, 0);
	set_quota(top_of_all, 0, 1);
	set_used(top_of_all, 0, 1, 0);
	cr_assert_eq(quota_check(&b->m, dir, 0, 1), -EDQUOT, "the root's too");
	cr_assert_eq(quota_root(&b->m, dir, &unknown), top_of_all);
	set_quota(top_of_all, 0, 0);
	cr_assert_null(quota_root(&b->m, dir, &unknown));
	cr_assert_not(unknown);
}

Test(quota, names_may_move_under_one_quota, .init = begin, .fini = end)
{
	struct inode *beside = inode_in(b, s, 0x2003, 1);
	bool unknown;

	cr_assert(quota_same_root(&b->m, dir, beside, &unknown) && !unknown);
	set_quota(top, 1000, 0);
	cr_assert_not(quota_same_root(&b->m, dir, beside, &unknown));
	cr_assert(quota_same_root(&b->m, dir, top, &unknown));
	set_quota(low, 0, 3);
	cr_assert_not(quota_same_root(&b->m, dir, top, &unknown));
	cr_assert(quota_same_root(&b->m, dir, low, &unknown));
}

Test(quota, where_a_realms_directory_is_not_known, .init = begin, .fini = end)
{
	bool unknown;

	trace(b, s, { .ino = 0x1007, .parent = 0x1005, .seq = 1 }, { .ino = 0x1005, .parent = 1, .seq = 1 },
	      { .ino = 1, .seq = 1 });
	dir = inode_in(b, s, 0x2005, 0x1007);
	cr_assert_eq(quota_check(&b->m, dir, 0, 1), -EAGAIN);
	cr_assert_null(quota_root(&b->m, dir, &unknown));
	cr_assert(unknown);
	low = inode_in(b, s, 0x1007, 0x1007);
	set_quota(low, 0, 1);
	cr_assert_eq(quota_check(&b->m, dir, 0, 1), -EAGAIN, "one above is not known yet");
	cr_assert_eq(quota_check(&b->m, dir, 0, 2), -EDQUOT, "what is known is enough");
	cr_assert(quota_root(&b->m, dir, &unknown) == low && !unknown);
	realm_find(&b->m, 0x1005)->ask_after_ns = UINT64_MAX; /* the MDS does not show it */
	cr_assert_eq(quota_check(&b->m, dir, 0, 1), 0);
}

Test(quota, what_is_only_a_number_is_asked_for, .init = begin, .fini = end)
{
	struct inode *listed = inode_in(b, s, 0x1009, 0x1009); /* by a readdir: its realm, but no trace */

	cr_assert_eq(quota_check(&b->m, listed, 0, 1), -EAGAIN);
	trace(b, s, { .ino = 0x1009, .parent = 1, .seq = 1 }, { .ino = 1, .seq = 1 });
	cr_assert_eq(quota_check(&b->m, listed, 0, 1), 0);
}

Test(quota, without_a_cap_it_is_asked_for_again, .init = begin, .fini = end)
{
	set_quota(low, 1000, 0);
	caps_remove_all(&b->m, low, false);
	cr_assert_eq(quota_check(&b->m, dir, 1, 0), -EAGAIN);
	cr_assert_eq(quota_check(&b->m, dir, 1001, 0), -EDQUOT);
}

Test(quota, may_be_switched_off, .init = begin, .fini = end)
{
	bool unknown;

	set_quota(low, 1, 1);
	set_used(low, 100, 100, 100);
	cr_assert_eq(quota_check(&b->m, dir, 1, 1), -EDQUOT);
	b->m.o.no_quota = true;
	cr_assert_eq(quota_check(&b->m, dir, 1, 1), 0);
	cr_assert_null(quota_root(&b->m, dir, &unknown));
}

Test(quota, the_realm_of_all_snapshots_is_no_directory, .init = begin, .fini = end)
{
	struct inode *linked;

	trace(b, s, { .ino = INO_GLOBAL_REALM, .seq = 9, .snaps = { 9 } });
	linked = inode_in(b, s, 0x2009, INO_GLOBAL_REALM);
	cr_assert_eq(quota_check(&b->m, linked, 1, 1), 0);
	cr_assert_str_eq(context_text(linked), "9: 9");
}
