/* cluster: --mds 1; timeout: 120 */
/* One file, changed and read at random by one client of ours, by two, and by one of ours beside libcephfs;
 * every read is held against a model in memory.
 *
 * All steps of a run are drawn before the first is taken, so any part of them can be taken again: when
 * something differs, others are left out as long as it still does, and what remains is shown, with the
 * environment that takes these steps again:
 *
 *   FSX_SEED=N     where the numbers begin; printed
 *   FSX_STEPS=N    how long a run is
 *   FSX_RUN=NAME   this run alone
 *   FSX_ONLY=N,... these of its steps alone
 */
#include "bytes.h"
#include "minimise.h"

#define TOP "/fsx"

enum { FILE_MAX = 600000, STEPS = 1000, SHOWN = 12 };
enum { TRIES = 500, TRIES_S = 40 }; /* to make a failure shorter */

static const struct cephring_cred root = { 0 };

static uint64_t rnd_state;

static uint32_t rnd(uint32_t below)
{
	rnd_state = rnd_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((rnd_state >> 33) % below);
}

/* ---- who acts ---- */

enum who { OURS, OURS_TOO, THEIRS };

struct run {
	const char *name;
	enum who actors[2];
	unsigned count; /* of actors */
	const struct cephring_layout *layout;
};

enum what { CUT, PUNCH, ZERO, COPY, SYNC, OPEN, SIZE, APPEND, WRITE, READ };

/* Means the same whatever was done before: no part of it is drawn when it is taken. */
struct step {
	enum who who;
	enum what what;
	bool sync; /* a write: to stable storage; a sync: of the data alone */
	uint64_t offset, len;
};

struct world {
	struct both *b;
	struct beside beside;
	cephring_file *file[2]; /* by OURS and OURS_TOO; NULL: not open */
	int fd;                 /* of libcephfs's, or -1 */
	char path[64];
	uint8_t model[FILE_MAX + 1];
	uint64_t size;
	struct step *plan;     /* owned: all steps of a run */
	uint64_t until_ns;     /* no more steps then; 0: no limit */
	char why[128];         /* what differed */
	const unsigned *fault; /* NULL, or two steps that differ together: to test the test */
};

static struct world w;
static uint8_t buf[FILE_MAX];

static cephring_mount *mount_of(enum who who)
{
	return who == OURS ? w.b->mount : w.beside.mount;
}

struct their_step {
	enum { T_OPEN, T_CLOSE, T_READ, T_WRITE, T_CUT, T_SYNC, T_PUNCH } kind;
	uint64_t offset, len;
};

/* A read that ends short of a size that libcephfs 16 does not know yet is begun again for the rest, and if it
 * may cache by then it gives back the rest alone. So it is made to learn the size first. It may stop short at
 * a hole: on until nothing comes. */
static int their_read(struct ceph_mount_info *cm, uint64_t offset, uint64_t len)
{
	struct ceph_statx st;
	uint64_t done = 0;
	int n = ceph_fstatx(cm, w.fd, &st, CEPH_STATX_SIZE, 0);

	if (n)
		return n;

	while (done < len) {
		n = ceph_read(cm, w.fd, (char *)buf + done, (int64_t)(len - done), (int64_t)(offset + done));
		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	return n < 0 ? n : (int)done;
}

static int their_act(struct ceph_mount_info *cm, void *arg)
{
	const struct their_step *s = arg;

	switch (s->kind) {
	case T_OPEN:
		w.fd = ceph_open(cm, w.path, O_RDWR, 0);
		return w.fd < 0 ? w.fd : 0;
	case T_CLOSE:
		return ceph_close(cm, w.fd);
	case T_READ:
		return their_read(cm, s->offset, s->len);
	case T_WRITE:
		return ceph_write(cm, w.fd, (char *)buf, (int64_t)s->len, (int64_t)s->offset);
	case T_CUT:
		return ceph_ftruncate(cm, w.fd, (int64_t)s->len);
	case T_PUNCH:
		return ceph_fallocate(cm, w.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				      (int64_t)s->offset, (int64_t)s->len);
	default:
		return ceph_fsync(cm, w.fd, 0);
	}
}

static int64_t theirs(int kind, uint64_t offset, uint64_t len)
{
	struct their_step s = { kind, offset, len };

	return they(w.b, their_act, &s);
}

static int64_t reopen(enum who who)
{
	int64_t res = 0;

	if (who == THEIRS) {
		if (w.fd >= 0)
			res = theirs(T_CLOSE, 0, 0);
		w.fd = -1;
		return res ? res : theirs(T_OPEN, 0, 0);
	}
	if (w.file[who])
		res = cephring_sync_close(w.file[who]);
	w.file[who] = NULL;
	return res ? res
		   : cephring_sync_open(mount_of(who), NULL, w.path, O_RDWR, 0, NULL, &root, &w.file[who]);
}

static int64_t do_read(enum who who, uint64_t offset, uint64_t len)
{
	return who == THEIRS ? theirs(T_READ, offset, len)
			     : cephring_sync_read(w.file[who], buf, len, offset, 0);
}

static int64_t do_write(const struct step *s, uint64_t offset, uint64_t len)
{
	if (s->who == THEIRS)
		return theirs(T_WRITE, offset, len);
	return cephring_sync_write(w.file[s->who], buf, len, s->what == APPEND ? 0 : offset,
				   (s->what == APPEND ? CEPHRING_IO_APPEND : 0) |
				       (s->sync ? CEPHRING_IO_DSYNC : 0));
}

static int64_t do_cut(enum who who, uint64_t size)
{
	struct cephring_setattr s = { .struct_size = sizeof s, .set = CEPHRING_SET_SIZE, .size = size };

	if (who == THEIRS)
		return theirs(T_CUT, 0, size);
	s.file = w.file[who];
	return cephring_sync_setattr(mount_of(who), cephring_file_inode(s.file), "", &s, 0, &root);
}

static int64_t do_zero(const struct step *s)
{
	int mode = s->what == ZERO ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	return s->who == THEIRS ? theirs(T_PUNCH, s->offset, s->len)
				: cephring_sync_fallocate(w.file[s->who], mode, s->offset, s->len);
}

/* ---- drawing steps ---- */

static uint64_t some_length(uint64_t room)
{
	uint32_t max = rnd(3) ? 5000 : 200000;

	return 1 + rnd(room - 1 < max ? (uint32_t)room : max);
}

/* As much of the step as the file takes: where others were left out, it may be longer or shorter than when
 * the step was drawn. */
static uint64_t fitting(const struct step *s, uint64_t size)
{
	uint64_t room = s->what == APPEND ? FILE_MAX - size : s->what == COPY ? size : UINT64_MAX;

	return s->len < room ? s->len : room;
}

static uint64_t size_after(const struct step *s, uint64_t size)
{
	uint64_t len = fitting(s, size), end = s->offset + len;

	switch (s->what) {
	case CUT:
		return len;
	case APPEND:
		return size + len;
	case COPY:
		return len && end > size ? end : size;
	case ZERO:
	case WRITE:
		return end > size ? end : size;
	default:
		return size;
	}
}

static enum what some_what(enum who who, uint64_t size)
{
	static const enum what mix[20] = { CUT,    PUNCH, COPY,  SYNC,  OPEN,  SIZE,  APPEND,
					   APPEND, WRITE, WRITE, WRITE, WRITE, WRITE, READ,
					   READ,   READ,  READ,  READ,  READ,  READ };
	enum what what = mix[rnd(20)];

	if (what == PUNCH && who != THEIRS && !rnd(3))
		return ZERO;
	if (who == THEIRS && (what == COPY || what == SIZE || what == APPEND))
		return READ;
	return (what == COPY && size < 4) || (what == APPEND && size > FILE_MAX - 10) ? READ : what;
}

static struct step draw(enum who who, uint64_t size)
{
	struct step s = { .who = who, .what = some_what(who, size) };

	switch (s.what) {
	case CUT:
		s.len = rnd(FILE_MAX);
		break;
	case PUNCH:
	case ZERO:
	case WRITE:
		s.offset = rnd(FILE_MAX - 1);
		s.len = some_length(FILE_MAX - s.offset);
		s.sync = s.what == WRITE && !rnd(8);
		break;
	case COPY: /* from the file's begin */
		s.len = some_length(size / 2);
		s.offset = size / 2 + rnd((uint32_t)(FILE_MAX - size / 2 - s.len));
		break;
	case APPEND:
		s.len = some_length(FILE_MAX - size);
		s.sync = !rnd(8);
		break;
	case READ:
		s.offset = rnd((uint32_t)size + 1000);
		s.len = some_length(FILE_MAX);
		break;
	default:
		s.sync = s.what == SYNC && rnd(2);
	}
	return s;
}

static void plan(const struct run *r, unsigned steps)
{
	uint64_t size = 0;

	free(w.plan);
	w.plan = calloc(steps + 1, sizeof *w.plan);
	if (!w.plan)
		tap_die("memory for the steps");
	for (unsigned n = 0; n < steps; n++) {
		w.plan[n] = draw(r->actors[rnd(r->count)], size);
		size = size_after(&w.plan[n], size);
	}
}

static void show(unsigned n)
{
	static const char *const who[] = { "ours", "our second", "libcephfs" };
	static const char *const what[] = { "cuts to",
					    "punches",
					    "zeroes",
					    "copies from the begin",
					    "syncs",
					    "opens anew",
					    "asks for the size",
					    "appends",
					    "writes",
					    "reads" };
	const struct step *s = &w.plan[n];
	char len[32] = "", at[32] = "";

	if (s->what != SYNC && s->what != OPEN && s->what != SIZE)
		snprintf(len, sizeof len, " %" PRIu64, s->len);
	if (*len && s->what != CUT && s->what != APPEND)
		snprintf(at, sizeof at, " %s %" PRIu64, s->what == COPY ? "to" : "at", s->offset);
	tap_note("step %u: %s %s%s%s%s", n, who[s->who], what[s->what], len, at,
		 !s->sync          ? ""
		 : s->what == SYNC ? " the data"
				   : ", synced");
}

/* ---- taking steps ---- */

__attribute__((format(printf, 1, 2))) static int differs(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w.why, sizeof w.why, fmt, ap);
	va_end(ap);
	return 0;
}

static int went(int64_t res, int64_t want)
{
	return res == want ? 1 : differs("its result is %" PRId64 ", not %" PRId64, res, want);
}

static int step_read(const struct step *s)
{
	uint64_t left = s->offset < w.size ? w.size - s->offset : 0, want = left < s->len ? left : s->len;
	long long at;
	int64_t res;

	memset(buf, 0xee, s->len);
	res = do_read(s->who, s->offset, s->len);
	if (!went(res, (int64_t)want))
		return 0;
	at = want ? bytes_differ(buf, w.model + s->offset, want) : -1;
	return at < 0 ? 1 : differs("byte %lld differs", (long long)s->offset + at);
}

static int step_size(const struct step *s)
{
	struct cephring_statx st;
	int err = cephring_sync_statx(mount_of(s->who), cephring_file_inode(w.file[s->who]), "",
				      CEPHRING_STATX_SIZE, 0, &root, &st);

	return went(err ? err : (int64_t)st.size, (int64_t)w.size);
}

/* `n`: what is written says which step wrote it. */
static int step(unsigned n)
{
	const struct step *s = &w.plan[n];
	uint64_t was = w.size, len = fitting(s, was), offset = s->what == APPEND ? was : s->offset;

	w.size = size_after(s, was);
	if (w.size > was)
		memset(w.model + was, 0, w.size - was);
	switch (s->what) {
	case CUT:
		return went(do_cut(s->who, len), 0);
	case PUNCH:
	case ZERO:
		if (offset < w.size)
			memset(w.model + offset, 0, len < w.size - offset ? len : w.size - offset);
		return went(do_zero(s), 0);
	case COPY:
		memmove(w.model + offset, w.model, len);
		return went(len ? cephring_sync_copy(w.file[s->who], 0, w.file[s->who], offset, len, 0) : 0,
			    (int64_t)len);
	case APPEND:
	case WRITE:
		bytes_fill(buf, len, offset, n + 1);
		memcpy(w.model + offset, buf, len);
		return went(len ? do_write(s, offset, len) : 0, (int64_t)len);
	case SYNC:
		return went(s->who == THEIRS ? theirs(T_SYNC, 0, 0)
					     : cephring_sync_fsync(w.file[s->who], s->sync),
			    0);
	case OPEN:
		return went(reopen(s->who), 0);
	case SIZE:
		return step_size(s);
	default:
		return step_read(s);
	}
}

/* ---- runs ---- */

static void begin(const struct run *r)
{
	int err;

	snprintf(w.path, sizeof w.path, TOP "/%s", r->name);
	w.size = 0;
	w.fd = -1;
	err = cephring_sync_unlink(w.b->mount, NULL, w.path, 0, &root);
	if (err && err != -ENOENT)
		tap_die("the file of the last time is removed");
	if (cephring_sync_open(w.b->mount, NULL, w.path, O_RDWR | O_CREAT, 0644, r->layout, &root,
			       &w.file[OURS]) != 1)
		tap_die("a file is made");
	for (unsigned n = 0; n < r->count; n++)
		if (reopen(r->actors[n]))
			tap_die("it is opened");
}

static int64_t end(const struct run *r)
{
	int64_t res = 0, err;

	for (unsigned n = 0; n < r->count; n++) {
		enum who who = r->actors[n];

		if (who == THEIRS) {
			err = w.fd >= 0 ? theirs(T_CLOSE, 0, 0) : 0;
		} else {
			err = w.file[who] ? cephring_sync_close(w.file[who]) : 0;
			w.file[who] = NULL;
		}
		res = res ? res : err;
	}
	return res;
}

static bool late(void)
{
	return w.until_ns && now_ns() > w.until_ns;
}

/* Takes these steps on a new file. The number of those that were as the model says: `count`, or one failed,
 * which `why` tells of. */
static unsigned take(const struct run *r, const unsigned *steps, unsigned count)
{
	bool half = false;
	unsigned n;
	int64_t err;

	begin(r);
	*w.why = '\0';
	for (n = 0; n < count && !late(); n++) {
		if (!step(steps[n]))
			break;
		if (w.fault && half && steps[n] == w.fault[1] && !differs("so it was asked for"))
			break;
		half |= w.fault && steps[n] == w.fault[0];
	}
	err = end(r);
	if (err && !*w.why)
		differs("closing fails: %" PRId64, err);
	return n;
}

static bool still_fails(struct minimise *m, const unsigned *steps, unsigned count)
{
	take(m->arg, steps, count);
	if (late())
		m->tries = 0;
	return *w.why && !late();
}

/* Leaves of the steps, which failed, those that it takes to fail; returns how many. 0: they do not fail
 * again. */
static unsigned shorten(const struct run *r, unsigned *steps, unsigned count)
{
	struct minimise m = { still_fails, (void *)r, TRIES };

	w.until_ns = now_ns() + TRIES_S * 1000000000ull;
	count = still_fails(&m, steps, count) ? minimise(&m, steps, count) : 0;
	w.until_ns = 0;
	return count;
}

static void show_all(const struct run *r, const unsigned *steps, unsigned count, uint64_t seed, unsigned of)
{
	for (unsigned n = 0; n < count; n++)
		show(steps[n]);
	printf("# again: FSX_RUN=%s FSX_SEED=%#" PRIx64 " FSX_STEPS=%u FSX_ONLY=", r->name, seed, of);
	for (unsigned n = 0; n < count; n++)
		printf("%s%u", n ? "," : "", steps[n]);
	putchar('\n');
	fflush(stdout);
}

/* What failed at the `at`th of the steps. */
static void explain(const struct run *r, unsigned *steps, unsigned count, unsigned at, uint64_t seed,
		    unsigned of)
{
	static bool shortened; /* once: the test's time is limited */

	tap_note("%s; the last steps:", w.why);
	count = at < count ? at + 1 : count;
	for (unsigned n = count > SHOWN ? count - SHOWN : 0; n < count; n++)
		show(steps[n]);
	if (shortened)
		return;
	shortened = true;
	count = shorten(r, steps, count);
	if (!count) {
		tap_note("taken again, they do not fail");
		return;
	}
	tap_note("what it takes to fail, as far as was found in time (%u steps):", count);
	show_all(r, steps, count, seed, of);
}

/* Those of a list like 3,17,205 that there are; all without one. */
static unsigned chosen(unsigned *steps, unsigned all, const char *only)
{
	unsigned count = 0;

	for (unsigned n = 0; n < all && !only; n++)
		steps[count++] = n;
	while (only && *only && count < all) {
		char *end;
		unsigned long n = strtoul(only, &end, 10);

		if (end == only || n >= all)
			tap_die("FSX_ONLY: numbers below FSX_STEPS, with commas between");
		steps[count++] = (unsigned)n;
		only = *end ? end + 1 : end;
	}
	return count;
}

static void run(const struct run *r, unsigned all, const char *only)
{
	unsigned *steps = calloc(all + 1, sizeof *steps), count, at;
	uint64_t seed = rnd_state;

	if (!steps)
		tap_die("memory for the steps");
	plan(r, all);
	count = chosen(steps, all, only);
	at = take(r, steps, count);
	if (!tap_ok(!*w.why, "%s: every step is as the model says", r->name))
		explain(r, steps, count, at, seed, all);
	free(steps);
}

/* The test itself: of a hundred steps two are said to differ together. These are found; what any part of the
 * steps does is as the model says, or others would stay. */
static void finds(const struct run *r)
{
	static const unsigned fault[2] = { 31, 77 };
	unsigned steps[100], count;

	plan(r, 100);
	w.fault = fault;
	count = shorten(r, steps, chosen(steps, 100, NULL));
	w.fault = NULL;
	if (!tap_ok(count == 2 && steps[0] == 31 && steps[1] == 77, "two steps are found among a hundred"))
		for (unsigned n = 0; n < count; n++)
			show(steps[n]);
}

int main(void)
{
	static const struct cephring_layout small = { 65536, 3, 131072, -1 };
	static const struct run runs[] = {
		{ "alone", { OURS }, 1, &small },
		{ "alone_plain", { OURS }, 1, NULL },
		{ "two", { OURS, OURS_TOO }, 2, &small },
		{ "beside", { OURS, THEIRS }, 2, &small },
		{ "beside_plain", { OURS, THEIRS }, 2, NULL },
	};
	const char *seed = getenv("FSX_SEED"), *steps = getenv("FSX_STEPS"), *name = getenv("FSX_RUN");
	unsigned count = steps ? (unsigned)atoi(steps) : STEPS;

	rnd_state = seed ? strtoull(seed, NULL, 0) : now_ns();
	tap_note("FSX_SEED=%#" PRIx64, rnd_state);
	w.b = both_new(NULL, NULL);
	they(w.b, their_clean, TOP);
	if (they_do(w.b, THEY_MKDIR, TOP, NULL, 0777))
		tap_die("a directory");
	beside_begin(w.b, &w.beside, NULL);
	for (unsigned n = 0; n < sizeof runs / sizeof *runs; n++)
		if (!name || !strcmp(name, runs[n].name))
			run(&runs[n], count, getenv("FSX_ONLY"));
	if (!name)
		finds(&runs[3]);
	beside_end(&w.beside);
	both_free(w.b);
	free(w.plan);
	return tap_end();
}
