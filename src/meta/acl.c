/* acl.c: see acl.h. */
#include "acl.h"
#include "perm.h"

#include <errno.h>
#include <string.h>
#include "../../include/cephring.h"
#include "../proto/le.h"

enum {
	TAG_OWNER = 1,
	TAG_USER = 2,
	TAG_OWNING_GROUP = 4,
	TAG_GROUP = 8,
	TAG_MASK = 0x10,
	TAG_OTHERS = 0x20,
};
enum { VERSION = 2, BITS = 7 };

struct entry {
	uint16_t tag, bits;
	uint32_t id;
};

static struct entry entry_at(const uint8_t *acl, int n)
{
	const uint8_t *p = acl + ACL_HEADER + n * ACL_ENTRY;

	return (struct entry){ le16_get(p), le16_get(p + 2), le32_get(p + 4) };
}

static void set_bits(uint8_t *acl, int n, uint32_t bits)
{
	le16_put(acl + ACL_HEADER + n * ACL_ENTRY + 2, (uint16_t)bits);
}

/* Tags in their order, each a bit: which may follow. */
static uint32_t may_follow(uint16_t tag)
{
	switch (tag) {
	case TAG_OWNER:
	case TAG_USER:
		return TAG_USER | TAG_OWNING_GROUP;
	case TAG_OWNING_GROUP:
	case TAG_GROUP:
		return TAG_GROUP | TAG_MASK | TAG_OTHERS;
	case TAG_MASK:
		return TAG_OTHERS;
	default:
		return 0;
	}
}

int acl_check(struct slice acl)
{
	uint32_t next = TAG_OWNER, seen = 0;
	int count;

	if (acl.len < ACL_HEADER || le32_get(acl.p) != VERSION || (acl.len - ACL_HEADER) % ACL_ENTRY)
		return -EINVAL;
	count = (int)((acl.len - ACL_HEADER) / ACL_ENTRY);
	if (count > ACL_ENTRIES_MAX)
		return -EINVAL;
	for (int n = 0; n < count; n++) {
		struct entry e = entry_at(acl.p, n);
		bool one_tag = e.tag && !(e.tag & (e.tag - 1));

		if (!one_tag || !(e.tag & next) || (e.bits & ~BITS))
			return -EINVAL;
		next = may_follow(e.tag);
		seen |= e.tag;
	}
	if (count && (!(seen & TAG_OTHERS) || ((seen & (TAG_USER | TAG_GROUP)) && !(seen & TAG_MASK))))
		return -EINVAL;
	return count;
}

/* ---- judging ---- */

static int granted(uint32_t bits, int want)
{
	return ((uint32_t)want & ~bits & BITS) ? -EACCES : 0;
}

/* Of a well-formed list: what the named ones and the owning group are cut to. */
static uint32_t mask_of(const uint8_t *acl, int count)
{
	struct entry e = count > 1 ? entry_at(acl, count - 2) : (struct entry){ 0 };

	return e.tag == TAG_MASK ? e.bits : BITS;
}

int acl_permission(struct slice acl, uint32_t uid, uint32_t gid, const struct cephring_cred *cred, int want)
{
	int count = acl_check(acl);
	bool in_some_group = false;
	uint32_t mask;

	if (count <= 0)
		return -EIO;
	mask = mask_of(acl.p, count);
	for (int n = 0; n < count; n++) {
		struct entry e = entry_at(acl.p, n);

		if (e.tag == TAG_OWNER && cred->uid == uid)
			return granted(e.bits, want);
		if (e.tag == TAG_USER && cred->uid == e.id)
			return granted(e.bits & mask, want);
		if ((e.tag == TAG_OWNING_GROUP && cred_in_group(cred, gid)) ||
		    (e.tag == TAG_GROUP && cred_in_group(cred, e.id))) {
			in_some_group = true;
			if (!granted(e.bits & mask, want)) /* one group that grants all is enough */
				return 0;
		}
		if (e.tag == TAG_OTHERS)
			return in_some_group ? -EACCES : granted(e.bits, want);
	}
	return -EIO;
}

/* ---- the list and the mode ---- */

/* Where the group bits of the mode are kept. */
static int group_entry(const uint8_t *acl, int count)
{
	int at = count - 2;

	while (at >= 0 && !(entry_at(acl, at).tag & (TAG_MASK | TAG_OWNING_GROUP)))
		at--;
	return at;
}

int acl_to_mode(struct slice acl, uint32_t *mode)
{
	int count = acl_check(acl);
	uint32_t bits;

	if (count <= 0)
		return -EINVAL;
	bits = (uint32_t)entry_at(acl.p, 0).bits << 6 |
	       (uint32_t)entry_at(acl.p, group_entry(acl.p, count)).bits << 3 |
	       entry_at(acl.p, count - 1).bits;
	*mode = (*mode & ~0777u) | bits;
	return count > 3;
}

int acl_chmod(uint8_t *acl, uint32_t len, uint32_t mode)
{
	int count = acl_check((struct slice){ acl, len });

	if (count <= 0)
		return -EINVAL;
	set_bits(acl, 0, mode >> 6 & BITS);
	set_bits(acl, group_entry(acl, count), mode >> 3 & BITS);
	set_bits(acl, count - 1, mode & BITS);
	return 0;
}

int acl_inherit(struct slice def, uint32_t *mode, struct enc *out)
{
	bool dir = (*mode & 0170000) == 0040000, more;
	uint32_t allowed = 0;
	int res = acl_to_mode(def, &allowed);
	size_t at;

	if (res < 0)
		return res;
	more = res > 0;
	*mode &= ~0777u | allowed;
	if (!more && !dir)
		return 0;
	enc_u32(out, (uint32_t)more + dir);
	if (more) {
		enc_str(out, ACL_ACCESS);
		enc_blob(out, def.p, def.len);
		at = out->len - def.len;
		if (!out->err)
			acl_chmod(out->buf + at, def.len, *mode);
	}
	if (dir) {
		enc_str(out, ACL_DEFAULT);
		enc_blob(out, def.p, def.len);
	}
	return out->err ? -ENOMEM : 0;
}
