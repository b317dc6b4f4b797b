/* A range of a file and its objects: the OSDs are a table of objects here, which answers in any order, and
 * when it is told to. What is written and read through random buffers must be what a flat file would hold.
 */
#include <criterion/criterion.h>

#include "data/file_io.h"
#include "data/file_sizes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/le.h"

/* ---- the OSDs ---- */

enum { OBJECTS = 256, OBJECT_MAX = 1 << 16, QUEUE = 256 };

static struct {
	uint8_t *data[OBJECTS];
	uint32_t size[OBJECTS];
	bool there[OBJECTS];
	struct osd_req *queue[QUEUE];
	int cancelled[QUEUE];
	unsigned queued, most, submitted;
	int refuse_at; /* the n-th submission fails; 0: none does */
} osd;

static uint32_t rnd_state = 1;

static uint32_t rnd(uint32_t below)
{
	rnd_state = rnd_state * 1664525 + 1013904223;
	return (rnd_state >> 8) % below;
}

int __wrap_osdc_submit(struct osdc *c, struct osd_req *q);
void __wrap_osdc_cancel(struct osd_req *q, int err);
void __wrap_osdc_forsake(struct osd_req *q, int err);

int __wrap_osdc_submit(struct osdc *c, struct osd_req *q)
{
	(void)c;
	if (osd.refuse_at && ++osd.submitted == (unsigned)osd.refuse_at)
		return -ESHUTDOWN;
	cr_assert_lt(osd.queued, QUEUE);
	osd.cancelled[osd.queued] = 0;
	osd.queue[osd.queued++] = q;
	osd.most = osd.queued > osd.most ? osd.queued : osd.most;
	return 0;
}

void __wrap_osdc_forsake(struct osd_req *q, int err)
{
	cr_assert(q->let_go && err < 0);
}

void __wrap_osdc_cancel(struct osd_req *q, int err)
{
	for (unsigned n = 0; n < osd.queued; n++)
		if (osd.queue[n] == q)
			osd.cancelled[n] = err;
}

static unsigned object_of(const struct osd_req *q)
{
	const char *dot = memchr(q->name, '.', q->name_len);

	cr_assert(dot);
	return (unsigned)strtoul(dot + 1, NULL, 16);
}

static int put(struct osd_req *q, unsigned o, uint64_t offset, uint64_t len)
{
	uint64_t at = offset;

	cr_assert_leq(offset + len, OBJECT_MAX);
	if (!osd.data[o])
		osd.data[o] = calloc(1, OBJECT_MAX);
	if (!osd.there[o])
		memset(osd.data[o], 0, OBJECT_MAX);
	osd.there[o] = true;
	for (uint32_t n = 0; n < q->bulk_count; n++) {
		memcpy(osd.data[o] + at, q->bulk[n].iov_base, q->bulk[n].iov_len);
		at += q->bulk[n].iov_len;
	}
	cr_assert_eq(at - offset, len, "the buffers hold what is written");
	if (offset + len > osd.size[o])
		osd.size[o] = (uint32_t)(offset + len);
	return 0;
}

static int get(struct osd_req *q, unsigned o, uint64_t offset, uint64_t len)
{
	uint64_t n = offset < osd.size[o] ? osd.size[o] - offset : 0, at = 0;

	if (!osd.there[o])
		return -ENOENT;
	n = n < len ? n : len;
	for (uint32_t k = 0; at < n; k++) {
		uint64_t part = q->dest[k].iov_len < n - at ? q->dest[k].iov_len : n - at;

		memcpy(q->dest[k].iov_base, osd.data[o] + offset + at, part);
		at += part;
	}
	q->dest_done = (uint32_t)n;
	return 0;
}

static int zero(unsigned o, uint64_t offset, uint64_t len)
{
	if (!osd.there[o] || offset >= osd.size[o])
		return 0;
	if (offset + len >= osd.size[o]) {
		osd.size[o] = (uint32_t)offset;
		len = OBJECT_MAX - offset;
	}
	memset(osd.data[o] + offset, 0, len);
	return 0;
}

/* The source is another file, in the same table. */
static int copy(const struct osd_req *q, unsigned o)
{
	const char *name = (const char *)q->payload.buf + 4;
	unsigned from;

	cr_assert_eq(memcmp(name, "99.", 3), 0);
	from = (unsigned)strtoul(name + 3, NULL, 16);
	cr_assert_lt(from, OBJECTS);
	if (!osd.there[from])
		return -ENOENT;
	if (!osd.data[o])
		osd.data[o] = calloc(1, OBJECT_MAX);
	memcpy(osd.data[o], osd.data[from], OBJECT_MAX);
	osd.size[o] = osd.size[from];
	osd.there[o] = true;
	return 0;
}

static int carry_out(struct osd_req *q)
{
	uint64_t offset = le64_get(q->op[0].arg), len = le64_get(q->op[0].arg + 8);
	unsigned o = object_of(q);

	cr_assert_lt(o, OBJECTS);
	switch (q->op[0].code) {
	case OSD_OP_WRITE:
		return put(q, o, offset, len);
	case OSD_OP_READ:
		return get(q, o, offset, len);
	case OSD_OP_COPY_FROM2:
		return copy(q, o);
	case OSD_OP_ZERO:
		cr_assert_eq(le64_get(q->op[0].arg + 16), 0, "no truncation is told");
		return zero(o, offset, len);
	default:
		cr_assert_eq(q->op[0].code, OSD_OP_DELETE);
		cr_assert_neq(o, 0, "the first object stays");
		if (!osd.there[o])
			return -ENOENT;
		osd.there[o] = false;
		osd.size[o] = 0;
		return 0;
	}
}

/* One of those that wait, whichever. `err`: no OSD says so. */
static void answer(int err)
{
	unsigned n = rnd(osd.queued);
	static const struct osd_reply reply;
	struct osd_req *q = osd.queue[n];
	bool from_osd = !osd.cancelled[n] && !err;
	int res = osd.cancelled[n] ? osd.cancelled[n] : err ? err : carry_out(q);

	osd.queue[n] = osd.queue[--osd.queued];
	osd.cancelled[n] = osd.cancelled[osd.queued];
	osd_req_fini(q);
	q->reply = from_osd ? &reply : NULL;
	q->done(q, res);
}

static void osd_reset(void)
{
	for (unsigned n = 0; n < OBJECTS; n++)
		free(osd.data[n]);
	memset(&osd, 0, sizeof osd);
}

/* ---- I/O ---- */

static unsigned ended;
static int result;

static void io_done(struct file_io *io, int res)
{
	(void)io;
	ended++;
	result = res;
}

static void io_init(struct file_io *io, enum file_io_kind kind, const struct stripe_layout *l,
		    uint64_t offset, uint64_t len, const struct iovec *iov, unsigned count)
{
	memset(io, 0xcc, sizeof *io);
	io->at = (struct file_where){ .ino = 0x1234, .snapid = OSD_SNAP_HEAD, .pool = 1, .layout = *l };
	io->kind = kind;
	io->offset = offset;
	io->len = len;
	io->iov = iov;
	io->iov_count = count;
	io->mtime_ns = 0;
	io->flags = 0;
	io->done = io_done;
	ended = 0;
}

static int run(struct file_io *io)
{
	int err = file_io_submit(NULL, io);

	if (err)
		return err;
	cr_assert_eq(ended, 0, "not from inside");
	while (osd.queued)
		answer(0);
	cr_assert_eq(ended, 1);
	return result;
}

/* The memory in pieces of random lengths, empty ones among them. */
static unsigned slices(struct iovec *iov, unsigned room, uint8_t *p, uint64_t len)
{
	unsigned n = 0;

	while (len && n + 1 < room) {
		uint64_t part = rnd(5) ? 1 + rnd((uint32_t)(len < 4000 ? len : 4000)) : 0;

		iov[n++] = (struct iovec){ p, part };
		p += part;
		len -= part;
	}
	iov[n++] = (struct iovec){ p, len };
	return n;
}

static const struct stripe_layout layouts[] = {
	{ 4096, 1, 16384 },
	{ 1024, 3, 4096 },
	{ 512, 7, 512 },
	{ 8192, 2, 32768 },
};

Test(file_io, as_a_flat_file)
{
	enum { SIZE = 300000 };
	static uint8_t flat[SIZE], buf[SIZE];
	struct iovec iov[200];
	struct file_io io;

	for (unsigned l = 0; l < sizeof layouts / sizeof *layouts; l++) {
		/* So that all objects have a place in the table. */
		uint64_t max = (uint64_t)layouts[l].object_size * (OBJECTS - 8);

		max = max < SIZE ? max : SIZE;
		memset(flat, 0, sizeof flat);
		for (unsigned k = 0; k < 300; k++) {
			uint64_t offset = rnd((uint32_t)max - 1), len = 1 + rnd((uint32_t)(max - offset));
			uint8_t *p = malloc(len); /* so that AddressSanitizer knows its ends */
			unsigned n = slices(iov, 200, p, len);

			switch (rnd(4)) {
			case 0:
				io_init(&io, FILE_ZERO, &layouts[l], offset, len, NULL, 0);
				memset(flat + offset, 0, len);
				cr_assert_eq(run(&io), 0);
				break;
			case 1:
				for (uint64_t x = 0; x < len; x++)
					p[x] = (uint8_t)rnd(256);
				memcpy(flat + offset, p, len);
				io_init(&io, FILE_WRITE, &layouts[l], offset, len, iov, n);
				cr_assert_eq(run(&io), 0);
				break;
			default:
				memset(p, 0xee, len);
				io_init(&io, FILE_READ, &layouts[l], offset, len, iov, n);
				cr_assert_eq(run(&io), 0);
				cr_assert_arr_eq(p, flat + offset, len, "layout %u, step %u", l, k);
			}
			free(p);
		}
		memset(buf, 0, sizeof buf);
		osd_reset();
	}
}

Test(file_io, some_at_a_time)
{
	static uint8_t p[512 * 7 * 30];
	struct iovec iov = { p, sizeof p };
	struct file_io io;

	io_init(&io, FILE_WRITE, &layouts[2], 0, sizeof p, &iov, 1);
	cr_assert_eq(run(&io), 0);
	cr_assert_eq(osd.most, FILE_IO_PARTS, "of 210 objects");
	osd_reset();
}

Test(file_io, the_first_error_ends_it)
{
	static uint8_t p[512 * 7 * 30];
	struct iovec iov = { p, sizeof p };
	struct file_io io;

	io_init(&io, FILE_WRITE, &layouts[2], 0, sizeof p, &iov, 1);
	cr_assert_eq(file_io_submit(NULL, &io), 0);
	answer(0);
	answer(-EIO);
	cr_assert_eq(osd.queued, FILE_IO_PARTS - 1, "nothing more is sent");
	answer(-EPERM);
	while (osd.queued)
		answer(0);
	cr_assert_eq(ended, 1);
	cr_assert_eq(result, -EIO);
	osd_reset();
}

/* ENOENT of an object is a hole; where the pool is gone it is an error, and zeros would be a lie. */
Test(file_io, without_a_pool)
{
	enum file_io_kind kinds[] = { FILE_READ, FILE_WRITE, FILE_ZERO };
	static uint8_t p[4096];
	struct iovec iov = { p, sizeof p };
	struct file_io io;

	for (unsigned n = 0; n < sizeof kinds / sizeof *kinds; n++) {
		io_init(&io, kinds[n], &layouts[0], 0, sizeof p, &iov, 1);
		cr_assert_eq(file_io_submit(NULL, &io), 0);
		while (osd.queued)
			answer(-ENOENT);
		cr_assert_eq(result, -ENOENT);
		osd_reset();
	}
}

Test(file_io, cancelled)
{
	static uint8_t p[512 * 7 * 30];
	struct iovec iov = { p, sizeof p };
	struct file_io io;

	io_init(&io, FILE_READ, &layouts[2], 0, sizeof p, &iov, 1);
	cr_assert_eq(file_io_submit(NULL, &io), 0);
	answer(0);
	file_io_cancel(&io, -ECANCELED);
	cr_assert_eq(ended, 0, "memory is still in use");
	while (osd.queued)
		answer(0);
	cr_assert_eq(ended, 1);
	cr_assert_eq(result, -ECANCELED);
	osd_reset();
}

static unsigned let_go;

static void on_let_go(struct file_io *io)
{
	(void)io;
	cr_assert_eq(ended, 0);
	let_go++;
}

/* `last`: the result of the last part. */
static void forsake(uint64_t len, int last, int want)
{
	static uint8_t p[512 * 7 * 30];
	struct iovec iov = { p, len };
	struct file_io io;
	unsigned n;

	io_init(&io, FILE_WRITE, &layouts[2], 0, len, &iov, 1);
	io.let_go = on_let_go;
	let_go = 0;
	cr_assert_eq(file_io_submit(NULL, &io), 0);
	answer(0);
	file_io_forsake(&io, -ECANCELED);
	file_io_forsake(&io, -EIO);
	for (n = 1; n < osd.queued; n++)
		osd.queue[n]->let_go(osd.queue[n]);
	cr_assert_eq(let_go, 0, "one still holds on to it");
	osd.queue[0]->let_go(osd.queue[0]);
	cr_assert_eq(let_go, 1);
	cr_assert_eq(ended, 0);
	while (osd.queued > 1)
		answer(0);
	answer(last);
	cr_assert_eq(ended, 1);
	cr_assert_eq(result, want);
	osd_reset();
}

Test(file_io, forsaken)
{
	forsake(512 * 7 * 30, 0, -ECANCELED); /* some of it was never sent */
	forsake(512 * 7, 0, 0);
	forsake(512 * 7, -ECANCELED, -ECANCELED);
}

static void copy_init(struct file_io *io, uint32_t object_size, uint64_t count)
{
	struct stripe_layout l = { 512, 1, object_size };

	io_init(io, FILE_COPY, &l, 1ull * object_size, count * object_size, NULL, 0);
	io->from = io->at;
	io->from.ino = 0x99;
	io->from_offset = 100ull * object_size;
	io->at.truncate_seq = 1;
	io->at.truncate_size = UINT64_MAX;
}

static void object_set(unsigned o, uint8_t c, uint32_t size)
{
	osd.data[o] = calloc(1, OBJECT_MAX);
	memset(osd.data[o], c, size);
	osd.size[o] = size;
	osd.there[o] = true;
}

Test(file_io, copied)
{
	enum { COUNT = 40 };
	struct file_io io;

	for (unsigned n = 0; n < COUNT; n++) {
		if (n % 3) /* the others are holes */
			object_set(100 + n, (uint8_t)(n + 1), n % 2 ? 1024 : 700);
		if (n % 2)
			object_set(1 + n, 0xee, 1024);
	}
	copy_init(&io, 1024, COUNT);
	cr_assert_eq(run(&io), 0);
	cr_assert_eq(osd.most, FILE_IO_COPIES);
	cr_assert(!osd.there[0] && !osd.there[COUNT + 1], "nothing beside it");
	for (unsigned n = 0; n < COUNT; n++) {
		cr_assert_eq(osd.there[1 + n], n % 3 != 0);
		if (osd.there[1 + n]) {
			cr_assert_eq(osd.size[1 + n], osd.size[100 + n]);
			cr_assert_eq(osd.data[1 + n][0], n + 1);
		}
	}
	copy_init(&io, 1024, 3);
	cr_assert_eq(file_io_submit(NULL, &io), 0);
	while (osd.queued)
		answer(-EOPNOTSUPP);
	cr_assert_eq(result, -EOPNOTSUPP);
	osd_reset();
}

Test(file_io, copies_that_are_none)
{
	struct file_io io;

	copy_init(&io, 1024, 3);
	io.from.layout.object_size = 2048;
	cr_assert_eq(file_io_submit(NULL, &io), -EINVAL);
	copy_init(&io, 1024, 3);
	io.at.layout.count = 2;
	cr_assert_eq(file_io_submit(NULL, &io), -EINVAL);
	copy_init(&io, 1024, 3);
	io.from_offset++;
	cr_assert_eq(file_io_submit(NULL, &io), -EINVAL);
	copy_init(&io, 1024, 3);
	io.at.truncate_seq = 0;
	cr_assert_eq(file_io_submit(NULL, &io), -EINVAL);
}

Test(file_io, refused)
{
	static uint8_t p[512 * 7];
	struct iovec iov = { p, sizeof p };
	const struct stripe_layout none = { 0, 1, 1 };
	struct file_io io;

	io_init(&io, FILE_READ, &none, 0, sizeof p, &iov, 1);
	cr_assert_eq(file_io_submit(NULL, &io), -EINVAL);
	osd.refuse_at = 1;
	io_init(&io, FILE_READ, &layouts[2], 0, sizeof p, &iov, 1);
	cr_assert_eq(file_io_submit(NULL, &io), -ESHUTDOWN, "at once");
	cr_assert_eq(ended, 0);
	osd.submitted = 0;
	osd.refuse_at = 4;
	cr_assert_eq(file_io_submit(NULL, &io), 0);
	while (osd.queued)
		answer(0);
	cr_assert_eq(result, -ESHUTDOWN, "when the others have ended");
	osd_reset();
}

Test(file_io, where_data_is)
{
	struct file_sizes s = { .at.layout = { 1024, 2, 4096 }, .count = 4 };

	s.size[0] = 1500; /* units 0 and 2, in part */
	s.size[1] = 0;
	s.size[2] = 4096; /* the first of the second set */
	cr_assert_eq(file_sizes_find(&s, 0, 16384, false), 0);
	cr_assert_eq(file_sizes_find(&s, 0, 16384, true), 1024);
	cr_assert_eq(file_sizes_find(&s, 1024, 16384, false), 2048);
	cr_assert_eq(file_sizes_find(&s, 2048, 16384, true), 2048 + 476);
	cr_assert_eq(file_sizes_find(&s, 2048 + 476, 16384, false), 8192);
	cr_assert_eq(file_sizes_find(&s, 15360, 16384, false), 16384, "none");
}
