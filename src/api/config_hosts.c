/* config_hosts.c: from `mon_host` to addresses, and to what the monitor client wants to know. */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static void mon_add(cephring_config *c, const struct entity_addr *a)
{
	for (unsigned i = 0; i < c->mon_count; i++)
		if (addr_equal(&c->mon[i], a))
			return;
	if (c->mon_count < MONHOST_MAX)
		c->mon[c->mon_count++] = *a;
}

static void sockaddr_take(const struct sockaddr *sa, struct entity_addr *a)
{
	if (sa->sa_family == AF_INET) {
		memcpy(a->ip, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	} else {
		memcpy(a->ip, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
		a->scope_id = ((const struct sockaddr_in6 *)sa)->sin6_scope_id;
	}
	a->family = sa->sa_family;
}

/* A name may stand for several monitors: all its addresses are taken. NULL or the resolver's words. */
static const char *name_resolve(cephring_config *c, const struct monhost_entry *e)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *list;
	int err = getaddrinfo(e->name, NULL, &hints, &list);

	if (err)
		return gai_strerror(err);
	for (struct addrinfo *i = list; i; i = i->ai_next) {
		struct entity_addr a = { .type = ADDR_MSGR2, .port = e->addr.port };

		if (i->ai_family != AF_INET && i->ai_family != AF_INET6)
			continue;
		sockaddr_take(i->ai_addr, &a);
		mon_add(c, &a);
	}
	freeaddrinfo(list);
	return NULL;
}

static int none_found(cephring_config *c, const struct monhost *m, const char *failed)
{
	const struct config_value *v = &c->v[OPT_MON_HOST];
	bool legacy = m->count > 0;

	for (unsigned i = 0; i < m->count; i++)
		legacy = legacy && m->mon[i].legacy;
	if (legacy)
		return config_fail(c, -EPROTONOSUPPORT,
				   "mon_host = \"%.1000s\" (%s): only legacy msgr1 addresses; cephring "
				   "speaks msgr2 (port %d)",
				   v->value, v->origin, MON_PORT);
	if (m->count)
		return config_fail(c, -ENOENT, "mon_host (%s): no address for %s", v->origin, failed);
	return config_fail(c, -ENOENT,
			   "mon_host is not set: neither as an option, nor in CEPH_ARGS, nor in %s (looking "
			   "monitors up by DNS "
			   "SRV records is not supported)",
			   c->conf_path[0] ? c->conf_path : "a ceph.conf (none was found)");
}

int config_find_mons(cephring_config *c)
{
	const struct config_value *v = &c->v[OPT_MON_HOST];
	char failed[1024] = "";
	struct monhost m;
	size_t n = 0;
	int err;

	c->mon_count = 0;
	err = monhost_parse(v->value, &m);
	if (err == -EINVAL)
		return config_fail(c, err, "mon_host (%s): not an address or name: \"%.100s\"", v->origin,
				   v->value + m.error_at);
	if (err)
		return config_fail(c, -EINVAL, "mon_host (%s): more than %d monitors, or too long", v->origin,
				   MONHOST_MAX);
	for (unsigned i = 0; i < m.count; i++) {
		const struct monhost_entry *e = &m.mon[i];
		const char *why = NULL;

		if (e->legacy)
			continue;
		if (e->name[0])
			why = name_resolve(c, e);
		else
			mon_add(c, &e->addr);
		if (why && n < sizeof failed)
			n += (size_t)snprintf(failed + n, sizeof failed - n, "%s%s (%s)", n ? ", " : "",
					      e->name, why);
	}
	return c->mon_count ? 0 : none_found(c, &m, failed);
}

int config_mon_opts(const cephring_config *c, struct mon_opts *o, struct log *log)
{
	enum option_id methods =
	    c->v[OPT_AUTH_SUPPORTED].value[0] ? OPT_AUTH_SUPPORTED : OPT_AUTH_CLIENT_REQUIRED;

	if (!c->loaded)
		return log_fail(log, -EINVAL, "the configuration is not loaded%s%s", c->error[0] ? ": " : "",
				c->error);
	*o = (struct mon_opts){
		.entity = c->v[OPT_NAME].value,
		.key = c->key,
		.have_key = c->have_key,
		.addrs = c->mon,
		.addr_count = c->mon_count,
		.timeout_ns = config_u64(c, OPT_CLIENT_MOUNT_TIMEOUT),
		.keepalive_ns = config_u64(c, OPT_KEEPALIVE),
		.dead_ns = config_u64(c, OPT_DEAD_AFTER),
	};
	o->mon_mode_count = option_modes(c->v[OPT_MS_MON_CLIENT_MODE].value, o->mon_modes);
	o->service_mode_count = option_modes(c->v[OPT_MS_CLIENT_MODE].value, o->service_modes);
	option_methods(c->v[methods].value, &o->allow_cephx, &o->allow_none);
	return 0;
}
