/* Replies of OSDs: first byte the header version, second how much data there is; then the front. And the
 * outputs of single operations, from the same bytes. */
#include "proto_use.h"

#include "proto/osd_op.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void reply(const uint8_t *data, size_t size)
{
	struct dec d = dec_init(data + 2, size - 2);
	uint32_t data_len = (uint32_t)data[1] << 4, end = 0;
	struct osd_reply r;
	int err = osd_reply_decode(&d, data[0], data_len, &r);

	must_say(err, d.what);
	must(r.op_count <= OSD_OPS_MAX);
	for (unsigned i = 0; i < r.op_count && !err; i++) {
		must(r.op[i].at == end);
		end += r.op[i].len;
		must(end <= data_len);
	}
	if (err)
		return;
	use(r.oid);
	if (r.redirected) {
		use(r.redirect.key);
		use(r.redirect.nspace);
		use(r.redirect.oid);
	}
}

static void stat_of(const uint8_t *data, size_t size)
{
	struct dec d = dec_init(data, size);
	struct osd_stat s;
	int err = osd_stat_decode(&d, &s);

	must_say(err, d.what);
	must(err || size >= 16); /* size and time */
}

static void sparse(const uint8_t *data, size_t size)
{
	struct dec d = dec_init(data, size);
	struct osd_extents x;
	uint64_t total = 0;

	if (osd_extents_decode(&d, &x))
		return;
	use(x.data);
	for (uint32_t i = 0; i < x.count; i++)
		total += osd_extent_get(&x, i).len;
	must(total == x.data.len);
}

static void snaps(const uint8_t *data, size_t size)
{
	struct dec d = dec_init(data, size);
	struct osd_snapset s;
	struct osd_clone c;
	uint32_t count, seen = 0;

	if (osd_snapset_decode(&d, &s))
		return;
	for (count = s.count; osd_clone_next(&s, &c); seen++) {
		use((struct slice){ c.snaps, c.snap_count * 8 });
		use((struct slice){ c.overlap, c.overlap_count * 16 });
	}
	must(!s.clones.err && seen == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	reply(data, size);
	stat_of(data, size);
	sparse(data, size);
	snaps(data, size);
	return 0;
}
