/* perm.h: may this caller do that? The MDS checks no mode bits for ordinary keys: the client must
 * (doc/protocol.md 10.2).
 *
 * Pure: judges the attributes as they are. The caller sees to it that they are known: perm_known() of the
 * caps that are issued, or else a GETATTR of perm_caps(). A mount that judges nothing (no_permissions) allows
 * everything but what the kind of the inode forbids. Errors are what the call of the program returns.
 */
#pragma once
#include "inode.h"

struct cephring_cred;
struct cephring_setattr;
struct enc;

enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };

/* [any thread] 0 or -EACCES; -EIO: the ACL is broken. One class applies: owner, else by the ACL, else group
 * (gid or a supplementary one), else others. uid 0 may all but execute what nobody may. `xattrs`: a wire map
 * in which the ACL is looked for; len 0: none is considered. */
int perm_judge(const struct attrs *a, struct slice xattrs, const struct cephring_cred *cred, int want);
/* [any thread] The caps to ask for before judging: As, and Xs where ACLs count. */
uint32_t perm_caps(const struct meta *m);
/* [any thread] What is issued vouches for all that a judgement looks at. */
bool perm_known(const struct meta *m, uint32_t issued);
bool cred_in_group(const struct cephring_cred *cred, uint32_t gid);
/* uid 0, a mount that judges nothing, or the owner. */
bool cred_owns(const struct meta *m, const struct inode *i, const struct cephring_cred *cred);

/* As perm_judge(). */
int inode_permission(const struct meta *m, const struct inode *i, const struct cephring_cred *cred, int want);
int may_lookup(const struct meta *m, const struct inode *dir, const struct cephring_cred *cred);
/* host open flags; -EACCES, -ELOOP (a link), -EISDIR (a directory for writing), -ENOTDIR (O_DIRECTORY),
 * -EROFS (a snapshot's for writing). */
int may_open(const struct meta *m, const struct inode *i, int flags, const struct cephring_cred *cred);
/* A new name in `dir`: -ENOTDIR, -EACCES, -EROFS (in a snapshot). */
int may_create(const struct meta *m, const struct inode *dir, const struct cephring_cred *cred);
/* Taking the name of `victim` out of `dir` (NULL: it is not known; then only the directory is judged).
 * `isdir`: as a directory is removed. As may_create(); -EPERM: sticky, and neither is the caller's;
 * -ENOTDIR, -EISDIR: the victim is not of the kind. */
int may_delete(const struct meta *m, const struct inode *dir, const struct inode *victim,
	       const struct cephring_cred *cred, bool isdir);
/* Another name for `i`: -EPERM: a directory; of another's files only what would do no harm. */
int may_hardlink(const struct meta *m, const struct inode *i, const struct cephring_cred *cred);
/* `set` without its file, whose opening has judged the size already. -EPERM, -EACCES, -EROFS. */
int may_setattr(const struct meta *m, const struct inode *i, const struct cephring_setattr *set,
		const struct cephring_cred *cred);

/* How a new inode in `dir` begins. *mode: in, type and bits as the caller asked; out, what the request says:
 * without the umask, or cut by the directory's default ACL. *gid: what it will have: a setgid directory's, or
 * the caller's. `xattrs` (initialised by the caller) gets the ACLs that it inherits: the request's data
 * segment; nothing when there are none. 0, -EINVAL (a broken default ACL) or -ENOMEM. */
int perm_birth(const struct meta *m, const struct inode *dir, const struct cephring_cred *cred,
	       uint32_t *mode, uint32_t *gid, struct enc *xattrs);
