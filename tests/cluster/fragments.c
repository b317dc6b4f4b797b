/* cluster: --mds 1 --set mds.mds_bal_fragment_dirs=false; timeout: 240 */
/* A large directory that is split into fragments, and put together again, while several handles list it,
 * names come and go, and at first it is still being filled. Whoever lists sees each name that is there all
 * the time once, and no name twice; also one who has stopped in the middle meanwhile. The MDS splits when it
 * is told to, never by itself. CEPHRING_TEST_ENTRIES is how many names: 10000, at most 99000, for an MDS puts
 * no more than 100000 into one fragment. */
#include <sys/un.h>
#include "ours.h"

#define TOP "/fragments"
enum { ENTRIES = 10000, MAKERS = 128, READERS = 4, COMERS = 8, WAIT_S = 60 };

static const struct cephring_cred root = { 0 };
static cephring_mount *mount;
static int entries;
static int failures; /* of calls */

static void failed(const char *what, int number, int64_t res)
{
	if (failures++ < 5)
		tap_note("%s %d: %s", what, number, strerror((int)-res));
}

/* ---- filling it ---- */

struct maker {
	struct cephring_op op;
	cephring_file *file;
	char path[64];
	int number;
};

static struct maker makers[MAKERS];
static unsigned char *made; /* by number */
static int next_made;
static atomic_int all_below; /* these are there */

static void make_next(struct maker *k);

static void on_closed(struct cephring_op *op, int64_t res, void *user)
{
	struct maker *k = user;
	int low = atomic_load(&all_below);

	(void)op;
	if (res < 0)
		failed("close of", k->number, res);
	made[k->number] = 1;
	while (low < entries && made[low])
		low++;
	atomic_store(&all_below, low);
	make_next(k);
}

static void on_made(struct cephring_op *op, int64_t res, void *user)
{
	struct maker *k = user;

	if (res < 0) {
		failed("creating", k->number, res);
		make_next(k);
	} else {
		cephring_close(k->file, op, on_closed, k);
	}
}

static void make_next(struct maker *k)
{
	int err;

	if (next_made == entries)
		return;
	k->number = next_made++;
	snprintf(k->path, sizeof k->path, TOP "/f%06d", k->number);
	err = cephring_open(mount, NULL, k->path, O_CREAT | O_EXCL | O_WRONLY, 0644, NULL, &root, &k->op,
			    on_made, k, &k->file);
	if (err)
		failed("submitting", k->number, err);
}

/* ---- names that come and go ---- */

struct comer {
	struct cephring_op op;
	char path[64];
	bool there;
};

static struct comer comers[COMERS];
static bool leave; /* nothing new is begun */
static int busy;   /* comers and readers that have not ended */

static void on_came(struct cephring_op *op, int64_t res, void *user)
{
	struct comer *c = user;

	if (op && res < 0)
		failed("coming and going", (int)(c - comers), res);
	c->there = op && !c->there;
	if (leave && !c->there)
		busy--;
	else if (c->there)
		cephring_unlink(mount, NULL, c->path, 0, &root, &c->op, on_came, c);
	else
		cephring_mknod(mount, NULL, c->path, S_IFREG | 0600, 0, &root, &c->op, on_came, c);
}

/* ---- listing it ---- */

struct reader {
	struct cephring_op op;
	cephring_file *file;
	char *buf;
	size_t size;
	unsigned char *seen; /* by number; the last ones are those that come and go */
	int from_start;      /* names that were there when the listing began */
	int count;
	bool resting;
	atomic_int listings, missing, twice;
};

static struct reader readers[READERS];
static atomic_bool rest; /* the first one stops in the middle */

static void read_on(struct reader *r);

static void begin_listing(struct reader *r)
{
	cephring_rewinddir(r->file);
	memset(r->seen, 0, (size_t)entries + COMERS);
	r->from_start = atomic_load(&all_below);
	r->count = 0;
}

static void end_listing(struct reader *r)
{
	for (int n = 0; n < r->from_start; n++)
		r->missing += !r->seen[n];
	r->listings++;
	begin_listing(r);
}

static void take(struct reader *r, const char *name)
{
	int n;

	if (sscanf(name, "f%d", &n) != 1 && sscanf(name, "v%d", &n) != 1)
		return;
	n += *name == 'v' ? entries : 0;
	r->twice += r->seen[n];
	r->seen[n] = 1;
	r->count++;
}

static void on_read(struct cephring_op *op, int64_t res, void *user)
{
	struct reader *r = user;

	(void)op;
	if (res < 0) {
		failed("listing", (int)(r - readers), res);
		busy--;
		return;
	}
	for (int64_t at = 0; at < res;) {
		const struct cephring_dirent *e = (const struct cephring_dirent *)(r->buf + at);

		take(r, e->name);
		at += e->reclen;
	}
	if (!res)
		end_listing(r);
	if (leave && !res)
		busy--;
	else if (r == readers && atomic_load(&rest) && r->count > entries / 2)
		r->resting = true;
	else
		read_on(r);
}

static void read_on(struct reader *r)
{
	int err = cephring_readdir(r->file, r->buf, r->size, &r->op, on_read, r);

	r->resting = false;
	if (err)
		on_read(&r->op, err, r);
}

static void readers_begin(void)
{
	for (int n = 0; n < READERS; n++) {
		struct reader *r = &readers[n];

		r->size = 1024u << (2 * n);
		r->buf = malloc(r->size);
		r->seen = calloc(1, (size_t)entries + COMERS);
		if (!r->buf || !r->seen ||
		    cephring_sync_open(mount, NULL, TOP, O_RDONLY | O_DIRECTORY, 0, NULL, &root, &r->file))
			tap_die("the directory opens");
		begin_listing(r);
		busy++;
		read_on(r);
	}
	for (int n = 0; n < COMERS; n++) {
		snprintf(comers[n].path, sizeof comers[n].path, TOP "/v%d", n);
		busy++;
		on_came(NULL, 0, &comers[n]);
	}
}

/* ---- the fragments: a thread tells the MDS, by its socket for administrators ---- */

/* What it answers to a command in JSON; into `out`. */
static int admin(const char *command, char *out, size_t room)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t n = -1;
	uint32_t size;

	snprintf(to.sun_path, sizeof to.sun_path, "%s/run/mds.a.asok", getenv("CLUSTER_DIR"));
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof to) &&
	    write(fd, command, strlen(command) + 1) > 0 && read(fd, &size, 4) == 4)
		while (len < room - 1 && (n = read(fd, out + len, room - 1 - len)) > 0)
			len += (size_t)n;
	out[len] = '\0';
	if (fd >= 0)
		close(fd);
	return n == 0 ? 0 : -1;
}

static int fragments(void)
{
	static char out[1 << 16];
	int n = 0;

	if (admin("{\"prefix\":\"dirfrag ls\",\"path\":\"" TOP "\"}", out, sizeof out))
		return -1;
	for (const char *p = out; (p = strstr(p, "\"bits\"")) != NULL; p++)
		n++;
	return n;
}

/* One listing of each that is awake begins and ends from now on. */
static void a_listing_each(void)
{
	int before[READERS];

	for (int n = 0; n < READERS; n++)
		before[n] = atomic_load(&readers[n].listings);
	for (int n = 0; n < READERS; n++)
		for (int k = 0; k < WAIT_S * 100; k++) {
			if ((!n && atomic_load(&rest)) || atomic_load(&readers[n].listings) >= before[n] + 2)
				break;
			usleep(10000);
		}
}

/* bits 0: what lies below `frag` becomes one again. `want` there are then. */
static int become(const char *frag, int bits, int want)
{
	char command[256], out[4096];
	int got = -1;

	snprintf(command, sizeof command,
		 "{\"prefix\":\"dirfrag %s\",\"path\":\"" TOP "\",\"frag\":\"%s\",\"bits\":%d}",
		 bits ? "split" : "merge", frag, bits);
	if (admin(command, out, sizeof out))
		return -1;
	for (int n = 0; n < WAIT_S * 100 && (got = fragments()) != want; n++)
		usleep(10000);
	if (got != want)
		tap_note("%s: %d fragments; %s", command, got, out);
	a_listing_each();
	return got == want ? 0 : -1;
}

static int tell(struct ceph_mount_info *cm, void *arg)
{
	int wrong = 0;

	(void)cm;
	(void)arg;
	while (atomic_load(&all_below) < entries / 3)
		usleep(1000);
	wrong += become("0/0", 1, 2) != 0;
	while (atomic_load(&all_below) < entries)
		usleep(1000);
	a_listing_each();
	atomic_store(&rest, true);
	wrong += become("0/1", 2, 5) != 0;
	wrong += become("800000/1", 3, 12) != 0;
	wrong += become("0/1", 0, 9) != 0;
	atomic_store(&rest, false);
	wrong += become("0/0", 0, 1) != 0;
	wrong += become("0/0", 5, 32) != 0;
	wrong += become("0/0", 0, 1) != 0;
	return wrong;
}

int main(void)
{
	static const char *const options[] = { "cephring_cache_bytes", "2097152", "cephring_async_dirops",
					       "true", NULL };
	const char *wanted = getenv("CEPHRING_TEST_ENTRIES");
	struct both *b = both_new(options, NULL);
	struct their_job job;
	uint64_t start, filled = 0;
	pthread_t t;

	entries = wanted ? atoi(wanted) : ENTRIES;
	made = calloc(1, (size_t)entries);
	mount = b->mount;
	if (entries < MAKERS || !made || they(b, their_clean, TOP) ||
	    cephring_sync_mkdir(mount, NULL, TOP, 0755, 0, &root))
		tap_die("a directory");
	start = now_ns();
	for (int n = 0; n < MAKERS; n++)
		make_next(&makers[n]);
	readers_begin();
	t = they_begin(b, &job, tell, NULL);
	while (!atomic_load(&job.ended) && !failures) {
		both_turn(b->engine, job.ended_fd, 100);
		if (!filled && atomic_load(&all_below) == entries)
			filled = now_ns();
		if (readers[0].resting && !atomic_load(&rest))
			read_on(&readers[0]);
	}
	tap_eq(failures, 0, "every call succeeds");
	if (failures) /* nobody may wait for what does not come */
		return tap_end();
	tap_eq(they_end(b, &job, t), 0, "it is split and put together, each time");
	leave = true;
	while (busy && !failures)
		both_turn(b->engine, -1, 100);
	tap_note("%d names in %.1f s, listed meanwhile; %llu of them asynchronously", entries,
		 (double)(filled - start) / 1e9, (unsigned long long)both_stats(b).async_ops);
	for (int n = 0; n < READERS; n++) {
		struct reader *r = &readers[n];

		tap_eq(r->missing, 0, "each name is listed");
		tap_eq(r->twice, 0, "and none twice");
		tap_note("%d listings with %zu bytes at a time", r->listings, r->size);
		tap_eq(cephring_sync_close(r->file), 0, "closed");
		free(r->buf);
		free(r->seen);
	}
	tap_eq(failures, 0, "every call to the end succeeds");
	free(made);
	both_free(b);
	return tap_end();
}
