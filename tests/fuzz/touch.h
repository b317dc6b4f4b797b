/* touch.h: reads every byte of what a decoder lent out, so that a sanitizer sees a slice that leaves its
 * message. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "proto/mds.h"

static inline void touch(struct slice s)
{
	for (uint32_t i = 0; i < s.len; i++)
		(void)*(const volatile uint8_t *)&s.p[i];
}

static inline void require(int truth)
{
	if (!truth)
		abort();
}

static inline void touch_inode(const struct inode_stat *i)
{
	touch(i->fragtree);
	touch(i->symlink);
	touch(i->xattrs);
	touch(i->inline_data);
	touch(i->pool_ns);
	touch(i->snap_metadata);
	require(i->fragtree.len <= DIRFRAG_SPLITS_MAX * 8);
}
