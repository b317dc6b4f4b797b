/* conf.c: options. What cephring has an option for goes there. Other options of Ceph's are taken and given
 * back as they were set, and said in the log to mean nothing here. */
#include "compat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What programs ask for or set often, with Ceph's defaults; those marked are seen to by the drop-in. */
static const struct {
	const char *name, *value;
	bool heeded;
} known[] = {
	{ "client_permissions", "true", true },
	{ "client_mount_uid", "-1", true },
	{ "client_mount_gid", "-1", true },
	{ "client_mountpoint", "/", false },
	{ "client_snapdir", ".snap", false },
	{ "client_cache_size", "16384", false },
	{ "client_oc", "true", false },
	{ "client_oc_size", "209715200", false },
	{ "client_dirsize_rbytes", "true", false },
	{ "client_reconnect_stale", "false", false },
	{ "client_try_dentry_invalidate", "false", false },
	{ "client_use_faked_inos", "false", false },
	{ "client_use_random_mds", "false", false },
	{ "client_readahead_min", "131072", false },
	{ "client_readahead_max_bytes", "0", false },
	{ "client_readahead_max_periods", "4", false },
	{ "client_inject_fixed_oldest_tid", "false", false },
	{ "client_inject_release_failure", "false", false },
	{ "client_die_on_failed_dentry_invalidate", "true", false },
	{ "client_die_on_failed_remount", "false", false },
	{ "client_force_lazyio", "false", false },
	{ "fuse_default_permissions", "false", true },
	{ "admin_socket", "", false },
	{ "log_file", "", false },
	{ "log_to_stderr", "false", false },
	{ "mon_client_ping_timeout", "30", false },
	{ "rados_mon_op_timeout", "0", false },
	{ "rados_osd_op_timeout", "0", false },
	{ "daemonize", "false", false },
	{ "max_open_files", "0", false },
};

/* Ceph's options all begin with one of these words. */
static const char *const families[] = { "auth_",     "bdev_",   "bluefs_", "bluestore_",  "client_",
					"cluster_",  "debug_",  "err_to_", "fuse_",       "heartbeat_",
					"host",      "journal", "keyring", "key",         "lockdep",
					"log_",      "mds_",    "mgr_",    "mon_",        "ms_",
					"objecter_", "osd_",    "perf",    "plugin_",     "public_",
					"rados_",    "rbd_",    "rgw_",    "throttler_",  "cephx_",
					"crimson_",  "filer_",  "async_",  "admin_socket" };

static bool is_ceph_option(const char *name)
{
	for (unsigned n = 0; n < sizeof known / sizeof *known; n++)
		if (!strcmp(known[n].name, name))
			return true;
	for (unsigned n = 0; n < sizeof families / sizeof *families; n++)
		if (!strncmp(name, families[n], strlen(families[n])))
			return true;
	return false;
}

static bool is_heeded(const char *name)
{
	for (unsigned n = 0; n < sizeof known / sizeof *known; n++)
		if (!strcmp(known[n].name, name))
			return known[n].heeded;
	return false;
}

static void normal(const char *name, char *out, size_t size)
{
	size_t n = 0;

	for (; name[n] && n + 1 < size; n++)
		out[n] = name[n] == '-' || name[n] == ' ' ? '_' : name[n];
	out[n] = '\0';
}

/* ---- what means nothing to cephring ---- */

static struct setting *setting_find(struct ceph_mount_info *cm, const char *name)
{
	struct setting *s = cm->settings;

	while (s && strcmp(s->name, name))
		s = s->next;
	return s;
}

static int setting_keep(struct ceph_mount_info *cm, const char *name, const char *value, bool ours)
{
	struct setting *s = setting_find(cm, name);
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	if (s) {
		free(s->value);
		s->value = copy;
		return 0;
	}
	s = calloc(1, sizeof *s);
	if (s)
		s->name = strdup(name);
	if (!s || !s->name) {
		free(s);
		free(copy);
		return -ENOMEM;
	}
	s->value = copy;
	s->next = cm->settings;
	cm->settings = s;
	if (!ours && !is_heeded(name))
		compat_log(CEPHRING_LOG_INFO, "option %s = %s has no effect here", name, value);
	return 0;
}

int ceph_conf_set(struct ceph_mount_info *cm, const char *option, const char *value)
{
	char name[128];
	int err;

	if (!cm || !option || !value)
		return -EINVAL;
	normal(option, name, sizeof name);
	if (cephring_config_get(cm->config, name, NULL)) {
		err = cephring_config_set(cm->config, name, value);
		if (err)
			compat_log(CEPHRING_LOG_ERROR, "%s", cephring_config_error(cm->config));
		return err ? err : setting_keep(cm, name, value, true);
	}
	if (!is_ceph_option(name)) {
		compat_log(CEPHRING_LOG_WARN, "no such option: %s", name);
		return -ENOENT;
	}
	return setting_keep(cm, name, value, false);
}

static const char *fallback(const char *name)
{
	for (unsigned n = 0; n < sizeof known / sizeof *known; n++)
		if (!strcmp(known[n].name, name))
			return known[n].value;
	return NULL;
}

int ceph_conf_get(struct ceph_mount_info *cm, const char *option, char *buf, size_t len)
{
	char name[128], found[4096];
	const struct setting *s;
	const char *value;

	if (!cm || !option || !buf)
		return -EINVAL;
	normal(option, name, sizeof name);
	value = cephring_config_get(cm->config, name, NULL);
	s = value ? NULL : setting_find(cm, name);
	if (s)
		value = s->value;
	if (!value && !rados_part_get(cm, name, found, sizeof found))
		value = found;
	if (!value && !inside_config_find(cm->config, name, found, sizeof found))
		value = found;
	if (!value)
		value = fallback(name);
	if (!value)
		return -ENOENT;
	if (strlen(value) >= len)
		return -ENAMETOOLONG;
	strcpy(buf, value);
	return 0;
}

/* Reads the file now; what else a mount needs (keys, names of hosts) is for the mount to complain about. */
int ceph_conf_read_file(struct ceph_mount_info *cm, const char *path_list)
{
	int err;

	if (!cm)
		return -EINVAL;
	if (atomic_load(&cm->state) > STATE_READY)
		return -EISCONN;
	if (path_list) {
		err = cephring_config_set(cm->config, "conf", path_list);
		if (err)
			return err;
	}
	atomic_store(&cm->state, STATE_NEW);
	cm->file_read = true;
	err = cephring_config_load(cm->config);
	if (inside_config_has_file(cm->config))
		return 0;
	cm->file_read = false;
	if (err)
		compat_log(CEPHRING_LOG_ERROR, "%s", cephring_config_error(cm->config));
	return err == -EINVAL ? err : -ENOENT;
}

/* "--some-option value", "--some-option=value", and the short ones of every Ceph program. */
static int take_args(struct ceph_mount_info *cm, int argc, const char **argv)
{
	static const struct {
		const char *brief, *name;
	} brief[] = { { "-c", "conf" },     { "-n", "name" },    { "-i", "id" },
		      { "-m", "mon_host" }, { "-k", "keyring" }, { "-K", "keyfile" } };

	for (int n = 0; n < argc; n++) {
		char name[128];
		const char *value = NULL, *word = argv[n];

		if (!strcmp(word, "--"))
			break;
		name[0] = '\0';
		for (unsigned b = 0; b < sizeof brief / sizeof *brief; b++)
			if (!strcmp(word, brief[b].brief))
				strcpy(name, brief[b].name);
		if (!name[0] && !strncmp(word, "--", 2)) {
			size_t len = strcspn(word + 2, "=");

			if (len >= sizeof name)
				return -EINVAL;
			snprintf(name, sizeof name, "%.*s", (int)len, word + 2);
			if (word[2 + len])
				value = word + 2 + len + 1;
		}
		if (!name[0])
			continue;
		if (!value && n + 1 < argc)
			value = argv[++n];
		if (!value)
			return -EINVAL;
		/* What is no option of Ceph's is the program's; what was set is not overruled. */
		normal(name, name, sizeof name);
		if (!setting_find(cm, name))
			ceph_conf_set(cm, name, value);
	}
	return 0;
}

int ceph_conf_parse_argv(struct ceph_mount_info *cm, int argc, const char **argv)
{
	if (!cm || (argc > 0 && !argv))
		return -EINVAL;
	/* the first is the program's name */
	return argc > 1 ? take_args(cm, argc - 1, argv + 1) : 0;
}

int ceph_conf_parse_env(struct ceph_mount_info *cm, const char *var)
{
	const char *text = getenv(var ? var : "CEPH_ARGS"), *argv[256];
	char *copy, *at, *word;
	int argc = 0, err;

	if (!cm)
		return -EINVAL;
	if (!text || !*text)
		return 0;
	copy = at = strdup(text);
	if (!copy)
		return -ENOMEM;
	while ((word = strsep(&at, " \t\n")) && argc < 256)
		if (*word)
			argv[argc++] = word;
	err = take_args(cm, argc, argv);
	free(copy);
	return err;
}

int ceph_set_mount_timeout(struct ceph_mount_info *cm, uint32_t timeout)
{
	char text[16];

	if (!cm)
		return -EINVAL;
	if (ceph_is_mounted(cm))
		return -EINVAL;
	snprintf(text, sizeof text, "%u", timeout);
	return ceph_conf_set(cm, "client_mount_timeout", text);
}

int ceph_select_filesystem(struct ceph_mount_info *cm, const char *fs)
{
	if (!cm || !fs)
		return -EINVAL;
	if (ceph_is_mounted(cm))
		return -EISCONN;
	return ceph_conf_set(cm, "client_fs", fs);
}
