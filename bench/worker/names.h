/* names.h: rows of names, made before the clock runs. */
#pragma once

#include "data.h"

#include <stddef.h>
#include <stdint.h>

struct names {
	char (*text)[DATA_PATH_MAX]; /* owned */
	const char **v;              /* owned; v[i] is text[i] */
	size_t n;
};

int names_new(struct names *s, size_t n);
void names_free(struct names *s);
/* one(first), one(first + 1), ...: `n` of them. */
int names_make(struct names *s, size_t n, uint64_t first, void (*one)(char out[DATA_PATH_MAX], uint64_t i));
