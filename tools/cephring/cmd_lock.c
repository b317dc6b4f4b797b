/* cmd_lock.c: `cephring lock`: runs a program while a lock on a file is held, as flock(1) does, but among all
 * clients of the file system. */
#include "batch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct lock_opts {
	int how;
	bool record;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct lock_opts *o = a->opts;

	switch (key) {
	case 's':
		o->how = (o->how & LOCK_NB) | LOCK_SH;
		return 0;
	case 'n':
		o->how |= LOCK_NB;
		return 0;
	case 'r':
		o->record = true;
		return 0;
	default:
		return args_option(key, arg, state);
	}
}

struct taking {
	struct batch_item item; /* first */
	cephring_file *file;
	const struct lock_opts *opts;
	struct cephring_lock lock;
};

static int submit_take(struct tool *t, struct batch_item *item)
{
	struct taking *k = (struct taking *)item;
	const struct lock_opts *o = k->opts;

	(void)t;
	if (o->record)
		return cephring_setlk(k->file, &k->lock, !(o->how & LOCK_NB), &item->op, batch_done, item);
	return cephring_flock(k->file, o->how, k->lock.owner, &item->op, batch_done, item);
}

/* Waits for it, as long as --timeout allows. */
static int take(struct tool *t, cephring_file *f, const struct lock_opts *o)
{
	struct taking k = { .file = f,
			    .opts = o,
			    .lock = { .type = (o->how & LOCK_SH) ? F_RDLCK : F_WRLCK,
				      .pid = getpid(),
				      .owner = (uint64_t)getpid() } };

	batch_run(t, &k, 1, sizeof k, submit_take);
	free(k.item.why);
	return (int)k.item.res;
}

/* Serves the engine until the program has ended: other clients may want what we were lent. Its exit code. */
static int wait_for(struct tool *t, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0, ms;
	struct pollfd p[2] = { { .fd = cephring_engine_fd(t->engine), .events = POLLIN },
			       { .fd = fd, .events = POLLIN } };

	while (fd >= 0 && !p[1].revents) {
		int64_t ns = cephring_engine_timeout_ns(t->engine);

		ms = ns < 0 ? -1 : (int)(ns / 1000000 + (ns > 0));
		poll(p, 2, ms);
		cephring_run(t->engine, 0);
	}
	if (fd >= 0)
		close(fd);
	if (waitpid(pid, &status, 0) < 0)
		return EXIT_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void run(struct tool *t, const struct args *a, const struct lock_opts *o)
{
	extern char **environ;
	cephring_file *f;
	pid_t pid;
	char *why;
	int err =
	    cephring_sync_open(t->mount, NULL, a->list[0], O_RDWR | O_CREAT, 0666, NULL, tool_cred(t), &f);

	if (err >= 0) {
		err = take(t, f, o);
		if (!err) {
			err = -posix_spawnp(&pid, a->list[1], NULL, NULL, a->list + 1, environ);
			if (!err)
				t->status = wait_for(t, pid);
			else
				tool_fail(t, a->list[1], strlen(a->list[1]), err, NULL);
			cephring_sync_close(f);
			return;
		}
		cephring_sync_close(f);
	}
	why = tool_why(t, err);
	tool_fail(t, a->list[0], strlen(a->list[0]), err, why);
	free(why);
}

void cmd_lock(struct tool *t, int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "shared", 's', NULL, 0, "A shared lock; else it is exclusive", 0 },
		{ "nonblock", 'n', NULL, 0, "Fail rather than wait", 0 },
		{ "record", 'r', NULL, 0, "A record lock (fcntl) of the whole file instead of flock", 0 },
		{ 0 },
	};
	struct argp argp = {
		options,
		parse,
		"FILE PROGRAM [ARGUMENT...]",
		"Runs PROGRAM while a lock on FILE is held; FILE is made if it is missing. The exit code is "
		"the program's.",
		NULL,
		NULL,
		NULL
	};
	struct lock_opts o = { .how = LOCK_EX };
	struct args a;

	args_read_program(&a, t, &argp, argc, argv, &o);
	args_need(&a, 2, -1);
	if (tool_connect(t))
		run(t, &a, &o);
}
