/* capsnap.c: what an inode was like when a snapshot was taken over it, until the MDS has heard of it
 * (doc/protocol.md 7.9; ceph_queue_cap_snap in the other clients).
 *
 *   snap context changes --nothing dirty, nobody writes--> nothing
 *          |--nobody writes--> READY (attributes as they are)
 *          '--a write is in flight--> WRITING --it ended--> READY (size and times as it left them)
 *   READY --data of that context written back--> FLUSHSNAP (tid) --FLUSHSNAP_ACK--> freed
 *
 * Every MDS tells its clients of a snapshot by itself, and lets nobody wait: the one that made it may be
 * heard before the inode's authority knows. What that is told too early it forgets. So a FLUSHSNAP waits for
 * its word, a moment at most.
 *
 * While one is WRITING no new write may begin (caps_wait.c), and so there is one such at most. One that no
 * snapshot needs (the context changed, but names no newer one) is not sent: it only keeps the data of that
 * time apart. They go oldest first, and before anything that changed since.
 */
#include "caps_impl.h"

#include <errno.h>
#include <string.h>

enum { WORD_LIMIT_MS = 2000 };

static const struct capsnap *newest(const struct inode_use *u)
{
	return TAILQ_LAST(&u->capsnaps, capsnaps);
}

bool capsnap_writing(const struct inode_use *u)
{
	const struct capsnap *cs = newest(u);

	return cs && cs->writing;
}

bool capsnap_unsent(const struct inode_use *u)
{
	const struct capsnap *cs;

	TAILQ_FOREACH(cs, &u->capsnaps, link)
	if (cs->need_flush && !cs->flush.tid)
		return true;
	return false;
}

void capsnap_free(struct meta *m, struct inode_use *u, struct capsnap *cs)
{
	if (cs->flush.tid)
		flush_unlink(m, u, &cs->flush);
	TAILQ_REMOVE(&u->capsnaps, cs, link);
	snapctx_put(cs->ctx);
	mem_free(cs->xattrs, 0);
	slab_put(&m->capsnaps_slab, cs);
}

/* ---- queueing ---- */

static bool has_newer_snap(const struct snapctx *was, const struct snapctx *now)
{
	return now && now->count && now->snaps[0] > (was ? was->seq : 0);
}

static int copy_xattrs(struct capsnap *cs, const struct inode *i)
{
	const struct xattrs *x = i->xattrs;

	cs->xattr_version = i->xattr_version;
	if (!x)
		return 0;
	cs->xattrs = mem_alloc(sizeof *x + x->len);
	if (!cs->xattrs)
		return -ENOMEM;
	memcpy(cs->xattrs, x, sizeof *x + x->len);
	return 0;
}

static void take_attrs(struct capsnap *cs, const struct inode *i)
{
	cs->a = i->a;
	cs->truncate_size = i->truncate_size;
	cs->truncate_seq = i->truncate_seq;
	cs->writing = false;
}

static struct capsnap *make(struct meta *m, struct inode_use *u, uint32_t dirty)
{
	struct inode *i = u->inode;
	struct capsnap *cs = slab_get(&m->capsnaps_slab);

	if (!cs)
		return NULL;
	if ((dirty & CAP_XX) && copy_xattrs(cs, i)) {
		slab_put(&m->capsnaps_slab, cs);
		return NULL;
	}
	take_attrs(cs, i);
	cs->ctx = u->head_snapc ? snapctx_get(u->head_snapc) : NULL;
	cs->follows = cs->ctx ? cs->ctx->seq : 0;
	cs->issued = caps_issued(i, ring_now(m->ring));
	cs->dirty = dirty;
	cs->writing = u->refs[REF_FW] > 0;
	cs->flush.inode = i;
	cs->flush.snap = cs;
	cs->flush.bits = dirty;
	TAILQ_INSERT_TAIL(&u->capsnaps, cs, link);
	m->stats.capsnaps++;
	return cs;
}

static void word_wanted(const struct meta *m, struct capsnap *cs, const struct snapctx *now)
{
	cs->snap = now && now->count ? now->snaps[0] : 0;
	cs->until_ns = ring_now(m->ring) + WORD_LIMIT_MS * 1000000ull;
}

/* The head goes on under the new context, if it goes on at all. */
static void head_moves(struct meta *m, struct inode_use *u)
{
	snapctx_put(u->head_snapc);
	u->head_snapc = NULL;
	flush_track(m, u);
}

void capsnap_queue(struct meta *m, struct inode *i)
{
	struct inode_use *u = i->use;
	const struct snapctx *now = realm_context(i);
	uint32_t dirty;
	struct capsnap *cs;
	bool news;

	if (!u || (!caps_dirty(i) && !u->refs[REF_FW] && !u->refs[REF_FB]))
		return;
	/* A write that has begun counts as one: when it ends it will have changed something. */
	dirty = caps_dirty(i) | (u->refs[REF_FW] ? CAP_FW : 0);
	news = has_newer_snap(u->head_snapc, now) && dirty;
	if (capsnap_writing(u)) { /* what is in flight began before that one: it stands for this one too */
		cs = TAILQ_LAST(&u->capsnaps, capsnaps);
		cs->need_flush |= news;
		word_wanted(m, cs, now);
	} else if (news || u->refs[REF_FW] || u->refs[REF_FB]) {
		cs = make(m, u, dirty);
		if (!cs) { /* the snapshot would be spoiled: nothing may change any more */
			realm_fence(m, NULL, -ENOMEM, "no memory for what belongs to a snapshot");
			return;
		}
		cs->need_flush = news;
		word_wanted(m, cs, now);
	}
	head_moves(m, u);
	if (m->data && u->refs[REF_FB])
		m->data->writeback(m->data_arg, i);
	capsnap_kick(m, i);
}

void capsnap_writes_ended(struct meta *m, struct inode *i)
{
	take_attrs(TAILQ_LAST(&i->use->capsnaps, capsnaps), i);
	capsnaps_send(m, i);
}

/* ---- sending ---- */

static void word_limit(struct ring_timer *t)
{
	capsnaps_kick((struct meta *)((char *)t - offsetof(struct meta, snap_timer)));
}

static bool authority_knows(struct meta *m, const struct cap *c, const struct capsnap *cs)
{
	uint64_t now = ring_now(m->ring);

	if (!c || c->session->snap_seq >= cs->snap || m->snap_seq < cs->snap || now >= cs->until_ns)
		return true;
	if (!m->snap_timer.slot) {
		m->snap_timer.fn = word_limit;
		ring_timer_set(m->ring, &m->snap_timer, cs->until_ns);
	}
	return false;
}

static bool data_is_out(const struct meta *m, const struct inode *i, const struct capsnap *cs)
{
	return !m->data || !m->data->dirty_under || !m->data->dirty_under(m->data_arg, i, cs->ctx);
}

/* False: no memory. */
static bool flush_snap(struct meta *m, struct inode_use *u, const struct cap *c, struct capsnap *cs)
{
	if (!cs->flush.tid) {
		flush_number(m, u, &cs->flush);
		m->stats.flushes++;
	}
	if (c && c->session->state == SESS_OPEN)
		return capsnap_send(m, c, cs);
	u->kick = true;
	return true;
}

void capsnaps_send(struct meta *m, struct inode *i)
{
	struct inode_use *u = i->use;
	const struct cap *c = cap_auth(i);
	struct capsnap *cs, *next;

	for (cs = TAILQ_FIRST(&u->capsnaps); cs; cs = next) {
		next = TAILQ_NEXT(cs, link);
		if (cs->flush.tid)
			continue;
		if (cs->writing || !data_is_out(m, i, cs))
			break;
		if (!cs->need_flush)
			capsnap_free(m, u, cs);
		else if (!authority_knows(m, c, cs))
			break;
		else if (!flush_snap(m, u, c, cs))
			caps_kick_later(m, u);
	}
	flush_track(m, u);
}

void capsnap_kick(struct meta *m, struct inode *i)
{
	if (!i->use)
		return;
	inode_get(i);
	caps_update(m, i, 0);
	if (i->use && !TAILQ_EMPTY(&i->use->waiters))
		caps_wake(m, i, 0);
	inode_use_settle(m, i);
	inode_put(m, i);
}

/* Gathered first: who waited for one of them may end the use of another. */
void capsnaps_kick(struct meta *m)
{
	struct inode **list;
	struct inode_use *u;
	size_t count = 0, n = 0;

	LIST_FOREACH(u, &m->in_use, in_use)
	count += capsnap_unsent(u);
	list = count ? mem_alloc(count * sizeof *list) : NULL;
	if (!list)
		return;
	LIST_FOREACH(u, &m->in_use, in_use)
	if (capsnap_unsent(u))
		list[n++] = inode_get(u->inode);
	for (n = 0; n < count; n++) {
		capsnap_kick(m, list[n]);
		inode_put(m, list[n]);
	}
	mem_free(list, 0);
}

void flush_handle_snap_ack(struct meta *m, struct session *s, struct inode *i, const struct caps_msg *g)
{
	struct inode_use *u = i->use;
	struct capsnap *cs = u ? TAILQ_FIRST(&u->capsnaps) : NULL;

	while (cs && (cs->follows != g->snap_follows || cs->flush.tid != g->tid))
		cs = TAILQ_NEXT(cs, link);
	if (!cs || !g->tid) {
		log_emit(m->log, LOG_DEBUG,
			 "mds.%d: acknowledges the cap snap behind %llu of inode %llx once more", s->rank,
			 (unsigned long long)g->snap_follows, (unsigned long long)i->key.ino);
		return;
	}
	m->stats.flush_acks++;
	capsnap_free(m, u, cs);
	flush_settled(m, i);
}
