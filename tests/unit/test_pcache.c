/* The data cache step by step: what test_pcache_model.c does at random, here on purpose, and what is counted.
 */
#include "../../src/data/cache.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

enum { PAGE = PAGE_BYTES, CUT = 8 * PAGE, SIZE = 128 * PAGE, IOS = 256 };

struct bed {
	struct pcache *c;
	struct pcache_file f;
	struct pcache_io *io[IOS];
	unsigned count, lost, cleans, releases, ctx_cleans, cancels;
	uint64_t now, timer, lost_off, lost_len;
	int lost_err;
	bool may;
	uint8_t osd[SIZE];
};
static struct bed b;

static void begin_io(void *arg, struct pcache_io *io)
{
	cr_assert_lt(b.count, IOS);
	b.io[b.count++] = io;
}

static void cancel_io(void *arg, struct pcache_io *io)
{
	b.cancels++;
}

static uint64_t now(void *arg)
{
	return b.now;
}

static bool hold(void *arg, struct pcache_file *f)
{
	return b.may;
}

static void release(void *arg, struct pcache_file *f)
{
	b.releases++;
}

static void dirty(void *arg, struct pcache_file *f) {}

static void clean(void *arg, struct pcache_file *f)
{
	b.cleans++;
}

static void ctx_clean(void *arg, struct pcache_file *f, void *ctx)
{
	b.ctx_cleans++;
}

static void lost(void *arg, struct pcache_file *f, const struct pcache_io *io, uint64_t off, uint64_t len,
		 int err)
{
	b.lost++;
	b.lost_off = off;
	b.lost_len = len;
	b.lost_err = err;
}

static void idle(void *arg, struct pcache_file *f) {}

static bool ctx_same(void *arg, const void *x, const void *y)
{
	return x == y;
}

static void *ctx_get(void *arg, void *ctx)
{
	return ctx;
}

static void ctx_put(void *arg, void *ctx) {}

static void timer(void *arg, uint64_t at_ns)
{
	b.timer = at_ns;
}

static const struct pcache_ops ops = { begin_io,  cancel_io, now,  hold,     release, dirty,   clean,
				       ctx_clean, lost,      idle, ctx_same, ctx_get, ctx_put, timer };

static void check(void)
{
	const struct pcache_file *f = &b.f;
	const char *bad = pcache_check(b.c, &f, 1);

	cr_assert_null(bad, "%s", bad);
}

static void make(void)
{
	static const struct pcache_opts o = { .max_bytes = 64 * PAGE,
					      .max_dirty = 32 * PAGE,
					      .target_dirty = 16 * PAGE,
					      .max_age_ns = 1000,
					      .direct_min = 12 * PAGE };

	memset(&b, 0, sizeof b);
	b.now = 1;
	b.may = true;
	for (unsigned n = 0; n < SIZE; n++)
		b.osd[n] = (uint8_t)(n / PAGE + 1);
	b.c = pcache_new(&o, &ops, NULL);
	pcache_file_init(b.c, &b.f, CUT, NULL);
}

/* What the OSD does, and the end of the transfer. */
static void end_io(unsigned n, int err)
{
	struct pcache_io *io = b.io[n];
	uint64_t at = io->off;

	memmove(b.io + n, b.io + n + 1, (b.count - n - 1) * sizeof *b.io);
	b.count--;
	for (uint32_t i = 0; !err && i < io->iov_count; i++) {
		uint8_t *p = io->iov[i].iov_base;

		if (io->out)
			memcpy(b.osd + at, p, io->iov[i].iov_len);
		else
			memcpy(p, b.osd + at, io->iov[i].iov_len);
		at += io->iov[i].iov_len;
	}
	pcache_io_done(io, err);
	check();
}

static void end_all(void)
{
	while (b.count)
		end_io(0, 0);
}

static void unmake(void)
{
	pcache_flush(&b.f, 0, UINT64_MAX);
	end_all();
	pcache_drop(&b.f, 0, UINT64_MAX);
	end_all();
	check();
	pcache_file_fini(&b.f);
	pcache_free(b.c);
}

TestSuite(pcache, .init = make, .fini = unmake);

struct rd {
	struct pcache_read r;
	struct iovec iov;
	uint8_t buf[32 * PAGE];
	int err, done;
};

static void read_done(struct pcache_read *r, int err)
{
	struct rd *t = r->arg;

	t->err = err;
	t->done++;
}

static int start_read(struct rd *t, uint64_t off, uint64_t len)
{
	t->iov = (struct iovec){ t->buf, len };
	t->r = (struct pcache_read){ .file = &b.f,
				     .off = off,
				     .len = len,
				     .iov = &t->iov,
				     .iov_count = 1,
				     .done = read_done,
				     .arg = t };
	t->done = 0;
	memset(t->buf, 0xee, sizeof t->buf);
	return pcache_read(&t->r);
}

struct wr {
	struct pcache_write w;
	struct iovec iov;
	uint8_t buf[40 * PAGE];
	int err, done;
};

static void write_done(struct pcache_write *w, int err)
{
	struct wr *t = w->arg;

	t->err = err;
	t->done++;
}

static char ctx_a, ctx_b;

static int start_write(struct wr *t, uint64_t off, uint64_t len, uint8_t with, void *ctx)
{
	memset(t->buf, with, len);
	t->iov = (struct iovec){ t->buf, len };
	t->w = (struct pcache_write){ .file = &b.f,
				      .off = off,
				      .len = len,
				      .iov = &t->iov,
				      .iov_count = 1,
				      .zero_from = UINT64_MAX,
				      .ctx = ctx,
				      .done = write_done,
				      .arg = t };
	t->done = 0;
	return pcache_write(&t->w);
}

static struct pcache_stats stats(void)
{
	struct pcache_stats st;

	pcache_stats(b.c, &st);
	return st;
}

static struct rd r1, r2;
static struct wr w1, w2, w3;

Test(pcache, what_was_read_is_read_again_from_here)
{
	cr_assert_eq(start_read(&r1, 100, 2 * PAGE), 1);
	cr_assert_eq(b.count, 1);
	cr_assert_eq(b.io[0]->len, 3 * PAGE, "whole pages");
	cr_assert_eq(b.io[0]->iov_count, 1, "in one piece");
	end_all();
	cr_assert_eq(r1.done, 1);
	cr_assert_eq(memcmp(r1.buf, b.osd + 100, 2 * PAGE), 0);
	cr_assert_eq(start_read(&r1, 0, 3 * PAGE), 0);
	cr_assert_eq(memcmp(r1.buf, b.osd, 3 * PAGE), 0);
	cr_assert_eq(stats().hits, 1);
	cr_assert_eq(stats().misses, 1);
	cr_assert_eq(stats().copied, 5 * PAGE);
}

Test(pcache, two_readers_share_a_fetch)
{
	start_read(&r1, 0, 4 * PAGE);
	start_read(&r2, PAGE, 4 * PAGE);
	cr_assert_eq(b.count, 2);
	cr_assert_eq(b.io[1]->off, 4 * PAGE);
	cr_assert_eq(b.io[1]->len, PAGE);
	end_io(1, 0);
	cr_assert_eq(r2.done, 0);
	end_io(0, 0);
	cr_assert(r1.done && r2.done);
	cr_assert_eq(memcmp(r2.buf, b.osd + PAGE, 4 * PAGE), 0);
}

Test(pcache, long_reads_go_straight_to_their_memory)
{
	cr_assert_eq(start_read(&r1, 8 * PAGE + 10, 2 * PAGE), 1);
	end_all();
	cr_assert_eq(start_read(&r1, 32 * PAGE, 24 * PAGE), 1);
	cr_assert_eq(b.count, 3, "one for each object");
	cr_assert_eq(b.io[0]->len, 8 * PAGE); /* less than direct_min */
	cr_assert_eq(stats().bytes, (3 + 24) * PAGE);
	end_all();
	pcache_drop_all(b.c);
	b.f.cut = 16 * PAGE;
	cr_assert_eq(start_read(&r1, 32 * PAGE, 16 * PAGE), 1);
	cr_assert_eq(b.io[0]->iov[0].iov_base, r1.buf);
	cr_assert_eq(stats().bytes, 0);
	end_all();
	cr_assert_eq(memcmp(r1.buf, b.osd + 32 * PAGE, 16 * PAGE), 0);
}

Test(pcache, free_memory_is_looked_at_until_it_is_gone)
{
	cr_assert_eq(start_read(&r1, 0, 4 * PAGE), 1);
	end_all();
	cr_assert_eq(b.timer, 0);
	b.now = 7;
	pcache_drop(&b.f, 0, SIZE);
	cr_assert_eq(stats().bytes, 0);
	for (unsigned ticks = 0; b.timer; ticks++) {
		cr_assert_lt(ticks, 3);
		cr_assert_gt(b.timer, b.now);
		b.now = b.timer;
		b.timer = 0;
		pcache_tick(b.c);
	}
	cr_assert_gt(b.now, 7);
}

Test(pcache, writes_are_joined_and_cut_at_objects)
{
	for (unsigned n = 0; n < 10; n++)
		cr_assert_eq(start_write(&w1, 3 * PAGE + n * PAGE, PAGE, (uint8_t)(100 + n), &ctx_a), 0);
	cr_assert_eq(b.count, 0);
	cr_assert_eq(b.timer, 1001);
	b.now = 1001;
	pcache_tick(b.c);
	cr_assert_eq(b.count, 2);
	cr_assert_eq(b.io[0]->off, 3 * PAGE);
	cr_assert_eq(b.io[0]->len, 5 * PAGE);
	cr_assert_eq(b.io[1]->off, 8 * PAGE);
	cr_assert_eq(b.io[1]->len, 5 * PAGE);
	cr_assert_eq(stats().dirty_bytes, 10 * PAGE);
	end_io(1, 0);
	cr_assert_eq(b.cleans, 0);
	end_io(0, 0);
	cr_assert_eq(b.cleans, 1);
	cr_assert_eq(stats().dirty_bytes, 0);
	cr_assert_eq(b.osd[12 * PAGE], 109);
}

Test(pcache, the_oldest_goes_when_the_target_is_passed)
{
	start_write(&w1, 40 * PAGE, 4 * PAGE, 1, &ctx_a);
	b.now++;
	start_write(&w1, 0, 12 * PAGE, 2, &ctx_a);
	cr_assert_eq(b.count, 0);
	start_write(&w1, 20 * PAGE, 1, 3, &ctx_a);
	cr_assert_eq(b.count, 1);
	cr_assert_eq(b.io[0]->off, 40 * PAGE);
}

Test(pcache, writers_wait_in_order_when_too_much_is_dirty)
{
	cr_assert_eq(start_write(&w1, 0, 40 * PAGE, 1, &ctx_a), 1);
	cr_assert_eq(w1.w.written, 32 * PAGE);
	cr_assert_eq(start_write(&w2, 100 * PAGE, 1, 2, &ctx_a), 1);
	cr_assert_eq(stats().waits, 2);
	cr_assert_eq(stats().dirty_bytes, 32 * PAGE);
	end_io(0, 0); /* 8 pages */
	cr_assert_eq(w1.done, 1);
	cr_assert_eq(w2.done, 0, "there is room for one of them only");
	end_io(0, 0);
	cr_assert_eq(w2.done, 1);
	cr_assert_eq(w2.w.written, 1);
}

Test(pcache, a_waiting_writer_can_leave)
{
	start_write(&w1, 0, 40 * PAGE, 1, &ctx_a);
	start_write(&w2, 100 * PAGE, 1, 2, &ctx_a);
	pcache_write_cancel(&w1.w);
	cr_assert_eq(w1.done, 0);
	end_io(0, 0);
	cr_assert_eq(w2.done, 1);
}

Test(pcache, writing_what_is_on_its_way)
{
	start_write(&w1, 0, 100, 1, &ctx_a);
	pcache_flush(&b.f, 0, UINT64_MAX);
	start_write(&w1, 50, 100, 2, &ctx_a);
	cr_assert_eq(((uint8_t *)b.io[0]->iov[0].iov_base)[60], 1, "what is sent does not change");
	end_io(0, 0);
	cr_assert_eq(b.osd[60], 1);
	cr_assert_eq(b.cleans, 0);
	pcache_flush(&b.f, 0, UINT64_MAX);
	cr_assert_eq(b.io[0]->off, 50);
	end_io(0, 0);
	cr_assert_eq(b.osd[49], 1);
	cr_assert_eq(b.osd[60], 2);
	cr_assert_eq(b.cleans, 1);
}

Test(pcache, a_failed_write_is_lost_and_says_so_once)
{
	struct pcache_sync beside = { .file = &b.f, .off = PAGE, .len = 10 };

	start_write(&w1, 10, 100, 99, &ctx_a);
	pcache_flush(&b.f, 0, UINT64_MAX);
	cr_assert_eq(pcache_sync(&beside), 0, "nothing is dirty there");
	end_io(0, -ENOSPC);
	cr_assert_eq(b.lost, 1);
	cr_assert_eq(b.lost_off, 10);
	cr_assert_eq(b.lost_len, 100);
	cr_assert_eq(b.lost_err, -ENOSPC);
	cr_assert_eq(b.cleans, 1, "it does not stay dirty");
	cr_assert_eq(start_read(&r1, 0, 200), 1, "what the OSDs have is asked again");
	end_all();
	cr_assert_eq(r1.buf[50], b.osd[50]);
}

static int synced;
static void sync_done(struct pcache_sync *s, int err)
{
	synced = err ? err : 1;
}

Test(pcache, a_sync_waits_for_what_was_dirty_and_no_longer)
{
	struct pcache_sync s = { .file = &b.f, .len = UINT64_MAX, .done = sync_done };

	synced = 0;
	start_write(&w1, 0, 100, 1, &ctx_a);
	cr_assert_eq(pcache_sync(&s), 1);
	start_write(&w1, 0, 100, 2, &ctx_a);
	pcache_flush(&b.f, 0, UINT64_MAX);
	cr_assert_eq(b.count, 2);
	end_io(0, 0);
	cr_assert_eq(synced, 1);
	end_io(0, -EIO);
	cr_assert_eq(synced, 1);
	start_write(&w1, 0, 100, 2, &ctx_a);
	cr_assert_eq(pcache_sync(&s), 1);
	end_io(0, -EIO);
	cr_assert_eq(synced, -EIO);
}

Test(pcache, a_fetch_begun_before_a_write_brings_nothing_older)
{
	start_write(&w1, 0, 100, 1, &ctx_a);
	cr_assert_eq(start_read(&r1, 0, PAGE), 1); /* of the rest */
	pcache_flush(&b.f, 0, UINT64_MAX);
	/* The OSD reads before it writes; its answer comes last. */
	memset(b.io[0]->iov[0].iov_base, 77, PAGE);
	end_io(1, 0);
	pcache_drop_all(b.c);
	pcache_io_done(b.io[0], 0);
	b.count = 0;
	cr_assert_eq(r1.done, 1);
	cr_assert_eq(r1.buf[50], 1);
	cr_assert_eq(r1.buf[150], 77);
	cr_assert_eq(start_read(&r1, 0, 100), 1, "it was not kept");
	end_all();
	cr_assert_eq(r1.buf[50], 1);
}

Test(pcache, beyond_the_end_is_zeros_unless_one_had_to_wait)
{
	memset(b.osd + 50 * PAGE, 0, SIZE - 50 * PAGE);
	w2.w.zero_from = 0;
	memset(w1.buf, 1, 10);
	w1.iov = (struct iovec){ w1.buf, 10 };
	w1.w = (struct pcache_write){ .file = &b.f,
				      .off = 50 * PAGE + 5,
				      .len = 10,
				      .iov = &w1.iov,
				      .iov_count = 1,
				      .zero_from = 50 * PAGE,
				      .ctx = &ctx_a };
	cr_assert_eq(pcache_write(&w1.w), 0);
	cr_assert_eq(start_read(&r1, 50 * PAGE, PAGE), 0);
	cr_assert_eq(r1.buf[0], 0);
	cr_assert_eq(r1.buf[5], 1);
	cr_assert_eq(r1.buf[15], 0);
	pcache_flush(&b.f, 0, UINT64_MAX);
	cr_assert_eq(b.io[0]->len, 10, "only what was written");
	end_all();

	cr_assert_eq(start_write(&w1, 0, 40 * PAGE, 1, &ctx_a), 1);
	w2.iov = (struct iovec){ w2.buf, 10 };
	w2.w = (struct pcache_write){ .file = &b.f,
				      .off = 60 * PAGE + 5,
				      .len = 10,
				      .iov = &w2.iov,
				      .iov_count = 1,
				      .zero_from = 51 * PAGE,
				      .ctx = &ctx_a,
				      .done = write_done,
				      .arg = &w2 };
	cr_assert_eq(pcache_write(&w2.w), 1);
	b.osd[60 * PAGE + 100] = 9; /* somebody else made it longer */
	end_all();
	cr_assert_eq(w2.done, 1);
	start_read(&r1, 60 * PAGE, PAGE);
	end_all();
	cr_assert_eq(r1.buf[100], 9);
	cr_assert_eq(r1.buf[5], w2.buf[0]);
}

Test(pcache, a_page_belongs_to_one_context)
{
	start_write(&w1, 0, 100, 1, &ctx_a);
	start_write(&w2, 200, 100, 2, &ctx_b);
	cr_assert_eq(b.count, 1, "the older one leaves first");
	cr_assert_eq(b.io[0]->ctx, &ctx_a);
	cr_assert(pcache_dirty_under(&b.f, &ctx_a));
	cr_assert(pcache_dirty_under(&b.f, &ctx_b));
	end_io(0, 0);
	cr_assert(!pcache_dirty_under(&b.f, &ctx_a));
	cr_assert_eq(b.ctx_cleans, 1);
	start_write(&w3, PAGE, PAGE, 2, &ctx_a);
	pcache_flush(&b.f, 0, UINT64_MAX);
	cr_assert_eq(b.count, 2, "and a transfer too");
}

Test(pcache, a_revoke_while_reading_ahead)
{
	pcache_ahead(&b.f, 0, 8 * PAGE);
	cr_assert_eq(b.count, 1);
	cr_assert_eq(stats().ahead, 8 * PAGE);
	b.may = false;
	pcache_drop(&b.f, 0, UINT64_MAX);
	cr_assert_eq(b.releases, 1, "nobody waits for it");
	cr_assert_eq(stats().ahead_wasted, 8 * PAGE);
	b.may = true;
	cr_assert_eq(start_read(&r1, 0, PAGE), 1);
	cr_assert_eq(b.count, 2, "and nobody joins it");
	end_io(0, 0);
	cr_assert_eq(r1.done, 0);
	end_all();
	cr_assert_eq(stats().bytes, PAGE);
}

Test(pcache, what_was_read_ahead_is_counted)
{
	pcache_ahead(&b.f, 0, 8 * PAGE);
	cr_assert_eq(start_read(&r1, 0, PAGE), 1);
	cr_assert_eq(b.count, 1, "it joins");
	end_all();
	cr_assert_eq(start_read(&r1, PAGE, PAGE), 0);
	pcache_drop_all(b.c);
	cr_assert_eq(stats().ahead_wasted, 6 * PAGE);
	pcache_ahead(&b.f, 0, 100 * PAGE);
	cr_assert_eq(stats().ahead, 24 * PAGE, "a quarter of the cache at most");
}

Test(pcache, without_leave_nothing_is_kept)
{
	b.may = false;
	start_read(&r1, 0, PAGE);
	cr_assert_eq(b.io[0]->iov[0].iov_base, r1.buf);
	end_all();
	start_write(&w1, PAGE, PAGE, 1, &ctx_a);
	pcache_flush(&b.f, 0, UINT64_MAX);
	cr_assert_eq(start_read(&r1, PAGE, PAGE), 0, "as long as it is not there");
	end_all();
	cr_assert_eq(stats().bytes, 0);
}

Test(pcache, cancelled_reads)
{
	start_read(&r1, 0, PAGE);
	b.may = false;
	cr_assert(!pcache_read_cancel(&r1.r, -ECANCELED));
	pcache_drop(&b.f, 0, UINT64_MAX);
	start_read(&r2, 16 * PAGE, PAGE);
	cr_assert(pcache_read_cancel(&r2.r, -ETIMEDOUT), "its memory is in use");
	cr_assert_eq(r2.done, 0);
	cr_assert_eq(b.cancels, 1);
	end_io(1, -ECANCELED);
	cr_assert_eq(r2.done, 1);
	cr_assert_eq(r2.err, -ETIMEDOUT);
	cr_assert_eq(r1.done, 0);
}

Test(pcache, given_up_with_a_reason)
{
	start_write(&w1, 0, 40 * PAGE, 1, &ctx_a);
	start_write(&w2, 100 * PAGE, 1, 2, &ctx_a);
	pcache_fail(&b.f, -ESHUTDOWN);
	cr_assert_eq(w1.done, 1);
	cr_assert_eq(w1.err, -ESHUTDOWN);
	cr_assert_eq(w1.w.written, 32 * PAGE);
	cr_assert_eq(w2.done, 1);
	cr_assert_gt(b.lost, 0);
	cr_assert_eq(b.lost_err, -ESHUTDOWN);
}

Test(pcache, memory_is_bounded_and_the_least_used_goes)
{
	start_read(&r1, 0, PAGE);
	end_all();
	for (unsigned n = 1; n < 128; n++) {
		start_read(&r2, n * PAGE, PAGE);
		end_all();
		cr_assert_eq(start_read(&r1, 0, PAGE), 0);
		cr_assert_leq(stats().bytes, 64 * PAGE);
	}
	cr_assert_eq(stats().evicted, 64);
}
