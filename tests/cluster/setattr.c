/* cluster: --mds 1; timeout: 400 */
/* chmod, chown, utimens and truncate: for every kind of file and every kind of caller as libcephfs does, on
 * twins; what ours changes the other sees; under exclusive caps nothing is sent; limits and quotas. */
#include <sys/sysmacros.h>
#include "ours.h"
#include "twins.h"

#define TOP "/setattr"

enum { OLD_S = 1500000000, SIZE = 10 };

static const struct cephring_cred root = { 0 }, owner = { .uid = OWNER, .gid = OWNER },
				  stranger = { .uid = STRANGER, .gid = STRANGER };

/* ---- the twins ---- */

static const struct item {
	const char *name;
	uint32_t mode;
} items[] = {
	{ "file644", S_IFREG | 0644 },    { "file666", S_IFREG | 0666 },  { "file464", S_IFREG | 0464 },
	{ "suid", S_IFREG | 04755 },      { "suidnox", S_IFREG | 04644 }, { "sgid", S_IFREG | 02775 },
	{ "sgidnox", S_IFREG | 02664 },   { "dir755", S_IFDIR | 0755 },   { "dirsgid", S_IFDIR | 02775 },
	{ "dirsticky", S_IFDIR | 01777 }, { "fifo", S_IFIFO | 0664 },     { "link", S_IFLNK | 0777 },
};
enum { ITEMS = sizeof items / sizeof *items };

#define SET(bits, ...)                                                                                       \
	{                                                                                                    \
		.struct_size = sizeof(struct cephring_setattr), .set = bits, __VA_ARGS__                     \
	}

static const struct change {
	const char *name;
	struct cephring_setattr set;
} changes[] = {
	{ "mode 600", SET(CEPHRING_SET_MODE, .mode = 0600) },
	{ "mode 644", SET(CEPHRING_SET_MODE, .mode = 0644) },
	{ "mode 4755", SET(CEPHRING_SET_MODE, .mode = 04755) },
	{ "mode 2775", SET(CEPHRING_SET_MODE, .mode = 02775) },
	{ "mode 1777", SET(CEPHRING_SET_MODE, .mode = 01777) },
	{ "mode 0", SET(CEPHRING_SET_MODE, .mode = 0) },
	{ "same owner", SET(CEPHRING_SET_UID, .uid = OWNER) },
	{ "another owner", SET(CEPHRING_SET_UID, .uid = STRANGER) },
	{ "same group", SET(CEPHRING_SET_GID, .gid = OWNER) },
	{ "group 1003", SET(CEPHRING_SET_GID, .gid = EXTRA) },
	{ "group 1000", SET(CEPHRING_SET_GID, .gid = STRANGER) },
	{ "same owner, group 1003", SET(CEPHRING_SET_UID | CEPHRING_SET_GID, .uid = OWNER, .gid = EXTRA) },
	{ "another owner and group",
	  SET(CEPHRING_SET_UID | CEPHRING_SET_GID, .uid = STRANGER, .gid = STRANGER) },
	{ "group 1003, mode 2755", SET(CEPHRING_SET_GID | CEPHRING_SET_MODE, .gid = EXTRA, .mode = 02755) },
	{ "size 0", SET(CEPHRING_SET_SIZE, .size = 0) },
	{ "size 10", SET(CEPHRING_SET_SIZE, .size = SIZE) },
	{ "size 100", SET(CEPHRING_SET_SIZE, .size = 100) },
	{ "a size too large", SET(CEPHRING_SET_SIZE, .size = (1ull << 40) + 1) },
	{ "size 5, mode 640", SET(CEPHRING_SET_SIZE | CEPHRING_SET_MODE, .size = 5, .mode = 0640) },
	{ "atime", SET(CEPHRING_SET_ATIME, .atime_ns = 1600000000123456789) },
	{ "mtime", SET(CEPHRING_SET_MTIME, .mtime_ns = 1600000000123456789) },
	{ "an earlier mtime", SET(CEPHRING_SET_MTIME, .mtime_ns = 1400000000000000001) },
	{ "both times", SET(CEPHRING_SET_ATIME | CEPHRING_SET_MTIME, .atime_ns = 1400000000000000002,
			    .mtime_ns = 1600000000000000003) },
	{ "atime now", SET(CEPHRING_SET_ATIME_NOW) },
	{ "mtime now", SET(CEPHRING_SET_MTIME_NOW) },
	{ "both now", SET(CEPHRING_SET_ATIME_NOW | CEPHRING_SET_MTIME_NOW) },
	{ "atime now, an mtime",
	  SET(CEPHRING_SET_ATIME_NOW | CEPHRING_SET_MTIME, .mtime_ns = 1500000000000000000) },
	{ "nothing", SET(0) },
};
enum { CHANGES = sizeof changes / sizeof *changes };

static const char *path_of(bool ours, const struct item *it)
{
	static char path[2][128];

	snprintf(path[ours], sizeof path[ours], TOP "/%s/%s", ours ? "ours" : "theirs", it->name);
	return path[ours];
}

/* ---- as it was ---- */

static int make_item(struct ceph_mount_info *cm, const struct item *it, const char *path)
{
	switch (it->mode & S_IFMT) {
	case S_IFDIR:
		return ceph_mkdir(cm, path, 0755);
	case S_IFLNK:
		return ceph_symlink(cm, "file644", path);
	case S_IFREG:
		return their_create(cm, path, 0644);
	default:
		return ceph_mknod(cm, path, it->mode & (S_IFMT | 0777), 0);
	}
}

static int make_all(struct ceph_mount_info *cm, void *arg)
{
	int err = their_rm_r(cm, TOP);

	(void)arg;
	err = err ? err : ceph_mkdir(cm, TOP, 0755);
	err = err ? err : ceph_mkdir(cm, TOP "/ours", 0755);
	err = err ? err : ceph_mkdir(cm, TOP "/theirs", 0755);
	for (int n = 0; n < 2 * ITEMS && !err; n++)
		err = make_item(cm, &items[n / 2], path_of(n & 1, &items[n / 2]));
	return err;
}

static int reset(struct ceph_mount_info *cm, const struct item *it, const char *path)
{
	int mask = CEPH_SETATTR_UID | CEPH_SETATTR_GID | CEPH_SETATTR_ATIME | CEPH_SETATTR_MTIME |
		   CEPH_SETATTR_MODE | (S_ISREG(it->mode) ? CEPH_SETATTR_SIZE : 0);
	struct ceph_statx st = { .stx_mode = it->mode & 07777,
				 .stx_uid = OWNER,
				 .stx_gid = OWNER,
				 .stx_size = SIZE,
				 .stx_atime = { .tv_sec = OLD_S },
				 .stx_mtime = { .tv_sec = OLD_S } };
	int err = S_ISREG(it->mode) ? ceph_setattrx(cm, path, &st, CEPH_SETATTR_SIZE, 0) : 0;

	return err ? err : ceph_setattrx(cm, path, &st, mask & ~CEPH_SETATTR_SIZE, AT_SYMLINK_NOFOLLOW);
}

/* ---- one comparison ---- */

struct pair {
	const struct item *item;
	const struct change *change;
	const struct cephring_cred *who;
	struct ceph_statx ours, theirs; /* as the other client sees them */
};

static int reset_and_set(struct ceph_mount_info *cm, void *arg)
{
	struct pair *p = arg;
	struct their_setattr t = { path_of(false, p->item), &p->change->set, p->who, true };

	if (reset(cm, p->item, path_of(true, p->item)) || reset(cm, p->item, path_of(false, p->item)))
		return -EIO;
	return their_setattr(cm, &t);
}

static int look_at_both(struct ceph_mount_info *cm, void *arg)
{
	struct pair *p = arg;
	const unsigned want = CEPH_STATX_BASIC_STATS;
	int err = ceph_statx(cm, path_of(true, p->item), &p->ours, want, AT_SYMLINK_NOFOLLOW);

	return err ? err : ceph_statx(cm, path_of(false, p->item), &p->theirs, want, AT_SYMLINK_NOFOLLOW);
}

static int64_t ns_of(const struct timespec *t)
{
	return t->tv_sec * 1000000000ll + t->tv_nsec;
}

static bool is_new(const struct timespec *t)
{
	return ns_of(t) > OLD_S * 1000000000ll;
}

/* Clocks run on between the two calls: of what was set to "now", only that it was. */
static bool same_time(const struct timespec *a, const struct timespec *b, bool now)
{
	return now ? is_new(a) == is_new(b) : ns_of(a) == ns_of(b);
}

/* Both are as they were, or both became the same. */
static bool alike(const struct pair *p)
{
	const struct ceph_statx *a = &p->ours, *b = &p->theirs;
	uint32_t set = p->change->set.set;

	if (a->stx_mode != b->stx_mode || a->stx_uid != b->stx_uid || a->stx_gid != b->stx_gid)
		return false;
	if (!S_ISDIR(a->stx_mode) && a->stx_size != b->stx_size)
		return false;
	if ((set & CEPHRING_SET_SIZE) &&
	    p->change->set.size == SIZE) /* libcephfs changes the time all the same */
		return true;
	return same_time(&a->stx_atime, &b->stx_atime, (set & CEPHRING_SET_ATIME_NOW) != 0) &&
	       same_time(&a->stx_mtime, &b->stx_mtime,
			 (set & (CEPHRING_SET_MTIME_NOW | CEPHRING_SET_SIZE)) != 0);
}

/* What ours sees itself. */
static bool seen_here(struct both *b, const struct pair *p)
{
	struct cephring_statx st;

	if (cephring_sync_statx(b->mount, NULL, path_of(true, p->item), CEPHRING_STATX_BASIC,
				CEPHRING_NOFOLLOW, &root, &st))
		return false;
	return st.mode == p->ours.stx_mode && st.uid == p->ours.stx_uid && st.gid == p->ours.stx_gid &&
	       (S_ISDIR(st.mode) || st.size == p->ours.stx_size) &&
	       st.atime_ns == ns_of(&p->ours.stx_atime) && st.mtime_ns == ns_of(&p->ours.stx_mtime) &&
	       st.ctime_ns == ns_of(&p->ours.stx_ctime);
}

/* Where libcephfs is at fault: it gives directories and pipes a size, and lets a program keep its setid bits
 * when somebody else than the superuser cuts it, if it happens to hold the right caps (Linux never does). */
static bool has_no_size(const struct item *it, const struct change *c)
{
	return (c->set.set & CEPHRING_SET_SIZE) && !S_ISREG(it->mode);
}

static bool loses_setid(const struct pair *p, int res)
{
	return !res && (p->change->set.set & CEPHRING_SET_SIZE) &&
	       !(p->change->set.set & CEPHRING_SET_MODE) && p->who->uid && (p->item->mode & 06000) &&
	       (p->item->mode & 0111);
}

static bool compare(struct both *b, const struct item *it, const struct change *c, const struct twin_user *u)
{
	static const struct change nothing = { .set = { .struct_size = sizeof(struct cephring_setattr) } };
	bool sizeless = has_no_size(it, c), same;
	struct pair p = { .item = it, .change = sizeless ? &nothing : c, .who = &u->cred };
	int theirs = they(b, reset_and_set, &p), ours;

	if (sizeless)
		theirs = S_ISDIR(it->mode) ? -EISDIR : -EINVAL;
	ours = cephring_sync_setattr(b->mount, NULL, path_of(true, it), &c->set, CEPHRING_NOFOLLOW, &u->cred);
	if (they(b, look_at_both, &p))
		tap_die("the twins");
	if (loses_setid(&p, ours))
		p.theirs.stx_mode &= ~06000;
	same = ours == theirs && alike(&p) && seen_here(b, &p);
	if (!same)
		tap_note("%s: ours %d, libcephfs %d; then %o %u:%u %" PRIu64 " and %o %u:%u %" PRIu64 "%s",
			 u->name, ours, theirs, p.ours.stx_mode, p.ours.stx_uid, p.ours.stx_gid,
			 p.ours.stx_size, p.theirs.stx_mode, p.theirs.stx_uid, p.theirs.stx_gid,
			 p.theirs.stx_size, seen_here(b, &p) ? "" : "; we see it otherwise");
	return same;
}

static void matrix(struct both *b)
{
	for (int i = 0; i < ITEMS; i++)
		for (int c = 0; c < CHANGES; c++) {
			bool same = true;

			for (int u = 0; u < TWIN_USERS; u++)
				same &= compare(b, &items[i], &changes[c], &twin_users[u]);
			tap_ok(same, "%s: %s", items[i].name, changes[c].name);
		}
}

/* ---- under exclusive caps ---- */

struct seen {
	const char *path;
	struct ceph_statx st;
};

static int their_look(struct ceph_mount_info *cm, void *arg)
{
	struct seen *s = arg;

	return ceph_statx(cm, s->path, &s->st, CEPH_STATX_BASIC_STATS, 0);
}

static uint64_t requests(struct both *b)
{
	struct cephring_stats s = { .size = sizeof s };

	cephring_stats(b->mount, &s);
	return s.mds_requests;
}

static int set_as(struct both *b, const char *path, const struct cephring_cred *who,
		  struct cephring_setattr s)
{
	s.struct_size = sizeof s;
	return cephring_sync_setattr(b->mount, NULL, path, &s, 0, who);
}

/* One call that must not be told now. */
static void set_here(struct both *b, const char *path, const struct cephring_cred *who,
		     struct cephring_setattr s, const char *name)
{
	uint64_t before = requests(b);

	tap_eq(set_as(b, path, who, s), 0, name);
	tap_eq((long long)(requests(b) - before), 0, name);
}

#define HERE TOP "/here"

static void all_here(struct both *b, const char *path)
{
	set_here(b, path, &root, (struct cephring_setattr){ .set = CEPHRING_SET_MODE, .mode = 04711 },
		 "a mode is set here");
	set_here(b, path, &root,
		 (struct cephring_setattr){
		     .set = CEPHRING_SET_UID | CEPHRING_SET_GID, .uid = OWNER, .gid = EXTRA },
		 "an owner is set here");
	set_here(b, path, &root, (struct cephring_setattr){ .set = CEPHRING_SET_SIZE, .size = 12345 },
		 "a larger size is set here");
	set_here(b, path, &root,
		 (struct cephring_setattr){ .set = CEPHRING_SET_ATIME | CEPHRING_SET_MTIME,
					    .atime_ns = 1400000000000000005,
					    .mtime_ns = 1300000000000000006 },
		 "earlier times are set here");
}

static void seen_by_the_other(struct both *b, const char *path)
{
	struct seen s = { .path = path };
	struct cephring_statx st;

	tap_eq(cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_ALL, 0, &root, &st), 0, "ours looks");
	tap_eq(they(b, their_look, &s), 0, "the other looks");
	tap_eq(s.st.stx_mode, S_IFREG | 0711, "its mode, without setuid since the owner changed");
	tap_eq(s.st.stx_uid, OWNER, "its owner");
	tap_eq(s.st.stx_gid, EXTRA, "its group");
	tap_eq((long long)s.st.stx_size, 12345, "its size");
	tap_eq(ns_of(&s.st.stx_atime), 1400000000000000005, "its access time");
	tap_eq(ns_of(&s.st.stx_mtime), 1300000000000000006, "its modification time");
	tap_eq(ns_of(&s.st.stx_ctime), st.ctime_ns, "its change time is ours");
	tap_ok(st.mode == s.st.stx_mode && st.size == 12345 && st.mtime_ns == 1300000000000000006,
	       "ours saw the same before");
}

static void here(struct both *b)
{
	cephring_file *f;
	uint64_t before;

	tap_eq(cephring_sync_open(b->mount, NULL, HERE, O_RDWR | O_CREAT | O_EXCL, 0644, NULL, &root, &f), 1,
	       "a file is made and open");
	all_here(b, HERE);
	seen_by_the_other(b, HERE);
	tap_eq(set_as(b, HERE, &root, (struct cephring_setattr){ .set = CEPHRING_SET_SIZE, .size = 7 }), 0,
	       "a smaller size is asked for");
	tap_eq(cephring_sync_close(f), 0, "closed");
	tap_eq(cephring_sync_open(b->mount, NULL, HERE "2", O_RDWR | O_CREAT | O_EXCL, 0644, NULL, &root, &f),
	       1, "another file");
	set_here(b, HERE "2", &root, (struct cephring_setattr){ .set = CEPHRING_SET_UID, .uid = OWNER },
		 "given away here");
	before = requests(b);
	tap_eq(
	    set_as(b, HERE "2", &owner, (struct cephring_setattr){ .set = CEPHRING_SET_MODE, .mode = 0600 }),
	    0, "its new owner changes it");
	tap_ok(requests(b) > before, "another caller's change is not mixed into what is to be told");
	set_here(b, HERE "2", &owner, (struct cephring_setattr){ .set = CEPHRING_SET_MODE, .mode = 0600 },
		 "what is so already is not asked for");
	tap_eq(cephring_sync_fsync(f, 0), 0, "told");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* A directory of ours, too. */
static void directory(struct both *b)
{
	const char *path = TOP "/heredir";
	struct seen s = { .path = path };

	tap_eq(cephring_sync_mkdir(b->mount, NULL, path, 0755, 0, &root), 0, "a directory is made");
	set_here(b, path, &root, (struct cephring_setattr){ .set = CEPHRING_SET_MODE, .mode = 01700 },
		 "its mode is set here");
	set_here(b, path, &root,
		 (struct cephring_setattr){ .set = CEPHRING_SET_MTIME, .mtime_ns = 1300000000000000007 },
		 "its time is set here");
	tap_eq(they(b, their_look, &s), 0, "the other looks");
	tap_eq(s.st.stx_mode, S_IFDIR | 01700, "its mode");
	tap_eq(ns_of(&s.st.stx_mtime), 1300000000000000007, "its time");
}

#define LEFT TOP "/left"

/* Another mount of ours comes, changes something, and goes. On a thread: the first one must be served, for it
 * may hold what this one wants. */
static int come_and_go(struct ceph_mount_info *cm, void *arg)
{
	struct cephring_setattr set = { .struct_size = sizeof set, .set = CEPHRING_SET_MODE, .mode = 0751 };
	cephring_file *f;
	struct ours o;

	(void)cm;
	(void)arg;
	tap_eq(ours_mount(&o, NULL, NULL), 0, "another mount of ours");
	tap_eq(cephring_sync_open(o.mount, NULL, LEFT, O_RDWR | O_CREAT | O_EXCL, 0644, NULL, &root, &f), 1,
	       "a file is made");
	tap_eq(cephring_sync_setattr(o.mount, NULL, LEFT, &set, 0, &root), 0, "its mode is set");
	tap_eq(cephring_sync_close(f), 0, "closed");
	ours_end(&o);
	return 0;
}

/* What was changed here and not told yet is told before the mount ends. */
static void leaving(struct both *b)
{
	struct seen s = { .path = LEFT };

	they(b, come_and_go, NULL);
	tap_eq(they(b, their_look, &s), 0, "the other looks");
	tap_eq(s.st.stx_mode, S_IFREG | 0751, "its mode");
}

/* ---- by an open file ---- */

static int by_file(struct both *b, cephring_file *f, cephring_file *at, uint64_t size)
{
	struct cephring_setattr s = {
		.struct_size = sizeof s, .set = CEPHRING_SET_SIZE, .size = size, .file = f
	};

	return cephring_sync_setattr(b->mount, cephring_file_inode(at), "", &s, 0, &stranger);
}

static void files(struct both *b)
{
	cephring_file *w, *r, *p, *other;
	struct cephring_statx st;

	tap_eq(cephring_sync_open(b->mount, NULL, HERE "3", O_WRONLY | O_CREAT | O_EXCL, 0, NULL, &owner, &w),
	       -EACCES, "the directory is the superuser's");
	tap_eq(set_as(b, TOP, &root, (struct cephring_setattr){ .set = CEPHRING_SET_MODE, .mode = 0777 }), 0,
	       "it is everybody's");
	tap_eq(cephring_sync_open(b->mount, NULL, HERE "3", O_WRONLY | O_CREAT | O_EXCL, 0, NULL, &owner, &w),
	       1, "a file nobody may open");
	tap_eq(cephring_sync_open(b->mount, NULL, HERE "3", O_RDONLY, 0, NULL, &root, &r), 0,
	       "but the superuser");
	tap_eq(cephring_sync_open(b->mount, NULL, HERE "3", O_PATH, 0, NULL, &root, &p), 0, "or as a path");
	tap_eq(cephring_sync_open(b->mount, NULL, HERE, O_RDONLY, 0, NULL, &root, &other), 0, "another file");
	tap_eq(
	    set_as(b, HERE "3", &stranger, (struct cephring_setattr){ .set = CEPHRING_SET_SIZE, .size = 9 }),
	    -EACCES, "nobody may cut it");
	tap_eq(by_file(b, w, w, 99), 0, "but by the file that is open for writing");
	tap_eq(by_file(b, r, r, 99), -EINVAL, "not for reading");
	tap_eq(by_file(b, p, p, 99), -EBADF, "nor as a path");
	tap_eq(by_file(b, w, other, 99), -EINVAL, "nor by another file");
	tap_eq(
	    cephring_sync_statx(b->mount, cephring_file_inode(w), NULL, CEPHRING_STATX_SIZE, 0, &root, &st),
	    0, "looked at");
	tap_eq((long long)st.size, 99, "the size");
	tap_eq(cephring_sync_close(w), 0, "closed");
	tap_eq(cephring_sync_close(r), 0, "closed");
	tap_eq(cephring_sync_close(p), 0, "closed");
	tap_eq(cephring_sync_close(other), 0, "closed");
}

/* ---- limits ---- */

/* Stays, and each run makes a snapshot of its own: libcephfs does not end if it removed a directory whose
 * .snap it saw, or looked there for what was not. */
#define LIMITED TOP "_limited"

static char past[64];

static int make_limited(struct ceph_mount_info *cm, void *arg)
{
	int err = ceph_mkdir(cm, LIMITED, 0755);

	(void)arg;
	snprintf(past, sizeof past, LIMITED "/.snap/%" PRIu64, now_ns());
	ceph_unlink(cm, LIMITED "/file");
	err = err == -EEXIST ? 0 : err;
	err = err ? err : ceph_setxattr(cm, LIMITED, "ceph.quota.max_bytes", "1048576", 7, 0);
	err = err ? err : their_create(cm, LIMITED "/file", 0644);
	return err ? err : ceph_mkdir(cm, past, 0755);
}

static int end_limited(struct ceph_mount_info *cm, void *arg)
{
	(void)arg;
	return ceph_rmdir(cm, past);
}

static int size_of(struct both *b, const char *path, uint64_t size)
{
	return set_as(b, path, &root, (struct cephring_setattr){ .set = CEPHRING_SET_SIZE, .size = size });
}

static int64_t max_s(struct both *b, const char *path, int64_t ns)
{
	struct cephring_statx st;
	int err =
	    set_as(b, path, &root, (struct cephring_setattr){ .set = CEPHRING_SET_MTIME, .mtime_ns = ns });

	err = err ? err : cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_MTIME, 0, &root, &st);
	return err ? err : st.mtime_ns / 1000000000;
}

static void limits(struct both *b)
{
	char file[80];

	tap_eq(they(b, make_limited, NULL), 0, "a directory with a quota, and a snapshot");
	tap_eq(size_of(b, LIMITED "/file", 1048577), -EDQUOT, "more than it may hold");
	tap_eq(size_of(b, LIMITED "/file", 1048576), 0, "as much as it may hold");
	tap_eq(size_of(b, LIMITED "/file", 5), 0, "less");
	tap_eq(size_of(b, LIMITED "/file", 1 << 21), -EDQUOT, "and more again");
	tap_eq(size_of(b, HERE, INT64_MAX + 1ull), -EINVAL, "no size at all");
	tap_eq(size_of(b, HERE, INT64_MAX), -EFBIG, "a size beyond the file system's");
	snprintf(file, sizeof file, "%s/file", past);
	tap_eq(set_as(b, file, &root, (struct cephring_setattr){ .set = CEPHRING_SET_MODE, .mode = 0600 }),
	       -EROFS, "the past cannot be changed");
	tap_eq(they(b, end_limited, NULL), 0, "the past is gone");
	tap_eq(set_as(b, HERE, &root, (struct cephring_setattr){ .set = CEPHRING_SET_UID, .uid = -1 }),
	       -EINVAL, "nobody's file");
	tap_eq(max_s(b, HERE, -5000000000), 0, "times before all time");
	tap_eq(max_s(b, HERE, INT64_MAX), UINT32_MAX, "and behind it");
}

int main(void)
{
	struct both *b = both_new(NULL, NULL);

	if (they(b, make_all, NULL))
		tap_die("the twins are made");
	here(b);
	directory(b);
	leaving(b);
	files(b);
	limits(b);
	matrix(b);
	both_free(b);
	return tap_end();
}
