/* snaps.c: snapshots: names below .snap of a directory. */
#include "compat.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ceph_mksnap(struct ceph_mount_info *cm, const char *path, const char *name, mode_t mode,
		struct snap_metadata *metadata, size_t count)
{
	int64_t id;

	_Static_assert(sizeof(struct snap_metadata) == sizeof(struct cephring_kv) &&
			   offsetof(struct snap_metadata, value) == offsetof(struct cephring_kv, value),
		       "pairs of strings");
	ENTER(cm);
	PATH(w, where_path(cm, path));
	struct cephring_cred c = cred_of(cm, NULL);

	if (!name)
		return -EFAULT;
	if (count > UINT32_MAX)
		return -EINVAL;
	id = cephring_sync_mksnap(cm->m, w.at, w.path, name, mode, (const struct cephring_kv *)metadata,
				  (uint32_t)count, &c);
	return id < 0 ? (int)id : 0;
}

int ceph_rmsnap(struct ceph_mount_info *cm, const char *path, const char *name)
{
	char full[PATH_MAX];

	ENTER(cm);
	PATH(w, where_path(cm, path));
	if (!name || !*name || strchr(name, '/'))
		return name ? -EINVAL : -EFAULT;
	if ((size_t)snprintf(full, sizeof full, "%s/.snap/%s", w.path, name) >= sizeof full)
		return -ENAMETOOLONG;
	return cephring_sync_unlink(cm->m, w.at, full, CEPHRING_REMOVEDIR, NULL);
}

/* One block: the array, behind it the strings. */
static int snap_pairs(const struct cephring_snap_info *from, struct snap_info *out)
{
	struct snap_metadata *all;
	const char *at = from->text;
	char *to;
	size_t len = 0;

	for (uint32_t n = 0; n < 2 * from->count; n++)
		len += strlen(from->text + len) + 1;
	all = malloc(from->count * sizeof *all + len);
	if (!all)
		return -ENOMEM;
	to = memcpy(all + from->count, at, len);
	for (uint32_t n = 0; n < from->count; n++) {
		all[n].key = to;
		to += strlen(to) + 1;
		all[n].value = to;
		to += strlen(to) + 1;
	}
	out->snap_metadata = all;
	return 0;
}

int ceph_get_snap_info(struct ceph_mount_info *cm, const char *path, struct snap_info *out)
{
	struct cephring_snap_info info;
	int err;

	ENTER(cm);
	PATH(w, where_path(cm, path));
	if (!out)
		return -EFAULT;
	err = cephring_sync_snap_info(cm->m, w.at, w.path, NULL, &info);
	if (err)
		return err;
	*out = (struct snap_info){ .id = info.snapid, .nr_snap_metadata = info.count };
	return info.count ? snap_pairs(&info, out) : 0;
}

void ceph_free_snap_info_buffer(struct snap_info *info)
{
	if (!info)
		return;
	free(info->snap_metadata);
	info->snap_metadata = NULL;
	info->nr_snap_metadata = 0;
}
