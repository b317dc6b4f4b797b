/* timer.c: see timer.h. A pairing heap: every timer is earlier than its children; `child` is the first of
 * them, `next` the next sibling, `back` the previous sibling or, for a first child, the parent. */
#include "timer.h"

#include <assert.h>

static bool earlier(const struct ring_timer *a, const struct ring_timer *b)
{
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns;
	return (int32_t)(a->slot - b->slot) < 0;
}

static struct ring_timer *meld(struct ring_timer *a, struct ring_timer *b)
{
	struct ring_timer *late = b;

	if (!a || !b)
		return a ? a : b;
	if (earlier(b, a)) {
		late = a;
		a = b;
	}
	late->next = a->child;
	if (late->next)
		late->next->back = late;
	late->back = a;
	a->child = late;
	return a;
}

/* Makes one heap of a list of siblings: pairs from the left, then all pairs from the right. */
static struct ring_timer *meld_siblings(struct ring_timer *t)
{
	struct ring_timer *pairs = NULL, *all = NULL;

	while (t) {
		struct ring_timer *a = t, *b = t->next, *rest = b ? b->next : NULL;

		a->next = a->back = NULL;
		if (b)
			b->next = b->back = NULL;
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
		t = rest;
	}
	while (pairs) {
		struct ring_timer *rest = pairs->next;

		pairs->next = NULL;
		all = meld(all, pairs);
		pairs = rest;
	}
	return all;
}

void timer_clear(struct timers *h, struct ring_timer *t)
{
	struct ring_timer *below;

	if (!t->slot)
		return;
	below = meld_siblings(t->child);
	if (t == h->first) {
		h->first = below;
	} else {
		if (t->back->child == t)
			t->back->child = t->next;
		else
			t->back->next = t->next;
		if (t->next)
			t->next->back = t->back;
		h->first = meld(h->first, below);
	}
	t->child = t->next = t->back = NULL;
	t->slot = 0;
	h->count--;
}

void timer_set(struct timers *h, struct ring_timer *t, uint64_t at_ns)
{
	timer_clear(h, t);
	t->at_ns = at_ns;
	if (!++h->turn)
		h->turn = 1;
	t->slot = h->turn;
	t->child = t->next = t->back = NULL;
	h->first = meld(h->first, t);
	h->count++;
}

unsigned timer_fire(struct timers *h, uint64_t now)
{
	/* Those set from here on have a later turn. Without this a timer that sets itself to a time
	 * that is past would hold the engine for ever. */
	uint32_t last = h->turn;
	unsigned fired = 0;

	while (h->first && h->first->at_ns <= now && (int32_t)(h->first->slot - last) <= 0) {
		struct ring_timer *t = h->first;

		timer_clear(h, t);
		fired++;
		t->fn(t);
	}
	return fired;
}
