/* osdc_forsake.c: requests that nobody waits for any more, and that others must not be surprised by. See
 * osdc_forsake().
 *
 * An OSD discards what came on a connection that has broken, unless it has begun with it; and what it has
 * begun with, or what a peering settles one way or the other, stands in front of whatever is asked of the
 * same object later, ordered like a write. So the answer to such a question is the end of what was sent
 * before.
 */
#include "osdc_impl.h"

void osd_req_fence(struct osd_req *q)
{
	struct osdc *c = q->c;

	q->fence = true;
	enc_free(&q->payload);
	enc_init(&q->payload);
	q->op_count = 0;
	q->bulk = q->dest = NULL;
	q->bulk_count = q->bulk_len = q->dest_count = q->dest_len = 0;
	q->snap_count = q->snaps_kept = 0;
	q->flags = OSD_FLAG_RWORDERED;
	q->read = true;
	q->write = false;
	q->wire_flags = (q->wire_flags & ~(uint32_t)OSD_FLAG_WRITE) | OSD_FLAG_READ;
	c->bytes -= q->cost;
	q->cost = 0;
	osd_op_stat(osd_req_op(q));
	osd_req_renew(q);
}

void osdc_let_go(struct osdc *c)
{
	struct osd_req *q;

	do { /* each may end others */
		TAILQ_FOREACH(q, &c->forsaken, forsaken_link)
		if (!q->lent)
			break;
		if (!q)
			return;
		TAILQ_REMOVE(&c->forsaken, q, forsaken_link);
		q->holding = false;
		q->let_go(q);
	} while (true);
}

void osdc_forsake(struct osd_req *q, int err)
{
	struct osdc *c = q->c;
	bool unsent;

	if (q->state == OSD_REQ_NEW || q->state == OSD_REQ_ENDING || q->forsaken)
		return;
	unsent = osd_req_unsend(q);
	if (!q->write || q->attempt < 0 || (unsent && !q->attempt)) {
		osdc_cancel(q, err);
		return;
	}
	c->stats.cancelled++;
	q->forsaken = err;
	q->holding = true;
	TAILQ_INSERT_TAIL(&c->forsaken, q, forsaken_link);
	if (q->lent)
		osdc_drain_later(c);
	else
		osdc_end_soon(c);
	if (unsent)
		osd_req_recall(q);
	if (q->state != OSD_REQ_SENT)
		osdc_kick_later(c);
}
