/* dirops.c: removing and creating files without waiting for the MDS.
 *
 * An MDS that sees one client alone at work in a directory grants it, beside Fx, leave to remove names (Fr of
 * a directory) and to make names (Fc), after a first removal and a first creation that were asked for. Under
 * that leave nobody else can see or change the directory, so its names are ours to know:
 *
 *              needs, besides option and session                     done here at once
 *   unlink     a valid primary name of a file                        the name is gone
 *   create     the name is known to be absent; an inode number       inode, cap and name are made as the MDS
 * will the MDS delegated; the layout of a file made before   make them
 *
 *   request (ASYNC) --sent--> references on Fx and the leave, on the directory's list of unsafe requests
 *                     |--(reply)--> references dropped; safe later, as any change
 *                     |--(error)--> logged, kept as the error of directory and file for their fsync, the
 * names of |             the directory are asked for again
 *                     '--failover--> sent again
 *
 * A revoke of the leave is answered when the references are gone: so who looks at the directory next sees
 * what was done. What names a file that is not confirmed waits (dirops_unconfirmed), and so does what would
 * use a name whose removal is under way (dirops_wait).
 */
#include "dirops.h"
#include "deleg.h"
#include "meta.h"
#include "naming.h"
#include "caps_impl.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
	/* What the MDS grants to the maker of a file (CEPH_CAP_ALL_FILE in the kernel's client). */
	CAPS_OF_NEW = CAP_PIN | CAP_ANY_SHARED | CAP_AX | CAP_XX | CAP_FX | CAP_FC | CAP_FR | CAP_FW | CAP_FB,
	INITIAL_XATTRS_MAX = 4096,
};

/* ---- whether ---- */

static struct cap *leave(struct op *op)
{
	struct meta *m = op->m;
	struct inode *dir = op->inode;
	struct cap *c = cap_auth(dir);

	if (!m->o.async_dirops || !c || c->session->state != SESS_OPEN || c->session->read_only ||
	    m->fenced || dir->key.snapid != SNAP_HEAD)
		return NULL;
	return c;
}

/* ---- the request ---- */

static void send_it(struct op *op, struct mreq *r, struct session *s,
		    void (*done)(struct mreq *r, int result, const struct reply *rep))
{
	r->async = true;
	r->forced_rank = s->rank;
	r->done = done;
	mreq_submit(r);
	unsafe_add(r);
	op->m->stats.async_ops++;
}

static void waiters_kick(struct meta *m)
{
	struct op_waits todo = m->name_waits;

	LIST_INIT(&m->name_waits); /* who must go on waiting comes back */
	op_waits_resume(&todo);
}

static void failed(struct mreq *r, int err, const char *what)
{
	struct meta *m = r->m;

	m->stats.async_failed++;
	log_fail(m->log, err, "%s '%.*s' in directory %llx failed after it was reported done", what,
		 (int)r->path_len, r->path, (unsigned long long)r->base->key.ino);
	inode_set_error(m, r->base, err);
	cache_write_begin(&m->cache);
	mreq_forget_name(m, r->base, r->path, r->path_len);
	cache_write_end(&m->cache);
}

/* ---- unlink ---- */

static void unlink_replied(struct mreq *r, int result, const struct reply *rep)
{
	struct meta *m = r->m;

	(void)rep;
	if (result && !m->stopping)
		failed(r, result, "removing");
	caps_put(m, r->base, CAP_FX | CAP_DIR_UNLINK);
	waiters_kick(m);
}

/* The name that holds the inode: the MDS says so with leases, which it gives none while we hold Fx; but the
 * only name is that one. */
static bool is_primary(struct meta *m, const struct dentry *d)
{
	return d->primary || (d->inode->a.nlink == 1 && (caps_issued(d->inode, ring_now(m->ring)) & CAP_LS));
}

static struct dentry *own_name(struct op *op)
{
	struct inode *dir = op->inode;
	struct dentry *d =
	    dir->dir ? dentry_find(&op->m->cache, dir, op->walk.last, op->walk.last_len) : NULL;

	if (!d || !d->inode || d->shared_gen != dir->dir->shared_gen || inode_is_dir(d->inode) ||
	    dirops_unconfirmed(d->inode) || !is_primary(op->m, d))
		return NULL;
	return d;
}

bool dirops_unlink(struct op *op)
{
	struct meta *m = op->m;
	struct cap *c = leave(op);
	struct dentry *d = c ? own_name(op) : NULL;
	struct mreq *r;

	/* who relies on a delegation is asked before, which only the MDS's taking its caps back makes sure of
	 */
	if (!d || deleg_pins(d->inode) || caps_try(m, op->inode, CAP_FX | CAP_DIR_UNLINK))
		return false;
	r = naming_request(op, MDS_OP_UNLINK, 0);
	if (!r || mreq_set_cred(r, &op->walk.cred)) {
		if (r)
			mreq_abandon(r);
		caps_put(m, op->inode, CAP_FX | CAP_DIR_UNLINK);
		return false;
	}
	naming_drop_target(r, d->inode, true);
	send_it(op, r, c->session, unlink_replied);
	cache_write_begin(&m->cache);
	d = dentry_link(m, op->inode, op->walk.last, op->walk.last_len, NULL);
	PUB_SET(d->shared_gen, op->inode->dir->shared_gen);
	cache_write_end(&m->cache);
	return true;
}

/* ---- create ---- */

void dirops_learn(struct meta *m, struct inode *dir, const struct inode *file)
{
	struct dir *d = dir->dir;

	if (!m->o.async_dirops || !d || file->pool_ns || !file->a.layout.object_size)
		return;
	if (caps_issued(dir, ring_now(m->ring)) & CAP_DIR_CREATE) {
		d->file_layout = file->a.layout;
		d->knows_layout = true;
	}
}

bool dirops_unconfirmed(const struct inode *i)
{
	return i && i->use && i->use->creating;
}

static void create_replied(struct mreq *r, int result, const struct reply *rep)
{
	struct meta *m = r->m;
	struct inode *i = inode_find(&m->cache, r->created_ino, SNAP_HEAD);

	(void)rep;
	if (!result && r->target && r->target->key.ino != r->created_ino)
		result = -EIO;
	if (i && i->use && i->use->creating == r) {
		i->use->creating = NULL;
		if (result && !m->stopping) {
			failed(r, result, "creating");
			inode_set_error(m, i, result);
			flush_lost(m, i, result);
			cache_write_begin(&m->cache);
			caps_remove_all(m, i, false);
			cache_write_end(&m->cache);
		} else if (!result) {
			caps_update(m, i, UPDATE_NOW); /* what waited for the inode to exist */
		}
		inode_use_settle(m, i);
	}
	caps_put(m, r->base, CAP_FX | CAP_DIR_CREATE);
	mreqs_kick_waiting(m);
	waiters_kick(m);
}

/* The inode as the MDS will make it. NULL: no memory, or the number is in use. */
static struct inode *make_inode(struct op *op, struct session *s, uint64_t ino, uint32_t mode, uint32_t gid,
				const struct enc *xattrs)
{
	struct meta *m = op->m;
	uint64_t wall = ring_wall(m->ring);
	struct inode *i = inode_find(&m->cache, ino, SNAP_HEAD) ? NULL : inode_make(m, ino, SNAP_HEAD);
	struct cap *c;
	struct attrs a = { .mode = mode,
			   .uid = op->walk.cred.uid,
			   .gid = gid,
			   .nlink = 1,
			   .ctime_ns = wall,
			   .mtime_ns = wall,
			   .atime_ns = wall,
			   .btime_ns = wall,
			   .layout = op->inode->dir->file_layout };

	if (!i)
		return NULL;
	inode_get(i);
	inode_set_attrs(&m->cache, i, &a);
	i->version = 1;
	i->truncate_seq = 1;
	i->truncate_size = UINT64_MAX;
	i->max_size = a.layout.stripe_unit;
	realm_set(m, i, op->inode->realm ? op->inode->realm->ino : 0);
	c = cap_make(m, s, i);
	if (!c || !inode_use(m, i) ||
	    (xattrs->len && trace_xattrs(m, i, (struct slice){ xattrs->buf, (uint32_t)xattrs->len }, 1))) {
		caps_remove_all(m, i, false);
		inode_use_settle(m, i);
		inode_put(m, i);
		return NULL;
	}
	i->xattr_version = 1;
	c->cap_id = 1; /* what the first cap of a new inode is */
	c->gen = s->cap_gen;
	c->issued = c->implemented = c->mds_wanted = CAPS_OF_NEW;
	cap_take_auth(c);
	caps_publish(m, i);
	return i;
}

static struct mreq *create_request(struct op *op, uint32_t wire_flags, uint32_t mode, uint64_t ino,
				   const struct enc *xattrs)
{
	const struct args_layout by_directory = { .pool = -1 };
	struct mreq *r = naming_request(op, MDS_OP_CREATE, 0);

	if (!r)
		return NULL;
	args_open(r->args, wire_flags, mode & 07777, CAP_PIN | CAP_AS, &by_directory, 0);
	r->created_ino = ino;
	if (mreq_set_cred(r, &op->walk.cred) ||
	    (xattrs->len && mreq_set_data(r, xattrs->buf, (uint32_t)xattrs->len))) {
		mreq_abandon(r);
		return NULL;
	}
	return r;
}

/* The name is absent, and the leave is held. */
static bool create_here(struct op *op, struct session *s, uint32_t wire_flags, struct enc *xattrs)
{
	struct meta *m = op->m;
	struct inode *dir = op->inode, *i;
	uint32_t mode = S_IFREG | (op->u.open.mode & 07777), gid;
	uint64_t ino;
	struct dentry *d;
	struct mreq *r;

	if (perm_birth(m, dir, &op->walk.cred, &mode, &gid, xattrs) || xattrs->len > INITIAL_XATTRS_MAX)
		return false;
	ino = inos_take(&s->delegated);
	if (!ino)
		return false;
	r = create_request(op, wire_flags, mode, ino, xattrs);
	cache_write_begin(&m->cache);
	i = r ? make_inode(op, s, ino, mode, gid, xattrs) : NULL;
	d = i ? dentry_link(m, dir, op->walk.last, op->walk.last_len, i) : NULL;
	if (d) {
		PUB_SET(d->shared_gen, dir->dir->shared_gen);
		d->primary = true;
	}
	cache_write_end(&m->cache);
	if (!d) {
		if (r)
			mreq_abandon(r);
		if (i) {
			caps_remove_all(m, i, false);
			inode_use_settle(m, i);
			inode_put(m, i);
		}
		inos_give(&s->delegated, ino);
		return false;
	}
	i->use->creating = r;
	send_it(op, r, s, create_replied);
	op->inode = i; /* the reference of make_inode() */
	inode_put(m, dir);
	return true;
}

bool dirops_create(struct op *op, uint32_t wire_flags)
{
	struct meta *m = op->m;
	struct cap *c = leave(op);
	struct enc xattrs = { 0 };
	struct inode *there;
	bool done;

	if (!c || op->u.open.layout || !op->inode->dir->knows_layout ||
	    naming_known(m, op->inode, op->walk.last, op->walk.last_len, &there) != -ENOENT ||
	    caps_try(m, op->inode, CAP_FX | CAP_DIR_CREATE))
		return false;
	there = op->inode;
	done = create_here(op, c->session, wire_flags, &xattrs);
	enc_free(&xattrs);
	if (!done)
		caps_put(m, there, CAP_FX | CAP_DIR_CREATE);
	return done;
}

/* ---- names under way ---- */

bool dirops_wait(struct op *op, struct inode *dir, const char *name, uint32_t len)
{
	struct unsafe_link *l;

	if (!dir->use || !op->m->o.async_dirops)
		return false;
	LIST_FOREACH(l, &dir->use->unsafe, link)
	{
		const struct mreq *r = l->req;

		if (!r->async || r->state == MREQ_UNSAFE || r->op != MDS_OP_UNLINK || r->path_len != len ||
		    memcmp(r->path, name, len))
			continue;
		op_wait(op, &op->m->name_waits);
		return true;
	}
	return false;
}
