/* mds_session.c: opening, renewing and closing what a client and one MDS have together (ceph
 * src/messages/MClientSession.h). A fixed head; only the messages that open or refuse carry metadata and
 * features.
 */
#include "addr.h"
#include "mds.h"

#include <errno.h>

#include "le.h"

enum {
	HEAD_BYTES = 28, /* op, seq, stamp, max_caps, max_leases */
	METRIC_SPEC_KNOWN = 1,
	CAP_AUTH_KNOWN = 1,
	CAP_MATCH_KNOWN = 1,
	CAP_AUTH_MIN = 6, /* a section's header */
	GID_BYTES = 4,
};

static bool slice_is(struct slice s, const char *word)
{
	return s.len == strlen(word) && !memcmp(s.p, word, s.len);
}

/* Of the peer's metadata only a refusal's reason matters to us. */
static void metadata_decode(struct dec *d, struct session_msg *s)
{
	uint32_t n = dec_count(d, 8);

	for (; n && !d->err; n--) {
		struct slice key = dec_slice(d), value = dec_slice(d);

		if (s->op == SESSION_REJECT && slice_is(key, "error_string"))
			s->error_string = value;
	}
}

/* A bitmap of any length, lowest byte first; what is beyond 128 bits names nothing we know. */
static void features_decode(struct dec *d, uint64_t features[2])
{
	struct slice bits = dec_slice(d);

	for (uint32_t i = 0; i < bits.len && i < 16; i++)
		features[i / 8] |= (uint64_t)bits.p[i] << (8 * (i % 8));
}

/* What the key allows, unopened: its length is found by walking it. */
static struct slice cap_auths_slice(struct dec *d)
{
	const uint8_t *start = d->p;

	for (uint32_t n = dec_count(d, CAP_AUTH_MIN); n && !d->err; n--) {
		struct dec rule = dec_section(d, CAP_AUTH_KNOWN, NULL);

		dec_close(d, &rule);
	}
	return d->err ? (struct slice){ 0 } : (struct slice){ start, (uint32_t)(d->p - start) };
}

int session_decode(struct dec *d, uint16_t version, struct session_msg *s)
{
	const uint8_t *p = dec_take(d, HEAD_BYTES);

	*s = (struct session_msg){ .error_string = { (const uint8_t *)"", 0 } };
	if (!p)
		return d->err;
	s->op = le32_get(p);
	s->seq = le64_get(p + 4);
	s->max_caps = le32_get(p + 20);
	s->max_leases = le32_get(p + 24);
	if (version >= 2)
		metadata_decode(d, s);
	if (version >= 3)
		features_decode(d, s->features);
	if (version >= 4) {
		struct dec metrics = dec_section(d, METRIC_SPEC_KNOWN, NULL);

		dec_close(d, &metrics);
	}
	if (version >= 5)
		s->flags = dec_u32(d);
	if (version >= 6) /* daemons send it unasked */
		s->cap_auths = cap_auths_slice(d);
	/* 7 adds the oldest tid, which only clients tell */
	return d->err;
}

int cap_auths_begin(struct cap_auth_iter *it, struct slice cap_auths)
{
	it->d = dec_init(cap_auths.p, cap_auths.len);
	it->left = cap_auths.len ? dec_count(&it->d, CAP_AUTH_MIN) : 0;
	return it->d.err;
}

static void match_decode(struct dec *d, struct cap_auth_rule *r)
{
	struct dec in = dec_section(d, CAP_MATCH_KNOWN, NULL);

	r->uid = dec_s64(&in);
	r->gids = dec_items(&in, dec_u32(&in), GID_BYTES);
	r->path = dec_slice(&in);
	r->fs_name = dec_slice(&in);
	r->root_squash = dec_u8(&in);
	dec_close(d, &in);
}

int cap_auths_next(struct cap_auth_iter *it, struct cap_auth_rule *r)
{
	struct dec in;

	if (!it->left)
		dec_end(&it->d);
	if (it->d.err || !it->left)
		return it->d.err;
	it->left--;
	in = dec_section(&it->d, CAP_AUTH_KNOWN, NULL);
	match_decode(&in, r);
	r->readable = dec_u8(&in);
	r->writeable = dec_u8(&in);
	dec_close(&it->d, &in);
	return it->d.err ? it->d.err : 1;
}

void session_encode(struct enc *e, uint32_t op, uint64_t seq)
{
	uint8_t *p = enc_room(e, HEAD_BYTES);

	if (!p)
		return;
	memset(p, 0, HEAD_BYTES);
	le32_put(p, op);
	le64_put(p + 4, seq);
}

void session_encode_open(struct enc *e, const struct session_kv *kv, unsigned count, uint64_t features)
{
	size_t mark;

	session_encode(e, SESSION_REQUEST_OPEN, 0);
	enc_u32(e, count);
	for (unsigned i = 0; i < count; i++) {
		enc_str(e, kv[i].key);
		enc_str(e, kv[i].value);
	}
	enc_u32(e, sizeof(features));
	enc_u64(e, features);
	mark = enc_section(e, METRIC_SPEC_KNOWN, 1);
	enc_u32(e, 0); /* no metrics to come */
	enc_close(e, mark);
	enc_u32(e, 0); /* flags */
}

void session_encode_renew(struct enc *e, uint64_t seq, uint64_t features, uint64_t oldest_tid)
{
	size_t mark;

	session_encode(e, SESSION_REQUEST_RENEWCAPS, seq);
	enc_u32(e, 0); /* metadata */
	enc_u32(e, sizeof(features));
	enc_u64(e, features);
	mark = enc_section(e, METRIC_SPEC_KNOWN, 1);
	enc_u32(e, 0);
	enc_close(e, mark);
	enc_u32(e, 0); /* flags */
	enc_u32(e, 0); /* what the key allows: the MDS's to say */
	enc_u64(e, oldest_tid);
}

void reclaim_encode(struct enc *e, const char *uuid, uint32_t flags)
{
	enc_str(e, uuid);
	enc_u32(e, flags);
}

int reclaim_reply_decode(struct dec *d, struct reclaim_reply *r)
{
	struct entity_addrvec addrs = { 0 };

	r->result = dec_s32(d);
	r->epoch = dec_u32(d);
	dec_addrvec(d, &addrs);
	r->addr_count = addrs.count;
	return d->err;
}
