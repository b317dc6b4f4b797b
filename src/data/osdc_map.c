/* osdc_map.c: OSD maps as they come, from monitors and OSDs, one epoch after the other.
 *
 * We ask for the next epoch only when it could change something: a request cannot be sent, or waits long.
 * Maps also come unasked, from OSDs that were addressed by an old one. While pause or full flags are set,
 * every epoch is subscribed. No epoch may be skipped unseen: a group may change hands and back in between,
 * and what was sent is void all the same. Where epochs are missing (GAP), everything is sent again.
 */
#include "osdc_impl.h"

#include <errno.h>

static const struct map_mem memory = { .alloc = mem_alloc, .free = mem_free };

const struct osdmap *osdc_map(const struct osdc *c)
{
	return c->map;
}

uint32_t osdc_epoch(const struct osdc *c)
{
	return c->epoch;
}

bool osdc_blocklisted(const struct osdc *c)
{
	return c->blocklisted;
}

/* ---- asking ---- */

static bool flagged(const struct osdc *c)
{
	const uint32_t flags = OSDMAP_FULL | OSDMAP_PAUSERD | OSDMAP_PAUSEWR;

	if (!c->map)
		return false;
	for (uint32_t i = 0; i < osdmap_pool_count(c->map); i++)
		if (osdmap_pool_at(c->map, i)->flags & POOL_FULL)
			return true;
	return osdmap_flags(c->map) & flags;
}

static void subscribe(struct osdc *c, bool more)
{
	c->stats.map_requests++;
	if (!mon_subscribe(c->mon, "osdmap", c->map && !c->full_wanted ? c->epoch + 1 : 0, !more)) {
		c->asked = true;
		c->asked_more = more;
	}
}

void osdc_want_map(struct osdc *c)
{
	if (!c->stopping && !c->asked)
		subscribe(c, flagged(c));
}

void osdc_barrier(struct osdc *c, uint32_t epoch)
{
	if (epoch <= c->barrier)
		return;
	c->barrier = epoch;
	if (c->epoch < epoch)
		osdc_want_map(c);
}

/* A monitor has answered, or an OSD was faster: what was asked for is here, or part of it. */
static void asked_before(struct osdc *c)
{
	bool more = flagged(c);

	if (c->asked_more != more)
		subscribe(c, more);
	else
		c->asked = more;
}

/* ---- taking in ---- */

static void blocklist_one(struct osd_session *s, void *arg)
{
	struct conn_info info;

	if (!s->conn || *(bool *)arg)
		return;
	conn_info(s->conn, &info);
	if (info.self.family && osdmap_blocklisted(s->c->map, &info.self))
		*(bool *)arg = true;
}

/* By the addresses under which OSDs and monitors know us. */
static void check_blocklist(struct osdc *c)
{
	struct mon_info info;
	struct osd_req *q;
	bool found = false;

	mon_info(c->mon, &info);
	if (info.conn.self.family && osdmap_blocklisted(c->map, &info.conn.self))
		found = true;
	osdc_sessions_each(c, blocklist_one, &found);
	if (found == c->blocklisted)
		return;
	c->blocklisted = found;
	if (found) {
		log_emit(c->log, LOG_ERROR, "osd: epoch %u blocklists this client: its requests fail",
			 c->epoch);
		TAILQ_FOREACH(q, &c->all, link)
		osd_req_recall(q); /* to be routed, which ends it */
	} else {
		log_emit(c->log, LOG_WARN, "osd: epoch %u takes this client off the blocklist", c->epoch);
	}
	if (c->ops->blocklisted)
		c->ops->blocklisted(c->arg, found);
}

static int take_full(struct osdc *c, struct slice bytes)
{
	struct dec d = dec_init(bytes.p, bytes.len);
	struct osdmap *m;
	int err = osdmap_decode(&d, &memory, &m);

	if (err)
		return log_fail(c->log, err, "osd: a full map after epoch %u: %s", c->epoch,
				d.what ? d.what : "no memory");
	if (osdmap_epoch(m) <= c->epoch) { /* of a monitor that lags behind */
		osdmap_free(m);
		return -ESTALE;
	}
	osdmap_free(c->map);
	c->map = m;
	c->full_wanted = false;
	c->stats.fulls++;
	return 0;
}

static int take_inc(struct osdc *c, struct slice bytes)
{
	struct dec d = dec_init(bytes.p, bytes.len);
	int err = osdmap_apply(c->map, &d);

	if (err)
		return log_fail(c->log, err, "osd: the map after epoch %u: %s; asking for a full one",
				c->epoch,
				d.what           ? d.what
				: err == -ENOMEM ? "no memory"
						 : "does not fit");
	c->stats.incrementals++;
	return 0;
}

/* One epoch further: OSDMAP_STEP_DONE or _ASK at the end of the message. After a map that could not be taken
 * only a full one helps, and the tick asks for it. */
static enum osdmap_step step(struct osdc *c, const struct osdmap_batch *b)
{
	bool fallback = c->full_wanted && c->map;
	struct slice bytes;
	enum osdmap_step what = osdmap_batch_next(b, c->full_wanted ? 0 : c->epoch, &bytes);

	if (what == OSDMAP_STEP_DONE || what == OSDMAP_STEP_ASK)
		return fallback ? OSDMAP_STEP_DONE : what;
	if (what == OSDMAP_STEP_INC ? take_inc(c, bytes) : take_full(c, bytes)) {
		c->full_wanted = true;
		return OSDMAP_STEP_DONE;
	}
	c->gap = what == OSDMAP_STEP_GAP || fallback;
	c->stats.gaps += c->gap;
	c->epoch = osdmap_epoch(c->map);
	osdc_retarget(c);
	c->gap = false;
	return what;
}

static bool is_ours(struct osdc *c, const struct osdmap_batch *b)
{
	const struct monmap *m = mon_monmap(c->mon);

	if (!m || !m->epoch || !memcmp(b->fsid, m->fsid, sizeof b->fsid))
		return true;
	log_emit(c->log, LOG_ERROR, "osd: a map of another cluster is not taken");
	return false;
}

static void epoch_changed(struct osdc *c)
{
	log_emit(c->log, LOG_DEBUG, "osd: map of epoch %u", c->epoch);
	osdc_sessions_map_changed(c);
	check_blocklist(c);
	osdc_kick(c);
	if (c->ops->map)
		c->ops->map(c->arg, c->map);
}

void osdc_take_maps(struct osdc *c, const struct msg_in *m, bool from_mon)
{
	struct dec d = dec_init(m->front, m->front_len);
	uint32_t before = c->epoch;
	struct osdmap_batch b;
	enum osdmap_step end;

	if (c->stopping)
		return;
	if (osdmap_batch_decode(&d, m->version, &b)) {
		log_fail(c->log, -EBADMSG, "osd: a broken message of maps: %s", d.what);
		return;
	}
	c->stats.maps++;
	if (!is_ours(c, &b))
		return;
	do
		end = step(c, &b);
	while (end != OSDMAP_STEP_DONE && end != OSDMAP_STEP_ASK);
	if (from_mon || c->epoch != before)
		asked_before(c);
	if (end == OSDMAP_STEP_ASK)
		osdc_want_map(c);
	if (c->epoch != before)
		epoch_changed(c);
}

void osdc_handle_maps(struct osdc *c, const struct msg_in *m)
{
	osdc_take_maps(c, m, true);
}
