/* tool.h: one run of the cephring command: its options, its mount, its exit code.
 *
 * A subcommand parses its own arguments (the global options are understood before and after its name),
 * connects, works, prints. Exit codes: 0 all was done, 1 something failed (said on stderr in words), 2 wrong
 * usage.
 */
#pragma once
#include <argp.h>
#include <cephring.h>
#include <stdbool.h>
#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { TOOL_SETTINGS_MAX = 64, TOOL_GROUPS_MAX = 64 };

struct tool {
	/* options */
	struct tool_setting {
		const char *key, *value;
	} settings[TOOL_SETTINGS_MAX];
	unsigned setting_count;
	const char *fs, *root;
	int log_level;       /* -1: none */
	uint64_t timeout_ns; /* of each operation, 0 = none */
	bool json;
	bool as_user;
	struct cephring_cred cred;
	uint32_t groups[TOOL_GROUPS_MAX];

	bool tty, color;
	int status; /* the exit code so far */

	cephring_engine *engine;
	cephring_config *config;
	cephring_mount *mount;
};

/* The global options; a child of every subcommand's argp, with the tool as its input. */
extern const struct argp tool_argp;

struct command {
	const char *name;
	void (*run)(struct tool *t, int argc, char **argv); /* what failed is in t->status */
	const char *what;
};
void cmd_ls(struct tool *t, int argc, char **argv);
void cmd_tree(struct tool *t, int argc, char **argv);
void cmd_stat(struct tool *t, int argc, char **argv);
void cmd_readlink(struct tool *t, int argc, char **argv);
void cmd_xattr(struct tool *t, int argc, char **argv);
void cmd_mkdir(struct tool *t, int argc, char **argv);
void cmd_rm(struct tool *t, int argc, char **argv);
void cmd_mv(struct tool *t, int argc, char **argv);
void cmd_ln(struct tool *t, int argc, char **argv);
void cmd_chmod(struct tool *t, int argc, char **argv);
void cmd_chown(struct tool *t, int argc, char **argv);
void cmd_touch(struct tool *t, int argc, char **argv);
void cmd_truncate(struct tool *t, int argc, char **argv);
void cmd_cat(struct tool *t, int argc, char **argv);
void cmd_cp(struct tool *t, int argc, char **argv);
void cmd_put(struct tool *t, int argc, char **argv);
void cmd_get(struct tool *t, int argc, char **argv);
void cmd_quota(struct tool *t, int argc, char **argv);
void cmd_layout(struct tool *t, int argc, char **argv);
void cmd_snap(struct tool *t, int argc, char **argv);
void cmd_lock(struct tool *t, int argc, char **argv);
void cmd_df(struct tool *t, int argc, char **argv);
void cmd_status(struct tool *t, int argc, char **argv);
void cmd_config(struct tool *t, int argc, char **argv);
void cmd_osdmap(struct tool *t, int argc, char **argv);

/* The arguments that are left after a subcommand's options. */
struct args {
	struct tool *tool;
	const char *command; /* "cephring ls" */
	char **list;         /* borrowed from argv */
	int count;
	void *opts; /* the subcommand's own */
};
/* An argp parser for subcommands without options of their own; others call it for all keys they do not know.
 */
error_t args_option(int key, char *arg, struct argp_state *state);
/* Runs `argp` over argv and fills `a`; ends the process with EXIT_USAGE on wrong usage. */
void args_read(struct args *a, struct tool *t, const struct argp *argp, int argc, char **argv, void *opts);
/* The same; options end at the first argument, for what follows belongs to a program. */
void args_read_program(struct args *a, struct tool *t, const struct argp *argp, int argc, char **argv,
		       void *opts);

/* Ends the process with EXIT_USAGE unless there are `min` to `max` of them (max -1: any number). */
void args_need(const struct args *a, int min, int max);

/* Makes the configuration with the options given; reads files and environment; does both and mounts.
 * False: said why, and t->status is set. */
bool tool_set(struct tool *t);
bool tool_load(struct tool *t);
bool tool_connect(struct tool *t);
/* Waits for the next thing to happen and runs its callbacks. */
void tool_turn(struct tool *t);
/* Unmounts and frees; the exit code. */
int tool_end(struct tool *t);

/* Ids to act as, NULL = this process's own. */
const struct cephring_cred *tool_cred(const struct tool *t);
/* Sets the deadline of the next submission, if --timeout was given. */
void tool_deadline(const struct tool *t, struct cephring_op *op);
/* The library's words for `err`, when they say more than strerror; for use in a callback. A copy, or NULL;
 * free(). */
char *tool_why(const struct tool *t, int err);
/* "cephring: WHAT: Permission denied (why)" on stderr; the exit code becomes 1. `what` and `why` may be NULL.
 */
void tool_fail(struct tool *t, const char *what, size_t what_len, int err, const char *why);
void *tool_alloc(size_t size); /* zeroed; ends the process when memory is out */
_Noreturn void tool_no_memory(void);

/* Escape sequences, or "" where no colour is wanted. */
const char *tool_color(const struct tool *t, uint32_t mode);
const char *tool_color_off(const struct tool *t, uint32_t mode);
