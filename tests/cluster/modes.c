/* cluster: --mds 1 */
/* Connection modes: what was asked for is what was negotiated, with monitor and MDS each, and everything that
 * carries much (long walks, a directory of 3000) works in each. */
#include "ours.h"

enum { WALKS = 200, ENTRIES = 3000 };

static int plant_walks(struct ceph_mount_info *cm, void *arg)
{
	int err = their_rm_r(cm, "/modes");

	(void)arg;
	for (int n = 0; n < WALKS && !err; n++) {
		char path[64];

		snprintf(path, sizeof path, "/modes/%d/a/b/c", n);
		err = ceph_mkdirs(cm, path, 0755);
	}
	return err;
}

static void plant(void)
{
	struct ceph_mount_info *cm;

	plant_now("/many", ENTRIES);
	if (second_mount(&cm) || plant_walks(cm, NULL))
		tap_die("libcephfs makes the tree");
	second_unmount(cm);
}

static int walks(cephring_mount *m)
{
	struct cephring_statx st;
	int bad = 0;

	for (int n = 0; n < WALKS; n++) {
		char path[64];

		snprintf(path, sizeof path, "/modes/%d/a/b/c", n);
		bad += cephring_sync_statx(m, NULL, path, CEPHRING_STATX_BASIC, 0, NULL, &st) ||
		       !S_ISDIR(st.mode);
	}
	return bad;
}

static int entries(cephring_mount *m)
{
	static char buf[1 << 16];
	cephring_file *f;
	int64_t n = cephring_sync_open(m, NULL, "/many", O_RDONLY | O_DIRECTORY, 0, NULL, NULL, &f);
	int count = 0;

	if (n)
		return (int)n;
	while ((n = cephring_sync_readdir(f, buf, sizeof buf)) > 0)
		for (int64_t at = 0; at < n; at += ((struct cephring_dirent *)(buf + at))->reclen)
			count++;
	cephring_sync_close(f);
	return n ? (int)n : count;
}

static int modes_are(cephring_mount *m, const char *mon, const char *mds)
{
	json_t *v = our_view(m, "status");
	const char *got_mon = "", *got_mds = "";
	int good;

	json_unpack(v, "{s:{s:{s:s}}, s:[{s:{s:s}}]}", "monitor", "connection", "mode", &got_mon, "sessions",
		    "connection", "mode", &got_mds);
	good = !strcmp(got_mon, mon) && !strcmp(got_mds, mds);
	if (!good)
		tap_note("mon %s, mds %s", got_mon, got_mds);
	json_decref(v);
	return good;
}

static void asks_for(const char *mon, const char *mds)
{
	const char *options[] = { "ms_mon_client_mode", mon, "ms_client_mode", mds, NULL };
	char first[2][16];
	struct ours o;

	/* This cluster takes either, so the first choice stands. */
	snprintf(first[0], sizeof first[0], "%.*s", (int)strcspn(mon, " "), mon);
	snprintf(first[1], sizeof first[1], "%.*s", (int)strcspn(mds, " "), mds);
	if (!tap_ok(!ours_mount(&o, options, NULL), "mounts with '%s' for monitors, '%s' for MDSs", mon, mds))
		tap_die(o.words);
	tap_ok(modes_are(o.mount, first[0], first[1]), "%s and %s were negotiated", first[0], first[1]);
	tap_eq(walks(o.mount), 0, "walks that failed");
	tap_eq(entries(o.mount), ENTRIES + 2, "entries of the large directory");
	ours_end(&o);
}

int main(void)
{
	plant();
	asks_for("crc", "crc");
	asks_for("secure", "secure");
	asks_for("crc secure", "crc secure");
	asks_for("secure crc", "secure crc");
	asks_for("crc", "secure");
	asks_for("secure", "crc");
	return tap_end();
}
