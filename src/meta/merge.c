/* merge.c: which fields of an inode may be taken from what an MDS says, in a reply or in a GRANT: the one
 * place that decides it (doc/protocol.md 6.3).
 *
 *   group                  taken when                                  but not while
 *   mode, uid, gid, btime  newer, or As or Ax told                     Ax is held or dirty
 *   nlink                  newer, or Ls or Lx told                     Lx is held or dirty
 *   xattrs                 their version is newer                      Xx is held or dirty
 *   times                  newer, or any readable bit told             below
 *   layout, size,          newer, or any bit of the file told          below
 *   truncate_*, max_size   the same, from the authority only
 *   files, subdirs         newer, or Fs told
 *   recursive statistics   newer, or from the authority
 *   change_attr            the larger one, always
 *   inline_version         likewise
 *
 *   times: with any of Ax Xx Fx Fw Fb held or dirty our own may be later: ctime is the later one; with
 * another time_warp_seq (it counts times that were set, not moved forward) the newer one's mtime and atime,
 * with the same the later of each. Without, all three of whoever is not older.
 *
 *   size: a newer truncate_seq (it counts cuts) wins; with the same the larger size: what is smaller has not
 * yet heard of what was appended here.
 *
 * An exclusive bit that was given back while its change is still being flushed is dirty: ours wins until the
 * acknowledgement, and only then may somebody else have changed it.
 */
#include "caps_impl.h"

#include <errno.h>
#include <string.h>

enum { FILE_BITS = CAP_FS | CAP_FR | CAP_FC | CAP_FW | CAP_FB | CAP_FX };

/* ---- both forms ---- */

void told_from_stat(struct told *t, const struct inode_stat *st)
{
	*t = (struct told){
		.auth = st->cap.flags & 1,
		.mode = st->mode,
		.uid = st->uid,
		.gid = st->gid,
		.nlink = st->nlink,
		.time_warp_seq = st->time_warp_seq,
		.truncate_seq = st->truncate_seq,
		.size = st->size,
		.max_size = st->max_size,
		.truncate_size = st->truncate_size,
		.change_attr = st->change_attr,
		.inline_version = st->inline_version,
		.ctime_ns = st->ctime_ns,
		.mtime_ns = st->mtime_ns,
		.atime_ns = st->atime_ns,
		.btime_ns = st->btime_ns,
		.layout = st->layout,
		.pool_ns = st->pool_ns,
		.xattrs = st->xattrs,
		.xattr_version = st->xattr_version,
		.counts = true,
		.recursive = true,
		.files = st->files,
		.subdirs = st->subdirs,
		.rbytes = st->rbytes,
		.rfiles = st->rfiles,
		.rsubdirs = st->rsubdirs,
		.rsnaps = st->rsnaps,
		.rctime_ns = st->rctime_ns,
	};
}

void told_from_caps(struct told *t, const struct caps_msg *g)
{
	*t = (struct told){
		.bits = g->caps,
		.mode = g->mode,
		.uid = g->uid,
		.gid = g->gid,
		.nlink = g->nlink,
		.time_warp_seq = g->time_warp_seq,
		.truncate_seq = g->truncate_seq,
		.size = g->size,
		.max_size = g->max_size,
		.truncate_size = g->truncate_size,
		.change_attr = g->change_attr,
		.inline_version = g->inline_version,
		.ctime_ns = g->ctime_ns,
		.mtime_ns = g->mtime_ns,
		.atime_ns = g->atime_ns,
		.btime_ns = g->btime_ns,
		.layout = g->layout,
		.pool_ns = g->pool_ns,
		.xattrs = g->xattrs,
		.xattr_version = g->xattr_version,
		.counts = g->has_dirstat,
		.files = g->nfiles,
		.subdirs = g->nsubdirs,
	};
}

/* ---- strings and xattrs ---- */

static void plain_free(struct meta *m, void *p)
{
	(void)m;
	mem_free(p, 0);
}

static bool same_text(const char *have, struct slice s)
{
	return have ? strlen(have) == s.len && !memcmp(have, s.p, s.len) : s.len == 0;
}

int merge_string(struct meta *m, char **have, struct slice s, bool counted)
{
	char *copy, *old = *have;

	if (same_text(old, s))
		return 0;
	copy = mem_alloc(s.len + 1ull);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, s.p, s.len);
	if (counted)
		m->cache.bytes += s.len + 1ull - (old ? strlen(old) + 1 : 0);
	PUB_SET(*have, copy);
	if (old)
		retire(m, old, plain_free);
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
	cache_write_begin(&m->cache);
	PUB_SET(i->xattrs, x);
	cache_write_end(&m->cache);
	if (old)
		retire(m, old, plain_free);
	i->xattr_version = version;
	return 0;
}

/* ---- times and size ---- */

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void merge_times(struct attrs *a, const struct told *t)
{
	int32_t warp = (int32_t)(t->time_warp_seq - a->time_warp_seq);
	bool ours = t->held & (CAP_AX | CAP_XX | CAP_FX | CAP_FW | CAP_FB);

	if (t->first || (!ours && warp >= 0)) {
		a->ctime_ns = t->ctime_ns;
		a->mtime_ns = t->mtime_ns;
		a->atime_ns = t->atime_ns;
		a->time_warp_seq = t->time_warp_seq;
		return;
	}
	if (!ours)
		return;
	a->ctime_ns = later(a->ctime_ns, t->ctime_ns);
	if (warp > 0) {
		a->mtime_ns = t->mtime_ns;
		a->atime_ns = t->atime_ns;
		a->time_warp_seq = t->time_warp_seq;
	} else if (warp == 0) {
		a->mtime_ns = later(a->mtime_ns, t->mtime_ns);
		a->atime_ns = later(a->atime_ns, t->atime_ns);
	}
}

/* True: the file was cut since we last heard of it. */
static bool merge_size(struct inode *i, struct attrs *a, const struct told *t)
{
	int32_t cut = (int32_t)(t->truncate_seq - i->truncate_seq);

	if (t->first || cut > 0 || (cut == 0 && t->size > a->size)) {
		a->size = t->size;
		if (i->use)
			i->use->clean_size = t->size;
	}
	if (t->first || cut >= 0) {
		i->truncate_seq = t->truncate_seq;
		i->truncate_size = t->truncate_size;
	}
	return !t->first && cut > 0;
}

/* The size that the authority lets us write to; who waits for it is woken by whoever called merge(). */
static void merge_max_size(struct inode *i, uint64_t max_size)
{
	struct inode_use *u = i->use;

	i->max_size = max_size;
	if (u && max_size >= u->wanted_max_size)
		u->wanted_max_size = u->requested_max_size = 0;
}

static int merge_file(struct meta *m, struct inode *i, struct attrs *a, const struct told *t, bool *cut)
{
	*cut = false;
	if (!t->newer && !(t->bits & FILE_BITS))
		return 0;
	a->layout = t->layout;
	if (inode_is_dir(i))
		a->size = t->size;
	else
		*cut = merge_size(i, a, t);
	if (t->auth)
		merge_max_size(i, t->max_size);
	return merge_string(m, &i->pool_ns, t->pool_ns, false);
}

/* ---- all of it ---- */

static void merge_dir(struct meta *m, struct inode *i, const struct told *t)
{
	struct dir_attrs a = i->dir->a;

	if (t->counts && (t->newer || (t->bits & CAP_FS))) {
		a.files = t->files;
		a.subdirs = t->subdirs;
	}
	if (t->recursive && (t->newer || t->auth)) {
		a.rbytes = t->rbytes;
		a.rfiles = t->rfiles;
		a.rsubdirs = t->rsubdirs;
		a.rsnaps = t->rsnaps;
		a.rctime_ns = t->rctime_ns;
	}
	dir_set_attrs(&m->cache, i->dir, &a);
}

int merge(struct meta *m, struct inode *i, const struct told *t)
{
	struct attrs a = i->a;
	bool cut;
	int err;

	if ((t->newer || (t->bits & (CAP_AS | CAP_AX))) && !(t->held & CAP_AX)) {
		a.mode = t->mode;
		a.uid = t->uid;
		a.gid = t->gid;
		a.btime_ns = t->btime_ns;
	}
	if ((t->newer || (t->bits & (CAP_LS | CAP_LX))) && !(t->held & CAP_LX))
		a.nlink = t->nlink;
	if (t->newer || (t->bits & (CAP_ANY_SHARED | CAP_FR)))
		merge_times(&a, t);
	a.change_attr = later(a.change_attr, t->change_attr);
	/* It counts up, and to the end when the data moves into objects. */
	i->inline_version = later(i->inline_version, t->inline_version);
	err = merge_file(m, i, &a, t, &cut);
	inode_set_attrs(&m->cache, i, &a);
	if (i->dir)
		merge_dir(m, i, t);
	if (!err && !(t->held & CAP_XX))
		err = trace_xattrs(m, i, t->xattrs, t->xattr_version);
	if (cut && m->data && m->data->truncated)
		m->data->truncated(m->data_arg, i, i->truncate_size);
	return err;
}

void merge_forget(struct meta *m, struct inode *i)
{
	struct attrs a = i->a;

	a.time_warp_seq = 0;
	a.change_attr = 0;
	i->version = i->xattr_version = i->max_size = 0;
	i->truncate_seq = 0;
	inode_set_attrs(&m->cache, i, &a);
}
