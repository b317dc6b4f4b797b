/* cluster: --mds 1 --standby 1 --osd 2 --store bluestore; timeout: 240 */
/* Reading and writing while the cluster fails: OSDs killed, restarted, marked out and paused, pools full and
 * deleted, an MDS that dies, many maps, our own process killed. What fsync has acknowledged is there, nothing
 * is written twice, and every stall ends when the cluster heals.
 */
#include <signal.h>
#include <sys/wait.h>
#include "bytes.h"
#include "ours.h"

#define TOP "/data_faults"
#define S   1000000000ull

static const struct cephring_cred root = { 0 };

static uint8_t want[4 << 20], got[4 << 20];

static cephring_file *opened(cephring_mount *m, const char *path, int flags, const struct cephring_layout *l)
{
	cephring_file *f;
	int64_t err = cephring_sync_open(m, NULL, path, flags, 0644, l, &root, &f);

	if (err < 0)
		tap_die(cephring_strerror(m, (int)err));
	return f;
}

/* ---- operations in flight ---- */

struct flight {
	struct cephring_op op;
	int64_t res;
	unsigned ended;
};

static void landed(struct cephring_op *op, int64_t res, void *user)
{
	struct flight *x = user;

	(void)op;
	x->res = res;
	x->ended++;
}

static int lands(struct both *b, const struct flight *x, unsigned ms)
{
	uint64_t limit = now_ns() + ms * 1000000ull;

	while (!x->ended && now_ns() < limit)
		both_turn(b->engine, -1, 20);
	return x->ended != 0;
}

static void writes(cephring_file *f, struct flight *x, const void *p, size_t len, uint64_t offset, int flags)
{
	x->ended = 0;
	if (cephring_write(f, p, len, offset, flags, &x->op, landed, x))
		tap_die("a write is taken");
}

/* The OSD that has the file's first object, by the map. */
static int first_osd(const struct cephring_statx *st)
{
	char *text = ceph_says("osd map cephfs.data %" PRIx64 ".00000000 -f json", st->ino);
	json_t *v = json_loads(text, 0, NULL);
	int osd = -1;

	json_unpack(v, "{s:i}", "acting_primary", &osd);
	json_decref(v);
	free(text);
	return osd;
}

/* ---- a write whose operation has ended ---- */

static int detached(cephring_mount *m)
{
	json_t *v = our_view(m, "data");
	int n = -1;

	json_unpack(v, "{s:i}", "detached", &n);
	json_decref(v);
	return n;
}

/* It may still reach an OSD: until that is over nobody else may read or write under it. */
static void early(struct both *b, int cancel)
{
	const char *path = cancel ? TOP "/cancelled" : TOP "/late";
	struct cephring_statx st;
	struct their_io rd = { path, got, 5000, 0, 0 };
	static struct flight x, after;
	struct their_job job;
	cephring_file *f = opened(b->mount, path, O_RDWR | O_CREAT, NULL);
	pthread_t t;
	int osd;

	bytes_fill(want, 4096, 0, 1);
	tap_eq(cephring_sync_write(f, want, 4096, 0, CEPHRING_IO_DSYNC), 4096, "written");
	if (cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_BASIC, 0, &root, &st))
		tap_die("its number");
	osd = first_osd(&st);
	devcluster("pause osd.%d", osd);
	bytes_fill(want, 4096, 0, 2);
	if (!cancel)
		cephring_op_deadline(&x.op, now_ns() + S / 5);
	writes(f, &x, want, 4096, 0, CEPHRING_IO_DIRECT);
	serve(b->engine, 100);
	if (cancel)
		cephring_op_cancel(b->mount, &x.op);
	tap_ok(lands(b, &x, 3000), "the operation ends although its OSD does nothing");
	tap_eq(x.res, cancel ? -ECANCELED : -ETIMEDOUT, "early");
	tap_ok(cephring_op_uncertain(&x.op), "nobody knows whether it is written");
	tap_eq(detached(b->mount), 1, "it goes on without its operation");
	memset(want, 0xee, 4096); /* the program's again */
	t = they_begin(b, &job, their_pread, &rd);
	serve(b->engine, 1500);
	tap_ok(!atomic_load(&job.ended), "another client does not pass it by");
	devcluster("resume osd.%d", osd);
	tap_eq(they_end(b, &job, t), 4096, "afterwards it reads");
	bytes_fill(want, 4096, 0, 2);
	tap_eq(bytes_differ(got, want, 4096), -1, "what was written");
	tap_eq(detached(b->mount), 0, "that is over");
	writes(f, &after, want, 4096, 4096, CEPHRING_IO_DIRECT);
	tap_ok(lands(b, &after, 20000) && after.res == 4096, "and it goes on");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

/* Its connection breaks: what is sent in its place tells that it is over. */
static void killed_under(struct both *b)
{
	const char *path = TOP "/killed_under";
	struct cephring_statx st;
	static struct flight x;
	cephring_file *f = opened(b->mount, path, O_RDWR | O_CREAT, NULL);
	uint64_t limit;
	int osd;

	bytes_fill(want, 4096, 0, 3);
	tap_eq(cephring_sync_write(f, want, 4096, 0, CEPHRING_IO_DSYNC), 4096, "written");
	if (cephring_sync_statx(b->mount, NULL, path, CEPHRING_STATX_BASIC, 0, &root, &st))
		tap_die("its number");
	osd = first_osd(&st);
	devcluster("pause osd.%d", osd);
	bytes_fill(want, 4096, 0, 4);
	writes(f, &x, want, 4096, 0, CEPHRING_IO_DIRECT);
	serve(b->engine, 100);
	cephring_op_cancel(b->mount, &x.op);
	tap_ok(lands(b, &x, 3000), "a cancelled write ends");
	tap_eq(detached(b->mount), 1, "it goes on without its operation");
	devcluster("kill osd.%d", osd);
	devcluster("restart osd.%d", osd);
	limit = now_ns() + 40 * S;
	while (detached(b->mount) && now_ns() < limit)
		serve(b->engine, 100);
	tap_eq(detached(b->mount), 0, "with the end of its OSD it is over");
	tap_eq(they_read(b, path, got, 5000, 0), 4096, "libcephfs reads");
	bytes_fill(want, 4096, 0, 3);
	tap_eq(bytes_differ(got, want, 4096), -1, "it was never carried out");
	tap_eq(cephring_sync_close(f), 0, "closed");
}

int main(void)
{
	struct both *b = both_new(NULL, NULL);

	they(b, their_clean, TOP);
	if (they_do(b, THEY_MKDIR, TOP, NULL, 0777))
		tap_die("a directory");
	early(b, 0);
	early(b, 1);
	killed_under(b);
	both_free(b);
	return tap_end();
}
