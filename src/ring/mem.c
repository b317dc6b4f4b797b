/* mem.c: see mem.h.
 *
 * All of it comes from one jemalloc arena of our own, so that what the library holds can be counted and
 * does not mix with the host's heap. Arena and thread caches are explicit: with the automatic cache of
 * jemalloc, small objects would come from whatever arena the calling thread uses otherwise. Each thread has
 * one cache of its own (a cache is not locked), made at its first call and destroyed when it ends; a thread
 * that cannot have one, or that frees after its cache went, goes to the arena directly.
 *
 * Under AddressSanitizer the objects come from its allocator instead, and freed slab objects are poisoned:
 * otherwise it would see none of our mistakes. Under ThreadSanitizer likewise: it would take memory that goes
 * from one thread to another through jemalloc for shared.
 *
 * MEM_HOST: from the program's own malloc. For a library that programs load while they run (src/compat):
 * jemalloc keeps 2.6 KB in each thread's static storage, and what glibc leaves free of that for libraries
 * that come late is less.
 */
#include "mem.h"
#include "sanitizers.h"

#include <assert.h>
#include <jemalloc/jemalloc.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef ASAN
/* The sanitizer's interface; gcc 12 has it without all of its headers. */
void __asan_poison_memory_region(const volatile void *p, size_t n);
void __asan_unpoison_memory_region(const volatile void *p, size_t n);
#define slab_poison(p, n)   __asan_poison_memory_region(p, n)
#define slab_unpoison(p, n) __asan_unpoison_memory_region(p, n)
#else
#define slab_poison(p, n)   ((void)0)
#define slab_unpoison(p, n) ((void)0)
#endif

#if defined(ASAN) || defined(TSAN) || defined(MEM_HOST)
void *mem_alloc(size_t size)
{
	return calloc(1, size ? size : 1);
}
void *mem_realloc(void *p, size_t size)
{
	return realloc(p, size ? size : 1);
}
void mem_free(void *p, size_t size_hint)
{
	free(p);
}
#ifdef MEM_HOST
size_t mem_allocated(void)
{
	return mallinfo2().uordblks;
}
#else
size_t __sanitizer_get_current_allocated_bytes(void);

size_t mem_allocated(void)
{
	return __sanitizer_get_current_allocated_bytes();
}
#endif

#else

/* The arena's index + 1 and the key's number + 1; 0 = none yet. Never given back: the library may be used
 * again. Two threads that come first at once both make one; the second gives its own up. */
static atomic_uint arena, cache_key;

enum { CACHE_NEW, CACHE_USED, CACHE_NONE };
static __thread unsigned cache_id;
static __thread unsigned char cache_state;

/* Pages that became free go back at once. What the library frees in bulk are passing buffers (a listing, a
 * large message), and a program that embeds it reads its resident size right behind them. */
static void arena_no_decay(unsigned index)
{
	static const char *const what[] = { "dirty", "muzzy" };
	ssize_t at_once = 0;
	char name[64];

	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof name, "arena.%u.%s_decay_ms", index, what[i]);
		mallctl(name, NULL, NULL, &at_once, sizeof at_once);
	}
}

static int arena_flags(void)
{
	unsigned seen = atomic_load_explicit(&arena, memory_order_acquire), made;
	size_t len = sizeof made;

	if (!seen) {
		if (mallctl("arenas.create", &made, &len, NULL, 0))
			return 0;
		arena_no_decay(made);
		if (atomic_compare_exchange_strong(&arena, &seen, made + 1))
			seen = made + 1;
	}
	return MALLOCX_ARENA(seen - 1);
}

static void cache_drop(void *unused)
{
	unsigned id = cache_id;

	(void)unused;
	cache_state = CACHE_NONE;
	mallctl("tcache.destroy", NULL, NULL, &id, sizeof id);
}

static bool cache_key_get(pthread_key_t *key)
{
	unsigned seen = atomic_load_explicit(&cache_key, memory_order_acquire);

	if (!seen) {
		if (pthread_key_create(key, cache_drop))
			return false;
		if (atomic_compare_exchange_strong(&cache_key, &seen, *key + 1))
			return true;
		pthread_key_delete(*key);
	}
	*key = seen - 1;
	return true;
}

static void cache_make(void)
{
	size_t len = sizeof cache_id;
	pthread_key_t key;

	cache_state = CACHE_NONE;
	if (!cache_key_get(&key) || mallctl("tcache.create", &cache_id, &len, NULL, 0))
		return;
	/* The key's only purpose is its destructor, which runs for values other than NULL. */
	if (pthread_setspecific(key, &cache_state)) {
		mallctl("tcache.destroy", NULL, NULL, &cache_id, sizeof cache_id);
		return;
	}
	cache_state = CACHE_USED;
}

static int cache_flags(void)
{
	if (cache_state == CACHE_NEW)
		cache_make();
	return cache_state == CACHE_USED ? MALLOCX_TCACHE(cache_id) : MALLOCX_TCACHE_NONE;
}

void *mem_alloc(size_t size)
{
	return mallocx(size ? size : 1, MALLOCX_ZERO | arena_flags() | cache_flags());
}

void *mem_realloc(void *p, size_t size)
{
	int flags = arena_flags() | cache_flags();

	size = size ? size : 1;
	return p ? rallocx(p, size, flags) : mallocx(size, flags);
}

void mem_free(void *p, size_t size_hint)
{
	if (!p)
		return;
	if (size_hint)
		sdallocx(p, size_hint, cache_flags());
	else
		dallocx(p, cache_flags());
}

static size_t arena_stat(unsigned index, const char *kind)
{
	char name[64];
	size_t n = 0, len = sizeof n;

	snprintf(name, sizeof name, "stats.arenas.%u.%s.allocated", index, kind);
	return mallctl(name, &n, &len, NULL, 0) ? 0 : n;
}

size_t mem_allocated(void)
{
	unsigned seen = atomic_load_explicit(&arena, memory_order_acquire);
	uint64_t epoch = 1;

	if (!seen)
		return 0;
	/* jemalloc's statistics are a snapshot of the last "epoch". */
	mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
	return arena_stat(seen - 1, "small") + arena_stat(seen - 1, "large");
}
#endif

char *mem_strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = mem_alloc(n);

	return p ? memcpy(p, s, n) : NULL;
}

/* Slabs: blocks of objects, linked by their first word; free objects are linked by theirs. */

enum { SLAB_ALIGN = 16, SLAB_BLOCK = 128 << 10, SLAB_BLOCK_MIN = 8 };

struct slab_block {
	struct slab_block *next;
	/* objects from SLAB_ALIGN on */
};

static size_t block_objects(const struct slab *s)
{
	size_t n = (SLAB_BLOCK - SLAB_ALIGN) / s->size;

	if (n < SLAB_BLOCK_MIN)
		n = SLAB_BLOCK_MIN;
	return s->max && n > s->max ? s->max : n;
}

static size_t block_size(const struct slab *s)
{
	return SLAB_ALIGN + block_objects(s) * s->size;
}

void slab_init(struct slab *s, size_t size, unsigned max)
{
	*s = (struct slab){ .size = (size + SLAB_ALIGN - 1) / SLAB_ALIGN * SLAB_ALIGN, .max = max };
}

void slab_fini(struct slab *s)
{
	struct slab_block *b = s->blocks, *next;

	assert(!s->live);
	for (; b; b = next) {
		next = b->next;
		slab_unpoison(b, block_size(s));
		mem_free(b, block_size(s));
	}
	s->blocks = s->free = NULL;
	s->fresh_left = 0;
}

static void free_push(struct slab *s, void *p)
{
	*(void **)p = s->free;
	s->free = p;
	slab_poison(p, s->size);
}

static bool slab_grow(struct slab *s)
{
	struct slab_block *b = mem_alloc(block_size(s));

	if (!b)
		return false;
	b->next = s->blocks;
	s->blocks = b;
	/* Handed out from the front as they are needed: what was never used is never touched, and costs no
	 * memory. */
	s->fresh = (char *)b + SLAB_ALIGN;
	s->fresh_left = (unsigned)block_objects(s);
	slab_poison(s->fresh, s->fresh_left * s->size);
	return true;
}

void *slab_get(struct slab *s)
{
	void *p;

	if (s->max && s->live >= s->max)
		return NULL;
	if (!s->free && !s->fresh_left && !slab_grow(s))
		return NULL;
	if (s->free) {
		p = s->free;
		slab_unpoison(p, s->size);
		s->free = *(void **)p;
	} else {
		p = s->fresh;
		slab_unpoison(p, s->size);
		s->fresh += s->size;
		s->fresh_left--;
	}
	s->live++;
	return memset(p, 0, s->size);
}

void slab_put(struct slab *s, void *p)
{
	if (!p)
		return;
	assert(s->live);
	s->live--;
	free_push(s, p);
}
