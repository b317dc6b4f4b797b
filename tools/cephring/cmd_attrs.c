/* cmd_attrs.c: `cephring chmod`, `chown`, `touch`, `truncate`: attributes changed. */
#include "change.h"
#include "modes.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct attrs_opts {
	bool recurse, no_create, no_follow;
	const char *words; /* of a mode */
	struct cephring_setattr set;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct attrs_opts *o = a->opts;

	switch (key) {
	case 'R':
		o->recurse = true;
		return 0;
	case 'c':
		o->no_create = true;
		return 0;
	case 'h':
		o->no_follow = true;
		return 0;
	case 's':
		if (!modes_size(arg, &o->set.size))
			argp_error(state, "'%s' is not a size like 4096 or 16M", arg);
		o->set.set = CEPHRING_SET_SIZE;
		return 0;
	default:
		return args_option(key, arg, state);
	}
}

static const struct argp_option recursive_options[] = {
	{ "recursive", 'R', NULL, 0, "Whole trees; symbolic links in them are left alone", 0 },
	{ "no-dereference", 'h', NULL, 0, "Do not follow symbolic links", 0 },
	{ 0 },
};

static int submit_set(struct tool *t, struct batch_item *item)
{
	struct change *c = (struct change *)item;
	const struct attrs_opts *o = c->arg;
	struct cephring_setattr set = o->set;

	if (o->words)
		set.mode = modes_apply(o->words, c->mode);
	return cephring_setattr(t->mount, NULL, c->path, &set,
				o->no_follow || o->recurse ? CEPHRING_NOFOLLOW : 0, tool_cred(t), &item->op,
				batch_done, item);
}

/* A mode that changes bits needs those that are there; links have none of their own. */
static void modes_of(struct tool *t, struct changes *c)
{
	for (size_t n = 0; n < c->count; n++) {
		struct cephring_statx st;

		if (!c->list[n].mode && !cephring_sync_statx(t->mount, NULL, c->list[n].path,
							     CEPHRING_STATX_MODE, 0, tool_cred(t), &st))
			c->list[n].mode = st.mode;
	}
}

static void run(struct tool *t, const struct attrs_opts *o, char *const *paths, size_t count,
		const char *verb)
{
	struct change_report *r = change_begin(t);
	struct changes c = { 0 }, chosen = { 0 };

	if (o->recurse) {
		changes_tree(t, &c, paths, count);
		changes_bottom_up(
		    &c); /* a directory that is closed must not hide what is to be changed in it */
	} else {
		for (size_t n = 0; n < count; n++)
			changes_add(&c, paths[n]);
		if (o->words)
			modes_of(t, &c);
	}
	for (size_t n = 0; n < c.count; n++) {
		struct change *one;

		if (o->recurse && o->words && S_ISLNK(c.list[n].mode))
			continue;
		one = changes_add(&chosen, c.list[n].path);
		one->mode = c.list[n].mode;
		one->depth = c.list[n].depth;
		one->arg = o;
	}
	change_run(t, r, &chosen, submit_set, verb, o->recurse);
	changes_free(&chosen);
	changes_free(&c);
	change_end(t, r);
}

void cmd_chmod(struct tool *t, int argc, char **argv)
{
	struct argp argp = { recursive_options,
			     parse,
			     "MODE PATH...",
			     "Changes permission bits. MODE: octal, or as in u+x,go-w.",
			     NULL,
			     NULL,
			     NULL };
	struct attrs_opts o = { .set = { .struct_size = sizeof o.set, .set = CEPHRING_SET_MODE } };
	struct args a;

	args_read(&a, t, &argp, argc, argv, &o);
	args_need(&a, 2, -1);
	o.words = a.list[0];
	if (!modes_valid(o.words)) {
		fprintf(stderr, "%s: '%s' is not a mode\n", a.command, o.words);
		exit(EXIT_USAGE);
	}
	if (tool_connect(t))
		run(t, &o, a.list + 1, (size_t)a.count - 1, "changed");
}

static bool read_id(const char *text, bool group, uint32_t *id)
{
	const struct passwd *pw = group ? NULL : getpwnam(text);
	const struct group *gr = group ? getgrnam(text) : NULL;
	unsigned long long v;
	char *end;

	if (pw || gr) {
		*id = pw ? pw->pw_uid : gr->gr_gid;
		return true;
	}
	if (!isdigit((unsigned char)*text))
		return false;
	v = strtoull(text, &end, 10);
	*id = (uint32_t)v;
	return !*end && v < UINT32_MAX; /* the largest means: leave it */
}

/* USER, USER:GROUP or :GROUP. */
static bool read_owner(char *text, struct cephring_setattr *set)
{
	char *group = strchr(text, ':');

	if (group)
		*group++ = '\0';
	if (*text) {
		if (!read_id(text, false, &set->uid))
			return false;
		set->set |= CEPHRING_SET_UID;
	}
	if (group && *group) {
		if (!read_id(group, true, &set->gid))
			return false;
		set->set |= CEPHRING_SET_GID;
	}
	return set->set != 0;
}

void cmd_chown(struct tool *t, int argc, char **argv)
{
	struct argp argp = { recursive_options,
			     parse,
			     "[USER][:GROUP] PATH...",
			     "Changes owner and group: names as this machine knows them, or numbers.",
			     NULL,
			     NULL,
			     NULL };
	struct attrs_opts o = { .set = { .struct_size = sizeof o.set } };
	struct args a;

	args_read(&a, t, &argp, argc, argv, &o);
	args_need(&a, 2, -1);
	if (!read_owner(a.list[0], &o.set)) {
		fprintf(stderr, "%s: '%s' is not an owner\n", a.command, a.list[0]);
		exit(EXIT_USAGE);
	}
	if (tool_connect(t))
		run(t, &o, a.list + 1, (size_t)a.count - 1, "changed");
}

static int submit_make(struct tool *t, struct batch_item *item)
{
	struct change *c = (struct change *)item;

	return cephring_mknod(t->mount, NULL, c->path, S_IFREG | 0666, 0, tool_cred(t), &item->op, batch_done,
			      item);
}

/* The time first: what does not exist for that is made. */
static void touch(struct tool *t, const struct args *a, const struct attrs_opts *o)
{
	struct change_report *r = change_begin(t);
	struct changes c = { 0 }, missing = { 0 };

	for (int n = 0; n < a->count; n++) {
		struct change *one = changes_add(&c, a->list[n]);

		one->missing_ok = true;
		one->arg = o;
	}
	change_run(t, r, &c, submit_set, "touched", false);
	for (size_t n = 0; n < c.count && !o->no_create && !o->no_follow; n++)
		if (c.list[n].item.res == -ENOENT)
			changes_add(&missing, c.list[n].path);
	change_run(t, r, &missing, submit_make, "made", false);
	changes_free(&missing);
	changes_free(&c);
	change_end(t, r);
}

void cmd_touch(struct tool *t, int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "no-create", 'c', NULL, 0, "Make no files", 0 },
		{ "no-dereference", 'h', NULL, 0, "Do not follow symbolic links; makes no files", 0 },
		{ 0 },
	};
	struct argp argp = { options,   parse,
			     "PATH...", "Gives files the time of now, and makes those that are missing.",
			     NULL,      NULL,
			     NULL };
	struct attrs_opts o = { .set = { .struct_size = sizeof o.set,
					 .set = CEPHRING_SET_ATIME_NOW | CEPHRING_SET_MTIME_NOW } };
	struct args a;

	args_read(&a, t, &argp, argc, argv, &o);
	args_need(&a, 1, -1);
	if (tool_connect(t))
		touch(t, &a, &o);
}

void cmd_truncate(struct tool *t, int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "size", 's', "SIZE", 0, "Bytes, or with K, M, G, T", 0 },
		{ 0 },
	};
	struct argp argp = {
		options, parse, "-s SIZE FILE...", "Cuts files, or lets them grow by a hole.", NULL,
		NULL,    NULL
	};
	struct attrs_opts o = { .set = { .struct_size = sizeof o.set } };
	struct args a;

	args_read(&a, t, &argp, argc, argv, &o);
	args_need(&a, 1, -1);
	if (!o.set.set) {
		fprintf(stderr, "%s: a size is wanted: -s SIZE\n", a.command);
		exit(EXIT_USAGE);
	}
	if (tool_connect(t))
		run(t, &o, a.list, (size_t)a.count, "cut");
}
