/* cmd_df.c: `cephring df`: how full the file system is. --json: one object. */
#include "batch.h"
#include "json.h"
#include "text.h"

#include <stdlib.h>

struct df {
	struct batch_item item; /* first */
	struct cephring_statfs fs;
};

struct df_opts {
	bool human;
};

static const struct argp_option options[] = {
	{ "human-readable", 'h', NULL, 0, "Sizes as 1.4G", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct df_opts *o = a->opts;

	if (key != 'h')
		return args_option(key, arg, state);
	o->human = true;
	return 0;
}

static int submit(struct tool *t, struct batch_item *item)
{
	return cephring_statfs(t->mount, &((struct df *)item)->fs, &item->op, batch_done, item);
}

static const char *amount(char buf[TEXT_SIZE_MAX], uint64_t bytes, bool human)
{
	if (human)
		return text_size(buf, bytes);
	snprintf(buf, TEXT_SIZE_MAX, "%llu", (unsigned long long)bytes);
	return buf;
}

static void print_text(const struct cephring_statfs *f, const struct df_opts *o)
{
	char size[TEXT_SIZE_MAX], used[TEXT_SIZE_MAX], free_text[TEXT_SIZE_MAX];
	uint64_t total = f->blocks * f->block_size, left = f->blocks_free * f->block_size;

	printf("%16s %16s %16s %5s %12s\n", "size", "used", "free", "use%", "files");
	printf("%16s %16s %16s %4.0f%% %12llu\n", amount(size, total, o->human),
	       amount(used, total - left, o->human), amount(free_text, left, o->human),
	       total ? 100.0 * (total - left) / total : 0.0, (unsigned long long)f->files);
}

static void print_json(const struct cephring_statfs *f)
{
	json_t *j = json_new();

	json_u64(j, "block_size", f->block_size);
	json_u64(j, "blocks", f->blocks);
	json_u64(j, "blocks_free", f->blocks_free);
	json_u64(j, "size", f->blocks * f->block_size);
	json_u64(j, "used", (f->blocks - f->blocks_free) * f->block_size);
	json_u64(j, "free", f->blocks_free * f->block_size);
	json_u64(j, "files", f->files);
	json_u64(j, "name_max", f->name_max);
	json_u64(j, "fsid", f->fsid);
	json_print(j);
}

void cmd_df(struct tool *t, int argc, char **argv)
{
	struct argp argp = { options, parse, "", "Shows how full the file system is.", NULL, NULL, NULL };
	struct df_opts o = { 0 };
	struct df *df;
	struct args a;

	args_read(&a, t, &argp, argc, argv, &o);
	args_need(&a, 0, 0);
	if (!tool_connect(t))
		return;
	df = tool_alloc(sizeof *df);
	batch_run(t, df, 1, sizeof *df, submit);
	if (df->item.res < 0)
		tool_fail(t, "df", 2, df->item.res, df->item.why);
	else if (t->json)
		print_json(&df->fs);
	else
		print_text(&df->fs, &o);
	free(df->item.why);
	free(df);
}
