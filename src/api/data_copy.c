/* data_copy.c: copying a range of a file into another, a stretch at a time.
 *
 *   NEXT     which stretch, and how?
 *   READ     through memory of ours: the next piece comes
 *   WRITE    and goes; less than was asked: the file ends there
 *   SETTLED  through the OSDs: what is dirty of the source is there, whole objects can be copied
 *   CAPS     it may be read
 *   OBJECTS  they are; or that cannot be had now, and the piece goes through memory
 *
 * Through the OSDs (CEPHRING_COPY_OFFLOAD) goes what is whole objects on both sides, but
 *
 *   - not the target's first object: a copy brings the source's attributes, and that object's are the file's
 *     way home, by which the MDS finds it by number;
 *   - nothing behind where the source was last cut: the MDS cuts the objects later, and until then only
 *     reads, which tell of the cut, do not see their bytes.
 *
 * Such a stretch is a write to the target (data_write.c) which has no buffers. Source's and target's caps are
 * needed at once: who waits for the one while he holds the other could wait for ever for somebody who does it
 * the other way round. So the source's are waited for while nothing is held, given back, and then taken only
 * if they are to be had at once.
 */
#include "data_cache.h"

#include <errno.h>
#include <string.h>

enum { COPY_BEGIN, COPY_NEXT, COPY_READ, COPY_WRITE, COPY_SETTLED, COPY_CAPS, COPY_OBJECTS };
enum {
	COPY_PIECE = 4 << 20,
	COPY_STRETCH = 16, /* objects: then size and times are told, and a cancel is seen */
};

/* ---- which objects ---- */

static bool alike(const struct layout *a, const struct layout *b)
{
	return a->stripe_count == 1 && b->stripe_count == 1 && a->object_size &&
	       a->object_size == b->object_size;
}

static bool in_objects(const struct inode *i)
{
	return !i->inline_version || i->inline_version == INLINE_NONE;
}

/* How many of the bytes from `offset` on stand in the objects as they are read. */
static uint64_t plain_bytes(const struct inode *from, uint64_t offset)
{
	uint64_t end = from->a.size < from->truncate_size ? from->a.size : from->truncate_size;

	return offset < end ? end - offset : 0;
}

static bool offload(const struct data_op *d)
{
	const struct op *op = d->op;
	const struct inode *from = d->inode, *to = op->u.data.to->inode;
	uint64_t apart = op->u.data.offset - op->u.data.to_offset;

	return (op->u.data.flags & CEPHRING_COPY_OFFLOAD) && alike(&from->a.layout, &to->a.layout) &&
	       in_objects(from) && in_objects(to) && to->truncate_seq &&
	       !(apart % from->a.layout.object_size);
}

/* Bytes of the next stretch if it is whole objects, else 0. */
static uint64_t stretch(const struct data_op *d)
{
	uint64_t size = d->inode->a.layout.object_size, left = d->op->u.data.len - d->len, plain;
	uint64_t to = d->op->u.data.to_offset + d->len;

	if (!offload(d) || d->through || to % size || to < size)
		return 0;
	plain = plain_bytes(d->inode, d->offset + d->len);
	left = left < plain ? left : plain;
	left = left < COPY_STRETCH * size ? left : COPY_STRETCH * size;
	return left - left % size;
}

/* ---- objects: in the write ---- */

/* 0, or -EAGAIN: not at once. */
static int64_t source_caps(struct data_op *d, struct inode *from)
{
	struct cap_wait w = { .inode = from, .need = CAP_FR };
	struct meta *m = d->op->m;
	int err;

	d->from.got = 0;
	if (from->key.snapid == SNAP_HEAD) {
		err = caps_get(m, &w);
		if (err == 1) {
			caps_get_cancel(m, &w);
			return -EAGAIN;
		}
		if (err)
			return err;
		d->from.got = w.got;
	}
	d->from.inode = inode_get(from);
	return 0;
}

int64_t data_copy_io(struct data_op *d)
{
	const struct op *op = d->op;
	struct inode *from = op->u.data.from->inode;
	int64_t res = source_caps(d, from);

	if (res)
		return res;
	/* Now nobody changes that any more. */
	if (!alike(&from->a.layout, &d->inode->a.layout) || !in_objects(from) || !d->inode->truncate_seq ||
	    plain_bytes(from, op->u.data.from_offset) < d->len)
		return -EAGAIN;
	return data_io(d, FILE_COPY, d->offset, d->len, NULL, 0);
}

/* ---- parts ---- */

static struct op *part(struct data_op *d, const struct op_family *fam, struct file *f, uint64_t offset,
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
	return sub;
}

static int64_t objects(struct data_op *d)
{
	struct op *op = d->op, *sub;
	uint64_t len = stretch(d);

	if (!len) { /* cut meanwhile */
		op->at = COPY_NEXT;
		return 0;
	}
	op->at = COPY_OBJECTS;
	sub = part(d, &op_write_family, op->u.data.to, op->u.data.to_offset + d->len, len);
	sub->u.data.iov = NULL;
	sub->u.data.iov_count = 0;
	sub->u.data.from = d->file;
	sub->u.data.from_offset = d->offset + d->len;
	return op_sub(op, sub);
}

static int64_t piece(struct data_op *d)
{
	uint64_t left = d->op->u.data.len - d->len, len = left < COPY_PIECE ? left : COPY_PIECE;

	/* Up to where objects begin. */
	if (offload(d)) {
		uint64_t size = d->inode->a.layout.object_size, part = size - (d->offset + d->len) % size;

		len = len < part ? len : part;
	}
	d->through = false;
	d->op->at = COPY_WRITE;
	return op_sub(d->op, part(d, &op_read_family, d->file, d->offset + d->len, len));
}

static int64_t next(struct data_op *d)
{
	uint64_t len = stretch(d);

	if (!len)
		return piece(d);
	d->op->at = COPY_SETTLED;
	return data_cache_settle(d, d->offset + d->len, len);
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

/* The OSDs do not, or not now: the piece goes through memory. */
static bool refused(struct data_op *d, int64_t res)
{
	struct op *op = d->op;

	if (op->at != COPY_OBJECTS || (res != -EAGAIN && res != -EOPNOTSUPP))
		return false;
	if (res == -EOPNOTSUPP)
		op->u.data.flags &= ~CEPHRING_COPY_OFFLOAD;
	d->through = true;
	op->at = COPY_NEXT;
	return true;
}

static int64_t copy_step(struct op *op, int64_t res)
{
	struct data_op *d = data_op(op);

	for (;;) {
		if (res == OP_PENDING)
			return res;
		if (res < 0 && d && refused(d, res))
			res = 0;
		/* What went before an error counts. */
		if (res < 0)
			return d && d->len ? (int64_t)d->len : res;
		switch (op->at) {
		case COPY_BEGIN:
			if (!op->u.data.len)
				return 0;
			res = begin(op);
			d = data_op(op);
			op->at = COPY_NEXT;
			break;
		case COPY_SETTLED:
			/* The pool's rights: as for a read. */
			res = data_perm_step(d, DATA_MAY_READ);
			if (res)
				break;
			op->at = COPY_CAPS;
			res = data_caps(d, CAP_FR, 0, 0);
			break;
		case COPY_CAPS:
			data_caps_put(d);
			res = objects(d);
			break;
		case COPY_WRITE:
			if (!res)
				return (int64_t)d->len;
			op->at = COPY_READ;
			res = op_sub(op, part(d, &op_write_family, op->u.data.to,
					      op->u.data.to_offset + d->len, (uint64_t)res));
			break;
		default: /* NEXT, or so much is done */
			d->len += (uint64_t)res;
			if (d->len == op->u.data.len)
				return (int64_t)d->len;
			res = next(d);
		}
	}
}

static void copy_end(struct op *op, int64_t res)
{
	__atomic_sub_fetch(&op->u.data.to->busy, 1, __ATOMIC_RELEASE);
	data_op_end(op, res);
}

static bool copy_cancel(struct op *op, int err)
{
	struct data_op *d = data_op(op);

	return d && d->cached.kind ? data_cache_cancel(d, err) : false;
}

const struct op_family op_copy_family = {
	.name = "copy", .step = copy_step, .end = copy_end, .cancel = copy_cancel
};
