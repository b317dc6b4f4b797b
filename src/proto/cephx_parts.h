/* cephx_parts.h: pieces that several cephx exchanges share, inside of proto/: see cephx.h. */
#pragma once
#include "cephx.h"

enum { CEPHX_GET_AUTH_SESSION = 0x0100, CEPHX_GET_PRINCIPAL_SESSION = 0x0200 };

/* u32 length + ciphertext: decrypts into `plain`, `obj` stands behind the magic. 0 or a negative errno, which
 * also sticks in `d`. */
int cephx_open_blob(struct dec *d, const struct crypto_key *k, uint32_t usage, struct enc *plain,
		    struct dec *obj);
/* The mirror: u32 length + ciphertext of obj. */
void cephx_seal_blob(struct enc *e, const struct crypto_key *k, uint32_t usage,
		     const uint8_t confounder[KEY_CONFOUNDER], const struct enc *obj);
/* A ticket reply: its tickets go into `fresh`. `key` encrypts the session keys; an encrypted ticket is under
 * the key that `old_key(arg, service)` gives (NULL: refused). 0, -EACCES, -EBADMSG, -ENOMEM; *why in static
 * words. */
int cephx_ticket_reply(struct dec *d, const struct crypto_key *key,
		       const struct crypto_key *(*old_key)(void *arg, uint32_t service), void *arg,
		       uint64_t now_ns, struct cephx_tickets *fresh, const char **why);
/* Authorizer part A: who we are and the ticket. */
void cephx_authorizer_ticket(struct enc *e, uint64_t global_id, const struct cephx_ticket *t);
/* Authorizer part B: the proof that we have the session key; answer = the challenge + 1, or NULL. */
void cephx_authorizer_proof(struct enc *e, const struct crypto_key *key, uint64_t nonce,
			    const uint64_t *answer, const uint8_t confounder[KEY_CONFOUNDER]);
/* Frees what held secrets. */
void cephx_wipe_enc(struct enc *e);
