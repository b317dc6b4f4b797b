/* config.c: the sources of a configuration and the values in force. The model is in config.h. */
#include "config.h"
#include "../proto/cephx.h"
#include "../ring/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int config_fail(cephring_config *c, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->error, sizeof c->error, fmt, ap);
	va_end(ap);
	return err;
}

/* ---- values in force ---- */

static const char * override(void *arg, const char *key)
{
	const cephring_config *c = arg;
	enum option_id id = option_find(key);

	if (id == OPT_COUNT)
		return NULL;
	return c->v[id].option ? c->v[id].option : c->v[id].env;
}

static const char *fallback(void *arg, const char *key)
{
	enum option_id id = option_find(key);

	return id == OPT_COUNT ? NULL : config_options[id].fallback;
}

/* Who we are decides which sections of the file count, so it comes from outside the file. */
static const char *outside(const cephring_config *c, enum option_id id)
{
	const struct config_value *v = &c->v[id];

	return v->option ? v->option : v->env ? v->env : config_options[id].fallback;
}

static struct conf_scope scope(const cephring_config *c)
{
	uint32_t type;
	const char *id = entity_name_parse(outside(c, OPT_NAME), &type);

	return (struct conf_scope){
		.conf = &c->conf,
		.cluster = outside(c, OPT_CLUSTER),
		.type = entity_type_name(type),
		.id = id,
		.host = c->host,
		.home = c->home,
		.pid = (long)getpid(),
		.override = override,
		.fallback = fallback,
		.arg = (void *)c,
	};
}

int config_find(const cephring_config *c, const char *key, char *out, size_t cap)
{
	struct conf_scope s = scope(c);
	const struct conf_entry *from;

	return conf_get(&s, key, out, cap, &from);
}

static void origin_words(const cephring_config *c, const struct config_value *v,
			 const struct conf_entry *from, char *out, size_t cap)
{
	if (v->option)
		snprintf(out, cap, "option");
	else if (v->env)
		snprintf(out, cap, "env %s", v->env_name);
	else if (from)
		snprintf(out, cap, "conf %s [%s] line %u", c->conf_path, from->section, from->line);
	else
		snprintf(out, cap, "default");
}

static int replace(char **at, const char *text)
{
	char *copy = mem_strdup(text);

	if (!copy)
		return -ENOMEM;
	mem_free(*at, 0);
	*at = copy;
	return 0;
}

static bool only_outside(enum option_id id)
{
	return id == OPT_CLUSTER || id == OPT_NAME || id == OPT_CONF;
}

static int resolve_one(cephring_config *c, enum option_id id)
{
	char value[CONF_VALUE_MAX], origin[CONFIG_ORIGIN_MAX];
	const struct conf_entry *from = NULL;
	struct conf_scope s = scope(c);
	struct config_value *v = &c->v[id];
	const char *wrong;
	int err;

	if (id == OPT_ID) { /* follows the name, which is resolved before */
		v->level = c->v[OPT_NAME].level;
		err = replace(&v->value, s.id);
		return err ? err : replace(&v->origin, c->v[OPT_NAME].origin);
	}
	if (only_outside(id))
		s.conf = NULL;
	err = conf_get(&s, config_options[id].name, value, sizeof value, &from);
	if (err)
		return config_fail(c, err == -ENOMEM ? err : -EINVAL, "%s: %s", config_options[id].name,
				   strerrordesc_np(-err));
	origin_words(c, v, from, origin, sizeof origin);
	wrong = option_check(id, value);
	if (wrong)
		return config_fail(c, -EINVAL, "%s = \"%.200s\" (%s): %s", config_options[id].name, value,
				   origin, wrong);
	v->level = v->option ? LEVEL_OPTION : v->env ? LEVEL_ENV : from ? LEVEL_CONF : LEVEL_DEFAULT;
	err = replace(&v->value, value);
	return err ? err : replace(&v->origin, origin);
}

int config_resolve(cephring_config *c)
{
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		int err = resolve_one(c, i);

		if (err)
			return err;
	}
	return 0;
}

/* ---- sources ---- */

/* "name" is "id" said in full: an id alone is a client's. */
static int source_check(cephring_config *c, enum option_id *id, const char **value, char name[CEPHX_NAME_MAX])
{
	const char *wrong, *word = config_options[*id].name;

	if (*id == OPT_ID) {
		snprintf(name, CEPHX_NAME_MAX, "client.%s", *value);
		if (!**value || strlen(*value) >= CEPHX_ID_MAX)
			return config_fail(c, -EINVAL, "%s: empty or too long", word);
		*id = OPT_NAME;
		*value = name;
	}
	if (*id == OPT_NAME) {
		wrong = strlen(*value) >= CEPHX_ID_MAX ? "too long" : option_check(OPT_NAME, *value);
		if (wrong)
			return config_fail(c, -EINVAL, "%s = \"%.200s\": %s", word, *value, wrong);
	}
	if (*id == OPT_CLUSTER && (!**value || strchr(*value, '/')))
		return config_fail(c, -EINVAL, "cluster = \"%.200s\": not a name", *value);
	return strlen(*value) < CONF_VALUE_MAX
		   ? 0
		   : config_fail(c, -EINVAL, "%s: too long", config_options[*id].name);
}

int config_set_env(cephring_config *c, enum option_id id, const char *name, const char *value)
{
	char whole[CEPHX_NAME_MAX];
	int err = source_check(c, &id, &value, whole);

	if (err)
		return err;
	c->v[id].env_name = name;
	return replace(&c->v[id].env, value);
}

int cephring_config_set(cephring_config *c, const char *key, const char *value)
{
	enum option_id id = option_find(key);
	char *old, whole[CEPHX_NAME_MAX];
	int err;

	c->error[0] = 0;
	if (id == OPT_COUNT)
		return config_fail(c, -EINVAL, "\"%.200s\" is not an option", key);
	if (!value)
		return config_fail(c, -EINVAL, "%s: no value", config_options[id].name);
	err = source_check(c, &id, &value, whole);
	if (err)
		return err;
	old = c->v[id].option;
	c->v[id].option = mem_strdup(value);
	if (!c->v[id].option) {
		c->v[id].option = old;
		return config_fail(c, -ENOMEM, "no memory");
	}
	err = resolve_one(c, id);
	if (err) {
		mem_free(c->v[id].option, 0);
		c->v[id].option = old;
		return err;
	}
	mem_free(old, 0);
	if (config_options[id].load)
		c->loaded = false;
	/* Others may name this one. What is wrong with a file or the environment is for load to say. */
	if (config_resolve(c) == -ENOMEM)
		return -ENOMEM;
	c->error[0] = 0;
	return 0;
}

/* ---- lifetime ---- */

int cephring_config_new(cephring_config **out)
{
	cephring_config *c = mem_alloc(sizeof *c);
	int err;

	if (!c)
		return -ENOMEM;
	err = config_resolve(c);
	if (err) {
		cephring_config_free(c);
		return err;
	}
	*out = c;
	return 0;
}

void cephring_config_free(cephring_config *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		struct config_value *v = &c->v[i];
		char *text[] = { v->option, v->env, v->value, v->origin };

		for (unsigned k = 0; k < sizeof text / sizeof text[0]; k++) {
			if (text[k] && config_options[i].kind == KIND_SECRET)
				crypto_wipe(text[k], strlen(text[k]));
			mem_free(text[k], 0);
		}
	}
	conf_free(&c->conf);
	crypto_wipe(c, sizeof *c);
	mem_free(c, sizeof *c);
}

/* ---- looking ---- */

static const char *shown(const cephring_config *c, enum option_id id)
{
	if (config_options[id].kind == KIND_SECRET)
		return c->v[id].value[0] ? "(set)" : "";
	return c->v[id].value;
}

const char *cephring_config_error(const cephring_config *c)
{
	return c->error;
}

const char *cephring_config_get(const cephring_config *c, const char *key, const char **origin)
{
	enum option_id id = option_find(key);

	if (id == OPT_COUNT)
		return NULL;
	if (origin)
		*origin = c->v[id].origin;
	return shown(c, id);
}

void cephring_config_each(const cephring_config *c,
			  void (*fn)(void *arg, const char *key, const char *value, const char *origin),
			  void *arg)
{
	for (unsigned i = 0; i < OPT_COUNT; i++)
		fn(arg, config_options[i].name, shown(c, i), c->v[i].origin);
}

const char *config_text(const cephring_config *c, enum option_id id)
{
	return c->v[id].value;
}

bool config_bool(const cephring_config *c, enum option_id id)
{
	bool on = false;

	if (config_options[id].kind == KIND_ACL)
		option_acl(c->v[id].value, &on);
	else
		option_bool(c->v[id].value, &on);
	return on;
}

uint64_t config_u64(const cephring_config *c, enum option_id id)
{
	uint64_t v = 0;

	switch (config_options[id].kind) {
	case KIND_COUNT:
		option_count(c->v[id].value, &v);
		break;
	case KIND_SIZE:
		option_size(c->v[id].value, &v);
		break;
	case KIND_SECONDS:
		option_seconds(c->v[id].value, &v);
		break;
	default:
		break;
	}
	return v;
}
