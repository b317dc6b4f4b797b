/* crypto.h: CryptoKey and encryption under it, as cephx uses them.
 *
 * Two kinds of key live side by side, and the type inside each key decides: type 1 is AES-128-CBC with a
 * constant IV; type 2 ("aes256k") is AES256-CTS-HMAC-SHA384-192 of RFC 8009, where every purpose has a usage
 * number of its own and a random confounder (given by the caller: nothing here makes randomness). What is
 * encrypted begins with a version byte and a magic number that prove the key right. ceph src/auth/Crypto.cc;
 * doc/protocol.md 2.1, 2.6. Pure.
 */
#pragma once
#include "dec.h"
#include "enc.h"

enum key_type { KEY_NONE = 0, KEY_AES128 = 1, KEY_AES256K = 2 };
enum { KEY_SECRET_MAX = 32, KEY_CONFOUNDER = 16, SEAL_OVERHEAD_MAX = 9 + 40 };

struct crypto_key {
	uint16_t type;
	uint8_t secret[KEY_SECRET_MAX];
	uint32_t len; /* 16 for type 1, 32 for type 2 */
	uint64_t created_ns;
};

/* What a type-2 key encrypts (ceph: the usage argument of CryptoKey); type 1 ignores it. */
enum key_usage {
	USAGE_CON_SECRET = 0x03,
	USAGE_TICKET_SESSION_KEY = 0x04,
	USAGE_TICKET_BLOB = 0x05,
	USAGE_AUTHORIZER = 0x10,
	USAGE_CHALLENGE = 0x11,
	USAGE_AUTHORIZER_REPLY = 0x12,
};

/* u16 type, utime created, u16 length, secret. A length that does not fit the type fails. */
void crypto_key_decode(struct dec *d, struct crypto_key *k);
void crypto_key_encode(struct enc *e, const struct crypto_key *k);
/* The base64 form of keyrings and --key. 0 or -EINVAL. */
int crypto_key_parse(struct crypto_key *k, const char *text, size_t len);
void crypto_wipe(void *p, size_t n);

/* Appends the encryption of { u8 1, u64 magic, obj } to `out`, without a length. Errors stick in `out`. */
void crypto_seal(const struct crypto_key *k, uint32_t usage, const uint8_t confounder[KEY_CONFOUNDER],
		 const void *obj, size_t len, struct enc *out);
/* Decrypts into `plain` (emptied first) and points `obj` behind the magic. -EACCES: not encrypted with this
 * key; -EBADMSG: impossible length; -ENOMEM. */
int crypto_open(const struct crypto_key *k, uint32_t usage, const void *cipher, size_t len, struct enc *plain,
		struct dec *obj);

/* The bare primitives, for the above and for their test vectors. */
enum { AES256K_KE = 32, AES256K_KI = 24, AES256K_MAC = 24 };
int aes256k_derive(const uint8_t secret[32], uint32_t usage, uint8_t ke[AES256K_KE], uint8_t ki[AES256K_KI]);
/* out: 16 + len + 24 bytes. */
int aes256k_encrypt(const uint8_t secret[32], uint32_t usage, const uint8_t confounder[KEY_CONFOUNDER],
		    const void *in, size_t len, uint8_t *out);
/* out: len bytes of room; *out_len = len - 40, *out begins at out + 16 (behind the confounder). */
int aes256k_decrypt(const uint8_t secret[32], uint32_t usage, const void *in, size_t len, uint8_t *out,
		    size_t *out_len);
int hmac_sha256(const void *key, size_t key_len, const void *p, size_t n, uint8_t out[32]);
/* Decodes base64 (blanks skipped) into at most `cap` bytes: their number, or -EINVAL. */
int base64_decode(const char *text, size_t len, uint8_t *out, size_t cap);
