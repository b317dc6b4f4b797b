/* session_msg.c: what an MDS tells us, in the order of its arrival. */
#include "command.h"
#include "reclaim.h"
#include "session_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void session_send_renew(struct session *s, uint64_t seq)
{
	struct msg *msg = msg_new(MSG_CLIENT_SESSION, SESSION_RENEW_VERSION, 1, 0);

	if (!msg)
		return;
	session_encode_renew(&msg->front, seq, session_our_features, mreq_oldest_tid(s->m));
	session_send_msg(s, msg);
}

static void opened(struct session *s, const struct session_msg *sm)
{
	struct meta *m = s->m;
	struct mreq *r;

	if (s->state == SESS_CLOSING)
		return;
	if (sm->features[0]) /* else an older form, which tells none */
		s->features = sm->features[0] & session_our_features;
	if (s->state == SESS_OPEN) /* a rank that imported caps of ours says so, too */
		return;
	s->cap_ttl_ns = s->renew_requested_ns + m->map->session_timeout * 1000000000ull;
	if (s->state == SESS_RECONNECTING) /* the time of the reconnect counts as a renewal */
		s->cap_ttl_ns = ring_now(m->ring) + m->map->session_timeout * 1000000000ull;
	session_publish(s);
	s->state = SESS_OPEN;
	log_emit(m->log, LOG_INFO, "mds.%d: session open", s->rank);
	session_go_on(s);
	reclaim_session_open(s);
	commands_session_open(s);
	while ((r = TAILQ_FIRST(&s->waiting)) != NULL) {
		TAILQ_REMOVE(&s->waiting, r, link);
		mreq_send_to(r, s);
	}
}

static void rejected(struct session *s, const struct session_msg *sm)
{
	int err = (sm->flags & 1) ? -ESHUTDOWN : -EACCES;

	snprintf(s->error, sizeof s->error, "%.*s", (int)sm->error_string.len,
		 (const char *)sm->error_string.p);
	log_fail(s->m->log, err, "mds.%d refused the session: %s%s", s->rank,
		 s->error[0] ? s->error : "no reason given",
		 (sm->flags & 1) ? " (this client is blocklisted)" : "");
	commands_session_over(s, err);
	session_disconnect(s);
	session_drop_caps(s);
	s->state = SESS_REJECTED;
	s->refused = err;
	mreqs_session_over(s->m, s, err, false);
	reclaim_session_lost(s, err);
}

/* It closes its sessions when it has finished all it was asked, and handed its caps to others. */
static bool rank_stopping(const struct session *s)
{
	const struct mdsmap *map = s->m->map;

	return s->state == SESS_OPEN && s->rank < (int)map->rank_count &&
	       map->rank[s->rank].state == MDS_STATE_STOPPING;
}

/* What had to stay because of one reference of the program's, and no more of it than the MDS wants: the
 * program may put it. */
static void ask_program(struct session *s, uint32_t max_caps)
{
	struct meta *m = s->m;
	uint32_t wanted = s->cap_count > max_caps ? s->cap_count - max_caps : 0;
	const struct cap *c;

	if (!m->on_held)
		return;
	TAILQ_FOREACH(c, &s->caps, by_session)
	{
		if (!wanted)
			return;
		if (c->inode == m->root || PUB_GET(c->inode->xref) != 1)
			continue;
		m->on_held(m->arg, c->inode);
		wanted--;
	}
}

/* The MDS wants fewer caps: oldest first, what nothing uses. More than once, because directories go after
 * their children; where an inode must stay, at last its cap goes alone. */
static void recall(struct session *s, uint32_t max_caps)
{
	struct meta *m = s->m;
	struct cap *c, *next;

	m->stats.recalls++;
	caps_give_up_kept(m);
	for (int pass = 0; pass < 3 && s->cap_count > max_caps; pass++) {
		for (c = TAILQ_FIRST(&s->caps); c && s->cap_count > max_caps; c = next) {
			struct inode *i = c->inode;

			next = TAILQ_NEXT(c, by_session);
			if (i->nref || PUB_GET(i->xref))
				continue;
			cache_write_begin(&m->cache);
			if (!inode_forget(m, i) && pass == 2)
				cap_remove(m, c, true);
			cache_write_end(&m->cache);
		}
	}
	ask_program(s, max_caps);
	if (m->on_unmet && s->cap_count > max_caps)
		m->on_unmet(m->arg);
	session_send_releases(s);
}

static void renewed(struct session *s)
{
	struct meta *m = s->m;
	bool was_void = ring_now(m->ring) >= s->cap_ttl_ns;

	s->cap_ttl_ns = s->renew_requested_ns + m->map->session_timeout * 1000000000ull;
	session_publish(s);
	if (was_void)
		caps_renewed(m, s);
}

static void handle_session(struct session *s, const struct msg_in *in)
{
	struct meta *m = s->m;
	struct dec d = dec_init(in->front, in->front_len);
	struct session_msg sm;

	if (session_decode(&d, in->version, &sm)) {
		log_emit(m->log, LOG_ERROR, "mds.%d: broken session message: %s", s->rank, d.what);
		return;
	}
	switch (sm.op) {
	case SESSION_OPEN:
		opened(s, &sm);
		break;
	case SESSION_CLOSE:
		if (s->state != SESS_CLOSING)
			log_emit(m->log, LOG_WARN, "mds.%d closed the session", s->rank);
		session_closed(s, s->state == SESS_CLOSING ? -ESHUTDOWN : 0, rank_stopping(s));
		break;
	case SESSION_REJECT:
		rejected(s, &sm);
		break;
	case SESSION_RENEWCAPS:
		if (sm.seq == s->renew_seq)
			renewed(s);
		break;
	case SESSION_STALE:
		log_emit(m->log, LOG_WARN,
			 "mds.%d: session stale; cached metadata is not trusted until it is renewed",
			 s->rank);
		s->cap_gen++;
		s->cap_ttl_ns = ring_now(m->ring);
		session_publish(s);
		s->renew_requested_ns = s->cap_ttl_ns;
		session_send_renew(s, ++s->renew_seq);
		break;
	case SESSION_RECALL_STATE:
		recall(s, sm.max_caps);
		break;
	case SESSION_FLUSHMSG:
		session_send_releases(s);
		session_send(s, SESSION_FLUSHMSG_ACK, sm.seq);
		break;
	case SESSION_FORCE_RO:
		log_emit(m->log, LOG_WARN, "mds.%d is read-only", s->rank);
		s->read_only = true;
		caps_kick_session(m, s); /* who waits to write waits for nothing */
		break;
	default:
		log_emit(m->log, LOG_WARN, "mds.%d: session message %u ignored", s->rank, sm.op);
	}
}

static void handle_caps(struct session *s, const struct msg_in *in)
{
	struct dec d = dec_init(in->front, in->front_len);
	struct caps_msg c;

	if (caps_decode(&d, in->version, &c)) {
		log_emit(s->m->log, LOG_ERROR, "mds.%d: broken caps message: %s", s->rank, d.what);
		return;
	}
	if (c.xattr_len != in->middle_len) {
		log_emit(s->m->log, LOG_ERROR,
			 "mds.%d: caps of inode %llx: %u bytes of attributes announced, %u came", s->rank,
			 (unsigned long long)c.ino, c.xattr_len, in->middle_len);
		c.xattr_version = 0; /* the bits still count, and a revoke is still answered */
	}
	c.xattrs = (struct slice){ in->middle, in->middle_len };
	c.tid = in->tid;
	caps_handle(s->m, s, &c);
}

/* A revoked lease is answered always, known or not: another client's rename waits for it. */
static void handle_lease(struct session *s, const struct msg_in *in)
{
	struct meta *m = s->m;
	struct dec d = dec_init(in->front, in->front_len);
	struct lease_msg l;
	struct inode *dir;
	struct dentry *dn;
	struct msg *msg;

	if (lease_decode(&d, &l)) {
		log_emit(m->log, LOG_ERROR, "mds.%d: broken lease message: %s", s->rank, d.what);
		return;
	}
	dir = inode_find(&m->cache, l.ino, SNAP_HEAD);
	dn = dir && dir->dir ? dentry_find(&m->cache, dir, (const char *)l.dname.p, l.dname.len) : NULL;
	if (l.action != LEASE_REVOKE)
		return;
	if (dn && dn->lease_rank == s->rank) {
		if ((int32_t)(dn->lease_seq - l.seq) > 0)
			l.seq = dn->lease_seq;
		cache_write_begin(&m->cache);
		PUB_SET(dn->lease_until_ns, 0);
		cache_write_end(&m->cache);
	}
	m->stats.revokes++;
	l.action = LEASE_RELEASE;
	msg = msg_new(MSG_CLIENT_LEASE, 1, 1, 0);
	if (!msg)
		return;
	lease_encode(&msg->front, &l);
	session_send_msg(s, msg);
}

static void handle_quota(struct session *s, const struct msg_in *in)
{
	struct meta *m = s->m;
	struct dec d = dec_init(in->front, in->front_len);
	struct quota_msg q;
	struct inode *i;

	if (quota_decode(&d, &q)) {
		log_emit(m->log, LOG_ERROR, "mds.%d: broken quota message: %s", s->rank, d.what);
		return;
	}
	i = inode_find(&m->cache, q.ino, SNAP_HEAD);
	if (!i)
		return;
	if (i->dir) {
		i->dir->quota_max_bytes = q.max_bytes;
		i->dir->quota_max_files = q.max_files;
		struct dir_attrs a = i->dir->a;

		a.rbytes = q.rbytes;
		a.rfiles = q.rfiles;
		a.rsubdirs = q.rsubdirs;
		a.rctime_ns = q.rctime_ns;
		dir_set_attrs(&m->cache, i->dir, &a);
	}
}

static void handle_snap(struct session *s, const struct msg_in *in)
{
	struct dec d = dec_init(in->front, in->front_len);
	struct snap_msg msg;

	if (snap_decode(&d, &msg))
		realm_fence(s->m, s, -EBADMSG, d.what);
	else
		realm_handle_snap(s->m, s, &msg);
}

void session_message(void *arg, const struct msg_in *in)
{
	struct session *s = arg;
	bool push = false;

	switch (in->type) {
	case MSG_CLIENT_REPLY:
		mreq_handle_reply(s->m, s, in);
		return;
	case MSG_CLIENT_SESSION:
		handle_session(s, in);
		return;
	case MSG_CLIENT_RECLAIM_REPLY:
		reclaim_handle_reply(s, in);
		return;
	case MSG_COMMAND_REPLY:
		commands_handle_reply(s, in);
		return;
	case MSG_CLIENT_FORWARD:
		mreq_handle_forward(s->m, s, in);
		return;
	case MSG_CLIENT_CAPS:
		push = true;
		s->push_seq++;
		handle_caps(s, in);
		break;
	case MSG_CLIENT_LEASE:
		push = true;
		s->push_seq++;
		handle_lease(s, in);
		break;
	case MSG_CLIENT_SNAP:
		push = true;
		s->push_seq++;
		handle_snap(s, in);
		break;
	case MSG_CLIENT_QUOTA:
		push = true;
		s->push_seq++;
		handle_quota(s, in);
		break;
	case MSG_MDS_MAP:
		break; /* an MDS may gossip it; the monitors' copy is the one we follow */
	default:
		log_emit(s->m->log, LOG_DEBUG, "mds.%d: message type %u ignored", s->rank, in->type);
	}
	/* The MDS ignores a close that does not count this push. */
	if (push && s->state == SESS_CLOSING)
		session_send(s, SESSION_REQUEST_CLOSE, s->push_seq);
}
