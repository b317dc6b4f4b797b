/* publish.h: how the engine changes the cache while other threads read it (read.h).
 *
 * One sequence counter guards all that readers see: a reader takes it, reads, and counts what it read only if
 * no change went on meanwhile. The engine brackets every change by cache_write_begin() and cache_write_end():
 * whatever belongs together (both names of a rename, a grant and the attributes that came with it) within one
 * bracket. Readers elsewhere find no answer while one is open, so no call of the program belongs into it.
 * Within, single fields are stored by PUB_SET, larger things by the functions below. What is taken out is
 * freed when no reader can stand on it any more (ck_epoch): retire().
 *
 * Owner thread only, but PUB_GET.
 */
#pragma once
#include <assert.h>
#include "../ring/epoch.h"
#include "../ring/ring.h"
#include "../ring/sanitizers.h"
#include "inode.h"

struct meta;
struct session;

/* Tests run in such a build: a change that is not bracketed ends them. */
#if defined(ASAN) || defined(TSAN)
#define PUB_CHECKED 1
extern __thread uint32_t cache_brackets; /* open on this thread */
#define pub_check() assert(cache_brackets && "a change of the cache outside of cache_write_begin()")
/* Before the program is called: readers elsewhere would wait for it. */
#define pub_check_closed() assert(!cache_brackets && "a callback within cache_write_begin()")
#else
#define pub_check()        ((void)0)
#define pub_check_closed() ((void)0)
#endif

/* A field that readers see: stored, and by them loaded, in one piece, and if it is a pointer, together with
 * what was written behind it before. */
#define PUB_SET(field, value) (pub_check(), __atomic_store_n(&(field), (value), __ATOMIC_RELEASE))
#define PUB_GET(field)        __atomic_load_n(&(field), __ATOMIC_ACQUIRE)
/* `used` flags: readers set them too. Written only when that changes something: the line stays shared. */
#define PUB_TOUCH(field)                                                                                     \
	do {                                                                                                 \
		if (!__atomic_load_n(&(field), __ATOMIC_RELAXED))                                            \
			__atomic_store_n(&(field), true, __ATOMIC_RELAXED);                                  \
	} while (0)
#define PUB_UNTOUCH(field) __atomic_store_n(&(field), false, __ATOMIC_RELAXED)

/* They nest. */
void cache_write_begin(struct cache *c);
void cache_write_end(struct cache *c);

void inode_set_attrs(struct cache *c, struct inode *i, const struct attrs *a);
void dir_set_attrs(struct cache *c, struct dir *d, const struct dir_attrs *a);
/* After every change to an inode's caps, or to their generation. */
void caps_publish(struct meta *m, struct inode *i);
/* After every change to a session's cap_gen or cap_ttl_ns. */
void session_publish(struct session *s);

/* What was taken out and is not freed yet; retire.c. */
struct retired_batch;
struct retired {
	ck_epoch_record_t *record; /* NULL before retired_init() */
	struct retired_batch *open, *spare;
	struct ring_task task;
	struct ring_timer timer;
	uint64_t pause_ms, warn_ns;
	void (*done)(struct meta *m);
	bool ending, warned;
};
int retired_init(struct meta *m); /* 0, -ENOMEM */
/* Calls free(m, p) when no reader can see `p` any more: at the end of the turn at the earliest. */
void retire(struct meta *m, void *p, void (*free)(struct meta *m, void *p));
/* The mount is over: first retired_ending(), then all of the cache is retired, then retired_end(): calls
 * done(m) when the last of it was freed, perhaps at once. */
void retired_ending(struct meta *m);
void retired_end(struct meta *m, void (*done)(struct meta *m));
/* Nothing is left, or no reader is inside. */
void retired_fini(struct meta *m);
