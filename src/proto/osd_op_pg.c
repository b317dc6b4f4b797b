/* osd_op_pg.c: placement groups on the wire (ceph src/osd/osd_types.h: pg_t, spg_t). */
#include "osd_op_parts.h"

enum { PG_VERSION = 1, SPG_KNOWN = 1 };

void osd_pg_decode(struct dec *d, struct osd_pgid *pg)
{
	if (dec_u8(d) != PG_VERSION && !d->err)
		dec_fail(d, "a placement group of another version");
	pg->pool = dec_s64(d);
	pg->seed = dec_u32(d);
	dec_u32(d); /* once a preferred OSD */
	pg->shard = -1;
}

void osd_pg_encode(struct enc *e, const struct osd_pgid *pg)
{
	enc_u8(e, PG_VERSION);
	enc_u64(e, (uint64_t)pg->pool);
	enc_u32(e, pg->seed);
	enc_u32(e, UINT32_MAX);
}

void osd_spg_decode(struct dec *d, struct osd_pgid *pg)
{
	struct dec in = dec_section(d, SPG_KNOWN, NULL);

	osd_pg_decode(&in, pg);
	pg->shard = (int8_t)dec_u8(&in);
	dec_close(d, &in);
}

void osd_spg_encode(struct enc *e, const struct osd_pgid *pg)
{
	size_t mark = enc_section(e, SPG_KNOWN, SPG_KNOWN);

	osd_pg_encode(e, pg);
	enc_u8(e, (uint8_t)pg->shard);
	enc_close(e, mark);
}
