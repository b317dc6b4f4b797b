/* Who may do what: one class of bits applies, as POSIX has it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include "../include/cephring.h"
#include "meta/perm.h"

static struct inode of(uint32_t mode, uint32_t uid, uint32_t gid)
{
	return (struct inode){ .a = { .mode = mode, .uid = uid, .gid = gid } };
}

Test(perm, only_the_owner_class_counts_for_the_owner)
{
	struct inode i = of(0100077, 5, 6);

	cr_assert_eq(inode_permission(&i, &(struct cephring_cred){ 5, 6, 0, NULL }, MAY_READ), -EACCES);
	cr_assert_eq(inode_permission(&i, &(struct cephring_cred){ 7, 6, 0, NULL }, MAY_READ | MAY_WRITE), 0);
}

Test(perm, group_class_hides_the_others)
{
	struct inode i = of(0100604, 5, 6);

	cr_assert_eq(inode_permission(&i, &(struct cephring_cred){ 7, 6, 0, NULL }, MAY_READ), -EACCES);
	cr_assert_eq(inode_permission(&i, &(struct cephring_cred){ 7, 8, 0, NULL }, MAY_READ), 0);
}

Test(perm, supplementary_groups_are_groups)
{
	const uint32_t groups[] = { 30, 6 };
	struct inode i = of(0040070, 5, 6);

	cr_assert_eq(may_lookup(&i, &(struct cephring_cred){ 7, 8, 2, groups }), 0);
	cr_assert_eq(may_lookup(&i, &(struct cephring_cred){ 7, 8, 1, groups }), -EACCES);
}

Test(perm, root_may_all_but_execute_what_nobody_may)
{
	struct inode f = of(0100600, 5, 6), d = of(0040000, 5, 6);
	struct cephring_cred root = { 0 };

	cr_assert_eq(inode_permission(&f, &root, MAY_READ | MAY_WRITE), 0);
	cr_assert_eq(inode_permission(&f, &root, MAY_EXEC), -EACCES);
	cr_assert_eq(inode_permission(&d, &root, MAY_EXEC), 0);
}

Test(perm, open_judges_type_before_bits)
{
	struct inode link = of(0120777, 5, 6), dir = of(0040755, 5, 6), file = of(0100400, 5, 6);
	struct cephring_cred me = { 5, 6, 0, NULL }, other = { 9, 9, 0, NULL };

	cr_assert_eq(may_open(&link, O_RDONLY, &me), -ELOOP);
	cr_assert_eq(may_open(&link, O_PATH, &me), 0);
	cr_assert_eq(may_open(&dir, O_WRONLY, &me), -EISDIR);
	cr_assert_eq(may_open(&file, O_DIRECTORY, &me), -ENOTDIR);
	cr_assert_eq(may_open(&file, O_RDONLY, &me), 0);
	cr_assert_eq(may_open(&file, O_RDONLY, &other), -EACCES);
	cr_assert_eq(may_open(&file, O_RDONLY | O_TRUNC, &me), -EACCES);
}
