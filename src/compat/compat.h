/* compat.h: the inside of the drop-in libcephfs.so.2: what its files share.
 *
 *   struct ceph_mount_info    one mount: configuration, state, two tables of open things, current directory
 *   struct UserPerm           one set of credentials
 *   struct Inode              is a cephring_inode; references are counted there
 *   struct Fh, ceph_dir_result   are slots of a table (slots.h): a stale pointer is recognised
 *
 * A call ENTERs the mount, which keeps it from going away, resolves its handles, and asks cephring. Locals
 * declared by these macros are given back at the end of their block by themselves.
 *
 * Any thread, any number at once; no lock anywhere. Signatures are checked against Debian's own header.
 */
#pragma once
#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "../api/inside.h"
#include "slots.h"

#pragma GCC visibility push(default)
#include <cephfs/libcephfs.h>
#include "ll_io_info.h"
#pragma GCC visibility pop

enum mount_state { STATE_NEW, STATE_READY, STATE_BUSY, STATE_MOUNTED, STATE_OVER, STATE_LEAVING };

enum { USER_LANES = 16, FD_FIRST = 10, CWD_TEXTS = 64 };

struct UserPerm {
	struct cephring_cred cred; /* groups: behind it, owned */
};

struct setting {
	char *name, *value; /* owned */
	struct setting *next;
};

struct ceph_mount_info {
	cephring_config *config;
	struct setting *settings; /* options as they were set, those too that mean nothing to cephring */
	bool file_read;
	atomic_int state;    /* enum mount_state */
	uint32_t generation; /* of the process (engines.c): a mount does not live on in a forked child */
	/* Calls that are inside, counted in lanes so that threads do not fight over one cache line. */
	struct {
		atomic_uint inside;
		char apart[60];
	} lane[USER_LANES];
	cephring_mount *m;
	cephring_engine *engine;
	struct slots fds, handles;
	struct UserPerm *perms;
	atomic_uint umask;
	bool masks; /* only where POSIX ACLs are on does libcephfs heed a umask; else modes are as given */
	cephring_inode *cwd; /* atomic; ref; NULL = the root */
	/* What ceph_getcwd() gave; cwd_at: how many came. */
	char *_Atomic cwd_text[CWD_TEXTS];
	atomic_uint cwd_at;
	void *rados; /* a rados_t of librados, ours: holds a CephContext; mostly NULL (rados.c) */
	struct ceph_client_callback_args callbacks; /* of this mount: forgotten with it */
	struct teller *_Atomic teller;              /* who calls them; NULL = nobody yet (callbacks.c) */
	_Atomic uint32_t deleg_timeout;             /* in seconds; 0 = there are no delegations */
	char *uuid;                                 /* owned; NULL = none */
	int session_timeout;                        /* as in struct cephring_mount_opts */
};

/* ---- log.c ---- */

/* CEPHRING_LOG names a file or "stderr"; CEPHRING_LOG_LEVEL is 0 (errors) to 3 (all), 1 by default. */
void compat_log(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void compat_log_line(void *arg, int level, const char *line);
int compat_log_level(void);

/* What a program asked for and cannot have: said once in the log, counted, shown in the view. */
struct gap {
	const char *what;
	atomic_ulong count;
	struct gap *next;
};
void gap_hit(struct gap *g);
#define GAP(words)                                                                                           \
	do {                                                                                                 \
		static struct gap gap_here = { .what = words };                                              \
		gap_hit(&gap_here);                                                                          \
	} while (0)
#define UNSUPPORTED(words)                                                                                   \
	({                                                                                                   \
		GAP(words);                                                                                  \
		-EOPNOTSUPP;                                                                                 \
	})
/* JSON text; malloc'd. What "cephring.view" reads. */
char *compat_view(struct ceph_mount_info *cm);

/* ---- engines.c ---- */

/* One of the process's engines, by turns. 0 or -errno. */
int engines_pick(cephring_engine **out);
/* +1 in each forked child. */
uint32_t engines_generation(void);

/* ---- mount.c: being inside ---- */

struct user {
	struct ceph_mount_info *cm;
	unsigned lane;
};
struct user user_enter(struct ceph_mount_info *cm); /* .cm NULL: not mounted */
void user_leave(struct user *u);

/* Keeps the mount until the end of the block, or returns `otherwise`. */
#define ENTER_ELSE(mount, otherwise)                                                                         \
	struct user user_here __attribute__((cleanup(user_leave))) = user_enter(mount);                      \
	if (!user_here.cm)                                                                                   \
	return otherwise
#define ENTER(mount) ENTER_ELSE(mount, -ENOTCONN)

/* ---- callbacks.c ---- */

/* From now on the mount's callbacks are called. 0 or -errno. */
int callbacks_begin(struct ceph_mount_info *cm);
/* The calling thread begins to wait for a lock, which `what` stands for; NULL: it does not wait any more. */
void callbacks_waits(struct ceph_mount_info *cm, void *what);
/* Is this a callback? */
bool callbacks_inside(const struct ceph_mount_info *cm);
/* None is under way any more, and none comes. Not inside one. `gone`: nor is there a mount that could ask. */
void callbacks_end(struct ceph_mount_info *cm, bool gone);

/* ---- deleg.c ---- */

/* On the thread that calls the program: `who` is a handle, perhaps closed since. */
void delegation_recalled(struct ceph_mount_info *cm, void *who, uint64_t id);
/* Before the handle is closed: its function is not called any more. */
void delegation_end(struct slot *s);

/* ---- rados.c ---- */

/* An option of the CephContext that the mount shares, as rados_conf_get(); -ENOENT also where it has none. */
int rados_part_get(struct ceph_mount_info *cm, const char *option, char *buf, size_t len);
void rados_part_end(struct ceph_mount_info *cm);

/* A mount of cephring's, or, with the uuid of a client that is dead, the end of what it left behind and no
 * mount. */
int mount_make(struct ceph_mount_info *cm, const char *root, const char *reclaim, cephring_mount **out);

/* ---- where.c: paths ---- */

struct where {
	cephring_inode *at; /* ref if `put` */
	const char *path;
	int err;
	bool put, empty;
	struct slot *slot; /* whose inode `at` is; ref */
	struct ceph_mount_info *cm;
};
struct where where_path(struct ceph_mount_info *cm, const char *path);
struct where where_at(struct ceph_mount_info *cm, int dirfd, const char *path);
void where_put(struct where *w);

#define PATH(name, from)                                                                                     \
	struct where name __attribute__((cleanup(where_put))) = from;                                        \
	if (name.err)                                                                                        \
	return name.err

/* The same of what is to be made, moved or removed: it needs a name. */
#define NAME(name, from)                                                                                     \
	PATH(name, from);                                                                                    \
	if (name.empty)                                                                                      \
	return -ENOENT

/* ---- open things ---- */

/* The slot of a descriptor or handle until the end of the block, or return -EBADF. */
#define SLOT_ELSE(name, from, otherwise)                                                                     \
	struct slot *name __attribute__((cleanup(slot_put_here))) = from;                                    \
	if (!name)                                                                                           \
	return otherwise
#define SLOT(name, from)     SLOT_ELSE(name, from, -EBADF)
#define FD(name, cm, fd)     SLOT(name, slot_by_index(&(cm)->fds, (int64_t)(fd)-FD_FIRST))
#define FH(name, cm, handle) SLOT(name, slot_by_pointer(&(cm)->handles, handle, SLOT_FILE))
#define DIRP(name, cm, dirp) SLOT(name, slot_by_pointer(&(cm)->handles, dirp, SLOT_DIR))

/* ---- perms.c ---- */

/* NULL perms: the mount's. With the mount's umask. */
struct cephring_cred cred_of(struct ceph_mount_info *cm, const struct UserPerm *perms);
static inline const struct cephring_cred *cred_given(const struct UserPerm *perms)
{
	return perms ? &perms->cred : NULL;
}

/* ---- attrs.c ---- */

uint32_t want_from_ceph(unsigned ceph_mask);
void statx_to_ceph(const struct cephring_statx *st, struct ceph_statx *out);
void statx_to_stat(const struct cephring_statx *st, struct stat *out);
int64_t time_ns(struct timespec t);
int flags_from_at(unsigned flags); /* AT_SYMLINK_NOFOLLOW, AT_STATX_*; negative: -EINVAL */
int set_from_ceph(const struct ceph_statx *stx, int mask, struct cephring_setattr *out);
/* Of an inode, with what `want` asks; stx may be NULL. */
int inode_statx(struct ceph_mount_info *cm, cephring_inode *i, unsigned want, unsigned flags,
		const struct UserPerm *perms, struct ceph_statx *stx);

/* ---- xattrs.c ---- */

int64_t xattr_get(struct ceph_mount_info *cm, cephring_inode *at, const char *path, const char *name,
		  int flags, const struct UserPerm *perms, void *value, size_t size);

/* ---- fds.c ---- */

/* What cephring_open() takes of flags. O_APPEND is not passed on: an offset that a program gives is heeded,
 * and only writing at the position appends. */
int open_flags(int flags);
/* Keeps an open file as a descriptor (fds) or handle; closes it and gives -errno if it cannot. */
int64_t file_keep(struct slots *t, enum slot_kind kind, cephring_file *f, int flags, struct slot **out);

/* ---- data.c ---- */

int64_t file_readv(struct slot *s, const struct iovec *iov, int count, int64_t offset);
int64_t file_writev(struct ceph_mount_info *cm, struct slot *s, const struct iovec *iov, int count,
		    int64_t offset);
int64_t file_seek(struct ceph_mount_info *cm, struct slot *s, int64_t offset, int whence);
int file_fallocate(struct slot *s, int mode, int64_t offset, int64_t length);

/* ---- layout.c ---- */

void layout_to_ceph(const struct cephring_layout *l, struct ceph_file_layout *out);
