/* monmaps.h: monmap, mdsmap, fsmap.user, and the monitor's small messages. Pure; results own nothing but
 * what *_fini() frees. Layouts: doc/protocol.md 3; ceph src/mon/MonMap.cc, src/mds/MDSMap.cc. */
#pragma once
#include "addr.h"

enum { MONMAP_MAX = 32, MDS_RANK_MAX = 256, POOL_MAX = 64, FS_MAX = 64, NAME_MAX_LEN = 64 };

enum mon_msg_type {
	MSG_MON_MAP = 4,
	MSG_STATFS = 13,
	MSG_STATFS_REPLY = 14,
	MSG_MON_SUBSCRIBE = 15,
	MSG_MON_SUBSCRIBE_ACK = 16,
	MSG_AUTH = 17,
	MSG_AUTH_REPLY = 18,
	MSG_MON_GET_VERSION = 19,
	MSG_MON_GET_VERSION_REPLY = 20,
	MSG_MDS_MAP = 21,
	MSG_OSD_MAP = 41,
	MSG_CONFIG = 62,
	MSG_FS_MAP_USER = 103,
};

struct monmap {
	uint8_t fsid[16];
	uint32_t epoch;
	uint32_t count;
	uint8_t min_release; /* 16, 18, 20; 0 unknown */
	struct {
		char name[NAME_MAX_LEN];
		struct entity_addrvec addrs;
		uint16_t priority, weight;
	} mon[MONMAP_MAX];
};

enum { FSID_TEXT_MAX = 37 };
/* "8-4-4-4-12" as Ceph prints it, into FSID_TEXT_MAX bytes; returns `out`. */
const char *fsid_text(const uint8_t fsid[16], char *out);

enum mds_state {
	MDS_STATE_REPLAY = 8,
	MDS_STATE_RESOLVE = 9,
	MDS_STATE_RECONNECT = 10,
	MDS_STATE_REJOIN = 11,
	MDS_STATE_CLIENTREPLAY = 12,
	MDS_STATE_ACTIVE = 13,
	MDS_STATE_STOPPING = 14,
};

struct mds_info {
	uint64_t gid;
	char name[NAME_MAX_LEN];
	int32_t rank, inc, state; /* state: enum mds_state, negative ones are not in */
	struct entity_addr addr;  /* msgr2 entry with nonce; type 0 when there is none */
	bool laggy;
	bool present; /* this rank has a daemon in `up` */
};

struct mdsmap {
	uint32_t epoch, flags, session_timeout, session_autoclose, max_mds, rank_count; /* seconds */
	uint64_t max_file_size, max_xattr_size; /* max_xattr_size 0 = unknown */
	int64_t data_pool[POOL_MAX], metadata_pool;
	uint32_t data_pool_count;
	bool enabled, damaged; /* damaged: some rank is */
	char fs_name[NAME_MAX_LEN];
	uint64_t required_client_features[2];
	struct mds_info rank[MDS_RANK_MAX]; /* by rank, 0..rank_count-1 */
};

struct fsmap_user {
	uint32_t epoch;
	int32_t legacy_fscid; /* -1 none */
	uint32_t count;
	struct {
		int32_t fscid;
		char name[NAME_MAX_LEN];
	} fs[FS_MAX];
};

/* Decode the body (the blob inside the message). 0 or -EBADMSG with d->what. */
int monmap_decode(struct dec *d, struct monmap *m);
int mdsmap_decode(struct dec *d, struct mdsmap *m);
int fsmap_user_decode(struct dec *d, struct fsmap_user *m); /* the whole front of MFSMapUser */

struct mdsmap_msg {
	uint8_t fsid[16];
	uint32_t epoch;
	struct slice map;
	struct slice fs_name;
};
int mdsmap_msg_decode(struct dec *d, uint16_t version, struct mdsmap_msg *m);

/* Only the epochs of an MOSDMap: the newest one in it. */
struct osdmap_msg {
	uint8_t fsid[16];
	uint32_t newest;
};
int osdmap_msg_decode(struct dec *d, uint16_t version, struct osdmap_msg *m);

struct statfs_reply {
	uint8_t fsid[16];
	uint64_t version, kb, kb_used, kb_avail, objects;
};
int statfs_reply_decode(struct dec *d, struct statfs_reply *r);
void statfs_encode(struct enc *e, const uint8_t fsid[16], int64_t data_pool); /* data_pool -1: all */

struct version_reply {
	uint64_t handle, newest, oldest;
};
int version_reply_decode(struct dec *d, struct version_reply *r);
void version_encode(struct enc *e, uint64_t handle, const char *what);

struct mon_sub {
	const char *what;
	uint64_t start;
	bool onetime;
};
void subscribe_encode(struct enc *e, const struct mon_sub *subs, unsigned count, const char *hostname);

/* MConfig: calls `each` for every key and value (borrowed). */
int config_decode(struct dec *d, void (*each)(void *arg, struct slice key, struct slice value), void *arg);
