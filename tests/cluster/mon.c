/* cluster: --mon 3 --mds 1; timeout: 240 */
/* The monitor client at real monitors: both connection modes, maps, questions, refusals, a monitor that hangs
 * and one that dies. */
#include "mon_bed.h"

static void logs_in(const char *mode_name, uint32_t mode)
{
	struct bed *b = bed_new();
	struct mon_info info;
	uint64_t from;

	b->opts.mon_modes[0] = mode;
	b->opts.mon_mode_count = 1;
	from = ring_now_fresh(b->ring);
	if (tap_ok(bed_login(b), "%s: logs in", mode_name)) {
		tap_note("%s: ready after %.2f ms", mode_name,
			 (double)(ring_now_fresh(b->ring) - from) / 1e6);
		mon_info(b->mon, &info);
		tap_ok(info.conn.mode == mode, "%s: that mode was negotiated", mode_name);
		tap_ok(*mon_global_id(b->mon) != 0, "%s: has a global_id", mode_name);
		tap_ok(mon_monmap(b->mon)->count == 3, "%s: the monmap has 3 monitors", mode_name);
		tap_ok(strlen(info.current) == 1, "%s: knows the monitor\'s name", mode_name);
		tap_ok(info.ticket_expires_ns[0] > info.now_ns && info.ticket_expires_ns[1] > info.now_ns &&
			   info.ticket_expires_ns[2] > info.now_ns,
		       "%s: has tickets for auth, mds and osd", mode_name);
	}
	bed_free(b);
}

static void gets_maps(void)
{
	struct bed *b = bed_new();
	unsigned osdmaps;

	bed_start(b);
	mon_subscribe(b->mon, "fsmap.user", 0, false);
	mon_subscribe(b->mon, "mdsmap", 0, false);
	mon_subscribe(b->mon, "osdmap", 1, false);
	tap_ok(UNTIL(b, 10, b->ready && b->mdsmaps && b->fsmaps && b->osdmaps),
	       "maps come for subscriptions made before");
	tap_ok(b->maps_before_ready == 0, "ready comes before the maps");
	tap_ok(b->fsmap.count == 1 && b->fsmap.fs[0].fscid == b->fsmap.legacy_fscid,
	       "the fsmap names the file system");
	tap_ok(!strcmp(b->mdsmap->fs_name, b->fsmap.fs[0].name), "the mdsmap is of that file system");
	tap_ok(b->mdsmap->rank_count == 1 && b->mdsmap->rank[0].state == MDS_STATE_ACTIVE &&
		   b->mdsmap->rank[0].addr.type == ADDR_MSGR2 && b->mdsmap->rank[0].addr.nonce,
	       "its rank 0 is active and has an address with a nonce");
	osdmaps = b->osdmaps;
	ceph("osd set noout");
	tap_ok(UNTIL(b, 10, b->osdmaps > osdmaps), "a change of the osdmap is pushed");
	ceph("osd unset noout");
	bed_free(b);
}

static int fscid_of(const struct bed *b, const char *name)
{
	for (uint32_t i = 0; i < b->fsmap.count; i++)
		if (!strcmp(b->fsmap.fs[i].name, name))
			return b->fsmap.fs[i].fscid;
	return -1;
}

static void a_file_system_comes_and_goes(void)
{
	struct bed *b = bed_new();
	char what[24];
	int id;

	bed_start(b);
	mon_subscribe(b->mon, "fsmap.user", 0, false);
	UNTIL(b, 10, b->ready && b->fsmaps);
	ceph("osd pool create two.meta 8");
	ceph("osd pool create two.data 8");
	ceph("fs flag set enable_multiple true");
	ceph("fs new two two.meta two.data");
	tap_ok(UNTIL(b, 10, fscid_of(b, "two") > 0), "a new file system is told by the fsmap");
	id = fscid_of(b, "two");
	snprintf(what, sizeof what, "mdsmap.%d", id);
	mon_subscribe(b->mon, what, 0, false);
	tap_ok(UNTIL(b, 10, b->mdsmaps) && !strcmp(b->mdsmap->fs_name, "two"),
	       "and has an mdsmap by its number");
	ceph("fs fail two");
	ceph("fs rm two --yes-i-really-mean-it");
	tap_ok(UNTIL(b, 10, fscid_of(b, "two") < 0), "its end is told by the fsmap");
	tap_ok(UNTIL(b, 10, b->removed), "and by an mdsmap of nothing");
	ceph("osd pool rm two.meta two.meta --yes-i-really-really-mean-it");
	ceph("osd pool rm two.data two.data --yes-i-really-really-mean-it");
	bed_free(b);
}

struct question {
	struct mon_request q;
	int err;
	unsigned ended;
};

static void answered(struct mon_request *q, int err)
{
	struct question *a = (struct question *)q;

	a->err = err;
	a->ended++;
}

static void asks(void)
{
	struct bed *b = bed_new();
	struct question version = { .q.done = answered }, space = version, nonsense = version,
			never = version, last = version;

	bed_start(b);
	tap_ok(!mon_statfs(b->mon, &space.q, -1, 10000000000ull) &&
		   !mon_getversion(b->mon, &version.q, "osdmap", 10000000000ull),
	       "questions are taken before the login");
	tap_ok(UNTIL(b, 10, version.ended && space.ended), "they are answered");
	tap_ok(!version.err && version.q.version.newest >= version.q.version.oldest &&
		   version.q.version.newest > 0,
	       "get_version tells the newest osdmap");
	tap_ok(!space.err && space.q.statfs.kb > 0 && space.q.statfs.kb >= space.q.statfs.kb_avail,
	       "statfs tells the space");
	mon_getversion(b->mon, &nonsense.q, "no such map", 200000000);
	mon_getversion(b->mon, &never.q, "no such map", 0);
	tap_ok(UNTIL(b, 5, nonsense.ended) && nonsense.err == -ETIMEDOUT,
	       "an unanswered question ends with ETIMEDOUT");
	mon_request_cancel(b->mon, &never.q);
	mon_getversion(b->mon, &last.q, "no such map", 0);
	mon_free(b->mon);
	b->mon = NULL;
	tap_ok(last.ended == 1 && last.err == -ECANCELED, "a question left behind ends with ECANCELED");
	tap_ok(version.ended == 1 && space.ended == 1 && nonsense.ended == 1 && never.ended == 0,
	       "each ended once, the cancelled one never");
	bed_free(b);
}

static void refused(void)
{
	struct bed *b = bed_new();

	b->opts.key.secret[3] ^= 1;
	tap_ok(!bed_login(b) && b->err == -EACCES, "a wrong key: EACCES");
	tap_ok(strstr(b->why, b->opts.entity) && strstr(b->why, "v2:127."),
	       "and words naming entity and monitor");
	tap_ok(b->failed == 1, "failed comes once");
	bed_free(b);

	b = bed_new();
	b->opts.entity = "client.nobody";
	tap_ok(!bed_login(b) && b->err == -EACCES && strstr(b->why, "client.nobody"),
	       "an unknown entity: EACCES");
	bed_free(b);

	b = bed_new();
	b->opts.have_key = false;
	b->opts.allow_none = true;
	tap_ok(!bed_login(b) && b->err == -EPROTONOSUPPORT && strstr(b->why, "needs a key"),
	       "no key where cephx is wanted: EPROTONOSUPPORT");
	bed_free(b);
}

static void nobody_there(void)
{
	struct bed *b = bed_new();
	struct entity_addr dead[2] = { b->opts.addrs[0], b->opts.addrs[0] };

	dead[0].port = 1;
	dead[1].port = 2;
	b->opts.addrs = dead;
	b->opts.addr_count = 2;
	b->opts.timeout_ns = 700000000;
	tap_ok(!bed_login(b) && b->err == -ETIMEDOUT, "no monitor there: ETIMEDOUT");
	tap_ok(strstr(b->why, ".1:1/") && strstr(b->why, ".1:2/"), "and words naming the addresses");
	bed_free(b);
}

/* All but one are paused: they take the connection (the kernel does) and say nothing. */
static void hung_monitors(void)
{
	struct bed *b = bed_new();

	devcluster("pause mon.b");
	devcluster("pause mon.c");
	bed_start(b);
	tap_ok(UNTIL(b, 2.5, b->ready), "two monitors that hang do not hold up the login");
	devcluster("resume mon.b");
	devcluster("resume mon.c");
	bed_free(b);
}

static bool is_elsewhere(struct bed *b, const char *not_here)
{
	struct mon_info info;

	mon_info(b->mon, &info);
	return info.current[0] && strcmp(info.current, not_here);
}

static void a_monitor_dies(void)
{
	struct question q = { .q.done = answered };
	struct bed *b = bed_new();
	struct mon_info info;
	uint64_t id;
	unsigned osdmaps;

	if (!tap_ok(bed_login(b), "failover: logs in"))
		return;
	mon_subscribe(b->mon, "osdmap", 1, false);
	UNTIL(b, 10, b->osdmaps);
	osdmaps = b->osdmaps;
	id = *mon_global_id(b->mon);
	mon_info(b->mon, &info);
	devcluster("kill mon.%s", info.current);
	mon_getversion(b->mon, &q.q, "osdmap", 60000000000ull);
	tap_ok(UNTIL(b, 60, q.ended) && !q.err,
	       "failover: a question asked of the dead one is answered by another");
	tap_ok(is_elsewhere(b, info.current), "failover: the session is with another monitor");
	tap_ok(*mon_global_id(b->mon) == id, "failover: the same global_id");
	tap_ok(b->failed == 0 && b->ready == 1, "failover: ready is not said again");
	ceph("osd set noout");
	tap_ok(UNTIL(b, 20, b->osdmaps > osdmaps), "failover: subscriptions go on");
	ceph("osd unset noout");
	devcluster("restart mon.%s", info.current);
	bed_free(b);
}

int main(void)
{
	logs_in("secure", CON_MODE_SECURE);
	logs_in("crc", CON_MODE_CRC);
	gets_maps();
	a_file_system_comes_and_goes();
	asks();
	refused();
	nobody_there();
	hung_monitors();
	a_monitor_dies();
	return tap_end();
}
