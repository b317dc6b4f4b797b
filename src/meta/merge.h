/* merge.h: which fields of an inode may be taken from what an MDS says (merge.c). */
#pragma once
#include "inode.h"

struct inode_stat;
struct caps_msg;

/* What an MDS says of an inode, wherever it stood. */
struct told {
	/* Groups whose fields may be newer than ours: bits newly held by this InodeStat; all that a GRANT
	 * names. */
	uint32_t bits;
	/* Bits whose groups may be ours to change: held before this message, or dirty (caps_held). */
	uint32_t held;
	bool first; /* nothing is known of it yet */
	bool newer; /* all of it is newer than what we have */
	bool auth;  /* from the authority; in a GRANT: and it says how far may be written */
	uint32_t mode, uid, gid, nlink, time_warp_seq, truncate_seq;
	uint64_t size, max_size, truncate_size, change_attr;
	uint64_t inline_version; /* 0 = not told */
	uint64_t ctime_ns, mtime_ns, atime_ns, btime_ns;
	struct layout layout;
	struct slice pool_ns;
	struct slice xattrs; /* len 0 = not sent */
	uint64_t xattr_version;
	/* Directories. */
	bool counts;    /* files and subdirs were told, with `count_bits` */
	bool recursive; /* and the rest */
	uint64_t files, subdirs, rbytes, rfiles, rsubdirs, rsnaps, rctime_ns;
};

void told_from_stat(struct told *t, const struct inode_stat *st);
void told_from_caps(struct told *t, const struct caps_msg *g);
/* Takes what may be taken. 0 or -ENOMEM. */
int merge(struct meta *m, struct inode *i, const struct told *t);
/* What we have is not true any more and nothing may be kept of it: the next that is told counts. */
void merge_forget(struct meta *m, struct inode *i);
/* Replaces a string that readers see. 0 or -ENOMEM. */
int merge_string(struct meta *m, char **have, struct slice s, bool counted);
