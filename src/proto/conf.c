/* conf.c: reading the text of a ceph.conf, see conf.h. Lookup and expansion are in conf_get.c. */
#include "conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the reader stands. `word` collects the key, section or value at hand. */
struct reader {
	const char *p, *end;
	unsigned line;
	char *section; /* owned */
	char *word;    /* owned, CONF_VALUE_MAX bytes */
	size_t len;
	const char *why;
};

static int conf_fail(struct reader *r, int err, const char *why)
{
	r->why = why;
	return err;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_comment(char c)
{
	return c == '#' || c == ';';
}

static bool at_end(const struct reader *r)
{
	return r->p == r->end || *r->p == '\n';
}

/* `\` before the end of the line: the next line goes on. */
static bool skip_join(struct reader *r)
{
	const char *p = r->p;

	if (r->end - p < 2 || *p != '\\')
		return false;
	p++;
	if (*p == '\r' && r->end - p >= 2)
		p++;
	if (*p != '\n')
		return false;
	r->p = p + 1;
	r->line++;
	return true;
}

static void skip_blanks(struct reader *r)
{
	while (!at_end(r) && (is_blank(*r->p) || skip_join(r)))
		if (r->p < r->end && is_blank(*r->p))
			r->p++;
}

static void skip_line(struct reader *r)
{
	while (!at_end(r))
		r->p++;
	if (r->p < r->end) {
		r->p++;
		r->line++;
	}
}

static int word_add(struct reader *r, char c)
{
	if (r->len + 1 >= CONF_VALUE_MAX)
		return conf_fail(r, -EFBIG, "a value over the limit");
	if (!c)
		return conf_fail(r, -EINVAL, "a zero byte");
	r->word[r->len++] = c;
	return 0;
}

/* One character with its escape. 1 = taken, 0 = a joined line. */
static int word_take(struct reader *r)
{
	int res;

	if (skip_join(r))
		return 0;
	if (*r->p == '\\' && r->end - r->p >= 2)
		r->p++;
	res = word_add(r, *r->p++);
	return res ? res : 1;
}

static int read_quoted(struct reader *r)
{
	char quote = *r->p++;
	int res;

	r->len = 0;
	while (!at_end(r) && *r->p != quote) {
		res = word_take(r);
		if (res < 0)
			return res;
	}
	if (at_end(r))
		return conf_fail(r, -EINVAL, "a quote that does not end");
	r->p++;
	skip_blanks(r);
	if (!at_end(r) && !is_comment(*r->p))
		return conf_fail(r, -EINVAL, "text behind a quoted value");
	return 0;
}

static int read_plain(struct reader *r)
{
	size_t kept = 0; /* up to the last character that is no trailing blank */
	bool blank;
	int res;

	r->len = 0;
	while (!at_end(r) && !is_comment(*r->p)) {
		blank = is_blank(*r->p);
		res = word_take(r);
		if (res < 0)
			return res;
		if (res && !blank)
			kept = r->len;
	}
	r->len = kept;
	return 0;
}

/* A quoted word may be part of a plain value (`a "b" c`): only a leading quote is a quote. */
static int read_value(struct reader *r)
{
	skip_blanks(r);
	if (!at_end(r) && (*r->p == '"' || *r->p == '\''))
		return read_quoted(r);
	return read_plain(r);
}

static int read_section(struct reader *r)
{
	char *name;
	const char *close;

	r->p++;
	skip_blanks(r);
	close = memchr(r->p, ']', (size_t)(r->end - r->p));
	if (!close || memchr(r->p, '\n', (size_t)(close - r->p)))
		return conf_fail(r, -EINVAL, "a section name that does not end");
	r->len = (size_t)(close - r->p);
	while (r->len && is_blank(r->p[r->len - 1]))
		r->len--;
	if (!r->len || r->len >= CONF_KEY_MAX)
		return conf_fail(r, -EINVAL, "a section name that is empty or too long");
	name = strndup(r->p, r->len);
	if (!name)
		return conf_fail(r, -ENOMEM, "no memory");
	free(r->section);
	r->section = name;
	r->p = close + 1;
	skip_blanks(r);
	if (!at_end(r) && !is_comment(*r->p))
		return conf_fail(r, -EINVAL, "text behind a section name");
	return 0;
}

bool conf_key_normal(const char *key, size_t len, char *out)
{
	size_t n = 0;

	while (len && is_blank(*key)) {
		key++;
		len--;
	}
	while (len && is_blank(key[len - 1]))
		len--;
	for (; len; key++, len--) {
		char c = is_blank(*key) || *key == '-' ? '_' : *key;

		if (!c || n + 1 == CONF_KEY_MAX)
			return false;
		/* A run of blanks is one. */
		if (is_blank(*key) && is_blank(key[-1]))
			continue;
		out[n++] = c;
	}
	out[n] = 0;
	return n > 0;
}

static int entry_add(struct conf *c, struct reader *r, const char *key, unsigned line)
{
	struct conf_entry *e;

	if (c->count == c->cap) {
		unsigned cap = c->cap ? c->cap * 2 : 32;

		if (c->count == CONF_ENTRIES_MAX)
			return conf_fail(r, -EFBIG, "too many entries");
		e = realloc(c->entry, cap * sizeof(*e));
		if (!e)
			return conf_fail(r, -ENOMEM, "no memory");
		c->entry = e;
		c->cap = cap;
	}
	e = &c->entry[c->count];
	e->section = strdup(r->section ? r->section : "global");
	e->key = strdup(key);
	e->value = strndup(r->word, r->len);
	e->line = line;
	c->count++;
	return e->section && e->key && e->value ? 0 : conf_fail(r, -ENOMEM, "no memory");
}

static int read_entry(struct conf *c, struct reader *r)
{
	const char *from = r->p;
	char key[CONF_KEY_MAX];
	unsigned line = r->line;
	int res;

	while (!at_end(r) && *r->p != '=' && !is_comment(*r->p))
		r->p++;
	if (at_end(r) || *r->p != '=')
		return conf_fail(r, -EINVAL, "a line without =");
	if (!conf_key_normal(from, (size_t)(r->p - from), key))
		return conf_fail(r, -EINVAL, "a key that is empty or too long");
	r->p++;
	res = read_value(r);
	return res ? res : entry_add(c, r, key, line);
}

static int read_line(struct conf *c, struct reader *r)
{
	int res = 0;

	skip_blanks(r);
	if (!at_end(r) && *r->p == '[')
		res = read_section(r);
	else if (!at_end(r) && !is_comment(*r->p))
		res = read_entry(c, r);
	if (!res)
		skip_line(r);
	return res;
}

int conf_parse(struct conf *c, const char *text, size_t len)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct reader r = { .p = text, .end = text + len, .line = 1 };
	int res = 0;

	*c = (struct conf){ 0 };
	if (len > CONF_TEXT_MAX) {
		c->why = "the text is over the limit";
		return -EFBIG;
	}
	r.word = malloc(CONF_VALUE_MAX);
	if (!r.word)
		return -ENOMEM;
	if (len >= 3 && !memcmp(text, bom, 3))
		r.p += 3;
	while (!res && r.p < r.end)
		res = read_line(c, &r);
	free(r.word);
	free(r.section);
	if (res) {
		conf_free(c);
		c->error_line = r.line;
		c->why = r.why;
	}
	return res;
}

void conf_free(struct conf *c)
{
	unsigned i;

	for (i = 0; i < c->count; i++) {
		free(c->entry[i].section);
		free(c->entry[i].key);
		if (c->entry[i].value)
			explicit_bzero(c->entry[i].value,
				       strlen(c->entry[i].value)); /* keyrings are read too */
		free(c->entry[i].value);
	}
	free(c->entry);
	*c = (struct conf){ 0 };
}
