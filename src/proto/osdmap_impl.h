/* osdmap_impl.h: an OSD map in memory, shared by the files that decode, change and ask it. Internal to proto.
 *
 * OSDs are arrays by id. All that is kept by placement group, pool or address is a sorted table
 * (osdmap_table.h); the lists of the pg tables stand in one array (struct lists), behind which changed lists
 * are added, and which is written anew when half of it is no longer pointed at.
 */
#pragma once
#include "le.h"
#include "osdmap.h"
#include "osdmap_table.h"

enum {
	OSDMAP_BYTES_MAX = 64 << 20, /* one map, full or incremental */
	PG_LIST_MAX = 1024,          /* numbers in one list */
	PG_LEN = 17,                 /* pg_t on the wire */
};
#define AFFINITY_DEFAULT 0x10000u

struct osds {
	uint32_t count; /* max_osd */
	void *block;    /* owned; the arrays stand in it */
	size_t block_len;
	uint32_t *state, *weight, *affinity;
	struct entity_addr *addr; /* type 0: none */
};

/* What one placement group has in a table: a list (OSDs, or pairs of them), or one OSD. */
struct pg_entry {
	uint64_t pool;
	uint32_t seed;
	uint32_t len; /* of the list */
	union {
		uint32_t at; /* in struct lists */
		int32_t osd;
	};
};

struct removed_snaps {
	int64_t pool;
	uint64_t first, count;
};

struct lists {
	int32_t *v; /* owned */
	uint32_t count, cap;
	uint32_t live; /* of count, as of the last time it was written anew */
};

/* Tables by pg. The first three have lists. */
enum pg_table { PG_TEMP, PG_UPMAP, PG_UPMAP_ITEMS, PG_PRIMARY_TEMP, PG_UPMAP_PRIMARY, PG_TABLES };
enum { PG_LIST_TABLES = 3 };

struct osdmap {
	struct map_mem mem;
	uint8_t fsid[16];
	uint32_t epoch, flags;
	uint8_t require_osd_release;
	bool has_affinity; /* some OSD's is not the default */
	struct osds osds;
	struct table pools; /* struct osdmap_pool; names owned */
	struct table pg[PG_TABLES];
	struct lists lists;
	/* struct entity_addr. An entry with port and nonce 0 means the whole host; in ranges the nonce is the
	 * number of leading bits that count. */
	struct table blocklist, ranges;
	struct table removed_snaps;
	struct crush *crush;
};

extern const struct table_kind osdmap_pools, osdmap_pgs, osdmap_blocks, osdmap_snaps;

/* --- parts of both full and incremental maps --- */

struct osdmap_parts {
	struct dec client, osd;
	uint8_t client_version, osd_version;
};
/* The wrapper, the heads of both parts, and the checksum, which must fit. `incremental`: behind its own
 * checksum stands the full map's. */
void osdmap_unwrap(struct dec *d, bool incremental, struct osdmap_parts *p);

void dec_fsid(struct dec *d, uint8_t fsid[16]);
void dec_pg(struct dec *d, struct pg_entry *e);
/* Of an OSD: the msgr2 entry, or type 0. */
void dec_osd_addr(struct dec *d, struct entity_addr *a);
void skip_addrvec(struct dec *d);
void skip_section(struct dec *d);
void skip_items(struct dec *d, size_t size);      /* count, items of a fixed size */
void skip_addrvec_map(struct dec *d, size_t key); /* count, (key, addrvec) */
void skip_profiles(struct dec *d);                /* map<str, map<str, str>> */
void skip_strings(struct dec *d);
void skip_snaps(struct dec *d); /* map<i64, interval set> */

/* All sort, and refuse what is there twice. A list table's lists are added to `l`. */
void dec_pg_lists(struct dec *d, const struct map_mem *mem, struct table *t, struct lists *l, bool pairs);
void dec_pg_osds(struct dec *d, const struct map_mem *mem, struct table *t);
void dec_pg_keys(struct dec *d, const struct map_mem *mem, struct table *t);
/* Addresses, each with `skip` bytes behind it. */
void dec_blocks(struct dec *d, const struct map_mem *mem, struct table *t, size_t skip);
void dec_removed_snaps(struct dec *d, const struct map_mem *mem, struct table *t);
/* map<i64, pg_pool_t>; names empty. */
void dec_pools(struct dec *d, const struct map_mem *mem, struct table *t);

bool lists_reserve(const struct map_mem *mem, struct lists *l, size_t extra);
void lists_free(const struct map_mem *mem, struct lists *l);

/* OSDs that do not exist, but for those of `from`. false: memory is out. */
bool osds_make(const struct map_mem *mem, struct osds *to, uint32_t count, const struct osds *from);
void osds_free(const struct map_mem *mem, struct osds *o);

/* A copy for a pool; p is NULL when memory is out. */
struct slice osdmap_name_dup(const struct map_mem *mem, struct slice name);
void osdmap_name_free(const struct map_mem *mem, struct slice *name);
/* Flags that follow from require_osd_release, and whether any OSD has an affinity. */
void osdmap_derive(struct osdmap *m);
void osdmap_clear(struct osdmap *m); /* frees all but the struct itself */
