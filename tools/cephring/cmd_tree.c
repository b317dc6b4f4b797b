/* cmd_tree.c: `cephring tree`: a directory tree, drawn while it is read.
 *
 * The walk hands directories over in the very order in which the drawing reaches them. So the drawing is a
 * stack of open directories: it prints entries of the topmost one until it meets a directory whose content it
 * needs, and goes on when the walk brings it. --json: objects nested as the tree, "contents" in each
 * directory.
 */
#include "json.h"
#include "text.h"
#include "walk.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct level {
	struct walk_dir *dir; /* owned */
	size_t next;          /* the entry to print */
};

struct tree {
	struct tool *tool;
	struct walk_opts walk;
	struct level *stack;
	size_t depth, room;
	uint64_t dirs, files, errors;
	struct json_list roots;
	bool unicode;
};

static const struct argp_option options[] = {
	{ "all", 'a', NULL, 0, "Also names that begin with a dot", 0 },
	{ "directories", 'd', NULL, 0, "Directories only", 0 },
	{ "level", 'L', "DEPTH", 0, "Do not go deeper than this", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct tree *tr = a->opts;
	char *end;
	long depth;

	switch (key) {
	case 'a':
		tr->walk.hidden = true;
		return 0;
	case 'd':
		tr->walk.dirs_only = true;
		return 0;
	case 'L':
		depth = strtol(arg, &end, 10);
		if (end == arg || *end || depth < 1 || depth > 100000)
			argp_error(state, "-L %s: a number from 1 on is wanted", arg);
		tr->walk.depth_max = depth;
		return 0;
	default:
		return args_option(key, arg, state);
	}
}

/* ---- text ---- */

static void draw_indent(const struct tree *tr)
{
	for (size_t i = 0; i < tr->depth; i++) {
		const struct level *l = &tr->stack[i];
		bool last = l->next == l->dir->count; /* `next` stands behind the entry being printed */
		bool here = i + 1 == tr->depth;

		if (tr->unicode)
			fputs(here ? (last ? "└── " : "├── ") : (last ? "    " : "│   "), stdout);
		else
			fputs(here ? (last ? "`-- " : "|-- ") : (last ? "    " : "|   "), stdout);
	}
}

static void draw_entry(const struct tree *tr, const struct walk_entry *e)
{
	char *name = text_name(e->name, e->name_len), *target;

	draw_indent(tr);
	printf("%s%s%s", tool_color(tr->tool, e->st->mode), name, tool_color_off(tr->tool, e->st->mode));
	if (e->target) {
		target = text_name(e->target, e->target_len);
		printf(" -> %s", target);
		free(target);
	}
	putchar('\n');
	free(name);
}

static void draw_root(const struct tree *tr, const struct walk_dir *d)
{
	char *name = text_name(d->path, strlen(d->path));

	printf("%s%s%s\n", tool_color(tr->tool, S_IFDIR), name, tool_color_off(tr->tool, S_IFDIR));
	free(name);
}

/* ---- JSON: written piece by piece, as the whole tree may not fit in memory ---- */

static json_t *entry_json(const struct walk_entry *e)
{
	json_t *o = json_new();

	json_bytes(o, "name", e->name, e->name_len);
	json_statx(o, e->st);
	if (e->target)
		json_bytes(o, "target", e->target, e->target_len);
	return o;
}

static void put_open(json_t *o, const char *tail)
{
	char *text = json_open_text(o);

	printf("%s%s", text, tail);
	free(text);
}

static void put_newline(const struct tree *tr, bool comma)
{
	printf("%s\n%*s", comma ? "," : "", (int)tr->depth + 1, "");
}

/* The error of a directory is known when it arrives: its object is still open then. */
static void put_dir_begin(const struct walk_dir *d)
{
	char *text;
	json_t *o;

	if (d->err) {
		o = json_new();
		json_error(o, d->err, d->why);
		text = json_open_text(o);
		printf(",%s", text + 1);
		free(text);
	}
	fputs(",\"contents\":[", stdout);
}

static void put_root(struct tree *tr, const struct walk_dir *d)
{
	json_t *o = json_new();

	fputs(tr->roots.count++ ? ",\n " : "\n ", stdout);
	json_text(o, "path", d->path);
	put_open(o, "");
}

/* ---- the drawing ---- */

static void print_entry(struct tree *tr, const struct walk_entry *e, bool enters)
{
	if (S_ISDIR(e->st->mode))
		tr->dirs++;
	else
		tr->files++;
	if (!tr->tool->json) {
		draw_entry(tr, e);
		return;
	}
	put_newline(tr, tr->stack[tr->depth - 1].next > 1);
	put_open(entry_json(e), enters ? "" : "}");
}

static void push(struct tree *tr, struct walk_dir *d)
{
	if (tr->depth == tr->room) {
		tr->room = tr->room ? tr->room * 2 : 64;
		tr->stack = realloc(tr->stack, tr->room * sizeof *tr->stack);
		if (!tr->stack)
			tool_no_memory();
	}
	tr->stack[tr->depth++] = (struct level){ .dir = d };
}

static void pop(struct tree *tr)
{
	if (tr->tool->json)
		fputs("]}", stdout);
	walk_dir_free(tr->stack[--tr->depth].dir);
}

/* Prints on until a directory is met that has to be read first. */
static void go_on(struct tree *tr)
{
	while (tr->depth) {
		struct level *l = &tr->stack[tr->depth - 1];
		const struct walk_entry *e;
		bool enters;

		if (l->next == l->dir->count) {
			pop(tr);
			continue;
		}
		e = &l->dir->entries[l->next++];
		enters = walk_enters(&tr->walk, l->dir, e);
		print_entry(tr, e, enters);
		if (enters)
			return;
	}
}

static void took_dir(void *arg, struct walk_dir *d)
{
	struct tree *tr = arg;

	if (d->depth == 0) {
		if (tr->tool->json)
			put_root(tr, d);
		else
			draw_root(tr, d);
	}
	if (d->err) {
		tool_fail(tr->tool, d->path, strlen(d->path), d->err, d->why);
		tr->errors++;
	}
	if (tr->tool->json)
		put_dir_begin(d);
	push(tr, d);
	go_on(tr);
}

static void print_sum(const struct tree *tr)
{
	printf("\n%llu director%s", (unsigned long long)tr->dirs, tr->dirs == 1 ? "y" : "ies");
	if (!tr->walk.dirs_only)
		printf(", %llu file%s", (unsigned long long)tr->files, tr->files == 1 ? "" : "s");
	if (tr->errors)
		printf(", %llu could not be read", (unsigned long long)tr->errors);
	putchar('\n');
}

void cmd_tree(struct tool *t, int argc, char **argv)
{
	struct argp argp = { options, parse, "[DIR...]", "Draws directory trees; without DIR the root's.",
			     NULL,    NULL,  NULL };
	struct tree tr = { .tool = t, .walk = { .recurse = true, .dir = took_dir } };
	char *root = (char *)"/";
	struct args a;

	args_read(&a, t, &argp, argc, argv, &tr);
	if (!tool_connect(t))
		return;
	tr.walk.arg = &tr;
	tr.walk.targets = !tr.walk.dirs_only;
	tr.walk.want = t->json ? CEPHRING_STATX_ALL : 0;
	tr.unicode = !strcmp(nl_langinfo(CODESET), "UTF-8");
	if (t->json)
		json_list_begin(&tr.roots);
	walk_run(t, &tr.walk, a.count ? a.list : &root, a.count ? a.count : 1);
	if (t->json)
		json_list_end(&tr.roots);
	else
		print_sum(&tr);
	free(tr.stack);
}
