/* data_op.c: see data_op.h. */
#include "data_op.h"
#include "data_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

/* ---- life ---- */

int data_op_begin(struct op *op)
{
	struct file *f = op->u.data.file;
	cephring_mount *mt = file_mount((cephring_file *)f);
	struct data_op *d;
	int err = data_begin(mt);

	if (err)
		return err;
	d = mem_alloc(sizeof *d);
	if (!d)
		return -ENOMEM;
	d->op = op;
	d->mt = mt;
	d->file = f;
	d->inode = f->inode;
	d->offset = op->u.data.offset;
	d->len = op->u.data.len;
	d->uid = f->cred.uid;
	d->gid = f->cred.gid;
	op->inode = inode_get(f->inode);
	op->walk.cred = f->cred;
	op->u.data.state = d;
	return 0;
}

void data_io_end(struct data_op *d)
{
	mem_free(d->ns, 0);
	d->ns = NULL;
	mem_free(d->from.ns, 0);
	d->from.ns = NULL;
	snapctx_put(d->ctx);
	d->ctx = NULL;
}

int64_t data_io_begun(struct data_op *d, int err)
{
	if (err) {
		data_io_end(d);
		return err;
	}
	d->io_busy = true;
	d->op->sent = true;
	return OP_PENDING;
}

/* The next write at the end of this file may begin. */
static void turn_ends(struct data_op *d)
{
	struct data_ops *all = &d->mt->data.appends;
	struct data_op *next = TAILQ_NEXT(d, append);

	TAILQ_REMOVE(all, d, append);
	d->in_turn = false;
	while (next && next->inode != d->inode)
		next = TAILQ_NEXT(next, append);
	if (next && next->op)
		op_resume(next->op, 0);
}

static void let_others(struct data_op *d)
{
	data_cache_leave(d);
	data_caps_put(d);
	if (d->in_turn)
		turn_ends(d);
}

static void release(struct data_op *d)
{
	let_others(d);
	data_io_end(d);
	mem_free(d, sizeof *d);
}

/* The program has its op and its memory back; who is let at the file by the end of our caps must not see it
 * change later. */
static void detach(struct data_op *d)
{
	d->op = NULL;
	d->file = NULL;
	inode_get(d->inode);
	TAILQ_INSERT_TAIL(&d->mt->data.detached, d, detached);
	d->mt->meta.data_detached++;
}

static void drop(struct data_op *d)
{
	struct meta *m = &d->mt->meta;

	TAILQ_REMOVE(&d->mt->data.detached, d, detached);
	m->data_detached--;
	let_others(d);
	inode_put(m, d->inode);
	d->inode = NULL;
	if (m->stopping)
		meta_check_stopped(m);
}

/* What was carried out is part of the file, although nobody waits for it any more. */
static void detached_done(struct data_op *d, int result)
{
	if (d->inode) {
		data_written(d, !result && d->io.kind != FILE_ZERO ? d->offset + d->len : 0);
		drop(d);
	}
	release(d);
}

void data_detached_drop(cephring_mount *mt)
{
	struct data_op *d;

	while ((d = TAILQ_FIRST(&mt->data.detached)) != NULL) {
		drop(d);
		file_io_cancel(&d->io, -ESHUTDOWN);
	}
}

void data_op_end(struct op *op, int64_t res)
{
	struct data_op *d = data_op(op);

	(void)res;
	if (d) {
		caps_get_cancel(op->m, &d->wait);
		data_perm_leave(d);
		data_inline_free(d);
		mem_free(d->buf, 0);
		d->buf = NULL;
		if (d->io_busy)
			detach(d);
		else
			release(d);
		op->u.data.state = NULL;
	}
	__atomic_sub_fetch(&op->u.data.file->busy, 1, __ATOMIC_RELEASE);
}

bool data_op_cancel(struct op *op, int err)
{
	struct data_op *d = data_op(op);

	if (d && data_inline_cancel(d, err))
		return true;
	if (d && d->cached.kind)
		return data_cache_cancel(d, err);
	if (!d || !d->io_busy)
		return false;
	if (d->io.kind == FILE_READ) {
		file_io_cancel(&d->io, err);
	} else {
		op->uncertain = true;
		file_io_forsake(&d->io, err);
	}
	return true;
}

/* ---- caps ---- */

static void caps_came(struct cap_wait *w, int err)
{
	struct data_op *d = (struct data_op *)((char *)w - offsetof(struct data_op, wait));

	d->got = err ? 0 : w->got;
	op_resume(d->op, err);
}

int64_t data_caps(struct data_op *d, uint32_t need, uint32_t want, uint64_t end)
{
	int err;

	if (d->inode->key.snapid != SNAP_HEAD)
		return 0;
	d->wait =
	    (struct cap_wait){ .inode = d->inode, .need = need, .want = want, .end = end, .fn = caps_came };
	err = caps_get(d->op->m, &d->wait);
	if (err == 1) {
		d->op->sent = true;
		return OP_PENDING;
	}
	d->got = err ? 0 : d->wait.got;
	return err;
}

void data_caps_put(struct data_op *d)
{
	uint32_t got = d->got;

	d->got = 0;
	if (got)
		caps_put(&d->mt->meta, d->inode, got);
	if (!d->from.inode)
		return;
	if (d->from.got)
		caps_put(&d->mt->meta, d->from.inode, d->from.got);
	inode_put(&d->mt->meta, d->from.inode);
	d->from.inode = NULL;
}

bool data_size_certain(const struct data_op *d)
{
	const struct meta *m = d->op->m;

	return d->inode->key.snapid != SNAP_HEAD ||
	       (caps_issued(d->inode, ring_now(m->ring)) & (CAP_FS | CAP_FX));
}

/* ---- objects ---- */

/* A full pool is no news to who writes on, nor is an operation's own end. */
static bool worth_words(int result)
{
	return result < 0 && result != -ENOSPC && result != -EDQUOT && result != -ECANCELED &&
	       result != -ETIMEDOUT && result != -ESHUTDOWN;
}

static void io_done(struct file_io *io, int result)
{
	struct data_op *d = io->arg;

	if (worth_words(result) && d->inode && io->kind != FILE_COPY)
		data_failed(d->mt, d->inode, io, io->offset, io->len, result,
			    io->kind == FILE_READ ? "could not be read" : "could not be written");
	d->io_busy = false;
	data_io_end(d);
	if (!d->op) {
		detached_done(d, result);
		return;
	}
	/* The OSD speaks of the pool's quota, the program would think of its own. */
	if (result == -EDQUOT)
		result = -ENOSPC;
	op_resume(d->op, result);
}

/* What it ended early with is told now; the rest of it goes on without the program. */
static void io_let_go(struct file_io *io)
{
	struct data_op *d = io->arg;

	op_resume(d->op, 0);
}

int data_where_inode(const struct inode *i, struct file_where *w, char **ns)
{
	*w = (struct file_where){
		.ino = i->key.ino,
		.snapid = i->key.snapid,
		.pool = i->a.layout.pool,
		.layout = { i->a.layout.stripe_unit, i->a.layout.stripe_count, i->a.layout.object_size },
		.truncate_size = i->truncate_size,
		.truncate_seq = i->truncate_seq,
	};
	if (!i->pool_ns)
		return 0;
	*ns = mem_strdup(i->pool_ns);
	if (!*ns)
		return -ENOMEM;
	w->nspace = (struct slice){ (const uint8_t *)*ns, (uint32_t)strlen(*ns) };
	return 0;
}

int data_where(struct data_op *d, struct file_where *w, bool write)
{
	const struct inode *i = d->inode;
	const struct snapctx *ctx = i->use && i->use->head_snapc ? i->use->head_snapc : realm_context(i);

	if (data_where_inode(i, w, &d->ns))
		return -ENOMEM;
	if (write && ctx) {
		d->ctx = snapctx_get((struct snapctx *)ctx);
		w->snap_seq = ctx->seq;
		w->snaps = ctx->snaps;
		w->snap_count = ctx->count;
	}
	return 0;
}

uint32_t data_read_flags(const cephring_mount *mt)
{
	return __atomic_load_n(&mt->data.read_flags, __ATOMIC_RELAXED);
}

int64_t data_io(struct data_op *d, enum file_io_kind kind, uint64_t offset, uint64_t len,
		const struct iovec *iov, unsigned count)
{
	struct file_io *io = &d->io;
	int err;

	memset(io, 0, offsetof(struct file_io, one));
	io->kind = kind;
	io->offset = offset;
	io->len = len;
	io->iov = iov;
	io->iov_count = count;
	io->flags =
	    kind == FILE_READ ? data_read_flags(d->mt) : OSD_FLAG_FULL_TRY; /* full: an error, not a wait */
	io->done = io_done;
	io->let_go = io_let_go;
	io->arg = d;
	err = data_where(d, &io->at, kind != FILE_READ);
	if (!err && kind == FILE_COPY) {
		io->from_offset = d->op->u.data.from_offset;
		err = data_where_inode(d->from.inode, &io->from, &d->from.ns);
	}
	if (!err)
		err = file_io_submit(d->mt->data.osdc, io);
	return data_io_begun(d, err);
}

/* ---- what a write leaves behind ---- */

/* Set back by somebody, mtime may be later than now: only who has it alone may set it back again. */
static uint32_t touch(struct attrs *a, uint64_t now_ns, uint32_t issued)
{
	uint32_t dirty = CAP_FW;

	if (now_ns < a->mtime_ns && (issued & CAP_FX)) {
		a->time_warp_seq++;
		a->mtime_ns = now_ns;
		dirty |= CAP_FX;
	} else if (now_ns > a->mtime_ns) {
		a->mtime_ns = now_ns;
	}
	if (now_ns > a->ctime_ns)
		a->ctime_ns = now_ns;
	a->change_attr++;
	return dirty;
}

int data_written(struct data_op *d, uint64_t end)
{
	struct meta *m = &d->mt->meta;
	struct inode *i = d->inode;
	struct attrs a = i->a;
	uint32_t dirty = touch(&a, ring_wall(m->ring), caps_issued(i, ring_now(m->ring)));
	int err;

	if (end > a.size)
		a.size = end;
	/* The MDS judges a flush by one caller. */
	if (i->use->dirty && (i->use->dirty_uid != d->uid || i->use->dirty_gid != d->gid))
		caps_flush(m, i, false);
	err = caps_mark_dirty(m, i, dirty, d->uid, d->gid);
	if (err)
		return err;
	inode_set_attrs(&m->cache, i, &a);
	i->inline_version = INLINE_NONE;
	return 0;
}

int64_t data_sync_asked(struct data_op *d, bool now)
{
	int flags = d->file->flags;
	struct op *sub;

	if (!now && !(flags & O_DSYNC))
		return 0;
	sub = op_sub_prepare(d->op, &d->part, &op_fsync_family);
	memset(&sub->u.sync, 0, sizeof sub->u.sync);
	sub->u.sync.file = d->file;
	sub->u.sync.datasync = (flags & O_SYNC) != O_SYNC;
	__atomic_add_fetch(&d->file->busy, 1, __ATOMIC_ACQ_REL);
	return op_sub(d->op, sub);
}
