/* tid.h: requests in flight, parked by tid in a Concurrency Kit hash set (the key inside the request).
 *
 * The engine is the one writer. `ck_hs`, because Debian's `ck_ht` is faulty (see tests/unit/test_ck.c). The
 * owner's thread only for now: a reader on another thread needs the entries, and the tables that growth
 * replaces, to be reclaimed through ck_epoch.
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
	unsigned long removed; /* since tombstones were swept last */
};

int tid_table_init(struct tid_table *t); /* 0 or -ENOMEM */
void tid_table_fini(struct tid_table *t);
int tid_put(struct tid_table *t, struct tid_entry *e); /* 0, -EEXIST, -ENOMEM */
struct tid_entry *tid_find(struct tid_table *t, uint64_t tid);
struct tid_entry *tid_take(struct tid_table *t, uint64_t tid); /* finds and removes */
unsigned tid_count(struct tid_table *t);
/* Every entry that is there now, in ascending order of tid (the order to send them again in). `fn` may remove
 * any entry and put new ones; removed ones are not visited any more. */
void tid_each(struct tid_table *t, void (*fn)(void *arg, struct tid_entry *e), void *arg);
