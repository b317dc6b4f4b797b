/* osd_op_parts.h: between the osd_op*.c only: parts that several messages have. */
#pragma once
#include "osd_op.h"

/* pg_t: 17 bytes without a section. The shard becomes -1. */
void osd_pg_decode(struct dec *d, struct osd_pgid *pg);
void osd_pg_encode(struct enc *e, const struct osd_pgid *pg);
/* spg_t */
void osd_spg_decode(struct dec *d, struct osd_pgid *pg);
void osd_spg_encode(struct enc *e, const struct osd_pgid *pg);
