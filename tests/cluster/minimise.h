/* minimise.h: the shortest part of a failing sequence that still fails, by leaving out halves, then shorter
 * and shorter chunks, then single steps (delta debugging, without its complements). Knows nothing of the
 * steps but their numbers. */
#pragma once
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct minimise {
	/* Of the steps `kept` alone, in their order: do they fail? Where no time is left, it clears `tries`
	 * and says false. */
	bool (*fails)(struct minimise *m, const unsigned *kept, unsigned count);
	void *arg;
	unsigned tries; /* that are left */
};

/* `kept`: steps that fail together, of which the needed ones stay; returns how many. While tries are left it
 * goes on until no single step can be left out. */
static inline unsigned minimise(struct minimise *m, unsigned *kept, unsigned count)
{
	unsigned *less = malloc((count + 1) * sizeof *less), chunk = count - count / 2;
	bool again = count > 0;

	while (less && again && m->tries) {
		again = chunk > 1;
		for (unsigned at = 0; at < count && m->tries;) {
			unsigned n = count - at < chunk ? count - at : chunk;

			memcpy(less, kept, at * sizeof *less);
			memcpy(less + at, kept + at + n, (count - at - n) * sizeof *less);
			m->tries--;
			if (m->fails(m, less, count - n)) {
				count -= n;
				memcpy(kept, less, count * sizeof *less);
				again = true;
			} else {
				at += n;
			}
		}
		chunk = chunk > 1 ? chunk / 2 : 1;
	}
	free(less);
	return count;
}
