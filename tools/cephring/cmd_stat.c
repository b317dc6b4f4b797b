/* cmd_stat.c: `cephring stat`: every attribute of each path. --json: an array with one object for each. */
#include "json.h"
#include "stats.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

struct stat_opts {
	bool follow;
};

static const struct argp_option options[] = {
	{ "dereference", 'L', NULL, 0, "Follow symbolic links", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct stat_opts *o = a->opts;

	if (key != 'L')
		return args_option(key, arg, state);
	o->follow = true;
	return 0;
}

static void print_time(const char *label, const struct cephring_statx *st, uint32_t bit, int64_t ns)
{
	char buf[TEXT_TIME_MAX];

	if (st->mask & bit)
		printf("%9s: %s\n", label, text_time(buf, ns, true));
}

static void print_dir(const struct cephring_statx *st)
{
	printf("  Beneath: %llu bytes, %llu files, %llu directories\n", (unsigned long long)st->rbytes,
	       (unsigned long long)st->rfiles, (unsigned long long)st->rsubdirs);
}

static void print_text(const struct stats_item *s)
{
	const struct cephring_statx *st = &s->st;
	char mode[TEXT_MODE_MAX], *name = text_name(s->path, strlen(s->path));

	printf("     Path: %s\n", name);
	printf("     Type: %s\n", text_type(st->mode));
	printf("     Size: %llu  Blocks: %llu  Block size: %u\n", (unsigned long long)st->size,
	       (unsigned long long)st->blocks, st->blksize);
	printf("    Inode: %llu (0x%llx)  Links: %u\n", (unsigned long long)st->ino,
	       (unsigned long long)st->ino, st->nlink);
	if (st->snapid != (uint64_t)-2)
		printf(" Snapshot: %llu\n", (unsigned long long)st->snapid);
	printf("     Mode: %04o %s  Uid: %u  Gid: %u\n", st->mode & 07777, text_mode(mode, st->mode), st->uid,
	       st->gid);
	if (S_ISCHR(st->mode) || S_ISBLK(st->mode))
		printf("   Device: %u,%u\n", major(st->rdev), minor(st->rdev));
	print_time("Access", st, CEPHRING_STATX_ATIME, st->atime_ns);
	print_time("Modify", st, CEPHRING_STATX_MTIME, st->mtime_ns);
	print_time("Change", st, CEPHRING_STATX_CTIME, st->ctime_ns);
	print_time("Birth", st, CEPHRING_STATX_BTIME, st->btime_ns);
	if (st->mask & CEPHRING_STATX_VERSION)
		printf("  Version: %llu\n", (unsigned long long)st->version);
	if (S_ISDIR(st->mode))
		print_dir(st);
	free(name);
}

static void print_json(struct json_list *list, const struct stats_item *s)
{
	json_t *o = json_new();

	json_text(o, "path", s->path);
	if (s->item.res < 0) {
		json_error(o, s->item.res, s->item.why);
	} else {
		json_statx(o, &s->st);
		json_u64(o, "blksize", s->st.blksize);
		json_u64(o, "dev", s->st.dev);
	}
	json_list_item(list, o);
}

void cmd_stat(struct tool *t, int argc, char **argv)
{
	struct argp argp = { options, parse, "PATH...", "Shows the attributes of files.", NULL, NULL, NULL };
	struct stat_opts o = { 0 };
	struct json_list list;
	struct stats_item *stats;
	struct args a;

	args_read(&a, t, &argp, argc, argv, &o);
	args_need(&a, 1, -1);
	if (!tool_connect(t))
		return;
	stats = stats_run(t, a.list, a.count, o.follow ? 0 : CEPHRING_NOFOLLOW);
	if (t->json)
		json_list_begin(&list);
	for (int i = 0; i < a.count; i++) {
		if (stats[i].item.res < 0)
			tool_fail(t, a.list[i], strlen(a.list[i]), stats[i].item.res, stats[i].item.why);
		if (t->json)
			print_json(&list, &stats[i]);
		else if (stats[i].item.res >= 0)
			print_text(&stats[i]);
	}
	if (t->json)
		json_list_end(&list);
	stats_free(stats, a.count);
}
