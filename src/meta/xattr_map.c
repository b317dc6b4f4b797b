/* xattr_map.c: see xattr_map.h. */
#include "xattr_map.h"

#include <errno.h>
#include <string.h>

bool xattr_map_find(struct slice map, const char *name, struct slice *value)
{
	size_t len = strlen(name);
	struct xattr_iter it;
	struct slice n;

	if (!map.len || xattrs_begin(&it, map))
		return false;
	while (xattrs_next(&it, &n, value) > 0)
		if (n.len == len && !memcmp(n.p, name, len))
			return true;
	return false;
}

static void put(struct enc *out, const void *name, size_t name_len, struct slice value, uint32_t *count)
{
	enc_blob(out, name, name_len);
	enc_blob(out, value.p, value.len);
	++*count;
}

/* As strings are ordered: bytes, then the shorter first. */
static int compare(struct slice a, const char *b, size_t b_len)
{
	int c = memcmp(a.p, b, a.len < b_len ? a.len : b_len);

	return c ? c : (a.len > b_len) - (a.len < b_len);
}

int xattr_map_with(struct slice map, const char *name, const struct slice *value, struct enc *out)
{
	size_t len = strlen(name), mark = out->len;
	struct xattr_iter it = { 0 };
	struct slice n, v;
	uint32_t count = 0;
	int more = 0, c;

	enc_u32(out, 0);
	if (map.len && xattrs_begin(&it, map))
		return -EBADMSG;
	while (map.len && (more = xattrs_next(&it, &n, &v)) > 0) {
		c = compare(n, name, len);
		if (c >= 0 && value) {
			put(out, name, len, *value, &count);
			value = NULL;
		}
		if (c)
			put(out, n.p, n.len, v, &count);
	}
	if (more < 0)
		return -EBADMSG;
	if (value)
		put(out, name, len, *value, &count);
	if (!out->err)
		memcpy(out->buf + mark, &count, sizeof count);
	return out->err ? -ENOMEM : 0;
}
