/* snap.c: the names below .snap.
 *
 *   DIR (live) -.snap-> (DIR, SNAP_DIR) -name-> (DIR, snapid) -name-> (child, snapid) ...
 *
 * The .snap of a directory is made up here and never asked for: it shows its directory's attributes, and
 * hangs in the cache as one of its names, which no listing shows. So what lies below keeps the live directory
 * cached, and `..` leads out.
 *
 *   name                    trusted
 *   DIR/.snap               always
 *   DIR/.snap/NAME          while the cap of DIR is the one that was held when it was told, and no MDS has
 *                           spoken of snapshots since: who made, removed or renamed one has us told first
 *   below                   always: a snapshot does not change
 *
 * An MDS knows snapped inodes only by their way from the live directory; what it grants on them it never
 * takes back, so it is remembered in the inode, without a session.
 */
#include "meta.h"

#include <errno.h>
#include <string.h>

static const char snapdir_name[] = ".snap";
enum { SNAPDIR_LEN = sizeof snapdir_name - 1 };

/* ---- the virtual directory ---- */

static void show(struct cache *c, struct inode *snapdir, const struct inode *dir)
{
	struct attrs a = dir->a;

	a.nlink = 1;
	a.rdev = 0;
	inode_set_attrs(c, snapdir, &a);
}

void snap_dir_show(struct cache *c, struct inode *dir)
{
	struct dentry *d = dentry_find(c, dir, snapdir_name, SNAPDIR_LEN);

	if (d && d->inode)
		show(c, d->inode, dir);
	else
		dir->dir->has_snapdir = false;
}

struct inode *snap_dir(struct meta *m, struct inode *dir)
{
	struct inode *s = inode_make(m, dir->key.ino, SNAP_DIR);
	struct dentry *d;

	if (!s || !inode_dir(m, s) || !inode_dir(m, dir))
		return NULL;
	if (dir->dir->has_snapdir && !LIST_EMPTY(&s->aliases))
		return s;
	inode_get(s);
	show(&m->cache, s, dir);
	s->version = 1;
	dir->dir->has_snapdir = true;
	cache_write_begin(&m->cache);
	d = dentry_link(m, dir, snapdir_name, SNAPDIR_LEN, s);
	cache_write_end(&m->cache);
	inode_put(m, s);
	return d ? s : NULL;
}

/* ---- ways ---- */

/* The directory that it was found in. */
static struct inode *parent_of(const struct inode *i)
{
	struct dentry *d = LIST_FIRST(&i->aliases);

	return d ? d->key.dir : NULL;
}

struct inode *snap_live(struct meta *m, const struct inode *i)
{
	while (i && i->key.snapid != SNAP_HEAD && i->key.snapid != SNAP_DIR)
		i = parent_of(i);
	return i ? inode_find(&m->cache, i->key.ino, SNAP_HEAD) : NULL;
}

int snap_path(struct meta *m, const struct inode *i, uint64_t *live_ino, char *buf, uint32_t size,
	      uint32_t *len)
{
	uint32_t at = size;
	const struct dentry *d;

	(void)m;
	while (i->key.snapid != SNAP_HEAD && i->key.snapid != SNAP_DIR) {
		d = LIST_FIRST(&i->aliases);
		if (!d)
			return -ESTALE;
		if (at < d->key.len + 1)
			return -ENAMETOOLONG;
		at -= d->key.len;
		memcpy(buf + at, d->key.name, d->key.len);
		buf[--at] = '/';
		i = d->key.dir;
	}
	*live_ino = i->key.ino;
	*len = size - at;
	memmove(buf, buf + at, *len);
	return 0;
}

/* ---- trust ---- */

static const struct cap *live_cap(struct meta *m, const struct inode *snapdir, uint64_t now_ns)
{
	const struct inode *dir = inode_find(&m->cache, snapdir->key.ino, SNAP_HEAD);
	const struct cap *c = dir ? cap_auth(dir) : NULL;

	return c && c->issued && session_caps_valid(c->session, c->gen, now_ns) ? c : NULL;
}

bool snap_name_valid(struct meta *m, const struct dentry *d, uint64_t now_ns)
{
	const struct cap *c;

	if (d->key.dir->key.snapid != SNAP_DIR)
		return true;
	c = live_cap(m, d->key.dir, now_ns);
	return c && d->shared_gen == m->snap_gen && d->lease_rank == c->session->rank &&
	       d->lease_gen == (uint32_t)c->cap_id;
}

struct dentry *snap_name_link(struct meta *m, struct inode *dir, const char *name, uint32_t len,
			      struct inode *target)
{
	const struct cap *c = live_cap(m, dir, ring_now(m->ring));
	struct dentry *d;

	cache_write_begin(&m->cache);
	d = dentry_link(m, dir, name, len, target);
	if (d && dir->key.snapid == SNAP_DIR) {
		PUB_SET(d->shared_gen, m->snap_gen);
		PUB_SET(d->lease_rank, c ? c->session->rank : -1);
		PUB_SET(d->lease_gen, c ? (uint32_t)c->cap_id : 0);
	}
	cache_write_end(&m->cache);
	return d;
}

/* Where a cap of the live inode has seen the extended attributes, they are left out, and Xs is said all the
 * same. */
uint32_t snap_grant(struct inode *i, const struct inode_stat *st)
{
	uint32_t had = i->snap_caps;

	i->snap_caps |= st->xattrs.len ? st->cap.caps : st->cap.caps & ~(uint32_t)CAP_XS;
	return i->snap_caps & ~had;
}

uint32_t snap_issued(const struct inode *i, uint64_t now_ns)
{
	const struct inode *dir = i->key.snapid == SNAP_DIR ? parent_of(i) : NULL;

	if (i->key.snapid == SNAP_DIR)
		return dir ? caps_issued(dir, now_ns) & CAP_STAT_ALL : 0;
	return i->snap_caps;
}
