/* Requests: every captured one is taken apart here and must come out of our encoder byte for byte. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "messages.h"
#include "proto/mds.h"

enum { RELEASES = 16, GIDS = 16 };

/* A request as the daemon would read it. */
struct parsed {
	struct mds_request q;
	uint16_t head_version;
	struct mds_release releases[RELEASES];
	uint32_t gids[GIDS];
};

static void head_parse(struct dec *d, struct parsed *r)
{
	struct mds_request *q = &r->q;

	r->head_version = dec_u16(d);
	q->oldest_tid = dec_u64(d);
	q->mdsmap_epoch = dec_u32(d);
	q->flags = dec_u32(d);
	q->num_retry = dec_u8(d);
	q->num_fwd = dec_u8(d);
	q->release_count = dec_u16(d);
	q->op = dec_u32(d);
	q->uid = dec_u32(d);
	q->gid = dec_u32(d);
	q->ino = dec_u64(d);
	memcpy(q->args, dec_take(d, MDS_ARGS_SIZE), MDS_ARGS_SIZE);
	if (r->head_version >= 2) {
		q->num_retry = dec_u32(d);
		q->num_fwd = dec_u32(d);
	}
	if (r->head_version >= 3) {
		cr_assert_eq(dec_u32(d), 118);
		q->owner_uid = dec_u32(d);
		q->owner_gid = dec_u32(d);
	}
}

static void path_parse(struct dec *d, uint64_t *ino, const char **path, uint32_t *len)
{
	struct slice s;

	cr_assert_eq(dec_u8(d), 1);
	*ino = dec_u64(d);
	s = dec_slice(d);
	*path = (const char *)s.p;
	*len = s.len;
}

static void release_parse(struct dec *d, struct mds_release *r)
{
	r->ino = dec_u64(d);
	r->cap_id = dec_u64(d);
	r->caps = dec_u32(d);
	r->wanted = dec_u32(d);
	r->seq = dec_u32(d);
	r->issue_seq = dec_u32(d);
	r->mseq = dec_u32(d);
	r->dname_seq = dec_u32(d);
	r->dname_len = dec_u32(d);
	r->dname = (const char *)dec_take(d, r->dname_len);
}

static void request_parse(const struct message *m, struct parsed *r)
{
	struct dec d = dec_init(m->front, m->front_len);

	*r = (struct parsed){ .q = { .releases = r->releases, .gids = r->gids } };
	head_parse(&d, r);
	path_parse(&d, &r->q.ino1, &r->q.path1, &r->q.path1_len);
	path_parse(&d, &r->q.ino2, &r->q.path2, &r->q.path2_len);
	cr_assert(r->q.release_count <= RELEASES);
	for (uint32_t i = 0; i < r->q.release_count; i++)
		release_parse(&d, &r->releases[i]);
	r->q.stamp_ns = dec_time(&d);
	r->q.gid_count = dec_count(&d, 8);
	cr_assert(r->q.gid_count <= GIDS);
	for (uint32_t i = 0; i < r->q.gid_count; i++)
		r->gids[i] = (uint32_t)dec_u64(&d);
	if (m->version >= 5)
		cr_assert_eq(dec_u32(&d), 0);
	if (m->version >= 6)
		cr_assert_eq(dec_u64(&d), 0);
	dec_end(&d);
	cr_assert_eq(d.err, 0, "%s %u", m->file, m->index);
}

static void same_bytes(const struct message *m, void *arg)
{
	struct parsed r;
	struct enc e;
	uint16_t version;

	request_parse(m, &r);
	enc_init(&e);
	request_encode(&e, &r.q, r.head_version, &version);
	cr_assert_eq(e.err, 0);
	cr_assert_eq(version, m->version);
	cr_assert_eq(e.len, m->front_len, "%s %u %s", m->file, m->index, mds_op_name(r.q.op));
	cr_assert_arr_eq(e.buf, m->front, e.len, "%s %u %s", m->file, m->index, mds_op_name(r.q.op));
	enc_free(&e);
	cr_assert_str_neq(mds_op_name(r.q.op), "op", "%x", r.q.op);
	*(unsigned *)arg += r.q.release_count;
}

Test(mds_request, encodes_every_capture)
{
	unsigned releases = 0;

	cr_assert_eq(messages_each(MSG_CLIENT_REQUEST, same_bytes, &releases), 117);
	cr_assert_gt(releases, 10, "captures with caps given up");
}

/* The same request for daemons that take a shorter head: only what the longer ones add is missing. */
static void older_heads(const struct message *m, void *arg)
{
	struct parsed r;
	struct enc full, old;
	uint16_t version;

	request_parse(m, &r);
	enc_init(&full);
	enc_init(&old);
	request_encode(&full, &r.q, 3, &version);
	cr_assert_eq(version, 6);
	request_encode(&old, &r.q, 2, &version);
	cr_assert_eq(version, 5);
	cr_assert_eq(full.buf[0], 3);
	cr_assert_eq(old.buf[0], 2);
	cr_assert_eq(full.len, old.len + 12 + 8);
	cr_assert_arr_eq(full.buf + 1, old.buf + 1, 105);
	cr_assert_arr_eq(full.buf + 118, old.buf + 106, old.len - 106);
	enc_reset(&old);
	request_encode(&old, &r.q, 1, &version);
	cr_assert_eq(version, 4);
	cr_assert_eq(old.buf[0], 1);
	cr_assert_eq(full.len, old.len + 20 + 12);
	cr_assert_arr_eq(full.buf + 1, old.buf + 1, 97);
	cr_assert_arr_eq(full.buf + 118, old.buf + 98, old.len - 98);
	enc_free(&full);
	enc_free(&old);
}

Test(mds_request, older_heads_lack_only_their_tails)
{
	cr_assert_gt(messages_each(MSG_CLIENT_REQUEST, older_heads, NULL), 0);
}

Test(mds_request, lookup_of_a_bare_client)
{
	size_t len;
	uint8_t *front = test_file("mds/client_request_lookup_front.bin", &len);
	struct message m = { .file = "lookup", .version = 4, .front = front, .front_len = (uint32_t)len };
	struct mds_request q = {
		.op = MDS_OP_LOOKUP,
		.ino1 = INO_ROOT,
		.path1 = "edge/real",
		.path1_len = 9,
	};
	struct parsed r;
	struct enc e;
	uint16_t version;

	request_parse(&m, &r);
	q.oldest_tid = r.q.oldest_tid;
	q.mdsmap_epoch = r.q.mdsmap_epoch;
	q.stamp_ns = r.q.stamp_ns;
	args_getattr(q.args, CAP_STAT_ALL);
	enc_init(&e);
	request_encode(&e, &q, request_head_version(0xffff), &version);
	cr_assert_eq(version, 4);
	cr_assert_eq(e.len, len);
	cr_assert_arr_eq(e.buf, front, len);
	enc_free(&e);
	free(front);
}

Test(mds_request, head_version_by_features)
{
	cr_assert_eq(request_head_version(0), 1);
	cr_assert_eq(request_head_version(0x3ffff), 1);
	cr_assert_eq(request_head_version(0x7ffff), 2, "16.2.15");
	cr_assert_eq(request_head_version(0x3fffff), 3, "18.2.7");
	cr_assert_eq(request_head_version(0xffffff), 3, "20.2.4");
	cr_assert_eq(request_head_version(1u << 20), 1, "an owner needs the head before it");
}

Test(mds_request, retries_beyond_a_byte)
{
	struct mds_request q = { .op = MDS_OP_GETATTR, .num_retry = 0x1234, .num_fwd = 0x10002 };
	struct enc e;
	uint16_t version;
	uint32_t ext[2];

	enc_init(&e);
	request_encode(&e, &q, 2, &version);
	cr_assert_eq(e.buf[18], 0x34);
	cr_assert_eq(e.buf[19], 2);
	memcpy(ext, e.buf + 98, 8);
	cr_assert_eq(ext[0], 0x1234);
	cr_assert_eq(ext[1], 0x10002);
	enc_free(&e);
}

Test(mds_request, refuses_more_releases_than_the_head_can_count)
{
	struct mds_request q = { .op = MDS_OP_GETATTR, .release_count = 65536 };
	struct enc e;
	uint16_t version;

	enc_init(&e);
	request_encode(&e, &q, 2, &version);
	cr_assert_eq(e.err, -EMSGSIZE);
	enc_free(&e);
}

Test(mds_request, fixed_buffer_too_small_is_an_error_at_every_size)
{
	struct mds_release release = { .ino = 1, .dname = "n", .dname_len = 1 };
	uint32_t gid = 7;
	struct mds_request q = { .op = MDS_OP_LOOKUP,
				 .path1 = "name",
				 .path1_len = 4,
				 .releases = &release,
				 .release_count = 1,
				 .gids = &gid,
				 .gid_count = 1 };
	uint8_t buf[512];
	uint16_t version;
	struct enc e;
	size_t need;

	enc_init_fixed(&e, buf, sizeof(buf));
	request_encode(&e, &q, 3, &version);
	cr_assert_eq(e.err, 0);
	need = e.len;
	cr_assert_eq(need, 118 + 13 + 4 + 13 + 45 + 8 + 12 + 4 + 8);
	for (size_t n = 0; n < need; n++) {
		enc_init_fixed(&e, buf, n);
		request_encode(&e, &q, 3, &version);
		cr_assert_eq(e.err, -EMSGSIZE, "%zu bytes", n);
	}
}
