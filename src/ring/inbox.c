/* inbox.c: see inbox.h. */
#include "inbox.h"

#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "mem.h"

/* Twice the seats: a ck_ring of n holds n - 1, and whoever has a seat must find room. */
static size_t slots_size(unsigned size)
{
	return 2 * (size_t)size * sizeof(ck_ring_buffer_t);
}

int inbox_init(struct inbox *b, unsigned size)
{
	if (size < 2 || (size & (size - 1)) || size > 1u << 30)
		return -EINVAL;
	b->size = size;
	atomic_init(&b->seated, 0);
	atomic_init(&b->bell, 0);
	atomic_init(&b->ended, false);
	b->slots = mem_alloc(slots_size(size));
	if (!b->slots)
		return -ENOMEM;
	ck_ring_init(&b->ring, 2 * size);
	b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->wake_fd < 0) {
		int err = -errno;

		mem_free(b->slots, slots_size(size));
		return err;
	}
	return 0;
}

void inbox_fini(struct inbox *b)
{
	close(b->wake_fd);
	mem_free(b->slots, slots_size(b->size));
}

static void ring_bell(int fd)
{
	uint64_t one = 1;

	/* EAGAIN would need 2^64 of them; any other failure is a descriptor that the host closed. */
	while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

void inbox_wake(struct inbox *b)
{
	ring_bell(b->wake_fd);
}

void inbox_end(struct inbox *b)
{
	atomic_store(&b->ended, true);
}

static bool take_seat(struct inbox *b)
{
	unsigned n = atomic_load_explicit(&b->seated, memory_order_relaxed);

	while (n < b->size)
		if (atomic_compare_exchange_weak_explicit(&b->seated, &n, n + 1, memory_order_acq_rel,
							  memory_order_relaxed))
			return true;
	return false;
}

int inbox_post(struct inbox *b, struct ring_task *t)
{
	bool room;

	if (atomic_load_explicit(&b->ended, memory_order_acquire))
		return -ESHUTDOWN;
	if (!take_seat(b))
		return -EAGAIN;
	/* The exchange orders what the poster wrote before a run of `fn` that is still to come, also when
	 * the task is waiting already. */
	if (__atomic_exchange_n(&t->queued, true, __ATOMIC_ACQ_REL)) {
		atomic_fetch_sub_explicit(&b->seated, 1, memory_order_release);
		return 0;
	}
	room = ck_ring_enqueue_mpsc(&b->ring, b->slots, t);
	assert(room);
	(void)room;
	/* Sequentially consistent on both sides (here and in inbox_sleep): either the engine sees the
	 * task, or we see it asleep. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&b->bell, memory_order_relaxed)) {
		int fd = atomic_exchange(&b->bell, 0) - 1;

		if (fd >= 0)
			ring_bell(fd);
	}
	return 0;
}

struct ring_task *inbox_take(struct inbox *b)
{
	void *t;

	if (!ck_ring_dequeue_mpsc(&b->ring, b->slots, &t))
		return NULL;
	atomic_fetch_sub_explicit(&b->seated, 1, memory_order_release);
	return t;
}

bool inbox_waiting(const struct inbox *b)
{
	return ck_ring_size(&b->ring) > 0;
}

bool inbox_sleep(struct inbox *b, int fd)
{
	atomic_store(&b->bell, fd + 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (!inbox_waiting(b))
		return true;
	/* A producer may have rung in between: then the next wait ends at once, for nothing. */
	atomic_store_explicit(&b->bell, 0, memory_order_relaxed);
	return false;
}

bool inbox_awake(struct inbox *b)
{
	return atomic_exchange_explicit(&b->bell, 0, memory_order_relaxed) == 0;
}
