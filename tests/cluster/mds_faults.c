/* cluster: --mds 1; timeout: 180 */
/* The way to the MDS breaks with operations in flight: connections reset at awkward moments, a daemon that
 * hangs and one that dies and comes back. Every operation ends once, with the right result, or by its own
 * deadline. */
#include "ours.h"

enum { FILES = 512, FLIGHT = 32, ROUNDS = 32, ANSWER_MS = 30000 };

static uint64_t inos[FILES];

static void learn(struct ours *o)
{
	for (int n = 0; n < FILES; n++) {
		struct cephring_statx st;
		char path[64];

		snprintf(path, sizeof path, "/faults/%d", n);
		if (cephring_sync_statx(o->mount, NULL, path, CEPHRING_STATX_BASIC, 0, NULL, &st))
			tap_die("the files can be looked up");
		inos[n] = st.ino;
	}
	cephring_drop_caches(o->mount);
}

static void ask_flight(struct ours *o, struct asked *a, unsigned from, unsigned count, unsigned deadline_ms)
{
	for (unsigned n = 0; n < count; n++) {
		a[n].op = (struct cephring_op){ 0 };
		snprintf(a[n].path, sizeof a[n].path, "/faults/%u", (from + n) % FILES);
		if (ask(o->mount, &a[n], CEPHRING_FORCE_SYNC, deadline_ms))
			tap_die("an operation is taken");
	}
}

/* How many have not ended once with the file that was asked for. */
static unsigned wrong(const struct asked *a, unsigned from, unsigned count)
{
	unsigned bad = 0;

	for (unsigned n = 0; n < count; n++) {
		bool good = a[n].calls == 1 && a[n].res == 0 && a[n].st.ino == inos[(from + n) % FILES];

		if (!good)
			tap_note("%s: %u calls, %lld", a[n].path, a[n].calls, (long long)a[n].res);
		bad += !good;
	}
	return bad;
}

static void resets(struct ours *o)
{
	struct asked a[FLIGHT];
	unsigned bad = 0, cut = 0;
	int port = our_mds_port(o->mount);

	for (unsigned r = 0; r < ROUNDS; r++) {
		unsigned from = r * 7;

		cephring_drop_caches(o->mount); /* names too, in every other round */
		ask_flight(o, a, from, FLIGHT, 0);
		if (r % 4 > 0)
			cephring_run(o->engine, 0); /* they are sent; the answers are on the way */
		if (r % 4 == 2)
			answers(o->engine, a, 1, 1000);
		cut += sever(port) > 0;
		if (r % 4 == 3) { /* and again while it reconnects */
			for (int turns = 0; turns < (int)(r % 7) + 1; turns++)
				both_turn(o->engine, -1, 5);
			sever(port);
		}
		answers(o->engine, a, FLIGHT, ANSWER_MS);
		bad += wrong(a, from, FLIGHT);
		/* The second reset may have come when all had been answered: one more answer, and it is up
		 * again. */
		ask_flight(o, a, from, 1, 0);
		answers(o->engine, a, 1, ANSWER_MS);
	}
	tap_eq(bad, 0, "wrong answers after connections were reset");
	tap_eq(cut, ROUNDS, "rounds in which one was");
	tap_ok(our_session(o->mount, "reconnects") > 0, "the messenger session was resumed");
	tap_note("%.0f reconnects, now %.0f messages sent, %.0f acked", our_session(o->mount, "reconnects"),
		 our_session(o->mount, "out_seq"), our_session(o->mount, "acked_seq"));
}

static void hangs(struct ours *o)
{
	struct asked late[8], patient[8];
	unsigned timed_out = 0;

	devcluster("pause mds.a");
	cephring_drop_caches(o->mount);
	ask_flight(o, late, 0, 8, 1000);
	ask_flight(o, patient, 100, 8, 0);
	serve(o->engine, 5000); /* past keepalive and dead_after, several times */
	for (int n = 0; n < 8; n++)
		timed_out += late[n].calls == 1 && late[n].res == -ETIMEDOUT;
	tap_eq(timed_out, 8, "operations that ended by their deadline while the MDS hung");
	tap_eq(answered(patient, 8), 0, "operations without one that ended");
	devcluster("resume mds.a");
	tap_ok(answers(o->engine, patient, 8, ANSWER_MS), "they end when it goes on");
	tap_eq(wrong(patient, 100, 8), 0, "wrong answers among them");
	ask_flight(o, late, 0, 8, 0);
	tap_ok(answers(o->engine, late, 8, ANSWER_MS), "the late ones can be asked again");
	tap_eq(wrong(late, 0, 8), 0, "wrong answers among those");
}

/* Nobody hears the goodbye. */
static void leaves(void)
{
	struct asked a[8];
	struct ours o;

	if (ours_mount(&o, NULL, NULL))
		tap_die(o.words);
	devcluster("pause mds.a");
	ask_flight(&o, a, 0, 8, 0);
	serve(o.engine, 100);
	ours_end(&o);
	tap_eq(answered(a, 8), 8, "unmounted from an MDS that hangs: operations ended");
	tap_eq(a[0].res, -ESHUTDOWN, "with ESHUTDOWN");
	devcluster("resume mds.a");
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

static int sees_changes(struct both *b, const char *path)
{
	struct cephring_statx st;
	int good = 1;

	for (mode_t mode = 0600; mode < 0605; mode++) {
		struct chmod_job j = { path, mode };

		good &= they(b, change, &j) == 0;
		good &= cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_MODE, 0, NULL, &st) == 0 &&
			(st.mode & 07777) == mode;
	}
	return good;
}

static void restarts(void)
{
	struct both *b = both_new(NULL, NULL);
	struct ours o = { .engine = b->engine, .mount = b->mount };
	struct asked a[FLIGHT];
	uint64_t start = now_ns();
	struct cephring_statx st;

	tap_ok(sees_changes(b, "/faults/1"), "changes by libcephfs are seen");
	devcluster("pause mds.a"); /* so that it dies with all of them unanswered */
	ask_flight(&o, a, 200, FLIGHT, 0);
	serve(b->engine, 200);
	tap_eq(answered(a, FLIGHT), 0, "none is answered by an MDS that hangs");
	devcluster("restart --hard mds.a");
	tap_ok(answers(b->engine, a, FLIGHT, 90000), "operations in flight end after a restart of the MDS");
	tap_note("after %.1f s", (double)(now_ns() - start) / 1e9);
	tap_eq(wrong(a, 200, FLIGHT), 0, "wrong answers among them");
	tap_ok(sees_changes(b, "/faults/1"), "changes of a file cached before are seen");
	tap_ok(sees_changes(b, "/faults/201"), "changes of one that was asked for meanwhile");
	tap_eq(they_do(b, THEY_RENAME, "/faults/1", "/faults/renamed", 0), 0, "libcephfs renames it");
	tap_eq(cephring_sync_statx(b->mount, NULL, "/faults/1", CEPHRING_STATX_INO, 0, NULL, &st), -ENOENT,
	       "the old name is gone");
	tap_ok(our_ino(b, "/faults/renamed") == inos[1], "the new one is that file");
	both_free(b);
}

int main(void)
{
	const char *const quick[] = { "cephring_keepalive", "0.5", "cephring_dead_after", "0.5", NULL };
	struct ours o;

	plant_now("/faults", FILES);
	if (ours_mount(&o, quick, NULL))
		tap_die(o.words);
	learn(&o);
	resets(&o);
	hangs(&o);
	ours_end(&o);
	leaves();
	restarts();
	return tap_end();
}
