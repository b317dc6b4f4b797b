/* mds_request.c: one request to an MDS (ceph src/messages/MClientRequest.h): a head of fixed size, two paths,
 * the caps given up along with it, the wall clock and the caller's groups.
 *
 * The head exists in three sizes and old daemons take it as a raw struct, so the session's features decide
 * which one goes out; the message header's version must fit, for the tail behind the paths depends on it.
 */
#include "mds.h"

#include <errno.h>

#include "le.h"

enum { FEATURE_32BIT_RETRY = 18, FEATURE_OWNER_UIDGID = 20 };
/* Offsets of the head (struct ceph_mds_request_head). */
enum {
	HEAD_ARGS = 42,
	HEAD_EXT_RETRY = HEAD_ARGS + MDS_ARGS_SIZE,
	HEAD_STRUCT_LEN = HEAD_EXT_RETRY + 8,
	HEAD_V1_BYTES = HEAD_EXT_RETRY,
	HEAD_V2_BYTES = HEAD_STRUCT_LEN,
	HEAD_V3_BYTES = HEAD_STRUCT_LEN + 12,
	RELEASE_BYTES = 44, /* without the name */
	RELEASES_MAX = UINT16_MAX,
};
_Static_assert(HEAD_V1_BYTES == 98 && HEAD_V2_BYTES == 106 && HEAD_V3_BYTES == 118, "sizes on the wire");

unsigned request_head_version(uint64_t session_features)
{
	if (!(session_features >> FEATURE_32BIT_RETRY & 1))
		return 1;
	return session_features >> FEATURE_OWNER_UIDGID & 1 ? 3 : 2;
}

static size_t head_bytes(unsigned head_version)
{
	switch (head_version) {
	case 1:
		return HEAD_V1_BYTES;
	case 2:
		return HEAD_V2_BYTES;
	default:
		return HEAD_V3_BYTES;
	}
}

static void head_encode(struct enc *e, const struct mds_request *q, unsigned head_version)
{
	size_t size = head_bytes(head_version);
	uint8_t *p = enc_room(e, size);

	if (!p)
		return;
	le16_put(p, (uint16_t)head_version);
	le64_put(p + 2, q->oldest_tid);
	le32_put(p + 10, q->mdsmap_epoch);
	le32_put(p + 14, q->flags);
	p[18] = (uint8_t)q->num_retry;
	p[19] = (uint8_t)q->num_fwd;
	le16_put(p + 20, (uint16_t)q->release_count);
	le32_put(p + 22, q->op);
	le32_put(p + 26, q->uid);
	le32_put(p + 30, q->gid);
	le64_put(p + 34, q->ino);
	memcpy(p + HEAD_ARGS, q->args, MDS_ARGS_SIZE);
	if (head_version >= 2) {
		le32_put(p + HEAD_EXT_RETRY, q->num_retry);
		le32_put(p + HEAD_EXT_RETRY + 4, q->num_fwd);
	}
	if (head_version >= 3) {
		le32_put(p + HEAD_STRUCT_LEN, (uint32_t)size);
		le32_put(p + HEAD_STRUCT_LEN + 4, q->owner_uid);
		le32_put(p + HEAD_STRUCT_LEN + 8, q->owner_gid);
	}
}

static void path_encode(struct enc *e, uint64_t ino, const char *path, uint32_t len)
{
	uint8_t *p = enc_room(e, 9);

	if (!p)
		return;
	p[0] = 1;
	le64_put(p + 1, ino);
	enc_blob(e, path, len);
}

static void release_encode(struct enc *e, const struct mds_release *r)
{
	uint8_t *p = enc_room(e, RELEASE_BYTES);

	if (!p)
		return;
	le64_put(p, r->ino);
	le64_put(p + 8, r->cap_id);
	le32_put(p + 16, r->caps);
	le32_put(p + 20, r->wanted);
	le32_put(p + 24, r->seq);
	le32_put(p + 28, r->issue_seq);
	le32_put(p + 32, r->mseq);
	le32_put(p + 36, r->dname_seq);
	le32_put(p + 40, r->dname_len);
	enc_bytes(e, r->dname, r->dname_len);
}

void request_encode(struct enc *e, const struct mds_request *q, unsigned head_version, uint16_t *hdr_version)
{
	*hdr_version = (uint16_t)(head_version + 3);
	if (q->release_count > RELEASES_MAX) {
		e->err = e->err ? e->err : -EMSGSIZE;
		return;
	}
	head_encode(e, q, head_version);
	path_encode(e, q->ino1, q->path1, q->path1_len);
	path_encode(e, q->ino2, q->path2, q->path2_len);
	for (uint32_t i = 0; i < q->release_count; i++)
		release_encode(e, &q->releases[i]);
	enc_time(e, q->stamp_ns);
	enc_u32(e, q->gid_count);
	for (uint32_t i = 0; i < q->gid_count; i++)
		enc_u64(e, q->gids[i]);
	if (*hdr_version >= 5)
		enc_u32(e, 0); /* alternate_name */
	if (*hdr_version >= 6)
		enc_u64(e, 0); /* fscrypt_auth, fscrypt_file */
}
