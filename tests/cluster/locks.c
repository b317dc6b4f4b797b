/* cluster: --mds 1; timeout: 240 */
/* Locks between clients: ours, libcephfs, and one that is killed while it holds them. */
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include "both.h"

#define FILE_ "/locks_file"

static const struct cephring_cred root = { 0 };

struct ended {
	bool done;
	int64_t res;
};

static void on_end(struct cephring_op *op, int64_t res, void *user)
{
	struct ended *e = user;

	(void)op;
	e->done = true;
	e->res = res;
}

static void until(struct both *b, struct ended *e, int ms)
{
	uint64_t end = now_ns() + (uint64_t)ms * 1000000u;

	while (!e->done && now_ns() < end)
		both_turn(b->engine, -1, 50);
}

static struct cephring_lock range(int type, uint64_t owner, uint64_t start, uint64_t length)
{
	return (struct cephring_lock){
		.type = (int16_t)type, .owner = owner, .pid = (int32_t)owner, .start = start, .length = length
	};
}

static void one_client(struct both *b, cephring_file *f)
{
	struct cephring_lock all = range(F_WRLCK, 1, 0, 0), part = range(F_RDLCK, 2, 100, 50), ask;

	tap_eq(cephring_sync_setlk(f, &all, 0), 0, "a write lock of everything");
	tap_eq(cephring_sync_setlk(f, &part, 0), -EAGAIN, "another owner is refused");
	ask = part;
	tap_eq(cephring_sync_getlk(f, &ask), 0, "who is in the way");
	tap_ok(ask.type == F_WRLCK && ask.pid == 1 && ask.start == 0 && ask.length == 0, "the holder");
	all = range(F_UNLCK, 1, 100, 50);
	tap_eq(cephring_sync_setlk(f, &all, 0), 0, "a part of it is given back");
	tap_eq(cephring_sync_setlk(f, &part, 0), 0, "which the other owner gets");
	part = range(F_RDLCK, 2, 100, 51);
	tap_eq(cephring_sync_setlk(f, &part, 0), -EAGAIN, "and not a byte more");
	all = range(F_UNLCK, 1, 0, 0);
	part = range(F_UNLCK, 2, 0, 0);
	tap_eq(cephring_sync_setlk(f, &all, 0), 0, "all back");
	tap_eq(cephring_sync_setlk(f, &part, 0), 0, "from both");
	tap_eq(cephring_sync_setlk(f, &part, 0), 0, "unlocking what is not locked");
	ask = range(F_WRLCK, 3, 0, 0);
	tap_eq(cephring_sync_getlk(f, &ask), 0, "and now");
	tap_eq(ask.type, F_UNLCK, "nobody is");
	tap_eq(cephring_sync_flock(f, LOCK_EX, 1), 0, "flock");
	tap_eq(cephring_sync_flock(f, LOCK_EX | LOCK_NB, 2), -EAGAIN, "against another owner");
	tap_eq(cephring_sync_flock(f, LOCK_UN, 1), 0, "and back");
	tap_eq(cephring_sync_flock(f, 99, 1), -EINVAL, "no such thing");
	(void)b;
}

struct theirs {
	int fd, how;
};

static int their_open(struct ceph_mount_info *cm, void *arg)
{
	struct theirs *t = arg;

	t->fd = ceph_open(cm, FILE_, O_RDWR, 0);
	return t->fd < 0 ? t->fd : 0;
}

static int their_flock(struct ceph_mount_info *cm, void *arg)
{
	struct theirs *t = arg;

	return ceph_flock(cm, t->fd, t->how, 77);
}

static int their_close(struct ceph_mount_info *cm, void *arg)
{
	return ceph_close(cm, ((struct theirs *)arg)->fd);
}

static void two_clients(struct both *b, cephring_file *f)
{
	struct theirs t = { .how = LOCK_EX };
	struct cephring_op op = { 0 };
	struct ended e = { 0 };

	tap_eq(they(b, their_open, &t), 0, "the other client opens");
	tap_eq(they(b, their_flock, &t), 0, "and locks");
	tap_eq(cephring_sync_flock(f, LOCK_EX | LOCK_NB, 5), -EAGAIN, "ours is refused");
	tap_eq(cephring_flock(f, LOCK_EX, 5, &op, on_end, &e), 0, "ours waits");
	until(b, &e, 500);
	tap_ok(!e.done, "as long as it is held");
	t.how = LOCK_UN;
	tap_eq(they(b, their_flock, &t), 0, "it is given back");
	until(b, &e, 10000);
	tap_ok(e.done && e.res == 0, "and ours has it");
	t.how = LOCK_EX | LOCK_NB;
	tap_eq(they(b, their_flock, &t), -EAGAIN, "which the other one feels");
	tap_eq(cephring_sync_flock(f, LOCK_UN, 5), 0, "back");
	/* A wait that is given up leaves nothing behind. */
	t.how = LOCK_EX;
	tap_eq(they(b, their_flock, &t), 0, "the other one locks again");
	e = (struct ended){ 0 };
	tap_eq(cephring_flock(f, LOCK_EX, 6, &op, on_end, &e), 0, "ours waits again");
	until(b, &e, 300);
	tap_eq(cephring_op_cancel(b->mount, &op), 0, "and gives up");
	until(b, &e, 5000);
	tap_ok(e.done && e.res == -ECANCELED, "as it is told");
	t.how = LOCK_UN;
	tap_eq(they(b, their_flock, &t), 0, "the other one unlocks");
	t.how = LOCK_EX | LOCK_NB;
	tap_eq(they(b, their_flock, &t), 0, "and can lock: ours is not there");
	t.how = LOCK_UN;
	they(b, their_flock, &t);
	/* The last close takes them away. */
	tap_eq(cephring_sync_flock(f, LOCK_EX, 7), 0, "ours locks");
	tap_eq(cephring_sync_close(f), 0, "and closes");
	t.how = LOCK_EX;
	tap_eq(they(b, their_flock, &t), 0, "the other one gets it");
	tap_eq(they(b, their_close, &t), 0, "closed");
}

/* A process of its own that locks and is killed. */
static pid_t child_locks(int ready[2])
{
	struct both *b;
	cephring_file *f;
	pid_t pid;

	if (pipe(ready))
		tap_die("a pipe");
	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	close(ready[0]);
	freopen("/dev/null", "w", stdout);
	b = both_new(NULL, NULL);
	if (cephring_sync_open(b->mount, NULL, FILE_, O_RDWR, 0, NULL, &root, &f) ||
	    cephring_sync_flock(f, LOCK_EX, 9))
		_exit(1);
	if (write(ready[1], "x", 1) != 1)
		_exit(1);
	for (;;)
		both_turn(b->engine, -1, 1000);
}

/* An MDS gives a silent client up when its caps are wanted, or after this time. */
static void killed(struct both *b)
{
	struct cephring_op op = { 0 };
	struct ended e = { 0 };
	cephring_file *f;
	int ready[2];
	char x;
	pid_t pid = child_locks(ready);

	close(ready[1]);
	tap_eq(devcluster("ceph fs set cephfs session_timeout 30") |
		   devcluster("ceph fs set cephfs session_autoclose 30"),
	       0, "silent clients are given up after 30 s");
	tap_eq(read(ready[0], &x, 1), 1, "another process locks");
	tap_eq(cephring_sync_open(b->mount, NULL, FILE_, O_RDWR, 0, NULL, &root, &f), 0, "opened");
	tap_eq(cephring_sync_flock(f, LOCK_EX | LOCK_NB, 8), -EAGAIN, "which stands in the way");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	tap_eq(cephring_flock(f, LOCK_EX, 8, &op, on_end, &e), 0, "it is killed; ours waits");
	until(b, &e, 100000);
	if (!tap_ok(e.done && e.res == 0, "and gets it when the MDS gives the dead one up"))
		tap_die("it waits no more");
	tap_eq(cephring_sync_close(f), 0, "closed");
	close(ready[0]);
	devcluster("ceph fs set cephfs session_timeout 60");
	devcluster("ceph fs set cephfs session_autoclose 300");
}

int main(void)
{
	struct both *b = both_new(NULL, NULL);
	cephring_file *f = NULL;

	tap_ok(cephring_sync_open(b->mount, NULL, FILE_, O_RDWR | O_CREAT, 0644, NULL, &root, &f) >= 0,
	       "a file");
	one_client(b, f);
	two_clients(b, f);
	killed(b);
	both_free(b);
	return tap_end();
}
