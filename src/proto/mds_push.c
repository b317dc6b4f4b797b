/* mds_push.c: the smaller messages that an MDS pushes (ceph src/messages/MClientLease.h, MClientSnap.h,
 * MClientQuota.h): a dentry's lease is called back, snap realms changed, a quota or its use changed. Leases
 * are answered in the same form.
 *
 * A longer message than is known is a newer one: its tail is left alone.
 */
#include "mds.h"

#include "le.h"

enum { LEASE_HEAD = 35, QUOTA_HEAD = 40, QUOTA_KNOWN = 1, SNAP_HEAD_BYTES = 24 };

int lease_decode(struct dec *d, struct lease_msg *l)
{
	const uint8_t *p = dec_take(d, LEASE_HEAD);

	*l = (struct lease_msg){ 0 };
	if (!p)
		return d->err;
	l->action = p[0];
	l->mask = le16_get(p + 1);
	l->ino = le64_get(p + 3);
	l->first = le64_get(p + 11);
	l->last = le64_get(p + 19);
	l->seq = le32_get(p + 27);
	l->duration_ms = le32_get(p + 31);
	l->dname = dec_slice(d);
	return d->err;
}

void lease_encode(struct enc *e, const struct lease_msg *l)
{
	uint8_t *p = enc_room(e, LEASE_HEAD);

	if (!p)
		return;
	p[0] = l->action;
	le16_put(p + 1, l->mask);
	le64_put(p + 3, l->ino);
	le64_put(p + 11, l->first);
	le64_put(p + 19, l->last);
	le32_put(p + 27, l->seq);
	le32_put(p + 31, l->duration_ms);
	enc_blob(e, l->dname.p, l->dname.len);
}

int snap_decode(struct dec *d, struct snap_msg *s)
{
	const uint8_t *p = dec_take(d, SNAP_HEAD_BYTES);

	*s = (struct snap_msg){ 0 };
	if (!p)
		return d->err;
	s->op = le32_get(p);
	s->split = le64_get(p + 4);
	s->split_inos = dec_items(d, le32_get(p + 12), 8);
	s->split_realms = dec_items(d, le32_get(p + 16), 8);
	s->trace = dec_items(d, le32_get(p + 20), 1);
	return d->err;
}

int quota_decode(struct dec *d, struct quota_msg *q)
{
	const uint8_t *p = dec_take(d, QUOTA_HEAD);
	struct dec in;

	*q = (struct quota_msg){ 0 };
	if (!p)
		return d->err;
	q->ino = le64_get(p);
	q->rctime_ns = le_time_get(p + 8);
	q->rbytes = le64_get(p + 16);
	q->rfiles = le64_get(p + 24);
	q->rsubdirs = le64_get(p + 32);
	in = dec_section(d, QUOTA_KNOWN, NULL);
	q->max_bytes = dec_u64(&in);
	q->max_files = dec_u64(&in);
	dec_close(d, &in);
	return d->err;
}
