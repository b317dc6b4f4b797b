/* Delegations: what they pin, when they are recalled, and what comes of one that is kept. */
#include "caps_bed.h"
#include "meta/deleg.h"

enum { LEFT = CAP_PIN | CAP_LS, READER = CAP_PIN | CAP_ANY_SHARED | CAP_FR | CAP_FC };

static struct bed *bed;
static struct session *s0;
static struct inode *i;
static struct file f, g;
static unsigned recalls, overs;
static uint64_t recalled_id;
static uint32_t pinned_when_over;

static void on_recall(void *arg, const struct deleg *d)
{
	(void)arg;
	recalls++;
	recalled_id = d->id;
	cr_assert_eq(d->who, &bed);
}

static void on_over(void *arg)
{
	(void)arg;
	overs++;
	pinned_when_over = deleg_pins(i);
}

static void begin(uint32_t caps, enum open_mode mode)
{
	bed = bed_new(1 << 20);
	s0 = bed_session(bed, 0);
	i = bed_inode(bed, s0, 2, false, caps, 1);
	f = g = (struct file){ .m = &bed->m, .inode = i, .mode = mode };
	cr_assert_eq(caps_open(&bed->m, i, mode), 0);
	turn_wishes(bed);
	cap_find(i, s0)->mds_wanted = caps_wanted(i);
	bed->m.on_recall = on_recall;
	bed->m.on_deleg_over = on_over;
	said_count = said_taken = recalls = overs = 0;
	recalled_id = 0;
}

static void end(void)
{
	fine(i);
	bed_free(bed);
}

static int set(struct file *file, int type, uint64_t id)
{
	struct deleg_want want = { .type = type, .timeout_ns = 1000000000, .id = id, .who = &bed };
	int err = deleg_set(&bed->m, file, &want);

	fine(i);
	return err;
}

static void revoke(uint32_t seq, uint32_t caps)
{
	push(bed, s0, i, (struct caps_msg){ .op = CAPS_REVOKE, .seq = seq, .caps = caps });
}

Test(deleg, revoke_is_answered_in_full_when_it_is_back)
{
	const struct caps_msg *m;

	begin(EXCL_FILE, OPEN_RDWR);
	cr_assert_eq(set(&f, DELEG_WR, 5), 0);
	revoke(2, LEFT);
	cr_assert_eq(recalls, 1);
	cr_assert_eq(recalled_id, 5);
	m = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(m->caps, LEFT | deleg_pins(i));
	cr_assert_lt(m->seq, 2);
	heard_nothing();
	cr_assert_eq(issued(bed, i), LEFT);
	cr_assert_eq(deleg_known(i), deleg_pins(i));
	revoke(3, CAP_PIN);
	cr_assert_eq(recalls, 1);
	while (heard())
		;
	deleg_return(&bed->m, &f);
	fine(i);
	m = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(m->caps, CAP_PIN);
	cr_assert_eq(m->seq, 3);
	cr_assert_eq(deleg_known(i), 0);
	deleg_return(&bed->m, &f);
	heard_nothing();
	end();
}

Test(deleg, to_read_survives_the_loss_of_what_writing_needs)
{
	begin(EXCL_FILE, OPEN_RD);
	cr_assert_eq(set(&f, DELEG_RD, 1), 0);
	revoke(2, EXCL_FILE & ~(CAP_FW | CAP_FB | CAP_FX | CAP_AX));
	cr_assert_eq(recalls, 0);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->seq, 2);
	revoke(3, READER & ~CAP_FC);
	cr_assert_eq(recalls, 1);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->caps, READER);
	end();
}

Test(deleg, refused)
{
	begin(READER, OPEN_RD);
	cr_assert_eq(set(&f, 3, 1), -EINVAL);
	cr_assert_eq(set(&f, DELEG_WR, 1), -EAGAIN);
	cr_assert_eq(caps_open(&bed->m, i, OPEN_RD), 0);
	cr_assert_eq(set(&f, DELEG_RD, 1), 0);
	cr_assert_eq(set(&g, DELEG_RD, 2), 0);
	cr_assert_eq(set(&g, DELEG_RD, 3), 0);
	revoke(2, LEFT);
	cr_assert_eq(recalls, 2);
	cr_assert_eq(set(&f, DELEG_RD, 4), -EAGAIN);
	cr_assert_eq(set(&f, 3, 4), -EAGAIN);
	deleg_return(&bed->m, &f);
	cr_assert_eq(set(&f, DELEG_RD, 4), -EAGAIN);
	deleg_return(&bed->m, &g);
	cr_assert_eq(set(&f, DELEG_RD, 4), -EAGAIN); /* the caps are gone */
	end();
}

Test(deleg, refused_where_somebody_writes_or_nobody_can_be_told)
{
	begin(EXCL_FILE, OPEN_RDWR);
	cr_assert_eq(set(&f, DELEG_RD, 1), -EAGAIN);
	cr_assert_eq(caps_open(&bed->m, i, OPEN_RD), 0);
	cr_assert_eq(set(&f, DELEG_WR, 1), -EAGAIN);
	caps_close(&bed->m, i, OPEN_RD);
	bed->m.on_recall = NULL;
	cr_assert_eq(set(&f, DELEG_WR, 1), -EAGAIN);
	end();
}

Test(deleg, no_request_takes_its_bits_along)
{
	struct mds_release out;

	begin(EXCL_FILE, OPEN_RDWR);
	cr_assert(cap_drop(&bed->m, i, s0, CAP_AX, 0, &out));
	cr_assert_eq(set(&f, DELEG_WR, 1), 0);
	cr_assert_not(cap_drop(&bed->m, i, s0, CAP_AS | CAP_LS | CAP_XS | CAP_FS | CAP_FX, 0, &out));
	deleg_return(&bed->m, &f);
	cr_assert(cap_drop(&bed->m, i, s0, CAP_LS, 0, &out));
	end();
}

Test(deleg, told_when_the_caps_are_lost)
{
	begin(READER, OPEN_RD);
	cr_assert_eq(set(&f, DELEG_RD, 1), 0);
	cache_write_begin(&bed->m.cache);
	caps_remove_all(&bed->m, i, false);
	cache_write_end(&bed->m.cache);
	cr_assert_eq(recalls, 1);
	deleg_return(&bed->m, &f);
	end();
}

Test(deleg, told_when_the_caps_go_to_nobody_not_when_they_move)
{
	begin(READER, OPEN_RD);
	bed_session(bed, 1);
	cr_assert_eq(set(&f, DELEG_RD, 1), 0);
	push(bed, s0, i,
	     (struct caps_msg){ .op = CAPS_EXPORT,
				.has_peer = true,
				.peer = { .cap_id = 55, .seq = 1, .mseq = 2, .rank = 1 } });
	cr_assert_eq(recalls, 0);
	push(bed, bed->m.session[1], i, (struct caps_msg){ .op = CAPS_EXPORT, .cap_id = 55, .mseq = 3 });
	cr_assert_eq(recalls, 1);
	deleg_return(&bed->m, &f);
	end();
}

Test(deleg, kept_too_long)
{
	struct deleg *d;

	begin(EXCL_FILE, OPEN_RDWR);
	cr_assert_eq(set(&f, DELEG_WR, 1), 0);
	d = LIST_FIRST(&i->use->delegs);
	cr_assert_not(d->timer.slot);
	revoke(2, LEFT);
	cr_assert(d->timer.slot);
	cr_assert_leq(d->timer.at_ns, ring_now(bed->ring) + 1000000000);
	while (heard())
		;
	d->timer.fn(&d->timer);
	fine(i);
	cr_assert_eq(overs, 1);
	cr_assert(pinned_when_over & CAP_FW);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->caps, LEFT);
	cr_assert_eq(deleg_pins(i), 0);
	cr_assert_eq(set(&f, DELEG_WR, 2), -ENOTCONN);
	deleg_return(&bed->m, &f);
	end();
}

Test(deleg, end_of_the_mount)
{
	begin(READER, OPEN_RD);
	cr_assert_eq(set(&f, DELEG_RD, 1), 0);
	revoke(2, LEFT);
	end(); /* nothing leaks, and no timer stays */
}
