/* io.h: what a benchmark does with the data of files, the same for every client; client.h has names.
 *
 * Every 4 KiB of a file begin with their offset (IO_BLOCK), and a read that brings anything else is an error:
 * -EBADMSG. So what is fast is also right. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { IO_BLOCK = 4096, IO_DEPTH_MAX = 64 };

struct client;
struct client_file; /* client_open() of client.h; with O_DIRECT neither from nor into a cache */

enum io_verb {
	IO_READ,
	IO_WRITE,
	IO_WRITE_FSYNC,     /* and then fsync */
	IO_WRITE_FDATASYNC, /* and then fdatasync */
	IO_FILE_READ,       /* open `path`, read `size` bytes from its start, close */
	IO_FILE_WRITE,      /* create `path` (O_EXCL), write, close */
};

struct io_act {
	enum io_verb verb;
	struct client_file *file; /* or */
	const char *path;         /* below the mount's root */
	uint64_t offset;
	size_t size;
};

/* `depth` of them in flight at all times (at most IO_DEPTH_MAX): from the calling thread where the client
 * can, else from so many threads. took_ns[i] is what acts[i] took. The first error ends it, and `bad` becomes
 * the index of its act. */
int io_many(struct client *c, const struct io_act *acts, size_t n, unsigned depth, uint64_t *took_ns,
	    size_t *bad);
/* All that was written, likewise. */
int io_fsync(struct client *c, struct client_file *f);

/* ---- for the clients ---- */

/* Blocking calls, `depth` threads. `one`: an act, with a buffer of its size; for a write it is filled. */
int io_blocking_many(struct client *c, const struct io_act *acts, size_t n, unsigned depth,
		     int (*one)(struct client *c, const struct io_act *a, char *buf), uint64_t *took_ns,
		     size_t *bad);
size_t io_largest(const struct io_act *acts, size_t n);
void io_fill(const struct io_act *a, char *buf);
/* 0, -EIO: `got` is fewer bytes than asked for; -EBADMSG; or `got` itself if that is an error. */
int io_check(const struct io_act *a, const char *buf, int64_t got);
static inline int io_writes(const struct io_act *a)
{
	return a->verb != IO_READ && a->verb != IO_FILE_READ;
}
