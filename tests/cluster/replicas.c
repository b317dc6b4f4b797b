/* cluster: --mds 1 --osd 3; timeout: 120 */
/* Reads of file data by replicas: as the configuration says, at all OSDs or at the nearest, with and without
 * the cache; always the newest bytes, also right after they were written by somebody else. */
#include "ours.h"
#include "bytes.h"

#define TOP "/replicas"
enum { SIZE = 64 << 10, READS = 60, REWRITES = 40 };

static const struct cephring_cred root = { 0 };
static uint8_t want[SIZE], got[SIZE];

/* Mounts on engines with threads: each gives up caps while the other is in a call. */
static cephring_mount *mounted(const char *const *options, cephring_engine **e)
{
	cephring_config *config;
	struct cephring_engine_opts own = { .size = sizeof own, .own_thread = 1, .cpu = -1 };
	struct cephring_mount_opts opts = { .size = sizeof opts };
	cephring_mount *m = NULL;
	char why[256];
	int res = cephring_engine_new(&own, e, why, sizeof why);

	cephring_config_new(&config);
	for (; !res && *options; options += 2)
		res = cephring_config_set(config, options[0], options[1]);
	res = res ? res : cephring_config_load(config);
	res = res ? res : cephring_sync_mount(*e, config, &opts, &m);
	if (res)
		tap_die(strerror(-res));
	cephring_config_free(config);
	return m;
}

static void leave(cephring_mount *m, cephring_engine *e)
{
	tap_eq(cephring_sync_unmount(m), 0, "unmount");
	tap_eq(cephring_engine_free(e), 0, "the engine is freed");
}

static size_t sessions(cephring_mount *m)
{
	json_t *v = our_view(m, "data");
	size_t n = json_array_size(json_object_get(v, "sessions"));

	json_decref(v);
	return n;
}

static cephring_file *opened(cephring_mount *m, int flags)
{
	cephring_file *f = NULL;

	tap_ok(cephring_sync_open(m, NULL, TOP, flags, 0644, NULL, &root, &f) >= 0, "opened");
	return f;
}

static void renewed(cephring_file *f, uint32_t seed)
{
	int64_t res;

	bytes_fill(want, SIZE, 0, seed);
	res = cephring_sync_write(f, want, SIZE, 0, 0);
	res = res == SIZE ? cephring_sync_fsync(f, 0) : res;
	if (res)
		tap_die(strerror((int)-res));
}

static int reads_wrong(cephring_file *f, int count)
{
	int wrong = 0;

	for (int n = 0; n < count; n++) {
		memset(got, 0, SIZE);
		wrong += cephring_sync_read(f, got, SIZE, 0, 0) != SIZE || memcmp(got, want, SIZE);
	}
	return wrong;
}

/* How many OSDs a mount with these options has talked to after reading one object many times. */
static void told(cephring_file *writer, const char *const *options, size_t least, size_t most,
		 const char *what)
{
	cephring_engine *e;
	cephring_mount *m = mounted(options, &e);
	cephring_file *f = opened(m, O_RDONLY | O_DIRECT);
	int wrong = 0;

	tap_eq(reads_wrong(f, READS), 0, "every read brings the bytes");
	tap_ok(sessions(m) >= least && sessions(m) <= most, "%s: %zu OSDs", what, sessions(m));
	for (int n = 0; n < REWRITES; n++) {
		renewed(writer, (uint32_t)n + 2);
		wrong += reads_wrong(f, 1);
	}
	tap_eq(wrong, 0, "what was just written is seen");
	cephring_sync_close(f);
	leave(m, e);
}

static void cached(void)
{
	static const char *const options[] = { "rados_replica_read_policy", "balance", NULL };
	cephring_engine *e;
	cephring_mount *m = mounted(options, &e);
	cephring_file *f = opened(m, O_RDONLY);

	tap_eq(reads_wrong(f, 2), 0, "the bytes, through the cache");
	cephring_sync_close(f);
	leave(m, e);
}

/* OSDs 1 and 2 stand on another host. */
static void moved(const char *host)
{
	for (int osd = 1; osd <= 2; osd++)
		if (devcluster("ceph osd crush move osd.%d root=default host=%s 2>/dev/null", osd, host))
			tap_die("an OSD moves");
}

int main(void)
{
	static const char *const none[] = { NULL };
	static const char *const all[] = { "rados_replica_read_policy", "balance", NULL };
	static const char *const near[] = { "rados_replica_read_policy", "localize", NULL };
	static const char *const far[] = { "rados_replica_read_policy", "localize", "crush_location",
					   "root=nowhere host=neither", NULL };
	static const char *const bad[] = { "rados_replica_read_policy", "some", NULL };
	static const char *const said[] = { "rados_replica_read_policy", NULL };
	cephring_engine *e;
	cephring_mount *m;
	cephring_file *f;
	char here[256] = "";

	devcluster("ceph osd pool set cephfs.data size 3");
	m = mounted(none, &e);
	f = opened(m, O_RDWR | O_CREAT | O_DIRECT);
	renewed(f, 1);
	told(f, none, 1, 1, "by default the primary");
	told(f, all, 2, 3, "balanced");
	told(f, near, 2, 3, "localized, and all are on this host");
	told(f, far, 1, 3, "localized, and none is near");
	gethostname(here, sizeof here - 1);
	here[strcspn(here, ".")] = '\0';
	moved("elsewhere");
	told(f, all, 3, 3, "balanced over two hosts");
	told(f, near, 1, 2, "localized, and one is near: that, and the primary where it cannot");
	moved(here);
	devcluster("ceph osd crush rm elsewhere 2>/dev/null");
	cached();
	ours_refused(bad, NULL, -EINVAL, said, "a policy that is none");
	cephring_sync_close(f);
	leave(m, e);
	return tap_end();
}
