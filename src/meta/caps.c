/* caps.c: see caps.h: what is held, and how a cap comes and goes. */
#include "caps_impl.h"
#include "deleg.h"

#include <errno.h>

/* ---- questions ---- */

static bool counts(const struct cap *c, uint64_t now_ns)
{
	return session_caps_valid(c->session, c->gen, now_ns);
}

uint32_t caps_revoking(const struct inode *i)
{
	const struct cap *c = cap_auth(i);

	return c ? c->implemented & ~c->issued : 0;
}

uint32_t caps_issued(const struct inode *i, uint64_t now_ns)
{
	uint32_t bits = 0;

	if (i->key.snapid != SNAP_HEAD)
		return snap_issued(i, now_ns);
	for (const struct cap *c = i->caps; c; c = c->next)
		if (counts(c, now_ns))
			bits |= c->issued;
	/* What the authority takes back counts no more, whoever else granted it. */
	return i->caps && i->caps->next ? bits & ~caps_revoking(i) : bits;
}

uint32_t caps_issued_by(const struct inode *i, const struct session *s, uint64_t now_ns)
{
	const struct cap *c = cap_find(i, s);

	return c && counts(c, now_ns) ? c->issued : 0;
}

bool caps_any(const struct inode *i, uint64_t now_ns)
{
	return caps_issued(i, now_ns) != 0;
}

uint32_t caps_held(const struct inode *i)
{
	uint32_t bits = caps_dirty(i);

	for (const struct cap *c = i->caps; c; c = c->next)
		if (c->gen == c->session->cap_gen)
			bits |= c->issued | c->implemented;
	return bits;
}

struct cap *cap_find(const struct inode *i, const struct session *s)
{
	struct cap *c = i->caps;

	while (c && c->session != s)
		c = c->next;
	return c;
}

struct cap *cap_auth(const struct inode *i)
{
	struct cap *c = i->caps;

	while (c && !c->auth)
		c = c->next;
	return c;
}

/* ---- making and removing ---- */

struct cap *cap_make(struct meta *m, struct session *s, struct inode *i)
{
	struct cap *c = cap_find(i, s);

	if (c)
		return c;
	c = slab_get(&m->caps);
	if (!c)
		return NULL;
	c->inode = i;
	c->session = s;
	c->next = i->caps;
	i->caps = c;
	TAILQ_INSERT_TAIL(&s->caps, c, by_session);
	s->cap_count++;
	m->cache.bytes += sizeof *c;
	return c;
}

void caps_fs_changed(struct inode *i, uint32_t before, uint32_t after)
{
	if (i->dir && !(after & CAP_DIR_CREATE))
		i->dir->knows_layout = false; /* others may lay out what they make here in another way */
	if (!i->dir || !((before ^ after) & CAP_FS))
		return;
	if (after & CAP_FS) /* newly gained, older knowledge does not count any more */
		PUB_SET(i->dir->shared_gen, i->dir->shared_gen + 1);
	dir_incomplete(i);
}

void cap_unlink(struct meta *m, struct cap *c, bool release)
{
	struct inode *i = c->inode;
	struct cap **p = &i->caps;

	caps_fs_changed(i, c->issued, 0);
	if (release)
		session_queue_release(c->session, c);
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	TAILQ_REMOVE(&c->session->caps, c, by_session);
	c->session->cap_count--;
	m->cache.bytes -= sizeof *c;
	slab_put(&m->caps, c);
	caps_publish(m, i);
}

void cap_remove(struct meta *m, struct cap *c, bool release)
{
	struct inode *i = c->inode;
	bool auth = c->auth;

	cap_unlink(m, c, release);
	if (!i->use)
		return;
	deleg_recall(m, i, ~caps_held(i));
	if (auth)
		flush_lost(m, i, -EIO);
	if (i->use && !TAILQ_EMPTY(&i->use->waiters) && !m->stopping) /* they ask elsewhere */
		caps_update_later(m, i);
}

void caps_remove_all(struct meta *m, struct inode *i, bool release)
{
	while (i->caps)
		cap_remove(m, i->caps, release);
}

void cap_take_auth(struct cap *winner)
{
	for (struct cap *c = winner->inode->caps; c; c = c->next)
		c->auth = c == winner;
}

void cap_note_loss(struct cap *c, uint32_t seq)
{
	if (!(c->implemented & ~c->issued))
		c->low_seq = seq - 1;
}

uint32_t cap_seq(const struct cap *c, uint32_t caps)
{
	return (caps & ~c->issued) ? c->low_seq : c->seq;
}

void cap_refresh_gen(struct cap *c)
{
	if (c->gen == c->session->cap_gen)
		return;
	caps_fs_changed(c->inode, c->issued, 0);
	c->issued = c->implemented = CAP_PIN;
	c->gen = c->session->cap_gen;
}

/* ---- granted by a reply ---- */

static void begin_anew(struct cap *c, const struct inode_stat *st)
{
	caps_fs_changed(c->inode, c->issued, 0);
	c->cap_id = st->cap.cap_id;
	c->gen = c->session->cap_gen;
	c->seq = c->issue_seq = c->mseq = 0;
	c->issued = c->implemented = 0;
	c->owes = false;
	c->from_id = 0;
}

bool cap_moved_on(const struct inode *i, const struct session *s, uint64_t cap_id, uint32_t mseq)
{
	const struct cap *auth = cap_auth(i), *here = cap_find(i, s);

	if (here && here->cap_id != cap_id && (int32_t)(here->mseq - mseq) > 0)
		return true; /* it came back already */
	return auth && auth->from_id && auth->from_id == cap_id && auth->from_rank == s->rank;
}

/* A reply that was under way while the cap moved here (EXPORT came, IMPORT did not) tells less than is so. */
static bool is_older(const struct cap *c, const struct inode_stat *st)
{
	return c->seq && (int32_t)(st->cap.seq - c->seq) < 0;
}

/* Those who wait for what just came; and what the MDS believes to be wanted (an OPEN that was cancelled) and
 * is not. */
static void look_again(struct meta *m, const struct cap *c, uint32_t newly)
{
	struct inode *i = c->inode;
	struct inode_use *u = i->use;

	if (c->owes || (newly && u && !TAILQ_EMPTY(&u->waiters)))
		caps_update_later(m, i);
	if (!(c->mds_wanted & ~caps_wanted(i)))
		return;
	u = inode_use(m, i);
	if (u)
		caps_keep(m, u);
}

int cap_from_reply(struct meta *m, struct session *s, struct inode *i, const struct inode_stat *st,
		   uint32_t *newly)
{
	const struct cap *auth = cap_auth(i);
	uint32_t before;
	struct cap *c;

	*newly = 0;
	if (st->snapid != SNAP_HEAD) { /* its other cap fields are garbage (doc/protocol.md 6.2) */
		*newly = snap_grant(i, st);
		return 0;
	}
	if ((!st->cap.caps && !st->cap.cap_id) || cap_moved_on(i, s, st->cap.cap_id, st->cap.mseq))
		return 0;
	c = cap_make(m, s, i);
	if (!c)
		return -ENOMEM;
	if (c->cap_id != st->cap.cap_id) /* another incarnation, or new */
		begin_anew(c, st);
	cap_refresh_gen(c);
	before = c->issued;
	if (is_older(c, st)) {
		c->issued |= st->cap.caps;
	} else {
		cap_note_loss(c, st->cap.seq);
		c->issued = st->cap.caps;
		c->seq = c->issue_seq = st->cap.seq;
		c->mseq = st->cap.mseq;
	}
	c->implemented |= c->issued;
	c->mds_wanted = st->cap.wanted;
	if ((st->cap.flags & 1) && (!auth || auth == c || (int32_t)(c->mseq - auth->mseq) > 0))
		cap_take_auth(c);
	if (st->cap.flags & 1)
		realm_set(m, i, st->cap.realm);
	*newly = c->issued & ~before;
	caps_fs_changed(i, before, c->issued);
	caps_publish(m, i);
	look_again(m, c, *newly);
	return 0;
}

/* ---- given up along with a request ---- */

/* An s bit is not worth giving up where the x bit of its group is held. */
static uint32_t spare_shared(uint32_t drop, uint32_t excl)
{
	static const uint32_t pair[][2] = {
		{ CAP_AX, CAP_AS }, { CAP_LX, CAP_LS }, { CAP_XX, CAP_XS }, { CAP_FX, CAP_FS }
	};

	for (unsigned n = 0; n < sizeof pair / sizeof *pair; n++)
		if (excl & pair[n][0])
			drop &= ~pair[n][1];
	return drop;
}

bool cap_drop(struct meta *m, struct inode *i, struct session *s, uint32_t drop, uint32_t unless,
	      struct mds_release *out)
{
	struct cap *c = cap_find(i, s);
	uint32_t before;

	if (!c || !counts(c, ring_now(m->ring)))
		return false;
	drop = spare_shared(drop & ~(caps_used(i) | caps_dirty(i)), unless & c->issued) & ~CAP_PIN;
	if (!(drop & c->issued))
		return false;
	before = c->issued;
	c->issued &= ~drop;
	c->implemented &= ~drop;
	c->mds_wanted = caps_wanted(i);
	if (i->use && c->auth && !(c->mds_wanted & CAP_ANY_FILE_WR))
		i->use->requested_max_size = 0;
	*out = (struct mds_release){ .ino = i->key.ino,
				     .cap_id = c->cap_id,
				     .caps = c->implemented,
				     .wanted = c->mds_wanted,
				     .seq = cap_seq(c, c->implemented),
				     .issue_seq = c->issue_seq,
				     .mseq = c->mseq };
	caps_fs_changed(i, before, c->issued);
	caps_publish(m, i);
	return true;
}
