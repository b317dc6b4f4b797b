/* walk_batch.c: lookups for all components ahead, sent at once.
 *
 * Which levels are asked. Every reply carries its directory's inode besides its target's, so two neighbouring levels are told
 * by one reply; only the binding of the upper one is missing. It follows when we hold Fs on the directory above it: nothing
 * can have changed there without our leave, so the name that the MDS passed through stands for the directory it names
 * (infer()). Hence every second level is asked, from the last one down; where Fs turns out not to be held, the missing level is
 * asked afterwards. Only with one active MDS: then all that matters arrives on one connection, in the order of its truth.
 */
#include "meta.h"
#include "walk_impl.h"

#include <errno.h>
#include <string.h>

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

void walk_batch_orphan(struct walk *w)
{
	struct walk_batch *b = w->batch;

	w->batch = NULL;
	b->op = NULL;
	if (!b->pending)
		batch_free(b);
}

/* ---- inference ---- */

/* The name cannot have changed since `s` told it, without `s` telling us so on the same connection. */
static bool held_by(struct meta *m, const struct dentry *d, const struct session *s, uint64_t now)
{
	const struct inode *dir = d->key.dir;

	if (!d->inode || !dentry_valid(m, d, now))
		return false;
	return (d->shared_gen == dir->dir->shared_gen && (caps_issued_by(dir, s, now) & CAP_FS)) || d->lease_rank == s->rank;
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
	d = dentry_link(m, at, b->path + l[k - 1].off, l[k - 1].len, dir);
	if (!d)
		return;
	d->shared_gen = at->dir->shared_gen;
	m->stats.walk_inferred++;
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

static int ask_level(struct op *op, struct walk_batch *b, uint32_t k)
{
	struct meta *m = op->m;
	struct walk_level *l = &b->level[k];
	struct mreq *r = mreq_new(m, MDS_OP_LOOKUP, b->base, b->path, l->off + l->len);

	if (!r)
		return -EAGAIN;
	args_getattr(r->args, l->mask);
	r->want_dentry = true;
	r->hash_name_len = b->level[0].len;
	r->done = level_done;
	r->arg = b;
	r->arg2 = k;
	l->asked = true;
	b->pending++;
	m->stats.walk_lookups++;
	if (mreq_set_cred(r, &op->walk.cred)) {
		l->asked = false;
		b->pending--;
		mreq_abandon(r);
		return -ENOMEM;
	}
	mreq_submit(r);
	return 0;
}

/* Names up to the first that the MDS does not take (`.`, `..`, `.snap`) or the bound. Only the last of the walk is asked with the
 * operation's mask; the others need what passing through them needs. */
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
		if (!len || b->count == WALK_BATCH_MAX || walk_name_is_dot(name, len) || (len == 5 && !memcmp(name, ".snap", 5)))
			break;
		if (used + len + 1 > BATCH_PATH_INLINE && b->path == b->inline_path) {
			b->path = mem_alloc(WALK_BATCH_MAX * (WALK_NAME_MAX + 1));
			if (!b->path)
				return -ENOMEM;
			memcpy(b->path, b->inline_path, used);
		}
		if (used)
			b->path[used++] = '/';
		memcpy(b->path + used, name, len);
		b->level[b->count++] = (struct walk_level){ .src = name, .off = used, .len = len, .mask = CAP_PIN | CAP_AS };
		used += len;
		end = name + len;
	}
	if (!len)
		b->level[b->count - 1].mask |= w->mask;
	return 0;
}

int walk_batch_send(struct op *op, const char *rest)
{
	struct meta *m = op->m;
	struct walk *w = &op->walk;
	struct walk_batch *b = slab_get(&m->batches);
	uint64_t now = ring_now(m->ring);
	bool skip, whole_first;
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
	skip = !w->restarts && m->map && one_rank(m) && (caps_issued(w->at, now) & CAP_FS);
	whole_first = walk_free_pass(m, w) && b->count > 1;
	if (whole_first)
		err = ask_level(op, b, b->count - 1);
	for (uint32_t k = 0; k < b->count && !err; k++) {
		if (b->level[k].asked || (skip && ((b->count - 1 - k) & 1)))
			continue;
		err = ask_level(op, b, k);
	}
	return b->pending ? 0 : err;
}

/* ---- deciding ---- */

bool walk_batch_waits(const struct walk *w)
{
	const struct walk_batch *b = w->batch;
	const struct walk_level *l = &b->level[b->pos];

	if (l->asked)
		return !l->arrived;
	return b->pos + 1 < b->count && l[1].asked && !l[1].arrived;
}

int64_t walk_batch_decide(struct op *op, struct inode **next)
{
	struct walk *w = &op->walk;
	struct walk_batch *b = w->batch;
	struct walk_level *l = &b->level[b->pos];
	bool first = b->pos == 0;

	if (!l->arrived)
		return 0;
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
	if (l->result && (first || l->result == -ENOMEM || l->result == -ECANCELED || l->result == -ESHUTDOWN || l->result == -ETIMEDOUT))
		return l->result;
	/* A free pass may believe the whole path's ENOENT; a link in the middle would have said ENOTDIR. */
	if (l->result == -ENOENT && walk_free_pass(op->m, w) && b->pos == b->count - 1)
		return -ENOENT;
	return 0;
}

void walk_batch_jump(struct walk *w)
{
	struct walk_batch *b = w->batch;
	struct walk_level *l = &b->level[b->count - 1];

	if (b->pos >= b->count - 1 || !l->arrived)
		return;
	if (l->result == -ENOENT && !l->dir) { /* something on the way is missing: decided as the last component is */
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
}
