/* stat.c: lookup, statx, access, readlink: a walk, then attributes from the cache or one GETATTR.
 *
 *   WALK --(inode)--> CAPS held or just told? --no--> GETATTR --> FILL
 */
#include "deleg.h"
#include "meta.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { AT_WALK, AT_GETATTR };

/* One fragment of the path to the attributes, for every operation here: 0 = valid now, OP_PENDING, -errno. */
static int64_t walk_then_caps(struct op *op, int64_t res, uint32_t need, bool force)
{
	struct meta *m = op->m;

	if (op->at == AT_GETATTR)
		return res;
	res = walk_step(op, res);
	if (res)
		return res;
	op->inode = inode_get(op->walk.at);
	if (!force &&
	    !(need & ~(caps_issued(op->inode, ring_now(m->ring)) | deleg_known(op->inode) | op->walk.fresh)))
		return 0;
	op->at = AT_GETATTR;
	return op_getattr(op, need | CAP_PIN);
}

/* ---- statx ---- */

uint32_t statx_caps(uint32_t want)
{
	uint32_t caps = CAP_PIN;

	if (want & (CEPHRING_STATX_MODE | CEPHRING_STATX_UID | CEPHRING_STATX_GID | CEPHRING_STATX_BTIME))
		caps |= CAP_AS;
	if (want & CEPHRING_STATX_NLINK)
		caps |= CAP_LS;
	if (want &
	    (CEPHRING_STATX_ATIME | CEPHRING_STATX_MTIME | CEPHRING_STATX_SIZE | CEPHRING_STATX_BLOCKS))
		caps |= CAP_FS;
	if (want & (CEPHRING_STATX_CTIME | CEPHRING_STATX_VERSION))
		caps |= CAP_ANY_SHARED;
	return caps;
}

static uint32_t statx_mask(uint32_t known)
{
	uint32_t mask = CEPHRING_STATX_TYPE | CEPHRING_STATX_INO;

	if ((known & CAP_ANY_SHARED) == CAP_ANY_SHARED)
		return CEPHRING_STATX_ALL;
	for (uint32_t bit = 1; bit & CEPHRING_STATX_ALL; bit <<= 1)
		if (!(statx_caps(bit) & ~(known | CAP_PIN)))
			mask |= bit;
	return mask;
}

void statx_from(const struct inode_key *key, const struct attrs *a, const struct dir_attrs *d, uint32_t known,
		struct cephring_statx *st)
{
	*st = (struct cephring_statx){
		.mask = statx_mask(known),
		.mode = a->mode,
		.nlink = a->nlink,
		.uid = a->uid,
		.gid = a->gid,
		.blksize = a->layout.object_size ? a->layout.object_size : 4u << 20,
		.ino = key->ino,
		.snapid = key->snapid,
		.size = a->size,
		.rdev = makedev(a->rdev >> 20, a->rdev & 0xfffff), /* kept as Linux has it inside */
		.version = a->change_attr,
		.atime_ns = (int64_t)a->atime_ns,
		.mtime_ns = (int64_t)a->mtime_ns,
		.ctime_ns = (int64_t)a->ctime_ns,
		.btime_ns = (int64_t)a->btime_ns,
	};
	if (d) {
		st->rbytes = d->rbytes;
		st->rfiles = d->rfiles;
		st->rsubdirs = d->rsubdirs;
		st->size = d->rbytes; /* as the other clients show it by default */
		st->blocks = 1;
		st->nlink = a->nlink == 1 ? 2 + (uint32_t)d->subdirs : a->nlink;
	} else {
		st->blocks = (a->size + 511) / 512;
	}
}

void statx_fill(const struct inode *i, uint32_t known, struct cephring_statx *st)
{
	statx_from(&i->key, &i->a, i->dir ? &i->dir->a : NULL, known, st);
}

static int64_t statx_step(struct op *op, int64_t res)
{
	int flags = op->u.statx.flags;
	uint32_t need = (flags & CEPHRING_DONT_SYNC) ? 0 : statx_caps(op->u.statx.want);

	res = walk_then_caps(op, res, need, (flags & CEPHRING_FORCE_SYNC) != 0);
	if (!res)
		statx_fill(
		    op->inode,
		    (flags & CEPHRING_DONT_SYNC) ? ~0u : need | caps_issued(op->inode, ring_now(op->m->ring)),
		    op->u.statx.out);
	return res;
}

const struct op_family op_statx_family = { .name = "statx", .step = statx_step };

/* ---- lookup ---- */

static int64_t lookup_step(struct op *op, int64_t res)
{
	res = walk_step(op, res);
	if (!res) {
		inode_share(op->walk.at); /* the program's; it cannot be on its way out while we hold it */
		*op->u.lookup.out = (cephring_inode *)op->walk.at;
	}
	return res;
}

const struct op_family op_lookup_family = { .name = "lookup", .step = lookup_step };

/* ---- access ---- */

static int64_t access_step(struct op *op, int64_t res)
{
	int mode = op->u.access.mode, want = 0;

	res = walk_then_caps(op, res, mode == F_OK ? CAP_PIN : CAP_PIN | perm_caps(op->m), false);
	if (res || mode == F_OK)
		return res;
	want |= (mode & R_OK) ? MAY_READ : 0;
	want |= (mode & W_OK) ? MAY_WRITE : 0;
	want |= (mode & X_OK) ? MAY_EXEC : 0;
	return inode_permission(op->m, op->inode, &op->walk.cred, want);
}

const struct op_family op_access_family = { .name = "access", .step = access_step };

/* ---- readlink ---- */

static int64_t readlink_step(struct op *op, int64_t res)
{
	size_t len;

	res = walk_then_caps(op, res, CAP_PIN, false);
	if (res)
		return res;
	if (!inode_is_link(op->inode) || !op->inode->symlink)
		return -EINVAL;
	len = strlen(op->inode->symlink);
	if (op->u.readlink.size)
		memcpy(op->u.readlink.buf, op->inode->symlink,
		       len < op->u.readlink.size ? len : op->u.readlink.size);
	return (int64_t)len;
}

const struct op_family op_readlink_family = { .name = "readlink", .step = readlink_step };
