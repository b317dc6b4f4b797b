/* inside_block.c: a part of one object of a file, read or written past caps, cache and size; the asker
 * sleeps. */
#include "../data/stripe.h"
#include "data_op.h"
#include "inside_ask.h"

#include <errno.h>

struct block {
	struct question asked; /* first */
	struct map_waiter map;
	const struct inside_block *b;
	struct osd_req q;
	struct iovec iov;
	char *ns;               /* owned: the inode's may change meanwhile */
	LIST_ENTRY(block) link; /* of data_side, while it is submitted */
};

static void answer(struct block *x, int res)
{
	mem_free(x->ns, 0);
	question_answer(&x->asked, res);
}

static void block_done(struct osd_req *q, int result)
{
	struct block *x = q->arg;

	LIST_REMOVE(x, link);
	if (!result && !x->b->write)
		result = (int)q->dest_done;
	answer(x, result < 0 ? result : x->b->write ? (int)x->b->len : result);
}

static int fill(struct block *x)
{
	const struct inside_block *b = x->b;
	const struct inode *i = (const struct inode *)b->inode;
	struct osd_trunc none = { 0, 0 };
	struct file_where w;
	char name[STRIPE_NAME_MAX];
	int err = data_where_inode(i, &w, &x->ns);

	if (!err)
		err =
		    osd_req_init(&x->q, b->pool, w.nspace, name, stripe_object_name(w.ino, b->object, name));
	if (err)
		return err;
	x->q.snap_seq = b->snap_seq;
	x->q.snapid = b->write ? OSD_SNAP_HEAD : w.snapid;
	x->iov = (struct iovec){ b->buf, b->len };
	return b->write ? osd_req_write(&x->q, OSD_OP_WRITE, b->offset, b->len, none, &x->iov, 1)
			: osd_req_read(&x->q, b->offset, b->len, none, &x->iov, 1);
}

static void submit(struct map_waiter *w, int err)
{
	struct block *x = (struct block *)((char *)w - offsetof(struct block, map));

	/* A pool that is none would be waited for: it might be new. */
	if (!err && !osdmap_pool(osdc_map(x->asked.mt->data.osdc), x->b->pool))
		err = -ENOENT;
	err = err ? err : fill(x);
	x->q.done = block_done;
	x->q.arg = x;
	err = err ? err : osdc_submit(x->asked.mt->data.osdc, &x->q);
	if (err) {
		osd_req_fini(&x->q);
		answer(x, err);
	} else {
		LIST_INSERT_HEAD(&x->asked.mt->data.blocks, x, link);
	}
}

static void begin(struct question *q)
{
	data_map_wait(q->mt, &((struct block *)q)->map);
}

int inside_block(cephring_mount *mt, const struct inside_block *b)
{
	struct block x = { .asked = { .mt = mt, .begin = begin }, .map = { .fn = submit }, .b = b };

	return question_ask(&x.asked);
}

void blocks_fail(cephring_mount *mt, int err)
{
	struct block *x;

	LIST_FOREACH(x, &mt->data.blocks, link)
	osdc_cancel(&x->q, err);
}
