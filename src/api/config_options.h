/* config_options.h: the options there are: name, kind, default. Pure, but for nothing: no files, no
 * environment.
 *
 * Everything said about an option in one row of one table; a value is checked by its kind wherever it comes
 * from, so a mount finds only values that make sense.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_id {
	OPT_CLUSTER,
	OPT_CONF,
	OPT_NAME,
	OPT_ID,
	OPT_KEY,
	OPT_KEYFILE,
	OPT_KEYRING,
	OPT_MON_HOST,
	OPT_AUTH_CLIENT_REQUIRED,
	OPT_AUTH_SUPPORTED,
	OPT_MS_CLIENT_MODE,
	OPT_MS_MON_CLIENT_MODE,
	OPT_CLIENT_FS,
	OPT_CLIENT_MOUNT_TIMEOUT,
	OPT_CACHE_BYTES,
	OPT_MAX_OPS,
	OPT_KEEPALIVE,
	OPT_DEAD_AFTER,
	OPT_CLIENT_QUOTA,
	OPT_CLIENT_ACL_TYPE,
	OPT_ASYNC_DIROPS,
	OPT_LIST_AHEAD,
	OPT_OPEN_WAITS,
	OPT_REPLICA_READS,
	OPT_CRUSH_LOCATION,
	OPT_OC,
	OPT_OC_SIZE,
	OPT_OC_MAX_DIRTY,
	OPT_OC_TARGET_DIRTY,
	OPT_OC_MAX_DIRTY_AGE,
	OPT_READAHEAD_MIN,
	OPT_READAHEAD_MAX_BYTES,
	OPT_READAHEAD_MAX_PERIODS,
	OPT_COUNT
};

enum option_kind {
	KIND_TEXT,
	KIND_SECRET,
	KIND_ENTITY,
	KIND_BOOL,
	KIND_ACL,
	KIND_REPLICAS,
	KIND_PLACES,
	KIND_COUNT,
	KIND_SIZE,
	KIND_SECONDS,
	KIND_MODES,
	KIND_METHODS
};

struct option {
	const char *name;
	enum option_kind kind;
	const char *fallback;
	bool load;         /* what cephring_config_load() finds depends on it */
	uint64_t min, max; /* COUNT, SIZE (bytes), SECONDS (ns) */
};
extern const struct option config_options[OPT_COUNT];

/* By its name in any spelling ("mon host", "mon-host"), old names included; OPT_COUNT = unknown. */
enum option_id option_find(const char *name);
/* NULL = a good value; else what is wrong with it, in static words. */
const char *option_check(enum option_id id, const char *value);

/* Values as their kinds mean them; false: not one. */
bool option_bool(const char *text, bool *out);               /* true, yes, on, 1; false, no, off, 0 */
bool option_acl(const char *text, bool *posix);              /* "" or "posix_acl" */
bool option_replicas(const char *text, uint32_t *osd_flags); /* default, balance, localize: OSD_FLAG_* */
bool option_count(const char *text, uint64_t *out);
bool option_size(const char *text, uint64_t *bytes); /* 64M = 64 MiB */
bool option_seconds(const char *text, uint64_t *ns); /* 300, 1.5, 5m, 500ms */
/* Words like "secure crc" into CON_MODE_*, best first, each once; 0 = not such words. */
unsigned option_modes(const char *text, uint32_t modes[2]);
bool option_methods(const char *text, bool *cephx, bool *none);
