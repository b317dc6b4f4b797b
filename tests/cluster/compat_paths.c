/* cluster: ; timeout: 120 */
/* The drop-in libcephfs.so.2 beside the real one: names, attributes, links, renames, extended attributes,
 * listing, the current directory, by path and by *at calls. */
#include "twice.h"
#include <dirent.h>

static const struct twice_known known[] = {
	/* a name below a file */
	{ "ceph_mkdir(cm, \"/f/d\", 0755)", "-EACCES", "-ENOTDIR" },
	{ "ceph_mkdirs(cm, \"/f/d/e\", 0755)", "-EACCES", "-ENOTDIR" },
	{ "ceph_unlink(cm, \"/f/x\")", "-EACCES", "-ENOTDIR" },
	{ "statx /target/x 0", "-EACCES", "-ENOTDIR" },
	/* what ends in a slash is a directory */
	{ "ceph_unlink(cm, \"/f/\")", "0", "-ENOTDIR" },
	{ "ceph_rename(cm, \"/ren/f/\", \"/ren/h\")", "0", "-ENOTDIR" },
	{ "ceph_mkdirat(cm, file, \"sub\", 0755)", "-EACCES", "-ENOTDIR" },
	{ "ceph_openat(cm, file, \"x\", O_RDONLY, 0)", "-EACCES", "-ENOTDIR" },
	/* with the MDS of 20.2.4 */
	{ "rename file to full", "-ENOTEMPTY", "-EISDIR" },
	{ "rename link to full", "-ENOTEMPTY", "-EISDIR" },
	{ "mode of /sd/", "41471", "16877" },
	{ "ceph_rmdir(cm, \"/a/.\")", "-ENOTEMPTY", "-EINVAL" },
	{ "ceph_truncate(cm, \"/at\", -1)", "-EFBIG", "-EINVAL" },
	{ "ceph_ftruncate(cm, fd, -1)", "-EFBIG", "-EINVAL" },
	{ "ceph_truncate(cm, \"/d\", 0)", "0", "-EISDIR" },
	{ "ceph_setxattr(cm, \"/x\", \"user.a\", \"s\", 1, 99)", "-EEXIST", "-EINVAL" },
	{ NULL, NULL, NULL },
};

static void make(struct ceph_mount_info *cm, const char *path)
{
	ceph_close(cm, ceph_open(cm, path, O_CREAT | O_WRONLY, 0644));
}

static void say_stat(const char *what, int r, const struct ceph_statx *st)
{
	say(r, "%s", what);
	if (r)
		return;
	say(st->stx_mode, "%s mode", what);
	say(st->stx_nlink, "%s nlink", what);
	say(st->stx_uid, "%s uid", what);
	say(st->stx_gid, "%s gid", what);
	if ((st->stx_mode & S_IFMT) != S_IFDIR) {
		say((long long)st->stx_size, "%s size", what);
		say((long long)st->stx_blocks, "%s blocks", what);
	}
	say((long long)st->stx_rdev, "%s rdev", what);
	say(st->stx_blksize, "%s blksize", what);
}

#define STATX(path, flags)                                                                                   \
	do {                                                                                                 \
		struct ceph_statx st_ = { 0 };                                                               \
		say_stat("statx " path " " #flags,                                                           \
			 ceph_statx(cm, path, &st_, CEPH_STATX_BASIC_STATS, flags), &st_);                   \
	} while (0)

static void directories(struct ceph_mount_info *cm)
{
	R(ceph_mkdir(cm, "/d", 0755));
	R(ceph_mkdir(cm, "/d", 0755));
	R(ceph_mkdir(cm, "/none/d", 0755));
	R(ceph_mkdir(cm, "/d/", 0755));
	R(ceph_mkdir(cm, "/d/e/", 0755));
	R(ceph_mkdir(cm, "/", 0755));
	R(ceph_mkdir(cm, "/d/.", 0755));
	R(ceph_mkdir(cm, "/d/..", 0755));
	R(ceph_mkdirs(cm, "/a/b/c/d", 0750));
	R(ceph_mkdirs(cm, "/a/b/c/d", 0750));
	R(ceph_mkdirs(cm, "/a/b/c/e", 0750));
	R(ceph_mkdirs(cm, "/", 0750));
	STATX("/a/b/c", 0);
	make(cm, "/f");
	R(ceph_mkdir(cm, "/f/d", 0755));
	R(ceph_mkdirs(cm, "/f/d/e", 0755));
	R(ceph_rmdir(cm, "/f"));
	R(ceph_rmdir(cm, "/a/b"));
	R(ceph_rmdir(cm, "/none"));
	R(ceph_rmdir(cm, "/d/e"));
	R(ceph_rmdir(cm, "/"));
	R(ceph_rmdir(cm, "/a/."));
	R(ceph_rmdir(cm, "/a/.."));
	R(ceph_unlink(cm, "/d"));
	R(ceph_unlink(cm, "/none"));
	R(ceph_unlink(cm, "/f/x"));
	R(ceph_unlink(cm, "/f/"));
	make(cm, "/f"); /* the real one did remove it */
	R(ceph_mknod(cm, "/fifo", S_IFIFO | 0600, 0));
	R(ceph_mknod(cm, "/sock", S_IFSOCK | 0600, 0));
	R(ceph_mknod(cm, "/chr", S_IFCHR | 0600, 0x103));
	R(ceph_mknod(cm, "/reg", S_IFREG | 0640, 0));
	R(ceph_mknod(cm, "/reg", S_IFREG | 0640, 0));
	STATX("/fifo", 0);
	STATX("/sock", 0);
	STATX("/chr", 0);
	STATX("/reg", 0);
}

static void links(struct ceph_mount_info *cm)
{
	struct ceph_statx st;
	char buf[64];
	int n;

	make(cm, "/target");
	R(ceph_symlink(cm, "target", "/sl"));
	R(ceph_symlink(cm, "target", "/sl"));
	R(ceph_symlink(cm, "/d", "/sd"));
	R(ceph_symlink(cm, "loop2", "/loop1"));
	R(ceph_symlink(cm, "loop1", "/loop2"));
	R(ceph_symlink(cm, "nowhere", "/dangling"));
	STATX("/sl", 0);
	STATX("/sl", AT_SYMLINK_NOFOLLOW);
	STATX("/sd", 0);
	R(ceph_statx(cm, "/sd/", &st, CEPH_STATX_MODE, AT_SYMLINK_NOFOLLOW));
	say(st.stx_mode, "mode of /sd/");
	STATX("/loop1", 0);
	STATX("/dangling", 0);
	STATX("/dangling", AT_SYMLINK_NOFOLLOW);
	STATX("/target/x", 0);
	STATX("/none/x", 0);
	STATX("/target", 0x100000);
	R(n = ceph_readlink(cm, "/sl", buf, sizeof buf));
	say_text("readlink /sl", buf, n);
	R(n = ceph_readlink(cm, "/sl", buf, 3));
	say_text("readlink /sl, 3 bytes", buf, n);
	R(ceph_readlink(cm, "/target", buf, sizeof buf));
	R(ceph_readlink(cm, "/none", buf, sizeof buf));
	R(ceph_readlink(cm, "/d", buf, sizeof buf));
	R(ceph_link(cm, "/target", "/hard"));
	R(ceph_link(cm, "/target", "/hard"));
	R(ceph_link(cm, "/none", "/hard2"));
	R(ceph_link(cm, "/d", "/hardd"));
	R(ceph_link(cm, "/target", "/none/x"));
	R(ceph_link(cm, "/dangling", "/hard3"));
	R(ceph_unlink(cm, "/hard3"));
	STATX("/hard", 0);
	R(ceph_unlink(cm, "/hard"));
	STATX("/target", 0);
	R(ceph_unlink(cm, "/sl"));
	R(ceph_unlink(cm, "/loop1"));
	R(ceph_rmdir(cm, "/sd"));
	R(ceph_may_delete(cm, "/target"));
	R(ceph_may_delete(cm, "/none"));
}

/* Everything onto everything: each cell starts from scratch. */
static void renames(struct ceph_mount_info *cm)
{
	static const char *const kinds[] = { "file", "empty", "full", "link", "none" };

	R(ceph_mkdir(cm, "/ren", 0755));
	for (unsigned from = 0; from < 5; from++) {
		for (unsigned to = 0; to < 5; to++) {
			for (int side = 0; side < 2; side++) {
				const char *name = side ? "/ren/to" : "/ren/from";
				unsigned kind = side ? to : from;

				if (kind == 0)
					make(cm, name);
				else if (kind == 3)
					ceph_symlink(cm, "x", name);
				else if (kind < 3)
					ceph_mkdir(cm, name, 0755);
				if (kind == 2)
					make(cm, side ? "/ren/to/x" : "/ren/from/x");
			}
			say(ceph_rename(cm, "/ren/from", "/ren/to"), "rename %s to %s", kinds[from],
			    kinds[to]);
			ceph_unlink(cm, "/ren/to/x");
			ceph_unlink(cm, "/ren/from/x");
			ceph_unlink(cm, "/ren/to");
			ceph_unlink(cm, "/ren/from");
			ceph_rmdir(cm, "/ren/to");
			ceph_rmdir(cm, "/ren/from");
		}
	}
	R(ceph_mkdirs(cm, "/ren/a/b", 0755));
	R(ceph_rename(cm, "/ren/a", "/ren/a/b/c"));
	R(ceph_rename(cm, "/ren/a/b", "/ren/a"));
	R(ceph_rename(cm, "/ren/a", "/none/a"));
	R(ceph_rename(cm, "/ren/a/b", "/ren/moved"));
	R(ceph_rename(cm, "/ren/moved/", "/ren/again"));
	make(cm, "/ren/f");
	R(ceph_rename(cm, "/ren/f/", "/ren/h"));
	/* the last: the real one does not find the names any more afterwards */
	make(cm, "/ren/one");
	R(ceph_link(cm, "/ren/one", "/ren/two"));
	R(ceph_rename(cm, "/ren/one", "/ren/two"));
	OURS(ceph_unlink(cm, "/ren/two"), 0);
	make(cm, "/ren/same");
	R(ceph_rename(cm, "/ren/same", "/ren/same"));
	OURS(ceph_unlink(cm, "/ren/same"), 0);
}

static void attributes(struct ceph_mount_info *cm)
{
	struct utimbuf u = { 1000000000, 1100000000 };
	struct timeval tv[2] = { { 1200000000, 5 }, { 1300000000, 6 } };
	struct timespec ts[2] = { { 1400000000, 7 }, { 1500000000, 8 } };
	struct ceph_statx st = { 0 };
	struct stat sb;
	int fd;

	make(cm, "/at");
	ceph_symlink(cm, "at", "/atl");
	fd = ceph_open(cm, "/at", O_RDWR, 0);
	R(fd >= 0);
	R(ceph_chmod(cm, "/at", 0640));
	R(ceph_fchmod(cm, fd, 04751));
	STATX("/at", 0);
	R(ceph_chmod(cm, "/none", 0640));
	R(ceph_chown(cm, "/at", 11, 22));
	R(ceph_chown(cm, "/at", -1, 33));
	R(ceph_fchown(cm, fd, 44, -1));
	R(ceph_lchown(cm, "/atl", 55, 66));
	STATX("/at", 0);
	STATX("/atl", AT_SYMLINK_NOFOLLOW);
	R(ceph_chownat(cm, AT_FDCWD, "/at", 1, 2, 0));
	R(ceph_chmodat(cm, AT_FDCWD, "/at", 0600, 0));
#define TIMES                                                                                                \
	do {                                                                                                 \
		R(ceph_statx(cm, "/at", &st, CEPH_STATX_ATIME | CEPH_STATX_MTIME, 0));                       \
		R(st.stx_atime.tv_sec);                                                                      \
		R(st.stx_atime.tv_nsec);                                                                     \
		R(st.stx_mtime.tv_sec);                                                                      \
		R(st.stx_mtime.tv_nsec);                                                                     \
	} while (0)
	R(ceph_utime(cm, "/at", &u));
	TIMES;
	R(ceph_utimes(cm, "/at", tv));
	TIMES;
	R(ceph_futimens(cm, fd, ts));
	TIMES;
	R(ceph_futimes(cm, fd, tv));
	TIMES;
	R(ceph_futime(cm, fd, &u));
	TIMES;
	R(ceph_utimensat(cm, AT_FDCWD, "/at", ts, 0));
	TIMES;
	OURS(ceph_utime(cm, "/at", NULL), 0);
	R(ceph_lutimes(cm, "/atl", tv));
	R(ceph_utime(cm, "/none", &u));
	R(ceph_truncate(cm, "/at", 12345));
	R(ceph_truncate(cm, "/at", -1));
	R(ceph_truncate(cm, "/d", 0));
	R(ceph_truncate(cm, "/none", 0));
	R(ceph_ftruncate(cm, fd, 54321));
	R(ceph_ftruncate(cm, fd, -1));
	STATX("/at", 0);
	R(ceph_stat(cm, "/at", &sb));
	R(sb.st_size);
	R(sb.st_blocks);
	R(sb.st_blksize);
	R(sb.st_mode);
	R(sb.st_nlink);
	R(ceph_lstat(cm, "/atl", &sb));
	R(sb.st_mode);
	R(sb.st_size);
	R(ceph_fstat(cm, fd, &sb));
	R(sb.st_size);
	R(ceph_stat(cm, "/d", &sb));
	R(sb.st_blocks);
	st.stx_mode = 0711;
	st.stx_size = 99;
	R(ceph_setattrx(cm, "/at", &st, CEPH_SETATTR_MODE | CEPH_SETATTR_SIZE, 0));
	STATX("/at", 0);
	R(ceph_setattrx(cm, "/none", &st, CEPH_SETATTR_MODE, 0));
	R(ceph_setattrx(cm, "/at", &st, CEPH_SETATTR_MODE, 0x100000));
	R(ceph_setattrx(cm, "/at", &st, 0, 0));
	st.stx_uid = 7;
	R(ceph_fsetattrx(cm, fd, &st, CEPH_SETATTR_UID));
	R(ceph_fstatx(cm, fd, &st, CEPH_STATX_UID, 0));
	R(st.stx_uid);
	R((st.stx_mask & CEPH_STATX_UID) != 0);
	R(ceph_fstatx(cm, fd, &st, CEPH_STATX_UID, 0x100000));
	R(ceph_close(cm, fd));
	fd = ceph_open(cm, "/at", O_RDONLY, 0);
	R(ceph_ftruncate(cm, fd, 1));
	R(ceph_fchmod(cm, fd, 0644));
	R(ceph_close(cm, fd));
}

static void xattrs(struct ceph_mount_info *cm)
{
	char buf[256], list[256];
	int n, fd;

	make(cm, "/x");
	ceph_symlink(cm, "x", "/xl");
	R(ceph_setxattr(cm, "/x", "user.a", "one", 3, 0));
	R(ceph_setxattr(cm, "/x", "user.a", "two2", 4, XATTR_CREATE));
	R(ceph_setxattr(cm, "/x", "user.a", "two2", 4, XATTR_REPLACE));
	R(ceph_setxattr(cm, "/x", "user.b", "x", 1, XATTR_REPLACE));
	R(ceph_setxattr(cm, "/x", "user.empty", "", 0, 0));
	R(ceph_setxattr(cm, "/x", "trusted.t", "t", 1, 0));
	R(ceph_setxattr(cm, "/x", "security.s", "s", 1, 0));
	R(ceph_setxattr(cm, "/x", "bad.s", "s", 1, 0));
	R(ceph_setxattr(cm, "/none", "user.a", "s", 1, 0));
	R(ceph_setxattr(cm, "/x", "user.a", "s", 1, 99));
	R(ceph_getxattr(cm, "/x", "user.a", NULL, 0));
	R(n = ceph_getxattr(cm, "/x", "user.a", buf, sizeof buf));
	say_text("value", buf, n);
	R(ceph_getxattr(cm, "/x", "user.a", buf, 1));
	R(ceph_getxattr(cm, "/x", "user.none", buf, sizeof buf));
	R(ceph_getxattr(cm, "/x", "user.empty", buf, sizeof buf));
	R(ceph_getxattr(cm, "/none", "user.a", buf, sizeof buf));
	R(ceph_getxattr(cm, "/xl", "user.a", buf, sizeof buf));
	R(ceph_lgetxattr(cm, "/xl", "user.a", buf, sizeof buf));
	R(ceph_lsetxattr(cm, "/xl", "trusted.l", "l", 1, 0));
	R(ceph_lgetxattr(cm, "/xl", "trusted.l", buf, sizeof buf));
	R(ceph_llistxattr(cm, "/xl", list, sizeof list));
	R(ceph_lremovexattr(cm, "/xl", "trusted.l"));
	R(ceph_listxattr(cm, "/x", NULL, 0));
	R(n = ceph_listxattr(cm, "/x", list, sizeof list));
	R(ceph_listxattr(cm, "/x", list, 3));
	R(ceph_removexattr(cm, "/x", "user.empty"));
	R(ceph_removexattr(cm, "/x", "user.empty"));
	R(ceph_removexattr(cm, "/none", "user.empty"));
	fd = ceph_open(cm, "/x", O_RDWR, 0);
	R(ceph_fsetxattr(cm, fd, "user.f", "fff", 3, 0));
	R(ceph_fgetxattr(cm, fd, "user.f", buf, sizeof buf));
	R(ceph_flistxattr(cm, fd, list, sizeof list));
	R(ceph_fremovexattr(cm, fd, "user.f"));
	R(ceph_fgetxattr(cm, fd, "user.f", buf, sizeof buf));
	R(ceph_close(cm, fd));
	R(n = ceph_getxattr(cm, "/x", "ceph.file.layout", buf, sizeof buf));
	say_text("file layout", buf, n);
	R(n = ceph_getxattr(cm, "/x", "ceph.file.layout.pool", buf, sizeof buf));
	say_text("pool", buf, n);
	R(ceph_getxattr(cm, "/d", "ceph.dir.layout", buf, sizeof buf));
	R(ceph_setxattr(cm, "/d", "ceph.dir.layout.stripe_count", "2", 1, 0));
	R(n = ceph_getxattr(cm, "/d", "ceph.dir.layout", buf, sizeof buf));
	say_text("dir layout", buf, n);
	R(ceph_getxattr(cm, "/d", "ceph.dir.layout.pool_namespace", buf, sizeof buf)); /* "" */
	R(ceph_setxattr(cm, "/d", "ceph.dir.layout.stripe_count", "x", 1, 0));
	R(ceph_setxattr(cm, "/d", "ceph.dir.layout.pool", "nopool", 6, 0));
	R(ceph_setxattr(cm, "/d", "ceph.quota.max_files", "100", 3, 0));
	R(n = ceph_getxattr(cm, "/d", "ceph.quota.max_files", buf, sizeof buf));
	say_text("quota", buf, n);
	R(n = ceph_getxattr(cm, "/d", "ceph.quota", buf, sizeof buf));
	say_text("quota", buf, n);
	R(ceph_setxattr(cm, "/d", "ceph.quota.max_files", "-1", 2, 0));
	R(ceph_setxattr(cm, "/d", "ceph.quota.max_files", "0", 1, 0));
	R(n = ceph_getxattr(cm, "/d", "ceph.dir.entries", buf, sizeof buf));
	R(ceph_setxattr(cm, "/d", "ceph.dir.entries", "1", 1, 0));
	R(ceph_removexattr(cm, "/d", "ceph.dir.layout"));
	R(ceph_getxattr(cm, "/x", "ceph.nonsense", buf, sizeof buf));
	R(ceph_getxattr(cm, "/x", "", buf, sizeof buf));
}

/* ---- directories ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void listing(struct ceph_mount_info *cm)
{
	struct ceph_dir_result *d = NULL;
	char name[64], *names[64], buf[4096];
	struct ceph_statx st;
	struct Inode *in;
	struct dirent *e, de;
	int64_t where[40];
	int n = 0, r, found = 0, fd;

	R(ceph_mkdir(cm, "/list", 0755));
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "/list/n%02d", i);
		if (i % 3)
			make(cm, name);
		else
			ceph_mkdir(cm, name, 0700);
	}
	R(ceph_opendir(cm, "/none", &d));
	R(ceph_opendir(cm, "/f", &d));
	R(ceph_opendir(cm, "/list", &d));
	R(ceph_telldir(cm, d) >= 0);
	while ((e = ceph_readdir(cm, d)) && n < 40) {
		where[n] = ceph_telldir(cm, d);
		snprintf(buf, sizeof buf, "%s %d", e->d_name, e->d_type);
		names[n++] = strdup(buf);
	}
	say(n, "entries");
	say(n > 1 && !strncmp(names[0], ". ", 2) && !strncmp(names[1], ".. ", 3), "dots first");
	/* every position leads back to what followed */
	for (int i = 0; i + 1 < n; i++) {
		ceph_seekdir(cm, d, where[i]);
		e = ceph_readdir(cm, d);
		if (e && !strncmp(e->d_name, names[i + 1], strlen(e->d_name)))
			found++;
	}
	say(found, "positions that hold");
	ceph_rewinddir(cm, d);
	R(ceph_readdir_r(cm, d, &de));
	say_text("first", de.d_name, (long long)strlen(de.d_name));
	qsort(names, (size_t)n, sizeof *names, compare);
	for (int i = 0; i < n; i++) {
		say_text("entry", names[i], (long long)strlen(names[i]));
		free(names[i]);
	}
	ceph_rewinddir(cm, d);
	for (n = 0; (r = ceph_readdirplus_r(cm, d, &de, &st, CEPH_STATX_BASIC_STATS, 0, &in)) == 1; n++) {
		if (!in || ((st.stx_mode & S_IFMT) == S_IFDIR) != (de.d_type == DT_DIR) ||
		    st.stx_ino != de.d_ino)
			say(n, "readdirplus is at odds with itself");
		ceph_ll_put(cm, in);
	}
	say(r, "readdirplus ends");
	say(n, "readdirplus entries");
	R(ceph_readdirplus_r(cm, d, &de, &st, CEPH_STATX_BASIC_STATS, 0x100000, NULL));
	ceph_rewinddir(cm, d);
	for (n = 0; (r = ceph_getdents(cm, d, buf, sizeof buf)) > 0;)
		n += r / (int)sizeof(struct dirent);
	say(r, "getdents ends");
	say(n, "getdents entries");
	ceph_rewinddir(cm, d);
	R(ceph_getdents(cm, d, buf, 10));
	ceph_rewinddir(cm, d);
	for (n = 0; (r = ceph_getdnames(cm, d, buf, 30)) > 0;)
		for (int at = 0; at < r; at += (int)strlen(buf + at) + 1)
			n++;
	say(r, "getdnames ends");
	say(n, "getdnames entries");
	ceph_rewinddir(cm, d);
	R(ceph_getdnames(cm, d, buf, 1));
	R(ceph_closedir(cm, d));
	fd = ceph_open(cm, "/list", O_RDONLY | O_DIRECTORY, 0);
	R(fd >= 0);
	R(ceph_fdopendir(cm, fd, &d));
	R(ceph_readdir_r(cm, d, &de));
	R(ceph_closedir(cm, d));
	R(ceph_fdopendir(cm, 9999, &d));
	fd = ceph_open(cm, "/f", O_RDONLY, 0);
	R(ceph_fdopendir(cm, fd, &d));
	R(ceph_close(cm, fd));
}

static void at_calls(struct ceph_mount_info *cm)
{
	struct ceph_statx st;
	char buf[64];
	int dir = ceph_open(cm, "/d", O_RDONLY | O_DIRECTORY, 0), file = ceph_open(cm, "/f", O_RDONLY, 0), fd;

	R(ceph_mkdirat(cm, dir, "sub", 0755));
	R(ceph_mkdirat(cm, dir, "sub", 0755));
	R(ceph_mkdirat(cm, file, "sub", 0755));
	R(ceph_mkdirat(cm, 9999, "sub", 0755));
	R(ceph_mkdirat(cm, dir, "/absolute", 0755));
	R((fd = ceph_openat(cm, dir, "file", O_CREAT | O_RDWR, 0600)) >= 0);
	R(ceph_close(cm, fd));
	R(ceph_openat(cm, dir, "none", O_RDONLY, 0));
	R(ceph_openat(cm, file, "x", O_RDONLY, 0));
	R(ceph_openat(cm, 9999, "x", O_RDONLY, 0));
	R(ceph_statxat(cm, dir, "file", &st, CEPH_STATX_BASIC_STATS, 0));
	R(st.stx_mode);
	R(ceph_statxat(cm, dir, "../f", &st, CEPH_STATX_BASIC_STATS, 0));
	R(ceph_statxat(cm, dir, "none", &st, CEPH_STATX_BASIC_STATS, 0));
	R(ceph_statxat(cm, 9999, "none", &st, CEPH_STATX_BASIC_STATS, 0));
	R(ceph_symlinkat(cm, "file", dir, "link"));
	R(ceph_readlinkat(cm, dir, "link", buf, sizeof buf));
	R(ceph_readlinkat(cm, dir, "file", buf, sizeof buf));
	R(ceph_chmodat(cm, dir, "file", 0644, 0));
	R(ceph_chownat(cm, dir, "file", 5, 6, 0));
	R(ceph_unlinkat(cm, dir, "link", 0));
	R(ceph_unlinkat(cm, dir, "sub", 0));
	R(ceph_unlinkat(cm, dir, "sub", AT_REMOVEDIR));
	R(ceph_unlinkat(cm, dir, "file", AT_REMOVEDIR));
	R(ceph_unlinkat(cm, dir, "file", 0));
	R(ceph_unlinkat(cm, dir, "none", 0));
	R(ceph_close(cm, dir));
	R(ceph_close(cm, file));
	R(ceph_mkdirat(cm, dir, "sub", 0755));
}

static void cwd(struct ceph_mount_info *cm)
{
	struct ceph_statx st;

#define CWD(what) say_text("getcwd " what, ceph_getcwd(cm), (long long)strlen(ceph_getcwd(cm)))
	CWD("at first");
	R(ceph_chdir(cm, "/a/b"));
	CWD("/a/b");
	R(ceph_statx(cm, "c", &st, CEPH_STATX_BASIC_STATS, 0));
	R(ceph_statx(cm, "../../f", &st, CEPH_STATX_BASIC_STATS, 0));
	R(ceph_mkdir(cm, "here", 0755));
	R(ceph_statx(cm, "/a/b/here", &st, CEPH_STATX_BASIC_STATS, 0));
	R(ceph_chdir(cm, "c/.."));
	CWD("c/..");
	R(ceph_chdir(cm, "none"));
	R(ceph_chdir(cm, "/f"));
	CWD("after errors");
	R(ceph_rename(cm, "/a/b", "/a/b2"));
	CWD("after a rename");
	R(ceph_statx(cm, ".", &st, CEPH_STATX_BASIC_STATS, 0));
	R(ceph_chdir(cm, ".."));
	CWD("..");
	R(ceph_chdir(cm, "/"));
	R(ceph_chdir(cm, ".."));
	CWD("above the root");
}

static void limits(struct ceph_mount_info *cm)
{
	char name[300], path[8192];
	struct ceph_statx st;
	struct statvfs fs;

	memset(name, 'n', sizeof name);
	name[0] = '/';
	name[256] = '\0';
	say(ceph_mkdir(cm, name, 0755), "a name of 255");
	say(ceph_rmdir(cm, name), "remove it");
	name[256] = 'n';
	name[257] = '\0';
	say(ceph_mkdir(cm, name, 0755), "a name of 256");
	say(ceph_statx(cm, name, &st, CEPH_STATX_INO, 0), "stat a name of 256");
	for (size_t n = 0; n < sizeof path - 2; n += 2)
		memcpy(path + n, "/.", 3);
	OURS(ceph_statx(cm, path, &st, CEPH_STATX_INO, 0), -ENAMETOOLONG);
	R(ceph_statfs(cm, "/", &fs));
	R(fs.f_bsize);
	R(fs.f_frsize);
	R(fs.f_namemax);
	R(fs.f_blocks > 0);
	R(fs.f_bfree <= fs.f_blocks);
	R(fs.f_bavail == fs.f_bfree);
	R(ceph_statfs(cm, "/none", &fs));
	OURS(ceph_unlink(cm, ""), -ENOENT);
	OURS(ceph_rmdir(cm, ""), -ENOENT);
	OURS(ceph_mkdir(cm, "", 0755), -ENOENT);
	OURS(ceph_rename(cm, "", "/x"), -ENOENT);
	OURS(ceph_rename(cm, "/x", ""), -ENOENT);
	R(ceph_statx(cm, "", &st, CEPH_STATX_INO, 0));
	R(ceph_chdir(cm, ""));
	R(ceph_getxattr(cm, "", "user.none", name, 10));
	R(ceph_readlink(cm, "", name, 10));
	R(ceph_chmod(cm, "", 0777));
	OURS(ceph_statx(cm, NULL, &st, CEPH_STATX_INO, 0), -EFAULT);
	OURS(ceph_statx(cm, "/", NULL, CEPH_STATX_INO, 0), -EFAULT);
	OURS(ceph_mkdir(cm, NULL, 0755), -EFAULT);
	OURS(ceph_symlink(cm, NULL, "/null"), -ENOENT);
	OURS(ceph_getxattr(cm, "/", NULL, NULL, 0), -EFAULT);
}

static void checks(struct ceph_mount_info *cm)
{
	directories(cm);
	links(cm);
	renames(cm);
	attributes(cm);
	xattrs(cm);
	listing(cm);
	at_calls(cm);
	cwd(cm);
	limits(cm);
}

int main(int argc, char **argv)
{
	return twice_main(argc, argv, checks, known);
}
