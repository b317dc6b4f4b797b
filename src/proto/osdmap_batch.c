/* osdmap_batch.c: the message that brings OSD maps (MOSDMap), and in which order its maps are used.
 *
 *   have 0                  the full map of the highest epoch
 *   have e, e+1 inside      the incremental, or else the full map
 *   have e, e+1 not inside  if the sender still keeps it: ask for it; if not, what it has begins later: the
 *                           full map of its oldest epoch, and the epochs between are lost (a gap)
 *
 * ceph src/osdc/Objecter.cc (handle_osd_map); doc/protocol.md 14.4.
 */
#include "osdmap.h"

enum { VERSION_WITH_RANGE = 2 };

/* Looks at all (epoch, bytes) of a list; returns the bytes of `epoch`, if wanted and there. */
static bool find(struct dec d, uint32_t count, uint32_t epoch, struct slice *bytes)
{
	uint32_t e;
	struct slice s;

	while (count-- && !d.err) {
		e = dec_u32(&d);
		s = dec_slice(&d);
		if (!d.err && e == epoch) {
			*bytes = s;
			return true;
		}
	}
	return false;
}

static uint32_t dec_list(struct dec *d, struct osdmap_batch *b, struct dec *list)
{
	uint32_t n = dec_count(d, 4 + 4), epoch;

	if (n > OSDMAP_BATCH_MAX)
		dec_fail(d, "too many maps in one message");
	*list = *d;
	for (uint32_t i = 0; i < n && !d->err; i++) {
		epoch = dec_u32(d);
		dec_slice(d);
		if (!b->first || epoch < b->first)
			b->first = epoch;
		if (epoch > b->last)
			b->last = epoch;
	}
	return n;
}

int osdmap_batch_decode(struct dec *d, uint16_t version, struct osdmap_batch *b)
{
	const uint8_t *fsid = dec_take(d, 16);

	*b = (struct osdmap_batch){ 0 };
	if (fsid)
		memcpy(b->fsid, fsid, 16);
	b->inc_count = dec_list(d, b, &b->incs);
	b->full_count = dec_list(d, b, &b->fulls);
	if (version >= VERSION_WITH_RANGE) {
		b->oldest = dec_u32(d);
		b->newest = dec_u32(d);
	}
	return d->err;
}

static enum osdmap_step begin(const struct osdmap_batch *b, struct slice *bytes)
{
	return find(b->fulls, b->full_count, b->last, bytes) ? OSDMAP_STEP_FULL : OSDMAP_STEP_ASK;
}

enum osdmap_step osdmap_batch_next(const struct osdmap_batch *b, uint32_t have, struct slice *bytes)
{
	uint32_t next = have + 1;

	if (!have)
		return begin(b, bytes);
	if (b->last <= have)
		return OSDMAP_STEP_DONE;
	if (find(b->incs, b->inc_count, next, bytes))
		return OSDMAP_STEP_INC;
	if (find(b->fulls, b->full_count, next, bytes))
		return OSDMAP_STEP_FULL;
	if (b->oldest <= next)
		return OSDMAP_STEP_ASK;
	if (find(b->fulls, b->full_count, b->oldest, bytes))
		return OSDMAP_STEP_GAP;
	return OSDMAP_STEP_ASK;
}
