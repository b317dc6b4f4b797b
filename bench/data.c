/* data.c: the data suite: bytes of files read and written, small and large, one at a time and many in flight;
 * small files whole; appends with fsync.
 *
 *   large<set>     `span` bytes that are there, for reading and writing in them
 *   new<set>       written from its start
 *   s<set>/f00000  small files
 */
#include "worker/client.h"
#include "worker/data.h"
#include "worker/io.h"
#include "worker/jobs.h"
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { BULK = 4 << 20 };

const char data_root[] = "/cephring-bench-data";

static void large_path(const struct job *j, char out[DATA_PATH_MAX])
{
	snprintf(out, DATA_PATH_MAX, "large%llu", (unsigned long long)j->set);
}

static void new_path(const struct job *j, char out[DATA_PATH_MAX])
{
	snprintf(out, DATA_PATH_MAX, "new%llu", (unsigned long long)j->set);
}

static void small_path(const struct job *j, uint64_t i, char out[DATA_PATH_MAX])
{
	snprintf(out, DATA_PATH_MAX, "s%llu/f%05llu", (unsigned long long)j->set, (unsigned long long)i);
}

/* ---- measuring ---- */

/* `sync`: until all of `f` is on stable storage, which no sample counts but the rate does. */
static int measure(struct job *j, const struct io_act *acts, struct client_file *f, const char *path)
{
	size_t bad = 0;
	int err = job_samples(j, j->n);

	if (err)
		return err;
	j->bytes_per_sample = acts[0].size;
	job_begin(j);
	err = io_many(j->c, acts, j->n, (unsigned)j->depth, j->took_ns, &bad);
	if (!err && j->sync && f)
		err = io_fsync(j->c, f);
	else if (!err && j->sync)
		err = client_sync(j->c);
	job_end(j);
	return err ? job_fail(j, err, acts[bad].path ? acts[bad].path : path) : 0;
}

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Fills in `n` acts on an open file: at random places of `span`, or one after the other. */
static struct io_act *row_of(const struct job *j, enum io_verb verb, struct client_file *f, bool anywhere)
{
	struct io_act *acts = calloc(j->n ? j->n : 1, sizeof(*acts));
	uint64_t x = 88172645463325252u + j->first;

	for (size_t i = 0; acts && i < j->n; i++) {
		uint64_t block = anywhere ? next_random(&x) % (j->span / j->size) : i;
		acts[i] = (struct io_act){
			.verb = verb, .file = f, .offset = block * j->size, .size = (size_t)j->size
		};
	}
	return acts;
}

static int on_file(struct job *j, const char *path, int flags, enum io_verb verb, bool anywhere)
{
	struct client_file *f;
	int err;

	if (j->size < IO_BLOCK || (anywhere && j->span < j->size))
		return job_fail(j, -EINVAL, "size, span");
	err = client_open(j->c, path, flags | (j->direct ? O_DIRECT : 0), 0666, &f);
	if (err)
		return job_fail(j, err, path);
	struct io_act *acts = row_of(j, verb, f, anywhere);
	for (size_t i = 0; acts && j->every && i < j->n; i++)
		if ((i + 1) % j->every == 0)
			acts[i].verb = IO_WRITE_FSYNC;
	err = acts ? measure(j, acts, f, path) : -ENOMEM;
	free(acts);
	int closed = client_close(f);
	return err ? err : closed ? job_fail(j, closed, path) : 0;
}

/* ---- in a file that is there ---- */

static int in_large(struct job *j, int flags, enum io_verb verb, bool anywhere)
{
	char path[DATA_PATH_MAX];

	large_path(j, path);
	return on_file(j, path, flags, verb, anywhere);
}

static int run_read(struct job *j)
{
	return in_large(j, O_RDONLY, IO_READ, true);
}

static int run_write(struct job *j)
{
	return in_large(j, O_RDWR, IO_WRITE, true);
}

static int run_fsync(struct job *j)
{
	return in_large(j, O_RDWR, IO_WRITE_FSYNC, true);
}

static int run_fdatasync(struct job *j)
{
	return in_large(j, O_RDWR, IO_WRITE_FDATASYNC, true);
}

static int run_seqread(struct job *j)
{
	return in_large(j, O_RDONLY, IO_READ, false);
}

/* ---- in a new one ---- */

static int run_seqwrite(struct job *j)
{
	char path[DATA_PATH_MAX];

	new_path(j, path);
	return on_file(j, path, O_CREAT | O_RDWR, IO_WRITE, false);
}

static int run_fill(struct job *j)
{
	j->size = BULK;
	j->n = j->span / BULK;
	j->direct = 1;
	return in_large(j, O_CREAT | O_RDWR, IO_WRITE, false);
}

static int run_remove_new(struct job *j)
{
	char path[DATA_PATH_MAX];
	int err;

	new_path(j, path);
	err = client_act(j->c, &(struct client_act){ .verb = CLIENT_UNLINK, .path = path });
	return err ? job_fail(j, err, path) : 0;
}

/* ---- small files ---- */

static int on_small(struct job *j, enum io_verb verb)
{
	struct io_act *acts = calloc(j->n ? j->n : 1, sizeof(*acts));
	struct names names;
	int err = acts ? names_new(&names, j->n) : -ENOMEM;

	if (err) {
		free(acts);
		return err;
	}
	for (size_t i = 0; i < j->n; i++) {
		small_path(j, i, names.text[i]);
		acts[i] = (struct io_act){ .verb = verb, .path = names.v[i], .size = (size_t)j->size };
	}
	err = measure(j, acts, NULL, "sync");
	names_free(&names);
	free(acts);
	return err;
}

static int dir_act(struct job *j, enum client_verb verb)
{
	char path[DATA_PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "s%llu", (unsigned long long)j->set);
	err = client_act(j->c, &(struct client_act){ .verb = verb, .path = path, .mode = 0777 });
	return err ? job_fail(j, err, path) : 0;
}

static int run_small_write(struct job *j)
{
	int err = dir_act(j, CLIENT_MKDIR);

	return err ? err : on_small(j, IO_FILE_WRITE);
}

static int run_small_read(struct job *j)
{
	return on_small(j, IO_FILE_READ);
}

/* As a data loader does: the directory is listed, which no sample counts, then each of its files is read. */
static int run_small_listed(struct job *j)
{
	char path[DATA_PATH_MAX];
	int64_t got;

	snprintf(path, sizeof(path), "s%llu", (unsigned long long)j->set);
	got = client_readdirplus(j->c, path);
	if (got >= 0 && (uint64_t)got != j->n)
		got = -EBADMSG;
	return got < 0 ? job_fail(j, (int)got, path) : on_small(j, IO_FILE_READ);
}

static int run_small_remove(struct job *j)
{
	struct acts acts;
	struct client_act like = { .verb = CLIENT_UNLINK };
	int err = acts_new(&acts, j->n, j->n, &like);

	if (err)
		return err;
	for (size_t i = 0; i < j->n; i++)
		small_path(j, i, acts.names.text[i]);
	err = job_acts(j, &acts);
	acts_free(&acts);
	return err ? err : dir_act(j, CLIENT_RMDIR);
}

static int run_prepare(struct job *j)
{
	struct data_plan plan = { .files = 1, .threads = DATA_MAKERS };

	return job_prepare(j, 0777, &plan);
}

const struct workload workloads[] = {
	{ "prepare", run_prepare, 0 },
	{ "fill", run_fill, 1 },
	{ "read", run_read, 1 },
	{ "write", run_write, 1 },
	{ "fsync", run_fsync, 1 },
	{ "fdatasync", run_fdatasync, 1 },
	{ "seqread", run_seqread, 1 },
	{ "seqwrite", run_seqwrite, 1 },
	{ "remove_new", run_remove_new, 1 },
	{ "small_write", run_small_write, 1 },
	{ "small_read", run_small_read, 1 },
	{ "small_listed", run_small_listed, 1 },
	{ "small_remove", run_small_remove, 1 },
	{ NULL, NULL, 0 },
};
