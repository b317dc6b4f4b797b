/* caps_wait.c: who reads and writes holds the bits that he needs meanwhile (ceph_get_caps in the other
 * clients).
 *
 *   caps_get --> refused: not open in that mode, read-only, beyond the largest size, fenced, an earlier loss
 *           \--> held: every bit of `need` is issued (not merely implemented: what is being revoked admits
 *            \         nobody), max_size reaches `end`, and no write of an older snap context is in flight
 *             \-> waits: the MDS is told what is wanted; a GRANT, the end of a revoke, of a cap snap or of a
 *                 failover tries all waiters again, in order
 *
 *   max_size      what the MDS allows        wanted_max_size   where writing wants to go
 *   reported_size what it knows of the size  requested_max_size   what it was asked for; 0 again whenever the
 *                                            one who was asked is not in charge any more
 *
 * A cap that was lost with its session is asked for by an OPEN: wishes need a cap that they are told about.
 */
#include "caps_impl.h"

#include <errno.h>
#include <fcntl.h>

/* ---- references ---- */

static int ref_of(uint32_t bit)
{
	switch (bit) {
	case CAP_FR:
		return REF_FR;
	case CAP_FC:
		return REF_FC;
	case CAP_FW:
		return REF_FW;
	case CAP_FB:
		return REF_FB;
	default:
		return REF_FX;
	}
}

enum { COUNTED = CAP_FR | CAP_FC | CAP_FW | CAP_FB | CAP_FX };

void caps_ref(struct meta *m, struct inode *i, uint32_t bits)
{
	for (bits &= COUNTED; bits; bits &= bits - 1)
		i->use->refs[ref_of(bits & -bits)]++;
	flush_track(m, i->use);
}

/* The bits whose last reference went. */
static uint32_t unref(struct inode_use *u, uint32_t bits)
{
	uint32_t gone = 0;

	for (bits &= COUNTED; bits; bits &= bits - 1)
		if (!--u->refs[ref_of(bits & -bits)])
			gone |= bits & -bits;
	return gone;
}

void caps_put(struct meta *m, struct inode *i, uint32_t got)
{
	struct inode_use *u = i->use;
	uint32_t gone = unref(u, got);

	if (!gone)
		return;
	inode_get(i);
	flush_track(m, u);
	if (gone & CAP_FB)
		syncs_kick(m);
	if ((gone & CAP_FW) && capsnap_writing(u))
		capsnap_writes_ended(m, i);
	if ((gone & (CAP_FW | CAP_FB)) || (gone & caps_revoking(i)) || m->stopping)
		caps_update(m, i, 0);
	if (i->use && !TAILQ_EMPTY(&i->use->waiters))
		caps_wake(m, i, 0);
	if (m->stopping)
		meta_check_stopped(m);
	inode_use_settle(m, i);
	inode_put(m, i);
}

/* ---- may it be had? ---- */

static int refuse(const struct meta *m, const struct inode *i, const struct cap_wait *w)
{
	const uint32_t writes = CAP_FW | CAP_FB | CAP_FX;
	const struct cap *auth = cap_auth(i);

	if (m->stopping || m->fs_gone)
		return -ESHUTDOWN;
	if (!inode_is_dir(i) && (w->need & ~caps_file_wanted(i)))
		return -EBADF;
	if (!(w->need & writes))
		return 0;
	if (m->fenced || (i->use && i->use->error))
		return -EIO;
	if (auth && auth->session->read_only)
		return -EROFS;
	return m->map && m->map->max_file_size && w->end > m->map->max_file_size ? -EFBIG : 0;
}

/* Bits that can be had now, or 0. What is wanted beyond the need counts while it is being revoked: as long as
 * data is still being written back under it, nobody may pass it by. */
static uint32_t available(const struct meta *m, const struct inode *i, const struct cap_wait *w)
{
	uint32_t have = caps_issued(i, ring_now(m->ring));

	if ((have & w->need) != w->need)
		return 0;
	if (caps_revoking(i) & w->want & ~(have & w->need))
		return 0;
	if ((w->need & CAP_FW) && (w->end > i->max_size || (i->use && capsnap_writing(i->use))))
		return 0;
	return w->need | (have & w->want);
}

/* 0: taken; 1: not now; a negative errno: never. */
static int try(struct meta *m, struct cap_wait *w)
{
	struct inode *i = w->inode;
	int err = refuse(m, i, w);
	uint32_t got = err ? 0 : available(m, i, w);

	if (err)
		return err;
	if (!got)
		return 1;
	if (!inode_use(m, i))
		return -ENOMEM;
	caps_ref(m, i, got);
	w->got = got & COUNTED;
	return 0;
}

int caps_try(struct meta *m, struct inode *i, uint32_t need)
{
	struct cap_wait w = { .inode = i, .need = need };
	int err = i->use && !TAILQ_EMPTY(&i->use->waiters) ? 1 : try(m, &w);

	return err == 1 ? -EAGAIN : err;
}

/* ---- a lost cap ---- */

/* Nobody who could grant it knows of us. */
static bool is_lost(const struct inode *i, uint32_t need)
{
	return !i->caps || ((need & CAP_ANY_FILE_WR) && !cap_auth(i));
}

static void renewed(struct mreq *r, int result, const struct reply *rep)
{
	struct inode *i = r->arg;
	struct meta *m = r->m;

	(void)rep;
	caps_wake(m, i, result); /* still `renewing`: nobody asks once more from inside */
	i->use->renewing = NULL;
	if (is_lost(i, 0)) /* not refused, and nothing granted: it would be so again */
		caps_wake(m, i, -EIO);
	inode_use_settle(m, i);
	inode_put(m, i);
}

static int renew(struct meta *m, struct inode *i)
{
	uint32_t wanted = caps_file_wanted(i);
	struct mreq *r;

	if (i->use->renewing)
		return 0;
	r = mreq_new(m, MDS_OP_OPEN, i, NULL, 0);
	if (!r)
		return -EAGAIN;
	args_open(r->args,
		  open_flags_to_wire(!(wanted & CAP_FW)  ? O_RDONLY
				     : (wanted & CAP_FR) ? O_RDWR
							 : O_WRONLY),
		  0, CAP_PIN, NULL, 0);
	r->need_auth = true;
	r->done = renewed;
	r->arg = inode_get(i);
	i->use->renewing = r;
	mreq_submit(r);
	return 0;
}

/* ---- waiting ---- */

/* What it waits for is asked for, unless that was done. */
static int ask(struct meta *m, const struct cap_wait *w)
{
	struct inode *i = w->inode;

	if (is_lost(i, w->need))
		return renew(m, i);
	if (w->end > i->max_size)
		caps_want_size(m, i, w->end);
	else
		caps_update(m, i, 0);
	return 0;
}

static void wait(struct meta *m, struct cap_wait *w)
{
	w->waiting = true;
	inode_get(w->inode);
	TAILQ_INSERT_TAIL(&w->inode->use->waiters, w, link);
	m->stats.cap_waits++;
}

static void unwait(struct meta *m, struct cap_wait *w)
{
	struct inode_use *u = w->inode->use;

	if (u->wake_at == w)
		u->wake_at = TAILQ_NEXT(w, link);
	TAILQ_REMOVE(&u->waiters, w, link);
	w->waiting = false;
}

int caps_get(struct meta *m, struct cap_wait *w)
{
	int err = try(m, w);

	if (err != 1)
		return err;
	if (!inode_use(m, w->inode))
		return -ENOMEM;
	wait(m, w);
	err = ask(m, w);
	if (err) {
		caps_get_cancel(m, w);
		return err;
	}
	return 1;
}

void caps_get_cancel(struct meta *m, struct cap_wait *w)
{
	struct inode *i = w->inode;

	if (!w->waiting)
		return;
	unwait(m, w);
	inode_use_settle(m, i);
	inode_put(m, i);
}

/* One pass over the waiters. Each may end others, or come again, from inside its `fn`. */
static void wake_all(struct meta *m, struct inode *i, int err)
{
	struct inode_use *u = i->use;
	struct cap_wait *w;
	int res;

	u->wake_at = TAILQ_FIRST(&u->waiters);
	while ((w = u->wake_at) != NULL) {
		u->wake_at = TAILQ_NEXT(w, link);
		res = err ? err : try(m, w);
		if (res == 1 && !i->use->renewing)
			res = ask(m, w) ? -EAGAIN : 1;
		if (res == 1)
			continue;
		unwait(m, w);
		w->fn(w, res);
		inode_put(m, i);
	}
}

void caps_wake(struct meta *m, struct inode *i, int err)
{
	struct inode_use *u = i->use;

	if (!u || TAILQ_EMPTY(&u->waiters))
		return;
	u->wake_again = true;
	if (u->waking)
		return;
	inode_get(i);
	u->waking = true;
	while (u->wake_again) {
		u->wake_again = false;
		wake_all(m, i, err);
	}
	u->waking = false;
	inode_use_settle(m, i);
	inode_put(m, i);
}

/* ---- max_size ---- */

void caps_want_size(struct meta *m, struct inode *i, uint64_t end)
{
	struct inode_use *u = inode_use(m, i);

	if (u && end > i->max_size && end > u->wanted_max_size)
		u->wanted_max_size = end;
	caps_update(m, i, 0);
}
