/* cluster: --mon 1 --mds 1 --set auth_service_ticket_ttl=8 --set auth_mon_ticket_ttl=24; timeout: 180 */
/* A mount that outlives its tickets several times: walks go on without an error, and an MDS connection that
 * breaks late comes back with a ticket that was not there when it was made. */
#include "ours.h"

enum { FILES = 64, SECONDS = 42, CUT_EVERY_S = 5 };

int main(void)
{
	uint64_t start, next_cut;
	unsigned walks = 0, failed = 0, cuts = 0;
	struct cephring_statfs fs;
	struct ours o;
	long long id;
	int port;

	plant_now("/tickets", FILES);
	if (ours_mount(&o, NULL, NULL))
		tap_die(o.words);
	id = our_id(o.mount);
	port = our_mds_port(o.mount);
	start = now_ns();
	next_cut = start + CUT_EVERY_S * 1000000000ull;
	while (now_ns() - start < SECONDS * 1000000000ull) {
		struct asked a = { 0 };

		snprintf(a.path, sizeof a.path, "/tickets/%u", walks++ % FILES);
		if (now_ns() >= next_cut) {
			cephring_drop_caches(o.mount);
			next_cut += CUT_EVERY_S * 1000000000ull;
			cuts += sever(port) > 0;
		}
		ask(o.mount, &a, CEPHRING_FORCE_SYNC, 0);
		if (!answers(o.engine, &a, 1, 20000) || a.res) {
			tap_note("%s after %.1f s: %lld", a.path, (double)(now_ns() - start) / 1e9,
				 (long long)a.res);
			failed++;
		}
		serve(o.engine, 10);
	}
	tap_eq(failed, 0, "walks that failed over several lives of all tickets");
	tap_note("%u walks", walks);
	tap_ok(our_number(o.mount, "{s:{s:i}}", "monitor", "ticket_renewals") >= 3,
	       "service tickets were renewed");
	tap_ok(our_number(o.mount, "{s:{s:i}}", "monitor", "hunts") >= 3,
	       "so was the ticket for that, by logins");
	tap_ok(our_session(o.mount, "reconnects") >= cuts && cuts >= SECONDS / CUT_EVERY_S - 1,
	       "the MDS took each new connection");
	tap_ok(our_id(o.mount) == id, "we are the same client to all");
	tap_eq(our_session(o.mount, "cap_gen") > 0, 1, "with the same session");
	tap_eq(cephring_sync_statfs(o.mount, &fs), 0, "the monitor answers");
	ours_end(&o);
	return tap_end();
}
