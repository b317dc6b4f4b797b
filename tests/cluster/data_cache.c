/* cluster: --mds 1; timeout: 180 */
/* The cache of file data beside libcephfs: what is read once and stays, what is written and leaves later; who
 * sees it when the other client comes; bounds, snapshots, failures, and the end of the client. */
#include <signal.h>
#include <sys/wait.h>
#include "bytes.h"
#include "flight.h"
#include "ours.h"

#define TOP "/cache"

enum { K = 1024, M = 1024 * K };

static const struct cephring_cred root = { 0 };
static uint8_t want[8 * M], got[8 * M];

static cephring_file *opened(cephring_mount *m, const char *path, int flags)
{
	cephring_file *f = NULL;
	int err = cephring_sync_open(m, NULL, path, flags, 0644, NULL, &root, &f);

	if (err < 0) {
		tap_note("%s: %s", path, cephring_strerror(m, err));
		tap_die("a file is opened");
	}
	return f;
}

static struct cephring_stats stats(cephring_mount *m)
{
	struct cephring_stats s = { .size = sizeof s };

	cephring_stats(m, &s);
	return s;
}

/* Serves the engine until nothing of this mount is dirty, or for that long. */
static int clean_within(struct both *b, cephring_mount *m, unsigned ms)
{
	uint64_t end = now_ns() + ms * 1000000ull;

	while (stats(m).data_dirty_bytes && now_ns() < end)
		both_turn(b->engine, -1, 10);
	return !stats(m).data_dirty_bytes;
}

static void fill(size_t len, uint32_t seed)
{
	bytes_fill(want, len, 0, seed);
}

/* ---- reading ---- */

static void read_once(struct both *b)
{
	struct cephring_stats s, t;
	cephring_file *f;

	fill(M, 1);
	tap_eq(they_write(b, TOP "/read", want, M, 0), M, "libcephfs writes a file");
	f = opened(b->mount, TOP "/read", O_RDONLY);
	tap_eq(cephring_sync_read(f, got, 300 * K, 100, 0), 300 * K, "read");
	s = stats(b->mount);
	memset(got, 0, sizeof got);
	tap_eq(cephring_sync_read(f, got, 300 * K, 100, 0), 300 * K, "read again");
	t = stats(b->mount);
	tap_eq(bytes_differ(got, want + 100, 300 * K), -1, "the same bytes");
	tap_eq((long long)(t.osd_ops - s.osd_ops), 0, "and nobody is asked");
	tap_eq((long long)(t.data_hits - s.data_hits), 1, "a hit");
	tap_eq((long long)(t.copied_cache - s.copied_cache), 300 * K, "copied bytes are counted");
	fill(M, 2);
	tap_eq(they_write(b, TOP "/read", want, M, 0), M, "libcephfs writes it anew");
	tap_eq(cephring_sync_read(f, got, M, 0, 0), M, "read once more");
	tap_eq(bytes_differ(got, want, M), -1, "the new bytes");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

static void read_ahead(struct both *b)
{
	struct cephring_stats s, t;
	cephring_file *f;
	int good = 1;

	fill(8 * M, 3);
	tap_eq(they_write(b, TOP "/ahead", want, 8 * M, 0), 8 * M, "libcephfs writes a longer file");
	f = opened(b->mount, TOP "/ahead", O_RDONLY);
	s = stats(b->mount);
	for (uint64_t off = 0; off < 8 * M; off += 16 * K)
		good &= cephring_sync_read(f, got + off, 16 * K, off, 0) == 16 * K;
	t = stats(b->mount);
	tap_ok(good && bytes_differ(got, want, 8 * M) == -1, "read in small pieces");
	tap_ok(t.osd_ops - s.osd_ops < 100, "they come in large ones");
	tap_ok(t.readahead_bytes - s.readahead_bytes > 6 * M, "ahead of being asked for");
	tap_eq((long long)(t.readahead_wasted - s.readahead_wasted), 0, "none in vain");
	tap_note("%llu requests for 512 reads", (unsigned long long)(t.osd_ops - s.osd_ops));
	tap_eq(cephring_sync_advise(f, 0, 8 * M, POSIX_FADV_DONTNEED), 0, "not needed any more");
	tap_eq((long long)stats(b->mount).data_cache_bytes, 0, "and gone");
	tap_eq(cephring_sync_advise(f, 0, 0, POSIX_FADV_RANDOM), 0, "random reads");
	s = stats(b->mount);
	for (uint64_t off = 0; off < M; off += 16 * K)
		cephring_sync_read(f, got, 16 * K, off, 0);
	t = stats(b->mount);
	tap_eq((long long)(t.readahead_bytes - s.readahead_bytes), 0, "nothing is read ahead of them");
	tap_eq(cephring_sync_advise(f, 4 * M, M, POSIX_FADV_WILLNEED), 0, "will be needed");
	s = stats(b->mount);
	cephring_sync_read(f, got, 64 * K, 4 * M, 0);
	tap_eq(bytes_differ(got, want + 4 * M, 64 * K), -1, "it comes");
	cephring_sync_read(f, got, 64 * K, 5 * M - 64 * K, 0);
	tap_eq((long long)(stats(b->mount).osd_ops - s.osd_ops), 0, "and not asked for once more");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- writing ---- */

static void write_later(struct both *b)
{
	struct cephring_stats s, t;
	cephring_file *f = opened(b->mount, TOP "/write", O_RDWR | O_CREAT);
	int good = 1;

	fill(2 * M, 4);
	cephring_sync_write(f, want, 1, 0, 0); /* the pool's permission is asked for */
	cephring_sync_fsync(f, 0);
	s = stats(b->mount);
	for (uint64_t off = 0; off < 2 * M; off += 4 * K)
		good &= cephring_sync_write(f, want + off, 4 * K, off, 0) == 4 * K;
	t = stats(b->mount);
	tap_ok(good, "written in small pieces");
	tap_eq((long long)(t.osd_ops - s.osd_ops), 0, "and nothing has left");
	tap_eq((long long)t.data_dirty_bytes, 2 * M, "dirty");
	tap_eq(cephring_sync_read(f, got, 2 * M, 0, 0), 2 * M, "read back");
	tap_eq(bytes_differ(got, want, 2 * M), -1, "from here");
	tap_eq(cephring_sync_fsync(f, 0), 0, "fsync");
	t = stats(b->mount);
	tap_eq((long long)(t.osd_ops - s.osd_ops), 1, "all of it in one request");
	tap_eq((long long)t.data_dirty_bytes, 0, "nothing is dirty");
	bytes_fill(want + 5000, 7777, 0, 5);
	cephring_sync_write(f, want + 5000, 7777, 5000, 0);
	tap_eq(they_read(b, TOP "/write", got, 2 * M, 0), 2 * M, "libcephfs reads");
	tap_eq(bytes_differ(got, want, 2 * M), -1, "what is dirty too");
	cephring_sync_write(f, want, 100, 0, 0);
	tap_ok(clean_within(b, b->mount, 8000), "what is not written back on demand goes by age");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* Both clients write here and there in one file, and read what the other wrote. */
/* What is longer than a megabyte passes the cache by, but for its end, which is sent and not waited for. */
static void long_writes(struct both *b)
{
	struct cephring_stats s, t;
	cephring_file *f = opened(b->mount, TOP "/long", O_RDWR | O_CREAT);
	unsigned bad = 0;

	fill(8 * M, 12);
	cephring_sync_write(f, want, 1, 0, CEPHRING_IO_DIRECT); /* the pool's permission is asked for */
	s = stats(b->mount);
	tap_eq(cephring_sync_write(f, want, 4 * M, 0, 0), 4 * M, "a long write");
	t = stats(b->mount);
	tap_eq((long long)(t.copied_cache - s.copied_cache), M, "the cache takes a quarter of it");
	tap_eq((long long)(t.osd_ops - s.osd_ops), 2, "nothing of it waits to be sent");
	tap_eq(cephring_sync_read(f, got, 4 * M, 0, CEPHRING_IO_DIRECT), 4 * M,
	       "read at once, past the cache");
	tap_eq(bytes_differ(got, want, 4 * M), -1, "all of it");
	tap_eq(cephring_sync_write(f, want + 4 * M, 4 * M, 4 * M, 0), 4 * M, "the next one");
	tap_eq(cephring_sync_read(f, got, 2 * M, 6 * M, 0), 2 * M, "read at once, through the cache");
	tap_eq(bytes_differ(got, want + 6 * M, 2 * M), -1, "its end");
	tap_eq(they_read(b, TOP "/long", got, 8 * M, 0), 8 * M, "libcephfs reads");
	tap_eq(bytes_differ(got, want, 8 * M), -1, "the same");
	tap_eq(cephring_sync_fsync(f, 0), 0, "fsync");
	tap_eq((long long)stats(b->mount).data_dirty_bytes, 0, "nothing is dirty");
	s = stats(b->mount);
	tap_eq(cephring_sync_write(f, want, 4 * M, 0, CEPHRING_IO_DSYNC), 4 * M, "one that is waited for");
	tap_eq((long long)(stats(b->mount).copied_cache - s.copied_cache), 0, "is not copied");
	srandom(3);
	for (unsigned n = 0; n < 60 && !bad; n++) { /* over each other, short and long */
		uint64_t off = (uint64_t)random() % (4 * M), len = 1 + (uint64_t)random() % (4 * M);

		if (n % 3) {
			off &= ~(uint64_t)(4 * K - 1);
			len = (len + 4 * K - 1) & ~(uint64_t)(4 * K - 1);
		}
		if (n % 5 == 4)
			len = 1 + len % (64 * K);
		bytes_fill(want + off, len, off, 100 + n);
		bad += cephring_sync_write(f, want + off, len, off, 0) != (int64_t)len;
		off = (uint64_t)random() % (8 * M - M);
		bad += cephring_sync_read(f, got, M, off, n % 2 ? CEPHRING_IO_DIRECT : 0) != M ||
		       bytes_differ(got, want + off, M) != -1;
	}
	tap_eq(bad, 0, "over each other, each read brings what was written");
	tap_eq(cephring_sync_close(f), 0, "closed");
	tap_eq(they_read(b, TOP "/long", got, 8 * M, 0), 8 * M, "libcephfs reads");
	tap_eq(bytes_differ(got, want, 8 * M), -1, "the same");
}

static void in_turns(struct both *b)
{
	cephring_file *f = opened(b->mount, TOP "/turns", O_RDWR | O_CREAT);
	uint64_t seed = 7;
	size_t size = 0;
	int good = 1;

	memset(want, 0, sizeof want);
	for (unsigned n = 0; n < 60 && good; n++) {
		size_t off, len;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		off = (seed >> 33) % (2 * M);
		len = 1 + (seed >> 20) % (n % 3 ? 9000 : 300000);
		bytes_fill(want + off, len, off, n);
		if (off + len > size)
			size = off + len;
		if (n & 1)
			good &= they_write(b, TOP "/turns", want + off, len, (int64_t)off) == (int)len;
		else
			good &= cephring_sync_write(f, want + off, len, off, 0) == (int64_t)len;
		if (n % 4 < 2)
			good &= cephring_sync_read(f, got, size, 0, 0) == (int64_t)size;
		else
			good &= they_read(b, TOP "/turns", got, size, 0) == (int)size;
		good &= bytes_differ(got, want, size) == -1;
		if (!good)
			tap_note("round %u: %zu at %zu: differs at %lld", n, len, off,
				 bytes_differ(got, want, size));
	}
	tap_ok(good, "each sees what the other wrote");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

static void cut_and_punched(struct both *b)
{
	struct cephring_setattr set = { .struct_size = sizeof set, .set = CEPHRING_SET_SIZE, .size = 5000 };
	cephring_file *f = opened(b->mount, TOP "/cut", O_RDWR | O_CREAT);

	fill(M, 6);
	cephring_sync_write(f, want, M, 0, 0);
	tap_eq(cephring_sync_fallocate(f, 3 /* PUNCH_HOLE, KEEP_SIZE */, 10000, 20000), 0,
	       "a hole in dirty data");
	memset(want + 10000, 0, 20000);
	tap_eq(cephring_sync_read(f, got, M, 0, 0), M, "read");
	tap_eq(bytes_differ(got, want, M), -1, "zeros there");
	tap_eq(cephring_sync_setattr(b->mount, NULL, TOP "/cut", &set, 0, &root), 0, "cut");
	set.size = 20000;
	tap_eq(cephring_sync_setattr(b->mount, NULL, TOP "/cut", &set, 0, &root), 0, "longer again");
	memset(want + 5000, 0, M - 5000);
	tap_eq(cephring_sync_read(f, got, M, 0, 0), 20000, "read");
	tap_eq(bytes_differ(got, want, 20000), -1, "zeros behind the cut");
	tap_eq(they_read(b, TOP "/cut", got, M, 0), 20000, "libcephfs reads");
	tap_eq(bytes_differ(got, want, 20000), -1, "the same");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

static void snapshot(struct both *b)
{
	cephring_file *f;

	if (they_do(b, THEY_MKDIR, TOP "/snap", NULL, 0755))
		tap_die("a directory");
	f = opened(b->mount, TOP "/snap/file", O_RDWR | O_CREAT);
	fill(300 * K, 8);
	cephring_sync_write(f, want, 300 * K, 0, 0);
	tap_eq(they_do(b, THEY_MKDIR, TOP "/snap/.snap/one", NULL, 0755), 0,
	       "a snapshot while data is dirty");
	/* the MDS tells us before it answers us; what it told them may arrive earlier */
	tap_ok(our_ino(b, TOP "/snap/.snap/one") != 0, "which is known here");
	memset(got, 0x11, 300 * K);
	cephring_sync_write(f, got, 300 * K, 0, 0);
	tap_eq(cephring_sync_fsync(f, 0), 0, "fsync of what came after it");
	memset(got, 0, sizeof got);
	tap_eq(they_read(b, TOP "/snap/.snap/one/file", got, 300 * K, 0), 300 * K, "the snapshot is read");
	tap_eq(bytes_differ(got, want, 300 * K), -1, "it has what was written before it");
	tap_eq(they_read(b, TOP "/snap/file", got, 300 * K, 0), 300 * K, "the file is read");
	tap_ok(got[0] == 0x11 && !memcmp(got, got + 1, 300 * K - 1), "it has what was written after it");
	tap_eq(cephring_sync_close(f), 0, "closed");
	tap_eq(they_do(b, THEY_RMDIR, TOP "/snap/.snap/one", NULL, 0), 0, "the snapshot goes");
}

/* ---- without ---- */

static void none(struct both *b)
{
	static const char *const off[] = { "client_oc", "false", NULL };
	struct cephring_stats s;
	struct beside o;
	cephring_file *f;

	fill(100 * K, 9);
	f = opened(b->mount, TOP "/none", O_RDWR | O_CREAT);
	cephring_sync_write(f, want, 100 * K, 0, 0);
	s = stats(b->mount);
	tap_eq(cephring_sync_read(f, got, 100 * K, 0, CEPHRING_IO_DIRECT), 100 * K, "a read past the cache");
	tap_eq(bytes_differ(got, want, 100 * K), -1, "has what was dirty");
	tap_ok(stats(b->mount).osd_read_bytes > s.osd_read_bytes, "from an OSD");
	bytes_fill(want + 5000, 3000, 0, 10);
	tap_eq(cephring_sync_write(f, want + 5000, 3000, 5000, CEPHRING_IO_DIRECT), 3000, "a write past it");
	tap_eq((long long)stats(b->mount).data_dirty_bytes, 0, "is not dirty");
	tap_eq(cephring_sync_read(f, got, 100 * K, 0, 0), 100 * K, "read");
	tap_eq(bytes_differ(got, want, 100 * K), -1, "nothing old");
	tap_eq(cephring_sync_close(f), 0, "closed");
	f = opened(b->mount, TOP "/none", O_RDWR | O_DIRECT);
	s = stats(b->mount);
	cephring_sync_write(f, want, 50 * K, 0, 0);
	tap_eq((long long)(stats(b->mount).osd_written_bytes - s.osd_written_bytes), 50 * K, "O_DIRECT");
	tap_eq(cephring_sync_close(f), 0, "closed");
	beside_begin(b, &o, off);
	f = opened(o.mount, TOP "/none", O_RDWR);
	cephring_sync_write(f, want, 50 * K, 0, 0);
	cephring_sync_read(f, got, 100 * K, 0, 0);
	s = stats(o.mount);
	tap_ok(!s.data_cache_bytes && s.osd_written_bytes == 50 * K && s.osd_read_bytes == 100 * K,
	       "a mount without a cache");
	tap_eq(cephring_sync_close(f), 0, "closed");
	beside_end(&o);
}

/* ---- bounds ---- */

static void bounds(struct both *b)
{
	static const char *const small[] = {
		"client_oc_size", "2M", "client_oc_max_dirty", "512K", "client_oc_target_dirty", "128K", NULL
	};
	static struct flight x[64];
	struct beside o;
	cephring_file *f;
	uint64_t dirty = 0, cached = 0;
	int ended = 0, good = 1;

	beside_begin(b, &o, small);
	f = opened(o.mount, TOP "/bounds", O_RDWR | O_CREAT);
	fill(4 * M, 11);
	cephring_sync_write(f, want, 1, 0, 0);
	devcluster("pause osd.0");
	memset(x, 0, sizeof x);
	for (unsigned n = 0; n < 64; n++)
		good &= !cephring_write(f, want + n * 64 * K, 64 * K, n * 64 * K, 0, &x[n].op, landed, &x[n]);
	tap_ok(good, "writers come");
	for (uint64_t end = now_ns() + 500000000; now_ns() < end;)
		both_turn(b->engine, -1, 10);
	for (unsigned n = 0; n < 64; n++)
		ended += x[n].ended;
	tap_ok(ended > 0 && ended <= 8, "as many as there is room for are done");
	tap_ok(stats(o.mount).data_dirty_bytes <= 512 * K, "the bound is kept");
	devcluster("resume osd.0");
	while (ended < 64) {
		both_turn(b->engine, -1, 100);
		if (stats(o.mount).data_dirty_bytes > dirty)
			dirty = stats(o.mount).data_dirty_bytes;
		if (stats(o.mount).data_cache_bytes > cached)
			cached = stats(o.mount).data_cache_bytes;
		ended = 0;
		for (unsigned n = 0; n < 64; n++)
			ended += x[n].ended;
	}
	for (unsigned n = 0; n < 64; n++)
		good &= x[n].res == 64 * K;
	tap_ok(good, "then the others");
	tap_ok(dirty <= 512 * K && cached <= 2 * M, "all the time");
	tap_eq(cephring_sync_fsync(f, 0), 0, "fsync");
	tap_eq(they_read(b, TOP "/bounds", got, 4 * M, 0), 4 * M, "libcephfs reads");
	tap_eq(bytes_differ(got, want, 4 * M), -1, "all of it");
	tap_eq(cephring_sync_close(f), 0, "closed");
	beside_end(&o);
}

/* ---- what goes wrong ---- */

static void osd_restarts(struct both *b)
{
	cephring_file *f = opened(b->mount, TOP "/restart", O_RDWR | O_CREAT);
	struct flight x = { 0 };

	fill(3 * M, 12);
	for (uint64_t off = 0; off < 3 * M; off += M)
		cephring_sync_write(f, want + off, M, off, 0);
	devcluster("pause osd.0");
	if (cephring_fsync(f, 0, &x.op, landed, &x))
		tap_die("an fsync begins");
	for (uint64_t end = now_ns() + 300000000; now_ns() < end;)
		both_turn(b->engine, -1, 10);
	tap_ok(!x.ended, "an fsync waits for the OSD");
	devcluster("resume osd.0");
	devcluster("restart osd.0");
	while (!x.ended)
		both_turn(b->engine, -1, 100);
	tap_eq(x.res, 0, "and is done when it was started anew");
	tap_eq(they_read(b, TOP "/restart", got, 3 * M, 0), 3 * M, "libcephfs reads");
	tap_eq(bytes_differ(got, want, 3 * M), -1, "nothing is lost");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

static void ratios(const char *nearly, const char *backfill, const char *full)
{
	free(ceph_says("osd set-full-ratio %s", full));
	free(ceph_says("osd set-backfillfull-ratio %s", backfill));
	free(ceph_says("osd set-nearfull-ratio %s", nearly));
}

/* Of a mount whose dirty data waits for being asked for. */
static void full(struct both *b)
{
	static const char *const patient[] = { "client_oc_max_dirty_age", "300", NULL };
	uint64_t end = now_ns() + 30000000000u;
	struct beside o;
	cephring_file *f, *g, *h;
	int64_t res = 100;

	beside_begin(b, &o, patient);
	f = opened(o.mount, TOP "/full", O_RDWR | O_CREAT);
	g = opened(o.mount, TOP "/full", O_RDONLY);
	h = opened(b->mount, TOP "/probe", O_RDWR | O_CREAT | O_DIRECT);
	fill(200 * K, 13);
	tap_eq(cephring_sync_write(f, want, 100, 0, 0), 100, "written");
	tap_eq(cephring_sync_fsync(f, 0), 0, "while there is room");
	tap_eq(cephring_sync_write(f, want, 200 * K, M, 0), 200 * K, "written, and not yet there");
	free(ceph_says("osd set-nearfull-ratio 0.00001"));
	free(ceph_says("osd set-backfillfull-ratio 0.00002"));
	free(ceph_says("osd set-full-ratio 0.00003"));
	for (uint64_t at = 0; res == 100 && now_ns() < end; at += 100) {
		res = cephring_sync_write(h, want, 100, at, 0);
		both_turn(b->engine, -1, 50);
	}
	tap_eq(res, -ENOSPC, "the pool is full");
	tap_eq(cephring_sync_fsync(f, 0), -ENOSPC, "fsync tells that it is lost");
	tap_eq((long long)stats(o.mount).data_dirty_bytes, 0, "it does not stay dirty");
	tap_eq(cephring_sync_fsync(f, 0), 0, "once");
	tap_eq(cephring_sync_write(f, want, 100, 2 * M, 0), -ENOSPC, "who writes now is told at once");
	ratios("0.85", "0.90", "0.95");
	while (cephring_sync_write(h, want, 100, M, 0) != 100 && now_ns() < end)
		both_turn(b->engine, -1, 50);
	tap_eq(cephring_sync_close(f), -ENOSPC, "close tells it too");
	tap_eq(cephring_sync_close(g), -ENOSPC, "and that of the other handle");
	f = opened(o.mount, TOP "/full", O_RDWR);
	tap_eq(cephring_sync_write(f, want, 200 * K, 0, CEPHRING_IO_DSYNC), 200 * K,
	       "with room again it goes on");
	tap_eq(cephring_sync_read(f, got, 200 * K, 0, 0), 200 * K, "read back");
	tap_eq(bytes_differ(got, want, 200 * K), -1, "with the right bytes");
	tap_eq(cephring_sync_close(f), 0, "and a file opened since knows of nothing");
	cephring_sync_close(h);
	beside_end(&o);
}

/* A client that writes, syncs, writes on and dies: its id through the pipe. */
static void doomed(int go, int fd)
{
	struct ours o;
	cephring_file *f;
	long long id;

	if (read(go, &id, sizeof id) != sizeof id || ours_mount(&o, NULL, NULL))
		_exit(1);
	f = opened(o.mount, TOP "/killed", O_RDWR | O_CREAT);
	fill(2 * M, 14);
	if (cephring_sync_write(f, want, 2 * M, 0, 0) != 2 * M || cephring_sync_fsync(f, 0))
		_exit(1);
	cephring_sync_write(f, want, 100, 3 * M, 0); /* and this is nobody's promise */
	id = our_id(o.mount);
	if (write(fd, &id, sizeof id) != sizeof id)
		_exit(1);
	raise(SIGKILL);
}

/* Made before there are any threads. */
struct victim {
	pid_t pid;
	int go, told;
};

static struct victim victim_new(void)
{
	struct victim v;
	int go[2], told[2];

	if (pipe(go) || pipe(told))
		tap_die("pipes");
	v = (struct victim){ fork(), go[1], told[0] };
	if (!v.pid)
		doomed(go[0], told[1]);
	close(go[0]);
	close(told[1]);
	return v;
}

static void killed(struct both *b, struct victim v)
{
	long long id = 0;
	int status;

	if (write(v.go, &id, sizeof id) != sizeof id)
		tap_die("the other client is told");
	/* What it does may need caps of ours. */
	while (waitpid(v.pid, &status, WNOHANG) == 0)
		both_turn(b->engine, v.told, 20);
	tap_ok(read(v.told, &id, sizeof id) == sizeof id && WIFSIGNALED(status),
	       "a client dies after an fsync");
	close(v.go);
	close(v.told);
	devcluster("ceph tell mds.a client evict id=%lld >/dev/null 2>&1", id);
	fill(2 * M, 14);
	tap_ok(they_read(b, TOP "/killed", got, 2 * M, 0) == 2 * M, "libcephfs reads its file");
	tap_eq(bytes_differ(got, want, 2 * M), -1, "what it had synced is there");
}

/* Last: the mount is of no use afterwards. */
static void evicted(struct both *b)
{
	cephring_file *f = opened(b->mount, TOP "/evicted", O_RDWR | O_CREAT);
	uint64_t end = now_ns() + 20000000000u;

	fill(M, 15);
	cephring_sync_write(f, want, 100, 0, 0);
	cephring_sync_fsync(f, 0);
	tap_eq(cephring_sync_write(f, want, M, 0, 0), M, "written");
	devcluster("ceph tell mds.a client evict id=%lld >/dev/null 2>&1", our_id(b->mount));
	while (stats(b->mount).data_dirty_bytes && now_ns() < end)
		both_turn(b->engine, -1, 50);
	tap_eq((long long)stats(b->mount).data_dirty_bytes, 0, "evicted: nothing stays dirty");
	tap_ok(cephring_sync_fsync(f, 0) < 0, "fsync tells of it");
	cephring_sync_close(f);
	tap_eq(they_read(b, TOP "/evicted", got, M, 0), 100, "and nothing of it was written");
}

int main(void)
{
	struct victim v = victim_new();
	struct both *b = both_new(NULL, NULL);

	they(b, their_clean, TOP);
	if (they_do(b, THEY_MKDIR, TOP, NULL, 0777))
		tap_die("a directory");
	read_once(b);
	read_ahead(b);
	write_later(b);
	long_writes(b);
	in_turns(b);
	cut_and_punched(b);
	snapshot(b);
	none(b);
	bounds(b);
	osd_restarts(b);
	full(b);
	killed(b, v);
	evicted(b);
	both_free(b);
	return tap_end();
}
