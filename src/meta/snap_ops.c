/* snap_ops.c: making, removing and renaming snapshots, and what they were made with.
 *
 *   mkdir, rmdir, rename in a .snap, or mksnap --> may the caller write in the directory? (GETATTR if that is
 *   not known) --> MKSNAP, RMSNAP, RENAMESNAP --> the name in .snap
 *
 * The MDS tells all clients of the new realms before it answers: our cap snaps are under way by then. Names
 * that begin with `_` are those of other directories' snapshots, as they appear below.
 */
#include "meta.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "walk_impl.h"

/* ---- one request ---- */

static void forget(struct meta *m, struct inode *snapdir, const char *name, uint32_t len)
{
	struct dentry *d = dentry_find(&m->cache, snapdir, name, len);

	if (d)
		dentry_drop(m, d);
}

static void changed(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;
	struct meta *m = op->m;
	struct walk *w = &op->walk;
	int64_t res = result;

	(void)rep;
	op->req = NULL;
	cache_write_begin(&m->cache);
	if (!result && r->op != MDS_OP_MKSNAP) {
		const struct walk *gone = r->op == MDS_OP_RMSNAP ? w : &op->from;

		forget(m, w->at, gone->last, gone->last_len);
	}
	/* Ceph 20 tells of a snapshot that is removed, too. */
	if (!result && r->op != MDS_OP_RMSNAP && r->target && r->target->key.snapid < SNAP_HEAD &&
	    !snap_name_link(m, w->at, w->last, w->last_len, r->target))
		res = -ENOMEM;
	cache_write_end(&m->cache);
	if (!res && r->op == MDS_OP_MKSNAP && op->fam == &op_mksnap_family)
		res = r->target ? (int64_t)r->target->key.snapid : -EIO;
	op_resume(op, res);
}

static int metadata_put(struct op *op, struct mreq *r)
{
	struct kv_slice *kv;
	struct enc e;
	uint32_t count = op->fam == &op_mksnap_family ? op->u.snap.count : 0;
	int err;

	kv = mem_alloc((count + 1ull) * sizeof *kv);
	if (!kv)
		return -ENOMEM;
	for (uint32_t n = 0; n < count; n++) {
		const struct cephring_kv *from = &op->u.snap.metadata[n];

		kv[n].key = (struct slice){ (const uint8_t *)from->key, (uint32_t)strlen(from->key) };
		kv[n].value = (struct slice){ (const uint8_t *)from->value, (uint32_t)strlen(from->value) };
	}
	enc_init(&e);
	mksnap_encode(&e, kv, count);
	err = e.err ? e.err : mreq_set_data(r, e.buf, (uint32_t)e.len);
	enc_free(&e);
	mem_free(kv, 0);
	return err;
}

static int fill(struct op *op, struct mreq *r)
{
	const struct walk *f = &op->from;
	uint32_t mode;

	if (r->op == MDS_OP_RENAMESNAP)
		return mreq_set_path2(r, f->at, f->last, f->last_len);
	if (r->op != MDS_OP_MKSNAP)
		return 0;
	mode = op->fam == &op_mksnap_family ? op->u.snap.mode : op->u.make.mode;
	args_mkdir(r->args, S_IFDIR | (mode & 07777 & ~op->walk.cred.umask));
	return metadata_put(op, r);
}

static int64_t send(struct op *op, uint32_t what)
{
	const struct walk *w = &op->walk;
	struct mreq *r = mreq_new(op->m, what, w->at, w->last, w->last_len);
	int err = r ? fill(op, r) : -EAGAIN;

	if (err) {
		if (r)
			mreq_abandon(r);
		return err;
	}
	r->need_auth = true;
	r->done = changed;
	return op_ask(op, r);
}

/* ---- may he? ---- */

/* A .snap has the mode of its directory, sticky bit included: there its owner alone removes. */
static int judge(const struct op *op, uint32_t what)
{
	const struct inode *dir = op->walk.at;
	const struct cephring_cred *cred = &op->walk.cred;
	int err = inode_permission(op->m, dir, cred, MAY_WRITE | MAY_EXEC);

	if (!err && what != MDS_OP_MKSNAP && (dir->a.mode & S_ISVTX) && !cred_owns(op->m, dir, cred))
		err = -EPERM;
	return err;
}

static int64_t judge_and_send(struct op *op, uint32_t what)
{
	int err = judge(op, what);

	return err ? err : send(op, what);
}

static void known(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;
	int64_t res;

	(void)rep;
	op->req = NULL;
	res = result ? result : judge_and_send(op, r->arg2);
	if (res != OP_PENDING)
		op_resume(op, res);
}

static int64_t change(struct op *op, uint32_t what)
{
	struct meta *m = op->m;
	struct walk *w = &op->walk;
	struct mreq *r;

	if (walk_free_pass(m, w) || perm_known(m, caps_issued(w->at, ring_now(m->ring))))
		return judge_and_send(op, what);
	r = mreq_new(m, MDS_OP_GETATTR, w->at, NULL, 0);
	if (r) {
		args_getattr(r->args, CAP_PIN | perm_caps(m));
		r->done = known;
		r->arg2 = what;
	}
	return op_ask(op, r);
}

/* ---- the three ---- */

int64_t snap_make(struct op *op)
{
	const struct walk *w = &op->walk;
	struct dentry *d;

	if (*w->last == '_')
		return -EINVAL;
	d = dentry_find(&op->m->cache, w->at, w->last, w->last_len);
	if (d && d->inode && dentry_valid(op->m, d, ring_now(op->m->ring)))
		return -EEXIST;
	return change(op, MDS_OP_MKSNAP);
}

int64_t snap_remove(struct op *op)
{
	return change(op, MDS_OP_RMSNAP);
}

int64_t snap_rename(struct op *op)
{
	const struct walk *w = &op->walk, *f = &op->from;

	if (f->at->key.snapid != w->at->key.snapid)
		return -EXDEV;
	if (f->at != w->at || w->at->key.snapid != SNAP_DIR)
		return -EROFS;
	if (*w->last == '_')
		return -EINVAL;
	return change(op, MDS_OP_RENAMESNAP);
}

/* ---- mksnap: with metadata ---- */

enum { MKSNAP_WALK, MKSNAP_SENT };

static int name_check(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (!len || strchr(name, '/'))
		return -EINVAL;
	if (len > WALK_NAME_MAX)
		return -ENAMETOOLONG;
	return walk_name_is_dot(name, (uint32_t)len) ? -EEXIST : 0;
}

static int64_t mksnap_step(struct op *op, int64_t res)
{
	struct walk *w = &op->walk;
	struct inode *dir;
	int err;

	if (op->at == MKSNAP_SENT)
		return res;
	res = walk_step(op, res);
	if (res)
		return res;
	if (!inode_is_dir(w->at))
		return -ENOTDIR;
	if (w->at->key.snapid != SNAP_HEAD) /* nothing in a snapshot has a .snap */
		return -ENOENT;
	err = name_check(op->u.snap.name);
	dir = err ? NULL : snap_dir(op->m, w->at);
	if (!dir)
		return err ? err : -ENOMEM;
	walk_move(op->m, w, dir);
	w->last = op->u.snap.name;
	w->last_len = (uint32_t)strlen(w->last);
	op->at = MKSNAP_SENT;
	return snap_make(op);
}

const struct op_family op_mksnap_family = { .name = "mksnap", .step = mksnap_step };

/* ---- snap_info ---- */

enum { INFO_WALK, INFO_SENT };

static bool text_add(struct cephring_snap_info *out, size_t *used, struct slice s)
{
	if (s.len >= sizeof out->text - *used || memchr(s.p, '\0', s.len))
		return false;
	memcpy(out->text + *used, s.p, s.len);
	*used += s.len + 1;
	return true;
}

static int info_fill(const struct inode_stat *st, struct cephring_snap_info *out)
{
	struct kv_slice kv;
	struct kv_iter it;
	size_t used = 0;
	int got = st->snap_metadata.len ? kv_begin(&it, st->snap_metadata) : 1;

	*out = (struct cephring_snap_info){ .snapid = st->snapid };
	if (got)
		return got < 0 ? got : 0;
	while ((got = kv_next(&it, &kv)) == 1) {
		if (!text_add(out, &used, kv.key) || !text_add(out, &used, kv.value))
			return -ERANGE;
		out->count++;
	}
	return got;
}

static void info_told(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;

	op->req = NULL;
	if (!result && (!rep || !rep->is_target || rep->target.snapid != op->inode->key.snapid))
		result = -ESTALE;
	op_resume(op, result ? result : info_fill(&rep->target, op->u.snap.out));
}

static int64_t snap_info_step(struct op *op, int64_t res)
{
	struct mreq *r;

	if (op->at == INFO_SENT)
		return res;
	res = walk_step(op, res);
	if (res)
		return res;
	if (op->walk.at->key.snapid >= SNAP_HEAD)
		return -EINVAL;
	op->inode = inode_get(op->walk.at);
	op->at = INFO_SENT;
	r = mreq_new(op->m, MDS_OP_GETATTR, op->inode, NULL, 0);
	if (r) {
		args_getattr(r->args, CAP_PIN);
		r->done = info_told;
	}
	return op_ask(op, r);
}

const struct op_family op_snap_info_family = { .name = "snap_info", .step = snap_info_step };
