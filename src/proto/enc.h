/* enc.h: writing Ceph's encoding into a buffer that grows.
 *
 * The mirror of dec.h: integers little-endian; sections leave a hole for their length that enc_close()
 * fills. Running out of memory or over the limit sticks in `err`; later writes do nothing, so an encoder
 * writes straight on and looks at `err` once.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { ENC_LIMIT = 64 << 20 }; /* bytes: no message of ours is larger */

struct enc {
	uint8_t *buf; /* owned (malloc'd), unless `fixed` */
	size_t len, cap;
	int err;            /* 0, -ENOMEM or -EMSGSIZE */
	unsigned fixed : 1; /* buf is the caller's: full means -EMSGSIZE */
};

void enc_init(struct enc *e);
/* Writes into the caller's memory only. */
void enc_init_fixed(struct enc *e, void *buf, size_t cap);
void enc_free(struct enc *e);
/* Empty again, keeping the memory. */
static inline void enc_reset(struct enc *e)
{
	e->len = 0;
	e->err = 0;
}
/* Room for `n` bytes to be written by the caller, or NULL with err set. */
uint8_t *enc_room(struct enc *e, size_t n);
void enc_zero(struct enc *e, size_t n);
void enc_bytes(struct enc *e, const void *p, size_t n);
/* u32 length + bytes. */
void enc_blob(struct enc *e, const void *p, size_t n);
void enc_str(struct enc *e, const char *s);
/* ns since the epoch as u32 sec, u32 nsec. */
void enc_time(struct enc *e, uint64_t ns);
/* u8 version, u8 compat, u32 hole; give the returned mark to enc_close(). */
size_t enc_section(struct enc *e, uint8_t version, uint8_t compat);
/* u32 hole only: a blob of yet unknown length. */
size_t enc_hole(struct enc *e);
void enc_close(struct enc *e, size_t mark);

static inline void enc_u8(struct enc *e, uint8_t v)
{
	uint8_t *p = enc_room(e, 1);
	if (p)
		*p = v;
}
static inline void enc_u16(struct enc *e, uint16_t v)
{
	uint8_t *p = enc_room(e, 2);
	if (p)
		memcpy(p, &v, 2);
}
static inline void enc_u32(struct enc *e, uint32_t v)
{
	uint8_t *p = enc_room(e, 4);
	if (p)
		memcpy(p, &v, 4);
}
static inline void enc_u64(struct enc *e, uint64_t v)
{
	uint8_t *p = enc_room(e, 8);
	if (p)
		memcpy(p, &v, 8);
}
