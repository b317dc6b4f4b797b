/* threads.c: the library's own thread, pinned to a CPU, and several threads of the program that submit to it.
 *
 *     ./threads /path     each of four threads asks for /path 1000 times     (CEPH_CONF names the cluster)
 */
#include <cephring.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 1000, DEPTH = 8 };

struct slot {
	struct cephring_op op;
	struct cephring_statx st;
	struct worker *worker;
	atomic_int busy;
};
struct worker {
	pthread_t thread;
	cephring_mount *mount;
	const char *path;
	struct slot slot[DEPTH];
	sem_t room;
	atomic_long good, bad;
};

/* On the engine's thread: keep it short, hand the result over. */
static void done(struct cephring_op *op, int64_t res, void *user)
{
	struct slot *s = user;

	if (res < 0)
		s->worker->bad++;
	else
		s->worker->good++;
	s->busy = 0;
	sem_post(&s->worker->room);
}

static struct slot *free_slot(struct worker *w) /* there is one: `room` says so */
{
	struct slot *s = w->slot;

	while (s->busy)
		s = s + 1 < w->slot + DEPTH ? s + 1 : w->slot;
	return s;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct slot *s;
		int err;

		sem_wait(&w->room); /* the program's own bound: DEPTH in flight */
		s = free_slot(w);
		s->busy = 1;
		s->worker = w;
		err = cephring_statx(w->mount, NULL, w->path, CEPHRING_STATX_BASIC, 0, NULL, &s->st, &s->op,
				     done, s);
		if (!err)
			continue;
		/* -EAGAIN: the library's inbox or budget is full. A server would answer "busy" or try later.
		 */
		w->bad++;
		s->busy = 0;
		sem_post(&w->room);
	}
	for (int i = 0; i < DEPTH; i++)
		sem_wait(&w->room); /* all have ended */
	return NULL;
}

static void run_all(cephring_mount *m, const char *path)
{
	static struct worker workers[THREADS];

	for (int i = 0; i < THREADS; i++) {
		workers[i].mount = m;
		workers[i].path = path;
		sem_init(&workers[i].room, 0, DEPTH);
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		printf("thread %d: %ld answers, %ld failed\n", i, workers[i].good, workers[i].bad);
	}
}

int main(int argc, char **argv)
{
	struct cephring_engine_opts opts = { .size = sizeof opts, .own_thread = 1, .cpu = 0 };
	cephring_engine *e;
	cephring_config *c;
	cephring_mount *m;
	int err;

	if (cephring_engine_new(&opts, &e, NULL, 0) || cephring_config_new(&c) || cephring_config_load(c))
		return 1;
	err = cephring_sync_mount(e, c, NULL, &m); /* sleeps until the engine's thread is done */
	if (!err)
		run_all(m, argc > 1 ? argv[1] : "/");
	else
		fprintf(stderr, "mount: %s\n", strerror(-err));
	if (m)
		cephring_sync_unmount(m);
	cephring_engine_free(e);
	cephring_config_free(c);
	return err ? 1 : 0;
}
