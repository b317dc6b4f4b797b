/* inside_ask.c: see inside_ask.h. */
#include "inside_ask.h"
#include "futex.h"

#include <errno.h>

static void begin(struct ring_task *t)
{
	struct question *q = (struct question *)t;

	q->begin(q);
}

int question_ask(struct question *q)
{
	int err;

	/* Only an engine with a thread of its own answers while the asker sleeps. */
	if (engine_inside(q->mt->engine) || !q->mt->engine->own_thread)
		return -EDEADLK;
	q->task.fn = begin;
	err = ring_post(engine_ring(q->mt->engine), &q->task);
	if (err)
		return err;
	word_sleep(&q->answered);
	return q->res;
}

void question_answer(struct question *q, int res)
{
	q->res = res;
	word_raise(&q->answered);
}

/* ---- a function's result ---- */

struct calling {
	struct question q; /* first */
	struct map_waiter map;
	int (*fn)(cephring_mount *mt, void *arg);
	void *arg;
};

static void call(struct question *q)
{
	struct calling *c = (struct calling *)q;

	question_answer(q, c->fn(q->mt, c->arg));
}

int inside_ask(cephring_mount *mt, int (*fn)(cephring_mount *mt, void *arg), void *arg)
{
	struct calling c = { .q = { .mt = mt, .begin = call }, .fn = fn, .arg = arg };

	return question_ask(&c.q);
}

static void map_came(struct map_waiter *w, int err)
{
	struct calling *c = (struct calling *)((char *)w - offsetof(struct calling, map));

	if (err)
		question_answer(&c->q, err);
	else
		call(&c->q);
}

static void wait_for_map(struct question *q)
{
	data_map_wait(q->mt, &((struct calling *)q)->map);
}

int inside_ask_map(cephring_mount *mt, int (*fn)(cephring_mount *mt, void *arg), void *arg)
{
	struct calling c = {
		.q = { .mt = mt, .begin = wait_for_map }, .map = { .fn = map_came }, .fn = fn, .arg = arg
	};

	return question_ask(&c.q);
}
