/* perm.h: may this caller do that? The MDS checks no mode bits for ordinary keys: the client must
 * (doc/protocol.md 10.2). Pure: judges the attributes as they are; the caller sees to it that they are valid
 * (As held). */
#pragma once
#include "inode.h"

struct cephring_cred;

enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };

/* 0 or -EACCES. One class applies: owner, else group (gid or a supplementary one), else others. uid 0 may all
 * but execute what nobody may. */
int inode_permission(const struct inode *i, const struct cephring_cred *cred, int want);
int may_lookup(const struct inode *dir, const struct cephring_cred *cred);
/* host open flags; -EACCES, -ELOOP (a link), -EISDIR (a directory for writing), -ENOTDIR (O_DIRECTORY). */
int may_open(const struct inode *i, int flags, const struct cephring_cred *cred);
