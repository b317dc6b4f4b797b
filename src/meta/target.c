/* target.c: which MDS rank should get a request (doc/protocol.md 5.5).
 *
 * Below .snap the live directory decides, and its fragments do not matter.
 *
 *   1  a forward named one, even if it is not active yet: whoever else is asked would send us there again
 *   2  the directory's fragment that holds the name has a known authority
 *   3  authority asked for (OPEN, READDIR, retries): the rank of the inode's auth cap; else any cap's rank
 *   4  no cap: the lowest active rank (it forwards)
 */
#include "meta.h"

static bool rank_active(const struct meta *m, int rank)
{
	return rank >= 0 && rank < (int)m->map->rank_count && m->map->rank[rank].present &&
	       (m->map->rank[rank].state == MDS_STATE_ACTIVE ||
		m->map->rank[rank].state == MDS_STATE_STOPPING);
}

int meta_any_rank(const struct meta *m)
{
	int laggy = -1;

	for (int r = 0; m->map && r < (int)m->map->rank_count; r++) {
		if (!rank_active(m, r))
			continue;
		if (!m->map->rank[r].laggy)
			return r;
		laggy = laggy < 0 ? r : laggy;
	}
	return laggy;
}

static int frag_rank(const struct meta *m, const struct mreq *r)
{
	const struct dir *d = r->base ? r->base->dir : NULL;
	uint32_t frag;

	if (!d || !d->rank_count || !r->hash_name_len)
		return -1;
	frag = fragtree_find(&d->frags, dir_hash(d->hash, r->path, r->hash_name_len));
	for (uint32_t n = 0; n < d->rank_count; n++)
		if (d->ranks[n].frag == frag && rank_active(m, d->ranks[n].rank))
			return d->ranks[n].rank;
	return -1;
}

int mreq_choose_rank(struct mreq *r)
{
	struct meta *m = r->m;
	bool live = r->base && r->base->key.snapid == SNAP_HEAD;
	const struct inode *base = live || !r->base ? r->base : snap_live(m, r->base);
	const struct cap *c;
	int rank;

	if (r->forced_rank >= 0 && r->forced_rank < (int)m->map->rank_count)
		return rank_active(m, r->forced_rank) ? r->forced_rank : -1;
	rank = live ? frag_rank(m, r) : -1;
	if (rank >= 0)
		return rank;
	if (base) {
		c = cap_auth(base);
		if (!c && !r->need_auth)
			c = base->caps;
		if (c)
			return rank_active(m, c->session->rank) ? c->session->rank : -1;
	}
	return meta_any_rank(m);
}
