/* crush_firstn.c: choosing so that ranks close: what cannot be had leaves no hole, later replicas move up.
 *
 * For each replica the tree is descended from the step's bucket until an item of the wanted type is met:
 *
 *   taken     it is the next of the result (for chooseleaf: a device below it was found, too)
 *   rejected  it is out, empty, or has no device: again, with another attempt number
 *   collides  it is in the result already: again; at first in the same bucket, where local tries are allowed
 *   skipped   what was met cannot be used at all: this replica is given up
 *
 * ceph src/crush/mapper.c; doc/protocol.md 14.7.
 */
#include "crush_impl.h"

enum verdict { TAKEN, REJECTED, COLLIDES, SKIPPED };

/* One replica being looked for. */
struct search {
	const struct crush_bucket *in; /* where the last item came from */
	int32_t item;
	uint32_t outpos, room, rep;
	uint32_t total, local; /* failed attempts: in all, since the descent began */
};

static bool found_already(const int32_t *out, uint32_t count, int32_t item)
{
	for (uint32_t i = 0; i < count; i++)
		if (out[i] == item)
			return true;
	return false;
}

/* A device below the chosen bucket, into leaves[outpos]. */
static bool find_leaf(struct crush_run *run, const struct crush_pick *p, const struct search *s,
		      const struct crush_bucket *b, uint32_t r)
{
	struct crush_pick leaf = *p;

	leaf.bucket = b;
	leaf.type = 0;
	leaf.numrep = p->stable ? 1 : s->outpos + 1;
	leaf.tries = p->leaf_tries;
	leaf.leaf_tries = 0;
	leaf.leaf = false;
	leaf.parent_r = !p->vary_r ? 0 : p->vary_r > 32 ? 0 : r >> (p->vary_r - 1);
	leaf.out = p->leaves;
	leaf.leaves = NULL;
	return crush_firstn(run, &leaf, s->outpos, s->room) > s->outpos;
}

static enum verdict judge(struct crush_run *run, const struct crush_pick *p, const struct search *s,
			  const struct crush_bucket *b, uint32_t r)
{
	if (found_already(p->out, s->outpos, s->item))
		return COLLIDES;
	if (p->leaf && !b)
		p->leaves[s->outpos] = s->item;
	if (p->leaf && b && !find_leaf(run, p, s, b, r))
		return REJECTED;
	return !b && crush_is_out(run, s->item) ? REJECTED : TAKEN;
}

static int32_t choose_item(struct crush_run *run, const struct crush_pick *p, const struct search *s,
			   uint32_t r)
{
	if (p->fallback_tries && s->local >= s->in->size / 2 && s->local > p->fallback_tries)
		return crush_choose_perm(run, s->in, r);
	return crush_choose(run, s->in, r, s->outpos);
}

/* From s->in down to an item of the type. */
static enum verdict descend(struct crush_run *run, const struct crush_pick *p, struct search *s)
{
	uint32_t r = s->rep + p->parent_r + s->total;
	const struct crush_bucket *b;

	while (crush_spend(run, 1)) {
		if (!s->in->size)
			return REJECTED;
		s->item = choose_item(run, p, s, r);
		if (s->item >= run->map->max_devices)
			return SKIPPED;
		b = crush_bucket(run->map, s->item);
		if (s->item < 0 && !b)
			return SKIPPED;
		if ((b ? b->type : 0) == p->type)
			return judge(run, p, s, b, r);
		if (!b)
			return SKIPPED;
		s->in = b;
	}
	return SKIPPED;
}

static bool find_one(struct crush_run *run, const struct crush_pick *p, struct search *s)
{
	enum verdict v;

	s->total = s->local = 0;
	s->in = p->bucket;
	for (;;) {
		v = descend(run, p, s);
		if (run->err)
			return false;
		if (v == TAKEN || v == SKIPPED)
			return v == TAKEN;
		s->total++;
		s->local++;
		if (v == COLLIDES && s->local <= p->local_tries)
			continue;
		if (p->fallback_tries && s->local <= s->in->size + (uint64_t)p->fallback_tries)
			continue;
		if (s->total >= p->tries)
			return false;
		s->in = p->bucket;
		s->local = 0;
	}
}

uint32_t crush_firstn(struct crush_run *run, const struct crush_pick *p, uint32_t outpos, uint32_t room)
{
	struct search s = { .outpos = outpos, .room = room };

	for (s.rep = p->stable ? 0 : outpos; s.rep < p->numrep && s.room && !run->err; s.rep++) {
		if (!find_one(run, p, &s))
			continue;
		p->out[s.outpos++] = s.item;
		s.room--;
	}
	return s.outpos;
}
