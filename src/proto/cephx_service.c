/* cephx_service.c: the handshake with an mds or osd, see cephx.h.
 *
 *   AUTH_REQUEST        ticket, { nonce } under the session key               ->
 *                                                             <-  { challenge } under it AUTH_REPLY_MORE
 *   AUTH_REQUEST_MORE   ticket, { nonce, challenge + 1 }                      ->
 *                                                             <-  { nonce + 1, connection secret } AUTH_DONE
 *
 * The challenge travels without a length of its own, everything else encrypted has one.
 */
#include "cephx_parts.h"

#include <errno.h>

enum { AUTHORIZER_VERSION = 1, PROOF_VERSION = 2, REPLY_WITH_SECRET = 2 };

void cephx_wipe_enc(struct enc *e)
{
	if (e->buf)
		crypto_wipe(e->buf, e->cap);
	enc_free(e);
}

int cephx_open_blob(struct dec *d, const struct crypto_key *k, uint32_t usage, struct enc *plain,
		    struct dec *obj)
{
	struct slice s = dec_slice(d);
	int res = d->err;

	*obj = dec_init(NULL, 0);
	if (!res)
		res = crypto_open(k, usage, s.p, s.len, plain, obj);
	if (res)
		dec_fail(d, "not encrypted with our key");
	return res;
}

void cephx_seal_blob(struct enc *e, const struct crypto_key *k, uint32_t usage,
		     const uint8_t confounder[KEY_CONFOUNDER], const struct enc *obj)
{
	size_t hole = enc_hole(e);

	if (obj->err)
		e->err = obj->err;
	crypto_seal(k, usage, confounder, obj->buf, obj->len, e);
	enc_close(e, hole);
}

void cephx_authorizer_ticket(struct enc *e, uint64_t global_id, const struct cephx_ticket *t)
{
	enc_u8(e, AUTHORIZER_VERSION);
	enc_u64(e, global_id);
	enc_u32(e, t->service);
	enc_bytes(e, t->blob, t->blob_len);
}

void cephx_authorizer_proof(struct enc *e, const struct crypto_key *key, uint64_t nonce,
			    const uint64_t *answer, const uint8_t confounder[KEY_CONFOUNDER])
{
	uint8_t room[32];
	struct enc obj;

	enc_init_fixed(&obj, room, sizeof(room));
	enc_u8(&obj, PROOF_VERSION);
	enc_u64(&obj, nonce);
	enc_u8(&obj, answer != NULL);
	enc_u64(&obj, answer ? *answer : 0);
	cephx_seal_blob(e, key, USAGE_AUTHORIZER, confounder, &obj);
}

static int authorizer_fail(struct cephx_authorizer *a, int err, const char *why)
{
	a->why = why;
	return err;
}

void cephx_authorizer_init(struct cephx_authorizer *a)
{
	*a = (struct cephx_authorizer){ 0 };
	enc_init(&a->ticket_part);
}

void cephx_authorizer_fini(struct cephx_authorizer *a)
{
	enc_free(&a->ticket_part);
	crypto_wipe(a, sizeof(*a));
}

int cephx_authorizer_request(struct cephx_authorizer *a, const struct cephx_tickets *t, uint32_t service,
			     uint64_t nonce, const uint8_t confounder[KEY_CONFOUNDER], struct enc *payload)
{
	const struct cephx_ticket *ticket = cephx_ticket_find(t, service);

	if (!ticket)
		return authorizer_fail(a, -ENOENT, "no ticket for the service");
	a->key = ticket->session_key;
	a->nonce = nonce;
	enc_reset(&a->ticket_part);
	cephx_authorizer_ticket(&a->ticket_part, t->global_id, ticket);
	if (a->ticket_part.err)
		return authorizer_fail(a, a->ticket_part.err, "no memory");
	enc_bytes(payload, a->ticket_part.buf, a->ticket_part.len);
	cephx_authorizer_proof(payload, &a->key, nonce, NULL, confounder);
	a->asked = !payload->err;
	a->challenged = false;
	return payload->err;
}

int cephx_authorizer_more(struct cephx_authorizer *a, const void *p, size_t len,
			  const uint8_t confounder[KEY_CONFOUNDER], struct enc *reply)
{
	struct enc plain;
	struct dec obj;
	uint64_t answer;
	int res;

	if (!a->asked || a->challenged)
		return authorizer_fail(a, -EPROTO, "challenge at the wrong moment");
	enc_init(&plain);
	res = crypto_open(&a->key, USAGE_CHALLENGE, p, len, &plain, &obj);
	if (!res) {
		if (dec_u8(&obj) < 1)
			dec_fail(&obj, "challenge of an unknown version");
		answer = dec_u64(&obj) + 1;
		res = obj.err;
	}
	cephx_wipe_enc(&plain);
	if (res)
		return authorizer_fail(a, res, "challenge not encrypted with the session key");
	a->challenged = true;
	enc_bytes(reply, a->ticket_part.buf, a->ticket_part.len);
	cephx_authorizer_proof(reply, &a->key, a->nonce, &answer, confounder);
	return reply->err;
}

/* { u8 v, u64 nonce + 1, v >= 2: str connection secret } */
static int read_reply(struct cephx_authorizer *a, struct dec *obj, bool secure, struct cephx_session *session)
{
	uint8_t version = dec_u8(obj);
	uint64_t answer = dec_u64(obj);
	struct slice secret = { 0 };

	if (version >= REPLY_WITH_SECRET)
		secret = dec_slice(obj);
	if (obj->err)
		return authorizer_fail(a, obj->err, obj->what);
	if (answer != a->nonce + 1)
		return authorizer_fail(a, -EACCES, "the service did not prove that it has our session key");
	if (secure && secret.len < CEPHX_CON_SECRET)
		return authorizer_fail(a, -EBADMSG, "no connection secret in secure mode");
	if (secure) {
		memcpy(session->con_secret, secret.p, CEPHX_CON_SECRET);
		session->con_secret_len = CEPHX_CON_SECRET;
	}
	memcpy(session->key, a->key.secret, a->key.len);
	session->key_len = a->key.len;
	return 0;
}

int cephx_authorizer_done(struct cephx_authorizer *a, bool secure, const void *p, size_t len,
			  struct cephx_session *session)
{
	struct dec d = dec_init(p, len), obj;
	struct enc plain;
	int res;

	*session = (struct cephx_session){ 0 };
	if (!a->challenged)
		return authorizer_fail(a, -EPROTO, "accepted without a challenge");
	enc_init(&plain);
	res = cephx_open_blob(&d, &a->key, USAGE_AUTHORIZER_REPLY, &plain, &obj);
	if (res)
		authorizer_fail(a, res, "reply not encrypted with the session key");
	else
		res = read_reply(a, &obj, secure, session);
	cephx_wipe_enc(&plain);
	return res;
}
