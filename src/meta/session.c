/* session.c: the life of a session; see session.h for its states. session_msg.c answers what arrives. */
#include "command.h"
#include "reclaim.h"
#include "session_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What we implement, and nothing else (doc/protocol.md 4.2): releases up to mimic (0-8), REPLY_ENCODING 9,
 * RECLAIM_CLIENT 10, LAZY_CAP_WANTED 11, MULTI_RECONNECT 12, DELEG_INO 13, ALTERNATE_NAME 15, OP_GETVXATTR
 * 17, 32BITS_RETRY_FWD 18, NEW_SNAPREALM_INFO 19, HAS_OWNER_UIDGID 20. */
const uint64_t session_our_features = 0x1ff | 1u << 9 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 15 |
				      1u << 17 | 1u << 18 | 1u << 19 | 1u << 20;

const char *session_state_name(enum session_state s)
{
	static const char *const names[] = { "closed",     "opening",      "open",    "reset",
					     "restarting", "reconnecting", "closing", "rejected" };

	return names[s];
}

struct session *session_find(struct meta *m, int rank)
{
	return rank >= 0 && rank < MDS_RANK_MAX ? m->session[rank] : NULL;
}

/* ---- connection ---- */

static struct conn_auth *on_auth(void *arg)
{
	struct session *s = arg;

	return mon_service_auth(s->m->mon, ENTITY_MDS);
}

static void on_ready(void *arg, bool resumed)
{
	struct session *s = arg;

	log_emit(s->m->log, LOG_DEBUG, "mds.%d: connection %s", s->rank, resumed ? "resumed" : "up");
	if (s->state != SESS_RESET)
		return;
	log_emit(s->m->log, LOG_WARN,
		 "mds.%d: the daemon does not know us any more; opening the session anew", s->rank);
	session_drop_caps(s);
	mreqs_session_over(s->m, s, 0, false);
	s->push_seq = 0;
	session_send_open(s);
	mreqs_kick_waiting(s->m);
}

/* Somebody at the MDS's address forgot the messenger session. Either the daemon that we knew, which threw us
 * out: it takes our connection again and gets a new OPEN. Or one that was started in its place: it hangs up
 * on an identity that asks for another daemon, the map will name it, and it then wants to hear what we hold.
 * Until one of them is seen, nothing granted is used and nothing is thrown away. */
static void on_reset(void *arg)
{
	struct session *s = arg;

	log_emit(s->m->log, LOG_WARN, "mds.%d: the daemon reset the connection", s->rank);
	if (s->state == SESS_CLOSING) {
		session_closed(s, -ESHUTDOWN, false);
		return;
	}
	commands_session_over(s, -ETIMEDOUT);
	s->cap_gen++;
	session_publish(s);
	mreqs_session_suspended(s->m, s);
	if (s->state == SESS_OPENING) /* nothing granted, nothing to tell */
		session_send_open(s);
	else
		s->state = SESS_RESET;
	mreqs_kick_waiting(s->m);
}

static void on_fault(void *arg, int err, const char *why)
{
	struct session *s = arg;

	snprintf(s->error, sizeof s->error, "%s", why);
	log_fail(s->m->log, err, "mds.%d: connection failed for good: %s", s->rank, why);
	commands_session_over(s, err);
	session_disconnect(s);
	session_drop_caps(s);
	if (s->state == SESS_CLOSING)
		session_closed(s, err, false);
	else {
		s->state = SESS_REJECTED;
		s->refused = err;
		mreqs_session_over(s->m, s, err, false);
		reclaim_session_lost(s, err);
	}
}

static const struct conn_ops session_conn_ops = {
	.ready = on_ready,
	.message = session_message,
	.reset = on_reset,
	.fault = on_fault,
	.auth = on_auth,
};

void session_disconnect(struct session *s)
{
	if (!s->conn)
		return;
	commands_session_over(s, -ETIMEDOUT);
	mon_auth_forget(s->m->mon, s->conn);
	conn_free(s->conn);
	s->conn = NULL;
	msg_free(s->releases);
	s->releases = NULL;
	s->release_count = 0;
	s->delegated.count = 0;
}

static int session_connect(struct session *s)
{
	struct meta *m = s->m;
	const struct mds_info *info = &m->map->rank[s->rank];
	char name[32];
	struct conn_opts o = {
		.peer_type = ENTITY_MDS,
		.peer = info->addr,
		.peer_name = name,
		.mode_count = m->o.mode_count,
		.nonce = m->o.nonce,
		.global_seq = mon_global_seq(m->mon),
		.global_id = mon_global_id(m->mon),
		.keepalive_ns = m->o.keepalive_ns,
		.dead_ns = m->o.dead_ns,
		.lossy = false,
	};
	int err;

	memcpy(o.modes, m->o.modes, sizeof o.modes);
	snprintf(name, sizeof name, "mds.%d", s->rank);
	session_disconnect(s);
	err = conn_new(m->ring, m->log, &o, &session_conn_ops, s, &s->conn);
	if (err) {
		s->conn = NULL;
		return log_fail(m->log, err, "mds.%d: cannot connect", s->rank);
	}
	mon_auth_wait(m->mon, s->conn);
	s->gid = info->gid;
	s->addr = info->addr;
	s->push_seq = 0;
	return 0;
}

void session_send_msg(struct session *s, struct msg *msg)
{
	if (s->conn)
		conn_send(s->conn, msg);
	else
		msg_free(msg);
}

void session_send(struct session *s, uint32_t op, uint64_t seq)
{
	struct msg *msg = msg_new(MSG_CLIENT_SESSION, 1, 1, 0);

	if (!msg)
		return;
	session_encode(&msg->front, op, seq);
	session_send_msg(s, msg);
}

void session_flush_mdlog(struct session *s)
{
	s->unsafe_unasked = 0;
	if (s->state == SESS_OPEN)
		session_send(s, SESSION_REQUEST_FLUSH_MDLOG, 0);
}

void session_send_open(struct session *s)
{
	struct meta *m = s->m;
	const struct session_kv all[] = {
		{ "client_version", "cephring" },
		{ "entity_id", m->o.entity_id },
		{ "hostname", m->o.hostname },
		{ "pid", m->o.pid },
		{ "root", m->o.root },
		{ "uuid", m->o.uuid },
		{ "timeout", m->o.timeout },
	};
	struct session_kv kv[sizeof all / sizeof *all];
	unsigned count = 0;
	struct msg *msg = msg_new(MSG_CLIENT_SESSION, SESSION_OPEN_VERSION, 1, 0);

	s->state = SESS_OPENING;
	s->renew_requested_ns = ring_now(m->ring);
	if (!msg)
		return; /* the renewal timer tries again */
	for (unsigned n = 0; n < sizeof all / sizeof *all; n++)
		if (all[n].value)
			kv[count++] = all[n];
	session_encode_open(&msg->front, kv, count, session_our_features);
	session_send_msg(s, msg);
}

struct session *session_open(struct meta *m, int rank)
{
	struct session *s = session_find(m, rank);

	if (s && s->state != SESS_CLOSED && !(s->state == SESS_REJECTED && !m->closing))
		return s;
	if (!m->map || rank < 0 || rank >= (int)m->map->rank_count || !m->map->rank[rank].present ||
	    m->closing)
		return NULL;
	if (!s) {
		s = mem_alloc(sizeof *s);
		if (!s)
			return NULL;
		s->m = m;
		s->rank = rank;
		s->cap_gen = 1;
		TAILQ_INIT(&s->caps);
		TAILQ_INIT(&s->waiting);
		m->session[rank] = s;
	}
	if (s->state == SESS_REJECTED) /* a refusal stands until the map changes */
		return s;
	if (session_connect(s))
		return NULL;
	session_send_open(s);
	return s;
}

/* ---- ends ---- */

void session_drop_caps(struct session *s)
{
	struct cap *c;

	while ((c = TAILQ_FIRST(&s->caps)) != NULL) {
		if (c->auth && !s->m->stopping)
			locks_lost(s->m, c->inode);
		cap_remove(s->m, c, false);
	}
	s->cap_gen++;
	session_publish(s);
}

void session_closed(struct session *s, int err, bool clean)
{
	struct meta *m = s->m;

	session_disconnect(s);
	session_drop_caps(s);
	s->state = SESS_CLOSED;
	mreqs_session_over(m, s, err, clean);
	if (m->stopping)
		meta_check_stopped(m);
	if (!m->closing)
		mreqs_kick_waiting(m);
}

void session_close(struct session *s)
{
	switch (s->state) {
	case SESS_OPEN:
		s->state = SESS_CLOSING;
		session_send(s, SESSION_REQUEST_CLOSE, s->push_seq);
		break;
	case SESS_CLOSING:
		break;
	default: /* nothing granted there that a close could give back */
		session_closed(s, -ESHUTDOWN, false);
	}
}

void session_free(struct session *s)
{
	session_disconnect(s);
	session_drop_caps(s);
	s->m->session[s->rank] = NULL;
	mem_free(s, 0);
}

/* ---- renewals ---- */

void sessions_renew(struct meta *m)
{
	uint64_t now = ring_now(m->ring), timeout = (m->map ? m->map->session_timeout : 60) * 1000000000ull;

	for (int r = 0; m->map && r < MDS_RANK_MAX; r++) {
		struct session *s = m->session[r];

		if (!s)
			continue;
		if (s->state == SESS_OPEN && s->conn && r < (int)m->map->rank_count &&
		    m->map->rank[r].state >= MDS_STATE_RECONNECT) {
			s->renew_requested_ns = now;
			session_send_renew(s, ++s->renew_seq);
			m->stats.renewals++;
		} else if (s->state == SESS_OPENING && s->conn && now - s->renew_requested_ns > timeout) {
			session_send_open(s);
		}
	}
}

/* ---- releases ---- */

void session_queue_release(struct session *s, const struct cap *c)
{
	struct cap_release item = { c->inode->key.ino, c->cap_id, c->mseq, c->issue_seq };
	struct meta *m = s->m;

	if (!s->conn || s->state != SESS_OPEN)
		return; /* the grant dies with the session */
	if (!s->releases) {
		s->releases = msg_new(MSG_CLIENT_CAPRELEASE, CAPRELEASE_VERSION, 1, 0);
		if (!s->releases)
			return;
		s->release_mark = caprelease_begin(&s->releases->front);
		s->release_count = 0;
	}
	caprelease_item(&s->releases->front, &item);
	m->stats.releases++;
	if (++s->release_count >= CAP_RELEASE_BATCH)
		session_send_releases(s);
	else if (!m->release_timer.slot)
		ring_timer_set(m->ring, &m->release_timer,
			       ring_now(m->ring) + CAP_RELEASE_DELAY_MS * 1000000ull);
}

void session_send_releases(struct session *s)
{
	struct msg *msg = s->releases;

	if (!msg)
		return;
	s->releases = NULL;
	caprelease_end(&msg->front, s->release_mark, s->release_count, s->m->osd_epoch_barrier);
	session_send_msg(s, msg);
}

void sessions_send_releases(struct meta *m)
{
	for (int r = 0; r < MDS_RANK_MAX; r++)
		if (m->session[r])
			session_send_releases(m->session[r]);
}

/* ---- the map changed ---- */

/* After a failover requests of the old daemon are replayed first; caps wait until the rank is active. */
void session_go_on(struct session *s)
{
	const struct mdsmap *map = s->m->map;

	if (s->state != SESS_OPEN)
		return;
	if (!s->reconnected) {
		caps_kick_session(s->m, s);
	} else if (s->rank < (int)map->rank_count && map->rank[s->rank].state >= MDS_STATE_ACTIVE) {
		s->reconnected = false;
		caps_kick_reconnected(s->m, s);
	}
}

static void session_reconnect(struct session *s)
{
	struct meta *m = s->m;

	if (session_connect(s))
		return;
	log_emit(m->log, LOG_INFO, "mds.%d: taken over by gid %llu; reconnecting with %u caps", s->rank,
		 (unsigned long long)s->gid, s->cap_count);
	s->state = SESS_RECONNECTING;
	s->read_only = false;
	s->reconnected = true;
	s->cap_gen++;
	session_publish(s);
	unsafe_replay(m, s);
	reconnect_send(s);
}

static void session_map_changed(struct session *s, const struct mds_info *info)
{
	struct meta *m = s->m;

	if (s->state == SESS_REJECTED)
		s->state = SESS_CLOSED; /* another try may go better */
	if (s->state == SESS_CLOSED)
		return;
	if (s->state != SESS_RESTARTING &&
	    (!info->present || info->gid != s->gid || !addr_equal(&info->addr, &s->addr))) {
		log_emit(m->log, LOG_WARN, "mds.%d: daemon %llu is gone from the map", s->rank,
			 (unsigned long long)s->gid);
		session_disconnect(s);
		if (s->state == SESS_CLOSING) {
			session_closed(s, -ESHUTDOWN, false);
			return;
		}
		/* A session that never opened has nothing to reconnect. */
		s->state = s->state == SESS_OPENING ? SESS_CLOSED : SESS_RESTARTING;
		mreqs_session_suspended(m, s);
	}
	if (s->reconnected)
		session_go_on(s);
	if (s->state != SESS_RESTARTING || !info->present)
		return;
	if (info->state == MDS_STATE_RECONNECT) {
		session_reconnect(s);
	} else if (info->state > MDS_STATE_RECONNECT) {
		log_emit(m->log, LOG_WARN, "mds.%d: its reconnect window has passed; caps are dropped",
			 s->rank);
		session_closed(s, 0, false);
	}
}

/* The rank does not exist any more: its daemon handed all it had to others before it stopped. */
static void session_rank_gone(struct session *s)
{
	if (s->state == SESS_CLOSED)
		return;
	log_emit(s->m->log, LOG_INFO, "mds.%d: the rank is gone", s->rank);
	session_closed(s, 0, true);
}

void sessions_map_changed(struct meta *m)
{
	for (int r = 0; r < MDS_RANK_MAX; r++) {
		if (!m->session[r])
			continue;
		if (r < (int)m->map->rank_count)
			session_map_changed(m->session[r], &m->map->rank[r]);
		else
			session_rank_gone(m->session[r]);
	}
}
