/* reclaim.c: see reclaim.h. (ceph src/messages/MClientReclaim.h, MClientReclaimReply.h) */
#include "reclaim.h"
#include "session.h"

#include <errno.h>

enum { FEATURE_RECLAIM = 1u << 10 };

static void end(struct meta *m, int err)
{
	struct reclaim *r = m->reclaim;

	r->ended = true;
	m->reclaim = NULL;
	r->done(r->arg, err);
}

/* A session for every rank there is; what has answered stays so. */
void reclaim_go_on(struct meta *m)
{
	struct reclaim *r = m->reclaim;
	bool all = true;

	for (int n = 0; r && m->map && n < (int)m->map->rank_count; n++) {
		if (r->answered[n])
			continue;
		all = false;
		if (m->map->rank[n].present && m->map->rank[n].state >= MDS_STATE_ACTIVE)
			session_open(m, n);
	}
	if (r && m->map && all)
		end(m, r->err ? r->err : r->found ? 0 : -ENOENT);
}

void reclaim_begin(struct meta *m, struct reclaim *r)
{
	m->reclaim = r;
	reclaim_go_on(m);
}

void reclaim_session_open(struct session *s)
{
	struct reclaim *r = s->m->reclaim;
	struct msg *msg;

	if (!r || r->answered[s->rank])
		return;
	msg = s->features & FEATURE_RECLAIM ? msg_new(MSG_CLIENT_RECLAIM, 1, 1, 0) : NULL;
	if (!msg) {
		end(s->m, s->features & FEATURE_RECLAIM ? -ENOMEM : -EOPNOTSUPP);
		return;
	}
	reclaim_encode(&msg->front, r->uuid, r->flags);
	session_send_msg(s, msg);
}

void reclaim_session_lost(struct session *s, int err)
{
	if (s->m->reclaim && !s->m->reclaim->answered[s->rank])
		end(s->m, err);
}

void reclaim_handle_reply(struct session *s, const struct msg_in *in)
{
	struct dec d = dec_init(in->front, in->front_len);
	struct meta *m = s->m;
	struct reclaim *r = m->reclaim;
	struct reclaim_reply rep;

	if (!r || r->answered[s->rank])
		return;
	if (reclaim_reply_decode(&d, &rep)) {
		end(m, log_fail(m->log, -EBADMSG, "mds.%d: broken answer to a reclaim: %s", s->rank, d.what));
		return;
	}
	r->answered[s->rank] = true;
	if (rep.result >= 0) {
		r->found = r->found || rep.addr_count;
		if (rep.epoch > m->osd_epoch_barrier) /* the map in which the old client is shut out */
			m->osd_epoch_barrier = rep.epoch;
	} else if (rep.result != -ENOENT && !r->err) {
		r->err = log_fail(m->log, rep.result, "mds.%d refused to reclaim the session of %s", s->rank,
				  r->uuid);
	}
	reclaim_go_on(m);
}
