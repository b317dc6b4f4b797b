/* cluster: --mds 1; timeout: 240 */
/* Quotas: set by either client, enforced by both alike; nested, above the mount, switched off; and where
 * names may not move. What is used shows a moment later, with every client: where it matters the test waits
 * until it does. */
#include "both.h"

#define TOP "/quotas"

static const struct cephring_cred root = { 0 };

/* ---- calls ---- */

enum what { MKDIR, MKDIRS, MKNOD, CREATE, SYMLINK, LINK, TRUNCATE, RENAME, OPEN, CHMOD, UNLINK };

struct call {
	enum what what;
	const char *a, *b;
	long long n;
};

static int they_call(struct ceph_mount_info *cm, void *arg)
{
	const struct call *c = arg;
	int fd;

	switch (c->what) {
	case MKDIR:
		return ceph_mkdir(cm, c->a, 0755);
	case MKDIRS:
		return ceph_mkdirs(cm, c->a, 0755);
	case MKNOD:
		return ceph_mknod(cm, c->a, S_IFREG | 0644, 0);
	case SYMLINK:
		return ceph_symlink(cm, "target", c->a);
	case LINK:
		return ceph_link(cm, c->a, c->b);
	case TRUNCATE:
		return ceph_truncate(cm, c->a, c->n);
	case RENAME:
		return ceph_rename(cm, c->a, c->b);
	case CHMOD:
		return ceph_chmod(cm, c->a, (mode_t)c->n);
	case UNLINK:
		return ceph_unlink(cm, c->a);
	default:
		fd = ceph_open(cm, c->a, c->what == CREATE ? O_CREAT | O_WRONLY : O_RDONLY, 0644);
		return fd < 0 ? fd : ceph_close(cm, fd);
	}
}

static int we_call(cephring_mount *m, const struct call *c)
{
	struct cephring_setattr set = { .struct_size = sizeof set };
	cephring_file *f;
	int err;

	switch (c->what) {
	case MKDIR:
		return cephring_sync_mkdir(m, NULL, c->a, 0755, 0, &root);
	case MKDIRS:
		return cephring_sync_mkdir(m, NULL, c->a, 0755, CEPHRING_PARENTS, &root);
	case MKNOD:
		return cephring_sync_mknod(m, NULL, c->a, S_IFREG | 0644, 0, &root);
	case SYMLINK:
		return cephring_sync_symlink(m, "target", NULL, c->a, &root);
	case LINK:
		return cephring_sync_link(m, NULL, c->a, NULL, c->b, 0, &root);
	case RENAME:
		return cephring_sync_rename(m, NULL, c->a, NULL, c->b, 0, &root);
	case UNLINK:
		return cephring_sync_unlink(m, NULL, c->a, 0, &root);
	case TRUNCATE:
		set.set = CEPHRING_SET_SIZE;
		set.size = (uint64_t)c->n;
		return cephring_sync_setattr(m, NULL, c->a, &set, 0, &root);
	case CHMOD:
		set.set = CEPHRING_SET_MODE;
		set.mode = (uint32_t)c->n;
		return cephring_sync_setattr(m, NULL, c->a, &set, 0, &root);
	default:
		err = cephring_sync_open(m, NULL, c->a, c->what == CREATE ? O_CREAT | O_WRONLY : O_RDONLY,
					 0644, NULL, &root, &f);
		if (err >= 0)
			cephring_sync_close(f);
		return err < 0 ? err : 0;
	}
}

static int them(struct both *b, enum what what, const char *a, const char *second, long long n)
{
	struct call c = { what, a, second, n };

	return they(b, they_call, &c);
}

static int we(struct both *b, enum what what, const char *a, const char *second, long long n)
{
	return we_call(b->mount, &(struct call){ what, a, second, n });
}

struct attribute {
	const char *path, *name;
	char value[256];
};

static int they_set(struct ceph_mount_info *cm, void *arg)
{
	struct attribute *a = arg;

	return ceph_setxattr(cm, a->path, a->name, a->value, strlen(a->value), 0);
}

static int they_get(struct ceph_mount_info *cm, void *arg)
{
	struct attribute *a = arg;
	int n = ceph_getxattr(cm, a->path, a->name, a->value, sizeof a->value - 1);

	a->value[n < 0 ? 0 : n] = '\0';
	return n;
}

static int quota_by_them(struct both *b, const char *path, const char *name, const char *value)
{
	struct attribute a = { path, name, "" };

	snprintf(a.value, sizeof a.value, "%s", value);
	return they(b, they_set, &a);
}

static int quota_by_us(struct both *b, const char *path, const char *name, const char *value)
{
	return cephring_sync_setxattr(b->mount, NULL, path, name, value, strlen(value), 0, 0, &root);
}

static void same_value(struct both *b, const char *path, const char *name, const char *want)
{
	struct attribute a = { path, name, "" };
	char ours[256] = "";
	int n = they(b, they_get, &a);
	int64_t got = cephring_sync_getxattr(b->mount, NULL, path, name, 0, &root, ours, sizeof ours - 1);

	if (!tap_ok(got == n && !strcmp(ours, a.value) && (!want || !strcmp(ours, want)), "both see %s of %s",
		    name, path))
		tap_note("ours %" PRId64 " '%s', libcephfs %d '%s'", got, ours, n, a.value);
}

/* Until both clients see so many in a directory's statistics, kept up to date by the MDS's pushes. */
static void wait_used(struct both *b, const char *path, const char *name, long long want)
{
	struct attribute a = { path, name, "" };
	char ours[64];
	uint64_t until = now_ns() + 20000000000ull;
	int64_t n;

	do {
		n = cephring_sync_getxattr(b->mount, NULL, path, name, 0, &root, ours, sizeof ours - 1);
		ours[n < 0 ? 0 : n] = '\0';
		they(b, they_get, &a);
		if (atoll(ours) == want && atoll(a.value) == want)
			return;
		both_turn(b->engine, -1, 100);
	} while (now_ns() < until);
	tap_ok(0, "%s of %s becomes %lld", name, path, want);
	tap_note("ours %s, libcephfs %s", ours, a.value);
}

/* What the MDS tells everybody has come. */
static void settle(struct both *b)
{
	for (uint64_t until = now_ns() + 100000000; now_ns() < until;)
		both_turn(b->engine, -1, 10);
}

static void both_refuse(struct both *b, enum what what, const char *a, const char *second, long long n,
			int want, const char *name)
{
	int theirs = them(b, what, a, second, n), ours = we(b, what, a, second, n);

	if (!tap_ok(ours == want && theirs == want, "%s", name))
		tap_note("ours %d (%s), libcephfs %d (%s)", ours, strerror(-ours), theirs, strerror(-theirs));
}

/* ---- files ---- */

static void full_of_files(struct both *b, const char *dir)
{
	char path[128], other[128];

	snprintf(path, sizeof path, "%s/no", dir);
	snprintf(other, sizeof other, "%s/f", dir);
	both_refuse(b, MKDIR, path, NULL, 0, -EDQUOT, "no mkdir");
	both_refuse(b, MKDIRS, path, NULL, 0, -EDQUOT, "no mkdir -p");
	both_refuse(b, MKNOD, path, NULL, 0, -EDQUOT, "no mknod");
	both_refuse(b, CREATE, path, NULL, 0, -EDQUOT, "no new file");
	both_refuse(b, SYMLINK, path, NULL, 0, -EDQUOT, "no symlink");
	both_refuse(b, LINK, other, path, 0, -EDQUOT, "no link");
	both_refuse(b, CREATE, other, NULL, 0, 0, "what is there can be opened");
	both_refuse(b, CHMOD, other, NULL, 0640, 0, "and changed");
}

static void files(struct both *b)
{
	char path[128];

	tap_eq(them(b, MKDIR, TOP "/files", NULL, 0), 0, "a directory");
	tap_eq(them(b, MKNOD, TOP "/files/f", NULL, 0), 0, "a file in it");
	tap_eq(quota_by_them(b, TOP "/files", "ceph.quota.max_files", "6"), 0, "libcephfs sets a quota");
	same_value(b, TOP "/files", "ceph.quota.max_files", "6");
	same_value(b, TOP "/files", "ceph.quota.max_bytes", NULL);
	same_value(b, TOP "/files", "ceph.quota", "max_bytes=0 max_files=6");
	for (int n = 0; n < 4; n++) { /* the directory counts itself */
		snprintf(path, sizeof path, TOP "/files/%d", n);
		tap_eq(n & 1 ? we(b, MKNOD, path, NULL, 0) : them(b, MKDIR, path, NULL, 0), 0,
		       "a name within it");
	}
	wait_used(b, TOP "/files", "ceph.dir.rentries", 6);
	full_of_files(b, TOP "/files");
	full_of_files(b, TOP "/files/.");
	tap_eq(we(b, MKNOD, TOP "/files/0/deep", NULL, 0), -EDQUOT, "nor below");
	both_cold(b);
	tap_eq(we(b, MKNOD, TOP "/files/0/deep", NULL, 0), -EDQUOT, "nor with nothing cached");
	tap_eq(we(b, UNLINK, TOP "/files/1", NULL, 0), 0, "a name goes");
	wait_used(b, TOP "/files", "ceph.dir.rentries", 5);
	tap_eq(we(b, SYMLINK, TOP "/files/1", NULL, 0), 0, "there is room for another");
	wait_used(b, TOP "/files", "ceph.dir.rentries", 6);
	tap_eq(quota_by_us(b, TOP "/files", "ceph.quota.max_files", "7"), 0, "ours raises it");
	same_value(b, TOP "/files", "ceph.quota.max_files", "7");
	tap_eq(them(b, MKNOD, TOP "/files/5", NULL, 0), 0, "libcephfs has room for one");
	wait_used(b, TOP "/files", "ceph.dir.rentries", 7);
	both_refuse(b, MKNOD, TOP "/files/6", NULL, 0, -EDQUOT, "and no more");
	tap_eq(quota_by_us(b, TOP "/files", "ceph.quota.max_files", "0"), 0, "ours takes it away");
	same_value(b, TOP "/files", "ceph.quota.max_files", NULL);
	tap_eq(them(b, MKNOD, TOP "/files/6", NULL, 0), 0, "libcephfs may go on");
	tap_eq(we(b, MKNOD, TOP "/files/7", NULL, 0), 0, "and ours");
}

/* ---- bytes ---- */

static void bytes(struct both *b)
{
	tap_eq(we(b, MKDIR, TOP "/bytes", NULL, 0), 0, "a directory");
	tap_eq(we(b, MKDIR, TOP "/bytes/below", NULL, 0), 0, "one below");
	tap_eq(we(b, MKNOD, TOP "/bytes/below/f", NULL, 0), 0, "a file");
	tap_eq(quota_by_us(b, TOP "/bytes", "ceph.quota.max_bytes", "1000000"), 0, "ours sets a quota");
	same_value(b, TOP "/bytes", "ceph.quota.max_bytes", "1000000");
	both_refuse(b, TRUNCATE, TOP "/bytes/below/f", NULL, 1000001, -EDQUOT, "beyond it");
	tap_eq(we(b, TRUNCATE, TOP "/bytes/below/f", NULL, 600000), 0, "within it");
	wait_used(b, TOP "/bytes", "ceph.dir.rbytes", 600000);
	both_refuse(b, TRUNCATE, TOP "/bytes/below/f", NULL, 1000001, -EDQUOT,
		    "too large with what is there");
	tap_eq(we(b, TRUNCATE, TOP "/bytes/below/f", NULL, 1000000), 0, "up to the last byte");
	wait_used(b, TOP "/bytes", "ceph.dir.rbytes", 1000000);
	tap_eq(we(b, MKNOD, TOP "/bytes/g", NULL, 0), 0, "an empty file takes nothing");
	both_refuse(b, TRUNCATE, TOP "/bytes/g", NULL, 1, -EDQUOT, "not one byte more");
	tap_eq(we(b, TRUNCATE, TOP "/bytes/below/f", NULL, 10), 0, "it shrinks");
	wait_used(b, TOP "/bytes", "ceph.dir.rbytes", 10);
	tap_eq(them(b, TRUNCATE, TOP "/bytes/g", NULL, 999000), 0, "then there is room");
	tap_eq(quota_by_them(b, TOP "/bytes", "ceph.quota", "max_bytes=0 max_files=0"), 0,
	       "libcephfs takes it away");
	same_value(b, TOP "/bytes", "ceph.quota", NULL);
	settle(b);
	tap_eq(we(b, TRUNCATE, TOP "/bytes/g", NULL, 5000000), 0, "ours may go on");
}

/* ---- one within another ---- */

static void nested(struct both *b)
{
	tap_eq(them(b, MKDIR, TOP "/outer", NULL, 0), 0, "an outer directory");
	tap_eq(them(b, MKDIR, TOP "/outer/inner", NULL, 0), 0, "an inner one");
	tap_eq(them(b, MKDIR, TOP "/outer/inner/d", NULL, 0), 0, "and one more");
	tap_eq(quota_by_them(b, TOP "/outer/inner", "ceph.quota.max_files", "100"), 0, "much room inside");
	tap_eq(quota_by_us(b, TOP "/outer", "ceph.quota.max_files", "4"), 0, "little outside");
	tap_eq(we(b, MKNOD, TOP "/outer/inner/d/f", NULL, 0), 0, "up to it");
	wait_used(b, TOP "/outer", "ceph.dir.rentries", 4);
	tap_eq(we(b, MKNOD, TOP "/outer/inner/d/g", NULL, 0), -EDQUOT, "the outer one counts inside");
	tap_eq(them(b, MKNOD, TOP "/outer/inner/d/g", NULL, 0), -EDQUOT, "as libcephfs says");
	both_cold(b);
	tap_eq(we(b, MKNOD, TOP "/outer/inner/d/g", NULL, 0), -EDQUOT, "also when it has to be asked for");
	tap_eq(quota_by_them(b, TOP "/outer", "ceph.quota.max_files", "100"), 0, "more room outside");
	tap_eq(quota_by_them(b, TOP "/outer/inner", "ceph.quota.max_files", "3"), 0, "less inside");
	settle(b);
	wait_used(b, TOP "/outer/inner", "ceph.dir.rentries", 3);
	tap_eq(we(b, MKNOD, TOP "/outer/inner/d/g", NULL, 0), -EDQUOT, "the inner one counts");
	tap_eq(we(b, MKNOD, TOP "/outer/g", NULL, 0), 0, "but not outside");
}

/* ---- moving ---- */

static void moving(struct both *b)
{
	static const struct {
		const char *from, *to;
		const char *name;
	} moves[] = {
		{ TOP "/m/a/f", TOP "/m/f", "out of a quota" },
		{ TOP "/m/g", TOP "/m/a/g", "into a quota" },
		{ TOP "/m/a/f", TOP "/m/b/f", "from one to another" },
		{ TOP "/m/a/f", TOP "/m/a/sub/f", "within one" },
		{ TOP "/m/a/sub/f", TOP "/m/a/f2", "and back" },
		{ TOP "/m/a/f2", TOP "/m/a/f", "in one directory" },
		{ TOP "/m/a/sub", TOP "/m/a/sub2", "a directory within one" },
		{ TOP "/m/a/sub2", TOP "/m/sub", "a directory out of one" },
		{ TOP "/m/a/sub2", TOP "/m/a/sub", "and back" },
		{ TOP "/m/a", TOP "/m/a2", "the quota's own directory" },
		{ TOP "/m/a2", TOP "/m/a", "and back" },
		{ TOP "/m/g", TOP "/m/plain/g", "where there is none" },
		{ TOP "/m/plain/g", TOP "/m/g", "and back" },
	};

	they_do(b, THEY_MKDIR, TOP "/m", NULL, 0755);
	they_do(b, THEY_MKDIR, TOP "/m/a", NULL, 0755);
	they_do(b, THEY_MKDIR, TOP "/m/a/sub", NULL, 0755);
	they_do(b, THEY_MKDIR, TOP "/m/b", NULL, 0755);
	they_do(b, THEY_MKDIR, TOP "/m/plain", NULL, 0755);
	they_do(b, THEY_CREATE, TOP "/m/a/f", NULL, 0644);
	they_do(b, THEY_CREATE, TOP "/m/g", NULL, 0644);
	tap_eq(quota_by_them(b, TOP "/m/a", "ceph.quota.max_files", "50"), 0, "a quota");
	tap_eq(quota_by_us(b, TOP "/m/b", "ceph.quota.max_bytes", "50000000"), 0, "another");
	for (int cold = 0; cold < 2; cold++) {
		for (size_t n = 0; n < sizeof moves / sizeof *moves; n++) {
			int theirs, ours;

			if (cold)
				both_cold(b);
			theirs = them(b, RENAME, moves[n].from, moves[n].to, 0);
			if (!theirs && them(b, RENAME, moves[n].to, moves[n].from, 0))
				tap_die("libcephfs moves back what it moved");
			ours = we(b, RENAME, moves[n].from, moves[n].to, 0);
			if (!tap_ok(ours == theirs, "%s", moves[n].name))
				tap_note("ours %d (%s), libcephfs %d (%s)", ours, strerror(-ours), theirs,
					 strerror(-theirs));
		}
	}
}

/* ---- other mounts ---- */

static cephring_mount *mount_with(struct both *b, const char *at, const char *const *options)
{
	const struct cephring_mount_opts opts = { .size = sizeof opts,
						  .cred = &root,
						  .root = at,
						  .log = both_log,
						  .log_level = CEPHRING_LOG_WARN };
	cephring_config *c;
	cephring_mount *m;

	cephring_config_new(&c);
	for (; options && *options; options += 2)
		if (cephring_config_set(c, options[0], options[1]))
			tap_die(cephring_config_error(c));
	if (cephring_config_load(c) || cephring_sync_mount(b->engine, c, &opts, &m))
		tap_die("another mount of ours");
	cephring_config_free(c);
	return m;
}

static void above_the_mount(struct both *b)
{
	const char *limited[] = { "id", "limited", "key", NULL, NULL };
	const char *const off[] = { "client_quota", "false", NULL };
	struct call make = { MKNOD, "/d/no", NULL, 0 };
	cephring_mount *m;
	char *key;

	they_do(b, THEY_MKDIR, TOP "/above", NULL, 0755);
	they_do(b, THEY_MKDIR, TOP "/above/root", NULL, 0755);
	they_do(b, THEY_MKDIR, TOP "/above/root/d", NULL, 0755);
	tap_eq(quota_by_them(b, TOP "/above", "ceph.quota.max_files", "3"), 0,
	       "a quota above what is mounted");
	wait_used(b, TOP "/above", "ceph.dir.rentries", 3);
	m = mount_with(b, TOP "/above/root", NULL);
	tap_eq(we_call(m, &make), -EDQUOT, "counts");
	make.a = "/no";
	tap_eq(we_call(m, &make), -EDQUOT, "in its root too");
	tap_eq(cephring_sync_unmount(m), 0, "it unmounts");

	m = mount_with(b, TOP "/above/root", off);
	tap_eq(we_call(m, &make), 0, "not with client_quota = false");
	make.what = UNLINK;
	tap_eq(we_call(m, &make), 0, "it is removed");
	tap_eq(cephring_sync_unmount(m), 0, "it unmounts");

	free(ceph_says("auth get-or-create client.limited mon 'allow r' mds 'allow rw path=" TOP
		       "/above/root'"));
	key = ceph_says("auth get-key client.limited");
	limited[3] = key;
	m = mount_with(b, TOP "/above/root", limited);
	make.what = MKNOD;
	tap_eq(we_call(m, &make), 0, "a key that cannot see it cannot enforce it");
	make.a = "/d/again";
	tap_eq(we_call(m, &make), 0, "and does not ask again");
	tap_eq(cephring_sync_unmount(m), 0, "it unmounts");
	free(key);
}

/* ---- setting ---- */

static void setting(struct both *b)
{
	static const struct {
		const char *path, *name, *value;
	} sets[] = {
		{ TOP "/s", "ceph.quota.max_files", "-1" },
		{ TOP "/s", "ceph.quota.max_files", "x" },
		{ TOP "/s", "ceph.quota.max_files", "" },
		{ TOP "/s", "ceph.quota.none", "1" },
		{ TOP "/s", "ceph.quota", "max_bytes=5 max_files=6" },
		{ TOP "/s", "ceph.quota", "nonsense" },
		{ TOP "/s/f", "ceph.quota.max_files", "10" },
		{ TOP "/none", "ceph.quota.max_files", "10" },
	};

	struct call make = { MKDIR, "/no", NULL, 0 };
	cephring_mount *m;

	they_do(b, THEY_MKDIR, TOP "/s", NULL, 0755);
	they_do(b, THEY_CREATE, TOP "/s/f", NULL, 0644);
	for (size_t n = 0; n < sizeof sets / sizeof *sets; n++) {
		int theirs = quota_by_them(b, sets[n].path, sets[n].name, sets[n].value);
		int ours = quota_by_us(b, sets[n].path, sets[n].name, sets[n].value);

		if (!tap_ok(ours == theirs, "%s of %s set to '%s'", sets[n].name, sets[n].path,
			    sets[n].value))
			tap_note("ours %d (%s), libcephfs %d (%s)", ours, strerror(-ours), theirs,
				 strerror(-theirs));
	}
	same_value(b, TOP "/s", "ceph.quota", "max_bytes=5 max_files=6");
	tap_eq(quota_by_us(b, "/", "ceph.quota.max_files", "1"), 0, "the root has one too");
	same_value(b, "/", "ceph.quota.max_files", "1");
	both_refuse(b, MKDIR, TOP "/s/no", NULL, 0, -EDQUOT, "which holds for all");
	m = mount_with(b, TOP "/s", NULL);
	tap_eq(we_call(m, &make), -EDQUOT, "for a mount of a part of it too");
	tap_eq(quota_by_us(b, "/", "ceph.quota.max_files", "0"), 0, "it is taken away");
	settle(b);
	tap_eq(we_call(m, &make), 0, "and then it holds for none");
	tap_eq(cephring_sync_unmount(m), 0, "it unmounts");
}

int main(void)
{
	const struct cephring_mount_opts opts = { .size = sizeof opts, .cred = &root };
	struct both *b = both_new(NULL, &opts);

	they_do(b, THEY_MKDIR, TOP, NULL, 0755);
	files(b);
	bytes(b);
	nested(b);
	moving(b);
	above_the_mount(b);
	setting(b);
	both_free(b);
	return tap_end();
}
