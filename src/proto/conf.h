/* conf.h: the text of a ceph.conf, and the value that a key has for one entity.
 *
 * Sections rule by precedence: [client.admin] over [client] over [global]; the last of equal keys wins. In
 * keys blanks, dashes and underscores are the same. `#` and `;` begin a comment, `\` at the end of a line
 * joins the next one, `\x` is a plain x, quotes keep blanks and comment signs. Values may name $cluster,
 * $type, $id, $name, $host, $pid, $home and any other key, as $key or ${key}. ceph src/common/ConfUtils.cc,
 * config.cc. Pure: text in, structs out.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum {
	CONF_TEXT_MAX = 1 << 20,
	CONF_ENTRIES_MAX = 8192,
	CONF_KEY_MAX = 128,
	CONF_VALUE_MAX = 16384,
	CONF_DEPTH_MAX = 16
};

struct conf_entry {
	char *section, *key, *value; /* owned; key in its underscore form, value before expansion */
	unsigned line;               /* from 1 */
};
struct conf {
	struct conf_entry *entry; /* owned; in the order of the text */
	unsigned count, cap;
	unsigned error_line; /* after -EINVAL: where */
	const char *why;     /* and why; static words */
};

/* 0; -EINVAL with error_line and why; -EFBIG over a limit; -ENOMEM. After an error `c` is empty but for the
 * words. */
int conf_parse(struct conf *c, const char *text, size_t len);
void conf_free(struct conf *c); /* of a zeroed or parsed one */

/* `out` (CONF_KEY_MAX bytes): the underscore form. false when too long or empty. */
bool conf_key_normal(const char *key, size_t len, char *out);

/* Who is asking, and the values of the $variables. NULL = "". */
struct conf_scope {
	const struct conf *conf;                       /* NULL = no file */
	const char *cluster, *type, *id, *host, *home; /* "ceph", "client", "admin" */
	long pid;
	/* Values that override the file (options, environment, arguments) or stand in for defaults; NULL
	 * result = none. May be NULL. */
	const char *(*override)(void *arg, const char *key);
	const char *(*fallback)(void *arg, const char *key);
	void *arg;
};

/* The value by override, file, fallback, expanded into out[cap]; *from (may be NULL) = the file's entry if it
 * came from there. 0; -ENOENT; -ENAMETOOLONG; -ELOOP: $variables that name each other. */
int conf_get(const struct conf_scope *s, const char *key, char *out, size_t cap,
	     const struct conf_entry **from);
/* Expands the $variables of any text; unknown ones stay as they are. */
int conf_expand(const struct conf_scope *s, const char *text, char *out, size_t cap);
