/* test_placement.c: from objects to OSDs: every line that osdmaptool said about the maps of
 * tests/data/osdmaps, and the arithmetic of placement groups.
 */
#include "osdmaps.h"

#include <dirent.h>
#include <errno.h>

static struct slice none = { (const uint8_t *)"", 0 };

/* The data has 20114 pgs, 1032 objects and 166 pools of release 16, and those of 18 and 20. */
enum { LINES_MIN = 21312 };

Test(placement, all_that_osdmaptool_says)
{
	DIR *dir = opendir(TEST_DATA "/osdmaps");
	unsigned lines = 0, maps = 0;
	struct osdmap *m;
	struct dirent *e;
	char *dot;

	cr_assert(dir);
	while ((e = readdir(dir))) {
		dot = strstr(e->d_name, ".osdmap");
		if (!dot)
			continue;
		*dot = 0;
		m = map_load(e->d_name);
		lines += map_check(m, e->d_name);
		osdmap_free(m);
		maps++;
	}
	closedir(dir);
	cr_assert_gt(maps, 45);
	cr_assert_gt(lines, LINES_MIN);
	cr_assert_eq(test_mem.live, 0);
}

/* --- hashes --- */

static uint32_t hash_of(uint8_t kind, const char *name, const char *nspace, const char *key)
{
	struct osdmap_pool p = { .object_hash = kind };

	return osdmap_object_hash(&p, slice_of(name), slice_of(nspace), slice_of(key));
}

Test(placement, hash_of_names)
{
	cr_assert_eq(hash_of(2, "", "", ""), 0xbd49d10d);
	cr_assert_eq(hash_of(2, "a", "", ""), 0x29eec818);
	cr_assert_eq(hash_of(2, "foo", "", ""), 0x7fc1f406);
	cr_assert_eq(hash_of(2, "10000000000.00000000", "", ""), 0xf0b56f30);
	cr_assert_eq(hash_of(2, "xxxxxxxxxxx", "", ""), 0xfbe650d0);
	cr_assert_eq(hash_of(2, "xxxxxxxxxxxx", "", ""), 0x665d9c6e);
	cr_assert_eq(hash_of(2, "xxxxxxxxxxxxx", "", ""), 0xe0f3b364);
	cr_assert_eq(hash_of(2, "o1", "nsA", ""), 0xc72ca1fd, "namespace, 0x1f, name");
	cr_assert_eq(hash_of(2, "o1", "", "foo"), 0x7fc1f406, "a locator key takes the name's place");
	cr_assert_eq(hash_of(2, "x", "nsA", "o1"), 0xc72ca1fd);
	cr_assert_neq(hash_of(1, "foo", "", ""), 0x7fc1f406);
}

Test(placement, names_beyond_all_limits)
{
	struct osdmap_pool p = { .object_hash = 2 };
	struct slice large = { calloc(1, 1 << 16), 1 << 16 };

	osdmap_object_hash(&p, large, none, none);
	osdmap_object_hash(&p, large, large, large);
	osdmap_object_hash(&p, none, large, none);
	osdmap_object_hash(&p, large, slice_of("n"), none);
	free((void *)(uintptr_t)large.p);
}

/* --- groups --- */

Test(placement, folding)
{
	cr_assert_eq(pg_fold(0xffffffff, 1), 0);
	cr_assert_eq(pg_fold(7, 8), 7);
	cr_assert_eq(pg_fold(8, 8), 0);
	cr_assert_eq(pg_fold(5, 6), 5);
	cr_assert_eq(pg_fold(6, 6), 2);
	cr_assert_eq(pg_fold(7, 6), 3);
	cr_assert_eq(pg_fold(0x12345678, PG_NUM_MAX), 0x345678);
}

static bool slow_split(uint32_t seed, uint32_t from, uint32_t to)
{
	for (uint32_t s = from; s < to; s++)
		if (pg_fold(s, from) == seed)
			return seed < from;
	return false;
}

Test(placement, splits_and_merges)
{
	for (uint32_t from = 1; from < 40; from++) {
		for (uint32_t to = 1; to < 70; to++) {
			for (uint32_t seed = 0; seed < from + 2; seed++) {
				cr_assert_eq(pg_is_split(seed, from, to), slow_split(seed, from, to),
					     "%u: %u to %u", seed, from, to);
				cr_assert_eq(pg_is_merge(seed, from, to),
					     seed < from && to < from &&
						 (seed >= to || slow_split(seed, to, from)),
					     "%u: %u to %u", seed, from, to);
			}
		}
	}
}

Test(placement, what_there_is_not)
{
	struct osdmap *m = map_load("alg_straw2");
	struct pg_mapping map;
	struct pg_set acting;
	int8_t shard;

	cr_assert_eq(osdmap_pg_map(m, (struct pg_id){ 99, 0 }, &map), -ENOENT);
	cr_assert_eq(osdmap_pg_map(m, (struct pg_id){ 1, osdmap_pool(m, 1)->pg_num }, &map), -ENOENT);
	cr_assert_eq(osdmap_pg_acting(m, (struct pg_id){ -1, 0 }, &acting, &shard), -ENOENT);
	osdmap_free(m);
}

/* --- shards --- */

static int8_t shard_in(const char *map, int64_t pool, uint32_t seed)
{
	struct osdmap *m = map_load(map);
	struct pg_set acting;
	int8_t shard;

	cr_assert_eq(osdmap_pg_acting(m, (struct pg_id){ pool, seed }, &acting, &shard), 0);
	osdmap_free(m);
	return shard;
}

Test(placement, shard_of_the_primary)
{
	cr_assert_eq(shard_in("alg_straw2", 1, 0), -1, "replicated");
	/* acting -,-,28,19,10 led by 19 */
	cr_assert_eq(shard_in("temps", 2, 0), 3);
	/* acting -,28,-,9,23 led by 28 */
	cr_assert_eq(shard_in("temps", 2, 4), 1);
	/* acting 4,1,0 led by 4, by a pg_temp that says 4,0,1: shard 1 of this pool does not lead */
	cr_assert_eq(shard_in("chain_tentacle.e208", 4, 1), 0);
	/* acting 4,4,0,2,1 led by 4: the first of both */
	cr_assert_eq(shard_in("chain_tentacle.e208", 5, 7), 0);
}

Test(placement, no_primary_no_shard)
{
	struct osdmap *m = map_load("chain_live.e90");
	unsigned seen = 0;

	for (uint32_t i = 0; i < osdmap_pool_count(m); i++) {
		const struct osdmap_pool *p = osdmap_pool_at(m, i);

		for (uint32_t s = 0; s < p->pg_num; s++) {
			struct pg_set acting;
			int8_t shard;

			cr_assert_eq(osdmap_pg_acting(m, (struct pg_id){ p->id, s }, &acting, &shard), 0);
			cr_assert(acting.primary >= 0 || shard == -1);
			cr_assert(shard < 0 || acting.osd[shard] == acting.primary);
			seen += acting.primary < 0;
		}
	}
	cr_assert_gt(seen, 0);
	osdmap_free(m);
}
