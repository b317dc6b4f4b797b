/* Dirty, flushing, acknowledged: flush.c, and when caps_update.c flushes. */
#include "caps_bed.h"

static struct bed *bed;
static struct session *s0;
static struct inode *file;

static void begin(void)
{
	bed = bed_new(1 << 20);
	s0 = bed_session(bed, 0);
	file = bed_inode(bed, s0, 2, false, EXCL_FILE, 1);
	said_count = said_taken = 0;
}

static void end(void)
{
	fine(file);
	bed_free(bed);
}

static void chmod_here(uint32_t mode)
{
	struct attrs a = file->a;

	a.mode = (a.mode & ~07777u) | mode;
	cr_assert_eq(caps_mark_dirty(&bed->m, file, CAP_AX, 1000, 100), 0);
	inode_set_attrs(&bed->m.cache, file, &a);
	fine(file);
}

static void ack(uint64_t tid, uint32_t bits)
{
	push(bed, s0, file, (struct caps_msg){ .op = CAPS_FLUSH_ACK, .tid = tid, .dirty = bits });
}

Test(flush, dirty_stays_here_until_asked)
{
	begin();
	chmod_here(0600);
	heard_nothing();
	cr_assert_eq(caps_dirty(file), CAP_AX);
	cr_assert_not(flush_quiet(&bed->m));
	uint64_t tid = caps_flush(&bed->m, file, true);
	const struct caps_msg *u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->dirty, CAP_AX);
	cr_assert_eq(u->tid, tid);
	cr_assert_eq(u->oldest_flush_tid, tid);
	cr_assert_eq(u->mode & 07777, 0600);
	cr_assert_eq(u->caller_uid, 1000);
	cr_assert_eq(u->caller_gid, 100);
	cr_assert_eq(u->flags & 1, 1, "SYNC");
	cr_assert_eq(u->caps, EXCL_FILE, "nothing is given up by a flush");
	cr_assert_not(flush_done(&bed->m, file, tid));
	ack(tid, CAP_AX);
	cr_assert(flush_done(&bed->m, file, tid));
	cr_assert(flush_done(&bed->m, NULL, tid));
	cr_assert(flush_quiet(&bed->m));
	cr_assert_eq(flush_oldest_tid(&bed->m), 0);
	end();
}

Test(flush, an_acknowledgement_is_no_grant)
{
	begin();
	chmod_here(0600);
	uint64_t tid = caps_flush(&bed->m, file, false);
	struct caps_msg g = { .op = CAPS_FLUSH_ACK, .ino = 2, .cap_id = 20, .tid = tid, .dirty = CAP_AX };
	caps_handle(&bed->m, s0, &g);
	cr_assert_eq(issued(bed, file), EXCL_FILE);
	cr_assert_eq(file->a.mode & 07777, 0600);
	cr_assert_eq(cap_find(file, s0)->seq, 1);
	end();
}

Test(flush, changed_again_while_flushing)
{
	begin();
	chmod_here(0600);
	uint64_t one = caps_flush(&bed->m, file, false);
	chmod_here(0640);
	cr_assert_eq(file->use->dirty, CAP_AX);
	cr_assert_eq(file->use->flushing, CAP_AX);
	ack(one, CAP_AX);
	cr_assert_eq(caps_dirty(file), CAP_AX, "the later change is not acknowledged by the earlier flush");
	uint64_t two = caps_flush(&bed->m, file, false);
	cr_assert_gt(two, one);
	ack(two, CAP_AX);
	cr_assert(flush_quiet(&bed->m));
	end();
}

Test(flush, two_in_flight_of_the_same_bits)
{
	begin();
	chmod_here(0600);
	uint64_t one = caps_flush(&bed->m, file, false);
	chmod_here(0640);
	uint64_t two = caps_flush(&bed->m, file, false);
	heard();
	cr_assert_eq(heard()->c.oldest_flush_tid, one);
	ack(one, CAP_AX);
	cr_assert_eq(file->use->flushing, CAP_AX);
	cr_assert_not(flush_done(&bed->m, file, two));
	ack(two, CAP_AX);
	cr_assert(flush_done(&bed->m, file, two));
	end();
}

Test(flush, a_later_one_stands_for_the_earlier)
{
	begin();
	chmod_here(0600);
	uint64_t one = caps_flush(&bed->m, file, false);
	chmod_here(0640);
	caps_mark_dirty(&bed->m, file, CAP_FW, 0, 0);
	uint64_t two = caps_flush(&bed->m, file, false);
	ack(two, CAP_AX | CAP_FW);
	cr_assert(flush_done(&bed->m, file, one), "all its bits went again with the later one");
	cr_assert(flush_quiet(&bed->m));
	ack(one, CAP_AX); /* comes all the same */
	cr_assert(flush_quiet(&bed->m));
	end();
}

Test(flush, acknowledged_out_of_order)
{
	begin();
	chmod_here(0600);
	uint64_t one = caps_flush(&bed->m, file, false);
	caps_mark_dirty(&bed->m, file, CAP_FW, 0, 0);
	uint64_t two = caps_flush(&bed->m, file, false);
	ack(two, CAP_FW); /* nothing to write for it, so it is answered first */
	cr_assert_eq(file->use->flushing, CAP_AX);
	cr_assert_not(flush_done(&bed->m, file, two), "the one before is not on disk");
	cr_assert_eq(flush_oldest_tid(&bed->m), one);
	ack(one, CAP_AX);
	cr_assert(flush_done(&bed->m, file, two));
	end();
}

Test(flush, what_is_revoked_goes_with_the_acknowledgement)
{
	begin();
	chmod_here(0600);
	push(bed, s0, file, (struct caps_msg){ .op = CAPS_REVOKE, .seq = 2, .caps = EXCL_FILE & ~CAP_AX });
	const struct caps_msg *u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->seq, 2);
	cr_assert_eq(u->issue_seq, 1);
	cr_assert_eq(u->caps, EXCL_FILE & ~CAP_AX);
	cr_assert_eq(u->dirty, CAP_AX);
	cr_assert_gt(u->tid, 0);
	cr_assert_eq(u->mode & 07777, 0600);
	heard_nothing();
	/* What the MDS tells before its acknowledgement is older than ours. */
	push(bed, s0, file,
	     (struct caps_msg){ .op = CAPS_GRANT, .seq = 3, .caps = EXCL_FILE & ~CAP_AX, .mode = 0100444 });
	cr_assert_eq(file->a.mode & 07777, 0600);
	ack(u->tid, CAP_AX);
	push(bed, s0, file,
	     (struct caps_msg){ .op = CAPS_GRANT, .seq = 4, .caps = EXCL_FILE & ~CAP_AX, .mode = 0100444 });
	cr_assert_eq(file->a.mode & 07777, 0444);
	end();
}

Test(flush, attributes_set_here_are_not_overwritten)
{
	begin();
	chmod_here(0600);
	push(bed, s0, file,
	     (struct caps_msg){ .op = CAPS_GRANT, .seq = 2, .caps = EXCL_FILE, .mode = 0100444, .uid = 7 });
	cr_assert_eq(file->a.mode & 07777, 0600);
	cr_assert_eq(file->a.uid, 0);
	bed_inode(bed, s0, 2, false, EXCL_FILE, 3); /* a newer version in a reply */
	cr_assert_eq(file->a.mode & 07777, 0600);
	end();
}

Test(flush, xattrs_travel_only_when_they_were_changed)
{
	static const uint8_t map[] = {
		1, 0, 0, 0, 6, 0, 0, 0, 'u', 's', 'e', 'r', '.', 'a', 1, 0, 0, 0, 'v'
	};

	begin();
	cr_assert_eq(trace_xattrs(&bed->m, file, (struct slice){ map, sizeof map }, 5), 0);
	chmod_here(0600);
	caps_flush(&bed->m, file, false);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->xattr_len, 0);
	caps_mark_dirty(&bed->m, file, CAP_XX, 0, 0);
	caps_flush(&bed->m, file, false);
	const struct said *a = heard();
	cr_assert_eq(a->c.dirty, CAP_XX);
	cr_assert_eq(a->c.xattr_len, sizeof map);
	cr_assert_eq(a->c.xattr_version, 5);
	cr_assert_arr_eq(a->xattrs, map, sizeof map);
	end();
}

Test(flush, the_last_removed_xattr_is_said)
{
	static const uint8_t none[4];

	begin();
	cr_assert_eq(trace_xattrs(&bed->m, file, (struct slice){ none, sizeof none }, 5), 0);
	caps_mark_dirty(&bed->m, file, CAP_XX, 0, 0);
	caps_flush(&bed->m, file, false);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->xattr_len, 4, "a map of none, not nothing");
	end();
}

Test(flush, without_an_open_session_it_has_a_tid_and_goes_later)
{
	begin();
	chmod_here(0600);
	s0->state = SESS_RESTARTING;
	uint64_t tid = caps_flush(&bed->m, file, false);
	cr_assert_gt(tid, 0);
	heard_nothing();
	fine(file);
	s0->state = SESS_OPEN;
	caps_kick_session(&bed->m, s0);
	turn_wishes(bed);
	const struct caps_msg *u = heard_caps(0, CAPS_FLUSH);
	cr_assert_eq(u->tid, tid);
	cr_assert_eq(u->dirty, CAP_AX);
	heard_nothing();
	ack(tid, CAP_AX);
	end();
}

Test(flush, of_an_inode_that_is_being_created_waits_for_the_answer)
{
	begin();
	chmod_here(0600);
	file->use->creating = (struct mreq *)1;
	uint64_t tid = caps_flush(&bed->m, file, true);
	cr_assert_gt(tid, 0, "it can be waited for");
	cr_assert_not(flush_done(&bed->m, file, tid));
	heard_nothing();
	file->use->creating = NULL;
	caps_update(&bed->m, file, 0);
	cr_assert_eq(heard_caps(0, CAPS_FLUSH)->tid, tid);
	heard_nothing();
	ack(tid, CAP_AX);
	end();
}

Test(flush, again_after_a_failover_with_the_same_tids)
{
	begin();
	chmod_here(0600);
	uint64_t one = caps_flush(&bed->m, file, false);
	caps_mark_dirty(&bed->m, file, CAP_FW, 0, 0);
	uint64_t two = caps_flush(&bed->m, file, false);
	said_taken = said_count;
	s0->cap_gen++;
	s0->state = SESS_RECONNECTING;
	reconnect_send(s0);
	cr_assert_eq(heard()->type, MSG_CLIENT_RECONNECT,
		     "their bits are held: they go when the rank is active");
	s0->state = SESS_OPEN;
	caps_kick_reconnected(&bed->m, s0);
	turn_wishes(bed);
	const struct caps_msg *u = heard_caps(0, CAPS_FLUSH);
	cr_assert_eq(u->tid, one);
	cr_assert_eq(u->dirty, CAP_AX);
	cr_assert_eq(u->seq, 0);
	cr_assert_eq(u->issue_seq, 0);
	cr_assert_eq(u->mseq, 0);
	u = heard_caps(0, CAPS_FLUSH);
	cr_assert_eq(u->tid, two);
	cr_assert_eq(u->dirty, CAP_FW);
	heard_nothing();
	ack(one, CAP_AX);
	ack(two, CAP_FW);
	cr_assert(flush_quiet(&bed->m));
	end();
}

Test(flush, before_the_reconnect_if_the_bits_were_given_back)
{
	begin();
	chmod_here(0600);
	push(bed, s0, file, (struct caps_msg){ .op = CAPS_REVOKE, .seq = 2, .caps = EXCL_FILE & ~CAP_AX });
	uint64_t tid = heard_caps(0, CAPS_UPDATE)->tid;
	s0->cap_gen++;
	s0->state = SESS_RECONNECTING;
	reconnect_send(s0);
	cr_assert_eq(heard_caps(0, CAPS_FLUSH)->tid, tid, "somebody else may get them in the recovery");
	cr_assert_eq(heard()->type, MSG_CLIENT_RECONNECT);
	s0->state = SESS_OPEN;
	ack(tid, CAP_AX);
	end();
}

Test(flush, again_to_the_rank_that_imports)
{
	begin();
	struct session *s1 = bed_session(bed, 1);
	chmod_here(0600);
	uint64_t tid = caps_flush(&bed->m, file, false);
	said_taken = said_count;
	push(bed, s0, file,
	     (struct caps_msg){ .op = CAPS_EXPORT,
				.has_peer = true,
				.peer = { .cap_id = 55, .seq = 1, .mseq = 2, .rank = 1 } });
	cr_assert_eq(caps_dirty(file), CAP_AX);
	push(bed, s1, file,
	     (struct caps_msg){ .op = CAPS_IMPORT,
				.cap_id = 55,
				.seq = 1,
				.mseq = 2,
				.caps = EXCL_FILE,
				.has_peer = true,
				.peer = { .cap_id = 20, .seq = 1, .mseq = 1, .rank = 0, .flags = 1 } });
	const struct caps_msg *u = heard_caps(1, CAPS_FLUSH);
	cr_assert_eq(u->tid, tid);
	cr_assert_eq(u->cap_id, 55);
	cr_assert_eq(u->seq, 1);
	cr_assert_eq(u->mseq, 2);
	cr_assert_eq(u->caps, EXCL_FILE);
	cr_assert_eq(u->dirty, CAP_AX);
	push(bed, s1, file, (struct caps_msg){ .op = CAPS_FLUSH_ACK, .tid = tid, .dirty = CAP_AX });
	cr_assert(flush_quiet(&bed->m));
	end();
}

Test(flush, lost_with_the_session_says_so)
{
	begin();
	chmod_here(0600);
	bed_name(bed, s0, bed_inode(bed, s0, 1, true, CAP_STAT_ALL, 1), "name", file, 0);
	caps_flush(&bed->m, file, false);
	caps_mark_dirty(&bed->m, file, CAP_FW, 0, 0);
	cap_remove(&bed->m, cap_find(file, s0), false);
	cr_assert_eq(caps_dirty(file), 0);
	cr_assert(flush_quiet(&bed->m));
	cr_assert_eq(flush_oldest_tid(&bed->m), 0);
	cr_assert_not_null(file->use);
	cr_assert_eq(file->use->error, -EIO);
	cr_assert_eq(bed->m.lost, -EIO);
	cr_assert_not_null(strstr(bed->log.last_error, "name"), "%s", bed->log.last_error);
	cr_assert_not_null(strstr(bed->log.last_error, "AxFw"), "%s", bed->log.last_error);
	end();
}

Test(flush, what_was_lost_is_not_believed_any_more)
{
	begin();
	struct attrs a = file->a;
	a.size = 1000;
	a.time_warp_seq = 9;
	a.mtime_ns = 77;
	file->truncate_seq = 1;
	caps_mark_dirty(&bed->m, file, CAP_FX, 0, 0);
	inode_set_attrs(&bed->m.cache, file, &a);
	cap_remove(&bed->m, cap_find(file, s0), false);
	struct inode_stat st = bed_stat(2, false, CAP_STAT_ALL, 1);
	st.size = 10;
	st.truncate_seq = 1;
	st.mtime_ns = 5;
	trace_inode(&bed->m, s0, &st);
	cr_assert_eq(file->a.size, 10);
	cr_assert_eq(file->a.mtime_ns, 5);
	end();
}

Test(flush, all_of_them_and_only_the_last_asks_for_the_journal)
{
	begin();
	struct inode *other = bed_inode(bed, s0, 3, false, EXCL_FILE, 1);
	chmod_here(0600);
	caps_mark_dirty(&bed->m, other, CAP_FX, 0, 0);
	uint64_t tid = caps_flush_all(&bed->m, true);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->flags & 1, 0);
	const struct caps_msg *u = heard_caps(0, CAPS_UPDATE);
	cr_assert_eq(u->flags & 1, 1);
	cr_assert_eq(u->tid, tid);
	heard_nothing();
	fine(other);
	end();
}

Test(flush, the_use_goes_when_all_is_acknowledged)
{
	begin();
	chmod_here(0600);
	uint64_t tid = caps_flush(&bed->m, file, false);
	caps_give_up_kept(&bed->m);
	cr_assert_not_null(file->use);
	cr_assert_gt(file->nref, 0, "an inode that is dirty is not given up");
	ack(tid, CAP_AX);
	cr_assert_null(file->use);
	cr_assert_eq(file->nref, 0);
	end();
}

Test(flush, dirty_is_flushed_after_a_while)
{
	begin();
	chmod_here(0600);
	cr_assert_neq(bed->m.keep_timer.slot, 0);
	file->use->release_at_ns = ring_now(bed->ring);
	ring_timer_clear(bed->ring, &bed->m.keep_timer);
	bed->m.keep_timer.fn(&bed->m.keep_timer);
	cr_assert_eq(heard_caps(0, CAPS_UPDATE)->dirty, CAP_AX);
	end();
}

Test(flush, an_unknown_acknowledgement_changes_nothing)
{
	begin();
	chmod_here(0600);
	ack(99, CAP_AX);
	cr_assert_eq(caps_dirty(file), CAP_AX);
	uint64_t tid = caps_flush(&bed->m, file, false);
	ack(tid + 1, CAP_AX);
	cr_assert_eq(file->use->flushing, CAP_AX);
	end();
}
