/* use.c: see use.h. */
#include "caps_impl.h"
#include "deleg.h"

struct inode_use *inode_use(struct meta *m, struct inode *i)
{
	struct inode_use *u = i->use;

	if (u)
		return u;
	u = slab_get(&m->uses);
	if (!u)
		return NULL;
	u->inode = inode_get(i);
	TAILQ_INIT(&u->flushes);
	TAILQ_INIT(&u->capsnaps);
	TAILQ_INIT(&u->waiters);
	LIST_INIT(&u->unsafe);
	LIST_INIT(&u->delegs);
	LIST_INSERT_HEAD(&m->in_use, u, in_use);
	i->use = u;
	m->cache.bytes += sizeof *u;
	return u;
}

static bool at_rest(const struct inode_use *u)
{
	for (unsigned n = 0; n < sizeof u->refs / sizeof *u->refs; n++)
		if (u->refs[n])
			return false;
	return !inode_is_open(u->inode) && !u->dirty && !u->flushing && TAILQ_EMPTY(&u->flushes) &&
	       TAILQ_EMPTY(&u->capsnaps) && TAILQ_EMPTY(&u->waiters) && LIST_EMPTY(&u->unsafe) &&
	       LIST_EMPTY(&u->delegs) && !u->locks && !u->creating && !u->error && !u->release_at_ns &&
	       !u->renewing && !u->waking && !u->data;
}

static void use_free(struct meta *m, struct inode_use *u)
{
	struct inode *i = u->inode;

	caps_unkeep(m, u);
	LIST_REMOVE(u, in_use);
	i->use = NULL;
	m->cache.bytes -= sizeof *u;
	slab_put(&m->uses, u);
	inode_put(m, i);
}

void inode_use_settle(struct meta *m, struct inode *i)
{
	if (i->use && at_rest(i->use))
		use_free(m, i->use);
}

void uses_fini(struct meta *m)
{
	struct inode_use *u;

	while ((u = LIST_FIRST(&m->in_use)) != NULL) {
		delegs_drop(u);
		locks_drop(m, u->inode);
		if (u != LIST_FIRST(&m->in_use))
			continue; /* it held nothing else */
		flush_drop_all(m, u);
		use_free(m, u);
	}
}

void inode_set_error(struct meta *m, struct inode *i, int err)
{
	struct inode_use *u = inode_use(m, i);

	if (u && !u->error)
		u->error = err;
	if (u) {
		u->lost = err;
		u->lost_count++;
	}
	if (!m->lost)
		m->lost = err;
}
