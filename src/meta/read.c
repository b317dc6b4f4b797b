/* read.c: see read.h. read_ops.c has the answers; here is how they are looked for. */
#include "read_impl.h"

#include <ck_pr.h>
#include <errno.h>
#include <string.h>

enum {
	TRIES_MAX = 16,   /* of an answer that changes got in the way of */
	PAUSES_MAX = 256, /* waiting for the end of changes, over all tries */
	SPLICED_MAX = 2 * WALK_PATH_MAX,
	COARSE_NS = 10000000, /* more than the coarse clock lags */
};

/* ---- what is trusted ---- */

static void rely(struct reading *r, uint64_t until_ns)
{
	if (until_ns < r->until_ns)
		r->until_ns = until_ns;
}

/* Is this the generation of the session now? Then it is good until the session must be renewed. */
static bool in_force(struct reading *r, uint32_t rank, uint32_t gen)
{
	const struct session_seen *s;

	if (rank >= MDS_RANK_MAX)
		return false;
	s = &r->m->seen[rank];
	if (PUB_GET(s->gen) != gen)
		return false;
	rely(r, PUB_GET(s->ttl_ns));
	return true;
}

uint32_t read_caps(struct reading *r, const struct inode *i)
{
	uint32_t caps = PUB_GET(i->seen.caps);

	if (!caps || !in_force(r, (uint32_t)PUB_GET(i->seen.rank), PUB_GET(i->seen.gen)))
		return 0;
#ifdef PUB_CHECKED
	if (r->own && !r->m->cache.writing)
		assert(!(caps & ~caps_issued(i, 0)) && "caps changed without caps_publish()");
#endif
	return caps;
}

static bool leased(struct reading *r, const struct dentry *d)
{
	uint64_t until = PUB_GET(d->lease_until_ns);
	int16_t rank = PUB_GET(d->lease_rank);

	if (!until || rank < 0 || !in_force(r, (uint32_t)rank, PUB_GET(d->lease_gen)))
		return false;
	rely(r, until);
	return true;
}

/* As dentry_valid(). */
static bool trusted(struct reading *r, const struct dentry *d, const struct dir *dir, bool shared)
{
	return (shared && PUB_GET(d->shared_gen) == PUB_GET(dir->shared_gen)) || leased(r, d);
}

/* ---- attributes ---- */

typedef uint64_t __attribute__((may_alias)) word;

static void load_words(void *to, const void *from, size_t size)
{
	const word *f = from;
	word *t = to;

	for (size_t n = 0; n < size / 8; n++)
		t[n] = __atomic_load_n(&f[n], __ATOMIC_RELAXED);
}

void read_attrs(const struct inode *i, struct attrs *a)
{
	load_words(a, &i->a, sizeof *a);
}

bool read_dir_attrs(const struct inode *i, struct dir_attrs *a)
{
	const struct dir *d = PUB_GET(i->dir);

	if (d)
		load_words(a, &d->a, sizeof *a);
	return d;
}

struct slice read_xattrs(const struct inode *i)
{
	const struct xattrs *x = PUB_GET(i->xattrs);

	return x ? (struct slice){ x->map, x->len } : (struct slice){ NULL, 0 };
}

int64_t read_judge(struct reading *r, const struct inode *i, int want)
{
	struct slice none = { NULL, 0 };
	struct attrs a;

	if (r->m->o.no_permissions)
		return 0;
	if (!perm_known(r->m, read_caps(r, i)))
		return -EAGAIN;
	read_attrs(i, &a);
	return perm_judge(&a, r->m->o.posix_acl ? read_xattrs(i) : none, r->cred, want);
}

static uint32_t type_of(const struct inode *i)
{
	return PUB_GET(i->a.mode) & 0170000;
}

static bool is_dir(const struct inode *i)
{
	return type_of(i) == 0040000;
}

/* ---- the walk ---- */

/* 0 and *next, or an error. */
static int64_t child(struct reading *r, struct inode *at, const char *name, uint32_t len, struct inode **next)
{
	const struct dir *dir = PUB_GET(at->dir);
	struct dentry *d;
	bool shared;

	if (!dir)
		return -EAGAIN;
	shared = read_caps(r, at) & (CAP_FS | CAP_FX);
	d = dentry_find(&r->m->cache, at, name, len);
	if (!d)
		return shared && PUB_GET(dir->complete) ? -ENOENT : -EAGAIN;
	if (!trusted(r, d, dir, shared))
		return -EAGAIN;
	PUB_TOUCH(d->used);
	*next = PUB_GET(d->inode);
	if (!*next)
		return -ENOENT;
	PUB_TOUCH((*next)->used);
	return read_caps(r, *next) ? 0 : -EAGAIN;
}

static int64_t parent(struct reading *r, struct inode *at, struct inode **next)
{
	const struct dir *own = PUB_GET(at->dir), *dir;
	const struct dentry *d = own ? PUB_GET(own->name) : NULL;

	if (at == r->root) {
		*next = at;
		return 0;
	}
	if (!d || !read_caps(r, at))
		return -EAGAIN;
	*next = d->key.dir;
	dir = PUB_GET((*next)->dir);
	if (!dir || !trusted(r, d, dir, read_caps(r, *next) & (CAP_FS | CAP_FX)))
		return -EAGAIN;
	return 0;
}

/* One name. */
static int64_t step(struct reading *r, struct inode *at, const char *name, uint32_t len, struct inode **next)
{
	int64_t res;

	if (!is_dir(at))
		return -ENOTDIR;
	res = r->free_pass ? 0 : read_judge(r, at, MAY_EXEC);
	if (res)
		return res;
	if (walk_name_is_dot(name, len)) {
		*next = at;
		return len == 1 ? 0 : parent(r, at, next);
	}
	if (len > WALK_NAME_MAX)
		return -ENAMETOOLONG;
	return walk_name_is_snapdir(name, len) ? -EAGAIN : child(r, at, name, len, next);
}

/* The link's text in front of what follows it. `rest` may lie in `to`. */
static int64_t splice(struct reading *r, const struct inode *link, const char *rest, char *to)
{
	const char *text = PUB_GET(link->symlink);
	size_t a, b = strlen(rest);

	if (++r->links > WALK_LINKS_MAX)
		return -ELOOP;
	if (!text || !*text)
		return -EAGAIN;
	a = strlen(text);
	if (a + 1 + b + 1 > SPLICED_MAX)
		return -EAGAIN;
	memmove(to + a + 1, rest, b + 1);
	memcpy(to, text, a);
	to[a] = b ? '/' : '\0';
	return 0;
}

static int64_t walk(struct reading *r, struct inode **out)
{
	char spliced[SPLICED_MAX];
	struct inode *at = r->start, *next;
	const char *rest = r->path, *name;
	bool slash, need_dir = false;
	uint32_t len;
	int64_t res;

	while ((len = walk_name(rest, &name, &slash)) != 0) {
		res = step(r, at, name, len, &next);
		if (res)
			return res;
		rest = name + len;
		if (type_of(next) == 0120000 && (slash || *rest || !r->nofollow)) {
			res = splice(r, next, rest, spliced);
			if (res)
				return res;
			rest = spliced;
			next = *spliced == '/' ? r->root : at;
		} else {
			need_dir = slash || walk_name_is_dot(name, len);
		}
		at = next;
	}
	*out = at;
	return need_dir && !is_dir(at) ? -ENOTDIR : 0;
}

/* ---- one moment ---- */

/* False: a change goes on for too long. */
static bool sequence_take(struct reading *r, uint32_t *seq)
{
	for (; r->pauses < PAUSES_MAX; r->pauses++) {
		*seq = __atomic_load_n(&r->m->cache.sequence, __ATOMIC_ACQUIRE);
		if (!(*seq & 1))
			return true;
		ck_pr_stall();
	}
	return false;
}

static bool sequence_is(const struct reading *r, uint32_t seq)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&r->m->cache.sequence, __ATOMIC_RELAXED) == seq;
}

static int64_t look(struct reading *r)
{
	struct inode *i;
	int64_t res;

	r->until_ns = UINT64_MAX;
	r->links = 0;
	res = walk(r, &i);
	if (!res)
		res = r->answer(r, i);
	/* Rather too late than too early: a lease ends on time. */
	if (res != -EAGAIN && ring_now_coarse() + COARSE_NS >= r->until_ns)
		res = -EAGAIN;
	return res;
}

static void unshare(struct reading *r)
{
	inode_unshare(r->shared);
	r->shared = NULL;
}

static int64_t look_beside_writer(struct reading *r)
{
	uint32_t seq;
	int64_t res;

	for (int n = 0; n < TRIES_MAX && sequence_take(r, &seq); n++) {
		res = look(r);
		if (sequence_is(r, seq))
			return res;
		unshare(r);
	}
	return -EAGAIN;
}

/* Also what was not walked any more must have the lengths of a path. */
static int64_t result(struct reading *r, int64_t res)
{
	if (res < 0)
		unshare(r);
	else if (r->deliver)
		res = r->deliver(r);
	return res < 0 && res != -EAGAIN && walk_check_lengths(r->path) ? -ENAMETOOLONG : res;
}

static int64_t read_inside(struct reading *r, const struct read_path *p)
{
	r->root = PUB_GET(r->m->root);
	if (!r->root) /* asked before the mount was done, or after its end began */
		return -EAGAIN;
	r->start = p->at && *r->path != '/' ? p->at : r->root;
	if (r->start->key.snapid != SNAP_HEAD)
		return -EAGAIN;
	return result(r, r->own ? look(r) : look_beside_writer(r));
}

int64_t read_cached(struct meta *m, const struct read_path *p, struct reading *r)
{
	int64_t res;

	r->m = m;
	r->path = p->path ? p->path : "";
	r->cred = p->cred ? p->cred : &m->o.cred;
	r->nofollow = p->flags & CEPHRING_NOFOLLOW;
	r->free_pass = m->o.no_permissions || r->cred->uid == 0;
	r->shared = NULL;
	r->pauses = 0;
	r->own = ring_is_owner(m->ring);
	if (!*r->path && !p->at)
		return -ENOENT;
	if (strnlen(r->path, WALK_PATH_MAX + 1) > WALK_PATH_MAX)
		return -ENAMETOOLONG;
	if (r->own)
		return read_inside(r, p);
	if (!epoch_enter())
		return -EAGAIN;
	res = read_inside(r, p);
	epoch_leave();
	return res;
}
