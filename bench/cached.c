/* cached.c: what the cache gives by itself: cached stats a second from one thread and from two, by the shape
 * of the path, and the memory of a cached entry. For profiles (perf stat, perf record); bench/metadata
 * compares.
 *
 *   cached-CLIENT CONF [SECONDS [ENTRIES]]
 *
 * Each shape is measured in turn with one thread and with two, ROUNDS times, and the medians are shown: what
 * else the machine does at the time then disturbs all of them alike. The CPU time of the threads is shown
 * beside: what a stat costs, also where the machine was not ours alone. */
#include "worker/client.h"
#include "worker/data.h"
#include "worker/meter.h"
#include "worker/names.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FILES = 1024, ROUNDS = 5, THREADS_MAX = 2, ENTRIES = 100000, STATS_PER_LOOK = 256 };

const char data_root[] = "/cephring-bench-cached";

static void die(struct client *c, const char *what, int err)
{
	fprintf(stderr, "%s: %s: %s\n", client_name, what, client_words(c, err));
	exit(1);
}

/* ---- the shapes ---- */

static void deep_name(char out[DATA_PATH_MAX], uint64_t i)
{
	snprintf(out, DATA_PATH_MAX, "d/d/d/d/d/d/d/f%04llu", (unsigned long long)i);
}

static void flat_name(char out[DATA_PATH_MAX], uint64_t i)
{
	snprintf(out, DATA_PATH_MAX, "d/f%04llu", (unsigned long long)i);
}

static const struct shape {
	const char *words;
	void (*name)(char out[DATA_PATH_MAX], uint64_t i);
} shapes[] = { { "2 components", flat_name }, { "8 components", deep_name } };
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void make_files(struct client *c, const struct names *n)
{
	for (size_t i = 0; i < n->n; i++) {
		struct client_act act = { .verb = CLIENT_CREATE, .path = n->v[i], .mode = 0644 };
		int err = client_act(c, &act);

		if (err && err != -EEXIST)
			die(c, n->v[i], err);
	}
}

static void make_dirs(struct client *c)
{
	static const char all[] = "d/d/d/d/d/d/d";
	char path[sizeof all];
	int err;

	for (size_t len = 1; len < sizeof all; len += 2) {
		snprintf(path, sizeof path, "%.*s", (int)len, all);
		err = data_mkdir(c, path, 0755);
		if (err)
			die(c, path, err);
	}
}

/* ---- speed ---- */

struct runner {
	pthread_t thread;
	struct client *c;
	const struct names *names;
	const bool *go, *stop; /* atomic */
	unsigned at;
	uint64_t done, cpu_ns;
	int err;
};

static uint64_t thread_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *run(void *arg)
{
	struct runner *r = arg;

	while (!__atomic_load_n(r->go, __ATOMIC_ACQUIRE))
		;
	r->cpu_ns = thread_cpu_ns();
	while (!__atomic_load_n(r->stop, __ATOMIC_RELAXED) && !r->err) {
		for (unsigned n = 0; n < STATS_PER_LOOK && !r->err; n++)
			r->err = client_stat_cached(r->c, r->names->v[r->at++ % FILES]);
		r->done += STATS_PER_LOOK;
	}
	r->cpu_ns = thread_cpu_ns() - r->cpu_ns;
	return NULL;
}

struct rate {
	double per_s, cpu_ns;
};

static struct rate measure(struct client *c, const struct names *names, unsigned threads, double seconds)
{
	struct runner r[THREADS_MAX];
	bool go = false, stop = false;
	uint64_t began, took, sum = 0, cpu = 0;

	for (unsigned n = 0; n < threads; n++) {
		r[n] =
		    (struct runner){ .c = c, .names = names, .go = &go, .stop = &stop, .at = n * FILES / 2 };
		pthread_create(&r[n].thread, NULL, run, &r[n]);
	}
	began = meter_now_ns();
	__atomic_store_n(&go, true, __ATOMIC_RELEASE);
	while (meter_now_ns() - began < (uint64_t)(seconds * 1e9))
		client_idle(c, 10000000);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	took = meter_now_ns() - began;
	for (unsigned n = 0; n < threads; n++) {
		pthread_join(r[n].thread, NULL);
		sum += r[n].done;
		cpu += r[n].cpu_ns;
		if (r[n].err)
			die(c, "a stat that should have been cached", r[n].err);
	}
	return (struct rate){ (double)sum * 1e9 / (double)took, (double)cpu / (double)sum };
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static struct rate median(const struct rate *r)
{
	double per_s[ROUNDS], cpu_ns[ROUNDS];

	for (unsigned n = 0; n < ROUNDS; n++) {
		per_s[n] = r[n].per_s;
		cpu_ns[n] = r[n].cpu_ns;
	}
	qsort(per_s, ROUNDS, sizeof *per_s, ascending);
	qsort(cpu_ns, ROUNDS, sizeof *cpu_ns, ascending);
	return (struct rate){ per_s[ROUNDS / 2], cpu_ns[ROUNDS / 2] };
}

static void measure_speed(struct client *c, double seconds)
{
	static struct rate rate[SHAPES][THREADS_MAX][ROUNDS];
	static struct names names[SHAPES];

	for (unsigned s = 0; s < SHAPES; s++) {
		if (names_make(&names[s], FILES, 0, shapes[s].name))
			die(c, "names", -ENOMEM);
		make_files(c, &names[s]);
		for (size_t i = 0; i < FILES; i++) {
			int err = client_walk(c, names[s].v[i]);

			if (err)
				die(c, names[s].v[i], err);
			client_stat_cached(c, names[s].v[i]);
		}
	}
	for (unsigned n = 0; n < ROUNDS; n++)
		for (unsigned s = 0; s < SHAPES; s++)
			for (unsigned t = 0; t < THREADS_MAX; t++)
				rate[s][t][n] = measure(c, &names[s], t + 1, seconds);
	for (unsigned s = 0; s < SHAPES; s++) {
		struct rate one = median(rate[s][0]), two = median(rate[s][1]);

		printf("%-10s stat, %s: one thread %.2f M/s, %.0f ns of CPU each; two %.2f M/s, %.0f ns: "
		       "times %.2f\n",
		       client_name, shapes[s].words, one.per_s / 1e6, one.cpu_ns, two.per_s / 1e6, two.cpu_ns,
		       two.per_s / one.per_s);
		names_free(&names[s]);
	}
}

/* ---- memory ---- */

static uint64_t cache_bytes(struct client *c)
{
	struct client_counters n = { 0 };

	return client_count(c, &n) ? 0 : n.bytes;
}

static void measure_memory(struct client *c, uint64_t entries)
{
	uint64_t resident, counted;
	int64_t got;

	resident = meter_resident_bytes();
	counted = cache_bytes(c);
	got = client_readdirplus(c, DATA_WIDE);
	if (got < (int64_t)entries)
		die(c, "listing", got < 0 ? (int)got : -ENODATA);
	resident = meter_resident_bytes() - resident;
	counted = cache_bytes(c) - counted;
	printf("%-10s %lld entries: %llu bytes resident each, %llu counted\n", client_name, (long long)got,
	       (unsigned long long)(resident / (uint64_t)got), (unsigned long long)(counted / (uint64_t)got));
}

static struct client *mounted(const char *conf, const char *root, bool own_thread)
{
	struct client_how how = { .own_thread = own_thread };
	struct client *c;
	int err = client_new(conf, &c);

	if (!err)
		err = client_mount(c, root, &how);
	if (err)
		die(c, "mount", err);
	return c;
}

static void leave(struct client *c)
{
	client_unmount(c);
	client_free(c);
}

int main(int argc, char **argv)
{
	double seconds = argc > 2 ? atof(argv[2]) : 1;
	uint64_t entries = argc > 3 ? strtoull(argv[3], NULL, 10) : ENTRIES;
	struct data_plan plan = { .files = entries, .threads = DATA_MAKERS };
	char where[DATA_PATH_MAX];
	struct client *c;
	int err;

	if (argc < 2) {
		fprintf(stderr, "usage: %s CONF [SECONDS [ENTRIES]]\n", argv[0]);
		return 2;
	}
	c = mounted(argv[1], "/", true);
	data_mkdir(c, data_root, 0755);
	leave(c);
	c = mounted(argv[1], data_root, true);
	make_dirs(c);
	err = entries ? data_prepare(c, &plan, NULL, where) : 0;
	if (err)
		die(c, where, err);
	leave(c);
	if (seconds > 0) {
		c = mounted(argv[1], data_root, true);
		measure_speed(c, seconds);
		leave(c);
	}
	if (entries) {
		c = mounted(argv[1], data_root, true);
		measure_memory(c, entries);
		leave(c);
	}
	return 0;
}
