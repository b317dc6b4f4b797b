/* osdmap_parts.c: what full and incremental maps have in common: the wrapper with its checksum, and tables.
 */
#include "osdmap_impl.h"

#include <isa-l/crc.h>

enum {
	WRAPPER_KNOWN = 8,
	WRAPPER_OLDEST = 7,
	PART_KNOWN = 1,
	ADDR_MIN = 8,
	LEGACY_ADDR_LEN = 3 + 4 + 128,
	LISTS_FIRST = 64
};
enum { MARKER_LEGACY = 0, MARKER_ADDR = 1, MARKER_VECTOR = 2 };
#define CRC_SEED 0xffffffffu

/* --- tables --- */

static int cmp_pg(const void *a, const void *b)
{
	const struct pg_entry *x = a, *y = b;

	if (x->pool != y->pool)
		return x->pool < y->pool ? -1 : 1;
	return (x->seed > y->seed) - (x->seed < y->seed);
}

/* The type last: who asks about a client does not know under which type it was listed. */
static int cmp_block(const void *a, const void *b)
{
	const struct entity_addr *x = a, *y = b;
	int cmp = memcmp(x->ip, y->ip, sizeof(x->ip));

	if (cmp)
		return cmp;
	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	if (x->nonce != y->nonce)
		return x->nonce < y->nonce ? -1 : 1;
	return (x->type > y->type) - (x->type < y->type);
}

static int cmp_snaps(const void *a, const void *b)
{
	const struct removed_snaps *x = a, *y = b;

	if (x->pool != y->pool)
		return x->pool < y->pool ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

const struct table_kind osdmap_pgs = { sizeof(struct pg_entry), cmp_pg };
const struct table_kind osdmap_blocks = { sizeof(struct entity_addr), cmp_block };
const struct table_kind osdmap_snaps = { sizeof(struct removed_snaps), cmp_snaps };

static void sort_unique(struct dec *d, const struct table_kind *k, struct table *t)
{
	if (!d->err && !table_sort(k, t))
		dec_fail(d, "an entry that is there twice");
}

/* --- the wrapper --- */

static uint32_t crc32c(uint32_t seed, const uint8_t *p, const uint8_t *end)
{
	return crc32_iscsi((unsigned char *)(uintptr_t)p, (int)(end - p), seed);
}

void osdmap_unwrap(struct dec *d, bool incremental, struct osdmap_parts *p)
{
	const uint8_t *start = d->p, *crc_at;
	uint32_t crc;
	struct dec in;
	uint8_t v;

	if (dec_left(d) > OSDMAP_BYTES_MAX)
		dec_fail(d, "an osdmap too large");
	in = dec_section(d, WRAPPER_KNOWN, &v);
	if (!in.err && v < WRAPPER_OLDEST)
		dec_fail(&in, "an osdmap of before Emperor");
	p->client = dec_section(&in, PART_KNOWN, &p->client_version);
	p->osd = dec_section(&in, PART_KNOWN, &p->osd_version);
	crc_at = in.p;
	crc = dec_u32(&in);
	if (incremental)
		dec_u32(&in);
	if (!in.err && crc32c(crc32c(CRC_SEED, start, crc_at), crc_at + 4, in.end) != crc)
		dec_fail(&in, "an osdmap whose checksum does not fit");
	dec_close(d, &in);
}

/* --- small things --- */

void dec_fsid(struct dec *d, uint8_t fsid[16])
{
	const uint8_t *p = dec_take(d, 16);

	if (p)
		memcpy(fsid, p, 16);
	else
		memset(fsid, 0, 16);
}

void skip_section(struct dec *d)
{
	struct dec in = dec_section(d, UINT8_MAX, NULL);

	dec_close(d, &in);
}

void skip_items(struct dec *d, size_t size)
{
	uint32_t n = dec_count(d, size);

	dec_skip(d, n * size);
}

static void skip_addr(struct dec *d, uint8_t marker)
{
	if (marker == MARKER_ADDR)
		skip_section(d);
	else if (marker == MARKER_LEGACY)
		dec_skip(d, LEGACY_ADDR_LEN);
	else
		dec_fail(d, "an address of unknown form");
}

void skip_addrvec(struct dec *d)
{
	uint8_t marker = dec_u8(d);
	uint32_t n;

	if (d->err)
		return;
	if (marker != MARKER_VECTOR) {
		skip_addr(d, marker);
		return;
	}
	n = dec_count(d, ADDR_MIN);
	while (n-- && !d->err)
		skip_addr(d, dec_u8(d));
}

void skip_addrvec_map(struct dec *d, size_t key)
{
	uint32_t n = dec_count(d, key + 1);

	while (n-- && !d->err) {
		dec_skip(d, key);
		skip_addrvec(d);
	}
}

void dec_osd_addr(struct dec *d, struct entity_addr *a)
{
	const struct entity_addr *found;
	struct entity_addrvec v;

	dec_addrvec(d, &v);
	found = addrvec_msgr2(&v);
	if (found)
		*a = *found;
	else
		*a = (struct entity_addr){ 0 };
}

void skip_profiles(struct dec *d)
{
	uint32_t n = dec_count(d, 8), entries;

	while (n-- && !d->err) {
		dec_slice(d);
		entries = dec_count(d, 8);
		while (entries-- && !d->err) {
			dec_slice(d);
			dec_slice(d);
		}
	}
}

void skip_strings(struct dec *d)
{
	uint32_t n = dec_count(d, 4);

	while (n-- && !d->err)
		dec_slice(d);
}

void skip_snaps(struct dec *d)
{
	uint32_t n = dec_count(d, 8 + 4);

	while (n-- && !d->err) {
		dec_s64(d);
		skip_items(d, 16);
	}
}

/* --- by placement group --- */

void dec_pg(struct dec *d, struct pg_entry *e)
{
	const uint8_t *p = dec_take(d, PG_LEN);

	*e = (struct pg_entry){ 0 };
	if (!p)
		return;
	if (p[0] != 1)
		dec_fail(d, "a placement group of unknown form");
	e->pool = le64_get(p + 1);
	e->seed = le32_get(p + 9);
}

bool lists_reserve(const struct map_mem *mem, struct lists *l, size_t extra)
{
	size_t need = l->count + extra, cap = l->cap + (size_t)l->cap / 2;
	int32_t *v;

	if (need <= l->cap)
		return true;
	if (cap < need)
		cap = need;
	if (cap < LISTS_FIRST)
		cap = LISTS_FIRST;
	if (cap > UINT32_MAX)
		return false;
	v = mem->alloc(cap * sizeof(*v));
	if (!v)
		return false;
	if (l->v) {
		memcpy(v, l->v, l->count * sizeof(*v));
		mem->free(l->v, l->cap * sizeof(*v));
	}
	l->v = v;
	l->cap = (uint32_t)cap;
	return true;
}

void lists_free(const struct map_mem *mem, struct lists *l)
{
	if (l->v)
		mem->free(l->v, l->cap * sizeof(*l->v));
	*l = (struct lists){ 0 };
}

static void dec_list(struct dec *d, const struct map_mem *mem, struct pg_entry *e, struct lists *l,
		     bool pairs)
{
	uint32_t n = dec_count(d, pairs ? 8 : 4), len = pairs ? n * 2 : n;
	const uint8_t *p;

	if (len > PG_LIST_MAX)
		dec_fail(d, "a placement group with too many OSDs");
	p = dec_take(d, len * (size_t)4);
	if (p && !lists_reserve(mem, l, len))
		dec_nomem(d);
	if (d->err)
		return;
	if (len)
		memcpy(l->v + l->count, p, len * sizeof(*l->v));
	e->at = l->count;
	e->len = len;
	l->count += len;
}

void dec_pg_lists(struct dec *d, const struct map_mem *mem, struct table *t, struct lists *l, bool pairs)
{
	uint32_t n = dec_count(d, PG_LEN + 4);
	struct pg_entry *e;

	table_room(d, mem, &osdmap_pgs, t, n);
	while (n-- && !d->err) {
		e = table_add(&osdmap_pgs, t);
		dec_pg(d, e);
		dec_list(d, mem, e, l, pairs);
	}
	sort_unique(d, &osdmap_pgs, t);
}

void dec_pg_osds(struct dec *d, const struct map_mem *mem, struct table *t)
{
	uint32_t n = dec_count(d, PG_LEN + 4);
	struct pg_entry *e;

	table_room(d, mem, &osdmap_pgs, t, n);
	while (n-- && !d->err) {
		e = table_add(&osdmap_pgs, t);
		dec_pg(d, e);
		e->osd = dec_s32(d);
	}
	sort_unique(d, &osdmap_pgs, t);
}

void dec_pg_keys(struct dec *d, const struct map_mem *mem, struct table *t)
{
	uint32_t n = dec_count(d, PG_LEN);

	table_room(d, mem, &osdmap_pgs, t, n);
	while (n-- && !d->err)
		dec_pg(d, table_add(&osdmap_pgs, t));
	sort_unique(d, &osdmap_pgs, t);
}

/* --- by address, by snapshot --- */

/* Sorted here: the daemons' order of addresses is another. */
void dec_blocks(struct dec *d, const struct map_mem *mem, struct table *t, size_t skip)
{
	uint32_t n = dec_count(d, ADDR_MIN + skip);

	table_room(d, mem, &osdmap_blocks, t, n);
	while (n-- && !d->err) {
		dec_addr(d, table_add(&osdmap_blocks, t));
		dec_skip(d, skip);
	}
	if (!d->err)
		table_sort(&osdmap_blocks, t);
}

static void dec_pool_snaps(struct dec *d, const struct map_mem *mem, struct table *t)
{
	int64_t pool = dec_s64(d);
	uint32_t n = dec_count(d, 16);
	struct removed_snaps *s;

	table_room(d, mem, &osdmap_snaps, t, n);
	while (n-- && !d->err) {
		s = table_add(&osdmap_snaps, t);
		s->pool = pool;
		s->first = dec_u64(d);
		s->count = dec_u64(d);
	}
}

void dec_removed_snaps(struct dec *d, const struct map_mem *mem, struct table *t)
{
	uint32_t n = dec_count(d, 8 + 4);

	while (n-- && !d->err)
		dec_pool_snaps(d, mem, t);
	sort_unique(d, &osdmap_snaps, t);
}
