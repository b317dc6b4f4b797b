/* cluster: ; timeout: 240 */
/* The cephring command against a real cluster: what it prints, its exit codes, its errors in words. A tree is
 * made by libcephfs; the command must show it as it is. Then it makes, changes and removes one of its own. */
#include "second.h"
#include "tool.h"
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIRS = 120 };

static char out[1 << 20]; /* of the newest run: standard output and error */

/* Exit code of a piece of shell; $TOOL is the command. */
static int run_shell(const char *piece)
{
	char line[8192];
	size_t len;
	FILE *f;
	int status;

	snprintf(line, sizeof(line), "(%s) 2>&1", piece);
	f = popen(line, "r");
	if (!f)
		tap_die("no shell");
	len = fread(out, 1, sizeof(out) - 1, f);
	out[len] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The same of what stands behind the command's name. */
static int run(const char *args)
{
	char line[8000];

	snprintf(line, sizeof(line), "$TOOL %s", args);
	return run_shell(line);
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

/* ---- what changes things: each line goes on where the one before has ended ---- */

struct line {
	const char *args;
	int code;
	const char *words; /* in what it prints; "" : it prints nothing */
};

static const struct line making[] = {
	{ "mkdir /cmd/new", 0, "" },
	{ "mkdir /cmd/new", 1, "cephring: /cmd/new: File exists" },
	{ "mkdir /cmd/none/x", 1, "cephring: /cmd/none/x: No such file or directory" },
	{ "mkdir -p /cmd/new/a/b /cmd/new/a/c", 0, "" },
	{ "mkdir -p -m 700 /cmd/new/a/b /cmd/new/own", 0, "" },
	{ "ls -ld /cmd/new/own /cmd/new/a/b", 0, "drwx------ " },
	{ "mkdir -m 9 /cmd/new/x", 2, "'9' is not an octal mode" },
	{ "mkdir", 2, "too few arguments" },
	{ "--json mkdir /cmd/new /cmd/new/json", 1, "\"errno\":\"EEXIST\"" },
	{ "touch /cmd/new/f /cmd/new/g", 0, "" },
	{ "touch /cmd/none/x /cmd/new/h /cmd/new/f", 1, "cephring: /cmd/none/x: No such file or directory" },
	{ "touch -c /cmd/new/none", 0, "" },
	{ "touch", 2, "too few arguments" },
	{ "ls /cmd/new", 0, "a\nf\ng\nh\njson\nown\n" },
	{ "ln /cmd/new/f /cmd/new/hard", 0, "" },
	{ "ln /cmd/new/f /cmd/new/g", 1, "cephring: /cmd/new/f -> /cmd/new/g: File exists" },
	{ "ln /cmd/new/a /cmd/new/x", 1, "Operation not permitted" },
	{ "ln -s f /cmd/new/soft", 0, "" },
	{ "readlink /cmd/new/soft", 0, "f\n" },
	{ "ln /cmd/new/f", 2, "too few arguments" },
	{ "mv /cmd/new/g /cmd/new/G", 0, "" },
	{ "mv /cmd/new/f /cmd/new/G /cmd/new/a", 0, "" },
	{ "ls /cmd/new/a", 0, "G\nb\nc\nf\n" },
	{ "mv /cmd/new/none /cmd/new/x", 1,
	  "cephring: /cmd/new/none -> /cmd/new/x: No such file or directory" },
	{ "mv /cmd/new/a /cmd/new/a/b/x", 1, "Invalid argument" },
	{ "mv /cmd/new/a/f /cmd/new/a/G /cmd/new/h", 1, "cephring: /cmd/new/h: Not a directory" },
	{ "mv /cmd/new/a", 2, "too few arguments" },
};

static const struct line attributing[] = {
	{ "chmod u=rw,go=,u+s /cmd/new/a/f", 0, "" },
	{ "ls -l /cmd/new/a/f", 0, "-rwS------ " },
	{ "chmod 9 /cmd/new/a/f", 2, "'9' is not a mode" },
	{ "chmod 644 /cmd/new/none", 1, "cephring: /cmd/new/none: No such file or directory" },
	{ "--as 4711 chmod 777 /cmd/new/a/G", 1, "cephring: /cmd/new/a/G: Operation not permitted" },
	{ "chmod -R g=u,o= /cmd/new/a", 0, "" },
	{ "ls -ld /cmd/new/a", 0, "drwxrwx--- " },
	{ "ls -ld /cmd/new/a/f", 0, "-rwSrw---- " },
	{ "chown 12:34 /cmd/new/h", 0, "" },
	{ "chown -R :77 /cmd/new/a", 0, "" },
	{ "ls -ld --numeric-ids /cmd/new/h", 0, " 12 34 " },
	{ "ls -l --numeric-ids /cmd/new/a", 0, " 0 77 " },
	{ "chown no-such-user /cmd/new/h", 2, "'no-such-user' is not an owner" },
	{ "chown 4294967296 /cmd/new/h", 2, "'4294967296' is not an owner" },
	{ "--as 12 chown 13 /cmd/new/h", 1, "cephring: /cmd/new/h: Operation not permitted" },
	{ "truncate -s 1K /cmd/new/h", 0, "" },
	{ "stat /cmd/new/h", 0, "Size: 1024 " },
	{ "truncate /cmd/new/h", 2, "a size is wanted: -s SIZE" },
	{ "truncate -s 1x /cmd/new/h", 2, "'1x' is not a size" },
	{ "truncate -s 0 /cmd/new/a /cmd/new/none", 1, "cephring: /cmd/new/a: Is a directory" },
	{ "xattr set user.a word /cmd/new/h /cmd/new/a", 0, "" },
	{ "xattr get user.a /cmd/new/h", 0, "user.a=word\n" },
	{ "xattr set nonsense word /cmd/new/h", 1, "cephring: /cmd/new/h: Operation not supported" },
	{ "xattr rm user.a /cmd/new/h", 0, "" },
	{ "xattr rm user.a /cmd/new/h", 1, "cephring: /cmd/new/h: No data available" },
	{ "xattr set user.a /cmd/new/h", 2, "too few arguments" },
	{ "xattr nonsense /cmd/new/h", 2, "list, get, all, set or rm is wanted" },
};

static const struct line limiting[] = {
	{ "mkdir /cmd/new/q", 0, "" },
	{ "quota set /cmd/new/q bytes=10M files=2", 0, "" },
	{ "quota get /cmd/new/q", 0, "bytes=10485760\nfiles=2\nused_bytes=0\nused_files=1\n" },
	{ "quota set /cmd/new/q bytes=much", 2, "'bytes=much' is not understood" },
	{ "quota set /cmd/new/q", 2, "too few arguments" },
	{ "quota set /cmd/new/h files=1", 1, "cephring: /cmd/new/h: Not a directory" },
	{ "quota get /cmd/new/h /cmd/new/none", 1, "cephring: /cmd/new/none: No such file or directory" },
	{ "quota set /cmd/new/q bytes=0 files=0", 0, "" },
	{ "quota get /cmd/new/q", 0, "used_bytes=0\nused_files=1\n" },
	{ "--json quota get /cmd/new/q /cmd/new/none", 1, "\"used_files\":1" },
	{ "quota nonsense /cmd/new/q", 2, "'nonsense' is not understood" },
	{ "layout get /cmd/new/q", 0, "" },
	{ "layout set /cmd/new/q stripe_unit=64K object_size=128K stripe_count=2", 0, "" },
	{ "layout get /cmd/new/q", 0, "stripe_unit=65536\nstripe_count=2\nobject_size=131072\npool=" },
	{ "touch /cmd/new/q/f", 0, "" },
	{ "layout get /cmd/new/q/f", 0, "stripe_unit=65536\n" },
	{ "layout set /cmd/new/q/f object_size=64K", 0, "" },
	{ "layout get /cmd/new/q/f", 0, "object_size=65536\n" },
	{ "layout set /cmd/new/q stripe_unit=12345", 1, "cephring: /cmd/new/q: Invalid argument" },
	{ "layout set /cmd/new/q pool=nonsense", 1, "cephring: /cmd/new/q: " },
	{ "layout set /cmd/new/q colour=red", 2, "'colour=red' is not understood" },
	{ "layout get /cmd/new/none", 1, "cephring: /cmd/new/none: No such file or directory" },
	{ "snap create /cmd/new/q one", 0, "\n" },
	{ "snap create /cmd/new/q two colour=red why='a test'", 0, "\n" },
	{ "snap create /cmd/new/q one", 1, "cephring: /cmd/new/q/.snap/one: File exists" },
	{ "snap create /cmd/new/q three colour", 2, "'colour' is not KEY=VALUE" },
	{ "snap create /cmd/new/none x", 1, "No such file or directory" },
	{ "snap ls /cmd/new/q", 0, "  two  colour=red  why=a test\n" },
	{ "snap ls /cmd/new/none", 1, "cephring: /cmd/new/none: No such file or directory" },
	{ "--json snap ls /cmd/new/q", 0, "\"metadata\":{\"colour\":\"red\"" },
	{ "touch /cmd/new/q/.snap/one/x", 1, "Read-only file system" },
	{ "snap rm /cmd/new/q one", 0, "" },
	{ "snap rm /cmd/new/q one", 1, "cephring: /cmd/new/q/.snap/one: No such file or directory" },
	{ "snap rm /cmd/new/q two", 0, "" },
	{ "snap ls /cmd/new/q", 0, "" },
	{ "snap nonsense /cmd/new/q", 2, "create, ls or rm is wanted" },
};

static const struct line locking[] = {
	{ "lock /cmd/new/lock echo held", 0, "held\n" },
	{ "lock /cmd/new/lock sh -c 'exit 7'", 7, "" },
	{ "lock /cmd/new/lock $TOOL lock -n /cmd/new/lock true", 1,
	  "cephring: /cmd/new/lock: Resource temporarily unavailable" },
	{ "lock /cmd/new/lock $TOOL --timeout 3 lock /cmd/new/lock true", 1,
	  "cephring: /cmd/new/lock: Connection timed out" },
	{ "lock -s /cmd/new/lock $TOOL lock -n -s /cmd/new/lock echo shared", 0, "shared\n" },
	{ "lock -r /cmd/new/lock $TOOL lock -n -r /cmd/new/lock true", 1, "temporarily unavailable" },
	{ "lock -r /cmd/new/lock $TOOL lock -n /cmd/new/lock echo other", 0, "other\n" },
	{ "lock /cmd/new/lock ./no-such-program", 1,
	  "cephring: ./no-such-program: No such file or directory" },
	{ "lock /cmd/none/lock true", 1, "cephring: /cmd/none/lock: No such file or directory" },
	{ "lock /cmd/new/lock", 2, "too few arguments" },
};

static const struct line removing[] = {
	{ "rm /cmd/new/a", 1, "cephring: /cmd/new/a: Is a directory" },
	{ "rm /cmd/new/none", 1, "cephring: /cmd/new/none: No such file or directory" },
	{ "rm -f /cmd/new/none /cmd/new/h", 0, "" },
	{ "rm -r /", 2, "'/' is not removed" },
	{ "rm -r /cmd/new/a/..", 2, "'/cmd/new/a/..' is not removed" },
	{ "rm", 2, "too few arguments" },
	{ "--as 4711 rm -r /cmd/new", 1, "Permission denied" },
	{ "rm -r /cmd/new", 0, "" },
	{ "ls /cmd/new", 1, "No such file or directory" },
};

static const struct line placing[] = {
	{ "osdmap $CLUSTER_DIR/map.bin", 0, "pool 1 type " },
	{ "osdmap -o 1 some-object $CLUSTER_DIR/map.bin", 0, "obj 1 some-object hash 0x" },
	{ "osdmap -o nonsense x $CLUSTER_DIR/map.bin", 1, "nonsense" },
	{ "osdmap $CLUSTER_DIR/none", 1, "No such file or directory" },
	{ "osdmap $CEPH_CONF", 1, "cephring: " },
	{ "osdmap", 2, "too few arguments" },
};

static void lines(const struct line *l, size_t count)
{
	for (size_t n = 0; n < count; n++) {
		int got = run(l[n].args);

		if (!tap_ok(got == l[n].code && (*l[n].words ? strstr(out, l[n].words) != NULL : !*out), "%s",
			    l[n].args))
			tap_note("exit %d, wanted %d with \"%s\"; printed: %.1500s", got, l[n].code,
				 l[n].words, out);
	}
}
#define LINES(of) lines(of, sizeof of / sizeof *of)

/* On a terminal it says how far it is; elsewhere nothing. */
static void progress(void)
{
	static const char on_terminal[] =
	    "python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' ";
	char line[1024];

	tap_eq(run("mkdir -p $(seq -f /cmd/many/%g 1 600) $(seq -f /cmd/more/%g 1 600)"), 0,
	       "many directories");
	tap_ok(!*out, "nothing is said of it in a pipe");
	snprintf(line, sizeof line, "%s $TOOL chmod -R 711 /cmd/many /cmd/more", on_terminal);
	tap_eq(run_shell(line), 0, "a mode for all of them, on a terminal");
	tap_ok(strstr(out, "changed 1200 of 1202") && strstr(out, "changed 1202 of 1202"),
	       "which is told how far it is");
	snprintf(line, sizeof line, "%s $TOOL rm -r /cmd/many /cmd/none /cmd/more", on_terminal);
	tap_eq(run_shell(line), 1, "all are removed, and one that is not there");
	tap_ok(strstr(out, "\rfound ") && strstr(out, "removed 1203 of 1203"), "which is told, too");
	tap_ok(strstr(out, "\033[Kcephring: /cmd/none: No such file or directory\r\n") != NULL,
	       "an error has a line of its own");
}

int main(void)
{
	find_tool();
	setenv("TOOL", tool, 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	plant();
	lists();
	attributes();
	rights();
	views();
	failures();
	LINES(making);
	LINES(attributing);
	LINES(limiting);
	LINES(locking);
	LINES(removing);
	progress();
	tap_eq(devcluster("ceph osd getmap -o $CLUSTER_DIR/map.bin 2>/dev/null"), 0, "a map of the cluster");
	LINES(placing);
	return tap_end();
}
