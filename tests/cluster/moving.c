/* cluster: --mds 2 --set mds.mds_tick_interval=0.5; timeout: 240 */
/* Directories that move between two MDSs while they are worked in. Two clients of ours, each with several
 * threads, create, move, change, remove, look and list, each thread among names of its own that it has a
 * model of; one of the clients with asynchronous operations where the MDS offers them. Meanwhile the pins of
 * the directories change, again and again. libcephfs only looks. The seed is printed; the first argument sets
 * it.
 */
#include "ours.h"

#define TOP "/moving"
enum { DIRS = 2, CLIENTS = 2, LANES = 3, NAMES = 6, ROUNDS = 5, MOVE_WAIT_S = 30 };

static const struct cephring_cred root = { 0 };

/* ---- a thread and its names ---- */

enum kind { NOTHING, FILE_, DIR_ };

struct slot {
	enum kind kind;
	unsigned mode;
	unsigned long long size;
};

struct lane {
	cephring_mount *mount;
	pthread_t thread;
	unsigned long long dice;
	int number;
	struct slot slot[DIRS][NAMES];
	unsigned long done[16], wrong;
	char note[512]; /* of the first that went wrong */
};

static atomic_bool enough;

static unsigned roll(struct lane *l, unsigned n)
{
	l->dice = l->dice * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(l->dice >> 33) % n;
}

enum op { CREATE, MKDIR, UNLINK, RMDIR, RENAME, CHMOD, TRUNCATE, STAT, LIST, OPS };
static const char *const op_names[] = { "create", "mkdir",    "unlink", "rmdir", "rename",
					"chmod",  "truncate", "stat",   "list" };

struct place {
	int dir, name;
	struct slot *at;
	char path[64];
};

static struct place place_any(struct lane *l)
{
	struct place p = { .dir = (int)roll(l, DIRS), .name = (int)roll(l, NAMES) };

	p.at = &l->slot[p.dir][p.name];
	snprintf(p.path, sizeof p.path, TOP "/d%d/l%dn%d", p.dir, l->number, p.name);
	return p;
}

/* What is there now, and what the call is to say. */
static int model(enum op op, struct slot *a, struct slot *b, unsigned n)
{
	switch (op) {
	case CREATE:
	case MKDIR:
		if (a->kind)
			return -EEXIST;
		*a = (struct slot){ op == CREATE ? FILE_ : DIR_, n, 0 };
		return 0;
	case UNLINK:
	case RMDIR:
		if (a->kind != (op == UNLINK ? FILE_ : DIR_))
			return !a->kind ? -ENOENT : op == UNLINK ? -EISDIR : -ENOTDIR;
		*a = (struct slot){ 0 };
		return 0;
	case RENAME:
		if (!a->kind || a == b)
			return a->kind ? 0 : -ENOENT;
		if (b->kind && b->kind != a->kind)
			return a->kind == DIR_ ? -ENOTDIR : -EISDIR;
		*b = *a;
		*a = (struct slot){ 0 };
		return 0;
	case CHMOD:
		a->mode = a->kind ? n : 0;
		return a->kind ? 0 : -ENOENT;
	case TRUNCATE:
		if (a->kind == FILE_)
			a->size = n;
		return a->kind == FILE_ ? 0 : a->kind ? -EISDIR : -ENOENT;
	default:
		return a->kind ? 0 : -ENOENT;
	}
}

static bool same(const struct slot *s, unsigned mode, unsigned long long size)
{
	if ((mode & S_IFMT) != (s->kind == DIR_ ? S_IFDIR : S_IFREG) || (mode & 07777) != s->mode)
		return false;
	return s->kind == DIR_ || size == s->size;
}

static void wrong(struct lane *l, const char *what, const char *path, long long got, long long want)
{
	if (!l->wrong++)
		snprintf(l->note, sizeof l->note, "%s %s: %lld (%s), the model says %lld", what, path, got,
			 got < 0 ? strerror((int)-got) : "", want);
}

static int create(cephring_mount *m, const char *path, unsigned mode)
{
	cephring_file *f;
	int err = cephring_sync_open(m, NULL, path, O_CREAT | O_EXCL | O_WRONLY, mode, NULL, &root, &f);

	return err < 0 ? err : cephring_sync_close(f);
}

static int set(cephring_mount *m, const char *path, uint32_t what, unsigned n)
{
	struct cephring_setattr s = { .struct_size = sizeof s, .set = what, .mode = n, .size = n };

	return cephring_sync_setattr(m, NULL, path, &s, 0, &root);
}

static void look(struct lane *l, const struct place *p, int want)
{
	struct cephring_statx st;
	int err =
	    cephring_sync_statx(l->mount, NULL, p->path, CEPHRING_STATX_BASIC, CEPHRING_NOFOLLOW, &root, &st);

	if (err != want)
		wrong(l, "stat", p->path, err, want);
	else if (!err && !same(p->at, st.mode, st.size))
		wrong(l, "attributes of", p->path, st.mode, p->at->mode);
}

/* All of this thread's names in a directory, each once. */
static void list(struct lane *l, int dir)
{
	char path[64], buf[8192];
	int seen[NAMES] = { 0 }, lane, name;
	cephring_file *f;
	int64_t n;

	snprintf(path, sizeof path, TOP "/d%d", dir);
	n = cephring_sync_open(l->mount, NULL, path, O_RDONLY | O_DIRECTORY, 0, NULL, &root, &f);
	if (n < 0) {
		wrong(l, "open", path, n, 0);
		return;
	}
	while ((n = cephring_sync_readdir(f, buf, sizeof buf)) > 0) {
		for (int64_t at = 0; at < n;) {
			const struct cephring_dirent *e = (const struct cephring_dirent *)(buf + at);

			if (sscanf(e->name, "l%dn%d", &lane, &name) == 2 && lane == l->number)
				seen[name]++;
			at += e->reclen;
		}
	}
	if (n < 0)
		wrong(l, "list", path, n, 0);
	for (int k = 0; k < NAMES && !n; k++)
		if (seen[k] != (l->slot[dir][k].kind != NOTHING))
			wrong(l, "a name in the listing of", path, seen[k], !seen[k]);
	cephring_sync_close(f);
}

static void step(struct lane *l)
{
	struct place a = place_any(l), b = place_any(l);
	enum op op = (enum op)roll(l, OPS);
	unsigned n = 0600 | roll(l, 0200);
	int got = 0, want = op == LIST ? 0 : model(op, a.at, b.at, n);

	switch (op) {
	case CREATE:
		got = create(l->mount, a.path, n);
		break;
	case MKDIR:
		got = cephring_sync_mkdir(l->mount, NULL, a.path, n, 0, &root);
		break;
	case UNLINK:
	case RMDIR:
		got =
		    cephring_sync_unlink(l->mount, NULL, a.path, op == RMDIR ? CEPHRING_REMOVEDIR : 0, &root);
		break;
	case RENAME:
		got = cephring_sync_rename(l->mount, NULL, a.path, NULL, b.path, 0, &root);
		break;
	case CHMOD:
	case TRUNCATE:
		got = set(l->mount, a.path, op == CHMOD ? CEPHRING_SET_MODE : CEPHRING_SET_SIZE, n);
		break;
	case LIST:
		list(l, a.dir);
		break;
	default:
		look(l, &a, want);
		got = want;
	}
	if (got != want)
		wrong(l, op_names[op], a.path, got, want);
	l->done[op]++;
}

static void *work(void *arg)
{
	struct lane *l = arg;

	while (!atomic_load(&enough) && l->wrong < 10)
		step(l);
	return NULL;
}

/* ---- moving ---- */

/* The rank that has authority over a directory, as this client sees it from what it lists. */
static int rank_of(cephring_mount *m, int dir)
{
	char path[64], text[16] = "";

	snprintf(path, sizeof path, TOP "/d%d/probe", dir);
	if (cephring_sync_getxattr(m, NULL, path, "ceph.auth_mds", 0, &root, text, sizeof text - 1) <= 0)
		return -1;
	return atoi(text);
}

/* libcephfs looks: nothing twice, nothing that nobody made. */
static int their_listing(struct ceph_mount_info *cm, int dir, const struct lane *lanes, bool settled)
{
	static int seen[CLIENTS * LANES][NAMES];
	struct ceph_dir_result *d;
	int lane, name, bad = 0;
	struct ceph_statx st;
	struct dirent e;
	char path[64];

	memset(seen, 0, sizeof seen);
	snprintf(path, sizeof path, TOP "/d%d", dir);
	if (ceph_opendir(cm, path, &d))
		return 1;
	while (ceph_readdirplus_r(cm, d, &e, &st, CEPH_STATX_MODE | CEPH_STATX_SIZE, 0, NULL) > 0) {
		if (sscanf(e.d_name, "l%dn%d", &lane, &name) != 2)
			continue;
		if (lane < 0 || lane >= CLIENTS * LANES || name < 0 || name >= NAMES) {
			bad++;
			continue;
		}
		bad += seen[lane][name]++;
		if (settled && !same(&lanes[lane].slot[dir][name], st.stx_mode, st.stx_size)) {
			const struct slot *s = &lanes[lane].slot[dir][name];

			bad++;
			tap_note("%s/%s: mode %o, size %llu; the model says %d, %o, %llu", path, e.d_name,
				 st.stx_mode, (unsigned long long)st.stx_size, s->kind, s->mode, s->size);
		}
	}
	ceph_closedir(cm, d);
	for (int l = 0; settled && l < CLIENTS * LANES; l++)
		for (int n = 0; n < NAMES; n++) {
			if (seen[l][n] == (lanes[l].slot[dir][n].kind != NOTHING))
				continue;
			bad++;
			tap_note("%s/l%dn%d: listed %d times", path, l, n, seen[l][n]);
		}
	return bad;
}

static bool moved(struct ceph_mount_info *cm, cephring_mount *m, int dir, int rank, const struct lane *lanes,
		  int *bad)
{
	uint64_t end = now_ns() + MOVE_WAIT_S * 1000000000ull;
	char path[64], value[8];

	snprintf(path, sizeof path, TOP "/d%d", dir);
	snprintf(value, sizeof value, "%d", rank);
	if (cephring_sync_setxattr(m, NULL, path, "ceph.dir.pin", value, 1, 0, 0, &root))
		return false;
	while (rank_of(m, dir) != rank) {
		if (now_ns() > end)
			return false;
		*bad += their_listing(cm, dir, lanes, false);
		usleep(20000);
		snprintf(path, sizeof path, TOP "/d%d/probe", dir);
		set(m, path, CEPHRING_SET_MODE,
		    0600 + (unsigned)(now_ns() & 7)); /* by whom it is answered tells */
	}
	return true;
}

int main(int argc, char **argv)
{
	static const char *const async[] = { "cephring_async_dirops", "true" };
	struct cephring_engine_opts own = { .size = sizeof own, .own_thread = 1, .cpu = -1 };
	struct cephring_mount_opts o = { .size = sizeof o, .log_level = CEPHRING_LOG_WARN };
	unsigned long long seed = argc > 1 ? strtoull(argv[1], NULL, 10) : now_ns();
	static struct lane lanes[CLIENTS * LANES];
	cephring_engine *engine[CLIENTS];
	cephring_mount *mount[CLIENTS];
	struct ceph_mount_info *cm;
	cephring_config *config;
	int bad = 0, not_moved = 0;

	tap_note("seed %llu", seed);
	if (second_mount(&cm) || their_rm_r(cm, TOP))
		tap_die("libcephfs mounts");
	for (int c = 0; c < CLIENTS; c++) {
		cephring_config_new(&config);
		if (c)
			cephring_config_set(config, async[0], async[1]);
		if (cephring_config_load(config) || cephring_engine_new(&own, &engine[c], NULL, 0) ||
		    cephring_sync_mount(engine[c], config, &o, &mount[c]))
			tap_die("a client of ours");
		cephring_config_free(config);
	}
	for (int d = 0; d < DIRS; d++) {
		char path[64];

		snprintf(path, sizeof path, TOP "/d%d", d);
		bad += cephring_sync_mkdir(mount[0], NULL, path, 0755, CEPHRING_PARENTS, &root) != 0;
		strcat(path, "/probe");
		bad += create(mount[0], path, 0600) != 0;
	}
	tap_eq(bad, 0, "directories");
	for (int l = 0; l < CLIENTS * LANES; l++) {
		lanes[l].number = l;
		lanes[l].mount = mount[l % CLIENTS];
		lanes[l].dice = seed + (unsigned)l * 7919;
		if (pthread_create(&lanes[l].thread, NULL, work, &lanes[l]))
			tap_die("a thread");
	}
	for (int r = 0; r < ROUNDS; r++)
		for (int d = 0; d < DIRS; d++)
			not_moved += !moved(cm, mount[0], d, (r + d + 1) % 2, lanes, &bad);
	tap_eq(not_moved, 0, "the directories moved, each time");
	atomic_store(&enough, true);
	for (int l = 0; l < CLIENTS * LANES; l++) {
		unsigned long sum = 0;

		pthread_join(lanes[l].thread, NULL);
		for (int k = 0; k < OPS; k++)
			sum += lanes[l].done[k];
		tap_ok(!lanes[l].wrong && sum > ROUNDS * DIRS, "thread %d: every result is the model's", l);
		tap_note("%lu operations%s%s", sum, *lanes[l].note ? "; first wrong: " : "", lanes[l].note);
	}
	tap_eq(bad, 0, "libcephfs saw no name twice meanwhile");
	for (int c = 0; c < CLIENTS; c++) {
		struct cephring_stats s = { .size = sizeof s };

		cephring_stats(mount[c], &s);
		tap_note("client %d: %llu forwards, %llu asynchronous, %llu of them refused", c,
			 (unsigned long long)s.forwards, (unsigned long long)s.async_ops,
			 (unsigned long long)s.async_failed);
		tap_eq((long long)s.async_failed, 0, "nothing was refused afterwards");
		tap_eq(cephring_sync_unmount(mount[c]), 0, "a client leaves");
		tap_eq(cephring_engine_free(engine[c]), 0, "its engine ends");
	}
	/* When all is told: listing, libcephfs shows what the MDS has of a file, also while another client
	 * holds exclusive caps and is ahead of that; only a stat asks. */
	for (int d = 0; d < DIRS; d++)
		tap_eq(their_listing(cm, d, lanes, true), 0, "and sees what is left at the end");
	second_unmount(cm);
	return tap_end();
}
