/* osdmap_change.c: reading an incremental OSD map. The map itself is only compared with, never touched. What
 * is indexed by OSD is checked here, and read again when it is applied.
 */
#include "osdmap_change.h"

#include <errno.h>

enum { CLIENT_OLDEST = 8, OSD_OLDEST = 9, UTIME_LEN = 8 };

/* map<i32, u32> */
static struct dec read_numbers(struct dec *d)
{
	struct dec at = *d;

	skip_items(d, 4 + 4);
	return at;
}

/* map<i32, addrvec> */
static struct dec read_addrs(struct dec *d)
{
	struct dec at = *d;
	uint32_t n = dec_count(d, 4 + 1);
	struct entity_addr addr;

	while (n-- && !d->err) {
		dec_s32(d);
		dec_osd_addr(d, &addr);
	}
	return at;
}

static void read_pools(struct dec *d, struct osdmap_change *c)
{
	struct osdmap_pool *p;
	uint32_t n;

	dec_pools(d, &c->mem, &c->pools);
	n = dec_count(d, 8 + 4);
	table_room(d, &c->mem, &osdmap_pools, &c->names, n);
	while (n-- && !d->err) {
		p = table_add(&osdmap_pools, &c->names);
		*p = (struct osdmap_pool){ .id = dec_s64(d) };
		p->name = osdmap_name_dup(&c->mem, dec_slice(d));
		if (!p->name.p) {
			p->name.len = 0;
			dec_nomem(d);
		}
	}
	n = dec_count(d, 8);
	table_room(d, &c->mem, &osdmap_pools, &c->old_pools, n);
	while (n-- && !d->err) {
		p = table_add(&osdmap_pools, &c->old_pools);
		*p = (struct osdmap_pool){ .id = dec_s64(d) };
	}
	if (!d->err && !table_sort(&osdmap_pools, &c->old_pools))
		dec_fail(d, "a pool that is there twice");
}

/* Entries that mean "none" go to the other table. */
static void split_gone(struct dec *d, struct osdmap_change *c, struct pg_change *p, bool lists)
{
	struct pg_entry *e;
	uint32_t kept = 0;

	table_room(d, &c->mem, &osdmap_pgs, &p->gone, p->put.count);
	for (uint32_t i = 0; i < p->put.count && !d->err; i++) {
		e = table_at(&osdmap_pgs, &p->put, i);
		if (lists ? !e->len : e->osd == -1)
			*(struct pg_entry *)table_add(&osdmap_pgs, &p->gone) = *e;
		else
			*(struct pg_entry *)table_at(&osdmap_pgs, &p->put, kept++) = *e;
	}
	p->put.count = kept;
}

static void read_temps(struct dec *d, struct osdmap_change *c)
{
	dec_pg_lists(d, &c->mem, &c->pg[PG_TEMP].put, &c->lists, false);
	split_gone(d, c, &c->pg[PG_TEMP], true);
	dec_pg_osds(d, &c->mem, &c->pg[PG_PRIMARY_TEMP].put);
	split_gone(d, c, &c->pg[PG_PRIMARY_TEMP], false);
}

static void read_upmaps(struct dec *d, struct osdmap_change *c)
{
	dec_pg_lists(d, &c->mem, &c->pg[PG_UPMAP].put, &c->lists, false);
	dec_pg_keys(d, &c->mem, &c->pg[PG_UPMAP].gone);
	dec_pg_lists(d, &c->mem, &c->pg[PG_UPMAP_ITEMS].put, &c->lists, true);
	dec_pg_keys(d, &c->mem, &c->pg[PG_UPMAP_ITEMS].gone);
}

static void read_full(struct dec *d, struct osdmap_change *c)
{
	if (osdmap_decode(d, &c->mem, &c->full))
		return;
	if (c->full->epoch != c->epoch || memcmp(c->full->fsid, c->fsid, sizeof(c->fsid)))
		dec_fail(d, "a full map of another epoch than its incremental");
}

static void read_client(struct dec *d, struct osdmap_change *c, uint8_t v)
{
	struct dec full, crush;

	dec_s64(d); /* new_pool_max */
	c->flags = dec_s32(d);
	full = dec_blob(d);
	if (dec_left(&full)) {
		read_full(&full, c);
		dec_close(d, &full);
		return;
	}
	crush = dec_blob(d);
	if (dec_left(&crush))
		crush_decode(&crush, &c->mem, &c->crush);
	dec_close(d, &crush);
	c->max_osd = dec_s32(d);
	if (c->max_osd > OSD_ID_MAX)
		dec_fail(d, "max_osd out of bounds");
	read_pools(d, c);
	c->up = read_addrs(d);
	c->state = read_numbers(d);
	c->weight = read_numbers(d);
	read_temps(d, c);
	c->affinity = read_numbers(d);
	skip_profiles(d);
	skip_strings(d); /* old profiles */
	read_upmaps(d, c);
	dec_removed_snaps(d, &c->mem, &c->removed_snaps);
	skip_snaps(d);              /* new_purged_snaps */
	dec_skip(d, 2 * UTIME_LEN); /* last_up_change, last_in_change */
	if (v >= 9) {
		dec_pg_osds(d, &c->mem, &c->pg[PG_UPMAP_PRIMARY].put);
		dec_pg_keys(d, &c->mem, &c->pg[PG_UPMAP_PRIMARY].gone);
	}
}

static void skip_xinfo(struct dec *d)
{
	uint32_t n = dec_count(d, 4 + 6);

	while (n-- && !d->err) {
		dec_s32(d);
		skip_section(d);
	}
}

static void read_osd_part(struct dec *d, struct osdmap_change *c, uint8_t v)
{
	skip_addrvec_map(d, 4); /* new_hb_back_up */
	skip_items(d, 4 + 4);   /* new_up_thru */
	skip_items(d, 4 + 8);   /* new_last_clean_interval */
	skip_items(d, 4 + 4);   /* new_lost */
	dec_blocks(d, &c->mem, &c->block, UTIME_LEN);
	dec_blocks(d, &c->mem, &c->unblock, 0);
	skip_addrvec_map(d, 4); /* new_up_cluster */
	dec_slice(d);           /* cluster_snapshot */
	skip_items(d, 4 + 16);  /* new_uuid */
	skip_xinfo(d);
	skip_addrvec_map(d, 4); /* new_hb_front_up */
	dec_u64(d);             /* encode_features */
	dec_skip(d, 4 + 4 + 4); /* ratios */
	dec_u8(d);              /* new_require_min_compat_client */
	c->require_osd_release = (int8_t)dec_u8(d);
	skip_items(d, 4 + 4); /* new_crush_node_flags */
	skip_items(d, 4 + 4); /* new_device_class_flags */
	if (v >= 10)
		dec_skip(d, 1 + 4 * 4 + 1); /* stretch mode */
	if (v >= 11) {
		dec_blocks(d, &c->mem, &c->range, UTIME_LEN);
		dec_blocks(d, &c->mem, &c->unrange, 0);
	}
}

int osdmap_change_read(struct dec *d, const struct osdmap *m, struct osdmap_change *c)
{
	struct osdmap_parts p;

	osdmap_unwrap(d, true, &p);
	if (!d->err && (p.client_version < CLIENT_OLDEST || p.osd_version < OSD_OLDEST))
		dec_fail(d, "an incremental osdmap of before Nautilus");
	if (d->err)
		return d->err;
	dec_fsid(&p.client, c->fsid);
	c->epoch = dec_u32(&p.client);
	dec_skip(&p.client, UTIME_LEN); /* modified */
	if (!p.client.err && (c->epoch != m->epoch + 1 || memcmp(c->fsid, m->fsid, sizeof(c->fsid))))
		return -ESTALE;
	read_client(&p.client, c, p.client_version);
	dec_close(d, &p.client);
	if (d->err || c->full)
		return d->err;
	read_osd_part(&p.osd, c, p.osd_version);
	dec_close(d, &p.osd);
	return d->err;
}

void osdmap_change_fini(struct osdmap_change *c)
{
	const struct map_mem *mem = &c->mem;
	struct osdmap_pool *p;

	for (uint32_t i = 0; i < c->names.count; i++) {
		p = table_at(&osdmap_pools, &c->names, i);
		osdmap_name_free(mem, &p->name);
	}
	table_free(mem, &osdmap_pools, &c->names);
	table_free(mem, &osdmap_pools, &c->pools);
	table_free(mem, &osdmap_pools, &c->old_pools);
	for (unsigned i = 0; i < PG_TABLES; i++) {
		table_free(mem, &osdmap_pgs, &c->pg[i].put);
		table_free(mem, &osdmap_pgs, &c->pg[i].gone);
	}
	lists_free(mem, &c->lists);
	lists_free(mem, &c->compact);
	table_free(mem, &osdmap_blocks, &c->block);
	table_free(mem, &osdmap_blocks, &c->unblock);
	table_free(mem, &osdmap_blocks, &c->range);
	table_free(mem, &osdmap_blocks, &c->unrange);
	table_free(mem, &osdmap_snaps, &c->removed_snaps);
	osds_free(mem, &c->osds);
	crush_free(c->crush);
	osdmap_free(c->full);
}
