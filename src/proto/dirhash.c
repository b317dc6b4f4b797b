/* dirhash.c: the hash of a name inside a directory. A directory's layout says which of two it uses; the low
 * 24 bits choose the fragment that holds the name, and order the names inside it.
 */
#include "frag.h"

#include "le.h"

/* The kernel's old dcache hash. */
static uint32_t hash_linux(const uint8_t *p, size_t len)
{
	uint32_t h = 0;

	for (; len; len--, p++)
		h = (h + ((uint32_t)*p << 4) + (*p >> 4)) * 11;
	return h;
}

struct abc {
	uint32_t a, b, c;
};

static inline void mix_round(struct abc *s, unsigned right, unsigned left, unsigned last)
{
	s->a = (s->a - s->b - s->c) ^ (s->c >> right);
	s->b = (s->b - s->c - s->a) ^ (s->a << left);
	s->c = (s->c - s->a - s->b) ^ (s->b >> last);
}

static inline void mix(struct abc *s)
{
	mix_round(s, 13, 8, 13);
	mix_round(s, 12, 16, 5);
	mix_round(s, 3, 10, 15);
}

/* Up to four bytes as the low bytes of a word. */
static uint32_t partial_word(const uint8_t *p, size_t len)
{
	uint32_t w = 0;

	for (size_t i = 0; i < len && i < 4; i++)
		w |= (uint32_t)p[i] << (8 * i);
	return w;
}

/* Robert Jenkins's hash of 1996: blocks of twelve bytes; c's low byte belongs to the length. */
static uint32_t hash_rjenkins(const uint8_t *p, size_t len)
{
	struct abc s = { 0x9e3779b9u, 0x9e3779b9u, 0 };
	size_t left = len;

	for (; left >= 12; left -= 12, p += 12) {
		s.a += le32_get(p);
		s.b += le32_get(p + 4);
		s.c += le32_get(p + 8);
		mix(&s);
	}
	s.c += (uint32_t)len;
	s.a += partial_word(p, left);
	if (left > 4)
		s.b += partial_word(p + 4, left - 4);
	if (left > 8)
		s.c += partial_word(p + 8, left - 8) << 8;
	mix(&s);
	return s.c;
}

uint32_t dir_hash(uint8_t hash, const char *name, size_t len)
{
	const uint8_t *p = (const uint8_t *)name;

	return hash == DIR_HASH_RJENKINS ? hash_rjenkins(p, len) : hash_linux(p, len);
}
