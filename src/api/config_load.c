/* config_load.c: reading the environment and ceph.conf, in the order in which one says where the next is. */
#include "config.h"
#include "../proto/args.h"
#include "../ring/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void env_forget(cephring_config *c)
{
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		mem_free(c->v[i].env, 0);
		c->v[i].env = NULL;
	}
}

static int env_one(cephring_config *c, const char *variable, enum option_id id)
{
	const char *value = getenv(variable);

	return value && *value ? config_set_env(c, id, variable, value) : 0;
}

/* Options of other programs stand there too: they are none of our business. */
static int env_args(cephring_config *c)
{
	const char *text = getenv("CEPH_ARGS");
	struct args a;
	int err;

	if (!text || !*text)
		return 0;
	err = args_parse(text, &a);
	if (err)
		return config_fail(c, err == -ENOMEM ? err : -EINVAL, "env CEPH_ARGS: %s",
				   err == -EINVAL ? "an open quote, or an option without its value"
						  : strerrordesc_np(-err));
	for (unsigned i = 0; i < a.count && !err; i++) {
		enum option_id id = option_find(a.arg[i].key);

		if (id != OPT_COUNT)
			err = config_set_env(c, id, "CEPH_ARGS", a.arg[i].value);
	}
	args_free(&a);
	return err;
}

/* CEPH_ARGS last: it beats the two others. */
static int env_read(cephring_config *c)
{
	const char *home = getenv("HOME");
	int err;

	env_forget(c);
	snprintf(c->home, sizeof c->home, "%s", home ? home : "");
	if (gethostname(c->host, sizeof c->host) != 0)
		c->host[0] = 0;
	c->host[sizeof c->host - 1] = 0;
	c->host[strcspn(c->host, ".")] = 0;
	err = env_one(c, "CEPH_CONF", OPT_CONF);
	if (!err)
		err = env_one(c, "CEPH_KEYRING", OPT_KEYRING);
	return err ? err : env_args(c);
}

static int conf_take(cephring_config *c, const char *path, const char *text, size_t len)
{
	int err = conf_parse(&c->conf, text, len);

	if (err == -EINVAL || err == -EFBIG)
		return config_fail(c, -EINVAL, "%s line %u: %s", path, c->conf.error_line,
				   c->conf.why ? c->conf.why : strerrordesc_np(-err));
	if (err)
		return config_fail(c, err, "%s: %s", path, strerrordesc_np(-err));
	snprintf(c->conf_path, sizeof c->conf_path, "%s", path);
	return 0;
}

/* The first file of the list that exists. None is an error only where somebody asked for one. */
static int conf_read(cephring_config *c)
{
	const char *list = c->v[OPT_CONF].value;
	char path[CONFIG_PATH_MAX], *text;
	size_t len;
	int err;

	conf_free(&c->conf);
	memset(&c->conf, 0, sizeof c->conf);
	c->conf_path[0] = 0;
	while (config_list_next(&list, path, sizeof path)) {
		err = config_read_file(path, &text, &len);
		if (err == -ENOENT || err == -ENOTDIR)
			continue;
		if (err)
			return config_fail(c, err, "%s (%s): %s", path, c->v[OPT_CONF].origin,
					   strerrordesc_np(-err));
		err = conf_take(c, path, text, len);
		mem_free(text, 0);
		return err;
	}
	if (c->v[OPT_CONF].level == LEVEL_DEFAULT)
		return 0;
	return config_fail(c, -ENOENT, "no such configuration file: %s (%s)", c->v[OPT_CONF].value,
			   c->v[OPT_CONF].origin);
}

int cephring_config_load(cephring_config *c)
{
	int err;

	c->error[0] = 0;
	c->loaded = false;
	conf_free(&c->conf); /* of the load before: must not decide where the new one is */
	memset(&c->conf, 0, sizeof c->conf);
	err = env_read(c);
	if (!err)
		err = config_resolve(c);
	if (!err)
		err = conf_read(c);
	if (!err)
		err = config_resolve(c);
	if (!err)
		err = config_find_mons(c);
	if (!err)
		err = config_find_key(c);
	if (err == -ENOMEM && !c->error[0])
		config_fail(c, err, "no memory");
	c->loaded = !err;
	return err;
}
