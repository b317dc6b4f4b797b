/* data_cache.c: what the cache asks for: caps, transfers, time; and what meta asks of the cache. */
#include "data_cache.h"

#include "inside.h"
#include "mount.h"

#include <errno.h>
#include <string.h>

/* ---- files ---- */

static struct data_file *of_file(struct pcache_file *f)
{
	return (struct data_file *)((char *)f - offsetof(struct data_file, f));
}

/* Transfers stay within one object, or within a set of few: then they keep the order of their submission. */
static uint32_t cut_of(const struct inode *i)
{
	const struct layout *l = &i->a.layout;
	uint64_t set = (uint64_t)l->object_size * l->stripe_count;

	if (set <= PCACHE_IO_MAX && l->stripe_count <= FILE_IO_PARTS)
		return (uint32_t)set;
	return l->stripe_count == 1 ? PCACHE_IO_MAX : l->stripe_unit;
}

struct data_file *data_file_get(cephring_mount *mt, struct inode *i, bool make)
{
	struct data_file *df = i->use ? i->use->data : NULL;
	uint32_t cut = cut_of(i);

	if (!df && (!make || !mt->data.cache || i->key.snapid != SNAP_HEAD || !cut || cut % PAGE_BYTES))
		return NULL;
	if (!df) {
		struct inode_use *u = inode_use(&mt->meta, i);

		df = u ? mem_alloc(sizeof *df) : NULL;
		if (!df)
			return NULL;
		df->mt = mt;
		df->inode = i;
		pcache_file_init(mt->data.cache, &df->f, cut, df);
		LIST_INSERT_HEAD(&mt->data.files, df, link);
		u->data = df;
	}
	df->users++;
	return df;
}

static void file_free(struct data_file *df)
{
	struct inode *i = df->inode;
	struct meta *m = &df->mt->meta;

	LIST_REMOVE(df, link);
	pcache_file_fini(&df->f);
	mem_free(df, sizeof *df);
	if (i->use) {
		i->use->data = NULL;
		inode_use_settle(m, i);
	}
}

static void on_idle(void *arg, struct pcache_file *f)
{
	(void)arg;
	if (!of_file(f)->users)
		file_free(of_file(f));
}

void data_file_put(struct data_file *df)
{
	if (!--df->users && pcache_file_settled(&df->f))
		file_free(df);
}

/* ---- transfers ---- */

struct transfer {
	struct file_io io; /* first */
	struct pcache_io *pio;
	cephring_mount *mt;
	char *ns; /* owned */
	struct ring_task task;
	int err;
};

static void transfer_end(struct transfer *t, int err)
{
	pcache_io_done(t->pio, err == -EDQUOT ? -ENOSPC : err);
	mem_free(t->ns, 0);
	mem_free(t, sizeof *t);
}

static void transferred(struct file_io *io, int result)
{
	transfer_end((struct transfer *)io, result);
}

static void refused(struct ring_task *task)
{
	struct transfer *t = (struct transfer *)((char *)task - offsetof(struct transfer, task));

	transfer_end(t, t->err);
}

static int transfer_begin(struct transfer *t)
{
	struct pcache_io *pio = t->pio;
	const struct snapctx *ctx = pio->ctx;
	struct file_io *io = &t->io;
	int err = data_where_inode(of_file(pio->file)->inode, &io->at, &t->ns);

	io->kind = pio->out ? FILE_WRITE : FILE_READ;
	io->failed_osd = -1;
	io->offset = pio->off;
	io->len = pio->len;
	io->iov = pio->iov;
	io->iov_count = pio->iov_count;
	io->flags = pio->out ? OSD_FLAG_FULL_TRY : data_read_flags(t->mt); /* full: an error, not a wait */
	io->done = transferred;
	if (pio->out && ctx) {
		io->at.snap_seq = ctx->seq;
		io->at.snaps = ctx->snaps;
		io->at.snap_count = ctx->count;
	}
	return err ? err : file_io_submit(t->mt->data.osdc, io);
}

static void no_memory(struct ring_task *task)
{
	struct data_side *side = (struct data_side *)((char *)task - offsetof(struct data_side, refuse));
	struct pcache_io *pio;

	while ((pio = side->refused) != NULL) {
		side->refused = pio->user;
		pio->user = NULL;
		pcache_io_done(pio, -ENOMEM);
	}
}

static void on_io(void *arg, struct pcache_io *pio)
{
	cephring_mount *mt = arg;
	struct ring *r = mt->meta.ring;
	struct transfer *t = mem_alloc(sizeof *t);

	if (!t) {
		pio->user = mt->data.refused;
		mt->data.refused = pio;
		mt->data.refuse.fn = no_memory;
		ring_defer(r, &mt->data.refuse);
		return;
	}
	t->pio = pio;
	t->mt = mt;
	pio->user = t;
	t->err = transfer_begin(t);
	if (t->err) {
		t->task.fn = refused;
		ring_defer(r, &t->task);
	}
}

static void on_cancel(void *arg, struct pcache_io *pio)
{
	struct transfer *t = pio->user;

	(void)arg;
	if (t && t->task.fn != refused)
		file_io_cancel(&t->io, -ECANCELED);
}

/* ---- caps ---- */

static bool on_hold(void *arg, struct pcache_file *f)
{
	cephring_mount *mt = arg;
	struct inode *i = of_file(f)->inode;
	struct meta *m = &mt->meta;

	if (m->stopping || !i->use || !(caps_issued(i, ring_now(m->ring)) & CAP_FC))
		return false;
	caps_ref(m, i, CAP_FC);
	return true;
}

/* When meta has ended, its references are void. */
static void put(cephring_mount *mt, struct pcache_file *f, uint32_t bit)
{
	if (!mt->data.gone)
		caps_put(&mt->meta, of_file(f)->inode, bit);
}

static void on_release(void *arg, struct pcache_file *f)
{
	put(arg, f, CAP_FC);
}

static void on_dirty(void *arg, struct pcache_file *f)
{
	cephring_mount *mt = arg;

	caps_ref(&mt->meta, of_file(f)->inode, CAP_FB);
}

static void on_clean(void *arg, struct pcache_file *f)
{
	put(arg, f, CAP_FB);
}

static void on_ctx_clean(void *arg, struct pcache_file *f, void *ctx)
{
	cephring_mount *mt = arg;

	(void)ctx;
	if (!mt->data.gone)
		capsnap_kick(&mt->meta, of_file(f)->inode);
}

static bool ctx_same(void *arg, const void *a, const void *b)
{
	(void)arg;
	return a == b || snapctx_same(a, b);
}

static void *ctx_get(void *arg, void *ctx)
{
	(void)arg;
	return ctx ? snapctx_get(ctx) : NULL;
}

static void ctx_put(void *arg, void *ctx)
{
	(void)arg;
	snapctx_put(ctx);
}

/* ---- what is lost ---- */

static void on_lost(void *arg, struct pcache_file *f, const struct pcache_io *io, uint64_t off, uint64_t len,
		    int err)
{
	cephring_mount *mt = arg;
	struct inode *i = of_file(f)->inode;
	const struct transfer *t = io ? io->user : NULL;

	data_failed(mt, i, t ? &t->io : NULL, off, len, err, "could not be written and are lost");
	if (i->use) {
		i->use->lost = err;
		i->use->lost_count++;
	}
	if (!mt->meta.lost)
		mt->meta.lost = err;
}

/* ---- time ---- */

static uint64_t on_now(void *arg)
{
	cephring_mount *mt = arg;

	return ring_now(mt->meta.ring);
}

static void tick(struct ring_timer *t)
{
	struct data_side *side = (struct data_side *)((char *)t - offsetof(struct data_side, timer));

	pcache_tick(side->cache);
}

static void on_timer(void *arg, uint64_t at_ns)
{
	cephring_mount *mt = arg;

	mt->data.timer.fn = tick;
	ring_timer_set(mt->meta.ring, &mt->data.timer, at_ns);
}

static const struct pcache_ops cache_ops = { on_io,    on_cancel, on_now,       on_hold, on_release,
					     on_dirty, on_clean,  on_ctx_clean, on_lost, on_idle,
					     ctx_same, ctx_get,   ctx_put,      on_timer };

/* ---- what meta asks of the data side ---- */

static struct data_file *of_inode(const struct inode *i)
{
	return i->use ? i->use->data : NULL;
}

static void on_writeback(void *arg, struct inode *i)
{
	struct data_file *df = of_inode(i);

	(void)arg;
	if (df)
		pcache_flush(&df->f, 0, UINT64_MAX);
}

/* Who watches the mount hears that nothing cached of the inode is left to be relied on. */
static void tell_invalidated(const cephring_mount *mt, const struct inode *i)
{
	if (mt->watch)
		mt->watch->invalidated(mt->watch->arg, i->key.ino);
}

static bool on_invalidate(void *arg, struct inode *i)
{
	struct data_file *df = of_inode(i);
	bool held;

	if (!df)
		return true;
	if (df->f.held)
		tell_invalidated(arg, i);
	df->users++;
	pcache_drop(&df->f, 0, UINT64_MAX);
	held = df->f.held;
	data_file_put(df);
	return !held;
}

static bool on_dirty_under(void *arg, const struct inode *i, const struct snapctx *ctx)
{
	const struct data_file *df = of_inode(i);

	(void)arg;
	return df && pcache_dirty_under(&df->f, ctx);
}

static void on_truncated(void *arg, struct inode *i, uint64_t size)
{
	struct data_file *df = of_inode(i);

	(void)arg;
	if (df)
		pcache_discard(&df->f, size, UINT64_MAX);
}

static void on_caps_lost(void *arg, struct inode *i, int err)
{
	struct data_file *df = of_inode(i);

	if (df && df->f.held)
		tell_invalidated(arg, i);
	if (df)
		pcache_fail(&df->f, err);
}

/* Files may go while they are gone through: each is held, and the next before it is let go of. */
static void each_file(cephring_mount *mt, void (*fn)(struct data_file *df, int how), int how)
{
	struct data_file *df = LIST_FIRST(&mt->data.files), *next;

	if (df)
		df->users++;
	for (; df; df = next) {
		fn(df, how);
		next = LIST_NEXT(df, link);
		if (next)
			next->users++;
		data_file_put(df);
	}
}

static void drop_closed(struct data_file *df, int how)
{
	(void)how;
	if (!inode_is_open(df->inode))
		pcache_drop(&df->f, 0, UINT64_MAX);
}

static void on_give_up(void *arg)
{
	each_file(arg, drop_closed, 0);
}

static void on_closed(void *arg, struct file *f)
{
	(void)arg;
	mem_free(f->data, sizeof(struct readahead));
	f->data = NULL;
}

static void on_barrier(void *arg, uint32_t epoch)
{
	cephring_mount *mt = arg;

	if (mt->data.osdc)
		osdc_barrier(mt->data.osdc, epoch);
}

static void on_abandon(void *arg)
{
	data_detached_drop(arg);
}

const struct caps_data_ops data_caps_ops = {
	.writeback = on_writeback,
	.invalidate = on_invalidate,
	.dirty_under = on_dirty_under,
	.truncated = on_truncated,
	.lost = on_caps_lost,
	.give_up = on_give_up,
	.closed = on_closed,
	.barrier = on_barrier,
	.abandon = on_abandon,
};

/* ---- all of it ---- */

int data_cache_begin(cephring_mount *mt)
{
	const struct data_cache_opts *o = &mt->data.cache_opts;
	struct pcache_opts po = { .max_bytes = o->size,
				  .max_dirty = o->max_dirty < o->size / 2 ? o->max_dirty : o->size / 2,
				  .max_age_ns = o->max_age_ns,
				  .direct_min = DATA_DIRECT_MIN };

	if (!o->on)
		return 0;
	po.target_dirty = o->target_dirty < po.max_dirty ? o->target_dirty : po.max_dirty;
	mt->data.cache = pcache_new(&po, &cache_ops, mt);
	return mt->data.cache ? 0 : -ENOMEM;
}

static void fail(struct data_file *df, int err)
{
	pcache_fail(&df->f, err);
}

static void drop(struct data_file *df, int how)
{
	(void)how;
	pcache_drop(&df->f, 0, UINT64_MAX);
}

void data_cache_fail(cephring_mount *mt, int err)
{
	each_file(mt, fail, err);
}

void data_cache_drop(cephring_mount *mt)
{
	each_file(mt, drop, 0);
	if (mt->data.cache)
		pcache_drop_all(mt->data.cache); /* the pages' memory with it */
}

void data_cache_ends(cephring_mount *mt)
{
	data_cache_drop(mt);
}

void data_cache_gone(cephring_mount *mt)
{
	mt->data.gone = true;
	each_file(mt, fail, -ESHUTDOWN);
	data_cache_drop(mt);
}

void data_cache_fini(cephring_mount *mt)
{
	if (mt->data.timer.slot)
		ring_timer_clear(mt->meta.ring, &mt->data.timer);
	pcache_free(mt->data.cache);
	mt->data.cache = NULL;
}

void data_cache_stats(const cephring_mount *mt, struct cephring_stats *s)
{
	struct pcache_stats st;

	if (!mt->data.cache)
		return;
	pcache_stats(mt->data.cache, &st);
	s->data_cache_bytes = st.bytes;
	s->data_dirty_bytes = st.dirty_bytes;
	s->data_hits = st.hits;
	s->data_misses = st.misses;
	s->copied_cache = st.copied;
	s->readahead_bytes = st.ahead;
	s->readahead_wasted = st.ahead_wasted;
}
