/* sanitizers.h: which sanitizer this build has, and what ThreadSanitizer must be told. Nothing in other
 * builds.
 *
 * Concurrency Kit synchronises by inline assembly and within a library that is not instrumented. The edges
 * that we rely on:
 *
 *   from                                   to                                      told on the address of
 *   an object is made, then put into a     a reader got it out of the table        the object
 *   ck_hs (ordered store of the slot)      (compare callback)
 *   a reader leaves its section            it is freed after a poll that found     the process's epoch
 *   (ck_epoch_end: release)                nobody inside (ck_epoch_poll: scan)
 *   a thread gives its record back         another one takes it over               the record
 *   (ck_epoch_unregister: release)         (ck_epoch_recycle: atomic exchange)
 *
 * Everything else that threads share goes through __atomic builtins, which it knows.
 */
#pragma once

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define TSAN 1
#endif

#ifdef TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define tsan_acquire(p) __tsan_acquire((void *)(p))
#define tsan_release(p) __tsan_release((void *)(p))
#else
#define tsan_acquire(p) ((void)0)
#define tsan_release(p) ((void)0)
#endif
