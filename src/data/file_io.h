/* file_io.h: a range of a file, read from or written to its objects: one request for each object's run of it.
 *
 *     the caller's buffers      [ iov 0 ][   iov 1    ][ iov 2 ]
 *     the file                  | unit | unit | unit | unit | unit |
 *     requests                  object 0: its units, gathered      object 1: likewise
 *
 * No byte is copied here: the requests point into the caller's buffers. What objects do not have reads as
 * zeros, so a read within the file's size always brings all of it. The size is the caller's business, as are
 * caps: this knows only objects.
 *
 * Owner thread only.
 */
#pragma once
#include "osdc.h"
#include "stripe.h"

enum {
	FILE_IO_PARTS = 32,     /* requests of one I/O in flight */
	FILE_IO_COPIES = 8,     /* of them, copies: each is work for several OSDs */
	FILE_IO_RUN = 16 << 20, /* bytes of one request, where objects are larger than the next */
	FILE_IO_OBJECT = 32 << 20,
	FILE_IO_FEW = 4, /* buffers of one request without an allocation */
};

/* Which objects, and how they are asked. What it points to is borrowed until done. */
struct file_where {
	uint64_t ino, snapid; /* OSD_SNAP_HEAD, or the snapshot that is read */
	int64_t pool;
	struct slice nspace;
	struct stripe_layout layout;
	uint64_t truncate_size; /* of the file */
	uint32_t truncate_seq;
	uint64_t snap_seq; /* of writes, as osdc.h */
	const uint64_t *snaps;
	uint32_t snap_count;
};

enum file_io_kind {
	FILE_READ,
	FILE_WRITE,
	FILE_ZERO, /* whole objects are removed, but for the first: it carries the file's way home */
	FILE_COPY, /* whole objects of another file come here, through the OSDs */
};

struct file_io;
struct file_part {
	struct osd_req q; /* first */
	struct file_io *io;
	struct iovec few[FILE_IO_FEW];
	struct iovec *iov; /* owned unless it is `few` */
	uint32_t iov_room;
	uint64_t len;
	struct stripe_run run;
	bool busy, let_go;
	bool hole; /* FILE_COPY: there is no such object, so there will be none here */
};

struct file_io {
	/* The caller's. */
	struct file_where at;
	enum file_io_kind kind;
	uint64_t offset, len;    /* len not 0 */
	const struct iovec *iov; /* len bytes and more; borrowed until done, with its memory */
	uint32_t iov_count;
	/* FILE_COPY: from where. One object in a stripe on both sides, of the same size; offset, len and
	 * from_offset are multiples of that. The target's truncate_seq is not 0: else its objects would get
	 * those of the source. */
	struct file_where from;
	uint64_t from_offset;
	uint64_t mtime_ns; /* of writes: wall clock, 0 = now */
	uint32_t flags;    /* OSD_FLAG_* */
	/* result: 0, or the first negative errno; then some of it may have been carried out, and failed_*
	 * name what failed. `io` is the caller's again. */
	void (*done)(struct file_io *io, int result);
	/* After file_io_forsake(): the buffers are the caller's again, and `done` is still to come. */
	void (*let_go)(struct file_io *io);
	void *arg;

	/* Its own. */
	struct osdc *c;
	struct stripe_iter it;
	uint64_t window_end; /* what `it` covers of it */
	uint32_t iov_at;     /* where the last search for a buffer ended, */
	uint64_t iov_base;   /* bytes of the I/O before that one */
	uint32_t busy, part_count;
	uint32_t holding; /* forsaken: parts that have not let go of the buffers */
	int err;
	uint64_t failed_object;  /* the first whose request failed, by its number */
	int32_t failed_osd;      /* the OSD that it was for in the end; -1: none was asked */
	bool forsaken, partly;   /* partly: some of it was not carried out, or nobody knows */
	struct file_part *parts; /* owned unless it is `one` */
	struct file_part one;
};

/* 0: `done` will come, never from inside a call made here. -EINVAL: a layout that is none; -ENOMEM;
 * -ESHUTDOWN. */
int file_io_submit(struct osdc *c, struct file_io *io);
/* Ends it early with `err`, soon. What was sent may be carried out all the same. */
void file_io_cancel(struct file_io *io, int err);
/* The same for a write whose end must be known, as osdc_forsake(): let_go first, unless all of it ends at
 * once; then `done` when no OSD has anything to do with it any more, with 0 if all of it was carried out. */
void file_io_forsake(struct file_io *io, int err);
