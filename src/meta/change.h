/* change.h: changing an inode's attributes: here, under exclusive caps, or by its MDS.
 *
 *   what            here when held   tells later   else asked for
 *   mode, uid, gid  Ax               Ax            SETATTR, giving up As
 *   birth time      Ax               Ax            SETATTR
 *   times           Fx               Fx            SETATTR, giving up Fs Fr Fw
 *   a later mtime   Fw               Fw            (the MDS takes the later one)
 *   a larger size   Fx               Fx            SETATTR, giving up Fs Fx Fr Fw
 *   xattrs          Xx               Xx            SETXATTR, RMXATTR, giving up Xs
 *
 * What is as wanted already, and known to be (its s bit is held), is left alone. Two callers' changes are not
 * mixed in one flush, because the MDS judges it by one caller: while something of another's is dirty the MDS
 * is asked. Owner thread only.
 */
#pragma once
#include "../proto/mds.h"
#include "op.h"

/* Bits of `which` (Ax, Xx, Fx, Fw) under which `cred` may change `i` here and now. */
uint32_t change_here(struct meta *m, const struct inode *i, uint32_t which, const struct cephring_cred *cred);

/* Whose fields are known: an x bit means its s bit too. */
static inline uint32_t caps_known(uint32_t issued)
{
	return issued | (issued & CAP_ANY_EXCL) >> 1;
}

/* setattr.c: gives op->inode the attributes of `set`, which was judged, by the caller of op->walk. 0: it is
 * so; OP_PENDING: the op is entered again with the result; or -errno. */
int64_t setattr_change(struct op *op, const struct cephring_setattr *set);

/* setxattr.c: sets the stored attribute `name` of op->inode (value NULL: removes it), which was judged.
 * `how`: XATTR_CREATE, XATTR_REPLACE. Results as above; -EEXIST, -ENODATA. */
int64_t xattr_change(struct op *op, const char *name, const struct slice *value, int how);
