/* side.h: files of two sides, in the CephFS and on this machine, behind the same calls; none of them blocks.
 *
 * Calls into the CephFS go to the library. Those to local files block, so a few threads carry them out, and
 * the engine goes on meanwhile: a slow disk or pipe keeps no connection waiting. Whichever it was, `done`
 * comes once, from sides_turn(), never from inside the call. One call of a struct side_call at a time; one
 * that finds no room in the library waits for it here.
 */
#pragma once
#include "tool.h"

enum side { SIDE_CEPH, SIDE_LOCAL };

struct sides;

struct side_file {
	enum side side;
	bool stream;         /* no offsets: a pipe, a terminal */
	bool open;           /* to be given to side_close() */
	bool borrowed;       /* standard input or output: not closed */
	int fd;              /* local */
	cephring_file *ceph; /* or this */
};

struct side_call {
	struct cephring_op op;
	void (*done)(struct side_call *c, int64_t res); /* set before each call */
	void *user;
	char *why; /* owned by the call until the next one: words for a negative res, or NULL */
	/* side.c's own */
	struct sides *sides;
	struct side_call *next;
	int64_t (*local)(struct side_call *c);
	int (*ceph)(struct side_call *c);
	int64_t res;
	struct side_file *file;
	struct side_file *from; /* copy */
	const char *path;
	void *buf;
	size_t size;
	uint64_t offset;
	int flags;
	uint32_t mode;
	struct cephring_statx *st;
	struct cephring_setattr set;
};

/* SIGINT and SIGTERM are held until sides_free(), but while sides_turn() waits. */
struct sides *sides_new(struct tool *t);
void sides_free(struct sides *s); /* nothing in flight */
/* Waits until something has ended, or a signal, and runs `done` of what has; at most `wait_ns`, -1: as long
 * as it takes. Something is in flight. */
void sides_turn(struct sides *s, int64_t wait_ns);

/* Opens `path` of f->side; flags of <fcntl.h>. What has no offsets sets f->stream. */
void side_open(struct sides *s, struct side_file *f, const char *path, int flags, uint32_t mode,
	       struct side_call *c);
/* Attributes of an open file: mask is CEPHRING_STATX_BASIC. */
void side_stat(struct sides *s, struct side_file *f, struct cephring_statx *st, struct side_call *c);
/* Mode, times or size, as `set` says. */
void side_set(struct sides *s, struct side_file *f, const struct cephring_setattr *set, struct side_call *c);
/* As many bytes as there are, up to `size`; fewer only at the end. Of a stream: what comes next. */
void side_read(struct sides *s, struct side_file *f, void *buf, size_t size, uint64_t offset,
	       struct side_call *c);
/* All of it, or an error. Around caches: when it is done, a CephFS has it on its OSDs. */
void side_write(struct sides *s, struct side_file *f, void *buf, size_t size, uint64_t offset,
		struct side_call *c);
/* The same bytes of a file to another one, both in the CephFS: whole objects by the OSDs themselves where
 * they may. As many as there are, up to `size`. */
void side_copy(struct sides *s, struct side_file *from, struct side_file *to, size_t size, uint64_t offset,
	       struct side_call *c);
/* What was written is on stable storage, and reading will bring it from there. */
void side_sync(struct sides *s, struct side_file *f, struct side_call *c);
/* f->open becomes false, whatever the result. */
void side_close(struct sides *s, struct side_file *f, struct side_call *c);
