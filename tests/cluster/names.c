/* cluster: --mds 1 */
/* Making, removing and moving names: every call with every kind of argument, by ours in one tree and by
 * libcephfs in its twin. Results must be the same, and so must the trees be afterwards. */
#include <ftw.h>
#include <sys/sysmacros.h>
#include "both.h"

#define OURS   "/names_o"
#define THEIRS "/names_t"

static const struct cephring_cred root = { 0 };

enum what { MKDIR, MKDIRS, MKNOD, SYMLINK, LINK, UNLINK, RMDIR, RENAME, OPEN, STAT, CHECK_EXISTS };

struct step {
	enum what what;
	const char *a, *b;
	int n;     /* mode, or open flags */
	int posix; /* what POSIX says where libcephfs says something else; 1 = the same as libcephfs */
};

static const struct step steps[] = {
	/* making */
	{ MKDIR, "d", NULL, 0755, 1 },
	{ MKDIR, "d", NULL, 0755, 1 },
	{ MKDIR, "d/", NULL, 0755, -EEXIST },
	{ MKDIR, "none/d", NULL, 0755, 1 },
	{ MKDIR, "", NULL, 0755, -EEXIST }, /* the twin directory itself: its path ends in a slash */
	{ MKDIR, ".", NULL, 0755, 1 },
	{ MKDIR, "d/..", NULL, 0755, 1 },
	{ MKDIR, "d/e", NULL, 01777, 1 },
	{ MKDIR, "slash/", NULL, 0700, 1 },
	{ MKNOD, "f", NULL, S_IFREG | 0644, 1 },
	{ MKNOD, "f", NULL, S_IFREG | 0644, 1 },
	{ MKNOD, "f/g", NULL, S_IFREG | 0644, -ENOTDIR },
	{ MKNOD, "fifo", NULL, S_IFIFO | 0600, 1 },
	{ MKNOD, "sock", NULL, S_IFSOCK | 0600, 1 },
	{ MKNOD, "d/x", NULL, S_IFREG | 0600, 1 },
	{ SYMLINK, "l", "f", 0, 1 },
	{ SYMLINK, "l", "f", 0, 1 },
	{ SYMLINK, "ld", "d", 0, 1 },
	{ SYMLINK, "dangling", "nowhere", 0, 1 },
	{ SYMLINK, "loop", "loop", 0, 1 },
	{ SYMLINK, "f/l", "f", 0, -ENOTDIR },
	{ MKDIR, "l", NULL, 0755, 1 },
	{ MKDIR, "dangling", NULL, 0755, 1 },
	{ MKDIR, "ld/through", NULL, 0755, 1 },
	/* links */
	{ LINK, "f", "hard", 0, 1 },
	{ LINK, "f", "hard", 0, 1 },
	{ LINK, "none", "hard2", 0, 1 },
	{ LINK, "f", "none/hard", 0, 1 },
	{ LINK, "d", "harddir", 0, -EPERM },
	{ LINK, "hard", "d/hard", 0, 1 },
	{ LINK, "f", "d", 0, 1 },
	/* opening and creating */
	{ OPEN, "f", NULL, O_RDONLY, 1 },
	{ OPEN, "none", NULL, O_RDONLY, 1 },
	{ OPEN, "f", NULL, O_RDWR, 1 },
	{ OPEN, "d", NULL, O_RDWR, 1 },
	{ OPEN, "d", NULL, O_WRONLY, 1 },
	{ OPEN, "f", NULL, O_RDONLY | O_DIRECTORY, -ENOTDIR },
	{ OPEN, "l", NULL, O_RDONLY, 1 },
	{ OPEN, "l", NULL, O_RDONLY | O_NOFOLLOW, 1 },
	{ OPEN, "loop", NULL, O_RDONLY, 1 },
	{ OPEN, "dangling", NULL, O_RDONLY, 1 },
	{ OPEN, "new", NULL, O_WRONLY | O_CREAT, 1 },
	{ OPEN, "new", NULL, O_WRONLY | O_CREAT, 1 },
	{ OPEN, "new", NULL, O_WRONLY | O_CREAT | O_EXCL, 1 },
	{ OPEN, "new2", NULL, O_RDWR | O_CREAT | O_EXCL, 1 },
	{ OPEN, "new2", NULL, O_RDWR | O_CREAT | O_TRUNC, 1 },
	{ OPEN, "f", NULL, O_WRONLY | O_TRUNC, 1 },
	{ OPEN, "d", NULL, O_WRONLY | O_CREAT, 1 },
	{ OPEN, "l", NULL, O_WRONLY | O_CREAT | O_EXCL, 1 },
	{ OPEN, "none/new", NULL, O_WRONLY | O_CREAT, 1 },
	{ OPEN, "f/new", NULL, O_WRONLY | O_CREAT, -ENOTDIR },
	{ OPEN, "d/e/deep", NULL, O_WRONLY | O_CREAT, 1 },
	{ OPEN, "ld/e/deeper", NULL, O_WRONLY | O_CREAT, 1 },
	{ OPEN, "dangling", NULL, O_WRONLY | O_CREAT | O_EXCL, 1 },
	{ OPEN, "dangling", NULL, O_WRONLY | O_CREAT | O_NOFOLLOW, 1 },
	/* moving */
	{ RENAME, "none", "other", 0, 1 },
	{ RENAME, "f", "none/f", 0, 1 },
	{ RENAME, "f", "f2", 0, 1 },
	{ RENAME, "f2", "f", 0, 1 },
	{ RENAME, "d", "d/inside", 0, 1 },
	{ RENAME, "f", "d", 0, 1 },
	{ RENAME, "d", "f", 0, 1 },
	{ RENAME, "slash", "d/slash", 0, 1 },
	{ MKDIR, "empty", NULL, 0755, 1 },
	{ RENAME, "empty", "d/slash", 0, 1 },
	{ MKDIR, "empty", NULL, 0755, 1 },
	{ RENAME, "empty", "d", 0, 1 },
	{ RENAME, "l", "l2", 0, 1 },
	{ RENAME, "new", "new2", 0, 1 },
	{ RENAME, "d/x", "x", 0, 1 },
	{ STAT, "x", NULL, 0, 1 },
	/* removing */
	{ UNLINK, "none", NULL, 0, 1 },
	{ UNLINK, "d", NULL, 0, 1 },
	{ RMDIR, "f", NULL, 0, 1 },
	{ RMDIR, "d", NULL, 0, 1 },
	{ RMDIR, "none", NULL, 0, 1 },
	{ UNLINK, "f/x", NULL, 0, -ENOTDIR },
	{ UNLINK, "x", NULL, 0, 1 },
	{ UNLINK, "x", NULL, 0, 1 },
	{ STAT, "x", NULL, 0, 1 },
	{ UNLINK, "l2", NULL, 0, 1 },
	{ UNLINK, "fifo", NULL, 0, 1 },
	{ UNLINK, "f", NULL, 0, 1 },
	{ STAT, "hard", NULL, 0, 1 },
	{ RMDIR, "empty", NULL, 0, 1 },
	{ RMDIR, "ld", NULL, 0, 1 },
	{ UNLINK, "ld", NULL, 0, 1 },
};

static int ours_open(struct both *b, const char *path, int flags)
{
	cephring_file *f;
	int err = cephring_sync_open(b->mount, NULL, path, flags, 0640, NULL, &root, &f);

	if (err < 0)
		return err;
	return cephring_sync_close(f);
}

static int ours(struct both *b, const struct step *s)
{
	char a[512], to[512];
	struct cephring_statx st;

	snprintf(a, sizeof a, OURS "/%s", s->a);
	snprintf(to, sizeof to, OURS "/%s", s->b ? s->b : "");
	switch (s->what) {
	case MKDIR:
		return cephring_sync_mkdir(b->mount, NULL, a, (uint32_t)s->n, 0, &root);
	case MKNOD:
		return cephring_sync_mknod(b->mount, NULL, a, (uint32_t)s->n, 0, &root);
	case SYMLINK:
		return cephring_sync_symlink(b->mount, s->b, NULL, a, &root);
	case LINK:
		return cephring_sync_link(b->mount, NULL, a, NULL, to, 0, &root);
	case UNLINK:
	case RMDIR:
		return cephring_sync_unlink(b->mount, NULL, a, s->what == RMDIR ? CEPHRING_REMOVEDIR : 0,
					    &root);
	case RENAME:
		return cephring_sync_rename(b->mount, NULL, a, NULL, to, 0, &root);
	case OPEN:
		return ours_open(b, a, s->n);
	default:
		return cephring_sync_statx(b->mount, NULL, a, CEPHRING_STATX_BASIC, CEPHRING_NOFOLLOW, &root,
					   &st);
	}
}

static int theirs(struct ceph_mount_info *cm, void *arg)
{
	const struct step *s = arg;
	char a[512], to[512];
	struct ceph_statx st;
	int fd;

	snprintf(a, sizeof a, THEIRS "/%s", s->a);
	snprintf(to, sizeof to, THEIRS "/%s", s->b ? s->b : "");
	switch (s->what) {
	case MKDIR:
		return ceph_mkdir(cm, a, (mode_t)s->n);
	case MKNOD:
		return ceph_mknod(cm, a, (mode_t)s->n, 0);
	case SYMLINK:
		return ceph_symlink(cm, s->b, a);
	case LINK:
		return ceph_link(cm, a, to);
	case UNLINK:
		return ceph_unlink(cm, a);
	case RMDIR:
		return ceph_rmdir(cm, a);
	case RENAME:
		return ceph_rename(cm, a, to);
	case OPEN:
		fd = ceph_open(cm, a, s->n, 0640);
		return fd < 0 ? fd : ceph_close(cm, fd);
	default:
		return ceph_statx(cm, a, &st, CEPH_STATX_BASIC_STATS, AT_SYMLINK_NOFOLLOW);
	}
}

static const char *const words[] = { "mkdir", "mkdir -p", "mknod", "symlink", "link",  "unlink",
				     "rmdir", "rename",   "open",  "stat",    "exists" };

static void matrix(struct both *b, bool cold)
{
	for (size_t n = 0; n < sizeof steps / sizeof *steps; n++) {
		const struct step *s = &steps[n];
		int mine, other;

		if (cold)
			both_cold(b);
		mine = ours(b, s);
		other = they(b, theirs, (void *)s);
		if (!tap_ok(mine == (s->posix == 1 ? other : s->posix), "%s %zu: %s %s %s %o",
			    cold ? "cold" : "warm", n, words[s->what], s->a, s->b ? s->b : "",
			    (unsigned)s->n))
			tap_note("ours %d (%s), libcephfs %d (%s)", mine, strerror(-mine), other,
				 strerror(-other));
	}
}

/* ---- the trees are twins, as the other client sees both and as ours does ---- */

struct twins {
	char *text;
	const char *top;
};

static int list_one(struct ceph_mount_info *cm, const char *path, FILE *out)
{
	struct ceph_dir_result *d;
	struct ceph_statx st;
	struct dirent **list, *e;
	char below[2048], link[256];
	int n = 0, err;

	err = ceph_opendir(cm, path, &d);
	if (err)
		return err;
	list = calloc(4096, sizeof *list);
	while ((e = ceph_readdir(cm, d)) != NULL && n < 4096) {
		list[n] = malloc(sizeof *e);
		*list[n++] = *e;
	}
	ceph_closedir(cm, d);
	for (int a = 0; a < n; a++)
		for (int k = a + 1; k < n; k++)
			if (strcmp(list[a]->d_name, list[k]->d_name) > 0) {
				e = list[a];
				list[a] = list[k];
				list[k] = e;
			}
	for (int k = 0; k < n; k++) {
		const char *name = list[k]->d_name;

		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		snprintf(below, sizeof below, "%s/%s", path, name);
		err = ceph_statx(cm, below, &st, CEPH_STATX_BASIC_STATS, AT_SYMLINK_NOFOLLOW);
		fprintf(out, "%s %o %u %u %u", strchr(below + 1, '/'), st.stx_mode, st.stx_uid, st.stx_gid,
			S_ISDIR(st.stx_mode) ? 0 : st.stx_nlink);
		if (S_ISLNK(st.stx_mode)) {
			int len = ceph_readlink(cm, below, link, sizeof link);

			fprintf(out, " -> %.*s", len > 0 ? len : 0, link);
		}
		fputc('\n', out);
		if (!err && S_ISDIR(st.stx_mode))
			err = list_one(cm, below, out);
	}
	for (int k = 0; k < n; k++)
		free(list[k]);
	free(list);
	return err;
}

static int list_all(struct ceph_mount_info *cm, void *arg)
{
	struct twins *t = arg;
	size_t size;
	FILE *f = open_memstream(&t->text, &size);
	int err = list_one(cm, t->top, f);

	fclose(f);
	return err;
}

static void twins(struct both *b, const char *when)
{
	struct twins o = { .top = OURS }, t = { .top = THEIRS };

	tap_eq(they(b, list_all, &o), 0, "the other client lists our tree");
	tap_eq(they(b, list_all, &t), 0, "and its own");
	if (!tap_ok(!strcmp(o.text, t.text), "%s: the trees are twins", when))
		tap_note("ours:\n%s\ntheirs:\n%s", o.text, t.text);
	free(o.text);
	free(t.text);
}

static void fresh(struct both *b)
{
	they(b, their_clean, OURS);
	they(b, their_clean, THEIRS);
	tap_eq(they_do(b, THEY_MKDIR, OURS, NULL, 0755), 0, "a tree for ours");
	tap_eq(they_do(b, THEY_MKDIR, THEIRS, NULL, 0755), 0, "and one for theirs");
}

/* ---- what libcephfs has no call for ---- */

static void parents(struct both *b)
{
	uint64_t before;

	tap_eq(cephring_sync_mkdir(b->mount, NULL, OURS "/p/q/r/s/t", 0755, CEPHRING_PARENTS, &root), 0,
	       "mkdir -p");
	tap_ok(our_ino(b, OURS "/p/q/r/s/t") != 0, "made all of it");
	before = both_stats(b).mds_requests;
	tap_eq(cephring_sync_mkdir(b->mount, NULL, OURS "/p/q/r/s/t", 0755, CEPHRING_PARENTS, &root), 0,
	       "again: it is there");
	tap_eq((long long)(both_stats(b).mds_requests - before), 0, "which the cache knows");
	tap_eq(cephring_sync_mkdir(b->mount, NULL, OURS "/p/q/u/v/w/x/y/z/1/2/3/4/5/6/7/8/9/0", 0755,
				   CEPHRING_PARENTS, &root),
	       0, "more levels than one batch");
	tap_eq(cephring_sync_mknod(b->mount, NULL, OURS "/p/file", S_IFREG | 0600, 0, &root), 0, "a file");
	tap_eq(cephring_sync_mkdir(b->mount, NULL, OURS "/p/file/d", 0755, CEPHRING_PARENTS, &root), -ENOTDIR,
	       "below a file");
	tap_eq(cephring_sync_mkdir(b->mount, NULL, OURS "/p/file", 0755, CEPHRING_PARENTS, &root), -EEXIST,
	       "where a file is");
	both_cold(b);
	tap_eq(cephring_sync_mkdir(b->mount, NULL, OURS "/p/q/r/cold/t", 0755, CEPHRING_PARENTS, &root), 0,
	       "with a cold cache");
	tap_ok(our_ino(b, OURS "/p/q/r/cold/t") != 0, "made that too");
}

/* Nothing happens. (libcephfs forgets the old name though it is there.) */
static void same_file(struct both *b)
{
	tap_eq(cephring_sync_mknod(b->mount, NULL, OURS "/one", S_IFREG | 0600, 0, &root), 0, "a file");
	tap_eq(cephring_sync_link(b->mount, NULL, OURS "/one", NULL, OURS "/two", 0, &root), 0,
	       "with two names");
	tap_eq(cephring_sync_rename(b->mount, NULL, OURS "/one", NULL, OURS "/two", 0, &root), 0,
	       "one renamed to the other");
	tap_ok(our_ino(b, OURS "/one") && our_ino(b, OURS "/one") == our_ino(b, OURS "/two"),
	       "both are there");
	tap_eq(cephring_sync_rename(b->mount, NULL, OURS "/one", NULL, OURS "/one", 0, &root), 0,
	       "to itself");
	tap_ok(our_ino(b, OURS "/one") != 0, "still there");
}

static void numbers(struct both *b)
{
	struct cephring_statx st;
	uint64_t dev = makedev(300, 70000);

	tap_eq(cephring_sync_mknod(b->mount, NULL, OURS "/dev", S_IFCHR | 0600, dev, &root), 0, "a device");
	both_cold(b);
	tap_eq(cephring_sync_statx(b->mount, NULL, OURS "/dev", CEPHRING_STATX_BASIC, 0, &root, &st), 0,
	       "its stat");
	tap_ok(st.rdev == dev, "the numbers come back");
	tap_eq(cephring_sync_mknod(b->mount, NULL, OURS "/odd", 0170000 | 0600, 0, &root), -EINVAL,
	       "no such type");
	tap_eq(cephring_sync_mknod(b->mount, NULL, OURS "/odd", S_IFDIR | 0600, 0, &root), -EPERM,
	       "a directory is not mknod's");
}

static void links_in_paths(struct both *b)
{
	struct cephring_statx st;

	tap_eq(cephring_sync_symlink(b->mount, "target", NULL, OURS "/to", &root), 0,
	       "a link to nothing yet");
	tap_eq(ours_open(b, OURS "/to", O_WRONLY | O_CREAT), 0, "created through it");
	tap_eq(cephring_sync_statx(b->mount, NULL, OURS "/target", CEPHRING_STATX_BASIC, 0, &root, &st), 0,
	       "where it leads");
	tap_ok(S_ISREG(st.mode) && (st.mode & 0777) == 0640, "a file with its mode");
}

static void handles(struct both *b)
{
	struct cephring_handle h;
	cephring_inode *i = NULL, *again = NULL;
	char name[256];
	int64_t len;

	tap_eq(cephring_sync_lookup(b->mount, NULL, OURS "/target", 0, &root, &i), 0, "an inode");
	cephring_handle_of(i, &h);
	cephring_put(b->mount, i);
	both_cold(b);
	tap_eq(cephring_sync_lookup_handle(b->mount, &h, &root, &again), 0, "by its number, from the MDS");
	tap_ok(again && cephring_ino(again) == h.ino, "the same");
	len = cephring_sync_name_of(b->mount, again, &root, name, sizeof name);
	tap_ok(len == 6 && !memcmp(name, "target", 6), "its name");
	tap_eq(cephring_sync_name_of(b->mount, again, &root, name, 3), -ERANGE, "no room for it");
	cephring_put(b->mount, again);
	tap_eq(cephring_sync_unlink(b->mount, NULL, OURS "/target", 0, &root), 0, "removed");
	tap_eq(cephring_sync_lookup_handle(b->mount, &h, &root, &again), -ESTALE, "the handle is stale");
	h.ino = 0x100;
	tap_eq(cephring_sync_lookup_handle(b->mount, &h, &root, &again), -ESTALE, "the MDS's own inodes");
}

int main(void)
{
	struct both *b = both_new(NULL, NULL);

	fresh(b);
	matrix(b, false);
	twins(b, "warm");
	fresh(b);
	matrix(b, true);
	twins(b, "cold");
	parents(b);
	same_file(b);
	numbers(b);
	links_in_paths(b);
	handles(b);
	both_free(b);
	return tap_end();
}
