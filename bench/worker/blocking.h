/* blocking.h: acts by blocking calls, one thread for each in flight, each act timed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct client;
struct client_act;

/* As client_act_many(), with `threads` in flight. */
int blocking_act_many(struct client *c, const struct client_act *acts, size_t n, unsigned threads,
		      uint64_t *took_ns, size_t *bad);
