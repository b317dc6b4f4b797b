/* cmd_config.c: `cephring config`: each option, its value in force and where that came from.
 *
 * Reads configuration only, connects to nothing. --json: an object by option, {"value", "origin"}.
 */
#include "json.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct config {
	struct tool *tool;
	const struct args *keys; /* none: all */
	bool changed;            /* leave out defaults */
	int key_width, value_width;
	bool measuring;
	bool *seen; /* by index in keys */
	json_t *json;
};

enum { VALUE_WIDTH_MAX = 40 };

static const struct argp_option options[] = {
	{ "changed", 'C', NULL, 0, "Leave out what has its default", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct config *c = a->opts;

	if (key != 'C')
		return args_option(key, arg, state);
	c->changed = true;
	return 0;
}

static bool wanted(struct config *c, const char *key, const char *origin)
{
	if (c->changed && !strcmp(origin, "default"))
		return false;
	if (!c->keys->count)
		return true;
	for (int i = 0; i < c->keys->count; i++) {
		if (!strcmp(c->keys->list[i], key)) {
			c->seen[i] = true;
			return true;
		}
	}
	return false;
}

static void measure(struct config *c, const char *key, const char *value)
{
	int k = strlen(key), v = text_width(value);

	c->key_width = k > c->key_width ? k : c->key_width;
	if (v <= VALUE_WIDTH_MAX && v > c->value_width)
		c->value_width = v;
}

static void put_json(struct config *c, const char *key, const char *value, const char *origin)
{
	json_t *o = json_new();

	json_text(o, "value", value);
	json_text(o, "origin", origin);
	if (json_object_set_new(c->json, key, o))
		tool_no_memory();
}

static void put(void *arg, const char *key, const char *value, const char *origin)
{
	struct config *c = arg;
	char *shown;
	int pad;

	if (!wanted(c, key, origin))
		return;
	if (c->json) {
		put_json(c, key, value, origin);
		return;
	}
	shown = value && *value ? text_name(value, strlen(value)) : strdup("-");
	if (c->measuring) {
		measure(c, key, shown);
	} else {
		pad = c->value_width - (int)text_width(shown);
		printf("%-*s  %s%*s  %s\n", c->key_width, key, shown, pad > 0 ? pad : 0, "", origin);
	}
	free(shown);
}

static void put_all(struct config *c)
{
	if (c->tool->json) {
		c->json = json_new();
		cephring_config_each(c->tool->config, put, c);
		json_print(c->json);
		return;
	}
	if (c->tool->tty) {
		c->measuring = true;
		cephring_config_each(c->tool->config, put, c);
		c->measuring = false;
	}
	cephring_config_each(c->tool->config, put, c);
}

void cmd_config(struct tool *t, int argc, char **argv)
{
	struct argp argp = { options,       parse,
			     "[OPTION...]", "Shows each option, its value and where that came from.",
			     NULL,          NULL,
			     NULL };
	struct config c = { .tool = t };
	struct args a;

	args_read(&a, t, &argp, argc, argv, &c);
	if (!tool_set(t))
		return;
	tool_load(t); /* a failure is said; the values are worth seeing all the more */
	c.keys = &a;
	c.seen = tool_alloc(a.count * sizeof *c.seen);
	put_all(&c);
	for (int i = 0; !c.changed && i < a.count; i++) {
		if (c.seen[i])
			continue;
		fflush(stdout);
		fprintf(stderr, "cephring: %s: no such option\n", a.list[i]);
		t->status = EXIT_FAILED;
	}
	free(c.seen);
}
