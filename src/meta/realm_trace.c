/* realm_trace.c: takes in what an MDS tells of snap realms; see realm.h.
 *
 *   decode all of it --> realms made, put under one another and told, outermost first --> SPLIT: inodes and
 *   child realms move into the new one --> contexts renewed from the top down --> cap snaps
 *
 * A trace that cannot be understood, or taken in, is not guessed at: data of snapshots would be spoiled. The
 * mount writes nothing from then on.
 */
#include "meta.h"

#include <errno.h>

enum { SNAP_OP_SPLIT = 3, FEATURE_NEW_REALM_INFO = 19 };

int realm_fence(struct meta *m, const struct session *s, int err, const char *why)
{
	if (!m->fenced)
		log_fail(m->log, err, "mds.%d: snap realms: %s: nothing more is written", s ? s->rank : -1,
			 why ? why : "no memory");
	m->fenced = true;
	return err;
}

/* ---- a whole trace ---- */

struct chain {
	struct realm_info *info; /* owned; borrows from the message */
	struct realm **realm;    /* owned; refs */
	uint32_t count;
};

static int count_realms(const struct session *s, struct slice trace, uint32_t *count, const char **why)
{
	bool wrapped = s->features >> FEATURE_NEW_REALM_INFO & 1;
	struct dec d = dec_init(trace.p, trace.len);
	struct realm_info r;
	int got;

	*count = 0;
	while ((got = realm_next(&d, wrapped, &r)) == 1)
		if (++*count > REALM_DEPTH_MAX) {
			*why = "a trace of too many realms";
			return -E2BIG;
		}
	*why = d.what;
	return got;
}

/* Each realm's parent is the next, the last has none, and none comes twice. */
static int check_chain(const struct chain *c)
{
	for (uint32_t k = 0; k < c->count; k++) {
		uint64_t next = k + 1 < c->count ? c->info[k + 1].ino : 0;

		if (!c->info[k].ino || c->info[k].parent != next)
			return -EBADMSG;
		for (uint32_t n = 0; n < k; n++)
			if (c->info[n].ino == c->info[k].ino)
				return -EBADMSG;
	}
	return 0;
}

static int chain_decode(const struct session *s, struct slice trace, struct chain *c, const char **why)
{
	bool wrapped = s->features >> FEATURE_NEW_REALM_INFO & 1;
	struct dec d = dec_init(trace.p, trace.len);
	int err = count_realms(s, trace, &c->count, why);

	if (err || !c->count)
		return err;
	c->info = mem_alloc(c->count * sizeof *c->info);
	c->realm = mem_alloc(c->count * sizeof(struct realm *));
	if (!c->info || !c->realm)
		return -ENOMEM;
	for (uint32_t k = 0; k < c->count; k++)
		realm_next(&d, wrapped, &c->info[k]);
	*why = "a trace that is no chain up to the root";
	return check_chain(c);
}

static int chain_take(struct meta *m, struct session *s, struct chain *c, struct realm_queue *q)
{
	struct realm *above = NULL, *r;
	int err = 0;

	for (uint32_t k = c->count; k-- > 0 && !err; above = r) {
		r = realm_make(m, c->info[k].ino);
		if (!r)
			return -ENOMEM;
		c->realm[k] = realm_get(r);
		realm_adopt(m, r, above);
		err = realm_tell(m, r, &c->info[k]);
		realm_queue_add(q, r);
		if (c->info[k].seq > s->snap_seq)
			s->snap_seq = c->info[k].seq;
		if (s->snap_seq > m->snap_seq)
			m->snap_seq = s->snap_seq;
	}
	return err;
}

/* The innermost stays until the inodes that came with the trace are put into it. */
static void chain_end(struct meta *m, struct chain *c)
{
	struct realm *was = m->traced;

	if (c->realm && c->realm[0]) {
		m->traced = realm_get(c->realm[0]);
		realm_put(m, was);
	}
	for (uint32_t k = 0; c->realm && k < c->count; k++)
		realm_put(m, c->realm[k]);
	mem_free(c->realm, 0);
	mem_free(c->info, 0);
}

/* ---- SPLIT: `r` was cut out of another realm ---- */

static void split_inodes(struct meta *m, struct realm *r, struct slice inos)
{
	struct dec d = dec_init(inos.p, inos.len);
	struct inode *i;
	struct realm *was;

	while (dec_left(&d) >= 8) {
		i = inode_find(&m->cache, dec_u64(&d), SNAP_HEAD);
		was = i ? i->realm : NULL;
		/* One that is younger lies below it. */
		if (!was || was == r || was->created > r->created)
			continue;
		i->realm = realm_get(r);
		realm_put(m, was);
		if (i->use)
			capsnap_queue(m, i);
	}
}

static bool lies_above(const struct realm *above, const struct realm *r)
{
	while (r && r != above)
		r = r->parent;
	return r != NULL;
}

static void split_realms(struct meta *m, struct realm *r, struct slice inos, struct realm_queue *q)
{
	struct dec d = dec_init(inos.p, inos.len);
	struct realm *child;

	while (dec_left(&d) >= 8) {
		child = realm_find(m, dec_u64(&d));
		if (!child || child->parent == r)
			continue;
		if (lies_above(child, r)) {
			log_emit(m->log, LOG_WARN, "snap realm %llx cannot lie below %llx",
				 (unsigned long long)child->ino, (unsigned long long)r->ino);
			continue;
		}
		realm_adopt(m, child, r);
		realm_queue_add(q, child);
	}
}

/* ---- arrivals ---- */

static int apply(struct meta *m, struct session *s, struct slice trace, const struct snap_msg *split)
{
	struct realm_queue q = STAILQ_HEAD_INITIALIZER(q);
	struct chain c = { 0 };
	const char *why = NULL;
	int err = chain_decode(s, trace, &c, &why), e;

	if (!err && split && (!c.count || c.info[0].ino != split->split)) {
		why = "a split of another realm than it tells";
		err = -EBADMSG;
	}
	if (!err) {
		why = NULL;
		err = chain_take(m, s, &c, &q);
		if (!err && split)
			split_realms(m, c.realm[0], split->split_realms, &q);
		e = realms_renew(m, &q);
		err = err ? err : e;
		if (!err && split)
			split_inodes(m, c.realm[0], split->split_inos);
		if (err == -E2BIG)
			why = "more snapshots than a context can have";
	}
	chain_end(m, &c);
	return err ? realm_fence(m, s, err, why) : 0;
}

int realm_trace(struct meta *m, struct session *s, struct slice trace)
{
	return trace.len ? apply(m, s, trace, NULL) : 0;
}

void realm_handle_snap(struct meta *m, struct session *s, const struct snap_msg *msg)
{
	m->snap_gen++;
	apply(m, s, msg->trace, msg->op == SNAP_OP_SPLIT ? msg : NULL);
	capsnaps_kick(m);
}
