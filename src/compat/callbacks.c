/* callbacks.c: what the program wants to be told of a mount (ceph_ll_register_callbacks), and that a
 * delegation is to be given back (deleg.c).
 *
 *   engine's thread --> list of notes, newest first --> a thread of the mount's --> the program's function
 *
 * A program does there what it likes, also calls that wait: so it is not the engine that calls it. The thread
 * is made with the first callback that needs it, sleeps on a word while there is nothing to say, and ends
 * with the mount; what is still unsaid then is not said any more.
 */
#include "../api/futex.h"
#include "compat.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { NOTES_MAX = 1 << 17 };

enum what { HELD, UNMET, INVALIDATED, UNNAMED, RECALLED };

static const char *const called[] = { "ino_release_cb", "remount_cb", "ino_cb", "dentry_cb",
				      "the function of a delegation" };

struct note {
	struct note *next;
	enum what what;
	uint64_t ino, dir_ino;
	void *who; /* RECALLED */
	uint64_t id;
	size_t len; /* of the name, which ends with a NUL as well */
	char name[];
};

struct teller {
	struct ceph_mount_info *cm;
	struct inside_watch watch;
	pthread_t thread;
	struct note *_Atomic notes;
	atomic_uint count;
	_Atomic uint32_t word; /* +1 with each note, and at the end */
	atomic_bool ends;
};

/* Whose callbacks this thread calls; NULL = no such thread. */
static _Thread_local const struct ceph_mount_info *telling;

/* ---- on the engine's thread ---- */

static void wake(struct teller *t)
{
	atomic_fetch_add(&t->word, 1);
	futex_wake(&t->word);
}

static void note(struct teller *t, const struct note *what, const char *name)
{
	struct note *n;

	/* the MDS asks again for what it does not get back; all else is told in any case */
	if (what->what <= UNMET && atomic_load(&t->count) >= NOTES_MAX)
		return;
	n = malloc(sizeof *n + what->len + 1);
	if (!n) {
		compat_log(CEPHRING_LOG_ERROR, "inode %#llx: %s is not called: no memory",
			   (unsigned long long)what->ino, called[what->what]);
		return;
	}
	*n = *what;
	memcpy(n->name, name, what->len);
	n->name[what->len] = '\0';
	n->next = atomic_load(&t->notes);
	while (!atomic_compare_exchange_weak(&t->notes, &n->next, n))
		;
	atomic_fetch_add(&t->count, 1);
	wake(t);
}

static void on_held(void *arg, uint64_t ino)
{
	note(arg, &(struct note){ .what = HELD, .ino = ino }, "");
}

static void on_unmet(void *arg)
{
	note(arg, &(struct note){ .what = UNMET }, "");
}

static void on_invalidated(void *arg, uint64_t ino)
{
	note(arg, &(struct note){ .what = INVALIDATED, .ino = ino }, "");
}

static void on_unnamed(void *arg, uint64_t dir_ino, uint64_t ino, const char *name, size_t len)
{
	note(arg, &(struct note){ .what = UNNAMED, .ino = ino, .dir_ino = dir_ino, .len = len }, name);
}

static void on_recalled(void *arg, void *who, uint64_t id)
{
	note(arg, &(struct note){ .what = RECALLED, .who = who, .id = id }, "");
}

/* From here on every call is turned away, but the mount's end. */
static void on_over(void *arg)
{
	struct teller *t = arg;
	int state = STATE_MOUNTED;

	atomic_compare_exchange_strong(&t->cm->state, &state, STATE_OVER);
}

/* ---- on the thread that calls the program ---- */

static void say(struct ceph_mount_info *cm, const struct note *n)
{
	client_ino_release_t release = __atomic_load_n(&cm->callbacks.ino_release_cb, __ATOMIC_ACQUIRE);
	client_ino_callback_t ino = __atomic_load_n(&cm->callbacks.ino_cb, __ATOMIC_ACQUIRE);
	client_remount_callback_t remount = __atomic_load_n(&cm->callbacks.remount_cb, __ATOMIC_ACQUIRE);
	client_dentry_callback_t dentry = __atomic_load_n(&cm->callbacks.dentry_cb, __ATOMIC_ACQUIRE);
	void *handle = __atomic_load_n(&cm->callbacks.handle, __ATOMIC_ACQUIRE);
	int err;
	vinodeno_t v = { { n->ino }, { CEPH_NOSNAP } }, dir = { { n->dir_ino }, { CEPH_NOSNAP } };

	if (n->what == HELD && release)
		release(handle, v);
	if (n->what == UNMET && remount && (err = remount(handle)) != 0)
		compat_log(CEPHRING_LOG_WARN, "remount_cb gave %d: more caps are held than an MDS wants",
			   err);
	if (n->what == INVALIDATED && ino)
		ino(handle, v, 0, 0);
	if (n->what == UNNAMED && dentry)
		dentry(handle, dir, v, n->name, n->len);
	if (n->what == RECALLED)
		delegation_recalled(cm, n->who, n->id);
}

static struct note *oldest_first(struct note *n)
{
	struct note *list = NULL, *next;

	for (; n; n = next) {
		next = n->next;
		n->next = list;
		list = n;
	}
	return list;
}

static void *tell(void *arg)
{
	struct teller *t = arg;

	telling = t->cm;
	while (!atomic_load(&t->ends)) {
		uint32_t word = atomic_load(&t->word);
		struct note *n = oldest_first(atomic_exchange(&t->notes, NULL)), *next;

		if (!n && !atomic_load(&t->ends))
			futex_wait(&t->word, word, NULL);
		for (; n; n = next) {
			next = n->next;
			if (atomic_load(&t->cm->state) == STATE_MOUNTED)
				say(t->cm, n);
			atomic_fetch_sub(&t->count, 1);
			free(n);
		}
	}
	return NULL;
}

/* Signals are the program's own threads' affair. */
static int thread_begin(struct teller *t)
{
	pthread_attr_t attr;
	sigset_t all;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	sigfillset(&all);
	err = pthread_attr_setsigmask_np(&attr, &all);
	if (!err)
		err = pthread_create(&t->thread, &attr, tell, t);
	pthread_attr_destroy(&attr);
	return -err;
}

/* ---- beginning and end ---- */

/* `gone`: the mount is, so that nobody makes notes any more. */
static void teller_end(struct teller *t, bool gone)
{
	struct note *n, *next;

	atomic_store(&t->ends, true);
	wake(t);
	pthread_join(t->thread, NULL);
	if (!gone)
		return;
	for (n = atomic_load(&t->notes); n; n = next) {
		next = n->next;
		free(n);
	}
	free(t);
}

int callbacks_begin(struct ceph_mount_info *cm)
{
	struct teller *t, *none = NULL;
	int err;

	if (atomic_load(&cm->teller))
		return 0;
	t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	t->cm = cm;
	t->watch =
	    (struct inside_watch){ on_held, on_unmet, on_invalidated, on_unnamed, on_recalled, on_over, t };
	err = thread_begin(t);
	if (err) {
		free(t);
		return err;
	}
	if (!atomic_compare_exchange_strong(&cm->teller, &none, t)) { /* another thread was faster */
		teller_end(t, true);
		return 0;
	}
	err = inside_watch(cm->m, &t->watch);
	if (err) {
		atomic_store(&cm->teller, NULL);
		teller_end(t, true);
	}
	return err;
}

void callbacks_waits(struct ceph_mount_info *cm, void *what)
{
	client_switch_interrupt_callback_t fn =
	    __atomic_load_n(&cm->callbacks.switch_intr_cb, __ATOMIC_ACQUIRE);

	if (fn)
		fn(__atomic_load_n(&cm->callbacks.handle, __ATOMIC_ACQUIRE), what);
}

bool callbacks_inside(const struct ceph_mount_info *cm)
{
	return cm && telling == cm && cm->generation == engines_generation();
}

void callbacks_end(struct ceph_mount_info *cm, bool gone)
{
	struct teller *t = atomic_exchange(&cm->teller, NULL);

	if (t)
		teller_end(t, gone);
	memset(&cm->callbacks, 0, sizeof cm->callbacks);
}
