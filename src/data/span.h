/* span.h: which bytes of one page: valid, dirty.
 *
 * Nearly always that is one run, [lo, hi); only where small writes left holes is it a map of bits, made when
 * the second run begins and dropped when the runs have grown together. Pure.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { PAGE_SHIFT = 12, PAGE_BYTES = 1 << PAGE_SHIFT, SPAN_MAP_BYTES = PAGE_BYTES / 8 };

struct span {
	uint16_t lo, hi; /* the run; without a map */
	uint64_t *map;   /* owned or NULL: the bytes, and lo and hi say nothing */
};
/* [from, to), not empty and within a page, is put in or taken out. 0; -ENOMEM: nothing has changed. What is a
 * whole run, or reaches over the end of one, is taken out without memory. */
int span_add(struct span *s, uint32_t from, uint32_t to);
int span_del(struct span *s, uint32_t from, uint32_t to);
/* Afterwards the same span_add() cannot fail. 0, -ENOMEM. */
int span_reserve(struct span *s, uint32_t from, uint32_t to);
/* The run that ends at the page's end begins at *from. False: there is none. */
bool span_tail(const struct span *s, uint32_t *from);
void span_clear(struct span *s);
static inline bool span_empty(const struct span *s)
{
	return !s->map && s->lo == s->hi;
}
static inline bool span_full(const struct span *s)
{
	return !s->map && s->lo == 0 && s->hi == PAGE_BYTES;
}
uint32_t span_bytes(const struct span *s);
/* The first run that ends behind `at`, cut to begin there. False: none. */
bool span_next(const struct span *s, uint32_t at, uint32_t *from, uint32_t *to);
/* The same of what is not in it. */
bool span_gap(const struct span *s, uint32_t at, uint32_t *from, uint32_t *to);
bool span_has(const struct span *s, uint32_t from, uint32_t to);
/* All of `a` is in `b`. */
bool span_within(const struct span *a, const struct span *b);
