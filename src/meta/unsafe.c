/* unsafe.c: requests between their two replies, and what a failover makes of them (doc/protocol.md 5.6).
 *
 *   arrives                        effect on an unsafe request
 *   safe reply                     off the lists; who waits for it (sync.c) goes on
 *   daemon replaced (RECONNECT)    sent again, in the order of tids, flagged REPLAY, with the inode number
 * that was given to what it made; then those that were sent and never answered safe reply with an error the
 * change is undone: logged, an error of its inodes session lost for good          likewise: nobody knows
 * whether the journal had it
 */
#include "meta.h"
#include "request_impl.h"

#include <errno.h>

/* An MDS writes its journal every few seconds; with so many changes at stake it is asked to do it at once. */
enum { UNSAFE_ASK_FLUSH = 2048 };

void unsafe_count_at(struct session *s)
{
	s->unsafe_count++;
	if (++s->unsafe_unasked < UNSAFE_ASK_FLUSH || s->unsafe_count < UNSAFE_ASK_FLUSH)
		return;
	session_flush_mdlog(s);
}

/* ---- lists ---- */

static void link_to(struct mreq *r, struct unsafe_link *l, struct inode *i)
{
	struct inode_use *u;

	if (!i || l->inode)
		return;
	u = inode_use(r->m, i);
	if (!u) {
		r->loose = true;
		return;
	}
	l->req = r;
	l->inode = inode_get(i);
	LIST_INSERT_HEAD(&u->unsafe, l, link);
}

static void unlink_from(struct mreq *r, struct unsafe_link *l)
{
	struct inode *i = l->inode;

	if (!i)
		return;
	LIST_REMOVE(l, link);
	l->inode = NULL;
	inode_use_settle(r->m, i);
	inode_put(r->m, i);
}

void unsafe_add(struct mreq *r)
{
	struct inode *dir = r->dir ? r->dir : r->path_len ? r->base : NULL;
	struct inode *target = r->target ? r->target : r->path_len ? NULL : r->base;
	bool was_loose = r->loose;

	link_to(r, &r->on_dir, dir);
	link_to(r, &r->on_dir2, r->base2 != dir && r->base2 != target ? r->base2 : NULL);
	link_to(r, &r->on_target, target);
	r->m->unsafe_loose += r->loose && !was_loose;
}

void unsafe_remove(struct mreq *r)
{
	struct meta *m = r->m;

	unlink_from(r, &r->on_dir);
	unlink_from(r, &r->on_dir2);
	unlink_from(r, &r->on_target);
	m->unsafe_loose -= r->loose;
	r->loose = false;
	syncs_kick(m);
}

/* Must its safe reply be waited for by who wants to know everything safe? A cancelled one too: it may be
 * carried out. Waiting for a lock changes nothing that could be lost. */
static bool pending(const struct mreq *r)
{
	return r->state == MREQ_UNSAFE ||
	       (r->state == MREQ_SENT && mreq_is_write(r) && r->op != MDS_OP_SETFILELOCK);
}

bool unsafe_done(const struct meta *m, const struct inode *i, uint64_t tid)
{
	const struct unsafe_link *l;
	const struct mreq *r;

	if (i && i->use)
		LIST_FOREACH(l, &i->use->unsafe, link)
	if (l->req->id.tid <= tid)
		return false;
	if (i && !m->unsafe_loose)
		return true;
	TAILQ_FOREACH(r, &m->in_order, order)
	if (r->id.tid > tid)
		return true;
	else if (i ? r->loose : pending(r))
		return false;
	return true;
}

/* ---- failover ---- */

void unsafe_replay(struct meta *m, struct session *s)
{
	struct mreq *r, *next;

	TAILQ_FOREACH(r, &m->in_order, order)
	{
		if (r->session != s || r->state != MREQ_UNSAFE)
			continue;
		m->stats.replays++;
		mreq_send_again(r, true);
	}
	for (r = TAILQ_FIRST(&m->in_order); r; r = next) {
		next = TAILQ_NEXT(r, order);
		if (r->session == s && r->state == MREQ_SENT)
			mreq_send_again(r, false);
	}
}

/* ---- losses ---- */

static const struct inode *names(const struct mreq *r)
{
	return r->base ? r->base : r->on_dir.inode ? r->on_dir.inode : r->on_target.inode;
}

void unsafe_failed(struct mreq *r, int err)
{
	struct meta *m = r->m;
	const struct inode *at = names(r);
	const struct unsafe_link *links[] = { &r->on_dir, &r->on_dir2, &r->on_target };

	log_fail(m->log, err, "mds.%d: %s \"%.*s\" %s inode %llx had been answered, and is lost",
		 r->session->rank, mds_op_name(r->op), (int)r->path_len, r->path, r->path_len ? "in" : "of",
		 (unsigned long long)(at ? at->key.ino : r->base_ino));
	for (size_t n = 0; n < sizeof links / sizeof *links; n++)
		if (links[n]->inode)
			inode_set_error(m, links[n]->inode, err);
	if (!m->lost)
		m->lost = err;
	mreq_forget_names(r);
}

void unsafe_lost(struct meta *m, struct session *s, int err)
{
	struct mreq *r, *next;

	for (r = TAILQ_FIRST(&m->in_order); r; r = next) {
		next = TAILQ_NEXT(r, order);
		if (r->session != s || r->state != MREQ_UNSAFE)
			continue;
		if (!m->closing)
			unsafe_failed(r, err);
		mreq_complete(r, err, NULL);
	}
}
