/* proto_use.h: what the fuzz targets of frames, logins and texts share: reading all that a decoder lent out,
 * and text that ends exactly where its memory ends. */
#pragma once
#include <stdlib.h>

#include "proto/dec.h"

static inline void use(struct slice s)
{
	for (uint32_t i = 0; i < s.len; i++)
		(void)*(const volatile uint8_t *)&s.p[i];
}

static inline void must(int truth)
{
	if (!truth)
		abort();
}

/* Every refusal says why. */
static inline void must_say(int res, const char *why)
{
	must(res <= 0);
	must(!res || why);
}

/* A string of its own; the caller frees it. */
static inline char *text_of(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);

	must(s != NULL);
	if (size)
		memcpy(s, data, size);
	s[size] = 0;
	return s;
}
