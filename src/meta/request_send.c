/* request_send.c: where a request goes, and its bytes. */
#include "dirops.h"
#include "meta.h"
#include "request_impl.h"

#include <errno.h>
#include <string.h>

enum {
	ATTEMPTS_MAX = 255, /* head v1 counts them in a byte */
	SNAP_WAY_MAX = 8190,
};

/* Ops that make an inode: it belongs to the caller. */
static bool makes_inode(uint32_t op)
{
	return op == MDS_OP_CREATE || op == MDS_OP_MKNOD || op == MDS_OP_MKDIR || op == MDS_OP_SYMLINK;
}

static uint32_t flags_of(const struct mreq *r, bool replay)
{
	return (r->want_dentry ? MDS_FLAG_WANT_DENTRY : 0) | (r->async ? MDS_FLAG_ASYNC : 0) |
	       (replay ? MDS_FLAG_REPLAY : 0);
}

/* Where a path starts, as MDSs know it. */
struct way {
	uint64_t ino;
	const char *path;
	uint32_t len;
	char *own; /* owned */
};

/* A snapped inode is addressed from the live directory, by a path that begins with an empty name. */
static int way_through_snap(struct meta *m, const struct inode *base, struct way *w)
{
	uint32_t used = 0;
	int err;

	w->own = mem_alloc(SNAP_WAY_MAX + 1ull + w->len);
	if (!w->own)
		return -ENOMEM;
	err = snap_path(m, base, &w->ino, w->own, SNAP_WAY_MAX, &used);
	if (err)
		return log_fail(m->log, err, "inode %llx of snapshot %llx: no way to it is known",
				(unsigned long long)base->key.ino, (unsigned long long)base->key.snapid);
	if (w->len) {
		w->own[used++] = '/';
		memcpy(w->own + used, w->path, w->len);
	}
	w->path = w->own;
	w->len += used;
	return 0;
}

static int way_find(struct meta *m, const struct inode *base, uint64_t base_ino, const char *path,
		    uint32_t len, struct way *w)
{
	*w = (struct way){ .ino = base ? base->key.ino : base_ino, .path = path, .len = len };
	return base && base->key.snapid != SNAP_HEAD ? way_through_snap(m, base, w) : 0;
}

/* The caps given up go along the first time only: after that they are gone. */
static int mreq_encode(struct mreq *r, struct session *s, bool replay, const struct way *one,
		       const struct way *two, struct msg **out)
{
	struct meta *m = r->m;
	struct mds_release releases[MREQ_DROPS];
	struct mds_request q = {
		.oldest_tid = mreq_oldest_tid(m),
		.mdsmap_epoch = m->map->epoch,
		.flags = flags_of(r, replay),
		.num_retry = r->attempts,
		.num_fwd = r->num_fwd,
		.op = r->op,
		.uid = r->uid,
		.gid = r->gid,
		.ino = replay || r->async ? r->created_ino : 0,
		.ino1 = one->ino,
		.ino2 = two->ino,
		.path1 = one->path,
		.path1_len = one->len,
		.path2 = two->path,
		.path2_len = two->len,
		.releases = releases,
		.release_count = drops_take(r, s, releases),
		.stamp_ns = r->sent_wall_ns,
		.gids = r->gids,
		.gid_count = r->gid_count,
		.owner_uid = makes_inode(r->op) ? r->uid : -1u,
		.owner_gid = makes_inode(r->op) ? r->gid : -1u,
	};
	struct msg *msg = msg_new(MSG_CLIENT_REQUEST, 0, 1, r->id.tid);
	int err;

	if (!msg)
		return -ENOMEM;
	memcpy(q.args, r->args, sizeof q.args);
	request_encode(&msg->front, &q, request_head_version(s->features), &msg->version);
	if (r->data_len)
		enc_bytes(&msg->data, r->data, r->data_len);
	err = msg->front.err ? msg->front.err : msg->data.err;
	if (err)
		msg_free(msg);
	*out = msg;
	return err;
}

static int mreq_message(struct mreq *r, struct session *s, bool replay, struct msg **out)
{
	struct way one, two = { 0 };
	int err = way_find(r->m, r->base, r->base_ino, r->path, r->path_len, &one);

	if (!err)
		err = way_find(r->m, r->base2, 0, r->path2, r->path2_len, &two);
	if (!err)
		err = mreq_encode(r, s, replay, &one, &two, out);
	mem_free(one.own, 0);
	mem_free(two.own, 0);
	return err;
}

/* 0, or why it did not leave. */
static int mreq_transmit(struct mreq *r, struct session *s, bool replay)
{
	struct meta *m = r->m;
	struct msg *msg;
	int err;

	if (r->attempts > ATTEMPTS_MAX)
		return log_fail(m->log, -EMULTIHOP, "request %llu (%s): given up after %u attempts",
				(unsigned long long)r->id.tid, mds_op_name(r->op), r->attempts);
	if (!r->sent_wall_ns) /* a change carries the time of its first sending */
		r->sent_wall_ns = ring_wall(m->ring);
	err = mreq_message(r, s, replay, &msg);
	drops_forget(r);
	if (err)
		return err;
	r->session = s;
	r->sent_ns = ring_now(m->ring);
	m->stats.requests++;
	if (r->attempts++)
		m->stats.resends++;
	session_send_msg(s, msg);
	return 0;
}

void mreq_send_to(struct mreq *r, struct session *s)
{
	int err = mreq_transmit(r, s, false);

	if (err) {
		mreq_fail_later(r, err);
		return;
	}
	r->state = MREQ_SENT;
	s->in_flight++;
	ring_expect(r->m->ring, 1);
}

void mreq_send_again(struct mreq *r, bool replay)
{
	int err = mreq_transmit(r, r->session, replay);

	/* Without a message for it the new daemon does not know of it: as good as lost, and said so. */
	if (err && !replay)
		mreq_fail_later(r, err);
	else if (err)
		log_fail(r->m->log, err, "mds.%d: request %llu (%s) could not be replayed", r->session->rank,
			 (unsigned long long)r->id.tid, mds_op_name(r->op));
}

/* It names a file that the MDS has not confirmed: the answer to its creation kicks those who wait for a map.
 */
static bool mreq_too_early(const struct mreq *r)
{
	return dirops_unconfirmed(r->base) || dirops_unconfirmed(r->base2);
}

void mreq_kick(struct mreq *r)
{
	struct meta *m = r->m;
	int rank = m->map && !mreq_too_early(r) ? mreq_choose_rank(r) : -1;
	struct session *s = rank >= 0 ? session_open(m, rank) : NULL;

	mreq_unpark(r);
	if (!s && m->fs_gone) {
		mreq_fail_later(r, -ESHUTDOWN);
		return;
	}
	if (r->async && !r->attempts && !r->num_fwd && !(s && s->state == SESS_OPEN)) {
		mreq_fail_later(r, -EAGAIN); /* it must not wait: its maker does it in the other way */
		return;
	}
	if (!s) {
		r->state = MREQ_WAIT_MAP;
		TAILQ_INSERT_TAIL(&m->wait_map, r, link);
		return;
	}
	r->session = s;
	if (s->state == SESS_REJECTED) {
		mreq_fail_later(r, s->refused);
	} else if (s->state == SESS_OPEN) {
		mreq_send_to(r, s);
	} else {
		/* Never before the OPEN reply: older MDSs abort on it. */
		r->state = MREQ_WAIT_SESSION;
		TAILQ_INSERT_TAIL(&s->waiting, r, link);
	}
}
