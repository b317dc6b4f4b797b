/* file_sizes.h: how much the objects of a file have: what is behind that, or in no object, is a hole. Owner
 * thread only. */
#pragma once
#include "file_io.h"

enum { FILE_SIZES = 32 };

struct file_sizes {
	/* The caller's. */
	struct file_where at;
	uint64_t first; /* object */
	uint32_t count; /* 1 to FILE_SIZES */
	void (*done)(struct file_sizes *s, int result);
	void *arg;

	/* During done and after: bytes of each, 0 where there is none. */
	uint64_t size[FILE_SIZES];

	/* Its own. */
	struct file_size {
		struct osd_req q; /* first */
		struct file_sizes *s;
		uint32_t n;
		bool busy;
	} ask[FILE_SIZES];
	uint32_t busy;
	int err;
};

/* As file_io.h. */
int file_sizes_submit(struct osdc *c, struct file_sizes *s);
void file_sizes_cancel(struct file_sizes *s, int err);

/* The first byte of a file at or behind `offset`, and before `end`, that is in no object (hole), or in one;
 * `end` if there is none. The objects that [offset, end) touches were all asked for. */
uint64_t file_sizes_find(const struct file_sizes *s, uint64_t offset, uint64_t end, bool hole);
