/* data_inline.c: files whose data stands in their inode: an old way of keeping small files, which file
 * systems may still have. They are read from the MDS's answer; before one is written to, its data moves to
 * where all others have it, for good.
 *
 *   inline_version   ~0: not inline; 1: inline, never written; else it counts writes
 *
 *   ASK     GETATTR brings the data
 *   MAKE    the file's first object is made: attributes can be compared of what exists only
 *   MOVE    the data is written to it, unless it has a version as new: somebody else was first
 *
 * Who holds Fw then tells the MDS that it is not inline any more, with the flush of the write.
 */
#include "data_op.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { INLINE_NEW = 1 };
enum { MOVE_ASK, MOVE_MAKE, MOVE_WRITE, MOVE_DONE };

struct data_inline {
	struct osd_req q; /* first */
	struct data_op *d;
	uint64_t version;
	uint32_t len;
	uint8_t at;
	bool busy;
	struct iovec iov;
	char text[24]; /* the version, for the attribute */
	uint8_t data[];
};

bool data_is_inline(const struct data_op *d)
{
	return d->inode->inline_version && d->inode->inline_version != INLINE_NONE;
}

void data_inline_free(struct data_op *d)
{
	mem_free(d->moved, 0);
	d->moved = NULL;
}

bool data_inline_cancel(struct data_op *d, int err)
{
	if (!d->moved || !d->moved->busy)
		return false;
	osdc_cancel(&d->moved->q, err);
	return true;
}

/* ---- asking ---- */

/* An MDS that cuts a file leaves the data in its inode as long as it was. An object would have ended there,
 * whatever the size became since. */
static uint32_t not_cut(const struct inode_stat *st)
{
	return st->truncate_size < st->inline_data.len ? (uint32_t)st->truncate_size : st->inline_data.len;
}

static void told(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;
	struct data_op *d = data_op(op);
	const struct inode_stat *st = &rep->target;

	op->req = NULL;
	if (!result && rep->is_target) {
		data_inline_free(d);
		d->moved = mem_alloc(sizeof *d->moved + st->inline_data.len);
		if (d->moved) {
			d->moved->d = d;
			d->moved->version = st->inline_version;
			d->moved->len = not_cut(st);
			if (d->moved->len)
				memcpy(d->moved->data, st->inline_data.p, d->moved->len);
		}
		result = d->moved ? 0 : -ENOMEM;
	} else if (!result) {
		result = -EIO;
	}
	op_resume(op, result);
}

int64_t data_inline_ask(struct data_op *d)
{
	struct mreq *r = mreq_new(d->op->m, MDS_OP_GETATTR, d->inode, NULL, 0);

	if (r) {
		args_getattr(r->args, CAP_FS | CAP_FR);
		r->done = told;
	}
	return op_ask(d->op, r);
}

static void put(const struct iovec *iov, uint64_t at, const uint8_t *p, uint64_t len)
{
	for (; len; iov++) {
		uint64_t n;

		if (at >= iov->iov_len) {
			at -= iov->iov_len;
			continue;
		}
		n = iov->iov_len - at < len ? iov->iov_len - at : len;
		if (p)
			memcpy((char *)iov->iov_base + at, p, n);
		else
			memset((char *)iov->iov_base + at, 0, n);
		p = p ? p + n : NULL;
		at = 0;
		len -= n;
	}
}

bool data_inline_read(struct data_op *d, const struct iovec *iov)
{
	const struct data_inline *x = d->moved;
	uint64_t size = d->inode->a.size, have, n;

	if (x->version == INLINE_NONE)
		return false;
	d->len = d->offset >= size ? 0 : size - d->offset < d->len ? size - d->offset : d->len;
	have = d->offset < x->len ? x->len - d->offset : 0;
	n = have < d->len ? have : d->len;
	put(iov, 0, x->data + (n ? d->offset : 0), n);
	put(iov, n, NULL, d->len - n);
	return true;
}

/* ---- moving it out ---- */

static void sent(struct osd_req *q, int result)
{
	struct data_inline *x = (struct data_inline *)q;

	x->busy = false;
	data_io_end(x->d);
	if (result == -ECANCELED && x->at == MOVE_DONE && !x->d->op->ending)
		result = 0; /* it was moved by somebody else */
	op_resume(x->d->op, result < 0 ? result : 0);
}

static int build(struct data_inline *x, const struct file_where *w)
{
	struct osd_trunc t = { stripe_object_trunc(&w->layout, 0, w->truncate_size), w->truncate_seq };
	int err;

	if (x->at == MOVE_MAKE) {
		osd_op_create(osd_req_op(&x->q), false);
		return 0;
	}
	osd_op_cmpxattr_u64(osd_req_op(&x->q), "inline_version", OSD_CMP_GT, x->version, &x->q.payload);
	x->iov = (struct iovec){ x->data, x->len };
	err = osd_req_write(&x->q, OSD_OP_WRITE, 0, x->len, t, &x->iov, 1);
	snprintf(x->text, sizeof x->text, "%" PRIu64, x->version);
	osd_op_setxattr(osd_req_op(&x->q), "inline_version",
			(struct slice){ (const uint8_t *)x->text, (uint32_t)strlen(x->text) }, &x->q.payload);
	return err;
}

static int64_t send(struct data_op *d, uint8_t next)
{
	struct data_inline *x = d->moved;
	struct file_where w;
	char name[STRIPE_NAME_MAX];
	int err = data_where(d, &w, true);

	err = err ? err : osd_req_init(&x->q, w.pool, w.nspace, name, stripe_object_name(w.ino, 0, name));
	x->q.done = sent;
	x->q.flags = OSD_FLAG_FULL_TRY;
	x->q.snap_seq = w.snap_seq;
	x->q.snaps = w.snaps;
	x->q.snap_count = w.snap_count;
	err = err ? err : build(x, &w);
	x->at = next;
	err = err ? err : osdc_submit(d->mt->data.osdc, &x->q);
	if (err) {
		osd_req_fini(&x->q);
		data_io_end(d);
		return err;
	}
	x->busy = true;
	d->op->sent = true;
	return OP_PENDING;
}

int64_t data_inline_step(struct data_op *d)
{
	struct data_inline *x = d->moved;

	if (!data_is_inline(d))
		return 0;
	if (!x)
		return data_inline_ask(d);
	/* Never written, or longer than the inode has: nothing is to be moved. */
	if (x->at == MOVE_DONE || x->version == INLINE_NONE || x->version == INLINE_NEW || !x->len)
		return 0;
	if (x->at == MOVE_ASK)
		x->at = MOVE_MAKE;
	return send(d, x->at == MOVE_MAKE ? MOVE_WRITE : MOVE_DONE);
}
