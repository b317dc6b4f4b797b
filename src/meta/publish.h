/* publish.h: how the engine changes the cache while other threads read it.
 *
 * One sequence counter guards all that readers see: a reader takes it, reads, and counts what it read only if
 * no change went on meanwhile (read.h). The engine brackets every change by cache_write_begin() and
 * cache_write_end(): whatever belongs together (both names of a rename, a grant and the attributes that came
 * with it) within one bracket. Within, single fields are stored by PUB_SET, larger things by the functions
 * below. What is taken out is freed when no reader can stand on it any more (ck_epoch): retire().
 *
 * Owner thread only, but PUB_GET.
 */
#pragma once
#include "inode.h"

struct meta;
struct session;

/* A field that readers see: stored, and by them loaded, in one piece. */
#define PUB_SET(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)
#define PUB_GET(field)        __atomic_load_n(&(field), __ATOMIC_RELAXED)

/* They nest. */
void cache_write_begin(struct cache *c);
void cache_write_end(struct cache *c);

void inode_set_attrs(struct cache *c, struct inode *i, const struct attrs *a);
void dir_set_attrs(struct cache *c, struct dir *d, const struct dir_attrs *a);
/* After every change to an inode's caps, or to their generation. */
void caps_publish(struct meta *m, struct inode *i);
/* After every change to a session's cap_gen or cap_ttl_ns. */
void session_publish(struct session *s);

/* Calls free(m, p) once no reader can see `p`; at once when there is none. */
void retire(struct meta *m, void *p, void (*free)(struct meta *m, void *p));
/* Frees what is due; at the end of a turn. */
void retired_run(struct meta *m);
