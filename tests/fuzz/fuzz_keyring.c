/* fuzz_keyring.c: any text as a keyring, and as a key. */
#include <errno.h>

#include "proto/keyring.h"
#include "proto_use.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size);
	struct keyring_result r;
	struct crypto_key key;
	struct enc e;
	int res = keyring_find(text, size, "client.admin", &r);

	must_say(res, r.why);
	must(!r.key.len == !!res);
	if (!crypto_key_parse(&key, text, size)) {
		enc_init(&e);
		crypto_key_encode(&e, &key);
		must(e.len == 12 + key.len);
		enc_free(&e);
	}
	free(text);
	return 0;
}
