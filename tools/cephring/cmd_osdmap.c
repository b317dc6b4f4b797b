/* cmd_osdmap.c: `cephring osdmap`: where a binary OSD map puts placement groups and objects. Offline: reads
 * files, asks no cluster.
 *
 *   pool ID type T size S pg_num N pgp_num M flags 0xF hash H rule R
 *   pg POOL.HEX raw LIST PRIMARY up LIST PRIMARY acting LIST PRIMARY
 *   obj POOL NAME hash 0xHHHHHHHH pg POOL.HEX acting LIST
 *
 * In a LIST "-" is a hole, "." an empty list; PRIMARY is -1 where there is none. With --object the line of
 * that object only. --json: an array of pools with their groups, or of objects.
 */
#include "json.h"
#include "text.h"

#include <cephring_osdmap.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAP_BYTES_MAX = 64 << 20 };

struct object {
	const char *pool, *name;
};

struct osdmap_view {
	struct tool *tool;
	cephring_osdmap *map;
	char **incremental; /* as many as argv could have, as are the objects */
	struct object *object;
	unsigned incremental_count, object_count;
	struct json_list list;
};

static const struct argp_option options[] = {
	{ "incremental", 'i', "FILE", 0, "Then apply this incremental map; again for more, in order", 0 },
	{ "object", 'o', "POOL NAME", 0, "Only where this object of the pool (its name or id) is", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct osdmap_view *v = a->opts;

	switch (key) {
	case 'i':
		v->incremental[v->incremental_count++] = arg;
		return 0;
	case 'o':
		if (state->next >= state->argc)
			argp_error(state, "--object %s: POOL and NAME are wanted", arg);
		else
			v->object[v->object_count++] = (struct object){ arg, state->argv[state->next++] };
		return 0;
	default:
		return args_option(key, arg, state);
	}
}

/* --- reading --- */

static void fail(struct osdmap_view *v, const char *what, int err, const char *why)
{
	tool_fail(v->tool, what, strlen(what), err, why);
}

/* The bytes of a file; the caller's, free(). NULL: it was said why. */
static char *read_file(struct osdmap_view *v, const char *path, size_t *len)
{
	char *buf = tool_alloc(MAP_BYTES_MAX + 1);
	FILE *f = fopen(path, "rb");
	int err = 0;

	*len = 0;
	if (f) {
		*len = fread(buf, 1, MAP_BYTES_MAX + 1, f);
		err = ferror(f) ? errno : *len > MAP_BYTES_MAX ? EFBIG : 0;
		fclose(f);
	} else {
		err = errno;
	}
	if (!err)
		return buf;
	fail(v, path, -err, NULL);
	free(buf);
	return NULL;
}

static bool load(struct osdmap_view *v, const char *path, bool incremental)
{
	const char *why = NULL;
	size_t len;
	char *bytes = read_file(v, path, &len);
	int err;

	if (!bytes)
		return false;
	if (incremental)
		err = cephring_osdmap_apply(v->map, bytes, len, &why);
	else
		err = cephring_osdmap_decode(bytes, len, &v->map, &why);
	free(bytes);
	if (err)
		fail(v, path, err, why);
	return !err;
}

/* --- printing --- */

static void put_list(const struct cephring_osd_set *s)
{
	if (!s->count)
		putchar('.');
	for (uint32_t i = 0; i < s->count; i++) {
		if (i)
			putchar(',');
		if (s->osd[i] == CEPHRING_OSD_NONE)
			putchar('-');
		else
			printf("%" PRId32, s->osd[i]);
	}
}

static void put_set(const char *name, const struct cephring_osd_set *s)
{
	printf(" %s ", name);
	put_list(s);
	printf(" %" PRId32, s->primary);
}

static void append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		tool_no_memory();
}

static void set(json_t *obj, const char *key, json_t *value)
{
	if (json_object_set_new(obj, key, value))
		tool_no_memory();
}

static void json_set(json_t *obj, const char *name, const struct cephring_osd_set *s)
{
	json_t *osds = json_array();
	char key[32];

	for (uint32_t i = 0; i < s->count; i++)
		append(osds, s->osd[i] == CEPHRING_OSD_NONE ? json_null() : json_integer(s->osd[i]));
	set(obj, name, osds);
	snprintf(key, sizeof key, "%s_primary", name);
	set(obj, key, s->primary < 0 ? json_null() : json_integer(s->primary));
}

static void json_pgid(json_t *obj, int64_t pool, uint32_t seed)
{
	char text[40];

	snprintf(text, sizeof text, "%" PRId64 ".%" PRIx32, pool, seed);
	json_text(obj, "pg", text);
}

static void put_pg(struct osdmap_view *v, int64_t pool, uint32_t seed, const struct cephring_osdmap_pg *pg,
		   json_t *to)
{
	json_t *o;

	if (!v->tool->json) {
		printf("pg %" PRId64 ".%" PRIx32, pool, seed);
		put_set("raw", &pg->raw);
		put_set("up", &pg->up);
		put_set("acting", &pg->acting);
		putchar('\n');
		return;
	}
	o = json_new();
	json_pgid(o, pool, seed);
	json_set(o, "raw", &pg->raw);
	json_set(o, "up", &pg->up);
	json_set(o, "acting", &pg->acting);
	append(to, o);
}

static const char *why_not(int err)
{
	if (err == -EOPNOTSUPP)
		return "a rule, algorithm or size that this version does not know";
	return err == -ELOOP ? "the CRUSH rule does not come to an end" : NULL;
}

static void put_pgs(struct osdmap_view *v, const struct cephring_osdmap_pool *p, json_t *to)
{
	struct cephring_osdmap_pg pg = { .size = sizeof pg };
	char what[64];
	int err;

	for (uint32_t seed = 0; seed < p->pg_num; seed++) {
		err = cephring_osdmap_pg(v->map, p->id, seed, &pg);
		if (err) {
			snprintf(what, sizeof what, "pg %" PRId64 ".%" PRIx32 " and on", p->id, seed);
			fail(v, what, err, why_not(err));
			return;
		}
		put_pg(v, p->id, seed, &pg, to);
	}
}

static void put_pool_text(const struct cephring_osdmap_pool *p)
{
	printf("pool %" PRId64 " type %" PRIu32 " size %" PRIu32 " pg_num %" PRIu32 " pgp_num %" PRIu32
	       " flags 0x%" PRIx64 " hash %" PRIu32 " rule %" PRId32 "\n",
	       p->id, p->type, p->replicas, p->pg_num, p->pgp_num, p->flags, p->object_hash, p->crush_rule);
}

static json_t *json_pool(const struct cephring_osdmap_pool *p)
{
	json_t *o = json_new();

	json_u64(o, "pool", (uint64_t)p->id);
	json_bytes(o, "name", p->name, p->name_len);
	json_u64(o, "type", p->type);
	json_u64(o, "size", p->replicas);
	json_u64(o, "pg_num", p->pg_num);
	json_u64(o, "pgp_num", p->pgp_num);
	json_u64(o, "flags", p->flags);
	json_u64(o, "hash", p->object_hash);
	set(o, "rule", json_integer(p->crush_rule));
	return o;
}

static void put_pools(struct osdmap_view *v)
{
	struct cephring_osdmap_pool p = { .size = sizeof p };
	json_t *o, *pgs;

	for (uint32_t i = 0; !cephring_osdmap_pool_at(v->map, i, &p); i++) {
		if (!v->tool->json) {
			put_pool_text(&p);
			put_pgs(v, &p, NULL);
			continue;
		}
		o = json_pool(&p);
		pgs = json_array();
		put_pgs(v, &p, pgs);
		set(o, "pgs", pgs);
		json_list_item(&v->list, o);
	}
}

/* --- objects --- */

/* By id, if it is the number of a pool; else by name. */
static bool find_pool(struct osdmap_view *v, const char *text, struct cephring_osdmap_pool *p)
{
	char *end;
	long long id = strtoll(text, &end, 10);

	for (uint32_t i = 0; *text && !*end && !cephring_osdmap_pool_at(v->map, i, p); i++)
		if (p->id == id)
			return true;
	return !cephring_osdmap_pool_find(v->map, text, strlen(text), p);
}

static void put_object_text(const char *name, int64_t pool, uint32_t hash, uint32_t seed,
			    const struct cephring_osd_set *acting)
{
	printf("obj %" PRId64 " %s hash 0x%08" PRIx32 " pg %" PRId64 ".%" PRIx32 " acting ", pool, name, hash,
	       pool, seed);
	put_list(acting);
	putchar('\n');
}

static json_t *json_object_of(const char *name, int64_t pool, uint32_t hash, uint32_t seed,
			      const struct cephring_osd_set *acting)
{
	json_t *o = json_new();

	json_u64(o, "pool", (uint64_t)pool);
	json_text(o, "object", name);
	json_u64(o, "hash", hash);
	json_pgid(o, pool, seed);
	json_set(o, "acting", acting);
	return o;
}

static void put_object(struct osdmap_view *v, const struct object *object)
{
	struct cephring_osdmap_pool pool = { .size = sizeof pool };
	struct cephring_osdmap_pg pg = { .size = sizeof pg };
	uint32_t hash, seed;
	char *shown;
	int err;

	if (!find_pool(v, object->pool, &pool)) {
		fail(v, object->pool, -ENOENT, "no such pool in this map");
		return;
	}
	err =
	    cephring_osdmap_object(v->map, pool.id, "", 0, object->name, strlen(object->name), &hash, &seed);
	if (!err)
		err = cephring_osdmap_pg(v->map, pool.id, seed, &pg);
	if (err) {
		fail(v, object->name, err, why_not(err));
		return;
	}
	if (v->tool->json) {
		json_list_item(&v->list, json_object_of(object->name, pool.id, hash, seed, &pg.acting));
		return;
	}
	shown = text_name(object->name, strlen(object->name));
	put_object_text(shown, pool.id, hash, seed, &pg.acting);
	free(shown);
}

static void put_all(struct osdmap_view *v)
{
	if (v->tool->json)
		json_list_begin(&v->list);
	if (!v->object_count)
		put_pools(v);
	for (unsigned i = 0; i < v->object_count; i++)
		put_object(v, &v->object[i]);
	if (v->tool->json)
		json_list_end(&v->list);
}

void cmd_osdmap(struct tool *t, int argc, char **argv)
{
	struct argp argp = {
		options,
		parse,
		"[OPTION...] FILE",
		"Shows where a binary OSD map puts placement groups and objects, without a cluster.",
		NULL,
		NULL,
		NULL
	};
	struct osdmap_view v = { .tool = t };
	struct args a;
	bool ok;

	v.incremental = tool_alloc((size_t)argc * sizeof *v.incremental);
	v.object = tool_alloc((size_t)argc * sizeof *v.object);
	args_read(&a, t, &argp, argc, argv, &v);
	args_need(&a, 1, 1);
	ok = load(&v, a.list[0], false);
	for (unsigned i = 0; ok && i < v.incremental_count; i++)
		ok = load(&v, v.incremental[i], true);
	if (ok)
		put_all(&v);
	cephring_osdmap_free(v.map);
	free(v.incremental);
	free(v.object);
}
