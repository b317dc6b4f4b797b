/* cluster: ; timeout: 120 */
/* The drop-in beside the real library: a server that was killed while it held a lock and unwritten data, and
 * comes back under the same uuid: what its old session held is free at once, not after a minute. */
#include "twice.h"
#include <signal.h>
#include <time.h>

static const struct twice_known known[] = {
	/* the MDS refuses the session; the reason is in the log */
	{ "ceph_mount(second, twice_root())", "-EPERM", "-EACCES" },
	{ NULL, NULL, NULL },
};

/* As a server does it: initialised, told who it is, not mounted yet. */
static struct ceph_mount_info *server(void)
{
	struct ceph_mount_info *cm;
	char ring[4096];

	snprintf(ring, sizeof ring, "%s/second.keyring", getenv("CLUSTER_DIR"));
	if (ceph_create(&cm, "second") || ceph_conf_read_file(cm, getenv("CEPH_CONF")) ||
	    ceph_conf_set(cm, "keyring", ring) || ceph_init(cm))
		exit(6);
	return cm;
}

/* A process of its own: says that it has the lock, and is killed. */
static int holder(const char *uuid, const char *root)
{
	struct ceph_mount_info *cm = server();
	int fd;

	ceph_set_uuid(cm, uuid);
	ceph_set_session_timeout(cm, 77);
	if (ceph_mount(cm, root) || (fd = ceph_open(cm, "/held", O_CREAT | O_RDWR, 0644)) < 0 ||
	    ceph_write(cm, fd, "unwritten", 9, 0) != 9 || ceph_flock(cm, fd, LOCK_EX, 1))
		return 7;
	if (write(STDOUT_FILENO, "!", 1) != 1)
		return 8;
	for (;;)
		pause();
}

static pid_t holder_start(const char *uuid)
{
	int fd[2];
	char c = 0;
	pid_t pid;

	if (pipe(fd) || (pid = fork()) < 0)
		return -1;
	if (!pid) {
		dup2(fd[1], STDOUT_FILENO);
		execl("/proc/self/exe", program_invocation_name, "holder", uuid, twice_root(), (char *)NULL);
		_exit(9);
	}
	close(fd[1]);
	if (read(fd[0], &c, 1) != 1)
		c = 0;
	close(fd[0]);
	return c == '!' ? pid : -1;
}

/* What the MDS was told by the sessions that are open. */
static int sessions_say(const char *what)
{
	char *path = getenv("LD_LIBRARY_PATH");
	int status;

	path = path ? strdup(path) : NULL;
	unsetenv("LD_LIBRARY_PATH"); /* the ceph command is for the real library */
	status = devcluster("ceph tell mds.a session ls 2>/dev/null | grep -q '%s'", what);
	if (path)
		setenv("LD_LIBRARY_PATH", path, 1);
	free(path);
	return !status;
}

static void checks(struct ceph_mount_info *cm)
{
	struct ceph_mount_info *fresh = server(), *second = server();
	char uuid[64], line[128];
	struct timespec a, b;
	int fd, seen;
	pid_t pid;

	snprintf(uuid, sizeof uuid, "server-%d", (int)getpid());
	R(ceph_start_reclaim(fresh, "", CEPH_RECLAIM_RESET));
	R(ceph_start_reclaim(fresh, uuid, CEPH_RECLAIM_RESET));
	ceph_finish_reclaim(fresh);
	R((pid = holder_start(uuid)) > 0);
	snprintf(line, sizeof line, "\"uuid\": \"%s\"", uuid);
	R(sessions_say(line));
	R(sessions_say("\"timeout\": \"77\""));
	R(ceph_start_reclaim(fresh, uuid, 0));
	ceph_finish_reclaim(fresh);
	R(kill(pid, SIGKILL));
	waitpid(pid, NULL, 0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	R(ceph_start_reclaim(fresh, uuid, CEPH_RECLAIM_RESET));
	ceph_finish_reclaim(fresh);
	ceph_set_uuid(fresh, uuid);
	R(ceph_mount(fresh, twice_root()));
	R((fd = ceph_open(fresh, "/held", O_RDWR, 0)) >= 0);
	R(ceph_flock(fresh, fd, LOCK_EX | LOCK_NB, 1));
	R(ceph_write(fresh, fd, "written", 7, 0));
	clock_gettime(CLOCK_MONOTONIC, &b);
	seen = (int)(b.tv_sec - a.tv_sec);
	R(seen < 20); /* an MDS would wait for a minute */
	R(sessions_say(line));
	R(ceph_start_reclaim(fresh, uuid, CEPH_RECLAIM_RESET));
	/* two of one name */
	ceph_set_uuid(second, uuid);
	R(ceph_mount(second, twice_root()));
	R(ceph_release(second));
	R(ceph_close(fresh, fd));
	R(ceph_unmount(fresh));
	R(ceph_release(fresh));
	R(ceph_unlink(cm, "/held"));
	OURS(ceph_start_reclaim(NULL, uuid, CEPH_RECLAIM_RESET), -EINVAL);
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "holder"))
		return holder(argv[2], argv[3]);
	return twice_main(argc, argv, checks, known);
}
