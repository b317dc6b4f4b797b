/* osdmap.h: the OSD map: OSDs and their addresses, pools, flags, and which OSDs serve an object.
 *
 * Pure: no I/O, no clock. A map is decoded whole (osdmap_decode) and then brought from epoch to epoch by
 * incrementals (osdmap_apply), in place. It may be read by any thread as long as none changes it. What is
 * returned by pointer belongs to the map and is valid until its next osdmap_apply() or osdmap_free().
 *
 * From an object to its OSD (osdmap_object_pg, osdmap_pg_map):
 *
 *   name, namespace -> hash -> pg (hash folded to pg_num) -> CRUSH: raw -> upmap tables, without what is
 * down: up
 *   -> primary affinity: up's primary -> pg_temp, primary_temp: acting and its primary, where requests go
 *
 * Layouts and rules: doc/protocol.md 14; ceph src/osd/OSDMap.cc, osd_types.cc. Written for Pacific (16)
 * to Tentacle (20).
 */
#pragma once
#include "addr.h"
#include "crush.h"

enum {
	OSD_ID_MAX = 1 << 18,     /* max_osd at most */
	OSDMAP_POOLS_MAX = 65536, /* pools of one map */
	PG_NUM_MAX = 1 << 24,     /* pg_num of a pool at most */
	PG_OSDS_MAX = 64,         /* OSDs of one placement group; pools of a larger size are not served */
	OSDMAP_BATCH_MAX = 1024,  /* maps in one message; the sender's limit is 40 */
};

enum osdmap_flag {
	OSDMAP_FULL = 1 << 1,
	OSDMAP_PAUSERD = 1 << 2,
	OSDMAP_PAUSEWR = 1 << 3,
};

enum osd_state {
	OSD_EXISTS = 1,
	OSD_UP = 2,
	OSD_AUTOOUT = 4,
	OSD_NEW = 8,
	OSD_FULL = 16,
	OSD_NEARFULL = 32,
	OSD_DESTROYED = 128,
	OSD_STOP = 4096,
};

enum pool_type { POOL_REPLICATED = 1, POOL_ERASURE = 3 };

enum pool_flag {
	POOL_HASHPSPOOL = 1 << 0,
	POOL_FULL = 1 << 1,
	POOL_EC_OVERWRITES = 1 << 2,
	POOL_FULL_QUOTA = 1 << 10, /* why it is POOL_FULL */
	POOL_NEARFULL = 1 << 11,
	POOL_SELFMANAGED_SNAPS = 1 << 13,
	POOL_SNAPS = 1 << 14,
	POOL_CREATING = 1 << 15,
	POOL_EIO = 1 << 16,
	POOL_EC_OPTIMIZATIONS = 1 << 19,
};

/* A pool (pg_pool_t). `name` is of the map, not NUL-terminated. */
struct osdmap_pool {
	int64_t id;
	struct slice name;
	uint8_t type, size, min_size, object_hash, cache_mode;
	int32_t crush_rule;
	uint32_t pg_num, pgp_num, pg_num_pending;
	uint64_t flags;
	uint32_t last_change;
	uint32_t last_force_op_resend;          /* epoch: requests that were sent before it are sent again */
	uint64_t snap_seq;                      /* newest snapshot, self-managed ones included */
	int64_t tier_of, read_tier, write_tier; /* -1 none; what requests are to go to instead */
	uint64_t quota_max_bytes, quota_max_objects; /* 0 none */
	uint32_t stripe_width;                       /* bytes; erasure coded: what is encoded together */
	uint64_t nonprimary_shards;                  /* bit per shard that never leads (EC_OPTIMIZATIONS) */
};

struct osdmap; /* osdmap.c */

/* --- decoding --- */

/* A full map in its wire form, checksum included. 0; -EBADMSG with d->what; -ENOMEM. *out is the caller's:
 * osdmap_free(). `mem` is copied. */
int osdmap_decode(struct dec *d, const struct map_mem *mem, struct osdmap **out);
void osdmap_free(struct osdmap *m); /* takes NULL */
/* An incremental map, checksum included. 0; -ESTALE: it is not for the epoch after this one, or of another
 * cluster; -EBADMSG with d->what; -ENOMEM. After an error the map is as before. */
int osdmap_apply(struct osdmap *m, struct dec *d);

/* --- the map --- */

uint32_t osdmap_epoch(const struct osdmap *m);
const uint8_t *osdmap_fsid(const struct osdmap *m);         /* 16 bytes */
uint32_t osdmap_flags(const struct osdmap *m);              /* enum osdmap_flag, and others' */
uint8_t osdmap_require_osd_release(const struct osdmap *m); /* 16 = Pacific ...; 0 unknown */
const struct crush *osdmap_crush(const struct osdmap *m);

/* OSDs: any id may be asked about; what is out of bounds does not exist. */
uint32_t osdmap_max_osd(const struct osdmap *m);
uint32_t osdmap_osd_state(const struct osdmap *m, int32_t osd); /* enum osd_state */
bool osdmap_osd_exists(const struct osdmap *m, int32_t osd);
bool osdmap_osd_up(const struct osdmap *m, int32_t osd);           /* exists, and is up */
uint32_t osdmap_osd_weight(const struct osdmap *m, int32_t osd);   /* reweight 16.16; 0 = out */
uint32_t osdmap_osd_affinity(const struct osdmap *m, int32_t osd); /* primary affinity 16.16 */
/* Its msgr2 address with nonce, whether it is up or not; NULL when the map has none. Another nonce is another
 * daemon: what was in flight is lost. */
const struct entity_addr *osdmap_osd_addr(const struct osdmap *m, int32_t osd);

/* Is a client of this address thrown out: by address, port and nonce (not type), as a whole host, or by a
 * range of hosts. */
bool osdmap_blocklisted(const struct osdmap *m, const struct entity_addr *a);

/* Pools in the order of their ids. */
uint32_t osdmap_pool_count(const struct osdmap *m);
const struct osdmap_pool *osdmap_pool_at(const struct osdmap *m, uint32_t index);
const struct osdmap_pool *osdmap_pool(const struct osdmap *m, int64_t id); /* NULL: none */
const struct osdmap_pool *osdmap_pool_by_name(const struct osdmap *m, const char *name, size_t len);
/* Was this snapshot of the pool removed in just this epoch? Requests in flight leave it out when sent again.
 */
bool osdmap_snap_removed(const struct osdmap *m, int64_t pool, uint64_t snap);

/* --- placement --- */

struct pg_id {
	int64_t pool;
	uint32_t seed; /* below pg_num */
};

/* A hash folded into `count` groups: growing to the next power of two moves only what is split. */
uint32_t pg_fold(uint32_t hash, uint32_t count);
/* Does pg split, or merge with others, when a pool's pg_num changes? Both are false when it does not
 * change. `seed` is by `from`. */
bool pg_is_split(uint32_t seed, uint32_t from, uint32_t to);
bool pg_is_merge(uint32_t seed, uint32_t from, uint32_t to);

/* The 32-bit hash of an object's name, or of the locator `key` where that is not empty. Lengths in bytes;
 * NULL with length 0 = none. */
uint32_t osdmap_object_hash(const struct osdmap_pool *p, struct slice name, struct slice nspace,
			    struct slice key);
/* The placement group of an object: seed = hash folded by pg_num. */
struct pg_id osdmap_object_pg(const struct osdmap_pool *p, uint32_t hash);

/* OSDs by rank; CRUSH_NONE is a hole (erasure coded pools only). */
struct pg_set {
	uint32_t count;
	int32_t primary; /* an OSD, or -1 */
	int32_t osd[PG_OSDS_MAX];
};
/* raw: what CRUSH says, without OSDs that do not exist. up: where the data should be. acting: who serves it
 * now. */
struct pg_mapping {
	struct pg_set raw, up, acting;
	int8_t shard; /* the acting primary's place in an erasure coded set; -1: replicated, or no primary */
};
/* Costs microseconds, more in maps with large buckets: to be cached by epoch. 0; -ENOENT: no such pool, or
 * seed not below pg_num; -EOPNOTSUPP: a rule or size that is not understood; -ELOOP: see crush_map(). */
int osdmap_pg_map(const struct osdmap *m, struct pg_id pg, struct pg_mapping *out);
/* The same, acting set and shard only. */
int osdmap_pg_acting(const struct osdmap *m, struct pg_id pg, struct pg_set *acting, int8_t *shard);

/* --- the message that brings maps (MOSDMap, from monitors and from OSDs alike) --- */

struct osdmap_batch {
	uint8_t fsid[16];
	uint32_t oldest, newest; /* epochs that the sender has; 0 unknown */
	uint32_t first, last;    /* lowest and highest epoch in the message; 0, 0 when it is empty */
	uint32_t inc_count, full_count;
	struct dec incs, fulls; /* borrowed from the message */
};
int osdmap_batch_decode(struct dec *d, uint16_t version, struct osdmap_batch *b);

enum osdmap_step {
	OSDMAP_STEP_DONE, /* nothing more in this message */
	OSDMAP_STEP_INC,  /* osdmap_apply() the bytes */
	OSDMAP_STEP_FULL, /* osdmap_decode() the bytes: they take the place of the map */
	OSDMAP_STEP_GAP,  /* the same, and epochs were skipped: all that is in flight is sent again */
	OSDMAP_STEP_ASK,  /* ask a monitor for maps from epoch `have` + 1 on (0 without a map), and go on then
			   */
};
/* What is to be done with the message by one who has epoch `have` (0 = no map yet). Called again with the
 * new epoch after each step, until DONE or ASK. */
enum osdmap_step osdmap_batch_next(const struct osdmap_batch *b, uint32_t have, struct slice *bytes);
