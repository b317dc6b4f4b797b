/* cmd_names.c: `cephring mkdir`, `rm`, `mv`, `ln`: names made, removed and moved. */
#include "change.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct names_opts {
	int flags;
	uint32_t mode;
	bool recurse, force, symbolic;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct names_opts *o = a->opts;
	char *end;

	switch (key) {
	case 'p':
		o->flags |= CEPHRING_PARENTS;
		return 0;
	case 'm':
		o->mode = (uint32_t)strtoul(arg, &end, 8);
		if (!*arg || *end || o->mode > 07777)
			argp_error(state, "'%s' is not an octal mode", arg);
		return 0;
	case 'r':
		o->recurse = true;
		return 0;
	case 'f':
		o->force = true;
		return 0;
	case 's':
		o->symbolic = true;
		return 0;
	default:
		return args_option(key, arg, state);
	}
}

/* ---- mkdir ---- */

static int submit_mkdir(struct tool *t, struct batch_item *item)
{
	struct change *c = (struct change *)item;
	const struct names_opts *o = c->arg;

	return cephring_mkdir(t->mount, NULL, c->path, o->mode, o->flags, tool_cred(t), &item->op, batch_done,
			      item);
}

static void run_paths(struct tool *t, const struct args *a, const struct names_opts *o, batch_submit submit,
		      const char *verb)
{
	struct change_report *r = change_begin(t);
	struct changes c = { 0 };

	for (int n = 0; n < a->count; n++)
		changes_add(&c, a->list[n])->arg = o;
	change_run(t, r, &c, submit, verb, false);
	changes_free(&c);
	change_end(t, r);
}

void cmd_mkdir(struct tool *t, int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "parents", 'p', NULL, 0,
		  "Make missing directories on the way, all at once; one that exists is fine", 0 },
		{ "mode", 'm', "MODE", 0, "Octal, before the umask (0777)", 0 },
		{ 0 },
	};
	struct argp argp = { options, parse, "DIRECTORY...", "Makes directories.", NULL, NULL, NULL };
	struct names_opts o = { .mode = 0777 };
	struct args a;

	args_read(&a, t, &argp, argc, argv, &o);
	args_need(&a, 1, -1);
	if (tool_connect(t))
		run_paths(t, &a, &o, submit_mkdir, "made");
}

/* ---- rm ---- */

static int submit_rm(struct tool *t, struct batch_item *item)
{
	struct change *c = (struct change *)item;

	return cephring_unlink(t->mount, NULL, c->path, S_ISDIR(c->mode) ? CEPHRING_REMOVEDIR : 0,
			       tool_cred(t), &item->op, batch_done, item);
}

/* The root, or a name by which no directory can be removed from where it stands: what is beneath it would be
 * gone before the MDS says so. */
static bool nameless(const char *path)
{
	size_t end = strlen(path), begin;

	while (end && path[end - 1] == '/')
		end--;
	for (begin = end; begin && path[begin - 1] != '/'; begin--)
		;
	return (end == begin && *path) || (end - begin == 1 && path[begin] == '.') ||
	       (end - begin == 2 && !memcmp(path + begin, "..", 2));
}

void cmd_rm(struct tool *t, int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "recursive", 'r', NULL, 0, "Directories too, with all that is in them", 0 },
		{ "force", 'f', NULL, 0, "What does not exist is no error", 0 },
		{ 0 },
	};
	struct argp argp = { options, parse, "PATH...", "Removes files, and with -r whole trees.",
			     NULL,    NULL,  NULL };
	struct names_opts o = { 0 };
	struct change_report *r;
	struct changes c = { 0 };
	struct args a;

	args_read(&a, t, &argp, argc, argv, &o);
	args_need(&a, 1, -1);
	for (int n = 0; n < a.count; n++) {
		if (nameless(a.list[n])) {
			fprintf(stderr, "%s: '%s' is not removed; name what is in it\n", a.command,
				a.list[n]);
			exit(EXIT_USAGE);
		}
	}
	if (!tool_connect(t))
		return;
	r = change_begin(t);
	if (o.recurse)
		changes_tree(t, &c, a.list, (size_t)a.count);
	for (int n = 0; !o.recurse && n < a.count; n++)
		changes_add(&c, a.list[n]);
	for (size_t n = 0; n < c.count; n++)
		c.list[n].missing_ok = o.force;
	changes_bottom_up(&c);
	change_run(t, r, &c, submit_rm, "removed", true);
	changes_free(&c);
	change_end(t, r);
}

/* ---- mv, ln ---- */

static int submit_mv(struct tool *t, struct batch_item *item)
{
	struct change *c = (struct change *)item;

	return cephring_rename(t->mount, NULL, c->path, NULL, c->to, 0, tool_cred(t), &item->op, batch_done,
			       item);
}

static int submit_ln(struct tool *t, struct batch_item *item)
{
	struct change *c = (struct change *)item;
	const struct names_opts *o = c->arg;

	if (o->symbolic)
		return cephring_symlink(t->mount, c->path, NULL, c->to, tool_cred(t), &item->op, batch_done,
					item);
	return cephring_link(t->mount, NULL, c->path, NULL, c->to, CEPHRING_NOFOLLOW, tool_cred(t), &item->op,
			     batch_done, item);
}

static bool is_dir(struct tool *t, const char *path)
{
	struct cephring_statx st;

	return !cephring_sync_statx(t->mount, NULL, path, CEPHRING_STATX_MODE, 0, tool_cred(t), &st) &&
	       S_ISDIR(st.mode);
}

static char *into(const char *dir, const char *path)
{
	size_t end = strlen(path), begin, len = strlen(dir);
	char *to;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (begin = end; begin && path[begin - 1] != '/'; begin--)
		;
	to = tool_alloc(len + 1 + (end - begin) + 1);
	memcpy(to, dir, len);
	to[len++] = '/';
	memcpy(to + len, path + begin, end - begin);
	return to;
}

/* SOURCE... TARGET as mv(1) and ln(1) have it. */
static void run_pairs(struct tool *t, const struct args *a, const struct names_opts *o, batch_submit submit,
		      const char *verb)
{
	const char *target = a->list[a->count - 1];
	bool dir = is_dir(t, target);
	struct change_report *r;
	struct changes c = { 0 };

	if (a->count > 2 && !dir) {
		tool_fail(t, target, strlen(target), -ENOTDIR, NULL);
		return;
	}
	r = change_begin(t);
	for (int n = 0; n + 1 < a->count; n++) {
		struct change *one = changes_add(&c, a->list[n]);

		one->arg = o;
		one->own = dir ? into(target, a->list[n]) : NULL;
		one->to = dir ? one->own : target;
	}
	change_run(t, r, &c, submit, verb, false);
	changes_free(&c);
	change_end(t, r);
}

void cmd_mv(struct tool *t, int argc, char **argv)
{
	struct argp argp = {
		NULL, parse, "SOURCE... TARGET", "Moves names; into TARGET where that is a directory.", NULL,
		NULL, NULL
	};
	struct names_opts o = { 0 };
	struct args a;

	args_read(&a, t, &argp, argc, argv, &o);
	args_need(&a, 2, -1);
	if (tool_connect(t))
		run_pairs(t, &a, &o, submit_mv, "moved");
}

void cmd_ln(struct tool *t, int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "symbolic", 's', NULL, 0, "A symbolic link", 0 },
		{ 0 },
	};
	struct argp argp = { options,
			     parse,
			     "SOURCE... TARGET",
			     "Gives another name to files, in TARGET where that is a directory.",
			     NULL,
			     NULL,
			     NULL };
	struct names_opts o = { 0 };
	struct args a;

	args_read(&a, t, &argp, argc, argv, &o);
	args_need(&a, 2, -1);
	if (tool_connect(t))
		run_pairs(t, &a, &o, submit_ln, "linked");
}
