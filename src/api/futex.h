/* futex.h: threads of the program that sleep until another one says so (futex(2), private to the process).
 * Never on an engine's thread. */
#pragma once
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Sleeps while *word is `value`, at most for `limit` (NULL: no limit). May also return for nothing. */
static inline void futex_wait(const void *word, uint32_t value, const struct timespec *limit)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, limit, NULL, 0);
}

/* Wakes one. The word may be gone: a wake on an address that nobody waits on does nothing, and no user of a
 * futex may take a wake for more than a hint. */
static inline void futex_wake(const void *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* A word on the stack of one who sleeps, 0 until somebody raises it, once: from there on it may be gone. */
static inline void word_raise(uint32_t *word)
{
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	futex_wake(word);
}

static inline void word_sleep(const uint32_t *word)
{
	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE))
		futex_wait(word, 0, NULL);
}
