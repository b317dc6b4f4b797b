/* Caps messages: first byte the header version, then the front. What decodes must come back the same from our
 * encoder. */
#include "touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool slices_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (!a.len || !memcmp(a.p, b.p, a.len));
}

static void round_trip(const struct caps_msg *c)
{
	struct caps_msg back;
	struct enc e;
	struct dec d;

	enc_init(&e);
	caps_encode(&e, c);
	if (e.err)
		goto out;
	d = dec_init(e.buf, e.len);
	/* an IMPORT's peer is never written */
	if (c->op == CAPS_IMPORT)
		goto out;
	require(!caps_decode(&d, CAPS_VERSION, &back));
	require(back.ino == c->ino && back.cap_id == c->cap_id && back.seq == c->seq && back.caps == c->caps);
	require(back.snap_follows == c->snap_follows && back.dirty == c->dirty && back.xattr_len == 0);
	require(back.flags == c->flags && back.oldest_flush_tid == c->oldest_flush_tid);
	require(slices_equal(back.inline_data, c->inline_data) && slices_equal(back.pool_ns, c->pool_ns));
	if (c->op != CAPS_EXPORT)
		require(back.size == c->size && back.time_warp_seq == c->time_warp_seq);
out:
	enc_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct caps_msg c;
	struct dec d;

	if (!size)
		return 0;
	d = dec_init(data + 1, size - 1);
	if (caps_decode(&d, data[0], &c))
		return 0;
	touch(c.snaptrace);
	touch(c.inline_data);
	touch(c.pool_ns);
	round_trip(&c);
	return 0;
}
