/* osdmap_apply.c: bringing an OSD map to the next epoch.
 *
 *   read      the incremental, all of it (osdmap_change.c)
 *   reserve   room in each table, and new arrays where max_osd changes: the last thing that can fail
 *   commit    in the daemons' order, which matters: new_weight makes an OSD exist, new_state is a mask that
 * is turned over (0 stands for UP), new pg entries come before old ones
 *
 * So a broken incremental, or lack of memory, leaves the map as it was. OSDs outside max_osd are left out.
 * ceph src/osd/OSDMap.cc (apply_incremental).
 */
#include "osdmap_change.h"

enum { LISTS_COMPACT_MIN = 4096 };

/* --- reserve --- */

static bool reserve(struct osdmap *m, struct osdmap_change *c)
{
	const struct map_mem *mem = &m->mem;
	size_t lists = (size_t)m->lists.count + c->lists.count;

	for (unsigned i = 0; i < PG_TABLES; i++)
		if (!table_reserve(mem, &osdmap_pgs, &m->pg[i], c->pg[i].put.count))
			return false;
	if (!table_reserve(mem, &osdmap_pools, &m->pools, c->pools.count) ||
	    !table_reserve(mem, &osdmap_blocks, &m->blocklist, c->block.count) ||
	    !table_reserve(mem, &osdmap_blocks, &m->ranges, c->range.count) ||
	    !lists_reserve(mem, &m->lists, c->lists.count))
		return false;
	if (lists > LISTS_COMPACT_MIN && lists / 2 > m->lists.live && !lists_reserve(mem, &c->compact, lists))
		return false;
	return c->max_osd < 0 || osds_make(mem, &c->osds, (uint32_t)c->max_osd, &m->osds);
}

/* --- commit --- */

static void commit_pools(struct osdmap *m, struct osdmap_change *c)
{
	struct osdmap_pool *p, *old;

	for (uint32_t i = 0; i < c->pools.count; i++) {
		p = table_at(&osdmap_pools, &c->pools, i);
		p->last_change = c->epoch;
		old = table_find(&osdmap_pools, &m->pools, p);
		if (old)
			p->name = old->name;
	}
	table_merge(&osdmap_pools, &m->pools, &c->pools);
	for (uint32_t i = 0; i < c->names.count; i++) {
		p = table_at(&osdmap_pools, &c->names, i);
		old = table_find(&osdmap_pools, &m->pools, p);
		if (!old)
			continue;
		osdmap_name_free(&m->mem, &old->name);
		old->name = p->name;
		p->name = (struct slice){ (const uint8_t *)"", 0 };
	}
	for (uint32_t i = 0; i < c->old_pools.count; i++) {
		old = table_find(&osdmap_pools, &m->pools, table_at(&osdmap_pools, &c->old_pools, i));
		if (old)
			osdmap_name_free(&m->mem, &old->name);
	}
	table_remove(&osdmap_pools, &m->pools, &c->old_pools);
}

static void commit_weights(struct osds *o, struct dec *d)
{
	uint32_t n = dec_u32(d), osd, weight;

	while (n--) {
		osd = dec_u32(d);
		weight = dec_u32(d);
		if (osd >= o->count)
			continue;
		o->weight[osd] = weight;
		if (weight)
			o->state[osd] = (o->state[osd] | OSD_EXISTS) & ~(uint32_t)(OSD_AUTOOUT | OSD_NEW);
	}
}

static void commit_affinity(struct osds *o, struct dec *d)
{
	uint32_t n = dec_u32(d), osd, affinity;

	while (n--) {
		osd = dec_u32(d);
		affinity = dec_u32(d);
		if (osd < o->count)
			o->affinity[osd] = affinity;
	}
}

static void destroy(struct osds *o, uint32_t osd)
{
	o->state[osd] = 0;
	o->affinity[osd] = AFFINITY_DEFAULT;
	o->addr[osd] = (struct entity_addr){ 0 };
}

static void commit_states(struct osds *o, struct dec *d)
{
	uint32_t n = dec_u32(d), osd, mask;

	while (n--) {
		osd = dec_u32(d);
		mask = dec_u32(d);
		if (osd >= o->count)
			continue;
		if (o->state[osd] & mask & OSD_EXISTS)
			destroy(o, osd);
		else
			o->state[osd] ^= mask ? mask : OSD_UP;
	}
}

static void commit_up(struct osds *o, struct dec *d)
{
	uint32_t n = dec_u32(d), osd;
	struct entity_addr addr;

	while (n--) {
		osd = dec_u32(d);
		dec_osd_addr(d, &addr);
		if (osd >= o->count)
			continue;
		o->state[osd] = (o->state[osd] | OSD_EXISTS | OSD_UP) & ~(uint32_t)OSD_STOP;
		o->addr[osd] = addr;
	}
}

static void commit_osds(struct osdmap *m, struct osdmap_change *c)
{
	if (c->max_osd >= 0) {
		osds_free(&m->mem, &m->osds);
		m->osds = c->osds;
		c->osds = (struct osds){ 0 };
	}
	commit_weights(&m->osds, &c->weight);
	commit_affinity(&m->osds, &c->affinity);
	commit_states(&m->osds, &c->state);
	commit_up(&m->osds, &c->up);
}

/* All lists that are still pointed at, into the array made for them. */
static void compact(struct osdmap *m, struct osdmap_change *c)
{
	struct lists *to = &c->compact;
	struct pg_entry *e;

	for (unsigned t = 0; t < PG_LIST_TABLES; t++) {
		for (uint32_t i = 0; i < m->pg[t].count; i++) {
			e = table_at(&osdmap_pgs, &m->pg[t], i);
			memcpy(to->v + to->count, m->lists.v + e->at, e->len * sizeof(*to->v));
			e->at = to->count;
			to->count += e->len;
		}
	}
	to->live = to->count;
	lists_free(&m->mem, &m->lists);
	m->lists = *to;
	*to = (struct lists){ 0 };
}

static void commit_pgs(struct osdmap *m, struct osdmap_change *c)
{
	struct pg_entry *e;

	for (unsigned t = 0; t < PG_LIST_TABLES; t++) {
		for (uint32_t i = 0; i < c->pg[t].put.count; i++) {
			e = table_at(&osdmap_pgs, &c->pg[t].put, i);
			e->at += m->lists.count;
		}
	}
	if (c->lists.count)
		memcpy(m->lists.v + m->lists.count, c->lists.v, c->lists.count * sizeof(*m->lists.v));
	m->lists.count += c->lists.count;
	for (unsigned t = 0; t < PG_TABLES; t++) {
		table_merge(&osdmap_pgs, &m->pg[t], &c->pg[t].put);
		table_remove(&osdmap_pgs, &m->pg[t], &c->pg[t].gone);
	}
	if (c->compact.v)
		compact(m, c);
}

static void commit_blocks(struct osdmap *m, struct osdmap_change *c)
{
	table_merge(&osdmap_blocks, &m->blocklist, &c->block);
	table_remove(&osdmap_blocks, &m->blocklist, &c->unblock);
	table_merge(&osdmap_blocks, &m->ranges, &c->range);
	table_remove(&osdmap_blocks, &m->ranges, &c->unrange);
}

static void commit_full(struct osdmap *m, struct osdmap_change *c)
{
	struct osdmap *full = c->full;

	osdmap_clear(m);
	*m = *full;
	m->mem.free(full, sizeof(*full));
	c->full = NULL;
}

static void commit(struct osdmap *m, struct osdmap_change *c)
{
	struct table snaps = m->removed_snaps;

	m->epoch = c->epoch;
	if (c->flags >= 0)
		m->flags = (uint32_t)c->flags;
	commit_pools(m, c);
	commit_osds(m, c);
	commit_pgs(m, c);
	commit_blocks(m, c);
	m->removed_snaps = c->removed_snaps; /* of this epoch only */
	c->removed_snaps = snaps;
	if (c->require_osd_release >= 0)
		m->require_osd_release = (uint8_t)c->require_osd_release;
	if (c->crush) {
		crush_free(m->crush);
		m->crush = c->crush;
		c->crush = NULL;
	}
	osdmap_derive(m);
}

int osdmap_apply(struct osdmap *m, struct dec *d)
{
	struct osdmap_change c = { .mem = m->mem };
	int err = osdmap_change_read(d, m, &c);

	if (!err && c.full)
		commit_full(m, &c);
	else if (!err && reserve(m, &c))
		commit(m, &c);
	else if (!err)
		dec_nomem(d);
	osdmap_change_fini(&c);
	return err ? err : d->err;
}
