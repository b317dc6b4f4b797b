/* transfer.h: the bytes of files moved from one side to the other: many files at once, and of each many
 * chunks in flight.
 *
 * Chunks of a file begin in order, and never TRANSFER_WINDOW or more beyond the first one that is not done.
 * So a transfer that was broken off has left nothing out but in its last TRANSFER_WINDOW chunks, and from the
 * length of what is there one knows where to go on (transfer_resume_at()).
 */
#pragma once
#include "progress.h"
#include "side.h"

enum {
	TRANSFER_CHUNK = 4 << 20,
	TRANSFER_WINDOW = 16, /* chunks */
	TRANSFER_DEPTH = 32,  /* chunks in flight, of all files: as much memory is used */
	TRANSFER_FILES = 64,  /* at once */
};

struct transfer_opts {
	bool resume;   /* what is there of the target is the beginning of it */
	bool verify;   /* what arrived is read again, and compared by its checksum with what was sent */
	bool preserve; /* mode and times */
	unsigned depth;
	struct progress *progress;
};

struct transfer_item {
	enum side from_side, to_side;
	const char *from, *to; /* borrowed; "-" with SIDE_LOCAL: standard input, standard output */
	uint64_t size;         /* as far as known, for the progress */
	uint32_t mode;         /* a new file's, before the umask */
	/* how it ended */
	int64_t res;      /* 0 or a negative errno */
	const char *at;   /* the path that it is about */
	char *why;        /* owned: more words, or NULL */
	uint64_t moved;   /* bytes, without those that were there already */
	uint64_t skipped; /* these */
};

/* Blocks until all have ended, or a signal (SIGINT, SIGTERM) has asked for the end: what has not ended then
 * has -EINTR. `done` is told of each as it ends. */
void transfer_run(struct tool *t, const struct transfer_opts *o, struct transfer_item *items, size_t count,
		  void (*done)(void *arg, struct transfer_item *item), void *arg);
/* A partial file is this long: its bytes up to the result are whole. */
uint64_t transfer_resume_at(uint64_t length);
