/* placement.c: from an object to its placement group, and from that to OSDs. See osdmap.h.
 *
 *   raw     CRUSH, without OSDs that do not exist; then the tables by which the balancer moves single groups
 *   up      raw without OSDs that are down; primary affinity chooses who leads
 *   acting  up, unless pg_temp or primary_temp name others while data moves
 *
 * In a replicated pool ranks close when an OSD is left out; in an erasure coded one it leaves a hole, because
 * ranks are shards. ceph src/osd/OSDMap.cc (_pg_to_up_acting_osds); doc/protocol.md 14.9.
 */
#include "frag.h"
#include "osdmap_impl.h"

#include <errno.h>
#include <stdlib.h>

enum { RELEASE_QUINCY = 17, NSPACE_SEPARATOR = 0x1f, HASH_INPUT_MAX = 4096 };

/* --- object to group --- */

static uint32_t mask_of(uint32_t count)
{
	return count <= 1 ? 0 : UINT32_MAX >> __builtin_clz(count - 1);
}

uint32_t pg_fold(uint32_t hash, uint32_t count)
{
	uint32_t mask = mask_of(count);

	return (hash & mask) < count ? hash & mask : hash & (mask >> 1);
}

/* Children of a seed differ from it by bits that the old mask did not have, or its highest one. */
bool pg_is_split(uint32_t seed, uint32_t from, uint32_t to)
{
	uint64_t step = ((uint64_t)mask_of(from) + 1) / 2, child;

	if (seed >= from || to <= from)
		return false;
	if (!step)
		step = 1;
	for (child = seed + step; child < to; child += step)
		if (child >= from && pg_fold((uint32_t)child, from) == seed)
			return true;
	return false;
}

bool pg_is_merge(uint32_t seed, uint32_t from, uint32_t to)
{
	if (seed >= from || to >= from)
		return false;
	return seed >= to || pg_is_split(seed, to, from);
}

uint32_t osdmap_object_hash(const struct osdmap_pool *p, struct slice name, struct slice nspace,
			    struct slice key)
{
	struct slice s = key.len ? key : name;
	char buf[HASH_INPUT_MAX];
	size_t len = 0;

	if (!nspace.len)
		return dir_hash(p->object_hash, (const char *)s.p, s.len);
	if (nspace.len < sizeof(buf) - 1) {
		memcpy(buf, nspace.p, nspace.len);
		len = nspace.len;
	}
	buf[len++] = NSPACE_SEPARATOR;
	if (s.len > sizeof(buf) - len)
		s.len = (uint32_t)(sizeof(buf) - len);
	memcpy(buf + len, s.p, s.len);
	return dir_hash(p->object_hash, buf, len + s.len);
}

struct pg_id osdmap_object_pg(const struct osdmap_pool *p, uint32_t hash)
{
	return (struct pg_id){ .pool = p->id, .seed = pg_fold(hash, p->pg_num) };
}

/* --- group to OSDs --- */

struct placement {
	const struct osdmap *m;
	const struct osdmap_pool *pool;
	struct pg_entry key;
	uint32_t x; /* what CRUSH is asked with */
	bool holes;
};

static const struct pg_entry *find_entry(const struct placement *p, enum pg_table t)
{
	return table_find(&osdmap_pgs, &p->m->pg[t], &p->key);
}

/* An entry with an empty list is none. */
static const struct pg_entry *find_list(const struct placement *p, enum pg_table t)
{
	const struct pg_entry *e = find_entry(p, t);

	return e && e->len ? e : NULL;
}

static const int32_t *list_of(const struct placement *p, const struct pg_entry *e)
{
	return p->m->lists.v + e->at;
}

/* A marked-out OSD: weight 0. Ids that name no OSD are not. */
static bool is_marked_out(const struct osdmap *m, int32_t osd)
{
	return osd >= 0 && (uint32_t)osd < m->osds.count && !m->osds.weight[osd];
}

static void first_leads(struct pg_set *s)
{
	uint32_t i;

	for (i = 0; i < s->count && s->osd[i] == CRUSH_NONE; i++)
		;
	s->primary = i < s->count ? s->osd[i] : -1;
}

/* Without what `keep` refuses: closing ranks, or leaving holes. */
static void filter(const struct placement *p, struct pg_set *s,
		   bool (*keep)(const struct osdmap *m, int32_t osd))
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		if (keep(p->m, s->osd[i]))
			s->osd[kept++] = s->osd[i];
		else if (p->holes)
			s->osd[kept++] = CRUSH_NONE;
	}
	s->count = kept;
	first_leads(s);
}

static uint32_t crush_number(const struct osdmap_pool *pool, uint32_t seed)
{
	uint32_t folded = pg_fold(seed, pool->pgp_num);

	if (pool->flags & POOL_HASHPSPOOL)
		return crush_hash2(folded, (uint32_t)pool->id);
	return folded + (uint32_t)pool->id;
}

/* A pool whose rule is gone, or does not fit, has no OSDs. */
static int map_raw(const struct placement *p, struct pg_set *raw)
{
	const struct osdmap *m = p->m;
	struct crush_input in = {
		.x = p->x,
		.result_max = p->pool->size,
		.weight = m->osds.weight,
		.weight_count = m->osds.count,
		.choose_args = p->pool->id,
	};
	int rule, n = 0;

	if (m->require_osd_release >= RELEASE_QUINCY)
		rule = crush_rule(m->crush, (uint32_t)p->pool->crush_rule);
	else
		rule =
		    crush_rule_masked(m->crush, (uint8_t)p->pool->crush_rule, p->pool->type, p->pool->size);
	if (rule >= 0)
		n = crush_map(m->crush, rule, &in, raw->osd);
	if (n < 0)
		return n;
	raw->count = (uint32_t)n;
	filter(p, raw, osdmap_osd_exists);
	return 0;
}

/* --- moved by the balancer --- */

/* false: the entry names an OSD that is out, and no table is to be used. */
static int upmap_all(const struct placement *p, struct pg_set *s)
{
	const struct pg_entry *e = find_list(p, PG_UPMAP);
	const int32_t *list;

	if (!e)
		return 1;
	list = list_of(p, e);
	for (uint32_t i = 0; i < e->len; i++)
		if (list[i] != CRUSH_NONE && is_marked_out(p->m, list[i]))
			return 0;
	if (e->len > PG_OSDS_MAX)
		return -EOPNOTSUPP;
	memcpy(s->osd, list, e->len * sizeof(*list));
	s->count = e->len;
	return 1;
}

static int place_of(const struct pg_set *s, int32_t osd)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->osd[i] == osd)
			return (int)i;
	return -1;
}

static void upmap_items(const struct placement *p, struct pg_set *s)
{
	const struct pg_entry *e = find_list(p, PG_UPMAP_ITEMS);
	const int32_t *pair;
	int at;

	for (uint32_t i = 0; e && i + 1 < e->len; i += 2) {
		pair = list_of(p, e) + i;
		at = place_of(s, pair[0]);
		if (at < 0 || place_of(s, pair[1]) >= 0 || is_marked_out(p->m, pair[1]))
			continue;
		s->osd[at] = pair[1];
	}
}

static void upmap_primary(const struct placement *p, struct pg_set *s)
{
	const struct pg_entry *e = find_entry(p, PG_UPMAP_PRIMARY);
	int at;

	if (!e || !osdmap_osd_weight(p->m, e->osd))
		return;
	at = place_of(s, e->osd);
	if (at > 0) {
		s->osd[at] = s->osd[0];
		s->osd[0] = e->osd;
	}
}

static int upmap(const struct placement *p, struct pg_set *s)
{
	int use = upmap_all(p, s);

	if (use <= 0)
		return use;
	upmap_items(p, s);
	upmap_primary(p, s);
	return 0;
}

/* --- who leads --- */

/* Each OSD declines in proportion to what its affinity lacks; if all do, the first of them leads. */
static int choose_leader(const struct placement *p, const struct pg_set *s)
{
	uint32_t affinity;
	int declined = -1;

	for (uint32_t i = 0; i < s->count; i++) {
		if (s->osd[i] == CRUSH_NONE)
			continue;
		affinity = osdmap_osd_affinity(p->m, s->osd[i]);
		if (affinity >= AFFINITY_DEFAULT || crush_hash2(p->x, (uint32_t)s->osd[i]) >> 16 < affinity)
			return (int)i;
		if (declined < 0)
			declined = (int)i;
	}
	return declined;
}

static void apply_affinity(const struct placement *p, struct pg_set *s)
{
	int at = p->m->has_affinity ? choose_leader(p, s) : -1;

	if (at < 0)
		return;
	s->primary = s->osd[at];
	if (p->holes)
		return;
	memmove(s->osd + 1, s->osd, (size_t)at * sizeof(*s->osd));
	s->osd[0] = s->primary;
}

/* --- acting --- */

/* In a pool with EC optimizations, pg_temp names the shards that can lead first, then the others. Fills
 * shard[i]: the shard at place i of such a list; returns false when the list is in order of shards. */
static bool leaders_first(const struct placement *p, uint32_t count, uint8_t *shard)
{
	uint64_t never = p->pool->nonprimary_shards;
	uint32_t n = 0;

	if (!(p->pool->flags & POOL_EC_OPTIMIZATIONS) || !never)
		return false;
	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < count; i++)
			if ((never >> i & 1) == pass)
				shard[n++] = (uint8_t)i;
	return true;
}

static void in_shard_order(const struct placement *p, struct pg_set *s)
{
	uint8_t shard[PG_OSDS_MAX];
	struct pg_set stored = *s;

	if (!leaders_first(p, s->count, shard))
		return;
	for (uint32_t i = 0; i < s->count; i++)
		s->osd[shard[i]] = stored.osd[i];
}

static int map_acting(const struct placement *p, const struct pg_set *up, struct pg_set *acting)
{
	const struct pg_entry *temp = find_list(p, PG_TEMP), *primary = find_entry(p, PG_PRIMARY_TEMP);

	acting->count = 0;
	if (temp && temp->len > PG_OSDS_MAX)
		return -EOPNOTSUPP;
	if (temp) {
		memcpy(acting->osd, list_of(p, temp), temp->len * sizeof(*acting->osd));
		acting->count = temp->len;
		filter(p, acting, osdmap_osd_up);
		in_shard_order(p, acting);
	}
	if (!acting->count)
		*acting = *up;
	if (primary)
		acting->primary = primary->osd;
	return 0;
}

/* Of several places of the primary, the one that can lead. */
static int8_t shard_of(const struct placement *p, const struct pg_set *acting)
{
	uint8_t shard[PG_OSDS_MAX];
	int at;

	if (!p->holes || acting->primary < 0)
		return -1;
	if (find_list(p, PG_TEMP) && leaders_first(p, acting->count, shard)) {
		for (uint32_t i = 0; i < acting->count; i++)
			if (acting->osd[shard[i]] == acting->primary)
				return (int8_t)shard[i];
	}
	at = place_of(acting, acting->primary);
	return (int8_t)at;
}

int osdmap_pg_map(const struct osdmap *m, struct pg_id pg, struct pg_mapping *out)
{
	struct placement p = { .m = m, .pool = osdmap_pool(m, pg.pool) };
	int err;

	if (!p.pool || pg.seed >= p.pool->pg_num)
		return -ENOENT;
	if (p.pool->size > PG_OSDS_MAX || (p.pool->type != POOL_REPLICATED && p.pool->type != POOL_ERASURE))
		return -EOPNOTSUPP;
	p.key = (struct pg_entry){ .pool = (uint64_t)pg.pool, .seed = pg.seed };
	p.x = crush_number(p.pool, pg.seed);
	p.holes = p.pool->type == POOL_ERASURE;
	err = map_raw(&p, &out->raw);
	if (err)
		return err;
	out->up = out->raw;
	err = upmap(&p, &out->up);
	if (err)
		return err;
	filter(&p, &out->up, osdmap_osd_up);
	apply_affinity(&p, &out->up);
	err = map_acting(&p, &out->up, &out->acting);
	if (err)
		return err;
	out->shard = shard_of(&p, &out->acting);
	return 0;
}

int osdmap_pg_acting(const struct osdmap *m, struct pg_id pg, struct pg_set *acting, int8_t *shard)
{
	struct pg_mapping map;
	int err = osdmap_pg_map(m, pg, &map);

	if (err)
		return err;
	*acting = map.acting;
	*shard = map.shard;
	return 0;
}
