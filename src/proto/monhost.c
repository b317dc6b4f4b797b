/* monhost.c: see monhost.h. */
#include "monhost.h"

#include <arpa/inet.h>
#include <errno.h>

enum { FAMILY_IPV4 = 2, FAMILY_IPV6 = 10 };

/* One address or name as written. */
struct spec {
	uint32_t prefix; /* enum addr_type: ADDR_NONE = no prefix was given */
	bool has_port;
	struct monhost_entry entry;
};

static bool is_separator(char c)
{
	return c == ',' || c == ';' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '-' || c == '_';
}

static uint32_t take_prefix(const char **p, const char *end)
{
	static const struct {
		const char *text;
		size_t len;
		uint32_t type;
	} known[] = { { "v1:", 3, ADDR_LEGACY }, { "v2:", 3, ADDR_MSGR2 }, { "any:", 4, ADDR_ANY } };
	unsigned i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if ((size_t)(end - *p) > known[i].len && !memcmp(*p, known[i].text, known[i].len)) {
			*p += known[i].len;
			return known[i].type;
		}
	return ADDR_NONE;
}

static int take_number(const char **p, const char *end, uint64_t max, uint64_t *v)
{
	const char *from = *p;

	for (*v = 0; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
		*v = *v * 10 + (uint64_t)(**p - '0');
		if (*v > max)
			return -EINVAL;
	}
	return *p == from ? -EINVAL : 0;
}

/* Text to an address of that family; the text is copied because inet_pton wants its end. */
static bool parse_ip(struct entity_addr *a, int family, const char *p, size_t len)
{
	char text[INET6_ADDRSTRLEN];

	if (!len || len >= sizeof(text))
		return false;
	memcpy(text, p, len);
	text[len] = 0;
	if (inet_pton(family == FAMILY_IPV6 ? AF_INET6 : AF_INET, text, a->ip) != 1)
		return false;
	a->family = (uint16_t)family;
	return true;
}

static int take_bracketed(const char **p, const char *end, struct spec *s)
{
	const char *close = memchr(*p, ']', (size_t)(end - *p));

	if (!close || !parse_ip(&s->entry.addr, FAMILY_IPV6, *p + 1, (size_t)(close - *p - 1)))
		return -EINVAL;
	*p = close + 1;
	return 0;
}

static int take_host(const char **p, const char *end, struct spec *s)
{
	const char *from = *p;
	size_t len;

	if (*p < end && **p == '[')
		return take_bracketed(p, end, s);
	/* IPv6 without brackets can have no port. */
	if (parse_ip(&s->entry.addr, FAMILY_IPV6, *p, (size_t)(end - *p))) {
		*p = end;
		return 0;
	}
	while (*p < end && is_name_char(**p))
		(*p)++;
	len = (size_t)(*p - from);
	if (!len || len >= MONHOST_NAME_MAX)
		return -EINVAL;
	if (!parse_ip(&s->entry.addr, FAMILY_IPV4, from, len)) {
		memset(s->entry.addr.ip, 0, sizeof(s->entry.addr.ip));
		memcpy(s->entry.name, from, len);
	}
	return 0;
}

/* [prefix] host [:port] [/nonce] up to `end` */
static int parse_spec(const char *p, const char *end, struct spec *s)
{
	uint64_t v;
	int res;

	*s = (struct spec){ .prefix = take_prefix(&p, end) };
	res = take_host(&p, end, s);
	if (!res && p < end && *p == ':') {
		p++;
		res = take_number(&p, end, UINT16_MAX, &v);
		s->entry.addr.port = (uint16_t)v;
		s->has_port = !res && v;
	}
	if (!res && p < end && *p == '/') {
		p++;
		res = take_number(&p, end, UINT32_MAX, &v);
		s->entry.addr.nonce = (uint32_t)v;
	}
	return !res && p != end ? -EINVAL : res;
}

/* Which protocol and port are meant: a port without a prefix is msgr1's only when it is msgr1's well-known
 * one. */
static void settle(struct spec *s)
{
	struct monhost_entry *e = &s->entry;

	e->legacy = s->prefix == ADDR_LEGACY ||
		    (s->prefix != ADDR_MSGR2 && s->has_port && e->addr.port == MON_PORT_LEGACY);
	e->addr.type = e->legacy ? ADDR_LEGACY : ADDR_MSGR2;
	if (!s->has_port)
		e->addr.port = e->legacy ? MON_PORT_LEGACY : MON_PORT;
}

static int add(struct monhost *m, const struct monhost_entry *e)
{
	unsigned i;

	for (i = 0; i < m->count; i++)
		if (addr_equal(&m->mon[i].addr, &e->addr) && !strcmp(m->mon[i].name, e->name))
			return 0;
	if (m->count == MONHOST_MAX)
		return -E2BIG;
	m->mon[m->count++] = *e;
	return 0;
}

/* "[v2:...,v1:...]" is one monitor: its msgr2 address, else what there is. */
static int parse_vector(const char *p, const char *end, struct monhost *m)
{
	struct monhost_entry best = { 0 };
	const char *next;
	struct spec s;
	bool any = false;

	for (; p < end; p = next + (next < end)) {
		for (next = p; next < end && !is_separator(*next); next++)
			;
		if (next == p)
			continue;
		if (parse_spec(p, next, &s))
			return -EINVAL;
		settle(&s);
		if (!any || (best.legacy && !s.entry.legacy))
			best = s.entry;
		any = true;
	}
	return any ? add(m, &best) : -EINVAL;
}

static bool is_vector(const char *p)
{
	return *p == '[' &&
	       (!strncmp(p + 1, "v1:", 3) || !strncmp(p + 1, "v2:", 3) || !strncmp(p + 1, "any:", 4));
}

/* The closing bracket of a vector: IPv6 addresses in it have brackets of their own. */
static const char *vector_end(const char *p)
{
	unsigned depth = 0;

	for (; *p; p++) {
		if (*p == '[')
			depth++;
		else if (*p == ']' && --depth == 0)
			return p;
	}
	return NULL;
}

static int parse_entry(const char **p, struct monhost *m)
{
	const char *from = *p, *end;
	struct spec s;
	int res;

	if (is_vector(from)) {
		end = vector_end(from);
		if (!end)
			return -EINVAL;
		*p = end + 1;
		if (**p && !is_separator(**p))
			return -EINVAL;
		return parse_vector(from + 1, end, m);
	}
	while (**p && !is_separator(**p))
		(*p)++;
	res = parse_spec(from, *p, &s);
	if (res)
		return res;
	settle(&s);
	return add(m, &s.entry);
}

int monhost_parse(const char *text, struct monhost *m)
{
	const char *p = text, *from;
	int res = 0;

	memset(m, 0, sizeof(*m));
	if (strnlen(text, MONHOST_TEXT_MAX + 1) > MONHOST_TEXT_MAX)
		return -E2BIG;
	while (!res) {
		while (is_separator(*p))
			p++;
		if (!*p)
			return 0;
		from = p;
		res = parse_entry(&p, m);
		if (res)
			m->error_at = (size_t)(from - text);
	}
	return res;
}
