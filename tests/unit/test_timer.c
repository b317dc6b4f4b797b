/* test_timer.c: the heap of timers against a plain list. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "ring/timer.h"

static char ran[64];

struct named {
	struct ring_timer t;
	char name;
	struct timers *h;
	struct named *clears, *sets;
	uint64_t sets_to;
};

static void fire(struct ring_timer *t)
{
	struct named *n = (struct named *)t;

	cr_assert_eq(t->slot, 0, "not set while it fires");
	ran[strlen(ran)] = n->name;
	if (n->clears)
		timer_clear(n->h, &n->clears->t);
	if (n->sets)
		timer_set(n->h, &n->sets->t, n->sets_to);
}

static struct named named(struct timers *h, char name)
{
	return (struct named){ .t.fn = fire, .name = name, .h = h };
}

Test(timer, fires_what_is_due_in_order)
{
	struct timers h = { 0 };
	struct named a = named(&h, 'a'), b = named(&h, 'b'), c = named(&h, 'c');

	timer_set(&h, &c.t, 30);
	timer_set(&h, &a.t, 10);
	timer_set(&h, &b.t, 20);
	cr_expect_eq(timer_fire(&h, 9), 0);
	cr_expect_eq(timer_fire(&h, 20), 2);
	cr_expect_str_eq(ran, "ab");
	cr_expect_eq(h.first, &c.t);
	cr_expect_eq(timer_fire(&h, 100), 1);
	cr_expect_null(h.first);
	cr_expect_eq(h.count, 0);
}

Test(timer, equal_times_fire_as_they_were_set)
{
	struct timers h = { .turn = UINT32_MAX - 2 }; /* the counter wraps in between */
	struct named n[8];

	for (int i = 0; i < 8; i++) {
		n[i] = named(&h, (char)('a' + i));
		timer_set(&h, &n[i].t, 5);
	}
	cr_expect_eq(timer_fire(&h, 5), 8);
	cr_expect_str_eq(ran, "abcdefgh");
}

Test(timer, setting_again_moves)
{
	struct timers h = { 0 };
	struct named a = named(&h, 'a'), b = named(&h, 'b');

	timer_set(&h, &a.t, 10);
	timer_set(&h, &b.t, 20);
	timer_set(&h, &a.t, 30);
	cr_expect_eq(h.count, 2);
	timer_fire(&h, 100);
	cr_expect_str_eq(ran, "ba");
}

Test(timer, clearing_what_is_not_set_does_nothing)
{
	struct timers h = { 0 };
	struct named a = named(&h, 'a'), b = named(&h, 'b');

	timer_set(&h, &a.t, 10);
	timer_clear(&h, &b.t);
	timer_clear(&h, &a.t);
	timer_clear(&h, &a.t);
	cr_expect_eq(h.count, 0);
	cr_expect_eq(timer_fire(&h, 100), 0);
}

Test(timer, may_clear_another_that_is_due)
{
	struct timers h = { 0 };
	struct named a = named(&h, 'a'), b = named(&h, 'b'), c = named(&h, 'c');

	a.clears = &b;
	timer_set(&h, &a.t, 1);
	timer_set(&h, &b.t, 2);
	timer_set(&h, &c.t, 3);
	cr_expect_eq(timer_fire(&h, 10), 2);
	cr_expect_str_eq(ran, "ac");
}

Test(timer, one_set_while_firing_waits_for_the_next_time)
{
	struct timers h = { 0 };
	struct named a = named(&h, 'a'), b = named(&h, 'b');

	a.sets = &a;
	a.sets_to = 10;
	timer_set(&h, &a.t, 5);
	timer_set(&h, &b.t, 6);
	cr_expect_eq(timer_fire(&h, 10), 2);
	cr_expect_str_eq(ran, "ab");
	a.sets = NULL;
	cr_expect_eq(timer_fire(&h, 10), 1);
	cr_expect_str_eq(ran, "aba");
}

/* Every set and clear is done to the heap and to an array; what is earliest must agree all the time. */
Test(timer, agrees_with_a_plain_list)
{
	enum { N = 300, STEPS = 20000 };
	static struct ring_timer t[N];
	struct timers h = { 0 };
	unsigned seed = 12345;

	for (int step = 0; step < STEPS; step++) {
		struct ring_timer *x, *first = NULL;
		unsigned set = 0;

		seed = seed * 1103515245 + 12345;
		x = &t[(seed >> 8) % N];
		if (seed >> 30 == 0)
			timer_clear(&h, x);
		else
			timer_set(&h, x, (seed >> 4) % 1000);
		for (int i = 0; i < N; i++) {
			if (!t[i].slot)
				continue;
			set++;
			if (!first || t[i].at_ns < first->at_ns ||
			    (t[i].at_ns == first->at_ns && t[i].slot < first->slot))
				first = &t[i];
		}
		cr_assert_eq(h.first, first, "step %d", step);
		cr_assert_eq(h.count, set);
	}
	while (h.first) {
		struct ring_timer *x = h.first;

		timer_clear(&h, x);
		cr_assert(!h.first || h.first->at_ns >= x->at_ns);
	}
	cr_expect_eq(h.count, 0);
}
