/* modes.c: see modes.h. */
#include "modes.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool octal(const char *words, uint32_t *mode)
{
	char *end;

	if (!isdigit((unsigned char)*words))
		return false;
	*mode = (uint32_t)strtoul(words, &end, 8);
	return !*end && *mode <= 07777;
}

/* [ugoa]* at *p: the bits of these classes. */
static uint32_t classes(const char **p)
{
	uint32_t who = 0;

	for (; **p && strchr("ugoa", **p); (*p)++)
		who |= **p == 'u' ? 04700u : **p == 'g' ? 02070u : **p == 'o' ? 01007u : 07777u;
	return who ? who : 07777;
}

/* The bits that one class has, for all classes: what g=u takes over. */
static uint32_t those_of(char who, uint32_t mode)
{
	return (mode >> (who == 'u' ? 6 : who == 'g' ? 3 : 0) & 7) * 0111;
}

/* u, g, o or [rwxXst]* at *p. */
static uint32_t bits(const char **p, uint32_t mode)
{
	uint32_t what = 0;

	if (**p && strchr("ugo", **p))
		return those_of(*(*p)++, mode);
	for (; **p && strchr("rwxXst", **p); (*p)++) {
		switch (**p) {
		case 'r':
			what |= 0444;
			break;
		case 'w':
			what |= 0222;
			break;
		case 'x':
			what |= 0111;
			break;
		case 'X':
			what |= S_ISDIR(mode) || (mode & 0111) ? 0111 : 0;
			break;
		case 's':
			what |= 06000;
			break;
		default:
			what |= 01000;
		}
	}
	return what;
}

/* All clauses; false: not a mode. */
static bool apply(const char *p, uint32_t *mode)
{
	uint32_t who = classes(&p), what;
	char how;

	for (;;) {
		how = *p++;
		if (how != '+' && how != '-' && how != '=')
			return false;
		what = bits(&p, *mode) & who;
		if (how == '+')
			*mode |= what;
		else if (how == '-')
			*mode &= ~what;
		else
			*mode = (*mode & ~who) | what;
		if (!*p)
			return true;
		if (*p == ',') {
			p++;
			who = classes(&p);
		}
	}
}

bool modes_valid(const char *words)
{
	uint32_t mode = 0;

	return octal(words, &mode) || apply(words, &mode);
}

uint32_t modes_apply(const char *words, uint32_t mode)
{
	uint32_t out = mode;

	if (!octal(words, &out))
		apply(words, &out);
	return out & 07777;
}

bool modes_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*bytes = strtoull(text, &end, 10);
	if (errno || *bytes > INT64_MAX)
		return false;
	if (!*end)
		return true;
	unit = strchr(units, toupper((unsigned char)*end));
	if (!unit || end[1] || *bytes > (uint64_t)INT64_MAX >> (10 * (unit - units + 1)))
		return false;
	*bytes <<= 10 * (unit - units + 1);
	return true;
}
