/* args.c: see args.h.
 *
 * The words are cut out of a copy of the text in place: quotes and backslashes only ever make them shorter.
 */
#include "args.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 1024 };

struct words {
	char *word[WORDS_MAX];
	unsigned count, at;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Reads the word at *p and writes it, unquoted, at the same place. NULL: an open quote. */
static char *cut_word(char **p)
{
	char *from = *p, *out = *p, *in = *p, quote = 0;

	for (; *in && (quote || !is_blank(*in)); in++) {
		if (quote && *in == quote)
			quote = 0;
		else if (!quote && (*in == '"' || *in == '\''))
			quote = *in;
		else if (*in == '\\' && in[1] && quote != '\'')
			*out++ = *++in;
		else
			*out++ = *in;
	}
	if (quote)
		return NULL;
	*p = *in ? in + 1 : in;
	*out = 0;
	return from;
}

static int cut_words(char *text, struct words *w)
{
	for (;;) {
		while (is_blank(*text))
			text++;
		if (!*text)
			return 0;
		if (w->count == WORDS_MAX)
			return -E2BIG;
		w->word[w->count] = cut_word(&text);
		if (!w->word[w->count])
			return -EINVAL;
		w->count++;
	}
}

static const char *short_key(char c)
{
	switch (c) {
	case 'c':
		return "conf";
	case 'n':
		return "name";
	case 'i':
		return "id";
	case 'm':
		return "mon_host";
	case 'k':
		return "keyring";
	case 'K':
		return "keyfile";
	default:
		return NULL;
	}
}

/* Options of Ceph's programs that take no value. */
static bool is_switch(const char *key)
{
	static const char *const known[] = {
		"foreground", "mkfs", "version", "help", "verbose", "show_config"
	};
	unsigned i;

	if (!strncmp(key, "no_", 3))
		return true;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(key, known[i]))
			return true;
	return false;
}

static int arg_add(struct args *a, const char *key, const char *value)
{
	if (a->count == ARGS_MAX)
		return -E2BIG;
	a->arg[a->count++] = (struct arg){ key, value };
	return 0;
}

static int value_of(struct args *a, struct words *w, const char *key)
{
	if (w->at == w->count)
		return -EINVAL;
	return arg_add(a, key, w->word[w->at++]);
}

static int parse_long(struct args *a, struct words *w, char *key)
{
	char *value = strchr(key, '='), *p;

	if (value)
		*value++ = 0;
	for (p = key; *p; p++)
		if (*p == '-')
			*p = '_';
	if (!*key)
		return value ? -EINVAL : 0;
	if (!strcmp(key, "user"))
		memcpy(key, "id", 3);
	if (value)
		return arg_add(a, key, value);
	return is_switch(key) ? arg_add(a, key, "true") : value_of(a, w, key);
}

/* `-c file`, `-cfile` and `-c=file`; other letters are switches that mean nothing to a library. */
static int parse_short(struct args *a, struct words *w, char *word)
{
	const char *key = short_key(word[1]);

	if (!key)
		return 0;
	if (!word[2])
		return value_of(a, w, key);
	return arg_add(a, key, word + 2 + (word[2] == '='));
}

static int parse_words(struct args *a, struct words *w)
{
	int res = 0;

	while (!res && w->at < w->count) {
		char *word = w->word[w->at++];

		if (word[0] == '-' && word[1] == '-')
			res = parse_long(a, w, word + 2);
		else if (word[0] == '-' && word[1])
			res = parse_short(a, w, word);
	}
	return res;
}

int args_parse(const char *text, struct args *a)
{
	struct words w = { .count = 0 };
	int res;

	memset(a, 0, sizeof(*a));
	if (strnlen(text, ARGS_TEXT_MAX + 1) > ARGS_TEXT_MAX)
		return -E2BIG;
	a->text = strdup(text);
	if (!a->text)
		return -ENOMEM;
	res = cut_words(a->text, &w);
	if (!res)
		res = parse_words(a, &w);
	if (res)
		args_free(a);
	return res;
}

void args_free(struct args *a)
{
	free(a->text);
	memset(a, 0, sizeof(*a));
}

const char *args_find(const struct args *a, const char *key)
{
	unsigned i;

	for (i = a->count; i-- > 0;)
		if (!strcmp(a->arg[i].key, key))
			return a->arg[i].value;
	return NULL;
}
