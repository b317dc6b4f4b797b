/* crew.c: see crew.h. */
#include "crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { WATCH_NS = 200 * 1000 * 1000 };

struct crew {
	int (*one)(void *arg, size_t i);
	void *arg;
	size_t n, bad;
	atomic_size_t next, done;
	atomic_int err; /* the first */
};

static void *member(void *arg)
{
	struct crew *c = arg;

	for (size_t i; !c->err && (i = atomic_fetch_add(&c->next, 1)) < c->n;) {
		int err = c->one(c->arg, i), none = 0;
		if (err && atomic_compare_exchange_strong(&c->err, &none, err))
			c->bad = i;
		c->done++;
	}
	return NULL;
}

static void watch_until_done(struct crew *c, void (*watch)(size_t done, size_t all))
{
	while (c->done < c->n && !c->err) {
		nanosleep(&(struct timespec){ .tv_nsec = WATCH_NS }, NULL);
		watch(c->done, c->n);
	}
}

static void run_threads(struct crew *c, unsigned count, void (*watch)(size_t done, size_t all))
{
	pthread_t *threads = calloc(count, sizeof(*threads));
	unsigned started = 0;
	int err = threads ? 0 : -ENOMEM, none = 0;

	for (; !err && started < count; started += !err)
		err = -pthread_create(&threads[started], NULL, member, c);
	if (err) /* fewer in flight than asked for would be another workload */
		atomic_compare_exchange_strong(&c->err, &none, err);
	else if (watch)
		watch_until_done(c, watch);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	free(threads);
}

int crew_run(unsigned threads, size_t n, int (*one)(void *arg, size_t i), void *arg, size_t *bad,
	     void (*watch)(size_t done, size_t all))
{
	struct crew c = { .one = one, .arg = arg, .n = n, .bad = *bad };

	if (threads > 1)
		run_threads(&c, threads, watch);
	else
		member(&c);
	*bad = c.bad;
	return c.err;
}
