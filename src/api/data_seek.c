/* data_seek.c: SEEK_DATA and SEEK_HOLE: objects are asked how much they have, a stretch of the file at a
 * time.
 *
 *   PERM, CAPS, HELD, SIZE   as in data_read.c
 *   ASK                      the next objects, in whole sets
 *   TOLD                     found in them? else on
 */
#include "../data/file_sizes.h"
#include "data_cache.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { SEEK_BEGIN, SEEK_PERM, SEEK_CAPS, SEEK_HELD, SEEK_SIZE, SEEK_ASK, SEEK_TOLD };

static struct file_sizes *sizes(const struct data_op *d)
{
	return d->buf;
}

static int64_t held(struct data_op *d)
{
	struct op *op = d->op;
	int64_t res = data_cache_settle(d, d->offset, INT64_MAX); /* the OSDs are asked, and must know */

	if (res)
		return res;
	if (!d->size_asked && !data_size_certain(d)) {
		data_caps_put(d);
		d->size_asked = true;
		op->at = SEEK_SIZE;
		return op_getattr(op, CAP_FS);
	}
	d->len = d->inode->a.size; /* the end of the search */
	if (d->offset >= d->len)
		return -ENXIO;
	op->at = SEEK_ASK;
	d->buf = mem_alloc(sizeof(struct file_sizes));
	return d->buf ? 0 : -ENOMEM;
}

/* What was asked ends there in the file. */
static uint64_t stretch_end(const struct data_op *d)
{
	const struct file_sizes *s = sizes(d);
	uint64_t end = (s->first + s->count) * s->at.layout.object_size;

	return end < d->len ? end : d->len;
}

static void told(struct file_sizes *s, int result)
{
	struct data_op *d = s->arg;

	d->io_busy = false;
	data_io_end(d);
	op_resume(d->op, result);
}

static int64_t ask(struct data_op *d)
{
	const struct layout *l = &d->inode->a.layout;
	uint64_t set_bytes = (uint64_t)l->object_size * l->stripe_count, set, last;
	struct file_sizes *s = sizes(d);
	uint32_t whole = l->stripe_count ? FILE_SIZES / l->stripe_count : 0;
	int err;

	d->op->at = SEEK_TOLD;
	/* A set of too many objects, or none at all: all of it counts as data. */
	if (!whole || data_is_inline(d))
		return 0;
	set = d->offset / set_bytes;
	last = (d->len - 1) / set_bytes;
	s->first = set * l->stripe_count;
	s->count = (uint32_t)(last - set + 1 < whole ? last - set + 1 : whole) * l->stripe_count;
	s->done = told;
	s->arg = d;
	err = data_where(d, &s->at, false);
	err = err ? err : file_sizes_submit(d->mt->data.osdc, s);
	return data_io_begun(d, err);
}

/* The offset that is looked for, or 0 with op->at where it goes on. */
static bool found(struct data_op *d, int64_t *res)
{
	const struct file_sizes *s = sizes(d);
	bool hole = d->op->u.data.flags == SEEK_HOLE;
	uint64_t end;

	*res = hole ? (int64_t)d->len : (int64_t)d->offset;
	if (!s->count)
		return true;
	end = stretch_end(d);
	d->offset = file_sizes_find(s, d->offset, end, hole);
	*res = (int64_t)d->offset;
	if (d->offset < end)
		return true;
	if (end == d->len) {
		*res = hole ? (int64_t)d->len : -ENXIO;
		return true;
	}
	*res = 0;
	d->op->at = SEEK_ASK;
	return false;
}

static int64_t seek_step(struct op *op, int64_t res)
{
	struct data_op *d = data_op(op);

	while (res >= 0 && res != OP_PENDING) {
		switch (op->at) {
		case SEEK_BEGIN:
			op->at = SEEK_PERM;
			res = data_op_begin(op);
			d = data_op(op);
			break;
		case SEEK_PERM:
			res = data_perm_step(d, DATA_MAY_READ);
			op->at = res ? SEEK_PERM : SEEK_CAPS;
			break;
		case SEEK_CAPS:
			op->at = SEEK_HELD;
			res = data_caps(d, CAP_FR, 0, 0);
			break;
		case SEEK_HELD:
			res = held(d);
			break;
		case SEEK_SIZE:
			op->at = SEEK_CAPS;
			break;
		case SEEK_ASK:
			res = ask(d);
			break;
		default:
			if (found(d, &res))
				return res;
		}
	}
	return res;
}

static bool seek_cancel(struct op *op, int err)
{
	struct data_op *d = data_op(op);

	if (d && d->cached.kind)
		return data_cache_cancel(d, err);
	if (!d || !d->io_busy)
		return false;
	file_sizes_cancel(sizes(d), err);
	return true;
}

const struct op_family op_seek_family = {
	.name = "seek", .step = seek_step, .end = data_op_end, .cancel = seek_cancel
};
