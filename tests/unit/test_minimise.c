/* test_minimise.c: what is left of a failing sequence, where it is known which steps are needed. */
#include "../cluster/minimise.h"

#include <criterion/criterion.h>

enum { COUNT = 700 };

struct fault {
	unsigned need[4], needed; /* fails when these were done, in this order */
	unsigned asked, last;     /* no time is left after `last` */
};

static unsigned kept[COUNT];

static bool fails(struct minimise *m, const unsigned *steps, unsigned count)
{
	struct fault *f = m->arg;
	unsigned found = 0;

	f->asked++;
	if (f->last && f->asked > f->last) {
		m->tries = 0;
		return false;
	}
	for (unsigned n = 0; n < count; n++) {
		cr_assert(!n || steps[n] > steps[n - 1], "out of order");
		if (found < f->needed && steps[n] == f->need[found])
			found++;
	}
	return found == f->needed;
}

static unsigned minimised(struct fault *f, unsigned count, unsigned tries)
{
	struct minimise m = { fails, f, tries };

	for (unsigned n = 0; n < count; n++)
		kept[n] = n;
	count = minimise(&m, kept, count);
	cr_assert(f->asked <= tries);
	cr_assert(fails(&m, kept, count) || f->last, "what is left does not fail");
	return count;
}

Test(minimise, leaves_the_steps_that_are_needed)
{
	static const unsigned pairs[][2] = {
		{ 0, 1 }, { 0, COUNT - 1 }, { 349, 350 }, { 17, 205 }, { 698, 699 }
	};

	for (unsigned n = 0; n < sizeof pairs / sizeof *pairs; n++) {
		struct fault f = { .need = { pairs[n][0], pairs[n][1] }, .needed = 2 };

		cr_assert_eq(minimised(&f, COUNT, 200), 2);
		cr_assert(kept[0] == pairs[n][0] && kept[1] == pairs[n][1]);
	}
}

Test(minimise, of_any_length)
{
	for (unsigned count = 4; count < 40; count++) {
		struct fault f = { .need = { 0, count / 2, count - 1 }, .needed = 3 };

		cr_assert_eq(minimised(&f, count, 1000), 3);
		cr_assert(kept[0] == 0 && kept[1] == count / 2 && kept[2] == count - 1);
	}
}

/* Of two steps of which either will do, one stays. */
static bool one_of_two(struct minimise *m, const unsigned *steps, unsigned count)
{
	(void)m;
	for (unsigned n = 0; n < count; n++)
		if (steps[n] == 3 || steps[n] == 300)
			return true;
	return false;
}

Test(minimise, no_single_step_can_be_left_out)
{
	struct minimise m = { one_of_two, NULL, 1000 };

	for (unsigned n = 0; n < COUNT; n++)
		kept[n] = n;
	cr_assert_eq(minimise(&m, kept, COUNT), 1);
	cr_assert_eq(kept[0], 300);
}

Test(minimise, what_fails_without_a_step_and_what_has_none)
{
	struct fault f = { .needed = 0 };

	cr_assert_eq(minimised(&f, COUNT, 1000), 0);
	cr_assert_eq(minimised(&f, 0, 1000), 0);
}

Test(minimise, tries_end)
{
	struct fault f = { .need = { 17, 205 }, .needed = 2 }, g = f;
	unsigned left = minimised(&f, COUNT, 5);

	cr_assert(left > 2 && left < COUNT, "%u are left", left);
	cr_assert_eq(f.asked, 6, "with the check behind it");
	g.last = 3;
	left = minimised(&g, COUNT, 1000);
	cr_assert(left > 2 && left < COUNT, "%u are left", left);
	cr_assert_eq(g.asked, 5, "the end of the time, and the check behind it");
}
