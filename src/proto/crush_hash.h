/* crush_hash.h: the hash of CRUSH, to be computed in place: Robert Jenkins's mix of 96 bits, run over two to
 * four numbers and two constants, three at a time. Internal to proto. ceph src/crush/hash.c (rjenkins1);
 * doc/protocol.md 14.6.
 */
#pragma once
#include <stdint.h>

#define CRUSH_HASH_SEED 1315423911u
#define CRUSH_HASH_X    231232u
#define CRUSH_HASH_Y    1232u

static inline void hash_mix_round(uint32_t *a, uint32_t *b, uint32_t *c, unsigned right, unsigned left,
				  unsigned last)
{
	*a = (*a - *b - *c) ^ (*c >> right);
	*b = (*b - *c - *a) ^ (*a << left);
	*c = (*c - *a - *b) ^ (*b >> last);
}

static inline void hash_mix(uint32_t *a, uint32_t *b, uint32_t *c)
{
	hash_mix_round(a, b, c, 13, 8, 13);
	hash_mix_round(a, b, c, 12, 16, 5);
	hash_mix_round(a, b, c, 3, 10, 15);
}

static inline uint32_t hash_three(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t h = CRUSH_HASH_SEED ^ a ^ b ^ c, x = CRUSH_HASH_X, y = CRUSH_HASH_Y;

	hash_mix(&a, &b, &h);
	hash_mix(&c, &x, &h);
	hash_mix(&y, &a, &h);
	hash_mix(&b, &x, &h);
	hash_mix(&y, &c, &h);
	return h;
}
