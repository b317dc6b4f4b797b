/* setxattr.c: setting and removing extended attributes: stored ones here under Xx (change.h), else by
 * SETXATTR and RMXATTR; those that a client makes up or the MDS interprets (ceph.*) always there.
 *
 *   WALK     all known that judging takes? else GETATTR
 *   KNOWN    namespace, permission; an access ACL: its mode first
 *   MODED    the attribute
 *   CHANGED
 *
 *   namespace                 who may
 *   user.*                    who may write; files and directories only; in sticky directories the owner
 *   trusted.*, security.*     uid 0: what other clients' kernels trust (file capabilities are security.*)
 *   system.posix_acl_access   the owner
 *   system.posix_acl_default  the owner, of a directory
 *   ceph.*                    who may write; the MDS judges the rest
 */
#include "acl.h"
#include "change.h"
#include "meta.h"
#include "vxattr.h"
#include "xattr_map.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum { XSET_WALK, XSET_KNOWN, XSET_MODED, XSET_CHANGED };

/* ---- who may ---- */

static bool begins(const char *name, const char *with)
{
	return !strncmp(name, with, strlen(with));
}

static bool is_acl(const char *name)
{
	return !strcmp(name, ACL_ACCESS) || !strcmp(name, ACL_DEFAULT);
}

static int may_change_user(const struct meta *m, const struct inode *i, const struct cephring_cred *cred)
{
	if (!S_ISREG(i->a.mode) && !S_ISDIR(i->a.mode))
		return -EPERM;
	if (S_ISDIR(i->a.mode) && (i->a.mode & S_ISVTX) && !cred_owns(m, i, cred))
		return -EPERM;
	return inode_permission(m, i, cred, MAY_WRITE);
}

static int may_change(const struct op *op, const char *name)
{
	const struct meta *m = op->m;
	const struct inode *i = op->inode;
	const struct cephring_cred *cred = &op->walk.cred;
	const char *dot = strchr(name, '.');
	int err;

	if (i->key.snapid != SNAP_HEAD)
		return -EROFS;
	if (dot && !dot[1])
		return -EINVAL;
	if (begins(name, "user."))
		return may_change_user(m, i, cred);
	if (begins(name, "trusted.") || begins(name, "security."))
		return m->o.no_permissions || cred->uid == 0 ? 0 : -EPERM;
	if (begins(name, "system.")) {
		if (!cred_owns(m, i, cred))
			return -EPERM;
		return is_acl(name) && !inode_is_link(i) ? 0 : -EOPNOTSUPP;
	}
	err = inode_permission(m, i, cred, MAY_WRITE);
	if (!err && (!begins(name, "ceph.") || vxattr_read_only(i, name)))
		err = -EOPNOTSUPP;
	return err;
}

/* ---- the change ---- */

/* Beyond the MDS's limit only the MDS may refuse; one that does not tell its limit is asked every time. */
static bool fits(const struct meta *m, size_t len)
{
	return m->map && len <= m->map->max_xattr_size;
}

/* 1: it has to be asked for. */
static int change_map(struct op *op, const char *name, const struct slice *value)
{
	struct meta *m = op->m;
	struct inode *i = op->inode;
	const struct cephring_cred *cred = &op->walk.cred;
	struct attrs a = i->a;
	struct enc map;
	int res;

	if (!change_here(m, i, CAP_XX, cred) || !i->xattr_version || begins(name, "ceph."))
		return 1;
	enc_init(&map);
	res = xattr_map_with(inode_xattrs(i), name, value, &map);
	if (!res && value && !fits(m, map.len))
		res = 1;
	if (!res)
		res = caps_mark_dirty(m, i, CAP_XX, cred->uid, cred->gid);
	if (!res) {
		if (ring_wall(m->ring) > a.ctime_ns)
			a.ctime_ns = ring_wall(m->ring);
		a.change_attr++;
		cache_write_begin(&m->cache);
		res = trace_xattrs(m, i, (struct slice){ map.buf, (uint32_t)map.len }, i->xattr_version + 1);
		if (!res)
			inode_set_attrs(&m->cache, i, &a);
		cache_write_end(&m->cache);
		m->stats.local_sets += !res;
	}
	enc_free(&map);
	return res == -EBADMSG ? 1 : res;
}

static int64_t send(struct op *op, const char *name, const struct slice *value, int how)
{
	uint32_t flags =
	    ((how & XATTR_CREATE) ? SETXATTR_CREATE : 0) | ((how & XATTR_REPLACE) ? SETXATTR_REPLACE : 0);
	struct mreq *r = mreq_new(op->m, value ? MDS_OP_SETXATTR : MDS_OP_RMXATTR, op->inode, NULL, 0);
	int err;

	if (!r)
		return -EAGAIN;
	if (value)
		args_setxattr(r->args, flags, 0);
	r->need_auth = true;
	err = mreq_set_path2(r, NULL, name, (uint32_t)strlen(name));
	if (!err && value && value->len)
		err = mreq_set_data(r, value->p, value->len);
	if (err) {
		mreq_abandon(r);
		return err;
	}
	mreq_drop(r, op->inode, CAP_XS, CAP_XX, false);
	return op_ask(op, r);
}

/* What the call says of the attribute being there or not, where that is known. */
static int check_presence(const struct op *op, const char *name, const struct slice *value, int how)
{
	uint32_t known = caps_known(caps_issued(op->inode, ring_now(op->m->ring)) | op->walk.fresh);
	struct slice old;
	bool there;

	if (!(known & CAP_XS) || begins(name, "ceph."))
		return 0;
	there = xattr_map_find(inode_xattrs(op->inode), name, &old);
	if (there && (how & XATTR_CREATE))
		return -EEXIST;
	if (!there && (!value || (how & XATTR_REPLACE)))
		return -ENODATA;
	return 0;
}

int64_t xattr_change(struct op *op, const char *name, const struct slice *value, int how)
{
	int res = check_presence(op, name, value, how);

	if (!res)
		res = change_map(op, name, value);
	return res == 1 ? send(op, name, value, how) : res;
}

/* ---- access control lists ---- */

/* A list that says no more than a mode is not stored: 1; stored: 0; or -errno. */
static int list_is_mode(const struct op *op, const char *name, struct slice value)
{
	uint32_t mode = 0;
	int count;

	if (!strcmp(name, ACL_DEFAULT) && value.len > ACL_HEADER && !inode_is_dir(op->inode))
		return -EACCES;
	count = value.len ? acl_check(value) : 0;
	if (count <= 0)
		return count < 0 ? count : 1;
	return !strcmp(name, ACL_ACCESS) && acl_to_mode(value, &mode) == 0;
}

/* The mode says what the list says of owner, mask and others. */
static int64_t mode_follows(struct op *op, struct slice list)
{
	const struct cephring_cred *cred = &op->walk.cred;
	struct cephring_setattr s = { .set = CEPHRING_SET_MODE, .mode = op->inode->a.mode & 07777 };
	uint32_t before = s.mode;

	if (acl_to_mode(list, &s.mode) < 0)
		return 0; /* none: removing a list leaves the mode */
	if (cred->uid && !op->m->o.no_permissions && !cred_in_group(cred, op->inode->a.gid))
		s.mode &= ~(uint32_t)S_ISGID;
	return s.mode == before ? 0 : setattr_change(op, &s);
}

static int64_t set_list(struct op *op, const char *name, struct slice value)
{
	int none = list_is_mode(op, name, value);

	if (none < 0)
		return none;
	return xattr_change(op, name, none ? NULL : &value, none ? 0 : op->u.xattr.how);
}

/* ---- the operations ---- */

static int64_t walked(struct op *op)
{
	const struct meta *m = op->m;
	bool root = m->o.no_permissions || op->walk.cred.uid == 0;
	uint32_t need = root ? CAP_PIN : CAP_PIN | perm_caps(m), known;

	op->inode = inode_get(op->walk.at);
	if (is_acl(op->u.xattr.name))
		need |= CAP_AS;
	known = caps_known(caps_issued(op->inode, ring_now(m->ring)) | op->walk.fresh);
	return (need & ~known) ? op_getattr(op, need) : 0;
}

static struct slice value_of(const struct op *op)
{
	return (struct slice){ op->u.xattr.buf, (uint32_t)op->u.xattr.size };
}

static int64_t judge_set(struct op *op)
{
	const char *name = op->u.xattr.name;
	int res = may_change(op, name);

	if (res || !is_acl(name))
		return res;
	res = list_is_mode(op, name, value_of(op));
	if (res < 0 || strcmp(name, ACL_ACCESS))
		return res < 0 ? res : 0;
	return mode_follows(op, value_of(op));
}

static int64_t change_set(struct op *op)
{
	const char *name = op->u.xattr.name;
	struct slice value = value_of(op);

	return is_acl(name) ? set_list(op, name, value) : xattr_change(op, name, &value, op->u.xattr.how);
}

static int64_t setxattr_step(struct op *op, int64_t res)
{
	while (!res || op->at == XSET_WALK) {
		switch (op->at) {
		case XSET_WALK:
			res = walk_step(op, res);
			if (res)
				return res;
			op->at = XSET_KNOWN;
			res = walked(op);
			break;
		case XSET_KNOWN:
			op->at = XSET_MODED;
			res = judge_set(op);
			break;
		case XSET_MODED:
			op->at = XSET_CHANGED;
			res = change_set(op);
			break;
		default:
			return 0;
		}
	}
	/* A list that became a mode need not have been there. */
	if (res == -ENODATA && is_acl(op->u.xattr.name) &&
	    list_is_mode(op, op->u.xattr.name, value_of(op)) == 1)
		res = 0;
	return res;
}

const struct op_family op_setxattr_family = { .name = "setxattr", .step = setxattr_step };

static int64_t removexattr_step(struct op *op, int64_t res)
{
	while (!res || op->at == XSET_WALK) {
		switch (op->at) {
		case XSET_WALK:
			res = walk_step(op, res);
			if (res)
				return res;
			op->at = XSET_KNOWN;
			res = walked(op);
			break;
		case XSET_KNOWN:
			op->at = XSET_MODED;
			res = may_change(op, op->u.xattr.name);
			break;
		case XSET_MODED:
			op->at = XSET_CHANGED;
			res = xattr_change(op, op->u.xattr.name, NULL, 0);
			break;
		default:
			return 0;
		}
	}
	return res;
}

const struct op_family op_removexattr_family = { .name = "removexattr", .step = removexattr_step };
