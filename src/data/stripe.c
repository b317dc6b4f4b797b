/* stripe.c: see stripe.h. All of it follows from one question: how many of the first bytes of an object set
 * belong to one of its objects (taken()). */
#include "stripe.h"

#include <errno.h>

int stripe_check(const struct stripe_layout *l)
{
	if (!l->unit || !l->count || !l->object_size || l->object_size % l->unit)
		return -EINVAL;
	return 0;
}

static uint64_t row_bytes(const struct stripe_layout *l)
{
	return (uint64_t)l->unit * l->count;
}

static uint64_t set_bytes(const struct stripe_layout *l)
{
	return (uint64_t)l->object_size * l->count;
}

/* Of the first `n` bytes of a set, those in its object `at`. */
static uint64_t taken(const struct stripe_layout *l, uint64_t n, uint32_t at)
{
	uint64_t row = row_bytes(l), full = n / row * l->unit, before = (uint64_t)at * l->unit;

	n %= row;
	if (n <= before)
		return full;
	return full + (n - before < l->unit ? n - before : l->unit);
}

/* The part of [0, set_bytes] that lies below `offset` of the file. */
static uint64_t in_set(const struct stripe_layout *l, uint64_t set, uint64_t offset)
{
	uint64_t bytes = set_bytes(l), first = set * bytes;

	if (offset <= first)
		return 0;
	return offset - first < bytes ? offset - first : bytes;
}

uint64_t stripe_file_offset(const struct stripe_layout *l, uint64_t object, uint64_t offset)
{
	uint64_t set = object / l->count, at = object % l->count;

	return set * set_bytes(l) + offset / l->unit * row_bytes(l) + at * l->unit + offset % l->unit;
}

void stripe_begin(struct stripe_iter *it, const struct stripe_layout *l, uint64_t offset, uint64_t len)
{
	*it = (struct stripe_iter){
		.layout = *l, .offset = offset, .end = offset + len, .set = offset / set_bytes(l)
	};
}

/* In each set: from the unit that the range begins in, one object after the other, until they come round. */
bool stripe_next(struct stripe_iter *it, struct stripe_run *run)
{
	const struct stripe_layout *l = &it->layout;
	uint64_t from, to, first, units;
	uint32_t at;

	if (it->offset == it->end || it->set > (it->end - 1) / set_bytes(l))
		return false;
	from = in_set(l, it->set, it->offset);
	to = in_set(l, it->set, it->end);
	first = from / l->unit;
	units = (to - 1) / l->unit - first + 1;
	at = (uint32_t)((first + it->at) % l->count);
	if (++it->at == (units < l->count ? units : l->count)) {
		it->at = 0;
		run->object = it->set++ * l->count + at;
	} else {
		run->object = it->set * l->count + at;
	}
	run->offset = taken(l, from, at);
	run->len = taken(l, to, at) - run->offset;
	run->file_offset = stripe_file_offset(l, run->object, run->offset);
	return true;
}

bool stripe_piece(const struct stripe_layout *l, const struct stripe_run *run, uint64_t done,
		  struct stripe_piece *piece)
{
	uint64_t left = run->len - done, unit;

	if (!left)
		return false;
	piece->offset = run->offset + done;
	piece->file_offset = stripe_file_offset(l, run->object, piece->offset);
	/* One object after the other: nothing lies between its units. */
	unit = l->count == 1 ? l->object_size : l->unit;
	piece->len = unit - piece->offset % unit;
	if (piece->len > left)
		piece->len = left;
	return true;
}

uint64_t stripe_object_bytes(const struct stripe_layout *l, uint64_t object, uint64_t file_size)
{
	return taken(l, in_set(l, object / l->count, file_size), (uint32_t)(object % l->count));
}

uint64_t stripe_object_trunc(const struct stripe_layout *l, uint64_t object, uint64_t truncate_size)
{
	if (!truncate_size || truncate_size == UINT64_MAX)
		return truncate_size;
	return stripe_object_bytes(l, object, truncate_size);
}

/* Hexadecimal digits at `out`, at least `width` of them; how many. */
static size_t hex(uint64_t v, size_t width, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 1;

	while (n < width || (n < 16 && v >> (4 * n)))
		n++;
	for (size_t k = 0; k < n; k++)
		out[k] = digits[v >> (4 * (n - 1 - k)) & 15];
	return n;
}

/* One for each request, so without printf. */
size_t stripe_object_name(uint64_t ino, uint64_t object, char *out)
{
	size_t n = hex(ino, 1, out);

	out[n++] = '.';
	n += hex(object, 8, out + n);
	out[n] = '\0';
	return n;
}
