/* inside_command.c: a command to MDSs; the asker sleeps until all have answered. */
#include "../meta/command.h"
#include "inside_ask.h"

#include <errno.h>

struct commanding {
	struct question q; /* first */
	struct command command;
};

static void command_done(struct command *c, int err)
{
	question_answer(c->arg, err);
}

static void begin(struct question *q)
{
	struct commanding *c = (struct commanding *)q;

	if (q->mt->meta.stopping)
		question_answer(q, -ESHUTDOWN);
	else
		command_begin(&q->mt->meta, &c->command);
}

int inside_command(cephring_mount *mt, const char *to, const char *const *words, uint32_t count,
		   const void *in, uint32_t in_len, struct inside_answer *out)
{
	struct commanding c = { .q = { .mt = mt, .begin = begin },
				.command = { .to = to,
					     .words = words,
					     .count = count,
					     .in = in,
					     .in_len = in_len,
					     .done = command_done } };
	int res;

	c.command.arg = &c.q;
	res = question_ask(&c.q);
	*out = (struct inside_answer){ c.command.out, c.command.said, c.command.out_len, c.command.said_len };
	return res;
}

void inside_answer_free(struct inside_answer *a)
{
	mem_free(a->out, a->out_len);
	mem_free(a->said, a->said_len);
}
