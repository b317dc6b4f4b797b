/* le.h: little-endian integers at any address, for decoders and encoders of fixed-size parts whose bounds
 * were checked once for the whole part (dec_take, enc_room). Pure.
 */
#pragma once
#include <stdint.h>
#include <string.h>

static inline uint16_t le16_get(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t le32_get(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t le64_get(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* utime (u32 sec, u32 nsec) in ns since the epoch. */
static inline uint64_t le_time_get(const uint8_t *p)
{
	return (uint64_t)le32_get(p) * 1000000000u + le32_get(p + 4);
}

static inline void le16_put(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void le32_put(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void le64_put(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void le_time_put(uint8_t *p, uint64_t ns)
{
	le32_put(p, (uint32_t)(ns / 1000000000u));
	le32_put(p + 4, (uint32_t)(ns % 1000000000u));
}
