/* cluster: --mds 2 --standby 1; timeout: 240 */
/* Two active MDSs: subtrees pinned to each, requests forwarded, caps that move from one to the other, and
 * daemons that fail while caps are held: the standby takes over, we reconnect, and nothing that was cached is
 * lost or wrong. */
#include "both.h"

enum { LEVELS = 4, FILES = 8, PIN_WAIT_S = 40, FAIL_WAIT_S = 90 };

struct chmod_job {
	const char *path;
	mode_t mode;
};

static int make_tree(struct ceph_mount_info *cm, void *arg)
{
	char path[256];

	for (int p = 0; p < 2; p++) {
		snprintf(path, sizeof path, "/pin%d", p);
		for (int l = 0; l < LEVELS; l++)
			snprintf(path + strlen(path), sizeof path - strlen(path), "/d%d", l);
		if (ceph_mkdirs(cm, path, 0755))
			return -1;
		for (int f = 0; f < FILES; f++) {
			char file[300];
			int fd;

			snprintf(file, sizeof file, "%s/f%d", path, f);
			fd = ceph_open(cm, file, O_CREAT | O_WRONLY, 0644);
			if (fd < 0)
				return fd;
			ceph_close(cm, fd);
		}
	}
	(void)arg;
	return 0;
}

static int pin(struct ceph_mount_info *cm, void *arg)
{
	int err = ceph_setxattr(cm, "/pin0", "ceph.dir.pin", "0", 1, 0);

	return err ? err : ceph_setxattr(cm, "/pin1", "ceph.dir.pin", arg, strlen(arg), 0);
}

static int change(struct ceph_mount_info *cm, void *arg)
{
	struct chmod_job *j = arg;

	return ceph_chmod(cm, j->path, j->mode);
}

/* A name that rank 0 cannot know of, below the directory of rank 1. */
static int make_new(struct ceph_mount_info *cm, void *arg)
{
	int fd = ceph_open(cm, arg, O_CREAT | O_EXCL | O_WRONLY, 0644);

	return fd < 0 ? fd : ceph_close(cm, fd);
}

static int stat_ours(struct both *b, const char *path, struct cephring_statx *st, int flags)
{
	return cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_BASIC, flags, NULL, st);
}

/* A replica answers lookups too, with lesser caps; a listing comes from the authority only. */
static int list(struct both *b, const char *path)
{
	static char buf[65536];
	cephring_file *f;
	int64_t n = cephring_sync_open(b->mount, NULL, path, O_RDONLY | O_DIRECTORY, 0, NULL, NULL, &f);

	if (n)
		return (int)n;
	while ((n = cephring_sync_readdir(f, buf, sizeof buf)) > 0)
		;
	cephring_sync_close(f);
	return (int)n;
}

/* The rank that has authority over `path`, as we see it. */
static int auth_rank(struct both *b, const char *path)
{
	char text[16] = "";
	int64_t n =
	    cephring_sync_getxattr(b->mount, NULL, path, "ceph.auth_mds", 0, NULL, text, sizeof text - 1);

	return n > 0 ? atoi(text) : -1;
}

static int wait_rank(struct both *b, const char *dir, int rank)
{
	uint64_t end = now_ns() + PIN_WAIT_S * 1000000000ull;
	char child[256];

	snprintf(child, sizeof child, "%s/d1", dir);
	while (now_ns() < end) {
		if (!list(b, dir) && auth_rank(b, child) == rank)
			return 1;
		for (int n = 0; n < 10; n++)
			both_turn(b->engine, -1, 50);
		cephring_drop_caches(b->mount);
	}
	return 0;
}

static void sees_changes(struct both *b, const char *path, const char *when)
{
	struct cephring_statx st;
	int good = 1;

	for (mode_t mode = 0600; mode < 0605; mode++) {
		struct chmod_job j = { path, mode };

		good &= stat_ours(b, path, &st, 0) == 0;
		good &= they(b, change, &j) == 0;
		good &= stat_ours(b, path, &st, 0) == 0 && (st.mode & 07777) == mode;
	}
	tap_ok(good, "every chmod by libcephfs is seen at once: %s", when);
}

static void same_tree(struct both *b, const char *when)
{
	struct cephring_statx st;
	int good = 1;

	for (int p = 0; p < 2; p++) {
		for (int f = 0; f < FILES; f++) {
			char path[256];
			int err;

			snprintf(path, sizeof path, "/pin%d/d0/d1/d2/d3/f%d", p, f);
			err = stat_ours(b, path, &st, 0);
			if (err)
				tap_note("%s: %s", path, strerror(-err));
			good &= !err && S_ISREG(st.mode);
		}
	}
	tap_ok(good, "the whole tree can be walked: %s", when);
}

static void fail_rank(struct both *b, int rank, const char *path)
{
	struct cephring_statx before, after;
	uint64_t start;
	int err;

	tap_eq(stat_ours(b, path, &before, 0), 0, "an inode is cached before the daemon fails");
	tap_eq(devcluster("ceph mds fail %d", rank), 0, "the daemon is failed");
	start = now_ns();
	for (int n = 0; n < 40; n++) /* the map arrives, the reconnect goes out */
		both_turn(b->engine, -1, 50);
	do {
		err = stat_ours(b, path, &after, CEPHRING_FORCE_SYNC);
	} while (err && now_ns() - start < FAIL_WAIT_S * 1000000000ull);
	tap_eq(err, 0, "it answers again after the failover");
	tap_note("rank %d: %.1f s", rank, (double)(now_ns() - start) / 1e9);
	tap_ok(before.ino == after.ino && before.mode == after.mode, "the same inode");
	sees_changes(b, path, "after a failover");
	same_tree(b, "after a failover");
}

int main(void)
{
	struct cephring_stats s = { .size = sizeof s };
	struct both *b = both_new(NULL, NULL);
	char *text;

	if (they(b, make_tree, NULL) || they(b, pin, "1"))
		tap_die("libcephfs makes the tree");
	same_tree(b, "before");
	tap_ok(wait_rank(b, "/pin1/d0", 1), "the pinned directory moves to rank 1");
	cephring_drop_caches(b->mount);
	same_tree(b, "with two ranks");
	tap_ok(wait_rank(b, "/pin0/d0", 0), "the other stays with rank 0");
	sees_changes(b, "/pin1/d0/d1/d2/d3/f0", "on rank 1");
	sees_changes(b, "/pin0/d0/d1/d2/d3/f0", "on rank 0");
	/* Whoever starts at the root asks rank 0 first, which replicates what it was asked for before: so,
	 * new names. */
	cephring_stats(b->mount, &s);
	for (int n = 0; n < 20 && !s.forwards; n++) {
		struct cephring_statx st;
		char path[256];

		snprintf(path, sizeof path, "/pin1/d0/d1/d2/d3/new%d", n);
		they(b, make_new, path);
		cephring_drop_caches(b->mount);
		stat_ours(b, path, &st, 0);
		cephring_stats(b->mount, &s);
	}
	tap_ok(s.forwards > 0, "some requests were forwarded");
	tap_eq(cephring_dump(b->mount, "sessions", &text), 0, "the sessions can be shown");
	tap_ok(strstr(text, "\"rank\": 1") && strstr(text, "\"rank\": 0"), "both ranks have one");
	cephring_text_free(text);

	/* Caps on the way: held while the subtree goes back. */
	tap_eq(they(b, pin, "0"), 0, "libcephfs pins it back");
	for (int n = 0; n < 60; n++) {
		struct cephring_statx st;

		stat_ours(b, "/pin1/d0/d1/d2/d3/f1", &st, 0);
		both_turn(b->engine, -1, 50);
	}
	sees_changes(b, "/pin1/d0/d1/d2/d3/f1", "while its caps move");
	tap_ok(wait_rank(b, "/pin1/d0", 0), "it is back on rank 0");
	they(b, pin, "1");
	tap_ok(wait_rank(b, "/pin1/d0", 1), "and once more on rank 1");

	fail_rank(b, 1, "/pin1/d0/d1/d2/d3/f2");
	fail_rank(b, 0, "/pin0/d0/d1/d2/d3/f2");
	both_free(b);
	return tap_end();
}
