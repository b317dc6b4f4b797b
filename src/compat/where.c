/* where.c: where a path starts: the root, the current directory, or an open directory; and the current
 * directory itself. An empty path leads to where it would start, as libcephfs has it; as the name of
 * something to be made or removed it is none. */
#include "compat.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct where where_path(struct ceph_mount_info *cm, const char *path)
{
	struct where w = { .path = path && *path ? path : ".", .cm = cm, .empty = path && !*path };

	if (!path)
		w.err = -EFAULT;
	else if (*path != '/' && __atomic_load_n(&cm->cwd, __ATOMIC_RELAXED)) {
		w.at = inside_get(&cm->cwd);
		w.put = true;
	}
	return w;
}

struct where where_at(struct ceph_mount_info *cm, int dirfd, const char *path)
{
	struct where w = { .path = path && *path ? path : ".", .cm = cm, .empty = path && !*path };

	if (dirfd == AT_FDCWD || (path && *path == '/'))
		return where_path(cm, path);
	w.slot = slot_by_index(&cm->fds, (int64_t)dirfd - FD_FIRST);
	if (!w.slot)
		w.err = -EBADF;
	else if (!path)
		w.err = -EFAULT;
	else
		w.at = cephring_file_inode(w.slot->file);
	if (w.err && w.slot) {
		slot_put(w.slot);
		w.slot = NULL;
	}
	return w;
}

void where_put(struct where *w)
{
	if (w->put)
		cephring_put(w->cm->m, w->at);
	if (w->slot)
		slot_put(w->slot);
}

/* ---- the current directory ---- */

int ceph_chdir(struct ceph_mount_info *cm, const char *path)
{
	cephring_inode *to, *was;
	struct cephring_statx st;
	int err;

	ENTER(cm);
	PATH(w, where_path(cm, path));
	err = cephring_sync_lookup(cm->m, w.at, w.path, 0, NULL, &to);
	if (err)
		return err;
	err = cephring_sync_statx(cm->m, to, "", CEPHRING_STATX_TYPE, 0, NULL, &st);
	if (!err && (st.mode & S_IFMT) != S_IFDIR)
		err = -ENOTDIR;
	if (err) {
		cephring_put(cm->m, to);
		return err;
	}
	was = __atomic_exchange_n(&cm->cwd, to, __ATOMIC_ACQ_REL);
	cephring_put(cm->m, was);
	return 0;
}

/* Puts "/name" before what is in text; -ENOENT: it has no name any more. */
static int prepend_name(struct ceph_mount_info *cm, cephring_inode *i, char **at, char *begin)
{
	char name[256];
	int64_t n = cephring_sync_name_of(cm->m, i, NULL, name, sizeof name);

	if (n < 0)
		return (int)n;
	if (*at - begin < n + 1)
		return -ENAMETOOLONG;
	*at -= n;
	memcpy(*at, name, (size_t)n);
	*--*at = '/';
	return 0;
}

/* The name of a directory by the names of those above it. */
static char *path_of(struct ceph_mount_info *cm, cephring_inode *i)
{
	char text[4097], *at = text + sizeof text - 1;
	uint64_t root = 0;
	cephring_inode *up;
	int err = cephring_sync_lookup(cm->m, NULL, "/", 0, NULL, &up);

	*at = '\0';
	if (!err) {
		root = cephring_ino(up);
		cephring_put(cm->m, up);
	}
	/* `i` is the caller's, each one above it ours */
	for (up = i; !err && cephring_ino(up) != root;) {
		cephring_inode *parent = NULL;

		err = prepend_name(cm, up, &at, text);
		if (!err)
			err = cephring_sync_lookup(cm->m, up, "..", 0, NULL, &parent);
		if (up != i)
			cephring_put(cm->m, up);
		up = parent;
		if (err)
			return NULL;
	}
	if (up && up != i)
		cephring_put(cm->m, up);
	return err ? NULL : strdup(*at ? at : "/");
}

/* What was given stays good, for other threads may be reading it, until many others were given: so each text
 * is kept once. */
static const char *keep_text(struct ceph_mount_info *cm, char *text)
{
	unsigned at;

	for (unsigned n = 0; n < CWD_TEXTS; n++) {
		char *had = atomic_load(&cm->cwd_text[n]);

		if (had && !strcmp(had, text)) {
			free(text);
			return had;
		}
	}
	at = atomic_fetch_add(&cm->cwd_at, 1);
	free(atomic_exchange(&cm->cwd_text[at % CWD_TEXTS], text));
	return text;
}

const char *ceph_getcwd(struct ceph_mount_info *cm)
{
	struct ceph_mount_info *unmounted = cm;
	cephring_inode *i;
	char *text;

	ENTER_ELSE(cm, unmounted ? "" : NULL);
	i = inside_get(&cm->cwd);
	text = i ? path_of(cm, i) : strdup("/");
	cephring_put(cm->m, i);
	if (!text)
		return "";
	return keep_text(cm, text);
}
