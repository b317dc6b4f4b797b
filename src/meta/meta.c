/* meta.c: the life of a mount's MDS client; see meta.h. */
#include "meta.h"
#include "session_impl.h"
#include "walk_impl.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { RENEWALS_PER_TIMEOUT = 3 };

static struct meta *of_renew(struct ring_timer *t)
{
	return (struct meta *)((char *)t - offsetof(struct meta, renew_timer));
}

static void on_renew(struct ring_timer *t)
{
	struct meta *m = of_renew(t);
	uint64_t timeout_s = m->map && m->map->session_timeout ? m->map->session_timeout : 60;

	sessions_renew(m);
	ring_timer_set(m->ring, t, ring_now(m->ring) + timeout_s * 1000000000ull / RENEWALS_PER_TIMEOUT);
}

static void on_release(struct ring_timer *t)
{
	sessions_send_releases((struct meta *)((char *)t - offsetof(struct meta, release_timer)));
}

int meta_init(struct meta *m, struct ring *r, struct log *log, const struct meta_opts *o)
{
	*m = (struct meta){ .ring = r, .log = log, .o = *o };
	TAILQ_INIT(&m->in_order);
	TAILQ_INIT(&m->wait_map);
	TAILQ_INIT(&m->failing);
	LIST_INIT(&m->ops);
	TAILQ_INIT(&m->cache.lru);
	TAILQ_INIT(&m->cache.negative);
	m->renew_timer.fn = on_renew;
	m->release_timer.fn = on_release;
	slab_init(&m->mreqs, sizeof(struct mreq), META_REQUESTS_MAX + META_UNSAFE_MAX);
	slab_init(&m->inodes, sizeof(struct inode), 0);
	slab_init(&m->caps, sizeof(struct cap), 0);
	slab_init(&m->dirs, sizeof(struct dir), 0);
	slab_init(&m->uses, sizeof(struct inode_use), 0);
	slab_init(&m->flushes_slab, sizeof(struct cap_flush), 0);
	slab_init(&m->capsnaps_slab, sizeof(struct capsnap), 0);
	TAILQ_INIT(&m->flushes);
	TAILQ_INIT(&m->dirty);
	TAILQ_INIT(&m->kept);
	LIST_INIT(&m->syncs);
	LIST_INIT(&m->commands);
	slab_init(&m->batches, sizeof(struct walk_batch), META_REQUESTS_MAX);
	if (realms_init(m))
		return -ENOMEM;
	return tid_table_init(&m->requests);
}

int meta_start(struct meta *m)
{
	int err = retired_init(m);
	uint64_t seed;

	if (err)
		return err;
	ring_random(m->ring, &seed, sizeof seed);
	return cache_init(&m->cache, m->o.cache_bytes, seed);
}

bool meta_usable(const struct meta *m)
{
	return meta_any_rank(m) >= 0;
}

void meta_handle_mdsmap(struct meta *m, const struct mdsmap *map)
{
	struct mdsmap *copy;

	if (m->closing)
		return;
	if (!map) {
		log_emit(m->log, LOG_ERROR, "the file system was removed");
		m->fs_gone = true;
		mreqs_fail_waiting(m, -ESHUTDOWN);
		return;
	}
	if (m->map && map->epoch <= m->map->epoch)
		return;
	copy = mem_alloc(sizeof *copy);
	if (!copy)
		return;
	*copy = *map;
	m->fs_gone = false;
	mem_free(m->map, sizeof *m->map);
	m->map = copy;
	if (!m->renew_timer.slot)
		ring_timer_set(m->ring, &m->renew_timer,
			       ring_now(m->ring) +
				   copy->session_timeout * 1000000000ull / RENEWALS_PER_TIMEOUT);
	sessions_map_changed(m);
	mreqs_kick_waiting(m);
	if (m->on_map)
		m->on_map(m->arg);
}

/* ---- the end: stop.c, then ---- */

static void timers_clear(struct meta *m)
{
	struct ring_timer *timers[] = { &m->renew_timer, &m->release_timer, &m->want_timer, &m->keep_timer,
					&m->snap_timer,  &m->close_timer,   &m->fill_timer };

	for (size_t n = 0; n < sizeof timers / sizeof *timers; n++)
		if (timers[n]->slot)
			ring_timer_clear(m->ring, timers[n]);
}

void meta_forget(struct meta *m)
{
	struct inode *root = m->root;

	m->stopping = m->closing = true;
	timers_clear(m);
	for (int r = 0; r < MDS_RANK_MAX; r++)
		if (m->session[r])
			session_disconnect(m->session[r]);
	retired_ending(m);
	cache_write_begin(&m->cache);
	PUB_SET(m->root, NULL);
	cache_write_end(&m->cache);
	inode_put(m, root);
	uses_fini(m);
	cache_fini(m);
}

void meta_fini(struct meta *m)
{
	meta_forget(m);
	realms_fini(m);
	for (int r = 0; r < MDS_RANK_MAX; r++)
		if (m->session[r])
			session_free(m->session[r]);
	tid_table_fini(&m->requests);
	mem_free(m->want_list, 0);
	mem_free(m->map, sizeof *m->map);
	retired_fini(m);
	slab_fini(&m->mreqs);
	slab_fini(&m->inodes);
	slab_fini(&m->caps);
	slab_fini(&m->dirs);
	slab_fini(&m->uses);
	slab_fini(&m->flushes_slab);
	slab_fini(&m->capsnaps_slab);
	slab_fini(&m->batches);
}
