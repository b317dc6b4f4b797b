/* epoch.c: see epoch.h.
 *
 * Why a poll frees nothing too early (Concurrency Kit 0.7.1 on x86-64): what is queued carries the epoch at
 * its queueing, and by the fence in epoch_queue() it was out of reach before that epoch was read. A reader
 * that got hold of it read the epoch earlier still, and is seen active with that or an older one; so the
 * epoch cannot move on by two while it is inside, and moving on by one is seen by the poll's scan. Without
 * the fence the removal could become visible after the epoch was read, and with it a reader of a newer one.
 */
#include "epoch.h"
#include "mem.h"
#include "sanitizers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

static ck_epoch_t epoch = { .epoch = 1 };
static atomic_uint key_made;  /* the key's number + 1; 0 = none yet. As in mem.c */
static atomic_bool fork_told; /* the handler is registered */

enum { READER_NEW, READER_USED, READER_NONE };
static __thread ck_epoch_record_t *own;
static __thread unsigned char own_state;

ck_epoch_record_t *epoch_record_get(void)
{
	ck_epoch_record_t *r = ck_epoch_recycle(&epoch, NULL);
	char *p;

	if (r) {
		tsan_acquire(r);
		return r;
	}
	p = mem_alloc(sizeof *r + CK_MD_CACHELINE);
	if (!p)
		return NULL;
	r = (ck_epoch_record_t *)(((uintptr_t)p + CK_MD_CACHELINE - 1) & ~(uintptr_t)(CK_MD_CACHELINE - 1));
	ck_epoch_register(&epoch, r, NULL);
	return r;
}

void epoch_record_put(ck_epoch_record_t *r)
{
	if (!r)
		return;
	tsan_release(r);
	ck_epoch_unregister(r);
}

static void thread_ends(void *unused)
{
	(void)unused;
	own_state = READER_NONE;
	epoch_record_put(own);
	own = NULL;
}

static bool key_get(pthread_key_t *key)
{
	unsigned seen = atomic_load_explicit(&key_made, memory_order_acquire);

	if (!seen) {
		if (pthread_key_create(key, thread_ends))
			return false;
		if (atomic_compare_exchange_strong(&key_made, &seen, *key + 1))
			return true;
		pthread_key_delete(*key);
	}
	*key = seen - 1;
	return true;
}

/* Only the thread that forked lives on: no other is inside a section any more. */
static void forked(void)
{
	ck_stack_entry_t *e;

	CK_STACK_FOREACH(&epoch.records, e)
	{
		ck_epoch_record_t *r = (ck_epoch_record_t *)e; /* its first member */

		if (r != own)
			ck_pr_store_uint(&r->active, 0);
	}
}

static __attribute__((noinline)) bool reader_new(void)
{
	pthread_key_t key;

	if (own_state != READER_NEW)
		return false;
	if (!atomic_exchange(&fork_told, true))
		pthread_atfork(NULL, NULL, forked);
	if (!key_get(&key))
		return false;
	own = epoch_record_get();
	if (!own)
		return false;
	/* The value is for the key's destructor only. */
	if (pthread_setspecific(key, own)) {
		epoch_record_put(own);
		own = NULL;
		return false;
	}
	own_state = READER_USED;
	return true;
}

bool epoch_enter(void)
{
	if (__builtin_expect(!own, 0) && !reader_new())
		return false;
	ck_epoch_begin(own, NULL);
	return true;
}

void epoch_leave(void)
{
	tsan_release(&epoch);
	ck_epoch_end(own, NULL);
}

void epoch_queue(ck_epoch_record_t *r, ck_epoch_entry_t *e, ck_epoch_cb_t *fn)
{
	ck_pr_fence_memory();
	ck_epoch_call(r, e, fn);
}

bool epoch_poll(ck_epoch_record_t *r)
{
	ck_stack_t due = CK_STACK_INITIALIZER;
	ck_stack_entry_t *e, *next;

	ck_epoch_poll_deferred(r, &due);
	tsan_acquire(&epoch);
	for (e = CK_STACK_FIRST(&due); e; e = next) {
		ck_epoch_entry_t *item =
		    (ck_epoch_entry_t *)((char *)e - offsetof(ck_epoch_entry_t, stack_entry));

		next = CK_STACK_NEXT(e);
		item->function(item);
	}
	return !r->n_pending;
}
