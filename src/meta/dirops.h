/* dirops.h: removing and creating files without waiting for the MDS (cephring_async_dirops; `nowsync` of the
 * kernel's client). See dirops.c.
 */
#pragma once
#include "op.h"

struct session;

/* Of op's name in op->inode. True: done here, and the MDS is told; false: to be asked for as ever. */
bool dirops_unlink(struct op *op);
/* The same; then op->inode is the new file. `wire_flags`: of CREATE. */
bool dirops_create(struct op *op, uint32_t wire_flags);
/* The reply to a CREATE that was asked for: what files in `dir` are laid out like is known while we may make
 * some there. */
void dirops_learn(struct meta *m, struct inode *dir, const struct inode *file);

/* A removal of this name is not answered yet, so nothing may be done to the name: op_resume(op, 0) will come.
 */
bool dirops_wait(struct op *op, struct inode *dir, const char *name, uint32_t len);
/* The file is made here and the MDS has not confirmed it: nothing can be asked about it. */
bool dirops_unconfirmed(const struct inode *i);
