/* osdmap_use.h: what the fuzz targets of OSD maps share: the wrapper with its checksum, which no mutation
 * would get right, and asking a map for all it has.
 *
 * An input is {u8 version of the client's part, u32 its length, its bytes, the OSDs' part}.
 */
#pragma once
#include "proto_use.h"

#include <isa-l/crc.h>

#include "proto/enc.h"
#include "proto/osdmap.h"

enum { MAPPINGS_MAX = 3, WIDTH_MAX = 12, INPUT_HEAD = 5 };

static void map_free(void *p, size_t size)
{
	(void)size;
	free(p);
}

static const struct map_mem fuzz_mem = { malloc, map_free };

static inline uint32_t crc_of(const uint8_t *p, size_t len, uint32_t seed)
{
	return crc32_iscsi((unsigned char *)(uintptr_t)p, (int)len, seed);
}

/* Returns the place of the client's part in e->buf, or 0 when the input is too short. */
static inline size_t wrap(struct enc *e, const uint8_t *data, size_t size, bool incremental)
{
	size_t mark, part, crc_at, client_at;
	uint32_t client_len, crc;

	enc_init(e);
	if (size < INPUT_HEAD)
		return 0;
	memcpy(&client_len, data + 1, 4);
	if (client_len > size - INPUT_HEAD)
		client_len = (uint32_t)(size - INPUT_HEAD);
	mark = enc_section(e, 8, 7);
	part = enc_section(e, data[0], 1);
	client_at = e->len;
	enc_bytes(e, data + INPUT_HEAD, client_len);
	enc_close(e, part);
	part = enc_section(e, 11, 1);
	enc_bytes(e, data + INPUT_HEAD + client_len, size - INPUT_HEAD - client_len);
	enc_close(e, part);
	crc_at = e->len;
	enc_zero(e, incremental ? 8 : 4);
	enc_close(e, mark);
	crc = crc_of(e->buf, crc_at, UINT32_MAX);
	if (incremental)
		crc = crc_of(e->buf + crc_at + 4, 4, crc);
	memcpy(e->buf + crc_at, &crc, 4);
	return client_at;
}

static inline void check_set(const struct pg_set *s)
{
	must(s->count <= PG_OSDS_MAX);
	must(s->primary >= -1 || s->count);
}

/* A few of the groups: a broken map makes each cost its bound. */
static inline void map_some(const struct osdmap *m, const struct osdmap_pool *p, unsigned *left)
{
	struct pg_mapping map;
	int err;

	for (uint32_t n = 0; n < 3 && *left; n++, --*left) {
		err = osdmap_pg_map(m, (struct pg_id){ p->id, p->pg_num / (n + 1) - 1 }, &map);
		must(err <= 0);
		if (err) {
			*left = 0;
			return;
		}
		check_set(&map.raw);
		check_set(&map.up);
		check_set(&map.acting);
		must(map.shard < (int)PG_OSDS_MAX);
	}
}

static inline void map_use(const struct osdmap *m)
{
	const struct osdmap_pool *p;
	const struct entity_addr *a;
	unsigned left = MAPPINGS_MAX;
	char text[ADDR_TEXT_MAX];

	for (uint32_t i = 0; i < osdmap_pool_count(m); i++) {
		p = osdmap_pool_at(m, i);
		must(osdmap_pool(m, p->id) == p);
		use(p->name);
		must(!p->name.len || osdmap_pool_by_name(m, (const char *)p->name.p, p->name.len));
		if (left && p->pg_num >= 3 && p->size <= WIDTH_MAX)
			map_some(m, p, &left);
		osdmap_snap_removed(m, p->id, p->snap_seq);
	}
	for (int32_t osd = -1; osd <= (int32_t)osdmap_max_osd(m); osd++) {
		a = osdmap_osd_addr(m, osd);
		if (a) {
			addr_text(a, text);
			osdmap_blocklisted(m, a);
		}
		must(!osdmap_osd_up(m, osd) || osdmap_osd_exists(m, osd));
		use(crush_name(osdmap_crush(m), osd));
	}
}
