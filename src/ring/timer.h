/* timer.h: the timers of one engine, earliest first.
 *
 * Most timers are deadlines that are cleared before they fire: a pairing heap sets in constant time,
 * clears in amortised O(log n), and links through the timers themselves, so that setting a deadline can
 * never fail for want of memory. Pure: the time is an argument.
 */
#pragma once
#include "ring.h"

struct timers {
	struct ring_timer *first; /* borrowed from the users */
	unsigned count;
	uint32_t turn; /* of the last one set */
};

/* Sets `t`, or moves it if it is set already. */
void timer_set(struct timers *h, struct ring_timer *t, uint64_t at_ns);
/* Does nothing if it is not set. */
void timer_clear(struct timers *h, struct ring_timer *t);
/* Fires what is due at `now`, in order; a timer that is set again by then waits for the next call. Returns
 * how many fired. */
unsigned timer_fire(struct timers *h, uint64_t now);
