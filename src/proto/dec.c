/* dec.c: see dec.h. */
#include "dec.h"

#include <errno.h>

struct dec dec_init(const void *p, size_t len)
{
	const uint8_t *b = p ? p : (const uint8_t *)"";

	return (struct dec){ .p = b, .end = b + (p ? len : 0) };
}

void dec_fail(struct dec *d, const char *what)
{
	if (!d->err) {
		d->err = -EBADMSG;
		d->what = what;
	}
	d->p = d->end;
}

const uint8_t *dec_take(struct dec *d, size_t n)
{
	if (d->err || n > (size_t)(d->end - d->p)) {
		dec_fail(d, "short");
		return NULL;
	}
	d->p += n;
	return d->p - n;
}

static struct dec dec_child(struct dec *d, uint32_t len)
{
	const uint8_t *p = dec_take(d, len);

	if (p)
		return dec_init(p, len);
	return (struct dec){ .p = d->end, .end = d->end, .err = d->err, .what = d->what };
}

struct dec dec_section(struct dec *d, uint8_t known, uint8_t *version)
{
	uint8_t v = dec_u8(d), compat = dec_u8(d);
	uint32_t len = dec_u32(d);

	if (version)
		*version = v;
	if (!d->err && compat > known)
		dec_fail(d, "a section newer than is understood");
	return dec_child(d, len);
}

struct dec dec_blob(struct dec *d)
{
	return dec_child(d, dec_u32(d));
}

void dec_close(struct dec *d, const struct dec *child)
{
	if (child->err && !d->err) {
		d->err = child->err;
		d->what = child->what;
		d->p = d->end;
	}
}

uint32_t dec_count(struct dec *d, size_t min)
{
	uint32_t n = dec_u32(d);

	if (!d->err && min && n > dec_left(d) / min) {
		dec_fail(d, "a count larger than the message");
		return 0;
	}
	return n;
}

struct slice dec_slice(struct dec *d)
{
	uint32_t len = dec_u32(d);
	const uint8_t *p = dec_take(d, len);

	return p ? (struct slice){ p, len } : (struct slice){ (const uint8_t *)"", 0 };
}

struct slice dec_items(struct dec *d, uint32_t count, uint32_t size)
{
	const uint8_t *p = NULL;

	if ((uint64_t)count * size <= dec_left(d))
		p = dec_take(d, (size_t)count * size);
	else
		dec_fail(d, "short");
	return p ? (struct slice){ p, count * size } : (struct slice){ (const uint8_t *)"", 0 };
}

void dec_end(struct dec *d)
{
	if (!d->err && d->p != d->end)
		dec_fail(d, "bytes left over");
}

uint64_t dec_time(struct dec *d)
{
	uint64_t sec = dec_u32(d);

	return sec * 1000000000u + dec_u32(d);
}
