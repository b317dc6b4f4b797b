/* fuzz_conf.c: any text as a ceph.conf; every key in it is then asked for, with its $variables. */
#include <errno.h>

#include "proto/conf.h"
#include "proto_use.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char out[CONF_VALUE_MAX];
	char *exact = malloc(size ? size : 1), normal[CONF_KEY_MAX];
	struct conf_scope s = {
		.cluster = "ceph", .type = "client", .id = "admin", .host = "h", .home = "/r", .pid = 1
	};
	struct conf c;
	int res;

	must(exact != NULL);
	if (size)
		memcpy(exact, data, size);
	res = conf_parse(&c, exact, size);
	must_say(res, c.why);
	must(!res || c.count == 0);
	s.conf = &c;
	for (unsigned i = 0; i < c.count && i < 64; i++) {
		const struct conf_entry *e = &c.entry[i], *from;

		must(conf_key_normal(e->key, strlen(e->key), normal) && !strcmp(normal, e->key));
		res = conf_get(&s, e->key, out, sizeof(out), &from);
		must(!res || res == -ENOENT || res == -ENAMETOOLONG || res == -ELOOP);
		if (!res)
			must(from && strlen(out) < sizeof(out));
		res = conf_get(&s, e->key, out, 8, NULL);
		if (!res)
			must(strlen(out) < 8);
	}
	conf_free(&c);
	free(exact);
	return 0;
}
