/* inside_osd.c: what the drop-in asks of the OSD map: pools, where objects lie, where OSDs are. */
#include "../data/stripe.h"
#include "inside_ask.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static const struct osdmap *map_of(cephring_mount *mt)
{
	return osdc_map(mt->data.osdc);
}

static int pool(cephring_mount *mt, void *arg)
{
	struct inside_pool *out = arg;
	const struct osdmap_pool *p = out->name[0]
					  ? osdmap_pool_by_name(map_of(mt), out->name, strlen(out->name))
					  : osdmap_pool(map_of(mt), out->id);

	if (!p)
		return -ENOENT;
	if (p->name.len >= sizeof out->name)
		return -ENAMETOOLONG;
	out->id = p->id;
	out->replicas = p->size;
	memcpy(out->name, p->name.p, p->name.len);
	out->name[p->name.len] = '\0';
	return 0;
}

int inside_pool(cephring_mount *mt, struct inside_pool *out)
{
	return inside_ask_map(mt, pool, out);
}

static int addr_of(const struct osdmap *m, int32_t osd, struct sockaddr_storage *out)
{
	const struct entity_addr *a = osdmap_osd_exists(m, osd) ? osdmap_osd_addr(m, osd) : NULL;

	memset(out, 0, sizeof *out);
	if (!a)
		return -ENOENT;
	if (a->family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(a->port);
		in6->sin6_scope_id = a->scope_id;
		memcpy(&in6->sin6_addr, a->ip, 16);
	} else {
		struct sockaddr_in *in = (struct sockaddr_in *)out;

		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip, 4);
	}
	return 0;
}

static int object(cephring_mount *mt, void *arg)
{
	struct inside_object *o = arg;
	struct stripe_layout l = { o->layout.stripe_unit, o->layout.stripe_count, o->layout.object_size };
	const struct osdmap_pool *p = osdmap_pool(map_of(mt), o->layout.pool);
	struct slice none = { NULL, 0 };
	char name[STRIPE_NAME_MAX];
	struct stripe_iter it;
	struct stripe_run run;
	struct pg_set acting;
	int8_t shard;
	size_t len;
	int err;

	if (!p)
		return -ENOENT;
	if (stripe_check(&l) || o->offset == UINT64_MAX)
		return -EINVAL;
	stripe_begin(&it, &l, o->offset, 1);
	stripe_next(&it, &run);
	len = stripe_object_name(o->ino, run.object, name);
	err = osdmap_pg_acting(
	    map_of(mt),
	    osdmap_object_pg(
		p, osdmap_object_hash(p, (struct slice){ (uint8_t *)name, (uint32_t)len }, none, none)),
	    &acting, &shard);
	o->count = 0;
	for (uint32_t n = 0; !err && n < acting.count && o->count < 64; n++) {
		if (acting.osd[n] == CRUSH_NONE)
			continue;
		if (o->addr)
			addr_of(map_of(mt), acting.osd[n], &o->addr[o->count]);
		o->osd[o->count++] = acting.osd[n];
	}
	return err;
}

int inside_object(cephring_mount *mt, struct inside_object *o)
{
	return inside_ask_map(mt, object, o);
}

struct about_osd {
	int32_t osd;
	void *out;
	size_t size;
};

static int osd_addr(cephring_mount *mt, void *arg)
{
	struct about_osd *a = arg;

	return addr_of(map_of(mt), a->osd, a->out);
}

int inside_osd_addr(cephring_mount *mt, int32_t osd, struct sockaddr_storage *addr)
{
	struct about_osd a = { .osd = osd, .out = addr };

	return inside_ask_map(mt, osd_addr, &a);
}

/* Appends a string with its NUL if there is room; counts it anyway. */
static void place_add(struct about_osd *a, size_t *used, struct slice s)
{
	if (*used + s.len + 1 <= a->size) {
		memcpy((char *)a->out + *used, s.p, s.len);
		((char *)a->out)[*used + s.len] = '\0';
	}
	*used += s.len + 1;
}

static int osd_place(cephring_mount *mt, void *arg)
{
	struct about_osd *a = arg;
	struct crush_place place[CRUSH_LEVELS_MAX];
	size_t used = 0;
	unsigned n;

	if (!osdmap_osd_exists(map_of(mt), a->osd))
		return -ENOENT;
	n = crush_where(osdmap_crush(map_of(mt)), a->osd, place, CRUSH_LEVELS_MAX);
	for (unsigned i = 0; i < n; i++) {
		place_add(a, &used, place[i].type);
		place_add(a, &used, place[i].name);
	}
	return (int)used;
}

int inside_osd_place(cephring_mount *mt, int32_t osd, char *out, size_t size)
{
	struct about_osd a = { .osd = osd, .out = out, .size = size };

	return inside_ask_map(mt, osd_place, &a);
}

static int osd_count(cephring_mount *mt, void *arg)
{
	int up = 0;

	(void)arg;
	for (uint32_t n = 0; n < osdmap_max_osd(map_of(mt)); n++)
		up += osdmap_osd_up(map_of(mt), (int32_t)n);
	return up;
}

int inside_osd_count(cephring_mount *mt)
{
	return inside_ask_map(mt, osd_count, NULL);
}

void inside_localize_reads(cephring_mount *mt, bool on)
{
	__atomic_store_n(&mt->data.read_flags, on ? OSD_FLAG_LOCALIZE_READS : 0, __ATOMIC_RELAXED);
}
