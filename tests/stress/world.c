/* world.c: see world.h. */
#include "stress.h"
#include "../unit/meta_bed.h"
#include "world.h"

#include <time.h>

enum {
	ALL = CAP_STAT_ALL,
	INO_TOP = 10,
	INO_MOVER = 20,
	INO_LINK = 30,
	INO_FILE = 100,
	STEPS_A_TURN = 16,
	CACHE_BYTES = 24 << 10, /* less than all of it takes: something is always being given up */
};

struct world {
	struct bed *bed;
	struct session *s;
	struct model model;
	struct inode *dir[DIRS]; /* refs */
	uint64_t seed, stamp, next_ino, steps;
	uint32_t seq;
	enum world_fault fault;
};

uint64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- the model ---- */

uint64_t top_ino(unsigned top)
{
	return INO_TOP + top;
}

void model_apply(struct model *m, const struct version *v)
{
	for (unsigned n = 0; n < v->cells; n++)
		m->cell[v->cell[n].dir][v->cell[n].name] = v->cell[n].is;
	if (v->mover < MOVERS)
		m->parent[v->mover] = v->parent;
}

static struct answer told(struct cell c)
{
	return c.ino ? (struct answer){ c.ino, c.stamp } : (struct answer){ 0, 0 };
}

struct answer model_ask(const struct model *m, const struct query *q)
{
	const struct answer none = { 0, 0 };
	unsigned in = m->parent[q->mover];

	switch ((enum query_kind)q->kind) {
	case ASK_FILE:
		return told(m->cell[q->top][q->name]);
	case ASK_DEEP:
		return in == q->top ? told(m->cell[TOPS + q->mover][q->name]) : none;
	case ASK_ASIDE:
		return in == q->top ? told(m->cell[q->top][q->name]) : none;
	case ASK_AT:
		return told(m->cell[TOPS + q->mover][q->name]);
	case ASK_PARENT:
		return (struct answer){ top_ino(in), 0 };
	case ASK_LINK:
		return in == 0 ? told(m->cell[TOPS + q->mover][0]) : none;
	default:
		return (struct answer){ m->cell[q->top][q->name].ino, 0 };
	}
}

/* ---- what the MDS tells ---- */

static unsigned roll(struct world *w, unsigned n)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return (unsigned)(w->seed >> 16) % n;
}

static struct inode *tell_dir(struct world *w, uint64_t ino)
{
	return bed_inode(w->bed, w->s, ino, true, ALL, ++w->seq);
}

static struct inode *tell_file(struct world *w, struct cell c)
{
	struct inode_stat st = bed_stat(c.ino, false, ALL, ++w->seq);
	struct inode *i;

	st.size = c.stamp;
	st.uid = (uint32_t)c.stamp * 7;
	i = trace_inode(&w->bed->m, w->s, &st);
	cr_assert_not_null(i);
	return i;
}

static void name_of(char *to, char letter, unsigned n)
{
	to[0] = letter;
	to[1] = (char)('0' + n);
	to[2] = '\0';
}

static void tell_name(struct world *w, unsigned dir, unsigned name)
{
	struct cell c = w->model.cell[dir][name];
	char text[3];

	name_of(text, 'n', name);
	cache_write_begin(&w->bed->m.cache);
	bed_name(w->bed, w->s, w->dir[dir], text, c.ino ? tell_file(w, c) : NULL, 0);
	cache_write_end(&w->bed->m.cache);
}

static void tell_mover(struct world *w, unsigned mover)
{
	char text[3];

	name_of(text, 'm', mover);
	tell_dir(w, INO_MOVER + mover);
	bed_name(w->bed, w->s, w->dir[w->model.parent[mover]], text, w->dir[TOPS + mover], 0);
}

static void tell_link(struct world *w, unsigned n)
{
	struct inode_stat st = bed_stat(INO_LINK + n, false, ALL, ++w->seq);
	char text[3], target[] = "t0/m0/n0";

	name_of(text, 's', n);
	target[4] = (char)('0' + n);
	st.mode = 0120777;
	st.symlink = (struct slice){ (const uint8_t *)target, sizeof target - 1 };
	bed_name(w->bed, w->s, w->bed->m.root, text, trace_inode(&w->bed->m, w->s, &st), 0);
}

/* As a listing does: every name, and then it is known that there is no other. */
static void tell_all(struct world *w, unsigned dir)
{
	struct meta *m = &w->bed->m;

	for (unsigned n = 0; n < NAMES; n++)
		tell_name(w, dir, n);
	for (unsigned y = 0; y < MOVERS; y++)
		if (w->model.parent[y] == dir)
			tell_mover(w, y);
	cache_write_begin(&m->cache);
	PUB_SET(w->dir[dir]->dir->complete, true);
	cache_write_end(&m->cache);
}

static void tell_root(struct world *w)
{
	struct meta *m = &w->bed->m;
	struct inode *root = tell_dir(w, 1);
	char text[3];

	if (!m->root)
		m->root = inode_get(root);
	for (unsigned x = 0; x < TOPS; x++) {
		name_of(text, 't', x);
		bed_name(w->bed, w->s, m->root, text, tell_dir(w, top_ino(x)), 0);
	}
	for (unsigned y = 0; y < MOVERS; y++)
		tell_link(w, y);
}

static void take_back(struct world *w, struct inode *i, uint32_t left)
{
	struct caps_msg msg = { .op = CAPS_REVOKE,
				.ino = i->key.ino,
				.cap_id = i->key.ino * 10,
				.seq = ++w->seq,
				.mseq = 1,
				.caps = left,
				.mode = i->a.mode,
				.uid = i->a.uid,
				.gid = i->a.gid,
				.nlink = 1 };

	caps_handle(&w->bed->m, w->s, &msg);
}

/* ---- changes ---- */

static void begin(struct world *w, struct version *v)
{
	(void)w;
	*v = (struct version){ .mover = MOVERS, .from_ns = clock_now() };
}

/* What was stored is there for everybody before the time is taken. */
static void end(struct world *w, struct version *v)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	v->to_ns = clock_now();
	model_apply(&w->model, v);
}

static void becomes(struct version *v, unsigned dir, unsigned name, struct cell is)
{
	v->cell[v->cells].dir = (uint8_t)dir;
	v->cell[v->cells].name = (uint8_t)name;
	v->cell[v->cells++].is = is;
}

static struct dentry *cached_name(struct world *w, unsigned dir, const char *text)
{
	return dentry_find(&w->bed->m.cache, w->dir[dir], text, 2);
}

/* Ours: the name moves, over whatever was there. */
static void move_file(struct world *w, struct version *v)
{
	unsigned d1 = roll(w, DIRS), n1 = roll(w, NAMES), d2 = roll(w, DIRS), n2 = roll(w, NAMES);
	struct cell c = w->model.cell[d1][n1];
	char old[3], new[3];
	struct dentry *d;

	name_of(old, 'n', n1);
	name_of(new, 'n', n2);
	begin(w, v);
	if (c.ino && (d1 != d2 || n1 != n2)) {
		becomes(v, d2, n2, c);
		becomes(v, d1, n1, (struct cell){ 0, 0 });
		cache_write_begin(&w->bed->m.cache);
		bed_name(w->bed, w->s, w->dir[d2], new, tell_file(w, c), 0);
		d = cached_name(w, d1, old);
		if (d)
			dentry_remove(&w->bed->m, d);
		cache_write_end(&w->bed->m.cache);
	}
	end(w, v);
}

static void move_dir(struct world *w, struct version *v)
{
	unsigned mover = roll(w, MOVERS), was = w->model.parent[mover], top = roll(w, TOPS);
	struct dentry *d;
	char text[3];

	name_of(text, 'm', mover);
	begin(w, v);
	v->mover = (uint8_t)mover;
	v->parent = (uint8_t)top;
	if (top != was) {
		cache_write_begin(&w->bed->m.cache);
		bed_name(w->bed, w->s, w->dir[top], text, w->dir[TOPS + mover], 0);
		d = cached_name(w, was, text);
		if (d)
			dentry_remove(&w->bed->m, d);
		cache_write_end(&w->bed->m.cache);
	}
	end(w, v);
}

/* Ours: a new file, or the name gone (and known to be gone). */
static void make_or_remove(struct world *w, struct version *v)
{
	unsigned dir = roll(w, DIRS), name = roll(w, NAMES);
	struct cell c = roll(w, 3) ? (struct cell){ w->next_ino++, ++w->stamp } : (struct cell){ 0, 0 };
	char text[3];

	name_of(text, 'n', name);
	begin(w, v);
	becomes(v, dir, name, c);
	cache_write_begin(&w->bed->m.cache);
	bed_name(w->bed, w->s, w->dir[dir], text, c.ino ? tell_file(w, c) : NULL, 0);
	cache_write_end(&w->bed->m.cache);
	end(w, v);
}

/* Ours, under exclusive caps. */
static void change_file(struct world *w, struct version *v)
{
	unsigned dir = roll(w, DIRS), name = roll(w, NAMES);
	struct cell c = w->model.cell[dir][name];
	struct inode *i = c.ino ? inode_find(&w->bed->m.cache, c.ino, SNAP_HEAD) : NULL;
	struct attrs a;

	begin(w, v);
	if (i) {
		a = i->a;
		c.stamp = ++w->stamp;
		a.size = c.stamp;
		a.uid = (uint32_t)c.stamp * 7;
		inode_set_attrs(&w->bed->m.cache, i, &a);
		becomes(v, dir, name, c);
	}
	end(w, v);
}

/* Another client's: it gets what it needs first. */
static void changed_elsewhere(struct world *w, struct version *v)
{
	unsigned dir = roll(w, DIRS), name = roll(w, NAMES);
	struct cell c = w->model.cell[dir][name];
	struct inode *i = c.ino ? inode_find(&w->bed->m.cache, c.ino, SNAP_HEAD) : NULL;

	if (i)
		take_back(w, i, CAP_PIN);
	if (i && w->fault == LATE_REVOKE) {
		cache_write_begin(&w->bed->m.cache);
		PUB_SET(i->seen.caps, ALL);
		cache_write_end(&w->bed->m.cache);
	}
	begin(w, v);
	if (c.ino) {
		c.stamp = ++w->stamp;
		becomes(v, dir, name, c);
	}
	end(w, v);
	if (w->fault == LATE_REVOKE)
		for (uint64_t until = clock_now() + 20000; clock_now() < until;)
			;
	if (c.ino)
		tell_file(w, c);
}

static void moved_elsewhere(struct world *w, struct version *v)
{
	unsigned d1 = roll(w, DIRS), n1 = roll(w, NAMES), d2 = roll(w, DIRS), n2 = roll(w, NAMES);
	struct cell c = w->model.cell[d1][n1];

	take_back(w, w->dir[d1], ALL & ~CAP_FS);
	take_back(w, w->dir[d2], ALL & ~CAP_FS);
	begin(w, v);
	if (c.ino && (d1 != d2 || n1 != n2)) {
		becomes(v, d2, n2, c);
		becomes(v, d1, n1, (struct cell){ 0, 0 });
	}
	end(w, v);
	tell_dir(w, w->dir[d1]->key.ino);
	tell_dir(w, w->dir[d2]->key.ino);
	tell_all(w, d1);
	if (roll(w, 2))
		tell_all(w, d2);
}

/* The session is void for a while: nothing of it counts, and anything may happen. */
static void stale(struct world *w, struct version *v)
{
	unsigned mover = roll(w, MOVERS);

	w->s->cap_gen++;
	session_publish(w->s);
	begin(w, v);
	v->mover = (uint8_t)mover;
	v->parent = (uint8_t)roll(w, TOPS);
	end(w, v);
	tell_root(w);
	for (unsigned d = 0; d < DIRS; d++)
		tell_dir(w, w->dir[d]->key.ino);
	for (unsigned d = 0; d < DIRS; d++)
		tell_all(w, d);
}

/* No change: something is forgotten, and something learned. */
static void housekeeping(struct world *w)
{
	unsigned dir = roll(w, DIRS), name = roll(w, NAMES);
	uint64_t ino = w->model.cell[dir][name].ino;
	struct inode *i = ino ? inode_find(&w->bed->m.cache, ino, SNAP_HEAD) : NULL;

	if (i && !roll(w, 4))
		inode_forget(&w->bed->m, i);
	cache_trim(&w->bed->m);
	tell_name(w, roll(w, DIRS), roll(w, NAMES));
	if (!roll(w, 4))
		tell_mover(w, roll(w, MOVERS));
	if (++w->steps % STEPS_A_TURN == 0)
		ring_run(w->bed->ring, 0);
}

void world_step(struct world *w, struct version *v)
{
	static void (*const change[])(struct world * w, struct version * v) = {
		move_file,      move_file,   move_dir,    move_dir,          make_or_remove,
		make_or_remove, change_file, change_file, changed_elsewhere, moved_elsewhere,
	};

	if (roll(w, 500))
		change[roll(w, sizeof change / sizeof *change)](w, v);
	else
		stale(w, v);
	housekeeping(w);
}

/* ---- one world ---- */

static bool free_early;

/* Linked with --wrap=retire. */
void __real_retire(struct meta *m, void *p, void (*free)(struct meta *m, void *p));
void __wrap_retire(struct meta *m, void *p, void (*free)(struct meta *m, void *p));
void __wrap_retire(struct meta *m, void *p, void (*free)(struct meta *m, void *p))
{
	if (free_early)
		free(m, p);
	else
		__real_retire(m, p, free);
}

struct world *world_new(enum world_fault fault, uint64_t seed)
{
	struct world *w = calloc(1, sizeof *w);

	w->seed = seed * 2 + 1;
	w->fault = fault;
	w->next_ino = INO_FILE;
	w->bed = bed_new(CACHE_BYTES);
	w->s = bed_session(w->bed, 0);
	tell_root(w);
	for (unsigned d = 0; d < DIRS; d++)
		w->dir[d] = inode_get(tell_dir(w, d < TOPS ? top_ino(d) : INO_MOVER + d - TOPS));
	for (unsigned d = 0; d < DIRS; d++)
		tell_all(w, d);
	/* Brackets within a bracket do not count: the sequence stands still. */
	free_early = fault == EARLY_FREES;
	if (fault == SILENT_CHANGES)
		w->bed->m.cache.writing = 1;
	return w;
}

void world_free(struct world *w)
{
	for (unsigned d = 0; d < DIRS; d++)
		inode_put(&w->bed->m, w->dir[d]);
	bed_free(w->bed);
	free(w);
}

struct meta *world_meta(struct world *w)
{
	return &w->bed->m;
}

const struct model *world_model(const struct world *w)
{
	return &w->model;
}

struct inode *world_mover(struct world *w, unsigned mover)
{
	return w->dir[TOPS + mover];
}
