/* trace.c: puts what a reply tells into the cache, in the order of arrival (insert_trace in the other
 * clients).
 *
 * Which of an inode's fields are taken merge.c decides; what a reply grants, caps.c.
 */
#include "caps_impl.h"

#include <errno.h>
#include <string.h>

/* What only replies tell of a directory. */
static int take_dir(struct inode *i, const struct inode_stat *st, const struct told *t, uint32_t newly)
{
	struct dir *d = i->dir;
	int err = 0;

	/* A new quota is pushed to who holds a cap before it is journaled; until then (odd versions) replies
	 * have the old one. */
	if (t->first || !t->held || !(st->version & 1)) {
		d->quota_max_bytes = st->quota_max_bytes;
		d->quota_max_files = st->quota_max_files;
	}
	d->snap_btime_ns = st->snap_btime_ns;
	if (t->newer || t->auth) {
		d->hash = st->dir_hash ? st->dir_hash : DIR_HASH_LINUX;
		d->pin = st->dir_pin;
	}
	if (st->fragtree.len / 8 != d->frags.count || t->first)
		err = fragtree_set(&d->frags, st->fragtree.p, st->fragtree.len);
	/* An empty directory whose Fs we just got has no names we do not know; but for one in which we were
	 * already making some. */
	if ((newly & CAP_FS) && !d->a.files && !d->a.subdirs && LIST_EMPTY(&d->children) &&
	    !(t->held & CAP_FX))
		PUB_SET(d->complete, true);
	return err;
}

/* The type, by which all else is judged: once. */
static bool take_type(struct meta *m, struct inode *i, const struct inode_stat *st, bool first)
{
	struct attrs a = i->a;

	if (!first && ((a.mode ^ st->mode) & 0170000)) {
		log_fail(m->log, -EIO, "inode %llx changed its type: mode %o, was %o",
			 (unsigned long long)st->ino, st->mode, a.mode);
		return false;
	}
	if (!first)
		return true;
	a.mode = st->mode;
	a.rdev = st->rdev;
	inode_set_attrs(&m->cache, i, &a);
	return !inode_is_dir(i) || inode_dir(m, i);
}

static int take_stat(struct meta *m, struct session *s, struct inode *i, const struct inode_stat *st)
{
	struct told t;
	uint32_t newly;
	bool past;
	int err;

	told_from_stat(&t, st);
	t.first = i->version == 0 && i->a.mode == 0;
	t.newer =
	    i->version == 0 || st->snapid != SNAP_HEAD || (t.auth && st->version > (i->version & ~1ull));
	t.held = caps_held(i);
	past = cap_moved_on(i, s, st->cap.cap_id, st->cap.mseq);
	if (!take_type(m, i, st, t.first))
		return -EIO;
	err = cap_from_reply(m, s, i, st, &newly);
	if (err)
		return err;
	if (t.auth || !i->realm)
		realm_set(m, i, st->cap.realm);
	t.bits = past ? 0 : st->cap.caps & ~t.held;
	if (past)
		t.auth = t.newer = false;
	err = merge(m, i, &t);
	if (!err && inode_is_link(i) && !i->symlink)
		err = merge_string(m, &i->symlink, st->symlink, true);
	if (!err && i->dir)
		err = take_dir(i, st, &t, newly);
	if (!err && t.newer)
		i->version = st->version;
	return err;
}

struct inode *trace_inode(struct meta *m, struct session *s, const struct inode_stat *st)
{
	struct inode *i = inode_make(m, st->ino, st->snapid);
	int err;

	if (!i)
		return NULL;
	cache_write_begin(&m->cache);
	err = take_stat(m, s, i, st);
	cache_write_end(&m->cache);
	if (err)
		return NULL;
	PUB_TOUCH(i->used);
	return i;
}

static void take_dirstat(struct inode *dir, const struct dir_stat *ds)
{
	struct dir *d = dir->dir;
	struct frag_rank *list;
	uint32_t n = 0;

	while (n < d->rank_count && d->ranks[n].frag != ds->frag)
		n++;
	if (ds->auth < 0) { /* follow the inode's authority */
		if (n < d->rank_count)
			d->ranks[n] = d->ranks[--d->rank_count];
		return;
	}
	if (n == d->rank_count) {
		if (n >= DIRFRAG_SPLITS_MAX)
			return;
		list = mem_realloc(d->ranks, (n + 1) * sizeof *list);
		if (!list)
			return; /* a hint only: the MDS forwards */
		d->ranks = list;
		d->rank_count++;
	}
	d->ranks[n] = (struct frag_rank){ ds->frag, ds->auth };
}

static struct dentry *take_name(struct meta *m, struct session *s, struct inode *dir, struct slice name,
				struct inode *target, const struct lease_stat *lease, uint64_t sent_ns)
{
	uint64_t now = ring_now(m->ring);
	struct dentry *d;

	if (dir->key.snapid != SNAP_HEAD)
		return snap_name_link(m, dir, (const char *)name.p, name.len, target);
	d = dentry_link(m, dir, (const char *)name.p, name.len, target);
	if (!d)
		return NULL;
	d->primary = lease->mask & 4;
	if (caps_issued(dir, now) & (CAP_FS | CAP_FX))
		PUB_SET(d->shared_gen, dir->dir->shared_gen);
	if ((lease->mask & 3) && lease->duration_ms > META_LEASE_SLACK_MS) {
		PUB_SET(d->lease_rank, s->rank);
		PUB_SET(d->lease_gen, s->cap_gen);
		d->lease_seq = lease->seq;
		PUB_SET(d->lease_until_ns, sent_ns + (lease->duration_ms - META_LEASE_SLACK_MS) * 1000000ull);
	}
	return d;
}

struct dentry *trace_dentry(struct meta *m, struct session *s, struct inode *dir, struct slice name,
			    struct inode *target, const struct lease_stat *lease, uint64_t sent_ns)
{
	struct dentry *d;

	cache_write_begin(&m->cache);
	d = take_name(m, s, dir, name, target, lease, sent_ns);
	cache_write_end(&m->cache);
	return d;
}

int trace_insert(struct meta *m, struct session *s, struct mreq *r, const struct reply *rep)
{
	struct inode *dir = NULL, *target = NULL;
	int err = 0;

	if (rep->is_dentry) {
		dir = trace_inode(m, s, &rep->dir);
		if (!dir || !inode_is_dir(dir))
			return dir ? -EIO : -ENOMEM;
		inode_get(dir);
		take_dirstat(dir, &rep->dirstat);
	}
	if (rep->is_target) {
		target = trace_inode(m, s, &rep->target);
		if (!target)
			err = -ENOMEM;
		else
			inode_get(target);
	}
	/* UNLINK and RMDIR answer with a name without a target: it does not exist any more. RENAME with the
	 * new one. Of a change whose maker left, nobody looked after the names in the meantime: its own is
	 * not trusted. */
	if (dir && r->aborted) {
		mreq_forget_name(m, dir, (const char *)rep->dname.p, rep->dname.len);
	} else if (dir && !err && rep->dname.len && rep->dname.len <= WALK_NAME_MAX &&
		   (target || rep->result == 0 || rep->result == -ENOENT)) {
		r->dentry = trace_dentry(m, s, dir, rep->dname, target, &rep->lease, r->sent_ns);
		if (!r->dentry)
			err = -ENOMEM;
	}
	r->dir = dir;
	r->target = target;
	/* Borrowed by `done`; nothing is trimmed before it returns. */
	inode_put(m, dir);
	inode_put(m, target);
	return err;
}
