/* caps_update.c: the one place that decides what to tell the MDSs about an inode, and when (doc/protocol.md
 * 7.7; ceph_check_caps in the other clients).
 *
 * One message (UPDATE) says everything: what is held, what is wanted, how far writing wants to go, what was
 * changed. It is sent when there is a reason, and then says all that is so:
 *
 *   reason                                                            when
 *   a  writing needs a larger max_size than was asked for             now; authority only
 *   b  the size came near max_size and can be reported                now; authority only
 *   c  something is dirty and is to be flushed                        UPDATE_FLUSH; now if its bits were lost
 *                                                                     (STALE); authority only
 *   d  bits are being taken back and not used (any more), or a        now; what is dirty of them goes along
 *      REVOKE asks for bits that were given back already
 *   e  something is wanted that is neither granted nor known to be    now; caps_update_later() for files that
 *      wanted                                                         are only opened
 *   f  bits are held, or known to be wanted, that are not wanted      UPDATE_NOW (caps_keep.c: a while after
 * the file was closed)
 *
 * What is given back in part (d) must not be taken for the whole: an MDS that hears the seq of a REVOKE
 * strikes that REVOKE out, and what the message says is still held it may forget when it has sent more since.
 * So as long as something is left, the seq before the oldest such REVOKE is named; the whole is confirmed by
 * the newest.
 *
 * Before it, cap snaps: what belongs to a snapshot comes before what came after it. Who holds the bits that
 * are taken back (the data side) is asked to let go of them.
 *
 * While a session is not open nothing is told to it: caps_kick_session() comes back.
 */
#include "caps_impl.h"
#include "deleg.h"

#include <stddef.h>

/* ---- what is wanted, used, and worth keeping ---- */

uint32_t caps_used(const struct inode *i)
{
	static const uint32_t bit[REF_COUNT] = { CAP_FR, CAP_FC, CAP_FW, CAP_FB, CAP_FX };
	uint32_t used = 0;

	for (unsigned n = 0; i->use && n < REF_COUNT; n++)
		used |= i->use->refs[n] ? bit[n] : 0;
	return used | deleg_pins(i);
}

static uint32_t mode_wants(unsigned mode)
{
	uint32_t want = CAP_PIN;

	if (mode & OPEN_RD)
		want |= CAP_FS | CAP_FR | CAP_FC;
	if (mode & OPEN_WR)
		want |= CAP_AS | CAP_AX | CAP_XS | CAP_XX | CAP_FX | CAP_FW | CAP_FB;
	if (mode & OPEN_LAZY)
		want |= CAP_FL;
	return want;
}

static uint32_t dir_wants(const struct inode *i)
{
	uint32_t want = inode_is_open(i) ? CAP_PIN | CAP_ANY_SHARED : 0;

	if (i->use && i->use->written_until_ns)
		want |= CAP_PIN | CAP_ANY_SHARED | CAP_FX | i->use->dir_ops;
	return want;
}

uint32_t caps_file_wanted(const struct inode *i)
{
	uint32_t want = 0;

	if (!i->use)
		return 0;
	if (inode_is_dir(i))
		return dir_wants(i);
	for (unsigned n = 0; n < 8; n++)
		if (i->use->opens[n])
			want |= mode_wants(n);
	return want;
}

uint32_t caps_wanted(const struct inode *i)
{
	const struct cap_wait *w;
	uint32_t want;

	if (!i->use)
		return 0;
	want = caps_file_wanted(i) | caps_used(i);
	TAILQ_FOREACH(w, &i->use->waiters, link)
	want |= w->need | w->want;
	/* With dirty data at stake the size is ours to know. */
	if ((want & CAP_FB) && !inode_is_dir(i))
		want |= CAP_FX;
	return want;
}

/* What a merely cached inode keeps: what may be read; of a file that had a writer no more than its
 * attributes, because the MDS counts on Fr and Fc only of readers then. */
uint32_t caps_retain(const struct meta *m, const struct inode *i)
{
	uint32_t keep = CAP_PIN | caps_wanted(i);

	if (m->stopping || !i->a.nlink)
		return keep;
	if (caps_file_wanted(i))
		return keep | CAP_ANY;
	keep |= CAP_ANY_SHARED;
	if (i->dir && i->dir->complete)
		keep |= CAP_FX;
	if (!i->max_size)
		keep |= CAP_ANY_RD;
	return keep;
}

/* ---- one cap ---- */

struct view {
	uint32_t used, wanted, retain, dirty;
};

static struct view look(const struct meta *m, const struct cap *c, int how)
{
	const struct inode *i = c->inode;
	const struct inode_use *u = i->use;
	const struct cap *auth = cap_auth(i);
	struct view v = { .used = caps_used(i), .wanted = caps_wanted(i), .dirty = u ? u->dirty : 0 };

	v.retain = (how & UPDATE_NOW) ? caps_retain(m, i) : ~0u;
	if (!c->auth) { /* what the authority grants too is used by its leave */
		v.used &= ~(auth ? auth->issued : 0);
		v.dirty = 0;
	}
	return v;
}

static bool wants_size(const struct cap *c)
{
	const struct inode_use *u = c->inode->use;

	return c->auth && (c->issued & CAP_FW) && u && u->wanted_max_size > c->inode->max_size &&
	       u->wanted_max_size > u->requested_max_size;
}

/* The MDS moves max_size on by what it hears of the size. */
static bool reports_size(const struct cap *c)
{
	const struct inode *i = c->inode;
	const struct inode_use *u = i->use;

	if (!c->auth || !(c->issued & CAP_FW) || !u || !(u->dirty & CAP_FW) || (u->flushing & CAP_FW))
		return false;
	return i->a.size >= i->max_size ||
	       (i->max_size > u->reported_size && 2 * i->a.size >= i->max_size + u->reported_size);
}

/* Wishes go to the authority; to whoever we have where it is not known. */
static bool hears_wishes(const struct cap *c)
{
	return c->auth || (!cap_auth(c->inode) && c == c->inode->caps);
}

static bool has_reason(const struct cap *c, const struct view *v, int how)
{
	uint32_t revoking = c->implemented & ~c->issued;
	bool valid = c->gen == c->session->cap_gen;

	if ((revoking & ~v->used) || (c->owes && !(revoking & v->used)))
		return true;
	if (wants_size(c) || reports_size(c) || ((how & UPDATE_FLUSH) && v->dirty) || (v->dirty & ~c->issued))
		return true;
	if (hears_wishes(c) && (v->wanted & ~(c->mds_wanted | (valid ? c->issued : 0))))
		return true;
	return (how & UPDATE_NOW) && ((c->issued & ~v->retain) || (c->mds_wanted & ~v->wanted));
}

/* It was told: from now on only that much is held. */
static void told(struct meta *m, struct cap *c, const struct view *v, uint32_t held)
{
	struct inode *i = c->inode;
	struct inode_use *u = i->use;
	uint32_t before = c->issued;

	c->owes = c->owes && (c->implemented & ~c->issued & v->used);
	c->issued &= v->retain;
	c->implemented = held;
	c->mds_wanted = v->wanted;
	if (u && c->auth) {
		u->requested_max_size = (v->wanted & CAP_ANY_FILE_WR) ? u->wanted_max_size : 0;
		u->reported_size = i->a.size;
	}
	if (before != c->issued) {
		caps_fs_changed(i, before, c->issued);
		caps_publish(m, i);
	}
}

static void update_cap(struct meta *m, struct cap *c, int how)
{
	struct inode *i = c->inode;
	struct view v = look(m, c, how);
	struct cap_flush *f = NULL;
	uint32_t held;
	struct cap_say say;

	if (c->session->state != SESS_OPEN || !has_reason(c, &v, how))
		return;
	if (v.dirty) {
		f = flush_begin(m, i->use);
		if (!f) { /* what is dirty must not be given up unsaid */
			caps_update_later(m, i);
			return;
		}
	}
	held = (c->issued & v.retain) | (c->implemented & v.used);
	say = (struct cap_say){ .op = CAPS_UPDATE,
				.caps = held,
				.wanted = v.wanted,
				.flush = f,
				.flags = (how & UPDATE_SYNC) ? CAPS_FLAG_SYNC : 0 };
	if (f && capsnap_unsent(i->use))
		say.flags |= CAPS_FLAG_PENDING_CAPSNAP;
	if (cap_send(m, c, &say))
		told(m, c, &v, held);
	else if (f)
		caps_kick_later(m, i->use);
	else
		caps_update_later(m, i);
}

/* ---- the inode ---- */

/* Bits are being taken back that the data side sits on. On a directory they have another meaning: dirops.c.
 */
static void ask_data(struct meta *m, struct inode *i)
{
	uint32_t going = caps_used(i) & caps_revoking(i);

	if (!m->data || !going || inode_is_dir(i))
		return;
	if (going & CAP_FB)
		m->data->writeback(m->data_arg, i);
	else if (going & CAP_FC)
		m->data->invalidate(m->data_arg, i);
}

/* Flushes can reach their MDS: it knows the inode, and the session is open. */
static bool can_flush(const struct inode *i)
{
	const struct cap *c = cap_auth(i);

	return c && c->session->state == SESS_OPEN && !i->use->creating;
}

/* What cannot be sent now gets its tid all the same, so that it can be waited for. */
static void flush_unsent(struct meta *m, struct inode *i)
{
	if (!can_flush(i) && flush_begin(m, i->use))
		i->use->kick = true;
}

static void update_caps(struct meta *m, struct inode *i, int how)
{
	struct cap *c, *next;

	ask_data(m, i);
	if (i->use && i->use->kick && can_flush(i))
		flush_resend(m, i);
	if (i->use)
		capsnaps_send(m, i);
	for (c = i->caps; c; c = next) {
		next = c->next;
		update_cap(m, c, how);
	}
}

void caps_update(struct meta *m, struct inode *i, int how)
{
	struct inode *used = i->use ? inode_get(i) : NULL; /* who lets go of bits may be its last user */

	if (m->stopping)
		how |= UPDATE_FLUSH | UPDATE_NOW;
	/* An inode that its MDS does not know yet: the answer comes back here. */
	if (!used || !i->use->creating)
		update_caps(m, i, how);
	if ((how & UPDATE_FLUSH) && i->use)
		flush_unsent(m, i);
	inode_put(m, used);
}

/* ---- later: wishes ---- */

static void look_again(struct meta *m, struct inode *i)
{
	caps_update(m, i, 0);
	caps_wake(m, i, 0);
}

static void want_run(struct ring_timer *t)
{
	struct meta *m = (struct meta *)((char *)t - offsetof(struct meta, want_timer));
	struct inode **list = m->want_list;
	uint32_t count = m->want_count;

	m->want_list = NULL; /* who runs may come back here */
	m->want_count = m->want_cap = 0;
	for (uint32_t n = 0; n < count; n++) {
		look_again(m, list[n]);
		inode_put(m, list[n]);
	}
	mem_free(list, 0);
}

static void want_add(struct meta *m, struct inode *i, uint64_t at_ns)
{
	uint32_t room = m->want_cap ? m->want_cap * 2 : 64;
	struct inode **list;

	if (m->want_count == m->want_cap) {
		list = mem_realloc(m->want_list, room * sizeof *list);
		if (!list)
			return;
		m->want_list = list;
		m->want_cap = room;
	}
	m->want_list[m->want_count++] = inode_get(i);
	if (m->want_timer.slot && m->want_timer.at_ns <= at_ns)
		return;
	if (m->want_timer.slot)
		ring_timer_clear(m->ring, &m->want_timer);
	m->want_timer.fn = want_run;
	ring_timer_set(m->ring, &m->want_timer, at_ns);
}

void caps_update_now(struct meta *m, struct inode *i)
{
	want_add(m, i, ring_now(m->ring));
}

void caps_update_later(struct meta *m, struct inode *i)
{
	for (uint32_t n = m->want_count; n-- > 0 && n + 8 > m->want_count;)
		if (m->want_list[n] == i)
			return;
	want_add(m, i, ring_now(m->ring) + CAPS_WANT_DELAY_MS * 1000000ull);
}

void caps_kick_later(struct meta *m, struct inode_use *u)
{
	u->kick = true;
	caps_update_later(m, u->inode);
}
