/* test_tid.c: requests parked by tid. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "ring/tid.h"

Test(tid, found_until_taken)
{
	struct tid_table t;
	struct tid_entry a = { .tid = 7 }, b = { .tid = 0 };

	cr_assert_eq(tid_table_init(&t), 0);
	cr_expect_null(tid_find(&t, 7));
	cr_assert_eq(tid_put(&t, &a), 0);
	cr_assert_eq(tid_put(&t, &b), 0);
	cr_expect_eq(tid_find(&t, 7), &a);
	cr_expect_eq(tid_find(&t, 0), &b);
	cr_expect_eq(tid_count(&t), 2);
	cr_expect_eq(tid_take(&t, 7), &a);
	cr_expect_null(tid_take(&t, 7));
	cr_expect_null(tid_find(&t, 7));
	cr_expect_eq(tid_count(&t), 1);
	tid_table_fini(&t);
}

Test(tid, second_one_of_the_same_tid_is_refused)
{
	struct tid_table t;
	struct tid_entry a = { .tid = 7 }, b = { .tid = 7 };

	cr_assert_eq(tid_table_init(&t), 0);
	cr_assert_eq(tid_put(&t, &a), 0);
	cr_expect_eq(tid_put(&t, &b), -EEXIST);
	cr_expect_eq(tid_find(&t, 7), &a);
	tid_take(&t, 7);
	cr_expect_eq(tid_put(&t, &b), 0, "free again");
	tid_table_fini(&t);
}

/* As an engine uses it: tids count up, some thousand are in flight, one stays for ever. */
Test(tid, long_use_stays_right_and_small)
{
	enum { FLIGHT = 3000, STEPS = 400000 };
	static struct tid_entry e[FLIGHT], old = { .tid = UINT64_MAX };
	struct tid_table t;
	struct ck_hs_stat st;

	cr_assert_eq(tid_table_init(&t), 0);
	cr_assert_eq(tid_put(&t, &old), 0);
	for (uint64_t i = 0; i < STEPS; i++) {
		struct tid_entry *slot = &e[i % FLIGHT];

		if (i >= FLIGHT)
			cr_assert_eq(tid_take(&t, i - FLIGHT), slot);
		slot->tid = i;
		cr_assert_eq(tid_put(&t, slot), 0);
		if (i % 97 == 0) {
			cr_assert_eq(tid_find(&t, i), slot);
			cr_assert_null(tid_find(&t, i + 1));
			cr_assert_eq(tid_find(&t, UINT64_MAX), &old);
		}
	}
	cr_expect_eq(tid_count(&t), FLIGHT + 1);
	ck_hs_stat(&t.hs, &st);
	cr_expect_lt(st.tombstones, 4 * FLIGHT, "swept");
	tid_table_fini(&t);
}

struct walk {
	struct tid_table *t;
	struct tid_entry *extra;
	uint64_t seen, last, sum;
	unsigned extra_put;
};

static void visit(void *arg, struct tid_entry *e)
{
	struct walk *w = arg;

	if (w->seen++)
		cr_assert_gt(e->tid, w->last);
	w->last = e->tid;
	w->sum += e->tid;
}

Test(tid, each_goes_by_ascending_tid)
{
	enum { N = 1000 };
	static struct tid_entry e[N];
	struct tid_table t;
	struct walk w = { 0 };

	cr_assert_eq(tid_table_init(&t), 0);
	tid_each(&t, visit, &w);
	cr_expect_eq(w.seen, 0);
	for (unsigned i = 0; i < N; i++) {
		e[i].tid = (i * 7919u) % N + 1;
		cr_assert_eq(tid_put(&t, &e[i]), 0);
	}
	tid_each(&t, visit, &w);
	cr_expect_eq(w.seen, N);
	cr_expect_eq(w.sum, (uint64_t)N * (N + 1) / 2);
	tid_table_fini(&t);
}

/* Takes itself and the next one, and puts new ones that must not be visited. */
static void visit_and_change(void *arg, struct tid_entry *e)
{
	struct walk *w = arg;

	w->seen++;
	cr_assert_eq(e->tid % 2, 0, "odd ones were taken before");
	cr_assert_eq(tid_take(w->t, e->tid), e);
	tid_take(w->t, e->tid + 1);
	w->extra[w->extra_put].tid = 1000000 + w->extra_put;
	cr_assert_eq(tid_put(w->t, &w->extra[w->extra_put]), 0);
	w->extra_put++;
}

Test(tid, each_may_change_the_table)
{
	enum { N = 5000 };
	static struct tid_entry e[N], extra[N];
	struct tid_table t;
	struct walk w = { .t = &t, .extra = extra };

	cr_assert_eq(tid_table_init(&t), 0);
	for (unsigned i = 0; i < N; i++) {
		e[i].tid = i;
		cr_assert_eq(tid_put(&t, &e[i]), 0);
	}
	tid_each(&t, visit_and_change, &w);
	cr_expect_eq(w.seen, N / 2);
	cr_expect_eq(tid_count(&t), N / 2);
	tid_table_fini(&t);
}

Test(tid, each_reaches_the_greatest_tid)
{
	struct tid_table t;
	struct tid_entry e = { .tid = UINT64_MAX };
	struct walk w = { 0 };

	cr_assert_eq(tid_table_init(&t), 0);
	cr_assert_eq(tid_put(&t, &e), 0);
	tid_each(&t, visit, &w);
	cr_expect_eq(w.seen, 1);
	tid_table_fini(&t);
}
