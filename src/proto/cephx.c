/* cephx.c: login and renewal at a monitor, see cephx.h.
 *
 *   AUTH_REQUEST       who we are                      ->
 *                                                      <-  server_challenge         AUTH_REPLY_MORE
 *   AUTH_REQUEST_MORE  proof over both challenges,     ->
 *                      the old ticket, services wanted
 *                                                      <-  auth ticket (under our secret key), connection
 * secret and service tickets (under its session key)  AUTH_DONE
 */
#include "cephx_parts.h"

#include <errno.h>

enum { AUTH_MODE_AUTHORIZER = 1, AUTH_MODE_MON = 10, AUTHENTICATE_VERSION = 3, MON_PAXOS_ANY = 0xffff };

static int login_fail(struct cephx_login *l, int err, const char *why)
{
	l->why = why;
	return err;
}

static int dec_result(struct cephx_login *l, const struct dec *d)
{
	return d->err ? login_fail(l, d->err, d->what) : 0;
}

void cephx_login_init(struct cephx_login *l, const struct crypto_key *key)
{
	*l = (struct cephx_login){ .key = *key };
}

void cephx_login_fini(struct cephx_login *l)
{
	crypto_wipe(l, sizeof(*l));
}

static int identity(const char *entity, uint64_t global_id, uint8_t mode, struct enc *payload)
{
	uint32_t type;
	const char *id = entity_name_parse(entity, &type);

	if (!id || strlen(id) > CEPHX_ID_MAX)
		return -EINVAL;
	enc_u8(payload, mode);
	enc_u32(payload, type);
	enc_str(payload, id);
	enc_u64(payload, global_id);
	return payload->err;
}

int cephx_login_request(struct cephx_login *l, const char *entity, uint64_t global_id, struct enc *payload)
{
	int res = identity(entity, global_id, AUTH_MODE_MON, payload);

	l->asked = !res;
	return res ? login_fail(l, res, "no entity name, or too long") : 0;
}

int auth_none_request(const char *entity, uint64_t global_id, bool to_monitor, struct enc *payload)
{
	return identity(entity, global_id, to_monitor ? AUTH_MODE_MON : AUTH_MODE_AUTHORIZER, payload);
}

/* --- the proof --- */

static uint64_t xor_words(const uint8_t *p, size_t len)
{
	uint64_t sum = 0, word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum ^= word;
	}
	return sum;
}

/* Type 1 encrypts the challenges and folds the blob with its length; type 2, whose encryption is random, has
 * an HMAC. */
static int make_proof(const struct crypto_key *key, uint64_t server, uint64_t client, uint64_t *proof)
{
	uint64_t challenges[2] = { server, client };
	uint8_t mac[32];
	struct enc e, obj;
	int res;

	if (key->type == KEY_AES256K) {
		res = hmac_sha256(key->secret, key->len, challenges, sizeof(challenges), mac);
		*proof = xor_words(mac, sizeof(mac));
		return res;
	}
	enc_init(&e);
	enc_init_fixed(&obj, challenges, sizeof(challenges));
	obj.len = sizeof(challenges);
	cephx_seal_blob(&e, key, 0, NULL, &obj);
	res = e.err;
	if (!res)
		*proof = xor_words(e.buf, e.len);
	cephx_wipe_enc(&e);
	return res;
}

int cephx_login_more(struct cephx_login *l, const void *p, size_t len, uint64_t client_challenge,
		     const struct cephx_tickets *old, uint32_t services, struct enc *reply)
{
	const struct cephx_ticket *ticket = old ? cephx_ticket_find(old, ENTITY_AUTH) : NULL;
	struct dec d = dec_init(p, len);
	uint64_t server_challenge, proof = 0;
	int res;

	if (!l->asked || l->proved)
		return login_fail(l, -EPROTO, "challenge at the wrong moment");
	if (dec_u8(&d) < 1)
		dec_fail(&d, "challenge of an unknown version");
	server_challenge = dec_u64(&d);
	if (d.err)
		return dec_result(l, &d);
	res = make_proof(&l->key, server_challenge, client_challenge, &proof);
	if (res)
		return login_fail(l, res, "the secret key does not encrypt");
	l->proved = true;
	enc_u16(reply, CEPHX_GET_AUTH_SESSION);
	enc_u8(reply, AUTHENTICATE_VERSION);
	enc_u64(reply, client_challenge);
	enc_u64(reply, proof);
	if (ticket) {
		l->has_old = true;
		l->old_key = ticket->session_key;
		enc_bytes(reply, ticket->blob, ticket->blob_len);
	} else {
		enc_u8(reply, 1);
		enc_u64(reply, 0);
		enc_u32(reply, 0);
	}
	enc_u32(reply, services);
	return reply->err;
}

/* --- AUTH_DONE --- */

static const struct crypto_key *login_old_key(void *arg, uint32_t service)
{
	struct cephx_login *l = arg;

	return l->has_old && service == ENTITY_AUTH ? &l->old_key : NULL;
}

/* Service tickets in AUTH_DONE come unwrapped. */
static const struct crypto_key *no_old_key(void *arg, uint32_t service)
{
	return NULL;
}

static int dec_status(struct cephx_login *l, struct dec *d, uint16_t type)
{
	int32_t status;

	if (dec_u16(d) != type)
		dec_fail(d, "answer to another request");
	status = dec_s32(d);
	if (d->err)
		return dec_result(l, d);
	if (status)
		return login_fail(l, status < 0 ? status : -EACCES, "refused by the monitor");
	return 0;
}

/* blob { encrypted blob { str secret } }; the string is empty in crc mode. */
static int decode_con_secret(struct cephx_login *l, struct dec *d, const struct crypto_key *key, bool secure,
			     struct cephx_session *session)
{
	struct dec blob = dec_blob(d), obj;
	struct slice secret = { 0 };
	struct enc plain;
	int res = 0;

	enc_init(&plain);
	if (dec_left(&blob)) {
		res = cephx_open_blob(&blob, key, USAGE_CON_SECRET, &plain, &obj);
		if (!res) {
			secret = dec_slice(&obj);
			res = obj.err;
		}
	}
	if (res)
		login_fail(l, res, "connection secret not encrypted with the session key");
	else if (secure && secret.len < CEPHX_CON_SECRET)
		res = login_fail(l, -EBADMSG, "no connection secret in secure mode");
	else if (secure)
		memcpy(session->con_secret, secret.p, CEPHX_CON_SECRET);
	session->con_secret_len = !res && secure ? CEPHX_CON_SECRET : 0;
	cephx_wipe_enc(&plain);
	return res;
}

int cephx_login_done(struct cephx_login *l, uint64_t global_id, bool secure, const void *p, size_t len,
		     uint64_t now_ns, struct cephx_tickets *fresh, struct cephx_session *session)
{
	struct dec d = dec_init(p, len), extra;
	const struct cephx_ticket *auth;
	int res;

	*session = (struct cephx_session){ 0 };
	l->why = NULL;
	if (!l->proved)
		return login_fail(l, -EPROTO, "login accepted at the wrong moment");
	res = dec_status(l, &d, CEPHX_GET_AUTH_SESSION);
	if (!res)
		res = cephx_ticket_reply(&d, &l->key, login_old_key, l, now_ns, fresh, &l->why);
	if (res)
		return res;
	auth = cephx_ticket_find(fresh, ENTITY_AUTH);
	if (!auth)
		return login_fail(l, -EBADMSG, "no auth ticket in the answer");
	res = decode_con_secret(l, &d, &auth->session_key, secure, session);
	extra = dec_blob(&d);
	if (!res && dec_left(&extra)) {
		/* Copied: the reply may hold a second auth ticket. */
		struct crypto_key key = auth->session_key;

		res = cephx_ticket_reply(&extra, &key, no_old_key, NULL, now_ns, fresh, &l->why);
		crypto_wipe(&key, sizeof(key));
	}
	if (!res)
		res = dec_result(l, &d);
	if (res)
		return res;
	fresh->global_id = global_id;
	memcpy(session->key, auth->session_key.secret, auth->session_key.len);
	session->key_len = auth->session_key.len;
	return 0;
}

/* --- renewal --- */

int cephx_renew_request(const struct cephx_tickets *t, uint32_t services, uint64_t nonce,
			const uint8_t confounder[KEY_CONFOUNDER], struct enc *payload)
{
	const struct cephx_ticket *auth = cephx_ticket_find(t, ENTITY_AUTH);

	if (!auth)
		return -ENOENT;
	enc_u16(payload, CEPHX_GET_PRINCIPAL_SESSION);
	cephx_authorizer_ticket(payload, t->global_id, auth);
	cephx_authorizer_proof(payload, &auth->session_key, nonce, NULL, confounder);
	enc_u8(payload, 1);
	enc_u32(payload, services);
	return payload->err;
}

static const struct crypto_key *renewal_old_key(void *arg, uint32_t service)
{
	const struct cephx_ticket *t = cephx_ticket_find(arg, service);

	return t ? &t->session_key : NULL;
}

int cephx_renew_reply(struct cephx_tickets *t, const void *p, size_t len, uint64_t now_ns, const char **why)
{
	const struct cephx_ticket *auth = cephx_ticket_find(t, ENTITY_AUTH);
	struct cephx_login words = { 0 };
	struct dec d = dec_init(p, len);
	struct cephx_tickets fresh;
	int res;

	cephx_tickets_init(&fresh);
	if (!auth)
		res = login_fail(&words, -ENOENT, "no auth ticket");
	else
		res = dec_status(&words, &d, CEPHX_GET_PRINCIPAL_SESSION);
	if (!res)
		res = cephx_ticket_reply(&d, &auth->session_key, renewal_old_key, t, now_ns, &fresh,
					 &words.why);
	if (!res)
		cephx_tickets_merge(t, &fresh);
	cephx_tickets_fini(&fresh);
	if (why)
		*why = words.why;
	return res;
}

/* --- the messages around it --- */

void auth_msg_encode(struct enc *e, uint32_t protocol, struct slice payload, uint32_t monmap_epoch)
{
	enc_u64(e, 0); /* paxos: version, session_mon, session_mon_tid */
	enc_u16(e, MON_PAXOS_ANY);
	enc_u64(e, 0);
	enc_u32(e, protocol);
	enc_blob(e, payload.p, payload.len);
	enc_u32(e, monmap_epoch);
}

int auth_reply_decode(struct dec *d, struct auth_reply *r)
{
	r->protocol = dec_u32(d);
	r->result = dec_s32(d);
	r->global_id = dec_u64(d);
	r->payload = dec_slice(d);
	r->words = dec_slice(d);
	return d->err;
}
