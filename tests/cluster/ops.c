/* cluster: --mds 1 */
/* What every operation promises: one callback, never from inside the submission, also after cancel, deadline
 * and unmount; budgets that are told; submission from any thread. (sync.c has the blocking helpers.) */
#include <semaphore.h>
#include <sys/epoll.h>
#include "both.h"

#define TOP "/ops"

static const struct cephring_cred root = { 0 }, user = { 1000, 1000, 0, NULL, 0 };

/* One operation and what became of it. */
struct tried {
	struct cephring_op op;
	struct cephring_statx st;
	cephring_inode *inode;
	cephring_file *file;
	char buf[8192];
	int ends;
	int64_t res;
};

static bool submitting, inside; /* inside: a callback came while submitting */

static void ended(struct cephring_op *op, int64_t res, void *arg)
{
	struct tried *t = arg;

	inside = inside || submitting || op != &t->op;
	t->ends++;
	t->res = res;
}

static int stat_begin(struct both *b, struct tried *t, const char *path, const struct cephring_cred *who)
{
	int err;

	submitting = true;
	err = cephring_statx(b->mount, NULL, path, CEPHRING_STATX_BASIC, 0, who, &t->st, &t->op, ended, t);
	submitting = false;
	return err;
}

static bool until_ended(struct both *b, struct tried *t, int ms)
{
	uint64_t limit = now_ns() + (uint64_t)ms * 1000000u;

	while (!t->ends && now_ns() < limit)
		both_turn(b->engine, -1, ms);
	return t->ends;
}

/* ---- one at a time ---- */

static void simple(struct both *b)
{
	struct tried t = { 0 };

	tap_eq(stat_begin(b, &t, TOP "/a/b/c/d/file", &user), 0, "an operation is taken");
	tap_eq(t.ends, 0, "it has not ended yet");
	tap_eq(cephring_statx(b->mount, NULL, "/", CEPHRING_STATX_INO, 0, &user, &t.st, &t.op, ended, &t),
	       -EBUSY, "the same one is not taken twice");
	tap_ok(until_ended(b, &t, 10000) && t.res == 0, "it ends");
	t.ends = 0;
	tap_eq(stat_begin(b, &t, TOP "/a/b/c/d/file", &user), 0, "now it is answered from the cache");
	tap_eq(t.ends, 0, "though not from inside the call");
	tap_ok(until_ended(b, &t, 10000) && t.ends == 1, "but soon");
	tap_ok(!inside, "no callback came from inside a call");
	tap_eq(cephring_statx(b->mount, NULL, "/", CEPHRING_STATX_INO, 0, &user, &t.st, &t.op, NULL, NULL),
	       -EINVAL, "no callback: refused");
	t.ends = 0;
	tap_eq(stat_begin(b, &t, TOP "/none", &user), 0, "an operation that will fail is taken");
	tap_ok(until_ended(b, &t, 10000) && t.res == -ENOENT, "and fails");
}

static void chained(struct cephring_op *op, int64_t res, void *arg)
{
	struct tried *t = arg;
	struct both *b = (struct both *)t->file;

	t->res = t->res ? t->res : res;
	if (++t->ends < 100 &&
	    cephring_statx(b->mount, NULL, TOP "/a", CEPHRING_STATX_INO, 0, &user, &t->st, op, chained, t))
		t->res = -EIO;
}

static void again_from_its_callback(struct both *b)
{
	struct tried t = { .file = (cephring_file *)b };

	cephring_statx(b->mount, NULL, TOP "/a", CEPHRING_STATX_INO, 0, &user, &t.st, &t.op, chained, &t);
	for (int n = 0; n < 1000 && t.ends < 100; n++)
		both_turn(b->engine, -1, 100);
	tap_ok(t.ends == 100 && !t.res, "an operation is used again from its own callback, 100 times");
}

/* ---- cancel ---- */

enum { KINDS = 6 };

static int begin_kind(struct both *b, struct tried *t, int kind, cephring_file *dir)
{
	const char *path = TOP "/a/b/c/d/file";

	switch (kind) {
	case 0:
		return stat_begin(b, t, path, &user);
	case 1:
		return cephring_lookup(b->mount, NULL, TOP "/a/b/c/d/../../b2/link/d", 0, &user, &t->op,
				       ended, t, &t->inode);
	case 2:
		return cephring_open(b->mount, NULL, path, O_RDONLY, 0, NULL, &user, &t->op, ended, t,
				     &t->file);
	case 3:
		return cephring_getxattr(b->mount, NULL, TOP "/a", "ceph.dir.rbytes", 0, &user, t->buf, 100,
					 &t->op, ended, t);
	case 4:
		return cephring_readdir(dir, t->buf, sizeof t->buf, &t->op, ended, t);
	default:
		return cephring_statfs(b->mount, (struct cephring_statfs *)t->buf, &t->op, ended, t);
	}
}

/* Cancelled after each number of turns, from none to more than it needs. */
static void cancelled(struct both *b)
{
	static const char *const names[KINDS] = {
		"statx", "lookup", "open", "getxattr", "readdir", "statfs"
	};

	for (int kind = 0; kind < KINDS; kind++) {
		int early = 0, late = 0, strange = 0;

		for (int turns = 0; turns < 24; turns++) {
			static struct tried t;
			cephring_file *dir = NULL;
			int err;

			t = (struct tried){ 0 };
			both_cold(b);
			if (kind == 4)
				cephring_sync_open(b->mount, NULL, TOP "/a", O_RDONLY | O_DIRECTORY, 0, NULL,
						   &root, &dir);
			err = begin_kind(b, &t, kind, dir);
			for (int n = 0; n < turns && !t.ends; n++)
				cephring_run(b->engine, 20000);
			err = err ? err : cephring_op_cancel(b->mount, &t.op);
			strange += t.ends ? err != -EALREADY : err != 0;
			if (!until_ended(b, &t, 10000) || t.ends != 1 || (t.res < 0 && t.res != -ECANCELED))
				strange++;
			early += t.res == -ECANCELED;
			late += t.res >= 0;
			if (t.res == 0 && t.inode)
				cephring_put(b->mount, t.inode);
			if (t.res == 0 && t.file)
				cephring_sync_close(t.file);
			if (dir)
				strange += cephring_sync_close(dir) != 0;
		}
		tap_ok(!strange && (early || kind == 4), /* a listing begins with its dots, at once */
		       "%s: cancelled at any moment, it ends once", names[kind]);
		tap_note("%d cancelled, %d had ended", early, late);
	}
	tap_ok(!inside, "never from inside a call");
}

struct canceller {
	cephring_mount *mount;
	struct cephring_op *op;
};

static void *cancels(void *arg)
{
	struct canceller *c = arg;

	return (void *)(intptr_t)cephring_op_cancel(c->mount, c->op);
}

/* The MDS does not answer: what waits can still be ended. */
static void unanswered(struct both *b)
{
	static struct tried t[3];
	pthread_t thread;
	void *err;

	memset(t, 0, sizeof t);
	both_cold(b);
	tap_eq(devcluster("pause mds.a"), 0, "the MDS is paused");
	cephring_op_deadline(&t[0].op, now_ns() + 50000000);
	tap_eq(stat_begin(b, &t[0], TOP "/a/b/c/d/file", &user), 0, "an operation with a deadline");
	tap_eq(stat_begin(b, &t[1], TOP "/a/b/c/d/file", &user), 0, "one without");
	cephring_op_deadline(&t[2].op, 1);
	tap_eq(stat_begin(b, &t[2], TOP "/a/b/c/d/file", &user), 0, "one whose deadline has passed");
	tap_ok(until_ended(b, &t[2], 1000) && t[2].res == -ETIMEDOUT, "that one ends at once");
	tap_ok(until_ended(b, &t[0], 5000) && t[0].res == -ETIMEDOUT, "the first one at its time");
	tap_eq(t[1].ends, 0, "the other one waits");
	tap_eq(cephring_op_cancel(b->mount, &t[1].op), 0, "until it is cancelled");
	tap_ok(until_ended(b, &t[1], 5000) && t[1].res == -ECANCELED, "then it ends");
	t[1].ends = 0;
	tap_eq(stat_begin(b, &t[1], TOP "/a/b/c/d/file", &user), 0, "one that the engine has not seen yet");
	pthread_create(&thread, NULL, cancels, &(struct canceller){ b->mount, &t[1].op });
	pthread_join(thread, &err);
	tap_eq((intptr_t)err, 0, "is cancelled by another thread");
	tap_ok(until_ended(b, &t[1], 5000) && t[1].res == -ECANCELED, "and ends");
	tap_eq(devcluster("resume mds.a"), 0, "the MDS goes on");
	t[0].ends = 0;
	tap_eq(stat_begin(b, &t[0], TOP "/a/b/c/d/file", &user), 0, "the deadline was for one submission");
	tap_ok(until_ended(b, &t[0], 20000) && t[0].res == 0, "the next one has none");
	tap_ok(t[0].ends == 1 && t[1].ends == 1 && t[2].ends == 1, "late answers wake nobody");
}

/* ---- budget ---- */

static void budget(void)
{
	static const char *const options[] = { "cephring_max_ops", "4", NULL };
	static struct tried t[5];
	struct both *b = both_new(options, NULL);
	int err = 0, ends = 0;

	memset(t, 0, sizeof t);
	for (int n = 0; n < 4; n++)
		err = err ? err : stat_begin(b, &t[n], TOP "/a/b/c/d/file", &user);
	tap_eq(err, 0, "as many operations as the budget has");
	tap_eq(stat_begin(b, &t[4], TOP "/a", &user), -EAGAIN, "and one more is refused");
	for (int n = 0; n < 4; n++)
		ends += until_ended(b, &t[n], 10000) && t[n].res == 0;
	tap_eq(ends, 4, "they end");
	tap_eq(t[4].ends, 0, "the refused one has no callback");
	tap_eq(stat_begin(b, &t[4], TOP "/a", &user), 0, "now it is taken");
	tap_ok(until_ended(b, &t[4], 10000) && t[4].res == 0, "and ends");
	both_free(b);
}

/* ---- unmount ---- */

static void unmount_in_the_middle(void)
{
	enum { FLYING = 40 };
	static struct tried t[FLYING + 1];
	struct both *b = both_new(NULL, NULL);
	int once = 0, shut = 0;

	memset(t, 0, sizeof t);
	tap_eq(devcluster("pause mds.a"), 0, "the MDS is paused");
	for (int n = 0; n < FLYING; n++) {
		if (begin_kind(b, &t[n], n % 4, NULL))
			tap_die("operations begin");
		if (n == FLYING / 2) /* the others have not even begun */
			cephring_run(b->engine, 0);
	}
	tap_eq(cephring_unmount(b->mount, &t[FLYING].op, ended, &t[FLYING]), 0,
	       "unmount with operations in flight");
	cephring_run(b->engine, 0);
	cephring_run(b->engine, 0);
	for (int n = 0; n < FLYING; n++)
		shut += t[n].res == -ESHUTDOWN;
	tap_eq(shut, FLYING, "they are shut down at once");
	tap_eq(devcluster("resume mds.a"), 0, "the MDS goes on");
	tap_ok(until_ended(b, &t[FLYING], 20000) && t[FLYING].res == 0, "unmounted");
	for (int n = 0; n <= FLYING; n++)
		once += t[n].ends == 1;
	tap_eq(once, FLYING + 1, "each ended once");
	tap_eq(cephring_engine_free(b->engine), 0, "the engine ends");
	cephring_config_free(b->config);
	second_unmount(b->cm);
	free(b);
}

/* ---- the program's own loop ---- */

static void in_an_epoll_loop(struct both *b)
{
	struct epoll_event ev = { .events = EPOLLIN };
	static struct tried t[64];
	int fd = epoll_create1(EPOLL_CLOEXEC), done = 0, idle;

	memset(t, 0, sizeof t);
	both_cold(b);
	tap_eq(epoll_ctl(fd, EPOLL_CTL_ADD, cephring_engine_fd(b->engine), &ev), 0,
	       "the engine's descriptor in an epoll set");
	for (int n = 0; n < 64; n++)
		stat_begin(b, &t[n], TOP "/a/b/c/d/file", n % 2 ? &user : &root);
	for (int n = 0; n < 100000 && done < 64; n++) {
		int64_t ns = cephring_engine_timeout_ns(b->engine);

		epoll_wait(fd, &ev, 1, ns < 0 ? 5000 : (int)((ns + 999999) / 1000000));
		cephring_run(b->engine, 0);
		done = 0;
		for (int k = 0; k < 64; k++)
			done += t[k].ends == 1 && t[k].res == 0;
	}
	tap_eq(done, 64, "64 operations end, driven by it");
	for (idle = 0; idle < 1000;
	     idle++) { /* surplus answers still come; then it sleeps, but for a timer now and then */
		int64_t ns = cephring_engine_timeout_ns(b->engine);
		int ms = ns < 0 || ns > 200000000 ? 200 : (int)(ns / 1000000 + 1);

		if (epoll_wait(fd, &ev, 1, ms) == 0 && ms == 200)
			break;
		cephring_run(b->engine, 0);
	}
	tap_ok(idle < 1000, "an idle engine does not wake the loop");
	close(fd);
}

/* ---- other threads ---- */

enum { THREADS = 4, PER_THREAD = 1500, INBOX = 16 };

struct threaded {
	cephring_mount *mount;
	cephring_engine *engine;
	sem_t blocked, go;
	atomic_int accepted, refused, ends, wrong, released;
};

struct thread_op {
	struct cephring_op op;
	struct cephring_statx st;
	struct threaded *all;
	atomic_int ends;
	int64_t want;
};

static void thread_ended(struct cephring_op *op, int64_t res, void *arg)
{
	struct thread_op *t = arg;

	(void)op;
	if (res != t->want || atomic_fetch_add(&t->ends, 1))
		atomic_fetch_add(&t->all->wrong, 1);
	atomic_fetch_add(&t->all->ends, 1);
}

static void *submits(void *arg)
{
	struct threaded *all = arg;
	struct thread_op *ops = calloc(PER_THREAD, sizeof *ops);
	int in_flight_max = 100;

	for (int n = 0; n < PER_THREAD; n++) {
		struct thread_op *t = &ops[n];
		int err;

		t->all = all;
		t->want = n % 3 ? 0 : -ENOENT;
		do {
			err = cephring_statx(all->mount, NULL, n % 3 ? TOP "/a/b/c/d/file" : TOP "/a/none/x",
					     CEPHRING_STATX_INO, 0, n % 2 ? &user : &root, &t->st, &t->op,
					     thread_ended, t);
			if (err == -EAGAIN)
				usleep(50);
		} while (err == -EAGAIN);
		if (err)
			atomic_fetch_add(&all->wrong, 1);
		while (n >= in_flight_max && !atomic_load(&ops[n - in_flight_max].ends))
			usleep(20);
	}
	for (int n = 0; n < PER_THREAD; n++)
		while (!atomic_load(&ops[n].ends))
			usleep(50);
	free(ops);
	return NULL;
}

static void holds_the_engine(struct cephring_op *op, int64_t res, void *arg)
{
	struct threaded *all = arg;

	(void)op;
	(void)res;
	sem_post(&all->blocked);
	sem_wait(&all->go);
}

/* The engine is busy in a callback: the inbox takes what it has room for and says so. */
static void *fills(void *arg)
{
	struct threaded *all = arg;
	struct thread_op *ops = calloc(INBOX, sizeof *ops);
	int taken = 0;

	for (int n = 0; n < INBOX; n++) {
		ops[n].all = all;
		switch (cephring_statx(all->mount, NULL, TOP "/a", CEPHRING_STATX_INO, 0, &root, &ops[n].st,
				       &ops[n].op, thread_ended, &ops[n])) {
		case 0:
			taken++;
			break;
		case -EAGAIN:
			atomic_fetch_add(&all->refused, 1);
			break;
		default:
			atomic_fetch_add(&all->wrong, 1);
		}
	}
	atomic_fetch_add(&all->accepted, taken);
	sem_post(&all->blocked);
	while (atomic_load(&all->released) == 0)
		usleep(100);
	free(ops);
	return NULL;
}

static void full_inbox(struct threaded *all)
{
	struct cephring_op holder = { 0 };
	struct cephring_statx st;
	pthread_t t[THREADS];

	cephring_statx(all->mount, NULL, TOP, CEPHRING_STATX_INO, 0, &root, &st, &holder, holds_the_engine,
		       all);
	sem_wait(&all->blocked);
	for (int n = 0; n < THREADS; n++)
		pthread_create(&t[n], NULL, fills, all);
	for (int n = 0; n < THREADS; n++)
		sem_wait(&all->blocked);
	tap_ok(atomic_load(&all->accepted) > 0 && atomic_load(&all->accepted) <= INBOX,
	       "a busy engine's inbox takes what it has room for");
	tap_eq(atomic_load(&all->refused) + atomic_load(&all->accepted), THREADS * INBOX,
	       "and refuses the rest with -EAGAIN");
	tap_eq(atomic_load(&all->ends), 0, "nothing has ended yet");
	sem_post(&all->go);
	for (int n = 0; n < 100000 && atomic_load(&all->ends) < atomic_load(&all->accepted); n++)
		usleep(100);
	usleep(10000);
	tap_eq(atomic_load(&all->ends), atomic_load(&all->accepted),
	       "what was taken ends, what was not does not");
	atomic_store(&all->released, 1);
	for (int n = 0; n < THREADS; n++)
		pthread_join(t[n], NULL);
}

static void from_other_threads(struct both *b)
{
	struct cephring_engine_opts eo = { .size = sizeof eo, .own_thread = 1, .cpu = -1, .inbox = INBOX };
	struct cephring_mount_opts mo = { .size = sizeof mo,
					  .log = both_log,
					  .log_level = CEPHRING_LOG_WARN };
	struct threaded all = { 0 };
	pthread_t t[THREADS];

	sem_init(&all.blocked, 0, 0);
	sem_init(&all.go, 0, 0);
	tap_eq(cephring_engine_new(&eo, &all.engine, NULL, 0), 0, "an engine with a thread of its own");
	if (!tap_eq(cephring_sync_mount(all.engine, b->config, &mo, &all.mount), 0, "a mount on it"))
		return;
	for (int n = 0; n < THREADS; n++)
		pthread_create(&t[n], NULL, submits, &all);
	for (int n = 0; n < THREADS; n++)
		pthread_join(t[n], NULL);
	tap_eq(atomic_load(&all.ends), THREADS * PER_THREAD, "operations of four threads end");
	tap_eq(atomic_load(&all.wrong), 0, "each once and with its own result");
	atomic_store(&all.ends, 0);
	full_inbox(&all);
	tap_eq(atomic_load(&all.wrong), 0, "each once");
	tap_eq(cephring_sync_unmount(all.mount), 0, "it unmounts");
	tap_eq(cephring_engine_free(all.engine), 0, "its engine ends");
}

static int their_tree(struct ceph_mount_info *cm, void *arg)
{
	int err = their_rm_r(cm, TOP);

	(void)arg;
	err = err ? err : ceph_mkdirs(cm, TOP "/a/b/c/d", 0755);
	err = err ? err : ceph_mkdirs(cm, TOP "/a/b/b2", 0755);
	err = err ? err : ceph_symlink(cm, "../c", TOP "/a/b/b2/link");
	return err ? err : their_create(cm, TOP "/a/b/c/d/file", 0644);
}

int main(void)
{
	struct both *b = both_new(NULL, NULL);

	if (!tap_eq(they(b, their_tree, NULL), 0, "the tree is made"))
		return tap_end();
	simple(b);
	again_from_its_callback(b);
	cancelled(b);
	unanswered(b);
	budget();
	unmount_in_the_middle();
	in_an_epoll_loop(b);
	from_other_threads(b);
	they(b, their_clean, (void *)TOP);
	both_free(b);
	return tap_end();
}
