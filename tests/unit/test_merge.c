/* Which fields may be taken: merge.c, by InodeStats and GRANTs made by hand. */
#include "caps_bed.h"

static struct bed *bed;
static struct session *s0;
static struct inode *file;

static void begin(uint32_t caps)
{
	struct inode_stat st;

	bed = bed_new(1 << 20);
	s0 = bed_session(bed, 0);
	st = bed_stat(2, false, caps, 1);
	st.truncate_seq = 5;
	st.time_warp_seq = 5;
	st.size = 100;
	st.truncate_size = UINT64_MAX;
	st.ctime_ns = st.mtime_ns = st.atime_ns = 50;
	st.max_size = 4096;
	file = trace_inode(&bed->m, s0, &st);
	fine(file);
}

static void end(void)
{
	fine(file);
	bed_free(bed);
}

static struct told now(uint32_t bits)
{
	return (struct told){ .bits = bits,
			      .held = caps_held(file),
			      .mode = 0100644,
			      .nlink = 1,
			      .truncate_seq = 5,
			      .time_warp_seq = 5,
			      .size = 100,
			      .truncate_size = UINT64_MAX,
			      .ctime_ns = 50,
			      .mtime_ns = 50,
			      .atime_ns = 50 };
}

static void take(struct told t)
{
	cr_assert_eq(merge(&bed->m, file, &t), 0);
}

/* ---- size ---- */

Test(merge, a_larger_size_of_the_same_cut)
{
	begin(CAP_STAT_ALL);
	struct told t = now(CAP_FS);
	t.size = 200;
	take(t);
	cr_assert_eq(file->a.size, 200);
	end();
}

Test(merge, a_smaller_size_has_not_heard_of_what_was_appended_here)
{
	begin(CAP_STAT_ALL);
	struct told t = now(CAP_FS);
	t.size = 10;
	take(t);
	cr_assert_eq(file->a.size, 100);
	end();
}

static uint64_t cut_at;

static void truncated(void *arg, struct inode *i, uint64_t size)
{
	(void)arg;
	(void)i;
	cut_at = size;
}

Test(merge, a_newer_cut_wins_and_is_told_to_the_data)
{
	const struct caps_data_ops data = { .truncated = truncated };

	begin(CAP_STAT_ALL | CAP_FW);
	bed->m.data = &data;
	struct told t = now(CAP_FS);
	t.size = t.truncate_size = 10;
	t.truncate_seq = 6;
	take(t);
	cr_assert_eq(file->a.size, 10);
	cr_assert_eq(file->truncate_size, 10);
	cr_assert_eq(file->truncate_seq, 6);
	cr_assert_eq(cut_at, 10);
	bed->m.data = NULL;
	end();
}

Test(merge, an_older_cut_is_the_past)
{
	begin(CAP_STAT_ALL);
	struct told t = now(CAP_FS);
	t.size = 500;
	t.truncate_size = 7;
	t.truncate_seq = 4;
	take(t);
	cr_assert_eq(file->a.size, 100);
	cr_assert_eq(file->truncate_size, UINT64_MAX);
	end();
}

Test(merge, max_size_from_the_authority_only)
{
	begin(CAP_STAT_ALL);
	struct told t = now(CAP_FW);
	t.max_size = 1 << 20;
	take(t);
	cr_assert_eq(file->max_size, 4096);
	t.auth = true;
	take(t);
	cr_assert_eq(file->max_size, 1 << 20);
	end();
}

/* ---- times ---- */

Test(merge, without_a_right_to_write_the_told_times_are_so)
{
	begin(CAP_STAT_ALL);
	struct told t = now(CAP_FS);
	t.ctime_ns = t.mtime_ns = t.atime_ns = 20; /* set back */
	take(t);
	cr_assert_eq(file->a.mtime_ns, 20);
	t.time_warp_seq = 4;
	t.mtime_ns = 90;
	take(t);
	cr_assert_eq(file->a.mtime_ns, 20, "older than what is known");
	end();
}

Test(merge, with_a_right_to_write_the_later_times_are_so)
{
	begin(CAP_STAT_ALL | CAP_FW);
	struct told t = now(CAP_FS);
	t.ctime_ns = t.mtime_ns = 20;
	t.atime_ns = 70;
	take(t);
	cr_assert_eq(file->a.ctime_ns, 50);
	cr_assert_eq(file->a.mtime_ns, 50);
	cr_assert_eq(file->a.atime_ns, 70);
	t.time_warp_seq = 6; /* somebody set them */
	take(t);
	cr_assert_eq(file->a.mtime_ns, 20);
	cr_assert_eq(file->a.ctime_ns, 50, "ctime only goes forward");
	cr_assert_eq(file->a.time_warp_seq, 6);
	t.time_warp_seq = 5;
	t.mtime_ns = 99;
	take(t);
	cr_assert_eq(file->a.mtime_ns, 20);
	end();
}

/* ---- groups ---- */

Test(merge, each_group_by_its_bit)
{
	begin(CAP_STAT_ALL);
	struct told t = now(CAP_FS);
	t.mode = 0100600;
	t.uid = 9;
	t.nlink = 7;
	take(t);
	cr_assert_eq(file->a.mode & 07777, 0644);
	cr_assert_eq(file->a.nlink, 1);
	t.bits = CAP_AS;
	take(t);
	cr_assert_eq(file->a.mode & 07777, 0600);
	cr_assert_eq(file->a.uid, 9);
	cr_assert_eq(file->a.nlink, 1);
	t.bits = CAP_LS;
	take(t);
	cr_assert_eq(file->a.nlink, 7);
	end();
}

Test(merge, not_what_is_ours_to_change)
{
	begin(CAP_STAT_ALL | CAP_AX | CAP_LX | CAP_XX);
	static const uint8_t map[4];
	struct told t = now(CAP_ANY_SHARED);
	t.newer = true;
	t.mode = 0100600;
	t.nlink = 7;
	t.xattrs = (struct slice){ map, 4 };
	t.xattr_version = 9;
	take(t);
	cr_assert_eq(file->a.mode & 07777, 0644);
	cr_assert_eq(file->a.nlink, 1);
	cr_assert_eq(file->xattr_version, 0);
	end();
}

Test(merge, dirty_is_ours_though_the_bit_is_gone)
{
	begin(CAP_STAT_ALL | CAP_AX);
	struct attrs a = file->a;
	a.mode = 0100600;
	caps_mark_dirty(&bed->m, file, CAP_AX, 0, 0);
	inode_set_attrs(&bed->m.cache, file, &a);
	push(bed, s0, file,
	     (struct caps_msg){ .op = CAPS_REVOKE, .seq = 2, .caps = CAP_STAT_ALL, .mode = 0100644 });
	cr_assert_eq(file->a.mode & 07777, 0600);
	bed_inode(bed, s0, 2, false, CAP_STAT_ALL, 3);
	cr_assert_eq(file->a.mode & 07777, 0600);
	end();
}

Test(merge, newer_takes_all)
{
	begin(CAP_STAT_ALL);
	struct told t = now(0);
	t.mode = 0100600;
	t.nlink = 3;
	t.size = 300;
	t.newer = true;
	take(t);
	cr_assert_eq(file->a.mode & 07777, 0600);
	cr_assert_eq(file->a.nlink, 3);
	cr_assert_eq(file->a.size, 300);
	end();
}

Test(merge, the_larger_change_counter)
{
	begin(CAP_STAT_ALL);
	struct told t = now(0);
	t.change_attr = 9;
	take(t);
	t.change_attr = 5;
	take(t);
	cr_assert_eq(file->a.change_attr, 9);
	end();
}

Test(merge, a_deleted_file_has_no_names)
{
	begin(CAP_STAT_ALL);
	struct inode *dir = bed_inode(bed, s0, 1, true, CAP_STAT_ALL, 1);
	bed_name(bed, s0, dir, "a", file, 0);
	push(bed, s0, file,
	     (struct caps_msg){ .op = CAPS_GRANT, .seq = 2, .caps = CAP_STAT_ALL, .mode = 0100644 });
	cr_assert_eq(file->a.nlink, 0);
	cr_assert(LIST_EMPTY(&file->aliases));
	cr_assert_null(dentry_find(&bed->m.cache, dir, "a", 1));
	end();
}

Test(merge, what_a_directory_tells_recursively_comes_from_the_authority)
{
	begin(CAP_STAT_ALL);
	struct inode *dir = bed_inode(bed, s0, 1, true, CAP_STAT_ALL, 1);
	struct told t = now(CAP_AS);
	t.mode = 040755;
	t.counts = t.recursive = true;
	t.files = 5;
	t.rbytes = 500;
	cr_assert_eq(merge(&bed->m, dir, &t), 0);
	cr_assert_eq(dir->dir->a.files, 1);
	cr_assert_eq(dir->dir->a.rbytes, 0);
	t.bits = CAP_FS;
	t.auth = true;
	cr_assert_eq(merge(&bed->m, dir, &t), 0);
	cr_assert_eq(dir->dir->a.files, 5);
	cr_assert_eq(dir->dir->a.rbytes, 500);
	end();
}
