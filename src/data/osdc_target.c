/* osdc_target.c: from an object to the OSD that a request for it goes to, and whether what was sent before
 * the newest map still counts.
 *
 * CRUSH costs microseconds, so the OSDs of a placement group are remembered, each with the epoch that it is
 * true for. An OSD drops what was sent to it under a map from before it took over the group (ceph src/osd/
 * PrimaryLogPG.cc, can_discard_op): whoever sees such a change must send again, though the OSD be the same.
 */
#include "osdc_impl.h"

#include <assert.h>
#include <errno.h>

/* Changes with any change of the set, as good as always (FNV-1a). */
static uint32_t sum(const struct pg_set *s)
{
	uint32_t h = 2166136261u ^ s->count;

	for (uint32_t i = 0; i < s->count; i++)
		h = (h ^ (uint32_t)s->osd[i]) * 16777619u;
	return h;
}

static uint8_t rank_of(const struct pg_set *s, int32_t osd)
{
	uint8_t i = 0;

	while (i < s->count && s->osd[i] != osd)
		i++;
	return i;
}

/* 0 or a negative errno; *out is valid until the next call. */
static int pg_find(struct osdc *c, struct pg_id pg, struct osd_pg_entry **out)
{
	uint32_t slot = (crush_hash2((uint32_t)pg.pool, pg.seed)) & (OSDC_PG_CACHE - 1);
	struct osd_pg_entry *e = &c->pgs[slot];
	struct pg_set acting;
	int err;

	*out = e;
	c->stats.targets++;
	if (e->epoch == c->epoch && e->pool == pg.pool && e->seed == pg.seed) {
		c->stats.targets_cached++;
		return 0;
	}
	e->epoch = 0;
	err = osdmap_pg_acting(c->map, pg, &acting, &e->shard);
	if (err)
		return err;
	e->pool = pg.pool;
	e->seed = pg.seed;
	e->primary = acting.primary;
	e->rank = rank_of(&acting, acting.primary);
	e->count = (uint8_t)acting.count;
	e->nearest = 0;
	e->acting_sum = sum(&acting);
	memcpy(e->acting, acting.osd, sizeof e->acting);
	e->epoch = c->epoch;
	return 0;
}

/* ---- replica reads ---- */

static_assert(OSD_PG_KEPT <= 8, "a bit each");

/* Bits of those in the set that are up; of them only the nearest, if `closest`. */
static uint8_t candidates(const struct osdc *c, const struct osd_pg_entry *e, bool closest)
{
	int nearest = INT32_MAX;
	uint8_t mask = 0;

	for (uint32_t i = 0; i < e->count; i++) {
		int far = 0;

		if (!osdmap_osd_up(c->map, e->acting[i]))
			continue;
		if (closest)
			far = crush_distance(osdmap_crush(c->map), e->acting[i], c->place, c->place_count);
		far = far < 0 ? INT32_MAX - 1 : far;
		if (far < nearest)
			mask = 0;
		if (far <= nearest) {
			nearest = far;
			mask |= (uint8_t)(1u << i);
		}
	}
	return mask;
}

/* The tree is searched once for each map. */
static uint8_t nearest(const struct osdc *c, struct osd_pg_entry *e)
{
	if (!e->nearest)
		e->nearest = candidates(c, e, true);
	return e->nearest;
}

/* A choice once made stands as long as the set does; else every map would send the request elsewhere. */
static int32_t choose(const struct osd_req *q, const struct osdmap_pool *p, struct osd_pg_entry *e)
{
	struct osdc *c = q->c;
	uint8_t mask;
	uint32_t r;

	if (!(q->flags & (OSD_FLAG_BALANCE_READS | OSD_FLAG_LOCALIZE_READS)) || q->plain || q->write ||
	    p->type != POOL_REPLICATED || e->count < 2 || e->count > OSD_PG_KEPT)
		return e->primary;
	if (q->target.known && q->target.acting_sum == e->acting_sum && q->target.osd >= 0 &&
	    q->target.seed == e->seed)
		return q->target.osd;
	mask = q->flags & OSD_FLAG_LOCALIZE_READS && c->place_count ? nearest(c, e) : candidates(c, e, false);
	if (!mask)
		return e->primary;
	ring_random(c->ring, &r, sizeof r);
	for (r %= (uint32_t)__builtin_popcount(mask); r; r--)
		mask &= (uint8_t)(mask - 1);
	return e->acting[__builtin_ctz(mask)];
}

/* ---- flags ---- */

/* Subject to full flags, then: under one. */
bool osd_target_respects_full(const struct osd_req *q)
{
	return (q->write || q->flags & OSD_FLAG_RWORDERED) &&
	       !(q->flags & (OSD_FLAG_FULL_TRY | OSD_FLAG_FULL_FORCE));
}

bool osd_target_full(const struct osd_req *q)
{
	const struct osdmap_pool *p = osdmap_pool(q->c->map, osd_req_pool(q));

	return osd_target_respects_full(q) &&
	       (osdmap_flags(q->c->map) & OSDMAP_FULL || (p && p->flags & POOL_FULL));
}

/* OSDs do what they are told in spite of these flags, or drop it without a word: to heed them is our task. */
bool osd_target_paused(const struct osd_req *q)
{
	uint32_t flags = osdmap_flags(q->c->map);

	return (q->read && flags & OSDMAP_PAUSERD) || (q->write && flags & OSDMAP_PAUSEWR) ||
	       osd_target_full(q);
}

/* ---- the target ---- */

/* The pool that requests are to go to: a cache tier's where there is one. */
static const struct osdmap_pool *pool_of(const struct osd_req *q)
{
	const struct osdmap *m = q->c->map;
	const struct osdmap_pool *p = osdmap_pool(m, osd_req_pool(q));

	if (!p || (q->flags | q->wire_flags) & OSD_FLAG_IGNORE_OVERLAY)
		return p;
	if (q->write && p->write_tier >= 0)
		return osdmap_pool(m, p->write_tier);
	if (!q->write && p->read_tier >= 0)
		return osdmap_pool(m, p->read_tier);
	return p;
}

/* What was sent for `t` is void under the new one. */
static bool changed(const struct osd_target *t, const struct osd_target *now, const struct osdmap_pool *p,
		    uint32_t epoch)
{
	if (t->pool != now->pool || t->seed != now->seed || t->primary != now->primary ||
	    t->rank != now->rank || t->osd != now->osd || t->shard != now->shard)
		return true;
	if (now->osd != now->primary && t->acting_sum != now->acting_sum)
		return true; /* a replica answers under its own interval only */
	if (t->pg_num != now->pg_num &&
	    (pg_is_split(t->seed, t->pg_num, now->pg_num) || pg_is_merge(t->seed, t->pg_num, now->pg_num)))
		return true;
	return p->last_force_op_resend == epoch && t->forced_resend < epoch;
}

int osd_target_calc(struct osd_req *q)
{
	struct osdc *c = q->c;
	const struct osdmap_pool *p = pool_of(q);
	struct osd_pg_entry *e;
	struct osd_target now;
	bool differs;
	int err;

	if (!p)
		return OSD_TARGET_NO_POOL;
	if (p->flags & POOL_EIO)
		return -EIO;
	now = (struct osd_target){
		.pool = p->id, .pg_num = p->pg_num, .forced_resend = p->last_force_op_resend, .known = true
	};
	now.hash = q->target.known && q->target.pool == p->id
		       ? q->target.hash
		       : osdmap_object_hash(p, osd_req_oid(q), osd_req_nspace(q), osd_req_key(q));
	now.seed = osdmap_object_pg(p, now.hash).seed;
	err = pg_find(c, (struct pg_id){ p->id, now.seed }, &e);
	if (err)
		return err;
	now.primary = e->primary;
	now.shard = e->shard;
	now.rank = e->rank;
	now.acting_sum = e->acting_sum;
	now.osd = e->primary < 0 ? -1 : choose(q, p, e);
	differs = !q->target.known || changed(&q->target, &now, p, c->epoch);
	q->target = now;
	return differs ? OSD_TARGET_CHANGED : OSD_TARGET_SAME;
}
