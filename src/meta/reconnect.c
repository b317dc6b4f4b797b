/* reconnect.c: after a failover the new daemon asks its clients what they hold (doc/protocol.md 4.7). */
#include "meta.h"
#include "session_impl.h"

enum {
	RECONNECT_CAPS_MAX = 200000
}; /* one message holds them: about 100 bytes each, under the messenger's limit */

static void put_cap(struct enc *e, const struct cap *c)
{
	const struct inode *i = c->inode;
	const struct dentry *d = LIST_FIRST(&i->aliases);
	uint32_t issued = c->issued;

	if (inode_is_dir(i)) /* directory-operation bits do not survive a failover */
		issued &= ~(CAP_FC | CAP_FR | CAP_FA | CAP_FL);
	reconnect_cap(e, &(struct reconnect_cap){ .ino = i->key.ino,
						  .path = d ? d->key.name : "",
						  .path_len = d ? d->key.len : 0,
						  .cap_id = c->cap_id,
						  .wanted = caps_wanted(i),
						  .issued = issued,
						  .snaprealm = INO_ROOT,
						  .pathbase = d ? d->key.dir->key.ino : i->key.ino });
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
