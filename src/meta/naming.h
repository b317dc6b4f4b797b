/* naming.h: what the operations on one name in a directory have in common.
 *
 *   NAMING_WALK --(directory)--> NAMING_JUDGE: are its attributes known? --no--> GETATTR --> NAMING_READY
 *
 * A family's own states begin at NAMING_READY. The directory is op->inode (and op->walk.at), the name is
 * op->walk.last.
 */
#pragma once
#include "op.h"

struct session;

enum { NAMING_WALK, NAMING_JUDGE, NAMING_READY };

/* Up to NAMING_READY: 0 there, else OP_PENDING or -errno. A directory in a snapshot is left to the family. */
int64_t naming_dir(struct op *op, int64_t res);

enum naming_kind { NAMING_MAKE_DIR, NAMING_MAKE, NAMING_OPEN, NAMING_UNLINK, NAMING_RMDIR, NAMING_RENAME };
/* What POSIX says to `.`, `..`, no name at all, and to a slash behind the name of what is no directory. A
 * .snap stays where it is: -EPERM. */
int naming_last(const struct walk *w, enum naming_kind kind);

/* What the cache knows for certain: 1 and *i, 0: unknown, -ENOENT. */
int naming_known(struct meta *m, struct inode *dir, const char *name, uint32_t len, struct inode **i);
/* The same, or by a LOOKUP: OP_PENDING, then `*to` (ref) is set and the step entered with 0 or -errno
 * (-ENOENT).
 * `*to` lies in the op. */
int64_t naming_lookup(struct op *op, struct inode *dir, const char *name, uint32_t len, struct inode **to);

/* A request about op's name, with the directory's caps given up that the MDS would call back. NULL: no memory
 * or no budget. */
struct mreq *naming_request(struct op *op, uint32_t what, uint32_t drop);
/* What is given up of an inode that loses a name, or gets one. */
void naming_drop_target(struct mreq *r, struct inode *target, bool unlinked);
/* The name is gone, by an operation of ours that succeeded: it ends nothing that is known of the directory.
 */
void naming_forget(struct meta *m, struct inode *dir, const char *name, uint32_t len);
