/* pagetree.h: the pages of one file by their number: a radix tree, 64 ways at each level.
 *
 * A tree is as high as its largest number needs. Sequential pages share a leaf, and a leaf that lost its last
 * page goes. Pure; the pages are the caller's.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct pagetree_node;
struct pagetree {
	struct pagetree_node *root; /* owned; NULL = empty */
	unsigned height;            /* levels below root and it */
	size_t nodes;
};
enum { PAGETREE_NODE_BYTES = 64 * 8 + 32 };

void *pagetree_find(const struct pagetree *t, uint64_t index);
/* Nothing may be there yet. 0, -ENOMEM. */
int pagetree_insert(struct pagetree *t, uint64_t index, void *page);
/* Something must be there. */
void pagetree_remove(struct pagetree *t, uint64_t index);
/* The first at or behind `index`, whose number is in *found; NULL: none. */
void *pagetree_next(const struct pagetree *t, uint64_t index, uint64_t *found);
