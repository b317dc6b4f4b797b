/* vxattr.h: the ceph.* attributes that a client makes up from what it knows of an inode
 * (doc/protocol.md 11.1). */
#pragma once
#include "inode.h"

enum { VXATTR_TEXT_MAX = 512 };

enum vxattr_kind {
	VXATTR_LOCAL, /* from what is always known */
	VXATTR_STAT,  /* needs Fs */
	VXATTR_RSTAT, /* needs fresh recursive statistics */
	VXATTR_ASK,   /* the MDS knows; what it does not know is tried here */
};
enum vxattr_kind vxattr_kind(const struct inode *i, const char *name);
/* Nobody can set it: we make it up. Of other names the MDS knows. */
bool vxattr_read_only(const struct inode *i, const char *name);
/* What to ask the MDS for: the name itself, but for layouts, of which it tells only the whole, as JSON. */
const char *vxattr_ask_name(const struct inode *i, const char *name);
/* The value from what the MDS said to another name than its own: its length, -ENODATA, or -EBADMSG. `text` as
 * below. */
int vxattr_from_answer(const struct inode *i, const char *name, struct slice answer, char *text);
/* The value into `text` (VXATTR_TEXT_MAX): its length, or -ENODATA. */
int vxattr_text(struct meta *m, const struct inode *i, const char *name, char *text);
