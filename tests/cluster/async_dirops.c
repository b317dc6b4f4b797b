/* cluster: --mds 1 --standby 1; timeout: 240 */
/* Removing and creating without waiting: what is reported done is there for the other client, also when the
 * MDS dies before it has answered; what the MDS refuses shows in the directory's fsync. */
#include "both.h"

#define TOP "/async"
enum { FILES = 300 };

static const struct cephring_cred root = { 0 };

static int create(struct both *b, const char *path)
{
	cephring_file *f;
	int err =
	    cephring_sync_open(b->mount, NULL, path, O_CREAT | O_EXCL | O_WRONLY, 0640, NULL, &root, &f);

	return err < 0 ? err : cephring_sync_close(f);
}

static int unlink_one(struct both *b, const char *path)
{
	return cephring_sync_unlink(b->mount, NULL, path, 0, &root);
}

static int fsync_dir(struct both *b, const char *path)
{
	cephring_file *f;
	int err = cephring_sync_open(b->mount, NULL, path, O_RDONLY | O_DIRECTORY, 0, NULL, &root, &f);

	if (err < 0)
		return err;
	err = cephring_sync_fsync(f, 0);
	cephring_sync_close(f);
	return err;
}

struct ended {
	bool done;
	int64_t res;
};

static void on_end(struct cephring_op *op, int64_t res, void *user)
{
	struct ended *e = user;

	(void)op;
	e->done = true;
	e->res = res;
}

/* Of everything, with a limit: what is left when it passes is shown. */
static int syncfs_within(struct both *b, int seconds)
{
	struct cephring_op op = { 0 };
	struct ended e = { 0 };
	char *text = NULL;
	int err;

	cephring_op_deadline(&op, now_ns() + (uint64_t)seconds * 1000000000u);
	err = cephring_syncfs(b->mount, &op, on_end, &e);
	while (!err && !e.done)
		both_turn(b->engine, -1, 100);
	if (e.res && !cephring_dump(b->mount, "requests", &text))
		tap_note("left: %s", text);
	cephring_text_free(text);
	return err ? err : (int)e.res;
}

static int many(struct both *b, const char *dir, int from, int to,
		int (*what)(struct both *b, const char *path))
{
	char path[128];
	int wrong = 0;

	for (int n = from; n < to; n++) {
		snprintf(path, sizeof path, "%s/n%05d", dir, n);
		wrong += what(b, path) != 0;
	}
	return wrong;
}

struct counted {
	const char *dir;
	int files, wrong_mode;
};

static int their_count(struct ceph_mount_info *cm, void *arg)
{
	struct counted *c = arg;
	struct ceph_dir_result *d;
	struct ceph_statx st;
	struct dirent e;
	int err = ceph_opendir(cm, c->dir, &d);

	if (err)
		return err;
	while (ceph_readdirplus_r(cm, d, &e, &st, CEPH_STATX_MODE, 0, NULL) > 0) {
		if (e.d_name[0] == '.')
			continue;
		c->files++;
		c->wrong_mode += st.stx_mode != (S_IFREG | 0640);
	}
	return ceph_closedir(cm, d);
}

static void seen(struct both *b, const char *dir, int want, const char *name)
{
	struct counted c = { .dir = dir };

	tap_eq(they(b, their_count, &c), 0, "the other client lists");
	tap_eq(c.files, want, name);
	tap_eq(c.wrong_mode, 0, "each as it was made");
}

/* The leave comes with the first creation, and the first removal, that are asked for. False: this MDS grants
 * none. */
static bool begin(struct both *b, const char *dir)
{
	struct cephring_stats before;

	tap_eq(cephring_sync_mkdir(b->mount, NULL, dir, 0755, 0, &root), 0, "a directory");
	tap_eq(many(b, dir, 0, 2, create), 0, "the first files");
	tap_eq(many(b, dir, 0, 2, unlink_one), 0, "and away");
	tap_eq(many(b, dir, 0, 1, create), 0, "one more");
	before = both_stats(b);
	tap_eq(many(b, dir, 1, 2, create), 0, "and one");
	return both_stats(b).async_ops > before.async_ops;
}

static void plain(struct both *b)
{
	struct cephring_stats before, after;

	before = both_stats(b);
	tap_eq(many(b, TOP "/plain", 2, FILES, create), 0, "files are created");
	after = both_stats(b);
	tap_eq((long long)(after.async_ops - before.async_ops), FILES - 2, "without waiting");
	seen(b, TOP "/plain", FILES, "all are there");
	before = both_stats(b);
	tap_eq(many(b, TOP "/plain", FILES, FILES + 3, create), 0, "more, when the leave is gone");
	after = both_stats(b);
	tap_eq((long long)(after.async_ops - before.async_ops), 0, "asked for");
	tap_eq(fsync_dir(b, TOP "/plain"), 0, "fsync of the directory");
	tap_eq((long long)both_stats(b).async_failed, 0, "nothing was refused");
}

static void removed(struct both *b)
{
	struct cephring_stats before, after;

	tap_eq(many(b, TOP "/gone", 2, FILES, create), 0, "files are created");
	before = both_stats(b);
	tap_eq(many(b, TOP "/gone", 3, FILES, unlink_one), 0, "and removed");
	after = both_stats(b);
	/* But for those whose creation the MDS had not confirmed yet. */
	tap_ok(after.async_ops - before.async_ops > FILES / 2, "without waiting");
	seen(b, TOP "/gone", 3, "they are gone");
	tap_eq(fsync_dir(b, TOP "/gone"), 0, "fsync of the directory");
}

/* The same name again and again: each waits for its removal. */
static void same_name(struct both *b)
{
	int wrong = 0;

	for (int n = 0; n < 50; n++) {
		wrong += create(b, TOP "/same/again") != 0;
		wrong += unlink_one(b, TOP "/same/again") != 0;
	}
	tap_eq(wrong, 0, "one name made and removed many times");
	tap_eq(create(b, TOP "/same/again"), 0, "made");
	tap_eq(cephring_sync_rename(b->mount, NULL, TOP "/same/again", NULL, TOP "/same/moved", 0, &root), 0,
	       "moved at once");
	tap_eq(create(b, TOP "/same/again"), 0, "and made anew");
	tap_eq(create(b, TOP "/same/again"), -EEXIST, "which is there");
	tap_eq(unlink_one(b, TOP "/same/none"), -ENOENT, "what is not there cannot be removed");
	tap_eq(fsync_dir(b, TOP "/same"), 0, "fsync");
	seen(b, TOP "/same", 4, "what is left");
}

/* It dies while creations are under way: those were reported done. */
static void failover(struct both *b)
{
	tap_eq(many(b, TOP "/dies", 2, FILES / 2, create), 0, "files are created");
	tap_eq(devcluster("kill mds.a"), 0, "the MDS is killed");
	tap_eq(many(b, TOP "/dies", FILES / 2, FILES, create), 0, "more, while it is away");
	tap_eq(syncfs_within(b, 90), 0, "everything is safe");
	tap_eq(fsync_dir(b, TOP "/dies"), 0, "fsync of the directory");
	seen(b, TOP "/dies", FILES, "all are there");
	tap_eq((long long)both_stats(b).async_failed, 0, "nothing was refused");
}

int main(void)
{
	static const char *const options[] = { "cephring_async_dirops", "true", NULL };
	struct both *b = both_new(options, NULL);

	they(b, their_clean, TOP);
	tap_eq(cephring_sync_mkdir(b->mount, NULL, TOP, 0755, 0, &root), 0, "a place");
	if (begin(b, TOP "/plain")) {
		plain(b);
		tap_ok(begin(b, TOP "/gone"), "leave in another directory");
		removed(b);
		tap_ok(begin(b, TOP "/same"), "leave in another directory");
		same_name(b);
		tap_ok(begin(b, TOP "/dies"), "and in a third");
		failover(b);
	} else {
		/* Ceph 20 grants no leave (doc/manual.md): all is asked for. */
		tap_ok(!strcmp(getenv("CLUSTER_SUITE"), "sid"), "an MDS that gives no leave");
		tap_eq(many(b, TOP "/plain", 2, FILES, create), 0, "files are created all the same");
		seen(b, TOP "/plain", FILES, "all are there");
	}
	both_free(b);
	return tap_end();
}
