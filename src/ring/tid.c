/* tid.c: see tid.h.
 *
 * Requests come and go all the time, so the set fills with tombstones that make a miss slow. They are swept
 * once per as many removals as the table has slots: constant work per removal.
 */
#include "tid.h"

#include <errno.h>
#include <stdlib.h>
#include "mem.h"

enum { TID_START = 64, TID_SWEEP_MIN = 1024, TID_BATCH = 256 };

/* Zeroed, which ck_hs 0.7.1 needs: it does not initialise the count of tombstones of a new table. */
static void *hs_malloc(size_t n)
{
	return mem_alloc(n);
}

static void hs_free(void *p, size_t n, bool defer)
{
	(void)n;
	(void)defer; /* no reader on another thread */
	mem_free(p, 0);
}

static struct ck_malloc hs_memory = { .malloc = hs_malloc, .free = hs_free };

/* tids count up: spread them (the finalizer of splitmix64). */
static unsigned long hash(const void *entry, unsigned long seed)
{
	uint64_t x = ((const struct tid_entry *)entry)->tid + seed;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static bool same(const void *a, const void *b)
{
	return ((const struct tid_entry *)a)->tid == ((const struct tid_entry *)b)->tid;
}

int tid_table_init(struct tid_table *t)
{
	t->removed = 0;
	if (!ck_hs_init(&t->hs, CK_HS_MODE_SPMC | CK_HS_MODE_OBJECT, hash, same, &hs_memory, TID_START,
			0x9e3779b97f4a7c15u))
		return -ENOMEM;
	return 0;
}

void tid_table_fini(struct tid_table *t)
{
	ck_hs_destroy(&t->hs);
}

struct tid_entry *tid_find(struct tid_table *t, uint64_t tid)
{
	struct tid_entry key = { .tid = tid };

	return ck_hs_get(&t->hs, CK_HS_HASH(&t->hs, hash, &key), &key);
}

int tid_put(struct tid_table *t, struct tid_entry *e)
{
	if (tid_find(t, e->tid))
		return -EEXIST;
	return ck_hs_put(&t->hs, CK_HS_HASH(&t->hs, hash, e), e) ? 0 : -ENOMEM;
}

struct tid_entry *tid_take(struct tid_table *t, uint64_t tid)
{
	struct tid_entry key = { .tid = tid };
	struct tid_entry *e = ck_hs_remove(&t->hs, CK_HS_HASH(&t->hs, hash, &key), &key);

	if (e && ++t->removed >= TID_SWEEP_MIN && t->removed >= 2 * ck_hs_count(&t->hs)) {
		/* Without memory for the new table the old one goes on: slower, still right. */
		if (ck_hs_rebuild(&t->hs))
			t->removed = 0;
	}
	return e;
}

unsigned tid_count(struct tid_table *t)
{
	return (unsigned)ck_hs_count(&t->hs);
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Lets the root of a heap (greatest on top) sink to its place. */
static void sink(uint64_t *heap, unsigned n)
{
	unsigned i = 0, c;

	while ((c = 2 * i + 1) < n) {
		uint64_t x = heap[i];

		if (c + 1 < n && heap[c + 1] > heap[c])
			c++;
		if (x >= heap[c])
			return;
		heap[i] = heap[c];
		heap[c] = x;
		i = c;
	}
}

static void rise(uint64_t *heap, unsigned i)
{
	while (i && heap[i] > heap[(i - 1) / 2]) {
		uint64_t x = heap[i];

		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
		heap[i] = x;
	}
}

/* The smallest tids in [from, last], at most TID_BATCH of them, ascending. */
static unsigned batch(struct tid_table *t, uint64_t from, uint64_t last, uint64_t *tids)
{
	ck_hs_iterator_t it = CK_HS_ITERATOR_INITIALIZER;
	unsigned n = 0;
	void *e;

	while (ck_hs_next(&t->hs, &it, &e)) {
		uint64_t tid = ((struct tid_entry *)e)->tid;

		if (tid < from || tid > last)
			continue;
		if (n < TID_BATCH) {
			tids[n] = tid;
			rise(tids, n++);
		} else if (tid < tids[0]) {
			tids[0] = tid;
			sink(tids, n);
		}
	}
	qsort(tids, n, sizeof *tids, ascending);
	return n;
}

static uint64_t greatest(struct tid_table *t)
{
	ck_hs_iterator_t it = CK_HS_ITERATOR_INITIALIZER;
	uint64_t max = 0;
	void *e;

	while (ck_hs_next(&t->hs, &it, &e))
		if (((struct tid_entry *)e)->tid > max)
			max = ((struct tid_entry *)e)->tid;
	return max;
}

/* Collects tids first and finds each again before the call: `fn` may change the table as it likes. */
void tid_each(struct tid_table *t, void (*fn)(void *arg, struct tid_entry *e), void *arg)
{
	uint64_t tids[TID_BATCH], from = 0, last = greatest(t);
	unsigned n;

	do {
		n = batch(t, from, last, tids);
		for (unsigned i = 0; i < n; i++) {
			struct tid_entry *e = tid_find(t, tids[i]);

			if (e)
				fn(arg, e);
		}
		if (n)
			from = tids[n - 1] + 1;
	} while (n == TID_BATCH && from);
}
