/* inside_ask.h: questions to the engine's thread: the asker sleeps until they are answered. */
#pragma once
#include "inside.h"
#include "mount.h"

/* Lives on the asker's stack. */
struct question {
	struct ring_task task; /* first */
	cephring_mount *mt;
	/* On the engine's thread: question_answer() comes once, from inside or later. */
	void (*begin)(struct question *q);
	int res;
	uint32_t answered;
};
/* mt and begin are set, the rest is 0. What was answered; -EDEADLK on the engine's own thread, -EAGAIN,
 * -ESHUTDOWN. */
int question_ask(struct question *q);
/* From here on the question may be gone. */
void question_answer(struct question *q, int res);

/* The result of a function that runs there; or an error of question_ask(). */
int inside_ask(cephring_mount *mt, int (*fn)(cephring_mount *mt, void *arg), void *arg);
/* The same when osdc_map() is there. */
int inside_ask_map(cephring_mount *mt, int (*fn)(cephring_mount *mt, void *arg), void *arg);

/* inside_block.c: what is in flight ends with `err`, soon. */
void blocks_fail(cephring_mount *mt, int err);
