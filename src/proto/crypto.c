/* crypto.c: see crypto.h.
 *
 * Sealed under a type-1 key:  AES-128-CBC, constant IV, of { 1, magic, obj, PKCS#7 padding }
 * Sealed under a type-2 key:  C | H, where C = AES-256-CBC-CTS (CS3, zero IV) of { confounder, 1, magic, obj
 * } with the usage's Ke, and H = the first 24 bytes of HMAC-SHA-384 of { zero IV, C } with its Ki.
 */
#include "crypto.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

enum { AES_BLOCK = 16, AES128_KEY = 16, SEAL_HEAD = 1 + 8, SEAL_MAX = 1 << 20 };
#define SEAL_MAGIC 0xff009cad8826aa55ull
static const uint8_t AES128_IV[AES_BLOCK] = { 'c', 'e', 'p', 'h', 's', 'a', 'g', 'e',
					      'y', 'u', 'd', 'a', 'g', 'r', 'e', 'g' };
static const uint8_t ZERO_IV[AES_BLOCK];

void crypto_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}

/* --- keys --- */

static bool key_fits(uint16_t type, size_t len)
{
	return (type == KEY_AES128 && len == AES128_KEY) || (type == KEY_AES256K && len == KEY_SECRET_MAX);
}

void crypto_key_decode(struct dec *d, struct crypto_key *k)
{
	const uint8_t *secret;
	uint16_t len;

	memset(k, 0, sizeof(*k));
	k->type = dec_u16(d);
	k->created_ns = dec_time(d);
	len = dec_u16(d);
	secret = dec_take(d, len);
	if (d->err)
		return;
	if (!key_fits(k->type, len)) {
		dec_fail(d, "a key of unknown type or wrong length");
		return;
	}
	memcpy(k->secret, secret, len);
	k->len = len;
}

void crypto_key_encode(struct enc *e, const struct crypto_key *k)
{
	enc_u16(e, k->type);
	enc_time(e, k->created_ns);
	enc_u16(e, (uint16_t)k->len);
	enc_bytes(e, k->secret, k->len);
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int base64_decode(const char *text, size_t len, uint8_t *out, size_t cap)
{
	unsigned digits = 0, pads = 0;
	uint32_t bits = 0;
	size_t i, n = 0;
	int v;

	for (i = 0; i < len; i++) {
		if (is_blank(text[i]))
			continue;
		if (text[i] == '=') {
			pads++;
			continue;
		}
		v = base64_digit(text[i]);
		if (v < 0 || pads)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)v;
		digits++;
		if (digits % 4 == 1)
			continue;
		if (n == cap)
			return -EINVAL;
		out[n++] = (uint8_t)(bits >> (6 - (digits + 3) % 4 * 2));
	}
	/* The padding completes the last group of four, and nothing but it. */
	if ((digits + pads) % 4 || pads > 2 || digits % 4 == 1 || n > INT_MAX)
		return -EINVAL;
	return (int)n;
}

int crypto_key_parse(struct crypto_key *k, const char *text, size_t len)
{
	uint8_t raw[2 + 8 + 2 + KEY_SECRET_MAX];
	int n = base64_decode(text, len, raw, sizeof(raw));
	struct dec d;

	if (n < 0)
		return -EINVAL;
	d = dec_init(raw, (size_t)n);
	crypto_key_decode(&d, k);
	dec_end(&d);
	crypto_wipe(raw, sizeof(raw));
	if (!d.err)
		return 0;
	crypto_wipe(k, sizeof(*k)); /* no half of one, where bytes follow it */
	return -EINVAL;
}

/* --- primitives --- */

/* HMAC over two pieces. */
static int hmac(const char *digest, const void *key, size_t key_len, struct slice a, struct slice b,
		uint8_t *out, size_t out_cap)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	size_t n = 0;
	int ok = ctx && EVP_MAC_init(ctx, key, key_len, params) && EVP_MAC_update(ctx, a.p, a.len) &&
		 (!b.len || EVP_MAC_update(ctx, b.p, b.len)) && EVP_MAC_final(ctx, out, &n, out_cap);

	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return ok ? 0 : -ENOMEM;
}

int hmac_sha256(const void *key, size_t key_len, const void *p, size_t n, uint8_t out[32])
{
	if (n > UINT32_MAX)
		return -EINVAL;
	return hmac("SHA256", key, key_len, (struct slice){ p, (uint32_t)n }, (struct slice){ NULL, 0 }, out,
		    32);
}

static int derive(const uint8_t secret[32], uint32_t usage, uint8_t kind, uint32_t bits, uint8_t *out)
{
	const uint8_t label[] = { 0,
				  0,
				  0,
				  1,
				  (uint8_t)(usage >> 24),
				  (uint8_t)(usage >> 16),
				  (uint8_t)(usage >> 8),
				  (uint8_t)usage,
				  kind,
				  0,
				  0,
				  0,
				  (uint8_t)(bits >> 8),
				  (uint8_t)bits };
	uint8_t full[48];
	int res = hmac("SHA384", secret, 32, (struct slice){ label, sizeof(label) },
		       (struct slice){ NULL, 0 }, full, sizeof(full));

	memcpy(out, full, bits / 8);
	crypto_wipe(full, sizeof(full));
	return res;
}

int aes256k_derive(const uint8_t secret[32], uint32_t usage, uint8_t ke[AES256K_KE], uint8_t ki[AES256K_KI])
{
	int res = derive(secret, usage, 0xaa, AES256K_KE * 8, ke);

	return res ? res : derive(secret, usage, 0x55, AES256K_KI * 8, ki);
}

/* The whole input in one update: OpenSSL's CTS takes no second. */
static int cts(const uint8_t ke[AES256K_KE], int encrypt, const uint8_t *in, size_t len, uint8_t *out)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_CIPHER_PARAM_CTS_MODE, (char *)(uintptr_t) "CS3", 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC-CTS", NULL);
	EVP_CIPHER_CTX *ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;
	int n = 0;
	int ok = ctx && EVP_CipherInit_ex2(ctx, cipher, ke, ZERO_IV, encrypt, params) &&
		 EVP_CipherUpdate(ctx, out, &n, in, (int)len) && (size_t)n == len;

	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return ok ? 0 : -ENOMEM;
}

static int aes256k_mac(const uint8_t ki[AES256K_KI], const uint8_t *c, size_t len, uint8_t mac[48])
{
	return hmac("SHA384", ki, AES256K_KI, (struct slice){ ZERO_IV, AES_BLOCK },
		    (struct slice){ c, (uint32_t)len }, mac, 48);
}

int aes256k_encrypt(const uint8_t secret[32], uint32_t usage, const uint8_t confounder[KEY_CONFOUNDER],
		    const void *in, size_t len, uint8_t *out)
{
	uint8_t ke[AES256K_KE], ki[AES256K_KI], mac[48];
	size_t n = KEY_CONFOUNDER + len;
	struct enc plain;
	int res;

	if (len > SEAL_MAX)
		return -EMSGSIZE;
	enc_init(&plain);
	enc_bytes(&plain, confounder, KEY_CONFOUNDER);
	enc_bytes(&plain, in, len);
	res = plain.err;
	if (!res)
		res = aes256k_derive(secret, usage, ke, ki);
	if (!res)
		res = cts(ke, 1, plain.buf, n, out);
	if (!res)
		res = aes256k_mac(ki, out, n, mac);
	if (!res)
		memcpy(out + n, mac, AES256K_MAC);
	if (plain.buf)
		crypto_wipe(plain.buf, plain.len);
	enc_free(&plain);
	crypto_wipe(ke, sizeof(ke));
	crypto_wipe(ki, sizeof(ki));
	return res;
}

int aes256k_decrypt(const uint8_t secret[32], uint32_t usage, const void *in, size_t len, uint8_t *out,
		    size_t *out_len)
{
	uint8_t ke[AES256K_KE], ki[AES256K_KI], mac[48];
	const uint8_t *c = in;
	size_t n = len - AES256K_MAC;
	int res;

	if (len < KEY_CONFOUNDER + AES256K_MAC || len > SEAL_MAX)
		return -EBADMSG;
	res = aes256k_derive(secret, usage, ke, ki);
	if (!res)
		res = aes256k_mac(ki, c, n, mac);
	if (!res && CRYPTO_memcmp(mac, c + n, AES256K_MAC))
		res = -EACCES;
	if (!res)
		res = cts(ke, 0, c, n, out);
	if (!res)
		*out_len = n - KEY_CONFOUNDER;
	crypto_wipe(ke, sizeof(ke));
	crypto_wipe(ki, sizeof(ki));
	return res;
}

/* PKCS#7 padding included. A failing end of a decryption means bad padding: a wrong key. */
static int aes128_cbc(const uint8_t *key, int encrypt, const uint8_t *in, size_t len, uint8_t *out,
		      size_t *out_len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, end = 0, res = 0;

	if (!ctx || EVP_CipherInit_ex(ctx, EVP_aes_128_cbc(), NULL, key, AES128_IV, encrypt) != 1 ||
	    EVP_CipherUpdate(ctx, out, &n, in, (int)len) != 1)
		res = -ENOMEM;
	else if (EVP_CipherFinal_ex(ctx, out + n, &end) != 1)
		res = encrypt ? -ENOMEM : -EACCES;
	*out_len = (size_t)n + (size_t)end;
	EVP_CIPHER_CTX_free(ctx);
	return res;
}

/* --- sealing --- */

static int seal_into(const struct crypto_key *k, uint32_t usage, const uint8_t *confounder,
		     const struct enc *plain, struct enc *out)
{
	size_t n, need;
	uint8_t *p;

	if (!key_fits(k->type, k->len) || plain->len > SEAL_MAX)
		return -EINVAL;
	need = k->type == KEY_AES256K ? plain->len + KEY_CONFOUNDER + AES256K_MAC
				      : (plain->len / AES_BLOCK + 1) * AES_BLOCK;
	p = enc_room(out, need);
	if (!p)
		return out->err;
	if (k->type == KEY_AES256K)
		return aes256k_encrypt(k->secret, usage, confounder, plain->buf, plain->len, p);
	return aes128_cbc(k->secret, 1, plain->buf, plain->len, p, &n);
}

void crypto_seal(const struct crypto_key *k, uint32_t usage, const uint8_t confounder[KEY_CONFOUNDER],
		 const void *obj, size_t len, struct enc *out)
{
	struct enc plain;
	int res;

	enc_init(&plain);
	enc_u8(&plain, 1);
	enc_u64(&plain, SEAL_MAGIC);
	enc_bytes(&plain, obj, len);
	res = plain.err ? plain.err : seal_into(k, usage, confounder, &plain, out);
	if (res && !out->err)
		out->err = res;
	if (plain.buf)
		crypto_wipe(plain.buf, plain.len);
	enc_free(&plain);
}

int crypto_open(const struct crypto_key *k, uint32_t usage, const void *cipher, size_t len, struct enc *plain,
		struct dec *obj)
{
	size_t n = 0, skip = k->type == KEY_AES256K ? KEY_CONFOUNDER : 0;
	uint8_t *p;
	int res;

	*obj = dec_init(NULL, 0);
	if (!key_fits(k->type, k->len))
		return -EINVAL;
	if (!len || len > SEAL_MAX || (k->type == KEY_AES128 && len % AES_BLOCK))
		return -EBADMSG;
	enc_reset(plain);
	p = enc_room(plain, len + AES_BLOCK);
	if (!p)
		return plain->err;
	if (k->type == KEY_AES256K)
		res = aes256k_decrypt(k->secret, usage, cipher, len, p, &n);
	else
		res = aes128_cbc(k->secret, 0, cipher, len, p, &n);
	if (res)
		return res;
	*obj = dec_init(p + skip, n);
	if (dec_u8(obj) < 1 || dec_u64(obj) != SEAL_MAGIC || obj->err) {
		*obj = dec_init(NULL, 0);
		return -EACCES;
	}
	return 0;
}
