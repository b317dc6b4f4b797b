/* gcm.c: the AES-128-GCM stream of a SECURE connection, see gcm.h.
 *
 * One key serves both directions; each direction has a 12-byte nonce whose first 4 bytes never change and
 * whose other 8 count the operations. The contexts keep the expanded key, so an operation only sets its
 * nonce.
 */
#include "gcm.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { GCM_KEY = 16, GCM_NONCE = 12, GCM_NONCE_FIXED = 4 };

struct gcm_way {
	EVP_CIPHER_CTX *ctx;
	uint8_t nonce[GCM_NONCE];
};

struct frame_crypto {
	struct gcm_way rx, tx;
};

static int way_init(struct gcm_way *w, const uint8_t *key, const uint8_t *nonce, int encrypt)
{
	memcpy(w->nonce, nonce, GCM_NONCE);
	w->ctx = EVP_CIPHER_CTX_new();
	/* GCM's default nonce length is the 12 bytes used here. */
	if (!w->ctx || EVP_CipherInit_ex(w->ctx, EVP_aes_128_gcm(), NULL, key, NULL, encrypt) != 1)
		return -ENOMEM;
	return 0;
}

struct frame_crypto *frame_crypto_new(const uint8_t secret[CON_SECRET_LEN], bool server)
{
	struct frame_crypto *x = calloc(1, sizeof(*x));
	const uint8_t *to_client = secret + GCM_KEY, *to_server = to_client + GCM_NONCE;

	if (!x)
		return NULL;
	if (way_init(&x->rx, secret, server ? to_server : to_client, 0) ||
	    way_init(&x->tx, secret, server ? to_client : to_server, 1)) {
		frame_crypto_free(x);
		return NULL;
	}
	return x;
}

void frame_crypto_free(struct frame_crypto *x)
{
	if (!x)
		return;
	EVP_CIPHER_CTX_free(x->rx.ctx); /* wipes the key */
	EVP_CIPHER_CTX_free(x->tx.ctx);
	OPENSSL_cleanse(x, sizeof(*x));
	free(x);
}

static int way_begin(struct gcm_way *w, int encrypt)
{
	uint64_t count;

	if (EVP_CipherInit_ex(w->ctx, NULL, NULL, NULL, w->nonce, encrypt) != 1)
		return -ENOMEM;
	memcpy(&count, w->nonce + GCM_NONCE_FIXED, sizeof(count));
	count++;
	memcpy(w->nonce + GCM_NONCE_FIXED, &count, sizeof(count));
	return 0;
}

int gcm_seal(struct frame_crypto *x, uint8_t *p, size_t len)
{
	int n = 0, end = 0;

	if (way_begin(&x->tx, 1) || EVP_EncryptUpdate(x->tx.ctx, p, &n, p, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(x->tx.ctx, p + n, &end) != 1 || (size_t)n + (size_t)end != len ||
	    EVP_CIPHER_CTX_ctrl(x->tx.ctx, EVP_CTRL_GCM_GET_TAG, GCM_TAG, p + len) != 1)
		return -ENOMEM;
	return 0;
}

int gcm_open(struct frame_crypto *x, const uint8_t *in, size_t len, uint8_t *out)
{
	uint8_t tag[GCM_TAG];
	int n = 0, end = 0;

	memcpy(tag, in + len, GCM_TAG);
	if (way_begin(&x->rx, 0) || EVP_DecryptUpdate(x->rx.ctx, out, &n, in, (int)len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(x->rx.ctx, EVP_CTRL_GCM_SET_TAG, GCM_TAG, tag) != 1 ||
	    EVP_DecryptFinal_ex(x->rx.ctx, out + n, &end) != 1 || (size_t)n + (size_t)end != len)
		return -EBADMSG;
	return 0;
}
