/* osdmap_table.h: sorted arrays in a map's memory: what an OSD map keeps by key.
 *
 * A map is read far more often than changed, and what changes it comes sorted. So: arrays, searched by
 * bisection, changed by merging another sorted array in place. No input makes any of it slower than n log n.
 * Room is reserved first (the only part that can fail); merging then cannot fail, so that a change is made
 * wholly or not at all.
 */
#pragma once
#include "crush.h"

struct table {
	void *items; /* owned */
	uint32_t count, cap;
};

/* What a table holds; the same for each call on one table. */
struct table_kind {
	uint32_t size; /* bytes of an item */
	int (*cmp)(const void *a, const void *b);
};

/* Room for `extra` more. false: memory is out, and nothing changed. */
bool table_reserve(const struct map_mem *mem, const struct table_kind *k, struct table *t, size_t extra);
/* The same while decoding: lack of memory is the cursor's error. */
void table_room(struct dec *d, const struct map_mem *mem, const struct table_kind *k, struct table *t,
		size_t extra);
void dec_nomem(struct dec *d); /* -ENOMEM, unless there was an error before */
void table_free(const struct map_mem *mem, const struct table_kind *k,
		struct table *t); /* empty afterwards */
void *table_at(const struct table_kind *k, const struct table *t, uint32_t index);
/* The next item, within what was reserved; to be filled by the caller. */
void *table_add(const struct table_kind *k, struct table *t);

/* false: keys were there more than once; of each, one is left. Costs little when it is sorted, as what
 * daemons send is. */
bool table_sort(const struct table_kind *k, struct table *t);

/* Index of the first item not below `key` (an item of which only the key counts). */
uint32_t table_lower(const struct table_kind *k, const struct table *t, const void *key);
void *table_find(const struct table_kind *k, const struct table *t, const void *key); /* NULL: none */

/* Items of `with` are put in, or take the place of those with their key. Needs room for all of them. */
void table_merge(const struct table_kind *k, struct table *t, const struct table *with);
/* Items with the keys of `keys` are taken out. */
void table_remove(const struct table_kind *k, struct table *t, const struct table *keys);
