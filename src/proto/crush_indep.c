/* crush_indep.c: choosing by place: each place of the result is filled on its own and keeps its item when
 * others change; what cannot be had is a hole. For erasure coding, where a place is a shard.
 *
 * Rounds over all places that are still open; a place is open until it gets an item, or meets something that
 * cannot be used at all, which makes it a hole at once. ceph src/crush/mapper.c; doc/protocol.md 14.7.
 */
#include "crush_impl.h"

#define OPEN 0x7ffffffe

/* One round at one place. */
struct place {
	uint32_t first, end; /* of the result: no item twice in there */
	uint32_t rep, round;
};

static bool in_range(const int32_t *out, const struct place *at, int32_t item)
{
	for (uint32_t i = at->first; i < at->end; i++)
		if (out[i] == item)
			return true;
	return false;
}

static void settle(const struct crush_pick *p, uint32_t rep, int32_t item, int32_t leaf)
{
	p->out[rep] = item;
	if (p->leaf)
		p->leaves[rep] = leaf;
}

/* A device below the chosen bucket, or CRUSH_NONE. */
static int32_t find_leaf(struct crush_run *run, const struct crush_pick *p, const struct crush_bucket *b,
			 uint32_t rep, uint32_t r)
{
	struct crush_pick leaf = *p;

	leaf.bucket = b;
	leaf.type = 0;
	leaf.tries = p->leaf_tries;
	leaf.leaf_tries = 0;
	leaf.leaf = false;
	leaf.parent_r = r;
	leaf.out = p->leaves;
	leaf.leaves = NULL;
	crush_indep(run, &leaf, rep, 1);
	return p->leaves[rep];
}

/* An item of the type was met; takes it unless it cannot be had this time. */
static void consider(struct crush_run *run, const struct crush_pick *p, const struct place *at,
		     const struct crush_bucket *b, int32_t item, uint32_t r)
{
	int32_t leaf = item;

	if (in_range(p->out, at, item))
		return;
	if (p->leaf && b) {
		leaf = find_leaf(run, p, b, at->rep, r);
		if (leaf == CRUSH_NONE)
			return;
	}
	if (p->leaf)
		p->leaves[at->rep] = leaf;
	if (b || !crush_is_out(run, item))
		p->out[at->rep] = item;
}

/* Attempts step over all places, and by one more where a uniform bucket would else repeat itself. */
static uint32_t attempt(const struct crush_pick *p, const struct crush_bucket *in, const struct place *at)
{
	uint32_t step = p->numrep;

	if (in->alg == ALG_UNIFORM && in->size % p->numrep == 0)
		step++;
	return at->rep + p->parent_r + step * at->round;
}

static void try_place(struct crush_run *run, const struct crush_pick *p, const struct place *at)
{
	const struct crush_bucket *in = p->bucket, *b;
	int32_t item;
	uint32_t r;

	while (crush_spend(run, 1) && in->size) {
		r = attempt(p, in, at);
		item = crush_choose(run, in, r, at->first);
		b = crush_bucket(run->map, item);
		if (item >= run->map->max_devices || (item < 0 && !b) || (!b && p->type)) {
			settle(p, at->rep, CRUSH_NONE, CRUSH_NONE);
			return;
		}
		if ((b ? b->type : 0) == p->type) {
			consider(run, p, at, b, item, r);
			return;
		}
		in = b;
	}
}

void crush_indep(struct crush_run *run, const struct crush_pick *p, uint32_t outpos, uint32_t count)
{
	struct place at = { .first = outpos, .end = outpos + count };
	bool open = true;

	for (at.rep = at.first; at.rep < at.end; at.rep++)
		settle(p, at.rep, OPEN, OPEN);
	for (; open && at.round < p->tries && !run->err; at.round++) {
		open = false;
		for (at.rep = at.first; at.rep < at.end; at.rep++) {
			if (p->out[at.rep] == OPEN)
				try_place(run, p, &at);
			open |= p->out[at.rep] == OPEN;
		}
	}
	for (at.rep = at.first; at.rep < at.end; at.rep++) {
		if (p->out[at.rep] == OPEN)
			p->out[at.rep] = CRUSH_NONE;
		if (p->leaf && p->leaves[at.rep] == OPEN)
			p->leaves[at.rep] = CRUSH_NONE;
	}
}
