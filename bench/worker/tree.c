/* tree.c: see tree.h. */
#include "tree.h"
#include "client.h"
#include "jobs.h"

#include <stdio.h>

enum { FILES_EACH = 16, DIRS_EACH = 25 };

static const int64_t FIRST_TIME_NS = 1577836800000000000; /* 2020 */

struct shape {
	uint64_t set, files, dirs; /* without the root */
};

static struct shape shape_of(uint64_t set, uint64_t files)
{
	uint64_t dirs = (files + FILES_EACH - 1) / FILES_EACH;

	return (struct shape){ set, files, dirs };
}

/* ---- paths ---- */

static int root_path(const struct shape *s, char out[DATA_PATH_MAX])
{
	return snprintf(out, DATA_PATH_MAX, "t%llu", (unsigned long long)s->set);
}

static int dir_path(const struct shape *s, uint64_t i, char out[DATA_PATH_MAX])
{
	int at = root_path(s, out);

	at +=
	    snprintf(out + at, (size_t)(DATA_PATH_MAX - at), "/d%02llu", (unsigned long long)(i / DIRS_EACH));
	if (i % DIRS_EACH)
		at += snprintf(out + at, (size_t)(DATA_PATH_MAX - at), "/s%02llu",
			       (unsigned long long)(i % DIRS_EACH));
	return at;
}

static void file_path(const struct shape *s, uint64_t i, char out[DATA_PATH_MAX])
{
	int at = dir_path(s, i / FILES_EACH, out);

	snprintf(out + at, (size_t)(DATA_PATH_MAX - at), "/f%02llu", (unsigned long long)(i % FILES_EACH));
}

static int64_t file_time_ns(uint64_t i)
{
	return FIRST_TIME_NS + (int64_t)i * 1000000000;
}

/* ---- rows of acts: each function adds one phase ---- */

static char *add(struct acts *a, struct client_act act)
{
	char *path = a->names.text[a->n];

	act.path = path;
	a->v[a->n++] = act;
	return path;
}

static void phase_ends(struct acts *a)
{
	a->ends[a->phases++] = a->n;
}

static void add_root(struct acts *a, const struct shape *s, struct client_act act)
{
	root_path(s, add(a, act));
	phase_ends(a);
}

static void add_tops(struct acts *a, const struct shape *s, struct client_act act)
{
	for (uint64_t i = 0; i < s->dirs; i += DIRS_EACH)
		dir_path(s, i, add(a, act));
	phase_ends(a);
}

static void add_subs(struct acts *a, const struct shape *s, struct client_act act)
{
	for (uint64_t i = 0; i < s->dirs; i++) {
		if (i % DIRS_EACH)
			dir_path(s, i, add(a, act));
	}
	phase_ends(a);
}

static void add_dirs(struct acts *a, const struct shape *s, struct client_act act)
{
	for (uint64_t i = 0; i < s->dirs; i++)
		dir_path(s, i, add(a, act));
	phase_ends(a);
}

static void add_files(struct acts *a, const struct shape *s, struct client_act act)
{
	for (uint64_t i = 0; i < s->files; i++) {
		if (act.mtime_ns)
			act.mtime_ns = file_time_ns(i);
		file_path(s, i, add(a, act));
	}
	phase_ends(a);
}

/* Room for each of its entries twice; empty. */
static int begin(struct acts *a, const struct shape *s)
{
	size_t room = s->files + 2 * s->dirs + 1;
	int err = acts_new(a, room, room, &(struct client_act){ 0 });

	a->n = a->phases = 0;
	return err;
}

int tree_unpack(struct acts *out, uint64_t set, uint64_t files)
{
	struct client_act dir = { .verb = CLIENT_MKDIR, .mode = 0755 };
	struct client_act stamp = { .verb = CLIENT_STAMP, .mode = 0755, .mtime_ns = FIRST_TIME_NS };
	struct client_act file = { .verb = CLIENT_UNPACK, .mode = 0644, .mtime_ns = FIRST_TIME_NS };
	struct shape s = shape_of(set, files);
	int err = begin(out, &s);

	if (err)
		return err;
	add_root(out, &s, dir);
	add_tops(out, &s, dir);
	add_subs(out, &s, dir);
	add_files(out, &s, file);
	add_dirs(out, &s, stamp);
	return 0;
}

int tree_status(struct acts *out, uint64_t set, uint64_t files)
{
	struct client_act stat = { .verb = CLIENT_STAT, .mtime_ns = FIRST_TIME_NS };
	struct client_act list = { .verb = CLIENT_LIST };
	struct shape s = shape_of(set, files);
	int err = begin(out, &s);

	if (err)
		return err;
	add_files(out, &s, stat);
	add_dirs(out, &s, list);
	return 0;
}

int tree_remove(struct acts *out, uint64_t set, uint64_t files)
{
	struct client_act dir = { .verb = CLIENT_RMDIR };
	struct shape s = shape_of(set, files);
	int err = begin(out, &s);

	if (err)
		return err;
	add_files(out, &s, (struct client_act){ .verb = CLIENT_UNLINK });
	add_subs(out, &s, dir);
	add_tops(out, &s, dir);
	add_root(out, &s, dir);
	return 0;
}
