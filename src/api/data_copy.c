/* data_copy.c: copying a range of a file into another, a piece at a time through memory of ours.
 *
 *   READ     the next piece
 *   WRITE    what came of it; less than was asked: the file ends there
 */
#include "data_op.h"

#include <errno.h>
#include <string.h>

enum { COPY_BEGIN, COPY_READ, COPY_WRITE };
enum { COPY_PIECE = 4 << 20 };

static int64_t part(struct data_op *d, const struct op_family *fam, struct file *f, uint64_t offset,
		    uint64_t len)
{
	struct op *sub = op_sub_prepare(d->op, &d->part, fam);

	memset(&sub->u.data, 0, sizeof sub->u.data);
	sub->u.data.file = f;
	sub->u.data.one = (struct iovec){ d->buf, len };
	sub->u.data.iov = &sub->u.data.one;
	sub->u.data.iov_count = 1;
	sub->u.data.offset = offset;
	sub->u.data.len = len;
	__atomic_add_fetch(&f->busy, 1, __ATOMIC_ACQ_REL);
	return op_sub(d->op, sub);
}

static int64_t next_piece(struct data_op *d)
{
	uint64_t left = d->op->u.data.len - d->len;

	d->op->at = COPY_WRITE;
	return part(d, &op_read_family, d->file, d->offset + d->len, left < COPY_PIECE ? left : COPY_PIECE);
}

static int64_t begin(struct op *op)
{
	int err = data_op_begin(op);
	struct data_op *d = data_op(op);
	uint64_t len = op->u.data.len;

	if (err)
		return err;
	d->len = 0; /* copied */
	d->buf = mem_alloc(len < COPY_PIECE ? len : COPY_PIECE);
	return d->buf ? 0 : -ENOMEM;
}

static int64_t copy_step(struct op *op, int64_t res)
{
	struct data_op *d = data_op(op);

	/* What went before an error counts. */
	if (res < 0)
		return d && d->len ? (int64_t)d->len : res;
	for (;;) {
		switch (op->at) {
		case COPY_BEGIN:
			if (!op->u.data.len)
				return 0;
			res = begin(op);
			if (res)
				return res;
			d = data_op(op);
			op->at = COPY_READ;
			break;
		case COPY_READ:
			d->len += (uint64_t)res;
			if (d->len == op->u.data.len)
				return (int64_t)d->len;
			res = next_piece(d);
			break;
		default:
			if (!res)
				return (int64_t)d->len;
			op->at = COPY_READ;
			res = part(d, &op_write_family, op->u.data.to, op->u.data.to_offset + d->len,
				   (uint64_t)res);
		}
		if (res == OP_PENDING)
			return res;
		if (res < 0)
			return d->len ? (int64_t)d->len : res;
	}
}

static void copy_end(struct op *op, int64_t res)
{
	__atomic_sub_fetch(&op->u.data.to->busy, 1, __ATOMIC_RELEASE);
	data_op_end(op, res);
}

const struct op_family op_copy_family = { .name = "copy", .step = copy_step, .end = copy_end };
