/* osdmap_change.h: an incremental OSD map, read but not yet applied. Internal to proto. */
#pragma once
#include "osdmap_impl.h"

/* Changes to one table by pg. */
struct pg_change {
	struct table put, gone;
};

struct osdmap_change {
	struct map_mem mem;
	uint8_t fsid[16];
	uint32_t epoch;
	int32_t flags, max_osd; /* negative: as before */
	int8_t require_osd_release;
	struct osdmap *full;                    /* takes the place of all else */
	struct crush *crush;                    /* NULL: as before */
	struct table pools;                     /* whole, without names */
	struct table names, old_pools;          /* pools of which only the id, and the name, count */
	struct dec up, state, weight, affinity; /* by OSD: checked, borrowed */
	struct pg_change pg[PG_TABLES];
	struct lists lists;
	struct table block, unblock, range, unrange;
	struct table removed_snaps;
	/* made by reserve */
	struct osds osds;
	struct lists compact;
};

/* Reads and checks all of it. `c` is zeroed but for `mem`, and given to osdmap_change_fini() whatever
 * happens. -ESTALE: not for the epoch after m's; that leaves the cursor without an error. */
int osdmap_change_read(struct dec *d, const struct osdmap *m, struct osdmap_change *c);
void osdmap_change_fini(struct osdmap_change *c); /* what was moved out of it is not in it any more */
