/* data_op.h: what operations on file data have in common: one that holds caps while it does object I/O.
 *
 *   begin --> may this client use the pool? --> caps held --> object I/O --> caps given back
 *
 * The operation's state is made by its first step and freed by data_op_end(). Its op->inode and op->walk.cred
 * are the file's.
 */
#pragma once
#include "../data/cache.h"
#include "../data/file_io.h"
#include "calls.h"

struct data_file;

enum data_cached_kind { CACHED_NOTHING, CACHED_READ, CACHED_WRITE, CACHED_SYNC };

struct data_op {
	struct op *op; /* NULL: it ended early, and a write of it may still be carried out: until that is over
			  this holds the caps, a ref on the inode, and the turn */
	cephring_mount *mt;
	struct file *file;
	struct inode *inode; /* as op->inode */
	struct cap_wait wait;
	uint32_t got;                /* references held */
	struct {                     /* of a write that is a copy: what it comes from */
		struct inode *inode; /* ref, while its caps are held */
		uint32_t got;
		char *ns; /* owned: of the I/O */
	} from;
	struct file_io io;
	bool io_busy;
	struct data_inline *moved; /* owned: data_inline.c */
	char *ns;                  /* owned: of the I/O */
	struct snapctx *ctx;       /* ref: of the I/O */
	struct data_perm *perm;    /* waited for */
	struct data_file *df;      /* NULL, or a user of it (data_cache.h) */
	struct {
		enum data_cached_kind kind; /* what is waited for */
		union {
			struct pcache_read read;
			struct pcache_write write;
			struct pcache_sync sync;
		};
		bool past; /* counted in df->past, for this range */
		uint64_t past_offset, past_len;
	} cached;
	TAILQ_ENTRY(data_op) perm_wait;
	uint32_t perm_answer;        /* which of its answers */
	TAILQ_ENTRY(data_op) append; /* while in_turn */
	TAILQ_ENTRY(data_op) detached;
	bool in_turn, size_asked;
	bool through;            /* copy: the next piece goes through memory */
	uint32_t uid, gid;       /* who writes */
	uint64_t offset, len;    /* of this operation, as far as it is decided */
	void *buf;               /* owned: mem_alloc() */
	struct cephring_op part; /* fsync, and others: the part under way */
};

/* Makes the state and sees that the mount can do I/O. 0 or a negative errno. */
int data_op_begin(struct op *op);
static inline struct data_op *data_op(const struct op *op)
{
	return op->u.data.state;
}
/* For families: `end` and `cancel`. */
void data_op_end(struct op *op, int64_t res);
bool data_op_cancel(struct op *op, int err);

/* Takes references on `need`, and on `want` if that is to be had; `end`: how far is written, or 0. 0,
 * OP_PENDING (the op is entered again with the result) or -errno. Those of a snapshot's file are not needed.
 */
int64_t data_caps(struct data_op *d, uint32_t need, uint32_t want, uint64_t end);
void data_caps_put(struct data_op *d);
/* The size that is known here cannot have changed elsewhere. */
bool data_size_certain(const struct data_op *d);
/* Reads, writes or zeroes; OP_PENDING, then the op is entered with 0 or -errno; or -errno. Caps are held. */
int64_t data_io(struct data_op *d, enum file_io_kind kind, uint64_t offset, uint64_t len,
		const struct iovec *iov, unsigned count);
/* Which objects an inode's data has; *ns is the caller's to free. 0, -ENOMEM. */
int data_where_inode(const struct inode *i, struct file_where *w, char **ns);
/* For other I/O on the file's objects: which ones, and how; data_io_end() when it has ended. 0, -ENOMEM. */
int data_where(struct data_op *d, struct file_where *w, bool write);
void data_io_end(struct data_op *d);
/* It was submitted (0) or was not: OP_PENDING, or the error. */
int64_t data_io_begun(struct data_op *d, int err);
/* Something was written, up to `end` (0: the size is not concerned): size, times and the like, to be told the
 * MDS later. Before the caps are given back. 0, -ENOMEM. */
int data_written(struct data_op *d, uint64_t end);
/* data_failed.c: bytes of a file `what` ("could not be read"): a line in the log that names the file, its
 * inode, the object, pool and OSD, and why. `io`: what failed; NULL: nothing was asked of an OSD. */
void data_failed(struct cephring_mount *mt, const struct inode *i, const struct file_io *io, uint64_t off,
		 uint64_t len, int err, const char *what);
/* data_inline.c: the file's data stands in its inode, as far as is known. */
bool data_is_inline(const struct data_op *d);
/* Brings it; no caps are held. As op_ask(). */
int64_t data_inline_ask(struct data_op *d);
/* Serves a read of [d->offset, d->len) from what came, d->len as much as there is. False: it is not inline
 * any more. */
bool data_inline_read(struct data_op *d, const struct iovec *iov);
/* Before a write: moves it into the first object; no caps are held. 0 (data_written() tells the MDS),
 * OP_PENDING (the op is entered again, and calls this again), -errno. */
int64_t data_inline_step(struct data_op *d);
bool data_inline_cancel(struct data_op *d, int err);
void data_inline_free(struct data_op *d);
/* data_copy.c: a write that is a copy of objects (op->u.data.from), as data_io(); Fw is held. -EAGAIN: not
 * now, or not of this file. */
int64_t data_copy_io(struct data_op *d);
/* Before a change of a program's bytes (data_write.c): takes its set-id bits away, unless uid 0 makes it. As
 * op_ask(). */
int64_t data_drop_privs(struct data_op *d);
/* fsync as a part, if the file is open with O_DSYNC or O_SYNC, or `now`. Results as op_sub(); 0: not asked
 * for.
 */
int64_t data_sync_asked(struct data_op *d, bool now);

extern const struct op_family op_read_family, op_write_family, op_fallocate_family, op_seek_family,
    op_copy_family, op_advise_family, op_read_path_family, op_write_path_family;
