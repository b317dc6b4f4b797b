/* caps_check.c: what must be so of an inode's caps, uses and flushes at any time. */
#include "caps_impl.h"
#include "deleg.h"

static const char *check_caps(const struct inode *i)
{
	unsigned auths = 0;

	for (const struct cap *c = i->caps; c; c = c->next) {
		if (c->inode != i)
			return "a cap of another inode";
		if (c->issued & ~c->implemented)
			return "issued is not within implemented";
		for (const struct cap *o = c->next; o; o = o->next)
			if (o->session == c->session)
				return "two caps of one rank";
		auths += c->auth;
	}
	return auths > 1 ? "two authorities" : NULL;
}

static const char *check_flushes(const struct inode_use *u)
{
	const struct cap_flush *f;
	uint32_t bits = 0;
	uint64_t tid = 0;

	TAILQ_FOREACH(f, &u->flushes, link)
	{
		if (f->inode != u->inode)
			return "a flush of another inode";
		if (f->tid <= tid)
			return "flushes are not in the order of their tids";
		if (f->snap && f->bits != f->snap->dirty)
			return "a cap snap is flushed with other bits than its own";
		tid = f->tid;
		bits |= f->snap ? 0 : f->bits;
	}
	return bits != u->flushing ? "flushing bits are not those of the flushes" : NULL;
}

static const char *check_capsnaps(const struct inode_use *u)
{
	const struct capsnap *cs;
	uint64_t follows = 0, tid = 0;

	TAILQ_FOREACH(cs, &u->capsnaps, link)
	{
		if (cs->follows < follows)
			return "cap snaps are not in the order of their age";
		if (cs->writing && TAILQ_NEXT(cs, link))
			return "a write is in flight under an older cap snap than the newest";
		if (cs->writing && !u->refs[REF_FW])
			return "a cap snap waits for a write that is over";
		if (cs->flush.tid && (!cs->need_flush || cs->writing))
			return "a cap snap was flushed that should not be";
		if (cs->flush.tid && cs->flush.tid < tid)
			return "cap snaps were not flushed in the order of their age";
		tid = cs->flush.tid ? cs->flush.tid : tid;
		follows = cs->follows;
	}
	return NULL;
}

static const char *check_delegs(const struct inode_use *u)
{
	const struct deleg *d;
	uint32_t bits = 0;

	LIST_FOREACH(d, &u->delegs, link)
	{
		if (d->file->inode != u->inode)
			return "a delegation of another inode";
		bits |= d->bits;
	}
	return bits != u->pinned ? "pinned bits are not those of the delegations" : NULL;
}

static const char *check_use(const struct inode_use *u)
{
	bool behind = u->dirty || u->flushing || u->refs[REF_FB] || !TAILQ_EMPTY(&u->capsnaps);
	const struct cap_wait *w;
	const char *why = check_flushes(u);

	why = why ? why : check_capsnaps(u);
	why = why ? why : check_delegs(u);
	if (why)
		return why;
	if (!u->inode->nref)
		return "in use and not referred to";
	if (behind != u->in_dirty)
		return behind ? "dirty and not on the list" : "on the list of the dirty and clean";
	if (u->head_snapc && !u->dirty && !u->flushing && !u->refs[REF_FB] && !u->refs[REF_FW])
		return "a snap context is held for nothing";
	TAILQ_FOREACH(w, &u->waiters, link)
	if (!w->waiting || w->inode != u->inode)
		return "a waiter that does not wait";
	return NULL;
}

const char *caps_check(const struct inode *i)
{
	const char *why = check_caps(i);

	return why || !i->use ? why : check_use(i->use);
}
