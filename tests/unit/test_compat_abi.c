/* test_compat_abi.c: the drop-in libcephfs.so.2 beside Debian's: its name, and every call a program may be
 * linked to. (That the calls take what the header says, the compiler sees to: the drop-in is compiled with
 * that very header.) */
#include "../../src/ring/sanitizers.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a command prints; free(). */
static char *output(const char *command)
{
	enum { MAX = 4 << 20 };
	char *text = malloc(MAX);
	FILE *f = popen(command, "r");
	size_t len;

	cr_assert(text && f);
	len = fread(text, 1, MAX - 1, f);
	text[len] = '\0';
	pclose(f);
	return text;
}

#define SYMBOLS "nm -D --defined-only %s | sed -n 's/.* [TW] \\(ceph_.*\\)/\\1/p' | sort"

static char *symbols(const char *library)
{
	char command[4096];

	snprintf(command, sizeof command, SYMBOLS, library);
	return output(command);
}

Test(compat_abi, has_every_call_and_one_of_newer_releases)
{
	char *real = symbols(REAL_LIB), *ours = symbols(COMPAT_LIB), *at = real, *line;
	unsigned count = 0, more = 0;
	char word[128];

	while ((line = strsep(&at, "\n")))
		if (*line) {
			snprintf(word, sizeof word, "%s\n", line);
			cr_expect(strstr(ours, word), "%s is missing", line);
			count++;
		}
	cr_assert_eq(count, 203);
	for (at = ours; *at; at++)
		more += *at == '\n';
	cr_assert_eq(more, count + 1);
	cr_assert(strstr(ours, "\nceph_ll_nonblocking_readv_writev\n"));
	free(real);
	free(ours);
}

Test(compat_abi, exports_nothing_else)
{
	char *all =
	    output("nm -D --defined-only " COMPAT_LIB " | grep -v ' ceph_' | grep -v -E ' (__asan|__odr)'");

	cr_assert_str_empty(all);
	free(all);
}

Test(compat_abi, is_called_as_the_real_one)
{
	char *name = output("readelf -d " COMPAT_LIB " | sed -n 's/.*SONAME.*\\[\\(.*\\)\\]/\\1/p'");

	cr_assert_str_eq(name, "libcephfs.so.2\n");
	free(name);
}

/* Plugins are loaded when little static thread storage is left, and threads of ours outlive a dlclose(). */
Test(compat_abi, can_be_loaded_late_and_stays)
{
	char *flags = output("readelf -d " COMPAT_LIB " | grep FLAGS");

#ifndef ASAN /* whose own calls make it so */
	cr_assert(!strstr(flags, "STATIC_TLS"), "%s", flags);
#endif
	cr_assert(strstr(flags, "NODELETE"));
	free(flags);
}

Test(compat_abi, abidiff_finds_no_call_removed_or_changed)
{
	/* types of the library's own header only: with those inside, abidiff does not come to an end */
	char *said = output("timeout 50 abidiff --drop-private-types --hd1 /usr/include/cephfs --hd2 "
			    "/usr/include/cephfs " REAL_LIB " " COMPAT_LIB
			    " | grep -E '^Functions changes|\\[[DC]\\].*\\bceph_[a-z]'");

	cr_assert(!strncmp(said, "Functions changes summary:", 26), "abidiff said: %s", said);
	cr_assert(!strstr(said, "["), "%s", strchr(said, '['));
	free(said);
}
