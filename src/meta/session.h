/* session.h: our session with one MDS rank.
 *
 *   state        next
 *   CLOSED       REQUEST_OPEN sent -> OPENING
 *   OPENING      OPEN -> OPEN; REJECT -> REJECTED
 *   OPEN         map: daemon replaced -> RESTARTING; the messenger session is lost -> RESET; CLOSE -> CLOSED;
 * unmount -> CLOSING RESET        the same daemon takes our connection: REQUEST_OPEN sent -> OPENING; map:
 * daemon replaced -> RESTARTING RESTARTING   map: state >= RECONNECT -> reconnect sent -> RECONNECTING
 *   RECONNECTING OPEN -> OPEN; CLOSE -> CLOSED (denied: caps are gone)
 *   CLOSING      CLOSE -> CLOSED; a push arrives -> close again with the new count
 */
#pragma once
#include "../ring/conn.h"
#include "caps.h"

struct mreq;
struct reply;

enum session_state {
	SESS_CLOSED,
	SESS_OPENING,
	SESS_OPEN,
	SESS_RESET,
	SESS_RESTARTING,
	SESS_RECONNECTING,
	SESS_CLOSING,
	SESS_REJECTED
};
const char *session_state_name(enum session_state s);

/* Numbers for new inodes: delegated.c. */
enum { INO_RANGES_MAX = 32 };
struct ino_ranges {
	struct ino_range {
		uint64_t start, len;
	} range[INO_RANGES_MAX];
	uint32_t count;
};

struct session {
	struct meta *m;
	int rank;
	enum session_state state;
	uint64_t gid; /* of the daemon it was opened against */
	struct entity_addr addr;
	struct conn *conn; /* NULL when closed */
	uint64_t features; /* the MDS's, from OPEN */
	uint64_t snap_seq; /* of the newest snapshot, or removal of one, that it told */
	uint64_t push_seq; /* caps, lease, snap and quota messages received: REQUEST_CLOSE must name it */
	uint64_t renew_seq, renew_requested_ns, cap_ttl_ns;
	uint32_t cap_gen;
	TAILQ_HEAD(, cap) caps; /* oldest first */
	uint32_t cap_count;
	struct msg *releases; /* CAPRELEASE being filled */
	uint32_t release_count;
	size_t release_mark;
	TAILQ_HEAD(, mreq) waiting; /* requests that wait for OPEN */
	uint32_t in_flight;
	uint32_t unsafe_count,
	    unsafe_unasked; /* answered and not safe; of these since the journal was asked for */
	bool read_only;
	bool reconnected; /* a failover: what the new daemon must hear waits until it is active */
	struct ino_ranges delegated;
	int refused;     /* SESS_REJECTED: what its requests are told, negative */
	char error[128]; /* words of a REJECT */
};

struct session *session_find(struct meta *m, int rank);
/* Finds, or makes one and begins to open it. NULL: no memory or no such daemon. */
struct session *session_open(struct meta *m, int rank);
/* One renewal for every open session, in one pass: they leave together at the end of the turn. */
void sessions_renew(struct meta *m);
void sessions_map_changed(struct meta *m);
/* Sends queued cap releases of all sessions. */
void sessions_send_releases(struct meta *m);
void session_send_releases(struct session *s);
/* Takes `msg`; without a connection there is nobody to tell. */
void session_send_msg(struct session *s, struct msg *msg);
void session_queue_release(struct session *s, const struct cap *c);
/* Lets the MDS write its journal now, and not within the next seconds: for those who wait for it. */
void session_flush_mdlog(struct session *s);
/* Closes politely; -> CLOSED later. */
void session_close(struct session *s);
void session_free(struct session *s);
/* 0: none is left. One that was not used is given back. */
uint64_t inos_take(struct ino_ranges *d);
void inos_give(struct ino_ranges *d, uint64_t ino);
void inos_add(struct ino_ranges *d, uint64_t start, uint64_t len);
/* What a reply to CREATE delegates, kept only for asynchronous creates. */
void session_take_delegated(struct session *s, const struct reply *rep);
static inline bool session_caps_valid(const struct session *s, uint32_t gen, uint64_t now_ns)
{
	return gen == s->cap_gen && now_ns < s->cap_ttl_ns;
}
