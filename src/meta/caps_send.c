/* caps_send.c: the bytes of what is told about a cap: acknowledgements, wishes and flushes (UPDATE, FLUSH),
 * and cap snaps (FLUSHSNAP). What is said is decided in caps_update.c; fields: doc/protocol.md 7.3, 7.8.
 *
 * What is not flushed travels all the same, the MDS looks at the fields of the dirty bits only. Inline data
 * is never sent: version 0 leaves what the MDS has, the last one says that there is none any more.
 */
#include "caps_impl.h"

static struct slice xattr_map(const struct xattrs *x)
{
	static const uint8_t empty[4]; /* a map of no entries */

	return x ? (struct slice){ x->map, x->len } : (struct slice){ empty, sizeof empty };
}

static bool send(struct session *s, const struct caps_msg *u, uint64_t tid)
{
	struct msg *msg = msg_new(MSG_CLIENT_CAPS, CAPS_VERSION, 1, tid);

	if (!msg)
		return false;
	caps_encode(&msg->front, u);
	enc_bytes(&msg->middle, u->xattrs.p, u->xattrs.len);
	if (msg->front.err || msg->middle.err) {
		msg_free(msg);
		return false;
	}
	session_send_msg(s, msg);
	return true;
}

/* Whoever changed it, so that the MDS can judge whether that was allowed. */
static void put_author(struct caps_msg *u, const struct inode *i, bool changed)
{
	u->caller_uid = changed ? i->use->dirty_uid : (uint32_t)-1;
	u->caller_gid = changed ? i->use->dirty_gid : (uint32_t)-1;
}

static void put_attrs(struct caps_msg *u, const struct attrs *a)
{
	u->uid = a->uid;
	u->gid = a->gid;
	u->mode = a->mode;
	u->size = a->size;
	u->time_warp_seq = a->time_warp_seq;
	u->mtime_ns = a->mtime_ns;
	u->atime_ns = a->atime_ns;
	u->ctime_ns = a->ctime_ns;
	u->btime_ns = a->btime_ns;
	u->change_attr = a->change_attr;
}

bool cap_send(struct meta *m, const struct cap *c, const struct cap_say *say)
{
	const struct inode *i = c->inode;
	const struct inode_use *u = i->use;
	const struct cap_flush *f = say->flush;
	struct caps_msg msg = {
		.op = say->op,
		.ino = i->key.ino,
		.cap_id = c->cap_id,
		.seq = cap_seq(c, say->caps),
		.issue_seq = c->issue_seq,
		.mseq = c->mseq,
		.caps = say->caps,
		.wanted = say->wanted,
		.dirty = f ? f->bits : 0,
		.snap_follows = f && u->head_snapc ? u->head_snapc->seq : 0,
		.flags = say->flags,
		.nlink = i->a.nlink,
		.max_size = u && c->auth ? u->wanted_max_size : 0,
		.xattr_version = i->xattr_version,
		.truncate_size = i->truncate_size,
		.truncate_seq = i->truncate_seq,
		.inline_version = i->inline_version == INLINE_NONE ? INLINE_NONE : 0,
		.oldest_flush_tid = flush_oldest_tid(m),
		.osd_epoch_barrier = m->osd_epoch_barrier,
	};

	put_attrs(&msg, &i->a);
	put_author(&msg, i, f != NULL);
	if (msg.dirty & CAP_XX)
		msg.xattrs = xattr_map(i->xattrs);
	return send(c->session, &msg, f ? f->tid : 0);
}

bool capsnap_send(struct meta *m, const struct cap *c, const struct capsnap *cs)
{
	const struct inode *i = c->inode;
	struct caps_msg msg = {
		.op = CAPS_FLUSHSNAP,
		.ino = i->key.ino,
		.mseq = c->mseq, /* the other counters are the head's */
		.caps = cs->issued,
		.dirty = cs->dirty,
		.snap_follows = cs->follows,
		.xattr_version = cs->xattr_version,
		.truncate_size = cs->truncate_size,
		.truncate_seq = cs->truncate_seq,
		.oldest_flush_tid = flush_oldest_tid(m),
		.osd_epoch_barrier = m->osd_epoch_barrier,
	};

	put_attrs(&msg, &cs->a);
	put_author(&msg, i, true);
	if (cs->dirty & CAP_XX)
		msg.xattrs = xattr_map(cs->xattrs);
	return send(c->session, &msg, cs->flush.tid);
}
