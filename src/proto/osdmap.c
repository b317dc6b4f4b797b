/* osdmap.c: an OSD map in memory: what it is asked, and how it goes away. */
#include "osdmap_impl.h"

enum { RELEASE_LUMINOUS = 12, RELEASE_NAUTILUS = 14 };
enum {
	FLAG_REQUIRE_OLD = 7 << 16, /* jewel, kraken, luminous */
	FLAG_RECOVERY_DELETES = 1 << 19,
	FLAG_PGLOG_HARDLIMIT = 1 << 22,
};

/* --- OSDs --- */

static void set_arrays(struct osds *o, uint32_t cap)
{
	o->addr = o->block;
	o->state = (uint32_t *)(o->addr + cap);
	o->weight = o->state + cap;
	o->affinity = o->weight + cap;
}

bool osds_make(const struct map_mem *mem, struct osds *to, uint32_t count, const struct osds *from)
{
	uint32_t kept = from && from->count < count ? from->count : count;

	*to = (struct osds){ .count = count };
	if (!count)
		return true;
	to->block_len = count * (sizeof(*to->addr) + 3 * sizeof(uint32_t));
	to->block = mem->alloc(to->block_len);
	if (!to->block)
		return false;
	set_arrays(to, count);
	if (!from)
		kept = 0;
	if (kept) {
		memcpy(to->addr, from->addr, kept * sizeof(*to->addr));
		memcpy(to->state, from->state, kept * sizeof(uint32_t));
		memcpy(to->weight, from->weight, kept * sizeof(uint32_t));
		memcpy(to->affinity, from->affinity, kept * sizeof(uint32_t));
	}
	for (uint32_t i = kept; i < count; i++) {
		to->addr[i] = (struct entity_addr){ 0 };
		to->state[i] = to->weight[i] = 0;
		to->affinity[i] = AFFINITY_DEFAULT;
	}
	return true;
}

void osds_free(const struct map_mem *mem, struct osds *o)
{
	if (o->block)
		mem->free(o->block, o->block_len);
	*o = (struct osds){ 0 };
}

uint32_t osdmap_max_osd(const struct osdmap *m)
{
	return m->osds.count;
}

static bool in_bounds(const struct osdmap *m, int32_t osd)
{
	return osd >= 0 && (uint32_t)osd < m->osds.count;
}

uint32_t osdmap_osd_state(const struct osdmap *m, int32_t osd)
{
	return in_bounds(m, osd) ? m->osds.state[osd] : 0;
}

bool osdmap_osd_exists(const struct osdmap *m, int32_t osd)
{
	return osdmap_osd_state(m, osd) & OSD_EXISTS;
}

bool osdmap_osd_up(const struct osdmap *m, int32_t osd)
{
	return (osdmap_osd_state(m, osd) & (OSD_EXISTS | OSD_UP)) == (OSD_EXISTS | OSD_UP);
}

uint32_t osdmap_osd_weight(const struct osdmap *m, int32_t osd)
{
	return in_bounds(m, osd) ? m->osds.weight[osd] : 0;
}

uint32_t osdmap_osd_affinity(const struct osdmap *m, int32_t osd)
{
	return in_bounds(m, osd) ? m->osds.affinity[osd] : AFFINITY_DEFAULT;
}

const struct entity_addr *osdmap_osd_addr(const struct osdmap *m, int32_t osd)
{
	return in_bounds(m, osd) && m->osds.addr[osd].type ? &m->osds.addr[osd] : NULL;
}

/* --- the map --- */

uint32_t osdmap_epoch(const struct osdmap *m)
{
	return m->epoch;
}

const uint8_t *osdmap_fsid(const struct osdmap *m)
{
	return m->fsid;
}

uint32_t osdmap_flags(const struct osdmap *m)
{
	return m->flags;
}

uint8_t osdmap_require_osd_release(const struct osdmap *m)
{
	return m->require_osd_release;
}

const struct crush *osdmap_crush(const struct osdmap *m)
{
	return m->crush;
}

/* As the daemons do, so that a map brought forward equals the full one. */
void osdmap_derive(struct osdmap *m)
{
	if (m->require_osd_release >= RELEASE_LUMINOUS)
		m->flags = (m->flags & ~(uint32_t)FLAG_REQUIRE_OLD) | FLAG_RECOVERY_DELETES;
	if (m->require_osd_release >= RELEASE_NAUTILUS)
		m->flags |= FLAG_PGLOG_HARDLIMIT;
	m->has_affinity = false;
	for (uint32_t i = 0; i < m->osds.count && !m->has_affinity; i++)
		m->has_affinity = m->osds.affinity[i] != AFFINITY_DEFAULT;
}

bool osdmap_snap_removed(const struct osdmap *m, int64_t pool, uint64_t snap)
{
	struct removed_snaps key = { .pool = pool, .first = snap };
	uint32_t at = table_lower(&osdmap_snaps, &m->removed_snaps, &key);
	const struct removed_snaps *s;

	if (at == m->removed_snaps.count ||
	    osdmap_snaps.cmp(table_at(&osdmap_snaps, &m->removed_snaps, at), &key)) {
		if (!at--)
			return false;
	}
	s = table_at(&osdmap_snaps, &m->removed_snaps, at);
	return s->pool == pool && snap >= s->first && snap - s->first < s->count;
}

/* --- thrown out --- */

static bool is_listed(const struct osdmap *m, struct entity_addr key)
{
	const struct entity_addr *found;
	uint32_t at;

	key.type = 0; /* the first of any type */
	at = table_lower(&osdmap_blocks, &m->blocklist, &key);
	if (at == m->blocklist.count)
		return false;
	found = table_at(&osdmap_blocks, &m->blocklist, at);
	return !memcmp(found->ip, key.ip, sizeof(key.ip)) && found->family == key.family &&
	       found->port == key.port && found->nonce == key.nonce;
}

static bool is_in_range(const struct entity_addr *range, const struct entity_addr *a)
{
	uint32_t most = a->family == 2 ? 32 : 128, bits = range->nonce < most ? range->nonce : most;
	uint8_t mask = (uint8_t)(0xff00 >> bits % 8);

	if (range->family != a->family || memcmp(range->ip, a->ip, bits / 8))
		return false;
	return !(bits % 8) || !((range->ip[bits / 8] ^ a->ip[bits / 8]) & mask);
}

bool osdmap_blocklisted(const struct osdmap *m, const struct entity_addr *a)
{
	struct entity_addr key = { .family = a->family, .port = a->port, .nonce = a->nonce };

	memcpy(key.ip, a->ip, a->family == 2 ? 4 : sizeof(key.ip));
	if (is_listed(m, key))
		return true;
	key.port = 0;
	key.nonce = 0;
	if (is_listed(m, key))
		return true;
	for (uint32_t i = 0; i < m->ranges.count; i++)
		if (is_in_range(table_at(&osdmap_blocks, &m->ranges, i), a))
			return true;
	return false;
}

/* --- the end --- */

void osdmap_clear(struct osdmap *m)
{
	struct osdmap_pool *p;

	for (uint32_t i = 0; i < m->pools.count; i++) {
		p = table_at(&osdmap_pools, &m->pools, i);
		osdmap_name_free(&m->mem, &p->name);
	}
	table_free(&m->mem, &osdmap_pools, &m->pools);
	for (unsigned i = 0; i < PG_TABLES; i++)
		table_free(&m->mem, &osdmap_pgs, &m->pg[i]);
	lists_free(&m->mem, &m->lists);
	table_free(&m->mem, &osdmap_blocks, &m->blocklist);
	table_free(&m->mem, &osdmap_blocks, &m->ranges);
	table_free(&m->mem, &osdmap_snaps, &m->removed_snaps);
	osds_free(&m->mem, &m->osds);
	crush_free(m->crush);
	m->crush = NULL;
}

void osdmap_free(struct osdmap *m)
{
	struct map_mem mem;

	if (!m)
		return;
	mem = m->mem;
	osdmap_clear(m);
	mem.free(m, sizeof(*m));
}
