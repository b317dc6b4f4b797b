/* osd_op_backoff.c: an OSD's request to hold back operations on a range of objects (MOSDBackoff version 1),
 * and the order of objects that such a range is meant in (ceph src/common/hobject.h).
 */
#include "osd_op_parts.h"

enum { HOBJECT_VERSION = 4, HOBJECT_COMPAT = 3 };

static void hobject_decode(struct dec *d, struct hobject *h)
{
	struct dec in = dec_section(d, HOBJECT_VERSION, NULL);

	h->key = dec_slice(&in);
	h->oid = dec_slice(&in);
	h->snap = dec_u64(&in);
	h->hash = dec_u32(&in);
	h->max = dec_u8(&in) != 0;
	h->nspace = dec_slice(&in);
	h->pool = dec_s64(&in);
	dec_close(d, &in);
}

static void hobject_encode(struct enc *e, const struct hobject *h)
{
	size_t mark = enc_section(e, HOBJECT_VERSION, HOBJECT_COMPAT);

	enc_blob(e, h->key.p, h->key.len);
	enc_blob(e, h->oid.p, h->oid.len);
	enc_u64(e, h->snap);
	enc_u32(e, h->hash);
	enc_u8(e, h->max);
	enc_blob(e, h->nspace.p, h->nspace.len);
	enc_u64(e, (uint64_t)h->pool);
	enc_close(e, mark);
}

static uint32_t reverse_bits(uint32_t v)
{
	v = (v >> 1 & 0x55555555) | (v & 0x55555555) << 1;
	v = (v >> 2 & 0x33333333) | (v & 0x33333333) << 2;
	v = (v >> 4 & 0x0f0f0f0f) | (v & 0x0f0f0f0f) << 4;
	return __builtin_bswap32(v);
}

static int cmp_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int cmp_slice(struct slice a, struct slice b)
{
	uint32_t n = a.len < b.len ? a.len : b.len;
	int r = n ? memcmp(a.p, b.p, n) : 0;

	return r ? r : cmp_u64(a.len, b.len);
}

/* Where one of two objects has a locator key, the other counts with its name. */
static int cmp_key(const struct hobject *a, const struct hobject *b)
{
	if (!a->key.len && !b->key.len)
		return 0;
	return cmp_slice(a->key.len ? a->key : a->oid, b->key.len ? b->key : b->oid);
}

int hobject_cmp(const struct hobject *a, const struct hobject *b)
{
	int r = (int)a->max - (int)b->max;

	if (r || a->max)
		return r;
	if (a->pool != b->pool)
		return a->pool < b->pool ? -1 : 1;
	r = cmp_u64(reverse_bits(a->hash), reverse_bits(b->hash));
	r = r ? r : cmp_slice(a->nspace, b->nspace);
	r = r ? r : cmp_key(a, b);
	r = r ? r : cmp_slice(a->oid, b->oid);
	return r ? r : cmp_u64(a->snap, b->snap);
}

int osd_backoff_decode(struct dec *d, struct osd_backoff_msg *b)
{
	osd_spg_decode(d, &b->pg);
	b->epoch = dec_u32(d);
	b->op = dec_u8(d);
	b->id = dec_u64(d);
	hobject_decode(d, &b->begin);
	hobject_decode(d, &b->end);
	return d->err;
}

void osd_backoff_encode(struct enc *e, const struct osd_backoff_msg *b)
{
	osd_spg_encode(e, &b->pg);
	enc_u32(e, b->epoch);
	enc_u8(e, b->op);
	enc_u64(e, b->id);
	hobject_encode(e, &b->begin);
	hobject_encode(e, &b->end);
}
