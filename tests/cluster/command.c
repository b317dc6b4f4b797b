/* cluster: */
/* The cephring command against a real cluster: what it prints, its exit codes, its errors in words. A tree is
 * made by libcephfs; the command must show it as it is. */
#include "tap.h"
#include "second.h"
#include <fcntl.h>
#include <libgen.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIRS = 120 };

static char tool[4200];
static char out[1 << 20]; /* of the newest run: standard output and error */

static void find_tool(void)
{
	char self[4096] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		tap_die("who am I?");
	snprintf(tool, sizeof(tool), "%s/../tools/cephring", dirname(self));
	if (access(tool, X_OK))
		tap_die("the command is not built");
}

/* Exit code; `args` is a piece of shell. */
static int run(const char *args)
{
	char line[8192];
	size_t len;
	FILE *f;
	int status;

	snprintf(line, sizeof(line), "(LC_ALL=C.UTF-8 %s %s) 2>&1", tool, args);
	f = popen(line, "r");
	if (!f)
		tap_die("no shell");
	len = fread(out, 1, sizeof(out) - 1, f);
	out[len] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void prints(const char *args, int code, const char *want, const char *name)
{
	int got = run(args);

	if (!tap_ok(got == code && !strcmp(out, want), "%s", name))
		tap_note("exit %d, wanted %d; printed: %.1500s", got, code, out);
}

static void says(const char *args, int code, const char *words, const char *name)
{
	int got = run(args);

	if (!tap_ok(got == code && strstr(out, words), "%s", name))
		tap_note("exit %d, wanted %d with \"%s\"; printed: %.1500s", got, code, words, out);
}

static void file(struct ceph_mount_info *cm, const char *path, const char *text)
{
	int fd = ceph_open(cm, path, O_CREAT | O_WRONLY, 0640);

	if (*text) /* libcephfs aborts on an empty write */
		ceph_write(cm, fd, text, (int64_t)strlen(text), 0);
	ceph_close(cm, fd);
}

static void plant(void)
{
	struct ceph_mount_info *cm;
	char path[64];

	if (second_mount(&cm))
		tap_die("libcephfs does not mount");
	ceph_mkdirs(cm, "/cmd/sub/deep", 0755);
	ceph_mkdir(cm, "/cmd/secret", 0700);
	ceph_mkdir(cm, "/cmd/wide", 0755);
	file(cm, "/cmd/hello", "hello");
	file(cm, "/cmd/.hidden", "");
	file(cm, "/cmd/b\xff\xfe", "");
	file(cm, "/cmd/new\nline", "");
	file(cm, "/cmd/sub/deep/end", "x");
	file(cm, "/cmd/secret/inside", "x");
	ceph_symlink(cm, "hello", "/cmd/link");
	ceph_chown(cm, "/cmd/hello", 12345, 54321);
	ceph_setxattr(cm, "/cmd/hello", "user.text", "word", 4, 0);
	ceph_setxattr(cm, "/cmd/hello", "user.bytes", "\0\377", 2, 0);
	for (int i = 0; i < DIRS; i++) {
		snprintf(path, sizeof(path), "/cmd/wide/d%03d", i);
		ceph_mkdir(cm, path, 0755);
		strcat(path, "/f");
		file(cm, path, "");
	}
	ceph_sync_fs(cm);
	second_unmount(cm);
}

static void lists(void)
{
	prints("ls /cmd", 0, "\"b\\xff\\xfe\"\nhello\nlink\n\"new\\x0aline\"\nsecret\nsub\nwide\n",
	       "ls sorts, hides dots, quotes what is no text");
	prints("ls -a /cmd/sub", 0, ".\n..\ndeep\n", "ls -a shows . and ..");
	says("ls -l --numeric-ids /cmd/hello", 0, "-rw-r----- 1 12345 54321 5 20", "ls -l of a file");
	says("ls -l /cmd", 0, " link -> hello\n", "ls -l shows where a link points");
	prints("ls /cmd/nothing /cmd/sub", 1,
	       "cephring: /cmd/nothing: No such file or directory\n/cmd/sub:\ndeep\n",
	       "ls goes on after an error");
	prints("tree /cmd/sub", 0, "/cmd/sub\n└── deep\n    └── end\n\n1 directory, 1 file\n", "tree draws");
	tap_eq(run("ls -R /cmd/wide | grep -c ^f$"), 0, "ls -R of many directories ends well");
	tap_eq(atoi(out), DIRS, "and has shown each");
	tap_eq(run("ls -R /cmd/wide | sed -n s/:$//p | LC_ALL=C sort -c"), 0, "in their order");
	tap_eq(
	    run("tree --json /cmd | python3 -c 'import json, sys; t = json.load(sys.stdin)[0][\"contents\"]; "
		"print([e.get(\"name_hex\") for e in t if e[\"name\"][0] == \"b\"][0], "
		"len([e for e in t if e[\"name\"] == \"wide\"][0][\"contents\"]))'"),
	    0, "tree --json is JSON");
	tap_ok(!strcmp(out, "62fffe 120\n"), "with every entry, and the exact bytes of strange names");
}

static void attributes(void)
{
	says("stat /cmd/hello", 0, "Size: 5 ", "stat shows the size");
	says("--json stat /cmd/hello /cmd/no", 1, "\"uid\":12345,\"gid\":54321,\"size\":5", "stat --json");
	tap_ok(strstr(out, "\"errno\":\"ENOENT\"") != NULL, "has the error of what failed");
	prints("readlink /cmd/link", 0, "hello\n", "readlink");
	says("readlink /cmd/hello", 1, "Invalid argument", "readlink of a file");
	prints("xattr list /cmd/hello", 0, "user.bytes\nuser.text\n", "xattr list");
	prints("xattr get user.text /cmd/hello", 0, "user.text=word\n", "xattr get");
	says("xattr all /cmd/hello", 0, "user.bytes=0x00ff\nuser.text=word\n", "xattr all");
	says("xattr all /cmd/sub", 0, "ceph.dir.subdirs=1\n", "with the virtual ones");
	says("xattr get user.none /cmd/hello", 1, "No data available", "an attribute that is not there");
	says("df --json", 0, "\"name_max\": 255", "df");
}

static void rights(void)
{
	says("--as 4711 stat /cmd/secret/inside", 1, "cephring: /cmd/secret/inside: Permission denied",
	     "a stranger may not pass");
	says("--as 4711 stat /cmd/hello", 0, "Size: 5 ", "but may look at what is open");
	says("--as 4711:4711,0 stat /cmd/secret/inside", 1, "Permission denied",
	     "group 0 has no right there");
	says("--as 0 stat /cmd/secret/inside", 0, "Size: 1 ", "uid 0 may");
}

static void views(void)
{
	says("status", 0, "active", "status shows the MDS");
	says("status --json", 0, "\"state\": \"open\"", "and the session");
	says("status nonsense", 1, "no such view", "a view that is none");
	says("config mon_host", 0, "conf ", "config says where a value came from");
	says("--set cephring_max_ops=7 config cephring_max_ops", 0, "7  option", "an option beats all");
	says("config nonsense", 1, "no such option", "an option that is none");
}

static void failures(void)
{
	says("ls --nonsense", 2, "unrecognized option", "wrong usage gives 2");
	says("nonsense", 2, "no such subcommand", "an unknown subcommand too");
	says("stat", 2, "too few arguments", "and a missing argument");
	says("--fs nonsense ls", 1, "no file system 'nonsense'", "an unknown file system");
	says("--root /cmd/none ls", 1, "/cmd/none", "an unknown root");
	says("--timeout 1 -m 127.0.0.1:1 ls", 1, "127.0.0.1:1", "a monitor that is not there is named");
	says("--set key=AQAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA== ls", 1,
	     "cephring: ", "a key that is none");
	says("--root /cmd ls /sub", 0, "deep\n", "a root below the root");
	says("--set ms_client_mode=secure status --json", 0, "\"mode\": \"secure\"",
	     "secure mode when asked for");
}

int main(void)
{
	find_tool();
	plant();
	lists();
	attributes();
	rights();
	views();
	failures();
	return tap_end();
}
