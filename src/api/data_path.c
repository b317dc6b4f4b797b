/* data_path.c: a small file as a whole: opened, read or written, and closed, without a turn in between: what
 * is next leaves in the turn in which what was before is answered.
 *
 *   OPEN    as cephring_open()
 *   DATA    as cephring_read() or cephring_write()
 *   SYNC    written, and to be on stable storage
 */
#include "data_op.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { WHOLE_BEGIN, WHOLE_OPENED, WHOLE_DATA, WHOLE_SYNCED };

static bool writes(const struct op *op)
{
	return op->fam == &op_write_path_family;
}

static int64_t open_it(struct op *op)
{
	const struct op_whole *w = &op->u.whole;
	struct op *sub = op_sub_prepare(op, w->part, &op_open_family);

	op_set_walk(sub, w->at, w->path, 0, w->cred, CAP_PIN | CAP_AS);
	memset(&sub->u.open, 0, sizeof sub->u.open);
	sub->u.open.flags = writes(op) ? O_WRONLY | O_CREAT | O_TRUNC | (w->flags & O_EXCL) : O_RDONLY;
	sub->u.open.mode = w->mode;
	sub->u.open.out = (cephring_file **)&op->u.whole.file;
	return op_sub(op, sub);
}

static int64_t data(struct op *op)
{
	struct op_whole *w = &op->u.whole;
	struct op *sub;

	if (inode_is_dir(w->file->inode))
		return -EISDIR;
	sub = op_sub_prepare(op, w->part, writes(op) ? &op_write_family : &op_read_family);
	memset(&sub->u.data, 0, sizeof sub->u.data);
	sub->u.data.file = w->file;
	sub->u.data.one = (struct iovec){ w->buf, w->size };
	sub->u.data.iov = &sub->u.data.one;
	sub->u.data.iov_count = 1;
	sub->u.data.len = w->size;
	__atomic_add_fetch(&w->file->busy, 1, __ATOMIC_ACQ_REL);
	return op_sub(op, sub);
}

static int64_t sync_it(struct op *op)
{
	struct op_whole *w = &op->u.whole;
	struct op *sub;

	if (!writes(op) || !(w->flags & O_DSYNC))
		return 0;
	sub = op_sub_prepare(op, w->part, &op_fsync_family);
	memset(&sub->u.sync, 0, sizeof sub->u.sync);
	sub->u.sync.file = w->file;
	sub->u.sync.datasync = 1;
	__atomic_add_fetch(&w->file->busy, 1, __ATOMIC_ACQ_REL);
	return op_sub(op, sub);
}

static int64_t whole_step(struct op *op, int64_t res)
{
	struct op_whole *w = &op->u.whole;

	while (res >= 0 && res != OP_PENDING) {
		switch (op->at) {
		case WHOLE_BEGIN:
			w->part = mem_alloc(sizeof *w->part);
			if (!w->part)
				return -ENOMEM;
			op->at = WHOLE_OPENED;
			res = open_it(op);
			break;
		case WHOLE_OPENED:
			op->at = WHOLE_DATA;
			res = data(op);
			break;
		case WHOLE_DATA:
			op->at = WHOLE_SYNCED;
			w->res = res;
			res = sync_it(op);
			break;
		default:
			return w->res;
		}
	}
	return res;
}

static void whole_end(struct op *op, int64_t res)
{
	struct op_whole *w = &op->u.whole;
	const struct inode *i = w->file ? w->file->inode : NULL;

	if (res >= 0 && w->st)
		statx_fill(i, caps_issued(i, ring_now(op->m->ring)), w->st);
	if (w->file)
		file_close(w->file);
	mem_free(w->part, sizeof *w->part);
}

const struct op_family op_read_path_family = { .name = "read_path", .step = whole_step, .end = whole_end };
const struct op_family op_write_path_family = { .name = "write_path", .step = whole_step, .end = whole_end };
