/* osdmaps.h: the maps of tests/data/osdmaps, memory that can be made to fail, and comparing what a map says
 * with the lines that Ceph's own tools say about it.
 */
#pragma once
#include "messages.h"

#include "proto/osdmap.h"

/* Allocations ask here; each remembers its size, which its release must name. */
struct test_mem {
	size_t live, bytes; /* now */
	size_t made;
	size_t fail_at; /* this allocation fails, counted from 1; 0 = none */
};
static struct test_mem test_mem;

static void *test_alloc(size_t size)
{
	size_t *p;

	cr_assert(size, "nothing is asked for");
	if (++test_mem.made == test_mem.fail_at)
		return NULL;
	p = malloc(sizeof(*p) * 2 + size);
	cr_assert(p);
	memset(p + 2, 0xa5, size);
	*p = size;
	test_mem.live++;
	test_mem.bytes += size;
	return p + 2;
}

static void test_free(void *p, size_t size)
{
	size_t *head = (size_t *)p - 2;

	cr_assert_eq(*head, size, "%zu bytes are released as %zu", *head, size);
	test_mem.live--;
	test_mem.bytes -= size;
	free(head);
}

static const struct map_mem test_map_mem = { test_alloc, test_free };

static inline struct osdmap *map_of(const void *p, size_t len)
{
	struct dec d = dec_init(p, len);
	struct osdmap *m;

	cr_assert_eq(osdmap_decode(&d, &test_map_mem, &m), 0, "%s", d.what);
	cr_assert_eq(dec_left(&d), 0);
	return m;
}

static inline struct osdmap *map_load(const char *name)
{
	char path[512];
	struct osdmap *m;
	uint8_t *p;
	size_t len;

	snprintf(path, sizeof(path), "osdmaps/%s.osdmap", name);
	p = test_file(path, &len);
	m = map_of(p, len);
	free(p);
	return m;
}

/* The text of a gzip file; free(). */
static inline char *text_load(const char *path)
{
	size_t gz_len, len;
	uint8_t *gz = test_file(path, &gz_len), *text = test_gunzip(gz, gz_len, &len);

	free(gz);
	text[len] = 0;
	return (char *)text;
}

/* --- our lines --- */

static inline void put_list(FILE *f, const struct pg_set *s)
{
	if (!s->count)
		fputc('.', f);
	for (uint32_t i = 0; i < s->count; i++) {
		if (i)
			fputc(',', f);
		if (s->osd[i] == CRUSH_NONE)
			fputc('-', f);
		else
			fprintf(f, "%d", s->osd[i]);
	}
}

static inline void put_set(FILE *f, const char *name, const struct pg_set *s)
{
	fprintf(f, " %s ", name);
	put_list(f, s);
	fprintf(f, " %d", s->primary);
}

static inline void put_pool(FILE *f, const struct osdmap_pool *p)
{
	fprintf(f, "pool %lld type %u size %u pg_num %u pgp_num %u flags 0x%llx hash %u rule %d",
		(long long)p->id, p->type, p->size, p->pg_num, p->pgp_num, (unsigned long long)p->flags,
		p->object_hash, p->crush_rule);
}

static inline void put_pg(FILE *f, const struct osdmap *m, struct pg_id pg)
{
	struct pg_mapping map;

	cr_assert_eq(osdmap_pg_map(m, pg, &map), 0);
	fprintf(f, "pg %lld.%x", (long long)pg.pool, pg.seed);
	put_set(f, "raw", &map.raw);
	put_set(f, "up", &map.up);
	put_set(f, "acting", &map.acting);
}

static inline struct slice slice_of(const char *s)
{
	return (struct slice){ (const uint8_t *)s, (uint32_t)strlen(s) };
}

static inline void put_obj(FILE *f, const struct osdmap *m, long long pool, const char *name)
{
	const struct osdmap_pool *p = osdmap_pool(m, pool);
	struct slice none = { (const uint8_t *)"", 0 };
	struct pg_set acting;
	struct pg_id pg;
	uint32_t hash;
	int8_t shard;

	cr_assert(p);
	hash = osdmap_object_hash(p, slice_of(name), none, none);
	pg = osdmap_object_pg(p, hash);
	cr_assert_eq(osdmap_pg_acting(m, pg, &acting, &shard), 0);
	fprintf(f, "obj %lld %s hash 0x%08x pg %lld.%x acting ", pool, name, hash, pool, pg.seed);
	put_list(f, &acting);
}

static inline void put_line(FILE *f, const struct osdmap *m, const char *want)
{
	char name[128];
	long long pool;
	unsigned seed;

	if (sscanf(want, "pool %lld", &pool) == 1) {
		cr_assert(osdmap_pool(m, pool), "%s", want);
		put_pool(f, osdmap_pool(m, pool));
	} else if (sscanf(want, "pg %lld.%x", &pool, &seed) == 2) {
		put_pg(f, m, (struct pg_id){ pool, seed });
	} else {
		cr_assert_eq(sscanf(want, "obj %lld %127s", &pool, name), 2, "%s", want);
		put_obj(f, m, pool, name);
	}
}

/* Compares the map with NAME.expect.gz; returns how many lines. */
static inline unsigned map_check(const struct osdmap *m, const char *name)
{
	char path[512], *text, *save = NULL, *got;
	unsigned lines = 0;
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "osdmaps/%s.expect.gz", name);
	text = text_load(path);
	for (char *want = strtok_r(text, "\n", &save); want; want = strtok_r(NULL, "\n", &save), lines++) {
		f = open_memstream(&got, &len);
		put_line(f, m, want);
		fclose(f);
		cr_assert(!strcmp(got, want), "%s:\n got %s\nwant %s", name, got, want);
		free(got);
	}
	free(text);
	return lines;
}
