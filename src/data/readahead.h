/* readahead.h: what a handle will probably read next.
 *
 * Reads that follow each other make a stream; a stream gets a window ahead of it, which begins with what was
 * read and doubles each time the reader has come into it. Another read asks before the window has run out, so
 * that a reader who is as fast as the OSDs never waits. A jump ends it. Pure: it only says what to fetch.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct readahead_opts {
	uint64_t min, max; /* bytes of a window; max 0: none at all */
};
enum readahead_mode { READAHEAD_NORMAL, READAHEAD_SEQUENTIAL, READAHEAD_NONE };
struct readahead {
	uint64_t next;   /* where the stream goes on */
	uint64_t until;  /* what was asked for so far */
	uint64_t window; /* 0: no stream yet */
	enum readahead_mode mode;
};
/* [off, off + len) is read now. True: [*ahead, + *ahead_len) is to be fetched; multiples of `unit` are
 * preferred as its end (the size of an object). */
bool readahead_on_read(struct readahead *ra, const struct readahead_opts *o, uint64_t unit, uint64_t off,
		       uint64_t len, uint64_t *ahead, uint64_t *ahead_len);
