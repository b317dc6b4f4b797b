/* keyring.h: the text of a keyring file: [entity] sections with a base64 `key`; caps and the rest are
 * ignored. Pure. */
#pragma once
#include "crypto.h"

struct keyring_result {
	struct crypto_key key;
	unsigned line;   /* of the key, or of the error */
	const char *why; /* after an error: static words */
};

/* The key of "client.admin". 0; -ENOENT: no such entity, or it has no key; -EINVAL: broken text or key;
 * -EFBIG; -ENOMEM. */
int keyring_find(const char *text, size_t len, const char *entity, struct keyring_result *r);
