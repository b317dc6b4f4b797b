/* naming.c: see naming.h. */
#include "dirops.h"
#include "meta.h"
#include "naming.h"

#include <errno.h>
#include <string.h>
#include "walk_impl.h"

int64_t naming_dir(struct op *op, int64_t res)
{
	struct meta *m = op->m;
	struct walk *w = &op->walk;
	uint32_t need = perm_caps(m);

	if (op->at == NAMING_WALK) {
		res = walk_step(op, res);
		if (res)
			return res;
		op->inode = inode_get(w->at);
		op->at = NAMING_JUDGE;
		/* Of a default ACL everybody's new names inherit. */
		if ((!walk_free_pass(m, w) || m->o.posix_acl) && w->at->key.snapid == SNAP_HEAD &&
		    w->judged != w->at && (need & ~(caps_issued(w->at, ring_now(m->ring)) | w->fresh)))
			return op_getattr(op, CAP_PIN | need);
	}
	if (op->at != NAMING_JUDGE || res)
		return res;
	if (w->last && dirops_wait(op, w->at, w->last, w->last_len))
		return OP_PENDING;
	op->at = NAMING_READY;
	return 0;
}

int naming_last(const struct walk *w, enum naming_kind kind)
{
	static const struct {
		int none, dot, dots, slash;
	} said[] = {
		[NAMING_MAKE_DIR] = { -EEXIST, -EEXIST, -EEXIST, 0 },
		[NAMING_MAKE] = { -EEXIST, -EEXIST, -EEXIST, -ENOENT },
		[NAMING_OPEN] = { -EISDIR, -EISDIR, -EISDIR, -EISDIR },
		[NAMING_UNLINK] = { -EISDIR, -EISDIR, -EISDIR, 0 },
		[NAMING_RMDIR] = { -EBUSY, -EINVAL, -ENOTEMPTY, 0 },
		[NAMING_RENAME] = { -EBUSY, -EBUSY, -EBUSY, 0 },
	};

	if (!w->last)
		return said[kind].none;
	if ((kind == NAMING_RMDIR || kind == NAMING_RENAME) && w->at->key.snapid == SNAP_HEAD &&
	    walk_name_is_snapdir(w->last, w->last_len))
		return -EPERM;
	if (walk_name_is_dot(w->last, w->last_len))
		return w->last_len == 1 ? said[kind].dot : said[kind].dots;
	return w->need_dir ? said[kind].slash : 0;
}

/* ---- the name itself ---- */

int naming_known(struct meta *m, struct inode *dir, const char *name, uint32_t len, struct inode **i)
{
	uint64_t now = ring_now(m->ring);
	struct dentry *d = dir->dir ? dentry_find(&m->cache, dir, name, len) : NULL;

	if (d && dentry_valid(m, d, now)) {
		*i = d->inode;
		return d->inode ? 1 : -ENOENT;
	}
	return !d && dir_complete(m, dir, now) ? -ENOENT : 0;
}

static void looked_up(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;
	struct inode **to = (struct inode **)((char *)op + r->arg2);

	(void)rep;
	op->req = NULL;
	if (!result && !r->target)
		result = -ENOENT;
	if (!result)
		*to = inode_get(r->target);
	op_resume(op, result);
}

int64_t naming_lookup(struct op *op, struct inode *dir, const char *name, uint32_t len, struct inode **to)
{
	struct inode *i;
	struct mreq *r;
	int known = naming_known(op->m, dir, name, len, &i);
	int err = may_lookup(op->m, dir, &op->walk.cred);

	if (err || known < 0)
		return err ? err : known;
	/* Its owner and type are what the caller is after. */
	if (known && (caps_issued(i, ring_now(op->m->ring)) & CAP_AS)) {
		*to = inode_get(i);
		return 0;
	}
	r = mreq_new(op->m, MDS_OP_LOOKUP, dir, name, len);
	if (r) {
		args_getattr(r->args, CAP_PIN | CAP_AS);
		r->want_dentry = true;
		r->hash_name_len = len;
		r->done = looked_up;
		r->arg2 = (uint32_t)((char *)to - (char *)op);
	}
	return op_ask(op, r);
}

/* ---- requests ---- */

struct mreq *naming_request(struct op *op, uint32_t what, uint32_t drop)
{
	const struct walk *w = &op->walk;
	struct mreq *r = mreq_new(op->m, what, w->at, w->last, w->last_len);

	if (!r)
		return NULL;
	r->want_dentry = true;
	r->need_auth = true;
	r->hash_name_len = w->last_len;
	if (drop)
		mreq_drop(r, w->at, drop, CAP_FX, true);
	caps_dir_written(op->m, w->at);
	return r;
}

void naming_drop_target(struct mreq *r, struct inode *target, bool unlinked)
{
	uint32_t drop = CAP_LS | CAP_LX;

	/* The last name goes: nothing of it will be asked for again. */
	if (unlinked && target->a.nlink <= 1 && !inode_is_open(target))
		drop = ~(uint32_t)CAP_PIN;
	mreq_drop(r, target, drop, 0, false);
}

void naming_forget(struct meta *m, struct inode *dir, const char *name, uint32_t len)
{
	struct dentry *d = dir->dir ? dentry_find(&m->cache, dir, name, len) : NULL;

	if (!d)
		return;
	cache_write_begin(&m->cache);
	dentry_remove(m, d);
	cache_write_end(&m->cache);
}
