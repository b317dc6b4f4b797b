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
	uint64_t opaque[80];
};

/* Sets a deadline for the NEXT submission of `op`: absolute CLOCK_MONOTONIC ns, 0 = none. When it passes, the
 * operation ends with -ETIMEDOUT. */
CEPHRING_API void cephring_op_deadline(struct cephring_op *op, uint64_t deadline_ns);
/* Asks for an early end: the callback comes with -ECANCELED, or with the result if that was first. Any
 * thread. 0; -EALREADY: not in flight; -EAGAIN, -ENOMEM: could not be asked for, try again. */
CEPHRING_API int cephring_op_cancel(cephring_mount *m, struct cephring_op *op);
/* In the callback of an operation that ended with an error: 1, what it was to change may have been, or may
 * still be, changed (it was sent and not answered: cancelled, deadline, eviction, unmount); 0: it was not. */
CEPHRING_API int cephring_op_uncertain(const struct cephring_op *op);

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
	uint32_t umask;         /* permission bits that new names do not get, unless a default ACL rules */
};

enum cephring_log_level { CEPHRING_LOG_ERROR, CEPHRING_LOG_WARN, CEPHRING_LOG_INFO, CEPHRING_LOG_DEBUG };

struct cephring_mount_opts {
	size_t size;
	const char
	    *fs; /* file system name; NULL = client_fs of the configuration, or the cluster's default */
	const char *root;                 /* directory to mount, NULL = "/" */
	const struct cephring_cred *cred; /* for calls that pass none; NULL = the process's effective ids,
					  groups and umask. Copied */
	int no_permissions;               /* 1: do not check modes here (a gateway that checks by itself) */
	void (*log)(void *arg, int level, const char *line); /* engine's thread; NULL = silent */
	void *log_arg;
	int log_level; /* enum cephring_log_level: lines above it are not made */
	int posix_acl; /* 1: enforce and inherit POSIX ACLs (system.posix_acl_*); 0: they are stored only */
	int async_dirops; /* 1: create and unlink locally where the MDS allows it, as the kernel's `nowsync`:
			     failures show in the fsync of the directory and in the log. See the manual */
	/* A name, unique in the cluster, that a server keeps over its restarts; NULL = none. Two clients at a
	 * time cannot have it: -EACCES. Copied. */
	const char *uuid;
	int session_timeout; /* seconds of silence after which an MDS evicts this client; 0 = as the file
				system has it, -1 = only after its session_autoclose */
	int reclaim; /* 1: nothing is mounted. The session that a client with this uuid left behind when it
			was killed is ended, and what it held is free; cephring_unmount() follows. -ENOENT:
			there is none */
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

/* ---- from the cache, on any thread ----
 * What is cached and valid is answered at once, on the calling thread: no lock, no message, no system call,
 * while the engine goes on changing the cache. 0 or more, the error that the call would give (-ENOENT,
 * -EACCES, ...), or -EAGAIN: it takes the engine, submit the call. The mount must be mounted, and not being
 * unmounted. The blocking helpers try these first. */
struct cephring_statx;
CEPHRING_API int cephring_statx_cached(cephring_mount *m, cephring_inode *at, const char *path, uint32_t want,
				       int flags, const struct cephring_cred *cred,
				       struct cephring_statx *out);
CEPHRING_API int cephring_lookup_cached(cephring_mount *m, cephring_inode *at, const char *path, int flags,
					const struct cephring_cred *cred, cephring_inode **out);
CEPHRING_API int cephring_access_cached(cephring_mount *m, cephring_inode *at, const char *path, int mode,
					int flags, const struct cephring_cred *cred);
CEPHRING_API int64_t cephring_readlink_cached(cephring_mount *m, cephring_inode *at, const char *path,
					      const struct cephring_cred *cred, char *buf, size_t size);
CEPHRING_API int64_t cephring_getxattr_cached(cephring_mount *m, cephring_inode *at, const char *path,
					      const char *name, int flags, const struct cephring_cred *cred,
					      void *buf, size_t size);

/* res 0. Only wanted fields cost a round trip; more may come. */
CEPHRING_API int cephring_statx(cephring_mount *m, cephring_inode *at, const char *path, uint32_t want,
				int flags, const struct cephring_cred *cred, struct cephring_statx *out,
				struct cephring_op *op, cephring_cb cb, void *user);
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

/* ---- changing names ----
 * res 0 when the MDS has carried it out and everybody sees it. That it also survives the loss of the MDS is
 * certain after cephring_fsync() of the directory, or cephring_syncfs(). Paths and flags as above; the last
 * name of `path` must not be `.` or `..` (-EINVAL, -ENOTEMPTY or -EBUSY as POSIX says). In a snapshot:
 * -EROFS. A quota is exceeded: -EDQUOT.
 *
 * Snapshots are names below `.snap` of a directory: mkdir makes one, unlink with CEPHRING_REMOVEDIR removes
 * it, rename (within one `.snap`) renames it, readdir of `.snap` lists them. */
enum {
	CEPHRING_PARENTS = 8,    /* mkdir: missing directories on the way too, and one that exists is fine */
	CEPHRING_REMOVEDIR = 16, /* unlink: a directory (rmdir) */
};

CEPHRING_API int cephring_mkdir(cephring_mount *m, cephring_inode *at, const char *path, uint32_t mode,
				int flags, const struct cephring_cred *cred, struct cephring_op *op,
				cephring_cb cb, void *user);
/* mode with S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR or S_IFBLK; rdev as makedev() of the C library makes it. */
CEPHRING_API int cephring_mknod(cephring_mount *m, cephring_inode *at, const char *path, uint32_t mode,
				uint64_t rdev, const struct cephring_cred *cred, struct cephring_op *op,
				cephring_cb cb, void *user);
CEPHRING_API int cephring_symlink(cephring_mount *m, const char *target, cephring_inode *at, const char *path,
				  const struct cephring_cred *cred, struct cephring_op *op, cephring_cb cb,
				  void *user);
/* A new name `to` for what `from` leads to; a final symlink is followed unless CEPHRING_NOFOLLOW. */
CEPHRING_API int cephring_link(cephring_mount *m, cephring_inode *from_at, const char *from,
			       cephring_inode *to_at, const char *to, int flags,
			       const struct cephring_cred *cred, struct cephring_op *op, cephring_cb cb,
			       void *user);
CEPHRING_API int cephring_unlink(cephring_mount *m, cephring_inode *at, const char *path, int flags,
				 const struct cephring_cred *cred, struct cephring_op *op, cephring_cb cb,
				 void *user);
/* flags: 0 (CephFS has no rename that spares an existing name). */
CEPHRING_API int cephring_rename(cephring_mount *m, cephring_inode *from_at, const char *from,
				 cephring_inode *to_at, const char *to, int flags,
				 const struct cephring_cred *cred, struct cephring_op *op, cephring_cb cb,
				 void *user);

/* ---- changing attributes ---- */

enum {
	CEPHRING_SET_MODE = 0x1,
	CEPHRING_SET_UID = 0x2,
	CEPHRING_SET_GID = 0x4,
	CEPHRING_SET_SIZE = 0x8,
	CEPHRING_SET_ATIME = 0x10,
	CEPHRING_SET_MTIME = 0x20,
	CEPHRING_SET_ATIME_NOW = 0x40,
	CEPHRING_SET_MTIME_NOW = 0x80,
	CEPHRING_SET_BTIME = 0x100,
};
struct cephring_setattr {
	size_t struct_size;
	uint32_t set; /* CEPHRING_SET_* */
	uint32_t mode, uid, gid;
	uint64_t size;
	int64_t atime_ns, mtime_ns, btime_ns;
	cephring_file *file; /* ftruncate(): a file open for writing needs no permission to be truncated; or
				NULL */
};
/* res 0. Under exclusive caps it is done here and told the MDS later (fsync tells it now). */
CEPHRING_API int cephring_setattr(cephring_mount *m, cephring_inode *at, const char *path,
				  const struct cephring_setattr *set, int flags,
				  const struct cephring_cred *cred, struct cephring_op *op, cephring_cb cb,
				  void *user);
/* how: 0, XATTR_CREATE or XATTR_REPLACE of <sys/xattr.h>. user.*, trusted.*, security.*,
 * system.posix_acl_access and _default, and ceph.quota.max_bytes, ceph.quota.max_files, ceph.dir.layout[.*],
 * ceph.file.layout[.*], ceph.dir.pin and what else the MDS takes. */
CEPHRING_API int cephring_setxattr(cephring_mount *m, cephring_inode *at, const char *path, const char *name,
				   const void *value, size_t size, int how, int flags,
				   const struct cephring_cred *cred, struct cephring_op *op, cephring_cb cb,
				   void *user);
CEPHRING_API int cephring_removexattr(cephring_mount *m, cephring_inode *at, const char *path,
				      const char *name, int flags, const struct cephring_cred *cred,
				      struct cephring_op *op, cephring_cb cb, void *user);

/* ---- snapshots ---- */

struct cephring_kv {
	const char *key, *value;
};
/* mkdir in `.snap` with metadata that travels with the snapshot. `name`: of the new snapshot. res: its snap
 * id. */
CEPHRING_API int cephring_mksnap(cephring_mount *m, cephring_inode *at, const char *path, const char *name,
				 uint32_t mode, const struct cephring_kv *metadata, uint32_t count,
				 const struct cephring_cred *cred, struct cephring_op *op, cephring_cb cb,
				 void *user);
struct cephring_snap_info {
	uint64_t snapid;
	uint32_t count;       /* of metadata pairs */
	char text[4096 - 16]; /* key NUL value NUL ...; what does not fit: -ERANGE */
};
/* path: DIR/.snap/NAME. */
CEPHRING_API int cephring_snap_info(cephring_mount *m, cephring_inode *at, const char *path,
				    const struct cephring_cred *cred, struct cephring_snap_info *out,
				    struct cephring_op *op, cephring_cb cb, void *user);

/* ---- by handle: what an NFS server exports ---- */

struct cephring_handle {
	uint64_t ino, snapid; /* snapid (uint64_t)-2: the live file */
	uint64_t parent;      /* of a snapshot's file: the directory it was seen in; else 0 */
	uint32_t hash;        /* likewise, of its name */
	uint32_t reserved;
};
CEPHRING_API void cephring_handle_of(const cephring_inode *i, struct cephring_handle *out);
/* From the cache or the MDS. -ESTALE: it does not exist any more. The parent: cephring_lookup(i, ".."). */
CEPHRING_API int cephring_lookup_handle(cephring_mount *m, const struct cephring_handle *h,
					const struct cephring_cred *cred, struct cephring_op *op,
					cephring_cb cb, void *user, cephring_inode **out);
/* A name of `i` in its parent: res = its length, without NUL; -ERANGE: buf too small. */
CEPHRING_API int cephring_name_of(cephring_mount *m, cephring_inode *i, const struct cephring_cred *cred,
				  char *buf, size_t size, struct cephring_op *op, cephring_cb cb, void *user);

/* ---- durability ---- */

/* res 0: everything of this mount that was done before is on stable storage. A failure of something that was
 * done here first and told the MDS later is reported once: -EIO or its own errno; the log names the file. */
CEPHRING_API int cephring_syncfs(cephring_mount *m, struct cephring_op *op, cephring_cb cb, void *user);

/* ---- open files and directories ---- */

/* What a new file is laid out like, NULL or 0 (pool -1): as its directory says. */
struct cephring_layout {
	uint32_t stripe_unit, stripe_count, object_size;
	int64_t pool;
};
/* flags of <fcntl.h>: O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY,
 * O_NOFOLLOW, O_PATH, O_SYNC, O_DSYNC, O_DIRECT; unknown ones: -EINVAL. `mode`, `layout`: of a file that is
 * created. res 0, or 1: it was created. */
CEPHRING_API int cephring_open(cephring_mount *m, cephring_inode *at, const char *path, int flags,
			       uint32_t mode, const struct cephring_layout *layout,
			       const struct cephring_cred *cred, struct cephring_op *op, cephring_cb cb,
			       void *user, cephring_file **out);
/* Always frees `f`, whatever the result. -EBUSY (not accepted): operations on it are in flight. */
CEPHRING_API int cephring_close(cephring_file *f, struct cephring_op *op, cephring_cb cb, void *user);
CEPHRING_API cephring_inode *cephring_file_inode(cephring_file *f); /* borrowed from f */
/* As cephring_syncfs(), of one file (its attributes unless datasync) or of a directory (its names). */
CEPHRING_API int cephring_fsync(cephring_file *f, int datasync, struct cephring_op *op, cephring_cb cb,
				void *user);

/* ---- file data ----
 * Offsets are the caller's to keep: a handle has no position. Operations on one handle that are in flight
 * together are carried out in no order, but each sees what was complete before it was submitted. The memory
 * is used in place: nothing of it may change, or be looked at, before the callback.
 * A write is complete when this client, and through its caps every other one, reads it back. It is on stable
 * storage after cephring_fsync(), or when it is complete on a handle with O_DSYNC or O_SYNC, or with
 * CEPHRING_IO_DSYNC. What was complete and is lost later (-EIO, -ENOSPC, -EDQUOT, ...) is reported once by
 * fsync and once by close of each handle, and in the log.
 * -EBADF: not open for that; -EISDIR; -EINVAL: beyond INT64_MAX; -EFBIG: beyond the file system's largest
 * file; -EDQUOT; -ENOSPC: the pool or the cluster is full; -EROFS: a snapshot; -EPERM: this client's key may
 * not use the file's pool; -ESHUTDOWN: evicted. */
struct iovec; /* <sys/uio.h> */
enum {
	CEPHRING_IO_DSYNC = 1,  /* a write: complete on stable storage */
	CEPHRING_IO_DIRECT = 2, /* neither from nor into the cache, as O_DIRECT: no alignment is asked */
	CEPHRING_IO_APPEND = 4, /* a write: at the end, as O_APPEND */
};
/* res = bytes read; fewer than asked only at the end of the file. Holes read as zeros. */
CEPHRING_API int cephring_read(cephring_file *f, void *buf, size_t size, uint64_t offset, int flags,
			       struct cephring_op *op, cephring_cb cb, void *user);
/* res = size: all is written. After an error some of it may be. */
CEPHRING_API int cephring_write(cephring_file *f, const void *buf, size_t size, uint64_t offset, int flags,
				struct cephring_op *op, cephring_cb cb, void *user);
/* The same with many buffers (at most IOV_MAX of <limits.h>: -EINVAL). The array too stays the caller's. */
CEPHRING_API int cephring_readv(cephring_file *f, const struct iovec *iov, unsigned count, uint64_t offset,
				int flags, struct cephring_op *op, cephring_cb cb, void *user);
CEPHRING_API int cephring_writev(cephring_file *f, const struct iovec *iov, unsigned count, uint64_t offset,
				 int flags, struct cephring_op *op, cephring_cb cb, void *user);
/* mode: of <fcntl.h>: FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE; FALLOC_FL_ZERO_RANGE, also with KEEP_SIZE;
 * or 0, which only makes the file longer: CephFS reserves nothing. Others: -EOPNOTSUPP. */
CEPHRING_API int cephring_fallocate(cephring_file *f, int mode, uint64_t offset, uint64_t length,
				    struct cephring_op *op, cephring_cb cb, void *user);
/* whence: SEEK_DATA or SEEK_HOLE. res = the offset; -ENXIO: there is none. Objects are asked what they have:
 * a hole that is found is one, data may be a hole of less than an object. */
CEPHRING_API int cephring_seek(cephring_file *f, uint64_t offset, int whence, struct cephring_op *op,
			       cephring_cb cb, void *user);
enum {
	/* Whole objects are copied by the OSDs: where both files have one object in a stripe and the same
	 * object size, and both offsets are as far from an object's beginning. Not the first object of `to`,
	 * and nothing behind where `from` was last cut. All else is copied through memory, as without it. */
	CEPHRING_COPY_OFFLOAD = 1,
};
/* copy_file_range(2) within the mount: res = bytes copied, fewer at the end of `from`. The same file:
 * -EINVAL if the ranges overlap. */
CEPHRING_API int cephring_copy(cephring_file *from, uint64_t from_offset, cephring_file *to,
			       uint64_t to_offset, uint64_t length, int flags, struct cephring_op *op,
			       cephring_cb cb, void *user);
/* advice: POSIX_FADV_* of <fcntl.h>. WILLNEED reads into the cache, DONTNEED writes back and drops, RANDOM
 * and SEQUENTIAL rule this handle's readahead. res 0. */
CEPHRING_API int cephring_advise(cephring_file *f, uint64_t offset, uint64_t length, int advice,
				 struct cephring_op *op, cephring_cb cb, void *user);
/* Small files in one operation: open, read from the start, and close; res = bytes (at most `size`), *st (may
 * be NULL) its attributes. And: create (or truncate), write and close; flags: O_EXCL, O_DSYNC; res = size. */
CEPHRING_API int cephring_read_path(cephring_mount *m, cephring_inode *at, const char *path, void *buf,
				    size_t size, struct cephring_statx *st, const struct cephring_cred *cred,
				    struct cephring_op *op, cephring_cb cb, void *user);
CEPHRING_API int cephring_write_path(cephring_mount *m, cephring_inode *at, const char *path, const void *buf,
				     size_t size, int flags, uint32_t mode, const struct cephring_cred *cred,
				     struct cephring_op *op, cephring_cb cb, void *user);

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
/* Positions are next_offset of an entry, 0 = the start: they stay good while names come and go, and over
 * other opens of the directory. No readdir in flight, else -EBUSY. */
CEPHRING_API int cephring_seekdir(cephring_file *f, uint64_t offset);
CEPHRING_API uint64_t cephring_telldir(cephring_file *f);
CEPHRING_API void cephring_rewinddir(cephring_file *f);

/* ---- locks: advisory, among all clients of the file system ---- */

struct cephring_lock {
	int16_t type;           /* F_RDLCK, F_WRLCK, F_UNLCK */
	int32_t pid;            /* told to whoever asks for the holder */
	uint64_t start, length; /* length 0: to the end */
	uint64_t owner;         /* who within this mount: locks of one owner do not conflict */
};
/* fcntl(F_SETLK), with `wait` F_SETLKW: -EAGAIN conflict, -EDEADLK; after cancel (-ECANCELED) or the deadline
 * the lock is not held. An owner's locks on a file go with F_UNLCK or when the last open file of that inode
 * is closed; a program that wants them gone with the first close (POSIX) unlocks there. */
CEPHRING_API int cephring_setlk(cephring_file *f, const struct cephring_lock *lock, int wait,
				struct cephring_op *op, cephring_cb cb, void *user);
/* Would it be granted? lock->type F_UNLCK: yes; else the holder that stands in the way. */
CEPHRING_API int cephring_getlk(cephring_file *f, struct cephring_lock *lock, struct cephring_op *op,
				cephring_cb cb, void *user);
/* how: LOCK_SH, LOCK_EX or LOCK_UN, with LOCK_NB, of <sys/file.h>. */
CEPHRING_API int cephring_flock(cephring_file *f, int how, uint64_t owner, struct cephring_op *op,
				cephring_cb cb, void *user);

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
	    walk_inferred;        /* inferred: names learned without asking for them */
	uint64_t unsafe, replays; /* replies before the journal had it; requests sent again to a new daemon */
	uint64_t local_sets;      /* attributes changed here, under exclusive caps */
	uint64_t flushes, flush_acks; /* of these, to the MDS */
	uint64_t cap_snaps,
	    cap_waits; /* states kept for snapshots; reads and writes that had to wait for caps */
	uint64_t async_ops, async_failed; /* done before the MDS was asked; refused by it afterwards */
	uint64_t reads, writes, read_bytes, written_bytes; /* of file data, as the callers asked */
	uint64_t osd_ops, osd_resends, osd_read_bytes, osd_written_bytes; /* as the OSDs were asked */
	uint64_t copied_secure, copied_small, copied_cache; /* bytes of data copied in user space, by reason:
			 decrypted or encrypted; too small to be worth a receive of its own; the cache */
	uint64_t data_cache_bytes, data_dirty_bytes, data_hits, data_misses, readahead_bytes,
	    readahead_wasted; /* bytes, but hits and misses: reads */
	uint64_t lists_ahead; /* directories listed because many of their files were opened one by one */
};
CEPHRING_API int cephring_stats(cephring_mount *m, struct cephring_stats *out);
/* Debug views as JSON text (monitors, sessions, maps, negotiated modes, requests in flight, caps ...): what =
 * "status", "sessions", "requests", "caps", "data". Engine's thread. The text is the caller's, freed with
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
CEPHRING_API int cephring_sync_mkdir(cephring_mount *m, cephring_inode *at, const char *path, uint32_t mode,
				     int flags, const struct cephring_cred *cred);
CEPHRING_API int cephring_sync_mknod(cephring_mount *m, cephring_inode *at, const char *path, uint32_t mode,
				     uint64_t rdev, const struct cephring_cred *cred);
CEPHRING_API int cephring_sync_symlink(cephring_mount *m, const char *target, cephring_inode *at,
				       const char *path, const struct cephring_cred *cred);
CEPHRING_API int cephring_sync_link(cephring_mount *m, cephring_inode *from_at, const char *from,
				    cephring_inode *to_at, const char *to, int flags,
				    const struct cephring_cred *cred);
CEPHRING_API int cephring_sync_unlink(cephring_mount *m, cephring_inode *at, const char *path, int flags,
				      const struct cephring_cred *cred);
CEPHRING_API int cephring_sync_rename(cephring_mount *m, cephring_inode *from_at, const char *from,
				      cephring_inode *to_at, const char *to, int flags,
				      const struct cephring_cred *cred);
CEPHRING_API int cephring_sync_setattr(cephring_mount *m, cephring_inode *at, const char *path,
				       const struct cephring_setattr *set, int flags,
				       const struct cephring_cred *cred);
CEPHRING_API int cephring_sync_setxattr(cephring_mount *m, cephring_inode *at, const char *path,
					const char *name, const void *value, size_t size, int how, int flags,
					const struct cephring_cred *cred);
CEPHRING_API int cephring_sync_removexattr(cephring_mount *m, cephring_inode *at, const char *path,
					   const char *name, int flags, const struct cephring_cred *cred);
CEPHRING_API int64_t cephring_sync_mksnap(cephring_mount *m, cephring_inode *at, const char *path,
					  const char *name, uint32_t mode, const struct cephring_kv *metadata,
					  uint32_t count, const struct cephring_cred *cred);
CEPHRING_API int cephring_sync_snap_info(cephring_mount *m, cephring_inode *at, const char *path,
					 const struct cephring_cred *cred, struct cephring_snap_info *out);
CEPHRING_API int cephring_sync_lookup_handle(cephring_mount *m, const struct cephring_handle *h,
					     const struct cephring_cred *cred, cephring_inode **out);
CEPHRING_API int64_t cephring_sync_name_of(cephring_mount *m, cephring_inode *i,
					   const struct cephring_cred *cred, char *buf, size_t size);
CEPHRING_API int cephring_sync_syncfs(cephring_mount *m);
CEPHRING_API int cephring_sync_fsync(cephring_file *f, int datasync);
CEPHRING_API int cephring_sync_setlk(cephring_file *f, const struct cephring_lock *lock, int wait);
CEPHRING_API int cephring_sync_getlk(cephring_file *f, struct cephring_lock *lock);
CEPHRING_API int cephring_sync_flock(cephring_file *f, int how, uint64_t owner);
CEPHRING_API int cephring_sync_open(cephring_mount *m, cephring_inode *at, const char *path, int flags,
				    uint32_t mode, const struct cephring_layout *layout,
				    const struct cephring_cred *cred, cephring_file **out);
CEPHRING_API int cephring_sync_close(cephring_file *f);
CEPHRING_API int64_t cephring_sync_read(cephring_file *f, void *buf, size_t size, uint64_t offset, int flags);
CEPHRING_API int64_t cephring_sync_write(cephring_file *f, const void *buf, size_t size, uint64_t offset,
					 int flags);
CEPHRING_API int64_t cephring_sync_readv(cephring_file *f, const struct iovec *iov, unsigned count,
					 uint64_t offset, int flags);
CEPHRING_API int64_t cephring_sync_writev(cephring_file *f, const struct iovec *iov, unsigned count,
					  uint64_t offset, int flags);
CEPHRING_API int cephring_sync_fallocate(cephring_file *f, int mode, uint64_t offset, uint64_t length);
CEPHRING_API int64_t cephring_sync_seek(cephring_file *f, uint64_t offset, int whence);
CEPHRING_API int64_t cephring_sync_copy(cephring_file *from, uint64_t from_offset, cephring_file *to,
					uint64_t to_offset, uint64_t length, int flags);
CEPHRING_API int cephring_sync_advise(cephring_file *f, uint64_t offset, uint64_t length, int advice);
CEPHRING_API int64_t cephring_sync_read_path(cephring_mount *m, cephring_inode *at, const char *path,
					     void *buf, size_t size, struct cephring_statx *st,
					     const struct cephring_cred *cred);
CEPHRING_API int64_t cephring_sync_write_path(cephring_mount *m, cephring_inode *at, const char *path,
					      const void *buf, size_t size, int flags, uint32_t mode,
					      const struct cephring_cred *cred);
CEPHRING_API int64_t cephring_sync_readdir(cephring_file *f, void *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
