/* epoch.h: memory that other threads may still be reading is freed when none of them can be (ck_epoch).
 *
 * One epoch for the process. A reader is inside a SECTION while it follows pointers; a writer takes things
 * out of what readers can reach, queues them (epoch_queue), and frees what is due (epoch_poll): what every
 * section that was open when it was taken out has ended for. Nobody waits for anybody: a thread that stands
 * still inside a section only keeps memory from being freed.
 *
 *   reader's record   one for each thread, made at its first section, given back when the thread ends
 *   writer's record   one for each cache
 *
 * Records are never freed: those given back are used again.
 */
#pragma once
#include <ck_epoch.h>
#include <stdbool.h>

/* [any thread] They nest. False: this thread can have no record (no memory, or it is ending). */
bool epoch_enter(void);
void epoch_leave(void);

/* A writer's record; NULL: no memory. Used by one thread at a time; nothing is queued any more when it is
 * given back. */
ck_epoch_record_t *epoch_record_get(void);
void epoch_record_put(ck_epoch_record_t *r);
/* `fn(e)` will run in an epoch_poll(); what it stands for was taken out before. */
void epoch_queue(ck_epoch_record_t *r, ck_epoch_entry_t *e, ck_epoch_cb_t *fn);
/* Runs what is due. True: nothing is left. */
bool epoch_poll(ck_epoch_record_t *r);
