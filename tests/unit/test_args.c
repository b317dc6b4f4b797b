/* test_args.c: CEPH_ARGS as shells and people write it. */
#include "../../src/proto/args.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(const char *text, const char *want)
{
	char got[2048] = "";
	struct args a;

	cr_assert_eq(args_parse(text, &a), 0, "%s", text);
	for (unsigned i = 0; i < a.count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s[%s=%s]", i ? " " : "",
			 a.arg[i].key, a.arg[i].value);
	cr_assert_str_eq(got, want, "%s gave %s", text, got);
	args_free(&a);
}

Test(args, short_and_long_names_are_the_same)
{
	expect("-c /etc/x.conf -n client.a -k /k -m 10.0.0.1 -K /f -i a",
	       "[conf=/etc/x.conf] [name=client.a] [keyring=/k] [mon_host=10.0.0.1] [keyfile=/f] [id=a]");
	expect("--conf /c --name client.a --keyring=/k --mon-host 1.2.3.4 --id a --user b --key AQ==",
	       "[conf=/c] [name=client.a] [keyring=/k] [mon_host=1.2.3.4] [id=a] [id=b] [key=AQ==]");
	expect("-c/etc/x.conf -c=/y", "[conf=/etc/x.conf] [conf=/y]");
}

Test(args, other_options_are_kept)
{
	expect("--client-mount-timeout=5 --ms_mode secure --setuser ceph",
	       "[client_mount_timeout=5] [ms_mode=secure] [setuser=ceph]");
	expect("--a=b=c --empty=", "[a=b=c] [empty=]");
}

Test(args, switches_take_no_value)
{
	expect("--no-mon-config --id x -f -d --foreground --name y",
	       "[no_mon_config=true] [id=x] [foreground=true] [name=y]");
}

Test(args, words_that_are_no_option_are_dropped)
{
	expect("", "");
	expect("  stray - -- words ", "");
}

Test(args, quotes_and_backslashes)
{
	expect("--id 'a b' -c \"/x y\" -n a\\ b", "[id=a b] [conf=/x y] [name=a b]");
	expect("--mon-host=\"[v2:1.2.3.4:3300,v1:1.2.3.4:6789]\"",
	       "[mon_host=[v2:1.2.3.4:3300,v1:1.2.3.4:6789]]");
	expect("--id 'a\\b' --user \"a\\\"b\" --key ''", "[id=a\\b] [id=a\"b] [key=]");
}

Test(args, last_one_is_found)
{
	struct args a;

	cr_assert_eq(args_parse("--id a --id b --keyring /k", &a), 0);
	cr_assert_str_eq(args_find(&a, "id"), "b");
	cr_assert_str_eq(args_find(&a, "keyring"), "/k");
	cr_assert_null(args_find(&a, "conf"));
	args_free(&a);
}

Test(args, what_is_missing_is_refused)
{
	static const char *const bad[] = { "--id", "-c", "--id 'a", "-n \"", "--=x" };
	struct args a;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(args_parse(bad[i], &a), -EINVAL, "%s", bad[i]);
		cr_assert_eq(a.count, 0);
		cr_assert_null(a.text);
	}
}

Test(args, limits_hold)
{
	char *text = malloc(ARGS_TEXT_MAX + 2);
	struct args a;

	cr_assert(text);
	memset(text, ' ', ARGS_TEXT_MAX + 1);
	text[ARGS_TEXT_MAX + 1] = 0;
	cr_assert_eq(args_parse(text, &a), -E2BIG);
	text[ARGS_TEXT_MAX] = 0;
	cr_assert_eq(args_parse(text, &a), 0);
	args_free(&a);
	text[0] = 0;
	for (int i = 0; i < ARGS_MAX; i++)
		strcpy(text + 6 * i, "--a=b ");
	cr_assert_eq(args_parse(text, &a), 0);
	cr_assert_eq(a.count, ARGS_MAX);
	args_free(&a);
	strcat(text, "--a=b");
	cr_assert_eq(args_parse(text, &a), -E2BIG);
	free(text);
}
