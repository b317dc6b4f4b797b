/* osdmap_table.c: see osdmap_table.h. */
#include "osdmap_table.h"

#include <errno.h>
#include <stdlib.h>

enum { TABLE_FIRST = 8 };

void *table_at(const struct table_kind *k, const struct table *t, uint32_t index)
{
	return (char *)t->items + (size_t)index * k->size;
}

static void table_set(const struct table_kind *k, struct table *t, uint32_t index, const void *item)
{
	memcpy(table_at(k, t, index), item, k->size);
}

bool table_reserve(const struct map_mem *mem, const struct table_kind *k, struct table *t, size_t extra)
{
	size_t need = t->count + extra, cap = t->cap + (size_t)t->cap / 2;
	void *items;

	if (need <= t->cap)
		return true;
	if (cap < need)
		cap = need;
	if (cap < TABLE_FIRST)
		cap = TABLE_FIRST;
	if (cap > UINT32_MAX)
		return false;
	items = mem->alloc(cap * k->size);
	if (!items)
		return false;
	if (t->items) {
		memcpy(items, t->items, (size_t)t->count * k->size);
		mem->free(t->items, (size_t)t->cap * k->size);
	}
	t->items = items;
	t->cap = (uint32_t)cap;
	return true;
}

void dec_nomem(struct dec *d)
{
	bool first = !d->err;

	dec_fail(d, "out of memory");
	if (first)
		d->err = -ENOMEM;
}

void table_room(struct dec *d, const struct map_mem *mem, const struct table_kind *k, struct table *t,
		size_t extra)
{
	if (!d->err && !table_reserve(mem, k, t, extra))
		dec_nomem(d);
}

void table_free(const struct map_mem *mem, const struct table_kind *k, struct table *t)
{
	if (t->items)
		mem->free(t->items, (size_t)t->cap * k->size);
	*t = (struct table){ 0 };
}

void *table_add(const struct table_kind *k, struct table *t)
{
	return table_at(k, t, t->count++);
}

static bool is_ordered(const struct table_kind *k, const struct table *t)
{
	for (uint32_t i = 1; i < t->count; i++)
		if (k->cmp(table_at(k, t, i - 1), table_at(k, t, i)) >= 0)
			return false;
	return true;
}

bool table_sort(const struct table_kind *k, struct table *t)
{
	uint32_t kept = 1, all = t->count;

	if (is_ordered(k, t))
		return true;
	qsort(t->items, t->count, k->size, k->cmp);
	for (uint32_t i = 1; i < t->count; i++)
		if (k->cmp(table_at(k, t, kept - 1), table_at(k, t, i)))
			table_set(k, t, kept++, table_at(k, t, i));
	t->count = kept;
	return kept == all;
}

uint32_t table_lower(const struct table_kind *k, const struct table *t, const void *key)
{
	uint32_t low = 0, high = t->count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (k->cmp(table_at(k, t, mid), key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void *table_find(const struct table_kind *k, const struct table *t, const void *key)
{
	uint32_t at = table_lower(k, t, key);

	return at < t->count && !k->cmp(table_at(k, t, at), key) ? table_at(k, t, at) : NULL;
}

static uint32_t count_absent(const struct table_kind *k, const struct table *t, const struct table *with)
{
	uint32_t absent = 0;

	for (uint32_t i = 0; i < with->count; i++)
		absent += !table_find(k, t, table_at(k, with, i));
	return absent;
}

/* From the back, so that each item moves once, and those before the first new key not at all. */
void table_merge(const struct table_kind *k, struct table *t, const struct table *with)
{
	uint32_t old = t->count, from = with->count, to;
	int cmp;

	t->count += count_absent(k, t, with);
	to = t->count;
	while (from) {
		cmp = old ? k->cmp(table_at(k, t, old - 1), table_at(k, with, from - 1)) : -1;
		to--;
		if (cmp > 0) {
			table_set(k, t, to, table_at(k, t, --old));
		} else {
			table_set(k, t, to, table_at(k, with, --from));
			if (!cmp)
				old--;
		}
	}
}

void table_remove(const struct table_kind *k, struct table *t, const struct table *keys)
{
	uint32_t i, key = 0, kept;
	int cmp;

	if (!keys->count)
		return;
	kept = table_lower(k, t, table_at(k, keys, 0));
	for (i = kept; i < t->count; i++) {
		cmp = -1;
		while (key < keys->count && (cmp = k->cmp(table_at(k, t, i), table_at(k, keys, key))) > 0)
			key++;
		if (key == keys->count || cmp) {
			if (kept != i)
				table_set(k, t, kept, table_at(k, t, i));
			kept++;
		}
	}
	t->count = kept;
}
