/* fds.c: opening and closing by path, and what is asked of a descriptor besides data. */
#include "compat.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

int open_flags(int flags)
{
	const int known = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_DIRECTORY | O_NOFOLLOW |
			  O_PATH | O_SYNC | O_DSYNC | O_DIRECT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
			  O_LARGEFILE | O_NOATIME;

	/* the rest are bits that mean nothing here */
	return flags & known;
}

int64_t file_keep(struct slots *t, enum slot_kind kind, cephring_file *f, int flags, struct slot **out)
{
	struct slot *s = slot_new(t, kind, f, flags);

	if (!s) {
		cephring_sync_close(f);
		return -EMFILE;
	}
	if (out)
		*out = s;
	return s->index;
}

/* cephfs-shell makes files by names with a slash behind, which the real library does not see. The path, or a
 * copy without (*copy, to be freed). */
static const char *creatable(const char *path, char **copy)
{
	size_t len = strlen(path);

	*copy = NULL;
	if (len < 2 || path[len - 1] != '/')
		return path;
	while (len > 1 && path[len - 1] == '/')
		len--;
	*copy = strndup(path, len);
	return *copy;
}

static int open_where(struct ceph_mount_info *cm, const struct where *w, int flags, mode_t mode,
		      const struct cephring_layout *layout)
{
	struct cephring_cred c = cred_of(cm, NULL);
	const char *path = w->path;
	char *copy = NULL;
	cephring_file *f;
	int64_t n;
	int err;

	flags = open_flags(flags);
	if (flags & O_CREAT)
		path = creatable(path, &copy);
	if (!path)
		return -ENOMEM;
	err = cephring_sync_open(cm->m, w->at, path, flags & ~O_APPEND, mode, layout, &c, &f);
	free(copy);
	if (err < 0)
		return err;
	n = file_keep(&cm->fds, SLOT_FILE, f, flags, NULL);
	return (int)(n < 0 ? n : n + FD_FIRST);
}

int ceph_open(struct ceph_mount_info *cm, const char *path, int flags, mode_t mode)
{
	ENTER(cm);
	PATH(w, where_path(cm, path));
	return open_where(cm, &w, flags, mode, NULL);
}

int ceph_openat(struct ceph_mount_info *cm, int dirfd, const char *path, int flags, mode_t mode)
{
	ENTER(cm);
	PATH(w, where_at(cm, dirfd, path));
	return open_where(cm, &w, flags, mode, NULL);
}

int ceph_open_layout(struct ceph_mount_info *cm, const char *path, int flags, mode_t mode, int stripe_unit,
		     int stripe_count, int object_size, const char *data_pool)
{
	struct cephring_layout layout = { .stripe_unit = (uint32_t)stripe_unit,
					  .stripe_count = (uint32_t)stripe_count,
					  .object_size = (uint32_t)object_size,
					  .pool = -1 };

	ENTER(cm);
	PATH(w, where_path(cm, path));
	if (stripe_unit < 0 || stripe_count < 0 || object_size < 0)
		return -EINVAL;
	if (data_pool && *data_pool) {
		layout.pool = ceph_get_pool_id(cm, data_pool);
		if (layout.pool < 0)
			return layout.pool == -ENOENT ? -EINVAL : (int)layout.pool;
	}
	return open_where(cm, &w, flags, mode, &layout);
}

int ceph_close(struct ceph_mount_info *cm, int fd)
{
	struct slot *s;

	ENTER(cm);
	s = slot_by_index(&cm->fds, (int64_t)fd - FD_FIRST);
	return s ? slot_close(s) : -EBADF;
}

int ceph_fsync(struct ceph_mount_info *cm, int fd, int datasync)
{
	ENTER(cm);
	FD(s, cm, fd);
	return cephring_sync_fsync(s->file, datasync);
}

int ceph_sync_fs(struct ceph_mount_info *cm)
{
	ENTER(cm);
	return cephring_sync_syncfs(cm->m);
}

int ceph_flock(struct ceph_mount_info *cm, int fd, int operation, uint64_t owner)
{
	bool waits = !(operation & (LOCK_NB | LOCK_UN));
	int err;

	ENTER(cm);
	FD(s, cm, fd);
	if (waits)
		callbacks_waits(cm, s);
	err = cephring_sync_flock(s->file, operation, owner);
	if (waits)
		callbacks_waits(cm, NULL);
	return err == -EAGAIN ? -EWOULDBLOCK : err;
}

int ceph_debug_get_fd_caps(struct ceph_mount_info *cm, int fd)
{
	struct inside_inode info;
	int err;

	ENTER(cm);
	FD(s, cm, fd);
	err = inside_inode_info(cm->m, cephring_file_inode(s->file), &info);
	return err ? err : (int)info.caps;
}

int ceph_debug_get_file_caps(struct ceph_mount_info *cm, const char *path)
{
	struct inside_inode info;
	cephring_inode *i;
	int err;

	ENTER(cm);
	PATH(w, where_path(cm, path));
	err = cephring_sync_lookup(cm->m, w.at, w.path, 0, NULL, &i);
	if (err)
		return err;
	err = inside_inode_info(cm->m, i, &info);
	cephring_put(cm->m, i);
	return err ? err : (int)info.caps;
}

/* ---- lazy I/O: what a program may allow itself is more than it needs here, where data is coherent ---- */

int ceph_lazyio(struct ceph_mount_info *cm, int fd, int enable)
{
	ENTER(cm);
	FD(s, cm, fd);
	(void)enable;
	return 0;
}

int ceph_lazyio_propagate(struct ceph_mount_info *cm, int fd, int64_t offset, size_t count)
{
	(void)offset, (void)count;
	ENTER(cm);
	FD(s, cm, fd);
	return cephring_sync_fsync(s->file, 1);
}

int ceph_lazyio_synchronize(struct ceph_mount_info *cm, int fd, int64_t offset, size_t count)
{
	(void)offset, (void)count;
	ENTER(cm);
	FD(s, cm, fd);
	return 0;
}
