/* addr.h: entity_addr_t and entity_addrvec_t (ceph src/msg/msg_types.h). Pure. */
#pragma once
#include "dec.h"
#include "enc.h"

enum entity_type {
	ENTITY_MON = 1,
	ENTITY_MDS = 2,
	ENTITY_OSD = 4,
	ENTITY_CLIENT = 8,
	ENTITY_MGR = 16,
	ENTITY_AUTH = 32
};
/* "mgr.a" -> ENTITY_MGR, returns "a", a part of `name`; NULL: not an entity's name. */
const char *entity_name_parse(const char *name, uint32_t *type);
/* "mgr"; NULL: none of them. */
const char *entity_type_name(uint32_t type);

enum addr_type { ADDR_NONE = 0, ADDR_LEGACY = 1, ADDR_MSGR2 = 2, ADDR_ANY = 3 };
enum { ADDRVEC_MAX = 16 }; /* entries kept of one vector */

struct entity_addr {
	uint32_t type, nonce;
	uint16_t family; /* 0 blank, 2 IPv4, 10 IPv6 (the wire's numbers, as Linux's) */
	uint16_t port;   /* host order */
	uint8_t ip[16];  /* network order; 4 bytes used for IPv4 */
	uint32_t scope_id;
};

struct entity_addrvec {
	uint32_t count;
	struct entity_addr addr[ADDRVEC_MAX];
};

void dec_addr(struct dec *d, struct entity_addr *a);
/* More than ADDRVEC_MAX entries: the rest is decoded and dropped. */
void dec_addrvec(struct dec *d, struct entity_addrvec *v);
void enc_addr(struct enc *e, const struct entity_addr *a);
void enc_addrvec(struct enc *e, const struct entity_addr *a, uint32_t count);

/* The msgr2 entry, or NULL. */
const struct entity_addr *addrvec_msgr2(const struct entity_addrvec *v);
bool addr_equal(const struct entity_addr *a, const struct entity_addr *b); /* with port and nonce */
enum { ADDR_TEXT_MAX = 80 };
/* "v2:127.0.0.1:6800/12" as Ceph prints it, into ADDR_TEXT_MAX bytes; returns `buf`. */
const char *addr_text(const struct entity_addr *a, char *buf);
