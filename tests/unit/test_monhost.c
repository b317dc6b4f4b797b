/* test_monhost.c: every way to write a monitor's address. */
#include "../../src/proto/monhost.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

static struct monhost list;

/* "v2:10.0.0.1:3300/0 name:3300 ..." with "!" in front of what only msgr1 reaches. */
static void expect(const char *text, const char *want)
{
	char got[2048] = "", addr[ADDR_TEXT_MAX];
	size_t at = 0;

	cr_assert_eq(monhost_parse(text, &list), 0, "%s", text);
	for (unsigned i = 0; i < list.count; i++) {
		const struct monhost_entry *m = &list.mon[i];

		at +=
		    (size_t)snprintf(got + at, sizeof(got) - at, "%s%s", i ? " " : "", m->legacy ? "!" : "");
		if (m->name[0])
			at += (size_t)snprintf(got + at, sizeof(got) - at, "%s:%u", m->name, m->addr.port);
		else
			at += (size_t)snprintf(got + at, sizeof(got) - at, "%s", addr_text(&m->addr, addr));
		cr_assert_eq(m->addr.type, m->legacy ? ADDR_LEGACY : ADDR_MSGR2);
	}
	cr_assert_str_eq(got, want, "%s gave %s", text, got);
}

Test(monhost, ipv4_with_and_without_port)
{
	expect("10.0.0.1", "v2:10.0.0.1:3300/0");
	expect("10.0.0.1:3300", "v2:10.0.0.1:3300/0");
	expect("10.0.0.1:40000", "v2:10.0.0.1:40000/0");
	expect("10.0.0.1:40000/7", "v2:10.0.0.1:40000/7");
	expect("10.0.0.1:0", "v2:10.0.0.1:3300/0");
	expect("v2:10.0.0.1", "v2:10.0.0.1:3300/0");
	expect("v2:10.0.0.1:6789/0", "v2:10.0.0.1:6789/0");
	expect("any:10.0.0.1:3300/0", "v2:10.0.0.1:3300/0");
}

Test(monhost, msgr1_only_is_flagged)
{
	expect("10.0.0.1:6789", "!v1:10.0.0.1:6789/0");
	expect("v1:10.0.0.1:40000", "!v1:10.0.0.1:40000/0");
	expect("v1:10.0.0.1", "!v1:10.0.0.1:6789/0");
	expect("[v1:10.0.0.1:6789/0]", "!v1:10.0.0.1:6789/0");
	expect("[::1]:6789", "!v1:[::1]:6789/0");
}

Test(monhost, vector_is_one_monitor)
{
	expect("[v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0]", "v2:10.0.0.1:3300/0");
	expect("[v1:10.0.0.1:6789/0,v2:10.0.0.1:3300/0]", "v2:10.0.0.1:3300/0");
	expect("[v2:10.0.0.1:3300,v1:10.0.0.1:6789],[v2:10.0.0.2:3300,v1:10.0.0.2:6789]",
	       "v2:10.0.0.1:3300/0 v2:10.0.0.2:3300/0");
	expect("[v2:[fd00::1]:3300/0,v1:[fd00::1]:6789/0] [v2:[fd00::2]:3300/0]",
	       "v2:[fd00::1]:3300/0 v2:[fd00::2]:3300/0");
}

Test(monhost, ipv6)
{
	expect("[::1]", "v2:[::1]:3300/0");
	expect("[::1]:3301", "v2:[::1]:3301/0");
	expect("v2:[fe80::1]:3300/0", "v2:[fe80::1]:3300/0");
	expect("fd00::5", "v2:[fd00::5]:3300/0");
	expect("[::ffff:10.0.0.1]", "v2:[::ffff:10.0.0.1]:3300/0");
}

Test(monhost, names_stay_names)
{
	expect("mon.example.com", "mon.example.com:3300");
	expect("mon-a:3301,mon-b", "mon-a:3301 mon-b:3300");
	expect("v2:mon_a:3300", "mon_a:3300");
	expect("mon:6789", "!mon:6789");
	expect("10.0.0", "10.0.0:3300");
}

Test(monhost, separators)
{
	expect("", "");
	expect(" , ;\t\n", "");
	expect("a,b;c d\te\n", "a:3300 b:3300 c:3300 d:3300 e:3300");
	expect("  10.0.0.1 ,, 10.0.0.2  ", "v2:10.0.0.1:3300/0 v2:10.0.0.2:3300/0");
}

Test(monhost, equal_entries_are_kept_once)
{
	expect("10.0.0.1,10.0.0.1:3300,v2:10.0.0.1", "v2:10.0.0.1:3300/0");
	expect("a,a,b", "a:3300 b:3300");
}

Test(monhost, nonsense_is_refused_with_its_place)
{
	static const char *const bad[] = {
		"10.0.0.1:",
		"10.0.0.1:x",
		"10.0.0.1:65536",
		"10.0.0.1:3300/",
		"10.0.0.1:3300/4294967296",
		"[::1",
		"[::1]x",
		"[]",
		"[v2:]",
		"[v2:10.0.0.1:3300",
		"[v2:10.0.0.1:3300]x",
		"[v2:1.2.3.4,!]",
		":3300",
		"v2:",
		"[::g]",
		"a/b/c",
		"a b!",
		"[10.0.0.1]",
		"[v2:[::1]:3300",
		"/1",
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(monhost_parse(bad[i], &list), -EINVAL, "%s", bad[i]);
	cr_assert_eq(monhost_parse("10.0.0.1, 10.0.0.2:x", &list), -EINVAL);
	cr_assert_eq(list.error_at, 10);
}

Test(monhost, limits_hold)
{
	static char text[MONHOST_TEXT_MAX + 2];
	size_t at = 0;

	for (int i = 0; i < MONHOST_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "10.0.0.%d,", i);
	cr_assert_eq(monhost_parse(text, &list), 0);
	cr_assert_eq(list.count, MONHOST_MAX);
	snprintf(text + at, sizeof(text) - at, "10.0.1.1");
	cr_assert_eq(monhost_parse(text, &list), -E2BIG);
	memset(text, ' ', sizeof(text) - 1);
	cr_assert_eq(monhost_parse(text, &list), -E2BIG);
	memset(text, 0, sizeof(text));
	memset(text, 'n', MONHOST_NAME_MAX - 1);
	cr_assert_eq(monhost_parse(text, &list), 0);
	text[MONHOST_NAME_MAX - 1] = 'n';
	cr_assert_eq(monhost_parse(text, &list), -EINVAL);
}
