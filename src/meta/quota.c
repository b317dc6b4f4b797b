/* quota.c: quotas, as far as a client enforces them: before it makes names and before files grow.
 *
 * A directory with a quota is a realm, so the quotas above an inode are those of the realms above it. Their
 * numbers come with the directory's own attributes, and by messages while a cap of it is held: its inode has
 * to be cached, and is asked for by number where it is not. Directories above the mount's root count, if the
 * key lets us see them. What other clients add shows up after a second or so: a quota is overstepped a
 * little, as with every client.
 */
#include "meta.h"

#include <errno.h>

enum { ASK_AGAIN_S = 60 }; /* about a realm whose inode the MDS would not show */

static bool has_quota(const struct inode *i)
{
	return i->dir && (i->dir->quota_max_bytes || i->dir->quota_max_files);
}

/* `max` 0: no limit. */
static bool beyond(uint64_t used, uint64_t more, uint64_t max)
{
	return max && more && (used > max || more > max - used);
}

static bool exceeds(const struct inode *i, uint64_t more_bytes, uint64_t more_files)
{
	const struct dir_attrs *a = &i->dir->a;

	return beyond(a->rfiles + a->rsubdirs, more_files, i->dir->quota_max_files) ||
	       beyond(a->rbytes, more_bytes, i->dir->quota_max_bytes);
}

/* What a realm's quota is cannot be said before its directory was asked for. */
static bool unknown_now(struct meta *m, const struct realm *r, const struct inode *i)
{
	uint64_t now = ring_now(m->ring);

	return (!r->told || !i || !i->dir || !caps_any(i, now)) && now >= r->ask_after_ns;
}

/* The directory of a realm, as far as it is cached. The realm of all snapshots is no directory. */
static struct inode *realm_dir(struct meta *m, const struct realm *r, struct realm **unknown)
{
	struct inode *i = inode_find(&m->cache, r->ino, SNAP_HEAD);

	if (r->ino == INO_GLOBAL_REALM)
		return NULL;
	if (!*unknown && unknown_now(m, r, i))
		*unknown = (struct realm *)r;
	if (i)
		i->used = true;
	return i && i->dir ? i : NULL;
}

static struct inode *root_of(struct meta *m, const struct inode *i, struct realm **unknown)
{
	struct inode *d;

	for (const struct realm *r = m->o.no_quota ? NULL : i->realm; r; r = r->parent) {
		d = realm_dir(m, r, unknown);
		if (d && has_quota(d))
			return d;
	}
	return NULL;
}

struct inode *quota_root(struct meta *m, struct inode *i, bool *unknown)
{
	struct realm *r = NULL;
	struct inode *root = root_of(m, i, &r);

	*unknown = r != NULL;
	return root;
}

/* -EAGAIN: *unknown has to be asked for. */
static int check(struct meta *m, const struct inode *dir, uint64_t more_bytes, uint64_t more_files,
		 struct realm **unknown)
{
	struct inode *d;

	for (const struct realm *r = m->o.no_quota ? NULL : dir->realm; r; r = r->parent) {
		d = realm_dir(m, r, unknown);
		if (d && exceeds(d, more_bytes, more_files))
			return -EDQUOT;
	}
	return *unknown ? -EAGAIN : 0;
}

int quota_check(struct meta *m, struct inode *dir, uint64_t more_bytes, uint64_t more_files)
{
	struct realm *unknown = NULL;

	return check(m, dir, more_bytes, more_files, &unknown);
}

bool quota_same_root(struct meta *m, struct inode *a, struct inode *b, bool *unknown)
{
	bool first, second;
	bool same = quota_root(m, a, &first) == quota_root(m, b, &second);

	*unknown = first || second;
	return same;
}

/* ---- asking ---- */

static bool over_for_good(int err)
{
	return err == -ESHUTDOWN || err == -ECANCELED || err == -ETIMEDOUT || err == -ENOMEM;
}

/* A directory above the mount that the key does not let us see has no quota that we could enforce. */
static void fetched(struct mreq *q, int result, const struct reply *rep)
{
	struct realm *r = realm_find(q->m, q->base_ino);

	if (r)
		r->ask_after_ns = ring_now(q->m->ring) + ASK_AGAIN_S * 1000000000ull;
	op_replied(q, over_for_good(result) ? result : 0, rep);
}

static int64_t fetch(struct op *op, const struct realm *r)
{
	struct mreq *q = mreq_new(op->m, MDS_OP_LOOKUPINO, NULL, NULL, 0);

	if (q) {
		q->base_ino = r->ino;
		args_lookupino(q->args, 0, 0, 0, 0);
		q->done = fetched;
	}
	return op_ask(op, q);
}

int64_t quota_step(struct op *op, struct inode *dir, uint64_t more_bytes, uint64_t more_files)
{
	struct realm *unknown = NULL;
	int err = check(op->m, dir, more_bytes, more_files, &unknown);

	return err == -EAGAIN ? fetch(op, unknown) : err;
}

int64_t quota_rename_step(struct op *op, struct inode *from, struct inode *to)
{
	struct realm *unknown = NULL;
	struct inode *a = root_of(op->m, from, &unknown), *b = root_of(op->m, to, &unknown);

	if (from == to || from->realm == to->realm)
		return 0;
	if (unknown)
		return fetch(op, unknown);
	return a == b ? 0 : -EXDEV;
}
