/* test_ck.c: the calls of Concurrency Kit that the library relies on, each against a plain model.
 *
 * Debian's libck 0.7.1 has known faults in ck_ht: put accepts keys that are there once something was deleted,
 * and set compares the wrong word for tombstones. So the library uses ck_hs, with the key inside the object.
 * Nor does it use ck_fifo_mpmc (not to be trusted either) or ck_ring with several producers, who spin for
 * each other (see inbox.h).
 */
#include <ck_hs.h>
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ck_hs */

struct item {
	uint64_t key;
	bool in; /* the model */
	unsigned visits;
};

static size_t held; /* bytes that the set holds */

/* Zeroed, as the library's is: 0.7.1 does not initialise the count of tombstones of a new table. */
static void *hs_malloc(size_t n)
{
	size_t *p = calloc(1, n + 16);

	*p = n;
	held += n;
	return (char *)p + 16;
}

static void hs_free(void *p, size_t n, bool defer)
{
	size_t *start = (size_t *)((char *)p - 16);

	(void)n;
	(void)defer;
	held -= *start;
	free(start);
}

static struct ck_malloc memory = { .malloc = hs_malloc, .free = hs_free };

static unsigned long spread(const void *p, unsigned long seed)
{
	return (((const struct item *)p)->key + seed) * 0x9e3779b97f4a7c15u >> 7;
}

/* Every key in the same few buckets: the longest probe sequences there can be. */
static unsigned long crowd(const void *p, unsigned long seed)
{
	(void)seed;
	return ((const struct item *)p)->key % 3;
}

static bool same(const void *a, const void *b)
{
	return ((const struct item *)a)->key == ((const struct item *)b)->key;
}

static void hs_new(ck_hs_t *hs, ck_hs_hash_cb_t *hash, unsigned long capacity)
{
	cr_assert(ck_hs_init(hs, CK_HS_MODE_SPMC | CK_HS_MODE_OBJECT, hash, same, &memory, capacity, 42));
}

static struct item *get(ck_hs_t *hs, uint64_t key)
{
	struct item k = { .key = key };

	return ck_hs_get(hs, CK_HS_HASH(hs, hs->hf, &k), &k);
}

static bool put(ck_hs_t *hs, struct item *i)
{
	return ck_hs_put(hs, CK_HS_HASH(hs, hs->hf, i), i);
}

static struct item *take(ck_hs_t *hs, uint64_t key)
{
	struct item k = { .key = key };

	return ck_hs_remove(hs, CK_HS_HASH(hs, hs->hf, &k), &k);
}

Test(ck_hs, put_get_remove)
{
	struct item a = { .key = 1 }, b = { .key = 2 };
	ck_hs_t hs;

	hs_new(&hs, spread, 8);
	cr_expect_null(get(&hs, 1));
	cr_expect(put(&hs, &a));
	cr_expect(put(&hs, &b));
	cr_expect_eq(get(&hs, 1), &a);
	cr_expect_eq(ck_hs_count(&hs), 2);
	cr_expect_eq(take(&hs, 1), &a);
	cr_expect_null(take(&hs, 1));
	cr_expect_null(get(&hs, 1));
	cr_expect_eq(get(&hs, 2), &b);
	cr_expect_eq(ck_hs_count(&hs), 1);
	ck_hs_destroy(&hs);
	cr_expect_eq(held, 0);
}

/* What is wrong with ck_ht: keys that are there must be refused, also after deletions. */
static void put_refuses_after_removals(ck_hs_hash_cb_t *hash, unsigned n)
{
	struct item *items = calloc(n, sizeof *items), *copies = calloc(n, sizeof *copies);
	ck_hs_t hs;

	hs_new(&hs, hash, 8);
	for (unsigned i = 0; i < n; i++) {
		items[i].key = copies[i].key = i;
		cr_assert(put(&hs, &items[i]));
	}
	for (unsigned i = 0; i < n; i += 2)
		cr_assert_eq(take(&hs, i), &items[i]);
	for (unsigned i = 0; i < n; i++) {
		cr_assert_eq(put(&hs, &copies[i]), i % 2 == 0, "key %u", i);
		cr_assert_eq(get(&hs, i), i % 2 ? &items[i] : &copies[i]);
	}
	cr_expect_eq(ck_hs_count(&hs), n);
	ck_hs_destroy(&hs);
	free(items);
	free(copies);
}

Test(ck_hs, put_refuses_what_is_there_after_removals)
{
	put_refuses_after_removals(spread, 50000);
	put_refuses_after_removals(crowd, 300);
}

Test(ck_hs, grows_and_keeps_everything)
{
	enum { N = 100000 };
	static struct item items[N];
	ck_hs_t hs;

	hs_new(&hs, spread, 8);
	for (unsigned i = 0; i < N; i++) {
		items[i].key = i * 3;
		cr_assert(put(&hs, &items[i]));
		cr_assert_eq(get(&hs, (i / 2) * 3), &items[i / 2]);
	}
	for (unsigned i = 0; i < N; i++) {
		cr_assert_eq(get(&hs, i * 3), &items[i]);
		cr_assert_null(get(&hs, i * 3 + 1));
	}
	ck_hs_destroy(&hs);
	cr_expect_eq(held, 0);
}

/* Every item of the model once, no other. */
static void iterates(ck_hs_t *hs, struct item *items, unsigned n)
{
	ck_hs_iterator_t it = CK_HS_ITERATOR_INITIALIZER;
	void *p;

	while (ck_hs_next(hs, &it, &p))
		((struct item *)p)->visits++;
	for (unsigned i = 0; i < n; i++) {
		cr_assert_eq(items[i].visits, items[i].in, "key %u", i);
		items[i].visits = 0;
	}
}

static void agrees_with_a_model(ck_hs_hash_cb_t *hash, unsigned n, unsigned steps)
{
	struct item *items = calloc(n, sizeof *items);
	unsigned seed = 4711, count = 0;
	ck_hs_t hs;

	hs_new(&hs, hash, 16);
	for (unsigned i = 0; i < n; i++)
		items[i].key = i;
	for (unsigned step = 1; step <= steps; step++) {
		struct item *x;

		seed = seed * 1103515245 + 12345;
		x = &items[(seed >> 8) % n];
		cr_assert_eq(get(&hs, x->key), x->in ? x : NULL);
		if (seed >> 31) {
			cr_assert_eq(put(&hs, x), !x->in);
			count += !x->in;
			x->in = true;
		} else {
			cr_assert_eq(take(&hs, x->key), x->in ? x : NULL);
			count -= x->in;
			x->in = false;
		}
		cr_assert_eq(ck_hs_count(&hs), count);
		if (step % (steps / 8) == 0)
			iterates(&hs, items, n);
		if (step % (steps / 4) == 0) {
			cr_assert(ck_hs_rebuild(&hs));
			iterates(&hs, items, n);
		}
	}
	ck_hs_destroy(&hs);
	free(items);
}

Test(ck_hs, random_use_agrees_with_a_model)
{
	agrees_with_a_model(spread, 2000, 200000);
	agrees_with_a_model(crowd, 100, 20000);
}

/* Removing what the iterator stands on, and what it has not reached. */
Test(ck_hs, may_be_emptied_while_iterating)
{
	enum { N = 1000 };
	static struct item items[N];
	ck_hs_iterator_t it = CK_HS_ITERATOR_INITIALIZER;
	unsigned visited = 0;
	ck_hs_t hs;
	void *p;

	hs_new(&hs, spread, 8);
	for (unsigned i = 0; i < N; i++) {
		items[i].key = i;
		cr_assert(put(&hs, &items[i]));
	}
	while (ck_hs_next(&hs, &it, &p)) {
		struct item *x = p;

		cr_assert_eq(x->visits++, 0);
		cr_assert_eq(take(&hs, x->key), x);
		take(&hs, x->key ^ 1);
		visited++;
	}
	cr_expect_eq(visited, N / 2);
	cr_expect_eq(ck_hs_count(&hs), 0);
	ck_hs_destroy(&hs);
}

/* Removals leave tombstones; with a rebuild now and then the set stays as small as what is in it. */
Test(ck_hs, rebuild_sweeps_and_does_not_grow)
{
	enum { LIVE = 500, STEPS = 200000 };
	static struct item items[LIVE];
	size_t after_first = 0;
	struct ck_hs_stat st;
	ck_hs_t hs;

	hs_new(&hs, spread, 64);
	for (uint64_t i = 0; i < STEPS; i++) {
		struct item *x = &items[i % LIVE];

		if (i >= LIVE)
			cr_assert_eq(take(&hs, x->key), x);
		x->key = i;
		cr_assert(put(&hs, x));
		if (i % 2000 == 1999) {
			cr_assert(ck_hs_rebuild(&hs));
			ck_hs_stat(&hs, &st);
			cr_assert_eq(st.tombstones, 0);
			cr_assert_eq(st.n_entries, LIVE);
			after_first = after_first ? after_first : held;
			cr_assert_leq(held, after_first);
		}
	}
	ck_hs_destroy(&hs);
}

static bool no_memory;
static void *hs_malloc_or_not(size_t n)
{
	return no_memory ? NULL : hs_malloc(n);
}

Test(ck_hs, survives_being_out_of_memory)
{
	enum { N = 5000 };
	static struct item items[N];
	struct ck_malloc m = { .malloc = hs_malloc_or_not, .free = hs_free };
	unsigned in = 0;
	ck_hs_t hs;

	cr_assert(ck_hs_init(&hs, CK_HS_MODE_SPMC | CK_HS_MODE_OBJECT, spread, same, &m, 64, 1));
	no_memory = true;
	for (; in < N; in++) {
		items[in].key = in;
		if (!put(&hs, &items[in]))
			break;
	}
	cr_assert_lt(in, N, "it cannot grow");
	cr_expect_not(ck_hs_rebuild(&hs));
	for (unsigned i = 0; i < in; i++)
		cr_assert_eq(get(&hs, i), &items[i]);
	no_memory = false;
	cr_expect(put(&hs, &items[in]));
	ck_hs_destroy(&hs);
	no_memory = true;
	cr_expect_not(ck_hs_init(&hs, CK_HS_MODE_SPMC | CK_HS_MODE_OBJECT, spread, same, &m, 64, 1));
}
