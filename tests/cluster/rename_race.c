/* cluster: --mds 1 */
/* Directories are renamed back and forth under pipelined walks, 1 to 32 at once.
 *
 * The mover counts: odd while a rename is under way. A walk that begins and ends within one even count must
 * say exactly what is true then. One that overlaps a rename may say what was true at some time of it. */
#include "both.h"

#define TOP "/race"

enum { WALKS_MAX = 32, STATES = 4, PATHS = 4, ROUNDS_MS = 9000 };

static const struct cephring_cred root = { 0 }, user = { 1000, 1000, 0, NULL, 0 };

/* The mover's circle of states; each step renames once.
 *   0: p/d = A                        p/d/e/f/leaf = in A
 *   1: q/d = A, p/d is absent
 *   2: q/d = A, p/d = B               p/d/e/f/leaf = in B
 *   3: q/d = A, q/d/e is q/d/x        (and p/d = B)
 * and back the same way. */
static const char *const steps[STATES - 1][2] = {
	{ TOP "/p/d", TOP "/q/d" },
	{ TOP "/r/d", TOP "/p/d" },
	{ TOP "/q/d/e", TOP "/q/d/x" },
};

static const char *const paths[PATHS] = {
	TOP "/p/d/e/f/leaf",
	TOP "/q/d/e/f/leaf",
	TOP "/p/d/only_a/f/leaf",
	TOP "/link/e/f/../f/leaf",
};

static uint64_t truth[STATES][PATHS]; /* inode number, 0: absent */

struct mover {
	struct both *b;
	atomic_uint count; /* odd: under way */
	atomic_uint state;
	atomic_bool stop;
	int err;
	unsigned renames;
};

struct one {
	struct cephring_op op;
	struct mover *m;
	struct cephring_statx st;
	unsigned path, count, state;
	bool busy;
	unsigned ends;
};

static unsigned exact, overlapped, found, wrong, in_flight;

/* ---- the mover ---- */

static void move(struct mover *m, struct ceph_mount_info *cm, unsigned step, bool back)
{
	atomic_fetch_add(&m->count, 1);
	m->err = ceph_rename(cm, steps[step][back], steps[step][!back]);
	atomic_store(&m->state, back ? step : step + 1);
	atomic_fetch_add(&m->count, 1);
	m->renames++;
}

static int moving(struct ceph_mount_info *cm, void *arg)
{
	struct mover *m = arg;
	unsigned n = 0;

	while (!atomic_load(&m->stop) && !m->err) {
		unsigned turn = n++ % (2 * (STATES - 1));
		bool back = turn >= STATES - 1;

		move(m, cm, back ? 2 * (STATES - 1) - 1 - turn : turn, back);
		usleep(n % 7 ? (n % 5) * 400 : 0);
	}
	return m->err;
}

/* ---- walks ---- */

static bool is_true(const struct one *w, unsigned state, int64_t res)
{
	uint64_t want = truth[state][w->path];

	return want ? res == 0 && w->st.ino == want : res == -ENOENT;
}

static void walked(struct cephring_op *op, int64_t res, void *arg)
{
	struct one *w = arg;
	bool ok = false;

	w->busy = false;
	w->ends++;
	in_flight--;
	found += res == 0;
	if (!(w->count & 1) && atomic_load(&w->m->count) == w->count) {
		exact++;
		ok = is_true(w, w->state, res);
	} else {
		overlapped++;
		for (unsigned s = 0; s < STATES; s++)
			ok = ok || is_true(w, s, res);
	}
	if (!ok && wrong++ < 10)
		tap_note("%s in state %u (now %u), %s: res %" PRId64 " ino %" PRIx64, paths[w->path],
			 w->state, atomic_load(&w->m->state),
			 atomic_load(&w->m->count) == w->count ? "nothing moved" : "overlapping", res,
			 w->st.ino);
}

static int walk(struct both *b, struct mover *m, struct one *w, unsigned n)
{
	w->m = m;
	w->path = n % PATHS;
	w->busy = true;
	w->count = atomic_load(&m->count);
	w->state = atomic_load(&m->state);
	in_flight++;
	return cephring_statx(b->mount, NULL, paths[w->path], CEPHRING_STATX_INO, 0, n % 3 ? &user : &root,
			      &w->st, &w->op, walked, w);
}

static unsigned race(struct both *b, struct mover *m)
{
	static struct one walks[WALKS_MAX];
	uint64_t until = now_ns() + ROUNDS_MS * 1000000ull;
	unsigned n = 0, width = 1, refused = 0;

	while (now_ns() < until || in_flight) {
		for (unsigned k = 0; k < width && now_ns() < until; k++)
			if (!walks[k].busy)
				refused += walk(b, m, &walks[k], n++) != 0;
		if (n % 64 < width)
			width = 1 + n / 64 % WALKS_MAX;
		if (n % 501 == 0)
			cephring_drop_caches(b->mount);
		cephring_run(b->engine, 100000);
		if (now_ns() > until + 30000000000ull)
			break;
	}
	tap_eq(refused, 0, "every walk is taken");
	tap_eq(in_flight, 0, "every walk ends");
	for (unsigned k = 0, ends = 0; k < WALKS_MAX; k++) {
		ends += walks[k].ends;
		if (k == WALKS_MAX - 1)
			tap_eq(ends, n, "exactly once");
	}
	return n;
}

/* ---- the tree ---- */

static int their_tree(struct ceph_mount_info *cm, void *arg)
{
	static const char *const dirs[] = { TOP "/p/d/e/f", TOP "/r/d/e/f", TOP "/p/d/only_a/f", TOP "/q" };
	int err = their_rm_r(cm, TOP);

	(void)arg;
	for (size_t n = 0; n < sizeof dirs / sizeof *dirs && !err; n++)
		err = ceph_mkdirs(cm, dirs[n], 0755);
	err = err ? err : their_create(cm, TOP "/p/d/e/f/leaf", 0644);
	err = err ? err : their_create(cm, TOP "/r/d/e/f/leaf", 0644);
	err = err ? err : their_create(cm, TOP "/p/d/only_a/f/leaf", 0644);
	return err ? err : ceph_symlink(cm, "p/d", TOP "/link");
}

static void learn(struct both *b)
{
	uint64_t a = our_ino(b, TOP "/p/d/e/f/leaf"), other = our_ino(b, TOP "/r/d/e/f/leaf");
	uint64_t only = our_ino(b, TOP "/p/d/only_a/f/leaf");
	const uint64_t table[STATES][PATHS] = {
		{ a, 0, only, a }, { 0, a, 0, 0 }, { other, a, 0, other }, { other, 0, 0, other }
	};

	memcpy(truth, table, sizeof truth);
	tap_ok(a && other && only && a != other, "three leaves");
}

int main(void)
{
	struct both *b = both_new(NULL, NULL);
	struct mover m = { .b = b };
	struct their_job j;
	struct cephring_stats s;
	unsigned n;
	pthread_t t;

	if (!tap_eq(they(b, their_tree, NULL), 0, "the tree is made"))
		return tap_end();
	learn(b);
	t = they_begin(b, &j, moving, &m);
	n = race(b, &m);
	atomic_store(&m.stop, true);
	tap_eq(they_end(b, &j, t), 0, "the other renames without an error");
	s = both_stats(b);
	tap_note("%u walks, %u with nothing moving, %u overlapping, %u found; %u renames; %" PRIu64
		 " walks begun anew",
		 n, exact, overlapped, found, m.renames, s.walk_restarts);
	tap_eq(wrong, 0, "every walk says what was true");
	tap_ok(exact > 300 && overlapped > 300 && found > 100 && m.renames > 100,
	       "both kinds of walks were many");
	tap_eq(they(b, their_clean, (void *)TOP), 0, "the tree goes");
	both_free(b);
	return tap_end();
}
