/* engine.h: an engine as the public header shows it: one ring, and how many mounts live on it.
 *
 * The ring does the work; this adds what only the API needs to know: whose thread it is, whether the caller
 * stands inside cephring_run() (a callback may not wait for another operation), and whether it is still in
 * use.
 */
#pragma once
#include "../../include/cephring.h"
#include "../ring/ring.h"

#include <stdbool.h>

enum { ENGINE_INBOX_MAX = 1 << 20, ENGINE_ENTRIES_MAX = 4096 };

struct cephring_engine {
	struct ring *ring; /* owned */
	unsigned mounts;   /* counted by engine_mount_get/put: any thread */
	bool own_thread;
	bool stopped; /* atomic: inside_engine_stop() */
	bool running; /* caller-driven: inside cephring_run(); owner thread */
};

static inline struct ring *engine_ring(const cephring_engine *e)
{
	return e->ring;
}

/* [any thread] */
static inline bool engine_is_owner(const cephring_engine *e)
{
	return ring_is_owner(e->ring);
}

/* On the engine's thread, where waiting for another operation would wait for ever. [any thread] */
static inline bool engine_inside(const cephring_engine *e)
{
	return engine_is_owner(e) && (e->own_thread || e->running);
}

/* Runs a caller-driven engine until `*done` (set by a callback); 0 or a negative errno. Owner thread, not
 * inside. */
int engine_run_until(cephring_engine *e, const bool *done);
/* A mount begins and ends to use the engine; cephring_engine_free() refuses in between. [any thread] */
void engine_mount_get(cephring_engine *e);
void engine_mount_put(cephring_engine *e);
