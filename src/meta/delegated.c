/* delegated.c: inode numbers that an MDS lets this session give to new files by itself.
 *
 * They come with replies to CREATE and die with the session. Numbers that find no room here stay unused until
 * then.
 */
#include "meta.h"

#include "../proto/le.h"

void inos_add(struct ino_ranges *d, uint64_t start, uint64_t len)
{
	if (start < INO_USER_MIN || !len || start + len < start || d->count == INO_RANGES_MAX)
		return;
	d->range[d->count++] = (struct ino_range){ start, len };
}

uint64_t inos_take(struct ino_ranges *d)
{
	struct ino_range *r = &d->range[0];
	uint64_t ino;

	if (!d->count)
		return 0;
	ino = r->start++;
	if (!--r->len)
		*r = d->range[--d->count];
	return ino;
}

void inos_give(struct ino_ranges *d, uint64_t ino)
{
	for (uint32_t n = 0; n < d->count; n++) {
		if (d->range[n].start != ino + 1)
			continue;
		d->range[n].start--;
		d->range[n].len++;
		return;
	}
	inos_add(d, ino, 1);
}

void session_take_delegated(struct session *s, const struct reply *rep)
{
	struct dec d = dec_init(rep->extra.p, rep->extra.len);
	struct create_extra x;

	if (rep->op != MDS_OP_CREATE || rep->result || !s->m->o.async_dirops || create_extra_decode(&d, &x))
		return;
	for (uint32_t at = 0; at + 16 <= x.ranges.len; at += 16)
		inos_add(&s->delegated, le64_get(x.ranges.p + at), le64_get(x.ranges.p + at + 8));
}
