/* history.c: see history.h. */
#include "history.h"

#include <stdlib.h>
#include <string.h>

/* A read and the versions that it may have seen. */
struct candidate {
	const struct read_record *r;
	uint32_t lo, hi;
	uint64_t *fits; /* a bit for each of lo .. hi */
	uint32_t chosen;
};

static bool same(struct answer a, struct answer b)
{
	return a.ino == b.ino && a.stamp == b.stamp;
}

/* Version v can be the current one from its own beginning until the end of the next. */
static void bounds(struct candidate *c, const struct version *v, size_t count)
{
	size_t lo = 0, hi = count, mid;

	/* The first version whose successor was not complete before the read began. */
	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (mid + 1 < count && v[mid + 1].to_ns < c->r->from_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	c->lo = (uint32_t)lo;
	/* The last that had begun before the read ended. */
	hi = count - 1;
	while (lo < hi) {
		mid = (lo + hi + 1) / 2;
		if (v[mid].from_ns <= c->r->to_ns)
			lo = mid;
		else
			hi = mid - 1;
	}
	c->hi = (uint32_t)lo;
	c->fits = calloc((c->hi - c->lo) / 64 + 1, sizeof *c->fits);
}

static int by_lo(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static int by_beginning(const void *a, const void *b)
{
	const struct candidate *x = *(struct candidate *const *)a, *y = *(struct candidate *const *)b;

	return x->r->from_ns < y->r->from_ns ? -1 : x->r->from_ns > y->r->from_ns;
}

static int by_end(const void *a, const void *b)
{
	const struct candidate *x = *(struct candidate *const *)a, *y = *(struct candidate *const *)b;

	return x->r->to_ns < y->r->to_ns ? -1 : x->r->to_ns > y->r->to_ns;
}

/* Goes through the versions once, with the reads that are open at each. */
static void try_all(struct candidate *c, size_t count, struct model m, const struct version *v,
		    size_t version_count)
{
	struct candidate **open = malloc(count * sizeof *open);
	size_t opened = 0, next = 0;

	for (uint32_t n = 0; n < version_count; n++) {
		if (n)
			model_apply(&m, &v[n]);
		while (next < count && c[next].lo == n)
			open[opened++] = &c[next++];
		for (size_t k = 0; k < opened;) {
			struct candidate *o = open[k];
			uint32_t bit = n - o->lo;

			if (same(model_ask(&m, &o->r->q), o->r->a))
				o->fits[bit / 64] |= 1ull << bit % 64;
			if (o->hi == n)
				open[k] = open[--opened];
			else
				k++;
		}
	}
	free(open);
}

static bool choose(struct candidate *c, uint32_t at_least)
{
	for (uint32_t n = at_least > c->lo ? at_least : c->lo; n <= c->hi; n++) {
		if (c->fits[(n - c->lo) / 64] >> (n - c->lo) % 64 & 1) {
			c->chosen = n;
			return true;
		}
	}
	c->chosen = at_least;
	return false;
}

static struct answer newest(const struct model *first, const struct version *v, const struct candidate *c)
{
	struct model m = *first;

	for (uint32_t n = 1; n <= c->hi; n++)
		model_apply(&m, &v[n]);
	return model_ask(&m, &c->r->q);
}

struct verdict history_judge(const struct model *first, const struct version *versions, size_t version_count,
			     struct read_record *reads, size_t read_count)
{
	struct candidate *c = calloc(read_count + 1, sizeof *c);
	struct candidate **begun = calloc(read_count + 1, sizeof(void *)),
			 **ended = calloc(read_count + 1, sizeof(void *));
	struct verdict verdict = { .reads = read_count };
	uint32_t at_least = 0;
	size_t done = 0;

	for (size_t n = 0; n < read_count; n++) {
		c[n].r = &reads[n];
		bounds(&c[n], versions, version_count);
	}
	qsort(c, read_count, sizeof *c, by_lo);
	try_all(c, read_count, *first, versions, version_count);
	for (size_t n = 0; n < read_count; n++)
		begun[n] = ended[n] = &c[n];
	qsort(begun, read_count, sizeof *begun, by_beginning);
	qsort(ended, read_count, sizeof *ended, by_end);
	for (size_t n = 0; n < read_count; n++) {
		/* Those that had ended have chosen: they began earlier. */
		for (; done < read_count && ended[done]->r->to_ns < begun[n]->r->from_ns; done++)
			if (ended[done]->chosen > at_least)
				at_least = ended[done]->chosen;
		if (!choose(begun[n], at_least) && !verdict.impossible++) {
			verdict.first = *begun[n]->r;
			verdict.should = newest(first, versions, begun[n]);
		}
	}
	for (size_t n = 0; n < read_count; n++)
		free(c[n].fits);
	free(c);
	free(begun);
	free(ended);
	return verdict;
}
