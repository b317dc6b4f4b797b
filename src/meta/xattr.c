/* xattr.c: reading extended attributes: stored ones from the cache under Xs or one GETATTR; the ceph.* ones
 * made from the inode (vxattr.c) or asked for by name (GETVXATTR).
 *
 *   WALK    all known that it takes (Xs; of ceph.* perhaps Fs, or fresh statistics)? else GETATTR
 *   ATTRS   permission; stored ones are found, others made up, or GETVXATTR
 *   VALUE
 */
#include "change.h"
#include "meta.h"
#include "vxattr.h"
#include "xattr_map.h"

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

/* ---- reading ---- */

/* What others' programs may not see: user.* and ceph.* by the file's mode, trusted.* but by uid 0. */
static int may_read_xattr(const struct op *op, const char *name)
{
	if (!strncmp(name, "trusted.", 8))
		return op->m->o.no_permissions || op->walk.cred.uid == 0 ? 0 : -ENODATA;
	if (!strncmp(name, "user.", 5) || !strncmp(name, "ceph.", 5))
		return inode_permission(op->m, op->inode, &op->walk.cred, MAY_READ);
	return 0;
}

/* Once behind the walk: asks for what is not known of `need` and of what judging takes. */
static int64_t know(struct op *op, uint32_t need)
{
	uint32_t known = caps_known(caps_issued(op->inode, ring_now(op->m->ring)) | op->walk.fresh);

	if (op->at != XA_WALK)
		return 0;
	op->at = XA_ATTRS;
	if (!op->m->o.no_permissions && op->walk.cred.uid)
		need |= perm_caps(op->m);
	return (need & (~known | CAP_RSTAT)) ? op_getattr(op, need | CAP_PIN) : 0;
}

static int64_t vxattr(struct op *op)
{
	static const uint32_t needs[] = {
		[VXATTR_STAT] = CAP_FS, [VXATTR_RSTAT] = CAP_RSTAT, [VXATTR_ASK] = 0
	};
	enum vxattr_kind kind = vxattr_kind(op->inode, op->u.xattr.name);
	char text[VXATTR_TEXT_MAX];
	int64_t res = know(op, needs[kind]);

	if (!res)
		res = may_read_xattr(op, op->u.xattr.name);
	if (!res && kind == VXATTR_ASK) {
		op->at = XA_VALUE;
		res = send_getvxattr(op);
	}
	if (res)
		return res;
	res = vxattr_text(op->m, op->inode, op->u.xattr.name, text);
	return res < 0 ? res : give(op, text, (size_t)res);
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
	const char *name = op->u.xattr.name;
	struct slice value;

	if (op->at == XA_VALUE)
		return res;
	res = walk(op, res);
	if (res)
		return res;
	if (!strncmp(name, "ceph.", 5))
		return vxattr(op);
	res = know(op, CAP_XS);
	if (!res)
		res = may_read_xattr(op, name);
	if (res)
		return res;
	return xattr_map_find(inode_xattrs(op->inode), name, &value) ? give(op, value.p, value.len)
								     : -ENODATA;
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
		res = know(op, CAP_XS);
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
