/* osdmap_decode.c: a full OSD map from its wire form.
 *
 *   wrapper { client's part { pools, OSDs' states and addresses, pg tables, crush } OSDs' part { blocklist,
 *   release, and much that only OSDs need } checksum }
 *
 * Both parts have grown at their ends: a newer tail is left alone. ceph src/osd/OSDMap.cc (decode).
 */
#include "osdmap_impl.h"

enum { CLIENT_OLDEST = 9, OSD_OLDEST = 9, UTIME_LEN = 8, UUID_LEN = 16, OSD_INFO_LEN = 1 + 6 * 4 };

static void check_count(struct dec *d, const struct osdmap *m, uint32_t n)
{
	if (!d->err && n != m->osds.count)
		dec_fail(d, "an array that does not fit max_osd");
}

static void dec_array(struct dec *d, const struct osdmap *m, uint32_t *to)
{
	uint32_t n = dec_count(d, 4);
	const uint8_t *p;

	check_count(d, m, n);
	p = dec_take(d, n * (size_t)4);
	if (p && n)
		memcpy(to, p, n * (size_t)4);
}

static void dec_osds(struct dec *d, struct osdmap *m)
{
	uint32_t max_osd = dec_u32(d), n;

	if (max_osd > OSD_ID_MAX || max_osd > dec_left(d))
		dec_fail(d, "max_osd out of bounds");
	if (!d->err && !osds_make(&m->mem, &m->osds, max_osd, NULL))
		dec_nomem(d);
	if (d->err)
		return;
	dec_array(d, m, m->osds.state);
	dec_array(d, m, m->osds.weight);
	n = dec_count(d, 1);
	check_count(d, m, n);
	for (uint32_t i = 0; i < n && !d->err; i++)
		dec_osd_addr(d, &m->osds.addr[i]);
}

/* Absent: all have the default. */
static void dec_affinity(struct dec *d, struct osdmap *m)
{
	struct dec ahead = *d;

	if (dec_u32(&ahead) == 0)
		dec_u32(d);
	else
		dec_array(d, m, m->osds.affinity);
}

static void dec_crush(struct dec *d, struct osdmap *m)
{
	struct dec in = dec_blob(d);

	if (!d->err)
		crush_decode(&in, &m->mem, &m->crush);
	dec_close(d, &in);
}

static void dec_pool_names(struct dec *d, struct osdmap *m)
{
	uint32_t n = dec_count(d, 8 + 4);
	struct osdmap_pool key = { 0 }, *p;
	struct slice name;

	while (n-- && !d->err) {
		key.id = dec_s64(d);
		name = dec_slice(d);
		p = table_find(&osdmap_pools, &m->pools, &key);
		if (d->err || !p)
			continue;
		osdmap_name_free(&m->mem, &p->name);
		p->name = osdmap_name_dup(&m->mem, name);
		if (!p->name.p) {
			p->name = (struct slice){ (const uint8_t *)"", 0 };
			dec_nomem(d);
		}
	}
}

static void dec_client(struct dec *d, struct osdmap *m, uint8_t v)
{
	if (!d->err && v < CLIENT_OLDEST)
		dec_fail(d, "an osdmap of before Nautilus");
	dec_fsid(d, m->fsid);
	m->epoch = dec_u32(d);
	dec_skip(d, 2 * UTIME_LEN); /* created, modified */
	dec_pools(d, &m->mem, &m->pools);
	dec_pool_names(d, m);
	dec_u32(d); /* pool_max */
	m->flags = dec_u32(d);
	dec_osds(d, m);
	dec_pg_lists(d, &m->mem, &m->pg[PG_TEMP], &m->lists, false);
	dec_pg_osds(d, &m->mem, &m->pg[PG_PRIMARY_TEMP]);
	dec_affinity(d, m);
	dec_crush(d, m);
	skip_profiles(d);
	dec_pg_lists(d, &m->mem, &m->pg[PG_UPMAP], &m->lists, false);
	dec_pg_lists(d, &m->mem, &m->pg[PG_UPMAP_ITEMS], &m->lists, true);
	dec_u32(d); /* crush_version */
	dec_removed_snaps(d, &m->mem, &m->removed_snaps);
	skip_snaps(d);              /* new_purged_snaps */
	dec_skip(d, 2 * UTIME_LEN); /* last_up_change, last_in_change */
	if (v >= 10)
		dec_pg_osds(d, &m->mem, &m->pg[PG_UPMAP_PRIMARY]);
}

static void skip_vectors(struct dec *d)
{
	skip_addrvec_map(d, 0);
}

static void skip_xinfo(struct dec *d)
{
	uint32_t n = dec_count(d, 6);

	while (n-- && !d->err)
		skip_section(d);
}

static void dec_osd_part(struct dec *d, struct osdmap *m, uint8_t v)
{
	if (!d->err && v < OSD_OLDEST)
		dec_fail(d, "an osdmap of before Nautilus");
	skip_vectors(d); /* hb_back_addrs */
	skip_items(d, OSD_INFO_LEN);
	dec_blocks(d, &m->mem, &m->blocklist, UTIME_LEN);
	skip_vectors(d); /* cluster_addrs */
	dec_u32(d);      /* cluster_snapshot_epoch */
	dec_slice(d);    /* cluster_snapshot */
	skip_items(d, UUID_LEN);
	skip_xinfo(d);
	skip_vectors(d);        /* hb_front_addrs */
	dec_skip(d, 4 + 4 + 4); /* ratios: nearfull, full, backfillfull */
	dec_u8(d);              /* require_min_compat_client */
	m->require_osd_release = dec_u8(d);
	skip_snaps(d);    /* removed_snaps_queue */
	skip_items(d, 8); /* crush_node_flags */
	skip_items(d, 8); /* device_class_flags */
	if (v >= 10)
		dec_skip(d, 1 + 4 * 4); /* stretch mode */
	if (v >= 11)
		dec_blocks(d, &m->mem, &m->ranges, UTIME_LEN);
}

static void dec_map(struct dec *d, struct osdmap *m)
{
	struct osdmap_parts p;

	osdmap_unwrap(d, false, &p);
	if (d->err)
		return;
	dec_client(&p.client, m, p.client_version);
	dec_close(d, &p.client);
	if (!d->err)
		dec_osd_part(&p.osd, m, p.osd_version);
	dec_close(d, &p.osd);
}

int osdmap_decode(struct dec *d, const struct map_mem *mem, struct osdmap **out)
{
	struct osdmap *m = mem->alloc(sizeof(*m));

	*out = NULL;
	if (!m) {
		dec_nomem(d);
		return d->err;
	}
	*m = (struct osdmap){ .mem = *mem };
	dec_map(d, m);
	if (d->err) {
		osdmap_free(m);
		return d->err;
	}
	m->lists.live = m->lists.count;
	osdmap_derive(m);
	*out = m;
	return 0;
}
