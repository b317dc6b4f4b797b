/* cmd_snap.c: `cephring snap`: snapshots made, listed and removed. */
#include "change.h"
#include "json.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LIST_CHUNK = 64 << 10, METADATA_MAX = 64 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	return args_option(key, arg, state);
}

static char *below(const char *dir, const char *name)
{
	char *path = tool_alloc(strlen(dir) + strlen(name) + 8);

	sprintf(path, "%s/.snap%s%s", dir, *name ? "/" : "", name);
	return path;
}

static bool said(struct tool *t, const char *what, int64_t res)
{
	char *why;

	if (res >= 0)
		return false;
	why = tool_why(t, (int)res);
	tool_fail(t, what, strlen(what), (int)res, why);
	free(why);
	return true;
}

static void create(struct tool *t, const struct args *a)
{
	struct cephring_kv kv[METADATA_MAX];
	uint32_t count = 0;
	int64_t res;
	char *path;
	bool failed;
	json_t *o;

	for (int n = 3; n < a->count; n++) {
		char *eq = strchr(a->list[n], '=');

		if (!eq || count == METADATA_MAX) {
			fprintf(stderr, "%s: '%s' is not KEY=VALUE, or too many\n", a->command, a->list[n]);
			exit(EXIT_USAGE);
		}
		*eq = '\0';
		kv[count++] = (struct cephring_kv){ a->list[n], eq + 1 };
	}
	if (!tool_connect(t))
		return;
	res = cephring_sync_mksnap(t->mount, NULL, a->list[1], a->list[2], 0755, kv, count, tool_cred(t));
	path = below(a->list[1], a->list[2]);
	failed = said(t, path, res);
	free(path);
	if (failed)
		return;
	if (!t->json) {
		printf("%lld\n", (long long)res);
		return;
	}
	o = json_new();
	json_text(o, "path", a->list[1]);
	json_text(o, "name", a->list[2]);
	json_u64(o, "snapid", (uint64_t)res);
	json_print(o);
}

static void show_text(const struct cephring_dirent *e, const struct cephring_snap_info *info)
{
	char when[TEXT_TIME_MAX], *name = text_name(e->name, e->name_len);
	const char *p = info->text;

	printf("%8llu  %s  %s", (unsigned long long)info->snapid, text_time(when, e->st.btime_ns, false),
	       name);
	for (uint32_t n = 0; n < info->count; n++) {
		char *key = text_name(p, strlen(p)), *value;

		p += strlen(p) + 1;
		value = text_name(p, strlen(p));
		p += strlen(p) + 1;
		printf("  %s=%s", key, value);
		free(key);
		free(value);
	}
	putchar('\n');
	free(name);
}

static json_t *show_json(const struct cephring_dirent *e, const struct cephring_snap_info *info)
{
	json_t *o = json_new(), *meta = json_new();
	const char *p = info->text;

	json_bytes(o, "name", e->name, e->name_len);
	json_u64(o, "snapid", info->snapid);
	for (uint32_t n = 0; n < info->count; n++) {
		const char *key = p, *value = key + strlen(key) + 1;

		json_text(meta, key, value);
		p = value + strlen(value) + 1;
	}
	if (json_object_set_new(o, "metadata", meta))
		tool_no_memory();
	return o;
}

static void list_one(struct tool *t, const char *dir, const struct cephring_dirent *e, struct json_list *list)
{
	struct cephring_snap_info info;
	char *path = below(dir, e->name);
	int err = cephring_sync_snap_info(t->mount, NULL, path, tool_cred(t), &info);

	if (!said(t, path, err)) {
		if (t->json)
			json_list_item(list, show_json(e, &info));
		else
			show_text(e, &info);
	}
	free(path);
}

static void list(struct tool *t, const char *dir)
{
	char *path = below(dir, ""), *buf = tool_alloc(LIST_CHUNK);
	struct json_list out;
	cephring_file *f;
	int64_t n;

	if (!said(t, dir,
		  cephring_sync_open(t->mount, NULL, path, O_RDONLY | O_DIRECTORY, 0, NULL, tool_cred(t),
				     &f))) {
		if (t->json)
			json_list_begin(&out);
		while ((n = cephring_sync_readdir(f, buf, LIST_CHUNK)) > 0) {
			for (int64_t at = 0; at < n;) {
				const struct cephring_dirent *e = (const struct cephring_dirent *)(buf + at);

				if (strcmp(e->name, ".") && strcmp(e->name, ".."))
					list_one(t, dir, e, &out);
				at += e->reclen;
			}
		}
		said(t, dir, n);
		if (t->json)
			json_list_end(&out);
		cephring_sync_close(f);
	}
	free(buf);
	free(path);
}

void cmd_snap(struct tool *t, int argc, char **argv)
{
	struct argp argp = { NULL,
			     parse,
			     "create DIRECTORY NAME [KEY=VALUE...]\nls DIRECTORY\nrm DIRECTORY NAME",
			     "Makes, lists and removes snapshots of a directory.",
			     NULL,
			     NULL,
			     NULL };
	struct args a;
	char *path;

	args_read(&a, t, &argp, argc, argv, NULL);
	args_need(&a, 2, -1);
	if (!strcmp(a.list[0], "create")) {
		args_need(&a, 3, -1);
		create(t, &a);
	} else if (!strcmp(a.list[0], "ls")) {
		args_need(&a, 2, 2);
		if (tool_connect(t))
			list(t, a.list[1]);
	} else if (!strcmp(a.list[0], "rm")) {
		args_need(&a, 3, 3);
		if (!tool_connect(t))
			return;
		path = below(a.list[1], a.list[2]);
		said(t, path, cephring_sync_unlink(t->mount, NULL, path, CEPHRING_REMOVEDIR, tool_cred(t)));
		free(path);
	} else {
		fprintf(stderr, "%s: %s: create, ls or rm is wanted\n", a.command, a.list[0]);
		exit(EXIT_USAGE);
	}
}
