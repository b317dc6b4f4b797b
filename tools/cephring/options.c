/* options.c: the options that every subcommand understands, and how a subcommand reads its arguments.
 *
 * Most become settings of the library's configuration, which beat the environment and ceph.conf.
 */
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	OPT_ID = 0x100,
	OPT_FS,
	OPT_ROOT,
	OPT_TIMEOUT,
	OPT_CLUSTER,
	OPT_LOG_LEVEL,
	OPT_JSON,
	OPT_AS,
	OPT_SET,
};

static const struct argp_option options[] = {
	{ "conf", 'c', "FILE", 0, "Read this ceph.conf", 90 },
	{ "cluster", OPT_CLUSTER, "NAME", 0, "Name of the cluster: /etc/ceph/NAME.conf (ceph)", 90 },
	{ "id", OPT_ID, "ID", 0, "Log in as client.ID (admin)", 90 },
	{ "name", 'n', "client.ID", 0, "The same with its type", 90 },
	{ "keyring", 'k', "FILE", 0, "The file with the key", 90 },
	{ "mon-host", 'm', "ADDRS", 0, "Addresses of the monitors", 90 },
	{ "fs", OPT_FS, "NAME", 0, "Name of the file system (the cluster's default)", 90 },
	{ "root", OPT_ROOT, "DIR", 0, "Directory of the file system that paths begin at (/)", 90 },
	{ "set", OPT_SET, "KEY=VALUE", 0, "Set any option of the configuration", 90 },
	{ "as", OPT_AS, "UID[:GID[,GID]...]", 0, "Act with these ids, not with those of this process", 90 },
	{ "timeout", OPT_TIMEOUT, "SECONDS", 0, "Give up connecting, and each operation, after so long", 90 },
	{ "log-level", OPT_LOG_LEVEL, "LEVEL", 0,
	  "What the library says: none, error, warn, info, debug (none)", 90 },
	{ "json", OPT_JSON, NULL, 0, "Print JSON", 90 },
	{ 0 },
};

static void setting(struct argp_state *state, const char *key, const char *value)
{
	struct tool *t = state->input;

	if (t->setting_count == TOOL_SETTINGS_MAX)
		argp_error(state, "too many options");
	else
		t->settings[t->setting_count++] = (struct tool_setting){ key, value };
}

static void read_set(struct argp_state *state, char *arg)
{
	char *eq = strchr(arg, '=');

	if (!eq || eq == arg) {
		argp_error(state, "--set %s: KEY=VALUE is wanted", arg);
		return;
	}
	*eq = '\0'; /* two strings, in argv's own memory */
	setting(state, arg, eq + 1);
}

static void read_timeout(struct argp_state *state, const char *arg)
{
	struct tool *t = state->input;
	char *end;
	double seconds = strtod(arg, &end);

	if (end == arg || *end || !(seconds > 0) || seconds > 1e6) {
		argp_error(state, "--timeout %s: a number of seconds is wanted", arg);
		return;
	}
	t->timeout_ns = seconds * 1e9;
	setting(state, "client_mount_timeout", arg);
}

static void read_log_level(struct argp_state *state, const char *arg)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	struct tool *t = state->input;

	if (!strcmp(arg, "none")) {
		t->log_level = -1;
		return;
	}
	for (int i = 0; i < 4; i++) {
		if (!strcmp(arg, names[i])) {
			t->log_level = i;
			return;
		}
	}
	argp_error(state, "--log-level %s: none, error, warn, info or debug is wanted", arg);
}

/* A decimal id at *p, which moves behind it. */
static bool read_id(const char **p, uint32_t *id)
{
	char *end;
	unsigned long long v;

	if (**p < '0' || **p > '9')
		return false;
	v = strtoull(*p, &end, 10);
	if (v > UINT32_MAX)
		return false;
	*id = v;
	*p = end;
	return true;
}

static void read_as(struct argp_state *state, const char *arg)
{
	struct tool *t = state->input;
	const char *p = arg;
	bool ok = read_id(&p, &t->cred.uid);

	t->cred.umask = umask(0);
	umask(t->cred.umask);
	t->cred.gid = t->cred.uid;
	t->cred.ngroups = 0;
	t->cred.groups = t->groups;
	t->as_user = true;
	if (ok && *p == ':') {
		p++;
		ok = read_id(&p, &t->cred.gid);
		while (ok && *p == ',' && t->cred.ngroups < TOOL_GROUPS_MAX) {
			p++;
			ok = read_id(&p, &t->groups[t->cred.ngroups++]);
		}
	}
	if (!ok || *p)
		argp_error(state, "--as %s: UID, UID:GID or UID:GID,GID... in numbers is wanted", arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct tool *t = state->input;

	switch (key) {
	case 'c':
		setting(state, "conf", arg);
		return 0;
	case 'n':
		setting(state, "name", arg);
		return 0;
	case 'k':
		setting(state, "keyring", arg);
		return 0;
	case 'm':
		setting(state, "mon_host", arg);
		return 0;
	case OPT_ID:
		setting(state, "id", arg);
		return 0;
	case OPT_CLUSTER:
		setting(state, "cluster", arg);
		return 0;
	case OPT_FS:
		t->fs = arg;
		return 0;
	case OPT_ROOT:
		t->root = arg;
		return 0;
	case OPT_SET:
		read_set(state, arg);
		return 0;
	case OPT_AS:
		read_as(state, arg);
		return 0;
	case OPT_TIMEOUT:
		read_timeout(state, arg);
		return 0;
	case OPT_LOG_LEVEL:
		read_log_level(state, arg);
		return 0;
	case OPT_JSON:
		t->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp tool_argp = { .options = options, .parser = parse };

error_t args_option(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = a->tool;
		return 0;
	case ARGP_KEY_ARGS:
		a->list = state->argv + state->next;
		a->count = state->argc - state->next;
		state->next = state->argc;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void read_args(struct args *a, struct tool *t, const struct argp *argp, int argc, char **argv,
		      void *opts, unsigned flags)
{
	static char name[64];
	struct argp_child children[] = { { &tool_argp, 0, "Options of every subcommand:", 90 }, { 0 } };
	struct argp own = *argp;

	*a = (struct args){ .tool = t, .opts = opts };
	own.children = children;
	snprintf(name, sizeof name, "cephring %s", argv[0]);
	argv[0] = name;
	a->command = name;
	if (argp_parse(&own, argc, argv, flags, NULL, a))
		exit(EXIT_USAGE);
}

void args_read(struct args *a, struct tool *t, const struct argp *argp, int argc, char **argv, void *opts)
{
	read_args(a, t, argp, argc, argv, opts, 0);
}

void args_read_program(struct args *a, struct tool *t, const struct argp *argp, int argc, char **argv,
		       void *opts)
{
	read_args(a, t, argp, argc, argv, opts, ARGP_IN_ORDER);
}

void args_need(const struct args *a, int min, int max)
{
	if (a->count >= min && (max < 0 || a->count <= max))
		return;
	fprintf(stderr, "%s: too %s arguments; %s --help tells which\n", a->command,
		a->count < min ? "few" : "many", a->command);
	exit(EXIT_USAGE);
}
