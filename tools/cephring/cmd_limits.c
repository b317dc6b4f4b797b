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

/* NAME=VALUE after the path, each an attribute. */
static void set_all(struct tool *t, const struct args *a,
		    const char *(*attribute)(const struct args *a, const char *word, size_t len,
					     uint32_t mode),
		    bool sizes)
{
	struct cephring_statx st = { 0 };
	struct change_report *r;
	int err = cephring_sync_statx(t->mount, NULL, a->list[1], CEPHRING_STATX_MODE, 0, tool_cred(t), &st);
	char *why;

	if (err) {
		why = tool_why(t, err);
		tool_fail(t, a->list[1], strlen(a->list[1]), err, why);
		free(why);
		return;
	}
	r = change_begin(t);
	for (int n = 2; n < a->count; n++) {
		const char *eq = strchr(a->list[n], '=');
		struct setting s = { 0 };
		uint64_t bytes;

		s.name = attribute(a, a->list[n], (size_t)(eq - a->list[n]), st.mode);
		if (sizes && modes_size(eq + 1, &bytes))
			snprintf(s.value, sizeof s.value, "%llu", (unsigned long long)bytes);
		else
			snprintf(s.value, sizeof s.value, "%s", eq + 1);
		set(t, r, a->list[1], &s);
	}
	change_end(t, r);
}

/* Every word can be understood, before anything is changed. */
static void check_words(const struct args *a, const char *(*attribute)(const struct args *a, const char *word,
								       size_t len, uint32_t mode))
{
	for (int n = 2; n < a->count; n++) {
		const char *eq = strchr(a->list[n], '=');

		if (!eq || !eq[1])
			wrong(a, a->list[n]);
		attribute(a, a->list[n], (size_t)(eq - a->list[n]), S_IFDIR);
	}
}

static void show(struct tool *t, const struct args *a, const char *const *names, const char *const *labels,
		 size_t count)
{
	struct json_list list;
	char value[VALUE_MAX];

	if (t->json)
		json_list_begin(&list);
	for (int n = 1; n < a->count; n++) {
		json_t *o = t->json ? json_new() : NULL;
		char *name = text_name(a->list[n], strlen(a->list[n]));

		if (o)
			json_text(o, "path", a->list[n]);
		else if (a->count > 2)
			printf("%s:\n", name);
		for (size_t k = 0; k < count; k++) {
			if (!get(t, a->list[n], names[k], value))
				continue;
			if (o)
				json_text(o, labels[k], value);
			else
				printf("%s=%s\n", labels[k], value);
		}
		if (o)
			json_list_item(&list, o);
		free(name);
	}
	if (t->json)
		json_list_end(&list);
}

/* ---- quota ---- */

static const char *quota_attribute(const struct args *a, const char *word, size_t len, uint32_t mode)
{
	(void)mode;
	if (len == 5 && !memcmp(word, "bytes", 5))
		return "ceph.quota.max_bytes";
	if (len == 5 && !memcmp(word, "files", 5))
		return "ceph.quota.max_files";
	wrong(a, word);
	return NULL;
}

void cmd_quota(struct tool *t, int argc, char **argv)
{
	static const char *const names[] = { "ceph.quota.max_bytes", "ceph.quota.max_files",
					     "ceph.dir.rbytes", "ceph.dir.rentries" };
	static const char *const labels[] = { "bytes", "files", "used_bytes", "used_files" };
	struct argp argp = { NULL,
			     parse,
			     "get DIRECTORY...\nset DIRECTORY [bytes=SIZE] [files=COUNT]",
			     "Shows and sets the quota of a directory; 0 takes it away.",
			     NULL,
			     NULL,
			     NULL };
	struct args a;

	args_read(&a, t, &argp, argc, argv, NULL);
	args_need(&a, 2, -1);
	if (!strcmp(a.list[0], "get")) {
		if (tool_connect(t))
			show(t, &a, names, labels, 4);
	} else if (!strcmp(a.list[0], "set")) {
		args_need(&a, 3, -1);
		check_words(&a, quota_attribute);
		if (tool_connect(t))
			set_all(t, &a, quota_attribute, true);
	} else {
		wrong(&a, a.list[0]);
	}
}

/* ---- layout ---- */

static const char *const layout_fields[] = { "pool", "pool_namespace", "stripe_unit", "stripe_count",
					     "object_size" };
static const char *const of_dir[] = { "ceph.dir.layout.pool", "ceph.dir.layout.pool_namespace",
				      "ceph.dir.layout.stripe_unit", "ceph.dir.layout.stripe_count",
				      "ceph.dir.layout.object_size" };
static const char *const of_file[] = { "ceph.file.layout.pool", "ceph.file.layout.pool_namespace",
				       "ceph.file.layout.stripe_unit", "ceph.file.layout.stripe_count",
				       "ceph.file.layout.object_size" };

static const char *layout_attribute(const struct args *a, const char *word, size_t len, uint32_t mode)
{
	for (int n = 0; n < 5; n++)
		if (strlen(layout_fields[n]) == len && !memcmp(word, layout_fields[n], len))
			return S_ISDIR(mode) ? of_dir[n] : of_file[n];
	wrong(a, word);
	return NULL;
}

static void show_layouts(struct tool *t, const struct args *a)
{
	struct cephring_statx st;
	char *why;
	int err;

	for (int n = 1; n < a->count; n++) {
		struct args one = *a;
		char *list[2] = { a->list[0], a->list[n] };

		err = cephring_sync_statx(t->mount, NULL, a->list[n], CEPHRING_STATX_MODE, 0, tool_cred(t),
					  &st);
		if (err) {
			why = tool_why(t, err);
			tool_fail(t, a->list[n], strlen(a->list[n]), err, why);
			free(why);
			continue;
		}
		if (!t->json && a->count > 2)
			printf("%s:\n", a->list[n]);
		one.list = list;
		one.count = 2;
		show(t, &one, S_ISDIR(st.mode) ? of_dir : of_file, layout_fields, 5);
	}
}

void cmd_layout(struct tool *t, int argc, char **argv)
{
	struct argp argp = {
		NULL,
		parse,
		"get PATH...\nset PATH FIELD=VALUE...",
		"Shows and sets how a file, or the new files of a directory, lie in objects. FIELD: pool, "
		"pool_namespace, stripe_unit, stripe_count, object_size. A directory without a layout of "
		"its own shows nothing.",
		NULL,
		NULL,
		NULL
	};
	struct args a;

	args_read(&a, t, &argp, argc, argv, NULL);
	args_need(&a, 2, -1);
	if (!strcmp(a.list[0], "get")) {
		if (tool_connect(t))
			show_layouts(t, &a);
	} else if (!strcmp(a.list[0], "set")) {
		args_need(&a, 3, -1);
		check_words(&a, layout_attribute);
		if (tool_connect(t))
			set_all(t, &a, layout_attribute, true);
	} else {
		wrong(&a, a.list[0]);
	}
}
