/* msgr.c: see msgr.h. */
#include "msgr.h"

#include <errno.h>
#include <openssl/crypto.h>
#include "crypto.h"

static const char BANNER_MAGIC[8] = { 'c', 'e', 'p', 'h', ' ', 'v', '2', '\n' };
enum { BANNER_HEAD = sizeof(BANNER_MAGIC) + 2, BANNER_PAYLOAD = 16 };
enum { METHODS_SENT_MAX = 1024 };

int msgr_banner_decode(const uint8_t *p, size_t len, struct msgr_banner *b, size_t *need)
{
	struct dec d = dec_init(p, len);
	size_t seen = len < sizeof(BANNER_MAGIC) ? len : sizeof(BANNER_MAGIC);
	uint16_t payload_len;

	/* Told by its first bytes, so that a msgr1 peer ("ceph v027") is not waited for. */
	if (memcmp(d.p, BANNER_MAGIC, seen))
		return -EBADMSG;
	*need = BANNER_HEAD;
	if (len < BANNER_HEAD)
		return 0;
	dec_skip(&d, sizeof(BANNER_MAGIC));
	payload_len = dec_u16(&d);
	if (payload_len < BANNER_PAYLOAD || BANNER_HEAD + payload_len > MSGR_BANNER_MAX)
		return -EBADMSG;
	*need = BANNER_HEAD + payload_len;
	if (len < *need)
		return 0;
	b->supported = dec_u64(&d);
	b->required = dec_u64(&d);
	return 1;
}

void msgr_banner_encode(struct enc *e, const struct msgr_banner *b)
{
	enc_bytes(e, BANNER_MAGIC, sizeof(BANNER_MAGIC));
	enc_u16(e, BANNER_PAYLOAD);
	enc_u64(e, b->supported);
	enc_u64(e, b->required);
}

static struct dec payload(struct slice s)
{
	return dec_init(s.p, s.len);
}

/* vec<u32>; what does not fit is read and dropped. */
static uint32_t dec_list(struct dec *d, uint32_t list[MSGR_MODES_MAX])
{
	uint32_t n = dec_count(d, 4), i, v;

	if (n > METHODS_SENT_MAX)
		dec_fail(d, "a list of methods too long");
	for (i = 0; i < n && !d->err; i++) {
		v = dec_u32(d);
		if (i < MSGR_MODES_MAX)
			list[i] = v;
	}
	return d->err ? 0 : n < MSGR_MODES_MAX ? n : MSGR_MODES_MAX;
}

static void enc_list(struct enc *e, const uint32_t *list, uint32_t n)
{
	uint32_t i;

	enc_u32(e, n);
	for (i = 0; i < n; i++)
		enc_u32(e, list[i]);
}

int msgr_hello_decode(struct slice s, struct msgr_hello *h)
{
	struct dec d = payload(s);

	h->entity_type = dec_u8(&d);
	dec_addr(&d, &h->peer);
	return d.err;
}

void msgr_hello_encode(struct enc *e, const struct msgr_hello *h)
{
	enc_u8(e, h->entity_type);
	enc_addr(e, &h->peer);
}

int msgr_auth_request_decode(struct slice s, struct msgr_auth_request *r)
{
	struct dec d = payload(s);

	r->method = dec_u32(&d);
	r->mode_count = dec_list(&d, r->modes);
	r->payload = dec_slice(&d);
	return d.err;
}

void msgr_auth_request_encode(struct enc *e, const struct msgr_auth_request *r)
{
	enc_u32(e, r->method);
	enc_list(e, r->modes, r->mode_count);
	enc_blob(e, r->payload.p, r->payload.len);
}

int msgr_auth_bad_method_decode(struct slice s, struct msgr_auth_bad_method *b)
{
	struct dec d = payload(s);

	b->method = dec_u32(&d);
	b->result = dec_s32(&d);
	b->method_count = dec_list(&d, b->methods);
	b->mode_count = dec_list(&d, b->modes);
	return d.err;
}

void msgr_auth_bad_method_encode(struct enc *e, const struct msgr_auth_bad_method *b)
{
	enc_u32(e, b->method);
	enc_u32(e, (uint32_t)b->result);
	enc_list(e, b->methods, b->method_count);
	enc_list(e, b->modes, b->mode_count);
}

int msgr_auth_more_decode(struct slice s, struct slice *more)
{
	struct dec d = payload(s);

	*more = dec_slice(&d);
	return d.err;
}

void msgr_auth_more_encode(struct enc *e, struct slice more)
{
	enc_blob(e, more.p, more.len);
}

int msgr_auth_done_decode(struct slice s, struct msgr_auth_done *a)
{
	struct dec d = payload(s);

	a->global_id = dec_u64(&d);
	a->con_mode = dec_u32(&d);
	a->payload = dec_slice(&d);
	return d.err;
}

void msgr_auth_done_encode(struct enc *e, const struct msgr_auth_done *a)
{
	enc_u64(e, a->global_id);
	enc_u32(e, a->con_mode);
	enc_blob(e, a->payload.p, a->payload.len);
}

int msgr_signature_decode(struct slice s, uint8_t sig[MSGR_SIGNATURE_LEN])
{
	struct dec d = payload(s);
	const uint8_t *p = dec_take(&d, MSGR_SIGNATURE_LEN);

	if (p)
		memcpy(sig, p, MSGR_SIGNATURE_LEN);
	return d.err;
}

void msgr_signature_encode(struct enc *e, const uint8_t sig[MSGR_SIGNATURE_LEN])
{
	enc_bytes(e, sig, MSGR_SIGNATURE_LEN);
}

int msgr_client_ident_decode(struct slice s, struct msgr_client_ident *c)
{
	struct dec d = payload(s);

	dec_addrvec(&d, &c->addrs);
	dec_addr(&d, &c->target);
	c->gid = dec_s64(&d);
	c->global_seq = dec_u64(&d);
	c->supported = dec_u64(&d);
	c->required = dec_u64(&d);
	c->flags = dec_u64(&d);
	c->cookie = dec_u64(&d);
	return d.err;
}

void msgr_client_ident_encode(struct enc *e, const struct msgr_client_ident *c)
{
	enc_addrvec(e, c->addrs.addr, c->addrs.count);
	enc_addr(e, &c->target);
	enc_u64(e, (uint64_t)c->gid);
	enc_u64(e, c->global_seq);
	enc_u64(e, c->supported);
	enc_u64(e, c->required);
	enc_u64(e, c->flags);
	enc_u64(e, c->cookie);
}

int msgr_server_ident_decode(struct slice s, struct msgr_server_ident *c)
{
	struct dec d = payload(s);

	dec_addrvec(&d, &c->addrs);
	c->gid = dec_s64(&d);
	c->global_seq = dec_u64(&d);
	c->supported = dec_u64(&d);
	c->required = dec_u64(&d);
	c->flags = dec_u64(&d);
	c->cookie = dec_u64(&d);
	return d.err;
}

void msgr_server_ident_encode(struct enc *e, const struct msgr_server_ident *c)
{
	enc_addrvec(e, c->addrs.addr, c->addrs.count);
	enc_u64(e, (uint64_t)c->gid);
	enc_u64(e, c->global_seq);
	enc_u64(e, c->supported);
	enc_u64(e, c->required);
	enc_u64(e, c->flags);
	enc_u64(e, c->cookie);
}

int msgr_reconnect_decode(struct slice s, struct msgr_reconnect *r)
{
	struct dec d = payload(s);

	dec_addrvec(&d, &r->addrs);
	r->client_cookie = dec_u64(&d);
	r->server_cookie = dec_u64(&d);
	r->global_seq = dec_u64(&d);
	r->connect_seq = dec_u64(&d);
	r->in_seq = dec_u64(&d);
	return d.err;
}

void msgr_reconnect_encode(struct enc *e, const struct msgr_reconnect *r)
{
	enc_addrvec(e, r->addrs.addr, r->addrs.count);
	enc_u64(e, r->client_cookie);
	enc_u64(e, r->server_cookie);
	enc_u64(e, r->global_seq);
	enc_u64(e, r->connect_seq);
	enc_u64(e, r->in_seq);
}

int msgr_reset_decode(struct slice s, bool *full)
{
	struct dec d = payload(s);

	*full = dec_u8(&d);
	return d.err;
}

void msgr_reset_encode(struct enc *e, bool full)
{
	enc_u8(e, full);
}

int msgr_u64_decode(struct slice s, uint64_t *v)
{
	struct dec d = payload(s);

	*v = dec_u64(&d);
	return d.err;
}

void msgr_u64_encode(struct enc *e, uint64_t v)
{
	enc_u64(e, v);
}

int msgr_keepalive_decode(struct slice s, uint64_t *stamp_ns)
{
	struct dec d = payload(s);

	*stamp_ns = dec_time(&d);
	return d.err;
}

void msgr_keepalive_encode(struct enc *e, uint64_t stamp_ns)
{
	enc_time(e, stamp_ns);
}

int msgr_sign(const uint8_t *key, size_t key_len, const void *bytes, size_t n,
	      uint8_t sig[MSGR_SIGNATURE_LEN])
{
	memset(sig, 0, MSGR_SIGNATURE_LEN);
	return key_len ? hmac_sha256(key, key_len, bytes, n, sig) : 0;
}

bool msgr_signature_equal(const uint8_t a[MSGR_SIGNATURE_LEN], const uint8_t b[MSGR_SIGNATURE_LEN])
{
	return !CRYPTO_memcmp(a, b, MSGR_SIGNATURE_LEN);
}
