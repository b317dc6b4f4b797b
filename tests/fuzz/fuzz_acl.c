/* Access control lists and the maps that hold them, as any client may have stored them. What is accepted
 * stays well formed over chmod and inheritance, the mode follows, and a map gives back what was put in.
 * Input: u32 mode, u8 uid, u8 gid, u8 want, then a list, which is also tried as a map. */
#include <errno.h>
#include <stdlib.h>
#include "../include/cephring.h"
#include "meta/acl.h"
#include "meta/perm.h"
#include "meta/xattr_map.h"
#include "proto/le.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

static void use_list(struct slice acl, uint32_t mode, const struct cephring_cred *cred, int want)
{
	int count = acl_check(acl), res;
	uint32_t told = 0, born = mode;
	uint8_t *copy = malloc(acl.len + 1ull);
	struct slice got;
	struct enc e;

	res = acl_permission(acl, 1, 1, cred, want);
	must(count > 0 || res == -EIO);
	memcpy(copy, acl.p, acl.len);
	if (!acl_chmod(copy, acl.len, mode)) {
		must(count > 0 && acl_check((struct slice){ copy, acl.len }) == count);
		must(acl_to_mode((struct slice){ copy, acl.len }, &told) >= 0);
		must(told == (mode & 0777));
	}
	enc_init(&e);
	if (!acl_inherit(acl, &born, &e)) {
		struct slice map = { e.buf, (uint32_t)e.len };

		must(count > 0 && !(born & ~mode));
		if (xattr_map_find(map, ACL_ACCESS, &got)) {
			must(acl_to_mode(got, &told) == 1);
			must(told == (born & 0777));
		}
		must(!xattr_map_find(map, ACL_DEFAULT, &got) || got.len == acl.len);
	}
	enc_free(&e);
	free(copy);
}

static void use_map(struct slice map)
{
	struct slice value = { (const uint8_t *)"value", 5 }, got;
	struct enc with, without;

	enc_init(&with);
	enc_init(&without);
	if (!xattr_map_with(map, "user.x", &value, &with)) {
		struct slice now = { with.buf, (uint32_t)with.len };

		must(xattr_map_find(now, "user.x", &got) && got.len == 5);
		must(!xattr_map_with(now, "user.x", NULL, &without));
		must(!xattr_map_find((struct slice){ without.buf, (uint32_t)without.len }, "user.x", &got));
	}
	enc_free(&with);
	enc_free(&without);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cephring_cred cred = { 0 };
	struct slice rest;

	if (size < 7 || size > 100000)
		return 0;
	cred.uid = data[4];
	cred.gid = data[5];
	rest = (struct slice){ data + 7, (uint32_t)size - 7 };
	use_list(rest, le32_get(data), &cred, data[6] & 7);
	use_map(rest);
	return 0;
}
