/* The data cache against a flat array of bytes: random reads, writes, flushes, syncs, discards, drops,
 * snapshots, failures and losses of the right to keep data, while transfers end in random order. The
 * pretended OSDs keep the order of what touches one object, as the real ones do, and may look at what is
 * written at any time until the transfer has ended.
 *
 *   a read    gives for each byte a value that it had at some moment of the read
 *   a sync    means that what was written before it is on the OSDs
 *   at rest   the OSDs have what was written, under the context that it was written under
 *
 * Bytes that were reported as lost, and bytes that two writers wrote at the same time, may be anything until
 * they are written again. Seeds: PCACHE_SEED and PCACHE_STEPS of the environment. */
#include "../../src/data/cache.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 3, SIZE = 60 * PAGE_BYTES + 777, CUT = 8 * PAGE_BYTES, READS = 6, WRITES = 6, SYNCS = 4 };
enum { QUEUE = 4096, LEN_MAX = 14 * PAGE_BYTES };

struct byte_set {
	uint64_t bits[4];
};
struct ctx {
	unsigned number, refs;
};
struct file {
	struct pcache_file f;
	uint8_t truth[SIZE], osd[SIZE];
	bool vague[SIZE];
	unsigned ctx[SIZE], osd_ctx[SIZE];
	uint64_t seq[SIZE], osd_seq[SIZE];
	uint64_t size;
	bool may, held, owing;
	unsigned losses, syncs_failed;
};
/* What the OSDs are asked, in order; a hole is what discards. */
struct asked {
	struct pcache_io *io; /* NULL: zeros */
	struct file *file;
	uint64_t off, len, *seq;
	uint8_t *data;
	bool applied, wanted_no_more;
	int err;
};
struct reading {
	struct pcache_read r;
	bool busy, done;
	uint8_t buf[LEN_MAX];
	struct iovec iov[3];
	struct byte_set allowed[LEN_MAX];
};
struct writing {
	struct pcache_write w;
	bool busy;
	unsigned ctx;
	uint64_t seq;
	uint8_t buf[LEN_MAX];
	struct iovec iov[3];
};
struct syncing {
	struct pcache_sync s;
	bool busy;
	unsigned losses;
	uint64_t seq[SIZE];
};

static struct pcache *cache;
static struct file file[FILES];
static struct asked asked[QUEUE];
static unsigned asked_count;
static struct reading reading[READS];
static struct writing writing[WRITES];
static struct syncing syncing[SYNCS];
static struct ctx ctxs[4096];
static unsigned ctx_now = 1;
static uint64_t seed, clock_ns = 1, timer_at, write_seq;
static unsigned step, fail_one_in;
static unsigned seen_waits, seen_reads, seen_lost;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static bool set_has(const struct byte_set *s, uint8_t v)
{
	return s->bits[v / 64] >> (v % 64) & 1;
}

static void set_put(struct byte_set *s, uint8_t v)
{
	s->bits[v / 64] |= 1ull << (v % 64);
}

/* A byte's value is now (also) this: reads under way may see it. */
static void may_be_seen(const struct file *f, uint64_t b, uint8_t v, bool any)
{
	for (unsigned n = 0; n < READS; n++) {
		struct reading *r = &reading[n];

		if (!r->busy || r->r.file != &f->f || b < r->r.off || b >= r->r.off + r->r.len)
			continue;
		if (any)
			memset(&r->allowed[b - r->r.off], 0xff, sizeof r->allowed[0]);
		else
			set_put(&r->allowed[b - r->r.off], v);
	}
}

static void becomes(struct file *f, uint64_t b, uint8_t v, unsigned ctx)
{
	f->truth[b] = v;
	f->ctx[b] = ctx;
	f->vague[b] = false;
	f->seq[b] = write_seq;
	may_be_seen(f, b, v, false);
}

static void is_vague(struct file *f, uint64_t b)
{
	f->vague[b] = true;
	may_be_seen(f, b, 0, true);
}

static bool write_pending(const struct file *f, uint64_t b)
{
	for (unsigned n = 0; n < WRITES; n++)
		if (writing[n].busy && writing[n].w.file == &f->f && b >= writing[n].w.off &&
		    b < writing[n].w.off + writing[n].w.len)
			return true;
	return false;
}

/* ---- what the cache calls ---- */

static struct asked *ask(struct file *f, uint64_t off, uint64_t len)
{
	cr_assert_lt(asked_count, QUEUE);
	asked[asked_count] = (struct asked){ .file = f, .off = off, .len = len };
	return &asked[asked_count++];
}

static void begin_io(void *arg, struct pcache_io *io)
{
	struct file *f = (struct file *)io->file->user;
	struct asked *a = ask(f, io->off, io->len);
	uint64_t at = 0;

	a->io = io;
	a->err = fail_one_in && !rnd(fail_one_in) ? -EIO : 0;
	if (!io->out)
		return;
	cr_assert_eq(io->off / CUT, (io->off + io->len - 1) / CUT, "a write over the end of an object");
	a->data = malloc(io->len);
	a->seq = malloc(io->len * sizeof *a->seq);
	for (uint32_t n = 0; n < io->iov_count; n++) {
		memcpy(a->data + at, io->iov[n].iov_base, io->iov[n].iov_len);
		at += io->iov[n].iov_len;
	}
	cr_assert_eq(at, io->len);
	cr_assert(f->owing);
	for (at = 0; at < io->len; at++) {
		uint64_t b = io->off + at;

		cr_assert_lt(b, SIZE, "bytes that nobody wrote are written back");
		a->seq[at] = f->seq[b];
		if (f->vague[b] || write_pending(f, b))
			continue;
		cr_assert_eq(a->data[at], f->truth[b], "step %u: byte %lu is written back wrong", step,
			     (unsigned long)b);
		cr_assert_eq(((struct ctx *)io->ctx)->number, f->ctx[b], "step %u: under another context",
			     step);
	}
}

static void cancel_io(void *arg, struct pcache_io *io)
{
	cr_assert(!io->out);
	for (unsigned n = 0; n < asked_count; n++)
		asked[n].wanted_no_more |= asked[n].io == io;
}

static uint64_t now(void *arg)
{
	return clock_ns;
}

static bool hold(void *arg, struct pcache_file *f)
{
	struct file *t = f->user;

	cr_assert(!t->held);
	t->held = t->may;
	return t->may;
}

static void release(void *arg, struct pcache_file *f)
{
	struct file *t = f->user;

	cr_assert(t->held);
	cr_assert_eq(f->clean_pages, 0);
	t->held = false;
}

static void dirty(void *arg, struct pcache_file *f)
{
	struct file *t = f->user;

	cr_assert(!t->owing);
	t->owing = true;
}

static void clean(void *arg, struct pcache_file *f)
{
	struct file *t = f->user;

	cr_assert(t->owing);
	cr_assert(pcache_file_clean(f));
	t->owing = false;
}

static void ctx_clean(void *arg, struct pcache_file *f, void *ctx)
{
	cr_assert(!pcache_dirty_under(f, ctx));
	cr_assert(((struct ctx *)ctx)->refs);
}

static void lost(void *arg, struct pcache_file *f, const struct pcache_io *io, uint64_t off, uint64_t len,
		 int err)
{
	struct file *t = f->user;

	cr_assert_lt(err, 0);
	t->losses++;
	seen_lost++;
	for (uint64_t b = off; b < off + len; b++) {
		is_vague(t, b);
		t->seq[b] = 0;
	}
}

static void idle(void *arg, struct pcache_file *f)
{
	cr_assert(pcache_file_idle(f));
}

static bool ctx_same(void *arg, const void *a, const void *b)
{
	return a == b;
}

static void *ctx_get(void *arg, void *ctx)
{
	((struct ctx *)ctx)->refs++;
	return ctx;
}

static void ctx_put(void *arg, void *ctx)
{
	cr_assert(((struct ctx *)ctx)->refs--);
}

static void timer(void *arg, uint64_t at_ns)
{
	timer_at = at_ns;
}

static const struct pcache_ops ops = { begin_io,  cancel_io, now,  hold,     release, dirty,   clean,
				       ctx_clean, lost,      idle, ctx_same, ctx_get, ctx_put, timer };

/* ---- the OSDs ---- */

static bool same_object(const struct asked *a, const struct asked *b)
{
	return a->file == b->file && a->off / CUT <= (b->off + b->len - 1) / CUT &&
	       b->off / CUT <= (a->off + a->len - 1) / CUT;
}

static void apply(struct asked *a)
{
	struct file *f = a->file;
	uint64_t at = 0;

	a->applied = true;
	if (a->err)
		return;
	for (at = 0; !a->io && at < a->len; at++)
		f->osd[a->off + at] = 0;
	for (at = 0; a->io && a->io->out && at < a->len; at++) {
		uint64_t b = a->off + at;

		if (!f->vague[b])
			cr_assert_geq(((struct ctx *)a->io->ctx)->number, f->osd_ctx[b]);
		f->osd[b] = a->data[at];
		f->osd_ctx[b] = ((struct ctx *)a->io->ctx)->number;
		f->osd_seq[b] = a->seq[at];
	}
	at = a->off;
	for (uint32_t n = 0; a->io && !a->io->out && n < a->io->iov_count; n++)
		for (size_t i = 0; i < a->io->iov[n].iov_len; i++, at++)
			((uint8_t *)a->io->iov[n].iov_base)[i] = at < SIZE ? f->osd[at] : 0;
}

static void end_one(unsigned n)
{
	struct asked a = asked[n];
	uint64_t at = 0;

	memmove(&asked[n], &asked[n + 1], (asked_count - n - 1) * sizeof *asked);
	asked_count--;
	for (uint32_t i = 0; a.data && i < a.io->iov_count; i++) {
		cr_assert_eq(memcmp(a.data + at, a.io->iov[i].iov_base, a.io->iov[i].iov_len), 0,
			     "step %u: memory changed while it was written back", step);
		at += a.io->iov[i].iov_len;
	}
	free(a.data);
	free(a.seq);
	if (a.io)
		pcache_io_done(a.io, a.err ? a.err : a.wanted_no_more ? -ECANCELED : 0);
}

static void osd_step(void)
{
	unsigned n = asked_count ? rnd(asked_count) : 0, i;

	if (!asked_count)
		return;
	if (asked[n].applied) {
		end_one(n);
		return;
	}
	/* What stands before it goes first, and what stands before that. */
	for (i = 0; i < n; i++)
		if (!asked[i].applied && same_object(&asked[i], &asked[n])) {
			n = i;
			i = (unsigned)-1;
		}
	apply(&asked[n]);
}

/* ---- the users ---- */

/* Some memory in up to three pieces. */
static uint32_t cut_up(struct iovec iov[3], uint8_t *buf, uint64_t len)
{
	uint64_t a = rnd((uint32_t)len + 1), b = a + rnd((uint32_t)(len - a) + 1);

	iov[0] = (struct iovec){ buf, a };
	iov[1] = (struct iovec){ buf + a, b - a };
	iov[2] = (struct iovec){ buf + b, len - b };
	return 3;
}

static void some_range(uint64_t *off, uint64_t *len)
{
	static const uint32_t lens[] = { 100, 3000, PAGE_BYTES, 3 * PAGE_BYTES, LEN_MAX };

	*off = rnd(SIZE);
	*len = 1 + rnd(lens[rnd(5)]);
	if (!rnd(3))
		*off -= *off % PAGE_BYTES;
	if (!rnd(3))
		*len = (*len + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	if (*off + *len > SIZE)
		*len = SIZE - *off;
}

static void read_done(struct pcache_read *r, int err)
{
	struct reading *t = r->arg;
	const struct file *f = r->file->user;

	cr_assert(t->busy);
	t->busy = false;
	if (err) {
		cr_assert(err == -EIO || err == -ECANCELED, "%d", err);
		return;
	}
	seen_reads++;
	for (uint64_t at = 0; at < r->len; at++)
		cr_assert(f->vague[r->off + at] || set_has(&t->allowed[at], t->buf[at]),
			  "step %u: byte %lu read as %u, is %u", step, (unsigned long)(r->off + at),
			  t->buf[at], f->truth[r->off + at]);
}

static void do_read(struct file *f)
{
	struct reading *t = &reading[rnd(READS)];
	uint64_t off, len;

	if (t->busy) {
		if (!rnd(4))
			t->busy = pcache_read_cancel(&t->r, -ECANCELED);
		return;
	}
	some_range(&off, &len);
	t->r = (struct pcache_read){ .file = &f->f,
				     .off = off,
				     .len = len,
				     .iov = t->iov,
				     .once = !rnd(8),
				     .done = read_done,
				     .arg = t };
	t->r.iov_count = cut_up(t->iov, t->buf, len);
	memset(t->allowed, 0, len * sizeof t->allowed[0]);
	memset(t->buf, 0xee, len);
	for (uint64_t at = 0; at < len; at++) {
		set_put(&t->allowed[at], f->truth[off + at]);
		if (f->vague[off + at] || write_pending(f, off + at))
			memset(&t->allowed[at], 0xff, sizeof t->allowed[0]);
	}
	t->busy = true;
	if (!pcache_read(&t->r))
		read_done(&t->r, 0);
}

/* It begins: its bytes may leave at once, from inside of the call. */
static void takes(struct writing *t)
{
	struct file *f = t->w.file->user;

	t->seq = ++write_seq;
	for (uint64_t at = 0; at < t->w.len; at++) {
		bool pending = write_pending(f, t->w.off + at);

		becomes(f, t->w.off + at, t->buf[at], ctx_now);
		if (pending)
			is_vague(f, t->w.off + at);
	}
}

/* That many bytes were taken; `alone`: within one call. */
static void took(struct writing *t, uint64_t count, bool alone)
{
	struct file *f = t->w.file->user;

	for (uint64_t at = 0; at < t->w.len && !alone; at++) {
		uint64_t b = t->w.off + at;
		bool mine = f->seq[b] == t->seq && at < count && !write_pending(f, b);

		if (mine)
			becomes(f, b, t->buf[at], t->ctx);
		else
			is_vague(f, b);
		if (mine)
			f->seq[b] = t->seq;
	}
	if (count && t->w.off + count > f->size)
		f->size = t->w.off + count;
}

static void write_done(struct pcache_write *w, int err)
{
	struct writing *t = w->arg;

	cr_assert(t->busy);
	cr_assert(err || w->written == w->len);
	t->busy = false;
	took(t, w->written, false);
}

static void do_write(struct file *f)
{
	struct writing *t = &writing[rnd(WRITES)];
	uint64_t off, len;
	int res;

	if (t->busy) {
		if (!rnd(16)) {
			pcache_write_cancel(&t->w);
			if (t->busy)
				write_done(&t->w, -ECANCELED);
		}
		return;
	}
	some_range(&off, &len);
	for (uint64_t at = 0; at < len; at++)
		t->buf[at] = (uint8_t)rnd(256);
	t->w = (struct pcache_write){ .file = &f->f,
				      .off = off,
				      .len = len,
				      .iov = t->iov,
				      .zero_from = rnd(3) ? f->size : UINT64_MAX,
				      .ctx = &ctxs[ctx_now],
				      .done = write_done,
				      .arg = t };
	t->w.iov_count = cut_up(t->iov, t->buf, len);
	t->ctx = ctx_now;
	takes(t);
	t->busy = true;
	res = pcache_write(&t->w);
	cr_assert(res >= 0, "%d", res);
	if (res == 1) {
		seen_waits++;
		for (uint64_t at = 0; at < len; at++)
			is_vague(f, off + at);
		return;
	}
	t->busy = false;
	took(t, len, true);
}

static void sync_done(struct pcache_sync *s, int err)
{
	struct syncing *t = s->arg;
	struct file *f = s->file->user;

	t->busy = false;
	if (err) {
		cr_assert_neq(f->losses, t->losses);
		return;
	}
	for (uint64_t b = s->off; b < s->off + s->len && b < SIZE; b++)
		cr_assert(f->vague[b] || !t->seq[b] || f->osd_seq[b] >= t->seq[b],
			  "step %u: byte %lu was synced and is not there (%lu, %lu)", step, (unsigned long)b,
			  (unsigned long)f->osd_seq[b], (unsigned long)t->seq[b]);
}

static void do_sync(struct file *f)
{
	struct syncing *t = &syncing[rnd(SYNCS)];

	if (t->busy)
		return;
	t->s =
	    (struct pcache_sync){ .file = &f->f, .off = 0, .len = UINT64_MAX, .done = sync_done, .arg = t };
	if (rnd(2))
		some_range(&t->s.off, &t->s.len);
	t->losses = f->losses;
	for (uint64_t b = 0; b < SIZE; b++)
		t->seq[b] = f->vague[b] || write_pending(f, b) ? 0 : f->seq[b];
	t->busy = true;
	if (!pcache_sync(&t->s))
		sync_done(&t->s, 0);
}

static void do_discard(struct file *f)
{
	uint64_t off, len;

	some_range(&off, &len);
	if (!rnd(3))
		len = SIZE - off;
	ask(f, off, len);
	write_seq++;
	for (uint64_t b = off; b < off + len; b++) {
		bool pending = write_pending(f, b);

		becomes(f, b, 0, 0);
		f->seq[b] = 0;
		if (pending)
			is_vague(f, b);
	}
	for (unsigned n = 0; n < SYNCS; n++)
		if (syncing[n].busy && syncing[n].s.file == &f->f)
			memset(syncing[n].seq + off, 0, len * sizeof syncing[n].seq[0]);
	if (off + len == SIZE && f->size > off)
		f->size = off;
	pcache_discard(&f->f, off, off + len == SIZE ? UINT64_MAX : len);
}

static bool is_used(const struct file *f)
{
	for (unsigned n = 0; n < READS; n++)
		if (reading[n].busy && reading[n].r.file == &f->f)
			return true;
	for (unsigned n = 0; n < WRITES; n++)
		if (writing[n].busy && writing[n].w.file == &f->f)
			return true;
	for (unsigned n = 0; n < asked_count; n++)
		if (asked[n].file == f && (!asked[n].io || asked[n].io->out))
			return true;
	return false;
}

/* The right to keep data goes; once nothing is kept, others write. */
static void do_revoke(struct file *f)
{
	uint64_t off, len;

	if (f->may) {
		f->may = false;
		pcache_flush(&f->f, 0, UINT64_MAX);
		pcache_drop(&f->f, 0, UINT64_MAX);
		return;
	}
	if (f->held || f->owing || is_used(f))
		return;
	some_range(&off, &len);
	for (uint64_t b = off; b < off + len; b++) {
		f->osd[b] = (uint8_t)rnd(256);
		becomes(f, b, f->osd[b], 0);
		f->osd_ctx[b] = 0;
		f->seq[b] = 0;
	}
	if (off + len > f->size)
		f->size = off + len;
	f->may = true;
}

static void do_ahead(struct file *f)
{
	uint64_t off, len;

	some_range(&off, &len);
	pcache_ahead(&f->f, off, len);
}

/* ---- all of it ---- */

static void check(void)
{
	const struct pcache_file *all[FILES];
	const char *bad;
	struct pcache_stats st;

	for (unsigned n = 0; n < FILES; n++) {
		all[n] = &file[n].f;
		cr_assert_eq(file[n].held, file[n].f.held);
		cr_assert_eq(file[n].owing, file[n].f.owing);
	}
	bad = pcache_check(cache, all, FILES);
	cr_assert_null(bad, "step %u: %s", step, bad);
	pcache_stats(cache, &st);
	cr_assert_leq(st.bytes, 256 << 10);
	cr_assert_leq(st.dirty_bytes, 96 << 10);
}

static void one_step(void)
{
	struct file *f = &file[rnd(FILES)];

	clock_ns += rnd(1000);
	if (timer_at && timer_at <= clock_ns) {
		timer_at = 0;
		pcache_tick(cache);
	}
	switch (rnd(32)) {
	case 0 ... 6:
		do_read(f);
		break;
	case 7 ... 12:
		do_write(f);
		break;
	case 13:
		do_sync(f);
		break;
	case 14:
		do_discard(f);
		break;
	case 15:
		if (!rnd(2))
			pcache_drop(&f->f, rnd(SIZE), rnd(SIZE));
		else if (rnd(2))
			pcache_drop_all(cache);
		else
			pcache_flush(&f->f, rnd(SIZE), rnd(SIZE) + 1);
		break;
	case 16:
		do_revoke(f);
		break;
	case 17:
		if (!rnd(8) && ctx_now < 4000)
			ctx_now++;
		if (fail_one_in && !rnd(64))
			pcache_fail(&f->f, -ESHUTDOWN);
		break;
	case 18:
		if (!rnd(3))
			pcache_flush(&f->f, 0, UINT64_MAX);
		do_ahead(f);
		break;
	default:
		osd_step();
	}
	check();
}

static void come_to_rest(void)
{
	fail_one_in = 0;
	for (unsigned n = 0; n < FILES; n++)
		pcache_flush(&file[n].f, 0, UINT64_MAX);
	while (asked_count) {
		osd_step();
		for (unsigned n = 0; n < FILES; n++)
			pcache_flush(&file[n].f, 0, UINT64_MAX);
	}
	check();
	for (unsigned n = 0; n < READS; n++)
		cr_assert(!reading[n].busy);
	for (unsigned n = 0; n < WRITES; n++)
		cr_assert(!writing[n].busy);
	for (unsigned n = 0; n < SYNCS; n++)
		cr_assert(!syncing[n].busy);
	for (unsigned n = 0; n < FILES; n++) {
		struct file *f = &file[n];

		cr_assert(pcache_file_clean(&f->f));
		for (uint64_t b = 0; b < SIZE; b++) {
			cr_assert(f->vague[b] || f->osd[b] == f->truth[b], "file %u: byte %lu is not there",
				  n, (unsigned long)b);
			/* What nobody wrote here since is the OSDs' again. */
			f->truth[b] = f->osd[b];
			f->seq[b] = f->vague[b] ? 0 : f->seq[b];
			f->vague[b] = false;
		}
	}
	for (unsigned n = 1; n <= ctx_now; n++)
		cr_assert_eq(ctxs[n].refs, 0);
}

static void run(uint64_t with_seed, unsigned steps, unsigned failures)
{
	static const struct pcache_opts o = { .max_bytes = 256 << 10,
					      .max_dirty = 96 << 10,
					      .target_dirty = 40 << 10,
					      .max_age_ns = 100000,
					      .direct_min = 6 * PAGE_BYTES };

	seed = with_seed;
	fail_one_in = failures;
	ctx_now = 1;
	memset(file, 0, sizeof file);
	for (unsigned n = 0; n < sizeof ctxs / sizeof *ctxs; n++)
		ctxs[n].number = n;
	cache = pcache_new(&o, &ops, NULL);
	for (unsigned n = 0; n < FILES; n++) {
		pcache_file_init(cache, &file[n].f, CUT, &file[n]);
		file[n].may = true;
	}
	for (step = 0; step < steps; step++) {
		fail_one_in = failures;
		one_step();
		if (step % 1000 == 999) {
			come_to_rest();
			if (!rnd(3)) /* what is read next comes from the OSDs */
				pcache_drop_all(cache);
		}
	}
	come_to_rest();
	for (unsigned n = 0; n < FILES; n++) {
		pcache_drop(&file[n].f, 0, UINT64_MAX);
		pcache_file_fini(&file[n].f);
	}
	pcache_free(cache);
}

static unsigned env(const char *name, unsigned otherwise)
{
	const char *v = getenv(name);

	return v ? (unsigned)strtoul(v, NULL, 0) : otherwise;
}

static void runs(unsigned failures)
{
	unsigned first = env("PCACHE_SEED", 1), count = env("PCACHE_SEED", 0) ? 1 : 3;

	for (unsigned n = first; n < first + count; n++) {
		fprintf(stderr, "seed %u\n", n);
		run(n, env("PCACHE_STEPS", 5000), failures);
	}
	cr_assert_gt(seen_reads, 100);
	cr_assert_gt(seen_waits, 10);
}

Test(pcache_model, bytes_are_what_was_written)
{
	runs(0);
	cr_assert_eq(seen_lost, 0);
}

Test(pcache_model, the_same_while_transfers_fail)
{
	runs(12);
	cr_assert_gt(seen_lost, 10);
}
