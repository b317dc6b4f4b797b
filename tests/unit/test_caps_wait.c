/* Who reads and writes: caps_wait.c; what is wanted and kept: caps_update.c, caps_keep.c. */
#include "caps_bed.h"

enum { WR = CAP_FW, RD = CAP_FR };

static struct bed *bed;
static struct session *s0;
static struct inode *file;
static struct cap_wait w[4];
static int results[4];
static unsigned order[8], ended;

static void on_end(struct cap_wait *x, int err)
{
	results[x - w] = err;
	order[ended++] = (unsigned)(x - w);
}

static void begin(uint32_t caps, enum open_mode mode)
{
	bed = bed_new(1 << 20);
	s0 = bed_session(bed, 0);
	file = bed_inode(bed, s0, 2, false, caps, 1);
	if (mode)
		cr_assert_eq(caps_open(&bed->m, file, mode), 0);
	turn_wishes(bed);
	cap_find(file, s0)->mds_wanted = caps_wanted(file); /* as an OPEN would have told it */
	said_count = said_taken = ended = 0;
	for (int n = 0; n < 4; n++) {
		results[n] = 99;
		w[n] = (struct cap_wait){ .inode = file, .fn = on_end };
	}
}

static void end(void)
{
	fine(file);
	bed_free(bed);
}

static int get(int n, uint32_t need, uint32_t want, uint64_t upto)
{
	int err;

	w[n].need = need;
	w[n].want = want;
	w[n].end = upto;
	err = caps_get(&bed->m, &w[n]);
	fine(file);
	return err;
}

static void put(int n)
{
	caps_put(&bed->m, file, w[n].got);
	fine(file);
}

static void grant(uint32_t seq, uint32_t caps, uint64_t max_size)
{
	push(bed, s0, file,
	     (struct caps_msg){ .op = CAPS_GRANT, .seq = seq, .caps = caps, .max_size = max_size });
}

static void revoke(uint32_t seq, uint32_t caps)
{
	push(bed, s0, file,
	     (struct caps_msg){ .op = CAPS_REVOKE, .seq = seq, .caps = caps, .max_size = file->max_size });
}

Test(caps_wait, held_at_once_when_issued)
{
	begin(EXCL_FILE, OPEN_RD);
	cr_assert_eq(get(0, CAP_FR, CAP_FC, 0), 0);
	cr_assert_eq(w[0].got, CAP_FR | CAP_FC);
	cr_assert_eq(caps_used(file), CAP_FR | CAP_FC);
	put(0);
	cr_assert_eq(caps_used(file), 0);
	heard_nothing();
	end();
}

Test(caps_wait, refused)
{
	begin(EXCL_FILE, OPEN_RD);
	cr_assert_eq(get(0, CAP_FW, 0, 1), -EBADF, "not open for writing");
	cr_assert_eq(caps_open(&bed->m, file, OPEN_WR), 0);
	bed->m.map->max_file_size = 1000;
	cr_assert_eq(get(0, CAP_FW, 0, 1001), -EFBIG);
	s0->read_only = true;
	cr_assert_eq(get(0, CAP_FW, 0, 1), -EROFS);
	cr_assert_eq(get(1, CAP_FR, 0, 0), 0, "reading goes on");
	put(1);
	s0->read_only = false;
	bed->m.fenced = true;
	cr_assert_eq(get(0, CAP_FW, 0, 1), -EIO);
	bed->m.fenced = false;
	inode_set_error(&bed->m, file, -EIO);
	cr_assert_eq(get(0, CAP_FW, 0, 1), -EIO, "an earlier loss was not reported yet");
	file->use->error = 0;
	bed->m.stopping = true;
	cr_assert_eq(get(0, CAP_FR, 0, 0), -ESHUTDOWN);
	bed->m.stopping = false;
	end();
}

Test(caps_wait, waits_tells_and_is_woken)
{
	begin(CAP_STAT_ALL, OPEN_RD);
	cr_assert_eq(get(0, CAP_FR, CAP_FC, 0), 1);
	heard_nothing(); /* the wish was told when it was opened */
	grant(2, CAP_STAT_ALL | CAP_FR, 0);
	cr_assert_eq(ended, 1);
	cr_assert_eq(results[0], 0);
	cr_assert_eq(w[0].got, CAP_FR);
	put(0);
	end();
}

Test(caps_wait, tells_at_once_what_nobody_told)
{
	begin(CAP_STAT_ALL, 0);
	cr_assert_eq(caps_open(&bed->m, file, OPEN_RD), 0);
	heard_nothing();
	cr_assert_eq(get(0, CAP_FR, 0, 0), 1);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->wanted, CAP_PIN | CAP_FS | CAP_FR | CAP_FC);
	caps_get_cancel(&bed->m, &w[0]);
	end();
}

Test(caps_wait, a_revoke_waits_for_the_last_user_and_admits_no_other)
{
	begin(EXCL_FILE, OPEN_RD);
	cr_assert_eq(get(0, CAP_FR, 0, 0), 0);
	cr_assert_eq(get(1, CAP_FR, 0, 0), 0);
	revoke(2, EXCL_FILE & ~CAP_FR);
	heard_nothing();
	cr_assert_eq(get(2, CAP_FR, 0, 0), 1, "implemented is not issued");
	put(0);
	heard_nothing();
	put(1);
	const struct caps_msg *u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->caps, EXCL_FILE & ~CAP_FR);
	cr_assert_eq(u->seq, 2);
	heard_nothing();
	grant(3, EXCL_FILE, 0);
	cr_assert_eq(results[2], 0);
	put(2);
	end();
}

Test(caps_wait, a_part_that_is_not_used_is_given_back_at_once)
{
	begin(EXCL_FILE, OPEN_RD);
	cr_assert_eq(get(0, CAP_FR, 0, 0), 0);
	revoke(2, EXCL_FILE & ~(CAP_FR | CAP_AX));
	const struct caps_msg *u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->caps, EXCL_FILE & ~CAP_AX);
	cr_assert_eq(u->seq, 1, "the revoke stays open");
	put(0);
	u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->caps, EXCL_FILE & ~(CAP_FR | CAP_AX));
	cr_assert_eq(u->seq, 2);
	heard_nothing();
	end();
}

Test(caps_wait, a_revoke_of_what_was_given_back_is_answered_too)
{
	begin(CAP_STAT_ALL, 0);
	revoke(2, CAP_STAT_ALL);
	const struct caps_msg *u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->seq, 2);
	cr_assert_eq(u->caps, CAP_STAT_ALL);
	heard_nothing();
	end();
}

Test(caps_wait, a_second_revoke_before_the_first_is_answered)
{
	begin(EXCL_FILE, OPEN_RDWR);
	cr_assert_eq(get(0, CAP_FR, 0, 0), 0);
	revoke(2, EXCL_FILE & ~CAP_FR);
	revoke(3, EXCL_FILE & ~(CAP_FR | CAP_FW | CAP_FB));
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->seq, 1);
	put(0);
	const struct caps_msg *u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->seq, 3);
	cr_assert_eq(u->caps, EXCL_FILE & ~(CAP_FR | CAP_FW | CAP_FB));
	heard_nothing();
	end();
}

Test(caps_wait, given_again_while_it_is_taken)
{
	begin(EXCL_FILE, OPEN_RD);
	cr_assert_eq(get(0, CAP_FR, 0, 0), 0);
	revoke(2, EXCL_FILE & ~CAP_FR);
	heard_nothing();
	grant(3, EXCL_FILE, 0);
	const struct caps_msg *u = heard_caps(0, CAPS_UPDATE); /* the revoke is still owed its answer */
	cr_assert_eq(u->caps, EXCL_FILE);
	cr_assert_eq(u->seq, 3);
	put(0);
	heard_nothing();
	end();
}

Test(caps_wait, nobody_passes_data_that_is_being_written_back)
{
	begin(EXCL_FILE, OPEN_RDWR);
	file->max_size = 1 << 20;
	cr_assert_eq(get(0, CAP_FW, CAP_FB, 10), 0);
	cr_assert_eq(w[0].got, CAP_FW | CAP_FB);
	caps_ref(&bed->m, file, CAP_FB); /* the data that it left dirty */
	put(0);
	revoke(2, EXCL_FILE & ~CAP_FB);
	cr_assert_eq(get(1, CAP_FW, CAP_FB, 20), 1, "a synchronous write must not overtake it");
	caps_put(&bed->m, file, CAP_FB);
	cr_assert_eq(results[1], 0);
	cr_assert_eq(w[1].got, CAP_FW);
	put(1);
	end();
}

/* ---- max_size ---- */

Test(caps_wait, never_beyond_max_size)
{
	begin(EXCL_FILE, OPEN_WR);
	file->max_size = 100;
	cr_assert_eq(get(0, CAP_FW, CAP_FB, 100), 0);
	cr_assert_eq(get(1, CAP_FW, CAP_FB, 5000), 1);
	const struct caps_msg *u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->max_size, 5000);
	cr_assert_eq(get(2, CAP_FW, CAP_FB, 4000), 1);
	heard_nothing();
	cr_assert_eq(get(3, CAP_FW, CAP_FB, 9000), 1);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->max_size, 9000);
	grant(2, EXCL_FILE, 6000);
	cr_assert_eq(ended, 2);
	cr_assert_eq(order[0], 1);
	cr_assert_eq(order[1], 2);
	cr_assert_eq(results[3], 99);
	grant(3, EXCL_FILE, 1 << 20);
	cr_assert_eq(results[3], 0);
	cr_assert_eq(file->use->wanted_max_size, 0);
	for (int n = 0; n < 4; n++)
		put(n);
	end();
}

Test(caps_wait, max_size_is_asked_for_again_after_a_failover)
{
	begin(EXCL_FILE, OPEN_WR);
	cr_assert_eq(get(0, CAP_FW, 0, 5000), 1);
	heard_caps(0, CAPS_UPDATE);
	s0->cap_gen++;
	s0->state = SESS_RECONNECTING;
	reconnect_send(s0);
	cr_assert_eq(heard()->type, MSG_CLIENT_RECONNECT);
	s0->state = SESS_OPEN;
	caps_kick_reconnected(&bed->m, s0);
	turn_wishes(bed);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->max_size, 5000);
	caps_get_cancel(&bed->m, &w[0]);
	end();
}

Test(caps_wait, max_size_is_asked_of_the_new_authority)
{
	begin(EXCL_FILE, OPEN_WR);
	struct session *s1 = bed_session(bed, 1);
	cr_assert_eq(get(0, CAP_FW, 0, 5000), 1);
	heard_caps(0, CAPS_UPDATE);
	push(bed, s0, file,
	     (struct caps_msg){ .op = CAPS_EXPORT,
				.has_peer = true,
				.peer = { .cap_id = 55, .seq = 1, .mseq = 2, .rank = 1 } });
	push(bed, s1, file,
	     (struct caps_msg){ .op = CAPS_IMPORT,
				.cap_id = 55,
				.seq = 1,
				.mseq = 2,
				.caps = EXCL_FILE,
				.wanted = CAP_ANY,
				.has_peer = true,
				.peer = { .cap_id = 20, .seq = 1, .mseq = 1, .rank = 0, .flags = 1 } });
	cr_assert_eq(heard_caps(1, CAPS_UPDATE)->max_size, 5000);
	push(bed, s1, file,
	     (struct caps_msg){ .op = CAPS_GRANT, .seq = 2, .caps = EXCL_FILE, .max_size = 9000 });
	cr_assert_eq(results[0], 0);
	put(0);
	end();
}

Test(caps_wait, the_size_is_reported_before_max_size_is_reached)
{
	struct attrs a;

	begin(EXCL_FILE, OPEN_WR);
	file->max_size = 1000;
	a = file->a;
	a.size = 600;
	inode_set_attrs(&bed->m.cache, file, &a);
	caps_mark_dirty(&bed->m, file, CAP_FW, 0, 0);
	caps_want_size(&bed->m, file, 600);
	const struct caps_msg *u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->size, 600);
	cr_assert_eq(u->dirty, CAP_FW);
	caps_mark_dirty(&bed->m, file, CAP_FW, 0, 0);
	caps_want_size(&bed->m, file, 601);
	heard_nothing(); /* one report at a time */
	end();
}

/* ---- in order, and from inside ---- */

static void cancel_the_next(struct cap_wait *x, int err)
{
	on_end(x, err);
	caps_get_cancel(&bed->m, &w[1]);
}

Test(caps_wait, a_waiter_may_end_another)
{
	begin(CAP_STAT_ALL, OPEN_RD);
	w[0].fn = cancel_the_next;
	cr_assert_eq(get(0, CAP_FR, 0, 0), 1);
	cr_assert_eq(get(1, CAP_FR, 0, 0), 1);
	cr_assert_eq(get(2, CAP_FR, 0, 0), 1);
	grant(2, CAP_STAT_ALL | CAP_FR, 0);
	cr_assert_eq(ended, 2);
	cr_assert_eq(results[1], 99);
	cr_assert_eq(results[2], 0);
	put(0);
	put(2);
	end();
}

static void give_back_and_come_again(struct cap_wait *x, int err)
{
	on_end(x, err);
	caps_put(&bed->m, file, x->got);
	if (ended < 3)
		cr_assert_eq(caps_get(&bed->m, x), 0);
	else
		x->got = 0;
	results[3] = (int)ended;
}

Test(caps_wait, a_waiter_may_come_again_from_inside)
{
	begin(CAP_STAT_ALL, OPEN_RD);
	w[0].fn = give_back_and_come_again;
	cr_assert_eq(get(0, CAP_FR, 0, 0), 1);
	grant(2, CAP_STAT_ALL | CAP_FR, 0);
	cr_assert_eq(ended, 1);
	cr_assert_eq(results[3], 1);
	put(0);
	end();
}

Test(caps_wait, all_are_ended_with_an_error)
{
	begin(CAP_STAT_ALL, OPEN_RD);
	for (int n = 0; n < 3; n++)
		cr_assert_eq(get(n, CAP_FR, 0, 0), 1);
	caps_wake(&bed->m, file, -ESHUTDOWN);
	cr_assert_eq(ended, 3);
	for (int n = 0; n < 3; n++)
		cr_assert_eq(results[n], -ESHUTDOWN);
	end();
}

Test(caps_wait, not_while_the_session_is_stale)
{
	begin(EXCL_FILE, OPEN_RD);
	s0->cap_gen++;
	cr_assert_eq(get(0, CAP_FR, 0, 0), 1);
	said_taken = said_count;
	push(bed, s0, file, (struct caps_msg){ .op = CAPS_GRANT, .seq = 2, .caps = CAP_STAT_ALL | CAP_FR });
	cr_assert_eq(results[0], 0);
	put(0);
	end();
}

Test(caps_wait, what_was_not_granted_again_is_wished_for_after_the_renewal)
{
	begin(EXCL_FILE, OPEN_RD);
	s0->cap_gen++;
	caps_renewed(&bed->m, s0);
	cr_assert_eq(issued(bed, file), CAP_PIN);
	turn_wishes(bed);
	heard_nothing(); /* the MDS knows */
	cap_find(file, s0)->mds_wanted = 0;
	caps_kick_session(&bed->m, s0);
	turn_wishes(bed);
	const struct caps_msg *u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->wanted, CAP_PIN | CAP_FS | CAP_FR | CAP_FC);
	cr_assert_eq(u->caps, CAP_PIN);
	end();
}

Test(caps_wait, try_takes_or_leaves)
{
	begin(EXCL_FILE, OPEN_RD);
	cr_assert_eq(caps_try(&bed->m, file, CAP_FR), 0);
	caps_put(&bed->m, file, CAP_FR);
	revoke(2, CAP_STAT_ALL);
	said_taken = said_count;
	cr_assert_eq(caps_try(&bed->m, file, CAP_FR), -EAGAIN);
	heard_nothing();
	end();
}

/* ---- the data side ---- */

static int written_back, invalidated;
static bool at_once;

static void data_writeback(void *arg, struct inode *i)
{
	(void)arg;
	written_back++;
	if (at_once)
		caps_put(&bed->m, i, CAP_FB);
}

static bool data_invalidate(void *arg, struct inode *i)
{
	(void)arg;
	invalidated++;
	if (at_once)
		caps_put(&bed->m, i, CAP_FC);
	return at_once;
}

static const struct caps_data_ops data = { .writeback = data_writeback, .invalidate = data_invalidate };

Test(caps_wait, dirty_data_first_then_cached_data_then_the_answer)
{
	begin(EXCL_FILE, OPEN_RDWR);
	file->max_size = 1 << 20;
	bed->m.data = &data;
	at_once = false;
	cr_assert_eq(get(0, CAP_FW, CAP_FB, 10), 0);
	caps_ref(&bed->m, file, CAP_FB | CAP_FC);
	put(0);
	revoke(2, CAP_STAT_ALL);
	cr_assert_eq(written_back, 1);
	cr_assert_eq(invalidated, 0);
	uint32_t left = heard_caps(0, CAPS_UPDATE)->caps;
	cr_assert_eq(left, CAP_STAT_ALL | CAP_FB | CAP_FC);
	caps_put(&bed->m, file, CAP_FB);
	cr_assert_eq(invalidated, 1);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->caps, CAP_STAT_ALL | CAP_FC);
	caps_put(&bed->m, file, CAP_FC);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->caps, CAP_STAT_ALL);
	heard_nothing();
	end();
}

Test(caps_wait, clean_cached_data_is_dropped_within_the_answer)
{
	begin(EXCL_FILE, OPEN_RD);
	bed->m.data = &data;
	at_once = true;
	caps_ref(&bed->m, file, CAP_FC);
	revoke(2, CAP_STAT_ALL);
	cr_assert_eq(invalidated, 1);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->caps, CAP_STAT_ALL);
	heard_nothing();
	end();
}

/* ---- opening, closing, keeping ---- */

Test(caps_wait, modes_want)
{
	begin(CAP_STAT_ALL, OPEN_WR);
	cr_assert_eq(caps_wanted(file),
		     CAP_PIN | CAP_AS | CAP_AX | CAP_XS | CAP_XX | CAP_FX | CAP_FW | CAP_FB);
	caps_open(&bed->m, file, OPEN_RD);
	cr_assert_eq(caps_wanted(file) & (CAP_FS | CAP_FR | CAP_FC), CAP_FS | CAP_FR | CAP_FC);
	caps_close(&bed->m, file, OPEN_WR);
	cr_assert_eq(caps_wanted(file), CAP_PIN | CAP_FS | CAP_FR | CAP_FC);
	end();
}

Test(caps_wait, a_directory_wants_what_is_shared_and_more_when_written_to)
{
	begin(CAP_STAT_ALL, 0);
	struct inode *dir = bed_inode(bed, s0, 3, true, CAP_STAT_ALL, 1);
	caps_open(&bed->m, dir, OPEN_RD);
	cr_assert_eq(caps_wanted(dir), CAP_PIN | CAP_ANY_SHARED);
	caps_dir_written(&bed->m, dir);
	cr_assert_eq(caps_wanted(dir), CAP_PIN | CAP_ANY_SHARED | CAP_FX);
	bed->m.o.async_dirops = true;
	caps_dir_written(&bed->m, dir);
	cr_assert_eq(caps_wanted(dir), CAP_PIN | CAP_ANY_SHARED | CAP_FX | CAP_ANY_DIR_OPS);
	turn_wishes(bed);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->wanted, 0xcf55);
	end();
}

Test(caps_wait, kept_for_a_while_after_the_close)
{
	begin(EXCL_FILE, OPEN_WR);
	caps_close(&bed->m, file, OPEN_WR);
	turn_wishes(bed);
	heard_nothing();
	cr_assert_eq(issued(bed, file), EXCL_FILE);
	cr_assert_not_null(file->use);
	caps_give_up_kept(&bed->m);
	const struct caps_msg *u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->wanted, 0);
	cr_assert_eq(u->caps, CAP_STAT_ALL | CAP_FR | CAP_FC);
	cr_assert_eq(issued(bed, file), CAP_STAT_ALL | CAP_FR | CAP_FC);
	cr_assert_null(file->use);
	end();
}

static void make_due(struct inode *i)
{
	i->use->release_at_ns = ring_now(bed->ring);
	i->use->keep_until_ns = i->use->keep_until_ns ? ring_now(bed->ring) : 0;
}

Test(caps_wait, one_that_is_put_off_does_not_hold_up_the_next)
{
	begin(EXCL_FILE, OPEN_WR);
	struct inode *dir = bed_inode(bed, s0, 3, true, CAP_STAT_ALL | CAP_FX, 1);
	caps_dir_written(&bed->m, dir);
	caps_close(&bed->m, file, OPEN_WR);
	make_due(dir);
	uint64_t at = file->use->release_at_ns;
	ring_timer_clear(bed->ring, &bed->m.keep_timer);
	bed->m.keep_timer.fn(&bed->m.keep_timer); /* the directory still wants what it wants, for a minute */
	cr_assert_eq(bed->m.keep_timer.at_ns, at);
	make_due(file);
	ring_timer_clear(bed->ring, &bed->m.keep_timer);
	bed->m.keep_timer.fn(&bed->m.keep_timer);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->wanted, 0);
	end();
}

Test(caps_wait, opened_again_meanwhile_nothing_is_said)
{
	begin(EXCL_FILE, OPEN_WR);
	caps_close(&bed->m, file, OPEN_WR);
	caps_open(&bed->m, file, OPEN_WR);
	caps_give_up_kept(&bed->m);
	turn_wishes(bed);
	heard_nothing();
	end();
}

Test(caps_wait, a_revoke_of_a_kept_file_says_that_nothing_is_wanted)
{
	begin(EXCL_FILE, OPEN_WR);
	caps_close(&bed->m, file, OPEN_WR);
	revoke(2, CAP_STAT_ALL);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->wanted, 0);
	end();
}

Test(caps_wait, given_up_along_with_a_request)
{
	struct mds_release r;

	begin(EXCL_FILE, OPEN_RD);
	cr_assert_eq(get(0, CAP_FR, 0, 0), 0);
	caps_mark_dirty(&bed->m, file, CAP_XX, 0, 0);
	cr_assert_not(cap_drop(&bed->m, file, s0, CAP_FR | CAP_XX, 0, &r), "used, and dirty");
	cr_assert(cap_drop(&bed->m, file, s0, CAP_FS | CAP_LS, CAP_FX, &r));
	cr_assert_eq(r.caps, EXCL_FILE & ~CAP_LS, "Fs stays, because Fx is held");
	cr_assert_eq(r.cap_id, 20);
	cr_assert_eq(r.seq, 1);
	cr_assert_eq(issued(bed, file), EXCL_FILE & ~CAP_LS);
	put(0);
	end();
}
