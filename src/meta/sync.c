/* sync.c: fsync and syncfs: wait until what was done before is on stable storage (doc/protocol.md 5.6).
 *
 *   START   the MDSs are asked to write their journals; what is to be waited for is noted: requests up to the
 *           newest tid
 *   WAIT    something became safe, or was lost (syncs_kick): all of it? then the error of what was lost, once
 *
 * Kicks come many in one turn, so waiters look only once, at its end.
 */
#include "meta.h"
#include "session_impl.h"

#include <stddef.h>

enum { SYNC_START, SYNC_WAIT };

static struct inode *inode_of(const struct op *op)
{
	return op->u.sync.file ? op->u.sync.file->inode : NULL;
}

static bool sync_done(const struct op *op)
{
	return unsafe_done(op->m, inode_of(op), op->u.sync.tid);
}

/* What was lost is reported to one who asks, and to one only. */
static int64_t sync_result(struct op *op)
{
	struct inode *i = inode_of(op);
	int *error = i ? i->use ? &i->use->error : NULL : &op->m->lost;
	int err = error ? *error : 0;

	if (err)
		*error = 0;
	if (i)
		inode_use_settle(op->m, i);
	return err;
}

/* The journals that what is waited for stands in; of all changes: every session that has some. */
static void ask_journals(struct op *op)
{
	struct inode *i = inode_of(op);
	struct meta *m = op->m;
	const struct unsafe_link *l;

	for (int r = 0; r < MDS_RANK_MAX; r++) {
		struct session *s = m->session[r];
		bool asked = s && s->unsafe_count && !i;

		if (s && i && i->use)
			LIST_FOREACH(l, &i->use->unsafe, link)
		asked |= l->req->session == s;
		if (asked)
			session_flush_mdlog(s);
	}
}

static int64_t sync_step(struct op *op, int64_t res)
{
	struct meta *m = op->m;

	if (res < 0)
		return res;
	if (op->at == SYNC_START) {
		op->at = SYNC_WAIT;
		op->u.sync.tid = m->last_tid;
		if (!sync_done(op)) {
			ask_journals(op);
			op->sent = true;
			LIST_INSERT_HEAD(&m->syncs, op, u.sync.waiting);
			op->u.sync.linked = true;
		}
	}
	return sync_done(op) ? sync_result(op) : OP_PENDING;
}

static void sync_end(struct op *op, int64_t res)
{
	(void)res;
	if (op->u.sync.linked)
		LIST_REMOVE(op, u.sync.waiting);
	op->u.sync.linked = false;
	if (op->u.sync.file)
		__atomic_sub_fetch(&op->u.sync.file->busy, 1, __ATOMIC_RELEASE);
}

/* One that ends may end others, or begin new ones, in its callback: from the start again. */
static void sync_run(struct ring_task *t)
{
	struct meta *m = (struct meta *)((char *)t - offsetof(struct meta, sync_task));
	struct op *op;

	do {
		LIST_FOREACH(op, &m->syncs, u.sync.waiting)
		if (sync_done(op))
			break;
		if (op)
			op_resume(op, 0);
	} while (op);
}

void syncs_kick(struct meta *m)
{
	if (m->stopping)
		meta_check_stopped(m);
	if (LIST_EMPTY(&m->syncs))
		return;
	m->sync_task.fn = sync_run;
	ring_defer(m->ring, &m->sync_task);
}

const struct op_family op_fsync_family = { .name = "fsync", .step = sync_step, .end = sync_end };
const struct op_family op_syncfs_family = { .name = "syncfs", .step = sync_step, .end = sync_end };
