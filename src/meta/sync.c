/* sync.c: fsync and syncfs: wait until what was done before is on stable storage (doc/protocol.md 5.6).
 *
 *   START   dirty data begins to be written back
 *   DATA    no dirty data is left: what is dirty is flushed, the MDSs are asked to write their journals,
 *           and what is to be waited for is noted: flushes and requests up to the newest tid
 *   WAIT    something became safe, or was lost (syncs_kick): all of it? then the error of what was lost, once
 *
 * Kicks come many in one turn, so waiters look only once, at its end.
 */
#include "meta.h"
#include "session_impl.h"

#include <stddef.h>

enum { SYNC_START, SYNC_DATA, SYNC_WAIT };

/* NULL: all of the mount. */
static struct inode *inode_of(const struct op *op)
{
	return op->u.sync.file ? op->u.sync.file->inode : NULL;
}

static bool has_data(const struct inode_use *u)
{
	return u && u->refs[REF_FB];
}

static void write_back(struct meta *m, struct inode_use *u)
{
	if (has_data(u) && m->data && m->data->writeback)
		m->data->writeback(m->data_arg, u->inode);
}

static void write_back_all(struct meta *m)
{
	struct inode_use *u, *next;

	for (u = TAILQ_FIRST(&m->dirty); u; u = next) {
		next = TAILQ_NEXT(u, dirty_link);
		write_back(m, u);
	}
}

static bool data_written(const struct meta *m, const struct inode *i)
{
	const struct inode_use *u;

	if (i)
		return !has_data(i->use);
	TAILQ_FOREACH(u, &m->dirty, dirty_link)
	if (has_data(u))
		return false;
	return true;
}

static bool sync_ready(const struct op *op)
{
	const struct inode *i = inode_of(op);

	if (op->at == SYNC_DATA)
		return data_written(op->m, i);
	return flush_done(op->m, i, op->u.sync.flush_tid) && unsafe_done(op->m, i, op->u.sync.tid);
}

int file_lost(struct file *f, uint32_t *told)
{
	struct inode_use *u = f->inode->use;
	int err;

	if (!u)
		return 0;
	err = *told != u->lost_count ? u->lost : u->error;
	*told = u->lost_count;
	u->error = 0;
	return err;
}

/* What was lost is reported by fsync once for each open file, by syncfs once. */
static int64_t sync_result(struct op *op)
{
	struct file *f = op->u.sync.file;
	int err = f ? file_lost(f, &f->sync_told) : op->m->lost;

	if (f)
		inode_use_settle(op->m, f->inode);
	else
		op->m->lost = 0;
	return err;
}

/* The journals that what is waited for stands in. */
static void ask_journals(struct meta *m, const struct inode *i)
{
	const struct cap *auth = i ? cap_auth(i) : NULL;
	const struct unsafe_link *l;

	for (int r = 0; r < MDS_RANK_MAX; r++) {
		struct session *s = m->session[r];
		bool involved = s && (!i || (auth && auth->session == s));

		if (s && i && i->use)
			LIST_FOREACH(l, &i->use->unsafe, link)
		involved |= l->req->session == s;
		if (involved)
			session_flush_mdlog(s);
	}
}

/* For fdatasync: only what is needed to read the data back. A size that grew stands with what is written. */
static bool concerns_data(const struct op *op, const struct inode *i)
{
	return !op->u.sync.datasync || (caps_dirty(i) & (CAP_FW | CAP_FX | CAP_FB));
}

/* The times of writes within the file need not be told now. If this client is lost, the MDS takes them from
 * the objects, since it has recorded that the client may write; until then caps keep everybody else from
 * relying on older ones. The kernel's client waits no more than this for its flushes. */
static void sync_flush(struct op *op)
{
	struct inode *i = inode_of(op);
	struct meta *m = op->m;

	if (!i) {
		op->u.sync.flush_tid = caps_flush_all(m, true);
	} else if (concerns_data(op, i) && flush_matters(i)) {
		caps_flush(m, i, true);
		op->u.sync.flush_tid = flush_newest_that_matters(i);
	}
	op->u.sync.tid = m->last_tid;
}

static int64_t sync_step(struct op *op, int64_t res)
{
	struct inode *i = inode_of(op);
	struct meta *m = op->m;

	if (res < 0)
		return res;
	if (op->at == SYNC_START) {
		op->at = SYNC_DATA;
		LIST_INSERT_HEAD(&m->syncs, op, u.sync.waiting);
		op->u.sync.linked = true;
		if (i)
			write_back(m, i->use);
		else
			write_back_all(m);
	}
	if (op->at == SYNC_DATA && sync_ready(op)) {
		op->at = SYNC_WAIT;
		sync_flush(op);
		if (!sync_ready(op)) {
			ask_journals(m, i);
			op->sent = true;
		}
	}
	return op->at == SYNC_WAIT && sync_ready(op) ? sync_result(op) : OP_PENDING;
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
		if (sync_ready(op))
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
