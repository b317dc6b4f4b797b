/* twice.h: one program, run on Debian's libcephfs and on ours against the same cluster, call by call.
 *
 * The checks print lines "what<TAB>result"; the driver runs them in two processes and compares. Each line is
 * one claim: ours gives what the real one gives. Where the real library is plainly at fault the difference is
 * listed in the program (struct twice_known), with what ours must give; what would crash the real one is only
 * made on ours (on_ours), and named there with what it must give.
 *
 *   R(call)              its number, errors by name
 *   say(value, fmt ...)  the same with a text of its own
 */
#pragma once
#include <cephfs/libcephfs.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "tap.h"

static int on_ours;

struct twice_known {
	const char *what, *real, *ours;
};

static const char *twice_value(long long v, char *buf)
{
	const char *name = v < 0 && v > -200 ? strerrorname_np((int)-v) : NULL;

	if (name)
		snprintf(buf, 32, "-%s", name);
	else
		snprintf(buf, 32, "%lld", v);
	return buf;
}

__attribute__((format(printf, 2, 3), unused)) static long long say(long long value, const char *fmt, ...)
{
	char buf[32];
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\t%s\n", twice_value(value, buf));
	fflush(stdout);
	return value;
}
#define R(call) say((long long)(call), "%s", #call)

/* A text as the result. */
__attribute__((unused)) static void say_text(const char *what, const char *text, long long len)
{
	printf("%s\t\"", what);
	for (long long n = 0; n < len; n++)
		printf(text[n] >= ' ' && text[n] <= '~' ? "%c" : "\\%03o", (unsigned char)text[n]);
	printf("\"\n");
	fflush(stdout);
}

/* A mount of `root` as client.second, which judges permissions; as `perms` if not NULL. */
__attribute__((unused)) static int twice_mount(struct ceph_mount_info **cm, const char *root,
					       const UserPerm *perms)
{
	char ring[4096];
	int r = ceph_create(cm, "second");

	if (r < 0)
		return r;
	snprintf(ring, sizeof ring, "%s/second.keyring", getenv("CLUSTER_DIR"));
	r = ceph_conf_read_file(*cm, getenv("CEPH_CONF"));
	if (!r)
		r = ceph_conf_set(*cm, "keyring", ring);
	if (!r)
		r = ceph_conf_set(*cm, "client_permissions", "true");
	if (!r && perms)
		r = ceph_init(*cm);
	if (!r && perms)
		r = ceph_mount_perms_set(*cm, (UserPerm *)perms);
	if (!r)
		r = ceph_mount(*cm, root);
	if (r < 0)
		ceph_release(*cm);
	return r;
}

/* The directory that is the variant's root. */
static const char *twice_root(void)
{
	static char root[256];

	const char *run = getenv("TWICE_RUN");

	snprintf(root, sizeof root, "/twice-%s-%s-%s", program_invocation_short_name, run ? run : "alone",
		 on_ours ? "ours" : "real");
	return root;
}

/* The ceph command, which is for the real library. */
__attribute__((format(printf, 1, 2), unused)) static void twice_ceph(const char *fmt, ...)
{
	char *path = getenv("LD_LIBRARY_PATH"), line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	path = path ? strdup(path) : NULL;
	unsetenv("LD_LIBRARY_PATH");
	devcluster("ceph %s >/dev/null 2>&1", line);
	if (path)
		setenv("LD_LIBRARY_PATH", path, 1);
	free(path);
}

/* Ends the sessions of a client that does not do so itself: with each MDS, for one of them alone tells the
 * others nothing. */
__attribute__((unused)) static void twice_evict(uint64_t id)
{
	twice_ceph("tell 'mds.*' client evict id=%" PRIu64, id);
}

static int twice_variant(void (*checks)(struct ceph_mount_info *cm))
{
	struct ceph_mount_info *cm;

	if (twice_mount(&cm, "/", NULL))
		return 3;
	if ((ceph_getxattr(cm, "/", "cephring.view", NULL, 0) > 0) != on_ours)
		return 2; /* not the library that it was to be */
	if (ceph_mkdirs(cm, twice_root(), 0777) || ceph_chmod(cm, twice_root(), 0777))
		return 4;
	if (ceph_unmount(cm) || ceph_mount(cm, twice_root()))
		return 5;
	checks(cm);
	printf("end\t0\n");
	fflush(stdout);
	/* after some of these calls the real one does not come to the end of an unmount: it is thrown out */
	if (!on_ours) {
		twice_evict(ceph_get_instance_id(cm));
		_exit(0);
	}
	ceph_unmount(cm);
	ceph_release(cm);
	return 0;
}

/* The lines of one variant; its exit status. */
static int twice_run(const char *self, const char *variant, char **text, const char *library)
{
	size_t len = 0, got;
	int fd[2], status;
	pid_t pid;

	*text = calloc(1, 4 << 20);
	if (!*text || pipe(fd) || (pid = fork()) < 0)
		tap_die("a process");
	if (!pid) {
		dup2(fd[1], STDOUT_FILENO);
		close(fd[0]);
		close(fd[1]);
		if (library)
			setenv("LD_LIBRARY_PATH", library, 1);
		execl("/proc/self/exe", self, variant, (char *)NULL);
		_exit(9);
	}
	close(fd[1]);
	while ((got = (size_t)read(fd[0], *text + len, (4 << 20) - 1 - len)) > 0 && got != (size_t)-1)
		len += got;
	close(fd[0]);
	waitpid(pid, &status, 0);
	return status;
}

static char *twice_line(char **at)
{
	char *line = *at && **at ? strsep(at, "\n") : NULL;
	char *tab = line ? strchr(line, '\t') : NULL;

	if (tab)
		*tab = '\0';
	return line;
}

static void twice_compare(char *real, char *ours, const struct twice_known *known)
{
	char *a, *b;

	for (;;) {
		const struct twice_known *k = known;
		const char *want;

		a = twice_line(&real);
		b = twice_line(&ours);
		/* what only ours is asked */
		while (b && !strncmp(b, "ours only: ", 11)) {
			tap_ok(strchr(b + strlen(b) + 1, '!') == NULL, "%s", b);
			b = twice_line(&ours);
		}
		if (!a || !b)
			break;
		if (strcmp(a, b)) {
			tap_ok(0, "%s", a);
			tap_note("the runs part here: ours has %s", b);
			return;
		}
		while (k && k->what && strcmp(k->what, a))
			k++;
		want = k && k->what ? k->ours : a + strlen(a) + 1;
		if (!tap_ok(!strcmp(b + strlen(b) + 1, want), "%s", a))
			tap_note("real %s, ours %s", a + strlen(a) + 1, b + strlen(b) + 1);
		/* a newer MDS may have put it right */
		if (k && k->what && strcmp(a + strlen(a) + 1, k->real) &&
		    strcmp(a + strlen(a) + 1, k->ours)) {
			tap_ok(0, "%s: the real library is as we know it", a);
			tap_note("known %s, real %s", k->real, a + strlen(a) + 1);
		}
	}
	tap_ok(!a && !b, "both end together");
}

/* What the real library would not survive; `call` must give `want`. */
#define OURS(call, want)                                                                                     \
	do {                                                                                                 \
		if (on_ours) {                                                                               \
			long long got_ = (long long)(call);                                                  \
			char buf_[32];                                                                       \
			printf("ours only: %s\t%s%s\n", #call, got_ == (want) ? "" : "!",                    \
			       twice_value(got_, buf_));                                                     \
			fflush(stdout);                                                                      \
		}                                                                                            \
	} while (0)

__attribute__((unused)) static int
twice_main(int argc, char **argv, void (*checks)(struct ceph_mount_info *cm), const struct twice_known *known)
{
	char *real, *ours, run[16];
	int status;

	if (argc > 1) {
		on_ours = !strcmp(argv[1], "ours");
		return twice_variant(checks);
	}
	snprintf(run, sizeof run, "%d", (int)getpid());
	setenv("TWICE_RUN", run, 1);
	status = twice_run(argv[0], "real", &real, NULL);
	if (!tap_ok(!status, "the real library comes to the end"))
		tap_note("status %#x", status);
	status = twice_run(argv[0], "ours", &ours, COMPAT_LIB_DIR);
	if (!tap_ok(!status, "ours comes to the end"))
		tap_note("status %#x", status);
	tap_ok(real[0] && ours[0], "both said something");
	twice_compare(real, ours, known);
	free(real);
	free(ours);
	return tap_end();
}
