/* file_sizes.c: see file_sizes.h. */
#include "file_sizes.h"

#include <errno.h>

static void told(struct osd_req *q, int result)
{
	struct file_size *a = (struct file_size *)q;
	struct file_sizes *s = a->s;
	struct slice out = osd_req_output(q, 0);
	struct dec d = dec_init(out.p, out.len);
	struct osd_stat st = { 0 };

	a->busy = false;
	s->busy--;
	if (!result)
		result = osd_stat_decode(&d, &st);
	if (result && !osd_req_absent(q, result) && !s->err)
		s->err = result;
	s->size[a->n] = result ? 0 : st.size;
	if (!s->busy)
		s->done(s, s->err);
}

static int ask(struct osdc *c, struct file_sizes *s, uint32_t n)
{
	struct file_size *a = &s->ask[n];
	char name[STRIPE_NAME_MAX];
	int err = osd_req_init(&a->q, s->at.pool, s->at.nspace, name,
			       stripe_object_name(s->at.ino, s->first + n, name));

	a->s = s;
	a->n = n;
	a->q.done = told;
	a->q.snapid = s->at.snapid;
	osd_op_stat(osd_req_op(&a->q));
	err = err ? err : osdc_submit(c, &a->q);
	a->busy = !err;
	s->busy += !err;
	return err;
}

int file_sizes_submit(struct osdc *c, struct file_sizes *s)
{
	if (!s->count || s->count > FILE_SIZES || stripe_check(&s->at.layout))
		return -EINVAL;
	s->busy = 0;
	s->err = 0;
	for (uint32_t n = 0; n < s->count; n++)
		s->ask[n].busy = false;
	for (uint32_t n = 0; n < s->count && !s->err; n++)
		s->err = ask(c, s, n);
	return s->busy ? 0 : s->err;
}

void file_sizes_cancel(struct file_sizes *s, int err)
{
	if (!s->err)
		s->err = err;
	for (uint32_t n = 0; n < s->count; n++)
		if (s->ask[n].busy)
			osdc_cancel(&s->ask[n].q, err);
}

uint64_t file_sizes_find(const struct file_sizes *s, uint64_t offset, uint64_t end, bool hole)
{
	const struct stripe_layout *l = &s->at.layout;
	struct stripe_run run;
	struct stripe_iter it;

	while (offset < end) {
		uint64_t unit_left = l->unit - offset % l->unit, have, n = unit_left;

		stripe_begin(&it, l, offset, 1);
		stripe_next(&it, &run);
		have = s->size[run.object - s->first];
		if (hole == (run.offset >= have))
			return offset;
		if (run.offset < have && have - run.offset < n) /* the object ends within the unit */
			n = have - run.offset;
		offset += n;
	}
	return end;
}
