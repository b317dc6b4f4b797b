/* cluster: --mds 1; timeout: 240 */
/* Three clients on one tree: two of ours and libcephfs. Random operations by random ones of them, each judged
 * by a model of the tree, and what one has done is what the others see. The seed is printed; the first
 * argument sets it. */
#include "both.h"

#define TOP "/shared_tree"
enum { NAMES = 5, DEPTH = 3, STEPS = 700, NODES_MAX = 4096 };

static const struct cephring_cred root = { 0 };

/* ---- the model ---- */

enum kind { FILE_, DIR_, LINK_ };

struct node {
	enum kind kind;
	unsigned mode, nlink;
	long long size;
	struct node *child[NAMES];
};

static struct node nodes[NODES_MAX];
static int node_count;
static struct node *top;

static struct node *node_new(enum kind kind, unsigned mode)
{
	struct node *n;

	if (node_count == NODES_MAX)
		tap_die("the model is large enough");
	n = &nodes[node_count++];
	*n = (struct node){ .kind = kind, .mode = mode, .nlink = 1 };
	return n;
}

struct place {
	int name[DEPTH], depth;
	struct node *dir; /* the parent; NULL: err */
	struct node *at;  /* what stands there; NULL: nothing */
	int err;
	char path[64];
};

static unsigned long long state;

static unsigned roll(unsigned n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(state >> 33) % n;
}

static struct place place_any(void)
{
	struct place p = { .depth = 1 + (int)roll(DEPTH), .dir = top };
	size_t len = (size_t)snprintf(p.path, sizeof p.path, TOP);

	for (int k = 0; k < p.depth; k++) {
		p.name[k] = (int)roll(NAMES);
		len += (size_t)snprintf(p.path + len, sizeof p.path - len, "/%c", 'a' + p.name[k]);
	}
	for (int k = 0; k + 1 < p.depth && p.dir; k++) {
		struct node *next = p.dir->child[p.name[k]];

		if (!next || next->kind != DIR_) {
			p.err = next && next->kind == FILE_ ? -ENOTDIR : -ENOENT; /* links lead nowhere */
			p.dir = NULL;
		} else {
			p.dir = next;
		}
	}
	if (p.dir)
		p.at = p.dir->child[p.name[p.depth - 1]];
	return p;
}

static struct node **slot(const struct place *p)
{
	return &p->dir->child[p->name[p->depth - 1]];
}

static bool empty(const struct node *n)
{
	for (int k = 0; k < NAMES; k++)
		if (n->child[k])
			return false;
	return true;
}

static bool within(const struct node *n, const struct node *of)
{
	if (n == of)
		return true;
	for (int k = 0; k < NAMES; k++)
		if (of->kind == DIR_ && of->child[k] && within(n, of->child[k]))
			return true;
	return false;
}

/* ---- the clients ---- */

enum op { MKDIR, CREATE, UNLINK, RMDIR, RENAME, LINK, SYMLINK, CHMOD, TRUNCATE, STAT, OPS };
static const char *const op_names[] = { "mkdir", "create",  "unlink", "rmdir",    "rename",
					"link",  "symlink", "chmod",  "truncate", "stat" };

struct act {
	enum op op;
	const char *a, *b;
	unsigned n;
	struct cephring_statx st;
};

static int ours_does(cephring_mount *m, struct act *t)
{
	struct cephring_setattr set = { .struct_size = sizeof set };
	cephring_file *f;
	int err;

	switch (t->op) {
	case MKDIR:
		return cephring_sync_mkdir(m, NULL, t->a, t->n, 0, &root);
	case CREATE:
		err = cephring_sync_open(m, NULL, t->a, O_CREAT | O_EXCL | O_WRONLY, t->n, NULL, &root, &f);
		return err < 0 ? err : cephring_sync_close(f);
	case UNLINK:
	case RMDIR:
		return cephring_sync_unlink(m, NULL, t->a, t->op == RMDIR ? CEPHRING_REMOVEDIR : 0, &root);
	case RENAME:
		return cephring_sync_rename(m, NULL, t->a, NULL, t->b, 0, &root);
	case LINK:
		return cephring_sync_link(m, NULL, t->a, NULL, t->b, CEPHRING_NOFOLLOW, &root);
	case SYMLINK:
		return cephring_sync_symlink(m, "x", NULL, t->a, &root);
	case CHMOD:
		set.set = CEPHRING_SET_MODE;
		set.mode = t->n;
		return cephring_sync_setattr(m, NULL, t->a, &set, 0, &root);
	case TRUNCATE:
		set.set = CEPHRING_SET_SIZE;
		set.size = t->n;
		return cephring_sync_setattr(m, NULL, t->a, &set, 0, &root);
	default:
		return cephring_sync_statx(m, NULL, t->a, CEPHRING_STATX_BASIC, CEPHRING_NOFOLLOW, &root,
					   &t->st);
	}
}

static int theirs_does(struct ceph_mount_info *cm, void *arg)
{
	struct act *t = arg;
	struct ceph_statx st;
	int err;

	switch (t->op) {
	case MKDIR:
		return ceph_mkdir(cm, t->a, t->n);
	case CREATE:
		return their_create(cm, t->a, (int)t->n);
	case UNLINK:
		return ceph_unlink(cm, t->a);
	case RMDIR:
		return ceph_rmdir(cm, t->a);
	case RENAME:
		return ceph_rename(cm, t->a, t->b);
	case LINK:
		return ceph_link(cm, t->a, t->b);
	case SYMLINK:
		return ceph_symlink(cm, "x", t->a);
	case CHMOD:
		return ceph_chmod(cm, t->a, t->n);
	case TRUNCATE:
		return ceph_truncate(cm, t->a, t->n);
	default:
		err = ceph_statx(cm, t->a, &st, CEPH_STATX_BASIC_STATS, AT_SYMLINK_NOFOLLOW);
		t->st = (struct cephring_statx){ .mode = st.stx_mode,
						 .nlink = st.stx_nlink,
						 .size = st.stx_size };
		return err;
	}
}

struct three {
	struct both *b;
	cephring_engine *engine; /* with a thread of its own */
	cephring_mount *other;
};

struct by_other {
	cephring_mount *mount;
	struct act *act;
};

static int other_does(struct ceph_mount_info *cm, void *arg)
{
	struct by_other *o = arg;

	(void)cm;
	return ours_does(o->mount, o->act);
}

static int does(struct three *t, int who, struct act *a)
{
	struct by_other o = { t->other, a };

	if (who == 0)
		return ours_does(t->b->mount, a);
	/* Our first client must serve its engine while others act: they do it on threads. */
	return who == 1 ? they(t->b, theirs_does, a) : they(t->b, other_does, &o);
}

/* ---- one step ---- */

/* What the tree becomes, and what the caller is told. */
static int model(enum op op, struct place *a, struct place *b, unsigned n)
{
	struct node *at = a->at;

	if (a->err)
		return a->err;
	switch (op) {
	case MKDIR:
	case CREATE:
	case SYMLINK:
		if (at)
			return -EEXIST;
		*slot(a) = node_new(op == MKDIR    ? DIR_
				    : op == CREATE ? FILE_
						   : LINK_,
				    op == SYMLINK ? 0777 : n);
		return 0;
	case UNLINK:
		if (!at || at->kind == DIR_)
			return at ? -EISDIR : -ENOENT;
		at->nlink--;
		*slot(a) = NULL;
		return 0;
	case RMDIR:
		if (!at || at->kind != DIR_)
			return at ? -ENOTDIR : -ENOENT;
		if (!empty(at))
			return -ENOTEMPTY;
		*slot(a) = NULL;
		return 0;
	case RENAME:
		if (!at)
			return -ENOENT;
		if (b->err)
			return b->err;
		if (b->at && at->kind == DIR_ && b->at->kind != DIR_)
			return -ENOTDIR;
		if (b->at && at->kind != DIR_ && b->at->kind == DIR_)
			return -EISDIR;
		if (b->at && b->at->kind == DIR_ && !empty(b->at))
			return -ENOTEMPTY;
		if (b->at)
			b->at->nlink--;
		*slot(a) = NULL;
		*slot(b) = at;
		return 0;
	case LINK:
		if (!at)
			return -ENOENT;
		if (b->err)
			return b->err;
		if (b->at)
			return -EEXIST;
		at->nlink++;
		*slot(b) = at;
		return 0;
	case CHMOD:
		if (!at)
			return -ENOENT;
		at->mode = n;
		return 0;
	case TRUNCATE:
		if (!at)
			return -ENOENT;
		at->size = n;
		return 0;
	default:
		return at ? 0 : -ENOENT;
	}
}

/* What the model does not decide, or libcephfs does in a way of its own (tests/cluster/names.c). */
static bool left_out(enum op op, const struct place *a, const struct place *b)
{
	if (op == RENAME && a->at &&
	    (a->at == b->at || (b->dir && within(b->dir, a->at)) || (b->at && within(a->at, b->at)) ||
	     (b->at && b->at->kind != a->at->kind)))
		return true;
	if (op == LINK && a->at && a->at->kind == DIR_)
		return true;
	if (op == LINK && a->at && a->at->kind == LINK_) /* libcephfs follows it, ours was told not to */
		return true;
	if (op == RENAME && (a->err || !a->at) && (b->err || b->at)) /* either is right */
		return true;
	if ((op == CHMOD || op == TRUNCATE) && a->at && a->at->kind != FILE_)
		return op == TRUNCATE || a->at->kind == LINK_;
	return false;
}

static bool same(const struct node *n, const struct cephring_statx *st)
{
	static const unsigned types[] = { S_IFREG, S_IFDIR, S_IFLNK };

	if ((st->mode & S_IFMT) != types[n->kind] || (n->kind != LINK_ && (st->mode & 07777) != n->mode))
		return false;
	return n->kind == DIR_ ||
	       (st->nlink == n->nlink && (n->kind == LINK_ || st->size == (uint64_t)n->size));
}

static int wrong;

static void look(struct three *t, int who, struct place *p)
{
	struct act a = { .op = STAT, .a = p->path };
	int err = does(t, who, &a), want = p->err ? p->err : p->at ? 0 : -ENOENT;

	if (err != want && !(want == -ENOTDIR && err == -EACCES))
		tap_note("client %d sees %s: %d, the model says %d", who, p->path, err, want), wrong++;
	else if (!err && !same(p->at, &a.st))
		tap_note("client %d sees %s: mode %o, links %u, size %llu; the model says %o, %u, %lld", who,
			 p->path, a.st.mode, a.st.nlink, (unsigned long long)a.st.size, p->at->mode,
			 p->at->nlink, p->at->size),
		    wrong++;
}

static void step(struct three *t, int number)
{
	struct place a = place_any(), b = place_any();
	struct act act = { .op = (enum op)roll(OPS), .a = a.path, .b = b.path, .n = 0600 | roll(0200) };
	int who = (int)roll(2) * 2, got, want;

	if (left_out(act.op, &a, &b))
		return;
	want = model(act.op, &a, &b, act.n);
	got = does(t, who, &act);
	if (got != want && !(want == -ENOTDIR && got == -EACCES)) {
		tap_note("step %d: client %d: %s %s %s %o: %d (%s), the model says %d (%s)", number, who,
			 op_names[act.op], a.path, b.path, act.n, got, strerror(-got), want, strerror(-want));
		wrong++;
	}
	/* The others see it, and something else. */
	a.at = a.dir ? *slot(&a) : NULL;
	look(t, (who + 1) % 3, &a);
	if (roll(4) == 0) {
		struct place any = place_any();

		look(t, (int)roll(3), &any);
	}
}

int main(int argc, char **argv)
{
	struct cephring_engine_opts own = { .size = sizeof own, .own_thread = 1, .cpu = -1 };
	struct cephring_mount_opts o = { .size = sizeof o };
	struct three t = { .b = both_new(NULL, NULL) };
	unsigned long long seed = argc > 1 ? strtoull(argv[1], NULL, 10) : now_ns();

	state = seed;
	tap_note("seed %llu", seed);
	if (cephring_engine_new(&own, &t.engine, NULL, 0) ||
	    cephring_sync_mount(t.engine, t.b->config, &o, &t.other))
		tap_die("a second client of ours");
	they(t.b, their_clean, TOP);
	tap_eq(does(&t, 2, &(struct act){ .op = MKDIR, .a = TOP, .n = 0755 }), 0, "a tree for three");
	top = node_new(DIR_, 0755);
	for (int n = 0; n < STEPS && wrong < 10; n++)
		step(&t, n);
	tap_eq(wrong, 0, "every result and every look is the model's");
	tap_eq(cephring_sync_unmount(t.other), 0, "the second client of ours leaves");
	tap_eq(cephring_engine_free(t.engine), 0, "its engine ends");
	both_free(t.b);
	return tap_end();
}
