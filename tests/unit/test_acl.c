/* Access control lists: what is well formed, who may what, how a list and a mode follow each other, and what
 * new inodes inherit. */
#include <criterion/criterion.h>
#include <errno.h>
#include "../include/cephring.h"
#include "meta/acl.h"
#include "meta/perm.h"
#include "meta/xattr_map.h"

enum { OWNER = 1, USER = 2, OWNING = 4, GROUP = 8, MASK = 0x10, OTHERS = 0x20 };

struct line {
	uint32_t tag, bits, id;
};

struct list {
	uint8_t bytes[ACL_HEADER + 16 * ACL_ENTRY];
	struct slice s;
};

#define LIST(...)                                                                                            \
	list_of((const struct line[]){ __VA_ARGS__ },                                                        \
		sizeof((const struct line[]){ __VA_ARGS__ }) / sizeof(struct line))

/* Valid until the next but seven. */
static struct slice list_of(const struct line *l, size_t count)
{
	static struct list lists[8];
	static unsigned turn;
	struct list *x = &lists[turn++ % 8];
	struct enc e;

	enc_init_fixed(&e, x->bytes, sizeof x->bytes);
	enc_u32(&e, 2);
	for (size_t n = 0; n < count; n++) {
		enc_u16(&e, (uint16_t)l[n].tag);
		enc_u16(&e, (uint16_t)l[n].bits);
		enc_u32(&e, l[n].id);
	}
	cr_assert_eq(e.err, 0);
	return (struct slice){ x->bytes, (uint32_t)e.len };
}

static struct slice minimal(void)
{
	return LIST({ OWNER, 6, -1 }, { OWNING, 4, -1 }, { OTHERS, 0, -1 });
}

/* owner rw-, user 9 rwx, user 10 -w-, group r-x, group 30 r--, group 31 -w-, mask rw-, others --x */
static struct slice full(void)
{
	return LIST({ OWNER, 6, -1 }, { USER, 7, 9 }, { USER, 2, 10 }, { OWNING, 5, -1 }, { GROUP, 4, 30 },
		    { GROUP, 2, 31 }, { MASK, 6, -1 }, { OTHERS, 1, -1 });
}

Test(acl, captured_bytes_are_read)
{
	/* setfacl -m u:1000:rw,g:100:r on a file of mode 640, as getfattr shows it */
	static const uint8_t bytes[] = "\x02\0\0\0"
				       "\x01\0\x06\0\xff\xff\xff\xff"
				       "\x02\0\x06\0\xe8\x03\0\0"
				       "\x04\0\x04\0\xff\xff\xff\xff"
				       "\x08\0\x04\0\x64\0\0\0"
				       "\x10\0\x06\0\xff\xff\xff\xff"
				       "\x20\0\0\0\xff\xff\xff\xff";
	struct slice s = { bytes, sizeof bytes - 1 };
	uint32_t mode = 0100000;

	cr_assert_eq(acl_check(s), 6);
	cr_assert_eq(acl_to_mode(s, &mode), 1);
	cr_assert_eq(mode, 0100660);
}

Test(acl, order_and_completeness_are_judged)
{
	cr_assert_eq(acl_check(minimal()), 3);
	cr_assert_eq(acl_check(full()), 8);
	cr_assert_eq(acl_check((struct slice){ minimal().p, 4 }), 0, "a header alone says none");
	cr_assert_eq(acl_check((struct slice){ minimal().p, 3 }), -EINVAL);
	cr_assert_eq(acl_check((struct slice){ minimal().p, 27 }), -EINVAL);
	cr_assert_eq(acl_check((struct slice){ minimal().p, 20 }), -EINVAL, "others are missing");
	cr_assert_eq(acl_check(LIST({ OWNING, 4, -1 }, { OTHERS, 0, -1 })), -EINVAL);
	cr_assert_eq(acl_check(LIST({ OWNER, 4, -1 }, { OTHERS, 0, -1 })), -EINVAL);
	cr_assert_eq(
	    acl_check(LIST({ OWNER, 6, -1 }, { OWNER, 6, -1 }, { OWNING, 4, -1 }, { OTHERS, 0, -1 })),
	    -EINVAL);
	cr_assert_eq(acl_check(LIST({ OWNER, 6, -1 }, { USER, 6, 9 }, { OWNING, 4, -1 }, { OTHERS, 0, -1 })),
		     -EINVAL, "named without a mask");
	cr_assert_eq(acl_check(LIST({ OWNER, 6, -1 }, { OWNING, 4, -1 }, { GROUP, 4, 9 }, { OTHERS, 0, -1 })),
		     -EINVAL);
	cr_assert_eq(acl_check(LIST({ OWNER, 6, -1 }, { OWNING, 4, -1 }, { USER, 4, 9 }, { MASK, 4, -1 },
				    { OTHERS, 0, -1 })),
		     -EINVAL);
	cr_assert_eq(acl_check(LIST({ OWNER, 6, -1 }, { OWNING, 4, -1 }, { MASK, 4, -1 }, { OTHERS, 0, -1 })),
		     4, "a mask alone is allowed");
	cr_assert_eq(acl_check(LIST({ OWNER, 8, -1 }, { OWNING, 4, -1 }, { OTHERS, 0, -1 })), -EINVAL);
	cr_assert_eq(
	    acl_check(LIST({ OWNER, 6, -1 }, { OWNING, 4, -1 }, { OTHERS, 0, -1 }, { OTHERS, 0, -1 })),
	    -EINVAL);
	cr_assert_eq(acl_check(LIST({ 0, 6, -1 }, { OWNING, 4, -1 }, { OTHERS, 0, -1 })), -EINVAL);
	cr_assert_eq(acl_check(LIST({ 3, 6, -1 }, { OWNING, 4, -1 }, { OTHERS, 0, -1 })), -EINVAL);
}

Test(acl, another_version_is_refused)
{
	uint8_t bytes[28];

	memcpy(bytes, minimal().p, sizeof bytes);
	bytes[0] = 1;
	cr_assert_eq(acl_check((struct slice){ bytes, sizeof bytes }), -EINVAL);
}

static int may(uint32_t uid, uint32_t gid, uint32_t group, int want)
{
	struct cephring_cred c = { .uid = uid, .gid = gid, .ngroups = 1, .groups = &group };

	return acl_permission(full(), 5, 6, &c, want);
}

Test(acl, the_first_class_that_fits_decides)
{
	cr_assert_eq(may(5, 99, 99, MAY_READ | MAY_WRITE), 0);
	cr_assert_eq(may(5, 99, 99, MAY_EXEC), -EACCES, "the owner is not the others");
	cr_assert_eq(may(9, 99, 99, MAY_READ | MAY_WRITE), 0);
	cr_assert_eq(may(9, 99, 99, MAY_EXEC), -EACCES, "the mask");
	cr_assert_eq(may(10, 30, 6, MAY_READ), -EACCES, "a named user is no member");
	cr_assert_eq(may(10, 30, 6, MAY_WRITE), 0);
	cr_assert_eq(may(50, 99, 99, MAY_EXEC), 0);
	cr_assert_eq(may(50, 99, 99, MAY_READ), -EACCES);
}

Test(acl, one_group_must_grant_all_that_is_wanted)
{
	cr_assert_eq(may(50, 6, 99, MAY_READ), 0);
	cr_assert_eq(may(50, 6, 99, MAY_EXEC), -EACCES, "the mask cuts it, and members are not the others");
	cr_assert_eq(may(50, 30, 99, MAY_READ), 0);
	cr_assert_eq(may(50, 30, 99, MAY_WRITE), -EACCES);
	cr_assert_eq(may(50, 30, 31, MAY_READ), 0);
	cr_assert_eq(may(50, 30, 31, MAY_WRITE), 0);
	cr_assert_eq(may(50, 30, 31, MAY_READ | MAY_WRITE), -EACCES, "not two together");
	cr_assert_eq(may(50, 31, 6, MAY_READ), 0);
}

Test(acl, a_broken_list_grants_nothing)
{
	struct slice s = full();
	struct cephring_cred c = { .uid = 9 };

	s.len--;
	cr_assert_eq(acl_permission(s, 5, 6, &c, MAY_READ), -EIO);
	s.len = ACL_HEADER;
	cr_assert_eq(acl_permission(s, 5, 6, &c, MAY_READ), -EIO);
}

Test(acl, the_modes_group_bits_are_the_masks)
{
	uint32_t mode = 0104777;

	cr_assert_eq(acl_to_mode(full(), &mode), 1);
	cr_assert_eq(mode, 0104661);
	cr_assert_eq(acl_to_mode(minimal(), &mode), 0);
	cr_assert_eq(mode, 0104640);
	cr_assert_eq(acl_to_mode((struct slice){ minimal().p, 4 }, &mode), -EINVAL);
}

Test(acl, chmod_changes_three_entries)
{
	uint8_t bytes[68];
	struct slice s = { bytes, sizeof bytes };
	uint32_t mode = 0;

	memcpy(bytes, full().p, sizeof bytes);
	cr_assert_eq(acl_chmod(bytes, sizeof bytes, 0100750), 0);
	cr_assert_eq(acl_to_mode(s, &mode), 1);
	cr_assert_eq(mode, 0750);
	cr_assert_eq(bytes[ACL_HEADER + 3 * ACL_ENTRY + 2], 5, "the owning group keeps its own");
	memcpy(bytes, minimal().p, 28);
	cr_assert_eq(acl_chmod(bytes, 28, 0123), 0);
	cr_assert_eq(acl_to_mode((struct slice){ bytes, 28 }, &mode), 0);
	cr_assert_eq(mode, 0123);
	cr_assert_eq(acl_chmod(bytes, 27, 0123), -EINVAL);
}

/* ---- inheritance ---- */

static struct slice map_of(const struct enc *e)
{
	return (struct slice){ e->buf, (uint32_t)e->len };
}

Test(acl, a_file_inherits_access_only)
{
	uint32_t mode = 0100666, back = 0;
	struct slice got;
	struct enc e;

	enc_init(&e);
	cr_assert_eq(acl_inherit(full(), &mode, &e), 0);
	cr_assert_eq(mode, 0100660, "others may --x of rw-");
	cr_assert(xattr_map_find(map_of(&e), ACL_ACCESS, &got));
	cr_assert_eq(acl_to_mode(got, &back), 1);
	cr_assert_eq(back, 0660);
	cr_assert_not(xattr_map_find(map_of(&e), ACL_DEFAULT, &got));
	enc_free(&e);
}

Test(acl, a_directory_inherits_both)
{
	uint32_t mode = 0042777;
	struct slice got, def = full();
	struct enc e;

	enc_init(&e);
	cr_assert_eq(acl_inherit(def, &mode, &e), 0);
	cr_assert_eq(mode, 0042661);
	cr_assert(xattr_map_find(map_of(&e), ACL_DEFAULT, &got));
	cr_assert_eq(got.len, def.len);
	cr_assert_arr_eq(got.p, def.p, def.len, "as it was");
	cr_assert(xattr_map_find(map_of(&e), ACL_ACCESS, &got));
	enc_free(&e);
}

Test(acl, what_a_mode_can_say_is_not_stored)
{
	uint32_t mode = 0100666;
	struct slice got;
	struct enc e;

	enc_init(&e);
	cr_assert_eq(acl_inherit(minimal(), &mode, &e), 0);
	cr_assert_eq(mode, 0100640);
	cr_assert_eq(e.len, 0);
	mode = 0040777;
	cr_assert_eq(acl_inherit(minimal(), &mode, &e), 0);
	cr_assert_eq(mode, 0040640);
	cr_assert_not(xattr_map_find(map_of(&e), ACL_ACCESS, &got));
	cr_assert(xattr_map_find(map_of(&e), ACL_DEFAULT, &got));
	enc_free(&e);
}

Test(acl, a_broken_default_creates_nothing)
{
	uint32_t mode = 0100666;
	struct slice s = full();
	struct enc e;

	enc_init(&e);
	s.len -= ACL_ENTRY;
	cr_assert_eq(acl_inherit(s, &mode, &e), -EINVAL);
	cr_assert_eq(mode, 0100666);
	cr_assert_eq(e.len, 0);
}

/* ---- the map that holds them ---- */

static struct slice text(const char *s)
{
	return (struct slice){ (const uint8_t *)s, (uint32_t)strlen(s) };
}

/* `map` with a change; the old one is freed. */
static void change(struct enc *map, const char *name, const char *value)
{
	struct slice v = value ? text(value) : (struct slice){ NULL, 0 };
	struct enc next;

	enc_init(&next);
	cr_assert_eq(xattr_map_with(map_of(map), name, value ? &v : NULL, &next), 0);
	enc_free(map);
	*map = next;
}

static void expect(const struct enc *map, const char *name, const char *value)
{
	struct slice got;

	if (!value) {
		cr_assert_not(xattr_map_find(map_of(map), name, &got), "%s", name);
		return;
	}
	cr_assert(xattr_map_find(map_of(map), name, &got), "%s", name);
	cr_assert_eq(got.len, strlen(value));
	cr_assert_eq(memcmp(got.p, value, got.len), 0);
}

Test(xattr_map, puts_replaces_and_removes_in_order)
{
	struct xattr_iter it;
	struct slice n, v;
	struct enc map;

	enc_init(&map);
	change(&map, "user.b", "2");
	change(&map, "user.c", "");
	change(&map, "user.a", "one");
	change(&map, "user.ab", "1b");
	change(&map, "user.b", "two");
	expect(&map, "user.a", "one");
	expect(&map, "user.b", "two");
	expect(&map, "user.c", "");
	expect(&map, "user.", NULL);
	cr_assert_eq(xattrs_begin(&it, map_of(&map)), 0);
	for (const char *const *want = (const char *const[]){ "user.a", "user.ab", "user.b", "user.c", NULL };
	     *want; want++) {
		cr_assert_eq(xattrs_next(&it, &n, &v), 1);
		cr_assert_eq(n.len, strlen(*want));
		cr_assert_eq(memcmp(n.p, *want, n.len), 0);
	}
	cr_assert_eq(xattrs_next(&it, &n, &v), 0);
	change(&map, "user.b", NULL);
	change(&map, "user.nothing", NULL);
	expect(&map, "user.b", NULL);
	expect(&map, "user.c", "");
	change(&map, "user.a", NULL);
	change(&map, "user.ab", NULL);
	change(&map, "user.c", NULL);
	cr_assert_eq(map.len, 4, "no entries");
	enc_free(&map);
}

Test(xattr_map, broken_maps_are_refused)
{
	static const uint8_t cut[] = "\x02\0\0\0\x01\0\0\0a\x04\0\0\0long\x05\0\0\0b";
	struct slice map = { cut, sizeof cut - 1 }, v = { NULL, 0 };
	struct enc out;

	enc_init(&out);
	cr_assert_eq(xattr_map_with(map, "user.x", &v, &out), -EBADMSG);
	cr_assert(xattr_map_find(map, "a", &v));
	cr_assert_not(xattr_map_find(map, "b", &v));
	enc_free(&out);
}
