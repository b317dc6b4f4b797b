/* main.c: the cephring command: options, the name of a subcommand, its run.
 *
 * Built on include/cephring.h only: what it can do, any program can.
 */
#include "tool.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command commands[] = {
	{ "ls", cmd_ls, "list directories" },
	{ "tree", cmd_tree, "draw a directory tree" },
	{ "stat", cmd_stat, "show the attributes of files" },
	{ "readlink", cmd_readlink, "show where symbolic links point" },
	{ "xattr", cmd_xattr, "list, read, set and remove extended attributes" },
	{ "mkdir", cmd_mkdir, "make directories" },
	{ "rm", cmd_rm, "remove files and trees" },
	{ "mv", cmd_mv, "move names" },
	{ "ln", cmd_ln, "make links" },
	{ "chmod", cmd_chmod, "change permissions" },
	{ "chown", cmd_chown, "change owners" },
	{ "touch", cmd_touch, "change times, make empty files" },
	{ "truncate", cmd_truncate, "cut files, or let them grow" },
	{ "cat", cmd_cat, "write the contents of files to standard output" },
	{ "cp", cmd_cp, "copy files and trees within the file system" },
	{ "put", cmd_put, "copy files and trees of this machine into the file system" },
	{ "get", cmd_get, "copy files and trees to this machine" },
	{ "quota", cmd_quota, "show and set quotas" },
	{ "layout", cmd_layout, "show and set how files lie in objects" },
	{ "snap", cmd_snap, "make, list and remove snapshots" },
	{ "lock", cmd_lock, "run a program under a lock" },
	{ "df", cmd_df, "show how full the file system is" },
	{ "status", cmd_status, "show monitors, sessions, maps and negotiated modes" },
	{ "config", cmd_config, "show each option and where its value came from" },
	{ "osdmap", cmd_osdmap, "show where an OSD map in a file puts objects" },
};

struct call {
	struct tool *tool;
	int at; /* index of the subcommand's name in argv, 0 = none */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct call *c = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = c->tool;
		return 0;
	case ARGP_KEY_ARG:
		c->at = state->next - 1;
		state->next = state->argc; /* the rest is the subcommand's */
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a subcommand is wanted");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The list of subcommands, from the one table. */
static char *help(int key, const char *text, void *input)
{
	char *out = NULL;
	size_t len;
	FILE *f;

	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&out, &len);
	if (!f)
		return (char *)text;
	fputs("Subcommands:\n", f);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].what);
	fputs("\ncephring SUBCOMMAND --help tells more about one.", f);
	fclose(f);
	return out;
}

static void print_version(FILE *f, struct argp_state *state)
{
	fprintf(f, "cephring %s\n", cephring_version());
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	struct tool tool = { .log_level = -1 };
	struct call call = { .tool = &tool };
	struct argp_child children[] = { { &tool_argp, 0, NULL, 0 }, { 0 } };
	struct argp argp = { NULL,
			     parse,
			     "SUBCOMMAND [ARGUMENT...]",
			     "Looks at a CephFS, and changes it, through the cephring library.\v.",
			     children,
			     help,
			     NULL };
	const struct command *command;

	setlocale(LC_ALL, "");
	argp_err_exit_status = EXIT_USAGE;
	argp_program_version_hook = print_version;
	tool.tty = isatty(STDOUT_FILENO);
	tool.color = tool.tty && !getenv("NO_COLOR");
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &call) || !call.at)
		return EXIT_USAGE;
	command = find(argv[call.at]);
	if (!command) {
		fprintf(stderr, "cephring: %s: no such subcommand; cephring --help lists them\n",
			argv[call.at]);
		return EXIT_USAGE;
	}
	tool.status = EXIT_DONE;
	command->run(&tool, argc - call.at, argv + call.at);
	return tool_end(&tool);
}
