/* data_alloc.c: fallocate: a range becomes zeros, or the file longer. CephFS reserves nothing.
 *
 *   PERM   may this client write to the pool?
 *   SIZE   how long is the file? Others may have moved the end
 *   PRIVS  a program that is written to runs with nobody's rights
 *   QUOTA  is there room for what is added?
 *   INLINE data in the inode moves to where all others have it
 *   CAPS   Fw is held
 *   HELD   objects, or parts of them, are removed
 *   DONE   size and times
 */
#include "data_cache.h"

#include <errno.h>
#include <fcntl.h>

enum {
	ALLOC_BEGIN,
	ALLOC_PERM,
	ALLOC_SIZE,
	ALLOC_PRIVS,
	ALLOC_QUOTA,
	ALLOC_INLINE,
	ALLOC_CAPS,
	ALLOC_HELD,
	ALLOC_DONE,
	ALLOC_SYNCED
};

/* Where the file ends afterwards, if it grows; else 0. */
static uint64_t grown(const struct data_op *d)
{
	uint64_t end = d->offset + d->len;

	if ((d->op->u.data.flags & FALLOC_FL_KEEP_SIZE) || end <= d->inode->a.size)
		return 0;
	return end;
}

static int64_t within_quota(struct data_op *d)
{
	uint64_t end = grown(d);

	return end ? quota_step(d->op, d->inode, end - d->inode->a.size, 0) : 0;
}

static int64_t held(struct data_op *d)
{
	uint64_t end = d->offset + d->len, size = d->inode->a.size;
	int64_t res;

	if (!(d->op->u.data.flags & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) || d->offset >= size)
		return 0;
	end = end < size ? end : size;
	res = data_io(d, FILE_ZERO, d->offset, end - d->offset, NULL, 0);
	if (res == OP_PENDING)
		data_cache_passed(d, d->offset, end - d->offset);
	return res;
}

static int64_t done(struct data_op *d)
{
	int err = data_written(d, grown(d));

	data_cache_past(d);
	data_caps_put(d);
	return err ? err : data_sync_asked(d, false);
}

static int64_t alloc_step(struct op *op, int64_t res)
{
	struct data_op *d = data_op(op);

	while (res >= 0 && res != OP_PENDING) {
		switch (op->at) {
		case ALLOC_BEGIN:
			op->at = ALLOC_PERM;
			res = data_op_begin(op);
			d = data_op(op);
			break;
		case ALLOC_PERM:
			res = data_perm_step(d, DATA_MAY_WRITE);
			op->at = res ? ALLOC_PERM : ALLOC_SIZE;
			break;
		case ALLOC_SIZE:
			op->at = ALLOC_PRIVS;
			res = data_size_certain(d) ? 0 : op_getattr(op, CAP_FS);
			break;
		case ALLOC_PRIVS:
			op->at = ALLOC_QUOTA;
			res = data_drop_privs(d);
			break;
		case ALLOC_QUOTA: /* entered again for each quota that is to be looked up */
			res = within_quota(d);
			op->at = res ? ALLOC_QUOTA : ALLOC_INLINE;
			break;
		case ALLOC_INLINE: /* entered again for each message of it */
			res = data_inline_step(d);
			op->at = res ? ALLOC_INLINE : ALLOC_CAPS;
			break;
		case ALLOC_CAPS:
			op->at = ALLOC_HELD;
			res = data_caps(d, CAP_FW, 0, grown(d));
			break;
		case ALLOC_HELD:
			op->at = ALLOC_DONE;
			res = held(d);
			break;
		case ALLOC_DONE:
			op->at = ALLOC_SYNCED;
			res = done(d);
			break;
		default:
			return 0;
		}
	}
	return res;
}

const struct op_family op_fallocate_family = {
	.name = "fallocate", .step = alloc_step, .end = data_op_end, .cancel = data_op_cancel
};
