/* inbox.c: see inbox.h. */
#include "inbox.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int inbox_init(struct inbox *b, unsigned size)
{
	if (!size)
		return -EINVAL;
	b->size = size;
	b->taken = NULL;
	atomic_init(&b->posted, NULL);
	atomic_init(&b->seated, 0);
	atomic_init(&b->bell, 0);
	atomic_init(&b->ended, false);
	b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return b->wake_fd < 0 ? -errno : 0;
}

void inbox_fini(struct inbox *b)
{
	close(b->wake_fd);
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
	struct ring_task *head;

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
	head = atomic_load_explicit(&b->posted, memory_order_relaxed);
	do {
		t->next = head;
	} while (!atomic_compare_exchange_weak_explicit(&b->posted, &head, t, memory_order_release,
							memory_order_relaxed));
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
	struct ring_task *t;

	if (!b->taken) {
		struct ring_task *newest = atomic_exchange_explicit(&b->posted, NULL, memory_order_acquire);

		while (newest) {
			t = newest;
			newest = t->next;
			t->next = b->taken;
			b->taken = t;
		}
	}
	t = b->taken;
	if (t) {
		b->taken = t->next;
		atomic_fetch_sub_explicit(&b->seated, 1, memory_order_release);
	}
	return t;
}

bool inbox_waiting(const struct inbox *b)
{
	return b->taken || atomic_load_explicit(&b->posted, memory_order_relaxed);
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
