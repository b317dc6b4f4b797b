/* crush_choose.c: which item a bucket gives to an input: one way for each kind of bucket.
 *
 *   uniform   a random permutation, of which attempt r takes the r-th
 *   list      from the newest item back: stay with probability weight / sum of weights up to here
 *   tree      from the root of a binary tree down, to the left with probability of the left's weight
 *   straw     each item draws a hash, scaled by its prepared straw; the longest wins
 *   straw2    each item draws ln(hash) / weight; the largest wins
 *
 * Nothing is kept between calls: a permutation is followed back from the one place that is asked for.
 */
#include "crush_hash.h"
#include "crush_impl.h"

enum { GROUP = 8 };
#define LN_ONE (1ull << 48) /* crush_ln() of the largest hash, nearly */

static inline int32_t item_at(const struct crush_bucket *b, uint32_t i)
{
	return (int32_t)le32_get(b->items + i * (size_t)4);
}

/* Step j of the permutation swaps the places j and j + hash mod (size - j); the place asked for is touched by
 * no later step than its own. */
int32_t crush_choose_perm(struct crush_run *run, const struct crush_bucket *b, uint32_t r)
{
	uint32_t at = r % b->size, j = at, swap;

	if (!crush_spend(run, at + 1))
		return 0;
	at += crush_hash3(run->in->x, (uint32_t)b->id, j) % (b->size - j);
	while (j--) {
		swap = j + crush_hash3(run->in->x, (uint32_t)b->id, j) % (b->size - j);
		if (at == swap)
			at = j;
	}
	return item_at(b, at);
}

static int32_t choose_list(const struct crush_run *run, const struct crush_bucket *b, uint32_t r)
{
	const uint8_t *w;
	uint64_t draw;

	for (uint32_t i = b->size; i--;) {
		w = b->weights + i * (size_t)8;
		draw = crush_hash4(run->in->x, (uint32_t)item_at(b, i), r, (uint32_t)b->id) & 0xffff;
		if (draw * le32_get(w + 4) >> 16 < le32_get(w))
			return item_at(b, i);
	}
	return item_at(b, 0);
}

/* Nodes are numbered in order, leaves odd. The weights of a broken tree may lead past its last item. */
static int32_t choose_tree(const struct crush_run *run, const struct crush_bucket *b, uint32_t r)
{
	uint32_t n = b->nodes / 2, left, half;
	uint64_t point;

	while (n && !(n & 1)) {
		half = (n & -n) / 2;
		left = n - half;
		point = (uint64_t)crush_hash4(run->in->x, n, r, (uint32_t)b->id) *
			    le32_get(b->weights + n * (size_t)4) >>
			32;
		n = point < le32_get(b->weights + left * (size_t)4) ? left : n + half;
		if (n >= b->nodes)
			return CRUSH_NONE;
	}
	return n / 2 < b->size ? item_at(b, n / 2) : CRUSH_NONE;
}

static int32_t choose_straw(const struct crush_run *run, const struct crush_bucket *b, uint32_t r)
{
	uint64_t draw, longest = 0;
	uint32_t best = 0;

	for (uint32_t i = 0; i < b->size; i++) {
		draw = crush_hash3(run->in->x, (uint32_t)item_at(b, i), r) & 0xffff;
		draw *= le32_get(b->weights + i * (size_t)8 + 4);
		if (draw > longest) {
			longest = draw;
			best = i;
		}
	}
	return item_at(b, best);
}

struct straw2 {
	uint64_t least; /* the smallest of the draws so far, each the negative of the reference's */
	uint32_t best;
};

/* A weight of 0 never wins unless all are. */
static inline void straw2_draw(struct straw2 *s, uint32_t i, uint32_t weight, uint32_t hash)
{
	uint64_t draw;

	if (!weight)
		return;
	draw = (LN_ONE - crush_ln(hash & 0xffff)) / weight;
	if (draw < s->least) {
		s->least = draw;
		s->best = i;
	}
}

/* Hashes are chains of dependent steps; those of a group do not depend on each other, and fill the lanes of a
 * vector. */
static int32_t choose_straw2(const struct crush_run *run, const struct crush_bucket *b,
			     const uint8_t *weights, const uint8_t *ids, uint32_t r)
{
	struct straw2 s = { .least = UINT64_MAX };
	uint32_t x = run->in->x, i = 0, id[GROUP], hash[GROUP];

	for (; i + GROUP <= b->size; i += GROUP) {
		memcpy(id, ids + i * (size_t)4, sizeof(id));
		for (uint32_t k = 0; k < GROUP; k++)
			hash[k] = hash_three(x, id[k], r);
		for (uint32_t k = 0; k < GROUP; k++)
			straw2_draw(&s, i + k, le32_get(weights + (i + k) * (size_t)4), hash[k]);
	}
	for (; i < b->size; i++)
		straw2_draw(&s, i, le32_get(weights + i * (size_t)4),
			    hash_three(x, le32_get(ids + i * (size_t)4), r));
	return item_at(b, s.best);
}

static int32_t choose_weighted(struct crush_run *run, const struct crush_bucket *b, uint32_t r,
			       uint32_t position)
{
	const struct crush_arg *arg =
	    run->args ? crush_arg_of(run->map, run->args, (uint32_t)(-1 - b->id)) : NULL;
	const uint8_t *weights = b->weights, *ids = b->items;

	if (arg && arg->positions) {
		if (position >= arg->positions)
			position = arg->positions - 1;
		weights = arg->weights + position * (4 + (size_t)b->size * 4) + 4;
	}
	if (arg && arg->ids)
		ids = arg->ids;
	return choose_straw2(run, b, weights, ids, r);
}

int32_t crush_choose(struct crush_run *run, const struct crush_bucket *b, uint32_t r, uint32_t position)
{
	if (b->alg == ALG_UNIFORM)
		return crush_choose_perm(run, b, r);
	if (!crush_spend(run, b->alg == ALG_TREE ? 1 : b->size))
		return 0;
	switch (b->alg) {
	case ALG_LIST:
		return choose_list(run, b, r);
	case ALG_TREE:
		return choose_tree(run, b, r);
	case ALG_STRAW:
		return choose_straw(run, b, r);
	default:
		return choose_weighted(run, b, r, position);
	}
}

bool crush_is_out(const struct crush_run *run, int32_t device)
{
	uint32_t weight;

	if (device < 0 || (uint32_t)device >= run->in->weight_count)
		return true;
	weight = run->in->weight[device];
	if (weight >= 0x10000)
		return false;
	return !weight || (crush_hash2(run->in->x, (uint32_t)device) & 0xffff) >= weight;
}
