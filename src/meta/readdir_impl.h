/* readdir_impl.h: a listing under way. Private to readdir.c, which has its model, and ahead.c. */
#pragma once
#include "meta.h"

/* Where a listing stands: everything up to and including this was delivered. */
struct dir_pos {
	uint32_t hash;
	uint32_t name_len;
	char name[WALK_NAME_MAX + 1];
};

struct chunk {
	uint8_t *buf;
	size_t len, cap, used;
}; /* packed struct cephring_dirent; owned */

struct reader {
	struct dir_stream *stream;
	uint32_t from, to; /* hashes, [from, to) */
	struct mreq *req;
	struct chunk chunk;
	struct dir_pos last; /* the last name received; next request goes on behind it */
	uint32_t frag;       /* fragment it is in */
	bool in_frag, ended; /* in_frag: `last` is within `frag` */
};

struct dir_stream {
	struct meta *m;
	struct inode *dir;                /* borrowed from the file */
	const struct cephring_cred *cred; /* borrowed from the file */
	struct dir_ahead *ahead; /* nobody reads what comes, it is for the cache (ahead.c); or NULL */
	struct reader *readers;
	uint32_t count, current;
	uint8_t dots; /* . and .. delivered */
	int err;
	uint64_t release_count; /* the directory's, at the first answer */
	bool counted, spoiled;
	uint32_t same_hash, prev_hash; /* for offsets: entries with one hash are numbered */
	uint32_t skip_hash,
	    skip_to;        /* begun by seeking: entries of this hash with a smaller number are left out */
	uint32_t snap_list; /* of a .snap: its number */
	struct op *waiter;
};

/* From its start. */
int dir_stream_new(struct meta *m, struct inode *dir, const struct cephring_cred *cred,
		   struct dir_stream **out);
/* Sends what can be sent. 0, or what went wrong with it. */
int dir_stream_pump(struct dir_stream *s);
/* All of it came: the cache has every name. */
void dir_stream_finished(struct dir_stream *s);
/* ahead.c: an answer came. */
void dir_ahead_step(struct dir_ahead *a);
