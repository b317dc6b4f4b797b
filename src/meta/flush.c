/* flush.c: see flush.h.
 *
 * A flush is made by flush_begin() and lives until its acknowledgement. That it could not be sent (no memory,
 * no session at the moment) is no state of its own: caps_update() sends all of the inode again, and an MDS
 * that hears a tid twice acknowledges it twice.
 *
 *   arrives             effect
 *   FLUSH_ACK(tid)      that flush is done, and every older one of which all bits went again with it: the MDS
 *                       need not answer these in order (what changes nothing is answered before what must be
 *                       written to the journal)
 *   FLUSHSNAP_ACK       capsnap.c
 *   IMPORT, ACTIVE      all again, oldest first, with the tids that they have
 *   session lost        all is lost: logged, and the inode's error
 */
#include "caps_impl.h"

#include <errno.h>
#include <string.h>

uint32_t caps_dirty(const struct inode *i)
{
	return i->use ? i->use->dirty | i->use->flushing : 0;
}

/* ---- the mount's list ---- */

static bool is_behind(const struct inode_use *u)
{
	return u->dirty || u->flushing || u->refs[REF_FB] || !TAILQ_EMPTY(&u->capsnaps);
}

void flush_track(struct meta *m, struct inode_use *u)
{
	bool behind = is_behind(u), writes = u->dirty || u->flushing || u->refs[REF_FB] || u->refs[REF_FW];
	const struct snapctx *now;

	if (behind && !u->in_dirty)
		TAILQ_INSERT_TAIL(&m->dirty, u, dirty_link);
	else if (!behind && u->in_dirty)
		TAILQ_REMOVE(&m->dirty, u, dirty_link);
	u->in_dirty = behind;
	if (writes && !u->head_snapc) {
		now = realm_context(u->inode);
		u->head_snapc = now ? snapctx_get((struct snapctx *)now) : NULL;
	} else if (!writes && u->head_snapc) {
		snapctx_put(u->head_snapc);
		u->head_snapc = NULL;
	}
}

bool flush_quiet(const struct meta *m)
{
	return TAILQ_EMPTY(&m->dirty);
}

uint64_t flush_oldest_tid(const struct meta *m)
{
	const struct cap_flush *f = TAILQ_FIRST(&m->flushes);

	return f ? f->tid : 0;
}

bool flush_done(const struct meta *m, const struct inode *i, uint64_t tid)
{
	const struct cap_flush *f;

	if (i)
		f = i->use ? TAILQ_FIRST(&i->use->flushes) : NULL;
	else
		f = TAILQ_FIRST(&m->flushes);
	return !f || f->tid > tid;
}

static uint64_t newest_tid(const struct inode *i)
{
	const struct cap_flush *f = i->use ? TAILQ_LAST(&i->use->flushes, cap_flushes) : NULL;

	return f ? f->tid : 0;
}

static bool matters(uint32_t bits, bool grew)
{
	return grew || (bits & ~(uint32_t)CAP_FW);
}

static bool use_grew(const struct inode_use *u)
{
	return (u->dirty & CAP_FW) && u->inode->a.size != u->clean_size;
}

uint64_t flush_newest_that_matters(const struct inode *i)
{
	const struct cap_flush *f;

	if (!i->use)
		return 0;
	TAILQ_FOREACH_REVERSE(f, &i->use->flushes, cap_flushes, link)
	if (f->snap || matters(f->bits, f->grew))
		return f->tid;
	return 0;
}

bool flush_matters(const struct inode *i)
{
	return flush_newest_that_matters(i) || (i->use && matters(i->use->dirty, use_grew(i->use)));
}

/* ---- dirty ---- */

int caps_mark_dirty(struct meta *m, struct inode *i, uint32_t bits, uint32_t uid, uint32_t gid)
{
	struct inode_use *u = inode_use(m, i);

	if (!u)
		return -ENOMEM;
	if (!(u->dirty & CAP_FW))
		u->clean_size = i->a.size;
	u->dirty |= bits;
	u->dirty_uid = uid;
	u->dirty_gid = gid;
	flush_track(m, u);
	caps_unwanted_later(m, u);
	return 0;
}

uint64_t caps_flush(struct meta *m, struct inode *i, bool sync)
{
	if (caps_dirty(i))
		caps_update(m, i, UPDATE_FLUSH | (sync ? UPDATE_SYNC : 0));
	return newest_tid(i);
}

uint64_t caps_flush_all(struct meta *m, bool sync)
{
	struct inode_use *u = TAILQ_FIRST(&m->dirty), *next;
	uint64_t tid;

	for (; u; u = next) {
		next = TAILQ_NEXT(u, dirty_link);
		/* One message that asks for the journal makes it hold all before. */
		caps_update(m, u->inode, UPDATE_FLUSH | (sync && !next ? UPDATE_SYNC : 0));
	}
	tid = TAILQ_EMPTY(&m->flushes) ? 0 : TAILQ_LAST(&m->flushes, cap_flushes)->tid;
	return tid;
}

/* ---- flushing ---- */

struct cap_flush *flush_begin(struct meta *m, struct inode_use *u)
{
	struct cap_flush *f = u->dirty ? slab_get(&m->flushes_slab) : NULL;

	if (!f)
		return NULL;
	f->inode = u->inode;
	f->bits = u->dirty;
	f->grew = use_grew(u);
	u->flushing |= u->dirty;
	u->dirty = 0;
	flush_number(m, u, f);
	m->stats.flushes++;
	return f;
}

void flush_number(struct meta *m, struct inode_use *u, struct cap_flush *f)
{
	f->tid = ++m->last_flush_tid;
	TAILQ_INSERT_TAIL(&u->flushes, f, link);
	TAILQ_INSERT_TAIL(&m->flushes, f, in_all);
}

void flush_unlink(struct meta *m, struct inode_use *u, struct cap_flush *f)
{
	TAILQ_REMOVE(&u->flushes, f, link);
	TAILQ_REMOVE(&m->flushes, f, in_all);
}

static void flush_end(struct meta *m, struct inode_use *u, struct cap_flush *f)
{
	flush_unlink(m, u, f);
	slab_put(&m->flushes_slab, f);
}

static void count_flushing(struct inode_use *u)
{
	const struct cap_flush *f;

	u->flushing = 0;
	TAILQ_FOREACH(f, &u->flushes, link)
	if (!f->snap)
		u->flushing |= f->bits;
}

void flush_handle_ack(struct meta *m, struct session *s, struct inode *i, const struct caps_msg *g)
{
	struct inode_use *u = i->use;
	struct cap_flush *f = u ? TAILQ_FIRST(&u->flushes) : NULL, *next;
	uint32_t bits;

	while (f && (f->tid != g->tid || f->snap))
		f = TAILQ_NEXT(f, link);
	if (!f) {
		log_emit(m->log, LOG_DEBUG, "mds.%d: acknowledges flush %llu of inode %llx once more",
			 s->rank, (unsigned long long)g->tid, (unsigned long long)i->key.ino);
		return;
	}
	m->stats.flush_acks++;
	bits = f->bits;
	for (f = TAILQ_FIRST(&u->flushes); f && f->tid <= g->tid; f = next) {
		next = TAILQ_NEXT(f, link);
		if (!f->snap && !(f->bits & ~bits))
			flush_end(m, u, f);
	}
	count_flushing(u);
	flush_settled(m, i);
}

void flush_settled(struct meta *m, struct inode *i)
{
	flush_track(m, i->use);
	syncs_kick(m);
	caps_update(m, i, 0); /* a size that could not be reported while Fw was being flushed */
	inode_use_settle(m, i);
}

/* ---- again ---- */

void flush_resend(struct meta *m, struct inode *i)
{
	struct inode_use *u = i->use;
	const struct cap *c = cap_auth(i);
	const struct cap_flush *f;
	uint64_t last_snap = 0;
	struct cap_say say;

	u->kick = false;
	TAILQ_FOREACH(f, &u->flushes, link)
	if (f->snap)
		last_snap = f->tid;
	TAILQ_FOREACH(f, &u->flushes, link)
	{
		say = (struct cap_say){ .op = CAPS_FLUSH,
					.caps = c->issued | c->implemented,
					.wanted = caps_wanted(i),
					.flush = f,
					.flags = f->tid < last_snap ? CAPS_FLAG_PENDING_CAPSNAP : 0 };
		if (f->snap ? !capsnap_send(m, c, f->snap) : !cap_send(m, c, &say)) {
			caps_kick_later(m, u);
			return;
		}
	}
}

/* ---- the end ---- */

static void drop_all(struct meta *m, struct inode_use *u)
{
	struct cap_flush *f;

	while (!TAILQ_EMPTY(&u->capsnaps))
		capsnap_free(m, u, TAILQ_FIRST(&u->capsnaps));
	while ((f = TAILQ_FIRST(&u->flushes)) != NULL)
		flush_end(m, u, f);
	u->dirty = u->flushing = 0;
	u->kick = false;
	flush_track(m, u);
}

void flush_lost(struct meta *m, struct inode *i, int err)
{
	struct inode_use *u = i->use;
	const struct dentry *d = LIST_FIRST(&i->aliases);
	char bits[CAP_TEXT_MAX];
	bool snap;

	if (u && u->refs[REF_FB] && m->data && m->data->lost) {
		m->data->lost(m->data_arg, i, err);
		u = i->use;
	}
	if (!u || (!caps_dirty(i) && TAILQ_EMPTY(&u->capsnaps)))
		return;
	snap = !TAILQ_EMPTY(&u->capsnaps);
	log_fail(m->log, err, "inode %llx (%s): changes that no MDS acknowledged are lost: %s%s",
		 (unsigned long long)i->key.ino, d ? d->key.name : "no name", cap_text(caps_dirty(i), bits),
		 snap ? ", and what belongs to a snapshot" : "");
	inode_set_error(m, i, err);
	drop_all(m, u);
	merge_forget(m, i);
	syncs_kick(m);
	inode_use_settle(m, i);
}

void flush_drop_all(struct meta *m, struct inode_use *u)
{
	memset(u->refs, 0, sizeof u->refs); /* who held them is gone */
	drop_all(m, u);
}
