/* cluster: --mds 1; timeout: 180 */
/* Reading and writing files beside libcephfs: over several layouts, far offsets, holes, the ends of files,
 * appending, cutting, snapshots, flags, errors, quotas, keys that do not allow it. */
#include "bytes.h"

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

int main(void)
{
	struct both *b = both_new(NULL, NULL);

	they(b, their_clean, TOP);
	if (they_do(b, THEY_MKDIR, TOP, NULL, 0777))
		tap_die("a directory");
	for (unsigned n = 0; n < sizeof layouts / sizeof *layouts; n++)
		layout(b, n);
	both_free(b);
	return tap_end();
}
