/* cluster: --mds 1; timeout: 180 */
/* Reading and writing files beside libcephfs: over several layouts, far offsets, holes, the ends of files,
 * appending, cutting, snapshots, flags, errors, quotas, keys that do not allow it. */
#include "bytes.h"
#include "flight.h"
#include "ours.h"

#define TOP "/data"

static const struct cephring_cred root = { 0 };

static uint8_t want[4 << 20], got[4 << 20], other[4 << 20];

static cephring_file *opened(struct both *b, const char *path, int flags, const struct cephring_layout *l)
{
	cephring_file *f = NULL;
	int err = cephring_sync_open(b->mount, NULL, path, flags, 0644, l, &root, &f);

	if (err < 0) {
		tap_note("%s: %s", path, cephring_strerror(b->mount, err));
		tap_die("a file is opened");
	}
	return f;
}

/* ---- layouts ---- */

static const struct cephring_layout layouts[] = {
	{ 0, 0, 0, -1 },           { 65536, 1, 65536, -1 },     { 65536, 3, 262144, -1 },
	{ 131072, 5, 131072, -1 }, { 1 << 20, 2, 4 << 20, -1 },
};

static void layout(struct both *b, unsigned n)
{
	static const struct {
		uint64_t offset;
		size_t len;
	} writes[] = { { 0, 100 }, { 65530, 20 }, { 300000, 1000000 }, { 1u << 20, 3 << 20 }, { 777, 1 } };
	const size_t size = 4 << 20;
	cephring_file *f;
	char path[64];
	int good = 1;

	snprintf(path, sizeof path, TOP "/layout%u", n);
	f = opened(b, path, O_RDWR | O_CREAT | O_EXCL, &layouts[n]);
	memset(want, 0, size);
	for (unsigned k = 0; k < sizeof writes / sizeof *writes; k++) {
		bytes_fill(other, writes[k].len, writes[k].offset, k);
		memcpy(want + writes[k].offset, other, writes[k].len);
		good &= cephring_sync_write(f, other, writes[k].len, writes[k].offset, 0) ==
			(int64_t)writes[k].len;
	}
	tap_ok(good, "layout %u: written", n);
	memset(got, 0xee, size);
	tap_eq(cephring_sync_read(f, got, size, 0, 0), (long long)size, "read back");
	tap_eq(bytes_differ(want, got, size), -1, "the same");
	memset(got, 0xee, size);
	tap_eq(they_read(b, path, got, size, 0), (long long)size, "libcephfs reads it");
	tap_eq(bytes_differ(want, got, size), -1, "the same");
	bytes_fill(other, 500000, 123456, 99);
	memcpy(want + 123456, other, 500000);
	tap_eq(they_write(b, path, other, 500000, 123456), 500000, "libcephfs writes into it");
	memset(got, 0xee, size);
	tap_eq(cephring_sync_read(f, got, size, 0, 0), (long long)size, "read by us");
	tap_eq(bytes_differ(want, got, size), -1, "the same");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- far away, holes, ends ---- */

#define GIB (1ull << 30)

static uint64_t size_of(struct both *b, const char *path)
{
	struct cephring_statx st;

	if (cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_SIZE, 0, &root, &st))
		return UINT64_MAX;
	return st.size;
}

static int is_zero(const void *p, size_t len)
{
	const uint8_t *x = p;

	for (size_t n = 0; n < len; n++)
		if (x[n])
			return 0;
	return 1;
}

static void far(struct both *b)
{
	const char *path = TOP "/far";
	cephring_file *f = opened(b, path, O_RDWR | O_CREAT, NULL);

	bytes_fill(want, 100000, 5 * GIB + 77, 5);
	tap_eq(cephring_sync_write(f, want, 100000, 5 * GIB + 77, 0), 100000, "written at 5 GiB");
	tap_eq((long long)size_of(b, path), (long long)(5 * GIB + 100077), "the size");
	memset(got, 0xee, 200000);
	tap_eq(cephring_sync_read(f, got, 200000, 5 * GIB - 23, 0), 100100, "a short read at the end");
	tap_ok(is_zero(got, 100), "before it a hole");
	tap_eq(bytes_differ(got + 100, want, 100000), -1, "what was written");
	tap_eq(cephring_sync_read(f, got, 10, 5 * GIB + 100077, 0), 0, "nothing at the end");
	tap_eq(cephring_sync_read(f, got, 10, 6 * GIB, 0), 0, "nor behind it");
	tap_eq(cephring_sync_read(f, got, 0, 0, 0), 0, "nor of nothing");
	memset(got, 0xee, 1 << 20);
	tap_eq(cephring_sync_read(f, got, 1 << 20, GIB, 0), 1 << 20, "a hole is read");
	tap_ok(is_zero(got, 1 << 20), "as zeros");
	memset(got, 0xee, 200000);
	tap_eq(they_read(b, path, got, 200000, (int64_t)(5 * GIB - 23)), 100100, "libcephfs reads the end");
	tap_eq(bytes_differ(got + 100, want, 100000), -1, "the same");
	tap_eq(cephring_sync_seek(f, 0, SEEK_DATA), (long long)(5 * GIB), "the first data");
	tap_eq(cephring_sync_seek(f, 0, SEEK_HOLE), 0, "the first hole");
	tap_eq(cephring_sync_seek(f, 5 * GIB + 100, SEEK_HOLE), (long long)(5 * GIB + 100077),
	       "the end is a hole");
	tap_eq(cephring_sync_seek(f, 6 * GIB, SEEK_DATA), -ENXIO, "behind the end there is nothing");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- many buffers ---- */

static void vectors(struct both *b)
{
	cephring_file *f = opened(b, TOP "/vectors", O_RDWR | O_CREAT, &layouts[2]);
	struct iovec iov[40];
	size_t at = 0;

	bytes_fill(want, sizeof want, 0, 7);
	for (unsigned n = 0; n < 40; n++) { /* of all sizes, empty ones among them */
		size_t len = n % 7 == 3 ? 0 : (size_t)n * 1013 + 1;

		iov[n] = (struct iovec){ want + at, len };
		at += len;
	}
	tap_eq(cephring_sync_writev(f, iov, 40, 12345, 0), (long long)at, "40 buffers are written");
	for (unsigned n = 0; n < 40; n++)
		iov[39 - n] = (struct iovec){ NULL, 0 };
	for (unsigned n = 0, left = (unsigned)at, off = 0; n < 40; n++) {
		unsigned len = n == 39 ? left : (unsigned)((39 - n) * 1013 + 5) % (left + 1);

		iov[n] = (struct iovec){ got + off, len };
		off += len;
		left -= len;
	}
	memset(got, 0xee, at);
	tap_eq(cephring_sync_readv(f, iov, 40, 12345, 0), (long long)at, "and read into others");
	tap_eq(bytes_differ(want, got, at), -1, "the same");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- appending ---- */

static int64_t land(struct both *b, struct flight *x)
{
	return lands(b, x, 30000) ? x->res : 1000000000;
}

static void append(struct both *b)
{
	enum { COUNT = 8, EACH = 50000 };
	static struct flight x[COUNT];
	const char *path = TOP "/append";
	cephring_file *f = opened(b, path, O_WRONLY | O_CREAT | O_APPEND, NULL);
	unsigned seen = 0;
	int good = 1;

	tap_eq(they_write(b, path, "0123456789", 10, 0), 10, "libcephfs writes ten bytes");
	memset(x, 0, sizeof x);
	for (unsigned n = 0; n < COUNT; n++) {
		memset(want + n * EACH, 'a' + (int)n, EACH);
		if (cephring_write(f, want + n * EACH, EACH, 0, 0, &x[n].op, landed, &x[n]))
			tap_die("a write is taken");
	}
	for (unsigned n = 0; n < COUNT; n++)
		good &= land(b, &x[n]) == EACH;
	tap_ok(good, "8 at a time are appended");
	tap_eq(they_read(b, path, got, sizeof got, 0), 10 + COUNT * EACH, "none over another");
	for (unsigned n = 0; n < COUNT; n++) {
		const uint8_t *p = got + 10 + n * EACH;

		for (unsigned k = 1; k < EACH; k++)
			good &= p[k] == p[0];
		seen |= p[0] >= 'a' && p[0] < 'a' + COUNT ? 1u << (p[0] - 'a') : 0;
	}
	tap_ok(good && seen == (1u << COUNT) - 1, "each whole");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- cutting ---- */

static int64_t cut(struct both *b, cephring_file *f, uint64_t size)
{
	struct cephring_setattr s = {
		.struct_size = sizeof s, .set = CEPHRING_SET_SIZE, .size = size, .file = f
	};

	return cephring_sync_setattr(b->mount, cephring_file_inode(f), "", &s, 0, &root);
}

static void cutting(struct both *b)
{
	const char *path = TOP "/cut";
	cephring_file *f = opened(b, path, O_RDWR | O_CREAT, &layouts[2]);
	const size_t size = 1 << 20;

	bytes_fill(want, size, 0, 11);
	tap_eq(cephring_sync_write(f, want, size, 0, 0), (long long)size, "written");
	tap_eq(cut(b, f, 100000), 0, "cut");
	tap_eq(cephring_sync_read(f, got, size, 0, 0), 100000, "so much is left");
	tap_eq(cut(b, f, size), 0, "and made longer");
	memset(want + 100000, 0, size - 100000);
	memset(got, 0xee, size);
	tap_eq(cephring_sync_read(f, got, size, 0, 0), (long long)size, "read");
	tap_eq(bytes_differ(want, got, size), -1, "zeros where it was cut");
	bytes_fill(want + 500000, 1000, 500000, 12);
	tap_eq(cephring_sync_write(f, want + 500000, 1000, 500000, 0), 1000, "written behind the cut");
	tap_eq(they_do(b, THEY_TRUNCATE, path, NULL, 500500), 0, "libcephfs cuts it too");
	tap_eq(they_do(b, THEY_TRUNCATE, path, NULL, (long long)size), 0, "and makes it longer");
	memset(want + 500500, 0, size - 500500);
	memset(got, 0xee, size);
	tap_eq(cephring_sync_read(f, got, size, 0, 0), (long long)size, "read");
	tap_eq(bytes_differ(want, got, size), -1, "as libcephfs cut it");
	memset(got, 0xee, size);
	tap_eq(they_read(b, path, got, size, 0), (long long)size, "libcephfs reads it");
	tap_eq(bytes_differ(want, got, size), -1, "the same");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- removing and adding zeros ---- */

static void zeros(struct both *b)
{
	const char *path = TOP "/zeros";
	cephring_file *f = opened(b, path, O_RDWR | O_CREAT, &layouts[1]);
	const size_t size = 1 << 20;

	bytes_fill(want, size, 0, 21);
	tap_eq(cephring_sync_write(f, want, size, 0, 0), (long long)size, "written");
	memset(want + 1000, 0, 400000);
	tap_eq(cephring_sync_fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000, 400000), 0,
	       "a hole");
	memset(want + 600000, 0, 1);
	tap_eq(cephring_sync_fallocate(f, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 600000, 1), 0,
	       "one zero");
	memset(want + 1000000, 0, size - 1000000);
	tap_eq(cephring_sync_fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000000, 1ull << 40), 0,
	       "a hole beyond the end");
	memset(got, 0xee, size);
	tap_eq(cephring_sync_read(f, got, sizeof got, 0, 0), (long long)size, "the size stays");
	tap_eq(bytes_differ(want, got, size), -1, "zeros where they belong");
	tap_eq(cephring_sync_seek(f, 65536, SEEK_DATA), 393216, "the first data behind the hole");
	tap_eq(cephring_sync_seek(f, 393216, SEEK_HOLE), 983040 + 16960, "and the next hole");
	tap_eq(cephring_sync_fallocate(f, 0, 0, size + 5000), 0, "made longer");
	tap_eq(cephring_sync_fallocate(f, FALLOC_FL_ZERO_RANGE, size, 9000), 0, "and longer still");
	memset(want + size, 0, 9000);
	memset(got, 0xee, sizeof got);
	tap_eq(they_read(b, path, got, sizeof got, 0), (long long)(size + 9000), "libcephfs sees the size");
	tap_eq(bytes_differ(want, got, size + 9000), -1, "and the same bytes");
	tap_eq(cephring_sync_fallocate(f, FALLOC_FL_KEEP_SIZE, 0, 1), -EOPNOTSUPP, "nothing is reserved");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- snapshots ---- */

static void snapshots(struct both *b)
{
	const char *path = TOP "/snap/file", *old = TOP "/snap/.snap/one/file";
	const size_t size = 300000;
	cephring_file *f;

	if (they_do(b, THEY_MKDIR, TOP "/snap", NULL, 0755))
		tap_die("a directory");
	f = opened(b, path, O_RDWR | O_CREAT, &layouts[1]);
	bytes_fill(want, size, 0, 31);
	tap_eq(cephring_sync_write(f, want, size, 0, 0), (long long)size, "written");
	tap_eq(cephring_sync_mkdir(b->mount, NULL, TOP "/snap/.snap/one", 0755, 0, &root), 0, "a snapshot");
	memcpy(other, want, size);
	bytes_fill(other + 60000, 90000, 60000, 32);
	tap_eq(cephring_sync_write(f, other + 60000, 90000, 60000, 0), 90000, "written over");
	tap_eq(cephring_sync_write(f, "tail", 4, size, 0), 4, "and behind");
	memset(got, 0xee, sizeof got);
	tap_eq(ours_read(b, old, got, sizeof got, 0), (long long)size, "the snapshot is read");
	tap_eq(bytes_differ(want, got, size), -1, "as it was");
	memset(got, 0xee, sizeof got);
	tap_eq(they_read(b, old, got, sizeof got, 0), (long long)size, "by libcephfs too");
	tap_eq(bytes_differ(want, got, size), -1, "the same");
	tap_eq(ours_read(b, path, got, sizeof got, 0), (long long)size + 4, "the file goes on");
	tap_eq(bytes_differ(other, got, size), -1, "as it is");
	tap_eq(cephring_sync_close(f), 0, "closed");
	tap_eq(cephring_sync_unlink(b->mount, NULL, TOP "/snap/.snap/one", CEPHRING_REMOVEDIR, &root), 0,
	       "the snapshot goes");
}

/* ---- kept promises ---- */

static void synced(struct both *b)
{
	cephring_file *f = opened(b, TOP "/synced", O_WRONLY | O_CREAT, NULL);
	struct cephring_setattr cut = { .struct_size = sizeof cut, .set = CEPHRING_SET_SIZE };
	struct cephring_stats was, now;

	tap_eq(cephring_sync_fsync(f, 0), 0, "fsync");
	was = both_stats(b);
	tap_eq(cephring_sync_write(f, "abc", 3, 0, 0), 3, "written");
	now = both_stats(b);
	tap_eq((long long)(now.flushes - was.flushes), 0, "the size is told later");
	tap_eq(cephring_sync_write(f, "abc", 3, 3, CEPHRING_IO_DSYNC), 3, "written, on stable storage");
	now = both_stats(b);
	tap_ok(now.flush_acks > was.flush_acks, "the MDS has the size");
	tap_eq((long long)(now.writes - was.writes), 2, "two writes");
	tap_eq((long long)(now.written_bytes - was.written_bytes), 6, "of 6 bytes");
	tap_eq(cephring_sync_write(f, "abc", 3, 6, CEPHRING_IO_DIRECT), 3, "written directly");
	was = both_stats(b);
	tap_eq(cephring_sync_fsync(f, 1), 0, "fdatasync");
	now = both_stats(b);
	tap_ok(now.flush_acks > was.flush_acks, "tells the MDS the size");
	tap_eq(cephring_sync_close(f), 0, "closed");
	f = opened(b, TOP "/synced", O_WRONLY | O_DSYNC, NULL);
	was = both_stats(b);
	tap_eq(cephring_sync_write(f, "def", 3, 0, 0), 3, "written over, with O_DSYNC");
	now = both_stats(b);
	tap_eq((long long)(now.flushes - was.flushes), 0, "the MDS need not know");
	tap_eq(cephring_sync_write(f, "def", 3, 9, 0), 3, "written at the end");
	now = both_stats(b);
	tap_ok(now.flush_acks > was.flush_acks, "the MDS has been told");
	was = now;
	tap_eq(cephring_sync_write(f, "def", 3, 0, 0), 3, "written over once more");
	tap_eq(cephring_sync_setattr(b->mount, NULL, TOP "/synced", &cut, 0, NULL), 0, "cut");
	tap_eq(cephring_sync_write(f, "abcdefghijkl", 12, 0, 0), 12, "and as long as before");
	now = both_stats(b);
	tap_ok(now.flush_acks > was.flush_acks, "the MDS has been told that, too");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- in place ---- */

static void in_place(struct both *b)
{
	cephring_file *f = opened(b, TOP "/in_place", O_RDWR | O_CREAT | O_DIRECT, NULL);
	struct cephring_stats was, now;

	bytes_fill(want, sizeof want, 0, 35);
	was = both_stats(b);
	tap_eq(cephring_sync_write(f, want, sizeof want, 0, 0), sizeof want, "4 MiB are written");
	tap_eq(cephring_sync_read(f, got, sizeof got, 0, 0), sizeof got, "and read");
	now = both_stats(b);
	tap_eq(bytes_differ(want, got, sizeof got), -1, "the same");
	tap_eq((long long)(now.osd_written_bytes - was.osd_written_bytes), sizeof want, "so many went out");
	tap_eq((long long)(now.osd_read_bytes - was.osd_read_bytes), sizeof want, "so many came");
	tap_ok(now.copied_small - was.copied_small < 128 << 10, "%llu of them copied",
	       (unsigned long long)(now.copied_small - was.copied_small));
	tap_eq((long long)now.copied_secure, 0, "none encrypted");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- copying ---- */

static void copies(struct both *b)
{
	cephring_file *f = opened(b, TOP "/copy_from", O_RDWR | O_CREAT, &layouts[2]);
	cephring_file *t = opened(b, TOP "/copy_to", O_RDWR | O_CREAT, &layouts[3]);
	const size_t size = 3 << 20;

	bytes_fill(want, size, 0, 41);
	tap_eq(cephring_sync_write(f, want, size, 0, 0), (long long)size, "written");
	tap_eq(cephring_sync_copy(f, 1000, t, 77, 10 << 20, 0), (long long)size - 1000, "copied to its end");
	memset(got, 0xee, sizeof got);
	tap_eq(cephring_sync_read(t, got, sizeof got, 0, 0), (long long)size - 1000 + 77, "read");
	tap_ok(is_zero(got, 77), "a hole before");
	tap_eq(bytes_differ(want + 1000, got + 77, size - 1000), -1, "the same");
	tap_eq(cephring_sync_copy(f, 0, f, 100, 200, 0), -EINVAL, "not over itself");
	tap_eq(cephring_sync_copy(f, 0, f, 4 << 20, 5000, 0), 5000, "but elsewhere in the same file");
	tap_eq(cephring_sync_read(f, got, 5000, 4 << 20, 0), 5000, "read");
	tap_eq(bytes_differ(want, got, 5000), -1, "the same");
	tap_eq(cephring_sync_close(f), 0, "closed");
	tap_eq(cephring_sync_close(t), 0, "closed");
}

/* Through the OSDs: what of `len` bytes went through memory of ours. */
static void offloaded(struct both *b, cephring_file *f, uint64_t from, cephring_file *t, uint64_t to,
		      size_t len, size_t through, const char *what)
{
	struct cephring_stats was, now;

	tap_note("%s", what);
	if (cephring_sync_syncfs(b->mount))
		tap_die("what is dirty is written back");
	was = both_stats(b);
	tap_eq(cephring_sync_copy(f, from, t, to, len, CEPHRING_COPY_OFFLOAD), (long long)len, "copied");
	tap_eq(cephring_sync_fsync(t, 0), 0, "on stable storage");
	now = both_stats(b);
	tap_eq((long long)(now.read_bytes - was.read_bytes), (long long)through, "read by us");
	tap_eq((long long)(now.osd_written_bytes - was.osd_written_bytes), (long long)through,
	       "sent to OSDs by us");
}

static void same(struct both *b, const char *path, size_t len)
{
	memset(got, 0xee, sizeof got);
	tap_eq(they_read(b, path, got, sizeof got, 0), (long long)len, "libcephfs reads it");
	tap_eq(bytes_differ(want, got, len), -1, "the same");
}

static void copies_by_osds(struct both *b)
{
	enum { OBJECT = 65536, SIZE = 20 * OBJECT + 1000 };
	const char *source = TOP "/offload_from", *path = TOP "/offload_to",
		   *snap = TOP "/offload/.snap/one/f";
	cephring_file *f = opened(b, source, O_RDWR | O_CREAT, &layouts[1]);
	cephring_file *t = opened(b, path, O_RDWR | O_CREAT, &layouts[1]), *s;

	bytes_fill(other, SIZE, 0, 42);
	memset(other + 5 * OBJECT, 0, 2 * OBJECT);
	tap_eq(cephring_sync_write(f, other, 5 * OBJECT, 0, 0), 5 * OBJECT, "written, but two objects of it");
	tap_eq(cephring_sync_write(f, other + 7 * OBJECT, SIZE - 7 * OBJECT, 7 * OBJECT, 0),
	       SIZE - 7 * OBJECT, "written");
	bytes_fill(want, sizeof want, 0, 43);
	tap_eq(cephring_sync_write(t, want, 10 * OBJECT, 0, 0), 10 * OBJECT,
	       "where it goes stands something");
	memcpy(want, other, SIZE);
	offloaded(b, f, 0, t, 0, SIZE, OBJECT + 1000, "all but the first object and the end");
	same(b, path, SIZE);
	memcpy(want + 2 * OBJECT, other + 8 * OBJECT - 100, 4 * OBJECT);
	offloaded(b, f, 8 * OBJECT - 100, t, 2 * OBJECT, 4 * OBJECT, 4 * OBJECT, "no object lies so");
	memcpy(want + 11 * OBJECT - 7, other + OBJECT - 7, 3 * OBJECT + 20);
	offloaded(b, f, OBJECT - 7, t, 11 * OBJECT - 7, 3 * OBJECT + 20, 20, "with ends");
	same(b, path, SIZE);
	/* dirty on both sides */
	bytes_fill(other + 4 * OBJECT, 5000, 4 * OBJECT, 45);
	tap_eq(cephring_sync_write(f, other + 4 * OBJECT, 5000, 4 * OBJECT, 0), 5000, "dirty in the cache");
	tap_eq(cephring_sync_write(t, "new", 3, 25 * OBJECT + 9, 0), 3, "there too");
	tap_eq(cephring_sync_copy(f, 2 * OBJECT, t, 24 * OBJECT, 4 * OBJECT, CEPHRING_COPY_OFFLOAD),
	       4 * OBJECT, "copied");
	memset(want + SIZE, 0, 24 * OBJECT - SIZE);
	memcpy(want + 24 * OBJECT, other + 2 * OBJECT, 4 * OBJECT);
	memset(got, 0xee, sizeof got);
	tap_eq(cephring_sync_read(t, got, sizeof got, 0, 0), 28 * OBJECT, "the size is known here");
	tap_eq(bytes_differ(want, got, 28 * OBJECT), -1, "as are the bytes");
	same(b, path, 28 * OBJECT);
	/* within a file; cut */
	memcpy(want + 8 * OBJECT, want + 24 * OBJECT, 2 * OBJECT);
	offloaded(b, t, 24 * OBJECT, t, 8 * OBJECT, 2 * OBJECT, 0, "in the same file");
	same(b, path, 28 * OBJECT);
	tap_eq(cut(b, f, 3 * OBJECT + 10), 0, "the source is cut");
	tap_eq(cut(b, f, 6 * OBJECT), 0, "and made longer");
	memcpy(want + OBJECT, other + OBJECT, 2 * OBJECT + 10);
	memset(want + 3 * OBJECT + 10, 0, 3 * OBJECT - 10);
	offloaded(b, f, OBJECT, t, OBJECT, 5 * OBJECT, 3 * OBJECT, "up to the cut");
	same(b, path, 28 * OBJECT);
	tap_eq(cut(b, t, 4 * OBJECT), 0, "the target is cut");
	memcpy(want + 5 * OBJECT, other + OBJECT, 2 * OBJECT);
	memset(want + 4 * OBJECT, 0, OBJECT);
	offloaded(b, f, OBJECT, t, 5 * OBJECT, 2 * OBJECT, 0, "behind its cut");
	same(b, path, 7 * OBJECT);
	tap_eq(cephring_sync_close(f), 0, "closed");
	/* a snapshot's file; another layout */
	if (they_do(b, THEY_MKDIR, TOP "/offload", NULL, 0755))
		tap_die("a directory");
	f = opened(b, TOP "/offload/f", O_RDWR | O_CREAT, &layouts[1]);
	tap_eq(cephring_sync_write(f, other, 4 * OBJECT, 0, 0), 4 * OBJECT, "written");
	tap_eq(cephring_sync_mkdir(b->mount, NULL, TOP "/offload/.snap/one", 0755, 0, &root), 0,
	       "a snapshot");
	tap_eq(cephring_sync_write(f, want + 9 * OBJECT, 4 * OBJECT, 0, CEPHRING_IO_DSYNC), 4 * OBJECT,
	       "written over");
	s = opened(b, snap, O_RDONLY, NULL);
	memcpy(want + OBJECT, other + OBJECT, 3 * OBJECT);
	offloaded(b, s, OBJECT, t, OBJECT, 3 * OBJECT, 0, "from a snapshot");
	same(b, path, 7 * OBJECT);
	tap_eq(cephring_sync_close(s), 0, "closed");
	tap_eq(cephring_sync_close(t), 0, "closed");
	t = opened(b, TOP "/offload/striped", O_RDWR | O_CREAT, &layouts[2]);
	memmove(want, want + 9 * OBJECT, 4 * OBJECT);
	offloaded(b, f, 0, t, 0, 4 * OBJECT, 4 * OBJECT, "into stripes");
	same(b, TOP "/offload/striped", 4 * OBJECT);
	tap_eq(cephring_sync_close(f), 0, "closed");
	tap_eq(cephring_sync_close(t), 0, "closed");
	tap_eq(cephring_sync_unlink(b->mount, NULL, TOP "/offload/.snap/one", CEPHRING_REMOVEDIR, &root), 0,
	       "the snapshot goes");
}

/* ---- small files ---- */

static void small(struct both *b)
{
	struct cephring_stats was, now;
	struct cephring_statx st;

	bytes_fill(want, 5000, 0, 51);
	was = both_stats(b);
	tap_eq(cephring_sync_write_path(b->mount, NULL, TOP "/small", want, 5000, O_EXCL, 0640, &root), 5000,
	       "made and written");
	now = both_stats(b);
	tap_eq((long long)(now.osd_ops - was.osd_ops), 1, "with one request to an OSD");
	tap_ok(now.mds_requests - was.mds_requests <= 2, "and %d to the MDS",
	       (int)(now.mds_requests - was.mds_requests));
	tap_eq(cephring_sync_write_path(b->mount, NULL, TOP "/small", want, 5000, O_EXCL, 0640, &root),
	       -EEXIST, "only once");
	tap_eq(cephring_sync_write_path(b->mount, NULL, TOP "/small", want, 3000, O_DSYNC, 0640, &root), 3000,
	       "or cut and written");
	memset(&st, 0, sizeof st);
	tap_eq(cephring_sync_read_path(b->mount, NULL, TOP "/small", got, sizeof got, &st, &root), 3000,
	       "read");
	tap_eq(bytes_differ(want, got, 3000), -1, "the same");
	tap_ok((st.mask & CEPHRING_STATX_SIZE) && st.size == 3000, "with its size");
	tap_ok((st.mode & 07777) == 0640, "and its mode");
	tap_eq(cephring_sync_read_path(b->mount, NULL, TOP "/small", got, 100, NULL, &root), 100,
	       "the start");
	tap_eq(cephring_sync_read_path(b->mount, NULL, TOP "/none", got, 100, NULL, &root), -ENOENT,
	       "of nothing");
	tap_eq(cephring_sync_read_path(b->mount, NULL, TOP, got, 100, NULL, &root), -EISDIR,
	       "of a directory");
	tap_eq(they_read(b, TOP "/small", got, sizeof got, 0), 3000, "libcephfs reads it");
	tap_eq(bytes_differ(want, got, 3000), -1, "the same");
}

/* ---- programs that run with somebody's rights ---- */

static uint32_t with_ids(struct both *b, const char *path)
{
	struct cephring_setattr set = { .struct_size = sizeof set, .set = CEPHRING_SET_MODE, .mode = 06777 };

	return (uint32_t)cephring_sync_setattr(b->mount, NULL, path, &set, 0, &root);
}

static uint32_t mode_of(struct both *b, const char *path)
{
	struct cephring_statx st = { 0 };

	cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_MODE, 0, &root, &st);
	return st.mode & 07777;
}

static void set_ids(struct both *b)
{
	static const struct cephring_cred other = { .uid = 1002, .gid = 1002 };
	const char *path = TOP "/ids";
	cephring_file *mine = opened(b, path, O_RDWR | O_CREAT, NULL), *f = NULL;

	tap_eq(with_ids(b, path), 0, "a program with set-id bits");
	tap_eq(cephring_sync_write(mine, want, 100, 0, 0), 100, "uid 0 writes");
	tap_eq(mode_of(b, path), 06777, "and they stay");
	tap_eq(cephring_sync_open(b->mount, NULL, path, O_RDWR, 0, NULL, &other, &f), 0, "another opens it");
	tap_eq(cephring_sync_write(f, want, 100, 0, 0), 100, "and writes");
	tap_eq(mode_of(b, path), 0777, "they are gone");
	tap_eq(with_ids(b, path), 0, "given again");
	tap_eq(cephring_sync_fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 50), 0, "a hole");
	tap_eq(mode_of(b, path), 0777, "takes them away too");
	cephring_sync_close(f);
	cephring_sync_close(mine);
}

/* ---- what must not be ---- */

static void errors(struct both *b)
{
	cephring_file *f = opened(b, TOP "/errors", O_WRONLY | O_CREAT, NULL), *d, *r;
	struct iovec none = { NULL, 0 };

	tap_eq(cephring_sync_read(f, got, 1, 0, 0), -EBADF, "not open for reading");
	tap_eq(cephring_sync_seek(f, 0, SEEK_DATA), -EBADF, "nor for seeking");
	r = opened(b, TOP "/errors", O_RDONLY, NULL);
	tap_eq(cephring_sync_write(r, want, 1, 0, 0), -EBADF, "not open for writing");
	tap_eq(cephring_sync_fallocate(r, 0, 0, 1), -EBADF, "nor for making it longer");
	tap_eq(cephring_sync_close(r), 0, "closed");
	d = opened(b, TOP, O_RDONLY | O_DIRECTORY, NULL);
	tap_eq(cephring_sync_read(d, got, 1, 0, 0), -EISDIR, "a directory");
	tap_eq(cephring_sync_close(d), 0, "closed");
	tap_eq(cephring_sync_write(f, want, 10, (uint64_t)INT64_MAX - 5, 0), -EINVAL, "beyond all numbers");
	tap_eq(cephring_sync_write(f, want, 10, 1ull << 40, 0), -EFBIG, "beyond the largest file");
	tap_eq(cephring_sync_write(f, want, 10, 0, 64), -EINVAL, "an unknown flag");
	tap_eq(cephring_sync_readv(f, &none, 5000, 0, 0), -EBADF, "of a file for writing");
	tap_eq(cephring_sync_fallocate(f, 0, 0, 0), -EINVAL, "no range");
	tap_eq(cephring_sync_write(f, want, 0, 0, 0), 0, "nothing may be written");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

static void quota(struct both *b)
{
	cephring_file *f;

	if (they_do(b, THEY_MKDIR, TOP "/quota", NULL, 0755) ||
	    cephring_sync_setxattr(b->mount, NULL, TOP "/quota", "ceph.quota.max_bytes", "1000000", 7, 0, 0,
				   &root))
		tap_die("a quota");
	f = opened(b, TOP "/quota/file", O_WRONLY | O_CREAT, NULL);
	tap_eq(cephring_sync_write(f, want, 500000, 0, 0), 500000, "within the quota");
	tap_eq(cephring_sync_write(f, want, 10, 2000000, 0), -EDQUOT, "beyond it");
	tap_eq(cephring_sync_write(f, want, 10, 0, 0), 10, "over what is there");
	tap_eq(cephring_sync_fallocate(f, 0, 0, 2000000), -EDQUOT, "nor longer");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- pools ---- */

static void namespaces(struct both *b)
{
	const char *path = TOP "/ns/file";

	if (they_do(b, THEY_MKDIR, TOP "/ns", NULL, 0755) ||
	    cephring_sync_setxattr(b->mount, NULL, TOP "/ns", "ceph.dir.layout.pool_namespace", "apart", 5, 0,
				   0, &root))
		tap_die("a directory with a namespace");
	bytes_fill(want, 100000, 0, 61);
	tap_eq(ours_write(b, path, want, 100000, 0), 100000, "written in a namespace");
	tap_eq(they_read(b, path, got, 100000, 0), 100000, "libcephfs reads it");
	tap_eq(bytes_differ(want, got, 100000), -1, "the same");
	bytes_fill(other, 1000, 0, 62);
	tap_eq(they_write(b, path, other, 1000, 0), 1000, "and writes");
	tap_eq(ours_read(b, path, got, 100000, 0), 100000, "read by us");
	tap_ok(bytes_differ(other, got, 1000) == -1 && bytes_differ(want + 1000, got + 1000, 99000) == -1,
	       "the same");
}

/* A key that may ask the MDS, and the OSDs nothing, or only to read. */
static void keys(struct both *b)
{
	static const struct {
		const char *osd;
		int read, write;
	} kinds[] = { { "allow r pool=other", -EPERM, -EPERM }, { "allow r", 100, -EPERM } };
	char ring[4096], name[32];

	tap_eq(ours_write(b, TOP "/keys", want, 100, 0), 100, "a file");
	for (unsigned n = 0; n < 2; n++) {
		const char *options[] = { "id", name, "keyring", ring, NULL };
		cephring_file *f;
		struct beside o;
		int err;

		snprintf(name, sizeof name, "limited%u", n);
		snprintf(ring, sizeof ring, "%s/%s.keyring", getenv("CLUSTER_DIR"), name);
		free(ceph_says("auth get-or-create client.%s mon 'allow r' mds 'allow rw' osd '%s' -o '%s'",
			       name, kinds[n].osd, ring));
		beside_begin(b, &o, options);
		err = cephring_sync_open(o.mount, NULL, TOP "/keys", O_RDWR, 0, NULL, &root, &f);
		if (err)
			tap_die("a file is opened");
		tap_eq(cephring_sync_read(f, got, 100, 0, 0), kinds[n].read, "reading");
		tap_eq(cephring_sync_write(f, want, 100, 0, 0), kinds[n].write, "writing");
		tap_eq(cephring_sync_close(f), 0, "closed");
		beside_end(&o);
	}
}

/* ---- data in the inode ---- */

/* What was behind a cut does not come back when the file grows again. */
static void inlined_cut(struct both *b, int by_open)
{
	const char *path = TOP "/inlined_cut";
	const size_t left = by_open ? 0 : 10;
	cephring_file *f;

	they_do(b, THEY_UNLINK, path, NULL, 0);
	bytes_fill(want, 1000, 0, 73);
	if (they_write(b, path, want, 1000, 0) != 1000)
		tap_die("libcephfs writes a small file");
	f = opened(b, path, by_open ? O_RDWR | O_TRUNC : O_RDWR, NULL);
	if (!by_open)
		tap_eq(cut(b, f, left), 0, "cut");
	tap_eq(cut(b, f, 100), 0, "and longer");
	memset(want + left, 0, 100 - left);
	memset(got, 0xee, 200);
	tap_eq(cephring_sync_read(f, got, 200, 0, 0), 100, "read");
	tap_eq(bytes_differ(want, got, 100), -1, "zeros behind the cut");
	bytes_fill(want + 200, 50, 200, 74);
	memset(want + 100, 0, 100);
	tap_eq(cephring_sync_write(f, want + 200, 50, 200, 0), 50, "written to");
	tap_eq(cephring_sync_close(f), 0, "closed");
	memset(got, 0xee, 300);
	tap_eq(they_read(b, path, got, 300, 0), 250, "read by libcephfs");
	tap_eq(bytes_differ(want, got, 250), -1, "the same");
}

/* By a client that comes now: it knows no more than the MDS tells it. */
static int their_new_pread(struct ceph_mount_info *cm, void *arg)
{
	int n = second_mount(&cm);

	if (n)
		return n;
	n = their_pread(cm, arg);
	second_unmount(cm);
	return n;
}

static int64_t our_new_read(struct both *b, const char *path, size_t len)
{
	struct both fresh = *b;
	struct beside o;
	int64_t n;

	beside_begin(b, &o, NULL);
	fresh.mount = o.mount;
	n = ours_read(&fresh, path, got, len, 0);
	beside_end(&o);
	return n;
}

/* What everybody sees: the open file, another of ours, libcephfs, and new clients of both kinds. Where data
 * in the inode was cut and the file grew again, a new libcephfs 16 shows what was cut, whoever cut it: of it
 * the first `sure` bytes count. */
static void inlined_seen(struct both *b, cephring_file *f, const char *path, size_t size, size_t sure,
			 const char *when)
{
	static const char *const who[] = { "the open file", "ours", "a new one of ours", "libcephfs",
					   "a new libcephfs" };
	const size_t len = size + 100;
	struct their_io io = { path, got, len, 0, 0 };

	for (int n = 0; n < 5; n++) {
		const size_t same = n == 4 ? sure : size;
		int64_t res;

		memset(got, 0xee, len);
		switch (n) {
		case 0:
			res = cephring_sync_read(f, got, len, 0, 0);
			break;
		case 1:
			res = ours_read(b, path, got, len, 0);
			break;
		case 2:
			res = our_new_read(b, path, len);
			break;
		default:
			res = they(b, n == 3 ? their_pread : their_new_pread, &io);
		}
		if (!tap_ok(res == (int64_t)size && bytes_differ(want, got, same) < 0, "%s: %s", when,
			    who[n]))
			tap_note("%lld bytes of %zu, the first that differs is %lld", (long long)res, size,
				 bytes_differ(want, got, same));
	}
}

/* Cut, grown, cut again, by either client, and written to far behind its end. */
static void inlined_changes(struct both *b)
{
	static const struct {
		size_t size, sure;
		bool theirs;
		const char *name;
	} steps[] = {
		{ 600, 600, false, "cut" },         { 900, 600, false, "grown" },
		{ 300, 300, false, "cut again" },   { 500, 300, false, "grown again" },
		{ 200, 200, true, "cut by them" },  { 700, 200, true, "grown by them" },
		{ 100, 100, false, "cut at last" }, { 500, 100, false, "grown at last" },
	};
	const char *path = TOP "/inlined_changes";
	long long before = (long long)both_stats(b).osd_read_bytes;
	size_t size = 1000;
	cephring_file *f;

	bytes_fill(want, size, 0, 75);
	if (they_write(b, path, want, size, 0) != (int)size)
		tap_die("libcephfs writes a small file");
	f = opened(b, path, O_RDWR, NULL);
	inlined_seen(b, f, path, size, size, "in the inode");
	for (unsigned n = 0; n < sizeof steps / sizeof *steps; n++) {
		int64_t res = steps[n].theirs
				  ? they_do(b, THEY_TRUNCATE, path, NULL, (long long)steps[n].size)
				  : cut(b, f, steps[n].size);

		tap_eq(res, 0, steps[n].name);
		if (steps[n].size > size)
			memset(want + size, 0, steps[n].size - size);
		size = steps[n].size;
		inlined_seen(b, f, path, size, steps[n].sure, steps[n].name);
	}
	tap_eq((long long)both_stats(b).osd_read_bytes, before, "in the inode up to here");
	memset(want + size, 0, 2000 - size);
	bytes_fill(want + 2000, 100, 2000, 76);
	tap_eq(cephring_sync_write(f, want + 2000, 100, 2000, 0), 100, "written behind its end");
	inlined_seen(b, f, path, 2100, 2100, "written behind its end");
	tap_eq(cut(b, f, 2050), 0, "cut as an object");
	tap_eq(cut(b, f, 5000), 0, "and grown");
	memset(want + 2050, 0, 2950);
	inlined_seen(b, f, path, 5000, 5000, "cut as an object and grown");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* Grown by its size alone, from `len` bytes in the inode. */
static void inlined_grown(struct both *b, size_t len)
{
	const char *path = TOP "/inlined_grown";
	cephring_file *f;

	they_do(b, THEY_UNLINK, path, NULL, 0);
	memset(want, 0, 9000);
	bytes_fill(want, len, 0, 77);
	if (they_write(b, path, want, len, 0) != (int)len)
		tap_die("libcephfs writes a small file");
	f = opened(b, path, O_RDWR, NULL);
	tap_eq(cut(b, f, 3000), 0, "made longer");
	inlined_seen(b, f, path, 3000, 3000, "made longer");
	tap_eq(they_do(b, THEY_TRUNCATE, path, NULL, 9000), 0, "by libcephfs, too");
	inlined_seen(b, f, path, 9000, 9000, "made longer by libcephfs");
	tap_eq(cephring_sync_close(f), 0, "closed");
	f = opened(b, path, O_RDONLY, NULL);
	inlined_seen(b, f, path, 9000, 9000, "opened again");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

static void inlined(struct both *b)
{
	const char *path = TOP "/inlined", *fresh = TOP "/inlined_by_us";
	long long before;
	cephring_file *f;

	free(ceph_says("fs set cephfs inline_data true --yes-i-really-really-mean-it"));
	for (int n = 0; n < 50; n++) { /* until the MDS makes such files */
		both_turn(b->engine, -1, 20);
		they_do(b, THEY_UNLINK, path, NULL, 0);
		bytes_fill(want, 1000, 0, 71);
		if (they_write(b, path, want, 1000, 0) != 1000)
			tap_die("libcephfs writes a small file");
		before = (long long)both_stats(b).osd_read_bytes;
		if (ours_read(b, path, got, 5000, 0) != 1000)
			tap_die("it is read");
		if ((long long)both_stats(b).osd_read_bytes == before)
			break;
	}
	tap_eq((long long)both_stats(b).osd_read_bytes, before, "read from the inode, not from an OSD");
	tap_eq(bytes_differ(want, got, 1000), -1, "the same");
	memset(got, 0xee, 2000);
	tap_eq(ours_read(b, path, got, 2000, 990), 10, "its end");
	tap_eq(bytes_differ(want + 990, got, 10), -1, "the same");
	f = opened(b, path, O_RDWR, NULL);
	bytes_fill(want + 500, 100, 500, 72);
	tap_eq(cephring_sync_write(f, want + 500, 100, 500, 0), 100, "written into");
	memset(got, 0xee, 2000);
	tap_eq(cephring_sync_read(f, got, 2000, 0, 0), 1000, "read back");
	tap_eq(bytes_differ(want, got, 1000), -1, "the same");
	tap_ok((long long)both_stats(b).osd_read_bytes > before, "from an OSD now");
	tap_eq(cephring_sync_close(f), 0, "closed");
	memset(got, 0xee, 2000);
	tap_eq(they_read(b, path, got, 2000, 0), 1000, "libcephfs reads it");
	tap_eq(bytes_differ(want, got, 1000), -1, "the same");
	tap_eq(ours_write(b, fresh, want, 1000, 0), 1000, "a new one of ours");
	memset(got, 0xee, 2000);
	tap_eq(they_read(b, fresh, got, 2000, 0), 1000, "read by libcephfs");
	tap_eq(bytes_differ(want, got, 1000), -1, "the same");
	inlined_cut(b, 0);
	inlined_cut(b, 1);
	inlined_changes(b);
	inlined_grown(b, 1000);
	inlined_grown(b, 0);
	free(ceph_says("fs set cephfs inline_data false"));
}

/* ---- full ---- */

static void full(struct both *b)
{
	cephring_file *f = opened(b, TOP "/full", O_RDWR | O_CREAT | O_DIRECT, NULL);
	uint64_t limit = now_ns() + 30000000000ull, at = 0;
	int64_t res = 1000;

	tap_eq(cephring_sync_write(f, want, 1000, 0, 0), 1000, "written");
	free(ceph_says("osd set-nearfull-ratio 0.00001"));
	free(ceph_says("osd set-backfillfull-ratio 0.00002"));
	free(ceph_says("osd set-full-ratio 0.00003"));
	while (res == 1000 && now_ns() < limit) {
		res = cephring_sync_write(f, want, 1000, at += 1000, 0);
		both_turn(b->engine, -1, 100);
	}
	tap_eq(res, -ENOSPC, "the pool is full");
	tap_eq(cephring_sync_read(f, got, 1000, 0, 0), 1000, "reading goes on");
	tap_eq(cephring_sync_fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 500), 0,
	       "so do holes");
	free(ceph_says("osd set-full-ratio 0.95"));
	free(ceph_says("osd set-backfillfull-ratio 0.90"));
	free(ceph_says("osd set-nearfull-ratio 0.85"));
	limit = now_ns() + 30000000000ull;
	while (res == -ENOSPC &&
	       now_ns() < limit) { /* what makes no object longer goes through all the time */
		res = cephring_sync_write(f, want, 1000, at += 1000, 0);
		both_turn(b->engine, -1, 100);
	}
	tap_eq(res, 1000, "and there is room again");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- thrown out ---- */

/* As the OSD map names a client. */
static const char *our_address(cephring_mount *m)
{
	json_t *v = our_view(m, "data");
	static char text[128];
	const char *self = "";

	json_unpack(v, "{s:[{s:{s:s}}]}", "sessions", "connection", "self", &self);
	/* newer monitors take no "any:" */
	snprintf(text, sizeof text, "%s", strncmp(self, "any:", 4) ? self : self + 4);
	json_decref(v);
	return text;
}

static void evicted(struct both *b)
{
	static struct flight x;
	struct beside o;
	cephring_file *f;
	int64_t res;

	beside_begin(b, &o, NULL);
	if (cephring_sync_open(o.mount, NULL, TOP "/evicted", O_RDWR | O_CREAT | O_DIRECT, 0644, NULL, &root,
			       &f) < 0)
		tap_die("a file is made");
	tap_eq(cephring_sync_write(f, want, 1000, 0, 0), 1000, "written");
	tap_eq(cephring_sync_fsync(f, 0), 0, "fsync");
	devcluster("pause osd.0");
	memset(&x, 0, sizeof x);
	if (cephring_write(f, want, sizeof want, 0, 0, &x.op, landed, &x))
		tap_die("a write is taken");
	for (int n = 0; n < 5; n++)
		both_turn(b->engine, -1, 10);
	free(ceph_says("osd blocklist add %s", our_address(o.mount)));
	devcluster("resume osd.0");
	res = land(b, &x);
	tap_ok(res == -ESHUTDOWN || res == (int64_t)sizeof want, "what is in flight ends: %" PRId64, res);
	tap_eq(cephring_sync_write(f, want, 1000, 0, 0), -ESHUTDOWN, "nothing is written any more");
	tap_eq(cephring_sync_read(f, got, 1000, 0, 0), -ESHUTDOWN, "nor read");
	cephring_sync_close(f);
	beside_end(&o);
	tap_ok(ours_read(b, TOP "/evicted", got, 1000, 0) == 1000, "what was synced is there");
}

/* ---- ends that come early ---- */

static void early(struct both *b)
{
	static struct flight x[3], away;
	struct beside o;
	cephring_file *f, *mine;
	json_t *v;

	f = opened(b, TOP "/early", O_RDWR | O_CREAT, NULL);
	tap_eq(cephring_sync_write(f, want, sizeof want, 0, 0), sizeof want, "written");
	beside_begin(b, &o, NULL);
	if (cephring_sync_open(o.mount, NULL, TOP "/early", O_RDONLY, 0, NULL, &root, &mine))
		tap_die("a file is opened");
	tap_eq(cephring_sync_read(mine, got, 100, 0, 0), 100, "read");
	devcluster("pause osd.0");
	memset(x, 0, sizeof x);
	cephring_op_deadline(&x[0].op, now_ns() + 200000000);
	if (cephring_write(f, want, sizeof want, 0, 0, &x[0].op, landed, &x[0]) ||
	    cephring_read(f, got, 1 << 20, 0, 0, &x[1].op, landed, &x[1]) ||
	    cephring_read(mine, other, 1 << 20, 0, 0, &x[2].op, landed, &x[2]))
		tap_die("they are taken");
	tap_eq(land(b, &x[0]), -ETIMEDOUT, "a deadline");
	tap_ok(cephring_op_uncertain(&x[0].op), "it may have been written");
	v = our_view(b->mount, "data");
	tap_ok(json_array_size(json_object_get(v, "requests")) > 0 &&
		   json_array_size(json_object_get(v, "sessions")) == 1,
	       "the view shows what is in flight");
	json_decref(v);
	tap_eq(cephring_op_cancel(b->mount, &x[1].op), 0, "cancelled");
	tap_eq(land(b, &x[1]), -ECANCELED, "ends");
	tap_eq(cephring_sync_close(mine), -EBUSY, "not closed while it is read");
	if (cephring_unmount(o.mount, &away.op, landed, &away))
		tap_die("an unmount begins");
	land(b, &x[2]);
	tap_ok(x[2].ended && x[2].res == -ESHUTDOWN, "what was in flight has ended");
	devcluster("resume osd.0");
	tap_eq(land(b, &away), 0, "unmounted");
	cephring_config_free(o.config);
	tap_eq(cephring_sync_write(f, want, 1000, 0, 0), 1000, "and it goes on");
	tap_eq(cephring_sync_read(f, got, 1000, 0, 0), 1000, "so does reading");
	tap_eq(bytes_differ(want, got, 1000), -1, "the same");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

int main(void)
{
	struct both *b = both_new(NULL, NULL);

	they(b, their_clean, TOP);
	if (they_do(b, THEY_MKDIR, TOP, NULL, 0777))
		tap_die("a directory");
	for (unsigned n = 0; n < sizeof layouts / sizeof *layouts; n++)
		layout(b, n);
	far(b);
	vectors(b);
	append(b);
	cutting(b);
	zeros(b);
	snapshots(b);
	synced(b);
	in_place(b);
	copies(b);
	copies_by_osds(b);
	small(b);
	set_ids(b);
	errors(b);
	quota(b);
	namespaces(b);
	keys(b);
	inlined(b);
	early(b);
	evicted(b);
	full(b);
	both_free(b);
	return tap_end();
}
