/* cmd_copy.c: `cephring cat`, `cp`, `put`, `get`: the contents of files. */
#include "copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { OPT_RESUME = 0x300, OPT_VERIFY, OPT_PROGRESS, DEPTH_MAX = 256 };

#define TREE_OPTIONS                                                                                         \
	{ "recursive", 'r', NULL, 0, "Directories too, with all that is in them", 0 },                       \
	    { "preserve", 'p', NULL, 0, "Modes and times as the source has them", 0 },                       \
	    { "resume",                                                                                      \
	      OPT_RESUME,                                                                                    \
	      NULL,                                                                                          \
	      0,                                                                                             \
	      "Go on where an earlier run was broken off: what is there of a target stays",                  \
	      0 },                                                                                           \
	{                                                                                                    \
		"verify", OPT_VERIFY, NULL, 0,                                                               \
		    "Read what arrived, and compare its checksum with that of what was sent", 0              \
	}

#define FLOW_OPTIONS                                                                                         \
	{ "jobs", 'j', "N", 0, "Requests of 4 MiB in flight (32)", 0 },                                      \
	    { "progress", OPT_PROGRESS, NULL, 0, "Tell how far it is also where that is no terminal", 0 },   \
	{                                                                                                    \
		0                                                                                            \
	}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct copy *c = a->opts;
	char *end;
	long n;

	switch (key) {
	case 'r':
		c->recurse = true;
		return 0;
	case 'p':
		c->transfer.preserve = true;
		return 0;
	case OPT_RESUME:
		c->transfer.resume = true;
		return 0;
	case OPT_VERIFY:
		c->transfer.verify = true;
		return 0;
	case OPT_PROGRESS:
		c->progress = 1;
		return 0;
	case 'j':
		n = strtol(arg, &end, 10);
		if (end == arg || *end || n < 1 || n > DEPTH_MAX)
			argp_error(state, "-j %s: a number from 1 to %d is wanted", arg, DEPTH_MAX);
		c->transfer.depth = (unsigned)n;
		return 0;
	default:
		return args_option(key, arg, state);
	}
}

/* ---- what came of it ---- */

static void done(void *arg, struct transfer_item *i)
{
	struct copy *c = arg;
	json_t *o;

	/* who reads a pipe may have enough */
	if (i->res == -EPIPE && !strcmp(i->at, "-"))
		c->tool->status = EXIT_FAILED;
	else if (i->res < 0)
		copy_fail(c, i->at, (int)i->res, i->why);
	if (c->tool->json) {
		o = json_new();
		json_bytes(o, "from", i->from, strlen(i->from));
		json_bytes(o, "to", i->to, strlen(i->to));
		json_u64(o, "bytes", i->moved);
		json_u64(o, "skipped", i->skipped);
		json_flag(o, "verified", c->transfer.verify && i->res >= 0);
		if (i->res < 0)
			json_error(o, (int)i->res, i->why);
		json_list_item(&c->json, o);
	}
	free(i->why);
	i->why = NULL;
}

/* ---- files ---- */

static struct transfer_item *items_new(struct copy *c)
{
	struct transfer_item *items = tool_alloc(c->files.count * sizeof *items);

	for (size_t n = 0; n < c->files.count; n++) {
		const struct copy_name *f = &c->files.list[n];

		items[n].from_side = c->from_side;
		items[n].to_side = c->to_side;
		items[n].from = f->from;
		items[n].to = f->to;
		items[n].size = S_ISREG(f->st.mode) ? f->st.size : 0;
		items[n].mode = f->st.mode & 0777;
		c->seen.total += items[n].size;
	}
	return items;
}

/* What goes into one pipe goes there one file after the other. */
static void move_files(struct copy *c, bool in_order)
{
	struct transfer_item *items = items_new(c);
	size_t count = c->files.count, step = in_order ? 1 : count;

	c->seen.files = count;
	for (size_t n = 0; n < count; n += step) {
		transfer_run(c->tool, &c->transfer, items + n, step, done, c);
		if (in_order && items[n].res == -EPIPE)
			break;
	}
	free(items);
}

/* All of it is on stable storage when the command ends well. */
static void sync_all(struct copy *c)
{
	int err = c->to_side == SIDE_CEPH ? cephring_sync_syncfs(c->tool->mount) : 0;
	char *why = err ? tool_why(c->tool, err) : NULL;

	if (err)
		copy_fail(c, "sync", err, why);
	free(why);
}

static void run(struct copy *c, char *const *sources, size_t count, const char *target)
{
	bool pipe = c->to_side == SIDE_LOCAL && !strcmp(target, "-");

	if (!tool_connect(c->tool))
		return;
	if (c->tool->json)
		json_list_begin(&c->json);
	progress_begin(&c->seen, c->progress);
	if (copy_plan(c, sources, count, target)) {
		copy_names_before(c);
		if (c->files.count)
			move_files(c, pipe);
		copy_names_after(c);
		sync_all(c);
	}
	progress_end(&c->seen);
	if (c->tool->json)
		json_list_end(&c->json);
	copy_free(c);
}

/* ---- the commands ---- */

static void usage(const struct args *a, const char *words)
{
	fprintf(stderr, "%s: %s\n", a->command, words);
	exit(EXIT_USAGE);
}

static void begin(struct copy *c, struct args *a, struct tool *t, const struct argp *argp, int argc,
		  char **argv)
{
	c->tool = t;
	c->transfer.depth = TRANSFER_DEPTH;
	c->transfer.progress = &c->seen;
	args_read(a, t, argp, argc, argv, c);
}

/* "-" among the local names: what can be done with a pipe. */
static void check_pipe(const struct copy *c, const struct args *a)
{
	bool pipe = false;

	for (int n = 0; n < a->count; n++) {
		bool source = n + 1 < a->count;

		if (strcmp(a->list[n], "-") || (source ? c->from_side : c->to_side) != SIDE_LOCAL)
			continue;
		pipe = true;
		if (source && a->count > 2)
			usage(a, "standard input is the only source, or none");
	}
	if (!pipe)
		return;
	if (c->transfer.resume || c->transfer.preserve || c->recurse)
		usage(a, "-r, -p and --resume do not go with -");
	if (c->transfer.verify && c->to_side == SIDE_LOCAL)
		usage(a, "--verify: standard output cannot be read again");
	if (c->tool->json && c->to_side == SIDE_LOCAL)
		usage(a, "--json: standard output is for the contents");
}

static void pairs(struct tool *t, int argc, char **argv, enum side from, enum side to, const char *names,
		  const char *what)
{
	static const struct argp_option options[] = { TREE_OPTIONS, FLOW_OPTIONS };
	struct argp argp = { options, parse, names, what, NULL, NULL, NULL };
	struct copy c = { .from_side = from, .to_side = to };
	struct args a;

	begin(&c, &a, t, &argp, argc, argv);
	args_need(&a, 2, -1);
	check_pipe(&c, &a);
	run(&c, a.list, (size_t)a.count - 1, a.list[a.count - 1]);
}

void cmd_cp(struct tool *t, int argc, char **argv)
{
	pairs(t, argc, argv, SIDE_CEPH, SIDE_CEPH, "SOURCE... TARGET",
	      "Copies within the file system; into TARGET where that is a directory.");
}

void cmd_put(struct tool *t, int argc, char **argv)
{
	pairs(t, argc, argv, SIDE_LOCAL, SIDE_CEPH, "LOCAL... TARGET",
	      "Copies files of this machine into the file system; - is standard input.");
}

void cmd_get(struct tool *t, int argc, char **argv)
{
	pairs(t, argc, argv, SIDE_CEPH, SIDE_LOCAL, "SOURCE... LOCAL",
	      "Copies files of the file system to this machine; - is standard output.");
}

void cmd_cat(struct tool *t, int argc, char **argv)
{
	static const struct argp_option options[] = { FLOW_OPTIONS };
	struct argp argp = { options, parse, "PATH...", "Writes the contents of files to standard output.",
			     NULL,    NULL,  NULL };
	struct copy c = { .from_side = SIDE_CEPH, .to_side = SIDE_LOCAL, .one_pipe = true };
	struct args a;

	begin(&c, &a, t, &argp, argc, argv);
	args_need(&a, 1, -1);
	if (t->json)
		usage(&a, "--json: standard output is for the contents");
	run(&c, a.list, (size_t)a.count, "-");
}
