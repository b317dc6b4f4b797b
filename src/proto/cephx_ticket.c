/* cephx_ticket.c: the tickets a client holds, and the reply that brings them: see cephx.h.
 *
 * A reply lists services; for each there is our half (session key and validity, encrypted for us) and the
 * service's half (the ticket, opaque to us, kept verbatim; when we renewed with an old ticket it is wrapped
 * once more under the old session key).
 */
#include "cephx_parts.h"

#include <errno.h>
#include <stdlib.h>

enum { REPLY_TICKETS_MAX = 32, TICKET_MIN = 4 + 1 + 4 + 1 + 4 };

/* Services are single bits; those we have no use for give -1. */
static int service_index(uint32_t service)
{
	unsigned i;

	for (i = 0; i < CEPHX_SERVICES; i++)
		if (service == 1u << i)
			return (int)i;
	return -1;
}

void cephx_tickets_init(struct cephx_tickets *t)
{
	memset(t, 0, sizeof(*t));
}

static void ticket_clear(struct cephx_ticket *t)
{
	free(t->blob);
	crypto_wipe(t, sizeof(*t));
}

void cephx_tickets_fini(struct cephx_tickets *t)
{
	unsigned i;

	for (i = 0; i < CEPHX_SERVICES; i++)
		ticket_clear(&t->ticket[i]);
	t->global_id = 0;
}

void cephx_tickets_merge(struct cephx_tickets *to, struct cephx_tickets *from)
{
	unsigned i;

	for (i = 0; i < CEPHX_SERVICES; i++) {
		if (!from->ticket[i].service)
			continue;
		ticket_clear(&to->ticket[i]);
		to->ticket[i] = from->ticket[i];
		crypto_wipe(&from->ticket[i], sizeof(from->ticket[i]));
	}
	if (from->global_id)
		to->global_id = from->global_id;
	from->global_id = 0;
}

const struct cephx_ticket *cephx_ticket_find(const struct cephx_tickets *t, uint32_t service)
{
	int i = service_index(service);

	return i >= 0 && t->ticket[i].service ? &t->ticket[i] : NULL;
}

void cephx_ticket_drop(struct cephx_tickets *t, uint32_t service)
{
	int i = service_index(service);

	if (i >= 0)
		ticket_clear(&t->ticket[i]);
}

bool cephx_ticket_expired(const struct cephx_ticket *t, uint64_t now_ns)
{
	return now_ns >= t->expires_ns;
}

uint32_t cephx_tickets_due(const struct cephx_tickets *t, uint32_t wanted, uint64_t now_ns)
{
	uint32_t due = 0;
	unsigned i;

	for (i = 0; i < CEPHX_SERVICES; i++)
		if (wanted & 1u << i && (!t->ticket[i].service || now_ns >= t->ticket[i].renew_ns))
			due |= 1u << i;
	return due;
}

uint64_t cephx_tickets_next_due(const struct cephx_tickets *t, uint32_t wanted)
{
	uint64_t next = UINT64_MAX;
	unsigned i;

	for (i = 0; i < CEPHX_SERVICES; i++)
		if (wanted & 1u << i && t->ticket[i].service && t->ticket[i].renew_ns < next)
			next = t->ticket[i].renew_ns;
	return next;
}

/* --- the reply --- */

struct reply_ctx {
	const struct crypto_key *key;
	const struct crypto_key *(*old_key)(void *arg, uint32_t service);
	void *arg;
	uint64_t now_ns;
	struct enc plain; /* decrypted half at hand */
	const char **why;
};

static int refuse(struct reply_ctx *r, int err, const char *why)
{
	if (!*r->why)
		*r->why = why;
	return err;
}

static uint64_t later(uint64_t now_ns, uint64_t ns)
{
	return ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + ns;
}

/* { u8 1, CryptoKey session_key, validity } */
static int decode_our_half(struct reply_ctx *r, struct dec *d, struct cephx_ticket *t)
{
	struct dec obj;
	uint64_t valid_ns;
	int res = cephx_open_blob(d, r->key, USAGE_TICKET_SESSION_KEY, &r->plain, &obj);

	if (res)
		return refuse(r, res, "ticket not encrypted with our key");
	if (dec_u8(&obj) < 1)
		dec_fail(&obj, "ticket session of an unknown version");
	crypto_key_decode(&obj, &t->session_key);
	valid_ns = dec_time(&obj);
	t->expires_ns = later(r->now_ns, valid_ns);
	t->renew_ns = later(r->now_ns, valid_ns - valid_ns / 4);
	return obj.err ? refuse(r, obj.err, obj.what) : 0;
}

/* Fails unless the bytes are { u8 1, u64 secret_id, blob } and no more. */
static int check_ticket(struct reply_ctx *r, struct slice s)
{
	struct dec d = dec_init(s.p, s.len);

	if (dec_u8(&d) < 1)
		dec_fail(&d, "ticket of an unknown version");
	dec_u64(&d);
	dec_slice(&d);
	dec_end(&d);
	if (!d.err && s.len > CEPHX_TICKET_MAX)
		dec_fail(&d, "ticket over the limit");
	return d.err ? refuse(r, d.err, d.what) : 0;
}

static int decode_their_half(struct reply_ctx *r, struct dec *d, uint32_t service, struct slice *ticket)
{
	const struct crypto_key *old;
	struct dec obj;
	int res;

	if (!dec_u8(d)) {
		*ticket = dec_slice(d);
		return d->err ? refuse(r, d->err, d->what) : check_ticket(r, *ticket);
	}
	old = r->old_key(r->arg, service);
	if (!old)
		return refuse(r, -EACCES, "ticket wrapped for an old key that we do not have");
	res = cephx_open_blob(d, old, USAGE_TICKET_BLOB, &r->plain, &obj);
	if (res)
		return refuse(r, res, "ticket not wrapped with our old key");
	*ticket = dec_slice(&obj);
	return obj.err ? refuse(r, obj.err, obj.what) : check_ticket(r, *ticket);
}

static int ticket_store(struct cephx_tickets *fresh, const struct cephx_ticket *t, struct slice ticket)
{
	int i = service_index(t->service);
	uint8_t *blob;

	if (i < 0)
		return 0;
	blob = malloc(ticket.len);
	if (!blob)
		return -ENOMEM;
	memcpy(blob, ticket.p, ticket.len);
	ticket_clear(&fresh->ticket[i]);
	fresh->ticket[i] = *t;
	fresh->ticket[i].blob = blob;
	fresh->ticket[i].blob_len = ticket.len;
	return 0;
}

static int decode_ticket(struct reply_ctx *r, struct dec *d, struct cephx_tickets *fresh)
{
	struct cephx_ticket t = { .service = dec_u32(d) };
	struct slice ticket;
	int res;

	if (dec_u8(d) < 1)
		dec_fail(d, "ticket of an unknown version");
	res = d->err ? refuse(r, d->err, d->what) : decode_our_half(r, d, &t);
	if (!res)
		res = decode_their_half(r, d, t.service, &ticket);
	if (!res)
		res = ticket_store(fresh, &t, ticket);
	crypto_wipe(&t, sizeof(t));
	return res;
}

int cephx_ticket_reply(struct dec *d, const struct crypto_key *key,
		       const struct crypto_key *(*old_key)(void *arg, uint32_t service), void *arg,
		       uint64_t now_ns, struct cephx_tickets *fresh, const char **why)
{
	struct reply_ctx r = { .key = key, .old_key = old_key, .arg = arg, .now_ns = now_ns, .why = why };
	uint32_t n, i;
	int res = 0;

	if (dec_u8(d) < 1)
		dec_fail(d, "ticket reply of an unknown version");
	n = dec_count(d, TICKET_MIN);
	if (n > REPLY_TICKETS_MAX)
		dec_fail(d, "too many tickets");
	enc_init(&r.plain);
	for (i = 0; i < n && !d->err && !res; i++)
		res = decode_ticket(&r, d, fresh);
	cephx_wipe_enc(&r.plain);
	if (res)
		return res;
	return d->err ? refuse(&r, d->err, d->what) : 0;
}
