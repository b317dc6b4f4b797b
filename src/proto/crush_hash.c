/* crush_hash.c: see crush_hash.h. */
#include "crush.h"
#include "crush_hash.h"

uint32_t crush_hash2(uint32_t a, uint32_t b)
{
	uint32_t h = CRUSH_HASH_SEED ^ a ^ b, x = CRUSH_HASH_X, y = CRUSH_HASH_Y;

	hash_mix(&a, &b, &h);
	hash_mix(&x, &a, &h);
	hash_mix(&b, &y, &h);
	return h;
}

uint32_t crush_hash3(uint32_t a, uint32_t b, uint32_t c)
{
	return hash_three(a, b, c);
}

uint32_t crush_hash4(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	uint32_t h = CRUSH_HASH_SEED ^ a ^ b ^ c ^ d, x = CRUSH_HASH_X, y = CRUSH_HASH_Y;

	hash_mix(&a, &b, &h);
	hash_mix(&c, &d, &h);
	hash_mix(&a, &x, &h);
	hash_mix(&y, &b, &h);
	hash_mix(&c, &x, &h);
	hash_mix(&y, &d, &h);
	return h;
}
