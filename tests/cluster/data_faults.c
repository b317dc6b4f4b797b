/* cluster: --mds 1 --standby 1 --osd 2 --store bluestore; timeout: 420 */
/* Reading and writing while the cluster fails: OSDs killed, restarted, marked out and paused, pools full and
 * deleted, an MDS that dies, many maps, our own process killed. What fsync has acknowledged is there, nothing
 * is written twice, and every stall ends when the cluster heals.
 */
#include <signal.h>
#include <sys/wait.h>
#include "data_load.h"

#define TOP "/data_faults"
#define S   1000000000ull

static const struct cephring_cred root = { 0 };

static uint8_t want[4 << 20], got[4 << 20];

static cephring_file *opened(cephring_mount *m, const char *path, int flags, const struct cephring_layout *l)
{
	cephring_file *f;
	int64_t err = cephring_sync_open(m, NULL, path, flags, 0644, l, &root, &f);

	if (err < 0)
		tap_die(cephring_strerror(m, (int)err));
	return f;
}

/* ---- operations in flight ---- */

static void writes(cephring_file *f, struct flight *x, const void *p, size_t len, uint64_t offset, int flags)
{
	x->ended = 0;
	if (cephring_write(f, p, len, offset, flags, &x->op, landed, x))
		tap_die("a write is taken");
}

/* The OSD that has the file's first object, by the map. */
static int first_osd(const struct cephring_statx *st)
{
	char *text = ceph_says("osd map cephfs.data %" PRIx64 ".00000000 -f json", st->ino);
	json_t *v = json_loads(text, 0, NULL);
	int osd = -1;

	json_unpack(v, "{s:i}", "acting_primary", &osd);
	json_decref(v);
	free(text);
	return osd;
}

/* ---- a write whose operation has ended ---- */

static int detached(cephring_mount *m)
{
	json_t *v = our_view(m, "data");
	int n = -1;

	json_unpack(v, "{s:i}", "detached", &n);
	json_decref(v);
	return n;
}

/* The file has `stamp`, `want` has what comes next, and the OSD of its first object does nothing. */
static int paused_under(struct both *b, const char *path, cephring_file *f, unsigned stamp)
{
	struct cephring_statx st;
	int osd;

	bytes_fill(want, 4096, 0, stamp);
	tap_eq(cephring_sync_write(f, want, 4096, 0, CEPHRING_IO_DSYNC), 4096, "written");
	if (cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_BASIC, 0, &root, &st))
		tap_die("its number");
	osd = first_osd(&st);
	devcluster("pause osd.%d", osd);
	bytes_fill(want, 4096, 0, stamp + 1);
	return osd;
}

/* It may still reach an OSD: until that is over nobody else may read or write under it. */
static void early(struct both *b, int cancel)
{
	const char *path = cancel ? TOP "/cancelled" : TOP "/late";
	struct their_io rd = { path, got, 5000, 0, 0 };
	static struct flight x, after;
	struct their_job job;
	cephring_file *f = opened(b->mount, path, O_RDWR | O_CREAT, NULL);
	pthread_t t;
	int osd;

	osd = paused_under(b, path, f, 1);
	if (!cancel)
		cephring_op_deadline(&x.op, now_ns() + S / 5);
	writes(f, &x, want, 4096, 0, CEPHRING_IO_DIRECT);
	serve(b->engine, 100);
	if (cancel)
		cephring_op_cancel(b->mount, &x.op);
	tap_ok(lands(b, &x, 3000), "the operation ends although its OSD does nothing");
	tap_eq(x.res, cancel ? -ECANCELED : -ETIMEDOUT, "early");
	tap_ok(cephring_op_uncertain(&x.op), "nobody knows whether it is written");
	tap_eq(detached(b->mount), 1, "it goes on without its operation");
	memset(want, 0xee, 4096); /* the program's again */
	t = they_begin(b, &job, their_pread, &rd);
	serve(b->engine, 1500);
	tap_ok(!atomic_load(&job.ended), "another client does not pass it by");
	devcluster("resume osd.%d", osd);
	tap_eq(they_end(b, &job, t), 4096, "afterwards it reads");
	bytes_fill(want, 4096, 0, 2);
	tap_eq(bytes_differ(got, want, 4096), -1, "what was written");
	tap_eq(detached(b->mount), 0, "that is over");
	writes(f, &after, want, 4096, 4096, CEPHRING_IO_DIRECT);
	tap_ok(lands(b, &after, 20000) && after.res == 4096, "and it goes on");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* Its connection breaks: what is sent in its place tells that it is over. */
static void killed_under(struct both *b)
{
	const char *path = TOP "/killed_under";
	static struct flight x;
	cephring_file *f = opened(b->mount, path, O_RDWR | O_CREAT, NULL);
	uint64_t limit;
	int osd;

	osd = paused_under(b, path, f, 3);
	writes(f, &x, want, 4096, 0, CEPHRING_IO_DIRECT);
	serve(b->engine, 100);
	cephring_op_cancel(b->mount, &x.op);
	tap_ok(lands(b, &x, 3000), "a cancelled write ends");
	tap_eq(detached(b->mount), 1, "it goes on without its operation");
	devcluster("kill osd.%d", osd);
	devcluster("restart osd.%d", osd);
	limit = now_ns() + 40 * S;
	while (detached(b->mount) && now_ns() < limit)
		serve(b->engine, 100);
	tap_eq(detached(b->mount), 0, "with the end of its OSD it is over");
	tap_eq(they_read(b, path, got, 5000, 0), 4096, "libcephfs reads");
	bytes_fill(want, 4096, 0, 3);
	tap_eq(bytes_differ(got, want, 4096), -1, "it was never carried out");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- what is done to the cluster meanwhile ---- */

static void *command_thread(void *arg)
{
	void **p = arg;

	if (system(p[0]) < 0)
		tap_note("no shell");
	atomic_store((atomic_bool *)p[1], true);
	return NULL;
}

__attribute__((format(printf, 1, 2))) static void meanwhile(const char *fmt, ...)
{
	char args[512], line[1024];
	atomic_bool ended = false;
	void *p[2] = { line, &ended };
	pthread_t t;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(args, sizeof args, fmt, ap);
	va_end(ap);
	snprintf(line, sizeof line, "'%s' %s >/dev/null 2>&1", getenv("DEVCLUSTER"), args);
	if (pthread_create(&t, NULL, command_thread, p))
		tap_die("a thread");
	while (!atomic_load(&ended))
		load_turn(5);
	pthread_join(t, NULL);
}

static void osds(struct both *b)
{
	load_begin(b, TOP);
	meanwhile("kill osd.0");
	load_for(1000);
	meanwhile("restart osd.0");
	load_for(1500);
	meanwhile("pause osd.1");
	load_for(1000);
	meanwhile("resume osd.1");
	load_for(300);
	load_end("an OSD killed and restarted, another paused: every stall ends");
}

static void maps(struct both *b)
{
	load_begin(b, TOP);
	meanwhile("ceph osd out 1");
	load_for(500);
	for (int n = 0; n < 3; n++) {
		meanwhile("ceph osd primary-affinity osd.%d 0", n & 1);
		meanwhile("ceph osd primary-affinity osd.%d 1", n & 1);
	}
	meanwhile("ceph osd set pause");
	load_for(300);
	meanwhile("ceph osd unset pause");
	meanwhile("ceph osd in 1");
	load_end("an OSD out and in, primaries that change, a pause: every stall ends");
}

static void mds(struct both *b)
{
	char *text = ceph_says("fs dump -f json");
	json_t *v = json_loads(text, 0, NULL), *info = NULL, *one;
	const char *key, *name = NULL;

	json_unpack(v, "{s:[{s:{s:o}}]}", "filesystems", "mdsmap", "info", &info);
	json_object_foreach(info, key, one) name = json_string_value(json_object_get(one, "name"));
	if (!name)
		tap_die("an MDS");
	load_begin(b, TOP);
	meanwhile("kill mds.%s", name);
	load_for(500);
	meanwhile("restart mds.%s", name);
	load_end("another MDS takes over: every stall ends");
	json_decref(v);
	free(text);
}

/* ---- little room, and none ---- */

static void nearly_full(struct both *b)
{
	load_begin(b, TOP);
	meanwhile("ceph osd set-nearfull-ratio 0.00001");
	load_for(2000);
	meanwhile("ceph osd set-nearfull-ratio 0.85");
	load_end("an OSD that is nearly full: everything goes on");
}

static void ratios(char *line, size_t room, const char *near, const char *backfill, const char *full)
{
	snprintf(line, room,
		 "for x in 'nearfull-ratio %s' 'backfillfull-ratio %s' 'full-ratio %s'; do '%s' ceph osd "
		 "set-$x; done "
		 ">/dev/null 2>&1",
		 near, backfill, full, getenv("DEVCLUSTER"));
}

/* One more record at the end, if there is room. */
static bool add_record(struct both *b, cephring_file *f, uint32_t *records)
{
	int64_t res;

	bytes_fill(want, LOAD_RECORD, (uint64_t)*records * LOAD_RECORD, 12);
	res = cephring_sync_write(f, want, LOAD_RECORD, 0, CEPHRING_IO_DIRECT);
	if (res != LOAD_RECORD && res != -ENOSPC)
		tap_die("a record is taken, or there is no room");
	*records += res == LOAD_RECORD;
	serve(b->engine, 3);
	return res == LOAD_RECORD;
}

/* Adds records while a line of the shell runs, and on until there is room (`room`), or none; how many were
 * refused. */
static unsigned add_records(struct both *b, cephring_file *f, uint32_t *records, char *line, bool room)
{
	uint64_t limit = now_ns() + 40 * S;
	atomic_bool ended = false;
	void *p[2] = { line, &ended };
	unsigned refused = 0;
	pthread_t t;
	bool taken;

	if (pthread_create(&t, NULL, command_thread, p))
		tap_die("a thread");
	do {
		taken = add_record(b, f, records);
		refused += !taken;
	} while ((!atomic_load(&ended) || taken != room) && now_ns() < limit && *records < LOAD_RECORDS);
	pthread_join(t, NULL);
	tap_eq(taken, room, room ? "there is room again" : "there is no room any more");
	return refused;
}

static void runs_full(struct both *b)
{
	cephring_file *f = opened(b->mount, TOP "/runs_full", O_RDWR | O_CREAT | O_APPEND, NULL);
	char fill[1024], empty[1024];
	uint32_t records = 0;
	unsigned refused;

	ratios(fill, sizeof fill, "0.00001", "0.00002", "0.00003");
	ratios(empty, sizeof empty, "0.85", "0.90", "0.95");
	refused = add_records(b, f, &records, fill, false);
	refused += add_records(b, f, &records, empty, true);
	tap_note("%u records, %u times no room", records, refused);
	tap_eq(cephring_sync_close(f), 0, "closed");
	bytes_fill(want, (size_t)records * LOAD_RECORD, 0, 12);
	tap_eq(they_read(b, TOP "/runs_full", got, sizeof got, 0), (long long)records * LOAD_RECORD,
	       "libcephfs reads what was taken");
	tap_eq(bytes_differ(got, want, (size_t)records * LOAD_RECORD), -1, "each once, in order");
}

/* ---- our own process killed ---- */

enum { KILLED_BLOCKS = 16 };
#define KILLED TOP "/killed"

/* Another process: writes all blocks, syncs, tells the round; until it is killed. */
static int victim(void)
{
	struct cephring_cred cred = { 0 };
	struct ours o;
	cephring_file *f;
	long long id;

	if (ours_mount(&o, NULL, NULL) ||
	    cephring_sync_open(o.mount, NULL, KILLED, O_RDWR | O_CREAT, 0644, NULL, &cred, &f) < 0)
		return 1;
	id = our_id(o.mount);
	if (write(STDOUT_FILENO, &id, sizeof id) != sizeof id)
		return 1;
	for (uint32_t round = 1;; round++) {
		for (uint32_t n = 0; n < KILLED_BLOCKS; n++) {
			bytes_fill(want, LOAD_BLOCK, (uint64_t)n * LOAD_BLOCK, round);
			if (cephring_sync_write(f, want, LOAD_BLOCK, (uint64_t)n * LOAD_BLOCK, 0) !=
			    LOAD_BLOCK)
				return 1;
		}
		if (cephring_sync_fsync(f, 0) || write(STDOUT_FILENO, &round, sizeof round) != sizeof round)
			return 1;
	}
}

static pid_t victim_begin(int *out)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds))
		tap_die("a pipe");
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		execl("/proc/self/exe", "data_faults", "victim", (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	*out = fds[0];
	return pid;
}

static bool hear(struct both *b, int fd, void *buf, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t limit = now_ns() + 30 * S;

	while (!poll(&p, 1, 0) && now_ns() < limit)
		both_turn(b->engine, fd, 100);
	return read(fd, buf, len) == (ssize_t)len;
}

static void killed(struct both *b, unsigned after_ms)
{
	const size_t size = KILLED_BLOCKS * LOAD_BLOCK;
	uint32_t round = 0, newer = 0;
	int good = 1, fd;
	pid_t pid = victim_begin(&fd);
	long long id = 0;

	if (!hear(b, fd, &id, sizeof id))
		tap_die("another process of ours mounts");
	while (round < 3 && hear(b, fd, &round, sizeof round))
		;
	serve(b->engine, after_ms);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (read(fd, &round, sizeof round) == sizeof round)
		;
	close(fd);
	tap_ok(round >= 3, "a process of ours is killed behind an fsync");
	free(ceph_says("tell mds.0 client evict id=%lld", id));
	memset(got, 0, size);
	tap_eq(they_read(b, KILLED, got, size, 0), (long long)size, "libcephfs reads its file");
	for (uint32_t n = 0; n < KILLED_BLOCKS; n++) {
		const uint8_t *block = got + (size_t)n * LOAD_BLOCK;

		bytes_fill(want, LOAD_BLOCK, (uint64_t)n * LOAD_BLOCK, round);
		if (!memcmp(block, want, LOAD_BLOCK))
			continue;
		newer++; /* what it wrote behind that fsync */
		bytes_fill(want, LOAD_BLOCK, (uint64_t)n * LOAD_BLOCK, round + 1);
		good &= !memcmp(block, want, LOAD_BLOCK);
	}
	tap_ok(good, "all that fsync has acknowledged is there, or what was written over it");
	tap_note("round %u; %u blocks are newer", round, newer);
}

/* ---- pools ---- */

/* Each a little longer: what takes no more room is let in however full it is. */
static int64_t until(struct both *b, cephring_file *f, int64_t res)
{
	static uint64_t at = 1 << 20;
	uint64_t limit = now_ns() + 40 * S;
	int64_t was;

	do {
		was = cephring_sync_write(f, want, 4096, at += 4096, CEPHRING_IO_DIRECT);
		if (was != res)
			serve(b->engine, 100);
	} while (was != res && now_ns() < limit);
	return was;
}

static void full(struct both *b)
{
	cephring_file *f = opened(b->mount, TOP "/full", O_RDWR | O_CREAT, NULL);
	int64_t res;

	bytes_fill(want, 4096, 0, 5);
	tap_eq(cephring_sync_write(f, want, 4096, 0, 0), 4096, "written");
	tap_eq(cephring_sync_fsync(f, 0), 0, "fsync");
	free(ceph_says("osd pool set-quota cephfs.data max_bytes 4096"));
	tap_eq(until(b, f, -ENOSPC), -ENOSPC, "the pool is full: a write says so");
	res = cephring_sync_write(f, want, 4096, 8 << 20, 0);
	tap_ok(res == -ENOSPC || (res == 4096 && cephring_sync_fsync(f, 0) == -ENOSPC),
	       "so does one that may be cached, or its fsync");
	tap_eq(cephring_sync_fsync(f, 0), 0, "who was told is not told again");
	free(ceph_says("osd pool set-quota cephfs.data max_bytes 0"));
	tap_eq(until(b, f, 4096), 4096, "there is room again");
	tap_eq(cephring_sync_write(f, want, 4096, 8 << 20, 0), 4096, "for all");
	tap_eq(cephring_sync_fsync(f, 0), 0, "fsync");
	tap_eq(they_read(b, TOP "/full", got, 8192, 8 << 20), 4096, "libcephfs reads it");
	tap_eq(bytes_differ(got, want, 4096), -1, "the same");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

static int64_t pool_id(const char *name)
{
	char *text = ceph_says("osd pool get %s size -f json", name);
	json_t *v = json_loads(text, 0, NULL);
	json_int_t id = -1;

	json_unpack(v, "{s:I}", "pool_id", &id);
	json_decref(v);
	free(text);
	return (int64_t)id;
}

static char lost_words[1024];

static void keep_words(void *arg, int level, const char *line)
{
	both_log(arg, level, line);
	if (strstr(line, "are lost"))
		snprintf(lost_words, sizeof lost_words, "%s", line);
}

enum { DOOMED = 8 };

/* A pool of the file system, and a directory whose files go there. */
static void doomed_pool(struct both *b)
{
	free(ceph_says("osd pool create doomed 4"));
	free(ceph_says("fs add_data_pool cephfs doomed"));
	if (they_do(b, THEY_MKDIR, TOP "/doomed", NULL, 0777))
		tap_die("a directory");
	tap_eq(cephring_sync_setxattr(b->mount, NULL, TOP "/doomed", "ceph.dir.layout.pool", "doomed", 6, 0,
				      0, &root),
	       0, "a directory's layout");
}

static void remove_pool(void)
{
	free(ceph_says("fs rm_data_pool cephfs doomed"));
	free(ceph_says("osd pool rm doomed doomed --yes-i-really-really-mean-it"));
}

/* Waits for all of them; how many ended with `res`. */
static unsigned landed_with(struct both *b, const struct flight *x, unsigned count, int64_t res)
{
	unsigned n = 0;

	for (unsigned k = 0; k < count; k++) {
		if (!lands(b, &x[k], 40000))
			tap_note("%u is still under way", k);
		else if (x[k].res != res)
			tap_note("%u ended with %" PRId64, k, x[k].res);
		n += x[k].ended && x[k].res == res;
	}
	return n;
}

/* Everything is under way to OSDs that do nothing, so only the map can tell. */
static void deleted(struct both *b)
{
	struct cephring_mount_opts opts = { .size = sizeof opts,
					    .log = keep_words,
					    .log_level = CEPHRING_LOG_WARN };
	static struct flight x[DOOMED + 3];
	struct flight *rd = &x[DOOMED], *cached = rd + 1, *sync = rd + 2;
	cephring_file *direct, *dirty, *other;
	struct cephring_statx st;
	char ino[32];
	struct both o = *b;

	if (cephring_sync_mount(b->engine, b->config, &opts, &o.mount))
		tap_die("another mount");
	doomed_pool(&o);
	direct = opened(o.mount, TOP "/doomed/direct", O_RDWR | O_CREAT, NULL);
	dirty = opened(o.mount, TOP "/doomed/dirty", O_RDWR | O_CREAT, NULL);
	other = opened(o.mount, TOP "/doomed/dirty", O_RDWR, NULL);
	bytes_fill(want, sizeof want, 0, 6);
	tap_eq(cephring_sync_write(direct, want, 65536, 0, CEPHRING_IO_DSYNC), 65536,
	       "written to another pool");
	tap_eq(cephring_sync_write(dirty, want, 65536, 0, CEPHRING_IO_DSYNC), 65536, "another file");
	/* How far may be written is known before the MDS has no OSDs either. */
	tap_eq(cephring_sync_write(dirty, want, 4096, 5 << 20, CEPHRING_IO_DSYNC), 4096,
	       "and further behind");
	cephring_sync_statx(o.mount, cephring_file_inode(dirty), "", CEPHRING_STATX_BASIC, 0, &root, &st);
	snprintf(ino, sizeof ino, "%" PRIx64 ".00000001", st.ino);
	devcluster("pause osd.0");
	devcluster("pause osd.1");
	for (unsigned n = 0; n < DOOMED; n++)
		writes(direct, &x[n], want, 4096, n * 4096, CEPHRING_IO_DIRECT);
	if (cephring_read(direct, got, 4096, 0, CEPHRING_IO_DIRECT, &rd->op, landed, rd))
		tap_die("a read is taken");
	tap_eq(cephring_sync_write(dirty, want, 65536, 4 << 20, 0), 65536, "written to the cache");
	if (cephring_fsync(dirty, 0, &sync->op, landed, sync))
		tap_die("fsync is taken");
	serve(b->engine, 200);
	writes(dirty, cached, want, 4096, 0, CEPHRING_IO_DIRECT);
	serve(b->engine, 300);
	remove_pool();
	tap_eq(landed_with(&o, x, DOOMED + 3, -ENOENT), DOOMED + 3,
	       "the pool is gone: all that waited ends with ENOENT");
	devcluster("resume osd.0");
	devcluster("resume osd.1");
	tap_ok(strstr(lost_words, "(dirty)") && strstr(lost_words, ino) && strstr(lost_words, " osd.") &&
		   strstr(lost_words, "the pool does not exist any more"),
	       "the log names the file, its object, the OSD and the reason");
	tap_eq(cephring_sync_fsync(dirty, 0), 0, "who was told is not told again");
	tap_eq(cephring_sync_fsync(other, 0), -ENOENT, "who was not is");
	tap_eq(cephring_sync_close(dirty), -ENOENT, "close tells it");
	tap_eq(cephring_sync_close(other), -ENOENT, "each");
	tap_eq(cephring_sync_write(direct, want, 4096, 0, CEPHRING_IO_DIRECT), -ENOENT, "a later write");
	tap_eq(cephring_sync_read(direct, got, 4096, 0, CEPHRING_IO_DIRECT), -ENOENT, "and read");
	tap_eq(cephring_sync_close(direct), 0, "nothing was lost of this one");
	tap_eq(cephring_sync_unmount(o.mount), 0, "unmounted");
	tap_eq(ours_write(b, TOP "/full", want, 4096, 0), 4096, "others go on");
}

/* Two of three shards: written and read all the same. */
static void erasure(struct both *b)
{
	struct cephring_layout l = { 65536, 3, 262144, -1 };
	const size_t size = 3 << 20;
	cephring_file *f;

	free(ceph_says("osd erasure-code-profile set two k=2 m=1 crush-failure-domain=osd"));
	free(ceph_says("osd pool create ec 4 4 erasure two"));
	free(ceph_says("osd pool set ec allow_ec_overwrites true"));
	free(ceph_says("osd pool set ec min_size 2"));
	free(ceph_says("fs add_data_pool cephfs ec"));
	l.pool = pool_id("ec");
	f = opened(b->mount, TOP "/ec", O_RDWR | O_CREAT, &l);
	bytes_fill(want, size, 0, 7);
	tap_eq(cephring_sync_write(f, want, size, 0, 0), (long long)size, "written to an erasure coded pool");
	bytes_fill(want + 100001, 70001, 100001, 8);
	tap_eq(cephring_sync_write(f, want + 100001, 70001, 100001, CEPHRING_IO_DIRECT), 70001,
	       "into the middle");
	tap_eq(cephring_sync_write(f, want, 1, size + 99999, 0), 1, "and far behind");
	tap_eq(cephring_sync_close(f), 0, "closed");
	memset(want + size + 1, 0, 99999);
	memset(got, 0xee, sizeof got);
	tap_eq(they_read(b, TOP "/ec", got, sizeof got, 0), (long long)size + 100000, "libcephfs reads it");
	tap_eq(bytes_differ(got, want, size), -1, "the same");
	memset(got, 0xee, sizeof got);
	f = opened(b->mount, TOP "/ec", O_RDONLY, NULL);
	tap_eq(cephring_sync_read(f, got, sizeof got, 0, CEPHRING_IO_DIRECT), (long long)size + 100000,
	       "we read it");
	tap_eq(bytes_differ(got, want, size), -1, "the same");
	tap_ok(!memcmp(got + size, want + size + 1, 99999) && got[size + 99999] == want[0], "and the hole");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- encrypted ---- */

static void secure(struct both *b)
{
	static const char *const options[] = { "ms_client_mode", "secure", NULL };
	struct cephring_stats st = { .size = sizeof st };
	const size_t size = 3 << 20;
	struct beside o;
	cephring_file *f;

	beside_begin(b, &o, options);
	f = opened(o.mount, TOP "/secure", O_RDWR | O_CREAT, NULL);
	bytes_fill(want, size, 0, 9);
	tap_eq(cephring_sync_write(f, want, size, 0, CEPHRING_IO_DIRECT), (long long)size,
	       "written encrypted");
	memset(got, 0xee, size);
	tap_eq(cephring_sync_read(f, got, size, 0, CEPHRING_IO_DIRECT), (long long)size, "read");
	tap_eq(bytes_differ(got, want, size), -1, "the same");
	cephring_stats(o.mount, &st);
	tap_ok(st.copied_secure >= 2 * size, "all was copied: %" PRIu64, st.copied_secure);
	tap_eq(cephring_sync_close(f), 0, "closed");
	memset(got, 0xee, size);
	tap_eq(they_read(b, TOP "/secure", got, size, 0), (long long)size, "libcephfs reads it");
	tap_eq(bytes_differ(got, want, size), -1, "the same");
	beside_end(&o);
}

int main(int argc, char **argv)
{
	struct both *b;

	if (argc > 1 && !strcmp(argv[1], "victim"))
		return victim();
	b = both_new(NULL, NULL);

	they(b, their_clean, TOP);
	if (they_do(b, THEY_MKDIR, TOP, NULL, 0777))
		tap_die("a directory");
	full(b);
	nearly_full(b);
	runs_full(b);
	for (unsigned n = 0; n < 4; n++)
		killed(b, n * 7);
	early(b, 0);
	early(b, 1);
	killed_under(b);
	secure(b);
	erasure(b);
	deleted(b);
	osds(b);
	maps(b);
	mds(b);
	both_free(b);
	return tap_end();
}
