/* xattr.c: reading extended attributes: stored ones from the cache under Xs or one GETATTR; the ceph.* ones
 * made from the inode (vxattr.c) or asked for by name (GETVXATTR).
 *
 *   WALK --> stored: Xs held? --no--> GETATTR --> permission --> find
 *        \-> ceph.*: local, or GETATTR (fresh statistics), or GETVXATTR
 */
#include "meta.h"
#include "vxattr.h"

#include <errno.h>
#include <string.h>

enum { XA_WALK, XA_ATTRS, XA_VALUE };
enum { FEATURE_GETVXATTR = 17 };

static int64_t give(struct op *op, const void *value, size_t len)
{
	if (op->u.xattr.size) {
		if (len > op->u.xattr.size)
			return -ERANGE;
		memcpy(op->u.xattr.buf, value, len);
	}
	return (int64_t)len;
}

/* ---- GETVXATTR ---- */

static void vxattr_done(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;
	char text[VXATTR_TEXT_MAX];
	struct slice value;
	struct dec d;
	int n;

	op->req = NULL;
	if (result == -EINVAL) { /* an MDS that does not know the name: what we know ourselves will do */
		n = vxattr_text(op->m, op->inode, op->u.xattr.name, text);
		op_resume(op, n < 0 ? n : give(op, text, (size_t)n));
		return;
	}
	if (result) {
		op_resume(op, result);
		return;
	}
	d = dec_init(rep->extra.p, rep->extra.len);
	if (vxattr_decode(&d, &value)) {
		op_resume(op, -EBADMSG);
	} else if (vxattr_ask_name(op->inode, op->u.xattr.name) == op->u.xattr.name) {
		op_resume(op, give(op, value.p, value.len));
	} else {
		n = vxattr_from_answer(op->inode, op->u.xattr.name, value, text);
		op_resume(op, n < 0 ? n : give(op, text, (size_t)n));
	}
}

/* 0: no such thing there. */
static int64_t send_getvxattr(struct op *op)
{
	struct cap *c = cap_auth(op->inode);
	const char *name = vxattr_ask_name(op->inode, op->u.xattr.name);
	struct mreq *r;

	if (!c || c->session->state != SESS_OPEN || !(c->session->features & 1u << FEATURE_GETVXATTR))
		return 0;
	r = mreq_new(op->m, MDS_OP_GETVXATTR, op->inode, NULL, 0);
	if (!r)
		return -EAGAIN;
	r->path2 = mem_strdup(name);
	r->path2_len = (uint32_t)strlen(name);
	r->need_auth = true;
	r->done = vxattr_done;
	if (!r->path2) {
		mreq_abandon(r);
		return -ENOMEM;
	}
	return op_ask(op, r);
}

static int64_t vxattr(struct op *op, int64_t res)
{
	char text[VXATTR_TEXT_MAX];
	enum vxattr_kind kind = vxattr_kind(op->inode, op->u.xattr.name);

	if (op->at == XA_VALUE)
		return res;
	if (op->at == XA_WALK && (kind == VXATTR_RSTAT || kind == VXATTR_STAT)) {
		uint32_t mask = kind == VXATTR_RSTAT ? CAP_PIN | CAP_RSTAT : CAP_PIN | CAP_FS;

		op->at = XA_ATTRS;
		if (kind == VXATTR_RSTAT || !(caps_issued(op->inode, ring_now(op->m->ring)) & CAP_FS))
			return op_getattr(op, mask);
	}
	if (kind == VXATTR_ASK) {
		op->at = XA_VALUE;
		res = send_getvxattr(op);
		if (res)
			return res;
	}
	res = vxattr_text(op->m, op->inode, op->u.xattr.name, text);
	return res < 0 ? res : give(op, text, (size_t)res);
}

/* ---- stored ones ---- */

/* user.*: read permission on the file; trusted.*: uid 0. */
static int may_read_xattr(struct op *op, const char *name)
{
	const struct cephring_cred *c = &op->walk.cred;

	if (op->m->o.no_permissions)
		return 0;
	if (!strncmp(name, "trusted.", 8))
		return c->uid == 0 ? 0 : -ENODATA;
	if (!strncmp(name, "user.", 5))
		return inode_permission(op->m, op->inode, c, MAY_READ);
	return 0;
}

/* Inode and its xattrs are at hand: 0, OP_PENDING or -errno. */
static int64_t stored(struct op *op)
{
	if (op->at == XA_WALK) {
		op->at = XA_ATTRS;
		if ((CAP_XS | CAP_AS) & ~caps_issued(op->inode, ring_now(op->m->ring)))
			return op_getattr(op, CAP_PIN | CAP_AS | CAP_XS);
	}
	return 0;
}

static int64_t walk(struct op *op, int64_t res)
{
	if (op->at != XA_WALK)
		return res < 0 ? res : 0;
	res = walk_step(op, res);
	if (!res)
		op->inode = inode_get(op->walk.at);
	return res;
}

static int64_t getxattr_step(struct op *op, int64_t res)
{
	const char *want = op->u.xattr.name;
	struct slice name, value;
	struct xattr_iter it;

	if (op->at == XA_VALUE)
		return res;
	res = walk(op, res);
	if (res)
		return res;
	if (!strncmp(want, "ceph.", 5))
		return vxattr(op, res);
	res = stored(op);
	if (res)
		return res;
	res = may_read_xattr(op, want);
	if (res)
		return res;
	if (!op->inode->xattrs || xattrs_begin(&it, inode_xattrs(op->inode)))
		return -ENODATA;
	while (xattrs_next(&it, &name, &value) > 0)
		if (name.len == strlen(want) && !memcmp(name.p, want, name.len))
			return give(op, value.p, value.len);
	return -ENODATA;
}

const struct op_family op_getxattr_family = { .name = "getxattr", .step = getxattr_step };

static int64_t listxattr_step(struct op *op, int64_t res)
{
	char *buf = op->u.xattr.buf;
	struct slice name, value;
	struct xattr_iter it;
	size_t len = 0;

	res = walk(op, res);
	if (!res)
		res = stored(op);
	if (res)
		return res;
	if (!op->inode->xattrs || xattrs_begin(&it, inode_xattrs(op->inode)))
		return 0;
	while (xattrs_next(&it, &name, &value) > 0) {
		if (name.len > 8 && !memcmp(name.p, "trusted.", 8) && op->walk.cred.uid &&
		    !op->m->o.no_permissions)
			continue;
		if (op->u.xattr.size) {
			if (len + name.len + 1 > op->u.xattr.size)
				return -ERANGE;
			memcpy(buf + len, name.p, name.len);
			buf[len + name.len] = '\0';
		}
		len += name.len + 1;
	}
	return (int64_t)len;
}

const struct op_family op_listxattr_family = { .name = "listxattr", .step = listxattr_step };
