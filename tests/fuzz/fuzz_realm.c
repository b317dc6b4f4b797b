/* A snap trace: first byte which form the session agreed upon, then realms to the end. What decodes is put
 * together again and must come out as it went in. */
#include "touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void realm_again(struct enc *e, const struct realm_info *r)
{
	enc_u64(e, r->ino);
	enc_u64(e, r->created);
	enc_u64(e, r->parent);
	enc_u64(e, r->parent_since);
	enc_u64(e, r->seq);
	enc_u32(e, r->snaps.len / 8);
	enc_u32(e, r->prior_parent_snaps.len / 8);
	enc_bytes(e, r->snaps.p, r->snaps.len);
	enc_bytes(e, r->prior_parent_snaps.p, r->prior_parent_snaps.len);
}

static void realm_use(const struct realm_info *r, bool wrapped)
{
	touch(r->snaps);
	touch(r->prior_parent_snaps);
	require(r->snaps.len % 8 == 0 && r->snaps.len <= REALM_SNAPS_MAX * 8);
	require(r->prior_parent_snaps.len % 8 == 0 && r->prior_parent_snaps.len <= REALM_SNAPS_MAX * 8);
	require(wrapped || (!r->last_modified_ns && !r->change_attr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct realm_info r;
	struct enc again;
	struct dec d;
	bool wrapped;
	int got;

	if (!size)
		return 0;
	wrapped = data[0] & 1;
	d = dec_init(data + 1, size - 1);
	enc_init(&again);
	while ((got = realm_next(&d, wrapped, &r)) == 1) {
		realm_use(&r, wrapped);
		realm_again(&again, &r);
	}
	require(got ? d.what != NULL : !dec_left(&d));
	if (!got && !wrapped)
		require(again.len == size - 1 && (!again.len || !memcmp(again.buf, data + 1, again.len)));
	enc_free(&again);
	return 0;
}
