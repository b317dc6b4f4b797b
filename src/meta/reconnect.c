/* reconnect.c: after a failover the new daemon asks its clients what they hold (doc/protocol.md 4.7). */
#include "caps_impl.h"
#include "deleg.h"

#include <errno.h>

enum {
	RECONNECT_CAPS_MAX = 200000
}; /* one message holds them: about 100 bytes each, under the messenger's limit */

/* The name that the inode stands under; another of its names would lead the MDS nowhere. */
static const struct dentry *primary_name(const struct inode *i)
{
	const struct dentry *d;

	LIST_FOREACH(d, &i->aliases, alias)
	if (d->primary)
		break;
	return d;
}

/* The snapshot up to which the MDS may take what it has for ours. */
static uint64_t follows(const struct inode *i)
{
	const struct capsnap *oldest = i->use ? TAILQ_FIRST(&i->use->capsnaps) : NULL;

	if (oldest)
		return oldest->follows;
	return i->use && i->use->head_snapc ? i->use->head_snapc->seq : 0;
}

/* The new daemon knows nothing of what was revoked or acknowledged: what we say now is how it is. */
static void restart(struct meta *m, struct cap *c)
{
	c->seq = c->low_seq = c->issue_seq = c->mseq = 0;
	c->gen = c->session->cap_gen;
	c->owes = false;
	c->issued |= c->implemented & deleg_pins(c->inode); /* it will be asked for again */
	if (inode_is_dir(c->inode)) { /* directory-operation bits do not survive a failover */
		c->issued &= ~CAP_ANY_DIR_OPS;
		c->implemented &= ~CAP_ANY_DIR_OPS;
	}
	c->mds_wanted = caps_wanted(c->inode);
	caps_publish(m, c->inode);
}

static void put_cap(struct enc *e, const struct cap *c)
{
	const struct inode *i = c->inode;
	const struct dentry *d = primary_name(i);
	struct filelock *fcntl = NULL, *flock = NULL;
	struct reconnect_cap r = { .ino = i->key.ino,
				   .path = d ? d->key.name : "",
				   .path_len = d ? d->key.len : 0,
				   .cap_id = c->cap_id,
				   .wanted = c->mds_wanted,
				   .issued = c->issued,
				   .snaprealm = i->realm ? i->realm->ino : INO_ROOT,
				   .pathbase = d ? d->key.dir->key.ino : i->key.ino,
				   .snap_follows = follows(i) };

	if (c->auth && locks_list(i, &fcntl, &r.fcntl_count, &flock, &r.flock_count))
		e->err = -ENOMEM; /* locks that are not told are lost */
	r.fcntl_locks = fcntl;
	r.flock_locks = flock;
	reconnect_cap(e, &r);
	mem_free(fcntl, 0);
	mem_free(flock, 0);
}

/* Gives up what nothing uses, so that the message stays within its bound; no release: the daemon that granted
 * it is dead. */
static void shed(struct session *s)
{
	struct cap *c, *next;

	for (c = TAILQ_FIRST(&s->caps); c && s->cap_count > RECONNECT_CAPS_MAX; c = next) {
		next = TAILQ_NEXT(c, by_session);
		if (!c->inode->nref && !PUB_GET(c->inode->xref))
			cap_remove(s->m, c, false);
	}
}

void reconnect_send(struct session *s)
{
	struct reconnect_realm *realms = NULL;
	uint32_t realm_count = 0;
	struct msg *msg = msg_new(MSG_CLIENT_RECONNECT, RECONNECT_VERSION, RECONNECT_COMPAT, 0);
	uint32_t count = 0;
	struct cap *c;
	size_t mark;

	if (!msg || realms_list(s->m, &realms, &realm_count)) {
		msg_free(msg);
		return; /* the daemon's window passes, and it says so */
	}
	shed(s);
	TAILQ_FOREACH(c, &s->caps, by_session)
	restart(s->m, c);
	caps_flush_early(s->m, s);
	mark = reconnect_begin(&msg->data);
	TAILQ_FOREACH(c, &s->caps, by_session)
	{
		put_cap(&msg->data, c);
		count++;
	}
	reconnect_end(&msg->data, mark, count, realms, realm_count);
	mem_free(realms, 0);
	session_send_msg(s, msg);
}
