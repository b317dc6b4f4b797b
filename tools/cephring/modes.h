/* modes.h: permission bits and sizes as people write them. Pure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Octal, or clauses like u+x,go-w,a=rX,g=u,o+r-w as chmod(1) has them; but without a class the umask does not
 * count. */
bool modes_valid(const char *words);
/* The permission bits that `words` make of `mode` (with its type, for X). */
uint32_t modes_apply(const char *words, uint32_t mode);
/* 4096, 16M (powers of 1024); up to INT64_MAX. */
bool modes_size(const char *text, uint64_t *bytes);
