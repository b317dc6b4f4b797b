/* data.c: names in the tree and its making, by many threads at once as each creation waits for the MDS. See
 * data.h. */
#include "data.h"
#include "client.h"
#include "crew.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

/* The work is a row of items: first the wide files, then the chains depth by depth. */
struct making {
	struct client *c;
	const struct data_plan *plan;
};

static size_t item_count(const struct data_plan *p)
{
	uint64_t n = p->files;

	for (unsigned i = 0; i < p->depths; i++)
		n += p->chains[i].count;
	return n;
}

int data_mkdir(struct client *c, const char *path, uint32_t mode)
{
	int err = client_act(c, &(struct client_act){ .verb = CLIENT_MKDIR, .mode = mode, .path = path });

	return err == -EEXIST ? 0 : err;
}

static int make_file(struct client *c, const char *path)
{
	int err = client_act(c, &(struct client_act){ .verb = CLIENT_CREATE, .mode = 0644, .path = path });

	return err == -EEXIST ? 0 : err;
}

static int make_chain(struct client *c, unsigned depth, uint64_t i, char path[DATA_PATH_MAX])
{
	for (unsigned level = 1; level < depth; level++) {
		data_chain(path, depth, i, level);
		int err = data_mkdir(c, path, 0755);
		if (err)
			return err;
	}
	data_chain(path, depth, i, depth);
	return make_file(c, path);
}

/* `i` becomes the number within its row; the depth of a chain, or 0: a wide file. */
static unsigned item_of(const struct data_plan *p, uint64_t *i)
{
	unsigned row = 0;

	if (*i < p->files)
		return 0;
	*i -= p->files;
	for (; *i >= p->chains[row].count; row++)
		*i -= p->chains[row].count;
	return p->chains[row].depth;
}

static int make_item(void *arg, size_t item)
{
	struct making *m = arg;
	char path[DATA_PATH_MAX];
	uint64_t i = item;
	unsigned depth = item_of(m->plan, &i);

	if (depth)
		return make_chain(m->c, depth, i, path);
	data_wide(path, i);
	return make_file(m->c, path);
}

static void item_name(const struct data_plan *p, uint64_t i, char out[DATA_PATH_MAX])
{
	unsigned depth = item_of(p, &i);

	if (depth)
		data_chain(out, depth, i, depth);
	else
		data_wide(out, i);
}

/* The name says what is there, so a smaller tree of an earlier run is not taken for a larger one. */
static void ready_name(const struct data_plan *p, char out[DATA_PATH_MAX])
{
	int at = snprintf(out, DATA_PATH_MAX, "ready-%llu", (unsigned long long)p->files);

	for (unsigned i = 0; i < p->depths && at < DATA_PATH_MAX; i++)
		at += snprintf(out + at, (size_t)(DATA_PATH_MAX - at), "-%ux%llu", p->chains[i].depth,
			       (unsigned long long)p->chains[i].count);
}

int data_prepare(struct client *c, const struct data_plan *plan, void (*say)(size_t done, size_t all),
		 char where[DATA_PATH_MAX])
{
	struct making m = { .c = c, .plan = plan };
	char ready[DATA_PATH_MAX];
	size_t bad = 0;

	ready_name(plan, ready);
	int err = client_walk(c, ready);
	if (err != -ENOENT) {
		memcpy(where, ready, sizeof(ready));
		return err;
	}
	snprintf(where, DATA_PATH_MAX, "%s", DATA_WIDE);
	err = data_mkdir(c, DATA_WIDE, 0755);
	if (err)
		return err;
	err = crew_run(plan->threads, item_count(plan), make_item, &m, &bad, say);
	if (err) {
		item_name(plan, bad, where);
		return err;
	}
	memcpy(where, ready, sizeof(ready));
	return make_file(c, ready);
}
