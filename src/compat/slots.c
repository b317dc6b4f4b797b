/* slots.c: see slots.h. */
#include "slots.h"
#include "../api/futex.h"

#include <errno.h>
#include <stdlib.h>

#define SLOT_OPEN 0x80000000u

struct slot_chunk {
	uint32_t size;
	_Atomic uint32_t used;
	_Atomic uint64_t *taken; /* a bit for each slot; behind the slots */
	struct slot slot[];
};

static uint32_t chunk_base(unsigned n)
{
	return SLOT_CHUNK_FIRST * ((1u << n) - 1);
}

/* Chunk n, made now if it must be. */
static struct slot_chunk *chunk_get(struct slots *t, unsigned n)
{
	struct slot_chunk *c = atomic_load_explicit(&t->chunk[n], memory_order_acquire), *made;
	uint32_t size = SLOT_CHUNK_FIRST << n;

	if (c)
		return c;
	made = calloc(1, sizeof *made + size * sizeof(struct slot) + size / 8);
	if (!made)
		return NULL;
	made->size = size;
	made->taken = (_Atomic uint64_t *)(made->slot + size);
	for (uint32_t i = 0; i < size; i++) {
		made->slot[i].table = t;
		made->slot[i].index = chunk_base(n) + i;
	}
	if (atomic_compare_exchange_strong(&t->chunk[n], &c, made))
		return made;
	free(made);
	return c;
}

static struct slot *chunk_take(struct slot_chunk *c)
{
	for (uint32_t w = 0; w < c->size / 64; w++) {
		uint64_t free_bits = ~atomic_load_explicit(&c->taken[w], memory_order_relaxed);

		while (free_bits) {
			uint64_t bit = free_bits & -free_bits;
			uint64_t was = atomic_fetch_or_explicit(&c->taken[w], bit, memory_order_acquire);

			if (!(was & bit)) {
				atomic_fetch_add_explicit(&c->used, 1, memory_order_relaxed);
				return &c->slot[w * 64 + (uint32_t)__builtin_ctzll(bit)];
			}
			free_bits = ~was;
		}
	}
	return NULL;
}

struct slot *slot_new(struct slots *t, enum slot_kind kind, cephring_file *f, int flags)
{
	for (unsigned n = 0; n < SLOT_CHUNKS; n++) {
		struct slot_chunk *c = chunk_get(t, n);
		struct slot *s;

		if (!c)
			return NULL;
		if (atomic_load_explicit(&c->used, memory_order_relaxed) == c->size)
			continue;
		s = chunk_take(c);
		if (!s)
			continue;
		s->kind = kind;
		s->flags = flags;
		s->file = f;
		s->listing = NULL;
		atomic_store_explicit(&s->wrote, false, memory_order_relaxed);
		atomic_store_explicit(&s->position, 0, memory_order_relaxed);
		atomic_store_explicit(&s->turn, 0, memory_order_relaxed);
		atomic_store_explicit(&s->delegation, NULL, memory_order_relaxed);
		atomic_fetch_add_explicit(&t->open, 1, memory_order_relaxed);
		atomic_store_explicit(&s->state, SLOT_OPEN | 1, memory_order_release);
		return s;
	}
	return NULL;
}

static struct slot *slot_get(struct slot *s)
{
	uint32_t v = atomic_load_explicit(&s->state, memory_order_relaxed);

	do
		if (!(v & SLOT_OPEN))
			return NULL;
	while (!atomic_compare_exchange_weak_explicit(&s->state, &v, v + 1, memory_order_acquire,
						      memory_order_relaxed));
	return s;
}

struct slot *slot_by_index(struct slots *t, int64_t index)
{
	struct slot_chunk *c;
	unsigned n;

	if (index < 0 || index >= chunk_base(SLOT_CHUNKS))
		return NULL;
	n = 31 - (unsigned)__builtin_clz((uint32_t)index / SLOT_CHUNK_FIRST + 1);
	c = atomic_load_explicit(&t->chunk[n], memory_order_acquire);
	return c ? slot_get(&c->slot[(uint32_t)index - chunk_base(n)]) : NULL;
}

struct slot *slot_by_pointer(struct slots *t, const void *p, enum slot_kind kind)
{
	for (unsigned n = 0; n < SLOT_CHUNKS; n++) {
		struct slot_chunk *c = atomic_load_explicit(&t->chunk[n], memory_order_acquire);
		uintptr_t off;
		struct slot *s;

		if (!c)
			return NULL;
		off = (uintptr_t)p - (uintptr_t)c->slot;
		if ((uintptr_t)p < (uintptr_t)c->slot || off >= c->size * sizeof(struct slot))
			continue;
		s = off % sizeof(struct slot) ? NULL : slot_get(&c->slot[off / sizeof(struct slot)]);
		if (s && s->kind != kind) {
			slot_put(s);
			s = NULL;
		}
		return s;
	}
	return NULL;
}

struct closing {
	struct cephring_op op;
};

static void closed(struct cephring_op *op, int64_t res, void *user)
{
	(void)op, (void)res;
	free(user);
}

static int close_unwaited(cephring_file *f)
{
	struct closing *c = calloc(1, sizeof *c);
	int err = c ? cephring_close(f, &c->op, closed, c) : -ENOMEM;

	if (err)
		free(c);
	return err;
}

/* Inside a callback of the engine nothing may wait: it closes by itself then. So does what has no loss to
 * tell, unless there is no room for one more operation. It is not put off: as long as the file counts as
 * open, another client may be kept waiting. */
static int file_close(cephring_file *f, bool wrote)
{
	int err;

	if (!wrote && !close_unwaited(f))
		return 0;
	err = cephring_sync_close(f);
	return err == -EDEADLK ? close_unwaited(f) : err;
}

/* Nobody uses it, and nobody can find it. */
static int slot_end(struct slot *s)
{
	struct slots *t = s->table;
	unsigned n = 31 - (unsigned)__builtin_clz(s->index / SLOT_CHUNK_FIRST + 1);
	struct slot_chunk *c = atomic_load_explicit(&t->chunk[n], memory_order_relaxed);
	uint32_t at = s->index - chunk_base(n);
	int err = file_close(s->file, atomic_load_explicit(&s->wrote, memory_order_relaxed));

	listing_free(s->listing);
	free(atomic_exchange(&s->delegation, NULL));
	s->listing = NULL;
	s->file = NULL;
	atomic_fetch_sub_explicit(&t->open, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&c->used, 1, memory_order_relaxed);
	atomic_fetch_and_explicit(&c->taken[at / 64], ~(1ull << at % 64), memory_order_release);
	return err;
}

void slot_put(struct slot *s)
{
	if (atomic_fetch_sub_explicit(&s->state, 1, memory_order_acq_rel) == 1)
		slot_end(s);
}

int slot_close(struct slot *s)
{
	uint32_t v = atomic_load_explicit(&s->state, memory_order_relaxed);

	/* the table's reference and the caller's go; OPEN with them */
	do
		if (!(v & SLOT_OPEN)) {
			slot_put(s);
			return -EBADF;
		}
	while (!atomic_compare_exchange_weak_explicit(&s->state, &v, (v & ~SLOT_OPEN) - 2,
						      memory_order_acq_rel, memory_order_relaxed));
	return (v & ~SLOT_OPEN) == 2 ? slot_end(s) : 0;
}

unsigned slots_fini(struct slots *t)
{
	unsigned left = 0;

	for (unsigned n = 0; n < SLOT_CHUNKS; n++) {
		struct slot_chunk *c = atomic_exchange(&t->chunk[n], NULL);

		for (uint32_t i = 0; c && i < c->size; i++)
			if (atomic_load(&c->slot[i].state) & SLOT_OPEN) {
				left++;
				cephring_sync_close(c->slot[i].file);
				listing_free(c->slot[i].listing);
				free(atomic_load(&c->slot[i].delegation));
			}
		free(c);
	}
	atomic_store(&t->open, 0);
	return left;
}

/* ---- turns ----
 *
 * A read or write at the position must have moved it before the next one begins (POSIX: they are atomic with
 * respect to each other), and it may take a round trip: so the second one sleeps. Only callers of the same
 * descriptor do, on threads of the program. */

enum { TURN_FREE, TURN_TAKEN, TURN_WANTED };

void turn_take(_Atomic uint32_t *turn)
{
	uint32_t was = TURN_FREE;

	if (atomic_compare_exchange_strong(turn, &was, TURN_TAKEN))
		return;
	while (atomic_exchange(turn, TURN_WANTED) != TURN_FREE)
		futex_wait(turn, TURN_WANTED, NULL);
}

void turn_give(_Atomic uint32_t *turn)
{
	if (atomic_exchange(turn, TURN_FREE) == TURN_WANTED)
		futex_wake(turn);
}

void slot_turn_take(struct slot *s)
{
	turn_take(&s->turn);
}

void slot_turn_give(struct slot *s)
{
	turn_give(&s->turn);
}
