/* caps.c: see caps.h. */
#include "meta.h"

#include <errno.h>
#include <string.h>

/* ---- questions ---- */

uint32_t caps_issued(const struct inode *i, uint64_t now_ns)
{
	uint32_t bits = 0;

	for (const struct cap *c = i->caps; c; c = c->next)
		if (session_caps_valid(c->session, c->gen, now_ns))
			bits |= c->issued;
	return bits;
}

uint32_t caps_issued_by(const struct inode *i, const struct session *s, uint64_t now_ns)
{
	const struct cap *c = cap_find(i, s);

	return c && session_caps_valid(s, c->gen, now_ns) ? c->issued : 0;
}

bool caps_any(const struct inode *i, uint64_t now_ns)
{
	return caps_issued(i, now_ns) != 0;
}

struct cap *cap_find(const struct inode *i, const struct session *s)
{
	struct cap *c = i->caps;

	while (c && c->session != s)
		c = c->next;
	return c;
}

struct cap *cap_auth(const struct inode *i)
{
	struct cap *c = i->caps;

	while (c && !c->auth)
		c = c->next;
	return c;
}

const char *caps_check(const struct inode *i)
{
	unsigned auths = 0;

	for (const struct cap *c = i->caps; c; c = c->next) {
		if (c->inode != i)
			return "a cap of another inode";
		if (c->issued & ~c->implemented)
			return "issued is not within implemented";
		for (const struct cap *o = c->next; o; o = o->next)
			if (o->session == c->session)
				return "two caps of one rank";
		auths += c->auth;
	}
	return auths > 1 ? "two authorities" : NULL;
}

/* ---- making and removing ---- */

static struct cap *cap_make(struct meta *m, struct session *s, struct inode *i)
{
	struct cap *c = cap_find(i, s);

	if (c)
		return c;
	c = slab_get(&m->caps);
	if (!c)
		return NULL;
	c->inode = i;
	c->session = s;
	c->next = i->caps;
	i->caps = c;
	TAILQ_INSERT_TAIL(&s->caps, c, by_session);
	s->cap_count++;
	m->cache.bytes += sizeof *c;
	return c;
}

/* Names below are protected by Fs: newly gained, older knowledge does not count any more. */
static void fs_changed(struct inode *i, uint32_t before, uint32_t after)
{
	if (!i->dir || !((before ^ after) & CAP_FS))
		return;
	if (after & CAP_FS)
		PUB_SET(i->dir->shared_gen, i->dir->shared_gen + 1);
	dir_incomplete(i);
}

void cap_remove(struct meta *m, struct cap *c, bool release)
{
	struct cap **p = &c->inode->caps;

	fs_changed(c->inode, c->issued, 0);
	if (release)
		session_queue_release(c->session, c);
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	TAILQ_REMOVE(&c->session->caps, c, by_session);
	c->session->cap_count--;
	m->cache.bytes -= sizeof *c;
	slab_put(&m->caps, c);
}

void caps_remove_all(struct meta *m, struct inode *i, bool release)
{
	while (i->caps)
		cap_remove(m, i->caps, release);
}

static void take_auth(struct inode *i, struct cap *winner)
{
	for (struct cap *c = i->caps; c; c = c->next)
		c->auth = c == winner;
}

/* A stale cap that the MDS speaks of again starts from PIN: what it grants now is all there is. */
static void cap_refresh_gen(struct cap *c)
{
	if (c->gen == c->session->cap_gen)
		return;
	fs_changed(c->inode, c->issued, 0);
	c->issued = c->implemented = CAP_PIN;
	c->gen = c->session->cap_gen;
}

int cap_from_reply(struct meta *m, struct session *s, struct inode *i, const struct inode_stat *st,
		   uint32_t *newly)
{
	uint32_t before;
	struct cap *c;

	*newly = 0;
	if (st->snapid != SNAP_HEAD) /* a snapped inode's cap fields are garbage (doc/protocol.md 6.2) */
		return 0;
	if (!st->cap.caps && !st->cap.cap_id)
		return 0;
	c = cap_make(m, s, i);
	if (!c)
		return -ENOMEM;
	if (c->cap_id != st->cap.cap_id) { /* another incarnation, or new */
		fs_changed(i, c->issued, 0);
		*c = (struct cap){ .inode = i,
				   .session = s,
				   .next = c->next,
				   .by_session = c->by_session,
				   .cap_id = st->cap.cap_id,
				   .gen = s->cap_gen,
				   .mds_wanted = st->cap.wanted };
	}
	cap_refresh_gen(c);
	before = c->issued;
	if ((int32_t)(st->cap.seq - c->seq) >= 0 || !c->seq) {
		c->issued = st->cap.caps;
		c->seq = st->cap.seq;
	} else {
		c->issued |= st->cap.caps; /* older than a push that overtook it: doc/protocol.md 7.5 */
	}
	c->implemented |= c->issued;
	c->issue_seq = st->cap.seq;
	c->mseq = st->cap.mseq;
	c->mds_wanted = st->cap.wanted;
	if (st->cap.flags & 1)
		take_auth(i, c);
	*newly = c->issued & ~before;
	fs_changed(i, before, c->issued);
	return 0;
}

/* ---- telling the MDS ---- */

uint32_t caps_wanted(const struct inode *i)
{
	if (!inode_is_open(i))
		return 0;
	return inode_is_dir(i) ? CAP_PIN | CAP_ANY_SHARED : CAP_PIN | CAP_FS | CAP_FR | CAP_FC;
}

int caps_open(struct meta *m, struct inode *i, enum open_mode mode)
{
	struct inode_use *u = inode_use(m, i);

	if (!u)
		return -ENOMEM;
	u->opens[mode]++;
	caps_update_later(m, i);
	return 0;
}

void caps_close(struct meta *m, struct inode *i, enum open_mode mode)
{
	i->use->opens[mode]--;
	caps_update_later(m, i);
	inode_use_settle(m, i);
}

static void cap_send_update(struct meta *m, struct cap *c)
{
	struct inode *i = c->inode;
	struct caps_msg u = {
		.op = CAPS_UPDATE,
		.ino = i->key.ino,
		.cap_id = c->cap_id,
		.seq = c->seq,
		.issue_seq = c->issue_seq,
		.caps = c->implemented,
		.wanted = caps_wanted(i),
		.mseq = c->mseq,
		.uid = i->a.uid,
		.gid = i->a.gid,
		.mode = i->a.mode,
		.nlink = i->a.nlink,
		.xattr_version = i->xattr_version,
		.size = i->a.size,
		.truncate_size = i->truncate_size,
		.truncate_seq = i->truncate_seq,
		.time_warp_seq = i->a.time_warp_seq,
		.mtime_ns = i->a.mtime_ns,
		.atime_ns = i->a.atime_ns,
		.ctime_ns = i->a.ctime_ns,
		.btime_ns = i->a.btime_ns,
		.change_attr = i->a.change_attr,
		.inline_version = 0,
		.caller_uid = -1,
		.caller_gid = -1,
		.nfiles = -1,
		.nsubdirs = -1,
		.has_dirstat = true,
	};
	struct msg *msg = msg_new(MSG_CLIENT_CAPS, CAPS_VERSION, 1, 0);

	if (!msg)
		return;
	caps_encode(&msg->front, &u);
	c->mds_wanted = u.wanted;
	session_send_msg(c->session, msg);
}

static void want_flush(struct ring_timer *t)
{
	struct meta *m = (struct meta *)((char *)t - offsetof(struct meta, want_timer));

	for (uint32_t n = 0; n < m->want_count; n++) {
		struct inode *i = m->want_list[n];
		struct cap *c = cap_auth(i) ? cap_auth(i) : i->caps;
		uint32_t wanted = caps_wanted(i);

		/* Only what is neither held nor known to be wanted is news; so is wanting nothing any more.
		 */
		if (c && c->session->state == SESS_OPEN &&
		    ((wanted & ~(c->mds_wanted | c->issued)) || (!wanted && c->mds_wanted)))
			cap_send_update(m, c);
		inode_put(m, i);
	}
	m->want_count = 0;
}

void caps_update_later(struct meta *m, struct inode *i)
{
	for (uint32_t n = m->want_count; n-- > 0 && n + 8 > m->want_count;)
		if (m->want_list[n] == i)
			return;
	if (m->want_count == m->want_cap) {
		uint32_t cap = m->want_cap ? m->want_cap * 2 : 64;
		struct inode **list = mem_realloc(m->want_list, cap * sizeof *list);

		if (!list)
			return; /* a wish only: reading still works, with a round trip */
		m->want_list = list;
		m->want_cap = cap;
	}
	m->want_list[m->want_count++] = inode_get(i);
	if (!m->want_timer.slot) {
		m->want_timer.fn = want_flush;
		ring_timer_set(m->ring, &m->want_timer, ring_now(m->ring) + CAPS_WANT_DELAY_MS * 1000000ull);
	}
}

/* ---- pushes ---- */

static void fill_from_caps(struct meta *m, struct inode *i, const struct caps_msg *g)
{
	const uint32_t file = CAP_FS | CAP_FR | CAP_FC | CAP_FW | CAP_FB | CAP_FX;
	struct attrs a = i->a;

	if (g->caps & CAP_AS) {
		a.mode = g->mode ? g->mode : a.mode;
		a.uid = g->uid;
		a.gid = g->gid;
		a.btime_ns = g->btime_ns;
	}
	if (g->caps & CAP_LS)
		a.nlink = g->nlink;
	if (g->caps & (file | CAP_AS | CAP_LS | CAP_XS)) {
		a.ctime_ns = g->ctime_ns;
		if ((int32_t)(g->time_warp_seq - a.time_warp_seq) >= 0) {
			a.mtime_ns = g->mtime_ns;
			a.atime_ns = g->atime_ns;
			a.time_warp_seq = g->time_warp_seq;
		}
		if (g->change_attr > a.change_attr)
			a.change_attr = g->change_attr;
	}
	if ((g->caps & file) && !inode_is_dir(i)) {
		a.size = g->size;
		i->max_size = g->max_size;
		i->truncate_seq = g->truncate_seq;
		i->truncate_size = g->truncate_size;
	}
	inode_set_attrs(&m->cache, i, &a);
	if ((g->caps & CAP_FS) && i->dir && g->has_dirstat && g->nfiles != (uint64_t)-1) {
		struct dir_attrs d = i->dir->a;

		d.files = g->nfiles;
		d.subdirs = g->nsubdirs;
		dir_set_attrs(&m->cache, i->dir, &d);
	}
	if (g->caps & CAP_XS)
		trace_xattrs(m, i, g->xattrs, g->xattr_version);
}

static void handle_grant(struct meta *m, struct session *s, struct inode *i, struct cap *c,
			 const struct caps_msg *g)
{
	uint32_t before;

	cap_refresh_gen(c);
	before = c->issued;
	c->seq = g->seq;
	c->mseq = g->mseq;
	fill_from_caps(m, i, g);
	c->issued = g->caps;
	/* Nothing of ours is dirty and nobody holds on to a bit, so what is taken is given back here and now.
	 */
	c->implemented = c->issued;
	fs_changed(i, before, c->issued);
	if (g->op == CAPS_REVOKE || (before & ~c->issued)) {
		m->stats.revokes++;
		cap_send_update(m, c);
	}
	TAILQ_REMOVE(&s->caps, c, by_session); /* spoken of: young again for recall */
	TAILQ_INSERT_TAIL(&s->caps, c, by_session);
}

static void handle_export(struct meta *m, struct inode *i, struct cap *c, const struct caps_msg *g)
{
	struct session *to;
	struct cap *there;

	if (g->has_peer && g->peer.rank >= 0 && g->peer.rank < MDS_RANK_MAX && g->peer.cap_id) {
		to = session_open(m, g->peer.rank);
		there = to ? cap_make(m, to, i) : NULL;
		if (there && there->cap_id != g->peer.cap_id) {
			there->cap_id = g->peer.cap_id;
			there->seq = g->peer.seq - 1;
			there->issue_seq = g->peer.seq - 1;
			there->mseq = g->peer.mseq;
			there->gen = to->cap_gen;
			there->issued = c->issued;
			there->implemented = c->implemented;
			if (c->auth)
				take_auth(i, there);
		}
	}
	cap_remove(m, c, false);
}

static void handle_import(struct meta *m, struct session *s, const struct caps_msg *g)
{
	struct inode *i = inode_find(&m->cache, g->ino, SNAP_HEAD);
	struct cap *c, *old = NULL;

	if (!i) {
		struct cap gone = { .inode = &(struct inode){ .key = { g->ino, SNAP_HEAD } },
				    .cap_id = g->cap_id,
				    .mseq = g->mseq,
				    .issue_seq = g->seq };

		session_queue_release(s, &gone);
		return;
	}
	c = cap_make(m, s, i);
	if (!c)
		return;
	if (g->has_peer && g->peer.rank >= 0 && g->peer.rank < MDS_RANK_MAX &&
	    m->session[g->peer.rank] != s && m->session[g->peer.rank])
		old = cap_find(i, m->session[g->peer.rank]);
	c->cap_id = g->cap_id;
	c->gen = s->cap_gen;
	c->seq = c->issue_seq = g->seq;
	c->mseq = g->mseq;
	if (g->has_peer && (g->peer.flags & 1))
		take_auth(i, c);
	if (old && old->cap_id == g->peer.cap_id)
		cap_remove(m, old, (g->peer.flags & 2) != 0);
	handle_grant(m, s, i, c, g);
	take_auth(i, c);
}

static void take_size(struct meta *m, struct inode *i, uint64_t size)
{
	struct attrs a = i->a;

	a.size = size;
	inode_set_attrs(&m->cache, i, &a);
}

void caps_handle(struct meta *m, struct session *s, const struct caps_msg *g)
{
	struct inode *i;
	struct cap *c;

	if (g->op == CAPS_IMPORT) {
		handle_import(m, s, g);
		return;
	}
	i = inode_find(&m->cache, g->ino, SNAP_HEAD);
	c = i ? cap_find(i, s) : NULL;
	if (!c || (g->op != CAPS_EXPORT && c->cap_id != g->cap_id)) {
		/* We gave it up already: the release says so, send it now so that nobody waits. */
		session_send_releases(s);
		return;
	}
	switch (g->op) {
	case CAPS_GRANT:
	case CAPS_REVOKE:
		handle_grant(m, s, i, c, g);
		break;
	case CAPS_EXPORT:
		if ((int32_t)(g->mseq - c->mseq) >= 0)
			handle_export(m, i, c, g);
		break;
	case CAPS_TRUNC:
		take_size(m, i, g->size);
		i->truncate_seq = g->truncate_seq;
		i->truncate_size = g->truncate_size;
		break;
	default: /* acks of flushes: nothing was flushed */
		log_emit(m->log, LOG_WARN, "mds.%d: unexpected caps message %u for inode %llx", s->rank,
			 g->op, (unsigned long long)g->ino);
	}
}
