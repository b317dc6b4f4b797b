/* mon_request.c: questions to the monitor: the newest version of a map, the space of the cluster.
 *
 * Read only, so they are sent again to every new session without care; a monitor leaves what it does not
 * understand unanswered, so the timeout is the only end that is certain.
 */
#include "mon_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { KIND_VERSION, KIND_STATFS };
enum { GET_VERSION_VERSION = 1, STATFS_VERSION = 2 };

static void arm(struct mon *m)
{
	uint64_t at = UINT64_MAX;

	for (struct mon_request *q = m->requests; q; q = q->next)
		if (q->deadline_ns && q->deadline_ns < at)
			at = q->deadline_ns;
	if (at == UINT64_MAX)
		ring_timer_clear(m->ring, &m->request_timer);
	else
		ring_timer_set(m->ring, &m->request_timer, at);
}

static void send(struct mon *m, struct mon_request *q)
{
	struct msg *msg;

	if (q->kind == KIND_VERSION) {
		msg = mon_msg(m, MSG_MON_GET_VERSION, GET_VERSION_VERSION, q->handle);
		if (msg)
			version_encode(&msg->front, q->handle, q->what);
	} else {
		msg = m->monmap.epoch ? mon_msg(m, MSG_STATFS, STATFS_VERSION, q->handle) : NULL;
		if (msg)
			statfs_encode(&msg->front, m->monmap.fsid, q->pool);
	}
	if (!msg)
		return; /* until there is a session, and for statfs the monmap, which knows the fsid */
	q->sent_ns = ring_now(m->ring);
	mon_send(m, msg);
}

static int submit(struct mon *m, struct mon_request *q, uint64_t timeout_ns)
{
	if (m->failed)
		return -ENOTCONN;
	if (m->request_count == MON_REQUESTS_MAX)
		return -EAGAIN;
	q->handle = ++m->last_handle;
	q->next = NULL;
	q->sent_ns = 0;
	q->deadline_ns = timeout_ns ? ring_now_fresh(m->ring) + timeout_ns : 0;
	*m->requests_end = q;
	m->requests_end = &q->next;
	m->request_count++;
	arm(m);
	send(m, q);
	return 0;
}

int mon_getversion(struct mon *m, struct mon_request *q, const char *what, uint64_t timeout_ns)
{
	if (!what[0] || strlen(what) >= sizeof q->what)
		return -EINVAL;
	q->kind = KIND_VERSION;
	snprintf(q->what, sizeof q->what, "%s", what);
	memset(&q->version, 0, sizeof q->version);
	return submit(m, q, timeout_ns);
}

int mon_statfs(struct mon *m, struct mon_request *q, int64_t data_pool, uint64_t timeout_ns)
{
	q->kind = KIND_STATFS;
	q->pool = data_pool;
	memset(&q->statfs, 0, sizeof q->statfs);
	return submit(m, q, timeout_ns);
}

/* Unlinks; false: not there (any more). */
static bool take(struct mon *m, struct mon_request *q)
{
	for (struct mon_request **p = &m->requests; *p; p = &(*p)->next)
		if (*p == q) {
			*p = q->next;
			if (!q->next)
				m->requests_end = p;
			m->request_count--;
			return true;
		}
	return false;
}

void mon_request_cancel(struct mon *m, struct mon_request *q)
{
	if (take(m, q))
		arm(m);
}

static void end(struct mon *m, struct mon_request *q, int err)
{
	take(m, q);
	arm(m);
	q->done(q, err);
}

static struct mon_request *find(struct mon *m, int kind, uint64_t handle)
{
	for (struct mon_request *q = m->requests; q; q = q->next)
		if (q->kind == kind && q->handle == handle)
			return q;
	return NULL;
}

int mon_request_message(struct mon *m, const struct msg_in *in)
{
	struct dec d = dec_init(in->front, in->front_len);
	struct version_reply v;
	struct statfs_reply s;
	struct mon_request *q;

	if (in->type == MSG_STATFS_REPLY) {
		if (statfs_reply_decode(&d, &s))
			return -EBADMSG;
		q = find(m, KIND_STATFS, in->tid);
		if (q)
			q->statfs = s;
	} else {
		if (version_reply_decode(&d, &v))
			return -EBADMSG;
		q = find(m, KIND_VERSION, v.handle);
		if (q)
			q->version = v;
	}
	if (q) /* else it was cancelled, or answered by the session before */
		end(m, q, 0);
	return 0;
}

void mon_requests_send(struct mon *m, bool again)
{
	for (struct mon_request *q = m->requests; q; q = q->next)
		if (again || !q->sent_ns)
			send(m, q);
}

void mon_requests_end(struct mon *m, int err)
{
	while (m->requests)
		end(m, m->requests, err);
	ring_timer_clear(m->ring, &m->request_timer);
}

void mon_on_request_timer(struct ring_timer *timer)
{
	struct mon *m = (struct mon *)((char *)timer - offsetof(struct mon, request_timer));
	uint64_t now = ring_now(m->ring);
	struct mon_request *q;

	mon_enter(m);
	do {
		for (q = m->requests; q; q = q->next)
			if (q->deadline_ns && q->deadline_ns <= now)
				break;
		if (q) {
			log_emit(m->log, LOG_WARN, "mon: no answer in time to %s%s",
				 q->kind == KIND_STATFS ? "statfs" : "get_version ",
				 q->kind == KIND_STATFS ? "" : q->what);
			end(m, q, -ETIMEDOUT);
		}
	} while (q && !m->dead);
	if (!m->dead)
		arm(m);
	mon_leave(m);
}
