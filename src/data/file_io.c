/* file_io.c: see file_io.h. Parts go round: each takes the next run when its request has ended, until there
 * is none, or one has failed. */
#include "file_io.h"

#include <errno.h>
#include <string.h>

#include "../ring/mem.h"

/* ---- buffers ---- */

/* The buffer in which byte `at` of the I/O lies; searched from where the last search ended. */
static void seek(struct file_io *io, uint64_t at)
{
	if (at < io->iov_base) {
		io->iov_at = 0;
		io->iov_base = 0;
	}
	while (at - io->iov_base >= io->iov[io->iov_at].iov_len)
		io->iov_base += io->iov[io->iov_at++].iov_len;
}

static struct iovec *more_room(struct file_part *p)
{
	uint32_t room = p->iov_room * 4;
	struct iovec *iov = mem_alloc(room * sizeof *iov);

	if (!iov)
		return NULL;
	memcpy(iov, p->iov, p->iov_room * sizeof *iov);
	if (p->iov != p->few)
		mem_free(p->iov, 0);
	p->iov = iov;
	p->iov_room = room;
	return iov;
}

/* One more buffer, or more of the last one. */
static bool append(struct file_part *p, uint32_t *count, char *base, uint64_t len)
{
	struct iovec *last = *count ? &p->iov[*count - 1] : NULL;

	if (last && (char *)last->iov_base + last->iov_len == base) {
		last->iov_len += len;
		return true;
	}
	if (*count == p->iov_room && !more_room(p))
		return false;
	p->iov[(*count)++] = (struct iovec){ base, len };
	return true;
}

/* Appends bytes [at, at + len) of the I/O. */
static int gather_piece(struct file_part *p, uint32_t *count, uint64_t at, uint64_t len)
{
	struct file_io *io = p->io;

	while (len) {
		uint64_t skip, n;

		seek(io, at);
		skip = at - io->iov_base;
		n = io->iov[io->iov_at].iov_len - skip;
		n = n < len ? n : len;
		if (!append(p, count, (char *)io->iov[io->iov_at].iov_base + skip, n))
			return -ENOMEM;
		at += n;
		len -= n;
	}
	return 0;
}

static int gather(struct file_part *p, const struct stripe_run *run, uint32_t *count)
{
	struct file_io *io = p->io;
	struct stripe_piece piece;
	uint64_t done = 0;
	int err = 0;

	*count = 0;
	while (!err && stripe_piece(&io->at.layout, run, done, &piece)) {
		err = gather_piece(p, count, piece.file_offset - io->offset, piece.len);
		done += piece.len;
	}
	return err;
}

/* What came short of the run is a hole. */
static void zero_rest(struct file_part *p)
{
	uint64_t skip = p->q.dest_done, left = p->len - skip;

	for (uint32_t n = 0; left; n++) {
		uint64_t have = p->iov[n].iov_len, z;

		if (skip >= have) {
			skip -= have;
			continue;
		}
		z = have - skip < left ? have - skip : left;
		memset((char *)p->iov[n].iov_base + skip, 0, z);
		left -= z;
		skip = 0;
	}
}

/* ---- one request ---- */

static int build_copy(struct file_part *p)
{
	struct file_io *io = p->io;
	const struct file_where *w = &io->at, *from = &io->from;
	uint32_t size = w->layout.object_size;
	uint64_t object = p->run.object - io->offset / size + io->from_offset / size;
	char name[STRIPE_NAME_MAX];
	struct osd_copy src = {
		.pool = from->pool,
		.nspace = from->nspace,
		.oid = { (const uint8_t *)name, (uint32_t)stripe_object_name(from->ino, object, name) },
		.snapid = from->snapid,
		.src_fadvise = OSD_OP_FADVISE_SEQUENTIAL | OSD_OP_FADVISE_NOCACHE,
		.trunc = { .size = stripe_object_trunc(&w->layout, p->run.object, w->truncate_size),
			   .seq = w->truncate_seq },
	};
	struct osd_op *op = osd_req_op(&p->q);

	osd_op_copy_from(op, &src, &p->q.payload);
	op->flags = OSD_OP_FADVISE_SEQUENTIAL | OSD_OP_FADVISE_DONTNEED;
	return 0;
}

static int build(struct file_part *p, const struct stripe_run *run)
{
	struct file_io *io = p->io;
	const struct file_where *w = &io->at;
	struct osd_trunc t = { .size = stripe_object_trunc(&w->layout, run->object, w->truncate_size),
			       .seq = w->truncate_seq };
	uint32_t count;
	int err;

	if (io->kind == FILE_COPY && !p->hole)
		return build_copy(p);
	if (io->kind == FILE_ZERO || io->kind == FILE_COPY) {
		if (run->len == w->layout.object_size && run->object)
			osd_op_delete(osd_req_op(&p->q));
		else
			osd_op_zero(osd_req_op(&p->q), run->offset, run->len);
		return 0;
	}
	err = gather(p, run, &count);
	if (err)
		return err;
	return io->kind == FILE_READ
		   ? osd_req_read(&p->q, run->offset, (uint32_t)run->len, t, p->iov, count)
		   : osd_req_write(&p->q, OSD_OP_WRITE, run->offset, (uint32_t)run->len, t, p->iov, count);
}

static void part_done(struct osd_req *q, int result);
static void part_let_go(struct osd_req *q);

static int send(struct file_part *p)
{
	const struct stripe_run *run = &p->run;
	struct file_io *io = p->io;
	const struct file_where *w = &io->at;
	char name[STRIPE_NAME_MAX];
	int err =
	    osd_req_init(&p->q, w->pool, w->nspace, name, stripe_object_name(w->ino, run->object, name));

	p->len = run->len;
	p->q.done = part_done;
	p->q.let_go = part_let_go;
	p->q.flags = io->flags;
	p->q.snapid = w->snapid;
	if (io->kind != FILE_READ) {
		p->q.snap_seq = w->snap_seq;
		p->q.snaps = w->snaps;
		p->q.snap_count = w->snap_count;
		p->q.mtime_ns = io->mtime_ns;
	}
	err = err ? err : build(p, run);
	err = err ? err : osdc_submit(io->c, &p->q);
	if (err)
		osd_req_fini(&p->q);
	return err;
}

/* ---- all of them ---- */

static bool next_run(struct file_io *io, struct stripe_run *run)
{
	uint64_t end = io->offset + io->len, len;

	if (io->window_end > io->offset && stripe_next(&io->it, run))
		return true;
	if (io->window_end == end)
		return false;
	len = end - io->window_end;
	if (io->kind != FILE_COPY && io->at.layout.object_size > FILE_IO_OBJECT && len > FILE_IO_RUN)
		len = FILE_IO_RUN;
	stripe_begin(&io->it, &io->at.layout, io->window_end, len);
	io->window_end += len;
	return stripe_next(&io->it, run);
}

static void fail(struct file_io *io, int err)
{
	if (!io->err)
		io->err = err;
}

static void part_failed(struct file_part *p, int err)
{
	struct file_io *io = p->io;

	if (!io->err) {
		io->failed_object = p->run.object;
		io->failed_osd = p->q.target.known ? p->q.target.osd : -1;
	}
	fail(io, err);
}

/* False: it has nothing to do any more. */
static bool feed(struct file_part *p)
{
	struct file_io *io = p->io;
	int err;

	if (io->err || !next_run(io, &p->run))
		return false;
	p->hole = false;
	err = send(p);
	if (err)
		part_failed(p, err);
	p->busy = !err;
	io->busy += p->busy;
	return p->busy;
}

static void parts_free(struct file_io *io)
{
	for (uint32_t n = 0; n < io->part_count; n++)
		if (io->parts[n].iov != io->parts[n].few)
			mem_free(io->parts[n].iov, 0);
	if (io->parts != &io->one)
		mem_free(io->parts, 0);
	io->parts = NULL;
	io->part_count = 0;
}

/* A part of what was forsaken has no more to do with the buffers. */
static void part_lets_go(struct file_part *p)
{
	struct file_io *io = p->io;

	if (!io->forsaken || p->let_go)
		return;
	p->let_go = true;
	if (!--io->holding && io->busy)
		io->let_go(io);
}

static void part_let_go(struct osd_req *q)
{
	part_lets_go((struct file_part *)q);
}

/* What is to be copied is a hole: one is made here. */
static bool copy_hole(struct file_part *p, int *result)
{
	struct file_io *io = p->io;

	if (io->kind != FILE_COPY || !osd_req_absent(&p->q, *result) || p->hole || io->err)
		return false;
	p->hole = true;
	*result = send(p);
	p->busy = !*result;
	io->busy += p->busy;
	return p->busy;
}

static bool absent_is_hole(const struct file_part *p)
{
	return p->io->kind != FILE_WRITE && (p->io->kind != FILE_COPY || p->hole);
}

static void part_done(struct osd_req *q, int result)
{
	struct file_part *p = (struct file_part *)q;
	struct file_io *io = p->io;

	p->busy = false;
	io->busy--;
	if (copy_hole(p, &result))
		return;
	if (osd_req_absent(q, result) && absent_is_hole(p))
		result = 0;
	if (result < 0) {
		part_failed(p, result);
		io->partly = true;
	} else if (io->kind == FILE_READ) {
		zero_rest(p);
	}
	if (feed(p))
		return;
	part_lets_go(p);
	if (io->busy)
		return;
	parts_free(io);
	io->done(io, io->forsaken && !io->partly ? 0 : io->err);
}

/* How many requests it is worth having. */
static uint32_t parts_wanted(const struct file_io *io)
{
	const struct stripe_layout *l = &io->at.layout;
	uint32_t n = 0, most = io->kind == FILE_COPY ? FILE_IO_COPIES : FILE_IO_PARTS;
	struct stripe_run run;
	struct stripe_iter it;

	if (l->object_size > FILE_IO_OBJECT && io->len > FILE_IO_RUN)
		return most;
	stripe_begin(&it, l, io->offset, io->len);
	while (n < most && stripe_next(&it, &run))
		n++;
	return n;
}

static bool copy_good(const struct file_io *io)
{
	const struct stripe_layout *l = &io->at.layout, *from = &io->from.layout;

	return l->count == 1 && from->count == 1 && l->object_size == from->object_size &&
	       io->at.truncate_seq && !(io->offset % l->object_size) && !(io->len % l->object_size) &&
	       !(io->from_offset % l->object_size);
}

int file_io_submit(struct osdc *c, struct file_io *io)
{
	uint32_t count;
	int err;

	if (stripe_check(&io->at.layout) || !io->len || io->offset + io->len < io->offset)
		return -EINVAL;
	if (io->kind == FILE_COPY && !copy_good(io))
		return -EINVAL;
	count = parts_wanted(io);
	io->parts = count == 1 ? &io->one : mem_alloc(count * sizeof *io->parts);
	if (!io->parts)
		return -ENOMEM;
	io->c = c;
	io->it = (struct stripe_iter){ 0 };
	io->window_end = io->offset;
	io->iov_at = 0;
	io->iov_base = 0;
	io->busy = 0;
	io->err = 0;
	io->failed_osd = -1;
	io->holding = 0;
	io->forsaken = io->partly = false;
	io->part_count = count;
	for (uint32_t n = 0; n < count; n++) {
		struct file_part *p = &io->parts[n];

		p->io = io;
		p->iov = p->few;
		p->iov_room = FILE_IO_FEW;
		p->busy = p->let_go = false;
	}
	for (uint32_t n = 0; n < count && feed(&io->parts[n]); n++)
		;
	if (io->busy)
		return 0; /* what failed is told when the others have ended */
	err = io->err;
	parts_free(io);
	return err;
}

void file_io_cancel(struct file_io *io, int err)
{
	fail(io, err);
	for (uint32_t n = 0; n < io->part_count; n++)
		if (io->parts[n].busy)
			osdc_cancel(&io->parts[n].q, err);
}

void file_io_forsake(struct file_io *io, int err)
{
	struct stripe_run run;

	if (io->forsaken)
		return;
	io->partly |= io->err || next_run(io, &run);
	fail(io, err);
	io->forsaken = true;
	io->holding = io->busy;
	for (uint32_t n = 0; n < io->part_count; n++)
		if (io->parts[n].busy)
			osdc_forsake(&io->parts[n].q, err);
}
