/* json.h: what the command prints with --json.
 *
 * JSON is Unicode and names are bytes. A name that is UTF-8 appears as it is. Of any other, each stray byte
 * appears as the four characters \xHH, and a second member, KEY_hex, has the exact bytes. Errors are objects
 * with the errno's name, its number and the words. Times appear twice: UTC text, and ns since 1970.
 */
#pragma once
#include "tool.h"

#include <jansson.h>

/* All set a member; ends the process when memory is out. */
void json_bytes(json_t *obj, const char *key, const char *s, size_t len);
void json_text(json_t *obj, const char *key, const char *s); /* NULL gives null */
void json_u64(json_t *obj, const char *key, uint64_t v);     /* above 2^63-1: text, no reader could hold it */
void json_flag(json_t *obj, const char *key, bool v);
void json_statx(json_t *obj, const struct cephring_statx *st);
void json_error(json_t *obj, int err, const char *why);
json_t *json_new(void);

/* One value, indented, with its newline; takes it. */
void json_print(json_t *value);
/* An array whose elements are printed as they come, one on a line. */
struct json_list {
	unsigned count;
};
void json_list_begin(struct json_list *l);
void json_list_item(struct json_list *l, json_t *value); /* takes it */
void json_list_end(struct json_list *l);
/* The compact text of an object without its closing brace; takes the object; free(). For trees printed on the
 * fly. */
char *json_open_text(json_t *obj);
