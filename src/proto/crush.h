/* crush.h: CRUSH: from an input number to a list of devices, by the weighted tree and the rules of an OSD
 * map.
 *
 * Pure. A decoded map is never changed; any number of threads may compute with it at once. Every bucket type,
 * every rule step, all tunables, weight sets (choose_args) and MSR rules. Names are the map's own
 * (crush_name). Work is bounded, so that no map can make a computation hang (CRUSH_WORK_MAX). Layout and
 * algorithms: doc/protocol.md 14.5 to 14.8; ceph src/crush/CrushWrapper.cc (encode), src/crush/mapper.c.
 */
#pragma once
#include "dec.h"

/* A place in a result that no device fills. */
#define CRUSH_NONE 0x7fffffff

enum {
	CRUSH_BUCKETS_MAX = 1 << 18,
	CRUSH_RULES_MAX = 256,
	CRUSH_STEPS_MAX = 4096, /* of one rule */
	CRUSH_RESULT_MAX = 64,  /* devices in one result */
	/* Items looked at in one computation: rules that cannot be satisfied come to some millions. */
	CRUSH_WORK_MAX = 1 << 25,
};

/* Where maps live. mem_alloc() and mem_free() of ring/mem.h fit. */
struct map_mem {
	void *(*alloc)(size_t size); /* need not be zeroed; NULL when memory is out */
	void (*free)(void *p, size_t size);
};

struct crush; /* crush.c */

/* The crush blob of an OSD map. 0; -EBADMSG with d->what; -ENOMEM. *out is the caller's: crush_free(). `mem`
 * is copied. */
int crush_decode(struct dec *d, const struct map_mem *mem, struct crush **out);
void crush_free(struct crush *c); /* takes NULL */

/* The kind of result a rule makes: holes stay where they are, or ranks close. */
enum crush_rule_type {
	CRUSH_RULE_REPLICATED = 1,
	CRUSH_RULE_ERASURE = 3,
	CRUSH_RULE_MSR_FIRSTN = 4,
	CRUSH_RULE_MSR_INDEP = 5,
};

/* The number of the rule, or -ENOENT. */
int crush_rule(const struct crush *c, uint32_t number);
/* Before Quincy a pool names a "ruleset" and fits a rule by kind and size; see doc/protocol.md 14.9. */
int crush_rule_masked(const struct crush *c, uint8_t ruleset, uint8_t type, uint8_t size);

/* What a computation needs besides the map. */
struct crush_input {
	uint32_t x;
	uint32_t result_max;    /* at most CRUSH_RESULT_MAX */
	const uint32_t *weight; /* reweights by device id, 16.16; devices at and above weight_count are out */
	uint32_t weight_count;
	int64_t choose_args; /* the pool, whose weight set (or the default one) is used if there is one */
	uint32_t work_max;   /* 0 = CRUSH_WORK_MAX */
};
/* Devices and CRUSH_NONE into out[result_max]; returns how many. -ENOENT: no such rule; -E2BIG: result_max
 * too large; -ELOOP: more work than is allowed, which only a broken map makes; -EOPNOTSUPP: an algorithm,
 * hash or step of a newer release. */
int crush_map(const struct crush *c, int rule, const struct crush_input *in, int32_t *out);

/* Devices have ids from 0, buckets negative ones. "" when the map has no name. Borrowed from `c`. */
struct slice crush_name(const struct crush *c, int32_t id);
struct slice crush_type_name(const struct crush *c, int32_t type);
/* The type and name of a place, as in crush_location "root=default host=a". */
struct crush_place {
	struct slice type, name;
};
enum { CRUSH_LEVELS_MAX = 16 };
/* A list of them, separated by blanks, commas or semicolons: how many, -EINVAL for anything else, or more
 * than CRUSH_LEVELS_MAX. Borrowed from `text`. */
int crush_places_parse(const char *text, struct crush_place place[CRUSH_LEVELS_MAX]);
/* How far a device is from the place described: the type of the lowest bucket above it that is named there;
 * -ENOENT when none is. For localized reads; searches the map, so to be cached. */
int crush_distance(const struct crush *c, int32_t device, const struct crush_place *place, uint32_t count);

/* The places above a device, the nearest first: how many, at most `max`. Names are borrowed from `c`. */
unsigned crush_where(const struct crush *c, int32_t device, struct crush_place *place, unsigned max);

/* The hash (rjenkins1) of two, three and four numbers. */
uint32_t crush_hash2(uint32_t a, uint32_t b);
uint32_t crush_hash3(uint32_t a, uint32_t b, uint32_t c);
uint32_t crush_hash4(uint32_t a, uint32_t b, uint32_t c, uint32_t d);
/* About 2^44 * log2(u + 1) for u up to 65535, by the tables that are part of the protocol. */
uint64_t crush_ln(uint32_t u);
