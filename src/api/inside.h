/* inside.h: what the drop-in (src/compat) needs of a mount and the public header does not offer: small
 * questions that only the engine's thread may answer, and an orderly end while other threads are still in
 * calls.
 *
 * Calls marked [waits] run a function on the engine's thread and sleep until it has: not inside a callback
 * (-EDEADLK).
 */
#pragma once
#include "../../include/cephring.h"

#include <stdbool.h>
#include <sys/socket.h>

/* ---- configuration ---- */

/* A file was found and read by the last load. */
bool inside_config_has_file(const cephring_config *c);
/* Any option of ceph.conf, known to us or not, as the sections of this client give it. 0; -ENOENT:
 * nobody set it; -ENAMETOOLONG. */
int inside_config_find(const cephring_config *c, const char *key, char *out, size_t size);

/* ---- engines ---- */

/* Before the process ends: the thread stops where it is; nothing is said to any server. Not on the engine's
 * own thread: there it does nothing. */
void inside_engine_stop(cephring_engine *e);
/* Was it? Then nothing that is in flight ends any more. */
bool inside_engine_stopped(const cephring_engine *e);
/* Is this its own thread, a callback? Nothing may wait there. */
bool inside_engine_here(const cephring_engine *e);

/* ---- a mount ---- */

/* [waits] Ends every operation that is in flight with -ESHUTDOWN; new ones may still be submitted. */
void inside_fail_all(cephring_mount *m);

/* [waits] What is not written yet is lost, and the unmount that must follow tells the servers nothing. */
void inside_abort(cephring_mount *m);

struct inside_mount {
	uint64_t client_id;
	int32_t fscid; /* -1: not known */
	uint32_t session_timeout, session_autoclose;
	uint32_t nonce;
	int64_t data_pool; /* the first one; -1: none */
};
int inside_mount_info(cephring_mount *m, struct inside_mount *out); /* [waits] */
int inside_stats(cephring_mount *m, struct cephring_stats *out);    /* [waits] as cephring_stats() */

enum { INSIDE_ADDRS_MAX = 128 };
/* [waits] The address that servers know this client by, with its nonce, into INSIDE_ADDRS_MAX bytes. */
int inside_addrs(cephring_mount *m, char *text);

/* [waits] A command to MDSs, as command.h has it: 0, what an MDS answered with, -ENOENT, -ETIMEDOUT,
 * -ESHUTDOWN. What was printed and said is in *answer, to be freed in any case. */
struct inside_answer {
	uint8_t *out, *said; /* owned; NULL: nothing */
	uint32_t out_len, said_len;
};
int inside_command(cephring_mount *m, const char *to, const char *const *words, uint32_t count,
		   const void *in, uint32_t in_len, struct inside_answer *answer);
void inside_answer_free(struct inside_answer *a);

/* [waits] How an inode is laid out: of a directory as it says itself, zeros where it says nothing. */
struct inside_inode {
	struct cephring_layout layout;
	uint32_t caps;     /* issued now: CEPH_CAP_* bits */
	uint64_t snap_seq; /* of its snap realm */
};
int inside_inode_info(cephring_mount *m, cephring_inode *i, struct inside_inode *out);

/* What a mount tells the program unasked. The functions are called on the engine's thread and must return at
 * once. */
struct inside_watch {
	/* The MDS wants fewer caps, and this inode keeps its own because the program holds the last
	 * reference. */
	void (*held)(void *arg, uint64_t ino);
	/* With all of these it is still not enough. */
	void (*unmet)(void *arg);
	/* Cached data of the inode is given up because another client may change it. */
	void (*invalidated)(void *arg, uint64_t ino);
	/* An inode that the program refers to was removed by another client; this was a name of it. */
	void (*unnamed)(void *arg, uint64_t dir_ino, uint64_t ino, const char *name, size_t len);
	/* A delegation is to be given back: as inside_delegate() named it. Told once. */
	void (*recalled)(void *arg, void *who, uint64_t id);
	/* One was not, in time. When this returns, all of the mount's delegations and locks go, so no call
	 * may rely on them any more. */
	void (*over)(void *arg);
	void *arg;
};
/* [waits] From now on; borrowed until the mount ends. */
int inside_watch(cephring_mount *m, const struct inside_watch *w);

/* A delegation (deleg.h): somebody who watches must be told of its end. */
struct inside_delegation {
	int type; /* 1: to read; 2: to write too */
	uint32_t timeout_s;
	uint64_t id;
	void *who;
};
/* [waits] 0, also where the file had one: then it is this one; -EAGAIN, -EINVAL, -ENOTCONN, -ENOMEM as
 * deleg_set(). */
int inside_delegate(cephring_mount *m, cephring_file *f, const struct inside_delegation *d);
/* [waits] Gives it back, if there is one. Closing the file does too. */
int inside_undelegate(cephring_mount *m, cephring_file *f);

/* Takes a reference to what another thread may be replacing in *at; NULL as it stands there. [any thread] */
cephring_inode *inside_get(cephring_inode *const *at);

/* ---- by the OSD map, which is fetched at the first of these; all of them [wait] ---- */

struct inside_pool {
	int64_t id; /* asked by, unless name is not "" */
	char name[256];
	uint32_t replicas;
};
int inside_pool(cephring_mount *m, struct inside_pool *pool); /* -ENOENT */

struct inside_object {
	struct cephring_layout layout;
	uint64_t ino, offset; /* of a byte of the file */
	uint32_t count;
	int32_t osd[64];               /* who serves it, the primary first */
	struct sockaddr_storage *addr; /* NULL, or room for 64: their addresses */
};
int inside_object(cephring_mount *m, struct inside_object *o);
int inside_osd_addr(cephring_mount *m, int32_t osd, struct sockaddr_storage *addr);
/* "host\0a\0root\0default\0", the nearest first, as far as it fits: how many bytes it has. */
int inside_osd_place(cephring_mount *m, int32_t osd, char *out, size_t size);
int inside_osd_count(cephring_mount *m);

/* A part of one object of a file, past caps, cache and size. [waits] Bytes read, which end with the object;
 * or all written and on stable storage; a negative errno: -ENOENT no such object, or pool. */
struct inside_block {
	cephring_inode *inode;
	uint64_t object, offset;
	int64_t pool;
	void *buf;
	uint32_t len;
	bool write;
	uint64_t snap_seq; /* write */
};
int inside_block(cephring_mount *m, const struct inside_block *b);

/* From now on reads may be answered by the replica that is nearest by crush_location, or by primaries only.
 * Any thread. */
void inside_localize_reads(cephring_mount *m, bool on);
