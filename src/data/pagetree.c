/* pagetree.c: see pagetree.h. */
#include "pagetree.h"

#include "../ring/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

enum { BITS = 6, WAYS = 1 << BITS, LEVELS_MAX = 11 };

struct pagetree_node {
	uint64_t used; /* a bit for each slot that is not NULL */
	void *slot[WAYS];
};
static_assert(sizeof(struct pagetree_node) <= PAGETREE_NODE_BYTES, "");

/* The bits of an index that a level looks at; level 0 has the pages. */
static unsigned way(uint64_t index, unsigned level)
{
	return (unsigned)(index >> (BITS * level)) % WAYS;
}

static bool fits(unsigned height, uint64_t index)
{
	return height >= LEVELS_MAX || !(index >> (BITS * height));
}

static struct pagetree_node *node_new(struct pagetree *t)
{
	struct pagetree_node *n = mem_alloc(sizeof *n);

	t->nodes += n != NULL;
	return n;
}

static void node_free(struct pagetree *t, struct pagetree_node *n)
{
	mem_free(n, sizeof *n);
	t->nodes--;
}

static void put(struct pagetree_node *n, unsigned at, void *what)
{
	n->slot[at] = what;
	n->used |= 1ull << at;
}

void *pagetree_find(const struct pagetree *t, uint64_t index)
{
	const struct pagetree_node *n = t->root;

	if (!n || !fits(t->height, index))
		return NULL;
	for (unsigned level = t->height - 1; level && n; level--)
		n = n->slot[way(index, level)];
	return n ? n->slot[way(index, 0)] : NULL;
}

/* A root; and roots above it until the index fits. */
static int grow(struct pagetree *t, uint64_t index)
{
	if (!t->root) {
		t->root = node_new(t);
		for (t->height = 1; !fits(t->height, index);)
			t->height++;
		return t->root ? 0 : -ENOMEM;
	}
	while (!fits(t->height, index)) {
		struct pagetree_node *n = node_new(t);

		if (!n)
			return -ENOMEM;
		put(n, 0, t->root);
		t->root = n;
		t->height++;
	}
	return 0;
}

/* Takes away nodes on the way to `index` that have nothing, from the bottom; and roots with nothing but their
 * first way. */
static void shrink(struct pagetree *t, uint64_t index)
{
	struct pagetree_node *way_down[LEVELS_MAX] = { 0 };
	struct pagetree_node *n = t->root;

	for (unsigned level = t->height; level-- && n; n = n->slot[way(index, level)]) {
		way_down[level] = n;
		if (!level)
			break;
	}
	for (unsigned level = 0; level < t->height; level++) {
		n = way_down[level];
		if (!n)
			continue;
		if (n->used)
			break;
		node_free(t, n);
		if (level + 1 < t->height) {
			struct pagetree_node *up = way_down[level + 1];

			up->slot[way(index, level + 1)] = NULL;
			up->used &= ~(1ull << way(index, level + 1));
		} else {
			*t = (struct pagetree){ 0 };
			return;
		}
	}
	while (t->height > 1 && t->root->used == 1) {
		n = t->root;
		t->root = n->slot[0];
		t->height--;
		node_free(t, n);
	}
}

int pagetree_insert(struct pagetree *t, uint64_t index, void *page)
{
	struct pagetree_node *n;

	if (grow(t, index)) {
		if (t->root)
			shrink(t, 0);
		return -ENOMEM;
	}
	n = t->root;
	for (unsigned level = t->height - 1; level; level--) {
		unsigned at = way(index, level);

		if (!n->slot[at]) {
			struct pagetree_node *below = node_new(t);

			if (!below) {
				shrink(t, index);
				return -ENOMEM;
			}
			put(n, at, below);
		}
		n = n->slot[at];
	}
	assert(!n->slot[way(index, 0)]);
	put(n, way(index, 0), page);
	return 0;
}

void pagetree_remove(struct pagetree *t, uint64_t index)
{
	struct pagetree_node *n = t->root;

	for (unsigned level = t->height - 1; level; level--)
		n = n->slot[way(index, level)];
	assert(n->slot[way(index, 0)]);
	n->slot[way(index, 0)] = NULL;
	n->used &= ~(1ull << way(index, 0));
	if (!n->used || t->root->used == 1)
		shrink(t, index);
}

/* The first in the subtree of `n` that is not before `index`. Depth: LEVELS_MAX at most. */
static void *next_below(const struct pagetree_node *n, unsigned level, uint64_t index, uint64_t base,
			uint64_t *found)
{
	uint64_t left = n->used & (~0ull << way(index, level));

	for (; left; left &= left - 1) {
		unsigned at = (unsigned)__builtin_ctzll(left);
		uint64_t here = base | ((uint64_t)at << (BITS * level));
		void *p;

		if (!level) {
			*found = here;
			return n->slot[at];
		}
		/* Beyond the way that the index itself takes, everything is behind it. */
		p = next_below(n->slot[at], level - 1, at == way(index, level) ? index : 0, here, found);
		if (p)
			return p;
	}
	return NULL;
}

void *pagetree_next(const struct pagetree *t, uint64_t index, uint64_t *found)
{
	if (!t->root || !fits(t->height, index))
		return NULL;
	return next_below(t->root, t->height - 1, index, 0, found);
}
