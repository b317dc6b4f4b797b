/* frag.h: directory fragments and the name hashes that choose among them (ceph src/include/frag.h,
 * src/common/ceph_hash.cc; doc/protocol.md 5.7). Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIR_HASH_LINUX = 1, DIR_HASH_RJENKINS = 2 };
/* Over the wire bytes of the name; hash 0 or unknown counts as linux. */
uint32_t dir_hash(uint8_t hash, const char *name, size_t len);

/* A frag: bits in the top 8, value in the low 24. */
static inline uint32_t frag_bits(uint32_t f)
{
	return f >> 24;
}
static inline uint32_t frag_value(uint32_t f)
{
	return f & 0xffffffu;
}
bool frag_valid(uint32_t f);
bool frag_contains(uint32_t f, uint32_t hash); /* by the low 24 bits */
bool frag_is_rightmost(uint32_t f);
uint32_t frag_next(uint32_t f); /* not for the rightmost */

/* The splits of one directory, sorted; owned (malloc'd), empty = one frag 0. */
struct fragtree {
	struct frag_split {
		uint32_t frag;
		int32_t by;
	} * split;
	uint32_t count;
};
/* From the wire form (8 bytes a split), replacing what was there. 0, -EBADMSG (left empty), -ENOMEM. */
int fragtree_set(struct fragtree *t, const uint8_t *wire, size_t len);
void fragtree_free(struct fragtree *t);
/* The leaf that holds `hash`. */
uint32_t fragtree_find(const struct fragtree *t, uint32_t hash);
/* Leaves in order: start with fragtree_first(); false after the rightmost. */
uint32_t fragtree_first(const struct fragtree *t);
bool fragtree_after(const struct fragtree *t, uint32_t f, uint32_t *next);
