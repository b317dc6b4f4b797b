/* retire.c: freeing what was taken out of the cache, when no reader on another thread can see it any more.
 *
 *   retire() --> open batch --(full, or the turn ends)--> queued with its epoch --(polls)--> freed
 *
 * A poll follows at the end of the turn. With nobody inside a section it frees everything; else a timer
 * looks again, ever more seldom while the same readers stand in the way.
 */
#include "meta.h"

#include <errno.h>
#include <stddef.h>

enum { BATCH_ITEMS = 62, POLL_MIN_MS = 1, POLL_MAX_MS = 128, END_WARN_MS = 5000 };

struct retired_batch {
	ck_epoch_entry_t entry; /* first */
	struct meta *m;
	uint32_t count;
	struct {
		void *p;
		void (*free)(struct meta *m, void *p);
	} item[BATCH_ITEMS];
};

/* One stays at hand: it saves the allocator, and taking something out goes on when memory is out. */
static void batch_free(ck_epoch_entry_t *e)
{
	struct retired_batch *b = (struct retired_batch *)e;
	struct retired *r = &b->m->retired;

	for (uint32_t n = 0; n < b->count; n++)
		b->item[n].free(b->m, b->item[n].p);
	if (r->spare)
		mem_free(b, sizeof *b);
	else
		r->spare = b;
}

static void batch_close(struct retired *r)
{
	struct retired_batch *b = r->open;

	r->open = NULL;
	if (b)
		epoch_queue(r->record, &b->entry, batch_free);
}

static struct retired_batch *batch_new(struct meta *m)
{
	struct retired *r = &m->retired;
	struct retired_batch *b = r->spare ? r->spare : mem_alloc(sizeof *b);

	if (!b) { /* what was queued before may be due */
		epoch_poll(r->record);
		b = r->spare;
	}
	r->spare = NULL;
	if (b) {
		b->m = m;
		b->count = 0;
	}
	return b;
}

/* ---- looking ---- */

/* True: nothing is left. */
static bool run(struct retired *r)
{
	if (!r->record) /* the mount failed before it had a cache */
		return true;
	batch_close(r);
	return epoch_poll(r->record);
}

static void look(struct meta *m);

static void on_timer(struct ring_timer *t)
{
	struct meta *m = (struct meta *)((char *)t - offsetof(struct meta, retired.timer));
	struct retired *r = &m->retired;

	if (r->done && !r->warned && ring_now(m->ring) > r->warn_ns) {
		r->warned = true;
		log_emit(m->log, LOG_WARN, "unmount: a thread stands still inside a cached call");
	}
	look(m);
}

static void look(struct meta *m)
{
	struct retired *r = &m->retired;

	if (run(r)) {
		r->pause_ms = 0;
		if (r->timer.slot)
			ring_timer_clear(m->ring, &r->timer);
		if (r->done)
			r->done(m);
		return;
	}
	if (r->timer.slot)
		return;
	r->pause_ms = !r->pause_ms ? POLL_MIN_MS : r->pause_ms < POLL_MAX_MS ? r->pause_ms * 2 : POLL_MAX_MS;
	r->timer.fn = on_timer;
	ring_timer_set(m->ring, &r->timer, ring_now(m->ring) + r->pause_ms * 1000000ull);
}

static void on_turn_end(struct ring_task *t)
{
	look((struct meta *)((char *)t - offsetof(struct meta, retired.task)));
}

/* ---- from the cache ---- */

int retired_init(struct meta *m)
{
	m->retired.record = epoch_record_get();
	return m->retired.record ? 0 : -ENOMEM;
}

void retire(struct meta *m, void *p, void (*free)(struct meta *m, void *p))
{
	struct retired *r = &m->retired;

	if (!r->open || r->open->count == BATCH_ITEMS) {
		batch_close(r);
		r->open = batch_new(m);
	}
	if (!r->open) {
		log_fail(m->log, -ENOMEM,
			 "cache: an entry's memory is lost, for want of memory to note it in");
		return;
	}
	r->open->item[r->open->count].p = p;
	r->open->item[r->open->count++].free = free;
	r->task.fn = on_turn_end;
	if (!r->ending)
		ring_defer(m->ring, &r->task);
}

void retired_ending(struct meta *m)
{
	m->retired.ending = true;
}

void retired_end(struct meta *m, void (*done)(struct meta *m))
{
	struct retired *r = &m->retired;

	r->done = done;
	r->warn_ns = ring_now(m->ring) + END_WARN_MS * 1000000ull;
	if (!r->task.queued)
		look(m);
}

void retired_fini(struct meta *m)
{
	struct retired *r = &m->retired;
	bool empty = run(r);

	assert(empty);
	(void)empty;
	if (r->timer.slot)
		ring_timer_clear(m->ring, &r->timer);
	mem_free(r->spare, 0);
	r->spare = NULL;
	epoch_record_put(r->record);
	r->record = NULL;
}
