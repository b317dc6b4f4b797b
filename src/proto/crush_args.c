/* crush_args.c: weight sets (choose_args): other weights for the buckets of one pool, or of all.
 *
 * The balancer writes them where clients are too old for upmaps. A set may have several positions: the
 * weights for the first replica, the second and so on; ids replace what is hashed in the items' place.
 */
#include "crush_impl.h"

static int cmp_arg_set(const void *a, const void *b)
{
	int64_t x = ((const struct crush_arg_set *)a)->key, y = ((const struct crush_arg_set *)b)->key;

	return (x > y) - (x < y);
}

static int cmp_arg(const void *a, const void *b)
{
	uint32_t x = ((const struct crush_arg *)a)->index, y = ((const struct crush_arg *)b)->index;

	return (x > y) - (x < y);
}

static const struct table_kind arg_sets = { sizeof(struct crush_arg_set), cmp_arg_set };
static const struct table_kind args = { sizeof(struct crush_arg), cmp_arg };

static void dec_arg_weights(struct dec *d, struct crush_arg *a, uint32_t size)
{
	a->positions = dec_count(d, 4);
	a->weights = d->p;
	for (uint32_t i = 0; i < a->positions && !d->err; i++) {
		if (dec_u32(d) != size)
			dec_fail(d, "a weight set that does not fit its bucket");
		dec_skip(d, (size_t)size * 4);
	}
}

static void dec_arg_ids(struct dec *d, struct crush_arg *a, uint32_t size)
{
	uint32_t n = dec_count(d, 4);

	if (n && n != size)
		dec_fail(d, "ids that do not fit their bucket");
	a->ids = dec_take(d, (size_t)n * 4);
	if (!n)
		a->ids = NULL;
}

static void dec_arg(struct dec *d, struct crush *c)
{
	struct crush_arg *a = table_add(&args, &c->args);
	uint32_t size = 0;

	*a = (struct crush_arg){ .index = dec_u32(d) };
	if (!d->err && a->index >= c->bucket_count)
		dec_fail(d, "a weight set of no bucket");
	if (!d->err)
		size = c->bucket[a->index].size;
	dec_arg_weights(d, a, size);
	dec_arg_ids(d, a, size);
}

static struct table args_of_set(const struct crush *c, const struct crush_arg_set *set)
{
	if (!set->count)
		return (struct table){ 0 };
	return (struct table){ .items = table_at(&args, &c->args, set->first), .count = set->count };
}

static void dec_arg_set(struct dec *d, struct crush *c)
{
	struct crush_arg_set *set = table_add(&arg_sets, &c->arg_sets);
	struct table own;
	uint32_t n;

	*set = (struct crush_arg_set){ .key = dec_s64(d), .first = c->args.count };
	n = dec_count(d, 12);
	table_room(d, &c->mem, &args, &c->args, n);
	while (set->count < n && !d->err) {
		dec_arg(d, c);
		set->count++;
	}
	if (d->err)
		return;
	own = args_of_set(c, set);
	if (!table_sort(&args, &own))
		dec_fail(d, "a weight set that is there twice");
}

void crush_args_decode(struct dec *d, struct crush *c)
{
	uint32_t n = dec_count(d, 8 + 4);

	table_room(d, &c->mem, &arg_sets, &c->arg_sets, n);
	while (n-- && !d->err)
		dec_arg_set(d, c);
	if (!d->err && !table_sort(&arg_sets, &c->arg_sets))
		dec_fail(d, "a weight set that is there twice");
}

void crush_args_free(struct crush *c)
{
	table_free(&c->mem, &args, &c->args);
	table_free(&c->mem, &arg_sets, &c->arg_sets);
}

const struct crush_arg_set *crush_args_of(const struct crush *c, int64_t pool)
{
	struct crush_arg_set key = { .key = pool }, *set = table_find(&arg_sets, &c->arg_sets, &key);

	if (set)
		return set;
	key.key = -1;
	return table_find(&arg_sets, &c->arg_sets, &key);
}

const struct crush_arg *crush_arg_of(const struct crush *c, const struct crush_arg_set *set, uint32_t bucket)
{
	struct crush_arg key = { .index = bucket };
	struct table own = args_of_set(c, set);

	return table_find(&args, &own, &key);
}
