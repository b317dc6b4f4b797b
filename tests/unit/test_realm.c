/* Snap realms: contexts from traces, moves, splits, what cannot be believed; and every trace that was
 * captured. */
#include "realm_bed.h"
#include "vectors.h"

#include <errno.h>

static struct bed *b;
static struct session *s;

#define IS(inode, want) cr_assert_str_eq(context_text(inode), want)

static void begin(void)
{
	b = bed_new(1 << 20);
	s = bed_session(b, 0);
}

static void end(void)
{
	fine(b);
	bed_free(b);
}

#define ROOT                                                                                                 \
	{                                                                                                    \
		.ino = 1, .seq = 1, .created = 1                                                             \
	}

/* ---- contexts ---- */

Test(realm, a_context_is_its_own_snaps_the_parents_since_and_former_parents, .init = begin, .fini = end)
{
	struct inode *i;

	cr_assert_eq(
	    trace(b, s,
		  { .ino = 0x1000, .parent = 1, .seq = 9, .since = 5, .snaps = { 9, 4 }, .prior = { 3, 2 } },
		  { .ino = 1, .seq = 8, .snaps = { 8, 6, 5, 4, 1 } }),
	    0);
	i = inode_in(b, s, 0x2000, 0x1000);
	IS(i, "9: 9 8 6 5 4 3 2");
	IS(inode_in(b, s, 0x2002, 1), "8: 8 6 5 4 1");
}

Test(realm, the_seq_is_the_largest_of_all, .init = begin, .fini = end)
{
	trace(b, s, { .ino = 0x1000, .parent = 1, .seq = 3 }, { .ino = 1, .seq = 7, .snaps = { 2 } });
	IS(inode_in(b, s, 0x2000, 0x1000), "7: 2");
	trace(b, s, { .ino = 0x1002, .parent = 1, .seq = 1, .prior = { 30 } },
	      { .ino = 1, .seq = 7, .snaps = { 2 } });
	IS(inode_in(b, s, 0x2002, 0x1002), "30: 30 2");
}

Test(realm, both_forms, .init = begin, .fini = end)
{
	s->features = 1u << BIT_NEW_FORM;
	cr_assert_eq(trace(b, s, { .ino = 0x1000, .parent = 1, .seq = 4, .snaps = { 4 } }, ROOT), 0);
	IS(inode_in(b, s, 0x2000, 0x1000), "4: 4");
	s->features = 0;
	cr_assert_eq(trace(b, s, { .ino = 0x1000, .parent = 1, .seq = 5, .snaps = { 5, 4 } }, ROOT), 0);
	IS(inode_in(b, s, 0x2000, 0x1000), "5: 5 4");
}

Test(realm, what_a_parent_gets_its_children_have, .init = begin, .fini = end)
{
	struct inode *deep, *other;

	trace(b, s, { .ino = 0x1002, .parent = 0x1000, .seq = 2 }, { .ino = 0x1000, .parent = 1, .seq = 1 },
	      ROOT);
	deep = inode_in(b, s, 0x2000, 0x1002);
	trace(b, s, { .ino = 0x1004, .parent = 1, .seq = 1 }, ROOT);
	other = inode_in(b, s, 0x2002, 0x1004);
	IS(deep, "2:");
	push(b, s, OP(.op = OP_UPDATE), { .ino = 0x1000, .parent = 1, .seq = 5, .snaps = { 5 } }, ROOT);
	IS(deep, "5: 5");
	IS(other, "1:");
	push(b, s, OP(.op = OP_CREATE), { .ino = 1, .seq = 6, .snaps = { 6 } });
	IS(deep, "6: 6 5");
	IS(other, "6: 6");
	push(b, s, OP(.op = OP_DESTROY), { .ino = 0x1000, .parent = 1, .seq = 7 },
	     { .ino = 1, .seq = 6, .snaps = { 6 } });
	IS(deep, "7: 6");
}

Test(realm, an_older_trace_tells_nothing_new, .init = begin, .fini = end)
{
	struct inode *i;

	trace(b, s, { .ino = 0x1000, .parent = 1, .seq = 5, .snaps = { 5 } }, ROOT);
	i = inode_in(b, s, 0x2000, 0x1000);
	trace(b, s, { .ino = 0x1000, .parent = 1, .seq = 4, .snaps = { 4, 3 } }, ROOT);
	IS(i, "5: 5");
	trace(b, s, { .ino = 0x1000, .parent = 1, .seq = 5, .snaps = { 3 } }, ROOT);
	IS(i, "5: 5");
}

Test(realm, a_context_that_did_not_change_is_the_same_one, .init = begin, .fini = end)
{
	const struct snapctx *was;
	struct inode *i;

	trace(b, s, { .ino = 0x1000, .parent = 1, .seq = 5, .snaps = { 5 } }, ROOT);
	i = inode_in(b, s, 0x2000, 0x1000);
	was = realm_context(i);
	trace(b, s, { .ino = 0x1000, .parent = 1, .seq = 5, .snaps = { 5 } }, { .ino = 1, .seq = 2 });
	cr_assert_eq(realm_context(i), was);
}

Test(realm, one_that_adds_nothing_shares_its_parents, .init = begin, .fini = end)
{
	trace(b, s, { .ino = 0x1000, .parent = 1, .seq = 2 }, { .ino = 1, .seq = 5, .snaps = { 5, 3 } });
	cr_assert_eq(realm_context(inode_in(b, s, 0x2000, 0x1000)), realm_find(&b->m, 1)->ctx);
}

/* ---- moves ---- */

Test(realm, a_realm_moves_below_another_parent, .init = begin, .fini = end)
{
	struct inode *i;

	trace(b, s, { .ino = 0x1002, .parent = 0x1000, .seq = 3 },
	      { .ino = 0x1000, .parent = 1, .seq = 3, .snaps = { 3 } }, ROOT);
	i = inode_in(b, s, 0x2000, 0x1002);
	IS(i, "3: 3");
	push(b, s, OP(.op = OP_UPDATE),
	     { .ino = 0x1002, .parent = 0x1004, .seq = 6, .since = 5, .prior = { 3 } },
	     { .ino = 0x1004, .parent = 1, .seq = 5, .snaps = { 5, 4 } }, ROOT);
	IS(i, "6: 5 3");
	cr_assert_eq(realm_find(&b->m, 0x1002)->parent, realm_find(&b->m, 0x1004));
}

Test(realm, parent_and_child_change_places, .init = begin, .fini = end)
{
	struct inode *i, *j;

	trace(b, s, { .ino = 0x1002, .parent = 0x1000, .seq = 3 }, { .ino = 0x1000, .parent = 1, .seq = 2 },
	      ROOT);
	i = inode_in(b, s, 0x2000, 0x1002);
	j = inode_in(b, s, 0x2002, 0x1000);
	cr_assert_eq(trace(b, s, { .ino = 0x1000, .parent = 0x1002, .seq = 9, .snaps = { 9 } },
			   { .ino = 0x1002, .parent = 1, .seq = 8, .snaps = { 8 } }, ROOT),
		     0);
	IS(i, "8: 8");
	IS(j, "9: 9 8");
}

Test(realm, an_inode_moves_with_what_the_authority_says, .init = begin, .fini = end)
{
	struct inode_stat st = bed_stat(0x2000, false, CAP_STAT_ALL, 2);
	struct inode *i;

	trace(b, s, { .ino = 0x1000, .parent = 1, .seq = 5, .snaps = { 5 } }, ROOT);
	i = inode_in(b, s, 0x2000, 1);
	IS(i, "1:");
	st.cap.realm = 0x1000;
	st.cap.flags = 0;
	trace_inode(&b->m, s, &st);
	IS(i, "1:");
	st.cap.flags = 1;
	trace_inode(&b->m, s, &st);
	IS(i, "5: 5");
	st.cap.realm = 0;
	trace_inode(&b->m, s, &st);
	IS(i, "5: 5");
}

Test(realm, one_that_no_trace_told_yet_has_no_snapshots, .init = begin, .fini = end)
{
	struct reconnect_realm *list;
	uint32_t count;
	struct inode *i = inode_in(b, s, 0x2000, 0x1000);

	cr_assert_not(realm_find(&b->m, 0x1000)->told);
	IS(i, "0:");
	cr_assert_eq(realms_list(&b->m, &list, &count), 0);
	cr_assert_eq(count, 0);
	mem_free(list, 0);
	trace(b, s, { .ino = 0x1000, .parent = 1, .seq = 5, .snaps = { 5 } }, ROOT);
	IS(i, "5: 5");
	cr_assert_eq(realms_list(&b->m, &list, &count), 0);
	cr_assert_eq(count, 2);
	for (uint32_t n = 0; n < count; n++)
		cr_assert(list[n].ino == 1
			      ? list[n].seq == 1 && !list[n].parent
			      : list[n].ino == 0x1000 && list[n].seq == 5 && list[n].parent == 1);
	mem_free(list, 0);
}

/* ---- splits ---- */

Test(realm, a_split_takes_inodes_and_realms_along, .init = begin, .fini = end)
{
	struct inode *moved, *stays, *child, *elsewhere;

	trace(b, s, { .ino = 0x1002, .parent = 1, .seq = 1, .created = 1 }, ROOT);
	child = inode_in(b, s, 0x2004, 0x1002);
	moved = inode_in(b, s, 0x2000, 1);
	stays = inode_in(b, s, 0x2002, 1);
	elsewhere = inode_in(b, s, 0x2006, 0x1002);
	push(b, s,
	     OP(.op = OP_SPLIT, .split = 0x1000, .inos = { 0x2000, 0x9999 }, .realms = { 0x1002, 0x8888 }),
	     { .ino = 0x1000, .parent = 1, .seq = 4, .created = 4, .snaps = { 4 } }, ROOT);
	IS(moved, "4: 4");
	IS(child, "4: 4");
	IS(elsewhere, "4: 4");
	IS(stays, "1:");
	cr_assert_eq(realm_find(&b->m, 0x1002)->parent, realm_find(&b->m, 0x1000));
	cr_assert_eq(b->m.snap_gen, 1);
}

Test(realm, a_split_leaves_what_lies_in_a_younger_realm, .init = begin, .fini = end)
{
	struct inode *young;

	trace(b, s, { .ino = 0x1002, .parent = 1, .seq = 9, .created = 9 }, ROOT);
	young = inode_in(b, s, 0x2000, 0x1002);
	push(b, s, OP(.op = OP_SPLIT, .split = 0x1000, .inos = { 0x2000 }),
	     { .ino = 0x1000, .parent = 1, .seq = 4, .created = 4, .snaps = { 4 } }, ROOT);
	IS(young, "9:");
}

Test(realm, other_ops_move_nothing, .init = begin, .fini = end)
{
	struct inode *i = inode_in(b, s, 0x2000, 1);

	for (uint32_t op = 0; op < 6; op++) {
		if (op == OP_SPLIT)
			continue;
		push(b, s, OP(.op = op, .split = 0x1000, .inos = { 0x2000 }, .realms = { 1 }),
		     { .ino = 0x1000, .parent = 1, .seq = 4, .snaps = { 4 } }, ROOT);
		IS(i, "1:");
	}
	cr_assert_not(b->m.fenced);
}

Test(realm, a_split_cannot_put_a_realm_below_itself, .init = begin, .fini = end)
{
	struct inode *i;

	trace(b, s, { .ino = 0x1000, .parent = 0x1002, .seq = 2 }, { .ino = 0x1002, .parent = 1, .seq = 2 },
	      ROOT);
	i = inode_in(b, s, 0x2000, 0x1000);
	push(b, s, OP(.op = OP_SPLIT, .split = 0x1000, .realms = { 0x1000, 0x1002, 1 }),
	     { .ino = 0x1000, .parent = 0x1002, .seq = 3, .snaps = { 3 } },
	     { .ino = 0x1002, .parent = 1, .seq = 2 }, ROOT);
	IS(i, "3: 3");
	cr_assert_null(realm_find(&b->m, 1)->parent);
	cr_assert_not(b->m.fenced);
}

/* ---- what it leads to ---- */

static void dirty(struct inode *i)
{
	cap_find(i, s)->issued |= CAP_AX;
	cap_find(i, s)->implemented |= CAP_AX;
	cr_assert_eq(caps_mark_dirty(&b->m, i, CAP_AX, 0, 0), 0);
	cr_assert(snapctx_same(i->use->head_snapc, realm_context(i)));
}

static bool has_capsnap(const struct inode *i)
{
	return i->use && !TAILQ_EMPTY(&i->use->capsnaps);
}

Test(realm, what_is_dirty_belongs_to_the_new_snapshot, .init = begin, .fini = end)
{
	struct inode *in, *below, *beside, *clean;

	trace(b, s, { .ino = 0x1002, .parent = 0x1000, .seq = 2 }, { .ino = 0x1000, .parent = 1, .seq = 2 },
	      ROOT);
	in = inode_in(b, s, 0x2000, 0x1000);
	below = inode_in(b, s, 0x2002, 0x1002);
	beside = inode_in(b, s, 0x2004, 1);
	clean = inode_in(b, s, 0x2006, 0x1000);
	dirty(in);
	dirty(below);
	dirty(beside);
	push(b, s, OP(.op = OP_UPDATE), { .ino = 0x1000, .parent = 1, .seq = 5, .snaps = { 5 } }, ROOT);
	cr_assert(has_capsnap(in) && has_capsnap(below));
	cr_assert(!has_capsnap(beside) && !has_capsnap(clean));
}

Test(realm, what_is_split_off_dirty_too, .init = begin, .fini = end)
{
	struct inode *moved = inode_in(b, s, 0x2000, 1), *stays = inode_in(b, s, 0x2002, 1);

	dirty(moved);
	dirty(stays);
	push(b, s, OP(.op = OP_SPLIT, .split = 0x1000, .inos = { 0x2000 }),
	     { .ino = 0x1000, .parent = 1, .seq = 4, .created = 4, .snaps = { 4 } }, ROOT);
	cr_assert(has_capsnap(moved) && !has_capsnap(stays));
}

Test(realm, what_moves_into_a_realm_with_newer_snapshots_too, .init = begin, .fini = end)
{
	struct inode *i = inode_in(b, s, 0x2000, 1);

	trace(b, s, { .ino = 0x1000, .parent = 1, .seq = 5, .snaps = { 5 } }, ROOT);
	dirty(i);
	realm_set(&b->m, i, 0x1000);
	cr_assert(has_capsnap(i));
}

/* The MDS that made it tells at once; the authority, of which the inode's cap is, may hear of it later. */
Test(realm, what_belongs_to_a_snapshot_waits_for_the_authoritys_word, .init = begin, .fini = end)
{
	struct session *other = bed_session(b, 1);
	struct inode *i = inode_in(b, s, 0x2000, 1), *j = inode_in(b, s, 0x2002, 1);
	struct capsnap *cs;

	trace(b, s, ROOT);
	dirty(i);
	push(b, other, OP(.op = OP_UPDATE), { .ino = 1, .seq = 5, .snaps = { 5 } });
	cs = TAILQ_FIRST(&i->use->capsnaps);
	cr_assert(cs->need_flush && !cs->flush.tid);
	push(b, s, OP(.op = OP_UPDATE), { .ino = INO_GLOBAL_REALM, .seq = 5, .snaps = { 5 } });
	cr_assert(cs->flush.tid);
	dirty(j);
	push(b, other, OP(.op = OP_UPDATE), { .ino = 1, .seq = 6, .snaps = { 6, 5 } });
	cs = TAILQ_FIRST(&j->use->capsnaps);
	cr_assert(!cs->flush.tid && b->m.snap_timer.slot);
	cs->until_ns = ring_now(b->ring); /* it never comes */
	capsnaps_kick(&b->m);
	cr_assert(cs->flush.tid);
	dirty(j);
	push(b, s, OP(.op = OP_UPDATE), { .ino = 1, .seq = 7, .snaps = { 7, 6, 5 } });
	cr_assert(TAILQ_NEXT(cs, link)->flush.tid, "told by the authority itself");
}

Test(realm, realms_go_with_their_inodes, .init = begin, .fini = end)
{
	for (uint64_t n = 0; n < 100; n++) {
		trace(b, s, { .ino = 0x1000 + 2 * n, .parent = 0x3000, .seq = n, .snaps = { n } },
		      { .ino = 0x3000, .parent = 1, .seq = 1 }, ROOT);
		inode_in(b, s, 0x2000 + 2 * n, 0x1000 + 2 * n);
	}
	cr_assert_eq(b->m.realm_count, 102);
	cache_drop_all(&b->m);
	trace(b, s, ROOT);
	cr_assert_eq(b->m.realm_count, 1);
}

/* ---- what cannot be believed ---- */

#define BROKEN(...)                                                                                          \
	do {                                                                                                 \
		b->m.fenced = false;                                                                         \
		cr_assert_eq(trace(b, s, __VA_ARGS__), -EBADMSG);                                            \
		cr_assert(b->m.fenced);                                                                      \
	} while (0)

Test(realm, a_trace_that_is_no_chain, .init = begin, .fini = end)
{
	BROKEN({ .ino = 0x1000, .parent = 0x1002, .seq = 1 }, ROOT);
	BROKEN({ .ino = 0x1000, .parent = 1, .seq = 1 });
	BROKEN({ .ino = 0x1000, .parent = 0x1000, .seq = 1 });
	BROKEN({ .ino = 0x1000, .parent = 0, .seq = 1 }, ROOT);
	BROKEN({ .ino = 0, .parent = 1, .seq = 1 }, ROOT);
	BROKEN({ .ino = 0x1000, .parent = 0x1002, .seq = 1 }, { .ino = 0x1002, .parent = 0x1000, .seq = 1 },
	       { .ino = 0x1000, .parent = 1, .seq = 1 }, ROOT);
	BROKEN({ .ino = 1, .parent = 0x1000, .seq = 1 }, { .ino = 0x1000, .parent = 1, .seq = 1 }, ROOT);
	cr_assert_eq(b->m.realm_count, 0);
}

Test(realm, a_split_of_another_realm, .init = begin, .fini = end)
{
	struct inode *i = inode_in(b, s, 0x2000, 1);

	push(b, s, OP(.op = OP_SPLIT, .split = 0x1002, .inos = { 0x2000 }),
	     { .ino = 0x1000, .parent = 1, .seq = 4 }, ROOT);
	cr_assert(b->m.fenced);
	IS(i, "0:");
}

Test(realm, a_split_that_tells_nothing, .init = begin, .fini = end)
{
	push_n(b, s, (struct push){ .op = OP_SPLIT, .split = 0x1000 }, NULL, 0);
	cr_assert(b->m.fenced);
}

Test(realm, too_deep, .init = begin, .fini = end)
{
	struct told *t = calloc(REALM_DEPTH_MAX + 1, sizeof *t);

	for (uint64_t n = 0; n <= REALM_DEPTH_MAX; n++)
		t[n] = (struct told){ .ino = 0x1000 - n + REALM_DEPTH_MAX,
				      .parent = 0xfff - n + REALM_DEPTH_MAX };
	t[REALM_DEPTH_MAX - 1].parent = 0;
	cr_assert_eq(trace_n(b, s, t, REALM_DEPTH_MAX), 0);
	t[REALM_DEPTH_MAX - 1].parent = t[REALM_DEPTH_MAX].ino;
	t[REALM_DEPTH_MAX].parent = 0;
	cr_assert_eq(trace_n(b, s, t, REALM_DEPTH_MAX + 1), -E2BIG);
	cr_assert(b->m.fenced);
	free(t);
}

static void many_snaps(struct enc *e, uint64_t ino, uint64_t parent, uint64_t first)
{
	enc_u64(e, ino);
	enc_u64(e, 0);
	enc_u64(e, parent);
	enc_u64(e, 0);
	enc_u64(e, first + REALM_SNAPS_MAX);
	enc_u32(e, REALM_SNAPS_MAX);
	enc_u32(e, 0);
	for (uint64_t n = REALM_SNAPS_MAX; n-- > 0;)
		enc_u64(e, first + n);
}

Test(realm, too_many_snapshots, .init = begin, .fini = end)
{
	enum { FULL = SNAPCTX_SNAPS_MAX / REALM_SNAPS_MAX };
	struct enc e;

	for (uint64_t depth = FULL; depth <= FULL + 1; depth++) {
		enc_init(&e);
		for (uint64_t n = depth; n-- > 0;)
			many_snaps(&e, 0x1000 + n, n ? 0xfff + n : 0, 1 + n * REALM_SNAPS_MAX);
		cr_assert_eq(realm_trace(&b->m, s, (struct slice){ e.buf, (uint32_t)e.len }),
			     depth == FULL ? 0 : -E2BIG);
		enc_free(&e);
		fine(b);
	}
	cr_assert(b->m.fenced);
}

Test(realm, as_many_realms_as_there_may_be, .init = begin, .fini = end)
{
	struct told *t = calloc(REALM_DEPTH_MAX, sizeof *t);

	for (uint64_t round = 0; round < REALMS_MAX / REALM_DEPTH_MAX; round++) {
		for (uint64_t n = 0; n < REALM_DEPTH_MAX; n++) {
			t[n].ino = 0x100000 + round * REALM_DEPTH_MAX + n;
			t[n].parent = n + 1 < REALM_DEPTH_MAX ? t[n].ino + 1 : 0;
		}
		struct enc e;

		told_all(&e, s, t, REALM_DEPTH_MAX);
		cr_assert_eq(realm_trace(&b->m, s, (struct slice){ e.buf, (uint32_t)e.len }), 0);
		enc_free(&e);
		realm_set(&b->m, bed_inode(b, s, 0x900000 + 2 * round, false, CAP_STAT_ALL, 1), t[0].ino);
	}
	cr_assert_eq(b->m.realm_count, REALMS_MAX);
	fine(b);
	cr_assert_eq(trace(b, s, ROOT), -ENOMEM);
	cr_assert(b->m.fenced);
	free(t);
}

/* ---- what was captured ---- */

struct all {
	unsigned traces, wrong;
	const char *file;
};

static void once_more(const struct message *m, struct all *a)
{
	if (a->file && !strcmp(a->file, m->file))
		return;
	if (a->file)
		end();
	begin();
	a->file = m->file;
	s->features = strcmp(m->file, "ceph18") && strcmp(m->file, "ceph20") ? 0 : 1u << BIT_NEW_FORM;
}

static void take_trace(struct slice t, struct all *a)
{
	struct dec d = dec_init(t.p, t.len);
	struct realm_info r;

	if (!t.len)
		return;
	a->traces++;
	a->wrong += realm_trace(&b->m, s, t) != 0;
	fine(b);
	while (realm_next(&d, s->features, &r) == 1) {
		const struct realm *have = realm_find(&b->m, r.ino);

		cr_assert(have && have->told && have->seq >= r.seq && have->parent_ino == r.parent);
	}
}

static void of_reply(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct reply r;

	once_more(m, arg);
	cr_assert_eq(reply_decode(&d, &r), 0);
	take_trace(r.snaptrace, arg);
}

Test(realm, traces_of_captured_replies)
{
	struct all a = { 0 };

	messages_each(MSG_CLIENT_REPLY, of_reply, &a);
	cr_assert(a.traces > 100 && !a.wrong && !b->m.fenced, "%u traces, %u wrong", a.traces, a.wrong);
	end();
}

static void of_push(const struct message *m, void *arg)
{
	struct all *a = arg;
	struct dec d = dec_init(m->front, m->front_len);
	struct snap_msg msg;

	once_more(m, a);
	cr_assert_eq(snap_decode(&d, &msg), 0);
	for (uint32_t n = 0; n + 8 <= msg.split_inos.len; n += 8) { /* as if all of them were held */
		uint64_t ino;

		memcpy(&ino, msg.split_inos.p + n, 8);
		realm_set(&b->m, inode_make(&b->m, ino, SNAP_HEAD), INO_ROOT);
	}
	realm_handle_snap(&b->m, s, &msg);
	fine(b);
	a->traces++;
	for (uint32_t n = 0; msg.op == OP_SPLIT && n + 8 <= msg.split_inos.len; n += 8) {
		uint64_t ino;

		memcpy(&ino, msg.split_inos.p + n, 8);
		cr_assert_eq(inode_find(&b->m.cache, ino, SNAP_HEAD)->realm->ino, msg.split);
	}
	take_trace(msg.trace, a);
}

Test(realm, captured_pushes)
{
	struct all a = { 0 };

	messages_each(MSG_CLIENT_SNAP, of_push, &a);
	cr_assert(a.traces > 20 && !a.wrong && !b->m.fenced);
	end();
}

static void cut(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct snap_msg msg;
	struct slice t;

	once_more(m, arg);
	cr_assert_eq(snap_decode(&d, &msg), 0);
	for (t = msg.trace; t.len > 1;) {
		t.len--;
		b->m.fenced = false;
		cr_assert_eq(realm_trace(&b->m, s, (struct slice){ guarded(t.p, t.len), t.len }), -EBADMSG,
			     "cut at %u", t.len);
		cr_assert(b->m.fenced);
	}
	cr_assert_eq(b->m.realm_count, 0);
}

Test(realm, cut_anywhere_they_are_broken)
{
	struct all a = { 0 };

	messages_each(MSG_CLIENT_SNAP, cut, &a);
	end();
}
