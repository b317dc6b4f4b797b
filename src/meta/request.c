/* request.c: the life of a request; see request.h.
 *
 *   NEW --choose--> WAIT_MAP (no active rank) --map--> choose again
 *               \-> WAIT_SESSION --OPEN--> SENT
 *
 *   SENT    only reply          done, freed
 *           unsafe reply        done; UNSAFE
 *           forward             NEW, to the named rank
 *           its daemon is gone  a question: WAIT_MAP; a change: stays, and is sent again in the reconnect
 *           session lost        a question: WAIT_MAP; a change: done (-ESHUTDOWN), uncertain
 *   UNSAFE  safe reply          freed
 *           its daemon is gone  replayed in the reconnect
 *           session lost        lost (unsafe.c)
 */
#include "meta.h"
#include "request_impl.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

bool mreq_is_write(const struct mreq *r)
{
	if (r->op == MDS_OP_OPEN) /* O_TRUNC: the flags are its first argument, O_TRUNC their second byte */
		return r->args[1] & WIRE_O_TRUNC >> 8;
	return (r->op & MDS_OP_WRITE) != 0;
}

/* ---- making ---- */

struct mreq *mreq_new(struct meta *m, uint32_t op, struct inode *base, const char *path, uint32_t path_len)
{
	struct mreq *r;

	/* What is answered and only not safe yet is counted apart: it must not keep others from asking. */
	if (m->request_count - m->unsafe_count >= META_REQUESTS_MAX || m->unsafe_count >= META_UNSAFE_MAX)
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

int mreq_set_path2(struct mreq *r, struct inode *base2, const char *path2, uint32_t len)
{
	char *copy = len ? mem_alloc(len) : NULL;

	if (len && !copy)
		return -ENOMEM;
	if (len)
		memcpy(copy, path2, len);
	r->path2 = copy;
	r->path2_len = len;
	r->base2 = base2 ? inode_get(base2) : NULL;
	return 0;
}

int mreq_set_data(struct mreq *r, const void *data, uint32_t len)
{
	r->data = len ? mem_alloc(len) : NULL;
	if (len && !r->data)
		return -ENOMEM;
	if (len)
		memcpy(r->data, data, len);
	r->data_len = len;
	return 0;
}

static void mreq_free(struct mreq *r)
{
	struct meta *m = r->m;

	drops_forget(r);
	if (r->path != r->inline_path)
		mem_free(r->path, 0);
	if (r->gids != r->inline_gids)
		mem_free(r->gids, 0);
	mem_free(r->path2, 0);
	mem_free(r->data, 0);
	inode_put(m, r->base);
	inode_put(m, r->base2);
	m->request_count--;
	slab_put(&m->mreqs, r);
}

/* ---- which is the oldest: every request tells its MDS, which forgets what came before. Waiting for a lock
 * may take for ever and has its own order, so it does not count. ---- */

static struct mreq *counted(struct mreq *r)
{
	while (r && r->op == MDS_OP_SETFILELOCK)
		r = TAILQ_NEXT(r, order);
	return r;
}

uint64_t mreq_oldest_tid(struct meta *m)
{
	return m->oldest ? m->oldest->id.tid : 0;
}

static void mreq_register(struct mreq *r)
{
	struct meta *m = r->m;

	r->id.tid = ++m->last_tid;
	TAILQ_INSERT_TAIL(&m->in_order, r, order);
	if (!m->oldest)
		m->oldest = counted(r);
}

static void mreq_unregister(struct mreq *r)
{
	struct meta *m = r->m;

	if (r == m->oldest)
		m->oldest = counted(TAILQ_NEXT(r, order));
	tid_take(&m->requests, r->id.tid);
	TAILQ_REMOVE(&m->in_order, r, order);
}

/* ---- states ---- */

void mreq_answered(struct mreq *r)
{
	r->session->in_flight--;
	ring_expect(r->m->ring, -1);
}

void mreq_unpark(struct mreq *r)
{
	struct meta *m = r->m;

	switch (r->state) {
	case MREQ_WAIT_SESSION:
		TAILQ_REMOVE(&r->session->waiting, r, link);
		break;
	case MREQ_WAIT_MAP:
		TAILQ_REMOVE(&m->wait_map, r, link);
		break;
	case MREQ_FAILED:
		TAILQ_REMOVE(&m->failing, r, link);
		break;
	case MREQ_SENT:
		mreq_answered(r);
		break;
	case MREQ_UNSAFE:
		m->unsafe_count--;
		r->session->unsafe_count--;
		break;
	case MREQ_NEW:
		break;
	}
	r->state = MREQ_NEW;
}

/* Sent, and nobody will say what became of it. */
static void mreq_doubt(struct mreq *r)
{
	if (r->uncertain && r->state == MREQ_SENT && mreq_is_write(r))
		*r->uncertain = true;
}

void mreq_tell(struct mreq *r, int result, const struct reply *rep)
{
	void (*done)(struct mreq *, int, const struct reply *) = r->done;

	if (r->uncertain && rep && rep->result >= 0 && mreq_is_write(r))
		*r->uncertain = true; /* carried out, whatever else becomes of the operation */
	r->uncertain = NULL;
	r->done = NULL;
	if (done)
		done(r, result, rep);
}

void mreq_complete(struct mreq *r, int result, const struct reply *rep)
{
	if (!rep)
		mreq_doubt(r);
	mreq_unpark(r);
	unsafe_remove(r);
	mreq_unregister(r);
	mreq_tell(r, result, rep);
	mreq_free(r);
}

static void fail_run(struct ring_task *t)
{
	struct meta *m = (struct meta *)((char *)t - offsetof(struct meta, fail_task));
	struct mreq *r;

	while ((r = TAILQ_FIRST(&m->failing)) != NULL)
		mreq_complete(r, r->failed, NULL);
}

void mreq_fail_later(struct mreq *r, int err)
{
	struct meta *m = r->m;

	mreq_doubt(r);
	mreq_unpark(r);
	r->state = MREQ_FAILED;
	r->failed = err;
	TAILQ_INSERT_TAIL(&m->failing, r, link);
	m->fail_task.fn = fail_run;
	ring_defer(m->ring, &m->fail_task);
}

void mreq_submit(struct mreq *r)
{
	mreq_register(r);
	if (tid_put(&r->m->requests, &r->id))
		mreq_fail_later(r, -ENOMEM);
	else
		mreq_kick(r);
}

/* ---- a maker that leaves ---- */

void mreq_forget_name(struct meta *m, struct inode *dir, const char *name, uint32_t len)
{
	struct dentry *d;

	if (!dir || !dir->dir || !len)
		return;
	d = dentry_find(&m->cache, dir, name, len);
	if (d)
		dentry_drop(m, d);
	dir_incomplete(dir);
}

/* Of a path only the first name lies in a directory that is known here. */
static uint32_t first_name(const char *path, uint32_t len)
{
	const char *slash = len ? memchr(path, '/', len) : NULL;

	return slash ? (uint32_t)(slash - path) : len;
}

void mreq_forget_names(struct mreq *r)
{
	struct meta *m = r->m;

	cache_write_begin(&m->cache);
	mreq_forget_name(m, r->base, r->path, first_name(r->path, r->path_len));
	mreq_forget_name(m, r->base2, r->path2, first_name(r->path2, r->path2_len));
	cache_write_end(&m->cache);
}

void mreq_abandon(struct mreq *r)
{
	mreq_doubt(r);
	r->done = NULL;
	r->arg = NULL;
	r->uncertain = NULL;
	if (!r->id.tid) { /* never submitted */
		mreq_free(r);
		return;
	}
	if (r->state == MREQ_UNSAFE)
		return;
	/* Never sent: nobody will answer. */
	if (r->state != MREQ_SENT) {
		mreq_complete(r, -ECANCELED, NULL);
	} else if (mreq_is_write(r)) {
		r->aborted = true;
		mreq_forget_names(r);
	}
}

/* ---- all of them ---- */

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

/* ---- a session ends ---- */

static void wait_for_map(struct mreq *r)
{
	mreq_unpark(r);
	r->session = NULL;
	r->forced_rank = -1;
	r->state = MREQ_WAIT_MAP;
	TAILQ_INSERT_TAIL(&r->m->wait_map, r, link);
}

void mreqs_session_suspended(struct meta *m, struct session *s)
{
	struct mreq *r, *next;

	for (r = TAILQ_FIRST(&m->in_order); r; r = next) {
		next = TAILQ_NEXT(r, order);
		if (r->session == s &&
		    (r->state == MREQ_WAIT_SESSION || (r->state == MREQ_SENT && !mreq_is_write(r))))
			wait_for_map(r);
	}
}

/* May be sent again to whoever comes, though the daemon that had it may have carried it out. Locks are gone
 * with the session that held them. */
static bool repeatable(const struct mreq *r)
{
	return r->state == MREQ_WAIT_SESSION || !mreq_is_write(r) || r->op == MDS_OP_SETFILELOCK;
}

void mreqs_session_over(struct meta *m, struct session *s, int err, bool clean)
{
	struct mreq *r, *next;

	for (r = TAILQ_FIRST(&m->in_order); r; r = next) {
		next = TAILQ_NEXT(r, order);
		if (r->session != s || (r->state != MREQ_SENT && r->state != MREQ_WAIT_SESSION))
			continue;
		if (m->stopping && !r->done)
			mreq_complete(r, -ECANCELED, NULL);
		else if (err)
			mreq_fail_later(r, err);
		else if (clean || repeatable(r))
			wait_for_map(r);
		else
			mreq_fail_later(r,
					log_fail(m->log, -ESHUTDOWN,
						 "mds.%d: the session is lost; whether request %llu (%s) was "
						 "carried out is not known",
						 s->rank, (unsigned long long)r->id.tid, mds_op_name(r->op)));
	}
	unsafe_lost(m, s, err ? err : -EIO);
}
