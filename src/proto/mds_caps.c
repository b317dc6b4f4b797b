/* mds_caps.c: the message that moves capabilities (ceph src/messages/MClientCaps.h, MClientCapRelease.h):
 * grants and revokes from the MDS, acknowledgements, wishes and flushes to it, and hand-overs between ranks.
 *
 * A head of 92 bytes, a body of 84 (size, times, layout; for an EXPORT: where the cap went), the snap realms,
 * and one field group for each version since the second.
 */
#include "mds.h"

#include "le.h"

enum {
	HEAD_BYTES = 92,
	BODY_BYTES = 84,
	PEER_BYTES = 21,
	LAYOUT_BYTES = 28,
	LAST_EXACT = 12, /* later versions may end in what is not known here */
	RELEASE_ITEM_BYTES = 24,
};

/* Returns the length of the snap realms behind the body. */
static uint32_t head_get(const uint8_t *p, struct caps_msg *c)
{
	c->op = le32_get(p);
	c->ino = le64_get(p + 4);
	c->realm = le64_get(p + 12);
	c->cap_id = le64_get(p + 20);
	c->seq = le32_get(p + 28);
	c->issue_seq = le32_get(p + 32);
	c->caps = le32_get(p + 36);
	c->wanted = le32_get(p + 40);
	c->dirty = le32_get(p + 44);
	c->mseq = le32_get(p + 48);
	c->snap_follows = le64_get(p + 52);
	c->uid = le32_get(p + 64);
	c->gid = le32_get(p + 68);
	c->mode = le32_get(p + 72);
	c->nlink = le32_get(p + 76);
	c->xattr_len = le32_get(p + 80);
	c->xattr_version = le64_get(p + 84);
	return le32_get(p + 60);
}

static void body_get(const uint8_t *p, struct caps_msg *c)
{
	c->size = le64_get(p);
	c->max_size = le64_get(p + 8);
	c->truncate_size = le64_get(p + 16);
	c->truncate_seq = le32_get(p + 24);
	c->mtime_ns = le_time_get(p + 28);
	c->atime_ns = le_time_get(p + 36);
	c->ctime_ns = le_time_get(p + 44);
	c->layout.stripe_unit = le32_get(p + 52);
	c->layout.stripe_count = le32_get(p + 56);
	c->layout.object_size = le32_get(p + 60);
	c->layout.pool = le32_get(p + 76);
	c->time_warp_seq = le32_get(p + 80);
}

static void peer_get(const uint8_t *p, struct caps_msg *c)
{
	c->peer.cap_id = le64_get(p);
	c->peer.seq = le32_get(p + 8);
	c->peer.mseq = le32_get(p + 12);
	c->peer.rank = (int32_t)le32_get(p + 16);
	c->peer.flags = p[20];
	c->has_peer = true;
}

static void import_peer(struct dec *d, struct caps_msg *c)
{
	const uint8_t *p = dec_take(d, PEER_BYTES);

	if (p)
		peer_get(p, c);
}

static void dirstat_decode(struct dec *d, struct caps_msg *c)
{
	c->nfiles = dec_u64(d);
	c->nsubdirs = dec_u64(d);
	c->has_dirstat = !d->err && c->nfiles != UINT64_MAX;
}

static void versions_decode(struct dec *d, uint16_t version, struct caps_msg *c)
{
	if (version >= 2)
		dec_slice(d); /* file locks: never sent */
	if (version >= 3 && c->op == CAPS_IMPORT)
		import_peer(d, c);
	if (version >= 4) {
		c->inline_version = dec_u64(d);
		c->inline_data = dec_slice(d);
	}
	if (version >= 5)
		c->osd_epoch_barrier = dec_u32(d);
	if (version >= 6)
		c->oldest_flush_tid = dec_u64(d);
	if (version >= 7) {
		c->caller_uid = dec_u32(d);
		c->caller_gid = dec_u32(d);
	}
	if (version >= 8)
		c->pool_ns = dec_slice(d);
	if (version >= 9) {
		c->btime_ns = dec_time(d);
		c->change_attr = dec_u64(d);
	}
	if (version >= 10)
		c->flags = dec_u32(d);
	if (version >= 11)
		dirstat_decode(d, c);
	if (version >= 12) {
		dec_slice(d); /* fscrypt_auth */
		dec_slice(d); /* fscrypt_file */
	}
}

int caps_decode(struct dec *d, uint16_t version, struct caps_msg *c)
{
	const uint8_t *p = dec_take(d, HEAD_BYTES + BODY_BYTES), *trace;
	uint32_t trace_len;

	memset(c, 0, sizeof(*c));
	if (!p)
		return d->err;
	trace_len = head_get(p, c);
	if (c->op != CAPS_EXPORT)
		body_get(p + HEAD_BYTES, c);
	else if (version >= 3)
		peer_get(p + HEAD_BYTES, c);
	trace = dec_take(d, trace_len);
	c->snaptrace = (struct slice){ trace, trace ? trace_len : 0 };
	versions_decode(d, version, c);
	if (version <= LAST_EXACT)
		dec_end(d);
	return d->err;
}

static void head_put(uint8_t *p, const struct caps_msg *c)
{
	le32_put(p, c->op);
	le64_put(p + 4, c->ino);
	le64_put(p + 12, c->realm);
	le64_put(p + 20, c->cap_id);
	le32_put(p + 28, c->seq);
	le32_put(p + 32, c->issue_seq);
	le32_put(p + 36, c->caps);
	le32_put(p + 40, c->wanted);
	le32_put(p + 44, c->dirty);
	le32_put(p + 48, c->mseq);
	le64_put(p + 52, c->snap_follows);
	le32_put(p + 60, 0); /* no snap realms: only the MDS tells about them */
	le32_put(p + 64, c->uid);
	le32_put(p + 68, c->gid);
	le32_put(p + 72, c->mode);
	le32_put(p + 76, c->nlink);
	le32_put(p + 80, c->xattrs.len);
	le64_put(p + 84, c->xattr_version);
}

static void body_put(uint8_t *p, const struct caps_msg *c)
{
	le64_put(p, c->size);
	le64_put(p + 8, c->max_size);
	le64_put(p + 16, c->truncate_size);
	le32_put(p + 24, c->truncate_seq);
	le_time_put(p + 28, c->mtime_ns);
	le_time_put(p + 36, c->atime_ns);
	le_time_put(p + 44, c->ctime_ns);
	memset(p + 52, 0, LAYOUT_BYTES); /* a client does not set it by caps */
	le32_put(p + 80, c->time_warp_seq);
}

void caps_encode(struct enc *e, const struct caps_msg *c)
{
	uint8_t *p = enc_room(e, HEAD_BYTES + BODY_BYTES);

	if (!p)
		return;
	head_put(p, c);
	body_put(p + HEAD_BYTES, c);
	enc_u32(e, 0); /* file locks */
	enc_u64(e, c->inline_version);
	enc_blob(e, c->inline_data.p, c->inline_data.len);
	enc_u32(e, c->osd_epoch_barrier);
	enc_u64(e, c->oldest_flush_tid);
	enc_u32(e, c->caller_uid);
	enc_u32(e, c->caller_gid);
	enc_blob(e, c->pool_ns.p, c->pool_ns.len);
	enc_time(e, c->btime_ns);
	enc_u64(e, c->change_attr);
	enc_u32(e, c->flags);
	enc_u64(e, c->has_dirstat ? c->nfiles : UINT64_MAX);
	enc_u64(e, c->has_dirstat ? c->nsubdirs : UINT64_MAX);
}

size_t caprelease_begin(struct enc *e)
{
	enc_u32(e, 0);
	return e->len;
}

void caprelease_item(struct enc *e, const struct cap_release *r)
{
	uint8_t *p = enc_room(e, RELEASE_ITEM_BYTES);

	if (!p)
		return;
	le64_put(p, r->ino);
	le64_put(p + 8, r->cap_id);
	le32_put(p + 16, r->mseq);
	le32_put(p + 20, r->issue_seq);
}

void caprelease_end(struct enc *e, size_t mark, uint32_t count, uint32_t osd_epoch_barrier)
{
	enc_u32(e, osd_epoch_barrier);
	if (!e->err)
		le32_put(e->buf + mark - 4, count);
}
