/* open.c: opening for reading and closing.
 *
 *   WALK --> As held? --no--> GETATTR --> may_open --> a cap is held: open here, tell what we want soon
 *                                                  \-> no cap: OPEN request
 *
 * A held cap is the MDS's word that the inode may be used here; it then only needs to know what the open file
 * wants (doc/protocol.md 10.1). There is no close message: what is wanted sinks with the last open file.
 */
#include "meta.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { OPEN_WALK, OPEN_JUDGE, OPEN_SENT };

static int64_t make_file(struct op *op)
{
	struct meta *m = op->m;
	struct file *f = mem_alloc(sizeof *f);

	if (!f)
		return -ENOMEM;
	f->m = m;
	f->inode = inode_get(op->inode);
	f->flags = op->u.open.flags;
	f->mode = OPEN_RD;
	f->cred = op->walk.cred;
	f->cred.groups = NULL;
	if (f->cred.ngroups) {
		uint32_t *groups = mem_alloc(f->cred.ngroups * sizeof *groups);

		if (!groups) {
			inode_put(m, f->inode);
			mem_free(f, sizeof *f);
			return -ENOMEM;
		}
		memcpy(groups, op->walk.cred.groups, f->cred.ngroups * sizeof *groups);
		f->cred.groups = groups;
	}
	if (!(f->flags & O_PATH) && caps_open(m, f->inode, f->mode)) {
		inode_put(m, f->inode);
		mem_free((void *)f->cred.groups, 0);
		mem_free(f, sizeof *f);
		return -ENOMEM;
	}
	*op->u.open.out = (cephring_file *)f;
	return 0;
}

static int64_t send_open(struct op *op)
{
	struct mreq *r = mreq_new(op->m, MDS_OP_OPEN, op->inode, NULL, 0);

	if (r)
		args_open(r->args, open_flags_to_wire(op->u.open.flags), 0, CAP_PIN | CAP_AS, NULL, 0);
	return op_ask(op, r);
}

static int64_t open_step(struct op *op, int64_t res)
{
	struct meta *m = op->m;
	int flags = op->u.open.flags;

	switch (op->at) {
	case OPEN_WALK:
		res = walk_step(op, res);
		if (res)
			return res;
		op->inode = inode_get(op->walk.at);
		op->at = OPEN_JUDGE;
		if (!m->o.no_permissions &&
		    !perm_known(m, caps_issued(op->inode, ring_now(m->ring)) | op->walk.fresh))
			return op_getattr(op, CAP_PIN | perm_caps(m));
		/* fall through */
	case OPEN_JUDGE:
		if (res)
			return res;
		res = may_open(m, op->inode, flags, &op->walk.cred);
		if (res)
			return res;
		op->at = OPEN_SENT;
		if (!(flags & O_PATH) && !caps_any(op->inode, ring_now(m->ring)))
			return send_open(op);
		/* fall through */
	default:
		return res ? res : make_file(op);
	}
}

const struct op_family op_open_family = { .name = "open", .step = open_step };

/* ---- close ---- */

static int64_t close_step(struct op *op, int64_t res)
{
	(void)op;
	return res;
}

static void close_end(struct op *op, int64_t res)
{
	struct meta *m = op->m;
	struct file *f = op->u.file.file;

	(void)res;
	if (!(f->flags & O_PATH))
		caps_close(m, f->inode, f->mode);
	dir_stream_free(m, f->dir);
	mem_free((void *)f->cred.groups, 0);
	inode_put(m, f->inode);
	mem_free(f, sizeof *f);
}

/* `end` frees the file also when the operation is cancelled or the mount ends. */
const struct op_family op_close_family = { .name = "close", .step = close_step, .end = close_end };
