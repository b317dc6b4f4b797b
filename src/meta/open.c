/* open.c: opening, creating, closing.
 *
 *                        O_CREAT                                         without
 *        the directory (naming.h), may_create                              |
 *          |- the name is cached ------------------------------------> WALK --> As held? --no--> GETATTR
 *          |- denied: it may still be there ------------------------->                            |
 *          '- quota --> CREATE: made by us, done                                        may_open <-'
 *                         '---- it was there ------------------------------------------>    |
 *                                         what it is opened for is held: open here, tell what we want soon
 *                                         else, or to be cut: OPEN
 *
 * With delegations of ours in the way (deleg.h) it waits before that. Where the mount says so (open_waits) it
 * waits behind it, until what it is opened for is granted: without, the first read or write does.
 *
 * CREATE goes out without a LOOKUP before it: the MDS opens what is there and says so. A cut (O_TRUNC) takes
 * effect in the MDS, so it goes along only where the caller's right to it is known.
 *
 * Where no right depends on the way (uid 0, checks off) and names on it are not cached, the last request
 * carries the whole path, for opens that need it anyway: to write, to cut, to create (CHAIN).
 *
 * A held cap is the MDS's word that the inode may be used here; it then only needs to know what the open file
 * wants (doc/protocol.md 10.1). There is no close message: what is wanted sinks with the last open file.
 */
#include "deleg.h"
#include "dirops.h"
#include "meta.h"
#include "naming.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "walk_impl.h"

enum {
	CREATE_QUOTA = NAMING_READY,
	CREATE_SENT,
	OPEN_CHAIN,
	OPEN_WALK,
	OPEN_ATTRS,
	OPEN_JUDGE,
	OPEN_DELEG,
	OPEN_SENT,
	OPEN_CAPS
};

static bool to_write(int flags)
{
	return !(flags & O_PATH) && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC));
}

static enum open_mode mode_of(int flags)
{
	switch (flags & O_ACCMODE) {
	case O_WRONLY:
		return OPEN_WR;
	case O_RDWR:
		return OPEN_RDWR;
	default:
		return OPEN_RD;
	}
}

/* ---- the open file ---- */

static void file_free(struct file *f)
{
	inode_put(f->m, f->inode);
	mem_free((void *)f->cred.groups, 0);
	mem_free(f, sizeof *f);
}

static int64_t make_file(struct op *op)
{
	struct meta *m = op->m;
	struct file *f = mem_alloc(sizeof *f);
	uint32_t *groups = NULL;

	if (!f)
		return -ENOMEM;
	f->m = m;
	f->inode = inode_get(op->inode);
	f->flags = op->u.open.flags;
	f->mode = mode_of(f->flags);
	f->cred = op->walk.cred;
	f->cred.groups = NULL;
	if (f->cred.ngroups) {
		groups = mem_alloc(f->cred.ngroups * sizeof *groups);
		if (groups)
			memcpy(groups, op->walk.cred.groups, f->cred.ngroups * sizeof *groups);
		f->cred.groups = groups;
	}
	if ((f->cred.ngroups && !groups) || (!(f->flags & O_PATH) && caps_open(m, f->inode, f->mode))) {
		file_free(f);
		return -ENOMEM;
	}
	if (f->inode->use)
		f->sync_told = f->close_told = f->inode->use->lost_count;
	if (op->walk.sent && f->mode == OPEN_RD && !(f->flags & O_PATH) && S_ISREG(f->inode->a.mode))
		dir_ahead_opened(m, f->inode, &f->cred);
	*op->u.open.out = (cephring_file *)f;
	return op->u.open.created;
}

/* ---- requests ---- */

static void open_args(struct op *op, struct mreq *r, int flags)
{
	const struct cephring_layout *l = op->u.open.layout;
	struct args_layout layout = { .pool = -1 };

	if (l)
		layout = (struct args_layout){ l->stripe_unit, l->stripe_count, l->object_size,
					       l->pool > 0 ? l->pool : -1 };
	args_open(r->args, open_flags_to_wire(flags), op->u.open.mode & 07777, CAP_PIN | CAP_AS,
		  (flags & O_CREAT) ? &layout : NULL, op->inode ? op->inode->a.size : 0);
}

/* Opened, and perhaps made: by the reply. */
static void opened(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;
	struct create_extra x = { 0 };
	struct dec d;

	op->req = NULL;
	if (!result && !r->target)
		result = -EIO;
	if (!result && rep && r->op == MDS_OP_CREATE) {
		d = dec_init(rep->extra.p, rep->extra.len);
		if (create_extra_decode(&d, &x))
			result = -EBADMSG;
		op->u.open.created = x.created;
		if (x.created && r->dir)
			dirops_learn(op->m, r->dir, r->target);
	}
	if (!result) {
		struct inode *was = op->inode;

		op->inode = inode_get(r->target);
		op->u.open.opened = true;
		inode_put(op->m, was);
	}
	op_resume(op, result);
}

/* OPEN of op->inode. */
static int64_t send_open(struct op *op)
{
	struct mreq *r = mreq_new(op->m, MDS_OP_OPEN, op->inode, NULL, 0);

	if (r) {
		open_args(op, r, op->u.open.flags & ~O_CREAT);
		r->need_auth = to_write(op->u.open.flags);
		r->done = opened;
	}
	return op_ask(op, r);
}

/* What a new file begins with. */
static int birth(struct op *op, struct mreq *r, const struct inode *dir)
{
	struct enc xattrs = { 0 };
	uint32_t mode = S_IFREG | (op->u.open.mode & 07777), gid;
	int err = perm_birth(op->m, dir, &op->walk.cred, &mode, &gid, &xattrs);

	if (!err && xattrs.len)
		err = mreq_set_data(r, xattrs.buf, (uint32_t)xattrs.len);
	enc_free(&xattrs);
	op->u.open.mode = mode & 07777;
	return err;
}

static int64_t send_create(struct op *op)
{
	int flags = op->u.open.flags, err;
	struct mreq *r = naming_request(op, MDS_OP_CREATE, CAP_FS | CAP_AX | CAP_XX);

	if (!r)
		return -EAGAIN;
	if (!walk_free_pass(op->m, &op->walk))
		flags &= ~O_TRUNC; /* what is there might not be the caller's to cut */
	err = birth(op, r, op->walk.at);
	open_args(op, r, flags);
	r->done = opened;
	if (err) {
		mreq_abandon(r);
		return err;
	}
	return op_ask(op, r);
}

/* ---- the whole path in one request ---- */

/* The names that are left, with single slashes. 0: they cannot go as they are. */
static uint32_t chain_path(const struct walk *w, char *path)
{
	const char *rest = w->rest, *name;
	uint32_t len, used = 0;
	bool slash = false;

	while ((len = walk_name(rest, &name, &slash)) != 0) {
		if (walk_name_is_dot(name, len) || walk_name_is_snapdir(name, len))
			return 0;
		if (used)
			path[used++] = '/';
		memcpy(path + used, name, len);
		used += len;
		rest = name + len;
	}
	return slash || *rest ? 0 : used;
}

static bool chain_wanted(const struct op *op)
{
	int flags = op->u.open.flags;
	const struct meta *m = op->m;

	if (!walk_free_pass(m, &op->walk) || !to_write(flags) || (flags & O_NOFOLLOW))
		return false;
	/* A quota or a default ACL of a directory that is not known yet would count. */
	return !(flags & O_CREAT) || (m->o.no_quota && !m->o.posix_acl);
}

static int64_t chain_send(struct op *op)
{
	struct walk *w = &op->walk;
	char path[WALK_PATH_MAX + 1];
	uint32_t len = w->at->key.snapid == SNAP_HEAD ? chain_path(w, path) : 0;
	bool create = op->u.open.flags & O_CREAT;
	struct mreq *r;

	if (!len || (create && !memchr(path, '/', len)))
		return 0;
	r = mreq_new(op->m, create ? MDS_OP_CREATE : MDS_OP_OPEN, w->at, path, len);
	if (r) {
		r->want_dentry = true;
		r->need_auth = true;
		r->hash_name_len = (uint32_t)((char *)memchr(path, '/', len) - path);
		if (!memchr(path, '/', len))
			r->hash_name_len = len;
		op->u.open.mode &= ~op->walk.cred.umask;
		open_args(op, r, op->u.open.flags);
		r->done = opened;
	}
	return op_ask(op, r);
}

/* 0: to be done step by step. */
static int64_t chain_begin(struct op *op)
{
	struct walk *w = &op->walk;
	bool to_parent = w->to_parent;
	int64_t res;

	if (!chain_wanted(op))
		return 0;
	w->cached_only = true;
	w->to_parent = false;
	res = walk_step(op, 0);
	w->cached_only = false;
	w->to_parent = to_parent;
	if (res != -EAGAIN)
		return 0; /* all of it is cached, or what is wrong will show again */
	return chain_send(op);
}

static void walk_again(struct op *op)
{
	struct walk *w = &op->walk;
	struct cephring_cred cred = w->cred;
	bool parent = op->u.open.flags & O_CREAT;

	walk_end(op->m, w);
	/* The path was fine the first time. */
	walk_begin(op->m, w, op->start.at, op->start.path, op->start.flags | (parent ? WALK_PARENT : 0),
		   &cred, op->start.mask);
	op->at = parent ? NAMING_WALK : OPEN_WALK;
}

/* ---- creating ---- */

/* It leads elsewhere: on from there, unless it must be new. */
static int create_follow(struct op *op, struct inode *link)
{
	int err;

	if (op->u.open.flags & O_EXCL)
		return -EEXIST;
	if (op->u.open.flags & O_NOFOLLOW)
		return -ELOOP;
	err = walk_follow_last(op->m, &op->walk, link);
	inode_put(op->m, op->inode);
	op->inode = NULL;
	op->u.open.opened = false;
	op->at = NAMING_WALK;
	return err;
}

/* The name is to be opened as it is, by an ordinary walk from the directory. */
static void create_not(struct op *op)
{
	struct walk *w = &op->walk;

	w->to_parent = false;
	w->rest = w->last;
	w->last = NULL;
	w->nofollow = (op->u.open.flags & O_NOFOLLOW) != 0;
	inode_put(op->m, op->inode);
	op->inode = NULL;
	op->u.open.denied = true;
	op->at = OPEN_WALK;
}

/* The directory is known: is there a file, and may one be made? 0: to be made (at CREATE_QUOTA), or go on
 * where op->at stands. */
static int create_judge(struct op *op)
{
	struct walk *w = &op->walk;
	struct inode *there = NULL;
	int err = naming_last(w, NAMING_OPEN), known;

	if (err)
		return err;
	known = naming_known(op->m, op->inode, w->last, w->last_len, &there);
	if (known == 1 && (op->u.open.flags & O_EXCL))
		return -EEXIST;
	if (known == 1 && inode_is_link(there))
		return create_follow(op, there);
	if (known == 1) {
		inode_get(there);
		inode_put(op->m, op->inode);
		op->inode = there;
		op->at = OPEN_ATTRS;
		return 0;
	}
	err = may_create(op->m, op->inode, &w->cred);
	if ((err == -EACCES || err == -EROFS) && !known) { /* it may be there all the same */
		create_not(op);
		return 0;
	}
	return err;
}

static int64_t create_step(struct op *op, int64_t res)
{
	while (op->at <= CREATE_SENT) {
		if (op->at < NAMING_READY) {
			res = naming_dir(op, res);
			if (!res)
				res = create_judge(op);
			if (res)
				return res;
			continue;
		}
		if (res)
			return res;
		if (op->at == CREATE_QUOTA) {
			res = quota_step(op, op->inode, 0, 1);
			if (res)
				return res;
			op->at = CREATE_SENT;
			if (!dirops_create(op, open_flags_to_wire(op->u.open.flags | O_EXCL)))
				return send_create(op);
			op->u.open.created = true;
		}
		if (!op->u.open.created && inode_is_link(op->inode)) {
			res = create_follow(op, op->inode);
			if (res)
				return res;
			continue;
		}
		op->at = OPEN_JUDGE;
	}
	return res;
}

/* ---- opening ---- */

static bool attrs_needed(const struct op *op)
{
	struct meta *m = op->m;

	return !walk_free_pass(m, &op->walk) && !op->u.open.created && op->inode->key.snapid == SNAP_HEAD &&
	       !perm_known(m, caps_issued(op->inode, ring_now(m->ring)) | deleg_known(op->inode) |
				  op->walk.fresh);
}

/* The MDS is asked to cut, and where what the file is opened for is not held. That could be wished for as
 * well (caps_wait.c), but while a request waits for somebody else's changes the MDS writes its journal at
 * once, and for a wish only when its next tick comes, seconds later. */
static bool must_ask(const struct op *op)
{
	const struct inode *i = op->inode;
	int flags = op->u.open.flags;
	uint32_t need = to_write(flags) ? CAP_FW : 0;

	if ((flags & O_PATH) || op->u.open.created || i->key.snapid != SNAP_HEAD)
		return false;
	if ((flags & O_TRUNC) && i->a.size && S_ISREG(i->a.mode))
		return true;
	if (op->u.open.opened)
		return false;
	if ((flags & O_ACCMODE) != O_WRONLY)
		need |= CAP_FR;
	if (!S_ISREG(i->a.mode))
		need = CAP_PIN;
	return (need & ~caps_issued(i, ring_now(op->m->ring))) || (to_write(flags) && !cap_auth(i));
}

/* ---- open, and the caps for it ---- */

static void caps_came(struct cap_wait *w, int err)
{
	struct op *op = w->user;

	if (!err)
		caps_put(op->m, op->inode, w->got);
	op_resume(op, err);
}

static int64_t open_caps(struct op *op)
{
	struct inode *i = op->inode;
	struct cap_wait *w = &op->u.open.caps;
	enum open_mode mode = mode_of(op->u.open.flags);
	uint32_t need = ((mode & OPEN_RD) ? CAP_FR : 0) | ((mode & OPEN_WR) ? CAP_FW : 0);
	int err;

	if (!op->m->o.open_waits || (op->u.open.flags & O_PATH) || !S_ISREG(i->a.mode) ||
	    i->key.snapid != SNAP_HEAD || !(need & ~caps_issued(i, ring_now(op->m->ring))))
		return op->u.open.created;
	*w = (struct cap_wait){ .inode = i, .need = need, .fn = caps_came, .user = op };
	op->at = OPEN_CAPS;
	err = caps_get(op->m, w);
	if (!err)
		caps_put(op->m, i, w->got);
	return err == 1 ? OP_PENDING : err ? err : op->u.open.created;
}

static int64_t open_found(struct op *op, int64_t res)
{
	struct walk *w = &op->walk;
	int err;

	if (op->at == OPEN_CAPS)
		return res ? res : op->u.open.created;
	if (op->at == OPEN_WALK) {
		res = walk_step(op, res);
		if (res == -ENOENT && op->u.open.denied)
			return w->at->key.snapid == SNAP_HEAD ? -EACCES : -EROFS;
		if (res)
			return res;
		op->inode = inode_get(w->at);
		op->at = OPEN_ATTRS;
	}
	if (op->at == OPEN_ATTRS) {
		op->at = OPEN_JUDGE;
		if (attrs_needed(op))
			return op_getattr(op, CAP_PIN | perm_caps(op->m));
	}
	if (res)
		return res;
	if (op->at == OPEN_JUDGE) {
		err = op->u.open.created ? 0 : may_open(op->m, op->inode, op->u.open.flags, &w->cred);
		if (err)
			return err;
		op->at = OPEN_DELEG;
	}
	if (op->at == OPEN_DELEG) {
		if (!(op->u.open.flags & O_PATH) && deleg_wait(op, op->inode, to_write(op->u.open.flags)))
			return OP_PENDING;
		op->at = OPEN_SENT;
		if (must_ask(op))
			return send_open(op);
	}
	res = make_file(op);
	return res < 0 ? res : open_caps(op);
}

static int64_t open_begin(struct op *op)
{
	bool create = op->u.open.flags & O_CREAT;
	int64_t res = 0;

	op->walk.to_parent = create;
	op->at = create ? NAMING_WALK : OPEN_WALK;
	if (chain_wanted(op)) {
		op->at = OPEN_CHAIN;
		res = chain_begin(op);
		if (!res)
			walk_again(op);
	}
	return res;
}

/* The whole path was answered. 0: go on where op->at stands. */
static int64_t chain_ended(struct op *op, int64_t res)
{
	/* A link on the way, or something is there no more: step by step. */
	if (res == -ENOTDIR || res == -ELOOP || res == -ESTALE || (!res && inode_is_link(op->inode))) {
		inode_put(op->m, op->inode);
		op->inode = NULL;
		op->u.open.opened = false;
		walk_again(op);
		return 0;
	}
	op->at = OPEN_JUDGE;
	return res;
}

static int64_t open_step(struct op *op, int64_t res)
{
	if (!op->u.open.begun) {
		op->u.open.begun = true;
		res = res ? res : open_begin(op);
	} else if (op->at == OPEN_CHAIN) {
		res = chain_ended(op, res);
	}
	if (op->at <= CREATE_SENT && res != OP_PENDING) {
		res = create_step(op, res);
		if (res)
			return res;
	}
	return res == OP_PENDING ? res : open_found(op, res);
}

/* It was open, and does not get what it was opened for. */
static void open_end(struct op *op, int64_t res)
{
	if (op->at != OPEN_CAPS || res >= 0)
		return;
	caps_get_cancel(op->m, &op->u.open.caps);
	file_close((struct file *)*op->u.open.out);
	*op->u.open.out = NULL;
}

const struct op_family op_open_family = { .name = "open", .step = open_step, .end = open_end };

/* ---- close ---- */

static int64_t close_step(struct op *op, int64_t res)
{
	struct file *f = op->u.file.file;

	return res ? res : file_lost(f, &f->close_told);
}

/* The last writer goes: what it left behind is not waited for, but begins to be written. */
static void write_back(const struct file *f)
{
	struct meta *m = f->m;
	const struct inode_use *u = f->inode->use;

	if (u && u->refs[REF_FB] && !u->opens[OPEN_WR] && !u->opens[OPEN_RDWR] && m->data->writeback)
		m->data->writeback(m->data_arg, f->inode);
}

void file_close(struct file *f)
{
	if (f->data)
		f->m->data->closed(f->m->data_arg, f);
	deleg_return(f->m, f);
	if (!(f->flags & O_PATH))
		caps_close(f->m, f->inode, f->mode);
	write_back(f);
	if (!inode_is_open(f->inode))
		locks_drop(f->m, f->inode);
	dir_stream_free(f->m, f->dir);
	file_free(f);
}

static void close_end(struct op *op, int64_t res)
{
	(void)res;
	file_close(op->u.file.file);
}

/* `end` frees the file also when the operation is cancelled or the mount ends. */
const struct op_family op_close_family = { .name = "close", .step = close_step, .end = close_end };
