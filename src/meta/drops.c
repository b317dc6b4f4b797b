/* drops.c: caps and leases given up along with a request, so that the MDS need not call them back for it
 * (doc/protocol.md 5.4).
 *
 * Decided at the moment of sending, by what is held of that MDS then. Only what is neither used nor dirty
 * goes: the record says what remains, and from then on no more is held. A request that is sent again says
 * nothing: what was given up is gone already.
 */
#include "meta.h"
#include "request_impl.h"

void mreq_drop(struct mreq *r, struct inode *i, uint32_t drop, uint32_t unless, bool dentry)
{
	if (!i || r->drop_count == MREQ_DROPS)
		return;
	r->drops[r->drop_count++] =
	    (struct mreq_drop){ .inode = inode_get(i), .drop = drop, .unless = unless, .dentry = dentry };
}

void drops_forget(struct mreq *r)
{
	while (r->drop_count)
		inode_put(r->m, r->drops[--r->drop_count].inode);
}

/* The lease that the record gives up: of the name in `dir` that path, or for the second such record path2,
 * names. */
static struct dentry *leased(struct mreq *r, struct session *s, struct inode *dir, bool second)
{
	const char *name = second ? r->path2 : r->path;
	uint32_t len = second ? r->path2_len : r->path_len;
	struct dentry *d = dir->dir && len ? dentry_find(&r->m->cache, dir, name, len) : NULL;

	return d && d->lease_until_ns && d->lease_rank == s->rank && d->lease_gen == s->cap_gen ? d : NULL;
}

/* A lease can go though no bit does: then the record says that all of the cap remains. */
static bool all_remains(const struct inode *i, const struct session *s, struct mds_release *out)
{
	const struct cap *c = cap_find(i, s);

	if (!c || c->gen != s->cap_gen)
		return false;
	*out = (struct mds_release){ .ino = i->key.ino,
				     .cap_id = c->cap_id,
				     .caps = c->implemented,
				     .wanted = c->mds_wanted,
				     .seq = c->seq,
				     .issue_seq = c->issue_seq,
				     .mseq = c->mseq };
	return true;
}

static bool drop_take(struct mreq *r, const struct mreq_drop *d, struct session *s, bool second,
		      struct mds_release *out)
{
	struct inode *i = d->inode;
	struct dentry *dn = d->dentry ? leased(r, s, i, second) : NULL;

	if (i->key.snapid != SNAP_HEAD)
		return false;
	if (!cap_drop(r->m, i, s, d->drop, d->unless, out) && !(dn && all_remains(i, s, out)))
		return false;
	if (!dn)
		return true;
	out->dname = dn->key.name;
	out->dname_len = dn->key.len;
	out->dname_seq = dn->lease_seq;
	PUB_SET(dn->lease_until_ns, 0);
	return true;
}

uint32_t drops_take(struct mreq *r, struct session *s, struct mds_release *out)
{
	uint32_t count = 0;
	bool second = false;

	cache_write_begin(&r->m->cache);
	for (uint32_t n = 0; n < r->drop_count; n++) {
		const struct mreq_drop *d = &r->drops[n];

		count += drop_take(r, d, s, second, &out[count]);
		second |= d->dentry;
	}
	cache_write_end(&r->m->cache);
	return count;
}
