/* cluster: ; timeout: 120 */
/* The drop-in beside the real libcephfs: configuration, calls before a mount and after it, two mounts at
 * once, identities; and on ours alone: a fork, an exec, an exit and an unmount while other threads are in
 * calls. */
#include "twice.h"
#include <pthread.h>
#include <sys/mman.h>

static const struct twice_known known[] = {
	/* the real one says 0 unless the file system was named */
	{ "ceph_get_fs_cid(cm) > 0", "0", "1" },
	/* the old mask, as umask(2); the real one gives the new one back */
	{ "ceph_umask(nobody, 077)", "63", "18" },
	{ "ceph_umask(nobody, 070)", "56", "63" },
	/* a mount below the root shows nothing above it */
	{ "ceph_statx(sub, \"/../g\", &st, CEPH_STATX_INO, 0)", "0", "-ENOENT" },
	/* after its sessions are gone the real one still writes its buffers to the OSDs, without caps */
	{ "ceph_read(cm, fd, buf, sizeof buf, 0)", "20", "11" },
	{ "what is left", "\"ON THE WAY,\"", "\"on the disk\"" },
	{ NULL, NULL, NULL },
};

static void configuration(void)
{
	struct ceph_mount_info *cm;
	const char *argv[] = { "program", "--client_mount_timeout", "77", "-n", "client.second" };
	char buf[256];
	int a, b, c;

	R(strcmp(ceph_version(&a, &b, &c), "16.2.15") == 0);
	R(a * 10000 + b * 100 + c);
	R(ceph_create(&cm, NULL));
	R(ceph_conf_set(cm, "client_mount_timeout", "55"));
	R(ceph_conf_get(cm, "client_mount_timeout", buf, sizeof buf));
	say_text("timeout", buf, (long long)strlen(buf));
	R(ceph_conf_get(cm, "client_mount_timeout", buf, 1));
	R(ceph_conf_set(cm, "no_such_option", "1"));
	R(ceph_conf_get(cm, "no_such_option", buf, sizeof buf));
	R(ceph_conf_set(cm, "client_permissions", "false"));
	R(ceph_conf_get(cm, "client_permissions", buf, sizeof buf));
	say_text("permissions", buf, (long long)strlen(buf));
	R(ceph_conf_get(cm, "client_snapdir", buf, sizeof buf));
	say_text("snapdir", buf, (long long)strlen(buf));
	R(ceph_conf_get(cm, "client_acl_type", buf, sizeof buf));
	R(ceph_conf_set(cm, "client_mount_timeout", "nonsense"));
	R(ceph_conf_read_file(cm, "/nowhere/ceph.conf"));
	R(ceph_conf_read_file(cm, getenv("CEPH_CONF")));
	R(ceph_conf_parse_argv(cm, 5, argv));
	R(ceph_conf_get(cm, "client_mount_timeout", buf, sizeof buf));
	say_text("timeout", buf, (long long)strlen(buf));
	R(ceph_conf_parse_env(cm, "NO_SUCH_VARIABLE"));
	R(ceph_select_filesystem(cm, "nofs"));
	R(ceph_set_mount_timeout(cm, 20));
	R(ceph_conf_get(cm, "client_mount_timeout", buf, sizeof buf));
	say_text("timeout", buf, (long long)strlen(buf));
	R(ceph_release(cm));
	OURS(ceph_conf_get(NULL, "x", buf, sizeof buf), -EINVAL);
	OURS(ceph_create(NULL, NULL), -EINVAL);
	OURS(ceph_mount(NULL, "/"), -EINVAL);
	OURS(ceph_unmount(NULL), -ENOTCONN);
	OURS(ceph_is_mounted(NULL), 0);
}

/* Every call with a result, on a mount that is none. */
static void not_mounted(struct ceph_mount_info *cm)
{
	struct ceph_dir_result *d;
	struct ceph_statx st;
	struct statvfs fs;
	struct stat sb;
	struct Inode *in;
	struct Fh *fh;
	vinodeno_t v = { { 1 }, { CEPH_NOSNAP } };
	char buf[16];

	R(ceph_is_mounted(cm));
	R(ceph_unmount(cm));
	R(ceph_statfs(cm, "/", &fs));
	R(ceph_sync_fs(cm));
	R(ceph_chdir(cm, "/"));
	R(ceph_opendir(cm, "/", &d));
	R(ceph_mkdir(cm, "/x", 0755));
	R(ceph_mkdirs(cm, "/x", 0755));
	R(ceph_mkdirat(cm, 10, "x", 0755));
	R(ceph_rmdir(cm, "/x"));
	R(ceph_unlink(cm, "/x"));
	R(ceph_unlinkat(cm, 10, "x", 0));
	R(ceph_link(cm, "/x", "/y"));
	R(ceph_symlink(cm, "/x", "/y"));
	R(ceph_rename(cm, "/x", "/y"));
	R(ceph_readlink(cm, "/x", buf, 16));
	R(ceph_statx(cm, "/x", &st, 0, 0));
	R(ceph_statxat(cm, 10, "x", &st, 0, 0));
	R(ceph_fstatx(cm, 10, &st, 0, 0));
	R(ceph_stat(cm, "/x", &sb));
	R(ceph_lstat(cm, "/x", &sb));
	R(ceph_fstat(cm, 10, &sb));
	R(ceph_setattrx(cm, "/x", &st, 0, 0));
	R(ceph_fsetattrx(cm, 10, &st, 0));
	R(ceph_chmod(cm, "/x", 0));
	R(ceph_fchmod(cm, 10, 0));
	R(ceph_chown(cm, "/x", 0, 0));
	R(ceph_fchown(cm, 10, 0, 0));
	R(ceph_truncate(cm, "/x", 0));
	R(ceph_ftruncate(cm, 10, 0));
	R(ceph_mknod(cm, "/x", S_IFREG, 0));
	R(ceph_open(cm, "/x", 0, 0));
	R(ceph_openat(cm, 10, "x", 0, 0));
	R(ceph_close(cm, 10));
	R(ceph_lseek(cm, 10, 0, 0));
	R(ceph_read(cm, 10, buf, 1, 0));
	R(ceph_write(cm, 10, buf, 1, 0));
	R(ceph_fsync(cm, 10, 0));
	R(ceph_fallocate(cm, 10, 0, 0, 1));
	R(ceph_flock(cm, 10, LOCK_SH, 1));
	R(ceph_getxattr(cm, "/x", "user.x", buf, 16));
	R(ceph_setxattr(cm, "/x", "user.x", buf, 1, 0));
	R(ceph_listxattr(cm, "/x", buf, 16));
	R(ceph_removexattr(cm, "/x", "user.x"));
	R(ceph_fgetxattr(cm, 10, "user.x", buf, 16));
	R(ceph_get_file_layout(cm, 10, NULL, NULL, NULL, NULL));
	R(ceph_get_path_layout(cm, "/x", NULL, NULL, NULL, NULL));
	R(ceph_get_file_pool(cm, 10));
	R(ceph_get_pool_id(cm, "x"));
	R(ceph_get_pool_replication(cm, 1));
	R(ceph_get_stripe_unit_granularity(cm));
	R(ceph_get_osd_addr(cm, 0, NULL));
	R(ceph_localize_reads(cm, 0));
	R(ceph_get_local_osd(cm));
	R(ceph_debug_get_fd_caps(cm, 10));
	R(ceph_mksnap(cm, "/", "x", 0755, NULL, 0));
	R(ceph_rmsnap(cm, "/", "x"));
	OURS(ceph_lazyio(cm, 10, 1), -ENOTCONN);
	OURS(ceph_get_cap_return_timeout(cm), 0);
	OURS(ceph_get_fs_cid(cm), -ENOTCONN);
	OURS(ceph_ll_lookup_root(cm, &in), -ENOTCONN);
	OURS(ceph_ll_lookup_vino(cm, v, &in), -ENOTCONN);
	OURS(ceph_ll_open(cm, NULL, 0, &fh, NULL), -ENOTCONN);
	OURS(ceph_ll_close(cm, NULL), -ENOTCONN);
	OURS(ceph_ll_read(cm, NULL, 0, 1, buf), -ENOTCONN);
	OURS(ceph_getcwd(cm)[0], 0);
}

static void two_mounts(struct ceph_mount_info *cm)
{
	struct ceph_mount_info *other, *sub, *nobody;
	UserPerm *user = ceph_userperm_new(1001, 1001, 0, NULL);
	struct ceph_statx st;
	char buf[16], path[300];
	int fd, fd2;

	R(ceph_mount(cm, twice_root()));
	R(ceph_mkdirs(cm, "/two/sub", 0755));
	R(twice_mount(&other, twice_root(), NULL));
	R((fd = ceph_open(cm, "/two/f", O_CREAT | O_RDWR, 0600)) >= 0);
	R(ceph_write(cm, fd, "from one", 8, 0));
	R(ceph_statx(other, "/two/f", &st, CEPH_STATX_SIZE, 0));
	R(st.stx_size);
	R((fd2 = ceph_open(other, "/two/f", O_RDWR, 0)) >= 0);
	R(ceph_read(other, fd2, buf, 16, 0));
	R(ceph_write(other, fd2, "FROM two", 8, 0));
	R(ceph_read(cm, fd, buf, 16, 0));
	say_text("read", buf, 8);
	R(ceph_flock(cm, fd, LOCK_EX, 1));
	R(ceph_flock(other, fd2, LOCK_EX | LOCK_NB, 1));
	R(ceph_flock(cm, fd, LOCK_UN, 1));
	R(ceph_flock(other, fd2, LOCK_EX | LOCK_NB, 1));
	R(ceph_rename(other, "/two/f", "/two/g"));
	R(ceph_statx(cm, "/two/f", &st, CEPH_STATX_SIZE, 0));
	R(ceph_statx(cm, "/two/g", &st, CEPH_STATX_SIZE, 0));
	R(ceph_close(cm, fd2 + 1000));
	R(ceph_close(other, fd2));
	R(ceph_close(cm, fd));
	snprintf(path, sizeof path, "%s/two/sub", twice_root());
	R(twice_mount(&sub, path, NULL));
	R(ceph_mkdir(sub, "/here", 0755));
	R(ceph_statx(cm, "/two/sub/here", &st, CEPH_STATX_INO, 0));
	R(ceph_statx(sub, "/../g", &st, CEPH_STATX_INO, 0));
	snprintf(path, sizeof path, "%s/nowhere", twice_root());
	R(twice_mount(&nobody, path, NULL));
	/* somebody else */
	R(twice_mount(&nobody, twice_root(), user));
	R(ceph_mkdir(nobody, "/two/no", 0755));
	R(ceph_open(nobody, "/two/g", O_RDONLY, 0));
	R(ceph_mkdir(nobody, "/mine", 0777));
	R(ceph_statx(nobody, "/mine", &st, CEPH_STATX_UID | CEPH_STATX_MODE, 0));
	R(st.stx_uid);
	R(st.stx_mode);
	R(ceph_umask(nobody, 077));
	R(ceph_umask(nobody, 070));
	R(ceph_mkdir(nobody, "/mine/masked", 0777));
	R(ceph_statx(nobody, "/mine/masked", &st, CEPH_STATX_MODE, 0));
	R(st.stx_mode);
	R(ceph_chown(nobody, "/mine", 0, 0));
	R(ceph_mount_perms_set(nobody, user));
	R(ceph_unmount(other));
	R(ceph_unmount(sub));
	R(ceph_unmount(nobody));
	R(ceph_release(other));
	R(ceph_release(sub));
	R(ceph_release(nobody));
	ceph_userperm_destroy(user);
}

/* A mount that is cut off: what was not written is lost, nobody is told, and a server must throw it out. */
static void aborts(struct ceph_mount_info *cm)
{
	struct ceph_mount_info *cut;
	struct ceph_statx st;
	char buf[32];
	uint64_t id;
	int fd;

	R(twice_mount(&cut, twice_root(), NULL));
	id = ceph_get_instance_id(cut);
	R((fd = ceph_open(cut, "/cut", O_CREAT | O_RDWR, 0644)) >= 0);
	R(ceph_write(cut, fd, "on the disk", 11, 0));
	R(ceph_fsync(cut, fd, 0));
	R(ceph_write(cut, fd, "ON THE WAY, AND MORE", 20, 0));
	R(ceph_abort_conn(cut));
	R(ceph_is_mounted(cut));
	R(ceph_read(cut, fd, buf, 11, 0));
	R(ceph_write(cut, fd, "x", 1, 0));
	R(ceph_statx(cut, "/cut", &st, CEPH_STATX_SIZE, 0));
	R(ceph_unmount(cut));
	R(ceph_abort_conn(cut));
	twice_evict(id);
	R((fd = ceph_open(cm, "/cut", O_RDONLY, 0)) >= 0);
	memset(buf, 0, sizeof buf);
	R(ceph_read(cm, fd, buf, sizeof buf, 0));
	say_text("what is left", buf, 11);
	R(ceph_close(cm, fd));
	OURS(ceph_release(cut), 0);
}

/* ---- ours alone ---- */

static struct ceph_mount_info *shared;
static int locked_fd[2];

static uint64_t *leaver; /* shared with a child: its client id */

static void *wait_for_lock(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)ceph_flock(shared, locked_fd[1], LOCK_EX, 2);
}

static void *stat_for_ever(void *arg)
{
	struct ceph_statx st;
	int r;

	(void)arg;
	while (!(r = ceph_statx(shared, "/two", &st, CEPH_STATX_BASIC_STATS, 0)))
		;
	return (void *)(intptr_t)r;
}

static int in_child(int (*fn)(struct ceph_mount_info *cm), struct ceph_mount_info *cm)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(fn(cm));
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

/* In a forked child: the parent's mount is none, a new one works. */
static int child_uses(struct ceph_mount_info *cm)
{
	struct ceph_mount_info *mine;
	struct ceph_statx st;

	if (ceph_is_mounted(cm) || ceph_mkdir(cm, "/no", 0755) != -ENOTCONN || ceph_unmount(cm) != -ENOTCONN)
		return 1;
	if (ceph_mount(cm, twice_root()) || ceph_statx(cm, "/two", &st, CEPH_STATX_INO, 0) ||
	    ceph_unmount(cm))
		return 6;
	if (ceph_release(cm))
		return 2;
	if (twice_mount(&mine, twice_root(), NULL))
		return 3;
	if (ceph_statx(mine, "/two", &st, CEPH_STATX_INO, 0))
		return 4;
	if (ceph_unmount(mine) || ceph_release(mine))
		return 5;
	return 0;
}

/* Asked by the leak checker at exit: it cannot stop threads that are all in the kernel, and takes what they
 * hold for lost. */
static bool leaving;
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return leaving;
}

static int child_exits(struct ceph_mount_info *cm)
{
	pthread_t t;

	(void)cm;
	leaving = true;
	if (twice_mount(&shared, twice_root(), NULL))
		return 3;
	for (int n = 0; n < 4; n++)
		if (pthread_create(&t, NULL, stat_for_ever, NULL))
			return 4;
	locked_fd[0] = ceph_open(shared, "/two/g", O_RDWR, 0);
	locked_fd[1] = ceph_open(shared, "/two/g", O_RDWR, 0);
	if (ceph_flock(shared, locked_fd[0], LOCK_EX, 1) || pthread_create(&t, NULL, wait_for_lock, NULL))
		return 5;
	*leaver = ceph_get_instance_id(shared);
	exit(0);
}

/* Another program: nothing of the mount goes with it. */
static int child_execs(struct ceph_mount_info *cm)
{
	(void)cm;
	execl("/bin/true", "true", (char *)NULL);
	return 1;
}

static void ours_alone(struct ceph_mount_info *cm)
{
	pthread_t stat[4], lock;
	int execs = 0;
	void *res;

	leaver = mmap(NULL, sizeof *leaver, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	OURS(in_child(child_uses, cm), 0);
	OURS(in_child(child_exits, cm), 0);
	if (!on_ours)
		return;
	/* an exit says nothing to servers: its session would stay for a minute */
	twice_evict(*leaver);
	/* an unmount while threads are inside: they get an error, and nobody waits */
	OURS(twice_mount(&shared, twice_root(), NULL), 0);
	locked_fd[0] = ceph_open(shared, "/two/g", O_RDWR, 0);
	locked_fd[1] = ceph_open(shared, "/two/g", O_RDWR, 0);
	OURS(ceph_flock(shared, locked_fd[0], LOCK_EX, 1), 0);
	pthread_create(&lock, NULL, wait_for_lock, NULL);
	for (int n = 0; n < 4; n++)
		pthread_create(&stat[n], NULL, stat_for_ever, NULL);
	while (ceph_flock(shared, locked_fd[0], LOCK_EX | LOCK_NB, 1)) /* still alive */
		;
	for (int n = 0; n < 20; n++)
		execs += in_child(child_execs, shared);
	OURS(execs, 0);
	OURS(ceph_is_mounted(shared), 1);
	OURS(ceph_unmount(shared), 0);
	for (int n = 0; n < 4; n++) {
		pthread_join(stat[n], &res);
		OURS((intptr_t)res == -ENOTCONN || (intptr_t)res == -ESHUTDOWN, 1);
	}
	pthread_join(lock, &res);
	OURS((intptr_t)res == -ENOTCONN || (intptr_t)res == -ESHUTDOWN, 1);
	OURS(ceph_release(shared), 0);
}

static void checks(struct ceph_mount_info *cm)
{
	UserPerm *p = ceph_userperm_new(1, 1, 0, NULL);
	struct ceph_mount_info *twice = cm;
	char *addrs = NULL;

	configuration();
	R(ceph_is_mounted(cm));
	R(ceph_mount(twice, "/"));
	R(ceph_release(cm));
	R(ceph_mount_perms_set(cm, p));
	R(ceph_select_filesystem(cm, "x"));
	R(ceph_set_mount_timeout(cm, 5));
	R(ceph_get_fs_cid(cm) > 0);
	R(ceph_get_instance_id(cm) > 0);
	R(ceph_getaddrs(cm, &addrs));
	R(addrs && strstr(addrs, ":0/") != NULL);
	free(addrs);
	R(ceph_get_cap_return_timeout(cm));
	R(ceph_set_deleg_timeout(cm, 10));
	R(ceph_set_deleg_timeout(cm, 100000));
	R(ceph_mount_perms(cm) != NULL);
	R(ceph_unmount(cm));
	not_mounted(cm);
	ceph_userperm_destroy(p);
	R(ceph_mount(cm, twice_root()));
	R(ceph_unmount(cm));
	{
		struct ceph_mount_info *fresh;
		char ring[4096];

		snprintf(ring, sizeof ring, "%s/second.keyring", getenv("CLUSTER_DIR"));
		R(ceph_create(&fresh, "second"));
		R(ceph_conf_read_file(fresh, getenv("CEPH_CONF")));
		R(ceph_conf_set(fresh, "keyring", ring));
		two_mounts(cm);
		R(ceph_mount(fresh, twice_root()));
		R(ceph_unmount(fresh));
		R(ceph_release(fresh));
	}
	aborts(cm);
	ours_alone(cm);
}

int main(int argc, char **argv)
{
	return twice_main(argc, argv, checks, known);
}
