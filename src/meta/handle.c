/* handle.c: inodes without a path, as an NFS server knows them: by number, and their names by asking back.
 *
 *   lookup_handle   cached with a cap? --no--> LOOKUPINO
 *   name_of         a name that is still valid? --no--> LOOKUPPARENT --> LOOKUPNAME in it
 */
#include "meta.h"

#include <errno.h>
#include <string.h>

enum { HANDLE_BEGIN, HANDLE_PARENT, HANDLE_ASKED };

/* ---- by number ---- */

static int64_t give(struct op *op, struct inode *i)
{
	if (!i->a.nlink && i->key.snapid == SNAP_HEAD)
		return -ESTALE; /* removed, and only still open somewhere */
	inode_share(i);
	*op->u.handle.out = (cephring_inode *)i;
	return 0;
}

static void found(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;

	(void)rep;
	op->req = NULL;
	if (result == -ENOENT || (!result && !r->target))
		result = -ESTALE;
	op_resume(op, result ? result : give(op, r->target));
}

static int64_t lookup_handle_step(struct op *op, int64_t res)
{
	const struct cephring_handle *h = &op->u.handle.handle;
	struct meta *m = op->m;
	struct inode *i;
	struct mreq *r;

	if (res || op->at != HANDLE_BEGIN)
		return res;
	op->at = HANDLE_ASKED;
	/* The MDS's own inodes are nobody's to hold. */
	if (h->ino < INO_USER_MIN && h->ino != INO_ROOT)
		return -ESTALE;
	i = inode_find(&m->cache, h->ino, h->snapid);
	if (i && i->a.mode && (h->snapid != SNAP_HEAD || (caps_issued(i, ring_now(m->ring)) & CAP_LS)))
		return give(op, i);
	if (h->snapid == SNAP_DIR)
		return -ESTALE;
	r = mreq_new(m, MDS_OP_LOOKUPINO, NULL, NULL, 0);
	if (r) {
		r->base_ino = h->ino;
		r->done = found;
		if (h->snapid != SNAP_HEAD)
			args_lookupino(r->args, CAP_STAT_ALL, h->snapid, h->parent, h->hash);
	}
	return op_ask(op, r);
}

const struct op_family op_lookup_handle_family = { .name = "lookup_handle", .step = lookup_handle_step };

/* ---- the name ---- */

static int64_t give_name(struct op *op, const void *name, uint32_t len)
{
	if (len > op->u.handle.size)
		return -ERANGE;
	if (len)
		memcpy(op->u.handle.buf, name, len);
	return len;
}

static void named(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;

	op->req = NULL;
	if (!result && (!rep->is_dentry || !rep->dname.len))
		result = -ESTALE;
	op_resume(op, result ? result : give_name(op, rep->dname.p, rep->dname.len));
}

static void parent_found(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;

	(void)rep;
	op->req = NULL;
	if (!result && !r->target)
		result = -ESTALE;
	if (!result)
		op->u.handle.parent = inode_get(r->target);
	op_resume(op, result);
}

static int64_t name_of_step(struct op *op, int64_t res)
{
	struct meta *m = op->m;
	struct dentry *d;
	struct mreq *r;

	if (op->at == HANDLE_BEGIN) {
		res = walk_step(op, res);
		if (res)
			return res;
		op->inode = inode_get(op->walk.at);
		if (op->inode == m->root)
			return give_name(op, "", 0);
		LIST_FOREACH(d, &op->inode->aliases, alias)
		if (op->inode->key.snapid != SNAP_HEAD || dentry_valid(m, d, ring_now(m->ring)))
			return give_name(op, d->key.name, d->key.len);
		if (op->inode->key.snapid != SNAP_HEAD)
			return -ESTALE;
		op->at = HANDLE_PARENT;
		r = mreq_new(m, MDS_OP_LOOKUPPARENT, op->inode, NULL, 0);
		if (r)
			r->done = parent_found;
		return op_ask(op, r);
	}
	if (res || op->at == HANDLE_ASKED)
		return res;
	op->at = HANDLE_ASKED;
	r = mreq_new(m, MDS_OP_LOOKUPNAME, op->inode, NULL, 0);
	if (r && mreq_set_path2(r, op->u.handle.parent, "", 0)) {
		mreq_abandon(r);
		return -ENOMEM;
	}
	if (r)
		r->done = named;
	return op_ask(op, r);
}

static void name_of_end(struct op *op, int64_t res)
{
	(void)res;
	inode_put(op->m, op->u.handle.parent);
}

const struct op_family op_name_of_family = { .name = "name_of", .step = name_of_step, .end = name_of_end };
