/* cluster: ; timeout: 180 */
/* The drop-in beside the real libcephfs: two clusters mounted in one process, as two identities, worked on
 * by threads at the same time; one goes and comes back while the other stays. The second cluster is this
 * test's own. */
#include "twice.h"
#include <pthread.h>

enum { THREADS = 4, ROUNDS = 40 };

static const struct twice_known known[] = { { NULL, NULL, NULL } };

static struct ceph_mount_info *mounts[2];

/* client.second's mount of the other cluster. */
static int mount_other(struct ceph_mount_info **cm)
{
	char text[4096];
	const char *dir = getenv("OTHER_DIR");
	int r = ceph_create(cm, "second");

	snprintf(text, sizeof text, "%s/ceph.conf", dir);
	if (!r)
		r = ceph_conf_read_file(*cm, text);
	snprintf(text, sizeof text, "%s/second.keyring", dir);
	if (!r)
		r = ceph_conf_set(*cm, "keyring", text);
	return r ? r : ceph_mount(*cm, "/");
}

static int fsid_of(struct ceph_mount_info *cm, char *text, size_t size)
{
	int r = ceph_getxattr(cm, "/", "ceph.cluster_fsid", text, size - 1);

	text[r < 0 ? 0 : r] = '\0';
	return r;
}

static int write_name(struct ceph_mount_info *cm, const char *path, const char *text)
{
	int fd = ceph_open(cm, path, O_CREAT | O_TRUNC | O_WRONLY, 0644), r;

	if (fd < 0)
		return fd;
	r = ceph_write(cm, fd, text, (int64_t)strlen(text), 0);
	ceph_close(cm, fd);
	return r;
}

/* Does the file hold just that? */
static int holds(struct ceph_mount_info *cm, const char *path, const char *text)
{
	char buf[100] = "";
	int fd = ceph_open(cm, path, O_RDONLY, 0), r;

	if (fd < 0)
		return fd;
	r = ceph_read(cm, fd, buf, sizeof buf - 1, 0);
	ceph_close(cm, fd);
	return r < 0 ? r : !strcmp(buf, text);
}

/* Files of the same names with other contents in both, by turns; how many rounds were right. */
static void *work(void *arg)
{
	intptr_t self = (intptr_t)arg, right = 0;
	char path[64], text[64];
	struct ceph_statx st;

	for (int i = 0; i < ROUNDS; i++) {
		int ok = 1;

		for (int n = 0; n < 2; n++) {
			snprintf(path, sizeof path, "/both/%d.%d", (int)self, i);
			snprintf(text, sizeof text, "%d in cluster %d%s", i, n, n ? ", the other" : "");
			ok &= write_name(mounts[n], path, text) == (int)strlen(text);
		}
		for (int n = 0; n < 2; n++) {
			snprintf(text, sizeof text, "%d in cluster %d%s", i, n, n ? ", the other" : "");
			ok &= holds(mounts[n], path, text) == 1;
			ok &= !ceph_statx(mounts[n], path, &st, CEPH_STATX_SIZE, 0) &&
			      st.stx_size == strlen(text);
		}
		right += ok;
	}
	return (void *)right;
}

static void checks(struct ceph_mount_info *cm)
{
	char mine[64], theirs[64];
	pthread_t t[THREADS];
	intptr_t right = 0;
	void *res;

	mounts[0] = cm;
	R(mount_other(&mounts[1]));
	R(fsid_of(mounts[0], mine, sizeof mine));
	R(fsid_of(mounts[1], theirs, sizeof theirs));
	R(strcmp(mine, theirs) != 0);
	R(ceph_mkdir(mounts[0], "/both", 0755));
	R(ceph_mkdir(mounts[1], "/both", 0755));
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, work, (void *)i);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &res);
		right += (intptr_t)res;
	}
	R(right == THREADS * ROUNDS);
	/* each its own */
	R(write_name(mounts[1], "/only", "there"));
	R(holds(mounts[0], "/only", "there"));
	R(holds(mounts[1], "/only", "there"));
	/* one goes, the other does not mind, and it comes back */
	R(ceph_unmount(mounts[1]));
	R(holds(mounts[1], "/only", "there"));
	R(holds(mounts[0], "/both/0.0", "0 in cluster 0"));
	R(ceph_mount(mounts[1], "/both"));
	R(holds(mounts[1], "/0.0", "0 in cluster 1, the other"));
	R(ceph_unlink(mounts[1], "/0.0"));
	R(holds(mounts[0], "/both/0.0", "0 in cluster 0"));
	R(ceph_unmount(mounts[1]));
	R(ceph_mount(mounts[1], "/"));
	for (int i = 0; i < THREADS * ROUNDS; i++) {
		snprintf(mine, sizeof mine, "/both/%d.%d", i / ROUNDS, i % ROUNDS);
		ceph_unlink(mounts[1], mine);
	}
	R(ceph_rmdir(mounts[1], "/both"));
	R(ceph_unlink(mounts[1], "/only"));
	R(ceph_unmount(mounts[1]));
	R(ceph_release(mounts[1]));
}

static int other_cluster(const char *verb)
{
	char line[1024];

	snprintf(line, sizeof line, "\"$DEVCLUSTER\" %s --dir \"$OTHER_DIR\" >/dev/null 2>&1", verb);
	return system(line);
}

static void wipe(void)
{
	other_cluster("wipe");
}

int main(int argc, char **argv)
{
	char dir[512];

	if (argc == 1) {
		snprintf(dir, sizeof dir, "%s-other", getenv("CLUSTER_DIR"));
		setenv("OTHER_DIR", dir, 1);
		atexit(wipe);
		if (!tap_ok(!other_cluster("start --keys mixed --suite \"$CLUSTER_SUITE\""),
			    "another cluster starts"))
			return tap_end();
	}
	return twice_main(argc, argv, checks, known);
}
