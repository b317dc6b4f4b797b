/* realm_check.c: what is true of all realms at any time; tests ask after every step. */
#include "meta.h"

static const char *check_place(const struct meta *m, const struct realm *r)
{
	uint32_t children = 0, steps = 0;
	const struct realm *c;

	if (r->parent ? r->parent_ino != r->parent->ino : r->parent_ino)
		return "a realm has another parent than it says";
	for (c = r; c->parent; c = c->parent)
		if (++steps > m->realm_count)
			return "realms in a circle";
	LIST_FOREACH(c, &r->children, sibling)
	if (c->parent != r || ++children > m->realm_count)
		return "a child of another realm";
	if (r->nref < children)
		return "a realm with fewer references than children";
	if (r->queued || r->changed)
		return "a realm that waits for its context";
	return NULL;
}

static const char *check_context(const struct realm *r)
{
	struct snapctx *c = NULL;
	const char *why = NULL;

	if (!r->ctx || !r->ctx->nref)
		return "a realm without context";
	for (uint32_t n = 0; n < r->ctx->count; n++)
		if (r->ctx->snaps[n] > (n ? r->ctx->snaps[n - 1] - 1 : r->ctx->seq))
			return "a context that does not descend from its seq";
	if (!realm_context_build(r, &c) && !snapctx_same(c, r->ctx))
		why = "a context that is not its realm's";
	snapctx_put(c);
	return why;
}

const char *realms_check(const struct meta *m)
{
	const struct realm *r;
	const char *why = NULL;
	uint32_t count = 0;

	LIST_FOREACH(r, &m->realms, all)
	{
		count++;
		why = why ? why : check_place(m, r);
		if (!why && !m->fenced)
			why = check_context(r);
	}
	return why ? why : count == m->realm_count ? NULL : "realms are lost";
}
