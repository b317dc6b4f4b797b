/* metadata.c: the metadata suite: making, changing and removing names one at a time and many in flight, trees
 * as of tar and git, cached attributes from several threads, and a file that two clients fight over.
 *
 * Each cell (an operation at one number in flight) has a directory of its own, sSS, that no other cell has
 * seen; what one workload makes the next one changes or removes, and removing the directory at the end shows
 * that nothing was left out. A verb that is added here is a row of `workloads`, and of VERBS in the script.
 */
#include "worker/client.h"
#include "worker/crew.h"
#include "worker/data.h"
#include "worker/jobs.h"
#include "worker/tree.h"
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum {
	STATS_PER_SAMPLE = 32, /* a cached stat is not much longer than reading the clock */
	STAT_NAMES = 1024,     /* over so many files */
	WARM_UP = 4,           /* names made and removed in a new directory before anything is measured */
};

const char data_root[] = "/cephring-bench-metadata";

/* ---- a directory for a cell ---- */

static void room_path(const struct job *j, char out[DATA_PATH_MAX])
{
	snprintf(out, DATA_PATH_MAX, "s%llu", (unsigned long long)j->set);
}

static int act_one(struct job *j, enum client_verb verb, const char *path, uint32_t mode)
{
	int err = client_act(j->c, &(struct client_act){ .verb = verb, .path = path, .mode = mode });

	return err ? job_fail(j, err, path) : 0;
}

/* The first operations in a directory pay for what the client gets to know about it then. */
static int run_room(struct job *j)
{
	char path[DATA_PATH_MAX], name[DATA_PATH_MAX + 16];

	room_path(j, path);
	int err = act_one(j, CLIENT_MKDIR, path, 0755);
	for (int i = 0; i < WARM_UP && !err; i++) {
		snprintf(name, sizeof(name), "%s/warm%d", path, i);
		err = act_one(j, CLIENT_CREATE, name, 0644);
		if (!err)
			err = act_one(j, CLIENT_UNLINK, name, 0);
	}
	return err;
}

static int run_leave(struct job *j)
{
	char path[DATA_PATH_MAX];

	room_path(j, path);
	return act_one(j, CLIENT_RMDIR, path, 0);
}

/* ---- one verb over the names of a cell ---- */

static void name_as(char out[DATA_PATH_MAX], char letter, uint64_t i)
{
	snprintf(out, DATA_PATH_MAX, "%c%05llu", letter, (unsigned long long)i);
}

/* In directory `dir`, names of this letter; a rename gives them the letter `to`. */
static int verb_in(struct job *j, const char *dir, struct client_act act, char letter, char to)
{
	struct acts acts;
	int err = client_dir_get(j->c, dir, &act.at);

	if (err)
		return job_fail(j, err, dir);
	err = acts_new(&acts, j->n, to ? 2 * j->n : j->n, &act);
	if (!err) {
		for (size_t i = 0; i < acts.n; i++) {
			name_as(acts.names.text[i], letter, j->first + i);
			if (!to)
				continue;
			name_as(acts.names.text[acts.n + i], to, j->first + i);
			acts.v[i].to = acts.names.v[acts.n + i];
		}
		err = job_acts(j, &acts);
		acts_free(&acts);
	}
	client_dir_put(act.at);
	return err;
}

static int verb_in_room(struct job *j, struct client_act act, char letter, char to)
{
	char dir[DATA_PATH_MAX];

	room_path(j, dir);
	return verb_in(j, dir, act, letter, to);
}

static int run_create(struct job *j)
{
	return verb_in_room(j, (struct client_act){ .verb = CLIENT_CREATE, .mode = 0644 }, 'f', 0);
}

static int run_create4k(struct job *j)
{
	return verb_in_room(j, (struct client_act){ .verb = CLIENT_CREATE_4K, .mode = 0644 }, 'f', 0);
}

static int run_chmod(struct job *j)
{
	return verb_in_room(j, (struct client_act){ .verb = CLIENT_CHMOD, .mode = 0600 }, 'f', 0);
}

static int run_rename(struct job *j)
{
	return verb_in_room(j, (struct client_act){ .verb = CLIENT_RENAME }, 'f', 'g');
}

static int run_unlink(struct job *j)
{
	return verb_in_room(j, (struct client_act){ .verb = CLIENT_UNLINK }, j->renamed ? 'g' : 'f', 0);
}

static int run_mkdir(struct job *j)
{
	return verb_in_room(j, (struct client_act){ .verb = CLIENT_MKDIR, .mode = 0755 }, 'd', 0);
}

static int run_rmdir(struct job *j)
{
	return verb_in_room(j, (struct client_act){ .verb = CLIENT_RMDIR }, 'd', 0);
}

/* Files that this mount has not seen: nothing about them is cached. */
static int run_chmod_cold(struct job *j)
{
	struct client_act act = { .verb = CLIENT_CHMOD, .mode = (uint32_t)j->mode };

	return verb_in(j, DATA_WIDE, act, 'f', 0);
}

/* ---- trees ---- */

static int tree(struct job *j, int (*make)(struct acts *, uint64_t set, uint64_t files))
{
	struct acts acts;
	int err = make(&acts, j->set, j->n);

	if (err)
		return err;
	err = job_acts(j, &acts);
	acts_free(&acts);
	return err;
}

static int run_untar(struct job *j)
{
	return tree(j, tree_unpack);
}

static int run_status(struct job *j)
{
	return tree(j, tree_status);
}

static int run_remove(struct job *j)
{
	return tree(j, tree_remove);
}

/* ---- cached attributes, from several threads ---- */

struct stats {
	struct job *j;
	struct names names;
};

static int one_stats(void *arg, size_t i)
{
	struct stats *s = arg;
	uint64_t began = meter_now_ns();
	int err = 0;

	for (size_t k = 0; k < STATS_PER_SAMPLE && !err; k++)
		err = client_stat_cached(s->j->c, s->names.v[(i * STATS_PER_SAMPLE + k) % STAT_NAMES]);
	s->j->took_ns[i] = (meter_now_ns() - began) / STATS_PER_SAMPLE;
	return err;
}

static int stats_measure(struct stats *s)
{
	struct job *j = s->j;
	size_t bad = 0;
	int err = 0;

	for (size_t i = 0; i < STAT_NAMES && !err; i++) {
		err = client_walk(j->c, s->names.v[i]);
		if (err)
			return job_fail(j, err, s->names.v[i]);
	}
	job_begin(j);
	err = crew_run((unsigned)j->threads, j->samples, one_stats, s, &bad, NULL);
	job_end(j);
	return err ? job_fail(j, err, "a stat that should have been cached") : 0;
}

static int run_stat_cached(struct job *j)
{
	struct stats s = { .j = j };
	int err = job_samples(j, j->n);

	j->ops_per_sample = STATS_PER_SAMPLE;
	if (!err)
		err = names_make(&s.names, STAT_NAMES, 0, data_wide);
	if (err)
		return err;
	err = stats_measure(&s);
	names_free(&s.names);
	return err;
}

/* ---- a file that two clients fight over ----
 * The script lets one process take caps on it and another one demand something that they stand in the way of:
 *
 *   take_clean   stat: shared caps             demand_chmod   they are revoked, and there is nothing to flush
 *   take_dirty   set times, with the file      demand_stat    exclusive caps are revoked, and what is flushed
 *                open for writing: exclusive                  with them must be seen
 *                caps, dirty
 */

static struct client_file *held; /* by this process */

static void duel_path(const struct job *j, char out[DATA_PATH_MAX])
{
	snprintf(out, DATA_PATH_MAX, "duel%llu", (unsigned long long)j->set);
}

static int64_t duel_time_ns(uint64_t i)
{
	return (int64_t)(1577836800 + i) * 1000000000;
}

static int run_hold(struct job *j)
{
	char path[DATA_PATH_MAX];
	int err;

	duel_path(j, path);
	err = held ? -EBUSY : client_open(j->c, path, O_CREAT | O_RDWR, 0666, &held);
	return err ? job_fail(j, err, path) : 0;
}

static int run_let_go(struct job *j)
{
	struct client_file *f = held;

	held = NULL;
	return f ? client_close(f) : -EBADF;
}

/* `n` times, one after the other; each next one sets another time or mode. */
static int duel(struct job *j, struct client_act act, bool timed, bool moded)
{
	char path[DATA_PATH_MAX];
	int err = job_samples(j, j->n);

	duel_path(j, path);
	act.path = path;
	job_begin(j);
	for (size_t i = 0; i < j->samples && !err; i++) {
		act.mtime_ns = timed ? duel_time_ns(j->first + i) : 0;
		act.mode = moded && (j->first + i) % 2 ? 0666 : 0644;
		uint64_t began = meter_now_ns();
		err = client_act(j->c, &act);
		j->took_ns[i] = meter_now_ns() - began;
	}
	job_end(j);
	return err ? job_fail(j, err, path) : 0;
}

static int run_take_clean(struct job *j)
{
	return duel(j, (struct client_act){ .verb = CLIENT_STAT }, false, false);
}

static int run_take_dirty(struct job *j)
{
	return duel(j, (struct client_act){ .verb = CLIENT_STAMP }, true, true);
}

static int run_demand_chmod(struct job *j)
{
	return duel(j, (struct client_act){ .verb = CLIENT_CHMOD }, false, true);
}

static int run_demand_stat(struct job *j)
{
	return duel(j, (struct client_act){ .verb = CLIENT_STAT }, true, false);
}

/* ---- not measured: what is read ---- */

static int run_prepare(struct job *j)
{
	struct data_plan plan = { .files = j->files, .threads = DATA_MAKERS };

	return job_prepare(j, 0777, &plan);
}

const struct workload workloads[] = {
	{ "prepare", run_prepare, 0 },
	{ "room", run_room, 1 },
	{ "leave", run_leave, 1 },
	{ "create", run_create, 1 },
	{ "create4k", run_create4k, 1 },
	{ "chmod", run_chmod, 1 },
	{ "rename", run_rename, 1 },
	{ "unlink", run_unlink, 1 },
	{ "mkdir", run_mkdir, 1 },
	{ "rmdir", run_rmdir, 1 },
	{ "chmod_cold", run_chmod_cold, 1 },
	{ "untar", run_untar, 1 },
	{ "status", run_status, 1 },
	{ "remove", run_remove, 1 },
	{ "readdirplus", job_readdirplus, 1 },
	{ "stat_cached", run_stat_cached, 1 },
	{ "hold", run_hold, 1 },
	{ "let_go", run_let_go, 1 },
	{ "take_clean", run_take_clean, 1 },
	{ "take_dirty", run_take_dirty, 1 },
	{ "demand_chmod", run_demand_chmod, 1 },
	{ "demand_stat", run_demand_stat, 1 },
	{ NULL, NULL, 0 },
};
