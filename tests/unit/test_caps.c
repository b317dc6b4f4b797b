/* The table of transitions in caps.h, each followed by caps_check(). */
#include "caps_bed.h"

enum { ALL = CAP_STAT_ALL };

Test(caps, reply_grants_and_revoke_takes)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = bed_session(b, 0);
	struct inode *i = bed_inode(b, s, 2, false, ALL, 1);

	cr_assert_eq(issued(b, i), ALL);
	push(b, s, i,
	     (struct caps_msg){
		 .op = CAPS_REVOKE, .cap_id = 20, .seq = 2, .mseq = 1, .caps = CAP_PIN | CAP_LS });
	cr_assert_eq(issued(b, i), CAP_PIN | CAP_LS);
	cr_assert_eq(i->caps->implemented, CAP_PIN | CAP_LS);
	cr_assert_eq(i->caps->seq, 2);
	cr_assert_eq(i->caps->issue_seq, 1);
	cr_assert_eq(b->m.stats.revokes, 1);
	bed_free(b);
}

Test(caps, message_of_another_incarnation_is_ignored)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = bed_session(b, 0);
	struct inode *i = bed_inode(b, s, 2, false, ALL, 1);

	push(b, s, i,
	     (struct caps_msg){ .op = CAPS_REVOKE, .cap_id = 999, .seq = 2, .mseq = 1, .caps = CAP_PIN });
	cr_assert_eq(issued(b, i), ALL);
	bed_free(b);
}

Test(caps, flush_ack_is_no_grant)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = bed_session(b, 0);
	struct inode *i = bed_inode(b, s, 2, false, ALL, 1);

	i->a.size = 77;
	push(b, s, i, (struct caps_msg){ .op = CAPS_FLUSH_ACK, .cap_id = 20, .seq = 0, .caps = 0 });
	cr_assert_eq(issued(b, i), ALL);
	cr_assert_eq(i->a.size, 77);
	cr_assert_eq(i->caps->seq, 1);
	bed_free(b);
}

Test(caps, stale_session_voids_and_a_grant_revives)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = bed_session(b, 0);
	struct inode *i = bed_inode(b, s, 2, false, ALL, 1);

	s->cap_gen++;
	cr_assert_eq(issued(b, i), 0);
	push(b, s, i,
	     (struct caps_msg){
		 .op = CAPS_GRANT, .cap_id = 20, .seq = 2, .mseq = 1, .caps = CAP_PIN | CAP_AS });
	cr_assert_eq(issued(b, i), CAP_PIN | CAP_AS);
	bed_free(b);
}

Test(caps, nothing_counts_after_the_renewal_is_overdue)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = bed_session(b, 0);
	struct inode *i = bed_inode(b, s, 2, false, ALL, 1);

	cr_assert_eq(caps_issued(i, s->cap_ttl_ns - 1), ALL);
	cr_assert_eq(caps_issued(i, s->cap_ttl_ns), 0);
	bed_free(b);
}

Test(caps, export_then_import_moves_the_authority)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s0 = bed_session(b, 0), *s1 = bed_session(b, 1);
	struct inode *i = bed_inode(b, s0, 2, true, ALL, 1);

	push(b, s0, i,
	     (struct caps_msg){ .op = CAPS_EXPORT,
				.cap_id = 20,
				.mseq = 1,
				.has_peer = true,
				.peer = { .cap_id = 55, .seq = 1, .mseq = 2, .rank = 1 } });
	cr_assert_null(cap_find(i, s0));
	cr_assert(cap_find(i, s1)->auth);
	cr_assert_eq(issued(b, i), ALL);
	push(b, s1, i,
	     (struct caps_msg){ .op = CAPS_IMPORT,
				.cap_id = 55,
				.seq = 1,
				.mseq = 2,
				.caps = CAP_PIN | CAP_AS,
				.has_peer = true,
				.peer = { .cap_id = 20, .seq = 1, .mseq = 1, .rank = 0, .flags = 1 } });
	cr_assert_eq(issued(b, i), CAP_PIN | CAP_AS);
	cr_assert_eq(cap_find(i, s1)->mseq, 2);
	bed_free(b);
}

Test(caps, import_first_replaces_the_old_rank_at_once)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s0 = bed_session(b, 0), *s1 = bed_session(b, 1);
	struct inode *i = bed_inode(b, s0, 2, true, ALL, 1);

	push(b, s1, i,
	     (struct caps_msg){ .op = CAPS_IMPORT,
				.cap_id = 55,
				.seq = 1,
				.mseq = 2,
				.caps = ALL,
				.has_peer = true,
				.peer = { .cap_id = 20, .seq = 1, .mseq = 1, .rank = 0, .flags = 1 } });
	cr_assert_null(cap_find(i, s0));
	cr_assert(cap_find(i, s1)->auth);
	push(b, s0, i,
	     (struct caps_msg){ .op = CAPS_EXPORT,
				.cap_id = 20,
				.mseq = 1,
				.has_peer = true,
				.peer = { .cap_id = 55, .seq = 1, .mseq = 2, .rank = 1 } });
	cr_assert_eq(issued(b, i), ALL);
	bed_free(b);
}

Test(caps, any_sequence_of_pushes_keeps_the_invariants)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s[2] = { bed_session(b, 0), bed_session(b, 1) };
	uint32_t seed = 12345;

	for (int n = 0; n < 20000; n++) {
		uint32_t r = seed = seed * 1664525 + 1013904223;
		uint64_t ino = 2 + (r >> 8) % 5;
		struct session *from = s[r >> 16 & 1];
		struct inode *i = inode_find(&b->m.cache, ino, SNAP_HEAD);
		struct caps_msg msg = { .op = r >> 20 & 7,
					.ino = ino,
					.cap_id = ino * 10 + (r >> 28 & 1),
					.seq = r >> 4 & 15,
					.mseq = r & 3,
					.caps = seed >> 7 & 0xd55,
					.mode = ino & 1 ? 040755 : 0100644,
					.has_peer = true,
					.peer = { .cap_id = ino * 10 + (r >> 27 & 1),
						  .seq = 1,
						  .mseq = 1,
						  .rank = (int)(r >> 26 & 1),
						  .flags = r & 3 } };

		if (r % 7 == 0 || !i)
			bed_inode(b, from, ino, ino & 1, (r >> 5 & 0x155) | 1, r >> 4 & 15);
		else
			caps_handle(&b->m, from, &msg);
		i = inode_find(&b->m.cache, ino, SNAP_HEAD);
		cr_assert(!i || !caps_check(i), "step %d: %s", n, caps_check(i));
	}
	bed_free(b);
}
