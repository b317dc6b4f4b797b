/* trace.c: puts what a reply tells into the cache, in the order of arrival (insert_trace in the other
 * clients).
 *
 * Each group of an inode's fields is taken only when the MDS's word is newer or authoritative for it
 * (doc/protocol.md 6.3). We never change metadata here, so no group is ever ahead of the MDS.
 */
#include "meta.h"

#include <errno.h>
#include <string.h>

static bool slice_equal_str(const char *have, struct slice s)
{
	return have ? strlen(have) == s.len && !memcmp(have, s.p, s.len) : s.len == 0;
}

static void plain_free(struct meta *m, void *p)
{
	(void)m;
	mem_free(p, 0);
}

static int take_string(struct meta *m, char **have, struct slice s, bool counted)
{
	char *copy;

	if (slice_equal_str(*have, s))
		return 0;
	copy = mem_alloc(s.len + 1ull);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, s.p, s.len);
	if (counted)
		m->cache.bytes += s.len + 1ull - (*have ? strlen(*have) + 1 : 0);
	if (*have)
		retire(m, *have, plain_free);
	PUB_SET(*have, copy);
	return 0;
}

int trace_xattrs(struct meta *m, struct inode *i, struct slice xattrs, uint64_t version)
{
	const uint32_t empty = 4; /* a map of no entries: most inodes', so it takes no memory */
	struct xattrs *x = NULL, *old = i->xattrs;

	if (!xattrs.len || version <= i->xattr_version)
		return 0;
	if (xattrs.len > empty) {
		x = mem_alloc(sizeof *x + xattrs.len);
		if (!x)
			return -ENOMEM;
		x->len = xattrs.len;
		memcpy(x->map, xattrs.p, xattrs.len);
	}
	m->cache.bytes += (x ? x->len : 0ull) - (old ? old->len : 0ull);
	PUB_SET(i->xattrs, x);
	if (old)
		retire(m, old, plain_free);
	i->xattr_version = version;
	return 0;
}

static int take_dir(struct meta *m, struct inode *i, const struct inode_stat *st, bool newer, bool first,
		    uint32_t newly)
{
	struct dir *d = inode_dir(m, i);
	bool auth = st->cap.flags & 1;
	struct dir_attrs a;
	int err = 0;

	if (!d)
		return -ENOMEM;
	a = d->a;
	d->quota_max_bytes = st->quota_max_bytes;
	d->quota_max_files = st->quota_max_files;
	if (newer || (st->cap.caps & CAP_FS)) {
		a.files = st->files;
		a.subdirs = st->subdirs;
	}
	if (newer || auth) {
		d->hash = st->dir_hash ? st->dir_hash : DIR_HASH_LINUX;
		a.rbytes = st->rbytes;
		a.rfiles = st->rfiles;
		a.rsubdirs = st->rsubdirs;
		a.rsnaps = st->rsnaps;
		a.rctime_ns = st->rctime_ns;
		d->pin = st->dir_pin;
	}
	dir_set_attrs(&m->cache, d, &a);
	if (st->fragtree.len / 8 != d->frags.count || first)
		err = fragtree_set(&d->frags, st->fragtree.p, st->fragtree.len);
	/* An empty directory whose Fs we just got has no names we do not know. */
	if ((newly & CAP_FS) && !a.files && !a.subdirs && LIST_EMPTY(&d->children) &&
	    !(st->cap.caps & CAP_FX))
		PUB_SET(d->complete, true);
	return err;
}

struct inode *trace_inode(struct meta *m, struct session *s, const struct inode_stat *st)
{
	const uint32_t file = CAP_FS | CAP_FR | CAP_FC | CAP_FW | CAP_FB | CAP_FX;
	struct inode *i = inode_make(m, st->ino, st->snapid);
	struct attrs a;
	bool first, newer;
	uint32_t newly;

	if (!i)
		return NULL;
	a = i->a;
	first = i->version == 0 && a.mode == 0;
	newer = first || ((st->cap.flags & 1) && st->version > (i->version & ~1ull));
	if (!first && ((a.mode ^ st->mode) & 0170000)) {
		log_fail(m->log, -EIO, "inode %llx changed its type: mode %o, was %o",
			 (unsigned long long)st->ino, st->mode, a.mode);
		return NULL;
	}
	if (first) { /* caps of a directory look at the type */
		a.mode = st->mode;
		inode_set_attrs(&m->cache, i, &a);
	}
	if (first && inode_is_dir(i) && !inode_dir(m, i))
		return NULL;
	if (cap_from_reply(m, s, i, st, &newly))
		return NULL;
	if (newer || (newly & CAP_AS)) {
		a.mode = st->mode;
		a.uid = st->uid;
		a.gid = st->gid;
		a.btime_ns = st->btime_ns;
	}
	if (newer || (newly & CAP_LS))
		a.nlink = st->nlink;
	if (newer || (newly & (CAP_ANY_SHARED | CAP_FR))) {
		a.ctime_ns = st->ctime_ns;
		if ((int32_t)(st->time_warp_seq - a.time_warp_seq) >= 0 || first) {
			a.mtime_ns = st->mtime_ns;
			a.atime_ns = st->atime_ns;
			a.time_warp_seq = st->time_warp_seq;
		}
	}
	if (newer || (newly & file)) {
		a.layout = st->layout;
		a.size = st->size;
		i->truncate_seq = st->truncate_seq;
		i->truncate_size = st->truncate_size;
		if (st->cap.flags & 1)
			i->max_size = st->max_size;
		if (take_string(m, &i->pool_ns, st->pool_ns, false))
			return NULL;
	}
	if (st->change_attr > a.change_attr)
		a.change_attr = st->change_attr;
	a.rdev = st->rdev;
	inode_set_attrs(&m->cache, i, &a);
	if (inode_is_link(i) && !i->symlink && take_string(m, &i->symlink, st->symlink, true))
		return NULL;
	if (trace_xattrs(m, i, st->xattrs, st->xattr_version))
		return NULL;
	if (inode_is_dir(i) && take_dir(m, i, st, newer, first, newly))
		return NULL;
	if (newer)
		i->version = st->version;
	i->used = true;
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

struct dentry *trace_dentry(struct meta *m, struct session *s, struct inode *dir, struct slice name,
			    struct inode *target, const struct lease_stat *lease, uint64_t sent_ns)
{
	struct dentry *d = dentry_link(m, dir, (const char *)name.p, name.len, target);
	uint64_t now = ring_now(m->ring);

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
	/* UNLINK and RMDIR answer with a name without a target: it does not exist any more. RENAME with the new one.
	 * Of a change whose maker left, nobody looked after the names in the meantime: its own is not trusted. */
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
