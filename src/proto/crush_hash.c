/* crush_hash.c: the hash of CRUSH: Robert Jenkins's mix of 96 bits, run over two to four numbers and two
 * constants, three at a time. ceph src/crush/hash.c (rjenkins1); doc/protocol.md 11.2.
 */
#include "crush.h"

#define SEED  1315423911u
#define PAD_X 231232u
#define PAD_Y 1232u

static inline void mix_round(uint32_t *a, uint32_t *b, uint32_t *c, unsigned right, unsigned left,
			     unsigned last)
{
	*a = (*a - *b - *c) ^ (*c >> right);
	*b = (*b - *c - *a) ^ (*a << left);
	*c = (*c - *a - *b) ^ (*b >> last);
}

static inline void mix(uint32_t *a, uint32_t *b, uint32_t *c)
{
	mix_round(a, b, c, 13, 8, 13);
	mix_round(a, b, c, 12, 16, 5);
	mix_round(a, b, c, 3, 10, 15);
}

uint32_t crush_hash2(uint32_t a, uint32_t b)
{
	uint32_t h = SEED ^ a ^ b, x = PAD_X, y = PAD_Y;

	mix(&a, &b, &h);
	mix(&x, &a, &h);
	mix(&b, &y, &h);
	return h;
}

uint32_t crush_hash3(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t h = SEED ^ a ^ b ^ c, x = PAD_X, y = PAD_Y;

	mix(&a, &b, &h);
	mix(&c, &x, &h);
	mix(&y, &a, &h);
	mix(&b, &x, &h);
	mix(&y, &c, &h);
	return h;
}

uint32_t crush_hash4(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	uint32_t h = SEED ^ a ^ b ^ c ^ d, x = PAD_X, y = PAD_Y;

	mix(&a, &b, &h);
	mix(&c, &d, &h);
	mix(&a, &x, &h);
	mix(&y, &b, &h);
	mix(&c, &x, &h);
	mix(&y, &d, &h);
	return h;
}
