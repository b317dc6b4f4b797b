/* osd_op_reply.c: what an OSD answers (MOSDOpReply versions 7 and 8), and the outputs of single operations.
 *
 * The outputs follow each other in the data segment; the front says how long each of them is.
 */
#include "osd_op_parts.h"

#include "le.h"

enum {
	REPLY_OLDEST = 7,
	REPLY_WITH_TRACE = 8,
	REDIRECT_KNOWN = 1,
	LOCATOR_KNOWN = 6,
	SNAPSET_KNOWN = 2,
	CLONE_KNOWN = 1,
	CLONE_BYTES = 6 + 8 + 4 + 4 + 8,
};

static void ops_decode(struct dec *d, uint32_t data_len, struct osd_reply *r)
{
	uint32_t n = dec_count(d, 2 + 4 + OSD_OP_ARG_SIZE + 4), at = 0;

	if (n > OSD_OPS_MAX)
		dec_fail(d, "more operations than one message may have");
	for (uint32_t i = 0; i < n && !d->err; i++) {
		struct osd_reply_op *op = &r->op[i];

		op->code = dec_u16(d);
		dec_skip(d, 4 + OSD_OP_ARG_SIZE);
		op->len = dec_u32(d);
		op->at = at;
		if (op->len > data_len - at)
			dec_fail(d, "outputs larger than the message's data");
		at += op->len;
	}
	r->op_count = d->err ? 0 : n;
}

static void locator_decode(struct dec *d, struct osd_reply *r)
{
	struct dec in = dec_section(d, LOCATOR_KNOWN, NULL);

	r->redirect.pool = dec_s64(&in);
	dec_u32(&in); /* once a preferred OSD */
	r->redirect.key = dec_slice(&in);
	r->redirect.nspace = dec_slice(&in);
	dec_close(d, &in);
}

static void redirect_decode(struct dec *d, struct osd_reply *r)
{
	struct dec in;

	r->redirected = dec_u8(d) != 0;
	if (!r->redirected)
		return;
	in = dec_section(d, REDIRECT_KNOWN, NULL);
	locator_decode(&in, r);
	r->redirect.oid = dec_slice(&in);
	dec_close(d, &in);
}

int osd_reply_decode(struct dec *d, uint16_t version, uint32_t data_len, struct osd_reply *r)
{
	*r = (struct osd_reply){ 0 };
	if (version < REPLY_OLDEST)
		dec_fail(d, "a reply of before Jewel");
	r->oid = dec_slice(d);
	osd_pg_decode(d, &r->pg);
	r->flags = dec_u64(d);
	r->result = dec_s32(d);
	dec_skip(d, 8 + 4); /* bad_replay_version */
	r->epoch = dec_u32(d);
	ops_decode(d, data_len, r);
	r->attempt = dec_s32(d);
	for (unsigned i = 0; i < r->op_count; i++)
		r->op[i].rval = dec_s32(d);
	dec_skip(d, 8 + 4); /* replay_version */
	r->user_version = dec_u64(d);
	redirect_decode(d, r);
	if (version >= REPLY_WITH_TRACE)
		dec_skip(d, 3 * 8);
	return d->err;
}

/* ---- outputs ---- */

int osd_stat_decode(struct dec *d, struct osd_stat *s)
{
	s->size = dec_u64(d);
	s->mtime_ns = dec_time(d);
	return d->err;
}

struct osd_extent osd_extent_get(const struct osd_extents *x, uint32_t i)
{
	return (struct osd_extent){ le64_get(x->raw + 16 * (size_t)i),
				    le64_get(x->raw + 16 * (size_t)i + 8) };
}

int osd_extents_decode(struct dec *d, struct osd_extents *x)
{
	uint64_t end = 0, total = 0;

	x->count = dec_count(d, 16);
	x->raw = dec_take(d, 16 * (size_t)x->count);
	x->data = dec_slice(d);
	for (uint32_t i = 0; i < x->count && !d->err; i++) {
		struct osd_extent e = osd_extent_get(x, i);

		if (e.offset < end || e.offset + e.len < e.offset || e.len > x->data.len)
			dec_fail(d, "extents out of order");
		end = e.offset + e.len;
		total += e.len;
	}
	if (!d->err && total != x->data.len)
		dec_fail(d, "extents that do not fit their data");
	return d->err;
}

int osd_snapset_decode(struct dec *d, struct osd_snapset *s)
{
	struct dec in = dec_section(d, SNAPSET_KNOWN, NULL);
	struct osd_clone c;

	s->count = dec_count(&in, CLONE_BYTES);
	s->clones = in;
	for (uint32_t i = 0; i < s->count && !in.err; i++) {
		struct osd_snapset rest = { .count = 1, .clones = in };

		osd_clone_next(&rest, &c);
		in = rest.clones;
	}
	s->clones.end = in.p;
	s->seq = dec_u64(&in);
	dec_close(d, &in);
	return d->err;
}

bool osd_clone_next(struct osd_snapset *s, struct osd_clone *c)
{
	struct dec in;

	if (!s->count || s->clones.err)
		return false;
	s->count--;
	in = dec_section(&s->clones, CLONE_KNOWN, NULL);
	c->id = dec_u64(&in);
	c->snap_count = dec_count(&in, 8);
	c->snaps = dec_take(&in, 8 * (size_t)c->snap_count);
	c->overlap_count = dec_count(&in, 16);
	c->overlap = dec_take(&in, 16 * (size_t)c->overlap_count);
	c->size = dec_u64(&in);
	dec_close(&s->clones, &in);
	return !s->clones.err;
}
