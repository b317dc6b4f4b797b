/* osd_sim_cluster.h: monitors and OSDs for osd_sim.h.
 *
 * The maps are the 109 epochs of tests/data/osdmaps/chain_live: OSDs and pools come, change and go. An OSD
 * does what real ones do: it drops what was meant for an older interval, answers repeated requests without
 * doing them twice, tells those behind of newer maps. What it executes is an append of a number to an object.
 */
#pragma once
#include <isa-l/igzip_lib.h>

#include "osd_sim.h"
#include "proto/osd_op_parts.h"

/* ---- the truth ---- */

static inline struct slice sim_file(const char *name)
{
	enum { LIMIT = 1 << 20 };
	struct inflate_state state;
	static uint8_t gz[LIMIT];
	uint8_t *out = malloc(LIMIT);
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/osdmaps/%s", TEST_DATA, name);
	f = fopen(path, "rb");
	NEED(f && out);
	isal_inflate_init(&state);
	state.crc_flag = ISAL_GZIP;
	state.next_in = gz;
	state.avail_in = (uint32_t)fread(gz, 1, LIMIT, f);
	state.next_out = out;
	state.avail_out = LIMIT;
	NEED(isal_inflate_stateless(&state) == ISAL_DECOMP_OK);
	fclose(f);
	return (struct slice){ out, state.total_out };
}

static bool sim_careless; /* no OSD judges what it gets: cheaper */
static const struct map_mem sim_memory = { .alloc = mem_alloc, .free = mem_free };

/* Who leads each group now, and since when requests of older epochs are void. */
static inline void sim_learn(void)
{
	for (int64_t id = 0; id < SIM_POOLS; id++) {
		const struct osdmap_pool *p = osdmap_pool(sim.truth, id);
		uint32_t from = sim.pg_num[id], to = p ? p->pg_num : 0;

		if (p && p->flags & POOL_FULL && !sim.full[id])
			sim.full_since[id] = sim.epoch;
		sim.full[id] = p && p->flags & POOL_FULL;
		NEED(to <= SIM_PGS);
		for (uint32_t seed = 0; seed < to; seed++) {
			struct sim_pg *g = &sim.pg[id][seed];
			struct pg_set acting;
			uint32_t rank = 0;
			int8_t shard;

			NEED(!osdmap_pg_acting(sim.truth, (struct pg_id){ id, seed }, &acting, &shard));
			while (rank < acting.count && acting.osd[rank] != acting.primary)
				rank++;
			if (acting.primary != g->primary || shard != g->shard || rank != g->rank ||
			    seed >= from ||
			    (from && from != to &&
			     (pg_is_split(seed, from, to) || pg_is_merge(seed, from, to))))
				g->since = sim.epoch;
			g->primary = acting.primary;
			g->shard = shard;
			g->rank = rank;
		}
		sim.pg_num[id] = to;
	}
}

/* The next epoch comes to be: the OSDs know it at once. */
static inline bool sim_next_epoch(void)
{
	struct dec d;

	if (sim.epoch == SIM_EPOCHS)
		return false;
	sim.epoch++;
	d = dec_init(sim.map[sim.epoch].p, sim.map[sim.epoch].len);
	if (sim.epoch == 1)
		NEED(!osdmap_decode(&d, &sim_memory, &sim.truth));
	else
		NEED(!osdmap_apply(sim.truth, &d));
	if (!sim_careless)
		sim_learn();
	return true;
}

/* ---- messages to the client ---- */

static inline struct msg_in sim_msg(uint16_t type, uint16_t version, const struct enc *front)
{
	return (struct msg_in){
		.type = type, .version = version, .front = front->buf, .front_len = (uint32_t)front->len
	};
}

/* Epochs from `first` on (0: a full one), as many as one message has; the newest in it. */
static inline uint32_t sim_maps(struct enc *e, uint32_t first)
{
	uint32_t last = first + SIM_MAPS_EACH - 1;

	last = last < sim.epoch ? last : sim.epoch;
	enc_bytes(e, sim.monmap.fsid, 16);
	if (first <= 1) {
		enc_u32(e, 0);
		enc_u32(e, 1);
		enc_u32(e, 1);
		enc_blob(e, sim.map[1].p, sim.map[1].len);
		last = 1;
	} else {
		enc_u32(e, last - first + 1);
		for (uint32_t i = first; i <= last; i++) {
			enc_u32(e, i);
			enc_blob(e, sim.map[i].p, sim.map[i].len);
		}
		enc_u32(e, 0);
	}
	enc_u32(e, 1);
	enc_u32(e, sim.epoch);
	enc_u32(e, 0);
	return last;
}

/* A monitor answers what is subscribed, if it can. */
static inline bool sim_mon(void)
{
	struct msg_in in;
	struct enc e;

	if (!sim.subscribed || sim.sub_start > sim.epoch)
		return false;
	enc_init(&e);
	sim.sub_start = sim_maps(&e, (uint32_t)sim.sub_start) + 1;
	if (sim.onetime)
		sim.subscribed = false;
	in = sim_msg(MSG_OSD_MAP, 4, &e);
	osdc_handle_maps(sim.c, &in);
	enc_free(&e);
	return true;
}

static inline bool sim_answer(void)
{
	struct mon_request *q = sim.question;

	if (!q)
		return false;
	sim.question = NULL;
	q->version.newest = sim.epoch;
	q->done(q, 0);
	return true;
}

static inline void sim_tell_maps(struct conn *c, uint32_t from)
{
	struct msg_in in;
	struct enc e;

	if (from >= sim.epoch || c->told >= sim.epoch)
		return;
	enc_init(&e);
	c->told = sim_maps(&e, c->told > from ? c->told + 1 : from + 1);
	in = sim_msg(MSG_OSD_MAP, 4, &e);
	c->ops->message(c->arg, &in);
	enc_free(&e);
}

/* ---- an OSD ---- */

struct sim_op {
	uint64_t tid;
	struct osd_pgid pg;
	uint32_t hash, epoch, flags;
	int64_t pool;
	struct slice oid;
	int32_t attempt;
	uint16_t code;
	uint32_t number;
};

static inline void sim_op_decode(const struct msg *m, struct sim_op *o)
{
	struct dec d = dec_init(m->front.buf, m->front.len), locator;

	NEED(m->type == MSG_OSD_OP && m->priority == OSD_PRIORITY);
	o->tid = m->tid;
	osd_spg_decode(&d, &o->pg);
	o->hash = dec_u32(&d);
	o->epoch = dec_u32(&d);
	o->flags = dec_u32(&d);
	dec_skip(&d, 27 + 24 + 4 + 8);
	locator = dec_section(&d, 6, NULL);
	o->pool = dec_s64(&locator);
	o->oid = dec_slice(&d);
	NEED(dec_u16(&d) == 1);
	o->code = dec_u16(&d);
	dec_skip(&d, 36 + 8 + 8);
	dec_skip(&d, 8 * (size_t)dec_u32(&d));
	o->attempt = dec_s32(&d);
	NEED(dec_u64(&d) && !dec_left(&d) && !d.err);
	if (o->code == OSD_OP_APPEND) {
		NEED(m->bulk_len + m->data.len == 4);
		memcpy(&o->number, m->bulk_len ? m->bulk->iov_base : m->data.buf, 4);
	}
}

static inline struct sim_object *sim_object_of(const struct sim_op *o)
{
	NEED(o->oid.len == 2 && o->pool > 0 && o->pool < SIM_POOLS);
	return &sim.object[o->pool][o->oid.p[1] - 'a'];
}

/* What an OSD does not answer. */
static inline bool sim_drops(const struct conn *c, const struct sim_op *o)
{
	const struct osdmap_pool *p = osdmap_pool(sim.truth, o->pool);
	const struct sim_pg *g;
	const struct entity_addr *a;

	NEED(o->epoch <= sim.epoch);
	if (!p || o->pg.seed >= p->pg_num || osdmap_object_pg(p, o->hash).seed != o->pg.seed)
		return true;
	g = &sim.pg[o->pool][o->pg.seed];
	a = g->primary >= 0 ? osdmap_osd_addr(sim.truth, g->primary) : NULL;
	if (!a || !addr_equal(a, &c->peer) || g->shard != o->pg.shard)
		return true;
	if (o->epoch < g->since || o->epoch < p->last_force_op_resend)
		return true;
	return o->code == OSD_OP_APPEND && (sim.full[o->pool] || o->epoch < sim.full_since[o->pool]) &&
	       !(o->flags & OSD_FLAG_FULL_TRY);
}

static inline void sim_reply(struct conn *c, const struct sim_op *o, int32_t result, const void *data,
			     uint32_t data_len, bool redirect)
{
	struct msg_in in;
	struct enc e;

	enc_init(&e);
	enc_blob(&e, o->oid.p, o->oid.len);
	osd_pg_encode(&e, &o->pg);
	enc_u64(&e, o->flags);
	enc_u32(&e, (uint32_t)result);
	enc_zero(&e, 12);
	enc_u32(&e, sim.epoch);
	enc_u32(&e, 1);
	enc_u16(&e, o->code);
	enc_zero(&e, 4 + OSD_OP_ARG_SIZE);
	enc_u32(&e, data_len);
	enc_u32(&e, (uint32_t)o->attempt);
	enc_u32(&e, 0);
	enc_zero(&e, 12 + 8);
	enc_u8(&e, redirect);
	if (redirect) {
		size_t all = enc_section(&e, 1, 1), loc = enc_section(&e, 6, 3);

		enc_u64(&e, (uint64_t)o->pool);
		enc_u32(&e, UINT32_MAX);
		enc_u32(&e, 0);
		enc_u32(&e, 0);
		enc_u64(&e, UINT64_MAX);
		enc_close(&e, loc);
		enc_u32(&e, 0);
		enc_u32(&e, 0);
		enc_close(&e, all);
	}
	enc_zero(&e, 24);
	in = sim_msg(MSG_OSD_OPREPLY, 8, &e);
	in.tid = o->tid;
	in.data = data;
	in.data_len = data_len;
	in.seq = ++c->seq;
	c->ops->message(c->arg, &in);
	enc_free(&e);
}

static inline void sim_backoff(struct conn *c, uint8_t op)
{
	struct msg_in in;
	struct enc e;

	c->block.op = op;
	enc_init(&e);
	osd_backoff_encode(&e, &c->block);
	in = sim_msg(MSG_OSD_BACKOFF, 1, &e);
	c->ops->message(c->arg, &in);
	enc_free(&e);
}

/* The whole group, or the one object. */
static inline void sim_block(struct conn *c, const struct sim_op *o)
{
	bool whole = sim_chance(50);

	memcpy(c->block_name, o->oid.p, o->oid.len);
	c->blocking = true;
	c->acked = false;
	c->block = (struct osd_backoff_msg){ .pg = o->pg, .epoch = sim.epoch, .id = ++c->block_id };
	c->block.begin = (struct hobject){ .pool = o->pool, .hash = whole ? 0 : o->hash };
	c->block.end = (struct hobject){ .max = true };
	if (!whole) {
		c->block.begin.oid = (struct slice){ c->block_name, o->oid.len };
		c->block.begin.snap = OSD_SNAP_HEAD;
		c->block.end = c->block.begin;
	}
	sim_backoff(c, OSD_BACKOFF_BLOCK);
}

static inline bool sim_blocked(const struct conn *c, const struct sim_op *o)
{
	struct hobject h = { .pool = o->pool, .hash = o->hash, .oid = o->oid, .snap = OSD_SNAP_HEAD };

	if (!c->blocking || memcmp(&c->block.pg, &o->pg, sizeof o->pg))
		return false;
	return !hobject_cmp(&h, &c->block.begin) ||
	       (hobject_cmp(&h, &c->block.begin) > 0 && hobject_cmp(&h, &c->block.end) < 0);
}

/* lose: the connection breaks before the answer is out. */
static inline void sim_execute(struct conn *c, const struct sim_op *o, bool lose)
{
	struct sim_object *obj = sim_object_of(o);

	if (o->code == OSD_OP_READ) {
		sim_reply(c, o, obj->count ? 0 : -ENOENT, obj->number, obj->count < 64 ? obj->count * 4 : 256,
			  false);
		return;
	}
	if (o->code == OSD_OP_STAT) {
		NEED(o->flags & OSD_FLAG_RWORDERED);
		sim_reply(c, o, obj->count ? 0 : -ENOENT, NULL, 0, false);
		return;
	}
	for (uint32_t i = 0; i < obj->count; i++)
		if (obj->tid[i] == o->tid) { /* done before: only answered */
			NEED(o->attempt > 0 && o->flags & OSD_FLAG_RETRY);
			sim.repeated++;
			sim_reply(c, o, 0, NULL, 0, false);
			return;
		}
	NEED(obj->count < SIM_LOG);
	obj->number[obj->count] = o->number;
	obj->tid[obj->count++] = o->tid;
	sim.executed++;
	if (lose)
		sim_fault(c, -ECONNRESET);
	else
		sim_reply(c, o, 0, NULL, 0, false);
}

/* Callbacks may have ended it. */
static inline bool sim_alive(const struct conn *c, uint64_t serial)
{
	const struct conn *at;

	TAILQ_FOREACH(at, &sim.conns, link)
	if (at == c)
		return at->serial == serial && !at->failed;
	return false;
}

static inline void sim_take(struct conn *c, const struct sim_op *o)
{
	uint64_t serial = c->serial;

	if (o->epoch < sim.epoch)
		sim_tell_maps(c, o->epoch);
	if (!sim_alive(c, serial))
		return;
	if (sim_drops(c, o) || sim_blocked(c, o))
		sim.dropped++;
	else if (!c->blocking && sim_chance(sim.backoff_pct))
		sim_block(c, o);
	else if (sim_chance(sim.redirect_pct) && !(o->flags & OSD_FLAG_REDIRECTED))
		sim_reply(c, o, 0, NULL, 0, true);
	else if (o->code == OSD_OP_READ && sim_chance(sim.again_pct))
		sim_reply(c, o, -EAGAIN, NULL, 0, false);
	else
		sim_execute(c, o, sim_chance(sim.lose_pct));
}

/* The next message of this connection is seen by its OSD. False: there is none. */
static inline bool sim_osd(struct conn *c)
{
	struct msg *m = c->out;
	struct sim_op o = { 0 };
	uint8_t oid[64];

	if (!m || c->failed)
		return false;
	sim_release(c);
	sim_unlink(c, m);
	if (m->type == MSG_OSD_BACKOFF) {
		c->acked = true;
		c->blocking = c->block.op == OSD_BACKOFF_BLOCK;
		msg_free(m);
		return true;
	}
	sim_op_decode(m, &o);
	memcpy(oid, o.oid.p, o.oid.len);
	o.oid.p = oid;
	c->held = m; /* the kernel gives it back a little later, or now */
	if (!sim.hold && sim_chance(70))
		sim_release(c);
	sim_take(c, &o);
	return true;
}

/* An OSD lets go of what it held back. */
static inline bool sim_unblock(struct conn *c)
{
	if (c->block.op != OSD_BACKOFF_BLOCK || c->failed)
		return false;
	/* What was sent before the acknowledgement is still thrown away: the client sends it again. */
	c->blocking = !c->acked;
	sim_backoff(c, OSD_BACKOFF_UNBLOCK);
	return true;
}

static inline struct conn *sim_conn(uint32_t nth)
{
	struct conn *c;
	uint32_t n = 0;

	TAILQ_FOREACH(c, &sim.conns, link)
	n++;
	if (!n)
		return NULL;
	c = TAILQ_FIRST(&sim.conns);
	for (nth %= n; nth--;)
		c = TAILQ_NEXT(c, link);
	return c;
}

/* ---- its life ---- */

static inline void sim_on_map(void *arg, const struct osdmap *m)
{
	sim.maps_told++;
}

static inline void sim_on_blocklist(void *arg, bool yes)
{
	sim.blocklist_told += yes;
}

static inline void sim_on_stopped(void *arg)
{
	sim.stopped++;
}

static inline void sim_on_log(void *arg, enum log_level level, const char *line)
{
	snprintf(sim.last_line, sizeof sim.last_line, "%s", line);
}

static const struct osdc_ops sim_ops = { .map = sim_on_map, .blocklisted = sim_on_blocklist };

static inline void sim_load_chain(void)
{
	struct slice all = sim_file("chain_live.incs.gz");
	struct dec d = dec_init(all.p, all.len);

	for (uint32_t i = 1; i <= SIM_EPOCHS; i++) {
		NEED(dec_u32(&d) == i);
		sim.map[i] = dec_slice(&d);
	}
	NEED(!d.err && !dec_left(&d));
}

/* `o` NULL: defaults. The first epoch exists; nobody was told. */
static inline void sim_begin(uint64_t seed, const struct osdc_opts *o)
{
	static const struct osdc_opts defaults = { .modes = { CON_MODE_CRC }, .mode_count = 1, .nonce = 1 };
	struct slice map[SIM_EPOCHS + 1];

	memcpy(map, sim.map, sizeof map);
	memset(&sim, 0, sizeof sim);
	memcpy(sim.map, map, sizeof map);
	if (!sim.map[1].p)
		sim_load_chain();
	sim.rng = seed * 2 + 1;
	sim.now = 1000 * NS_PER_S;
	sim.tasks_end = &sim.tasks;
	sim.log = (struct log){ .level = LOG_WARN, .sink = sim_on_log };
	TAILQ_INIT(&sim.conns);
	sim_next_epoch();
	memcpy(sim.monmap.fsid, osdmap_fsid(sim.truth), 16);
	sim.monmap.epoch = 1;
	NEED(!osdc_new(NULL, &sim.log, NULL, o ? o : &defaults, &sim_ops, NULL, &sim.c));
	osdc_start(sim.c);
}

static inline void sim_to_epoch(uint32_t epoch)
{
	while (sim.epoch < epoch)
		NEED(sim_next_epoch());
}

/* Everything that is on its way arrives. False: nothing was. */
static inline bool sim_settle(void)
{
	bool any = false, more = true;
	struct conn *c;

	for (int round = 0; more && round < 10000; round++) {
		more = sim_mon();
		more |= sim_answer();
		sim_tasks();
		for (uint32_t i = 0; (c = sim_conn(i)) && i < 64; i++)
			more |= sim_osd(c);
		for (uint32_t i = 0; !sim.hold && (c = sim_conn(i)) && i < 64; i++)
			sim_release(c);
		sim_tasks();
		any |= more;
	}
	NEED(!more);
	return any;
}

static inline void sim_end(void)
{
	struct conn *c;

	osdc_stop(sim.c, sim_on_stopped);
	TAILQ_FOREACH(c, &sim.conns, link)
	NEED(!c);
	sim_tasks();
	NEED(sim.stopped == 1 && sim.expected == 0 && !sim.timers.count && !sim.subscribed && !sim.question);
	osdc_free(sim.c);
	osdmap_free(sim.truth);
}
