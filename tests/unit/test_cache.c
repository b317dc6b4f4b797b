/* Inodes, dentries, the bound in bytes. */
#include <stdio.h>
#include "meta_bed.h"

enum { ALL = CAP_STAT_ALL, NO_FS = CAP_STAT_ALL & ~CAP_FS };

Test(cache, name_under_fs_is_valid_until_fs_goes)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = bed_session(b, 0);
	struct inode *dir = bed_inode(b, s, 1, true, ALL, 1), *f = bed_inode(b, s, 2, false, ALL, 1);

	bed_name(b, s, dir, "f", f, 0);
	cr_assert(bed_valid(b, dir, "f"));
	caps_handle(&b->m, s,
		    &(struct caps_msg){ .op = CAPS_REVOKE,
					.ino = 1,
					.cap_id = 10,
					.seq = 2,
					.mseq = 1,
					.caps = NO_FS,
					.mode = 040755 });
	cr_assert_not(bed_valid(b, dir, "f"));
	/* Fs given back is a new generation: the old name is not covered by it. */
	caps_handle(
	    &b->m, s,
	    &(struct caps_msg){
		.op = CAPS_GRANT, .ino = 1, .cap_id = 10, .seq = 3, .mseq = 1, .caps = ALL, .mode = 040755 });
	cr_assert_not(bed_valid(b, dir, "f"));
	bed_name(b, s, dir, "f", f, 0);
	cr_assert(bed_valid(b, dir, "f"));
	bed_free(b);
}

Test(cache, lease_covers_a_name_without_fs)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = bed_session(b, 0);
	struct inode *dir = bed_inode(b, s, 1, true, NO_FS, 1), *f = bed_inode(b, s, 2, false, ALL, 1);
	struct dentry *d = bed_name(b, s, dir, "f", f, 30000);

	cr_assert(dentry_valid(&b->m, d, ring_now(b->ring)));
	cr_assert_not(dentry_valid(&b->m, d, ring_now(b->ring) + 30000000000ull));
	s->cap_gen++; /* stale */
	cr_assert_not(dentry_valid(&b->m, d, ring_now(b->ring)));
	bed_free(b);
}

Test(cache, positive_name_needs_a_cap_on_its_inode)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = bed_session(b, 0);
	struct inode *dir = bed_inode(b, s, 1, true, ALL, 1), *f = bed_inode(b, s, 2, false, ALL, 1);

	bed_name(b, s, dir, "f", f, 0);
	caps_remove_all(&b->m, f, false);
	cr_assert_not(bed_valid(b, dir, "f"));
	bed_free(b);
}

Test(cache, negative_name_and_its_replacement)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = bed_session(b, 0);
	struct inode *dir = bed_inode(b, s, 1, true, ALL, 1), *f;

	bed_name(b, s, dir, "f", NULL, 0);
	cr_assert(bed_valid(b, dir, "f"));
	cr_assert_eq(b->m.cache.negative_count, 1);
	f = bed_inode(b, s, 2, false, ALL, 1);
	bed_name(b, s, dir, "f", f, 0);
	cr_assert_eq(b->m.cache.negative_count, 0);
	cr_assert_eq(dentry_find(&b->m.cache, dir, "f", 1)->inode, f);
	bed_free(b);
}

Test(cache, evicting_a_name_ends_completeness)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = bed_session(b, 0);
	struct inode *dir = bed_inode(b, s, 1, true, ALL, 1), *f = bed_inode(b, s, 2, false, ALL, 1);

	bed_name(b, s, dir, "f", f, 0);
	dir->dir->complete = true;
	cr_assert(dir_complete(&b->m, dir, ring_now(b->ring)));
	cr_assert(inode_forget(&b->m, f));
	cr_assert_not(dir_complete(&b->m, dir, ring_now(b->ring)));
	cr_assert_null(dentry_find(&b->m.cache, dir, "f", 1));
	bed_free(b);
}

Test(cache, stays_within_its_bound_and_keeps_what_is_referenced)
{
	struct bed *b = bed_new(200000);
	struct session *s = bed_session(b, 0);
	struct inode *dir = bed_inode(b, s, 1, true, ALL, 1), *kept = NULL;

	inode_get(dir);
	for (uint64_t n = 0; n < 5000; n++) {
		char name[32];
		struct inode *f = bed_inode(b, s, 100 + n, false, ALL, 1);

		snprintf(name, sizeof name, "file%llu", (unsigned long long)n);
		bed_name(b, s, dir, name, f, 0);
		if (n == 7)
			kept = inode_get(f);
		if (n % 3 == 0) {
			snprintf(name, sizeof name, "none%llu", (unsigned long long)n);
			bed_name(b, s, dir, name, NULL, 0);
		}
		cache_trim(&b->m);
		cr_assert_leq(b->m.cache.bytes, 200000 + 2000);
	}
	cr_assert_gt(b->m.cache.evictions, 1000);
	cr_assert_eq(inode_find(&b->m.cache, 107, SNAP_HEAD), kept);
	cr_assert_eq(b->m.caps.live, b->m.cache.inode_count);
	inode_put(&b->m, kept);
	inode_put(&b->m, dir);
	cache_drop_all(&b->m);
	cr_assert_eq(b->m.cache.inode_count, 0);
	cr_assert_eq(b->m.cache.dentry_count, 0);
	cr_assert_eq(b->m.cache.bytes, 0);
	bed_free(b);
}

Test(cache, directory_goes_after_its_children)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = bed_session(b, 0);
	struct inode *dir = bed_inode(b, s, 1, true, ALL, 1), *f = bed_inode(b, s, 2, false, ALL, 1);

	bed_name(b, s, dir, "f", f, 0);
	cr_assert_not(inode_forget(&b->m, dir));
	cr_assert(inode_forget(&b->m, f));
	cr_assert(inode_forget(&b->m, dir));
	bed_free(b);
}

Test(cache, inode_that_changes_type_is_refused)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = bed_session(b, 0);
	struct inode_stat st = bed_stat(2, true, ALL, 2);

	bed_inode(b, s, 2, false, ALL, 1);
	cr_assert_null(trace_inode(&b->m, s, &st));
	bed_free(b);
}
