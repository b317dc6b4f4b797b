/* cephring.h: a CephFS client that speaks Ceph's protocol over io_uring.
 *
 * The model. An ENGINE is one thread with one io_uring. A MOUNT is one Ceph client identity on one engine.
 * Every operation is asynchronous: the caller embeds a `struct cephring_op`, submits, and gets one
 * completion.
 *
 *   Rules for every operation
 *   - A submitting call returns 0: accepted, the callback comes exactly once, on the engine's thread, never
 * from inside the submitting call, also after cancel and unmount. Or a negative errno: not accepted, no
 * callback: -EAGAIN the budget of operations in flight (or the inbox) is full, try again after any
 * completion; -EINVAL.
 *   - Any thread may submit; from the engine's own thread it is cheapest (no wake-up).
 *   - The op, path strings, credentials and result buffers are the caller's and stay untouched until the
 * callback. The op may be reused as soon as its callback has begun.
 *   - Errors are negative errno values (Linux numbers). The reason in words: cephring_strerror().
 *
 * Structures that may grow begin with `size`: set it to sizeof the structure, zero the rest.
 * All times are nanoseconds; all sizes bytes.
 */
#ifndef CEPHRING_H
#define CEPHRING_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CEPHRING_API __attribute__((visibility("default")))
#else
#define CEPHRING_API
#endif

typedef struct cephring_engine cephring_engine;
typedef struct cephring_config cephring_config;
typedef struct cephring_mount cephring_mount;
typedef struct cephring_inode cephring_inode; /* a reference to a file, directory or link */
typedef struct cephring_file cephring_file;   /* an open file or directory */

/* ---- operations ---- */

struct cephring_op;
/* res: >= 0 (what the call says) or a negative errno. Engine's thread. */
typedef void (*cephring_cb)(struct cephring_op *op, int64_t res, void *user);

/* Embedded by the caller, zero-initialised once; reusable when its callback has begun. */
struct cephring_op {
	uint64_t opaque[64];
};

/* Sets a deadline for the NEXT submission of `op`: absolute CLOCK_MONOTONIC ns, 0 = none. When it passes, the
 * operation ends with -ETIMEDOUT. */
CEPHRING_API void cephring_op_deadline(struct cephring_op *op, uint64_t deadline_ns);
/* Asks for an early end: the callback comes with -ECANCELED, or with the result if that was first. Any
 * thread. 0; -EALREADY: not in flight; -EAGAIN, -ENOMEM: could not be asked for, try again. */
CEPHRING_API int cephring_op_cancel(cephring_mount *m, struct cephring_op *op);

/* ---- engine ---- */

struct cephring_engine_opts {
	size_t size;
	int own_thread;   /* 1: the library runs it on a thread of its own; 0: the caller calls cephring_run()
			   */
	int cpu;          /* own thread: pin to this CPU; -1 = do not */
	unsigned entries; /* io_uring submission queue, 0 = 256 */
	unsigned inbox;   /* submissions from other threads that may wait, 0 = 1024 */
};
/* opts NULL: caller-driven, defaults. 0; -ENOSYS, -EPERM, -ENOTSUP: no io_uring or a feature of it is
 * missing; `why` (may be NULL) then names the kernel version or sysctl. The caller-driven engine belongs to
 * the calling thread. */
CEPHRING_API int cephring_engine_new(const struct cephring_engine_opts *opts, cephring_engine **out,
				     char *why, size_t why_size);
/* -EBUSY: mounts are left. */
CEPHRING_API int cephring_engine_free(cephring_engine *e);
/* Readable when cephring_run() would make progress; for poll, epoll, io_uring, libuv. Not to be closed or
 * read. The first call: on the engine's thread. */
CEPHRING_API int cephring_engine_fd(cephring_engine *e);
/* ns until the next timer, 0 = call cephring_run() now, -1 = none. */
CEPHRING_API int64_t cephring_engine_timeout_ns(cephring_engine *e);
/* One turn or more. wait_ns 0: do not block; -1: until something happened. Number of events handled, or
 * -errno. */
CEPHRING_API int cephring_run(cephring_engine *e, int64_t wait_ns);

/* ---- configuration: mount options > environment > ceph.conf > defaults ---- */

CEPHRING_API int cephring_config_new(cephring_config **out);
CEPHRING_API void cephring_config_free(cephring_config *c);
/* An option by its ceph.conf name ("mon_host", "keyring", "id", "name", "conf", "cluster", "key",
 * "client_fs", "ms_client_mode", "client_mount_timeout", ...) or one of ours (cephring_cache_bytes,
 * cephring_max_ops, ...: doc/configuration.md). Beats every other source. -EINVAL with words in
 * cephring_config_error(). */
CEPHRING_API int cephring_config_set(cephring_config *c, const char *key, const char *value);
/* Reads the environment (CEPH_CONF, CEPH_KEYRING, CEPH_ARGS), ceph.conf and the keyring, and resolves names.
 * Reads files and may ask DNS: call it before the latency matters. -ENOENT, -EACCES, -EINVAL: see
 * cephring_config_error(). */
CEPHRING_API int cephring_config_load(cephring_config *c);
CEPHRING_API const char *cephring_config_error(const cephring_config *c);
/* Value in force and where it came from ("default", "option", "env CEPH_ARGS", "conf FILE [SECTION]");
 * borrowed until the next call on `c`; NULL = unknown key. */
CEPHRING_API const char *cephring_config_get(const cephring_config *c, const char *key, const char **origin);
/* Every known option in order. Secrets are shown as "(set)". */
CEPHRING_API void cephring_config_each(const cephring_config *c,
				       void (*fn)(void *arg, const char *key, const char *value,
						  const char *origin),
				       void *arg);

/* ---- mount ---- */

struct cephring_cred {
	uint32_t uid, gid;
	uint32_t ngroups;
	const uint32_t *groups; /* supplementary groups */
};

enum cephring_log_level { CEPHRING_LOG_ERROR, CEPHRING_LOG_WARN, CEPHRING_LOG_INFO, CEPHRING_LOG_DEBUG };

struct cephring_mount_opts {
	size_t size;
	const char
	    *fs; /* file system name; NULL = client_fs of the configuration, or the cluster's default */
	const char *root; /* directory to mount, NULL = "/" */
	const struct cephring_cred
	    *cred; /* for calls that pass none; NULL = the process's effective ids and groups. Copied */
	int no_permissions; /* 1: do not check modes here (a gateway that checks by itself) */
	void (*log)(void *arg, int level, const char *line); /* engine's thread; NULL = silent */
	void *log_arg;
	int log_level; /* enum cephring_log_level: lines above it are not made */
};

/* Connects, logs in, opens a session, fetches the root. *out is valid at once (for cancel, status and
 * unmount) but usable for other operations only after res = 0 (-ENOTCONN before). `c` must stay until then.
 * Errors: -EACCES wrong key (words: entity, monitor), or refused by the MDS; -ETIMEDOUT no monitor reachable
 * (words: addresses), no map, or no answer about the root within client_mount_timeout; -ENOENT unknown file
 * system or root; -EHOSTUNREACH no active MDS in time, or none that answers; -EPROTONOSUPPORT only legacy
 * msgr1 monitors, or no connection mode in common. After an error: cephring_unmount(). */
CEPHRING_API int cephring_mount_start(cephring_engine *e, const cephring_config *c,
				      const struct cephring_mount_opts *opts, struct cephring_op *op,
				      cephring_cb cb, void *user, cephring_mount **out);
/* Ends all operations (-ESHUTDOWN), gives caps back, closes sessions, frees the mount; the callback is the
 * last thing. -EALREADY: it is being unmounted. */
CEPHRING_API int cephring_unmount(cephring_mount *m, struct cephring_op *op, cephring_cb cb, void *user);
/* Words for the newest error of this mount. Engine's thread; borrowed until the next call. */
CEPHRING_API const char *cephring_strerror(cephring_mount *m, int err);

/* ---- inodes, paths ---- */

/* `at`: where a relative path starts; NULL = the mount's root. Absolute paths start at the root too. `.` and
 * `..` are understood (`..` of the root is the root). Limits: path 4095 bytes, name 255 bytes: -ENAMETOOLONG;
 * 40 symlinks: -ELOOP. */
enum {
	CEPHRING_NOFOLLOW = 1,   /* a final symlink is not followed */
	CEPHRING_FORCE_SYNC = 2, /* statx: ask the MDS also when cached */
	CEPHRING_DONT_SYNC = 4,  /* statx: what is cached will do, also when its caps are gone */
};

/* Resolves a path to a reference (*out, given back with cephring_put). res 0. */
CEPHRING_API int cephring_lookup(cephring_mount *m, cephring_inode *at, const char *path, int flags,
				 const struct cephring_cred *cred, struct cephring_op *op, cephring_cb cb,
				 void *user, cephring_inode **out);
/* Any thread; NULL is fine. References that are left at unmount die with the mount. */
CEPHRING_API void cephring_put(cephring_mount *m, cephring_inode *i);
CEPHRING_API uint64_t cephring_ino(const cephring_inode *i);

/* Wanted fields, as in statx(2). */
enum {
	CEPHRING_STATX_TYPE = 0x1,
	CEPHRING_STATX_MODE = 0x2,
	CEPHRING_STATX_NLINK = 0x4,
	CEPHRING_STATX_UID = 0x8,
	CEPHRING_STATX_GID = 0x10,
	CEPHRING_STATX_ATIME = 0x20,
	CEPHRING_STATX_MTIME = 0x40,
	CEPHRING_STATX_CTIME = 0x80,
	CEPHRING_STATX_INO = 0x100,
	CEPHRING_STATX_SIZE = 0x200,
	CEPHRING_STATX_BLOCKS = 0x400,
	CEPHRING_STATX_BTIME = 0x800,
	CEPHRING_STATX_VERSION = 0x1000, /* change_attr */
	CEPHRING_STATX_BASIC = 0x7ff,
	CEPHRING_STATX_ALL = 0x1fff,
};

struct cephring_statx {
	uint32_t mask; /* fields that are valid */
	uint32_t mode; /* with S_IFMT */
	uint32_t nlink, uid, gid, blksize;
	uint64_t ino, snapid, size, blocks, dev, rdev, version; /* blocks: of 512 bytes */
	int64_t atime_ns, mtime_ns, ctime_ns, btime_ns;
	uint64_t rbytes, rfiles, rsubdirs; /* directories: recursive statistics as last seen */
};

/* res 0. Only wanted fields cost a round trip; more may come. */
CEPHRING_API int cephring_statx(cephring_mount *m, cephring_inode *at, const char *path, uint32_t want,
				int flags, const struct cephring_cred *cred, struct cephring_statx *out,
				struct cephring_op *op, cephring_cb cb, void *user);
/* The same from the cache only, at once, on the engine's thread: 0, the walk's error (-ENOENT, -EACCES, ...),
 * or -EAGAIN: needs a message, submit cephring_statx(). */
CEPHRING_API int cephring_statx_cached(cephring_mount *m, cephring_inode *at, const char *path, uint32_t want,
				       int flags, const struct cephring_cred *cred,
				       struct cephring_statx *out);
/* mode: R_OK|W_OK|X_OK or F_OK. res 0 or -EACCES. Judged with the ids of `cred`. */
CEPHRING_API int cephring_access(cephring_mount *m, cephring_inode *at, const char *path, int mode, int flags,
				 const struct cephring_cred *cred, struct cephring_op *op, cephring_cb cb,
				 void *user);
/* res = length of the target; at most `size` bytes are written, without a NUL. -EINVAL: not a symlink. */
CEPHRING_API int cephring_readlink(cephring_mount *m, cephring_inode *at, const char *path,
				   const struct cephring_cred *cred, char *buf, size_t size,
				   struct cephring_op *op, cephring_cb cb, void *user);
/* res = length of the value; size 0 asks for the length only; -ERANGE: buf too small; -ENODATA: no such
 * attribute. */
CEPHRING_API int cephring_getxattr(cephring_mount *m, cephring_inode *at, const char *path, const char *name,
				   int flags, const struct cephring_cred *cred, void *buf, size_t size,
				   struct cephring_op *op, cephring_cb cb, void *user);
/* Names, each with its NUL. ceph.* attributes are not listed. */
CEPHRING_API int cephring_listxattr(cephring_mount *m, cephring_inode *at, const char *path, int flags,
				    const struct cephring_cred *cred, char *buf, size_t size,
				    struct cephring_op *op, cephring_cb cb, void *user);

struct cephring_statfs {
	uint64_t block_size, blocks, blocks_free, files, name_max, fsid;
};
CEPHRING_API int cephring_statfs(cephring_mount *m, struct cephring_statfs *out, struct cephring_op *op,
				 cephring_cb cb, void *user);

/* ---- open files and directories ---- */

/* flags: O_RDONLY with O_DIRECTORY, O_NOFOLLOW, O_PATH of <fcntl.h>; others -EROFS / -EINVAL in this version.
 * res 0. */
CEPHRING_API int cephring_open(cephring_mount *m, cephring_inode *at, const char *path, int flags,
			       const struct cephring_cred *cred, struct cephring_op *op, cephring_cb cb,
			       void *user, cephring_file **out);
/* Always frees `f`, whatever the result. -EBUSY (not accepted): operations on it are in flight. */
CEPHRING_API int cephring_close(cephring_file *f, struct cephring_op *op, cephring_cb cb, void *user);
CEPHRING_API cephring_inode *cephring_file_inode(cephring_file *f); /* borrowed from f */

/* Packed one behind another; the next begins `reclen` bytes on (a multiple of 8). */
struct cephring_dirent {
	uint32_t reclen;
	uint16_t name_len;
	uint16_t type;            /* DT_* */
	uint64_t next_offset;     /* position behind this entry */
	struct cephring_statx st; /* st.mask tells what is valid */
	char name[];              /* NUL-terminated */
};
/* Entries with attributes from the directory's position into buf. res = bytes filled, 0 = end. `.` and `..`
 * come first. All fragments are read in parallel. -EINVAL: buf too small for one entry. One readdir per file
 * at a time: -EBUSY. */
CEPHRING_API int cephring_readdir(cephring_file *f, void *buf, size_t size, struct cephring_op *op,
				  cephring_cb cb, void *user);
CEPHRING_API void cephring_rewinddir(cephring_file *f);

/* ---- seeing what it does ---- */

struct cephring_stats {
	size_t size;
	uint64_t turns, enters, syscalls; /* engine: loop turns, io_uring_enter calls, all system calls */
	uint64_t sends, send_bytes, recvs, recv_bytes;
	uint64_t ops, ops_cached; /* completed; of them without a message */
	uint64_t mds_requests, mds_replies, forwards, resends;
	uint64_t inodes, dentries, caps, cache_bytes, cache_limit, cache_evictions;
	uint64_t revokes, releases, renewals, recalls;
	uint64_t walks, walk_lookups, walk_restarts,
	    walk_inferred; /* inferred: names learned without asking for them */
};
CEPHRING_API int cephring_stats(cephring_mount *m, struct cephring_stats *out);
/* Debug views as JSON text (monitors, sessions, maps, negotiated modes, requests in flight, caps ...): what =
 * "status", "sessions", "requests", "caps". Engine's thread. The text is the caller's, freed with
 * cephring_text_free. */
CEPHRING_API int cephring_dump(cephring_mount *m, const char *what, char **text);
CEPHRING_API void cephring_text_free(char *text);
/* Drops everything clean and unused from the cache (and gives its caps back). Engine's thread. */
CEPHRING_API void cephring_drop_caches(cephring_mount *m);
CEPHRING_API const char *cephring_version(void);

/* ---- blocking helpers: thin waits over the calls above ----
 * On a caller-driven engine they run it until the operation ends (from its own thread: -EDEADLK inside a
 * callback); with an own thread they wait for it. Return res. */
CEPHRING_API int cephring_sync_mount(cephring_engine *e, const cephring_config *c,
				     const struct cephring_mount_opts *opts, cephring_mount **out);
CEPHRING_API int cephring_sync_unmount(cephring_mount *m);
CEPHRING_API int cephring_sync_lookup(cephring_mount *m, cephring_inode *at, const char *path, int flags,
				      const struct cephring_cred *cred, cephring_inode **out);
CEPHRING_API int cephring_sync_statx(cephring_mount *m, cephring_inode *at, const char *path, uint32_t want,
				     int flags, const struct cephring_cred *cred, struct cephring_statx *out);
CEPHRING_API int cephring_sync_access(cephring_mount *m, cephring_inode *at, const char *path, int mode,
				      int flags, const struct cephring_cred *cred);
CEPHRING_API int64_t cephring_sync_readlink(cephring_mount *m, cephring_inode *at, const char *path,
					    const struct cephring_cred *cred, char *buf, size_t size);
CEPHRING_API int64_t cephring_sync_getxattr(cephring_mount *m, cephring_inode *at, const char *path,
					    const char *name, int flags, const struct cephring_cred *cred,
					    void *buf, size_t size);
CEPHRING_API int64_t cephring_sync_listxattr(cephring_mount *m, cephring_inode *at, const char *path,
					     int flags, const struct cephring_cred *cred, char *buf,
					     size_t size);
CEPHRING_API int cephring_sync_statfs(cephring_mount *m, struct cephring_statfs *out);
CEPHRING_API int cephring_sync_open(cephring_mount *m, cephring_inode *at, const char *path, int flags,
				    const struct cephring_cred *cred, cephring_file **out);
CEPHRING_API int cephring_sync_close(cephring_file *f);
CEPHRING_API int64_t cephring_sync_readdir(cephring_file *f, void *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
