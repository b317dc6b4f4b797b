/* conf_get.c: the value of a key for one entity, with its $variables: see conf.h. */
#include "conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* An expansion under way: where its text goes and how deep it is nested. */
struct expansion {
	const struct conf_scope *scope;
	char *out;
	size_t len, cap;
	unsigned depth;
	unsigned steps; /* variables looked up so far: bounds the work of nested doublings */
};
enum { EXPAND_STEPS_MAX = 1024 };

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static const struct conf_entry *find_in(const struct conf *c, const char *section, const char *key)
{
	unsigned i;

	for (i = c->count; i-- > 0;)
		if (!strcmp(c->entry[i].key, key) && !strcmp(c->entry[i].section, section))
			return &c->entry[i];
	return NULL;
}

static const struct conf_entry *find_normal(const struct conf_scope *s, const char *key)
{
	char entity[2 * CONF_KEY_MAX];
	const struct conf_entry *e = NULL;

	if (!s->conf)
		return NULL;
	if ((size_t)snprintf(entity, sizeof(entity), "%s.%s", or_empty(s->type), or_empty(s->id)) <
	    sizeof(entity))
		e = find_in(s->conf, entity, key);
	if (!e)
		e = find_in(s->conf, or_empty(s->type), key);
	return e ? e : find_in(s->conf, "global", key);
}

/* The text of a key before expansion, from wherever it comes; NULL = none. */
static const char *raw_value(const struct conf_scope *s, const char *key, const struct conf_entry **from)
{
	const char *v = s->override ? s->override(s->arg, key) : NULL;
	const struct conf_entry *e;

	if (v)
		return v;
	e = find_normal(s, key);
	if (e) {
		if (from)
			*from = e;
		return e->value;
	}
	return s->fallback ? s->fallback(s->arg, key) : NULL;
}

static int put(struct expansion *x, const char *p, size_t n)
{
	if (n >= x->cap - x->len)
		return -ENAMETOOLONG;
	memcpy(x->out + x->len, p, n);
	x->len += n;
	x->out[x->len] = 0;
	return 0;
}

static int put_text(struct expansion *x, const char *s)
{
	return put(x, or_empty(s), strlen(or_empty(s)));
}

/* What is known without the file. 1 = it was one of them. */
static int put_builtin(struct expansion *x, const char *name)
{
	const struct conf_scope *s = x->scope;
	const char *value;
	char number[32];
	int res;

	if (!strcmp(name, "cluster"))
		res = put_text(x, s->cluster);
	else if (!strcmp(name, "type"))
		res = put_text(x, s->type);
	else if (!strcmp(name, "id"))
		res = put_text(x, s->id);
	else if (!strcmp(name, "num")) /* of osd.3; a name that is no number has none */
		res = put_text(x, or_empty(s->id)[strspn(or_empty(s->id), "0123456789")] ? "" : s->id);
	else if (!strcmp(name, "host")) {
		value = raw_value(s, "host", NULL); /* a key of its own */
		res = put_text(x, value ? value : s->host);
	} else if (!strcmp(name, "home"))
		res = put_text(x, s->home);
	else if (!strcmp(name, "name")) {
		res = put_text(x, s->type);
		res = res ? res : put(x, ".", 1);
		res = res ? res : put_text(x, s->id);
	} else if (!strcmp(name, "pid")) {
		snprintf(number, sizeof(number), "%ld", s->pid);
		res = put_text(x, number);
	} else
		return 0;
	return res ? res : 1;
}

static int expand(struct expansion *x, const char *text);

/* `whole` = the variable as written, kept where it means nothing. */
static int put_variable(struct expansion *x, const char *name, const char *whole, size_t whole_len)
{
	const char *value;
	int res = put_builtin(x, name);

	if (res)
		return res < 0 ? res : 0;
	value = raw_value(x->scope, name, NULL);
	if (!value)
		return put(x, whole, whole_len);
	if (x->depth == CONF_DEPTH_MAX || x->steps == EXPAND_STEPS_MAX)
		return -ELOOP;
	x->depth++;
	x->steps++;
	res = expand(x, value);
	x->depth--;
	return res;
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* `p` stands at a $: reads the variable's name; 0 = there is none. Else the length with $ and braces. */
static size_t read_name(const char *p, char name[CONF_KEY_MAX])
{
	bool braced = p[1] == '{';
	const char *from = p + 1 + braced;
	size_t n = 0;

	while (is_name(from[n]))
		n++;
	if (!n || n >= CONF_KEY_MAX || (braced && from[n] != '}'))
		return 0;
	memcpy(name, from, n);
	name[n] = 0;
	return n + 1 + 2 * (size_t)braced;
}

static int expand(struct expansion *x, const char *text)
{
	char name[CONF_KEY_MAX];
	size_t n;
	int res = 0;

	while (*text && !res) {
		n = strcspn(text, "$");
		if (n) {
			res = put(x, text, n);
			text += n;
			continue;
		}
		n = read_name(text, name);
		res = n ? put_variable(x, name, text, n) : put(x, text, 1);
		text += n ? n : 1;
	}
	return res;
}

int conf_expand(const struct conf_scope *s, const char *text, char *out, size_t cap)
{
	struct expansion x = { .scope = s, .out = out, .cap = cap };

	if (!cap)
		return -ENAMETOOLONG;
	out[0] = 0;
	return expand(&x, text);
}

int conf_get(const struct conf_scope *s, const char *key, char *out, size_t cap,
	     const struct conf_entry **from)
{
	char normal[CONF_KEY_MAX];
	const char *raw;

	if (from)
		*from = NULL;
	if (!conf_key_normal(key, strlen(key), normal))
		return -ENOENT;
	raw = raw_value(s, normal, from);
	return raw ? conf_expand(s, raw, out, cap) : -ENOENT;
}
