/* crew.h: several threads that share a row of items, each taking the next one. How blocking calls are kept in
 * flight. */
#pragma once

#include <stddef.h>

/* Calls one(arg, i) for i = 0 .. n - 1 on `threads` threads; with 1, on the calling one. The first error ends
 * it: it is returned, and its item is in `bad`. `watch`, when not NULL, is told now and then, on the calling
 * thread, how many are done (with more than one thread only). */
int crew_run(unsigned threads, size_t n, int (*one)(void *arg, size_t i), void *arg, size_t *bad,
	     void (*watch)(size_t done, size_t all));
