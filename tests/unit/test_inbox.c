/* test_inbox.c: what other threads post: bounded, never lost, never run twice, one wake-up for a batch. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ring/inbox.h"
#include "ring/ring.h"

static uint64_t rings_of(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t n = 0;

	if (poll(&p, 1, 0) != 1)
		return 0;
	cr_assert_eq(read(fd, &n, sizeof n), sizeof n);
	return n;
}

static void take(struct inbox *b, struct ring_task *want)
{
	struct ring_task *t = inbox_take(b);

	cr_assert_eq(t, want);
	if (t)
		t->queued = false;
}

Test(inbox, comes_out_in_order)
{
	struct ring_task t[3] = { 0 };
	struct inbox b;

	cr_assert_eq(inbox_init(&b, 4), 0);
	cr_expect_not(inbox_waiting(&b));
	for (int i = 0; i < 3; i++)
		cr_assert_eq(inbox_post(&b, &t[i]), 0);
	cr_expect(inbox_waiting(&b));
	for (int i = 0; i < 3; i++)
		take(&b, &t[i]);
	take(&b, NULL);
	inbox_fini(&b);
}

Test(inbox, full_is_told_and_room_comes_back)
{
	struct ring_task t[5] = { 0 };
	struct inbox b;

	cr_assert_eq(inbox_init(&b, 4), 0);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 4; i++)
			cr_assert_eq(inbox_post(&b, &t[i]), 0);
		cr_assert_eq(inbox_post(&b, &t[4]), -EAGAIN);
		cr_assert_not(t[4].queued);
		take(&b, &t[0]);
		cr_assert_eq(inbox_post(&b, &t[4]), 0);
		for (int i = 1; i < 5; i++)
			take(&b, &t[i]);
	}
	inbox_fini(&b);
}

Test(inbox, task_that_waits_is_not_queued_twice)
{
	struct ring_task t[2] = { 0 };
	struct inbox b;

	cr_assert_eq(inbox_init(&b, 2), 0);
	cr_assert_eq(inbox_post(&b, &t[0]), 0);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(inbox_post(&b, &t[0]), 0, "takes no seat");
	cr_assert_eq(inbox_post(&b, &t[1]), 0);
	take(&b, &t[0]);
	take(&b, &t[1]);
	take(&b, NULL);
	inbox_fini(&b);
}

Test(inbox, rings_once_and_only_when_asleep)
{
	struct ring_task t[6] = { 0 };
	struct inbox b;
	int fd = eventfd(0, EFD_NONBLOCK);

	cr_assert_eq(inbox_init(&b, 8), 0);
	inbox_post(&b, &t[0]);
	cr_expect_not(inbox_sleep(&b, fd), "there is work");
	inbox_post(&b, &t[1]);
	cr_expect_eq(rings_of(fd), 0);
	take(&b, &t[0]);
	take(&b, &t[1]);
	cr_expect(inbox_sleep(&b, fd));
	for (int i = 2; i < 6; i++)
		inbox_post(&b, &t[i]);
	cr_expect_eq(rings_of(fd), 1);
	cr_expect(inbox_awake(&b), "somebody rang");
	for (int i = 2; i < 6; i++)
		take(&b, &t[i]);
	cr_expect(inbox_sleep(&b, fd));
	cr_expect_not(inbox_awake(&b), "nobody did");
	inbox_fini(&b);
	close(fd);
}

Test(inbox, nothing_goes_in_after_the_end)
{
	struct ring_task t = { 0 };
	struct inbox b;

	cr_assert_eq(inbox_init(&b, 2), 0);
	inbox_end(&b);
	cr_expect_eq(inbox_post(&b, &t), -ESHUTDOWN);
	inbox_fini(&b);
}

Test(inbox, needs_a_seat)
{
	struct inbox b;

	cr_expect_eq(inbox_init(&b, 0), -EINVAL);
}

enum { THREADS = 4, EACH = 20000 };

struct job {
	struct ring_task task;
	unsigned runs;
	uint64_t payload; /* written before the post, read when it runs */
};

struct producer {
	struct ring *ring;
	struct job *jobs;
	unsigned full;
};

static unsigned total;
static bool all;

static void run_job(struct ring_task *t)
{
	struct job *j = (struct job *)t;

	cr_assert_eq(j->payload, (uintptr_t)j ^ 0x5555);
	j->runs++;
	all = ++total == THREADS * EACH;
}

static void *produce(void *arg)
{
	struct producer *p = arg;

	for (unsigned i = 0; i < EACH; i++) {
		p->jobs[i].task.fn = run_job;
		p->jobs[i].payload = (uintptr_t)&p->jobs[i] ^ 0x5555;
		while (ring_post(p->ring, &p->jobs[i].task) == -EAGAIN) {
			p->full++;
			sched_yield();
		}
	}
	return NULL;
}

/* Four producers, an inbox of 16, an engine that sleeps whenever it can: nothing is lost, nothing hangs. */
Test(inbox, many_producers_and_an_engine_that_sleeps)
{
	struct ring_opts o = { .cpu = -1, .inbox_size = 16 };
	struct producer p[THREADS] = { 0 };
	pthread_t th[THREADS];
	struct ring_stats s;
	struct ring *r;

	cr_assert_eq(ring_new(&o, &r, NULL, 0), 0);
	for (int i = 0; i < THREADS; i++) {
		p[i].ring = r;
		p[i].jobs = calloc(EACH, sizeof *p[i].jobs);
		pthread_create(&th[i], NULL, produce, &p[i]);
	}
	cr_assert_eq(ring_run_until(r, &all, 100000000000), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(th[i], NULL);
		for (unsigned k = 0; k < EACH; k++)
			cr_assert_eq(p[i].jobs[k].runs, 1);
		free(p[i].jobs);
	}
	ring_stats(r, &s);
	cr_expect_eq(s.posts, THREADS * EACH);
	cr_expect_leq(s.wakeups, s.posts);
	ring_free(r);
}

/* The same by way of the descriptor, waiting with poll(). */
Test(inbox, many_producers_and_a_caller_that_polls)
{
	struct ring_opts o = { .cpu = -1, .inbox_size = 16 };
	struct producer p[THREADS] = { 0 };
	pthread_t th[THREADS];
	struct ring *r;

	cr_assert_eq(ring_new(&o, &r, NULL, 0), 0);
	for (int i = 0; i < THREADS; i++) {
		p[i].ring = r;
		p[i].jobs = calloc(EACH, sizeof *p[i].jobs);
		pthread_create(&th[i], NULL, produce, &p[i]);
	}
	while (!all) {
		struct pollfd pfd = { .fd = ring_fd(r), .events = POLLIN };

		if (ring_timeout_ns(r) != 0)
			cr_assert_eq(poll(&pfd, 1, 60000), 1, "lost a wake-up");
		cr_assert_geq(ring_run(r, 0), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(th[i], NULL);
		free(p[i].jobs);
	}
	ring_free(r);
}
