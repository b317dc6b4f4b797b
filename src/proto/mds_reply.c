/* mds_reply.c: what an MDS answers to a request (ceph src/messages/MClientReply.h, MClientRequestForward.h):
 * a trace (directory, dentry with its lease, target), an extra that depends on the operation, and the snap
 * realms.
 *
 * Everything is borrowed from the message. Directory entries are decoded one by one as the caller asks for
 * them.
 */
#include "mds.h"

#include "le.h"

enum { REPLY_HEAD = 15, VXATTR_KNOWN = 1, CREATED_KNOWN = 1, CREATED_BARE = 8, RANGE_BYTES = 16 };
/* Name, lease and inode when all their strings are empty: bounds what an entry count may promise. */
enum { READDIR_ENTRY_MIN = 4 + 16 + 6 + 221 + 64 };

static void trace_decode(struct dec *d, struct reply *r)
{
	if (r->is_dentry) {
		inode_stat_decode(d, &r->dir);
		dir_stat_decode(d, &r->dirstat);
		r->dname = dec_slice(d);
		lease_stat_decode(d, &r->lease);
	}
	if (r->is_target)
		inode_stat_decode(d, &r->target);
	dec_end(d);
}

int reply_decode(struct dec *d, struct reply *r)
{
	const uint8_t *p = dec_take(d, REPLY_HEAD);
	struct dec trace;

	if (!p)
		return d->err;
	r->op = le32_get(p);
	r->result = (int32_t)le32_get(p + 4);
	r->mdsmap_epoch = le32_get(p + 8);
	r->safe = p[12];
	r->is_dentry = p[13];
	r->is_target = p[14];
	trace = dec_blob(d);
	trace_decode(&trace, r);
	dec_close(d, &trace);
	r->extra = dec_slice(d);
	r->snaptrace = dec_slice(d);
	dec_end(d);
	return d->err;
}

int readdir_head_decode(struct dec *d, struct readdir_head *h)
{
	dir_stat_decode(d, &h->dir);
	h->count = dec_count(d, READDIR_ENTRY_MIN);
	h->flags = dec_u16(d);
	if (d->err)
		h->count = 0;
	return d->err;
}

int readdir_next(struct dec *d, struct readdir_entry *e)
{
	e->name = dec_slice(d);
	lease_stat_decode(d, &e->lease);
	inode_stat_decode(d, &e->inode);
	return d->err;
}

int vxattr_decode(struct dec *d, struct slice *value)
{
	struct dec in = dec_section(d, VXATTR_KNOWN, NULL);

	*value = dec_slice(&in);
	dec_close(d, &in);
	return d->err;
}

static struct slice ranges_slice(struct dec *d)
{
	uint32_t n = dec_count(d, RANGE_BYTES);

	if (n > DELEGATED_MAX)
		dec_fail(d, "create: more delegated ranges than are supported");
	return dec_items(d, n, RANGE_BYTES);
}

int create_extra_decode(struct dec *d, struct create_extra *x)
{
	*x = (struct create_extra){ .created = dec_left(d) > 0 };
	if (dec_left(d) == CREATED_BARE) {
		x->ino = dec_u64(d);
	} else if (x->created) {
		struct dec in = dec_section(d, CREATED_KNOWN, NULL);

		x->ino = dec_u64(&in);
		x->ranges = ranges_slice(&in);
		dec_close(d, &in);
		dec_end(d);
	}
	return d->err;
}

/* Both kinds of map: pairs of length and bytes, ending exactly. */
static int pair_next(struct dec *d, uint32_t *left, struct slice *key, struct slice *value)
{
	if (!*left)
		dec_end(d);
	if (d->err || !*left)
		return d->err;
	--*left;
	*key = dec_slice(d);
	*value = dec_slice(d);
	return d->err ? d->err : 1;
}

int xattrs_begin(struct xattr_iter *it, struct slice xattrs)
{
	it->d = dec_init(xattrs.p, xattrs.len);
	it->left = xattrs.len ? dec_count(&it->d, 8) : 0;
	return it->d.err;
}

int xattrs_next(struct xattr_iter *it, struct slice *name, struct slice *value)
{
	return pair_next(&it->d, &it->left, name, value);
}

int kv_begin(struct kv_iter *it, struct slice map)
{
	it->d = dec_init(map.p, map.len);
	it->left = map.len ? dec_count(&it->d, 8) : 0;
	return it->d.err;
}

int kv_next(struct kv_iter *it, struct kv_slice *kv)
{
	return pair_next(&it->d, &it->left, &kv->key, &kv->value);
}

int forward_decode(struct dec *d, struct forward_msg *f)
{
	f->dest = dec_s32(d);
	f->num_fwd = dec_u32(d);
	f->resend = dec_u8(d);
	return d->err;
}
