/* calls.h: what the public operations have in common. */
#pragma once
#include "mount.h"

/* Begins a path operation; the walk itself begins on the engine's thread. 0 and *out, or -errno. */
int call_prepare(cephring_mount *mt, const struct op_family *fam, cephring_inode *at, const char *path,
		 int flags, const struct cephring_cred *cred, uint32_t mask, struct cephring_op *pub,
		 cephring_cb cb, void *user, struct op **out);
