/* test_compat_slots.c: the table of open things of the drop-in: numbers, stale handles, closing under use. */
#include "../../src/compat/slots.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

static unsigned closed, unwaited;
static cephring_file *last_closed;

int cephring_sync_close(cephring_file *f)
{
	closed++;
	last_closed = f;
	return f == (cephring_file *)0x77 ? -EIO : 0;
}

int cephring_close(cephring_file *f, struct cephring_op *op, cephring_cb cb, void *user)
{
	closed++;
	unwaited++;
	last_closed = f;
	cb(op, 0, user);
	return 0;
}

void listing_free(struct listing *l)
{
	free(l);
}

static cephring_file *file(uintptr_t n)
{
	return (cephring_file *)n;
}

Test(slots, gives_the_lowest_free_number)
{
	struct slots t = { .open = 0 };
	struct slot *s[300];

	for (unsigned n = 0; n < 300; n++) {
		s[n] = slot_new(&t, SLOT_FILE, file(n + 1000), 0);
		cr_assert_eq(s[n]->index, n);
	}
	cr_assert_eq(slot_close(slot_by_index(&t, 250)), 0);
	cr_assert_eq(slot_close(slot_by_index(&t, 7)), 0);
	cr_assert_eq(slot_new(&t, SLOT_FILE, file(1), 0)->index, 7);
	cr_assert_eq(slot_new(&t, SLOT_FILE, file(1), 0)->index, 250);
	cr_assert_eq(slot_new(&t, SLOT_FILE, file(1), 0)->index, 300);
	cr_assert_eq(t.open, 301);
	cr_assert_eq(slots_fini(&t), 301);
	cr_assert_eq(closed, 303);
}

Test(slots, finds_open_ones_only)
{
	struct slots t = { .open = 0 };
	struct slot *s = slot_new(&t, SLOT_FILE, file(1), 0);
	long local;

	cr_assert_null(slot_by_index(&t, -1));
	cr_assert_null(slot_by_index(&t, 1));
	cr_assert_null(slot_by_index(&t, 1 << 20));
	cr_assert_null(slot_by_index(&t, INT64_MAX));
	cr_assert_eq(slot_by_index(&t, 0), s);
	slot_put(s);
	cr_assert_eq(slot_by_pointer(&t, s, SLOT_FILE), s);
	slot_put(s);
	cr_assert_null(slot_by_pointer(&t, s, SLOT_DIR), "of another kind");
	cr_assert_null(slot_by_pointer(&t, NULL, SLOT_FILE));
	cr_assert_null(slot_by_pointer(&t, &local, SLOT_FILE));
	cr_assert_null(slot_by_pointer(&t, (char *)s + 1, SLOT_FILE));
	cr_assert_null(slot_by_pointer(&t, (void *)-8, SLOT_FILE));
	cr_assert_eq(slot_close(slot_by_index(&t, 0)), 0);
	cr_assert_null(slot_by_pointer(&t, s, SLOT_FILE), "closed");
	slots_fini(&t);
}

Test(slots, closes_when_the_last_user_has_left)
{
	struct slots t = { .open = 0 };
	struct slot *s = slot_new(&t, SLOT_FILE, file(9), 0);

	cr_assert_eq(slot_by_index(&t, 0), s);
	cr_assert_eq(slot_close(slot_by_index(&t, 0)), 0);
	cr_assert_eq(closed, 0);
	cr_assert_null(slot_by_index(&t, 0));
	cr_assert_eq(slot_new(&t, SLOT_FILE, file(10), 0)->index, 1, "its number is still taken");
	slot_put(s);
	cr_assert_eq(closed, 1);
	cr_assert_eq(last_closed, file(9));
	slots_fini(&t);
}

Test(slots, waits_for_and_tells_what_closing_gave_if_something_was_written)
{
	struct slots t = { .open = 0 };

	slot_wrote(slot_new(&t, SLOT_FILE, file(0x77), 0));
	cr_assert_eq(slot_close(slot_by_index(&t, 0)), -EIO);
	cr_assert_eq(unwaited, 0);
	slot_new(&t, SLOT_FILE, file(0x77), 0);
	cr_assert_eq(slot_close(slot_by_index(&t, 0)), 0);
	cr_assert_eq(unwaited, 1, "it has no loss to tell, and its number comes without what was before");
	cr_assert_eq(closed, 2);
	slots_fini(&t);
}

Test(slots, is_closed_by_one_of_two)
{
	struct slots t = { .open = 0 };
	struct slot *a, *b;

	slot_new(&t, SLOT_FILE, file(1), 0);
	a = slot_by_index(&t, 0);
	b = slot_by_index(&t, 0);
	cr_assert_eq(slot_close(a), 0);
	cr_assert_eq(slot_close(b), -EBADF);
	cr_assert_eq(closed, 1);
	slots_fini(&t);
}
