/* client_cephring_many.c: many acts in flight from one thread, or shared by a few.
 *
 * A slot is one place in flight: it takes the next act, goes through its steps, takes the next. A lane is one
 * thread of the program with its slots. Where the thread drives the engine itself, a completion goes on with
 * its slot at once, in the callback. Where the engine has a thread of its own, the callback hands the slot
 * back to its lane, as a program does whose threads do the work: the lane is woken and submits what comes
 * next.
 *
 *   act            steps
 *   create         open, close
 *   unpack         open, setattr of the open file, close
 *   list           open, readdir until 0, close
 *   stat           from the cache if it can be, else statx
 *   all others     one call */
#include "blocking.h"
#include "client.h"
#include "client_cephring.h"
#include "meter.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SLOT_BUFFER = 64 * 1024, STEP_WAITS = 1 };

enum step {
	STEP_BEGIN,
	STEP_ONLY,
	STEP_OPENED,
	STEP_SET,
	STEP_LISTED,
	STEP_CLOSED,
	STEP_LOOKED_UP,
	STEP_STAT
};

struct many {
	struct client *c;
	const struct client_act *acts;
	uint64_t *took_ns;
	size_t n, bad;
	atomic_size_t next;
	atomic_int err; /* the first */
};

struct slot {
	struct cephring_op op;
	struct lane *lane;
	struct slot *below;           /* on the lane's stack */
	const struct client_act *act; /* NULL: none */
	enum step at;
	int64_t res;
	uint64_t began_ns;
	cephring_inode *inode;
	cephring_file *file;
	struct cephring_statx st;
	struct cephring_setattr set;
	char *buf; /* owned; where there is a listing */
};

struct lane {
	struct many *all;
	struct slot *slots; /* owned */
	unsigned count, flying;
	sem_t ended;
	_Atomic(struct slot *) stack; /* of slots whose call ended; the engine's thread puts them here */
	struct slot *got;             /* taken from there */
	pthread_t thread;
};

/* ---- the steps of an act ---- */

static void slot_ended(struct cephring_op *op, int64_t res, void *user);

static int begin_open(struct slot *s, int flags)
{
	struct client *c = s->lane->all->c;
	const struct client_act *a = s->act;

	s->at = STEP_OPENED;
	return cephring_open(c->mount, a->at ? a->at->inode : NULL, a->path, flags, client_create_mode(a),
			     NULL, &c->user, &s->op, slot_ended, s, &s->file);
}

static int stat_check(const struct slot *s)
{
	return s->act->mtime_ns && s->st.mtime_ns != s->act->mtime_ns ? -EBADMSG : 0;
}

/* What is cached needs no submission: the blocking helper tries the same first. */
static int begin_stat(struct slot *s)
{
	struct client *c = s->lane->all->c;
	const struct client_act *a = s->act;
	cephring_inode *at = a->at ? a->at->inode : NULL;
	int err = cephring_statx_cached(c->mount, at, a->path, CEPHRING_STATX_BASIC, CEPHRING_NOFOLLOW,
					&c->user, &s->st);

	if (err != -EAGAIN)
		return err ? err : stat_check(s);
	s->at = STEP_STAT;
	err = cephring_statx(c->mount, at, a->path, CEPHRING_STATX_BASIC, CEPHRING_NOFOLLOW, &c->user, &s->st,
			     &s->op, slot_ended, s);
	return err ? err : STEP_WAITS;
}

static int begin_only(struct slot *s)
{
	struct client *c = s->lane->all->c;
	const struct client_act *a = s->act;
	cephring_inode *at = a->at ? a->at->inode : NULL;

	s->at = STEP_ONLY;
	switch (a->verb) {
	case CLIENT_MKDIR:
		return cephring_mkdir(c->mount, at, a->path, a->mode, 0, &c->user, &s->op, slot_ended, s);
	case CLIENT_RMDIR:
	case CLIENT_UNLINK:
		return cephring_unlink(c->mount, at, a->path,
				       a->verb == CLIENT_RMDIR ? CEPHRING_REMOVEDIR : 0, &c->user, &s->op,
				       slot_ended, s);
	case CLIENT_RENAME:
		return cephring_rename(c->mount, at, a->path, at, a->to, 0, &c->user, &s->op, slot_ended, s);
	case CLIENT_CHMOD:
	case CLIENT_STAMP:
		s->set = client_attributes(a->mode, a->mtime_ns);
		return cephring_setattr(c->mount, at, a->path, &s->set, 0, &c->user, &s->op, slot_ended, s);
	case CLIENT_CREATE_4K:
		return cephring_write_path(c->mount, at, a->path, client_4k, CLIENT_4K, O_EXCL, a->mode,
					   &c->user, &s->op, slot_ended, s);
	case CLIENT_LOOKUP:
		s->at = STEP_LOOKED_UP;
		return cephring_lookup(c->mount, at, a->path, 0, &c->user, &s->op, slot_ended, s, &s->inode);
	default:
		return -EINVAL;
	}
}

static int step_begin(struct slot *s)
{
	int err;

	switch (s->act->verb) {
	case CLIENT_STAT:
		return begin_stat(s);
	case CLIENT_CREATE:
	case CLIENT_UNPACK:
		err = begin_open(s, O_CREAT | O_EXCL | O_WRONLY);
		break;
	case CLIENT_LIST:
		err = begin_open(s, O_RDONLY | O_DIRECTORY);
		break;
	default:
		err = begin_only(s);
	}
	return err ? err : STEP_WAITS;
}

static int begin_close(struct slot *s)
{
	s->at = STEP_CLOSED;
	return cephring_close(s->file, &s->op, slot_ended, s);
}

static int begin_readdir(struct slot *s)
{
	s->at = STEP_LISTED;
	if (!s->buf)
		s->buf = malloc(SLOT_BUFFER);
	return s->buf ? cephring_readdir(s->file, s->buf, SLOT_BUFFER, &s->op, slot_ended, s) : -ENOMEM;
}

static int step_opened(struct slot *s)
{
	struct client *c = s->lane->all->c;

	if (s->act->verb == CLIENT_LIST)
		return begin_readdir(s);
	if (s->act->verb == CLIENT_CREATE)
		return begin_close(s);
	s->at = STEP_SET;
	s->set = client_attributes(s->act->mode, s->act->mtime_ns);
	return cephring_setattr(c->mount, cephring_file_inode(s->file), "", &s->set, 0, &c->user, &s->op,
				slot_ended, s);
}

/* Entered with what the call before gave: 0 the act is done, STEP_WAITS, or -errno. A file that is still open
 * after an error goes with the mount: that run counts for nothing. */
static int slot_step(struct slot *s, int64_t res)
{
	int err = 0;

	if (s->at == STEP_BEGIN)
		return step_begin(s);
	if (res < 0)
		return (int)res;
	switch (s->at) {
	case STEP_OPENED:
		err = step_opened(s);
		break;
	case STEP_SET:
		err = begin_close(s);
		break;
	case STEP_LISTED:
		err = res ? begin_readdir(s) : begin_close(s);
		break;
	case STEP_LOOKED_UP:
		cephring_put(s->lane->all->c->mount, s->inode);
		return 0;
	case STEP_STAT:
		return stat_check(s);
	default:
		return 0;
	}
	return err ? err : STEP_WAITS;
}

/* ---- slots ---- */

static bool slot_take(struct slot *s)
{
	struct many *m = s->lane->all;
	size_t i = m->err ? m->n : atomic_fetch_add(&m->next, 1);

	if (i >= m->n)
		return false;
	s->act = &m->acts[i];
	s->at = STEP_BEGIN;
	s->began_ns = meter_now_ns();
	return true;
}

static void slot_done(struct slot *s, int err)
{
	struct many *m = s->lane->all;
	size_t i = (size_t)(s->act - m->acts);
	int none = 0;

	m->took_ns[i] = meter_now_ns() - s->began_ns;
	if (err && atomic_compare_exchange_strong(&m->err, &none, err))
		m->bad = i;
	s->act = NULL;
}

/* Goes on until something is in flight, or nothing is left to take. */
static void slot_run(struct slot *s, int64_t res)
{
	while (s->act || slot_take(s)) {
		int got = slot_step(s, res);
		if (got == STEP_WAITS) {
			s->lane->flying++;
			return;
		}
		slot_done(s, got);
	}
}

static void slot_ended(struct cephring_op *op, int64_t res, void *user)
{
	struct slot *s = user;
	struct lane *l = s->lane;

	if (!l->all->c->own_thread) {
		l->flying--;
		slot_run(s, res);
		return;
	}
	s->res = res;
	s->below = l->stack;
	while (!atomic_compare_exchange_weak(&l->stack, &s->below, s))
		;
	sem_post(&l->ended);
}

/* ---- lanes ---- */

static int lane_init(struct lane *l, struct many *m, unsigned count)
{
	*l = (struct lane){ .all = m, .count = count, .slots = calloc(count, sizeof(*l->slots)) };
	if (!l->slots)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		l->slots[i].lane = l;
	return sem_init(&l->ended, 0, 0) ? -errno : 0;
}

static void lane_fini(struct lane *l)
{
	for (unsigned i = 0; l->slots && i < l->count; i++)
		free(l->slots[i].buf);
	free(l->slots);
	sem_destroy(&l->ended);
}

/* On the engine's own thread. */
static int lane_drive(struct lane *l)
{
	int ran = 0;

	for (unsigned i = 0; i < l->count; i++)
		slot_run(&l->slots[i], 0);
	while (l->flying && ran >= 0)
		ran = cephring_run(l->all->c->engine, -1);
	return ran < 0 ? ran : 0;
}

static void *lane_work(void *arg)
{
	struct lane *l = arg;

	for (unsigned i = 0; i < l->count; i++)
		slot_run(&l->slots[i], 0);
	while (l->flying) {
		if (sem_wait(&l->ended))
			continue; /* a signal */
		if (!l->got)
			l->got = atomic_exchange(&l->stack, NULL);
		struct slot *s = l->got;
		l->got = s->below;
		l->flying--;
		slot_run(s, s->res);
	}
	return NULL;
}

static int lanes_work(struct lane *lanes, unsigned count)
{
	unsigned started = 0;
	int err = 0;

	for (; !err && started < count; started += !err)
		err = -pthread_create(&lanes[started].thread, NULL, lane_work, &lanes[started]);
	for (unsigned i = 0; i < started; i++)
		pthread_join(lanes[i].thread, NULL);
	return err;
}

static int run_lanes(struct many *m, unsigned depth, unsigned threads)
{
	struct lane *lanes = calloc(threads, sizeof(*lanes));
	int err = lanes ? 0 : -ENOMEM;
	unsigned made = 0;

	for (; !err && made < threads; made++)
		err = lane_init(&lanes[made], m, depth / threads + (made < depth % threads));
	if (!err)
		err = m->c->own_thread ? lanes_work(lanes, threads) : lane_drive(&lanes[0]);
	if (lanes && lanes[0].flying)
		return err; /* what is in flight still writes into slots */
	for (unsigned i = 0; i < made; i++)
		lane_fini(&lanes[i]);
	free(lanes);
	return err ? err : m->err;
}

int client_act_many(struct client *c, const struct client_act *acts, size_t n, unsigned depth,
		    unsigned threads, uint64_t *took_ns, size_t *bad)
{
	struct many m = { .c = c, .acts = acts, .took_ns = took_ns, .n = n, .bad = *bad };
	int err;

	if (!depth || !threads || threads > depth || (threads > 1 && !c->own_thread))
		return -EINVAL;
	if (depth == threads)
		return blocking_act_many(c, acts, n, threads, took_ns, bad);
	err = run_lanes(&m, depth, threads);
	*bad = m.bad;
	return err;
}
