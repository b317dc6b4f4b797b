/* Snap traces and client_snap pushes one after the other, over a few inodes some of which are dirty: whatever
 * they say, the realms stay a tree with the contexts that follow from it, and all of it goes with the inodes.
 *
 * Input: records. A byte says what comes: a trace or push as it is (u16 length, bytes), or one made up from
 * small numbers, so that realms meet again: moves, splits and circles are a matter of few bytes then. */
#include <stdlib.h>
#include <string.h>
#include "meta/meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INODES = 8, REALMS = 16, CHAIN = 6 };

static struct ring *ring;
static struct log quiet;

struct input {
	const uint8_t *p, *end;
};

static uint8_t byte(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static struct slice run(struct input *in)
{
	uint32_t len = byte(in) | (uint32_t)byte(in) << 8;
	struct slice s = { in->p, len < (size_t)(in->end - in->p) ? len : (uint32_t)(in->end - in->p) };

	in->p += s.len;
	return s;
}

static void check(struct meta *m)
{
	const struct inode_use *u;

	if (realms_check(m))
		abort();
	LIST_FOREACH(u, &m->in_use, in_use)
	if (caps_check(u->inode))
		abort();
}

/* A chain of small numbers, the last of them usually without parent. */
static void made_up(struct input *in, struct enc *e, bool wrapped)
{
	uint64_t ino[CHAIN];
	unsigned count = 1 + byte(in) % CHAIN;
	uint8_t how = byte(in);

	for (unsigned n = 0; n < count; n++)
		ino[n] = 1 + byte(in) % REALMS;
	for (unsigned n = 0; n < count; n++) {
		size_t mark = wrapped ? enc_section(e, 1, 1) : 0;
		unsigned snaps = byte(in) & 3;
		uint8_t seq = byte(in);

		enc_u64(e, ino[n]);
		enc_u64(e, seq & how);
		enc_u64(e, n + 1 < count ? ino[n + 1] : how >> 7);
		enc_u64(e, byte(in));
		enc_u64(e, seq);
		enc_u32(e, snaps);
		enc_u32(e, how & 1);
		for (unsigned k = 0; k < snaps + (how & 1); k++)
			enc_u64(e, byte(in));
		if (wrapped) {
			enc_zero(e, 16);
			enc_close(e, mark);
		}
	}
}

static void push(struct meta *m, struct session *s, struct input *in, struct slice trace)
{
	uint8_t lists[2][64] = { { 0 } };
	struct snap_msg msg = { .op = byte(in) & 3, .split = 1 + byte(in) % REALMS, .trace = trace };

	msg.split_inos = (struct slice){ lists[0], (byte(in) % 8) * 8u };
	msg.split_realms = (struct slice){ lists[1], (byte(in) % 8) * 8u };
	for (uint32_t n = 0; n < msg.split_inos.len; n += 8)
		lists[0][n] = byte(in) % INODES;
	for (uint32_t n = 0; n < msg.split_realms.len; n += 8)
		lists[1][n] = 1 + byte(in) % REALMS;
	realm_handle_snap(m, s, &msg);
}

static void step(struct meta *m, struct session *s, struct input *in)
{
	uint8_t what = byte(in);
	struct inode *i = inode_find(&m->cache, 1 + byte(in) % INODES, SNAP_HEAD);
	struct slice t;
	struct enc e;

	enc_init(&e);
	s->features = what & 0x80 ? 1u << 19 : 0;
	if (what & 1)
		made_up(in, &e, s->features != 0);
	t = what & 1 ? (struct slice){ e.buf, (uint32_t)e.len } : run(in);
	switch (what >> 1 & 3) {
	case 0:
		realm_trace(m, s, t);
		break;
	case 1:
		push(m, s, in, t);
		break;
	case 2:
		realm_set(m, i, byte(in) % (REALMS + 1));
		break;
	default:
		caps_mark_dirty(m, i, CAP_AX, 0, 0);
	}
	enc_free(&e);
}

static void inodes_make(struct meta *m, struct session *s)
{
	for (uint64_t n = 0; n < INODES; n++) {
		struct inode_stat st = { .ino = 1 + n,
					 .snapid = SNAP_HEAD,
					 .version = 2,
					 .mode = 0100644,
					 .nlink = 1,
					 .dir_pin = -1,
					 .cap = { .caps = CAP_STAT_ALL | CAP_AX,
						  .seq = 1,
						  .cap_id = 100 + n,
						  .realm = 1,
						  .flags = 1 } };

		if (!trace_inode(m, s, &st))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct meta_opts o = {
		.cache_bytes = 1 << 20, .max_ops = 8, .entity_id = "f", .hostname = "f", .root = "/"
	};
	struct input in = { data, data + size };
	struct session *s = mem_alloc(sizeof *s);
	struct meta m;

	if (!ring && ring_new(&(struct ring_opts){ .cpu = -1 }, &ring, NULL, 0))
		abort();
	if (meta_init(&m, ring, &quiet, &o) || meta_start(&m))
		abort();
	m.map = mem_alloc(sizeof *m.map);
	m.map->session_timeout = 60;
	m.map->rank_count = 1;
	s->m = &m;
	s->state = SESS_OPEN;
	s->cap_gen = 1;
	s->cap_ttl_ns = ring_now(ring) + 60000000000ull;
	TAILQ_INIT(&s->caps);
	TAILQ_INIT(&s->waiting);
	m.session[0] = s;
	inodes_make(&m, s);
	while (in.p < in.end) {
		step(&m, s, &in);
		check(&m);
	}
	meta_fini(&m);
	return 0;
}
