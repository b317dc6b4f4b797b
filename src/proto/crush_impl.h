/* crush_impl.h: a decoded CRUSH map, shared by the files that compute with it. Internal to proto.
 *
 * The map keeps a copy of the blob; what varies in length (items, weights, steps, names) stays there as it
 * came, little-endian at any address, and is read with le32_get().
 */
#pragma once
#include "crush.h"
#include "le.h"
#include "osdmap_table.h"

#include <errno.h>

enum crush_alg { ALG_NONE, ALG_UNIFORM, ALG_LIST, ALG_TREE, ALG_STRAW, ALG_STRAW2 };

enum crush_op {
	OP_NOOP = 0,
	OP_TAKE = 1,
	OP_CHOOSE_FIRSTN = 2,
	OP_CHOOSE_INDEP = 3,
	OP_EMIT = 4,
	OP_CHOOSELEAF_FIRSTN = 6,
	OP_CHOOSELEAF_INDEP = 7,
	OP_SET_CHOOSE_TRIES = 8,
	OP_SET_CHOOSELEAF_TRIES = 9,
	OP_SET_CHOOSE_LOCAL_TRIES = 10,
	OP_SET_CHOOSE_LOCAL_FALLBACK_TRIES = 11,
	OP_SET_CHOOSELEAF_VARY_R = 12,
	OP_SET_CHOOSELEAF_STABLE = 13,
	OP_SET_MSR_DESCENTS = 14,
	OP_SET_MSR_COLLISION_TRIES = 15,
	OP_CHOOSE_MSR = 16,
};

struct crush_bucket {
	int32_t id;
	uint16_t type; /* never 0, which is a device's */
	uint8_t alg;   /* ALG_NONE: no bucket has this id */
	uint32_t size;
	const uint8_t *items; /* size * i32 */
	/* By alg: list {weight, sum}, straw {weight, straw} per item; straw2 weight per item; tree: of its
	 * nodes. */
	const uint8_t *weights;
	uint32_t nodes; /* of a tree */
};

struct crush_rule {
	bool present;
	uint8_t ruleset, type, min_size, max_size;
	uint32_t len;
	const uint8_t *steps; /* len * { u32 op, i32 arg1, i32 arg2 } */
};

struct crush_step {
	uint32_t op;
	int32_t arg1, arg2;
};

/* Other weights, or other ids to hash, for one bucket: crush_choose_arg. */
struct crush_arg {
	uint32_t index;         /* of the bucket */
	uint32_t positions;     /* 0: the bucket's own weights */
	const uint8_t *weights; /* positions * { u32 size, size * u32 } */
	const uint8_t *ids;     /* NULL: the bucket's own items */
};

/* The ones of one pool, or -1 for all other pools: args[first..first+count), sorted by index. */
struct crush_arg_set {
	int64_t key;
	uint32_t first, count;
};

struct crush_id_name {
	int32_t id;
	struct slice name;
};

struct crush {
	struct map_mem mem;
	uint8_t *blob; /* owned */
	uint32_t blob_len;
	struct crush_bucket *bucket; /* owned */
	struct crush_rule *rule;     /* owned */
	uint32_t bucket_count, rule_count;
	int32_t max_devices; /* one above the highest in any bucket */
	struct table type_names, item_names;
	struct table args, arg_sets;
	uint32_t local_tries, fallback_tries, total_tries, descend_once;
	uint32_t msr_descents, msr_collision_tries;
	uint8_t vary_r, stable;
};

static inline const struct crush_bucket *crush_bucket(const struct crush *c, int32_t id)
{
	uint32_t index = (uint32_t)(-1 - (int64_t)id);

	if (id >= 0 || index >= c->bucket_count || c->bucket[index].alg == ALG_NONE)
		return NULL;
	return &c->bucket[index];
}

static inline struct crush_step crush_step(const struct crush_rule *rule, uint32_t n)
{
	const uint8_t *p = rule->steps + (size_t)n * 12;

	return (struct crush_step){ le32_get(p), (int32_t)le32_get(p + 4), (int32_t)le32_get(p + 8) };
}

/* crush_args.c */
void crush_args_decode(struct dec *d, struct crush *c);
void crush_args_free(struct crush *c);
const struct crush_arg_set *crush_args_of(const struct crush *c, int64_t pool); /* NULL: none */
const struct crush_arg *crush_arg_of(const struct crush *c, const struct crush_arg_set *set, uint32_t bucket);

/* One computation. */
struct crush_run {
	const struct crush *map;
	const struct crush_input *in;
	const struct crush_arg_set *args; /* NULL: none for this pool */
	uint32_t work;                    /* left */
	int err;                          /* the first error; sticks */
};

/* Takes `n` from what may still be done. false: it is used up, and err is set. */
static inline bool crush_spend(struct crush_run *run, uint32_t n)
{
	if (run->err)
		return false;
	if (n >= run->work) {
		run->err = -ELOOP;
		return false;
	}
	run->work -= n;
	return true;
}

/* The item that the bucket, which is not empty, gives to attempt `r`; `position` chooses the weight set. What
 * it gives after an error means nothing. */
int32_t crush_choose(struct crush_run *run, const struct crush_bucket *b, uint32_t r, uint32_t position);
/* The same by a random permutation, whatever the bucket's algorithm. */
int32_t crush_choose_perm(struct crush_run *run, const struct crush_bucket *b, uint32_t r);
/* Is the device out, wholly or for this input. */
bool crush_is_out(const struct crush_run *run, int32_t device);

/* How a step chooses: crush_firstn.c, crush_indep.c. */
struct crush_pick {
	const struct crush_bucket *bucket;
	int32_t type;
	uint32_t numrep, tries, leaf_tries, local_tries, fallback_tries, parent_r;
	uint8_t vary_r, stable;
	bool leaf;
	int32_t *out, *leaves; /* leaves: NULL unless leaf */
};
/* Fills out[outpos..], at most `room` of them; returns the new outpos. */
uint32_t crush_firstn(struct crush_run *run, const struct crush_pick *p, uint32_t outpos, uint32_t room);
/* Fills out[outpos..outpos + count). */
void crush_indep(struct crush_run *run, const struct crush_pick *p, uint32_t outpos, uint32_t count);

/* A rule of the MSR kind: crush_msr.c. As crush_map(). */
int crush_msr(struct crush_run *run, const struct crush_rule *rule, int32_t *out);
