/* text.h: bytes of names, sizes, modes and times as words for a terminal.
 *
 * A name on CephFS is any bytes but '/' and NUL. What is not clean UTF-8, or could move a terminal's cursor
 * or hide text, is shown quoted: "a\x80b". Pure functions: no I/O. Without memory the process ends.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_SIZE_MAX = 24, TEXT_MODE_MAX = 12, TEXT_TIME_MAX = 48 };

bool text_is_utf8(const char *s, size_t len);
/* The bytes themselves, or quoted when they are not safe to print. The caller's, free(). */
char *text_name(const char *s, size_t len);
/* Words: as text_name() without its quotes, for text that nobody parses. The caller's, free(). */
char *text_words(const char *s);
/* Valid UTF-8 of *out_len bytes: each byte that is not part of any becomes \xHH. The caller's, free(). */
char *text_utf8(const char *s, size_t len, size_t *out_len);
/* Lower-case hexadecimal. The caller's, free(). */
char *text_hex(const void *p, size_t len);
/* Columns on the terminal, as the locale has it. */
size_t text_width(const char *s);

/* "1.4G"; below 1024 plain. */
const char *text_size(char buf[TEXT_SIZE_MAX], uint64_t bytes);
/* "drwxr-xr-x" */
const char *text_mode(char buf[TEXT_MODE_MAX], uint32_t mode);
/* "directory", "regular file" ... static */
const char *text_type(uint32_t mode);
/* Local time to the minute; `iso`: UTC with nanoseconds, "2026-11-22T09:49:00.123456789Z". */
const char *text_time(char buf[TEXT_TIME_MAX], int64_t ns, bool iso);
