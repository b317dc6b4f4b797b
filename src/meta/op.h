/* op.h: one operation of the program, from submission to its one completion.
 *
 *   submitted --(task on the engine)--> running --step--> done: callback
 *                                        |   ^
 *                             OP_PENDING v   | op_resume(res): reply, cancel, deadline, unmount
 *                                       waiting
 *
 * A step function returns the result now (>= 0 or -errno), or OP_PENDING and is entered again later with
 * `res`: never both. Everything that ends an operation enters by `res`, cancellation included.
 */
#pragma once
#include <limits.h>
#include <sys/queue.h>
#include <sys/uio.h>
#include "../../include/cephring.h"
#include "../ring/ring.h"
#include "caps.h"
#include "walk.h"

struct meta;
struct mreq;
struct op;
struct file;
struct reply;

#define OP_PENDING INT64_MAX

struct op_family {
	const char *name;
	int64_t (*step)(struct op *op, int64_t res);
	/* Drops what the operation holds; runs once, before the callback. NULL: nothing. */
	void (*end)(struct op *op, int64_t res);
	/* It waits and is to end early, with `err`. True: it will, in a moment: what uses the caller's memory
	 * is being stopped first; then it resumes, with whatever. False, or NULL: nothing stands in the way.
	 */
	bool (*cancel)(struct op *op, int err);
	bool for_good; /* neither a deadline nor a cancel ends it early: unmount */
};

/* Lives in the caller's struct cephring_op. */
struct op {
	struct ring_task task; /* first: submission and inbox */
	uint64_t deadline_ns;  /* set by cephring_op_deadline() for the next submission */
	const struct op_family *fam;
	struct meta *m;
	cephring_cb cb;
	void *user;
	LIST_ENTRY(op) active; /* meta's list while in flight */
	struct ring_timer timer;
	uint64_t serial, start_ns; /* serial: tells a reuse from the submission that a cancel meant */
	uint8_t at;                /* step of the family */
	uint8_t state;             /* enum op_state */
	bool sent;                 /* a message was needed */
	bool waits;                /* on a list: meta.name_waits, meta.deleg_waits */
	bool inner;                /* a part of another operation, which `user` is */
	int ending;                /* an early end is on its way: with this */
	struct op *sub;            /* the part under way, or NULL */
	int64_t sub_res;           /* of one that ended at once */
	LIST_ENTRY(op) wait_link;
	bool uncertain;      /* ended early with a request of it sent: it may have been carried out */
	struct mreq *req;    /* the single request waited for, or NULL */
	struct inode *inode; /* ref: what the walk ended at */
	struct walk walk;
	struct {
		struct inode *at;
		const char *path;
		int flags;
		const struct cephring_cred *cred;
		uint32_t mask;
	} start;
	struct walk from; /* link, rename: the walk of the first path, when it is done; `walk` is then of the
			     second */
	union {
		struct {
			struct cephring_statx *out;
			uint32_t want;
			int flags;
		} statx;
		struct {
			cephring_inode **out;
		} lookup;
		struct {
			int mode;
		} access;
		struct {
			char *buf;
			size_t size;
		} readlink;
		struct {
			const char *name;
			void *buf;
			size_t size;
			int how;
		} xattr;
		struct {
			struct cephring_statfs *out;
			void *pending;
		} statfs;
		struct {
			cephring_file **out;
			const struct cephring_layout *layout;
			int flags;
			uint32_t mode;
			bool begun, created, opened; /* created by us; the MDS knows that it is open */
			bool denied;                 /* it may not be created: only opened, if it is there */
			struct cap_wait caps;
		} open;
		struct {
			struct file *file;
			void *buf;
			size_t size;
		} file;
		struct {                  /* mkdir, mknod, symlink, unlink, link, rename (naming.h) */
			struct inode *at; /* the second path starts here */
			const char *path; /* the second one; or a symlink's text */
			struct inode *was,
			    *now; /* refs: what the first and the second path's last name stand for */
			uint64_t rdev;
			uint32_t mode;
			int flags;
			uint32_t left; /* mkdir -p: requests in flight */
			int err;
			void *many; /* owned: their requests */
		} make;
		struct {
			struct cephring_setattr set; /* a copy */
		} setattr;
		struct { /* of api/data*.c */
			struct file *file;
			const struct iovec *iov; /* borrowed */
			unsigned iov_count;
			int flags; /* CEPHRING_IO_*; whence; mode; advice */
			uint64_t offset, len;
			struct iovec one; /* what iov points to, for a single buffer */
			void *state;      /* owned: data_op.h */
			struct file *to;  /* copy */
			uint64_t to_offset;
			/* write: not buffers but whole objects of this file, from there on */
			const struct file *from;
			uint64_t from_offset;
		} data;
		struct op_whole { /* small files as a whole: api/data_path.c */
			struct inode *at;
			const char *path;
			const struct cephring_cred *cred;
			void *buf;
			size_t size;
			struct cephring_statx *st;
			int flags;
			uint32_t mode;
			struct file *file;        /* owned: while it is open */
			struct cephring_op *part; /* owned: the part under way */
			int64_t res;
		} whole;
		struct {
			const char *name;
			const struct cephring_kv *metadata;
			struct cephring_snap_info *out;
			uint32_t count, mode;
		} snap;
		struct {
			struct cephring_handle handle;
			cephring_inode **out;
			struct inode *parent; /* ref */
			char *buf;
			size_t size;
		} handle;
		struct {                   /* fsync, syncfs */
			struct file *file; /* NULL: all of the mount */
			uint64_t flush_tid, tid;
			LIST_ENTRY(op) waiting;
			int datasync;
			bool linked;
		} sync;
		struct {
			struct file *file;
			struct cephring_lock *out;
			struct cephring_lock lock; /* a copy */
			struct mreq *req;          /* SETFILELOCK in flight: outlives an early end */
			uint8_t rule;
			bool wait;
		} lock;
		struct {
			void *mount;
		} mount;
	} u;
};
_Static_assert(sizeof(struct op) <= sizeof(struct cephring_op), "the public operation holds ours");

enum op_state { OP_IDLE, OP_QUEUED, OP_RUNNING, OP_WAITING };

/* [any thread] Accepts it (then the callback comes), or -EAGAIN. `fam`, `u` and the walk are set by the
 * caller after op_prepare(). */
int op_prepare(struct meta *m, struct cephring_op *pub, const struct op_family *fam, cephring_cb cb,
	       void *user, struct op **out);
int op_submit(struct op *op);
/* The path it will walk, when it runs; all borrowed from the caller. `at` NULL: the mount's root. */
void op_set_walk(struct op *op, struct inode *at, const char *path, int flags,
		 const struct cephring_cred *cred, uint32_t mask);
/* Takes a waiting operation off without its callback: unmount, whose callback comes when nothing is left. */
void op_retire(struct op *op);
/* Goes on with a waiting operation. */
void op_resume(struct op *op, int64_t res);
/* For steps: it waits on this list; whoever takes the list resumes all, with 0, and each looks again. */
LIST_HEAD(op_waits, op);
void op_wait(struct op *op, struct op_waits *list);
void op_waits_resume(struct op_waits *todo);
/* For steps: another operation as a part of this one, in memory of the family's that outlives it; begun
 * without a turn in between. op_sub_prepare() is op_prepare() without budget. The result, or OP_PENDING: the
 * op is entered again with it. What ends the op early ends the part first. */
struct op *op_sub_prepare(struct op *op, struct cephring_op *memory, const struct op_family *fam);
int64_t op_sub(struct op *op, struct op *sub);
/* [any thread] */
int op_cancel(struct meta *m, struct cephring_op *pub);
/* Ends every operation but `except` with `err`. */
void ops_fail_all(struct meta *m, int err, struct op *except);

/* For steps: sends `r`; its reply resumes the op with the result. */
int64_t op_request(struct op *op, struct mreq *r);
/* The same for a request about op->inode by the op's caller; `r` may be NULL: -EAGAIN. */
int64_t op_ask(struct op *op, struct mreq *r);
/* The reply's target becomes op->inode when the request of op_request() succeeds. For requests with their own
 * `done`. */
void op_replied(struct mreq *r, int result, const struct reply *rep);
/* GETATTR of op->inode: these bits, or at least the values behind them. */
int64_t op_getattr(struct op *op, uint32_t mask);
