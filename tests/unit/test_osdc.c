/* The OSD client in a simulated cluster: what real daemons do not do on demand, and random worlds in which
 * every request must end once, in order, and be done once.
 */
#include <criterion/criterion.h>

#include "osd_sim_cluster.h"

struct ask {
	struct osd_req q; /* first */
	char name[8];
	uint8_t object;
	uint32_t number;
	bool pool_was_there; /* when it was submitted */
	struct iovec iov;
	uint8_t buf[256];
	unsigned ended, let_go;
	bool appends, forsaken, was; /* was: carried out when it ended */
	int result;
	uint32_t got;
};

static bool was_done(const struct ask *a)
{
	const struct sim_object *o = &sim.object[a->q.pool][a->object];

	for (uint32_t i = 0; i < o->count; i++)
		if (o->number[i] == a->number)
			return true;
	return false;
}

static void ask_done(struct osd_req *q, int result)
{
	struct ask *a = (struct ask *)q;

	a->was = a->appends && was_done(a);
	cr_assert_eq(a->ended++, 0, "ends once");
	cr_assert_eq(q->lent, 0, "its memory is its own");
	a->result = result;
	a->got = q->dest_done;
}

static void ask_let_go(struct osd_req *q)
{
	struct ask *a = (struct ask *)q;

	cr_assert(a->forsaken && !a->ended);
	cr_assert_eq(a->let_go++, 0, "once");
	cr_assert_eq(q->lent, 0, "its memory is its own");
	a->iov = (struct iovec){ 0 };
}

static struct ask *ask_new(int64_t pool, unsigned object)
{
	struct ask *a = calloc(1, sizeof *a);

	a->object = (uint8_t)object;
	a->pool_was_there = sim.truth && osdmap_pool(sim.truth, pool);
	snprintf(a->name, sizeof a->name, "o%c", 'a' + object);
	cr_assert_eq(osd_req_init(&a->q, pool, (struct slice){ 0 }, a->name, 2), 0);
	a->q.done = ask_done;
	a->q.let_go = ask_let_go;
	return a;
}

static struct ask *append(int64_t pool, unsigned object, uint32_t number)
{
	struct ask *a = ask_new(pool, object);

	a->number = number;
	a->appends = true;
	a->iov = (struct iovec){ &a->number, 4 };
	cr_assert_eq(osd_req_write(&a->q, OSD_OP_APPEND, 0, 4, (struct osd_trunc){ 0 }, &a->iov, 1), 0);
	cr_assert_eq(osdc_submit(sim.c, &a->q), 0);
	return a;
}

static struct ask *reading(int64_t pool, unsigned object)
{
	struct ask *a = ask_new(pool, object);

	a->iov = (struct iovec){ a->buf, sizeof a->buf };
	cr_assert_eq(osd_req_read(&a->q, 0, sizeof a->buf, (struct osd_trunc){ 0 }, &a->iov, 1), 0);
	return a;
}

static struct ask *read_of(int64_t pool, unsigned object)
{
	struct ask *a = reading(pool, object);

	cr_assert_eq(osdc_submit(sim.c, &a->q), 0);
	return a;
}

static void ends_with(struct ask *a, int result)
{
	cr_assert_eq(a->ended, 1, "%s: %s; %s", osd_req_state_name(a->q.state), osd_req_why_name(a->q.why),
		     sim.last_line);
	cr_assert_eq(a->result, result, "%d", a->result);
	free(a);
}

/* At an epoch where pools 1 to 6 are there and OSDs serve them. */
static void begin(void)
{
	struct ask *a;

	sim_begin(7, NULL);
	sim_to_epoch(30);
	sim_settle();
	cr_assert_eq(osdc_epoch(sim.c), 1, "one message, with the first full map");
	a = append(2, 0, 0); /* asks until its pool is there */
	sim_settle();
	ends_with(a, 0);
	cr_assert_gt(osdc_epoch(sim.c), 1);
	while (osdc_epoch(sim.c) < 30) {
		osdc_want_map(sim.c);
		sim_settle();
	}
	cr_assert_eq(osdc_epoch(sim.c), 30);
}

/* ---- random worlds ---- */

enum { WORLD_OPS = 300, WORLD_STEPS = 2500 };

static struct ask *ops[WORLD_OPS];
static unsigned op_count, osd_speed; /* percent: how soon OSDs see what was sent */

static void step(void)
{
	struct conn *c = sim_conn(sim_random(64));
	uint32_t dice = sim_random(1000);

	if (dice < 150 && op_count < WORLD_OPS) {
		int64_t pool = 1 + sim_random(6);
		unsigned object = sim_random(SIM_OBJECTS);

		ops[op_count] = sim_chance(70) ? append(pool, object, op_count) : read_of(pool, object);
		op_count++;
	} else if (dice < 190) {
		sim_next_epoch();
	} else if (dice < 300) {
		sim_mon();
	} else if (dice < 320) {
		sim_answer();
	} else if (dice < 325 && c) {
		sim_fault(c, -ECONNRESET);
	} else if (dice < 360 && c) {
		sim_unblock(c);
	} else if (dice < 365 && op_count) {
		struct ask *a = ops[sim_random(op_count)];

		if (!a->ended && sim_chance(50)) {
			osdc_cancel(&a->q, -EINTR);
		} else if (!a->ended) {
			a->forsaken = true;
			osdc_forsake(&a->q, -EINTR);
		}
	} else if (dice < 420) {
		sim_advance((uint64_t)sim_random(200) * 50000000);
	} else if (c && sim_chance(10)) {
		sim_wire(c);
	} else if (c && sim_chance(osd_speed)) {
		sim_osd(c);
	}
	if (sim_chance(70))
		sim_tasks();
}

/* The world becomes good, and stays as it is: nothing that comes later may help what is stuck. */
static void heal(void)
{
	sim.backoff_pct = sim.again_pct = sim.lose_pct = 0;
	for (int round = 0; round < 40; round++) {
		struct conn *c, *next;

		for (c = TAILQ_FIRST(&sim.conns); c; c = next) {
			next = TAILQ_NEXT(c, link);
			sim_unblock(c);
		}
		sim_settle();
		sim_advance(6 * NS_PER_S);
	}
}

static bool served(const struct ask *a)
{
	const struct osdmap_pool *p = osdmap_pool(sim.truth, a->q.pool);
	uint32_t hash = p ? osdmap_object_hash(p, (struct slice){ (const uint8_t *)a->name, 2 },
					       (struct slice){ 0 }, (struct slice){ 0 })
			  : 0;

	return !p || sim.pg[p->id][osdmap_object_pg(p, hash).seed].primary >= 0;
}

static bool may_be_sent(const struct ask *a, bool write)
{
	uint32_t flags = osdmap_flags(sim.truth);

	if (flags & (write ? OSDMAP_PAUSEWR : OSDMAP_PAUSERD))
		return false;
	return served(a) && !(write && sim.full[a->q.pool]);
}

static void check_op(struct ask *a, uint64_t seed)
{
	bool write = a->appends;

	if (!a->ended) {
		cr_assert_not(may_be_sent(a, write && !a->q.fence), "seed %llu: pool %d object %s: %s, %s",
			      (unsigned long long)seed, (int)a->q.pool, a->name,
			      osd_req_state_name(a->q.state), osd_req_why_name(a->q.why));
		return;
	}
	cr_assert(a->result == 0 || a->result == -EINTR || a->result == -ENOENT, "seed %llu: result %d",
		  (unsigned long long)seed, a->result);
	if (write && a->result == 0)
		cr_assert(was_done(a), "seed %llu: acknowledged, and not done", (unsigned long long)seed);
	if (a->forsaken)
		cr_assert_eq(was_done(a), a->was, "seed %llu: carried out after its end",
			     (unsigned long long)seed);
	if (write && a->result == -ENOENT && a->pool_was_there)
		cr_assert_null(osdmap_pool(sim.truth, a->q.pool), "seed %llu", (unsigned long long)seed);
}

static void check_order(uint64_t seed)
{
	for (unsigned p = 0; p < SIM_POOLS; p++)
		for (unsigned k = 0; k < SIM_OBJECTS; k++) {
			const struct sim_object *o = &sim.object[p][k];

			for (uint32_t i = 1; i < o->count; i++)
				cr_assert_lt(o->number[i - 1], o->number[i],
					     "seed %llu: pool %u object %u: %u before %u",
					     (unsigned long long)seed, p, k, o->number[i - 1], o->number[i]);
		}
}

Test(osdc, random_worlds, .timeout = 300)
{
	unsigned executed = 0, repeated = 0, dropped = 0, resends = 0, backoffs = 0;

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct osdc_info info;

		sim_begin(seed, NULL);
		sim.backoff_pct = seed % 3 * 4;
		sim.again_pct = seed % 2 * 20;
		sim.lose_pct = 2;
		osd_speed = seed % 4 < 2 ? 100 : seed % 4 == 2 ? 20 : 4;
		op_count = 0;
		for (int i = 0; i < WORLD_STEPS && sim.epoch < 10 + seed * 2; i++)
			step();
		heal();
		for (unsigned i = 0; i < op_count; i++)
			check_op(ops[i], seed);
		check_order(seed);
		osdc_info(sim.c, &info);
		executed += sim.executed;
		repeated += sim.repeated;
		dropped += sim.dropped;
		resends += (unsigned)info.stats.resends;
		backoffs += (unsigned)info.stats.backoffs;
		sim_end();
		for (unsigned i = 0; i < op_count; i++) {
			cr_assert_eq(ops[i]->ended, 1);
			free(ops[i]);
		}
	}
	/* They were worth it. */
	cr_assert(executed > 4000 && repeated > 50 && dropped > 100 && resends > 500 && backoffs > 100,
		  "executed %u repeated %u dropped %u resends %u backoffs %u", executed, repeated, dropped,
		  resends, backoffs);
}

/* ---- one thing at a time ---- */

Test(osdc, redirected)
{
	struct osdc_info info;
	struct ask *a;
	uint64_t tid;

	begin();
	sim.redirect_pct = 100;
	a = append(2, 1, 1);
	tid = a->q.id.tid;
	sim_settle();
	cr_assert_gt(sim.object[2][1].tid[0], tid, "under another tid");
	osdc_info(sim.c, &info);
	cr_assert_eq(info.stats.redirects, 1);
	cr_assert_eq(sim.object[2][1].count, 1);
	ends_with(a, 0);
	sim_end();
}

Test(osdc, sent_away_for_ever)
{
	struct osdc_info info;
	struct ask *a;

	begin();
	sim.again_pct = 100;
	a = read_of(2, 1);
	sim_settle();
	osdc_info(sim.c, &info);
	cr_assert_eq(info.stats.again, OSD_REDIRECTS_MAX);
	ends_with(a, -EAGAIN);
	sim_end();
}

/* The newest message of a request, as its OSD has it. */
static struct conn *conn_of(const struct ask *a, struct sim_op *o)
{
	struct conn *c;

	TAILQ_FOREACH(c, &sim.conns, link)
	for (struct msg *m = c->out; m; m = m->next)
		if (m->tid == a->q.id.tid) {
			sim_op_decode(m, o);
			return c;
		}
	cr_assert_fail("it is not sent");
	return NULL;
}

Test(osdc, replies_that_do_not_count)
{
	struct osdc_info info;
	struct sim_op o;
	struct conn *c;
	struct ask *a;

	begin();
	a = append(2, 1, 1);
	c = conn_of(a, &o);
	o.attempt = -1;
	sim_reply(c, &o, 0, NULL, 0, false);
	o.attempt = 1;
	sim_reply(c, &o, 0, NULL, 0, false);
	o.attempt = 0;
	o.tid += 1000;
	sim_reply(c, &o, 0, NULL, 0, false);
	cr_assert_eq(a->ended, 0);
	osdc_info(sim.c, &info);
	cr_assert_eq(info.stats.stale_replies, 3);
	sim_settle();
	ends_with(a, 0);
	sim_end();
}

Test(osdc, replies_that_do_not_fit)
{
	static uint8_t much[1000];
	struct sim_op o;
	struct conn *c;
	struct ask *a;
	struct msg_in in = { .type = MSG_OSD_OPREPLY, .version = 8, .front = much, .front_len = 30 };

	begin();
	a = read_of(2, 1);
	c = conn_of(a, &o);
	sim_reply(c, &o, 0, much, sizeof a->buf + 1, false);
	sim_tasks();
	ends_with(a, -EBADMSG);
	a = read_of(2, 1);
	c = conn_of(a, &o);
	in.tid = o.tid;
	c->ops->message(c->arg, &in);
	sim_tasks();
	ends_with(a, -EBADMSG);
	a = append(2, 1, 5);
	sim_settle();
	ends_with(a, 0);
	sim_end();
}

Test(osdc, a_place_for_data)
{
	struct conn_dest dest;
	struct msg_in head = { .type = MSG_OSD_OPREPLY };
	struct sim_op o;
	struct conn *c;
	struct ask *a;

	begin();
	a = read_of(2, 1);
	c = conn_of(a, &o);
	head.tid = o.tid;
	head.data_len = sizeof a->buf + 1;
	cr_assert_not(c->ops->dest(c->arg, &head, &dest), "too much");
	head.data_len = sizeof a->buf;
	head.type = MSG_OSD_MAP;
	cr_assert_not(c->ops->dest(c->arg, &head, &dest), "no reply");
	head.type = MSG_OSD_OPREPLY;
	head.tid++;
	cr_assert_not(c->ops->dest(c->arg, &head, &dest), "nobody's");
	head.tid--;
	cr_assert(c->ops->dest(c->arg, &head, &dest));
	cr_assert(dest.iov == &a->iov && dest.count == 1);
	osdc_cancel(&a->q, -EINTR);
	sim_tasks();
	cr_assert_eq(a->ended, 0, "its memory is in use");
	cr_assert_not(c->ops->dest(c->arg, &head, &dest), "not any more");
	dest.released(dest.arg);
	cr_assert_eq(a->ended, 0, "not from inside");
	sim_tasks();
	ends_with(a, -EINTR);
	sim_end();
}

Test(osdc, forsaken)
{
	struct sim_op o;
	struct ask *a;

	begin();
	a = append(2, 1, 1);
	a->forsaken = true;
	osdc_forsake(&a->q, -EINTR);
	sim_tasks();
	cr_assert_eq(a->let_go, 0, "nothing of it was sent");
	ends_with(a, -EINTR);
	a = append(2, 1, 2);
	sim_wire(conn_of(a, &o));
	a->forsaken = true;
	osdc_forsake(&a->q, -EINTR);
	cr_assert_eq(a->let_go, 0, "not from inside");
	sim_tasks();
	cr_assert(a->let_go && !a->ended, "it is not ours any more, and not answered");
	osdc_forsake(&a->q, -EIO);
	sim_settle();
	cr_assert(was_done(a));
	ends_with(a, 0);
	sim_end();
}

/* The connection broke, and with it the answer: what is sent instead tells that it is over. */
Test(osdc, forsaken_is_not_sent_again)
{
	struct ask *a;
	struct sim_op o;
	struct conn *c;
	uint64_t tid;

	begin();
	a = append(2, 1, 1);
	c = conn_of(a, &o);
	cr_assert_not_null(sim_begins(c));
	tid = a->q.id.tid;
	a->forsaken = true;
	osdc_forsake(&a->q, -EINTR);
	sim_tasks();
	cr_assert(!a->let_go && !a->ended, "it is being sent");
	sim_fault(c, -ECONNRESET);
	sim_tasks();
	cr_assert_eq(a->let_go, 1);
	cr_assert_eq(a->ended, 0);
	sim_advance(NS_PER_S);
	sim_settle();
	cr_assert(a->q.fence && a->q.id.tid > tid);
	cr_assert_not(was_done(a));
	ends_with(a, -EINTR);
	sim_end();
}

Test(osdc, memory_in_use_ends_with_the_connection)
{
	struct osdc_info info;
	struct conn *c;
	struct sim_op o;
	struct ask *a, *b;

	begin();
	sim.hold = true;
	sim.backoff_pct = 0;
	a = append(2, 1, 1);
	c = conn_of(a, &o);
	c->peer.port++; /* so that the OSD does not feel meant */
	sim_osd(c);
	cr_assert_not_null(c->held);
	osdc_cancel(&a->q, -EINTR);
	sim_tasks();
	cr_assert_eq(a->ended, 0);
	b = append(2, 1, 2);
	sim_advance(NS_PER_S / 2);
	cr_assert_eq(a->ended, 0);
	sim_advance(NS_PER_S);
	ends_with(a, -EINTR);
	osdc_info(sim.c, &info);
	cr_assert_eq(info.stats.faults, 1);
	sim.hold = false;
	sim_advance(NS_PER_S);
	sim_settle();
	ends_with(b, 0);
	sim_end();
}

/* A reply while an older sending is still in the kernel's hands. */
Test(osdc, a_reply_is_kept)
{
	struct sim_op o;
	struct conn *c;
	struct ask *a;

	begin();
	sim.hold = true;
	a = append(2, 1, 1);
	osd_req_lend(&a->q);
	c = conn_of(a, &o);
	sim.hold = false;
	while (sim_osd(c))
		;
	sim_release(c);
	sim_tasks();
	cr_assert_eq(sim.object[2][1].count, 1);
	cr_assert_eq(a->ended, 0);
	cr_assert(a->q.reply && a->q.reply->attempt == 0);
	osd_req_give_back(&a->q);
	sim_tasks();
	ends_with(a, 0);
	sim_end();
}

Test(osdc, stopped_with_everything_under_way)
{
	struct ask *a[40];

	begin();
	sim.backoff_pct = 30;
	for (uint32_t i = 0; i < 40; i++)
		a[i] = i & 1 ? append(1 + i % 6, i % SIM_OBJECTS, i) : read_of(1 + i % 7, i % SIM_OBJECTS);
	for (int i = 0; i < 10; i++)
		if (sim_conn((uint32_t)i))
			sim_osd(sim_conn((uint32_t)i));
	sim_end();
	for (int i = 0; i < 40; i++) {
		cr_assert_eq(a[i]->ended, 1);
		free(a[i]);
	}
}

/* Its OSD says to hold back, then to go on. */
Test(osdc, backed_off)
{
	struct osdc_info info;
	struct ask *a, *b;
	struct conn *c;
	struct sim_op o;
	struct msg *m;

	begin();
	a = append(2, 1, 1);
	c = conn_of(a, &o);
	sim.backoff_pct = 100;
	sim_osd(c);
	sim.backoff_pct = 0;
	cr_assert(c->out && c->out->type == MSG_OSD_BACKOFF && c->out->priority == OSD_PRIORITY,
		  "acknowledged");
	b = append(2, 1, 2);
	cr_assert_eq(b->q.state, OSD_REQ_HELD);
	cr_assert_eq(b->q.why, OSD_WHY_BACKOFF);
	sim_osd(c);
	cr_assert(c->acked && !c->out);
	sim_unblock(c);
	sim_tasks();
	m = c->out;
	cr_assert(m && m->tid == a->q.id.tid && m->next && m->next->tid == b->q.id.tid, "both, in order");
	sim_settle();
	osdc_info(sim.c, &info);
	cr_assert(info.stats.backoffs == 1 && !info.held);
	ends_with(a, 0);
	ends_with(b, 0);
	sim_end();
}

static struct ask *append_trying(int64_t pool, unsigned object, uint32_t number)
{
	struct ask *a = ask_new(pool, object);

	a->number = number;
	a->iov = (struct iovec){ &a->number, 4 };
	a->q.flags = OSD_FLAG_FULL_TRY;
	cr_assert_eq(osd_req_write(&a->q, OSD_OP_APPEND, 0, 4, (struct osd_trunc){ 0 }, &a->iov, 1), 0);
	cr_assert_eq(osdc_submit(sim.c, &a->q), 0);
	return a;
}

/* Who may be sent while a pool is full, and behind whom. */
Test(osdc, held_by_a_full_pool)
{
	struct ask *plain, *behind, *other, *reading;
	struct sim_op o;

	begin();
	sim_to_epoch(45); /* pool 6 is full */
	while (osdc_epoch(sim.c) < 45) {
		osdc_want_map(sim.c);
		sim_settle();
	}
	plain = append(6, 1, 1);
	cr_assert(plain->q.state == OSD_REQ_HELD && plain->q.why == OSD_WHY_PAUSED);
	behind = append_trying(6, 1, 2);
	cr_assert(behind->q.state == OSD_REQ_HELD && behind->q.why == OSD_WHY_BEHIND_PAUSED);
	other = append_trying(6, 2, 3);
	cr_assert_eq(other->q.state, OSD_REQ_SENT);
	reading = read_of(6, 1);
	cr_assert_eq(reading->q.state, OSD_REQ_SENT);
	conn_of(reading, &o);
	osdc_cancel(&plain->q, -ENOSPC);
	sim_tasks();
	ends_with(plain, -ENOSPC);
	cr_assert_eq(behind->q.state, OSD_REQ_SENT, "nothing stands before it any more");
	sim_to_epoch(70);
	while (osdc_epoch(sim.c) < 70) {
		osdc_want_map(sim.c);
		sim_settle();
	}
	sim_settle();
	cr_assert(behind->ended && other->ended && reading->ended);
	free(behind);
	free(other);
	free(reading);
	sim_end();
}

/* ---- maps ---- */

static void maps_message(uint32_t inc_first, uint32_t inc_count, uint32_t full_epoch, struct slice full,
			 uint32_t oldest)
{
	struct msg_in in;
	struct enc e;

	enc_init(&e);
	enc_bytes(&e, sim.monmap.fsid, 16);
	enc_u32(&e, inc_count);
	for (uint32_t i = inc_first; i < inc_first + inc_count; i++) {
		enc_u32(&e, i);
		enc_blob(&e, sim.map[i].p, sim.map[i].len);
	}
	enc_u32(&e, full_epoch ? 1 : 0);
	if (full_epoch) {
		enc_u32(&e, full_epoch);
		enc_blob(&e, full.p, full.len);
	}
	enc_u32(&e, oldest);
	enc_u32(&e, SIM_EPOCHS);
	enc_u32(&e, 0);
	in = sim_msg(MSG_OSD_MAP, 4, &e);
	osdc_handle_maps(sim.c, &in);
	sim_tasks();
	enc_free(&e);
}

static struct slice full_map(const char *name)
{
	static uint8_t buf[1 << 20];
	char path[512];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/osdmaps/%s", TEST_DATA, name);
	f = fopen(path, "rb");
	cr_assert_not_null(f);
	n = fread(buf, 1, sizeof buf, f);
	fclose(f);
	return (struct slice){ buf, (uint32_t)n };
}

Test(osdc, a_gap_sends_everything_again)
{
	struct osdc_info info;
	struct ask *a;
	uint64_t sends;

	begin();
	a = append(1, 1, 1); /* of one group, which OSDs serve then and later */
	osdc_info(sim.c, &info);
	sends = info.stats.sends;
	maps_message(46, 2, 45, full_map("chain_live.e45.osdmap"), 45);
	cr_assert_eq(osdc_epoch(sim.c), 47);
	osdc_info(sim.c, &info);
	cr_assert_eq(info.stats.gaps, 1);
	cr_assert_eq(info.stats.sends, sends + 1, "%s", osd_req_why_name(a->q.why));
	cr_assert_eq(a->q.attempt, 1);
	sim_to_epoch(47);
	sim_settle();
	ends_with(a, 0);
	sim_end();
}

/* Maps that are old, of another cluster, or lead nowhere. */
Test(osdc, maps_that_are_not_taken)
{
	unsigned asked;

	begin();
	maps_message(20, 5, 0, (struct slice){ 0 }, 1);
	cr_assert_eq(osdc_epoch(sim.c), 30);
	asked = sim.subscriptions;
	maps_message(35, 2, 0, (struct slice){ 0 }, 1);
	cr_assert_eq(osdc_epoch(sim.c), 30);
	cr_assert(sim.subscriptions == asked + 1 && sim.sub_start == 31, "the missing ones are asked for");
	sim.monmap.fsid[3] ^= 1;
	maps_message(31, 1, 0, (struct slice){ 0 }, 1);
	sim.monmap.fsid[3] ^= 1;
	/* now the message is of another cluster */
	sim.monmap.fsid[0] ^= 1;
	cr_assert_eq(osdc_epoch(sim.c), 31, "the fsid was the same in both");
	sim.monmap.fsid[0] ^= 1;
	sim_end();
}

Test(osdc, a_broken_incremental_needs_a_full_map)
{
	struct slice good = sim.map[31];
	uint8_t bad[4096];
	struct osdc_info info;
	struct ask *a;

	begin();
	a = append(2, 1, 1);
	good = sim.map[31];
	cr_assert_lt(good.len, sizeof bad);
	memcpy(bad, good.p, good.len);
	bad[good.len / 2] ^= 1;
	sim.map[31].p = bad;
	maps_message(31, 3, 0, (struct slice){ 0 }, 1);
	sim.map[31] = good;
	cr_assert_eq(osdc_epoch(sim.c), 30);
	sim.subscribed = false;
	sim_advance(6 * NS_PER_S);
	cr_assert(sim.subscribed && sim.sub_start == 0, "a full one is asked for");
	sim.subscribed = false;
	maps_message(31, 3, 0, (struct slice){ 0 }, 1);
	cr_assert_eq(osdc_epoch(sim.c), 30, "incrementals do not help");
	maps_message(0, 0, 25, full_map("chain_live.e25.osdmap"), 1);
	cr_assert_eq(osdc_epoch(sim.c), 30, "nor does an older one");
	maps_message(0, 0, 45, full_map("chain_live.e45.osdmap"), 1);
	cr_assert_eq(osdc_epoch(sim.c), 45);
	osdc_info(sim.c, &info);
	cr_assert_eq(info.stats.gaps, 1);
	sim_to_epoch(45);
	sim_settle();
	ends_with(a, 0);
	sim_end();
}

Test(osdc, locations)
{
	struct osdc_opts o = { .modes = { CON_MODE_CRC }, .mode_count = 1, .nonce = 1 };
	struct osdc *c;

	sim_begin(1, NULL);
	o.location = "root=a host";
	cr_assert_eq(osdc_new(NULL, &sim.log, NULL, &o, &sim_ops, NULL, &c), -EINVAL);
	o.location = " root=default;host=a,rack=r1 ";
	cr_assert_eq(osdc_new(NULL, &sim.log, NULL, &o, &sim_ops, NULL, &c), 0);
	cr_assert_eq(c->place_count, 3);
	cr_assert(c->place[1].type.len == 4 && !memcmp(c->place[1].type.p, "host", 4));
	cr_assert(c->place[2].name.len == 2 && !memcmp(c->place[2].name.p, "r1", 2));
	osdc_free(c);
	sim_end();
}

Test(osdc, requests_that_are_not_taken)
{
	struct ask *a = ask_new(2, 1);
	struct iovec iov = { a->buf, 10 };
	struct osd_trunc none = { 0 };
	char name[OSD_REQ_NAME + 1];

	sim_begin(1, NULL);
	memset(name, 'x', sizeof name);
	cr_assert_eq(osdc_submit(sim.c, &a->q), -EINVAL, "no operation");
	cr_assert_eq(osd_req_read(&a->q, 0, 11, none, &iov, 1), -EINVAL, "no room");
	cr_assert_eq(osd_req_read(&a->q, 0, 10, none, &iov, 1), 0);
	cr_assert_eq(osd_req_read(&a->q, 0, 10, none, &iov, 1), -EINVAL, "a second one");
	cr_assert_eq(osd_req_write(&a->q, OSD_OP_WRITE, 0, 11, none, &iov, 1), -EINVAL, "no bytes");
	for (unsigned i = 1; i < OSD_REQ_OPS; i++)
		osd_op_stat(osd_req_op(&a->q));
	cr_assert_null(osd_req_op(&a->q));
	a->q.op[1].payload_len = 1;
	cr_assert_eq(osdc_submit(sim.c, &a->q), -EINVAL, "a payload that is not there");
	osd_req_fini(&a->q);
	cr_assert_eq(osd_req_init(&a->q, 2, (struct slice){ 0 }, name, sizeof name), -ENAMETOOLONG);
	free(a);
	sim_end();
}
