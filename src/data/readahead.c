/* readahead.c: see readahead.h. */
#include "readahead.h"

static bool follows(const struct readahead *ra, uint64_t off)
{
	/* Several reads in flight come in nearly any order: a little back or on is the same stream. */
	return off <= ra->next + ra->window && ra->next <= off + ra->window;
}

bool readahead_on_read(struct readahead *ra, const struct readahead_opts *o, uint64_t unit, uint64_t off,
		       uint64_t len, uint64_t *ahead, uint64_t *ahead_len)
{
	uint64_t end = off + len, from, to;

	if (ra->mode == READAHEAD_NONE || !o->max)
		return false;
	if (!follows(ra, off)) {
		*ra = (struct readahead){ .next = end, .until = end, .mode = ra->mode };
		if (ra->mode != READAHEAD_SEQUENTIAL)
			return false;
	}
	if (end > ra->next)
		ra->next = end;
	if (ra->until < ra->next)
		ra->until = ra->next;
	if (ra->window && ra->until - ra->next > ra->window / 2)
		return false;
	ra->window = ra->window ? ra->window * 2 : len * 2;
	if (ra->window < o->min)
		ra->window = o->min;
	if (ra->window > o->max || ra->mode == READAHEAD_SEQUENTIAL)
		ra->window = o->max;
	from = ra->until;
	to = ra->next + ra->window;
	if (to % unit && to - to % unit >= from + ra->window / 2)
		to -= to % unit;
	if (to <= from)
		return false;
	ra->until = to;
	*ahead = from;
	*ahead_len = to - from;
	return true;
}
