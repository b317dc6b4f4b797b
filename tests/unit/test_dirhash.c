/* The name hashes, against values of the real ones. That captured listings are in hash order is checked in
 * test_mds_reply.c. */
#include <criterion/criterion.h>
#include <string.h>

#include "proto/frag.h"

static uint32_t rjenkins(const char *name)
{
	return dir_hash(DIR_HASH_RJENKINS, name, strlen(name));
}

Test(dirhash, rjenkins_vectors)
{
	cr_assert_eq(rjenkins(""), 0xbd49d10d);
	cr_assert_eq(rjenkins("a"), 0x29eec818);
	cr_assert_eq(rjenkins("abc"), 0x251e4793);
	cr_assert_eq(rjenkins("hello"), 0xb706399e);
	cr_assert_eq(rjenkins("file0001"), 0x02a7c567);
	cr_assert_eq(rjenkins("abcdefghijkl"), 0x0b1b3ea5);
	cr_assert_eq(rjenkins("n3"), 0xa20171b0);
}

Test(dirhash, linux_by_hand)
{
	/* (0 + (0x61 << 4) + (0x61 >> 4)) * 11 */
	cr_assert_eq(dir_hash(DIR_HASH_LINUX, "a", 1), (0x610u + 6) * 11);
	cr_assert_eq(dir_hash(DIR_HASH_LINUX, "ab", 2), ((0x610u + 6) * 11 + 0x620 + 6) * 11);
	cr_assert_eq(dir_hash(DIR_HASH_LINUX, "\xff", 1), (0xff0u + 15) * 11, "bytes are unsigned");
}

Test(dirhash, unknown_counts_as_linux)
{
	cr_assert_eq(dir_hash(0, "name", 4), dir_hash(DIR_HASH_LINUX, "name", 4));
	cr_assert_eq(dir_hash(77, "name", 4), dir_hash(DIR_HASH_LINUX, "name", 4));
	cr_assert_neq(dir_hash(DIR_HASH_RJENKINS, "name", 4), dir_hash(DIR_HASH_LINUX, "name", 4));
}

/* Every tail length takes another path through the last block. */
Test(dirhash, each_length_reads_each_byte)
{
	char name[40];

	for (size_t len = 1; len <= sizeof(name); len++) {
		memset(name, 'x', sizeof(name));
		for (size_t i = 0; i < len; i++) {
			uint32_t before = dir_hash(DIR_HASH_RJENKINS, name, len);

			name[i] ^= 1;
			cr_assert_neq(dir_hash(DIR_HASH_RJENKINS, name, len), before, "byte %zu of %zu", i,
				      len);
			name[i] ^= 1;
		}
	}
}
