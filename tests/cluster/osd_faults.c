/* cluster: --osd 3 --store bluestore; timeout: 480 */
/* OSDs that die, hang, are marked down, out and back, placement groups that move, split and merge, while
 * appends are under way: each is done once and in order, and every stall ends when the cluster heals. */
#include "osd_load.h"
#include "map_changes.h"

#include "ring/mem.h"

static int64_t pool;

/* A connection that says nothing is given up soon, so that a test need not wait. */
static void impatient(struct osdc_opts *o)
{
	o->keepalive_ns = 1000000000;
	o->dead_ns = 2000000000;
}

static struct load *begin(void)
{
	struct bed *b = obed_new(CON_MODE_CRC, impatient);
	struct load *l = load_start(b, pool, "load");

	if (!load_progress(l, OBED_PATIENCE))
		tap_die("appends are done");
	return l;
}

static void end(struct load *l, const char *name)
{
	struct bed *b = l->b;

	load_check(l, name);
	obed_free(b);
}

static uint64_t faults(void)
{
	struct osdc_info i;

	osdc_info(obed_osdc, &i);
	return i.stats.faults;
}

static void killed(void)
{
	struct load *l = begin();

	devcluster("kill osd.1");
	load_run(l, 1);
	tap_ok(faults() > 0, "killed: its connection is lost");
	/* Two are enough (min_size), once the map says that the third is down. */
	tap_ok(load_progress(l, 60), "killed: the others take over");
	devcluster("restart osd.1");
	load_run(l, 5);
	tap_ok(load_progress(l, 60), "killed: it goes on when it is back");
	end(l, "killed");
}

static void killed_twice_in_a_row(void)
{
	struct load *l = begin();

	for (int i = 0; i < 2; i++) {
		devcluster("kill osd.%d", i);
		load_run(l, 0.3);
		devcluster("restart osd.%d", i);
		tap_ok(load_progress(l, 90), "restarted: osd.%d is back at once", i);
		load_run(l, 2);
	}
	end(l, "restarted");
}

static void hung(void)
{
	struct load *l = begin();

	devcluster("pause osd.2");
	load_run(l, 6);
	tap_ok(faults() > 0, "hung: silence counts as a lost connection");
	devcluster("resume osd.2");
	tap_ok(load_progress(l, 60), "hung: it goes on when it wakes");
	end(l, "hung");
}

/* Another daemon at its place: the same OSD with another nonce. */
static void marked_down(void)
{
	struct load *l = begin();

	for (int i = 0; i < 3; i++) {
		char args[32];

		snprintf(args, sizeof args, "osd down %d", i);
		ceph(args);
		load_run(l, 1.5);
		tap_ok(load_progress(l, 60), "marked down: osd.%d is believed and comes back", i);
	}
	end(l, "marked down");
}

static void moved(void)
{
	struct load *l = begin();

	ceph("osd out 1");
	load_run(l, 2);
	tap_ok(load_progress(l, 60), "moved: after an OSD was marked out");
	ceph("osd in 1");
	load_run(l, 2);
	ceph("osd primary-affinity 0 0");
	tap_ok(load_progress(l, 60), "moved: after another primary was chosen");
	ceph("osd primary-affinity 0 1");
	load_run(l, 1);
	end(l, "moved");
}

static void split_and_merged(void)
{
	struct load *l = begin();

	ceph("osd pool set faults pg_num 32");
	ceph("osd pool set faults pgp_num 32");
	load_run(l, 8);
	tap_ok(load_progress(l, 60), "split: it goes on");
	ceph("osd pool set faults pg_num 12");
	load_run(l, 12);
	tap_ok(load_progress(l, 60), "merged: it goes on");
	end(l, "split and merged");
}

/* Each epoch costs what has changed; nothing of it stays. */
static void many_maps(void)
{
	enum { CHANGES = 320 };
	struct map_changes c = { .pool = pool, .pgs = 16, .count = CHANGES };
	struct load *l = begin();
	uint32_t from = osdc_epoch(obed_osdc);
	size_t memory;

	map_changes_connect();
	memory = mem_allocated();
	map_changes_begin(&c);
	tap_ok(UNTIL(l->b, 120, atomic_load(&c.ended)), "many maps: in good time");
	map_changes_end(&c, "many maps: every change is made");
	tap_ok(load_progress(l, 60), "many maps: it goes on");
	tap_ok(osdc_epoch(obed_osdc) > from + CHANGES / 2, "many maps: it saw them");
	tap_ok(mem_allocated() < memory + (2 << 20), "many maps: nothing of them is kept");
	tap_note("many maps: %zu KiB before, %zu behind", memory >> 10, mem_allocated() >> 10);
	rados_shutdown(map_cluster);
	end(l, "many maps");
}

/* Below min_size an OSD says to hold back. */
static void too_few(void)
{
	struct load *l = begin();
	struct osdc_info i;

	devcluster("kill osd.0");
	devcluster("kill osd.1");
	load_run(l, 8);
	UNTIL(l->b, 40, (osdc_info(obed_osdc, &i), i.stats.backoffs > 0));
	tap_ok(i.stats.backoffs > 0, "too few: the last OSD says to hold back");
	load_run(l, 1);
	devcluster("restart osd.0");
	devcluster("restart osd.1");
	tap_ok(load_progress(l, 90), "too few: it goes on when they are back");
	end(l, "too few");
}

static void none_left(void)
{
	struct load *l = begin();

	for (int i = 0; i < 3; i++)
		devcluster("kill osd.%d", i);
	load_run(l, 3);
	for (int i = 0; i < 3; i++)
		devcluster("restart osd.%d", i);
	tap_ok(load_progress(l, 90), "none left: it goes on when they are back");
	end(l, "none left");
}

static int hold_deadline_result;

static void hold_done(struct osd_req *q, int result)
{
	struct ask *a = (struct ask *)q;

	a->ended++;
	hold_deadline_result = result;
}

/* A large write to an OSD that does not take it: the caller gets its memory back all the same. */
static void memory_comes_back(void)
{
	enum { N = 40, LEN = 4 << 20 };
	static struct ask w[N];
	struct bed *b = obed_new(CON_MODE_CRC, NULL); /* patient: the connection does not break by itself */
	uint8_t *data = calloc(1, LEN);
	unsigned ended = 0;
	uint64_t from;
	char name[32];

	for (int i = 0; i < N; i++) { /* connects */
		snprintf(name, sizeof name, "stuck%d", i);
		obj_write(b, pool, name, 0, "x", 1);
	}
	for (int i = 0; i < 3; i++)
		devcluster("pause osd.%d", i);
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof name, "stuck%d", i);
		ask_write(&w[i], pool, name, OSD_OP_WRITEFULL, 0, data, LEN);
		w[i].q.done = hold_done;
		w[i].q.deadline_ns = ring_now_fresh(b->ring) + 500000000;
		ask_submit(&w[i]);
	}
	from = ring_now_fresh(b->ring);
	UNTIL(b, 20, ({
		      ended = 0;
		      for (int i = 0; i < N; i++)
			      ended += w[i].ended;
		      ended == N;
	      }));
	is(ended, N, "stuck: large writes end at their deadline");
	is(hold_deadline_result, -ETIMEDOUT, "stuck: with ETIMEDOUT");
	tap_note("stuck: after %.1f s", (double)(ring_now_fresh(b->ring) - from) / 1e9);
	memset(data, 0xff, LEN);
	free(data); /* nobody reads it any more */
	for (int i = 0; i < 3; i++)
		devcluster("resume osd.%d", i);
	tap_ok(obj_write(b, pool, "stuck0", 0, "x", 1) == 0, "stuck: the next write goes through");
	obed_free(b);
}

int main(void)
{
	pool = pool_create("faults", "16 16 replicated", 3);
	killed();
	killed_twice_in_a_row();
	hung();
	marked_down();
	moved();
	split_and_merged();
	many_maps();
	too_few();
	none_left();
	memory_comes_back();
	return tap_end();
}
