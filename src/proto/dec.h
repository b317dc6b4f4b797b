/* dec.h: reading bytes that a peer sent, without ever reading past their end.
 *
 * A `struct dec` is a cursor over borrowed memory. One function compares lengths (dec_take); all
 * others go through it. Errors stick: after the first one every getter gives 0 and the cursor stands at
 * its end, so a decoder reads straight on and looks at `err` once. All integers are little-endian, as
 * Ceph's encoding has them (ceph src/include/encoding.h). Pure: no allocation, no I/O, any thread.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct dec {
	const uint8_t *p, *end; /* borrowed from the message */
	int err;                /* 0, or -EBADMSG: broken bytes */
	const char *what;       /* static words for the first error, or NULL */
};

/* A string or blob inside the message; borrowed, not NUL-terminated. */
struct slice {
	const uint8_t *p;
	uint32_t len;
};

struct dec dec_init(const void *p, size_t len);
/* Records the first error and moves the cursor to its end. */
void dec_fail(struct dec *d, const char *what);
/* The one bounds check: `n` bytes, or NULL and a stuck error. */
const uint8_t *dec_take(struct dec *d, size_t n);
/* A versioned section: u8 version, u8 compat, u32 length. Refused when its compat is above `known`.
 * The parent already stands behind it, so a newer tail is skipped for free; the child ends where its
 * section ends. Hand the child's error up with dec_close(). */
struct dec dec_section(struct dec *d, uint8_t known, uint8_t *version);
void dec_close(struct dec *d, const struct dec *child);
/* A count whose items need at least `min` bytes each; more than the rest can hold is refused. */
uint32_t dec_count(struct dec *d, size_t min);
/* u32 length + bytes. */
struct slice dec_slice(struct dec *d);
/* `count` items of `size` bytes each. The count was the peer's to choose: no product of the two wraps. */
struct slice dec_items(struct dec *d, uint32_t count, uint32_t size);
/* u32 length + bytes, as a cursor over them; errors go up with dec_close(). */
struct dec dec_blob(struct dec *d);
/* Fails unless everything was read: for formats that must end exactly. */
void dec_end(struct dec *d);
/* utime (u32 sec, u32 nsec) in ns since the epoch. */
uint64_t dec_time(struct dec *d);

static inline size_t dec_left(const struct dec *d)
{
	return (size_t)(d->end - d->p);
}
static inline bool dec_skip(struct dec *d, size_t n)
{
	return dec_take(d, n) != NULL;
}

static inline uint8_t dec_u8(struct dec *d)
{
	const uint8_t *p = dec_take(d, 1);
	return p ? *p : 0;
}
static inline uint16_t dec_u16(struct dec *d)
{
	const uint8_t *p = dec_take(d, 2);
	uint16_t v = 0;
	if (p)
		memcpy(&v, p, 2);
	return v;
}
static inline uint32_t dec_u32(struct dec *d)
{
	const uint8_t *p = dec_take(d, 4);
	uint32_t v = 0;
	if (p)
		memcpy(&v, p, 4);
	return v;
}
static inline uint64_t dec_u64(struct dec *d)
{
	const uint8_t *p = dec_take(d, 8);
	uint64_t v = 0;
	if (p)
		memcpy(&v, p, 8);
	return v;
}
static inline int32_t dec_s32(struct dec *d)
{
	return (int32_t)dec_u32(d);
}
static inline int64_t dec_s64(struct dec *d)
{
	return (int64_t)dec_u64(d);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the codec loads little-endian integers in place");
