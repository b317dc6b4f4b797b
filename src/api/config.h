/* config.h: the configuration of a mount, as an object of the caller's: no globals, any thread at a time.
 *
 * A value comes from the highest source that names it: options set by the caller > CEPH_ARGS > CEPH_CONF and
 * CEPH_KEYRING > ceph.conf ([client.ID] > [client] > [global]) > default. Each source stays apart, and every
 * change of one makes the values in force anew, with the words for where each came from. The environment is
 * read in cephring_config_load() and nowhere else.
 */
#pragma once
#include "../../include/cephring.h"
#include "../mon/mon.h"
#include "../proto/conf.h"
#include "../proto/monhost.h"
#include "config_options.h"

enum { CONFIG_PATH_MAX = 4096, CONFIG_ORIGIN_MAX = CONFIG_PATH_MAX + 256, CONFIG_WORDS_MAX = 8192 };

enum config_level { LEVEL_DEFAULT, LEVEL_CONF, LEVEL_ENV, LEVEL_OPTION };

struct config_value {
	char *option, *env;   /* owned; NULL = that source does not name it */
	const char *env_name; /* which variable; static */
	char *value, *origin; /* owned; in force, expanded */
	enum config_level level;
};

struct cephring_config {
	struct config_value v[OPT_COUNT];
	struct conf conf;
	char conf_path[CONFIG_PATH_MAX]; /* "" = none was found */
	char host[64], home[CONFIG_PATH_MAX];
	bool loaded; /* what follows is of these values */
	struct crypto_key key;
	bool have_key;
	struct entity_addr mon[MONHOST_MAX];
	unsigned mon_count;
	char error[CONFIG_WORDS_MAX];
};

/* config.c: the parts of loading share these. */
/* Keeps the words; gives `err` back. */
int config_fail(cephring_config *c, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Values in force from the sources as they are. 0, -EINVAL with words, -ENOMEM. */
int config_resolve(cephring_config *c);
int config_set_env(cephring_config *c, enum option_id id, const char *name, const char *value);

/* config_file.c: whole file, NUL-terminated, mem_free'd by the caller with *len + 1. -EFBIG above 1 MiB. */
int config_read_file(const char *path, char **text, size_t *len);
/* The next name of a list ("a,b;c d"): false = no more. */
bool config_list_next(const char **list, char *out, size_t cap);
/* config_key.c, config_hosts.c: the secret, the monitors' addresses. */
int config_find_key(cephring_config *c);
int config_find_mons(cephring_config *c);

/* For the mount. Text in force; never NULL. */
const char *config_text(const cephring_config *c, enum option_id id);
bool config_bool(const cephring_config *c, enum option_id id);    /* BOOL; ACL: enforced */
uint64_t config_u64(const cephring_config *c, enum option_id id); /* COUNT; SIZE in bytes; SECONDS in ns */
/* Any key, known or not, as options, the environment and the file have it. As conf_get(). */
int config_find(const cephring_config *c, const char *key, char *out, size_t cap);
/* Fills all but nonce (the mount's: ring_random). Borrows from `c`. -EINVAL: not loaded. */
int config_mon_opts(const struct cephring_config *c, struct mon_opts *o, struct log *log);
