/* osd_op.h: what a client and an OSD say to each other: operations on objects, their results, backoffs.
 *
 * A message to an OSD (MOSDOp) holds a vector of operations on one object, done as a whole or not at all. An
 * operation is 38 bytes in the front and perhaps a payload; all payloads follow each other in the data
 * segment, in the order of the operations. The builders below write the 38 bytes and append short payloads;
 * the bytes of a write belong to the caller and are sent from where they lie.
 *
 * Layouts: ceph src/messages/MOSDOp.h, MOSDOpReply.h, MOSDBackoff.h, src/include/rados.h;
 * doc/protocol.md 13. Pure.
 */
#pragma once
#include "dec.h"
#include "enc.h"

enum osd_msg_type { MSG_OSD_OP = 42, MSG_OSD_OPREPLY = 43, MSG_OSD_BACKOFF = 61 };
enum { OSD_OP_VERSION = 8, OSD_OP_COMPAT = 3, OSD_BACKOFF_VERSION = 1, OSD_PRIORITY = 63 };

enum {
	OSD_OPS_MAX = 16,          /* operations of one message */
	OSD_NAME_MAX = 2048,       /* bytes of an object's name: more is refused by the OSD */
	OSD_MSG_SNAPS_MAX = 65536, /* snapshots of one write's context */
	OSD_OP_ARG_SIZE = 28,
};

#define OSD_SNAP_HEAD ((uint64_t)-2) /* the object as it is now */
#define OSD_SNAP_DIR  ((uint64_t)-1) /* for LIST_SNAPS */

enum osd_op_code {
	OSD_OP_READ = 0x1201,
	OSD_OP_STAT = 0x1202,
	OSD_OP_SPARSE_READ = 0x1205,
	OSD_OP_ASSERT_VER = 0x1208,
	OSD_OP_LIST_SNAPS = 0x120a,
	OSD_OP_GETXATTR = 0x1301,
	OSD_OP_GETXATTRS = 0x1302,
	OSD_OP_CMPXATTR = 0x1303,
	OSD_OP_WRITE = 0x2201,
	OSD_OP_WRITEFULL = 0x2202,
	OSD_OP_TRUNCATE = 0x2203,
	OSD_OP_ZERO = 0x2204,
	OSD_OP_DELETE = 0x2205,
	OSD_OP_APPEND = 0x2206,
	OSD_OP_CREATE = 0x220d,
	OSD_OP_SETALLOCHINT = 0x2223,
	OSD_OP_COPY_FROM2 = 0x222d,
	OSD_OP_SETXATTR = 0x2301,
	OSD_OP_RMXATTR = 0x2304,
};
enum { OSD_OP_MODE_READ = 0x1000, OSD_OP_MODE_WRITE = 0x2000 }; /* bits of a code */
const char *osd_op_name(uint16_t code);                         /* "read"; "unknown"; static */

/* Of one operation. */
enum {
	OSD_OP_EXCL = 1,   /* CREATE: fails with EEXIST */
	OSD_OP_FAILOK = 2, /* the vector goes on without it */
	OSD_OP_FADVISE_RANDOM = 4,
	OSD_OP_FADVISE_SEQUENTIAL = 8,
	OSD_OP_FADVISE_WILLNEED = 0x10,
	OSD_OP_FADVISE_DONTNEED = 0x20,
	OSD_OP_FADVISE_NOCACHE = 0x40,
};

/* Of the message. */
enum osd_flag {
	OSD_FLAG_RETRY = 8,
	OSD_FLAG_READ = 0x10,
	OSD_FLAG_WRITE = 0x20,
	OSD_FLAG_ORDERSNAP = 0x40,
	OSD_FLAG_BALANCE_READS = 0x100,
	OSD_FLAG_LOCALIZE_READS = 0x2000,
	OSD_FLAG_RWORDERED = 0x4000,
	OSD_FLAG_IGNORE_CACHE = 0x8000,
	OSD_FLAG_IGNORE_OVERLAY = 0x20000,
	OSD_FLAG_REDIRECTED = 0x200000,
	OSD_FLAG_KNOWN_REDIR = 0x400000,
	OSD_FLAG_FULL_TRY = 0x800000,
	OSD_FLAG_FULL_FORCE = 0x1000000,
	OSD_FLAG_RETURNVEC = 0x4000000, /* results of reads come although the message also writes */
	OSD_FLAG_SUPPORTSPOOLEIO = 0x8000000,
};

enum osd_cmp { OSD_CMP_EQ = 1, OSD_CMP_NE, OSD_CMP_GT, OSD_CMP_GTE, OSD_CMP_LT, OSD_CMP_LTE };

/* A placement group as an OSD names it. */
struct osd_pgid {
	int64_t pool;
	uint32_t seed; /* folded to the pool's pg_num */
	int8_t shard;  /* of an erasure coded pool; -1: none */
};

/* ---- operations ---- */

struct osd_op {
	uint16_t code;        /* enum osd_op_code */
	uint32_t flags;       /* OSD_OP_EXCL ... */
	uint32_t payload_len; /* bytes of it in the data segment */
	uint8_t arg[OSD_OP_ARG_SIZE];
};

/* The truncation of a file as an operation on one of its objects knows it; size per object, not per file. */
struct osd_trunc {
	uint64_t size;
	uint32_t seq; /* 0: none */
};

/* Each builder fills `op` anew. `payload`: where short payloads are appended; errors stick there. */
void osd_op_stat(struct osd_op *op);   /* result: osd_stat_decode() */
void osd_op_delete(struct osd_op *op); /* ENOENT if there is none */
void osd_op_create(struct osd_op *op, bool excl);
void osd_op_list_snaps(struct osd_op *op); /* alone, with snapid OSD_SNAP_DIR; result: osd_snapset_decode() */
/* code: READ or SPARSE_READ. */
void osd_op_read(struct osd_op *op, uint16_t code, uint64_t offset, uint64_t len, struct osd_trunc t);
/* code: WRITE, WRITEFULL or APPEND (both of offset 0). `len` bytes of payload are the caller's to send. */
void osd_op_write(struct osd_op *op, uint16_t code, uint64_t offset, uint32_t len, struct osd_trunc t);
/* A range that reaches the end of the object shortens it: the OSD makes it a TRUNCATE, and dies if the file's
 * truncation came along and is not just there. So none is told. */
void osd_op_zero(struct osd_op *op, uint64_t offset, uint64_t len);
/* seq 0: a plain truncate. Else one that counts only if the object has not seen it: size = t.size. */
void osd_op_truncate(struct osd_op *op, uint64_t size, uint32_t seq);
/* code: GETXATTR, RMXATTR; GETXATTRS with an empty name. */
void osd_op_xattr(struct osd_op *op, uint16_t code, const char *name, struct enc *payload);
void osd_op_setxattr(struct osd_op *op, const char *name, struct slice value, struct enc *payload);
/* Stops the vector with ECANCELED unless `value cmp attribute` (GT: the value is greater), as strings; or as
 * numbers, where the attribute is decimal text. */
void osd_op_cmpxattr(struct osd_op *op, const char *name, enum osd_cmp cmp, struct slice value,
		     struct enc *payload);
void osd_op_cmpxattr_u64(struct osd_op *op, const char *name, enum osd_cmp cmp, uint64_t value,
			 struct enc *payload);
/* ERANGE if the object is newer, EOVERFLOW if older. */
void osd_op_assert_version(struct osd_op *op, uint64_t user_version);
void osd_op_alloc_hint(struct osd_op *op, uint64_t object_size, uint64_t write_size, uint32_t flags);
/* The whole of another object, copied by the OSDs among themselves. */
struct osd_copy {
	int64_t pool;
	struct slice nspace, oid;
	uint64_t snapid, version; /* version 0: any */
	uint32_t src_fadvise;     /* OSD_OP_FADVISE_* */
	struct osd_trunc trunc;   /* of the new object, if its seq is not 0 */
};
void osd_op_copy_from(struct osd_op *op, const struct osd_copy *src, struct enc *payload);
/* 0, or -EINVAL for what an OSD takes badly: a zero or a write of no bytes, a read of no bytes (which would
 * bring the whole object), ranges that overflow. */
int osd_op_check(const struct osd_op *op);

/* ---- MOSDOp ---- */

struct osd_op_msg {
	struct osd_pgid pg;
	uint32_t hash; /* of the name: not folded */
	uint32_t epoch, flags;
	uint64_t mtime_ns; /* wall clock */
	int64_t pool;
	struct slice key, nspace, oid; /* borrowed */
	const struct osd_op *op;       /* borrowed */
	unsigned op_count;
	uint64_t snapid, snap_seq;
	const uint64_t *snaps; /* borrowed; strictly descending */
	uint32_t snap_count;
	int32_t attempt;
	uint64_t features;
};
void osd_op_encode(struct enc *e, const struct osd_op_msg *m);

/* ---- MOSDOpReply ---- */

struct osd_reply_op {
	uint16_t code; /* not always the one that was asked */
	uint32_t len;  /* bytes of its output in the data segment, */
	uint32_t at;   /* from here on */
	int32_t rval;
};

struct osd_reply {
	struct slice oid; /* borrowed from the message, as all slices */
	struct osd_pgid pg;
	uint64_t flags, user_version;
	int32_t result; /* a negative errno; 0; CMPXATTR may give 1 */
	uint32_t epoch;
	int32_t attempt; /* which sending it answers; -1 unknown */
	unsigned op_count;
	struct osd_reply_op op[OSD_OPS_MAX];
	bool redirected; /* ask again there: */
	struct {
		int64_t pool;
		struct slice key, nspace, oid; /* oid empty: the same name */
	} redirect;
};
/* The front; data_len: of its data segment. 0 or -EBADMSG. */
int osd_reply_decode(struct dec *d, uint16_t version, uint32_t data_len, struct osd_reply *r);

/* Outputs of single operations. 0 or -EBADMSG. */
struct osd_stat {
	uint64_t size, mtime_ns;
};
int osd_stat_decode(struct dec *d, struct osd_stat *s);

struct osd_extent {
	uint64_t offset, len;
};
/* SPARSE_READ: `count` pieces, one after the other in `data`, in ascending order without overlap. */
struct osd_extents {
	uint32_t count;
	struct slice data;
	const uint8_t *raw; /* for osd_extent_get() */
};
int osd_extents_decode(struct dec *d, struct osd_extents *x);
struct osd_extent osd_extent_get(const struct osd_extents *x, uint32_t i);

/* LIST_SNAPS: the clones of an object, oldest first, the head (if there is one) last. */
struct osd_snapset {
	uint64_t seq;
	uint32_t count;
	struct dec clones; /* for osd_clone_next() */
};
struct osd_clone {
	uint64_t id; /* OSD_SNAP_HEAD: the head */
	uint64_t size;
	uint32_t snap_count, overlap_count;
	const uint8_t *snaps;   /* borrowed: u64 each, for le64_get() */
	const uint8_t *overlap; /* borrowed: pairs of u64 offset, length shared with the next newer one */
};
int osd_snapset_decode(struct dec *d, struct osd_snapset *s);
/* False after the last one, or with s->clones.err. */
bool osd_clone_next(struct osd_snapset *s, struct osd_clone *c);

/* ---- MOSDBackoff ---- */

/* An object's place in the order of a placement group. Slices borrowed. */
struct hobject {
	struct slice key, oid, nspace;
	uint64_t snap;
	uint32_t hash;
	bool max; /* behind everything */
	int64_t pool;
};
int hobject_cmp(const struct hobject *a, const struct hobject *b); /* <0, 0, >0 */

enum osd_backoff_op { OSD_BACKOFF_BLOCK = 1, OSD_BACKOFF_ACK_BLOCK, OSD_BACKOFF_UNBLOCK };

/* Do not send for objects in [begin, end), or for `begin` if they are equal. */
struct osd_backoff_msg {
	struct osd_pgid pg;
	uint32_t epoch;
	uint8_t op; /* enum osd_backoff_op */
	uint64_t id;
	struct hobject begin, end;
};
int osd_backoff_decode(struct dec *d, struct osd_backoff_msg *b);
void osd_backoff_encode(struct enc *e, const struct osd_backoff_msg *b);
