/* cluster: --mds 1; timeout: 300 */
/* Snapshots: every call below .snap by ours in one tree and by libcephfs in its twin, with the same results;
 * then both look at the same snapshots, made, renamed and removed by either, and see what was there at the
 * time. */
#include "looked.h"

#define OURS   "/snaps_o"
#define THEIRS "/snaps_t"
#define TOP    "/snaps"

static const struct cephring_cred root = { 0 }, user = { .uid = 1000, .gid = 1000 };

/* ---- the same calls in twin trees ---- */

enum what {
	MKDIR,
	MKNOD,
	SYMLINK,
	LINK,
	UNLINK,
	RMDIR,
	RENAME,
	OPEN,
	STAT,
	CHMOD,
	TRUNCATE,
	SETXATTR,
	GETXATTR,
	READLINK
};

struct step {
	enum what what;
	const char *a, *b;
	int n;      /* mode, or open flags */
	int better; /* where libcephfs says something else: what we say, 1: it is fine; 0 = the same */
};

static const struct step steps[] = {
	{ MKDIR, "d", NULL, 0755, 0 },
	{ MKDIR, "d/e", NULL, 0755, 0 },
	{ MKNOD, "d/f", NULL, S_IFREG | 0644, 0 },
	{ SYMLINK, "d/l", "f", 0, 0 },
	{ SYMLINK, "d/up", "../d/e", 0, 0 },
	{ MKNOD, "d/e/deep", NULL, S_IFREG | 0600, 0 },
	{ SETXATTR, "d/f", "user.a", 0, 0 },
	/* .snap itself */
	{ STAT, "d/.snap", NULL, 0, 0 },
	{ STAT, "d/.snap/", NULL, 0, 0 },
	{ STAT, "d/.snap/.", NULL, 0, 0 },
	{ STAT, "d/.snap/..", NULL, 0, 0 },
	{ STAT, "d/f/.snap", NULL, 0, -ENOTDIR },
	{ STAT, "d/l/.snap", NULL, 0, -ENOTDIR },
	{ STAT, "d/.snap/none", NULL, 0, 0 },
	{ STAT, "d/.snap/none/f", NULL, 0, 0 },
	{ OPEN, "d/.snap", NULL, O_RDONLY | O_DIRECTORY, 0 },
	{ OPEN, "d/.snap/new", NULL, O_CREAT | O_WRONLY, 0 },
	{ MKNOD, "d/.snap/new", NULL, S_IFREG | 0644, 0 },
	{ SYMLINK, "d/.snap/new", "f", 0, 0 },
	{ LINK, "d/f", "d/.snap/new", 0, 0 },
	{ RENAME, "d/f", "d/.snap/new", 0, 0 },
	{ CHMOD, "d/.snap", NULL, 0700, 0 },
	{ SETXATTR, "d/.snap", "user.a", 0, 0 },
	{ GETXATTR, "d/.snap", "user.a", 0, 0 },
	/* making */
	{ MKDIR, "d/.snap/one", NULL, 0755, 0 },
	{ MKDIR, "d/.snap/one", NULL, 0755, 0 },
	{ MKDIR, "d/.snap/_one", NULL, 0755, 0 },
	{ MKDIR, "d/.snap/one/new", NULL, 0755, 0 },
	{ MKDIR, "d/f/.snap/one", NULL, 0755, -ENOTDIR },
	{ MKDIR, "none/.snap/one", NULL, 0755, 0 },
	{ STAT, "d/.snap/one", NULL, 0, 0 },
	{ STAT, "d/.snap/one/", NULL, 0, 0 },
	{ STAT, "d/.snap/one/f", NULL, 0, 0 },
	{ STAT, "d/.snap/one/f/", NULL, 0, -ENOTDIR },
	{ STAT, "d/.snap/one/e/deep", NULL, 0, 0 },
	{ STAT, "d/.snap/one/l", NULL, 0, 0 },
	{ STAT, "d/.snap/one/up/deep", NULL, 0, 0 },
	{ STAT, "d/.snap/one/f/x", NULL, 0, -ENOTDIR },
	{ STAT, "d/.snap/one/none", NULL, 0, 0 },
	{ STAT, "d/.snap/one/none/x", NULL, 0, 0 },
	{ STAT, "d/.snap/one/.snap", NULL, 0, 0 },
	{ STAT, "d/.snap/one/e/.snap", NULL, 0, 0 },
	{ STAT, "d/.snap/.snap", NULL, 0, 0 },
	{ STAT, "d/.snap/one/e/../f", NULL, 0, 0 },
	{ STAT, "d/.snap/one/../one/f", NULL, 0, 0 },
	{ STAT, "d/.snap/one/../../f", NULL, 0, 1 },
	{ READLINK, "d/.snap/one/l", NULL, 0, 0 },
	{ GETXATTR, "d/.snap/one/f", "user.a", 0, 0 },
	{ GETXATTR, "d/.snap/one/f", "user.none", 0, 0 },
	/* nothing in it changes */
	{ OPEN, "d/.snap/one/f", NULL, O_RDONLY, 0 },
	{ OPEN, "d/.snap/one/f", NULL, O_WRONLY, 0 },
	{ OPEN, "d/.snap/one/f", NULL, O_RDWR, 0 },
	{ OPEN, "d/.snap/one/f", NULL, O_RDONLY | O_TRUNC, 0 },
	{ OPEN, "d/.snap/one/new", NULL, O_CREAT | O_WRONLY, 0 },
	{ OPEN, "d/.snap/one/f", NULL, O_CREAT | O_EXCL | O_WRONLY, 0 },
	{ OPEN, "d/.snap/one", NULL, O_RDONLY | O_DIRECTORY, 0 },
	{ MKNOD, "d/.snap/one/new", NULL, S_IFREG | 0644, 0 },
	{ SYMLINK, "d/.snap/one/new", "f", 0, 0 },
	{ LINK, "d/.snap/one/f", "d/new", 0, 0 },
	{ LINK, "d/f", "d/.snap/one/new", 0, 0 },
	{ UNLINK, "d/.snap/one/f", NULL, 0, 0 },
	{ RMDIR, "d/.snap/one/e", NULL, 0, 0 },
	{ RENAME, "d/.snap/one/f", "d/.snap/one/g", 0, 0 },
	{ RENAME, "d/.snap/one/f", "d/g", 0, 0 },
	{ RENAME, "d/f", "d/.snap/one/g", 0, 0 },
	{ CHMOD, "d/.snap/one/f", NULL, 0600, 0 },
	{ TRUNCATE, "d/.snap/one/f", NULL, 7, 0 },
	{ SETXATTR, "d/.snap/one/f", "user.a", 0, 0 },
	{ UNLINK, "d/.snap/one", NULL, 0, 0 },
	/* renaming */
	{ MKDIR, "d/e/.snap/sub", NULL, 0755, 0 },
	{ RENAME, "d/.snap/one", "d/.snap/two", 0, 0 },
	{ STAT, "d/.snap/one", NULL, 0, 0 },
	{ STAT, "d/.snap/two/f", NULL, 0, 0 },
	{ RENAME, "d/.snap/none", "d/.snap/three", 0, 0 },
	{ RENAME, "d/.snap/two", "d/.snap/_two", 0, 0 },
	{ RENAME, "d/.snap/two", "d/e/.snap/two", 0, 0 },
	{ RENAME, "d/.snap/two", "d/two", 0, 0 },
	{ MKDIR, "d/.snap/other", NULL, 0755, 0 },
	{ RENAME, "d/.snap/two", "d/.snap/other", 0, 0 },
	{ RENAME, "d/.snap/two", "d/.snap/two", 0, 0 },
	/* removing */
	{ RMDIR, "d", NULL, 0, 0 },
	{ RMDIR, "d/.snap/none", NULL, 0, 0 },
	{ RMDIR, "d/.snap/_two", NULL, 0, -EINVAL }, /* the MDS's word; libcephfs looks it up before */
	{ RMDIR, "d/.snap/two", NULL, 0, 0 },
	{ STAT, "d/.snap/two", NULL, 0, 0 },
	{ RMDIR, "d/.snap/two", NULL, 0, 0 },
	{ RMDIR, "d/.snap/other", NULL, 0, 0 },
	{ RMDIR, "d/e/.snap/sub", NULL, 0, 0 },
};

static int our_open(struct both *b, const char *path, int flags)
{
	cephring_file *f;
	int err = cephring_sync_open(b->mount, NULL, path, flags, 0644, NULL, &root, &f);

	if (err >= 0)
		cephring_sync_close(f);
	return err < 0 ? err : 0;
}

static int our_step(struct both *b, const struct step *s, const char *a, const char *second)
{
	struct cephring_setattr set = { .struct_size = sizeof set };
	cephring_mount *m = b->mount;
	struct cephring_statx st;
	char text[256];

	switch (s->what) {
	case MKDIR:
		return cephring_sync_mkdir(m, NULL, a, (uint32_t)s->n, 0, &root);
	case MKNOD:
		return cephring_sync_mknod(m, NULL, a, (uint32_t)s->n, 0, &root);
	case SYMLINK:
		return cephring_sync_symlink(m, s->b, NULL, a, &root);
	case LINK:
		return cephring_sync_link(m, NULL, a, NULL, second, CEPHRING_NOFOLLOW, &root);
	case UNLINK:
		return cephring_sync_unlink(m, NULL, a, 0, &root);
	case RMDIR:
		return cephring_sync_unlink(m, NULL, a, CEPHRING_REMOVEDIR, &root);
	case RENAME:
		return cephring_sync_rename(m, NULL, a, NULL, second, 0, &root);
	case OPEN:
		return our_open(b, a, s->n);
	case STAT:
		return cephring_sync_statx(m, NULL, a, CEPHRING_STATX_BASIC, 0, &root, &st);
	case CHMOD:
		set.set = CEPHRING_SET_MODE;
		set.mode = (uint32_t)s->n;
		return cephring_sync_setattr(m, NULL, a, &set, 0, &root);
	case TRUNCATE:
		set.set = CEPHRING_SET_SIZE;
		set.size = (uint64_t)s->n;
		return cephring_sync_setattr(m, NULL, a, &set, 0, &root);
	case SETXATTR:
		return cephring_sync_setxattr(m, NULL, a, s->b, "value", 5, 0, 0, &root);
	case GETXATTR:
		return (int)cephring_sync_getxattr(m, NULL, a, s->b, 0, &root, text, sizeof text);
	default:
		return (int)cephring_sync_readlink(m, NULL, a, &root, text, sizeof text);
	}
}

struct their_step {
	const struct step *s;
	const char *a, *b;
};

static int their_do(struct ceph_mount_info *cm, void *arg)
{
	const struct their_step *t = arg;
	const struct step *s = t->s;
	struct ceph_statx st;
	char text[256];
	int fd;

	switch (s->what) {
	case MKDIR:
		return ceph_mkdir(cm, t->a, (mode_t)s->n);
	case MKNOD:
		return ceph_mknod(cm, t->a, (mode_t)s->n, 0);
	case SYMLINK:
		return ceph_symlink(cm, s->b, t->a);
	case LINK:
		return ceph_link(cm, t->a, t->b);
	case UNLINK:
		return ceph_unlink(cm, t->a);
	case RMDIR:
		return ceph_rmdir(cm, t->a);
	case RENAME:
		return ceph_rename(cm, t->a, t->b);
	case OPEN:
		fd = ceph_open(cm, t->a, s->n, 0644);
		return fd < 0 ? fd : ceph_close(cm, fd);
	case STAT:
		return ceph_statx(cm, t->a, &st, CEPH_STATX_BASIC_STATS, 0);
	case CHMOD:
		return ceph_chmod(cm, t->a, (mode_t)s->n);
	case TRUNCATE:
		return ceph_truncate(cm, t->a, s->n);
	case SETXATTR:
		return ceph_setxattr(cm, t->a, s->b, "value", 5, 0);
	case GETXATTR:
		return ceph_getxattr(cm, t->a, s->b, text, sizeof text);
	default:
		return ceph_readlink(cm, t->a, text, sizeof text);
	}
}

static const char *what_name(enum what w)
{
	static const char *const names[] = { "mkdir",    "mknod",    "symlink",  "link",    "unlink",
					     "rmdir",    "rename",   "open",     "stat",    "chmod",
					     "truncate", "setxattr", "getxattr", "readlink" };

	return names[w];
}

static void twin_steps(struct both *b)
{
	char path[4][512];

	they_do(b, THEY_MKDIR, OURS, NULL, 0755);
	they_do(b, THEY_MKDIR, THEIRS, NULL, 0755);
	for (size_t n = 0; n < sizeof steps / sizeof *steps; n++) {
		const struct step *s = &steps[n];
		struct their_step t = { s, path[2], path[3] };
		int ours, theirs;

		snprintf(path[0], sizeof path[0], OURS "/%s", s->a);
		snprintf(path[1], sizeof path[1], OURS "/%s", s->b ? s->b : "");
		snprintf(path[2], sizeof path[2], THEIRS "/%s", s->a);
		snprintf(path[3], sizeof path[3], THEIRS "/%s", s->b ? s->b : "");
		ours = our_step(b, s, path[0], path[1]);
		theirs = they(b, their_do, &t);
		if (!tap_ok(ours == (s->better == 1 ? 0
				     : s->better    ? s->better
						    : theirs),
			    "%s %s %s 0%o", what_name(s->what), s->a, s->b ? s->b : "", s->n))
			tap_note("ours %d (%s), libcephfs %d (%s)", ours, strerror(-ours), theirs,
				 strerror(-theirs));
	}
}

/* Where libcephfs takes .snap for an ordinary name, and the MDS makes a directory of it that nobody can
 * enter. */
static void snapdir_itself(struct both *b)
{
	static const struct step itself[] = {
		{ MKDIR, OURS "/d/.snap", NULL, 0755, -EEXIST },
		{ MKNOD, OURS "/d/.snap", NULL, S_IFREG | 0644, -EEXIST },
		{ SYMLINK, OURS "/d/.snap", "f", 0, -EEXIST },
		{ LINK, OURS "/d/f", OURS "/d/.snap", 0, -EEXIST },
		{ OPEN, OURS "/d/.snap", NULL, O_CREAT | O_WRONLY, -EISDIR },
		{ OPEN, OURS "/d/.snap", NULL, O_CREAT | O_EXCL | O_WRONLY, -EEXIST },
		{ UNLINK, OURS "/d/.snap", NULL, 0, -EISDIR },
		{ RMDIR, OURS "/d/.snap", NULL, 0, -EPERM },
		{ RENAME, OURS "/d/.snap", OURS "/d/snap", 0, -EPERM },
		{ RENAME, OURS "/d/e", OURS "/d/.snap", 0, -EPERM },
	};

	for (size_t n = 0; n < sizeof itself / sizeof *itself; n++) {
		char name[128];

		snprintf(name, sizeof name, "%s %s %s", what_name(itself[n].what), itself[n].a,
			 itself[n].b ? itself[n].b : "");
		tap_eq(our_step(b, &itself[n], itself[n].a, itself[n].b), itself[n].better, name);
	}
}

/* ---- both look ---- */

static int we(struct both *b, enum what what, const char *a, const char *second, int n)
{
	struct step s = { what, a, second, n, 0 };

	return our_step(b, &s, a, second);
}

static int them(struct both *b, enum what what, const char *a, const char *second, int n)
{
	struct step s = { what, a, second, n, 0 };
	struct their_step t = { &s, a, second };
	int err = they(b, their_do, &t);

	/* The MDS tells everybody of other snapshots, and waits for nobody. */
	for (uint64_t until = now_ns() + 50000000; strstr(a, "/.snap") && now_ns() < until;)
		both_turn(b->engine, -1, 5);
	return err;
}

static uint32_t mode_seen(struct both *b, const char *path)
{
	struct cephring_statx st;
	int err = cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_MODE, 0, &root, &st);

	return err ? 0 : st.mode & 07777;
}

static void tree(struct both *b, const char *top)
{
	char path[256];

	they_do(b, THEY_MKDIR, top, NULL, 0755);
	snprintf(path, sizeof path, "%s/d", top);
	they_do(b, THEY_MKDIR, path, NULL, 0755);
	snprintf(path, sizeof path, "%s/d/e", top);
	they_do(b, THEY_MKDIR, path, NULL, 0711);
	snprintf(path, sizeof path, "%s/d/e/deep", top);
	they_do(b, THEY_CREATE, path, NULL, 0600);
	snprintf(path, sizeof path, "%s/d/f", top);
	they_do(b, THEY_CREATE, path, NULL, 0644);
	them(b, SETXATTR, path, "user.a", 0);
	snprintf(path, sizeof path, "%s/d/same", top); /* nobody will change it */
	they_do(b, THEY_CREATE, path, NULL, 0644);
	them(b, SETXATTR, path, "user.a", 0);
	snprintf(path, sizeof path, "%s/d/l", top);
	they_do(b, THEY_SYMLINK, path, "f", 0);
}

/* Made by libcephfs, looked at by ours, cold and warm; then both change what lives. */
static void looks(struct both *b)
{
	static const char *const paths[] = { TOP "/d/.snap",
					     TOP "/d/.snap/one",
					     TOP "/d/.snap/one/f",
					     TOP "/d/.snap/one/same",
					     TOP "/d/.snap/one/l",
					     TOP "/d/.snap/one/e",
					     TOP "/d/.snap/one/e/deep",
					     TOP "/d/.snap/one/none",
					     NULL };
	static const char *const later[] = { TOP "/d",   TOP "/d/f",       TOP "/d/same",
					     TOP "/d/e", TOP "/d/e/young", NULL };

	tree(b, TOP);
	same(b, TOP "/d/.snap", "no snapshot yet");
	tap_eq(them(b, MKDIR, TOP "/d/.snap/one", NULL, 0755), 0, "libcephfs makes one");
	all_same(b, paths, "just made");
	all_same(b, paths, "again");
	both_cold(b);
	all_same(b, paths, "cold");
	both_cold(b);
	same(b, TOP "/d/.snap/one/e/deep", "cold, straight to the deepest");
	tap_eq(we(b, CHMOD, TOP "/d/f", NULL, 0700), 0, "ours changes a mode");
	tap_eq(them(b, CHMOD, TOP "/d/e", NULL, 0500), 0, "libcephfs changes another");
	tap_eq(we(b, UNLINK, TOP "/d/l", NULL, 0), 0, "ours removes a name");
	tap_eq(them(b, MKNOD, TOP "/d/e/young", NULL, S_IFREG | 0644), 0, "libcephfs makes one");
	tap_eq(we(b, RENAME, TOP "/d/e/deep", TOP "/d/high", 0), 0, "ours moves one");
	tap_eq(we(b, SETXATTR, TOP "/d/f", "user.b", 0), 0, "and sets an attribute");
	tap_eq(mode_seen(b, TOP "/d/f"), 0700, "which shows");
	all_same(b, later, "what lives has changed");
	all_same(b, paths, "the snapshot has not");
	tap_eq(mode_seen(b, TOP "/d/.snap/one/f"), 0644, "it has the mode of then");
	both_cold(b);
	all_same(b, paths, "nor when asked afresh");
}

/* What is known of names in a .snap ends when the other client changes them. */
static void turns(struct both *b)
{
	tap_eq(we(b, MKDIR, TOP "/d/.snap/two", NULL, 0755), 0, "ours makes one");
	same(b, TOP "/d/.snap", "both list two");
	same(b, TOP "/d/.snap/two/high", "what was moved before");
	tap_eq(them(b, RENAME, TOP "/d/.snap/two", TOP "/d/.snap/zwei", 0), 0, "libcephfs renames it");
	same(b, TOP "/d/.snap/two", "it has no name");
	same(b, TOP "/d/.snap/zwei/high", "but another one");
	tap_eq(we(b, RENAME, TOP "/d/.snap/zwei", TOP "/d/.snap/2", 0), 0, "ours renames it");
	same(b, TOP "/d/.snap", "both list the new name");
	tap_eq(them(b, RMDIR, TOP "/d/.snap/2", NULL, 0), 0, "libcephfs removes it");
	same(b, TOP "/d/.snap/2/high", "it is gone");
	same(b, TOP "/d/.snap", "and not listed");
	tap_eq(them(b, MKDIR, TOP "/d/.snap/2", NULL, 0755), 0, "libcephfs makes another of that name");
	same(b, TOP "/d/.snap/2", "which both see");
	tap_eq(we(b, RMDIR, TOP "/d/.snap/2", NULL, 0), 0, "ours removes it");
	same(b, TOP "/d/.snap/2", "it is gone");
	same(b, TOP "/d/.snap", "and not listed");
}

/* Snapshots of directories above show below, under names of their own. */
static void inherited(struct both *b)
{
	struct looked l = { .path = TOP "/d/e/.snap" };
	char path[512], name[256];

	tap_eq(we(b, MKDIR, TOP "/.snap/top", NULL, 0755), 0, "one of the directory above");
	tap_eq(them(b, MKDIR, TOP "/d/e/.snap/own", NULL, 0755), 0, "one of the one below");
	same(b, TOP "/.snap", "above");
	same(b, TOP "/d/.snap", "between");
	same(b, TOP "/d/e/.snap", "below");
	same(b, TOP "/.snap/top/d/e", "the long way");
	we_look(b, &l);
	snprintf(name, sizeof name, "_top_%" PRIu64, our_ino(b, TOP));
	tap_ok(strstr(l.names, name) != NULL, "its name is there");
	snprintf(path, sizeof path, TOP "/d/e/.snap/%s", name);
	same(b, path, "by the inherited name");
	tap_eq(we(b, RMDIR, path, NULL, 0), them(b, RMDIR, path, NULL, 0), "it cannot be removed there");
	snprintf(path, sizeof path, TOP "/d/e/.snap/%s/young", name);
	same(b, path, "below it");
	tap_eq(them(b, RMDIR, TOP "/.snap/top", NULL, 0), 0, "it is removed");
	same(b, path, "then it is gone below");
	same(b, TOP "/d/e/.snap", "and not listed");
	tap_eq(we(b, RMDIR, TOP "/d/e/.snap/own", NULL, 0), 0, "and the lower one");
}

/* A directory that moves takes its snapshots along. */
static void moves(struct both *b)
{
	tree(b, TOP "/m");
	tap_eq(them(b, MKDIR, TOP "/m/d/.snap/one", NULL, 0755), 0, "a snapshot");
	same(b, TOP "/m/d/.snap/one/e", "before the move");
	tap_eq(them(b, RENAME, TOP "/m/d", TOP "/m/moved", 0), 0, "libcephfs moves the directory");
	same(b, TOP "/m/d/.snap/one/e", "by its old name");
	same(b, TOP "/m/moved/.snap/one/e/deep", "by its new name");
	tap_eq(we(b, RENAME, TOP "/m/moved", TOP "/m/d", 0), 0, "ours moves it back");
	same(b, TOP "/m/moved/.snap", "by its old name");
	same(b, TOP "/m/d/.snap/one/f", "by its new name");
}

/* ---- what was changed here and not told yet ---- */

static void dirty(struct both *b, const char *name, bool by_us)
{
	char live[256], old[256], snap[256];

	snprintf(live, sizeof live, TOP "/d/%s", name);
	snprintf(snap, sizeof snap, TOP "/d/.snap/%s", name);
	snprintf(old, sizeof old, TOP "/d/.snap/%s/%s", name, name);
	tap_eq(we(b, MKNOD, live, NULL, S_IFREG | 0640), 0, "a file of ours");
	tap_eq(we(b, CHMOD, live, NULL, 0611), 0, "a mode before the snapshot");
	tap_eq(we(b, SETXATTR, live, "user.a", 0), 0, "an attribute before the snapshot");
	tap_eq(by_us ? we(b, MKDIR, snap, NULL, 0755) : them(b, MKDIR, snap, NULL, 0755), 0, "the snapshot");
	tap_eq(we(b, CHMOD, live, NULL, 0777), 0, "a mode after it");
	tap_eq(cephring_sync_removexattr(b->mount, NULL, live, "user.a", 0, &root), 0,
	       "and the attribute goes");
	same(b, old, "in the snapshot");
	same(b, live, "alive");
	tap_eq(mode_seen(b, old), 0611, "the mode of before");
	tap_eq(mode_seen(b, live), 0777, "the mode of after");
	tap_eq(cephring_sync_getxattr(b->mount, NULL, old, "user.a", 0, &root, NULL, 0), 5,
	       "the attribute is there");
	tap_eq(them(b, RMDIR, snap, NULL, 0), 0, "the snapshot is removed");
}

/* ---- references ---- */

static void held(struct both *b)
{
	cephring_inode *dir = NULL, *file = NULL, *snaps = NULL;
	struct cephring_statx st;
	struct cephring_handle h;

	tap_eq(them(b, MKDIR, TOP "/d/.snap/held", NULL, 0755), 0, "a snapshot");
	tap_eq(cephring_sync_lookup(b->mount, NULL, TOP "/d/.snap", 0, &root, &snaps), 0,
	       "a reference to .snap");
	tap_eq(cephring_sync_lookup(b->mount, snaps, "held/e", 0, &root, &dir), 0, "to a directory below it");
	tap_eq(cephring_sync_lookup(b->mount, dir, "../f", 0, &root, &file), 0, "to a file");
	if (!file)
		tap_die("references");
	cephring_handle_of(file, &h);
	tap_ok(h.ino == our_ino(b, TOP "/d/f") && h.snapid < (uint64_t)-2, "which is the live one's twin");
	both_cold(b);
	tap_eq(cephring_sync_statx(b->mount, dir, "young", CEPHRING_STATX_BASIC, CEPHRING_FORCE_SYNC, &root,
				   &st),
	       0, "a name below the directory, asked afresh");
	tap_eq(
	    cephring_sync_statx(b->mount, snaps, "", CEPHRING_STATX_BASIC, CEPHRING_FORCE_SYNC, &root, &st),
	    0, ".snap, asked afresh");
	tap_ok(st.ino == our_ino(b, TOP "/d"), "has its directory's number");
	tap_eq(we(b, CHMOD, TOP "/d", NULL, 0775), 0, "the directory changes");
	tap_eq(cephring_sync_statx(b->mount, snaps, "", CEPHRING_STATX_MODE, 0, &root, &st), 0,
	       ".snap again");
	tap_eq(st.mode & 07777, 0775, "changed with it");
	tap_eq(them(b, RMDIR, TOP "/d/.snap/held", NULL, 0), 0, "the snapshot is removed");
	tap_eq(cephring_sync_statx(b->mount, snaps, "held", CEPHRING_STATX_BASIC, 0, &root, &st), -ENOENT,
	       "it is gone");
	tap_ok(cephring_sync_statx(b->mount, file, "", CEPHRING_STATX_BASIC, CEPHRING_FORCE_SYNC, &root,
				   &st) < 0,
	       "a reference is no way to it any more");
	cephring_put(b->mount, file);
	cephring_put(b->mount, dir);
	cephring_put(b->mount, snaps);
	tap_eq(we(b, CHMOD, TOP "/d", NULL, 0755), 0, "the directory is as before");
}

/* ---- who may ---- */

static void rights(struct both *b)
{
	struct cephring_statx st;
	cephring_file *f;

	tap_eq(cephring_sync_mkdir(b->mount, NULL, TOP "/d/.snap/mine", 0755, 0, &user), -EACCES,
	       "who may not write in a directory makes no snapshot of it");
	tap_eq(cephring_sync_unlink(b->mount, NULL, TOP "/d/.snap/one", CEPHRING_REMOVEDIR, &user), -EACCES,
	       "and removes none");
	tap_eq(cephring_sync_rename(b->mount, NULL, TOP "/d/.snap/one", NULL, TOP "/d/.snap/1", 0, &user),
	       -EACCES, "and renames none");
	tap_eq(cephring_sync_statx(b->mount, NULL, TOP "/d/.snap/one/e/deep", CEPHRING_STATX_BASIC, 0, &user,
				   &st),
	       0, "he passes where he might then");
	tap_eq(cephring_sync_open(b->mount, NULL, TOP "/d/.snap/one/e", O_RDONLY | O_DIRECTORY, 0, NULL,
				  &user, &f),
	       -EACCES, "and reads no directory that he might not");
	tap_eq(cephring_sync_open(b->mount, NULL, TOP "/d/.snap/one/e/deep", O_RDONLY, 0, NULL, &user, &f),
	       -EACCES, "nor a file");
	tap_eq(them(b, CHMOD, TOP "/d", NULL, 0700), 0, "the live directory is closed");
	tap_eq(cephring_sync_statx(b->mount, NULL, TOP "/d/.snap/one", CEPHRING_STATX_BASIC, 0, &user, &st),
	       -EACCES, "and so is the way to its snapshots");
	tap_eq(them(b, CHMOD, TOP "/d", NULL, 01777), 0, "anybody may write in it");
	tap_eq(cephring_sync_mkdir(b->mount, NULL, TOP "/d/.snap/mine", 0755, 0, &user), 0,
	       "and make a snapshot");
	tap_eq(cephring_sync_unlink(b->mount, NULL, TOP "/d/.snap/mine", CEPHRING_REMOVEDIR, &user), -EPERM,
	       "but its owner alone removes it");
	tap_eq(we(b, RMDIR, TOP "/d/.snap/mine", NULL, 0), 0, "and does");
	tap_eq(we(b, CHMOD, TOP "/d", NULL, 0755), 0, "the directory is as before");
}

/* A key without the flag `s`. */
static void no_flag(struct both *b)
{
	const struct cephring_mount_opts opts = { .size = sizeof opts, .cred = &root };
	cephring_config *c;
	cephring_mount *m;
	char *key;

	free(ceph_says("auth get-or-create client.nosnap mon 'allow r' mgr 'allow r' mds 'allow rw'"));
	key = ceph_says("auth get-key client.nosnap");
	cephring_config_new(&c);
	cephring_config_set(c, "id", "nosnap");
	cephring_config_set(c, "key", key);
	if (cephring_config_load(c) || cephring_sync_mount(b->engine, c, &opts, &m))
		tap_die("a client without the right to snapshots mounts");
	tap_eq(cephring_sync_mkdir(m, NULL, TOP "/d/.snap/no", 0755, 0, &root), -EACCES,
	       "no snapshots with that key");
	tap_eq(cephring_sync_unlink(m, NULL, TOP "/d/.snap/one", CEPHRING_REMOVEDIR, &root), -EACCES,
	       "to remove");
	tap_eq(cephring_sync_rename(m, NULL, TOP "/d/.snap/one", NULL, TOP "/d/.snap/1", 0, &root), -EACCES,
	       "to rename");
	tap_eq(cephring_sync_unmount(m), 0, "it unmounts");
	cephring_config_free(c);
	free(key);
}

/* ---- metadata ---- */

struct their_info {
	const char *path;
	struct snap_info info;
	struct snap_metadata *give;
	size_t count;
};

static int their_mksnap(struct ceph_mount_info *cm, void *arg)
{
	struct their_info *t = arg;

	return ceph_mksnap(cm, TOP "/d", t->path, 0755, t->give, t->count);
}

static int their_snap_info(struct ceph_mount_info *cm, void *arg)
{
	struct their_info *t = arg;

	return ceph_get_snap_info(cm, t->path, &t->info);
}

static void metadata(struct both *b)
{
	const struct cephring_kv kv[] = { { "why", "because" }, { "empty", "" }, { "who", "ours" } };
	struct snap_metadata theirs[] = { { "a", "1" }, { "b", "22" } };
	struct their_info t = { .path = TOP "/d/.snap/told" };
	struct cephring_snap_info got;
	int64_t id = cephring_sync_mksnap(b->mount, NULL, TOP "/d", "told", 0755, kv, 3, &root);
	char *big = malloc(5000);

	tap_ok(id > 0, "ours makes one with metadata");
	tap_eq(they(b, their_snap_info, &t), 0, "libcephfs knows it");
	tap_ok((int64_t)t.info.id == id && t.info.nr_snap_metadata == 3 &&
		   !strcmp(t.info.snap_metadata[1].key, "who") &&
		   !strcmp(t.info.snap_metadata[1].value, "ours"),
	       "its number and what it was made with");
	ceph_free_snap_info_buffer(&t.info);
	tap_eq(cephring_sync_snap_info(b->mount, NULL, TOP "/d/.snap/told", &root, &got), 0, "ours knows it");
	tap_ok((int64_t)got.snapid == id && got.count == 3 &&
		   !memcmp(got.text, "empty\0\0who\0ours\0why\0because", 27),
	       "likewise");
	t = (struct their_info){ .path = "theirs", .give = theirs, .count = 2 };
	tap_eq(they(b, their_mksnap, &t), 0, "libcephfs makes one with metadata");
	tap_eq(cephring_sync_snap_info(b->mount, NULL, TOP "/d/.snap/theirs", &root, &got), 0,
	       "ours knows it");
	tap_ok(got.count == 2 && !memcmp(got.text,
					 "a\0"
					 "1\0b\0"
					 "22",
					 8),
	       "and what it was made with");
	tap_eq(cephring_sync_snap_info(b->mount, NULL, TOP "/d/.snap/one", &root, &got), 0, "one without");
	tap_ok(got.count == 0 && got.snapid, "has a number alone");
	tap_eq(cephring_sync_snap_info(b->mount, NULL, TOP "/d", &root, &got), -EINVAL,
	       "the live directory is none");
	tap_eq(cephring_sync_snap_info(b->mount, NULL, TOP "/d/.snap", &root, &got), -EINVAL, "nor is .snap");
	memset(big, 'x', 4999);
	big[4999] = '\0';
	tap_ok(cephring_sync_mksnap(b->mount, NULL, TOP "/d", "big", 0755, &(struct cephring_kv){ "k", big },
				    1, &root) > 0,
	       "more metadata than fits");
	tap_eq(cephring_sync_snap_info(b->mount, NULL, TOP "/d/.snap/big", &root, &got), -ERANGE,
	       "is refused");
	free(big);
	tap_eq(cephring_sync_mksnap(b->mount, NULL, TOP "/d", "told", 0755, NULL, 0, &root), -EEXIST,
	       "the name is taken");
	tap_eq(cephring_sync_mksnap(b->mount, NULL, TOP "/d", "_x", 0755, NULL, 0, &root), -EINVAL,
	       "a name with _");
	tap_eq(cephring_sync_mksnap(b->mount, NULL, TOP "/d", "a/b", 0755, NULL, 0, &root), -EINVAL,
	       "with a slash");
	tap_eq(cephring_sync_mksnap(b->mount, NULL, TOP "/d/f", "x", 0755, NULL, 0, &root), -ENOTDIR,
	       "of a file");
	tap_eq(cephring_sync_mksnap(b->mount, NULL, TOP "/d/.snap/one", "x", 0755, NULL, 0, &root), -ENOENT,
	       "of a snapshot");
	for (const char *const *p = (const char *const[]){ "told", "theirs", "big", NULL }; *p; p++) {
		char path[64];

		snprintf(path, sizeof path, TOP "/d/.snap/%s", *p);
		tap_eq(we(b, RMDIR, path, NULL, 0), 0, "it is removed");
	}
}

/* ---- many ---- */

enum { MANY = 900 };

static int many_made(struct ceph_mount_info *cm, void *arg)
{
	char path[128];
	int err = 0;

	for (int n = 0; n < MANY && !err; n++) {
		snprintf(path, sizeof path, "%s/.snap/s%04d", (const char *)arg, n);
		err = ceph_mkdir(cm, path, 0755);
	}
	return err;
}

static void many(struct both *b)
{
	struct looked l = { .path = TOP "/many/.snap" };
	cephring_file *f;
	char buf[1024], seen[MANY] = { 0 };
	int64_t n, total = 0;
	int twice = 0, num;

	they_do(b, THEY_MKDIR, TOP "/many", NULL, 0755);
	devcluster("ceph config set mds mds_max_snaps_per_dir %d 2>/dev/null", MANY);
	tap_eq(they(b, many_made, (void *)(TOP "/many")), 0, "as many snapshots as are allowed");
	tap_eq(we(b, MKDIR, TOP "/many/.snap/more", NULL, 0755), -EMLINK, "one more is too many");
	tap_eq(cephring_sync_open(b->mount, NULL, l.path, O_RDONLY | O_DIRECTORY, 0, NULL, &root, &f), 0,
	       "they are listed");
	while ((n = cephring_sync_readdir(f, buf, sizeof buf)) > 0)
		for (int64_t at = 0; at < n;) {
			struct cephring_dirent *e = (struct cephring_dirent *)(buf + at);

			if (sscanf(e->name, "s%d", &num) == 1) {
				twice += seen[num]++;
				total++;
			}
			at += e->reclen;
		}
	tap_ok(n == 0 && total == MANY && !twice, "each once");
	tap_note("%" PRId64 " listed, %d twice", total, twice);
	cephring_sync_close(f);
	same(b, TOP "/many/.snap/s0899", "the newest");
	devcluster("ceph config rm mds mds_max_snaps_per_dir 2>/dev/null");
}

int main(void)
{
	const struct cephring_mount_opts opts = { .size = sizeof opts, .cred = &root };
	struct both *b = both_new(NULL, &opts);
	int status;

	twin_steps(b);
	snapdir_itself(b);
	looks(b);
	turns(b);
	inherited(b);
	moves(b);
	dirty(b, "by_them", false);
	dirty(b, "by_us", true);
	held(b);
	rights(b);
	no_flag(b);
	metadata(b);
	many(b);
	both_free_ours(b);
	/* libcephfs saw the .snap of directories that are gone: with Ceph 20 it would wait for ever in
	 * whatever lets go of the mount. */
	status = tap_end();
	fflush(stdout);
	_exit(status);
}
