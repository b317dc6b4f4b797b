/* fuzz_osdc.c: an OSD client among OSDs that say anything: replies, backoffs and maps made of the input's
 * bytes, to requests that are new, sent, held, cancelled or long gone. Each request ends once, with its
 * memory its own.
 */
#include <assert.h>

#include "../unit/osd_sim_cluster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ASKS = 32, EPOCH = 30 };

struct ask {
	struct osd_req q; /* first */
	struct iovec iov[2];
	uint8_t buf[64];
	bool busy, released;
	struct conn_dest dest;
};
static struct ask asks[ASKS];
static unsigned ended, submitted;

static const uint8_t *in, *in_end;

static uint8_t byte(void)
{
	return in < in_end ? *in++ : 0;
}

static struct slice bytes(size_t n)
{
	struct slice s = { in, (uint32_t)(n < (size_t)(in_end - in) ? n : (size_t)(in_end - in)) };

	in += s.len;
	return s;
}

static void done(struct osd_req *q, int result)
{
	struct ask *a = (struct ask *)q;

	assert(a->busy && !q->lent);
	a->busy = false;
	ended++;
	for (unsigned i = 0; q->reply && i < q->reply->op_count; i++) {
		struct slice s = osd_req_output(q, i);

		for (uint32_t k = 0; k < s.len; k++)
			(void)((const volatile uint8_t *)s.p)[k];
	}
}

static void submit(void)
{
	struct ask *a = &asks[byte() % ASKS];
	uint8_t kind = byte();

	if (a->busy)
		return;
	a->iov[0] = (struct iovec){ a->buf, 20 };
	a->iov[1] = (struct iovec){ a->buf + 30, 30 };
	osd_req_init(&a->q, 1 + kind % 6, (struct slice){ 0 }, "oa", 2);
	a->q.done = done;
	a->q.flags = kind & 0x80 ? OSD_FLAG_BALANCE_READS : kind & 0x40 ? OSD_FLAG_FULL_TRY : 0;
	if (kind & 0x10)
		osd_op_stat(osd_req_op(&a->q));
	if (kind & 0x20)
		osd_req_write(&a->q, OSD_OP_APPEND, 0, 50, (struct osd_trunc){ 0 }, a->iov, 2);
	else
		osd_req_read(&a->q, 0, 50, (struct osd_trunc){ 0 }, a->iov, 2);
	if (kind & 8)
		a->q.deadline_ns = sim.now + NS_PER_S * 3;
	a->busy = !osdc_submit(sim.c, &a->q);
	submitted += a->busy;
}

/* A message of any type, to a tid that may be one of ours; its front perhaps a plausible reply. */
static void message(struct conn *c)
{
	static const uint16_t types[] = { MSG_OSD_OPREPLY, MSG_OSD_OPREPLY, MSG_OSD_BACKOFF, MSG_OSD_MAP, 7 };
	uint8_t kind = byte();
	struct ask *a = &asks[byte() % ASKS];
	struct sim_op o = { .tid = a->q.id.tid, .attempt = (int8_t)byte(), .code = OSD_OP_READ };
	struct slice s;
	struct msg_in m = { .type = types[kind % 5], .tid = o.tid, .version = kind & 0x20 ? 7 : 8 };

	if (kind & 0x40) { /* plausible */
		o.attempt = a->q.attempt;
		s = bytes(byte());
		sim_reply(c, &o, -(int8_t)byte(), s.p, s.len, kind & 0x80);
		return;
	}
	if (kind & 0x10 && a->busy && a->q.dest && !a->dest.released) {
		m.data_len = byte();
		if (!c->ops->dest(c->arg, &m, &a->dest))
			a->dest.released = NULL;
		return;
	}
	s = bytes(byte() * 2);
	m.front = s.p;
	m.front_len = s.len;
	s = bytes(byte());
	m.data = s.p;
	m.data_len = s.len;
	m.placed = m.data_len && kind & 0x80;
	if (m.placed)
		m.data = NULL;
	c->ops->message(c->arg, &m);
}

/* A backoff that its client must heed. */
static void backoff(struct conn *c)
{
	const struct osd_target *t = &asks[byte() % ASKS].q.target;
	uint8_t kind = byte();
	struct osd_backoff_msg b = {
		.pg = { t->pool, t->seed, t->shard },
		.op = kind & 1 ? OSD_BACKOFF_BLOCK : OSD_BACKOFF_UNBLOCK,
		.id = kind >> 5,
		.begin = { .pool = t->pool, .hash = kind & 2 ? t->hash : 0 },
		.end = { .pool = t->pool, .max = kind & 4, .hash = t->hash },
	};
	struct msg_in m;
	struct enc e;

	enc_init(&e);
	osd_backoff_encode(&e, &b);
	m = sim_msg(MSG_OSD_BACKOFF, 1, &e);
	c->ops->message(c->arg, &m);
	enc_free(&e);
}

static void give_back(struct ask *a)
{
	void (*released)(void *arg) = a->dest.released;

	a->dest.released = NULL;
	if (released)
		released(a->dest.arg);
}

static void step(void)
{
	struct conn *c = sim_conn(byte());

	switch (byte() % 10) {
	case 0:
	case 1:
		submit();
		break;
	case 2:
	case 3:
		if (c)
			message(c);
		break;
	case 4:
		if (c)
			backoff(c);
		break;
	case 5:
		if (c)
			sim_fault(c, byte() & 1 ? -ECONNRESET : -EACCES);
		break;
	case 6:
		sim_advance((uint64_t)byte() * 100000000);
		break;
	case 7: {
		struct ask *a = &asks[byte() % ASKS];

		if (a->busy)
			osdc_cancel(&a->q, -EINTR);
		break;
	}
	case 8:
		give_back(&asks[byte() % ASKS]);
		break;
	case 9:
		if (c && c->out) {
			struct msg *m = c->out;

			sim_release(c);
			sim_unlink(c, m);
			c->held = m;
		}
		sim_mon();
		break;
	}
	if (byte() & 1)
		sim_tasks();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(asks, 0, sizeof asks);
	ended = submitted = 0;
	sim_careless = true;
	in = data;
	in_end = data + size;
	sim_begin(1, NULL);
	sim_to_epoch(EPOCH);
	while (osdc_epoch(sim.c) < EPOCH) {
		osdc_want_map(sim.c);
		sim_mon();
	}
	while (in < in_end)
		step();
	for (unsigned i = 0; i < ASKS; i++)
		give_back(&asks[i]);
	sim_end();
	assert(ended == submitted);
	return 0;
}
