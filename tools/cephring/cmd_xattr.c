/* cmd_xattr.c: `cephring xattr`: names (list), one value (get NAME), or all of them with the ceph.* ones
 * (all); a value set (set NAME VALUE) or taken away (rm NAME).
 *
 * ceph.* attributes are computed, not stored, and not in the list; `all` asks for each by name and leaves out
 * those that the file does not have. Values are bytes: shown as text, or as 0x... when they are not clean
 * text. --json: an array of {"path", "attributes": [{"name", "value"}]}.
 */
#include "change.h"
#include "json.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64 << 10, VALUE_MAX = 64 << 10 };

static const char *const virtual_names[] = {
	"ceph.dir.layout",   "ceph.file.layout",  "ceph.dir.entries",  "ceph.dir.files",  "ceph.dir.subdirs",
	"ceph.dir.rentries", "ceph.dir.rfiles",   "ceph.dir.rsubdirs", "ceph.dir.rsnaps", "ceph.dir.rbytes",
	"ceph.dir.rctime",   "ceph.dir.pin",      "ceph.quota",        "ceph.snap.btime", "ceph.caps",
	"ceph.auth_mds",     "ceph.cluster_fsid", "ceph.client_id",
};
enum { VIRTUAL_COUNT = sizeof virtual_names / sizeof *virtual_names };

struct value {
	struct batch_item item; /* first */
	const char *path, *name;
	bool optional; /* absence is no error */
	int flags;
	char *bytes; /* owned, VALUE_MAX */
};

struct names {
	struct batch_item item; /* first */
	const char *path;
	int flags;
	char buf[NAMES_MAX];
};

struct xattr {
	struct tool *tool;
	int flags;
	struct json_list json;
};

static const struct argp_option options[] = {
	{ "no-dereference", 'h', NULL, 0, "Do not follow symbolic links", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct xattr *x = a->opts;

	if (key != 'h')
		return args_option(key, arg, state);
	x->flags = CEPHRING_NOFOLLOW;
	return 0;
}

/* ---- asking ---- */

static int submit_names(struct tool *t, struct batch_item *item)
{
	struct names *n = (struct names *)item;

	return cephring_listxattr(t->mount, NULL, n->path, n->flags, tool_cred(t), n->buf, sizeof n->buf,
				  &item->op, batch_done, item);
}

static int submit_value(struct tool *t, struct batch_item *item)
{
	struct value *v = (struct value *)item;

	if (!v->bytes)
		v->bytes = tool_alloc(VALUE_MAX);
	return cephring_getxattr(t->mount, NULL, v->path, v->name, v->flags, tool_cred(t), v->bytes,
				 VALUE_MAX, &item->op, batch_done, item);
}

static bool absent(const struct value *v)
{
	return v->optional &&
	       (v->item.res == -ENODATA || v->item.res == -EOPNOTSUPP || v->item.res == -EINVAL);
}

/* ---- printing ---- */

static bool clean_text(const char *s, size_t len)
{
	char *shown = text_name(s, len);
	bool clean = !len || (strlen(shown) == len && !memcmp(shown, s, len));

	free(shown);
	return clean;
}

static void print_value(const struct value *v)
{
	char *name = text_name(v->name, strlen(v->name)), *hex;

	if (clean_text(v->bytes, v->item.res)) {
		printf("%s=%.*s\n", name, (int)v->item.res, v->bytes);
	} else {
		hex = text_hex(v->bytes, v->item.res);
		printf("%s=0x%s\n", name, hex);
		free(hex);
	}
	free(name);
}

static json_t *value_json(const struct value *v)
{
	json_t *o = json_new();

	json_text(o, "name", v->name);
	if (v->item.res < 0)
		json_error(o, v->item.res, v->item.why);
	else
		json_bytes(o, "value", v->bytes, v->item.res);
	return o;
}

static void heading(const char *path, int count)
{
	char *name;

	if (count < 2)
		return;
	name = text_name(path, strlen(path));
	printf("%s:\n", name);
	free(name);
}

static void put_json(struct xattr *x, const char *path, json_t *list, int err, const char *why)
{
	json_t *o = json_new();

	json_text(o, "path", path);
	if (err < 0)
		json_error(o, err, why);
	if (json_object_set_new(o, "attributes", list))
		tool_no_memory();
	json_list_item(&x->json, o);
}

static void put_values(struct xattr *x, const char *path, struct value *values, size_t count, int err,
		       const char *why)
{
	json_t *list = x->tool->json ? json_array() : NULL;

	for (size_t i = 0; i < count; i++) {
		struct value *v = &values[i];

		if (absent(v))
			continue;
		if (v->item.res < 0)
			tool_fail(x->tool, path, strlen(path), v->item.res,
				  v->item.why ? v->item.why : v->name);
		if (x->tool->json) {
			if (json_array_append_new(list, value_json(v)))
				tool_no_memory();
		} else if (v->item.res >= 0) {
			print_value(v);
		}
	}
	if (x->tool->json)
		put_json(x, path, list, err, why);
}

static void values_free(struct value *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(values[i].item.why);
		free(values[i].bytes);
	}
	free(values);
}

/* ---- list, get, all ---- */

static struct names *ask_names(struct xattr *x, const char *path)
{
	struct names *n = tool_alloc(sizeof *n);

	n->path = path;
	n->flags = x->flags;
	batch_run(x->tool, n, 1, sizeof *n, submit_names);
	if (n->item.res < 0)
		tool_fail(x->tool, path, strlen(path), n->item.res, n->item.why);
	return n;
}

static void names_free(struct names *n)
{
	free(n->item.why);
	free(n);
}

static void list_path(struct xattr *x, const char *path)
{
	struct names *n = ask_names(x, path);
	json_t *list = x->tool->json ? json_array() : NULL;

	for (const char *p = n->buf; n->item.res > 0 && p < n->buf + n->item.res; p += strlen(p) + 1) {
		if (list) {
			json_t *o = json_new();

			json_text(o, "name", p);
			if (json_array_append_new(list, o))
				tool_no_memory();
		} else {
			char *name = text_name(p, strlen(p));

			puts(name);
			free(name);
		}
	}
	if (list)
		put_json(x, path, list, n->item.res, n->item.why);
	names_free(n);
}

static void get_path(struct xattr *x, const char *path, const char *name)
{
	struct value *v = tool_alloc(sizeof *v);

	v->path = path;
	v->name = name;
	v->flags = x->flags;
	batch_run(x->tool, v, 1, sizeof *v, submit_value);
	put_values(x, path, v, 1, 0, NULL);
	values_free(v, 1);
}

static void all_path(struct xattr *x, const char *path)
{
	struct names *n = ask_names(x, path);
	size_t count = 0, room = VIRTUAL_COUNT;
	struct value *values;

	for (const char *p = n->buf; n->item.res > 0 && p < n->buf + n->item.res; p += strlen(p) + 1)
		room++;
	values = tool_alloc(room * sizeof *values);
	for (const char *p = n->buf; n->item.res > 0 && p < n->buf + n->item.res; p += strlen(p) + 1)
		values[count++] = (struct value){ .path = path, .name = p, .flags = x->flags };
	for (size_t i = 0; n->item.res >= 0 && i < VIRTUAL_COUNT; i++)
		values[count++] = (struct value){
			.path = path, .name = virtual_names[i], .optional = true, .flags = x->flags
		};
	batch_run(x->tool, values, count, sizeof *values, submit_value);
	put_values(x, path, values, count, n->item.res, n->item.why);
	values_free(values, count);
	names_free(n);
}

/* ---- set, rm ---- */

struct wanted {
	const char *name, *value;
	int flags;
};

static int submit_set(struct tool *t, struct batch_item *item)
{
	struct change *c = (struct change *)item;
	const struct wanted *w = c->arg;

	if (!w->value)
		return cephring_removexattr(t->mount, NULL, c->path, w->name, w->flags, tool_cred(t),
					    &item->op, batch_done, item);
	return cephring_setxattr(t->mount, NULL, c->path, w->name, w->value, strlen(w->value), 0, w->flags,
				 tool_cred(t), &item->op, batch_done, item);
}

static void change_values(struct xattr *x, const struct args *a)
{
	bool set = !strcmp(a->list[0], "set");
	struct wanted w = { a->list[1], set ? a->list[2] : NULL, x->flags };
	struct change_report *r = change_begin(x->tool);
	struct changes c = { 0 };

	for (int n = set ? 3 : 2; n < a->count; n++)
		changes_add(&c, a->list[n])->arg = &w;
	change_run(x->tool, r, &c, submit_set, "set", false);
	changes_free(&c);
	change_end(x->tool, r);
}

static void run(struct xattr *x, const struct args *a)
{
	const char *verb = a->list[0];
	bool get = !strcmp(verb, "get");
	int first = get ? 2 : 1;

	for (int i = first; i < a->count; i++) {
		if (!x->tool->json)
			heading(a->list[i], a->count - first);
		if (get)
			get_path(x, a->list[i], a->list[1]);
		else if (!strcmp(verb, "all"))
			all_path(x, a->list[i]);
		else
			list_path(x, a->list[i]);
	}
}

void cmd_xattr(struct tool *t, int argc, char **argv)
{
	struct argp argp = {
		options,
		parse,
		"list PATH...\nget NAME PATH...\nall PATH...\nset NAME VALUE PATH...\nrm NAME PATH...",
		"Lists, reads, sets and removes extended attributes; `all` shows the virtual ceph.* ones "
		"too.",
		NULL,
		NULL,
		NULL
	};
	struct xattr x = { .tool = t };
	struct args a;

	args_read(&a, t, &argp, argc, argv, &x);
	args_need(&a, 2, -1);
	if (!strcmp(a.list[0], "get") || !strcmp(a.list[0], "rm")) {
		args_need(&a, 3, -1);
	} else if (!strcmp(a.list[0], "set")) {
		args_need(&a, 4, -1);
	} else if (strcmp(a.list[0], "list") && strcmp(a.list[0], "all")) {
		fprintf(stderr, "%s: %s: list, get, all, set or rm is wanted\n", a.command, a.list[0]);
		exit(EXIT_USAGE);
	}
	if (!tool_connect(t))
		return;
	if (!strcmp(a.list[0], "set") || !strcmp(a.list[0], "rm")) {
		change_values(&x, &a);
		return;
	}
	if (t->json)
		json_list_begin(&x.json);
	run(&x, &a);
	if (t->json)
		json_list_end(&x.json);
}
