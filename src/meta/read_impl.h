/* read_impl.h: between read.c, which looks, and read_ops.c, which says what for. */
#pragma once
#include "meta.h"
#include "read.h"
#include "walk_impl.h"

/* One call. First in what an operation keeps. */
struct reading {
	/* What the inode gives: 0 or more, or an error. It may be asked again and again: no effects but on
	 * the caller's own struct. Set by the operation. */
	int64_t (*answer)(struct reading *r, struct inode *i);
	/* The answer counts: hands it over, still inside the section. NULL: nothing to do. Likewise. */
	int64_t (*deliver)(struct reading *r);

	struct meta *m;
	const char *path;
	const struct cephring_cred *cred;
	struct inode *start, *root;
	struct inode *shared; /* inode_share()d by `answer`; given back if the answer does not count */
	uint64_t until_ns;    /* what was relied on holds until then */
	uint32_t pauses;
	uint8_t links;
	bool own; /* on the engine's thread */
	bool nofollow, free_pass;
};

int64_t read_cached(struct meta *m, const struct read_path *p, struct reading *r);

/* For `answer`. Bits that may be relied on. */
uint32_t read_caps(struct reading *r, const struct inode *i);
void read_attrs(const struct inode *i, struct attrs *a);
bool read_dir_attrs(const struct inode *i, struct dir_attrs *a); /* false: not a directory */
/* Valid inside the section. */
struct slice read_xattrs(const struct inode *i);
/* 0, -EACCES, or -EAGAIN: what judges it is not known. */
int64_t read_judge(struct reading *r, const struct inode *i, int want);
