/* fuzz_cephx.c: replies to a login, a renewal and an authorizer.
 *
 * Bare bytes would never decrypt, so the input is a small script that writes the reply:
 *   byte 0        what is answered (0..3) + 4 when the keys are of type 2
 *   then ops      u8 op, u8 length, that many bytes:
 *                 0 the bytes, 1 the bytes sealed under the secret key with their length, 2 under the session
 * key, 3 a length hole opens, 4 the innermost hole closes, 5 sealed under the session key without length the
 * op's high nibble chooses the usage number
 */
#include "proto/cephx_parts.h"
#include "proto_use.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HOLES = 4 };

static const uint8_t SECRET[32] = { 0xb8, 0x58, 0x48, 0x7b, 0xd1, 0x87, 0x14, 0xea };
static const uint8_t SESSION[32] = { 0xb6, 0x0a, 0xaa, 0x58, 0x4e, 0xce, 0x02, 0x3f };
static const uint8_t CONFOUNDER[KEY_CONFOUNDER];

static struct crypto_key key_of(const uint8_t *secret, int type2)
{
	struct crypto_key k = { .type = type2 ? KEY_AES256K : KEY_AES128, .len = type2 ? 32 : 16 };

	memcpy(k.secret, secret, k.len);
	return k;
}

static void seal(struct enc *out, const struct crypto_key *k, uint8_t op, const uint8_t *p, size_t n)
{
	static const uint32_t usages[] = { USAGE_TICKET_SESSION_KEY, USAGE_CON_SECRET, USAGE_TICKET_BLOB,
					   USAGE_CHALLENGE, USAGE_AUTHORIZER_REPLY };
	struct enc obj = { .buf = (uint8_t *)(uintptr_t)p, .len = n, .cap = n, .fixed = 1 };
	uint32_t usage = usages[(op >> 4) % 5];

	if ((op & 15) == 5)
		crypto_seal(k, usage, CONFOUNDER, p, n, out);
	else
		cephx_seal_blob(out, k, usage, CONFOUNDER, &obj);
}

static void run_script(const uint8_t *p, size_t size, const struct crypto_key *secret,
		       const struct crypto_key *session, struct enc *out)
{
	size_t hole[HOLES];
	unsigned open = 0;

	while (size >= 2) {
		uint8_t op = p[0];
		size_t n = p[1] < size - 2 ? p[1] : size - 2;

		if ((op & 15) == 0)
			enc_bytes(out, p + 2, n);
		else if ((op & 15) == 3 && open < HOLES)
			hole[open++] = enc_hole(out);
		else if ((op & 15) == 4 && open)
			enc_close(out, hole[--open]);
		else if ((op & 15) == 1 || (op & 15) == 2 || (op & 15) == 5)
			seal(out, (op & 15) == 1 ? secret : session, op, p + 2, n);
		p += 2 + n;
		size -= 2 + n;
	}
	while (open)
		enc_close(out, hole[--open]);
}

/* The tickets as after a login with that session key. */
static void have_tickets(struct cephx_tickets *t, const struct crypto_key *session)
{
	static const uint8_t ticket[] = { 1, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9 };
	static const struct {
		unsigned at;
		uint32_t service;
	} have[] = { { 1, ENTITY_MDS }, { 5, ENTITY_AUTH } };

	cephx_tickets_init(t);
	t->global_id = 4240;
	for (unsigned i = 0; i < 2; i++) {
		struct cephx_ticket *k = &t->ticket[have[i].at];

		*k = (struct cephx_ticket){ .service = have[i].service,
					    .session_key = *session,
					    .blob = malloc(sizeof(ticket)),
					    .blob_len = sizeof(ticket) };
		must(k->blob != NULL);
		memcpy(k->blob, ticket, sizeof(ticket));
	}
}

static void tickets_use(const struct cephx_tickets *t)
{
	for (uint32_t service = 1; service; service <<= 1) {
		const struct cephx_ticket *k = cephx_ticket_find(t, service);

		if (!k)
			continue;
		must(k->service == service && k->blob && k->blob_len >= 13 &&
		     k->blob_len <= CEPHX_TICKET_MAX);
		must(k->session_key.len == 16 || k->session_key.len == 32);
		must(k->renew_ns <= k->expires_ns);
		use((struct slice){ k->blob, k->blob_len });
	}
}

static void session_use(const struct cephx_session *s, int res)
{
	must(res <= 0);
	must(res ? !s->key_len : s->key_len == 16 || s->key_len == 32);
	must(s->con_secret_len == 0 || s->con_secret_len == CEPHX_CON_SECRET);
}

static void answer_login(const struct crypto_key *secret, const struct cephx_tickets *old, bool secure,
			 const struct enc *reply)
{
	static const uint8_t challenge[9] = { 1, 2, 3 };
	struct cephx_tickets fresh;
	struct cephx_session s;
	struct cephx_login l;
	struct enc e;
	int res;

	enc_init(&e);
	cephx_login_init(&l, secret);
	must(!cephx_login_request(&l, "client.vec", 0, &e));
	if (cephx_login_more(&l, reply->buf, reply->len, 1, old, 55, &e))
		must(!cephx_login_more(&l, challenge, sizeof(challenge), 1, old, 55, &e));
	cephx_tickets_init(&fresh);
	res = cephx_login_done(&l, 7, secure, reply->buf, reply->len, 1, &fresh, &s);
	must_say(res, l.why);
	session_use(&s, res);
	must(res || cephx_ticket_find(&fresh, ENTITY_AUTH));
	tickets_use(&fresh);
	cephx_tickets_fini(&fresh);
	cephx_login_fini(&l);
	enc_free(&e);
}

static void answer_authorizer(const struct crypto_key *session, const struct cephx_tickets *t, bool secure,
			      const struct enc *reply)
{
	struct cephx_authorizer a;
	struct cephx_session s;
	struct enc e, challenge;
	int res;

	enc_init(&e);
	enc_init(&challenge);
	cephx_authorizer_init(&a);
	must(!cephx_authorizer_request(&a, t, ENTITY_MDS, 41, CONFOUNDER, &e));
	crypto_seal(session, USAGE_CHALLENGE, CONFOUNDER, "\1abcdefgh", 9, &challenge);
	if (cephx_authorizer_more(&a, reply->buf, reply->len, CONFOUNDER, &e))
		must(!cephx_authorizer_more(&a, challenge.buf, challenge.len, CONFOUNDER, &e));
	res = cephx_authorizer_done(&a, secure, reply->buf, reply->len, &s);
	must_say(res, a.why);
	session_use(&s, res);
	cephx_authorizer_fini(&a);
	enc_free(&challenge);
	enc_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crypto_key secret, session;
	struct cephx_tickets t;
	const char *why;
	struct enc reply;
	uint8_t what;

	if (!size || size > 4096)
		return 0;
	what = data[0] & 3;
	secret = key_of(SECRET, data[0] & 4);
	session = key_of(SESSION, data[0] & 4);
	have_tickets(&t, &session);
	enc_init(&reply);
	enc_bytes(&reply, "", 0);
	run_script(data + 1, size - 1, &secret, &session, &reply);
	if (!reply.err && what < 2)
		answer_login(&secret, &t, what == 1, &reply);
	else if (!reply.err && what == 2)
		answer_authorizer(&session, &t, data[0] & 8, &reply);
	else if (!reply.err) {
		must_say(cephx_renew_reply(&t, reply.buf, reply.len, 1, &why), why);
		tickets_use(&t);
	}
	cephx_tickets_fini(&t);
	enc_free(&reply);
	return 0;
}
