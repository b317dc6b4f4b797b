/* cephx.h: the cephx protocol of a client, as objects that take bytes, the clock and randomness as arguments.
 *
 *   login       monitor handshake: AUTH_REQUEST -> challenge -> proof -> tickets and the session's keys
 *   tickets     what a login or a renewal brought: per service an opaque ticket and its session key
 *   authorizer  handshake with a service (mds, osd): ticket + proof -> challenge -> proof again -> reply
 *   renewal     fresh service tickets over an open monitor session (MAuth)
 *
 * Each key carries its own type (crypto.h), and one exchange may mix both. ceph
 * src/auth/cephx/CephxProtocol.h, CephxClientHandler.cc; doc/protocol.md 2. Nothing here logs; `why` says in
 * static words what was wrong.
 */
#pragma once
#include "addr.h"
#include "crypto.h"

enum {
	CEPHX_SERVICES = 6,
	CEPHX_TICKET_MAX = 64 << 10,
	CEPHX_ID_MAX = 256,
	CEPHX_NAME_MAX = CEPHX_ID_MAX + 8,
	CEPHX_CON_SECRET = 64
};

/* --- tickets --- */
struct cephx_ticket {
	uint32_t service; /* enum entity_type; 0 = none */
	struct crypto_key session_key;
	uint64_t expires_ns,
	    renew_ns;  /* on the clock of the `now_ns` given; renew_ns = 3/4 of the validity */
	uint8_t *blob; /* owned: { u8 1, u64 secret_id, blob } verbatim */
	uint32_t blob_len;
};
struct cephx_tickets {
	uint64_t global_id; /* 0 = none yet */
	struct cephx_ticket ticket[CEPHX_SERVICES];
};
void cephx_tickets_init(struct cephx_tickets *t);
void cephx_tickets_fini(struct cephx_tickets *t); /* wipes */
/* Moves all of `from` over `to`: tickets that `from` lacks stay. `from` is empty afterwards. */
void cephx_tickets_merge(struct cephx_tickets *to, struct cephx_tickets *from);
/* The ticket of one service (ENTITY_*), also an expired one; NULL when there is none. */
const struct cephx_ticket *cephx_ticket_find(const struct cephx_tickets *t, uint32_t service);
void cephx_ticket_drop(struct cephx_tickets *t, uint32_t service);
bool cephx_ticket_expired(const struct cephx_ticket *t, uint64_t now_ns);
/* Of the services in `wanted` (bits) those without a ticket or past renew_ns. */
uint32_t cephx_tickets_due(const struct cephx_tickets *t, uint32_t wanted, uint64_t now_ns);
/* When the next of them becomes due; UINT64_MAX = none of them is there. */
uint64_t cephx_tickets_next_due(const struct cephx_tickets *t, uint32_t wanted);

/* What a finished handshake gives to the connection. */
struct cephx_session {
	uint8_t key[KEY_SECRET_MAX]; /* HMAC key of AUTH_SIGNATURE */
	uint32_t key_len;            /* 16 or 32 */
	uint8_t con_secret[CEPHX_CON_SECRET];
	uint32_t con_secret_len; /* 64 in secure mode, 0 in crc mode */
};

/* --- login at a monitor. `fini` at the end of every attempt (wipes). --- */
struct cephx_login {
	struct crypto_key key; /* of the entity */
	bool asked, proved, has_old;
	struct crypto_key old_key; /* session key of the auth ticket presented */
	const char *why;
};
void cephx_login_init(struct cephx_login *l, const struct crypto_key *key);
void cephx_login_fini(struct cephx_login *l);
/* AUTH_REQUEST payload. entity: its name, as "client.admin"; global_id 0 the first time (a known one needs
 * `old` in cephx_login_more(), or the monitor refuses). 0, -EINVAL for a name that is none or too long. */
int cephx_login_request(struct cephx_login *l, const char *entity, uint64_t global_id, struct enc *payload);
/* AUTH_REPLY_MORE in, AUTH_REQUEST_MORE out. `old`: tickets of the login before, or NULL. services: bits of
 * the tickets wanted with the auth ticket. */
int cephx_login_more(struct cephx_login *l, const void *p, size_t len, uint64_t client_challenge,
		     const struct cephx_tickets *old, uint32_t services, struct enc *reply);
/* AUTH_DONE in. `fresh` (initialised, empty) gets global_id and tickets. -EACCES: not encrypted with our key;
 * -EBADMSG; a negative status of the monitor. secure: con_mode of AUTH_DONE is 2, a connection secret must be
 * there. */
int cephx_login_done(struct cephx_login *l, uint64_t global_id, bool secure, const void *p, size_t len,
		     uint64_t now_ns, struct cephx_tickets *fresh, struct cephx_session *session);

/* --- renewal on an open monitor session --- */
/* Payload of MAuth asking for `services` (bits). -ENOENT: no auth ticket. */
int cephx_renew_request(const struct cephx_tickets *t, uint32_t services, uint64_t nonce,
			const uint8_t confounder[KEY_CONFOUNDER], struct enc *payload);
/* Payload of MAuthReply: the tickets in it go into `t`. All or nothing. *why (may be NULL) in static words.
 */
int cephx_renew_reply(struct cephx_tickets *t, const void *p, size_t len, uint64_t now_ns, const char **why);

/* MAuth and MAuthReply around it (also what an auth-none session would use). */
void auth_msg_encode(struct enc *e, uint32_t protocol, struct slice payload, uint32_t monmap_epoch);
struct auth_reply {
	uint32_t protocol;
	int32_t result;
	uint64_t global_id;
	struct slice payload, words;
};
int auth_reply_decode(struct dec *d, struct auth_reply *r);

/* --- authorizer for a service. `fini` at the end of every attempt. --- */
struct cephx_authorizer {
	struct crypto_key key; /* the service session key, copied: a renewal in between does not matter */
	uint64_t nonce;
	struct enc ticket_part; /* owned: sent with both requests */
	bool asked, challenged;
	const char *why;
};
void cephx_authorizer_init(struct cephx_authorizer *a);
void cephx_authorizer_fini(struct cephx_authorizer *a);
/* AUTH_REQUEST payload. -ENOENT: no ticket for that service. */
int cephx_authorizer_request(struct cephx_authorizer *a, const struct cephx_tickets *t, uint32_t service,
			     uint64_t nonce, const uint8_t confounder[KEY_CONFOUNDER], struct enc *payload);
/* AUTH_REPLY_MORE (the service's challenge) in, AUTH_REQUEST_MORE out; a fresh confounder again. */
int cephx_authorizer_more(struct cephx_authorizer *a, const void *p, size_t len,
			  const uint8_t confounder[KEY_CONFOUNDER], struct enc *reply);
/* AUTH_DONE in. -EACCES: the service does not have our session key. */
int cephx_authorizer_done(struct cephx_authorizer *a, bool secure, const void *p, size_t len,
			  struct cephx_session *session);

/* --- auth none --- */
/* AUTH_REQUEST payload of method 1; to_monitor: the login form. */
int auth_none_request(const char *entity, uint64_t global_id, bool to_monitor, struct enc *payload);
