/* request.c: see request.h.
 *
 *   NEW --choose--> WAIT_MAP (no active rank) --map--> choose again
 *               \-> WAIT_SESSION --OPEN--> SENT --reply--> done
 *                                            |--forward--> NEW, to the named rank
 *                                            |--session over--> NEW
 */
#include "meta.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { FORWARDS_MAX = 64, ATTEMPTS_MAX = 255 /* head v1 counts them in a byte */ };

struct mreq *mreq_new(struct meta *m, uint32_t op, struct inode *base, const char *path, uint32_t path_len)
{
	struct mreq *r;

	if (m->request_count >= META_REQUESTS_MAX)
		return NULL;
	r = slab_get(&m->mreqs);
	if (!r)
		return NULL;
	r->path = path_len <= MREQ_PATH_INLINE ? r->inline_path : mem_alloc(path_len);
	if (!r->path) {
		slab_put(&m->mreqs, r);
		return NULL;
	}
	if (path_len)
		memcpy(r->path, path, path_len);
	r->path_len = path_len;
	r->m = m;
	r->op = op;
	r->gids = r->inline_gids;
	r->base = base ? inode_get(base) : NULL;
	r->forced_rank = -1;
	m->request_count++;
	return r;
}

int mreq_set_cred(struct mreq *r, const struct cephring_cred *cred)
{
	r->uid = cred->uid;
	r->gid = cred->gid;
	if (cred->ngroups > sizeof r->inline_gids / sizeof *r->inline_gids) {
		r->gids = mem_alloc(cred->ngroups * sizeof *r->gids);
		if (!r->gids) {
			r->gids = r->inline_gids;
			return -ENOMEM;
		}
	}
	if (cred->ngroups)
		memcpy(r->gids, cred->groups, cred->ngroups * sizeof *r->gids);
	r->gid_count = cred->ngroups;
	return 0;
}

static void mreq_free(struct mreq *r)
{
	struct meta *m = r->m;

	if (r->path != r->inline_path)
		mem_free(r->path, 0);
	if (r->gids != r->inline_gids)
		mem_free(r->gids, 0);
	mem_free(r->path2, 0);
	inode_put(m, r->base);
	m->request_count--;
	slab_put(&m->mreqs, r);
}

static void mreq_answered(struct mreq *r)
{
	r->session->in_flight--;
	ring_expect(r->m->ring, -1);
}

/* Off every list; the tid is free. */
static void mreq_unpark(struct mreq *r)
{
	struct meta *m = r->m;

	if (r->state == MREQ_WAIT_SESSION)
		TAILQ_REMOVE(&r->session->waiting, r, link);
	else if (r->state == MREQ_WAIT_MAP)
		TAILQ_REMOVE(&m->wait_map, r, link);
	else if (r->state == MREQ_FAILED)
		TAILQ_REMOVE(&m->failing, r, link);
	else if (r->state == MREQ_SENT)
		mreq_answered(r);
	r->state = MREQ_NEW;
}

static void mreq_complete(struct mreq *r, int result, const struct reply *rep)
{
	struct meta *m = r->m;

	mreq_unpark(r);
	tid_take(&m->requests, r->id.tid);
	TAILQ_REMOVE(&m->in_order, r, order);
	if (r->done)
		r->done(r, result, rep);
	mreq_free(r);
}

static void fail_run(struct ring_task *t)
{
	struct meta *m = (struct meta *)((char *)t - offsetof(struct meta, fail_task));
	struct mreq *r;

	while ((r = TAILQ_FIRST(&m->failing)) != NULL)
		mreq_complete(r, r->failed, NULL);
}

/* What fails while it is being made is told at the end of the turn, never from inside the maker's call. */
static void mreq_fail_later(struct mreq *r, int err)
{
	struct meta *m = r->m;

	mreq_unpark(r);
	r->state = MREQ_FAILED;
	r->failed = err;
	TAILQ_INSERT_TAIL(&m->failing, r, link);
	m->fail_task.fn = fail_run;
	ring_defer(m->ring, &m->fail_task);
}

void mreq_abandon(struct mreq *r)
{
	r->done = NULL;
	r->arg = NULL;
	if (!r->id.tid) { /* never submitted */
		mreq_free(r);
		return;
	}
	/* Never sent: nobody will answer. */
	if (r->state != MREQ_SENT)
		mreq_complete(r, -ECANCELED, NULL);
}

uint64_t mreq_oldest_tid(struct meta *m)
{
	struct mreq *r = TAILQ_FIRST(&m->in_order);

	return r ? r->id.tid : 0;
}

void mreqs_fail_all(struct meta *m, int err)
{
	struct mreq *r;

	while ((r = TAILQ_FIRST(&m->in_order)) != NULL)
		mreq_complete(r, err, NULL);
}

void meta_each_request(struct meta *m, void (*fn)(void *arg, struct mreq *r), void *arg)
{
	struct mreq *r;

	TAILQ_FOREACH(r, &m->in_order, order)
	fn(arg, r);
}

/* ---- sending ---- */

void mreq_send_to(struct mreq *r, struct session *s)
{
	struct meta *m = r->m;
	unsigned head = request_head_version(s->features);
	struct mds_request q = {
		.oldest_tid = mreq_oldest_tid(m),
		.mdsmap_epoch = m->map->epoch,
		.flags = r->want_dentry ? MDS_FLAG_WANT_DENTRY : 0,
		.num_retry = r->attempts,
		.num_fwd = r->num_fwd,
		.op = r->op,
		.uid = r->uid,
		.gid = r->gid,
		.ino1 = r->base ? r->base->key.ino : r->base_ino,
		.path1 = r->path,
		.path1_len = r->path_len,
		.path2 = r->path2,
		.path2_len = r->path2_len,
		.stamp_ns = ring_wall(m->ring),
		.gids = r->gids,
		.gid_count = r->gid_count,
		.owner_uid = -1,
		.owner_gid = -1,
	};
	struct msg *msg;
	uint16_t version = 0;

	if (r->attempts > ATTEMPTS_MAX) {
		mreq_fail_later(r,
				log_fail(m->log, -EMULTIHOP, "request %llu (%s): given up after %u attempts",
					 (unsigned long long)r->id.tid, mds_op_name(r->op), r->attempts));
		return;
	}
	memcpy(q.args, r->args, sizeof q.args);
	msg = msg_new(MSG_CLIENT_REQUEST, 0, 1, r->id.tid);
	if (msg)
		request_encode(&msg->front, &q, head, &version);
	if (!msg || msg->front.err) {
		int err = msg ? msg->front.err : -ENOMEM;

		msg_free(msg);
		mreq_fail_later(r, err);
		return;
	}
	msg->version = version;
	r->state = MREQ_SENT;
	r->session = s;
	r->sent_ns = ring_now(m->ring);
	s->in_flight++;
	ring_expect(m->ring, 1);
	m->stats.requests++;
	if (r->attempts++)
		m->stats.resends++;
	session_send_msg(s, msg);
}

void mreq_kick(struct mreq *r)
{
	struct meta *m = r->m;
	int rank = m->map ? mreq_choose_rank(r) : -1;
	struct session *s = rank >= 0 ? session_open(m, rank) : NULL;

	mreq_unpark(r);
	if (!s && m->fs_gone) {
		mreq_fail_later(r, -ESHUTDOWN);
		return;
	}
	if (!s) {
		r->state = MREQ_WAIT_MAP;
		TAILQ_INSERT_TAIL(&m->wait_map, r, link);
		return;
	}
	r->session = s;
	if (s->state == SESS_REJECTED) {
		mreq_fail_later(r, s->refused);
	} else if (s->state == SESS_OPEN) {
		mreq_send_to(r, s);
	} else {
		/* Never before the OPEN reply: older MDSs abort on it. */
		r->state = MREQ_WAIT_SESSION;
		TAILQ_INSERT_TAIL(&s->waiting, r, link);
	}
}

void mreq_submit(struct mreq *r)
{
	struct meta *m = r->m;

	r->id.tid = ++m->last_tid;
	TAILQ_INSERT_TAIL(&m->in_order, r, order);
	if (tid_put(&m->requests, &r->id)) {
		mreq_fail_later(r, -ENOMEM);
		return;
	}
	mreq_kick(r);
}

void mreqs_fail_waiting(struct meta *m, int err)
{
	struct mreq *r;

	while ((r = TAILQ_FIRST(&m->wait_map)) != NULL)
		mreq_fail_later(r, err);
}

void mreqs_kick_waiting(struct meta *m)
{
	struct mreq *r, *next, *last = TAILQ_LAST(&m->wait_map, mreq_wait);

	for (r = TAILQ_FIRST(&m->wait_map); r; r = next) {
		next = r == last ? NULL : TAILQ_NEXT(r, link);
		mreq_kick(r);
	}
}

void mreqs_session_over(struct meta *m, struct session *s, int err)
{
	struct mreq *r, *next;

	for (r = TAILQ_FIRST(&m->in_order); r; r = next) {
		next = TAILQ_NEXT(r, order);
		if (r->session != s || (r->state != MREQ_SENT && r->state != MREQ_WAIT_SESSION))
			continue;
		mreq_unpark(r);
		r->session = NULL;
		if (err || (!r->done && m->stopping)) {
			mreq_complete(r, err ? err : -ECANCELED, NULL);
			next = TAILQ_FIRST(&m->in_order); /* a continuation may have changed the list */
			continue;
		}
		r->forced_rank = -1;
		r->state = MREQ_WAIT_MAP;
		TAILQ_INSERT_TAIL(&m->wait_map, r, link);
	}
}

/* ---- answers ---- */

static struct mreq *mreq_of(struct meta *m, struct session *s, uint64_t tid)
{
	struct mreq *r = (struct mreq *)tid_find(&m->requests, tid);

	return r && r->state == MREQ_SENT && r->session == s ? r : NULL;
}

void mreq_handle_reply(struct meta *m, struct session *s, const struct msg_in *in)
{
	struct mreq *r = mreq_of(m, s, in->tid);
	struct dec d = dec_init(in->front, in->front_len);
	struct reply *rep = &m->reply;
	int err;

	m->stats.replies++;
	if (reply_decode(&d, rep)) {
		log_fail(m->log, -EBADMSG, "mds.%d: broken reply to request %llu: %s", s->rank,
			 (unsigned long long)in->tid, d.what);
		if (r)
			mreq_complete(r, -EBADMSG, NULL);
		return;
	}
	if (!r) {
		log_emit(m->log, LOG_DEBUG, "mds.%d: reply to unknown request %llu", s->rank,
			 (unsigned long long)in->tid);
		return;
	}
	r->from = s;
	err = trace_insert(m, s, r, rep);
	/* An inode unknown where we asked, though the authority was not asked: ask there once. */
	if (rep->result == -ESTALE && r->base && !r->stale_retries++ && cap_auth(r->base) &&
	    cap_auth(r->base)->session != s) {
		r->need_auth = true;
		mreq_kick(r);
		return;
	}
	mreq_complete(r, rep->result ? rep->result : err, rep);
	if (m->cache.bytes > m->cache.limit)
		cache_trim(m);
}

void mreq_handle_forward(struct meta *m, struct session *s, const struct msg_in *in)
{
	struct dec d = dec_init(in->front, in->front_len);
	struct mreq *r = mreq_of(m, s, in->tid);
	struct forward_msg f;

	if (forward_decode(&d, &f)) {
		log_fail(m->log, -EBADMSG, "mds.%d: broken forward: %s", s->rank, d.what);
		return;
	}
	if (!r)
		return;
	m->stats.forwards++;
	if (f.num_fwd <= r->num_fwd || f.num_fwd > FORWARDS_MAX) {
		log_fail(m->log, -EMULTIHOP, "request %llu (%s): forwarded in circles",
			 (unsigned long long)in->tid, mds_op_name(r->op));
		mreq_complete(r, -EMULTIHOP, NULL);
		return;
	}
	r->num_fwd = f.num_fwd;
	r->attempts = 0;
	r->forced_rank = f.dest;
	if (!r->done) { /* nobody waits */
		mreq_complete(r, -ECANCELED, NULL);
		return;
	}
	mreq_kick(r);
}
