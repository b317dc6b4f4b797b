/* data.h: the data side of a mount: its OSD client, made when the first byte is asked for, and what the pools
 * allow this client. Joins src/data, which knows objects, and src/meta, which knows caps. Engine's thread. */
#pragma once
#include <sys/queue.h>
#include "../data/osdc.h"
#include "../ring/ring.h"
#include "../meta/meta.h"

struct block;
struct data_op;
struct data_perm;
struct data_file;
struct pcache;
struct pcache_io;

/* Longer stretches than this are read straight into the caller's memory, and not kept; longer writes leave
 * from it. */
enum {
	DATA_DIRECT_MIN = 1 << 20,
	/* Of a longer write the cache takes so large a part from its end, at most so many bytes. */
	DATA_TAIL_PART = 4,
	DATA_TAIL_MAX = 1 << 20,
};

/* doc/configuration.md: client_oc and the like; bytes, nanoseconds. */
struct data_cache_opts {
	bool on;
	uint64_t size, max_dirty, target_dirty, max_age_ns;
	uint64_t readahead_min, readahead_max, readahead_periods;
};

TAILQ_HEAD(data_ops, data_op);

/* Somebody who needs an OSD map, not the first bytes. */
struct map_waiter {
	struct map_waiter *next;
	void (*fn)(struct map_waiter *w, int err); /* 0: osdc_map() is there */
};

struct data_side {
	struct osdc *osdc;            /* owned; NULL until it is needed */
	LIST_HEAD(, data_perm) perms; /* pools and namespaces that were asked for */
	struct map_waiter *map_waiters;
	struct data_ops appends;   /* in order: one at a time of each inode */
	struct data_ops detached;  /* data_op.c: those that go on without their operation */
	LIST_HEAD(, block) blocks; /* inside_block.c: in flight */
	struct data_cache_opts cache_opts;
	uint32_t read_flags;          /* OSD_FLAG_*: replicas that may answer; any thread changes them */
	char *location;               /* owned: where in the CRUSH tree this client is */
	struct pcache *cache;         /* owned; NULL: none */
	LIST_HEAD(, data_file) files; /* that have something in it */
	struct ring_timer timer;      /* of the cache */
	struct pcache_io *refused;    /* transfers for which there was no memory, by `user` */
	struct ring_task refuse;
	bool gone; /* meta has ended: its references are void */
	uint64_t reads, writes, read_bytes, written_bytes;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* Before the mount's first operation. */
void data_init(struct cephring_mount *mt);
/* The OSD client is there. 0 or a negative errno. */
int data_begin(struct cephring_mount *mt);
/* Tells `w` once: when there is a map, perhaps from inside, or why there will be none. */
void data_map_wait(struct cephring_mount *mt, struct map_waiter *w);
void data_map_fail(struct cephring_mount *mt, int err);
/* Ends it, with all that it has; then `stopped`, perhaps from inside. data_fini() follows. */
void data_stop(struct cephring_mount *mt, void (*stopped)(void *arg), void *arg);
void data_fini(struct cephring_mount *mt);
/* An unmount begins. */
void data_ends(struct cephring_mount *mt);
/* From the monitor. */
void data_osdmap(struct cephring_mount *mt, const struct msg_in *m);

/* data_op.c: OSD_FLAG_* that reads carry. */
uint32_t data_read_flags(const struct cephring_mount *mt);

/* data_op.c: the detached hold nothing of meta's any more. */
void data_detached_drop(struct cephring_mount *mt);

enum { DATA_MAY_READ = 1, DATA_MAY_WRITE = 2 };
/* data_perm.c: may this client use the pool and namespace of d's file so? Asked of the OSDs once. 0, -EPERM,
 * or OP_PENDING: the op is entered again, and calls this again. */
int64_t data_perm_step(struct data_op *d, unsigned may);
void data_perm_leave(struct data_op *d);
void data_perms_free(struct cephring_mount *mt);
