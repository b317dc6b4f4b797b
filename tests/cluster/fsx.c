/* cluster: --mds 1; timeout: 120 */
/* One file, changed and read at random by one client of ours, by two, and by one of ours beside libcephfs;
 * every read is held against a model in memory. The seed is printed; FSX_SEED sets it, FSX_STEPS how long. */
#include "bytes.h"

#define TOP "/fsx"

enum { FILE_MAX = 600000, STEPS = 1000, LOGGED = 12 };

static const struct cephring_cred root = { 0 };

static uint64_t rnd_state;

static uint32_t rnd(uint32_t below)
{
	rnd_state = rnd_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((rnd_state >> 33) % below);
}

/* ---- who acts ---- */

enum who { OURS, OURS_TOO, THEIRS };

struct world {
	struct both *b;
	struct beside beside;
	cephring_file *file[2]; /* by OURS and OURS_TOO; NULL: not open */
	int fd;                 /* of libcephfs's, or -1 */
	char path[64];
	uint8_t model[FILE_MAX + 1];
	uint64_t size;
	char log[LOGGED][96]; /* the newest steps */
	unsigned logged, stamp;
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

static int64_t do_write(enum who who, uint64_t offset, uint64_t len, bool append)
{
	if (who == THEIRS)
		return theirs(T_WRITE, offset, len);
	return cephring_sync_write(w.file[who], buf, len, offset,
				   (append ? CEPHRING_IO_APPEND : 0) | (rnd(8) ? 0 : CEPHRING_IO_DSYNC));
}

static int64_t do_cut(enum who who, uint64_t size)
{
	struct cephring_setattr s = { .struct_size = sizeof s, .set = CEPHRING_SET_SIZE, .size = size };

	if (who == THEIRS)
		return theirs(T_CUT, 0, size);
	s.file = w.file[who];
	return cephring_sync_setattr(mount_of(who), cephring_file_inode(s.file), "", &s, 0, &root);
}

static int64_t do_zero(enum who who, int mode, uint64_t offset, uint64_t len)
{
	return who == THEIRS ? theirs(T_PUNCH, offset, len)
			     : cephring_sync_fallocate(w.file[who], mode, offset, len);
}

/* ---- steps ---- */

__attribute__((format(printf, 1, 2))) static void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w.log[w.logged++ % LOGGED], sizeof *w.log, fmt, ap);
	va_end(ap);
}

static uint64_t some_length(uint64_t room)
{
	uint32_t max = rnd(3) ? 5000 : 200000;

	return 1 + rnd(room - 1 < max ? (uint32_t)room : max);
}

static int step_read(enum who who)
{
	uint64_t offset = rnd((uint32_t)w.size + 1000), len = some_length(FILE_MAX), want;
	int64_t res;

	note("%d reads %" PRIu64 " at %" PRIu64, who, len, offset);
	want = offset >= w.size ? 0 : w.size - offset < len ? w.size - offset : len;
	memset(buf, 0xee, len);
	res = do_read(who, offset, len);
	if (res != (int64_t)want) {
		tap_note("%lld bytes were read, not %lld", (long long)res, (long long)want);
		return 0;
	}
	if (want && bytes_differ(buf, w.model + offset, want) >= 0) {
		tap_note("byte %lld differs", (long long)offset + bytes_differ(buf, w.model + offset, want));
		return 0;
	}
	return 1;
}

static int step_write(enum who who, bool append)
{
	uint64_t offset = append ? w.size : rnd(FILE_MAX - 1), len;

	if (append && (who == THEIRS || w.size > FILE_MAX - 10))
		return 1;
	len = some_length(FILE_MAX - offset);
	note("%d %s %" PRIu64 " at %" PRIu64, who, append ? "appends" : "writes", len, offset);
	bytes_fill(buf, len, offset, ++w.stamp);
	if (offset > w.size)
		memset(w.model + w.size, 0, offset - w.size);
	memcpy(w.model + offset, buf, len);
	if (offset + len > w.size)
		w.size = offset + len;
	return do_write(who, append ? 0 : offset, len, append) == (int64_t)len;
}

static int step_cut(enum who who)
{
	uint64_t size = rnd(FILE_MAX);

	note("%d cuts to %" PRIu64, who, size);
	if (size > w.size)
		memset(w.model + w.size, 0, size - w.size);
	w.size = size;
	return do_cut(who, size) == 0;
}

static int step_zero(enum who who)
{
	bool grow = who != THEIRS && !rnd(3);
	uint64_t offset = rnd(FILE_MAX - 1), len = some_length(FILE_MAX - offset), end = offset + len;

	note("%d %s %" PRIu64 " at %" PRIu64, who, grow ? "zeroes" : "punches", len, offset);
	if (grow && end > w.size) {
		memset(w.model + w.size, 0, end - w.size);
		w.size = end;
	}
	if (offset < w.size)
		memset(w.model + offset, 0, (end < w.size ? end : w.size) - offset);
	return do_zero(who, grow ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
		       len) == 0;
}

static int step_copy(enum who who)
{
	uint64_t half = w.size / 2, len, to;

	if (who == THEIRS || half < 2)
		return 1;
	len = some_length(half);
	to = half + rnd((uint32_t)(FILE_MAX - half - len));
	note("%d copies %" PRIu64 " to %" PRIu64, who, len, to);
	if (to > w.size)
		memset(w.model + w.size, 0, to - w.size);
	memcpy(w.model + to, w.model, len);
	if (to + len > w.size)
		w.size = to + len;
	return cephring_sync_copy(w.file[who], 0, w.file[who], to, len, 0) == (int64_t)len;
}

static int step_size(enum who who)
{
	struct cephring_statx st;

	if (who == THEIRS)
		return 1;
	note("%d asks for the size", who);
	if (cephring_sync_statx(mount_of(who), cephring_file_inode(w.file[who]), "", CEPHRING_STATX_SIZE, 0,
				&root, &st))
		return 0;
	if (st.size != w.size)
		tap_note("the size is %" PRIu64 ", not %" PRIu64, st.size, w.size);
	return st.size == w.size;
}

static int step_sync(enum who who)
{
	note("%d syncs", who);
	return (who == THEIRS ? theirs(T_SYNC, 0, 0) : cephring_sync_fsync(w.file[who], (int)rnd(2))) == 0;
}

static int step(enum who who)
{
	switch (rnd(20)) {
	case 0:
		return step_cut(who);
	case 1:
		return step_zero(who);
	case 2:
		return step_copy(who);
	case 3:
		return step_sync(who);
	case 4:
		note("%d opens anew", who);
		return reopen(who) == 0;
	case 5:
		return step_size(who);
	case 6:
	case 7:
		return step_write(who, true);
	case 8:
	case 9:
	case 10:
	case 11:
	case 12:
		return step_write(who, false);
	default:
		return step_read(who);
	}
}

/* ---- runs ---- */

static void run(const char *name, const enum who *actors, unsigned count, const struct cephring_layout *l,
		unsigned steps)
{
	uint64_t seed = rnd_state;
	int64_t res;
	unsigned n;
	int good = 1;

	snprintf(w.path, sizeof w.path, TOP "/%s", name);
	w.size = 0;
	w.logged = 0;
	w.fd = -1;
	res = cephring_sync_open(w.b->mount, NULL, w.path, O_RDWR | O_CREAT, 0644, l, &root, &w.file[OURS]);
	if (res != 1)
		tap_die("a file is made");
	for (n = 0; n < count; n++)
		if (reopen(actors[n]))
			tap_die("it is opened");
	for (n = 0; n < steps && good; n++)
		good = step(actors[rnd(count)]);
	tap_ok(good, "%s: %u steps (state %#" PRIx64 " before)", name, n, seed);
	for (unsigned k = w.logged > LOGGED ? w.logged - LOGGED : 0; !good && k < w.logged; k++)
		tap_note("%s", w.log[k % LOGGED]);
	for (n = 0; n < count; n++) {
		enum who who = actors[n];

		good = who == THEIRS ? theirs(T_CLOSE, 0, 0) == 0 : cephring_sync_close(w.file[who]) == 0;
		tap_ok(good, "closed");
		if (who != THEIRS)
			w.file[who] = NULL;
	}
}

int main(void)
{
	static const enum who alone[] = { OURS }, two[] = { OURS, OURS_TOO }, both[] = { OURS, THEIRS };
	static const struct cephring_layout small = { 65536, 3, 131072, -1 };
	const char *seed = getenv("FSX_SEED"), *steps = getenv("FSX_STEPS");
	unsigned count = steps ? (unsigned)atoi(steps) : STEPS;

	rnd_state = seed ? strtoull(seed, NULL, 0) : now_ns();
	tap_note("FSX_SEED=%#" PRIx64, rnd_state);
	w.b = both_new(NULL, NULL);
	they(w.b, their_clean, TOP);
	if (they_do(w.b, THEY_MKDIR, TOP, NULL, 0777))
		tap_die("a directory");
	beside_begin(w.b, &w.beside, NULL);
	run("alone", alone, 1, &small, count);
	run("alone_plain", alone, 1, NULL, count);
	run("two", two, 2, &small, count);
	run("beside", both, 2, &small, count);
	run("beside_plain", both, 2, NULL, count);
	beside_end(&w.beside);
	both_free(w.b);
	return tap_end();
}
