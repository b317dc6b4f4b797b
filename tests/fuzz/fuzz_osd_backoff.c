/* Backoffs: what decodes must come back the same from our encoder, and its range must have an order. */
#include "proto_use.h"

#include "proto/osd_op.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct hobject *a, const struct hobject *b)
{
	return hobject_cmp(a, b) == 0 && hobject_cmp(b, a) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dec d = dec_init(data, size);
	struct osd_backoff_msg b, back;
	struct enc e;
	int err = osd_backoff_decode(&d, &b), order;

	must_say(err, d.what);
	if (err)
		return 0;
	order = hobject_cmp(&b.begin, &b.end);
	must((order < 0) == (hobject_cmp(&b.end, &b.begin) > 0));
	enc_init(&e);
	osd_backoff_encode(&e, &b);
	must(!e.err);
	d = dec_init(e.buf, e.len);
	must(!osd_backoff_decode(&d, &back) && !dec_left(&d));
	must(same(&b.begin, &back.begin) && same(&b.end, &back.end));
	must(b.id == back.id && b.op == back.op && b.epoch == back.epoch && b.pg.shard == back.pg.shard);
	enc_free(&e);
	return 0;
}
