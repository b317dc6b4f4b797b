/* osd_load.h: appends to many objects, some of each under way at any time, whose numbers tell afterwards
 * whether one was lost, done twice or overtaken. */
#pragma once
#include "osd_bed.h"

enum { LOAD_OBJECTS = 24, LOAD_DEPTH = 4, LOAD_MAX = 60000 };

struct load_slot {
	struct ask a; /* first */
	uint32_t object, number;
	bool busy;
};
struct load {
	struct bed *b;
	int64_t pool;
	const char *prefix;
	struct load_slot slot[LOAD_OBJECTS][LOAD_DEPTH];
	uint32_t next[LOAD_OBJECTS], done;
	uint32_t errors;
	int first_error;
	bool stop;
};

static inline void load_name(const struct load *l, uint32_t object, char *out, size_t room)
{
	snprintf(out, room, "%s%u", l->prefix, object);
}

static struct load *load_now;

static inline void load_next(struct load_slot *s);

static inline void load_done(struct osd_req *q, int result)
{
	struct load_slot *s = (struct load_slot *)q;

	s->busy = false;
	load_now->done++;
	if (result) {
		load_now->errors++;
		load_now->first_error = load_now->first_error ? load_now->first_error : result;
	}
	load_next(s);
}

static inline void load_next(struct load_slot *s)
{
	struct load *l = load_now;
	char name[32];

	if (l->stop || l->next[s->object] == LOAD_MAX)
		return;
	s->number = l->next[s->object]++;
	load_name(l, s->object, name, sizeof name);
	ask_write(&s->a, l->pool, name, OSD_OP_APPEND, 0, &s->number, sizeof s->number);
	s->a.q.done = load_done;
	s->busy = true;
	ask_submit(&s->a);
}

static inline struct load *load_start(struct bed *b, int64_t pool, const char *prefix)
{
	struct load *l = calloc(1, sizeof *l);

	load_now = l;
	l->b = b;
	l->pool = pool;
	l->prefix = prefix;
	for (uint32_t i = 0; i < LOAD_OBJECTS; i++)
		for (uint32_t k = 0; k < LOAD_DEPTH; k++) {
			l->slot[i][k].object = i;
			load_next(&l->slot[i][k]);
		}
	return l;
}

static inline void load_run(struct load *l, double seconds)
{
	UNTIL(l->b, seconds, false);
}

static inline bool load_progress(struct load *l, double seconds)
{
	uint32_t from = l->done;

	return UNTIL(l->b, seconds, l->done > from + LOAD_OBJECTS * LOAD_DEPTH);
}

static inline unsigned load_busy(const struct load *l)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < LOAD_OBJECTS; i++)
		for (uint32_t k = 0; k < LOAD_DEPTH; k++)
			n += l->slot[i][k].busy;
	return n;
}

/* Ends it: everything under way is done, nothing failed, and each object has its numbers in order. */
static inline void load_check(struct load *l, const char *name)
{
	static uint32_t got[LOAD_MAX];
	uint32_t wrong = 0, total = 0;
	char object[32];

	l->stop = true;
	tap_ok(UNTIL(l->b, 90, load_busy(l) == 0), "%s: everything that was under way ends", name);
	if (load_busy(l))
		tap_note("%u are still under way", load_busy(l));
	is(l->first_error, 0, "%s: no request failed", name);
	for (uint32_t i = 0; i < LOAD_OBJECTS; i++) {
		int n;

		load_name(l, i, object, sizeof object);
		n = obj_read(l->b, l->pool, object, 0, got, sizeof got);
		if (n != (int)(l->next[i] * sizeof *got)) {
			tap_note("%s: %s has %d bytes of %zu", name, object, n, l->next[i] * sizeof *got);
			wrong++;
			continue;
		}
		for (uint32_t k = 0; k < l->next[i]; k++)
			wrong += got[k] != k;
		total += l->next[i];
		obj_delete(l->b, l->pool, object);
	}
	tap_ok(!wrong, "%s: nothing is lost, done twice or out of order", name);
	tap_note("%s: %u appends", name, total);
	obed_note();
	load_now = NULL;
	free(l);
}
