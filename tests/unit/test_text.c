/* test_text.c: what the command shows of names that are any bytes. */
#include "../../tools/cephring/text.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static void shown(const char *bytes, size_t len, const char *want)
{
	char *got = text_name(bytes, len);

	cr_assert_str_eq(got, want);
	free(got);
}

Test(text, clean_names_are_shown_as_they_are)
{
	shown("a b", 3, "a b");
	shown("\xc3\xbcn\xc3\xaf", 5, "\xc3\xbcn\xc3\xaf");
	shown("a\\b", 3, "a\\b");
}

Test(text, bytes_that_are_not_utf8_are_quoted)
{
	shown("a\xff", 2, "\"a\\xff\"");
	shown("\xc0\xaf", 2, "\"\\xc0\\xaf\"");                   /* overlong */
	shown("\xed\xa0\x80", 3, "\"\\xed\\xa0\\x80\"");          /* a surrogate */
	shown("\xe2\x82", 2, "\"\\xe2\\x82\"");                   /* cut */
	shown("\xf4\x90\x80\x80", 4, "\"\\xf4\\x90\\x80\\x80\""); /* behind U+10FFFF */
}

Test(text, what_could_steer_a_terminal_is_quoted)
{
	shown("a\nb", 3, "\"a\\x0ab\"");
	shown("\x1b[2J", 4, "\"\\x1b[2J\"");
	shown("\xc2\x9b", 2, "\"\\xc2\\x9b\"");
	shown("\xe2\x80\xae"
	      "txt",
	      6, "\"\\xe2\\x80\\xaetxt\"");
	shown("a\0b", 3, "\"a\\x00b\"");
}

Test(text, quoted_text_cannot_be_mistaken_for_a_clean_name)
{
	shown("\"q", 2, "\"\\\"q\"");
	shown("\"a\\\xff", 4, "\"\\\"a\\\\\\xff\"");
	shown("", 0, "\"\"");
}

Test(text, words_are_escaped_but_never_quoted)
{
	char *got = text_words("\"x\" is\nbad\xff");

	cr_assert_str_eq(got, "\"x\" is\\x0abad\\xff");
	free(got);
}

Test(text, utf8_of_any_bytes_is_utf8_and_longer_by_the_escapes)
{
	static const char bytes[] = "a\xff\0b";
	size_t len;
	char *got = text_utf8(bytes, 4, &len);

	cr_assert_eq(len, 7);
	cr_assert_eq(memcmp(got, "a\\xff\0b", 8), 0);
	cr_assert(text_is_utf8(got, len));
	free(got);
}

Test(text, hex_of_bytes)
{
	char *got = text_hex("\x00\xff\x10", 3);

	cr_assert_str_eq(got, "00ff10");
	free(got);
}

Test(text, sizes_keep_two_digits_and_never_overflow)
{
	char buf[TEXT_SIZE_MAX];

	cr_assert_str_eq(text_size(buf, 0), "0");
	cr_assert_str_eq(text_size(buf, 1023), "1023");
	cr_assert_str_eq(text_size(buf, 1024), "1.0K");
	cr_assert_str_eq(text_size(buf, 10 << 20), "10M");
	cr_assert_str_eq(text_size(buf, (1 << 20) - 1), "1.0M");
	cr_assert_str_eq(text_size(buf, UINT64_MAX), "16E");
}

Test(text, modes_have_type_and_special_bits)
{
	char buf[TEXT_MODE_MAX];

	cr_assert_str_eq(text_mode(buf, 0040755), "drwxr-xr-x");
	cr_assert_str_eq(text_mode(buf, 0100644), "-rw-r--r--");
	cr_assert_str_eq(text_mode(buf, 0041777), "drwxrwxrwt");
	cr_assert_str_eq(text_mode(buf, 0106000), "---S--S---");
}

Test(text, times_before_1970_count_backwards)
{
	char buf[TEXT_TIME_MAX];

	cr_assert_str_eq(text_time(buf, 1, true), "1970-01-01T00:00:00.000000001Z");
	cr_assert_str_eq(text_time(buf, -1, true), "1969-12-31T23:59:59.999999999Z");
}

Test(text, width_counts_columns_not_bytes)
{
	if (!setlocale(LC_ALL, "C.UTF-8"))
		cr_skip("no UTF-8 locale here");
	cr_assert_eq(text_width("abc"), 3);
	cr_assert_eq(text_width("\xc3\xbc"), 1);
	cr_assert_eq(text_width("\xe6\xbc\xa2"), 2);
}
