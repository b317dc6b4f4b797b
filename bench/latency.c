/* latency.c: the latency suite: mounting, lookups, cold walks, cached stat, open, readdirplus, lookups in
 * flight.
 *
 * "Cold" is made by the data and by the order: each operation has a path that this mount has not seen yet,
 * and the coordinator mounts anew for each round. */
#include "worker/client.h"
#include "worker/data.h"
#include "worker/jobs.h"
#include "worker/names.h"
#include "worker/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	STATS_PER_SAMPLE = 32, /* a cached stat is not much longer than reading the clock */
	WIDE_FILE = 0,         /* of the wide directory: what the cached workloads use */
};

/* ---- one operation after the other ---- */

/* What a client still does behind a finished call (filling its cache) shall not slow down the next one. */
static uint64_t pause_after(struct job *j)
{
	uint64_t began = meter_now_ns();

	client_idle(j->c, j->pause_us * 1000);
	return meter_now_ns() - began;
}

/* Runs op for each name, timing each; `expected` is the result that is right. */
static int each(struct job *j, const struct names *s, int (*op)(void *with, const char *name), void *with,
		int expected)
{
	int err = job_samples(j, s->n), res = 0;
	uint64_t paused_ns = 0;
	size_t i = 0;

	if (err)
		return err;
	job_begin(j);
	for (; i < s->n; i++) {
		uint64_t began = meter_now_ns();
		res = op(with, s->v[i]);
		j->took_ns[i] = meter_now_ns() - began;
		if (res != expected)
			break;
		if (j->pause_us)
			paused_ns += pause_after(j);
	}
	job_end(j);
	j->cost.wall_ns -= paused_ns;
	if (i == s->n)
		return 0;
	return job_fail(j, res ? res : -EEXIST, s->v[i]);
}

static int op_walk(void *with, const char *path)
{
	return client_walk(with, path);
}

static int op_open(void *with, const char *path)
{
	return client_open_close(with, path);
}

static int op_lookup(void *with, const char *name)
{
	return client_lookup(with, name);
}

static int run_walk(struct job *j)
{
	struct names s;
	int err = j->depth && j->depth <= DATA_DEPTH_MAX ? names_new(&s, j->n) : -EINVAL;

	if (err)
		return err;
	for (size_t i = 0; i < s.n; i++)
		data_chain(s.text[i], (unsigned)j->depth, j->first + i, (unsigned)j->depth);
	err = each(j, &s, op_walk, j->c, 0);
	names_free(&s);
	return err;
}

static int lookups(struct job *j, void (*name)(char out[DATA_PATH_MAX], uint64_t i), int expected)
{
	struct client_dir *dir;
	struct names s;
	int err = names_make(&s, j->n, j->first, name);

	if (err)
		return err;
	err = client_dir_get(j->c, DATA_WIDE, &dir);
	if (err) {
		err = job_fail(j, err, DATA_WIDE);
	} else {
		err = each(j, &s, op_lookup, dir, expected);
		client_dir_put(dir);
	}
	names_free(&s);
	return err;
}

static int run_lookup(struct job *j)
{
	return lookups(j, data_name, 0);
}

static int run_missing(struct job *j)
{
	return lookups(j, data_missing, -ENOENT);
}

static int run_open_cold(struct job *j)
{
	struct names s;
	int err = names_make(&s, j->n, j->first, data_wide);

	if (err)
		return err;
	err = client_walk(j->c, DATA_WIDE);
	if (!err)
		err = each(j, &s, op_open, j->c, 0);
	names_free(&s);
	return err;
}

/* ---- cached: the same path again and again ---- */

static void same_path(char out[DATA_PATH_MAX], uint64_t i)
{
	data_wide(out, WIDE_FILE);
}

static int run_open_cached(struct job *j)
{
	struct names s;
	int err = names_make(&s, j->n, j->first, same_path);

	if (err)
		return err;
	err = client_open_close(j->c, s.v[0]);
	if (err)
		err = job_fail(j, err, s.v[0]);
	else
		err = each(j, &s, op_open, j->c, 0);
	names_free(&s);
	return err;
}

static int run_stat_cached(struct job *j)
{
	char path[DATA_PATH_MAX];
	int err = job_samples(j, j->n);

	j->ops_per_sample = STATS_PER_SAMPLE;
	data_wide(path, WIDE_FILE);
	if (!err)
		err = client_walk(j->c, path);
	if (err)
		return job_fail(j, err, path);
	job_begin(j);
	for (size_t i = 0; i < j->samples && !err; i++) {
		uint64_t began = meter_now_ns();
		for (int k = 0; k < STATS_PER_SAMPLE; k++)
			err |= client_stat_cached(j->c, path);
		j->took_ns[i] = (meter_now_ns() - began) / STATS_PER_SAMPLE;
	}
	job_end(j);
	return err ? job_fail(j, client_stat_cached(j->c, path), path) : 0;
}

/* ---- the rest ---- */

static int run_inflight(struct job *j)
{
	struct client_act lookup = { .verb = CLIENT_LOOKUP };
	struct acts acts;
	int err = client_dir_get(j->c, DATA_WIDE, &lookup.at);

	if (err)
		return job_fail(j, err, DATA_WIDE);
	err = acts_new(&acts, j->n, j->n, &lookup);
	if (!err) {
		for (size_t i = 0; i < acts.n; i++)
			data_name(acts.names.text[i], j->first + i);
		err = job_acts(j, &acts);
		acts_free(&acts);
	}
	client_dir_put(lookup.at);
	return err;
}

static int mount_once(struct job *j, uint64_t *took_ns)
{
	struct client_how how = { .uid = (uint32_t)j->uid };
	struct client *c = NULL;
	int err = client_new(j->conf, &c);

	if (!err) {
		job_begin(j);
		uint64_t began = meter_now_ns();
		err = client_mount(c, data_root, &how);
		if (!err)
			err = client_unmount(c);
		*took_ns = meter_now_ns() - began;
		job_end(j);
	}
	if (err)
		snprintf(j->words, sizeof(j->words), "mount: %s", client_words(c, err));
	client_free(c);
	return err;
}

static int run_mount(struct job *j)
{
	int err = job_samples(j, j->n);

	for (size_t i = 0; i < j->samples && !err; i++)
		err = mount_once(j, &j->took_ns[i]);
	return err;
}

/* ---- not measured: makes the tree ---- */

static int run_prepare(struct job *j)
{
	struct data_plan plan = {
		.files = j->files,
		/* at 8 root has chains of its own, twice */
		.chains = { { 2, j->chains }, { 4, j->chains }, { 8, 3 * j->chains }, { 16, j->chains } },
		.depths = 4,
		.threads = DATA_MAKERS,
	};

	return job_prepare(j, 0755, &plan);
}

const char data_root[] = "/cephring-bench";

const struct workload workloads[] = {
	{ "prepare", run_prepare, 0 },
	{ "mount", run_mount, 0 },
	{ "missing", run_missing, 1 },
	{ "lookup", run_lookup, 1 },
	{ "walk", run_walk, 1 },
	{ "stat_cached", run_stat_cached, 1 },
	{ "open_cold", run_open_cold, 1 },
	{ "open_cached", run_open_cached, 1 },
	{ "readdirplus", job_readdirplus, 1 },
	{ "inflight", run_inflight, 1 },
	{ NULL, NULL, 0 },
};
