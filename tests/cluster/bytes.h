/* bytes.h: file data in cluster tests: bytes that name their place, and the other client's reads and writes.
 */
#pragma once
#include <sys/uio.h>
#include "both.h"

/* A function of seed and offset. */
static inline void bytes_fill(void *buf, size_t len, uint64_t offset, uint32_t seed)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++) {
		uint64_t x = (offset + i + 1) * 0x9e3779b97f4a7c15u + seed * 0x2545f491u;

		p[i] = (uint8_t)(x >> 56 ^ x >> 24);
	}
}

/* Where two buffers differ first; -1: nowhere. */
static inline long long bytes_differ(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < len; i++)
		if (x[i] != y[i])
			return (long long)i;
	return -1;
}

struct their_io {
	const char *path;
	void *buf;
	size_t len;
	int64_t offset;
	int flags; /* of its open, besides the mode */
};

static inline int their_pread(struct ceph_mount_info *cm, void *arg)
{
	const struct their_io *t = arg;
	int fd = ceph_open(cm, t->path, O_RDONLY | t->flags, 0), n = 0, done = 0;

	if (fd < 0)
		return fd;
	while ((size_t)done < t->len) {
		n = ceph_read(cm, fd, (char *)t->buf + done, (int64_t)t->len - done, t->offset + done);
		if (n <= 0)
			break;
		done += n;
	}
	ceph_close(cm, fd);
	return n < 0 ? n : done;
}

static inline int their_pwrite(struct ceph_mount_info *cm, void *arg)
{
	const struct their_io *t = arg;
	int fd = ceph_open(cm, t->path, O_WRONLY | O_CREAT | t->flags, 0644), n, err;

	if (fd < 0)
		return fd;
	n = ceph_write(cm, fd, t->buf, (int64_t)t->len, t->offset);
	err = ceph_close(cm, fd);
	return n < 0 ? n : err ? err : n;
}

static inline int they_read(struct both *b, const char *path, void *buf, size_t len, int64_t offset)
{
	struct their_io t = { path, buf, len, offset, 0 };

	return they(b, their_pread, &t);
}

static inline int they_write(struct both *b, const char *path, const void *buf, size_t len, int64_t offset)
{
	struct their_io t = { path, (void *)buf, len, offset, 0 };

	return they(b, their_pwrite, &t);
}

/* Ours, opened for the occasion; a negative errno of any step. */
static inline int64_t ours_write(struct both *b, const char *path, const void *buf, size_t len,
				 uint64_t offset)
{
	cephring_file *f;
	int64_t n = cephring_sync_open(b->mount, NULL, path, O_WRONLY | O_CREAT, 0644, NULL, NULL, &f);
	int err;

	if (n < 0)
		return n;
	n = cephring_sync_write(f, buf, len, offset, 0);
	err = cephring_sync_close(f);
	return n < 0 ? n : err ? err : n;
}

static inline int64_t ours_read(struct both *b, const char *path, void *buf, size_t len, uint64_t offset)
{
	cephring_file *f;
	int64_t n = cephring_sync_open(b->mount, NULL, path, O_RDONLY, 0, NULL, NULL, &f);
	int err;

	if (n < 0)
		return n;
	n = cephring_sync_read(f, buf, len, offset, 0);
	err = cephring_sync_close(f);
	return n < 0 ? n : err ? err : n;
}

/* ---- another mount of ours, on the same engine: both are served by whatever is waited for ---- */

struct beside {
	cephring_config *config;
	cephring_mount *mount;
};

static inline void beside_begin(struct both *b, struct beside *o, const char *const *options)
{
	struct cephring_mount_opts opts = { .size = sizeof opts,
					    .log = both_log,
					    .log_level = CEPHRING_LOG_WARN };

	o->mount = NULL;
	cephring_config_new(&o->config);
	for (; options && *options; options += 2)
		cephring_config_set(o->config, options[0], options[1]);
	if (cephring_config_load(o->config))
		tap_die(cephring_config_error(o->config));
	if (cephring_sync_mount(b->engine, o->config, &opts, &o->mount))
		tap_die("another mount");
}

static inline void beside_end(struct beside *o)
{
	tap_eq(cephring_sync_unmount(o->mount), 0, "unmounted");
	cephring_config_free(o->config);
}
