/* test_osdmap.c: OSD maps brought from epoch to epoch: three clusters' real incrementals, incrementals made
 * here for what those do not have, and what must not change a map: other epochs, broken bytes, no memory.
 */
#include "osdmaps.h"

#include <errno.h>
#include <isa-l/crc.h>

#include "proto/enc.h"

/* --- all that can be asked, as text --- */

static void put_pool_all(FILE *f, const struct osdmap_pool *p)
{
	put_pool(f, p);
	fprintf(f, " name %.*s min %u cache %u pending %u change %u resend %u snap %llu tiers %lld %lld %lld",
		(int)p->name.len, (const char *)p->name.p, p->min_size, p->cache_mode, p->pg_num_pending,
		p->last_change, p->last_force_op_resend, (unsigned long long)p->snap_seq,
		(long long)p->tier_of, (long long)p->read_tier, (long long)p->write_tier);
	fprintf(f, " quota %llu %llu width %u shards %llx\n", (unsigned long long)p->quota_max_bytes,
		(unsigned long long)p->quota_max_objects, p->stripe_width,
		(unsigned long long)p->nonprimary_shards);
}

static void put_osd(FILE *f, const struct osdmap *m, int32_t osd)
{
	const struct entity_addr *a = osdmap_osd_addr(m, osd);
	char text[ADDR_TEXT_MAX];

	fprintf(f, "osd %d state %x weight %x affinity %x %s\n", osd, osdmap_osd_state(m, osd),
		osdmap_osd_weight(m, osd), osdmap_osd_affinity(m, osd), a ? addr_text(a, text) : "-");
}

static char *text_of_map(const struct osdmap *m)
{
	const struct osdmap_pool *p;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fprintf(f, "epoch %u flags %x release %u osds %u\n", osdmap_epoch(m), osdmap_flags(m),
		osdmap_require_osd_release(m), osdmap_max_osd(m));
	for (uint32_t i = 0; i < osdmap_max_osd(m); i++)
		put_osd(f, m, (int32_t)i);
	for (uint32_t i = 0; i < osdmap_pool_count(m); i++) {
		p = osdmap_pool_at(m, i);
		put_pool_all(f, p);
		for (uint32_t s = 0; s < p->pg_num && s < 64; s++) {
			put_pg(f, m, (struct pg_id){ p->id, s });
			fputc('\n', f);
		}
	}
	fclose(f);
	return text;
}

static void assert_same(const struct osdmap *a, const struct osdmap *b)
{
	char *x = text_of_map(a), *y = text_of_map(b);

	cr_assert(!strcmp(x, y), "epoch %u and %u:\n%s\n%s", osdmap_epoch(a), osdmap_epoch(b), x, y);
	free(x);
	free(y);
}

/* --- real incrementals --- */

struct chain {
	uint8_t *all;
	const uint8_t *p, *end;
};

static struct chain chain_open(const char *name)
{
	struct chain c;
	char path[512];
	size_t gz_len, len;
	uint8_t *gz;

	snprintf(path, sizeof(path), "osdmaps/%s.incs.gz", name);
	gz = test_file(path, &gz_len);
	c.p = c.all = test_gunzip(gz, gz_len, &len);
	c.end = c.p + len;
	free(gz);
	return c;
}

/* The next map of the chain: {epoch, length, bytes}; its length is 0 at the end. */
static struct slice chain_next(struct chain *c)
{
	struct slice s = { 0 };

	if (c->p == c->end)
		return s;
	memcpy(&s.len, c->p + 4, 4);
	s.p = c->p + 8;
	c->p = s.p + s.len;
	return s;
}

static int apply(struct osdmap *m, const void *p, size_t len)
{
	struct dec d = dec_init(p, len);
	int err = osdmap_apply(m, &d);

	cr_assert(err == 0 || err == -ESTALE || d.what);
	return err;
}

/* Compares where there is a full map of this epoch; returns whether there was. */
static bool check_epoch(const struct osdmap *m, const char *name)
{
	char file[128], path[512];
	struct osdmap *full;

	snprintf(file, sizeof(file), "%s.e%u", name, osdmap_epoch(m));
	snprintf(path, sizeof(path), TEST_DATA "/osdmaps/%s.osdmap", file);
	if (access(path, F_OK))
		return false;
	full = map_load(file);
	assert_same(m, full);
	cr_assert_gt(map_check(m, file), 8);
	osdmap_free(full);
	return true;
}

static void check_chain(const char *name, uint32_t last, unsigned checks)
{
	struct chain c = chain_open(name);
	struct slice s = chain_next(&c);
	struct osdmap *m = map_of(s.p, s.len);
	unsigned checked = 0;

	for (s = chain_next(&c); s.len; s = chain_next(&c)) {
		cr_assert_eq(apply(m, s.p, s.len), 0, "%s, behind epoch %u", name, osdmap_epoch(m));
		checked += check_epoch(m, name);
	}
	cr_assert_eq(osdmap_epoch(m), last);
	cr_assert_eq(checked, checks);
	osdmap_free(m);
	free(c.all);
	cr_assert_eq(test_mem.live, 0);
}

Test(osdmap, incrementals_of_pacific)
{
	check_chain("chain_live", 109, 6);
}

Test(osdmap, incrementals_of_reef)
{
	check_chain("chain_reef", 160, 4);
}

Test(osdmap, incrementals_of_tentacle)
{
	check_chain("chain_tentacle", 208, 5);
}

/* --- incrementals made here --- */

/* Fields of the client's part that are counts when empty, in their order; MAX_OSD is a number. */
enum {
	FULL,
	CRUSH,
	MAX_OSD,
	POOLS,
	NAMES,
	OLD_POOLS,
	UP,
	STATE,
	WEIGHT,
	TEMP,
	PRIMARY_TEMP,
	AFFINITY,
	PROFILES,
	OLD_PROFILES,
	UPMAP,
	OLD_UPMAP,
	ITEMS,
	OLD_ITEMS,
	SNAPS,
	PURGED,
	FIELDS
};

struct inc {
	struct enc field[FIELDS];
	struct enc primaries, blocks; /* blocks: new, then old */
	uint32_t epoch;
	int32_t flags;
	struct enc wire;
	size_t client_at, client_len, osd_at, osd_len; /* in wire */
};

static void inc_init(struct inc *i, const struct osdmap *m)
{
	*i = (struct inc){ .epoch = osdmap_epoch(m) + 1, .flags = -1 };
}

static void put_field(struct enc *to, const struct enc *field, size_t empty)
{
	if (field->len)
		enc_bytes(to, field->buf, field->len);
	else
		enc_zero(to, empty);
}

static void put_client_part(struct enc *e, const struct inc *i, const uint8_t *fsid)
{
	enc_bytes(e, fsid, 16);
	enc_u32(e, i->epoch);
	enc_zero(e, 8);
	enc_u64(e, UINT64_MAX);
	enc_u32(e, (uint32_t)i->flags);
	for (unsigned f = 0; f < FIELDS; f++) {
		if (f == MAX_OSD && !i->field[f].len)
			enc_u32(e, UINT32_MAX);
		else
			put_field(e, &i->field[f], 4);
	}
	enc_zero(e, 16);
	put_field(e, &i->primaries, 8);
}

static void put_osd_part(struct enc *e, const struct inc *i)
{
	enc_zero(e, 4 * 4);
	put_field(e, &i->blocks, 8);
	enc_zero(e, 4 * 5 + 8 + 3 * 4);
	enc_u8(e, 0xff);
	enc_u8(e, 0xff);
	enc_zero(e, 8);
}

static uint32_t crc_of(const uint8_t *p, size_t len, size_t crc_at)
{
	uint32_t crc = crc32_iscsi((unsigned char *)(uintptr_t)p, (int)crc_at, UINT32_MAX);

	return crc32_iscsi((unsigned char *)(uintptr_t)p + crc_at + 4, (int)(len - crc_at - 4), crc);
}

/* The wrapper around both parts. */
static void wrap(struct enc *e, const void *client, size_t client_len, uint8_t client_version,
		 const void *osd, size_t osd_len, bool incremental)
{
	size_t mark, part, crc_at;
	uint32_t crc;

	enc_init(e);
	mark = enc_section(e, 8, 7);
	part = enc_section(e, client_version, 1);
	enc_bytes(e, client, client_len);
	enc_close(e, part);
	part = enc_section(e, 9, 1);
	enc_bytes(e, osd, osd_len);
	enc_close(e, part);
	crc_at = e->len;
	enc_zero(e, incremental ? 8 : 4);
	enc_close(e, mark);
	crc = crc_of(e->buf, e->len, crc_at);
	memcpy(e->buf + crc_at, &crc, 4);
}

static void inc_wrap(struct inc *i, const struct osdmap *m)
{
	struct enc client, osd;

	enc_init(&client);
	enc_init(&osd);
	put_client_part(&client, i, osdmap_fsid(m));
	put_osd_part(&osd, i);
	wrap(&i->wire, client.buf, client.len, 9, osd.buf, osd.len, true);
	i->client_at = 12;
	i->client_len = client.len;
	i->osd_at = 12 + client.len + 6;
	i->osd_len = osd.len;
	enc_free(&client);
	enc_free(&osd);
}

static void inc_free(struct inc *i)
{
	for (unsigned f = 0; f < FIELDS; f++)
		enc_free(&i->field[f]);
	enc_free(&i->primaries);
	enc_free(&i->blocks);
	enc_free(&i->wire);
}

static void inc_apply(struct inc *i, struct osdmap *m)
{
	inc_wrap(i, m);
	cr_assert_eq(apply(m, i->wire.buf, i->wire.len), 0);
	inc_free(i);
}

static void put_pgid(struct enc *e, int64_t pool, uint32_t seed)
{
	enc_u8(e, 1);
	enc_u64(e, (uint64_t)pool);
	enc_u32(e, seed);
	enc_u32(e, UINT32_MAX);
}

static void put_pair(struct enc *e, uint32_t a, uint32_t b)
{
	enc_u32(e, a);
	enc_u32(e, b);
}

Test(osdmap, states_are_turned_over)
{
	struct osdmap *m = map_load("alg_straw2");
	struct inc i;

	cr_assert(osdmap_osd_up(m, 1) && osdmap_osd_up(m, 2) && osdmap_osd_up(m, 3));
	inc_init(&i, m);
	enc_u32(&i.field[STATE], 3);
	put_pair(&i.field[STATE], 1, 0);          /* stands for UP */
	put_pair(&i.field[STATE], 2, OSD_EXISTS); /* is no more */
	put_pair(&i.field[STATE], 3, OSD_NEARFULL);
	enc_u32(&i.field[AFFINITY], 1);
	put_pair(&i.field[AFFINITY], 3, 0x8000);
	inc_apply(&i, m);
	cr_assert(osdmap_osd_exists(m, 1));
	cr_assert_not(osdmap_osd_up(m, 1));
	cr_assert_not(osdmap_osd_exists(m, 2));
	cr_assert_null(osdmap_osd_addr(m, 2));
	cr_assert_eq(osdmap_osd_affinity(m, 2), 0x10000);
	cr_assert_eq(osdmap_osd_state(m, 3), OSD_EXISTS | OSD_UP | OSD_NEARFULL);
	cr_assert_eq(osdmap_osd_affinity(m, 3), 0x8000);

	inc_init(&i, m);
	enc_u32(&i.field[WEIGHT], 2);
	put_pair(&i.field[WEIGHT], 1, 0);
	put_pair(&i.field[WEIGHT], 2, 0x4000); /* exists again */
	inc_apply(&i, m);
	cr_assert_eq(osdmap_osd_weight(m, 1), 0);
	cr_assert_eq(osdmap_osd_weight(m, 2), 0x4000);
	cr_assert(osdmap_osd_exists(m, 2));
	cr_assert_not(osdmap_osd_up(m, 2));
	osdmap_free(m);
}

Test(osdmap, an_osd_comes_up_at_another_address)
{
	struct entity_addr a = {
		.type = ADDR_MSGR2, .nonce = 99, .family = 2, .port = 6801, .ip = { 10, 0, 0, 1 }
	};
	struct osdmap *m = map_load("alg_straw2");
	uint32_t max = osdmap_max_osd(m);
	struct inc i;

	inc_init(&i, m);
	enc_u32(&i.field[MAX_OSD], max + 2);
	enc_u32(&i.field[UP], 2);
	enc_u32(&i.field[UP], max + 1);
	enc_addrvec(&i.field[UP], &a, 1);
	enc_u32(&i.field[UP], max + 7); /* there is none */
	enc_addrvec(&i.field[UP], &a, 1);
	inc_apply(&i, m);
	cr_assert_eq(osdmap_max_osd(m), max + 2);
	cr_assert(osdmap_osd_up(m, (int32_t)max + 1));
	cr_assert(addr_equal(osdmap_osd_addr(m, (int32_t)max + 1), &a));
	cr_assert_not(osdmap_osd_exists(m, (int32_t)max));
	cr_assert_null(osdmap_osd_addr(m, (int32_t)max));
	cr_assert_null(osdmap_osd_addr(m, -1));
	cr_assert_not(osdmap_osd_up(m, (int32_t)max + 7));

	inc_init(&i, m);
	enc_u32(&i.field[MAX_OSD], 1);
	inc_apply(&i, m);
	cr_assert_eq(osdmap_max_osd(m), 1);
	cr_assert(osdmap_osd_up(m, 0));
	cr_assert_not(osdmap_osd_exists(m, 1));
	osdmap_free(m);
	cr_assert_eq(test_mem.live, 0);
}

Test(osdmap, pools_get_names_and_go)
{
	struct osdmap *m = map_load("alg_straw2");
	struct inc i;

	cr_assert_not_null(osdmap_pool(m, 1));
	cr_assert_not_null(osdmap_pool(m, 2));
	inc_init(&i, m);
	enc_u32(&i.field[NAMES], 2);
	enc_u64(&i.field[NAMES], 1);
	enc_str(&i.field[NAMES], "a new name");
	enc_u64(&i.field[NAMES], 77);
	enc_str(&i.field[NAMES], "of no pool");
	enc_u32(&i.field[OLD_POOLS], 2);
	enc_u64(&i.field[OLD_POOLS], 2);
	enc_u64(&i.field[OLD_POOLS], 78);
	i.flags = OSDMAP_PAUSERD;
	inc_apply(&i, m);
	cr_assert_eq(osdmap_pool_by_name(m, "a new name", 10), osdmap_pool(m, 1));
	cr_assert_null(osdmap_pool_by_name(m, "a new name", 9));
	cr_assert_null(osdmap_pool(m, 2));
	cr_assert_null(osdmap_pool_by_name(m, "of no pool", 10));
	cr_assert(osdmap_flags(m) & OSDMAP_PAUSERD);
	osdmap_free(m);
	cr_assert_eq(test_mem.live, 0);
}

Test(osdmap, pg_temp_comes_and_goes)
{
	struct osdmap *m = map_load("alg_straw2");
	struct pg_mapping before, map;
	struct pg_id pg = { 1, 5 };
	struct inc i;

	cr_assert_eq(osdmap_pg_map(m, pg, &before), 0);
	inc_init(&i, m);
	enc_u32(&i.field[TEMP], 1);
	put_pgid(&i.field[TEMP], 1, 5);
	enc_u32(&i.field[TEMP], 2);
	put_pair(&i.field[TEMP], 7, 8);
	enc_u32(&i.field[PRIMARY_TEMP], 1);
	put_pgid(&i.field[PRIMARY_TEMP], 1, 6);
	enc_u32(&i.field[PRIMARY_TEMP], 9);
	inc_apply(&i, m);
	cr_assert_eq(osdmap_pg_map(m, pg, &map), 0);
	cr_assert_eq(map.acting.count, 2);
	cr_assert(map.acting.osd[0] == 7 && map.acting.osd[1] == 8 && map.acting.primary == 7);
	cr_assert_eq(osdmap_pg_map(m, (struct pg_id){ 1, 6 }, &map), 0);
	cr_assert_eq(map.acting.primary, 9);

	inc_init(&i, m);
	enc_u32(&i.field[TEMP], 1);
	put_pgid(&i.field[TEMP], 1, 5);
	enc_u32(&i.field[TEMP], 0);
	enc_u32(&i.field[PRIMARY_TEMP], 1);
	put_pgid(&i.field[PRIMARY_TEMP], 1, 6);
	enc_u32(&i.field[PRIMARY_TEMP], UINT32_MAX);
	inc_apply(&i, m);
	cr_assert_eq(osdmap_pg_map(m, pg, &map), 0);
	cr_assert_eq(map.acting.count, before.acting.count);
	cr_assert_eq(map.acting.primary, before.acting.primary);
	osdmap_free(m);
}

/* Each epoch gives the same few groups other lists: what is no longer used must not pile up. */
Test(osdmap, lists_do_not_pile_up)
{
	struct osdmap *m = map_load("alg_straw2");
	struct pg_mapping map;
	size_t before = 0;
	struct inc i;

	for (uint32_t round = 0; round < 2000; round++) {
		inc_init(&i, m);
		enc_u32(&i.field[TEMP], 8);
		for (uint32_t s = 0; s < 8; s++) {
			put_pgid(&i.field[TEMP], 1, s);
			enc_u32(&i.field[TEMP], 3);
			put_pair(&i.field[TEMP], (round + s) % 40, (round + s + 1) % 40);
			enc_u32(&i.field[TEMP], (round + s + 2) % 40);
		}
		inc_apply(&i, m);
		if (round == 1000)
			before = test_mem.bytes;
	}
	for (uint32_t s = 0; s < 8; s++) {
		cr_assert_eq(osdmap_pg_map(m, (struct pg_id){ 1, s }, &map), 0);
		cr_assert_eq(map.acting.primary, (int32_t)((1999 + s) % 40));
	}
	cr_assert_lt(test_mem.bytes, before + 32768);
	osdmap_free(m);
	cr_assert_eq(test_mem.live, 0);
}

Test(osdmap, upmaps_old_after_new)
{
	struct osdmap *m = map_load("alg_straw2");
	struct pg_mapping before, map;
	struct inc i;

	cr_assert_eq(osdmap_pg_map(m, (struct pg_id){ 1, 0 }, &before), 0);
	inc_init(&i, m);
	enc_u32(&i.field[UPMAP], 2);
	for (uint32_t s = 0; s < 2; s++) {
		put_pgid(&i.field[UPMAP], 1, s);
		enc_u32(&i.field[UPMAP], 2);
		put_pair(&i.field[UPMAP], 3, 4);
	}
	enc_u32(&i.field[OLD_UPMAP], 1);
	put_pgid(&i.field[OLD_UPMAP], 1, 0);
	enc_u32(&i.field[ITEMS], 1);
	put_pgid(&i.field[ITEMS], 1, 1);
	enc_u32(&i.field[ITEMS], 1);
	put_pair(&i.field[ITEMS], 4, 6);
	enc_u32(&i.primaries, 1);
	put_pgid(&i.primaries, 1, 1);
	enc_u32(&i.primaries, 6);
	enc_u32(&i.primaries, 0);
	inc_apply(&i, m);
	cr_assert_eq(osdmap_pg_map(m, (struct pg_id){ 1, 0 }, &map), 0);
	cr_assert_eq(map.up.osd[0], before.up.osd[0]);
	cr_assert_eq(osdmap_pg_map(m, (struct pg_id){ 1, 1 }, &map), 0);
	cr_assert(map.up.count == 2 && map.up.osd[0] == 6 && map.up.osd[1] == 3);
	osdmap_free(m);
}

Test(osdmap, snapshots_removed_in_this_epoch)
{
	struct osdmap *m = map_load("alg_straw2");
	struct inc i;

	inc_init(&i, m);
	enc_u32(&i.field[SNAPS], 2);
	enc_u64(&i.field[SNAPS], 1);
	enc_u32(&i.field[SNAPS], 2);
	enc_u64(&i.field[SNAPS], 5);
	enc_u64(&i.field[SNAPS], 2);
	enc_u64(&i.field[SNAPS], 9);
	enc_u64(&i.field[SNAPS], 1);
	enc_u64(&i.field[SNAPS], 2);
	enc_u32(&i.field[SNAPS], 0);
	inc_apply(&i, m);
	for (uint64_t snap = 0; snap < 12; snap++)
		cr_assert_eq(osdmap_snap_removed(m, 1, snap), snap == 5 || snap == 6 || snap == 9, "%d",
			     (int)snap);
	cr_assert_not(osdmap_snap_removed(m, 2, 5));
	cr_assert_not(osdmap_snap_removed(m, 0, 5));
	inc_init(&i, m);
	inc_apply(&i, m);
	cr_assert_not(osdmap_snap_removed(m, 1, 5), "an epoch later");
	osdmap_free(m);
}

/* --- thrown out --- */

static struct entity_addr client(uint8_t last, uint16_t port, uint32_t nonce)
{
	return (struct entity_addr){
		.type = ADDR_MSGR2, .family = 2, .ip = { 10, 9, 8, last }, .port = port, .nonce = nonce
	};
}

static bool is_out(const struct osdmap *m, uint8_t last, uint16_t port, uint32_t nonce)
{
	struct entity_addr a = client(last, port, nonce);

	return osdmap_blocklisted(m, &a);
}

Test(osdmap, blocklist)
{
	struct entity_addr one = client(1, 0, 77), host = client(2, 0, 0), legacy = client(3, 5, 6);
	struct osdmap *m = map_load("alg_straw2");
	struct inc i;

	one.type = host.type = ADDR_ANY;
	legacy.type = ADDR_LEGACY;
	inc_init(&i, m);
	enc_u32(&i.blocks, 3);
	enc_addr(&i.blocks, &legacy); /* in another order than ours */
	enc_zero(&i.blocks, 8);
	enc_addr(&i.blocks, &host);
	enc_zero(&i.blocks, 8);
	enc_addr(&i.blocks, &one);
	enc_zero(&i.blocks, 8);
	enc_u32(&i.blocks, 0);
	inc_apply(&i, m);
	cr_assert(is_out(m, 1, 0, 77));
	cr_assert_not(is_out(m, 1, 0, 78));
	cr_assert_not(is_out(m, 1, 1, 77));
	cr_assert(is_out(m, 2, 1234, 5));
	cr_assert(is_out(m, 3, 5, 6));
	cr_assert_not(is_out(m, 4, 0, 0));

	inc_init(&i, m);
	enc_u32(&i.blocks, 0);
	enc_u32(&i.blocks, 1);
	enc_addr(&i.blocks, &host);
	inc_apply(&i, m);
	cr_assert_not(is_out(m, 2, 1234, 5));
	cr_assert(is_out(m, 1, 0, 77));
	osdmap_free(m);
}

/* The last epoch of the chain has ranges: fd00::/33; and 10.2.3.4:0/123. */
Test(osdmap, blocklist_by_range)
{
	struct osdmap *m = map_load("chain_tentacle.e208");
	struct entity_addr a = { .type = ADDR_MSGR2, .family = 10, .port = 1, .nonce = 2, .ip = { 0xfd } };
	struct entity_addr v4 = { .type = ADDR_MSGR2, .family = 2, .nonce = 123, .ip = { 10, 2, 3, 4 } };

	cr_assert(osdmap_blocklisted(m, &a));
	a.ip[15] = 1;
	cr_assert(osdmap_blocklisted(m, &a));
	a.ip[4] = 0x7f;
	cr_assert(osdmap_blocklisted(m, &a));
	a.ip[4] = 0x80;
	cr_assert_not(osdmap_blocklisted(m, &a));
	cr_assert(osdmap_blocklisted(m, &v4));
	v4.nonce = 124;
	cr_assert_not(osdmap_blocklisted(m, &v4));
	osdmap_free(m);
}

/* --- whole maps in incrementals --- */

Test(osdmap, a_full_map_takes_the_place)
{
	struct osdmap *m = map_load("chain_live.e25"), *other = map_load("chain_live.e45");
	struct inc i;
	size_t len;
	uint8_t *p = test_file("osdmaps/chain_live.e45.osdmap", &len);

	inc_init(&i, m);
	enc_blob(&i.field[FULL], p, len);
	inc_wrap(&i, m);
	cr_assert_eq(apply(m, i.wire.buf, i.wire.len), -EBADMSG, "of epoch 45 in an incremental to 26");
	cr_assert_eq(osdmap_epoch(m), 25);
	inc_free(&i);

	for (uint32_t e = 25; e < 44; e++) {
		inc_init(&i, m);
		inc_apply(&i, m);
	}
	inc_init(&i, m);
	enc_blob(&i.field[FULL], p, len);
	inc_apply(&i, m);
	assert_same(m, other);
	osdmap_free(m);
	osdmap_free(other);
	free(p);
	cr_assert_eq(test_mem.live, 0);
}

/* --- what changes nothing --- */

Test(osdmap, other_epochs_and_clusters)
{
	struct osdmap *m = map_load("alg_straw2"), *same = map_load("alg_straw2");
	struct inc i;

	for (int32_t step = -1; step < 4; step++) {
		inc_init(&i, m);
		i.epoch = osdmap_epoch(m) + (uint32_t)step;
		i.flags = OSDMAP_PAUSEWR;
		inc_wrap(&i, m);
		if (step != 1)
			cr_assert_eq(apply(m, i.wire.buf, i.wire.len), -ESTALE);
		inc_free(&i);
	}
	inc_init(&i, m);
	inc_wrap(&i, m);
	i.wire.buf[i.client_at] ^= 1;
	cr_assert_eq(apply(m, i.wire.buf, i.wire.len), -EBADMSG, "the checksum");
	inc_free(&i);
	assert_same(m, same);
	osdmap_free(m);
	osdmap_free(same);
}

/* An incremental with something of each kind. */
static void inc_rich(struct inc *i, const struct osdmap *m)
{
	struct entity_addr a = client(1, 2, 3);
	size_t len;
	uint8_t *crush = test_file("osdmaps/msr_19.crush", &len);

	inc_init(i, m);
	enc_blob(&i->field[CRUSH], crush, len);
	free(crush);
	enc_u32(&i->field[MAX_OSD], osdmap_max_osd(m) + 1);
	enc_u32(&i->field[NAMES], 2);
	enc_u64(&i->field[NAMES], 1);
	enc_str(&i->field[NAMES], "one");
	enc_u64(&i->field[NAMES], 2);
	enc_str(&i->field[NAMES], "two");
	enc_u32(&i->field[OLD_POOLS], 1);
	enc_u64(&i->field[OLD_POOLS], 3);
	enc_u32(&i->field[UP], 1);
	enc_u32(&i->field[UP], 2);
	enc_addrvec(&i->field[UP], &a, 1);
	enc_u32(&i->field[STATE], 1);
	put_pair(&i->field[STATE], 4, 2);
	enc_u32(&i->field[WEIGHT], 1);
	put_pair(&i->field[WEIGHT], 5, 0);
	enc_u32(&i->field[TEMP], 1);
	put_pgid(&i->field[TEMP], 1, 1);
	enc_u32(&i->field[TEMP], 2);
	put_pair(&i->field[TEMP], 1, 2);
	enc_u32(&i->field[PROFILES], 1);
	enc_str(&i->field[PROFILES], "p");
	enc_u32(&i->field[PROFILES], 1);
	enc_str(&i->field[PROFILES], "k");
	enc_str(&i->field[PROFILES], "2");
	enc_u32(&i->field[ITEMS], 1);
	put_pgid(&i->field[ITEMS], 1, 3);
	enc_u32(&i->field[ITEMS], 1);
	put_pair(&i->field[ITEMS], 1, 2);
	enc_u32(&i->field[SNAPS], 1);
	enc_u64(&i->field[SNAPS], 1);
	enc_u32(&i->field[SNAPS], 1);
	enc_u64(&i->field[SNAPS], 5);
	enc_u64(&i->field[SNAPS], 1);
	enc_u32(&i->blocks, 1);
	enc_addr(&i->blocks, &a);
	enc_zero(&i->blocks, 8);
	enc_u32(&i->blocks, 0);
}

static void expect_refused(struct osdmap *m, const struct enc *e)
{
	cr_assert_eq(apply(m, guarded(e->buf, e->len), e->len), -EBADMSG);
}

/* Each part is cut, under a wrapper and a checksum that fit. */
Test(osdmap, incremental_cut_at_every_byte)
{
	struct osdmap *m = map_load("alg_straw2"), *same = map_load("alg_straw2");
	const uint8_t *client_part, *osd_part;
	struct enc cut;
	struct inc i;

	inc_rich(&i, m);
	inc_wrap(&i, m);
	client_part = i.wire.buf + i.client_at;
	osd_part = i.wire.buf + i.osd_at;
	for (size_t n = 0; n < i.client_len; n++) {
		wrap(&cut, client_part, n, 9, osd_part, i.osd_len, true);
		expect_refused(m, &cut);
		enc_free(&cut);
	}
	for (size_t n = 0; n < i.osd_len; n++) {
		wrap(&cut, client_part, i.client_len, 9, osd_part, n, true);
		expect_refused(m, &cut);
		enc_free(&cut);
	}
	for (size_t n = 0; n < i.wire.len; n++)
		cr_assert_eq(apply(m, guarded(i.wire.buf, n), n), -EBADMSG);
	assert_same(m, same);
	cr_assert_eq(apply(m, i.wire.buf, i.wire.len), 0);
	inc_free(&i);
	osdmap_free(m);
	osdmap_free(same);
	cr_assert_eq(test_mem.live, 0);
}

Test(osdmap, incremental_without_memory)
{
	struct osdmap *m = map_load("alg_straw2"), *same = map_load("alg_straw2");
	unsigned failed = 0;
	struct inc i;
	int err;

	inc_rich(&i, m);
	inc_wrap(&i, m);
	do {
		test_mem.made = 0;
		test_mem.fail_at = ++failed;
		err = apply(m, i.wire.buf, i.wire.len);
		test_mem.fail_at = 0;
		cr_assert(!err || err == -ENOMEM);
		if (err)
			assert_same(m, same);
	} while (err);
	cr_assert_gt(failed, 12);
	inc_free(&i);
	osdmap_free(m);
	osdmap_free(same);
	cr_assert_eq(test_mem.live, 0);
}

/* --- full maps --- */

Test(osdmap, full_cut_at_every_byte)
{
	static const char *const names[] = { "osdmaps/affinity_all0.osdmap",
					     "osdmaps/chain_tentacle.e208.osdmap" };
	struct enc cut;
	struct osdmap *m;
	uint32_t client_len;
	uint8_t *p;
	struct dec d;
	size_t len;

	for (unsigned i = 0; i < 2; i++) {
		p = test_file(names[i], &len);
		memcpy(&client_len, p + 8, 4);
		for (size_t n = 0; n < len; n += n < len - 64 ? 7 : 1) {
			d = dec_init(guarded(p, n), n);
			cr_assert_eq(osdmap_decode(&d, &test_map_mem, &m), -EBADMSG);
		}
		for (size_t n = 0; n < client_len; n++) {
			wrap(&cut, p + 12, n, p[6], p + 12 + client_len + 6, len - 12 - client_len - 6 - 4,
			     false);
			d = dec_init(guarded(cut.buf, cut.len), cut.len);
			cr_assert_eq(osdmap_decode(&d, &test_map_mem, &m), -EBADMSG, "client part of %zu", n);
			cr_assert_not_null(d.what);
			enc_free(&cut);
		}
		free(p);
	}
	cr_assert_eq(test_mem.live, 0);
}

Test(osdmap, full_without_memory)
{
	struct osdmap *m;
	unsigned failed = 0;
	struct dec d;
	size_t len;
	uint8_t *p = test_file("osdmaps/chain_tentacle.e208.osdmap", &len);
	int err;

	do {
		test_mem.made = 0;
		test_mem.fail_at = ++failed;
		d = dec_init(p, len);
		err = osdmap_decode(&d, &test_map_mem, &m);
		cr_assert(!err || err == -ENOMEM);
		cr_assert(!err || !test_mem.live);
	} while (err);
	cr_assert_gt(failed, 15);
	osdmap_free(m);
	osdmap_free(NULL);
	free(p);
}

/* A number inside the client's part, put in the place of what was there. */
static void expect_bad_number(const char *name, size_t at, uint32_t was, uint32_t is, const char *what)
{
	uint32_t found, crc;
	struct osdmap *m;
	uint8_t *p;
	struct dec d;
	size_t len;

	p = test_file(name, &len);
	memcpy(&found, p + at, 4);
	cr_assert_eq(found, was, "at %zu: %u", at, found);
	memcpy(p + at, &is, 4);
	crc = crc_of(p, len, len - 4);
	memcpy(p + len - 4, &crc, 4);
	d = dec_init(p, len);
	cr_assert_eq(osdmap_decode(&d, &test_map_mem, &m), -EBADMSG);
	cr_assert(strstr(d.what, what), "%s, not %s", d.what, what);
	free(p);
}

Test(osdmap, numbers_out_of_bounds)
{
	enum {
		POOLS_AT = 12 + 16 + 4 + 16,
		PG_NUM_AT = POOLS_AT + 4 + 8 + 6 + 4,
		PGP_NUM_AT = PG_NUM_AT + 4
	};
	const char *name = "osdmaps/affinity_all0.osdmap";
	struct osdmap *m = map_load("affinity_all0");
	uint32_t pg_num = osdmap_pool_at(m, 0)->pg_num, pgp_num = osdmap_pool_at(m, 0)->pgp_num;
	uint32_t pools = osdmap_pool_count(m);

	osdmap_free(m);
	expect_bad_number(name, PG_NUM_AT, pg_num, 0, "out of bounds");
	expect_bad_number(name, PG_NUM_AT, pg_num, PG_NUM_MAX + 1, "out of bounds");
	expect_bad_number(name, PGP_NUM_AT, pgp_num, 0, "out of bounds");
	expect_bad_number(name, POOLS_AT, pools, pools + 1, "");
	expect_bad_number(name, POOLS_AT, pools, UINT32_MAX, "larger than the message");
}

/* --- messages --- */

static void put_maps(struct enc *e, const uint32_t *epochs, uint32_t n)
{
	enc_u32(e, n);
	for (uint32_t i = 0; i < n; i++) {
		enc_u32(e, epochs[i]);
		enc_blob(e, &epochs[i], 4);
	}
}

static struct osdmap_batch batch(struct enc *e, const uint32_t *incs, uint32_t inc_count,
				 const uint32_t *fulls, uint32_t full_count, uint32_t oldest, uint32_t newest)
{
	struct osdmap_batch b;
	struct dec d;

	enc_init(e);
	enc_zero(e, 16);
	put_maps(e, incs, inc_count);
	put_maps(e, fulls, full_count);
	enc_u32(e, oldest);
	enc_u32(e, newest);
	enc_u32(e, 0);
	d = dec_init(e->buf, e->len);
	cr_assert_eq(osdmap_batch_decode(&d, 4, &b), 0);
	return b;
}

/* The epoch of the map that comes next, as the step says. */
static uint32_t next(const struct osdmap_batch *b, uint32_t have, enum osdmap_step want)
{
	struct slice s = { 0 };
	uint32_t epoch = 0;

	cr_assert_eq(osdmap_batch_next(b, have, &s), want, "with epoch %u", have);
	if (s.len)
		memcpy(&epoch, s.p, 4);
	return epoch;
}

Test(osdmap, which_map_of_a_message_is_next)
{
	static const uint32_t incs[] = { 11, 12, 14 }, fulls[] = { 10, 14 }, last[] = { 13 };
	struct osdmap_batch b;
	struct enc e;

	b = batch(&e, incs, 3, fulls, 2, 10, 14);
	cr_assert_eq(b.first, 10);
	cr_assert_eq(b.last, 14);
	cr_assert_eq(b.newest, 14);
	cr_assert_eq(next(&b, 0, OSDMAP_STEP_FULL), 14, "the newest one to begin with");
	cr_assert_eq(next(&b, 14, OSDMAP_STEP_DONE), 0);
	cr_assert_eq(next(&b, 20, OSDMAP_STEP_DONE), 0);
	cr_assert_eq(next(&b, 9, OSDMAP_STEP_FULL), 10);
	cr_assert_eq(next(&b, 10, OSDMAP_STEP_INC), 11);
	cr_assert_eq(next(&b, 11, OSDMAP_STEP_INC), 12);
	cr_assert_eq(next(&b, 12, OSDMAP_STEP_ASK), 0, "13 is not in here, and the sender has it");
	cr_assert_eq(next(&b, 13, OSDMAP_STEP_INC), 14);
	cr_assert_eq(next(&b, 5, OSDMAP_STEP_GAP), 10, "the sender begins with 10");
	enc_free(&e);

	b = batch(&e, incs, 3, NULL, 0, 1, 14);
	cr_assert_eq(next(&b, 0, OSDMAP_STEP_ASK), 0, "nothing to begin with");
	cr_assert_eq(next(&b, 5, OSDMAP_STEP_ASK), 0);
	enc_free(&e);

	b = batch(&e, last, 1, NULL, 0, 13, 13);
	cr_assert_eq(next(&b, 5, OSDMAP_STEP_ASK), 0, "a gap, and no full map behind it");
	enc_free(&e);

	b = batch(&e, NULL, 0, NULL, 0, 1, 14);
	cr_assert_eq(b.last, 0);
	cr_assert_eq(next(&b, 0, OSDMAP_STEP_ASK), 0);
	cr_assert_eq(next(&b, 3, OSDMAP_STEP_DONE), 0);
	enc_free(&e);
}

Test(osdmap, message_cut_at_every_byte)
{
	static const uint32_t incs[] = { 11, 12 }, fulls[] = { 10 };
	struct osdmap_batch b;
	struct enc e;
	struct dec d;

	batch(&e, incs, 2, fulls, 1, 10, 12);
	for (size_t n = 0; n < e.len - 4; n++) {
		d = dec_init(guarded(e.buf, n), n);
		cr_assert_eq(osdmap_batch_decode(&d, 4, &b), -EBADMSG);
	}
	enc_free(&e);
	enc_init(&e);
	enc_zero(&e, 16);
	enc_u32(&e, OSDMAP_BATCH_MAX + 1);
	enc_zero(&e, (OSDMAP_BATCH_MAX + 1) * 8 + 12);
	d = dec_init(e.buf, e.len);
	cr_assert_eq(osdmap_batch_decode(&d, 4, &b), -EBADMSG);
	enc_free(&e);
}
