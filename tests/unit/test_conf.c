/* test_conf.c: the grammar of ceph.conf, precedence of its sections, and $variables. */
#include "../../src/proto/conf.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct conf parsed(const char *text)
{
	struct conf c;

	cr_assert_eq(conf_parse(&c, text, strlen(text)), 0, "line %u: %s", c.error_line, c.why);
	return c;
}

static struct conf_scope admin(const struct conf *c)
{
	return (struct conf_scope){ .conf = c,
				    .cluster = "ceph",
				    .type = "client",
				    .id = "admin",
				    .host = "box",
				    .home = "/root",
				    .pid = 42 };
}

static void expect(const char *text, const char *key, const char *want)
{
	struct conf c = parsed(text);
	struct conf_scope s = admin(&c);
	char out[CONF_VALUE_MAX];

	if (want) {
		cr_assert_eq(conf_get(&s, key, out, sizeof(out), NULL), 0, "%s", text);
		cr_assert_str_eq(out, want, "%s", text);
	} else {
		cr_assert_eq(conf_get(&s, key, out, sizeof(out), NULL), -ENOENT, "%s", text);
	}
	conf_free(&c);
}

static void refuse(const char *text, unsigned line)
{
	struct conf c;

	cr_assert_eq(conf_parse(&c, text, strlen(text)), -EINVAL, "%s", text);
	cr_assert_eq(c.error_line, line, "%s: line %u", text, c.error_line);
	cr_assert_not_null(c.why);
	cr_assert_eq(c.count, 0);
	conf_free(&c);
}

Test(conf, plain_file)
{
	const char *text = "[global]\n\tfsid = 1234\n\tmon host = 10.0.0.1\n[client]\nkeyring=/k\n";

	expect(text, "fsid", "1234");
	expect(text, "mon_host", "10.0.0.1");
	expect(text, "keyring", "/k");
	expect(text, "nothing", NULL);
	expect("", "fsid", NULL);
}

Test(conf, blanks_dashes_and_underscores_are_the_same)
{
	static const char *const written[] = { "mon host", "mon_host", "mon-host", "  mon   host  ",
					       "mon \t host" };

	for (unsigned i = 0; i < sizeof(written) / sizeof(written[0]); i++)
		for (unsigned k = 0; k < 3; k++) {
			char text[128];

			snprintf(text, sizeof(text), "[global]\n%s = x", written[i]);
			expect(text, written[k], "x");
		}
}

Test(conf, narrower_section_wins_wherever_it_stands)
{
	const char *text = "[client.admin]\na = 1\n[client]\na = 2\nb = 2\n[global]\na = 3\nb = 3\nc = "
			   "3\n[osd]\nc = 4\nd = 4\n";

	expect(text, "a", "1");
	expect(text, "b", "2");
	expect(text, "c", "3");
	expect(text, "d", NULL);
}

Test(conf, last_of_equal_keys_wins)
{
	expect("[global]\na = 1\na = 2\n[client]\n[global]\na=3", "a", "3");
}

Test(conf, keys_before_any_section_are_global)
{
	expect("a = 1\n[client]\nb = 2", "a", "1");
}

Test(conf, comments_end_a_line)
{
	const char *text = "# top\n; too\n[global] # here\na = 1 # one\nb = 2;two\n  # indented\nc = \"3 # "
			   "not\" ; yes\nd = 4 \\# kept\n";

	expect(text, "a", "1");
	expect(text, "b", "2");
	expect(text, "c", "3 # not");
	expect(text, "d", "4 # kept");
}

Test(conf, quotes_keep_blanks)
{
	expect("[global]\na = \"  x  \"\n", "a", "  x  ");
	expect("[global]\na = ' \"x\" '\n", "a", " \"x\" ");
	expect("[global]\na = \"x \\\" y\"\n", "a", "x \" y");
	expect("[global]\na = it's \"so\"\n", "a", "it's \"so\"");
	expect("[global]\na = \"\"\n", "a", "");
	expect("[global]\na =\n", "a", "");
}

Test(conf, backslash_joins_lines)
{
	expect("[global]\na = one \\\ntwo\n", "a", "one two");
	expect("[global]\na = one\\\r\n two\r\nb = 1\r\n", "a", "one two");
	expect("[global]\na = \\\n  late\n", "a", "late");
	expect("[global]\na = \"in \\\nquotes\"\n", "a", "in quotes");
	expect("[global]\na = x \\\n\nb = y\n", "b", "y");
	expect("[global]\na = x\\", "a", "x\\");
}

Test(conf, carriage_returns_and_bom_are_no_text)
{
	expect("\xef\xbb\xbf[global]\r\na = 1\r\n", "a", "1");
}

Test(conf, escaped_trailing_blank_stays)
{
	expect("[global]\na = x\\ \n", "a", "x ");
}

Test(conf, broken_lines_are_named)
{
	refuse("[global]\na = 1\nnonsense\n", 3);
	refuse("[global\na = 1\n", 1);
	refuse("[]\n", 1);
	refuse("[global] x\n", 1);
	refuse("\n\n= 1\n", 3);
	refuse("[global]\na = \"open\nb = 1\n", 2);
	refuse("[global]\na = \"x\" y\n", 2);
	refuse("a = one \\\ntwo\nbad\n", 3);
}

Test(conf, zero_bytes_are_refused)
{
	struct conf c;

	cr_assert_eq(conf_parse(&c, "[global]\na = x\0y\n", 17), -EINVAL);
	conf_free(&c);
	cr_assert_eq(conf_parse(&c, "[global]\na\0b = x\n", 17), -EINVAL);
	conf_free(&c);
}

Test(conf, limits_hold)
{
	size_t len = CONF_TEXT_MAX + 1;
	char *text = malloc(len);
	struct conf c;

	cr_assert(text);
	memset(text, '\n', len);
	cr_assert_eq(conf_parse(&c, text, len), -EFBIG);
	cr_assert_eq(conf_parse(&c, text, CONF_TEXT_MAX), 0);
	memset(text, 'v', CONF_VALUE_MAX + 10);
	memcpy(text, "a=", 2);
	cr_assert_eq(conf_parse(&c, text, CONF_VALUE_MAX + 10), -EFBIG);
	cr_assert_eq(c.count, 0);
	text[CONF_VALUE_MAX + 1] = '\n';
	memset(text + CONF_VALUE_MAX + 1, '\n', 9);
	cr_assert_eq(conf_parse(&c, text, CONF_VALUE_MAX + 10), 0);
	conf_free(&c);
	memset(text, 'k', CONF_KEY_MAX + 8);
	cr_assert_eq(conf_parse(&c, text, CONF_KEY_MAX + 8), -EINVAL);
	for (int i = 0; i <= CONF_ENTRIES_MAX; i++)
		memcpy(text + 4 * i, "a=b\n", 4);
	cr_assert_eq(conf_parse(&c, text, 4 * CONF_ENTRIES_MAX), 0);
	cr_assert_eq(c.count, CONF_ENTRIES_MAX);
	conf_free(&c);
	cr_assert_eq(conf_parse(&c, text, 4 * (CONF_ENTRIES_MAX + 1)), -EFBIG);
	free(text);
}

Test(conf, every_prefix_is_read_or_refused)
{
	const char *text =
	    "\xef\xbb\xbf[global] ; c\nmon host = \"a b\" # c\nx = y \\\n z \\# w\n[client.admin]\nkey='k'\n";

	for (size_t n = 0; n <= strlen(text); n++) {
		char *exact = malloc(n + 1); /* exactly n: reading on is seen by the sanitizer */
		struct conf c;
		int res;

		memcpy(exact, text, n);
		exact = realloc(exact, n ? n : 1);
		res = conf_parse(&c, exact, n);
		cr_assert(!res || res == -EINVAL);
		cr_assert_eq(res != 0, c.why != NULL);
		conf_free(&c);
		free(exact);
	}
}

/* --- variables --- */

Test(conf, names_of_the_asker)
{
	expect("[global]\na = /etc/$cluster.$name.$type.$id.$host.$pid.$home", "a",
	       "/etc/ceph.client.admin.client.admin.box.42./root");
	expect("[global]\na = ${cluster}x$clusterx", "a", "cephx$clusterx");
}

Test(conf, host_may_be_set_and_only_numbers_are_num)
{
	expect("[global]\nhost = named\na = $host$num", "a", "named");
}

Test(conf, other_keys_and_their_precedence)
{
	const char *text = "[global]\nrun dir = /run/$cluster\na = ${run_dir}/x\n[client]\nrun_dir = /c";

	expect(text, "a", "/c/x");
}

Test(conf, what_means_nothing_stays)
{
	expect("[global]\na = 5$ $$ ${ $unknown ${unknown} $", "a", "5$ $$ ${ $unknown ${unknown} $");
}

Test(conf, circles_end)
{
	struct conf c = parsed("[global]\na = $b\nb = x$a\nd = $d\n");
	struct conf_scope s = admin(&c);
	char out[256];

	cr_assert_eq(conf_get(&s, "a", out, sizeof(out), NULL), -ELOOP);
	cr_assert_eq(conf_get(&s, "d", out, sizeof(out), NULL), -ELOOP);
	conf_free(&c);
}

Test(conf, doublings_end)
{
	char text[2048] = "[global]\nv0 = \n";
	struct conf_scope s;
	struct conf c;
	char out[64];

	for (int i = 1; i < 15; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "v%d = $v%d$v%d\n", i, i - 1,
			 i - 1);
	c = parsed(text);
	s = admin(&c);
	cr_assert_eq(conf_get(&s, "v14", out, sizeof(out), NULL), -ELOOP);
	cr_assert_eq(conf_get(&s, "v5", out, sizeof(out), NULL), 0);
	conf_free(&c);
}

Test(conf, result_that_does_not_fit_is_refused)
{
	struct conf c = parsed("[global]\na = 12345678\n");
	struct conf_scope s = admin(&c);
	char out[9];

	cr_assert_eq(conf_get(&s, "a", out, 9, NULL), 0);
	cr_assert_eq(conf_get(&s, "a", out, 8, NULL), -ENAMETOOLONG);
	cr_assert_eq(conf_expand(&s, "x", out, 0), -ENAMETOOLONG);
	conf_free(&c);
}

static const char *option(void *arg, const char *key)
{
	return !strcmp(key, "keyring") ? "/opt/$id" : NULL;
}

static const char *default_value(void *arg, const char *key)
{
	return !strcmp(key, "keyring") || !strcmp(key, "log_file") ? "/default/$name" : NULL;
}

Test(conf, options_override_and_defaults_stand_in)
{
	struct conf c = parsed("[global]\nkeyring = /file\nother = 1\n");
	struct conf_scope s = admin(&c);
	const struct conf_entry *from;
	char out[64];

	s.fallback = default_value;
	cr_assert_eq(conf_get(&s, "keyring", out, sizeof(out), &from), 0);
	cr_assert_str_eq(out, "/file");
	cr_assert_eq(from->line, 2);
	cr_assert_str_eq(from->section, "global");
	s.override = option;
	cr_assert_eq(conf_get(&s, "keyring", out, sizeof(out), &from), 0);
	cr_assert_str_eq(out, "/opt/admin");
	cr_assert_null(from);
	cr_assert_eq(conf_get(&s, "log file", out, sizeof(out), &from), 0);
	cr_assert_str_eq(out, "/default/client.admin");
	cr_assert_null(from);
	s.conf = NULL;
	cr_assert_eq(conf_get(&s, "other", out, sizeof(out), &from), -ENOENT);
	conf_free(&c);
}
