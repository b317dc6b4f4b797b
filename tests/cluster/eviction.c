/* cluster: --mds 1 */
/* An administrator throws our client out: operations in flight and later ones end with words that say so,
 * nothing hangs, and the same process mounts again. */
#include "ours.h"

enum { FLIGHT = 16 };

static long long id; /* of the client to throw out */

static void evict(void)
{
	if (devcluster("ceph tell mds.a client evict id=%lld >/dev/null 2>&1", id))
		tap_die("the MDS evicts a client");
}

static void ask_all(struct ours *o, struct asked *a)
{
	memset(a, 0, FLIGHT * sizeof *a);
	for (int n = 0; n < FLIGHT; n++) {
		snprintf(a[n].path, sizeof a[n].path, "/evict/%d", n);
		if (ask(o->mount, &a[n], CEPHRING_FORCE_SYNC, 0))
			tap_die("an operation is taken");
	}
}

static unsigned with(const struct asked *a, int res)
{
	unsigned n = 0;

	for (int k = 0; k < FLIGHT; k++)
		n += a[k].calls == 1 && a[k].res == res;
	return n;
}

static void idle(void)
{
	struct asked a[FLIGHT];
	struct cephring_statx st;
	struct ours o;

	if (ours_mount(&o, NULL, NULL))
		tap_die(o.words);
	ask_all(&o, a);
	answers(o.engine, a, FLIGHT, 10000);
	tap_eq(with(a, 0), FLIGHT, "before: answers");
	id = our_id(o.mount);
	evict();
	ask_all(&o, a);
	tap_ok(answers(o.engine, a, FLIGHT, 20000), "operations after an eviction end");
	tap_eq(with(a, -ESHUTDOWN), FLIGHT, "with ESHUTDOWN");
	tap_ok(strstr(cephring_strerror(o.mount, -ESHUTDOWN), "blocklist") != NULL,
	       "and words that name the blocklist");
	tap_note("%s", cephring_strerror(o.mount, -ESHUTDOWN));
	tap_eq(cephring_statx_cached(o.mount, NULL, "/evict/1", CEPHRING_STATX_BASIC, 0, NULL, &st), -EAGAIN,
	       "nothing cached is trusted");
	tap_eq(cephring_sync_statx(o.mount, NULL, "/evict/1", CEPHRING_STATX_BASIC, 0, NULL, &st), -ESHUTDOWN,
	       "and it stays so");
	ours_end(&o);
}

static void *evict_thread(void *arg)
{
	(void)arg;
	evict();
	return NULL;
}

/* Never idle for a moment. */
static void busy(void)
{
	struct asked a[FLIGHT];
	uint64_t end = now_ns() + 30 * 1000000000ull;
	unsigned rounds = 0, strange = 0;
	pthread_t t;
	struct ours o;

	if (!tap_eq(ours_mount(&o, NULL, NULL), 0, "the same process mounts again"))
		tap_die(o.words);
	id = our_id(o.mount);
	pthread_create(&t, NULL, evict_thread, NULL);
	do {
		ask_all(&o, a);
		if (!answers(o.engine, a, FLIGHT, 20000))
			break;
		strange += FLIGHT - with(a, 0) - with(a, -ESHUTDOWN);
		rounds += with(a, 0) == FLIGHT;
	} while (with(a, -ESHUTDOWN) < FLIGHT && now_ns() < end);
	pthread_join(t, NULL);
	tap_ok(rounds > 0, "and gets answers");
	tap_note("%u times %d", rounds, FLIGHT);
	tap_eq(with(a, -ESHUTDOWN), FLIGHT, "with operations in flight: all end with ESHUTDOWN");
	tap_eq(strange, 0, "of them neither with a result nor with ESHUTDOWN");
	ours_end(&o);
}

/* Thrown out, but not kept out: the session is made anew and nobody notices. */
static void forgiven(void)
{
	struct asked a[FLIGHT];
	struct cephring_statx st;
	struct ours o;

	devcluster("ceph config set mds mds_session_blocklist_on_evict false");
	if (ours_mount(&o, NULL, NULL))
		tap_die(o.words);
	ask_all(&o, a);
	answers(o.engine, a, FLIGHT, 10000);
	id = our_id(o.mount);
	evict();
	ask_all(&o, a);
	tap_ok(answers(o.engine, a, FLIGHT, 20000), "after an eviction without a blocklist operations end");
	tap_eq(with(a, 0), FLIGHT, "with their results");
	tap_ok(our_session(o.mount, "cap_gen") > 1, "in a session that trusts nothing of the old one");
	tap_eq(cephring_sync_statx(o.mount, NULL, "/evict/1", CEPHRING_STATX_BASIC, 0, NULL, &st), 0,
	       "a stat");
	serve(o.engine, 500); /* a superuser's walk fills in its levels a moment later */
	tap_eq(cephring_statx_cached(o.mount, NULL, "/evict/1", CEPHRING_STATX_BASIC, 0, NULL, &st), 0,
	       "is cached again");
	ours_end(&o);
	devcluster("ceph config rm mds mds_session_blocklist_on_evict");
}

int main(void)
{
	plant_now("/evict", FLIGHT);
	devcluster(
	    "ceph config rm mds mds_session_blocklist_on_evict"); /* as an earlier run may have left it */
	idle();
	busy();
	forgiven();
	return tap_end();
}
