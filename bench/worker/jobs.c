/* jobs.c: see jobs.h. */
#include "jobs.h"
#include "client.h"
#include "data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int acts_new(struct acts *a, size_t n, size_t names, const struct client_act *like)
{
	*a = (struct acts){ .v = calloc(n ? n : 1, sizeof(*a->v)), .n = n, .ends = { n }, .phases = 1 };
	int err = a->v ? names_new(&a->names, names) : -ENOMEM;

	if (err) {
		acts_free(a);
		return err;
	}
	for (size_t i = 0; i < n; i++) {
		a->v[i] = *like;
		a->v[i].path = a->names.v[i];
	}
	return 0;
}

void acts_free(struct acts *a)
{
	free(a->v);
	names_free(&a->names);
	*a = (struct acts){ 0 };
}

static int run_phases(struct job *j, const struct acts *a, size_t *bad)
{
	unsigned depth = (unsigned)j->depth, threads = (unsigned)j->threads;
	size_t at = 0;
	int err = 0;

	for (unsigned k = 0; k < a->phases && !err; k++) {
		size_t i = 0;
		err = client_act_many(j->c, a->v + at, a->ends[k] - at, depth, threads, j->took_ns + at, &i);
		*bad = at + i;
		at = a->ends[k];
	}
	return err;
}

int job_acts(struct job *j, const struct acts *a)
{
	const char *where = "sync";
	size_t bad = 0;
	int err = job_samples(j, a->n);

	if (err)
		return err;
	job_begin(j);
	uint64_t began = meter_now_ns();
	err = run_phases(j, a, &bad);
	j->acts_ns = meter_now_ns() - began;
	if (err)
		where = a->v[bad].path;
	else if (j->sync)
		err = client_sync(j->c);
	job_end(j);
	return err ? job_fail(j, err, where) : 0;
}

int job_readdirplus(struct job *j)
{
	uint64_t resident = meter_resident_bytes();
	int err = job_samples(j, 1);

	if (err)
		return err;
	job_begin(j);
	uint64_t began = meter_now_ns();
	int64_t entries = client_readdirplus(j->c, DATA_WIDE);
	uint64_t took = meter_now_ns() - began;
	job_end(j);
	if (entries <= 0)
		return job_fail(j, entries ? (int)entries : -ENOENT, DATA_WIDE);
	j->entries = entries;
	j->ops_per_sample = (uint64_t)entries;
	j->took_ns[0] = took / (uint64_t)entries;
	j->resident_bytes = (int64_t)meter_resident_bytes() - (int64_t)resident;
	return 0;
}

/* ---- making the data ---- */

struct preparation {
	uint32_t root_mode;
	const struct data_plan *plan;
	char where[DATA_PATH_MAX];
};

static int prepare_root(struct client *c, struct preparation *p)
{
	int err = data_mkdir(c, data_root, p->root_mode);

	/* the umask may have taken bits away */
	return err ? err
		   : client_act(c, &(struct client_act){
				       .verb = CLIENT_CHMOD, .mode = p->root_mode, .path = data_root });
}

static int prepare_tree(struct client *c, struct preparation *p)
{
	return data_prepare(c, p->plan, job_progress, p->where);
}

static int prepare_at(struct job *j, const char *root, struct preparation *p,
		      int (*make)(struct client *, struct preparation *))
{
	struct client_how as_root = { .uid = 0, .own_thread = true }; /* data_prepare() works with threads */
	int err = client_new(j->conf, &j->c);

	if (!err)
		err = client_mount(j->c, root, &as_root);
	if (!err) {
		err = make(j->c, p);
		int down = client_unmount(j->c);
		err = err ? err : down;
	}
	if (err)
		job_fail(j, err, p->where);
	client_free(j->c);
	j->c = NULL;
	return err;
}

int job_prepare(struct job *j, uint32_t root_mode, const struct data_plan *plan)
{
	struct preparation p = { .root_mode = root_mode, .plan = plan };
	int err;

	snprintf(p.where, sizeof(p.where), "%s", data_root);
	err = prepare_at(j, "/", &p, prepare_root);
	return err ? err : prepare_at(j, data_root, &p, prepare_tree);
}
