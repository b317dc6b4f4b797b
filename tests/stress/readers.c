/* readers.c: one thread changes the cache as the engine does, others read in it; what they saw must have been
 * possible (history.h). Built with each sanitizer, because every access is shared here.
 *
 * The cache is also made wrong on purpose: the check must notice, and of memory that is freed too early the
 * sanitizers must.
 *
 *   readers [SEED]          all of it
 *   readers early SEED      memory is freed too early: must not end well
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../cluster/tap.h"
#include "history.h"
#include "meta/meta.h"
#include "meta/read.h"

enum {
	READERS_MAX = 4,
	VERSIONS_MAX = 60000,
	READS_MAX = 150000,
	VERSIONS_MIN = 10000, /* of a round that counts */
	READS_MIN = 10000,
	ROUND_LIMIT_S = 60,
	ROUNDS_MAX = 40,
	EARLY_ROUNDS = 8,
};

struct reader {
	pthread_t thread;
	struct world *w;
	const bool *stop; /* atomic */
	uint64_t seed;
	size_t count; /* atomic */
	size_t again, torn;
	struct read_record *log; /* READS_MAX */
};

static unsigned roll(struct reader *r, unsigned n)
{
	r->seed = r->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(r->seed >> 33) % n;
}

static void path_of(const struct query *q, char *to, size_t size)
{
	switch ((enum query_kind)q->kind) {
	case ASK_DEEP:
		snprintf(to, size, "/t%d/m%d/n%d", q->top, q->mover, q->name);
		return;
	case ASK_ASIDE:
		snprintf(to, size, "/t%d/m%d/../n%d", q->top, q->mover, q->name);
		return;
	case ASK_AT:
		snprintf(to, size, "n%d", q->name);
		return;
	case ASK_PARENT:
		snprintf(to, size, "..");
		return;
	case ASK_LINK:
		snprintf(to, size, "/s%d", q->mover);
		return;
	default:
		snprintf(to, size, "/t%d/n%d", q->top, q->name);
	}
}

static int stat_once(struct reader *r, const struct read_path *p, struct read_record *rec)
{
	struct cephring_statx st;
	int res;

	rec->from_ns = clock_now();
	res = read_statx(world_meta(r->w), p, CEPHRING_STATX_ALL, &st);
	rec->to_ns = clock_now();
	if (res)
		return res;
	rec->a = (struct answer){ st.ino, rec->q.kind == ASK_PARENT ? 0 : st.size };
	if (rec->q.kind != ASK_PARENT && st.uid != (uint32_t)st.size * 7) {
		rec->a.stamp = UINT64_MAX;
		r->torn++;
	}
	return 0;
}

static int lookup_once(struct reader *r, const struct read_path *p, struct read_record *rec)
{
	struct inode *i;
	int res;

	rec->from_ns = clock_now();
	res = read_lookup(world_meta(r->w), p, &i);
	rec->to_ns = clock_now();
	if (res)
		return res;
	rec->a = (struct answer){ i->key.ino, 0 };
	inode_unshare(i);
	return 0;
}

static void read_one(struct reader *r)
{
	static const struct cephring_cred root;
	struct read_record *rec = &r->log[r->count];
	struct query *q = &rec->q;
	struct read_path p = { .cred = &root };
	char path[64];
	int res;

	q->kind = (uint8_t)roll(r, ASK_KINDS);
	q->top = (uint8_t)roll(r, TOPS);
	q->mover = (uint8_t)roll(r, MOVERS);
	q->name = (uint8_t)roll(r, NAMES);
	path_of(q, path, sizeof path);
	p.path = path;
	if (q->kind == ASK_AT || q->kind == ASK_PARENT)
		p.at = world_mover(r->w, q->mover);
	res = q->kind == ASK_LOOKUP ? lookup_once(r, &p, rec) : stat_once(r, &p, rec);
	if (res == -EAGAIN) {
		r->again++;
		return;
	}
	if (res == -ENOENT)
		rec->a = (struct answer){ 0, 0 };
	else if (res)
		rec->a.stamp = UINT64_MAX; /* no other error can be */
	__atomic_store_n(&r->count, r->count + 1, __ATOMIC_RELAXED);
}

static void *reader_run(void *arg)
{
	struct reader *r = arg;

	while (!__atomic_load_n(r->stop, __ATOMIC_RELAXED) && r->count < READS_MAX)
		read_one(r);
	return NULL;
}

/* ---- one round ---- */

struct outcome {
	struct verdict v;
	size_t versions, again, torn;
};

static size_t reads_so_far(const struct reader *r, unsigned readers)
{
	size_t sum = 0;

	for (unsigned n = 0; n < readers; n++)
		sum += __atomic_load_n(&r[n].count, __ATOMIC_RELAXED);
	return sum;
}

/* Until there is enough of both. versions[0] is the world as it was. */
static size_t write_all(struct world *w, struct version *versions, const struct reader *r, unsigned readers)
{
	uint64_t until_ns = clock_now() + ROUND_LIMIT_S * 1000000000ull;
	size_t count = 1;

	while (count < VERSIONS_MAX && clock_now() < until_ns) {
		world_step(w, &versions[count++]);
		if (count >= VERSIONS_MIN && reads_so_far(r, readers) >= READS_MIN)
			break;
	}
	return count;
}

static struct outcome round_of(enum world_fault fault, unsigned readers, uint64_t seed)
{
	static struct reader r[READERS_MAX];
	static struct version versions[VERSIONS_MAX];
	static struct read_record *all;
	struct world *w = world_new(fault, seed);
	const struct model first = *world_model(w);
	struct outcome o = { 0 };
	bool stop = false;
	size_t count = 0;

	if (!all)
		all = malloc(READERS_MAX * READS_MAX * sizeof *all);
	for (unsigned n = 0; n < readers; n++) {
		r[n] = (struct reader){ .w = w, .stop = &stop, .seed = seed + n, .log = all + n * READS_MAX };
		pthread_create(&r[n].thread, NULL, reader_run, &r[n]);
	}
	o.versions = write_all(w, versions, r, readers);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned n = 0; n < readers; n++) {
		pthread_join(r[n].thread, NULL);
		memmove(all + count, r[n].log, r[n].count * sizeof *all);
		count += r[n].count;
		o.again += r[n].again;
		o.torn += r[n].torn;
	}
	o.v = history_judge(&first, versions, o.versions, all, count);
	world_free(w);
	return o;
}

static void show(const struct outcome *o)
{
	const struct read_record *r = &o->v.first;
	char path[64];

	tap_note("%zu versions; %zu answers, %zu times none; %zu impossible, %zu of them mixtures",
		 o->versions, o->v.reads, o->again, o->v.impossible, o->torn);
	if (!o->v.impossible)
		return;
	path_of(&r->q, path, sizeof path);
	tap_note("the first: %s (from m%d: %d) gave %llu/%llu; the last version then says %llu/%llu", path,
		 r->q.mover, r->q.kind == ASK_AT || r->q.kind == ASK_PARENT, (unsigned long long)r->a.ino,
		 (unsigned long long)r->a.stamp, (unsigned long long)o->v.should.ino,
		 (unsigned long long)o->v.should.stamp);
}

/* The cache is wrong: sooner or later that shows. */
static bool is_caught(enum world_fault fault, uint64_t seed)
{
	struct outcome o;

	for (unsigned n = 0; n < ROUNDS_MAX; n++) {
		o = round_of(fault, 2, seed + n);
		if (o.v.impossible) {
			show(&o);
			return true;
		}
	}
	return false;
}

#if defined(ASAN) || defined(TSAN)
static int die_of_early_frees(uint64_t seed)
{
	for (unsigned n = 0; n < EARLY_ROUNDS; n++)
		round_of(EARLY_FREES, 2, seed + n);
	return 0;
}

/* In a process of its own, which the sanitizer ends, or which ends with its verdict. */
static bool is_noticed(uint64_t seed)
{
	char text[32];
	int status = 0;
	pid_t pid;

	snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		dup2(null, 2);
		execl("/proc/self/exe", "readers", "early", text, (char *)NULL);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status != 0;
}
#endif

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[argc - 1], NULL, 0) : clock_now() % 1000000;

#if defined(ASAN) || defined(TSAN)
	if (argc > 2)
		return die_of_early_frees(seed);
#endif
	tap_note("seed %llu", (unsigned long long)seed);
	for (unsigned readers = 1; readers <= READERS_MAX; readers *= 2) {
		struct outcome o = round_of(NO_FAULT, readers, seed + readers);

		show(&o);
		tap_ok(o.v.impossible == 0, "%u readers see only what was so", readers);
		tap_ok(o.v.reads >= READS_MIN && o.versions >= VERSIONS_MIN, "%u readers had much to see",
		       readers);
	}
	tap_ok(is_caught(SILENT_CHANGES, seed), "changes that the sequence does not tell are caught");
	tap_ok(is_caught(LATE_REVOKE, seed), "caps that are seen after they were revoked are caught");
#if defined(ASAN) || defined(TSAN)
	tap_ok(is_noticed(seed), "memory that is freed too early is noticed");
#endif
	printf("1..%d\n", tap_count);
	return tap_failures ? 1 : 0;
}
