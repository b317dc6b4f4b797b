/* cluster: --mds 1; timeout: 400 */
/* Setting and removing extended attributes: for every namespace, kind of file and caller as libcephfs does,
 * on twins; access control lists, as they are set, followed by chmod, judged and inherited; layouts and
 * quotas. */
#include "twins.h"

#define TOP "/setxattr"

static const struct cephring_cred root = { 0 };

/* ---- the twins: new ones for each call ---- */

static const struct item {
	const char *name;
	uint32_t mode;
} items[] = {
	{ "file", S_IFREG | 0664 },      { "closed file", S_IFREG | 0400 },
	{ "directory", S_IFDIR | 0775 }, { "sticky directory", S_IFDIR | 01777 },
	{ "link", S_IFLNK | 0777 },      { "pipe", S_IFIFO | 0666 },
};
enum { ITEMS = sizeof items / sizeof *items };

#define ACL_HEAD "\x02\0\0\0"
#define ACL_MIN  ACL_HEAD "\x01\0\x06\0\xff\xff\xff\xff\x04\0\x05\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff"
/* owner rwx, user 1000 rw-, group r-x, mask rw-, others --x */
#define ACL_NAMED                                                                                            \
	ACL_HEAD "\x01\0\x07\0\xff\xff\xff\xff\x02\0\x06\0\xe8\x03\0\0\x04\0\x05\0\xff\xff\xff\xff"          \
		 "\x10\0\x06\0\xff\xff\xff\xff\x20\0\x01\0\xff\xff\xff\xff"
#define ACL_BROKEN ACL_HEAD "\x01\0\x07\0\xff\xff\xff\xff"
#define ACCESS     "system.posix_acl_access"
#define DEFAULT    "system.posix_acl_default"

#define TEXT(t) .value = t, .size = sizeof(t) - 1

static const struct change {
	const char *what, *name, *value;
	size_t size;
	int how;
	bool remove;
} changes[] = {
	{ "a new one", "user.new", TEXT("value") },
	{ "an empty one", "user.new", TEXT("") },
	{ "another value", "user.have", TEXT("another") },
	{ "created", "user.new", TEXT("value"), .how = XATTR_CREATE },
	{ "created again", "user.have", TEXT("value"), .how = XATTR_CREATE },
	{ "replaced", "user.have", TEXT("value"), .how = XATTR_REPLACE },
	{ "replaced where none is", "user.new", TEXT("value"), .how = XATTR_REPLACE },
	{ "removed", "user.have", .remove = true },
	{ "removed where none is", "user.new", .remove = true },
	{ "trusted", "trusted.new", TEXT("value") },
	{ "trusted, removed", "trusted.have", .remove = true },
	{ "security", "security.new", TEXT("value") },
	{ "security, removed", "security.have", .remove = true },
	{ "no namespace", "nonsense", TEXT("value") },
	{ "another namespace", "other.new", TEXT("value") },
	{ "another namespace, removed", "other.new", .remove = true },
	{ "another system attribute", "system.new", TEXT("value") },
	{ "a list", ACCESS, TEXT(ACL_NAMED) },
	{ "a list that is a mode", ACCESS, TEXT(ACL_MIN) },
	{ "a list of none", ACCESS, TEXT(ACL_HEAD) },
	{ "a broken list", ACCESS, TEXT(ACL_BROKEN) },
	{ "a list, removed where none is", ACCESS, .remove = true },
	{ "a default list", DEFAULT, TEXT(ACL_NAMED) },
	{ "a minimal default list", DEFAULT, TEXT(ACL_MIN) },
	{ "a broken default list", DEFAULT, TEXT(ACL_BROKEN) },
	{ "a quota of bytes", "ceph.quota.max_bytes", TEXT("1000000") },
	{ "a quota of files", "ceph.quota.max_files", TEXT("1000") },
	{ "both quotas", "ceph.quota", TEXT("max_bytes=1000000 max_files=1000") },
	{ "a quota of nonsense", "ceph.quota.max_bytes", TEXT("nonsense") },
	{ "a quota, removed", "ceph.quota", .remove = true },
	{ "another quota", "ceph.quota.nonsense", TEXT("1") },
	{ "a stripe unit", "ceph.dir.layout.stripe_unit", TEXT("65536") },
	{ "a directory's layout", "ceph.dir.layout",
	  TEXT("stripe_unit=65536 stripe_count=2 object_size=1048576") },
	{ "a layout with its pool", "ceph.dir.layout", TEXT("pool=cephfs.data stripe_count=3") },
	{ "a pool", "ceph.dir.layout.pool", TEXT("cephfs.data") },
	{ "a pool by its number", "ceph.dir.layout.pool", TEXT("2") },
	{ "no such pool", "ceph.dir.layout.pool", TEXT("nonsense") },
	{ "a layout of nonsense", "ceph.dir.layout", TEXT("nonsense") },
	{ "an impossible layout", "ceph.dir.layout.stripe_unit", TEXT("65535") },
	{ "a layout, removed", "ceph.dir.layout", .remove = true },
	{ "a file's object size", "ceph.file.layout.object_size", TEXT("8388608") },
	{ "a file's layout", "ceph.file.layout",
	  TEXT("stripe_unit=65536 stripe_count=2 object_size=1048576") },
	{ "a file's namespace", "ceph.file.layout.pool_namespace", TEXT("space") },
	{ "a file's layout, removed", "ceph.file.layout", .remove = true },
	{ "a pin", "ceph.dir.pin", TEXT("0") },
	{ "a pin of nonsense", "ceph.dir.pin", TEXT("nonsense") },
	{ "a random pin", "ceph.dir.pin.random", TEXT("0.001") },
	{ "a distributed pin", "ceph.dir.pin.distributed", TEXT("1") },
	{ "what is counted", "ceph.dir.entries", TEXT("7") },
	{ "what is counted, removed", "ceph.dir.rbytes", .remove = true },
	{ "what cannot be", "ceph.nonsense", TEXT("7") },
	{ "what cannot be, removed", "ceph.nonsense", .remove = true },
	{ "when a snapshot was made", "ceph.snap.btime", TEXT("1.5") },
	{ "the cluster", "ceph.cluster_fsid", TEXT("7") },
};
enum { CHANGES = sizeof changes / sizeof *changes };

struct pair {
	const struct item *item;
	const struct change *change;
	const struct cephring_cred *who;
	char ours[64], theirs[64];
};

static int make_one(struct ceph_mount_info *cm, const struct item *it, const char *path)
{
	const char *const all[] = { "user.have", "trusted.have", "security.have" };
	bool user = S_ISREG(it->mode) || S_ISDIR(it->mode);
	int err;

	if (S_ISDIR(it->mode))
		err = ceph_mkdir(cm, path, it->mode & 07777);
	else if (S_ISLNK(it->mode))
		err = ceph_symlink(cm, "nowhere", path);
	else
		err = ceph_mknod(cm, path, it->mode & (S_IFMT | 0777), 0);
	if (!err)
		err = ceph_lchown(cm, path, OWNER, OWNER);
	if (!err && !S_ISLNK(it->mode)) /* not what the umask left of it */
		err = ceph_chmod(cm, path, it->mode & 07777);
	for (int n = user ? 0 : 1; n < 3 && !err; n++)
		err = ceph_lsetxattr(cm, path, all[n], "value", 5, 0);
	return err;
}

static int change_theirs(struct ceph_mount_info *cm, const char *path, const struct change *c,
			 const struct cephring_cred *who)
{
	struct Inode *i = twin_inode(cm, path, true);
	UserPerm *p = twin_perm(who);
	int res = -ENOENT;

	if (i && c->remove)
		res = ceph_ll_removexattr(cm, i, c->name, p);
	else if (i)
		res = ceph_ll_setxattr(cm, i, c->name, c->value, c->size, c->how, p);
	ceph_userperm_destroy(p);
	if (i)
		ceph_ll_put(cm, i);
	return res;
}

static int make_and_change(struct ceph_mount_info *cm, void *arg)
{
	struct pair *p = arg;

	if (make_one(cm, p->item, p->ours) || make_one(cm, p->item, p->theirs))
		tap_die("the twins are made");
	return p->change ? change_theirs(cm, p->theirs, p->change, p->who) : 0;
}

static int change_ours(struct both *b, const struct pair *p, const struct change *c)
{
	return c->remove
		   ? cephring_sync_removexattr(b->mount, NULL, p->ours, c->name, CEPHRING_NOFOLLOW, p->who)
		   : cephring_sync_setxattr(b->mount, NULL, p->ours, c->name, c->value, c->size, c->how,
					    CEPHRING_NOFOLLOW, p->who);
}

/* ---- what is left behind ---- */

static const char *const looked_at[] = {
	"user.new",         "user.have",    "trusted.new",  "trusted.have", "security.new",
	"security.have",    ACCESS,         DEFAULT,        "ceph.quota",   "ceph.dir.layout",
	"ceph.file.layout", "ceph.dir.pin", "ceph.nonsense"
};
enum { LOOKED_AT = sizeof looked_at / sizeof *looked_at };

struct value {
	int len;
	char text[256];
};

struct looked {
	const char *path;
	struct ceph_statx st;
	struct value v[LOOKED_AT];
};

static int their_look(struct ceph_mount_info *cm, void *arg)
{
	struct looked *l = arg;

	/* First: libcephfs shows a layout as it has it, and only this makes it ask. */
	int err = ceph_statx(cm, l->path, &l->st, CEPH_STATX_BASIC_STATS, AT_SYMLINK_NOFOLLOW);

	for (int n = 0; n < LOOKED_AT; n++)
		l->v[n].len = ceph_lgetxattr(cm, l->path, looked_at[n], l->v[n].text, sizeof l->v[n].text);
	return err;
}

static bool same(const struct value *a, const struct value *b)
{
	return a->len == b->len && (a->len <= 0 || !memcmp(a->text, b->text, (size_t)a->len));
}

/* What ours sees of the first is what the other sees of it, and that is what it sees of the second. */
static bool alike(struct both *b, const struct pair *p)
{
	static struct looked a, t;
	struct value v;
	bool ok;

	a.path = p->ours;
	t.path = p->theirs;
	if (they(b, their_look, &a) || they(b, their_look, &t))
		return false;
	ok = a.st.stx_mode == t.st.stx_mode;
	if (!ok)
		tap_note("modes %o and %o", a.st.stx_mode, t.st.stx_mode);
	for (int n = 0; n < LOOKED_AT; n++) {
		v.len = (int)cephring_sync_getxattr(b->mount, NULL, p->ours, looked_at[n], CEPHRING_NOFOLLOW,
						    &root, v.text, sizeof v.text);
		/* A pin takes back no cap: libcephfs goes on showing the old one, but where it set it. */
		if (!strcmp(looked_at[n], "ceph.dir.pin"))
			a.v[n] = v;
		if (same(&a.v[n], &t.v[n]) && same(&v, &a.v[n]))
			continue;
		ok = false;
		tap_note("%s: ours %d, seen by libcephfs %d; its own %d", looked_at[n], v.len, a.v[n].len,
			 t.v[n].len);
	}
	return ok;
}

/* Where libcephfs is at fault, what Linux does: only the superuser changes what other clients' kernels trust;
 * links and pipes, whose modes are no protection, have no user.*, and of sticky directories only the owner
 * changes it; a list of none leaves the mode alone. Nothing is changed then; and the result. */
static bool faulty(const struct item *it, const struct change *c, const struct cephring_cred *who,
		   int *should)
{
	bool kernels = !strncmp(c->name, "trusted.", 8) || !strncmp(c->name, "security.", 9);
	bool user = !strncmp(c->name, "user.", 5),
	     list = !strcmp(c->name, ACCESS) || !strcmp(c->name, DEFAULT);
	bool owns = !who->uid || who->uid == OWNER;

	*should = -EPERM;
	if ((kernels && who->uid) || (user && !S_ISREG(it->mode) && !S_ISDIR(it->mode)))
		return true;
	if (user && (it->mode & S_ISVTX) && !owns)
		return true;
	if (owns && list)
		*should = S_ISLNK(it->mode) ? -EOPNOTSUPP : 0;
	return list && (S_ISLNK(it->mode) || c->size == 4);
}

static bool compare(struct both *b, const struct item *it, const struct change *c, const struct twin_user *u)
{
	static int number;
	struct pair p = { .item = it, .change = c, .who = &u->cred };
	int theirs, ours, should;
	bool ok;

	if (faulty(it, c, p.who, &should))
		p.change = NULL;
	snprintf(p.ours, sizeof p.ours, TOP "/ours/%d", number);
	snprintf(p.theirs, sizeof p.theirs, TOP "/theirs/%d", number++);
	theirs = they(b, make_and_change, &p);
	if (!p.change)
		theirs =
		    S_ISLNK(it->mode) && !strncmp(c->name, "system.", 7) && !should ? -EOPNOTSUPP : should;
	ours = change_ours(b, &p, c);
	ok = alike(b, &p) && ours == theirs;
	if (!ok)
		tap_note("%s: ours %d (%s), libcephfs %d (%s)", u->name, ours, strerror(-ours), theirs,
			 strerror(-theirs));
	return ok;
}

static void matrix(struct both *b)
{
	for (int i = 0; i < ITEMS; i++)
		for (int c = 0; c < CHANGES; c++) {
			bool ok = true;

			for (int u = 0; u < TWIN_USERS; u++)
				ok &= compare(b, &items[i], &changes[c], &twin_users[u]);
			tap_ok(ok, "%s: %s", items[i].name, changes[c].what);
		}
}

/* ---- under exclusive caps ---- */

static uint64_t requests(struct both *b)
{
	struct cephring_stats s = { .size = sizeof s };

	cephring_stats(b->mount, &s);
	return s.mds_requests;
}

static int set(struct both *b, const char *path, const char *name, const void *value, size_t size, int how)
{
	return cephring_sync_setxattr(b->mount, NULL, path, name, value, size, how, 0, &root);
}

static int big_one(struct ceph_mount_info *cm, void *arg)
{
	static char large[65536];

	return ceph_setxattr(cm, arg, "user.large", large, sizeof large, 0);
}

/* Pacific does not tell how much it takes, so it is asked every time. */
static void here(struct both *b)
{
	const char *suite = getenv("CLUSTER_SUITE"), *path = TOP "/here";
	bool tells = suite && strcmp(suite, "bookworm") != 0;
	struct looked l = { .path = path };
	static char large[65536];
	cephring_file *f;
	uint64_t before;

	tap_eq(cephring_sync_open(b->mount, NULL, path, O_RDWR | O_CREAT | O_EXCL, 0644, NULL, &root, &f), 1,
	       "a file is made and open");
	before = requests(b);
	tap_eq(set(b, path, "user.new", "1", 1, XATTR_CREATE), 0, "set");
	tap_eq(set(b, path, "user.have", "2", 1, 0), 0, "another");
	tap_eq(set(b, path, "user.have", "three", 5, XATTR_REPLACE), 0, "replaced");
	tap_eq((long long)(requests(b) - before), tells ? 0 : 3,
	       "where the MDS tells its limit nothing is sent");
	before = requests(b);
	tap_eq(set(b, path, "user.have", "3", 1, XATTR_CREATE), -EEXIST, "it is there");
	tap_eq(cephring_sync_removexattr(b->mount, NULL, path, "user.none", 0, &root), -ENODATA, "it is not");
	tap_eq(cephring_sync_removexattr(b->mount, NULL, path, "user.new", 0, &root), 0, "removed");
	tap_eq((long long)(requests(b) - before), tells ? 0 : 1, "what is held tells that");
	tap_eq(they(b, their_look, &l), 0, "the other looks");
	tap_eq(l.v[0].len, -ENODATA, "it sees what was removed");
	tap_ok(l.v[1].len == 5 && !memcmp(l.v[1].text, "three", 5), "and what was set");
	tap_eq(set(b, path, "user.large", large, sizeof large, 0), they(b, big_one, (void *)path),
	       "too much is too much for both");
	tap_eq(set(b, path, "user.large", large, sizeof large + 1, 0), -E2BIG, "and no value at all");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* ---- limits ---- */

/* Stays, and each run makes a snapshot of its own: libcephfs does not end if it removed a directory whose
 * .snap it saw, or looked there for what was not. */
#define PAST TOP "_past"

static char snapshot[64];

static int with_a_past(struct ceph_mount_info *cm, void *arg)
{
	int err = ceph_mkdir(cm, PAST, 0755);

	(void)arg;
	snprintf(snapshot, sizeof snapshot, PAST "/.snap/%" PRIu64, now_ns());
	return err && err != -EEXIST ? err : ceph_mkdir(cm, snapshot, 0755);
}

static int without(struct ceph_mount_info *cm, void *arg)
{
	(void)arg;
	return ceph_rmdir(cm, snapshot);
}

static int their_age(struct ceph_mount_info *cm, void *arg)
{
	return ceph_getxattr(cm, snapshot, "ceph.snap.btime", arg, 63);
}

static void past(struct both *b)
{
	char theirs[64] = "", ours[64] = "";
	const char *path = snapshot;

	tap_eq(they(b, with_a_past, NULL), 0, "a snapshot");
	tap_eq(set(b, path, "user.a", "1", 1, 0), -EROFS, "nothing is set in the past");
	tap_eq(set(b, path, "ceph.quota.max_bytes", "1", 1, 0), -EROFS, "no quota either");
	tap_eq(cephring_sync_removexattr(b->mount, NULL, path, "user.a", 0, &root), -EROFS, "nor removed");
	tap_ok(they(b, their_age, theirs) > 10, "it has an age");
	tap_eq(
	    cephring_sync_getxattr(b->mount, NULL, path, "ceph.snap.btime", 0, &root, ours, sizeof ours - 1),
	    (long long)strlen(theirs), "for ours too");
	tap_ok(!strcmp(ours, theirs), "the same");
	tap_eq(cephring_sync_getxattr(b->mount, NULL, TOP, "ceph.snap.btime", 0, &root, ours, sizeof ours),
	       -ENODATA, "the present has none");
	tap_eq(they(b, without, NULL), 0, "it is gone");
}

static int make_all(struct ceph_mount_info *cm, void *arg)
{
	int err = their_rm_r(cm, TOP);

	(void)arg;
	err = err ? err : ceph_mkdir(cm, TOP, 0755);
	err = err ? err : ceph_mkdir(cm, TOP "/ours", 0755);
	return err ? err : ceph_mkdir(cm, TOP "/theirs", 0755);
}

int main(void)
{
	static const char *const lists[] = { "client_acl_type", "posix_acl", NULL };
	struct both *b = both_new(lists, NULL);

	twin_with_lists(b);
	if (they(b, make_all, NULL))
		tap_die("the twins are made");
	here(b);
	past(b);
	matrix(b);
	both_free(b);
	return tap_end();
}
