/* Who may do what: one class of bits applies, as POSIX has it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include "../include/cephring.h"
#include "meta/acl.h"
#include "meta/meta.h"
#include "meta/xattr_map.h"

static struct meta strict;
static struct meta lax = { .o = { .no_permissions = true } };
static struct meta lists = { .o = { .posix_acl = true } };

static const struct cephring_cred root = { 0 };

static struct inode of(uint32_t mode, uint32_t uid, uint32_t gid)
{
	return (struct inode){ .key = { 5, SNAP_HEAD }, .a = { .mode = mode, .uid = uid, .gid = gid } };
}

static struct cephring_cred who(uint32_t uid, uint32_t gid)
{
	return (struct cephring_cred){ .uid = uid, .gid = gid, .umask = 022 };
}

static int may(struct inode i, uint32_t uid, uint32_t gid, int want)
{
	struct cephring_cred c = who(uid, gid);

	return inode_permission(&strict, &i, &c, want);
}

Test(perm, only_the_owner_class_counts_for_the_owner)
{
	struct inode i = of(0100077, 5, 6);

	cr_assert_eq(may(i, 5, 6, MAY_READ), -EACCES);
	cr_assert_eq(may(i, 7, 6, MAY_READ | MAY_WRITE), 0);
}

Test(perm, group_class_hides_the_others)
{
	struct inode i = of(0100604, 5, 6);

	cr_assert_eq(may(i, 7, 6, MAY_READ), -EACCES);
	cr_assert_eq(may(i, 7, 8, MAY_READ), 0);
}

Test(perm, supplementary_groups_are_groups)
{
	const uint32_t groups[] = { 30, 6 };
	struct inode i = of(0040070, 5, 6);
	struct cephring_cred c = who(7, 8);

	c.groups = groups;
	c.ngroups = 2;
	cr_assert_eq(may_lookup(&strict, &i, &c), 0);
	c.ngroups = 1;
	cr_assert_eq(may_lookup(&strict, &i, &c), -EACCES);
}

Test(perm, root_may_all_but_execute_what_nobody_may)
{
	cr_assert_eq(may(of(0100600, 5, 6), 0, 0, MAY_READ | MAY_WRITE), 0);
	cr_assert_eq(may(of(0100600, 5, 6), 0, 0, MAY_EXEC), -EACCES);
	cr_assert_eq(may(of(0100610, 5, 6), 0, 0, MAY_EXEC), 0);
	cr_assert_eq(may(of(0040000, 5, 6), 0, 0, MAY_EXEC), 0);
}

Test(perm, a_mount_that_judges_nothing_allows_all)
{
	struct inode i = of(0100000, 5, 6), dir = of(0040000, 5, 6);
	struct cephring_cred c = who(7, 8);

	cr_assert_eq(inode_permission(&lax, &i, &c, MAY_READ | MAY_WRITE | MAY_EXEC), 0);
	cr_assert_eq(may_delete(&lax, &dir, &i, &c, false), 0);
	cr_assert_eq(may_open(&lax, &dir, O_WRONLY, &c), -EISDIR, "what the kind forbids stays forbidden");
}

Test(perm, open_judges_type_before_bits)
{
	struct inode link = of(0120777, 5, 6), dir = of(0040755, 5, 6), file = of(0100400, 5, 6);
	struct cephring_cred me = who(5, 6), other = who(9, 9);

	cr_assert_eq(may_open(&strict, &link, O_RDONLY, &me), -ELOOP);
	cr_assert_eq(may_open(&strict, &link, O_PATH, &me), 0);
	cr_assert_eq(may_open(&strict, &dir, O_WRONLY, &me), -EISDIR);
	cr_assert_eq(may_open(&strict, &file, O_DIRECTORY, &me), -ENOTDIR);
	cr_assert_eq(may_open(&strict, &file, O_RDONLY, &me), 0);
	cr_assert_eq(may_open(&strict, &file, O_RDONLY, &other), -EACCES);
	cr_assert_eq(may_open(&strict, &file, O_RDONLY | O_TRUNC, &me), -EACCES);
	cr_assert_eq(may_open(&strict, &file, O_RDWR, &me), -EACCES);
	file.key.snapid = 4;
	cr_assert_eq(may_open(&strict, &file, O_RDWR, &root), -EROFS);
	cr_assert_eq(may_open(&strict, &file, O_RDONLY, &root), 0);
}

Test(perm, what_must_be_known_before_judging)
{
	cr_assert_eq(perm_caps(&strict), CAP_AS);
	cr_assert_eq(perm_caps(&lists), CAP_AS | CAP_XS);
	cr_assert(perm_known(&strict, CAP_PIN | CAP_AX));
	cr_assert_not(perm_known(&strict, CAP_PIN | CAP_XS | CAP_FS | CAP_LS));
	cr_assert_not(perm_known(&lists, CAP_AS | CAP_FS));
	cr_assert(perm_known(&lists, CAP_AS | CAP_XX));
}

/* ---- names ---- */

Test(perm, names_are_made_by_who_may_write_and_pass)
{
	struct inode dir = of(0040753, 5, 6);
	struct cephring_cred me = who(5, 6), mate = who(7, 6), other = who(7, 8);

	cr_assert_eq(may_create(&strict, &dir, &me), 0);
	cr_assert_eq(may_create(&strict, &dir, &mate), -EACCES);
	cr_assert_eq(may_create(&strict, &dir, &other), 0);
	dir.a.mode = 0040752; /* w without x */
	cr_assert_eq(may_create(&strict, &dir, &other), -EACCES);
	dir.key.snapid = 3;
	cr_assert_eq(may_create(&strict, &dir, &me), -EROFS);
	dir = of(0100777, 5, 6);
	cr_assert_eq(may_create(&strict, &dir, &me), -ENOTDIR);
}

Test(perm, sticky_directories_protect_each_owners_names)
{
	struct inode dir = of(0041777, 5, 6), file = of(0100666, 7, 8);
	struct cephring_cred dirs = who(5, 6), files = who(7, 9), other = who(9, 8);

	cr_assert_eq(may_delete(&strict, &dir, &file, &other, false), -EPERM);
	cr_assert_eq(may_delete(&strict, &dir, &file, &files, false), 0);
	cr_assert_eq(may_delete(&strict, &dir, &file, &dirs, false), 0);
	cr_assert_eq(may_delete(&strict, &dir, &file, &root, false), 0);
	cr_assert_eq(may_delete(&strict, &dir, NULL, &other, false), 0, "the victim is not known");
	dir.a.mode = 0040777;
	cr_assert_eq(may_delete(&strict, &dir, &file, &other, false), 0);
}

Test(perm, a_victim_is_of_the_kind)
{
	struct inode dir = of(0040755, 5, 6), file = of(0100644, 5, 6), sub = of(0040755, 5, 6);

	cr_assert_eq(may_delete(&strict, &dir, &sub, &root, false), -EISDIR);
	cr_assert_eq(may_delete(&strict, &dir, &file, &root, true), -ENOTDIR);
	cr_assert_eq(may_delete(&strict, &dir, &sub, &root, true), 0);
}

Test(perm, links_to_anothers_file_only_where_harmless)
{
	struct cephring_cred other = who(7, 8), me = who(5, 6);
	struct inode f = of(0100666, 5, 6);

	cr_assert_eq(may_hardlink(&strict, &f, &other), 0);
	f.a.mode = 0100664;
	cr_assert_eq(may_hardlink(&strict, &f, &other), -EPERM);
	f.a.mode = 0104666;
	cr_assert_eq(may_hardlink(&strict, &f, &other), -EPERM);
	cr_assert_eq(may_hardlink(&strict, &f, &me), 0);
	f.a.mode = 0102676;
	cr_assert_eq(may_hardlink(&strict, &f, &other), -EPERM);
	f.a.mode = 0102666; /* setgid without execution: locking of old, no program */
	cr_assert_eq(may_hardlink(&strict, &f, &other), 0);
	f.a.mode = 0010666;
	cr_assert_eq(may_hardlink(&strict, &f, &other), -EPERM);
	f.a.mode = 0040777;
	cr_assert_eq(may_hardlink(&strict, &f, &root), -EPERM);
}

/* ---- attributes ---- */

static int may_set(uint32_t mode, uint32_t uid, uint32_t gid, struct cephring_setattr s)
{
	struct inode i = of(mode, 5, 6);
	struct cephring_cred c = who(uid, gid);

	return may_setattr(&strict, &i, &s, &c);
}

Test(perm, modes_are_the_owners)
{
	struct cephring_setattr s = { .set = CEPHRING_SET_MODE, .mode = 0600 };

	cr_assert_eq(may_set(0100666, 5, 6, s), 0);
	cr_assert_eq(may_set(0100666, 0, 0, s), 0);
	cr_assert_eq(may_set(0100666, 7, 6, s), -EPERM);
}

Test(perm, owners_give_to_their_own_groups_only)
{
	struct cephring_setattr u = { .set = CEPHRING_SET_UID, .uid = 9 },
				g = { .set = CEPHRING_SET_GID, .gid = 9 };

	cr_assert_eq(may_set(0100666, 5, 6, u), -EPERM);
	cr_assert_eq(may_set(0100666, 0, 0, u), 0);
	u.uid = 5; /* no change */
	cr_assert_eq(may_set(0100666, 5, 6, u), 0);
	cr_assert_eq(may_set(0100666, 7, 6, u), -EPERM);
	cr_assert_eq(may_set(0100666, 5, 6, g), -EPERM);
	cr_assert_eq(may_set(0100666, 5, 9, g), 0);
	cr_assert_eq(may_set(0100666, 7, 9, g), -EPERM);
	g.gid = 6; /* no change, though the owner is not in it */
	cr_assert_eq(may_set(0100666, 5, 9, g), 0);
}

Test(perm, writers_may_say_now_and_owners_any_time)
{
	struct cephring_setattr now = { .set = CEPHRING_SET_ATIME_NOW | CEPHRING_SET_MTIME_NOW },
				then = { .set = CEPHRING_SET_MTIME },
				mixed = { .set = CEPHRING_SET_ATIME_NOW | CEPHRING_SET_MTIME };

	cr_assert_eq(may_set(0100664, 7, 6, now), 0);
	cr_assert_eq(may_set(0100664, 7, 8, now), -EACCES);
	cr_assert_eq(may_set(0100664, 7, 6, then), -EPERM);
	cr_assert_eq(may_set(0100664, 7, 6, mixed), -EPERM);
	cr_assert_eq(may_set(0100444, 5, 8, now), 0);
	cr_assert_eq(may_set(0100444, 5, 8, then), 0);
}

Test(perm, sizes_are_the_writers_or_the_open_files)
{
	struct cephring_setattr s = { .set = CEPHRING_SET_SIZE };
	struct inode snapped = of(0100666, 5, 6);

	cr_assert_eq(may_set(0100646, 7, 6, s), -EACCES);
	cr_assert_eq(may_set(0100646, 7, 8, s), 0);
	cr_assert_eq(may_set(0100446, 5, 8, s), -EACCES, "the owner's own bits count");
	s.file = (cephring_file *)&s;
	cr_assert_eq(may_set(0100646, 7, 6, s), 0);
	snapped.key.snapid = 4;
	cr_assert_eq(may_setattr(&strict, &snapped, &s, &root), -EROFS);
}

/* ---- lists ---- */

struct list {
	uint32_t tag, bits, id;
};

static void put_list(struct enc *e, const char *name, const struct list *l, uint32_t count)
{
	enc_str(e, name);
	enc_u32(e, ACL_HEADER + count * ACL_ENTRY);
	enc_u32(e, 2);
	for (uint32_t n = 0; n < count; n++) {
		enc_u16(e, (uint16_t)l[n].tag);
		enc_u16(e, (uint16_t)l[n].bits);
		enc_u32(e, l[n].id);
	}
}

/* An inode's xattrs with one list; leaked by the test. */
static struct xattrs *with_list(const char *name, const struct list *l, uint32_t count)
{
	struct xattrs *x;
	struct enc e;

	enc_init(&e);
	enc_u32(&e, 1);
	put_list(&e, name, l, count);
	x = calloc(1, sizeof *x + e.len);
	x->len = (uint32_t)e.len;
	memcpy(x->map, e.buf, e.len);
	enc_free(&e);
	return x;
}

static const struct list named[] = {
	{ 1, 6, -1 }, { 2, 7, 9 }, { 4, 0, -1 }, { 0x10, 5, -1 }, { 0x20, 0, -1 }
};

Test(perm, a_list_counts_only_where_lists_count)
{
	struct inode i = of(0100650, 5, 6);
	struct cephring_cred nine = who(9, 9);

	i.xattrs = with_list(ACL_ACCESS, named, 5);
	cr_assert_eq(inode_permission(&strict, &i, &nine, MAY_READ), -EACCES);
	cr_assert_eq(inode_permission(&lists, &i, &nine, MAY_READ | MAY_EXEC), 0);
	cr_assert_eq(inode_permission(&lists, &i, &nine, MAY_WRITE), -EACCES, "the mask");
	free(i.xattrs);
}

Test(perm, owner_and_root_are_judged_by_the_mode)
{
	struct inode i = of(0100650, 5, 6);
	struct cephring_cred me = who(5, 9);

	i.xattrs = with_list(ACL_ACCESS, named, 5);
	cr_assert_eq(inode_permission(&lists, &i, &me, MAY_READ | MAY_WRITE), 0);
	cr_assert_eq(inode_permission(&lists, &i, &me, MAY_EXEC), -EACCES);
	cr_assert_eq(inode_permission(&lists, &i, &root, MAY_READ | MAY_WRITE | MAY_EXEC), 0);
	free(i.xattrs);
}

Test(perm, an_empty_mask_leaves_the_mode)
{
	struct inode i = of(0100604, 5, 6);
	struct cephring_cred nine = who(9, 9);

	i.xattrs = with_list(ACL_ACCESS, named, 5);
	cr_assert_eq(inode_permission(&lists, &i, &nine, MAY_READ), 0);
	free(i.xattrs);
}

/* ---- new inodes ---- */

static uint32_t born(const struct meta *m, const struct inode *dir, struct cephring_cred c, uint32_t mode,
		     uint32_t *gid, struct enc *e)
{
	enc_init(e);
	cr_assert_eq(perm_birth(m, dir, &c, &mode, gid, e), 0);
	return mode;
}

Test(perm, new_names_lose_the_umask_and_nothing_else)
{
	struct inode dir = of(0040755, 5, 6);
	uint32_t gid;
	struct enc e;

	cr_assert_eq(born(&strict, &dir, who(7, 8), 0100666, &gid, &e), 0100644);
	cr_assert_eq(gid, 8);
	cr_assert_eq(e.len, 0);
	cr_assert_eq(born(&strict, &dir, who(7, 8), 0047777, &gid, &e), 0047755);
	cr_assert_eq(born(&strict, &dir, who(7, 8), 0120777, &gid, &e), 0120777);
}

Test(perm, setgid_directories_pass_their_group_on)
{
	struct inode dir = of(0042777, 5, 6);
	uint32_t gid;
	struct enc e;

	cr_assert_eq(born(&strict, &dir, who(7, 8), 0100666, &gid, &e), 0100644);
	cr_assert_eq(gid, 6);
	cr_assert_eq(born(&strict, &dir, who(7, 8), 0040777, &gid, &e), 0042755);
	cr_assert_eq(born(&strict, &dir, who(7, 8), 0102775, &gid, &e), 0100755,
		     "no program of a foreign group");
	cr_assert_eq(born(&strict, &dir, who(7, 6), 0102775, &gid, &e), 0102755);
	cr_assert_eq(born(&strict, &dir, who(7, 8), 0102666, &gid, &e), 0102644);
	cr_assert_eq(born(&strict, &dir, who(0, 0), 0102775, &gid, &e), 0102755);
}

Test(perm, a_default_list_takes_the_umasks_place)
{
	static const struct list def[] = {
		{ 1, 7, -1 }, { 2, 6, 9 }, { 4, 5, -1 }, { 0x10, 7, -1 }, { 0x20, 5, -1 }
	};
	struct inode dir = of(0040755, 5, 6);
	struct slice value;
	uint32_t gid;
	struct enc e;

	dir.xattrs = with_list(ACL_DEFAULT, def, 5);
	cr_assert_eq(born(&strict, &dir, who(7, 8), 0100666, &gid, &e), 0100644, "lists do not count here");
	cr_assert_eq(born(&lists, &dir, who(7, 8), 0100666, &gid, &e), 0100664);
	cr_assert(xattr_map_find((struct slice){ e.buf, (uint32_t)e.len }, ACL_ACCESS, &value));
	cr_assert_not(xattr_map_find((struct slice){ e.buf, (uint32_t)e.len }, ACL_DEFAULT, &value));
	enc_free(&e);
	cr_assert_eq(born(&lists, &dir, who(7, 8), 0040777, &gid, &e), 0040775);
	cr_assert(xattr_map_find((struct slice){ e.buf, (uint32_t)e.len }, ACL_DEFAULT, &value));
	enc_free(&e);
	cr_assert_eq(born(&lists, &dir, who(7, 8), 0120777, &gid, &e), 0120777);
	cr_assert_eq(e.len, 0, "links inherit nothing");
	free(dir.xattrs);
}
