/* test_mem.c: the library's memory. Under AddressSanitizer it comes from elsewhere (mem.c); what is
 * promised stays the same, but for the arena. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ring/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define OWN_ARENA 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OWN_ARENA 0
#endif
#endif
#ifndef OWN_ARENA
#define OWN_ARENA 1
#include <jemalloc/jemalloc.h>
#endif

static bool is_zero(const uint8_t *p, size_t n)
{
	while (n--)
		if (*p++)
			return false;
	return true;
}

Test(mem, is_zeroed_also_when_used_before)
{
	for (int i = 0; i < 1000; i++) {
		size_t n = (size_t)(i * 37) % 5000;
		uint8_t *p = mem_alloc(n);

		cr_assert_not_null(p);
		cr_assert(is_zero(p, n));
		memset(p, 0xff, n);
		mem_free(p, i % 2 ? n : 0);
	}
}

Test(mem, free_takes_null_and_realloc_grows_from_null)
{
	char *p = mem_realloc(NULL, 4);

	mem_free(NULL, 0);
	mem_free(NULL, 100);
	memcpy(p, "abc", 4);
	p = mem_realloc(p, 100000);
	cr_expect_str_eq(p, "abc");
	p = mem_realloc(p, 4);
	cr_expect_str_eq(p, "abc");
	mem_free(p, 0);
}

Test(mem, strdup_copies)
{
	char text[] = "text", *p = mem_strdup(text);

	text[0] = 'n';
	cr_expect_str_eq(p, "text");
	mem_free(p, 5);
}

Test(mem, no_memory_is_null)
{
	if (!OWN_ARENA)
		cr_skip_test("the sanitizer ends the process instead");
	cr_expect_null(mem_alloc((size_t)1 << 55));
}

Test(mem, what_is_allocated_is_counted)
{
	size_t before = mem_allocated(), n = 8 << 20;
	void *p = mem_alloc(n);

	cr_expect_geq(mem_allocated(), before + n);
	mem_free(p, n);
	cr_expect_lt(mem_allocated(), before + n);
}

#if OWN_ARENA
static unsigned arena_of(void *p)
{
	unsigned arena;
	size_t len = sizeof arena;

	cr_assert_eq(mallctl("arenas.lookup", &arena, &len, &p, sizeof p), 0);
	return arena;
}

static void *small_object(void *arg)
{
	(void)arg;
	return mem_alloc(64);
}

Test(mem, every_thread_uses_the_one_arena_and_no_other)
{
	void *mine = mem_alloc(64), *theirs, *host = mallocx(64, 0), *large = mem_alloc(1 << 20);
	pthread_t th;

	pthread_create(&th, NULL, small_object, NULL);
	pthread_join(th, &theirs);
	cr_expect_eq(arena_of(mine), arena_of(theirs));
	cr_expect_eq(arena_of(mine), arena_of(large));
	cr_expect_neq(arena_of(mine), arena_of(host));
	mem_free(mine, 64);
	mem_free(theirs, 64);
	mem_free(large, 1 << 20);
	dallocx(host, 0);
}
#endif

enum { THREADS = 4, ROUNDS = 200, OBJECTS = 64 };

static void *swap[OBJECTS];

/* Each thread frees what another one allocated. */
static void *churn(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (int i = 0; i < ROUNDS * OBJECTS; i++) {
		uint64_t *p = mem_alloc(48), *old;

		cr_assert_eq(*p, 0);
		*p = (uintptr_t)p;
		seed = seed * 1103515245 + 12345;
		old = __atomic_exchange_n(&swap[(seed >> 8) % OBJECTS], p, __ATOMIC_ACQ_REL);
		if (old)
			cr_assert_eq(*old, (uintptr_t)old);
		mem_free(old, 48);
	}
	return NULL;
}

Test(mem, threads_free_each_others_memory)
{
	size_t before = mem_allocated();
	pthread_t th[THREADS];

	/* Threads that end: their caches must not keep what they hold. */
	for (int round = 0; round < 10; round++) {
		for (uintptr_t i = 0; i < THREADS; i++)
			pthread_create(&th[i], NULL, churn, (void *)(i + 1));
		for (int i = 0; i < THREADS; i++)
			pthread_join(th[i], NULL);
	}
	for (int i = 0; i < OBJECTS; i++)
		mem_free(swap[i], 48);
	cr_expect_lt(mem_allocated(), before + (1 << 20));
}

Test(slab, objects_are_zeroed_aligned_and_apart)
{
	struct slab s;
	uint8_t *p[1000];

	slab_init(&s, 40, 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 1000; i++) {
			p[i] = slab_get(&s);
			cr_assert_eq((uintptr_t)p[i] % 16, 0);
			cr_assert(is_zero(p[i], 40));
			memset(p[i], i % 251 + 1, 40);
		}
		cr_expect_eq(s.live, 1000);
		for (int i = 0; i < 1000; i++) {
			cr_assert_eq(p[i][0], i % 251 + 1);
			cr_assert_eq(p[i][39], i % 251 + 1);
			slab_put(&s, p[i]);
		}
	}
	slab_fini(&s);
}

Test(slab, freed_ones_are_reused_first)
{
	struct slab s;
	void *a, *b;

	slab_init(&s, 100, 0);
	a = slab_get(&s);
	b = slab_get(&s);
	slab_put(&s, a);
	cr_expect_eq(slab_get(&s), a);
	slab_put(&s, a);
	slab_put(&s, b);
	slab_put(&s, NULL);
	slab_fini(&s);
}

Test(slab, bound_is_kept)
{
	struct slab s;
	void *p[5];

	slab_init(&s, 5000, 5);
	for (int i = 0; i < 5; i++)
		cr_assert_not_null(p[i] = slab_get(&s));
	cr_expect_null(slab_get(&s));
	slab_put(&s, p[2]);
	cr_expect_not_null(p[2] = slab_get(&s));
	for (int i = 0; i < 5; i++)
		slab_put(&s, p[i]);
	slab_fini(&s);
}

Test(slab, objects_larger_than_a_block)
{
	struct slab s;
	uint8_t *p;

	slab_init(&s, 100000, 0);
	p = slab_get(&s);
	memset(p, 1, 100000);
	slab_put(&s, p);
	slab_fini(&s);
}
