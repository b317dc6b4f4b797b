/* Reading from the cache: what it answers, from the engine's thread and from another, and when it does not.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "meta/read.h"
#include "meta_bed.h"

enum { ALL = CAP_STAT_ALL, NO_FS = CAP_STAT_ALL & ~CAP_FS };

/* / (1)
 *   d (2)        e (5), a directory
 *     f (3), 100 bytes of mode 0640 of 7:8
 *     l (4) -> f    up (6) -> ../d/f    abs (7) -> /d    loop (8) -> loop
 */
struct tree {
	struct bed *b;
	struct meta *m;
	struct session *s;
	struct inode *root, *d, *f;
	struct cephring_cred user; /* what the calls are made as */
};

static struct inode *link_to(struct tree *t, uint64_t ino, const char *text)
{
	struct inode_stat st = bed_stat(ino, false, ALL, 1);
	struct inode *i;

	st.mode = 0120777;
	st.symlink = (struct slice){ (const uint8_t *)text, (uint32_t)strlen(text) };
	i = trace_inode(t->m, t->s, &st);
	cr_assert_not_null(i);
	return i;
}

static struct tree *tree_new(void)
{
	struct tree *t = calloc(1, sizeof *t);
	struct inode_stat st = bed_stat(3, false, ALL, 1);
	static const uint8_t xattrs[] = { 1,   0,   0,   0,   6, 0, 0, 0, 'u', 's',
					  'e', 'r', '.', 'a', 2, 0, 0, 0, 'x', 'y' };

	t->b = bed_new(1 << 20);
	t->m = &t->b->m;
	t->s = bed_session(t->b, 0);
	t->root = inode_get(bed_inode(t->b, t->s, 1, true, ALL, 1));
	t->m->root = t->root;
	t->d = bed_inode(t->b, t->s, 2, true, ALL, 1);
	st.size = 100;
	st.mode = 0100640;
	st.uid = 7;
	st.gid = 8;
	st.xattrs = (struct slice){ xattrs, sizeof xattrs };
	st.xattr_version = 1;
	t->f = trace_inode(t->m, t->s, &st);
	bed_name(t->b, t->s, t->root, "d", t->d, 0);
	bed_name(t->b, t->s, t->root, "e", bed_inode(t->b, t->s, 5, true, ALL, 1), 0);
	bed_name(t->b, t->s, t->d, "f", t->f, 0);
	bed_name(t->b, t->s, t->d, "l", link_to(t, 4, "f"), 0);
	bed_name(t->b, t->s, t->d, "up", link_to(t, 6, "../d/f"), 0);
	bed_name(t->b, t->s, t->d, "abs", link_to(t, 7, "/d"), 0);
	bed_name(t->b, t->s, t->d, "loop", link_to(t, 8, "loop"), 0);
	bed_name(t->b, t->s, t->d, "none", NULL, 0);
	return t;
}

static void tree_free(struct tree *t)
{
	bed_free(t->b);
	free(t);
}

static void take_back(struct tree *t, struct inode *i, uint32_t left)
{
	static uint32_t seq = 1;

	caps_handle(t->m, t->s,
		    &(struct caps_msg){ .op = CAPS_REVOKE,
					.ino = i->key.ino,
					.cap_id = i->key.ino * 10,
					.seq = ++seq,
					.mseq = 1,
					.caps = left,
					.nlink = 1,
					.uid = i->a.uid,
					.gid = i->a.gid,
					.mode = i->a.mode });
}

/* ---- a call, here or on another thread ---- */

struct call {
	struct tree *t;
	struct inode *at;
	const char *path;
	int flags;
	uint32_t want;
	struct cephring_statx st;
	int res;
};

static void *call_run(void *arg)
{
	struct call *c = arg;
	struct read_path p = { .at = c->at, .path = c->path, .flags = c->flags, .cred = &c->t->user };

	c->res = read_statx(c->t->m, &p, c->want, &c->st);
	return NULL;
}

static int call_elsewhere(struct call *c)
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, call_run, c), 0);
	pthread_join(thread, NULL);
	return c->res;
}

/* Both threads must say the same. */
static int stat_at(struct tree *t, struct inode *at, const char *path, int flags, struct cephring_statx *st)
{
	struct call c = { .t = t, .at = at, .path = path, .flags = flags, .want = CEPHRING_STATX_ALL };
	int here;

	call_run(&c);
	here = c.res;
	cr_assert_eq(call_elsewhere(&c), here, "%s: %d here, %d elsewhere", path, here, c.res);
	if (st)
		*st = c.st;
	return here;
}

static int stat_of(struct tree *t, const char *path)
{
	return stat_at(t, NULL, path, 0, NULL);
}

static uint64_t ino_of(struct tree *t, struct inode *at, const char *path, int flags)
{
	struct cephring_statx st = { 0 };
	int res = stat_at(t, at, path, flags, &st);

	return res ? (uint64_t)-res : st.ino;
}

/* ---- what is answered ---- */

Test(read, a_cached_path_with_all_its_attributes)
{
	struct tree *t = tree_new();
	struct cephring_statx st;

	cr_assert_eq(stat_at(t, NULL, "/d/f", 0, &st), 0);
	cr_expect_eq(st.mask, CEPHRING_STATX_ALL);
	cr_expect(st.ino == 3 && st.size == 100 && st.mode == 0100640 && st.uid == 7 && st.gid == 8);
	cr_expect_eq(st.snapid, SNAP_HEAD);
	cr_expect_eq(ino_of(t, NULL, "d//./f", 0), 3);
	cr_expect_eq(ino_of(t, t->d, "f", 0), 3);
	cr_expect_eq(ino_of(t, t->d, "", 0), 2);
	cr_expect_eq(ino_of(t, t->d, NULL, 0), 2);
	cr_expect_eq(ino_of(t, t->d, "/", 0), 1);
	tree_free(t);
}

Test(read, up_and_down)
{
	struct tree *t = tree_new();

	cr_expect_eq(ino_of(t, NULL, "/d/../e", 0), 5);
	cr_expect_eq(ino_of(t, t->d, "..", 0), 1);
	cr_expect_eq(ino_of(t, NULL, "/../../d", 0), 2);
	tree_free(t);
}

Test(read, up_follows_a_directory_that_moves)
{
	struct tree *t = tree_new();
	struct inode *e = inode_find(&t->m->cache, 5, SNAP_HEAD);

	cache_write_begin(&t->m->cache);
	bed_name(t->b, t->s, e, "d", t->d, 0);
	dentry_remove(t->m, dentry_find(&t->m->cache, t->root, "d", 1));
	cache_write_end(&t->m->cache);
	cr_expect_eq(ino_of(t, t->d, "..", 0), 5);
	cr_expect_eq(ino_of(t, NULL, "/e/d/f", 0), 3);
	/* Its name is gone, though the directory is held: nobody here knows where it is. */
	cache_write_begin(&t->m->cache);
	dentry_drop(t->m, dentry_find(&t->m->cache, e, "d", 1));
	cache_write_end(&t->m->cache);
	cr_expect_eq(stat_at(t, t->d, "..", 0, NULL), -EAGAIN);
	tree_free(t);
}

Test(read, links_are_followed)
{
	struct tree *t = tree_new();

	cr_expect_eq(ino_of(t, NULL, "/d/l", 0), 3);
	cr_expect_eq(ino_of(t, NULL, "/d/up", 0), 3);
	cr_expect_eq(ino_of(t, NULL, "/d/abs/f", 0), 3);
	cr_expect_eq(ino_of(t, NULL, "/d/abs/abs/up", 0), 3);
	cr_expect_eq(ino_of(t, NULL, "/d/l", CEPHRING_NOFOLLOW), 4);
	cr_expect_eq(ino_of(t, NULL, "/d/abs/", CEPHRING_NOFOLLOW), 2);
	cr_expect_eq(stat_of(t, "/d/loop"), -ELOOP);
	cr_expect_eq(stat_of(t, "/d/l/"), -ENOTDIR);
	tree_free(t);
}

Test(read, what_is_not_there)
{
	struct tree *t = tree_new();
	char name[300];

	memset(name, 'n', sizeof name);
	name[256] = '\0';
	cr_expect_eq(stat_of(t, "/d/none"), -ENOENT); /* known not to exist */
	cr_expect_eq(stat_of(t, "/d/other"), -EAGAIN);
	cache_write_begin(&t->m->cache);
	PUB_SET(t->d->dir->complete, true);
	cache_write_end(&t->m->cache);
	cr_expect_eq(stat_of(t, "/d/other"), -ENOENT);
	cr_expect_eq(stat_of(t, "/d/none/x"), -ENOENT);
	cr_expect_eq(stat_of(t, "/d/f/x"), -ENOTDIR);
	cr_expect_eq(stat_of(t, "/d/f/"), -ENOTDIR);
	cr_expect_eq(stat_of(t, "/d/.snap/x"), -EAGAIN);
	cr_expect_eq(stat_of(t, ""), -ENOENT);
	cr_expect_eq(stat_at(t, t->d, name, 0, NULL), -ENAMETOOLONG);
	tree_free(t);
}

/* As the engine does: lengths come before anything else. */
Test(read, a_long_name_behind_a_missing_one)
{
	struct tree *t = tree_new();
	char path[5000] = "/d/none/";

	memset(path + 8, 'n', 256);
	cr_expect_eq(stat_of(t, path), -ENAMETOOLONG);
	memset(path + 3, '/', 4200);
	cr_expect_eq(stat_of(t, path), -ENAMETOOLONG);
	tree_free(t);
}

/* ---- what is trusted ---- */

Test(read, nothing_is_answered_from_caps_that_are_gone)
{
	struct tree *t = tree_new();

	take_back(t, t->f, NO_FS);
	cr_expect_eq(stat_of(t, "/d/f"), -EAGAIN);
	cr_expect_eq(ino_of(t, NULL, "/d/l", CEPHRING_NOFOLLOW), 4);
	take_back(t, t->d, NO_FS);
	cr_expect_eq(stat_at(t, NULL, "/d/l", CEPHRING_NOFOLLOW, NULL), -EAGAIN);
	cr_expect_eq(stat_at(t, NULL, "/d", CEPHRING_DONT_SYNC, NULL), 0);
	tree_free(t);
}

Test(read, only_what_was_wanted_must_be_known)
{
	struct tree *t = tree_new();
	struct call c = { .t = t, .path = "/d/f", .want = CEPHRING_STATX_MODE };

	take_back(t, t->f, CAP_PIN | CAP_AS);
	cr_expect_eq(call_elsewhere(&c), 0);
	cr_expect(c.st.mask & CEPHRING_STATX_MODE);
	cr_expect_not(c.st.mask & CEPHRING_STATX_SIZE);
	c.want = CEPHRING_STATX_SIZE;
	cr_expect_eq(call_elsewhere(&c), -EAGAIN);
	c.flags = CEPHRING_DONT_SYNC;
	cr_expect_eq(call_elsewhere(&c), 0);
	c.flags = CEPHRING_FORCE_SYNC;
	cr_expect_eq(call_elsewhere(&c), -EAGAIN);
	tree_free(t);
}

Test(read, a_session_that_was_not_renewed_is_trusted_no_more)
{
	struct tree *t = tree_new();

	t->s->cap_ttl_ns = ring_now_coarse() + 1000000;
	session_publish(t->s);
	cr_expect_eq(stat_of(t, "/d/f"), -EAGAIN); /* the clock may lag by more */
	t->s->cap_ttl_ns = ring_now_coarse() + 5000000000u;
	session_publish(t->s);
	cr_expect_eq(stat_of(t, "/d/f"), 0);
	t->s->cap_gen++;
	session_publish(t->s);
	cr_expect_eq(stat_of(t, "/d/f"), -EAGAIN);
	tree_free(t);
}

Test(read, a_lease_is_good_until_its_time)
{
	struct tree *t = tree_new();
	struct dentry *d;

	take_back(t, t->root, NO_FS);
	cr_expect_eq(stat_of(t, "/d/f"), -EAGAIN);
	d = bed_name(t->b, t->s, t->root, "d", t->d, 30000);
	cr_expect_eq(stat_of(t, "/d/f"), 0);
	cache_write_begin(&t->m->cache);
	PUB_SET(d->lease_until_ns, ring_now_coarse() + 1000000);
	cache_write_end(&t->m->cache);
	cr_expect_eq(stat_of(t, "/d/f"), -EAGAIN);
	tree_free(t);
}

Test(read, the_cap_with_the_most_bits_is_gone_by)
{
	struct tree *t = tree_new();
	struct session *other = bed_session(t->b, 1);
	struct inode_stat st = bed_stat(3, false, CAP_PIN | CAP_AS, 1);

	st.cap.flags = 0;
	st.cap.cap_id = 31;
	trace_inode(t->m, other, &st);
	cr_expect_eq(t->f->seen.rank, 0);
	cr_expect_eq(stat_of(t, "/d/f"), 0);
	take_back(t, t->f, CAP_PIN);
	cr_expect_eq(t->f->seen.rank, 1);
	cr_expect_eq(stat_of(t, "/d/f"), -EAGAIN);
	tree_free(t);
}

/* ---- permissions and the other questions ---- */

Test(read, permission_on_the_way_and_at_the_end)
{
	struct tree *t = tree_new();
	struct read_path p = { .path = "/d/f", .cred = &t->user };
	struct attrs a = t->d->a;

	t->user = (struct cephring_cred){ .uid = 1000, .gid = 8 };
	cr_expect_eq(read_access(t->m, &p, R_OK), 0);
	cr_expect_eq(read_access(t->m, &p, W_OK), -EACCES);
	cr_expect_eq(read_access(t->m, &p, F_OK), 0);
	a.mode = 040700;
	inode_set_attrs(&t->m->cache, t->d, &a);
	cr_expect_eq(stat_of(t, "/d/f"), -EACCES);
	cr_expect_eq(stat_of(t, "/d/none"), -EACCES);
	take_back(t, t->d, ALL & ~CAP_AS);
	cr_expect_eq(stat_of(t, "/d/f"), -EAGAIN);
	t->user.uid = 0;
	cr_expect_eq(stat_of(t, "/d/f"), 0);
	cr_expect_eq(read_access(t->m, &p, X_OK), -EACCES);
	t->m->o.no_permissions = true;
	cr_expect_eq(read_access(t->m, &p, X_OK), 0);
	tree_free(t);
}

Test(read, link_text)
{
	struct tree *t = tree_new();
	struct read_path p = { .path = "/d/up", .cred = &t->user };
	char buf[16] = "................";

	cr_expect_eq(read_readlink(t->m, &p, buf, sizeof buf), 6);
	cr_expect(!memcmp(buf, "../d/f..", 8));
	cr_expect_eq(read_readlink(t->m, &p, buf, 2), 6);
	p.path = "/d/f";
	cr_expect_eq(read_readlink(t->m, &p, buf, sizeof buf), -EINVAL);
	tree_free(t);
}

Test(read, stored_attributes)
{
	struct tree *t = tree_new();
	struct read_path p = { .path = "/d/f", .cred = &t->user };
	char buf[8] = "";

	cr_expect_eq(read_getxattr(t->m, &p, "user.a", buf, sizeof buf), 2);
	cr_expect(!memcmp(buf, "xy", 3));
	cr_expect_eq(read_getxattr(t->m, &p, "user.a", NULL, 0), 2);
	cr_expect_eq(read_getxattr(t->m, &p, "user.a", buf, 1), -ERANGE);
	cr_expect_eq(read_getxattr(t->m, &p, "user.b", buf, sizeof buf), -ENODATA);
	cr_expect_eq(read_getxattr(t->m, &p, "ceph.dir.layout", buf, sizeof buf), -EAGAIN);
	t->user = (struct cephring_cred){ .uid = 1000, .gid = 1000 };
	cr_expect_eq(read_getxattr(t->m, &p, "user.a", buf, sizeof buf), -EACCES);
	cr_expect_eq(read_getxattr(t->m, &p, "trusted.a", buf, sizeof buf), -ENODATA);
	take_back(t, t->f, ALL & ~CAP_XS);
	t->user.uid = 0;
	cr_expect_eq(read_getxattr(t->m, &p, "user.a", buf, sizeof buf), -EAGAIN);
	tree_free(t);
}

Test(read, a_reference_keeps_the_inode)
{
	struct tree *t = tree_new();
	struct read_path p = { .path = "/d/f", .cred = &t->user };
	struct inode *i = NULL;

	cr_expect_eq(read_lookup(t->m, &p, &i), 0);
	cr_expect_eq(i, t->f);
	cr_expect_not(inode_forget(t->m, t->f));
	inode_unshare(i);
	cr_expect(inode_forget(t->m, t->f));
	cr_expect_eq(read_lookup(t->m, &p, &i), -EAGAIN);
	tree_free(t);
}

/* ---- beside the writer ---- */

Test(read, a_change_under_way_is_waited_for_only_so_long)
{
	struct tree *t = tree_new();
	struct call c = { .t = t, .path = "/d/f", .want = CEPHRING_STATX_ALL };

	cache_write_begin(&t->m->cache);
	cr_expect_eq(call_elsewhere(&c), -EAGAIN);
	call_run(&c); /* what changes it may look */
	cr_expect_eq(c.res, 0);
	cache_write_end(&t->m->cache);
	cr_expect_eq(call_elsewhere(&c), 0);
	tree_free(t);
}

Test(read, what_is_read_stays_when_memory_is_short)
{
	struct tree *t = tree_new();
	struct dentry *d = dentry_find(&t->m->cache, t->d, "f", 1);

	PUB_UNTOUCH(d->used);
	PUB_UNTOUCH(t->f->used);
	cr_expect_eq(stat_of(t, "/d/f"), 0);
	cr_expect(PUB_GET(d->used) && PUB_GET(t->f->used));
	tree_free(t);
}

static sem_t inside, leave;

static void *stand_inside(void *arg)
{
	(void)arg;
	cr_assert(epoch_enter());
	sem_post(&inside);
	sem_wait(&leave);
	epoch_leave();
	return NULL;
}

static unsigned freed;

static void count_free(struct meta *m, void *p)
{
	(void)m;
	(void)p;
	freed++;
}

static void turns(struct bed *b, int ms)
{
	uint64_t end = ring_now_fresh(b->ring) + (uint64_t)ms * 1000000u;

	while (ring_now(b->ring) < end)
		cr_assert_geq(ring_run(b->ring, 1000000), 0);
}

/* What was taken out while a thread was inside stays until it left; what comes later does not wait for ever.
 */
Test(read, nothing_is_freed_under_a_reader)
{
	struct tree *t = tree_new();
	pthread_t reader;

	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	retire(t->m, t, count_free);
	cr_expect_eq(freed, 0);
	turns(t->b, 5);
	cr_expect_eq(freed, 1); /* nobody was there: with the turn */
	pthread_create(&reader, NULL, stand_inside, NULL);
	sem_wait(&inside);
	for (int n = 0; n < 200; n++)
		retire(t->m, t, count_free);
	turns(t->b, 50);
	cr_expect_eq(freed, 1);
	sem_post(&leave);
	pthread_join(reader, NULL);
	turns(t->b, 300);
	cr_expect_eq(freed, 201);
	tree_free(t);
}

static bool over;

static void on_over(struct meta *m)
{
	(void)m;
	over = true;
}

Test(read, the_end_of_a_mount_waits_for_a_reader)
{
	struct tree *t = tree_new();
	pthread_t reader;

	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	pthread_create(&reader, NULL, stand_inside, NULL);
	sem_wait(&inside);
	retired_ending(t->m);
	cache_write_begin(&t->m->cache);
	PUB_SET(t->m->root, NULL);
	cache_write_end(&t->m->cache);
	inode_put(t->m, t->root);
	cache_fini(t->m);
	retired_end(t->m, on_over);
	turns(t->b, 50);
	cr_expect_not(over);
	cr_expect_eq(stat_of(t, "/d/f"), -EAGAIN);
	sem_post(&leave);
	pthread_join(reader, NULL);
	turns(t->b, 300);
	cr_expect(over);
	tree_free(t);
}

/* A thread gives its record back when it ends; the next one takes it. */
Test(read, threads_that_come_and_go_leave_nothing)
{
	struct tree *t = tree_new();
	size_t before = 0;

	for (int n = 0; n < 100; n++) {
		cr_assert_eq(stat_of(t, "/d/f"), 0);
		if (n == 10)
			before = mem_allocated();
	}
	cr_expect_leq(mem_allocated(), before + 512);
	tree_free(t);
}

/* In the child the other threads are gone, wherever they stood. */
Test(read, a_fork_takes_no_reader_along)
{
	struct tree *t = tree_new();
	pthread_t reader;
	int status;
	pid_t pid;

	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	cr_assert_eq(stat_of(t, "/d/f"), 0);
	pthread_create(&reader, NULL, stand_inside, NULL);
	sem_wait(&inside);
	retire(t->m, t, count_free);
	turns(t->b, 5);
	cr_expect_eq(freed, 0);
	pid = fork();
	if (!pid) {
		epoch_poll(t->m->retired.record);
		_exit(freed == 1 ? 0 : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	sem_post(&leave);
	pthread_join(reader, NULL);
	tree_free(t);
}

/* ---- the table of names, under readers ---- */

Test(read, names_that_come_and_go_are_found_all_the_same)
{
	struct tree *t = tree_new();
	char name[32];

	for (int n = 0; n < 20000; n++) { /* many sweeps, and growth at first */
		snprintf(name, sizeof name, "n%d", n);
		bed_name(t->b, t->s, t->d, name, t->f, 0);
		if (n < 500)
			continue;
		snprintf(name, sizeof name, "n%d", n - 500);
		cache_write_begin(&t->m->cache);
		dentry_remove(t->m, dentry_find(&t->m->cache, t->d, name, (uint32_t)strlen(name)));
		cache_write_end(&t->m->cache);
		if (n % 100 == 0)
			turns(t->b, 0);
	}
	for (int n = 19500; n < 20000; n++) {
		snprintf(name, sizeof name, "n%d", n);
		cr_assert_not_null(dentry_find(&t->m->cache, t->d, name, (uint32_t)strlen(name)));
	}
	cr_expect_eq(stat_of(t, "/d/f"), 0);
	tree_free(t);
}
