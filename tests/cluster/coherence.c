/* cluster: --mds 1 */
/* What another client changes is seen by ours as soon as its call has returned, whatever we had cached
 * before. */
#include "both.h"

#define TOP "/coherence"

static const struct cephring_cred root = { 0 }, user = { 1000, 1000, 0, NULL, 0 };

static int our_stat(struct both *b, const char *path, struct cephring_statx *st)
{
	return cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_BASIC, CEPHRING_NOFOLLOW, &root, st);
}

static int our_err(struct both *b, const char *path)
{
	struct cephring_statx st;

	return our_stat(b, path, &st);
}

static int err_as(struct both *b, const char *path, const struct cephring_cred *who)
{
	struct cephring_statx st;

	return cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_INO, 0, who, &st);
}

static uint64_t requests(struct both *b)
{
	return both_stats(b).mds_requests;
}

/* Names of a directory but the dots, each behind a slash, sorted by being sought: false when they are not
 * exactly `count` in `want`. */
static bool lists(struct both *b, const char *path, const char *const *want, int count)
{
	static char buf[65536];
	cephring_file *f;
	int seen = 0,
	    err = cephring_sync_open(b->mount, NULL, path, O_RDONLY | O_DIRECTORY, 0, NULL, &root, &f);
	int64_t n = err;

	while (!err && (n = cephring_sync_readdir(f, buf, sizeof buf)) > 0) {
		for (char *p = buf; p < buf + n; p += ((struct cephring_dirent *)p)->reclen) {
			const char *name = ((struct cephring_dirent *)p)->name;
			int k = 0;

			if (!strcmp(name, ".") || !strcmp(name, ".."))
				continue;
			while (k < count && strcmp(want[k], name))
				k++;
			if (k == count) {
				tap_note("%s: '%s' should not be there", path, name);
				err = -EEXIST;
			}
			seen++;
		}
	}
	if (!err && n == 0 && seen != count)
		tap_note("%s: %d names, wanted %d", path, seen, count);
	if (f)
		cephring_sync_close(f);
	return !err && n == 0 && seen == count;
}

static bool absent(struct both *b, const char *path)
{
	return our_err(b, path) == -ENOENT;
}

/* Their attributes too: a directory is listed from the cache when those are lent. */
static bool has_two(struct both *b, const char *path)
{
	static const char *const two[] = { "one", "two" };

	return !our_err(b, TOP "/l/one") && !our_err(b, TOP "/l/two") && lists(b, path, two, 2);
}

/* True, and true without a message soon: the MDS lends what caching needs once its locks have come to rest.
 */
static bool settles(struct both *b, bool (*is)(struct both *b, const char *path), const char *path)
{
	uint64_t before;

	for (int n = 0; n < 20; n++) {
		before = requests(b);
		if (!is(b, path))
			return false;
		if (requests(b) == before)
			return true;
		both_turn(b->engine, -1, 20);
	}
	return false;
}

static void names(struct both *b)
{
	uint64_t ino;

	tap_eq(our_err(b, TOP "/d/new"), -ENOENT, "a name is absent");
	tap_ok(settles(b, absent, TOP "/d/new"), "and known to be without asking");
	tap_eq(they_do(b, THEY_CREATE, TOP "/d/new", NULL, 0644), 0, "the other creates it");
	tap_eq(our_err(b, TOP "/d/new"), 0, "it is seen");
	ino = our_ino(b, TOP "/d/new");
	tap_eq(they_do(b, THEY_RENAME, TOP "/d/new", TOP "/d/newer", 0), 0, "the other renames it");
	tap_eq(our_err(b, TOP "/d/new"), -ENOENT, "the old name is gone");
	tap_eq((long long)our_ino(b, TOP "/d/newer"), (long long)ino, "the new one is the same file");
	tap_eq(they_do(b, THEY_CREATE, TOP "/d/over", NULL, 0644), 0, "the other makes another file");
	tap_ok(our_ino(b, TOP "/d/over") && our_ino(b, TOP "/d/over") != ino, "another one it is");
	tap_eq(they_do(b, THEY_RENAME, TOP "/d/newer", TOP "/d/over", 0), 0, "the other renames over it");
	tap_eq((long long)our_ino(b, TOP "/d/over"), (long long)ino, "the name means the first file");
	tap_eq(they_do(b, THEY_LINK, TOP "/d/over", TOP "/d/second", 0), 0, "the other links it");
	tap_eq((long long)our_ino(b, TOP "/d/second"), (long long)ino, "the second name is the same file");
	tap_eq(they_do(b, THEY_UNLINK, TOP "/d/over", NULL, 0), 0, "the other unlinks it");
	tap_eq(our_err(b, TOP "/d/over"), -ENOENT, "the name is gone");
	tap_eq((long long)our_ino(b, TOP "/d/second"), (long long)ino, "the second one is not");
	tap_eq(they_do(b, THEY_UNLINK, TOP "/d/second", NULL, 0), 0, "the other unlinks that too");
	tap_eq(our_err(b, TOP "/d/second"), -ENOENT, "it is gone");
	tap_eq(they_do(b, THEY_SYMLINK, TOP "/d/link", "one", 0), 0, "the other makes a symlink");
	tap_eq(they_do(b, THEY_CREATE, TOP "/d/one", NULL, 0644), 0, "to a file");
	tap_eq(err_as(b, TOP "/d/link", &user), 0, "it is followed");
	they_do(b, THEY_UNLINK, TOP "/d/link", NULL, 0);
	tap_eq(they_do(b, THEY_MKDIR, TOP "/d/link", NULL, 0755), 0, "it becomes a directory");
	tap_eq(err_as(b, TOP "/d/link/x", &user), -ENOENT, "it is one");
	tap_eq(err_as(b, TOP "/d/link/", &user), 0, "for sure");
}

static void directories(struct both *b)
{
	uint64_t ino;

	tap_eq(our_err(b, TOP "/m/a/b/c/file"), 0, "a deep file");
	ino = our_ino(b, TOP "/m/a/b/c/file");
	tap_eq(they_do(b, THEY_RENAME, TOP "/m/a", TOP "/m/z", 0), 0,
	       "the other renames a directory above it");
	tap_eq(our_err(b, TOP "/m/a/b/c/file"), -ENOENT, "the old path is gone");
	tap_eq(err_as(b, TOP "/m/a/b/c/file", &user), -ENOENT, "for the user too");
	tap_eq((long long)our_ino(b, TOP "/m/z/b/c/file"), (long long)ino, "the new one leads there");
	tap_eq(they_do(b, THEY_RENAME, TOP "/m/z/b", TOP "/d/b", 0), 0,
	       "the other moves a directory elsewhere");
	tap_eq(our_err(b, TOP "/m/z/b/c/file"), -ENOENT, "the old path is gone");
	tap_eq((long long)our_ino(b, TOP "/d/b/c/file"), (long long)ino, "the new one leads there");
	tap_eq((long long)our_ino(b, TOP "/d/b/c/../.."), (long long)our_ino(b, TOP "/d"),
	       "up from it is another directory");
	tap_eq(they_do(b, THEY_UNLINK, TOP "/d/b/c/file", NULL, 0), 0, "the file goes");
	tap_eq(they_do(b, THEY_RMDIR, TOP "/d/b/c", NULL, 0), 0, "its directory goes");
	tap_eq(our_err(b, TOP "/d/b/c"), -ENOENT, "gone");
	tap_eq(our_err(b, TOP "/d/b/c/file"), -ENOENT, "with what was in it");
}

static void attributes(struct both *b)
{
	struct cephring_statx st, top;

	our_stat(b, TOP "/d/one", &st);
	tap_eq(st.mode & 07777, 0644, "a mode");
	tap_eq(they_do(b, THEY_CHMOD, TOP "/d/one", NULL, 0600), 0, "the other changes it");
	our_stat(b, TOP "/d/one", &st);
	tap_eq(st.mode & 07777, 0600, "it is seen");
	tap_eq(they_do(b, THEY_CHOWN, TOP "/d/one", NULL, 1000 | 2000 << 16), 0,
	       "the other changes owner and group");
	our_stat(b, TOP "/d/one", &st);
	tap_ok(st.uid == 1000 && st.gid == 2000, "they are seen");
	tap_eq(they_do(b, THEY_TRUNCATE, TOP "/d/one", NULL, 12345), 0, "the other changes the size");
	our_stat(b, TOP "/d/one", &st);
	tap_eq((long long)st.size, 12345, "it is seen");
	tap_eq(err_as(b, TOP "/d/one", &user), 0, "the user passes");
	tap_eq(they_do(b, THEY_CHMOD, TOP "/d", NULL, 0700), 0, "the other closes the directory");
	tap_eq(err_as(b, TOP "/d/one", &user), -EACCES, "the user does not pass any more");
	our_stat(b, TOP "/d/b/..", &st);
	our_stat(b, TOP "/d", &top);
	tap_ok((st.mode & 07777) == 0700 && st.ino == top.ino, "nor is the old mode seen from below");
	tap_eq(they_do(b, THEY_CHMOD, TOP "/d", NULL, 0755), 0, "and opens it");
	tap_eq(err_as(b, TOP "/d/one", &user), 0, "the user passes again");
	tap_eq(our_stat(b, TOP, &top), 0, "a directory's attributes");
	tap_eq(they_do(b, THEY_CREATE, TOP "/entry", NULL, 0644), 0, "something is made in it");
	our_stat(b, TOP, &st);
	tap_ok(st.mtime_ns > top.mtime_ns && st.ctime_ns > top.ctime_ns, "its times move");
	tap_eq(they_do(b, THEY_MKDIR, TOP "/sub", NULL, 0755), 0, "a directory is made in it");
	our_stat(b, TOP, &top);
	tap_ok(top.mtime_ns > st.mtime_ns, "its times move again");
}

/* ---- writing ---- */

struct writing {
	int fd;
	long long done;
};

static int their_write(struct ceph_mount_info *cm, void *arg)
{
	struct writing *w = arg;
	char buf[1000] = { 1 };
	int n = ceph_write(cm, w->fd, buf, sizeof buf, w->done);

	if (n > 0)
		w->done += n;
	return n < 0 ? n : 0;
}

static int their_open(struct ceph_mount_info *cm, void *arg)
{
	struct writing *w = arg;

	w->fd = ceph_open(cm, TOP "/d/written", O_CREAT | O_RDWR, 0644);
	return w->fd < 0 ? w->fd : 0;
}

static int their_open_listed(struct ceph_mount_info *cm, void *arg)
{
	struct writing *w = arg;

	w->fd = ceph_open(cm, TOP "/w/written", O_CREAT | O_RDWR, 0644);
	return w->fd < 0 ? w->fd : 0;
}

static int their_close(struct ceph_mount_info *cm, void *arg)
{
	return ceph_close(cm, ((struct writing *)arg)->fd);
}

/* What a listing says of a name: *st, with the mask of what it vouches for. */
static int listed(struct both *b, const char *dir, const char *name, struct cephring_statx *st)
{
	static char buf[65536];
	cephring_file *f;
	int err = cephring_sync_open(b->mount, NULL, dir, O_RDONLY | O_DIRECTORY, 0, NULL, &root, &f);
	int64_t n;

	if (err)
		return err;
	err = -ENOENT;
	while ((n = cephring_sync_readdir(f, buf, sizeof buf)) > 0)
		for (char *p = buf; p < buf + n; p += ((struct cephring_dirent *)p)->reclen)
			if (!strcmp(((struct cephring_dirent *)p)->name, name)) {
				*st = ((struct cephring_dirent *)p)->st;
				err = 0;
			}
	cephring_sync_close(f);
	return err;
}

/* The other may change these without telling the MDS as long as it holds them alone. */
static void lists_what_it_knows(struct both *b)
{
	struct writing w = { 0 };
	struct cephring_statx st = { 0 };
	bool size = true, mode = true;

	tap_eq(they_do(b, THEY_MKDIR, TOP "/w", NULL, 0755), 0, "a directory");
	they(b, their_open_listed, &w);
	for (int n = 0; n < 10; n++) {
		they(b, their_write, &w);
		they_do(b, THEY_CHMOD, TOP "/w/written", NULL, 0600 | n);
		if (listed(b, TOP "/w", "written", &st))
			size = mode = false;
		size = size && (!(st.mask & CEPHRING_STATX_SIZE) || (long long)st.size == w.done);
		mode =
		    mode && (!(st.mask & CEPHRING_STATX_MODE) || (st.mode & 07777) == (0600u | (unsigned)n));
	}
	tap_ok(size, "a listing vouches for no size that another is changing");
	tap_ok(mode, "nor for such a mode");
	tap_ok((st.mask & CEPHRING_STATX_TYPE) && S_ISREG(st.mode) && st.ino, "but for type and number");
	they(b, their_close, &w);
}

static void writes(struct both *b)
{
	struct writing w = { 0 };
	struct cephring_statx st;
	bool seen = true;

	tap_eq(they(b, their_open, &w), 0, "the other opens a file for writing");
	for (int n = 0; n < 20; n++) {
		they(b, their_write, &w);
		our_stat(b, TOP "/d/written", &st);
		seen = seen && (long long)st.size == w.done;
	}
	tap_ok(seen && w.done == 20000, "each write is seen in the size, though nothing was flushed");
	they(b, their_write, &w);
	tap_eq(they(b, their_close, &w), 0, "it closes the file");
	our_stat(b, TOP "/d/written", &st);
	tap_eq((long long)st.size, w.done, "the last write is seen");
}

/* ---- whole directories ---- */

static void listings(struct both *b)
{
	const char *two[] = { "one", "two" }, *three[] = { "one", "two", "three" },
		   *moved[] = { "one", "2", "three" };
	uint64_t before;

	tap_eq(they_do(b, THEY_MKDIR, TOP "/l", NULL, 0755), 0, "an empty directory");
	tap_ok(lists(b, TOP "/l", NULL, 0), "has no names");
	they_do(b, THEY_CREATE, TOP "/l/one", NULL, 0644);
	they_do(b, THEY_MKDIR, TOP "/l/two", NULL, 0755);
	tap_ok(lists(b, TOP "/l", two, 2), "then two");
	tap_ok(settles(b, has_two, TOP "/l"), "and again, without asking");
	before = requests(b);
	tap_eq(our_err(b, TOP "/l/nothing"), -ENOENT, "what is not there");
	tap_eq((long long)(requests(b) - before), 0, "is known not to be without asking");
	tap_eq(they_do(b, THEY_CREATE, TOP "/l/three", NULL, 0644), 0, "the other adds one");
	tap_ok(lists(b, TOP "/l", three, 3), "it is listed");
	tap_ok(lists(b, TOP "/l", three, 3), "and again");
	tap_eq(they_do(b, THEY_RENAME, TOP "/l/two", TOP "/l/2", 0), 0, "the other renames one");
	tap_ok(lists(b, TOP "/l", moved, 3), "it is listed by its new name");
	tap_eq(our_err(b, TOP "/l/two"), -ENOENT, "and not by its old one");
	tap_eq(they_do(b, THEY_RMDIR, TOP "/l/2", NULL, 0), 0, "the other removes it");
	tap_eq(they_do(b, THEY_UNLINK, TOP "/l/three", NULL, 0), 0, "and another");
	tap_ok(lists(b, TOP "/l", two, 1), "one is left");
}

/* ---- anything ----
 * Slow now and then, for libcephfs beside libcephfs as well: the MDS lets a lookup wait for its journal,
 * which it flushes every 5 s if nothing else asks for it. */

enum { MODEL_NAMES = 12, CHANGES = 300 };

struct model {
	bool there;
	uint32_t mode;
};

static uint32_t rnd(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % below;
}

/* One random change by the other client; the model follows. */
static int change(struct both *b, struct model *m, uint64_t *state)
{
	uint32_t x = rnd(state, MODEL_NAMES), y = rnd(state, MODEL_NAMES), what = rnd(state, 4),
		 mode = 0600 | rnd(state, 0200);
	char from[64], to[64];
	int err;

	snprintf(from, sizeof from, TOP "/any/%u", x);
	snprintf(to, sizeof to, TOP "/any/%u", y);
	if (!m[x].there) {
		err = they_do(b, THEY_CREATE, from, NULL, 0600);
		m[x] = (struct model){ true, 0600 };
	} else if (what == 0) {
		err = they_do(b, THEY_UNLINK, from, NULL, 0);
		m[x].there = false;
	} else if (what == 1 && x != y) {
		err = they_do(b, THEY_RENAME, from, to, 0);
		m[y] = m[x];
		m[x].there = false;
	} else {
		err = they_do(b, THEY_CHMOD, from, NULL, mode);
		m[x].mode = mode;
	}
	return err;
}

static bool matches(struct both *b, const struct model *m, uint64_t *state)
{
	static const char *const digits[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11" };
	const char *want[MODEL_NAMES];
	struct cephring_statx st;
	bool ok = true;
	char path[64];
	int count = 0;

	for (int n = 0; n < MODEL_NAMES; n++) {
		int err;

		if (m[n].there)
			want[count++] = digits[n];
		if (!rnd(state, 3)) /* not all are cached all the time */
			continue;
		snprintf(path, sizeof path, TOP "/any/%d", n);
		err = our_stat(b, path, &st);
		if (err != (m[n].there ? 0 : -ENOENT) || (!err && (st.mode & 07777) != m[n].mode)) {
			tap_note("%s: err %d mode %o, wanted %s %o", path, err, st.mode,
				 m[n].there ? "there," : "absent,", m[n].mode);
			ok = false;
		}
	}
	return (rnd(state, 4) || lists(b, TOP "/any", want, count)) && ok;
}

static void anything(struct both *b)
{
	const char *given = getenv("COHERENCE_SEED");
	uint64_t state = given ? strtoull(given, NULL, 0) : now_ns();
	struct model m[MODEL_NAMES] = { 0 };
	bool ok = true;
	int err = they_do(b, THEY_MKDIR, TOP "/any", NULL, 0755);

	tap_note("COHERENCE_SEED=%" PRIu64, state);
	for (int n = 0; n < CHANGES && ok && !err; n++) {
		err = change(b, m, &state);
		ok = matches(b, m, &state);
	}
	tap_eq(err, 0, "hundreds of random changes by the other");
	tap_ok(ok, "each is seen at once");
}

static int their_tree(struct ceph_mount_info *cm, void *arg)
{
	int err = their_rm_r(cm, TOP);

	(void)arg;
	err = err ? err : ceph_mkdir(cm, TOP, 0755);
	err = err ? err : ceph_mkdir(cm, TOP "/d", 0755);
	err = err ? err : ceph_mkdirs(cm, TOP "/m/a/b/c", 0755);
	return err ? err : their_create(cm, TOP "/m/a/b/c/file", 0644);
}

int main(void)
{
	struct both *b = both_new(NULL, NULL);

	if (!tap_eq(they(b, their_tree, NULL), 0, "the tree is made"))
		return tap_end();
	names(b);
	directories(b);
	attributes(b);
	writes(b);
	lists_what_it_knows(b);
	listings(b);
	anything(b);
	they(b, their_clean, (void *)TOP);
	both_free(b);
	return tap_end();
}
