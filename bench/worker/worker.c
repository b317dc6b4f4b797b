/* worker.c: the command loop. See worker.h. */
#include "worker.h"
#include "client.h"
#include "data.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct worker {
	struct meter meter;
	const char *conf;
	struct client *c; /* while up */
};

/* ---- what workloads call ---- */

int job_samples(struct job *job, size_t n)
{
	job->took_ns = calloc(n ? n : 1, sizeof(*job->took_ns));
	job->samples = n;
	if (!job->took_ns)
		return -ENOMEM;
	/* Touched now, not inside the measured stretch. */
	memset(job->took_ns, 1, n * sizeof(*job->took_ns));
	return 0;
}

void job_begin(struct job *job)
{
	meter_start(job->meter);
}

void job_end(struct job *job)
{
	struct metered m;

	meter_stop(job->meter, &m);
	job->cost.wall_ns += m.wall_ns;
	job->cost.cpu_ns += m.cpu_ns;
	job->cost.calls += m.calls;
}

int job_fail(struct job *job, int err, const char *what)
{
	snprintf(job->words, sizeof(job->words), "%s: %s", what, client_words(job->c, err));
	return err;
}

void job_progress(size_t done, size_t all)
{
	printf("{\"done\":%zu,\"all\":%zu}\n", done, all);
	fflush(stdout);
}

/* ---- answers ---- */

static void answer(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void answer(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void answer_error(const char *words)
{
	printf("{\"error\":\"");
	for (const char *p = words; *p; p++) {
		if (*p == '"' || *p == '\\')
			putchar('\\');
		putchar((unsigned char)*p < ' ' ? ' ' : *p);
	}
	answer("\"}");
}

/* ---- commands ---- */

static const struct job job_defaults = { .n = 1, .uid = 1000, .depth = 1, .threads = 1, .ops_per_sample = 1 };

static uint64_t *job_key(struct job *j, const char *key)
{
	const struct {
		const char *key;
		uint64_t *at;
	} keys[] = { { "n", &j->n },
		     { "first", &j->first },
		     { "depth", &j->depth },
		     { "uid", &j->uid },
		     { "chains", &j->chains },
		     { "files", &j->files },
		     { "threads", &j->threads },
		     { "pause_us", &j->pause_us },
		     { "set", &j->set },
		     { "mode", &j->mode },
		     { "renamed", &j->renamed },
		     { "sync", &j->sync },
		     { "own", &j->own },
		     { "async", &j->async },
		     { "size", &j->size },
		     { "span", &j->span },
		     { "direct", &j->direct },
		     { "every", &j->every } };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!strcmp(key, keys[i].key))
			return keys[i].at;
	}
	return NULL;
}

/* key=value ...; `out` gets the file for the samples. */
static int job_parse(struct job *j, char *words, const char **out)
{
	char *rest = NULL;

	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		char *value = strchr(word, '=');
		if (!value)
			return -EINVAL;
		*value++ = 0;
		uint64_t *at = job_key(j, word);
		if (at)
			*at = strtoull(value, NULL, 0);
		else if (!strcmp(word, "out"))
			*out = value;
		else
			return -EINVAL;
	}
	return 0;
}

static int mount_as(struct worker *w, const struct job *j)
{
	struct client_how how = { .uid = (uint32_t)j->uid, .own_thread = j->own, .async_dirops = j->async };
	int err = client_new(w->conf, &w->c);

	return err ? err : client_mount(w->c, data_root, &how);
}

static void go_up(struct worker *w, char *words)
{
	struct job j = job_defaults;
	const char *out = NULL;

	if (w->c || job_parse(&j, words, &out)) {
		answer_error("up: it is up already, or a word is not key=value with a known key");
		return;
	}
	int err = mount_as(w, &j);
	if (!err) {
		answer("{\"up\":true}");
		return;
	}
	answer_error(client_words(w->c, err));
	client_free(w->c);
	w->c = NULL;
}

static void go_down(struct worker *w)
{
	uint64_t began = meter_now_ns();
	int err = w->c ? client_unmount(w->c) : 0;
	uint64_t took = meter_now_ns() - began;

	client_free(w->c);
	w->c = NULL;
	if (err)
		answer_error(strerror(-err));
	else
		answer("{\"up\":false,\"took_ns\":%llu}", (unsigned long long)took);
}

static int save_samples(const struct job *j, const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return -errno;
	size_t n = fwrite(j->took_ns, sizeof(*j->took_ns), j->samples, f);
	return fclose(f) || n != j->samples ? -EIO : 0;
}

static void answer_job(const struct job *j, const struct client_counters *own)
{
	answer("{\"samples\":%zu,\"ops\":%llu,\"wall_ns\":%llu,\"cpu_ns\":%llu,\"calls\":%llu,\"own_calls\":%"
	       "llu,"
	       "\"own_messages\":%llu,\"own_bytes\":%llu,\"resident_bytes\":%lld,\"entries\":%lld,"
	       "\"last_ns\":%llu,\"acts_ns\":%llu,\"bytes\":%llu,\"copied\":%llu}",
	       j->samples, (unsigned long long)(j->samples * j->ops_per_sample),
	       (unsigned long long)j->cost.wall_ns, (unsigned long long)j->cost.cpu_ns,
	       (unsigned long long)j->cost.calls, (unsigned long long)own->syscalls,
	       (unsigned long long)own->messages, (unsigned long long)own->bytes,
	       (long long)j->resident_bytes, (long long)j->entries,
	       (unsigned long long)(j->samples ? j->took_ns[j->samples - 1] : 0),
	       (unsigned long long)j->acts_ns, (unsigned long long)(j->samples * j->bytes_per_sample),
	       (unsigned long long)own->copied);
}

static void own_counters(struct client *c, struct client_counters *out)
{
	if (!c || client_count(c, out))
		*out = (struct client_counters){ 0 };
}

static void run_workload(struct worker *w, const struct workload *load, char *words)
{
	struct job j = job_defaults;
	struct client_counters before, after;
	const char *out = NULL;
	int err = job_parse(&j, words, &out);

	j.c = w->c;
	j.conf = w->conf;
	j.meter = &w->meter;
	if (err) {
		answer_error("a word of the command is not key=value with a known key");
		return;
	}
	if (load->mounted && !w->c) {
		answer_error("not mounted");
		return;
	}
	if (load->mounted)
		err = client_become(w->c, (uint32_t)j.uid);
	own_counters(load->mounted ? w->c : NULL, &before);
	if (!err)
		err = load->run(&j);
	own_counters(load->mounted ? w->c : NULL, &after);
	after.syscalls -= before.syscalls;
	after.messages -= before.messages;
	after.bytes -= before.bytes;
	after.copied -= before.copied;
	if (!err && out)
		err = save_samples(&j, out);
	if (err)
		answer_error(j.words[0] ? j.words : strerror(-err));
	else
		answer_job(&j, &after);
	free(j.took_ns);
}

static void obey(struct worker *w, char *line)
{
	char *words = strchr(line, ' ');

	if (words)
		*words++ = 0;
	else
		words = line + strlen(line);
	if (!strcmp(line, "up"))
		return go_up(w, words);
	if (!strcmp(line, "down"))
		return go_down(w);
	for (const struct workload *load = workloads; load->name; load++) {
		if (!strcmp(line, load->name))
			return run_workload(w, load, words);
	}
	answer_error("no such workload");
}

static int usage(void)
{
	fprintf(stderr, "usage: worker CEPH_CONF [count|mark]\n"
			"  count: system calls, by the kernel; mark: marks for strace; commands on stdin, "
			"see worker.h\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct worker w = { .conf = argc > 1 ? argv[1] : NULL };
	enum meter_calls calls = METER_CALLS_NO;
	char *line = NULL;
	size_t size = 0;

	if (argc > 2 && !strcmp(argv[2], "count"))
		calls = METER_CALLS_KERNEL;
	else if (argc > 2 && !strcmp(argv[2], "mark"))
		calls = METER_CALLS_MARK;
	else if (argc != 2)
		return usage();
	int err = meter_init(&w.meter, calls);
	if (err) {
		answer_error("the kernel does not let this process count system calls");
		return 1;
	}
	answer("{\"client\":\"%s\"}", client_name);
	while (getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\n")] = 0;
		if (!strcmp(line, "quit"))
			break;
		obey(&w, line);
	}
	free(line);
	return 0;
}
