/* request_reply.c: what MDSs answer to requests, in the order of arrival.
 *
 *   registered as   reply    effect
 *   SENT            unsafe   into the cache, done; UNSAFE
 *   SENT            safe     into the cache, done, freed
 *   UNSAFE          unsafe   a duplicate: nothing
 *   UNSAFE          safe     freed; it carries no trace
 *   other session's, or not at all: nothing
 */
#include "meta.h"
#include "request_impl.h"

#include <errno.h>

enum { FORWARDS_MAX = 64 };

/* An inode unknown where we asked, though the authority was not asked: ask there once. */
static bool ask_authority(struct mreq *r, const struct session *s)
{
	if (!r->base || r->stale_retries++ || !cap_auth(r->base) || cap_auth(r->base)->session == s)
		return false;
	r->need_auth = true;
	r->forced_rank = -1;
	mreq_kick(r);
	return true;
}

static void now_unsafe(struct mreq *r, const struct reply *rep)
{
	struct meta *m = r->m;

	mreq_answered(r);
	r->state = MREQ_UNSAFE;
	m->stats.unsafe++;
	m->unsafe_count++;
	unsafe_count_at(r->session);
	if (!r->created_ino && rep->is_target)
		r->created_ino = rep->target.ino;
	unsafe_add(r);
}

static void first_reply(struct mreq *r, struct session *s, const struct reply *rep)
{
	struct meta *m = r->m;
	int err;

	r->from = s;
	cache_write_begin(&m->cache);
	if (rep->snaptrace.len)
		realm_trace(m, s, rep->snaptrace); /* a broken one ends all writing, and not what was asked */
	err = trace_insert(m, s, r, rep);
	if (r->traced && r->done)
		r->traced(r, rep->result ? rep->result : err);
	cache_write_end(&m->cache);
	if (rep->result == -ESTALE && ask_authority(r, s))
		return;
	session_take_delegated(s, rep);
	/* A daemon that took over and finds it done by the one before says so and no more: what was known of
	 * the names is from before. */
	if (r->aborted || (!rep->result && !rep->is_dentry && mreq_is_write(r)))
		mreq_forget_names(r);
	if (rep->safe) {
		mreq_complete(r, rep->result ? rep->result : err, rep);
	} else {
		now_unsafe(r, rep);
		mreq_tell(r, rep->result ? rep->result : err, rep);
	}
	if (m->cache.bytes > m->cache.limit)
		cache_trim(m);
}

/* A replay may fail where the original did not: the change that everybody saw is gone. */
static void safe_reply(struct mreq *r, const struct reply *rep)
{
	if (!rep->safe)
		return;
	if (rep->result < 0)
		unsafe_failed(r, rep->result);
	mreq_complete(r, rep->result, rep);
}

void mreq_handle_reply(struct meta *m, struct session *s, const struct msg_in *in)
{
	struct mreq *r = (struct mreq *)tid_find(&m->requests, in->tid);
	struct dec d = dec_init(in->front, in->front_len);
	struct reply *rep = &m->reply;

	m->stats.replies++;
	if (r && (r->session != s || (r->state != MREQ_SENT && r->state != MREQ_UNSAFE)))
		r = NULL;
	if (reply_decode(&d, rep)) {
		log_fail(m->log, -EBADMSG, "mds.%d: broken reply to request %llu: %s", s->rank,
			 (unsigned long long)in->tid, d.what);
		if (r && r->state == MREQ_UNSAFE)
			unsafe_failed(r, -EBADMSG);
		if (r)
			mreq_complete(r, -EBADMSG, NULL);
		return;
	}
	if (!r)
		log_emit(m->log, LOG_DEBUG, "mds.%d: reply to unknown request %llu", s->rank,
			 (unsigned long long)in->tid);
	else if (r->state == MREQ_UNSAFE)
		safe_reply(r, rep);
	else
		first_reply(r, s, rep);
}

void mreq_handle_forward(struct meta *m, struct session *s, const struct msg_in *in)
{
	struct mreq *r = (struct mreq *)tid_find(&m->requests, in->tid);
	struct dec d = dec_init(in->front, in->front_len);
	struct forward_msg f;

	if (forward_decode(&d, &f)) {
		log_fail(m->log, -EBADMSG, "mds.%d: broken forward: %s", s->rank, d.what);
		return;
	}
	if (!r || r->session != s || r->state != MREQ_SENT)
		return;
	m->stats.forwards++;
	/* It was not carried out there, so whatever follows begins anew. */
	mreq_unpark(r);
	if (f.num_fwd <= r->num_fwd || f.num_fwd > FORWARDS_MAX) {
		log_fail(m->log, -EMULTIHOP, "request %llu (%s): forwarded in circles",
			 (unsigned long long)in->tid, mds_op_name(r->op));
		mreq_complete(r, -EMULTIHOP, NULL);
		return;
	}
	r->num_fwd = f.num_fwd;
	r->attempts = 0;
	r->forced_rank = f.dest;
	if (!r->done) /* nobody waits */
		mreq_complete(r, -ECANCELED, NULL);
	else
		mreq_kick(r);
}
