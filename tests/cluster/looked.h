/* looked.h: what both clients see at a path: attributes, a directory's names, a link's text, one attribute.
 * They must agree in all of it. */
#pragma once
#include "both.h"

struct looked {
	const char *path;
	int err;
	uint64_t ino;
	uint32_t mode, uid, gid, nlink;
	uint64_t size;
	int64_t mtime_ns, ctime_ns, btime_ns;
	char names[8192]; /* of a directory, sorted, one a line */
	char text[256];   /* of a link, or user.a, or ceph.snap.btime */
};

static inline int64_t ns_of(struct timespec t)
{
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static inline int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void sort_names(char *text)
{
	char *list[512], *copy = strdup(text), *save = NULL, *p;
	size_t n = 0;

	for (p = strtok_r(copy, "\n", &save); p && n < 512; p = strtok_r(NULL, "\n", &save))
		list[n++] = p;
	qsort(list, n, sizeof *list, by_name);
	*text = '\0';
	for (size_t k = 0; k < n; k++) {
		strcat(text, list[k]);
		strcat(text, "\n");
	}
	free(copy);
}

static inline void add_name(struct looked *l, const char *name)
{
	if (!strcmp(name, ".") || !strcmp(name, "..") ||
	    strlen(l->names) + strlen(name) + 2 > sizeof l->names)
		return;
	strcat(l->names, name);
	strcat(l->names, "\n");
}

static inline void took_text(struct looked *l, int64_t n)
{
	if (n < 0)
		snprintf(l->text, sizeof l->text, "%d", (int)n);
	else
		l->text[n] = '\0';
}

static inline int they_look(struct ceph_mount_info *cm, void *arg)
{
	struct looked *l = arg;
	struct ceph_dir_result *d;
	struct ceph_statx st;
	struct dirent *e;
	const int room = sizeof l->text - 1;

	l->err = ceph_statx(cm, l->path, &st, CEPH_STATX_ALL_STATS, AT_SYMLINK_NOFOLLOW);
	if (l->err)
		return 0;
	l->ino = st.stx_ino;
	l->mode = st.stx_mode;
	l->uid = st.stx_uid;
	l->gid = st.stx_gid;
	l->nlink = st.stx_nlink;
	l->size = S_ISDIR(st.stx_mode) ? 0 : st.stx_size; /* a directory's is as last seen */
	l->mtime_ns = ns_of(st.stx_mtime);
	l->ctime_ns = ns_of(st.stx_ctime);
	l->btime_ns = ns_of(st.stx_btime);
	if (S_ISLNK(st.stx_mode))
		took_text(l, ceph_readlink(cm, l->path, l->text, room));
	if (S_ISREG(st.stx_mode))
		took_text(l, ceph_getxattr(cm, l->path, "user.a", l->text, room));
	if (!S_ISDIR(st.stx_mode))
		return 0;
	took_text(l, ceph_getxattr(cm, l->path, "ceph.snap.btime", l->text, room));
	l->err = ceph_opendir(cm, l->path, &d);
	while (!l->err && (e = ceph_readdir(cm, d)) != NULL)
		add_name(l, e->d_name);
	if (!l->err)
		ceph_closedir(cm, d);
	sort_names(l->names);
	return 0;
}

static inline int our_names(struct both *b, struct looked *l)
{
	cephring_file *f;
	char buf[4096];
	int64_t n;
	int err = cephring_sync_open(b->mount, NULL, l->path, O_RDONLY | O_DIRECTORY, 0, NULL,
				     &(struct cephring_cred){ 0 }, &f);

	if (err)
		return err;
	while ((n = cephring_sync_readdir(f, buf, sizeof buf)) > 0)
		for (int64_t at = 0; at < n;) {
			struct cephring_dirent *e = (struct cephring_dirent *)(buf + at);

			add_name(l, e->name);
			at += e->reclen;
		}
	cephring_sync_close(f);
	sort_names(l->names);
	return (int)n;
}

static inline void we_look(struct both *b, struct looked *l)
{
	const size_t room = sizeof l->text - 1;
	cephring_mount *m = b->mount;
	struct cephring_statx st;

	l->err = cephring_sync_statx(m, NULL, l->path, CEPHRING_STATX_ALL, CEPHRING_NOFOLLOW,
				     &(struct cephring_cred){ 0 }, &st);
	if (l->err)
		return;
	l->ino = st.ino;
	l->mode = st.mode;
	l->uid = st.uid;
	l->gid = st.gid;
	l->nlink = st.nlink;
	l->size = S_ISDIR(st.mode) ? 0 : st.size;
	l->mtime_ns = st.mtime_ns;
	l->ctime_ns = st.ctime_ns;
	l->btime_ns = st.btime_ns;
	if (S_ISLNK(st.mode))
		took_text(
		    l, cephring_sync_readlink(m, NULL, l->path, &(struct cephring_cred){ 0 }, l->text, room));
	if (S_ISREG(st.mode))
		took_text(l, cephring_sync_getxattr(m, NULL, l->path, "user.a", 0,
						    &(struct cephring_cred){ 0 }, l->text, room));
	if (!S_ISDIR(st.mode))
		return;
	took_text(l, cephring_sync_getxattr(m, NULL, l->path, "ceph.snap.btime", 0,
					    &(struct cephring_cred){ 0 }, l->text, room));
	l->err = our_names(b, l);
}

static inline bool same_look(const struct looked *a, const struct looked *b)
{
	/* Making a snapshot changes the ctime of the live directory without telling anybody: libcephfs asks
	 * each time, for .snap only. */
	bool snapdir = !strcmp(a->path + strlen(a->path) - 5, ".snap");

	if (a->err || b->err)
		return a->err == b->err;
	return a->ino == b->ino && a->mode == b->mode && a->uid == b->uid && a->gid == b->gid &&
	       a->nlink == b->nlink && a->size == b->size && a->mtime_ns == b->mtime_ns &&
	       (snapdir || a->ctime_ns == b->ctime_ns) && a->btime_ns == b->btime_ns &&
	       !strcmp(a->names, b->names) && !strcmp(a->text, b->text);
}

static inline void note_look(const char *who, const struct looked *l)
{
	tap_note("%s: %d, inode %" PRIx64 ", mode %o, %u:%u, %u links, %" PRIu64 " bytes, mtime %" PRId64
		 ", ctime %" PRId64 ", btime %" PRId64 ", '%s'",
		 who, l->err, l->ino, l->mode, l->uid, l->gid, l->nlink, l->size, l->mtime_ns, l->ctime_ns,
		 l->btime_ns, l->text);
	for (const char *p = l->names; *p; p++)
		printf("%s%c", p == l->names || p[-1] == '\n' ? "#  " : "", *p);
}

static inline void same(struct both *b, const char *path, const char *when)
{
	struct looked ours = { .path = path }, theirs = { .path = path };

	they(b, they_look, &theirs);
	we_look(b, &ours);
	if (!tap_ok(same_look(&ours, &theirs), "%s: %s", when, path)) {
		note_look("ours", &ours);
		note_look("libcephfs", &theirs);
	}
}

static inline void all_same(struct both *b, const char *const *paths, const char *when)
{
	for (; *paths; paths++)
		same(b, *paths, when);
}
