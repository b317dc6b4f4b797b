/* data_read.c: reading.
 *
 *   PERM   may this client read the pool?
 *   CAPS   Fr is held: nobody changes the data unseen, or cuts the file
 *   HELD   how long is the file? If others may have made it longer and it matters: given back, asked, again
 *   INLINE the data stands in the inode: the MDS has answered
 *   DONE   the objects have answered
 */
#include "data_cache.h"

#include <errno.h>
#include <fcntl.h>

enum { READ_BEGIN, READ_PERM, READ_CAPS, READ_HELD, READ_SIZE, READ_INLINE, READ_DONE };

/* Past the cache: what is dirty in it goes first. */
static int64_t read_direct(struct data_op *d)
{
	int64_t res = data_cache_settle(d, d->offset, d->len);

	if (res) {
		d->op->at = READ_HELD;
		return res;
	}
	return data_io(d, FILE_READ, d->offset, d->len, d->op->u.data.iov, d->op->u.data.iov_count);
}

static int64_t held(struct data_op *d)
{
	struct op *op = d->op;
	uint64_t size = d->inode->a.size, end = d->offset + d->len;

	if (data_is_inline(d)) {
		data_caps_put(d);
		op->at = READ_INLINE;
		return data_inline_ask(d);
	}
	if (end > size && !d->size_asked && !data_size_certain(d)) {
		data_caps_put(d);
		d->size_asked = true;
		op->at = READ_SIZE;
		return op_getattr(op, CAP_FS);
	}
	op->at = READ_DONE;
	if (d->offset >= size) {
		d->len = 0;
		return 0;
	}
	if (end > size)
		d->len = size - d->offset;
	return data_cached(d) ? data_cache_read(d) : read_direct(d);
}

static int64_t read_step(struct op *op, int64_t res)
{
	struct data_op *d = data_op(op);

	while (res >= 0 && res != OP_PENDING) {
		switch (op->at) {
		case READ_BEGIN:
			op->at = READ_PERM;
			res = op->u.data.len ? data_op_begin(op) : 0;
			d = data_op(op);
			if (!res && !d)
				return 0;
			break;
		case READ_PERM:
			res = data_perm_step(d, DATA_MAY_READ);
			if (!res)
				op->at = READ_CAPS;
			break;
		case READ_CAPS:
			op->at = READ_HELD;
			res = data_caps(d, CAP_FR, data_cached(d) ? CAP_FC : 0, 0);
			break;
		case READ_HELD:
			res = held(d);
			break;
		case READ_SIZE:
			op->at = READ_CAPS;
			break;
		case READ_INLINE:
			op->at = data_inline_read(d, op->u.data.iov) ? READ_DONE : READ_CAPS;
			break;
		default:
			d->mt->data.reads++;
			d->mt->data.read_bytes += d->len;
			return (int64_t)d->len;
		}
	}
	return res;
}

const struct op_family op_read_family = {
	.name = "read", .step = read_step, .end = data_op_end, .cancel = data_op_cancel
};
