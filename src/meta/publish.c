/* publish.c: see publish.h. */
#include "meta.h"

#include <string.h>

#ifdef PUB_CHECKED
__thread uint32_t cache_brackets;
#define count_brackets(n) (cache_brackets += (n))
#else
#define count_brackets(n) ((void)0)
#endif

/* Odd while a change goes on. The fence keeps the stores of the change behind that of the odd number. */
void cache_write_begin(struct cache *c)
{
	count_brackets(1u);
	if (c->writing++)
		return;
	__atomic_store_n(&c->sequence, c->sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void cache_write_end(struct cache *c)
{
	count_brackets(-1u);
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

/* How much a reader can do with it: a session renewed in time, then many bits, then the authority's. */
static unsigned worth(const struct cap *c, uint64_t now)
{
	if (!c->issued || c->gen != c->session->cap_gen)
		return 0;
	return 1u + (session_caps_valid(c->session, c->gen, now) ? 1u << 16 : 0) +
	       ((unsigned)__builtin_popcount(c->issued) << 2) + (c->auth ? 2u : 0);
}

void caps_publish(struct meta *m, struct inode *i)
{
	uint64_t now = ring_now(m->ring);
	const struct cap *best = NULL;
	unsigned most = 0, w;

	for (const struct cap *c = i->caps; c; c = c->next) {
		w = worth(c, now);
		if (w > most) {
			most = w;
			best = c;
		}
	}
	if (best ? i->seen.caps == best->issued && i->seen.gen == best->gen &&
		       i->seen.rank == best->session->rank
		 : !i->seen.caps)
		return;
	cache_write_begin(&m->cache);
	PUB_SET(i->seen.caps, best ? best->issued : 0);
	if (best) {
		PUB_SET(i->seen.gen, best->gen);
		PUB_SET(i->seen.rank, best->session->rank);
	}
	cache_write_end(&m->cache);
}

void session_publish(struct session *s)
{
	struct session_seen *seen = &s->m->seen[s->rank];

	cache_write_begin(&s->m->cache);
	PUB_SET(seen->gen, s->cap_gen);
	PUB_SET(seen->ttl_ns, s->cap_ttl_ns);
	cache_write_end(&s->m->cache);
}
