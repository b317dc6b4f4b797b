/* osd_op.c: operations and the message that carries them (MOSDOp version 8, which every release since 16
 * takes). See osd_op.h.
 *
 * The 28 bytes of arguments are a union on the wire; each builder says its own layout by offsets.
 */
#include "osd_op.h"

#include <errno.h>

#include "le.h"
#include "osd_op_parts.h"

enum {
	EXTENT_OFFSET = 0,
	EXTENT_LEN = 8,
	EXTENT_TRUNC_SIZE = 16,
	EXTENT_TRUNC_SEQ = 24,
	XATTR_NAME_LEN = 0,
	XATTR_VALUE_LEN = 4,
	XATTR_CMP = 8,
	XATTR_CMP_MODE = 9,
	ASSERT_VER = 8,
	HINT_OBJECT_SIZE = 0,
	HINT_WRITE_SIZE = 8,
	HINT_FLAGS = 16,
	COPY_SNAPID = 0,
	COPY_VERSION = 8,
	COPY_FLAGS = 16,
	COPY_FADVISE = 17,
	COPY_FLAG_TRUNCATE_SEQ = 0x20,
};
enum { CMP_MODE_STRING = 1, CMP_MODE_U64 = 2 };

const char *osd_op_name(uint16_t code)
{
	switch ((enum osd_op_code)code) {
	case OSD_OP_READ:
		return "read";
	case OSD_OP_STAT:
		return "stat";
	case OSD_OP_SPARSE_READ:
		return "sparse-read";
	case OSD_OP_ASSERT_VER:
		return "assert-version";
	case OSD_OP_LIST_SNAPS:
		return "list-snaps";
	case OSD_OP_GETXATTR:
		return "getxattr";
	case OSD_OP_GETXATTRS:
		return "getxattrs";
	case OSD_OP_CMPXATTR:
		return "cmpxattr";
	case OSD_OP_WRITE:
		return "write";
	case OSD_OP_WRITEFULL:
		return "writefull";
	case OSD_OP_TRUNCATE:
		return "truncate";
	case OSD_OP_ZERO:
		return "zero";
	case OSD_OP_DELETE:
		return "delete";
	case OSD_OP_APPEND:
		return "append";
	case OSD_OP_CREATE:
		return "create";
	case OSD_OP_SETALLOCHINT:
		return "set-alloc-hint";
	case OSD_OP_COPY_FROM2:
		return "copy-from2";
	case OSD_OP_SETXATTR:
		return "setxattr";
	case OSD_OP_RMXATTR:
		return "rmxattr";
	}
	return "unknown";
}

/* ---- operations ---- */

static void begin(struct osd_op *op, uint16_t code)
{
	*op = (struct osd_op){ .code = code };
}

void osd_op_stat(struct osd_op *op)
{
	begin(op, OSD_OP_STAT);
}

void osd_op_delete(struct osd_op *op)
{
	begin(op, OSD_OP_DELETE);
}

void osd_op_create(struct osd_op *op, bool excl)
{
	begin(op, OSD_OP_CREATE);
	op->flags = excl ? OSD_OP_EXCL : 0;
}

void osd_op_list_snaps(struct osd_op *op)
{
	begin(op, OSD_OP_LIST_SNAPS);
}

static void extent(struct osd_op *op, uint16_t code, uint64_t offset, uint64_t len, struct osd_trunc t)
{
	begin(op, code);
	le64_put(op->arg + EXTENT_OFFSET, offset);
	le64_put(op->arg + EXTENT_LEN, len);
	le64_put(op->arg + EXTENT_TRUNC_SIZE, t.size);
	le32_put(op->arg + EXTENT_TRUNC_SEQ, t.seq);
}

void osd_op_read(struct osd_op *op, uint16_t code, uint64_t offset, uint64_t len, struct osd_trunc t)
{
	extent(op, code, offset, len, t);
}

void osd_op_write(struct osd_op *op, uint16_t code, uint64_t offset, uint32_t len, struct osd_trunc t)
{
	extent(op, code, offset, len, t);
	op->payload_len = len;
}

void osd_op_zero(struct osd_op *op, uint64_t offset, uint64_t len)
{
	extent(op, OSD_OP_ZERO, offset, len, (struct osd_trunc){ 0 });
}

void osd_op_truncate(struct osd_op *op, uint64_t size, uint32_t seq)
{
	extent(op, OSD_OP_TRUNCATE, size, 0, (struct osd_trunc){ seq ? size : 0, seq });
}

/* Name and value, one behind the other, are the payload. */
static void xattr(struct osd_op *op, uint16_t code, const char *name, struct slice value, struct enc *payload)
{
	uint32_t name_len = (uint32_t)strlen(name);

	begin(op, code);
	le32_put(op->arg + XATTR_NAME_LEN, name_len);
	le32_put(op->arg + XATTR_VALUE_LEN, value.len);
	op->payload_len = name_len + value.len;
	if (name_len)
		enc_bytes(payload, name, name_len);
	if (value.len)
		enc_bytes(payload, value.p, value.len);
}

void osd_op_xattr(struct osd_op *op, uint16_t code, const char *name, struct enc *payload)
{
	xattr(op, code, name, (struct slice){ 0 }, payload);
}

void osd_op_setxattr(struct osd_op *op, const char *name, struct slice value, struct enc *payload)
{
	xattr(op, OSD_OP_SETXATTR, name, value, payload);
}

void osd_op_cmpxattr(struct osd_op *op, const char *name, enum osd_cmp cmp, struct slice value,
		     struct enc *payload)
{
	xattr(op, OSD_OP_CMPXATTR, name, value, payload);
	op->arg[XATTR_CMP] = (uint8_t)cmp;
	op->arg[XATTR_CMP_MODE] = CMP_MODE_STRING;
}

void osd_op_cmpxattr_u64(struct osd_op *op, const char *name, enum osd_cmp cmp, uint64_t value,
			 struct enc *payload)
{
	uint8_t raw[8];

	le64_put(raw, value);
	osd_op_cmpxattr(op, name, cmp, (struct slice){ raw, sizeof raw }, payload);
	op->arg[XATTR_CMP_MODE] = CMP_MODE_U64;
}

void osd_op_assert_version(struct osd_op *op, uint64_t user_version)
{
	begin(op, OSD_OP_ASSERT_VER);
	le64_put(op->arg + ASSERT_VER, user_version);
}

void osd_op_alloc_hint(struct osd_op *op, uint64_t object_size, uint64_t write_size, uint32_t flags)
{
	begin(op, OSD_OP_SETALLOCHINT);
	/* An OSD that does not know it must not fail the write behind it. */
	op->flags = OSD_OP_FAILOK;
	le64_put(op->arg + HINT_OBJECT_SIZE, object_size);
	le64_put(op->arg + HINT_WRITE_SIZE, write_size);
	le32_put(op->arg + HINT_FLAGS, flags);
}

static void enc_slice(struct enc *e, struct slice s)
{
	enc_blob(e, s.p, s.len);
}

static void locator_encode(struct enc *e, int64_t pool, struct slice key, struct slice nspace)
{
	size_t mark = enc_section(e, 6, 3);

	enc_u64(e, (uint64_t)pool);
	enc_u32(e, UINT32_MAX); /* once a preferred OSD */
	enc_slice(e, key);
	enc_slice(e, nspace);
	enc_u64(e, UINT64_MAX); /* no hash: by the name */
	enc_close(e, mark);
}

void osd_op_copy_from(struct osd_op *op, const struct osd_copy *src, struct enc *payload)
{
	size_t from = payload->len;

	begin(op, OSD_OP_COPY_FROM2);
	le64_put(op->arg + COPY_SNAPID, src->snapid);
	le64_put(op->arg + COPY_VERSION, src->version);
	op->arg[COPY_FLAGS] = src->trunc.seq ? COPY_FLAG_TRUNCATE_SEQ : 0;
	le32_put(op->arg + COPY_FADVISE, src->src_fadvise);
	enc_slice(payload, src->oid);
	locator_encode(payload, src->pool, (struct slice){ 0 }, src->nspace);
	enc_u32(payload, src->trunc.seq);
	enc_u64(payload, src->trunc.size);
	op->payload_len = (uint32_t)(payload->len - from);
}

int osd_op_check(const struct osd_op *op)
{
	uint64_t offset = le64_get(op->arg + EXTENT_OFFSET), len = le64_get(op->arg + EXTENT_LEN);

	switch ((enum osd_op_code)op->code) {
	case OSD_OP_READ:
	case OSD_OP_SPARSE_READ:
	case OSD_OP_ZERO:
	case OSD_OP_WRITE:
	case OSD_OP_APPEND:
		return !len || offset + len < offset ? -EINVAL : 0;
	case OSD_OP_WRITEFULL:
		return offset ? -EINVAL : 0;
	default:
		return 0;
	}
}

/* ---- MOSDOp ---- */

/* All zeros: the OSD takes the connection's identity and the message's tid. */
static void reqid_encode(struct enc *e)
{
	size_t mark = enc_section(e, 2, 2);

	enc_zero(e, 1 + 8 + 8 + 4);
	enc_close(e, mark);
}

static void ops_encode(struct enc *e, const struct osd_op *op, unsigned count)
{
	enc_u16(e, (uint16_t)count);
	for (; count--; op++) {
		enc_u16(e, op->code);
		enc_u32(e, op->flags);
		enc_bytes(e, op->arg, sizeof op->arg);
		enc_u32(e, op->payload_len);
	}
}

void osd_op_encode(struct enc *e, const struct osd_op_msg *m)
{
	osd_spg_encode(e, &m->pg);
	enc_u32(e, m->hash);
	enc_u32(e, m->epoch);
	enc_u32(e, m->flags);
	reqid_encode(e);
	enc_zero(e, 3 * 8); /* trace */
	enc_u32(e, 0);      /* client_inc */
	enc_time(e, m->mtime_ns);
	locator_encode(e, m->pool, m->key, m->nspace);
	enc_slice(e, m->oid);
	ops_encode(e, m->op, m->op_count);
	enc_u64(e, m->snapid);
	enc_u64(e, m->snap_seq);
	enc_u32(e, m->snap_count);
	if (m->snap_count)
		enc_bytes(e, m->snaps, m->snap_count * sizeof *m->snaps);
	enc_u32(e, (uint32_t)m->attempt);
	enc_u64(e, m->features);
}
