/* What lies below .snap: ways, trust, attributes. */
#include "realm_bed.h"

#include <errno.h>

static struct bed *b;
static struct session *s;
static struct inode *live, *snaps, *snapped, *below;

/* (ino, snapid) as a reply tells it; the cap fields but the bits are garbage. */
static struct inode *old_inode(uint64_t ino, uint64_t snapid, bool dir, uint32_t caps)
{
	struct inode_stat st = bed_stat(ino, dir, caps, 7);
	struct inode *i;

	st.snapid = snapid;
	st.cap.realm = 0xdeadbeef;
	st.xattrs = (struct slice){ (const uint8_t *)"\0\0\0\0", 4 };
	i = trace_inode(&b->m, s, &st);
	cr_assert_not_null(i);
	cr_assert(!i->caps && !i->realm);
	return i;
}

static struct dentry *name(struct inode *dir, const char *text, struct inode *i)
{
	return snap_name_link(&b->m, dir, text, (uint32_t)strlen(text), i);
}

static void begin(void)
{
	b = bed_new(1 << 20);
	s = bed_session(b, 0);
	live = inode_get(bed_inode(b, s, 0x1001, true, CAP_STAT_ALL, 1));
	snaps = inode_get(snap_dir(&b->m, live));
	snapped = inode_get(old_inode(0x1001, 4, true, CAP_STAT_ALL));
	below = inode_get(old_inode(0x2000, 4, false, CAP_STAT_ALL));
	name(snaps, "one", snapped);
	name(snapped, "file", below);
}

static void end(void)
{
	inode_put(&b->m, live);
	inode_put(&b->m, snaps);
	inode_put(&b->m, snapped);
	inode_put(&b->m, below);
	fine(b);
	bed_free(b);
}

static const char *way(const struct inode *i)
{
	static char text[64];
	uint64_t ino = 0;
	uint32_t len = 0;
	char path[32];
	int err = snap_path(&b->m, i, &ino, path, sizeof path, &len);

	if (err)
		snprintf(text, sizeof text, "%d", err);
	else
		snprintf(text, sizeof text, "%llx:%.*s", (unsigned long long)ino, (int)len, path);
	return text;
}

Test(snap, ways_begin_at_the_live_directory, .init = begin, .fini = end)
{
	cr_assert_str_eq(way(live), "1001:");
	cr_assert_str_eq(way(snaps), "1001:");
	cr_assert_str_eq(way(snapped), "1001:/one");
	cr_assert_str_eq(way(below), "1001:/one/file");
	cr_assert(snap_live(&b->m, below) == live && snap_live(&b->m, snaps) == live &&
		  snap_live(&b->m, live) == live);
}

Test(snap, no_way_without_names, .init = begin, .fini = end)
{
	struct inode *lost = old_inode(0x2002, 4, false, CAP_PIN);
	char n[40];

	cr_assert_eq(atoi(way(lost)), -ESTALE);
	cr_assert_null(snap_live(&b->m, lost));
	memset(n, 'x', sizeof n);
	snap_name_link(&b->m, snapped, n, 27, lost);
	cr_assert_eq(strlen(way(lost)), 5 + 32, "just fits: %s", way(lost));
	cache_write_begin(&b->m.cache);
	dentry_drop(&b->m, LIST_FIRST(&lost->aliases));
	cache_write_end(&b->m.cache);
	snap_name_link(&b->m, snapped, n, 28, lost);
	cr_assert_eq(atoi(way(lost)), -ENAMETOOLONG);
}

Test(snap, a_snapdir_is_made_once_and_shows_its_directory, .init = begin, .fini = end)
{
	struct attrs a = live->a;

	cr_assert_eq(snap_dir(&b->m, live), snaps);
	cr_assert(inode_is_dir(snaps) && snaps->key.ino == 0x1001 && snaps->key.snapid == SNAP_DIR);
	a.mode = 040711;
	a.uid = 77;
	a.ctime_ns = 5;
	inode_set_attrs(&b->m.cache, live, &a);
	cr_assert(snaps->a.mode == 040711 && snaps->a.uid == 77 && snaps->a.ctime_ns == 5 &&
		  snaps->a.nlink == 1);
}

Test(snap, it_keeps_its_directory_cached_and_goes_first, .init = begin, .fini = end)
{
	struct inode *d = bed_inode(b, s, 0x3001, true, CAP_STAT_ALL, 1), *v = snap_dir(&b->m, d);

	cr_assert_not(inode_forget(&b->m, d));
	d->dir->complete = true;
	cr_assert(inode_forget(&b->m, v));
	cr_assert(d->dir->complete, "it was no name of a listing");
	cr_assert(inode_forget(&b->m, d));
	d = bed_inode(b, s, 0x3001, true, CAP_STAT_ALL, 1);
	cr_assert_not_null(snap_dir(&b->m, d));
	cr_assert(bed_valid(b, d, ".snap"));
}

Test(snap, names_below_a_snapshot_hold_for_good, .init = begin, .fini = end)
{
	cr_assert(bed_valid(b, snapped, "file"));
	name(snapped, "none", NULL);
	b->m.snap_gen++;
	caps_remove_all(&b->m, live, false);
	cr_assert(bed_valid(b, snapped, "file") && bed_valid(b, snapped, "none"));
	cr_assert(bed_valid(b, live, ".snap"));
}

Test(snap, names_of_snapshots_hold_until_an_mds_speaks_of_snapshots, .init = begin, .fini = end)
{
	cr_assert(bed_valid(b, snaps, "one"));
	push(b, s, OP(.op = OP_UPDATE), { .ino = 1, .seq = 1 });
	cr_assert_not(bed_valid(b, snaps, "one"));
	name(snaps, "one", snapped);
	cr_assert(bed_valid(b, snaps, "one"));
}

Test(snap, and_while_the_cap_of_the_directory_is_the_same, .init = begin, .fini = end)
{
	struct cap *c = cap_auth(live);

	c->cap_id++; /* lost, and got anew: what was said meanwhile was not said to us */
	cr_assert_not(bed_valid(b, snaps, "one"));
	c->cap_id--;
	cr_assert(bed_valid(b, snaps, "one"));
	s->cap_gen++;
	cr_assert_not(bed_valid(b, snaps, "one"));
	s->cap_gen--;
	c->auth = false;
	cr_assert_not(bed_valid(b, snaps, "one"), "only the authority tells everybody");
	c->auth = true;
	caps_remove_all(&b->m, live, false);
	cr_assert_not(bed_valid(b, snaps, "one"));
	name(snaps, "one", snapped);
	cr_assert_not(bed_valid(b, snaps, "one"));
}

Test(snap, what_is_granted_stays_granted, .init = begin, .fini = end)
{
	struct inode_stat st = bed_stat(0x2004, false, CAP_PIN | CAP_AS, 1);
	struct inode *i;
	uint64_t now = ring_now(b->ring);

	st.snapid = 4;
	i = trace_inode(&b->m, s, &st);
	cr_assert_eq(caps_issued(i, now), CAP_PIN | CAP_AS);
	st.cap.caps = CAP_PIN | CAP_FS | CAP_XS;
	trace_inode(&b->m, s, &st);
	cr_assert_eq(caps_issued(i, now), CAP_PIN | CAP_AS | CAP_FS, "Xs without attributes says nothing");
	st.xattrs = (struct slice){ (const uint8_t *)"\0\0\0\0", 4 };
	trace_inode(&b->m, s, &st);
	s->cap_gen++;
	cr_assert_eq(caps_issued(i, UINT64_MAX), CAP_PIN | CAP_AS | CAP_FS | CAP_XS, "for good");
	cr_assert(!i->caps && !s->cap_count == !live->caps);
}

Test(snap, a_snapdir_is_vouched_for_by_its_directory, .init = begin, .fini = end)
{
	uint64_t now = ring_now(b->ring);

	cr_assert_eq(caps_issued(snaps, now), CAP_STAT_ALL);
	cap_auth(live)->issued = CAP_PIN | CAP_LS;
	cr_assert_eq(caps_issued(snaps, now), CAP_PIN | CAP_LS);
	caps_remove_all(&b->m, live, false);
	cr_assert_eq(caps_issued(snaps, now), 0);
}

Test(snap, a_newer_word_on_a_snapped_inode_counts, .init = begin, .fini = end)
{
	struct inode_stat st = bed_stat(0x2000, false, CAP_STAT_ALL, 1);

	st.snapid = 4;
	st.version = below->version;
	st.size = 99; /* a client flushed late what belongs to the snapshot */
	trace_inode(&b->m, s, &st);
	cr_assert_eq(below->a.size, 99);
}
