/* caps_push.c: what the MDSs push about caps (doc/protocol.md 7.4 to 7.6).
 *
 *   arrives        for a cap we have with that cap_id                      for another, or for none
 *   GRANT          issued = caps; fields; waiters; what was lost is        queued releases are sent: among
 * them acknowledged like a REVOKE                              is the one that says so REVOKE         the
 * same, and an acknowledgement in any case            the same TRUNC          size and truncation the same
 *   FLUSH_ACK      flush.c; never a grant: it only echoes                  nothing
 *   FLUSHSNAP_ACK  capsnap.c; likewise                                     nothing
 *   EXPORT         peer: a placeholder there that holds the bits until     nothing: IMPORT came first
 *                  IMPORT comes; no peer: gone
 *   IMPORT         made or made real; the old rank's goes; flushes again;  unknown inode: released at once
 *                  max_size is asked for again
 *
 * A REVOKE is answered before this returns when nothing must be flushed or is used: caps_update() decides.
 * What readers on other threads see changes as a whole; only then is anybody called.
 */
#include "caps_impl.h"
#include "deleg.h"

/* ---- grants and revokes ---- */

/* The bits and what came with them. Returns the bits that are new. */
static uint32_t take_grant(struct meta *m, struct cap *c, const struct caps_msg *g)
{
	struct inode *i = c->inode;
	struct told t;
	uint32_t before;

	told_from_caps(&t, g);
	t.held = caps_held(i);
	cap_refresh_gen(c);
	before = c->issued;
	t.auth = c->auth && (g->caps & CAP_ANY_FILE_WR);
	cap_note_loss(c, g->seq);
	c->seq = g->seq;
	c->mseq = g->mseq;
	c->issued = g->caps;
	c->implemented |= g->caps;
	if (merge(m, i, &t)) /* without memory no newer value can be had: nothing of it may be trusted */
		c->issued &= CAP_PIN;
	if (c->auth && !(c->issued & CAP_ANY_FILE_WR))
		i->max_size = 0;
	caps_fs_changed(i, before, c->issued);
	caps_publish(m, i);
	return c->issued & ~before;
}

/* Deleted, and no name leads to it any more. */
static void drop_names(struct meta *m, struct inode *i)
{
	struct dentry *d;

	while ((d = LIST_FIRST(&i->aliases)) != NULL) {
		if (m->on_unnamed && PUB_GET(i->xref))
			m->on_unnamed(m->arg, d);
		dentry_drop(m, d);
	}
}

/* Who is in charge now has not heard what was told to the other one. */
static void authority_moved(struct meta *m, struct inode *i)
{
	i->use->requested_max_size = 0;
	if (!i->use->creating)
		flush_resend(m, i);
}

static void handle_grant(struct meta *m, struct session *s, struct cap *c, const struct caps_msg *g)
{
	struct inode *i = c->inode;
	bool size = i->max_size < g->max_size;
	uint32_t newly;

	cache_write_begin(&m->cache);
	newly = take_grant(m, c, g);
	if ((g->caps & CAP_LS) && !i->a.nlink)
		drop_names(m, i);
	cache_write_end(&m->cache);
	if (g->op == CAPS_REVOKE || (c->implemented & ~c->issued)) {
		c->owes = true;
		m->stats.revokes++;
	}
	deleg_recall(m, i, c->implemented & ~c->issued);
	TAILQ_REMOVE(&s->caps, c, by_session); /* spoken of: young again for recall */
	TAILQ_INSERT_TAIL(&s->caps, c, by_session);
	if (g->op == CAPS_IMPORT && i->use)
		authority_moved(m, i);
	caps_update(m, i, 0);
	if (newly || size || g->op == CAPS_IMPORT)
		caps_wake(m, i, 0);
}

/* ---- migration ---- */

static bool names_cap(const struct caps_msg *g)
{
	return g->has_peer && g->peer.rank >= 0 && g->peer.rank < MDS_RANK_MAX && g->peer.cap_id;
}

/* Until the new rank speaks, what the old one granted stands. */
static void hold_place(struct meta *m, struct cap *c, const struct caps_msg *g)
{
	struct session *to = session_open(m, g->peer.rank);
	struct cap *there = to && to != c->session ? cap_make(m, to, c->inode) : NULL;
	bool fresh;

	if (!there)
		return;
	fresh = there->cap_id != g->peer.cap_id;
	if (fresh && there->cap_id && (int32_t)(there->mseq - g->peer.mseq) > 0)
		return; /* a later hand-over was heard of first */
	if (!fresh && (int32_t)(there->seq - g->peer.seq) >= 0)
		return; /* IMPORT came, or a reply after it */
	if (fresh)
		there->issued = there->implemented = there->mds_wanted = 0;
	there->cap_id = g->peer.cap_id;
	there->seq = there->issue_seq = there->low_seq = g->peer.seq - 1;
	there->mseq = g->peer.mseq;
	there->gen = to->cap_gen;
	there->issued |= c->issued;
	there->implemented |= c->implemented;
	if (c->auth)
		cap_take_auth(there);
}

static void handle_export(struct meta *m, struct cap *c, const struct caps_msg *g)
{
	struct inode *i = c->inode;

	if ((int32_t)(g->mseq - c->mseq) < 0)
		return;
	cache_write_begin(&m->cache);
	if (names_cap(g))
		hold_place(m, c, g);
	cap_unlink(m, c, false);
	cache_write_end(&m->cache);
	deleg_recall(m, i, ~caps_held(i));
	if (i->use) {
		i->use->requested_max_size = 0;
		i->use->kick |= !TAILQ_EMPTY(&i->use->flushes);
		if (!TAILQ_EMPTY(&i->use->waiters))
			caps_update_later(m, i);
	}
}

/* The MDS tells of an inode that we gave up: it must not count on us. */
static void release_unknown(struct session *s, const struct caps_msg *g)
{
	struct inode i = { .key = { g->ino, SNAP_HEAD } };

	session_queue_release(
	    s, &(struct cap){ .inode = &i, .cap_id = g->cap_id, .mseq = g->mseq, .issue_seq = g->seq });
}

static void move_here(struct meta *m, struct session *s, struct cap *c, const struct caps_msg *g)
{
	struct session *from = names_cap(g) ? m->session[g->peer.rank] : NULL;
	struct cap *old = from && from != s ? cap_find(c->inode, from) : NULL;

	if (c->cap_id != g->cap_id) {
		caps_fs_changed(c->inode, c->issued, 0);
		c->issued = c->implemented = 0;
		c->owes = false;
	}
	c->cap_id = g->cap_id;
	c->issue_seq = g->seq;
	c->mds_wanted = g->wanted;
	c->from_id = names_cap(g) ? g->peer.cap_id : 0;
	c->from_rank = (int16_t)g->peer.rank;
	cap_refresh_gen(c);
	cap_take_auth(c);
	if (old && old->cap_id == g->peer.cap_id)
		cap_unlink(m, old, (g->peer.flags & 2) != 0);
	realm_set(m, c->inode, g->realm);
}

/* It was handed on since, and we have heard of that already: its EXPORT is under way. */
static bool is_past(const struct inode *i, const struct session *s, const struct caps_msg *g)
{
	const struct cap *auth = cap_auth(i);

	return cap_moved_on(i, s, g->cap_id, g->mseq) || (auth && (int32_t)(auth->mseq - g->mseq) > 0);
}

static void handle_import(struct meta *m, struct session *s, const struct caps_msg *g)
{
	struct inode *i = inode_find(&m->cache, g->ino, SNAP_HEAD);
	struct cap *c;

	if (!i) {
		release_unknown(s, g);
		return;
	}
	realm_trace(m, s, g->snaptrace); /* broken: the mount is fenced, but the cap moves all the same */
	if (is_past(i, s, g))
		return;
	c = cap_make(m, s, i);
	if (!c) {
		release_unknown(s, g);
		return;
	}
	cache_write_begin(&m->cache);
	move_here(m, s, c, g);
	cache_write_end(&m->cache);
	handle_grant(m, s, c, g);
}

/* ---- all of it ---- */

static void handle_trunc(struct meta *m, struct cap *c, const struct caps_msg *g)
{
	struct told t;

	told_from_caps(&t, g);
	t.bits = CAP_FS;
	t.held = caps_held(c->inode);
	t.counts = false;
	t.xattrs.len = 0;
	merge(m, c->inode, &t);
}

static void handle_known(struct meta *m, struct session *s, struct cap *c, const struct caps_msg *g)
{
	switch (g->op) {
	case CAPS_GRANT:
	case CAPS_REVOKE:
		handle_grant(m, s, c, g);
		break;
	case CAPS_EXPORT:
		handle_export(m, c, g);
		break;
	case CAPS_TRUNC:
		handle_trunc(m, c, g);
		break;
	default:
		log_emit(m->log, LOG_WARN, "mds.%d: unexpected caps message %u for inode %llx", s->rank,
			 g->op, (unsigned long long)g->ino);
	}
}

static void raise_barrier(struct meta *m, uint32_t epoch)
{
	if (epoch <= m->osd_epoch_barrier)
		return;
	m->osd_epoch_barrier = epoch;
	if (m->data && m->data->barrier)
		m->data->barrier(m->data_arg, epoch);
}

void caps_handle(struct meta *m, struct session *s, const struct caps_msg *g)
{
	struct inode *i;
	struct cap *c;

	raise_barrier(m, g->osd_epoch_barrier);
	if (g->op == CAPS_IMPORT) {
		handle_import(m, s, g);
		return;
	}
	i = inode_find(&m->cache, g->ino, SNAP_HEAD);
	if (g->op == CAPS_FLUSH_ACK || g->op == CAPS_FLUSHSNAP_ACK) {
		if (i && g->op == CAPS_FLUSH_ACK)
			flush_handle_ack(m, s, i, g);
		else if (i)
			flush_handle_snap_ack(m, s, i, g);
		return;
	}
	c = i ? cap_find(i, s) : NULL;
	if (c && c->cap_id == g->cap_id)
		handle_known(m, s, c, g);
	else /* we gave it up already: the release says so, send it now so that nobody waits */
		session_send_releases(s);
}
