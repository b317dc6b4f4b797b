/* rados.c: a mount with the configuration of a CephContext, as the manager's modules make it: they have a
 * rados_t, and want libcephfs to be the same client.
 *
 * A CephContext is a C++ object of the installed Ceph. librados, which the process has, makes a rados_t of it
 * that keeps it alive and answers by name: its C calls are looked up here when they are needed, and nothing
 * is linked. What it says is taken once, when the mount is created; only ceph_conf_get() asks it later.
 */
#include "compat.h"

#include <dlfcn.h>
#include <rados/librados.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RADOS_VALUE_MAX = 4096 };

static struct {
	int (*create_with_context)(rados_t *cluster, rados_config_t cct);
	int (*create2)(rados_t *cluster, const char *cluster_name, const char *name, uint64_t flags);
	rados_config_t (*cct)(rados_t cluster);
	int (*conf_get)(rados_t cluster, const char *option, char *buf, size_t len);
	int (*conf_set)(rados_t cluster, const char *option, const char *value);
	int (*mon_command)(rados_t cluster, const char **cmd, size_t cmdlen, const char *inbuf,
			   size_t inbuflen, char **outbuf, size_t *outbuflen, char **outs, size_t *outslen);
	void (*buffer_free)(char *buf);
	void (*shutdown)(rados_t cluster);
} librados;

/* Threads may come here at once: they write the same. */
static bool librados_find(void)
{
	void *lib = dlopen("librados.so.2", RTLD_NOW);

	if (!lib)
		return false;
#define FIND(call) (librados.call = (__typeof__(librados.call))dlsym(lib, "rados_" #call))
	return FIND(create_with_context) && FIND(create2) && FIND(cct) && FIND(conf_get) && FIND(conf_set) &&
	       FIND(mon_command) && FIND(buffer_free) && FIND(shutdown);
#undef FIND
}

void rados_part_end(struct ceph_mount_info *cm)
{
	if (cm->rados)
		librados.shutdown(cm->rados);
	cm->rados = NULL;
}

int rados_part_get(struct ceph_mount_info *cm, const char *option, char *buf, size_t len)
{
	return cm->rados ? librados.conf_get(cm->rados, option, buf, len) : -ENOENT;
}

/* ---- what a mount needs of it ---- */

/* No call gives the client's name. An option that is its own default has it twice in its value:
 * /var/lib/ceph/NAME/gss_client_NAME.ktab. */
static void take_name(struct ceph_mount_info *cm)
{
	static const char before[] = "/var/lib/ceph/", between[] = "/gss_client_", after[] = ".ktab";
	char text[RADOS_VALUE_MAX], again[RADOS_VALUE_MAX], *name = text + strlen(before), *end;

	if (!librados.conf_get(cm->rados, "gss_ktab_client_file", text, sizeof text) &&
	    !strncmp(text, before, strlen(before)) && (end = strchr(name, '/'))) {
		*end = '\0';
		snprintf(again, sizeof again, "%s%s", name, after);
		if (!strncmp(end + 1, between + 1, strlen(between + 1)) &&
		    !strcmp(end + strlen(between), again) && !cephring_config_set(cm->config, "name", name))
			return;
	}
	compat_log(CEPHRING_LOG_WARN, "the name of the client cannot be told from its CephContext, because "
				      "gss_ktab_client_file is set: ceph_conf_set(\"name\") tells it");
}

/* Every option that cephring has and Ceph knows. */
static void take_option(void *arg, const char *key, const char *value, const char *origin)
{
	static const char *const ours[] = { "cluster", "conf", "name", "id" };
	struct ceph_mount_info *cm = arg;
	char text[RADOS_VALUE_MAX];

	(void)value, (void)origin;
	for (unsigned n = 0; n < sizeof ours / sizeof *ours; n++)
		if (!strcmp(key, ours[n]))
			return;
	if (!librados.conf_get(cm->rados, key, text, sizeof text) && *text &&
	    cephring_config_set(cm->config, key, text))
		compat_log(CEPHRING_LOG_WARN, "of the CephContext: %s", cephring_config_error(cm->config));
}

/* Lines like "0: [v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0] mon.a". */
static int mons_of_dump(const char *dump, size_t len, char *hosts, size_t room)
{
	size_t used = 0;

	hosts[0] = '\0';
	for (const char *line = dump, *end = dump + len, *next; line < end; line = next + 1) {
		char addrs[1024];
		int n;

		next = memchr(line, '\n', (size_t)(end - line));
		if (!next)
			next = end;
		n = snprintf(addrs, sizeof addrs, "%.*s", (int)(next - line), line);
		if (n >= (int)sizeof addrs || sscanf(addrs, "%*u: %1023s mon.", addrs) != 1)
			continue;
		n = snprintf(hosts + used, room - used, "%s%s", used ? " " : "", addrs);
		if (n < 0 || (size_t)n >= room - used)
			return -ENAMETOOLONG;
		used += (size_t)n;
	}
	return used ? 0 : -ENOENT;
}

/* A client may have found its monitors by other ways than mon_host; where it is connected they tell it. */
static void take_mons(struct ceph_mount_info *cm, rados_t cluster)
{
	const char *have = cephring_config_get(cm->config, "mon_host", NULL);
	const char *cmd[] = { "{\"prefix\": \"mon dump\"}" };
	char hosts[RADOS_VALUE_MAX], *out = NULL, *words = NULL;
	size_t out_len = 0, words_len = 0;
	int err;

	if (have && *have)
		return;
	err = librados.mon_command(cluster, cmd, 1, "", 0, &out, &out_len, &words, &words_len);
	if (!err)
		err = mons_of_dump(out, out_len, hosts, sizeof hosts);
	if (!err)
		err = cephring_config_set(cm->config, "mon_host", hosts);
	if (err)
		compat_log(CEPHRING_LOG_WARN, "mon_host is empty, and the monitors of the rados_t: %s",
			   strerror(-err));
	librados.buffer_free(out);
	librados.buffer_free(words);
}

/* ---- the calls ---- */

int ceph_create_with_context(struct ceph_mount_info **out, struct CephContext *context)
{
	struct ceph_mount_info *cm;
	int err;

	if (!out || !context)
		return -EINVAL;
	if (!librados_find())
		return UNSUPPORTED("ceph_create_with_context without librados.so.2");
	err = ceph_create(&cm, NULL);
	if (err)
		return err;
	err = librados.create_with_context(&cm->rados, (rados_config_t)context);
	if (err) {
		ceph_release(cm);
		return err;
	}
	take_name(cm);
	cephring_config_each(cm->config, take_option, cm);
	*out = cm;
	return 0;
}

int ceph_create_from_rados(struct ceph_mount_info **out, rados_t cluster)
{
	int err;

	if (!out || !cluster)
		return -EINVAL;
	if (!librados_find())
		return UNSUPPORTED("ceph_create_from_rados without librados.so.2");
	err = ceph_create_with_context(out, librados.cct(cluster));
	if (!err)
		take_mons(*out, cluster);
	return err;
}

/* For librados to share: of a mount that was made without one, a new one for the same client. */
static int context_make(struct ceph_mount_info *cm)
{
	static const char *const same[] = { "mon_host", "keyring", "keyfile" };
	int err;

	if (!librados_find())
		return -EOPNOTSUPP;
	err = librados.create2(&cm->rados, cephring_config_get(cm->config, "cluster", NULL),
			       cephring_config_get(cm->config, "name", NULL), 0);
	for (unsigned n = 0; !err && n < sizeof same / sizeof *same; n++)
		err = librados.conf_set(cm->rados, same[n], cephring_config_get(cm->config, same[n], NULL));
	if (err)
		rados_part_end(cm);
	return err;
}

struct CephContext *ceph_get_mount_context(struct ceph_mount_info *cm)
{
	if (!cm)
		return NULL;
	if (!cm->rados && context_make(cm)) {
		GAP("ceph_get_mount_context without librados.so.2");
		return NULL;
	}
	return librados.cct(cm->rados);
}
