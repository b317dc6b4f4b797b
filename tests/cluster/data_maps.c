/* cluster: --mds 1 --osd 3 --store bluestore; timeout: 240 */
/* Map changes by the hundred: while files are read and written, while nobody does anything, and while a write
 * waits for an OSD that does nothing; and so many that the monitors do not have those between any more. */
#include "data_load.h"
#include "map_changes.h"

#define TOP "/data_maps"
#define S   1000000000ull

enum { CHANGES = 320, PGS = 8 };

static const struct cephring_cred root = { 0 };

static json_int_t of_view(cephring_mount *m, const char *key)
{
	json_t *v = our_view(m, "data");
	json_int_t n = json_integer_value(json_object_get(v, key));

	json_decref(v);
	return n;
}

/* Of a command's JSON answer. */
static json_int_t says_number(const char *command, const char *key)
{
	char *text = ceph_says("%s -f json", command);
	json_t *v = json_loads(text, 0, NULL);
	json_int_t n = json_integer_value(json_object_get(v, key));

	json_decref(v);
	free(text);
	return n;
}

static json_int_t epoch(void)
{
	return says_number("osd stat", "epoch");
}

static json_int_t pool(void)
{
	return says_number("osd pool get cephfs.data size", "pool_id");
}

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- under load ---- */

static void under_load(struct both *b)
{
	struct map_changes c = { .pool = pool(), .pgs = PGS, .count = CHANGES };
	json_int_t before = epoch(), maps = of_view(b->mount, "maps");
	uint64_t begun = now_ns(), longest = 0, last = begun;
	uint32_t done = 0;

	load_begin(b, TOP);
	map_changes_begin(&c);
	while (!atomic_load(&c.ended)) {
		load_turn(5);
		if (load.answered + load.records == done && now_ns() - last < 120 * S)
			continue;
		done = load.answered + load.records;
		longest = now_ns() - last > longest ? now_ns() - last : longest;
		last = now_ns();
	}
	map_changes_end(&c, "every change is made");
	tap_note("%.1f s, the longest without an answer %.1f s", (double)(now_ns() - begun) / 1e9,
		 (double)longest / 1e9);
	load_end("under hundreds of maps: everything ends");
	tap_ok(epoch() >= before + CHANGES * 3 / 4, "there were hundreds of epochs");
	tap_note("%lld epochs, %lld messages of maps, %lld sent again", (long long)(epoch() - before),
		 (long long)(of_view(b->mount, "maps") - maps), (long long)of_view(b->mount, "resends"));
}

/* ---- while nobody does anything ---- */

static void serve_until(struct both *b, struct map_changes *c)
{
	while (!atomic_load(&c->ended))
		both_turn(b->engine, -1, 20);
}

/* One who asks for nothing is told nothing; when he acts he learns all of them. */
static void silent(struct both *b)
{
	struct map_changes c = { .pool = pool(), .pgs = PGS, .count = CHANGES, .harmless = true };
	json_int_t known = of_view(b->mount, "epoch");
	uint8_t want[4096], got[4096];
	double cpu;

	map_changes_begin(&c);
	serve_until(b, &c);
	map_changes_end(&c, "while nobody acts: every change is made");
	tap_ok(of_view(b->mount, "epoch") < epoch() - CHANGES / 2, "we are far behind");
	cpu = cpu_s();
	bytes_fill(want, sizeof want, 0, 3);
	tap_eq(ours_write(b, TOP "/silent", want, sizeof want, 0), sizeof want, "a write all the same");
	tap_eq(they_read(b, TOP "/silent", got, sizeof got, 0), sizeof got, "libcephfs reads it");
	tap_eq(bytes_differ(want, got, sizeof want), -1, "the same");
	tap_note("%lld epochs behind; %.1f ms of this thread to write with", (long long)(epoch() - known),
		 (cpu_s() - cpu) * 1e3);
}

/* ---- epochs that the monitors have forgotten ---- */

static int first_osd(cephring_mount *m, const char *path)
{
	struct cephring_statx st;
	char command[96];

	if (cephring_sync_statx(m, NULL, path, CEPHRING_STATX_BASIC, 0, &root, &st))
		tap_die("its number");
	snprintf(command, sizeof command, "osd map cephfs.data %" PRIx64 ".00000000", st.ino);
	return (int)says_number(command, "acting_primary");
}

static json_int_t oldest(void)
{
	return says_number("report", "osdmap_first_committed");
}

/* Until the monitors have thrown away what is older than `e`. */
static bool forgotten(struct both *b, json_int_t e)
{
	struct map_changes c = { .pool = pool(), .pgs = PGS, .count = 30, .harmless = true };

	free(ceph_says("config set mon mon_min_osdmap_epochs 10"));
	free(ceph_says("config set mon paxos_service_trim_min 10"));
	for (int n = 0; n < 20 && oldest() <= e; n++) {
		free(ceph_says("config set mon mon_osd_force_trim_to %lld", (long long)(epoch() - 12)));
		map_changes_begin(&c);
		serve_until(b, &c);
		pthread_join(c.thread, NULL);
	}
	return oldest() > e;
}

/* Appends are under way to an OSD that does nothing, and nobody can say what happened since: they are sent
 * again, and each is there once. */
static void gap(struct both *b)
{
	enum { N = 8 };
	static struct flight x[N];
	static uint8_t rec[N][1000], got[(N + 2) * 1000];
	cephring_file *f;
	unsigned ended = 0;
	uint64_t limit;
	json_int_t from;
	int osd, good = 1;

	if (cephring_sync_open(b->mount, NULL, TOP "/gap", O_RDWR | O_CREAT | O_APPEND, 0644, NULL, &root,
			       &f) < 0)
		tap_die("a file");
	bytes_fill(rec, sizeof rec, 0, 11);
	tap_eq(cephring_sync_write(f, rec[0], 1000, 0, CEPHRING_IO_DSYNC), 1000, "written");
	osd = first_osd(b->mount, TOP "/gap");
	from = of_view(b->mount, "epoch");
	devcluster("pause osd.%d", osd);
	for (unsigned n = 1; n < N; n++)
		if (cephring_write(f, rec[n], 1000, 0, CEPHRING_IO_DIRECT, &x[n].op, landed, &x[n]))
			tap_die("a write is taken");
	serve(b->engine, 300);
	tap_ok(forgotten(b, from + 100), "the monitors have forgotten a hundred maps");
	devcluster("resume osd.%d", osd);
	limit = now_ns() + 60 * S;
	while (ended < N - 1 && now_ns() < limit) {
		both_turn(b->engine, -1, 20);
		ended = 0;
		for (unsigned n = 1; n < N; n++)
			ended += x[n].ended;
	}
	tap_eq(ended, N - 1, "what was under way ends");
	for (unsigned n = 1; n < N; n++)
		good &= x[n].res == 1000;
	tap_ok(good, "all is written");
	tap_eq(cephring_sync_close(f), 0, "closed");
	tap_eq(they_read(b, TOP "/gap", got, sizeof got, 0), N * 1000, "libcephfs reads it");
	tap_eq(bytes_differ(got, rec, N * 1000), -1, "each record once, in order");
	tap_note("from epoch %lld to %lld: %lld full maps, %lld gaps", (long long)from,
		 (long long)of_view(b->mount, "epoch"), (long long)of_view(b->mount, "full_maps"),
		 (long long)of_view(b->mount, "map_gaps"));
	tap_ok(of_view(b->mount, "map_gaps") > 0, "over a gap in the maps");
	free(ceph_says("config rm mon mon_osd_force_trim_to"));
	free(ceph_says("config rm mon mon_min_osdmap_epochs"));
	free(ceph_says("config rm mon paxos_service_trim_min"));
}

int main(void)
{
	struct both *b = both_new(NULL, NULL);

	map_changes_connect();
	they(b, their_clean, TOP);
	if (they_do(b, THEY_MKDIR, TOP, NULL, 0777))
		tap_die("a directory");
	free(ceph_says("osd pool set cephfs.data size 2"));
	free(ceph_says("osd pool set cephfs.data min_size 1"));
	under_load(b);
	silent(b);
	gap(b);
	both_free(b);
	rados_shutdown(map_cluster);
	return tap_end();
}
