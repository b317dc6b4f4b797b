/* walk_batch.c: lookups for all components ahead, sent at once.
 *
 * Which levels are asked. Every reply carries its directory's inode besides its target's, so two neighbouring
 * levels are told by one reply; only the binding of the upper one is missing. It follows when we hold Fs on
 * the directory above it: nothing can have changed there without our leave, so the name that the MDS passed
 * through stands for the directory it names (infer()). Hence every second level is asked, from the last one
 * down; where Fs turns out not to be held, the missing level is asked afterwards. Only with one active MDS:
 * then all that matters arrives on one connection, in the order of its truth.
 *
 * Where the middle cannot matter to the caller, the whole path is asked alone first and ends the walk. The
 * levels in between are then asked a moment later, for the cache only (fill_run): sent together they would
 * keep the MDS busy before the answer that somebody waits for has left it.
 */
#include "meta.h"
#include "walk_impl.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { FILL_DELAY_US = 1000, FILLS_MAX = 256 };

static void batch_free(struct walk_batch *b)
{
	struct meta *m = b->m;

	for (uint32_t k = 0; k < b->count; k++) {
		inode_put(m, b->level[k].dir);
		inode_put(m, b->level[k].target);
	}
	inode_put(m, b->base);
	if (b->path != b->inline_path)
		mem_free(b->path, 0);
	slab_put(&m->batches, b);
}

static bool fill_later(struct walk_batch *b, const struct walk *w);

void walk_batch_orphan(struct walk *w)
{
	struct walk_batch *b = w->batch;

	w->batch = NULL;
	b->op = NULL;
	if (!b->pending && !(b->jumped && fill_later(b, w)))
		batch_free(b);
}

/* ---- inference ---- */

/* The name cannot have changed since `s` told it, without `s` telling us so on the same connection. */
static bool held_by(struct meta *m, const struct dentry *d, const struct session *s, uint64_t now)
{
	const struct inode *dir = d->key.dir;

	if (!d->inode || !dentry_valid(m, d, now))
		return false;
	return (d->shared_gen == dir->dir->shared_gen && (caps_issued_by(dir, s, now) & CAP_FS)) ||
	       d->lease_rank == s->rank;
}

/* Reply k came from `s` and names its directory: bind level k-1, which was not asked, to it. */
static void infer(struct walk_batch *b, uint32_t k, const struct session *s)
{
	struct meta *m = b->m;
	uint64_t now = ring_now(m->ring);
	struct inode *at = b->base, *dir = b->level[k].dir;
	struct walk_level *l = b->level;
	struct dentry *d;

	for (uint32_t j = 0; j + 1 < k; j++) {
		d = at->dir ? dentry_find(&m->cache, at, b->path + l[j].off, l[j].len) : NULL;
		if (!d || !held_by(m, d, s, now))
			return;
		at = d->inode;
	}
	if (!inode_is_dir(at) || !at->dir || !(caps_issued_by(at, s, now) & CAP_FS))
		return;
	d = dentry_find(&m->cache, at, b->path + l[k - 1].off, l[k - 1].len);
	if (d && dentry_valid(m, d, now))
		return;
	cache_write_begin(&m->cache);
	d = dentry_link(m, at, b->path + l[k - 1].off, l[k - 1].len, dir);
	if (d) {
		PUB_SET(d->shared_gen, at->dir->shared_gen);
		m->stats.walk_inferred++;
	}
	cache_write_end(&m->cache);
}

static void level_done(struct mreq *r, int result, const struct reply *rep)
{
	struct walk_batch *b = r->arg;
	struct walk_level *l = &b->level[r->arg2];
	struct op *op = b->op;

	b->pending--;
	l->arrived = true;
	l->result = result;
	if (rep && r->dir) {
		l->dir = inode_get(r->dir);
		l->confirmed = rep->dname.len == l->len && !memcmp(rep->dname.p, b->path + l->off, l->len);
	}
	if (r->target)
		l->target = inode_get(r->target);
	if (l->dir && l->confirmed && r->arg2 && !b->level[r->arg2 - 1].asked)
		infer(b, r->arg2, r->from);
	if (op)
		op_resume(op, 0);
	else if (!b->pending)
		batch_free(b);
}

/* ---- asking ---- */

static bool one_rank(const struct meta *m)
{
	int active = 0;

	for (uint32_t r = 0; r < m->map->rank_count; r++)
		active += m->map->rank[r].present && m->map->rank[r].state == MDS_STATE_ACTIVE;
	return active == 1;
}

static bool snapped(const struct walk_batch *b)
{
	return b->base->key.snapid != SNAP_HEAD;
}

static int ask_level(struct walk_batch *b, uint32_t k, const struct cephring_cred *cred)
{
	struct meta *m = b->m;
	struct walk_level *l = &b->level[k];
	uint32_t op = b->base->key.snapid == SNAP_DIR && !k ? MDS_OP_LOOKUPSNAP : MDS_OP_LOOKUP;
	struct mreq *r = mreq_new(m, op, b->base, b->path, l->off + l->len);

	if (!r)
		return -EAGAIN;
	args_getattr(r->args, l->mask);
	r->want_dentry = !snapped(b);
	r->hash_name_len = snapped(b) ? 0 : b->level[0].len;
	r->done = level_done;
	r->arg = b;
	r->arg2 = k;
	l->asked = true;
	b->pending++;
	m->stats.walk_lookups++;
	if (mreq_set_cred(r, cred)) {
		l->asked = false;
		b->pending--;
		mreq_abandon(r);
		return -ENOMEM;
	}
	mreq_submit(r);
	return 0;
}

/* Names up to the first that the MDS does not take (`.`, `..`, `.snap`) or the bound. Only the last of the
 * walk is asked with the operation's mask; the others need what passing through them needs. */
static int collect(struct op *op, struct walk_batch *b, const char *rest)
{
	struct walk *w = &op->walk;
	const char *name = NULL, *end = rest;
	size_t used = 0;
	uint32_t len;
	bool slash;

	b->path = b->inline_path;
	for (;;) {
		len = walk_name(end, &name, &slash);
		if (!len || b->count == WALK_BATCH_MAX || walk_name_is_dot(name, len) ||
		    walk_name_is_snapdir(name, len))
			break;
		if (w->to_parent && name[len + strspn(name + len, "/")] == '\0')
			break; /* the last name is the operation's */
		if (used + len + 1 > BATCH_PATH_INLINE && b->path == b->inline_path) {
			b->path = mem_alloc(WALK_BATCH_MAX * (WALK_NAME_MAX + 1));
			if (!b->path)
				return -ENOMEM;
			memcpy(b->path, b->inline_path, used);
		}
		if (used)
			b->path[used++] = '/';
		memcpy(b->path + used, name, len);
		b->level[b->count++] = (struct walk_level){
			.src = name, .off = used, .len = len, .mask = CAP_PIN | perm_caps(b->m)
		};
		used += len;
		end = name + len;
	}
	if (!len || w->to_parent)
		b->level[b->count - 1].mask |= w->mask;
	return 0;
}

/* Every level, or every second one where the bindings in between can be inferred. */
static int ask_levels(struct walk_batch *b, bool skip, const struct cephring_cred *cred)
{
	int err = 0;

	for (uint32_t k = 0; k < b->count && !err; k++)
		if (!b->level[k].asked && !(skip && ((b->count - 1 - k) & 1)))
			err = ask_level(b, k, cred);
	return err;
}

static bool may_skip(const struct walk_batch *b)
{
	return !snapped(b) && b->m->map && one_rank(b->m) &&
	       (caps_issued(b->base, ring_now(b->m->ring)) & CAP_FS);
}

int walk_batch_send(struct op *op, const char *rest)
{
	struct meta *m = op->m;
	struct walk *w = &op->walk;
	struct walk_batch *b = slab_get(&m->batches);
	int err;

	if (!b)
		return -EAGAIN;
	b->m = m;
	b->op = op;
	b->base = inode_get(w->at);
	b->path = b->inline_path;
	w->batch = b;
	w->sent = true;
	err = collect(op, b, rest);
	if (err)
		return err; /* walk_end() lets go of it */
	/* Where names keep moving: one at a time. */
	if (w->restarts > WALK_RESTARTS_MAX / 2 && b->count > 1)
		b->count = 1;
	if (walk_free_pass(m, w) && b->count > 1 && !w->restarts && !w->by_level && !snapped(b))
		err = ask_level(b, b->count - 1, &w->cred);
	else
		err = ask_levels(b, !w->restarts && may_skip(b), &w->cred);
	return b->pending ? 0 : err;
}

/* ---- filling the cache behind a walk that has ended ---- */

static void fill_run(struct ring_timer *t)
{
	struct meta *m = (struct meta *)((char *)t - offsetof(struct meta, fill_timer));
	struct walk_batch *b;

	while ((b = m->fills) != NULL) {
		m->fills = b->next_fill;
		m->fill_count--;
		/* Groups are not kept that long: at worst a key restricted by group is refused, and the cache
		 * stays cold. */
		if (!m->stopping)
			ask_levels(b, may_skip(b), &b->fill_cred);
		if (!b->pending)
			batch_free(b);
	}
}

static bool fill_later(struct walk_batch *b, const struct walk *w)
{
	struct meta *m = b->m;

	if (b->count < 3 && may_skip(b))
		return false; /* what its one reply did not tell, it lets infer */
	if (m->stopping || m->fill_count >= FILLS_MAX)
		return false;
	b->fill_cred = (struct cephring_cred){ .uid = w->cred.uid, .gid = w->cred.gid };
	b->next_fill = m->fills;
	m->fills = b;
	m->fill_count++;
	if (!m->fill_timer.slot) {
		m->fill_timer.fn = fill_run;
		ring_timer_set(m->ring, &m->fill_timer, ring_now(m->ring) + FILL_DELAY_US * 1000ull);
	}
	return true;
}

void walk_fills_drop(struct meta *m)
{
	struct walk_batch *b;

	while ((b = m->fills) != NULL) {
		m->fills = b->next_fill;
		m->fill_count--;
		batch_free(b);
	}
}

/* The whole path did not tell (a link in the middle, a race): ask for the levels. */
static int ask_rest(struct walk_batch *b, const struct walk *w)
{
	int err = ask_levels(b, may_skip(b), &w->cred);

	return b->pending ? 0 : err;
}

/* ---- deciding ---- */

bool walk_batch_waits(const struct walk *w)
{
	struct walk_batch *b = w->batch;
	const struct walk_level *l = &b->level[b->pos], *end = &b->level[b->count - 1];

	if (!l->asked && end->asked && !end->arrived)
		return true; /* the whole path comes first */
	if (!l->asked && !b->rest_asked && walk_free_pass(b->m, w) && !w->by_level) {
		b->rest_asked = true;
		if (!ask_rest(b, w) && b->pending)
			return true;
	}

	if (l->asked)
		return !l->arrived;
	return b->pos + 1 < b->count && l[1].asked && !l[1].arrived;
}

/* Replies about snapshots tell the target only. That is enough: what lies in one does not change, so a level
 * belongs to the one before if it is of the same snapshot. */
static int64_t decide_snapped(struct op *op, const struct walk_level *l, struct inode **next)
{
	struct inode *at = op->walk.at, *i = l->result ? NULL : l->target;

	if (l->result && (l->result != -ENOENT || at->key.snapid == SNAP_DIR))
		return l->result;
	if (!l->result && !i)
		return -ENOENT;
	/* Its snapshot is gone, and another has got the name. */
	if (i && (at->key.snapid == SNAP_DIR ? i->key.snapid >= SNAP_HEAD : i->key.snapid != at->key.snapid))
		return -ESTALE;
	if (!snap_name_link(op->m, at, op->walk.batch->path + l->off, l->len, i))
		return -ENOMEM;
	*next = i;
	op->walk.fresh = i ? l->mask : 0;
	return i ? 1 : -ENOENT;
}

int64_t walk_batch_decide(struct op *op, struct inode **next)
{
	struct walk *w = &op->walk;
	struct walk_batch *b = w->batch;
	struct walk_level *l = &b->level[b->pos];
	bool first = b->pos == 0;

	if (!l->arrived)
		return 0;
	if (snapped(b))
		return decide_snapped(op, l, next);
	/* It counts only if it continues what was decided before: else a rename got in between. */
	if (l->confirmed && l->dir == w->at) {
		if (l->result == 0 && l->target) {
			*next = l->target;
			w->fresh = l->mask;
			return 1;
		}
		if (l->result == 0 || l->result == -ENOENT)
			return -ENOENT;
	}
	if (l->result && (first || l->result == -ENOMEM || l->result == -ECANCELED ||
			  l->result == -ESHUTDOWN || l->result == -ETIMEDOUT))
		return l->result;
	/* A free pass may believe the whole path's ENOENT; a link in the middle would have said ENOTDIR. */
	if (l->result == -ENOENT && walk_free_pass(op->m, w) && !w->by_level && b->pos == b->count - 1)
		return -ENOENT;
	return 0;
}

void walk_batch_jump(struct walk *w)
{
	struct walk_batch *b = w->batch;
	struct walk_level *l = &b->level[b->count - 1];

	if (b->pos >= b->count - 1 || !l->arrived || snapped(b))
		return;
	if (l->result == -ENOENT &&
	    !l->dir) { /* something on the way is missing: decided as the last component is */
		walk_move(b->m, w, b->base);
		b->pos = b->count - 1;
		w->rest = l->src;
		return;
	}
	if (!l->confirmed || !l->dir || (l->result && l->result != -ENOENT))
		return;
	walk_move(b->m, w, l->dir);
	b->pos = b->count - 1;
	w->rest = l->src;
	b->jumped = true;
}
