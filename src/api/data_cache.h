/* data_cache.h: the cache of file data (data/cache.h) joined with caps, objects and operations.
 *
 *   cached, clean     a reference on Fc      revoked: dropped, then given back
 *   dirty             a reference on Fb      revoked: written back, then given back; so fsync and a snapshot
 *                                            wait for that reference
 *   under way         nothing                reads end unseen; what is written holds Fb
 *
 * A file that has or had something cached has a struct data_file, which keeps its inode in use; it goes when
 * nothing is left. Who works on one counts himself in `users`. Engine's thread.
 */
#pragma once
#include "../data/cache.h"
#include "../data/readahead.h"
#include "data_op.h"

struct data_file {
	struct pcache_file f;
	LIST_ENTRY(data_file) link;
	cephring_mount *mt;
	struct inode *inode; /* in use for as long as this exists */
	uint32_t users;
	uint32_t past; /* writes under way that pass the cache by */
};

/* The file's; NULL: there is no cache, none for this file, or (`make`) no memory. A user more: to be given
 * back. */
struct data_file *data_file_get(cephring_mount *mt, struct inode *i, bool make);
void data_file_put(struct data_file *df);

/* Does this operation go through the cache? */
bool data_cached(const struct data_op *d);
/* Should its bytes wait in the cache? Not many at once, that nothing here is concerned with; and not when the
 * pool is full, or we are shut out: they would be refused when nobody waits for them any more. */
bool data_cache_takes(const struct data_op *d);
/* Reads d->len bytes at d->offset through the cache, and ahead of it. Writes likewise, under d->got: res =
 * 0; d->len is what was taken. As data_io(). */
int64_t data_cache_read(struct data_op *d);
int64_t data_cache_write(struct data_op *d);
/* Of a long write past the cache, which is waited for, the cache takes the end, and sends it at once behind
 * the rest: so the OSD has something to do while the caller makes his next write, and little is copied. It is
 * not kept when it is written. The number of bytes taken, or 0; when those before them were submitted, or
 * could not be (not `wanted`): data_cache_tail_go(). */
uint64_t data_cache_tail(struct data_op *d);
void data_cache_tail_go(struct data_op *d, uint64_t len, bool wanted);
/* What is dirty in a range is on the OSDs: 0, OP_PENDING (entered again), -errno. Before I/O that passes the
 * cache by. */
int64_t data_cache_settle(struct data_op *d, uint64_t offset, uint64_t len);
/* I/O that changes the range was submitted; has ended. */
void data_cache_passed(struct data_op *d, uint64_t offset, uint64_t len);
void data_cache_past(struct data_op *d);
/* As op_family.cancel. */
bool data_cache_cancel(struct data_op *d, int err);
/* Gives up what the operation has of the cache. */
void data_cache_leave(struct data_op *d);

int data_cache_begin(cephring_mount *mt); /* 0, -ENOMEM */
/* An unmount begins: nothing clean is kept any more. Then, when meta has ended: nothing at all. */
void data_cache_ends(cephring_mount *mt);
void data_cache_gone(cephring_mount *mt);
void data_cache_fini(cephring_mount *mt);
/* The cluster has thrown us out. */
void data_cache_fail(cephring_mount *mt, int err);
void data_cache_drop(cephring_mount *mt);
void data_cache_stats(const cephring_mount *mt, struct cephring_stats *s);
extern const struct caps_data_ops data_caps_ops;
