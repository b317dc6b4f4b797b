/* json.c: see json.h. */
#include "json.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void set(json_t *obj, const char *key, json_t *value)
{
	if (!value || json_object_set_new(obj, key, value))
		tool_no_memory();
}

json_t *json_new(void)
{
	json_t *o = json_object();

	if (!o)
		tool_no_memory();
	return o;
}

void json_bytes(json_t *obj, const char *key, const char *s, size_t len)
{
	char hex_key[64], *text;
	size_t text_len;

	text = text_utf8(s, len, &text_len);
	set(obj, key, json_stringn(text, text_len));
	free(text);
	if (text_is_utf8(s, len))
		return;
	text = text_hex(s, len);
	snprintf(hex_key, sizeof hex_key, "%s_hex", key);
	set(obj, hex_key, json_string(text));
	free(text);
}

void json_text(json_t *obj, const char *key, const char *s)
{
	if (s)
		json_bytes(obj, key, s, strlen(s));
	else
		set(obj, key, json_null());
}

void json_u64(json_t *obj, const char *key, uint64_t v)
{
	char text[24];

	if (v <= INT64_MAX) {
		set(obj, key, json_integer((json_int_t)v));
		return;
	}
	snprintf(text, sizeof text, "%llu", (unsigned long long)v);
	set(obj, key, json_string(text));
}

void json_flag(json_t *obj, const char *key, bool v)
{
	set(obj, key, json_boolean(v));
}

static void set_time(json_t *obj, const char *key, const char *ns_key, int64_t ns)
{
	char buf[TEXT_TIME_MAX];

	json_text(obj, key, text_time(buf, ns, true));
	set(obj, ns_key, json_integer(ns));
}

static void set_times(json_t *obj, const struct cephring_statx *st)
{
	if (st->mask & CEPHRING_STATX_ATIME)
		set_time(obj, "atime", "atime_ns", st->atime_ns);
	if (st->mask & CEPHRING_STATX_MTIME)
		set_time(obj, "mtime", "mtime_ns", st->mtime_ns);
	if (st->mask & CEPHRING_STATX_CTIME)
		set_time(obj, "ctime", "ctime_ns", st->ctime_ns);
	if (st->mask & CEPHRING_STATX_BTIME)
		set_time(obj, "btime", "btime_ns", st->btime_ns);
}

static void set_mode(json_t *obj, const struct cephring_statx *st)
{
	char buf[TEXT_MODE_MAX], octal[8];

	snprintf(octal, sizeof octal, "%04o", st->mode & 07777);
	json_text(obj, "mode", octal);
	json_text(obj, "mode_text", text_mode(buf, st->mode));
}

void json_statx(json_t *obj, const struct cephring_statx *st)
{
	if (st->mask & CEPHRING_STATX_INO)
		json_u64(obj, "ino", st->ino);
	if (st->snapid != (uint64_t)-2)
		json_u64(obj, "snapid", st->snapid);
	if (st->mask & (CEPHRING_STATX_TYPE | CEPHRING_STATX_MODE))
		json_text(obj, "type", text_type(st->mode));
	if (st->mask & CEPHRING_STATX_MODE)
		set_mode(obj, st);
	if (st->mask & CEPHRING_STATX_NLINK)
		json_u64(obj, "nlink", st->nlink);
	if (st->mask & CEPHRING_STATX_UID)
		json_u64(obj, "uid", st->uid);
	if (st->mask & CEPHRING_STATX_GID)
		json_u64(obj, "gid", st->gid);
	if (st->mask & CEPHRING_STATX_SIZE)
		json_u64(obj, "size", st->size);
	if (st->mask & CEPHRING_STATX_BLOCKS)
		json_u64(obj, "blocks", st->blocks);
	if (S_ISCHR(st->mode) || S_ISBLK(st->mode))
		json_u64(obj, "rdev", st->rdev);
	set_times(obj, st);
	if (st->mask & CEPHRING_STATX_VERSION)
		json_u64(obj, "version", st->version);
	if (S_ISDIR(st->mode)) {
		json_u64(obj, "rbytes", st->rbytes);
		json_u64(obj, "rfiles", st->rfiles);
		json_u64(obj, "rsubdirs", st->rsubdirs);
	}
}

void json_error(json_t *obj, int err, const char *why)
{
	const char *name = strerrorname_np(-err);
	json_t *e = json_new();

	json_text(e, "errno", name ? name : "unknown");
	json_u64(e, "code", -err);
	json_text(e, "message", strerror(-err));
	if (why)
		json_text(e, "why", why);
	set(obj, "error", e);
}

static void dump(json_t *value, size_t flags)
{
	if (json_dumpf(value, stdout, flags | JSON_ENCODE_ANY)) {
		fputs("cephring: cannot write the output\n", stderr);
		exit(EXIT_FAILED);
	}
	json_decref(value);
}

void json_print(json_t *value)
{
	dump(value, JSON_INDENT(2));
	putchar('\n');
}

void json_list_begin(struct json_list *l)
{
	l->count = 0;
	fputs("[", stdout);
}

void json_list_item(struct json_list *l, json_t *value)
{
	fputs(l->count++ ? ",\n " : "\n ", stdout);
	dump(value, JSON_COMPACT);
}

void json_list_end(struct json_list *l)
{
	fputs(l->count ? "\n]\n" : "]\n", stdout);
}

char *json_open_text(json_t *obj)
{
	char *text = json_dumps(obj, JSON_COMPACT);

	if (!text)
		tool_no_memory();
	json_decref(obj);
	text[strlen(text) - 1] = '\0';
	return text;
}
