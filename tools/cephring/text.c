/* text.c: see text.h. */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <wchar.h>

static char *must_alloc(size_t size)
{
	char *p = malloc(size);

	if (!p) {
		fputs("cephring: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

/* Length of the well-formed UTF-8 sequence at s (RFC 3629: no overlong forms, no surrogates), 0 = none. */
static size_t utf8_next(const char *s, size_t len, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : 4;

	if (n == 4 && (p[0] < 0xf0 || p[0] > 0xf4))
		return 0;
	if (n > len)
		return 0;
	*code = n == 1 ? p[0] : p[0] & (0x7f >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (p[i] & 0x3f);
	}
	if (*code < least[n] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return n;
}

/* Controls, and the characters that turn the direction of text around. */
static bool printable(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return false;
	return c != 0x200e && c != 0x200f && !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069);
}

bool text_is_utf8(const char *s, size_t len)
{
	uint32_t code;

	while (len) {
		size_t n = utf8_next(s, len, &code);

		if (!n)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

static bool plain(const char *s, size_t len)
{
	uint32_t code;

	if (!len || s[0] == '"')
		return false;
	while (len) {
		size_t n = utf8_next(s, len, &code);

		if (!n || !printable(code))
			return false;
		s += n;
		len -= n;
	}
	return true;
}

/* Escapes what is not printable, and the characters in `also`; returns the end. */
static char *escape(char *p, const char *s, size_t len, const char *also)
{
	uint32_t code;

	while (len) {
		size_t n = utf8_next(s, len, &code);
		bool shown = n && printable(code);

		n = n ? n : 1;
		if (!shown) {
			for (size_t i = 0; i < n; i++)
				p += sprintf(p, "\\x%02x", (unsigned char)s[i]);
		} else {
			if (strchr(also, *s))
				*p++ = '\\';
			memcpy(p, s, n);
			p += n;
		}
		s += n;
		len -= n;
	}
	*p = '\0';
	return p;
}

char *text_name(const char *s, size_t len)
{
	char *out = must_alloc(len * 4 + 3);

	if (plain(s, len)) {
		memcpy(out, s, len);
		out[len] = '\0';
		return out;
	}
	out[0] = '"';
	strcpy(escape(out + 1, s, len, "\"\\"), "\"");
	return out;
}

char *text_words(const char *s)
{
	char *out = must_alloc(strlen(s) * 4 + 1);

	escape(out, s, strlen(s), "");
	return out;
}

char *text_utf8(const char *s, size_t len, size_t *out_len)
{
	char *out = must_alloc(len * 4 + 1), *p = out;
	uint32_t code;

	while (len) {
		size_t n = utf8_next(s, len, &code);

		if (n) {
			memcpy(p, s, n);
			p += n;
		} else {
			n = 1;
			p += sprintf(p, "\\x%02x", (unsigned char)*s);
		}
		s += n;
		len -= n;
	}
	*p = '\0';
	*out_len = p - out;
	return out;
}

char *text_hex(const void *bytes, size_t len)
{
	const unsigned char *b = bytes;
	char *out = must_alloc(len * 2 + 1);

	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", b[i]);
	out[2 * len] = '\0';
	return out;
}

size_t text_width(const char *s)
{
	mbstate_t state = { 0 };
	size_t width = 0;

	while (*s) {
		wchar_t c;
		size_t n = mbrtowc(&c, s, MB_CUR_MAX, &state);
		int w = n == (size_t)-1 || n == (size_t)-2 ? 1 : wcwidth(c);

		if (n == (size_t)-1 || n == (size_t)-2) {
			n = 1;
			memset(&state, 0, sizeof state);
		}
		width += w > 0 ? w : 0;
		s += n;
	}
	return width;
}

const char *text_size(char buf[TEXT_SIZE_MAX], uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	double v = bytes;
	unsigned u = 0;

	while (v >= 1023.95 && u < sizeof units - 2) {
		v /= 1024;
		u++;
	}
	if (!u)
		snprintf(buf, TEXT_SIZE_MAX, "%u", (unsigned)bytes);
	else
		snprintf(buf, TEXT_SIZE_MAX, v < 9.95 ? "%.1f%c" : "%.0f%c", v, units[u]);
	return buf;
}

static char type_letter(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFREG:
		return '-';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	default:
		return '?';
	}
}

const char *text_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symbolic link";
	case S_IFREG:
		return "regular file";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "character device";
	case S_IFBLK:
		return "block device";
	default:
		return "unknown";
	}
}

const char *text_mode(char buf[TEXT_MODE_MAX], uint32_t mode)
{
	static const char rwx[] = "rwxrwxrwx";

	buf[0] = type_letter(mode);
	for (int i = 0; i < 9; i++)
		buf[1 + i] = mode & (0400 >> i) ? rwx[i] : '-';
	if (mode & S_ISUID)
		buf[3] = mode & S_IXUSR ? 's' : 'S';
	if (mode & S_ISGID)
		buf[6] = mode & S_IXGRP ? 's' : 'S';
	if (mode & S_ISVTX)
		buf[9] = mode & S_IXOTH ? 't' : 'T';
	buf[10] = '\0';
	return buf;
}

const char *text_time(char buf[TEXT_TIME_MAX], int64_t ns, bool iso)
{
	int64_t rest = ns % 1000000000;
	time_t sec = ns / 1000000000;
	struct tm tm;
	size_t n;

	if (rest < 0) {
		rest += 1000000000;
		sec--;
	}
	if (!iso) {
		localtime_r(&sec, &tm);
		strftime(buf, TEXT_TIME_MAX, "%Y-%m-%d %H:%M", &tm);
		return buf;
	}
	gmtime_r(&sec, &tm);
	n = strftime(buf, TEXT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, TEXT_TIME_MAX - n, ".%09uZ", (unsigned)rest);
	return buf;
}
