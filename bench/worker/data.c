/* data.c: names in the tree and its making, by many threads at once as each creation waits for the MDS. See
 * data.h. */
#include "data.h"
#include "client.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 64 };

void data_chain(char out[DATA_PATH_MAX], unsigned depth, uint64_t i, unsigned levels)
{
	int at = snprintf(out, DATA_PATH_MAX, "w%02u-%05llu", depth, (unsigned long long)i);

	for (unsigned level = 2; level <= levels && at < DATA_PATH_MAX; level++)
		at += snprintf(out + at, (size_t)(DATA_PATH_MAX - at), level == depth ? "/leaf" : "/l%02u",
			       level);
}

void data_wide(char out[DATA_PATH_MAX], uint64_t i)
{
	snprintf(out, DATA_PATH_MAX, DATA_WIDE "/f%05llu", (unsigned long long)i);
}

void data_name(char out[DATA_PATH_MAX], uint64_t i)
{
	snprintf(out, DATA_PATH_MAX, "f%05llu", (unsigned long long)i);
}

void data_missing(char out[DATA_PATH_MAX], uint64_t i)
{
	snprintf(out, DATA_PATH_MAX, "missing%05llu", (unsigned long long)i);
}

/* ---- making it ---- */

/* The work is a row of items: first the wide files, then the chains depth by depth. Threads take the next
 * one. */
struct making {
	struct client *c;
	const struct data_plan *plan;
	uint64_t all;
	atomic_ullong next, done;
	atomic_int err; /* the first */
	char where[DATA_PATH_MAX];
};

static uint64_t item_count(const struct data_plan *p)
{
	uint64_t n = p->files;

	for (unsigned i = 0; i < p->depths; i++)
		n += p->chains[i].count;
	return n;
}

static int make_chain(struct client *c, unsigned depth, uint64_t i, char path[DATA_PATH_MAX])
{
	for (unsigned level = 1; level < depth; level++) {
		data_chain(path, depth, i, level);
		int err = client_mkdir(c, path);
		if (err)
			return err;
	}
	data_chain(path, depth, i, depth);
	return client_create(c, path);
}

static int make_item(struct making *m, uint64_t i, char path[DATA_PATH_MAX])
{
	const struct data_plan *p = m->plan;

	if (i < p->files) {
		data_wide(path, i);
		return client_create(m->c, path);
	}
	i -= p->files;
	unsigned row = 0;
	for (; i >= p->chains[row].count; row++)
		i -= p->chains[row].count;
	return make_chain(m->c, p->chains[row].depth, i, path);
}

static void *maker(void *arg)
{
	struct making *m = arg;
	char path[DATA_PATH_MAX];

	for (uint64_t i; !m->err && (i = atomic_fetch_add(&m->next, 1)) < m->all;) {
		int err = make_item(m, i, path), none = 0;
		if (err && atomic_compare_exchange_strong(&m->err, &none, err))
			memcpy(m->where, path, sizeof(path));
		m->done++;
	}
	return NULL;
}

/* The name says what is there, so a smaller tree of an earlier run is not taken for a larger one. */
static void ready_name(const struct data_plan *p, char out[DATA_PATH_MAX])
{
	int at = snprintf(out, DATA_PATH_MAX, "ready-%llu", (unsigned long long)p->files);

	for (unsigned i = 0; i < p->depths && at < DATA_PATH_MAX; i++)
		at += snprintf(out + at, (size_t)(DATA_PATH_MAX - at), "-%ux%llu", p->chains[i].depth,
			       (unsigned long long)p->chains[i].count);
}

static int make_all(struct making *m, void (*say)(uint64_t, uint64_t))
{
	pthread_t threads[THREADS_MAX];
	unsigned n = m->plan->threads < THREADS_MAX ? m->plan->threads : THREADS_MAX, started = 0;

	while (started < n && !pthread_create(&threads[started], NULL, maker, m))
		started++;
	if (!started)
		return -EAGAIN;
	while (m->done < m->all && !m->err) {
		nanosleep(&(struct timespec){ .tv_nsec = 200 * 1000 * 1000 }, NULL);
		say(m->done, m->all);
	}
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return m->err;
}

int data_prepare(struct client *c, const struct data_plan *plan, void (*say)(uint64_t done, uint64_t all),
		 char where[DATA_PATH_MAX])
{
	struct making m = { .c = c, .plan = plan, .all = item_count(plan) };
	char ready[DATA_PATH_MAX];

	ready_name(plan, ready);
	int err = client_walk(c, ready);
	if (err != -ENOENT) {
		memcpy(where, ready, sizeof(ready));
		return err;
	}
	snprintf(m.where, sizeof(m.where), "%s", DATA_WIDE);
	err = client_mkdir(c, DATA_WIDE);
	if (!err)
		err = make_all(&m, say);
	if (!err) {
		memcpy(m.where, ready, sizeof(ready));
		err = client_create(c, ready);
	}
	memcpy(where, m.where, sizeof(m.where));
	return err;
}
