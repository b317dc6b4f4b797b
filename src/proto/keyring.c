/* keyring.c: see keyring.h. A keyring has the grammar of a ceph.conf. */
#include "keyring.h"

#include <errno.h>
#include "conf.h"

static int keyring_parse_key(const struct conf_entry *e, struct keyring_result *r)
{
	r->line = e->line;
	if (!crypto_key_parse(&r->key, e->value, strlen(e->value)))
		return 0;
	r->why = "not a key of a known type";
	return -EINVAL;
}

int keyring_find(const char *text, size_t len, const char *entity, struct keyring_result *r)
{
	const struct conf_entry *e;
	struct conf c;
	unsigned i;
	int res;

	memset(r, 0, sizeof(*r));
	res = conf_parse(&c, text, len);
	if (res) {
		r->line = c.error_line;
		r->why = c.why;
		return res;
	}
	res = -ENOENT;
	r->why = "no key for the entity";
	for (i = c.count; i-- > 0 && res == -ENOENT;) {
		e = &c.entry[i];
		if (!strcmp(e->section, entity) && !strcmp(e->key, "key"))
			res = keyring_parse_key(e, r);
	}
	if (!res)
		r->why = NULL;
	conf_free(&c);
	return res;
}
