/* cmd_limits.c: `cephring quota` and `cephring layout`: what ceph.quota.* and ceph.*.layout.* hold, by name.
 */
#include "change.h"
#include "json.h"
#include "modes.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { VALUE_MAX = 512 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	return args_option(key, arg, state);
}

/* One attribute as text; false: there is none, or it was said why it cannot be had. */
static bool get(struct tool *t, const char *path, const char *name, char *value)
{
	int64_t len =
	    cephring_sync_getxattr(t->mount, NULL, path, name, 0, tool_cred(t), value, VALUE_MAX - 1);
	char *why;

	if (len >= 0) {
		value[len] = '\0';
		return true;
	}
	if (len != -ENODATA) {
		why = tool_why(t, (int)len);
		tool_fail(t, path, strlen(path), (int)len, why);
		free(why);
	}
	return false;
}

struct setting {
	const char *name; /* of the attribute */
	char value[VALUE_MAX];
};

static int submit_set(struct tool *t, struct batch_item *item)
{
	struct change *c = (struct change *)item;
	const struct setting *s = c->arg;

	return cephring_setxattr(t->mount, NULL, c->path, s->name, s->value, strlen(s->value), 0, 0,
				 tool_cred(t), &item->op, batch_done, item);
}

static void set(struct tool *t, struct change_report *r, const char *path, const struct setting *s)
{
	struct changes c = { 0 };

	changes_add(&c, path)->arg = s;
	change_run(t, r, &c, submit_set, "set", false);
	changes_free(&c);
}

static void wrong(const struct args *a, const char *word)
{
	fprintf(stderr, "%s: '%s' is not understood; %s --help tells what is\n", a->command, word,
		a->command);
	exit(EXIT_USAGE);
}

/* The mode of a path; false: it was said why it cannot be had, in `o` (may be NULL) too. */
static bool look(struct tool *t, const char *path, bool dir, uint32_t *mode, json_t *o)
{
	struct cephring_statx st = { 0 };
	int err = cephring_sync_statx(t->mount, NULL, path, CEPHRING_STATX_MODE, 0, tool_cred(t), &st);
	char *why;

	*mode = st.mode;
	if (!err && dir && !S_ISDIR(st.mode))
		err = -ENOTDIR;
	if (!err)
		return true;
	why = tool_why(t, err);
	tool_fail(t, path, strlen(path), err, why);
	if (o)
		json_error(o, err, why);
	free(why);
	return false;
}

/* A size as the MDS wants it, in bytes; others as they are. */
static void put_value(char *out, size_t room, const char *text)
{
	uint64_t bytes;

	if (modes_size(text, &bytes))
		snprintf(out, room, "%llu", (unsigned long long)bytes);
	else
		snprintf(out, room, "%s", text);
}

/* Every NAME=VALUE behind the path is one of the names, before anything is changed. Those from `texts` on are
 * not sizes. */
static void check_words(const struct args *a, const char *const *labels, int count, int texts)
{
	args_need(a, 3, -1);
	for (int n = 2; n < a->count; n++) {
		const char *eq = strchr(a->list[n], '=');
		uint64_t bytes;
		int k = 0;

		while (eq && k < count &&
		       (strlen(labels[k]) != (size_t)(eq - a->list[n]) ||
			memcmp(labels[k], a->list[n], (size_t)(eq - a->list[n])) != 0))
			k++;
		if (!eq || k == count || strlen(eq) >= VALUE_MAX / 8 ||
		    (k < texts && !modes_size(eq + 1, &bytes)))
			wrong(a, a->list[n]);
	}
}

struct shown {
	const char *const *labels, *const *of_dir, *const *of_file; /* of_file NULL: directories only */
	size_t count, numbers;                                      /* the first ones are these */
};

/* The attributes of one path, in `o` or as lines. */
static void show(struct tool *t, const char *path, const struct shown *s, bool dir, json_t *o)
{
	char value[VALUE_MAX];

	for (size_t k = 0; k < s->count; k++) {
		if (!get(t, path, dir ? s->of_dir[k] : s->of_file[k], value))
			continue;
		if (!o)
			printf("%s=%s\n", s->labels[k], value);
		else if (k < s->numbers)
			json_u64(o, s->labels[k], strtoull(value, NULL, 10));
		else
			json_bytes(o, s->labels[k], value, strlen(value));
	}
}

static void show_all(struct tool *t, const struct args *a, const struct shown *s)
{
	struct json_list list;

	if (t->json)
		json_list_begin(&list);
	for (int n = 1; n < a->count; n++) {
		json_t *o = t->json ? json_new() : NULL;
		char *name = text_name(a->list[n], strlen(a->list[n]));
		uint32_t mode;

		if (o)
			json_bytes(o, "path", a->list[n], strlen(a->list[n]));
		if (look(t, a->list[n], !s->of_file, &mode, o)) {
			if (!o && a->count > 2)
				printf("%s:\n", name);
			show(t, a->list[n], s, S_ISDIR(mode), o);
		}
		if (o)
			json_list_item(&list, o);
		free(name);
	}
	if (t->json)
		json_list_end(&list);
}

/* ---- quota ---- */

static void set_quota(struct tool *t, const struct args *a)
{
	struct change_report *r = change_begin(t);

	for (int n = 2; n < a->count; n++) {
		struct setting s = { .name = a->list[n][0] == 'b' ? "ceph.quota.max_bytes"
								  : "ceph.quota.max_files" };

		put_value(s.value, sizeof s.value, strchr(a->list[n], '=') + 1);
		set(t, r, a->list[1], &s);
	}
	change_end(t, r);
}

void cmd_quota(struct tool *t, int argc, char **argv)
{
	static const char *const names[] = { "ceph.quota.max_bytes", "ceph.quota.max_files",
					     "ceph.dir.rbytes", "ceph.dir.rentries" };
	static const char *const labels[] = { "bytes", "files", "used_bytes", "used_files" };
	static const struct shown quota = { labels, names, NULL, 4, 4 };
	struct argp argp = {
		NULL,
		parse,
		"get DIRECTORY...\nset DIRECTORY [bytes=SIZE] [files=COUNT]",
		"Shows and sets the quota of a directory; 0 takes it away. SIZE: bytes, or with "
		"K, M, G, T. What is used is as last seen, the directory itself among the files.",
		NULL,
		NULL,
		NULL
	};
	struct args a;
	uint32_t mode;

	args_read(&a, t, &argp, argc, argv, NULL);
	args_need(&a, 2, -1);
	if (!strcmp(a.list[0], "get")) {
		if (tool_connect(t))
			show_all(t, &a, &quota);
	} else if (!strcmp(a.list[0], "set")) {
		check_words(&a, labels, 2, 2);
		if (tool_connect(t) && look(t, a.list[1], true, &mode, NULL))
			set_quota(t, &a);
	} else {
		wrong(&a, a.list[0]);
	}
}

/* ---- layout ---- */

enum { LAYOUT_SIZES = 3, LAYOUT_FIELDS = 5 };

static const char *const layout_fields[] = { "stripe_unit", "stripe_count", "object_size", "pool",
					     "pool_namespace" };
static const char *const of_dir[] = { "ceph.dir.layout.stripe_unit", "ceph.dir.layout.stripe_count",
				      "ceph.dir.layout.object_size", "ceph.dir.layout.pool",
				      "ceph.dir.layout.pool_namespace" };
static const char *const of_file[] = { "ceph.file.layout.stripe_unit", "ceph.file.layout.stripe_count",
				       "ceph.file.layout.object_size", "ceph.file.layout.pool",
				       "ceph.file.layout.pool_namespace" };

/* All fields at once: one by one they would have to fit those that are still the old ones. */
static void set_layout(struct tool *t, const struct args *a, uint32_t mode)
{
	struct change_report *r = change_begin(t);
	struct setting s = { .name = S_ISDIR(mode) ? "ceph.dir.layout" : "ceph.file.layout" };
	size_t len = 0;

	for (int n = 2; n < a->count && len < sizeof s.value; n++) {
		const char *eq = strchr(a->list[n], '=');
		char value[VALUE_MAX / 8];

		put_value(value, sizeof value, eq + 1);
		len += (size_t)snprintf(s.value + len, sizeof s.value - len, "%s%.*s=%s", n > 2 ? " " : "",
					(int)(eq - a->list[n]), a->list[n], value);
	}
	if (len < sizeof s.value)
		set(t, r, a->list[1], &s);
	else
		tool_fail(t, a->list[1], strlen(a->list[1]), -E2BIG, NULL);
	change_end(t, r);
}

void cmd_layout(struct tool *t, int argc, char **argv)
{
	struct argp argp = {
		NULL,
		parse,
		"get PATH...\nset PATH FIELD=VALUE...",
		"Shows and sets how an empty file, or the new files of a directory, lie in objects. FIELD: "
		"stripe_unit, stripe_count, object_size (bytes, or with K, M, G), pool, pool_namespace. A "
		"directory without a layout of its own shows nothing.",
		NULL,
		NULL,
		NULL
	};
	static const struct shown layout = { layout_fields, of_dir, of_file, LAYOUT_FIELDS, LAYOUT_SIZES };
	struct args a;
	uint32_t mode;

	args_read(&a, t, &argp, argc, argv, NULL);
	args_need(&a, 2, -1);
	if (!strcmp(a.list[0], "get")) {
		if (tool_connect(t))
			show_all(t, &a, &layout);
	} else if (!strcmp(a.list[0], "set")) {
		check_words(&a, layout_fields, LAYOUT_FIELDS, LAYOUT_SIZES);
		if (tool_connect(t) && look(t, a.list[1], false, &mode, NULL))
			set_layout(t, &a, mode);
	} else {
		wrong(&a, a.list[0]);
	}
}
