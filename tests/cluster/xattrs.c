/* cluster: --mds 1 */
/* Extended attributes, links, access, open and the space left: as libcephfs says, and refused as they should
 * be. */
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include "both.h"

#define TOP "/xattrs"

static const struct cephring_cred root = { 0 }, user = { 1000, 1000, 0, NULL, 0 },
				  owner = { 1001, 1001, 0, NULL, 0 };

/* ---- values ---- */

struct asked {
	const char *path, *name;
	char value[4096];
	int len;
};

static int their_value(struct ceph_mount_info *cm, void *arg)
{
	struct asked *a = arg;

	a->len = a->name ? ceph_getxattr(cm, a->path, a->name, a->value, sizeof a->value)
			 : ceph_listxattr(cm, a->path, a->value, sizeof a->value);
	return 0;
}

static void same_value(struct both *b, const char *path, const char *name)
{
	struct asked a = { .path = path, .name = name };
	char ours[4096];
	int64_t len = cephring_sync_getxattr(b->mount, NULL, path, name, 0, &root, ours, sizeof ours);
	bool same;

	they(b, their_value, &a);
	same = len == a.len && (len < 0 || !memcmp(ours, a.value, (size_t)len));
	if (!tap_ok(same, "%s of %s", name, path))
		tap_note("ours %" PRId64 " '%.*s', libcephfs %d '%.*s'", len, (int)(len > 0 ? len : 0), ours,
			 a.len, a.len > 0 ? a.len : 0, a.value);
}

static void values(struct both *b)
{
	static const char *const of_file[] = {
		"user.short",
		"user.long",
		"user.empty",
		"user.none",
		"trusted.secret",
		"ceph.file.layout",
		"ceph.file.layout.stripe_unit",
		"ceph.file.layout.stripe_count",
		"ceph.file.layout.object_size",
		"ceph.file.layout.pool",
		"ceph.file.layout.pool_namespace",
		"ceph.dir.layout",
		"ceph.dir.entries",
		"ceph.none",
		"ceph.cluster_fsid",
	};
	static const char *const of_dir[] = {
		"ceph.dir.layout",
		"ceph.dir.layout.pool",
		"ceph.dir.layout.stripe_unit",
		"ceph.dir.entries",
		"ceph.dir.files",
		"ceph.dir.subdirs",
		"ceph.dir.rentries",
		"ceph.dir.rfiles",
		"ceph.dir.rsubdirs",
		"ceph.dir.rbytes",
		"ceph.dir.rctime",
		"ceph.quota",
		"ceph.quota.max_bytes",
		"ceph.quota.max_files",
		"ceph.file.layout",
		"user.none",
		"ceph.dir.pin",
		"ceph.dir.rsnaps",
	};
	static const char *const dirs[] = { TOP, TOP "/laid", TOP "/limited", TOP "/full", TOP "/empty" };

	for (size_t n = 0; n < sizeof of_file / sizeof *of_file; n++) {
		same_value(b, TOP "/file", of_file[n]);
		same_value(b, TOP "/laid/file", of_file[n]);
	}
	for (size_t d = 0; d < sizeof dirs / sizeof *dirs; d++)
		for (size_t n = 0; n < sizeof of_dir / sizeof *of_dir; n++)
			same_value(b, dirs[d], of_dir[n]);
}

/* Every name of ours is one of theirs: they list ceph.* ones too. */
static void lists(struct both *b)
{
	struct asked a = { .path = TOP "/file" };
	char ours[4096];
	int64_t len = cephring_sync_listxattr(b->mount, NULL, TOP "/file", 0, &root, ours, sizeof ours);
	int names = 0, found = 0, theirs = 0;

	they(b, their_value, &a);
	for (const char *p = a.value; p < a.value + a.len; p += strlen(p) + 1)
		theirs += strncmp(p, "ceph.", 5) != 0;
	for (const char *p = ours; p < ours + len; p += strlen(p) + 1, names++)
		for (const char *q = a.value; q < a.value + a.len; q += strlen(q) + 1)
			found += !strcmp(p, q);
	tap_eq(names, theirs, "as many names are listed");
	tap_eq(found, names, "and the same");
	tap_eq(cephring_sync_listxattr(b->mount, NULL, TOP "/file", 0, &root, NULL, 0), len,
	       "the size of the list");
	tap_eq(cephring_sync_listxattr(b->mount, NULL, TOP "/file", 0, &root, ours, (size_t)len - 1), -ERANGE,
	       "a list too long");
	tap_eq(cephring_sync_listxattr(b->mount, NULL, TOP "/full", 0, &root, ours, sizeof ours), 0,
	       "a list of none");
	tap_ok(cephring_sync_listxattr(b->mount, NULL, TOP "/file", 0, &user, ours, sizeof ours) < len,
	       "trusted ones are the superuser's");
}

static int64_t get(struct both *b, const char *path, const char *name, const struct cephring_cred *who,
		   size_t size)
{
	char value[4096];

	return cephring_sync_getxattr(b->mount, NULL, path, name, 0, who, size ? value : NULL, size);
}

static void refusals(struct both *b)
{
	tap_eq(get(b, TOP "/file", "user.short", &root, 0), 5, "the size of a value");
	tap_eq(get(b, TOP "/file", "user.short", &root, 5), 5, "room enough");
	tap_eq(get(b, TOP "/file", "user.short", &root, 4), -ERANGE, "not room enough");
	tap_eq(get(b, TOP "/laid", "ceph.dir.layout", &root, 4), -ERANGE, "nor for what is made up");
	tap_ok(get(b, TOP "/laid", "ceph.dir.layout", &root, 0) > 20, "whose size can be asked");
	tap_eq(get(b, TOP "/file", "user.none", &root, 100), -ENODATA, "no such attribute");
	tap_eq(get(b, TOP "/none", "user.short", &root, 100), -ENOENT, "no such file");
	tap_eq(get(b, TOP "/private", "user.short", &user, 100), -EACCES, "not readable for the user");
	tap_eq(get(b, TOP "/private", "user.short", &owner, 100), 5, "readable for the owner");
	tap_eq(get(b, TOP "/file", "trusted.secret", &user, 100), -ENODATA, "a trusted one, for the user");
	tap_ok(get(b, TOP "/file", "", &user, 100) < 0, "an empty name");
}

static int their_set(struct ceph_mount_info *cm, void *arg)
{
	(void)arg;
	return ceph_setxattr(cm, TOP "/file", "user.short", "other value", 11, 0);
}

static int their_remove(struct ceph_mount_info *cm, void *arg)
{
	(void)arg;
	return ceph_removexattr(cm, TOP "/file", "user.short");
}

static int their_remove_all(struct ceph_mount_info *cm, void *arg)
{
	int err = ceph_removexattr(cm, TOP "/private", "user.short");

	(void)arg;
	return err;
}

static void changes(struct both *b)
{
	tap_eq(they(b, their_set, NULL), 0, "the other sets a value");
	tap_eq(get(b, TOP "/file", "user.short", &user, 100), 11, "it is seen");
	tap_eq(they(b, their_remove, NULL), 0, "the other removes it");
	tap_eq(get(b, TOP "/file", "user.short", &user, 100), -ENODATA, "it is gone");
	tap_eq(they(b, their_remove_all, NULL), 0, "the other removes the only one of a file");
	tap_eq(get(b, TOP "/private", "user.short", &owner, 100), -ENODATA, "it is gone");
	tap_eq(cephring_sync_listxattr(b->mount, NULL, TOP "/private", 0, &root, NULL, 0), 0,
	       "and none is listed");
}

/* ---- links ---- */

static void links(struct both *b)
{
	char text[100];

	memset(text, '#', sizeof text);
	tap_eq(cephring_sync_readlink(b->mount, NULL, TOP "/link", &user, text, sizeof text), 4,
	       "a link's length");
	tap_ok(!memcmp(text, "file#", 5), "its text, without an end");
	memset(text, '#', sizeof text);
	tap_eq(cephring_sync_readlink(b->mount, NULL, TOP "/link", &user, text, 2), 4,
	       "its length where there is less room");
	tap_ok(!memcmp(text, "fi#", 3), "and as much as there is room for");
	tap_eq(cephring_sync_readlink(b->mount, NULL, TOP "/file", &user, text, sizeof text), -EINVAL,
	       "a file is no link");
	tap_eq(cephring_sync_readlink(b->mount, NULL, TOP, &user, text, sizeof text), -EINVAL,
	       "nor is a directory");
	tap_eq(cephring_sync_readlink(b->mount, NULL, TOP "/none", &user, text, sizeof text), -ENOENT,
	       "nor is nothing");
}

/* ---- access ---- */

static void access_as(struct both *b, const char *path, const struct cephring_cred *who, int mode, int want,
		      const char *name)
{
	both_cold(b);
	tap_eq(cephring_sync_access(b->mount, NULL, path, mode, 0, who), want, name);
	tap_eq(cephring_sync_access(b->mount, NULL, path, mode, 0, who), want, name);
}

static void accesses(struct both *b)
{
	access_as(b, TOP "/file", &user, F_OK, 0, "a file is there");
	access_as(b, TOP "/none", &user, F_OK, -ENOENT, "a file is not");
	access_as(b, TOP "/file", &user, R_OK, 0, "others may read");
	access_as(b, TOP "/file", &user, W_OK, -EACCES, "others may not write");
	access_as(b, TOP "/file", &user, X_OK, -EACCES, "nobody may execute");
	access_as(b, TOP "/file", &root, R_OK | W_OK, 0, "the superuser may");
	access_as(b, TOP "/file", &root, X_OK, -EACCES, "but execute");
	access_as(b, TOP "/private", &user, R_OK, -EACCES, "a private file");
	access_as(b, TOP "/private", &owner, R_OK | W_OK, 0, "is its owner's");
	access_as(b, TOP "/closed", &user, F_OK, 0, "a closed directory is there");
	access_as(b, TOP "/closed", &user, X_OK, -EACCES, "but closed");
	access_as(b, TOP "/closed/file", &user, F_OK, -EACCES, "with what is in it");
	tap_eq(cephring_sync_access(b->mount, NULL, TOP, 64, 0, &user), -EINVAL, "no such mode");
}

/* ---- open ---- */

static void open_as(struct both *b, const char *path, int flags, const struct cephring_cred *who, int want,
		    const char *name)
{
	cephring_file *f = NULL;

	for (int warm = 0; warm < 2; warm++) {
		int err;

		if (!warm)
			both_cold(b);
		err = cephring_sync_open(b->mount, NULL, path, flags, 0, NULL, who, &f);
		tap_eq(err, want, name);
		if (!err)
			tap_eq(cephring_sync_close(f), 0, "it closes");
		else
			tap_ok(!f, "there is nothing to close");
	}
}

static void opens(struct both *b)
{
	open_as(b, TOP "/file", O_RDONLY, &user, 0, "a file");
	open_as(b, TOP "/full", O_RDONLY, &user, 0, "a directory");
	open_as(b, TOP "/full", O_RDONLY | O_DIRECTORY, &user, 0, "a directory as such");
	open_as(b, TOP "/file", O_RDONLY | O_DIRECTORY, &user, -ENOTDIR, "a file is no directory");
	open_as(b, TOP "/link", O_RDONLY, &user, 0, "a link");
	open_as(b, TOP "/link", O_RDONLY | O_NOFOLLOW, &user, -ELOOP, "a link that is not followed");
	open_as(b, TOP "/link", O_PATH | O_NOFOLLOW, &user, 0, "the link itself");
	open_as(b, TOP "/file", O_WRONLY, &user, -EACCES, "for writing, by one who may not");
	open_as(b, TOP "/file", O_RDWR, &root, 0, "for both");
	open_as(b, TOP "/file", O_RDONLY | 1 << 30, &root, -EINVAL, "a flag that is not known");
	open_as(b, TOP "/private", O_RDONLY, &user, -EACCES, "a private file");
	open_as(b, TOP "/private", O_RDONLY, &owner, 0, "for its owner");
	open_as(b, TOP "/private", O_PATH, &user, 0, "only to name it");
	open_as(b, TOP "/closed/file", O_RDONLY, &user, -EACCES, "in a closed directory");
	open_as(b, TOP "/none", O_RDONLY, &user, -ENOENT, "nothing");
}

/* What an open file is: its own inode, whatever becomes of its name. */
static void open_files(struct both *b)
{
	struct cephring_statx st;
	cephring_file *f = NULL;
	struct cephring_stats s;
	uint64_t before;

	both_cold(b);
	tap_eq(cephring_sync_open(b->mount, NULL, TOP "/file", O_RDONLY, 0, NULL, &user, &f), 0,
	       "a file is opened");
	tap_eq((long long)cephring_ino(cephring_file_inode(f)), (long long)our_ino(b, TOP "/file"),
	       "it is the one named");
	cephring_sync_statx(b->mount, NULL, TOP "/file", CEPHRING_STATX_BASIC, 0, &user, &st);
	for (int n = 0; n < 5; n++)
		both_turn(b->engine, -1, 20); /* what it wants is told */
	tap_eq(cephring_sync_close(f), 0, "and closed");
	before = both_stats(b).mds_requests;
	tap_eq(cephring_sync_statx(b->mount, NULL, TOP "/file", CEPHRING_STATX_BASIC, 0, &user, &st), 0,
	       "what was lent stays valid");
	s = both_stats(b);
	tap_eq((long long)(s.mds_requests - before), 0, "and is used");
	tap_eq(cephring_sync_open(b->mount, NULL, TOP "/gone", O_RDONLY, 0, NULL, &root, &f), 0,
	       "another one is opened");
	tap_eq(they_do(b, THEY_UNLINK, TOP "/gone", NULL, 0), 0, "and unlinked by the other");
	tap_eq((long long)our_ino(b, TOP "/gone"), 0, "its name is gone");
	tap_eq(cephring_sync_statx(b->mount, cephring_file_inode(f), "", CEPHRING_STATX_NLINK,
				   CEPHRING_FORCE_SYNC, &root, &st),
	       0, "it is still there");
	tap_eq(st.nlink, 0, "without a name");
	tap_eq(cephring_sync_close(f), 0, "and closes");
}

/* ---- space ---- */

static int their_statfs(struct ceph_mount_info *cm, void *arg)
{
	return ceph_statfs(cm, "/", arg);
}

static bool near(uint64_t a, uint64_t b)
{
	return a <= b + b / 50 + 1 && b <= a + a / 50 + 1;
}

static void space(struct both *b)
{
	struct cephring_statfs s = { 0 };
	struct statvfs v = { 0 };

	tap_eq(cephring_sync_statfs(b->mount, &s), 0, "statfs");
	tap_eq(they(b, their_statfs, &v), 0, "and by libcephfs");
	tap_note("ours: %" PRIu64 " x %" PRIu64 ", %" PRIu64 " free, %" PRIu64
		 " files; libcephfs: %lu x %lu, %lu free, %lu files",
		 s.blocks, s.block_size, s.blocks_free, s.files, (unsigned long)v.f_blocks, v.f_frsize,
		 (unsigned long)v.f_bfree, (unsigned long)v.f_files);
	tap_ok(near(s.blocks * s.block_size, v.f_blocks * v.f_frsize), "the same space");
	tap_ok(near(s.blocks_free * s.block_size, v.f_bfree * v.f_frsize), "as much free");
	tap_eq((long long)s.name_max, (long long)v.f_namemax, "names as long");
}

static int set(struct ceph_mount_info *cm, const char *path, const char *name, const char *value)
{
	return ceph_setxattr(cm, path, name, value, strlen(value), 0);
}

static int their_tree(struct ceph_mount_info *cm, void *arg)
{
	static char large[3000];
	int fd, err = their_rm_r(cm, TOP);

	(void)arg;
	memset(large, 'x', sizeof large);
	err = err ? err : ceph_mkdirs(cm, TOP "/full/sub/sub", 0755);
	err = err ? err : ceph_mkdir(cm, TOP "/empty", 0755);
	err = err ? err : ceph_mkdir(cm, TOP "/laid", 0755);
	err = err ? err : set(cm, TOP "/laid", "ceph.dir.layout.stripe_count", "2");
	err = err ? err : set(cm, TOP "/laid", "ceph.dir.layout.object_size", "8388608");
	err = err ? err : ceph_mkdir(cm, TOP "/limited", 0755);
	err = err ? err : set(cm, TOP "/limited", "ceph.quota.max_bytes", "100000000");
	err = err ? err : set(cm, TOP "/limited", "ceph.quota.max_files", "1000");
	err = err ? err : their_create(cm, TOP "/file", 0644);
	err = err ? err : their_create(cm, TOP "/gone", 0644);
	err = err ? err : their_create(cm, TOP "/laid/file", 0644);
	err = err ? err : their_create(cm, TOP "/full/one", 0644);
	err = err ? err : their_create(cm, TOP "/full/sub/two", 0644);
	err = err ? err : set(cm, TOP "/file", "user.short", "short");
	err = err ? err : set(cm, TOP "/file", "user.empty", "");
	err = err ? err : ceph_setxattr(cm, TOP "/file", "user.long", large, sizeof large, 0);
	err = err ? err : set(cm, TOP "/file", "trusted.secret", "secret");
	err = err ? err : ceph_symlink(cm, "file", TOP "/link");
	err = err ? err : their_create(cm, TOP "/private", 0600);
	err = err ? err : set(cm, TOP "/private", "user.short", "short");
	err = err ? err : ceph_chown(cm, TOP "/private", 1001, 1001);
	err = err ? err : ceph_mkdir(cm, TOP "/closed", 0755);
	err = err ? err : their_create(cm, TOP "/closed/file", 0644);
	err = err ? err : ceph_chmod(cm, TOP "/closed", 0700);
	fd = err ? err : ceph_open(cm, TOP "/full/one", O_WRONLY, 0644);
	if (fd < 0)
		return fd;
	err = ceph_write(cm, fd, large, sizeof large, 0) == sizeof large ? ceph_fsync(cm, fd, 0) : -EIO;
	return ceph_close(cm, fd) ? -EIO : err;
}

int main(void)
{
	struct both *b = both_new(NULL, NULL);

	if (!tap_eq(they(b, their_tree, NULL), 0, "the tree is made"))
		return tap_end();
	/* Recursive statistics travel up in their own time. */
	for (uint64_t until = now_ns() + 7000000000ull;
	     now_ns() < until && get(b, TOP, "ceph.dir.rbytes", &root, 100) != 4;)
		both_turn(b->engine, -1, 100);
	values(b);
	lists(b);
	refusals(b);
	changes(b);
	links(b);
	accesses(b);
	opens(b);
	open_files(b);
	space(b);
	they(b, their_clean, (void *)TOP);
	both_free(b);
	return tap_end();
}
