/* Requests: every captured one is taken apart here and must come out of our encoder byte for byte. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "requests.h"

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
