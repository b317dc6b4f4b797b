/* cluster: ; timeout: 120 */
/* The drop-in beside the real libcephfs: the low-level calls, as an NFS or SMB server uses them, for several
 * users; locks; snapshots; handles that are stale. */
#include "twice.h"
#include <limits.h>
#include <dirent.h>

static const struct twice_known known[] = {
	/* the name is not there, and who asks may see that */
	{ "750 bob rmdir", "-EACCES", "-ENOENT" },
	{ "755 bob rmdir", "-EACCES", "-ENOENT" },
	/* the layout that is given is not looked at but overwritten, and no pool is asked */
	{ "ceph_ll_read_block(cm, in, 0, buf, 0, 5, layout_of(cm, in, &l))", "-ENOENT", "5" },
	{ "read block", "\"\"", "\"hello\"" },
	{ "l.fl_stripe_unit == was.fl_stripe_unit", "0", "1" },
	{ "l.fl_pg_pool == was.fl_pg_pool", "0", "1" },
	{ "ceph_ll_read_block(cm, in, 1, buf, 10, 10, layout_of(cm, in, &l))", "-ENOENT", "2" },
	{ "ceph_ll_write_block(cm, in, 0, \"HELLO\", 1, 5, layout_of(cm, in, &l), 0, 1)", "-ENOENT", "5" },
	{ "written block", "\"\"", "\"hHELLO\"" },
	{ NULL, NULL, NULL },
};

static UserPerm *root, *alice, *bob;

static void inodes(struct ceph_mount_info *cm)
{
	struct Inode *r, *in = NULL, *dir = NULL, *same = NULL, *link = NULL;
	struct ceph_statx st = { 0 };
	vinodeno_t v;
	char buf[64];
	int n;

	R(ceph_ll_lookup_root(cm, &r));
	R(ceph_ll_getattr(cm, r, &st, CEPH_STATX_BASIC_STATS, 0, root));
	R(st.stx_mode);
	R(ceph_ll_mkdir(cm, r, "d", 0755, &dir, &st, CEPH_STATX_BASIC_STATS, 0, root));
	R(st.stx_mode);
	R(ceph_ll_mkdir(cm, r, "d", 0755, &in, &st, 0, 0, root));
	R(ceph_ll_mknod(cm, dir, "fifo", S_IFIFO | 0600, 0, &in, &st, CEPH_STATX_BASIC_STATS, 0, root));
	R(st.stx_mode);
	ceph_ll_put(cm, in);
	R(ceph_ll_symlink(cm, dir, "sl", "fifo", &link, &st, CEPH_STATX_BASIC_STATS, 0, root));
	R(st.stx_mode);
	R(n = ceph_ll_readlink(cm, link, buf, sizeof buf, root));
	say_text("readlink", buf, n);
	R(ceph_ll_readlink(cm, link, buf, 2, root));
	R(ceph_ll_readlink(cm, dir, buf, 2, root));
	ceph_ll_put(cm, link);
	R(ceph_ll_lookup(cm, r, "d", &in, &st, CEPH_STATX_INO, 0, root));
	R(in == dir);
	ceph_ll_put(cm, in);
	R(ceph_ll_lookup(cm, r, "none", &in, &st, CEPH_STATX_INO, 0, root));
	R(ceph_ll_lookup(cm, dir, "fifo", &in, &st, CEPH_STATX_BASIC_STATS, 0, root));
	v.ino.val = st.stx_ino;
	v.snapid.val = CEPH_NOSNAP;
	R(ceph_ll_lookup_inode(cm, v.ino, &same));
	R(same == in);
	ceph_ll_put(cm, same);
	R(ceph_ll_lookup_vino(cm, v, &same));
	R(same == in);
	ceph_ll_put(cm, same);
	same = ceph_ll_get_inode(cm, v);
	R(same == in);
	ceph_ll_put(cm, same);
	ceph_ll_forget(cm, in, 1);
	R(ceph_ll_lookup(cm, dir, "..", &in, &st, CEPH_STATX_INO, 0, root));
	R(in == r);
	ceph_ll_put(cm, in);
	R(ceph_ll_lookup(cm, dir, ".", &in, &st, CEPH_STATX_INO, 0, root));
	R(in == dir);
	ceph_ll_put(cm, in);
	R(ceph_ll_walk(cm, "/d/fifo", &in, &st, CEPH_STATX_BASIC_STATS, 0, root));
	R(st.stx_mode);
	ceph_ll_put(cm, in);
	R(ceph_ll_walk(cm, "/d/sl", &in, &st, CEPH_STATX_BASIC_STATS, AT_SYMLINK_NOFOLLOW, root));
	R(st.stx_mode);
	ceph_ll_put(cm, in);
	R(ceph_ll_walk(cm, "/d/none", &in, &st, CEPH_STATX_BASIC_STATS, 0, root));
	R(ceph_ll_lookup(cm, dir, "fifo", &in, &st, 0, 0, root));
	R(ceph_ll_link(cm, in, dir, "fifo2", root));
	R(ceph_ll_link(cm, in, dir, "fifo2", root));
	R(ceph_ll_getattr(cm, in, &st, CEPH_STATX_NLINK, 0, root));
	R(st.stx_nlink);
	R(ceph_ll_rename(cm, dir, "fifo2", r, "moved", root));
	R(ceph_ll_rename(cm, dir, "fifo2", r, "moved2", root));
	R(ceph_ll_unlink(cm, r, "moved", root));
	R(ceph_ll_unlink(cm, r, "moved", root));
	R(ceph_ll_unlink(cm, r, "d", root));
	R(ceph_ll_rmdir(cm, r, "d", root));
	R(ceph_ll_rmdir(cm, dir, "fifo", root));
	st.stx_mode = 0640;
	st.stx_uid = 1000;
	st.stx_mtime.tv_sec = 1234567;
	st.stx_mtime.tv_nsec = 89;
	R(ceph_ll_setattr(cm, in, &st, CEPH_SETATTR_MODE | CEPH_SETATTR_UID | CEPH_SETATTR_MTIME, root));
	R(ceph_ll_getattr(cm, in, &st, CEPH_STATX_BASIC_STATS, 0, root));
	R(st.stx_mode);
	R(st.stx_uid);
	R(st.stx_mtime.tv_sec);
	R(st.stx_mtime.tv_nsec);
	R(ceph_ll_setxattr(cm, in, "trusted.x", "v", 1, 0, root));
	R(ceph_ll_getxattr(cm, in, "trusted.x", buf, sizeof buf, root));
	R(ceph_ll_getxattr(cm, in, "trusted.y", buf, sizeof buf, root));
	size_t list = 0;
	R(ceph_ll_listxattr(cm, in, buf, sizeof buf, &list, root));
	R(list);
	R(ceph_ll_listxattr(cm, in, buf, 2, &list, root));
	R(ceph_ll_removexattr(cm, in, "trusted.x", root));
	R(ceph_ll_removexattr(cm, in, "trusted.x", root));
	ceph_ll_put(cm, in);
	struct statvfs fs;
	R(ceph_ll_statfs(cm, r, &fs));
	R(fs.f_frsize);
	ceph_ll_put(cm, dir);
	ceph_ll_put(cm, r);
	OURS(ceph_ll_getattr(cm, NULL, &st, 0, 0, root), -EINVAL);
	OURS(ceph_ll_lookup(cm, NULL, "x", &in, &st, 0, 0, root), -EINVAL);
	OURS(ceph_ll_lookup(cm, r, NULL, &in, &st, 0, 0, root), -EFAULT);
	OURS(ceph_ll_mkdir(cm, r, "", 0755, &in, &st, 0, 0, root), -ENOENT);
	OURS(ceph_ll_mkdir(cm, r, "a/b", 0755, &in, &st, 0, 0, root), -EINVAL);
	OURS(ceph_ll_put(cm, NULL), 0);
	v.ino.val = 0x123456789abc;
	R(ceph_ll_lookup_vino(cm, v, &in));
}

static void files(struct ceph_mount_info *cm)
{
	struct Inode *r, *in = NULL;
	struct Fh *fh = NULL, *other = NULL;
	struct ceph_statx st = { 0 };
	struct ceph_file_layout l = { 0 };
	struct iovec w[2] = { { "ab", 2 }, { "cde", 3 } };
	char buf[64];
	struct iovec rd[2] = { { buf, 1 }, { buf + 1, 10 } };

	R(ceph_ll_lookup_root(cm, &r));
	R(ceph_ll_create(cm, r, "f", 0640, O_CREAT | O_EXCL | O_RDWR, &in, &fh, &st, CEPH_STATX_BASIC_STATS,
			 0, root));
	R(st.stx_mode);
	R(ceph_ll_create(cm, r, "f", 0640, O_CREAT | O_EXCL | O_RDWR, &in, &other, &st, 0, 0, root));
	R(ceph_ll_write(cm, fh, 0, 11, "hello world"));
	R(ceph_ll_read(cm, fh, 6, 100, buf));
	say_text("read", buf, 5);
	R(ceph_ll_read(cm, fh, 100, 100, buf));
	R(ceph_ll_writev(cm, fh, w, 2, 3));
	R(ceph_ll_readv(cm, fh, rd, 2, 2));
	say_text("readv", buf, 9);
	R(ceph_ll_lseek(cm, fh, 3, SEEK_SET));
	R(ceph_ll_lseek(cm, fh, 0, SEEK_END));
	R(ceph_ll_fsync(cm, fh, 0));
	R(ceph_ll_sync_inode(cm, in, 0));
	R(ceph_ll_fallocate(cm, fh, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 3));
	R(ceph_ll_read(cm, fh, 0, 5, buf));
	say_text("punched", buf, 5);
	R(ceph_ll_getattr(cm, in, &st, CEPH_STATX_SIZE, 0, root));
	R(st.stx_size);
	st.stx_size = 4;
	R(ceph_ll_setattr(cm, in, &st, CEPH_SETATTR_SIZE, root));
	R(ceph_ll_read(cm, fh, 0, 100, buf));
	R(ceph_ll_open(cm, in, O_RDONLY, &other, root));
	R(ceph_ll_write(cm, other, 0, 1, "x"));
	R(ceph_ll_read(cm, other, 0, 100, buf));
	R(ceph_ll_stripe_unit(cm, in));
	R(ceph_ll_file_layout(cm, in, &l));
	R(l.fl_stripe_unit);
	R(l.fl_stripe_count);
	R(l.fl_object_size);
	R(l.fl_pg_pool);
	R(ceph_ll_num_osds(cm));
	OURS(ceph_ll_get_stripe_osd(cm, in, 0, &l) >= 0, 1);
	R(ceph_ll_get_internal_offset(cm, in, 3));
	R(ceph_ll_delegation(cm, fh, CEPH_DELEGATION_RD, NULL, NULL));
	R(ceph_ll_close(cm, other));
	R(ceph_ll_close(cm, fh));
	R(ceph_ll_unlink(cm, r, "f", root));
	OURS(ceph_ll_close(cm, fh), -EBADF);
	OURS(ceph_ll_read(cm, fh, 0, 1, buf), -EBADF);
	OURS(ceph_ll_read(cm, NULL, 0, 1, buf), -EBADF);
	OURS(ceph_ll_read(cm, (struct Fh *)buf, 0, 1, buf), -EBADF);
	OURS(ceph_ll_write(cm, (struct Fh *)1, 0, 1, buf), -EBADF);
	OURS(ceph_ll_fsync(cm, fh, 0), -EBADF);
	OURS(ceph_closedir(cm, (struct ceph_dir_result *)buf), -EBADF);
	OURS(ceph_telldir(cm, NULL), -EBADF);
	OURS(ceph_readdir(cm, NULL) == NULL, 1);
	ceph_ll_put(cm, in);
	ceph_ll_put(cm, r);
}

static void directories(struct ceph_mount_info *cm)
{
	struct ceph_dir_result *d;
	struct Inode *r, *dir, *out;
	struct ceph_statx st;
	struct dirent de;
	int n = 0;

	R(ceph_ll_lookup_root(cm, &r));
	R(ceph_ll_mkdir(cm, r, "dir", 0755, &dir, &st, CEPH_STATX_INO, 0, root));
	R(ceph_ll_opendir(cm, dir, &d, root));
	while (ceph_readdirplus_r(cm, d, &de, &st, CEPH_STATX_BASIC_STATS, 0, &out) == 1) {
		n++;
		ceph_ll_put(cm, out);
	}
	say(n, "an empty directory");
	R(ceph_ll_releasedir(cm, d));
	ceph_ll_put(cm, dir);
	ceph_ll_put(cm, r);
}

/* One try of each right for each of three users. */
static void rights(struct ceph_mount_info *cm)
{
	struct {
		const char *name;
		UserPerm *who;
	} users[] = { { "root", root }, { "alice", alice }, { "bob", bob } };
	struct Inode *r, *dir, *in, *out;
	struct ceph_statx st = { 0 };
	struct Fh *fh;
	int err;

	R(ceph_ll_lookup_root(cm, &r));
	for (int mode = 0; mode < 4; mode++) {
		static const int modes[] = { 0700, 0750, 0755, 01777 };

		ceph_ll_mkdir(cm, r, "rights", 0777, &dir, &st, CEPH_STATX_INO, 0, root);
		st.stx_uid = 1001;
		st.stx_gid = 2000;
		st.stx_mode = (uint16_t)modes[mode];
		say(ceph_ll_setattr(cm, dir, &st, CEPH_SETATTR_UID | CEPH_SETATTR_GID | CEPH_SETATTR_MODE,
				    root),
		    "set %o", modes[mode]);
		ceph_ll_create(cm, dir, "f", 0640, O_CREAT | O_RDWR, &in, &fh, &st, CEPH_STATX_INO, 0, root);
		ceph_ll_close(cm, fh);
		st.stx_uid = 1001;
		st.stx_gid = 2000;
		ceph_ll_setattr(cm, in, &st, CEPH_SETATTR_UID | CEPH_SETATTR_GID, root);
		for (int u = 0; u < 3; u++) {
#define T(what, call) say(err = (call), "%o %s " what, modes[mode], users[u].name)
			T("lookup", ceph_ll_lookup(cm, dir, "f", &out, &st, CEPH_STATX_INO, 0, users[u].who));
			if (!err)
				ceph_ll_put(cm, out);
			T("mkdir", ceph_ll_mkdir(cm, dir, users[u].name, 0755, &out, &st,
						 CEPH_STATX_UID | CEPH_STATX_GID, 0, users[u].who));
			if (!err) {
				say(st.stx_uid, "%o %s made it", modes[mode], users[u].name);
				ceph_ll_put(cm, out);
			}
			T("read", ceph_ll_open(cm, in, O_RDONLY, &fh, users[u].who));
			if (!err)
				ceph_ll_close(cm, fh);
			T("write", ceph_ll_open(cm, in, O_WRONLY, &fh, users[u].who));
			if (!err)
				ceph_ll_close(cm, fh);
			st.stx_mode = 0640;
			T("chmod", ceph_ll_setattr(cm, in, &st, CEPH_SETATTR_MODE, users[u].who));
			st.stx_uid = 1001;
			T("chown", ceph_ll_setattr(cm, in, &st, CEPH_SETATTR_UID, users[u].who));
			T("setxattr", ceph_ll_setxattr(cm, in, "user.x", "y", 1, 0, users[u].who));
			T("getxattr", ceph_ll_getxattr(cm, in, "user.x", NULL, 0, users[u].who));
			T("rename", ceph_ll_rename(cm, dir, "f", dir, "g", users[u].who));
			if (!err)
				ceph_ll_rename(cm, dir, "g", dir, "f", root);
			T("rmdir", ceph_ll_rmdir(cm, dir, users[u].name, users[u].who));
		}
		ceph_ll_rmdir(cm, dir, "alice", root);
		ceph_ll_unlink(cm, dir, "f", root);
		ceph_ll_put(cm, in);
		ceph_ll_put(cm, dir);
		say(ceph_ll_rmdir(cm, r, "rights", root), "%o gone", modes[mode]);
	}
	ceph_ll_put(cm, r);
}

static void locks(struct ceph_mount_info *cm)
{
	struct flock fl = { .l_type = F_WRLCK, .l_start = 10, .l_len = 10, .l_pid = 5 };
	struct Inode *r, *in;
	struct ceph_statx st;
	struct Fh *a, *b;
	int fd, fd2;

	R(ceph_ll_lookup_root(cm, &r));
	R(ceph_ll_create(cm, r, "locked", 0644, O_CREAT | O_RDWR, &in, &a, &st, 0, 0, root));
	R(ceph_ll_open(cm, in, O_RDWR, &b, root));
	R(ceph_ll_setlk(cm, a, &fl, 1, 0));
	R(ceph_ll_setlk(cm, b, &fl, 2, 0));
	fl.l_start = 15;
	R(ceph_ll_getlk(cm, b, &fl, 2));
	R(fl.l_type);
	R(fl.l_start);
	R(fl.l_len);
	fl = (struct flock){ .l_type = F_RDLCK, .l_start = 0, .l_len = 5 };
	R(ceph_ll_setlk(cm, b, &fl, 2, 0));
	R(ceph_ll_setlk(cm, a, &fl, 1, 0));
	fl.l_type = F_WRLCK;
	R(ceph_ll_setlk(cm, a, &fl, 1, 0));
	fl = (struct flock){ .l_type = F_UNLCK };
	R(ceph_ll_setlk(cm, a, &fl, 1, 0));
	fl = (struct flock){ .l_type = F_WRLCK, .l_start = 10, .l_len = 0 };
	R(ceph_ll_setlk(cm, b, &fl, 2, 1));
	R(ceph_ll_getlk(cm, b, &fl, 2));
	R(fl.l_type);
	R(ceph_ll_close(cm, a));
	R(ceph_ll_close(cm, b));
	fd = ceph_open(cm, "/locked", O_RDWR, 0);
	fd2 = ceph_open(cm, "/locked", O_RDWR, 0);
	R(ceph_flock(cm, fd, LOCK_EX | LOCK_NB, 1));
	R(ceph_flock(cm, fd2, LOCK_EX | LOCK_NB, 2));
	R(ceph_flock(cm, fd2, LOCK_SH | LOCK_NB, 2));
	R(ceph_flock(cm, fd, LOCK_SH, 1));
	R(ceph_flock(cm, fd2, LOCK_SH | LOCK_NB, 2));
	R(ceph_flock(cm, fd, LOCK_UN, 1));
	R(ceph_flock(cm, fd2, LOCK_UN, 2));
	R(ceph_flock(cm, fd, 77, 1));
	R(ceph_flock(cm, 9999, LOCK_SH, 1));
	R(ceph_close(cm, fd));
	R(ceph_close(cm, fd2));
	ceph_ll_put(cm, in);
	ceph_ll_put(cm, r);
}

static void snapshots(struct ceph_mount_info *cm)
{
	struct snap_metadata md[2] = { { "k1", "v1" }, { "key2", "" } };
	struct snap_info info = { 0 };
	struct ceph_statx st;
	char buf[32];
	int fd;

	R(ceph_mkdirs(cm, "/s/sub", 0755));
	fd = ceph_open(cm, "/s/f", O_CREAT | O_RDWR, 0644);
	R(ceph_write(cm, fd, "before", 6, 0));
	R(ceph_fsync(cm, fd, 0));
	R(ceph_mksnap(cm, "/s", "one", 0755, md, 2));
	R(ceph_mksnap(cm, "/s", "one", 0755, NULL, 0));
	R(ceph_mksnap(cm, "/none", "one", 0755, NULL, 0));
	R(ceph_write(cm, fd, "AFTER!", 6, 0));
	R(ceph_close(cm, fd));
	R((fd = ceph_open(cm, "/s/.snap/one/f", O_RDONLY, 0)) >= 0);
	R(ceph_read(cm, fd, buf, 32, 0));
	say_text("in the snapshot", buf, 6);
	R(ceph_close(cm, fd));
	R(ceph_open(cm, "/s/.snap/one/f", O_WRONLY, 0));
	R(ceph_open(cm, "/s/.snap/one/new", O_WRONLY | O_CREAT, 0644));
	R(ceph_mkdir(cm, "/s/.snap/one/new", 0755));
	R(ceph_unlink(cm, "/s/.snap/one/f"));
	R(ceph_chmod(cm, "/s/.snap/one/f", 0600));
	R(ceph_get_snap_info(cm, "/s/.snap/one", &info));
	R(info.nr_snap_metadata);
	if (info.nr_snap_metadata == 2) {
		say_text("key", info.snap_metadata[0].key, (long long)strlen(info.snap_metadata[0].key));
		say_text("value", info.snap_metadata[0].value,
			 (long long)strlen(info.snap_metadata[0].value));
		ceph_free_snap_info_buffer(&info);
	}
	R(ceph_get_snap_info(cm, "/s", &info));
	R(ceph_get_snap_info(cm, "/s/.snap/none", &info));
	R(ceph_mkdir(cm, "/s/.snap/two", 0755));
	R(ceph_get_snap_info(cm, "/s/.snap/two", &info));
	R(info.nr_snap_metadata);
	R(ceph_rename(cm, "/s/.snap/two", "/s/.snap/three"));
	R(ceph_statx(cm, "/s/.snap/three/f", &st, CEPH_STATX_SIZE, 0));
	R(st.stx_size);
	R(ceph_rmsnap(cm, "/s", "three"));
	R(ceph_rmsnap(cm, "/s", "three"));
	R(ceph_rmdir(cm, "/s/.snap/one"));
	R(ceph_statx(cm, "/s/.snap/one", &st, CEPH_STATX_SIZE, 0));
}

static struct ceph_file_layout *layout_of(struct ceph_mount_info *cm, struct Inode *in,
					  struct ceph_file_layout *l)
{
	ceph_ll_file_layout(cm, in, l);
	return l;
}

/* Objects of a file, past the file. */
static void blocks(struct ceph_mount_info *cm)
{
	struct ceph_file_layout l, was;
	struct ceph_statx st;
	struct Inode *r, *in;
	struct Fh *fh;
	char buf[16] = "";
	int n;

	R(ceph_ll_lookup_root(cm, &r));
	R(ceph_ll_create(cm, r, "blocks", 0644, O_CREAT | O_RDWR, &in, &fh, &st, CEPH_STATX_INO, 0, root));
	R(ceph_ll_write(cm, fh, 0, 11, "hello world"));
	R(ceph_ll_write(cm, fh, 4 << 20, 12, "second block"));
	R(ceph_ll_fsync(cm, fh, 0));
	layout_of(cm, in, &was);
	R(ceph_ll_read_block(cm, in, 0, buf, 0, 5, layout_of(cm, in, &l)));
	say_text("read block", buf, (long long)strlen(buf));
	R(l.fl_stripe_unit == was.fl_stripe_unit);
	R(l.fl_pg_pool == was.fl_pg_pool);
	R(ceph_ll_read_block(cm, in, 1, buf, 10, 10, layout_of(cm, in, &l)));
	R(ceph_ll_read_block(cm, in, 2, buf, 0, 5, layout_of(cm, in, &l)));
	layout_of(cm, in, &l)->fl_pg_pool = 77;
	R(ceph_ll_read_block(cm, in, 0, buf, 0, 5, &l));
	R(ceph_ll_write_block(cm, in, 0, "HELLO", 0, 0, layout_of(cm, in, &l), 0, 1));
	R(ceph_ll_write_block(cm, in, 0, "HELLO", 1, 5, layout_of(cm, in, &l), 0, 1));
	memset(buf, 0, sizeof buf);
	n = ceph_ll_read_block(cm, in, 0, buf, 0, 6, layout_of(cm, in, &l));
	say_text("written block", buf, n < 0 ? 0 : n);
	R(ceph_ll_commit_blocks(cm, in, 0, 5));
	R(ceph_ll_commit_blocks(cm, in, 0, 0));
	OURS(ceph_ll_read_block(cm, in, 0, buf, 0, 0, layout_of(cm, in, &l)), 0);
	OURS(ceph_ll_read_block(cm, in, 0, buf, 0, 1, NULL), -EINVAL);
	OURS(ceph_ll_read_block(cm, in, 0, NULL, 0, 1, &l), -EFAULT);
	OURS(ceph_ll_write_block(cm, NULL, 0, "x", 0, 1, &l, 0, 1), -EINVAL);
	OURS(ceph_ll_read_block(cm, in, 0, buf, 0, UINT64_MAX, &l), -EINVAL);
	OURS(ceph_ll_read_block(cm, in, 0, buf, 0, (uint64_t)INT_MAX + 1, &l), -EINVAL);
	OURS(ceph_ll_read_block(cm, in, 0, buf, UINT64_MAX, 5, &l), -EINVAL);
	R(ceph_ll_close(cm, fh));
	R(ceph_ll_put(cm, in) >= 0);
	R(ceph_ll_put(cm, r) >= 0);
}

static void checks(struct ceph_mount_info *cm)
{
	gid_t groups[] = { 2000 };

	root = ceph_userperm_new(0, 0, 0, NULL);
	alice = ceph_userperm_new(1001, 1001, 0, NULL);
	bob = ceph_userperm_new(1002, 1002, 1, groups);
	inodes(cm);
	files(cm);
	directories(cm);
	rights(cm);
	locks(cm);
	snapshots(cm);
	blocks(cm);
	ceph_userperm_destroy(root);
	ceph_userperm_destroy(alice);
	ceph_userperm_destroy(bob);
}

int main(int argc, char **argv)
{
	return twice_main(argc, argv, checks, known);
}
