/* inside_command.c: a command to MDSs; the asker sleeps until all have answered. */
#include "../meta/command.h"
#include "futex.h"
#include "inside_ask.h"

#include <errno.h>

struct commanding {
	struct ring_task task;
	cephring_mount *mt;
	struct command command;
	int res;
	uint32_t answered;
};

static void command_done(struct command *c, int err)
{
	struct commanding *q = c->arg;

	q->res = err;
	word_raise(&q->answered);
}

static void begin(struct ring_task *t)
{
	struct commanding *q = (struct commanding *)t;

	if (q->mt->meta.stopping)
		command_done(&q->command, -ESHUTDOWN);
	else
		command_begin(&q->mt->meta, &q->command);
}

int inside_command(cephring_mount *mt, const char *to, const char *const *words, uint32_t count,
		   const void *in, uint32_t in_len, struct inside_answer *out)
{
	struct commanding q = { .task = { .fn = begin },
				.mt = mt,
				.command = { .to = to,
					     .words = words,
					     .count = count,
					     .in = in,
					     .in_len = in_len,
					     .done = command_done } };
	int err;

	q.command.arg = &q;
	*out = (struct inside_answer){ 0 };
	if (engine_inside(mt->engine) || !mt->engine->own_thread)
		return -EDEADLK;
	err = ring_post(engine_ring(mt->engine), &q.task);
	if (err)
		return err;
	word_sleep(&q.answered);
	*out = (struct inside_answer){ q.command.out, q.command.said, q.command.out_len, q.command.said_len };
	return q.res;
}

void inside_answer_free(struct inside_answer *a)
{
	mem_free(a->out, a->out_len);
	mem_free(a->said, a->said_len);
}
