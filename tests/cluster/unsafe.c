/* cluster: --mds 2 --standby 1; timeout: 600 */
/* MDSs killed at every kind of moment under a client that changes things: before the answer, after it was
 * given but not heard, between the unsafe and the safe reply, during fsync, while the next daemon takes over.
 * Every operation ends once and well, whatever was acknowledged is there, and nothing was done twice.
 *
 * Lanes do the same steps over and over, each in a directory of its own, half of them on another MDS; some
 * put what they leave into a directory of the other one. A step only works if the one before was carried out
 * exactly once, and each round leaves one file with two attributes that tell the round. */
#include <signal.h>
#include <sys/stat.h>
#include "ours.h"

enum { LANES = 8, BURST = 200, STEP_LIMIT_MS = 120000, TAKEOVER_LIMIT_MS = 60000 };

enum step {
	MKDIR,
	CREATE,
	CLOSE,
	RENAME,
	LINK,
	SYMLINK,
	CHMOD,
	SETXATTR,
	UNLINK,
	UNLINK_LINK,
	KEEP,
	RMDIR,
	STEPS
};
static const char *const step_names[] = { "mkdir", "create",   "close",  "rename",  "link", "symlink",
					  "chmod", "setxattr", "unlink", "unlink2", "keep", "rmdir" };

struct lane {
	struct client *c;
	struct cephring_op op;
	cephring_file *file;
	struct cephring_setattr set;
	char a[96], b[96], value[16];
	unsigned n, step, round, rounds;
	bool busy;
};

struct client {
	struct ours o;
	struct lane lane[LANES];
	unsigned losses, failed;
};

static void count_losses(void *arg, int level, const char *line)
{
	struct client *c = arg;

	if (level <= CEPHRING_LOG_WARN)
		tap_note("cephring: %s", line);
	c->losses += strstr(line, "lost") != NULL;
}

/* ---- lanes ---- */

static void lane_path(const struct lane *l, char *buf, const char *name)
{
	snprintf(buf, sizeof l->a, "/unsafe/lane%u%s%s", l->n, *name ? "/" : "", name);
}

/* Of every fourth lane, which rank 1 has, in a directory that rank 0 has. */
static void keep_path(const struct lane *l, char *buf, size_t size, unsigned round)
{
	snprintf(buf, size, l->n % 4 == 3 ? "/unsafe/kept%u/keep%u" : "/unsafe/lane%u/keep%u", l->n, round);
}

static void lane_go(struct lane *l);

static void stepped(struct cephring_op *op, int64_t res, void *user)
{
	struct lane *l = user;

	(void)op;
	l->busy = false;
	if (res < 0) {
		tap_note("lane %u, round %u, %s: %s", l->n, l->round, step_names[l->step],
			 strerror((int)-res));
		l->c->failed++;
		return;
	}
	if (++l->step == STEPS) {
		l->step = 0;
		l->round++;
	}
	if (l->round < l->rounds)
		lane_go(l);
}

static int lane_submit(struct lane *l)
{
	cephring_mount *m = l->c->o.mount;
	struct cephring_op *op = &l->op;

	lane_path(l, l->a, "d/f");
	lane_path(l, l->b, "d/g");
	snprintf(l->value, sizeof l->value, "%u", l->round);
	switch ((enum step)l->step) {
	case MKDIR:
		lane_path(l, l->a, "d");
		return cephring_mkdir(m, NULL, l->a, 0755, 0, NULL, op, stepped, l);
	case CREATE:
		return cephring_open(m, NULL, l->a, O_CREAT | O_EXCL | O_WRONLY, 0600, NULL, NULL, op,
				     stepped, l, &l->file);
	case CLOSE:
		return cephring_close(l->file, op, stepped, l);
	case RENAME:
		return cephring_rename(m, NULL, l->a, NULL, l->b, 0, NULL, op, stepped, l);
	case LINK:
		return cephring_link(m, NULL, l->b, NULL, l->a, 0, NULL, op, stepped, l);
	case SYMLINK:
		lane_path(l, l->a, "d/s");
		return cephring_symlink(m, l->value, NULL, l->a, NULL, op, stepped, l);
	case CHMOD:
		l->set = (struct cephring_setattr){ .struct_size = sizeof l->set,
						    .set = CEPHRING_SET_MODE,
						    .mode = 0400 | (l->round & 077) };
		return cephring_setattr(m, NULL, l->b, &l->set, 0, NULL, op, stepped, l);
	case SETXATTR:
		return cephring_setxattr(m, NULL, l->b, "user.round", l->value, strlen(l->value), 0, 0, NULL,
					 op, stepped, l);
	case UNLINK:
		lane_path(l, l->a, "d/s");
		return cephring_unlink(m, NULL, l->a, 0, NULL, op, stepped, l);
	case UNLINK_LINK:
		return cephring_unlink(m, NULL, l->a, 0, NULL, op, stepped, l);
	case KEEP:
		keep_path(l, l->a, sizeof l->a, l->round);
		return cephring_rename(m, NULL, l->b, NULL, l->a, 0, NULL, op, stepped, l);
	default:
		lane_path(l, l->a, "d");
		return cephring_unlink(m, NULL, l->a, CEPHRING_REMOVEDIR, NULL, op, stepped, l);
	}
}

static void lane_go(struct lane *l)
{
	l->busy = true;
	if (lane_submit(l))
		tap_die("a step is taken");
}

static void lanes_go(struct client *c, unsigned rounds)
{
	for (unsigned n = 0; n < LANES; n++) {
		c->lane[n].rounds += rounds;
		if (!c->lane[n].busy)
			lane_go(&c->lane[n]);
	}
}

static unsigned lanes_busy(const struct client *c)
{
	unsigned busy = 0;

	for (unsigned n = 0; n < LANES; n++)
		busy += c->lane[n].busy;
	return busy;
}

/* Serves until all lanes stand still; how many did not. */
static unsigned lanes_end(struct client *c)
{
	uint64_t end = now_ns() + STEP_LIMIT_MS * 1000000ull;

	while (lanes_busy(c) && now_ns() < end)
		both_turn(c->o.engine, -1, 50);
	return lanes_busy(c);
}

/* What there is must be what all rounds left, and nothing else. */
static int lane_check(struct ceph_mount_info *cm, const struct lane *l)
{
	struct ceph_dir_result *d;
	char path[128], value[16];
	unsigned names = 0;
	int bad = 0, len;

	keep_path(l, path, sizeof path, 0);
	*strrchr(path, '/') = 0;
	if (ceph_opendir(cm, path, &d))
		return 1;
	for (struct dirent *e; (e = ceph_readdir(cm, d)) != NULL;)
		names += e->d_name[0] != '.';
	ceph_closedir(cm, d);
	for (unsigned r = 0; r < l->round; r++) {
		struct ceph_statx st = { 0 };

		keep_path(l, path, sizeof path, r);
		len = ceph_getxattr(cm, path, "user.round", value, sizeof value - 1);
		value[len > 0 ? len : 0] = 0;
		if (!ceph_statx(cm, path, &st, CEPH_STATX_BASIC_STATS, 0) && st.stx_nlink == 1 &&
		    (st.stx_mode & 07777) == (0400 | (r & 077)) && len > 0 && (unsigned)atoi(value) == r)
			continue;
		tap_note("%s: nlink %u, mode %o, round \"%s\"", path, st.stx_nlink, st.stx_mode, value);
		bad++;
	}
	if (names != l->round)
		tap_note("lane %u: %u names, %u rounds", l->n, names, l->round);
	return bad + (names != l->round);
}

/* ---- the daemons ---- */

/* Who serves the rank, and where; 0, or it is not active. */
static int serving(struct client *c, int rank, char name[64], int *port)
{
	json_t *v = our_view(c->o.mount, "status"), *r;
	const char *now = "", *state = "", *addr = "";
	size_t n;

	json_array_foreach(json_object_get(json_object_get(v, "mdsmap"), "ranks"), n, r)
	{
		if (json_integer_value(json_object_get(r, "rank")) == rank)
			json_unpack(r, "{s:s,s:s,s:s}", "name", &now, "state", &state, "addr", &addr);
	}
	snprintf(name, 64, "%s", now);
	addr = strrchr(addr, ':');
	if (port)
		*port = addr ? atoi(addr + 1) : -1;
	n = strcmp(state, "active") != 0;
	json_decref(v);
	return (int)n;
}

/* From one moment to the next, by its process id: a command would take its time, and the MDS writes its
 * journal every now and then. */
static void daemon_signal(const char *kind, const char *name, int sig)
{
	char path[4096];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/pid/%s.%s", getenv("CLUSTER_DIR"), kind, name);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%d", &pid) != 1 || pid <= 1 || kill(pid, sig))
		tap_die("a daemon gets a signal");
	fclose(f);
}

static void mds_signal(struct client *c, int rank, char name[64], int sig)
{
	serving(c, rank, name, NULL);
	daemon_signal("mds", name, sig);
}

/* Without the OSD no MDS can write its journal, which it does when it likes: nothing becomes safe. */
static void journals_stop(void)
{
	daemon_signal("osd", "0", SIGSTOP);
}

static void journals_go(void)
{
	daemon_signal("osd", "0", SIGCONT);
}

/* The monitors are told, so that they need not find out. */
static void mds_die(struct client *c, int rank, char name[64])
{
	mds_signal(c, rank, name, SIGKILL);
	devcluster("ceph mds fail %d", rank);
}

static bool mds_taken_over(struct client *c, int rank, const char *from)
{
	uint64_t end = now_ns() + TAKEOVER_LIMIT_MS * 1000000ull;
	char name[64];

	while (serving(c, rank, name, NULL) || !strcmp(name, from)) {
		if (now_ns() > end)
			return false;
		both_turn(c->o.engine, -1, 50);
	}
	return true;
}

/* The dead one becomes the next standby; the monitors need a moment to know it. */
static void mds_return(const char *name)
{
	devcluster("restart mds.%s", name);
	for (int n = 0; n < 100 && devcluster("ceph mds metadata %s >/dev/null 2>&1", name); n++)
		usleep(100000);
}

static int number(struct client *c, const char *key)
{
	return our_number(c->o.mount, "{s:i}", key, NULL);
}

static void settled(struct client *c, const char *when)
{
	json_t *v;

	tap_eq(cephring_sync_syncfs(c->o.mount), 0, "syncfs says that all is safe");
	v = our_view(c->o.mount, "requests");
	tap_ok(json_array_size(v) == 0, "nothing is registered any more: %s", when);
	json_decref(v);
	tap_eq(c->losses, 0, "lines that say something is lost");
	tap_eq(c->failed, 0, "steps that failed");
}

/* ---- moments ---- */

struct call {
	struct cephring_op op;
	int64_t res;
	unsigned calls;
};

static void called(struct cephring_op *op, int64_t res, void *user)
{
	struct call *k = user;

	(void)op;
	k->res = res;
	k->calls++;
}

/* Directories burst0, burst1, ... below `in`, all at once. The MDS cannot write them to its journal before
 * journals_go(). */
static void burst(struct client *c, const char *in)
{
	static struct call k[BURST];
	static char path[BURST][64];
	uint64_t end = now_ns() + STEP_LIMIT_MS * 1000000ull;
	unsigned done = 0, good = 0;

	/* What the directory itself needs of the OSD is over then. */
	snprintf(path[0], sizeof path[0], "%s/first", in);
	if (cephring_sync_mkdir(c->o.mount, NULL, path[0], 0700, 0, NULL))
		tap_die("a mkdir");
	while (number(c, "requests_unsafe") > 0 && now_ns() < end)
		both_turn(c->o.engine, -1, 20);
	journals_stop();
	memset(k, 0, sizeof k);
	for (unsigned n = 0; n < BURST; n++) {
		snprintf(path[n], sizeof path[n], "%s/burst%u", in, n);
		if (cephring_mkdir(c->o.mount, NULL, path[n], 0700 | (n & 077), 0, NULL, &k[n].op, called,
				   &k[n]))
			tap_die("a mkdir is taken");
	}
	while (done < BURST && now_ns() < end) {
		both_turn(c->o.engine, -1, 50);
		done = good = 0;
		for (unsigned n = 0; n < BURST; n++) {
			done += k[n].calls;
			good += k[n].calls == 1 && k[n].res == 0;
		}
	}
	tap_eq(good, BURST, "directories made at once");
}

static unsigned burst_check(struct ceph_mount_info *cm, const char *in)
{
	unsigned bad = 0;

	for (unsigned n = 0; n < BURST; n++) {
		struct ceph_statx st;
		char path[64];

		snprintf(path, sizeof path, "%s/burst%u", in, n);
		bad += ceph_statx(cm, path, &st, CEPH_STATX_BASIC_STATS, 0) ||
		       (st.stx_mode & 07777) != (0700 | (n & 077));
	}
	return bad;
}

/* All is answered, nothing safe. */
static void between_the_replies(struct client *c, int rank)
{
	int unsafe, before = number(c, "replays");
	char name[64], in[64];

	lanes_go(c, 3);
	tap_eq(lanes_end(c), 0, "lanes still under way");
	snprintf(in, sizeof in, "/unsafe/burst%d", rank);
	burst(c, in);
	unsafe = number(c, "requests_unsafe");
	mds_die(c, rank, name);
	journals_go();
	tap_ok(unsafe == BURST, "the MDS dies between unsafe and safe replies");
	tap_ok(mds_taken_over(c, rank, name), "another one takes over");
	settled(c, "killed between the replies");
	tap_note("%d were unsafe, %d were replayed", unsafe, number(c, "replays") - before);
	tap_ok(number(c, "replays") > before, "what was unsafe was replayed");
	mds_return(name);
}

/* Sent to an MDS that does not get to it. */
static void before_the_reply(struct client *c, int rank)
{
	char name[64];

	mds_signal(c, rank, name, SIGSTOP);
	lanes_go(c, 1);
	serve(c->o.engine, 300);
	tap_ok(lanes_busy(c) >= LANES / 2, "lanes wait for an MDS that hangs");
	mds_die(c, rank, name);
	tap_ok(mds_taken_over(c, rank, name), "another one takes over");
	tap_eq(lanes_end(c), 0, "lanes still under way");
	settled(c, "killed before the reply");
	mds_return(name);
}

/* Carried out, and the answer is never heard; with `journaled`, the next daemon knows of it, too. */
static void unheard(struct client *c, int rank, bool journaled)
{
	char name[64];
	int port;

	serving(c, rank, name, &port);
	lanes_go(c, 1);
	cephring_run(c->o.engine, 0); /* the first steps leave */
	usleep(200000);               /* and are answered; nobody listens */
	if (journaled)
		devcluster("ceph tell mds.%d flush journal >/dev/null 2>&1", rank);
	tap_ok(sever(port) > 0, "the connection breaks with answers in it");
	mds_die(c, rank, name);
	tap_ok(mds_taken_over(c, rank, name), "another one takes over");
	tap_eq(lanes_end(c), 0, "lanes still under way");
	settled(c, journaled ? "answers not heard, journaled" : "answers not heard");
	mds_return(name);
}

/* While fsync of a directory and syncfs wait. */
static void during_a_flush(struct client *c, int rank)
{
	struct call one = { 0 }, all = { 0 };
	uint64_t end = now_ns() + STEP_LIMIT_MS * 1000000ull;
	const char *in = "/unsafe/flush";
	cephring_file *f;
	char name[64];

	tap_eq(cephring_sync_mkdir(c->o.mount, NULL, in, 0755, 0, NULL), 0, "a directory");
	tap_eq(cephring_sync_open(c->o.mount, NULL, in, O_RDONLY | O_DIRECTORY, 0, NULL, NULL, &f), 0,
	       "it is opened");
	burst(c, in);
	mds_signal(c, rank, name, SIGSTOP);
	if (cephring_fsync(f, 0, &one.op, called, &one) || cephring_syncfs(c->o.mount, &all.op, called, &all))
		tap_die("fsync and syncfs are taken");
	serve(c->o.engine, 300);
	tap_ok(!one.calls && !all.calls, "both wait for an MDS that hangs");
	mds_die(c, rank, name);
	journals_go();
	while ((!one.calls || !all.calls) && now_ns() < end)
		both_turn(c->o.engine, -1, 50);
	tap_ok(one.calls == 1 && one.res == 0, "fsync ends well");
	tap_ok(all.calls == 1 && all.res == 0, "syncfs ends well");
	tap_eq(cephring_sync_close(f), 0, "the directory is closed");
	settled(c, "killed during a flush");
	tap_ok(mds_taken_over(c, rank, name), "another one takes over");
	mds_return(name);
}

/* Whenever it happens, once also while the next one is still reconnecting. */
static void at_any_moment(struct client *c)
{
	static const unsigned after_ms[] = { 3, 17, 60, 150 };
	char name[64], next[64];

	for (unsigned n = 0; n < sizeof after_ms / sizeof *after_ms; n++) {
		uint64_t end = now_ns() + after_ms[n] * 1000000ull;
		int rank = n & 1;

		lanes_go(c, 20);
		while (now_ns() < end)
			cephring_run(c->o.engine, 0);
		mds_die(c, rank, name);
		if (n == 2) {
			mds_return(name);
			serve(c->o.engine, 50);
			mds_die(c, rank, next);
			mds_return(next);
		}
		tap_eq(lanes_end(c), 0, "lanes still under way");
		settled(c, "killed at any moment");
		if (n != 2)
			mds_return(name);
	}
}

/* The session is taken away, with changes that are not safe and one that waits for a lock: each loss is told
 * once. */
static void evicted(struct client *c)
{
	struct cephring_lock held = { .type = F_WRLCK, .owner = 1 }, wanted = { .type = F_WRLCK, .owner = 2 };
	uint64_t end = now_ns() + 20000000000ull;
	struct call lock = { 0 };
	cephring_file *dir, *f;

	tap_eq(cephring_sync_mkdir(c->o.mount, NULL, "/unsafe/evicted", 0755, 0, NULL), 0, "a directory");
	tap_eq(cephring_sync_open(c->o.mount, NULL, "/unsafe/evicted", O_RDONLY | O_DIRECTORY, 0, NULL, NULL,
				  &dir),
	       0, "it is opened");
	tap_eq(cephring_sync_open(c->o.mount, NULL, "/unsafe/lock", O_CREAT | O_RDWR, 0600, NULL, NULL, &f),
	       1, "a file is made");
	tap_eq(cephring_sync_setlk(f, &held, 0), 0, "it is locked");
	if (cephring_setlk(f, &wanted, 1, &lock.op, called, &lock))
		tap_die("a lock is asked for");
	burst(c, "/unsafe/evicted");
	tap_eq(number(c, "requests_unsafe"), BURST, "nothing of it is safe");
	sever(our_mds_port(c->o.mount)); /* else the safe replies, which are to come now, are heard */
	journals_go();
	devcluster("ceph tell mds.0 client evict id=%lld >/dev/null 2>&1", our_id(c->o.mount));
	while (!lock.calls && now_ns() < end)
		both_turn(c->o.engine, -1, 50);
	tap_ok(lock.calls == 1 && lock.res == -ESHUTDOWN, "evicted: who waits for a lock hears it");
	tap_ok(c->losses >= BURST, "and the log names what is lost");
	tap_eq(number(c, "requests_unsafe"), 0, "nothing waits for its safe reply any more");
	tap_ok(cephring_sync_fsync(dir, 0) < 0, "fsync of the directory reports it");
	tap_eq(cephring_sync_fsync(dir, 0), 0, "once");
	tap_ok(cephring_sync_syncfs(c->o.mount) < 0, "so does syncfs");
	tap_eq(cephring_sync_syncfs(c->o.mount), 0, "once");
	tap_eq(cephring_sync_mkdir(c->o.mount, NULL, "/unsafe/later", 0755, 0, NULL), -ESHUTDOWN,
	       "later ones end at once");
	cephring_sync_close(dir);
	cephring_sync_close(f);
}

static void verify(struct client *c)
{
	struct ceph_mount_info *cm;
	unsigned bad = 0, rounds = 0;

	if (second_mount(&cm))
		tap_die("libcephfs mounts");
	for (unsigned n = 0; n < LANES; n++) {
		bad += (unsigned)lane_check(cm, &c->lane[n]);
		rounds += c->lane[n].round;
	}
	bad += burst_check(cm, "/unsafe/burst0") + burst_check(cm, "/unsafe/burst1");
	bad += burst_check(cm, "/unsafe/flush");
	tap_eq(bad, 0, "things that libcephfs finds other than they were left");
	tap_note("%u rounds of %d steps", rounds, STEPS);
	second_unmount(cm);
}

static bool on_rank(struct client *c, const char *path, int rank)
{
	char text[16] = "";
	int64_t n =
	    cephring_sync_getxattr(c->o.mount, NULL, path, "ceph.auth_mds", 0, NULL, text, sizeof text - 1);

	return n > 0 && atoi(text) == rank;
}

/* The directory itself stays with its parent's rank, so a name in it is asked for. */
static void probe_of(char *buf, size_t size, const char *path)
{
	snprintf(buf, size, "%s/.probe", path);
}

static void pin(struct client *c, const char *path, int rank)
{
	char probe[128];

	probe_of(probe, sizeof probe, path);
	if (cephring_sync_mkdir(c->o.mount, NULL, probe, 0755, CEPHRING_PARENTS, NULL) ||
	    cephring_sync_setxattr(c->o.mount, NULL, path, "ceph.dir.pin", rank ? "1" : "0", 1, 0, 0, NULL))
		tap_die("a directory for each lane");
}

static bool pinned(struct client *c, const char *path, int rank, uint64_t end)
{
	char probe[128];

	probe_of(probe, sizeof probe, path);
	while (!on_rank(c, probe, rank) && now_ns() < end) {
		serve(c->o.engine, 200);
		cephring_drop_caches(c->o.mount);
	}
	return on_rank(c, probe, rank);
}

/* All are pinned before any is waited for: an MDS moves what it should have moved every few seconds. */
static bool spread(struct client *c)
{
	uint64_t end = now_ns() + 2 * TAKEOVER_LIMIT_MS * 1000000ull;
	bool good = true;
	char path[96];

	for (int wait = 0; wait < 2; wait++) {
		for (unsigned n = 0; n < LANES; n++) {
			c->lane[n] = (struct lane){ .c = c, .n = n };
			lane_path(&c->lane[n], path, "");
			if (!wait)
				pin(c, path, n & 1);
			else
				good &= pinned(c, path, n & 1, end);
			if (n % 4 != 3)
				continue;
			snprintf(path, sizeof path, "/unsafe/kept%u", n);
			if (!wait)
				pin(c, path, 0);
			else
				good &= pinned(c, path, 0, end);
		}
		for (int rank = 0; rank < 2; rank++) {
			snprintf(path, sizeof path, "/unsafe/burst%d", rank);
			if (!wait)
				pin(c, path, rank);
			else
				good &= pinned(c, path, rank, end);
		}
	}
	return good;
}

int main(void)
{
	struct client c = { 0 };
	struct cephring_mount_opts more = { .log = count_losses,
					    .log_arg = &c,
					    .log_level = CEPHRING_LOG_WARN };

	umask(0); /* the modes tell what was made */
	if (ours_mount(&c.o, NULL, &more))
		tap_die(c.o.words);
	if (!tap_ok(spread(&c), "both MDSs have their part"))
		tap_die("nothing below would mean anything");
	for (int rank = 0; rank < 2; rank++) {
		between_the_replies(&c, rank);
		before_the_reply(&c, rank);
	}
	unheard(&c, 0, false);
	unheard(&c, 1, true);
	during_a_flush(&c, 0);
	at_any_moment(&c);
	evicted(&c);
	ours_end(&c.o);
	verify(&c);
	return tap_end();
}
