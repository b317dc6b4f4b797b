/* fuzz_mdsmap.c: an MMDSMap and the map in it. The first byte is the version of the message. */
#include "proto/monmaps.h"
#include "proto_use.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void map_use(const struct mdsmap *m)
{
	char text[ADDR_TEXT_MAX];

	must(m->rank_count <= MDS_RANK_MAX && m->data_pool_count <= POOL_MAX);
	must(memchr(m->fs_name, 0, NAME_MAX_LEN) != NULL);
	for (uint32_t i = 0; i < m->rank_count; i++) {
		const struct mds_info *r = &m->rank[i];

		if (!r->present)
			continue;
		must(r->rank == (int32_t)i && memchr(r->name, 0, NAME_MAX_LEN) != NULL);
		must(r->addr.type == ADDR_NONE || r->addr.type == ADDR_MSGR2);
		must(strlen(addr_text(&r->addr, text)) < ADDR_TEXT_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mdsmap m;
	struct mdsmap_msg msg;
	struct dec d;

	if (!size)
		return 0;
	d = dec_init(data + 1, size - 1);
	must_say(mdsmap_msg_decode(&d, data[0], &msg), d.what);
	if (d.err)
		return 0;
	use(msg.fs_name);
	d = dec_init(msg.map.p, msg.map.len);
	must_say(mdsmap_decode(&d, &m), d.what);
	if (!d.err)
		map_use(&m);
	return 0;
}
