/* Capability sets and operation names in words. */
#include <criterion/criterion.h>

#include "proto/mds.h"

static void reads(uint32_t caps, const char *text)
{
	char buf[CAP_TEXT_MAX];

	cr_assert_str_eq(cap_text(caps, buf), text);
	cr_assert_eq(cap_text(caps, buf), buf);
}

Test(mds_names, cap_text)
{
	reads(0, "-");
	reads(0x155, "pAsLsXsFs");
	reads(0xd55, "pAsLsXsFscr");
	reads(0x3ffd, "pAsxLsxXsxFsxcrwb");
	reads(0x12cd, "pAsxXsxFxw");
	reads(0xcf55, "pAsLsXsFsxcral");
	reads(CAP_PIN, "p");
	reads(CAP_FB, "Fb");
}

Test(mds_names, cap_text_of_all_bits_fits)
{
	char buf[CAP_TEXT_MAX];

	memset(buf, 'z', sizeof(buf));
	cr_assert_str_eq(cap_text(UINT32_MAX, buf), "pAsxLsxXsxFsxcrwbal");
}

Test(mds_names, op_names)
{
	cr_assert_str_eq(mds_op_name(MDS_OP_LOOKUP), "lookup");
	cr_assert_str_eq(mds_op_name(MDS_OP_READDIR), "readdir");
	cr_assert_str_eq(mds_op_name(MDS_OP_CREATE), "create");
	cr_assert_str_eq(mds_op_name(0x77777), "op");
	cr_assert(MDS_OP_CREATE & MDS_OP_WRITE);
	cr_assert_not(MDS_OP_OPEN & MDS_OP_WRITE);
}
