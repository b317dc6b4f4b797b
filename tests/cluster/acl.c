/* cluster: --mds 1; timeout: 300 */
/* Access control lists, beside a libcephfs that enforces them too: random lists and callers are judged alike;
 * the mode and the list follow each other; new inodes inherit alike; and a client that does not enforce them
 * stores them all the same. */
#include "twins.h"

#define TOP     "/acl"
#define ACCESS  "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

enum { TAG_OWNER = 1, TAG_USER = 2, TAG_OWNING = 4, TAG_GROUP = 8, TAG_MASK = 0x10, TAG_OTHERS = 0x20 };

enum { UMASK = 002 }; /* libcephfs's own */

static const struct cephring_cred root = { .umask = UMASK };

static unsigned rnd(unsigned below)
{
	return (unsigned)rand() % below;
}

/* ---- lists ---- */

struct list {
	uint32_t len;
	uint8_t bytes[4 + 8 * 16];
};

static void put(struct list *l, uint16_t tag, uint16_t bits, uint32_t id)
{
	memcpy(l->bytes + l->len, &tag, 2);
	memcpy(l->bytes + l->len + 2, &bits, 2);
	memcpy(l->bytes + l->len + 4, &id, 4);
	l->len += 8;
}

static struct list list_new(void)
{
	return (struct list){ .len = 4, .bytes = { 2 } };
}

/* Of the callers of twins.h some are named, some are members. */
static struct list random_list(void)
{
	static const uint32_t users[] = { STRANGER, OWNER, MATE, 77 },
			      groups[] = { OWNER, EXTRA, STRANGER, 77 };
	struct list l = list_new();
	unsigned named = 0;

	put(&l, TAG_OWNER, (uint16_t)rnd(8), -1u);
	for (int n = 0; n < 4; n++)
		if (rnd(3) == 0)
			put(&l, TAG_USER, (uint16_t)rnd(8), users[n]), named++;
	put(&l, TAG_OWNING, (uint16_t)rnd(8), -1u);
	for (int n = 0; n < 4; n++)
		if (rnd(3) == 0)
			put(&l, TAG_GROUP, (uint16_t)rnd(8), groups[n]), named++;
	if (named || rnd(2))
		put(&l, TAG_MASK, (uint16_t)rnd(8), -1u);
	put(&l, TAG_OTHERS, (uint16_t)rnd(8), -1u);
	return l;
}

/* ---- what the other client says ---- */

struct looked {
	const char *path;
	struct ceph_statx st;
	struct {
		int len;
		uint8_t bytes[256];
	} access, def;
};

static int their_look(struct ceph_mount_info *cm, void *arg)
{
	struct looked *l = arg;
	int err = ceph_statx(cm, l->path, &l->st, CEPH_STATX_BASIC_STATS, AT_SYMLINK_NOFOLLOW);

	l->access.len = ceph_lgetxattr(cm, l->path, ACCESS, l->access.bytes, sizeof l->access.bytes);
	l->def.len = ceph_lgetxattr(cm, l->path, DEFAULT, l->def.bytes, sizeof l->def.bytes);
	return err;
}

/* Both paths have the same mode, group and lists. */
static bool alike(struct both *b, const char *ours, const char *theirs)
{
	static struct looked a, t;

	memset(&a, 0, sizeof a);
	memset(&t, 0, sizeof t);
	a.path = ours;
	t.path = theirs;
	if (they(b, their_look, &a) || they(b, their_look, &t)) {
		tap_note("%s or %s cannot be looked at", ours, theirs);
		return false;
	}
	if (a.st.stx_mode == t.st.stx_mode && a.st.stx_gid == t.st.stx_gid &&
	    !memcmp(&a.access, &t.access, sizeof a.access) && !memcmp(&a.def, &t.def, sizeof a.def))
		return true;
	tap_note("%s: %o group %u, lists of %d and %d; %s: %o group %u, lists of %d and %d", ours,
		 a.st.stx_mode, a.st.stx_gid, a.access.len, a.def.len, theirs, t.st.stx_mode, t.st.stx_gid,
		 t.access.len, t.def.len);
	return false;
}

struct set_list {
	const char *path, *name;
	const struct list *list;
};

static int their_list(struct ceph_mount_info *cm, void *arg)
{
	const struct set_list *s = arg;
	struct Inode *i = twin_inode(cm, s->path, true);
	UserPerm *p = twin_perm(&root);
	int err = i ? ceph_ll_setxattr(cm, i, s->name, s->list->bytes, s->list->len, 0, p) : -ENOENT;

	ceph_userperm_destroy(p);
	if (i)
		ceph_ll_put(cm, i);
	return err;
}

static int our_list(struct both *b, const char *path, const char *name, const struct list *l)
{
	return cephring_sync_setxattr(b->mount, NULL, path, name, l->bytes, l->len, 0, 0, &root);
}

/* ---- judging ---- */

struct opening {
	const char *path;
	const struct cephring_cred *who;
	int flags;
};

static int their_open(struct ceph_mount_info *cm, void *arg)
{
	const struct opening *o = arg;
	struct Inode *i = twin_inode(cm, o->path, false);
	UserPerm *p = twin_perm(o->who);
	struct Fh *fh = NULL;
	int err = i ? ceph_ll_open(cm, i, o->flags, &fh, p) : -ENOENT;

	if (!err)
		ceph_ll_close(cm, fh);
	ceph_userperm_destroy(p);
	if (i)
		ceph_ll_put(cm, i);
	return err;
}

static int their_pass(struct ceph_mount_info *cm, void *arg)
{
	const struct opening *o = arg;
	struct Inode *dir = twin_inode(cm, o->path, false), *i = NULL;
	UserPerm *p = twin_perm(o->who);
	struct ceph_statx st;
	int err = dir ? ceph_ll_lookup(cm, dir, "in", &i, &st, CEPH_STATX_INO, 0, p) : -ENOENT;

	if (i)
		ceph_ll_put(cm, i);
	ceph_userperm_destroy(p);
	if (dir)
		ceph_ll_put(cm, dir);
	return err;
}

static int make_judged(struct ceph_mount_info *cm, void *arg)
{
	int err = their_rm_r(cm, TOP);

	(void)arg;
	err = err ? err : ceph_mkdir(cm, TOP, 0755);
	err = err ? err : their_create(cm, TOP "/file", 0644);
	err = err ? err : ceph_chown(cm, TOP "/file", OWNER, OWNER);
	err = err ? err : ceph_mkdir(cm, TOP "/dir", 0755);
	err = err ? err : ceph_mkdir(cm, TOP "/dir/in", 0755);
	return err ? err : ceph_chown(cm, TOP "/dir", OWNER, OWNER);
}

static bool judged_alike(struct both *b, const struct twin_user *u)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR }, modes[] = { R_OK, W_OK, R_OK | W_OK };
	struct opening o = { TOP "/file", &u->cred, 0 };
	struct cephring_statx st;
	bool same = true;
	int ours, theirs;

	for (int n = 0; n < 3; n++) {
		o.flags = flags[n];
		ours = cephring_sync_access(b->mount, NULL, o.path, modes[n], 0, &u->cred);
		theirs = they(b, their_open, &o);
		if (ours != theirs)
			tap_note("%s, mode %d: ours %d, libcephfs %d", u->name, modes[n], ours, theirs);
		same &= ours == theirs;
	}
	o.path = TOP "/dir";
	ours = cephring_sync_statx(b->mount, NULL, TOP "/dir/in", CEPHRING_STATX_INO, 0, &u->cred, &st);
	theirs = they(b, their_pass, &o);
	if (ours != theirs)
		tap_note("%s, passing: ours %d, libcephfs %d", u->name, ours, theirs);
	return same && ours == theirs;
}

static void judging(struct both *b)
{
	for (int n = 0; n < 60; n++) {
		struct list l = random_list();
		struct set_list file = { TOP "/file", ACCESS, &l }, dir = { TOP "/dir", ACCESS, &l };
		bool same = true;
		int err;

		if (n & 1)
			err = our_list(b, file.path, ACCESS, &l) | our_list(b, dir.path, ACCESS, &l);
		else
			err = they(b, their_list, &file) | they(b, their_list, &dir);
		for (int u = 0; u < TWIN_USERS; u++)
			same &= judged_alike(b, &twin_users[u]);
		tap_ok(!err && same, "list %d is judged alike", n);
	}
}

/* ---- the mode and the list ---- */

static void chmods(struct both *b)
{
	static const uint32_t modes[] = { 0, 0777, 0640, 0751, 02775 };
	const struct item {
		const char *ours, *theirs;
	} pair = { TOP "/mine", TOP "/yours" };
	struct list l = list_new();
	struct cephring_statx st;
	bool same = true;

	put(&l, TAG_OWNER, 7, -1u);
	put(&l, TAG_USER, 6, STRANGER);
	put(&l, TAG_OWNING, 5, -1u);
	put(&l, TAG_MASK, 6, -1u);
	put(&l, TAG_OTHERS, 1, -1u);
	tap_eq(they_do(b, THEY_CREATE, pair.ours, NULL, 0644), 0, "a file");
	tap_eq(they_do(b, THEY_CREATE, pair.theirs, NULL, 0644), 0, "and its twin");
	tap_eq(our_list(b, pair.ours, ACCESS, &l), 0, "its list");
	tap_eq(they(b, their_list, &(struct set_list){ pair.theirs, ACCESS, &l }), 0, "its twin's");
	tap_ok(alike(b, pair.ours, pair.theirs), "the mode follows");
	tap_eq(cephring_sync_statx(b->mount, NULL, pair.ours, CEPHRING_STATX_MODE, 0, &root, &st), 0,
	       "looked at");
	tap_eq(st.mode, S_IFREG | 0761, "to the mask");
	for (int n = 0; n < 5; n++) {
		struct cephring_setattr set = { .struct_size = sizeof set,
						.set = CEPHRING_SET_MODE,
						.mode = modes[n] };

		same &= !cephring_sync_setattr(b->mount, NULL, pair.ours, &set, 0, &root);
		same &= !they_do(b, THEY_CHMOD, pair.theirs, NULL, modes[n]);
		same &= alike(b, pair.ours, pair.theirs);
	}
	tap_ok(same, "the list follows the mode");
}

/* Under exclusive caps both change here. */
static void chmod_here(struct both *b)
{
	struct cephring_setattr set = { .struct_size = sizeof set, .set = CEPHRING_SET_MODE, .mode = 0712 };
	struct looked l = { .path = TOP "/here" };
	struct list list = list_new();
	cephring_file *f;

	put(&list, TAG_OWNER, 6, -1u);
	put(&list, TAG_OWNING, 4, -1u);
	put(&list, TAG_GROUP, 7, EXTRA);
	put(&list, TAG_MASK, 7, -1u);
	put(&list, TAG_OTHERS, 4, -1u);
	tap_eq(cephring_sync_open(b->mount, NULL, l.path, O_RDWR | O_CREAT, 0600, NULL, &root, &f), 1,
	       "a file of ours");
	tap_eq(our_list(b, l.path, ACCESS, &list), 0, "a list");
	tap_eq(cephring_sync_setattr(b->mount, NULL, l.path, &set, 0, &root), 0, "another mode");
	tap_eq(they(b, their_look, &l), 0, "the other looks");
	tap_eq(l.st.stx_mode, S_IFREG | 0712, "it sees the mode");
	tap_eq(l.access.len, (int)list.len, "and a list");
	list.bytes[6] = 7;             /* owner */
	list.bytes[4 + 3 * 8 + 2] = 1; /* mask */
	list.bytes[4 + 4 * 8 + 2] = 2; /* others */
	tap_ok(!memcmp(l.access.bytes, list.bytes, list.len), "that followed the mode");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- inheritance ---- */

enum { BORN_FILE, BORN_DIR, BORN_NODE, BORN_LINK, BORN_KINDS };

struct birth {
	const char *dir, *name;
	int kind;
	uint32_t mode;
	const struct cephring_cred *who;
};

static int their_birth(struct ceph_mount_info *cm, void *arg)
{
	const struct birth *n = arg;
	struct Inode *dir = twin_inode(cm, n->dir, false), *i = NULL;
	UserPerm *p = twin_perm(n->who);
	struct Fh *fh = NULL;
	struct ceph_statx st;
	int err = -ENOENT;

	if (dir && n->kind == BORN_FILE)
		err = ceph_ll_create(cm, dir, n->name, n->mode, O_CREAT | O_EXCL | O_WRONLY, &i, &fh, &st, 0,
				     0, p);
	else if (dir && n->kind == BORN_DIR)
		err = ceph_ll_mkdir(cm, dir, n->name, n->mode, &i, &st, 0, 0, p);
	else if (dir && n->kind == BORN_NODE)
		err = ceph_ll_mknod(cm, dir, n->name, S_IFIFO | n->mode, 0, &i, &st, 0, 0, p);
	else if (dir)
		err = ceph_ll_symlink(cm, dir, n->name, "nowhere", &i, &st, 0, 0, p);
	if (fh)
		ceph_ll_close(cm, fh);
	if (i)
		ceph_ll_put(cm, i);
	ceph_userperm_destroy(p);
	if (dir)
		ceph_ll_put(cm, dir);
	return err;
}

static int our_birth(struct both *b, const struct birth *n)
{
	cephring_file *f;
	char path[256];
	int res;

	snprintf(path, sizeof path, "%s/%s", n->dir, n->name);
	switch (n->kind) {
	case BORN_FILE:
		res = cephring_sync_open(b->mount, NULL, path, O_CREAT | O_EXCL | O_WRONLY, n->mode, NULL,
					 n->who, &f);
		return res == 1 ? cephring_sync_close(f) : res;
	case BORN_DIR:
		return cephring_sync_mkdir(b->mount, NULL, path, n->mode, 0, n->who);
	case BORN_NODE:
		return cephring_sync_mknod(b->mount, NULL, path, S_IFIFO | n->mode, 0, n->who);
	default:
		return cephring_sync_symlink(b->mount, "nowhere", NULL, path, n->who);
	}
}

static int make_nurseries(struct ceph_mount_info *cm, void *arg)
{
	static const char *const dirs[] = { TOP "/ours", TOP "/theirs" };
	uint32_t mode = *(const uint32_t *)arg;
	int err = 0;

	for (int n = 0; n < 2 && !err; n++) {
		err = their_rm_r(cm, dirs[n]);
		err = err ? err : ceph_mkdir(cm, dirs[n], 0777);
		err = err ? err : ceph_chown(cm, dirs[n], OWNER, EXTRA);
		err = err ? err : ceph_chmod(cm, dirs[n], (mode_t)mode);
	}
	return err;
}

/* A new inode of every kind and mode in either directory. */
static bool born_alike(struct both *b, const char *prefix, bool cold, const struct cephring_cred *who)
{
	static const uint32_t modes[] = { 0666, 0777, 0600, 0751, 02775 };
	char name[32], ours[64], theirs[64];
	bool same = true;
	int err[2];

	for (int n = 0; n < 5 * BORN_KINDS; n++) {
		struct birth mine = { TOP "/ours", name, n % BORN_KINDS, modes[n / BORN_KINDS], who },
			     yours = { TOP "/theirs", name, n % BORN_KINDS, modes[n / BORN_KINDS], who };

		snprintf(name, sizeof name, "%s-%u-%d", prefix, who->uid, n);
		snprintf(ours, sizeof ours, TOP "/ours/%s", name);
		snprintf(theirs, sizeof theirs, TOP "/theirs/%s", name);
		if (cold)
			both_cold(b);
		err[0] = our_birth(b, &mine);
		err[1] = they(b, their_birth, &yours);
		if (err[0] != err[1])
			tap_note("%s: ours %d, libcephfs %d", name, err[0], err[1]);
		same &= err[0] == err[1] && (err[0] || alike(b, ours, theirs));
	}
	return same;
}

/* The caller is in the directory's group: of others' setgid files libcephfs makes programs. */
static void inheritance(struct both *b)
{
	static const struct cephring_cred member = {
		.uid = MATE, .gid = MATE, .ngroups = 1, .groups = twin_extra, .umask = UMASK
	};

	for (int n = 0; n < 24; n++) {
		uint32_t mode = (n & 1) ? 02777 : 0777;
		struct list l = random_list();
		struct set_list mine = { TOP "/ours", DEFAULT, &l }, yours = { TOP "/theirs", DEFAULT, &l };
		int err = they(b, make_nurseries, &mode);

		if (n >= 4)
			err |= they(b, their_list, &mine) | they(b, their_list, &yours);
		tap_ok(!err && born_alike(b, "a", n & 2, &member), "new inodes inherit alike, %d", n);
		tap_ok(!err && born_alike(b, "b", n & 2, &root), "the superuser's too, %d", n);
		l = random_list(); /* ours has the directory in its cache */
		err |= they(b, their_list, &mine) | they(b, their_list, &yours);
		tap_ok(!err && born_alike(b, "c", false, (n & 4) ? &root : &member),
		       "and from a new list, %d", n);
	}
}

/* Directories made in one flight inherit from one another. */
static void flight(struct both *b)
{
	static const char *const names[] = { "p", "p/q", "p/q/r" };
	static const struct cephring_cred member = {
		.uid = MATE, .gid = MATE, .ngroups = 1, .groups = twin_extra, .umask = UMASK
	};
	char ours[64], theirs[64], dir[64] = TOP "/theirs";
	struct list l = random_list();
	struct set_list mine = { TOP "/ours", DEFAULT, &l }, yours = { TOP "/theirs", DEFAULT, &l };
	uint32_t mode = 02777;
	int err = they(b, make_nurseries, &mode);

	l.bytes[6] = 7; /* the owner may go on below */
	err |= they(b, their_list, &mine) | they(b, their_list, &yours);
	err |= cephring_sync_mkdir(b->mount, NULL, TOP "/ours/p/q/r", 0777, CEPHRING_PARENTS, &member);
	tap_eq(err, 0, "three directories at once");
	for (int n = 0; n < 3; n++) {
		struct birth birth = { dir, strrchr(names[n], '/') ? strrchr(names[n], '/') + 1 : names[n],
				       BORN_DIR, 0777, &member };

		err = they(b, their_birth, &birth);
		snprintf(ours, sizeof ours, TOP "/ours/%s", names[n]);
		snprintf(theirs, sizeof theirs, TOP "/theirs/%s", names[n]);
		tap_ok(!err && alike(b, ours, theirs), "%s is as if made alone", names[n]);
		memcpy(dir, theirs, sizeof dir);
	}
}

/* ---- stored only ---- */

static void stored_only(void)
{
	struct both *b = both_new(NULL, NULL);
	struct looked l = { .path = TOP "/stored" };
	static const struct cephring_cred stranger = { .uid = STRANGER, .gid = STRANGER };
	struct list list = list_new();

	put(&list, TAG_OWNER, 6, -1u);
	put(&list, TAG_USER, 0, STRANGER);
	put(&list, TAG_OWNING, 4, -1u);
	put(&list, TAG_MASK, 4, -1u);
	put(&list, TAG_OTHERS, 4, -1u);
	tap_eq(they_do(b, THEY_CREATE, l.path, NULL, 0600), 0, "a file");
	tap_eq(our_list(b, l.path, ACCESS, &list), 0, "a list is stored");
	tap_eq(they(b, their_look, &l), 0, "the other looks");
	tap_eq(l.st.stx_mode, S_IFREG | 0644, "the mode follows");
	tap_eq(cephring_sync_access(b->mount, NULL, l.path, R_OK, 0, &stranger), 0,
	       "but only the mode counts");
	both_free(b);
}

int main(void)
{
	static const char *const lists[] = { "client_acl_type", "posix_acl", NULL };
	struct both *b = both_new(lists, NULL);

	srand(7);
	twin_with_lists(b);
	if (they(b, make_judged, NULL))
		tap_die("a file and a directory");
	judging(b);
	chmods(b);
	chmod_here(b);
	inheritance(b);
	flight(b);
	both_free(b);
	stored_only();
	return tap_end();
}
