/* cluster: */
/* `cephring cat`, `cp`, `put` and `get` against a real cluster: what arrives is what was sent, byte for byte,
 * also where a run goes on with what an earlier one left; what does not is said. libcephfs looks as well. */
#include "second.h"
#include "tool.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20, CHUNK = 4 * MIB, WINDOW = 16, BIG = 80 * MIB + 12345 };

static char dir[64];       /* on this machine */
static char out[64 << 10]; /* of the newest run: standard output and error */

/* Exit code of a piece of shell, run in `dir`; $C is the command. */
static int run(const char *shell)
{
	char line[8192];
	size_t len;
	FILE *f;
	int status;

	snprintf(line, sizeof(line), "cd %s && C=%s && export LC_ALL=C.UTF-8 && (%s) 2>&1", dir, tool, shell);
	f = popen(line, "r");
	if (!f)
		tap_die("no shell");
	len = fread(out, 1, sizeof(out) - 1, f);
	out[len] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void works(const char *shell, const char *name)
{
	int got = run(shell);

	if (!tap_ok(got == 0, "%s", name))
		tap_note("exit %d; printed: %.1500s", got, out);
}

static void says(const char *shell, int code, const char *words, const char *name)
{
	int got = run(shell);

	if (!tap_ok(got == code && strstr(out, words), "%s", name))
		tap_note("exit %d, wanted %d with \"%s\"; printed: %.1500s", got, code, words, out);
}

/* Bytes that tell where they belong: no two chunks are alike. */
static void plant(const char *name, size_t size)
{
	char path[128];
	uint64_t x = size * 2654435761u + 1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		tap_die("no room for the sources");
	for (size_t n = 0; n < size; n += sizeof(x)) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		fwrite(&x, size - n < sizeof(x) ? size - n : sizeof(x), 1, f);
	}
	if (fclose(f))
		tap_die("no room for the sources");
}

/* ---- whole files ---- */

static const size_t sizes[] = { 0, 1, 4095, CHUNK - 1, CHUNK, CHUNK + 1, BIG };
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void libcephfs_sees(struct ceph_mount_info *cm, const char *name)
{
	static char theirs[MIB], ours[MIB];
	char path[128];
	int64_t at = 0, n, same = 1;
	int fd = ceph_open(cm, name, O_RDONLY, 0), local;

	snprintf(path, sizeof(path), "%s%s", dir, name + strlen("/cmd_data"));
	local = open(path, O_RDONLY);
	while ((n = ceph_read(cm, fd, theirs, MIB, at)) > 0) {
		same &= pread(local, ours, (size_t)n, at) == n && !memcmp(theirs, ours, (size_t)n);
		at += n;
	}
	same &= n == 0 && at == lseek(local, 0, SEEK_END);
	tap_ok(same && fd >= 0, "libcephfs reads %s as it was sent", name);
	ceph_close(cm, fd);
	close(local);
}

static void round_trips(void)
{
	struct ceph_mount_info *cm;
	char line[512];

	works("$C mkdir /cmd_data && $C put s* /cmd_data", "put of many files");
	works("mkdir back && $C get $($C ls /cmd_data | sed s,^,/cmd_data/,) back", "get of many files");
	for (int i = 0; i < SIZES; i++) {
		snprintf(line, sizeof(line), "cmp s%d back/s%d", i, i);
		works(line, "a file came back as it was");
		snprintf(line, sizeof(line), "$C cat /cmd_data/s%d | cmp - s%d", i, i);
		works(line, "and cat writes it in order");
	}
	works("$C put --verify -j 3 s6 s5 /cmd_data/ && $C cat -j 1 /cmd_data/s6 | cmp - s6",
	      "put over what is there, verified, with few requests in flight");
	works("$C put s1 /cmd_data/s6 && $C cat /cmd_data/s6 | cmp - s1 && $C put s6 /cmd_data/s6",
	      "a shorter file leaves nothing of a longer one");
	works("$C cp --verify /cmd_data/s6 /cmd_data/copy && $C get --verify /cmd_data/copy copy && cmp copy "
	      "s6",
	      "cp within the file system, and get, verified");
	works("cat s6 | $C put --verify - /cmd_data/piped && $C get /cmd_data/piped - | cmp - s6",
	      "through standard input and output");
	works("$C put - /cmd_data/nothing < /dev/null && $C cat /cmd_data/nothing | cmp - /dev/null",
	      "nothing at all through a pipe");
	works("$C cat /cmd_data/s1 /cmd_data/s5 /cmd_data/s2 > all && cat s1 s5 s2 | cmp - all",
	      "cat of several, in order");
	if (second_mount(&cm))
		tap_die("libcephfs does not mount");
	libcephfs_sees(cm, "/cmd_data/s5");
	libcephfs_sees(cm, "/cmd_data/s6");
	second_unmount(cm);
}

/* ---- bytes that need not travel ---- */

/* A counter of the OSD. */
static long long osd_counter(const char *name)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "\"$DEVCLUSTER\" ceph tell osd.0 perf dump osd %s 2>/dev/null | tr -dc 0-9", name);
	if (run(line))
		tap_die("an OSD's counters");
	return atoll(out);
}

/* As works(), and the OSD copies so many objects. */
static void copies(const char *shell, int objects, const char *name)
{
	long long before = osd_counter("copyfrom");

	works(shell, name);
	tap_eq(osd_counter("copyfrom") - before, objects,
	       "by the OSD, but for the first object and the rest");
}

/* As works(), and the OSD writes less than `most` MiB. */
static void cheap(const char *shell, int most, const char *name)
{
	long long before = osd_counter("op_in_bytes"), took;

	works(shell, name);
	took = osd_counter("op_in_bytes") - before;
	tap_ok(took < most * (long long)MIB, "and less than %d MiB are written", most);
	tap_note("%lld bytes", took);
}

static void by_the_osds(void)
{
	works("$C put s6 /cmd_data/uncut", "a file that was never cut");
	copies("$C cp /cmd_data/uncut /cmd_data/copy2", 19, "cp of 80 MiB");
	works("$C cat /cmd_data/copy2 | cmp - s6", "the same");
	copies("$C cp --verify /cmd_data/uncut /cmd_data/copy2", 19, "cp over what is there, verified");
	works("$C cat /cmd_data/copy2 | cmp - s6", "the same");
	works("$C cp /cmd_data/s5 /cmd_data/copy2 && $C cat /cmd_data/copy2 | cmp - s5", "a shorter one");
	works("$C touch /cmd_data/other && $C layout set /cmd_data/other object_size=8M",
	      "a file with larger objects");
	copies("$C cp --verify /cmd_data/uncut /cmd_data/other && $C cat /cmd_data/other | cmp - s6", 0,
	       "goes through this machine");
	works("head -c 50000000 s6 > part && $C put part /cmd_data/part && "
	      "$C cp --resume --verify /cmd_data/s6 /cmd_data/part && $C cat /cmd_data/part | cmp - s6",
	      "and a part is made whole");
}

static void holes(void)
{
	works("truncate -s 61000000 sparse && printf X | dd of=sparse bs=1 seek=30000000 conv=notrunc",
	      "a file of holes");
	cheap("$C put --verify sparse /cmd_data/sparse", 6, "put of it");
	cheap("$C cp --verify /cmd_data/sparse /cmd_data/sparse2", 12, "cp of it");
	works("$C get --verify /cmd_data/sparse2 back/sparse && cmp sparse back/sparse",
	      "get of it: the same");
	works("test $(du -k back/sparse | cut -f1) -lt 9000", "which takes no more room");
	works("cp s6 back/over && $C get /cmd_data/sparse back/over && cmp sparse back/over",
	      "where something else was before, too");
	works("head -c 30000000 s6 > part && $C put part /cmd_data/part && $C put --resume sparse "
	      "/cmd_data/part && "
	      "$C cat /cmd_data/part | cmp - sparse",
	      "zeros replace what --resume found");
}

/* ---- trees ---- */

static void trees(void)
{
	works("mkdir -p t/a/b t/empty && cp s1 t/a/one && cp s5 t/a/b/two && ln -s ../one t/a/b/link && "
	      "ln -s /nowhere t/dangling && touch -d 1999-12-31T23:59:59.123456789Z t/a/one t/a t/empty && "
	      "chmod 0640 t/a/one && chmod 0751 t/empty && chmod 0555 t/a/b",
	      "a tree to copy");
	works("$C put -r -p t /cmd_tree && $C cp -r -p /cmd_tree /cmd_tree2 && $C get -r -p /cmd_tree2 t2 && "
	      "diff -r "
	      "--no-dereference t t2",
	      "a tree goes in, over and out");
	works("list() { (cd $1 && find . ! -type l -printf '%p %y %m %T+\\n' | sort); }; "
	      "list t > l1; list t2 > l2; cmp l1 l2",
	      "with modes and times, to the nanosecond");
	works("$C put -r t /cmd_tree && $C get -r /cmd_tree/t t3 && diff -r --no-dereference t t3",
	      "into a directory that is there");
	says("$C get /cmd_tree t4", 1, "cephring: /cmd_tree: Is a directory (-r copies directories)",
	     "a directory without -r is refused");
	says("$C cp -r /cmd_tree /cmd_tree/t/below", 1,
	     "/cmd_tree: Invalid argument (a directory cannot be copied into",
	     "a directory is not copied into itself");
	works("mkfifo pipes && mkdir t5 && mv pipes t5 && cp s1 t5 && ! $C put -r t5 /cmd_tree5 && "
	      "$C cat /cmd_tree5/s1 | cmp - s1",
	      "what is no file is said, the rest is copied");
}

/* ---- going on ---- */

/* A partial file as a broken transfer may leave it: only its last chunks may have holes. */
static void resumes(void)
{
	char line[1024];

	works("head -c 80000000 s6 > part && dd if=/dev/zero of=part bs=4M seek=9 count=4 conv=notrunc && "
	      "$C put part /cmd_data/part",
	      "a part of a file, with a hole near its end");
	says("$C put --json --resume s6 /cmd_data/part && $C cat /cmd_data/part | cmp - s6", 0,
	     "\"skipped\":16777216", "--resume goes on where all is there for certain");
	works("$C put --resume --verify s6 /cmd_data/part", "--resume of what is whole, verified");
	works("truncate -s 30M back/s6 && $C get --resume --verify /cmd_data/s6 back/s6 && cmp back/s6 s6",
	      "get --resume");
	works("cp s6 bad && printf X | dd of=bad bs=1 seek=5000000 conv=notrunc && $C put bad /cmd_data/bad",
	      "a file whose beginning is another one's");
	snprintf(line, sizeof(line),
		 "cephring: /cmd_data/bad: Input/output error (what arrived differs from the "
		 "source, from byte %d on)",
		 CHUNK);
	says("$C put --resume --verify s6 /cmd_data/bad", 1, line, "--verify finds what --resume left alone");
	works("$C put --verify s6 /cmd_data/bad && $C cat /cmd_data/bad | cmp - s6",
	      "and without --resume it is mended");
	works("$C put --resume s1 /cmd_data/bad && $C cat /cmd_data/bad | cmp - s1",
	      "a longer target is no part of it");
	says("$C put -p s5 /cmd_data/s5 && $C put --json -p --resume s5 /cmd_data/s5", 0,
	     "\"skipped\":4194305", "what has its size and times is not sent again");
}

/* The source is as long as nobody can wait for, until the target's length is known. */
static void broken_off(void)
{
	works("cp s6 long && truncate -s 1T long", "a very long file");
	says("$C put -j 2 long /cmd_data/broken & p=$!; sleep 0.7; kill -TERM $p; wait $p", 1,
	     "cephring: /cmd_data/broken: Interrupted system call (--resume goes on from here)",
	     "a signal ends it in order");
	works("truncate -s $(($($C --json stat /cmd_data/broken | sed -n 's/.*\"size\": "
	      "*\\([0-9]*\\).*/\\1/p') "
	      "+ 5000000)) long && $C put --resume --verify long /cmd_data/broken && $C cat /cmd_data/broken "
	      "| cmp - "
	      "long",
	      "and the next run goes on");
}

/* ---- errors ---- */

static void errors(void)
{
	says("$C cat /cmd_data/s1 /cmd_data/none /cmd_data/s1 | od -c", 0,
	     "cephring: /cmd_data/none: No such file or directory", "a file that is not there");
	says("$C put s1 none /cmd_data/errors; echo", 0, "cephring: /cmd_data/errors: Not a directory",
	     "several sources want a directory");
	says("$C put none s1 /cmd_data", 1, "cephring: none: No such file or directory",
	     "a local file likewise");
	says("$C get /cmd_data/s1 no/where", 1, "cephring: no/where: No such file or directory",
	     "a local target likewise");
	says("$C cp /cmd_data/s1 /cmd_data/s1", 1, "source and target are the same file",
	     "cp of a file to itself");
	works("$C cat /cmd_data/s1 | cmp - s1", "which is whole still");
	says("$C --as 1000 put s2 /cmd_data/forbidden", 1, "cephring: /cmd_data/forbidden: Permission denied",
	     "no permission");
	works("$C mkdir /cmd_small && $C quota set --bytes 1M /cmd_small || $C xattr set "
	      "ceph.quota.max_bytes 1000000 "
	      "/cmd_small",
	      "a quota");
	says("$C put s5 /cmd_small/s5", 1, "cephring: /cmd_small/s5: Disk quota exceeded",
	     "a quota is exceeded");
	says("$C get --verify /cmd_data/s1 -", 2, "cannot be read again",
	     "--verify of a pipe is wrong usage");
	says("$C put --resume - /cmd_data/x < s1", 2, "do not go with -", "--resume of a pipe, too");
	says("$C cat /cmd_data/s6 | head -c 3 | wc -c", 0, "3\n",
	     "a reader that has enough ends cat quietly");
	says("$C put --progress s6 /cmd_data/shown", 0, "1 file, 80M in ",
	     "--progress tells the sum and the rate");
}

int main(void)
{
	char name[8];

	snprintf(dir, sizeof(dir), "/tmp/cephring-command-XXXXXX");
	if (!mkdtemp(dir))
		tap_die("no temporary directory");
	find_tool();
	for (int i = 0; i < SIZES; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		plant(name, sizes[i]);
	}
	round_trips();
	by_the_osds();
	holes();
	trees();
	resumes();
	broken_off();
	errors();
	works("chmod -R u+w . && rm -rf \"$PWD\"", "nothing is left");
	return tap_end();
}
