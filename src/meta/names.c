/* names.c: what happens to names that exist: unlink (and rmdir), link, rename.
 *
 *   unlink   the directory --> the victim, where its owner or kind matters --> UNLINK or RMDIR
 *   link     the target's walk --> the directory of the new name --> quota --> LINK
 *   rename   the old name's directory --> the new one's --> what they stand for, where it matters --> RENAME
 *
 * A caller whose rights cannot depend on what a name stands for (uid 0, checks off) lets the MDS look: one
 * round trip.
 */
#include "dirops.h"
#include "meta.h"
#include "naming.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "walk_impl.h"

static bool sticky_matters(const struct op *op, const struct inode *dir)
{
	return !walk_free_pass(op->m, &op->walk) && (dir->a.mode & S_ISVTX) &&
	       op->walk.cred.uid != dir->a.uid;
}

static void make_end(struct op *op, int64_t res)
{
	(void)res;
	inode_put(op->m, op->u.make.was);
	inode_put(op->m, op->u.make.now);
	op->u.make.was = op->u.make.now = NULL;
}

/* ---- unlink ---- */

enum { UNLINK_VICTIM = NAMING_READY, UNLINK_JUDGE, UNLINK_SENT };

static void unlinked(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;

	/* The reply binds the name to nothing; where it does not say so, forget it. */
	if (!result && !(r->dentry && !r->dentry->inode))
		naming_forget(op->m, op->inode, op->walk.last, op->walk.last_len);
	op_replied(r, result, rep);
}

static int64_t unlink_send(struct op *op)
{
	bool isdir = op->u.make.flags & CEPHRING_REMOVEDIR;
	struct mreq *r = naming_request(op, isdir ? MDS_OP_RMDIR : MDS_OP_UNLINK, CAP_FS | CAP_XX);

	if (r) {
		r->done = unlinked;
		if (op->u.make.was)
			naming_drop_target(r, op->u.make.was, true);
	}
	return op_ask(op, r);
}

static int64_t unlink_step(struct op *op, int64_t res)
{
	bool isdir = op->u.make.flags & CEPHRING_REMOVEDIR;
	struct inode **victim = &op->u.make.was, *i;
	struct walk *w = &op->walk;
	int known, err;

	if (op->at < NAMING_READY) {
		res = naming_dir(op, res);
		if (res)
			return res;
		err = naming_last(w, isdir ? NAMING_RMDIR : NAMING_UNLINK);
		if (err)
			return err;
		if (op->inode->key.snapid == SNAP_DIR && isdir) {
			op->at = UNLINK_SENT;
			return snap_remove(op);
		}
		known = naming_known(op->m, op->inode, w->last, w->last_len, &i);
		if (known < 0) { /* who may not search the directory is not told so */
			err = may_lookup(op->m, op->inode, &w->cred);
			return err ? err : known;
		}
		if (known)
			*victim = inode_get(i);
		op->at = UNLINK_JUDGE;
		if (sticky_matters(op, op->inode) || (w->need_dir && !isdir)) {
			inode_put(op->m, *victim);
			*victim = NULL;
			res = naming_lookup(op, op->inode, w->last, w->last_len, victim);
		}
	}
	if (res)
		return res;
	if (op->at == UNLINK_JUDGE) {
		if (*victim && w->need_dir && !inode_is_dir(*victim))
			return -ENOTDIR;
		err = may_delete(op->m, op->inode, *victim, &w->cred, isdir);
		if (err)
			return err;
		op->at = UNLINK_SENT;
		return !isdir && dirops_unlink(op) ? 0 : unlink_send(op);
	}
	return 0;
}

const struct op_family op_unlink_family = { .name = "unlink", .step = unlink_step, .end = make_end };

/* ---- two paths ---- */

/* The first walk is done: it is kept, and the second one begins. */
static int second_path(struct op *op, int flags)
{
	struct walk *w = &op->walk;
	struct cephring_cred cred = w->cred;

	op->from = *w;
	*w = (struct walk){ 0 };
	inode_put(op->m, op->inode);
	op->inode = NULL;
	op->at = NAMING_WALK;
	return walk_begin(op->m, w, op->u.make.at, op->u.make.path,
			  flags | WALK_PARENT | (op->u.make.at ? WALK_EMPTY_OK : 0), &cred,
			  CAP_PIN | perm_caps(op->m));
}

static bool first_path(const struct op *op)
{
	return !op->from.at;
}

/* ---- link ---- */

enum { LINK_QUOTA = NAMING_READY, LINK_SENT };

static int64_t link_send(struct op *op)
{
	struct mreq *r = naming_request(op, MDS_OP_LINK, CAP_FS | CAP_XX);

	if (r && mreq_set_path2(r, op->u.make.was, "", 0)) {
		mreq_abandon(r);
		return -ENOMEM;
	}
	if (r)
		naming_drop_target(r, op->u.make.was, false);
	return op_ask(op, r);
}

static int link_target(struct op *op)
{
	struct inode *i = op->walk.at;

	if (i->key.snapid != SNAP_HEAD)
		return -EROFS;
	if (inode_is_dir(i))
		return -EPERM;
	op->u.make.was = inode_get(i);
	return second_path(op, 0);
}

static int64_t link_step(struct op *op, int64_t res)
{
	struct walk *w = &op->walk;
	struct inode *there;
	int err;

	if (first_path(op)) {
		res = walk_step(op, res);
		res = res ? res : link_target(op);
		if (res)
			return res;
	}
	if (op->at < NAMING_READY) {
		res = naming_dir(op, res);
		if (res)
			return res;
		err = naming_last(w, NAMING_MAKE);
		if (err)
			return err;
		if (naming_known(op->m, op->inode, w->last, w->last_len, &there) == 1)
			return -EEXIST;
		err = may_hardlink(op->m, op->u.make.was, &w->cred);
		err = err ? err : may_create(op->m, op->inode, &w->cred);
		if (err)
			return err;
	}
	if (res)
		return res;
	if (op->at == LINK_QUOTA) {
		res = quota_step(op, op->inode, 0, 1);
		if (res)
			return res;
		op->at = LINK_SENT;
		return link_send(op);
	}
	return 0;
}

const struct op_family op_link_family = { .name = "link", .step = link_step, .end = make_end };

/* ---- rename ---- */

enum { RENAME_WAS = NAMING_READY, RENAME_NOW, RENAME_JUDGE, RENAME_QUOTA, RENAME_SENT };

static void renamed(struct mreq *r, int result)
{
	struct op *op = r->arg;
	struct walk *f = &op->from;
	struct dentry *d;

	if (!result && r->dentry && r->dentry->inode) {
		naming_forget(op->m, f->at, f->last, f->last_len);
	} else if (!result) {
		/* Two names of one file: nothing happened. Or the reply told nothing: ask again. */
		d = dentry_find(&op->m->cache, f->at, f->last, f->last_len);
		if (d)
			dentry_drop(op->m, d);
		d = dentry_find(&op->m->cache, op->walk.at, op->walk.last, op->walk.last_len);
		if (d)
			dentry_drop(op->m, d);
	}
}

static int64_t rename_send(struct op *op)
{
	struct walk *f = &op->from;
	struct mreq *r = naming_request(op, MDS_OP_RENAME, CAP_FS | CAP_XX);

	if (r && mreq_set_path2(r, f->at, f->last, f->last_len)) {
		mreq_abandon(r);
		return -ENOMEM;
	}
	if (r) {
		mreq_drop(r, f->at, CAP_FS | CAP_XX, CAP_FX, true);
		if (op->u.make.was)
			naming_drop_target(r, op->u.make.was, false);
		if (op->u.make.now && op->u.make.now != op->u.make.was)
			naming_drop_target(r, op->u.make.now, true);
		r->traced = renamed;
	}
	return op_ask(op, r);
}

static int rename_judge(struct op *op)
{
	const struct inode *was = op->u.make.was, *now = op->u.make.now, *to = op->walk.at,
			   *from = op->from.at;
	const struct cephring_cred *cred = &op->walk.cred;
	bool isdir = was && inode_is_dir(was);
	int err = may_delete(op->m, from, was, cred, isdir);

	if (!err && was && !isdir && (op->walk.need_dir || op->from.need_dir))
		err = -ENOTDIR;
	if (!err)
		err = now ? may_delete(op->m, to, now, cred, was ? isdir : inode_is_dir(now))
			  : may_create(op->m, to, cred);
	/* Its `..` will be another. */
	if (!err && isdir && from != to && !walk_free_pass(op->m, &op->walk))
		err = inode_permission(op->m, was, cred, MAY_WRITE);
	return err;
}

/* Both directories are known. */
static void rename_begin(struct op *op)
{
	struct inode *to = op->walk.at, *from = op->from.at, *i;

	if (naming_known(op->m, from, op->from.last, op->from.last_len, &i) == 1)
		op->u.make.was = inode_get(i);
	if (naming_known(op->m, to, op->walk.last, op->walk.last_len, &i) == 1)
		op->u.make.now = inode_get(i);
}

static int64_t rename_names(struct op *op, int64_t res)
{
	struct walk *w = &op->walk, *f = &op->from;
	bool slash = w->need_dir || f->need_dir;

	if (op->at == RENAME_WAS) {
		op->at = RENAME_NOW;
		if (!walk_free_pass(op->m, w) || slash) {
			inode_put(op->m, op->u.make.was);
			op->u.make.was = NULL;
			res = naming_lookup(op, f->at, f->last, f->last_len, &op->u.make.was);
			if (res)
				return res;
		}
	}
	if (op->at == RENAME_NOW) {
		if (res)
			return res;
		op->at = RENAME_JUDGE;
		if (sticky_matters(op, w->at)) {
			inode_put(op->m, op->u.make.now);
			op->u.make.now = NULL;
			res = naming_lookup(op, w->at, w->last, w->last_len, &op->u.make.now);
		}
	}
	return op->at == RENAME_JUDGE && res == -ENOENT ? 0 : res;
}

static int64_t rename_step(struct op *op, int64_t res)
{
	int err;

	while (op->at < NAMING_READY) {
		res = naming_dir(op, res);
		if (res)
			return res;
		err = naming_last(&op->walk, NAMING_RENAME);
		if (err)
			return err;
		if (!first_path(op))
			break;
		res = second_path(op, 0);
		if (res)
			return res;
	}
	if (op->at == RENAME_WAS) {
		if (op->walk.at->key.snapid != SNAP_HEAD || op->from.at->key.snapid != SNAP_HEAD) {
			op->at = RENAME_SENT;
			return snap_rename(op);
		}
		rename_begin(op);
	}
	if (op->at <= RENAME_JUDGE) {
		res = rename_names(op, res);
		if (res)
			return res;
		err = rename_judge(op);
		if (err)
			return err;
		op->at = RENAME_QUOTA;
	}
	if (res || op->at == RENAME_SENT)
		return res;
	res = quota_rename_step(op, op->from.at, op->walk.at);
	if (res)
		return res;
	op->at = RENAME_SENT;
	return rename_send(op);
}

const struct op_family op_rename_family = { .name = "rename", .step = rename_step, .end = make_end };
