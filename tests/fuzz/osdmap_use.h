/* osdmap_use.h: what the fuzz targets of OSD maps share: the wrapper with its checksum, which no mutation
 * would get right, and asking a map for all it has.
 *
 * An input is {u8 version of the client's part, u32 its length, its bytes, the OSDs' part}.
 */
#pragma once
#include "proto_use.h"

#include <errno.h>
#include <isa-l/crc.h>

#include "proto/enc.h"
#include "proto/osdmap.h"

enum { MAPPINGS_MAX = 24, WORK_MAX = 1 << 16, INPUT_HEAD = 5 };

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

/* Does CRUSH come to an end soon for this group? What it may take at most is too much for a fuzzer. */
static inline int is_cheap(const struct osdmap *m, const struct osdmap_pool *p, uint32_t seed)
{
	const struct crush *c = osdmap_crush(m);
	uint32_t weight[256], folded = pg_fold(seed, p->pgp_num), id = (uint32_t)p->id;
	struct crush_input in = {
		.result_max = p->size, .weight = weight, .choose_args = p->id, .work_max = WORK_MAX
	};
	int32_t out[CRUSH_RESULT_MAX];
	int rule;

	rule = osdmap_require_osd_release(m) >= 17
		   ? crush_rule(c, (uint32_t)p->crush_rule)
		   : crush_rule_masked(c, (uint8_t)p->crush_rule, p->type, p->size);
	in.weight_count = osdmap_max_osd(m) < 256 ? osdmap_max_osd(m) : 256;
	for (uint32_t i = 0; i < in.weight_count; i++)
		weight[i] = osdmap_osd_weight(m, (int32_t)i);
	in.x = p->flags & POOL_HASHPSPOOL ? crush_hash2(folded, id) : folded + id;
	return osdmap_max_osd(m) <= 256 && (rule < 0 || crush_map(c, rule, &in, out) != -ELOOP);
}

static inline void map_some(const struct osdmap *m, const struct osdmap_pool *p, unsigned *left)
{
	struct pg_mapping map;
	uint32_t seed;
	int err;

	for (uint32_t n = 0; n < 3 && *left; n++, --*left) {
		seed = p->pg_num / (n + 1) - 1;
		if (!is_cheap(m, p, seed))
			return;
		err = osdmap_pg_map(m, (struct pg_id){ p->id, seed }, &map);
		must(err <= 0 && err != -ELOOP);
		if (err)
			return;
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
		if (left && p->pg_num >= 3)
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
