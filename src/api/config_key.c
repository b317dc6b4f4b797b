/* config_key.c: the secret of the client: `key` itself, a `keyfile`, or a keyring file.
 *
 * The source that ranks highest wins; within one, key before keyfile before keyring. Keyring files are looked
 * through in the order of the list until one has our entity. An error names every file that was tried and why
 * it did not do.
 */
#include "config.h"
#include "../proto/frame.h"
#include "../proto/keyring.h"
#include "../ring/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void text_free(char *text, size_t len)
{
	crypto_wipe(text, len);
	mem_free(text, 0);
}

static int from_key(cephring_config *c)
{
	const struct config_value *v = &c->v[OPT_KEY];

	if (crypto_key_parse(&c->key, v->value, strlen(v->value)))
		return config_fail(c, -EINVAL, "key (%s): not a key in base64", v->origin);
	return 0;
}

static int from_keyfile(cephring_config *c)
{
	const struct config_value *v = &c->v[OPT_KEYFILE];
	char *text;
	size_t len, used;
	int err = config_read_file(v->value, &text, &len);

	if (err)
		return config_fail(c, err, "keyfile %s (%s): %s", v->value, v->origin, strerrordesc_np(-err));
	used = len;
	while (used && strchr(" \t\r\n", text[used - 1]))
		used--;
	if (crypto_key_parse(&c->key, text, used))
		err = config_fail(c, -EINVAL, "keyfile %s (%s): not a key in base64", v->value, v->origin);
	text_free(text, len);
	return err;
}

static int keyring_one(cephring_config *c, const char *path, char *why, size_t why_size)
{
	struct keyring_result r = { 0 };
	char *text;
	size_t len;
	int err = config_read_file(path, &text, &len);

	if (err) {
		snprintf(why, why_size, "%s", strerrordesc_np(-err));
		return err;
	}
	err = keyring_find(text, len, c->v[OPT_NAME].value, &r);
	text_free(text, len);
	if (err == -ENOENT)
		snprintf(why, why_size, "has no key of it");
	else if (err)
		snprintf(why, why_size, "line %u: %s", r.line, r.why ? r.why : strerrordesc_np(-err));
	else
		c->key = r.key;
	crypto_wipe(&r, sizeof r);
	return err;
}

static int from_keyring(cephring_config *c)
{
	const struct config_value *v = &c->v[OPT_KEYRING];
	char path[CONFIG_PATH_MAX], why[256], tried[CONFIG_WORDS_MAX / 2];
	const char *list = v->value;
	int worst = -ENOENT;
	size_t n = 0;

	tried[0] = 0;
	while (config_list_next(&list, path, sizeof path)) {
		int err = keyring_one(c, path, why, sizeof why);
		int k;

		if (!err || err == -ENOMEM)
			return err;
		if (worst == -ENOENT && err != -ENOTDIR)
			worst =
			    err; /* a file that is there and cannot be used says more than one that is not */
		k = snprintf(tried + n, sizeof tried - n, "%s%s (%s)", n ? ", " : "", path, why);
		n += k > 0 && (size_t)k < sizeof tried - n ? (size_t)k : 0;
	}
	return config_fail(c, worst == -EFBIG ? -EINVAL : worst, "no key for %s: %s; from keyring (%s)",
			   c->v[OPT_NAME].value, n ? tried : "no file is named", v->origin);
}

static bool outranks(const cephring_config *c, enum option_id a, enum option_id b)
{
	return c->v[a].value[0] && (!c->v[b].value[0] || c->v[a].level >= c->v[b].level);
}

/* auth none needs no key; where both are allowed by choice (not by default), a missing key is not the end. */
static bool can_do_without(const cephring_config *c)
{
	enum option_id id = c->v[OPT_AUTH_SUPPORTED].value[0] ? OPT_AUTH_SUPPORTED : OPT_AUTH_CLIENT_REQUIRED;
	bool cephx, none;

	option_methods(c->v[id].value, &cephx, &none);
	return none && (!cephx || c->v[id].level != LEVEL_DEFAULT);
}

/* OpenSSL reads its configuration and looks its algorithms up when they are used first: several milliseconds,
 * more than a whole login. Loading may take time, a mount should not: use them now. */
static void crypto_warm_up(const struct crypto_key *key)
{
	static const uint8_t zeros[CON_SECRET_LEN];
	uint8_t mac[32];
	struct enc sealed;

	enc_init(&sealed);
	crypto_seal(key, USAGE_CON_SECRET, zeros, zeros, sizeof mac, &sealed);
	enc_free(&sealed);
	hmac_sha256(key->secret, key->len, zeros, sizeof zeros, mac);
	crypto_wipe(mac, sizeof mac);
	frame_crypto_free(frame_crypto_new(zeros, false));
}

int config_find_key(cephring_config *c)
{
	int err;

	c->have_key = false;
	if (outranks(c, OPT_KEY, OPT_KEYFILE) && outranks(c, OPT_KEY, OPT_KEYRING))
		err = from_key(c);
	else if (outranks(c, OPT_KEYFILE, OPT_KEYRING))
		err = from_keyfile(c);
	else
		err = from_keyring(c);
	c->have_key = !err;
	if (c->have_key)
		crypto_warm_up(&c->key);
	if (err == -ENOENT && can_do_without(c)) {
		c->error[0] = 0;
		return 0;
	}
	return err;
}
