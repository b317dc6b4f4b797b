/* cluster: */
/* Callers that err: odd paths, flags, sizes and structures from other versions of the header, mounts used too
 * early or after they failed. Each gets an errno at once or a callback once; nothing crashes and nothing is
 * read beyond its end (run under AddressSanitizer too). */
#include "ours.h"

static int plant(struct ceph_mount_info *cm, void *arg)
{
	char name[300];
	int err = their_rm_r(cm, "/inputs");

	(void)arg;
	if (!err)
		err = ceph_mkdirs(cm, "/inputs/dir", 0755);
	if (!err)
		err = their_create(cm, "/inputs/file", 0644);
	if (!err)
		err = ceph_symlink(cm, "file", "/inputs/link");
	if (!err)
		err = ceph_setxattr(cm, "/inputs/file", "user.x", "value", 5, 0);
	memset(name, 'n', sizeof name);
	memcpy(name, "/inputs/", 8);
	name[8 + 255] = '\0';
	return err ? err : their_create(cm, name, 0644);
}

static int stat_of(struct ours *o, cephring_inode *at, const char *path)
{
	struct cephring_statx st;

	return cephring_sync_statx(o->mount, at, path, CEPHRING_STATX_BASIC, 0, NULL, &st);
}

static void paths(struct ours *o)
{
	static char text[8192];
	cephring_inode *dir;

	tap_eq(stat_of(o, NULL, "/"), 0, "/");
	tap_eq(stat_of(o, NULL, "//..//./"), 0, "//..//./");
	tap_eq(stat_of(o, NULL, "."), 0, ".");
	tap_eq(stat_of(o, NULL, ".."), 0, "..");
	tap_eq(stat_of(o, NULL, ""), -ENOENT, "an empty path");
	tap_eq(stat_of(o, NULL, NULL), -ENOENT, "no path");
	tap_eq(stat_of(o, NULL, "/inputs/file/"), -ENOTDIR, "a file with a slash behind it");
	tap_eq(stat_of(o, NULL, "/inputs/file/.."), -ENOTDIR, "the parent of a file");
	tap_eq(stat_of(o, NULL, "/inputs/dir/"), 0, "a directory with a slash behind it");
	tap_eq(stat_of(o, NULL, "/inputs/\xff\xfe\x01"), -ENOENT, "a name that is no text");
	tap_eq(cephring_sync_lookup(o->mount, NULL, "/inputs/dir", 0, NULL, &dir), 0,
	       "a directory to start from");
	tap_eq(stat_of(o, dir, ""), 0, "an empty path from there");
	tap_eq(stat_of(o, dir, NULL), 0, "no path from there");
	tap_eq(stat_of(o, dir, "../file"), 0, "a relative path");
	tap_eq(stat_of(o, dir, "/inputs/file"), 0, "an absolute path does not start there");
	cephring_put(o->mount, dir);
	cephring_put(o->mount, NULL);

	memset(text, 'n', sizeof text);
	memcpy(text, "/inputs/", 8);
	text[8 + 255] = '\0';
	tap_eq(stat_of(o, NULL, text), 0, "a name of 255");
	text[8 + 255] = 'n';
	text[8 + 256] = '\0';
	tap_eq(stat_of(o, NULL, text), -ENAMETOOLONG, "a name of 256");
	memset(text, '/', sizeof text);
	text[4095] = '\0';
	tap_eq(stat_of(o, NULL, text), 0, "a path of 4095");
	text[4095] = '/';
	text[4096] = '\0';
	tap_eq(stat_of(o, NULL, text), -ENAMETOOLONG, "a path of 4096");
}

static void arguments(struct ours *o)
{
	const struct cephring_cred nobody = { .uid = 4000000000u, .gid = 4000000000u };
	cephring_mount *m = o->mount;
	struct cephring_statx st;
	struct asked a = { .path = "/" };
	uint32_t many[1 << 16];
	struct cephring_cred crowd = { .uid = 1000, .gid = 1000, .ngroups = 1 << 16, .groups = many };
	char buf[8], *text;

	for (uint32_t n = 0; n < 1 << 16; n++)
		many[n] = n + 5000;
	tap_eq(cephring_statx(m, NULL, "/", 0, 0, NULL, &st, NULL, asked_ended, &a), -EINVAL, "no operation");
	tap_eq(cephring_statx(m, NULL, "/", 0, 0, NULL, &st, &a.op, NULL, &a), -EINVAL, "no callback");
	tap_eq(cephring_sync_statx(m, NULL, "/inputs/file", 0, 0, NULL, &st), 0, "no fields wanted");
	tap_eq(cephring_sync_statx(m, NULL, "/inputs/file", ~0u, 0, NULL, &st), 0,
	       "all that there will ever be wanted");
	tap_eq(cephring_sync_statx(m, NULL, "/inputs/file", CEPHRING_STATX_ALL, 0, &nobody, &st), 0,
	       "a uid beyond 2^31");
	tap_eq(cephring_sync_statx(m, NULL, "/inputs/link", CEPHRING_STATX_ALL, CEPHRING_FORCE_SYNC, &crowd,
				   &st),
	       0, "65536 groups");
	tap_eq(cephring_sync_access(m, NULL, "/inputs/file", 8, 0, NULL), -EINVAL,
	       "access: a mode that is none");
	tap_eq(cephring_sync_access(m, NULL, "/inputs/file", -1, 0, NULL), -EINVAL, "access: all of them");
	tap_eq(cephring_sync_access(m, NULL, "/inputs/file", F_OK, 0, NULL), 0, "access: is it there");
	tap_eq(cephring_sync_readlink(m, NULL, "/inputs/link", NULL, buf, 2), 4, "readlink into too little");
	tap_ok(!memcmp(buf, "fi", 2), "readlink: what fits");
	tap_eq(cephring_sync_readlink(m, NULL, "/inputs/link", NULL, NULL, 0), 4, "readlink into nothing");
	tap_eq(cephring_sync_readlink(m, NULL, "/inputs/link", NULL, buf, SIZE_MAX), 4,
	       "readlink into all there is");
	tap_eq(cephring_sync_readlink(m, NULL, "/inputs/dir", NULL, buf, 8), -EINVAL,
	       "readlink of a directory");
	tap_eq(cephring_sync_getxattr(m, NULL, "/inputs/file", "", 0, NULL, buf, 8), -EINVAL,
	       "an attribute without a name");
	tap_eq(cephring_sync_getxattr(m, NULL, "/inputs/file", NULL, 0, NULL, buf, 8), -EINVAL,
	       "no attribute");
	tap_eq(cephring_sync_getxattr(m, NULL, "/inputs/file", "user.x", 0, NULL, buf, 4), -ERANGE,
	       "an attribute into too little");
	tap_eq(cephring_sync_getxattr(m, NULL, "/inputs/file", "user.x", 0, NULL, NULL, 0), 5, "its length");
	tap_eq(cephring_sync_getxattr(m, NULL, "/inputs/file", "user.x", 0, NULL, buf, SIZE_MAX), 5,
	       "into all there is");
	tap_eq(cephring_sync_getxattr(m, NULL, "/inputs/file", "user.y", 0, NULL, buf, 8), -ENODATA,
	       "one that is not there");
	tap_eq(cephring_sync_getxattr(m, NULL, "/inputs/file", "ceph.y", 0, NULL, buf, 8), -ENODATA,
	       "one of Ceph's that is none");
	tap_eq(cephring_sync_listxattr(m, NULL, "/inputs/file", 0, NULL, buf, 3), -ERANGE,
	       "the list into too little");
	tap_eq(cephring_sync_listxattr(m, NULL, "/inputs/file", 0, NULL, NULL, 0), 7, "its length");
	tap_eq(cephring_dump(m, "nonsense", &text), -EINVAL, "a view that is none");
	tap_ok(text == NULL, "without a text");
	cephring_text_free(NULL);
	tap_eq(cephring_op_cancel(m, &a.op), -EALREADY, "what was never submitted is not cancelled");
	cephring_op_deadline(&a.op, 1);
	tap_eq(ask(m, &a, CEPHRING_FORCE_SYNC, 0), 0, "a deadline long past: taken");
	tap_ok(answers(o->engine, &a, 1, 5000) && a.res == -ETIMEDOUT, "and ended at once");
	tap_eq(ask(m, &a, CEPHRING_FORCE_SYNC, 0), 0, "the next submission has none");
	tap_ok(answers(o->engine, &a, 1, 5000) && a.res == 0, "and is answered");
}

static void opens(struct ours *o)
{
	static const struct {
		const char *path;
		int flags, want;
	} cases[] = {
		{ "/inputs/file", O_RDONLY, 0 },
		{ "/inputs/file", O_WRONLY, 0 },
		{ "/inputs/file", O_RDWR, 0 },
		{ "/inputs/file", O_RDONLY | O_CREAT, 0 },
		{ "/inputs/file", O_RDONLY | O_CREAT | O_EXCL, -EEXIST },
		{ "/inputs/file", O_RDONLY | O_TRUNC, 0 },
		{ "/inputs/file", O_ACCMODE, -EINVAL },
		{ "/inputs/dir", O_CREAT | O_DIRECTORY, -EINVAL },
		{ "/inputs/dir", O_RDWR, -EISDIR },
		{ "/inputs/file", O_RDONLY | O_DIRECTORY, -ENOTDIR },
		{ "/inputs/dir", O_RDONLY, 0 },
		{ "/inputs/link", O_RDONLY | O_NOFOLLOW, -ELOOP },
		{ "/inputs/link", O_PATH | O_NOFOLLOW, 0 },
		{ "/inputs/none", O_RDONLY, -ENOENT },
		{ "", O_RDONLY, -ENOENT },
		{ "/inputs/file", O_RDONLY | 1 << 30, -EINVAL },
	};
	struct cephring_dirent *whole = NULL;
	_Alignas(8) char buf[4096];
	cephring_file *f;

	for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
		int err =
		    cephring_sync_open(o->mount, NULL, cases[n].path, cases[n].flags, 0, NULL, NULL, &f);

		if (!tap_ok(err == cases[n].want, "open %s with %#o", cases[n].path,
			    (unsigned)cases[n].flags))
			tap_note("%d", err);
		if (!err)
			cephring_sync_close(f);
	}
	tap_eq(cephring_sync_open(o->mount, NULL, "/inputs/file", O_RDONLY, 0, NULL, NULL, &f), 0, "a file");
	tap_eq(cephring_sync_readdir(f, buf, sizeof buf), -ENOTDIR, "is no directory");
	cephring_rewinddir(f);
	tap_eq(cephring_sync_close(f), 0, "closed");
	tap_eq(cephring_sync_open(o->mount, NULL, "/inputs", O_RDONLY, 0, NULL, NULL, &f), 0, "a directory");
	tap_eq(cephring_sync_readdir(f, NULL, 0), -EINVAL, "listed into nothing");
	tap_eq(cephring_sync_readdir(f, buf, sizeof *whole), -EINVAL, "into too little");
	tap_eq(cephring_sync_readdir(f, buf, sizeof *whole + 8), sizeof *whole + 8, "into room for one");
	whole = (struct cephring_dirent *)buf;
	tap_ok(whole->reclen == sizeof *whole + 8 && !strcmp(whole->name, "."), "which is '.'");
	tap_eq(cephring_sync_close(f), 0, "closed half-way");
}

static void engines(void)
{
	struct cephring_engine_opts bad[] = {
		{ .size = 0, .cpu = -1 },
		{ .size = 3, .cpu = -1 },
		{ .size = sizeof bad[0], .cpu = -1, .entries = 1u << 31 },
		{ .size = sizeof bad[0], .cpu = 1 << 20, .own_thread = 1 },
	};
	struct {
		struct cephring_engine_opts known;
		char newer[64];
	} future = { .known = { .size = sizeof future, .cpu = -1 }, .newer = "whatever a newer header says" };
	cephring_engine *e;
	char why[256], tiny[1];

	for (unsigned n = 0; n < sizeof bad / sizeof *bad; n++) {
		int err = cephring_engine_new(&bad[n], &e, why, sizeof why);

		if (!tap_ok(err < 0, "an engine that cannot be: %u", n))
			cephring_engine_free(e);
		tap_note("%d %s", err, why);
		tap_ok(cephring_engine_new(&bad[n], &e, tiny, sizeof tiny) == err,
		       "the same with little room for words");
		tap_ok(cephring_engine_new(&bad[n], &e, NULL, 0) == err, "and with none");
	}
	tap_eq(cephring_engine_new(&future.known, &e, why, sizeof why), 0, "options of a newer header");
	tap_eq(cephring_engine_free(e), 0, "freed");
}

static void configs(void)
{
	static const struct {
		const char *key, *value;
	} bad[] = { { "no_such_option", "1" },
		    { "", "" },
		    { "client_mount_timeout", "soon" },
		    { "client_mount_timeout", "-1" },
		    { "client_mount_timeout", "0" },
		    { "cephring_max_ops", "99999999999999999999" },
		    { "cephring_cache_bytes", "1" },
		    { "ms_client_mode", "fast" },
		    { "name", "gateway.0" },
		    { "ms_client_mode", "" } };
	cephring_config *c;

	cephring_config_new(&c);
	for (unsigned n = 0; n < sizeof bad / sizeof *bad; n++)
		tap_ok(cephring_config_set(c, bad[n].key, bad[n].value) == -EINVAL &&
			   cephring_config_error(c)[0],
		       "option '%s' = '%s'", bad[n].key, bad[n].value);
	tap_ok(!cephring_config_get(c, "no_such_option", NULL), "an option that is none has no value");
	tap_ok(cephring_config_get(c, "id", NULL) != NULL, "one that is has, asked without origin");
	cephring_config_free(c);
	cephring_config_free(NULL);
}

/* As programs built with an older or a newer header bring them. */
static void mount_options(void)
{
	struct {
		struct cephring_mount_opts known;
		char newer[64];
	} future = { .known = { .size = sizeof future }, .newer = "whatever a newer header says" };
	struct cephring_mount_opts old = { .size = offsetof(struct cephring_mount_opts, cred),
					   .log_level = 77 };
	struct cephring_mount_opts none = { .size = 0 }, odd = { .size = sizeof odd, .log_level = -1 };
	struct cephring_stats small = { .size = offsetof(struct cephring_stats, ops), .ops = 77 };
	cephring_engine *e = ours_engine();
	cephring_config *c;
	cephring_mount *m, *second;

	cephring_config_new(&c);
	tap_ok(cephring_sync_mount(e, c, NULL, &m) < 0, "a configuration that was not loaded");
	if (m)
		tap_eq(cephring_sync_unmount(m), 0, "and its unmount");
	tap_eq(cephring_config_load(c), 0, "configuration");
	tap_eq(cephring_sync_mount(e, c, &none, &m), -EINVAL, "options without a size");
	tap_ok(!m, "no mount");
	tap_eq(cephring_sync_mount(e, c, &odd, &m), -EINVAL, "a log level that is none");
	tap_eq(cephring_sync_mount(e, c, &old, &m), 0, "options of an older header");
	tap_eq(cephring_stats(m, &small), 0, "statistics of an older header");
	tap_eq((long long)small.ops, 77, "nothing is written beyond them");
	tap_eq(cephring_sync_mount(e, c, &future.known, &second), 0,
	       "options of a newer one; a second mount on the engine");
	tap_eq(cephring_engine_free(e), -EBUSY, "an engine with mounts is not freed");
	tap_eq(cephring_sync_unmount(m), 0, "the first goes");
	tap_eq(cephring_sync_statx(second, NULL, "/inputs", CEPHRING_STATX_BASIC, 0, NULL,
				   &(struct cephring_statx){ 0 }),
	       0, "the second works on");
	tap_eq(cephring_sync_unmount(second), 0, "and goes");
	tap_eq(cephring_engine_free(e), 0, "the engine is freed");
	cephring_config_free(c);
}

/* A mount in each state but the usable one. */
static void wrong_time(void)
{
	const char *const refused[] = { "client_fs", "nofs", NULL };
	struct asked mounting = { 0 }, early = { .path = "/" }, leaving = { 0 }, again = { 0 },
		     late = { .path = "/" };
	struct cephring_statfs fs;
	struct cephring_statx st;
	cephring_mount *m;
	struct ours o;
	char *text;

	if (ours_mount(&o, refused, NULL) != -ENOENT)
		tap_die("a mount that fails");
	tap_eq(cephring_statx_cached(o.mount, NULL, "/", 1, 0, NULL, &st), -EAGAIN,
	       "a failed mount has nothing cached");
	late.res = ask(o.mount, &late, 0, 500);
	tap_ok(late.res || answers(o.engine, &late, 1, 5000), "an operation on it ends");
	tap_eq(late.res, -ENOTCONN, "with ENOTCONN");
	tap_eq(cephring_sync_statfs(o.mount, &fs), -ENOTCONN, "so does statfs");
	tap_eq(cephring_dump(o.mount, "status", &text), 0, "it can be looked at");
	cephring_text_free(text);
	cephring_drop_caches(o.mount);
	ours_end(&o);

	/* Unmounted before it was mounted. */
	if (ours_mount(&o, NULL, NULL))
		tap_die(o.words);
	tap_eq(cephring_mount_start(o.engine, o.config, NULL, &mounting.op, asked_ended, &mounting, &m), 0,
	       "a mount begins");
	tap_eq(ask(m, &early, 0, 0), 0, "an operation is taken before it is done");
	tap_eq(cephring_dump(m, "status", &text), 0, "it can be looked at");
	cephring_text_free(text);
	tap_eq(cephring_unmount(m, &leaving.op, asked_ended, &leaving), 0,
	       "it is unmounted before it is done");
	tap_eq(cephring_unmount(m, &again.op, asked_ended, &again), -EALREADY, "once is enough");
	tap_ok(answers(o.engine, &leaving, 1, 20000) && leaving.res == 0, "that ends");
	tap_ok(mounting.calls == 1 && mounting.res < 0, "the mount was told");
	tap_ok(early.calls == 1 && early.res < 0, "the operation too");
	tap_ok(again.calls == 0 && leaving.calls == 1, "each once");

	/* The mount that is cancelled, with the deadline of one that is late. */
	mounting = (struct asked){ 0 };
	tap_eq(cephring_mount_start(o.engine, o.config, NULL, &mounting.op, asked_ended, &mounting, &m), 0,
	       "a mount begins");
	cephring_run(o.engine, 0);
	tap_eq(cephring_op_cancel(m, &mounting.op), 0, "and is cancelled");
	tap_ok(answers(o.engine, &mounting, 1, 5000) && mounting.res == -ECANCELED, "it ends so");
	tap_eq(cephring_sync_unmount(m), 0, "and is unmounted");
	tap_eq(stat_of(&o, NULL, "/inputs/file"), 0, "its neighbour on the engine works");
	ours_end(&o);
}

int main(void)
{
	struct ceph_mount_info *cm;
	struct ours o;

	if (second_mount(&cm) || plant(cm, NULL))
		tap_die("libcephfs makes the files");
	second_unmount(cm);
	if (ours_mount(&o, NULL, NULL))
		tap_die(o.words);
	paths(&o);
	arguments(&o);
	opens(&o);
	ours_end(&o);
	engines();
	configs();
	mount_options();
	wrong_time();
	return tap_end();
}
