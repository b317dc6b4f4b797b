/* cmd_ls.c: `cephring ls`: files named first, then each directory, all of them read at once.
 *
 * --json: an array with one element for each file named, {"path", attributes}, and for each directory read,
 * {"path", "entries": [...]}; what failed has an "error".
 */
#include "json.h"
#include "listing.h"
#include "stats.h"
#include "walk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { OPT_NUMERIC = 0x200 };

struct ls {
	struct listing listing;
	struct walk_opts walk;
	bool dirs_as_files; /* -d */
	bool headings;
	unsigned printed; /* blocks so far */
	struct json_list json;
	struct tool *tool;
};

static const struct argp_option options[] = {
	{ NULL, 'l', NULL, 0, "Long lines: mode, links, owner, group, size, time, name, target", 0 },
	{ "recursive", 'R', NULL, 0, "Also what is below", 0 },
	{ "all", 'a', NULL, 0, "Also names that begin with a dot", 0 },
	{ "directory", 'd', NULL, 0, "Directories themselves, not what is in them", 0 },
	{ "human-readable", 'h', NULL, 0, "Sizes as 1.4G", 0 },
	{ "numeric-ids", OPT_NUMERIC, NULL, 0, "Owner and group as numbers", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct ls *ls = a->opts;

	switch (key) {
	case 'l':
		ls->listing.long_lines = true;
		return 0;
	case 'R':
		ls->walk.recurse = true;
		return 0;
	case 'a':
		ls->walk.hidden = ls->walk.dots = true;
		return 0;
	case 'd':
		ls->dirs_as_files = true;
		return 0;
	case 'h':
		ls->listing.human = true;
		return 0;
	case OPT_NUMERIC:
		ls->listing.numeric = true;
		return 0;
	default:
		return args_option(key, arg, state);
	}
}

static json_t *entry_json(const struct walk_entry *e, const char *key)
{
	json_t *o = json_new();

	json_bytes(o, key, e->name, e->name_len);
	json_statx(o, e->st);
	if (e->target)
		json_bytes(o, "target", e->target, e->target_len);
	return o;
}

static void dir_json(struct ls *ls, const struct walk_dir *d)
{
	json_t *o = json_new(), *list = json_array();

	json_text(o, "path", d->path);
	for (size_t i = 0; i < d->count; i++)
		if (json_array_append_new(list, entry_json(&d->entries[i], "name")))
			tool_no_memory();
	if (json_object_set_new(o, "entries", list))
		tool_no_memory();
	if (d->err)
		json_error(o, d->err, d->why);
	json_list_item(&ls->json, o);
}

static void print_dir(void *arg, struct walk_dir *d)
{
	struct ls *ls = arg;

	if (d->err)
		tool_fail(ls->tool, d->path, strlen(d->path), d->err, d->why);
	if (ls->tool->json) {
		dir_json(ls, d);
	} else if (!d->err || d->count) {
		if (ls->headings)
			printf("%s%s:\n", ls->printed ? "\n" : "", d->path);
		listing_print(&ls->listing, d->entries, d->count);
		ls->printed++;
	}
	walk_dir_free(d);
}

/* Where the symlinks among the files named point, as the walk does it for those in directories. */
struct link_item {
	struct batch_item item; /* first */
	struct walk_entry *entry;
	char target[WALK_TARGET_MAX];
};

static int submit_link(struct tool *t, struct batch_item *item)
{
	struct link_item *l = (struct link_item *)item;

	return cephring_readlink(t->mount, NULL, l->entry->name, tool_cred(t), l->target, sizeof l->target,
				 &item->op, batch_done, item);
}

static void read_targets(struct tool *t, struct walk_entry *files, size_t count)
{
	struct link_item *links = tool_alloc(count * sizeof *links);
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (S_ISLNK(files[i].st->mode))
			links[n++].entry = &files[i];
	batch_run(t, links, n, sizeof *links, submit_link);
	for (size_t i = 0; i < n; i++) {
		struct walk_entry *e = links[i].entry;

		free(links[i].item.why);
		if (links[i].item.res < 0)
			continue;
		e->target_len = links[i].item.res;
		e->target = tool_alloc(e->target_len + 1);
		memcpy(e->target, links[i].target, e->target_len);
	}
	free(links);
}

static void print_files(struct ls *ls, struct walk_entry *files, size_t count)
{
	if (ls->walk.targets)
		read_targets(ls->tool, files, count);
	if (ls->tool->json) {
		for (size_t i = 0; i < count; i++)
			json_list_item(&ls->json, entry_json(&files[i], "path"));
	} else if (count) {
		listing_print(&ls->listing, files, count);
		ls->printed++;
	}
	for (size_t i = 0; i < count; i++)
		free(files[i].target);
}

static void report(struct ls *ls, const struct stats_item *s)
{
	json_t *o;

	tool_fail(ls->tool, s->path, strlen(s->path), s->item.res, s->item.why);
	if (!ls->tool->json)
		return;
	o = json_new();
	json_text(o, "path", s->path);
	json_error(o, s->item.res, s->item.why);
	json_list_item(&ls->json, o);
}

/* Sorts the paths named into files and directories, and prints both. */
static void list(struct ls *ls, char **paths, size_t count)
{
	int flags = ls->listing.long_lines || ls->dirs_as_files ? CEPHRING_NOFOLLOW : 0;
	struct stats_item *stats = stats_run(ls->tool, paths, count, flags);
	struct walk_entry *files = tool_alloc(count * sizeof *files);
	char **dirs = tool_alloc(count * sizeof *dirs);
	size_t file_count = 0, dir_count = 0;

	for (size_t i = 0; i < count; i++) {
		if (stats[i].item.res < 0)
			report(ls, &stats[i]);
		else if (S_ISDIR(stats[i].st.mode) && !ls->dirs_as_files)
			dirs[dir_count++] = paths[i];
		else
			files[file_count++] = (struct walk_entry){ .name = paths[i],
								   .name_len = strlen(paths[i]),
								   .st = &stats[i].st };
	}
	ls->headings = count > 1 || ls->walk.recurse;
	print_files(ls, files, file_count);
	walk_run(ls->tool, &ls->walk, dirs, dir_count);
	free(dirs);
	free(files);
	stats_free(stats, count);
}

void cmd_ls(struct tool *t, int argc, char **argv)
{
	struct argp argp = { options, parse, "[PATH...]", "Lists directories; without PATH the root.",
			     NULL,    NULL,  NULL };
	struct ls ls = { .tool = t, .listing.tool = t, .walk.dir = print_dir };
	char *root = (char *)"/";
	struct args a;

	args_read(&a, t, &argp, argc, argv, &ls);
	if (!tool_connect(t))
		return;
	ls.walk.arg = &ls;
	ls.walk.targets = ls.listing.long_lines || t->json;
	ls.walk.want = t->json ? CEPHRING_STATX_ALL : ls.listing.long_lines ? CEPHRING_STATX_BASIC : 0;
	if (t->json)
		json_list_begin(&ls.json);
	list(&ls, a.count ? a.list : &root, a.count ? a.count : 1);
	if (t->json)
		json_list_end(&ls.json);
}
