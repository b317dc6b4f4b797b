/* frag.c: a large directory is cut into fragments by the leading bits of its names' 24-bit hashes. The tree
 * of cuts is a sorted list of (frag, by): that frag has 2^by children with `by` more bits; what is not cut is
 * a leaf.
 */
#include "frag.h"

#include <errno.h>
#include <stdlib.h>

#include "le.h"
#include "mds.h"

enum { HASH_BITS = 24, HASH_MASK = 0xffffff, SPLIT_BYTES = 8 };

static uint32_t bits_mask(uint32_t bits)
{
	return ((uint32_t)HASH_MASK << (HASH_BITS - bits)) & HASH_MASK;
}

static uint32_t frag_make(uint32_t bits, uint32_t hash)
{
	return bits << HASH_BITS | (hash & bits_mask(bits));
}

bool frag_valid(uint32_t f)
{
	return frag_bits(f) <= HASH_BITS && !(frag_value(f) & ~bits_mask(frag_bits(f)));
}

bool frag_contains(uint32_t f, uint32_t hash)
{
	return frag_bits(f) <= HASH_BITS && (hash & bits_mask(frag_bits(f))) == frag_value(f);
}

bool frag_is_rightmost(uint32_t f)
{
	return frag_bits(f) > HASH_BITS || frag_value(f) == bits_mask(frag_bits(f));
}

/* The first hash behind it; 1 << 24 for the rightmost. */
static uint32_t frag_end(uint32_t f)
{
	return frag_value(f) + (1u << (HASH_BITS - frag_bits(f)));
}

uint32_t frag_next(uint32_t f)
{
	return frag_bits(f) << HASH_BITS | (frag_end(f) & HASH_MASK);
}

static int split_compare(const void *a, const void *b)
{
	uint32_t fa = ((const struct frag_split *)a)->frag, fb = ((const struct frag_split *)b)->frag;

	return fa < fb ? -1 : fa > fb;
}

static bool splits_valid(const struct frag_split *split, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!frag_valid(split[i].frag) || split[i].by < 1 ||
		    split[i].by > (int32_t)(HASH_BITS - frag_bits(split[i].frag)))
			return false;
		if (i && split[i - 1].frag == split[i].frag)
			return false;
	}
	return true;
}

int fragtree_set(struct fragtree *t, const uint8_t *wire, size_t len)
{
	uint32_t count = (uint32_t)(len / SPLIT_BYTES);
	struct frag_split *split;

	fragtree_free(t);
	if (!len)
		return 0;
	if (len % SPLIT_BYTES || len / SPLIT_BYTES > DIRFRAG_SPLITS_MAX)
		return -EBADMSG;
	split = malloc(count * sizeof(*split));
	if (!split)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++, wire += SPLIT_BYTES)
		split[i] = (struct frag_split){ le32_get(wire), (int32_t)le32_get(wire + 4) };
	qsort(split, count, sizeof(*split), split_compare);
	if (!splits_valid(split, count)) {
		free(split);
		return -EBADMSG;
	}
	t->split = split;
	t->count = count;
	return 0;
}

void fragtree_free(struct fragtree *t)
{
	free(t->split);
	*t = (struct fragtree){ 0 };
}

/* By how many bits `f` is cut; 0 = a leaf. */
static uint32_t split_by(const struct fragtree *t, uint32_t f)
{
	struct frag_split key = { .frag = f }, *found;

	if (!t->count)
		return 0;
	found = bsearch(&key, t->split, t->count, sizeof(key), split_compare);
	return found ? (uint32_t)found->by : 0;
}

uint32_t fragtree_find(const struct fragtree *t, uint32_t hash)
{
	uint32_t f = 0, by;

	/* Every step adds at least one bit and fragtree_set() saw to it that no step leads beyond 24. */
	while ((by = split_by(t, f)))
		f = frag_make(frag_bits(f) + by, hash);
	return f;
}

uint32_t fragtree_first(const struct fragtree *t)
{
	return fragtree_find(t, 0);
}

bool fragtree_after(const struct fragtree *t, uint32_t f, uint32_t *next)
{
	if (frag_is_rightmost(f))
		return false;
	/* By position, not by tree: `f` may be a leaf of the tree as it was before a split or merge. */
	*next = fragtree_find(t, frag_end(f));
	return true;
}
