/* conn_place.c: bulk that arrives straight where the user wants it.
 *
 * The header of a message says whose it is; it comes first, with a checksum of its own. As soon as it is
 * here, the user is asked; what came along of the data is copied there, and the kernel receives the rest in
 * place:
 *
 *     | head: preamble, header, front, middle | data            | tail: epilogue |
 *       kept here                               the user's        kept here
 *
 * Nothing of it counts before the checksums of the whole frame are right; until then the place holds
 * anything. Where large data came, large data will come: the next receive between frames stops where the data
 * began in the last one, so that none of it has to be copied.
 */
#include "conn_impl.h"

#include <errno.h>

enum { HINT_MISSES = 8 }; /* messages that were not placed, until the hint is dropped */

static size_t total(const struct conn_place *p)
{
	return p->split.head_len + p->split.data_len + p->split.tail_len;
}

void conn_place_free(struct conn_place *p)
{
	if (!p)
		return;
	if (p->active)
		p->dest.released(p->dest.arg);
	mem_free(p->room, 0);
	mem_free(p->iov, 0);
	mem_free(p->bytes, 0);
	mem_free(p, sizeof *p);
}

static struct msg_in head_of(const struct msg_header *h, const struct frame_dec *d)
{
	return (struct msg_in){
		.seq = h->seq,
		.tid = h->tid,
		.type = h->type,
		.version = h->version,
		.compat = h->compat,
		.priority = h->priority,
		.front_len = d->len[1],
		.middle_len = d->len[2],
		.data_len = d->len[3],
	};
}

/* ---- the beginning ---- */

static int room_alloc(struct conn_place *p, unsigned pieces, size_t head_len)
{
	if (pieces > p->room_cap) {
		struct iovec *room = mem_realloc(p->room, pieces * sizeof *room), *iov;

		if (!room)
			return -ENOMEM;
		p->room = room;
		iov = mem_realloc(p->iov, (pieces + 2) * sizeof *iov);
		if (!iov)
			return -ENOMEM;
		p->iov = iov;
		p->room_cap = pieces;
	}
	if (head_len > p->bytes_cap) {
		uint8_t *bytes = mem_realloc(p->bytes, head_len);

		if (!bytes)
			return -ENOMEM;
		p->bytes = bytes;
		p->bytes_cap = head_len;
	}
	return 0;
}

/* The user's pieces, as far as the data needs them. */
static int room_set(struct conn_place *p, const struct conn_dest *d)
{
	uint32_t left = p->split.data_len;
	unsigned n = 0;

	if (d->count > CONN_DEST_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < d->count && left; i++) {
		size_t len = d->iov[i].iov_len < left ? d->iov[i].iov_len : left;

		if (len)
			p->room[n++] = (struct iovec){ d->iov[i].iov_base, len };
		left -= (uint32_t)len;
	}
	p->rooms = n;
	return left ? -EINVAL : 0;
}

static int place_set(struct conn *c, const struct frame_split *split, const struct conn_dest *dest)
{
	struct conn_place *p = c->place;

	if (!p)
		p = c->place = mem_alloc(sizeof *p);
	if (!p || room_alloc(p, dest->count, split->head_len))
		return -ENOMEM;
	p->split = *split;
	p->dest = *dest;
	p->got = p->copied = p->room_at = 0;
	p->crc = FRAME_CRC_START;
	return room_set(p, dest);
}

ssize_t conn_place_begin(struct conn *c, const uint8_t *p, size_t len)
{
	struct frame_split split;
	struct conn_dest dest = { 0 };
	struct msg_header h;
	struct msg_in head;
	int r;

	if (!c->ops->dest || c->place_asked || c->state != CONN_OPEN)
		return 0;
	r = frame_split(&c->dec, p, len, &h, &split);
	if (r < 0)
		return conn_bad(c, r, "broken frame: %s", c->dec.why);
	if (r == 0) {
		c->need = c->dec.need;
		return 0;
	}
	c->place_asked = true;
	c->need = c->dec.wire_len;
	head = head_of(&h, &c->dec);
	if (split.data_len < c->opts.place_min || split.head_len > CONN_PLACE_HEAD ||
	    !c->ops->dest(c->arg, &head, &dest))
		return 0;
	if (place_set(c, &split, &dest)) { /* as if the user had not wanted it */
		dest.released(dest.arg);
		return 0;
	}
	c->place->active = true;
	return conn_place_feed(c, p, len);
}

/* ---- the bytes ---- */

/* `n` more bytes of the data are here: copied from `p`, or (NULL) they came by themselves. */
static void data_came(struct conn_place *pl, const uint8_t *p, size_t n)
{
	while (n) {
		struct iovec *v = &pl->room[pl->room_at];
		size_t part = v->iov_len < n ? v->iov_len : n;

		if (p) {
			memcpy(v->iov_base, p, part);
			p += part;
		}
		pl->crc = frame_crc(pl->crc, v->iov_base, part);
		v->iov_base = (char *)v->iov_base + part;
		v->iov_len -= part;
		n -= part;
		if (!v->iov_len)
			pl->room_at++;
	}
}

/* Bytes of one region: what of [got, got + len) lies in [from, to). */
static size_t within(const struct conn_place *pl, size_t len, size_t from, size_t to)
{
	if (pl->got < from || pl->got >= to)
		return 0;
	return to - pl->got < len ? to - pl->got : len;
}

static void came(struct conn_place *pl, const uint8_t *p, size_t len)
{
	size_t data_at = pl->split.head_len, tail_at = data_at + pl->split.data_len, n;

	while (len) {
		if ((n = within(pl, len, 0, data_at))) {
			if (p)
				memcpy(pl->bytes + pl->got, p, n);
		} else if ((n = within(pl, len, data_at, tail_at))) {
			data_came(pl, p, n);
			pl->copied += p ? (uint32_t)n : 0;
		} else {
			n = len;
			if (p)
				memcpy(pl->tail + (pl->got - tail_at), p, n);
		}
		p = p ? p + n : NULL;
		pl->got += n;
		len -= n;
	}
}

/* The whole frame is here. */
static int place_end(struct conn *c)
{
	struct conn_place *p = c->place;
	struct frame f;
	int err = frame_join(&c->dec, p->bytes, p->tail, p->crc, &f);

	p->active = c->place_asked = false;
	c->head_hint = p->split.head_len;
	c->hint_misses = 0;
	c->frame_copied = p->copied;
	c->placed_bytes += p->split.data_len - p->copied;
	c->wake_frames++;
	p->dest.released(p->dest.arg);
	if (c->freed)
		return -ECONNABORTED;
	if (err)
		return conn_bad(c, err, "broken frame: %s", c->dec.why);
	err = conn_frame(c, &f);
	return err ? err : c->freed ? -ECONNABORTED : 0;
}

ssize_t conn_place_feed(struct conn *c, const uint8_t *p, size_t len)
{
	struct conn_place *pl = c->place;
	size_t n = total(pl) - pl->got;
	int err = 0;

	n = n < len ? n : len;
	came(pl, p, n);
	if (pl->got == total(pl))
		err = place_end(c);
	return err ? err : (ssize_t)n;
}

int conn_place_filled(struct conn *c, size_t len)
{
	came(c->place, NULL, len);
	return c->place->got == total(c->place) ? place_end(c) : 0;
}

void conn_place_missed(struct conn *c)
{
	if (c->head_hint && ++c->hint_misses > HINT_MISSES)
		c->head_hint = 0;
}

/* What is left of the frame, but not more data than fits the cache. */
static int remaining(struct conn_place *p)
{
	size_t data_at = p->split.head_len, tail_at = data_at + p->split.data_len, most = CONN_PLACE_CHUNK;
	size_t tail_got = p->got > tail_at ? p->got - tail_at : 0;
	int n = 0;

	if (p->got < data_at)
		p->iov[n++] = (struct iovec){ p->bytes + p->got, data_at - p->got };
	for (unsigned i = p->room_at; i < p->rooms; i++) {
		size_t len = p->room[i].iov_len < most ? p->room[i].iov_len : most;

		if (len)
			p->iov[n++] = (struct iovec){ p->room[i].iov_base, len };
		if (len < p->room[i].iov_len)
			return n;
		most -= len;
	}
	p->iov[n++] = (struct iovec){ p->tail + tail_got, p->split.tail_len - tail_got };
	return n;
}

int conn_place_iov(struct conn *c, struct iovec **iov, size_t *limit)
{
	struct conn_place *p = c->place;

	if (p && p->active) {
		*iov = p->iov;
		return remaining(p);
	}
	if (c->state == CONN_OPEN && c->head_hint > c->in_len)
		*limit = c->head_hint - c->in_len;
	return 0;
}
