/* args.h: CEPH_ARGS, the options that every Ceph program takes from the environment, as keys and values.
 *
 * Words are split at blanks; quotes and backslashes keep them. -c -n -i -m -k -K and --id, --user have the
 * long names conf, name, id, mon_host, keyring, keyfile; any other --some-option (=value or the next word) is
 * kept by its underscore form, switches without a value as "true". Words that are no option are dropped.
 * Pure.
 */
#pragma once
#include <stddef.h>

enum { ARGS_TEXT_MAX = 65536, ARGS_MAX = 256 };

struct args {
	char *text; /* owned: what key and value point into */
	unsigned count;
	struct arg {
		const char *key, *value;
	} arg[ARGS_MAX];
};

/* 0; -EINVAL: an open quote or an option that lacks its value; -E2BIG; -ENOMEM. */
int args_parse(const char *text, struct args *a);
void args_free(struct args *a);
/* The last one of that key, or NULL. */
const char *args_find(const struct args *a, const char *key);
