/* calls.c: the public operations: each fills one operation and submits it. */
#include "calls.h"
#include "data_cache.h"
#include "dump.h"

#include <errno.h>
#include <string.h>

int call_prepare(cephring_mount *mt, const struct op_family *fam, cephring_inode *at, const char *path,
		 int flags, const struct cephring_cred *cred, uint32_t mask, struct cephring_op *pub,
		 cephring_cb cb, void *user, struct op **out)
{
	int err = op_prepare(&mt->meta, pub, fam, cb, user, out);

	if (err)
		return err;
	op_set_walk(*out, (struct inode *)at, path, flags, cred, mask);
	return 0;
}

int cephring_lookup(cephring_mount *mt, cephring_inode *at, const char *path, int flags,
		    const struct cephring_cred *cred, struct cephring_op *pub, cephring_cb cb, void *user,
		    cephring_inode **out)
{
	struct op *op;
	int err = call_prepare(mt, &op_lookup_family, at, path, flags, cred, CAP_PIN, pub, cb, user, &op);

	if (err)
		return err;
	*out = NULL;
	op->u.lookup.out = out;
	return op_submit(op);
}

void cephring_put(cephring_mount *mt, cephring_inode *i)
{
	(void)mt;
	inode_unshare((struct inode *)i);
}

uint64_t cephring_ino(const cephring_inode *i)
{
	return ((const struct inode *)i)->key.ino;
}

int cephring_statx(cephring_mount *mt, cephring_inode *at, const char *path, uint32_t want, int flags,
		   const struct cephring_cred *cred, struct cephring_statx *out, struct cephring_op *pub,
		   cephring_cb cb, void *user)
{
	struct op *op;
	int err =
	    call_prepare(mt, &op_statx_family, at, path, flags, cred, statx_caps(want), pub, cb, user, &op);

	if (err)
		return err;
	op->u.statx.out = out;
	op->u.statx.want = want;
	op->u.statx.flags = flags;
	return op_submit(op);
}

int cephring_access(cephring_mount *mt, cephring_inode *at, const char *path, int mode, int flags,
		    const struct cephring_cred *cred, struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct op *op;
	int err = (mode & ~7) ? -EINVAL
			      : call_prepare(mt, &op_access_family, at, path, flags, cred, CAP_PIN | CAP_AS,
					     pub, cb, user, &op);

	if (err)
		return err;
	op->u.access.mode = mode;
	return op_submit(op);
}

int cephring_readlink(cephring_mount *mt, cephring_inode *at, const char *path,
		      const struct cephring_cred *cred, char *buf, size_t size, struct cephring_op *pub,
		      cephring_cb cb, void *user)
{
	struct op *op;
	int err = call_prepare(mt, &op_readlink_family, at, path, CEPHRING_NOFOLLOW, cred, CAP_PIN, pub, cb,
			       user, &op);

	if (err)
		return err;
	op->u.readlink.buf = buf;
	op->u.readlink.size = size;
	return op_submit(op);
}

int cephring_getxattr(cephring_mount *mt, cephring_inode *at, const char *path, const char *name, int flags,
		      const struct cephring_cred *cred, void *buf, size_t size, struct cephring_op *pub,
		      cephring_cb cb, void *user)
{
	struct op *op;
	int err;

	if (!name || !*name)
		return -EINVAL;
	if (strlen(name) > WALK_NAME_MAX)
		return -ERANGE;
	err = call_prepare(mt, &op_getxattr_family, at, path, flags, cred, CAP_PIN | CAP_AS | CAP_XS, pub, cb,
			   user, &op);
	if (err)
		return err;
	op->u.xattr.name = name;
	op->u.xattr.buf = buf;
	op->u.xattr.size = size;
	return op_submit(op);
}

int cephring_listxattr(cephring_mount *mt, cephring_inode *at, const char *path, int flags,
		       const struct cephring_cred *cred, char *buf, size_t size, struct cephring_op *pub,
		       cephring_cb cb, void *user)
{
	struct op *op;
	int err = call_prepare(mt, &op_listxattr_family, at, path, flags, cred, CAP_PIN | CAP_AS | CAP_XS,
			       pub, cb, user, &op);

	if (err)
		return err;
	op->u.xattr.name = NULL;
	op->u.xattr.buf = buf;
	op->u.xattr.size = size;
	return op_submit(op);
}

int cephring_statfs(cephring_mount *mt, struct cephring_statfs *out, struct cephring_op *pub, cephring_cb cb,
		    void *user)
{
	struct op *op;
	int err = op_prepare(&mt->meta, pub, &op_statfs_family, cb, user, &op);

	if (err)
		return err;
	op->u.statfs.out = out;
	op->u.statfs.pending = NULL;
	return op_submit(op);
}

/* ---- the rest ---- */

void cephring_op_deadline(struct cephring_op *op, uint64_t deadline_ns)
{
	((struct op *)op)->deadline_ns = deadline_ns;
}

int cephring_op_uncertain(const struct cephring_op *op)
{
	return ((const struct op *)op)->uncertain;
}

int cephring_op_cancel(cephring_mount *mt, struct cephring_op *op)
{
	return op_cancel(&mt->meta, op);
}

void cephring_drop_caches(cephring_mount *mt)
{
	walk_fills_drop(&mt->meta); /* they hold on to what is to go */
	data_cache_drop(mt);
	cache_drop_all(&mt->meta);
	sessions_send_releases(&mt->meta);
}

const char *cephring_strerror(cephring_mount *mt, int err)
{
	if (mt && mt->log.last_error[0] && mt->log.last_err == err)
		return mt->log.last_error;
	return strerror(err < 0 ? -err : err);
}

const char *cephring_version(void)
{
	return "0.2.0";
}

int cephring_stats(cephring_mount *mt, struct cephring_stats *out)
{
	const struct meta *m = &mt->meta;
	struct cephring_stats s = { .size = out->size };
	struct ring_stats rs;

	if (out->size < offsetof(struct cephring_stats, ops))
		return -EINVAL;
	ring_stats(m->ring, &rs);
	s.turns = rs.turns;
	s.enters = rs.enters;
	s.syscalls = rs.enters + rs.other_syscalls;
	s.sends = rs.sends;
	s.send_bytes = rs.send_bytes;
	s.recvs = rs.recvs;
	s.recv_bytes = rs.recv_bytes;
	s.ops = m->stats.ops;
	s.ops_cached = m->stats.ops_cached;
	s.mds_requests = m->stats.requests;
	s.mds_replies = m->stats.replies;
	s.forwards = m->stats.forwards;
	s.resends = m->stats.resends;
	s.inodes = m->cache.inode_count;
	s.dentries = m->cache.dentry_count;
	s.caps = m->caps.live;
	s.cache_bytes = m->cache.bytes;
	s.cache_limit = m->cache.limit;
	s.cache_evictions = m->cache.evictions;
	s.revokes = m->stats.revokes;
	s.releases = m->stats.releases;
	s.renewals = m->stats.renewals;
	s.recalls = m->stats.recalls;
	s.walks = m->stats.walks;
	s.walk_lookups = m->stats.walk_lookups;
	s.walk_restarts = m->stats.walk_restarts;
	s.walk_inferred = m->stats.walk_inferred;
	s.lists_ahead = m->stats.lists_ahead;
	s.unsafe = m->stats.unsafe;
	s.replays = m->stats.replays;
	s.local_sets = m->stats.local_sets;
	s.flushes = m->stats.flushes;
	s.flush_acks = m->stats.flush_acks;
	s.cap_snaps = m->stats.capsnaps;
	s.cap_waits = m->stats.cap_waits;
	s.async_ops = m->stats.async_ops;
	s.async_failed = m->stats.async_failed;
	data_stats(mt, &s);
	memcpy(out, &s, out->size < sizeof s ? out->size : sizeof s);
	return 0;
}
