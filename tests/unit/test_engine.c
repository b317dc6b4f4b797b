/* test_engine.c: the public engine calls on a real io_uring, without any mount. */
#include "../../src/api/engine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

static cephring_engine *engine_made(int own_thread)
{
	struct cephring_engine_opts o = {
		.size = sizeof o, .own_thread = own_thread, .cpu = -1, .inbox = 100
	};
	cephring_engine *e;
	char why[256];
	int err = cephring_engine_new(&o, &e, why, sizeof why);

	cr_assert_eq(err, 0, "%s", why);
	return e;
}

Test(engine, short_or_excessive_options_are_refused_in_words)
{
	struct cephring_engine_opts o = { .size = 4 };
	cephring_engine *e = (void *)1;
	char why[256] = "";

	cr_assert_eq(cephring_engine_new(&o, &e, why, sizeof why), -EINVAL);
	cr_assert_null(e);
	cr_assert(*why);
	o = (struct cephring_engine_opts){ .size = sizeof o, .inbox = ENGINE_INBOX_MAX + 1 };
	cr_assert_eq(cephring_engine_new(&o, &e, NULL, 0), -EINVAL);
}

Test(engine, is_not_freed_while_mounts_are_left)
{
	cephring_engine *e = engine_made(0);

	engine_mount_get(e);
	cr_assert_eq(cephring_engine_free(e), -EBUSY);
	engine_mount_put(e);
	cr_assert_eq(cephring_engine_free(e), 0);
	cr_assert_eq(cephring_engine_free(NULL), 0);
}

Test(engine, idle_one_returns_at_once_when_told_not_to_wait)
{
	cephring_engine *e;

	cr_assert_eq(cephring_engine_new(NULL, &e, NULL, 0), 0);
	cr_assert_geq(cephring_run(e, 0), 0);
	cr_assert_geq(cephring_engine_fd(e), 0);
	cr_assert_eq(cephring_engine_free(e), 0);
}

struct probe {
	struct ring_task task;
	cephring_engine *engine;
	int run, free;
	bool inside, done;
};

static void probe_inside(struct ring_task *t)
{
	struct probe *p = (struct probe *)t;

	p->run = cephring_run(p->engine, 0);
	p->free = cephring_engine_free(p->engine);
	p->inside = engine_inside(p->engine);
	__atomic_store_n(&p->done, true, __ATOMIC_RELEASE);
}

Test(engine, callback_may_neither_run_nor_free_it)
{
	struct probe p = { .task.fn = probe_inside, .engine = engine_made(0) };

	cr_assert_not(engine_inside(p.engine));
	ring_defer(engine_ring(p.engine), &p.task);
	cr_assert_eq(cephring_engine_timeout_ns(p.engine), 0);
	cr_assert_eq(engine_run_until(p.engine, &p.done), 0);
	cr_assert_eq(p.run, -EDEADLK);
	cr_assert_eq(p.free, -EDEADLK);
	cr_assert(p.inside);
	cr_assert_not(engine_inside(p.engine));
	cr_assert_eq(cephring_engine_free(p.engine), 0);
}

static void *run_elsewhere(void *arg)
{
	return (void *)(intptr_t)cephring_run(arg, 0);
}

Test(engine, caller_driven_one_runs_on_its_own_thread_only)
{
	cephring_engine *e = engine_made(0);
	pthread_t t;
	void *ret;

	cr_assert_eq(pthread_create(&t, NULL, run_elsewhere, e), 0);
	pthread_join(t, &ret);
	cr_assert_eq((intptr_t)ret, -EPERM);
	cr_assert_eq(cephring_engine_free(e), 0);
}

Test(engine, descriptor_is_readable_after_a_post_from_another_thread)
{
	struct probe p = { .task.fn = probe_inside, .engine = engine_made(0) };
	struct pollfd fd = { .fd = cephring_engine_fd(p.engine), .events = POLLIN };

	cr_assert_geq(cephring_run(p.engine, 0), 0);
	cr_assert_eq(ring_post(engine_ring(p.engine), &p.task), 0);
	cr_assert_eq(poll(&fd, 1, 10000), 1);
	cr_assert_gt(cephring_run(p.engine, 0), 0);
	cr_assert(p.done);
	cr_assert_eq(cephring_engine_free(p.engine), 0);
}

Test(engine, own_thread_runs_posts_and_is_not_driven_by_callers)
{
	struct probe p = { .task.fn = probe_inside, .engine = engine_made(1) };

	cr_assert_eq(cephring_run(p.engine, 0), -EINVAL);
	cr_assert_eq(cephring_engine_fd(p.engine), -EINVAL);
	cr_assert_not(engine_inside(p.engine));
	cr_assert_eq(ring_post(engine_ring(p.engine), &p.task), 0);
	while (!__atomic_load_n(&p.done, __ATOMIC_ACQUIRE))
		poll(NULL, 0, 1);
	cr_assert_eq(p.run, -EINVAL);
	cr_assert_eq(p.free, -EDEADLK);
	cr_assert(p.inside);
	cr_assert_eq(cephring_engine_free(p.engine), 0);
}
