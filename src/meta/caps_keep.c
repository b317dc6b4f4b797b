/* caps_keep.c: opening, closing, and what is told a while afterwards.
 *
 * What a closed file wanted is kept for CAPS_KEEP_MS: it is often opened again, and then nothing need be said
 * at all. For as long at most something dirty stays here without the MDS's hearing of it. Both wait in one
 * list of the mount, in the order of their time, because the delay is the same for all:
 *
 *   closed, dirty, written to --> release_at = now + CAPS_KEEP_MS --> flush; give up what is not wanted;
 *                                        ^                             |
 *                                        '-- opened and closed since --'
 */
#include "caps_impl.h"

#include <errno.h>
#include <stddef.h>

enum { KEPT_PER_TURN = 1024, KEPT_PAUSE_MS = 1, DIR_WRITTEN_MS = 60000 };

static void kept_run(struct ring_timer *t);

static void arm(struct meta *m, uint64_t at_ns)
{
	if (m->keep_timer.slot && m->keep_timer.at_ns <= at_ns)
		return;
	if (m->keep_timer.slot)
		ring_timer_clear(m->ring, &m->keep_timer);
	m->keep_timer.fn = kept_run;
	ring_timer_set(m->ring, &m->keep_timer, at_ns);
}

void caps_unwanted_later(struct meta *m, struct inode_use *u)
{
	if (u->release_at_ns)
		return;
	u->release_at_ns = ring_now(m->ring) + CAPS_KEEP_MS * 1000000ull;
	TAILQ_INSERT_TAIL(&m->kept, u, kept_link);
	arm(m, u->release_at_ns);
}

void caps_keep(struct meta *m, struct inode_use *u)
{
	u->keep_until_ns = ring_now(m->ring) + CAPS_KEEP_MS * 1000000ull;
	caps_unwanted_later(m, u);
}

void caps_unkeep(struct meta *m, struct inode_use *u)
{
	if (!u->release_at_ns)
		return;
	u->release_at_ns = 0;
	TAILQ_REMOVE(&m->kept, u, kept_link);
}

/* The time has come; `force`: for all of it. */
static void due(struct meta *m, struct inode_use *u, bool force)
{
	uint64_t now = ring_now(m->ring);
	struct inode *i = inode_get(u->inode);
	/* One that was closed when it waited here already: half of its time will do. */
	bool over = force || u->keep_until_ns <= now + CAPS_KEEP_MS * 1000000ull / 2;

	caps_unkeep(m, u);
	if (force || u->written_until_ns <= now)
		u->written_until_ns = 0;
	caps_update(m, i, UPDATE_FLUSH | (over ? UPDATE_NOW : 0));
	if (i->use && (!over || i->use->written_until_ns))
		caps_unwanted_later(m, i->use);
	inode_use_settle(m, i);
	inode_put(m, i);
}

static void kept_run(struct ring_timer *t)
{
	struct meta *m = (struct meta *)((char *)t - offsetof(struct meta, keep_timer));
	uint64_t now = ring_now(m->ring);
	struct inode_use *u;

	for (int n = 0; n < KEPT_PER_TURN; n++) {
		u = TAILQ_FIRST(&m->kept);
		if (!u || u->release_at_ns > now)
			break;
		due(m, u, false);
	}
	u = TAILQ_FIRST(&m->kept);
	if (u) /* the rest of many: other work goes on in between */
		arm(m, u->release_at_ns > now ? u->release_at_ns : now + KEPT_PAUSE_MS * 1000000ull);
}

void caps_give_up_kept(struct meta *m)
{
	struct inode_use *u;

	if (m->data && m->data->give_up)
		m->data->give_up(m->data_arg);
	while ((u = TAILQ_FIRST(&m->kept)) != NULL)
		due(m, u, true);
}

/* ---- opening and closing ---- */

int caps_open(struct meta *m, struct inode *i, enum open_mode mode)
{
	struct inode_use *u = inode_use(m, i);
	const struct cap *c;

	if (!u)
		return -ENOMEM;
	u->opens[mode]++;
	c = cap_auth(i) ? cap_auth(i) : i->caps;
	if (c && (caps_wanted(i) & ~(c->issued | c->mds_wanted)))
		caps_update_later(m, i);
	return 0;
}

void caps_close(struct meta *m, struct inode *i, enum open_mode mode)
{
	struct inode_use *u = i->use;

	u->opens[mode]--;
	if (!(caps_file_wanted(i) & CAP_ANY_FILE_WR))
		u->wanted_max_size = 0;
	caps_keep(m, u);
}

void caps_dir_written(struct meta *m, struct inode *dir)
{
	struct inode_use *u = inode_use(m, dir);
	const struct cap *c = cap_auth(dir);

	if (!u)
		return; /* a wish only */
	u->written_until_ns = ring_now(m->ring) + DIR_WRITTEN_MS * 1000000ull;
	u->dir_ops = m->o.async_dirops ? CAP_ANY_DIR_OPS : 0;
	caps_unwanted_later(m, u);
	if (c && (caps_wanted(dir) & ~(c->issued | c->mds_wanted)))
		caps_update_later(m, dir);
}
