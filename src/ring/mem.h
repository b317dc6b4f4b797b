/* mem.h: the library's own memory: a jemalloc arena of its own, reached through the mallocx family only,
 * and slabs for objects of one size. The host program's malloc is never replaced. */
#pragma once
#include <stddef.h>

/* Zeroed; NULL when memory is out. Any thread. */
void *mem_alloc(size_t size);
void *mem_realloc(void *p, size_t size);  /* not zeroed beyond the old size */
void mem_free(void *p, size_t size_hint); /* size_hint 0 = unknown */
char *mem_strdup(const char *s);
size_t mem_allocated(void); /* bytes in use in the arena, approximately */

/* Objects of one size for one thread; freed ones are reused first. Bounded by `max` objects (0 = none). */
struct slab {
	size_t size;
	void *free; /* singly linked through the objects */
	void *blocks;
	char *fresh; /* the newest block's objects that were never used */
	unsigned fresh_left;
	unsigned live, max;
};
void slab_init(struct slab *s, size_t size, unsigned max);
void slab_fini(struct slab *s); /* every object is gone */
/* Zeroed; NULL when memory or the bound is out. */
void *slab_get(struct slab *s);
void slab_put(struct slab *s, void *p);
