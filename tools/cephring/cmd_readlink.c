/* cmd_readlink.c: `cephring readlink`: the target of each symbolic link. --json: an array of {"path",
 * "target"}. */
#include "batch.h"
#include "json.h"
#include "text.h"
#include "walk.h"

#include <stdlib.h>
#include <string.h>

struct link {
	struct batch_item item; /* first */
	const char *path;
	char target[WALK_TARGET_MAX];
};

static int submit(struct tool *t, struct batch_item *item)
{
	struct link *l = (struct link *)item;

	return cephring_readlink(t->mount, NULL, l->path, tool_cred(t), l->target, sizeof l->target,
				 &item->op, batch_done, item);
}

static void print_json(struct json_list *list, const struct link *l)
{
	json_t *o = json_new();

	json_text(o, "path", l->path);
	if (l->item.res < 0)
		json_error(o, l->item.res, l->item.why);
	else
		json_bytes(o, "target", l->target, l->item.res);
	json_list_item(list, o);
}

static void print_text(const struct link *l)
{
	char *target = text_name(l->target, l->item.res);

	puts(target);
	free(target);
}

static void print_all(struct tool *t, struct link *links, size_t count)
{
	struct json_list list;

	if (t->json)
		json_list_begin(&list);
	for (size_t i = 0; i < count; i++) {
		struct link *l = &links[i];

		if (l->item.res < 0)
			tool_fail(t, l->path, strlen(l->path), l->item.res, l->item.why);
		if (t->json)
			print_json(&list, l);
		else if (l->item.res >= 0)
			print_text(l);
		free(l->item.why);
	}
	if (t->json)
		json_list_end(&list);
}

void cmd_readlink(struct tool *t, int argc, char **argv)
{
	struct argp argp = { NULL, args_option, "PATH...", "Shows where symbolic links point.",
			     NULL, NULL,        NULL };
	struct link *links;
	struct args a;

	args_read(&a, t, &argp, argc, argv, NULL);
	args_need(&a, 1, -1);
	if (!tool_connect(t))
		return;
	links = tool_alloc(a.count * sizeof *links);
	for (int i = 0; i < a.count; i++)
		links[i].path = a.list[i];
	batch_run(t, links, a.count, sizeof *links, submit);
	print_all(t, links, a.count);
	free(links);
}
