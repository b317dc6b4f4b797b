/* enc.c: see enc.h. */
#include "enc.h"

#include <errno.h>
#include <stdlib.h>

void enc_init(struct enc *e)
{
	*e = (struct enc){ 0 };
}

void enc_init_fixed(struct enc *e, void *buf, size_t cap)
{
	*e = (struct enc){ .buf = buf, .cap = cap, .fixed = 1 };
}

void enc_free(struct enc *e)
{
	if (!e->fixed)
		free(e->buf);
	*e = (struct enc){ 0 };
}

static int enc_grow(struct enc *e, size_t need)
{
	size_t cap = e->cap ? e->cap : 256;
	uint8_t *buf;

	if (e->fixed || need > ENC_LIMIT)
		return e->err = -EMSGSIZE;
	while (cap < need)
		cap *= 2;
	buf = realloc(e->buf, cap);
	if (!buf)
		return e->err = -ENOMEM;
	e->buf = buf;
	e->cap = cap;
	return 0;
}

uint8_t *enc_room(struct enc *e, size_t n)
{
	uint8_t *p;

	if (e->err)
		return NULL;
	if ((n > e->cap - e->len || !e->buf) && (n > ENC_LIMIT || enc_grow(e, e->len + n))) {
		e->err = e->err ? e->err : -EMSGSIZE;
		return NULL;
	}
	p = e->buf + e->len;
	e->len += n;
	return p;
}

void enc_zero(struct enc *e, size_t n)
{
	uint8_t *p = enc_room(e, n);

	if (p)
		memset(p, 0, n);
}

void enc_bytes(struct enc *e, const void *src, size_t n)
{
	uint8_t *p = enc_room(e, n);

	if (p && n)
		memcpy(p, src, n);
}

void enc_blob(struct enc *e, const void *p, size_t n)
{
	if (n > ENC_LIMIT) {
		e->err = -EMSGSIZE;
		return;
	}
	enc_u32(e, (uint32_t)n);
	enc_bytes(e, p, n);
}

void enc_str(struct enc *e, const char *s)
{
	enc_blob(e, s, strlen(s));
}

void enc_time(struct enc *e, uint64_t ns)
{
	enc_u32(e, (uint32_t)(ns / 1000000000u));
	enc_u32(e, (uint32_t)(ns % 1000000000u));
}

size_t enc_hole(struct enc *e)
{
	enc_u32(e, 0);
	return e->len;
}

size_t enc_section(struct enc *e, uint8_t version, uint8_t compat)
{
	enc_u8(e, version);
	enc_u8(e, compat);
	return enc_hole(e);
}

void enc_close(struct enc *e, size_t mark)
{
	uint32_t len;

	if (e->err)
		return;
	len = (uint32_t)(e->len - mark);
	memcpy(e->buf + mark - 4, &len, 4);
}
