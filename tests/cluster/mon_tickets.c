/* cluster: --mon 1 --mds 1 --set auth_service_ticket_ttl=8 --set auth_mon_ticket_ttl=24; timeout: 180 */
/* Tickets that live for seconds: they are renewed in time, services take the new ones, and what a service
 * refuses is fetched anew. */
#include "mon_bed.h"
#include "mon/mon_impl.h"

/* In the first encrypted block, behind u8 1, u64 secret_id, u32 length: the proof that the rest is right. */
enum { TICKET_MAGIC_AT = 16 };

static uint64_t renewals(struct bed *b, uint64_t *hunts)
{
	struct mon_info info;

	mon_info(b->mon, &info);
	*hunts = info.hunts;
	return info.renewals;
}

static void renews(struct bed *b)
{
	uint64_t hunts, id = *mon_global_id(b->mon);
	struct cephx_ticket *mds = (struct cephx_ticket *)cephx_ticket_find(&b->mon->tickets, ENTITY_MDS);
	uint64_t validity = mds->expires_ns - ring_now(b->ring);

	tap_ok(validity < 9000000000ull, "the tickets of this cluster are short");
	tap_ok(UNTIL(b, 15, renewals(b, &hunts) >= 2) && hunts == 1,
	       "service tickets are renewed on the open session");
	tap_ok(b->tickets >= 2, "and the user is told");
	tap_ok(service_works(b, 5), "the MDS takes a renewed ticket");
	tap_ok(UNTIL(b, 25, (renewals(b, &hunts), hunts) >= 2), "the auth ticket is renewed by a new login");
	UNTIL(b, 5, b->mon->session && !b->mon->hunting);
	tap_ok(*mon_global_id(b->mon) == id, "under the same global_id");
	tap_ok(service_works(b, 5), "the MDS takes a ticket of the new login");
}

/* As after the MDS's keys were wiped: what we have is of no use, a fresh one is. */
static void refused_ticket(struct bed *b)
{
	struct cephx_ticket *t = (struct cephx_ticket *)cephx_ticket_find(&b->mon->tickets, ENTITY_MDS);
	uint64_t gen = b->mon->ticket_gen;

	t->blob[TICKET_MAGIC_AT] ^= 0x40;
	tap_ok(service_works(b, 20),
	       "a ticket that the MDS refuses is replaced, and the connection comes up");
	tap_ok(b->mon->ticket_gen > gen, "by a fresh one");
	tap_ok(b->mon->service[0].refused == 0, "and the count of refusals is forgotten");
}

static void waits_for_a_ticket(struct bed *b)
{
	struct service s;

	cephx_ticket_drop(&b->mon->tickets, ENTITY_MDS);
	service_open(b, &s);
	tap_ok(UNTIL(b, 10, s.ready), "a connection without a ticket waits for one and goes on");
	service_close(b, &s);
}

static void refused_login(struct bed *b)
{
	struct cephx_ticket *t = (struct cephx_ticket *)cephx_ticket_find(&b->mon->tickets, ENTITY_AUTH);
	uint64_t hunts, before;

	renewals(b, &before);
	t->blob[TICKET_MAGIC_AT] ^= 0x40;
	tap_ok(UNTIL(b, 40, (renewals(b, &hunts), hunts) > before && b->mon->session && !b->mon->hunting),
	       "an auth ticket that the monitor refuses is given up for a new login");
	tap_ok(service_works(b, 5), "after which the MDS knows us again");
}

int main(void)
{
	struct bed *b = bed_new();

	bed_start(b);
	mon_subscribe(b->mon, "mdsmap", 0, false);
	if (!tap_ok(UNTIL(b, 10, b->ready && b->mdsmaps) && b->mdsmap->rank_count,
		    "logs in and has an mdsmap"))
		return tap_end();
	tap_ok(service_works(b, 5), "the MDS takes the ticket of the login");
	renews(b);
	refused_ticket(b);
	waits_for_a_ticket(b);
	refused_login(b);
	bed_free(b);
	return tap_end();
}
