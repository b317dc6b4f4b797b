/* dirs.c: listing directories. cephring hands out many entries at once; they are kept in the slot and given
 * to the program one by one. Positions are cephring's: good over closing and opening, and while names come
 * and go. */
#include "compat.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 32 << 10 };

/* Calls on it take turns. The entry that ceph_readdir() gives stays until the next call. */
struct listing {
	size_t at, len;
	uint64_t position; /* behind the entry that was given last */
	struct dirent entry;
	_Alignas(8) char chunk[CHUNK];
};

void listing_free(struct listing *l)
{
	free(l);
}

static int keep(struct ceph_mount_info *cm, cephring_file *f, struct ceph_dir_result **out)
{
	struct listing *l = calloc(1, sizeof *l);
	struct slot *s;
	int64_t n;

	if (!l) {
		cephring_sync_close(f);
		return -ENOMEM;
	}
	n = file_keep(&cm->handles, SLOT_DIR, f, O_RDONLY | O_DIRECTORY, &s);
	if (n < 0) {
		free(l);
		return (int)n;
	}
	s->listing = l;
	*out = (struct ceph_dir_result *)s;
	return 0;
}

static int open_at(struct ceph_mount_info *cm, cephring_inode *at, const char *path,
		   const struct cephring_cred *cred, struct ceph_dir_result **out)
{
	cephring_file *f;
	int err;

	if (!out)
		return -EFAULT;
	err = cephring_sync_open(cm->m, at, path, O_RDONLY | O_DIRECTORY, 0, NULL, cred, &f);
	return err < 0 ? err : keep(cm, f, out);
}

int ceph_opendir(struct ceph_mount_info *cm, const char *path, struct ceph_dir_result **out)
{
	ENTER(cm);
	PATH(w, where_path(cm, path));
	return open_at(cm, w.at, w.path, NULL, out);
}

/* The descriptor stays open and usable, and goes on to be the program's to close. */
int ceph_fdopendir(struct ceph_mount_info *cm, int dirfd, struct ceph_dir_result **out)
{
	ENTER(cm);
	FD(s, cm, dirfd);
	return open_at(cm, cephring_file_inode(s->file), "", NULL, out);
}

int ceph_ll_opendir(struct ceph_mount_info *cm, struct Inode *i, struct ceph_dir_result **out,
		    const UserPerm *perms)
{
	ENTER(cm);
	return i ? open_at(cm, (cephring_inode *)i, "", cred_given(perms), out) : -EINVAL;
}

int ceph_closedir(struct ceph_mount_info *cm, struct ceph_dir_result *dirp)
{
	struct slot *s;

	ENTER(cm);
	s = slot_by_pointer(&cm->handles, dirp, SLOT_DIR);
	return s ? slot_close(s) : -EBADF;
}

int ceph_ll_releasedir(struct ceph_mount_info *cm, struct ceph_dir_result *dirp)
{
	return ceph_closedir(cm, dirp);
}

/* ---- one entry after another ---- */

/* The listing is this call's until the end of the block. */
#define TURN(s)                                                                                              \
	struct slot *turn_here __attribute__((unused, cleanup(slot_turn_give_here))) = (slot_turn_take(s), s)

/* The next entry, not yet taken; NULL: *err is 0 at the end, or why not. */
static const struct cephring_dirent *peek(struct slot *s, int *err)
{
	struct listing *l = s->listing;
	int64_t n;

	*err = 0;
	if (l->at == l->len) {
		n = cephring_sync_readdir(s->file, l->chunk, sizeof l->chunk);
		l->at = 0;
		l->len = n > 0 ? (size_t)n : 0;
		if (n <= 0) {
			*err = (int)n;
			return NULL;
		}
	}
	return (const struct cephring_dirent *)(l->chunk + l->at);
}

static void take(struct slot *s, const struct cephring_dirent *e)
{
	s->listing->position = e->next_offset;
	s->listing->at += e->reclen;
}

static void fill(const struct cephring_dirent *e, struct dirent *de)
{
	size_t len = e->name_len < sizeof de->d_name ? e->name_len : sizeof de->d_name - 1;

	de->d_ino = e->st.ino;
	de->d_off = (off_t)e->next_offset;
	de->d_reclen = sizeof *de;
	de->d_type = (unsigned char)e->type;
	memcpy(de->d_name, e->name, len);
	de->d_name[len] = '\0';
}

struct dirent *ceph_readdir(struct ceph_mount_info *cm, struct ceph_dir_result *dirp)
{
	struct slot *s __attribute__((cleanup(slot_put_here))) = NULL;
	const struct cephring_dirent *e;
	int err;

	ENTER_ELSE(cm, (errno = ENOTCONN, NULL));
	s = slot_by_pointer(&cm->handles, dirp, SLOT_DIR);
	if (!s) {
		errno = EBADF;
		return NULL;
	}
	TURN(s);
	e = peek(s, &err);
	if (!e) {
		errno = -err;
		return NULL;
	}
	fill(e, &s->listing->entry);
	take(s, e);
	return &s->listing->entry;
}

int ceph_readdir_r(struct ceph_mount_info *cm, struct ceph_dir_result *dirp, struct dirent *de)
{
	return ceph_readdirplus_r(cm, dirp, de, NULL, 0, 0, NULL);
}

/* The entry's inode, with a reference: by its name, which is cached as a rule. What is gone again meanwhile
 * is asked for by its number. */
static int entry_inode(struct ceph_mount_info *cm, struct slot *s, const struct cephring_dirent *e,
		       cephring_inode **out)
{
	cephring_inode *dir = cephring_file_inode(s->file);
	struct cephring_handle h = { .ino = e->st.ino, .snapid = e->st.snapid };
	int err = cephring_sync_lookup(cm->m, dir, e->name, CEPHRING_NOFOLLOW, NULL, out);

	if (err == -EACCES || err == -ENOENT)
		err = cephring_sync_lookup_handle(cm->m, &h, NULL, out);
	return err;
}

int ceph_readdirplus_r(struct ceph_mount_info *cm, struct ceph_dir_result *dirp, struct dirent *de,
		       struct ceph_statx *stx, unsigned want, unsigned flags, struct Inode **out)
{
	uint32_t wanted = want_from_ceph(want);
	const struct cephring_dirent *e;
	cephring_inode *i = NULL;
	int err, how = flags_from_at(flags);

	ENTER(cm);
	DIRP(s, cm, dirp);
	if (how < 0)
		return how;
	TURN(s);
	e = peek(s, &err);
	if (!e)
		return err;
	if (de)
		fill(e, de);
	if (out || (stx && (wanted & ~e->st.mask))) {
		err = entry_inode(cm, s, e, &i);
		if (err)
			return err;
	}
	if (stx && (wanted & ~e->st.mask))
		err = inode_statx(cm, i, want, flags, NULL, stx);
	else if (stx)
		statx_to_ceph(&e->st, stx);
	if (out && !err)
		*out = (struct Inode *)i;
	else
		cephring_put(cm->m, i);
	if (err)
		return err;
	take(s, e);
	return 1;
}

/* ---- many at once: whole entries, or names with their NULs ---- */

static int many(struct ceph_mount_info *cm, struct ceph_dir_result *dirp, char *buf, int size, bool whole)
{
	const struct cephring_dirent *e;
	int used = 0, err;

	ENTER(cm);
	DIRP(s, cm, dirp);
	if (!buf || size < 0)
		return -EINVAL;
	TURN(s);
	while ((e = peek(s, &err))) {
		int need = whole ? (int)sizeof(struct dirent) : e->name_len + 1;

		if (need > size - used)
			return used ? used : -ERANGE;
		if (whole)
			fill(e, (struct dirent *)(buf + used));
		else
			memcpy(buf + used, e->name, (size_t)need);
		used += need;
		take(s, e);
	}
	return used ? used : err;
}

int ceph_getdents(struct ceph_mount_info *cm, struct ceph_dir_result *dirp, char *buf, int size)
{
	return many(cm, dirp, buf, size, true);
}

int ceph_getdnames(struct ceph_mount_info *cm, struct ceph_dir_result *dirp, char *buf, int size)
{
	return many(cm, dirp, buf, size, false);
}

/* ---- positions ---- */

int64_t ceph_telldir(struct ceph_mount_info *cm, struct ceph_dir_result *dirp)
{
	ENTER(cm);
	DIRP(s, cm, dirp);
	TURN(s);
	return (int64_t)s->listing->position;
}

static void seek(struct ceph_mount_info *cm, struct ceph_dir_result *dirp, uint64_t offset)
{
	struct slot *s __attribute__((cleanup(slot_put_here))) = NULL;

	ENTER_ELSE(cm, );
	s = slot_by_pointer(&cm->handles, dirp, SLOT_DIR);
	if (!s)
		return;
	TURN(s);
	if (cephring_seekdir(s->file, offset))
		return;
	s->listing->at = s->listing->len = 0;
	s->listing->position = offset;
}

void ceph_seekdir(struct ceph_mount_info *cm, struct ceph_dir_result *dirp, int64_t offset)
{
	seek(cm, dirp, (uint64_t)offset);
}

void ceph_rewinddir(struct ceph_mount_info *cm, struct ceph_dir_result *dirp)
{
	seek(cm, dirp, 0);
}
