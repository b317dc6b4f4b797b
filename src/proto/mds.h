/* mds.h: the messages between a client and an MDS, as structs. Pure; what is decoded borrows from the
 * message.
 *
 * Layouts: doc/protocol.md 4 to 8; ceph src/messages/MClient*.h, src/include/ceph_fs.h. Written for Pacific
 * (16) to Tentacle (20): sections are skipped by length, tails gated by the header version.
 *
 * Decoders return 0 or -EBADMSG (the cursor has the words); after an error only what is said to be valid then
 * may be looked at. Replies, caps up to version 12 and xattr maps must end exactly; behind other messages a
 * newer sender's tail is left alone. Names are as the peer sent them: length and characters are the user's to
 * judge.
 */
#pragma once
#include "dec.h"
#include "enc.h"

enum mds_msg_type {
	MSG_CLIENT_SESSION = 22,
	MSG_CLIENT_RECONNECT = 23,
	MSG_CLIENT_REQUEST = 24,
	MSG_CLIENT_FORWARD = 25,
	MSG_CLIENT_REPLY = 26,
	MSG_CLIENT_RECLAIM = 27,
	MSG_CLIENT_RECLAIM_REPLY = 28,
	MSG_COMMAND = 97,
	MSG_COMMAND_REPLY = 98,
	MSG_CLIENT_CAPS = 0x310,
	MSG_CLIENT_LEASE = 0x311,
	MSG_CLIENT_SNAP = 0x312,
	MSG_CLIENT_CAPRELEASE = 0x313,
	MSG_CLIENT_QUOTA = 0x314,
};

#define SNAP_HEAD ((uint64_t)-2)
#define SNAP_DIR  ((uint64_t)-1) /* the virtual .snap of a directory */
enum { INO_ROOT = 1, INO_GLOBAL_REALM = 3, INO_USER_MIN = 0x1000 /* below: the MDS's own */ };

/* Capability bits (ceph src/include/ceph_fs.h CEPH_CAP_*). */
enum {
	CAP_PIN = 1,
	CAP_AS = 0x4,
	CAP_AX = 0x8,
	CAP_LS = 0x10,
	CAP_LX = 0x20,
	CAP_XS = 0x40,
	CAP_XX = 0x80,
	CAP_FS = 0x100,
	CAP_FX = 0x200,
	CAP_FC = 0x400,
	CAP_FR = 0x800,
	CAP_FW = 0x1000,
	CAP_FB = 0x2000,
	CAP_FA = 0x4000,
	CAP_FL = 0x8000,
	CAP_RSTAT = CAP_FA, /* in a GETATTR mask only: fresh recursive statistics */
	CAP_ANY_SHARED = CAP_AS | CAP_LS | CAP_XS | CAP_FS,
	CAP_STAT_ALL = CAP_PIN | CAP_ANY_SHARED,
	CAP_ANY_EXCL = CAP_AX | CAP_LX | CAP_XX | CAP_FX,
	CAP_ANY_FILE_RD = CAP_FR | CAP_FC | CAP_FS,
	CAP_ANY_FILE_WR = CAP_FW | CAP_FB | CAP_FX,
	CAP_ANY_RD = CAP_ANY_SHARED | CAP_FR | CAP_FC,
	CAP_ANY_WR = CAP_ANY_EXCL | CAP_FW | CAP_FB,
	CAP_ANY = CAP_PIN | CAP_ANY_RD | CAP_ANY_WR | CAP_FL,
	CAP_DIR_CREATE = CAP_FC, /* on a directory: names may be made, or removed, without asking first */
	CAP_DIR_UNLINK = CAP_FR,
	CAP_ANY_DIR_OPS = CAP_FC | CAP_FR | CAP_FA | CAP_FL,
};
enum { CAP_TEXT_MAX = 32 };
/* "pAsLsXsFscr", "-" for none; into CAP_TEXT_MAX bytes; returns `buf`. */
const char *cap_text(uint32_t caps, char *buf);

enum mds_op {
	MDS_OP_LOOKUP = 0x100,
	MDS_OP_GETATTR = 0x101,
	MDS_OP_LOOKUPHASH = 0x102,
	MDS_OP_LOOKUPPARENT = 0x103,
	MDS_OP_LOOKUPINO = 0x104,
	MDS_OP_LOOKUPNAME = 0x105,
	MDS_OP_GETVXATTR = 0x106,
	MDS_OP_GETFILELOCK = 0x110,
	MDS_OP_OPEN = 0x302,
	MDS_OP_READDIR = 0x305,
	MDS_OP_LOOKUPSNAP = 0x400,
	MDS_OP_LSSNAP = 0x402,
	MDS_OP_WRITE = 0x1000, /* this bit: changes something, is answered unsafe and safe */
	MDS_OP_SETXATTR = 0x1105,
	MDS_OP_RMXATTR = 0x1106,
	MDS_OP_SETLAYOUT = 0x1107,
	MDS_OP_SETATTR = 0x1108,
	MDS_OP_SETFILELOCK = 0x1109,
	MDS_OP_SETDIRLAYOUT = 0x110a,
	MDS_OP_MKNOD = 0x1201,
	MDS_OP_LINK = 0x1202,
	MDS_OP_UNLINK = 0x1203,
	MDS_OP_RENAME = 0x1204,
	MDS_OP_MKDIR = 0x1220,
	MDS_OP_RMDIR = 0x1221,
	MDS_OP_SYMLINK = 0x1222,
	MDS_OP_CREATE = 0x1301,
	MDS_OP_MKSNAP = 0x1400,
	MDS_OP_RMSNAP = 0x1401,
	MDS_OP_RENAMESNAP = 0x1403,
	MDS_OP_READDIR_SNAPDIFF = 0x1404,
};
const char *mds_op_name(uint32_t op); /* "lookup"; "op" for unknown ones; static */

/* --- client_session --- */
enum session_op {
	SESSION_REQUEST_OPEN,
	SESSION_OPEN,
	SESSION_REQUEST_CLOSE,
	SESSION_CLOSE,
	SESSION_REQUEST_RENEWCAPS,
	SESSION_RENEWCAPS,
	SESSION_STALE,
	SESSION_RECALL_STATE,
	SESSION_FLUSHMSG,
	SESSION_FLUSHMSG_ACK,
	SESSION_FORCE_RO,
	SESSION_REJECT,
	SESSION_REQUEST_FLUSH_MDLOG,
};
struct session_kv {
	const char *key, *value;
};
struct session_msg {
	uint32_t op, max_caps, max_leases, flags; /* flags 1 = blocklisted */
	uint64_t seq;
	uint64_t features[2];      /* the MDS's bitmap, 128 bits kept */
	struct slice error_string; /* REJECT: why; len 0 = none */
	struct slice cap_auths;    /* v6: a list for cap_auths_begin(); len 0 = not sent */
};
/* One grant of the key's MDS capabilities (MDSCapAuth): what the client must enforce itself when it announces
 * feature 21. */
struct cap_auth_rule {
	int64_t uid;                /* -1 any */
	struct slice gids;          /* 4 bytes each; len 0 any */
	struct slice path, fs_name; /* without a leading slash; len 0 any */
	bool root_squash, readable, writeable;
};
struct cap_auth_iter {
	struct dec d;
	uint32_t left;
};
int cap_auths_begin(struct cap_auth_iter *it, struct slice cap_auths);
int cap_auths_next(struct cap_auth_iter *it, struct cap_auth_rule *r); /* 1 = got one, 0 = end, -EBADMSG */
int session_decode(struct dec *d, uint16_t version, struct session_msg *s);
/* Any op without metadata: header version 1. */
void session_encode(struct enc *e, uint32_t op, uint64_t seq);
/* REQUEST_OPEN: header version 5. */
void session_encode_open(struct enc *e, const struct session_kv *kv, unsigned count, uint64_t features);
enum { SESSION_OPEN_VERSION = 5, SESSION_RENEW_VERSION = 7 };
/* REQUEST_RENEWCAPS with the oldest client tid (newer MDSs evict clients whose tids stand still; older ones
 * stop reading before it): header version 7. */
void session_encode_renew(struct enc *e, uint64_t seq, uint64_t features, uint64_t oldest_tid);

/* --- reclaim: header version 1 --- */
enum { RECLAIM_RESET = 1 };
struct reclaim_reply {
	int32_t result;
	uint32_t epoch;      /* of the OSD map that shuts the old client out; 0 = none */
	uint32_t addr_count; /* of the old client; 0 = no such uuid */
};
void reclaim_encode(struct enc *e, const char *uuid, uint32_t flags);
int reclaim_reply_decode(struct dec *d, struct reclaim_reply *r);

/* --- commands: header version 1 --- */
struct command_reply {
	int32_t result;
	struct slice said; /* words about it */
};
void command_encode(struct enc *e, const uint8_t fsid[16], const char *const *words, uint32_t count);
int command_reply_decode(struct dec *d, struct command_reply *r);

/* --- client_request --- */
struct mds_release {
	uint64_t ino, cap_id;
	uint32_t caps, wanted, seq, issue_seq, mseq, dname_seq;
	const char *dname;
	uint32_t dname_len;
};
enum { MDS_ARGS_SIZE = 56, MDS_FLAG_REPLAY = 1, MDS_FLAG_WANT_DENTRY = 2, MDS_FLAG_ASYNC = 4 };
struct mds_request {
	uint64_t oldest_tid;
	uint32_t mdsmap_epoch, flags, num_retry, num_fwd, op, uid, gid;
	uint64_t ino; /* preallocated ino, else 0 */
	uint8_t args[MDS_ARGS_SIZE];
	uint64_t ino1, ino2;
	const char *path1, *path2; /* borrowed, not NUL-terminated */
	uint32_t path1_len, path2_len;
	const struct mds_release *releases;
	uint32_t release_count;
	uint64_t stamp_ns; /* wall clock */
	const uint32_t *gids;
	uint32_t gid_count; /* the data segment (xattr value, initial xattrs) is the caller's to attach */
	uint32_t owner_uid, owner_gid; /* head v3; -1 where not meant */
};
/* Which head the session's features call for: 1, 2 or 3. */
unsigned request_head_version(uint64_t session_features);
/* The front; *hdr_version = the message header version to send it with. */
void request_encode(struct enc *e, const struct mds_request *q, unsigned head_version, uint16_t *hdr_version);
void args_getattr(uint8_t args[MDS_ARGS_SIZE], uint32_t mask); /* GETATTR, LOOKUP, LOOKUPSNAP */
/* OPEN, CREATE. `layout` NULL: the directory's; its pool -1: the directory's. */
struct args_layout {
	uint32_t stripe_unit, stripe_count, object_size;
	int64_t pool;
};
void args_open(uint8_t args[MDS_ARGS_SIZE], uint32_t wire_flags, uint32_t mode, uint32_t mask,
	       const struct args_layout *layout, uint64_t old_size);
enum setattr_mask {
	SETATTR_MODE = 1,
	SETATTR_UID = 2,
	SETATTR_GID = 4,
	SETATTR_MTIME = 8,
	SETATTR_ATIME = 0x10,
	SETATTR_SIZE = 0x20,
	SETATTR_CTIME = 0x40,
	SETATTR_MTIME_NOW = 0x80,
	SETATTR_ATIME_NOW = 0x100,
	SETATTR_BTIME = 0x200,
	SETATTR_KILL_SGUID = 0x400,
};
struct args_setattr {
	uint32_t mask, mode, uid, gid;
	uint64_t mtime_ns, atime_ns, btime_ns, size, old_size;
};
void args_setattr(uint8_t args[MDS_ARGS_SIZE], const struct args_setattr *a);
void args_mknod(uint8_t args[MDS_ARGS_SIZE], uint32_t mode, uint32_t rdev); /* mode with S_IFMT */
void args_mkdir(uint8_t args[MDS_ARGS_SIZE], uint32_t mode);                /* MKDIR, MKSNAP */
enum { SETXATTR_CREATE = 1, SETXATTR_REPLACE = 2 };
void args_setxattr(uint8_t args[MDS_ARGS_SIZE], uint32_t flags, uint32_t osdmap_epoch);
enum filelock_rule { FILELOCK_FCNTL = 1, FILELOCK_FLOCK, FILELOCK_FCNTL_INTR, FILELOCK_FLOCK_INTR };
enum filelock_type { FILELOCK_SHARED = 1, FILELOCK_EXCL = 2, FILELOCK_UNLOCK = 4 };
enum { FILELOCK_BYTES = 41 };
#define FILELOCK_OWNER_ALONE (1ull << 63) /* in `owner`: it identifies the holder without the pid */
struct filelock {
	uint64_t start, length; /* length 0 = to the end */
	uint64_t client, owner, pid;
	uint8_t type;
};
void args_filelock(uint8_t args[MDS_ARGS_SIZE], uint8_t rule, const struct filelock *l, bool wait);
/* LOOKUPINO of a snapped inode: where to look; all 0 for a live one. */
void args_lookupino(uint8_t args[MDS_ARGS_SIZE], uint32_t mask, uint64_t snapid, uint64_t parent,
		    uint32_t hash);
void args_snapdiff(uint8_t args[MDS_ARGS_SIZE], uint32_t frag, uint32_t max_entries, uint32_t max_bytes,
		   uint32_t offset_hash, uint64_t snap_other);
/* Data segments: initial xattrs (map<str,blob>: SYMLINK, MKDIR, MKNOD, CREATE) go as they are; MKSNAP's
 * metadata is wrapped. */
struct kv_slice {
	struct slice key, value;
};
void mksnap_encode(struct enc *e, const struct kv_slice *kv, uint32_t count);
void args_readdir(uint8_t args[MDS_ARGS_SIZE], uint32_t frag, uint32_t max_entries, uint32_t max_bytes,
		  uint32_t offset_hash);
uint32_t open_flags_to_wire(int host_flags);

/* --- replies --- */
enum { DIRFRAG_SPLITS_MAX = 4096, DIST_MAX = 256 };
struct layout {
	uint32_t stripe_unit, stripe_count, object_size, pool;
};
struct inode_stat {
	uint64_t ino, snapid, version, xattr_version;
	uint32_t rdev;
	struct {
		uint32_t caps, wanted, seq, mseq;
		uint64_t cap_id, realm;
		uint8_t flags; /* 1 = from the authority */
	} cap;
	struct layout layout;
	uint64_t ctime_ns, mtime_ns, atime_ns, rctime_ns, btime_ns, snap_btime_ns;
	uint32_t time_warp_seq, truncate_seq;
	uint64_t size, max_size, truncate_size;
	uint32_t mode, uid, gid, nlink;
	uint64_t files, subdirs, rbytes, rfiles, rsubdirs, rsnaps;
	struct slice fragtree; /* n x {u32 frag, s32 by}: 8 bytes each */
	struct slice symlink;
	uint8_t dir_hash;
	struct slice xattrs; /* map<str,blob>; len 0 = not sent */
	uint64_t inline_version;
	struct slice inline_data;
	uint64_t quota_max_bytes, quota_max_files;
	struct slice pool_ns;
	uint64_t change_attr;
	int32_t dir_pin;            /* -1 none */
	struct slice snap_metadata; /* map<str,str> of a snapshot; len 0 = not sent */
};
struct dir_stat {
	uint32_t frag;
	int32_t auth; /* -1 the parent's, -2 unknown */
	uint32_t dist_count;
	int32_t dist[DIST_MAX];
};
struct lease_stat {
	uint16_t mask;
	uint32_t duration_ms, seq;
};
void inode_stat_decode(struct dec *d, struct inode_stat *i);
void dir_stat_decode(struct dec *d, struct dir_stat *s);
void lease_stat_decode(struct dec *d, struct lease_stat *l);

struct reply {
	uint32_t op;
	int32_t result;
	uint32_t mdsmap_epoch;
	bool safe, is_dentry, is_target;
	struct inode_stat dir, target; /* valid by is_dentry, is_target */
	struct dir_stat dirstat;
	struct slice dname;
	struct lease_stat lease;
	struct slice extra, snaptrace;
};
int reply_decode(struct dec *d, struct reply *r);

enum { READDIR_END = 1, READDIR_COMPLETE = 0x100, READDIR_HASH_ORDER = 0x200, READDIR_OFFSET_HASH = 0x400 };
/* The extra of READDIR and LSSNAP: head, then readdir_next() `count` times (it is dec'd lazily from `d`). */
struct readdir_head {
	struct dir_stat dir;
	uint32_t count;
	uint16_t flags;
};
int readdir_head_decode(struct dec *d, struct readdir_head *h);
struct readdir_entry {
	struct slice name;
	struct lease_stat lease;
	struct inode_stat inode;
};
int readdir_next(struct dec *d, struct readdir_entry *e);
/* extra of GETVXATTR */
int vxattr_decode(struct dec *d, struct slice *value);
/* extra of CREATE. Empty: the file existed. Told apart by its length: some daemons send the bare number
 * although DELEG_INO was agreed upon. */
enum { DELEGATED_MAX = 4096 };
struct create_extra {
	bool created;
	uint64_t ino;
	struct slice ranges; /* delegated: {u64 start, u64 len}, 16 bytes each */
};
int create_extra_decode(struct dec *d, struct create_extra *x);
/* extra of GETFILELOCK, and in a reconnect. */
int filelock_decode(struct dec *d, struct filelock *l);
void filelock_encode(struct enc *e, const struct filelock *l);
/* What a snapshot was made with: inode_stat.snap_metadata (map<str,str>). 1 = got one, 0 = end, -EBADMSG. */
struct kv_iter {
	struct dec d;
	uint32_t left;
};
int kv_begin(struct kv_iter *it, struct slice map);
int kv_next(struct kv_iter *it, struct kv_slice *kv);

/* --- snap realms (SnapRealmInfo): in replies, CLIENT_SNAP and IMPORTs, innermost first --- */
enum { REALM_SNAPS_MAX = 4096 };
struct realm_info {
	uint64_t ino, created, parent, parent_since, seq; /* parent 0: none */
	struct slice snaps, prior_parent_snaps;           /* u64 each, descending */
	uint64_t last_modified_ns, change_attr;           /* 0 in the bare form */
};
/* One realm off the front of a trace. `wrapped`: session feature 19 was agreed upon. 1 = got one, 0 = end,
 * -EBADMSG. */
int realm_next(struct dec *d, bool wrapped, struct realm_info *r);
/* Iterates a map<str,blob> of xattrs: 1 = got one, 0 = end, -EBADMSG. Initialise with xattrs_begin. */
struct xattr_iter {
	struct dec d;
	uint32_t left;
};
int xattrs_begin(struct xattr_iter *it, struct slice xattrs);
int xattrs_next(struct xattr_iter *it, struct slice *name, struct slice *value);

struct forward_msg {
	int32_t dest;
	uint32_t num_fwd;
	bool resend;
};
int forward_decode(struct dec *d, struct forward_msg *f);

/* --- caps, leases, snaps, quota --- */
enum caps_op {
	CAPS_GRANT,
	CAPS_REVOKE,
	CAPS_TRUNC,
	CAPS_EXPORT,
	CAPS_IMPORT,
	CAPS_UPDATE,
	CAPS_DROP,
	CAPS_FLUSH,
	CAPS_FLUSH_ACK,
	CAPS_FLUSHSNAP,
	CAPS_FLUSHSNAP_ACK,
	CAPS_RELEASE,
	CAPS_RENEW,
};
struct cap_peer {
	uint64_t cap_id;
	uint32_t seq, mseq;
	int32_t rank;
	uint8_t flags;
};
struct caps_msg {
	uint32_t op;
	uint64_t tid; /* of the header, set by the caller of caps_decode: which flush an ack is for */
	uint64_t ino, realm, cap_id;
	uint32_t seq, issue_seq, caps, wanted, dirty, mseq;
	uint64_t snap_follows;
	uint32_t uid, gid, mode, nlink;
	uint64_t xattr_version;
	struct slice xattrs; /* the middle segment; set by the caller of caps_decode */
	uint32_t xattr_len;  /* decoded: the length that the middle must have; encode goes by xattrs.len */
	uint64_t size, max_size, truncate_size;
	uint32_t truncate_seq, time_warp_seq;
	uint64_t mtime_ns, atime_ns, ctime_ns, btime_ns, change_attr;
	struct layout layout;
	struct cap_peer peer; /* EXPORT, IMPORT */
	bool has_peer;
	struct slice snaptrace;
	uint64_t inline_version;
	struct slice inline_data, pool_ns;
	uint32_t osd_epoch_barrier;
	uint64_t oldest_flush_tid;
	uint32_t caller_uid, caller_gid, flags;
	uint64_t nfiles, nsubdirs; /* v11; has_dirstat */
	bool has_dirstat;
};
int caps_decode(struct dec *d, uint16_t version, struct caps_msg *c);
/* Header version 11 (understood from 16 on). */
enum { CAPS_VERSION = 11 };
void caps_encode(struct enc *e, const struct caps_msg *c);

struct cap_release {
	uint64_t ino, cap_id;
	uint32_t mseq, issue_seq;
};
/* Streaming: begin, any number of items, end. Header version 2. */
enum { CAPRELEASE_VERSION = 2 };
size_t caprelease_begin(struct enc *e);
void caprelease_item(struct enc *e, const struct cap_release *r);
void caprelease_end(struct enc *e, size_t mark, uint32_t count, uint32_t osd_epoch_barrier);

enum lease_action { LEASE_REVOKE = 1, LEASE_RELEASE = 2, LEASE_RENEW = 3, LEASE_REVOKE_ACK = 4 };
struct lease_msg {
	uint8_t action;
	uint16_t mask;
	uint64_t ino, first, last;
	uint32_t seq, duration_ms;
	struct slice dname;
};
int lease_decode(struct dec *d, struct lease_msg *l);
void lease_encode(struct enc *e, const struct lease_msg *l);

struct snap_msg {
	uint32_t op;
	uint64_t split;
	struct slice split_inos, split_realms; /* 8 bytes each */
	struct slice trace;
};
int snap_decode(struct dec *d, struct snap_msg *s);
struct quota_msg {
	uint64_t ino, rctime_ns, rbytes, rfiles, rsubdirs, max_bytes, max_files;
};
int quota_decode(struct dec *d, struct quota_msg *q);

/* --- reconnect (MClientReconnect v5, everything in the data segment) --- */
struct reconnect_realm {
	uint64_t ino, seq, parent;
};
struct reconnect_cap {
	uint64_t ino;
	const char *path;
	uint32_t path_len;
	uint64_t cap_id;
	uint32_t wanted, issued;
	uint64_t snaprealm, pathbase, snap_follows;
	const struct filelock *fcntl_locks, *flock_locks; /* no locks at all: the blob is empty */
	uint32_t fcntl_count, flock_count;
};
enum { RECONNECT_VERSION = 5, RECONNECT_COMPAT = 4 };
size_t reconnect_begin(struct enc *e); /* mark of the cap count */
void reconnect_cap(struct enc *e, const struct reconnect_cap *c);
void reconnect_end(struct enc *e, size_t mark, uint32_t count, const struct reconnect_realm *realms,
		   uint32_t realm_count);
