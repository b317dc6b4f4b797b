/* caps_session.c: what happens to all caps of a session at once.
 *
 *   session              caps
 *   STALE                count as nothing; when the renewal has come, what was not granted again is gone
 *   daemon replaced      told in the reconnect; flushes whose bits were given back meanwhile go before it,
 * the others when the rank is active; max_size is asked for anew over                 session.c removes them:
 * what was dirty is lost
 *
 * Only inodes in use have anything to tell; each is looked at in a task of its own turn (caps_update_later),
 * so that nothing runs while the session's list is walked.
 */
#include "caps_impl.h"

static void kick(struct meta *m, struct session *s, bool restarted)
{
	struct inode_use *u;
	struct cap *c;

	LIST_FOREACH(u, &m->in_use, in_use)
	{
		c = cap_find(u->inode, s);
		if (!c)
			continue;
		if (restarted && c->auth) {
			u->kick = u->kick || !TAILQ_EMPTY(&u->flushes);
			u->requested_max_size = 0;
		}
		caps_update_now(m, u->inode);
	}
}

void caps_kick_session(struct meta *m, struct session *s)
{
	kick(m, s, false);
}

void caps_kick_reconnected(struct meta *m, struct session *s)
{
	kick(m, s, true);
}

void caps_renewed(struct meta *m, struct session *s)
{
	struct cap *c;

	TAILQ_FOREACH(c, &s->caps, by_session)
	{
		if (c->gen == s->cap_gen)
			continue;
		cap_refresh_gen(c);
		caps_publish(m, c->inode);
	}
	kick(m, s, false);
}

void caps_flush_early(struct meta *m, struct session *s)
{
	struct inode_use *u;
	struct cap *c;

	TAILQ_FOREACH(u, &m->dirty, dirty_link)
	{
		c = cap_auth(u->inode);
		if (!c || c->session != s || !(u->flushing & ~c->issued))
			continue;
		flush_resend(m, u->inode);
	}
}
