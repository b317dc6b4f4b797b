/* cluster: --mds 1 */
/* Walks with an end that is known: every shape of path, cold, warm and from the cache alone, and as libcephfs
 * sees it. */
#include "walked.h"

#define TOP "/walk"

enum { DEEP = 40, LINKS = 42 };

static const uint32_t groups[] = { 7, 2000, 9 };
static const struct cephring_cred root = { 0 }, user = { 1000, 1000, 0, NULL, 0 },
				  member = { 1000, 1000, 3, groups, 0 };
static const struct cephring_cred grouped = { 1001, 0, 0, NULL, 0 }, other = { 1001, 1001, 0, NULL, 0 };

/* ---- the tree ---- */

static int their_tree(struct ceph_mount_info *cm, void *arg)
{
	char path[4096] = TOP "/deep", link[128], to[128];
	int err = their_rm_r(cm, TOP);

	(void)arg;
	err = err ? err : ceph_mkdir(cm, TOP, 0755);
	err = err ? err : ceph_mkdirs(cm, TOP "/a/b/c/d", 0755);
	err = err ? err : their_create(cm, TOP "/a/b/c/d/file", 0644);
	err = err ? err : their_create(cm, TOP "/a/b/plain", 0755);
	err = err ? err : ceph_symlink(cm, TOP "/a/b", TOP "/absolute");
	err = err ? err : ceph_symlink(cm, "a/b", TOP "/relative");
	err = err ? err : ceph_symlink(cm, "../../a/b/c", TOP "/a/b/up");
	err = err ? err : ceph_symlink(cm, "nowhere/at/all", TOP "/a/dangling");
	err = err ? err : ceph_symlink(cm, "loop2", TOP "/loop1");
	err = err ? err : ceph_symlink(cm, "loop1", TOP "/loop2");
	err = err ? err : ceph_symlink(cm, "/", TOP "/to_root");
	err = err ? err : ceph_symlink(cm, ".", TOP "/to_dot");
	err = err ? err : ceph_symlink(cm, "a/b/plain", TOP "/to_file");
	err = err ? err : ceph_symlink(cm, "a/b/", TOP "/to_slash");
	err = err ? err : ceph_symlink(cm, "end", TOP "/chain0");
	for (int n = 1; n < LINKS && !err; n++) {
		snprintf(link, sizeof link, TOP "/chain%d", n);
		snprintf(to, sizeof to, "chain%d", n - 1);
		err = ceph_symlink(cm, to, link);
	}
	err = err ? err : their_create(cm, TOP "/end", 0644);
	err = err ? err : ceph_mkdirs(cm, TOP "/closed/in/deeper", 0755);
	err = err ? err : their_create(cm, TOP "/closed/in/deeper/file", 0644);
	err = err ? err : ceph_chmod(cm, TOP "/closed", 0700);
	err = err ? err : ceph_mkdirs(cm, TOP "/team/in", 0755);
	err = err ? err : their_create(cm, TOP "/team/in/file", 0644);
	err = err ? err : ceph_chown(cm, TOP "/team", 0, 2000);
	err = err ? err : ceph_chmod(cm, TOP "/team", 0710);
	err = err ? err : ceph_mkdirs(cm, TOP "/own/in", 0755);
	err = err ? err : ceph_chown(cm, TOP "/own", 1000, 0);
	err = err ? err : ceph_chmod(cm, TOP "/own", 0077);
	for (int n = 0; n < DEEP && !err; n++) {
		err = ceph_mkdir(cm, path, 0755);
		snprintf(path + strlen(path), 8, "/d%d", n);
	}
	return err;
}

/* ---- shapes ---- */

/* `want`: 0 or the error; what is more is compared with libcephfs. */
static void walk_one(struct both *b, const char *path, int flags, const struct cephring_cred *who, int want,
		     bool compare, const char *name)
{
	struct walked w;
	bool ok = walked_compare(b, path, flags, who, true, compare, &w);

	if (w.cold.err != want) {
		tap_note("cold: %d, wanted %d", w.cold.err, want);
		ok = false;
	}
	tap_ok(ok, "%s (uid %u%s)", name, who->uid, who->ngroups ? ", groups" : "");
}

static void shapes(struct both *b)
{
	static const struct {
		const char *path;
		int flags, err;
		const char *name;
	} list[] = {
		{ "/", 0, 0, "the root" },
		{ "//", 0, 0, "the root, twice" },
		{ "/..", 0, 0, "above the root" },
		{ "/../../walk/a", 0, 0, "down from above the root" },
		{ "walk/a", 0, 0, "a relative path" },
		{ TOP "/a/b/c/d/file", 0, 0, "a file" },
		{ TOP "/a/b/c/d/file/", 0, -ENOTDIR, "a file with a slash behind it" },
		{ TOP "/a/b/c/d/", 0, 0, "a directory with a slash behind it" },
		{ TOP "//a///b//c////d//file", 0, 0, "many slashes" },
		{ TOP "/./a/././b/c/./d/.", 0, 0, "dots" },
		{ TOP "/a/b/c/d/../../../b/c", 0, 0, "up and down" },
		{ TOP "/a/b/..", 0, 0, "up at the end" },
		{ TOP "/a/../../..", 0, 0, "up to the root" },
		{ TOP "/a/b/plain/..", 0, -ENOTDIR, "up from a file" },
		{ TOP "/a/b/plain/.", 0, -ENOTDIR, "a dot in a file" },
		{ TOP "/a/none/..", 0, -ENOENT, "up from nothing" },
		{ TOP "/absolute/c/d/file", 0, 0, "an absolute symlink in the middle" },
		{ TOP "/relative/c/d/file", 0, 0, "a relative symlink in the middle" },
		{ TOP "/relative/up/d/file", 0, 0, "two symlinks" },
		{ TOP "/a/b/up/d/../../plain", 0, 0, "up behind a symlink" },
		{ TOP "/to_root/walk/to_root/walk/a", 0, 0, "symlinks to the root" },
		{ TOP "/to_root", 0, 0, "a symlink to the root" },
		{ TOP "/to_dot/to_dot/to_dot/a/b", 0, 0, "symlinks to a dot" },
		{ TOP "/to_dot", 0, 0, "a symlink to a dot" },
		{ TOP "/to_slash", 0, 0, "a symlink with a slash in it" },
		{ TOP "/absolute", 0, 0, "a symlink at the end" },
		{ TOP "/absolute", CEPHRING_NOFOLLOW, 0, "a symlink itself" },
		{ TOP "/absolute/", CEPHRING_NOFOLLOW, 0, "a symlink with a slash behind it" },
		{ TOP "/absolute/c", CEPHRING_NOFOLLOW, 0,
		  "a symlink in the middle, not followed at the end" },
		{ TOP "/to_file", 0, 0, "a symlink to a file" },
		{ TOP "/to_file/", 0, -ENOTDIR, "a symlink to a file, with a slash" },
		{ TOP "/to_file/x", 0, -ENOTDIR, "a symlink to a file in the middle" },
		{ TOP "/a/dangling", 0, -ENOENT, "a dangling symlink" },
		{ TOP "/a/dangling", CEPHRING_NOFOLLOW, 0, "a dangling symlink itself" },
		{ TOP "/a/dangling/x/y", 0, -ENOENT, "a dangling symlink in the middle" },
		{ TOP "/loop1", 0, -ELOOP, "a loop" },
		{ TOP "/loop1", CEPHRING_NOFOLLOW, 0, "a loop's link itself" },
		{ TOP "/loop2/x/y", 0, -ELOOP, "a loop in the middle" },
		{ "/none", 0, -ENOENT, "missing at level 1" },
		{ "/none/a/b/c/d/file", 0, -ENOENT, "missing at level 1 of 6" },
		{ TOP "/none/b/c/d/file", 0, -ENOENT, "missing at level 2" },
		{ TOP "/a/none/c/d/file", 0, -ENOENT, "missing at level 3" },
		{ TOP "/a/b/none/d/file", 0, -ENOENT, "missing at level 4" },
		{ TOP "/a/b/c/none/file", 0, -ENOENT, "missing at level 5" },
		{ TOP "/a/b/c/d/none", 0, -ENOENT, "missing at the end" },
		{ TOP "/a/b/plain/d/file", 0, -ENOTDIR, "a file in the middle" },
		{ TOP "/a/b/c/d/file/x", 0, -ENOTDIR, "below a file" },
		{ TOP "/a/b/plain/none/../x", 0, -ENOTDIR, "a file far before the end" },
	};

	for (size_t n = 0; n < sizeof list / sizeof *list; n++) {
		walk_one(b, list[n].path, list[n].flags, &root, list[n].err, true, list[n].name);
		walk_one(b, list[n].path, list[n].flags, &user, list[n].err, true, list[n].name);
	}
}

static void rights(struct both *b)
{
	static const struct {
		const char *path;
		const struct cephring_cred *who;
		int err;
		const char *name;
	} list[] = {
		{ TOP "/closed", &user, 0, "a closed directory is seen" },
		{ TOP "/closed/in", &user, -EACCES, "what is in it is not" },
		{ TOP "/closed/in/deeper/file", &user, -EACCES, "nor what is far below" },
		{ TOP "/closed/none", &user, -EACCES, "nor what is not there" },
		{ TOP "/closed/in/none/x", &user, -EACCES, "nor what is not far below" },
		{ TOP "/closed/.", &user, -EACCES, "nor its dot" },
		{ TOP "/closed/..", &user, -EACCES, "nor the way up from it" },
		{ TOP "/closed/in/deeper/file", &root, 0, "the superuser passes" },
		{ TOP "/closed/in/none/x", &root, -ENOENT, "and learns what is missing" },
		{ TOP "/team/in/file", &user, -EACCES, "a group's directory" },
		{ TOP "/team/in/file", &member, 0, "a group's directory, for a member" },
		{ TOP "/own/in", &user, -EACCES, "the owner has only the owner's rights" },
		{ TOP "/own/in", &grouped, 0, "the group has the group's" },
		{ TOP "/own/in", &other, 0, "others have theirs" },
	};

	for (size_t n = 0; n < sizeof list / sizeof *list; n++)
		walk_one(b, list[n].path, 0, list[n].who, list[n].err, true, list[n].name);
	/* The superuser's walk has cached what the user may not learn. */
	walked_ours(b, TOP "/closed/in/deeper/file", 0, &root);
	tap_eq(walked_ours(b, TOP "/closed/in/deeper/file", 0, &user).err, -EACCES,
	       "what another's walk has cached is not passed on");
}

/* At once; behind a superuser's walk, which needs only its end, a moment later. */
static bool becomes_cached(struct both *b, const char *path, const struct cephring_cred *who)
{
	struct cephring_statx st;

	for (int n = 0; n < 1000; n++) {
		if (!cephring_statx_cached(b->mount, NULL, path, CEPHRING_STATX_MODE, 0, who, &st))
			return true;
		if (who->uid)
			return false;
		both_turn(b->engine, -1, 2);
	}
	return false;
}

static void depths(struct both *b)
{
	char path[4096] = TOP "/deep";
	bool same = true, none = true;
	struct walked w;

	for (int n = 0; n < DEEP; n++) {
		const struct cephring_cred *who = n % 2 ? &root : &user;

		same = walked_compare(b, path, 0, who, true, true, &w) && !w.cold.err &&
		       becomes_cached(b, path, who) && same;
		strcat(path, "/none/x");
		none = walked_compare(b, path, 0, who, true, true, &w) && w.cold.err == -ENOENT && none;
		path[strlen(path) - 7] = '\0';
		snprintf(path + strlen(path), 8, "/d%d", n);
	}
	tap_ok(same, "each depth from 2 to %d, and from the cache", DEEP + 1);
	tap_ok(none, "something missing below each depth");
}

static void limits(struct both *b)
{
	static char path[8192];
	char name[300];

	walk_one(b, TOP "/chain39", 0, &root, 0, false, "40 symlinks");
	walk_one(b, TOP "/chain39", 0, &user, 0, false, "40 symlinks");
	walk_one(b, TOP "/chain40", 0, &root, -ELOOP, false, "41 symlinks");
	walk_one(b, TOP "/chain40", 0, &user, -ELOOP, false, "41 symlinks");
	walk_one(b, TOP "/chain40", CEPHRING_NOFOLLOW, &user, 0, false, "the 41st itself");
	memset(name, 'n', sizeof name);
	snprintf(path, sizeof path, TOP "/a/%.255s", name);
	walk_one(b, path, 0, &user, -ENOENT, true, "a name of 255 bytes");
	snprintf(path, sizeof path, TOP "/a/%.256s", name);
	walk_one(b, path, 0, &user, -ENAMETOOLONG, true, "a name of 256 bytes");
	snprintf(path, sizeof path, TOP "/none/%.256s/x", name);
	walk_one(b, path, 0, &user, -ENAMETOOLONG, false, "a name of 256 bytes behind a missing one");
	strcpy(path, TOP);
	memset(path + strlen(TOP), '/', 4095 - strlen(TOP));
	path[4095] = '\0';
	walk_one(b, path, 0, &user, 0, false, "a path of 4095 bytes");
	strcat(path, "/");
	walk_one(b, path, 0, &user, -ENAMETOOLONG, false, "a path of 4096 bytes");
	walked_ours(b, TOP, 0, &user);
	walked_ours(b, TOP, 0, &user);
	tap_eq(walked_ours(b, path, 0, &user).err, -ENAMETOOLONG, "also where what it leads to is cached");
	tap_eq(walked_ours(b, "", 0, &root).err, -ENOENT, "an empty path");
}

static void from_an_inode(struct both *b)
{
	cephring_inode *at = NULL;
	struct cephring_statx st;

	tap_eq(cephring_sync_lookup(b->mount, NULL, TOP "/a/b", 0, &root, &at), 0,
	       "a reference to a directory");
	if (!at)
		return;
	cephring_drop_caches(b->mount);
	tap_eq(cephring_sync_statx(b->mount, at, "c/d/file", CEPHRING_STATX_INO, 0, &user, &st), 0,
	       "a walk from it");
	tap_eq((long long)st.ino, (long long)our_ino(b, TOP "/a/b/c/d/file"),
	       "ends where the whole path does");
	tap_eq(cephring_sync_statx(b->mount, at, "", CEPHRING_STATX_INO, 0, &user, &st), 0,
	       "an empty path is the reference itself");
	tap_eq((long long)st.ino, (long long)cephring_ino(at), "with its number");
	cephring_drop_caches(b->mount);
	tap_eq(cephring_sync_statx(b->mount, at, "../..", CEPHRING_STATX_INO, 0, &user, &st), 0,
	       "up from it with nothing cached");
	tap_eq((long long)st.ino, (long long)our_ino(b, TOP), "ends at the right place");
	tap_eq(cephring_sync_statx(b->mount, at, TOP "/end", CEPHRING_STATX_INO, 0, &user, &st), 0,
	       "an absolute path starts at the root");
	cephring_put(b->mount, at);
}

static void other_roots(struct both *b)
{
	struct cephring_mount_opts o = { .root = TOP "/a/b" };
	struct both *sub = both_new(NULL, &o);
	struct cephring_statx st;

	tap_eq(cephring_sync_statx(sub->mount, NULL, "/c/d/file", CEPHRING_STATX_INO, 0, &user, &st), 0,
	       "a mount of a directory");
	tap_eq((long long)st.ino, (long long)our_ino(b, TOP "/a/b/c/d/file"), "begins there");
	tap_eq(cephring_sync_statx(sub->mount, NULL, "/c/../..", CEPHRING_STATX_INO, 0, &user, &st), 0,
	       "up from it");
	tap_eq((long long)st.ino, (long long)our_ino(b, TOP "/a/b"), "stays in it");
	both_free(sub);
}

int main(void)
{
	struct both *b = both_new(NULL, NULL);

	if (!tap_eq(they(b, their_tree, NULL), 0, "the tree is made"))
		return tap_end();
	shapes(b);
	rights(b);
	depths(b);
	limits(b);
	from_an_inode(b);
	other_roots(b);
	they(b, their_clean, (void *)TOP);
	both_free(b);
	return tap_end();
}
