/* worker.h: a process that runs workloads through one client kind, on command.
 *
 * The coordinator (a script) writes one command a line and reads one JSON object a line; so it decides the
 * order of rounds, and can look at the cluster between two workloads, while nothing but the workload runs in
 * this process.
 *
 *   up key=value ... | down | WORKLOAD key=value ... | quit
 *
 * `up` mounts data_root: uid, own (a thread of the client's own), async (directory operations). A suite is a
 * table of workloads (latency.c, metadata.c); this part is the same for all of them. */
#pragma once

#include "meter.h"

#include <stddef.h>
#include <stdint.h>

struct client;

/* One run of one workload: what was asked for, and what came out. */
struct job {
	struct client *c; /* mounted; NULL where the workload mounts by itself */
	const char *conf;
	struct meter *meter;
	/* asked for */
	uint64_t n, first, depth, uid, chains, files, threads;
	uint64_t pause_us; /* after each operation; outside its time, but its CPU counts */
	uint64_t set;      /* which of the suite's directories it works in */
	uint64_t mode, renamed, sync, own, async;
	uint64_t size, span, direct, every; /* of file data: bytes of one, of all; O_DIRECT; fsync */
	uint64_t bytes_per_sample;          /* of file data that a sample moved */
	/* came out */
	uint64_t *took_ns; /* owned; one for each sample */
	size_t samples;
	uint64_t ops_per_sample;
	struct metered cost; /* of all stretches between job_begin and job_end */
	uint64_t acts_ns;    /* of that, until the last act had returned */
	int64_t resident_bytes, entries;
	char words[256]; /* what went wrong, when run() gave an error */
};

struct workload {
	const char *name;
	int (*run)(struct job *job); /* 0 or -errno */
	int mounted;                 /* needs `up` before */
};

extern const struct workload workloads[]; /* the suite's; ends with a name of NULL */

/* Room for `n` samples. */
int job_samples(struct job *job, size_t n);
/* Only what is between these two is measured. */
void job_begin(struct job *job);
void job_end(struct job *job);
/* Says where it went wrong; returns err. */
int job_fail(struct job *job, int err, const char *what);
/* How far it is, for the progress line. */
void job_progress(size_t done, size_t all);
