/* walk.c: deciding a path component by component; see walk.h. walk_batch.c asks for what the cache lacks. */
#include "meta.h"
#include "walk_impl.h"

#include <errno.h>
#include <string.h>

enum { EXPANDED_MAX = 2 * WALK_PATH_MAX };

/* The next name of `p`: its start in *name and its length; 0 at the end. Sets *slash when a slash follows it.
 */
uint32_t walk_name(const char *p, const char **name, bool *slash)
{
	uint32_t n = 0;

	while (*p == '/')
		p++;
	*name = p;
	while (p[n] && p[n] != '/')
		n++;
	*slash = p[n] == '/';
	return n;
}

bool walk_name_is_dot(const char *name, uint32_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

bool walk_name_is_snapdir(const char *name, uint32_t len)
{
	return len == 5 && !memcmp(name, ".snap", 5);
}

/* Every length before anything is sent. */
int walk_check_lengths(const char *path)
{
	uint32_t name = 0;
	const char *p;

	for (p = path; *p; p++) {
		name = *p == '/' ? 0 : name + 1;
		if (name > WALK_NAME_MAX || p - path >= WALK_PATH_MAX)
			return -ENAMETOOLONG;
	}
	return 0;
}

int walk_begin(struct meta *m, struct walk *w, struct inode *at, const char *path, int flags,
	       const struct cephring_cred *cred, uint32_t mask)
{
	int err = walk_check_lengths(path);

	if (err)
		return err;
	if (!*path && !(flags & WALK_EMPTY_OK))
		return -ENOENT;
	if (!at || *path == '/')
		at = m->root;
	if (!at) /* asked before the mount was done, or after it failed */
		return -ENOTCONN;
	*w = (struct walk){ .rest = path,
			    .at = inode_get(at),
			    .mask = mask,
			    .nofollow = (flags & CEPHRING_NOFOLLOW) != 0,
			    .to_parent = (flags & WALK_PARENT) != 0,
			    .cred = cred ? *cred : m->o.cred };
	m->stats.walks++;
	return 0;
}

void walk_end(struct meta *m, struct walk *w)
{
	if (w->batch)
		walk_batch_orphan(w);
	if (w->request) {
		mreq_abandon(w->request);
		w->request = NULL;
	}
	inode_put(m, w->at);
	w->at = NULL;
	inode_put(m, w->parent);
	w->parent = NULL;
	mem_free(w->expanded, 0);
	w->expanded = NULL;
}

/* No right of this caller can depend on a directory in the middle. */
bool walk_free_pass(const struct meta *m, const struct walk *w)
{
	return m->o.no_permissions || w->cred.uid == 0;
}

/* ---- one component from the cache ---- */

/* 1: *next; 0: the cache cannot tell; -ENOENT: it can, the name is absent. */
static int cached_child(struct meta *m, struct inode *dir, const char *name, uint32_t len, uint64_t now,
			struct inode **next)
{
	struct dentry *d = dir->dir ? dentry_find(&m->cache, dir, name, len) : NULL;

	if (d && dentry_valid(m, d, now)) {
		PUB_TOUCH(d->used);
		if (!d->inode)
			return -ENOENT;
		*next = d->inode;
		PUB_TOUCH(d->inode->used);
		return 1;
	}
	return !d && dir_complete(m, dir, now) ? -ENOENT : 0;
}

/* 0 may pass, -EACCES, -EAGAIN: the mode is not known for certain. */
static int may_pass(struct meta *m, const struct walk *w, struct inode *dir, uint64_t now)
{
	if (walk_free_pass(m, w))
		return 0;
	if (!perm_known(m, caps_issued(dir, now)) && w->judged != dir)
		return -EAGAIN;
	return may_lookup(m, dir, &w->cred);
}

/* The parent by a name that is still valid, the root its own. NULL: ask. */
static struct inode *cached_parent(struct meta *m, struct inode *i, uint64_t now)
{
	struct dentry *d;

	if (i == m->root)
		return i;
	if (i->key.snapid != SNAP_HEAD) /* where it was found is where it is */
		return LIST_EMPTY(&i->aliases) ? NULL : LIST_FIRST(&i->aliases)->key.dir;
	LIST_FOREACH(d, &i->aliases, alias)
	if (dentry_valid(m, d, now))
		return d->key.dir;
	return NULL;
}

/* ---- symlinks ---- */

/* The link's text and what follows it, into `out`; 0 or -ENAMETOOLONG. */
static int splice(char *out, size_t size, const char *text, const char *rest)
{
	size_t a = strlen(text), b = strlen(rest);

	if (a + 1 + b + 1 > size)
		return -ENAMETOOLONG;
	memmove(out + a + 1, rest, b + 1); /* rest may lie in `out` */
	memcpy(out, text, a);
	out[a] = '/';
	if (!b)
		out[a] = '\0';
	return walk_check_lengths(text);
}

static int follow(struct meta *m, struct walk *w, const struct inode *link, const char *rest)
{
	const char *text = link->symlink;
	char *next;
	int err;

	w->fresh = 0; /* told of the link, which may lead to where we are */
	if (++w->links > WALK_LINKS_MAX)
		return -ELOOP;
	if (!text || !*text)
		return -ENOENT;
	next = mem_alloc(strlen(text) + strlen(rest) + 2);
	if (!next)
		return -ENOMEM;
	err = splice(next, EXPANDED_MAX, text, rest);
	mem_free(w->expanded, 0);
	w->expanded = next;
	w->rest = next;
	if (*text == '/')
		walk_move(m, w, m->root);
	return err;
}

int walk_follow_last(struct meta *m, struct walk *w, const struct inode *link)
{
	const char *rest = w->last + w->last_len;

	w->last = NULL;
	return follow(m, w, link, w->need_dir ? rest : "");
}

/* ---- the walk ---- */

void walk_move(struct meta *m, struct walk *w, struct inode *to)
{
	struct inode *from = w->at;

	w->at = inode_get(to);
	inode_put(m, from);
}

static void request_done(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;
	struct walk *w = &op->walk;

	(void)rep;
	w->request = NULL;
	if (!result && r->op == MDS_OP_LOOKUPPARENT) {
		if (!r->target || !inode_is_dir(r->target))
			result = -ESTALE;
		else
			w->parent = inode_get(r->target);
	}
	if (!result && r->op == MDS_OP_GETATTR)
		w->judged = w->at; /* good for this one answer, whatever caps came */
	op_resume(op, result);
}

static int64_t ask(struct op *op, uint32_t what, uint32_t mask)
{
	struct walk *w = &op->walk;
	struct mreq *r = mreq_new(op->m, what, w->at, NULL, 0);

	if (!r)
		return -EAGAIN;
	if (what == MDS_OP_GETATTR)
		args_getattr(r->args, mask);
	r->done = request_done;
	r->arg = op;
	w->request = r;
	w->sent = true;
	if (mreq_set_cred(r, &w->cred))
		return -ENOMEM; /* walk_end() abandons it */
	mreq_submit(r);
	return OP_PENDING;
}

/* `..`: 0 moved, or pending. */
static int64_t step_up(struct op *op, uint64_t now)
{
	struct meta *m = op->m;
	struct walk *w = &op->walk;
	struct inode *up = w->parent ? w->parent : cached_parent(m, w->at, now);

	if (!up && w->at->key.snapid != SNAP_HEAD)
		return -ESTALE;
	if (!up)
		return w->cached_only ? -EAGAIN : ask(op, MDS_OP_LOOKUPPARENT, 0);
	walk_move(m, w, up);
	w->fresh = 0; /* told of another inode */
	inode_put(m, w->parent);
	w->parent = NULL;
	return 0;
}

/* Into the .snap of a directory; in a snapshot there is none. What was just told of the directory is told of
 * its .snap. */
static int step_snapdir(struct op *op, const char *name, uint32_t len, bool slash)
{
	struct walk *w = &op->walk;
	struct inode *s;

	if (w->at->key.snapid != SNAP_HEAD)
		return -ENOENT;
	s = snap_dir(op->m, w->at);
	if (!s)
		return -ENOMEM;
	if (w->judged == w->at)
		w->judged = s;
	walk_move(op->m, w, s);
	w->rest = name + len;
	w->need_dir = slash;
	return 0;
}

/* What the name stands for, from the batch or the cache: 1 and *next (borrowed), or pending, or -errno. */
static int64_t child(struct op *op, const char *name, uint32_t len, uint64_t now, struct inode **next)
{
	struct meta *m = op->m;
	struct walk *w = &op->walk;
	int64_t res;
	int known;

	w->fresh = 0;
	for (;;) {
		if (w->batch) {
			res = walk_batch_decide(op, next);
			if (res == 1 || res < 0)
				return res;
		}
		known = cached_child(m, w->at, name, len, now, next);
		if (known)
			return known;
		if (w->cached_only)
			return -EAGAIN;
		if (w->batch && walk_batch_waits(w))
			return OP_PENDING;
		if (w->batch) { /* it cannot tell: begin anew from what is decided */
			walk_batch_orphan(w);
			m->stats.walk_restarts++;
			if (++w->restarts > WALK_RESTARTS_MAX)
				return log_fail(m->log, -EAGAIN,
						"path walk: names under inode %llx keep changing",
						(unsigned long long)w->at->key.ino);
		}
		res = walk_batch_send(op, w->rest);
		if (res)
			return res;
		return OP_PENDING;
	}
}

/* One component. 0: go on, 1: the end is reached. */
static int64_t component(struct op *op)
{
	struct meta *m = op->m;
	struct walk *w = &op->walk;
	uint64_t now = ring_now(m->ring);
	struct inode *next = NULL;
	const char *name;
	uint32_t len;
	bool slash, last;
	int64_t res;

	if (w->batch && walk_free_pass(m, w) && !w->by_level)
		walk_batch_jump(w);
	len = walk_name(w->rest, &name, &slash);
	if (!len)
		return w->need_dir && !inode_is_dir(w->at) ? -ENOTDIR : 1;
	if (!inode_is_dir(w->at))
		return -ENOTDIR;
	last = name[len + strspn(name + len, "/")] == '\0';
	if (last && w->to_parent) { /* what may be done to the name is the operation's to judge */
		if (walk_name_is_snapdir(name, len) && w->at->key.snapid == SNAP_HEAD)
			snap_dir(m, w->at); /* it is there */
		w->last = name;
		w->last_len = len;
		w->need_dir = slash;
		return 1;
	}
	res = may_pass(m, w, w->at, now);
	if (res == -EAGAIN && !w->cached_only)
		return ask(op, MDS_OP_GETATTR, CAP_PIN | perm_caps(m));
	if (res)
		return res;
	if (walk_name_is_dot(name, len)) {
		if (len == 2)
			res = step_up(op, now);
		if (!res) {
			w->rest = name + len;
			w->need_dir = true;
		}
		return res;
	}
	if (walk_name_is_snapdir(name, len))
		return step_snapdir(op, name, len, slash);
	res = child(op, name, len, now, &next);
	if (res != 1)
		return res;
	w->judged = NULL;
	if (w->batch && ++w->batch->pos == w->batch->count)
		walk_batch_orphan(w);
	if (inode_is_link(next) && (!last || slash || !w->nofollow)) {
		if (w->batch)
			walk_batch_orphan(w);
		return follow(m, w, next, name + len);
	}
	walk_move(m, w, next);
	w->rest = name + len;
	w->need_dir = slash;
	return 0;
}

int64_t walk_step(struct op *op, int64_t res)
{
	if (res < 0)
		return res;
	do
		res = component(op);
	while (res == 0);
	return res == 1 ? 0 : res;
}
