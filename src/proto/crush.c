/* crush.c: the CRUSH map: decoding, names, and the choice of a rule.
 *
 *   magic, sizes | buckets by index | rules by number | names of types, items, rules | groups of tunables,
 *   device classes, weight sets, each of which an older map may end before
 *
 * What would make a computation read outside the map is refused here: a bucket in the place of another, or
 * of the type of devices, and weight sets of another length than their bucket. Items that name no bucket are
 * met, and skipped, when computing.
 */
#include "crush_impl.h"

enum { CRUSH_MAGIC = 0x00010000, CRUSH_BLOB_MAX = 64 << 20 };
enum { BUCKET_MIN = 4, RULE_MIN = 4, NAME_MIN = 8, STEP_LEN = 12 };
enum { HASH_RJENKINS1 = 0 };

static int cmp_i32(int32_t a, int32_t b)
{
	return (a > b) - (a < b);
}

static int cmp_name(const void *a, const void *b)
{
	return cmp_i32(((const struct crush_id_name *)a)->id, ((const struct crush_id_name *)b)->id);
}

static const struct table_kind names = { sizeof(struct crush_id_name), cmp_name };

static void *alloc(struct crush *c, struct dec *d, size_t size)
{
	void *p = c->mem.alloc(size);

	if (!p)
		dec_nomem(d);
	return p;
}

/* --- buckets --- */

static size_t weights_len(struct dec *d, struct crush_bucket *b)
{
	switch (b->alg) {
	case ALG_UNIFORM:
		return 4; /* one for all: not needed */
	case ALG_LIST:
	case ALG_STRAW:
		return (size_t)b->size * 8;
	case ALG_STRAW2:
		return (size_t)b->size * 4;
	case ALG_TREE:
		b->nodes = dec_u8(d);
		return (size_t)b->nodes * 4;
	default:
		dec_fail(d, "a bucket of an unknown algorithm");
		return 0;
	}
}

static void note_devices(struct crush *c, const struct crush_bucket *b)
{
	int32_t item;

	for (uint32_t i = 0; i < b->size; i++) {
		item = (int32_t)le32_get(b->items + i * (size_t)4);
		if (item >= c->max_devices && item < CRUSH_NONE)
			c->max_devices = item + 1;
	}
}

static void dec_bucket(struct dec *d, struct crush *c, uint32_t index)
{
	struct crush_bucket *b = &c->bucket[index];
	uint32_t alg = dec_u32(d);
	uint8_t hash;

	*b = (struct crush_bucket){ 0 };
	if (!alg)
		return;
	b->id = dec_s32(d);
	b->type = dec_u16(d);
	b->alg = dec_u8(d);
	hash = dec_u8(d);
	dec_u32(d); /* weight: of its parent's choice, which has it too */
	b->size = dec_count(d, 4);
	b->items = dec_take(d, (size_t)b->size * 4);
	b->weights = dec_take(d, weights_len(d, b));
	if (d->err)
		return;
	if (b->alg != alg || b->id != -1 - (int32_t)index || !b->type)
		dec_fail(d, "a bucket that is not what its place says");
	else if (hash != HASH_RJENKINS1)
		dec_fail(d, "a bucket of an unknown hash");
	else
		note_devices(c, b);
}

static void dec_buckets(struct dec *d, struct crush *c, uint32_t count)
{
	c->bucket = alloc(c, d, count * sizeof(*c->bucket));
	if (!c->bucket)
		return;
	c->bucket_count = count;
	for (uint32_t i = 0; i < count; i++)
		dec_bucket(d, c, i);
}

/* --- rules --- */

static void dec_rule(struct dec *d, struct crush_rule *r)
{
	*r = (struct crush_rule){ 0 };
	if (!dec_u32(d))
		return;
	r->len = dec_count(d, STEP_LEN);
	if (r->len > CRUSH_STEPS_MAX)
		dec_fail(d, "a rule of too many steps");
	r->ruleset = dec_u8(d);
	r->type = dec_u8(d);
	r->min_size = dec_u8(d);
	r->max_size = dec_u8(d);
	r->steps = dec_take(d, (size_t)r->len * STEP_LEN);
	r->present = true;
}

static void dec_rules(struct dec *d, struct crush *c, uint32_t count)
{
	c->rule = alloc(c, d, count * sizeof(*c->rule));
	if (!c->rule)
		return;
	c->rule_count = count;
	for (uint32_t i = 0; i < count; i++)
		dec_rule(d, &c->rule[i]);
}

/* --- names --- */

/* Old encoders wrote keys of 64 bits: their upper half reads as a length of 0. */
static struct slice dec_name(struct dec *d)
{
	uint32_t len = dec_u32(d);

	if (!len)
		len = dec_u32(d);
	return (struct slice){ dec_take(d, len), len };
}

static void dec_names(struct dec *d, struct crush *c, struct table *t)
{
	uint32_t n = dec_count(d, NAME_MIN);
	struct crush_id_name *item;

	table_room(d, &c->mem, &names, t, n);
	while (n-- && !d->err) {
		item = table_add(&names, t);
		item->id = dec_s32(d);
		item->name = dec_name(d);
	}
	if (!d->err)
		table_sort(&names, t);
}

static void skip_names(struct dec *d)
{
	uint32_t n = dec_count(d, NAME_MIN);

	while (n-- && !d->err) {
		dec_s32(d);
		dec_name(d);
	}
}

static struct slice find_name(const struct table *t, int32_t id)
{
	struct crush_id_name key = { .id = id }, *found = table_find(&names, t, &key);

	return found ? found->name : (struct slice){ (const uint8_t *)"", 0 };
}

struct slice crush_name(const struct crush *c, int32_t id)
{
	return find_name(&c->item_names, id);
}

struct slice crush_type_name(const struct crush *c, int32_t type)
{
	return find_name(&c->type_names, type);
}

/* --- device classes: shadow buckets are buckets as others are; nothing is needed of what relates them --- */

static void skip_classes(struct dec *d)
{
	uint32_t n = dec_count(d, 8), classes;

	dec_skip(d, (size_t)n * 8); /* item -> class */
	skip_names(d);
	n = dec_count(d, 8); /* bucket -> class -> shadow bucket */
	while (n-- && !d->err) {
		dec_s32(d);
		classes = dec_count(d, 8);
		dec_skip(d, (size_t)classes * 8);
	}
}

/* --- the whole --- */

static void set_legacy_tunables(struct crush *c)
{
	c->local_tries = 2;
	c->fallback_tries = 5;
	c->total_tries = 19;
	c->msr_descents = 100;
	c->msr_collision_tries = 100;
}

/* Each group was added by a release; an older map ends before it. */
static void dec_groups(struct dec *d, struct crush *c)
{
	if (dec_left(d)) {
		c->local_tries = dec_u32(d);
		c->fallback_tries = dec_u32(d);
		c->total_tries = dec_u32(d);
	}
	if (dec_left(d))
		c->descend_once = dec_u32(d);
	if (dec_left(d))
		c->vary_r = dec_u8(d);
	if (dec_left(d))
		dec_u8(d); /* straw_calc_version: for those who change maps */
	if (dec_left(d))
		dec_u32(d); /* allowed_bucket_algs: likewise */
	if (dec_left(d))
		c->stable = dec_u8(d);
	if (dec_left(d))
		skip_classes(d);
	if (dec_left(d))
		crush_args_decode(d, c);
	if (dec_left(d)) {
		c->msr_descents = dec_u32(d);
		c->msr_collision_tries = dec_u32(d);
	}
}

static void dec_map(struct dec *d, struct crush *c)
{
	uint32_t buckets, rules;

	set_legacy_tunables(c);
	if (dec_u32(d) != CRUSH_MAGIC)
		dec_fail(d, "no crush map");
	buckets = dec_u32(d);
	rules = dec_u32(d);
	dec_s32(d); /* max_devices: wrong after an OSD is removed, so counted anew */
	if (buckets > CRUSH_BUCKETS_MAX || buckets > dec_left(d) / BUCKET_MIN)
		dec_fail(d, "too many buckets");
	if (rules > CRUSH_RULES_MAX || rules > dec_left(d) / RULE_MIN)
		dec_fail(d, "too many rules");
	if (!d->err && buckets)
		dec_buckets(d, c, buckets);
	if (!d->err && rules)
		dec_rules(d, c, rules);
	dec_names(d, c, &c->type_names);
	dec_names(d, c, &c->item_names);
	skip_names(d); /* of rules */
	dec_groups(d, c);
}

int crush_decode(struct dec *d, const struct map_mem *mem, struct crush **out)
{
	size_t len = dec_left(d);
	struct crush *c;
	struct dec in;

	*out = NULL;
	if (!len || len > CRUSH_BLOB_MAX) {
		dec_fail(d, len ? "a crush map too large" : "no crush map");
		return d->err;
	}
	c = mem->alloc(sizeof(*c));
	if (!c) {
		dec_nomem(d);
		return d->err;
	}
	*c = (struct crush){ .mem = *mem, .blob_len = (uint32_t)len };
	c->blob = alloc(c, d, len);
	if (c->blob) {
		memcpy(c->blob, d->p, len);
		dec_skip(d, len);
		in = dec_init(c->blob, len);
		dec_map(&in, c);
		dec_close(d, &in);
	}
	if (d->err)
		crush_free(c);
	else
		*out = c;
	return d->err;
}

void crush_free(struct crush *c)
{
	struct map_mem mem;

	if (!c)
		return;
	mem = c->mem;
	table_free(&mem, &names, &c->type_names);
	table_free(&mem, &names, &c->item_names);
	crush_args_free(c);
	if (c->bucket)
		mem.free(c->bucket, c->bucket_count * sizeof(*c->bucket));
	if (c->rule)
		mem.free(c->rule, c->rule_count * sizeof(*c->rule));
	if (c->blob)
		mem.free(c->blob, c->blob_len);
	mem.free(c, sizeof(*c));
}

int crush_rule(const struct crush *c, uint32_t number)
{
	return number < c->rule_count && c->rule[number].present ? (int)number : -ENOENT;
}

int crush_rule_masked(const struct crush *c, uint8_t ruleset, uint8_t type, uint8_t size)
{
	const struct crush_rule *r;

	for (uint32_t i = 0; i < c->rule_count; i++) {
		r = &c->rule[i];
		if (r->present && r->ruleset == ruleset && r->type == type && r->min_size <= size &&
		    size <= r->max_size)
			return (int)i;
	}
	return -ENOENT;
}
