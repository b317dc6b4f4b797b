/* session.c: from options to a mounted file system and back, and every failure on the way in words.
 *
 * The command drives its engine itself: there is one thread, and callbacks come from cephring_run().
 */
#include "tool.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

void tool_no_memory(void)
{
	fputs("cephring: out of memory\n", stderr);
	exit(EXIT_FAILED);
}

void *tool_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		tool_no_memory();
	return p;
}

const struct cephring_cred *tool_cred(const struct tool *t)
{
	return t->as_user ? &t->cred : NULL;
}

void tool_deadline(const struct tool *t, struct cephring_op *op)
{
	struct timespec now;

	if (!t->timeout_ns)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	cephring_op_deadline(op, now.tv_sec * 1000000000ull + now.tv_nsec + t->timeout_ns);
}

char *tool_why(const struct tool *t, int err)
{
	const char *words = t->mount ? cephring_strerror(t->mount, err) : NULL;

	if (!words || !*words || !strcmp(words, strerror(-err)))
		return NULL;
	return strdup(words);
}

void tool_fail(struct tool *t, const char *what, size_t what_len, int err, const char *why)
{
	char *shown = what ? text_name(what, what_len) : NULL, *words = why ? text_words(why) : NULL;

	fflush(stdout);
	fprintf(stderr, "cephring: %s%s%s%s%s%s\n", shown ? shown : "", shown ? ": " : "", strerror(-err),
		words ? " (" : "", words ? words : "", words ? ")" : "");
	free(shown);
	free(words);
	t->status = EXIT_FAILED;
}

const char *tool_color(const struct tool *t, uint32_t mode)
{
	if (!t->color)
		return "";
	if (S_ISDIR(mode))
		return "\033[1;34m";
	if (S_ISLNK(mode))
		return "\033[1;36m";
	if (S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode) || S_ISBLK(mode))
		return "\033[33m";
	return mode & 0111 ? "\033[1;32m" : "";
}

const char *tool_color_off(const struct tool *t, uint32_t mode)
{
	return *tool_color(t, mode) ? "\033[0m" : "";
}

bool tool_set(struct tool *t)
{
	int err = cephring_config_new(&t->config);

	if (err)
		tool_fail(t, "configuration", 13, err, NULL);
	for (unsigned i = 0; i < t->setting_count && !err; i++) {
		const struct tool_setting *s = &t->settings[i];

		err = cephring_config_set(t->config, s->key, s->value);
		if (err)
			tool_fail(t, s->key, strlen(s->key), err, cephring_config_error(t->config));
	}
	return !err;
}

bool tool_load(struct tool *t)
{
	int err = cephring_config_load(t->config);

	if (err)
		tool_fail(t, "configuration", 13, err, cephring_config_error(t->config));
	return !err;
}

static void log_line(void *arg, int level, const char *line)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	char *shown = text_words(line);

	fprintf(stderr, "cephring: %s: %s\n", names[level & 3], shown);
	free(shown);
}

bool tool_connect(struct tool *t)
{
	struct cephring_mount_opts opts = { .size = sizeof opts };
	char why[256], *words;
	int err;

	if (!tool_set(t) || !tool_load(t))
		return false;
	err = cephring_engine_new(NULL, &t->engine, why, sizeof why);
	if (err) {
		tool_fail(t, "engine", 6, err, *why ? why : NULL);
		return false;
	}
	opts.fs = t->fs;
	opts.root = t->root;
	opts.cred = tool_cred(t);
	opts.log = t->log_level >= 0 ? log_line : NULL;
	opts.log_level = t->log_level >= 0 ? t->log_level : 0;
	err = cephring_sync_mount(t->engine, t->config, &opts, &t->mount);
	if (!err)
		return true;
	words = tool_why(t, err);
	tool_fail(t, "mount", 5, err, words);
	free(words);
	return false;
}

void tool_turn(struct tool *t)
{
	int n = cephring_run(t->engine, -1);

	if (n >= 0 || n == -EINTR)
		return;
	tool_fail(t, "engine", 6, n, NULL);
	exit(EXIT_FAILED); /* operations are in flight and nothing can end them */
}

int tool_end(struct tool *t)
{
	if (t->mount)
		cephring_sync_unmount(t->mount);
	if (t->engine)
		cephring_engine_free(t->engine);
	cephring_config_free(t->config);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "cephring: cannot write the output: %s\n", strerror(errno));
		t->status = EXIT_FAILED;
	}
	return t->status;
}
