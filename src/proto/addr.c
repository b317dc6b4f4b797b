/* addr.c: see addr.h.
 *
 * An address is a marker byte, then a section holding type, nonce and the bytes of a C sockaddr whose length
 * the sender chose. A vector begins with marker 2; marker 1 is one address, marker 0 the fixed form of before
 * msgr2, which old encodings still contain.
 */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FAMILY_IPV4 = 2, FAMILY_IPV6 = 10, SOCKADDR_IPV4 = 16, SOCKADDR_IPV6 = 28, LEGACY_SOCKADDR = 128 };
enum { MARKER_LEGACY = 0, MARKER_ADDR = 1, MARKER_VECTOR = 2 };
enum { ADDR_MIN = 7 + 12, VECTOR_ENTRIES_MAX = 1024 };

static uint16_t dec_port(struct dec *d)
{
	return ntohs(dec_u16(d));
}

static const struct {
	uint32_t type;
	const char *name;
} entity_types[] = {
	{ ENTITY_CLIENT, "client" }, { ENTITY_MGR, "mgr" }, { ENTITY_MDS, "mds" },
	{ ENTITY_OSD, "osd" },       { ENTITY_MON, "mon" },
};

const char *entity_type_name(uint32_t type)
{
	for (unsigned n = 0; n < sizeof entity_types / sizeof *entity_types; n++)
		if (entity_types[n].type == type)
			return entity_types[n].name;
	return NULL;
}

const char *entity_name_parse(const char *name, uint32_t *type)
{
	size_t len = strcspn(name, ".");

	if (!name[len] || !name[len + 1])
		return NULL;
	for (unsigned n = 0; n < sizeof entity_types / sizeof *entity_types; n++) {
		const char *word = entity_types[n].name;

		if (strlen(word) == len && !strncmp(name, word, len)) {
			*type = entity_types[n].type;
			return name + len + 1;
		}
	}
	return NULL;
}

/* `family_be`: the legacy form has it in network order. */
static void dec_sockaddr(struct dec *d, struct entity_addr *a, bool family_be)
{
	uint16_t family = dec_u16(d);
	const uint8_t *ip;

	if (family_be)
		family = ntohs(family);
	switch (family) {
	case FAMILY_IPV4:
		a->port = dec_port(d);
		ip = dec_take(d, 4);
		if (ip)
			memcpy(a->ip, ip, 4);
		break;
	case FAMILY_IPV6:
		a->port = dec_port(d);
		dec_skip(d, 4); /* flow */
		ip = dec_take(d, 16);
		if (ip)
			memcpy(a->ip, ip, 16);
		a->scope_id = dec_u32(d);
		break;
	case 0:
		break;
	default:
		dec_fail(d, "an address of unknown family");
	}
	a->family = family;
}

/* Behind the marker: 3 bytes of the u32 that the marker was part of, nonce, 128 bytes of sockaddr. */
static void dec_addr_legacy(struct dec *d, struct entity_addr *a)
{
	struct dec in;

	dec_skip(d, 3);
	a->type = ADDR_LEGACY;
	a->nonce = dec_u32(d);
	in = dec_init(dec_take(d, LEGACY_SOCKADDR), LEGACY_SOCKADDR);
	if (d->err)
		return;
	dec_sockaddr(&in, a, true);
	dec_close(d, &in);
	if (!a->family)
		a->type = ADDR_NONE;
}

static void dec_addr_section(struct dec *d, struct entity_addr *a)
{
	struct dec in = dec_section(d, 1, NULL), sock;

	a->type = dec_u32(&in);
	a->nonce = dec_u32(&in);
	sock = dec_blob(&in);
	if (dec_left(&sock) > LEGACY_SOCKADDR)
		dec_fail(&sock, "an address too long");
	else if (dec_left(&sock))
		dec_sockaddr(&sock, a, false);
	dec_close(&in, &sock);
	dec_close(d, &in);
}

static void dec_addr_marked(struct dec *d, struct entity_addr *a, uint8_t marker)
{
	memset(a, 0, sizeof(*a));
	if (marker == MARKER_ADDR)
		dec_addr_section(d, a);
	else if (marker == MARKER_LEGACY)
		dec_addr_legacy(d, a);
	else
		dec_fail(d, "an address of unknown form");
	if (d->err)
		memset(a, 0, sizeof(*a));
}

void dec_addr(struct dec *d, struct entity_addr *a)
{
	dec_addr_marked(d, a, dec_u8(d));
}

void dec_addrvec(struct dec *d, struct entity_addrvec *v)
{
	uint8_t marker = dec_u8(d);
	struct entity_addr spare;
	uint32_t n, i;

	v->count = 0;
	if (d->err)
		return;
	if (marker != MARKER_VECTOR) {
		dec_addr_marked(d, &v->addr[0], marker);
		v->count = !d->err && v->addr[0].type != ADDR_NONE;
		return;
	}
	n = dec_count(d, ADDR_MIN);
	if (n > VECTOR_ENTRIES_MAX)
		dec_fail(d, "an address vector too long");
	for (i = 0; i < n && !d->err; i++)
		dec_addr(d, i < ADDRVEC_MAX ? &v->addr[i] : &spare);
	v->count = d->err ? 0 : n < ADDRVEC_MAX ? n : ADDRVEC_MAX;
}

static void enc_port(struct enc *e, uint16_t port)
{
	enc_u16(e, htons(port));
}

void enc_addr(struct enc *e, const struct entity_addr *a)
{
	size_t section, sock;

	enc_u8(e, MARKER_ADDR);
	section = enc_section(e, 1, 1);
	enc_u32(e, a->type);
	enc_u32(e, a->nonce);
	sock = enc_hole(e);
	if (a->family == FAMILY_IPV4) {
		enc_u16(e, a->family);
		enc_port(e, a->port);
		enc_bytes(e, a->ip, 4);
		enc_zero(e, 8);
	} else if (a->family == FAMILY_IPV6) {
		enc_u16(e, a->family);
		enc_port(e, a->port);
		enc_u32(e, 0); /* flow */
		enc_bytes(e, a->ip, 16);
		enc_u32(e, a->scope_id);
	}
	enc_close(e, sock);
	enc_close(e, section);
}

void enc_addrvec(struct enc *e, const struct entity_addr *a, uint32_t count)
{
	uint32_t i;

	enc_u8(e, MARKER_VECTOR);
	enc_u32(e, count);
	for (i = 0; i < count; i++)
		enc_addr(e, &a[i]);
}

const struct entity_addr *addrvec_msgr2(const struct entity_addrvec *v)
{
	uint32_t i;

	for (i = 0; i < v->count; i++)
		if (v->addr[i].type == ADDR_MSGR2)
			return &v->addr[i];
	return NULL;
}

bool addr_equal(const struct entity_addr *a, const struct entity_addr *b)
{
	size_t ip = a->family == FAMILY_IPV6 ? 16 : a->family == FAMILY_IPV4 ? 4 : 0;

	return a->type == b->type && a->nonce == b->nonce && a->family == b->family && a->port == b->port &&
	       a->scope_id == b->scope_id && !memcmp(a->ip, b->ip, ip);
}

const char *addr_text(const struct entity_addr *a, char *buf)
{
	static const char *const prefix[] = { "-", "v1:", "v2:", "any:" };
	char ip[INET6_ADDRSTRLEN] = "-";
	bool six = a->family == FAMILY_IPV6;

	if (!a->family) {
		snprintf(buf, ADDR_TEXT_MAX, "-");
		return buf;
	}
	inet_ntop(six ? AF_INET6 : AF_INET, a->ip, ip, sizeof(ip));
	snprintf(buf, ADDR_TEXT_MAX, six ? "%s[%s]:%u/%u" : "%s%s:%u/%u",
		 a->type <= ADDR_ANY ? prefix[a->type] : "?", ip, a->port, a->nonce);
	return buf;
}
