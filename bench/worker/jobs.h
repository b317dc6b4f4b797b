/* jobs.h: workloads that several suites have. */
#pragma once

#include "names.h"
#include "worker.h"

struct client_act;
struct data_plan;

enum { PHASES_MAX = 6 };

/* A row of acts. Those of a phase begin when all of the phase before have ended. */
struct acts {
	struct client_act *v; /* owned */
	struct names names;   /* what their paths point to */
	size_t n;
	size_t ends[PHASES_MAX]; /* v[ends[k - 1]] .. v[ends[k] - 1] are phase k */
	unsigned phases;
};

/* One phase; v[i] is `like` with the i-th name as its path. */
int acts_new(struct acts *a, size_t n, size_t names, const struct client_act *like);
void acts_free(struct acts *a);

/* Acts in flight as the job asks (depth, threads), and when it asks for `sync`, until all is with the MDS;
 * all of it measured, one sample for each act. */
int job_acts(struct job *job, const struct acts *acts);
/* The directory of many files, read with attributes; the sample is for one entry. Of a process whose memory
 * holds nothing yet, also what a cached entry costs. */
int job_readdirplus(struct job *job);
/* Not measured: makes data_root (with this mode) and the data in it, as root. */
int job_prepare(struct job *job, uint32_t root_mode, const struct data_plan *plan);
