/* Cap snaps: capsnap.c. */
#include "caps_bed.h"

static struct bed *bed;
static struct session *s0;
static struct inode *file;

static struct snapctx *context(uint64_t seq, uint32_t count)
{
	struct snapctx *c = mem_alloc(sizeof *c + count * sizeof *c->snaps);

	c->nref = 1;
	c->seq = seq;
	c->count = count;
	for (uint32_t n = 0; n < count; n++)
		c->snaps[n] = seq - n;
	return c;
}

/* The realm's context from now on. */
static void move_to(uint64_t seq, uint32_t count)
{
	snapctx_put(file->realm->ctx);
	file->realm->ctx = context(seq, count);
}

static void snapshot(uint64_t seq, uint32_t count)
{
	move_to(seq, count);
	capsnap_queue(&bed->m, file);
	fine(file);
}

static void begin(void)
{
	bed = bed_new(1 << 20);
	s0 = bed_session(bed, 0);
	file = bed_inode(bed, s0, 2, false, EXCL_FILE, 1);
	realm_set(&bed->m, file, 1);
	cr_assert_not_null(file->realm);
	move_to(1, 0);
	file->max_size = 1 << 20;
	caps_open(&bed->m, file, OPEN_RDWR);
	turn_wishes(bed);
	said_count = said_taken = 0;
}

static void end(void)
{
	fine(file);
	bed_free(bed);
}

static void set_size(uint64_t size)
{
	struct attrs a = file->a;

	a.size = size;
	cr_assert_eq(caps_mark_dirty(&bed->m, file, CAP_FW, 5, 6), 0);
	inode_set_attrs(&bed->m.cache, file, &a);
}

static void snap_ack(uint64_t tid, uint64_t follows)
{
	push(bed, s0, file,
	     (struct caps_msg){ .op = CAPS_FLUSHSNAP_ACK, .tid = tid, .snap_follows = follows });
}

Test(capsnap, nothing_dirty_nothing_queued)
{
	begin();
	snapshot(4, 1);
	heard_nothing();
	cr_assert(TAILQ_EMPTY(&file->use->capsnaps));
	end();
}

Test(capsnap, dirty_attributes_belong_to_the_snapshot)
{
	begin();
	set_size(100);
	snapshot(4, 1);
	const struct caps_msg *u = heard_caps(0, CAPS_FLUSHSNAP);
	cr_assert_eq(u->cap_id, 0);
	cr_assert_eq(u->seq, 0);
	cr_assert_eq(u->issue_seq, 0);
	cr_assert_eq(u->wanted, 0);
	cr_assert_eq(u->caps, EXCL_FILE);
	cr_assert_eq(u->dirty, CAP_FW);
	cr_assert_eq(u->snap_follows, 1);
	cr_assert_eq(u->size, 100);
	cr_assert_eq(u->caller_uid, 5);
	cr_assert_gt(u->tid, 0);
	cr_assert_eq(u->oldest_flush_tid, u->tid);
	uint64_t tid = u->tid;
	/* The head is dirty still, and under the new context. */
	cr_assert_eq(file->use->dirty, CAP_FW);
	set_size(200);
	caps_flush(&bed->m, file, false);
	u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->snap_follows, 4);
	cr_assert_eq(u->size, 200);
	cr_assert_eq(u->flags & 4, 0, "the cap snap is on its way");
	cr_assert_not(flush_done(&bed->m, file, tid));
	snap_ack(tid, 1);
	cr_assert(TAILQ_EMPTY(&file->use->capsnaps));
	push(bed, s0, file, (struct caps_msg){ .op = CAPS_FLUSH_ACK, .tid = u->tid });
	cr_assert(flush_quiet(&bed->m));
	cr_assert_null(file->use->head_snapc);
	end();
}

Test(capsnap, a_write_in_flight_is_waited_for)
{
	struct cap_wait one = { .inode = file }, two;

	begin();
	one = (struct cap_wait){ .inode = file, .need = CAP_FW, .end = 50 };
	two = one;
	cr_assert_eq(caps_get(&bed->m, &one), 0);
	snapshot(4, 1);
	heard_nothing();
	cr_assert(capsnap_writing(file->use));
	cr_assert_eq(caps_get(&bed->m, &two), 1, "it would belong to the new context");
	set_size(50); /* what the first one did */
	caps_get_cancel(&bed->m, &two);
	caps_put(&bed->m, file, one.got);
	const struct caps_msg *u = heard_caps(0, CAPS_FLUSHSNAP);
	cr_assert_eq(u->size, 50);
	cr_assert_eq(u->dirty, CAP_FW);
	cr_assert_eq(u->snap_follows, 1);
	snap_ack(u->tid, 1);
	end();
}

static int woken;

static void on_woken(struct cap_wait *w, int err)
{
	(void)w;
	cr_assert_eq(err, 0);
	woken++;
}

Test(capsnap, the_next_write_begins_when_the_last_one_ended)
{
	struct cap_wait one, two;

	begin();
	one = (struct cap_wait){ .inode = file, .need = CAP_FW, .end = 50, .fn = on_woken };
	two = one;
	cr_assert_eq(caps_get(&bed->m, &one), 0);
	snapshot(4, 1);
	cr_assert_eq(caps_get(&bed->m, &two), 1);
	caps_put(&bed->m, file, one.got);
	cr_assert_eq(woken, 1);
	cr_assert_eq(file->use->head_snapc->seq, 4);
	caps_put(&bed->m, file, two.got);
	end();
}

Test(capsnap, a_second_snapshot_during_one_write_needs_no_second)
{
	struct cap_wait one;

	begin();
	one = (struct cap_wait){ .inode = file, .need = CAP_FW, .end = 50 };
	cr_assert_eq(caps_get(&bed->m, &one), 0);
	move_to(2, 0); /* the context moved, without a snapshot */
	capsnap_queue(&bed->m, file);
	cr_assert_not(capsnap_unsent(file->use));
	snapshot(4, 1);
	cr_assert(capsnap_unsent(file->use), "now the MDS must hear of it");
	set_size(50);
	caps_put(&bed->m, file, one.got);
	const struct caps_msg *u = heard_caps(0, CAPS_FLUSHSNAP);
	cr_assert_eq(u->snap_follows, 1);
	heard_nothing();
	snap_ack(u->tid, 1);
	end();
}

Test(capsnap, oldest_first_and_each_by_itself)
{
	begin();
	set_size(100);
	snapshot(4, 1);
	set_size(200);
	snapshot(5, 2);
	const struct caps_msg *u = heard_caps(0, CAPS_FLUSHSNAP);
	uint64_t one = u->tid, two;
	cr_assert_eq(u->size, 100);
	cr_assert_eq(u->snap_follows, 1);
	u = heard_caps(0, CAPS_FLUSHSNAP);
	two = u->tid;
	cr_assert_eq(u->size, 200);
	cr_assert_eq(u->snap_follows, 4);
	snap_ack(two, 1); /* of neither */
	snap_ack(one, 1);
	cr_assert_not(TAILQ_EMPTY(&file->use->capsnaps));
	snap_ack(two, 4);
	cr_assert(TAILQ_EMPTY(&file->use->capsnaps));
	end();
}

static bool data_dirty;

static bool dirty_under(void *arg, const struct inode *i, const struct snapctx *ctx)
{
	(void)arg;
	(void)i;
	return data_dirty && ctx && ctx->seq == 1;
}

static void writeback(void *arg, struct inode *i)
{
	(void)arg;
	(void)i;
}

static const struct caps_data_ops data = { .writeback = writeback, .dirty_under = dirty_under };

Test(capsnap, data_of_that_time_first)
{
	begin();
	bed->m.data = &data;
	data_dirty = true;
	caps_ref(&bed->m, file, CAP_FB);
	set_size(100);
	snapshot(4, 1);
	heard_nothing();
	/* A flush of the head in between says that the older one is still to come. */
	caps_flush(&bed->m, file, false);
	const struct caps_msg *u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->flags & 4, 4, "PENDING_CAPSNAP");
	uint64_t head = u->tid;
	data_dirty = false;
	caps_put(&bed->m, file, CAP_FB);
	u = heard_caps(0, CAPS_FLUSHSNAP);
	cr_assert_eq(u->size, 100);
	uint64_t snap = u->tid;
	/* Sent again, it says so again. */
	said_taken = said_count;
	flush_resend(&bed->m, file);
	u = heard_caps(0, CAPS_FLUSH);
	cr_assert_eq(u->tid, head);
	cr_assert_eq(u->flags & 4, 4);
	cr_assert_eq(heard_caps(0, CAPS_FLUSHSNAP)->tid, snap);
	push(bed, s0, file, (struct caps_msg){ .op = CAPS_FLUSH_ACK, .tid = head });
	snap_ack(snap, 1);
	cr_assert(flush_quiet(&bed->m));
	end();
}

Test(capsnap, xattrs_only_if_they_were_changed)
{
	static const uint8_t map[] = {
		1, 0, 0, 0, 6, 0, 0, 0, 'u', 's', 'e', 'r', '.', 'a', 1, 0, 0, 0, 'v'
	};

	begin();
	trace_xattrs(&bed->m, file, (struct slice){ map, sizeof map }, 5);
	caps_mark_dirty(&bed->m, file, CAP_XX, 0, 0);
	snapshot(4, 1);
	const struct said *a = heard();
	cr_assert_eq(a->c.op, CAPS_FLUSHSNAP);
	cr_assert_eq(a->c.xattr_len, sizeof map);
	cr_assert_arr_eq(a->xattrs, map, sizeof map);
	cr_assert_eq(a->c.xattr_version, 5);
	snap_ack(a->c.tid, 1);
	set_size(1);
	snapshot(5, 2);
	heard();
	a = &said[(said_taken - 1) % SAID_MAX];
	cr_assert_eq(a->c.op, CAPS_FLUSHSNAP);
	cr_assert_eq(a->c.dirty & CAP_XX, CAP_XX, "still dirty in the head");
	end();
}

Test(capsnap, told_in_a_reconnect_and_sent_again)
{
	begin();
	set_size(100);
	snapshot(4, 1);
	uint64_t tid = heard_caps(0, CAPS_FLUSHSNAP)->tid;
	s0->cap_gen++;
	s0->state = SESS_RECONNECTING;
	reconnect_send(s0);
	cr_assert_eq(heard()->type, MSG_CLIENT_RECONNECT);
	s0->state = SESS_OPEN;
	caps_kick_reconnected(&bed->m, s0);
	turn_wishes(bed);
	cr_assert_eq(heard_caps(0, CAPS_FLUSHSNAP)->tid, tid);
	end();
}

Test(capsnap, lost_with_the_session)
{
	begin();
	set_size(100);
	snapshot(4, 1);
	cap_remove(&bed->m, cap_find(file, s0), false);
	cr_assert(flush_quiet(&bed->m));
	cr_assert_eq(bed->m.lost, -EIO);
	cr_assert_not_null(strstr(bed->log.last_error, "snapshot"), "%s", bed->log.last_error);
	end();
}
