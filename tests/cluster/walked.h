/* walked.h: one path, asked four times: ours with a cold cache, ours again, ours from the cache alone, and
 * libcephfs. */
#pragma once
#include "both.h"

struct answer {
	int err;
	uint64_t ino;
	uint32_t mode;
};

struct walked {
	struct answer cold, warm, cached, theirs;
	bool was_cached;
};

struct question {
	const char *path;
	int flags;
	const struct cephring_cred *who;
	struct answer a;
};

static inline struct answer walked_ours(struct both *b, const char *path, int flags,
					const struct cephring_cred *who)
{
	struct cephring_statx st = { 0 };
	struct answer a = { 0 };

	a.err = cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_MODE, flags, who, &st);
	if (!a.err) {
		a.ino = st.ino;
		a.mode = st.mode;
	}
	return a;
}

static inline int walked_ask(struct ceph_mount_info *cm, void *arg)
{
	struct question *q = arg;
	UserPerm *p =
	    ceph_userperm_new(q->who->uid, q->who->gid, (int)q->who->ngroups, (gid_t *)q->who->groups);
	struct ceph_statx st;
	struct Inode *i = NULL;

	q->a.err = ceph_ll_walk(cm, q->path, &i, &st, CEPH_STATX_INO | CEPH_STATX_MODE,
				(q->flags & CEPHRING_NOFOLLOW) ? AT_SYMLINK_NOFOLLOW : 0, p);
	if (!q->a.err) {
		q->a.ino = st.stx_ino;
		q->a.mode = st.stx_mode;
		ceph_ll_put(cm, i);
	}
	ceph_userperm_destroy(p);
	return 0;
}

static inline struct answer walked_theirs(struct both *b, const char *path, int flags,
					  const struct cephring_cred *who)
{
	struct question q = { .path = path, .flags = flags, .who = who };

	they(b, walked_ask, &q);
	return q.a;
}

static inline bool same_answer(struct answer x, struct answer y)
{
	return x.err == y.err && x.ino == y.ino && x.mode == y.mode;
}

/* What libcephfs says, in the words of path_resolution(7): it takes a trailing slash off (so a file with one
 * passes), lets `.` and
 * `..` of a file pass, and judges a file in the middle by its x bit before it sees that it is no directory.
 */
static inline bool agrees(const struct question *q, struct answer ours, struct answer theirs)
{
	size_t len = strlen(q->path);

	if (len > 1 && q->path[len - 1] == '/' && !theirs.err && !S_ISDIR(theirs.mode))
		return ours.err == -ENOTDIR;
	if (ours.err == -ENOTDIR && (theirs.err == -EACCES || strstr(q->path, "/.")))
		return true;
	return same_answer(ours, theirs);
}

static inline void walked_note(const char *what, const struct question *q, struct answer a)
{
	tap_note("%s: '%.200s' flags %d uid %u: err %d ino %" PRIx64 " mode %o", what, q->path, q->flags,
		 q->who->uid, a.err, a.ino, a.mode);
}

/* All four; true if they agree. `cold`: the cache is dropped before. */
static inline bool walked_compare(struct both *b, const char *path, int flags,
				  const struct cephring_cred *who, bool cold, bool compare_theirs,
				  struct walked *w)
{
	struct question q = { .path = path, .flags = flags, .who = who };
	struct cephring_statx st = { 0 };
	size_t len = strlen(path);
	bool same = true;

	*w = (struct walked){ 0 };
	if (cold)
		both_cold(b);
	w->cold = walked_ours(b, path, flags, who);
	w->warm = walked_ours(b, path, flags, who);
	w->cached.err = cephring_statx_cached(b->mount, NULL, path, CEPHRING_STATX_MODE, flags, who, &st);
	w->was_cached = w->cached.err != -EAGAIN;
	if (!w->cached.err) {
		w->cached.ino = st.ino;
		w->cached.mode = st.mode;
	}
	if (!same_answer(w->cold, w->warm) || (w->was_cached && !same_answer(w->cold, w->cached)))
		same = false;
	if (compare_theirs) {
		/* A slash behind a link means what it leads to. */
		w->theirs = walked_theirs(b, path, len && path[len - 1] == '/' ? 0 : flags, who);
		same = same && agrees(&q, w->cold, w->theirs);
	}
	if (!same) {
		walked_note("cold", &q, w->cold);
		walked_note("warm", &q, w->warm);
		walked_note("cached", &q, w->cached);
		if (compare_theirs)
			walked_note("libcephfs", &q, w->theirs);
	}
	return same;
}
