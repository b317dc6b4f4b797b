/* cluster: --mds 2 --standby 1; timeout: 420 */
/* Snapshots and quotas over two MDSs: of directories that the second one holds, of those that move from one
 * to the other, and over failovers. What was changed here before a snapshot is in it, whoever makes it and
 * whichever daemon hears of it. */
#include "looked.h"

#define TOP "/ranks"

static const struct cephring_cred root = { 0 };

struct attribute {
	const char *path, *name, *value;
};

static int they_set(struct ceph_mount_info *cm, void *arg)
{
	const struct attribute *a = arg;

	return ceph_setxattr(cm, a->path, a->name, a->value, strlen(a->value), 0);
}

static int set(struct both *b, const char *path, const char *name, const char *value)
{
	struct attribute a = { path, name, value };

	return they(b, they_set, &a);
}

static void turn(struct both *b, int ms)
{
	for (uint64_t until = now_ns() + (uint64_t)ms * 1000000; now_ns() < until;)
		both_turn(b->engine, -1, 10);
}

static void pin(struct both *b, const char *path, int rank)
{
	char value[8];

	snprintf(value, sizeof value, "%d", rank);
	tap_eq(set(b, path, "ceph.dir.pin", value), 0, "a directory is pinned");
	turn(b, 4000); /* the balancer's next look, and the way there */
}

static int chmod_ours(struct both *b, const char *path, uint32_t mode)
{
	struct cephring_setattr s = { .struct_size = sizeof s, .set = CEPHRING_SET_MODE, .mode = mode };

	return cephring_sync_setattr(b->mount, NULL, path, &s, 0, &root);
}

static uint32_t mode_ours(struct both *b, const char *path)
{
	struct cephring_statx st;
	int err = cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_MODE, 0, &root, &st);

	return err ? 0 : st.mode & 07777;
}

static int make(struct both *b, const char *path)
{
	cephring_file *f;
	int err = cephring_sync_open(b->mount, NULL, path, O_CREAT | O_EXCL | O_RDWR, 0644, NULL, &root, &f);

	if (err >= 0)
		err = cephring_sync_close(f);
	return err;
}

/* A file whose mode is changed before and after a snapshot of `dir`. `between`: what happens before it. */
static void changed(struct both *b, const char *dir, const char *name, bool by_us,
		    void (*between)(struct both *b))
{
	char live[256], snap[256], old[600];

	snprintf(live, sizeof live, "%s/%s", dir, name);
	snprintf(snap, sizeof snap, "%s/.snap/%s", dir, name);
	snprintf(old, sizeof old, "%s/%s", snap, name);
	tap_eq(make(b, live), 0, "a file of ours");
	tap_eq(chmod_ours(b, live, 0611), 0, "a mode before the snapshot");
	if (between)
		between(b);
	tap_eq(by_us ? cephring_sync_mkdir(b->mount, NULL, snap, 0755, 0, &root)
		     : they_do(b, THEY_MKDIR, snap, NULL, 0755),
	       0, by_us ? "a snapshot by ours" : "a snapshot by libcephfs");
	if (!by_us)
		turn(b, 200); /* the MDS tells us, and answers libcephfs without waiting for our ear */
	tap_eq(chmod_ours(b, live, 0777), 0, "a mode after it");
	tap_eq(mode_ours(b, old), 0611, "the snapshot has the one before");
	tap_eq(mode_ours(b, live), 0777, "what lives has the other");
	same(b, old, "both see the old one");
	same(b, live, "both see the new one");
	same(b, snap, "and the same names");
}

static void second_rank(struct both *b)
{
	they_do(b, THEY_MKDIR, TOP, NULL, 0755);
	they_do(b, THEY_MKDIR, TOP "/one", NULL, 0755);
	they_do(b, THEY_MKDIR, TOP "/one/sub", NULL, 0755);
	pin(b, TOP "/one", 1);
	changed(b, TOP "/one", "a", false, NULL);
	changed(b, TOP "/one", "b", true, NULL);
	/* The directory on the first rank, what is changed on the second. */
	tap_eq(make(b, TOP "/one/sub/c"), 0, "a file on the second rank");
	tap_eq(chmod_ours(b, TOP "/one/sub/c", 0611), 0, "a mode before the snapshot");
	tap_eq(they_do(b, THEY_MKDIR, TOP "/.snap/above", NULL, 0755), 0,
	       "a snapshot of what the first rank holds");
	turn(b, 500);
	tap_eq(chmod_ours(b, TOP "/one/sub/c", 0777), 0, "a mode after it");
	tap_eq(mode_ours(b, TOP "/.snap/above/one/sub/c"), 0611, "the snapshot has the one before");
	same(b, TOP "/.snap/above/one/sub/c", "both see the old one");
}

static void back_to_first(struct both *b)
{
	pin(b, TOP "/one", 0);
}

/* Names in .snap are asked for again where another rank is to be heard now. */
static void moving(struct both *b)
{
	same(b, TOP "/one/.snap", "before it moves");
	changed(b, TOP "/one", "d", false, back_to_first);
	same(b, TOP "/one/.snap", "after it moved");
	tap_eq(they_do(b, THEY_RMDIR, TOP "/one/.snap/d", NULL, 0), 0, "libcephfs removes one");
	turn(b, 200);
	same(b, TOP "/one/.snap/d/d", "it is gone");
}

static void fail_rank(struct both *b)
{
	struct cephring_statx st;
	int err;

	tap_eq(devcluster("ceph mds fail 0 2>/dev/null"), 0, "the daemon is failed");
	turn(b, 1000);
	err = cephring_sync_statx(b->mount, NULL, TOP, CEPHRING_STATX_MODE, CEPHRING_FORCE_SYNC, &root, &st);
	tap_eq(err, 0, "the next one answers");
	turn(b, 2000);
}

static void quota_holds(struct both *b, const char *when)
{
	tap_ok(make(b, TOP "/q/no") == -EDQUOT, "the quota holds %s", when);
}

static void failover(struct both *b)
{
	they_do(b, THEY_MKDIR, TOP "/q", NULL, 0755);
	tap_eq(set(b, TOP "/q", "ceph.quota.max_files", "1"), 0, "a quota");
	turn(b, 200);
	quota_holds(b, "before");
	changed(b, TOP "/one", "e", false, fail_rank);
	quota_holds(b, "after");
	changed(b, TOP "/one", "f", true, NULL);
}

int main(void)
{
	const struct cephring_mount_opts opts = { .size = sizeof opts, .cred = &root };
	struct both *b = both_new(NULL, &opts);

	second_rank(b);
	moving(b);
	failover(b);
	both_free(b);
	return tap_end();
}
