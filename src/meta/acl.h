/* acl.h: POSIX access control lists, as the extended attributes that hold them. Pure, any thread.
 *
 * The bytes (Linux uapi/linux/posix_acl_xattr.h; all clients of CephFS store the same): u32 version 2, then
 * entries of {u16 tag, u16 bits, u32 id}, little-endian, in this order:
 *
 *   owner | named users ... | owning group | named groups ... | mask | others
 *
 * once each but the named ones; the mask is there when a named one is. A header alone means "none". Three
 * entries say what a mode says, so such a list is never stored for access: the mode is. With more, the mode's
 * group bits are the mask's, so that whoever looks at the mode only never allows more than the list.
 */
#pragma once
#include <stdbool.h>
#include "../proto/enc.h"
#include "../proto/dec.h"

struct cephring_cred;

#define ACL_ACCESS  "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

enum { ACL_ENTRIES_MAX = 8190, ACL_HEADER = 4, ACL_ENTRY = 8 }; /* 64 KiB: the most an attribute may hold */

/* Well formed: its number of entries (0: it says "none"), or -EINVAL. */
int acl_check(struct slice acl);
/* May he do that to a file of this owner and group? 0, -EACCES; -EIO: the list is broken. want: MAY_*. */
int acl_permission(struct slice acl, uint32_t uid, uint32_t gid, const struct cephring_cred *cred, int want);
/* The permission bits of *mode become what the list says. 1: the list says more than a mode can, 0: the mode
 * says it all, -EINVAL. */
int acl_to_mode(struct slice acl, uint32_t *mode);
/* chmod: the list's entries of owner, mask (without one: group) and others become the mode's. `acl`: a copy
 * that is changed. 0 or -EINVAL. */
int acl_chmod(uint8_t *acl, uint32_t len, uint32_t mode);
/* The ACLs of a new inode of *mode under a directory with this default ACL: appended to `out` as a wire
 * map<name, blob>, nothing when there are none. *mode is cut to what the list allows. 0, -EINVAL (a broken
 * default), or -ENOMEM. */
int acl_inherit(struct slice def, uint32_t *mode, struct enc *out);
