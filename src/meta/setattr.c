/* setattr.c: chmod, chown, utimens, truncate: judged here, changed here as far as the caps allow (change.h),
 * the rest by one SETATTR.
 *
 *   WALK     of a kind that has such an attribute? all known that judging takes? else GETATTR
 *   KNOWN    permission, limits
 *   JUDGED   the quota, if the size grows
 *   ALLOWED  changed here, or SETATTR
 *   CHANGED  the mode of an inode with an ACL: the list follows
 *   LISTED
 */
#include "acl.h"
#include "change.h"
#include "meta.h"
#include "xattr_map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { SET_WALK, SET_KNOWN, SET_JUDGED, SET_ALLOWED, SET_CHANGED, SET_LISTED };

enum {
	SET_OWNER = CEPHRING_SET_UID | CEPHRING_SET_GID,
	SETID = S_ISUID | S_ISGID,
	TIME_MAX_S = UINT32_MAX, /* what the wire can say */
};

uint32_t change_here(struct meta *m, const struct inode *i, uint32_t which, const struct cephring_cred *cred)
{
	const struct inode_use *u = i->use;
	const struct cap *c = cap_auth(i);

	if (m->fenced || !c || c->session->read_only)
		return 0;
	if (u && u->dirty && (u->dirty_uid != cred->uid || u->dirty_gid != cred->gid))
		return 0;
	return caps_issued(i, ring_now(m->ring)) & which;
}

/* ---- what becomes of it ---- */

struct plan {
	uint32_t here;       /* bits under which it may be changed here */
	uint32_t issued;     /* bits whose fields are known */
	struct attrs a;      /* what the inode becomes here */
	uint32_t dirty;      /* bits that are changed here */
	uint32_t mask, drop; /* SETATTR_* that the MDS is asked for, and the caps that this costs */
};

static void ask(struct plan *p, uint32_t mask, uint32_t drop)
{
	p->mask |= mask;
	p->drop |= drop;
}

/* A program must not run with the rights of its former owner, nor changed ones of its owner. */
static bool loses_setid(uint32_t mode)
{
	return S_ISREG(mode) && (mode & 0111) && (mode & SETID);
}

static void plan_auth_here(struct plan *p, const struct cephring_setattr *s, bool kill)
{
	if ((s->set & CEPHRING_SET_MODE))
		p->a.mode = (p->a.mode & S_IFMT) | (s->mode & 07777);
	else if (((s->set & SET_OWNER) || kill) && loses_setid(p->a.mode))
		p->a.mode &= ~(uint32_t)SETID;
	if (s->set & CEPHRING_SET_UID)
		p->a.uid = s->uid;
	if (s->set & CEPHRING_SET_GID)
		p->a.gid = s->gid;
	if (s->set & CEPHRING_SET_BTIME)
		p->a.btime_ns = (uint64_t)s->btime_ns;
	p->dirty |= CAP_AX;
}

/* kill: the size changes, by somebody who may not leave the setid bits of a program alone. */
static void plan_auth(struct plan *p, const struct cephring_setattr *s, bool kill)
{
	const uint32_t group = CEPHRING_SET_MODE | SET_OWNER | CEPHRING_SET_BTIME;
	bool known = (p->issued & CAP_AS) != 0, setid = !known || loses_setid(p->a.mode);

	kill = kill && setid;
	if (!(s->set & group) && !kill)
		return;
	if (p->here & CAP_AX) {
		plan_auth_here(p, s, kill);
		return;
	}
	if ((s->set & CEPHRING_SET_MODE) && !(known && (s->mode & 07777) == (p->a.mode & 07777)))
		ask(p, SETATTR_MODE, CAP_AS);
	if ((s->set & CEPHRING_SET_UID) && !(!setid && s->uid == p->a.uid))
		ask(p, SETATTR_UID, CAP_AS);
	if ((s->set & CEPHRING_SET_GID) && !(!setid && s->gid == p->a.gid))
		ask(p, SETATTR_GID, CAP_AS);
	if ((s->set & CEPHRING_SET_BTIME) && !(known && (uint64_t)s->btime_ns == p->a.btime_ns))
		ask(p, SETATTR_BTIME, CAP_AS);
	if (kill)
		ask(p, SETATTR_KILL_SGUID, CAP_AS);
}

/* One of the two times. */
static void plan_time(struct plan *p, uint64_t *have, uint64_t want, uint32_t wire)
{
	if (p->here & CAP_FX) {
		*have = want;
		p->dirty |= CAP_FX;
	} else if ((p->here & CAP_FW) && wire == SETATTR_MTIME && want > *have) {
		*have = want;
		p->dirty |= CAP_FW;
	} else if (!(p->issued & CAP_FS) || *have != want) {
		ask(p, wire, CAP_FS | CAP_FR | CAP_FW);
	}
}

static void plan_times(struct plan *p, const struct cephring_setattr *s)
{
	const uint32_t times = CEPHRING_SET_ATIME | CEPHRING_SET_MTIME;

	if (s->set & CEPHRING_SET_ATIME)
		plan_time(p, &p->a.atime_ns, (uint64_t)s->atime_ns, SETATTR_ATIME);
	if (s->set & CEPHRING_SET_MTIME)
		plan_time(p, &p->a.mtime_ns, (uint64_t)s->mtime_ns, SETATTR_MTIME);
	if ((s->set & times) && (p->here & CAP_FX)) /* so that older times do not win by being later */
		p->a.time_warp_seq++;
}

static void plan_size(struct plan *p, const struct cephring_setattr *s, uint64_t now_ns)
{
	if (!(s->set & CEPHRING_SET_SIZE))
		return;
	if ((p->here & CAP_FX) && s->size >= p->a.size) {
		if (s->size == p->a.size)
			return;
		p->a.size = s->size;
		p->a.mtime_ns = now_ns;
		p->dirty |= CAP_FX;
	} else if (!(p->issued & (CAP_FS | CAP_FX)) || s->size != p->a.size) {
		ask(p, SETATTR_SIZE, CAP_FS | CAP_FX | CAP_FR | CAP_FW);
	}
}

/* ---- doing it ---- */

static int change(struct meta *m, struct inode *i, struct plan *p, uint64_t now_ns,
		  const struct cephring_cred *cred)
{
	uint64_t size = i->a.size;
	int err;

	if (!p->dirty)
		return 0;
	err = caps_mark_dirty(m, i, p->dirty, cred->uid, cred->gid);
	if (err)
		return err;
	if (now_ns > p->a.ctime_ns)
		p->a.ctime_ns = now_ns;
	p->a.change_attr++;
	inode_set_attrs(&m->cache, i, &p->a);
	if (p->a.size != size && i->use)
		i->use->reported_size = p->a.size;
	m->stats.local_sets++;
	return 0;
}

static int64_t send(struct op *op, const struct plan *p, const struct cephring_setattr *s)
{
	struct mreq *r = mreq_new(op->m, MDS_OP_SETATTR, op->inode, NULL, 0);
	struct args_setattr a = {
		.mask = p->mask,
		.mode = (op->inode->a.mode & S_IFMT) | (s->mode & 07777),
		.uid = s->uid,
		.gid = s->gid,
		.mtime_ns = (uint64_t)s->mtime_ns,
		.atime_ns = (uint64_t)s->atime_ns,
		.btime_ns = (uint64_t)s->btime_ns,
		.size = s->size,
		.old_size = op->inode->a.size,
	};

	if (r) {
		args_setattr(r->args, &a);
		r->need_auth = true;
		mreq_drop(r, op->inode, p->drop, 0, false);
	}
	return op_ask(op, r);
}

int64_t setattr_change(struct op *op, const struct cephring_setattr *s)
{
	struct meta *m = op->m;
	struct inode *i = op->inode;
	const struct cephring_cred *cred = &op->walk.cred;
	uint64_t now_ns = ring_wall(m->ring);
	struct plan p = {
		.here = change_here(m, i, CAP_AX | CAP_FX | CAP_FW, cred),
		.issued = caps_issued(i, ring_now(m->ring)),
		.a = i->a,
	};
	int err;

	plan_auth(&p, s, (s->set & CEPHRING_SET_SIZE) && cred->uid && !m->o.no_permissions);
	plan_times(&p, s);
	plan_size(&p, s, now_ns);
	err = change(m, i, &p, now_ns, cred);
	if (err || !p.mask)
		return err;
	return send(op, &p, s);
}

/* ---- the operation ---- */

/* Of the kind that has such an attribute, before anybody's right to it. */
static int check_kind(const struct op *op, const struct cephring_setattr *s)
{
	const struct file *f = (const struct file *)s->file;

	if (((s->set & CEPHRING_SET_UID) && s->uid == (uint32_t)-1) ||
	    ((s->set & CEPHRING_SET_GID) && s->gid == (uint32_t)-1))
		return -EINVAL;
	if (!(s->set & CEPHRING_SET_SIZE))
		return 0;
	if (inode_is_dir(op->inode))
		return -EISDIR;
	if (f && (f->flags & O_PATH))
		return -EBADF;
	if (f && (f->inode != op->inode || (f->flags & O_ACCMODE) == O_RDONLY))
		return -EINVAL;
	return S_ISREG(op->inode->a.mode) ? 0 : -EINVAL;
}

static int64_t clamp_time(int64_t ns)
{
	const int64_t max = (int64_t)TIME_MAX_S * 1000000000 + 999999999;

	return ns < 0 ? 0 : ns > max ? max : ns;
}

/* "Now" becomes the time it is, and times what the wire can say; from here on there is one kind. */
static void set_clock(struct cephring_setattr *s, uint64_t now_ns)
{
	if (s->set & CEPHRING_SET_ATIME_NOW)
		s->atime_ns = (int64_t)now_ns;
	if (s->set & CEPHRING_SET_MTIME_NOW)
		s->mtime_ns = (int64_t)now_ns;
	if (s->set & (CEPHRING_SET_ATIME | CEPHRING_SET_ATIME_NOW))
		s->set |= CEPHRING_SET_ATIME;
	if (s->set & (CEPHRING_SET_MTIME | CEPHRING_SET_MTIME_NOW))
		s->set |= CEPHRING_SET_MTIME;
	s->set &= ~(uint32_t)(CEPHRING_SET_ATIME_NOW | CEPHRING_SET_MTIME_NOW);
	s->atime_ns = clamp_time(s->atime_ns);
	s->mtime_ns = clamp_time(s->mtime_ns);
	s->btime_ns = clamp_time(s->btime_ns);
}

/* Only where a quota may rule is it of interest by how much a file grows. */
static bool grows_under_quota(const struct op *op, const struct cephring_setattr *s)
{
	bool unknown;

	return (s->set & CEPHRING_SET_SIZE) && (quota_root(op->m, op->inode, &unknown) || unknown);
}

/* Caps whose fields must be known before it can be judged. */
static uint32_t needs(const struct op *op, const struct cephring_setattr *s)
{
	const struct meta *m = op->m;
	bool root = m->o.no_permissions || op->walk.cred.uid == 0;
	uint32_t need = root ? CAP_PIN : CAP_PIN | perm_caps(m);

	if (grows_under_quota(op, s))
		need |= CAP_FS;
	if ((s->set & CEPHRING_SET_MODE) && m->o.posix_acl)
		need |= CAP_XS;
	return need;
}

static int64_t walked(struct op *op, const struct cephring_setattr *s)
{
	uint32_t known, need;
	int err;

	op->inode = inode_get(op->walk.at);
	err = check_kind(op, s);
	if (err)
		return err;
	known = caps_known(caps_issued(op->inode, ring_now(op->m->ring)) | op->walk.fresh);
	need = needs(op, s);
	return (need & ~known) ? op_getattr(op, need) : 0;
}

static int judge(struct op *op, struct cephring_setattr *s)
{
	struct meta *m = op->m;
	const struct cephring_cred *cred = &op->walk.cred;
	uint32_t gid = (s->set & CEPHRING_SET_GID) ? s->gid : op->inode->a.gid;
	int err = may_setattr(m, op->inode, s, cred);

	if (err)
		return err;
	if ((s->set & CEPHRING_SET_SIZE) && m->map && m->map->max_file_size &&
	    s->size > m->map->max_file_size)
		return -EFBIG;
	/* Nobody makes a program of a group that he is not in. */
	if ((s->set & CEPHRING_SET_MODE) && cred->uid && !m->o.no_permissions && !cred_in_group(cred, gid))
		s->mode &= ~(uint32_t)S_ISGID;
	set_clock(s, ring_wall(m->ring));
	return 0;
}

static int64_t within_quota(struct op *op, const struct cephring_setattr *s)
{
	uint64_t have = op->inode->a.size;

	if (!(s->set & CEPHRING_SET_SIZE) || s->size <= have)
		return 0;
	return quota_step(op, op->inode, s->size - have, 0);
}

/* chmod of an inode with an ACL: what the mode says the list must say too. */
static int64_t list_follows(struct op *op, const struct cephring_setattr *s)
{
	struct slice old, new;
	uint8_t *copy;
	int64_t res;

	if (!(s->set & CEPHRING_SET_MODE) || !op->m->o.posix_acl ||
	    !xattr_map_find(inode_xattrs(op->inode), ACL_ACCESS, &old))
		return 0;
	copy = mem_alloc(old.len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, old.p, old.len);
	new = (struct slice){ copy, old.len };
	res = acl_chmod(copy, old.len, s->mode) ? -EIO : 0;
	if (!res && memcmp(copy, old.p, old.len))
		res = xattr_change(op, ACL_ACCESS, &new, 0);
	mem_free(copy, old.len);
	return res;
}

static int64_t setattr_step(struct op *op, int64_t res)
{
	struct cephring_setattr *s = &op->u.setattr.set;

	while (!res || op->at == SET_WALK) {
		switch (op->at) {
		case SET_WALK:
			res = walk_step(op, res);
			if (res)
				return res;
			op->at = SET_KNOWN;
			res = walked(op, s);
			break;
		case SET_KNOWN:
			op->at = SET_JUDGED;
			res = judge(op, s);
			break;
		case SET_JUDGED: /* entered again for each quota that is to be looked up */
			res = within_quota(op, s);
			op->at = res ? SET_JUDGED : SET_ALLOWED;
			break;
		case SET_ALLOWED:
			op->at = SET_CHANGED;
			res = setattr_change(op, s);
			break;
		case SET_CHANGED:
			op->at = SET_LISTED;
			res = list_follows(op, s);
			break;
		default:
			return 0;
		}
	}
	return res;
}

static void setattr_end(struct op *op, int64_t res)
{
	struct file *f = (struct file *)op->u.setattr.set.file;

	(void)res;
	if (f)
		__atomic_sub_fetch(&f->busy, 1, __ATOMIC_RELEASE);
}

const struct op_family op_setattr_family = { .name = "setattr", .step = setattr_step, .end = setattr_end };
