/* cluster: --mds 1; timeout: 300 */
/* Many small files of one directory, read whole: those who open them one by one without a listing get one
 * made (src/meta/ahead.c), and pay one round trip for each from then on; what another client changes
 * meanwhile is seen all the same. */
#include "bytes.h"

enum { FILES = 96, OPENED = 8, LEN = 3000, ROUNDS = 40, MANY = 600 };

static const struct cephring_cred root = { 0 };

static void name_of(char out[64], const char *dir, unsigned n)
{
	snprintf(out, 64, "/%s/f%03u", dir, n);
}

/* ---- the other client ---- */

struct fill {
	const char *dir;
	unsigned count;
};

static int fill_by(struct ceph_mount_info *cm, const struct fill *f)
{
	char path[64], buf[LEN];
	int err = ceph_mkdir(cm, f->dir, 0755);

	for (unsigned n = 0; n < f->count && !err; n++) {
		int fd;

		name_of(path, f->dir, n);
		bytes_fill(buf, LEN, 0, n);
		fd = ceph_open(cm, path, O_CREAT | O_EXCL | O_WRONLY, 0644);
		if (fd < 0)
			return fd;
		err = ceph_write(cm, fd, buf, LEN, 0) == LEN ? 0 : -EIO;
		err = ceph_close(cm, fd) ? -EIO : err;
	}
	return err;
}

/* By a client that goes: nobody holds anything of the files. */
static int fill(struct ceph_mount_info *other, void *arg)
{
	struct ceph_mount_info *cm;
	int err = second_mount(&cm);

	(void)other;
	err = err ? err : fill_by(cm, arg);
	second_unmount(cm);
	return err;
}

/* One version of a file after another, each of another length; the file stays open over the test, so that
 * what is written stays in that client until somebody asks. */
enum how { OVERWRITE, CUT, REPLACE, HOWS };
struct version {
	unsigned file, seed, len;
	enum how how;
	int fd; /* of the one before, or -1 */
};

static int change(struct ceph_mount_info *cm, void *arg)
{
	struct version *v = arg;
	char path[64], buf[LEN];
	int fd;

	if (v->fd >= 0)
		ceph_close(cm, v->fd);
	name_of(path, "loop", v->file);
	bytes_fill(buf, v->len, 0, v->seed);
	fd = v->fd = ceph_open(cm, v->how == REPLACE ? "/loop/new" : path,
			       O_RDWR | (v->how == REPLACE ? O_CREAT | O_EXCL : 0), 0644);
	if (fd < 0)
		return fd;
	if (v->how == CUT && ceph_ftruncate(cm, fd, v->len))
		return -EIO;
	if (ceph_write(cm, fd, buf, v->len, 0) != (int)v->len)
		return -EIO;
	return v->how == REPLACE ? ceph_rename(cm, "/loop/new", path) : 0;
}

/* ---- ours ---- */

static int64_t read_file(struct both *b, const char *dir, unsigned n, char buf[LEN + 1])
{
	char path[64];

	name_of(path, dir, n);
	return cephring_sync_read_path(b->mount, NULL, path, buf, LEN + 1, NULL, &root);
}

static unsigned wrong(struct both *b, const char *dir, unsigned from, unsigned to)
{
	char want[LEN], got[LEN + 1];
	unsigned bad = 0;

	for (unsigned n = from; n < to; n++) {
		bytes_fill(want, LEN, 0, n);
		bad += read_file(b, dir, n, got) != LEN || memcmp(want, got, LEN);
	}
	return bad;
}

/* What is under way behind it has come. */
static void settle(struct both *b)
{
	struct cephring_stats s = both_stats(b);

	for (int n = 0; n < 2000 && s.mds_requests != s.mds_replies; n++) {
		both_turn(b->engine, -1, 5);
		s = both_stats(b);
	}
}

static void listed_ahead(struct both *b)
{
	struct cephring_stats before, after;

	tap_eq(wrong(b, "some", 0, OPENED - 1), 0, "the first files are read");
	tap_eq(both_stats(b).lists_ahead, 0, "nothing is listed for a few");
	tap_eq(wrong(b, "some", OPENED - 1, OPENED), 0, "one more");
	tap_eq(both_stats(b).lists_ahead, 1, "and the directory is listed");
	settle(b);
	before = both_stats(b);
	tap_eq(wrong(b, "some", OPENED, FILES), 0, "the others are read");
	after = both_stats(b);
	tap_eq(after.mds_requests - before.mds_requests, 0, "without a question to the MDS");
	tap_eq(after.osd_ops - before.osd_ops, FILES - OPENED, "and one to the OSDs for each");
	tap_eq(after.lists_ahead, 1, "it is listed once");
}

static void not_wanted(void)
{
	const char *const off[] = { "cephring_list_ahead", "false", NULL };
	struct both *b = both_new(off, NULL);

	tap_eq(wrong(b, "some", 0, FILES), 0, "without that: the files are read");
	tap_eq(both_stats(b).lists_ahead, 0, "and nothing is listed");
	both_free(b);
}

/* A listing is under way when the mount ends. */
static void unmounted(void)
{
	struct both *b = both_new(NULL, NULL);
	unsigned n = 0;

	while (n < MANY && !both_stats(b).lists_ahead)
		n += wrong(b, "many", n, n + 1) ? MANY : 1;
	tap_eq(n, MANY / 16, "a larger directory is listed later: after a sixteenth of its files");
	both_free(b);
}

static bool is_version(const char *got, int64_t len, const struct version *v)
{
	char want[LEN];

	bytes_fill(want, v->len, 0, v->seed);
	return len == v->len && !memcmp(got, want, v->len);
}

/* The MDS lets a reader wait for its next tick now and then: 5 s.
 *
 * Each change is met by a read at any moment of it, which may see the one or the other, and by one after it,
 * which may not. */
static void changed(struct both *b)
{
	unsigned early = 0, torn = 0, old = 0, failed = 0;
	struct version was[4], now;

	for (unsigned n = 0; n < 4; n++)
		was[n] = (struct version){ .file = n, .seed = n, .len = LEN, .fd = -1 };
	srandom(7);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct their_job job;
		char got[LEN + 1];
		int64_t len;
		pthread_t t;
		uint64_t until;

		now = was[random() % 4];
		now.seed = 1000 + round;
		now.how = (enum how)(random() % HOWS);
		if (now.how != OVERWRITE)
			now.len = 1 + (unsigned)random() % LEN;
		if (random() % 2)
			cephring_drop_caches(b->mount);
		t = they_begin(b, &job, change, &now);
		for (until = now_ns() + (uint64_t)random() % 1500000; now_ns() < until;)
			both_turn(b->engine, -1, 0);
		len = read_file(b, "loop", now.file, got);
		early += is_version(got, len, &was[now.file]);
		/* a cut is seen before what is written after it */
		torn +=
		    now.how != CUT && !is_version(got, len, &was[now.file]) && !is_version(got, len, &now);
		failed += they_end(b, &job, t) != 0;
		len = read_file(b, "loop", now.file, got);
		old += !is_version(got, len, &now);
		was[now.file] = now;
	}
	tap_eq(failed, 0, "the other client changes files");
	tap_eq(torn, 0, "meanwhile each is read as it was or as it is");
	tap_eq(old, 0, "afterwards as it is");
	tap_note("%u of %u reads came before the change", early, ROUNDS);
}

int main(void)
{
	struct fill some = { "/some", FILES }, many = { "/many", MANY }, loop = { "/loop", 2 * OPENED };
	struct both *b;

	b = both_new(NULL, NULL);
	if (they(b, fill, &some) || they(b, fill, &many) || they(b, fill, &loop))
		tap_die("files are made");
	listed_ahead(b);
	tap_eq(wrong(b, "loop", 0, 2 * OPENED), 0, "the directory in which files change");
	settle(b);
	changed(b);
	both_free(b);
	not_wanted();
	unmounted();
	return tap_end();
}
