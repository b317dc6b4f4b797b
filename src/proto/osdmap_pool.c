/* osdmap_pool.c: a pool as maps describe it (pg_pool_t), and pools by name.
 *
 * The layout grew at its end for many years; what a client does not need is stepped over. Of the versions
 * before 28 (Nautilus) none is sent any more.
 */
#include "osdmap_impl.h"

enum { POOL_KNOWN = 5, POOL_OLDEST = 28, POOL_WIRE_MIN = 8 + 6 + 128 };
enum { STRETCH_LEN = 4 * 4 };

static int cmp_pool(const void *a, const void *b)
{
	int64_t x = ((const struct osdmap_pool *)a)->id, y = ((const struct osdmap_pool *)b)->id;

	return (x > y) - (x < y);
}

const struct table_kind osdmap_pools = { sizeof(struct osdmap_pool), cmp_pool };

static void skip_string_map(struct dec *d)
{
	uint32_t n = dec_count(d, 8);

	while (n-- && !d->err) {
		dec_slice(d);
		dec_slice(d);
	}
}

static void skip_applications(struct dec *d)
{
	uint32_t n = dec_count(d, 8);

	while (n-- && !d->err) {
		dec_slice(d);
		skip_string_map(d);
	}
}

static void dec_base(struct dec *d, struct osdmap_pool *p)
{
	uint32_t n;

	p->type = dec_u8(d);
	p->size = dec_u8(d);
	p->crush_rule = dec_u8(d);
	p->object_hash = dec_u8(d);
	p->pg_num = dec_u32(d);
	p->pgp_num = dec_u32(d);
	dec_skip(d, 8); /* pgs of a kind that is gone */
	p->last_change = dec_u32(d);
	p->snap_seq = dec_u64(d);
	dec_u32(d); /* snap_epoch */
	n = dec_count(d, 8 + 6);
	while (n-- && !d->err) { /* the pool's own snapshots */
		dec_u64(d);
		skip_section(d);
	}
	skip_items(d, 16); /* removed_snaps */
	dec_u64(d);        /* auid */
	p->flags = dec_u64(d);
	dec_u32(d); /* crash_replay_interval */
	p->min_size = dec_u8(d);
	p->quota_max_bytes = dec_u64(d);
	p->quota_max_objects = dec_u64(d);
}

static void dec_tiers(struct dec *d, struct osdmap_pool *p)
{
	skip_items(d, 8); /* tiers */
	p->tier_of = dec_s64(d);
	p->cache_mode = dec_u8(d);
	p->read_tier = dec_s64(d);
	p->write_tier = dec_s64(d);
	skip_string_map(d); /* properties */
	skip_section(d);    /* hit_set_params */
	dec_skip(d, 4 + 4); /* hit_set_period, count */
	p->stripe_width = dec_u32(d);
	dec_skip(d, 8 + 8 + 4 + 4 + 4 + 4); /* cache targets */
	dec_slice(d);                       /* erasure_code_profile */
	dec_u32(d);                         /* last_force_op_resend for clients of before Luminous */
	dec_skip(d, 4 + 8 + 4 + 4 + 1 + 1); /* recency, expected objects, ratios, fast_read */
	dec_skip(d, 4 + 4);                 /* hit set grades */
	skip_section(d);                    /* opts */
	dec_u32(d);                         /* last_force_op_resend for clients of before Nautilus */
	skip_applications(d);
	dec_time(d);        /* create_time */
	dec_skip(d, 4 + 4); /* targets */
	p->pg_num_pending = dec_u32(d);
	dec_skip(d, 4 + 4); /* gone */
	p->last_force_op_resend = dec_u32(d);
	dec_u8(d); /* autoscaling */
}

/* Seven bits a byte, low ones first; the highest bit says that more follow. */
static uint64_t dec_varint(struct dec *d)
{
	uint64_t v = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = dec_u8(d);
		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return v;
}

/* A bit for each of 128 shards. */
static void dec_shards(struct dec *d, struct osdmap_pool *p)
{
	p->nonprimary_shards = dec_varint(d);
	dec_varint(d); /* sets of more than 64 are not served */
}

static void dec_newer(struct dec *d, struct osdmap_pool *p, uint8_t v)
{
	if (v >= 29)
		skip_section(d); /* last_pg_merge_meta */
	if (v == 30 || (v > 30 && dec_u8(d)))
		dec_skip(d, STRETCH_LEN);
	if (v >= 32)
		dec_shards(d, p);
}

static void dec_pool(struct dec *d, struct osdmap_pool *p)
{
	struct dec in;
	uint8_t v;

	*p = (struct osdmap_pool){ .id = dec_s64(d), .name.p = (const uint8_t *)"" };
	in = dec_section(d, POOL_KNOWN, &v);
	if (!in.err && v < POOL_OLDEST)
		dec_fail(&in, "a pool of before Nautilus");
	dec_base(&in, p);
	dec_tiers(&in, p);
	dec_newer(&in, p, v);
	if (!in.err && (!p->pg_num || p->pg_num > PG_NUM_MAX || !p->pgp_num || p->pgp_num > PG_NUM_MAX))
		dec_fail(&in, "a pool's number of groups out of bounds");
	dec_close(d, &in);
}

void dec_pools(struct dec *d, const struct map_mem *mem, struct table *t)
{
	uint32_t n = dec_count(d, POOL_WIRE_MIN);

	if (n > OSDMAP_POOLS_MAX)
		dec_fail(d, "too many pools");
	table_room(d, mem, &osdmap_pools, t, n);
	while (n-- && !d->err)
		dec_pool(d, table_add(&osdmap_pools, t));
	if (!d->err && !table_sort(&osdmap_pools, t))
		dec_fail(d, "a pool that is there twice");
}

struct slice osdmap_name_dup(const struct map_mem *mem, struct slice name)
{
	uint8_t *p;

	if (!name.len)
		return (struct slice){ (const uint8_t *)"", 0 };
	p = mem->alloc(name.len);
	if (p)
		memcpy(p, name.p, name.len);
	return (struct slice){ p, name.len };
}

void osdmap_name_free(const struct map_mem *mem, struct slice *name)
{
	if (name->len)
		mem->free((void *)(uintptr_t)name->p, name->len);
	*name = (struct slice){ (const uint8_t *)"", 0 };
}

uint32_t osdmap_pool_count(const struct osdmap *m)
{
	return m->pools.count;
}

const struct osdmap_pool *osdmap_pool_at(const struct osdmap *m, uint32_t index)
{
	return index < m->pools.count ? table_at(&osdmap_pools, &m->pools, index) : NULL;
}

const struct osdmap_pool *osdmap_pool(const struct osdmap *m, int64_t id)
{
	struct osdmap_pool key = { .id = id };

	return table_find(&osdmap_pools, &m->pools, &key);
}

const struct osdmap_pool *osdmap_pool_by_name(const struct osdmap *m, const char *name, size_t len)
{
	const struct osdmap_pool *p;

	for (uint32_t i = 0; i < m->pools.count; i++) {
		p = table_at(&osdmap_pools, &m->pools, i);
		if (p->name.len == len && !memcmp(p->name.p, name, len))
			return p;
	}
	return NULL;
}
