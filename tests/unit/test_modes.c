/* test_modes.c: permission bits and sizes as people write them. */
#include "../../tools/cephring/modes.h"

#include <criterion/criterion.h>
#include <sys/stat.h>

Test(modes, what_words_make_of_a_mode)
{
	static const struct {
		const char *words;
		unsigned mode, want;
	} of[] = {
		{ "0", 07777, 0 },
		{ "644", 0777, 0644 },
		{ "07777", 0, 07777 },
		{ "u+x", 0640, 0740 },
		{ "go-rw", 0666, 0600 },
		{ "a=r", 0751, 0444 },
		{ "=r", 0751, 0444 },
		{ "+w", 0400, 0622 },
		{ "u=rwx,g=rx,o=", 0, 0750 },
		{ "u+x,go-w", 0662, 0740 },
		{ "u=", 0777, 0077 },
		/* several changes for the same classes */
		{ "u-r+x", 0600, 0300 },
		{ "go=r-r+w", 0600, 0622 },
		/* as another class has it */
		{ "g=u", 0740, 0770 },
		{ "o=g", 0751, 0755 },
		{ "go+u", 0704, 0777 },
		{ "u-o", 0765, 0265 },
		/* the bits above */
		{ "u+s", 0755, 04755 },
		{ "g+s", 0755, 02755 },
		{ "ug+s", 0755, 06755 },
		{ "o+s", 0755, 0755 },
		{ "+t", 0777, 01777 },
		{ "u+t", 0777, 0777 },
		{ "a-st", 07777, 0777 },
		{ "u=rx", 04755, 0555 },
		/* X: for directories, and where somebody may execute */
		{ "a+X", 0644, 0644 },
		{ "a+X", 0744, 0755 },
		{ "a+X", S_IFDIR | 0600, 0711 },
		{ "a=rX", S_IFDIR | 0700, 0555 },
		{ "a-x,a+X", 0755, 0644 },
	};

	for (size_t n = 0; n < sizeof of / sizeof *of; n++) {
		cr_assert(modes_valid(of[n].words), "%s", of[n].words);
		cr_assert_eq(modes_apply(of[n].words, of[n].mode), of[n].want, "%s of %o: %o", of[n].words,
			     of[n].mode, modes_apply(of[n].words, of[n].mode));
	}
}

Test(modes, words_that_are_no_mode)
{
	static const char *const bad[] = { "",
					   "u",
					   "rwx",
					   "8",
					   "10000",
					   "0x1",
					   "-1",
					   " 644",
					   "644 ",
					   "u+x,",
					   ",u+x",
					   "u~x",
					   "u+q",
					   "u+gx",
					   "z+x",
					   "u+x go-w",
					   "u=rw,",
					   "a",
					   "77777777777777777777777" };

	for (size_t n = 0; n < sizeof bad / sizeof *bad; n++)
		cr_assert(!modes_valid(bad[n]), "'%s'", bad[n]);
}

Test(modes, sizes)
{
	static const struct {
		const char *text;
		uint64_t want;
	} of[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "1k", 1024 },
		{ "16M", 16 << 20 },
		{ "3g", 3ull << 30 },
		{ "2T", 2ull << 40 },
		{ "9223372036854775807", INT64_MAX },
		{ "8388607T", 8388607ull << 40 },
	};
	static const char *const bad[] = { "",
					   "K",
					   "-1",
					   "+1",
					   " 1",
					   "1.5",
					   "1KB",
					   "1 K",
					   "12x",
					   "0x10",
					   "9223372036854775808",
					   "8388608T",
					   "99999999999999999999" };
	uint64_t bytes;

	for (size_t n = 0; n < sizeof of / sizeof *of; n++) {
		cr_assert(modes_size(of[n].text, &bytes), "%s", of[n].text);
		cr_assert_eq(bytes, of[n].want, "%s", of[n].text);
	}
	for (size_t n = 0; n < sizeof bad / sizeof *bad; n++)
		cr_assert(!modes_size(bad[n], &bytes), "'%s'", bad[n]);
}
