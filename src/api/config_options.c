/* config_options.c: see config_options.h. Names and defaults of options that Ceph has are Ceph's
 * (src/common/options). */
#include "config_options.h"
#include "../proto/addr.h"
#include "../proto/conf.h"
#include "../proto/crush.h"
#include "../proto/osd_op.h"
#include "../ring/conn.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ull

/* A client without a configuration finds its keyring where Ceph's tools put it. */
#define KEYRINGS                                                                                             \
	"/etc/ceph/$cluster.$name.keyring,/etc/ceph/$cluster.keyring,/etc/ceph/keyring,/etc/ceph/"           \
	"keyring.bin"

/* LOAD: what cephring_config_load() finds depends on it. */
#define LOAD(n, k, f)                                                                                        \
	{                                                                                                    \
		.name = n, .kind = KIND_##k, .fallback = f, .load = true                                     \
	}
#define PLAIN(n, k, f)                                                                                       \
	{                                                                                                    \
		.name = n, .kind = KIND_##k, .fallback = f                                                   \
	}
#define BOUND(n, k, f, lo, hi)                                                                               \
	{                                                                                                    \
		.name = n, .kind = KIND_##k, .fallback = f, .min = lo, .max = hi                             \
	}

const struct option config_options[OPT_COUNT] = {
	[OPT_CLUSTER] = LOAD("cluster", TEXT, "ceph"),
	[OPT_CONF] = LOAD("conf", TEXT, "/etc/ceph/$cluster.conf,$home/.ceph/$cluster.conf,$cluster.conf"),
	[OPT_NAME] = LOAD("name", ENTITY, "client.admin"),
	[OPT_ID] = LOAD("id", TEXT, "admin"),
	[OPT_KEY] = LOAD("key", SECRET, ""),
	[OPT_KEYFILE] = LOAD("keyfile", TEXT, ""),
	[OPT_KEYRING] = LOAD("keyring", TEXT, KEYRINGS),
	[OPT_MON_HOST] = LOAD("mon_host", TEXT, ""),
	[OPT_AUTH_CLIENT_REQUIRED] = LOAD("auth_client_required", METHODS, "cephx, none"),
	[OPT_AUTH_SUPPORTED] = LOAD("auth_supported", METHODS, ""),
	[OPT_MS_CLIENT_MODE] = PLAIN("ms_client_mode", MODES, "crc secure"),
	[OPT_MS_MON_CLIENT_MODE] = PLAIN("ms_mon_client_mode", MODES, "secure crc"),
	[OPT_CLIENT_FS] = PLAIN("client_fs", TEXT, ""),
	[OPT_CLIENT_MOUNT_TIMEOUT] =
	    BOUND("client_mount_timeout", SECONDS, "300", SECOND / 100, 86400 * SECOND),
	[OPT_CACHE_BYTES] = BOUND("cephring_cache_bytes", SIZE, "256M", 64 << 10, 1ull << 44),
	[OPT_MAX_OPS] = BOUND("cephring_max_ops", COUNT, "1024", 1, 1 << 20),
	[OPT_KEEPALIVE] = BOUND("cephring_keepalive", SECONDS, "10", SECOND / 100, 86400 * SECOND),
	[OPT_DEAD_AFTER] = BOUND("cephring_dead_after", SECONDS, "20", SECOND / 100, 86400 * SECOND),
	[OPT_CLIENT_QUOTA] = PLAIN("client_quota", BOOL, "true"),
	[OPT_CLIENT_ACL_TYPE] = PLAIN("client_acl_type", ACL, ""),
	[OPT_ASYNC_DIROPS] = PLAIN("cephring_async_dirops", BOOL, "false"),
	[OPT_LIST_AHEAD] = PLAIN("cephring_list_ahead", BOOL, "true"),
	[OPT_OPEN_WAITS] = PLAIN("cephring_open_waits", BOOL, "false"),
	[OPT_REPLICA_READS] = PLAIN("rados_replica_read_policy", REPLICAS, "default"),
	[OPT_CRUSH_LOCATION] = PLAIN("crush_location", PLACES, ""),
	[OPT_OC] = PLAIN("client_oc", BOOL, "true"),
	[OPT_OC_SIZE] = BOUND("client_oc_size", SIZE, "200M", 1 << 20, 1ull << 44),
	[OPT_OC_MAX_DIRTY] = BOUND("client_oc_max_dirty", SIZE, "100M", 0, 1ull << 44),
	[OPT_OC_TARGET_DIRTY] = BOUND("client_oc_target_dirty", SIZE, "8M", 0, 1ull << 44),
	[OPT_OC_MAX_DIRTY_AGE] = BOUND("client_oc_max_dirty_age", SECONDS, "5", SECOND / 100, 86400 * SECOND),
	[OPT_READAHEAD_MIN] = BOUND("client_readahead_min", SIZE, "128K", 0, 1ull << 40),
	[OPT_READAHEAD_MAX_BYTES] = BOUND("client_readahead_max_bytes", SIZE, "0", 0, 1ull << 40),
	[OPT_READAHEAD_MAX_PERIODS] = BOUND("client_readahead_max_periods", COUNT, "4", 0, 1 << 20),
};

static const struct {
	const char *name;
	enum option_id id;
} other_names[] = {
	{ "user", OPT_ID },
	{ "client_mds_namespace", OPT_CLIENT_FS },
};

enum option_id option_find(const char *name)
{
	char key[CONF_KEY_MAX];

	if (!conf_key_normal(name, strlen(name), key))
		return OPT_COUNT;
	for (unsigned i = 0; i < OPT_COUNT; i++)
		if (!strcmp(key, config_options[i].name))
			return i;
	for (unsigned i = 0; i < sizeof other_names / sizeof other_names[0]; i++)
		if (!strcmp(key, other_names[i].name))
			return other_names[i].id;
	return OPT_COUNT;
}

/* A number with a unit behind it; *unit points at what follows the number and its blanks. */
static bool number(const char *text, double *v, const char **unit)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	if (!isdigit((unsigned char)*text)) /* no sign, no "inf" */
		return false;
	*v = strtod(text, &end);
	while (isspace((unsigned char)*end))
		end++;
	*unit = end;
	return *v < 0x1p63;
}

static bool unit_is(const char *unit, const char *words)
{
	size_t len = strlen(unit);

	while (len && isspace((unsigned char)unit[len - 1]))
		len--;
	for (const char *w = words; *w;) {
		size_t n = strcspn(w, " ");

		if (n == len && !strncasecmp(w, unit, n))
			return true;
		w += n + (w[n] == ' ');
	}
	return false;
}

bool option_bool(const char *text, bool *out)
{
	if (unit_is(text, "true yes on 1"))
		*out = true;
	else if (unit_is(text, "false no off 0"))
		*out = false;
	else
		return false;
	return true;
}

bool option_acl(const char *text, bool *posix)
{
	*posix = unit_is(text, "posix_acl");
	return *posix || !*text;
}

bool option_replicas(const char *text, uint32_t *osd_flags)
{
	*osd_flags = unit_is(text, "balance")    ? OSD_FLAG_BALANCE_READS
		     : unit_is(text, "localize") ? OSD_FLAG_LOCALIZE_READS
						 : 0;
	return *osd_flags || unit_is(text, "default");
}

bool option_count(const char *text, uint64_t *out)
{
	const char *unit;
	double v;

	if (!number(text, &v, &unit) || *unit)
		return false;
	*out = (uint64_t)v;
	return (double)*out == v;
}

bool option_size(const char *text, uint64_t *bytes)
{
	static const char *const units[] = { "b", "k kb ki kib", "m mb mi mib", "g gb gi gib",
					     "t tb ti tib" };
	const char *unit;
	double v;

	if (!number(text, &v, &unit))
		return false;
	for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++) {
		if ((i == 0 && !*unit) || (*unit && unit_is(unit, units[i]))) {
			v *= (double)(1ull << (10 * i));
			if (v >= 0x1p63)
				return false;
			*bytes = (uint64_t)v;
			return true;
		}
	}
	return false;
}

bool option_seconds(const char *text, uint64_t *ns)
{
	static const struct {
		const char *words;
		double s;
	} units[] = {
		{ "s sec second seconds", 1 },
		{ "ms", 1e-3 },
		{ "us", 1e-6 },
		{ "m min minute minutes", 60 },
		{ "h hr hour hours", 3600 },
		{ "d day days", 86400 },
	};
	const char *unit;
	double v;

	if (!number(text, &v, &unit))
		return false;
	for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++) {
		if ((i == 0 && !*unit) || (*unit && unit_is(unit, units[i].words))) {
			v *= units[i].s * (double)SECOND;
			if (v >= 0x1p63)
				return false;
			*ns = (uint64_t)(v + 0.5);
			return true;
		}
	}
	return false;
}

static const char *next_word(const char *p, size_t *len)
{
	p += strspn(p, " ,;\t");
	*len = strcspn(p, " ,;\t");
	return *len ? p : NULL;
}

static bool word_is(const char *p, size_t len, const char *word)
{
	return len == strlen(word) && !strncasecmp(p, word, len);
}

unsigned option_modes(const char *text, uint32_t modes[2])
{
	unsigned n = 0;
	size_t len = 0;

	for (const char *p = next_word(text, &len); p; p = next_word(p + len, &len)) {
		uint32_t mode = word_is(p, len, "crc")      ? CON_MODE_CRC
				: word_is(p, len, "secure") ? CON_MODE_SECURE
							    : 0;

		if (!mode)
			return 0;
		if (n == 0 || (n == 1 && modes[0] != mode))
			modes[n++] = mode;
	}
	return n;
}

bool option_methods(const char *text, bool *cephx, bool *none)
{
	size_t len = 0;

	*cephx = *none = false;
	for (const char *p = next_word(text, &len); p; p = next_word(p + len, &len)) {
		if (word_is(p, len, "cephx"))
			*cephx = true;
		else if (word_is(p, len, "none"))
			*none = true;
		else if (!word_is(p, len, "gss")) /* Ceph has it; we do without */
			return false;
	}
	return true;
}

static bool in_range(const struct option *o, uint64_t v)
{
	return v >= o->min && v <= o->max;
}

const char *option_check(enum option_id id, const char *value)
{
	const struct option *o = &config_options[id];
	struct crush_place places[CRUSH_LEVELS_MAX];
	uint32_t modes[2];
	bool cephx, none, flag;
	uint32_t type, osd_flags;
	uint64_t v;

	switch (o->kind) {
	case KIND_TEXT:
	case KIND_SECRET:
		return NULL;
	case KIND_ENTITY:
		return entity_name_parse(value, &type) ? NULL
						       : "not the name of an entity (client.ID is wanted)";
	case KIND_BOOL:
		return option_bool(value, &flag) ? NULL : "is neither true nor false";
	case KIND_ACL:
		return option_acl(value, &flag) ? NULL : "is neither empty nor posix_acl";
	case KIND_REPLICAS:
		return option_replicas(value, &osd_flags) ? NULL : "is none of default, balance, localize";
	case KIND_PLACES:
		return crush_places_parse(value, places) < 0 ? "not a list of type=name" : NULL;
	case KIND_COUNT:
		return !option_count(value, &v) ? "not a number" : in_range(o, v) ? NULL : "out of range";
	case KIND_SIZE:
		return !option_size(value, &v) ? "not a size like 64M"
		       : in_range(o, v)        ? NULL
					       : "out of range";
	case KIND_SECONDS:
		return !option_seconds(value, &v) ? "not a time like 300 or 5m"
		       : in_range(o, v)           ? NULL
						  : "out of range";
	case KIND_MODES:
		return option_modes(value, modes) ? NULL : "not a list of secure and crc";
	case KIND_METHODS:
		return option_methods(value, &cephx, &none) ? NULL : "not a list of cephx and none";
	}
	return NULL;
}
