/* data_cached.c: operations that go through the cache, or that must not collide with it. */
#include "data_cache.h"
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

static bool file_cached(const struct data_op *d)
{
	return d->mt->data.cache && d->inode->key.snapid == SNAP_HEAD && !(d->file->flags & O_DIRECT);
}

bool data_cached(const struct data_op *d)
{
	return file_cached(d) && !(d->op->u.data.flags & CEPHRING_IO_DIRECT);
}

static struct data_op *of_read(struct pcache_read *r)
{
	return (struct data_op *)((char *)r - offsetof(struct data_op, cached.read));
}

static struct data_op *of_write(struct pcache_write *w)
{
	return (struct data_op *)((char *)w - offsetof(struct data_op, cached.write));
}

static struct data_op *of_sync(struct pcache_sync *s)
{
	return (struct data_op *)((char *)s - offsetof(struct data_op, cached.sync));
}

/* The file's part of the cache, for as long as the operation lasts. */
static struct data_file *enter(struct data_op *d, bool make)
{
	if (!d->df)
		d->df = data_file_get(d->mt, d->inode, make);
	return d->df;
}

void data_cache_leave(struct data_op *d)
{
	struct data_file *df = d->df;

	data_cache_past(d);
	d->df = NULL;
	if (df)
		data_file_put(df);
}

static int64_t pending(struct data_op *d, int res)
{
	if (res != 1)
		return res;
	d->op->sent = true;
	return OP_PENDING;
}

/* ---- reading ---- */

static struct readahead *readahead_of(struct file *f)
{
	if (!f->data)
		f->data = mem_alloc(sizeof(struct readahead));
	return f->data;
}

static void read_ahead(struct data_op *d)
{
	const struct data_cache_opts *o = &d->mt->data.cache_opts;
	const struct layout *l = &d->inode->a.layout;
	uint64_t period = (uint64_t)l->object_size * l->stripe_count, size = d->inode->a.size, from, len;
	struct readahead_opts ro = { .min = o->readahead_min, .max = period * o->readahead_periods };
	struct readahead *ra = readahead_of(d->file);

	if (o->readahead_max && (o->readahead_max < ro.max || !ro.max))
		ro.max = o->readahead_max;
	if (!ra || !readahead_on_read(ra, &ro, l->object_size, d->offset, d->len, &from, &len) ||
	    from >= size)
		return;
	pcache_ahead(&d->df->f, from, from + len < size ? len : size - from);
}

static void read_done(struct pcache_read *r, int err)
{
	struct data_op *d = of_read(r);

	d->cached.kind = CACHED_NOTHING;
	op_resume(d->op, err);
}

int64_t data_cache_read(struct data_op *d)
{
	struct pcache_read *r = &d->cached.read;
	struct data_file *df = enter(d, true);
	int res;

	if (!df)
		return data_io(d, FILE_READ, d->offset, d->len, d->op->u.data.iov, d->op->u.data.iov_count);
	*r = (struct pcache_read){ .file = &df->f,
				   .off = d->offset,
				   .len = d->len,
				   .iov = d->op->u.data.iov,
				   .iov_count = d->op->u.data.iov_count,
				   .done = read_done };
	res = pcache_read(r);
	d->cached.kind = res == 1 ? CACHED_READ : CACHED_NOTHING;
	if (res >= 0 && d->len < DATA_DIRECT_MIN)
		read_ahead(d);
	return pending(d, res);
}

/* ---- writing ---- */

static void write_done(struct pcache_write *w, int err)
{
	struct data_op *d = of_write(w);

	d->cached.kind = CACHED_NOTHING;
	d->len = w->written;
	op_resume(d->op, w->written ? 0 : err);
}

static bool is_full(const struct data_op *d)
{
	const struct osdmap *map = osdc_map(d->mt->data.osdc);
	const struct osdmap_pool *pool = map ? osdmap_pool(map, d->inode->a.layout.pool) : NULL;

	return pool && ((pool->flags & POOL_FULL) || (osdmap_flags(map) & OSDMAP_FULL));
}

static bool may_take(const struct data_op *d)
{
	return d->mt->data.cache_opts.max_dirty && !is_full(d) && !osdc_blocklisted(d->mt->data.osdc);
}

bool data_cache_takes(const struct data_op *d)
{
	const struct data_file *df = d->inode->use->data;

	if (!may_take(d))
		return false;
	if (d->len <= d->mt->data.cache_opts.target_dirty && d->len <= DATA_DIRECT_MIN)
		return true;
	return df && pcache_touches(&df->f, d->offset, d->len);
}

int64_t data_cache_write(struct data_op *d)
{
	struct pcache_write *w = &d->cached.write;
	struct data_file *df = enter(d, true);
	int res;

	if (!df)
		return -ENOMEM;
	*w = (struct pcache_write){ .file = &df->f,
				    .off = d->offset,
				    .len = d->len,
				    .iov = d->op->u.data.iov,
				    .iov_count = d->op->u.data.iov_count,
				    .zero_from =
					data_size_certain(d) && !df->past ? d->inode->a.size : UINT64_MAX,
				    .ctx = d->inode->use->head_snapc,
				    .done = write_done };
	res = pcache_write(w);
	d->cached.kind = res == 1 ? CACHED_WRITE : CACHED_NOTHING;
	if (res < 0 && w->written) {
		d->len = w->written;
		return 0;
	}
	return pending(d, res);
}

/* The last bytes of a long write, which the cache takes. 0: it is not to be divided. */
static uint64_t tail_start(const struct data_op *d)
{
	uint64_t len = d->len / DATA_TAIL_PART;
	bool now = (d->file->flags & O_DSYNC) || (d->op->u.data.flags & CEPHRING_IO_DSYNC);

	if (now || !(d->got & CAP_FB) || d->len <= DATA_DIRECT_MIN || d->op->u.data.iov_count != 1 ||
	    !may_take(d))
		return 0;
	if ((d->offset + d->len) % PAGE_BYTES) /* the next write would find the last page here */
		return 0;
	return (d->offset + d->len - (len < DATA_TAIL_MAX ? len : DATA_TAIL_MAX)) &
	       ~(uint64_t)(PAGE_BYTES - 1);
}

uint64_t data_cache_tail(struct data_op *d)
{
	uint64_t start = tail_start(d), len = d->offset + d->len - start;
	struct data_file *df = start ? enter(d, true) : NULL;
	struct iovec iov;
	struct pcache_write w;

	if (!df)
		return 0;
	iov = (struct iovec){ (char *)d->op->u.data.iov->iov_base + (start - d->offset), len };
	w = (struct pcache_write){ .file = &df->f,
				   .off = start,
				   .len = len,
				   .iov = &iov,
				   .iov_count = 1,
				   .zero_from = UINT64_MAX,
				   .ctx = d->inode->use->head_snapc };
	if (!pcache_write(&w))
		return len;
	pcache_write_cancel(&w); /* no room: what was taken is discarded when all of it goes past */
	return 0;
}

void data_cache_tail_go(struct data_op *d, uint64_t len, bool wanted)
{
	uint64_t start = d->offset + d->len - len;

	if (!len)
		return;
	if (!wanted) {
		pcache_discard(&d->df->f, start, len);
		return;
	}
	pcache_flush(&d->df->f, start, len);
	pcache_drop(&d->df->f, start, len);
}

/* ---- past the cache ---- */

static void sync_done(struct pcache_sync *s, int err)
{
	struct data_op *d = of_sync(s);

	(void)err; /* reported by fsync */
	d->cached.kind = CACHED_NOTHING;
	op_resume(d->op, 0);
}

int64_t data_cache_settle(struct data_op *d, uint64_t offset, uint64_t len)
{
	struct pcache_sync *s = &d->cached.sync;
	struct data_file *df = enter(d, false);
	int res;

	if (!df || !len)
		return 0;
	*s = (struct pcache_sync){ .file = &df->f, .off = offset, .len = len, .done = sync_done };
	res = pcache_sync(s);
	d->cached.kind = res == 1 ? CACHED_SYNC : CACHED_NOTHING;
	return pending(d, res);
}

/* Made if it must be: a write through the cache asks who else is writing. */
void data_cache_passed(struct data_op *d, uint64_t offset, uint64_t len)
{
	struct data_file *df = enter(d, true);

	if (!df)
		return;
	d->cached.past = true;
	d->cached.past_offset = offset;
	d->cached.past_len = len;
	df->past++;
	pcache_discard(&df->f, offset, len);
}

/* What was fetched meanwhile may be half old: parts of a long I/O are submitted later than its first. */
void data_cache_past(struct data_op *d)
{
	if (!d->cached.past)
		return;
	d->cached.past = false;
	d->df->past--;
	pcache_drop(&d->df->f, d->cached.past_offset, d->cached.past_len);
}

/* ---- cancel ---- */

bool data_cache_cancel(struct data_op *d, int err)
{
	struct pcache_write *w = &d->cached.write;

	switch (d->cached.kind) {
	case CACHED_READ:
		return pcache_read_cancel(&d->cached.read, err);
	case CACHED_SYNC:
		pcache_sync_cancel(&d->cached.sync);
		return false;
	case CACHED_WRITE:
		pcache_write_cancel(w);
		/* What was taken is written, whatever the caller is told. */
		if (w->written) {
			data_written(d, d->offset + w->written);
			d->op->uncertain = true;
		}
		return false;
	default:
		return false;
	}
}

/* ---- advice ---- */

static void set_mode(struct file *f, enum readahead_mode mode)
{
	struct readahead *ra = readahead_of(f);

	if (ra)
		*ra = (struct readahead){ .mode = mode };
}

static int64_t advise(struct data_op *d)
{
	uint64_t size = d->inode->a.size, len = d->len ? d->len : INT64_MAX - d->offset;

	switch (d->op->u.data.flags) {
	case POSIX_FADV_NORMAL:
		set_mode(d->file, READAHEAD_NORMAL);
		break;
	case POSIX_FADV_SEQUENTIAL:
		set_mode(d->file, READAHEAD_SEQUENTIAL);
		break;
	case POSIX_FADV_RANDOM:
		set_mode(d->file, READAHEAD_NONE);
		break;
	case POSIX_FADV_WILLNEED:
		if (d->offset < size && enter(d, true))
			pcache_ahead(&d->df->f, d->offset, len < size - d->offset ? len : size - d->offset);
		break;
	case POSIX_FADV_DONTNEED:
		if (enter(d, false)) {
			pcache_flush(&d->df->f, d->offset, len);
			pcache_drop(&d->df->f, d->offset, len);
		}
		break;
	default:
		break;
	}
	return 0;
}

enum { ADVISE_BEGIN, ADVISE_PERM, ADVISE_CAPS, ADVISE_HELD };

/* Only what is read ahead needs caps, and leave. */
static int64_t advise_step(struct op *op, int64_t res)
{
	struct data_op *d = data_op(op);

	while (res >= 0 && res != OP_PENDING) {
		switch (op->at) {
		case ADVISE_BEGIN:
			res = data_op_begin(op);
			d = data_op(op);
			op->at = op->u.data.flags == POSIX_FADV_WILLNEED && (op->u.data.file->mode & OPEN_RD)
				     ? ADVISE_PERM
				     : ADVISE_HELD;
			if (op->u.data.flags == POSIX_FADV_WILLNEED && op->at == ADVISE_HELD)
				return res;
			break;
		case ADVISE_PERM:
			res = data_perm_step(d, DATA_MAY_READ);
			op->at = res ? ADVISE_PERM : ADVISE_CAPS;
			break;
		case ADVISE_CAPS:
			op->at = ADVISE_HELD;
			res = data_caps(d, CAP_FR, CAP_FC, 0);
			break;
		default:
			return file_cached(d) && !data_is_inline(d) ? advise(d) : 0;
		}
	}
	return res;
}

const struct op_family op_advise_family = {
	.name = "advise", .step = advise_step, .end = data_op_end, .cancel = data_op_cancel
};
