/* cluster: --mds 1; timeout: 180 */
/* Mounts that cannot be: each ends in time with its errno and with words that tell a person what to mend. */
#include "ours.h"

enum { LIMIT_S = 2 };

static const char *const soon[] = { "client_mount_timeout", "2", NULL };

static int plant(struct ceph_mount_info *cm, void *arg)
{
	int err = their_rm_r(cm, "/below");

	(void)arg;
	if (!err)
		err = ceph_mkdirs(cm, "/below/dir", 0755);
	if (!err)
		err = their_create(cm, "/below/file", 0644);
	if (!err)
		err = ceph_symlink(cm, "/dir", "/below/up");
	return err;
}

static void no_monitor(void)
{
	const char *const nobody[] = { "client_mount_timeout", "2", "mon_host",
				       "v2:127.0.0.1:1,v2:127.0.0.1:2", NULL };
	const char *const said[] = { "127.0.0.1:1/", "127.0.0.1:2/", "client.admin", NULL };
	const char *const hung[] = { "127.", "no monitor reachable", NULL };
	uint64_t start = now_ns();
	double took;

	ours_refused(nobody, NULL, -ETIMEDOUT, said, "no monitor there");
	took = (double)(now_ns() - start) / 1e9;
	tap_ok(took > LIMIT_S - 0.2 && took < LIMIT_S + 3, "after client_mount_timeout");
	devcluster("pause mon.a");
	ours_refused(soon, NULL, -ETIMEDOUT, hung, "a monitor that takes the connection and says nothing");
	devcluster("resume mon.a");
}

static void who(void)
{
	/* 16 bytes of key, but not the right ones */
	const char *const wrong[] = { "key", "AQAAEF5fAAAAABAAAQIDBAUGBwgJCgsMDQ4PEA==", NULL };
	const char *const wrong_said[] = { "client.admin", "v2:127.", NULL };
	const char *const nobody[] = { "id", "nobody", "key",
				       "AQAAEF5fAAAAABAAAQIDBAUGBwgJCgsMDQ4PEA==", NULL };
	const char *const nobody_said[] = { "client.nobody", "v2:127.", NULL };
	const char *const no_key[] = { "id", "nobody", NULL };
	const char *const no_key_said[] = { "client.nobody", NULL };
	const char *const bad[][3] = {
		{ "key", "AQAAEF5fAAAAAAgAAQIDBAUGBwg=", NULL }, /* 8 bytes */
		{ "key", "AQAAEF5fAAAAABAAAQIDBAUG", NULL },     /* says 16, has 6 */
		{ "key", "AQ==", NULL },
		{ "key", "not base64!", NULL },
	};
	const char *const bad_said[] = { "key", NULL };

	ours_refused(wrong, NULL, -EACCES, wrong_said, "a wrong key");
	ours_refused(nobody, NULL, -EACCES, nobody_said, "an unknown user");
	ours_refused(no_key, NULL, -ENOENT, no_key_said, "a user without a key");
	for (unsigned n = 0; n < sizeof bad / sizeof *bad; n++)
		ours_refused(bad[n], NULL, -EINVAL, bad_said, "a key that is none");
}

static void where(void)
{
	const char *const by_option[] = { "client_fs", "nofs", NULL };
	const char *const fs_said[] = { "nofs", "cephfs", NULL };
	const char *const root_said[] = { "/below/nothing", NULL };
	const char *const file_said[] = { "/below/file", "not a directory", NULL };
	const char *const long_said[] = { NULL };
	static char endless[8192];
	struct cephring_mount_opts more = { .fs = "nofs" };
	struct ours o;

	ours_refused(NULL, &more, -ENOENT, fs_said, "an unknown file system");
	ours_refused(by_option, NULL, -ENOENT, fs_said, "an unknown file system by client_fs");
	more = (struct cephring_mount_opts){ .root = "/below/nothing" };
	ours_refused(NULL, &more, -ENOENT, root_said, "a root that does not exist");
	more.root = "/below/file";
	ours_refused(NULL, &more, -ENOTDIR, file_said, "a root that is a file");
	memset(endless, 'a', sizeof endless - 1);
	more.root = endless;
	ours_refused(NULL, &more, -ENAMETOOLONG, long_said, "a root over PATH_MAX");
	more = (struct cephring_mount_opts){ .root = "//below/.///dir//.", .fs = "cephfs" };
	tap_eq(ours_mount(&o, NULL, &more), 0, "a root with surplus slashes, the file system by name");
	ours_end(&o);
}

static uint64_t ino_of(struct ours *o, const char *path)
{
	struct cephring_statx st;

	return cephring_sync_statx(o->mount, NULL, path, CEPHRING_STATX_INO, 0, &(struct cephring_cred){ 0 },
				   &st)
		   ? 0
		   : st.ino;
}

/* A client that may see one directory only. */
static void below(void)
{
	const char *const said[] = { "client.below", "root", NULL };
	const char *options[] = { "id", "below", "key", NULL, NULL };
	struct cephring_mount_opts more = { .root = "/below" };
	struct cephring_statx st;
	struct ours o, all;
	uint64_t root;
	char *key;

	free(ceph_says("auth get-or-create client.below mon 'allow r' osd 'allow rw tag cephfs data=*' "
		       "mds 'allow rw path=/below'"));
	key = ceph_says("auth get-key client.below");
	options[3] = key;
	if (ours_mount(&all, NULL, NULL))
		tap_die(all.words);
	root = ino_of(&all, "/below");
	ours_refused(options, NULL, -EACCES, said, "a path-restricted client mounts /");
	if (!tap_eq(ours_mount(&o, options, &more), 0, "it mounts its directory"))
		tap_die(o.words);
	tap_ok(root && ino_of(&o, "/") == root, "which is its root");
	tap_ok(ino_of(&o, "..") == root && ino_of(&o, "/../..") == root &&
		   ino_of(&o, "dir/../../../..") == root,
	       "and what is above its root is its root");
	tap_ok(ino_of(&o, "dir") && ino_of(&o, "dir") == ino_of(&all, "/below/dir"), "names below are found");
	tap_ok(ino_of(&o, "/up") == ino_of(&o, "/dir"), "an absolute link starts at its root");
	tap_eq(cephring_sync_statx(o.mount, NULL, "/below", CEPHRING_STATX_INO, 0, NULL, &st), -ENOENT,
	       "the whole file system's paths are not there");
	ours_end(&o);
	ours_end(&all);
	free(key);
}

static void no_mds(void)
{
	const char *const killed_said[] = { "mds.0 at v2:127.", NULL };
	const char *const failed_said[] = { "cephfs", "no active MDS", NULL };
	struct ours o;
	int err = 0;

	devcluster("pause mds.a");
	ours_refused(soon, NULL, -EHOSTUNREACH, killed_said, "the MDS takes the connection and says nothing");
	devcluster("resume mds.a");
	devcluster("kill mds.a");
	ours_refused(soon, NULL, -EHOSTUNREACH, killed_said,
		     "the MDS is dead and the map does not know it yet");
	devcluster("ceph mds fail 0");
	ours_refused(soon, NULL, -EHOSTUNREACH, failed_said, "no MDS is active");
	devcluster("restart mds.a");
	err = ours_mount(&o, NULL, NULL);
	tap_eq(err, 0, "a mount waits for the MDS that comes back");
	tap_note("%.2f s %s", o.took_s, o.words);
	ours_end(&o);
}

int main(void)
{
	struct ceph_mount_info *cm;

	if (second_mount(&cm) || plant(cm, NULL))
		tap_die("libcephfs makes the tree");
	second_unmount(cm);
	no_monitor();
	who();
	where();
	below();
	no_mds();
	return tap_end();
}
