/* span.c: see span.h. */
#include "span.h"

#include "../ring/mem.h"

#include <errno.h>
#include <string.h>

enum { WORD = 64, WORDS = PAGE_BYTES / WORD };

/* ---- the map ---- */

/* Calls are few and short: byte runs word by word. */
static void map_fill(uint64_t *map, uint32_t from, uint32_t to, bool on)
{
	while (from < to) {
		uint32_t bit = from % WORD;
		uint32_t n = WORD - bit < to - from ? WORD - bit : to - from;
		uint64_t mask = (n == WORD ? ~0ull : (1ull << n) - 1) << bit;

		if (on)
			map[from / WORD] |= mask;
		else
			map[from / WORD] &= ~mask;
		from += n;
	}
}

/* The first bit that is `on`, at or behind `at`; PAGE_BYTES: none. */
static uint32_t map_find(const uint64_t *map, uint32_t at, bool on)
{
	while (at < PAGE_BYTES) {
		uint64_t word = (on ? map[at / WORD] : ~map[at / WORD]) >> (at % WORD);

		if (word)
			return at + (uint32_t)__builtin_ctzll(word);
		at = (at / WORD + 1) * WORD;
	}
	return PAGE_BYTES;
}

static int to_map(struct span *s)
{
	uint64_t *map = mem_alloc(SPAN_MAP_BYTES);

	if (!map)
		return -ENOMEM;
	map_fill(map, s->lo, s->hi, true);
	s->map = map;
	return 0;
}

/* Back to one run, or none, if it is that. */
static void from_map(struct span *s)
{
	uint32_t lo = map_find(s->map, 0, true);
	uint32_t hi = map_find(s->map, lo, false);

	if (map_find(s->map, hi, true) < PAGE_BYTES)
		return;
	mem_free(s->map, SPAN_MAP_BYTES);
	*s = (struct span){ 0 };
	if (lo < hi) {
		s->lo = (uint16_t)lo;
		s->hi = (uint16_t)hi;
	}
}

/* ---- changing ---- */

/* Would there be a second run? */
static bool makes_two(const struct span *s, uint32_t from, uint32_t to)
{
	return !s->map && !span_empty(s) && (from > s->hi || to < s->lo);
}

int span_reserve(struct span *s, uint32_t from, uint32_t to)
{
	return makes_two(s, from, to) ? to_map(s) : 0;
}

int span_add(struct span *s, uint32_t from, uint32_t to)
{
	if (span_empty(s)) {
		s->lo = (uint16_t)from;
		s->hi = (uint16_t)to;
		return 0;
	}
	if (!s->map && !makes_two(s, from, to)) {
		s->lo = from < s->lo ? (uint16_t)from : s->lo;
		s->hi = to > s->hi ? (uint16_t)to : s->hi;
		return 0;
	}
	if (!s->map && to_map(s))
		return -ENOMEM;
	map_fill(s->map, from, to, true);
	from_map(s);
	return 0;
}

int span_del(struct span *s, uint32_t from, uint32_t to)
{
	if (s->map) {
		map_fill(s->map, from, to, false);
		from_map(s);
		return 0;
	}
	if (to <= s->lo || s->hi <= from)
		return 0;
	if (s->lo < from && to < s->hi) {
		if (to_map(s))
			return -ENOMEM;
		map_fill(s->map, from, to, false);
		return 0;
	}
	if (s->lo < from)
		s->hi = (uint16_t)from;
	else if (to < s->hi)
		s->lo = (uint16_t)to;
	else
		s->lo = s->hi = 0;
	return 0;
}

void span_clear(struct span *s)
{
	mem_free(s->map, SPAN_MAP_BYTES);
	*s = (struct span){ 0 };
}

/* ---- asking ---- */

uint32_t span_bytes(const struct span *s)
{
	uint32_t n = 0;

	if (!s->map)
		return (uint32_t)s->hi - s->lo;
	for (unsigned w = 0; w < WORDS; w++)
		n += (uint32_t)__builtin_popcountll(s->map[w]);
	return n;
}

bool span_next(const struct span *s, uint32_t at, uint32_t *from, uint32_t *to)
{
	if (s->map) {
		*from = map_find(s->map, at, true);
		*to = map_find(s->map, *from, false);
	} else {
		*from = at > s->lo ? at : s->lo;
		*to = s->hi;
	}
	return *from < *to;
}

bool span_gap(const struct span *s, uint32_t at, uint32_t *from, uint32_t *to)
{
	if (s->map) {
		*from = map_find(s->map, at, false);
		*to = map_find(s->map, *from, true);
	} else if (at < s->lo) {
		*from = at;
		*to = s->lo;
	} else {
		*from = at < s->hi ? s->hi : at;
		*to = PAGE_BYTES;
	}
	return *from < *to;
}

bool span_has(const struct span *s, uint32_t from, uint32_t to)
{
	uint32_t a, b;

	return !span_gap(s, from, &a, &b) || a >= to;
}

bool span_tail(const struct span *s, uint32_t *from)
{
	uint32_t at = PAGE_BYTES;

	if (!span_has(s, PAGE_BYTES - 1, PAGE_BYTES))
		return false;
	if (s->map)
		while (at && (s->map[(at - 1) / WORD] >> ((at - 1) % WORD) & 1))
			at--;
	else
		at = s->lo;
	*from = at;
	return true;
}

bool span_within(const struct span *a, const struct span *b)
{
	uint32_t from, to;

	for (uint32_t at = 0; span_next(a, at, &from, &to); at = to)
		if (!span_has(b, from, to))
			return false;
	return true;
}
