/* cluster: --mds 1; timeout: 600 */
/* Every operation is disturbed at its first wait, at its second, and so on until it has no more: cancelled,
 * cut off from the MDS, or with the mount going away. It ends once, with the right result; what it says about
 * its effect is true; and nothing of it stays behind.
 *
 * A wait is a turn of the engine in which something was sent for it. Before each try the other client makes
 * the tree anew and ours forgets all it knew; after it, the other client looks at what there is. */
#include <sys/file.h>
#include <sys/xattr.h>
#include "ours.h"

enum { END_LIMIT_MS = 30000, WAITS_MAX = 24 };

static const struct cephring_cred owner = { .uid = 1001, .gid = 1001 };

struct state {
	struct both b;
	const struct cephring_cred *cred;
	cephring_file *file;   /* opened before, for operations on one */
	cephring_inode *inode; /* looked up by the operation */
	struct cephring_op op;
	struct cephring_lock lock;
	struct cephring_setattr set;
	struct cephring_statx st;
	struct cephring_statfs fs;
	struct cephring_snap_info snap;
	struct cephring_handle handle;
	char buf[65536];
	int64_t res;
	unsigned calls;
	int uncertain;
	bool same; /* the tree, as it was made */
};

static void ended(struct cephring_op *op, int64_t res, void *user)
{
	struct state *s = user;

	s->res = res;
	s->calls++;
	s->uncertain = cephring_op_uncertain(op);
}

/* ---- operations ---- */

typedef int submit_fn(struct state *s);
#define M    s->b.mount, NULL
#define DONE &s->op, ended, s

static int do_lookup(struct state *s)
{
	return cephring_lookup(M, "/nth/dir/sub/deep/f", 0, s->cred, DONE, &s->inode);
}

static int do_lookup_missing(struct state *s)
{
	return cephring_lookup(M, "/nth/dir/sub/none", 0, s->cred, DONE, &s->inode);
}

static int do_statx(struct state *s)
{
	return cephring_statx(M, "/nth/dir/link/sub/../f", CEPHRING_STATX_ALL, 0, s->cred, &s->st, DONE);
}

static int do_access(struct state *s)
{
	return cephring_access(M, "/nth/dir/f", R_OK | W_OK, 0, s->cred, DONE);
}

static int do_readlink(struct state *s)
{
	return cephring_readlink(M, "/nth/dir/link", s->cred, s->buf, 100, DONE);
}

static int do_getxattr(struct state *s)
{
	return cephring_getxattr(M, "/nth/dir/f", "user.a", 0, s->cred, s->buf, 100, DONE);
}

static int do_vxattr(struct state *s)
{
	return cephring_getxattr(M, "/nth/dir", "ceph.dir.rfiles", 0, s->cred, s->buf, 100, DONE);
}

static int do_listxattr(struct state *s)
{
	return cephring_listxattr(M, "/nth/dir/f", 0, s->cred, s->buf, 100, DONE);
}

static int do_statfs(struct state *s)
{
	return cephring_statfs(s->b.mount, &s->fs, DONE);
}

static int do_mkdir(struct state *s)
{
	return cephring_mkdir(M, "/nth/dir/new", 0755, 0, s->cred, DONE);
}

static int do_mkdir_parents(struct state *s)
{
	return cephring_mkdir(M, "/nth/dir/sub/p/q/r", 0755, CEPHRING_PARENTS, s->cred, DONE);
}

static int do_mknod(struct state *s)
{
	return cephring_mknod(M, "/nth/dir/sub/new", S_IFIFO | 0644, 0, s->cred, DONE);
}

static int do_symlink(struct state *s)
{
	return cephring_symlink(s->b.mount, "to", NULL, "/nth/dir/new", s->cred, DONE);
}

static int do_link(struct state *s)
{
	return cephring_link(M, "/nth/dir/f", NULL, "/nth/dir/sub/new", 0, s->cred, DONE);
}

static int do_unlink(struct state *s)
{
	return cephring_unlink(M, "/nth/dir/f", 0, s->cred, DONE);
}

static int do_rmdir(struct state *s)
{
	return cephring_unlink(M, "/nth/dir/empty", CEPHRING_REMOVEDIR, s->cred, DONE);
}

static int do_rename(struct state *s)
{
	return cephring_rename(M, "/nth/dir/f", NULL, "/nth/dir/sub/deep/f", 0, s->cred, DONE);
}

static int do_rename_dir(struct state *s)
{
	return cephring_rename(M, "/nth/dir/sub", NULL, "/nth/dir/empty", 0, s->cred, DONE);
}

static int set(struct state *s, uint32_t what)
{
	s->set = (struct cephring_setattr){
		.struct_size = sizeof s->set, .set = what, .mode = 0640, .size = 5, .mtime_ns = 7000000000
	};
	return cephring_setattr(M, "/nth/dir/f", &s->set, 0, s->cred, DONE);
}

static int do_chmod(struct state *s)
{
	return set(s, CEPHRING_SET_MODE);
}

static int do_truncate(struct state *s)
{
	return set(s, CEPHRING_SET_SIZE);
}

static int do_all_attributes(struct state *s)
{
	return set(s, CEPHRING_SET_MODE | CEPHRING_SET_SIZE | CEPHRING_SET_MTIME);
}

static int do_setxattr(struct state *s)
{
	return cephring_setxattr(M, "/nth/dir/f", "user.a", "2", 1, XATTR_REPLACE, 0, s->cred, DONE);
}

static int do_removexattr(struct state *s)
{
	return cephring_removexattr(M, "/nth/dir/f", "user.a", 0, s->cred, DONE);
}

static int do_mksnap(struct state *s)
{
	return cephring_mksnap(M, "/nth/dir/sub", "new", 0755, NULL, 0, s->cred, DONE);
}

static int do_rmsnap(struct state *s)
{
	return cephring_unlink(M, "/nth/dir/sub/.snap/old", CEPHRING_REMOVEDIR, s->cred, DONE);
}

static int do_renamesnap(struct state *s)
{
	return cephring_rename(M, "/nth/dir/sub/.snap/old", NULL, "/nth/dir/sub/.snap/newer", 0, s->cred,
			       DONE);
}

static int do_snap_stat(struct state *s)
{
	return cephring_statx(M, "/nth/dir/sub/.snap/old/deep/f", CEPHRING_STATX_ALL, 0, s->cred, &s->st,
			      DONE);
}

static int do_snap_info(struct state *s)
{
	return cephring_snap_info(M, "/nth/dir/sub/.snap/old", s->cred, &s->snap, DONE);
}

static int do_handle(struct state *s)
{
	return cephring_lookup_handle(s->b.mount, &s->handle, s->cred, DONE, &s->inode);
}

static int do_open(struct state *s)
{
	return cephring_open(M, "/nth/dir/sub/deep/f", O_RDONLY, 0, NULL, s->cred, DONE, &s->file);
}

static int do_create(struct state *s)
{
	return cephring_open(M, "/nth/dir/sub/new", O_CREAT | O_RDWR, 0644, NULL, s->cred, DONE, &s->file);
}

static int do_create_excl(struct state *s)
{
	return cephring_open(M, "/nth/dir/new", O_CREAT | O_EXCL | O_RDWR, 0644, NULL, s->cred, DONE,
			     &s->file);
}

static int do_open_trunc(struct state *s)
{
	return cephring_open(M, "/nth/dir/full", O_TRUNC | O_RDWR, 0, NULL, s->cred, DONE, &s->file);
}

static int do_close(struct state *s)
{
	cephring_file *f = s->file;

	s->file = NULL;
	return cephring_close(f, DONE);
}

static int do_readdir(struct state *s)
{
	return cephring_readdir(s->file, s->buf, sizeof s->buf, DONE);
}

static int do_fsync(struct state *s)
{
	return cephring_fsync(s->file, 0, DONE);
}

static int do_syncfs(struct state *s)
{
	return cephring_syncfs(s->b.mount, DONE);
}

static int do_setlk(struct state *s)
{
	s->lock = (struct cephring_lock){ .type = F_WRLCK, .owner = 2, .length = 10 };
	return cephring_setlk(s->file, &s->lock, 1, DONE);
}

static int do_getlk(struct state *s)
{
	s->lock = (struct cephring_lock){ .type = F_WRLCK, .owner = 2, .length = 10 };
	return cephring_getlk(s->file, &s->lock, DONE);
}

static int do_flock(struct state *s)
{
	return cephring_flock(s->file, LOCK_EX, 2, DONE);
}

/* ---- what must be there before ---- */

static void open_before(struct state *s, const char *path, int flags)
{
	if (cephring_sync_open(M, path, flags, 0, NULL, s->cred, &s->file))
		tap_die("a file is opened");
}

static void with_file(struct state *s)
{
	open_before(s, "/nth/dir/f", O_RDWR);
}

static void with_dir(struct state *s)
{
	open_before(s, "/nth/dir", O_RDONLY | O_DIRECTORY);
}

/* Something that is not safe, so that there is something to wait for. */
static void with_changes(struct state *s)
{
	with_dir(s);
	if (cephring_sync_mkdir(M, "/nth/dir/unsafe", 0755, 0, s->cred))
		tap_die("a directory is made");
}

static void with_handle(struct state *s)
{
	cephring_inode *i;

	if (cephring_sync_lookup(M, "/nth/dir/sub/deep/f", 0, s->cred, &i))
		tap_die("a handle");
	cephring_handle_of(i, &s->handle);
	cephring_put(s->b.mount, i);
}

enum { READS, CHANGES, LOCKS };

static const struct call {
	const char *name;
	submit_fn *submit;
	void (*before)(struct state *s);
	int kind, res;
} calls[] = {
	{ .name = "lookup", .submit = do_lookup },
	{ .name = "lookup of nothing", .submit = do_lookup_missing, .res = -ENOENT },
	{ .name = "statx", .submit = do_statx },
	{ .name = "access", .submit = do_access },
	{ .name = "readlink", .submit = do_readlink, .res = 3 },
	{ .name = "getxattr", .submit = do_getxattr, .res = 1 },
	{ .name = "getxattr ceph.dir", .submit = do_vxattr, .res = 1 },
	{ .name = "listxattr", .submit = do_listxattr, .res = 7 },
	{ .name = "statfs", .submit = do_statfs },
	{ .name = "mkdir", .submit = do_mkdir, .kind = CHANGES },
	{ .name = "mkdir -p", .submit = do_mkdir_parents, .kind = CHANGES },
	{ .name = "mknod", .submit = do_mknod, .kind = CHANGES },
	{ .name = "symlink", .submit = do_symlink, .kind = CHANGES },
	{ .name = "link", .submit = do_link, .kind = CHANGES },
	{ .name = "unlink", .submit = do_unlink, .kind = CHANGES },
	{ .name = "rmdir", .submit = do_rmdir, .kind = CHANGES },
	{ .name = "rename", .submit = do_rename, .kind = CHANGES },
	{ .name = "rename of a directory", .submit = do_rename_dir, .kind = CHANGES },
	{ .name = "chmod", .submit = do_chmod, .kind = CHANGES },
	{ .name = "truncate", .submit = do_truncate, .kind = CHANGES },
	{ .name = "setattr", .submit = do_all_attributes, .kind = CHANGES },
	{ .name = "setxattr", .submit = do_setxattr, .kind = CHANGES },
	{ .name = "removexattr", .submit = do_removexattr, .kind = CHANGES },
	{ .name = "mksnap", .submit = do_mksnap, .kind = CHANGES, .res = 1 },
	{ .name = "rmsnap", .submit = do_rmsnap, .kind = CHANGES },
	{ .name = "rename of a snapshot", .submit = do_renamesnap, .kind = CHANGES },
	{ .name = "statx in a snapshot", .submit = do_snap_stat },
	{ .name = "snap_info", .submit = do_snap_info },
	{ .name = "lookup_handle", .submit = do_handle, .before = with_handle },
	{ .name = "open", .submit = do_open },
	{ .name = "open O_CREAT", .submit = do_create, .kind = CHANGES, .res = 1 },
	{ .name = "open O_EXCL", .submit = do_create_excl, .kind = CHANGES, .res = 1 },
	{ .name = "open O_TRUNC", .submit = do_open_trunc, .kind = CHANGES },
	{ .name = "close", .submit = do_close, .before = with_file },
	{ .name = "readdir", .submit = do_readdir, .before = with_dir, .res = 1 },
	{ .name = "fsync", .submit = do_fsync, .before = with_changes },
	{ .name = "syncfs", .submit = do_syncfs, .before = with_changes },
	{ .name = "setlk", .submit = do_setlk, .before = with_file, .kind = LOCKS },
	{ .name = "getlk", .submit = do_getlk, .before = with_file, .kind = LOCKS },
	{ .name = "flock", .submit = do_flock, .before = with_file, .kind = LOCKS },
};
enum { CALLS = sizeof calls / sizeof *calls };

/* ---- the tree, by the other client ---- */

/* Only those that exist: after having failed to remove one, libcephfs could not unmount. */
static void their_rmsnaps(struct ceph_mount_info *cm, const char *snapdir)
{
	struct ceph_dir_result *d;
	char names[8][256], path[512];
	struct dirent *e;
	int count = 0;

	if (ceph_opendir(cm, snapdir, &d))
		return;
	while ((e = ceph_readdir(cm, d)) != NULL && count < 8)
		if (e->d_name[0] != '.')
			snprintf(names[count++], sizeof *names, "%s", e->d_name);
	ceph_closedir(cm, d);
	while (count-- > 0) {
		snprintf(path, sizeof path, "%s/%s", snapdir, names[count]);
		ceph_rmdir(cm, path);
	}
}

static int their_tree(struct ceph_mount_info *cm, void *arg)
{
	static const char *const dirs[] = { "/nth", "/nth/dir", "/nth/dir/sub", "/nth/dir/sub/deep",
					    "/nth/dir/empty" };
	static const char *const files[] = { "/nth/dir/f", "/nth/dir/full", "/nth/dir/sub/deep/f" };
	int err, fd;

	(void)arg;
	their_rmsnaps(cm, "/nth/dir/sub/.snap");
	their_rmsnaps(cm, "/nth/dir/empty/.snap");
	err = their_rm_r(cm, "/nth");
	for (int n = 0; n < 5 && !err; n++) {
		err = ceph_mkdir(cm, dirs[n], 0755);
		err = err ? err : ceph_chown(cm, dirs[n], 1001, 1001);
	}
	for (int n = 0; n < 3 && !err; n++) {
		fd = ceph_open(cm, files[n], O_CREAT | O_WRONLY, 0644);
		err = fd < 0 ? fd : n == 1 ? ceph_ftruncate(cm, fd, 100) : 0;
		if (fd >= 0)
			ceph_close(cm, fd);
		err = err ? err : ceph_chown(cm, files[n], 1001, 1001);
	}
	err = err ? err : ceph_setxattr(cm, "/nth/dir/f", "user.a", "1", 1, 0);
	err = err ? err : ceph_symlink(cm, "sub/..", "/nth/dir/link");
	return err ? err : ceph_mkdir(cm, "/nth/dir/sub/.snap/old", 0755);
}

/* One number for all that there is: names, types, modes, sizes, links, times of files, one attribute. */
static uint64_t mix(uint64_t h, uint64_t v)
{
	return (h ^ v) * 0x9e3779b97f4a7c15u + (h >> 29);
}

static uint64_t mix_name(uint64_t h, const char *s)
{
	while (*s)
		h = mix(h, (uint8_t)*s++);
	return h;
}

static uint64_t fingerprint_of(struct ceph_mount_info *cm, const char *path);

static uint64_t fingerprint_below(struct ceph_mount_info *cm, const char *path)
{
	struct ceph_dir_result *d;
	struct dirent *e;
	char below[512];
	uint64_t sum = 0;

	if (ceph_opendir(cm, path, &d))
		return 1;
	while ((e = ceph_readdir(cm, d)) != NULL) {
		snprintf(below, sizeof below, "%s/%s", path, e->d_name);
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			sum += fingerprint_of(cm, below); /* in whatever order */
	}
	ceph_closedir(cm, d);
	return sum;
}

static uint64_t fingerprint_of(struct ceph_mount_info *cm, const char *path)
{
	struct ceph_statx st = { 0 };
	char value[64], snaps[512];
	uint64_t h = mix_name(17, path);
	int len;

	h = mix(h, (uint64_t)ceph_statx(cm, path, &st, CEPH_STATX_BASIC_STATS, AT_SYMLINK_NOFOLLOW));
	h = mix(mix(h, st.stx_mode), st.stx_uid);
	if (strstr(path, "/.snap/"))
		return h;
	if (S_ISDIR(st.stx_mode)) {
		if ((size_t)snprintf(snaps, sizeof snaps, "%s/.snap", path) >= sizeof snaps)
			return h;
		return mix(mix(h, fingerprint_below(cm, path)), fingerprint_below(cm, snaps));
	}
	h = mix(mix(h, st.stx_size), st.stx_nlink);
	if (S_ISREG(st.stx_mode))
		h = mix(h, (uint64_t)st.stx_mtime.tv_sec);
	len = ceph_lgetxattr(cm, path, "user.a", value, sizeof value);
	return mix(h, len > 0 ? (uint64_t)value[0] : 0);
}

static int their_fingerprint(struct ceph_mount_info *cm, void *arg)
{
	*(uint64_t *)arg = fingerprint_below(cm, "/nth");
	return 0;
}

static uint64_t fingerprint(struct state *s)
{
	uint64_t h = 0;

	they(&s->b, their_fingerprint, &h);
	return h;
}

/* ---- one try ---- */

enum how { CANCEL, CUT, UNMOUNT, HOWS };
static const char *const how_names[] = { "cancelled", "cut off", "unmounted" };

static void quiet(void *arg, int level, const char *line)
{
	(void)arg, (void)level, (void)line;
}

static void mount_ours(struct state *s)
{
	struct cephring_mount_opts o = { .size = sizeof o, .log = quiet };

	if (cephring_sync_mount(s->b.engine, s->b.config, &o, &s->b.mount))
		tap_die("ours mounts");
}

static void begin(struct state *s, const struct call *c)
{
	if (!s->same && they(&s->b, their_tree, NULL))
		tap_die("libcephfs makes the tree");
	s->op = (struct cephring_op){ 0 };
	s->calls = 0;
	s->file = NULL;
	s->inode = NULL;
	if (c->before)
		c->before(s);
	if (c->before != with_file && c->before != with_changes)
		both_cold(&s->b);
}

static uint64_t asked_so_far(struct state *s)
{
	return both_stats(&s->b).mds_requests;
}

/* Serves until the n-th turn in which something was sent; false: it ended before. */
static bool reach(struct state *s, unsigned n)
{
	uint64_t end = now_ns() + END_LIMIT_MS * 1000000ull, before = asked_so_far(s), now;
	int64_t t;

	for (unsigned waits = 0; !s->calls && now_ns() < end;) {
		t = cephring_engine_timeout_ns(s->b.engine);
		cephring_run(s->b.engine, t == 0 ? 0 : 1000000);
		now = asked_so_far(s);
		if (now != before && ++waits == n)
			return !s->calls;
		before = now;
	}
	return false;
}

static void unmounted(struct cephring_op *op, int64_t res, void *user)
{
	(void)op, (void)res;
	*(bool *)user = true;
}

static void disturb(struct state *s, enum how how)
{
	static struct cephring_op leave;
	bool left = false;

	switch (how) {
	case CANCEL:
		cephring_op_cancel(s->b.mount, &s->op);
		break;
	case CUT:
		sever(our_mds_port(s->b.mount));
		break;
	default:
		leave = (struct cephring_op){ 0 };
		if (cephring_unmount(s->b.mount, &leave, unmounted, &left))
			tap_die("an unmount is taken");
		while (!left)
			both_turn(s->b.engine, -1, 50);
		s->b.mount = NULL;
	}
}

static void serve_until_ended(struct state *s)
{
	uint64_t end = now_ns() + END_LIMIT_MS * 1000000ull;

	while (!s->calls && now_ns() < end)
		both_turn(s->b.engine, -1, 50);
}

enum { ORPHANS = 256 };
static void *orphans[ORPHANS];
static unsigned orphan_count;

/* Nothing of it is left: after syncfs nothing is registered. */
static bool left_behind(struct state *s)
{
	json_t *v;
	bool left;

	if (!s->b.mount) {
		if (s->file) /* it was open when the mount went: nobody can close it any more */
			orphans[orphan_count++ % ORPHANS] = s->file;
		mount_ours(s);
		return false;
	}
	if (s->inode)
		cephring_put(s->b.mount, s->inode);
	if (s->file)
		cephring_sync_close(s->file);
	s->inode = NULL;
	s->file = NULL;
	if (cephring_sync_syncfs(s->b.mount))
		return true;
	for (int n = 0; n < 2000; n++) { /* questions that nobody waits for any more */
		v = our_view(s->b.mount, "requests");
		left = json_array_size(v) > 0;
		json_decref(v);
		if (!left)
			return false;
		both_turn(s->b.engine, -1, 10);
	}
	return true;
}

static bool right_result(const struct call *c, int64_t res)
{
	return c->res > 0 ? res >= c->res : res == c->res;
}

/* 0: it was disturbed and all is well; 1: it had fewer waits; else what is wrong. */
static int try(struct state *s, const struct call *c, enum how how, unsigned n, const char **why)
{
	static const int expected[] = { -ECANCELED, 0, -ESHUTDOWN };
	uint64_t before;
	bool reached, changed;

	begin(s, c);
	before = fingerprint(s);
	s->same = false;
	if (c->before != with_file && c->before != with_changes)
		both_cold(&s->b);
	if (c->submit(s))
		tap_die("an operation is taken");
	reached = reach(s, n);
	if (reached)
		disturb(s, how);
	serve_until_ended(s);
	*why = "it did not end once";
	if (s->calls != 1)
		return 2;
	*why = "its result";
	if (!right_result(c, s->res) && !(reached && how != CUT && s->res == expected[how]))
		return 2;
	*why = "something is left of it";
	if (left_behind(s))
		return 2;
	changed = fingerprint(s) != before;
	s->same = !changed && c->before != with_changes;
	*why = "it says that it had no effect";
	if (s->res < 0 && changed && !s->uncertain)
		return 2;
	*why = "it changes nothing, and says that it may have";
	if (s->res < 0 && c->kind == READS && s->uncertain)
		return 2;
	*why = "its effect";
	if (right_result(c, s->res) && changed != (c->kind == CHANGES))
		return 2;
	return reached ? 0 : 1;
}

static void sweep(struct state *s, const struct call *c, enum how how)
{
	unsigned n = 1;
	const char *why = "";
	int got = 0;

	while (n <= WAITS_MAX && (got = try(s, c, how, n, &why)) == 0)
		n++;
	tap_ok(got == 1, "%s, %s, %s at each wait", c->name, s->cred ? "its owner" : "root", how_names[how]);
	if (got != 1)
		tap_note("wait %u: %s; result %lld (%s), uncertain %d", n, why, (long long)s->res,
			 s->res < 0 ? strerror((int)-s->res) : "", s->uncertain);
	if (got == 1)
		tap_note("%u waits", n - 1);
}

int main(int argc, char **argv)
{
	static struct state s;
	struct both *b = both_new(NULL, NULL);

	s.b = *b;
	free(b);
	for (int who = 0; who < 2; who++) {
		s.cred = who ? &owner : NULL; /* whose walks take other ways, to the same ends */
		for (int n = 0; n < CALLS; n++)
			for (int how = 0; how < (who ? CUT : HOWS); how++)
				if (argc < 2 || !strcmp(argv[1], calls[n].name))
					sweep(&s, &calls[n], (enum how)how);
	}
	tap_eq(cephring_sync_unmount(s.b.mount), 0, "ours unmounts");
	tap_eq(cephring_engine_free(s.b.engine), 0, "the engine ends");
	cephring_config_free(s.b.config);
	ceph_abort_conn(
	    s.b.cm); /* having removed a directory whose .snap it had seen, it would wait for ever */
	second_unmount(s.b.cm);
	return tap_end();
}
