/* slots.h: a table of open files and directories, without a lock.
 *
 * Slots stand in chunks of doubling size that are made when needed and freed with the table, so that a number
 * or pointer that is not open any more is found out, and never leads into freed memory. The lowest free
 * number is given first, as a POSIX program expects.
 *
 *   free --slot_new--> OPEN, one reference of the table's --slot_close--> no more users --last put--> free
 *
 * Who uses a slot takes a reference; whoever drops the last one of a closed slot closes the file in it.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../include/cephring.h"

enum slot_kind { SLOT_FILE, SLOT_DIR };

struct listing;
struct delegation;

struct slot {
	_Atomic uint32_t state; /* SLOT_OPEN and the number of references */
	uint32_t index;
	struct slots *table;
	enum slot_kind kind;
	int flags; /* of open(2) */
	cephring_file *file;
	struct listing *listing; /* owned; of a directory: dirs.c */
	_Atomic bool wrote;      /* something through it: closing it may have a loss to tell */
	_Atomic int64_t position;
	_Atomic uint32_t turn;
	struct delegation *_Atomic delegation; /* owned: deleg.c; NULL = it never had one */
};

enum { SLOT_CHUNKS = 16, SLOT_CHUNK_FIRST = 64 };

struct slot_chunk;
struct slots {
	struct slot_chunk *_Atomic chunk[SLOT_CHUNKS];
	_Atomic uint32_t open;
};

/* A free slot, made OPEN with the caller's fields; NULL: the table is full, or no memory. */
struct slot *slot_new(struct slots *t, enum slot_kind kind, cephring_file *f, int flags);
/* The open slot of that number, with a reference; NULL: not open. */
struct slot *slot_by_index(struct slots *t, int64_t index);
/* The same by the pointer that slot_new() gave; any pointer may be asked about. */
struct slot *slot_by_pointer(struct slots *t, const void *p, enum slot_kind kind);
void slot_put(struct slot *s);
static inline void slot_put_here(struct slot **s)
{
	if (*s)
		slot_put(*s);
}
/* Ends an open slot of which the caller has a reference, and takes that too. 0, or what closing the file
 * gave where nobody else was using it; -EBADF: somebody was faster. Only where something was written through
 * it is there anything to wait for. */
int slot_close(struct slot *s);
/* Turns: whoever comes second to what `turn` stands for sleeps until the first gives it. 0: free. */
void turn_take(_Atomic uint32_t *turn);
void turn_give(_Atomic uint32_t *turn);
/* What a descriptor's position, or a listing, is used by goes one after another: POSIX says so, and a program
 * may share a handle between threads. */
void slot_turn_take(struct slot *s);
void slot_turn_give(struct slot *s);
static inline void slot_turn_give_here(struct slot **s)
{
	if (*s)
		slot_turn_give(*s);
}
static inline void slot_wrote(struct slot *s)
{
	atomic_store_explicit(&s->wrote, true, memory_order_relaxed);
}
/* Closes what is left; nobody uses it any more. How many there were. */
unsigned slots_fini(struct slots *t);

/* dirs.c */
void listing_free(struct listing *l);
