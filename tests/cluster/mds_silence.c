/* cluster: --mds 1; timeout: 240 */
/* Caps end when the MDS has not been heard of for session_timeout, on either side: what is cached is used
 * until then and not a moment longer, and a client that slept past it sees what others changed, never what it
 * remembers. */
#include "ours.h"

enum { TIMEOUT_S = 30 }; /* the least that a cluster takes */

static int cached(cephring_mount *m, cephring_inode *at, const char *path)
{
	struct cephring_statx st;

	return cephring_statx_cached(m, at, path, CEPHRING_STATX_BASIC, 0, NULL, &st);
}

/* The MDS hangs; our session's caps run out. */
static void runs_out(void)
{
	const char *const quick[] = { "cephring_keepalive", "1", "cephring_dead_after", "1", NULL };
	unsigned within = 0, early = 0, after = 0, late = 0;
	struct cephring_statx st;
	struct asked waiting = { .path = "/silence/1" };
	cephring_inode *f = NULL;
	struct ours o;
	uint64_t end = now_ns() + (TIMEOUT_S + 15) * 1000000000ull;

	if (ours_mount(&o, quick, NULL))
		tap_die(o.words);
	if (cephring_sync_lookup(o.mount, NULL, "/silence/0", 0, NULL, &f) ||
	    cephring_sync_statx(o.mount, f, "", CEPHRING_STATX_BASIC, 0, NULL, &st))
		tap_die("a file is cached");
	tap_eq(our_number(o.mount, "{s:{s:i}}", "mdsmap", "session_timeout_s"), TIMEOUT_S,
	       "the map tells session_timeout");
	devcluster("pause mds.a");
	do {
		double left_before, left;
		int by_inode, by_path;

		both_turn(o.engine, -1, 20);
		left_before = our_session(o.mount, "cap_ttl_s");
		by_inode = cached(o.mount, f, "");
		by_path = cached(o.mount, NULL, "/silence/0");
		left = our_session(o.mount, "cap_ttl_s");
		if (left > 0.1) { /* the clock of this check is coarse */
			within++;
			early += by_inode != 0;
		}
		if (left_before <= 0) {
			after++;
			late += by_inode != -EAGAIN || by_path != -EAGAIN;
		}
	} while (after < 20 && now_ns() < end);
	tap_ok(within > 20, "caps outlive the MDS's silence for a while");
	tap_eq(early, 0, "answers refused by the cache within that time");
	tap_eq(after, 20, "then they have run out");
	tap_eq(late, 0, "answers given by the cache after it");
	tap_eq(cephring_statx_cached(o.mount, f, "", CEPHRING_STATX_BASIC, CEPHRING_DONT_SYNC, NULL, &st), 0,
	       "whoever wants what is cached, right or not, gets it");
	ask(o.mount, &waiting, 0, 1000);
	answers(o.engine, &waiting, 1, 3000);
	tap_eq(waiting.res, -ETIMEDOUT, "a stat waits for the MDS until its deadline");
	devcluster("resume mds.a");
	ask(o.mount, &waiting, 0, 0);
	tap_ok(answers(o.engine, &waiting, 1, 30000) && waiting.res == 0,
	       "and is answered when the MDS goes on");
	tap_eq(cephring_sync_statx(o.mount, f, "", CEPHRING_STATX_BASIC, 0, NULL, &st), 0,
	       "the file from before too");
	tap_eq(cached(o.mount, f, ""), 0, "and it is cached again");
	cephring_put(o.mount, f);
	ours_end(&o);
}

struct chmod_job {
	const char *path;
	mode_t mode;
};

static int change(struct ceph_mount_info *cm, void *arg)
{
	const struct chmod_job *j = arg;

	return ceph_chmod(cm, j->path, j->mode);
}

static int rename_it(struct ceph_mount_info *cm, void *arg)
{
	(void)arg;
	return ceph_rename(cm, "/silence/4", "/silence/renamed");
}

static void sleep_ms(unsigned ms)
{
	poll(NULL, 0, (int)ms);
}

/* Our engine does not run; the MDS takes the caps away without us. */
static void sleeps(void)
{
	struct chmod_job job = { "/silence/2", 0640 };
	struct both *b = both_new(NULL, NULL);
	struct cephring_statx st;
	struct their_job j, k;
	uint64_t start;
	pthread_t t;
	int bad = 0;

	for (int n = 2; n < 5; n++) {
		char path[32];

		snprintf(path, sizeof path, "/silence/%d", n);
		bad |= cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_BASIC, 0, NULL, &st);
		bad |= cached(b->mount, NULL, path);
	}
	tap_eq(bad, 0, "files are cached");
	start = now_ns();
	t = they_begin(b, &j, change, &job);
	sleep_ms(2000);
	tap_ok(!atomic_load(&j.ended), "their chmod waits for our cap");
	tap_eq(cached(b->mount, NULL, "/silence/2"), 0, "which is ours until we hear otherwise");
	while (!atomic_load(&j.ended) && now_ns() - start < (TIMEOUT_S * 2 + 15) * 1000000000ull)
		sleep_ms(100);
	tap_ok(atomic_load(&j.ended) && !j.res, "after session_timeout the MDS goes on without us");
	tap_note("after %.1f s", (double)(now_ns() - start) / 1e9);
	tap_eq(cached(b->mount, NULL, "/silence/2"), -EAGAIN,
	       "asleep until now, we know that our caps are void");
	tap_eq(cached(b->mount, NULL, "/silence/3"), -EAGAIN, "all of them");
	pthread_join(t, NULL);
	t = they_begin(b, &k, rename_it, NULL);
	while (!atomic_load(&k.ended) && now_ns() - start < (TIMEOUT_S * 3 + 30) * 1000000000ull)
		sleep_ms(20);
	tap_ok(atomic_load(&k.ended) && !k.res, "a rename goes through as well");
	pthread_join(t, NULL);
	close(j.ended_fd);
	close(k.ended_fd);
	tap_eq(cephring_sync_statx(b->mount, NULL, "/silence/2", CEPHRING_STATX_BASIC, 0, NULL, &st), 0,
	       "awake, we ask");
	tap_eq(st.mode & 07777, 0640, "and see the new mode");
	tap_eq(cephring_sync_statx(b->mount, NULL, "/silence/4", CEPHRING_STATX_BASIC, 0, NULL, &st), -ENOENT,
	       "the old name is gone");
	tap_ok(our_ino(b, "/silence/renamed") != 0, "the new one is there");
	for (mode_t mode = 0600; mode < 0605; mode++) {
		job.mode = mode;
		bad |= they(b, change, &job);
		bad |= cephring_sync_statx(b->mount, NULL, "/silence/2", CEPHRING_STATX_BASIC, 0, NULL, &st);
		bad |= (st.mode & 07777) != mode;
	}
	tap_eq(bad, 0, "from then on changes are seen at once");
	both_free(b);
}

int main(void)
{
	plant_now("/silence", 8);
	tap_eq(devcluster("ceph fs set cephfs session_timeout %d", TIMEOUT_S), 0, "a short session_timeout");
	runs_out();
	sleeps();
	devcluster("ceph fs set cephfs session_timeout 60");
	return tap_end();
}
