/* Snap realms: every trace that was captured, in replies, pushes and imports; both forms; cuts and lies. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "proto/mds.h"
#include "vectors.h"

struct traces {
	unsigned traces, realms, snaps, priors;
};

/* 18 and 20 agreed upon feature 19 with their clients. */
static bool wrapped_in(const struct message *m)
{
	return !strcmp(m->file, "ceph18") || !strcmp(m->file, "ceph20");
}

static uint64_t snap_at(struct slice snaps, uint32_t i)
{
	uint64_t v;

	memcpy(&v, snaps.p + (size_t)i * 8, 8);
	return v;
}

static void descending(struct slice snaps)
{
	cr_assert_eq(snaps.len % 8, 0);
	for (uint32_t i = 1; i < snaps.len / 8; i++)
		cr_assert_gt(snap_at(snaps, i - 1), snap_at(snaps, i));
}

static void realm_check(const struct realm_info *r, bool wrapped, struct traces *seen)
{
	cr_assert(r->ino >= INO_ROOT && r->seq && r->created <= r->seq);
	descending(r->snaps);
	descending(r->prior_parent_snaps);
	if (!wrapped)
		cr_assert(!r->last_modified_ns && !r->change_attr);
	seen->realms++;
	seen->snaps += r->snaps.len / 8;
	seen->priors += r->prior_parent_snaps.len / 8;
}

/* Each realm's parent is the next one, and the last is a realm without. */
static void trace_check(struct slice trace, bool wrapped, struct traces *seen)
{
	struct dec d = dec_init(guarded(trace.p, trace.len), trace.len);
	struct realm_info r, inner = { 0 };
	int got;

	while ((got = realm_next(&d, wrapped, &r)) == 1) {
		if (inner.ino)
			cr_assert_eq(inner.parent, r.ino);
		realm_check(&r, wrapped, seen);
		inner = r;
	}
	cr_assert_eq(got, 0, "%s", d.what);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert_eq(inner.parent, 0);
	cr_assert_eq(realm_next(&d, wrapped, &r), 0);
	seen->traces++;
}

/* Cut anywhere else than between two realms it is an error, as is the form that it is not. */
static int trace_read(struct slice trace, uint32_t len, bool wrapped)
{
	struct dec d = dec_init(guarded(trace.p, len), len);
	struct realm_info r;
	int got;

	while ((got = realm_next(&d, wrapped, &r)) == 1)
		;
	return got;
}

static void trace_cut(struct slice trace, bool wrapped)
{
	struct dec d = dec_init(trace.p, trace.len);
	struct realm_info r;
	uint32_t n = 0, end;

	while (realm_next(&d, wrapped, &r) == 1) {
		end = trace.len - (uint32_t)dec_left(&d);
		cr_assert_eq(trace_read(trace, n, wrapped), 0);
		while (++n < end)
			cr_assert_eq(trace_read(trace, n, wrapped), -EBADMSG, "cut at %u", n);
	}
	cr_assert_eq(n, trace.len);
	cr_assert_eq(trace_read(trace, trace.len, !wrapped), -EBADMSG, "the other form");
}

static void trace_one(const struct message *m, struct slice trace, struct traces *seen)
{
	if (!trace.len)
		return;
	trace_check(trace, wrapped_in(m), seen);
	trace_cut(trace, wrapped_in(m));
}

static void of_reply(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct reply r;

	cr_assert_eq(reply_decode(&d, &r), 0);
	trace_one(m, r.snaptrace, arg);
}

Test(mds_realm, traces_of_replies)
{
	struct traces seen = { 0 };

	messages_each(MSG_CLIENT_REPLY, of_reply, &seen);
	cr_assert_eq(seen.traces, 106);
	cr_assert(seen.realms == 160 && seen.snaps == 17, "%u realms, %u snapshots", seen.realms, seen.snaps);
}

static void of_push(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct snap_msg s;

	cr_assert_eq(snap_decode(&d, &s), 0);
	trace_one(m, s.trace, arg);
}

Test(mds_realm, traces_of_pushes)
{
	struct traces seen = { 0 };

	cr_assert_eq(messages_each(MSG_CLIENT_SNAP, of_push, &seen), 29);
	cr_assert_eq(seen.traces, 29);
	cr_assert_gt(seen.snaps, 0);
}

static void of_caps(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct caps_msg c;

	cr_assert_eq(caps_decode(&d, m->version, &c), 0);
	trace_one(m, c.snaptrace, arg);
}

Test(mds_realm, traces_of_imports)
{
	struct traces seen = { 0 };

	messages_each(MSG_CLIENT_CAPS, of_caps, &seen);
	cr_assert_eq(seen.traces, 3);
	cr_assert(seen.priors > 0 || seen.snaps > 0, "one realm with snapshots was handed over");
}

static void head_put(struct enc *e, uint32_t snaps, uint32_t priors)
{
	for (uint64_t i = 1; i <= 5; i++) /* ino, created, parent, parent_since, seq */
		enc_u64(e, 0x100 + i);
	enc_u32(e, snaps);
	enc_u32(e, priors);
}

static void lists_put(struct enc *e)
{
	enc_u64(e, 9); /* snaps */
	enc_u64(e, 8);
	enc_u64(e, 7); /* the earlier parent's */
}

static void fields_check(const struct realm_info *r)
{
	cr_assert(r->ino == 0x101 && r->created == 0x102 && r->parent == 0x103 && r->parent_since == 0x104);
	cr_assert(r->seq == 0x105 && r->snaps.len == 16 && r->prior_parent_snaps.len == 8);
	cr_assert(snap_at(r->snaps, 0) == 9 && snap_at(r->snaps, 1) == 8);
	cr_assert_eq(snap_at(r->prior_parent_snaps, 0), 7);
}

Test(mds_realm, each_field_bare)
{
	struct realm_info r;
	struct dec d;
	struct enc e;

	enc_init(&e);
	head_put(&e, 2, 1);
	lists_put(&e);
	d = dec_init(guarded(e.buf, e.len), e.len);
	cr_assert_eq(realm_next(&d, false, &r), 1);
	fields_check(&r);
	cr_assert(!r.last_modified_ns && !r.change_attr);
	cr_assert_eq(realm_next(&d, false, &r), 0);
	enc_free(&e);
}

static void wrapped_put(struct enc *e, uint8_t version, uint8_t compat, unsigned tail)
{
	size_t mark = enc_section(e, version, compat);

	head_put(e, 2, 1);
	lists_put(e);
	enc_time(e, 3000000004);
	enc_u64(e, 0x600000005);
	enc_zero(e, tail);
	enc_close(e, mark);
}

Test(mds_realm, each_field_wrapped_and_what_a_newer_sender_adds)
{
	struct realm_info r;
	struct dec d;
	struct enc e;

	enc_init(&e);
	wrapped_put(&e, 1, 1, 0);
	wrapped_put(&e, 2, 1, 11);
	wrapped_put(&e, 2, 2, 0);
	d = dec_init(guarded(e.buf, e.len), e.len);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(realm_next(&d, true, &r), 1);
		fields_check(&r);
		cr_assert(r.last_modified_ns == 3000000004 && r.change_attr == 0x600000005);
	}
	cr_assert_eq(realm_next(&d, true, &r), -EBADMSG, "one that only newer readers understand");
	cr_assert_eq(realm_next(&d, true, &r), -EBADMSG, "errors stick");
	enc_free(&e);
}

/* `room` bytes of lists behind a head that promises more or as many. */
static int promised(uint32_t snaps, uint32_t priors, size_t room)
{
	struct realm_info r;
	struct dec d;
	struct enc e;
	int got;

	enc_init(&e);
	head_put(&e, snaps, priors);
	enc_zero(&e, room);
	d = dec_init(guarded(e.buf, e.len), e.len);
	got = realm_next(&d, false, &r);
	enc_free(&e);
	return got;
}

Test(mds_realm, numbers_of_snapshots_are_limited)
{
	cr_assert_eq(promised(REALM_SNAPS_MAX, 0, REALM_SNAPS_MAX * 8), 1);
	cr_assert_eq(promised(REALM_SNAPS_MAX + 1, 0, (REALM_SNAPS_MAX + 1) * 8), -EBADMSG);
	cr_assert_eq(promised(0, REALM_SNAPS_MAX, REALM_SNAPS_MAX * 8), 1);
	cr_assert_eq(promised(0, REALM_SNAPS_MAX + 1, (REALM_SNAPS_MAX + 1) * 8), -EBADMSG);
	cr_assert_eq(promised(0x20000001, 0, 8), -EBADMSG, "times 8 is 8 in 32 bits");
	cr_assert_eq(promised(1, 1, 15), -EBADMSG);
}

Test(mds_realm, an_empty_trace_is_at_its_end)
{
	struct realm_info r = { .ino = 5 };
	struct dec d = dec_init(NULL, 0);

	cr_assert_eq(realm_next(&d, true, &r), 0);
	cr_assert_eq(realm_next(&d, false, &r), 0);
	cr_assert_eq(r.ino, 0);
}
