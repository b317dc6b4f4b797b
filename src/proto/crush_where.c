/* crush_where.c: places in the tree as text, and how far a device is from them. Goes up from the device by
 * search: buckets do not know their parents. Shadow buckets of device classes ("host~ssd") are no places.
 */
#include "crush_impl.h"

#include <errno.h>

int crush_places_parse(const char *text, struct crush_place place[CRUSH_LEVELS_MAX])
{
	static const char separators[] = " \t,;";
	int count = 0;

	for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
		size_t len = strcspn(text, separators);
		const char *eq = memchr(text, '=', len);

		if (!eq || eq == text || eq + 1 == text + len || count == CRUSH_LEVELS_MAX)
			return -EINVAL;
		place[count++] = (struct crush_place){
			.type = { (const uint8_t *)text, (uint32_t)(eq - text) },
			.name = { (const uint8_t *)eq + 1, (uint32_t)(text + len - eq - 1) },
		};
		text += len;
	}
	return count;
}

static bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && !memcmp(a.p, b.p, a.len);
}

static bool is_named(const struct crush *c, const struct crush_bucket *b, const struct crush_place *place,
		     uint32_t count)
{
	struct slice type = crush_type_name(c, b->type), name = crush_name(c, b->id);

	for (uint32_t i = 0; i < count; i++)
		if (slice_equal(place[i].type, type) && slice_equal(place[i].name, name))
			return true;
	return false;
}

static bool holds(const struct crush_bucket *b, int32_t item)
{
	for (uint32_t i = 0; i < b->size; i++)
		if ((int32_t)le32_get(b->items + i * (size_t)4) == item)
			return true;
	return false;
}

static const struct crush_bucket *parent(const struct crush *c, int32_t item)
{
	struct slice name;

	for (uint32_t i = 0; i < c->bucket_count; i++) {
		if (c->bucket[i].alg == ALG_NONE || !holds(&c->bucket[i], item))
			continue;
		name = crush_name(c, c->bucket[i].id);
		if (!memchr(name.p, '~', name.len))
			return &c->bucket[i];
	}
	return NULL;
}

int crush_distance(const struct crush *c, int32_t device, const struct crush_place *place, uint32_t count)
{
	const struct crush_bucket *b = parent(c, device);

	for (unsigned depth = 0; b && depth < CRUSH_LEVELS_MAX; depth++) {
		if (is_named(c, b, place, count))
			return b->type;
		b = parent(c, b->id);
	}
	return -ENOENT;
}

unsigned crush_where(const struct crush *c, int32_t device, struct crush_place *place, unsigned max)
{
	const struct crush_bucket *b = parent(c, device);
	unsigned n = 0;

	for (; b && n < max && n < CRUSH_LEVELS_MAX; b = parent(c, b->id))
		place[n++] =
		    (struct crush_place){ .type = crush_type_name(c, b->type), .name = crush_name(c, b->id) };
	return n;
}
