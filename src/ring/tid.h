/* tid.h: requests in flight, parked by tid in a Concurrency Kit hash set (the key inside the request).
 *
 * One writer (the engine); debug views may walk it from any thread. `ck_hs`, because Debian's `ck_ht`
 * is faulty (see tests/test_ck.c).
 */
#pragma once
#include <ck_hs.h>
#include <stdbool.h>
#include <stdint.h>

/* First member of whatever is parked. */
struct tid_entry {
	uint64_t tid;
};

struct tid_table {
	ck_hs_t hs;
};

int tid_table_init(struct tid_table *t); /* 0 or -ENOMEM */
void tid_table_fini(struct tid_table *t);
int tid_put(struct tid_table *t, struct tid_entry *e); /* 0, -EEXIST, -ENOMEM */
struct tid_entry *tid_find(struct tid_table *t, uint64_t tid);
struct tid_entry *tid_take(struct tid_table *t, uint64_t tid); /* finds and removes */
unsigned tid_count(struct tid_table *t);
/* Every entry once, in no order; `e` may be removed by `fn`. Owner thread. */
void tid_each(struct tid_table *t, void (*fn)(void *arg, struct tid_entry *e), void *arg);
