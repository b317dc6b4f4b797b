/* make.c: new names for new inodes: mkdir (and a whole path of it), mknod, symlink.
 *
 *   the directory (naming.h) --may_create--> quota --> MKDIR, MKNOD or SYMLINK
 *
 * mkdir of a path: the walk finds out how much of it exists; then all that is missing is asked for at once,
 * each directory by its own request based at the last one that exists. What other clients make meanwhile is
 * found by walking again.
 */
#include "meta.h"
#include "naming.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "walk_impl.h"

enum { MAKE_QUOTA = NAMING_READY, MAKE_SENT };

/* What a new inode begins with; the rest of the arguments is `fill`'s. NULL and *err. */
static struct mreq *make_request(struct op *op, uint32_t what, uint32_t mode, int *err)
{
	struct mreq *r = naming_request(op, what, CAP_FS | CAP_AX | CAP_XX);
	struct enc xattrs = { 0 };
	uint32_t gid;

	*err = r ? 0 : -EAGAIN;
	if (!r)
		return NULL;
	*err = perm_birth(op->m, op->inode, &op->walk.cred, &mode, &gid, &xattrs);
	if (!*err && xattrs.len)
		*err = mreq_set_data(r, xattrs.buf, (uint32_t)xattrs.len);
	enc_free(&xattrs);
	switch (what) {
	case MDS_OP_MKDIR:
		args_mkdir(r->args, mode);
		break;
	case MDS_OP_MKNOD: /* the wire has the numbers as Linux has them inside */
		args_mknod(r->args, mode, major(op->u.make.rdev) << 20 | (minor(op->u.make.rdev) & 0xfffff));
		break;
	default:
		if (!*err)
			*err = mreq_set_path2(r, NULL, op->u.make.path, (uint32_t)strlen(op->u.make.path));
	}
	if (*err) {
		mreq_abandon(r);
		return NULL;
	}
	return r;
}

static int64_t make_step(struct op *op, int64_t res, uint32_t what, uint32_t mode)
{
	enum naming_kind kind = what == MDS_OP_MKDIR ? NAMING_MAKE_DIR : NAMING_MAKE;
	struct walk *w = &op->walk;
	struct inode *there;
	struct mreq *r;
	int err;

	if (op->at < NAMING_READY) {
		res = naming_dir(op, res);
		if (res)
			return res;
		err = naming_last(w, kind);
		if (err)
			return err;
		if (op->inode->key.snapid == SNAP_DIR && what == MDS_OP_MKDIR) {
			op->at = MAKE_SENT;
			return snap_make(op);
		}
		if (naming_known(op->m, op->inode, w->last, w->last_len, &there) == 1)
			return -EEXIST;
		err = may_create(op->m, op->inode, &w->cred);
		if (!err && (S_ISCHR(mode) || S_ISBLK(mode)) && !walk_free_pass(op->m, w))
			err = -EPERM;
		if (err)
			return err;
	}
	if (res)
		return res;
	if (op->at == MAKE_QUOTA) {
		res = quota_step(op, op->inode, 0, 1);
		if (res)
			return res;
		op->at = MAKE_SENT;
		r = make_request(op, what, mode, &err);
		return r ? op_ask(op, r) : err;
	}
	return 0;
}

static int64_t mknod_step(struct op *op, int64_t res)
{
	return make_step(op, res, MDS_OP_MKNOD, op->u.make.mode);
}

const struct op_family op_mknod_family = { .name = "mknod", .step = mknod_step };

static int64_t symlink_step(struct op *op, int64_t res)
{
	return make_step(op, res, MDS_OP_SYMLINK, S_IFLNK | 0777);
}

const struct op_family op_symlink_family = { .name = "symlink", .step = symlink_step };

/* ---- mkdir, with the missing directories on the way ---- */

enum { PARENTS_BEGIN, PARENTS_WALK, PARENTS_JUDGE, PARENTS_QUOTA, PARENTS_SENT };
enum { PARENTS_ROUNDS = 64 };

struct parents {
	struct mreq *req[WALK_BATCH_MAX];
	uint32_t count, rounds;
	int err;
};

static void parent_made(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;
	struct parents *p = op->u.make.many;

	(void)rep;
	p->req[r->arg2] = NULL;
	/* Another client's, or one that its parent had not preceded: the next walk will tell. */
	if (result && result != -EEXIST && result != -ENOENT && !p->err)
		p->err = result;
	if (!--op->u.make.left)
		op_resume(op, p->err);
}

/* The next name of `rest` as another level of `path`; 0: there is none. */
static uint32_t next_level(const char **rest, char *path, uint32_t used)
{
	const char *name;
	uint32_t len;
	bool slash;

	do {
		len = walk_name(*rest, &name, &slash);
		*rest = name + len;
	} while (len == 1 && *name == '.');
	if (!len)
		return 0;
	if (used)
		path[used++] = '/';
	memcpy(path + used, name, len);
	return used + len;
}

static struct mreq *level_request(struct op *op, const char *path, uint32_t len, uint32_t first_len, int *err)
{
	struct mreq *r = mreq_new(op->m, MDS_OP_MKDIR, op->inode, path, len);
	uint32_t mode = S_IFDIR | op->u.make.mode, gid;
	struct enc xattrs = { 0 };

	*err = r ? 0 : -EAGAIN;
	if (!r)
		return NULL;
	r->want_dentry = true;
	r->need_auth = true;
	r->hash_name_len = first_len;
	if (len == first_len)
		mreq_drop(r, op->inode, CAP_FS | CAP_AX | CAP_XX, CAP_FX, true);
	/* Directories in between inherit the same ACLs, from the one that exists. */
	*err = perm_birth(op->m, op->inode, &op->walk.cred, &mode, &gid, &xattrs);
	if (!*err && xattrs.len)
		*err = mreq_set_data(r, xattrs.buf, (uint32_t)xattrs.len);
	enc_free(&xattrs);
	args_mkdir(r->args, mode);
	if (!*err)
		*err = mreq_set_cred(r, &op->walk.cred);
	if (*err) {
		mreq_abandon(r);
		return NULL;
	}
	return r;
}

static int64_t parents_send(struct op *op)
{
	struct parents *p = op->u.make.many;
	char path[WALK_PATH_MAX + 1];
	const char *rest = op->walk.rest;
	uint32_t used = 0, first = 0, count = 0;
	int err = 0;

	p->count = 0;
	p->err = 0;
	while (count < WALK_BATCH_MAX && (used = next_level(&rest, path, used)) != 0) {
		const char *name = memrchr(path, '/', used);

		name = name ? name + 1 : path;
		if (walk_name_is_dot(name, (uint32_t)(path + used - name)) ||
		    walk_name_is_snapdir(name, (uint32_t)(path + used - name)))
			break; /* what it leads to is known when these exist: the next walk */
		first = first ? first : used;
		p->req[count] = level_request(op, path, used, first, &err);
		if (!p->req[count])
			break;
		p->req[count]->done = parent_made;
		p->req[count]->arg = op;
		p->req[count]->arg2 = count;
		count++;
	}
	if (!count)
		return err ? err : -ENOENT;
	p->count = count;
	op->u.make.left = count;
	op->sent = true;
	for (uint32_t n = 0; n < count; n++)
		mreq_submit(p->req[n]);
	return OP_PENDING;
}

static int64_t parents_begin(struct op *op, int64_t res)
{
	if (res)
		return res;
	op->u.make.many = mem_alloc(sizeof(struct parents));
	if (!op->u.make.many)
		return -ENOMEM;
	op->walk.to_parent = false;
	op->walk.by_level = true;
	op->at = PARENTS_WALK;
	return 0;
}

/* What is there is found: 0, it is all there; 1: names are missing below op->inode. */
static int64_t parents_walk(struct op *op, int64_t res)
{
	struct walk *w = &op->walk;
	struct parents *p = op->u.make.many;

	res = walk_step(op, res);
	if (!res)
		return inode_is_dir(w->at) ? 0 : -EEXIST;
	if (res != -ENOENT)
		return res;
	if (w->batch) /* replies of levels below the missing one are for the cache only */
		walk_batch_orphan(w);
	if (p->rounds++ > PARENTS_ROUNDS)
		return log_fail(op->m->log, -EAGAIN, "mkdir: names under inode %llx keep changing",
				(unsigned long long)w->at->key.ino);
	inode_put(op->m, op->inode);
	op->inode = inode_get(w->at);
	return 1;
}

static int64_t parents_step(struct op *op, int64_t res)
{
	struct meta *m = op->m;
	int err;

	for (;;) {
		switch (op->at) {
		case PARENTS_BEGIN:
			res = parents_begin(op, res);
			if (res)
				return res;
			/* fall through */
		case PARENTS_WALK:
			res = parents_walk(op, res);
			if (res != 1)
				return res;
			op->at = PARENTS_JUDGE;
			res = 0;
			if ((!walk_free_pass(m, &op->walk) || m->o.posix_acl) &&
			    !perm_known(m, caps_issued(op->inode, ring_now(m->ring))))
				return op_getattr(op, CAP_PIN | perm_caps(m));
			/* fall through */
		case PARENTS_JUDGE:
			if (res)
				return res;
			err = may_create(m, op->inode, &op->walk.cred);
			if (err)
				return err;
			op->at = PARENTS_QUOTA;
			/* fall through */
		case PARENTS_QUOTA:
			res = res ? res : quota_step(op, op->inode, 0, 1);
			if (res)
				return res;
			op->at = PARENTS_SENT;
			return parents_send(op);
		default:
			if (res)
				return res;
			op->at = PARENTS_WALK;
		}
	}
}

static void mkdir_end(struct op *op, int64_t res)
{
	struct parents *p = op->u.make.many;

	(void)res;
	for (uint32_t n = 0; p && n < p->count; n++) {
		if (!p->req[n])
			continue;
		op->uncertain |= p->req[n]->attempts > 0;
		mreq_abandon(p->req[n]);
	}
	mem_free(p, 0);
	op->u.make.many = NULL;
}

static int64_t mkdir_step(struct op *op, int64_t res)
{
	if (op->u.make.flags & CEPHRING_PARENTS)
		return parents_step(op, res);
	return make_step(op, res, MDS_OP_MKDIR, S_IFDIR | op->u.make.mode);
}

const struct op_family op_mkdir_family = { .name = "mkdir", .step = mkdir_step, .end = mkdir_end };
