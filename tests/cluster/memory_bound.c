/* cluster: --mds 1; timeout: 180 */
/* The cache keeps to its bound, gives back what it drops, and obeys when the MDS wants fewer caps. */
#include "both.h"

enum { LIMIT = 2 << 20, FILES = 20000, FLIGHT = 64, SLACK = 256 << 10 };

static const struct cephring_cred root = { 0 };

/* ---- what the MDS says ---- */

/* Our session's count of caps at the MDS; -1: not found. */
static long caps_at_mds(struct both *b)
{
	char id[64] = "", want[96], *text, *at, *end;
	long count = -1;
	int64_t n =
	    cephring_sync_getxattr(b->mount, NULL, "/", "ceph.client_id", 0, &root, id, sizeof id - 1);

	if (n <= 6)
		return -1;
	id[n] = '\0'; /* "client4123" */
	snprintf(want, sizeof want, "\"id\": %s,", id + 6);
	text = ceph_says("tell mds.a session ls");
	at = strstr(text, want);
	end = at ? strstr(at, "\"num_caps\": ") : NULL;
	if (end)
		count = atol(end + strlen("\"num_caps\": "));
	free(text);
	return count;
}

/* Serves the engine until the MDS counts at most `most` caps of ours. */
static long caps_sink(struct both *b, long most, int seconds)
{
	uint64_t until = now_ns() + (uint64_t)seconds * 1000000000u;
	long count;

	do {
		uint64_t pause = now_ns() + 250000000u;

		while (now_ns() < pause)
			both_turn(b->engine, -1, 50);
		count = caps_at_mds(b);
	} while (count > most && now_ns() < until);
	return count;
}

/* ---- looking at many files ---- */

struct looker {
	struct cephring_op op;
	struct cephring_statx st;
	char path[64];
};

static int next_file, last_file, looking, failures;
static uint64_t bytes_max;
static struct both *of;

static void look(struct looker *l);

static void looked(struct cephring_op *op, int64_t res, void *arg)
{
	struct cephring_stats s = both_stats(of);

	(void)op;
	failures += res != 0;
	looking--;
	if (s.cache_bytes > bytes_max)
		bytes_max = s.cache_bytes;
	look(arg);
}

static void look(struct looker *l)
{
	if (next_file >= last_file)
		return;
	snprintf(l->path, sizeof l->path, BIG "/f%05d", next_file++);
	if (cephring_statx(of->mount, NULL, l->path, CEPHRING_STATX_BASIC, 0, &root, &l->st, &l->op, looked,
			   l))
		failures++;
	else
		looking++;
}

static void look_at(struct both *b, int from, int to)
{
	static struct looker l[FLIGHT];

	of = b;
	next_file = from;
	last_file = to;
	for (int n = 0; n < FLIGHT; n++)
		look(&l[n]);
	while (looking)
		both_turn(b->engine, -1, 1000);
}

static void list(struct both *b)
{
	static char buf[65536];
	cephring_file *f;
	int64_t n;

	if (cephring_sync_open(b->mount, NULL, BIG, O_RDONLY | O_DIRECTORY, 0, NULL, &root, &f))
		return;
	while ((n = cephring_sync_readdir(f, buf, sizeof buf)) > 0) {
		struct cephring_stats s = both_stats(b);

		if (s.cache_bytes > bytes_max)
			bytes_max = s.cache_bytes;
	}
	failures += n != 0;
	cephring_sync_close(f);
}

/* ---- claims ---- */

static void bounded(void)
{
	static const char *const options[] = { "cephring_cache_bytes", "2M", NULL };
	struct both *b = both_new(options, NULL);
	struct cephring_stats s;
	long at_mds;

	tap_eq(big_directory(b), 0, "a directory with many files");
	bytes_max = 0;
	look_at(b, 0, FILES);
	s = both_stats(b);
	tap_eq(failures, 0, "20000 files are looked at");
	tap_note("at most %" PRIu64 " bytes, now %" PRIu64 "; %" PRIu64 " inodes, %" PRIu64 " caps, %" PRIu64
		 " given up",
		 bytes_max, s.cache_bytes, s.inodes, s.caps, s.cache_evictions);
	tap_ok(s.cache_limit == LIMIT && bytes_max <= LIMIT + SLACK, "the cache stays within its bound");
	tap_ok(s.cache_bytes > LIMIT / 2 && s.inodes > 1000, "and uses it");
	at_mds = caps_sink(b, (long)s.caps, 5);
	tap_eq(at_mds, (long)s.caps, "the MDS counts the caps that we count");
	bytes_max = 0;
	list(b);
	s = both_stats(b);
	tap_note("listing: at most %" PRIu64 " bytes, now %" PRIu64, bytes_max, s.cache_bytes);
	tap_eq(failures, 0, "30000 names are listed");
	tap_ok(bytes_max <= LIMIT + SLACK, "and the bound is kept");
	for (int n = 0; n < 3000; n++) {
		char path[64];

		snprintf(path, sizeof path, BIG "/none%d", n);
		cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_INO, 0, &root,
				    &(struct cephring_statx){ 0 });
	}
	s = both_stats(b);
	tap_ok(s.cache_bytes <= LIMIT + SLACK, "absent names count too");
	cephring_drop_caches(b->mount);
	s = both_stats(b);
	tap_note("after dropping: %" PRIu64 " bytes, %" PRIu64 " inodes, %" PRIu64 " caps", s.cache_bytes,
		 s.inodes, s.caps);
	tap_ok(s.inodes <= 2 && s.caps <= 2, "everything is dropped when asked for");
	tap_ok(caps_sink(b, 2, 5) <= 2, "and its caps are given back");
	both_free(b);
}

static void recalled(void)
{
	struct both *b = both_new(NULL, NULL);
	struct cephring_stats s;
	char *text;
	long at_mds;

	look_at(b, 0, FILES);
	s = both_stats(b);
	at_mds = caps_sink(b, (long)s.caps, 5);
	tap_ok(s.caps > FILES && at_mds == (long)s.caps, "20000 files are cached with caps");
	devcluster("ceph config set mds mds_max_caps_per_client 3000 2>/dev/null");
	devcluster("ceph config set mds mds_min_caps_per_client 100 2>/dev/null");
	at_mds = caps_sink(b, 4000, 20);
	s = both_stats(b);
	tap_note("%ld caps at the MDS, %" PRIu64 " here after %" PRIu64 " recalls", at_mds, s.caps,
		 s.recalls);
	tap_ok(at_mds >= 0 && at_mds <= 4000, "they sink when the MDS allows fewer");
	tap_ok(s.recalls > 0, "because it said so");
	text = ceph_says("health detail");
	tap_ok(!strstr(text, "MDS_CLIENT_RECALL"), "it has nothing to complain about");
	free(text);
	devcluster("ceph config rm mds mds_max_caps_per_client 2>/dev/null");
	devcluster("ceph config rm mds mds_min_caps_per_client 2>/dev/null");
	failures = 0;
	look_at(b, 0, 2000);
	tap_eq(failures, 0, "files are looked at again");
	both_free(b);
}

int main(void)
{
	bounded();
	recalled();
	return tap_end();
}
