/* cluster: --mds 1; timeout: 180 */
/* Reading directories: empty, small, large, in fragments, while names are added, in small pieces, twice at
 * once; what is told of each name; and giving up in the middle. */
#include "both.h"

#define TOP "/listing"

enum { SMALL = 1, MEDIUM = 2500, BIG_FROM = 27000, SPLIT_SIZE = 1500 };

static const struct cephring_cred root = { 0 };

static unsigned fragments(const char *dir)
{
	char *text = ceph_says("tell mds.a dirfrag ls %s", dir);
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, "\"value\"")) != NULL; p++)
		n++;
	free(text);
	return n;
}

/* ---- reading ---- */

struct seen {
	uint8_t *times; /* of each number */
	int below, total, strange, wrong, full, dots;
};

static void take(struct seen *s, const char *buf, int64_t len)
{
	for (const char *p = buf; p < buf + len; p += ((const struct cephring_dirent *)p)->reclen) {
		const struct cephring_dirent *e = (const struct cephring_dirent *)p;
		int n = -1;

		if (e->name[0] == '.') {
			s->dots++;
			continue;
		}
		if (sscanf(e->name, "f%5d", &n) != 1 || n < 0 || n >= s->below ||
		    strlen(e->name) != e->name_len || e->type != DT_REG) {
			s->strange++;
			continue;
		}
		s->times[n]++;
		s->total++;
		s->full += (e->st.mask & CEPHRING_STATX_BASIC) == CEPHRING_STATX_BASIC;
		if (!e->st.ino ||
		    ((e->st.mask & CEPHRING_STATX_MODE) &&
		     e->st.mode != (S_IFREG | 0600u | ((unsigned)n & 0177))) ||
		    ((e->st.mask & CEPHRING_STATX_NLINK) && e->st.nlink != 1) ||
		    ((e->st.mask & CEPHRING_STATX_SIZE) && e->st.size))
			s->wrong++;
	}
}

static cephring_file *open_dir(struct both *b, const char *path)
{
	cephring_file *f = NULL;
	int err = cephring_sync_open(b->mount, NULL, path, O_RDONLY | O_DIRECTORY, 0, NULL, &root, &f);

	if (err)
		tap_note("open %s: %d", path, err);
	return f;
}

/* `pause_us`: between two pieces. */
static int read_all(struct both *b, cephring_file *f, struct seen *s, int below, size_t size, int pause_us)
{
	char *buf = malloc(size);
	int64_t n;

	*s = (struct seen){ .times = calloc(1, (size_t)below + 1), .below = below };
	while ((n = cephring_sync_readdir(f, buf, size)) > 0) {
		take(s, buf, n);
		if (pause_us) {
			usleep((useconds_t)pause_us);
			cephring_run(b->engine, 0);
		}
	}
	free(buf);
	return (int)n;
}

/* Names from 0 to `always` once each; those up to `below` once at most. */
static bool once(struct seen *s, int always)
{
	bool ok = !s->strange && !s->wrong && s->dots == 2;
	int twice = 0, none = 0;

	for (int n = 0; n < s->below; n++) {
		twice += s->times[n] > 1;
		none += n < always && !s->times[n];
	}
	if (twice || none || !ok)
		tap_note("%d twice, %d missing, %d strange, %d wrong, %d dots", twice, none, s->strange,
			 s->wrong, s->dots);
	free(s->times);
	return ok && !twice && !none;
}

static void reads(struct both *b, const char *dir, int count, size_t size, const char *name)
{
	cephring_file *f = open_dir(b, dir);
	struct seen s;

	if (!tap_ok(f != NULL, "%s: it opens", name))
		return;
	tap_eq(read_all(b, f, &s, count, size, 0), 0, "it is read to its end");
	tap_note("%d of %d with all attributes", s.full, s.total);
	tap_ok(once(&s, count) && s.total == count, "%s: each name once, with true attributes", name);
	cephring_rewinddir(f);
	tap_eq(read_all(b, f, &s, count, size, 0), 0, "and again from the start");
	tap_ok(once(&s, count) && s.total == count, "%s: the same", name);
	tap_eq(cephring_sync_close(f), 0, "it closes");
}

static void sizes(struct both *b)
{
	reads(b, TOP "/0", 0, 65536, "an empty directory");
	reads(b, TOP "/1", SMALL, 65536, "one name");
	reads(b, TOP "/2500", MEDIUM, 65536, "2500 names");
	reads(b, TOP "/2500", MEDIUM, 600, "2500 names in small pieces");
	both_cold(b);
	reads(b, TOP "/2500", MEDIUM, 600, "2500 names in small pieces, nothing cached");
}

static void small_buffers(struct both *b)
{
	cephring_file *f = open_dir(b, TOP "/1");
	char buf[1024];

	tap_eq(cephring_sync_readdir(f, buf, 16), -EINVAL, "a buffer too small for one entry");
	tap_ok(cephring_sync_readdir(f, buf, sizeof buf) > 0, "and then a larger one");
	cephring_sync_close(f);
	tap_eq(cephring_sync_open(b->mount, NULL, TOP "/1/f00000", O_RDONLY, 0, NULL, &root, &f), 0,
	       "a file");
	tap_eq(cephring_sync_readdir(f, buf, sizeof buf), -ENOTDIR, "is not a directory");
	cephring_sync_close(f);
}

/* ---- several at once ---- */

struct stream {
	struct cephring_op op;
	cephring_file *f;
	char buf[20000];
	struct seen s;
	int64_t end;
	bool ended;
};

static void more(struct cephring_op *op, int64_t res, void *arg)
{
	struct stream *st = arg;

	if (res > 0) {
		take(&st->s, st->buf, res);
		res = cephring_readdir(st->f, st->buf, sizeof st->buf, op, more, st);
		if (!res)
			return;
	}
	st->end = res;
	st->ended = true;
}

static void stream_begin(struct stream *st, cephring_file *f, int below)
{
	*st = (struct stream){ .f = f, .s = { .times = calloc(1, (size_t)below + 1), .below = below } };
	if (cephring_readdir(f, st->buf, sizeof st->buf, &st->op, more, st))
		tap_die("a readdir begins");
}

static void two_at_once(struct both *b)
{
	static struct stream st[2];
	cephring_file *f[2];

	both_cold(b);
	for (int n = 0; n < 2; n++)
		f[n] = open_dir(b, TOP "/2500");
	for (int n = 0; n < 2; n++)
		stream_begin(&st[n], f[n], MEDIUM);
	tap_eq(cephring_readdir(st[0].f, st[0].buf, sizeof st[0].buf, &(struct cephring_op){ 0 }, more, NULL),
	       -EBUSY, "one readdir for a file at a time");
	tap_eq(cephring_close(st[0].f, &(struct cephring_op){ 0 }, more, NULL), -EBUSY, "no close meanwhile");
	while (!st[0].ended || !st[1].ended)
		both_turn(b->engine, -1, 1000);
	tap_ok(!st[0].end && once(&st[0].s, MEDIUM), "two streams at once: the first");
	tap_ok(!st[1].end && once(&st[1].s, MEDIUM), "two streams at once: the second");
	cephring_sync_close(st[0].f);
	cephring_sync_close(st[1].f);
}

/* Another client adds names while ours reads: what was there is listed once, what comes once or not at all.
 */
static void while_names_come(struct both *b, const char *dir, int there, int then, size_t pieces,
			     const char *name)
{
	struct making k = { dir, there, then };
	cephring_file *f = open_dir(b, dir);
	struct their_job j;
	struct seen s;
	pthread_t t = they_begin(b, &j, their_many, &k);
	int err = read_all(b, f, &s, then, pieces, 12000);

	tap_note("%d names were seen of %d to %d", s.total, there, then);
	tap_eq(err, 0, "it is read to its end");
	tap_ok(once(&s, there), "%s: what was there once, what came at most once", name);
	tap_eq(they_end(b, &j, t), 0, "the other has added them");
	cephring_rewinddir(f);
	tap_eq(read_all(b, f, &s, then, 65536, 0), 0, "it is read anew");
	tap_ok(once(&s, then) && s.total == then, "%s: now all are there", name);
	cephring_sync_close(f);
}

static void close_in_the_middle(struct both *b)
{
	cephring_file *f;
	char buf[4000];
	struct cephring_op op = { 0 };
	static struct stream st;
	bool ok = true;

	for (int n = 0; n < 20; n++) {
		both_cold(b);
		f = open_dir(b, BIG);
		ok = ok && f && cephring_sync_readdir(f, buf, sizeof buf) > 0;
		ok = ok && cephring_sync_close(f) == 0; /* the next chunks are on their way */
	}
	tap_ok(ok, "closed with chunks on their way");
	f = open_dir(b, BIG);
	stream_begin(&st, f, BIG_COUNT);
	cephring_run(b->engine, 0);
	tap_eq(cephring_op_cancel(b->mount, &st.op), 0, "a readdir is cancelled");
	while (!st.ended)
		both_turn(b->engine, -1, 1000);
	tap_eq(st.end, -ECANCELED, "it ends so");
	free(st.s.times);
	tap_eq(cephring_sync_close(f), 0, "its file closes");
	(void)op;
}

/* ---- fragments ---- */

/* How large a fragment may become. */
static void split_at(int names)
{
	devcluster("ceph config set mds mds_bal_split_size %d 2>/dev/null", names);
	usleep(300000); /* until the MDS has heard */
}

/* One fragment, that splits while it is being read. */
static void grows(struct both *b)
{
	char aside[64];

	snprintf(aside, sizeof aside, BIG "_%" PRIu64, now_ns());
	split_at(100000);
	they_do(b, THEY_RMDIR, BIG "_made", NULL, 0);
	they_do(b, THEY_RENAME, BIG, aside, 0); /* to remove it takes longer than all else here */
	tap_eq(they_do(b, THEY_MKDIR, BIG, NULL, 0755), 0, "a large directory");
	tap_eq(make_many(b, BIG, 0, BIG_FROM), 0, "27000 names");
	tap_eq(fragments(BIG), 1, "in one fragment");
	split_at(SPLIT_SIZE);
	while_names_come(b, BIG, BIG_FROM, BIG_COUNT, 60000, "a directory that grows and splits");
	they_do(b, THEY_MKDIR, BIG "_made", NULL, 0755);
	tap_ok(fragments(BIG) >= 4, "it has split");
	tap_note("%u fragments", fragments(BIG));
}

static void large(struct both *b)
{
	uint64_t from;

	both_cold(b);
	from = now_ns();
	reads(b, BIG, BIG_COUNT, 1 << 20, "30000 names");
	tap_note("read in %.2f s", (double)(now_ns() - from) / 1e9);
	both_cold(b);
	reads(b, BIG, BIG_COUNT, 9000, "30000 names in small pieces");
	close_in_the_middle(b);
}

static int their_tree(struct ceph_mount_info *cm, void *arg)
{
	static const char *const dirs[] = { TOP, TOP "/0", TOP "/1", TOP "/2500" };
	int err = their_rm_r(cm, TOP);

	(void)arg;
	for (size_t n = 0; n < sizeof dirs / sizeof *dirs && !err; n++)
		err = ceph_mkdir(cm, dirs[n], 0755);
	return err;
}

int main(void)
{
	struct both *b = both_new(NULL, NULL);

	devcluster("ceph config set mds mds_bal_fragment_interval 1 2>/dev/null");
	devcluster("ceph config set mds mds_bal_split_wr 1000000 2>/dev/null"); /* by size only */
	devcluster("ceph config set mds mds_bal_split_rd 1000000 2>/dev/null");
	if (!tap_eq(they(b, their_tree, NULL), 0, "the tree is made"))
		return tap_end();
	make_many(b, TOP "/1", 0, SMALL);
	make_many(b, TOP "/2500", 0, MEDIUM);
	sizes(b);
	small_buffers(b);
	two_at_once(b);
	grows(b);
	large(b);
	devcluster("ceph config rm mds mds_bal_split_size 2>/dev/null");
	devcluster("ceph config rm mds mds_bal_split_wr 2>/dev/null");
	devcluster("ceph config rm mds mds_bal_split_rd 2>/dev/null");
	devcluster("ceph config rm mds mds_bal_fragment_interval 2>/dev/null");
	both_free(b);
	return tap_end();
}
