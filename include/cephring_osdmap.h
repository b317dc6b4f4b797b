/* cephring_osdmap.h: OSD maps by themselves: where objects lie, by a map in memory, without any cluster.
 *
 * For tools and tests. A mount does not need it. Maps are in the binary form that `ceph osd getmap -o FILE`
 * and `osdmaptool` write (Ceph 14 to 20); incrementals in that of the monitors' store and of the messages.
 *
 * No call does any I/O. A map may be read by several threads at once, as long as none applies an incremental
 * or frees it. Functions that fail return a negative errno; `why` (may be NULL) then gets static words.
 */
#ifndef CEPHRING_OSDMAP_H
#define CEPHRING_OSDMAP_H

#include <cephring.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cephring_osdmap cephring_osdmap;

/* A full map; the bytes are not needed afterwards. -EBADMSG: broken, or of before Nautilus; -ENOMEM. */
CEPHRING_API int cephring_osdmap_decode(const void *map, size_t len, cephring_osdmap **out, const char **why);
/* Brings it to the next epoch. -ESTALE: the incremental is for another epoch, or of another cluster;
 * -EBADMSG; -ENOMEM. After an error the map is as before. */
CEPHRING_API int cephring_osdmap_apply(cephring_osdmap *m, const void *incremental, size_t len,
				       const char **why);
CEPHRING_API void cephring_osdmap_free(cephring_osdmap *m); /* takes NULL */

CEPHRING_API uint32_t cephring_osdmap_epoch(const cephring_osdmap *m);
CEPHRING_API void cephring_osdmap_fsid(const cephring_osdmap *m, uint8_t fsid[16]);

/* ---- pools ---- */

enum { CEPHRING_POOL_REPLICATED = 1, CEPHRING_POOL_ERASURE = 3 };

struct cephring_osdmap_pool {
	size_t size;
	int64_t id;
	const char *name; /* not NUL-terminated; the map's, until it is changed or freed */
	size_t name_len;
	uint32_t type;     /* CEPHRING_POOL_* */
	uint32_t replicas; /* or shards: the pool's "size" */
	uint32_t pg_num, pgp_num;
	uint32_t object_hash; /* 1 linux, 2 rjenkins */
	int32_t crush_rule;
	uint64_t flags; /* pg_pool_t::FLAG_* */
};
/* Pools by ascending id: index from 0; -ENOENT behind the last. */
CEPHRING_API int cephring_osdmap_pool_at(const cephring_osdmap *m, uint32_t index,
					 struct cephring_osdmap_pool *pool);
/* By name; -ENOENT. */
CEPHRING_API int cephring_osdmap_pool_find(const cephring_osdmap *m, const char *name, size_t name_len,
					   struct cephring_osdmap_pool *pool);

/* ---- placement ---- */

#define CEPHRING_OSD_NONE 0x7fffffff /* a hole */
enum { CEPHRING_OSDS_MAX = 64 };

struct cephring_osd_set {
	uint32_t count;
	int32_t primary; /* -1: none */
	int32_t osd[CEPHRING_OSDS_MAX];
};
/* raw: what CRUSH gives, without OSDs that do not exist. up: where the data is to be. acting: who serves it.
 */
struct cephring_osdmap_pg {
	size_t size;
	struct cephring_osd_set raw, up, acting;
	int32_t shard; /* of the acting primary; -1: replicated, or no primary */
};
/* -ENOENT: no such pool, or `seed` not below its pg_num; -EOPNOTSUPP: a rule or size that is not understood;
 * -ELOOP: a rule that does not come to an end. */
CEPHRING_API int cephring_osdmap_pg(const cephring_osdmap *m, int64_t pool, uint32_t seed,
				    struct cephring_osdmap_pg *pg);
/* The 32-bit hash of an object's name, in a namespace ("" = none), and the placement group that follows.
 * -ENOENT: no such pool. */
CEPHRING_API int cephring_osdmap_object(const cephring_osdmap *m, int64_t pool, const char *nspace,
					size_t nspace_len, const char *name, size_t name_len, uint32_t *hash,
					uint32_t *seed);

#ifdef __cplusplus
}
#endif
#endif
