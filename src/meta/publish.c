/* publish.c: see publish.h. */
#include "meta.h"

#include <string.h>

void cache_write_begin(struct cache *c)
{
	if (c->writing++)
		return;
	__atomic_store_n(&c->sequence, c->sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void cache_write_end(struct cache *c)
{
	if (!--c->writing)
		__atomic_store_n(&c->sequence, c->sequence + 1, __ATOMIC_RELEASE);
}

typedef uint64_t __attribute__((may_alias)) word;

/* Word by word, so that a reader's loads are of whole words; that they belong together the sequence tells. */
static void store_words(void *to, const void *from, size_t size)
{
	const word *f = from;
	word *t = to;

	for (size_t n = 0; n < size / 8; n++)
		__atomic_store_n(&t[n], f[n], __ATOMIC_RELAXED);
}

void inode_set_attrs(struct cache *c, struct inode *i, const struct attrs *a)
{
	cache_write_begin(c);
	store_words(&i->a, a, sizeof *a);
	if (i->dir && i->dir->has_snapdir)
		snap_dir_show(c, i);
	cache_write_end(c);
}

void dir_set_attrs(struct cache *c, struct dir *d, const struct dir_attrs *a)
{
	cache_write_begin(c);
	store_words(&d->a, a, sizeof *a);
	cache_write_end(c);
}

void retire(struct meta *m, void *p, void (*free)(struct meta *m, void *p))
{
	free(m, p);
}
