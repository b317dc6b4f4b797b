/* data_write.c: writing: complete when the cache has it, or where there may be none, when the OSDs have it.
 *
 *   PERM     may this client write to the pool?
 *   TURN     at the end of the file: after those of this mount that came before
 *   SIZE     and where the end is, if others may have moved it
 *   PRIVS    a program that is written to runs with nobody's rights
 *   QUOTA    is there room for what is added?
 *   INLINE   data in the inode moves to where the rest will be
 *   CAPS     Fw is held, and max_size reaches as far
 *   HELD     the write goes out
 *   WRITTEN  size and times; O_SYNC: they are flushed
 *   SYNCED
 */
#include "../meta/change.h"
#include "data_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum {
	WRITE_BEGIN,
	WRITE_PERM,
	WRITE_TURN,
	WRITE_SIZE,
	WRITE_PRIVS,
	WRITE_QUOTA,
	WRITE_INLINE,
	WRITE_CAPS,
	WRITE_HELD,
	WRITE_WRITTEN,
	WRITE_SYNCED
};

static bool appends(const struct data_op *d)
{
	return (d->file->flags & O_APPEND) || (d->op->u.data.flags & CEPHRING_IO_APPEND);
}

/* 0: it is this one's turn. */
static int64_t take_turn(struct data_op *d)
{
	struct data_ops *all = &d->mt->data.appends;
	struct data_op *first;

	if (!appends(d))
		return 0;
	if (!d->in_turn) {
		TAILQ_INSERT_TAIL(all, d, append);
		d->in_turn = true;
	}
	TAILQ_FOREACH(first, all, append)
	if (first->inode == d->inode)
		break;
	return first == d ? 0 : OP_PENDING;
}

static int64_t ask_size(struct data_op *d)
{
	if (!appends(d) || data_size_certain(d))
		return 0;
	return op_getattr(d->op, CAP_FS);
}

static void place(struct data_op *d)
{
	if (appends(d))
		d->offset = d->inode->a.size;
}

static bool has_setid(uint32_t mode)
{
	return (mode & S_ISUID) || (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
}

int64_t data_drop_privs(struct data_op *d)
{
	const struct meta *m = d->op->m;
	struct cephring_setattr set = { .struct_size = sizeof set, .set = CEPHRING_SET_MODE };
	uint32_t mode = d->inode->a.mode;

	if (!has_setid(mode) || !d->file->cred.uid || m->o.no_permissions)
		return 0;
	set.mode = mode & 07777 & ~(uint32_t)S_ISUID;
	if (mode & S_IXGRP)
		set.mode &= ~(uint32_t)S_ISGID;
	return setattr_change(d->op, &set);
}

static int64_t within_quota(struct data_op *d)
{
	uint64_t end, size = d->inode->a.size;

	place(d);
	end = d->offset + d->len;
	if (end > INT64_MAX)
		return -EFBIG;
	return end > size ? quota_step(d->op, d->inode, end - size, 0) : 0;
}

/* Past the cache: what is dirty in it goes first. */
static int64_t write_direct(struct data_op *d)
{
	int64_t res = data_cache_settle(d, d->offset, d->len);
	uint64_t tail;

	if (res) {
		d->op->at = WRITE_HELD;
		return res;
	}
	tail = d->op->u.data.from ? 0 : data_cache_tail(d);
	if (d->op->u.data.from)
		res = data_copy_io(d);
	else
		res = data_io(d, FILE_WRITE, d->offset, d->len - tail, d->op->u.data.iov,
			      d->op->u.data.iov_count);
	if (res == OP_PENDING)
		data_cache_passed(d, d->offset, d->len - tail);
	data_cache_tail_go(d, tail, res == OP_PENDING);
	return res;
}

static int64_t held(struct data_op *d)
{
	struct op *op = d->op;
	uint64_t was = d->offset;

	place(d);
	if (d->offset != was) { /* the end has moved meanwhile: is there room for it there? */
		data_caps_put(d);
		op->at = WRITE_QUOTA;
		return 0;
	}
	op->at = WRITE_WRITTEN;
	if (!op->u.data.from && (d->got & CAP_FB) && data_cache_takes(d))
		return data_cache_write(d);
	return write_direct(d);
}

/* What was added since the MDS last heard of the size is not counted in the quota yet: told early when little
 * is left. */
static bool near_quota(const struct data_op *d)
{
	struct meta *m = d->op->m;
	const struct inode *i = d->inode, *root;
	uint64_t max, used, added = i->a.size > i->use->reported_size ? i->a.size - i->use->reported_size : 0;
	bool unknown;

	if (!added)
		return false;
	root = quota_root(m, d->inode, &unknown);
	if (!root || !root->dir || !root->dir->quota_max_bytes)
		return false;
	max = root->dir->quota_max_bytes;
	used = root->dir->a.rbytes;
	return used >= max || added > (max - used) / 16;
}

static int64_t written(struct data_op *d)
{
	struct op *op = d->op;
	int err = data_written(d, d->offset + d->len);

	data_cache_past(d);
	if (!err && near_quota(d))
		caps_flush(op->m, d->inode, false);
	data_caps_put(d);
	op->at = WRITE_SYNCED;
	op->uncertain = true; /* if what follows fails */
	return err ? err : data_sync_asked(d, op->u.data.flags & CEPHRING_IO_DSYNC);
}

static int64_t begin(struct op *op)
{
	op->at = WRITE_PERM;
	return op->u.data.len ? data_op_begin(op) : 0;
}

static int64_t write_step(struct op *op, int64_t res)
{
	struct data_op *d = data_op(op);

	while (res >= 0 && res != OP_PENDING) {
		switch (op->at) {
		case WRITE_BEGIN:
			res = begin(op);
			d = data_op(op);
			if (!res && !d)
				return 0;
			break;
		case WRITE_PERM:
			res = data_perm_step(d, DATA_MAY_WRITE);
			op->at = res ? WRITE_PERM : WRITE_TURN;
			break;
		case WRITE_TURN:
			res = take_turn(d);
			op->at = res ? WRITE_TURN : WRITE_SIZE;
			break;
		case WRITE_SIZE:
			op->at = WRITE_PRIVS;
			res = ask_size(d);
			break;
		case WRITE_PRIVS:
			op->at = WRITE_QUOTA;
			res = data_drop_privs(d);
			break;
		case WRITE_QUOTA: /* entered again for each quota that is to be looked up */
			res = within_quota(d);
			op->at = res ? WRITE_QUOTA : WRITE_INLINE;
			break;
		case WRITE_INLINE: /* entered again for each message of it */
			res = data_inline_step(d);
			op->at = res ? WRITE_INLINE : WRITE_CAPS;
			break;
		case WRITE_CAPS:
			op->at = WRITE_HELD;
			res = data_caps(d, CAP_FW, data_cached(d) && !op->u.data.from ? CAP_FB : 0,
					d->offset + d->len);
			break;
		case WRITE_HELD:
			res = held(d);
			break;
		case WRITE_WRITTEN:
			res = written(d);
			break;
		default:
			d->mt->data.writes += !op->u.data.from;
			d->mt->data.written_bytes += op->u.data.from ? 0 : d->len;
			return (int64_t)d->len;
		}
	}
	return res;
}

const struct op_family op_write_family = {
	.name = "write", .step = write_step, .end = data_op_end, .cancel = data_op_cancel
};
