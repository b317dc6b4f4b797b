/* lock.c: advisory locks on open files, byte ranges (fcntl) and whole files (flock).
 *
 *   SETFILELOCK --0--> held: noted here --unlock, last close--> SETFILELOCK(unlock)
 *        |--(-EAGAIN)--> refused
 *        '--(wait)--cancel, deadline--> an interrupt is sent; should the lock have been granted all the same,
 * it is unlocked as soon as the answer says so
 *
 * The MDS judges; what is held is noted for three reasons: it is told again to a daemon that takes over,
 * nothing need be sent to unlock what is not locked, and the inode's cap must not be given up meanwhile. A
 * session that is lost loses its locks: every operation on them fails with -EIO until the program has
 * unlocked all it believes to hold on that file.
 */
#include "meta.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { LOCKS_MAX = 65536 /* of one file */ };

struct held {
	struct filelock *at; /* owned */
	uint32_t count, room;
};

struct lock_list {
	struct held fcntl, flock;
	bool lost;
};

static struct held *held_of(struct lock_list *l, uint8_t rule)
{
	return rule == FILELOCK_FCNTL ? &l->fcntl : &l->flock;
}

static uint64_t end_of(const struct filelock *l)
{
	return l->length ? l->start + l->length : UINT64_MAX;
}

static bool same_owner(const struct filelock *a, const struct filelock *b)
{
	return a->owner == b->owner;
}

static bool overlaps(const struct filelock *a, const struct filelock *b)
{
	return a->start < end_of(b) && b->start < end_of(a);
}

static int held_add(struct held *h, const struct filelock *l)
{
	if (h->count == h->room) {
		uint32_t room = h->room ? h->room * 2 : 4;
		struct filelock *at;

		if (h->count >= LOCKS_MAX)
			return -ENOLCK;
		at = mem_realloc(h->at, room * sizeof *at);
		if (!at)
			return -ENOMEM;
		h->at = at;
		h->room = room;
	}
	h->at[h->count++] = *l;
	return 0;
}

/* Takes the range of `l` out of what its owner holds; what sticks out at both sides stays. */
static int held_cut(struct held *h, const struct filelock *l)
{
	for (uint32_t n = 0; n < h->count;) {
		struct filelock was = h->at[n], left = was, right = was;
		int err;

		if (!same_owner(&was, l) || !overlaps(&was, l)) {
			n++;
			continue;
		}
		h->at[n] = h->at[--h->count];
		if (was.start < l->start) {
			left.length = l->start - was.start;
			err = held_add(h, &left);
			if (err)
				return err;
		}
		if (end_of(&was) > end_of(l)) {
			right.start = end_of(l);
			right.length = was.length ? end_of(&was) - right.start : 0;
			err = held_add(h, &right);
			if (err)
				return err;
		}
		n = 0; /* the last one moved into the gap, and the rests do not overlap any more */
	}
	return 0;
}

static bool held_any(const struct held *h, const struct filelock *l)
{
	for (uint32_t n = 0; n < h->count; n++)
		if (same_owner(&h->at[n], l) && overlaps(&h->at[n], l))
			return true;
	return false;
}

static void list_free(struct meta *m, struct inode *i)
{
	struct lock_list *l = i->use->locks;

	mem_free(l->fcntl.at, 0);
	mem_free(l->flock.at, 0);
	mem_free(l, sizeof *l);
	i->use->locks = NULL;
	inode_use_settle(m, i);
}

static void list_settle(struct meta *m, struct inode *i)
{
	struct lock_list *l = i->use ? i->use->locks : NULL;

	if (l && !l->fcntl.count && !l->flock.count)
		list_free(m, i);
}

/* The MDS granted it. */
static int note(struct meta *m, struct inode *i, uint8_t rule, const struct filelock *l)
{
	struct inode_use *u = inode_use(m, i);
	int err;

	if (!u)
		return -ENOMEM;
	if (!u->locks) {
		u->locks = mem_alloc(sizeof *u->locks);
		if (!u->locks) {
			inode_use_settle(m, i);
			return -ENOMEM;
		}
	}
	err = held_cut(held_of(u->locks, rule), l);
	if (!err && l->type != FILELOCK_UNLOCK)
		err = held_add(held_of(u->locks, rule), l);
	list_settle(m, i);
	return err;
}

bool locks_held(const struct inode *i)
{
	return i->use && i->use->locks;
}

static int copy(const struct held *h, struct filelock **out, uint32_t *count)
{
	*count = h->count;
	*out = NULL;
	if (!h->count)
		return 0;
	*out = mem_alloc(h->count * sizeof **out);
	if (!*out)
		return -ENOMEM;
	memcpy(*out, h->at, h->count * sizeof **out);
	return 0;
}

int locks_list(const struct inode *i, struct filelock **fcntl, uint32_t *fcntl_count, struct filelock **flock,
	       uint32_t *flock_count)
{
	static const struct lock_list none;
	const struct lock_list *l = locks_held(i) ? i->use->locks : &none;
	int err = copy(&l->fcntl, fcntl, fcntl_count);

	*flock = NULL;
	*flock_count = 0;
	return err ? err : copy(&l->flock, flock, flock_count);
}

void locks_lost(struct meta *m, struct inode *i)
{
	if (!locks_held(i) || i->use->locks->lost)
		return;
	i->use->locks->lost = true;
	log_fail(m->log, -EIO, "inode %llx: its locks are lost with the session",
		 (unsigned long long)i->key.ino);
}

/* ---- requests ---- */

static struct mreq *lock_request(struct meta *m, struct inode *i, uint32_t what, uint8_t rule,
				 const struct filelock *l, bool wait, const struct cephring_cred *cred)
{
	struct mreq *r = mreq_new(m, what, i, NULL, 0);

	if (!r)
		return NULL;
	args_filelock(r->args, rule, l, wait);
	r->need_auth = true;
	if (mreq_set_cred(r, cred)) {
		mreq_abandon(r);
		return NULL;
	}
	return r;
}

/* Without anybody who waits: its failure is logged. */
static void unlock_done(struct mreq *r, int result, const struct reply *rep)
{
	(void)rep;
	if (result && result != -ESHUTDOWN)
		log_fail(r->m->log, result, "inode %llx: unlocking failed",
			 (unsigned long long)(r->base ? r->base->key.ino : 0));
}

static void unlock(struct meta *m, struct inode *i, uint8_t rule, const struct filelock *l,
		   const struct cephring_cred *cred)
{
	struct filelock u = *l;
	struct mreq *r;

	u.type = FILELOCK_UNLOCK;
	r = lock_request(m, i, MDS_OP_SETFILELOCK, rule, &u, false, cred);
	if (!r) {
		log_fail(m->log, -ENOMEM, "inode %llx: a lock could not be given back",
			 (unsigned long long)i->key.ino);
		return;
	}
	r->done = unlock_done;
	mreq_submit(r);
}

void locks_drop(struct meta *m, struct inode *i)
{
	struct lock_list *l = locks_held(i) ? i->use->locks : NULL;

	if (!l)
		return;
	for (uint32_t n = 0; n < l->fcntl.count && !l->lost && !m->stopping; n++)
		unlock(m, i, FILELOCK_FCNTL, &l->fcntl.at[n], &m->o.cred);
	for (uint32_t n = 0; n < l->flock.count && !l->lost && !m->stopping; n++)
		unlock(m, i, FILELOCK_FLOCK, &l->flock.at[n], &m->o.cred);
	list_free(m, i);
}

/* ---- setlk, flock ---- */

static struct filelock wire_lock(const struct cephring_lock *l)
{
	return (struct filelock){ .start = l->start,
				  .length = l->length,
				  .owner = l->owner | FILELOCK_OWNER_ALONE,
				  .pid = (uint64_t)(uint32_t)l->pid,
				  .type = l->type == F_RDLCK   ? FILELOCK_SHARED
					  : l->type == F_WRLCK ? FILELOCK_EXCL
							       : FILELOCK_UNLOCK };
}

static void set_done(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;
	struct filelock l = wire_lock(&op->u.lock.lock);

	(void)rep;
	op->u.lock.req = NULL;
	if (!result)
		result = note(op->m, op->u.lock.file->inode, op->u.lock.rule, &l);
	op_resume(op, result);
}

/* The operation ended before its answer: a lock that was granted meanwhile belongs to nobody. */
struct late {
	struct filelock lock;
	uint8_t rule;
};

static void set_late(struct mreq *r, int result, const struct reply *rep)
{
	struct late *late = r->arg;

	(void)rep;
	if (!result)
		unlock(r->m, r->base, late->rule, &late->lock, &r->m->o.cred);
	mem_free(late, sizeof *late);
}

static int64_t setlk_step(struct op *op, int64_t res)
{
	struct inode *i = op->u.lock.file->inode;
	struct filelock l = wire_lock(&op->u.lock.lock);
	struct mreq *r;

	if (res || op->at)
		return res;
	if (i->key.snapid != SNAP_HEAD)
		return -EROFS;
	if (l.type == FILELOCK_UNLOCK &&
	    (!locks_held(i) || !held_any(held_of(i->use->locks, op->u.lock.rule), &l)))
		return 0;
	if (locks_held(i) && i->use->locks->lost)
		return l.type == FILELOCK_UNLOCK ? note(op->m, i, op->u.lock.rule, &l) : -EIO;
	r = lock_request(op->m, i, MDS_OP_SETFILELOCK, op->u.lock.rule, &l, op->u.lock.wait,
			 &op->u.lock.file->cred);
	if (!r)
		return -EAGAIN;
	op->at = 1;
	op->sent = true;
	op->u.lock.req = r;
	r->arg = op;
	r->done = set_done;
	mreq_submit(r);
	return OP_PENDING;
}

/* Ended early: nobody may go on waiting for it in the MDS. */
static void interrupt(struct op *op)
{
	struct meta *m = op->m;
	struct mreq *r = op->u.lock.req, *intr;
	struct filelock l = wire_lock(&op->u.lock.lock);
	struct late *late = r->attempts && !m->stopping ? mem_alloc(sizeof *late) : NULL;

	op->u.lock.req = NULL;
	if (!late) { /* never asked for; or all locks go with the mount */
		mreq_abandon(r);
		return;
	}
	late->lock = l;
	late->rule = op->u.lock.rule;
	r->done = set_late;
	r->arg = late;
	if (!op->u.lock.wait)
		return;
	l.type = FILELOCK_UNLOCK;
	intr = lock_request(m, op->u.lock.file->inode, MDS_OP_SETFILELOCK,
			    op->u.lock.rule == FILELOCK_FCNTL ? FILELOCK_FCNTL_INTR : FILELOCK_FLOCK_INTR, &l,
			    false, &op->u.lock.file->cred);
	if (!intr) {
		log_fail(m->log, -ENOMEM, "inode %llx: a waiting lock could not be interrupted",
			 (unsigned long long)op->u.lock.file->inode->key.ino);
		return;
	}
	intr->done = unlock_done;
	mreq_submit(intr);
}

static void lock_end(struct op *op, int64_t res)
{
	(void)res;
	if (op->u.lock.req)
		interrupt(op);
	__atomic_sub_fetch(&op->u.lock.file->busy, 1, __ATOMIC_RELEASE);
}

const struct op_family op_setlk_family = { .name = "setlk", .step = setlk_step, .end = lock_end };

/* ---- getlk ---- */

static void get_done(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;
	struct cephring_lock *out = op->u.lock.out;
	struct filelock l;
	struct dec d;

	op->req = NULL;
	if (!result) {
		d = dec_init(rep->extra.p, rep->extra.len);
		if (filelock_decode(&d, &l))
			result = -EBADMSG;
	}
	if (!result && l.type == FILELOCK_UNLOCK)
		out->type = F_UNLCK;
	else if (!result)
		*out = (struct cephring_lock){ .type = l.type == FILELOCK_SHARED ? F_RDLCK : F_WRLCK,
					       .pid = (int32_t)l.pid,
					       .start = l.start,
					       .length = l.length,
					       .owner = l.owner & ~FILELOCK_OWNER_ALONE };
	op_resume(op, result);
}

static int64_t getlk_step(struct op *op, int64_t res)
{
	struct filelock l = wire_lock(&op->u.lock.lock);
	struct mreq *r;

	if (res || op->at++)
		return res;
	if (op->u.lock.file->inode->key.snapid != SNAP_HEAD)
		return -EROFS;
	if (l.type == FILELOCK_UNLOCK)
		return -EINVAL;
	r = lock_request(op->m, op->u.lock.file->inode, MDS_OP_GETFILELOCK, op->u.lock.rule, &l, false,
			 &op->u.lock.file->cred);
	if (r)
		r->done = get_done;
	return op_request(op, r);
}

const struct op_family op_getlk_family = { .name = "getlk", .step = getlk_step, .end = lock_end };
