/* test_ring.c: the engine's turn: tasks, timers, flushers, waiting, waking, both modes, and what it says
 * where io_uring is not to be had. Streams are in test_tcp.c. */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "ring/ring.h"

#define MS 1000000ll
#define S  (1000 * MS)

static struct ring *driven(void)
{
	struct ring_opts o = { .cpu = -1 };
	struct ring *r = NULL;
	char why[256];

	cr_assert_eq(ring_new(&o, &r, why, sizeof why), 0, "%s", why);
	return r;
}

static struct ring *threaded(void)
{
	struct ring_opts o = { .cpu = -1, .own_thread = true };
	struct ring *r = NULL;
	char why[256];

	cr_assert_eq(ring_new(&o, &r, why, sizeof why), 0, "%s", why);
	return r;
}

/* What ran, in order. */
static char ran[64];
static void note(char c)
{
	size_t n = strlen(ran);

	cr_assert_lt(n, sizeof ran - 1);
	ran[n] = c;
}

struct work {
	struct ring_task task;
	struct ring_timer timer;
	struct ring_flusher flusher;
	struct ring *ring;
	char name;
	int again; /* runs that queue themselves again */
	int runs;
	struct work *then;
	bool done, into_the_past;
	int ret;
};

static void task_fn(struct ring_task *t)
{
	struct work *w = (struct work *)((char *)t - offsetof(struct work, task));

	w->runs++;
	if (w->name)
		note(w->name);
	if (w->again && w->again--)
		ring_defer(w->ring, t);
	if (w->then)
		ring_flush_later(w->ring, &w->then->flusher);
	w->done = true;
}

static void timer_fn(struct ring_timer *t)
{
	struct work *w = (struct work *)((char *)t - offsetof(struct work, timer));

	w->runs++;
	note(w->name);
	if (w->again && w->again--)
		ring_timer_set(w->ring, t, w->into_the_past ? 1 : ring_now(w->ring));
	w->done = true;
}

static void flush_fn(struct ring_flusher *f)
{
	struct work *w = (struct work *)((char *)f - offsetof(struct work, flusher));

	w->runs++;
	note(w->name);
}

static struct work work(struct ring *r, char name)
{
	return (struct work){
		.task.fn = task_fn, .timer.fn = timer_fn, .flusher.fn = flush_fn, .ring = r, .name = name
	};
}

Test(ring, deferred_task_runs_once_and_not_from_inside)
{
	struct ring *r = driven();
	struct work a = work(r, 'a');

	ring_defer(r, &a.task);
	ring_defer(r, &a.task);
	cr_expect_eq(a.runs, 0);
	cr_expect_eq(ring_timeout_ns(r), 0);
	cr_expect_eq(ring_run(r, 0), 1);
	cr_expect_eq(a.runs, 1);
	cr_expect_eq(ring_run(r, 0), 0);
	cr_expect_eq(a.runs, 1);
	ring_free(r);
}

Test(ring, task_may_defer_itself_within_the_turn)
{
	struct ring *r = driven();
	struct work a = work(r, 'a');

	a.again = 2;
	ring_defer(r, &a.task);
	cr_expect_eq(ring_run(r, 0), 3);
	ring_free(r);
}

Test(ring, task_that_never_stops_does_not_hold_the_caller)
{
	struct ring *r = driven();
	struct work a = work(r, 0);
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	cr_assert_eq(epoll_ctl(ep, EPOLL_CTL_ADD, ring_fd(r), &ev), 0);
	a.again = 1000000;
	ring_defer(r, &a.task);
	cr_expect_gt(ring_run(r, 0), 0);
	cr_expect_lt(a.runs, 1000);
	/* The rest is not forgotten: both doors say so. */
	cr_expect_eq(ring_timeout_ns(r), 0);
	cr_expect_eq(epoll_wait(ep, &ev, 1, 10000), 1);
	a.again = 0;
	while (ring_run(r, 0) > 0)
		;
	close(ep);
	ring_free(r);
}

Test(ring, flushers_run_after_tasks_once_each)
{
	struct ring *r = driven();
	struct work f = work(r, 'F'), a = work(r, 'a'), b = work(r, 'b');

	a.then = b.then = &f;
	ring_defer(r, &a.task);
	ring_defer(r, &b.task);
	ring_run(r, 0);
	cr_expect_str_eq(ran, "abF");
	ring_free(r);
}

Test(ring, timers_fire_in_order_and_end_the_wait)
{
	struct ring *r = driven();
	struct work a = work(r, 'a'), b = work(r, 'b'), c = work(r, 'c');
	uint64_t t0 = ring_now_fresh(r);

	ring_timer_set(r, &b.timer, t0 + 2 * MS);
	ring_timer_set(r, &a.timer, t0 + 1 * MS);
	ring_timer_set(r, &c.timer, t0 + 3 * MS);
	ring_timer_clear(r, &c.timer);
	cr_expect_gt(ring_timeout_ns(r), 0);
	while (!b.done)
		cr_assert_geq(ring_run(r, -1), 0);
	cr_expect_str_eq(ran, "ab");
	cr_expect_geq(ring_now(r), t0 + 2 * MS);
	cr_expect_eq(ring_timeout_ns(r), -1);
	ring_free(r);
}

Test(ring, timer_that_sets_itself_to_now_lets_the_turn_end)
{
	struct ring *r = driven();
	struct work a = work(r, 'a');

	a.again = 5;
	ring_timer_set(r, &a.timer, ring_now_fresh(r));
	cr_expect_eq(ring_run(r, 0), 1);
	while (ring_run(r, 0) > 0)
		;
	cr_expect_eq(a.runs, 6);
	ring_free(r);
}

Test(ring, timer_that_sets_itself_to_the_past_lets_others_fire)
{
	struct ring *r = driven();
	struct work a = work(r, 'a'), b = work(r, 'b');
	uint64_t t0 = ring_now_fresh(r);

	a.again = 3;
	a.into_the_past = true;
	ring_timer_set(r, &a.timer, t0 - 2);
	ring_timer_set(r, &b.timer, t0 - 1);
	cr_expect_eq(ring_run(r, 0), 2);
	cr_expect_str_eq(ran, "ab");
	while (ring_run(r, 0) > 0)
		;
	cr_expect_str_eq(ran, "abaaa");
	ring_free(r);
}

Test(ring, wait_ends_at_its_time)
{
	struct ring *r = driven();
	uint64_t t0 = ring_now_fresh(r);
	struct ring_stats s0, s1;

	ring_stats(r, &s0);
	cr_expect_eq(ring_run(r, 5 * MS), 0);
	cr_expect_geq(ring_now(r), t0 + 5 * MS);
	ring_stats(r, &s1);
	cr_expect_eq(s1.enters - s0.enters, 1, "one system call for one wait");
	ring_free(r);
}

Test(ring, idle_turn_makes_no_system_call)
{
	struct ring *r = driven();
	struct ring_stats s0, s1;

	ring_run(r, 0);
	ring_stats(r, &s0);
	for (int i = 0; i < 10; i++)
		ring_run(r, 0);
	ring_stats(r, &s1);
	cr_expect_eq(s1.enters, s0.enters);
	cr_expect_eq(s1.other_syscalls, s0.other_syscalls);
	cr_expect_eq(s1.turns - s0.turns, 10);
	ring_free(r);
}

static void on_alarm(int sig)
{
	(void)sig;
}

Test(ring, signal_ends_the_wait)
{
	struct ring *r = driven();
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval soon = { .it_value.tv_usec = 20000 };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	cr_expect_eq(ring_run(r, 20 * S), -EINTR);
	ring_free(r);
}

static struct ring *inner;
static int inner_ret;
static void run_inside(struct ring_task *t)
{
	(void)t;
	inner_ret = ring_run(inner, 0);
}

Test(ring, run_from_a_callback_is_refused)
{
	struct ring_task t = { .fn = run_inside };

	inner = driven();
	ring_defer(inner, &t);
	ring_run(inner, 0);
	cr_expect_eq(inner_ret, -EDEADLK);
	ring_free(inner);
}

static void *run_elsewhere(void *arg)
{
	struct ring *r = arg;
	intptr_t ret = ring_run(r, 0);

	return (void *)(ret * 10 + ring_is_owner(r));
}

Test(ring, run_from_another_thread_is_refused)
{
	struct ring *r = driven();
	pthread_t th;
	void *ret;

	pthread_create(&th, NULL, run_elsewhere, r);
	pthread_join(th, &ret);
	cr_expect_eq((intptr_t)ret, -EPERM * 10);
	cr_expect(ring_is_owner(r));
	ring_free(r);
}

struct poster {
	struct ring *ring;
	struct work *work;
	int count;
};

static void *post_all(void *arg)
{
	struct poster *p = arg;

	usleep(20000);
	for (int i = 0; i < p->count; i++)
		p->work[i].ret = ring_post(p->ring, &p->work[i].task);
	return NULL;
}

Test(ring, post_ends_a_wait)
{
	struct ring *r = driven();
	struct work a = work(r, 'a');
	struct poster p = { r, &a, 1 };
	pthread_t th;

	pthread_create(&th, NULL, post_all, &p);
	cr_expect_eq(ring_run_until(r, &a.done, 20 * S), 0);
	pthread_join(th, NULL);
	ring_free(r);
}

Test(ring, post_makes_the_descriptor_readable)
{
	struct ring *r = driven();
	struct work a = work(r, 'a');
	struct poster p = { r, &a, 1 };
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	pthread_t th;

	cr_assert_eq(epoll_ctl(ep, EPOLL_CTL_ADD, ring_fd(r), &ev), 0);
	cr_expect_eq(epoll_wait(ep, &ev, 1, 0), 1, "what may wait already is worth one ring_run()");
	ring_run(r, 0);
	for (int i = 0; i < 3; i++) {
		a.done = false;
		cr_assert_eq(epoll_wait(ep, &ev, 1, 0), 0);
		pthread_create(&th, NULL, post_all, &p);
		cr_assert_eq(epoll_wait(ep, &ev, 1, 20000), 1);
		pthread_join(th, NULL);
		cr_assert_eq(ring_run(r, 0), 1);
		cr_expect(a.done);
	}
	close(ep);
	ring_free(r);
}

Test(ring, posts_of_a_batch_wake_once)
{
	struct ring *r = driven();
	struct work w[50];
	struct poster p = { r, w, 50 };
	struct ring_stats s;
	pthread_t th;

	for (int i = 0; i < 50; i++)
		w[i] = work(r, 0);
	cr_assert_geq(ring_fd(r), 0);
	ring_run(r, 0);
	pthread_create(&th, NULL, post_all, &p);
	pthread_join(th, NULL);
	cr_expect_eq(ring_run(r, 0), 50);
	ring_stats(r, &s);
	cr_expect_eq(s.posts, 50);
	cr_expect_eq(s.wakeups, 1);
	ring_free(r);
}

/* A caller whose loop finds the descriptor readable for nothing must not find it so for ever. */
Test(ring, descriptor_readable_for_nothing_is_emptied)
{
	struct ring *r = driven();
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	uint64_t one = 1;

	cr_assert_eq(epoll_ctl(ep, EPOLL_CTL_ADD, ring_fd(r), &ev), 0);
	ring_run(r, 0);
	/* As a producer does that was held up between taking the bell and ringing it. */
	cr_assert_eq(write(ring_fd(r), &one, sizeof one), sizeof one);
	cr_expect_eq(epoll_wait(ep, &ev, 1, 0), 1);
	cr_expect_eq(ring_run(r, 0), 0);
	cr_expect_eq(epoll_wait(ep, &ev, 1, 0), 0);
	close(ep);
	ring_free(r);
}

Test(ring, full_inbox_is_told_to_the_poster)
{
	struct ring_opts o = { .cpu = -1, .inbox_size = 4 };
	struct work w[5];
	struct ring *r;

	cr_assert_eq(ring_new(&o, &r, NULL, 0), 0);
	for (int i = 0; i < 5; i++) {
		w[i] = work(r, 0);
		cr_expect_eq(ring_post(r, &w[i].task), i < 4 ? 0 : -EAGAIN);
	}
	cr_expect_geq(ring_run(r, 0), 4);
	cr_expect_eq(w[4].runs, 0);
	cr_expect_eq(ring_post(r, &w[4].task), 0);
	while (!w[4].done)
		ring_run(r, -1);
	ring_free(r);
}

Test(ring, run_until_times_out)
{
	struct ring *r = driven();
	bool never = false, already = true;

	cr_expect_eq(ring_run_until(r, &never, 3 * MS), -ETIMEDOUT);
	cr_expect_eq(ring_run_until(r, &already, -1), 0);
	ring_free(r);
}

Test(ring, random_differs_and_is_refilled)
{
	struct ring *r = driven();
	uint8_t a[600] = { 0 }, b[600] = { 0 }, zero[600] = { 0 };
	struct ring_stats s;

	ring_random(r, a, sizeof a);
	ring_random(r, b, sizeof b);
	cr_expect_neq(memcmp(a, b, sizeof a), 0);
	cr_expect_neq(memcmp(a, zero, sizeof a), 0);
	/* 1200 bytes in pools of 256; the system calls are counted. */
	ring_stats(r, &s);
	cr_expect_eq(s.other_syscalls, 5);
	ring_free(r);
}

Test(ring, own_thread_runs_posts_and_timers)
{
	struct ring *r = threaded();
	struct work w[10];

	for (int i = 0; i < 10; i++) {
		w[i] = work(r, 0);
		cr_assert_eq(ring_post(r, &w[i].task), 0);
	}
	cr_expect_not(ring_is_owner(r));
	cr_expect_eq(ring_run(r, 0), -EPERM);
	/* Every post that was taken runs before the thread ends. */
	ring_stop(r);
	for (int i = 0; i < 10; i++)
		cr_expect_eq(w[i].runs, 1);
	cr_expect_eq(ring_post(r, &w[0].task), -ESHUTDOWN);
	ring_stop(r);
	ring_free(r);
}

static void set_timer(struct ring_task *t)
{
	struct work *w = (struct work *)((char *)t - offsetof(struct work, task));

	ring_timer_set(w->ring, &w->timer, ring_now(w->ring) + 1 * MS);
}

static pthread_t fired_on;
static int fired_fd;
static void fired(struct ring_timer *t)
{
	struct work *w = (struct work *)((char *)t - offsetof(struct work, timer));
	ssize_t n;

	fired_on = pthread_self();
	w->ret = ring_is_owner(w->ring);
	n = write(fired_fd, "x", 1);
	cr_assert_eq(n, 1);
}

Test(ring, own_thread_fires_timers_on_its_thread)
{
	struct ring *r = threaded();
	struct work a = work(r, 0);
	int fd[2];
	char c;

	cr_assert_eq(pipe(fd), 0);
	fired_fd = fd[1];
	a.task.fn = set_timer;
	a.timer.fn = fired;
	cr_assert_eq(ring_post(r, &a.task), 0);
	cr_assert_eq(read(fd[0], &c, 1), 1);
	ring_free(r);
	cr_expect_not(pthread_equal(fired_on, pthread_self()));
	cr_expect_eq(a.ret, 1);
}

static cpu_set_t seen_cpus;
static sigset_t seen_mask;
static void look_around(struct ring_task *t)
{
	(void)t;
	sched_getaffinity(0, sizeof seen_cpus, &seen_cpus);
	pthread_sigmask(SIG_BLOCK, NULL, &seen_mask);
}

Test(ring, own_thread_is_pinned_and_leaves_signals_alone)
{
	struct ring_opts o = { .cpu = sched_getcpu(), .own_thread = true };
	struct ring_task t = { .fn = look_around };
	struct ring *r;

	cr_assert_eq(ring_new(&o, &r, NULL, 0), 0);
	cr_assert_eq(ring_post(r, &t), 0);
	ring_free(r);
	cr_expect_eq(CPU_COUNT(&seen_cpus), 1);
	cr_expect(CPU_ISSET(o.cpu, &seen_cpus));
	cr_expect_eq(sigismember(&seen_mask, SIGINT), 1);
}

Test(ring, cpu_that_does_not_exist_is_an_error_in_words)
{
	struct ring_opts o = { .cpu = 1000, .own_thread = true };
	struct ring *r;
	char why[256];

	cr_expect_eq(ring_new(&o, &r, why, sizeof why), -EINVAL);
	cr_expect(strstr(why, "cpu 1000"), "%s", why);
}

Test(ring, wrong_options_are_errors_in_words)
{
	struct ring_opts bufs = { .buf_count = 48, .cpu = -1 };
	struct ring *r;
	char why[256];

	cr_expect_eq(ring_new(&bufs, &r, why, sizeof why), -EINVAL);
	cr_expect(strstr(why, "48"), "%s", why);
	cr_expect(strstr(why, "power of two"), "%s", why);
}

/* From here on io_uring_setup fails with `err` in this process. */
static void forbid_io_uring(int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = 4, .filter = code };

	cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), 0);
}

static int new_with(int err, char *why, size_t size)
{
	struct ring_opts o = { .cpu = -1 };
	struct ring *r;

	forbid_io_uring(err);
	return ring_new(&o, &r, why, size);
}

Test(ring, kernel_without_io_uring_is_named)
{
	char why[256];

	cr_expect_eq(new_with(ENOSYS, why, sizeof why), -ENOSYS);
	cr_expect(strstr(why, "6.1"), "%s", why);
}

Test(ring, forbidden_io_uring_is_named)
{
	char why[256];

	cr_expect_eq(new_with(EPERM, why, sizeof why), -EPERM);
	cr_expect(strstr(why, "kernel.io_uring_disabled"), "%s", why);
}

Test(ring, old_io_uring_is_named)
{
	char why[256];

	cr_expect_eq(new_with(EINVAL, why, sizeof why), -ENOTSUP);
	cr_expect(strstr(why, "DEFER_TASKRUN") && strstr(why, "6.1"), "%s", why);
}

Test(ring, push_runs_what_waits_to_be_flushed_at_once)
{
	struct ring *r = driven();
	struct work a = work(r, 'a');

	ring_flush_later(r, &a.flusher);
	ring_push(r);
	cr_assert_eq(strlen(ran), 1);
	cr_assert_not(a.flusher.queued);
	ring_push(r);
	cr_assert_eq(strlen(ran), 1);
	ring_free(r);
}

/* Many answers are expected and none comes: the engine sleeps as it would for one. */
Test(ring, expected_answers_that_stay_away_cost_no_turns)
{
	struct ring *r = driven();
	struct ring_stats before, after;

	ring_expect(r, 64);
	ring_stats(r, &before);
	ring_run(r, 50 * MS);
	ring_stats(r, &after);
	cr_assert_leq(after.enters - before.enters, 4);
	ring_expect(r, -64);
	ring_free(r);
}
