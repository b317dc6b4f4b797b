/* twins.h: the same call made by both clients, for the same user, on two objects that are alike: one that
 * ours changes, one that libcephfs changes. Both must give the same result and leave the same behind. */
#pragma once
#include <sys/xattr.h>
#include "both.h"

enum { OWNER = 1001, STRANGER = 1000, MATE = 1002, EXTRA = 1003 };

static const uint32_t twin_extra[] = { EXTRA }, twin_owners[] = { OWNER };

/* Who calls. */
static const struct twin_user {
	const char *name;
	struct cephring_cred cred;
} twin_users[] = {
	{ "root", { 0 } },
	{ "owner", { .uid = OWNER, .gid = OWNER } },
	{ "owner in 1003", { .uid = OWNER, .gid = OWNER, .ngroups = 1, .groups = twin_extra } },
	{ "mate", { .uid = MATE, .gid = MATE, .ngroups = 1, .groups = twin_owners } },
	{ "stranger", { .uid = STRANGER, .gid = STRANGER } },
};
enum { TWIN_USERS = sizeof twin_users / sizeof *twin_users };

/* libcephfs's form of a caller; to be destroyed. */
static inline UserPerm *twin_perm(const struct cephring_cred *c)
{
	return ceph_userperm_new(c->uid, c->gid, (int)c->ngroups, (gid_t *)c->groups);
}

/* An inode of libcephfs's, looked up as the superuser: to be put. */
static inline struct Inode *twin_inode(struct ceph_mount_info *cm, const char *path, bool nofollow)
{
	UserPerm *p = ceph_userperm_new(0, 0, 0, NULL);
	struct ceph_statx st;
	struct Inode *i = NULL;

	if (ceph_ll_walk(cm, path, &i, &st, CEPH_STATX_INO, nofollow ? AT_SYMLINK_NOFOLLOW : 0, p))
		i = NULL;
	ceph_userperm_destroy(p);
	return i;
}

static inline struct timespec twin_time(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

/* The other client anew, with access control lists. */
static inline void twin_with_lists(struct both *b)
{
	const char *const options[][2] = { { "client_permissions", "true" },
					   { "client_acl_type", "posix_acl" } };
	char ring[4096];
	int err;

	second_unmount(b->cm);
	snprintf(ring, sizeof ring, "%s/second.keyring", getenv("CLUSTER_DIR"));
	err = ceph_create(&b->cm, "second");
	err = err ? err : ceph_conf_read_file(b->cm, getenv("CEPH_CONF"));
	err = err ? err : ceph_conf_set(b->cm, "keyring", ring);
	for (int n = 0; n < 2 && !err; n++)
		err = ceph_conf_set(b->cm, options[n][0], options[n][1]);
	if (err || ceph_mount(b->cm, "/"))
		tap_die("libcephfs mounts, with lists");
}

/* ---- setattr as libcephfs has it ---- */

struct their_setattr {
	const char *path;
	const struct cephring_setattr *set;
	const struct cephring_cred *who;
	bool nofollow;
};

static inline int their_mask(uint32_t set)
{
	static const struct {
		uint32_t ours;
		int theirs;
	} map[] = {
		{ CEPHRING_SET_MODE, CEPH_SETATTR_MODE },
		{ CEPHRING_SET_UID, CEPH_SETATTR_UID },
		{ CEPHRING_SET_GID, CEPH_SETATTR_GID },
		{ CEPHRING_SET_SIZE, CEPH_SETATTR_SIZE },
		{ CEPHRING_SET_ATIME, CEPH_SETATTR_ATIME },
		{ CEPHRING_SET_MTIME, CEPH_SETATTR_MTIME },
		{ CEPHRING_SET_ATIME_NOW, CEPH_SETATTR_ATIME | CEPH_SETATTR_ATIME_NOW },
		{ CEPHRING_SET_MTIME_NOW, CEPH_SETATTR_MTIME | CEPH_SETATTR_MTIME_NOW },
		{ CEPHRING_SET_BTIME, CEPH_SETATTR_BTIME },
	};
	int mask = 0;

	for (size_t n = 0; n < sizeof map / sizeof *map; n++)
		mask |= (set & map[n].ours) ? map[n].theirs : 0;
	return mask;
}

static inline int their_setattr(struct ceph_mount_info *cm, void *arg)
{
	const struct their_setattr *t = arg;
	const struct cephring_setattr *s = t->set;
	struct ceph_statx st = { .stx_mode = (uint16_t)s->mode,
				 .stx_uid = s->uid,
				 .stx_gid = s->gid,
				 .stx_size = s->size,
				 .stx_atime = twin_time(s->atime_ns),
				 .stx_mtime = twin_time(s->mtime_ns),
				 .stx_btime = twin_time(s->btime_ns) };
	struct Inode *i = twin_inode(cm, t->path, t->nofollow);
	UserPerm *p = twin_perm(t->who);
	int err;

	if (s->set & CEPHRING_SET_ATIME_NOW)
		clock_gettime(CLOCK_REALTIME, &st.stx_atime);
	if (s->set & CEPHRING_SET_MTIME_NOW)
		clock_gettime(CLOCK_REALTIME, &st.stx_mtime);
	err = i ? ceph_ll_setattr(cm, i, &st, their_mask(s->set), p) : -ENOENT;
	ceph_userperm_destroy(p);
	if (i)
		ceph_ll_put(cm, i);
	return err;
}
