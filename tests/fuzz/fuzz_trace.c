/* What an MDS may send in any order: replies, pushes, leases, session messages. Whatever they say, the cache
 * keeps its invariants and nothing is touched after it is gone. Input: records of { type selector, length,
 * bytes }. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "meta/meta.h"
#include "meta/session_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ring *ring;
static struct log quiet;

static struct session *session_make(struct meta *m, int rank)
{
	struct session *s = mem_alloc(sizeof *s);

	s->m = m;
	s->rank = rank;
	s->state = SESS_OPEN;
	s->cap_gen = 1;
	s->cap_ttl_ns = ring_now(ring) + 60000000000ull;
	TAILQ_INIT(&s->caps);
	TAILQ_INIT(&s->waiting);
	m->session[rank] = s;
	return s;
}

static void check(struct meta *m)
{
	for (int r = 0; r < 2; r++) {
		const struct cap *c;

		if (!m->session[r])
			continue;
		TAILQ_FOREACH(c, &m->session[r]->caps, by_session)
		if (caps_check(c->inode))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = { MSG_CLIENT_REPLY,   MSG_CLIENT_CAPS,  MSG_CLIENT_LEASE,
					  MSG_CLIENT_SESSION, MSG_CLIENT_QUOTA, MSG_CLIENT_FORWARD,
					  MSG_CLIENT_SNAP,    MSG_CLIENT_REPLY };
	struct meta_opts o = {
		.cache_bytes = 20000, .max_ops = 8, .entity_id = "f", .hostname = "f", .root = "/"
	};
	struct session *s[2];
	struct meta m;

	if (!ring && ring_new(&(struct ring_opts){ .cpu = -1 }, &ring, NULL, 0))
		abort();
	if (meta_init(&m, ring, &quiet, &o) || meta_start(&m))
		abort();
	m.map = mem_alloc(sizeof *m.map);
	m.map->session_timeout = 60;
	m.map->rank_count = 2;
	for (int r = 0; r < 2; r++) {
		m.map->rank[r] = (struct mds_info){
			.gid = 1 + (uint64_t)r, .rank = r, .state = MDS_STATE_ACTIVE, .present = true
		};
		s[r] = session_make(&m, r);
	}
	while (size >= 4) {
		uint8_t sel = data[0];
		size_t len = data[1] | (size_t)data[2] << 8;
		struct msg_in in = { .type = types[sel & 7], .version = data[3] & 15, .front = data + 4 };
		struct session *from = s[sel >> 3 & 1];

		data += 4;
		size -= 4;
		in.front_len = (uint32_t)(len < size ? len : size);
		data += in.front_len;
		size -= in.front_len;
		if (in.type == MSG_CLIENT_REPLY) {
			struct mreq *r = mreq_new(&m, MDS_OP_LOOKUP, NULL, "x", 1);

			if (!r)
				break;
			/* As if it had been sent there. */
			r->id.tid = ++m.last_tid;
			r->state = MREQ_SENT;
			r->session = from;
			from->in_flight++;
			ring_expect(ring, 1);
			TAILQ_INSERT_TAIL(&m.in_order, r, order);
			tid_put(&m.requests, &r->id);
			in.tid = r->id.tid;
		}
		session_message(from, &in);
		check(&m);
	}
	m.stopping = true;
	mreqs_fail_all(&m, -1);
	ring_run(ring, 0);
	meta_fini(&m);
	return 0;
}
