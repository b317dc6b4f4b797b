/* test_osdmap_table.c: sorted tables against an array that knows for each key whether, and with what, it is
 * there.
 */
#include "osdmaps.h"

#include "proto/osdmap_table.h"

enum { KEYS = 64 };

struct item {
	int key, value;
};

static int cmp_item(const void *a, const void *b)
{
	return ((const struct item *)a)->key - ((const struct item *)b)->key;
}

static const struct table_kind items = { sizeof(struct item), cmp_item };

static unsigned draw(unsigned *state, unsigned below)
{
	*state = *state * 1103515245u + 12345u;
	return (*state >> 16) % below;
}

/* Some keys, each once, in any order; sorted by table_sort(). */
static struct table some(unsigned *state, int *model, bool put)
{
	struct table t = { 0 };
	unsigned n = draw(state, 12), key;
	bool used[KEYS] = { false };
	struct item *item;

	cr_assert(table_reserve(&test_map_mem, &items, &t, n));
	while (n--) {
		key = draw(state, KEYS);
		if (used[key])
			continue;
		used[key] = true;
		item = table_add(&items, &t);
		*item = (struct item){ (int)key, (int)draw(state, 1000) };
		model[key] = put ? item->value : -1;
	}
	cr_assert(table_sort(&items, &t));
	return t;
}

static void check(const struct table *t, const int *model)
{
	struct item key, *found;
	uint32_t count = 0;

	for (int k = 0; k < KEYS; k++) {
		key.key = k;
		found = table_find(&items, t, &key);
		cr_assert_eq(found != NULL, model[k] >= 0, "key %d", k);
		if (found)
			cr_assert_eq(found->value, model[k]);
		cr_assert_eq(table_lower(&items, t, &key), count);
		count += model[k] >= 0;
	}
	cr_assert_eq(t->count, count);
}

Test(osdmap_table, merges_and_removals)
{
	struct table t = { 0 }, with;
	unsigned state = 1;
	int model[KEYS];

	memset(model, 0xff, sizeof(model));
	for (unsigned round = 0; round < 2000; round++) {
		with = some(&state, model, true);
		cr_assert(table_reserve(&test_map_mem, &items, &t, with.count));
		table_merge(&items, &t, &with);
		check(&t, model);
		table_free(&test_map_mem, &items, &with);
		with = some(&state, model, false);
		table_remove(&items, &t, &with);
		check(&t, model);
		table_free(&test_map_mem, &items, &with);
	}
	table_free(&test_map_mem, &items, &t);
	cr_assert_eq(test_mem.live, 0);
}

Test(osdmap_table, a_key_that_is_there_twice)
{
	struct item three[] = { { 5, 1 }, { 3, 2 }, { 5, 3 } };
	struct table t = { three, 3, 3 };

	cr_assert_not(table_sort(&items, &t));
	cr_assert_eq(t.count, 2);
	cr_assert(three[0].key == 3 && three[1].key == 5);
	cr_assert(table_sort(&items, &t));
}

Test(osdmap_table, without_memory)
{
	struct table t = { 0 };

	test_mem.fail_at = 1;
	cr_assert_not(table_reserve(&test_map_mem, &items, &t, 3));
	cr_assert_null(t.items);
	cr_assert_not(table_reserve(&test_map_mem, &items, &t, (size_t)UINT32_MAX + 1));
}
