/* cluster: --mds 2 --standby 1; timeout: 420 */
/* What is changed here under exclusive caps and told the MDS later: seen by others as soon as they look, kept
 * apart by snapshots, carried over to the rank or the daemon that takes over, and never lost without a word.
 */
#include <signal.h>
#include <string.h>
#include "ours.h"

enum { MANY = 200, WAIT_S = 90 };

#define DIR "/dirty"

static const struct cephring_cred root;

/* ---- ours ---- */

static cephring_file *opened(struct both *b, const char *path, int flags)
{
	cephring_file *f = NULL;
	int err = cephring_sync_open(b->mount, NULL, path, flags, 0644, NULL, &root, &f);

	if (err < 0) { /* 1: created */
		tap_note("%s: %s", path, cephring_strerror(b->mount, err));
		tap_die("a file can be opened");
	}
	return f;
}

static int our_chmod(struct both *b, const char *path, uint32_t mode)
{
	struct cephring_setattr set = { .struct_size = sizeof set, .set = CEPHRING_SET_MODE, .mode = mode };

	return cephring_sync_setattr(b->mount, NULL, path, &set, 0, &root);
}

static int our_mtime(struct both *b, const char *path, int64_t s)
{
	struct cephring_setattr set = { .struct_size = sizeof set,
					.set = CEPHRING_SET_MTIME,
					.mtime_ns = s * 1000000000 };

	return cephring_sync_setattr(b->mount, NULL, path, &set, 0, &root);
}

/* What our caps on an inode are: "issued", "implemented"; "" when there is none. */
static void our_caps(struct both *b, uint64_t ino, const char *which, char *out, size_t size)
{
	char *text = NULL;
	json_t *all, *c;
	size_t n;

	*out = '\0';
	if (cephring_dump(b->mount, "caps", &text))
		tap_die("a dump of the caps");
	all = json_loads(text, 0, NULL);
	cephring_text_free(text);
	json_array_foreach(all, n, c)
	{
		uint64_t is = strtoull(json_string_value(json_object_get(c, "ino")), NULL, 0);

		if (is == ino)
			snprintf(out, size, "%s", json_string_value(json_object_get(c, which)));
	}
	json_decref(all);
}

/* ---- theirs ---- */

struct look {
	const char *path;
	struct ceph_statx st;
};

static int their_look(struct ceph_mount_info *cm, void *arg)
{
	struct look *l = arg;

	return ceph_statx(cm, l->path, &l->st, CEPH_STATX_ALL_STATS, 0);
}

static int fresh_look(struct ceph_mount_info *cm, void *arg)
{
	struct look *l = arg;
	struct ceph_mount_info *fresh;
	int err;

	(void)cm;
	if (second_mount(&fresh))
		return -EIO;
	err = ceph_statx(fresh, l->path, &l->st, CEPH_STATX_ALL_STATS, 0);
	second_unmount(fresh);
	return err;
}

/* What libcephfs is told it may not believe: an inode's version that is not above the one it knows, as it is
 * for a while after a failover or on another rank, leaves its old attributes, and it has no caps that say so.
 * Where it sees something else, one that knows nothing yet is asked. */
static bool looks_like(struct both *b, const char *path, uint32_t mode, int64_t mtime)
{
	struct look l = { .path = path };

	for (int fresh = 0; fresh < 2; fresh++)
		if (!they(b, fresh ? fresh_look : their_look, &l) && (l.st.stx_mode & 07777u) == mode &&
		    (mtime < 0 || l.st.stx_mtime.tv_sec == mtime))
			return true;
	tap_note("%s: mode %o, time %lld", path, l.st.stx_mode & 07777u, (long long)l.st.stx_mtime.tv_sec);
	return false;
}

static int64_t their_mtime(struct both *b, const char *path)
{
	struct look l = { .path = path };
	int err = they(b, their_look, &l);

	return err ? err : (int64_t)l.st.stx_mtime.tv_sec;
}

static int their_snapshot(struct ceph_mount_info *cm, void *arg)
{
	return ceph_mksnap(cm, DIR, arg, 0755, NULL, 0);
}

/* A directory with snapshots cannot be removed. */
static int their_forgets(struct ceph_mount_info *cm, void *arg)
{
	static const char *const all[] = { "one", "two", "three", "four" };

	for (size_t n = 0; n < sizeof all / sizeof *all; n++)
		ceph_rmsnap(cm, DIR, all[n]);
	return their_rm_r(cm, arg);
}

static int their_pin(struct ceph_mount_info *cm, void *arg)
{
	return ceph_setxattr(cm, DIR, "ceph.dir.pin", arg, strlen(arg), 0);
}

/* ---- changed here, seen there ---- */

static void seen_by_others(struct both *b)
{
	cephring_file *f = opened(b, DIR "/a", O_CREAT | O_RDWR);
	struct cephring_stats before, after;

	before = both_stats(b);
	tap_eq(our_chmod(b, DIR "/a", 0600), 0, "chmod");
	tap_eq(our_mtime(b, DIR "/a", 1000000007), 0, "utimens");
	after = both_stats(b);
	tap_eq(after.mds_requests - before.mds_requests, 0, "requests that it took");
	tap_eq(after.local_sets - before.local_sets, 2, "done here");
	tap_eq(after.flushes - before.flushes, 0, "nothing is flushed before somebody asks");
	tap_ok(looks_like(b, DIR "/a", 0600, -1), "libcephfs sees the mode");
	tap_ok(their_mtime(b, DIR "/a") == 1000000007, "and the time");
	after = both_stats(b);
	tap_ok(after.revokes > before.revokes, "caps were taken back for it");
	tap_ok(after.flushes > before.flushes, "flushed with the acknowledgement");
	serve(b->engine, 6000); /* the MDS writes its journal every five seconds at least */
	after = both_stats(b);
	tap_eq(after.flush_acks - before.flush_acks, after.flushes - before.flushes, "flushes acknowledged");
	/* Theirs is seen here, and ours again there. */
	tap_eq(they_do(b, THEY_CHMOD, DIR "/a", NULL, 0640), 0, "libcephfs changes it");
	struct cephring_statx st;
	tap_eq(cephring_sync_statx(b->mount, NULL, DIR "/a", CEPHRING_STATX_MODE, 0, &root, &st), 0, "stat");
	tap_eq(st.mode & 07777, 0640, "seen here");
	tap_eq(our_chmod(b, DIR "/a", 0604), 0, "changed here again");
	tap_ok(looks_like(b, DIR "/a", 0604, -1), "seen there");
	cephring_sync_close(f);
}

static void fsync_flushes(struct both *b)
{
	cephring_file *f = opened(b, DIR "/b", O_CREAT | O_RDWR);
	struct cephring_stats before = both_stats(b), after;

	tap_eq(our_chmod(b, DIR "/b", 0611), 0, "chmod");
	tap_eq(cephring_sync_fsync(f, 0), 0, "fsync");
	after = both_stats(b);
	tap_eq(after.flushes - before.flushes, 1, "flushes sent by fsync");
	tap_eq(after.flush_acks - before.flush_acks, 1, "acknowledged when it ended");
	before = after;
	tap_eq(cephring_sync_fsync(f, 0), 0, "fsync of what is clean");
	tap_eq(both_stats(b).flushes - before.flushes, 0, "flushes sent by it");
	cephring_sync_close(f);
}

/* A file that nobody uses any more gives back what only a writer needs. */
static void given_back(struct both *b)
{
	char text[64], now[64];
	cephring_file *f = opened(b, DIR "/c", O_CREAT | O_RDWR);
	uint64_t ino = our_ino(b, DIR "/c");

	our_caps(b, ino, "issued", text, sizeof text);
	tap_ok(strstr(text, "Fsx") != NULL, "an open file: %s", text);
	tap_eq(our_chmod(b, DIR "/c", 0622), 0, "chmod");
	cephring_sync_close(f);
	serve(b->engine, 1000);
	our_caps(b, ino, "issued", text, sizeof text);
	tap_ok(strstr(text, "Fsx") != NULL, "a second after the close: %s", text);
	serve(b->engine, 6000);
	our_caps(b, ino, "issued", text, sizeof text);
	tap_ok(text[0] && !strchr(text, 'x') && !strchr(text, 'w'), "seven seconds after: %s", text);
	tap_ok(looks_like(b, DIR "/c", 0622, -1), "libcephfs sees the mode");
	our_caps(b, ino, "issued", now, sizeof now);
	tap_ok(!strcmp(now, text), "nothing had to be taken back for that: %s", now);
}

/* ---- snapshots ---- */

/* Whoever asked for it may be answered a moment before we are told. */
static int snapshot(struct both *b, char *name)
{
	int err = they(b, their_snapshot, name);

	serve(b->engine, 300);
	return err;
}

static void snapshot_keeps_the_old(struct both *b)
{
	cephring_file *f = opened(b, DIR "/s", O_CREAT | O_RDWR);
	struct cephring_stats before, after;

	tap_eq(our_chmod(b, DIR "/s", 0601), 0, "chmod before the snapshot");
	before = both_stats(b);
	tap_eq(snapshot(b, "one"), 0, "libcephfs makes a snapshot");
	tap_eq(our_chmod(b, DIR "/s", 0602), 0, "chmod after it");
	tap_ok(looks_like(b, DIR "/.snap/one/s", 0601, -1), "in the snapshot");
	tap_ok(looks_like(b, DIR "/s", 0602, -1), "in the file");
	tap_eq(snapshot(b, "two"), 0, "another snapshot");
	tap_eq(our_chmod(b, DIR "/s", 0603), 0, "chmod");
	tap_eq(snapshot(b, "three"), 0, "and another");
	tap_eq(our_chmod(b, DIR "/s", 0604), 0, "chmod");
	tap_ok(looks_like(b, DIR "/.snap/two/s", 0602, -1), "in the second");
	tap_ok(looks_like(b, DIR "/.snap/three/s", 0603, -1), "in the third");
	tap_ok(looks_like(b, DIR "/s", 0604, -1), "in the file");
	after = both_stats(b);
	tap_ok(after.cap_snaps > before.cap_snaps, "%llu cap snaps were made",
	       (unsigned long long)(after.cap_snaps - before.cap_snaps));
	tap_eq(cephring_sync_fsync(f, 0), 0, "fsync");
	/* One that nothing is dirty for must not hang on us. */
	tap_eq(they(b, their_snapshot, "four"), 0, "a snapshot of clean caps");
	tap_ok(looks_like(b, DIR "/.snap/four/s", 0604, -1), "is read at once");
	cephring_sync_close(f);
}

/* ---- another rank, another daemon ---- */

static char names[MANY][48];
static cephring_file *files[MANY];

static void dirty_many(struct both *b, const char *dir, uint32_t mode)
{
	int bad = 0;

	for (int n = 0; n < MANY; n++) {
		snprintf(names[n], sizeof names[n], "%s/m%03d", dir, n);
		files[n] = opened(b, names[n], O_CREAT | O_RDWR);
		bad += our_chmod(b, names[n], mode + (uint32_t)n % 7) != 0;
		bad += our_mtime(b, names[n], 1500000000 + n) != 0;
	}
	tap_eq(bad, 0, "changes here that failed");
}

static void close_many(void)
{
	for (int n = 0; n < MANY; n++)
		cephring_sync_close(files[n]);
}

static void they_see_all(struct both *b, uint32_t mode, const char *when)
{
	int bad = 0;

	for (int n = 0; n < MANY && bad < 3; n++)
		bad += !looks_like(b, names[n], mode + (uint32_t)n % 7, 1500000000 + n);
	tap_eq(bad, 0, when);
}

static bool all_acked(struct both *b)
{
	struct cephring_stats s = both_stats(b);

	return s.flushes == s.flush_acks;
}

static void moves_to_another_rank(struct both *b)
{
	struct cephring_stats before = both_stats(b), after;

	dirty_many(b, DIR "/d", 0600);
	tap_eq(they(b, their_pin, "1"), 0, "libcephfs pins the directory to rank 1");
	serve(b->engine, 12000);
	after = both_stats(b);
	tap_note("caps %llu -> %llu, flushes %llu", (unsigned long long)before.caps,
		 (unsigned long long)after.caps, (unsigned long long)(after.flushes - before.flushes));
	they_see_all(b, 0600, "files changed before the move that libcephfs sees otherwise");
	for (int n = 0; n < MANY; n++)
		our_chmod(b, names[n], 0640 + (uint32_t)n % 7);
	they_see_all(b, 0640, "changed after it");
	tap_eq(cephring_sync_syncfs(b->mount), 0, "syncfs");
	tap_ok(all_acked(b), "every flush is acknowledged");
	close_many();
}

static void rank_name(struct both *b, int rank, char name[64])
{
	json_t *v = our_view(b->mount, "status"), *r;
	size_t n;

	*name = '\0';
	json_array_foreach(json_object_get(json_object_get(v, "mdsmap"), "ranks"), n,
			   r) if (json_integer_value(json_object_get(r, "rank")) == rank)
	    snprintf(name, 64, "%s", json_string_value(json_object_get(r, "name")));
	json_decref(v);
	if (!*name)
		tap_die("the daemon of the rank");
}

static void signal_mds(const char *name, int sig)
{
	char path[4096];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/pid/mds.%s", getenv("CLUSTER_DIR"), name);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%d", &pid) != 1 || pid <= 1 || kill(pid, sig))
		tap_die("a signal to the MDS");
	fclose(f);
}

struct ending {
	int64_t res;
	bool ended;
};

static void on_end(struct cephring_op *op, int64_t res, void *user)
{
	(void)op;
	*(struct ending *)user = (struct ending){ res, true };
}

/* What the daemon has of the flushes when it dies. */
enum moment { HEARD_NOTHING, HEARD_ALL, ANSWERED_SOME };

static void daemon_dies(struct both *b, int rank, enum moment when, uint32_t mode)
{
	struct cephring_stats before = both_stats(b), s;
	struct cephring_op op = { 0 };
	struct ending sync = { 0 };
	uint64_t start = now_ns();
	char name[64];

	dirty_many(b, DIR "/f", mode);
	rank_name(b, rank, name);
	if (when != HEARD_ALL)
		signal_mds(name, SIGSTOP);
	cephring_syncfs(b->mount, &op, on_end, &sync);
	if (when == HEARD_ALL) {
		cephring_run(b->engine, 0); /* they leave; the journal takes longer than this */
		usleep(1000);
		signal_mds(name, SIGSTOP);
	} else if (when == ANSWERED_SOME) {
		cephring_run(b->engine, 0);
		signal_mds(name, SIGCONT);
		for (int n = 0; n < 1000 && both_stats(b).flush_acks == before.flush_acks; n++)
			both_turn(b->engine, -1, 1);
	} else {
		serve(b->engine, 100);
	}
	s = both_stats(b);
	signal_mds(name, SIGKILL);
	tap_note("%llu flushes, %llu acknowledged when it died",
		 (unsigned long long)(s.flushes - before.flushes),
		 (unsigned long long)(s.flush_acks - before.flush_acks));
	devcluster("ceph mds fail %d", rank);
	while (!sync.ended && now_ns() - start < WAIT_S * 1000000000ull)
		both_turn(b->engine, -1, 100);
	tap_ok(sync.ended && sync.res == 0, "syncfs ends: %lld", (long long)sync.res);
	tap_note("%.1f s", (double)(now_ns() - start) / 1e9);
	tap_ok(all_acked(b), "every flush is acknowledged");
	they_see_all(b, mode, "files that libcephfs sees otherwise after a failover");
	for (int n = 0; n < MANY; n++)
		our_chmod(b, names[n], mode + 1 + (uint32_t)n % 7);
	they_see_all(b, mode + 1, "changed after it");
	close_many();
	devcluster("restart mds.%s", name);
	for (int n = 0; n < 100 && devcluster("ceph mds metadata %s >/dev/null 2>&1", name); n++)
		usleep(100000);
}

/* ---- the end ---- */

static void unmount_flushes(struct both *b)
{
	struct cephring_mount_opts o = { .size = sizeof o, .log = both_log, .log_level = CEPHRING_LOG_WARN };
	struct both other = *b;

	if (cephring_sync_mount(b->engine, b->config, &o, &other.mount))
		tap_die("a second mount");
	dirty_many(&other, DIR "/u", 0600);
	tap_eq(cephring_sync_unmount(other.mount), 0, "unmount with dirty caps and open files");
	they_see_all(b, 0600, "files that libcephfs sees otherwise");
}

static char lost_words[512];

static void keep_words(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	if (strstr(line, "are lost"))
		snprintf(lost_words, sizeof lost_words, "%s", line);
}

static void eviction_says_what_is_lost(struct both *b)
{
	struct cephring_mount_opts o = { .size = sizeof o,
					 .log = keep_words,
					 .log_level = CEPHRING_LOG_WARN };
	struct both other = *b;
	cephring_file *f, *also;
	char *text = NULL;
	json_t *status;
	long long id;

	if (cephring_sync_mount(b->engine, b->config, &o, &other.mount))
		tap_die("a second mount");
	f = opened(&other, DIR "/lost", O_CREAT | O_RDWR);
	also = opened(&other, DIR "/lost", O_RDONLY);
	tap_eq(our_chmod(&other, DIR "/lost", 0600), 0, "chmod");
	cephring_dump(other.mount, "status", &text);
	status = json_loads(text, 0, NULL);
	id = (long long)json_integer_value(json_object_get(status, "global_id"));
	cephring_text_free(text);
	json_decref(status);
	tap_ok(id > 0, "its number among the clients");
	for (int r = 0; r < 2; r++)
		devcluster("ceph tell mds.%d client evict id=%lld >/dev/null 2>&1", r, id);
	for (uint64_t start = now_ns(); !lost_words[0] && now_ns() - start < WAIT_S * 1000000000ull;) {
		struct cephring_statx st;
		struct cephring_op op = { 0 };

		(void)op;
		cephring_sync_statx(other.mount, NULL, DIR, CEPHRING_STATX_MODE, CEPHRING_FORCE_SYNC, &root,
				    &st);
		serve(other.engine, 200);
	}
	tap_ok(strstr(lost_words, "lost") && strstr(lost_words, "Ax"), "the log names it: %s", lost_words);
	tap_ok(cephring_sync_fsync(f, 0) < 0, "fsync says so");
	tap_eq(cephring_sync_fsync(f, 0), 0, "once");
	tap_ok(cephring_sync_fsync(also, 0) < 0, "of the other open file too");
	tap_ok(cephring_sync_close(f) < 0, "so does close");
	tap_ok(cephring_sync_close(also) < 0, "of each");
	cephring_sync_unmount(other.mount);
}

static void dirs(struct both *b)
{
	const char *const all[] = { DIR, DIR "/d", DIR "/f", DIR "/u" };

	they(b, their_forgets, (void *)DIR);
	for (size_t n = 0; n < sizeof all / sizeof *all; n++)
		if (cephring_sync_mkdir(b->mount, NULL, all[n], 0777, 0, &root))
			tap_die(all[n]);
}

int main(void)
{
	struct both *b;

	devcluster("ceph fs set cephfs max_mds 2 >/dev/null");
	b = both_new(NULL, NULL);
	dirs(b);
	seen_by_others(b);
	fsync_flushes(b);
	given_back(b);
	snapshot_keeps_the_old(b);
	moves_to_another_rank(b);
	daemon_dies(b, 1, HEARD_NOTHING, 0600);
	daemon_dies(b, 1, HEARD_ALL, 0620);
	daemon_dies(b, 1, ANSWERED_SOME, 0640);
	unmount_flushes(b);
	eviction_says_what_is_lost(b);
	both_free(b);
	return tap_end();
}
