/* cluster: --mon 3 --mds 1; timeout: 180 */
/* A mount and its monitors: the one in use dies, all of them hang, some are away when a mount begins. What
 * the MDS answers does not depend on any of it. */
#include "ours.h"

enum { FILES = 64 };

static int looked_up;

/* Names not asked before: each needs the MDS. */
static int fresh_lookups(struct ours *o, int count)
{
	struct cephring_statx st;
	int bad = 0;

	while (count--) {
		char path[64];

		snprintf(path, sizeof path, "/mon_loss/%d", looked_up++ % FILES);
		if (cephring_sync_statx(o->mount, NULL, path, CEPHRING_STATX_BASIC, CEPHRING_FORCE_SYNC, NULL,
					&st))
			bad++;
	}
	return bad;
}

static int finds_monitor(struct ours *o, const char *other_than, unsigned ms)
{
	uint64_t end = now_ns() + ms * 1000000ull;
	char name[64];

	do {
		serve(o->engine, 50);
		our_monitor(o->mount, name);
	} while ((!name[0] || !strcmp(name, other_than)) && now_ns() < end);
	return name[0] && strcmp(name, other_than);
}

static void one_dies(struct ours *o)
{
	struct cephring_statfs fs;
	char name[64];

	our_monitor(o->mount, name);
	tap_ok(name[0] != 0, "status names the monitor");
	devcluster("kill mon.%s", name);
	tap_eq(fresh_lookups(o, 10), 0, "lookups that failed when the monitor had been killed");
	tap_ok(finds_monitor(o, name, 20000), "status shows another monitor");
	tap_eq(fresh_lookups(o, 10), 0, "lookups that failed with the other monitor");
	tap_eq(cephring_sync_statfs(o->mount, &fs), 0, "a question to the monitors is answered");
	devcluster("restart mon.%s", name);
}

static void all_hang(struct ours *o)
{
	struct cephring_statfs fs;
	char name[64];

	for (const char *c = "abc"; *c; c++)
		devcluster("pause mon.%c", *c);
	tap_eq(fresh_lookups(o, 10), 0, "lookups that failed while all monitors hang");
	serve(o->engine, 3500); /* past keepalive and dead_after: the connection is given up */
	tap_ok(our_number(o->mount, "{s:{s:i}}", "monitor", "hunts") >= 2, "the silent monitor was given up");
	tap_eq(fresh_lookups(o, 10), 0, "lookups that failed without any monitor");
	for (const char *c = "abc"; *c; c++)
		devcluster("resume mon.%c", *c);
	tap_ok(finds_monitor(o, "", 30000), "a monitor is found when they go on");
	our_monitor(o->mount, name);
	tap_eq(cephring_sync_statfs(o->mount, &fs), 0, "and answers");
	tap_eq(fresh_lookups(o, 10), 0, "lookups that failed after it all");
}

/* Several times, since the order of the monitors is chance. */
static void mounts_fast(const char *how)
{
	double worst = 0;
	int bad = 0;

	for (int n = 0; n < 4; n++) {
		struct ours o;

		if (ours_mount(&o, NULL, NULL)) {
			tap_note("%s", o.words);
			bad++;
		}
		worst = o.took_s > worst ? o.took_s : worst;
		ours_end(&o);
	}
	tap_ok(!bad, "mounts with one monitor %s", how);
	tap_ok(worst < 5, "soon, with one monitor %s", how);
	tap_note("slowest: %.3f s", worst);
}

static int in_quorum(int want)
{
	for (int n = 0; n < 40; n++) {
		char *text = ceph_says("quorum_status --connect-timeout 10 -f json");
		json_t *v = json_loads(text, 0, NULL);
		int count = (int)json_array_size(json_object_get(v, "quorum"));

		json_decref(v);
		free(text);
		if (count >= want)
			return 1;
		usleep(250000);
	}
	return 0;
}

int main(void)
{
	const char *const quick[] = { "cephring_keepalive", "1", "cephring_dead_after", "1", NULL };
	struct ours o;

	plant_now("/mon_loss", FILES);
	if (ours_mount(&o, quick, NULL))
		tap_die(o.words);
	one_dies(&o);
	tap_ok(in_quorum(3), "all monitors are back");
	all_hang(&o);
	ours_end(&o);

	in_quorum(3);
	devcluster("pause mon.a");
	mounts_fast("hung");
	devcluster("resume mon.a");
	in_quorum(3);
	devcluster("kill mon.b");
	mounts_fast("dead");
	devcluster("restart mon.b");
	tap_ok(in_quorum(3), "all monitors are back again");
	return tap_end();
}
