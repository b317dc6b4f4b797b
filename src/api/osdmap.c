/* osdmap.c: the public calls of cephring_osdmap.h: OSD maps without a mount. */
#include <cephring_osdmap.h>

#include "../proto/osdmap.h"
#include "../ring/mem.h"

#include <errno.h>

_Static_assert((int)CEPHRING_OSDS_MAX == (int)PG_OSDS_MAX, "sets are copied whole");
_Static_assert(CEPHRING_OSD_NONE == CRUSH_NONE, "holes are copied as they are");

struct cephring_osdmap {
	struct osdmap *map; /* owned */
};

static const struct map_mem memory = { mem_alloc, mem_free };

static int told(int err, const struct dec *d, const char **why)
{
	if (err && why)
		*why = d->what ? d->what : "not for the epoch after this map's, or of another cluster";
	return err;
}

int cephring_osdmap_decode(const void *map, size_t len, cephring_osdmap **out, const char **why)
{
	struct dec d = dec_init(map, len);
	cephring_osdmap *m = mem_alloc(sizeof *m);
	int err;

	*out = NULL;
	if (!m)
		return -ENOMEM;
	err = osdmap_decode(&d, &memory, &m->map);
	if (err) {
		mem_free(m, sizeof *m);
		return told(err, &d, why);
	}
	*out = m;
	return 0;
}

int cephring_osdmap_apply(cephring_osdmap *m, const void *incremental, size_t len, const char **why)
{
	struct dec d = dec_init(incremental, len);

	return told(osdmap_apply(m->map, &d), &d, why);
}

void cephring_osdmap_free(cephring_osdmap *m)
{
	if (!m)
		return;
	osdmap_free(m->map);
	mem_free(m, sizeof *m);
}

uint32_t cephring_osdmap_epoch(const cephring_osdmap *m)
{
	return osdmap_epoch(m->map);
}

void cephring_osdmap_fsid(const cephring_osdmap *m, uint8_t fsid[16])
{
	memcpy(fsid, osdmap_fsid(m->map), 16);
}

static int copy_pool(const struct osdmap_pool *p, struct cephring_osdmap_pool *pool)
{
	if (pool->size < sizeof *pool)
		return -EINVAL;
	if (!p)
		return -ENOENT;
	*pool = (struct cephring_osdmap_pool){
		.size = pool->size,
		.id = p->id,
		.name = (const char *)p->name.p,
		.name_len = p->name.len,
		.type = p->type,
		.replicas = p->size,
		.pg_num = p->pg_num,
		.pgp_num = p->pgp_num,
		.object_hash = p->object_hash,
		.crush_rule = p->crush_rule,
		.flags = p->flags,
	};
	return 0;
}

int cephring_osdmap_pool_at(const cephring_osdmap *m, uint32_t index, struct cephring_osdmap_pool *pool)
{
	return copy_pool(osdmap_pool_at(m->map, index), pool);
}

int cephring_osdmap_pool_find(const cephring_osdmap *m, const char *name, size_t name_len,
			      struct cephring_osdmap_pool *pool)
{
	return copy_pool(osdmap_pool_by_name(m->map, name, name_len), pool);
}

static void copy_set(struct cephring_osd_set *to, const struct pg_set *from)
{
	to->count = from->count;
	to->primary = from->primary;
	memcpy(to->osd, from->osd, from->count * sizeof *to->osd);
}

int cephring_osdmap_pg(const cephring_osdmap *m, int64_t pool, uint32_t seed, struct cephring_osdmap_pg *pg)
{
	struct pg_mapping map;
	int err;

	if (pg->size < sizeof *pg)
		return -EINVAL;
	err = osdmap_pg_map(m->map, (struct pg_id){ pool, seed }, &map);
	if (err)
		return err;
	copy_set(&pg->raw, &map.raw);
	copy_set(&pg->up, &map.up);
	copy_set(&pg->acting, &map.acting);
	pg->shard = map.shard;
	return 0;
}

int cephring_osdmap_object(const cephring_osdmap *m, int64_t pool, const char *nspace, size_t nspace_len,
			   const char *name, size_t name_len, uint32_t *hash, uint32_t *seed)
{
	const struct osdmap_pool *p = osdmap_pool(m->map, pool);
	struct slice object = { (const uint8_t *)name, (uint32_t)name_len };
	struct slice in = { (const uint8_t *)nspace, (uint32_t)nspace_len };

	if (!p)
		return -ENOENT;
	if (name_len > UINT32_MAX || nspace_len > UINT32_MAX)
		return -ENAMETOOLONG;
	*hash = osdmap_object_hash(p, object, in, (struct slice){ 0 });
	*seed = osdmap_object_pg(p, *hash).seed;
	return 0;
}
