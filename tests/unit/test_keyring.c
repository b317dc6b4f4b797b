/* test_keyring.c: finding an entity's key in the text of a keyring. */
#include "../../src/proto/keyring.h"

#include <errno.h>
#include "vectors.h"

static int find(const char *text, const char *entity, struct keyring_result *r)
{
	return keyring_find(text, strlen(text), entity, r);
}

Test(keyring, as_ceph_writes_it)
{
	const char *text =
	    "[client.admin]\n\tkey = " OLD_KEY "\n\tcaps mds = \"allow *\"\n\tcaps mon = \"allow *\"\n"
	    "[client.new]\n\tkey = " NEW_KEY "\n";
	struct bytes secret = unhex("1a4813529626ccad341848e331ab77dc");
	struct keyring_result r;

	cr_assert_eq(find(text, "client.admin", &r), 0);
	cr_assert_eq(r.key.type, KEY_AES128);
	assert_bytes(r.key.secret, r.key.len, secret.p, secret.len);
	cr_assert_eq(r.line, 2);
	cr_assert_null(r.why);
	cr_assert_eq(find(text, "client.new", &r), 0);
	cr_assert_eq(r.key.type, KEY_AES256K);
	cr_assert_eq(r.line, 6);
}

Test(keyring, absent_entity_and_absent_key)
{
	struct keyring_result r;

	cr_assert_eq(find("[client.a]\nkey = " OLD_KEY "\n", "client.b", &r), -ENOENT);
	cr_assert_not_null(r.why);
	cr_assert_eq(find("[client.a]\ncaps mon = \"allow r\"\n", "client.a", &r), -ENOENT);
	cr_assert_eq(find("", "client.a", &r), -ENOENT);
	cr_assert_eq(find("key = " OLD_KEY "\n", "client.a", &r), -ENOENT);
}

Test(keyring, broken_key_and_text_name_their_line)
{
	struct keyring_result r;

	cr_assert_eq(find("# x\n[client.a]\nkey = AQBS\n", "client.a", &r), -EINVAL);
	cr_assert_eq(r.line, 3);
	cr_assert_eq(r.key.len, 0);
	cr_assert_eq(find("[client.a\n", "client.a", &r), -EINVAL);
	cr_assert_eq(r.line, 1);
	cr_assert_not_null(r.why);
}

Test(keyring, last_key_of_an_entity_wins)
{
	struct keyring_result r;

	cr_assert_eq(find("[client.a]\nkey = " OLD_KEY "\nkey = " NEW_KEY "\n", "client.a", &r), 0);
	cr_assert_eq(r.key.type, KEY_AES256K);
}
